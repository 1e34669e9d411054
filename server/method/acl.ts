import { wrappedAcl } from '../../twistedcompat/acl.js'
import { aceAsked, aceElement, isSameAce, isSamePrincipal, type Ace } from '../acl/ace.js'
import { aclOf } from '../acl/acl.js'
import { demand } from '../acl/check.js'
import { hrefPrincipal } from '../acl/defaults.js'
import { expanded, treeOf } from '../acl/privilege.js'
import { setProperties } from '../../store/property.js'
import { writeHeld } from '../../store/write.js'
import { translated } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import type { DirectoryRecord } from '../directory/record.js'
import type { Kind } from '../site/kind.js'
import { xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { fromStored, stored } from '../site/stored.js'
import { element, elements } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { demandUnlocked } from './locked.js'
import type { Method } from './method.js'
import { demandConditions, stateOf } from './target.js'

/** RFC 3744 8.1. The ACLs of homes and of what is not on the disk are fixed. */
export const acl: Method = { name: 'ACL', on: ['calendar', 'inbox', 'outbox', 'folder', 'event', 'file'], run }

/** More are not kept of one resource. */
export const mostAces = 500
/** What lies in these has their ACL too, as in Apple's server. */
export const passingOn: readonly Kind[] = ['calendar', 'inbox', 'outbox']

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, target } = request
  demand(user, target, dav('write-acl'))
  const body = xmlBody(request)
  if (body?.name !== dav('acl')) throw new DavError(400, `ACL expects DAV:acl, not ${body?.name ?? 'an empty body'}`)
  const asked = elements(body, dav('ace')).map(each => aceAsked(each, site.directory, request.origins))
  const names = new Set(expanded(treeOf(target.kind)))
  const unknown = asked.flatMap(({ privileges }) => privileges).find(name => !names.has(name))
  if (unknown !== undefined) throw failed('not-supported-privilege', `${hrefOf(target)} has no privilege ${unknown}`)
  if (asked.length > mostAces) throw failed('limited-number-of-aces', `${asked.length} ACEs, at most ${mostAces} are kept`)
  const wanted = withoutFixed(asked, aclOf(site, target), target)
  demandConditions(request, target.member === undefined ? { exists: true } : stateOf(target.member))
  // RFC 3744 7.5
  demandUnlocked(request, target)
  await keep(site, target, wanted, passingOn.includes(target.kind))
  return { status: 200, headers: { 'content-length': '0' } }
}

/**
 * The ACEs to be kept: clients send back what they have read, protected and inherited ones too, which stay what they are.
 * @throws DavError no-ace-conflict for one of these that is not there, no-protected-ace-conflict and
 * no-inherited-ace-conflict for a denial of what a protected one grants to the same, as to administrators or to the owner (RFC 3744 8.1.1)
 */
function withoutFixed (asked: readonly Ace[], inForce: readonly Ace[], { owner }: Resource): Ace[] {
  const fixed = inForce.filter(({ isProtected, inherited }) => isProtected || inherited !== undefined)
  return asked.filter(each => {
    const isThere = fixed.some(one => isSameAce(one, each))
    if (each.isProtected || each.inherited !== undefined) {
      if (!isThere) throw failed('no-ace-conflict', 'an ACE that is protected or inherited can neither be made nor changed')
      return false
    }
    const against = each.grants ? undefined : inForce.find(one => one.isProtected && one.grants && (one.mask & each.mask) !== 0 && isSamePrincipal(one, plain(each, owner)))
    if (against?.inherited === '/') throw failed('no-protected-ace-conflict', 'nothing can be denied to administrators')
    if (against !== undefined) throw failed(against.inherited === undefined ? 'no-protected-ace-conflict' : 'no-inherited-ace-conflict', 'what a protected ACE grants to somebody cannot be denied to the same: owners, proxies and administrators keep what they have')
    return true
  })
}

/** DAV:owner as the principal that it is. */
function plain (one: Ace, owner: DirectoryRecord | undefined): Ace {
  const isOwner = one.principal.type === 'property' && one.principal.name === dav('owner') && owner !== undefined
  return isOwner ? { ...one, principal: hrefPrincipal(owner) } : one
}

async function keep ({ store }: Site, target: Resource, aces: readonly Ace[], isInheritable: boolean): Promise<void> {
  const { home, collection, member } = target
  if (home === undefined || collection === undefined) throw new DavError(403, `the access control list of ${hrefOf(target)} is fixed`)
  const value = aces.length === 0 ? undefined : stored(element(dav('acl'), ...aces.map(each => aceElement({ ...each, isInheritable }, true))))
  // a list of 2006 would hold again as soon as this one is empty
  // a list that could not be read again would deny nothing
  if (value !== undefined && fromStored(value) === undefined) throw new DavError(413, 'the list has more namespaces than can be kept')
  if (member !== undefined) await translated(writeHeld(store.writing, home, collection, member.name))
  const changes = new Map([[dav('acl'), value], [wrappedAcl, undefined]])
  await translated(member === undefined ? setProperties(collection.directory, '', changes) : home.setProperties(collection, member.name, changes))
  if (member === undefined) home.touch(collection)
  // whoever may read it from now on, or may no longer, learns of it by sync
  else home.member(collection, member.name)
}
