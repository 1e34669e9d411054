import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { failEach } from './faults.js'
import { killAtRandom } from './kills.js'
import { Nest } from './nest.js'
import { operations } from './operation.js'
import { killAtEach } from './steps.js'
import { Tally } from './tally.js'
import { killTogether } from './together.js'
import { makeTools, places, type Tools } from './tools.js'

/** What a part of the work is given. */
export interface Bench {
  /** For data, control files and the compiled library. */
  readonly where: string
  readonly nest: Nest
  /** Another process from which servers are forked. */
  readonly other: () => Promise<Nest>
  readonly tally: Tally
}

/** How a part of the work is done. */
export interface Amount {
  readonly seed: number
  /** About so many kills; where each call is tried in turn there are as many as there are calls. */
  readonly kills: number
  /** Of the calls that write the index, one of so many. */
  readonly every: number
  /** Of operations, for steps and faults. */
  readonly kinds?: readonly string[]
}

/** The parts, by the names that the command line uses. */
export const parts: Readonly<Record<string, (bench: Bench, amount: Amount) => Promise<void>>> = {
  kills: async ({ nest, where, tally }, { seed, kills }) => { await killAtRandom(nest, where, seed, kills, tally) },
  steps: async ({ nest, where, tally }, { seed, every, kinds }) => { await killAtEach(nest, where, seed, kinds ?? Object.keys(operations), every, tally) },
  faults: async ({ nest, where, tally }, { seed, every, kinds }) => { await failEach(nest, where, seed, kinds ?? Object.keys(operations), every, tally) },
  together: async ({ nest, other, where, tally }, { seed, kills }) => {
    const second = await other()
    try {
      await killTogether([nest, second], where, seed, kills, tally)
    } finally {
      await second.close()
    }
  }
}

/**
 * Runs work with a process to fork servers from, in a directory of its own that is removed when nothing went wrong.
 * @param place    `fast`: in memory where that will do; `disk`: where temporary files are
 * @param isPlain  servers are started as anybody would, which takes ten times as long
 * @throws what `work` throws
 */
export async function onBench (work: (bench: Bench) => Promise<void>, place: keyof ReturnType<typeof places> = 'fast', isPlain = false): Promise<Tally> {
  const where = mkdtempSync(join(places()[place], 'caldavd-crash-'))
  const tools: Tools = makeTools(where)
  const nest = await Nest.open(tools, join(where, 'control'), isPlain)
  const tally = new Tally()
  try {
    let count = 0
    await work({ where, nest, other: async () => await Nest.open(tools, join(where, `control-${++count}`), isPlain), tally })
    rmSync(where, { recursive: true, force: true })
  } finally {
    await nest.close()
  }
  return tally
}
