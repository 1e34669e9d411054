import { collations, type Collation, type MatchType } from '../ical/collation.js'
import type { CompFilter, ParamFilter, PropFilter, Test, TextMatch } from '../ical/filter.js'
import { parseDateTime, ValueError } from '../ical/time.js'
import type { Range } from '../ical/overlap.js'
import { failed } from '../dav/error.js'
import { child, elements, elementWith, text, type Element } from '../xml/element.js'
import { caldav, caldavNamespace, type Name } from '../xml/name.js'

/**
 * CALDAV:filter → the value that `matches` takes (RFC 4791 9.7, draft-daboo-caldav-extensions 3). Elements and attributes of other
 * namespaces are passed over (RFC 4918 17), as attributes that nobody knows are.
 * @throws DavError valid-filter; supported-filter with the part that cannot be asked for; supported-collation
 */
export function filterIn (query: Element): CompFilter {
  const filter = child(query, caldav('filter'))
  const [top, ...others] = filter === undefined ? [] : elements(filter)
  if (top?.name !== caldav('comp-filter') || others.length > 0) throw invalid('CALDAV:filter expects exactly one CALDAV:comp-filter')
  const count = countIn(top)
  if (count > mostFilters) throw invalid(`the filter has ${count} parts, at most ${mostFilters} are looked at`)
  return compFilter(top, undefined)
}

/** What one query may ask of each object. */
const mostFilters = 100
/** Characters of one CALDAV:text-match. */
const mostText = 1000

function countIn (part: Element): number {
  return elements(part).reduce((sum, inner) => sum + countIn(inner), 1)
}

function invalid (message: string): Error {
  return failed('valid-filter', message)
}

/** The part of the filter that cannot be asked for, as RFC 4791 7.8 wants it told. */
function unsupported (part: Element, message: string): Error {
  return failed('supported-filter', message, elementWith(part.name, { name: nameOf(part).slice(0, 200) }))
}

/** RFC 4791 9.7.1 to 9.7.3: what a filter holds, and what of it once. */
function allow (parent: Element, once: readonly Name[], ...many: readonly Name[]): void {
  const found = new Set<Name>()
  for (const { name } of elements(parent)) {
    if (!isOurs(name) || many.includes(name)) continue
    if (!once.includes(name)) throw invalid(`${parent.name} does not hold ${name}`)
    if (found.has(name)) throw invalid(`${parent.name} holds ${name} once`)
    found.add(name)
  }
}

function isOurs (name: Name): boolean {
  return name.startsWith(`{${caldavNamespace}}`)
}

/** In which components those of RFC 5545 3.6 and RFC 7953 lie; `undefined` is the filter itself. Others may be looked for anywhere. */
const places: ReadonlyMap<string, readonly (string | undefined)[]> = new Map<string, readonly (string | undefined)[]>([
  ['VCALENDAR', [undefined]],
  ...['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VTIMEZONE', 'VAVAILABILITY'].map((name): [string, string[]] => [name, ['VCALENDAR']]),
  ['VALARM', ['VEVENT', 'VTODO']],
  ['STANDARD', ['VTIMEZONE']],
  ['DAYLIGHT', ['VTIMEZONE']],
  ['AVAILABLE', ['VAVAILABILITY']]
])

/** Components whose CALDAV:time-range RFC 4791 9.9 and RFC 7953 define; with `*` those among them are asked. */
const timedComponents: ReadonlySet<string> = new Set(['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VALARM', 'VAVAILABILITY', '*'])
/** RFC 4791 9.9, and what else has a date or time. */
const timedProperties: ReadonlySet<string> = new Set([
  'COMPLETED', 'CREATED', 'DTEND', 'DTSTAMP', 'DTSTART', 'DUE', 'LAST-MODIFIED', 'RECURRENCE-ID', 'EXDATE', 'RDATE', 'ACKNOWLEDGED'
])

/** @param outer  upper-case name of the component around it */
function compFilter (source: Element, outer: string | undefined): CompFilter {
  allow(source, [caldav('is-not-defined'), caldav('time-range')], caldav('prop-filter'), caldav('comp-filter'))
  const written = nameOf(source)
  const name = written.toUpperCase()
  demandPlace(name, outer)
  const range = child(source, caldav('time-range'))
  if (range !== undefined && !timedComponents.has(name)) {
    if (places.has(name)) throw invalid(`${name} has no time range`)
    throw unsupported(source, `nothing is known of the times of ${name.slice(0, 80)}`)
  }
  return {
    name: written,
    ...absent(source),
    ...(range === undefined ? {} : { timeRange: timeRange(range) }),
    ...test(source),
    properties: elements(source, caldav('prop-filter')).map(propFilter),
    components: elements(source, caldav('comp-filter')).map(inner => compFilter(inner, name))
  }
}

