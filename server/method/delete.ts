import { demand } from '../acl/check.js'
import { deleteCollection } from '../../store/tree.js'
import { removeMember, translated } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { depth } from '../dav/header.js'
import type { Lock } from '../site/lock.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, parentOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandTreeUnlocked, demandUnlocked, endingWith } from './locked.js'
import type { Method } from './method.js'
import { demandOthers, obstaclesReply, removalObstacles } from './obstacle.js'
import { orCurrent } from './representation.js'
import { demandConditions, demandIfStill, stateOf } from './target.js'

/** RFC 4918 9.6 */
export const deleteMethod: Method = { name: 'DELETE', on: ['calendar', 'folder', 'event', 'file'], run: async request => await orCurrent(request, async () => await run(request)) }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, headers, target } = request
  const parent = await parentOf(site, target)
  demand(user, parent, dav('unbind'))
  const { home, collection, member } = target
  if (home === undefined || collection === undefined) throw new DavError(403, `${hrefOf(target)} cannot be removed`)
  let ending: readonly Lock[] = []
  if (member !== undefined) {
    await removeMember(site, { ...target, home, collection }, member.name, current => {
      demandConditions(request, stateOf(current))
      demandIfStill(request, current)
      demandUnlocked(request, target, parent)
      ending = endingWith(request, target)
    })
  } else {
    // RFC 4918 9.6.1: a collection is removed with all it holds, or not at all
    depth(headers, 'infinity', ['infinity'])
    demandConditions(request, { exists: true })
    demandUnlocked(request, target, parent)
    const obstacles = await removalObstacles(request, target)
    demandOthers(request, obstacles)
    if (obstacles.length > 0) return obstaclesReply(obstacles)
    demandUnlocked(request, parent)
    demandTreeUnlocked(request, target)
    ending = endingWith(request, target)
    await translated(deleteCollection(site.store.writing, home, collection))
  }
  for (const lock of ending) site.locks.release(lock)
  return { status: 204 }
}
