import { DAY, daysFromCivil, isLeap, weekday } from './civil.js'

/** What a clock shows for a while. */
export interface Kind {
  /** Seconds east of UTC. */
  readonly offset: number
  /** What the source calls daylight saving; it may be earlier than standard time (Ireland in winter). */
  readonly isDaylight: boolean
  /** Abbreviation as `CEST` or `+0530`; '' when the source has none. */
  readonly name: string
}

/** The TZ string at the end of a TZif file (POSIX 8.3, RFC 8536 3.3): how the clock goes on for ever. */
export interface PosixRule {
  readonly standard: Kind
  readonly daylight?: { readonly kind: Kind, readonly begin: DayRule, readonly end: DayRule }
}

/** A day of every year and the wall-clock second (−167 to 167 hours) on it. */
export interface DayRule {
  /** `weekday`: the `week`th (5 is the last) `day` of `month`; `julian`: day 1–365 without leap days; `index`: day 0–365. */
  readonly form: 'weekday' | 'julian' | 'index'
  readonly month: number
  readonly week: number
  /** Weekday (0 is Sunday), 1–365 without leap days, or 0–365. */
  readonly day: number
  readonly time: number
}

const name = '([A-Za-z]{3,}|<[A-Za-z0-9+-]+>)'
const clock = '([+-]?\\d{1,3}(?::\\d\\d){0,2})'
const date = '(M\\d{1,2}\\.\\d\\.\\d|J?\\d{1,3})'
const form = new RegExp(`^${name}${clock}(?:${name}${clock}?,${date}(?:/${clock})?,${date}(?:/${clock})?)?$`)

/** Undefined when the text is not such a rule. */
export function parsePosixRule (text: string): PosixRule | undefined {
  const found = form.exec(text)
  if (found === null) return undefined
  const standard = { offset: 0 - seconds(found[2]!), isDaylight: false, name: plain(found[1]) }
  const begin = dayRule(found[5], found[6])
  const end = dayRule(found[7], found[8])
  if (begin === undefined || end === undefined) return { standard }
  const offset = found[4] === undefined ? standard.offset + 3600 : 0 - seconds(found[4])
  return { standard, daylight: { kind: { offset, isDaylight: true, name: plain(found[3]) }, begin, end } }
}

/** A transition that a rule makes: UTC seconds, and what begins then. */
export interface Made { readonly at: number, readonly kind: Kind }

/** The transitions of these years (both included), ascending. */
export function transitionsIn ({ standard, daylight }: PosixRule, fromYear: number, toYear: number): Made[] {
  const found: Made[] = []
  if (daylight === undefined) return found
  for (let year = fromYear; year <= toYear; year++) {
    found.push({ at: moment(daylight.begin, year) - standard.offset, kind: daylight.kind }, { at: moment(daylight.end, year) - daylight.kind.offset, kind: standard })
  }
  return found.sort((a, b) => a.at - b.at)
}

function plain (text = ''): string {
  return text.replace(/[<>]/g, '')
}

function dayRule (text: string | undefined, time: string | undefined): DayRule | undefined {
  if (text === undefined) return undefined
  const at = time === undefined ? 7200 : seconds(time)
  if (text.startsWith('M')) {
    const [month, week, day] = text.slice(1).split('.').map(Number) as [number, number, number]
    return month < 1 || month > 12 || week < 1 || week > 5 || day > 6 ? undefined : { form: 'weekday', month, week, day, time: at }
  }
  if (text.startsWith('J')) return { form: 'julian', month: 0, week: 0, day: Number(text.slice(1)), time: at }
  return { form: 'index', month: 0, week: 0, day: Number(text), time: at }
}

/** Wall-clock seconds of the rule in a year. */
export function moment (rule: DayRule, year: number): number {
  const first = daysFromCivil(year, 1, 1)
  if (rule.form === 'index') return (first + rule.day) * DAY + rule.time
  if (rule.form === 'julian') return (first + rule.day - (isLeap(year) && rule.day > 59 ? 0 : 1)) * DAY + rule.time
  const month = daysFromCivil(year, rule.month, 1)
  const next = rule.month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, rule.month + 1, 1)
  let day = month + (rule.day - weekday(month) + 7) % 7 + (rule.week - 1) * 7
  if (day >= next) day -= 7
  return day * DAY + rule.time
}

function seconds (text: string): number {
  const [hours, minutes, rest] = text.replace(/^[+-]/, '').split(':').map(Number)
  return (text.startsWith('-') ? -1 : 1) * ((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (rest ?? 0))
}
