import { demand } from '../acl/check.js'
import type { Member } from '../../store/home.js'
import { writeEvent, writeFile } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, parentOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandUnlocked } from './locked.js'
import type { Method } from './method.js'
import { demandConditions, holderOf, stateOf } from './target.js'

/** RFC 4918 9.7, RFC 4791 5.3.2 */
export const put: Method = { name: 'PUT', on: ['event', 'file', 'unmapped'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, path, target, body } = request
  const parent = await parentOf(site, target)
  if (target.kind !== 'unmapped') demand(user, target, dav('write-content'))
  else if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
  if (path.collection) throw new DavError(405, `PUT makes files, and the path ${hrefOf(target)} ends in a slash`)
  const folder = holderOf(parent)
  // RFC 9110 14.4: a part of a representation must not replace the whole
  if (header(request, 'content-range') !== undefined) throw new DavError(400, 'PUT of a part (Content-Range) is not supported')
  const name = path.segments.at(-1) ?? ''
  const guard = (current: Member | undefined): void => {
    demandConditions(request, stateOf(current))
    demandUnlocked(request, target, ...current === undefined ? [parent] : [])
  }
  const { created, member } = folder.kind === 'calendar'
    ? await writeEvent(site, folder, name, { bytes: body, mediaType: header(request, 'content-type') }, guard)
    : await writeFile(site, folder, name, body, guard)
  return { status: created ? 201 : 204, headers: { etag: member.etag, ...(created ? { location: hrefOf({ ...target, kind: 'file' }) } : {}) } }
}
