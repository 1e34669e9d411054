import { demand } from '../acl/check.js'
import type { Home } from '../../store/home.js'
import { makeCollection } from '../../store/tree.js'
import { translated } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import type { Propstat } from '../dav/multistatus.js'
import { check, type Instruction } from '../property/patch.js'
import { creatableTypes } from '../site/kind.js'
import type { DavRequest } from '../site/request.js'
import { hrefOf, locate, type Resource } from '../site/resource.js'
import { stored } from '../site/stored.js'
import { element, elements, type Element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { canHold, parentOf } from './target.js'

/** A place where a collection may be made. */
export interface Vacancy { readonly target: Resource, readonly home: Home, readonly path: string }

/**
 * Where MKCOL or MKCALENDAR may make its collection.
 * @param taken  what is thrown when something is there already
 * @throws DavError 409 without a parent (RFC 4918 9.3.1), 403 where none may be
 */
export async function vacancy (request: DavRequest, taken: (target: Resource) => DavError): Promise<Vacancy> {
  const { site, user, path } = request
  const target = await locate(site, path.segments)
  const parent = await parentOf(site, path.segments)
  if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
  if (target.kind !== 'unmapped') throw taken(target)
  if (parent.kind === 'unmapped') throw new DavError(409, `the collection ${hrefOf(parent)} does not exist`)
  // RFC 4791 4.2: no collections in calendars
  if (parent.kind === 'calendar' || parent.kind === 'inbox' || parent.kind === 'outbox' || parent.member !== undefined) {
    throw failed('calendar-collection-location-ok', `${hrefOf(parent)} takes no collections`)
  }
  const { home, collection } = parent
  if (!canHold(parent) || home === undefined || collection === undefined) throw new DavError(403, `${hrefOf(parent)} takes no collections`)
  const most = site.settings.limits.collections
  if (home.children(collection.path).length >= most) throw failed('quota-not-exceeded', `${hrefOf(parent)} holds ${most} collections, which is the most`)
  const name = path.segments.at(-1) ?? ''
  return { target, home, path: collection.path === '' ? name : `${collection.path}/${name}` }
}

/**
 * Makes a collection of these types with its first properties, all or nothing.
 * @returns what came of each property; when `failed`, nothing was made
 */
export async function make (request: DavRequest, { home, path }: Vacancy, types: readonly Element[], todo: readonly Instruction[]): Promise<{ propstats: readonly Propstat[], failed: boolean }> {
  const { site } = request
  const isCalendar = types.some(({ name }) => name === caldav('calendar'))
  const checked = check(site, isCalendar ? 'calendar' : 'folder', todo, true)
  if (checked.failed) return checked
  const properties = new Map<string, string>([[dav('resourcetype'), stored(element(dav('resourcetype'), ...types))]])
  for (const [name, xml] of checked.changes) if (xml !== undefined) properties.set(name, xml)
  await translated(makeCollection(site.store.writing, home, path, properties))
  return checked
}

/**
 * The types in a DAV:resourcetype that a client wants: DAV:collection, and of the others only those that we know.
 * @throws DavError valid-resourcetype (RFC 5689 3.3)
 */
export function typesIn (value: Element): Element[] {
  const types = elements(value)
  const known = new Set<string>([dav('collection'), ...creatableTypes])
  if (!types.some(({ name }) => name === dav('collection')) || !types.every(({ name }) => known.has(name))) {
    throw failed('valid-resourcetype', `a collection can be ${[...known].join(', ')}; the request wants ${types.map(({ name }) => name).join(', ') || 'nothing'}`)
  }
  return types.map(({ name }) => element(name))
}