// RFC 4791 7.8: a VEVENT in a VTODO is no valid filter
function demandPlace (name: string, outer: string | undefined): void {
  if (outer === undefined && name !== 'VCALENDAR') throw invalid(`the outermost comp-filter is for VCALENDAR, not ${name.slice(0, 80)}`)
  if (outer !== undefined && outer !== '*' && (outer === 'VCALENDAR' || places.has(outer)) && places.get(name)?.includes(outer) === false) {
    throw invalid(`${outer} does not hold ${name}`)
  }
}

function propFilter (source: Element): PropFilter {
  allow(source, [caldav('is-not-defined'), caldav('time-range'), caldav('text-match')], caldav('param-filter'))
  const range = child(source, caldav('time-range'))
  const match = child(source, caldav('text-match'))
  const name = nameOf(source)
  if (range !== undefined && match !== undefined) throw invalid(`the prop-filter of ${name.slice(0, 80)} holds a time-range or a text-match, not both`)
  if (range !== undefined) demandTimed(source, name.toUpperCase())
  return {
    name,
    ...absent(source),
    ...(range === undefined ? {} : { timeRange: timeRange(range) }),
    ...(match === undefined ? {} : { textMatch: textMatch(match, source) }),
    ...test(source),
    parameters: elements(source, caldav('param-filter')).map(paramFilter)
  }
}

// RFC 4791 7.8: a time-range in SUMMARY is no valid filter; of a property that nobody knows one cannot say
function demandTimed (source: Element, name: string): void {
  if (timedProperties.has(name)) return
  if (name.startsWith('X-')) throw unsupported(source, `nothing is known of the times of ${name.slice(0, 80)}`)
  throw invalid(`${name.slice(0, 80)} has no time range`)
}

function paramFilter (source: Element): ParamFilter {
  allow(source, [caldav('is-not-defined'), caldav('text-match')])
  const match = child(source, caldav('text-match'))
  return { name: nameOf(source), ...absent(source), ...(match === undefined ? {} : { textMatch: textMatch(match, source) }) }
}

function nameOf (source: Element): string {
  const name = source.attributes['name']
  if (name === undefined || name === '') throw invalid(`${source.name} expects an attribute name`)
  return name
}

function absent (source: Element): { isNotDefined?: true } {
  if (child(source, caldav('is-not-defined')) === undefined) return {}
  if (elements(source).some(({ name }) => isOurs(name) && name !== caldav('is-not-defined'))) throw invalid(`${source.name}: is-not-defined stands alone`)
  return { isNotDefined: true }
}

function test (source: Element): { test?: Test } {
  const given = source.attributes['test']
  if (given === undefined) return {}
  if (given !== 'anyof' && given !== 'allof') throw invalid(`${source.name}: test is anyof or allof, not ${given.slice(0, 40)}`)
  return { test: given }
}

/**
 * A CALDAV:time-range and its like (RFC 4791 9.9): at least one of start and end, in UTC.
 * @throws DavError valid-filter
 */
export function timeRange (source: Element): Range {
  const { start, end } = source.attributes
  if (start === undefined && end === undefined) throw invalid(`${source.name} expects start or end`)
  const range = { start: start === undefined ? -Infinity : moment(source, start), end: end === undefined ? Infinity : moment(source, end) }
  if (range.end <= range.start) throw invalid(`${source.name}: the end ${end} is not after the start ${start}`)
  return range
}

function moment (source: Element, value: string): number {
  try {
    const { local, utc } = parseDateTime(value)
    if (utc) return local
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
  }
  throw invalid(`${source.name} expects dates with UTC time such as 20260131T120000Z, not ${value.slice(0, 40)}`)
}

const matchTypes: readonly MatchType[] = ['contains', 'equals', 'starts-with', 'ends-with']

/** @param part  the prop-filter or param-filter around it */
function textMatch (source: Element, part: Element): TextMatch {
  const wanted = text(source)
  if (wanted.length > mostText) throw unsupported(part, `text-match has ${wanted.length} characters, at most ${mostText} are looked for`)
  const given = source.attributes['collation']
  // RFC 4791 7.5.1; `default` of RFC 4790 is ours to choose
  const name = given === undefined || given === 'default' ? 'i;ascii-casemap' : given
  const collation = collations.find((one): one is Collation => one === name)
  if (collation === undefined) throw failed('supported-collation', `collations are ${collations.join(', ')}, not ${name.slice(0, 80)}`)
  const negate = source.attributes['negate-condition'] ?? 'no'
  if (negate !== 'yes' && negate !== 'no') throw invalid(`negate-condition is yes or no, not ${negate.slice(0, 40)}`)
  const matchType = matchTypes.find(one => one === (source.attributes['match-type'] ?? 'contains'))
  if (matchType === undefined) throw invalid(`match-type is ${matchTypes.join(', ')}`)
  return { text: wanted, collation, negate: negate === 'yes', matchType }
}
