import { nearest } from '../../conf/nearest.js'
import { Home, type Collection } from '../../store/home.js'
import { otherSpelling } from '../../store/name.js'
import { properties } from '../../store/property.js'
import type { Store } from '../../store/store.js'
import type { Directory } from '../directory/directory.js'
import { recordTypes, type DirectoryRecord } from '../directory/record.js'
import { describe } from '../ical/facts.js'
import { publicHome, publicTree } from '../site/provision.js'
import { holdsObjects, kindOf, type Resource } from '../site/resource.js'
import type { Rules } from '../site/site.js'
import { fromStored } from '../site/stored.js'
import { text } from '../xml/element.js'
import { dav } from '../xml/name.js'

/** Something that was typed names nothing, or nothing that this can be done with; the message says what there is. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
}

/** A collection on the disk. */
export interface Place extends Resource {
  readonly home: Home
  readonly collection: Collection
}

/** What `place` needs. With a store its homes are used, with their indexes; without, the disk is read with an index in memory. */
export type Placing = Rules & { readonly store?: Store }

/**
 * The home or collection at a path as people type it: 'users/alice/work', 'alice/work', 'public/holidays'; '/calendars/'
 * before it and a slash behind do no harm. Decoded, as the directories are called. Reads the disk and writes nothing, so
 * that it does not matter whether a server runs.
 * @throws AdminError for an account or a collection that is not there
 */
export function place (rules: Placing, typed: string): Place {
  const names = namesIn(typed)
  const owner = names[0] === publicTree ? undefined : account(rules.directory, names.slice(0, 2).join('/'))
  const root = owner === undefined ? publicHome : ['calendars', owner.type, owner.name]
  const home = homeAt(rules, root)
  const rest = names.slice(owner === undefined ? 1 : 2)
  if (home.collection('') === undefined) throw new AdminError(`${root.slice(1).join('/')} has no calendars yet: they are made when somebody logs in or is invited`)
  const collection = spellings(rest.join('/')).map(path => home.collection(path)).find(one => one !== undefined)
  if (collection === undefined) throw new AdminError(`${[...root.slice(1), ...rest].join('/')} is not there; ${whatIs(home, root.slice(1).join('/'), rest)}`)
  return { kind: kindOf(collection), segments: collection.path === '' ? root : [...root, ...collection.path.split('/')], owner, home, collection }
}

function namesIn (typed: string): string[] {
  const all = typed.split('/').filter(name => name !== '')
  const names = all[0] === 'calendars' ? all.slice(1) : all
  const [first = '', second] = names
  if (first === publicTree) return names
  if (!recordTypes.some(type => type === first)) return ['users', ...names]
  if (second === undefined) throw new AdminError(`${first} of whom? Expected a calendar like ${first}/NAME/calendar`)
  return names
}

function spellings (path: string): string[] {
  const other = otherSpelling(path)
  return other === undefined ? [path] : [path, other]
}

// the index of the server is its own; what is asked here is on the disk
function homeAt ({ settings, store }: Placing, root: readonly string[]): Home {
  const known = store?.home(root)
  if (known !== undefined) return known
  const nothing = (): void => {}
  const path = root.join('/')
  return new Home({ path, directory: `${settings.data.documents}/${path}`, indexFile: ':memory:', describe, holdsObjects, changed: nothing, met: nothing, lost: nothing, report: nothing })
}

function whatIs (home: Home, root: string, rest: readonly string[]): string {
  const above = home.collection(rest.slice(0, -1).join('/'))
  if (above?.holdsObjects === true) return `${root}/${above.path} is a calendar, and the lists of single events are changed by ACL requests only`
  const names = above === undefined ? [] : home.children(above.path).map(({ path }) => path)
  if (names.length === 0) return `there is nothing in ${root}${rest.length > 1 ? `/${rest.slice(0, -1).join('/')}` : ''}`
  return `there is ${names.slice(0, 20).map(path => `${path}${labelOf(home, path)}`).join(', ')}${names.length > 20 ? ' …' : ''}`
}

function labelOf (home: Home, path: string): string {
  const collection = home.collection(path)
  const title = collection === undefined ? undefined : titleOf(collection.directory)
  return title === undefined || title === path ? '' : ` (${JSON.stringify(title)})`
}

/** The display name of a directory; undefined when it has none. */
export function titleOf (directory: string): string | undefined {
  const xml = properties(directory, '').get(dav('displayname'))
  const property = xml === undefined ? undefined : fromStored(xml)
  return property === undefined || text(property).trim() === '' ? undefined : text(property).trim()
}

/** A path of a collection as it is typed: 'users/alice/work'. */
export function pathOf ({ segments }: Pick<Resource, 'segments'>): string {
  return segments.slice(1).join('/')
}

/**
 * The account that somebody names: 'groups/club'; 'alice' is a user.
 * @throws AdminError for nobody, with the nearest name, or all when they are few
 */
export function account (directory: Directory, typed: string): DirectoryRecord {
  const name = (typed.includes('/') ? typed : `users/${typed}`).normalize('NFC')
  const found = directory.byReference(name)
  if (found !== undefined) return found
  const names = recordTypes.flatMap(type => directory.all(type)).map(nameOf)
  const near = nearest(name, names.map(one => one.includes('/') ? one : `users/${one}`))
  const hint = near !== undefined ? `did you mean ${near.replace(/^users\//, '')}?` : names.length > 20 ? 'see caldavd user list' : `there is ${names.join(', ') || 'nobody'}`
  throw new AdminError(`there is no account ${typed.replace(/^users\//, '')}, ${hint}`)
}

/** How an account is typed and shown: 'alice', 'groups/club'. */
export function nameOf ({ type, name }: DirectoryRecord): string {
  return type === 'users' ? name : `${type}/${name}`
}
