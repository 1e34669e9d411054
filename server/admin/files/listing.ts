import { properties } from '../../../store/property.js'
import type { When, Zone } from '../../ical/time.js'
import { utcOf } from '../../ical/time.js'
import type { Site } from '../../site/site.js'
import { fromStored } from '../../site/stored.js'
import { text } from '../../xml/element.js'
import { apple } from '../../xml/name.js'
import { titleOf, type Place } from '../place.js'
import { inForce } from '../words.js'
import { briefOf, line } from './brief.js'
import { below, calendarsBelow, homes, shownPath } from './spot.js'

/** A home in a list. */
export interface HomeLine { readonly path: string, readonly name: string, readonly calendars: number, readonly events: number, readonly bytes: number }

/** The homes that there are. */
export async function homeLines (site: Site): Promise<HomeLine[]> {
  const lines: HomeLine[] = []
  for (const place of homes(site)) {
    const calendars = calendarsBelow(place)
    for (const { home, collection } of calendars) await home.fresh(collection)
    const events = calendars.reduce((sum, { home, collection }) => sum + home.members(collection).length, 0)
    lines.push({ path: shownPath(place), name: place.owner?.fullName ?? '', calendars: calendars.length, events, bytes: place.home.bytesBelow('') })
  }
  return lines
}

/** A calendar or folder in a list. */
export interface CalendarLine {
  readonly path: string
  readonly name: string
  readonly kind: 'calendar' | 'folder'
  readonly events: number
  readonly bytes: number
  /** '#RRGGBB', '' = none. */
  readonly colour: string
  readonly shared: readonly { readonly who: string, readonly may: string }[]
  /** Files that are not served as they are, because of a mistake in them. */
  readonly problems: number
  /** Events that are served as they were, since an older state was put back. */
  readonly held: number
}

/** The calendars and folders in a home or folder, and in the folders there. */
export async function calendarLines (site: Site, place: Place): Promise<CalendarLine[]> {
  const lines: CalendarLine[] = []
  for (const child of below(place)) {
    lines.push(await calendarLine(site, child))
    if (!child.collection.holdsObjects) lines.push(...await calendarLines(site, child))
  }
  return lines
}

async function calendarLine (site: Site, place: Place): Promise<CalendarLine> {
  const { home, collection } = place
  await home.fresh(collection)
  const [problems, held] = [home.problems(collection), home.held(collection).length]
  return {
    path: shownPath(place), name: titleOf(collection.directory) ?? '', kind: collection.holdsObjects ? 'calendar' : 'folder',
    events: home.members(collection).length, bytes: home.bytesBelow(collection.path), colour: colourOf(collection.directory),
    shared: inForce(site, place).filter(({ why }) => why.endsWith(' here')).map(({ who, may }) => ({ who, may })),
    problems: problems.length - held, held
  }
}

/** The colour of a calendar as '#RRGGBB'; '' when it has none. */
export function colourOf (directory: string): string {
  const kept = properties(directory, '').get(apple('calendar-color'))
  const value = kept === undefined ? undefined : fromStored(kept)
  return /^#[\da-f]{6}/i.exec(value === undefined ? '' : text(value).trim())?.[0].toUpperCase() ?? ''
}

/** A file in a list. */
export interface EventLine {
  readonly path: string
  readonly file: string
  readonly uid: string
  /** 'VEVENT', 'VTODO' …; '' for a file that is no object. */
  readonly component: string
  readonly summary: string
  readonly location: string
  readonly start: When | undefined
  readonly end: When | undefined
  readonly repeats: string | undefined
  readonly size: number
  /** ms since 1970 */
  readonly modified: number
  /** Why the file is not what is served; '' = it is. */
  readonly problem: string
}

/** The files of a calendar or folder, earliest start first, and then those that cannot be served at all. */
export async function eventLines (place: Place, zone: Zone): Promise<EventLine[]> {
  const { home, collection } = place
  await home.fresh(collection)
  const lines = home.members(collection).map((member): EventLine => {
    const found = collection.holdsObjects ? briefOf(place, member) : undefined
    const { name, uid, component, size, modified, problem } = member
    return {
      path: shownPath(place, name), file: name, uid, component, size, modified, problem,
      summary: found?.summary ?? '', location: found === undefined ? '' : line(found.main, 'LOCATION'),
      start: found?.start, end: found?.end, repeats: found?.repeats
    }
  })
  const served = new Set(lines.map(({ file }) => file))
  const others = home.problems(collection).filter(({ name }) => !served.has(name)).map(({ name, problem }): EventLine => ({
    path: shownPath(place, name), file: name, uid: '', component: '', summary: '', location: '', start: undefined, end: undefined, repeats: undefined, size: 0, modified: 0, problem
  }))
  const key = ({ start }: EventLine): number => start === undefined ? Infinity : utcOf(start, zone)
  const keys = new Map(lines.map(each => [each, key(each)]))
  return [...lines.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0) || (a.file < b.file ? -1 : 1)), ...others]
}
