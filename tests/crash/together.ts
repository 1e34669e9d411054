import { setTimeout as later } from 'node:timers/promises'
import { random } from '../oracle/random.js'
import type { Client } from './client.js'
import { Broken, Life, withTrail } from './life.js'
import type { Nest } from './nest.js'
import type { Writer } from './operation.js'
import type { Tally } from './tally.js'

/** Crashes that one data directory goes through before another is taken. */
const crashesOfLife = 20

/**
 * A server and a guest, as commands are, write to the same home at once; one of them is killed, or both. What the other goes on with
 * counts as well.
 * @param nests  of the server and of the guest
 * @param kills  how often a process is killed
 * @throws Broken
 */
export async function killTogether (nests: readonly [Nest, Nest], where: string, seed: number, kills: number, tally: Tally): Promise<void> {
  for (let done = 0, life = 0; done < kills; life++) done += await oneLife(nests, where, seed + life, kills - done, tally)
}

async function oneLife (nests: readonly [Nest, Nest], where: string, seed: number, kills: number, tally: Tally): Promise<number> {
  const life = new Life(where, seed, 4)
  const choice = random(seed + 7)
  const clients: (Client | undefined)[] = [undefined, undefined]
  let done = 0
  const end = async (which: number): Promise<void> => {
    clients[which]?.close()
    clients[which] = undefined
    await nests[which]?.kill()
  }
  try {
    for (let round = 0; round < crashesOfLife && done < kills; round++) {
      for (const [which, nest] of nests.entries()) clients[which] ??= (await life.start(nest, which === 0 ? 'server' : 'guest'))?.client
      const [server, guest] = clients
      if (server === undefined || guest === undefined) throw new Broken('one does not start')
      if (round === 0) await life.settle(server)
      else {
        await life.verify(server, `after crash ${round}, of the server`, { patience: 3 })
        await life.verify(guest, `after crash ${round}, of the guest`, { patience: 3 })
      }
      const victims = choice.pick([[0], [1], [0, 1]] as const)
      await load(nests, life, (writer: Writer) => writer.id % 2 === 0 ? server : guest, victims, choice, tally)
      for (const victim of victims) await end(victim)
      done += victims.length
    }
    for (const [which, nest] of nests.entries()) clients[which] ??= (await life.start(nest, which === 0 ? 'server' : 'guest'))?.client
    for (const client of clients) if (client !== undefined) await life.verify(client, 'at the end', { isWhole: true, patience: 3 })
    tally.add('acknowledged writes', life.acknowledged)
    tally.add('sync tokens refused', life.memory.refused)
    life.remove()
    return done
  } catch (error) {
    throw withTrail(error, life, nests.map(nest => nest.said).join('\n'), `--only together --seed ${seed} --kills ${crashesOfLife * 2}`)
  } finally {
    for (const which of nests.keys()) await end(which)
  }
}

async function load (nests: readonly [Nest, Nest], life: Life, clientOf: (writer: Writer) => Client, victims: readonly number[], choice: Life['random'], tally: Tally): Promise<void> {
  for (const victim of victims) nests[victim]?.control.arm(choice.pick(['kill before', 'kill after', 'half, then kill']), choice.whole(1, 500))
  let isOver = false
  const running = life.load(clientOf, () => isOver)
  // whoever has not come to its call by then is killed all the same, and the other writes on for a while
  const until = performance.now() + choice.whole(20, 250)
  while (performance.now() < until && victims.some(victim => nests[victim]?.control.hits === 0)) await later(5)
  for (const victim of victims) await nests[victim]?.kill()
  await later(choice.whole(0, 20))
  isOver = true
  await running
  for (const victim of victims) {
    nests[victim]?.control.disarm()
    tally.add(`kills: of two processes, ${victims.length === 2 ? 'both' : victim === 0 ? 'the server' : 'the guest'}`)
  }
}
