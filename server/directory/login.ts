import { setTimeout as sleep } from 'node:timers/promises'
import { DavError } from '../dav/error.js'
import type { AppPasswords } from './app-password.js'
import { Attempts, plainAddress, type Attempt } from './attempts.js'
import { readBasic, type BasicCredentials } from './basic.js'
import { algorithmsFor, isRightAnswer, isTarget, readDigest, type Algorithm } from './digest.js'
import type { Directory } from './directory.js'
import type { Identity } from './identity.js'
import { identityOf, LoginMemory } from './login-memory.js'
import { Nonces } from './nonce.js'
import { verifyPassword } from './password.js'
import { guidKey, type DirectoryRecord } from './record.js'
import { Unavailable } from './unavailable.js'

/** What a login needs; the settings are those of `authentication`. */
export interface LoginParts {
  readonly directory: Directory
  /** ASCII, without ':'. */
  readonly realm: string
  /** How long a verified login is remembered; 0 never. */
  readonly cacheSeconds: number
  /** Milliseconds, as Date.now */
  readonly now: () => number
  /** Hears of refused logins; never of passwords, and of names only when they exist (people type passwords there). */
  readonly log?: { info (text: string): void } | undefined
  readonly appPasswords?: AppPasswords | undefined
  /**
   * Is this the password? @throws Unavailable when that cannot be told
   * @param stored  of the account; undefined for nobody
   */
  readonly verify?: (stored: string | undefined, given: string, account: { readonly name?: string | undefined }) => Promise<boolean>
  readonly basic?: boolean
  readonly digest?: 'auto' | 'on' | 'off'
  readonly plainBasic?: 'local' | 'always' | 'never'
  readonly outageSeconds?: number
  readonly failures?: number
  readonly lockSeconds?: number
  readonly lockMostSeconds?: number
  /** Waits before a failure is told. */
  readonly wait?: (milliseconds: number) => Promise<unknown>
}

/** How a request came. One object for each request: what a login leaves for its challenge is remembered by the object. */
export interface LoginContext {
  /** Client IP; '' when a trusted proxy does not say for whom it asks. */
  readonly address: string
  readonly method: string
  /** Request target as the client sent it: a prefix that a proxy took away is put back. */
  readonly url: string
  /** TLS, ours or a trusted proxy's. */
  readonly secure: boolean
  /** The connection is from this machine, and no proxy says that it asks for somebody elsewhere. */
  readonly local: boolean
}

/** With what the log says of it. */
type Try = Attempt & { readonly shown: string }

interface Outcome { readonly identity: Identity | undefined, readonly delayMilliseconds: number }

/** Verifications that may wait: about a second's worth, so that a flood of wrong passwords does not keep others waiting for longer. */
const mostRunning = 50
/** Refusals that wait before they are told; more are told at once. */
const mostDelayed = 200

/** Credentials → identity (RFC 7617, RFC 7616), with app passwords, and patience for slips but not for guessing. */
export class Login {
  readonly #parts: LoginParts
  readonly #memory: LoginMemory
  readonly #running = new Map<string, Promise<Outcome>>()
  /** Verifications under way, by account. */
  readonly #guessed = new Map<string, number>()
  readonly #attempts: Attempts
  readonly #nonces: Nonces
  readonly #stale = new WeakSet<LoginContext>()
  #delayed = 0
  #offered: { readonly version: number, readonly hasAppPasswords: boolean, readonly algorithms: readonly Algorithm[] } | undefined

  constructor (parts: LoginParts) {
    this.#parts = parts
    this.#memory = new LoginMemory(parts)
    this.#nonces = new Nonces(parts)
    this.#attempts = new Attempts({ failures: parts.failures ?? 10, lockSeconds: parts.lockSeconds ?? 60, lockMostSeconds: parts.lockMostSeconds ?? 900 }, parts.now)
  }

