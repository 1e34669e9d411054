import { inheritableMark } from '../../twistedcompat/acl.js'
import { DavError, failed } from '../dav/error.js'
import { originOf } from '../dav/href.js'
import type { Directory } from '../directory/directory.js'
import { child, element, elements, text, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { maskOf, type Mask } from './privilege.js'
import { keyOf, namedHref, principalAt, type PrincipalKey } from './principal.js'

/** Whom an ACE speaks of (RFC 3744 5.5.1). */
export type AcePrincipal =
  | { readonly type: 'href', readonly href: string, readonly key: PrincipalKey | undefined }
  | { readonly type: 'property', readonly name: Name }
  | { readonly type: 'all' | 'authenticated' | 'unauthenticated' | 'self' }

/** One entry of an access control list (RFC 3744 5.5). */
export interface Ace {
  readonly principal: AcePrincipal
  /** It speaks of everybody else (RFC 3744 5.5.1). */
  readonly invert: boolean
  readonly grants: boolean
  /** As they were written. */
  readonly privileges: readonly Name[]
  readonly mask: Mask
  /** It cannot be changed. */
  readonly isProtected: boolean
  /** What lies below has it too: Apple's private mark. */
  readonly isInheritable: boolean
  /** The href of the collection it comes from. */
  readonly inherited?: string | undefined
}

/** An ACE of the server's own making. */
export function ace (principal: AcePrincipal, privileges: readonly Name[], marks: { readonly isProtected?: boolean, readonly isInheritable?: boolean, readonly invert?: boolean } = {}): Ace {
  const mask = privileges.reduce((sum, name) => sum | (maskOf(name) ?? 0), 0)
  return { principal, invert: marks.invert ?? false, grants: true, privileges, mask, isProtected: marks.isProtected ?? false, isInheritable: marks.isInheritable ?? false }
}

/** A DAV:acl as it is kept on disk, by us or by Apple's server. An ACE that names no principal or no privilege is left out. */
export function acesKept (acl: Element, directory: Directory): Ace[] {
  return elements(acl, dav('ace')).flatMap(each => {
    const who = child(each, dav('invert')) ?? each
    const principal = principalIn(child(who, dav('principal')), directory)
    const grants = child(each, dav('deny')) === undefined
    const privileges = privilegesIn(child(each, grants ? dav('grant') : dav('deny')))
    if (principal === undefined || privileges.length === 0) return []
    return [{
      principal, grants, privileges, invert: who !== each,
      mask: privileges.reduce((sum, name) => sum | (maskOf(name) ?? 0), 0),
      isProtected: child(each, dav('protected')) !== undefined,
      isInheritable: child(each, inheritableMark) !== undefined
    }]
  })
}

function principalIn (holder: Element | undefined, directory: Directory): AcePrincipal | undefined {
  const [who] = holder === undefined ? [] : elements(holder)
  if (who === undefined) return undefined
  const simple = simpleTypes.find(type => who.name === dav(type))
  if (simple !== undefined) return { type: simple }
  if (who.name === dav('property')) {
    const [property] = elements(who)
    return property === undefined ? undefined : { type: 'property', name: property.name }
  }
  if (who.name !== dav('href')) return undefined
  const named = principalAt(directory, text(who))
  return { type: 'href', href: named === undefined ? text(who).trim() : namedHref(named), key: named === undefined ? undefined : keyOf(named.record, named.half) }
}

const simpleTypes = ['all', 'authenticated', 'unauthenticated', 'self'] as const

// one DAV:privilege for each, or all in one, as the repository files of 2006 had it
function privilegesIn (holder: Element | undefined): Name[] {
  return holder === undefined ? [] : elements(holder, dav('privilege')).flatMap(privilege => elements(privilege).map(({ name }) => name))
}

/**
 * A DAV:ace of an ACL request.
 * @param origins  names of this server: principals of another are not ours
 * @throws DavError 400 malformed; not-supported-privilege, recognized-principal, allowed-principal (RFC 3744 8.1.1)
 */
export function aceAsked (source: Element, directory: Directory, origins: readonly string[]): Ace {
  const inverted = child(source, dav('invert'))
  const holder = child(inverted ?? source, dav('principal'))
  const parts = elements(source)
  const count = (...names: readonly Name[]): number => parts.filter(({ name }) => names.includes(name)).length
  // RFC 3744 5.5: ((principal | invert), (grant | deny), …); 8.1.5 wants 400 for two of them
  if (holder === undefined || elements(holder).length > 1 || count(dav('principal'), dav('invert')) !== 1 || count(dav('grant'), dav('deny')) !== 1) {
    throw new DavError(400, 'DAV:ace expects one DAV:principal (or DAV:invert with one) with one child, and either one DAV:grant or one DAV:deny')
  }
  const [grant, deny] = [child(source, dav('grant')), child(source, dav('deny'))]
  const principal = principalIn(holder, directory)
  if (principal === undefined || (principal.type === 'href' && principal.key === undefined) || isElsewhere(holder, origins)) {
    throw failed('recognized-principal', `DAV:principal: expected the href of a principal, or DAV:all, DAV:authenticated, DAV:unauthenticated, DAV:property, DAV:self; found ${principal?.type === 'href' ? principal.href.slice(0, 200) : elements(holder)[0]?.name ?? 'nothing'}`)
  }
  const privileges = privilegesIn(grant ?? deny)
  if (privileges.length === 0) throw new DavError(400, 'DAV:grant and DAV:deny expect at least one DAV:privilege')
  const unknown = privileges.find(name => maskOf(name) === undefined)
  if (unknown !== undefined) throw failed('not-supported-privilege', `there is no privilege ${unknown}`)
  const from = child(source, dav('inherited'))
  const href = from === undefined ? undefined : child(from, dav('href'))
  return {
    principal, invert: inverted !== undefined, grants: grant !== undefined, privileges,
    mask: privileges.reduce((sum, name) => sum | (maskOf(name) ?? 0), 0),
    isProtected: child(source, dav('protected')) !== undefined, isInheritable: false,
    inherited: from === undefined ? undefined : href === undefined ? '' : text(href).trim()
  }
}

function isElsewhere (holder: Element, origins: readonly string[]): boolean {
  const href = child(holder, dav('href'))
  const origin = href === undefined ? undefined : originOf(text(href).trim())
  return origin !== undefined && !origins.some(each => originOf(each) === origin)
}

/** An ACE as an element, for clients or (with Apple's mark) for the disk. */
export function aceElement (one: Ace, forDisk: boolean): Element {
  const principal = element(dav('principal'), principalElement(one.principal))
  return element(dav('ace'),
    one.invert ? element(dav('invert'), principal) : principal,
    element(dav(one.grants ? 'grant' : 'deny'), ...one.privileges.map(name => element(dav('privilege'), element(name)))),
    ...one.isProtected ? [element(dav('protected'))] : [],
    ...forDisk && one.isInheritable ? [element(inheritableMark)] : [],
    ...!forDisk && one.inherited !== undefined ? [element(dav('inherited'), element(dav('href'), one.inherited))] : [])
}

function principalElement (principal: AcePrincipal): Element {
  if (principal.type === 'href') return element(dav('href'), principal.href)
  if (principal.type === 'property') return element(dav('property'), element(principal.name))
  return element(dav(principal.type))
}

/** Whether two ACEs speak of the same principals. */
export function isSamePrincipal (one: Ace, other: Ace): boolean {
  if (one.invert !== other.invert || one.principal.type !== other.principal.type) return false
  if (one.principal.type === 'href' && other.principal.type === 'href') return one.principal.key !== undefined && one.principal.key === other.principal.key
  if (one.principal.type === 'property' && other.principal.type === 'property') return one.principal.name === other.principal.name
  return true
}

/** Whether two ACEs say the same. */
export function isSameAce (one: Ace, other: Ace): boolean {
  return isSamePrincipal(one, other) && one.grants === other.grants && one.mask === other.mask
}
