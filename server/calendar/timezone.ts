import type { Collection } from '../../store/home.js'
import { properties } from '../../store/property.js'
import { DavError, failed } from '../dav/error.js'
import type { Zone } from '../ical/time.js'
import { UTC, zoneFromCalendar, zoneNamed } from '../ical/timezone.js'
import { fromStored } from '../site/stored.js'
import { child, text, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'
import { asText } from './media.js'

/**
 * The zone in which a query reads times that have none: its own, else the calendar's, else UTC (RFC 4791 7.3, RFC 7809 3.1.2).
 * @throws DavError valid-calendar-data, supported-calendar-data, valid-timezone
 */
export function floatingZone (query: Element, collection: Collection | undefined): Zone {
  const given = child(query, caldav('timezone'))
  if (given !== undefined) {
    const data = zoneText(given)
    const zone = zoneFromCalendar(data)
    // RFC 4791 7.8: a valid iCalendar object, and RFC 5545 3.6 demands both
    if (zone === undefined || !/^PRODID[;:]/im.test(data) || !/^VERSION[;:]/im.test(data)) {
      throw failed('valid-calendar-data', 'CALDAV:timezone expects a VCALENDAR with PRODID, VERSION and one VTIMEZONE')
    }
    return zone
  }
  const named = child(query, caldav('timezone-id'))
  if (named !== undefined) {
    const zone = zoneNamed(text(named).trim())
    if (zone === undefined) throw failed('valid-timezone', `the time zone ${text(named).trim().slice(0, 80)} is not known`)
    return zone
  }
  return collection === undefined ? UTC : calendarZone(collection)
}

/**
 * `floatingZone` for all collections of one query, each looked up once.
 * @throws DavError valid-calendar-data, supported-calendar-data, valid-timezone
 */
export function floatingZones (query: Element): (collection: Collection | undefined) => Zone {
  floatingZone(query, undefined)
  const known = new Map<Collection | undefined, Zone>()
  return collection => {
    let zone = known.get(collection)
    if (zone === undefined) known.set(collection, zone = floatingZone(query, collection))
    return zone
  }
}

/** The zone a calendar says it is in, else what its owner's inbox or home say; UTC when nobody does. */
export function calendarZone ({ directory, path }: Collection): Zone {
  const home = path === '' ? directory : directory.slice(0, -path.length - 1)
  for (const place of new Set([directory, `${home}/inbox`, home])) {
    const kept = keptZone(place)
    const zone = kept === undefined ? undefined : zoneFromCalendar(kept)
    if (zone !== undefined) return zone
  }
  return UTC
}

/** CALDAV:calendar-timezone of a directory as text; undefined when it has none that can be read. */
export function keptZone (directory: string): string | undefined {
  const kept = properties(directory, '').get(caldav('calendar-timezone'))
  const value = kept === undefined ? undefined : fromStored(kept)
  try {
    return value === undefined ? undefined : zoneText(value)
  } catch (error) {
    if (error instanceof DavError) return undefined
    throw error
  }
}

/**
 * The iCalendar text of CALDAV:calendar-timezone or CALDAV:timezone, which may be jCal when `content-type` says so.
 * @throws DavError valid-calendar-data, supported-calendar-data
 */
export function zoneText (value: Element): string {
  const type = value.attributes['content-type']
  return type === undefined ? text(value) : asText(Buffer.from(text(value)), type).bytes.toString()
}
