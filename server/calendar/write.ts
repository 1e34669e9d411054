import { StoreError } from '../../store/error.js'
import { deepest, type Collection, type Member } from '../../store/home.js'
import { deleteMember, writeMember, type Guard } from '../../store/write.js'
import { DavError, failed } from '../dav/error.js'
import { demandQuota } from '../site/quota.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { demandFreeUid, examine } from './rule.js'

/** A collection of a home, with what `locate` knows of it. */
export type Holder = Resource & { readonly collection: Collection, readonly home: NonNullable<Resource['home']> }

/**
 * Writes an object into a calendar: every rule, then the store. No scheduling.
 * @param guard  asked with what is there at the moment of writing
 * @throws DavError of a rule, quota-not-exceeded, 507; what `guard` throws
 */
export async function writeEvent (site: Site, calendar: Holder, name: string, body: { bytes: Buffer, mediaType: string | undefined }, guard: Guard): Promise<{ created: boolean, member: Member }> {
  const facts = await examine({ site, calendar, ...body })
  await calendar.home.fresh(calendar.collection)
  demandRoom(site, calendar, name)
  return await translated(writeMember(site.store.writing, calendar.home, calendar.collection, name, { bytes: body.bytes, facts }, current => {
    guard(current)
    demandFreeUid({ calendar }, name, facts.uid, current)
    demandQuota(site, calendar, body.bytes.length - (current?.size ?? 0))
  }))
}

/** Writes a plain file. @throws DavError quota-not-exceeded, 507; what `guard` throws */
export async function writeFile (site: Site, folder: Holder, name: string, bytes: Buffer, guard: Guard): Promise<{ created: boolean, member: Member }> {
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
  'bad-name': 'this name cannot be used: names do not begin with a dot, hold no slash or control character, have at most 255 bytes and are not those of editors\' temporary files',
  'full': 'the disk of the server is full',
  'read-only': 'the server cannot write now',
  'too-large': 'it is too large',
  'too-deep': `collections lie at most ${deepest} levels deep`,
  'unreadable': 'a file made by hand is there that cannot be read: mend or remove it on the server'
}

/** A refusal of the store as a reply. Paths of the server's disk stay in the log. */
export function asDavError (error: StoreError): DavError {
  if (error.reason === 'full') return failed('sufficient-disk-space', error.message)
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
