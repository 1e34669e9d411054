import { property, type Component } from './component.js'
import { IcalError, parse } from './parse.js'
import { zoneNamed } from './timezone.js'
import { demandWellFormed, timed } from './wellformed.js'
import { plainName } from './zone-name.js'

/** The component types that may be a calendar object resource (RFC 4791 4.1, RFC 7953 3.1). */
export const objectTypes = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VAVAILABILITY'] as const
export type ObjectType = typeof objectTypes[number]

/** One calendar object resource: its VCALENDAR, and the UID (as written) and type that all its components share. */
export interface CalendarObject {
  readonly calendar: Component
  readonly uid: string
  readonly type: ObjectType
}

/**
 * Text → calendar object resource: `parse`, then RFC 5545 (values, required and once-only properties), then RFC 4791 4.1.
 * Data that breaks a rule is refused when some client would lose it or read it otherwise than its author, else it is let through:
 *
 * | what                                             | here                             | reason |
 * |---|---|---|
 * | no PRODID                                        | accepted                         | says only who wrote it |
 * | no VERSION                                       | accepted                         | all read it as 2.0; vCalendar 1.0 always names itself |
 * | VERSION other than 2.0, CALSCALE not GREGORIAN   | valid-calendar-data              | another format, other dates |
 * | no DTSTAMP                                       | accepted                         | orders iTIP messages; a stored object has its ETag |
 * | no UID, or an empty one                          | valid-calendar-object-resource   | clients find and synchronise by UID |
 * | VEVENT without DTSTART                           | valid-calendar-data              | nobody can show it (only with METHOD it may be left out) |
 * | VALARM without ACTION                            | accepted                         | it is shown, or left out; no time changes |
 * | VALARM without TRIGGER                           | valid-calendar-data              | a reminder that never comes |
 * | VTIMEZONE without TZID, observance without start or offsets | valid-calendar-data   | other clients refuse the whole object |
 * | VTIMEZONE without STANDARD and DAYLIGHT          | as if it were not there          | says nothing |
 * | TZID without VTIMEZONE, known by name            | accepted                         | RFC 7809 3.1.1: standard time zones need none |
 * | TZID without VTIMEZONE, unknown                  | valid-calendar-object-resource   | each client would place it elsewhere |
 * | TZID on a DATE                                   | accepted                         | ignored by all |
 * | TZID on a UTC time, other than UTC itself        | valid-calendar-data              | half of the readers believe the one, half the other |
 * | the same in a VTODO                              | accepted                         | early iCal wrote it; here UTC counts (RFC 5545 3.3.5) |
 * | value not of its type, or VALUE that contradicts it | valid-calendar-data           | read differently or dropped |
 * | VALUE left out (DTSTART:20250131)                | accepted                         | read by its form by all |
 * | empty text (DESCRIPTION:)                        | accepted                         | RFC 5545 3.3.11 allows it, Google and Apple write it |
 * | unknown property, parameter, component inside, word (STATUS:X) | accepted           | RFC 5545: to be ignored |
 * | a once-only property twice                       | valid-calendar-data              | some take the first, some the last |
 * | DTEND with DURATION, even if they agree          | valid-calendar-data              | strict readers (Home Assistant's) drop it, and the whole calendar with it |
 * | DUE with DURATION; URL twice in VJOURNAL         | accepted                         | the first one is taken by all |
 * | DTSTAMP, CREATED, LAST-MODIFIED, COMPLETED, ACKNOWLEDGED not UTC | valid-calendar-data | a moment that differs per reader |
 * | DTEND, UNTIL of another kind than DTSTART        | valid-calendar-data              | lengths and sets that differ per reader |
 * | DUE of another kind than DTSTART                 | accepted                         | early iCal wrote it; both are moments of their own, a DATE is due until its end |
 * | UNTIL in UTC, DTSTART a local time               | accepted                         | early iCal wrote it; its digits are read on the wall clock, as by most |
 * | RRULE in a VTODO with DUE alone                  | accepted                         | it is due again and again; Apple's test data have it |
 * | EXDATE as a DATE in a series with times          | accepted                         | Evolution writes it; it means that day |
 * | EXDATE that is no date                           | valid-calendar-data              | what was deleted would come back |
 * | DURATION of no length beside DTEND               | accepted                         | Thunderbird writes it on moved instances; all take DTEND |
 * | INTERVAL=0                                       | valid-calendar-data              | served as it is, other clients hang on it; taken as 1, it would repeat too often |
 * | DATE start with a DURATION of hours              | valid-calendar-data              | RFC 5545 3.6.1: days or weeks only |
 * | DURATION:P1DT, a T with nothing after it         | accepted                         | one day to every reader; Apple's own test data have it |
 * | DTEND or DUE not after DTSTART                   | accepted                         | shown as a moment |
 * | overrides (RECURRENCE-ID) without the series     | accepted                         | who is invited to one instance has no more |
 * | several components without RECURRENCE-ID, or of one RECURRENCE-ID | valid-calendar-object-resource | clients keep only one |
 * | METHOD, several UIDs, several types, none        | valid-calendar-object-resource   | RFC 4791 4.1 |
 * | another component type                           | supported-calendar-component     | no calendar of ours holds it |
 * | RSCALE that is not known (RFC 7529 10)           | supported-rscale                 | its instances cannot be found |
 *
 * Which of the types a collection takes, UIDs that are taken, and how much an object may hold (`demandWithin`) are looked at elsewhere.
 * @throws IcalError with the precondition, and where there is one the line
 */
