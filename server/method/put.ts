import { demand } from '../acl/check.js'
import type { Member } from '../../store/home.js'
import { writeEvent, writeFile, type Holder } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import { conditions, evaluate } from '../dav/header.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, locate, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import type { Method } from './method.js'
import { canHold, parentOf } from './target.js'

/** RFC 4918 9.7, RFC 4791 5.3.2 */
export const put: Method = { name: 'PUT', on: ['event', 'file', 'unmapped'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, path, body } = request
  const target = await locate(site, path.segments)
  const parent = await parentOf(site, path.segments)
  authorize(request, target, parent)
  if (path.collection) throw new DavError(405, `PUT makes files, and the path ${hrefOf(target)} ends in a slash`)
  const folder = holder(parent, target)
  // RFC 9110 14.4: a part of a representation must not replace the whole
  if (header(request, 'content-range') !== undefined) throw new DavError(400, 'PUT of a part (Content-Range) is not supported')
  const name = path.segments.at(-1) ?? ''
  const guard = (current: Member | undefined): void => { demandConditions(request, current) }
  const { created, member } = folder.kind === 'calendar'
    ? await writeEvent(site, folder, name, { bytes: body, mediaType: header(request, 'content-type') }, guard)
    : await writeFile(site, folder, name, body, guard)
  return { status: created ? 201 : 204, headers: { etag: member.etag, ...(created ? { location: hrefOf({ ...target, kind: 'file' }) } : {}) } }
}

function authorize ({ user }: DavRequest, target: Resource, parent: Resource): void {
  if (target.kind !== 'unmapped') demand(user, target, dav('write-content'))
  else if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
}

/** @throws DavError 409 when the collection is not there, 403 when it takes no files, 405 when a collection is in the way */
function holder (parent: Resource, target: Resource): Holder {
  // RFC 4918 9.7.1
  if (parent.kind === 'unmapped') throw new DavError(409, `the collection ${hrefOf(parent)} does not exist`)
  if (!canHold(parent) || parent.home === undefined || parent.collection === undefined) throw new DavError(403, `${hrefOf(parent)} takes no files`)
  if (parent.kind === 'inbox' || parent.kind === 'outbox') throw failed('supported-calendar-data', `${hrefOf(parent)} takes no files from clients`)
  if (target.kind !== 'unmapped' && target.member === undefined) throw new DavError(405, `${hrefOf(target)} is a collection`)
  return { ...parent, home: parent.home, collection: parent.collection }
}

/** The conditional headers against what is there at the moment of writing. @throws DavError 412 */
export function demandConditions (request: DavRequest, current: Member | undefined): void {
  const state = { exists: current !== undefined, etag: current?.etag, modified: current === undefined ? undefined : new Date(current.modified) }
  if (evaluate(conditions(request.headers), state, request.method) === undefined) return
  throw new DavError(412, current === undefined ? 'the condition of the request does not hold: there is nothing here' : `the condition of the request does not hold: the ETag is ${current.etag}`)
}
