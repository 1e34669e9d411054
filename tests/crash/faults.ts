import { Gone, type Client } from './client.js'
import { errors, type Fault, type Mode } from './control.js'
import { Broken, Life, withTrail } from './life.js'
import type { Nest } from './nest.js'
import type { Step } from './operation.js'
import { callsIn, isChosen, prepare, type Call } from './steps.js'
import type { Tally } from './tally.js'

const ways: readonly Mode[] = ['fail once', 'fail from then on']

/**
 * Lets each call of each operation fail in turn, once or from then on, with each error: the answer is an error of the server or that of
 * success, nothing half is there, others read meanwhile, and when the fault is over writes go on without a restart.
 * @param every  of the calls that write the index, only every so manieth
 * @throws Broken
 */
export async function failEach (nest: Nest, where: string, seed: number, kinds: readonly string[], every: number, tally: Tally): Promise<void> {
  for (const kind of kinds) {
    for (const fault of Object.keys(errors) as Fault[]) {
      const life = new Life(where, seed, 1)
      try {
        await failKind(nest, life, kind, fault, every, tally)
        life.remove()
      } catch (error) {
        throw withTrail(error, life, nest.said, `--only faults --seed ${seed} --kind '${kind}' (${fault})`)
      }
    }
  }
}

async function begun (nest: Nest, life: Life): Promise<Client> {
  const started = await life.start(nest)
  if (started === undefined) throw new Broken('killed at a start')
  return started.client
}

async function failKind (nest: Nest, life: Life, kind: string, fault: Fault, every: number, tally: Tally): Promise<void> {
  let client = await begun(nest, life)
  const restart = async (why: string): Promise<void> => {
    client.close()
    await nest.kill()
    client = await begun(nest, life)
    await life.verify(client, why, { isWhole: true })
  }
  await life.settle(client)
  await life.furnish(client)
  await prepare(life, client, kind)
  const calls = callsIn(await nest.control.named(async () => { await life.do(client, kind, life.stepOf(kind, life.writers[0]!)) }))
  try {
    for (const mode of ways) {
      for (const [index, call] of calls.entries()) {
        const number = index + 1
        if (!isChosen(call, number + ways.indexOf(mode), every)) continue
        if (await failOne(nest, life, client, { kind, mode, number, call, fault }, tally)) continue
        // for some seconds after a disk has refused everything the index is in memory, and there are fewer calls
        await restart('after a restart')
        await failOne(nest, life, client, { kind, mode, number, call, fault }, tally)
      }
    }
  } catch (error) {
    if (error instanceof Gone) throw new Broken(`the server died (${error.message}): ${await nest.kill()}`)
    throw error
  }
  await restart('at the end')
  client.close()
  await nest.kill()
}

interface Hindrance { readonly kind: string, readonly mode: Mode, readonly number: number, readonly call: Call, readonly fault: Fault }

/** One operation with one fault. @returns whether it came to the call that was to fail */
async function failOne (nest: Nest, life: Life, client: Client, { kind, mode, number, call, fault }: Hindrance, tally: Tally): Promise<boolean> {
  await prepare(life, client, kind)
  const step = life.stepOf(kind, life.writers[0]!)
  const what = `${fault}, ${mode}, at call ${number} (${call.name} ${call.path})`
  nest.control.arm(mode, number, fault)
  const { status, body } = await life.try(client, kind, step)
  const { hits } = nest.control
  if (mode === 'fail from then on' && hits > 0) await reads(client, what)
  nest.control.disarm()
  if (hits > 0) tally.add(`faults: ${fault}, ${mode.slice(5)}`)
  else if (status !== step.expected) throw new Broken(`${what}: ${status} ${body.slice(0, 300)} without a fault`)
  take(life, step, status, body, what, { isFull: fault === 'ENOSPC' || fault === 'EDQUOT' })
  tally.add(`answers: ${status}`)
  await life.verify(client, `${what}, answered ${status}`, { patience: 3, isCalm: mode === 'fail once' })
  await life.do(client, 'PUT, new', life.stepOf('PUT, new', life.writers[0]!))
  return hits > 0
}

/** What an answer promises. */
function take (life: Life, step: Step, status: number, body: string, what: string, { isFull }: { readonly isFull: boolean }): void {
  const isRefused = status === 503 || status === 507
  // a multistatus tells of each property or file by itself
  const isPartly = status === 207 && /HTTP\/1\.1 (?:5\d\d|4\d\d)/.test(body)
  if (status === step.expected && !isPartly) {
    // on a full disk people may delete all the same
    life.acknowledge(step, !(isFull && step.ask.method === 'DELETE'))
  } else if (!isRefused && !isPartly) throw new Broken(`${what}: ${status} ${body.slice(0, 300)}`)
}

/** While the disk refuses to write, everything can be read. */
async function reads (client: Client, what: string): Promise<void> {
  for (const [method, path, expected] of [['PROPFIND', '', 207], ['PROPFIND', 'a0/', 207], ['GET', 'common/', 200]] as const) {
    const { status, body } = await client.ask({ method, path, headers: { depth: '1' } })
    if (status !== expected) throw new Broken(`${what}, ${method} ${path} meanwhile: ${status} ${body.slice(0, 300)}`)
  }
}
