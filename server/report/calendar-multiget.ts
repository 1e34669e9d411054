import { demand, demandSight } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { floatingZones } from '../calendar/timezone.js'
import { DavError } from '../dav/error.js'
import { prefer } from '../dav/header.js'
import { resolve } from '../dav/href.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { Answers, wantedIn } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { elements, text, type Element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { calendarDataExtra } from './data.js'
import type { Report } from './report.js'

/** RFC 4791 7.9. Depth is ignored: clients send anything. */
export const calendarMultiget: Report = { name: caldav('calendar-multiget'), privilege: dav('read'), run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const { site, user, headers } = request
  const hrefs = elements(query, dav('href')).map(text)
  if (hrefs.length === 0) throw new DavError(400, 'calendar-multiget expects at least one DAV:href')
  const wanted = wantedIn(query)
  const answers = new Answers(site, user, wanted, prefer(headers).return === 'minimal', calendarDataExtra(site, wanted, floatingZones(query), headers))
  const multistatus = new Multistatus()
  return multistatusStream(multistatus, async function * () {
    let until = performance.now() + slice
    for (const href of hrefs) {
      await addOne(request, resource, href, answers, multistatus)
      yield
      if (performance.now() < until) continue
      await new Promise(resolve => setImmediate(resolve))
      until = performance.now() + slice
    }
  })
}

const slice = 15

// every href asked for is answered under the spelling it was asked with, so that clients find it again
async function addOne (request: DavRequest, resource: Resource, href: string, answers: Answers, multistatus: Multistatus): Promise<void> {
  try {
    const path = resolve(request.url, href, request.origins)
    const found = path === undefined ? undefined : nearby(resource, path.segments) ?? await reach(request.user, path.segments)
    if (found !== undefined) {
      demandSight(request.user, found)
      demand(request.user, found, dav('read'))
    }
    if (found === undefined || isNoObject(found) || !isBelow(resource, found)) multistatus.addStatus(href, 404)
    else {
      const waiting = answers.prepare(found)
      if (waiting !== undefined) await waiting
      multistatus.addText(href, answers.of(found))
    }
  } catch (error) {
    if (!(error instanceof DavError)) throw error
    multistatus.addError(href, error)
  }
}

/** A file of the collection that was asked, without looking the collection up again. */
function nearby (around: Resource, segments: readonly string[]): Resource | undefined {
  const { home, collection, owner } = around
  const own = around.segments
  if (around.member !== undefined || home === undefined || collection?.holdsObjects !== true || segments.length !== own.length + 1) return undefined
  if (!own.every((segment, position) => segment === segments[position])) return undefined
  const member = home.member(collection, segments.at(-1) ?? '')
  return member === undefined ? undefined : { kind: 'event', segments, owner, home, collection, member }
}

// RFC 4791 7.9: a plain file is no calendar object; what the inbox holds is
function isNoObject ({ kind, collection }: Resource): boolean {
  return kind === 'unmapped' || (kind === 'file' && collection?.path !== 'inbox')
}

// RFC 4791 7.9: hrefs name what is inside the request's URL, or the URL itself; aliases are the same place
function isBelow (around: Resource, found: Resource): boolean {
  if (around.home === undefined) return true
  if (around.member !== undefined) return found.home === around.home && found.collection?.path === around.collection?.path && found.member?.name === around.member.name
  const path = around.collection?.path ?? ''
  return found.home === around.home && (path === '' || found.collection?.path === path || found.collection?.path.startsWith(`${path}/`) === true)
}
