import { allowed, refusal } from '../acl/check.js'
import { DavError } from '../dav/error.js'
import type { State } from '../dav/header.js'
import { kinds } from '../site/kind.js'
import type { DavRequest } from '../site/request.js'
import { hrefOf, locate, type Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { dav } from '../xml/name.js'

/**
 * A resource that is there. What lies in somebody else's home is refused the same whether it is there or not.
 * @throws DavError 404, 403 need-privileges
 */
export function found (resource: Resource, request: DavRequest): Resource {
  if (resource.kind !== 'unmapped') return resource
  if (resource.owner !== undefined && !allowed(request.user, resource, dav('read'))) throw refusal(resource, dav('read'))
  throw new DavError(404, `${hrefOf(resource)} does not exist`)
}

/** The collection a path lies in; its kind is `unmapped` when it is not there. */
export async function parentOf (site: Site, segments: readonly string[]): Promise<Resource> {
  return await locate(site, segments.slice(0, -1))
}

/** What conditional headers are compared with. */
export function stateOf (resource: Resource): State {
  const { member, kind } = resource
  return { exists: kind !== 'unmapped', etag: member?.etag, modified: member === undefined ? undefined : new Date(member.modified) }
}

/** Whether a file could be made in a resource, or a collection. */
export function canHold (parent: Resource): boolean {
  return kinds[parent.kind].isOwned && kinds[parent.kind].isCollection
}
