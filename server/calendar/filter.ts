import { collations, type Collation, type MatchType } from '../ical/collation.js'
import type { CompFilter, ParamFilter, PropFilter, Test, TextMatch } from '../ical/filter.js'
import { parseDateTime, ValueError } from '../ical/time.js'
import type { Range } from '../ical/overlap.js'
import { failed } from '../dav/error.js'
import { child, elements, text, type Element } from '../xml/element.js'
import { caldav, type Name } from '../xml/name.js'

/**
 * CALDAV:filter → the value that `matches` takes (RFC 4791 9.7).
 * @throws DavError valid-filter, supported-collation
 */
export function filterIn (query: Element): CompFilter {
  const filter = child(query, caldav('filter'))
  const [top, ...others] = filter === undefined ? [] : elements(filter)
  if (top?.name !== caldav('comp-filter') || others.length > 0) throw invalid('CALDAV:filter expects exactly one CALDAV:comp-filter')
  const count = countIn(top)
  if (count > mostFilters) throw invalid(`the filter has ${count} parts, at most ${mostFilters} are looked at`)
  const result = compFilter(top)
  if (result.name.toUpperCase() !== 'VCALENDAR') throw invalid(`the outermost comp-filter is for VCALENDAR, not ${result.name}`)
  if (result.timeRange !== undefined) throw invalid('VCALENDAR has no time range')
  return result
}

/** What one query may ask of each object. */
const mostFilters = 200

function countIn (part: Element): number {
  return elements(part).reduce((sum, inner) => sum + countIn(inner), 1)
}

function invalid (message: string): Error {
  return failed('valid-filter', message)
}

function allow (parent: Element, ...names: readonly Name[]): void {
  for (const { name } of elements(parent)) {
    // elements of other namespaces are extensions, to be ignored (RFC 4918 17)
    if (name.startsWith('{urn:ietf:params:xml:ns:caldav}') && !names.includes(name)) throw invalid(`${parent.name} does not hold ${name}`)
  }
}

function compFilter (source: Element): CompFilter {
  allow(source, caldav('is-not-defined'), caldav('time-range'), caldav('prop-filter'), caldav('comp-filter'))
  const range = child(source, caldav('time-range'))
  return {
    name: nameOf(source),
    ...absent(source),
    ...(range === undefined ? {} : { timeRange: timeRange(range) }),
    ...test(source),
    properties: elements(source, caldav('prop-filter')).map(propFilter),
    components: elements(source, caldav('comp-filter')).map(compFilter)
  }
}

function propFilter (source: Element): PropFilter {
  allow(source, caldav('is-not-defined'), caldav('time-range'), caldav('text-match'), caldav('param-filter'))
  const range = child(source, caldav('time-range'))
  const match = child(source, caldav('text-match'))
  return {
    name: nameOf(source),
    ...absent(source),
    ...(range === undefined ? {} : { timeRange: timeRange(range) }),
    ...(match === undefined ? {} : { textMatch: textMatch(match) }),
    ...test(source),
    parameters: elements(source, caldav('param-filter')).map(paramFilter)
  }
}

function paramFilter (source: Element): ParamFilter {
  allow(source, caldav('is-not-defined'), caldav('text-match'))
  const match = child(source, caldav('text-match'))
  return { name: nameOf(source), ...absent(source), ...(match === undefined ? {} : { textMatch: textMatch(match) }) }
}

function nameOf (source: Element): string {
  const name = source.attributes['name']
  if (name === undefined || name === '') throw invalid(`${source.name} expects an attribute name`)
  return name
}

function absent (source: Element): { isNotDefined?: true } {
  if (child(source, caldav('is-not-defined')) === undefined) return {}
  if (elements(source).length > 1) throw invalid(`${source.name}: is-not-defined stands alone`)
  return { isNotDefined: true }
}

function test (source: Element): { test?: Test } {
  const given = source.attributes['test']
  if (given === undefined) return {}
  if (given !== 'anyof' && given !== 'allof') throw invalid(`${source.name}: test is anyof or allof, not ${given}`)
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

function textMatch (source: Element): TextMatch {
  const given = source.attributes['collation']
  // RFC 4791 7.5.1; `default` of RFC 4790 is ours to choose
  const name = given === undefined || given === 'default' ? 'i;ascii-casemap' : given
  const collation = collations.find((one): one is Collation => one === name)
  if (collation === undefined) throw failed('supported-collation', `collations are ${collations.join(', ')}, not ${name.slice(0, 80)}`)
  const negate = source.attributes['negate-condition'] ?? 'no'
  if (negate !== 'yes' && negate !== 'no') throw invalid(`negate-condition is yes or no, not ${negate.slice(0, 40)}`)
  const matchType = matchTypes.find(one => one === (source.attributes['match-type'] ?? 'contains'))
  if (matchType === undefined) throw invalid(`match-type is ${matchTypes.join(', ')}`)
  return { text: text(source), collation, negate: negate === 'yes', matchType }
}
