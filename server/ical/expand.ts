import { parameter, property, type Component, type Property } from './component.js'
import { instances, type Instance } from './instances.js'
import { DAY } from './civil.js'
import { attempt } from './once.js'
import { hasOccurrences, occurrenceOverlaps, timelessOverlaps, whenOf, type Range, type Reading } from './overlap.js'
import { Budget } from './recur.js'
import { formatWhen, inUtc, parseDuration, parseWhen, utcOf, type When, type Zone } from './time.js'
import { UTC, zonesOf } from './timezone.js'

/** RFC 4791 9.6.5 */
const recurrence: ReadonlySet<string> = new Set(['RRULE', 'RDATE', 'EXRULE', 'EXDATE', 'RECURRENCE-ID'])

/**
 * Each instance in the range as a component of its own (CALDAV:expand, RFC 4791 9.6.5): times with a zone in UTC, no recurrence
 * properties, no VTIMEZONE, RECURRENCE-ID on all but the first of the set. Floating times and DATEs stay as they are.
 * @param floating  the zone in which DATEs and times without one are compared with the range
 * @param budget  `exhausted` when not all instances are there
 */
export function expand (calendar: Component, range: Range, budget: Budget = new Budget(), floating: Zone = UTC): Component {
  const reading = { zones: zonesOf(calendar), floating }
  const components: Component[] = []
  // the table for VTODO includes some borders, and DUE on a day counts to its end
  const wide = calendar.components.some(({ name }) => name === 'VTODO') ? { start: range.start - 86_401, end: range.end + 1 } : range
  for (const instance of instances(calendar, wide, floating, budget)) {
    if (hasOccurrences(instance.component) && occurrenceOverlaps(instance, range)) components.push(expanded(instance, reading))
  }
  for (const component of calendar.components) {
    if (!hasOccurrences(component) && timelessOverlaps(component, range, reading)) components.push(inUtcWhole(component, reading))
  }
  return { ...calendar, components }
}

function expanded (instance: Instance, reading: Reading): Component {
  const { component, start, recurrenceId } = instance
  const properties: Property[] = []
  const id = recurrenceId && !isInitial(instance, recurrenceId, reading) ? recurrenceId : undefined
  const ends = component.properties.some(({ name }) => endings.has(name))
  for (const each of component.properties) {
    if (recurrence.has(each.name)) continue
    if (each.name === 'DTSTART') properties.push(at(each, start, instance.startUtc))
    else if (each.name === 'DTEND' || each.name === 'DUE') properties.push(at(each, instance.end, instance.endUtc))
    else properties.push(each.name === 'DURATION' ? lasting(each, instance) : valueInUtc(each, reading))
    // beside the start that it explains; a to-do may have nothing but DUE
    if (id !== undefined && each === startOf(component)) properties.push(at({ ...each, name: 'RECURRENCE-ID' }, id, utcOf(id, reading.floating)))
  }
  // RDATE;VALUE=PERIOD gives a length to what has none otherwise (RFC 5545 3.8.5.2)
  const seconds = instance.endUtc - instance.startUtc
  if (!ends && !start.date && seconds > 0) properties.push({ name: 'DURATION', parameters: none, value: `PT${seconds}S`, line: component.line })
  return { ...component, properties, components: component.components.map(inner => inUtcWhole(inner, reading)) }
}

const endings: ReadonlySet<string> = new Set(['DTEND', 'DUE', 'DURATION'])
const none: Property['parameters'] = Object.freeze(Object.create(null) as Property['parameters'])

/** The instance that DTSTART of the master is, not overridden: RFC 4791 9.6.5 lets it do without RECURRENCE-ID. */
function isInitial ({ component }: Instance, recurrenceId: When, { zones }: Reading): boolean {
  if (property(component, 'RECURRENCE-ID')) return false
  const start = whenOf(component, 'DTSTART', zones) ?? whenOf(component, 'DUE', zones)
  return start?.local === recurrenceId.local
}

function startOf (component: Component): Property | undefined {
  return property(component, 'DTSTART') ?? property(component, 'DUE')
}

/** @param utc  the same moment: a wall clock cannot say which hour of an overlap it means */
function at (like: Property, when: When, utc: number): Property {
  const moment: When = when.date || when.zone === 'floating' ? when : { date: false, local: utc, zone: 'utc' }
  return { ...like, parameters: withoutZone(like.parameters, when.date), value: formatWhen(moment) }
}

/** DURATION of this instance: RDATE;VALUE=PERIOD may say another one, and a day of the wall clock need not be 24 hours, which in UTC it is. */
function lasting (property: Property, { start, end, startUtc, endUtc }: Instance): Property {
  const written = attempt(() => parseDuration(property.value))
  if (written === undefined) return property
  if (start.date || start.zone === 'floating') {
    const seconds = end.local - start.local
    if (written.days * DAY + written.seconds === seconds) return property
    return { ...property, value: start.date ? `P${seconds / DAY}D` : `PT${seconds}S` }
  }
  return written.days === 0 && written.seconds === endUtc - startUtc ? property : { ...property, value: `PT${endUtc - startUtc}S` }
}

function inUtcWhole (component: Component, reading: Reading): Component {
  return {
    ...component,
    properties: component.properties.map(each => valueInUtc(each, reading)),
    components: component.components.map(inner => inUtcWhole(inner, reading))
  }
}

function valueInUtc (property: Property, { zones, floating }: Reading): Property {
  if (parameter(property, 'TZID') === undefined) return property
  try {
    const values = property.value.split(',').map(value => parseWhen(property, value, zones))
    const value = values.map(when => formatWhen(when.zone === 'floating' ? when : inUtc(when, floating))).join(',')
    return { ...property, parameters: withoutZone(property.parameters, values.some(({ date }) => date)), value }
  } catch {
    return property
  }
}

/** Without TZID and RANGE; with VALUE=DATE exactly when it is a date. */
function withoutZone (parameters: Property['parameters'], date: boolean): Property['parameters'] {
  const kept = Object.create(null) as Record<string, readonly string[]>
  for (const [name, values] of Object.entries(parameters)) if (name !== 'TZID' && name !== 'VALUE' && name !== 'RANGE') kept[name] = values
  if (date) kept['VALUE'] = ['DATE']
  return kept
}
