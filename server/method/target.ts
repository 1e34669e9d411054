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
import { ctagTokens, hasCtag, namesCtag, namesSyncToken, tokensNow } from './ctag.js'
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

/** What the If header of a request is about, as it was when the request came. */
interface Looked { readonly resource: Resource | undefined, readonly state: IfState, readonly ctags: readonly string[] }

const looked = new WeakMap<DavRequest, ReadonlyMap<string | undefined, Looked>>()

/** RFC 4918 10.4: the If header. @throws DavError 412, 400 */
export async function demandIf (request: DavRequest): Promise<void> {
  const lists = ifLists(request)
  if (lists.length === 0) return
  const found = new Map<string | undefined, Looked>([[undefined, await lookAt(request, request.target)]])
  for (const { resource } of lists) if (!found.has(resource)) found.set(resource, await taggedLook(request, resource ?? ''))
  looked.set(request, found)
  const states = new Map([...found].map(([tag, { state }]) => [tag, state]))
  if (evaluateIf(lists, resource => states.get(resource) ?? { tokens: [] })) return
  // Apple's bulk changes 6
  if (namesCtag(request) && !evaluateIf(lists.filter(hasCtag), resource => states.get(resource) ?? { tokens: [] })) throw failed('ctag-ok', 'the collection has changed since the client read it')
  throw request.method === 'LOCK' && request.body.length === 0 ? noSuchLock(request.target.segments) : new DavError(412, 'the If header does not hold')
}

/**
 * The If header once more at the moment of writing: what it asks must not have changed while the body was looked at.
 * @param current  what is at the target now
 * @throws DavError 412
 */
export function demandIfStill (request: DavRequest, current: Member | undefined): void {
  const found = looked.get(request)
  if (found === undefined) return
  const { user, target } = request
  const now = (tag: string | undefined): IfState => {
    const { resource, state, ctags } = found.get(tag) ?? noLook
    if (resource === undefined) return state
    const tokens = ctags.length === 0 ? state.tokens : [...state.tokens.filter(token => !ctags.includes(token)), ...tokensNow(request, resource)]
    if (placeOf(resource) !== placeOf(target)) return { ...state, tokens }
    return { etag: current !== undefined && allowed(user, { ...target, kind: target.kind === 'unmapped' ? 'file' : target.kind, member: current }, dav('read')) ? current.etag : undefined, tokens }
  }
  if (!evaluateIf(ifLists(request), now)) throw new DavError(412, 'the If header does not hold any more')
}

const noLook: Looked = { resource: undefined, state: { tokens: [] }, ctags: [] }

async function taggedLook (request: DavRequest, tag: string): Promise<Looked> {
  const path = resolve(request.url, tag, request.origins)
  return path === undefined ? noLook : await lookAt(request, await reach(request.user, path.segments))
}

async function lookAt (request: DavRequest, resource: Resource): Promise<Looked> {
  const ctags = namesCtag(request) || namesSyncToken(request) ? await ctagTokens(request, resource) : []
  const locks = locksOn(request, resource)
  return {
    resource,
    ctags,
    state: {
      etag: allowed(request.user, resource, dav('read')) ? resource.member?.etag : undefined,
      // 10.4.4: nothing is in any state where nothing is, but for a name that is locked itself
      tokens: [...(resource.kind === 'unmapped' ? locks.filter(({ place }) => place === placeOf(resource)) : locks).map(({ token }) => token), ...ctags]
    }
  }
}
