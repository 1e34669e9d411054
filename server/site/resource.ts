import type { Collection, Home, Member } from '../../store/home.js'
import { isIgnored } from '../../store/name.js'
import { recordTypes, type DirectoryRecord, type RecordType } from '../directory/record.js'
import { href } from '../dav/href.js'
import { kinds, type Kind } from './kind.js'
import { provide, providePublic, publicHome, publicTree } from './provision.js'
import type { Site } from './site.js'

/** What a URL names: facts only. What can be read, asked or done is in the tables. */
export interface Resource {
  readonly kind: Kind
  /** Decoded, as they were asked for: an alias stays an alias. */
  readonly segments: readonly string[]
  /** Whose it is; `undefined` for what nobody owns. */
  readonly owner: DirectoryRecord | undefined
  readonly home?: Home | undefined
  /** The collection it is, or for a file (and for what is not there yet) the one it would lie in. */
  readonly collection?: Collection | undefined
  /** The file it is. */
  readonly member?: Member | undefined
  /** Which half of the proxies a proxy principal is. */
  readonly access?: 'read' | 'write' | undefined
}

/** What is at a decoded path; kind `unmapped` when nothing is. A home that does not exist yet is made. */
export async function locate (site: Site, segments: readonly string[]): Promise<Resource> {
  const [first, second, third] = segments
  if (first === undefined) return { kind: 'root', segments, owner: undefined }
  if (first === 'principals') return principal(site, segments, second, third, segments.slice(3))
  if (first !== 'calendars') return nothing(segments)
  if (second === undefined) return { kind: 'calendars', segments, owner: undefined }
  if (second === publicTree) {
    const home = providePublic(site)
    return home === undefined ? nothing(segments) : below(home, undefined, segments)
  }
  if (!isGroup(second)) return nothing(segments)
  if (third === undefined) return { kind: 'calendars', segments, owner: undefined }
  const owner = recordOf(site, second, third)
  if (owner?.calendaring !== true) return nothing(segments)
  return below(await provide(site, owner), owner, segments)
}

/** The last segment of the URI to which new members of a calendar are posted (RFC 5995 3.1), as Apple's server has it. */
export const addMember = ';add-member'

/** How many segments lead to the home that a path below /calendars/ lies in: 2 for the public tree, 3 for people and things. */
export function homeLength (segments: readonly string[]): 2 | 3 {
  return segments[1] === publicTree ? 2 : 3
}

/** The collection that a resource lies in, or would lie in; its kind is `unmapped` when it is not there. */
export async function parentOf (site: Site, { kind, segments, owner, home, collection }: Resource): Promise<Resource> {
  const around = segments.slice(0, -1)
  const isKnown = kind === 'event' || kind === 'file' || kind === 'add-member' || kind === 'unmapped'
  return isKnown && home !== undefined && collection !== undefined ? { kind: kindOf(collection), segments: around, owner, home, collection } : await locate(site, around)
}

/** Whose home a decoded path lies in; `undefined` when it is in none. */
export function homeOwner (site: Site, [first, group, name]: readonly string[]): DirectoryRecord | undefined {
  return first !== 'calendars' || group === undefined || name === undefined || !isGroup(group) ? undefined : recordOf(site, group, name)
}

function nothing (segments: readonly string[]): Resource {
  return { kind: 'unmapped', segments, owner: undefined }
}

const groups: readonly string[] = [...recordTypes, '__uids__']

function isGroup (segment: string): boolean {
  return groups.includes(segment)
}

function recordOf (site: Site, group: string, name: string): DirectoryRecord | undefined {
  return group === '__uids__' ? site.directory.byGuid(name) : site.directory.byName(group as RecordType, name)
}

function principal (site: Site, segments: readonly string[], group: string | undefined, name: string | undefined, rest: readonly string[]): Resource {
  if (group === undefined) return { kind: 'principals', segments, owner: undefined }
  if (!isGroup(group)) return nothing(segments)
  if (name === undefined) return { kind: 'principals', segments, owner: undefined }
  const owner = recordOf(site, group, name)
  if (owner === undefined || rest.length > 1) return nothing(segments)
  if (rest.length === 0) return { kind: 'principal', segments, owner }
  const access = rest[0] === 'calendar-proxy-read' ? 'read' : rest[0] === 'calendar-proxy-write' ? 'write' : undefined
  return access === undefined ? nothing(segments) : { kind: 'proxy', segments, owner, access }
}

