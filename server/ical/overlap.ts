import { parameter, properties, property, type Component, type Property } from './component.js'
import { instanceOf, once, type Instance } from './once.js'
import { parseDuration, parsePeriod, parseWhen, utcAfter, utcOf, type Duration, type When, type Zone, type Zones } from './time.js'

/** UTC seconds, `start` inclusive, `end` exclusive; ±Infinity when open (RFC 4791 9.9). */
export interface Range {
  readonly start: number
  readonly end: number
}

/** How local times are read: those with a TZID and those without. */
export interface Reading {
  readonly zones: Zones
  readonly floating: Zone
}

const DAY = 86_400

/** RFC 4791 9.9, the rows of VEVENT and VJOURNAL: a length of nothing is in the range when it begins there. */
export function spanOverlaps (start: number, end: number, range: Range): boolean {
  return end > start ? range.start < end && range.end > start : momentOverlaps(start, range)
}

/** RFC 4791 9.9: a trigger, a DTSTAMP, a start without a length. */
export function momentOverlaps (moment: number, range: Range): boolean {
  return range.start <= moment && range.end > moment
}

/** RFC 4791 9.9 for one occurrence of a VEVENT, VTODO or VJOURNAL. */
export function occurrenceOverlaps (occurrence: Instance, range: Range): boolean {
  const { component, startUtc, endUtc } = occurrence
  if (component.name !== 'VTODO') return spanOverlaps(startUtc, endUtc, range)
  if (property(component, 'DUE')) {
    const late = endUtc + dateLength(occurrence.end)
    if (!property(component, 'DTSTART')) return range.start < late && range.end >= endUtc
    return (range.start < late || range.start <= startUtc) && (range.end > startUtc || range.end >= endUtc)
  }
  if (property(component, 'DURATION')) return range.start <= endUtc && (range.end > startUtc || range.end >= endUtc)
  return momentOverlaps(startUtc, range)
}

/**
 * Whether a component happens at times that its recurrence tells; others are looked at as they are. RFC 5545 3.8.5.3 wants a DTSTART beside
 * each RRULE; a to-do that repeats without one is due again and again (Apple's clients and tests have such).
 */
export function hasOccurrences (component: Component): boolean {
  const { name, properties } = component
  if (name !== 'VEVENT' && name !== 'VTODO' && name !== 'VJOURNAL') return false
  if (property(component, 'DTSTART') !== undefined) return true
  return name === 'VTODO' && properties.some(one => one.name === 'RRULE' || one.name === 'RDATE') && property(component, 'DUE') !== undefined
}

/** RFC 4791 9.9 for a component that has no occurrences: a VTODO without DTSTART, VFREEBUSY, VAVAILABILITY. For others it is not defined: false. */
export function timelessOverlaps (component: Component, range: Range, reading: Reading): boolean {
  switch (component.name) {
    case 'VTODO': return undatedToDoOverlaps(component, range, reading)
    case 'VFREEBUSY': return freeBusyOverlaps(component, range, reading)
    case 'VAVAILABILITY': return availabilityOverlaps(component, range, reading)
    default: return false
  }
}

function undatedToDoOverlaps (component: Component, { start, end }: Range, reading: Reading): boolean {
  const due = whenOf(component, 'DUE', reading.zones)
  if (due) {
    const at = utcOf(due, reading.floating)
    return start < at + dateLength(due) && end >= at
  }
  const completed = momentOf(component, 'COMPLETED', reading)
  const created = momentOf(component, 'CREATED', reading)
  if (completed !== undefined && created !== undefined) return (start <= created || start <= completed) && (end >= created || end >= completed)
  if (completed !== undefined) return start <= completed && end >= completed
  return created === undefined || end > created
}

/** The table gives no row for a DATE (it wants DUE as DATE-TIME): a to-do due on a day is due during that day. */
function dateLength (due: When): number {
  return due.date ? DAY : 0
}

function freeBusyOverlaps (component: Component, range: Range, reading: Reading): boolean {
  const start = momentOf(component, 'DTSTART', reading)
  const end = momentOf(component, 'DTEND', reading)
  if (start !== undefined && end !== undefined) return range.start <= end && range.end > start
  return periodsOf(component, reading).some(period => range.start < period.end && range.end > period.start)
}

