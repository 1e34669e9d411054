import { wrappedAcl } from '../../twistedcompat/acl.js'
import type { Collection, Home, Member } from '../../store/home.js'
import { copyCollection, deleteCollection, moveCollection } from '../../store/tree.js'
import { inTurn } from '../../store/turn.js'
import { copyMember, deleteMember, moveMember, type Guard, type Spot } from '../../store/write.js'
import { allowed, demand, demandSight } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { demandFreeUid, examine } from '../calendar/rule.js'
import { demandRoom, translated, type Holder } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { depth, destination, overwrite } from '../dav/header.js'
import { segments as segmentsOf } from '../dav/href.js'
import { placeOf, type Lock } from '../site/lock.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, kindOf, parentOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandTreeUnlocked, demandUnlocked, endingWith } from './locked.js'
import { vacancyIn } from './make.js'
import { demandOthers, missing, obstaclesReply, type Obstacle } from './obstacle.js'
import { wantedRepresentation } from './representation.js'
import { demandConditions, holderOf, stateOf } from './target.js'
import { demandFit, demandOwnRules, overwriteObstacles, sourceObstacles } from './transfer-obstacle.js'

/** One COPY or MOVE: what is where. */
export interface Transfer {
  readonly request: DavRequest
  readonly moves: boolean
  readonly source: Resource
  readonly sourceParent: Resource
  readonly target: Resource
  readonly parent: Resource
  /** The last segment of the target's path, decoded. */
  readonly name: string
  /** All that is below goes with it. */
  readonly deep: boolean
}

/** Who may do what with a copy is settled anew (RFC 3744 7.4). */
const notCopied: readonly string[] = [dav('acl'), wrappedAcl]

/** RFC 4918 9.8 and 9.9: COPY and MOVE are one way with two ends. */
export async function transfer (request: DavRequest, moves: boolean): Promise<DavReply> {
  const { site, user, headers, target: source } = request
  const to = segmentsOf(destination(headers, request.origins))
  demand(user, source, dav('read'))
  const sourceParent = await parentOf(site, source)
  if (moves) demand(user, sourceParent, dav('unbind'))
  const target = await reach(user, to.segments)
  demandSight(user, target, { makes: true })
  const deep = source.member !== undefined || depth(headers, 'infinity', moves ? ['infinity'] : ['0', 'infinity']) === 'infinity'
  const all: Transfer = { request, moves, source, sourceParent, target, parent: await parentOf(site, target), name: to.segments.at(-1) ?? '', deep }
  authorize(all)
  demandApart(source, target)
  demandConditions(request, source.member === undefined ? { exists: true } : stateOf(source.member))
  if (target.kind !== 'unmapped' && !overwrite(headers)) throw new DavError(412, `${hrefOf(target)} exists and Overwrite is F`)
  demandEndsUnlocked(all)
  const obstacles = source.member === undefined ? await transferCollection(all) : await transferMember(all, holderOf(all.parent))
  if (obstacles.length > 0) return obstaclesReply(obstacles)
  const location: Record<string, string> = target.kind === 'unmapped' ? { location: hrefOf({ ...target, kind: source.kind }) } : {}
  // RFC 8144 3.1
  const stored = await wantedRepresentation(request, target.segments)
  if (stored !== undefined) return { status: target.kind === 'unmapped' ? 201 : 200, headers: { ...location, ...stored.headers }, body: stored.body }
  return target.kind === 'unmapped' ? { status: 201, headers: location } : { status: 204 }
}

/** RFC 3744 appendix B */
function authorize ({ request: { user }, moves, source, target, parent }: Transfer): void {
  if (target.kind === 'unmapped') {
    if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
    return
  }
  if (moves || !isFileOverFile(source, target)) for (const privilege of ['bind', 'unbind']) demand(user, parent, dav(privilege))
  if (!moves) for (const privilege of ['write-content', 'write-properties']) demand(user, target, dav(privilege))
}

