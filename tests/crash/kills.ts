import { setTimeout as later } from 'node:timers/promises'
import { random } from '../oracle/random.js'
import { Client, Gone } from './client.js'
import type { Mode } from './control.js'
import { Broken, Life, withTrail } from './life.js'
import type { Nest } from './nest.js'
import type { Tally } from './tally.js'

/** Crashes that one data directory goes through before another is taken. */
const crashesOfLife = 25

/**
 * Kills a server under load: at a random moment, or at a random call of those that write (before it, after it, or with half of it
 * written); sometimes while it starts after a crash. Everything is compared after each.
 * @param where  a directory for the data
 * @throws Broken
 */
export async function killAtRandom (nest: Nest, where: string, seed: number, kills: number, tally: Tally): Promise<void> {
  for (let done = 0, life = 0; done < kills; life++) done += await oneLife(nest, where, seed + life, Math.min(crashesOfLife, kills - done), tally)
}

async function oneLife (nest: Nest, where: string, seed: number, kills: number, tally: Tally): Promise<number> {
  const life = new Life(where, seed, 2)
  const choice = random(seed + 7)
  try {
    for (let crash = 0; crash < kills;) {
      if (crash > 0 && choice.chance(0.15)) nest.control.arm('kill before', choice.whole(1, 20))
      const started = await life.start(nest)
      if (started === undefined) {
        tally.add('kills: while starting')
        crash++
        continue
      }
      nest.control.disarm()
      const { client } = started
      try {
        if (crash === 0) await life.settle(client)
        else await life.verify(client, `after crash ${crash}`)
        const how = await crashUnderLoad(nest, life, client, choice)
        tally.add(`kills: ${how}`)
        crash++
      } catch (error) {
        if (!(error instanceof Gone)) throw error
        // the call at which it was to die came only now
        if (nest.control.disarm().hits === 0) throw new Broken(`the server died by itself (${await nest.kill()}): ${nest.said}`)
        tally.add('kills: while starting')
        crash++
      } finally {
        client.close()
        await nest.kill()
        nest.control.disarm()
      }
    }
    await lastLook(nest, life)
    tally.add('acknowledged writes', life.acknowledged)
    tally.add('sync tokens refused', life.memory.refused)
    life.remove()
    return kills
  } catch (error) {
    throw withTrail(error, life, nest.said, `--only kills --seed ${seed} --kills ${crashesOfLife}`)
  }
}

async function crashUnderLoad (nest: Nest, life: Life, client: Client, choice: Life['random']): Promise<string> {
  const byCall = choice.chance(0.6)
  const mode: Mode = choice.pick(['kill before', 'kill after', 'half, then kill'])
  let isOver = false
  if (byCall) nest.control.arm(mode, choice.whole(1, 500))
  const load = life.load(() => client, () => isOver)
  const ending = load.then(() => 'ended')
  // by call: a server that does not come to it in time is killed all the same
  const limit = byCall ? 5000 : choice.whole(0, 80)
  const timer = new AbortController()
  if (await Promise.race([ending, later(limit, 'time', { signal: timer.signal }).catch(() => 'ended')]) === 'time') await nest.kill()
  timer.abort()
  isOver = true
  await load
  return byCall && nest.control.disarm().hits > 0 ? `at a random call, ${mode.replace('kill ', '')}` : 'at a random moment'
}

async function lastLook (nest: Nest, life: Life): Promise<void> {
  const started = await life.start(nest)
  if (started === undefined) throw new Broken('the last start was killed')
  await life.verify(started.client, 'at the end', { isWhole: true })
  started.client.close()
  await nest.kill()
}
