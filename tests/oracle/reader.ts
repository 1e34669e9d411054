/**
 * RFC 5545 3.3.10 read word by word: every day, hour, minute and second of an interval is looked at, and those stay that no part of the rule
 * takes away. Slow, and on purpose without anything from the server: it decides where other people's readers differ.
 */
export interface Reading {
  /** `20250131T093000`, in the order of the rule, DTSTART only where it fits; wall clock, or UTC when there is a zone. */
  readonly found: readonly string[]
  /** Whether it gave up before `most` were found. */
  readonly late: boolean
}

const names = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const DAY = 86_400

interface Parts { readonly get: (name: string) => string | undefined, readonly numbers: (name: string) => readonly number[] | undefined }

/**
 * @param start   `20250131` or `20250131T093000`
 * @param before  seconds of the wall clock: nothing from there on
 * @param zone    IANA name, in which UNTIL is then UTC; empty when the start floats
 */
export function read (rule: string, start: string, most: number, before: number, zone = ''): Reading {
  const given = new Map(rule.split(';').map(part => part.split('=') as [string, string]))
  const lists = new Map([...given].map(([name, value]) => [name, value.split(',').map(Number)]))
  const parts: Parts = { get: name => given.get(name), numbers: name => lists.get(name) }
  const first = secondsOf(start)
  const utcOf = zone === '' ? (at: number): number => at : utcIn(zone)
  const until = parts.get('UNTIL')
  const last = until === undefined ? Infinity : secondsOf(until)
  const count = Math.min(most, Number(parts.get('COUNT') ?? Infinity))
  const found: string[] = []
  let patience = 100_000
  for (const interval of intervals(parts, first)) {
    patience -= interval.length === 0 ? 1 : interval.length
    const at = positioned(parts, interval)
    for (const each of at) {
      if (each < first) continue
      if (utcOf(each) > last || each >= before || found.length >= count) return { found, late: false }
      found.push(textOf(utcOf(each)))
    }
    if (found.length >= count) return { found, late: false }
    if (patience < 0) return { found, late: true }
    const ended = edge.get(interval)
    if (ended !== undefined && (ended > last + DAY || ended >= before)) return { found, late: false }
  }
  return { found, late: false }
}

// Where the interval begins, for those that have nothing in them
const edge = new WeakMap<readonly number[], number>()

/** The sets that BYSETPOS counts in, one per interval, ascending. */
function * intervals (parts: Parts, first: number): Generator<readonly number[]> {
  const every = Number(parts.get('INTERVAL') ?? 1)
  const day = Math.floor(first / DAY)
  const tests = dayTests(parts, day)
  const fits = (one: number): boolean => tests.every(test => test(one))
  const whole = (from: number, to: number): number[] => range(from, to).filter(fits).flatMap(one => times(parts, one, first))
  const made = (set: readonly number[], begin: number): readonly number[] => {
    edge.set(set, begin)
    return set
  }
  switch (parts.get('FREQ')) {
    case 'YEARLY':
      for (let year = startYear(parts, day); ; year += every) yield made(whole(...yearOf(parts, year)), (dayOf(year, 1, 1) - 7) * DAY)
    case 'MONTHLY':
      for (let month = civil(day).year * 12 + civil(day).month - 1; ; month += every) {
        const [from, to] = [dayOf(Math.floor(month / 12), month % 12 + 1, 1), dayOf(Math.floor(month / 12), month % 12 + 2, 1)]
        yield made(whole(from, to), from * DAY)
      }
    case 'WEEKLY':
      for (let from = weekOf(parts, day); ; from += 7 * every) yield made(whole(from, from + 7), from * DAY)
    case 'DAILY':
      for (let at = day; ; at += every) yield made(whole(at, at + 1), at * DAY)
    default:
      yield * shortIntervals(parts, first, every, fits, made)
  }
}

function * shortIntervals (parts: Parts, first: number, every: number, fits: (day: number) => boolean, made: (set: readonly number[], begin: number) => readonly number[]): Generator<readonly number[]> {
  const unit = { HOURLY: 3600, MINUTELY: 60, SECONDLY: 1 }[parts.get('FREQ')!]!
  const begin = Math.floor(first / unit) * unit
  for (let at = begin; ; at += every * unit) {
    const day = Math.floor(at / DAY)
    if (!fits(day)) {
      // nothing in the rest of this day: on to the last interval that begins in it
      at += Math.floor(((day + 1) * DAY - 1 - at) / (every * unit)) * every * unit
      yield made([], at)
    } else yield made(times(parts, day, first, at, unit), at)
  }
}

