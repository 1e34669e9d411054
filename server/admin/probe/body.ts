import { element, elementWith, type Element } from '../../xml/element.js'
import { apple, caldav, cs, dav, me, type Name } from '../../xml/name.js'
import { write } from '../../xml/write.js'

/** DAV:propfind for these properties. */
export function propfind (names: readonly Name[]): string {
  return write(element(dav('propfind'), props(names)))
}

/** RFC 6578 3.2 @param token  '' at first */
export function syncCollection (token: string, names: readonly Name[]): string {
  return write(element(dav('sync-collection'), element(dav('sync-token'), token), element(dav('sync-level'), '1'), props(names)))
}

/** RFC 4791 7.9 @param hrefs  paths, encoded */
export function multiget (hrefs: readonly string[], names: readonly Name[] = [dav('getetag')]): string {
  return write(element(caldav('calendar-multiget'), props([...names, caldav('calendar-data')]), ...hrefs.map(href => element(dav('href'), href))))
}

/** RFC 4791 7.8 @param range  UTC; undefined leaves that side open */
export function query (component: string, names: readonly Name[], range?: { readonly start: Date, readonly end?: Date | undefined }): string {
  const time = range === undefined ? [] : [elementWith(caldav('time-range'), { start: utc(range.start), ...range.end === undefined ? {} : { end: utc(range.end) } })]
  return calendarQuery(props(names), elementWith(caldav('comp-filter'), { name: component }, ...time))
}

/** Is there an event with this UID? Only the UID is wanted back (RFC 4791 9.6.1). */
export function uidQuery (uid: string): string {
  const only = elementWith(caldav('comp'), { name: 'VCALENDAR' }, elementWith(caldav('comp'), { name: 'VEVENT' }, elementWith(caldav('prop'), { name: 'UID' })))
  const match = elementWith(caldav('prop-filter'), { name: 'UID' }, elementWith(caldav('text-match'), { collation: 'i;octet' }, uid))
  return calendarQuery(element(dav('prop'), element(dav('getetag')), element(caldav('calendar-data'), only)), elementWith(caldav('comp-filter'), { name: 'VEVENT' }, match))
}

/** DAV:principal-search-property-set (RFC 3744 9.5). */
export const searchable = write(element(dav('principal-search-property-set')))

/** Who may act for whom, as Apple asks (RFC 3253 3.8). */
export const delegates = write(element(dav('expand-property'), ...['calendar-proxy-read-for', 'calendar-proxy-write-for'].map(name =>
  wanted(cs(name), wanted(caldav('calendar-user-address-set')), wanted(cs('email-address-set')), wanted(dav('displayname'))))))

/** DAV:propertyupdate that sets (RFC 4918 9.2). */
export function proppatch (...values: readonly Element[]): string {
  return write(element(dav('propertyupdate'), element(dav('set'), element(dav('prop'), ...values))))
}

/** A new calendar for events, by MKCALENDAR (RFC 4791 5.3.1) or extended MKCOL (RFC 5689). */
export function make (method: 'MKCALENDAR' | 'MKCOL', displayname: string): string {
  const components = element(caldav('supported-calendar-component-set'), elementWith(caldav('comp'), { name: 'VEVENT' }))
  const type = element(dav('resourcetype'), element(dav('collection')), element(caldav('calendar')))
  const prop = element(dav('prop'), ...method === 'MKCOL' ? [type] : [], element(dav('displayname'), displayname), components)
  return write(element(method === 'MKCOL' ? dav('mkcol') : caldav('mkcalendar'), element(dav('set'), prop)))
}

/** What Apple's clients set on every calendar at set-up. */
export const appleValues: readonly (readonly Element[])[] = [
  [element(apple('calendar-order'), '1')],
  [elementWith(apple('calendar-color'), { 'symbolic-color': 'orange' }, '#FD8208FF')]
]

/** The properties of calendars Apple's clients ask for, those of OS X 10.11 in their order. */
export const appleCollection: readonly Name[] = [
  dav('add-member'), cs('allowed-sharing-modes'), apple('autoprovisioned'), me('bulk-requests'), caldav('calendar-alarm'), apple('calendar-color'),
  caldav('calendar-description'), caldav('calendar-free-busy-set'), apple('calendar-order'), caldav('calendar-timezone'), dav('current-user-privilege-set'),
  caldav('default-alarm-vevent-date'), caldav('default-alarm-vevent-datetime'), dav('displayname'), cs('getctag'), cs('invite'), apple('language-code'),
  apple('location-code'), dav('owner'), cs('pre-publish-url'), cs('publish-url'), cs('push-transports'), cs('pushkey'), dav('quota-available-bytes'),
  dav('quota-used-bytes'), apple('refreshrate'), dav('resource-id'), dav('resourcetype'), caldav('schedule-calendar-transp'),
  caldav('schedule-default-calendar-URL'), cs('source'), cs('subscribed-strip-alarms'), cs('subscribed-strip-attachments'), cs('subscribed-strip-todos'),
  caldav('supported-calendar-component-set'), caldav('supported-calendar-component-sets'), dav('supported-report-set'), dav('sync-token'),
  caldav('managed-attachments-server-URL')
]

/** Those of the principal. */
export const applePrincipal: readonly Name[] = [
  caldav('calendar-home-set'), caldav('calendar-user-address-set'), dav('current-user-principal'), dav('displayname'), cs('dropbox-home-URL'),
  cs('email-address-set'), cs('notification-URL'), dav('principal-collection-set'), dav('principal-URL'), dav('resource-id'), caldav('schedule-inbox-URL'),
  caldav('schedule-outbox-URL'), dav('supported-report-set')
]

/** An event of one hour, CRLF. @param start  UTC */
export function event (uid: string, summary: string, start: Date): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//caldavd//doctor//EN', 'BEGIN:VEVENT', `UID:${uid}`, `DTSTAMP:${utc(start)}`, `DTSTART:${utc(start)}`, 'DURATION:PT1H',
    `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
}

function calendarQuery (wanted: Element, filter: Element): string {
  return write(element(caldav('calendar-query'), wanted, element(caldav('filter'), elementWith(caldav('comp-filter'), { name: 'VCALENDAR' }, filter))))
}

function props (names: readonly Name[]): Element {
  return element(dav('prop'), ...names.map(name => element(name)))
}

function wanted (name: Name, ...inside: readonly Element[]): Element {
  const end = name.lastIndexOf('}')
  return elementWith(dav('property'), { name: name.slice(end + 1), namespace: name.slice(1, end) }, ...inside)
}

/** RFC 5545 3.3.5, form 2, on the full second. */
function utc (date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z').replace(/[-:]/g, '')
}
