/** The name of an element, attribute or property in Clark notation: `{namespace}local`; `{}local` has no namespace. */
export type Name = `{${string}}${string}`

/** RFC 4918 21.1 */
export const davNamespace = 'DAV:'
/** RFC 4791 4 */
export const caldavNamespace = 'urn:ietf:params:xml:ns:caldav'
/** Apple's CalendarServer extensions. */
export const csNamespace = 'http://calendarserver.org/ns/'
/** Apple's calendar colour and order. */
export const appleNamespace = 'http://apple.com/ns/ical/'
/** Apple's bulk changes. */
export const meNamespace = 'http://me.com/_namespace/'
/** Bound to the prefix `xml` in every document (XML Namespaces 3). */
export const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'

/** The prefixes that our documents declare on their root. */
export const prefixes: Readonly<Record<'D' | 'C' | 'CS' | 'A', string>> = {
  D: davNamespace, C: caldavNamespace, CS: csNamespace, A: appleNamespace
}

/** A name in the namespace of WebDAV. */
export function dav<Local extends string> (local: Local): `{DAV:}${Local}` {
  return `{DAV:}${local}`
}

/** A name in the namespace of RFC 4791 and its successors. */
export function caldav<Local extends string> (local: Local): `{urn:ietf:params:xml:ns:caldav}${Local}` {
  return `{urn:ietf:params:xml:ns:caldav}${local}`
}

/** A name in the namespace of calendarserver.org. */
export function cs<Local extends string> (local: Local): `{http://calendarserver.org/ns/}${Local}` {
  return `{http://calendarserver.org/ns/}${local}`
}

/** A name in the namespace of Apple's iCal. */
export function apple<Local extends string> (local: Local): `{http://apple.com/ns/ical/}${Local}` {
  return `{http://apple.com/ns/ical/}${local}`
}

/** A name in the namespace of Apple's bulk changes. */
export function me<Local extends string> (local: Local): `{http://me.com/_namespace/}${Local}` {
  return `{http://me.com/_namespace/}${local}`
}

/** The namespace (empty for none) and the local part of a name. A local part holds no brace, a namespace may. */
export function split (name: Name): [namespace: string, local: string] {
  const end = name.lastIndexOf('}')
  return [name.slice(1, end), name.slice(end + 1)]
}
