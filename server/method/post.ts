import { demand } from '../acl/check.js'
import { prepare, writePrepared } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { href } from '../dav/href.js'
import { header, xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { parentOf } from '../site/resource.js'
import { dav, me } from '../xml/name.js'
import { demandNew, nameFor } from './bulk.js'
import { importFile } from './import.js'
import { demandUnlocked } from './locked.js'
import type { Method } from './method.js'
import { multiput } from './multiput.js'
import { orCurrent, wantedRepresentation } from './representation.js'
import { demandConditions, holderOf, stateOf } from './target.js'

/** RFC 5995: a new event, to which the server gives its name; to a calendar, Apple's bulk changes. */
export const post: Method = { name: 'POST', on: ['add-member', 'calendar'], run }

async function run (request: DavRequest): Promise<DavReply> {
  if (header(request, 'content-range') !== undefined) throw new DavError(400, 'POST of a part (Content-Range) is not supported')
  return await (request.target.kind === 'calendar' ? many(request) : orCurrent(request, async () => await one(request)))
}

async function one (request: DavRequest): Promise<DavReply> {
  const { site, user, target, body } = request
  const parent = await parentOf(site, target)
  demand(user, parent, dav('bind'))
  const calendar = holderOf(parent)
  const prepared = await prepare(site, calendar, { bytes: body, mediaType: header(request, 'content-type') })
  const name = nameFor(calendar, prepared.facts.uid)
  const { member } = await writePrepared(site, calendar, name, prepared, current => {
    demandNew(name, current)
    demandConditions(request, stateOf(current))
    demandUnlocked(request, parent, { ...calendar, kind: 'unmapped', segments: [...calendar.segments, name] })
  })
  const segments = [...calendar.segments, member.name]
  const headers = { 'location': href(segments, false), 'cache-control': 'no-cache' }
  const stored = await wantedRepresentation(request, segments)
  if (stored !== undefined) return { status: 201, headers: { ...stored.headers, ...headers }, body: stored.body }
  // RFC 4791 5.3.4
  return { status: 201, headers: { ...headers, ...prepared.isConverted ? {} : { etag: member.etag } } }
}

async function many (request: DavRequest): Promise<DavReply> {
  const { user, target } = request
  const calendar = holderOf(target)
  demandConditions(request, { exists: true })
  if (!/xml/i.test(header(request, 'content-type') ?? '')) {
    demand(user, target, dav('bind'))
    demandUnlocked(request, target)
    return await importFile(request, calendar)
  }
  const body = xmlBody(request)
  if (body?.name !== me('multiput')) throw new DavError(400, `POST to a calendar expects iCalendar, jCal or MM:multiput, not ${body?.name ?? 'an empty body'}`)
  return await multiput(request, calendar, body)
}
