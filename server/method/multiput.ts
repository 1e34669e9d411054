import { demand, demandSight } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import type { Guard } from '../../store/write.js'
import { formOf, type Form } from '../calendar/media.js'
import { prepare, removeMember, translated, writePrepared, type Holder, type Prepared } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { evaluate } from '../dav/header.js'
import { conditions } from '../dav/header.js'
import { resolve } from '../dav/href.js'
import { Multistatus, type Propstat } from '../dav/multistatus.js'
import { check, instructions, patch, type Instruction } from '../property/patch.js'
import type { Lock } from '../site/lock.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { child, element, elements, text, type Element } from '../xml/element.js'
import { caldav, cs, dav, me } from '../xml/name.js'
import { fragment } from '../xml/write.js'
import { bulkReply, dataWanted, demandNew, nameFor, Pauses, tellRefused, tellStored } from './bulk.js'
import { demandUnlocked, endingWith } from './locked.js'
import { stateOf } from './target.js'

/** One MM:resource: what is to be done with which object. */
interface Operation {
  /** As it was sent; undefined = to be made. */
  readonly href: string | undefined
  /** The ETag that it must have. */
  readonly ifMatch: string | undefined
  readonly isRemoval: boolean
  /** The object, as it was sent. */
  readonly data: { readonly bytes: Buffer, readonly mediaType: string, readonly form: Form } | undefined
  /** Other properties. */
  readonly todo: readonly Instruction[]
}

/**
 * MM:multiput, a list of objects to be made, changed and removed (Apple's bulk changes 4). One after the other; what fails keeps none of
 * the others from being done.
 * @throws DavError 413 when there are more than limits.bulkObjects, 400 for an MM:resource that says nothing
 */
export async function multiput (request: DavRequest, calendar: Holder, body: Element): Promise<DavReply> {
  const operations = elements(body, me('resource')).map(operationOf)
  const most = request.site.settings.limits.bulkObjects
  if (operations.length === 0) throw new DavError(400, 'MM:multiput expects at least one MM:resource')
  if (operations.length > most) throw new DavError(413, `${operations.length} objects are to be changed, at most ${most} are at once`)
  const multistatus = new Multistatus()
  return await bulkReply(request, calendar, multistatus, async function * () {
    const pauses = new Pauses()
    for (const operation of operations) {
      await perform(request, calendar, operation, multistatus)
      await pauses.pause()
      yield
    }
  })
}

function operationOf (source: Element): Operation {
  const [href, condition, set] = [child(source, dav('href')), child(source, me('if-match')), child(source, dav('set'))]
  const isRemoval = child(source, me('delete')) !== undefined
  const etag = condition === undefined ? undefined : child(condition, dav('getetag'))
  if (condition !== undefined && etag === undefined) throw new DavError(400, 'MM:if-match expects a DAV:getetag')
  if (isRemoval ? href === undefined : set === undefined && (href === undefined || child(source, dav('remove')) === undefined)) {
    throw new DavError(400, 'MM:resource expects a DAV:set, or a DAV:href with DAV:set, DAV:remove or MM:delete')
  }
  // CalendarServer's clients leave DAV:prop out
  const all = instructions(element(me('resource'), ...elements(source).map(part => part.name === dav('set') && child(part, dav('prop')) === undefined ? element(dav('set'), element(dav('prop'), ...part.children)) : part)))
  const data = all.find(({ name }) => name === caldav('calendar-data'))?.value
  return {
    href: href === undefined ? undefined : text(href),
    ifMatch: etag === undefined ? undefined : text(etag).trim(),
    isRemoval,
    data: data === undefined ? undefined : dataOf(data),
    todo: all.filter(({ name }) => name !== caldav('calendar-data'))
  }
}

function dataOf (value: Element): NonNullable<Operation['data']> {
  const mediaType = value.attributes['content-type'] ?? 'text/calendar'
  const sent = text(value).trim()
  // XML 1.0 2.11 has made CRLF to LF
  const whole = formOf(mediaType) === 'json' || sent.includes('\r') ? sent : `${sent.replaceAll('\n', '\r\n')}\r\n`
  return { bytes: Buffer.from(whole), mediaType, form: formOf(mediaType) ?? 'text' }
}

async function perform (request: DavRequest, calendar: Holder, operation: Operation, multistatus: Multistatus): Promise<void> {
  const { href, isRemoval } = operation
  let uid: string | undefined
  try {
    const prepared = operation.data === undefined ? undefined : await prepare(request.site, calendar, operation.data)
    uid = prepared?.facts.uid
    if (href === undefined) await create(request, calendar, operation, prepared, multistatus)
    else {
      const target = await targetOf(request, calendar, href)
      await (isRemoval ? remove(request, calendar, target, operation, multistatus) : update(request, calendar, target, operation, prepared, multistatus))
    }
  } catch (error) {
    if (!(error instanceof DavError)) throw error
    tellRefused(multistatus, href ?? '', error, href === undefined ? uid ?? uidIn(operation) : undefined)
  }
}

