import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { PlistError } from '../../twistedcompat/plist.js'
import { readSudoers, type Sudoer } from '../../twistedcompat/sudoers.js'
import { DavError } from '../dav/error.js'
import { Attempts } from './attempts.js'
import { readBasic } from './basic.js'

/** What the list of sudoers needs. */
export interface SudoersParts {
  /** Apple's sudoers.plist, absolute; asked each time, since settings may change. undefined = there are none. */
  readonly file: () => string | undefined
  readonly log: { info (text: string): void, error (text: string): void }
  /** Milliseconds, as Date.now */
  readonly now: () => number
}

/** Administrators who are no calendar users and act as others (X-Authorize-As). The file is read again when it has changed. */
export class Sudoers {
  readonly #parts: SudoersParts
  readonly #key = randomBytes(32)
  readonly #attempts: Attempts
  #seen = ''
  #sudoers: ReadonlyMap<string, Sudoer> = new Map()

  constructor (parts: SudoersParts) {
    this.#parts = parts
    this.#attempts = new Attempts({ failures: 10, lockSeconds: 60, lockMostSeconds: 900 }, parts.now)
    this.#refresh()
  }

  /** Whether a sudoer is called so. */
  has (name: string): boolean {
    this.#refresh()
    return this.#sudoers.has(name)
  }

  /**
   * The name of the sudoer whose credentials these are; undefined when they are nobody's among them.
   * @param header   Authorization: Basic (RFC 7617)
   * @param address  the client's
   * @throws DavError 429 when too many wrong passwords came before
   */
  verify (header: string | undefined, address: string): string | undefined {
    const credentials = header === undefined ? undefined : readBasic(header)
    if (credentials === undefined || !this.has(credentials.name)) return undefined
    const { name, password } = credentials
    const attempt = { address, account: name, guess: password }
    const seconds = this.#attempts.waitSeconds(attempt)
    if (seconds !== undefined) throw new DavError(429, `too many wrong passwords: try again in ${seconds} s`, { headers: { 'retry-after': String(seconds) } })
    if (!this.#isSame(this.#sudoers.get(name)?.password ?? '', password)) {
      this.#attempts.failed(attempt)
      return undefined
    }
    this.#attempts.succeeded(attempt)
    return name
  }

  // the time it takes says nothing about how much was right
  #isSame (one: string, other: string): boolean {
    const [mine, yours] = [one, other].map(text => createHmac('sha256', this.#key).update(text).digest()) as [Buffer, Buffer]
    return timingSafeEqual(mine, yours)
  }

  #refresh (): void {
    const file = this.#parts.file()
    const seen = file === undefined ? '' : `${file} ${fingerprint(file)}`
    if (seen === this.#seen) return
    this.#seen = seen
    if (file === undefined) {
      this.#sudoers = new Map()
      return
    }
    try {
      const sudoers = readSudoers(readFileSync(file, 'utf8'))
      this.#sudoers = new Map(sudoers.map(sudoer => [sudoer.username, sudoer]))
      this.#parts.log.info(`${file}: ${sudoers.length} sudoers`)
    } catch (error) {
      if (!(error instanceof PlistError) && (error as NodeJS.ErrnoException).code === undefined) throw error
      this.#parts.log.error(`access.sudoers stays as it was: ${file}: ${(error as Error).message}`)
    }
  }
}

function fingerprint (file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
