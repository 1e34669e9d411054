import { ownAces } from '../acl/acl.js'
import { allowed } from '../acl/check.js'
import { DavError } from '../dav/error.js'
import { demandQuota } from '../site/quota.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { lockObstacles, missing, removalObstacles, ruledBelow, type Obstacle } from './obstacle.js'
import type { Transfer } from './transfer.js'

/** What keeps the collection at the destination from being replaced (RFC 4918 9.9.3: a DELETE with all it holds). */
export async function overwriteObstacles ({ request, target }: Transfer): Promise<Obstacle[]> {
  return target.kind === 'unmapped' || target.member !== undefined ? [] : await removalObstacles(request, target)
}

/**
 * What keeps a collection from being moved. In its home it keeps everything, whoever may see it; into the home of somebody
 * else goes only what one may read and take away, and nothing with an access control list of its own.
 */
export async function sourceObstacles (all: Transfer): Promise<Obstacle[]> {
  const { request, source } = all
  demandOwnRules(all, source)
  if (!leavesHome(all)) return await lockObstacles(request, source)
  const found = await removalObstacles(request, source)
  for await (const { resource, around } of ruledBelow(request.site, source)) {
    if (!allowed(request.user, resource, dav('read'))) found.push(missing(request, dav('read'), resource, around, source))
    else if (ownAces(request.site, resource).length > 0) found.push({ href: hrefOf(resource), error: ownRules(resource) })
  }
  return found
}

/** RFC 3744 7.3: a MOVE keeps the access control list or fails; in another home it would give access in the name of its owner. @throws DavError 403 */
export function demandOwnRules (all: Transfer, resource: Resource): void {
  if (leavesHome(all) && ownAces(all.request.site, resource).length > 0) throw ownRules(resource)
}

/** RFC 4331 6: what is copied, or comes from another home, has to fit when what it replaces is gone. @throws DavError quota-not-exceeded */
export function demandFit (all: Transfer): void {
  const { request, moves, deep, source, target, parent: { home, owner } } = all
  if (home === undefined || (moves && !leavesHome(all))) return
  demandQuota(request.site, { home, owner }, (deep ? bytesOf(source) : 0) - bytesOf(target))
}

function bytesOf ({ kind, home, collection, member }: Resource): number {
  if (kind === 'unmapped' || home === undefined || collection === undefined) return 0
  return member?.size ?? home.bytesBelow(collection.path)
}

function leavesHome ({ source, parent }: Transfer): boolean {
  return source.home !== parent.home
}

function ownRules (resource: Resource): DavError {
  return new DavError(403, `${hrefOf(resource)} has an access control list of its own, which cannot go to another home: remove it first, or COPY and DELETE`)
}
