import type { DirectoryRecord } from '../directory/record.js'
import type { Kind } from '../site/kind.js'
import type { Resource } from '../site/resource.js'
import type { Rules } from '../site/site.js'
import { caldav, dav } from '../xml/name.js'
import { ace, type Ace, type AcePrincipal } from './ace.js'
import { keyOf, namedHref, principalsIn } from './principal.js'
import { allMask } from './privilege.js'

// What holds without any ACL of a client: Apple's 2.x (computed, not stored, not changeable).

const fixed = { isProtected: true }
const passedOn = { isProtected: true, isInheritable: true }
const everybody: AcePrincipal = { type: 'all' }
const loggedIn: AcePrincipal = { type: 'authenticated' }

/** The principal of a record, or of one half of its proxies. */
export function hrefPrincipal (record: DirectoryRecord, half?: 'read' | 'write'): AcePrincipal {
  return { type: 'href', href: namedHref({ record, half }), key: keyOf(record, half) }
}

/** The ACEs of administrators and of those who may read everything: they come first and hold everywhere. */
export function siteAces (of: Rules): readonly Ace[] {
  const { admins, readers } = of.settings.access
  const { version } = of.directory
  const known = remembered.get(of)
  if (known !== undefined && known.version === version && known.admins === admins && known.readers === readers) return known.aces
  const named = (list: readonly string[], privilege: '{DAV:}all' | '{DAV:}read') =>
    principalsIn(of, list).map(each => ace({ type: 'href', href: namedHref(each), key: keyOf(each.record, each.half) }, [privilege], passedOn))
  const aces = [...named(admins, dav('all')), ...named(readers, dav('read'))]
  remembered.set(of, { admins, readers, version, aces })
  return aces
}

/** The ACEs of administrators alone: all that holds in a home that nobody else may enter. */
export function adminAces (of: Rules): readonly Ace[] {
  return siteAces(of).filter(({ mask }) => mask === allMask)
}

interface SiteAces { readonly admins: readonly string[], readonly readers: readonly string[], readonly version: number, readonly aces: readonly Ace[] }
const remembered = new WeakMap<Rules, SiteAces>()

/** The ACE that nobody can take from the owner of a home. */
export function ownerAce (owner: DirectoryRecord): Ace {
  let known = owners.get(owner)
  if (known === undefined) owners.set(owner, known = ace(hrefPrincipal(owner), [dav('all')], passedOn))
  return known
}

const owners = new WeakMap<DirectoryRecord, Ace>()

/** The further ACEs that a home has for all that lies in it. */
export function homeAces ({ settings }: Rules, owner: DirectoryRecord): readonly Ace[] {
  const { defaults, busy } = settings.access
  return [
    ...defaults === '2006' ? [ace(loggedIn, [dav('read')], fixed)] : [],
    ...defaults === '2006' || busy ? [ace(loggedIn, [caldav('read-free-busy')], { isInheritable: true })] : [],
    ace(hrefPrincipal(owner, 'read'), [dav('read')], passedOn),
    ace(hrefPrincipal(owner, 'write'), [dav('read'), dav('write')], passedOn)
  ]
}

const publicRead = [ace(everybody, [dav('read')], passedOn)]
const readByUsers = [ace(loggedIn, [dav('read')], fixed)]
const none: readonly Ace[] = []

/** The table of ACEs that come with what a resource is. */
const byKind: Readonly<Partial<Record<Kind, (site: Rules, resource: Resource) => readonly Ace[]>>> = {
  root: ({ settings }) => settings.access.anonymousRoot ? publicRead : readByUsers,
  principals: () => readByUsers,
  calendars: () => readByUsers,
  principal: () => readByUsers,
  proxy: (_, { owner }) => owner === undefined ? readByUsers : [ace(hrefPrincipal(owner), [dav('write-properties'), dav('read-acl')], fixed), ...readByUsers],
  inbox: () => [ace(loggedIn, [caldav('schedule-deliver'), caldav('schedule')], fixed)],
  outbox: (_, { owner }) => owner === undefined ? none : [ace(hrefPrincipal(owner, 'write'), [caldav('schedule-send'), caldav('schedule')], fixed)],
  // a name that nobody has must look like the name of somebody else
  unmapped: (_, { owner, home, segments }) => owner === undefined && home === undefined && (segments[0] !== 'calendars' || segments.length < 3) ? readByUsers : none
}

/** The ACEs that come with what a resource is, beside those it inherits. */
export function kindAces (site: Rules, resource: Resource): readonly Ace[] {
  return byKind[resource.kind]?.(site, resource) ?? none
}

/** What everybody may do in the public tree, which belongs to nobody. */
export function publicAces (): readonly Ace[] {
  return publicRead
}
