import { watch as watchTree } from 'chokidar'
import { readFileSync, watch as watchDirectory, type FSWatcher } from 'node:fs'
import { basename, dirname, relative, sep } from 'node:path'
import { codeOf } from './error.js'
import { isIgnored } from './name.js'
import { sidecarName } from './sidecar.js'

/** Something happened to these names in a directory (below the root, `/` between); `undefined`: to any of its names. Where to look, not what is there. */
export type Notice = (directory: string, names: readonly string[] | undefined) => void

/** Who is told what. */
export interface Listener {
  /** Called for each directory once a turn of the event loop, however often something happened. */
  readonly notice: Notice
  /** More happened than the system remembers: anything may have changed. */
  readonly missed: () => void
  /** Directories are not watched, or are again: one sentence for whoever runs the server. */
  readonly trouble: (message: string) => void
}

interface Followed { readonly inode: number, readonly watcher: FSWatcher }

/** Between the first watch that is refused and the words about it (ms): by then it is known how many are. */
const untilTold = 1000

/**
 * Watches a tree in two ways. chokidar keeps the levels down to the homes, where directories come and go. Directories of files
 * are followed one by one: chokidar would look at every file of a directory whenever one of them changes (28 ms of a PUT into
 * a calendar of 10,000), while one inotify watch names the file.
 */
export class Watcher {
  /** When the upper levels are watched, or it is closed. */
  readonly ready: Promise<void>
  #settle = (): void => {}
  readonly #root: string
  readonly #listener: Listener
  readonly #tree: ReturnType<typeof watchTree>
  readonly #followed = new Map<string, Followed>()
  /** Directories that the system lets nobody watch. */
  readonly #refused = new Set<string>()
  /** What happened in this turn of the event loop: the names by directory. */
  readonly #happened = new Map<string, Set<string> | 'any'>()
  #events = 0
  #turn: NodeJS.Immediate | undefined
  readonly #mostEvents = most('max_queued_events', 16_384) / 2
  #telling: NodeJS.Timeout | undefined
  #isTold = false
  #failure: unknown
  #treeFailed = false
  #closed = false

