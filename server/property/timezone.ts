import { asJson, formOf, mediaTypes } from '../calendar/media.js'
import { servicePath } from '../calendar/timezone-service.js'
import { keptZone, zoneText } from '../calendar/timezone.js'
import { failed } from '../dav/error.js'
import { property } from '../ical/component.js'
import { IcalError, parse } from '../ical/parse.js'
import { zoneFromCalendar } from '../ical/timezone.js'
import { calendarWith, vtimezoneFor } from '../ical/vtimezone-write.js'
import { write } from '../ical/write.js'
import type { Kind } from '../site/kind.js'
import type { Resource } from '../site/resource.js'
import { element, text, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'
import { escapeText } from '../xml/write.js'
import { hrefElement } from './href.js'
import type { Ask, PropertyRow } from './property.js'

// Folders are iCal's subscriptions; what inbox and home say holds for calendars that say nothing
const on: readonly Kind[] = ['calendar', 'folder', 'inbox', 'home']
const timezone = caldav('calendar-timezone')

/**
 * RFC 4791 5.2.2 and RFC 7809 5. Only CALDAV:calendar-timezone is on disk, as iCalendar text, which Apple's servers read too; the two
 * can therefore never differ.
 */
export const timezoneProperties: readonly PropertyRow[] = [
  { name: timezone, on, settable: 'always', check: checkTimezone, keep: inText, read: readTimezone, attributes: wanted => wantsJson(wanted) ? { 'content-type': mediaTypes.json } : {} },
  { name: caldav('calendar-timezone-id'), on, settable: 'always', keptAs: timezone, check: checkId, keep: describe, read: readId },
  { name: caldav('timezone-service-set'), on: ['home'], read: (_, { site }) => site.settings.timezones.service ? hrefElement(servicePath) : undefined }
]

function wantsJson ({ attributes }: Element): boolean {
  return formOf(attributes['content-type'] ?? '') === 'json'
}

// RFC 4791 5.2.2: exactly one VTIMEZONE
function checkTimezone (value: Element): void {
  if (zoneFromCalendar(zoneText(value)) === undefined) throw failed('valid-calendar-data', 'calendar-timezone: expected a VCALENDAR with one VTIMEZONE')
}

function inText (value: Element): Element {
  return wantsJson(value) ? element(timezone, zoneText(value)) : value
}

function readTimezone ({ collection }: Resource, { wanted }: Ask): string | undefined {
  const kept = collection === undefined ? undefined : keptZone(collection.directory)
  try {
    return kept === undefined ? undefined : escapeText(wantsJson(wanted) ? asJson(kept.trim()) : kept)
  } catch (error) {
    // kept by another server, or by hand
    if (error instanceof IcalError) return undefined
    throw error
  }
}

// RFC 7809 3.1.5: a zone that the service has
function checkId (value: Element): void {
  const tzid = text(value).trim()
  if (vtimezoneFor(tzid) === undefined) throw failed('valid-timezone', `calendar-timezone-id: the time zone service has no zone ${tzid.slice(0, 80)}`)
}

function describe (value: Element): Element {
  const vtimezone = vtimezoneFor(text(value).trim(), 0)
  return element(timezone, vtimezone === undefined ? '' : write(calendarWith(vtimezone)))
}

// RFC 7809 3.1.5: the TZID of the other, whatever it is
function readId ({ collection }: Resource): string | undefined {
  const kept = collection === undefined ? undefined : keptZone(collection.directory)
  try {
    const vtimezone = kept === undefined ? undefined : parse(kept.trim()).components.find(({ name }) => name === 'VTIMEZONE')
    const tzid = vtimezone === undefined ? undefined : property(vtimezone, 'TZID')?.value.trim()
    return tzid === undefined || tzid === '' ? undefined : escapeText(tzid)
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}