/** Everything else than a file over a file removes what was there and puts something new there. */
function isFileOverFile (source: Resource, target: Resource): boolean {
  return source.member !== undefined && target.member !== undefined
}

function demandApart (source: Resource, target: Resource): void {
  const [from, to] = [placeOf(source), placeOf(target)]
  if (from === undefined || to === undefined) return
  if (from === to) throw new DavError(403, 'source and destination are the same')
  if (source.member === undefined && to.startsWith(`${from}/`)) throw new DavError(403, `${hrefOf(target)} lies inside ${hrefOf(source)}`)
  if (from.startsWith(`${to}/`)) throw new DavError(403, `${hrefOf(source)} lies inside ${hrefOf(target)}, which it would replace`)
}

/** The locks on both ends and on the collections whose members change (RFC 4918 7.4); those below are for `obstacles`. */
function demandEndsUnlocked ({ request, moves, source, sourceParent, target, parent }: Transfer): void {
  if (moves) demandUnlocked(request, source, sourceParent)
  demandUnlocked(request, target)
  if (moves || !isFileOverFile(source, target)) demandUnlocked(request, parent)
}

/** The same at the moment of writing, with all that is below. @returns the locks that end with it */
function lastLook (all: Transfer): Lock[] {
  const { request, moves, source, target } = all
  demandEndsUnlocked(all)
  demandFit(all)
  if (moves) demandTreeUnlocked(request, source)
  const isReplaced = target.kind !== 'unmapped' && target.member === undefined
  if (isReplaced) demandTreeUnlocked(request, target)
  // RFC 4918 7.6: what is locked at the destination stays so, what was below it is gone
  const place = placeOf(target)
  return [...moves ? endingWith(request, source) : [], ...isReplaced ? endingWith(request, target).filter(lock => lock.place !== place) : []]
}

async function transferMember (all: Transfer, folder: Holder): Promise<Obstacle[]> {
  const { request, moves, source, target, name } = all
  const { site } = request
  const { home, collection, member } = source
  if (home === undefined || collection === undefined || member === undefined) throw new DavError(404, 'there is nothing to copy or move')
  demandReplaceable(target)
  if (moves) demandOwnRules(all, source)
  const obstacles = await overwriteObstacles(all)
  demandOthers(request, obstacles)
  if (obstacles.length > 0) return obstacles
  const from: Spot = { home, collection, name: member.name }
  const to: Spot = { home: folder.home, collection: folder.collection, name }
  const rules = await guardOf(all, from, folder)
  let ending = lastLook(all)
  const guard: Guard = current => {
    rules(current)
    ending = [...new Set([...ending, ...lastLook(all)])]
  }
  if (target.member === undefined) await clear(all)
  await translated(moves ? moveMember(site.store.writing, from, to, guard) : copyMember(site.store.writing, from, to, guard, notCopied))
  for (const lock of ending) site.locks.release(lock)
  return []
}

/** The rules of the collection that a file comes into; they hold at the moment of writing. */
async function guardOf ({ request: { site }, moves, name }: Transfer, from: Spot, folder: Holder): Promise<Guard> {
  if (!folder.collection.holdsObjects) return () => {}
  const content = from.home.content(from.collection, from.name)
  if (content === undefined) throw new DavError(404, `${from.name} does not exist`)
  const facts = await examine({ site, calendar: folder, bytes: content.bytes, mediaType: undefined })
  await folder.home.fresh(folder.collection)
  const leaving = moves && from.home === folder.home && from.collection.id === folder.collection.id ? from.name : undefined
  if (leaving === undefined) demandRoom(site, folder, name)
  // RFC 4791 5.3.2.1: an object is not overwritten by one with another UID, by COPY and MOVE neither
  return current => { demandFreeUid({ calendar: folder }, name, facts.uid, current, leaving) }
}

