import type { Settings } from '../../conf/settings.js'
import type { Headers } from '../dav/header.js'
import { DAY } from '../ical/civil.js'
import { escapeText, parameter, property, type Component } from '../ical/component.js'
import { isLikeStandard } from '../ical/like-standard.js'
import { parseDateTime, ValueError } from '../ical/time.js'
import { zoneNamed } from '../ical/timezone.js'
import { isStandardZone, vtimezoneOf } from '../ical/vtimezone-write.js'
import { plainName } from '../ical/zone-name.js'
import { systemZones } from '../ical/zone-source.js'

/** CalDAV-Timezones (RFC 7809 7.1): `T` all that are used, `F` none that the time zone service has. */
export type ZonesWanted = 'T' | 'F'

/** What the header says; undefined = nothing that is known or can be done, so that the data goes out as it is stored. */
export function zonesWanted ({ 'caldav-timezones': header }: Headers, { timezones }: Settings): ZonesWanted | undefined {
  const word = typeof header === 'string' ? header.trim().toUpperCase() : undefined
  // RFC 7809 3.1.3: what no service has has to be sent
  return word === 'T' || (word === 'F' && timezones.service) ? word : undefined
}

/**
 * Data with the VTIMEZONEs that are wanted (RFC 7809 3.1.3); the same object when nothing has to change.
 * @param stored  where they are taken from first; the time zone service has the others
 */
export function withZones (data: Component, wanted: ZonesWanted, stored: Component = data): Component {
  return wanted === 'F' ? withoutStandard(data) : withUsed(data, stored)
}

// One that says something else than the service is needed: by it the times are reckoned
function withoutStandard (data: Component): Component {
  const standard = likeStandard(data, [...ownZones(data).keys()].filter(isStandardZone))
  return standard.size === 0 ? data : { ...data, components: data.components.filter(one => one.name !== 'VTIMEZONE' || !standard.has(tzidOf(one))) }
}

/** Each may cost some ms to compare, and an honest object has two or three. */
const mostCompared = 8

/** Of TZIDs those whose VTIMEZONE in the object says of its times what everybody knows by that name; the rest of very many is not looked at. */
export function likeStandard (data: Component, tzids: readonly string[]): ReadonlySet<string> {
  const own = ownZones(data)
  const described = tzids.flatMap(tzid => own.get(tzid) ?? []).slice(0, mostCompared)
  if (described.length === 0) return new Set()
  const { earliest, latest } = spanIn(data)
  return new Set(described.filter(one => isLikeStandard(one, earliest, latest)).map(tzidOf))
}

function withUsed (data: Component, stored: Component): Component {
  const [present, others] = [ownZones(data), ownZones(stored)]
  const missing = [...usedIn(data)].filter(tzid => !present.has(plainName(tzid)))
  const found = missing.flatMap(tzid => others.get(plainName(tzid)) ?? standardZone(tzid) ?? [])
  return found.length === 0 ? data : { ...data, components: [...found, ...data.components] }
}

let described = new Map<string, Component | undefined>()
let generation = 0

/**
 * The VTIMEZONE of a zone that is known by name, also by one of another kind, such as those of Windows; under the name that is given.
 * Undefined for what nobody knows. Kept as long as the zones are the same.
 */
export function standardZone (tzid: string): Component | undefined {
  const now = systemZones().generation()
  if (now !== generation || described.size > 500) described = new Map()
  generation = now
  if (!described.has(tzid)) described.set(tzid, describe(tzid))
  return described.get(tzid)
}

function describe (tzid: string): Component | undefined {
  const zone = zoneNamed(tzid)
  // `UTC+01:00` has no data: its clock never changes
  return zone && vtimezoneOf(escapeText(tzid), systemZones().data(zone.id) ?? { first: { offset: zone.toLocal(0), isDaylight: false, name: '' }, at: [], kind: [] })
}

/** Each that nobody knows costs a look at the disk, and an honest object has two or three. */
const mostUsed = 50

/** The TZIDs that the times of components refer to (RFC 5545 3.2.19), as they are written; of very many the first. */
export function usedIn ({ components }: Component): Set<string> {
  const used = new Set<string>()
  const look = (component: Component): void => {
    if (component.name === 'VTIMEZONE') return
    for (const each of component.properties) {
      const tzid = parameter(each, 'TZID')?.trim()
      if (tzid !== undefined && tzid !== '' && used.size < mostUsed) used.add(tzid)
    }
    component.components.forEach(look)
  }
  components.forEach(look)
  return used
}

/** Moments (UTC seconds) before and after all times that have a TZID; `latest` is Infinity for what repeats. */
function spanIn ({ components }: Component): { readonly earliest: number, readonly latest: number } {
  let [earliest, latest] = [Infinity, -Infinity]
  const look = (component: Component): void => {
    if (component.name === 'VTIMEZONE') return
    for (const each of component.properties) {
      // a length of days or weeks ends by the clock too
      if (each.name === 'RRULE' || (each.name === 'DURATION' && /[DW]/i.test(each.value))) latest = Infinity
      if (parameter(each, 'TZID') === undefined) continue
      for (const value of each.value.split(',')) {
        for (const part of value.split('/')) {
          earliest = Math.min(earliest, momentOf(part, Infinity) - DAY)
          latest = Math.max(latest, momentOf(part, -Infinity) + DAY)
        }
      }
    }
    component.components.forEach(look)
  }
  components.forEach(look)
  return { earliest, latest }
}

function momentOf (value: string, otherwise: number): number {
  try {
    return parseDateTime(value).local
  } catch (error) {
    if (error instanceof ValueError) return otherwise
    throw error
  }
}

/** The VTIMEZONEs of an object by `plainName`; of two the last, as `zonesOf` takes it. */
export function ownZones ({ components }: Component): Map<string, Component> {
  return new Map(components.filter(({ name }) => name === 'VTIMEZONE').map(one => [tzidOf(one), one]))
}

function tzidOf (vtimezone: Component): string {
  return plainName(property(vtimezone, 'TZID')?.value ?? '')
}
