import { fileName } from '../../store/name.js'
import { allowed, demand, refusal } from '../acl/check.js'
import { writeFile } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { depth, timeout } from '../dav/header.js'
import { submittedTokens } from '../dav/if-header.js'
import { Multistatus } from '../dav/multistatus.js'
import { keepHrefs } from '../dav/prefix.js'
import { multistatusReply, xmlType } from '../dav/reply.js'
import { activeLocks, lockable } from '../property/lock.js'
import { conflictError, placeOf, type Lock, type Wish } from '../site/lock.js'
import { xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, parentOf, type Resource } from '../site/resource.js'
import { child, elements, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { declarations, fragment, xmlDeclaration } from '../xml/write.js'
import { demandUnlocked, ifLists, locksOn, noSuchLock } from './locked.js'
import type { Method } from './method.js'
import { refusals, type Obstacle } from './obstacle.js'
import { demandConditions, holderOf, stateOf } from './target.js'

/** RFC 4918 9.10 */
export const lock: Method = { name: 'LOCK', on: [...lockable, 'unmapped'], run }

/** Of DAV:owner, as text. */
const mostOwnerBytes = 4096

async function run (request: DavRequest): Promise<DavReply> {
  const { user, target } = request
  // RFC 4918 6.4: whoever may use a lock has to be somebody
  if (user.record === undefined) throw refusal(user, target, dav('write-content'))
  const body = xmlBody(request)
  if (body === undefined) return await refresh(request)
  const asked = { ...wishIn(body), deep: depth(request.headers, 'infinity', ['0', 'infinity']) === 'infinity', creator: user.record.guid }
  return target.kind === 'unmapped' ? await reserve(request, asked) : await lockExisting(request, asked)
}

type Asked = Pick<Wish, 'scope' | 'owner' | 'deep' | 'creator'>

/** A DAV:lockinfo. @throws DavError 400 malformed, 422 another type of lock, 413 too long an owner */
function wishIn (body: Element): Pick<Wish, 'scope' | 'owner'> {
  if (body.name !== dav('lockinfo')) throw new DavError(400, `LOCK expects DAV:lockinfo, not ${body.name}`)
  const [scope, type] = [dav('lockscope'), dav('locktype')].map(name => {
    const holder = child(body, name)
    const [only, ...others] = holder === undefined ? [] : elements(holder)
    if (only === undefined || others.length > 0) throw new DavError(400, `LOCK expects ${name} with one element`)
    return only.name
  })
  if (type !== dav('write')) throw new DavError(422, `there are locks of the type DAV:write only, not ${type ?? ''}`)
  if (scope !== dav('exclusive') && scope !== dav('shared')) throw new DavError(422, `locks are DAV:exclusive or DAV:shared, not ${scope ?? ''}`)
  const sent = child(body, dav('owner'))
  const owner = sent === undefined ? undefined : keepHrefs(fragment(sent))
  if (owner !== undefined && Buffer.byteLength(owner) > mostOwnerBytes) throw new DavError(413, `DAV:owner has ${Buffer.byteLength(owner)} bytes, at most ${mostOwnerBytes} are kept`)
  return { scope: scope === dav('exclusive') ? 'exclusive' : 'shared', owner }
}

async function lockExisting (request: DavRequest, asked: Asked): Promise<DavReply> {
  const { site: { locks }, user, target, headers } = request
  demand(user, target, dav('write-content'))
  demandConditions(request, target.member === undefined ? { exists: true } : stateOf(target.member))
  const place = placeOf(target)
  if (place === undefined) throw new DavError(403, `${hrefOf(target)} cannot be locked`)
  const isCollection = target.member === undefined
  const wish: Wish = { ...asked, place, segments: target.segments, href: hrefOf(target) }
  if (isCollection && asked.deep) {
    const refused = await refusals(request, target, dav('write-content'))
    const above = locks.conflicts({ ...wish, deep: false })
    const below = locks.conflicts(wish).filter(each => !above.includes(each))
    const obstacles = [...refused, ...below.map(each => conflict(target, place, each))]
    if (above.length === 0 && obstacles.length > 0) return allOrNone(hrefOf(target), obstacles)
  }
  return reply(request, locks.take(wish, timeout(headers)), 200)
}

function conflict (target: Resource, place: string, other: Lock): Obstacle {
  return { href: hrefOf({ ...target, segments: [...target.segments, ...other.place.slice(place.length + 1).split('/')], kind: other.href.endsWith('/') ? 'folder' : 'file' }), error: conflictError([other]) }
}

// RFC 4918 9.10.3 and its example 9.10.9: either everything is locked or nothing
function allOrNone (href: string, obstacles: readonly Obstacle[]): DavReply {
  const multistatus = new Multistatus()
  for (const [each, error] of new Map(obstacles.map(({ href, error }) => [href, error]))) multistatus.addError(each, error)
  if (!obstacles.some(each => each.href === href)) multistatus.addStatus(href, 424)
  return multistatusReply(multistatus)
}

/**
 * RFC 4918 7.3, 9.10.4: a name under which nothing is yet is locked, and an empty file made there. No object of a calendar
 * is empty, so there the name alone is kept, as RFC 2518 7.4 has it: until the lock ends nobody else can PUT there.
 */
async function reserve (request: DavRequest, asked: Asked): Promise<DavReply> {
  const { site, user, target, path, headers } = request
  const parent = await parentOf(site, target)
  if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
  if (path.collection) throw new DavError(405, `LOCK makes files, and the path ${hrefOf(target)} ends in a slash`)
  const folder = holderOf(parent)
  const name = fileName(path.segments.at(-1) ?? '')
  const place = placeOf(target)
  if (place === undefined) throw new DavError(403, `${hrefOf(target)} cannot be locked`)
  demandConditions(request, { exists: false })
  demandUnlocked(request, parent)
  const taken = site.locks.take({ ...asked, place, segments: target.segments, href: hrefOf(target) }, timeout(headers))
  try {
    if (!folder.collection.holdsObjects) {
      await writeFile(site, folder, name, Buffer.alloc(0), current => {
        if (current !== undefined) throw new DavError(409, `${hrefOf(target)} was made in the meantime: try again`)
        demandUnlocked(request, parent)
      })
    }
  } catch (error) {
    site.locks.release(taken)
    throw error
  }
  return reply(request, taken, 201)
}

/** RFC 4918 9.10.2 */
async function refresh (request: DavRequest): Promise<DavReply> {
  const { site, user, target, headers } = request
  const tokens = submittedTokens(ifLists(request))
  if (tokens.size === 0) throw new DavError(400, 'LOCK without a body refreshes a lock, and expects an If header with its token')
  const [mine, ...others] = locksOn(request, target).filter(({ token }) => tokens.has(token))
  if (mine === undefined) throw noSuchLock(target.segments)
  if (others.length > 0) throw new DavError(400, 'one lock can be refreshed at a time')
  if (mine.creator !== user.record?.guid) throw new DavError(403, `the lock of ${mine.href} is somebody else's`)
  if (target.kind === 'unmapped') demand(user, await parentOf(site, target), dav('bind'))
  else demand(user, target, dav('write-content'))
  site.locks.refresh(mine, timeout(headers))
  return reply(request, mine, 200, false)
}

function reply (request: DavRequest, taken: Lock, status: number, isNew = true): DavReply {
  const { site: { locks }, target, user } = request
  // the locks of others are for those who may read
  const shown = allowed(user, target, dav('read')) ? [taken, ...locksOn(request, target).filter(({ token }) => token !== taken.token)] : [taken]
  return {
    status,
    headers: { 'content-type': xmlType, 'cache-control': 'no-cache', ...isNew ? { 'lock-token': `<${taken.token}>` } : {} },
    body: `${xmlDeclaration}<D:prop${declarations}><D:lockdiscovery>${activeLocks(locks, shown)}</D:lockdiscovery></D:prop>`
  }
}
