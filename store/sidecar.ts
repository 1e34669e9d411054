import { stampOf } from './etag.js'
import { facts as statsOf, read } from './file.js'
import type { Properties } from './attribute.js'

/** The readable mirror of a collection's attributes, beside its members. Dot names are never served. */
export const sidecarName = '.properties.json'

const about = 'Names, colours and other properties of this collection and its files, for copies that lose extended attributes.'

/** What a sidecar says. Members are file names; `only` are values too large for an attribute, which live here alone. */
export interface Sidecar {
  readonly collection: Properties
  readonly members: ReadonlyMap<string, Properties>
  /** `name` or `member name` of each property that no attribute holds. */
  readonly only: ReadonlySet<string>
}

const empty: Sidecar = { collection: new Map(), members: new Map(), only: new Set() }

const remembered = new Map<string, { stamp: string, sidecar: Sidecar }>()
const most = 2000

/** The sidecar of a directory; empty when there is none, or when it is not ours or damaged (attributes are the truth, it will be written anew). */
export function readSidecar (directory: string): Sidecar {
  const path = `${directory}/${sidecarName}`
  const stats = statsOf(path)
  if (stats === undefined) return empty
  const stamp = stampOf(stats)
  const known = remembered.get(directory)
  if (known?.stamp === stamp) return known.sidecar
  const file = read(path)
  const sidecar = file === undefined ? empty : parseSidecar(file.bytes.toString('utf8'))
  if (remembered.size >= most) remembered.clear()
  remembered.set(directory, { stamp, sidecar })
  return sidecar
}

/** The key of a property in `only`; `member` is '' for the collection itself. */
export function onlyKey (member: string, name: string): string {
  return member === '' ? name : `${member} ${name}`
}

/** What a copy's sidecar says: of the files that are copied, and without some properties. */
export function partOf ({ collection, members, only }: Sidecar, isCopied: (member: string) => boolean, without: readonly string[]): Sidecar {
  const rest = (values: Properties): Properties => new Map([...values].filter(([name]) => !without.includes(name)))
  const copied = new Map([...members].filter(([name]) => isCopied(name)).map(([name, values]) => [name, rest(values)]))
  const there = new Set([...copied].flatMap(([member, values]) => [...values.keys()].map(name => onlyKey(member, name))))
  const own = rest(collection)
  return { collection: own, members: new Map([...copied].filter(([, values]) => values.size > 0)), only: new Set([...only].filter(key => own.has(key) || there.has(key))) }
}

function parseSidecar (text: string): Sidecar {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return empty
  }
  if (!isTable(value)) return empty
  const members = new Map<string, Properties>()
  if (isTable(value['members'])) {
    for (const [name, table] of Object.entries(value['members'])) {
      const properties = propertiesOf(table)
      if (properties.size > 0) members.set(name, properties)
    }
  }
  const only = Array.isArray(value['only']) ? value['only'].filter(key => typeof key === 'string') : []
  return { collection: propertiesOf(value['collection']), members, only: new Set(only) }
}

function propertiesOf (value: unknown): Properties {
  const properties: Properties = new Map()
  if (!isTable(value)) return properties
  for (const [name, xml] of Object.entries(value)) {
    if (typeof xml === 'string' && /^\{[^{}]*\}[^{}\s]+$/.test(name)) properties.set(name, xml)
  }
  return properties
}

function isTable (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The text of a sidecar, sorted so that equal properties give equal bytes; `undefined` when there is nothing to keep. */
export function sidecarText (sidecar: Sidecar): string | undefined {
  if (sidecar.collection.size === 0 && sidecar.members.size === 0) return undefined
  const members = Object.create(null) as Record<string, Record<string, string>>
  for (const name of [...sidecar.members.keys()].sort()) members[name] = tableOf(sidecar.members.get(name) ?? new Map())
  return JSON.stringify({
    about,
    collection: tableOf(sidecar.collection),
    ...(sidecar.members.size > 0 ? { members } : {}),
    ...(sidecar.only.size > 0 ? { only: [...sidecar.only].sort() } : {})
  }, undefined, 2) + '\n'
}

function tableOf (properties: Properties): Record<string, string> {
  return Object.fromEntries([...properties].sort(([a], [b]) => a < b ? -1 : 1).map(([name, xml]) => [name, withoutDeclaration(xml)]))
}

function withoutDeclaration (xml: string): string {
  return xml.replace(/^\s*<\?xml[^?]*\?>\s*/, '').trimEnd()
}
