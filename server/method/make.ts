import { demand } from '../acl/check.js'
import type { Home } from '../../store/home.js'
import { makeCollection } from '../../store/tree.js'
import { translated } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import type { Propstat } from '../dav/multistatus.js'
import { check, type Instruction } from '../property/patch.js'
import { creatableTypes, kinds } from '../site/kind.js'
import { demandQuota, propertyBytes } from '../site/quota.js'
import type { DavRequest } from '../site/request.js'
import type { Site } from '../site/site.js'
import { hrefOf, kindOf, parentOf, type Resource } from '../site/resource.js'
import { stored } from '../site/stored.js'
import { element, elements, type Element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'
import { ctagHeaders } from './ctag.js'
import { demandUnlocked } from './locked.js'
import { holderOf } from './target.js'

/** A place where a collection may be made; the path is below the home. */
export interface Vacancy {
  readonly home: Home
  readonly path: string
  /** What it would lie in. */
  readonly parent: Resource
}

/** Where MKCOL or MKCALENDAR may make its collection. @throws DavError 403, 409, 423, 507 */
export async function vacancy (request: DavRequest): Promise<Vacancy> {
  const { site, user, target } = request
  const parent = await parentOf(site, target)
  if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
  const place = vacancyIn(site, parent, target.segments.at(-1) ?? '')
  demandUnlocked(request, target, parent)
  return place
}

/**
 * The place of that name in a collection.
 * @param leaving  a collection that makes room, since it is moved: its path below the same home
 * @throws DavError 409 (RFC 4918 9.3.1), 403 where no collection may be, 507 when there are too many
 */
export function vacancyIn ({ settings }: Site, parent: Resource, name: string, leaving?: string): Vacancy {
  // RFC 4791 4.2: no collections in calendars
  if (parent.kind !== 'home' && parent.kind !== 'folder' && kinds[parent.kind].isCollection) throw failed('calendar-collection-location-ok', `${hrefOf(parent)} takes no collections`)
  const { home, collection } = holderOf(parent)
  const path = collection.path === '' ? name : `${collection.path}/${name}`
  const same = path.normalize('NFC')
  if (home.children(collection.path).some(child => child.path !== path && child.path !== leaving && child.path.normalize('NFC') === same)) {
    throw new DavError(405, `${hrefOf(parent)} has a collection of that name already, with its accents written otherwise`)
  }
  const most = settings.limits.collections
  const others = home.children(collection.path).filter(child => child.path !== path && child.path !== leaving)
  if (others.length >= most) throw failed('quota-not-exceeded', `${hrefOf(parent)} holds ${most} collections, which is the most`)
  return { home, path, parent }
}

/**
 * Makes a collection of these types with its first properties, all or nothing.
 * @returns what came of each property; when `failed`, nothing was made
 */
export async function make (request: DavRequest, { home, path, parent }: Vacancy, types: readonly Element[], todo: readonly Instruction[]): Promise<{ propstats: readonly Propstat[], failed: boolean }> {
  const { site } = request
  const isCalendar = types.some(({ name }) => name === caldav('calendar'))
  const checked = check(site, isCalendar ? 'calendar' : 'folder', todo, true)
  if (checked.failed) return checked
  const properties = new Map<string, string>([[dav('resourcetype'), stored(element(dav('resourcetype'), ...types))]])
  for (const [name, xml] of checked.changes) if (xml !== undefined) properties.set(name, xml)
  const bytes = [...properties.values()].reduce((sum, xml) => sum + Buffer.byteLength(xml), 0)
  await translated(makeCollection(site.store.writing, home, path, properties, () => {
    demandUnlocked(request, request.target, parent)
    demandQuota(site, { home, owner: parent.owner }, bytes + propertyBytes(home))
  }))
  return checked
}

/** The headers CTag and Home-CTag, when the collection was made under a condition on the ctag of what it lies in (Apple's bulk changes 6). */
export async function madeHeaders (request: DavRequest, { home, path, parent }: Vacancy): Promise<Record<string, string>> {
  const collection = home.collection(path)
  if (collection === undefined) return {}
  const made: Resource = { kind: kindOf(collection), segments: request.target.segments, owner: parent.owner, home, collection }
  return { ...await ctagHeaders(request, made), ...await ctagHeaders(request, parent, 'home-ctag') }
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
