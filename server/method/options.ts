import type { DavReply } from '../site/request.js'

/** The compliance classes and features that the DAV header names (RFC 4918 10.1, RFC 4791 5.1). iCal reads them from PROPFIND too. */
export const davHeader = [
  '1', '2', '3', // RFC 4918 18
  'access-control', // RFC 3744 7.2
  'extended-mkcol', // RFC 5689 3.1
  'calendar-access', // RFC 4791 5.1
  'calendar-proxy', // Apple's caldav-proxy
  'calendarserver-principal-search' // OS X 10.9 on looks for attendees with it
].join(', ')

/** RFC 9110 9.3.7; the DAV header is added to every reply. @param allow  the methods that may be used */
export function optionsReply (allow: string): DavReply {
  return { status: 200, headers: { 'content-length': '0', allow } }
}
