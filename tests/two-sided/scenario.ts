import { setTimeout as later } from 'node:timers/promises'
import { random, type Random } from '../oracle/random.js'
import { hands, requests, type Deed } from './deeds.js'
import { Broken, World } from './world.js'

/** One step of a scenario; what it leaves open comes from its own seed, so that steps can be left out without changing the others. */
export interface Step { readonly deed: string, readonly seed: number }

/** What happens to the server itself. */
const events: Readonly<Record<string, Deed>> = {
  async restart (world, random) {
    await world.down()
    const told = await whileDown(world, random)
    await world.up()
    return `the server is restarted${told}`
  },
  async kill (world, random) {
    await world.kill()
    const told = await whileDown(world, random)
    await world.up()
    return `the server is killed and started${told}`
  },
  save (world) {
    world.save()
    return 'the indexes reach the disk'
  },
  async cut (world, random) {
    let told = ''
    const isCut = await world.cut(async () => { told = await whileDown(world, random) })
    return isCut ? `the power is cut${told}` : undefined
  },
  async wipe (world, random) {
    let told = ''
    await world.wipe(async () => { told = await whileDown(world, random) })
    return `the indexes are deleted${told}`
  },
  clock (world, random) {
    const seconds = random.pick([-40 * 86_400, -10_800, -90, -2, 0, 2, 90, 10_800, 40 * 86_400])
    world.setClock(seconds * 1000)
    return `the clock is set ${seconds} s from the right time`
  },
  async wait (_world, random) {
    const time = random.pick([1, 5, 15, 60])
    await later(time)
    return `${time} ms go by`
  }
}

async function whileDown (world: World, random: Random): Promise<string> {
  const told = []
  for (let count = random.whole(0, 4); count > 0; count--) told.push(await hands[random.pick(Object.keys(hands))]?.(world, random))
  const said = told.filter(one => one !== undefined)
  return said.length === 0 ? '' : `; meanwhile ${said.join(', ')}`
}

const deeds: Readonly<Record<string, Deed>> = { ...hands, ...requests, ...events }

/** How often each is done, where it is not once. */
const weights: Readonly<Record<string, number>> = {
  create: 8, update: 8, delete: 4, sync: 12, get: 2, wait: 3, move: 2, makeCalendar: 2,
  write: 5, edit: 5, overwrite: 2, save: 4, break: 5, mend: 2, remove: 3, rename: 3, backUp: 4, restore: 5, restart: 1
}
const lot = Object.keys(deeds).flatMap(name => Array<string>(weights[name] ?? 1).fill(name))

/** What a seed makes: first some events, then anything. */
export function scenario (seed: number): Step[] {
  const { whole, pick } = random(seed)
  const step = (deed: string): Step => ({ deed, seed: whole(1, 2 ** 31 - 1) })
  return [...['sync', 'sync', 'makeCalendar', 'create', 'create', 'write', 'sync'].map(step), ...Array.from({ length: whole(10, 30) }, () => step(pick(lot)))]
}

/** What came of a scenario. */
export interface Outcome { readonly failure: Error | undefined, readonly diary: readonly string[], readonly counts: ReadonlyMap<string, number> }

/** Plays a scenario on a tree of its own, with a server of its own. */
export async function play (steps: readonly Step[]): Promise<Outcome> {
  const world = new World()
  const counts = new Map<string, number>()
  let failure: Error | undefined
  try {
    await world.up()
    for (const client of world.clients) await world.sync(client)
    for (const { deed, seed } of steps) {
      world.diary.push(`${deed} …`)
      const told = await deeds[deed]?.(world, random(seed))
      world.diary.pop()
      if (told === undefined) continue
      world.diary.push(told)
      counts.set(deed, (counts.get(deed) ?? 0) + 1)
    }
    await world.settle()
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  } finally {
    await world.close()
  }
  return { failure, diary: world.diary, counts }
}

/** Leaves out steps as long as it still fails in the same way. @param tries  at most so many plays */
export async function shrink (steps: readonly Step[], tries: number): Promise<readonly Step[]> {
  let least = steps
  for (let size = Math.ceil(least.length / 2); size >= 1 && tries > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < least.length && tries > 0;) {
      const less = [...least.slice(0, at), ...least.slice(at + size)]
      tries--
      const { failure } = await play(less)
      if (failure instanceof Broken) least = less
      else at += size
    }
  }
  return least
}
