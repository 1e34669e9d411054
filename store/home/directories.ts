import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import * as attribute from '../attribute.js'
import { StoreError } from '../error.js'
import { stampOf } from '../etag.js'
import { facts as statsOf, makeDirectories } from '../file.js'
import { isFormer } from '../history/list.js'
import { listIn } from '../index/access-list.js'
import { collectionRows, idOf, loseCollection, noteMark, recordCollection, takeAlong, type CollectionRow } from '../index/collection.js'
import { heldIn } from '../index/held.js'
import { isRefused } from '../index/open.js'
import { forgetOthers, type Place } from '../index/update.js'
import { mountOf } from '../mount.js'
import { isIgnored } from '../name.js'
import { fromJson, hashOf, jsonOf, properties } from '../property.js'
import { isEmpty, markOf, unmounted, wentBack } from '../rollback.js'
import { entries } from '../scan.js'
import type { IndexFile } from './index-file.js'
import { deepest, isSameCollection, type Collection, type Known } from './known.js'
import type { HomeOptions } from './options.js'

/** One walk through the directories of a home. */
interface Walk {
  readonly rows: Map<string, CollectionRow>
  /** Paths that are there. */
  readonly found: Set<string>
  /** Paths to tell about when the index has been written. */
  readonly changed: string[]
}

const mostSuspects = 1000

/** The directories of a home, compared with what the index has of them. */
export class Directories {
  readonly #options: HomeOptions
  readonly #file: IndexFile
  readonly #tell: (path: string) => void
  readonly #known = new Map<string, Known>()
  readonly #unreadable = new Set<string>()
  /** Paths of directories that are going by our own doing, and are kept. */
  readonly #leaving = new Set<string>()
  #listed = false
  /** It was missing, and what was in it is held. */
  #isHeldHome = false
  #isBehind = false

  /** @param tell  called with the path of a collection of which a client can see a change */
  constructor (options: HomeOptions, file: IndexFile, tell: (path: string) => void) {
    this.#options = options
    this.#file = file
    this.#tell = tell
  }

  /** What is known of a directory since the home was last listed. @param path  below the home */
  known (path: string): Known | undefined {
    return this.#known.get(path)
  }