// BYHOUR, BYMINUTE and BYSECOND, whether they expand or limit; what the rule leaves open comes from DTSTART
function times (parts: Parts, day: number, first: number, from = day * DAY, unit = DAY): number[] {
  const hours = parts.numbers('BYHOUR') ?? (unit < DAY ? undefined : [Math.floor(first % DAY / 3600)])
  const minutes = parts.numbers('BYMINUTE') ?? (unit < 3600 ? undefined : [Math.floor(first % 3600 / 60)])
  const seconds = parts.numbers('BYSECOND') ?? (unit < 60 ? undefined : [first % 60])
  const found: number[] = []
  const end = from + unit
  for (let at = from; at < end; at += 3600 - at % 3600) {
    if (hours?.includes(Math.floor(at % DAY / 3600)) === false) continue
    for (let minute = at; minute < Math.min(end, at - at % 3600 + 3600); minute += 60 - minute % 60) {
      if (minutes?.includes(Math.floor(minute % 3600 / 60)) === false) continue
      for (let second = minute; second < Math.min(end, minute - minute % 60 + 60); second++) if (seconds?.includes(second % 60) !== false) found.push(second)
    }
  }
  return found
}

function positioned (parts: Parts, set: readonly number[]): readonly number[] {
  const positions = parts.numbers('BYSETPOS')
  return positions === undefined ? set : set.filter((_, index) => positions.includes(index + 1) || positions.includes(index - set.length))
}

/** Questions about a day, one for each part of the rule about days and one for what they leave open to DTSTART: all must agree. */
function dayTests (parts: Parts, firstDay: number): ReadonlyArray<(day: number) => boolean> {
  const frequency = parts.get('FREQ')
  const [months, weeks, yearDays, monthDays, weekdays] = [parts.numbers('BYMONTH'), parts.numbers('BYWEEKNO'), parts.numbers('BYYEARDAY'), parts.numbers('BYMONTHDAY'), parts.get('BYDAY')?.split(',')]
  const found: Array<(day: number) => boolean> = []
  if (months !== undefined) found.push(day => months.includes(civil(day).month))
  if (weeks !== undefined) found.push(day => {
    const { number, count } = weekNumber(parts, day)
    return weeks.includes(number) || weeks.includes(number - count - 1)
  })
  if (yearDays !== undefined) found.push(day => {
    const { inYear, lengthOfYear } = civil(day)
    return yearDays.includes(inYear + 1) || yearDays.includes(inYear - lengthOfYear)
  })
  if (monthDays !== undefined) found.push(day => {
    const { date, lengthOfMonth } = civil(day)
    return monthDays.includes(date) || monthDays.includes(date - 1 - lengthOfMonth)
  })
  if (weekdays !== undefined) {
    const inWholeYear = frequency === 'YEARLY' && months === undefined
    const wanted = weekdays.map(each => ({ weekday: names.indexOf(each.slice(-2)), nth: Number(each.slice(0, -2)) }))
    found.push(day => {
      const { date, lengthOfMonth, inYear, lengthOfYear } = civil(day)
      const [index, length] = inWholeYear ? [inYear, lengthOfYear] : [date - 1, lengthOfMonth]
      return wanted.some(each => each.weekday === weekday(day) && (each.nth === 0 || each.nth === Math.floor(index / 7) + 1 || each.nth === -Math.floor((length - 1 - index) / 7) - 1))
    })
  }
  if (yearDays !== undefined || monthDays !== undefined || weekdays !== undefined) return found
  const first = civil(firstDay)
  if (frequency === 'WEEKLY' || weeks !== undefined) found.push(day => weekday(day) === weekday(firstDay))
  else if (frequency === 'MONTHLY') found.push(day => civil(day).date === first.date)
  else if (frequency === 'YEARLY') found.push(day => civil(day).date === first.date && (months !== undefined || civil(day).month === first.month))
  return found
}

// BYWEEKNO: the days of the weeks that this year numbers, which begin or end in the year beside it
function yearOf (parts: Parts, year: number): [from: number, to: number] {
  return parts.get('BYWEEKNO') === undefined ? [dayOf(year, 1, 1), dayOf(year + 1, 1, 1)] : [firstWeek(parts, year), firstWeek(parts, year + 1)]
}

