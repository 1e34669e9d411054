import { StoreError } from './error.js'
import { stampOf } from './etag.js'
import { facts as statsOf, read } from './file.js'
import { Comparison } from './home/comparison.js'
import { Directories } from './home/directories.js'
import { IndexFile } from './home/index-file.js'
import type { Collection } from './home/known.js'
import type { HomeOptions } from './home/options.js'
import { collectionsSince, revisionBelow, revisionOf, type CollectionChange } from './index/collection.js'
import { tellProblem } from './index/catch-up.js'
import { heldIn, heldProperties, missingStamp, type Held } from './index/held.js'
import { revision, trimmed, trimmedIn } from './index/journal.js'
import { listing, problemsIn, type Member } from './index/listing.js'
import { isRefused, type Index } from './index/open.js'
import { body } from './index/search.js'
import { isCurrent, isUnreadable, learn, memberRow, removeMember, updateMember, type MemberRow, type Place } from './index/update.js'
import { fileName, isIgnored, otherSpelling } from './name.js'
import { markOf } from './rollback.js'
import { spelled } from './scan.js'
import { properties, setProperties, type Properties } from './property.js'

export { deepest, type Collection } from './home/known.js'
export type { HomeOptions } from './home/options.js'
export type { Member } from './index/listing.js'

/** How far a collection or home has come: `epoch` is new with each new index. */
export interface Progress { readonly epoch: string, readonly revision: number }

/** One home: its directories, its index, and the comparison of the two. */
export class Home {
  readonly path: string
  readonly directory: string
  readonly #options: HomeOptions
  readonly #file: IndexFile
  readonly #directories: Directories
  readonly #comparison: Comparison

  constructor (options: HomeOptions) {
    this.#options = options
    this.path = options.path
    this.directory = options.directory
    const tell = (path: string): void => { this.#tell(path) }
    this.#file = new IndexFile(options, () => { this.#directories.forget() })
    this.#directories = new Directories(options, this.#file, tell)
    this.#comparison = new Comparison(options, this.#file, this.#directories, tell)
  }

  #tell (path: string): void {
    this.#options.changed(path)
    this.#comparison.keepFormers()
  }

  /** The index, opened when it was closed; what is known goes with the index it was known of. */
  get index (): Index {
    return this.#file.index
  }

  get isOpen (): boolean {
    return this.#file.isOpen
  }

  /** Closes the index file; the next use opens it again. */
  close (): void {
    if (this.#file.isSound) this.#directories.noteMarks()
    this.#file.close()
  }

  /** Notes what the directories are like now that the index has followed, so that the next start sees whether they went back. */
  noteMarks (): void {
    this.#directories.noteMarks()
  }

  /** Whether a comparison is under way, which needs the index open. */
  get isBusy (): boolean {
    return this.#comparison.isBusy
  }

  /** Breaks off the comparisons under way; there will be no others. */
  stop (): void {
    this.#comparison.stop()
  }

  /** Waits for the comparisons under way. */
  async idle (): Promise<void> {
    await this.#comparison.idle()
  }

  /** Work that brings the index up to date; when the index turns out damaged, it is thrown away and the work is done again with a new one. */
  guarded<T> (work: () => T): T {
    return this.#file.guarded(work)
  }

  /** The collection at a path below the home, as it is on disk now; `undefined` when there is no such directory. Links are not followed. */
  collection (path: string): Collection | undefined {
    return this.#directories.collection(path)
  }

  /** The collections directly below one. */
  children (path: string): Collection[] {
    return this.#directories.children(path)
  }

  /** Compares the home's directories with the index: new, gone, and changed properties. */
  list (): void {
    this.#directories.list()
  }

  /** Tells that the directory at a path is going, or has become another, by our own doing: what was in it is kept by whoever does it. */
  leaves (path: string): void {
    this.#directories.leaves(path)
  }

  /** The directories that are known, with their inodes. */
  directories (): { directory: string, inode: number }[] {
    return this.#directories.directories()
  }

  /** Says that something happened to a file of a directory (`undefined`: to any), so that the next `fresh` looks at it. */
  suspect (path: string, name: string | undefined): void {
    this.#directories.suspect(path, name)
  }

  /** Whether the index agrees with the directory as far as one `stat` can tell. */
  isFresh (collection: Collection): boolean {
    return this.#comparison.isFresh(collection)
  }

  /** Makes the index agree with a directory; at once when it does already. Long comparisons let others work in between. */
  async fresh (collection: Collection): Promise<void> {
    await this.#comparison.fresh(collection)
  }

  /** What `updateMember` and the writing functions need to know of a collection. */
  place (collection: Collection): Place {
    return this.#directories.place(collection)
  }

  /** Tells whoever runs the server. */
  report (message: string): void {
    this.#options.report(message)
  }

  /** The members that are served as they were although the disk has an older state of them, or nothing. Call `fresh` before. */
  held (collection: Collection): Held[] {
    return heldIn(this.index, collection.id)
  }

  /** The dead properties of a member as they are served: those on the disk, or what they were when it is held. */
  properties (collection: Collection, member: Pick<Member, 'id' | 'name' | 'problem'>): Properties {
    return heldProperties(this.index, member) ?? properties(collection.directory, member.name)
  }

  /**
   * Sets (XML) and removes (`undefined`) properties of a member. What a failing disk keeps of them all the same is seen at the next look.
   * @throws StoreError as `setProperties` of `store/property`
   */
  async setProperties ({ path, directory }: Collection, name: string, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    try {
      await setProperties(directory, name, changes)
    } finally {
      this.suspect(path, name)
    }
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
  }

  /**
   * A change of ours to a directory: the directory's stamp is moved on with it, so that it needs no comparison.
   * Synchronous, so nothing of this process comes between.
   */
  own<T> (collection: Collection, work: () => T): T {
    const known = this.#directories.known(collection.path)
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
    return problemsIn(this.index, collection.id)
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




/** A row of the index as a member. */
export function asMember (row: MemberRow): Member {
  return {
    id: row.id, name: row.name, etag: row.etag, uid: row.uid, component: row.component, size: row.size,
    modified: row.modified, hasProperties: row.attributed === 1, revision: row.revision, problem: row.problem
  }
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

