import * as attribute from '../attribute.js'
import { StoreError } from '../error.js'
import { stampOf } from '../etag.js'
import { facts as statsOf, read } from '../file.js'
import { keepFormers } from '../history/former.js'
import { hasFormer, latestByHand } from '../history/list.js'
import { updateUntil } from '../index/catch-up.js'
import { heldIn } from '../index/held.js'
import { problemsIn } from '../index/listing.js'
import { isRefused } from '../index/open.js'
import { holdFormer, memberRow, removeMember } from '../index/update.js'
import { giveWay, Pace, slice } from '../pace.js'
import { heal, mirrored } from '../property.js'
import { markOf } from '../rollback.js'
import { fileNames, removeDrafts } from '../scan.js'
import type { Directories } from './directories.js'
import type { IndexFile } from './index-file.js'
import type { Collection, Known } from './known.js'
import type { HomeOptions } from './options.js'

/** So many files that are still broken are named again after a restart, of each collection. */
const mostReminded = 20
/** So many are looked at while somebody waits; more are compared in turns. */
const fewSuspects = 20
const mostNamed = 5
/** After so many slices of work what was written is moved into the main file of the index: it would be before long, within a slice. */
const turnsToCheckpoint = 4
/** So long before its time is set a copying tool may have filled a directory (ms); what a hand did earlier is what it wanted. */
const copying = 3000

/** The files of a home, compared with what the index has of them. */
export class Comparison {
  readonly #options: HomeOptions
  readonly #file: IndexFile
  readonly #directories: Directories
  readonly #tell: (path: string) => void
  readonly #started = Date.now()
  readonly #comparing = new Map<string, Promise<void>>()
  /** Collections of whose files it was said since the start which are not served as they are. */
  readonly #remembered = new Set<string>()
  #mending = Promise.resolve()
  #keeping: Promise<void> | undefined
  #stopped = false

