import { unescapeText } from './component.js'
import { beforeAll, onsetAt } from './zone-onsets.js'
import type { ZoneSource } from './zone-source.js'
import { windowsZones } from './windows-zones.js'

const utc = /^(?:z|(?:etc\/)?(?:utc|uct|gmt|zulu|universal|greenwich)|(?:\(utc\)\s*)?coordinated universal time|tzone:\/\/microsoft\/utc)$/i
const regions = /^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|US|Canada)[_-](?=[A-Z])/
// Exchange shows these without a city in them
const american: ReadonlyMap<string, string> = new Map([
  ['atlantic time', 'America/Halifax'], ['eastern time', 'America/New_York'], ['central time', 'America/Chicago'],
  ['mountain time', 'America/Denver'], ['pacific time', 'America/Los_Angeles'], ['alaska', 'America/Anchorage'], ['hawaii', 'Pacific/Honolulu']
])
const windows: ReadonlyMap<string, string> = new Map([...windowsZones].map(([name, zone]) => [name.toLowerCase(), zone]))

/** A TZID without what clients put around it: blanks, quotation marks, backslashes of TEXT. */
export function plainName (tzid: string): string {
  return unescapeText(tzid).trim().replace(/^"(.*)"$/, '$1').trim()
}

/** What a TZID means: the name of a zone of the source as it writes it, `UTC`, or an offset of `UTC+01:00` in seconds; undefined when nobody knows. */
export function meaningOf (tzid: string, source: ZoneSource): string | number | undefined {
  const name = plainName(tzid)
  if (utc.test(name)) return 'UTC'
  const exact = windows.get(name.toLowerCase().replace(/ daylight time$/, ' standard time')) ?? known(name, source)
  if (exact !== undefined) return source.spelled(exact)
  const offset = /^(?:utc|gmt)\s*([+-])(\d\d?)(?::?(\d\d))?$/i.exec(name)
  if (offset !== null) return offsetOf(offset[1], offset[2], offset[3])
  return behindVendor(name, source) ?? known(name.replace(regions, '$1/'), source) ?? byCity(name, source)
}

function known (name: string, source: ZoneSource): string | undefined {
  return source.data(name) === undefined ? undefined : source.spelled(name)
}

function offsetOf (sign?: string, hours?: string, minutes = '0'): number {
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60) + 0
}

// RFC 5545 3.8.3.1: a slash begins a name that is unique by its registry, as `/citadel.org/20210210_1/Europe/Berlin`
function behindVendor (name: string, source: ZoneSource): string | undefined {
  if (!/^(?:\/|[^/]*[.:])/.test(name)) return undefined
  const parts = name.split('/').filter(part => part !== '')
  for (let from = Math.max(1, parts.length - 3); from < parts.length; from++) {
    const found = known(parts.slice(from).join('/'), source)
    if (found !== undefined) return found
  }
  return undefined
}

/** `(UTC+01:00) Amsterdam, Berlin, Bern`, as Outlook and Exchange show zones: the first city that has a zone, of that offset in winter. */
function byCity (name: string, source: ZoneSource): string | undefined {
  const found = /^(?:\((?:utc|gmt)(?:\s*([+-])(\d\d?)[:.]?(\d\d))?\)\s*)?(\D+)$/i.exec(name)
  if (found === null) return undefined
  const [, sign, , , text = ''] = found
  const isPlace = name.startsWith('(')
  const cities = text.split(',').map(part => part.trim())
  if (!isPlace && cities.length < 2) return undefined
  const offset = sign === undefined ? isPlace ? 0 : undefined : offsetOf(sign, found[2], found[3])
  for (const city of [...cities, text.replace(/\s*\(.*$/, '').trim()]) {
    const zone = american.get(city.toLowerCase().replace(/\s*\(.*$/, '')) ?? source.ofCity(city)
    if (zone !== undefined && (offset === undefined || winterOffset(zone, source) === offset)) return zone
  }
  return undefined
}

// Of the two that a year has, the smaller one
function winterOffset (zone: string, source: ZoneSource): number | undefined {
  const data = source.data(zone)
  if (data === undefined) return undefined
  const now = Math.floor(Date.now() / 1000)
  return Math.min(...[now, now + 15_778_476].map(at => onsetAt(data, at)?.to.offset ?? beforeAll(data).offset))
}
