import { createHash } from 'node:crypto'
import { facts } from '../../store/file.js'
import { demand } from '../acl/check.js'
import { examine } from '../calendar/rule.js'
import { writeEvent, type Holder } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { href } from '../dav/href.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { parentOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandUnlocked } from './locked.js'
import type { Method } from './method.js'
import { demandConditions, holderOf, stateOf } from './target.js'

/** RFC 5995: a new event, to which the server gives its name. */
export const post: Method = { name: 'POST', on: ['add-member'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, target, body } = request
  const parent = await parentOf(site, target)
  demand(user, parent, dav('bind'))
  const calendar = holderOf(parent)
  if (header(request, 'content-range') !== undefined) throw new DavError(400, 'POST of a part (Content-Range) is not supported')
  const content = { bytes: body, mediaType: header(request, 'content-type') }
  const { uid } = await examine({ site, calendar, ...content })
  const name = nameFor(calendar, uid)
  const { member } = await writeEvent(site, calendar, name, content, current => {
    if (current !== undefined) throw new DavError(409, `${name} was made by somebody else in the meantime: try again`)
    demandConditions(request, stateOf(current))
    demandUnlocked(request, parent, { ...calendar, kind: 'unmapped', segments: [...calendar.segments, name] })
  })
  return { status: 201, headers: { location: href([...calendar.segments, member.name], false), etag: member.etag, 'cache-control': 'no-cache' } }
}

/** The UID is the name that clients choose too; one that is no plain name, or is taken, gives way to a hash. */
function nameFor ({ collection }: Holder, uid: string): string {
  const plain = `${uid}.ics`
  if (/^\w[\w.@+-]{0,200}$/.test(uid) && facts(`${collection.directory}/${plain}`) === undefined) return plain
  for (let number = 0; ; number++) {
    const name = `${createHash('sha256').update(`${uid}\n${number}`).digest('hex').slice(0, 32)}.ics`
    if (facts(`${collection.directory}/${name}`) === undefined) return name
  }
}
