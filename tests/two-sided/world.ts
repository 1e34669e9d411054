import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { loadSettings } from '../../conf/load.js'
import { start, type Running } from '../../server/main.js'
import { Client } from './client.js'
import { etagOf, etagsBelow, Model, none } from './model.js'

/** What must never be: the message says what was seen and what was expected. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export const users = ['alice', 'bob'] as const

const rightTime = Date.now

const accounts = users.map((name, number) => `[users.${name}]\nguid = "00000000-0000-0000-0000-00000000000${number + 1}"\nfullName = "${name}"\nemails = ["${name}@example.com"]\npassword = "plain:${name}"\n`).join('\n')

/** A server on a tree of its own, clients, and the model of what they must see. */
export class World {
  readonly data = mkdtempSync(join(tmpdir(), 'caldavd-two-sided-'))
  /** The users' homes. */
  readonly root = join(this.data, 'documents', 'calendars', 'users')
  /** Copies that hands have made. */
  readonly backups = join(this.data, 'backups')
  readonly clients: readonly Client[]
  readonly model: Model
  /** What happened, for people. */
  readonly diary: string[] = []
  readonly #good = new Set<string>()
  #server: Running | undefined
  #count = 0
  #saved: ReturnType<Model['remember']> | undefined

  constructor () {
    mkdirSync(join(this.data, 'conf'))
    mkdirSync(this.root, { recursive: true })
    mkdirSync(this.backups)
    writeFileSync(join(this.data, 'conf', 'accounts.toml'), accounts)
    this.clients = [new Client('alice', 'token', ['alice']), new Client('alice', 'listing', ['alice']), new Client('bob', 'tsdav', ['bob']), new Client('bob', 'token', ['alice', 'bob'])]
    this.model = new Model(this.root, this.#good)
  }

  async up (): Promise<void> {
    const settings = loadSettings({ environment: {}, flags: { 'data.directory': this.data, 'server.port': '0', 'log.access': '', 'log.level': 'error', 'data.fsync': 'false', 'data.sweepSeconds': '0', 'access.admins': 'users/bob' } })
    this.#server = await start(settings)
    for (const client of this.clients) client.at(this.#server.url.replace(/\/$/, ''))
  }

  async down (): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }

  /** Waits until nothing is under way in the server. */
  async quiet (): Promise<void> {
    const store = this.#server?.site.store
    if (store === undefined) return
    await store.sweep()
    for (const user of users) await store.home(['calendars', 'users', user])?.idle()
  }

  /** The clock of the server is set; that of the file system stays. @param offset  ms from the right time */
  setClock (offset: number): void {
    Date.now = () => rightTime() + offset
  }

  async close (): Promise<void> {
    Date.now = rightTime
    await this.down().catch(() => {})
    rmSync(this.data, { recursive: true, force: true })
  }

  get #state (): string {
    return join(this.data, 'state', 'index')
  }

