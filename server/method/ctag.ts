import { allowed } from '../acl/check.js'
import type { IfList } from '../dav/if-header.js'
import { parseSyncToken } from '../dav/sync-token.js'
import { meNamespace, dav } from '../xml/name.js'
import { tokenOf } from '../property/sync.js'
import type { DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { ifLists } from './locked.js'

/** What stands before a ctag in a state token of the If header (Apple's bulk changes 6). */
const before = `${meNamespace}ctag/`

/** Whether a list of the If header is about a ctag. */
export function hasCtag ({ conditions }: IfList): boolean {
  return conditions.some(({ token }) => token?.startsWith(before) === true)
}

/** Whether the request depends on a ctag. */
export function namesCtag (request: DavRequest): boolean {
  return ifLists(request).some(hasCtag)
}

/** Whether the request depends on a sync-token (RFC 6578 5). */
export function namesSyncToken (request: DavRequest): boolean {
  return ifLists(request).some(({ conditions }) => conditions.some(({ token }) => token !== undefined && parseSyncToken(token) !== undefined))
}

/** The state tokens of a collection that may be read; it is compared with the disk. Clients escape a ctag or do not. */
export async function ctagTokens (request: DavRequest, resource: Resource): Promise<string[]> {
  const { user } = request
  const { home, collection, member } = resource
  if (home === undefined || collection === undefined || member !== undefined || resource.kind === 'unmapped' || !allowed(user, resource, dav('read'))) return []
  await compared(resource)
  return tokensNow(request, resource)
}

/** The same, as far as the index knows. */
export function tokensNow ({ user }: Pick<DavRequest, 'user'>, resource: Resource): string[] {
  const token = tokenOf(resource, user)
  return [token, ...[token, encodeURIComponent(token), encodeURI(token)].map(each => before + each)]
}

/** The header CTag with what CS:getctag of a collection is now (Apple's bulk changes 8.2); none when the request had no condition on a ctag. */
export async function ctagHeaders (request: DavRequest, resource: Resource, name: 'ctag' | 'home-ctag' = 'ctag'): Promise<Record<string, string>> {
  if (!namesCtag(request)) return {}
  await compared(resource)
  return { [name]: tokenOf(resource, request.user) }
}

async function compared ({ kind, home, collection }: Resource): Promise<void> {
  if (home === undefined || collection === undefined) return
  await home.fresh(collection)
  if (kind === 'home' || kind === 'folder') for (const below of home.children(collection.path)) await home.fresh(below)
}
