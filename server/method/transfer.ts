import { demand } from '../acl/check.js'
import type { Member } from '../../store/home.js'
import { copyCollection, deleteCollection, moveCollection } from '../../store/tree.js'
import { copyMember, deleteMember, moveMember, type Guard, type Spot } from '../../store/write.js'
import { demandFreeUid, examine } from '../calendar/rule.js'
import { translated, type Holder } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import { depth, destination, overwrite } from '../dav/header.js'
import { segments as segmentsOf } from '../dav/href.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, locate, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandConditions } from './put.js'
import { canHold, found, parentOf } from './target.js'

/** RFC 4918 9.8 and 9.9: COPY and MOVE are one way with two ends. */
export async function transfer (request: DavRequest, moves: boolean): Promise<DavReply> {
  const { site, user, headers, path } = request
  const to = segmentsOf(destination(headers, request.origins))
  const source = found(await locate(site, path.segments), request)
  demand(user, source, dav('read'))
  if (moves) demand(user, await parentOf(site, path.segments), dav('unbind'))
  const target = await locate(site, to.segments)
  const parent = await parentOf(site, to.segments)
  authorize(request, target, parent)
  demandApart(source, target)
  const folder = folderOf(parent)
  if (target.kind !== 'unmapped' && !overwrite(headers)) throw new DavError(412, `${hrefOf(target)} exists and Overwrite is F`)
  const name = to.segments.at(-1) ?? ''
  const created = source.member !== undefined
    ? await transferMember(request, source, target, folder, name, moves)
    : await transferCollection(request, source, target, folder, name, moves)
  return { status: created ? 201 : 204, headers: created ? { location: hrefOf({ ...target, kind: source.kind }) } : {} }
}

function authorize ({ user }: DavRequest, target: Resource, parent: Resource): void {
  if (parent.kind === 'unmapped' && parent.owner === undefined) return
  demand(user, parent, dav('bind'))
  if (target.kind !== 'unmapped') demand(user, parent, dav('unbind'))
}

function folderOf (parent: Resource): Holder {
  // RFC 4918 9.8.5
  if (parent.kind === 'unmapped') throw new DavError(409, `the collection ${hrefOf(parent)} does not exist`)
  if (!canHold(parent) || parent.kind === 'inbox' || parent.kind === 'outbox' || parent.home === undefined || parent.collection === undefined) throw new DavError(403, `${hrefOf(parent)} takes nothing from clients`)
  return { ...parent, home: parent.home, collection: parent.collection }
}

function demandApart (source: Resource, target: Resource): void {
  if (source.home === undefined || source.collection === undefined) throw new DavError(403, `${hrefOf(source)} cannot be copied or moved`)
  if (target.home !== source.home) return
  const from = pathOf(source)
  const to = pathOf(target)
  if (from === to) throw new DavError(403, 'source and destination are the same')
  if (source.member === undefined && to.startsWith(`${from}/`)) throw new DavError(403, `${hrefOf(target)} lies inside ${hrefOf(source)}`)
  if (from.startsWith(`${to}/`)) throw new DavError(403, `${hrefOf(source)} lies inside ${hrefOf(target)}, which it would replace`)
}

/** The path below the home, whatever alias was used. */
function pathOf ({ segments }: Resource): string {
  return segments.slice(3).join('/')
}

async function transferMember (request: DavRequest, source: Resource, target: Resource, folder: Holder, name: string, moves: boolean): Promise<boolean> {
  const { site } = request
  const { home, collection, member } = source
  if (home === undefined || collection === undefined || member === undefined) throw new DavError(404, `${hrefOf(source)} does not exist`)
  const replaced = await clear(request, target, true)
  const from: Spot = { home, collection, name: member.name }
  const to: Spot = { home: folder.home, collection: folder.collection, name }
  const guard = await guardOf(request, from, folder, name, moves)
  demandConditions(request, home.member(collection, member.name))
  const { created } = await translated((moves ? moveMember : copyMember)(site.store.writing, from, to, guard))
  return created && !replaced
}

/** The rules of the collection that a file comes into; they hold at the moment of writing. */
async function guardOf (request: DavRequest, from: Spot, folder: Holder, name: string, moves: boolean): Promise<Guard> {
  if (!folder.collection.holdsObjects) return () => {}
  const content = from.home.content(from.collection, from.name)
  if (content === undefined) throw new DavError(404, `${from.name} does not exist`)
  const facts = examine({ site: request.site, calendar: folder, bytes: content.bytes, mediaType: undefined })
  await folder.home.fresh(folder.collection)
  const leaving = moves && from.home === folder.home && from.collection.id === folder.collection.id ? from.name : undefined
  // what is overwritten goes, with its UID (RFC 4918 9.9.3)
  return (current: Member | undefined) => { demandFreeUid({ calendar: folder }, name, facts.uid, current?.uid === facts.uid ? current : undefined, leaving ?? current?.name) }
}

async function transferCollection (request: DavRequest, source: Resource, target: Resource, folder: Holder, name: string, moves: boolean): Promise<boolean> {
  const { site, headers } = request
  const { home, collection, kind } = source
  const reach = depth(headers, 'infinity', moves ? ['infinity'] : ['0', 'infinity'])
  if (home === undefined || collection === undefined || (kind !== 'calendar' && kind !== 'folder')) throw new DavError(403, `${hrefOf(source)} cannot be copied or moved`)
  // RFC 4791 4.2
  if (folder.kind === 'calendar') throw failed('calendar-collection-location-ok', `${hrefOf(folder)} takes no collections`)
  const replaced = await clear(request, target, false)
  const path = folder.collection.path === '' ? name : `${folder.collection.path}/${name}`
  if (moves) await translated(moveCollection(site.store.writing, home, collection, folder.home, path))
  else await translated(copyCollection(site.store.writing, home, collection, folder.home, path, reach === 'infinity'))
  return target.kind === 'unmapped' && !replaced
}

/**
 * Makes room where something of the other sort is in the way. Calendars are never overwritten: that is how whole calendars
 * get lost; who wants it deletes first.
 * @returns whether something was removed
 */
async function clear ({ site }: DavRequest, target: Resource, forFile: boolean): Promise<boolean> {
  const { home, collection, member, kind } = target
  if (kind === 'unmapped' || home === undefined || collection === undefined) return false
  if (member === undefined && kind !== 'folder') throw new DavError(403, `${hrefOf(target)} is not overwritten: remove it first`)
  if (forFile === (member !== undefined)) return false
  if (member === undefined) await translated(deleteCollection(site.store.writing, home, collection))
  else await translated(deleteMember(site.store.writing, home, collection, member.name, () => {}))
  return true
}
