import { createHmac, randomBytes } from 'node:crypto'
import { DavError } from '../dav/error.js'
import type { Directory } from './directory.js'
import { verifyPassword } from './password.js'
import type { DirectoryRecord } from './record.js'

/** What a login needs. */
export interface LoginParts {
  readonly directory: Directory
  readonly realm: string
  /** How long a verified login is remembered; 0 never. */
  readonly cacheSeconds: number
  /** Milliseconds, as Date.now */
  readonly now: () => number
  /** Hears of refused logins; never of passwords, and of names only when they exist (people type passwords there). */
  readonly log?: { info (text: string): void } | undefined
}

interface Remembered { readonly record: DirectoryRecord, readonly until: number }

const mostRemembered = 10_000
/** Verifications that may wait: about a second's worth, so that a flood of wrong passwords does not keep others waiting for longer. */
const mostRunning = 50

/** Basic credentials → record (RFC 7617). */
export class Login {
  readonly #parts: LoginParts
  // The memory holds keyed digests, so a dump of it gives no passwords away
  readonly #key = randomBytes(32)
  readonly #remembered = new Map<string, Remembered>()
  readonly #running = new Map<string, Promise<DirectoryRecord | undefined>>()
  #version: number

  constructor (parts: LoginParts) {
    this.#parts = parts
    this.#version = parts.directory.version
  }

  /** The value of WWW-Authenticate (RFC 7617 2.1). */
  challenge (): string {
    return `Basic realm="${this.#parts.realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`
  }

  /** Whom a header names that was verified not long ago; undefined asks for `basic`. */
  remembered (header: string | undefined): DirectoryRecord | undefined {
    return header === undefined ? undefined : this.#recall(this.#digest(header))
  }

  /**
   * Whom the Authorization header names; undefined when it is missing, malformed, of another scheme, or wrong.
   * @throws DavError 503 when too many are being verified
   */
  async basic (header: string | undefined): Promise<DirectoryRecord | undefined> {
    const credentials = header === undefined ? undefined : readBasic(header)
    if (header === undefined || credentials === undefined) return undefined
    const digest = this.#digest(header)
    const known = this.#recall(digest)
    if (known !== undefined) return known
    // A client that opens eight connections at once costs one scrypt
    const key = `${this.#version} ${digest}`
    if (this.#running.size >= mostRunning && !this.#running.has(key)) {
      throw new DavError(503, 'too many logins are being verified', { headers: { 'retry-after': '2' } })
    }
    const running = this.#running.get(key) ?? this.#verify(digest, credentials).finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return running
  }

  async #verify (digest: string, { name, password }: Credentials): Promise<DirectoryRecord | undefined> {
    const { directory, log } = this.#parts
    const version = directory.version
    const record = directory.byLogin(name)
    const isRight = await verifyPassword(record && directory.password(record), password)
    if (record === undefined || !isRight) {
      log?.info(`login refused: ${record === undefined ? 'no such user' : `wrong password for ${record.name}`}`)
      return undefined
    }
    if (directory.version === version) this.#remember(digest, record)
    return record
  }

  #digest (header: string): string {
    return createHmac('sha256', this.#key).update(header).digest('base64')
  }

  #recall (digest: string): DirectoryRecord | undefined {
    const { directory, now } = this.#parts
    if (this.#version !== directory.version) {
      this.#remembered.clear()
      this.#version = directory.version
    }
    const found = this.#remembered.get(digest)
    if (found === undefined || found.until > now()) return found?.record
    this.#remembered.delete(digest)
    return undefined
  }

  #remember (digest: string, record: DirectoryRecord): void {
    const { cacheSeconds, now } = this.#parts
    if (cacheSeconds <= 0) return
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size >= mostRemembered && oldest !== undefined) this.#remembered.delete(oldest)
    this.#remembered.set(digest, { record, until: now() + cacheSeconds * 1000 })
  }
}

interface Credentials { readonly name: string, readonly password: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

function readBasic (header: string): Credentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,8000}={0,2})\s*$/i.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    // RFC 7617 B.1: clients from before the charset parameter send ISO 8859-1
    text = bytes.toString('latin1')
  }
  const colon = text.indexOf(':')
  // RFC 7617 2: neither part has control characters
  if (colon < 1 || /[\0-\x1f\x7f]/.test(text)) return undefined
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
