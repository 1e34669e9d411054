import { StoreError } from '../../store/error.js'
import { deepest, type Collection, type Member } from '../../store/home.js'
import { deleteMember, writeMember, type Guard } from '../../store/write.js'
import type { Facts } from '../../store/index/fact.js'
import { conditions } from '../dav/condition.js'
import { DavError, failed } from '../dav/error.js'
import { demandQuota } from '../site/quota.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { element } from '../xml/element.js'
import { heavyBytes, inThread } from './heavy.js'
import { asText, formOf } from './media.js'
import { demandFreeUid, examine } from './rule.js'

/** A collection of a home, with what `locate` knows of it. */
export type Holder = Resource & { readonly collection: Collection, readonly home: NonNullable<Resource['home']> }

/** A body from a client. */
export interface Content {
  readonly bytes: Buffer
  /** As the client named it; `undefined` when it did not. */
  readonly mediaType: string | undefined
}

/** A body that has passed every rule but those that hold at the moment of writing. */
export interface Prepared {
  /** As they are stored. */
  readonly bytes: Buffer
  readonly facts: Facts
  /** What is stored differs from what was sent (RFC 4791 5.3.4). */
  readonly isConverted: boolean
}

/** What was written. */
export interface Written { readonly created: boolean, readonly member: Member }

/** A body as iCalendar text; long jCal is converted in a thread. @throws DavError supported-calendar-data, valid-calendar-data */
export async function textOf ({ bytes, mediaType }: Content): Promise<{ bytes: Buffer, isConverted: boolean }> {
  if (mediaType === undefined || bytes.length <= heavyBytes || formOf(mediaType) !== 'json') return asText(bytes, mediaType)
  return { bytes: Buffer.from(await inThread('asText', { bytes, mediaType })), isConverted: true }
}

/** A body on its way into a calendar. @throws DavError of a rule */
export async function prepare (site: Site, calendar: Holder, content: Content): Promise<Prepared> {
  const { bytes, isConverted } = await textOf(content)
  return { bytes, facts: await examine({ site, calendar, bytes, mediaType: undefined }), isConverted }
}

/**
 * Writes an object into a calendar: every rule, then the store. No scheduling.
 * @param guard  asked with what is there at the moment of writing
 * @throws DavError of a rule, quota-not-exceeded, 507; what `guard` throws
 */
export async function writeEvent (site: Site, calendar: Holder, name: string, content: Content, guard: Guard): Promise<Written & { readonly isConverted: boolean }> {
  const prepared = await prepare(site, calendar, content)
  return { ...await writePrepared(site, calendar, name, prepared, guard), isConverted: prepared.isConverted }
}

/** As `writeEvent`, for what is prepared. */
export async function writePrepared (site: Site, calendar: Holder, name: string, { bytes, facts }: Prepared, guard: Guard): Promise<Written> {
  await calendar.home.fresh(calendar.collection)
  demandRoom(site, calendar, name)
  return await translated(writeMember(site.store.writing, calendar.home, calendar.collection, name, { bytes, facts }, current => {
    guard(current)
    demandFreeUid({ calendar }, name, facts.uid, current)
    demandQuota(site, calendar, bytes.length - (current?.size ?? 0))
  }))
}

/** Writes a plain file. @throws DavError quota-not-exceeded, 507; what `guard` throws */
export async function writeFile (site: Site, folder: Holder, name: string, bytes: Buffer, guard: Guard): Promise<Written> {
  return await translated(writeMember(site.store.writing, folder.home, folder.collection, name, { bytes }, current => {
    guard(current)
    demandQuota(site, folder, bytes.length - (current?.size ?? 0))
  }))
}

/** Removes an object or a file. @throws DavError, what `guard` throws */
export async function removeMember (site: Site, folder: Holder, name: string, guard: Guard): Promise<void> {
  await translated(deleteMember(site.store.writing, folder.home, folder.collection, name, guard))
}

/** @throws DavError quota-not-exceeded when a calendar is full and has nothing of that name */
export function demandRoom (site: Site, { home, collection }: Holder, name: string): void {
  const most = site.settings.limits.resources
  const count = home.count(collection)
  if (count >= most && home.member(collection, name) === undefined) {
    throw failed('quota-not-exceeded', `${collection.path} holds ${count} objects, at most ${most} are accepted`)
  }
}

const statuses: Readonly<Record<StoreError['reason'], number>> = {
  'missing': 404, 'exists': 405, 'changed': 409, 'bad-name': 403, 'full': 507, 'read-only': 503, 'too-large': 507, 'unreadable': 403, 'too-deep': 403
}

/** What clients are told; the log says where. */
const sayings: Readonly<Record<StoreError['reason'], string>> = {
  'missing': 'it does not exist any more',
  'exists': 'something of another kind is there',
  'changed': 'it changed in the meantime: try again',
  'bad-name': 'this name cannot be used: names do not begin with a dot, hold no slash or control character, have at most 255 bytes are not those of editors\' temporary files, and on some disks have none of : ? * " < > | \\ and no dot or space at their end',
  'full': 'the disk of the server is full',
  'read-only': 'the server cannot write now',
  'too-large': 'it is too large',
  'too-deep': `collections lie at most ${deepest} levels deep`,
  'unreadable': 'a file made by hand is there that cannot be read: mend or remove it on the server'
}

/** Why nothing can be written, for whoever runs the server and reads it on a client. */
const readOnly: Readonly<Record<string, string>> = {
  EROFS: 'the disk of the server is read-only now: nothing can be written until it is mended; reading works',
  EACCES: 'the server may not write there: the files on its disk belong to somebody else, or their mode forbids it',
  EPERM: 'the server may not write there: the files on its disk belong to somebody else, or their mode forbids it'
}

/** A refusal of the store as a reply. Paths of the server's disk stay in the log. */
export function asDavError (error: StoreError): DavError {
  if (error.reason === 'full') return new DavError(507, error.message, { element: element(conditions['sufficient-disk-space'].name), cause: error })
  if (error.reason === 'read-only') return new DavError(503, readOnly[(error.cause as { code?: string } | undefined)?.code ?? ''] ?? sayings['read-only'], { cause: error, headers: { 'retry-after': '120' } })
  return new DavError(statuses[error.reason], sayings[error.reason], { cause: error })
}

/** What the store throws, as replies. */
export async function translated<T> (work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof StoreError ? asDavError(error) : error
  }
}
