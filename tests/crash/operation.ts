import { etagOf } from '../../store/etag.js'
import type { Random } from '../oracle/random.js'
import { homePath, type Ask } from './client.js'
import { color, displayname, note, put, shared, type Calendar, type Place, type Thing, type World } from './world.js'

/** One write of a client, with what it means. */
export interface Step {
  readonly ask: Ask
  /** The status of success. */
  readonly expected: number
  /** What it may change; nobody else writes there meanwhile. */
  readonly places: readonly Place[]
  readonly apply: (world: World) => World
  /** What it overwrites or deletes: to be found in the history afterwards. */
  readonly lost: readonly string[]
}

/** Who writes. Everybody has calendars of their own (`a`, `b` always, `c…` sometimes) and names of their own in `common`. */
export interface Writer {
  readonly id: number
  readonly random: Random
  /** Another number each time. */
  readonly next: () => number
}

/** Makes a step for a world, or `undefined` when the world has nothing to do it with. */
export type Operation = (world: World, writer: Writer) => Step | undefined

/** The calendars that are made before anything else. */
export function firstCalendars (writers: number): string[] {
  return ['common', ...Array.from({ length: writers }, (_, id) => [`a${id}`, `b${id}`]).flat()]
}

const xmlns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:crash"'
const overwrite = { overwrite: 'T' }
const keep = { overwrite: 'F' }

/** An event; some are long enough that several pages are written. */
function event (uid: string, title: string, random: Random): string {
  const lines = random.chance(0.1) ? random.whole(200, 900) : random.whole(0, 20)
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//crash//EN', ...component(uid, title, lines), 'END:VCALENDAR', ''].join('\r\n')
}

function component (uid: string, title: string, lines: number): string[] {
  return ['BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20260101T000000Z', 'DTSTART:20260310T090000Z', 'DURATION:PT1H', `SUMMARY:${title}`,
    ...Array.from({ length: lines }, (_, line) => `X-LINE-${line}:${title} ${'.'.repeat(40)}`), 'END:VEVENT']
}

function newThing (writer: Writer, title: string): { name: string, thing: Thing } {
  const number = writer.next()
  const uid = `${writer.id}-${number}`
  return { name: `${uid}.ics`, thing: { uid, body: event(uid, `${title} ${uid}`, writer.random), properties: {} } }
}

function ownCalendars (world: World, { id }: Writer): string[] {
  return Object.keys(world).filter(name => name === `a${id}` || name === `b${id}`)
}

/** Calendars that come and go. */
function passing (world: World, { id }: Writer): string[] {
  return Object.keys(world).filter(name => name.startsWith(`c${id}-`))
}

function passingNames ({ id }: Writer): string[] {
  return [0, 1].map(number => `c${id}-${number}`)
}

function ownMembers (world: World, writer: Writer): { place: Place, calendar: string, name: string, thing: Thing }[] {
  return [...ownCalendars(world, writer), 'common'].flatMap(calendar => Object.entries(world[calendar]?.members ?? {})
    .filter(([name]) => name.startsWith(`${writer.id}-`))
    .map(([name, thing]) => ({ place: `${calendar}/${name}`, calendar, name, thing })))
}

function pick<Value> ({ random }: Writer, from: readonly Value[]): Value | undefined {
  return from.length === 0 ? undefined : random.pick(from)
}

function quoted (body: string): string {
  return etagOf(Buffer.from(body))
}

function destination (place: Place, { length }: { readonly length: number } = ''): { destination: string } {
  return { destination: `${homePath}${place}${length > 0 ? '/' : ''}` }
}

function holds (calendar: Calendar | undefined, uid: string, except: string): boolean {
  return Object.entries(calendar?.members ?? {}).some(([name, thing]) => name !== except && thing.uid === uid)
}

/** Somewhere else for a member: a calendar of the writer without its UID under another name. */
function elsewhere (world: World, writer: Writer, isTaken: boolean): { from: Place, to: Place, thing: Thing, former: Thing | undefined } | undefined {
  const pairs = ownMembers(world, writer).flatMap(({ place, calendar, name, thing }) => ownCalendars(world, writer).filter(other => other !== calendar && !holds(world[other], thing.uid, name))
    .map(other => ({ from: place, to: `${other}/${name}`, thing, former: world[other]?.members[name] })))
  return pick(writer, pairs.filter(({ former }) => (former !== undefined) === isTaken))
}

