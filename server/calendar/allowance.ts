import type { Settings } from '../../conf/settings.js'
import { failed } from '../dav/error.js'
import { placing, type Allowance } from '../ical/allowance.js'
import { parseDateTime, ValueError } from '../ical/time.js'
import { elements, type Element } from '../xml/element.js'
import { caldav, type Name } from '../xml/name.js'

/** What an object of a calendar may hold, as the settings have it. */
export function allowanceOf ({ limits }: Settings): Allowance {
  return {
    earliest: limits.minDateTime === undefined ? -Infinity : parseDateTime(limits.minDateTime).local,
    latest: limits.maxDateTime === undefined ? Infinity : parseDateTime(limits.maxDateTime).local,
    instances: limits.instances,
    attendees: limits.attendees === 0 ? Infinity : limits.attendees
  }
}

/**
 * RFC 4791 7.8, 7.9, 7.10: every range of time in the body of a report lies within the dates that may be stored. Stamps may be of any
 * time, and so may what is asked of them. What is no date is left to those who read it.
 * @throws DavError min-date-time, max-date-time
 */
export function demandRanges (query: Element, settings: Settings): void {
  const { earliest, latest } = allowanceOf(settings)
  if (earliest !== -Infinity || latest !== Infinity) demandBelow(query, earliest, latest)
}

const ranges: ReadonlySet<Name> = new Set(['time-range', 'expand', 'limit-recurrence-set', 'limit-freebusy-set'].map(caldav))

function demandBelow (part: Element, earliest: number, latest: number): void {
  if (ranges.has(part.name)) {
    for (const end of ['start', 'end']) {
      const at = momentOf(part.attributes[end])
      if (at === undefined) continue
      if (at < earliest) throw failed('min-date-time', `${part.name}: the ${end} ${part.attributes[end]} is before all dates that are accepted`)
      if (at > latest) throw failed('max-date-time', `${part.name}: the ${end} ${part.attributes[end]} is after all dates that are accepted`)
    }
  }
  if (part.name === caldav('prop-filter') && !placing.has(part.attributes['name']?.toUpperCase() ?? '')) return
  for (const inner of elements(part)) demandBelow(inner, earliest, latest)
}

function momentOf (value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  try {
    return parseDateTime(value).local
  } catch (error) {
    if (error instanceof ValueError) return undefined
    throw error
  }
}
