import { parameter, property, type Component } from '../ical/component.js'
import { zoneNamed } from '../ical/timezone.js'
import { isStandardZone, vtimezoneFor } from '../ical/vtimezone-write.js'
import { systemZones } from '../ical/zone-source.js'

/** CalDAV-Timezones (RFC 7809 7.1): `T` all that are used, `F` none that the time zone service has. */
export type ZonesWanted = 'T' | 'F'

/** What the header says; undefined = nothing that is known, so that the data goes out as it is stored. */
export function zonesWanted (header: string | readonly string[] | undefined): ZonesWanted | undefined {
  const word = typeof header === 'string' ? header.trim().toUpperCase() : undefined
  return word === 'T' || word === 'F' ? word : undefined
}

/**
 * Data with the VTIMEZONEs that are wanted (RFC 7809 3.1.3); the same object when nothing has to change.
 * @param stored  where they are taken from first; the time zone service has the others
 */
export function withZones (data: Component, wanted: ZonesWanted, stored: Component = data): Component {
  return wanted === 'F' ? withoutStandard(data) : withUsed(data, stored)
}

function withoutStandard (data: Component): Component {
  const components = data.components.filter(one => one.name !== 'VTIMEZONE' || !isStandardZone(tzidOf(one)))
  return components.length === data.components.length ? data : { ...data, components }
}

function withUsed (data: Component, stored: Component): Component {
  const present = new Set(zonesIn(data).map(tzidOf))
  const missing = [...usedIn(data)].filter(tzid => !present.has(tzid))
  const found = missing.flatMap(tzid => zonesIn(stored).find(one => tzidOf(one) === tzid) ?? describe(tzid) ?? [])
  return found.length === 0 ? data : { ...data, components: [...found, ...data.components] }
}

let described = new Map<string, Component | undefined>()
let generation = 0

/** The VTIMEZONE of a TZID, by the name that stands there; kept as long as the zones are the same. */
function describe (tzid: string): Component | undefined {
  const now = systemZones().generation()
  if (now !== generation || described.size > 500) described = new Map()
  generation = now
  if (!described.has(tzid)) described.set(tzid, vtimezoneNamed(tzid))
  return described.get(tzid)
}

/** Also for names of another kind, such as those of Windows; undefined for what nobody knows. */
function vtimezoneNamed (tzid: string): Component | undefined {
  const standard = vtimezoneFor(tzid)
  if (standard !== undefined) return standard
  const other = vtimezoneFor(zoneNamed(tzid)?.id ?? '')
  return other && { ...other, properties: other.properties.map(one => one.name === 'TZID' ? { ...one, value: tzid } : one) }
}

/** The TZIDs that the times of components refer to (RFC 5545 3.2.19). */
function usedIn ({ components }: Component): Set<string> {
  const used = new Set<string>()
  const look = (component: Component): void => {
    if (component.name === 'VTIMEZONE') return
    for (const each of component.properties) {
      const tzid = parameter(each, 'TZID')
      if (tzid !== undefined) used.add(tzid.trim())
    }
    component.components.forEach(look)
  }
  components.forEach(look)
  return used
}

function zonesIn ({ components }: Component): Component[] {
  return components.filter(({ name }) => name === 'VTIMEZONE')
}

/** As `zonesOf` of the time zones reads it. */
export function tzidOf (vtimezone: Component): string {
  return property(vtimezone, 'TZID')?.value.trim() ?? ''
}
