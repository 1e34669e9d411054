import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Algorithm, DigestCredentials } from './digest.js'

/** What becomes of a nonce that a right answer came with; 'stale' asks the client to answer again with a new one. */
export type NonceState = 'fresh' | 'stale'

/** What a nonce is bound to. */
export interface NonceParts {
  readonly realm: string
  /** Milliseconds, as Date.now */
  readonly now: () => number
}

/** How long a nonce is answered with (ms). */
export const nonceLifetime = 15 * 60 * 1000
const mostNonces = 10_000
/** Requests that overtake each other on several connections. */
const windowSize = 64

interface Used { readonly owner: string, highest: number, seen: bigint }

/** Nonces and counts (RFC 7616 3.3, 3.4). A nonce costs memory only when a right answer has come with it. */
export class Nonces {
  readonly #parts: NonceParts
  // New with every start: nonces of before are stale, so that their counts need not be kept on the disk
  readonly #secret = randomBytes(32)
  readonly #used = new Map<string, Used>()
  /** Nonces up to this time (ms) that are not in the memory may have been dropped from it. */
  #forgottenUntil = -Infinity

  constructor (parts: NonceParts) {
    this.#parts = parts
  }

  /** Values of WWW-Authenticate, one for each algorithm (RFC 7616 3.3). */
  challenges (offered: readonly Algorithm[], isStale: boolean): string[] {
    if (offered.length === 0) return []
    const nonce = this.make()
    return offered.map(algorithm => [
      `Digest realm=${quoted(this.#parts.realm)}`, 'qop="auth"', `algorithm=${algorithm}`, `nonce="${nonce}"`, `opaque="${this.#opaque()}"`,
      'charset=UTF-8', ...isStale ? ['stale=true'] : []
    ].join(', '))
  }

  /** A new nonce: its time, something that comes once, and our seal over both. */
  make (): string {
    const head = Buffer.alloc(16)
    head.writeUIntBE(this.#parts.now(), 0, 6)
    randomBytes(10).copy(head, 6)
    return Buffer.concat([head, this.#seal(head)]).toString('base64url')
  }

  /**
   * Takes the count of a right answer. Stale: not our nonce, too old, or a count that was there before.
   * @param owner  guid of the account: a nonce serves one only
   */
  take ({ nonce, nc, opaque }: DigestCredentials, owner: string): NonceState {
    const issued = this.#issued(nonce)
    const now = this.#parts.now()
    if (issued === undefined || issued > now || issued + nonceLifetime <= now || opaque !== undefined && opaque !== this.#opaque()) return 'stale'
    const used = this.#used.get(nonce)
    if (used === undefined && issued <= this.#forgottenUntil) return 'stale'
    if (used !== undefined && used.owner !== owner) return 'stale'
    if (used === undefined) this.#makeRoom(now)
    const state = used ?? { owner, highest: 0, seen: 0n }
    this.#used.set(nonce, state)
    return counts(state, Number.parseInt(nc, 16)) ? 'fresh' : 'stale'
  }

  /** Whether this account has answered with this nonce before. */
  isInUse (nonce: string, owner: string): boolean {
    return this.#used.get(nonce)?.owner === owner
  }

  #makeRoom (now: number): void {
    for (const nonce of this.#used.keys()) {
      const issued = this.#issued(nonce) ?? 0
      const isOld = issued + nonceLifetime <= now
      if (!isOld && this.#used.size < mostNonces) return
      if (!isOld) this.#forgottenUntil = Math.max(this.#forgottenUntil, issued)
      this.#used.delete(nonce)
    }
  }

  #issued (nonce: string): number | undefined {
    if (!/^[\w-]{43}$/.test(nonce)) return undefined
    const bytes = Buffer.from(nonce, 'base64url')
    return timingSafeEqual(this.#seal(bytes.subarray(0, 16)), bytes.subarray(16)) ? bytes.readUIntBE(0, 6) : undefined
  }

  #seal (head: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update('nonce').update(head).digest().subarray(0, 16)
  }

  #opaque (): string {
    return createHmac('sha256', this.#secret).update('opaque').digest('base64url').slice(0, 22)
  }
}

function counts (state: Used, count: number): boolean {
  const ahead = count - state.highest
  if (count === 0 || ahead <= -windowSize) return false
  if (ahead > 0) {
    state.seen = ahead >= windowSize ? 1n : BigInt.asUintN(windowSize, state.seen << BigInt(ahead)) | 1n
    state.highest = count
    return true
  }
  const bit = 1n << BigInt(-ahead)
  if ((state.seen & bit) !== 0n) return false
  state.seen |= bit
  return true
}

function quoted (text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
