import { civilFromDays, DAY, daysFromCivil, daysInMonth, daysInYear, weekday } from '../civil.js'
import type { Budget } from './budget.js'
import type { BoundRule } from './bound-rule.js'

/** The years, months, weeks, days, hours … of a rule, INTERVAL apart, one after the other (RFC 5545 3.3.10). */
export class Periods {
  /** The next one to look at, counted from that of the start. */
  next: number
  /** Days of the current one (as wall-clock seconds), or its one hour, minute or second; ascending. */
  readonly bases: number[] = []
  protected acceptedDay = NaN

  /**
   * @param floor where to begin, not before the start
   * @param limit the last second that matters
   * @param budget pays for what takes longer than a period
   */
  constructor (protected readonly rule: BoundRule, protected readonly floor: number, public limit: number, public budget: Budget) {
    this.next = floor > limit ? 0 : this.firstPeriod()
  }

  /** Fills `bases` with the next period, perhaps with nothing; false when it lies behind the limit. */
  fill (): boolean {
    this.bases.length = 0
    switch (this.rule.rank) {
      case 6: return this.fillYear()
      case 5: return this.fillMonth()
      case 4: return this.fillWeek()
      case 3: return this.fillDay()
      default: return this.fillTime()
    }
  }

  protected firstPeriod (): number {
    const { origin, stride, rank, parts } = this.rule
    const day = Math.floor(this.floor / DAY)
    let at = rank < 3 ? this.floor : rank < 5 ? day : this.yearOrMonth(day)
    // a week or a skipped date may lie in the year or month beside its own
    if (rank > 4 && (parts.byWeekNumber.length > 0 || parts.skip !== 'OMIT')) at--
    return Math.max(0, Math.floor((at - origin) / stride))
  }

  // In which period of a rule with the length of a year or month a day lies
  protected yearOrMonth (day: number): number {
    const civil = civilFromDays(day)
    return this.rule.rank === 6 ? Math.floor(civil / 512) : Math.floor(civil / 512) * 12 + (civil >> 5 & 15) - 1
  }

  protected fillYear (): boolean {
    const { rule } = this
    const year = rule.origin + this.next++ * rule.stride
    const first = year > 10000 ? Infinity : daysFromCivil(year, 1, 1)
    // seven days: week one, or a date skipped backward
    if ((first - 7) * DAY > this.limit) return false
    if (rule.weeks !== undefined) this.addWeeks(year)
    else if (rule.yearDays !== undefined) this.addYearDays(first, daysInYear(year))
    else for (const month of rule.months) this.addMonth(year, daysFromCivil(year, month, 1), daysInMonth(year, month))
    this.settle()
    return true
  }

  protected addWeeks (year: number): void {
    const { rule } = this
    const first = rule.firstWeek(year)
    const count = (rule.firstWeek(year + 1) - first) / 7
    const { byDay, byMonthDay, byYearDay } = rule.parts
    const derived = byDay.length === 0 && byMonthDay.length === 0 && byYearDay.length === 0
    const startWeekday = weekday(rule.startDay)
    for (let number = 1; number <= count; number++) {
      if (!rule.weeks!.has(number) && !rule.weeks!.has(number - count - 1)) continue
      this.budget.step()
      for (let day = first + number * 7 - 7; day < first + number * 7; day++) {
        if ((!derived || weekday(day) === startWeekday) && rule.accepts(day, false)) this.bases.push(day * DAY)
      }
    }
  }

  protected addYearDays (first: number, length: number): void {
    const { rule } = this
    const { skip, byYearDay } = rule.parts
    for (const number of byYearDay) {
      this.budget.step()
      let day = first + (number > 0 ? number - 1 : length + number)
      if (Math.abs(number) > length) {
        if (skip === 'OMIT') continue
        day = number > 0 ? first + length - (skip === 'FORWARD' ? 0 : 1) : first - (skip === 'FORWARD' ? 0 : 1)
      }
      if (Math.abs(number) > length ? this.acceptsSkipped(day) : rule.accepts(day)) this.bases.push(day * DAY)
    }
  }

  // RFC 7529 4.1: after SKIP only BYDAY follows
  protected acceptsSkipped (day: number): boolean {
    const { rule } = this
    return rule.weekdayBits === 0 || (rule.everyBits >> weekday(day) & 1) === 1 || rule.isNth(day)
  }

  protected fillMonth (): boolean {
    const { rule } = this
    const months = rule.origin + this.next++ * rule.stride
    const year = Math.floor(months / 12)
    const month = months - year * 12 + 1
    if (year > 10000 || (daysFromCivil(year, month, 1) - 1) * DAY > this.limit) return false
    if (rule.monthBits !== 0 && (rule.monthBits >> month & 1) === 0) return true
    this.addMonth(year, daysFromCivil(year, month, 1), daysInMonth(year, month))
    this.settle()
    return true
  }

  protected addMonth (year: number, first: number, length: number): void {
    const { rule } = this
    const { parts } = rule
    this.budget.step()
    if (parts.skip !== 'OMIT' && rule.yearDays === undefined) {
      if (parts.byMonthDay.length > 0) return this.addSkipping(parts.byMonthDay, first, length)
      if (parts.byDay.length === 0) return this.addSkipping([rule.startMonthDay], first, length)
    }
    if (rule.yearDays !== undefined || rule.weeks !== undefined) this.addAccepted(first, length)
    else if (parts.byMonthDay.length > 0) this.addMonthDays(first, length)
    else if (parts.byDay.length > 0) this.addWeekdays(year, first, length)
    else if (rule.startMonthDay <= length) this.bases.push((first + rule.startMonthDay - 1) * DAY)
  }

