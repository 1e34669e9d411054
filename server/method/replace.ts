import type { Member } from '../../store/home.js'
import type { Facts } from '../../store/index/fact.js'
import { body } from '../../store/index/search.js'
import { demand } from '../acl/check.js'
import { heavyBytes } from '../calendar/heavy.js'
import { prepare, removeMember, textOf, writePrepared, type Holder } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import type { State } from '../dav/header.js'
import { decode, parse } from '../ical/parse.js'
import type { SplitObject } from '../ical/split.js'
import { write } from '../ical/write.js'
import type { Lock } from '../site/lock.js'
import { demandQuota } from '../site/quota.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandNew, inFile, nameFor, objectsIn, Pauses, Room } from './bulk.js'
import { get } from './get.js'
import { readableMembers } from './listing.js'
import { demandTreeUnlocked, demandUnlocked, endingWith } from './locked.js'
import { demandConditions, holderOf } from './target.js'

/** What is to be stored: in place of a member, or as a new one. */
interface Step { readonly object: SplitObject, readonly facts: Facts, readonly before: Member | undefined }

/** Directories of the calendars that are being replaced: two at a time would each remove what the other keeps. */
const underway = new Set<string>()
/** A replacement takes so many seconds or less, mostly. */
const retryAfter = '5'

interface Plan { readonly steps: readonly Step[], readonly leaving: readonly Member[] }

/**
 * PUT of a whole file on a calendar: afterwards the calendar holds what is in the file and nothing else, as far as who asks may read it.
 * Everything is looked at before the first write; an object whose content is the same is left as it is; what is not in the file is
 * removed last, when all the rest is stored.
 * @throws DavError of the first object that cannot be stored, 412, 423, 507 (also when repeated time zones would take too much);
 * 409 when somebody else changed something meanwhile, with Retry-After while another replacement of the calendar runs
 */
export async function replaceCalendar (request: DavRequest): Promise<DavReply> {
  const { user, target } = request
  for (const privilege of ['bind', 'unbind', 'write-content']) demand(user, target, dav(privilege))
  if (header(request, 'content-range') !== undefined) throw new DavError(400, 'PUT of a part (Content-Range) is not supported')
  const calendar = holderOf(target)
  const { directory } = calendar.collection
  if (underway.has(directory)) throw new DavError(409, `${hrefOf(calendar)} is being replaced by another PUT just now: try again when that is done`, { headers: { 'retry-after': retryAfter } })
  underway.add(directory)
  try {
    return await replaced(request, calendar)
  } finally {
    underway.delete(directory)
  }
}

async function replaced (request: DavRequest, calendar: Holder): Promise<DavReply> {
  const { target } = request
  const mayWrite = async (): Promise<void> => {
    demandConditions(request, await stateOf(request))
    demandTreeUnlocked(request, target)
  }
  await mayWrite()
  const { bytes } = await textOf({ bytes: request.body, mediaType: header(request, 'content-type') })
  const objects = await objectsIn(bytes, request.site.settings.limits.importObjects)
  if (objects.length === 0) throw failed('valid-calendar-object-resource', 'there is no event or task in the file: a calendar is not emptied in this way')
  const room = new Room(bytes.length)
  for (const object of objects) {
    const lack = room.lackFor(object)
    if (lack !== undefined) throw failed('quota-not-exceeded', lack, lack)
  }
  const { steps, leaving } = await plan(request, calendar, objects)
  await mayWrite()
  const pauses = new Pauses()
  for (const step of steps) {
    await store(request, calendar, step)
    await pauses.pause()
  }
  for (const member of leaving) {
    await remove(request, calendar, member)
    await pauses.pause()
  }
  return { status: 204 }
}

/** What GET says of the calendar: its ETag is that of the stream of its events. */
async function stateOf (request: DavRequest): Promise<State> {
  const { target } = request
  const headers = { 'accept': header(request, 'accept') ?? 'text/calendar', 'caldav-timezones': header(request, 'caldav-timezones') }
  const reply = await get.run({ ...request, method: 'GET', path: { segments: target.segments, collection: true }, headers, body: Buffer.alloc(0) })
  const modified = reply.headers?.['last-modified']
  return { exists: true, etag: reply.headers?.['etag'], modified: modified === undefined ? undefined : new Date(modified) }
}

