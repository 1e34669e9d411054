import type { Collection } from '../../store/home.js'
import { failed, DavError } from '../dav/error.js'
import { href } from '../dav/href.js'
import { kinds } from '../site/kind.js'
import type { Requester } from '../site/requester.js'
import { hrefOf, kindOf, type Resource } from '../site/resource.js'
import { element } from '../xml/element.js'
import { caldav, dav, type Name } from '../xml/name.js'
import { aclOf, granted, isDisabled, type ListsThen } from './acl.js'
import { adminAces } from './defaults.js'
import { holds, maskOfAll, namesIn, type Mask } from './privilege.js'

const memory = new WeakMap<Requester, Map<Collection, Mask>>()
const reading = maskOfAll(dav('read'), dav('read-acl'))
const entering = maskOfAll(dav('read'))
const sharing = maskOfAll(dav('write-acl'))
/** What one may have without knowing of the resource. */
const blind = maskOfAll(caldav('read-free-busy'), caldav('schedule'), caldav('schedule-deliver'))

/** The privileges of who asks on a resource, as bits. Files without attributes of their own share the answer of their collection. */
export function maskFor (user: Requester, resource: Resource): Mask {
  const { kind, collection, member } = resource
  if (collection === undefined || (kind !== 'event' && kind !== 'file') || member?.hasProperties === true) return evaluate(user, resource)
  let known = memory.get(user)
  if (known === undefined) memory.set(user, known = new Map())
  let mask = known.get(collection)
  if (mask === undefined) known.set(collection, mask = evaluate(user, resource))
  return mask
}

function evaluate (user: Requester, resource: Resource, then?: ListsThen): Mask {
  const aces = isDisabled(user.site, resource) ? adminAces(user.site) : aclOf(user.site, resource, then)
  const mask = granted(aces, user, resource)
  return user.limit === undefined ? mask : mask & reachOf(user, resource)
}

// an app password opens no more than it was made for, and one for some calendars shares none of them
function reachOf ({ limit, record }: Requester, { segments, owner, kind }: Resource): Mask {
  if (limit === undefined) return -1
  const most = limit.readOnly ? reading : limit.calendars === undefined ? -1 : ~sharing
  if (limit.calendars === undefined) return most
  // a phone with one calendar must not name proxies either
  if (segments[0] !== 'calendars' || segments.length < 3) return reading
  if (owner === undefined) return most & reading
  if (owner.guid !== record?.guid) return 0
  if (kind === 'home') return most & entering
  return limit.calendars.includes(segments[3] ?? '') ? most : 0
}

/** What who asks may do with a resource: names of privileges, aggregates and parts. */
export function privileges (user: Requester, resource: Resource): readonly Name[] {
  return namesIn(maskFor(user, resource), resource.kind)
}

/** Whether who asks has a privilege on a resource. */
export function allowed (user: Requester, resource: Resource, privilege: Name): boolean {
  return holds(maskFor(user, resource), privilege, resource.kind)
}

/** Whether who asks would have a privilege on a resource if the lists of an earlier time still held. */
export function allowedThen (user: Requester, resource: Resource, privilege: Name, then: ListsThen): boolean {
  return holds(evaluate(user, resource, then), privilege, resource.kind)
}

/**
 * The refusal: 401 for who has not logged in; otherwise RFC 3744 7.1.1 with resource and privilege (DAVx5 undoes a local
 * change only when it sees this element). Who may not read the resource hears the same whatever is there, and whether anything is.
 */
export function refusal (user: Requester, resource: Resource, privilege: Name): DavError {
  if (user.record === undefined) return new DavError(401, 'log in with name and password')
  const sees = allowed(user, resource, dav('read'))
  const where = sees ? hrefOf(resource) : href(resource.segments, false)
  const needed = sees ? privilege : dav('read')
  return failed('need-privileges', `${where} needs ${needed}`,
    element(dav('resource'), element(dav('href'), where), element(dav('privilege'), element(needed))))
}

/** What a request means to do, as far as it matters for what may be said about a path. */
export interface Purpose {
  /** A REPORT: it may ask for busy time where nothing else may be seen. */
  readonly isQuery?: boolean
  /** It may make what is not there. */
  readonly makes?: boolean
}

/**
 * Stops whoever must not know what is at a path, before anything else is said about it. What is hidden looks like a
 * name that is free in the same collection.
 * @throws DavError 401, 403 need-privileges, 404
 */
export function demandSight (user: Requester, resource: Resource, { isQuery = false, makes = false }: Purpose = {}): void {
  const mask = maskFor(user, resource)
  if ((mask & ~blind) !== 0) return
  if (isQuery && mask !== 0 && kinds[resource.kind].isCollection) return
  const around = collectionAround(resource)
  if (around !== undefined) {
    // the list of a folder is not passed on to what lies in it, so a name that is free there has none
    if (resource.kind === 'unmapped' && allowed(user, around, dav('bind'))) return
    const free: Resource = { kind: 'unmapped', segments: resource.segments, owner: around.owner, home: around.home, collection: around.collection }
    if ((maskFor(user, free) & ~blind) !== 0) {
      if (makes) demand(user, around, dav('bind'))
      else if (user.record !== undefined) throw new DavError(404, `${href(resource.segments, false)} does not exist`)
    }
  }
  throw refusal(user, resource, dav('read'))
}

/** The collection of a home that something, or a free name, lies in. */
function collectionAround ({ kind, segments, owner, home, collection }: Resource): Resource | undefined {
  if (home === undefined || collection === undefined || kind === 'home') return undefined
  const isFile = kind === 'unmapped' || kind === 'event' || kind === 'file'
  const around = isFile ? collection : home.collection(collection.path.slice(0, Math.max(0, collection.path.lastIndexOf('/'))))
  return around === undefined ? undefined : { kind: kindOf(around), segments: segments.slice(0, -1), owner, home, collection: around }
}

/** @throws DavError 401, 403 need-privileges */
export function demand (user: Requester, resource: Resource, privilege: Name): void {
  if (!allowed(user, resource, privilege)) throw refusal(user, resource, privilege)
}