/** The table of RFC 7953 7.2.2: without DTSTART or DTEND (or DURATION) it is open on that side. */
function availabilityOverlaps (component: Component, range: Range, reading: Reading): boolean {
  const start = whenOf(component, 'DTSTART', reading.zones)
  const length = durationOf(property(component, 'DURATION'))
  const end = momentOf(component, 'DTEND', reading) ?? (start && length ? utcAfter(start, length, reading.floating) : Infinity)
  return range.start < end && range.end > (start ? utcOf(start, reading.floating) : -Infinity)
}

/** The periods of all FREEBUSY properties with their type, BUSY when it is not given (RFC 5545 3.2.9); what cannot be read is left out. */
export function periodsOf (component: Component, { zones, floating }: Reading): { start: number, end: number, type: string, property: Property, value: string }[] {
  return properties(component, 'FREEBUSY').flatMap(each => each.value.split(',').flatMap(value => {
    try {
      const { start, end, duration } = parsePeriod(each, value, zones)
      const from = utcOf(start, floating)
      const to = end ? utcOf(end, floating) : duration ? utcAfter(start, duration, floating) : from
      return [{ start: from, end: to, type: (parameter(each, 'FBTYPE') ?? 'BUSY').toUpperCase(), property: each, value }]
    } catch {
      return []
    }
  }))
}

/**
 * When a VALARM rings, its repetitions included (RFC 4791 9.9, RFC 5545 3.8.6).
 * @param around  the occurrence it belongs to; without one only an absolute trigger rings
 */
export function alarmOverlaps (alarm: Component, around: Instance | undefined, range: Range, reading: Reading): boolean {
  const trigger = property(alarm, 'TRIGGER')
  if (!trigger) return false
  const first = isAbsolute(trigger) ? momentOf(alarm, 'TRIGGER', reading) : around && relativeTrigger(trigger, around, reading.floating)
  if (first === undefined) return false
  const { count, every } = repetition(alarm)
  const next = every > 0 && first < range.start ? Math.min(count, Math.ceil((range.start - first) / every)) : 0
  return momentOverlaps(first + next * every, range)
}

/** TRIGGER with a date and time instead of a duration. */
export function isAbsolute ({ value }: Property): boolean {
  return !/^[+-]?P/i.test(value)
}

/** Where an occurrence has to be for a relative alarm of it to ring in the range: wider than needed rather than narrower. */
export function alarmWindow (alarm: Component, range: Range): Range {
  const trigger = property(alarm, 'TRIGGER')
  const offset = durationOf(trigger)
  // An absolute alarm rings whatever the occurrence
  if (!offset) return { start: -Infinity, end: Infinity }
  const { count, every } = repetition(alarm)
  const seconds = offset.days * DAY + offset.seconds
  // A day of the wall clock can be hours longer or shorter than 24 hours
  const slack = 1 + (offset.days === 0 ? 0 : DAY)
  return { start: range.start - seconds - count * every - slack, end: range.end - seconds + slack }
}

function relativeTrigger (trigger: Property, { start, end }: Instance, floating: Zone): number | undefined {
  const offset = durationOf(trigger)
  return offset && utcAfter(parameter(trigger, 'RELATED')?.toUpperCase() === 'END' ? end : start, offset, floating)
}

function repetition (alarm: Component): { count: number, every: number } {
  const count = Number(property(alarm, 'REPEAT')?.value ?? 0)
  const length = durationOf(property(alarm, 'DURATION'))
  const every = length ? length.days * DAY + length.seconds : 0
  return count > 0 && every > 0 ? { count, every } : { count: 0, every: 0 }
}

/** A component taken alone, its recurrence left aside; undefined when it has no date that can be read. */
export function occurrenceOf (component: Component, { zones, floating }: Reading): Instance | undefined {
  const one = once(component, zones)
  return one && instanceOf(one, floating)
}

/** The first property of that name as a duration; undefined when it is not there or cannot be read. */
function durationOf (from: Property | undefined): Duration | undefined {
  try {
    return from && parseDuration(from.value)
  } catch {
    return undefined
  }
}

/** The first property of that name as a date or time; undefined when it is not there or cannot be read. */
export function whenOf (component: Component, name: string, zones: Zones): When | undefined {
  const found = property(component, name)
  try {
    return found && parseWhen(found, found.value, zones)
  } catch {
    return undefined
  }
}

function momentOf (component: Component, name: string, { zones, floating }: Reading): number | undefined {
  const when = whenOf(component, name, zones)
  return when && utcOf(when, floating)
}
