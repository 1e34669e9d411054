import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Connection, type Request } from './connection.js'
import type { Contender } from './contender.js'
import { event, events } from './event.js'
import type { Pace } from './measure.js'
import { monitored, until, type Monitored } from './monitored.js'
import type { Undo } from './undo.js'

const execute = promisify(execFile)

/** One figure beside what is wanted. */
export interface Figure { readonly name: string, readonly value: number, readonly unit: string, readonly goal: number | undefined }

/** How 1,000 directories of 100 files lie in homes. */
const shapes: readonly { readonly homes: number, readonly calendars: number }[] = [{ homes: 1000, calendars: 1 }, { homes: 10, calendars: 100 }]
const filesEach = 100

type Tell = (figure: Figure) => void

/** How soon a large tree is watched and at what price, and what a mass copy does to whoever asks meanwhile. */
export async function watching (contender: Contender, pace: Pace, undo: Undo): Promise<readonly Figure[]> {
  const found: Figure[] = []
  const tell: Tell = figure => {
    found.push(figure)
    pace.say(line(figure))
  }
  for (const shape of shapes) await largeTree(contender, shape, pace, undo, tell)
  await massCopies(contender, pace, undo, tell)
  return found
}

async function furnished (contender: Contender, undo: Undo): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
  undo.add(() => rm(directory, { recursive: true, force: true }))
  await contender.fill(directory, [])
  await writeFile(path.join(directory, 'accounts.xml'), `<?xml version="1.0" encoding="utf-8"?>
<accounts realm="Bench">
${['alice', 'bob'].map((name, number) => `  <user><uid>${name}</uid><guid>6c4e2b1a-0b5e-4c8e-9a54-3f0a5b1d7e0${number}</guid><password>secret</password><name>${name}</name></user>`).join('\n')}
</accounts>
`)
  return directory
}

async function largeTree (contender: Contender, { homes, calendars }: { readonly homes: number, readonly calendars: number }, pace: Pace, undo: Undo, tell: Tell): Promise<void> {
  const directory = await furnished(contender, undo)
  const root = path.join(directory, 'data', 'documents', 'calendars', 'users')
  pace.say(`${homes} homes of ${calendars} calendars of ${filesEach} files`)
  const samples = events(filesEach)
  for (let home = 0; home < homes; home++) {
    for (let number = 0; number < calendars; number++) {
      const calendar = path.join(root, `u${home}`, `c${number}`)
      await mkdir(calendar, { recursive: true })
      for (const { name, text } of samples) await writeFile(path.join(calendar, name), text)
    }
  }
  const wanted = homes * calendars
  for (const state of ['no index yet', 'restarted']) {
    const server = await monitored(directory, undo)
    const figure = (name: string, value: number, unit: string, goal?: number): void => { tell({ name: `${homes} × ${calendars} × ${filesEach}, ${state}: ${name}`, value, unit, goal }) }
    figure('answers', (performance.now() - server.started) / 1000, 's')
    await until(async () => server.watches() >= wanted, 300)
    figure('every directory watched', (performance.now() - server.started) / 1000, 's', 5)
    figure('memory then', server.memory().now / 1e6, 'MB', 150)
    await quiet(server)
    figure('all compared', (performance.now() - server.started) / 1000, 's')
    figure('memory, at most until then', server.memory().peak / 1e6, 'MB')
    figure('watches, for each directory of files', server.watches() / wanted, '', homes === 1 ? 1.1 : undefined)
    figure('longest stall of its own', (await server.longest()).own, 'ms', 50)
    await server.stop()
  }
  await rm(directory, { recursive: true, force: true })
}

/** Waits until a server has nothing to do: less than a fifth of a processor for a second, which watching its event loop takes in part. */
async function quiet (server: Monitored): Promise<void> {
  for (let before = -1; ;) {
    const now = server.seconds()
    if (before >= 0 && now - before < 0.2) return
    before = now
    await sleep(1000)
  }
}

const count = 10_000

async function massCopies (contender: Contender, pace: Pace, undo: Undo, tell: Tell): Promise<void> {
  const directory = await furnished(contender, undo)
  const homes = path.join(directory, 'data', 'documents', 'calendars', 'users')
  const [source, changed, target] = [path.join(directory, 'source'), path.join(directory, 'changed'), path.join(homes, 'alice', 'mass')]
  pace.say(`${count} files to copy`)
  await fill(source, count, 0)
  await fill(changed, count, 1)
  await fill(path.join(homes, 'bob', 'work'), 1000, 0)
  const server = await monitored(directory, undo)
  const other = new Visitor(server, 'bob')
  const scene = async (name: string, command: readonly string[] | undefined, holds: () => Promise<boolean>): Promise<void> => {
    pace.say(name)
    await quiet(server)
    await server.longest()
    const visit = other.visit()
    const started = performance.now()
    if (command !== undefined) await execute(command[0] ?? '', command.slice(1))
    else await sleep(3000)
    const copied = performance.now() - started
    await until(holds, 120, 200)
    const all = performance.now() - started
    // what is left to do, such as the history
    await sleep(2000)
    const times = await visit.end()
    const figure = (what: string, value: number, unit: string, goal?: number): void => { tell({ name: `${name}: ${what}`, value, unit, goal }) }
    if (command !== undefined) {
      figure('the command itself', copied / 1000, 's')
      figure('found after it', (all - copied) / 1000, 's', 10)
    }
    const { stall, own } = await server.longest()
    figure('longest stall of its own', own, 'ms', 50)
    figure('longest stall, other programs included', stall, 'ms')
    for (const [method, series] of times) {
      figure(`${method} of another, p99 of ${series.length}`, series[Math.floor(series.length * 0.99)] ?? NaN, 'ms')
      figure(`${method} of another, longest`, series.at(-1) ?? NaN, 'ms')
    }
  }
  const news = new News(server)
  const all = async (): Promise<boolean> => (await news.changed()).size >= count && await matches(server) > 0
  const none = async (): Promise<boolean> => (await news.gone()).size >= count && await matches(server) === 0
  await scene('nothing', undefined, async () => true)
  await scene('cp -r of a calendar', ['cp', '-r', source, target], all)
  news.forget()
  await scene('cp over every file', ['cp', '-rT', changed, target], all)
  news.forget()
  await scene('rm of every file', ['find', target, '-name', '*.ics', '-delete'], none)
  news.forget()
  await scene('cp into a calendar', ['cp', '-rT', source, target], all)
  await scene('rm -r of the calendar', ['rm', '-r', target], async () => await matches(server) === -404)
  await server.stop()
}

