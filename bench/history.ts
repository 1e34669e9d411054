import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Connection } from './connection.js'
import type { Contender } from './contender.js'
import { events, type Sample } from './event.js'
import type { Pace } from './measure.js'
import { calendar } from './server-caldavd.js'
import type { Undo } from './undo.js'

/** What keeping former versions may cost a PUT at most, as a multiple of a PUT that keeps nothing. */
export const historyGoal = 1.1

/** What a PUT costs with and without history. */
export interface Keeping {
  /** Medians in milliseconds. */
  readonly without: number
  readonly with: number
  /** The median of the ratios of neighbours. */
  readonly ratio: number
}

const count = 1000
const burst = 20

/** Overwrites the events of a calendar on two servers by turns: one keeps what it overwrites, one does not. */
export async function history (contender: Contender, pace: Pace, undo: Undo): Promise<Keeping> {
  const samples = events(count)
  const [kept, dropped] = [await seat(contender, samples, 30, undo), await seat(contender, samples, 0, undo)]
  const [mine, theirs, ratios]: [number[], number[], number[]] = [[], [], []]
  const rounds = pace.rounds * 100
  const warmUp = 20
  for (let round = 0; round < warmUp + rounds; round++) {
    if (round === warmUp) pace.say(`${rounds} rounds of ${burst} PUTs each`)
    // who comes first takes turns, too
    const order = round % 2 === 0 ? [kept, dropped] : [dropped, kept]
    const times = new Map<Seat, number>()
    for (const one of order) times.set(one, await overwrite(one, samples, round))
    if (round < warmUp) continue
    const [a, b] = [times.get(kept) ?? NaN, times.get(dropped) ?? NaN]
    mine.push(a)
    theirs.push(b)
    ratios.push(a / b)
  }
  for (const { connection, stop } of [kept, dropped]) {
    connection.close()
    await stop()
  }
  return { with: median(mine) / burst, without: median(theirs) / burst, ratio: median(ratios) }
}

interface Seat { readonly connection: Connection, readonly stop: () => Promise<unknown> }

async function seat (contender: Contender, samples: readonly Sample[], days: number, undo: Undo): Promise<Seat> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
  undo.add(() => rm(directory, { recursive: true, force: true }))
  await contender.fill(directory, samples)
  await mkdir(path.join(directory, 'data', 'conf'), { recursive: true })
  await writeFile(path.join(directory, 'data', 'conf', 'caldavd.toml'), `[history]\ndays = ${days}\n`)
  const running = await contender.start(directory, undo)
  return { connection: new Connection(running.port, contender.credentials), stop: async () => { await running.stop() } }
}

async function overwrite ({ connection }: Seat, samples: readonly Sample[], round: number): Promise<number> {
  let sum = 0
  for (let number = 0; number < burst; number++) {
    const sample = samples[(round * burst + number) % samples.length]
    if (sample === undefined) throw new Error('no samples')
    const answer = await connection.send({
      method: 'PUT', path: calendar(0) + encodeURIComponent(sample.name), headers: { 'content-type': 'text/calendar' },
      body: sample.text.replace(/^SUMMARY:.*$/m, `SUMMARY:round ${round}`)
    })
    if (answer.status !== 204) throw new Error(`PUT: status ${answer.status}`)
    sum += answer.milliseconds
  }
  return sum
}

/** What `history` found, for people. */
export function historyReport ({ with: kept, without, ratio }: Keeping): string {
  return `PUT over an event: ${kept.toFixed(3)} ms with history, ${without.toFixed(3)} ms without; ${ratio.toFixed(2)}× (wanted ${historyGoal})\n`
}

function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
