import type { Component, Property } from './component.js'
import { IcalError } from './parse.js'
import { parseRule, UnsupportedScale } from './recur.js'
import { binary, boolean, date, dateTime, duration, float, geo, integer, isDate, isDateTime, period, utcOffset, type ValueType } from './value.js'

/**
 * RFC 5545: values have their types, properties are there as often as they may be, and agree. Which breaches are let through says the
 * table of `validate.ts`. What stands directly in VCALENDAR and is not known is not looked into.
 * @throws IcalError valid-calendar-data with the line; supported-rscale for a rule in a calendar scale that is not known (RFC 7529)
 */
export function demandWellFormed (calendar: Component): void {
  check(calendar, undefined)
}

/** What RFC 5545 3.6 says of a component: properties at most once, and those without which it is refused (see the table of `validate.ts`). */
interface ComponentRule {
  readonly once: ReadonlySet<string>
  readonly required: readonly string[]
  /** Begin and end stand for themselves: they may be of different kinds, and Z counts where TZID stands beside it. */
  readonly mixesKinds?: true
  agree? (first: ReadonlyMap<string, Property>, component: Component): void
}

const OBSERVANCE: ComponentRule = {
  once: new Set(['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO']),
  required: ['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO'],
  agree: localObservance
}
const DESCRIBED = ['DTSTAMP', 'UID', 'DTSTART', 'CLASS', 'CREATED', 'LAST-MODIFIED', 'ORGANIZER', 'RECURRENCE-ID', 'SEQUENCE', 'STATUS', 'SUMMARY']
const PLANNED = [...DESCRIBED, 'URL', 'DESCRIPTION', 'GEO', 'LOCATION', 'PRIORITY', 'DURATION']

/** By name: RFC 5545 3.4, 3.6.1–3.6.6, RFC 7953 3.1. */
const componentRules = new Map<string, ComponentRule>(Object.entries({
  VCALENDAR: { once: new Set(['VERSION', 'PRODID', 'CALSCALE', 'METHOD']), required: [], agree: knownVersion },
  VEVENT: { once: new Set([...PLANNED, 'DTEND', 'TRANSP']), required: ['DTSTART'], agree: kindsAgree },
  VTODO: { once: new Set([...PLANNED, 'DUE', 'COMPLETED', 'PERCENT-COMPLETE']), required: [], mixesKinds: true, agree: kindsAgree },
  VJOURNAL: { once: new Set(DESCRIBED), required: [], agree: kindsAgree },
  VFREEBUSY: { once: new Set(['DTSTAMP', 'UID', 'CONTACT', 'DTSTART', 'DTEND', 'ORGANIZER', 'URL']), required: [], agree: kindsAgree },
  VAVAILABILITY: { once: new Set([...DESCRIBED, 'URL', 'DTEND', 'DURATION', 'DESCRIPTION', 'LOCATION', 'PRIORITY', 'BUSYTYPE']), required: [], agree: kindsAgree },
  AVAILABLE: { once: new Set(['DTSTAMP', 'UID', 'DTSTART', 'DTEND', 'DURATION', 'CREATED', 'DESCRIPTION', 'LAST-MODIFIED', 'LOCATION', 'RECURRENCE-ID', 'SUMMARY']), required: ['DTSTART'], agree: kindsAgree },
  VTIMEZONE: { once: new Set(['TZID', 'LAST-MODIFIED', 'TZURL']), required: ['TZID'], agree: named },
  STANDARD: OBSERVANCE,
  DAYLIGHT: OBSERVANCE,
  VALARM: { once: new Set(['ACTION', 'TRIGGER', 'DURATION', 'REPEAT', 'DESCRIPTION', 'SUMMARY']), required: ['TRIGGER'] }
} satisfies Record<string, ComponentRule>))

/** What stands directly in VCALENDAR, and only there. */
const onTop: ReadonlySet<string> = new Set(['VTIMEZONE', 'VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VAVAILABILITY'])

/**
 * The value types of a property (RFC 5545 3.8); `list`: several values with commas between.
 * When VALUE is left out any of them will do: clients forget it, and every reader sees which it is.
 */
interface PropertyRule {
  readonly types: readonly ValueType[]
  readonly list?: boolean
  readonly utc?: boolean
}

/** A date that calls itself DATE-TIME is read as a date by all (Apple's server took it); a time that calls itself DATE is not. */
const dateOrTime: ValueType = { ...dateTime, is: value => isDateTime(value) || isDate(value) }
const moment: PropertyRule = { types: [dateOrTime, date] }
const stamp: PropertyRule = { types: [dateTime], utc: true }
const number: PropertyRule = { types: [integer] }
const offset: PropertyRule = { types: [utcOffset] }

