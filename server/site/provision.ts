import { readdirSync } from 'node:fs'
import { StoreError } from '../../store/error.js'
import type { Home } from '../../store/home.js'
import { isIgnored } from '../../store/name.js'
import { makeCollection } from '../../store/tree.js'
import { inTurn } from '../../store/turn.js'
import type { DirectoryRecord } from '../directory/record.js'
import { element } from '../xml/element.js'
import { caldav, dav, type Name } from '../xml/name.js'
import { componentSet } from './component-set.js'
import { stored } from './stored.js'
import type { Site } from './site.js'

/** The name of the tree that everybody may read: /calendars/public/. */
export const publicTree = 'public'
/** Where it lies below the documents. */
export const publicHome: readonly string[] = ['calendars', publicTree]
/** Where homes lie below the documents, as the store is told. */
export const homePlaces = { homeDepth: 3, shallow: [publicHome.join('/')] } as const

const provided = new WeakMap<Home, true>()

/**
 * The home of a record, with `inbox` and `outbox`; one that is new, or empty, gets `calendar` and `tasks` too. Homes that
 * hold anything keep what their owner left in them: a calendar that was deleted does not come back.
 */
export async function provide (site: Site, record: DirectoryRecord): Promise<Home> {
  const segments = ['calendars', record.type, record.name]
  const known = site.store.home(segments)
  if (known !== undefined && provided.has(known) && known.collection('inbox') !== undefined && known.collection('outbox') !== undefined) return known
  return await inTurn(`provide ${segments.join('/')}`, async () => {
    const home = site.store.home(segments) ?? site.store.makeHome(segments)
    const isNew = readdirSync(home.directory).every(isIgnored)
    for (const [name, properties] of isNew ? [...calendars, ...boxes] : boxes) await provideCollection(site, home, name, properties)
    provided.set(home, true)
    return home
  })
}

/** The home that the public tree is. It belongs to nobody; `undefined` when something else is in its place. @throws StoreError */
export function providePublic (site: Site): Home | undefined {
  try {
    return site.store.home(publicHome) ?? site.store.makeHome(publicHome)
  } catch (error) {
    if (error instanceof StoreError && error.reason === 'exists') return undefined
    throw error
  }
}

async function provideCollection (site: Site, home: Home, name: string, properties: ReadonlyMap<string, string>): Promise<void> {
  if (home.collection(name) !== undefined) return
  try {
    await makeCollection(site.store.writing, home, name, properties)
  } catch (error) {
    if (!(error instanceof StoreError && error.reason === 'exists')) throw error
  }
}

const calendars: readonly (readonly [string, ReadonlyMap<string, string>])[] = [
  ['calendar', collection([caldav('calendar')], 'Calendar', 'VEVENT')],
  // Reminders of Apple goes wrong without a calendar for tasks alone
  ['tasks', collection([caldav('calendar')], 'Tasks', 'VTODO')]
]
const boxes: typeof calendars = [
  ['inbox', collection([caldav('schedule-inbox')])],
  ['outbox', collection([caldav('schedule-outbox')])]
]

function collection (types: readonly Name[], displayname?: string, component?: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  properties.set(dav('resourcetype'), stored(element(dav('resourcetype'), element(dav('collection')), ...types.map(type => element(type)))))
  if (displayname !== undefined) properties.set(dav('displayname'), stored(element(dav('displayname'), displayname)))
  if (component !== undefined) properties.set(caldav('supported-calendar-component-set'), stored(componentSet([component])))
  return properties
}