  protected addAccepted (first: number, length: number): void {
    for (let day = first; day < first + length; day++) if (this.rule.accepts(day)) this.bases.push(day * DAY)
  }

  protected addMonthDays (first: number, length: number): void {
    const { rule } = this
    const limited = rule.weekdayBits !== 0
    for (let day = 1; day <= length; day++) {
      if (!rule.isMonthDay(day, length)) continue
      const at = first + day - 1
      if (!limited || (rule.everyBits >> weekday(at) & 1) === 1 || rule.isNth(at)) this.bases.push(at * DAY)
    }
  }

  protected addWeekdays (year: number, first: number, length: number): void {
    const { rule } = this
    const before = rule.nthOfYear ? first - rule.yearStart(year) : 0
    const whole = rule.nthOfYear ? rule.yearLength(year) : length
    let at = weekday(first)
    for (let index = 0; index < length; index++) {
      if ((rule.weekdayBits >> at & 1) === 1 && ((rule.everyBits >> at & 1) === 1 || rule.isNthOf(at, before + index, whole))) {
        this.bases.push((first + index) * DAY)
      }
      if (++at === 7) at = 0
    }
  }

  protected addSkipping (days: readonly number[], first: number, length: number): void {
    const forward = this.rule.parts.skip === 'FORWARD'
    for (const number of days) {
      let day = number > 0 ? number : length + 1 + number
      if (day > length) day = forward ? length + 1 : length
      if (day < 1) day = forward ? 1 : 0
      if (this.acceptsSkipped(first + day - 1)) this.bases.push((first + day - 1) * DAY)
    }
  }

  // Ascending and each once, also after negative numbers and SKIP
  protected settle (): void {
    const { bases } = this
    let sorted = true
    for (let i = 1; i < bases.length; i++) if (bases[i - 1]! >= bases[i]!) sorted = false
    if (sorted) return
    bases.sort(ascending)
    let kept = 1
    for (let i = 1; i < bases.length; i++) if (bases[i] !== bases[kept - 1]) bases[kept++] = bases[i]!
    bases.length = kept
  }

  protected fillWeek (): boolean {
    const { rule } = this
    const first = rule.origin + this.next++ * rule.stride
    if (first * DAY > this.limit) return false
    for (const offset of rule.weekOffsets) {
      if (!rule.hasDayLimits || rule.accepts(first + offset)) this.bases.push((first + offset) * DAY)
    }
    return true
  }

  protected fillDay (): boolean {
    const { rule } = this
    const day = rule.origin + this.next++ * rule.stride
    if (day * DAY > this.limit) return false
    if (!rule.hasDayLimits || rule.accepts(day)) this.bases.push(day * DAY)
    else this.jump(this.nextMonth(day))
    return true
  }

  // The day itself when BYMONTH has its month, else the first day of the next month that BYMONTH has
  protected nextMonth (day: number): number {
    const { monthBits } = this.rule
    const civil = civilFromDays(day)
    let month = civil >> 5 & 15
    if (monthBits === 0 || (monthBits >> month & 1) === 1) return day
    let year = Math.floor(civil / 512)
    do {
      if (++month > 12) {
        month = 1
        year++
      }
    } while ((monthBits >> month & 1) === 0)
    return daysFromCivil(year, month, 1)
  }

  // To the first period that begins at or after a place counted like `origin`; never back
  protected jump (target: number): void {
    const { origin, stride } = this.rule
    this.next = Math.max(this.next, Math.ceil((target - origin) / stride))
  }

  protected fillTime (): boolean {
    const { rule } = this
    const at = rule.origin + this.next++ * rule.stride
    if (at > this.limit) return false
    const day = Math.floor(at / DAY)
    if (rule.hasDayLimits && day !== this.acceptedDay) {
      if (!rule.accepts(day)) {
        this.jump(Math.max(this.nextMonth(day), day + 1) * DAY)
        return true
      }
      this.acceptedDay = day
    }
    const blocked = this.blockedUntil(at, at - day * DAY)
    if (blocked === 0) this.bases.push(at)
    else this.jump(blocked)
    return true
  }

  // BYHOUR, BYMINUTE and BYSECOND as limits: 0, or where to look next
  protected blockedUntil (at: number, time: number): number {
    const { hourLimit, minuteLimit, secondLimit } = this.rule
    const hour = time / 3600 | 0
    if (hourLimit !== undefined && hourLimit[hour] === 0) return at - time + nextIn(hourLimit, hour) * 3600
    const minute = (time / 60 | 0) % 60
    if (minuteLimit !== undefined && minuteLimit[minute] === 0) return at - time % 3600 + nextIn(minuteLimit, minute) * 60
    const second = time % 60
    if (secondLimit !== undefined && secondLimit[second] === 0) return at - second + nextIn(secondLimit, second)
    return 0
  }
}

function nextIn (table: Uint8Array, after: number): number {
  for (let at = after + 1; at < table.length; at++) if (table[at] === 1) return at
  return table.length
}


function ascending (a: number, b: number): number {
  return a - b
}
