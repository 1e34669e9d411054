import type { Budget } from './budget.js'
import type { Rule } from './rule.js'
import { BoundRule } from './bound-rule.js'
import type { Start } from './until.js'
import { DAY } from '../civil.js'
import { Walk } from './walk.js'

/**
 * The occurrences of a rule as wall-clock seconds ≥ `from` and ≤ `to`, ascending; DTSTART is the first whether it fits the rule or not.
 * Skips ahead to `from`, stops at `to`, at the year 9999 or when the budget is spent.
 */
export function * occurrences (rule: Rule, start: Start, from: number, budget: Budget, to = Infinity): Generator<number, void, undefined> {
  const walk = new Sequence(rule, start).walk(from, to, budget)
  for (let at = walk.next(); at !== Infinity && budget.instance(); at = walk.next()) yield at
}

/** A rule bound to its start: worked out once, asked often. */
export class Sequence extends BoundRule {
  private counting: Walk | undefined
  private counted = 0
  private reached = -Infinity
  private end = Infinity

  /** The occurrences ≥ `from` and ≤ `to`. */
  walk (from: number, to: number, budget: Budget): Walk {
    const end = this.parts.count === undefined || to < this.start ? Infinity : this.countEnd(to, budget)
    return new Walk(this, from, to, Math.min(this.until.last, end), budget)
  }

  /** Whether it has an occurrence just then. */
  has (local: number, budget: Budget): boolean {
    if (local === this.start) return this.includesStart || this.walk(local, local, budget).next() === local
    return local > this.start && this.mayBeAt(local) && this.walk(local, local, budget).next() === local
  }

  // By its time of day: cheaper than a walk
  private mayBeAt (local: number): boolean {
    const { rank, hours, minutes, seconds } = this
    const time = local - Math.floor(local / DAY) * DAY
    const [hour, minute, second] = [Math.floor(time / 3600), Math.floor(time / 60) % 60, time % 60]
    return (rank < 3 ? this.hourLimit?.[hour] !== 0 : hours.includes(hour)) &&
      (rank < 2 ? this.minuteLimit?.[minute] !== 0 : minutes.includes(minute)) &&
      (rank < 1 ? this.secondLimit?.[second] !== 0 : seconds.includes(second))
  }

  /** The last wall-clock second that COUNT and UNTIL allow; Infinity when the rule goes on for ever (or the budget does not reach its end). */
  last (budget: Budget): number {
    const until = Math.max(this.until.last, this.includesStart ? this.start : -Infinity)
    return this.parts.count === undefined ? until : Math.min(until, this.countEnd(Infinity, budget))
  }

  // COUNT has to be counted from DTSTART, but only once, and no further than somebody asks
  private countEnd (to: number, budget: Budget): number {
    if (this.end !== Infinity || this.reached > to) return this.end
    const count = this.parts.count!
    if (this.isRegular()) return this.end = this.regularEnd(count, budget)
    this.counting ??= new Walk(this, this.start, Infinity, this.until.last, budget)
    this.counting.resume(budget, to)
    while (this.reached <= to) {
      const at = this.counting.next()
      if (at === Infinity) {
        // what was reached is sure; what lies behind it is not
        if (budget.exhausted) return to === Infinity ? Infinity : this.reached
        if (to < this.until.last) return Infinity
        return this.end = Math.max(this.reached, this.start)
      }
      this.reached = at
      if (++this.counted >= count) return this.end = at
    }
    return Infinity
  }

  // Every period has the same number of occurrences
  private isRegular (): boolean {
    return this.rank < 5 && !this.hasDayLimits && this.hourLimit === undefined &&
      this.minuteLimit === undefined && this.secondLimit === undefined
  }

  private regularEnd (count: number, budget: Budget): number {
    const walk = new Walk(this, this.start, Infinity, this.until.last, budget)
    let at = walk.next()
    let left = count - 1
    // DTSTART may cut the first period; the second is whole
    while (left > 0 && walk.period < 2) {
      const next = walk.next()
      if (next === Infinity) return budget.exhausted ? Infinity : Math.max(at, this.start)
      at = next
      left--
    }
    const each = walk.remaining() + 1
    const period = this.stride * (this.rank < 3 ? 1 : DAY)
    return walk.ahead(left % each, at) + Math.floor(left / each) * period
  }
}
