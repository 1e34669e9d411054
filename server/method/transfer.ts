import { demand, demandSight } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import type { Member } from '../../store/home.js'
import { copyCollection, deleteCollection, moveCollection } from '../../store/tree.js'
import { copyMember, deleteMember, moveMember, type Guard, type Spot } from '../../store/write.js'
import { demandFreeUid, examine } from '../calendar/rule.js'
import { demandRoom, translated, type Holder } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { depth, destination, overwrite } from '../dav/header.js'
import { segments as segmentsOf } from '../dav/href.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, parentOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { vacancyIn } from './make.js'
import { demandConditions, holderOf, stateOf } from './target.js'

/** RFC 4918 9.8 and 9.9: COPY and MOVE are one way with two ends. */
export async function transfer (request: DavRequest, moves: boolean): Promise<DavReply> {
  const { site, user, headers, target: source } = request
  const to = segmentsOf(destination(headers, request.origins))
  demand(user, source, dav('read'))
  if (moves) demand(user, await parentOf(site, source), dav('unbind'))
  const target = await reach(user, to.segments)
  const parent = await parentOf(site, target)
  authorize(request, target, parent)
  demandApart(source, target)
  demandConditions(request, source.member === undefined ? { exists: true } : stateOf(source.member))
  if (target.kind !== 'unmapped' && !overwrite(headers)) throw new DavError(412, `${hrefOf(target)} exists and Overwrite is F`)
  const name = to.segments.at(-1) ?? ''
  if (source.member !== undefined) await transferMember(request, target, holderOf(parent), name, moves)
  else await transferCollection(request, target, parent, name, moves)
  return target.kind === 'unmapped' ? { status: 201, headers: { location: hrefOf({ ...target, kind: source.kind }) } } : { status: 204 }
}

function authorize ({ user }: DavRequest, target: Resource, parent: Resource): void {
  demandSight(user, target)
  if (parent.kind === 'unmapped' && parent.owner === undefined) return
  demand(user, parent, dav('bind'))
  if (target.kind !== 'unmapped') demand(user, parent, dav('unbind'))
}

function demandApart (source: Resource, target: Resource): void {
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

async function transferMember (request: DavRequest, target: Resource, folder: Holder, name: string, moves: boolean): Promise<void> {
  const { site, target: { home, collection, member } } = request
  if (home === undefined || collection === undefined || member === undefined) throw new DavError(404, 'there is nothing to copy or move')
  demandReplaceable(target)
  const from: Spot = { home, collection, name: member.name }
  const to: Spot = { home: folder.home, collection: folder.collection, name }
  const guard = await guardOf(request, from, folder, name, moves)
  if (target.member === undefined) await clear(request, target)
  await translated((moves ? moveMember : copyMember)(site.store.writing, from, to, guard))
}

/** The rules of the collection that a file comes into; they hold at the moment of writing. */
async function guardOf (request: DavRequest, from: Spot, folder: Holder, name: string, moves: boolean): Promise<Guard> {
  if (!folder.collection.holdsObjects) return () => {}
  const content = from.home.content(from.collection, from.name)
  if (content === undefined) throw new DavError(404, `${from.name} does not exist`)
  const facts = examine({ site: request.site, calendar: folder, bytes: content.bytes, mediaType: undefined })
  await folder.home.fresh(folder.collection)
  const leaving = moves && from.home === folder.home && from.collection.id === folder.collection.id ? from.name : undefined
  if (leaving === undefined) demandRoom(request.site, folder, name)
  // what is overwritten goes, with its UID (RFC 4918 9.9.3)
  return (current: Member | undefined) => { demandFreeUid({ calendar: folder }, name, facts.uid, current?.uid === facts.uid ? current : undefined, leaving ?? current?.name) }
}

async function transferCollection (request: DavRequest, target: Resource, parent: Resource, name: string, moves: boolean): Promise<void> {
  const { site, headers, target: source } = request
  const { home, collection } = source
  const reach = depth(headers, 'infinity', moves ? ['infinity'] : ['0', 'infinity'])
  if (home === undefined || collection === undefined) throw new DavError(403, `${hrefOf(source)} cannot be copied or moved`)
  const place = vacancyIn(site, parent, name, moves && parent.home === home ? collection.path : undefined)
  demandReplaceable(target)
  if (target.member !== undefined) await clear(request, target)
  if (moves) await translated(moveCollection(site.store.writing, home, collection, place.home, place.path))
  else await translated(copyCollection(site.store.writing, home, collection, place.home, place.path, reach === 'infinity'))
}

/** Calendars are never overwritten: that is how whole calendars get lost; who wants it deletes first. @throws DavError 403 */
function demandReplaceable ({ kind, ...target }: Resource): void {
  if (kind !== 'unmapped' && kind !== 'event' && kind !== 'file' && kind !== 'folder') throw new DavError(403, `${hrefOf({ kind, ...target })} is not overwritten: remove it first`)
}

/** Removes something of the other sort that is in the way, after everything else has been checked. */
async function clear ({ site }: DavRequest, { kind, home, collection, member }: Resource): Promise<void> {
  if (kind === 'unmapped' || home === undefined || collection === undefined) return
  if (member === undefined) await translated(deleteCollection(site.store.writing, home, collection))
  else await translated(deleteMember(site.store.writing, home, collection, member.name, () => {}))
}
