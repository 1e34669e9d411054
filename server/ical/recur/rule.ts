import { parseDateTime, ValueError } from '../time.js'
import { scaleNamed, scaleNames, type Scale } from './scale.js'

/** RFC 5545 3.3.10 FREQ. */
export type Frequency = 'SECONDLY' | 'MINUTELY' | 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY'

/** A recurrence rule (RFC 5545 3.3.10, RFC 7529). An empty list means that the part is not there. */
export interface Rule {
  readonly frequency: Frequency
  readonly interval: number
  readonly count: number | undefined
  /** Wall clock, or UTC when `utc`; a DATE when `date`. */
  readonly until: { readonly local: number, readonly date: boolean, readonly utc: boolean } | undefined
  readonly bySecond: readonly number[]
  readonly byMinute: readonly number[]
  readonly byHour: readonly number[]
  /** `nth` 0: every such weekday; `weekday` 0 is Sunday. */
  readonly byDay: ReadonlyArray<{ readonly nth: number, readonly weekday: number }>
  readonly byMonthDay: readonly number[]
  readonly byYearDay: readonly number[]
  readonly byWeekNumber: readonly number[]
  readonly byMonth: readonly number[]
  /** RFC 7529 4.2: 5 is 5L, the leap month after the fifth. */
  readonly byLeapMonth: readonly number[]
  readonly bySetPosition: readonly number[]
  /** 0 is Sunday. */
  readonly weekStart: number
  /** RFC 7529 4.1. */
  readonly skip: 'OMIT' | 'BACKWARD' | 'FORWARD'
  /** RFC 7529 4: the calendar system of months and days; undefined when they are the Gregorian ones. */
  readonly scale: Scale | undefined
}

/** RFC 7529 5: a calendar system that the server does not know. */
export class UnsupportedScale extends ValueError {}

const frequencies = new Set(['SECONDLY', 'MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'])
const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const known = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYSECOND', 'BYMINUTE', 'BYHOUR', 'BYDAY', 'BYMONTHDAY', 'BYYEARDAY',
  'BYWEEKNO', 'BYMONTH', 'BYSETPOS', 'WKST', 'RSCALE', 'SKIP'])

/**
 * RFC 5545 3.3.10, RFC 7529. Parts that the table there calls N/A for a FREQ are kept and limit (BYMONTHDAY in WEEKLY), the number of
 * a BYDAY in them is ignored, COUNT and UNTIL together both bound: old clients write such rules. X- parts are ignored.
 * What a month, day or week may be is the calendar system's matter (RFC 7529 4).
 * @throws ValueError when it is not a rule; UnsupportedScale for an RSCALE that is not known
 */
export function parseRule (value: string): Rule {
  const parts = split(value)
  const frequency = parts.get('FREQ')
  if (frequency === undefined || !frequencies.has(frequency)) throw wrong(value, `FREQ is ${frequency ?? 'missing'}`)
  const scale = scaleOf(value, parts)
  const { byMonth, byLeapMonth } = months(value, parts.get('BYMONTH'), scale)
  const days = scale?.longestYear ?? 366
  const weeks = Math.floor(days / 7) + 1
  const whole = (name: string): number | undefined => {
    const text = parts.get(name)
    if (text === undefined) return undefined
    if (!/^\d{1,20}$/.test(text) || Number(text) === 0) throw wrong(value, `${name}=${text} is not a positive number`)
    return Math.min(Number(text), 1e12)
  }
  const list = (name: string, low: number, high: number): number[] => numbers(value, name, parts.get(name), low, high)
  return {
    frequency: frequency as Frequency,
    interval: whole('INTERVAL') ?? 1,
    count: whole('COUNT'),
    until: until(value, parts.get('UNTIL')),
    // RFC 5545 3.3.12: second 60 is 59 to those who do not keep leap seconds
    bySecond: unique(list('BYSECOND', 0, 60).map(second => Math.min(second, 59))),
    byMinute: list('BYMINUTE', 0, 59),
    byHour: list('BYHOUR', 0, 23),
    byDay: weekdayList(value, parts.get('BYDAY')),
    byMonthDay: list('BYMONTHDAY', -31, 31),
    byYearDay: list('BYYEARDAY', -days, days),
    byWeekNumber: list('BYWEEKNO', -weeks, weeks),
    byMonth,
    byLeapMonth,
    bySetPosition: list('BYSETPOS', -days, days),
    weekStart: day(value, parts.get('WKST') ?? 'MO'),
    skip: (parts.get('SKIP') ?? 'OMIT') as Rule['skip'],
    scale
  }
}

