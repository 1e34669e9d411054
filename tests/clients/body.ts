import type { Name } from '../../server/xml/name.js'

const namespaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'

/** A PROPFIND body for these names, every namespace declared where it is used. */
export function propfindBody (...names: readonly Name[]): string {
  return `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>${names.map(empty).join('')}</prop></propfind>`
}

function empty (name: Name): string {
  const end = name.lastIndexOf('}')
  return `<x:${name.slice(end + 1)} xmlns:x="${name.slice(1, end)}"/>`
}

/**
 * CALDAV:calendar-query.
 * @param inside  what is in the filter's VCALENDAR: `<C:comp-filter name="VEVENT"/>`; the prefixes D and C are declared
 * @param prop    the content of DAV:prop
 */
export function query (inside: string, prop = '<D:getetag/>'): string {
  return `<C:calendar-query ${namespaces}><D:prop>${prop}</D:prop><C:filter><C:comp-filter name="VCALENDAR">${inside}</C:comp-filter></C:filter></C:calendar-query>`
}

/** The filter for one type of component, in a time range if one is given. */
export function component (name: string, start?: string, end?: string): string {
  const range = start === undefined ? '' : `<C:time-range start="${start}"${end === undefined ? '' : ` end="${end}"`}/>`
  return `<C:comp-filter name="${name}">${range}</C:comp-filter>`
}

/** CALDAV:calendar-multiget for ETag and data. */
export function multiget (hrefs: readonly string[], prop = '<D:getetag/><C:calendar-data/>'): string {
  return `<C:calendar-multiget ${namespaces}><D:prop>${prop}</D:prop>${hrefs.map(href => `<D:href>${href.replaceAll('&', '&amp;')}</D:href>`).join('')}</C:calendar-multiget>`
}

/** DAV:sync-collection. @param most  DAV:nresults */
export function sync (token: string, { prop = '<D:getetag/>', most }: { prop?: string, most?: number } = {}): string {
  const limit = most === undefined ? '' : `<D:limit><D:nresults>${most}</D:nresults></D:limit>`
  return `<D:sync-collection ${namespaces}><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level>${limit}<D:prop>${prop}</D:prop></D:sync-collection>`
}

/** DAV:propertyupdate. @param remove  the content of the DAV:prop that is removed */
export function proppatch (set: string, remove = ''): string {
  const part = (name: string, prop: string): string => prop === '' ? '' : `<D:${name}><D:prop>${prop}</D:prop></D:${name}>`
  return `<D:propertyupdate ${namespaces}>${part('set', set)}${part('remove', remove)}</D:propertyupdate>`
}

/** DAV:mkcol or CALDAV:mkcalendar with first properties. */
export function make (name: 'D:mkcol' | 'C:mkcalendar', prop: string): string {
  return `<${name} ${namespaces}><D:set><D:prop>${prop}</D:prop></D:set></${name}>`
}
