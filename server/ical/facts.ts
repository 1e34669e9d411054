import { property, unescapeText, type Component } from './component.js'
import { extent, instances } from './instances.js'
import { occurrenceOf, periodsOf, whenOf, type Reading } from './overlap.js'
import { decode, IcalError, parse } from './parse.js'
import { Budget } from './recur.js'
import { utcOf, type When } from './time.js'
import { UTC, zonesOf } from './timezone.js'
import { calendarObject, identify } from './validate.js'

/** What the index remembers of one calendar object resource. */
export interface Facts {
  readonly uid: string
  readonly component: string
  /** The calendar address as it is written. */
  readonly organizer?: string
  /** Unescaped. */
  readonly summary?: string
  readonly spans: readonly Span[]
}

/**
 * When an object takes place: in UTC seconds, or in seconds of the wall clock when `floating`. `exact`: one instance of an event or
 * journal entry (RFC 4791 9.9: one of no length is in a range that it begins in); else everything is somewhere in it.
 */
export interface Span {
  readonly start: number
  readonly end: number
  readonly floating: boolean
  readonly exact: boolean
}

/** Beyond all dates (RFC 5545 knows four digits of year). */
const FAR = 8_640_000_000_000
const MOST = 32
const DAY = 86_400
/** What looking for the last instance may cost: some milliseconds; a rule that needs more has no end here. */
const STEPS = 10_000
const ALWAYS: Span = { start: -FAR, end: FAR, floating: false, exact: false }

/**
 * Bytes → facts. Milder than `calendarObject`, because what is on disk is there: only one UID and one type are demanded, and
 * what has dates that cannot be read may be at any time. Alarms are not in the spans.
 * @param replaces  a former version can be served instead: then as strict as `calendarObject`, so that a slip in an editor is told rather than spread
 * @throws IcalError when it is not one calendar object
 */
export function describe (bytes: Uint8Array, replaces = false): Facts {
  const text = decode(bytes)
  if (replaces) calendarObject(text)
  const calendar = parse(text)
  const method = property(calendar, 'METHOD')
  if (method !== undefined) throw new IcalError('valid-calendar-object-resource', 'expected no METHOD: an invitation is no event', method.line)
  const { uid, type } = identify(calendar)
  const members = calendar.components.filter(({ name }) => name === type)
  const main = members.find(member => !property(member, 'RECURRENCE-ID')) ?? members[0]
  const organizer = main && property(main, 'ORGANIZER')?.value
  const summary = main && property(main, 'SUMMARY')?.value
  return {
    uid,
    component: type,
    ...organizer === undefined ? {} : { organizer },
    ...summary === undefined ? {} : { summary: unescapeText(summary) },
    spans: spansOf(calendar, type, members)
  }
}

function spansOf (calendar: Component, type: string, members: readonly Component[]): readonly Span[] {
  const reading = { zones: zonesOf(calendar), floating: UTC }
  try {
    switch (type) {
      case 'VEVENT': return occurrenceSpans(calendar, members, reading)
      case 'VJOURNAL': return occurrenceSpans(calendar, members.filter(isDated), reading)
      case 'VTODO': return toDoSpans(calendar, members, reading)
      case 'VFREEBUSY': return members.flatMap(member => freeBusySpans(member, reading))
      default: return [ALWAYS]
    }
  } catch {
    return [ALWAYS]
  }
}

function isDated (component: Component): boolean {
  return property(component, 'DTSTART') !== undefined
}

function repeats ({ properties }: Component): boolean {
  return properties.some(({ name }) => name === 'RRULE' || name === 'RDATE' || name === 'EXDATE' || name === 'RECURRENCE-ID')
}

