import { property, type Component } from './component.js'
import { addDuration, parseDuration, parseWhen, utcAfter, utcOf, ValueError, type Duration, type When, type Zone, type Zones } from './time.js'
import { DAY } from './civil.js'

/** One happening of a component: the event itself, one repetition, or an override. */
export interface Instance {
  /** What describes it: the master, or the override that is for it. */
  readonly component: Component
  readonly start: When
  readonly end: When
  /** Where it stood at first (RFC 5545 3.8.4.4); undefined when the component does not repeat. */
  readonly recurrenceId: When | undefined
  /** UTC seconds, DATE and floating times read in the zone that was given. */
  readonly startUtc: number
  readonly endUtc: number
}

/** A component that happens once: one that does not repeat, or an override. */
export interface Once {
  readonly component: Component
  readonly start: When
  readonly end: When
  readonly length: Duration
  /** Whether the end is written there, rather than a length. */
  readonly hasEnd: boolean
  readonly recurrenceId: When | undefined
}

/** Reads a component that has a start: DTSTART, DUE of a VTODO, or RECURRENCE-ID; what cannot be read counts as missing. */
export function once (component: Component, zones: Zones): Once | undefined {
  const recurrenceId = read(component, 'RECURRENCE-ID', zones)
  const start = startOf(component, zones) ?? recurrenceId
  if (start === undefined) return undefined
  const end = endOf(component, start, zones)
  const length = lengthOf(component, start, zones)
  return { component, start, end: end ?? addDuration(start, length), length, hasEnd: end !== undefined, recurrenceId }
}

/** The same with its times in UTC. */
export function instanceOf (one: Once, floating: Zone): Instance {
  const { component, start, end, recurrenceId } = one
  const endUtc = one.hasEnd ? utcOf(end, floating) : utcAfter(start, one.length, floating)
  return { component, start, end, recurrenceId, startUtc: utcOf(start, floating), endUtc }
}

function startOf (component: Component, zones: Zones): When | undefined {
  return read(component, 'DTSTART', zones) ?? (component.name === 'VTODO' ? read(component, 'DUE', zones) : undefined)
}

// Undefined when it is before the start. Some clients write DTEND equal to DTSTART for one day
function endOf (component: Component, start: When, zones: Zones): When | undefined {
  const end = read(component, component.name === 'VTODO' ? 'DUE' : 'DTEND', zones)
  if (end === undefined) return undefined
  const length = lengthBetween(start, end)
  const least = component.name !== 'VTODO' && start.date && end.date ? 1 : 0
  return length.days * DAY + length.seconds < least ? undefined : end
}

/**
 * RFC 5545 3.8.5.3: DTEND or DUE gives each instance the same exact length, DURATION the same nominal one; 3.6.1: without them an event on
 * a DATE takes that day, one at a DATE-TIME no time. Never negative.
 */
export function lengthOf (component: Component, start: When, zones: Zones): Duration {
  const end = endOf(component, start, zones)
  if (end !== undefined) return lengthBetween(start, end)
  // RFC 4791 9.9: DURATION of a VFREEBUSY means something else
  const written = component.name === 'VFREEBUSY' ? undefined : property(component, 'DURATION')
  const duration = written === undefined ? undefined : attempt(() => parseDuration(written.value))
  if (duration !== undefined) return duration.days < 0 || duration.seconds < 0 ? noLength : duration
  return start.date && component.name !== 'VTODO' ? oneDay : noLength
}

/** From one time to the other: days between DATEs, else exact seconds; on the wall clock when one of them floats. */
export function lengthBetween (start: When, end: When): Duration {
  if (start.date && end.date) return { days: Math.round((end.local - start.local) / DAY), seconds: 0 }
  const floats = start.zone === 'floating' || end.zone === 'floating'
  return { days: 0, seconds: floats ? end.local - start.local : exactly(end) - exactly(start) }
}

const noLength: Duration = { days: 0, seconds: 0 }
const oneDay: Duration = { days: 1, seconds: 0 }

function exactly ({ zone, local }: When): number {
  return typeof zone === 'object' ? zone.toUtc(local) : local
}

function read (component: Component, name: string, zones: Zones): When | undefined {
  const found = property(component, name)
  return found === undefined ? undefined : attempt(() => parseWhen(found, found.value, zones))
}

/** What `read` gives; undefined on a ValueError: what lay on the disk before us must not hide the rest. */
export function attempt<Value> (read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ValueError) return undefined
    throw error
  }
}
