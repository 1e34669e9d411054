import { copyFileSync, constants, linkSync, rmSync, utimesSync } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import * as attribute from '../attribute.js'
import { codeOf, StoreError, translated } from '../error.js'
import { facts as statsOf, makeDirectories, rename, temporary } from '../file.js'
import { copyAside } from './copy.js'
import { expire } from './expire.js'
import { placeOf, type End } from './version.js'

/** How long and how much is kept. */
export interface HistoryOptions {
  /** Absolute; made when something is kept. */
  readonly directory: string
  /** What people own; absolute. */
  readonly documents: string
  /** Days that a version is kept; 0 = nothing is kept at all. */
  readonly days: () => number
  /** Bytes that all versions may take together; the oldest go first. 0 = as many as fit. */
  readonly bytes: () => number
  readonly report: (message: string) => void
}

/**
 * What was overwritten or deleted, as plain files. A version is a link to the former file (or the file itself, moved away), with its
 * attributes; nothing is copied as long as documents and history are on one file system.
 */
export class History {
  readonly directory: string
  readonly #options: HistoryOptions
  /** Directories that are known to be there. */
  readonly #made = new Set<string>()
  #hasTold = false

  constructor (options: HistoryOptions) {
    this.#options = options
    this.directory = options.directory
  }

  /** Whether anything is kept. */
  get isOn (): boolean {
    return this.#options.days() > 0
  }

  /** A path of the disk as versions have it: below the documents, `/` between. */
  pathOf (file: string): string {
    return relative(this.#options.documents, file).split(sep).join('/')
  }

  /**
   * Keeps the file that is about to be replaced: it gets a second name. Synchronous, to be called just before the rename.
   * @param file  absolute; nothing happens when it is not there or is no regular file
   * @throws StoreError full, read-only: what cannot be kept must not be replaced
   */
  keep (file: string, end: End = 'replaced'): void {
    if (!this.isOn || statsOf(file)?.isFile() !== true) return
    this.#put(this.pathOf(file), end, place => {
      try {
        linkSync(file, place)
      } catch (error) {
        if (!isNoLink(error)) throw error
        copyWhole(file, place)
      }
    })
  }

  /**
   * Takes a file or directory out of the documents and keeps it: one rename.
   * @returns `false` when it lies on another file system, or nothing is kept, and it is still where it was
   * @throws StoreError
   */
  takeAway (path: string, end: End = 'deleted'): boolean {
    return this.moveAway(path, end) !== undefined
  }

  /** As `takeAway`. @returns where it lies now, absolute; `undefined` when it is still where it was */
  moveAway (path: string, end: End): string | undefined {
    return this.isOn ? this.#moved(path, path, end, Date.now()) : undefined
  }

  #moved (from: string, path: string, end: End, at: number): string | undefined {
    let to: string | undefined
    try {
      this.#put(this.pathOf(path), end, place => {
        rename(from, place)
        to = place
      }, at)
      return to
    } catch (error) {
      if (causeOf(error) === 'EXDEV') return undefined
      throw error
    }
  }

  /**
   * Keeps a directory that was renamed out of sight: moved, or copied with its attributes when it lies on another file system.
   * On a full disk it is not kept, which is reported. Whoever calls removes what is still there.
   * @throws StoreError
   */
  async keepAside (aside: string, path: string, end: End, at: number): Promise<void> {
    const prepared = temporary(this.directory)
    try {
      if (this.#moved(aside, path, end, at) !== undefined) return
      await copyAside(aside, prepared)
      this.#put(this.pathOf(path), end, place => { rename(prepared, place) }, at)
    } catch (error) {
      rmSync(prepared, { recursive: true, force: true })
      // nobody could make room otherwise
      if (!(error instanceof StoreError && error.reason === 'full')) throw error
      this.#options.report(`${path} is gone and not kept: ${error.message}`)
    }
  }

  /**
   * Makes a version by what `make` writes at the path it is given; several calls at one moment get different names.
   * @param path  below the documents
   */
  make (path: string, end: End, at: number, make: (place: string) => void): void {
    if (this.isOn) this.#put(path, end, make, at)
  }

  #put (path: string, end: End, put: (place: string) => void, at = Date.now()): void {
    for (let moment = at; ; moment++) {
      const place = `${this.directory}/${placeOf(path, moment, end)}`
      if (statsOf(place) !== undefined) continue
      try {
        this.#ensure(dirname(place))
        put(place)
        return
      } catch (error) {
        const code = causeOf(error)
        if (code === 'EEXIST' || code === 'ENOTEMPTY') continue
        // it was tidied away since
        if (code === 'ENOENT' && this.#made.delete(dirname(place))) continue
        throw translated(error, `keep what was ${path}`)
      }
    }
  }

  #ensure (directory: string): void {
    if (this.#made.has(directory)) return
    makeDirectories(directory, 0o700)
    if (this.#made.size > 5000) this.#made.clear()
    this.#made.add(directory)
  }

  /**
   * Removes what is older than it has to be, and the oldest as long as all take too much.
   * @param isSure  the clock is right; otherwise nothing is too old
   */
  async tidy (isSure = true): Promise<void> {
    this.#made.clear()
    try {
      await expire(this.directory, { days: isSure ? this.#options.days() : Infinity, bytes: this.#options.bytes() }, Date.now())
      this.#hasTold = false
    } catch (error) {
      if (!this.#hasTold) this.#options.report(`cannot tidy ${this.directory}: ${error instanceof Error ? error.message : String(error)}`)
      this.#hasTold = true
    }
  }

  /** Tidies up now and then until told to stop. A clock that has just started, or was set, may be years ahead: it has to go on like that once. @param every  ms */
  async tidyForEver (signal: AbortSignal, every = 60 * 60 * 1000): Promise<void> {
    for (let before: number | undefined; !signal.aborted;) {
      const offset = Date.now() - performance.now()
      await this.tidy(before !== undefined && Math.abs(offset - before) < mostDrift)
      before = offset
      await later(every, undefined, { signal, ref: false }).catch(() => {})
    }
  }
}

/** A clock that moves by more (ms) against that of the process between two looks was set. */
const mostDrift = 60_000

/** The system's code of an error, translated or not. */
function causeOf (error: unknown): string | undefined {
  return codeOf(error instanceof StoreError ? error.cause : error)
}

// other file systems, FAT, and what has as many names as it can have
function isNoLink (error: unknown): boolean {
  return ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')
}

function copyWhole (from: string, to: string): void {
  const prepared = temporary(dirname(to))
  try {
    copyFileSync(from, prepared, constants.COPYFILE_EXCL)
    attribute.copy(from, prepared)
    // since when it was there is told by nothing else
    const stats = statsOf(from)
    if (stats !== undefined) utimesSync(prepared, stats.atime, stats.mtime)
    rename(prepared, to)
  } finally {
    rmSync(prepared, { force: true })
  }
}
