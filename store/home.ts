import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import * as attribute from './attribute.js'
import { StoreError } from './error.js'
import { stampOf } from './etag.js'
import type { History } from './history/history.js'
import { keepFormers } from './history/former.js'
import { hasFormer, isFormer, latestByHand } from './history/list.js'
import { facts as statsOf, makeDirectories, read } from './file.js'
import type { Describe } from './index/fact.js'
import { listIn } from './index/access-list.js'
import { collectionRows, collectionsSince, idOf, loseCollection, noteMark, recordCollection, revisionBelow, revisionOf, takeAlong, type CollectionChange, type CollectionRow } from './index/collection.js'
import { revision, trim, trimmed, trimmedIn } from './index/journal.js'
import { isDamage, isRefused, openIndex, removeIndex, type Index } from './index/open.js'
import { tellProblem, updateUntil } from './index/catch-up.js'
import { forgetListings, listing, type Member } from './index/listing.js'
import { heldIn, heldProperties, missingStamp, type Held } from './index/held.js'
import { body } from './index/search.js'
import { hasRoom, isWritable, spareIndex } from './index/spare.js'
import { doubtSpans, holdFormer, forgetOthers, isCurrent, isUnreadable, learn, memberRow, removeMember, updateMember, type MemberRow, type Place } from './index/update.js'
import { fileName, isIgnored, otherSpelling } from './name.js'
import { slice } from './pace.js'
import { isEmpty, markOf, unmounted, wentBack } from './rollback.js'
import { entries, fileNames, removeDrafts, spelled, type Naming } from './scan.js'
import { fromJson, hashOf, heal, jsonOf, mirrored, properties, type Properties } from './property.js'

export type { Member } from './index/listing.js'

/** A directory of a home. Its members are files; the collections below it have entries of their own. */
export interface Collection {
  readonly id: number
  /** Below the home, `/` between, '' = the home itself. */
  readonly path: string
  readonly directory: string
  /** The `{DAV:}resourcetype` attribute as XML, `undefined` when it has none. */
  readonly resourcetype: string | undefined
  /** Its members are described, and served only when they can be. */
  readonly holdsObjects: boolean
}

/** How far a collection or home has come: `epoch` is new with each new index. */
export interface Progress { readonly epoch: string, readonly revision: number }

/** What a home is told by the store. */
export interface HomeOptions {
  /** Below the documents, decoded: `calendars/users/alice`. */
  readonly path: string
  readonly directory: string
  readonly indexFile: string
  readonly describe: Describe
  /** What `describe` knows besides the bytes, such as the version of the time zones: with another one it is asked again. */
  readonly knowledge?: string | undefined
  /** Whether the members of a collection are objects. `path` is below the home. */
  readonly holdsObjects: (path: string, resourcetype: string | undefined) => boolean
  /** Whether one body is an older state of another. */
  readonly isOlder?: ((one: Buffer, other: Buffer) => boolean) | undefined
  /** A collection whose files or properties changed, by whomever. */
  readonly changed: (home: Home, path: string) => void
  /** A directory was found, or is another one than before. */
  readonly met: (directory: string, inode: number) => void
  /** A directory is gone. */
  readonly lost: (directory: string) => void
  readonly report: (message: string) => void
  /** How the file system takes names; any without. */
  readonly naming?: (() => Naming) | undefined
  /** Where goes what was overwritten or removed by hand; without it nothing is kept. */
  readonly history?: History | undefined
  /** Another process may serve the home: its drafts are left alone, and what it has told is not told again. */
  readonly isGuest?: boolean | undefined
}

/** What this process knows of a directory that is there. */
interface Known {
  readonly collection: Collection
  /** Of the directory, up to which our index has followed. */
  stamp: string
  /** Of the directory, as `markOf` has it, up to which our index has followed. */
  mark: string
  /** What the index has noted of that. */
  noted: string
  /** It went back to an older state: what is missing is held until it has been compared. */
  isBack: boolean
  /** How many were held when that was found out. */
  heldBefore?: number | undefined
  /** Every file has been compared since the start. */
  compared: boolean
  /** Every file has to be compared again. */
  dirty: boolean
  /** Files that something happened to. */
  readonly suspects: Set<string>
}

/** One walk through the directories of a home. */
interface Walk {
  readonly rows: Map<string, CollectionRow>
  /** Paths that are there. */
  readonly found: Set<string>
  /** Paths to tell about when the index has been written. */
  readonly changed: string[]
}

/** So many names may lead from a home to a collection; what lies deeper is not served. */
export const deepest = 16
const mostSuspects = 1000
/** How long an index stays in memory before the disk is tried again (ms). */
const spareSpell = 5000
/** So many files that are still broken are named again after a restart, of each collection. */
const mostReminded = 20
/** So many are looked at while somebody waits; more are compared in turns. */
const fewSuspects = 20