  /** Notes what the directories are like now that the index has followed, so that the next start sees whether they went back. */
  noteMarks (): void {
    const changed = [...this.#known.values()].filter(({ mark, noted, compared }) => compared && mark !== noted)
    const above = statsOf(dirname(this.#options.directory))
    const aboveMark = above === undefined ? '' : markOf(above)
    const notes = this.#isAsCompared() ? [['above', aboveMark], ['mount', mountOf(this.#options.directory, true)]] as const : []
    const news = notes.filter(([key, value]) => value !== this.#noted(key))
    if (changed.length === 0 && news.length === 0) return
    try {
      this.#file.index.transaction(() => {
        for (const [key, value] of news) this.#file.index.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value)
        for (const { collection, mark } of changed) noteMark(this.#file.index, collection.id, mark)
      })
      for (const known of changed) known.noted = known.mark
    } catch (error) {
      // the next start compares with an older note
      if (!isRefused(error)) throw error
    }
  }

  // nobody tells when it is unmounted: what is then in its place must not be taken for it
  #isAsCompared (): boolean {
    const known = this.#known.get('')
    const stats = statsOf(this.#options.directory)
    return known?.compared === true && stats !== undefined && markOf(stats).split(' ', 2).join() === known.mark.split(' ', 2).join()
  }

  /** What is known does not hold any more. */
  forget (): void {
    this.#known.clear()
    this.#listed = false
  }

  /** The collection at a path below the home, as it is on disk now; `undefined` when there is no such directory. Links are not followed. */
  collection (path: string): Collection | undefined {
    if (!this.#listed) this.look()
    // a directory on the way may have become a link
    if (path.includes('/') && this.collection(path.slice(0, path.lastIndexOf('/'))) === undefined) return undefined
    let known = this.#known.get(path)
    const stats = statsOf(known?.collection.directory ?? this.directoryOf(path))
    if (stats?.isDirectory() !== true) {
      if (known !== undefined) this.look()
      return undefined
    }
    if (known === undefined || known.stamp.split('.', 1)[0] !== String(stats.ino)) {
      this.look()
      known = this.#known.get(path)
    }
    return known?.collection
  }

  /** Absolute. @param path  below the home */
  directoryOf (path: string): string {
    return path === '' ? this.#options.directory : `${this.#options.directory}/${path}`
  }

  /** The collections directly below one. */
  children (path: string): Collection[] {
    const known = this.#known.get(path)
    const stats = statsOf(this.directoryOf(path))
    if (!this.#listed || known === undefined || (stats !== undefined && stampOf(stats) !== known.stamp)) this.look()
    const prefix = path === '' ? '' : `${path}/`
    return [...this.#known.values()].map(entry => entry.collection)
      .filter(({ path: below }) => below !== '' && below.startsWith(prefix) && !below.slice(prefix.length).includes('/'))
      .sort((a, b) => a.path < b.path ? -1 : 1)
  }

  // an index that cannot be written keeps nobody from reading what it knew
  look (): void {
    try {
      this.list()
    } catch (error) {
      if (!isRefused(error) || !this.#listed) throw error
      this.tellBehind(error)
    }
  }

  /** Tells once that the index cannot follow. */
  tellBehind ({ message }: StoreError): void {
    if (!this.#isBehind) this.#options.report(`the index of ${this.#options.path} stays behind the files: ${message}`)
    this.#isBehind = true
  }

  /** The index has followed. */
  caughtUp (): void {
    this.#isBehind = false
  }

  /** Compares the home's directories with the index: new, gone, and changed properties. */
  list (): void {
    const before = [...this.#known]
    let changed: string[] = []
    try {
      this.#demandMounted()
      this.#holdHome()
      this.#file.guarded(() => {
        const walk: Walk = { rows: new Map(), found: new Set(), changed: [] }
        this.#file.index.transaction(() => {
          for (const row of collectionRows(this.#file.index)) walk.rows.set(row.path, row)
          this.#walk('', walk, 0)
          // what lies deeper goes first: as long as it is told of, what is known of the collections around it still holds
          const lost = (): CollectionRow[] => [...walk.rows.values()].filter(({ path }) => !walk.found.has(path)).sort((a, b) => b.path.length - a.path.length)
          for (const row of lost().reverse()) this.#hold(row, walk)
          for (const row of lost()) this.#lose(row, walk)
        })
        this.#listed = true
        this.#isHeldHome = false
        changed = walk.changed
      })
    } catch (error) {
      // the index has gone back to what it was, so what is known must not be ahead of it
      const isListed = this.#listed && isRefused(error)
      this.forget()
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
    const row = this.#file.index.get<{ properties: string }>("SELECT properties FROM collection WHERE path = '' AND gone = 0")
    const above = dirname(this.#options.directory)
    const stats = statsOf(above)
    if (row === undefined || stats === undefined || statsOf(this.#options.directory) !== undefined || !wentBack(this.#noted('above'), stats, () => isEmpty(above))) return
    makeDirectories(this.#options.directory)
    for (const [name, xml] of fromJson(row.properties)) attribute.set(this.#options.directory, name, xml)
    this.#isHeldHome = true
    this.#options.report(`${this.#options.directory} was missing since ${above} went back to an older state: it is made again, and what was in it is served as it was`)
  }

  #noted (key: string): string {
    return this.#file.index.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? ''
  }

  // an unmounted disk is no deletion
  #demandMounted (): void {
    const row = this.#file.index.get<{ stamp: string }>("SELECT stamp FROM collection WHERE path = '' AND gone = 0")
    const problem = unmounted(this.#options.directory, row?.stamp ?? '', this.#noted('mount'))
    if (problem !== undefined) throw new StoreError('read-only', problem)
  }

  // a collection that is missing since the directory around it went back: it is made again, with its properties, and its files are held
  #hold (row: CollectionRow, walk: Walk): void {
    const above = row.path.includes('/') ? row.path.slice(0, row.path.lastIndexOf('/')) : ''
    const parent = this.#known.get(above)
    if (row.gone === 1 || row.path === '' || row.stamp === '' || parent?.isBack !== true || this.#isLeaving(row.path)) return
    const directory = this.directoryOf(row.path)
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
    this.#file.index.run("UPDATE collection SET stamp = '' WHERE path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/'", path)
  }

  #walk (path: string, walk: Walk, depth: number): void {
    const directory = this.directoryOf(path)
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
    if (!this.#unreadable.has(path)) this.#options.report(`${this.directoryOf(path)} is not served as it is: ${message}`)
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
    if (recordCollection(this.#file.index, row, { id, path, attributes: hashOf(values), properties: jsonOf(values), list: listIn(values) }) && row !== undefined && (known !== undefined || row.gone === 1)) changed.push(path)
    const collection = { id, path, directory, resourcetype, holdsObjects: this.#options.holdsObjects(path, resourcetype) }
    const same = known !== undefined && isSameCollection(known.collection, collection)
    if (known?.collection.holdsObjects !== collection.holdsObjects) forgetOthers(this.#file.index, id, collection.holdsObjects)
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
    const isTaken = elsewhere !== undefined && row.gone === 0 && this.#known.get(row.path)?.collection.holdsObjects === this.#known.get(elsewhere)?.collection.holdsObjects && takeAlong(this.#file.index, row.id, idOf(elsewhere))
    const isKept = this.#isLeaving(row.path) || isTaken
    this.#known.delete(row.path)
    this.#options.lost(this.directoryOf(row.path))
    if (row.gone === 1) return
    loseCollection(this.#file.index, row.id, isKept || this.#options.history?.isOn !== true)
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

  /** Says that something happened to a file of a directory (`undefined`: to any), so that the next `fresh` looks at it. */
  suspect (path: string, name: string | undefined): void {
    const known = this.#known.get(path)
    if (known === undefined) return
    // one that got other letters is still there by its former name
    if (name === undefined || known.suspects.size >= mostSuspects || this.#options.naming?.().foldsCase === true) known.dirty = true
    else if (!isIgnored(name)) known.suspects.add(name)
  }

  /** What `updateMember` and the writing functions need to know of a collection. */
  place (collection: Collection): Place {
    const isBack = (): boolean => this.#isBack(collection)
    return {
      index: this.#file.index,
      collection: collection.id,
      directory: collection.directory,
      describe: collection.holdsObjects ? this.#options.describe : undefined,
      get isBack () { return isBack() },
      isOlder: this.#options.isOlder,
      isFormer: (name, bytes) => isFormer(this.#options.history, collection.path === '' ? `${this.#options.path}/${name}` : `${this.#options.path}/${collection.path}/${name}`, bytes)
    }
  }

  // whoever asks for one file may come before the directory has been listed again
  #isBack ({ id, path, directory }: Collection): boolean {
    const known = this.#known.get(path)
    const stats = statsOf(directory)
    if (known === undefined || known.isBack || stats === undefined || known.stamp === stampOf(stats) || this.#leaving.has(path)) return known?.isBack === true
    if (!wentBack(known.mark, stats, () => isEmpty(directory))) return false
    known.isBack = known.dirty = true
    known.heldBefore = heldIn(this.#file.index, id).length
    return true
  }
}