/** The UID that a client finds a refused object by. */
function uidIn ({ data }: Operation): string | undefined {
  if (data === undefined || data.form === 'json') return undefined
  return /^UID(?:;[^:\r\n]*)?:([^\r\n]{1,500})/im.exec(data.bytes.toString())?.[1]
}

async function create (request: DavRequest, calendar: Holder, { data, todo }: Operation, prepared: Prepared | undefined, multistatus: Multistatus): Promise<void> {
  const { site, user } = request
  if (prepared === undefined || data === undefined) throw new DavError(400, 'an object is made from a CALDAV:calendar-data')
  demand(user, calendar, dav('bind'))
  const { uid } = prepared.facts
  if (tellBadProperties(request, multistatus, '', todo, prepared)) return
  const name = nameFor(calendar, uid)
  const place: Resource = { ...calendar, kind: 'unmapped', segments: [...calendar.segments, name] }
  const { member } = await writePrepared(site, calendar, name, prepared, current => {
    demandNew(name, current)
    demandUnlocked(request, calendar, place)
  })
  const resource: Resource = { ...place, kind: 'event', member }
  const problems = await changed(request, resource, todo)
  if (problems !== undefined) {
    await removeMember(site, calendar, name, () => {})
    multistatus.addText('', problems)
    return
  }
  await tellStored(request, multistatus, hrefOf(resource), { resource, etag: member.etag, uid, data: dataWanted(request, prepared.isConverted, data.form) })
}

async function update (request: DavRequest, calendar: Holder, target: Target, { data, todo, ifMatch }: Operation, prepared: Prepared | undefined, multistatus: Multistatus): Promise<void> {
  const { site, user } = request
  if (data !== undefined) demand(user, target, dav('write-content'))
  if (todo.length > 0) demand(user, target, dav('write-properties'))
  const href = hrefOf(target)
  if (tellBadProperties(request, multistatus, href, todo, prepared)) return
  const guard: Guard = current => {
    demandEtag(ifMatch, current)
    demandUnlocked(request, target)
  }
  guard(calendar.home.member(calendar.collection, target.member.name))
  const member = prepared === undefined ? target.member : (await writePrepared(site, calendar, target.member.name, prepared, guard)).member
  const problems = await changed(request, { ...target, member }, todo)
  if (problems !== undefined) return multistatus.addText(href, problems)
  await tellStored(request, multistatus, href, { resource: { ...target, member }, etag: member.etag, uid: undefined, data: data === undefined ? undefined : dataWanted(request, prepared?.isConverted === true, data.form) })
}

async function remove (request: DavRequest, calendar: Holder, target: Target, { ifMatch }: Operation, multistatus: Multistatus): Promise<void> {
  const { site, user } = request
  demand(user, calendar, dav('unbind'))
  let ending: readonly Lock[] = []
  await removeMember(site, calendar, target.member.name, current => {
    demandEtag(ifMatch, current)
    demandUnlocked(request, target, calendar)
    ending = endingWith(request, target)
  })
  for (const lock of ending) site.locks.release(lock)
  multistatus.addStatus(hrefOf(target), 200)
}

type Target = Resource & { readonly member: NonNullable<Resource['member']> }

/** The object that an href names. @throws DavError 404, 403 for what is not in the calendar */
async function targetOf (request: DavRequest, calendar: Holder, href: string): Promise<Target> {
  const path = resolve(request.url, href, request.origins)
  if (path === undefined) throw new DavError(403, 'the href is on another server')
  const found = await reach(request.user, path.segments)
  demandSight(request.user, found)
  if (found.home !== calendar.home || found.collection?.id !== calendar.collection.id) throw new DavError(403, `${hrefOf(found)} does not lie in ${hrefOf(calendar)}`)
  if (found.member === undefined) throw new DavError(404, `${hrefOf(found)} does not exist`)
  return { ...found, member: found.member }
}

function demandEtag (ifMatch: string | undefined, current: Resource['member']): void {
  if (current === undefined) throw new DavError(404, 'it does not exist any more')
  if (ifMatch === undefined || evaluate(conditions({ 'if-match': ifMatch }), stateOf(current), 'PUT') === undefined) return
  throw new DavError(412, `the ETag is ${current.etag}`)
}

/** All or nothing (RFC 4918 9.2): properties that cannot be set keep the object from being stored. */
function tellBadProperties ({ site }: DavRequest, multistatus: Multistatus, href: string, todo: readonly Instruction[], prepared: Prepared | undefined): boolean {
  const { failed, propstats } = check(site, 'event', todo, false)
  if (!failed) return false
  const uid = prepared === undefined || href !== '' ? '' : fragment(element(cs('uid'), prepared.facts.uid))
  const data: Propstat[] = prepared === undefined ? [] : [{ status: 424, xml: fragment(element(caldav('calendar-data'))) + uid }]
  multistatus.addText(href, [...propstats, ...data])
  return true
}

/** @returns the propstats when a property could not be set */
async function changed (request: DavRequest, resource: Resource, todo: readonly Instruction[]): Promise<readonly Propstat[] | undefined> {
  if (todo.length === 0) return undefined
  const propstats = await translated(patch(resource, todo, request))
  return propstats.every(({ status }) => status === 200) ? undefined : propstats
}
