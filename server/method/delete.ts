import { demand } from '../acl/check.js'
import { deleteCollection } from '../../store/tree.js'
import { removeMember, translated } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { depth } from '../dav/header.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, locate } from '../site/resource.js'
import { dav } from '../xml/name.js'
import type { Method } from './method.js'
import { demandConditions } from './put.js'
import { found, parentOf } from './target.js'

/** RFC 4918 9.6 */
export const deleteMethod: Method = { name: 'DELETE', on: ['calendar', 'folder', 'event', 'file'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, path, headers } = request
  const resource = found(await locate(site, path.segments), request)
  demand(user, await parentOf(site, path.segments), dav('unbind'))
  const { home, collection, member } = resource
  if (home === undefined || collection === undefined) throw new DavError(403, `${hrefOf(resource)} cannot be removed`)
  if (member !== undefined) {
    await removeMember(site, { ...resource, home, collection }, member.name, current => { demandConditions(request, current) })
  } else {
    // RFC 4918 9.6.1: a collection is removed with all it holds
    depth(headers, 'infinity', ['infinity'])
    await translated(deleteCollection(site.store.writing, home, collection))
  }
  return { status: 204 }
}
