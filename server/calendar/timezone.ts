import type { Collection } from '../../store/home.js'
import { properties } from '../../store/property.js'
import { failed } from '../dav/error.js'
import type { Zone } from '../ical/time.js'
import { UTC, zoneFromCalendar, zoneNamed } from '../ical/timezone.js'
import { fromStored } from '../site/stored.js'
import { child, text, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'

/**
 * The zone in which a query reads times that have none: its own, else the calendar's, else UTC (RFC 4791 7.3, RFC 7809 3.1.2).
 * @throws DavError valid-calendar-data, valid-timezone
 */
export function floatingZone (query: Element, collection: Collection | undefined): Zone {
  const given = child(query, caldav('timezone'))
  if (given !== undefined) {
    const zone = zoneFromCalendar(text(given))
    if (zone === undefined) throw failed('valid-calendar-data', 'CALDAV:timezone expects a VCALENDAR with one VTIMEZONE')
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

/** The zone a calendar says it is in; UTC when it does not. */
export function calendarZone (collection: Collection): Zone {
  const kept = properties(collection.directory, '').get(caldav('calendar-timezone'))
  const value = kept === undefined ? undefined : fromStored(kept)
  return (value === undefined ? undefined : zoneFromCalendar(text(value))) ?? UTC
}
