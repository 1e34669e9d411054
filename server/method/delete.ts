import { demand } from '../acl/check.js'
import { deleteCollection } from '../../store/tree.js'
import { removeMember, translated } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { depth } from '../dav/header.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, parentOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import type { Method } from './method.js'
import { demandConditions, stateOf } from './target.js'

/** RFC 4918 9.6 */
export const deleteMethod: Method = { name: 'DELETE', on: ['calendar', 'folder', 'event', 'file'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, headers, target } = request
  demand(user, await parentOf(site, target), dav('unbind'))
  const { home, collection, member } = target
  if (home === undefined || collection === undefined) throw new DavError(403, `${hrefOf(target)} cannot be removed`)
  if (member !== undefined) {
    await removeMember(site, { ...target, home, collection }, member.name, current => { demandConditions(request, stateOf(current)) })
  } else {
    // RFC 4918 9.6.1: a collection is removed with all it holds
    depth(headers, 'infinity', ['infinity'])
    demandConditions(request, { exists: true })
    await translated(deleteCollection(site.store.writing, home, collection))
  }
  return { status: 204 }
}
