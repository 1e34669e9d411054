import type { Collection } from '../../store/home.js'
import { allowed } from '../acl/check.js'
import { filterIn } from '../calendar/filter.js'
import { matching } from '../calendar/query.js'
import { floatingZones } from '../calendar/timezone.js'
import { prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { Answers, wantedIn } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import type { CompFilter } from '../ical/filter.js'
import type { Zone } from '../ical/time.js'
import type { Element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { calendarDataExtra } from './data.js'
import { resultsIn } from './limit.js'
import { calendarsIn } from './reach.js'
import type { Report } from './report.js'

/** RFC 4791 7.8. Of more matches than are wanted or allowed the first are told, and 507 for the collection (as in RFC 6352 8.6.2). */
export const calendarQuery: Report = { name: caldav('calendar-query'), privilege: dav('read'), run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const { site, user, headers } = request
  const filter = filterIn(query)
  const wanted = wantedIn(query)
  const most = Math.min(resultsIn(query), site.settings.limits.matches)
  const zoneOf = floatingZones(query)
  const answers = new Answers(site, user, wanted, prefer(headers).return === 'minimal', calendarDataExtra(site, wanted, zoneOf, headers))
  const multistatus = new Multistatus()
  return multistatusStream(multistatus, async function * () {
    let count = 0
    for await (const calendar of calendarsIn(request, resource, dav('read'))) {
      for await (const some of matchesIn(calendar, filter, zoneOf)) {
        let until = performance.now() + slice
        for (const found of some) {
          if (!allowed(user, found, dav('read'))) continue
          if (++count > most) return multistatus.addStatus(hrefOf(resource), 507, 'number-of-matches-within-limits')
          const waiting = answers.prepare(found)
          if (waiting !== undefined) await waiting
          multistatus.addText(hrefOf(found), answers.of(found))
          if (multistatus.isFull) yield
          if (performance.now() < until) continue
          await new Promise(resolve => setImmediate(resolve))
          until = performance.now() + slice
        }
        yield
      }
    }
  })
}

/** Others get their turn after so many ms of a long answer. */
const slice = 12

async function * matchesIn (calendar: Resource, filter: CompFilter, zoneOf: (collection: Collection | undefined) => Zone): AsyncGenerator<readonly Resource[]> {
  const { home, collection, member, owner, segments } = calendar
  if (home === undefined || collection === undefined) return
  if (member === undefined) await home.fresh(collection)
  for await (const found of matching(home, collection, filter, zoneOf(collection), member)) {
    yield member !== undefined && found.length > 0 ? [calendar] : found.map(one => ({ kind: 'event', segments: [...segments, one.name], owner, home, collection, member: one }))
  }
}