  /** @param levels  how many levels of directories chokidar keeps: those above the followed ones */
  constructor (root: string, levels: number, listener: Listener) {
    this.#root = root
    this.#listener = listener
    this.#tree = watchTree(root, {
      depth: levels - 1,
      ignored: (path, stats) => path !== root && (isIgnored(basename(path)) || /\.ics$/i.test(path) || (stats !== undefined && !stats.isDirectory())),
      ignoreInitial: true,
      followSymlinks: false
    })
    this.#tree.on('raw', () => { this.#count() })
    this.#tree.on('addDir', path => { this.#changedDirectory(path) })
    this.#tree.on('unlinkDir', path => { this.#changedDirectory(path) })
    this.#tree.on('error', error => {
      this.#treeFailed = true
      this.#fail(error)
    })
    this.ready = new Promise(resolve => {
      this.#settle = resolve
      this.#tree.once('ready', () => { resolve() })
    })
  }

  #below (path: string): string {
    return relative(this.#root, path).split(sep).join('/')
  }

  #changedDirectory (path: string): void {
    if (path === this.#root) return
    // what was put into a new directory before anybody watched it has no events of its own
    this.#note(this.#below(path), undefined)
    this.#note(this.#below(dirname(path)), basename(path))
  }

  /** Whether everything that happens is noticed: no watch was refused. */
  get isComplete (): boolean {
    return this.#refused.size === 0 && !this.#treeFailed
  }

  /** Whether what happens to the files of a directory is noticed. */
  follows (directory: string): boolean {
    return this.#followed.has(directory)
  }

  /** Follows what happens to the files of a directory. Look at all of them afterwards: what came before has no events. */
  follow (directory: string, inode: number): void {
    const known = this.#followed.get(directory)
    if (known?.inode === inode || this.#closed) return
    known?.watcher.close()
    this.#followed.delete(directory)
    const place = this.#below(directory)
    const own = basename(directory)
    try {
      const watcher = watchDirectory(directory, { persistent: false }, (event, name) => {
        this.#count()
        // it may be gone, and another one of its name have got its inode, as `rm -r` and `cp -r` do it
        if (event === 'rename' && name === own) this.#followAgain(directory, inode)
        if (name === null || name === sidecarName || name === own) this.#note(place, undefined)
        else if (!isIgnored(name)) this.#note(place, name)
      })
      watcher.on('error', error => { this.#fail(error) })
      this.#followed.set(directory, { inode, watcher })
      if (this.#refused.delete(directory) && this.isComplete) this.#recovered()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      this.#refused.add(directory)
      this.#fail(error)
    }
  }

  #followAgain (directory: string, inode: number): void {
    this.leave(directory)
    this.follow(directory, inode)
  }

  /** Stops following a directory that is gone. */
  leave (directory: string): void {
    this.#followed.get(directory)?.watcher.close()
    this.#followed.delete(directory)
    this.#refused.delete(directory)
  }

  // the system goes on handing over as long as there is something: all that can be told later is told later
  #note (place: string, name: string | undefined): void {
    const names = this.#happened.get(place)
    if (name === undefined) this.#happened.set(place, 'any')
    else if (names === undefined) this.#happened.set(place, new Set([name]))
    else if (names !== 'any') names.add(name)
    this.#later()
  }

  #count (): void {
    this.#events++
    this.#later()
  }

  #later (): void {
    if (!this.#closed) this.#turn ??= setImmediate(() => { this.#tell() })
  }

  #tell (): void {
    this.#turn = undefined
    const happened = [...this.#happened]
    // what overflows the queue of inotify is lost, and node does not say so; but it is lost only when the queue was full, and then all of that came in one turn
    const missed = this.#events >= this.#mostEvents
    this.#happened.clear()
    this.#events = 0
    for (const [place, names] of happened) this.#listener.notice(place, names === 'any' ? undefined : [...names])
    if (missed) this.#listener.missed()
  }

  #fail (error: unknown): void {
    this.#failure = error
    if (this.#isTold || this.#closed) return
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      if (this.isComplete && isLimit(error)) return
      this.#isTold = true
      this.#listener.trouble(this.#words())
    }, untilTold).unref()
  }

  #words (): string {
    if (!isLimit(this.#failure)) return `watching ${this.#root} failed (${this.#failure instanceof Error ? this.#failure.message : String(this.#failure)}); changes made by hand are found by comparing all files now and then`
    const [followed, all] = [this.#followed.size, this.#followed.size + this.#refused.size]
    const [setting, now] = codeOf(this.#failure) === 'EMFILE' ? ['max_user_instances', most('max_user_instances', 128)] : ['max_user_watches', mostWatches()]
    const enough = 2 ** Math.ceil(Math.log2(now + this.#refused.size + 1))
    return `${followed} of ${all} directories are watched, the system allows no more: in the others, changes made by hand are found by comparing the files every minute. ` +
      `To have all of them watched: sysctl fs.inotify.${setting}=${enough} (it is ${now} now, for all programs of a user together), and the same line in a file of /etc/sysctl.d/ for the next start of the system`
  }

  #recovered (): void {
    if (this.#isTold) this.#listener.trouble(`all ${this.#followed.size} directories are watched again`)
    this.#isTold = false
  }

  async close (): Promise<void> {
    this.#closed = true
    clearImmediate(this.#turn)
    clearTimeout(this.#telling)
    for (const { watcher } of this.#followed.values()) watcher.close()
    this.#followed.clear()
    this.#tree.removeAllListeners()
    await this.#tree.close()
    this.#settle()
  }
}

function isLimit (error: unknown): boolean {
  return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EMFILE'
}

// there is one for the machine and one for each namespace of users
function mostWatches (): number {
  return Math.min(most('max_user_watches', 8192), limit('/proc/sys/user/max_inotify_watches') ?? Infinity)
}

function most (setting: string, otherwise: number): number {
  return limit(`/proc/sys/fs/inotify/${setting}`) ?? otherwise
}

function limit (file: string): number | undefined {
  try {
    const value = Number(readFileSync(file, 'utf8'))
    return value > 0 ? value : undefined
  } catch {
    // no Linux: no inotify, no such limit
    return undefined
  }
}
