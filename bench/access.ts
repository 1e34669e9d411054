import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Connection } from './connection.js'
import type { Contender } from './contender.js'
import { events } from './event.js'
import type { Pace } from './measure.js'
import { calendar, fillCalendar } from './server-caldavd.js'
import type { Undo } from './undo.js'

/** What a sharee may cost at most, as a multiple of the owner. */
export const goal = 1.3

/** Times of one way to a calendar, in milliseconds. */
export interface Way {
  /** 'the owner', 'a list that names her', … */
  readonly name: string
  readonly median: number
  /** The median of the ratios to the owner's request just before. */
  readonly ratio: number
}

const people = [['alice', 'the owner'], ['bob', 'a list that names her'], ['carol', 'a list that names a group around her group'], ['dave', 'her reading proxies']] as const

const accounts = `
[users.alice]
password = "plain:alice"
readProxies = ["users/dave"]
[users.bob]
password = "plain:bob"
[users.carol]
password = "plain:carol"
[users.dave]
password = "plain:dave"
[groups.staff]
members = ["groups/inner"]
[groups.inner]
members = ["users/carol"]
`

const acl = `<D:acl xmlns:D="DAV:">${['users/bob', 'groups/staff'].map(name =>
  `<D:ace><D:principal><D:href>/principals/${name}/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>`).join('')}</D:acl>`

/** PROPFIND Depth 1 of 10,000 events, asked by turns by everybody who may read them, over one connection each. */
export async function access (contender: Contender, pace: Pace, undo: Undo): Promise<readonly Way[]> {
  const count = 10_000
  const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
  undo.add(() => rm(directory, { recursive: true, force: true }))
  pace.say(`filling a calendar of ${count}`)
  await contender.fill(directory, [])
  await writeFile(path.join(directory, 'accounts.xml'), accounts)
  await fillCalendar(directory, 0, events(count))
  const running = await contender.start(directory, undo)
  const connections = people.map(([name]) => new Connection(running.port, `${name}:${name}`))
  const list = async (of: Connection): Promise<number> => {
    const answer = await of.send({
      method: 'PROPFIND', path: calendar(0), headers: { 'depth': '1', 'content-type': 'application/xml' },
      body: '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
    })
    const found = answer.body.toString('latin1').match(/<(?:[\w-]+:)?response[\s>]/g)?.length
    if (found !== count + 1) throw new Error(`status ${answer.status}, ${found ?? 0} responses, expected ${count + 1}`)
    return answer.milliseconds
  }
  const given = await connections[0]?.send({ method: 'ACL', path: calendar(0), headers: { 'content-type': 'application/xml' }, body: acl })
  if (given?.status !== 200) throw new Error(`ACL: status ${given?.status ?? 0}`)
  const times = people.map((): number[] => [])
  const warmUp = 5
  for (let round = 0; round < warmUp + pace.rounds * 20; round++) {
    if (round === warmUp) pace.say(`${pace.rounds * 20} rounds`)
    for (const [turn, connection] of connections.entries()) {
      const taken = await list(connection)
      if (round >= warmUp) times[turn]?.push(taken)
    }
  }
  for (const connection of connections) connection.close()
  await running.stop()
  const owner = times[0] ?? []
  return people.map(([, name], turn) => ({
    name, median: median(times[turn] ?? []), ratio: median((times[turn] ?? []).map((each, round) => each / (owner[round] ?? each)))
  }))
}

/** What `access` found, for people. */
export function accessReport (ways: readonly Way[]): string {
  const lines = ways.map(({ name, median, ratio }) => `  ${name.padEnd(46)} ${median.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)}× ${ratio <= goal ? '' : `more than ${goal}×`}`.trimEnd())
  return ['PROPFIND Depth 1 of 10,000 events, read through', ...lines, ''].join('\n')
}

function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
