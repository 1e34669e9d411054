import { allowed, refusal } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { failed, type DavError } from '../dav/error.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusReply } from '../dav/reply.js'
import { kinds } from '../site/kind.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, members, type Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { lockedBelow } from './locked.js'

/** Why a request on a collection cannot be carried out for something below it. */
export interface Obstacle { readonly href: string, readonly error: DavError }

/** @throws DavError the refusal, when nothing but the resource that was asked for is in the way */
export function demandOthers ({ target }: DavRequest, obstacles: readonly Obstacle[]): void {
  const [first] = obstacles
  if (first !== undefined && obstacles.every(({ href }) => href === hrefOf(target))) throw first.error
}

/** The 207 that names the obstacles (RFC 4918 9.6.1, 9.8.3, 9.9.2). */
export function obstaclesReply (obstacles: readonly Obstacle[]): DavReply {
  const multistatus = new Multistatus()
  const told = new Set<string>()
  for (const { href, error } of obstacles) {
    if (told.has(href)) continue
    told.add(href)
    multistatus.addError(href, error)
  }
  return multistatusReply(multistatus)
}

/** What keeps a collection from being removed: locks below, and collections whose members must not be removed. */
export async function removalObstacles (request: DavRequest, collection: Resource): Promise<Obstacle[]> {
  const found = await lockObstacles(request, collection)
  for await (const { around } of ruledBelow(request.site, collection)) {
    if (!allowed(request.user, around, dav('unbind'))) found.push(missing(request, dav('unbind'), around, collection))
  }
  return found
}

/** What is locked below a collection. */
export async function lockObstacles (request: DavRequest, collection: Resource): Promise<Obstacle[]> {
  return await Promise.all(lockedBelow(request, collection).map(async ({ segments, error }) => {
    const locked = await reach(request.user, segments)
    if (allowed(request.user, locked, dav('read'))) return { href: hrefOf(locked), error }
    const seen = hrefOf(collection)
    return { href: seen, error: failed('lock-token-submitted', `something in ${seen} is locked`, element(dav('href'), seen)) }
  }))
}

/** Where a privilege is missing, in a collection and below it. */
export async function refusals (request: DavRequest, collection: Resource, privilege: Name): Promise<Obstacle[]> {
  const found: Obstacle[] = []
  if (!allowed(request.user, collection, privilege)) found.push(missing(request, privilege, collection))
  for await (const { resource, around } of ruledBelow(request.site, collection)) {
    if (!allowed(request.user, resource, privilege)) found.push(missing(request, privilege, resource, around, collection))
  }
  return found
}

/** The refusal for the first of these that one may read: what one may not see is not named. */
export function missing ({ user }: DavRequest, privilege: Name, ...resources: readonly [Resource, ...Resource[]]): Obstacle {
  const seen = resources.find(each => allowed(user, each, dav('read'))) ?? resources[resources.length - 1] ?? resources[0]
  return { href: hrefOf(seen), error: refusal(user, seen, privilege) }
}

/**
 * What may have access rules of its own below a collection: collections, files with properties, and one for all the files
 * that have none, since they share theirs. `around` is the collection that it lies in.
 */
export async function * ruledBelow (site: Site, around: Resource): AsyncGenerator<{ resource: Resource, around: Resource }> {
  let isPlainSeen = false
  for (const resource of await members(site, around)) {
    if (resource.member?.hasProperties === false) {
      if (isPlainSeen) continue
      isPlainSeen = true
    }
    yield { resource, around }
    if (kinds[resource.kind].isCollection) yield * ruledBelow(site, resource)
  }
}
