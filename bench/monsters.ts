import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Connection } from './connection.js'
import type { Contender } from './contender.js'
import type { Pace } from './measure.js'
import { monsters, type Monster } from './monster.js'
import { calendar } from './server-caldavd.js'
import type { Undo } from './undo.js'

/** What any request about a monstrous rule may take, in milliseconds. */
export const monstersGoal = 100

/** The requests about one monster: the first of each, and the median of those after it, in milliseconds. */
export interface Trouble {
  readonly name: string
  readonly first: Times
  readonly median: Times
}

interface Times { readonly put: number, readonly query: number, readonly expand: number, readonly busy: number }

const range = 'start="20400301T000000Z" end="20400401T000000Z"'
const turns = 5

/** PUT, a query of a month far away, that month expanded, and its free-busy, of each of the `monsters`, alone in a calendar. */
export async function monstrous (contender: Contender, pace: Pace, undo: Undo): Promise<readonly Trouble[]> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
  undo.add(() => rm(directory, { recursive: true, force: true }))
  await contender.fill(directory, [])
  const running = await contender.start(directory, undo)
  const connection = new Connection(running.port, contender.credentials)
  const all: Trouble[] = []
  for (const monster of monsters) {
    pace.say(monster.name)
    const times: Times[] = []
    for (let turn = 0; turn < turns; turn++) times.push(await meet(connection, monster))
    const [first] = times
    if (first !== undefined) all.push({ name: monster.name, first, median: middle(times.slice(1)) })
  }
  connection.close()
  await running.stop()
  return all
}

async function meet (connection: Connection, { text }: Monster): Promise<Times> {
  const home = calendar(0)
  const report = async (name: string, inner: string): Promise<number> => (await connection.send({
    method: 'REPORT', path: home, headers: { 'depth': '1', 'content-type': 'application/xml' },
    body: `<C:${name} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${inner}</C:${name}>`
  })).milliseconds
  const object = `${home}monster.ics`
  const put = (await connection.send({ method: 'PUT', path: object, headers: { 'content-type': 'text/calendar' }, body: text })).milliseconds
  const query = await report('calendar-query', `<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range ${range}/></C:comp-filter></C:comp-filter></C:filter>`)
  const expand = await report('calendar-multiget', `<D:prop><C:calendar-data><C:expand ${range}/></C:calendar-data></D:prop><D:href>${object}</D:href>`)
  const busy = await report('free-busy-query', `<C:time-range ${range}/>`)
  await connection.send({ method: 'DELETE', path: object, headers: {}, body: '' })
  return { put, query, expand, busy }
}

const requests = ['put', 'query', 'expand', 'busy'] as const

function middle (times: readonly Times[]): Times {
  const of = (request: typeof requests[number]): number => times.map(each => each[request]).sort((a, b) => a - b)[times.length >> 1] ?? NaN
  return { put: of('put'), query: of('query'), expand: of('expand'), busy: of('busy') }
}

/** What `monstrous` found, for people. */
export function monstersReport (troubles: readonly Trouble[]): string {
  const cell = (of: Trouble, request: typeof requests[number]): string => `${of.median[request].toFixed(1)} (${of.first[request].toFixed(0)})`.padStart(14)
  const lines = troubles.map(each => `  ${each.name.slice(0, 44).padEnd(44)}${requests.map(request => cell(each, request)).join('')}${isTooSlow(each) ? '  TOO SLOW' : ''}`)
  return [`monstrous rules: milliseconds, median and (first); wanted: all below ${monstersGoal}`, `  ${' '.repeat(44)}${requests.map(request => request.padStart(14)).join('')}`, ...lines, ''].join('\n')
}

/** Whether one of its requests takes longer than the goal. */
export function isTooSlow ({ median }: Trouble): boolean {
  return requests.some(request => !(median[request] < monstersGoal))
}
