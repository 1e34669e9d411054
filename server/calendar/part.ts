import { createHash } from 'node:crypto'
import { escapeText, parameter, property, unescapeText, type Component, type Property } from '../ical/component.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { zoneNamed } from '../ical/timezone.js'
import { plainName } from '../ical/zone-name.js'
import { rendered, type Form } from './media.js'
import { likeStandard, ownZones, usedIn } from './zones.js'

/** What an object gives to a stream of many: its components, printed, and the zones that they refer to. */
export interface Part {
  readonly zones: readonly PartZone[]
  readonly others: readonly string[]
}

/** What a TZID means in an object. */
export interface PartZone {
  readonly tzid: string
  /** The same for the same rules; undefined = what everybody knows by that name. */
  readonly key: string | undefined
  /** The VTIMEZONE of the object; empty when it has none, or needs none. */
  readonly text: string
}

/**
 * A pure function of values that can be sent to a thread; nothing for what cannot be read.
 * @param names  other names for zones of the object's own, by TZID
 */
export function partOf (bytes: Uint8Array, form: Form, names: ReadonlyMap<string, string> = new Map()): Part {
  const calendar = readable(bytes)
  if (calendar === undefined) return { zones: [], others: [] }
  const own = ownZones(calendar)
  const used = [...new Set([...usedIn(calendar)].map(plainName))]
  const standard = likeStandard(calendar, used)
  const zones = used.map((name): PartZone => {
    const vtimezone = own.get(name)
    if (vtimezone === undefined ? zoneNamed(name) !== undefined : standard.has(name)) return { tzid: name, key: undefined, text: '' }
    const tzid = names.get(name) ?? name
    return vtimezone === undefined ? { tzid, key: '', text: '' } : { tzid, key: keyOf(vtimezone), text: rendered(withName(vtimezone, tzid), form) }
  })
  return { zones, others: calendar.components.filter(({ name }) => name !== 'VTIMEZONE').map(each => rendered(withNames(each, names), form)) }
}

function readable (bytes: Uint8Array): Component | undefined {
  try {
    return parse(decode(bytes))
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}

const ruling: ReadonlySet<string> = new Set(['DTSTART', 'RDATE', 'RRULE', 'TZOFFSETFROM', 'TZOFFSETTO', 'TZUNTIL'])

/** Of what says when its clock changes: names, remarks and order are no matter. */
function keyOf (vtimezone: Component): string {
  const rules = ({ properties }: Component): string => properties.filter(({ name }) => ruling.has(name)).map(({ name, value }) => `${name}:${value}\n`).sort().join('')
  return createHash('sha256').update([vtimezone, ...vtimezone.components].map(rules).sort().join('\n')).digest('base64url').slice(0, 22)
}

function withName (vtimezone: Component, tzid: string): Component {
  const now = property(vtimezone, 'TZID')
  return now === undefined || unescapeText(now.value) === tzid ? vtimezone : { ...vtimezone, properties: vtimezone.properties.map(one => one === now ? { ...one, value: escapeText(tzid) } : one) }
}

/** With TZIDs as the stream knows them, also without what clients put around them: the same objects where nothing changes. */
function withNames (component: Component, names: ReadonlyMap<string, string>): Component {
  const properties = mapped(component.properties, each => withTzid(each, names))
  const components = mapped(component.components, each => withNames(each, names))
  return properties === component.properties && components === component.components ? component : { ...component, properties, components }
}

function withTzid (each: Property, names: ReadonlyMap<string, string>): Property {
  const tzid = parameter(each, 'TZID')
  if (tzid === undefined) return each
  const plain = plainName(tzid)
  const name = names.get(plain) ?? plain
  return name === tzid ? each : { ...each, parameters: Object.assign(Object.create(null) as Record<string, readonly string[]>, each.parameters, { TZID: [name] }) }
}

function mapped<Item> (items: readonly Item[], change: (item: Item) => Item): readonly Item[] {
  const made = items.map(change)
  return made.every((each, at) => each === items[at]) ? items : made
}