async function fill (directory: string, many: number, version: number): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (let n = 0; n < many; n++) {
    const { name, text } = event(n, version)
    await writeFile(path.join(directory, name), text)
  }
}

const mass = '/calendars/users/alice/mass/'

/** How many events of the copied calendar a query of a month finds; -status when the calendar cannot be asked. */
async function matches (server: Monitored): Promise<number> {
  const { status, body } = await report(server, '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20250301T000000Z" end="20250401T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>')
  return status === 207 ? body.match(/<(?:[\w-]+:)?getetag>/g)?.length ?? 0 : -status
}

async function report (server: Monitored, body: string): Promise<{ readonly status: number, readonly body: string }> {
  const connection = new Connection(server.port, 'alice:secret', 300)
  try {
    const answer = await connection.send({ method: 'REPORT', path: mass, headers: { 'depth': '1', 'content-type': 'application/xml' }, body })
    return { status: answer.status, body: answer.body.toString('latin1') }
  } finally {
    connection.close()
  }
}

/** What a client hears of the copied calendar. */
class News {
  #token = ''
  readonly #changed = new Set<string>()
  readonly #gone = new Set<string>()

  constructor (private readonly server: Monitored) {}

  /** Begins anew; the state is kept. */
  forget (): void {
    this.#changed.clear()
    this.#gone.clear()
  }

  async changed (): Promise<ReadonlySet<string>> {
    await this.#hear()
    return this.#changed
  }

  async gone (): Promise<ReadonlySet<string>> {
    await this.#hear()
    return this.#gone
  }

  async #hear (): Promise<void> {
    const { status, body } = await report(this.server, `<D:sync-collection xmlns:D="DAV:"><D:sync-token>${this.#token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`)
    if (status !== 207) return
    this.#token = /<(?:[\w-]+:)?sync-token>([^<]*)</.exec(body)?.[1] ?? ''
    for (const part of body.split(/<(?:[\w-]+:)?response>/).slice(1)) {
      const href = /<(?:[\w-]+:)?href>([^<]*)</.exec(part)?.[1] ?? ''
      if (href.endsWith('.ics')) (part.includes(' 404 ') ? this.#gone : this.#changed).add(href)
    }
  }
}

/** Somebody else, who asks one thing after the other. */
class Visitor {
  #turn = 0

  constructor (private readonly server: Monitored, private readonly name: string) {}

  /** Begins to ask. @returns `end`: stops, and gives the times in ms by method, sorted */
  visit (): { end: () => Promise<ReadonlyMap<string, readonly number[]>> } {
    const times = new Map<string, number[]>()
    let ended = false
    const run = (async () => {
      const connection = new Connection(this.server.port, `${this.name}:secret`, 300)
      while (!ended) {
        const request = this.#next()
        const { status, milliseconds } = await connection.send(request)
        if (status >= 400) throw new Error(`${request.method} ${request.path}: ${status}`)
        times.set(request.method, [...times.get(request.method) ?? [], milliseconds])
        await sleep(2)
      }
      connection.close()
    })()
    run.catch(() => {})
    return {
      end: async () => {
        ended = true
        await run
        for (const series of times.values()) series.sort((a, b) => a - b)
        return times
      }
    }
  }

  #next (): Request {
    const home = `/calendars/users/${this.name}/work/`
    const n = this.#turn++
    const { name, text } = event(n % 1000, n)
    if (n % 3 === 0) return { method: 'PUT', path: home + name, headers: { 'content-type': 'text/calendar' }, body: text }
    if (n % 3 === 1) return { method: 'GET', path: home + name }
    return { method: 'PROPFIND', path: home, headers: { 'depth': '0', 'content-type': 'application/xml' }, body: '<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/><D:displayname/></D:prop></D:propfind>' }
  }
}

/** Whether a figure is not what is wanted. */
export function isMissed ({ value, goal }: Figure): boolean {
  return goal !== undefined && !(value <= goal)
}

/** What `watching` found, for people. */
export function watchReport (found: readonly Figure[]): string {
  return ['Watching the files, and copying many by hand', ...found.map(one => `  ${line(one)}`), ''].join('\n')
}

function line (figure: Figure): string {
  const { name, value, unit, goal } = figure
  return `${name.padEnd(68)} ${value.toFixed(value < 20 ? 2 : 0).padStart(7)} ${unit.padEnd(2)}${goal === undefined ? '' : `  wanted at most ${goal}`}${isMissed(figure) ? ', missed' : ''}`.trimEnd()
}
