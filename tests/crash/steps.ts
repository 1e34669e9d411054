import { Gone, type Client } from './client.js'
import type { Mode } from './control.js'
import { Broken, Life, withTrail } from './life.js'
import type { Nest } from './nest.js'
import { operations } from './operation.js'
import type { Tally } from './tally.js'

/** A call of the write path: `link history/2026-11-23/…`. */
export interface Call { readonly name: string, readonly path: string }

/** What was listed by the interposed library. */
export function callsIn (lines: readonly string[]): Call[] {
  return lines.map(line => {
    const [, name = '', path = ''] = /^\d+ (\S+) (.*)$/.exec(line) ?? []
    return { name, path }
  })
}

/** Of the many pages that one transaction of an index writes, every so manieth is enough for a quick run. */
export function isChosen ({ path }: Call, number: number, every: number): boolean {
  return !path.startsWith('state/index') || number % every === 0
}

const ways: readonly Mode[] = ['kill before', 'kill after', 'half, then kill']

/**
 * Kills a server at each call of each operation in turn: before it, after it, and with half of what it writes written.
 * @param every  of the calls that write the index, only every so manieth
 * @throws Broken
 */
export async function killAtEach (nest: Nest, where: string, seed: number, kinds: readonly string[], every: number, tally: Tally): Promise<void> {
  for (const kind of kinds) {
    const life = new Life(where, seed, 1)
    try {
      await atEachCall(nest, life, kind, every, tally)
      life.remove()
    } catch (error) {
      throw withTrail(error, life, nest.said, `--only steps --seed ${seed} --kind '${kind}'`)
    }
  }
}

async function begun (nest: Nest, life: Life): Promise<Client> {
  const started = await life.start(nest)
  if (started === undefined) throw new Broken('killed at a start')
  return started.client
}

async function atEachCall (nest: Nest, life: Life, kind: string, every: number, tally: Tally): Promise<void> {
  let client = await begun(nest, life)
  await life.settle(client)
  await life.furnish(client)
  await prepare(life, client, kind)
  const calls = callsIn(await nest.control.named(async () => { await life.do(client, kind, life.stepOf(kind, life.writers[0]!)) }))
  tally.add(`calls: ${kind}`, calls.length)
  for (const mode of ways) {
    for (let number = 1; number <= calls.length + 1; number++) {
      const call = calls[number - 1]
      if (call !== undefined && (!isChosen(call, number + ways.indexOf(mode), every) || (mode === 'half, then kill' && !call.name.includes('write')))) continue
      await prepare(life, client, kind)
      nest.control.arm(mode, number)
      try {
        await life.do(client, kind, life.stepOf(kind, life.writers[0]!))
        // it had fewer calls this time
        nest.control.disarm()
      } catch (error) {
        if (!(error instanceof Gone)) throw error
        if (nest.control.disarm().hits === 0) throw new Broken(`the server died by itself: ${nest.said}`)
        tally.add(`kills: ${mode === 'half, then kill' ? 'with half of a call done' : `${mode.replace('kill ', '')} each call`}`)
        client.close()
        await nest.kill()
        client = await begun(nest, life)
        await life.verify(client, `${mode} call ${number} (${call?.name ?? 'a further one'} ${call?.path ?? ''})`)
      }
    }
  }
  await life.verify(client, 'at the end', { isWhole: true })
  tally.add('acknowledged writes', life.acknowledged)
  tally.add('sync tokens refused', life.memory.refused)
  client.close()
  await nest.kill()
}

/** Makes what a kind of operation needs. */
export async function prepare (life: Life, client: Client, kind: string): Promise<void> {
  const writer = life.writers[0]!
  for (const needed of needs[kind] ?? []) {
    if (operations[kind]?.(life.world, writer) !== undefined) return
    const step = operations[needed]?.(life.world, writer)
    if (step !== undefined) await life.do(client, needed, step)
  }
}

const makesCopies = ['PUT, new', 'PUT, new', 'COPY', 'COPY', 'DELETE of a calendar', 'MKCALENDAR']
const needs: Readonly<Record<string, readonly string[]>> = {
  'PUT, If-Match': ['PUT, new'],
  'DELETE': ['PUT, new'],
  'MOVE': ['PUT, new', 'PUT, new', 'PUT, new'],
  'MOVE, overwriting': makesCopies,
  'COPY': ['PUT, new', 'PUT, new', 'PUT, new'],
  'COPY, overwriting': makesCopies,
  'MKCALENDAR': ['DELETE of a calendar'],
  'PROPPATCH of an event': ['PUT, new'],
  'DELETE of a calendar': ['COPY of a calendar', 'MKCALENDAR'],
  'COPY of a calendar': ['DELETE of a calendar'],
  'MOVE of a calendar': ['DELETE of a calendar', 'COPY of a calendar', 'MKCALENDAR']
}
