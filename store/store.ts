import { EventEmitter } from 'node:events'
import { readdirSync, realpathSync, rmdirSync } from 'node:fs'
import { supported } from './attribute.js'
import { codeOf, StoreError, translated } from './error.js'
import { facts as statsOf, removeTree, temporaryPrefix, makeDirectories } from './file.js'
import { History, type HistoryOptions } from './history/history.js'
import { Home, type HomeOptions } from './home.js'
import { Presence } from './presence.js'
import type { Describe } from './index/fact.js'
import { fileName } from './name.js'
import { Pace } from './pace.js'
import { entries, namingIn, type Naming } from './scan.js'
import { Watcher } from './watch.js'
import { finishAsides } from './aside.js'
import type { Writing } from './write.js'

/** What a store is opened with. Paths are absolute. */
export interface StoreOptions {
  /** What people own: `documents/`. */
  readonly documents: string
  /** Disposable: indexes. */
  readonly state: string
  readonly durable: boolean
  /** Where and how long former versions are kept; without it they are not. */
  readonly history?: Pick<HistoryOptions, 'directory' | 'days' | 'bytes'> | undefined
  /** Another process may serve this tree: its drafts are left alone. */
  readonly isGuest?: boolean
  /** Seconds between comparisons of everything with the disk, for file systems without events; 0 = never. */
  readonly sweepSeconds: number
  /** Seconds between comparisons of what the system lets nobody watch; 60 without. */
  readonly unwatchedSeconds?: number
  readonly describe: Describe
  readonly knowledge?: HomeOptions['knowledge']
  readonly holdsObjects: HomeOptions['holdsObjects']
  readonly isOlder?: HomeOptions['isOlder']
  /** How many directory names lead to a home (`calendars/users/alice` = 3). */
  readonly homeDepth: number
  /** Homes that lie higher up, by path: `calendars/public`. */
  readonly shallow?: readonly string[]
  readonly report: (message: string) => void
}

/** A change in a collection, by whomever. */
export interface StoreChange { readonly home: string, readonly collection: string }

const mostOpen = 100
/** After the last event (ms): events only say where to look, and come in bursts. */
const quiet = 40
const longestWait = 400

/** All homes on disk. Emits `change` (`StoreChange`). */
export class Store extends EventEmitter<{ change: [StoreChange] }> {
  readonly writing: Writing
  readonly documents: string
  /** Whether the documents' file system keeps extended attributes; if not, sidecars hold all properties. */
  keepsAttributes = true
  readonly #options: StoreOptions
  readonly #presence: Presence
  #isPresent = false
  #isStarted = false
  readonly #ending = new AbortController()
  /** How the documents' file system takes names. */
  #naming: Naming = { foldsCase: false, isNarrow: false }
  readonly #homes = new Map<string, Home>()
  readonly #pending = new Map<string, { home: Home, path: string }>()
  #timer: NodeJS.Timeout | undefined
  #deadline = 0
  #sweep: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined
  #nextSweep: Promise<void> | undefined
  #unwatched: NodeJS.Timeout | undefined
  #checkpoint: NodeJS.Timeout | undefined
  #watcher: Watcher | undefined
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor (options: StoreOptions) {
    super()
    this.setMaxListeners(0)
    this.#options = { ...options, documents: real(options.documents) }
    this.documents = this.#options.documents
    // what others have begun must not be cleared away by a server that starts
    const drafts = `${this.documents}/.drafts${options.isGuest === true ? `/guest-${process.pid}` : ''}`
    makeDirectories(options.state)
    this.#presence = new Presence(this.documents, options.state)
    const history = new History({ directory: `${options.state}/history`, days: () => 0, bytes: () => 0, ...options.history, documents: this.documents, report: options.report })
    this.writing = { drafts, state: options.state, durable: options.durable, history }
    const problem = this.#arrive()
    if (problem !== undefined) options.report(problem)
  }

  /** Prepares the documents when they are there, for the first time. @returns why they are not served */
  #arrive (): string | undefined {
    const { documents, isGuest, report } = this.#options
    const problem = this.#presence.problem()
    if (problem !== undefined || this.#isPresent) return problem
    makeDirectories(documents)
    void this.#presence.problem()
    if (isGuest !== true) removeDrafts(this.writing.drafts, report)
    makeDirectories(this.writing.drafts)
    if (isGuest !== true) void this.#inBackground(async () => { await finishAsides(this.writing) })
    this.keepsAttributes = supported(this.writing.drafts)
    this.#naming = namingIn(this.writing.drafts)
    if (!this.keepsAttributes) {
      report(`the file system of ${documents} keeps no extended attributes: names, colours and other properties are kept in .properties.json files only`)
    }
    this.#isPresent = true
    if (this.#isStarted) {
      report(`${documents} is there now`)
      void this.#inBackground(async () => { await this.#watch() })
    }
    return undefined
  }

