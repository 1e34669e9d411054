import { isUtf8 } from 'node:buffer'
import { failed } from '../dav/error.js'
import type { Component } from '../ical/component.js'
import { expand } from '../ical/expand.js'
import { limitFreeBusy, limitRecurrence } from '../ical/limit.js'
import type { Range } from '../ical/overlap.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import type { Budget } from '../ical/recur.js'
import type { Zone } from '../ical/time.js'
import { trim, type CompSelect } from '../ical/trim.js'
import { child, elements, type Element } from '../xml/element.js'
import { write } from '../ical/write.js'
import { caldav } from '../xml/name.js'
import { timeRange } from './filter.js'
import { formOf, mediaTypes, rendered } from './media.js'
import { withZones, type ZonesWanted } from './zones.js'

/** What of an object is asked for, and in which form (RFC 4791 9.6, RFC 7809 3.1.3). Without anything: as it is stored. */
export interface DataRequest {
  readonly form?: 'json'
  readonly zones?: ZonesWanted
  readonly expand?: Range
  readonly limitRecurrence?: Range
  readonly limitFreeBusy?: Range
  readonly select?: CompSelect
}

/**
 * Reads a CALDAV:calendar-data. Attributes and elements that are not known are ignored (RFC 4918 17). Where both expand and
 * limit-recurrence-set stand, which the RFC does not allow, expand holds: of what it gives there is nothing to limit.
 * @param zones  what the header CalDAV-Timezones asks for
 * @throws DavError supported-calendar-data for another media type or version, valid-filter for a bad range
 */
export function dataRequest (wanted: Element, zones?: ZonesWanted): DataRequest {
  const type = wanted.attributes['content-type'] ?? mediaTypes.text
  const version = wanted.attributes['version'] ?? '2.0'
  const form = formOf(type)
  if (form === undefined || version.trim() !== '2.0') {
    throw failed('supported-calendar-data', `calendar data is ${mediaTypes.text} or ${mediaTypes.json} 2.0 here, not ${type.slice(0, 80)} ${version.slice(0, 80)}`)
  }
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
    ...(form === 'json' ? { form } : {}),
    ...(zones === undefined ? {} : { zones }),
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

/**
 * An object, as much of it as is asked for: the bytes that are stored when that is all, or when all else changes nothing.
 * A pure function of values that can be sent to a thread.
 * @throws DavError number-of-recurrences-within-limits when the budget is spent (`budget.outOf` says on what), valid-calendar-data for
 *   what cannot be read
 */
export function dataOf (bytes: Uint8Array, request: DataRequest, floating: Zone, budget: Budget): string {
  // what is served has been read as UTF-8 before; a byte order mark, and a character with a fold in its middle, have no place inside XML
  const raw = isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').replace(/^\ufeff/, '') : write(readable(bytes))
  if (isAsStored(request, raw)) return raw
  const stored = readable(bytes)
  let calendar: Component = stored
  if (request.expand !== undefined) calendar = expanded(calendar, request.expand, floating, budget)
  else if (request.limitRecurrence !== undefined) calendar = limitRecurrence(calendar, request.limitRecurrence, floating)
  if (request.limitFreeBusy !== undefined) calendar = limitFreeBusy(calendar, request.limitFreeBusy)
  if (request.select !== undefined) calendar = trim(calendar, request.select)
  if (request.zones !== undefined) calendar = withZones(calendar, request.zones, stored)
  return request.form === undefined && calendar === stored ? raw : rendered(calendar, request.form ?? 'text')
}

/** Nothing is asked for, or only zones of an object in which there is nothing to leave out or to add. */
function isAsStored ({ zones, ...others }: DataRequest, raw: string): boolean {
  return Object.keys(others).length === 0 && (zones === undefined || !(zones === 'F' ? /vtimezone/i : /tzid/i).test(raw.replace(/\r?\n[ \t]/g, '')))
}

/** One file that somebody spoilt by hand must not spoil the answer for all others. */
function readable (bytes: Uint8Array): Component {
  try {
    return parse(decode(bytes))
  } catch (error) {
    throw error instanceof IcalError ? failed(error.reason, error.message) : error
  }
}

/** Of one object, in characters: a long text that repeats for years. */
const mostPrinted = 8 * 1024 * 1024

// RFC 4791 9.6.5: a recurrence set too large to be expanded is refused rather than cut off
function expanded (calendar: Component, range: Range, floating: Zone, budget: Budget): Component {
  const result = expand(calendar, range, budget, floating)
  if (budget.exhausted || printed(result, mostPrinted) > mostPrinted) throw failed('number-of-recurrences-within-limits', 'the event repeats too often in the range asked for')
  return result
}

/** About how many characters a component comes to; not counted further when it is more than `most`. */
function printed ({ name, properties, components }: Component, most: number): number {
  // BEGIN, END and the ends of their lines; below, that of the property, colon, semicolons and equals signs
  let size = 2 * name.length + 14
  for (const property of properties) {
    size += property.name.length + property.value.length + 3
    for (const parameter in property.parameters) {
      size += parameter.length + 1
      for (const value of property.parameters[parameter] ?? []) size += value.length + 1
    }
    if (size > most) return size
  }
  for (const component of components) {
    size += printed(component, most - size)
    if (size > most) return size
  }
  return size
}