/** At most `MOST` instances one by one, else one span from the first to the last. */
function occurrenceSpans (calendar: Component, members: readonly Component[], reading: Reading): readonly Span[] {
  const [only] = members
  if (!only) return []
  if (members.length === 1 && !repeats(only)) {
    const occurrence = occurrenceOf(only, reading)
    return occurrence ? [spanOf(occurrence.start, occurrence.end, occurrence.endUtc)] : [ALWAYS]
  }
  const bounds = extent(calendar, UTC, new Budget({ steps: STEPS }))
  if (!bounds) return members.some(member => !whenOf(member, 'DTSTART', reading.zones)) ? [ALWAYS] : []
  if (bounds.end !== Infinity) {
    const budget = new Budget({ instances: MOST + 1, steps: STEPS })
    const spans: Span[] = []
    for (const { start, end, endUtc } of instances(calendar, { start: -Infinity, end: Infinity }, UTC, budget)) {
      spans.push(spanOf(start, end, endUtc))
      if (spans.length > MOST) break
    }
    if (spans.length <= MOST && !budget.exhausted) return spans
  }
  return [around(bounds, members, reading)]
}

function spanOf (start: When, end: When, endUtc: number): Span {
  const floating = start.zone === 'floating'
  return { start: floating ? start.local : utcOf(start, UTC), end: floating && end.zone === 'floating' ? end.local : endUtc, floating, exact: true }
}

/**
 * One span for all: of the wall clock when all of it floats, else in UTC and a day wider on both sides when some of it does. A second more at
 * the end, since the last may take no time (RFC 4791 9.9).
 */
function around (bounds: { readonly start: number, readonly end: number }, members: readonly Component[], { zones }: Reading): Span {
  const floats = members.map(member => whenOf(member, 'DTSTART', zones)?.zone === 'floating')
  const slack = floats.includes(true) && floats.includes(false) ? DAY : 0
  return { start: Math.max(-FAR, bounds.start - slack), end: Math.min(FAR, bounds.end + slack + 1), floating: !floats.includes(false), exact: false }
}

/** Never exact: the rows for VTODO (RFC 4791 9.9) include some borders. */
function toDoSpans (calendar: Component, members: readonly Component[], reading: Reading): readonly Span[] {
  const dated = members.filter(isDated)
  const spans = members.filter(member => !isDated(member)).map(member => undatedSpan(member, reading))
  if (dated.length === 0) return spans
  const all = occurrenceSpans(calendar, dated, reading)
  const [first] = all
  if (!first) return spans
  const same = all.every(({ floating }) => floating === first.floating)
  return [...spans, ...same ? [bordered(Math.min(...all.map(({ start }) => start)), Math.max(...all.map(({ end }) => end)), first.floating)] : all.map(({ start, end, floating }) => bordered(start, end, floating))]
}

/** A second more on both sides for the borders, and the day of a DUE that is a DATE. */
function bordered (start: number, end: number, floating: boolean): Span {
  return { start: Math.max(-FAR, start - 1), end: Math.min(FAR, end + (floating ? DAY : 0) + 1), floating, exact: false }
}

function undatedSpan (component: Component, { zones }: Reading): Span {
  const due = whenOf(component, 'DUE', zones)
  if (due) return property(component, 'RRULE') ?? property(component, 'RDATE') ? ALWAYS : bordered(moment(due), moment(due), due.zone === 'floating')
  const completed = whenOf(component, 'COMPLETED', zones)
  const created = whenOf(component, 'CREATED', zones)
  if (!completed) return created ? { ...bordered(moment(created), moment(created), false), end: FAR } : ALWAYS
  const [a, b] = [moment(completed), moment(created ?? completed)]
  return bordered(Math.min(a, b), Math.max(a, b), false)
}

/** Seconds of the wall clock when it floats, else UTC. */
function moment (when: When): number {
  return when.zone === 'floating' ? when.local : utcOf(when, UTC)
}

function freeBusySpans (component: Component, reading: Reading): readonly Span[] {
  const start = whenOf(component, 'DTSTART', reading.zones)
  const end = whenOf(component, 'DTEND', reading.zones)
  if (start && end) return [{ start: utcOf(start, UTC), end: utcOf(end, UTC) + 1, floating: start.zone === 'floating', exact: false }]
  const periods = periodsOf(component, reading)
  return periods.length === 0 ? [] : [{ start: Math.min(...periods.map(period => period.start)), end: Math.max(...periods.map(period => period.end)), floating: false, exact: false }]
}
