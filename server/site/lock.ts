import { randomUUID } from 'node:crypto'
import { DavError, failed } from '../dav/error.js'
import { element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import type { Resource } from './resource.js'

/** A write lock (RFC 4918 6 and 7). */
export interface Lock {
  /** `urn:uuid:…` */
  readonly token: string
  /** What it was taken on, the lock root, as `placeOf` names it. */
  readonly place: string
  /** The lock root as its creator asked for it: decoded segments, and percent-encoded. */
  readonly segments: readonly string[]
  readonly href: string
  readonly scope: 'exclusive' | 'shared'
  /** It holds for everything below too (Depth: infinity). */
  readonly deep: boolean
  /** The element DAV:owner as text for the prefixes D, C, CS and A; `undefined` when the client sent none. */
  readonly owner: string | undefined
  /** The guid of who took it. */
  readonly creator: string
}

/** A lock that somebody would like to have. */
export type Wish = Omit<Lock, 'token'>

/** A lock with the time it was given and the moment at which it ends, in the milliseconds of the clock. */
interface Held { readonly lock: Lock, seconds: number, ends: number }

/** Seconds: without a Timeout header, and at most. */
const usual = 10 * 60
const longest = 60 * 60

/** How many locks there may be: on one resource (shared ones), of one user, of all. */
const mostOfPlace = 50
const mostOfUser = 1000
const most = 20_000

/**
 * All locks, in memory: a restart forgets them, as RFC 4918 6.6 lets a server do. Nothing here waits, so what has been
 * asked holds until the next `await`.
 */
export class Locks {
  readonly #now: () => number
  readonly #held = new Map<string, Held>()
  readonly #places = new Map<string, Held[]>()
  /** How many each creator has. */
  readonly #counts = new Map<string, number>()

  /** @param now  a clock in milliseconds that never goes back */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** The locks in whose scope a place is: its own, and the deep ones of what it lies in. */
  covering (place: string): Lock[] {
    if (this.isEmpty) return []
    const found = this.at(place)
    for (let end = place.lastIndexOf('/'); end > 0; end = place.lastIndexOf('/', end - 1)) {
      for (const lock of this.at(place.slice(0, end))) if (lock.deep) found.push(lock)
    }
    return found
  }

  /** The locks taken on a place itself. */
  at (place: string): Lock[] {
    const now = this.#now()
    return (this.#places.get(place) ?? []).filter(({ ends }) => ends > now).map(({ lock }) => lock)
  }

  /** Whether nothing is locked, which is the usual state. */
  get isEmpty (): boolean {
    return this.#held.size === 0
  }

  /** The locks taken on anything below a place. */
  below (place: string): Lock[] {
    if (this.isEmpty) return []
    const now = this.#now()
    return [...this.#held.values()].filter(({ lock, ends }) => ends > now && lock.place.startsWith(`${place}/`)).map(({ lock }) => lock)
  }

  /** The locks that do not let a wish come true (RFC 4918 6.1, 9.10.5). */
  conflicts ({ place, deep, scope }: Pick<Wish, 'place' | 'deep' | 'scope'>): Lock[] {
    const others = deep ? [...this.covering(place), ...this.below(place)] : this.covering(place)
    return others.filter(other => scope === 'exclusive' || other.scope === 'exclusive')
  }

  /**
   * Takes a lock.
   * @param seconds  as the client would like it (Infinity for `Infinite`); `undefined` = as we like
   * @throws DavError 423 no-conflicting-lock, 507 when the user or the resource has too many, 503 when there are too many at all
   */
  take (wish: Wish, seconds: number | undefined): Lock {
    const conflicts = this.conflicts(wish)
    if (conflicts.length > 0) throw conflictError(conflicts)
    const problem = this.#fullness(wish)
    // those that have ended are kept until they are in the way
    if (problem !== undefined) this.#forgetEnded()
    const still = problem === undefined ? undefined : this.#fullness(wish)
    if (still !== undefined) throw still
    const lock: Lock = { ...wish, token: `urn:uuid:${randomUUID()}` }
    const held: Held = { lock, seconds: granted(seconds), ends: this.#now() + granted(seconds) * 1000 }
    this.#held.set(lock.token, held)
    this.#places.set(wish.place, [...this.#places.get(wish.place) ?? [], held])
    this.#counts.set(wish.creator, (this.#counts.get(wish.creator) ?? 0) + 1)
    return lock
  }

  /** Starts the time of a lock anew (RFC 4918 9.10.2). @param seconds  as for `take`; `undefined` = as long as before */
  refresh ({ token }: Lock, seconds: number | undefined): void {
    const held = this.#held.get(token)
    if (held === undefined) return
    if (seconds !== undefined) held.seconds = granted(seconds)
    held.ends = this.#now() + held.seconds * 1000
  }

  /** How long a lock lasts if nobody refreshes it, in whole seconds. */
  secondsLeft ({ token }: Lock): number {
    return Math.max(0, Math.ceil(((this.#held.get(token)?.ends ?? 0) - this.#now()) / 1000))
  }

  /** Ends a lock. */
  release ({ token, place, creator }: Lock): void {
    if (!this.#held.delete(token)) return
    const left = (this.#counts.get(creator) ?? 1) - 1
    if (left > 0) this.#counts.set(creator, left)
    else this.#counts.delete(creator)
    const others = (this.#places.get(place) ?? []).filter(({ lock }) => lock.token !== token)
    if (others.length > 0) this.#places.set(place, others)
    else this.#places.delete(place)
  }

  #fullness ({ place, href, creator }: Wish): DavError | undefined {
    if (this.#held.size >= most) return new DavError(503, `there are ${most} locks already, which is the most`, { headers: { 'retry-after': '60' } })
    if ((this.#places.get(place)?.length ?? 0) >= mostOfPlace) return new DavError(507, `${href} has ${mostOfPlace} locks already, which is the most`)
    if ((this.#counts.get(creator) ?? 0) >= mostOfUser) return new DavError(507, `there are ${mostOfUser} locks of one user already, which is the most: unlock some`)
    return undefined
  }

  #forgetEnded (): void {
    const now = this.#now()
    for (const { lock, ends } of [...this.#held.values()]) if (ends <= now) this.release(lock)
  }
}

function granted (seconds: number | undefined): number {
  return Math.min(Math.max(seconds ?? usual, 1), longest)
}

/** RFC 4918 16: no-conflicting-lock, with the roots of the locks that are in the way. */
export function conflictError (conflicts: readonly Lock[]): DavError {
  const hrefs = [...new Set(conflicts.map(({ href }) => href))]
  return failed('no-conflicting-lock', `locked already: ${hrefs.join(', ')}`, ...hrefs.map(href => element(dav('href'), href)))
}

/**
 * What a resource is called by locks: home and path below it as they are on disk, so that all names of a home agree.
 * `calendars/users/alice/work/1.ics`; also for a name under which nothing is yet, in a collection that is there.
 * `undefined` for what cannot be locked.
 */
export function placeOf ({ kind, home, collection, member, segments }: Resource): string | undefined {
  if (home === undefined || collection === undefined) return undefined
  const name = member?.name ?? (kind === 'unmapped' ? home.nameOf(collection, segments.at(-1) ?? '') : undefined)
  return [home.path, collection.path, name].filter(part => part !== undefined && part !== '').join('/')
}