export function calendarObject (text: string): CalendarObject {
  const calendar = parse(text)
  // First, because with METHOD a component may leave out what an object needs (RFC 5546)
  const method = property(calendar, 'METHOD')
  if (method) throw notAnObject(method.line, 'expected no METHOD in a stored object')
  demandWellFormed(calendar)
  const { uid, type } = identify(calendar)
  demandEachOnce(calendar)
  demandZones(calendar)
  return { calendar, uid, type }
}

/**
 * The UID (as written) and type that all components of a VCALENDAR share (RFC 4791 4.1); all else is left unchecked.
 * @throws IcalError when there is none, another than ours, or more than one
 */
export function identify (calendar: Component): { readonly uid: string, readonly type: ObjectType } {
  const members = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
  const first = members[0]
  if (!first) throw notAnObject(calendar.line, `expected a component (${objectTypes.join(', ')}) in VCALENDAR, found none`)
  for (const { name, line } of members) {
    if (!isObjectType(name)) throw new IcalError('supported-calendar-component', `expected ${objectTypes.join(', ')}, found ${name}`, line)
  }
  const uid = uidOf(first)
  for (const member of members) {
    if (member.name !== first.name) throw notAnObject(member.line, `expected one type of component, found ${first.name} and ${member.name}`)
    if (uidOf(member) !== uid) throw notAnObject(member.line, `expected one UID in an object, found another in this ${member.name}`)
  }
  return { uid, type: first.name as ObjectType }
}

function demandEachOnce ({ components }: Component): void {
  const instances = new Set<string>()
  for (const member of components) {
    if (member.name === 'VTIMEZONE') continue
    const id = property(member, 'RECURRENCE-ID')
    const key = id ? `${id.parameters['TZID']?.[0] ?? ''}:${id.value}` : ''
    if (instances.has(key)) throw notAnObject(member.line, id ? 'expected each RECURRENCE-ID once' : `expected one ${member.name} without RECURRENCE-ID`)
    instances.add(key)
  }
}

function isObjectType (name: string): boolean {
  return (objectTypes as readonly string[]).includes(name)
}

function uidOf (component: Component): string {
  const uid = property(component, 'UID')
  if (!uid || uid.value.trim() === '') throw notAnObject(uid?.line ?? component.line, `expected a UID in ${component.name}`)
  return uid.value
}

/** RFC 4791 4.1 with RFC 7809 3.1.1: each TZID has its VTIMEZONE, or is a name that everybody knows. */
function demandZones (calendar: Component): void {
  const known = new Set<string>()
  for (const zone of calendar.components) {
    if (zone.name !== 'VTIMEZONE' || zone.components.length === 0) continue
    const tzid = property(zone, 'TZID')
    if (tzid) known.add(plainName(tzid.value))
  }
  const demand = (component: Component): void => {
    for (const { name, parameters, value, line } of component.properties) {
      const tzid = parameters['TZID']?.[0]
      if (tzid === undefined || known.has(plainName(tzid)) || !timed.has(name) || !value.includes('T')) continue
      if (!zoneNamed(tzid)) throw notAnObject(line, `expected a VTIMEZONE for TZID ${JSON.stringify(tzid)}, which is not in the time zone database`)
      known.add(plainName(tzid))
    }
    component.components.forEach(demand)
  }
  demand(calendar)
}

function notAnObject (line: number, message: string): IcalError {
  return new IcalError('valid-calendar-object-resource', message, line)
}
