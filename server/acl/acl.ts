import { disabledMarks, wrappedAcl } from '../../twistedcompat/acl.js'
import { facts } from '../../store/file.js'
import { heldProperties } from '../../store/index/held.js'
import { properties } from '../../store/property.js'
import { sidecarName } from '../../store/sidecar.js'
import type { Collection, Home } from '../../store/home.js'
import { href } from '../dav/href.js'
import type { Directory } from '../directory/directory.js'
import type { Requester } from '../site/requester.js'
import { homeLength, type Resource } from '../site/resource.js'
import type { Rules } from '../site/site.js'
import { fromStored } from '../site/stored.js'
import { child, elements, text, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { acesKept, type Ace } from './ace.js'
import { homeAces, kindAces, ownerAce, publicAces, siteAces } from './defaults.js'
import { keyOf, keysOf, principalKey } from './principal.js'
import type { Mask } from './privilege.js'

interface Kept { readonly stamp: string, readonly version: number, readonly aces: readonly Ace[], readonly isDisabled: boolean }

const kept = new Map<string, Kept>()
const mostKept = 10_000
const nothing: readonly Ace[] = []

/** What the attributes of a directory or file say, remembered as long as it is the same file and the same people. */
function keptOn (directory: Directory, path: string, around: string, member: string): Kept {
  const stats = facts(path)
  // what is too large for an attribute is in the sidecar alone
  const beside = facts(`${around}/${sidecarName}`)
  const stamp = stats === undefined ? '' : `${stats.ino} ${stats.ctimeMs} ${beside?.ino ?? ''} ${beside?.ctimeMs ?? ''}`
  const known = kept.get(path)
  if (known !== undefined && known.stamp === stamp && known.version === directory.version) return known
  const values = properties(around, member)
  const found = {
    stamp, version: directory.version,
    aces: acesIn(values, directory),
    isDisabled: disabledMarks.some(mark => values.has(mark))
  }
  if (kept.size >= mostKept) kept.clear()
  // what changed a moment ago may change again within the same tick of the file system's clock
  if (stats !== undefined && Date.now() - Math.max(stats.ctimeMs, beside?.ctimeMs ?? 0) > 100) kept.set(path, found)
  return found
}

/** The DAV:acl among the properties of a resource, of ours or of 2006; undefined when there is none that can be read. */
export function aclIn (values: ReadonlyMap<string, string>): Element | undefined {
  const own = values.get(dav('acl'))
  if (own !== undefined) return fromStored(own)
  const wrapped = values.get(wrappedAcl)
  const wrapper = wrapped === undefined ? undefined : fromStored(wrapped)
  return wrapper === undefined ? undefined : child(wrapper, dav('acl'))
}

/** The lists of an earlier time: that of a collection, or of a file in it, as properties; undefined = as it is now. */
export type ListsThen = (collection: Collection, member: string | undefined) => ReadonlyMap<string, string> | undefined

/**
 * The ACEs that a client has set on a resource (or Apple's server kept for it). Homes have none: theirs are fixed, but for the rules of 2006.
 * @param then  instead of what is on the disk
 */
export function ownAces ({ directory, settings }: Rules, { kind, home, collection, member, segments }: Resource, then?: ListsThen): readonly Ace[] {
  if (collection === undefined) return nothing
  if (kind === 'event' || kind === 'file') {
    const earlier = then?.(collection, segments.at(-1))
    if (earlier !== undefined) return acesIn(earlier, directory)
    if (member?.hasProperties !== true) return nothing
    const held = home === undefined ? undefined : heldProperties(home.index, member)
    return held === undefined ? keptOn(directory, `${collection.directory}/${member.name}`, collection.directory, member.name).aces : acesIn(held, directory)
  }
  if (kind === 'unmapped' || (kind === 'home' && settings.access.defaults !== '2006')) return nothing
  return collectionAces(directory, collection, then)
}

function collectionAces (directory: Directory, collection: Collection, then: ListsThen | undefined): readonly Ace[] {
  const earlier = then?.(collection, undefined)
  return earlier === undefined ? keptOn(directory, collection.directory, collection.directory, '').aces : acesIn(earlier, directory)
}

function acesIn (values: ReadonlyMap<string, string>, directory: Directory): readonly Ace[] {
  const acl = aclIn(values)
  return acl === undefined ? nothing : acesKept(acl, directory)
}

/** What a resource gets from the collections around it, nearest first, with where it comes from. `deepest` is the nearest of them. */
function inheritedAces (site: Rules, { owner, home, segments }: Resource, deepest: Collection | undefined, then: ListsThen | undefined): Ace[] {
  const found: Ace[] = []
  const from = (path: readonly string[], aces: readonly Ace[]): void => {
    for (const each of aces) if (each.isInheritable) found.push({ ...each, inherited: href(path, true) })
  }
  const root = segments.slice(0, homeLength(segments))
  if (home !== undefined) {
    for (let path = deepest?.path ?? ''; path !== ''; path = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '') {
      const around = home.collection(path)
      if (around !== undefined) from([...root, ...path.split('/')], collectionAces(site.directory, around, then))
    }
  }
  const collection = home?.collection('')
  if (collection !== undefined) from(root, ownAces(site, { kind: 'home', segments: root, owner, home, collection }, then))
  if (owner !== undefined) from(root, homeAces(site, owner))
  else if (home !== undefined) from(root, publicAces())
  return found
}

/**
 * The access control list in force on a resource, in the order it is evaluated: administrators and the owner, its own ACEs,
 * those of its kind, those it inherits, nearest first. The first that speaks of a privilege decides about it.
 * @param then  the lists of an earlier time, instead of those on the disk
 */
export function aclOf (site: Rules, resource: Resource, then?: ListsThen): Ace[] {
  const { kind, owner, home, collection, segments } = resource
  const isInHome = segments[0] === 'calendars' && segments.length >= homeLength(segments)
  const root = href(segments.slice(0, homeLength(segments)), true)
  const first = segments.length === 0 ? siteAces(site) : siteAces(site).map(each => ({ ...each, inherited: '/' }))
  const owners = !isInHome || owner === undefined ? [] : [kind === 'home' ? ownerAce(owner) : { ...ownerAce(owner), inherited: root }]
  const isFile = kind === 'event' || kind === 'file' || kind === 'unmapped'
  const around = isFile ? collection : parentCollection(home, collection)
  const inherited = !isInHome ? [] : kind === 'home' ? homeOwn(site, resource) : inheritedAces(site, resource, around, then)
  return [...first, ...owners, ...ownAces(site, resource, then), ...kindAces(site, resource), ...inherited]
}

function homeOwn (site: Rules, { owner }: Resource): readonly Ace[] {
  return owner === undefined ? publicAces() : homeAces(site, owner)
}

function parentCollection (home: Home | undefined, collection: Collection | undefined): Collection | undefined {
  if (home === undefined || collection === undefined || !collection.path.includes('/')) return undefined
  return home.collection(collection.path.slice(0, collection.path.lastIndexOf('/')))
}

/** Whether nobody but administrators may enter a home: what Apple's server called access-disabled. */
export function isDisabled ({ directory }: Rules, { home }: Resource): boolean {
  return home !== undefined && keptOn(directory, home.directory, home.directory, '').isDisabled
}

/** Whether an ACE speaks of who asks (RFC 3744 5.5.1). */
export function speaksOf ({ principal, invert, grants }: Ace, user: Requester, resource: Resource): boolean {
  // everybody but a group that is gone, or whom a property may name that is not there yet: nobody is let in by that, and nobody gets round a denial
  if (invert && (principal.type === 'href' ? principal.key === undefined : principal.type === 'property' && principal.name !== dav('owner'))) return !grants
  return isMeant(principal, user, resource) !== invert
}

function isMeant (principal: Ace['principal'], user: Requester, resource: Resource): boolean {
  switch (principal.type) {
    case 'all': return true
    case 'authenticated': return user.record !== undefined
    case 'unauthenticated': return user.record === undefined
    case 'href': return principal.key !== undefined && keysOf(user).has(principal.key)
    case 'self': return (resource.kind === 'principal' || resource.kind === 'proxy') && resource.owner !== undefined && keysOf(user).has(keyOf(resource.owner, resource.access))
    case 'property': return isInProperty(principal.name, user, resource)
  }
}

// RFC 3744 5.5.1: the one principal that a property of the resource names
function isInProperty (name: Name, user: Requester, { owner, home, collection, member, kind }: Resource): boolean {
  const keys = keysOf(user)
  if (name === dav('owner')) return owner !== undefined && keys.has(keyOf(owner))
  if (collection === undefined || kind === 'unmapped' || member?.hasProperties === false) return false
  const xml = (home === undefined || member === undefined ? properties(collection.directory, member?.name ?? '') : home.properties(collection, member)).get(name)
  const value = xml === undefined ? undefined : fromStored(xml)
  const [named, ...more] = value === undefined ? [] : elements(value, dav('href'))
  const key = named === undefined || more.length > 0 ? undefined : principalKey(user.site.directory, text(named))
  return key !== undefined && keys.has(key)
}

/** What these ACEs grant to who asks: each privilege as the first ACE says that speaks of it (RFC 3744 6). */
export function granted (aces: readonly Ace[], user: Requester, resource: Resource): Mask {
  let grants = 0
  let denials = 0
  for (const each of aces) {
    const open = each.mask & ~grants & ~denials
    if (open === 0 || !speaksOf(each, user, resource)) continue
    if (each.grants) grants |= open
    else denials |= open
  }
  return grants
}
