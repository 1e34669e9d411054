import { createHash } from 'node:crypto'
import { facts } from '../../store/file.js'
import type { Holder } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import type { Multistatus } from '../dav/multistatus.js'
import { multistatusReply, multistatusStream } from '../dav/reply.js'
import { formOf, type Form } from '../calendar/media.js'
import { IcalError } from '../ical/parse.js'
import { split, type SplitObject } from '../ical/split.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { element, elementWith, type Element } from '../xml/element.js'
import { caldav, cs, dav } from '../xml/name.js'
import { fragment } from '../xml/write.js'
import { ctagHeaders, namesCtag } from './ctag.js'
import { representationOf, wantsRepresentation } from './representation.js'

/** Others get their turn after so many ms of long work. */
const slice = 12

/** Lets others have their turn, now and then. */
export class Pauses {
  #until = performance.now() + slice

  /** To be awaited between two pieces of work. */
  async pause (): Promise<void> {
    if (performance.now() < this.#until) return
    await new Promise(resolve => setImmediate(resolve))
    this.#until = performance.now() + slice
  }
}

/**
 * The objects of a file (RFC 4791 4.1), found in slices.
 * @param most  how many there may be
 * @throws DavError valid-calendar-data, 413 when there are more
 */
export async function objectsIn (bytes: Buffer, most: number): Promise<readonly SplitObject[]> {
  const pauses = new Pauses()
  try {
    const parts = split(bytes)
    for (;;) {
      const { done, value } = parts.next()
      const count = done === true ? value.length : value
      if (count > most) throw new DavError(413, `the file has more than ${most} events or tasks, which is the most that is taken at once: split it`)
      if (done === true) return value
      await pauses.pause()
    }
  } catch (error) {
    throw error instanceof IcalError ? failed(error.reason, error.message) : error
  }
}

/** Time zones are repeated in each object that names them: all objects of one file together may take so many times its octets … */
const mostGrowth = 32
/** … and so many octets more, which is room for a small file with honest zones. */
const growthAllowance = 1_048_576

/** Room for the objects of one file, so that a small request cannot fill the disk. */
export class Room {
  readonly #most: number
  #taken = 0

  /** @param fileSize  octets of the file */
  constructor (fileSize: number) {
    this.#most = mostGrowth * fileSize + growthAllowance
  }

  /** Takes room for an object, or says in words for people why there is none; then the next may still fit. */
  lackFor (object: SplitObject): string | undefined {
    const size = object.size()
    if (this.#taken + size > this.#most) return `with the time zones that are repeated in each of them, the objects of the file would take more than the ${this.#most} bytes that one of its size may: give it shorter time zones, or split it`
    this.#taken += size
    return undefined
  }
}

/** Whether a body that was refused is a file with several objects. */
export async function holdsMany (bytes: Buffer): Promise<boolean> {
  try {
    return (await objectsIn(bytes, Infinity)).length > 1
  } catch (error) {
    if (error instanceof DavError) return false
    throw error
  }
}

/** The UID is the name that clients choose too; one that is no plain name, or is taken, gives way to a hash. */
export function nameFor ({ collection }: Pick<Holder, 'collection'>, uid: string): string {
  const plain = `${uid}.ics`
  if (/^\w[\w.@+-]{0,200}$/.test(uid) && facts(`${collection.directory}/${plain}`) === undefined) return plain
  for (let number = 0; ; number++) {
    const name = `${createHash('sha256').update(`${uid}\n${number}`).digest('hex').slice(0, 32)}.ics`
    if (facts(`${collection.directory}/${name}`) === undefined) return name
  }
}

/** Stops a write to a name that somebody else has just taken. @throws DavError 409 */
export function demandNew (name: string, current: unknown): void {
  if (current !== undefined) throw new DavError(409, `${name} was made by somebody else in the meantime: try again`)
}

/** What a multistatus says of an object that was stored (Apple's bulk changes 3, 4). */
export interface Stored {
  readonly resource: Resource
  /** Left out when the client needs to read it again. */
  readonly etag: string | undefined
  readonly uid: string | undefined
  /** What is stored, in this form; the one of the request where Accept says nothing. */
  readonly data: Form | undefined
}

/** @param href  as `hrefOf` has it */
export async function tellStored (request: DavRequest, multistatus: Multistatus, href: string, { resource, etag, uid, data }: Stored): Promise<void> {
  const properties: Element[] = []
  if (etag !== undefined) properties.push(element(dav('getetag'), etag))
  if (uid !== undefined) properties.push(element(cs('uid'), uid))
  const stored = data === undefined ? undefined : await representationOf(request, resource, data)
  if (stored !== undefined) {
    const type = stored.headers['content-type'] ?? ''
    const text = stored.body.toString().replace(/^\ufeff/, '')
    properties.push(elementWith(caldav('calendar-data'), formOf(type) === 'json' ? { 'content-type': 'application/calendar+json' } : {}, text))
  }
  multistatus.addText(href, [{ status: 200, xml: properties.map(each => fragment(each)).join('') }])
}

/**
 * Says that an object was not stored, removed or read.
 * @param href   '' for what has none, since it was to be made
 * @param where  what people find it by in what they sent
 */
export function tellRefused (multistatus: Multistatus, href: string, error: DavError, uid: string | undefined, object?: SplitObject): void {
  const parts = [...error.element === undefined ? [] : [error.element], ...uid === undefined ? [] : [element(cs('uid'), uid)]]
  // the words about faults of ours may name places on the disk
  const why = error.status >= 500 ? undefined : object === undefined ? error.message : inFile(object, error.message)
  multistatus.addRefusal(href, error.status, parts, why)
}

/** Which form of what is stored goes into the answer: always when that is preferred (RFC 8144), else when it differs from what was sent and that is asked for (Apple's bulk changes 8.1). */
export function dataWanted (request: DavRequest, isChanged: boolean, form: Form): Form | undefined {
  const options = (header(request, 'x-mobileme-dav-options') ?? '').toLowerCase().split(',').map(option => option.trim())
  return wantsRepresentation(request) || (isChanged && options.includes('return-changed-data')) ? form : undefined
}

/** A 207 that tells of work as it is done; after a condition on the ctag (Apple's bulk changes 6) the whole at the end, with the new one. */
export async function bulkReply (request: DavRequest, calendar: Resource, multistatus: Multistatus, work: () => AsyncIterable<void>): Promise<DavReply> {
  const applied: Record<string, string> = wantsRepresentation(request) ? { 'preference-applied': 'return=representation', 'vary': 'Prefer, Accept' } : {}
  if (!namesCtag(request)) {
    const reply = multistatusStream(multistatus, work)
    return { ...reply, headers: { ...reply.headers, ...applied } }
  }
  for await (const _ of work());
  const reply = multistatusReply(multistatus)
  return { ...reply, headers: { ...reply.headers, ...applied, ...await ctagHeaders(request, calendar) } }
}

/** What is wrong with an object of a file, by the lines of the file. */
export function inFile ({ line, lineOf }: SplitObject, why: string): string {
  const [prefix, own] = /^line (\d+): /.exec(why) ?? []
  return prefix === undefined ? `in the file from line ${line}: ${why}` : `in the file, line ${lineOf(Number(own))}: ${why.slice(prefix.length)}`
}
