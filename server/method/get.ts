import { createHash } from 'node:crypto'
import { demand } from '../acl/check.js'
import { feed } from '../calendar/feed.js'
import { DavError } from '../dav/error.js'
import { conditions, evaluate, range, type State } from '../dav/header.js'
import { mediaTypeOf } from '../property/webdav.js'
import { tokenOf } from '../property/sync.js'
import { everyKind } from '../property/property.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, members, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import type { Method } from './method.js'
import { stateOf } from './target.js'

/** RFC 9110 9.3.1; HEAD is the same without the body. */
export const get: Method = { name: 'GET', on: everyKind, run }

async function run (request: DavRequest): Promise<DavReply> {
  const { user, target } = request
  demand(user, target, dav('read'))
  if (target.member !== undefined) return file(request, target)
  return target.kind === 'calendar' ? await wholeCalendar(request, target) : await listing(request, target)
}

function file (request: DavRequest, resource: Resource): DavReply {
  const { home, collection, member } = resource
  const content = home === undefined || collection === undefined || member === undefined ? undefined : home.content(collection, member.name)
  if (content === undefined) throw new DavError(404, `${hrefOf(resource)} does not exist`)
  const now = { ...resource, member: content.member }
  return partial(request, stateOf(content.member), content.bytes, {
    'content-type': mediaTypeOf(now),
    'etag': content.member.etag,
    'last-modified': new Date(content.member.modified).toUTCString(),
    'accept-ranges': 'bytes',
    // what somebody stored is shown or saved, never run with our rights
    ...(now.kind === 'file' ? { 'content-security-policy': "default-src 'none'; sandbox", 'content-disposition': 'attachment' } : {})
  })
}

function partial (request: DavRequest, state: State, body: Buffer, headers: Record<string, string>): DavReply {
  const refused = evaluate(conditions(request.headers), state, request.method)
  if (refused === 412) throw new DavError(412, `the condition of the request does not hold: the ETag is ${state.etag ?? 'none'}`)
  if (refused === 304) return { status: 304, headers }
  const part = range(request.headers, body.length, state)
  if (part === undefined) return { status: 200, headers, body }
  if (part === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${body.length}` }, body: '' }
  return { status: 206, headers: { ...headers, 'content-range': `bytes ${part.start}-${part.end}/${body.length}` }, body: body.subarray(part.start, part.end + 1) }
}

async function wholeCalendar (request: DavRequest, resource: Resource): Promise<DavReply> {
  const { home, collection } = resource
  if (home === undefined || collection === undefined) throw new DavError(404, `${hrefOf(resource)} does not exist`)
  await home.fresh(collection)
  const etag = `"${createHash('sha256').update(tokenOf(resource)).digest('hex').slice(0, 32)}"`
  const headers = { 'content-type': 'text/calendar; charset=utf-8', etag }
  const refused = evaluate(conditions(request.headers), { exists: true, etag }, request.method)
  if (refused === 412) throw new DavError(412, `the condition of the request does not hold: the ETag is ${etag}`)
  return refused === 304 ? { status: 304, headers } : { status: 200, headers, body: feed(home, collection) }
}

async function listing (request: DavRequest, resource: Resource): Promise<DavReply> {
  const lines = resource.kind === 'root'
    ? ['This is caldavd, a CalDAV server.', 'Give this address, your name and your password to a calendar client.', '']
    : [`${hrefOf(resource)} holds:`, '']
  for (const member of await members(request.site, resource)) lines.push(hrefOf(member))
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: lines.join('\n') + '\n' }
}
