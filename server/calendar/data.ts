import { failed } from '../dav/error.js'
import type { Component } from '../ical/component.js'
import { expand } from '../ical/expand.js'
import { limitFreeBusy, limitRecurrence } from '../ical/limit.js'
import type { Range } from '../ical/overlap.js'
import { decode, parse } from '../ical/parse.js'
import { Budget } from '../ical/recur.js'
import type { Zone } from '../ical/time.js'
import { trim, type CompSelect } from '../ical/trim.js'
import { write } from '../ical/write.js'
import { child, elements, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'
import { timeRange } from './filter.js'

/** What of an object a CALDAV:calendar-data asks for (RFC 4791 9.6). */
export interface DataRequest {
  readonly expand?: Range
  readonly limitRecurrence?: Range
  readonly limitFreeBusy?: Range
  readonly select?: CompSelect
}

/**
 * Reads a CALDAV:calendar-data.
 * @throws DavError supported-calendar-data for another media type or version, valid-filter for a bad range
 */
export function dataRequest (wanted: Element): DataRequest {
  const type = wanted.attributes['content-type'] ?? 'text/calendar'
  const version = wanted.attributes['version'] ?? '2.0'
  if (type.toLowerCase() !== 'text/calendar' || version !== '2.0') throw failed('supported-calendar-data', `calendar data is text/calendar 2.0 here, not ${type} ${version}`)
  const comp = child(wanted, caldav('comp'))
  const range = (name: string): Range | undefined => {
    const source = child(wanted, caldav(name))
    if (source === undefined) return undefined
    // RFC 4791 9.6.5 to 9.6.7: unlike a filter's, these have both ends
    const both = timeRange(source)
    if (!Number.isFinite(both.start) || !Number.isFinite(both.end)) throw failed('valid-filter', `${source.name} expects start and end`)
    return both
  }
  const [expandTo, recurrence, freeBusy] = [range('expand'), range('limit-recurrence-set'), range('limit-freebusy-set')]
  return {
    ...(expandTo === undefined ? {} : { expand: expandTo }),
    ...(recurrence === undefined ? {} : { limitRecurrence: recurrence }),
    ...(freeBusy === undefined ? {} : { limitFreeBusy: freeBusy }),
    ...(comp === undefined ? {} : { select: selection(comp) })
  }
}

function selection (comp: Element): CompSelect {
  const parts = elements(comp, caldav('comp'))
  const properties = elements(comp, caldav('prop'))
  return {
    name: nameOf(comp),
    allProperties: child(comp, caldav('allprop')) !== undefined,
    properties: properties.map(prop => ({ name: nameOf(prop), novalue: prop.attributes['novalue']?.toLowerCase() === 'yes' })),
    allComponents: child(comp, caldav('allcomp')) !== undefined,
    components: parts.map(selection)
  }
}

function nameOf (source: Element): string {
  const name = source.attributes['name']
  if (name === undefined) throw failed('valid-filter', `${source.name} expects an attribute name`)
  return name
}

/** The text of an object, as much of it as is asked for: its own bytes when that is all. */
export function dataOf (bytes: Buffer, request: DataRequest, floating: Zone, mostInstances: number): string {
  // what is served has been read as UTF-8 before; only a byte order mark has no place inside XML
  if (Object.keys(request).length === 0) return bytes.toString('utf8').replace(/^\ufeff/, '')
  const text = decode(bytes)
  let calendar: Component = parse(text)
  if (request.expand !== undefined) calendar = expanded(calendar, request.expand, floating, mostInstances)
  else if (request.limitRecurrence !== undefined) calendar = limitRecurrence(calendar, request.limitRecurrence, floating)
  if (request.limitFreeBusy !== undefined) calendar = limitFreeBusy(calendar, request.limitFreeBusy)
  return write(request.select === undefined ? calendar : trim(calendar, request.select))
}

// RFC 4791 9.6.5: a recurrence set too large to be expanded is refused rather than cut off
function expanded (calendar: Component, range: Range, floating: Zone, mostInstances: number): Component {
  const budget = new Budget({ instances: mostInstances, milliseconds: 500 })
  const result = expand(calendar, range, budget, floating)
  if (budget.exhausted) throw failed('number-of-recurrences-within-limits', `the event repeats more than ${mostInstances} times in the range asked for`)
  return result
}