/** One home: its directories, its index, and the comparison of the two. */
export class Home {
  readonly path: string
  readonly directory: string
  readonly #options: HomeOptions
  readonly #started = Date.now()
  #index: Index | undefined
  /** Epoch and revision of the index when it was closed. */
  #left = ''
  readonly #known = new Map<string, Known>()
  readonly #comparing = new Map<string, Promise<void>>()
  readonly #unreadable = new Set<string>()
  /** Collections of whose files it was said since the start which are not served as they are. */
  readonly #remembered = new Set<string>()
  #mending = Promise.resolve()
  #keeping: Promise<void> | undefined
  /** Paths of directories that are going by our own doing, and are kept. */
  readonly #leaving = new Set<string>()
  #listed = false
  /** It was missing, and what was in it is held. */
  #isHeldHome = false
  /** When the disk was last tried (performance.now). */
  #spareSince = 0
  #isBehind = false
  #stopped = false

  constructor (options: HomeOptions) {
    this.#options = options
    this.path = options.path
    this.directory = options.directory
  }

  /** The index, opened when it was closed; what is known goes with the index it was known of. */
  get index (): Index {
    if (this.#index?.isDamaged === true) this.#throwAway()
    if (this.#index === undefined) {
      this.#index = this.#opened()
      // somebody has deleted the file in the meantime, or put an older one there
      if (progressOf(this.#index) !== this.#left) this.#forget()
      if (hasNewKnowledge(this.#index, this.#options.knowledge)) this.#forget()
      trim(this.#index)
    }
    return this.#index
  }

  // a disk that is full or read-only keeps nobody from reading
  #opened (): Index {
    const { indexFile, isGuest } = this.#options
    try {
      // a command can wait for the server; nobody waits for the command meanwhile
      if (hasRoom(dirname(indexFile))) return openIndex(indexFile, isGuest === true ? 60_000 : undefined)
    } catch (error) {
      if (!(error instanceof StoreError) || isWritable(dirname(indexFile))) throw error
    }
    this.#spareSince = performance.now()
    return spareIndex(indexFile)
  }

  /** Goes on with the index in memory. @returns whether there was reason to */
  #takeSpare (): boolean {
    const { indexFile } = this.#options
    if (this.#index === undefined || this.#index.isSpare || this.#index.isInTransaction || isWritable(dirname(indexFile))) return false
    const spare = spareIndex(indexFile, this.#index.copy())
    forgetListings(this.#index)
    this.#index.close()
    this.#index = spare
    this.#spareSince = performance.now()
    return true
  }

  /** Goes back from an index in memory to that on the disk when that can be written again. */
  #leaveSpare (): void {
    if (this.#index?.isSpare !== true || performance.now() < this.#spareSince + spareSpell) return
    this.#spareSince = performance.now()
    if (hasRoom(dirname(this.#options.indexFile)) && isWritable(dirname(this.#options.indexFile))) this.close()
  }

  /** Closes the index file; the next use opens it again. */
  close (): void {
    if (this.#index === undefined) return
    if (!this.#index.isDamaged) this.noteMarks()
    this.#left = this.#index.isDamaged ? '' : progressOf(this.#index)
    forgetListings(this.#index)
    this.#index.close()
    this.#index = undefined
  }

  /** Notes what the directories are like now that the index has followed, so that the next start sees whether they went back. */
  noteMarks (): void {
    const changed = [...this.#known.values()].filter(({ mark, noted, compared }) => compared && mark !== noted)
    const above = statsOf(dirname(this.directory))
    const aboveMark = above === undefined ? '' : markOf(above)
    const isMoved = this.#known.get('')?.compared === true && aboveMark !== this.#noted('above')
    if (changed.length === 0 && !isMoved) return
    try {
      this.index.transaction(() => {
        if (isMoved) this.index.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('above', ?)", aboveMark)
        for (const { collection, mark } of changed) noteMark(this.index, collection.id, mark)
      })
      for (const known of changed) known.noted = known.mark
    } catch (error) {
      // the next start compares with an older note
      if (!isRefused(error)) throw error
    }
  }

  #forget (): void {
    this.#known.clear()
    this.#listed = false
  }

  #throwAway (): void {
    this.#options.report(`the index of ${this.path} is damaged and is made anew from the files`)
    if (this.#index !== undefined) forgetListings(this.#index)
    this.#index?.close()
    this.#index = undefined
    this.#left = ''
    removeIndex(this.#options.indexFile)
    this.#forget()
  }

  /** Whether a comparison is under way, which needs the index open. */
  get isBusy (): boolean {
    return this.#comparing.size > 0
  }

  /** Breaks off the comparisons under way; there will be no others. */
  stop (): void {
    this.#stopped = true
  }

  /** Waits for the comparisons under way. */
  async idle (): Promise<void> {
    while (this.isBusy) await Promise.allSettled(this.#comparing.values())
    await this.#mending
    await this.#keeping
  }

  get isOpen (): boolean {
    return this.#index !== undefined
  }

  /** Work that brings the index up to date; when the index turns out damaged, it is thrown away and the work is done again with a new one. */
  guarded<T> (work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (isDamage(error)) {
        if (this.#index !== undefined) this.#throwAway()
      } else if (!isRefused(error) || !this.#takeSpare()) throw error
      return work()
    }
  }

  /** The collection at a path below the home, as it is on disk now; `undefined` when there is no such directory. Links are not followed. */
  collection (path: string): Collection | undefined {
    if (!this.#listed) this.#look()
    // a directory on the way may have become a link
    if (path.includes('/') && this.collection(path.slice(0, path.lastIndexOf('/'))) === undefined) return undefined
    let known = this.#known.get(path)
    const stats = statsOf(known?.collection.directory ?? this.#directoryOf(path))
    if (stats?.isDirectory() !== true) {
      if (known !== undefined) this.#look()
      return undefined
    }
    if (known === undefined || known.stamp.split('.', 1)[0] !== String(stats.ino)) {
      this.#look()
      known = this.#known.get(path)
    }
    return known?.collection
  }

  #directoryOf (path: string): string {
    return path === '' ? this.directory : `${this.directory}/${path}`
  }

  /** The collections directly below one. */
  children (path: string): Collection[] {
    const known = this.#known.get(path)
    const stats = statsOf(this.#directoryOf(path))
    if (!this.#listed || known === undefined || (stats !== undefined && stampOf(stats) !== known.stamp)) this.#look()
    const prefix = path === '' ? '' : `${path}/`
    return [...this.#known.values()].map(entry => entry.collection)
      .filter(({ path: below }) => below !== '' && below.startsWith(prefix) && !below.slice(prefix.length).includes('/'))
      .sort((a, b) => a.path < b.path ? -1 : 1)
  }

  // an index that cannot be written keeps nobody from reading what it knew
  #look (): void {
    try {
      this.list()
    } catch (error) {
      if (!isRefused(error) || !this.#listed) throw error
      this.#tellBehind(error)
    }
  }

  #tellBehind ({ message }: StoreError): void {
    if (!this.#isBehind) this.#options.report(`the index of ${this.path} stays behind the files: ${message}`)
    this.#isBehind = true
  }

  /** Compares the home's directories with the index: new, gone, and changed properties. */
  list (): void {
    const before = [...this.#known]
    let changed: string[] = []
    try {
      this.#demandMounted()
      this.#holdHome()
      this.guarded(() => {
        const walk: Walk = { rows: new Map(), found: new Set(), changed: [] }
        this.index.transaction(() => {
          for (const row of collectionRows(this.index)) walk.rows.set(row.path, row)
          this.#walk('', walk, 0)
          // what lies deeper goes first: as long as it is told of, what is known of the collections around it still holds
          const lost = (): CollectionRow[] => [...walk.rows.values()].filter(({ path }) => !walk.found.has(path)).sort((a, b) => b.path.length - a.path.length)
          for (const row of lost().reverse()) this.#hold(row, walk)
          for (const row of lost()) this.#lose(row, walk)
        })
        this.#listed = true
        changed = walk.changed
      })
    } catch (error) {
      // the index has gone back to what it was, so what is known must not be ahead of it
      const isListed = this.#listed && isRefused(error)
      this.#forget()
      if (isListed) for (const [path, known] of before) this.#known.set(path, known)
      this.#listed = isListed
      throw error
    }
    for (const path of changed) this.#tell(path)
    for (const path of this.#leaving) if (this.#known.has(path)) this.#known.get(path)!.isBack = false
    this.#leaving.clear()
  }

  // a home that is missing since the directory around it went back is made again, and what was in it is held
  #holdHome (): void {
    const row = this.index.get<{ properties: string }>("SELECT properties FROM collection WHERE path = '' AND gone = 0")
    const above = dirname(this.directory)
    const stats = statsOf(above)
    if (row === undefined || stats === undefined || statsOf(this.directory) !== undefined || !wentBack(this.#noted('above'), stats, () => isEmpty(above))) return
    makeDirectories(this.directory)
    for (const [name, xml] of fromJson(row.properties)) attribute.set(this.directory, name, xml)
    this.#isHeldHome = true
    this.#options.report(`${this.directory} was missing since ${above} went back to an older state: it is made again, and what was in it is served as it was`)
  }

  #noted (key: string): string {
    return this.index.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? ''
  }

  // an unmounted disk is no deletion
  #demandMounted (): void {
    const row = this.index.get<{ stamp: string }>("SELECT stamp FROM collection WHERE path = '' AND gone = 0")
    const problem = unmounted(this.directory, row?.stamp ?? '')
    if (problem !== undefined) throw new StoreError('read-only', problem)
  }

  // a collection that is missing since the directory around it went back: it is made again, with its properties, and its files are held
  #hold (row: CollectionRow, walk: Walk): void {
    const above = row.path.includes('/') ? row.path.slice(0, row.path.lastIndexOf('/')) : ''
    const parent = this.#known.get(above)
    if (row.gone === 1 || row.path === '' || row.stamp === '' || parent?.isBack !== true || this.#isLeaving(row.path)) return
    const directory = this.#directoryOf(row.path)
    try {
      makeDirectories(directory)
      for (const [name, xml] of fromJson(row.properties)) attribute.set(directory, name, xml)
      this.#options.report(`${directory} was missing since ${parent.collection.directory} went back to an older state: it is made again, and what was in it is served as it was`)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#options.report(`cannot make ${directory} again, which is missing since ${parent.collection.directory} went back to an older state: ${error.message}`)
      throw error
    }
    this.#walk(row.path, walk, row.path.split('/').length)
    const known = this.#known.get(row.path)
    if (known !== undefined) known.isBack = true
  }

  /** Tells that the directory at a path is going, or has become another, by our own doing: what was in it is kept by whoever does it. */
  leaves (path: string): void {
    this.#leaving.add(path)
    this.index.run("UPDATE collection SET stamp = '' WHERE path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/'", path)
  }

  #tell (path: string): void {
    this.#options.changed(this, path)
    this.#keepFormers()
  }

  /** Tells whoever runs the server. */
  report (message: string): void {
    this.#options.report(message)
  }

  /** Writes into the history what the index still has of files that were changed or removed by hand. */
  #keepFormers (): void {
    const { history } = this.#options
    if (history === undefined || this.#keeping !== undefined || this.#index?.hasFormer !== true) return
    this.#keeping = keepFormers(this, history).catch((error: unknown) => {
      this.#options.report(`cannot keep former versions of ${this.path}: ${error instanceof Error ? error.message : String(error)}`)
    }).finally(() => { this.#keeping = undefined })
  }

  #walk (path: string, walk: Walk, depth: number): void {
    const directory = this.#directoryOf(path)
    const stats = statsOf(directory)
    if (stats?.isDirectory() !== true) return
    walk.found.add(path)
    try {
      const collection = this.#meet(path, directory, stats, walk)
      // RFC 4791 4.2: nothing but objects in a calendar; directories somebody made there are not served
      const isLeaf = collection.holdsObjects || depth >= deepest
      const below = isLeaf ? [] : entries(directory).filter(entry => entry.isDirectory() && !isIgnored(entry.name))
      this.#unreadable.delete(path)
      for (const { name } of below) this.#walk(path === '' ? name : `${path}/${name}`, walk, depth + 1)
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'read-only' || isRefused(error)) throw error
      this.#keep(path, walk, error)
    }
  }

  // one directory that must not be read is no reason to serve none; what is below it is not gone
  #keep (path: string, { rows, found }: Walk, { message }: StoreError): void {
    for (const row of rows.keys()) if (path === '' || row.startsWith(`${path}/`)) found.add(row)
    if (!this.#unreadable.has(path)) this.#options.report(`${this.#directoryOf(path)} is not served as it is: ${message}`)
    this.#unreadable.add(path)
  }

  #meet (path: string, directory: string, stats: Stats, { rows, changed }: Walk): Collection {
    const known = this.#known.get(path)
    const row = rows.get(path)
    const stamp = stampOf(stats)
    if (known !== undefined && row?.gone === 0 && known.stamp === stamp) return known.collection
    const values = properties(directory, '')
    const resourcetype = values.get('{DAV:}resourcetype')
    const id = idOf(path)
    if (recordCollection(this.index, row, { id, path, attributes: hashOf(values), properties: jsonOf(values), list: listIn(values) }) && row !== undefined && (known !== undefined || row.gone === 1)) changed.push(path)
    const collection = { id, path, directory, resourcetype, holdsObjects: this.#options.holdsObjects(path, resourcetype) }
    const same = known !== undefined && sameCollection(known.collection, collection)
    if (known?.collection.holdsObjects !== collection.holdsObjects) forgetOthers(this.index, id, collection.holdsObjects)
    const noted = known?.noted ?? row?.stamp ?? ''
    const mark = known?.mark ?? noted
    this.#known.set(path, {
      collection: same ? known.collection : collection, stamp, mark, noted,
      isBack: known?.isBack === true || (path === '' && this.#isHeldHome) || (!this.#leaving.has(path) && row?.gone === 0 && wentBack(mark, stats, () => isEmpty(directory))), heldBefore: known?.heldBefore, suspects: known?.suspects ?? new Set(), compared: same && known.compared, dirty: true
    })
    this.#options.met(directory, stats.ino)
    return collection
  }

  #lose (row: CollectionRow, { changed, found }: Walk): void {
    const elsewhere = this.#elsewhere(row.path, found)
    const isTaken = elsewhere !== undefined && row.gone === 0 && this.#known.get(row.path)?.collection.holdsObjects === this.#known.get(elsewhere)?.collection.holdsObjects && takeAlong(this.index, row.id, idOf(elsewhere))
    const isKept = this.#isLeaving(row.path) || isTaken
    this.#known.delete(row.path)
    this.#options.lost(this.#directoryOf(row.path))
    if (row.gone === 1) return
    loseCollection(this.index, row.id, isKept || this.#options.history?.isOn !== true)
    changed.push(row.path)
  }

  #isLeaving (path: string): boolean {
    return this.#leaving.has(path) || (path.includes('/') && this.#isLeaving(path.slice(0, path.lastIndexOf('/'))))
  }

  // renamed by hand: the same directory has another name now
  #elsewhere (path: string, found: ReadonlySet<string>): string | undefined {
    const inode = this.#known.get(path)?.stamp.split('.', 1)[0]
    return inode === undefined ? undefined : [...found].find(other => other !== path && this.#known.get(other)?.stamp.split('.', 1)[0] === inode)
  }

  /** The directories that are known, with their inodes. */
  directories (): { directory: string, inode: number }[] {
    return [...this.#known.values()].map(({ collection, stamp }) => ({ directory: collection.directory, inode: Number(stamp.split('.', 1)[0]) }))
  }

  /** Whether the index agrees with the directory as far as one `stat` can tell. */
  isFresh (collection: Collection): boolean {
    // what is known counts only as long as its index is there
    if (this.#index?.isDamaged !== false) void this.index
    const known = this.#known.get(collection.path)
    const stats = statsOf(collection.directory)
    if (known === undefined || stats === undefined || !known.compared || known.dirty || known.stamp !== stampOf(stats)) return false
    if (known.suspects.size > fewSuspects) return false
    return known.suspects.size === 0 || this.#clear(known)
  }

  #clear (known: Known): boolean {
    const names = [...known.suspects]
    known.suspects.clear()
    const { collection } = known
    try {
      const changed = this.guarded(() => this.index.transaction(() => updateUntil(this.place(collection), [...names], Infinity, this.#options.report)))
      this.#mend(collection, names.filter(name => memberRow(this.place(collection), name)?.attributed === 1))
      if (changed) this.#tell(collection.path)
      this.#keepFormers()
      return true
    } catch (error) {
      known.dirty = true
      if (!isRefused(error)) throw error
      return false
    }
  }

  // attributes may have been set or lost with the change
  #mend ({ directory }: Collection, names: readonly string[]): void {
    if (names.length === 0 || this.#stopped) return
    this.#mending = this.#mending.then(async () => { await heal(directory, names) }).catch((error: unknown) => {
      this.#options.report(`cannot bring the properties kept in ${directory} up to date: ${error instanceof Error ? error.message : String(error)}`)
    })
  }

  /** Says that something happened to a file of a directory (`undefined`: to any), so that the next `fresh` looks at it. */
  suspect (path: string, name: string | undefined): void {
    const known = this.#known.get(path)
    if (known === undefined) return
    // one that got other letters is still there by its former name
    if (name === undefined || known.suspects.size >= mostSuspects || this.#options.naming?.().foldsCase === true) known.dirty = true
    else if (!isIgnored(name)) known.suspects.add(name)
  }

  /** Makes the index agree with a directory; at once when it does already. Long comparisons let others work in between. */
  async fresh (collection: Collection): Promise<void> {
    if (!this.isBusy) this.#leaveSpare()
    // a comparison that is under way may have passed a file that changed since: then one more
    for (let round = 0; round < 3 && !this.#stopped && !this.isFresh(collection); round++) {
      let running = this.#comparing.get(collection.path)
      if (running === undefined) {
        running = this.#compare(collection.path).finally(() => { this.#comparing.delete(collection.path) })
        this.#comparing.set(collection.path, running)
      }
      if (!await this.#finished(collection, running)) return
    }
  }

  // a disk that is full or fails keeps the index from following, not anybody from reading what it knew
  async #finished ({ path }: Collection, running: Promise<void>): Promise<boolean> {
    try {
      await running
      this.#isBehind = false
      return true
    } catch (error) {
      if (!isRefused(error) || this.#known.get(path)?.compared !== true) throw error
      this.#tellBehind(error)
      return false
    }
  }

  async #compare (path: string): Promise<void> {
    this.#listWhenChanged(path)
    const known = this.#known.get(path)
    if (known === undefined) return
    try {
      if (known.compared && !known.dirty && known.suspects.size > 0) await this.#compareSuspects(known)
      else await this.#compareFiles(known)
    } catch (error) {
      known.dirty = true
      throw error
    }
  }

  async #compareFiles (known: Known): Promise<void> {
    const { collection } = known
    const { path, directory } = collection
    // the clock of a file system may be a little behind
    if (!known.compared && this.#options.isGuest !== true) removeDrafts(directory, this.#started - 100)
    const stats = statsOf(directory)
    const names = fileNames(directory)
    if (stats === undefined || names === undefined) return
    const listed = known.stamp
    known.dirty = false
    known.stamp = stampOf(stats)
    known.suspects.clear()
    // both lists are long in a large collection
    await new Promise(resolve => setImmediate(resolve))
    const gone = this.guarded(() => this.index.rows('SELECT name FROM member WHERE collection = ?', collection.id))
      .map(([name]) => String(name)).filter(name => !names.has(name))
    const heldBefore = known.isBack ? known.heldBefore ?? heldIn(this.index, collection.id).length : 0
    const toldBefore = this.#options.isGuest === true || this.#remembered.has(path) ? [] : this.problems(collection)
    const spellings = this.#options.naming?.().foldsCase === true ? gone.filter(name => statsOf(`${directory}/${name}`) !== undefined) : []
    this.#forgetSpellings(collection, spellings)
    // files that nobody has ever seen here come from elsewhere, not from a backup of this
    const hasStrangers = known.isBack && [...names].some(name => memberRow(this.place(collection), name) === undefined && !hasFormer(this.#options.history, `${this.path}/${path}/${name}`))
    const changed = await this.#update(collection, [...names, ...gone.filter(name => !spellings.includes(name))])
    if (changed) this.#tell(path)
    if (this.#stopped) {
      known.dirty = true
      return
    }
    this.#remind(collection, toldBefore)
    if (known.isBack) {
      if (!hasStrangers) await this.#holdRecent(collection)
      this.#tellHeld(collection, heldBefore)
    }
    known.isBack = false
    known.heldBefore = undefined
    await this.#heal(collection)
    known.compared = true
    // a change of ours in the meantime has moved it on
    if (known.stamp === stampOf(stats)) known.mark = markOf(stats)
    this.noteMarks()
    this.#listWhenChanged(path, listed)
    this.#keepFormers()
  }

  // listing each time would look at all collections of a home for each of them. @param listed  its stamp when the home was last listed
  #listWhenChanged (path: string, listed = this.#known.get(path)?.stamp): void {
    const stats = statsOf(this.#directoryOf(path))
    if (listed === undefined || stats === undefined || listed !== stampOf(stats)) this.list()
  }

  // there is still something by that name, but it is listed under another
  #forgetSpellings (collection: Collection, names: readonly string[]): void {
    for (const name of names) this.guarded(() => removeMember({ ...this.place(collection), isKept: true }, name))
  }

  async #compareSuspects (known: Known): Promise<void> {
    const { collection } = known
    const names = [...known.suspects]
    known.suspects.clear()
    const changed = await this.#update(collection, names)
    this.#mend(collection, names.filter(name => memberRow(this.place(collection), name)?.attributed === 1))
    if (changed) this.#tell(collection.path)
    if (this.#stopped) known.dirty = true
    this.#keepFormers()
  }

  /** Updates members and lets others work in between. @returns whether a client can see a difference */
  async #update (collection: Collection, names: readonly string[]): Promise<boolean> {
    let todo = [...names].reverse()
    let changed = false
    while (todo.length > 0) {
      todo = this.guarded(() => {
        const left = [...todo]
        changed = this.index.transaction(() => updateUntil(this.place(collection), left, performance.now() + slice, this.#options.report)) || changed
        return left
      })
      if (todo.length > 0) await new Promise(resolve => setImmediate(resolve))
      if (this.#stopped) break
    }
    return changed
  }

  // whoever reads the log after a restart must not take for mended what is still as it was
  #remind ({ path, directory, id }: Collection, before: readonly { name: string, problem: string }[]): void {
    this.#remembered.add(path)
    const still = before.filter(({ name, problem }) => memberRow({ index: this.index, collection: id }, name)?.problem === problem)
    for (const { name, problem } of still.slice(0, mostReminded)) this.#options.report(`${directory}/${name} is not served as it is: ${problem}`)
    if (still.length > mostReminded) this.#options.report(`${still.length - mostReminded} more files of ${directory} are not served as they are: "caldavd doctor" names them`)
  }

  // a copying tool sets the time of a directory last: what it has removed or overwritten before was taken for the work of a hand
  async #holdRecent (collection: Collection): Promise<void> {
    const { history } = this.#options
    if (history?.isOn !== true || !collection.holdsObjects) return
    this.#keepFormers()
    await this.#keeping
    for (const { path, file } of latestByHand(history.directory, `${this.path}/${collection.path}/`, Date.now() - copying)) {
      const [bytes, stats] = [read(file)?.bytes, statsOf(file)]
      if (bytes === undefined || stats === undefined || this.#stopped) continue
      this.guarded(() => holdFormer(this.place(collection), path.slice(path.lastIndexOf('/') + 1), { bytes, modified: stats.mtimeMs, values: attribute.list(file) }))
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  #tellHeld (collection: Collection, before: number): void {
    const held = heldIn(this.index, collection.id)
    if (held.length <= before) return
    // clients that have seen what is not there any more synchronise from the start
    this.index.renewEpoch()
    const [missing, older] = [true, false].map(is => held.filter(({ isMissing }) => isMissing === is).map(({ name }) => name))
    this.#options.report(`${collection.directory} went back to an older state, as when a backup is restored: ${some(missing ?? [], 'missing')}, ${some(older ?? [], 'older than what was served')}. ` +
      'All of them are served as they were. "caldavd restore --merge" brings them back, "caldavd restore --accept" takes the older state')
  }

  /** The members that are served as they were although the disk has an older state of them, or nothing. Call `fresh` before. */
  held (collection: Collection): Held[] {
    return heldIn(this.index, collection.id)
  }

  /** The dead properties of a member as they are served: those on the disk, or what they were when it is held. */
  properties (collection: Collection, member: Pick<Member, 'id' | 'name' | 'problem'>): Properties {
    return heldProperties(this.index, member) ?? properties(collection.directory, member.name)
  }

  /** Takes the older state on the disk, or that there is nothing, as it is; what was served goes to the history. */
  letGo (collection: Collection, name: string): void {
    const one = heldIn(this.index, collection.id).find(held => held.name === name)
    if (one === undefined) return
    this.guarded(() => this.index.transaction(() => {
      if (one.isMissing) removeMember(this.place(collection), name)
      else {
        this.index.run("UPDATE member SET stamp = '', problem = '' WHERE id = ?", one.id)
        updateMember({ ...this.place(collection), isBack: false }, name)
      }
    }))
    this.#tell(collection.path)
    this.#keepFormers()
  }

  async #heal (collection: Collection): Promise<void> {
    const { path, directory } = collection
    try {
      const members = ['', ...mirrored(directory), ...this.#attributed(collection)]
      if (await heal(directory, members)) this.#options.report(`put back the properties of ${this.path}/${path} that a copy had dropped`)
    } catch (error) {
      // what cannot be written can be served all the same
      if (!(error instanceof StoreError)) throw error
      this.#options.report(`cannot bring the properties kept in ${directory} up to date: ${error.message}`)
    }
  }

  #attributed ({ id }: Collection): string[] {
    return this.index.all<{ name: string }>('SELECT name FROM member WHERE collection = ? AND attributed = 1', id).map(({ name }) => name)
  }

  /** What `updateMember` and the writing functions need to know of a collection. */
  place (collection: Collection): Place {
    const isBack = (): boolean => this.#isBack(collection)
    return {
      index: this.index,
      collection: collection.id,
      directory: collection.directory,
      describe: collection.holdsObjects ? this.#options.describe : undefined,
      get isBack () { return isBack() },
      isOlder: this.#options.isOlder,
      isFormer: (name, bytes) => isFormer(this.#options.history, collection.path === '' ? `${this.path}/${name}` : `${this.path}/${collection.path}/${name}`, bytes)
    }
  }

  // whoever asks for one file may come before the directory has been listed again
  #isBack ({ id, path, directory }: Collection): boolean {
    const known = this.#known.get(path)
    const stats = statsOf(directory)
    if (known === undefined || known.isBack || stats === undefined || known.stamp === stampOf(stats) || this.#leaving.has(path)) return known?.isBack === true
    if (!wentBack(known.mark, stats, () => isEmpty(directory))) return false
    known.isBack = known.dirty = true
    known.heldBefore = heldIn(this.index, id).length
    return true
  }

  /**
   * A change of ours to a directory: the directory's stamp is moved on with it, so that it needs no comparison.
   * Synchronous, so nothing of this process comes between.
   */
  own<T> (collection: Collection, work: () => T): T {
    const known = this.#known.get(collection.path)
    const before = statsOf(collection.directory)
    const result = work()
    const after = statsOf(collection.directory)
    if (known !== undefined && before !== undefined && after !== undefined && known.stamp === stampOf(before)) {
      known.stamp = stampOf(after)
      known.mark = markOf(after)
    }
    this.#tell(collection.path)
    return result
  }

  /** A name that somebody wants to give. @throws StoreError bad-name when the file system takes no such name */
  demandName (name: string): string {
    if (this.#options.naming?.().isNarrow === true && /[:?*"<>|\\]|[. ]$/.test(name)) throw new StoreError('bad-name', `the file system of ${this.directory} takes no name like ${JSON.stringify(name)}`)
    return fileName(name)
  }

  /** The name under which a file lies: as asked, in the other Unicode form, or in the letters that a file system takes for the same. */
  nameOf (collection: Collection, name: string): string {
    if (this.#options.naming?.().foldsCase === true) return spelled(collection.directory, name)
    const other = otherSpelling(name)
    if (other === undefined || this.#isThere(collection, name)) return name
    return this.#isThere(collection, other) ? other : name
  }

  // a file that is missing and held is served under its own name
  #isThere (collection: Collection, name: string): boolean {
    return statsOf(`${collection.directory}/${name}`) !== undefined || memberRow(this.place(collection), name)?.stamp === missingStamp
  }

  /** A member as it is on disk now; `undefined` when there is none that can be served. */
  member (collection: Collection, name: string): Member | undefined {
    if (isIgnored(name)) return undefined
    return this.guarded(() => {
      const place = this.place(collection)
      const real = this.nameOf(collection, name)
      let row = memberRow(place, real)
      const stats = statsOf(`${collection.directory}/${real}`)
      if (row === undefined || stats === undefined || !isCurrent(row, stats)) {
        const before = row
        if (!this.#updated(collection, () => updateMember(place, real)) && stats === undefined) return undefined
        row = memberRow(place, real)
        tellProblem(place, before, row, this.#options.report)
      }
      return row === undefined || row.etag === '' ? undefined : asMember(row)
    })
  }

  // as `#look`. @returns whether the index has followed
  #updated (collection: Collection, update: () => boolean): boolean {
    try {
      if (update()) this.#tell(collection.path)
      return true
    } catch (error) {
      if (!isRefused(error)) throw error
      return false
    }
  }

  /** A member with its bytes; the file is opened once. */
  content (collection: Collection, name: string): { member: Member, bytes: Buffer } | undefined {
    if (isIgnored(name)) return undefined
    return this.guarded(() => {
      const place = this.place(collection)
      const real = this.nameOf(collection, name)
      const checked = Date.now()
      const file = readable(`${collection.directory}/${real}`)
      let row = memberRow(place, real)
      let hasFollowed = true
      if (file === undefined || row === undefined || !isCurrent(row, file.stats)) {
        const before = row
        hasFollowed = this.#updated(collection, () => file === undefined ? updateMember(place, real) : learn(place, real, before, file.bytes, file.stats, checked))
        row = memberRow(place, real)
        tellProblem(place, before, row, this.#options.report)
      }
      if (row === undefined || row.etag === '') return undefined
      const bytes = hasFollowed && row.problem === '' && file !== undefined ? file.bytes : body(place.index, row.id)
      return bytes === undefined ? undefined : { member: asMember(row), bytes }
    })
  }

  /** Why a file that is there cannot be served; `undefined` when it can or is not there. */
  problem (collection: Collection, name: string): string | undefined {
    const row = memberRow(this.place(collection), this.nameOf(collection, name))
    return row?.etag === '' ? row.problem : undefined
  }

  /** The members that can be served, by name. Call `fresh` before. */
  members (collection: Collection): readonly Member[] {
    return listing(this.index, collection.id)
  }

  /** How many files the index knows in a collection. */
  count (collection: Collection): number {
    return this.index.get<{ members: number }>('SELECT members FROM collection WHERE id = ?', collection.id)?.members ?? 0
  }

  /** The bytes of the files in a collection and below it, as far as they have been compared. @param path  '' = the whole home */
  bytesBelow (path: string): number {
    return this.index.get<{ bytes: number }>("SELECT coalesce(sum(bytes), 0) AS bytes FROM collection WHERE ?1 = '' OR path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/'", path)?.bytes ?? 0
  }

  /** Files that are there but cannot be served as they are, with the reason. Call `fresh` before. */
  problems (collection: Collection): { name: string, problem: string }[] {
    return this.index.all<{ name: string, problem: string }>("SELECT name, problem FROM member WHERE collection = ? AND problem <> '' ORDER BY name", collection.id)
  }

  /** How far a collection has come: its own properties and its members. Call `fresh` before. */
  progress (collection: Collection): Progress {
    return this.#progress(revisionOf(this.index, collection.id))
  }

  /** How far a collection has come with all that is below it. */
  progressBelow (collection: Collection): Progress {
    return collection.path === '' ? this.total() : this.#progress(revisionBelow(this.index, collection.path))
  }

  /** How far the whole home has come. */
  total (): Progress {
    return this.#progress(revision(this.index))
  }

  #progress (revision: number): Progress {
    return { epoch: this.index.epochAt(revision), revision }
  }

  /** Changes up to this revision are forgotten. @param collection  only what was directly in it counts */
  trimmed (collection?: Collection): number {
    return collection === undefined ? trimmed(this.index) : trimmedIn(this.index, collection.id)
  }

  /** The collections below one that appeared, changed or went since a revision. Call `fresh` on each before. */
  collectionsSince (path: string, since: number, deep: boolean): CollectionChange[] {
    return collectionsSince(this.index, path, since, deep)
  }

  /** Records that a collection's properties changed. */
  touch (collection: Collection): void {
    this.list()
    this.#tell(collection.path)
  }
}

const mostNamed = 5
/** So long before its time is set a copying tool may have filled a directory (ms); what a hand did earlier is what it wanted. */
const copying = 3000

function some (names: readonly string[], what: string): string {
  return `${names.length} ${what}${names.length === 0 ? '' : ` (${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ' …' : ''})`}`
}

/** Notes the knowledge with which an index is used. @returns whether it was made with another */
function hasNewKnowledge (index: Index, knowledge: string | undefined): boolean {
  if (knowledge === undefined || index.get<{ value: string }>("SELECT value FROM meta WHERE key = 'knowledge'")?.value === knowledge) return false
  return index.transaction(() => {
    doubtSpans(index)
    return index.run("INSERT INTO meta (key, value) VALUES ('knowledge', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1", knowledge).changes > 0
  })
}

/** A row of the index as a member. */
export function asMember (row: MemberRow): Member {
  return {
    id: row.id, name: row.name, etag: row.etag, uid: row.uid, component: row.component, size: row.size,
    modified: row.modified, hasProperties: row.attributed === 1, revision: row.revision, problem: row.problem
  }
}

function progressOf (index: Index): string {
  return `${index.epoch} ${revision(index)}`
}

// `updateMember` says what is wrong with a file that must not be read
function readable (path: string): ReturnType<typeof read> {
  try {
    return read(path)
  } catch (error) {
    if (isUnreadable(error)) return undefined
    throw error
  }
}

function sameCollection (a: Collection, b: Collection): boolean {
  return a.id === b.id && a.holdsObjects === b.holdsObjects && a.resourcetype === b.resourcetype
}
