import { randomUUID } from 'node:crypto'
import { allowed } from '../acl/check.js'
import { BusySearch, isOpaque } from '../calendar/busy.js'
import { timeRange } from '../calendar/filter.js'
import { contentTypes, mediaWanted, rendered } from '../calendar/media.js'
import { failed } from '../dav/error.js'
import { freeBusy } from '../ical/freebusy.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { elements, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'
import { calendarsIn } from './reach.js'
import type { Report } from './report.js'

const privilege = caldav('read-free-busy')

/** RFC 4791 7.10: 404 keeps people from finding out where they might ask */
export const freeBusyQuery: Report = { name: caldav('free-busy-query'), privilege, isConcealed: true, run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const [source, ...more] = elements(query, caldav('time-range'))
  if (source === undefined || more.length > 0) throw failed('valid-filter', 'free-busy-query expects one CALDAV:time-range')
  const range = timeRange(source)
  const search = new BusySearch(range)
  for await (const calendar of calendarsIn(request, resource, privilege)) {
    const { home, collection } = calendar
    if (home === undefined || collection === undefined) continue
    // RFC 6638 9.1: it does not tell when its owner is busy, but it can be asked itself
    if (calendar !== resource && !isOpaque(collection)) continue
    await search.add(home, collection, member => allowed(request.user, { ...calendar, kind: 'event', segments: [...calendar.segments, member.name], member }, privilege))
  }
  // who takes neither form gets the one that everybody reads: clients send what they send with every REPORT
  const form = mediaWanted(header(request, 'accept')) ?? 'text'
  return { status: 200, headers: { 'content-type': contentTypes[form] }, body: rendered(freeBusy(search.busy(), range, { uid: randomUUID() }), form) }
}
