import { deleteCollection } from '../../../store/tree.js'
import { removeMember, translated } from '../../calendar/write.js'
import type { Site } from '../../site/site.js'
import { AdminError } from '../place.js'
import { shownPath, type Spot } from './spot.js'

/** What is about to be removed, in words: 'the calendar alice/work with 12 events'. @throws AdminError for what cannot be removed */
export async function removalOf ({ member, ...place }: Spot): Promise<string> {
  const { kind, home, collection } = place
  if (member !== undefined) return shownPath(place, member.name)
  if (kind === 'home') throw new AdminError(`${shownPath(place)} is a home: caldavd user remove takes away an account, its calendars stay`)
  if (kind !== 'calendar' && kind !== 'folder') throw new AdminError(`${shownPath(place)} belongs to every home and stays`)
  if (kind === 'folder') return `the folder ${shownPath(place)} with all that is in it`
  await home.fresh(collection)
  const count = home.members(collection).length
  return `the calendar ${shownPath(place)} with ${count} ${count === 1 ? 'event' : 'events'}`
}

/** Removes an event, a calendar or a folder; the history keeps it. @throws DavError, StoreError, AdminError */
export async function remove (site: Site, found: Spot): Promise<void> {
  await removalOf(found)
  const { home, collection, member } = found
  if (member === undefined) await translated(deleteCollection(site.store.writing, home, collection))
  else await removeMember(site, found, member.name, () => {})
}
