import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { codeOf } from './error.js'
import { facts } from './file.js'
import { isIgnored } from './name.js'
import { entries } from './scan.js'

/**
 * Whether the documents are there: a disk that is not mounted, or an empty one in its place, must not look as if everything had been
 * deleted. Which directory they were is noted in the state.
 */
export class Presence {
  readonly #documents: string
  readonly #state: string
  /** Device and inode of the directory that is served; `undefined` until there was one. */
  #served: string | undefined

  /** @param documents  absolute. @param state  absolute, with the indexes in `index` */
  constructor (documents: string, state: string) {
    this.#documents = documents
    this.#state = state
  }

  /**
   * Why the documents must not be served; `undefined` when they may. The first time that they may, that is noted.
   * After that only the same directory is good: indexes and watches are of that.
   */
  problem (): string | undefined {
    const stats = facts(this.#documents)
    const identity = stats?.isDirectory() === true ? `${stats.dev} ${stats.ino}` : undefined
    if (this.#served !== undefined) {
      if (identity !== undefined && identity.split(' ')[1] === this.#served.split(' ')[1]) return undefined
      return `${this.#documents} is not the directory it was at the start: mount it again, or restart the server`
    }
    if (!this.#isKnownFull() || (identity !== undefined && (this.#isSame(identity) || !isBare(this.#documents)))) {
      if (identity !== undefined) this.#note(identity)
      return undefined
    }
    return `${this.#documents} is ${identity === undefined ? 'not there' : 'empty'}, and held calendars before: is its disk not mounted? Nothing is taken for deleted, and it is served as soon as it is there`
  }

  // whoever removes all by hand leaves our hidden directory; a disk that was made anew has it not
  #isSame (identity: string): boolean {
    return identity === this.#noted() && facts(`${this.#documents}/.drafts`) !== undefined
  }

  /** Whether there are indexes of homes. */
  #isKnownFull (): boolean {
    return this.#noted() !== undefined && holdsIndex(`${this.#state}/index`, 0)
  }

  #noted (): string | undefined {
    try {
      return readFileSync(`${this.#state}/documents`, 'utf8').trim()
    } catch {
      return undefined
    }
  }

  #note (identity: string): void {
    this.#served = identity
    if (this.#noted() === identity) return
    try {
      writeFileSync(`${this.#state}/documents.new`, `${identity}\n`)
      renameSync(`${this.#state}/documents.new`, `${this.#state}/documents`)
    } catch (error) {
      // a full disk, or one that cannot be written: then the next start knows the former one
      if (codeOf(error) === undefined) throw error
    }
  }
}

// what mkfs makes is nobody's
function isBare (directory: string): boolean {
  return entries(directory).every(({ name }) => isIgnored(name) || name === 'lost+found')
}

function holdsIndex (directory: string, depth: number): boolean {
  return depth < 4 && entries(directory).some(entry => entry.isDirectory() ? holdsIndex(`${directory}/${entry.name}`, depth + 1) : entry.name.endsWith('.sqlite'))
}
