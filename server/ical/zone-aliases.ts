import { beforeAll, onsetAt, onsetsOf } from './zone-onsets.js'
import type { ZoneSource } from './zone-source.js'

// Zones that have shown the same since then are one zone to most people, and in the tables of the tz database
const SINCE = 0
const UNTIL = 2_208_988_800

/**
 * Names by which zones are known besides their own: the links of the tz database, and zones of countries that follow another one since
 * 1970 (`zone1970.tab`: Lome is Abidjan), which distributions may keep as zones of their own for their earlier history.
 * @returns zone → names, in order of the alphabet
 */
export function aliasesIn (source: ZoneSource): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>()
  const add = (zone: string, alias: string): void => {
    if (zone !== alias) found.set(zone, (found.get(zone) ?? new Set()).add(alias))
  }
  const offered = source.offered()
  for (const [name, target] of offered) if (target !== undefined) add(zoneBehind(offered, target), name)
  const rows = tableOf(source.text('zone1970.tab'))
  const zones = new Set(rows.map(({ zone }) => zone))
  for (const { countries: [country = ''], zone: name } of tableOf(source.text('zone.tab'))) {
    if (zones.has(name) || !offered.has(name)) continue
    const candidates = rows.filter(row => row.countries.includes(country) && offered.has(row.zone))
    const zone = candidates.length === 1 ? candidates[0] : candidates.find(one => recent(source, one.zone) === recent(source, name))
    if (zone !== undefined) add(zone.zone, name)
  }
  return new Map([...found].map(([zone, names]) => [zone, [...names].sort()]))
}

/** The zone that a name is an alias of, itself when it is none. */
export function zoneBehind (offered: ReadonlyMap<string, string | undefined>, name: string): string {
  let zone = name
  for (let hops = 0; hops < 5; hops++) {
    const next = offered.get(zone)
    if (next === undefined) break
    zone = next
  }
  return zone
}

// Lines as `TG<tab>+0608+00113<tab>Africa/Lome`, countries with commas between
function tableOf (text = ''): Array<{ readonly countries: readonly string[], readonly zone: string }> {
  return [...text.matchAll(/^([A-Z,]+)\t[^\t\n]*\t([^\t\n]+)/gm)].map(([, countries = '', zone = '']) => ({ countries: countries.split(','), zone }))
}

function recent (source: ZoneSource, name: string): string | undefined {
  const data = source.data(name)
  if (data === undefined) return undefined
  return [onsetAt(data, SINCE)?.to.offset ?? beforeAll(data).offset, ...onsetsOf(data, SINCE, UNTIL).map(({ at, to }) => `${at} ${to.offset}`)].join(',')
}
