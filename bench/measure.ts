import { first } from './cold.js'
import { operations, type Operation } from './operation.js'
import type { Seat } from './seat.js'
import type { Results, Series } from './series.js'

/** How long to measure. */
export interface Pace {
  readonly rounds: number
  /** For one operation of one server in one round. */
  readonly sliceSeconds: number
  /** For one operation of one server in all rounds; a single slow request may exceed it. */
  readonly limitSeconds: number
  say (line: string): void
}

/** Fills `results`: servers take turns within every operation of every round, so that noise of the machine hits all. */
export async function measure (seats: readonly Seat[], results: Results, pace: Pace): Promise<void> {
  for (let round = 0; round <= pace.rounds; round++) {
    pace.say(round === 0 ? 'warming up' : `round ${round} of ${pace.rounds}`)
    for (const operation of operations) {
      for (const seat of rotate(seats, round)) {
        const series = results.of(operation.name, seat.samples.length, seat.contender.name)
        await within(series, pace, seat, operation.name, () => slice(operation, seat, series, round, pace))
      }
    }
  }
}

/** The first listing after a restart, with and without what the server had put aside; see cold.ts. */
export async function measureCold (seats: readonly Seat[], results: Results, pace: Pace): Promise<void> {
  for (let round = 0; round < Math.min(pace.rounds, 3); round++) {
    pace.say(`cold start ${round + 1}`)
    for (const chilled of [true, false]) {
      for (const seat of rotate(seats, round)) {
        const of = (name: string): Series => results.of(name, seat.samples.length, seat.contender.name)
        const listing = of(chilled ? 'first listing, index removed' : 'first listing, restarted')
        await within(listing, pace, seat, 'first listing', async () => {
          const times = await first(seat, chilled)
          if (times === undefined) return
          listing.add(times.listing, false)
          of('start until ready').add(times.start, false)
          for (const each of times.gets) of(chilled ? 'GET during it, index removed' : 'GET during it, restarted').add(each, false)
        })
      }
    }
  }
}

async function slice (operation: Operation, seat: Seat, series: Series, round: number, pace: Pace): Promise<void> {
  const warmUp = round === 0
  const deadline = performance.now() + pace.sliceSeconds * (warmUp ? 250 : 1000)
  for (let done = 0; done < operation.most; done++) {
    const milliseconds = await operation.step(seat, round * operation.most + done)
    if (milliseconds === undefined) return
    series.add(milliseconds, warmUp)
    if (operation.untilDone !== true && performance.now() > deadline) return
  }
}

async function within (series: Series, pace: Pace, seat: Seat, name: string, act: () => Promise<void>): Promise<void> {
  if (series.failure !== undefined || series.spentMilliseconds > pace.limitSeconds * 1000) return
  const started = performance.now()
  try {
    await act()
  } catch (error) {
    series.failure = error instanceof Error ? error.message : String(error)
    pace.say(`${seat.contender.name}, ${seat.samples.length} events, ${name}: ${series.failure}`)
  }
  series.spentMilliseconds += performance.now() - started
}

function rotate<T> (all: readonly T[], by: number): T[] {
  const at = by % Math.max(1, all.length)
  return [...all.slice(at), ...all.slice(0, at)]
}
