import { civilFromDays, DAY, daysFromCivil, daysInMonth, daysInYear, weekday, yearOf } from '../civil.js'
import { monthIds, monthsIn } from './leap-month.js'
import type { Rule } from './rule.js'
import type { Scale, ScaleMonth, ScaleYear } from './scale.js'
import { Until, type Start } from './until.js'

/** A rule with all that follows from it and its start, and the questions that BYxxx parts answer about a day. */
export class BoundRule {
  readonly start: number
  readonly parts: Rule
  /** Whether the start is an occurrence even when it does not fit the rule. */
  readonly includesStart: boolean
  readonly until: Until
  /** Whether there can be any occurrence beside the start; undefined: nobody had to know. */
  possible: boolean | undefined

  /** How long a period is: 0 is SECONDLY, 6 YEARLY. */
  readonly rank: number
  readonly startDay: number
  readonly startMonthDay: number
  readonly startMonth: number
  /** Number of the period in which the start lies: year, month counted on over the years, first day of the week, day, or second. */
  readonly origin: number
  /** Distance of two periods in the unit of `origin`. */
  readonly stride: number

  readonly hours: readonly number[]
  readonly minutes: readonly number[]
  readonly seconds: readonly number[]
  /** Times of day (or of the hour or minute) in one base. */
  readonly times: number
  readonly hourLimit: Uint8Array | undefined
  readonly minuteLimit: Uint8Array | undefined
  readonly secondLimit: Uint8Array | undefined

  /** Bit per month, month day, negative month day and weekday; 0 when the part is not there. */
  readonly monthBits: number
  readonly monthDayBits: number
  readonly monthEndBits: number
  readonly weekdayBits: number
  /** BYDAY without number, as bits; `nth` has those with one. */
  readonly everyBits: number
  readonly nth: Uint8Array | undefined
  readonly nthOfYear: boolean
  readonly yearDays: Set<number> | undefined
  readonly weeks: Set<number> | undefined
  readonly hasDayLimits: boolean
  /** The months to look at in a year of the Gregorian calendar. */
  readonly months: readonly number[]
  /** BYMONTH in another calendar system, as identities of `ScaleMonth`. */
  readonly monthIds: readonly number[] | undefined
  /** Days from the start of the week. */
  readonly weekOffsets: readonly number[]

  constructor (rule: Rule, start: Start, includesStart = true) {
    this.parts = rule
    this.start = start.local
    this.includesStart = includesStart
    this.until = new Until(rule, start)
    this.startDay = Math.floor(start.local / DAY)
    const { scale } = rule
    const civil = civilFromDays(this.startDay)
    const month = scale?.monthAt(scale.yearAt(this.startDay), this.startDay)
    this.startMonthDay = month === undefined ? civil & 31 : this.startDay - month.first + 1
    this.startMonth = month === undefined ? civil >> 5 & 15 : month.id

    const time = start.local - this.startDay * DAY
    const rank = this.rank = ranks[rule.frequency]
    const byHour = start.date ? zero : rule.byHour
    const byMinute = start.date ? zero : rule.byMinute
    const bySecond = start.date ? zero : rule.bySecond
    this.hours = rank < 3 ? zero : byHour.length > 0 ? byHour : [Math.floor(time / 3600)]
    this.minutes = rank < 2 ? zero : byMinute.length > 0 ? byMinute : [Math.floor(time / 60) % 60]
    this.seconds = rank < 1 ? zero : bySecond.length > 0 ? bySecond : [time % 60]
    this.times = this.hours.length * this.minutes.length * this.seconds.length
    this.hourLimit = rank < 3 && byHour.length > 0 ? table(byHour, 24) : undefined
    this.minuteLimit = rank < 2 && byMinute.length > 0 ? table(byMinute, 60) : undefined
    this.secondLimit = rank < 1 && bySecond.length > 0 ? table(bySecond, 60) : undefined

    this.monthIds = monthIds(rule)
    this.monthBits = scale === undefined ? bits(rule.byMonth) : 0
    this.monthDayBits = bits(rule.byMonthDay.filter(day => day > 0))
    this.monthEndBits = bits(rule.byMonthDay.filter(day => day < 0).map(day => -day))
    this.weekdayBits = bits(rule.byDay.map(day => day.weekday))
    const numbered = (rule.frequency === 'MONTHLY' || rule.frequency === 'YEARLY') && rule.byWeekNumber.length === 0
    this.everyBits = numbered ? bits(rule.byDay.filter(day => day.nth === 0).map(day => day.weekday)) : this.weekdayBits
    this.nth = numbered && rule.byDay.some(day => day.nth !== 0) ? nthTable(rule) : undefined
    this.nthOfYear = rule.frequency === 'YEARLY' && rule.byMonth.length + rule.byLeapMonth.length === 0
    this.yearDays = rule.byYearDay.length > 0 ? new Set(rule.byYearDay) : undefined
    this.weeks = rule.byWeekNumber.length > 0 ? new Set(rule.byWeekNumber) : undefined
    this.hasDayLimits = this.monthBits !== 0 || this.monthIds !== undefined || rule.byMonthDay.length > 0 || this.yearDays !== undefined || this.weeks !== undefined ||
      (rank < 4 && this.weekdayBits !== 0)
    // RFC 5545 3.3.10: what the rule does not say is derived from DTSTART
    this.months = rule.byMonth.length > 0 ? rule.byMonth : rule.byMonthDay.length > 0 || rule.byDay.length > 0 ? allMonths : [this.startMonth]
    const weekdays = this.weekdayBits === 0 ? 1 << weekday(this.startDay) : this.weekdayBits
    this.weekOffsets = week.filter(offset => (weekdays >> (rule.weekStart + offset) % 7 & 1) === 1)
    this.stride = rule.interval * strides[rank]!
    this.origin = this.originOf(rank, time)
  }

