import { DAY } from '../civil.js'
import { monthsIn } from './leap-month.js'
import { Periods } from './periods.js'
import type { Scale } from './scale.js'

// A guess of where a year or month begins is at most half a year from the truth
const HALF_YEAR = 183

/** The same in another calendar system (RFC 7529): its years and months, and days and times that are limited by them. */
export class ScaledPeriods extends Periods {
  override fill (): boolean {
    const { scale } = this
    const before = scale.built
    const more = super.fill()
    if (scale.built > before) this.budget.spend((scale.built - before) * scale.price)
    return more
  }

  private get scale (): Scale {
    return this.rule.parts.scale!
  }

  protected override yearOrMonth (day: number): number {
    const { scale } = this
    const year = scale.yearAt(day)
    return this.rule.rank === 6 ? year.number : scale.ordinal(year, scale.monthAt(year, day))
  }

  protected override fillYear (): boolean {
    const { rule, scale } = this
    const number = rule.origin + this.next++ * rule.stride
    if ((scale.guess(number) - HALF_YEAR) * DAY > this.limit) return false
    const year = scale.year(number)
    // seven days: week one, or a date skipped backward
    if ((year.first - 7) * DAY > this.limit) return false
    const { byDay, byMonthDay } = rule.parts
    const ids = rule.monthIds ?? (byDay.length + byMonthDay.length === 0 ? [rule.startMonth] : undefined)
    if (rule.weeks !== undefined) this.addWeeks(number)
    else if (rule.yearDays !== undefined) this.addYearDays(year.first, year.length)
    else for (const { first, length } of ids === undefined ? year.months : monthsIn(scale, year, ids, rule.parts.skip)) this.addMonth(number, first, length)
    this.settle()
    return true
  }

  protected override fillMonth (): boolean {
    const { rule, scale } = this
    const ordinal = rule.origin + this.next++ * rule.stride
    if ((scale.guessMonth(ordinal) - HALF_YEAR) * DAY > this.limit) return false
    const { year, month } = scale.monthOf(ordinal)
    if ((month.first - 1) * DAY > this.limit) return false
    if (!rule.isMonth(scale, year, month)) return true
    this.addMonth(year.number, month.first, month.length)
    this.settle()
    return true
  }

  protected override nextMonth (day: number): number {
    const { rule, scale } = this
    if (rule.monthIds === undefined) return day
    const year = scale.yearAt(day)
    const month = scale.monthAt(year, day)
    return rule.isMonth(scale, year, month) ? day : month.first + month.length
  }
}