  get #older (): string {
    return join(this.data, 'older')
  }

  /** Notes what the indexes are now, as a crash would leave them. */
  save (): void {
    rmSync(this.#older, { recursive: true, force: true })
    cpSync(this.#state, this.#older, { recursive: true })
    this.#saved = this.model.remember()
    for (const client of this.clients) client.mark()
  }

  /** The server is killed now: its indexes were not closed. It is down afterwards. */
  async kill (): Promise<void> {
    this.save()
    await this.down()
    this.#putBack()
    writeFileSync(join(this.data, 'documents', '.drafts', '.tmp-AbCdEfGhIjKl'), 'BEGIN:VCAL')
  }

  /**
   * The power is cut: the indexes are what they were at `save`, the files are not. The server is up again afterwards.
   * @param meanwhile  done before it is
   */
  async cut (meanwhile: () => Promise<void>): Promise<boolean> {
    if (this.#saved === undefined) return false
    await this.down()
    this.#putBack()
    await meanwhile()
    this.model.forgot(this.#saved, this.#kept())
    for (const client of this.clients) client.doubt()
    await this.up()
    await this.quiet()
    return true
  }

  /** Somebody deletes the indexes while the server is down; it is up again afterwards. */
  async wipe (meanwhile: () => Promise<void>): Promise<void> {
    await this.down()
    rmSync(this.#state, { recursive: true, force: true })
    this.#saved = undefined
    await meanwhile()
    this.model.forgot(undefined, this.#kept())
    await this.up()
    await this.quiet()
  }

  #putBack (): void {
    rmSync(this.#state, { recursive: true, force: true })
    cpSync(this.#older, this.#state, { recursive: true })
    // made anew by whoever opens the index
    for (const entry of readdirSync(this.#state, { recursive: true, withFileTypes: true })) if (entry.name.endsWith('-shm')) rmSync(join(entry.parentPath, entry.name))
  }

  #kept (): Set<string> {
    return new Set([...etagsBelow(join(this.data, 'documents')), ...etagsBelow(join(this.data, 'history'))])
  }

  get isUp (): boolean {
    return this.#server !== undefined
  }

  /** A new body; all have the same length for one UID, so that only their bytes tell them apart. */
  body (uid: string): string {
    const number = String(++this.#count).padStart(6, '0')
    const time = new Date(Date.UTC(2026, 0, 1) + this.#count * 1000).toISOString().replace(/[-:]|\.\d+/g, '')
    const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//two-sided//EN', 'BEGIN:VEVENT', `UID:${uid}`, `DTSTAMP:${time}`, `LAST-MODIFIED:${time}`, `SEQUENCE:${this.#count + 1000}`,
      'DTSTART:20260310T090000Z', 'DURATION:PT1H', `SUMMARY:Number ${number}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
    this.#good.add(etagOf(text))
    return text
  }

  newUid (): string {
    return `uid-${String(++this.#count).padStart(6, '0')}`
  }

  /** Below the users' homes → absolute. */
  at (path: string): string {
    return join(this.root, path)
  }

  /**
   * A client brings its copy up to date; everything it has then must be right. What was edited in place a moment ago may be what it was before,
   * until the server has heard of it.
   */
  async sync (client: Client): Promise<void> {
    for (let tries = 0; ; tries++) {
      await client.sync()
      // a home is made when its owner comes for the first time
      this.model.step()
      const wrong = this.#wrongOf(client)
      if (wrong.length === 0) break
      demand(tries < 200 && wrong.every(({ isLate }) => isLate), `${client.name} has other things than there are: ${wrong.map(({ what }) => what).join('; ')}`)
      await later(10)
    }
    this.model.looked(client.calendars)
    for (const calendar of client.calendars) for (const path of this.#pathsOf(client, calendar)) this.model.saw(path, client.etag(path))
  }

  #pathsOf (client: Client, calendar: string): Set<string> {
    return new Set([...this.model.membersOf(calendar), ...[...client.items(calendar).keys()].map(name => `${calendar}/${name}`)])
  }

  #wrongOf (client: Client): { what: string, isLate: boolean }[] {
    const there = [...this.model.calendars].filter(path => client.owners.some(owner => path.startsWith(`${owner}/`)))
    const missing = there.filter(path => !client.calendars.includes(path)).map(path => ({ what: `${path} is missing`, isLate: !this.model.wasSeen(path) }))
    const tooMany = client.calendars.filter(path => !there.includes(path)).map(path => ({ what: `${path} is still there`, isLate: true }))
    const members = client.calendars.filter(path => there.includes(path)).flatMap(calendar => [...this.#pathsOf(client, calendar)]).flatMap(path => {
      const what = this.model.wrong(path, client.etag(path))
      return what === undefined ? [] : [{ what, isLate: this.model.mayHold(path, client.etag(path)) }]
    })
    if (missing.length === 0 && tooMany.length === 0 && members.length === 0) this.model.sawCalendars(there)
    return [...missing, ...tooMany, ...members]
  }

  /** GET of every member: bytes and ETag belong together, and a whole file on the disk is what is served. */
  async read (client: Client, path: string): Promise<void> {
    const { status, etag, bytes } = await client.get(path)
    demand(status === 200 || status === 404, `GET ${path} is ${status}`)
    if (status === 200) demand(etag === etagOf(bytes), `GET ${path} has the ETag ${etag} with bytes of ${etagOf(bytes)}`)
    const wrong = this.model.wrong(path, status === 200 ? etag : none)
    demand(wrong === undefined, wrong ?? '')
    this.model.saw(path, status === 200 ? etag : none)
  }

  /** Everything comes to rest: all clients have the same, which is what is served, which is what lies on the disk; and what is nowhere there is in the history. */
  async settle (): Promise<void> {
    this.model.step()
    if (!this.isUp) await this.up()
    for (const client of this.clients) await this.sync(client)
    for (const client of this.clients) {
      const [first] = this.clients.filter(other => other !== client && other.owners.includes(client.owners[0] ?? ''))
      for (const calendar of client.calendars) {
        for (const [name, { etag, text }] of client.items(calendar)) {
          const other = first?.owners.includes(calendar.slice(0, calendar.indexOf('/'))) === true ? first.items(calendar).get(name) : undefined
          demand(other === undefined || other.etag === etag, `${client.name} has ${calendar}/${name} ${etag}, ${first?.name} ${other?.etag}`)
          demand(/BEGIN:VCALENDAR[^]*END:VCALENDAR/.test(text), `${client.name} has no whole ${calendar}/${name}`)
        }
      }
    }
    const [, , , all = this.clients[0]!] = this.clients
    const served = new Set<string>()
    for (const calendar of all.calendars) {
      for (const [name, { etag }] of all.items(calendar)) {
        await this.read(all, `${calendar}/${name}`)
        served.add(etag)
      }
    }
    await this.quiet()
    const kept = this.#kept()
    for (const [etag, path] of this.model.known) demand(kept.has(etag) || served.has(etag), `${etag} of ${path} was served and is nowhere any more`)
    for (const entry of readdirSync(join(this.data, 'documents'), { recursive: true, withFileTypes: true })) demand(!entry.name.startsWith('.tmp-'), `${entry.name} was left behind in ${entry.parentPath}`)
  }
}

export function demand (right: boolean, what: string): asserts right {
  if (!right) throw new Broken(what)
}

/** `cp -a` of a file or directory, in-process: bytes and times. @param into  may be there */
export function copy (from: string, into: string): void {
  if (!lstatSync(from).isDirectory()) cpSync(from, into, { preserveTimestamps: true })
  else {
    mkdirSync(into, { recursive: true })
    for (const name of readdirSync(from)) copy(join(from, name), join(into, name))
    const { atime, mtime } = lstatSync(from)
    utimesSync(into, atime, mtime)
  }
}

/** `rsync -a --delete from/ into/`: files that differ in size or time are replaced by rename, others deleted, times kept. */
export function mirror (from: string, into: string): void {
  mkdirSync(into, { recursive: true })
  for (const name of readdirSync(into)) if (!existsSync(join(from, name))) rmSync(join(into, name), { recursive: true })
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(into, name)]
    const [a, b] = [lstatSync(source), lstatSync(target, { throwIfNoEntry: false })]
    if (a.isDirectory()) mirror(source, target)
    else if (b === undefined || a.size !== b.size || Math.abs(a.mtimeMs - b.mtimeMs) >= 1) {
      cpSync(source, join(into, '.partial.Ab3dEf'), { preserveTimestamps: true })
      renameSync(join(into, '.partial.Ab3dEf'), target)
    }
  }
  const { atime, mtime } = lstatSync(from)
  utimesSync(into, atime, mtime)
}