  private originOf (rank: number, time: number): number {
    if (rank < 3) return this.start - time % strides[rank]!
    if (rank === 3) return this.startDay
    if (rank === 4) return this.startDay - (weekday(this.startDay) - this.parts.weekStart + 7) % 7
    const { scale } = this.parts
    if (rank === 6 && this.weeks !== undefined) return this.weekYear(this.startDay)
    if (scale !== undefined) {
      const year = scale.yearAt(this.startDay)
      return rank === 6 ? year.number : scale.ordinal(year, scale.monthAt(year, this.startDay))
    }
    const year = yearOf(this.startDay)
    return rank === 6 ? year : year * 12 + this.startMonth - 1
  }

  /** Whether BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY and BYDAY leave this day as it is (limit). */
  accepts (day: number, weekToo = true): boolean {
    if (this.weekdayBits !== 0 && (this.everyBits >> weekday(day) & 1) === 0 && !this.isNth(day)) return false
    if (this.parts.scale !== undefined) return this.acceptsIn(this.parts.scale, day, weekToo)
    const civil = civilFromDays(day)
    const month = civil >> 5 & 15
    if (this.monthBits !== 0 && (this.monthBits >> month & 1) === 0) return false
    if (this.parts.byMonthDay.length > 0 && !this.isMonthDay(civil & 31, daysInMonth(Math.floor(civil / 512), month))) return false
    if (this.yearDays !== undefined && !this.isYearDay(day, Math.floor(civil / 512))) return false
    return !weekToo || this.weeks === undefined || this.isWeek(day)
  }

  private acceptsIn (scale: Scale, day: number, weekToo: boolean): boolean {
    const year = scale.yearAt(day)
    const month = scale.monthAt(year, day)
    if (!this.isMonth(scale, year, month)) return false
    if (this.parts.byMonthDay.length > 0 && !this.isMonthDay(day - month.first + 1, month.length)) return false
    if (this.yearDays !== undefined && !this.isYearDay(day, year.number)) return false
    return !weekToo || this.weeks === undefined || this.isWeek(day)
  }

  /** BYMONTH in another calendar system. */
  isMonth (scale: Scale, year: ScaleYear, month: ScaleMonth): boolean {
    const { monthIds } = this
    if (monthIds === undefined || monthsIn(scale, year, monthIds, this.parts.skip).some(({ first }) => first === month.first)) return true
    // a leap month at the end of the year before, skipped forward
    return month === year.months[0] && this.parts.skip === 'FORWARD' && monthsIn(scale, scale.year(year.number - 1), monthIds, 'FORWARD').some(({ first }) => first === month.first)
  }