function startYear (parts: Parts, day: number): number {
  return parts.get('BYWEEKNO') === undefined ? civil(day).year : weekNumber(parts, day).year
}

const firstWeeks = new Map<string, number>()

// "the first week that contains at least four (4) days in that calendar year"
function firstWeek (parts: Parts, year: number): number {
  const key = `${year} ${parts.get('WKST') ?? ''}`
  let found = firstWeeks.get(key)
  if (found === undefined) {
    const week = weekOf(parts, dayOf(year, 1, 1))
    firstWeeks.set(key, found = range(week, week + 7).filter(day => civil(day).year === year).length >= 4 ? week : week + 7)
  }
  return found
}

function weekNumber (parts: Parts, day: number): { year: number, number: number, count: number } {
  const near = civil(day).year
  const year = [near + 1, near, near - 1].find(each => firstWeek(parts, each) <= day)!
  return { year, number: (weekOf(parts, day) - firstWeek(parts, year)) / 7 + 1, count: (firstWeek(parts, year + 1) - firstWeek(parts, year)) / 7 }
}

// The first day of the week
function weekOf (parts: Parts, day: number): number {
  return day - (weekday(day) - names.indexOf(parts.get('WKST') ?? 'MO') + 7) % 7
}

function weekday (day: number): number {
  return ((day + 4) % 7 + 7) % 7
}

function dayOf (year: number, month: number, date: number): number {
  return Date.UTC(year, month - 1, date) / DAY / 1000
}

interface Civil { readonly year: number, readonly month: number, readonly date: number, readonly inYear: number, readonly lengthOfYear: number, readonly lengthOfMonth: number }

const known = new Map<number, Civil>()

function civil (day: number): Civil {
  let found = known.get(day)
  if (found === undefined) {
    const at = new Date(day * DAY * 1000)
    const [year, month, date] = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()]
    const [begin, end] = [dayOf(year, 1, 1), dayOf(year + 1, 1, 1)]
    known.set(day, found = { year, month, date, inYear: day - begin, lengthOfYear: end - begin, lengthOfMonth: dayOf(year, month + 1, 1) - dayOf(year, month, 1) })
  }
  return found
}

interface Clock {
  readonly utcOf: (local: number) => number
  readonly isUsual: (local: number) => boolean
}

const clocks = new Map<string, Clock>()

/** Wall-clock seconds from 1975 on → UTC seconds. RFC 5545 3.3.5: a clock that comes twice is the first, one that is jumped over is read with the offset before the jump. */
export function utcIn (zone: string): (local: number) => number {
  return clockIn(zone).utcOf
}

/** Whether that wall clock comes exactly once. */
export function isUsual (zone: string, local: number): boolean {
  return clockIn(zone).isUsual(local)
}

function clockIn (zone: string): Clock {
  let clock = clocks.get(zone)
  if (clock === undefined) clocks.set(zone, clock = makeClock(zone))
  return clock
}

function makeClock (zone: string): Clock {
  const offset = offsetIn(zone)
  // a day that begins and ends with the same offset keeps it; asking Intl is slow
  const days: number[] = []
  const ofDay = (day: number): number => days[day] ??= offset(day * DAY)
  const offsetAt = (utc: number): number => {
    const day = Math.floor(utc / DAY)
    return ofDay(day) === ofDay(day + 1) ? ofDay(day) : offset(utc)
  }
  const readings = (local: number): readonly number[] => [...new Set([offsetAt(local - DAY), offsetAt(local + DAY)])].map(offset => local - offset).filter(utc => utc + offsetAt(utc) === local)
  return {
    utcOf: local => {
      const found = readings(local)
      return found.length === 0 ? local - offsetAt(local - DAY) : Math.min(...found)
    },
    isUsual: local => readings(local).length === 1
  }
}

/** UTC seconds → seconds east of UTC, as Intl says. */
export function offsetIn (zone: string): (utc: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'longOffset' })
  return utc => {
    const [, sign, hours, minutes, seconds] = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(utc * 1000))!
    return hours === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0))
  }
}

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

/** `20250131` or `20250131T093000` (a Z is not looked at) → seconds. */
export function secondsOf (text: string): number {
  const part = (from: number, length: number): number => Number(text.slice(from, from + length))
  return Date.UTC(part(0, 4), part(4, 2) - 1, part(6, 2), part(9, 2), part(11, 2), part(13, 2)) / 1000
}

/** Seconds → `20250131T093000`. */
export function textOf (seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')
}