function below (home: Home, owner: DirectoryRecord | undefined, segments: readonly string[]): Resource {
  const rest = segments.slice(homeLength(segments))
  const name = rest.at(-1)
  if (name === undefined) return collectionResource(home, owner, segments, home.collection('')) ?? nothing(segments)
  if (rest.some(isIgnored)) return { kind: 'unmapped', segments, owner, home }
  const parent = home.collection(rest.slice(0, -1).join('/'))
  if (parent === undefined) return { kind: 'unmapped', segments, owner, home }
  const collection = parent.holdsObjects ? undefined : home.collection(rest.join('/'))
  if (collection !== undefined) return collectionResource(home, owner, segments, collection) ?? nothing(segments)
  if (name === addMember && kindOf(parent) === 'calendar') return { kind: 'add-member', segments, owner, home, collection: parent }
  const member = home.member(parent, name)
  return member === undefined
    ? { kind: 'unmapped', segments, owner, home, collection: parent }
    : memberResource(home, owner, segments, parent, member)
}

function collectionResource (home: Home, owner: DirectoryRecord | undefined, segments: readonly string[], collection: Collection | undefined): Resource | undefined {
  if (collection === undefined) return undefined
  return { kind: kindOf(collection), segments, owner, home, collection }
}

/** The kind of a directory of a home: inbox and outbox by their names, calendars by what they hold. */
export function kindOf ({ path, holdsObjects }: Collection): Kind {
  return path === '' ? 'home' : path === 'inbox' ? 'inbox' : path === 'outbox' ? 'outbox' : holdsObjects ? 'calendar' : 'folder'
}

function memberResource (home: Home, owner: DirectoryRecord | undefined, segments: readonly string[], collection: Collection, member: Member): Resource {
  return { kind: collection.holdsObjects ? 'event' : 'file', segments, owner, home, collection, member }
}

/**
 * Whether the members of a directory are calendar objects. `mkdir` in a home makes a calendar: it is one unless its
 * resource type says otherwise. Deeper down only the resource type makes one.
 */
export function holdsObjects (path: string, resourcetype: string | undefined): boolean {
  if (path === '' || path === 'inbox' || path === 'outbox') return false
  if (resourcetype === undefined) return !path.includes('/')
  return resourcetype.includes('urn:ietf:params:xml:ns:caldav') && /<(?:[\w.-]+:)?calendar[\s/>]/.test(resourcetype)
}

/** The resources directly in a collection, as the index knows them; the collection is compared with the disk first. */
export async function members (site: Site, resource: Resource): Promise<Resource[]> {
  const { home, collection, owner, segments } = resource
  if (home === undefined || collection === undefined || !kinds[resource.kind].isCollection) return virtualMembers(site, resource)
  await home.fresh(collection)
  const files = home.members(collection).map(member => memberResource(home, owner, [...segments, member.name], collection, member))
  if (collection.holdsObjects) return files
  const collections = home.children(collection.path).flatMap(child =>
    collectionResource(home, owner, [...segments, child.path.slice(child.path.lastIndexOf('/') + 1)], child) ?? [])
  return [...collections, ...files]
}

function virtualMembers (site: Site, { kind, segments, owner }: Resource): Resource[] {
  const group = segments[1]
  const named = (of: Kind, names: readonly string[]): Resource[] => names.map(name => ({ kind: of, segments: [...segments, name], owner: undefined }))
  if (kind === 'root') return [...named('principals', ['principals']), ...named('calendars', ['calendars'])]
  if (kind === 'principals') return group === undefined ? named('principals', groups) : []
  if (kind === 'calendars') return group === undefined ? [...named('calendars', groups), ...publicMember(site, segments)] : []
  if (kind === 'principal') {
    return (['read', 'write'] as const).map(access => ({ kind: 'proxy', segments: [...segments, `calendar-proxy-${access}`], owner, access }))
  }
  return []
}

function publicMember (site: Site, segments: readonly string[]): Resource[] {
  const home = site.store.home(publicHome)
  const resource = home === undefined ? undefined : collectionResource(home, undefined, [...segments, publicTree], home.collection(''))
  return resource === undefined ? [] : [resource]
}

/** The path of a resource as it was asked for: percent-encoded, collections with a slash (iCal 10.5 finds no home without). */
export function hrefOf (resource: Resource): string {
  return href(resource.segments, kinds[resource.kind].isCollection)
}

/** The principal of a record: by its guid, which stays when the name changes. */
export function principalHref (record: DirectoryRecord): string {
  return href(['principals', '__uids__', record.guid], true)
}

/** The calendar home of a record. */
export function homeHref (record: DirectoryRecord): string {
  return href(['calendars', record.type, record.name], true)
}
