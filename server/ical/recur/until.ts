import { DAY } from '../civil.js'
import type { When, Zone } from '../time.js'
import type { Rule } from './rule.js'

/** Where a rule begins: DTSTART, or an onset of a time zone. */
export interface Start {
  readonly local: number
  readonly date: boolean
  /** Needed to read an UNTIL in UTC; without it UNTIL is read as wall clock. */
  readonly zone?: When['zone']
}

/** How far UNTIL lets a rule go (RFC 5545 3.3.10). */
export class Until {
  /** The last wall-clock second; Infinity without UNTIL. */
  readonly last: number
  private readonly zone: Zone | undefined
  private readonly utc: number = Infinity

  constructor ({ until }: Rule, { date, zone }: Start) {
    if (until === undefined) this.last = Infinity
    // a DATE beside a DATE-TIME: that day to its end
    else if (until.date) this.last = until.local + (date ? 0 : DAY - 1)
    else if (!until.utc || date || typeof zone !== 'object') this.last = until.local
    else {
      this.zone = zone
      this.utc = until.local
      this.last = lastBefore(until.local, zone)
    }
  }

  /** A time that the clock skips is as late as if it did not; with UNTIL in UTC it may be too late although `last` is later. */
  excludes (local: number): boolean {
    return this.zone !== undefined && local > this.last - DAY && this.zone.toUtc(local) > this.utc
  }
}

// An hour that comes twice is read as the first, which may be before UNTIL although the clock shows more
function lastBefore (utc: number, zone: Zone): number {
  let low = zone.toLocal(utc)
  let high = low + utc - zone.toUtc(low) + 1
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zone.toUtc(middle) <= utc) low = middle
    else high = middle
  }
  return low
}
