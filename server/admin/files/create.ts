import { fileName } from '../../../store/name.js'
import { makeCollection } from '../../../store/tree.js'
import { translated } from '../../calendar/write.js'
import { calendarWith, vtimezoneFor } from '../../ical/vtimezone-write.js'
import { write } from '../../ical/write.js'
import { vacancyIn } from '../../method/make.js'
import { provide, providePublic, publicTree } from '../../site/provision.js'
import { demandQuota, propertyBytes } from '../../site/quota.js'
import { kindOf } from '../../site/resource.js'
import type { Site } from '../../site/site.js'
import { stored } from '../../site/stored.js'
import { element } from '../../xml/element.js'
import { apple, caldav, dav, type Name } from '../../xml/name.js'
import { account, AdminError, place, type Place } from '../place.js'
import { shownPath } from './spot.js'
import type { About } from './source.js'

/** Where a calendar may be made. */
export interface Vacant { readonly parent: Place, readonly path: string, readonly name: string }

/**
 * The place for a new calendar at a typed path; the home is made when its owner has none yet.
 * @throws AdminError, DavError when nothing may be made there
 */
export async function vacant (site: Site, typed: string): Promise<Vacant> {
  const names = typed.split('/').filter(name => name !== '')
  const name = names.at(-1) ?? ''
  const around = names.slice(0, -1)
  if (around.length === 0) throw new AdminError(`${typed}: expected the path of a calendar like alice/work`)
  const owner = around.join('/')
  if (owner === publicTree) providePublic(site)
  else if (around.length <= 2) await provideHome(site, owner)
  const parent = place(site, owner)
  fileName(name)
  return { parent, path: vacancyIn(site, parent, name).path, name }
}

async function provideHome (site: Site, owner: string): Promise<void> {
  try {
    place(site, owner)
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    await provide(site, account(site.directory, owner))
  }
}

/** Makes a calendar with the name, colour and time zone that a file brings. @throws DavError, StoreError */
export async function createCalendar (site: Site, { parent, path, name }: Vacant, about: About): Promise<Place> {
  const zone = about.timezone === undefined ? undefined : vtimezoneFor(about.timezone)
  const values = new Map<Name, string>([
    [dav('resourcetype'), stored(element(dav('resourcetype'), element(dav('collection')), element(caldav('calendar'))))],
    [dav('displayname'), stored(element(dav('displayname'), about.name ?? name))],
    ...about.colour === undefined ? [] : [[apple('calendar-color'), stored(element(apple('calendar-color'), about.colour.toUpperCase()))] as const],
    ...zone === undefined ? [] : [[caldav('calendar-timezone'), stored(element(caldav('calendar-timezone'), write(calendarWith(zone))))] as const]
  ])
  const bytes = [...values.values()].reduce((sum, xml) => sum + Buffer.byteLength(xml), 0)
  const { home, owner } = parent
  const collection = await translated(makeCollection(site.store.writing, home, path, values, () => { demandQuota(site, { home, owner }, bytes + propertyBytes(home)) }))
  return { kind: kindOf(collection), segments: [...parent.segments, name], owner, home, collection }
}

/** A calendar that is not there, for looking at what would be written into it. */
export function imagined ({ parent, path, name }: Vacant): Place {
  const { home, owner, segments } = parent
  return { kind: 'calendar', segments: [...segments, name], owner, home, collection: { id: -1, path, directory: `${home.directory}/${path}`, resourcetype: undefined, holdsObjects: true } }
}

/** Says where: 'alice/new'. */
export function vacantPath ({ parent, name }: Vacant): string {
  return `${shownPath(parent)}/${name}`
}