  /** Whether it may come more than once a day. */
  get isDense (): boolean {
    return this.rank < 3 || this.times > 1
  }

  /** BYMONTHDAY, from either end. */
  isMonthDay (day: number, length: number): boolean {
    return (this.monthDayBits >>> day & 1) === 1 || (this.monthEndBits >>> (length + 1 - day) & 1) === 1
  }

  /** BYDAY with a number, in the month or the year. */
  isNth (day: number): boolean {
    if (this.nth === undefined) return false
    const { scale } = this.parts
    if (this.nthOfYear) {
      const year = scale === undefined ? yearOf(day) : scale.yearAt(day).number
      return this.isNthOf(weekday(day), day - this.yearStart(year), this.yearLength(year))
    }
    if (scale !== undefined) {
      const { first, length } = scale.monthAt(scale.yearAt(day), day)
      return this.isNthOf(weekday(day), day - first, length)
    }
    const civil = civilFromDays(day)
    return this.isNthOf(weekday(day), (civil & 31) - 1, daysInMonth(Math.floor(civil / 512), civil >> 5 & 15))
  }

  /** BYDAY with a number: `index` of the day in something `length` days long. */
  isNthOf (weekday: number, index: number, length: number): boolean {
    const at = weekday * NTH + MIDDLE
    return this.nth![at + (index / 7 | 0) + 1] === 1 || this.nth![at - ((length - 1 - index) / 7 | 0) - 1] === 1
  }

  private isYearDay (day: number, year: number): boolean {
    const index = day - this.yearStart(year)
    return this.yearDays!.has(index + 1) || this.yearDays!.has(index - this.yearLength(year))
  }

  /** The first day of a year, and how many it has. */
  yearStart (year: number): number {
    return this.parts.scale === undefined ? daysFromCivil(year, 1, 1) : this.parts.scale.year(year).first
  }

  yearLength (year: number): number {
    return this.parts.scale === undefined ? daysInYear(year) : this.parts.scale.year(year).length
  }

  private isWeek (day: number): boolean {
    const year = this.weekYear(day)
    const first = this.firstWeek(year)
    const index = Math.floor((day - first) / 7)
    return this.weeks!.has(index + 1) || this.weeks!.has(index - (this.firstWeek(year + 1) - first) / 7)
  }

  /** First day of week one: the first week with four days in the year (RFC 5545 3.3.10, ISO 8601 with WKST). */
  firstWeek (year: number): number {
    const fourth = this.yearStart(year) + 3
    return fourth - (weekday(fourth) - this.parts.weekStart + 7) % 7
  }

  private weekYear (day: number): number {
    const year = this.parts.scale === undefined ? yearOf(day) : this.parts.scale.yearAt(day).number
    if (day < this.firstWeek(year)) return year - 1
    return day >= this.firstWeek(year + 1) ? year + 1 : year
  }
}

// a year of 385 days has 55 weeks
const MIDDLE = 56
const NTH = 2 * MIDDLE + 1

const ranks = { SECONDLY: 0, MINUTELY: 1, HOURLY: 2, DAILY: 3, WEEKLY: 4, MONTHLY: 5, YEARLY: 6 } as const
const strides = [1, 60, 3600, 1, 7, 1, 1] as const
const zero: readonly number[] = [0]
const week: readonly number[] = [0, 1, 2, 3, 4, 5, 6]
const allMonths: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

function table (values: readonly number[], size: number): Uint8Array {
  const found = new Uint8Array(size)
  for (const value of values) found[value] = 1
  return found
}

function nthTable (rule: Rule): Uint8Array {
  const found = new Uint8Array(7 * NTH)
  for (const { nth, weekday } of rule.byDay) if (nth !== 0) found[weekday * NTH + MIDDLE + nth] = 1
  return found
}

function bits (values: readonly number[]): number {
  let found = 0
  for (const value of values) found |= 1 << value
  return found
}
