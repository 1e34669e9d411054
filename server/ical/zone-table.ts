import { DAY, daysFromCivil } from './civil.js'
import type { Zone } from './time.js'

/** The history of a zone: offsets in seconds east of UTC. */
export interface Transitions {
  /** Offset before the first transition. */
  readonly first: number
  /** UTC seconds, ascending. */
  readonly at: readonly number[]
  /** Offset from that moment on. */
  readonly offset: readonly number[]
}

const YEAR = 31556952
// Every Gregorian calendar repeats after 400 years: later times are folded back into what is known
const CYCLE = 400 * YEAR
const LATEST = daysFromCivil(2437, 1, 1) * DAY
const AT_LEAST = daysFromCivil(2040, 1, 1) * DAY

/** A zone read from a table that grows to the years asked for. */
export class TableZone implements Zone {
  private covered = -Infinity
  private first = 0
  private at: Float64Array = new Float64Array(0)
  private from: Float64Array = new Float64Array(0)
  private offset: Float64Array = new Float64Array(0)
  // Questions come close together: the last answer is tried first
  private hint = -1

  /**
   * Reads the first decades at once.
   * @param generate the transitions up to a moment (UTC seconds), more do no harm; asked again with later ones
   */
  constructor (readonly id: string, private readonly generate: (until: number) => Transitions) {
    this.extend(AT_LEAST)
  }

  /** UTC seconds → wall-clock seconds. */
  toLocal (utc: number): number {
    const shift = utc > LATEST ? Math.ceil((utc - LATEST) / CYCLE) * CYCLE : 0
    if (utc - shift > this.covered) this.extend(utc - shift)
    return utc + this.offsetOf(this.find(this.at, utc - shift))
  }

  /** Wall-clock seconds → UTC seconds (RFC 5545 3.3.5). */
  toUtc (local: number): number {
    const shift = local > LATEST ? Math.ceil((local - LATEST) / CYCLE) * CYCLE : 0
    if (local - shift + 2 * DAY > this.covered) this.extend(local - shift + 2 * DAY)
    return local - this.offsetOf(this.find(this.from, local - shift))
  }

  /** When the offset may change from a moment on and before another (UTC seconds, at most 2040), ascending. */
  changes (from: number, to: number): number[] {
    return [...this.at.filter(at => at >= from && at < to)]
  }

  /** All that it knows, whole cycles included: what makes the same zone elsewhere. */
  table (): Transitions {
    if (this.covered < LATEST) this.extend(LATEST)
    return { first: this.first, at: [...this.at], offset: [...this.offset] }
  }

  private offsetOf (index: number): number {
    return index === -1 ? this.first : this.offset[index]!
  }

  // The last entry ≤ value, -1 when there is none
  private find (table: Float64Array, value: number): number {
    const { hint } = this
    if ((hint === -1 || table[hint]! <= value) && (hint + 1 >= table.length || table[hint + 1]! > value)) return hint
    let low = 0
    let high = table.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (table[middle]! <= value) low = middle + 1
      else high = middle
    }
    return this.hint = low - 1
  }

  private extend (until: number): void {
    this.covered = Math.max(AT_LEAST, until + 20 * YEAR)
    const { first, at, offset } = this.generate(this.covered)
    this.first = first
    this.at = Float64Array.from(at)
    this.offset = Float64Array.from(offset)
    this.from = new Float64Array(at.length)
    this.hint = -1
    let before = first
    for (let i = 0; i < at.length; i++) {
      // A new offset begins on the wall clock after the gap, or after the second pass of an overlap
      const from = at[i]! + Math.max(before, offset[i]!)
      this.from[i] = i > 0 ? Math.max(from, this.from[i - 1]!) : from
      before = offset[i]!
    }
  }
}
