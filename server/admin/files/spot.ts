import { relative } from 'node:path'
import { nearest } from '../../../conf/nearest.js'
import type { Collection, Home, Member } from '../../../store/home.js'
import { recordTypes } from '../../directory/record.js'
import { publicTree } from '../../site/provision.js'
import { kindOf } from '../../site/resource.js'
import type { Site } from '../../site/site.js'
import { AdminError, nameOf, pathOf, place, titleOf, type Place } from '../place.js'

/** What a typed path names: a home, a calendar or folder, or a file in one. */
export interface Spot extends Place { readonly member: Member | undefined }

/**
 * The home, collection or file at a path as people type it: 'alice', 'alice/work', 'alice/work/a.ics' (the '.ics' may be left out),
 * or the absolute path of any of them on the disk.
 * @throws AdminError for what is not there, saying what there is
 */
export function spot (site: Site, typed: string): Spot {
  const path = belowCalendars(site, typed)
  try {
    return { ...place(site, path), member: undefined }
  } catch (error) {
    if (!(error instanceof AdminError) || path.endsWith('/') || !path.includes('/')) throw error
    return memberAt(site, path, error)
  }
}

/** A calendar or folder of a typed path. @throws AdminError also for a file */
export function collectionAt (site: Site, typed: string): Place {
  const found = spot(site, typed)
  if (found.member !== undefined) throw new AdminError(`${shownPath(found)}/${found.member.name} is an event; expected a calendar like ${shownPath(found)}`)
  return found
}

function memberAt (site: Site, path: string, error: AdminError): Spot {
  const at = path.lastIndexOf('/')
  const around = parentAt(site, path.slice(0, at), error)
  const { home, collection } = around
  const typed = path.slice(at + 1)
  const member = home.member(collection, typed) ?? home.member(collection, `${typed}.ics`)
  if (member !== undefined) return { ...around, member }
  if (!collection.holdsObjects) throw error
  const problem = home.problem(collection, typed)
  if (problem !== undefined) throw new AdminError(`${shownPath(around)}/${typed} cannot be read: ${problem}`)
  const near = nearest(typed, home.members(collection).map(({ name }) => name))
  throw new AdminError(`${shownPath(around)}/${typed} is not there${near === undefined ? `; caldavd ls ${shownPath(around)} lists what is` : `, did you mean ${near}?`}`)
}

// the first name that is wrong is what people want to hear of
function parentAt (site: Site, path: string, error: AdminError): Place {
  try {
    return place(site, path)
  } catch (upper) {
    throw upper instanceof AdminError && path.includes('/') ? upper : error
  }
}

/** What the shell has completed is a path of the disk. */
function belowCalendars ({ settings }: Site, typed: string): string {
  const path = relative(`${settings.data.documents}/calendars`, typed)
  return typed.startsWith('/') && !path.startsWith('..') ? path + (typed.endsWith('/') ? '/' : '') : typed
}

/** A path as people type it, the shortest form: 'alice/work', 'public/holidays', 'groups/club'. */
export function shownPath (where: Pick<Place, 'segments'>, member?: string): string {
  const path = pathOf(where).replace(/^users\//, '')
  return member === undefined ? path : `${path}/${member}`
}

/** The name that people see, or the path where there is none. */
export function shownName (where: Place): string {
  return titleOf(where.collection.directory) ?? shownPath(where)
}

/** The homes that there are, by name, the public tree last. */
export function homes (site: Site): Place[] {
  const names = [...recordTypes.flatMap(type => site.directory.all(type)).map(nameOf), publicTree]
  return names.flatMap(name => {
    try {
      return [place(site, name.includes('/') || name === publicTree ? name : `users/${name}`)]
    } catch (error) {
      if (error instanceof AdminError) return []
      throw error
    }
  })
}

/** What lies directly in a home or folder: calendars and folders; inbox and outbox are no matter for people. */
export function below (place: Place): Place[] {
  return place.home.children(place.collection.path).flatMap(collection => {
    const child = placeOf(place, place.home, collection)
    return child.kind === 'inbox' || child.kind === 'outbox' ? [] : [child]
  })
}

function placeOf ({ segments, owner }: Place, home: Home, collection: Collection): Place {
  return { kind: kindOf(collection), segments: [...segments, collection.path.slice(collection.path.lastIndexOf('/') + 1)], owner, home, collection }
}

/** The calendars at a place and below it. */
export function calendarsBelow (place: Place): Place[] {
  return place.kind === 'calendar' ? [place] : place.collection.holdsObjects ? [] : below(place).flatMap(calendarsBelow)
}

/** The calendars that typed paths name, each once; without a path all there are. @throws AdminError */
export function calendarsAt (site: Site, typed: readonly string[]): Place[] {
  const places = typed.length === 0 ? homes(site) : typed.map(one => collectionAt(site, one))
  const found = new Map(places.flatMap(calendarsBelow).map(each => [each.collection.directory, each]))
  return [...found.values()]
}
