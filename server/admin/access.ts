import { wrappedAcl } from '../../twistedcompat/acl.js'
import { properties, setProperties } from '../../store/property.js'
import { ace, aceElement, acesKept, type AcePrincipal } from '../acl/ace.js'
import { aclIn } from '../acl/acl.js'
import { keyOf, namedHref, principalKey } from '../acl/principal.js'
import { maskOf } from '../acl/privilege.js'
import type { Directory } from '../directory/directory.js'
import { mostAces, passingOn } from '../method/acl.js'
import type { Rules } from '../site/site.js'
import { stored } from '../site/stored.js'
import { element, elements, type Element } from '../xml/element.js'
import { caldav, dav, type Name } from '../xml/name.js'
import { account, AdminError, nameOf, pathOf, type Place } from './place.js'

/** What can be given, in the words of the command line. */
export const levels = {
  read: [dav('read')],
  write: [dav('read'), dav('write')],
  busy: [caldav('read-free-busy')]
} as const satisfies Readonly<Record<string, readonly Name[]>>

export type Level = keyof typeof levels

/**
 * To whom something is given: the words 'everyone' (who has logged in) and 'public' (also without a login), an account, or
 * the href of a principal, which may be gone.
 * @throws AdminError for an account that is not there
 */
export function principalFor (directory: Directory, typed: string): AcePrincipal {
  if (typed === 'everyone') return { type: 'authenticated' }
  if (typed === 'public') return { type: 'all' }
  if (typed.startsWith('/')) return { type: 'href', href: typed, key: principalKey(directory, typed) }
  const record = account(directory, typed)
  return { type: 'href', href: namedHref({ record }), key: keyOf(record) }
}

/** A change to one list: a level, or `undefined` to take away what was given. */
export interface Change { readonly who: string, readonly principal: AcePrincipal, readonly level: Level | undefined }

/**
 * Changes who may do what with a collection, on the disk: a running server sees it at the next request. An entry that says
 * more than plain grants (denials, DAV:invert, privileges nobody knows) stays as it is.
 * @returns the changes that made a difference
 * @throws AdminError where there is no list to change, for the owner, or when what is kept cannot be read; StoreError
 */
export async function changeAccess ({ directory }: Rules, place: Place, changes: readonly Change[]): Promise<Change[]> {
  const { kind, collection, owner } = place
  if (kind !== 'calendar' && kind !== 'folder' && kind !== 'inbox' && kind !== 'outbox') {
    throw new AdminError(`${pathOf(place)} is a home, whose list is fixed: name one of its calendars${owner === undefined ? '' : `, or let somebody act for ${nameOf(owner)} with caldavd proxy`}`)
  }
  const gone = changes.find(({ principal, level }) => level !== undefined && principal.type === 'href' && principal.key === undefined)
  if (gone !== undefined) throw new AdminError(`${gone.who} is no principal here`)
  const own = owner === undefined ? undefined : keyOf(owner)
  if (changes.some(({ principal }) => principal.type === 'href' && principal.key !== undefined && principal.key === own)) throw new AdminError(`${pathOf(place)} belongs to ${owner === undefined ? 'nobody' : nameOf(owner)}, who may do everything with it anyway`)
  const values = properties(collection.directory, '')
  const kept = aclIn(values)
  if (kept === undefined && (values.has(dav('acl')) || values.has(wrappedAcl))) throw new AdminError(`the {DAV:}acl attribute of ${collection.directory} cannot be read; remove it with setfattr -x, or write it anew by an ACL request`)
  let entries: readonly Element[] = kept === undefined ? [] : elements(kept)
  const made: Change[] = []
  for (const change of changes) {
    const next = changed(directory, entries, change, passingOn.includes(kind))
    if (next !== undefined) made.push(change)
    entries = next ?? entries
  }
  if (entries.length > mostAces) throw new AdminError(`${pathOf(place)}: ${entries.length} entries, at most ${mostAces} are kept`)
  if (made.length === 0) return made
  const value = entries.length === 0 ? undefined : stored(element(dav('acl'), ...entries))
  await setProperties(collection.directory, '', new Map([[dav('acl'), value], [wrappedAcl, undefined]]))
  return made
}

/** The entries after a change; undefined when it changes nothing. */
function changed (directory: Directory, entries: readonly Element[], { principal, level }: Change, isInheritable: boolean): readonly Element[] | undefined {
  const mine = entries.filter(entry => isPlainGrant(entry, principal, directory))
  if (level === undefined) return mine.length === 0 ? undefined : entries.filter(entry => !mine.includes(entry))
  const wanted = aceElement(ace(principal, levels[level], { isInheritable }), true)
  const [first] = mine
  if (mine.length === 1 && first !== undefined && stored(first) === stored(wanted) && isBeforeDenials(entries, first)) return undefined
  // RFC 3744 8.1.1 deny-before-grant; and the first entry that speaks of a privilege decides
  return [wanted, ...entries.filter(entry => !mine.includes(entry))]
}

const plainParts: readonly Name[] = [dav('principal'), dav('grant')]

function isPlainGrant (entry: Element, principal: AcePrincipal, directory: Directory): boolean {
  if (entry.name !== dav('ace')) return false
  const [found] = acesKept(element(dav('acl'), entry), directory)
  if (found === undefined || !found.grants || found.invert || found.isProtected || found.privileges.some(name => maskOf(name) === undefined)) return false
  if (plainParts.some(name => elements(entry, name).length !== 1)) return false
  if (found.principal.type !== 'href' || principal.type !== 'href') return found.principal.type === principal.type && principal.type !== 'property'
  return principal.key === undefined ? found.principal.href === principal.href : found.principal.key === principal.key
}

function isBeforeDenials (entries: readonly Element[], entry: Element): boolean {
  const denial = entries.findIndex(one => elements(one, dav('deny')).length > 0)
  return denial < 0 || entries.indexOf(entry) < denial
}
