import type { Collection } from '../../../store/home.js'
import { fileName } from '../../../store/name.js'
import { moveCollection } from '../../../store/tree.js'
import { moveMember } from '../../../store/write.js'
import { demandFreeUid, examine } from '../../calendar/rule.js'
import { demandRoom, translated } from '../../calendar/write.js'
import { vacancyIn } from '../../method/make.js'
import { demandNew } from '../../method/bulk.js'
import { demandQuota } from '../../site/quota.js'
import { holdsObjects } from '../../site/resource.js'
import type { Site } from '../../site/site.js'
import { AdminError, place, type Place } from '../place.js'
import { inForce } from '../words.js'
import { below, shownPath, spot, type Spot } from './spot.js'

/** Something that is moved, and where to: a place that is there, or a name in one. */
export interface Way {
  readonly from: Spot
  readonly parent: Place
  /** The last part of its new path. */
  readonly name: string
}

/**
 * Where something goes: into a collection that is there, or to a new name beside what is there.
 * @throws AdminError when it makes no sense
 */
export function wayOf (site: Site, typedFrom: string, typedTo: string): Way {
  const from = spot(site, typedFrom)
  if (from.member === undefined && from.kind !== 'calendar' && from.kind !== 'folder') throw new AdminError(`${shownPath(from)} stays where it is: events, calendars and folders are moved`)
  const own = from.member?.name ?? lastOf(from.collection)
  const into = collectionIf(site, typedTo)
  if (into !== undefined) {
    if (from.member === undefined && into.collection.holdsObjects) throw new AdminError(into.collection.directory === from.collection.directory ? `${shownPath(into)} is there already: it is the same` : `${shownPath(into)} is a calendar, which holds events only`)
    return { from, parent: into, name: own }
  }
  const names = typedTo.split('/').filter(name => name !== '')
  const name = names.at(-1) ?? ''
  const parent = place(site, names.slice(0, -1).join('/'))
  const isEvent = from.member !== undefined && parent.collection.holdsObjects && !/\.ics$/i.test(name)
  return { from, parent, name: fileName(isEvent ? `${name}.ics` : name) }
}

function collectionIf (site: Site, typed: string): Place | undefined {
  try {
    const found = spot(site, typed)
    return found.member === undefined ? found : undefined
  } catch (error) {
    if (error instanceof AdminError && !typed.endsWith('/')) return undefined
    throw error
  }
}

function lastOf ({ path }: Collection): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Whether it comes to somebody else. */
export function changesOwner ({ from, parent }: Way): boolean {
  return from.home !== parent.home
}

/** Who may do what with a collection by what was granted there: it goes with it. */
export function grantsOf (site: Site, { from }: Way): readonly string[] {
  return from.member !== undefined ? [] : inForce(site, from).filter(({ why }) => why.endsWith(' here')).map(({ who, may }) => `${who}: ${may}`)
}

/** Moves it; nothing is ever replaced. @returns its new path as it is shown @throws AdminError, DavError, StoreError */
export async function move (site: Site, way: Way): Promise<string> {
  const { from, parent } = way
  if (from.member === undefined) await moveTree(site, way)
  else await moveEvent(site, way, from.member.name)
  return `${shownPath(parent)}/${way.name}`
}

async function moveEvent (site: Site, way: Way, own: string): Promise<void> {
  const { from, parent, name } = way
  const content = from.home.content(from.collection, own)
  if (content === undefined) throw new AdminError(`${shownPath(from, own)} was removed`)
  await parent.home.fresh(parent.collection)
  const isSame = from.home === parent.home && from.collection.id === parent.collection.id
  if (isSame && own === name) throw new AdminError(`${shownPath(from, own)} is there already: it is the same`)
  if (!parent.collection.holdsObjects) throw new AdminError(`${shownPath(parent)} is no calendar`)
  const { uid } = await examine({ site, calendar: parent, bytes: content.bytes, mediaType: undefined })
  if (!isSame) demandRoom(site, parent, name)
  await translated(moveMember(site.store.writing, { ...from, name: own }, { ...parent, name }, current => {
    if (current !== undefined) demandNew(`${shownPath(parent)}/${name}`, current)
    demandFreeUid({ calendar: parent }, name, uid, current, isSame ? own : undefined)
    if (changesOwner(way)) demandQuota(site, parent, content.bytes.length)
  }))
}

async function moveTree (site: Site, way: Way): Promise<void> {
  const { from, parent, name } = way
  if (from.home === parent.home && (parent.collection.path === from.collection.path || parent.collection.path.startsWith(`${from.collection.path}/`))) throw new AdminError(`${shownPath(from)} cannot go into itself`)
  const { path } = vacancyIn(site, parent, name, from.home === parent.home ? from.collection.path : undefined)
  // what is a calendar by where it lies would be none deeper down
  if (from.collection.holdsObjects !== holdsObjects(path, from.collection.resourcetype)) throw new AdminError(`${shownPath(from)} has no DAV:resourcetype, as directories that were made by hand: it is a calendar only directly in a home`)
  await freshBelow(from)
  await translated(moveCollection(site.store.writing, from.home, from.collection, parent.home, path, () => {
    if (parent.home.collection(path) !== undefined || parent.home.member(parent.collection, name) !== undefined) throw new AdminError(`${shownPath(parent)}/${name} is there already: remove it first`)
    if (changesOwner(way)) demandQuota(site, parent, from.home.bytesBelow(from.collection.path))
  }))
}

// the quota is asked for what is counted
async function freshBelow (at: Place): Promise<void> {
  await at.home.fresh(at.collection)
  if (!at.collection.holdsObjects) for (const child of below(at)) await freshBelow(child)
}
