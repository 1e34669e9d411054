import { isSameAce, type Ace } from '../acl/ace.js'
import { aclOf, isDisabled } from '../acl/acl.js'
import { adminAces, kindAces } from '../acl/defaults.js'
import { keyOf, principalAt } from '../acl/principal.js'
import { maskOf, maskOfAll } from '../acl/privilege.js'
import { href } from '../dav/href.js'
import type { Directory } from '../directory/directory.js'
import { guidKey, type DirectoryRecord } from '../directory/record.js'
import type { Rules } from '../site/site.js'
import { caldav, dav, type Name } from '../xml/name.js'
import { nameOf, type Place } from './place.js'

/** One entry of a list in force, in words. */
export interface Line {
  readonly who: string
  /** 'read and change', 'not: change' */
  readonly may: string
  readonly why: string
}

/**
 * Who may do what with a collection, in the order in which it is decided: the first line that speaks of something counts.
 * Proxies and administrators whom nobody has named are left out.
 */
export function inForce (rules: Rules, place: Place): Line[] {
  const aces = isDisabled(rules, place) ? adminAces(rules).map(each => ({ ...each, inherited: '/' })) : aclOf(rules, place)
  return aces.flatMap(each => {
    const who = whoIs(rules.directory, each)
    return who === undefined ? [] : [{ who: each.invert ? `everybody but: ${who}` : who, may: (each.grants ? '' : 'not: ') + may(each.privileges), why: why(rules, place, each) }]
  })
}

/** Whether a collection lies in a home that Apple's server was told to close. */
export function isClosed (rules: Rules, place: Place): boolean {
  return isDisabled(rules, place)
}

/** Through whom an account may read, though no entry names it: 'groups/club', 'everybody who has logged in'. */
export function otherWays (rules: Rules, place: Place, record: DirectoryRecord): string[] {
  const { directory } = rules
  const around = new Set(directory.groupsOf(record).map(group => keyOf(group)))
  const meant = aclOf(rules, place).filter(({ principal, invert, grants, mask }) => !invert && grants && (mask & maskOfAll(dav('read'))) === maskOfAll(dav('read')) &&
    (principal.type === 'all' || principal.type === 'authenticated' || (principal.type === 'href' && principal.key !== undefined && around.has(principal.key))))
  return [...new Set(meant.flatMap(each => whoIs(directory, each) ?? []))]
}

const crowds = {
  all: 'everybody, also without a login',
  authenticated: 'everybody who has logged in',
  unauthenticated: 'everybody who has not logged in',
  self: 'the principal itself'
} as const

function whoIs (directory: Directory, { principal }: Ace): string | undefined {
  if (principal.type === 'property') return principal.name === dav('owner') ? 'the owner' : `who stands in ${principal.name}`
  if (principal.type !== 'href') return crowds[principal.type]
  const named = principalAt(directory, principal.href)
  if (named === undefined) return `nobody any more (${principal.href})`
  const { record, half } = named
  if (half === undefined) return record.type === 'groups' ? `${nameOf(record)} (${some(directory.membersOf(record))})` : nameOf(record)
  const proxies = half === 'read' ? record.readProxies : record.writeProxies
  return proxies.length === 0 ? undefined : `proxies of ${nameOf(record)}: ${some(proxies.flatMap(guid => directory.byGuid(guid) ?? []))}`
}

const mostNames = 6

function some (records: readonly DirectoryRecord[]): string {
  const names = records.map(nameOf)
  return names.length === 0 ? 'nobody' : names.length <= mostNames ? names.join(', ') : `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`
}

/** The privileges as people say them, the widest first. */
const words: readonly (readonly [Name, string])[] = [
  [dav('all'), 'everything'],
  [dav('read'), 'read'],
  [dav('write'), 'change'],
  [dav('write-content'), 'change what is there'],
  [dav('write-properties'), 'change name and colour'],
  [dav('bind'), 'add'],
  [dav('unbind'), 'remove'],
  [caldav('read-free-busy'), 'see busy time'],
  [dav('read-acl'), 'see who may do what'],
  [dav('write-acl'), 'change who may do what'],
  [dav('unlock'), 'remove locks'],
  [dav('read-current-user-privilege-set'), 'see what they may do'],
  [caldav('schedule-deliver'), 'send invitations here'],
  [caldav('schedule-send'), 'send invitations from here'],
  [caldav('schedule'), 'send invitations']
]

function may (privileges: readonly Name[]): string {
  let open = maskOfAll(...privileges)
  const said: string[] = []
  for (const [name, word] of words) {
    const mask = maskOf(name) ?? 0
    if ((mask & open) === 0 || (maskOfAll(...privileges) & mask) !== mask) continue
    if (!said.includes(word)) said.push(word)
    open &= ~mask
  }
  if (said.length === 0) return privileges.map(name => name.slice(name.indexOf('}') + 1)).join(', ')
  const last = said.pop() ?? ''
  return said.length === 0 ? last : `${said.join(', ')} and ${last}`
}

function why (rules: Rules, place: Place, each: Ace): string {
  const { principal, inherited, isProtected, mask } = each
  if (inherited === '/') return mask === maskOf(dav('all')) ? 'access.admins' : 'access.readers'
  const named = principal.type === 'href' ? principalAt(rules.directory, principal.href) : undefined
  if (named?.half !== undefined && isProtected) return `caldavd proxy ${nameOf(named.record)}`
  if (isProtected && named !== undefined && place.owner !== undefined && guidKey(named.record.guid) === guidKey(place.owner.guid)) return 'owner'
  if (inherited === undefined && kindAces(rules, place).some(one => isSameAce(one, each))) return 'always so'
  const isHome = place.kind === 'home' || inherited === href(place.home.path.split('/'), true)
  if (isHome && principal.type === 'authenticated') return mask === maskOf(caldav('read-free-busy')) ? 'access.busy' : 'access.defaults'
  if (isHome && principal.type === 'all') return 'public tree'
  return inherited === undefined ? (each.grants ? 'granted here' : 'denied here') : `from ${decodeURI(inherited)}`
}
