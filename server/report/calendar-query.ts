import { allowed } from '../acl/check.js'
import { filterIn } from '../calendar/filter.js'
import { matching } from '../calendar/query.js'
import { floatingZone } from '../calendar/timezone.js'
import { prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { Answers, wantedIn } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { matches, type CompFilter } from '../ical/filter.js'
import { decode, parse } from '../ical/parse.js'
import type { Element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { calendarDataExtra } from './data.js'
import { calendarsIn } from './reach.js'
import type { Report } from './report.js'

/** RFC 4791 7.8 */
export const calendarQuery: Report = { name: caldav('calendar-query'), privilege: dav('read'), run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const { site, user, headers } = request
  const filter = filterIn(query)
  const wanted = wantedIn(query)
  const floating = floatingZone(query, resource.collection)
  const answers = new Answers(site, user, wanted, prefer(headers).return === 'minimal', calendarDataExtra(site, wanted, floating))
  const multistatus = new Multistatus()
  return multistatusStream(multistatus, async function * () {
    for await (const calendar of calendarsIn(request, resource, dav('read'))) {
      for await (const found of matchesIn(calendar, filter, query)) {
        if (allowed(user, found, dav('read'))) multistatus.addText(hrefOf(found), answers.of(found))
        yield
      }
    }
  })
}


async function * matchesIn (calendar: Resource, filter: CompFilter, query: Element): AsyncGenerator<Resource> {
  const { home, collection, member } = calendar
  if (home === undefined || collection === undefined) return
  const floating = floatingZone(query, collection)
  if (member !== undefined) {
    const content = home.content(collection, member.name)
    if (content !== undefined && matches(filter, parse(decode(content.bytes)), { floating })) yield calendar
    return
  }
  await home.fresh(collection)
  const { owner, segments } = calendar
  for await (const found of matching(home, collection, filter, floating)) {
    yield { kind: 'event', segments: [...segments, found.name], owner, home, collection, member: found }
  }
}