const propertyRules = new Map<string, PropertyRule>(Object.entries({
  DTSTART: moment,
  DTEND: moment,
  DUE: moment,
  'RECURRENCE-ID': moment,
  EXDATE: { ...moment, list: true },
  RDATE: { types: [dateOrTime, date, period], list: true },
  DTSTAMP: stamp,
  CREATED: stamp,
  'LAST-MODIFIED': stamp,
  COMPLETED: stamp,
  ACKNOWLEDGED: stamp, // RFC 9074 6.1
  DURATION: { types: [duration] },
  TRIGGER: { types: [duration, dateTime] },
  FREEBUSY: { types: [period], list: true },
  SEQUENCE: number,
  PRIORITY: number,
  REPEAT: number,
  'PERCENT-COMPLETE': number,
  GEO: { types: [geo] },
  TZOFFSETFROM: offset,
  TZOFFSETTO: offset
} satisfies Record<string, PropertyRule>))

/** Properties whose local times TZID explains (RFC 5545 3.2.19). */
export const timed: ReadonlySet<string> = new Set(['DTSTART', 'DTEND', 'DUE', 'RECURRENCE-ID', 'EXDATE', 'RDATE'])

/** Types by the name in VALUE=, for properties that have no row: TEXT, URI, CAL-ADDRESS and unknown ones take anything. */
const namedTypes = new Map([dateTime, date, duration, period, integer, float, utcOffset, boolean, binary].map(type => [type.name, type]))

function check (component: Component, outer: Component | undefined): void {
  const rule = componentRules.get(component.name)
  if (outer && outer.name !== 'VCALENDAR' && onTop.has(component.name)) throw invalid(component.line, `expected ${component.name} in VCALENDAR, found it in ${outer.name}`)
  const first = new Map<string, Property>()
  for (const each of component.properties) {
    checkValue(each)
    if (rule?.mixesKinds !== true) demandOneZone(each)
    if (!first.has(each.name)) first.set(each.name, each)
    else if (rule?.once.has(each.name)) throw invalid(each.line, `expected ${each.name} once in ${component.name}, found it twice`)
  }
  if (rule) {
    for (const name of rule.required) if (!first.has(name)) throw invalid(component.line, `expected ${name} in ${component.name}`)
    rule.agree?.(first, component)
  }
  for (const inner of component.components) if (outer || onTop.has(inner.name)) check(inner, component)
}

function checkValue (property: Property): void {
  const { name, parameters, value, line } = property
  const word = parameters['VALUE']?.[0]?.toUpperCase()
  if (name === 'RRULE' || name === 'EXRULE') return checkRule(property)
  const rule = propertyRules.get(name)
  if (!rule) {
    const type = word === undefined ? undefined : namedTypes.get(word)
    if (type && !anyValue(value, type)) throw wrongValue(property, [type])
    return
  }
  const types = word === undefined ? rule.types : rule.types.filter(type => type.name === word)
  if (types.length === 0) throw invalid(line, `expected ${name} as ${rule.types.map(type => type.name).join(' or ')}, found VALUE=${word}`)
  const parts = rule.list && value.includes(',') ? value.split(',') : [value]
  for (const part of parts) if (!types.some(type => type.is(part))) throw wrongValue(property, types)
  if (rule.utc && !value.endsWith('Z')) throw invalid(line, `expected ${name} in UTC (with Z), found ${JSON.stringify(value)}`)
}

function demandOneZone ({ name, parameters, value, line }: Property): void {
  const tzid = parameters['TZID']
  // python-caldav writes DTSTART;TZID=UTC:…Z, which all read alike
  if (tzid && !isUtc.test(tzid[0] ?? '') && timed.has(name) && value.includes('Z')) throw invalid(line, `expected ${name} either with TZID or in UTC (with Z), found both`)
}

/** Of a property that is not known here a list may be meant, so it is enough when each part or the whole is of the type. */
function anyValue (value: string, type: ValueType): boolean {
  return type.is(value) || value.split(',').every(part => type.is(part))
}