function split (value: string): Map<string, string> {
  // no honest rule is longer: all 366 year days with their signs take 2 kB
  if (value.length > 8192) throw wrong(value, 'it is longer than 8192 characters')
  const parts = new Map<string, string>()
  for (const part of value.toUpperCase().split(';')) {
    if (part === '' || part.startsWith('X-')) continue
    const equals = part.indexOf('=')
    const name = part.slice(0, equals)
    if (equals === -1 || !known.has(name)) throw wrong(value, `${part} is not a part of a rule`)
    if (parts.has(name)) throw wrong(value, `${name} comes twice`)
    parts.set(name, part.slice(equals + 1))
  }
  return parts
}

// RFC 7529 4: SKIP only beside RSCALE
function scaleOf (value: string, parts: Map<string, string>): Scale | undefined {
  const name = parts.get('RSCALE')
  const skip = parts.get('SKIP')
  const found = name === undefined ? 'gregorian' : scaleNamed(name)
  if (found === undefined) throw new UnsupportedScale(`RSCALE=${name?.slice(0, 40)} is not known, only ${scaleNames.join(', ')}`)
  if (skip !== undefined && name === undefined) throw wrong(value, 'SKIP stands without RSCALE')
  if (skip !== undefined && skip !== 'OMIT' && skip !== 'BACKWARD' && skip !== 'FORWARD') throw wrong(value, `SKIP=${skip} is not OMIT, BACKWARD or FORWARD`)
  return found === 'gregorian' ? undefined : found
}

function months (value: string, text: string | undefined, scale: Scale | undefined): Pick<Rule, 'byMonth' | 'byLeapMonth'> {
  const [plain, leap]: [number[], number[]] = [[], []]
  for (const one of text?.split(',') ?? []) {
    const number = /^\d{1,3}L?$/.test(one) ? parseInt(one, 10) : 0
    const isLeap = one.endsWith('L')
    if (number < 1 || number > (scale?.months ?? 12) || (isLeap && scale?.hasLeap(number) !== true)) throw wrong(value, `BYMONTH=${one} is no month of this calendar system`)
    if (isLeap) leap.push(number)
    else plain.push(number)
  }
  return { byMonth: unique(plain), byLeapMonth: unique(leap) }
}

function numbers (value: string, name: string, text: string | undefined, low: number, high: number): number[] {
  if (text === undefined) return []
  return unique(text.split(',').map(one => {
    const number = /^[+-]?\d{1,3}$/.test(one) ? Number(one) : NaN
    if (Number.isNaN(number) || number < low || number > high || (low < 0 && number === 0)) throw wrong(value, `${name}=${one} is out of range`)
    return number
  }))
}

function weekdayList (value: string, text: string | undefined): Rule['byDay'] {
  if (text === undefined) return []
  return text.split(',').map(one => {
    const found = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(one)
    if (found === null) throw wrong(value, `BYDAY=${one} is not a weekday`)
    const nth = found[1] === undefined ? 0 : Number(found[1])
    if (found[1] !== undefined && (nth === 0 || Math.abs(nth) > 53)) throw wrong(value, `BYDAY=${one} is out of range`)
    return { nth, weekday: day(value, found[2] ?? '') }
  })
}

function day (value: string, text: string): number {
  const found = weekdays.indexOf(text)
  if (found === -1) throw wrong(value, `${text} is not a weekday`)
  return found
}

function until (value: string, text: string | undefined): Rule['until'] {
  if (text === undefined) return undefined
  try {
    return parseDateTime(text)
  } catch {
    throw wrong(value, `UNTIL=${text} is not a DATE or DATE-TIME`)
  }
}

function unique (list: number[]): number[] {
  return [...new Set(list)].sort((a, b) => a - b)
}

function wrong (value: string, why: string): ValueError {
  return new ValueError(`RRULE ${value.length > 80 ? `${value.slice(0, 80)}…` : value}: ${why.slice(0, 120)}`)
}
