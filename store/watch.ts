import { watch as watchTree, type FSWatcher } from 'chokidar'
import { basename, dirname, relative, sep } from 'node:path'
import { isIgnored } from './name.js'

/** Something happened to `name` in a directory (both below the root); `undefined`: to any of its names. Where to look, not what is there. */
export type Notice = (directory: string, name: string | undefined) => void

/** A running watcher. */
export interface Watching {
  readonly ready: Promise<void>
  close: () => Promise<void>
}

/**
 * Watches the directories below a root: one inotify watch each, since files are ignored and their events come as `raw` ones
 * of their directory. A directory that appears is announced whole: what was put into it before its watch began has no events.
 * @param trouble  told when watching fails, with what to do
 */
export function watch (root: string, notice: Notice, trouble: (message: string) => void): Watching {
  const watcher = watchTree(root, {
    ignored: (path, stats) => path !== root && (isIgnored(basename(path)) || /\.ics$/i.test(path) || (stats !== undefined && !stats.isDirectory())),
    ignoreInitial: true,
    followSymlinks: false,
    persistent: true
  })
  const below = (path: string): string => relative(root, path).split(sep).join('/')
  const parentOf = (path: string): string => path === root ? '' : below(dirname(path))
  watcher.on('addDir', path => {
    notice(below(path), undefined)
    notice(parentOf(path), undefined)
  })
  watcher.on('unlinkDir', path => { notice(parentOf(path), undefined) })
  watcher.on('raw', (_event, name: string | null, details) => {
    const directory = (details as { watchedPath?: string } | undefined)?.watchedPath
    if (directory === undefined) return
    if (typeof name === 'string' && name !== '' && isIgnored(name) && !name.endsWith('.properties.json')) return
    notice(below(directory), typeof name === 'string' && name !== '' && name !== basename(directory) ? name : undefined)
  })
  let told = false
  watcher.on('error', error => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (told) return
    told = true
    trouble(code === 'ENOSPC'
      ? 'the system allows no more inotify watches: raise fs.inotify.max_user_watches with sysctl; until then changes made by hand are found by the periodic sweep'
      : `watching ${root} failed (${String(error)}); changes made by hand are found by the periodic sweep`)
  })
  return { ready: new Promise(resolve => { watcher.once('ready', () => { resolve() }) }), close: async () => { await closeWatcher(watcher) } }
}

async function closeWatcher (watcher: FSWatcher): Promise<void> {
  watcher.removeAllListeners()
  await watcher.close()
}
