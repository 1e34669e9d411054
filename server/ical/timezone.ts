import { readFileSync } from 'node:fs'
import { property, type Component } from './component.js'
import { ValueError, type Zone, type Zones } from './time.js'
import { IcalError, parse } from './parse.js'
import { intlName, intlZone } from './intl-zone.js'
import { readTzif } from './tzif.js'
import { isOpenEnded, readVtimezone } from './vtimezone.js'
import { windowsZones } from './windows-zones.js'

/** UTC. */
export const UTC: Zone = { id: 'UTC', toUtc: local => local, toLocal: utc => utc }

const directory = '/usr/share/zoneinfo/'

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
}

const named = new Recent<Zone | undefined>(300)
const described = new Recent<Zone | undefined>(100)
// An honest calendar uses a handful; each unknown name costs a look at the disk
const ZONES = 100
let last: { readonly calendar: Component, readonly zones: Zones } | undefined

/**
 * The zones that the TZIDs of a calendar mean: its own VTIMEZONE when it is sane and has no end, else the system's zone of that name
 * (`zoneNamed`), else the VTIMEZONE all the same. `get` gives undefined for what nobody knows: such times float.
 */
export function zonesOf (calendar: Component): Zones {
  if (last?.calendar === calendar) return last.zones
  const found = new Map<string, Zone | undefined>()
  const own = new Map<string, Component>()
  for (const one of calendar.components) {
    if (one.name === 'VTIMEZONE') own.set(property(one, 'TZID')?.value.trim() ?? '', one)
  }
  const zones: Zones = {
    get: tzid => {
      if (!found.has(tzid)) {
        if (found.size >= ZONES) return undefined
        const vtimezone = own.get(tzid.trim())
        found.set(tzid, vtimezone === undefined ? zoneNamed(tzid) : zoneOf(vtimezone, tzid))
      }
      return found.get(tzid)
    }
  }
  last = { calendar, zones }
  return zones
}

// Cached by content: the same TZID may be described differently in another calendar
function zoneOf (vtimezone: Component, tzid: string): Zone | undefined {
  const key = content(vtimezone)
  return key.length > 16_384 ? readZone(vtimezone, tzid) : described.get(key, () => readZone(vtimezone, tzid))
}

function readZone (vtimezone: Component, tzid: string): Zone | undefined {
  try {
    return (isOpenEnded(vtimezone) ? undefined : zoneNamed(tzid)) ?? readVtimezone(vtimezone)
  } catch (error) {
    if (error instanceof ValueError) return zoneNamed(tzid)
    throw error
  }
}

function content (component: Component): string {
  let text = component.name
  for (const one of component.properties) text += `\n${one.name}:${one.value}`
  for (const one of component.components) text += `\n(${content(one)})`
  return text
}

/**
 * A zone by name: IANA (`Europe/Berlin`, in any case), with a vendor in front (`/mozilla.org/20050126_1/Europe/Berlin`), or Windows
 * (`W. Europe Standard Time`). From the system's zone files, else from Intl. Undefined when nobody knows it.
 */
export function zoneNamed (tzid: string): Zone | undefined {
  return tzid.length > 200 ? undefined : named.get(tzid, () => findZone(tzid.trim()))
}

function findZone (name: string): Zone | undefined {
  if (/^(?:utc|gmt|z|(?:etc\/)?(?:utc|gmt|zulu|universal|greenwich))$/i.test(name)) return UTC
  const windows = windowsZones.get(name) ?? windowsZones.get(name.replace(/ Daylight Time$/, ' Standard Time'))
  if (windows !== undefined) return ianaZone(windows)
  const parts = name.split('/').filter(part => part !== '')
  if (!name.startsWith('/')) return ianaZone(name)
  for (let from = Math.max(1, parts.length - 3); from < parts.length; from++) {
    const found = ianaZone(parts.slice(from).join('/'))
    if (found !== undefined) return found
  }
  return undefined
}

// Nothing that leaves the directory, and not `right/` (which counts leap seconds) or the machine's own zone
function ianaZone (name: string): Zone | undefined {
  if (!/^[A-Za-z][\w+-]*(?:\/[A-Za-z][\w+-]*){0,2}$/.test(name) || /^(?:right|posix|localtime|posixrules)\b/i.test(name)) return undefined
  const found = fileZone(name)
  if (found !== undefined) return found
  const canonical = intlName(name)
  return canonical === undefined ? undefined : fileZone(canonical) ?? intlZone(canonical)
}

function fileZone (name: string): Zone | undefined {
  try {
    return readTzif(name, readFileSync(directory + name))
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** The zone in the value of CALDAV:calendar-timezone (RFC 4791 5.2.2): a VCALENDAR with one VTIMEZONE. Undefined when it has none that can be read. */
export function zoneFromCalendar (text: string): Zone | undefined {
  try {
    const vtimezone = parse(text).components.find(one => one.name === 'VTIMEZONE')
    return vtimezone === undefined ? undefined : zoneOf(vtimezone, property(vtimezone, 'TZID')?.value ?? '')
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}
