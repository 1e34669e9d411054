import type { Facts } from '../../store/index/fact.js'
import type { Collection } from '../../store/home.js'
import { withUid } from '../../store/index/search.js'
import type { Member } from '../../store/home.js'
import { properties } from '../../store/property.js'
import { failed, type DavError } from '../dav/error.js'
import { href } from '../dav/href.js'
import { IcalError } from '../ical/parse.js'
import { allowanceOf } from './allowance.js'
import { examined } from './heavy.js'
import { componentsIn, usualComponents } from '../site/component-set.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { fromStored } from '../site/stored.js'
import { element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'

/** Something that wants to become an object of a calendar. */
export interface Proposal {
  readonly site: Site
  readonly calendar: Resource & { readonly collection: Collection }
  readonly bytes: Buffer
  /** As the client named it; `undefined` when it did not. */
  readonly mediaType: string | undefined
}

/** The rules for the body alone, in the order in which they are answered (RFC 4791 5.3.2.1). Each throws its precondition. */
const rules: readonly ((proposal: Proposal) => void)[] = [isCalendarData, isSmallEnough]

/** Checks a body against every rule but those of its UID, which hold at the moment of writing. @throws DavError */
export async function examine (proposal: Proposal): Promise<Facts> {
  for (const rule of rules) rule(proposal)
  const facts = await described(proposal)
  const types = componentsOf(proposal.calendar.collection)
  if (!types.includes(facts.component)) {
    throw failed('supported-calendar-component', `${proposal.calendar.collection.path} holds ${types.join(', ')}, not ${facts.component}`)
  }
  return facts
}

// RFC 4791 5.3.2.1; a body without a type, or with the one that means "bytes", is looked at
function isCalendarData ({ mediaType }: Proposal): void {
  const type = mediaType?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== undefined && type !== '' && type !== 'text/calendar' && type !== 'application/octet-stream') {
    throw failed('supported-calendar-data', `calendars hold text/calendar, not ${type.slice(0, 80)}`)
  }
}

function isSmallEnough ({ site, bytes }: Proposal): void {
  const largest = site.settings.limits.resourceBytes
  if (bytes.length > largest) throw failed('max-resource-size', `${bytes.length} bytes, at most ${largest} are accepted`)
}

async function described ({ bytes, site, calendar }: Proposal): Promise<Facts> {
  try {
    return await examined(bytes, allowanceOf(site.settings), calendar.home?.path ?? '')
  } catch (error) {
    throw error instanceof IcalError ? failed(error.reason, error.message) : error
  }
}

/** The component types a calendar takes. */
export function componentsOf (collection: Collection): readonly string[] {
  const kept = properties(collection.directory, '').get(caldav('supported-calendar-component-set'))
  const set = kept === undefined ? undefined : fromStored(kept)
  return (set === undefined ? undefined : componentsIn(set)) ?? usualComponents
}

/**
 * RFC 4791 5.3.2.1: a UID is in a calendar once, and a resource keeps the one it has. Call at the moment of writing.
 * @param current  what is there now
 * @param leaving  the name in the same calendar that the object is moved from
 * @throws DavError no-uid-conflict, naming the other resource
 */
export function demandFreeUid ({ calendar }: Pick<Proposal, 'calendar'>, name: string, uid: string, current: Member | undefined, leaving?: string): void {
  const { home, collection } = calendar
  if (home === undefined) return
  const holder = withUid(home.index, collection.id, uid)
  // the index may know a file that has just been removed by hand
  if (holder !== undefined && holder !== current?.name && holder !== leaving && home.member(collection, holder)?.uid === uid) throw conflict(calendar, holder, `the UID ${uid} is in ${holder}`)
  if (current !== undefined && current.uid !== uid) throw conflict(calendar, name, `${name} has the UID ${current.uid}, not ${uid}`)
}

function conflict (calendar: Resource, name: string, message: string): DavError {
  return failed('no-uid-conflict', message, element(dav('href'), href([...calendar.segments, name], false)))
}
