import { createHash } from 'node:crypto'
import { aliasesIn } from '../ical/zone-aliases.js'
import { systemZones, type ZoneSource } from '../ical/zone-source.js'

// Part of every ETag: raised when the same data are written otherwise
const FORM = '1'

/** One zone of a list (RFC 7808 6.2). */
export interface Listed {
  readonly tzid: string
  readonly etag: string
  readonly 'last-modified': string
  readonly publisher: string
  readonly version: string
  readonly aliases?: readonly string[]
}

/** The list at one moment, and the token for it (RFC 7808 5.2). */
export interface List { readonly generation: number, readonly synctoken: string, readonly zones: readonly Listed[] }

let lists: { readonly generation: number, readonly list: Promise<List> } | undefined

/** The list of all zones, made once for each state of the data. */
export async function listing (): Promise<List> {
  const source = systemZones()
  const generation = source.generation()
  if (lists?.generation !== generation) lists = { generation, list: makeList(source, generation) }
  return await lists.list
}

async function makeList (source: ZoneSource, generation: number): Promise<List> {
  const version = source.version()
  const modified = timeText(Math.floor(source.modified() / 1000))
  const aliases = aliasesIn(source)
  const zones: Listed[] = []
  for (const [tzid, target] of source.offered()) {
    if (target !== undefined) continue
    // some hundred files: others have their turn between
    if (zones.length % 25 === 0) await new Promise(resolve => { setImmediate(resolve) })
    const names = aliases.get(tzid)
    zones.push({ tzid, etag: tagOf(source, tzid), 'last-modified': modified, publisher: 'IANA', version, ...names === undefined ? {} : { aliases: names } })
  }
  const synctoken = createHash('sha256').update(JSON.stringify(zones)).digest('base64url').slice(0, 16)
  return { generation, synctoken: `${version}-${synctoken}`, zones }
}

/** RFC 7808 5.3: strong, of the untruncated text; without its quotes. */
export function tagOf (source: ZoneSource, tzid: string): string {
  const hash = createHash('sha256').update(`${FORM} ${tzid}\n`).update(source.bytes(tzid) ?? source.version())
  return hash.digest('base64url').slice(0, 20)
}

/** RFC 3339, of UTC seconds. */
export function timeText (seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
