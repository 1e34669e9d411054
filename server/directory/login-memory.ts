import { createHmac, randomBytes } from 'node:crypto'
import type { AppPassword, AppPasswords } from './app-password.js'
import type { Directory } from './directory.js'
import type { Identity } from './identity.js'
import { guidKey, type DirectoryRecord } from './record.js'

/** What the memory is bound to. */
export interface LoginMemoryParts {
  readonly directory: Directory
  readonly appPasswords?: AppPasswords | undefined
  /** How long a login goes without being verified again; 0 not at all. */
  readonly cacheSeconds: number
  /** How long after it was verified a login counts while it cannot be verified again. One day without it. */
  readonly outageSeconds?: number
  /** Milliseconds, as Date.now */
  readonly now: () => number
}

/** A verified login, and what must still hold. */
export interface Verified {
  /** As it was typed. */
  readonly name: string
  /** The password in the directory; undefined for an app password. */
  readonly stored: string | undefined
  readonly app: AppPassword | undefined
  readonly identity: Identity
  /** Of the directory, when it was verified. */
  readonly version: number
}

interface Entry extends Verified {
  readonly at: number
  until: number
}

const most = 10_000
/** How long a login goes on by itself while the directory server is down, until that is asked again (ms). */
const outageCache = 30_000

/** Which Basic headers were right not long ago: at most 10,000, the oldest go first. */
export class LoginMemory {
  readonly #parts: LoginMemoryParts
  // Keyed digests, so a dump of it gives no passwords away
  readonly #key = randomBytes(32)
  readonly #entries = new Map<string, Entry>()

  constructor (parts: LoginMemoryParts) {
    this.#parts = parts
  }

  /** The name of a header in this memory. */
  keyOf (header: string): string {
    return createHmac('sha256', this.#key).update(header).digest('base64')
  }

  /** Whom a header names that need not be verified again yet. */
  recall (key: string): Identity | undefined {
    const found = this.#entries.get(key)
    return found === undefined || found.until <= this.#parts.now() ? undefined : this.#current(key, found)?.identity
  }

  /** Whether it was right within `outageSeconds`, and nothing has changed since: no guess. */
  wasRight (key: string): boolean {
    return this.#former(key) !== undefined
  }

  /** Lets a login that was right go on for half a minute, since it cannot be verified now; undefined when it was not. */
  prolong (key: string): Identity | undefined {
    const former = this.#former(key)
    if (former !== undefined) former.until = this.#parts.now() + outageCache
    return former?.identity
  }

  remember (key: string, verified: Verified): Identity {
    const { cacheSeconds, now } = this.#parts
    const at = now()
    this.#entries.delete(key)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= most && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(key, { ...verified, at, until: at + cacheSeconds * 1000 })
    return verified.identity
  }

  forget (key: string): void {
    this.#entries.delete(key)
  }

  #former (key: string): Entry | undefined {
    const { outageSeconds = 86_400, now } = this.#parts
    const found = this.#entries.get(key)
    return found === undefined || found.at + outageSeconds * 1000 <= now() ? undefined : this.#current(key, found)
  }

  /** The entry, if name, password and app password still mean the same; what no longer does is forgotten. */
  #current (key: string, found: Entry): Entry | undefined {
    const { directory, appPasswords } = this.#parts
    const { record } = found.identity
    const app = found.app === undefined ? undefined : appPasswords?.byHash(record, found.app.hash)
    if (app === found.app && found.version === directory.version) return found
    const now = directory.byLogin(found.name)
    const isSame = now !== undefined && guidKey(now.guid) === guidKey(record.guid) && (found.app === undefined ? directory.password(now) === found.stored : app !== undefined)
    this.#entries.delete(key)
    if (!isSame) return undefined
    const renewed = { ...found, app, version: directory.version, identity: identityOf(now, app) }
    this.#entries.set(key, renewed)
    return renewed
  }
}

/** Who logged in, with the limits of the app password if it was one. */
export function identityOf (record: DirectoryRecord, app: AppPassword | undefined): Identity {
  if (app === undefined) return { record }
  const { name, readOnly, calendars } = app
  return { record, limit: { name, readOnly, ...calendars === undefined ? {} : { calendars } } }
}
