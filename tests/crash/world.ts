/** A file with its dead properties, by Clark name, as text. */
export interface Thing { readonly uid: string, readonly body: string, readonly properties: Properties }

export type Properties = Readonly<Record<string, string>>

/** A calendar: members by name. */
export interface Calendar { readonly properties: Properties, readonly members: Readonly<Record<string, Thing>> }

/** All calendars of a home, by name. Never changed: every write makes a new one. */
export type World = Readonly<Record<string, Calendar>>

export const displayname = '{DAV:}displayname'
export const color = '{http://apple.com/ns/ical/}calendar-color'
export const note = '{urn:crash}note'
/** Who was given read access, as far as we ask. */
export const shared = 'acl'

/** Part of a world: a calendar with all it holds, or `calendar/member`. */
export type Place = string

export function at (world: World, place: Place): Calendar | Thing | undefined {
  const [calendar = '', member] = place.split('/')
  return member === undefined ? world[calendar] : world[calendar]?.members[member]
}

/** The world with a place set, or emptied (`undefined`). A member of a calendar that is not there is left out. */
export function put (world: World, place: Place, value: Calendar | Thing | undefined): World {
  const [name = '', member] = place.split('/')
  if (member === undefined) return withKey(world, name, value as Calendar | undefined)
  const calendar = world[name]
  return calendar === undefined ? world : { ...world, [name]: { ...calendar, members: withKey(calendar.members, member, value as Thing | undefined) } }
}

export function withKey<Value> (table: Readonly<Record<string, Value>>, key: string, value: Value | undefined): Readonly<Record<string, Value>> {
  const { [key]: _, ...rest } = table
  return value === undefined ? rest : { ...rest, [key]: value }
}

/** What differs between two worlds, one line each; nothing when they are the same. */
export function differences (wanted: World, found: World): string[] {
  return keys(wanted, found).flatMap(name => {
    const [a, b] = [wanted[name], found[name]]
    if (a === undefined || b === undefined) return [`calendar ${name} is ${b === undefined ? 'missing' : 'there and should not be'}`]
    return [...ofProperties(name, a.properties, b.properties), ...keys(a.members, b.members).flatMap(member => ofThings(`${name}/${member}`, a.members[member], b.members[member]))]
  })
}

function keys (a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
}

function ofThings (place: string, a: Thing | undefined, b: Thing | undefined): string[] {
  if (a === undefined || b === undefined) return [`${place} is ${b === undefined ? 'missing' : 'there and should not be'}`]
  return [...a.body === b.body ? [] : [`${place} holds ${titleOf(b.body)} instead of ${titleOf(a.body)}`], ...ofProperties(place, a.properties, b.properties)]
}

function ofProperties (place: string, a: Properties, b: Properties): string[] {
  return keys(a, b).filter(name => a[name] !== b[name]).map(name => `${place}: ${name} is ${short(b[name])} instead of ${short(a[name])}`)
}

function short (text: string | undefined): string {
  return text === undefined ? 'not set' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text)
}

/** What a body of ours calls itself. */
export function titleOf (body: string): string {
  return `${/SUMMARY:(.*)/.exec(body)?.[1]?.trim() ?? 'something else'} (${body.length} bytes)`
}

/**
 * What a request that was not answered has left at a place, when that is allowed: all of it or nothing; of several properties, and of
 * the files of an import, each by itself.
 */
export function settled (before: World, after: World, found: World, place: Place): World {
  const [a, b, seen] = [at(before, place), at(after, place), at(found, place)]
  if (seen === undefined || isSame(seen, b)) return put(before, place, seen === undefined ? (a === undefined ? a : b === undefined ? b : a) : b)
  if (isSame(seen, a) || b === undefined) return before
  // a copy gets its properties one after the other
  if (a === undefined) return 'body' in seen && 'body' in b && seen.body === b.body ? put(before, place, { ...b, properties: mixed({}, b.properties, seen.properties) }) : before
  const properties = mixed(a.properties, b.properties, seen.properties)
  if ('members' in a && 'members' in b && 'members' in seen) {
    const members = mixed(a.members, b.members, seen.members, isSame)
    return put(before, place, { properties, members })
  }
  const body = 'body' in seen && 'body' in b && seen.body === b.body ? b : a
  return put(before, place, { ...body, properties })
}

function isSame (a: Calendar | Thing | undefined, b: Calendar | Thing | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return differences({ x: whole(a) }, { x: whole(b) }).length === 0
}

function whole (value: Calendar | Thing): Calendar {
  return 'members' in value ? value : { properties: {}, members: { x: value } }
}

function mixed<Value> (a: Readonly<Record<string, Value>>, b: Readonly<Record<string, Value>>, seen: Readonly<Record<string, Value>>, same: (one: Value, other: Value | undefined) => boolean = (one, other) => one === other): Readonly<Record<string, Value>> {
  const result: Record<string, Value> = {}
  for (const key of keys(a, b)) {
    const value = seen[key]
    const chosen = value === undefined ? (key in a && key in b ? a[key] : undefined) : b[key] !== undefined && same(b[key], value) ? b[key] : a[key]
    if (chosen !== undefined) result[key] = chosen
  }
  return result
}