  /**
   * Values of WWW-Authenticate, one header each, strongest first (RFC 7235 4.1); stale=true when the last try with this context had a nonce
   * that is no longer answered with.
   * @throws DavError 403 when there is no way to log in by such a connection
   */
  challenges (context: LoginContext): readonly string[] {
    // DAVx5 takes the last Digest and knows MD5 only; python-requests mixes all into one, which works as long as realm and nonce are the same
    const challenges = this.#nonces.challenges(this.#algorithms(), this.#stale.has(context))
    if (this.#hasBasic && this.#isSafe(context)) challenges.push(`Basic realm="${this.#parts.realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`)
    if (challenges.length === 0) throw this.#hasBasic ? unsafe() : new DavError(403, 'nobody can log in: authentication.basic is off, and these accounts cannot use Digest')
    return challenges
  }

  /** Whether Basic is taken from such a connection. */
  takesBasic (context: LoginContext): boolean {
    return this.#hasBasic && this.#isSafe(context)
  }

  /** Whom a Basic header names that was verified not long ago; undefined asks for `identify`. */
  remembered (header: string | undefined, context: LoginContext): Identity | undefined {
    return header === undefined || !this.#hasBasic || !this.#isSafe(context) ? undefined : this.#memory.recall(this.#memory.keyOf(header))
  }

  /**
   * Whom the Authorization header names; undefined when it is missing, malformed, of a scheme that is not offered, or wrong. Waits before
   * it says so when that happens often.
   * @throws DavError 400 for an improper Digest, 403 for Basic where it is refused, 429 when locked out, 503 when too many are being
   * verified or the directory server is down
   */
  async identify (header: string | undefined, context: LoginContext): Promise<Identity | undefined> {
    if (header === undefined) return undefined
    return /^Digest /i.test(header) ? this.#byDigest(header, context) : this.#byBasic(header, context)
  }

  get #hasBasic (): boolean {
    return this.#parts.basic ?? true
  }

