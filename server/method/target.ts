import { allowed, demandSight, refusal } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import type { Member } from '../../store/home.js'
import type { Holder } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import { conditions, evaluate, type State } from '../dav/header.js'
import { resolve } from '../dav/href.js'
import { evaluateIf, type IfState } from '../dav/if-header.js'
import { kinds } from '../site/kind.js'
import { placeOf } from '../site/lock.js'
import type { Requester } from '../site/requester.js'
import type { DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { ctagTokens, hasCtag, namesCtag, namesSyncToken } from './ctag.js'
import { ifLists, locksOn, noSuchLock } from './locked.js'
import type { Method } from './method.js'

/**
 * Lets a method have its target.
 * @throws DavError 403 need-privileges when the user must not know what is there, 404 when nothing is, 405 or the method's own refusal for another kind
 */
export function admit (method: Method, target: Resource, user: Requester): void {
  demandSight(user, target, { isQuery: method.name === 'REPORT', makes: method.on.includes('unmapped') })
  if (method.on.includes(target.kind) || method.opened?.(user.site).includes(target.kind) === true) return
  if (!allowed(user, target, dav('read'))) throw refusal(user, target, dav('read'))
  if (target.kind === 'unmapped') throw new DavError(404, `${hrefOf(target)} does not exist`)
  throw method.elsewhere?.(target) ?? new DavError(405, `${method.name} is not for ${hrefOf(target)}`)
}

/**
 * The collection in which something is to be made.
 * @throws DavError 409 when it is not there (RFC 4918 9.3.1, 9.7.1, 9.8.5), 403 when clients make nothing in it
 */
export function holderOf (parent: Resource): Holder {
  const { kind, home, collection } = parent
  if (kind === 'unmapped' || !kinds[kind].isCollection) throw new DavError(409, `the collection ${hrefOf(parent)} does not exist`)
  if (home === undefined || collection === undefined || kind === 'inbox' || kind === 'outbox') throw new DavError(403, `${hrefOf(parent)} takes nothing from clients`)
  return { ...parent, home, collection }
}

/** What conditional headers are compared with. */
export function stateOf (member: Member | undefined): State {
  return member === undefined ? { exists: false } : { exists: true, etag: member.etag, modified: new Date(member.modified) }
}

/** The conditional headers of a request that changes something. @throws DavError 412 */
export function demandConditions (request: DavRequest, state: State): void {
  if (evaluate(conditions(request.headers), state, request.method) === undefined) return
  throw new DavError(412, `the condition of the request does not hold: ${state.exists ? `the ETag is ${state.etag ?? 'none'}` : 'there is nothing here'}`)
}

/** RFC 4918 10.4: the If header. @throws DavError 412, 400 */
export async function demandIf (request: DavRequest): Promise<void> {
  const lists = ifLists(request)
  if (lists.length === 0) return
  const states = new Map<string | undefined, IfState>([[undefined, await stateFor(request, request.target)]])
  for (const { resource } of lists) if (!states.has(resource)) states.set(resource, await taggedState(request, resource ?? ''))
  if (evaluateIf(lists, resource => states.get(resource) ?? { tokens: [] })) return
  // Apple's bulk changes 6
  if (namesCtag(request) && !evaluateIf(lists.filter(hasCtag), resource => states.get(resource) ?? { tokens: [] })) throw failed('ctag-ok', 'the collection has changed since the client read it')
  throw request.method === 'LOCK' && request.body.length === 0 ? noSuchLock(request.target.segments) : new DavError(412, 'the If header does not hold')
}

async function taggedState (request: DavRequest, tag: string): Promise<IfState> {
  const path = resolve(request.url, tag, request.origins)
  return path === undefined ? { tokens: [] } : await stateFor(request, await reach(request.user, path.segments))
}

async function stateFor (request: DavRequest, resource: Resource): Promise<IfState> {
  const ctags = namesCtag(request) || namesSyncToken(request) ? await ctagTokens(request, resource) : []
  const locks = locksOn(request, resource)
  return {
    etag: allowed(request.user, resource, dav('read')) ? resource.member?.etag : undefined,
    // 10.4.4: nothing is in any state where nothing is, but for a name that is locked itself
    tokens: [...(resource.kind === 'unmapped' ? locks.filter(({ place }) => place === placeOf(resource)) : locks).map(({ token }) => token), ...ctags]
  }
}
