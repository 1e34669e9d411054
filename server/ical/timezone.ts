import { property, type Component } from './component.js'
import { ValueError, type Zone, type Zones } from './time.js'
import { IcalError, parse } from './parse.js'
import { isWhole, readVtimezone } from './vtimezone.js'
import { zoneAuthor } from './vtimezone-write.js'
import { zoneOfData } from './zone-data.js'
import { meaningOf, plainName } from './zone-name.js'
import { systemZones } from './zone-source.js'

/** UTC. */
export const UTC: Zone = { id: 'UTC', toUtc: local => local, toLocal: utc => utc }

/** Changes when the zone files do (looked at once a minute): what was worked out with zones before may be wrong. */
export function zoneGeneration (): number {
  return systemZones().generation()
}

/** Keeps what was used last; an answer may be "there is none". */
class Recent<Value> {
  private readonly entries = new Map<string, Value>()

  constructor (private readonly size: number) {}

  get (key: string, make: () => Value): Value {
    const had = this.entries.has(key)
    const value = had ? this.entries.get(key)! : make()
    if (had) this.entries.delete(key)
    this.entries.set(key, value)
    const oldest = this.entries.size > this.size ? this.entries.keys().next() : undefined
    if (oldest?.done === false) this.entries.delete(oldest.value)
    return value
  }

  clear (): void {
    this.entries.clear()
  }
}

const named = new Recent<Zone | undefined>(300)
const described = new Recent<Zone | undefined>(100)
// An honest calendar uses a handful; each unknown name costs a look at the disk
const ZONES = 100
// Larger descriptions are read each time
const KEY = 16_384
let generation = 0
let last: { readonly calendar: Component, readonly zones: Zones } | undefined

/**
 * The zones that the TZIDs of a calendar mean: its own VTIMEZONE when it is sane and whole, else the system's zone of that name
 * (`zoneNamed`), else the VTIMEZONE all the same. `get` gives undefined for what nobody knows: such times float.
 */
export function zonesOf (calendar: Component): Zones {
  renew()
  if (last?.calendar === calendar) return last.zones
  const found = new Map<string, Zone | undefined>()
  const own = new Map<string, Component>()
  for (const one of calendar.components) {
    if (one.name === 'VTIMEZONE') own.set(plainName(property(one, 'TZID')?.value ?? ''), one)
  }
  const zones: Zones = {
    get: tzid => {
      if (!found.has(tzid)) {
        if (found.size >= ZONES) return undefined
        const vtimezone = own.get(plainName(tzid))
        found.set(tzid, vtimezone === undefined ? zoneNamed(tzid) : zoneOf(vtimezone, tzid))
      }
      return found.get(tzid)
    }
  }
  last = { calendar, zones }
  return zones
}

/**
 * What times with a TZID mean beside a VTIMEZONE of that name, as `zonesOf` tells it. Cached by content: the same TZID may be described
 * differently in another calendar.
 */
export function zoneOf (vtimezone: Component, tzid: string): Zone | undefined {
  renew()
  const key = content(vtimezone, KEY)
  return key.length > KEY ? readZone(vtimezone, tzid) : described.get(key, () => readZone(vtimezone, tzid))
}

function readZone (vtimezone: Component, tzid: string): Zone | undefined {
  try {
    return (isWhole(vtimezone) ? undefined : zoneNamed(tzid)) ?? readVtimezone(vtimezone)
  } catch (error) {
    if (error instanceof ValueError) return zoneNamed(tzid)
    throw error
  }
}

/** Name and values of everything in it; breaks off when it is longer than `most`. */
function content (component: Component, most: number): string {
  let text = component.name
  for (const one of component.properties) {
    text += `\n${one.name}:${one.value}`
    if (text.length > most) return text
  }
  for (const one of component.components) {
    text += `\n(${content(one, most - text.length)})`
    if (text.length > most) return text
  }
  return text
}

/**
 * A zone by name: IANA (`Europe/Berlin`, in any case), with a vendor in front (`/mozilla.org/20050126_1/Europe/Berlin`), as Windows
 * (`W. Europe Standard Time`) or Exchange (`(UTC+01:00) Amsterdam, Berlin`) call it. From the system's zone files, else from Intl.
 * Undefined when nobody knows it.
 */
export function zoneNamed (tzid: string): Zone | undefined {
  renew()
  return tzid.length > 200 ? undefined : named.get(tzid, () => findZone(tzid))
}

function findZone (tzid: string): Zone | undefined {
  const source = systemZones()
  const meaning = meaningOf(tzid, source)
  if (typeof meaning === 'number') return { id: plainName(tzid), toUtc: local => local - meaning, toLocal: utc => utc + meaning }
  if (meaning === 'UTC') return UTC
  const data = meaning === undefined ? undefined : source.data(meaning)
  return meaning === undefined || data === undefined ? undefined : zoneOfData(meaning, data)
}

// The zone files are replaced while we run: what was read from them before is forgotten
function renew (): void {
  const now = systemZones().generation()
  if (now === generation) return
  generation = now
  named.clear()
  described.clear()
  last = undefined
}

/**
 * The zone in the value of CALDAV:calendar-timezone (RFC 4791 5.2.2) or CALDAV:timezone: a VCALENDAR with one VTIMEZONE. Undefined when it
 * is not that, or nobody can tell what the VTIMEZONE means. What we wrote ourselves is read from today's data.
 */
export function zoneFromCalendar (text: string): Zone | undefined {
  try {
    const calendar = parse(text.trim())
    const [vtimezone, ...more] = calendar.components
    if (vtimezone?.name !== 'VTIMEZONE' || more.length > 0) return undefined
    const tzid = property(vtimezone, 'TZID')?.value ?? ''
    return (property(calendar, 'PRODID')?.value === zoneAuthor ? zoneNamed(tzid) : undefined) ?? zoneOf(vtimezone, tzid)
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}
