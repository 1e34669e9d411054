import type { Budget } from './budget.js'
import type { BoundRule } from './bound-rule.js'
import { Periods } from './periods.js'
import { isPossible } from './possible.js'
import { ScaledPeriods } from './scaled-periods.js'

// The last second of the year 9999, the last an iCalendar DATE-TIME can say
const END_OF_TIME = 253402300799

// After so many periods without any it is worth asking whether there can be one; years and months are dear
const PATIENCE = 100
const LONG_PATIENCE = 10

/** One pass over a sequence. */
export class Walk {
  private readonly floor: number
  private limit: number
  private never = false
  private fruitless = 0
  private startIsDue: boolean
  private previous: number
  private readonly periods: Periods
  private size = 0
  private at = 0
  private positions: number[] | undefined
  private positionsFor = -1

  /** @param bound what UNTIL and COUNT allow: it never takes away the start */
  constructor (private readonly rule: BoundRule, from: number, to: number, private readonly bound: number, private budget: Budget) {
    const { start, includesStart } = rule
    this.floor = Math.max(from, start)
    this.limit = Math.min(to, bound, END_OF_TIME)
    this.startIsDue = includesStart && this.floor === start && start <= to
    this.previous = includesStart ? start : -Infinity
    this.periods = new (rule.parts.scale === undefined ? Periods : ScaledPeriods)(rule, this.floor, this.limit, budget)
  }

  /** The next occurrence; Infinity when there is none before the limit, or the budget is spent. */
  next (): number {
    if (this.startIsDue) {
      this.startIsDue = false
      return this.rule.start
    }
    if (this.never || this.floor > this.limit) return Infinity
    for (;;) {
      while (this.at < this.size) {
        const value = this.valueAt(this.at++)
        if (value > this.limit) {
          this.at--
          return Infinity
        }
        if (value < this.floor || value <= this.previous || this.rule.until.excludes(value)) continue
        if (!this.budget.step()) {
          this.at--
          return Infinity
        }
        this.previous = value
        return value
      }
      if (!this.advance()) return Infinity
    }
  }

  /** Goes on with another budget where the last one ended, this time as far as `to`. */
  resume (budget: Budget, to: number): void {
    this.budget = this.periods.budget = budget
    this.limit = this.periods.limit = Math.min(to, this.bound, END_OF_TIME)
  }

  /** The next period to look at, counted from that of the start. */
  get period (): number {
    return this.periods.next
  }

  /** How many are left in the current period. */
  remaining (): number {
    return this.size - this.at
  }

  /** The n-th after the current one in this period; `current` when n is 0. */
  ahead (n: number, current: number): number {
    return n === 0 ? current : this.valueAt(this.at + n - 1)
  }

  private valueAt (index: number): number {
    if (this.positions !== undefined) index = this.positions[index]!
    const { times } = this.rule
    if (times === 1) return this.periods.bases[index]! + this.timeAt(0)
    const base = Math.floor(index / times)
    return this.periods.bases[base]! + this.timeAt(index - base * times)
  }

  private timeAt (index: number): number {
    const { hours, minutes, seconds } = this.rule
    const minute = index / seconds.length | 0
    const hour = minute / minutes.length | 0
    return hours[hour]! * 3600 + minutes[minute - hour * minutes.length]! * 60 + seconds[index - minute * seconds.length]!
  }

  // To the next period that has any
  private advance (): boolean {
    const { rule, periods } = this
    for (;;) {
      if (!this.budget.step()) return false
      if (!periods.fill()) {
        periods.next--
        return false
      }
      this.size = periods.bases.length * rule.times
      if (this.size > 0 && rule.parts.bySetPosition.length > 0) this.pick()
      this.at = this.size > 8 ? this.lowerBound() : 0
      if (this.at < this.size) return true
      if (++this.fruitless === (rule.rank > 4 ? LONG_PATIENCE : PATIENCE) && !(rule.possible ??= isPossible(rule))) {
        this.never = true
        return false
      }
    }
  }

  private pick (): void {
    const { bySetPosition } = this.rule.parts
    if (this.positionsFor !== this.size) {
      const found = new Set<number>()
      for (const position of bySetPosition) {
        this.budget.step()
        const index = position > 0 ? position - 1 : this.size + position
        if (index >= 0 && index < this.size) found.add(index)
      }
      this.positions = [...found].sort(ascending)
      this.positionsFor = this.size
    }
    this.size = this.positions!.length
  }

  private lowerBound (): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.valueAt(middle) < this.floor) low = middle + 1
      else high = middle
    }
    return low
  }
}

function ascending (a: number, b: number): number {
  return a - b
}