  /** The home at a path below the documents (decoded segments); `undefined` when there is no such directory. */
  home (segments: readonly string[]): Home | undefined {
    this.#demandDocuments()
    const path = segments.join('/')
    const known = this.#homes.get(path)
    if (known !== undefined) {
      if (statsOf(known.directory)?.isDirectory() !== true) {
        known.list()
        if (statsOf(known.directory)?.isDirectory() !== true) return undefined
      }
      this.#homes.delete(path)
      this.#homes.set(path, known)
      if (!known.isOpen) this.#closeIdle()
      return known
    }
    if (!isPlainDirectory(this.documents, segments)) return undefined
    const home = this.#made(segments)
    this.#closeIdle()
    return home
  }

  #made (segments: readonly string[]): Home {
    const path = segments.join('/')
    const home: Home = new Home({
      path,
      directory: `${this.documents}/${path}`,
      indexFile: `${this.#options.state}/index/${path}.sqlite`,
      describe: this.#options.describe,
      knowledge: this.#options.knowledge,
      holdsObjects: this.#options.holdsObjects,
      history: this.writing.history,
      isOlder: this.#options.isOlder,
      isGuest: this.#options.isGuest,
      changed: collection => { this.#changed(home, collection) },
      met: (directory, inode) => { this.#watcher?.follow(directory, inode) },
      lost: directory => { this.#watcher?.leave(directory) },
      naming: () => this.#naming,
      report: this.#options.report
    })
    this.#homes.set(path, home)
    return home
  }

  // a mount that is gone, or another directory in its place, must not look as if everything had been deleted
  #demandDocuments (): void {
    const problem = this.#arrive()
    if (problem !== undefined) throw new StoreError('read-only', problem)
  }

  #closeIdle (): void {
    const open = [...this.#homes.values()].filter(home => home.isOpen)
    for (const home of open.slice(0, Math.max(0, open.length - mostOpen))) if (!home.isBusy) home.close()
  }

  /** Makes the directories of a home; there is nothing in it. @throws StoreError */
  makeHome (segments: readonly string[]): Home {
    this.#demandDocuments()
    this.#lookForLost(segments)
    let path = this.documents
    for (const segment of segments) {
      path += `/${fileName(segment)}`
      makeDirectories(path)
      if (statsOf(path)?.isDirectory() !== true) throw new StoreError('exists', `${path} is not a directory (links are not followed)`)
    }
    const home = this.home(segments)
    if (home === undefined) throw new StoreError('missing', `${path} was removed while it was made`)
    return home
  }

  #changed (home: Home, collection: string): void {
    if (this.#closed) return
    // what is told has happened: a listener that fails must not make it undone
    for (const listener of this.rawListeners('change')) {
      this.#attempt(`tell about a change in ${home.path}/${collection}`, () => { listener.call(this, { home: home.path, collection }) })
    }
    this.#checkpoint ??= setTimeout(() => {
      this.#checkpoint = undefined
      for (const open of this.#homes.values()) if (open.isOpen) this.#attempt(`write the index of ${open.path}`, () => {
        open.noteMarks()
        open.index.checkpoint()
      })
    }, 5000).unref()
  }

  /** Work that nobody waits for, so that nobody else would hear of its failure. */
  #attempt (what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#report(what, error)
    }
  }

  #report (what: string, error: unknown): void {
    this.#options.report(`cannot ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }

  /** Starts watching, and comparing every home with its index, latest used first. */
  async start (): Promise<void> {
    this.#isStarted = true
    void this.writing.history.tidyForEver(this.#ending.signal)
    if (this.#options.sweepSeconds > 0) this.#sweep = setInterval(() => { void this.sweep() }, this.#options.sweepSeconds * 1000).unref()
    if (this.#isPresent) await this.#watch()
  }

  async #watch (): Promise<void> {
    const watcher = new Watcher(this.documents, this.#options.homeDepth, {
      notice: (directory, names) => { this.#attempt(`follow a change in ${directory}`, () => { this.#notice(directory, names) }) },
      missed: () => { void this.sweep() },
      trouble: this.#options.report
    })
    this.#watcher = watcher
    await watcher.ready
    if (this.#closed) return
    for (const home of this.#homes.values()) for (const { directory, inode } of home.directories()) watcher.follow(directory, inode)
    void this.#inBackground(async () => { await this.#followAll(watcher) }).then(async () => { await this.sweep() })
    this.#unwatched = setInterval(() => { if (!watcher.isComplete && this.#sweeping === undefined) void this.#compareHomes(watcher) }, (this.#options.unwatchedSeconds ?? 60) * 1000).unref()
  }

  // before they are compared, which takes its time: collections that lie deeper are met then
  async #followAll (watcher: Watcher): Promise<void> {
    const pace = new Pace()
    for (const segments of this.#homePaths()) {
      const home = [this.documents, ...segments].join('/')
      for (const directory of [home, ...directoriesIn(home).map(name => `${home}/${name}`)]) {
        const stats = statsOf(directory)
        if (stats?.isDirectory() === true) watcher.follow(directory, stats.ino)
      }
      await pace.rest()
      if (this.#closed) return
    }
  }

  /** Compares every home that exists with its index. One that is called while another is under way begins when that ends. */
  async sweep (): Promise<void> {
    if (this.#sweeping === undefined) return await this.#startSweep()
    this.#nextSweep ??= this.#sweeping.then(async () => {
      this.#nextSweep = undefined
      await this.#startSweep()
    })
    await this.#nextSweep
  }

  async #startSweep (): Promise<void> {
    this.#sweeping = this.#compareHomes(undefined).finally(() => { this.#sweeping = undefined })
    await this.#sweeping
  }

  /** @param watcher  only what it cannot follow is compared */
  async #compareHomes (watcher: Watcher | undefined): Promise<void> {
    await this.#inBackground(async () => {
      const problem = this.#arrive()
      if (problem !== undefined) throw new StoreError('read-only', problem)
      const pace = new Pace()
      for (const segments of [...this.#homePaths(), ...this.#lostHomes()]) {
        if (this.#closed) return
        try {
          const home = this.home(segments) ?? this.#homes.get(segments.join('/'))
          if (home !== undefined) await this.#compareAll(home, watcher, pace)
        } catch (error) {
          this.#report(`compare ${segments.join('/')} with its index`, error)
        }
        await pace.rest()
      }
    })
  }

  async #compareAll (home: Home, watcher: Watcher | undefined, pace: Pace): Promise<void> {
    home.list()
    const unwatched = new Set(home.directories().filter(({ directory }) => watcher?.follows(directory) !== true).map(({ directory }) => directory))
    // the limit may have been raised
    if (watcher !== undefined) for (const { directory, inode } of home.directories()) watcher.follow(directory, inode)
    const paths = ['']
    for (let path = paths.shift(); path !== undefined && !this.#closed; path = paths.shift()) {
      const collection = home.collection(path)
      if (collection === undefined) continue
      if (unwatched.has(collection.directory)) {
        home.suspect(path, undefined)
        await home.fresh(collection)
        await pace.rest()
      }
      paths.push(...home.children(path).map(child => child.path))
    }
  }

  /** Work that `close` waits for. */
  async #inBackground (work: () => Promise<void>): Promise<void> {
    const running = work().catch((error: unknown) => { this.#report('compare the documents with their indexes', error) })
    this.#running.add(running)
    await running
    this.#running.delete(running)
  }

  /** Homes that have an index and no directory any more: what was in them was removed by hand while nobody looked. */
  #lostHomes (): string[][] {
    const lost = indexesIn(`${this.#options.state}/index`, []).filter(segments => !isPlainDirectory(this.documents, segments))
    for (const segments of lost) if (!this.#homes.has(segments.join('/'))) this.#made(segments)
    return lost
  }

  // what is made again must not hide that it was missing
  #lookForLost (segments: readonly string[]): void {
    const path = segments.join('/')
    if (isPlainDirectory(this.documents, segments) || statsOf(`${this.#options.state}/index/${path}.sqlite`) === undefined) return
    const lost = this.#homes.get(path) ?? this.#made(segments)
    lost.list()
  }

  #homePaths (): string[][] {
    const shallow = this.#options.shallow ?? []
    let paths: string[][] = [[]]
    for (let depth = 0; depth < this.#options.homeDepth; depth++) {
      paths = paths.flatMap(path => shallow.includes(path.join('/')) ? [path] : directoriesIn([this.documents, ...path].join('/')).map(name => [...path, name]))
    }
    const used = new Map([...this.#homes.keys()].map((path, rank) => [path, rank]))
    const rank = (path: string[]): number => used.get(path.join('/')) ?? -1
    return paths.sort((a, b) => rank(b) - rank(a))
  }

  #notice (directory: string, names: readonly string[] | undefined): void {
    if (this.#closed) return
    const segments = directory === '' ? [] : directory.split('/')
    if (segments.length >= this.#depthOf(segments)) this.#suspect(segments, names)
    else for (const name of names ?? []) if (this.#depthOf([...segments, name]) === segments.length + 1) this.#suspect([...segments, name], undefined)
  }

  #suspect (segments: readonly string[], names: readonly string[] | undefined): void {
    const depth = this.#depthOf(segments)
    const home = this.home(segments.slice(0, depth)) ?? this.#homes.get(segments.slice(0, depth).join('/'))
    if (home === undefined) return
    const path = segments.slice(depth).join('/')
    for (const name of names ?? [undefined]) home.suspect(path, name)
    this.#pending.set(`${home.path}\n${path}`, { home, path })
    this.#later()
  }

  /** How many names of a path lead to its home. */
  #depthOf (segments: readonly string[]): number {
    const shallow = this.#options.shallow?.find(path => segments.slice(0, path.split('/').length).join('/') === path)
    return shallow === undefined ? this.#options.homeDepth : shallow.split('/').length
  }

  #later (): void {
    const now = Date.now()
    if (this.#timer === undefined) this.#deadline = now + longestWait
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { void this.#inBackground(async () => { await this.#look() }) }, Math.max(0, Math.min(quiet, this.#deadline - now)))
  }

  async #look (): Promise<void> {
    this.#timer = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { home, path } of pending) {
      if (this.#closed) return
      try {
        if (home.collection(path)?.holdsObjects !== true) home.list()
        await freshBelow(home, path)
      } catch (error) {
        this.#report(`follow a change in ${home.path}/${path}`, error)
      }
    }
  }

  /** Stops watching and closes every index. */
  async close (): Promise<void> {
    this.#closed = true
    this.#ending.abort()
    clearTimeout(this.#timer)
    clearInterval(this.#sweep)
    clearInterval(this.#unwatched)
    clearTimeout(this.#checkpoint)
    for (const home of this.#homes.values()) home.stop()
    await this.#watcher?.close()
    await Promise.all(this.#running)
    await Promise.all([...this.#homes.values()].map(async home => { await home.idle() }))
    for (const home of this.#homes.values()) home.close()
    if (this.#options.isGuest === true) removeEmpty(this.writing.drafts)
  }
}

// what was in a directory before it was followed has no events of its own
async function freshBelow (home: Home, path: string): Promise<void> {
  const collection = home.collection(path)
  if (collection === undefined) return
  if (!home.isFresh(collection)) await home.fresh(collection)
  if (collection.holdsObjects) return
  for (const child of home.children(path)) await freshBelow(home, child.path)
}

function isPlainDirectory (root: string, segments: readonly string[]): boolean {
  let path = root
  for (const segment of segments) {
    path += `/${segment}`
    if (statsOf(path)?.isDirectory() !== true) return false
  }
  return true
}

function directoriesIn (path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(entry => entry.name)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw translated(error, `list ${path}`)
  }
}

/** The homes that have an index, as names below the documents. */
function indexesIn (directory: string, above: readonly string[]): string[][] {
  return entries(directory).flatMap(entry => entry.isDirectory()
    ? indexesIn(`${directory}/${entry.name}`, [...above, entry.name])
    : entry.name.endsWith('.sqlite') ? [[...above, entry.name.slice(0, -'.sqlite'.length)]] : [])
}

/** Where a link to the documents leads; the path itself when there is nothing yet. */
function real (path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function removeEmpty (directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // somebody's work was broken off: the next start of the server clears it
  }
}

// what a crash left behind: drafts that were never renamed into place
function removeDrafts (drafts: string, report: (message: string) => void): void {
  try {
    for (const name of readdirSync(drafts)) if (name.startsWith(temporaryPrefix) || isDeadGuest(name)) removeTree(`${drafts}/${name}`)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') report(`cannot clear ${drafts}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function isDeadGuest (name: string): boolean {
  const [, pid] = /^guest-(\d+)$/.exec(name) ?? []
  if (pid === undefined || Number(pid) === process.pid) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return codeOf(error) === 'ESRCH'
  }
}
