import { DAY, civilFromDays, daysFromCivil, daysInMonth, weekday, yearOf } from './civil.js'
import { moment, transitionsIn, type DayRule, type Kind, type PosixRule } from './posix-rule.js'
import { zoneOfData, type ZoneData } from './zone-data.js'
import type { TableZone } from './zone-table.js'

const START = daysFromCivil(1970, 1, 1) * DAY
const STEP = 28 * DAY
// What Intl knows is asked for up to here; a rule has to hold for the last years of it
const LAST_YEAR = 2100
const RULE_SINCE = 2090

/** The name as ICU writes it (`europe/berlin` → `Europe/Berlin`, `US/Eastern` → `America/New_York`); undefined when it knows no such zone. */
export function intlName (name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

/** A zone found by asking Intl, for systems without zone files. From 1970 on. */
export function intlZone (name: string): TableZone {
  return zoneOfData(name, intlData(name))
}

/**
 * What Intl knows of a zone: transitions since 1970 and the yearly rule they end in. Slow once (some 30 ms). Intl tells neither
 * abbreviations nor which time is daylight saving: the later one of a yearly change is taken for it.
 * @throws RangeError when Intl does not know the name
 */
export function intlData (name: string): ZoneData {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric'
  })
  const offsetAt = (utc: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(utc * 1000)) part[type] = Number(value)
    return daysFromCivil(part['year']!, part['month']!, part['day']!) * DAY + part['hour']! * 3600 + part['minute']! * 60 + part['second']! - utc
  }
  const at: number[] = []
  const offset: number[] = []
  const first = offsetAt(START)
  let current = first
  for (let seen = START, end = daysFromCivil(LAST_YEAR, 1, 1) * DAY; seen < end; seen += STEP) {
    const next = offsetAt(seen + STEP)
    if (next === current) continue
    at.push(change(offsetAt, seen, seen + STEP, current))
    offset.push(next)
    current = next
  }
  const rule = yearlyRule(at, offset)
  const kind = offset.map((one, i): Kind => ({ offset: one, isDaylight: isDaylight(one, i === 0 ? first : offset[i - 1]!, offset[i + 1]), name: '' }))
  return { first: { offset: first, isDaylight: false, name: '' }, at, kind, ...rule === undefined ? {} : { rule } }
}

// Later than what came before and what comes after
function isDaylight (offset: number, before: number, after: number | undefined): boolean {
  return after !== undefined ? offset > before && offset > after : offset > before
}

function change (offsetAt: (utc: number) => number, from: number, to: number, before: number): number {
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2)
    if (offsetAt(middle) === before) from = middle
    else to = middle
  }
  return to
}

/** The rule that makes every transition since `RULE_SINCE`; undefined when there is none, or no such rule. */
function yearlyRule (at: readonly number[], offset: readonly number[]): PosixRule | undefined {
  const from = at.findIndex(one => one >= daysFromCivil(RULE_SINCE, 1, 1) * DAY)
  if (from < 1) return undefined
  const daylight = Math.max(offset[from]!, offset[from + 1] ?? -Infinity)
  const standard = Math.min(offset[from]!, offset[from + 1] ?? Infinity)
  const begins = localsBefore(at, offset, from, daylight, standard)
  const ends = localsBefore(at, offset, from, standard, daylight)
  const begin = dayRuleOf(begins)
  const end = dayRuleOf(ends)
  if (begin === undefined || end === undefined || begins.length + ends.length !== at.length - from) return undefined
  const rule: PosixRule = {
    standard: { offset: standard, isDaylight: false, name: '' },
    daylight: { kind: { offset: daylight, isDaylight: true, name: '' }, begin, end }
  }
  const made = transitionsIn(rule, RULE_SINCE, yearOf(Math.floor(at.at(-1)! / DAY)))
  return at.slice(from).every((one, i) => made[i]?.at === one && made[i]?.kind.offset === offset[from + i]) ? rule : undefined
}

// Wall-clock seconds, by the clock as it was before, of each change to that offset
function localsBefore (at: readonly number[], offset: readonly number[], from: number, to: number, before: number): number[] {
  return at.slice(from).filter((_, i) => offset[from + i] === to).map(one => one + before)
}

// By weekday, since no zone of our time changes its clocks on a fixed date; a change at or after midnight may be told from the days before
function dayRuleOf (locals: readonly number[]): DayRule | undefined {
  if (locals.length === 0) return undefined
  for (const shift of [0, 1, -1, 2]) {
    const days = locals.map(local => Math.floor(local / DAY) - shift)
    const parts = days.map(day => ({ civil: civilFromDays(day), weekday: weekday(day) }))
    const { civil, weekday: day } = parts[0]!
    const month = civil >> 5 & 15
    const time = locals[0]! - days[0]! * DAY
    const isLast = parts.every(one => (one.civil & 31) + 7 > daysInMonth(Math.floor(one.civil / 512), month))
    const week = isLast ? 5 : Math.ceil((civil & 31) / 7)
    const rule: DayRule = { form: 'weekday', month, week, day, time }
    if (locals.every((local, i) => moment(rule, yearOf(days[i]!)) === local)) return rule
  }
  return undefined
}