  #isSafe ({ secure, local }: LoginContext): boolean {
    const { plainBasic = 'local' } = this.#parts
    return secure || plainBasic === 'always' || plainBasic === 'local' && local
  }

  async #byBasic (header: string, context: LoginContext): Promise<Identity | undefined> {
    const credentials = this.#hasBasic ? readBasic(header) : undefined
    if (credentials === undefined) return undefined
    if (!this.#isSafe(context)) throw unsafe()
    const key = this.#memory.keyOf(header)
    const recalled = this.#memory.recall(key)
    if (recalled !== undefined) return recalled
    const { directory, appPasswords } = this.#parts
    const record = directory.byLogin(credentials.name)
    const attempt = this.#attempt(context, record, credentials.name, header)
    const app = record === undefined ? undefined : appPasswords?.find(record, credentials.password)
    if (record !== undefined && app !== undefined) {
      this.#attempts.succeeded(attempt)
      return this.#memory.remember(key, { name: credentials.name, stored: undefined, app, identity: identityOf(record, app), version: directory.version })
    }
    // What was right before is no guess: somebody else's do not lock it out
    if (!this.#memory.wasRight(key)) this.#demandUnlocked(attempt)
    // A client that opens eight connections at once costs one scrypt, and fails once
    const runningKey = `${directory.version} ${key}`
    this.#demandTurn(attempt, runningKey)
    if (this.#running.size >= mostRunning && !this.#running.has(runningKey)) {
      throw new DavError(503, 'too many logins are being verified', { headers: { 'retry-after': '2' } })
    }
    let running = this.#running.get(runningKey)
    if (running === undefined) {
      this.#guessing(attempt.account, 1)
      running = this.#verify(key, credentials, record, attempt).finally(() => {
        this.#guessing(attempt.account, -1)
        this.#running.delete(runningKey)
      })
      this.#running.set(runningKey, running)
    }
    return this.#tell(await running)
  }

  async #verify (key: string, { name, password }: BasicCredentials, record: DirectoryRecord | undefined, attempt: Try): Promise<Outcome> {
    const { directory, verify = verifyPassword } = this.#parts
    const version = directory.version
    const stored = record && directory.password(record)
    let isRight
    try {
      isRight = await verify(stored, password, { name: record?.name })
    } catch (error) {
      if (error instanceof Unavailable) return this.#outage(key, error)
      throw error
    }
    if (record === undefined || !isRight) {
      this.#memory.forget(key)
      return this.#failed(attempt, record)
    }
    this.#attempts.succeeded(attempt)
    return { identity: this.#memory.remember(key, { name, stored, app: undefined, identity: identityOf(record, undefined), version }), delayMilliseconds: 0 }
  }

  /** RFC 7616 3.4 */
  async #byDigest (header: string, context: LoginContext): Promise<Identity | undefined> {
    const { directory, realm } = this.#parts
    const offered = this.#algorithms()
    const credentials = offered.length === 0 ? undefined : readDigest(header)
    if (credentials === undefined || credentials.realm !== realm) return undefined
    if (!offered.includes(credentials.algorithm)) throw new DavError(400, `Authorization: Digest: algorithm=${credentials.algorithm} was not offered`)
    if (!isTarget(credentials.uri, context.url)) throw new DavError(400, 'Authorization: Digest: uri is not the target of the request')
    const record = directory.byLogin(credentials.name)
    const attempt = this.#attempt(context, record, credentials.name, undefined)
    const isInUse = record !== undefined && this.#nonces.isInUse(credentials.nonce, guidKey(record.guid))
    if (!isInUse) this.#demandUnlocked(attempt)
    const isRight = isRightAnswer(credentials, record && directory.password(record), context.method)
    if (record === undefined || !isRight) return this.#tell(this.#failed(attempt, record))
    // RFC 7616 3.3: stale is said only to who knows the password
    if (this.#nonces.take(credentials, guidKey(record.guid)) === 'stale') {
      this.#stale.add(context)
      return undefined
    }
    if (!isInUse) this.#attempts.succeeded(attempt)
    return identityOf(record, undefined)
  }

  /**
   * Digest only where nobody is misled by it: clients prefer it, and fail when the password is stored in a form that it cannot be worked
   * out from. App passwords are such, and those of `htdigest` for SHA-256.
   */
  #algorithms (): readonly Algorithm[] {
    const { directory, appPasswords, realm, digest = 'auto' } = this.#parts
    if (digest === 'off') return []
    const hasAppPasswords = (appPasswords?.size ?? 0) > 0
    if (this.#offered?.version === directory.version && this.#offered.hasAppPasswords === hasAppPasswords) return this.#offered.algorithms
    const each = directory.all('users').flatMap(record => {
      const stored = directory.password(record)
      return stored === undefined || stored === 'plain:' ? [] : [algorithmsFor(stored, realm)]
    })
    const able = each.filter(({ length }) => length > 0)
    const isFit = able.length > 0 && (digest === 'on' || able.length === each.length && !hasAppPasswords)
    const algorithms = isFit ? (['SHA-256', 'MD5'] as const).filter(name => able.every(one => one.includes(name))) : []
    this.#offered = { version: directory.version, hasAppPasswords, algorithms }
    return algorithms
  }

  #attempt ({ address, local }: LoginContext, record: DirectoryRecord | undefined, typed: string, guess: string | undefined): Try {
    // Behind a loopback address may be everybody: a proxy that does not tell
    return { address: local ? '' : address, account: record === undefined ? `name ${typed.toLowerCase()}` : `guid ${guidKey(record.guid)}`, guess, shown: shown(address, record) }
  }

  #demandUnlocked (attempt: Attempt): void {
    const seconds = this.#attempts.waitSeconds(attempt)
    if (seconds !== undefined) throw new DavError(429, `too many failed logins: wait ${seconds} seconds`, { headers: { 'retry-after': String(seconds) } })
  }

  // what is being verified counts as if it had failed, or all guesses of a flood would be tried before the first is counted
  #demandTurn ({ account }: Attempt, runningKey: string): void {
    const { failures = 10 } = this.#parts
    if (failures === 0 || this.#running.has(runningKey) || (this.#guessed.get(account) ?? 0) < failures) return
    throw new DavError(503, 'too many logins of one account are being verified', { headers: { 'retry-after': '2' } })
  }

  #guessing (account: string, more: 1 | -1): void {
    const count = (this.#guessed.get(account) ?? 0) + more
    if (count > 0) this.#guessed.set(account, count)
    else this.#guessed.delete(account)
  }

  /** One line for each: docs/authentication.md has the filter of fail2ban that reads it. */
  #failed (attempt: Try, record: DirectoryRecord | undefined): Outcome {
    const { log } = this.#parts
    const { delayMilliseconds, locked } = this.#attempts.failed(attempt)
    log?.info(`login failed: ${attempt.shown} reason=${record === undefined ? 'unknown' : 'password'}`)
    for (const { what, seconds } of locked) log?.info(`login locked: ${attempt.shown} by=${what} seconds=${seconds}`)
    return { identity: undefined, delayMilliseconds }
  }

  async #tell ({ identity, delayMilliseconds }: Outcome): Promise<Identity | undefined> {
    if (delayMilliseconds === 0 || this.#delayed >= mostDelayed) return identity
    this.#delayed++
    try {
      await (this.#parts.wait ?? sleep)(delayMilliseconds)
    } finally {
      this.#delayed--
    }
    return identity
  }

  #outage (key: string, error: Unavailable): Outcome {
    const identity = this.#memory.prolong(key)
    if (identity === undefined) throw new DavError(503, 'logins cannot be verified now: the directory server does not answer', { headers: { 'retry-after': '30' }, cause: error })
    return { identity, delayMilliseconds: 0 }
  }
}

function shown (address: string, record: DirectoryRecord | undefined): string {
  const name = record === undefined ? '?' : /^[\w.@+-]+$/.test(record.name) ? record.name : JSON.stringify(record.name)
  return `address=${address === '' ? '?' : plainAddress(address)} user=${name}`
}

function unsafe (): DavError {
  return new DavError(403, 'passwords are not taken over plain HTTP from other machines: use https, or see authentication.plainBasic')
}
