import { readdirSync, readFileSync, statSync } from 'node:fs'
import { intlData, intlName } from './intl-zone.js'
import { tzifData } from './tzif.js'
import type { ZoneData } from './zone-data.js'

/** Where zones come from: the system's files, and Intl for what they do not have. */
export interface ZoneSource {
  /** The data of a zone of that name (in any case) or alias; undefined when nobody knows it. */
  readonly data: (name: string) => ZoneData | undefined
  /** The name as the source writes it (`europe/berlin` → `Europe/Berlin`); any other name is given back. */
  readonly spelled: (name: string) => string
  /** The zone named by a city, as `Kuala Lumpur` or `New York`, in any case; undefined when there is none, or there are two. */
  readonly ofCity: (city: string) => string | undefined
  /** What the service offers: name → the name it is an alias of, undefined for a zone itself. In order of the alphabet. */
  readonly offered: () => ReadonlyMap<string, string | undefined>
  /** Whether the service has a zone of exactly this name. Intl knows aliases that it does not list. */
  readonly isOffered: (name: string) => boolean
  /** A text file beside the zones (`zone1970.tab`, `leap-seconds.list`); undefined when it is not there. */
  readonly text: (file: string) => string | undefined
  /** The bytes that describe a zone, for comparing; undefined when it is not in a file. */
  readonly bytes: (name: string) => Buffer | undefined
  /** `2025b`. */
  readonly version: () => string
  /** When the data came to this machine, UTC milliseconds; 0 = not known. */
  readonly modified: () => number
  /** Changes whenever the files did; looks at the disk at most once a minute, or when `now` is said. */
  readonly generation: (now?: boolean) => number
}

const LOOK_EVERY = 60_000
// Not zones: leap seconds counted, the machine's own, and `-00`
const hidden = /^(?:right|posix|localtime|posixrules|factory)(?:\/|$)/i
const form = /^[A-Za-z][\w+-]*(?:\/[A-Za-z][\w+-]*){0,2}$/

/**
 * Zones from a directory of compiled zone files (RFC 8536), else from Intl.
 * @param directory ends in `/`; need not be there
 */
export function zoneSource (directory: string): ZoneSource {
  let number = 1
  let looked = -Infinity
  let stamp: string | undefined
  let index: Index | undefined
  const fresh = (now = false): number => {
    const time = performance.now()
    if (!now && time - looked < LOOK_EVERY) return number
    looked = time
    const found = stampOf(directory)
    if (found === stamp) return number
    if (stamp !== undefined) number++
    stamp = found
    index = undefined
    return number
  }
  const indexed = (): Index => {
    fresh()
    return index ??= indexOf(directory)
  }
  const spelled = (name: string): string => {
    const { offered, spelled, fromFiles } = indexed()
    return offered.has(name) ? name : spelled.get(name.toLowerCase()) ?? (fromFiles ? name : intlName(name) ?? name)
  }
  return {
    data: name => {
      // Nothing that leaves the directory
      if (!form.test(name) || hidden.test(name)) return undefined
      const written = spelled(name)
      const found = fileData(directory + written)
      if (found !== undefined) return found
      const canonical = intlName(written)
      return canonical === undefined ? undefined : fileData(directory + canonical) ?? intlData(canonical)
    },
    spelled,
    ofCity: city => indexed().cities.get(city.toLowerCase()),
    offered: () => indexed().offered,
    isOffered: name => indexed().offered.has(name) || (!indexed().fromFiles && /^[A-Z]/.test(name) && form.test(name) && !hidden.test(name) && intlName(name) !== undefined),
    text: file => read(directory + file)?.toString('utf8'),
    bytes: name => form.test(name) && !hidden.test(name) ? read(directory + name) : undefined,
    version: () => indexed().version,
    modified: () => indexed().modified,
    generation: fresh
  }
}

const system = zoneSource('/usr/share/zoneinfo/')

/** The zones of this machine. */
export function systemZones (): ZoneSource {
  return system
}

interface Index {
  readonly fromFiles: boolean
  readonly offered: ReadonlyMap<string, string | undefined>
  /** Lower case → as it is written. */
  readonly spelled: ReadonlyMap<string, string>
  /** Lower case; of two zones of that name neither. */
  readonly cities: ReadonlyMap<string, string | undefined>
  readonly version: string
  readonly modified: number
}

function indexOf (directory: string): Index {
  const text = read(directory + 'tzdata.zi')?.toString('utf8')
  const offered = new Map([...text === undefined ? walked(directory) : listed(text, directory)].sort(([a], [b]) => a < b ? -1 : 1))
  const fromFiles = offered.size > 0
  if (!fromFiles) for (const name of [...Intl.supportedValuesOf('timeZone'), 'UTC'].sort()) offered.set(name, undefined)
  const cities = new Map<string, string | undefined>()
  for (const [name, target] of offered) {
    const city = name.slice(name.lastIndexOf('/') + 1).replaceAll('_', ' ').toLowerCase()
    if (target === undefined && name.includes('/')) cities.set(city, cities.has(city) ? undefined : name)
  }
  return {
    fromFiles,
    cities,
    offered,
    spelled: new Map([...offered.keys()].map(name => [name.toLowerCase(), name])),
    version: /^# version (\S{1,40})/.exec(text ?? '')?.[1] ?? read(directory + '+VERSION')?.toString('latin1', 0, 40).trim() ?? (fromFiles ? 'unknown' : process.versions.tz ?? 'unknown'),
    modified: modifiedOf(directory + 'tzdata.zi') ?? modifiedOf(directory + 'zone1970.tab') ?? 0
  }
}

/** The lines `Z name …` and `L target alias` of zic's input; a distribution may leave some files out. */
function * listed (text: string, directory: string): Iterable<[string, string | undefined]> {
  for (const [, kind, first = '', second = ''] of text.matchAll(/^([ZL]) (\S+) (\S+)/gm)) {
    const [name, target] = kind === 'Z' ? [first, undefined] : [second, first]
    if (form.test(name) && !hidden.test(name) && modifiedOf(directory + name) !== undefined) yield [name, target]
  }
}

function * walked (directory: string, under = '', depth = 0): Iterable<[string, undefined]> {
  let entries
  try {
    entries = readdirSync(directory + under, { withFileTypes: true })
  } catch {
    return
  }
  for (const entry of entries) {
    const name = under + entry.name
    if (!form.test(name) || hidden.test(name)) continue
    if (entry.isDirectory()) {
      if (depth < 2) yield * walked(directory, `${name}/`, depth + 1)
    } else if (read(directory + name)?.toString('latin1', 0, 4) === 'TZif') yield [name, undefined]
  }
}

function fileData (path: string): ZoneData | undefined {
  const bytes = read(path)
  return bytes === undefined ? undefined : tzifData(bytes)
}

function read (path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

function modifiedOf (path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

// Packages replace the files by renaming: inode and time of change tell
function stampOf (directory: string): string {
  return ['tzdata.zi', '', 'Europe'].map(name => {
    const found = statSync(directory + name, { throwIfNoEntry: false })
    return found === undefined ? '-' : `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`
  }).join(' ')
}
