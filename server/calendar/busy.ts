import { setImmediate as others } from 'node:timers/promises'
import type { Collection, Home, Member } from '../../store/home.js'
import { body, overlapping, type Candidate } from '../../store/index/search.js'
import { properties } from '../../store/property.js'
import { DavError } from '../dav/error.js'
import { Finds, seek, together } from '../ical/freebusy.js'
import type { Busy } from '../ical/availability.js'
import type { Range } from '../ical/overlap.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { portable } from '../ical/portable-zone.js'
import { Budget } from '../ical/recur.js'
import type { Zone } from '../ical/time.js'
import { fromStored } from '../site/stored.js'
import { child, element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { heavyBytes, inThread } from './heavy.js'
import { calendarZone } from './timezone.js'

/** Whether a calendar says when its owner is busy (RFC 6638 9.1: opaque unless it says otherwise). */
export function isOpaque ({ directory }: Collection): boolean {
  const kept = properties(directory, '').get(caldav('schedule-calendar-transp'))
  const value = kept === undefined ? undefined : fromStored(kept)
  return value === undefined || child(value, caldav('transparent')) === undefined
}

/**
 * The busy time of several calendars in a range (RFC 4791 7.10, RFC 7953 5). Others get their turn while it is worked out. An
 * object that is too much to list is busy all the time that it lasts; what cannot be told so either is not told at all: somebody who
 * seems free is invited twice.
 */
export class BusySearch {
  readonly #range: Range
  readonly #finds: Finds
  readonly #clock = new Clock()

  /** @param range  UTC seconds; it may be open */
  constructor (range: Range) {
    this.#range = range
    this.#finds = new Finds(range)
  }

  /**
   * Looks through a calendar. DATEs and times without a zone are read in that of the calendar (RFC 4791 7.3).
   * @param mayAsk  whether an object counts for who asks
   * @throws DavError 403 number-of-matches-within-limits
   */
  async add (home: Home, collection: Collection, mayAsk: (member: Member) => boolean): Promise<void> {
    await home.fresh(collection)
    const floating = calendarZone(collection)
    for (const { row } of candidates(home, collection, this.#range, floating)) {
      const bytes = mayAsk(row) ? body(home.index, row.id) : undefined
      if (bytes === undefined) continue
      try {
        await this.#read(bytes, floating)
      } catch (error) {
        // one bad file must not spoil the answer for all others; the index did not take it for an object either
        if (!(error instanceof IcalError)) throw error
      }
    }
  }

  async #read (bytes: Buffer, floating: Zone): Promise<void> {
    if (bytes.length > heavyBytes) {
      const { findings } = await inThread('busy', { bytes, range: this.#range, floating: portable(floating) })
      this.#finds.take(findings)
    } else {
      const budget = new StretchBudget(this.#clock)
      for (const _ of seek(parse(decode(bytes)), this.#range, floating, budget, this.#finds)) if (this.#clock.isOver) await this.#rest()
    }
    if (this.#clock.isOver || this.#finds.size > mostPeriods) await this.#rest()
  }

  async #rest (): Promise<void> {
    if (this.#finds.size > mostPeriods || this.#clock.spent > patience) throw tooMuch()
    await this.#clock.rest()
  }

  /** What was found, put together. */
  busy (): Busy {
    return together(this.#finds)
  }
}

/** What one answer may tell. */
const mostPeriods = 20_000
/** What one answer may cost, in ms of work. */
const patience = 5000

// RFC 4791 1.3: 403, for it would fail again
function tooMuch (): DavError {
  return new DavError(403, 'there is too much in this range to tell when somebody is free', { element: element(dav('number-of-matches-within-limits')) })
}

function candidates (home: Home, collection: Collection, range: Range, floating: Zone): Candidate[] {
  const local = (seconds: number): number => Number.isFinite(seconds) ? floating.toLocal(seconds) : seconds
  return overlapping(home.index, collection.id, range, { start: local(range.start), end: local(range.end) }).filter(({ row }) => telling.has(row.component))
}

const telling: ReadonlySet<string> = new Set(['VEVENT', 'VFREEBUSY', 'VAVAILABILITY'])

/** Measures work in stretches, between which others get their turn. */
class Clock {
  /** How many there were. */
  stretch = 0
  #begun = performance.now()
  #before = 0

  /** Whether others should get their turn. */
  get isOver (): boolean {
    return performance.now() > this.#begun + 12
  }

  /** Whether what was not to be interrupted has taken too long. */
  get isFarOver (): boolean {
    return performance.now() > this.#begun + 40
  }

  /** Milliseconds of work. */
  get spent (): number {
    return this.#before + performance.now() - this.#begun
  }

  async rest (): Promise<void> {
    this.#before = this.spent
    await others()
    this.#begun = performance.now()
    this.stretch++
  }
}

/** A budget for one object whose time is that of a stretch, so that it does not run while others have their turn. */
class StretchBudget extends Budget {
  readonly #clock: Clock
  #stretch = -1
  #steps = 0

  constructor (clock: Clock) {
    super({ instances: 50_000, steps: 200_000 })
    this.#clock = clock
  }

  override step (): boolean {
    if (this.exhausted) return false
    if (this.#stretch !== this.#clock.stretch) {
      this.#stretch = this.#clock.stretch
      this.#steps = 0
    }
    // fewer steps are no fault of the rule: the machine was busy with something else
    if (++this.#steps > 5000 && (this.#steps & 63) === 0 && this.#clock.isFarOver) {
      this.exhausted = true
      return false
    }
    return super.step()
  }
}
