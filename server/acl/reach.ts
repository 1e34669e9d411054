import type { Requester } from '../site/requester.js'
import { homeOwner, locate, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { allowed } from './check.js'

/**
 * What is at a decoded path, for who asks: as `locate`, but the home of somebody else, or of nobody, is not made for a
 * request that is refused. To be used for every path that a client names.
 */
export async function reach (user: Requester, segments: readonly string[]): Promise<Resource> {
  const { site, record } = user
  const owner = homeOwner(site, segments)
  if (owner === undefined || owner.guid === record?.guid) return await locate(site, segments)
  const isThere = site.store.home(['calendars', owner.type, owner.name]) !== undefined
  if (isThere || allowed(user, { kind: 'home', segments: segments.slice(0, 3), owner }, dav('read'))) return await locate(site, segments)
  return { kind: 'unmapped', segments, owner }
}