/** @returns why nothing was done, or what was left out of a copy */
async function transferCollection (all: Transfer): Promise<Obstacle[]> {
  const { request, moves, source, target, parent, name, deep } = all
  const { site } = request
  const { home, collection } = source
  if (home === undefined || collection === undefined) throw new DavError(403, `${hrefOf(source)} cannot be copied or moved`)
  const place = vacancyIn(site, parent, name, moves && parent.home === home ? collection.path : undefined)
  demandReplaceable(target)
  const obstacles = [...moves ? await sourceObstacles(all) : [], ...await overwriteObstacles(all)]
  demandOthers(request, obstacles)
  if (obstacles.length > 0) return obstacles
  let ending = lastLook(all)
  const guard = (): void => { ending = [...new Set([...ending, ...lastLook(all)])] }
  if (target.member !== undefined) await clear(all)
  const leftOut: Obstacle[] = []
  if (moves) await translated(moveCollection(site.store.writing, home, collection, place.home, place.path, guard))
  else {
    // the quota of the next copy has to know of this one
    await inTurn(`copy into ${place.home.path}`, async () => {
      const made = await translated(copyCollection(site.store.writing, home, collection, place.home, place.path, { members: deep, keeps: readable(all, leftOut), without: notCopied, guard }))
      await freshBelow(place.home, made)
    })
  }
  for (const lock of ending) site.locks.release(lock)
  return leftOut
}

/**
 * What may be read is copied. RFC 4918 9.8.3 wants to hear what could not be; the collection it lies in is named instead of
 * what one may not see.
 */
function readable ({ request, source }: Transfer, leftOut: Obstacle[]): (collection: Collection, member: Member | undefined) => boolean {
  const { user } = request
  const { home, owner } = source
  const from = source.collection?.path ?? ''
  const resourceOf = (collection: Collection, member?: Member): Resource => {
    const below = collection.path.slice(from.length).split('/').filter(segment => segment !== '')
    const segments = [...source.segments, ...below, ...member === undefined ? [] : [member.name]]
    return { kind: member === undefined ? kindOf(collection) : collection.holdsObjects ? 'event' : 'file', segments, owner, home, collection, member }
  }
  return (collection, member) => {
    const resource = resourceOf(collection, member)
    if (allowed(user, resource, dav('read'))) return true
    const around = home?.collection(member === undefined ? collection.path.slice(0, collection.path.lastIndexOf('/')) : collection.path)
    leftOut.push(missing(request, dav('read'), resource, ...around === undefined ? [] : [resourceOf(around)], source))
    return false
  }
}

async function freshBelow (home: Home, collection: Collection): Promise<void> {
  await home.fresh(collection)
  if (!collection.holdsObjects) for (const child of home.children(collection.path)) await freshBelow(home, child)
}

/** Calendars are never overwritten, with a folder around them neither: that is how whole calendars get lost; who wants it deletes first. @throws DavError 403 */
function demandReplaceable ({ kind, ...target }: Resource): void {
  if (kind === 'folder' && holdsCalendars(target.home, target.collection)) throw new DavError(403, `${hrefOf({ kind, ...target })} holds a calendar and is not overwritten: remove it first`)
  if (kind !== 'unmapped' && kind !== 'event' && kind !== 'file' && kind !== 'folder') throw new DavError(403, `${hrefOf({ kind, ...target })} is not overwritten: remove it first`)
}

function holdsCalendars (home: Home | undefined, collection: Collection | undefined): boolean {
  if (home === undefined || collection === undefined) return false
  return home.children(collection.path).some(child => child.holdsObjects || holdsCalendars(home, child))
}

/** Removes something of the other sort that is in the way, after everything else has been checked. */
async function clear ({ request: { site }, target: { kind, home, collection, member } }: Transfer): Promise<void> {
  if (kind === 'unmapped' || home === undefined || collection === undefined) return
  if (member === undefined) await translated(deleteCollection(site.store.writing, home, collection))
  else await translated(deleteMember(site.store.writing, home, collection, member.name, () => {}))
}
