import { DavError } from '../dav/error.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { everyKind } from '../property/property.js'
import type { Method } from './method.js'

/** The compliance classes and features that the DAV header names (RFC 4918 10.1, RFC 4791 5.1). iCal reads them from PROPFIND too. */
export const davHeader = '1, 3, extended-mkcol, calendar-access'

/** RFC 9110 9.3.7; Allow and DAV are added to the reply of every method. */
export const options: Method = { name: 'OPTIONS', on: [...everyKind, 'unmapped'], run }

async function run (request: DavRequest): Promise<DavReply> {
  if (request.path.segments.length > 64) throw new DavError(414, 'the path has too many segments')
  return { status: 200, headers: { 'content-length': '0' } }
}