function checkRule ({ name, value, line }: Property): void {
  try {
    parseRule(value)
  } catch (error) {
    if (error instanceof UnsupportedScale) throw new IcalError('supported-rscale', `expected a calendar scale that is known in ${name}: ${error.message}`, line)
    throw invalid(line, `expected a recurrence rule in ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const noLength = /^[+-]?P(?:T?0+[WDHMS])+$/i
const isUtc = /^(?:etc\/)?(?:utc|gmt|z|zulu|universal)$/i

/** The kinds of RFC 5545 3.3.4 and 3.3.5 that may not be mixed; with a zone and UTC may. */
type Kind = 'a date' | 'a local time' | 'a time in UTC' | 'a time with TZID'

function kindOf ({ parameters, value }: Property): Kind {
  if (!value.includes('T')) return 'a date'
  if (value.endsWith('Z')) return 'a time in UTC'
  return parameters['TZID'] ? 'a time with TZID' : 'a local time'
}

/** RFC 5545 3.6.1, 3.6.2, 3.8.2.2, 3.8.2.3, 3.8.5.1, 3.3.10: what has to be of one kind with DTSTART. */
function kindsAgree (first: ReadonlyMap<string, Property>, component: Component): void {
  const start = first.get('DTSTART')
  const end = first.get('DTEND') ?? first.get('DUE')
  const length = first.get('DURATION')
  // Thunderbird leaves a DURATION:PT0S beside the DTEND of an instance it moved
  if (end?.name === 'DTEND' && length && !noLength.test(length.value)) throw invalid(length.line, `expected ${end.name} or DURATION in ${component.name}, found both`)
  if (!start) return
  const kind = kindOf(start)
  if (end && componentRules.get(component.name)?.mixesKinds !== true && !sameKind(kind, kindOf(end))) throw disagree(end, kindOf(end), kind)
  if (length && kind === 'a date' && /T\d/i.test(length.value)) throw invalid(length.line, `expected days or weeks in DURATION as DTSTART is a date, found ${JSON.stringify(length.value)}`)
  for (const each of component.properties) {
    // Evolution writes EXDATE;VALUE=DATE into series with times: it means that day
    if (each.name === 'EXDATE' && kindOf(each) !== 'a date' && kind === 'a date') throw disagree(each, kindOf(each), kind)
    if (each.name === 'RRULE') untilAgrees(each, kind)
  }
}

function sameKind (a: Kind, b: Kind): boolean {
  return a === b || (isFixed(a) && isFixed(b))
}

function isFixed (kind: Kind): boolean {
  return kind === 'a time in UTC' || kind === 'a time with TZID'
}

/**
 * RFC 5545 3.3.10: UNTIL is a date, a local time or UTC as DTSTART is a date, a local time, or one in UTC or with TZID. Early iCal wrote UTC
 * beside a local time too; here its digits are read on the wall clock.
 */
function untilAgrees (rule: Property, start: Kind): void {
  const until = /(?:^|;)UNTIL=([^;]*)/i.exec(rule.value)?.[1]
  if (until === undefined) return
  const kind: Kind = !/T/i.test(until) ? 'a date' : /Z$/i.test(until) ? 'a time in UTC' : 'a local time'
  if (start === 'a local time' && kind === 'a time in UTC') return
  if (kind !== (isFixed(start) ? 'a time in UTC' : start)) throw invalid(rule.line, `expected UNTIL as ${isFixed(start) ? 'a time in UTC' : start} as DTSTART is ${start}, found ${JSON.stringify(until)}`)
}

function disagree (found: Property, kind: Kind, start: Kind): IcalError {
  return invalid(found.line, `expected ${found.name} of one kind with DTSTART, which is ${start}, found ${kind}`)
}

/** RFC 5545 3.6.5: the onset is a local time, and so are further ones. */
function localObservance (_first: ReadonlyMap<string, Property>, { name, properties }: Component): void {
  for (const each of properties) {
    if ((each.name === 'DTSTART' || each.name === 'RDATE') && kindOf(each) !== 'a local time') throw invalid(each.line, `expected ${each.name} of ${name} as a local time, found ${kindOf(each)}`)
  }
}

function named (first: ReadonlyMap<string, Property>, { line }: Component): void {
  if (first.get('TZID')?.value.trim() === '') throw invalid(line, 'expected a TZID in VTIMEZONE, found an empty one')
}

function knownVersion (first: ReadonlyMap<string, Property>): void {
  const version = first.get('VERSION')
  // RFC 5545 3.7.4: a range is minimum;maximum
  if (version && !/^(?:[0-9.]+;)?2\.0$/.test(version.value.trim())) throw invalid(version.line, `expected VERSION:2.0, found ${JSON.stringify(version.value)}`)
  const scale = first.get('CALSCALE')
  if (scale && scale.value.trim().toUpperCase() !== 'GREGORIAN') throw invalid(scale.line, `expected CALSCALE:GREGORIAN, found ${JSON.stringify(scale.value)}`)
}

function wrongValue ({ name, value, line }: Property, types: readonly ValueType[]): IcalError {
  const shown = value.length > 60 ? value.slice(0, 60) + '…' : value
  return invalid(line, `expected ${name} to be ${types.map(({ form }) => form).join(' or ')}, found ${JSON.stringify(shown)}`)
}

function invalid (line: number, message: string): IcalError {
  return new IcalError('valid-calendar-data', message, line)
}