function proppatch (path: string, set: Readonly<Record<string, string>>, removed: readonly string[]): Ask {
  const tags: Readonly<Record<string, string>> = { [displayname]: 'D:displayname', [color]: 'A:calendar-color', [note]: 'X:note' }
  const sets = Object.entries(set).map(([name, value]) => `<D:set><D:prop><${tags[name] ?? ''}>${value}</${tags[name] ?? ''}></D:prop></D:set>`)
  const removes = removed.map(name => `<D:remove><D:prop><${tags[name] ?? ''}/></D:prop></D:remove>`)
  return { method: 'PROPPATCH', path, body: `<D:propertyupdate ${xmlns}>${sets.join('')}${removes.join('')}</D:propertyupdate>` }
}

function colorOf (number: number): string {
  return `#${(number * 2654435761 % 0x1000000).toString(16).padStart(6, '0').toUpperCase()}FF`
}

/** Now and then too large for an attribute, so that it lives in the sidecar alone. */
function text (writer: Writer, number: number): string {
  return writer.random.chance(0.2) ? `long ${number} ${'-'.repeat(9000)} ${number}` : `note ${number}`
}

function withProperties<Value extends Calendar | Thing> (value: Value, set: Readonly<Record<string, string>>, removed: readonly string[] = []): Value {
  const properties = { ...value.properties, ...set }
  return { ...value, properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !removed.includes(name))) }
}

function bodies (calendar: Calendar | undefined): string[] {
  return Object.values(calendar?.members ?? {}).map(({ body }) => body)
}

/** Access control lists are not copied. */
function copied (calendar: Calendar): Calendar {
  return withProperties(calendar, {}, [shared])
}

function copyOf (title: string, isTaken: boolean): Operation {
  return (world, writer) => {
    const way = elsewhere(world, writer, isTaken)
    if (way === undefined) return undefined
    const { from, to, thing, former } = way
    return {
      ask: { method: 'COPY', path: from, headers: { ...destination(to), ...isTaken ? overwrite : keep } },
      expected: isTaken ? 204 : 201,
      places: [to],
      apply: world => put(world, to, thing),
      lost: former === undefined ? [] : [former.body]
    }
  }
}

function moveOf (isTaken: boolean): Operation {
  return (world, writer) => {
    const way = elsewhere(world, writer, isTaken)
    if (way === undefined) return undefined
    const { from, to, thing, former } = way
    return {
      ask: { method: 'MOVE', path: from, headers: { ...destination(to), ...isTaken ? overwrite : keep } },
      expected: isTaken ? 204 : 201,
      places: [from, to],
      apply: world => put(put(world, to, thing), from, undefined),
      lost: former === undefined ? [] : [former.body]
    }
  }
}

/** A calendar that is there is never overwritten. */
function calendarTo (isMove: boolean): Operation {
  return (world, writer) => {
    const own = passing(world, writer)
    const from = pick(writer, isMove ? own : ownCalendars(world, writer))
    const to = pick(writer, passingNames(writer).filter(name => !own.includes(name)))
    const source = from === undefined ? undefined : world[from]
    if (from === undefined || to === undefined || source === undefined) return undefined
    return {
      ask: { method: isMove ? 'MOVE' : 'COPY', path: `${from}/`, headers: { ...destination(to, '/'), ...keep } },
      expected: 201,
      places: isMove ? [from, to] : [to],
      apply: world => isMove ? put(put(world, to, source), from, undefined) : put(world, to, copied(source)),
      lost: []
    }
  }
}

