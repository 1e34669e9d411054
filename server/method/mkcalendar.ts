import { DavError, failed as refused } from '../dav/error.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusReply } from '../dav/reply.js'
import { instructions } from '../property/patch.js'
import { xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf } from '../site/resource.js'
import { element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { madeHeaders, make, typesIn, vacancy } from './make.js'
import type { Method } from './method.js'

/** RFC 4791 5.3.1 */
export const mkcalendar: Method = {
  name: 'MKCALENDAR',
  on: ['unmapped'],
  elsewhere: target => refused('resource-must-be-null', `${hrefOf(target)} exists`),
  run
}

async function run (request: DavRequest): Promise<DavReply> {
  const place = await vacancy(request)
  const body = xmlBody(request)
  if (body !== undefined && body.name !== caldav('mkcalendar')) throw new DavError(415, `MKCALENDAR expects CALDAV:mkcalendar, not ${body.name}`)
  const todo = body === undefined ? [] : instructions(body)
  // iCal since 10.9 makes its subscriptions with MKCALENDAR and a DAV:resourcetype
  const wanted = todo.findLast(({ name }) => name === dav('resourcetype'))?.value
  const types = wanted === undefined ? [element(dav('collection')), element(caldav('calendar'))] : typesIn(wanted)
  const { propstats, failed } = await make(request, place, types, todo)
  const href = hrefOf({ ...request.target, kind: 'calendar' })
  if (!failed) return { status: 201, headers: { 'location': href, 'cache-control': 'no-cache', ...await madeHeaders(request, place) } }
  const multistatus = new Multistatus()
  multistatus.addText(href, propstats)
  return multistatusReply(multistatus)
}
