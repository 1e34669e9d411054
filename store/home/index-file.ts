import { dirname } from 'node:path'
import { StoreError } from '../error.js'
import { revision, trim } from '../index/journal.js'
import { forgetListings } from '../index/listing.js'
import { isDamage, isRefused, openIndex, removeIndex, type Index } from '../index/open.js'
import { hasRoom, isWritable, spareIndex } from '../index/spare.js'
import { doubtSpans } from '../index/update.js'
import type { HomeOptions } from './options.js'

/** How long an index stays in memory before the disk is tried again (ms). */
const spareSpell = 5000

/** The index of a home: opened when it is needed, made anew when it is damaged, in memory as long as the disk takes no writing. */
export class IndexFile {
  readonly #options: Pick<HomeOptions, 'path' | 'indexFile' | 'isGuest' | 'knowledge' | 'report'>
  readonly #forgotten: () => void
  #index: Index | undefined
  /** Epoch and revision of the index when it was closed. */
  #left = ''
  /** When the disk was last tried (performance.now). */
  #spareSince = 0

  /** @param forgotten  called when the index is another one than before: what was known with it does not hold any more */
  constructor (options: Pick<HomeOptions, 'path' | 'indexFile' | 'isGuest' | 'knowledge' | 'report'>, forgotten: () => void) {
    this.#options = options
    this.#forgotten = forgotten
  }

  /** The index, opened when it was closed; what is known goes with the index it was known of. */
  get index (): Index {
    if (this.#index?.isDamaged === true) this.#throwAway()
    if (this.#index === undefined) {
      this.#index = this.#opened()
      // somebody has deleted the file in the meantime, or put an older one there
      if (progressOf(this.#index) !== this.#left) this.#forgotten()
      if (hasNewKnowledge(this.#index, this.#options.knowledge)) this.#forgotten()
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
  leaveSpare (): void {
    if (this.#index?.isSpare !== true || performance.now() < this.#spareSince + spareSpell) return
    this.#spareSince = performance.now()
    if (hasRoom(dirname(this.#options.indexFile)) && isWritable(dirname(this.#options.indexFile))) this.close()
  }

  #throwAway (): void {
    this.#options.report(`the index of ${this.#options.path} is damaged and is made anew from the files`)
    if (this.#index !== undefined) forgetListings(this.#index)
    this.#index?.close()
    this.#index = undefined
    this.#left = ''
    removeIndex(this.#options.indexFile)
    this.#forgotten()
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

  /** Whether it is open and has something for the history. */
  get hasFormer (): boolean {
    return this.#index?.hasFormer === true
  }

  /** Whether it is open and sound. */
  get isSound (): boolean {
    return this.#index?.isDamaged === false
  }

  /** Closes the file; the next use opens it again. */
  close (): void {
    if (this.#index === undefined) return
    this.#left = this.#index.isDamaged ? '' : progressOf(this.#index)
    forgetListings(this.#index)
    this.#index.close()
    this.#index = undefined
  }
}

/** Notes the knowledge with which an index is used. @returns whether it was made with another */
function hasNewKnowledge (index: Index, knowledge: string | undefined): boolean {
  if (knowledge === undefined || index.get<{ value: string }>("SELECT value FROM meta WHERE key = 'knowledge'")?.value === knowledge) return false
  return index.transaction(() => {
    doubtSpans(index)
    return index.run("INSERT INTO meta (key, value) VALUES ('knowledge', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1", knowledge).changes > 0
  })
}

function progressOf (index: Index): string {
  return `${index.epoch} ${revision(index)}`
}