  /** @param tell  called with the path of a collection of which a client can see a change */
  constructor (options: HomeOptions, file: IndexFile, directories: Directories, tell: (path: string) => void) {
    this.#options = options
    this.#file = file
    this.#directories = directories
    this.#tell = tell
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

  /** Whether the index agrees with the directory as far as one `stat` can tell. */
  isFresh (collection: Collection): boolean {
    // what is known counts only as long as its index is there
    if (!this.#file.isSound) void this.#file.index
    const known = this.#directories.known(collection.path)
    const stats = statsOf(collection.directory)
    // what a comparison under way has not come to yet is not known
    if (this.#comparing.has(collection.path)) return false
    if (known === undefined || stats === undefined || !known.compared || known.dirty || known.stamp !== stampOf(stats)) return false
    if (known.suspects.size > fewSuspects) return false
    return known.suspects.size === 0 || this.#clear(known)
  }

  #clear (known: Known): boolean {
    const names = [...known.suspects]
    known.suspects.clear()
    const { collection } = known
    try {
      const changed = this.#file.guarded(() => this.#file.index.transaction(() => updateUntil(this.#directories.place(collection), [...names], Infinity, this.#options.report)))
      this.#mend(collection, names.filter(name => memberRow(this.#directories.place(collection), name)?.attributed === 1))
      if (changed) this.#tell(collection.path)
      this.keepFormers()
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

  /** Makes the index agree with a directory; at once when it does already. Long comparisons let others work in between. */
  async fresh (collection: Collection): Promise<void> {
    if (!this.isBusy) this.#file.leaveSpare()
    // a comparison that is under way may have passed a file that changed since: then one more
    for (let round = 0; round < 3 && !this.#stopped && !this.isFresh(collection); round++) {
      let running = this.#comparing.get(collection.path)
      const isOurs = running === undefined
      if (running === undefined) {
        running = this.#compare(collection.path).finally(() => { this.#comparing.delete(collection.path) })
        this.#comparing.set(collection.path, running)
      }
      // one that began before may have failed for a reason that is gone
      if (!await this.#finished(collection, running) && isOurs) return
    }
  }

  // a disk that is full or fails keeps the index from following, not anybody from reading what it knew
  async #finished ({ path }: Collection, running: Promise<void>): Promise<boolean> {
    try {
      await running
      this.#directories.caughtUp()
      return true
    } catch (error) {
      if (!isRefused(error) || this.#directories.known(path)?.compared !== true) throw error
      this.#directories.tellBehind(error)
      return false
    }
  }

  async #compare (path: string): Promise<void> {
    this.#listWhenChanged(path)
    const known = this.#directories.known(path)
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
    await giveWay()
    const gone = this.#file.guarded(() => this.#file.index.rows('SELECT name FROM member WHERE collection = ?', collection.id))
      .map(([name]) => String(name)).filter(name => !names.has(name))
    const heldBefore = known.isBack ? known.heldBefore ?? heldIn(this.#file.index, collection.id).length : 0
    const toldBefore = this.#options.isGuest === true || this.#remembered.has(path) ? [] : problemsIn(this.#file.index, collection.id)
    const spellings = this.#options.naming?.().foldsCase === true ? gone.filter(name => statsOf(`${directory}/${name}`) !== undefined) : []
    this.#forgetSpellings(collection, spellings)
    const hasStrangers = known.isBack && await this.#hasStrangers(collection, names)
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
    this.#directories.noteMarks()
    this.#listWhenChanged(path, listed)
    this.keepFormers()
  }

  // files that nobody has ever seen here come from elsewhere, not from a backup of this
  async #hasStrangers ({ id, path }: Collection, names: ReadonlySet<string>): Promise<boolean> {
    const pace = new Pace()
    for (const name of names) {
      if (memberRow({ index: this.#file.index, collection: id }, name) === undefined && !hasFormer(this.#options.history, `${this.#options.path}/${path}/${name}`)) return true
      await pace.rest()
    }
    return false
  }

  // listing each time would look at all collections of a home for each of them. @param listed  its stamp when the home was last listed
  #listWhenChanged (path: string, listed = this.#directories.known(path)?.stamp): void {
    const stats = statsOf(this.#directories.directoryOf(path))
    if (listed === undefined || stats === undefined || listed !== stampOf(stats)) this.#directories.list()
  }

  // there is still something by that name, but it is listed under another
  #forgetSpellings (collection: Collection, names: readonly string[]): void {
    for (const name of names) this.#file.guarded(() => removeMember({ ...this.#directories.place(collection), isKept: true }, name))
  }

  async #compareSuspects (known: Known): Promise<void> {
    const { collection } = known
    const names = [...known.suspects]
    known.suspects.clear()
    const changed = await this.#update(collection, names)
    this.#mend(collection, names.filter(name => memberRow(this.#directories.place(collection), name)?.attributed === 1))
    if (changed) this.#tell(collection.path)
    if (this.#stopped) known.dirty = true
    this.keepFormers()
  }

  /** Updates members and lets others work in between. @returns whether a client can see a difference */
  async #update (collection: Collection, names: readonly string[]): Promise<boolean> {
    let todo = [...names].reverse()
    let changed = false
    for (let turns = 1; todo.length > 0; turns++) {
      todo = this.#file.guarded(() => {
        const left = [...todo]
        changed = this.#file.index.transaction(() => updateUntil(this.#directories.place(collection), left, performance.now() + slice, this.#options.report)) || changed
        return left
      })
      if (todo.length > 0) await giveWay()
      if (this.#stopped) break
      if (turns % turnsToCheckpoint !== 0) continue
      // it waits for the disk: not in the turn of the work
      this.#checkpoint()
      await giveWay()
    }
    return changed
  }

  #checkpoint (): void {
    try {
      this.#file.index.checkpoint()
    } catch (error) {
      // it is tried again; what was written is in the log of the index
      if (!isRefused(error)) throw error
    }
  }

  // whoever reads the log after a restart must not take for mended what is still as it was
  #remind ({ path, directory, id }: Collection, before: readonly { name: string, problem: string }[]): void {
    this.#remembered.add(path)
    const still = before.filter(({ name, problem }) => memberRow({ index: this.#file.index, collection: id }, name)?.problem === problem)
    for (const { name, problem } of still.slice(0, mostReminded)) this.#options.report(`${directory}/${name} is not served as it is: ${problem}`)
    if (still.length > mostReminded) this.#options.report(`${still.length - mostReminded} more files of ${directory} are not served as they are: "caldavd doctor" names them`)
  }

  // a copying tool sets the time of a directory last: what it has removed or overwritten before was taken for the work of a hand
  async #holdRecent (collection: Collection): Promise<void> {
    const { history } = this.#options
    if (history?.isOn !== true || !collection.holdsObjects) return
    this.keepFormers()
    await this.#keeping
    for (const { path, file } of latestByHand(history.directory, `${this.#options.path}/${collection.path}/`, Date.now() - copying)) {
      const [bytes, stats] = [read(file)?.bytes, statsOf(file)]
      if (bytes === undefined || stats === undefined || this.#stopped) continue
      this.#file.guarded(() => holdFormer(this.#directories.place(collection), path.slice(path.lastIndexOf('/') + 1), { bytes, modified: stats.mtimeMs, values: attribute.list(file) }))
      await giveWay()
    }
  }

  #tellHeld (collection: Collection, before: number): void {
    const held = heldIn(this.#file.index, collection.id)
    if (held.length <= before) return
    // clients that have seen what is not there any more synchronise from the start
    this.#file.index.renewEpoch()
    const [missing, older] = [true, false].map(is => held.filter(({ isMissing }) => isMissing === is).map(({ name }) => name))
    this.#options.report(`${collection.directory} went back to an older state, as when a backup is restored: ${some(missing ?? [], 'missing')}, ${some(older ?? [], 'older than what was served')}. ` +
      'All of them are served as they were. "caldavd restore --merge" brings them back, "caldavd restore --accept" takes the older state')
  }

  async #heal (collection: Collection): Promise<void> {
    const { path, directory } = collection
    try {
      const members = ['', ...mirrored(directory), ...this.#attributed(collection)]
      if (await heal(directory, members)) this.#options.report(`put back the properties of ${this.#options.path}/${path} that a copy had dropped`)
    } catch (error) {
      // what cannot be written can be served all the same
      if (!(error instanceof StoreError)) throw error
      this.#options.report(`cannot bring the properties kept in ${directory} up to date: ${error.message}`)
    }
  }

  #attributed ({ id }: Collection): string[] {
    return this.#file.index.all<{ name: string }>('SELECT name FROM member WHERE collection = ? AND attributed = 1', id).map(({ name }) => name)
  }

  /** Writes into the history what the index still has of files that were changed or removed by hand. */
  keepFormers (): void {
    const { history } = this.#options
    if (history === undefined || this.#keeping !== undefined || !this.#file.hasFormer) return
    this.#keeping = keepFormers(this.#options.path, this.#file, history).catch((error: unknown) => {
      this.#options.report(`cannot keep former versions of ${this.#options.path}: ${error instanceof Error ? error.message : String(error)}`)
    }).finally(() => { this.#keeping = undefined })
  }
}

function some (names: readonly string[], what: string): string {
  return `${names.length} ${what}${names.length === 0 ? '' : ` (${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ' …' : ''})`}`
}