/** Everything that clients write, by the names that reports use. */
export const operations: Readonly<Record<string, Operation>> = {
  'PUT, new': (world, writer) => {
    const calendar = pick(writer, [...ownCalendars(world, writer), 'common'])
    if (calendar === undefined) return undefined
    const { name, thing } = newThing(writer, 'new')
    const place = `${calendar}/${name}`
    return { ask: { method: 'PUT', path: place, body: thing.body, headers: { 'if-none-match': '*' } }, expected: 201, places: [place], apply: world => put(world, place, thing), lost: [] }
  },
  'PUT, If-Match': (world, writer) => {
    const member = pick(writer, ownMembers(world, writer))
    if (member === undefined) return undefined
    const { place, thing } = member
    const body = event(thing.uid, `changed ${writer.next()}`, writer.random)
    return { ask: { method: 'PUT', path: place, body, headers: { 'if-match': quoted(thing.body) } }, expected: 204, places: [place], apply: world => put(world, place, { ...thing, body }), lost: [thing.body] }
  },
  'DELETE': (world, writer) => {
    const member = pick(writer, ownMembers(world, writer))
    if (member === undefined) return undefined
    const { place, thing } = member
    return { ask: { method: 'DELETE', path: place }, expected: 204, places: [place], apply: world => put(world, place, undefined), lost: [thing.body] }
  },
  'MOVE': moveOf(false),
  'MOVE, overwriting': moveOf(true),
  'COPY': copyOf('COPY', false),
  'COPY, overwriting': copyOf('COPY', true),
  'POST of a file': (world, writer) => {
    const calendar = pick(writer, ownCalendars(world, writer))
    if (calendar === undefined) return undefined
    const head = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//crash//EN']
    const all = Array.from({ length: 3 }, () => {
      const uid = `${writer.id}-${writer.next()}`
      const lines = component(uid, `imported ${uid}`, 3)
      return { place: `${calendar}/${uid}.ics`, lines, thing: { uid, body: [...head, ...lines, 'END:VCALENDAR', ''].join('\r\n'), properties: {} } }
    })
    return {
      ask: { method: 'POST', path: `${calendar}/`, body: [...head, ...all.flatMap(({ lines }) => lines), 'END:VCALENDAR', ''].join('\r\n') },
      expected: 207,
      places: all.map(({ place }) => place),
      apply: world => all.reduce((result, { place, thing }) => put(result, place, thing), world),
      lost: []
    }
  },
  'MKCALENDAR': (world, writer) => {
    const name = pick(writer, passingNames(writer).filter(name => world[name] === undefined))
    if (name === undefined) return undefined
    const number = writer.next()
    const properties = { [displayname]: `Made ${number}`, [color]: colorOf(number) }
    return {
      ask: { method: 'MKCALENDAR', path: `${name}/`, body: `<C:mkcalendar ${xmlns}><D:set><D:prop><D:displayname>Made ${number}</D:displayname><A:calendar-color>${colorOf(number)}</A:calendar-color></D:prop></D:set></C:mkcalendar>` },
      expected: 201,
      places: [name],
      apply: world => put(world, name, { properties, members: {} }),
      lost: []
    }
  },
  'PROPPATCH of a calendar': (world, writer) => {
    const name = pick(writer, [...ownCalendars(world, writer), ...passing(world, writer)])
    if (name === undefined) return undefined
    const number = writer.next()
    const isGone = writer.random.chance(0.3)
    const set = { [displayname]: `Named ${number}`, [color]: colorOf(number), ...isGone ? {} : { [note]: text(writer, number) } }
    const removed = isGone ? [note] : []
    return { ask: proppatch(`${name}/`, set, removed), expected: 207, places: [name], apply: world => changed(world, name, calendar => withProperties(calendar, set, removed)), lost: [] }
  },
  'PROPPATCH of an event': (world, writer) => {
    const member = pick(writer, ownMembers(world, writer))
    if (member === undefined) return undefined
    const set = { [note]: text(writer, writer.next()) }
    return { ask: proppatch(member.place, set, []), expected: 207, places: [member.place], apply: world => put(world, member.place, withProperties(member.thing, set)), lost: [] }
  },
  'ACL': (world, writer) => {
    const name = pick(writer, ownCalendars(world, writer))
    if (name === undefined) return undefined
    const wanted = world[name]?.properties[shared] === undefined ? 'bob' : undefined
    const ace = wanted === undefined ? '' : '<D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>'
    return {
      ask: { method: 'ACL', path: `${name}/`, body: `<D:acl ${xmlns}>${ace}</D:acl>` },
      expected: 200,
      places: [name],
      apply: world => changed(world, name, calendar => wanted === undefined ? withProperties(calendar, {}, [shared]) : withProperties(calendar, { [shared]: wanted })),
      lost: []
    }
  },
  'DELETE of a calendar': (world, writer) => {
    const name = pick(writer, passing(world, writer))
    if (name === undefined) return undefined
    return { ask: { method: 'DELETE', path: `${name}/` }, expected: 204, places: [name], apply: world => put(world, name, undefined), lost: bodies(world[name]) }
  },
  'COPY of a calendar': calendarTo(false),
  'MOVE of a calendar': calendarTo(true)
}

function changed (world: World, name: string, change: (calendar: Calendar) => Calendar): World {
  const calendar = world[name]
  return calendar === undefined ? world : put(world, name, change(calendar))
}

/** A step that can be done now, of any kind. */
export function anyStep (world: World, writer: Writer): { kind: string, step: Step } {
  for (;;) {
    const kind = writer.random.pick(weighted)
    const step = operations[kind]?.(world, writer)
    if (step !== undefined) return { kind, step }
  }
}

/** Clients write events more often than anything else; a home that only grows would make every look at it slower. */
const weighted = Object.keys(operations).flatMap(kind => kind === 'PUT, If-Match' || kind === 'DELETE' ? [kind, kind, kind, kind] : kind === 'PUT, new' ? [kind, kind, kind] : [kind])

/** A world in which every operation can be done: the steps that make it from one that has only the first calendars. */
export const furnishing: readonly string[] = ['PUT, new', 'PUT, new', 'PUT, new', 'PUT, new', 'COPY', 'MKCALENDAR', 'COPY of a calendar', 'PROPPATCH of a calendar', 'PROPPATCH of an event']
