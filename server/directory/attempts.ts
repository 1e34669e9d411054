import { createHmac, randomBytes } from 'node:crypto'

/** How much guessing is borne. */
export interface AttemptBounds {
  /** Different wrong passwords, or wrong Digest answers, until a lock-out; 0 = never. */
  readonly failures: number
  /** The first lock-out; each that follows at once is twice as long. */
  readonly lockSeconds: number
  /** The longest lock-out. */
  readonly lockMostSeconds: number
}

/** One try to log in. */
export interface Attempt {
  /** Client address; '' or undefined when many clients may be behind it, so that it is not held against them. */
  readonly address: string | undefined
  /** guid of the account, or the name that was typed, when nobody has it: both are locked, or a lock would tell who exists. */
  readonly account: string
  /** What was tried, as a whole: the same wrong password sent by a phone all day is one guess. undefined = never the same twice. */
  readonly guess?: string | undefined
}

/** What a failure leads to: how long the answer should wait, and the lock-outs that begin. */
export interface Verdict {
  readonly delayMilliseconds: number
  readonly locked: readonly { readonly what: 'address' | 'account', readonly seconds: number }[]
}

interface Tries {
  /** Digests of the different guesses; of an address with the account they were meant for, of an account with the address they came from. */
  readonly guesses: Map<string, string>
  lockedUntil: number
  locks: number
  last: number
  /** Whether the last guess was another than those before. */
  isNew: boolean
}

const mostEntries = 10_000
/** A list of guesses does not grow beyond this; those that follow are counted by `locks` alone. */
const mostGuesses = 100
/** After this time (ms) without a failure the past is forgotten. */
const memory = 60 * 60 * 1000
/** Fat fingers, and clients that try an old password first, do not wait. */
const free = 2
const mostDelay = 4000
const mostFriends = 20

/** Counts failed logins of addresses and of accounts, in bounded memory, and says who has to wait. */
export class Attempts {
  readonly #bounds: AttemptBounds
  readonly #now: () => number
  // The memory holds keyed digests: what people typed cannot be had from it
  readonly #key = randomBytes(32)
  readonly #addresses = new Map<string, Tries>()
  readonly #accounts = new Map<string, Tries>()
  readonly #friends = new Map<string, Set<string>>()

  /** @param now  milliseconds, as Date.now */
  constructor (bounds: AttemptBounds, now: () => number) {
    this.#bounds = bounds
    this.#now = now
  }

  /**
   * Whole seconds until such a try is looked at again; undefined = now. An address from which the account was logged in to before
   * does not mind a lock-out of the account: it was not the one that guessed, or is locked out itself.
   */
  waitSeconds (attempt: Attempt): number | undefined {
    const address = networkOf(attempt.address)
    const account = this.#digest(attempt.account)
    const isFriend = address !== undefined && this.#friends.get(account)?.has(address) === true
    const until = Math.max(
      address === undefined ? 0 : this.#addresses.get(address)?.lockedUntil ?? 0,
      isFriend ? 0 : this.#accounts.get(account)?.lockedUntil ?? 0
    )
    return until > this.#now() ? Math.ceil((until - this.#now()) / 1000) : undefined
  }

  /** A wrong password. */
  failed (attempt: Attempt): Verdict {
    const address = networkOf(attempt.address)
    const account = this.#digest(attempt.account)
    const guess = attempt.guess === undefined ? randomBytes(9).toString('base64') : this.#digest(attempt.guess)
    const ofAddress = address === undefined ? undefined : this.#count(this.#addresses, address, guess, account)
    const ofAccount = this.#count(this.#accounts, account, guess, address ?? '')
    return {
      delayMilliseconds: Math.max(...[ofAddress, ofAccount].map(tries => tries === undefined ? 0 : delay(tries.guesses.size))),
      locked: [...this.#lock('address', ofAddress), ...this.#lock('account', ofAccount)]
    }
  }

  /**
   * A right one: the slips of this address with this account are forgotten. What others guessed meanwhile is not: the telephone of the
   * owner logs in every few minutes, and who guesses may have an account of his own.
   */
  succeeded (attempt: Attempt): void {
    const address = networkOf(attempt.address)
    const account = this.#digest(attempt.account)
    forgive(this.#accounts, account, address ?? '')
    if (address === undefined) return
    forgive(this.#addresses, address, account)
    const friends = this.#friends.get(account) ?? new Set()
    renew(friends, address, mostFriends)
    this.#friends.delete(account)
    makeRoom(this.#friends)
    this.#friends.set(account, friends)
  }

  #count (all: Map<string, Tries>, key: string, guess: string, other: string): Tries {
    const now = this.#now()
    const before = all.get(key)
    const tries = before !== undefined && before.last + memory > now ? before : { guesses: new Map<string, string>(), lockedUntil: 0, locks: 0, last: now, isNew: true }
    tries.isNew = !tries.guesses.has(guess)
    if (tries.guesses.size < mostGuesses) tries.guesses.set(guess, other)
    tries.last = now
    all.delete(key)
    makeRoom(all)
    all.set(key, tries)
    return tries
  }

  #lock (what: 'address' | 'account', tries: Tries | undefined): { what: 'address' | 'account', seconds: number }[] {
    const { failures, lockSeconds, lockMostSeconds } = this.#bounds
    if (tries === undefined || !tries.isNew || failures === 0 || tries.guesses.size < failures) return []
    const seconds = Math.min(lockSeconds * 2 ** Math.min(tries.locks, 20), lockMostSeconds)
    if (seconds === 0) return []
    tries.locks++
    tries.lockedUntil = this.#now() + seconds * 1000
    return [{ what, seconds }]
  }

  #digest (text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64').slice(0, 16)
  }
}

/**
 * What is one client: an IPv4 address, or the /64 of an IPv6 address, all of which one customer has.
 * @returns undefined when it is no address
 */
export function networkOf (address: string | undefined): string | undefined {
  if (address === undefined || address === '') return undefined
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  const [left = '', right] = plain.split('::')
  const groups = (text: string | undefined) => text === undefined || text === '' ? [] : text.split(':')
  const [first, last] = [groups(left), groups(right)]
  const all = right === undefined ? first : [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
  return all.slice(0, 4).map(group => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':') + '::/64'
}

/** As people write it: no IPv4 in IPv6's clothes, no zone of an interface. */
export function plainAddress (address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}

function delay (failures: number): number {
  return failures <= free ? 0 : Math.min(250 * 2 ** (failures - free - 1), mostDelay)
}

function forgive (all: Map<string, Tries>, key: string, other: string): void {
  const tries = all.get(key)
  if (tries === undefined) return
  for (const [guess, origin] of tries.guesses) if (origin === other) tries.guesses.delete(guess)
  if (tries.guesses.size === 0) all.delete(key)
}

/** Puts a value at the end of a set; the one that was not used for longest goes. */
function renew (set: Set<string>, value: string, most: number): void {
  set.delete(value)
  const [oldest] = set
  if (set.size >= most && oldest !== undefined) set.delete(oldest)
  set.add(value)
}

function makeRoom (all: Map<string, unknown>): void {
  const [oldest] = all.keys()
  if (all.size >= mostEntries && oldest !== undefined) all.delete(oldest)
}
