import type { Settings } from '../../conf/settings.js'
import type { DavReply } from '../site/request.js'

/** The compliance classes and features that the DAV header names (RFC 4918 10.1, RFC 4791 5.1). iCal reads them from PROPFIND too. */
export const davHeader = [
  '1', '2', '3', // RFC 4918 18
  'access-control', // RFC 3744 7.2
  'extended-mkcol', // RFC 5689 3.1
  'calendar-access', // RFC 4791 5.1
  'calendar-availability', // RFC 7953 7.2.1
  'calendar-query-extended', // draft-daboo-caldav-extensions 3
  'calendar-proxy', // Apple's caldav-proxy
  'calendarserver-home-sync', // sync-collection on the home, in one request for all calendars
  'calendarserver-principal-search' // OS X 10.9 on looks for attendees with it
].join(', ')

/** The DAV header of every reply. RFC 7809 3.1.1: zones may be left out where there is a service that tells about them. */
export function davHeaderFor ({ timezones }: Settings): string {
  return timezones.service ? withTimezones : davHeader
}

const withTimezones = `${davHeader}, calendar-no-timezone`

/** RFC 9110 9.3.7; the DAV header is added to every reply. @param allow  the methods that may be used */
export function optionsReply (allow: string): DavReply {
  return { status: 200, headers: { 'content-length': '0', allow } }
}
