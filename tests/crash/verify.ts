import Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { etagOf } from '../../store/etag.js'
import { child, elements, text } from '../../server/xml/element.js'
import { told, syncTokenIn, type Told } from '../multistatus.js'
import { Client, homePath } from './client.js'
import { color, displayname, note, shared, type Calendar, type Thing, type World } from './world.js'

const xmlns = 'xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:crash"'
/** As principals are named in answers. */
const bob = '-000000000002/'
/** Collections that every home has. */
const provided: ReadonlySet<string> = new Set(['inbox', 'outbox', 'calendar', 'tasks'])

/** What a home looks like: as it is served, and as it lies on the disk. */
export interface Sight {
  readonly world: World
  /** What contradicts itself, one line each. */
  readonly faults: string[]
}

/** What is known of former states. */
export class Memory {
  /** Of the bodies that were sent, by their SHA-256. */
  readonly sent = new Set<string>()
  /** SHA-256 of what must be in the history. */
  readonly lost = new Map<string, string>()
  /** Where clients have come to by sync-collection: the token and what they know, by calendar. */
  readonly synced = new Map<string, { token: string, known: Map<string, string> }>()
  /** Sync tokens that were refused as too old. */
  refused = 0
  /** Temporary names that were there before the last start, and those found since. */
  readonly leftovers = { before: new Set<string>(), since: new Set<string>() }
  readonly #kept = new Map<string, string>()
  readonly #found = new Set<string>()

  /** A server is about to start; what a guest leaves behind waits for that. */
  starts (): void {
    for (const name of this.leftovers.since) this.leftovers.before.add(name)
    this.leftovers.since.clear()
  }

  sends (body: string): void {
    this.sent.add(hash(body))
  }

  loses (body: string): void {
    this.lost.set(hash(body), body)
  }