async function plan (request: DavRequest, calendar: Holder, objects: readonly SplitObject[]): Promise<Plan> {
  const { site } = request
  const { members } = await readableMembers(request, calendar)
  const present = new Map(members.flatMap(({ member }) => member === undefined ? [] : [[member.uid, member] as const]))
  const steps: Step[] = []
  const seen = new Set<string>()
  const pauses = new Pauses()
  let bytes = 0
  for (const object of objects) {
    const content = object.bytes()
    const { facts } = await examined(request, calendar, object, content)
    if (seen.has(facts.uid)) throw failed('valid-calendar-object-resource', `line ${object.line}: the UID ${facts.uid} is in two calendars of the file`)
    seen.add(facts.uid)
    const before = present.get(facts.uid)
    present.delete(facts.uid)
    if (before === undefined || !isSame(calendar, before, content)) {
      if (before !== undefined) demand(request.user, resourceOf(calendar, before), dav('write-content'))
      steps.push({ object, facts, before })
      bytes += content.length - (before?.size ?? 0)
    }
    await pauses.pause()
  }
  const most = site.settings.limits.resources
  const count = calendar.home.count(calendar.collection) + steps.filter(({ before }) => before === undefined).length
  if (count > most) throw failed('quota-not-exceeded', `${hrefOf(calendar)} would hold ${count} objects, at most ${most} are accepted`)
  // what goes makes room only when all the rest is there
  demandQuota(site, calendar, bytes)
  return { steps, leaving: [...present.values()] }
}

async function examined ({ site }: DavRequest, calendar: Holder, object: SplitObject, bytes: Buffer): ReturnType<typeof prepare> {
  try {
    return await prepare(site, calendar, { bytes, mediaType: undefined })
  } catch (error) {
    if (!(error instanceof DavError)) throw error
    const why = inFile(object, error.message)
    throw new DavError(error.status, why, error.element === undefined ? { cause: error } : { element: { ...error.element, children: [...error.element.children, why] }, cause: error })
  }
}

/** Whether a member says the same already. What a server or client put around it, and how its lines are folded, is no matter. */
export function isSame ({ home, collection }: Holder, member: Member, bytes: Buffer): boolean {
  const before = body(home.index, member.id) ?? home.content(collection, member.name)?.bytes
  if (before === undefined) return false
  return before.equals(bytes) || (before.length < heavyBytes && bytes.length < heavyBytes && essence(before) === essence(bytes))
}

function essence (bytes: Buffer): string {
  return parse(decode(bytes)).components.filter(({ name }) => name !== 'VTIMEZONE').map(write).sort().join('')
}

async function store (request: DavRequest, calendar: Holder, { object, facts, before }: Step): Promise<void> {
  const name = before?.name ?? nameFor(calendar, facts.uid)
  await writePrepared(request.site, calendar, name, { bytes: object.bytes(), facts, isConverted: false }, current => {
    if (before === undefined) demandNew(name, current)
    else demandUntouched(before, current)
    demandUnlocked(request, calendar, { ...calendar, kind: 'unmapped', segments: [...calendar.segments, name] })
  })
}

async function remove (request: DavRequest, calendar: Holder, member: Member): Promise<void> {
  const resource = resourceOf(calendar, member)
  let ending: readonly Lock[] = []
  await removeMember(request.site, calendar, member.name, current => {
    demandUntouched(member, current)
    demandUnlocked(request, resource, calendar)
    ending = endingWith(request, resource)
  })
  for (const lock of ending) request.site.locks.release(lock)
}

function demandUntouched ({ name, etag }: Member, current: Member | undefined): void {
  if (current?.etag !== etag) throw new DavError(409, `${name} was changed by somebody else while the calendar was replaced: it is as it is now, and what comes after it is as before`)
}

function resourceOf (calendar: Holder, member: Member): Resource {
  return { ...calendar, kind: 'event', segments: [...calendar.segments, member.name], member }
}
