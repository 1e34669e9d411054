import type { DavReply } from '../site/request.js'

/** The compliance classes and features that the DAV header names (RFC 4918 10.1, RFC 4791 5.1). iCal reads them from PROPFIND too. */
export const davHeader = '1, 3, access-control, extended-mkcol, calendar-access, calendar-proxy'

/** RFC 9110 9.3.7; the DAV header is added to every reply. @param allow  the methods that may be used */
export function optionsReply (allow: string): DavReply {
  return { status: 200, headers: { 'content-length': '0', allow } }
}