  /** Reads what has come into the history. @returns what is wrong with it */
  look (history: string): string[] {
    const faults: string[] = []
    for (const file of filesBelow(history)) {
      if (this.#kept.has(file) || !file.includes('.ics') || file.includes('/.tmp-')) continue
      const bytes = readFileSync(file)
      const sum = hash(bytes)
      this.#kept.set(file, sum)
      this.#found.add(sum)
      if (!this.sent.has(sum)) faults.push(`${file} in the history is nothing that was ever sent (${bytes.length} bytes)`)
    }
    for (const [sum, body] of this.lost) {
      if (this.#found.has(sum)) this.lost.delete(sum)
      else faults.push(`not in the history: ${/SUMMARY:(.*)/.exec(body)?.[1] ?? ''} (${body.length} bytes)`)
    }
    return faults
  }
}

function hash (bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('base64')
}

function filesBelow (directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => `${entry.parentPath}/${entry.name}`)
}

/**
 * Looks at everything: what is served, the files, the index, sync from where clients were, the history, leftovers.
 * @param only  nothing but these calendars is looked into, and the rest is taken to be as `known` says
 */
export async function look (client: Client, data: string, memory: Memory, { only, known, isCalm }: { readonly only?: ReadonlySet<string>, readonly known: World, readonly isCalm: boolean }): Promise<Sight> {
  const faults: string[] = []
  const home = join(data, 'documents', homePath)
  const listed = await properties(client, '')
  const world: Record<string, Calendar> = {}
  for (const [href, { values }] of listed) {
    const name = decodeURIComponent(href.slice(homePath.length, -1))
    if (name === '' || provided.has(name)) continue
    if (only?.has(name) === false) {
      world[name] = { properties: values, members: known[name]?.members ?? {} }
      continue
    }
    world[name] = { properties: values, members: await members(client, home, name, faults) }
    await follow(client, name, world[name], memory, faults)
  }
  for (const entry of readdirSync(home, { withFileTypes: true })) {
    if (entry.isDirectory() && !provided.has(entry.name) && world[entry.name] === undefined) faults.push(`${entry.name} is on the disk and not served`)
  }
  for (const [name, { members }] of Object.entries(world)) for (const { body } of Object.values(members)) if (!memory.sent.has(hash(body))) faults.push(`${name} holds what was never sent: ${body.slice(0, 100)}`)
  faults.push(...isCalm ? [...sidecarFaults(home, world), ...indexFaults(data, world)] : [], ...leftovers(data, memory), ...memory.look(join(data, 'history')))
  return { world, faults }
}

interface Shown { readonly etag: string, readonly values: Record<string, string> }

/** What is served of a collection and of what is directly in it, by href. */
async function properties (client: Client, path: string): Promise<Map<string, Shown>> {
  const isHome = path === ''
  const answer = await client.ask({ method: 'PROPFIND', path, headers: { depth: '1' }, body: `<D:propfind ${xmlns}><D:prop><D:getetag/><D:displayname/><A:calendar-color/><X:note/>${isHome ? '<D:acl/>' : ''}</D:prop></D:propfind>` })
  if (answer.status !== 207) throw new Error(`PROPFIND of ${homePath}${path}: ${answer.status} ${answer.body.slice(0, 300)}`)
  return new Map([...told(answer.body)].map(([href, each]) => [href, shownBy(each, isHome)]))
}

function shownBy ({ properties }: Told, isCalendar: boolean): Shown {
  const values: Record<string, string> = {}
  for (const name of isCalendar ? [displayname, color, note] : [note]) {
    const found = properties.get(name as `{${string}}${string}`)
    if (found?.status === 200) values[name] = text(found.value)
  }
  const acl = properties.get('{DAV:}acl')
  if (acl?.status === 200 && elements(acl.value).some(ace => text(child(child(ace, '{DAV:}principal') ?? ace, '{DAV:}href') ?? ace).includes(bob))) values[shared] = 'bob'
  const etag = properties.get('{DAV:}getetag')
  return { etag: etag?.status === 200 ? text(etag.value) : '', values }
}

async function members (client: Client, home: string, calendar: string, faults: string[]): Promise<Record<string, Thing>> {
  const found: Record<string, Thing> = {}
  const names = new Set(readdirSync(join(home, calendar)).filter(name => !name.startsWith('.')))
  for (const [href, { etag, values }] of await properties(client, `${calendar}/`)) {
    const name = decodeURIComponent(href.slice(homePath.length + calendar.length + 1))
    if (name === '') continue
    if (!names.delete(name)) {
      faults.push(`${calendar}/${name} is served and not on the disk`)
      continue
    }
    const body = readFileSync(join(home, calendar, name))
    if (etag !== etagOf(body)) faults.push(`${calendar}/${name} is served with ${etag} and has ${etagOf(body)} on the disk`)
    found[name] = { uid: /^UID:(.*?)\r?$/m.exec(body.toString())?.[1] ?? '', body: body.toString(), properties: values }
  }
  for (const name of names) faults.push(`${calendar}/${name} is on the disk and not served`)
  return found
}

/** Goes on from where a client had come to: what it is told, added to what it knew, must be what is there. */
async function follow (client: Client, name: string, calendar: Calendar, memory: Memory, faults: string[]): Promise<void> {
  const before = memory.synced.get(name)
  let from = before ?? { token: '', known: new Map<string, string>() }
  let answer = await sync(client, name, from.token)
  if (answer.status === 403 && answer.body.includes('valid-sync-token')) {
    memory.refused++
    from = { token: '', known: new Map() }
    answer = await sync(client, name, '')
  }
  if (answer.status !== 207) throw new Error(`sync-collection of ${name} from ${from.token}: ${answer.status} ${answer.body.slice(0, 300)}`)
  const known = new Map(from.known)
  for (const [href, { status, properties }] of told(answer.body)) {
    const member = decodeURIComponent(href.slice(homePath.length + name.length + 1))
    const etag = properties.get('{DAV:}getetag')
    if (status === 404) known.delete(member)
    else if (etag !== undefined) known.set(member, text(etag.value))
  }
  const there = new Map(Object.entries(calendar.members).map(([member, { body }]) => [member, etagOf(Buffer.from(body))]))
  for (const [member, etag] of there) if (known.get(member) !== etag) faults.push(`sync of ${name} from ${from.token || 'the start'} does not tell of ${member}`)
  for (const member of known.keys()) if (!there.has(member)) faults.push(`sync of ${name} from ${from.token || 'the start'} does not tell that ${member} is gone`)
  memory.synced.set(name, { token: syncTokenIn(answer.body), known })
}

async function sync (client: Client, name: string, token: string): Promise<Awaited<ReturnType<Client['ask']>>> {
  return await client.ask({ method: 'REPORT', path: `${name}/`, body: `<D:sync-collection ${xmlns}><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>` })
}

interface Row { readonly path: string, readonly name: string, readonly etag: string, readonly uid: string, readonly problem: string, readonly size: number, readonly bytes: Buffer | null }

/** Every row of the index against the file it speaks of. */
function indexFaults (data: string, world: World): string[] {
  const faults: string[] = []
  const index = new Database(join(data, 'state', 'index', `${homePath.slice(1, -1)}.sqlite`), { readonly: true, timeout: 5000 })
  try {
    const rows = index.prepare("SELECT path, name, etag, uid, problem, size, body.bytes AS bytes FROM member JOIN collection ON collection.id = member.collection LEFT JOIN body ON body.member = member.id").all() as Row[]
    const seen = new Set<string>()
    for (const row of rows) {
      const thing = world[row.path]?.members[row.name]
      const place = `${row.path}/${row.name}`
      seen.add(place)
      if (thing === undefined) {
        if (!provided.has(row.path)) faults.push(`the index has ${place}, which is not there`)
      } else if (row.etag !== etagOf(Buffer.from(thing.body)) || row.uid !== thing.uid || row.problem !== '' || row.size !== Buffer.byteLength(thing.body) || row.bytes?.toString() !== thing.body) {
        faults.push(`the index says of ${place}: ${row.etag} ${row.uid} ${row.size} ${row.problem}`)
      }
    }
    for (const [name, { members }] of Object.entries(world)) for (const member of Object.keys(members)) if (!seen.has(`${name}/${member}`)) faults.push(`the index lacks ${name}/${member}`)
    const sums = index.prepare('SELECT path, members, bytes, gone, (SELECT count(*) FROM member WHERE collection = collection.id) AS count FROM collection').all() as { path: string, members: number, gone: number, count: number }[]
    for (const { path, gone } of sums) if ((world[path] !== undefined || provided.has(path) || path === '') !== (gone === 0)) faults.push(`the index says that ${path} is ${gone === 0 ? 'there' : 'gone'}`)
    const wrong = index.prepare('SELECT path FROM collection c WHERE members <> (SELECT count(*) FROM member WHERE collection = c.id) OR bytes <> (SELECT coalesce(sum(size), 0) FROM member WHERE collection = c.id)').all() as { path: string }[]
    for (const { path } of wrong) faults.push(`the index has counted the members of ${path} wrongly`)
    const both = index.prepare('SELECT gone.name FROM gone JOIN member ON member.collection = gone.collection AND member.name = gone.name WHERE member.etag <> \'\'').all() as { name: string }[]
    for (const { name } of both) faults.push(`the index says of ${name} that it is there and gone`)
    const [check] = index.pragma('integrity_check') as { integrity_check: string }[]
    if (check?.integrity_check !== 'ok') faults.push(`the index is damaged: ${check?.integrity_check ?? ''}`)
  } finally {
    index.close()
  }
  return faults
}

/** The mirror of a calendar is whole, and says what is served. */
function sidecarFaults (home: string, world: World): string[] {
  const faults: string[] = []
  for (const [name, calendar] of Object.entries(world)) {
    const file = join(home, name, '.properties.json')
    let mirror: { collection?: Record<string, string>, members?: Record<string, Record<string, string>> }
    try {
      mirror = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as typeof mirror : {}
    } catch (error) {
      faults.push(`${file}: ${String(error)}`)
      continue
    }
    const says = (what: string, value: string | undefined, mirrored: string | undefined): void => {
      if (value === undefined ? mirrored !== undefined : mirrored?.includes(`>${value}<`) !== true) faults.push(`${file} says of ${what} ${String(mirrored).slice(0, 60)}, which is ${String(value).slice(0, 60)}`)
    }
    for (const property of [displayname, color, note]) says(property, calendar.properties[property], mirror.collection?.[property])
    for (const [member, thing] of Object.entries(calendar.members)) says(`${member} ${note}`, thing.properties[note], mirror.members?.[member]?.[note])
    for (const member of Object.keys(mirror.members ?? {})) if (calendar.members[member] === undefined) faults.push(`${file} speaks of ${member}, which is not there`)
  }
  return faults
}

/** Drafts and temporary names that a start should have removed. One that is hardly older than a start may belong to another process. */
function leftovers (data: string, { leftovers: { before, since } }: Memory): string[] {
  const found = readdirSync(join(data, 'documents'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.name.startsWith('.tmp-')).map(entry => `${entry.parentPath.slice(data.length)}/${entry.name}`)
  for (const name of found) since.add(name)
  return found.filter(name => before.has(name)).map(name => `left over: ${name}`)
}
