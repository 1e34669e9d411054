import { watch as watchTree } from 'chokidar'
import { watch as watchDirectory, type FSWatcher } from 'node:fs'
import { basename, dirname, relative, sep } from 'node:path'
import { codeOf } from './error.js'
import { isIgnored } from './name.js'
import { sidecarName } from './sidecar.js'

/** Something happened to `name` in a directory (below the root, `/` between); `undefined`: to any of its names. Where to look, not what is there. */
export type Notice = (directory: string, name: string | undefined) => void

/**
 * Watches a tree in two ways. chokidar keeps the levels down to the homes, where directories come and go. Directories of files
 * are followed one by one: chokidar would look at every file of a directory whenever one of them changes (28 ms of a PUT into
 * a calendar of 10,000), while one inotify watch names the file.
 */
export class Watcher {
  /** When the upper levels are watched. */
  readonly ready: Promise<void>
  readonly #root: string
  readonly #notice: Notice
  readonly #trouble: (message: string) => void
  readonly #tree: ReturnType<typeof watchTree>
  readonly #followed = new Map<string, { inode: number, watcher: FSWatcher }>()
  #told = false
  #closed = false

  /**
   * @param levels   how many levels of directories chokidar keeps: those above the followed ones
   * @param trouble  told once when watching fails, with what to do
   */
  constructor (root: string, levels: number, notice: Notice, trouble: (message: string) => void) {
    this.#root = root
    this.#notice = notice
    this.#trouble = trouble
    this.#tree = watchTree(root, {
      depth: levels - 1,
      ignored: (path, stats) => path !== root && (isIgnored(basename(path)) || /\.ics$/i.test(path) || (stats !== undefined && !stats.isDirectory())),
      ignoreInitial: true,
      followSymlinks: false
    })
    this.#tree.on('addDir', path => { this.#changedDirectory(path) })
    this.#tree.on('unlinkDir', path => { this.#changedDirectory(path) })
    this.#tree.on('error', error => { this.#fail(error) })
    this.ready = new Promise(resolve => { this.#tree.once('ready', () => { resolve() }) })
  }

  #below (path: string): string {
    return relative(this.#root, path).split(sep).join('/')
  }

  #changedDirectory (path: string): void {
    if (path === this.#root) return
    // what was put into a new directory before anybody watched it has no events of its own
    this.#notice(this.#below(path), undefined)
    this.#notice(this.#below(dirname(path)), basename(path))
  }

  /** Follows what happens to the files of a directory. Look at all of them afterwards: what came before has no events. */
  follow (directory: string, inode: number): void {
    const known = this.#followed.get(directory)
    if (known?.inode === inode || this.#closed) return
    known?.watcher.close()
    this.#followed.delete(directory)
    const place = this.#below(directory)
    try {
      const watcher = watchDirectory(directory, { persistent: false }, (_event, name) => {
        if (name === null || name === sidecarName || name === basename(directory)) this.#notice(place, undefined)
        else if (!isIgnored(name)) this.#notice(place, name)
      })
      watcher.on('error', error => { this.#fail(error) })
      this.#followed.set(directory, { inode, watcher })
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#fail(error)
    }
  }

  /** Stops following a directory that is gone. */
  leave (directory: string): void {
    this.#followed.get(directory)?.watcher.close()
    this.#followed.delete(directory)
  }

  #fail (error: unknown): void {
    if (this.#told || this.#closed) return
    this.#told = true
    this.#trouble(codeOf(error) === 'ENOSPC' || codeOf(error) === 'EMFILE'
      ? 'the system allows no more inotify watches: raise fs.inotify.max_user_watches with sysctl; until then changes made by hand are found by the periodic sweep'
      : `watching ${this.#root} failed (${error instanceof Error ? error.message : String(error)}); changes made by hand are found by the periodic sweep`)
  }

  async close (): Promise<void> {
    this.#closed = true
    for (const { watcher } of this.#followed.values()) watcher.close()
    this.#followed.clear()
    this.#tree.removeAllListeners()
    await this.#tree.close()
  }
}
