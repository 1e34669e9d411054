import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { onBench, parts, type Amount } from './plan.js'
import { reportOf } from './report.js'
import { Tally } from './tally.js'
import { lack } from './tools.js'

const usage = `Kills and hinders servers, and looks at what is left; see docs/durability.md.
  --kills 20000     about so many kills in all
  --seed 1          the first seed; the same seed makes the same requests
  --only PART       ${Object.keys(parts).join(', ')}
  --kind 'DELETE'   nothing but this operation (steps, faults)
  --every 1         of the calls that write the index, one of so many (steps, faults)
  --disk            data where temporary files are, rather than in memory
  --plain           servers are started as anybody would, which takes ten times as long
  --markdown FILE   write the report there too
`

/** Calls of all operations, about: what one round of the part "steps" kills. */
const killsOfSteps = 1900

process.exitCode = await main(process.argv.slice(2))

async function main (argv: readonly string[]): Promise<number> {
  let values
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: { kills: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' }, only: { type: 'string' }, kind: { type: 'string' }, every: { type: 'string', default: '1' }, disk: { type: 'boolean', default: false }, plain: { type: 'boolean', default: false }, markdown: { type: 'string' } }
    }))
    if (values.only !== undefined && parts[values.only] === undefined) throw new Error(`there is no part ${values.only}`)
  } catch (error) {
    process.stderr.write(`caldavd: ${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return 2
  }
  const problem = lack()
  if (problem !== undefined) {
    process.stderr.write(`caldavd: ${problem}\n`)
    return 1
  }
  const amount = { seed: Number(values.seed), kills: Number(values.kills), every: Number(values.every), ...values.kind === undefined ? {} : { kinds: [values.kind] } }
  const began = performance.now()
  const tally = new Tally()
  const place = values.disk ? 'disk' : 'fast'
  try {
    const only = values.only
    if (only !== undefined) tally.join(await onBench(async bench => { await parts[only]?.(bench, amount) }, place, values.plain))
    else for (const one of await Promise.all(lanes(amount).map(async lane => await onBench(async bench => { for (const [part, amount] of lane) await run(bench, part, amount) }, place, values.plain)))) tally.join(one)
  } catch (error) {
    process.stderr.write(`caldavd: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
  const text = reportOf(tally, (performance.now() - began) / 1000)
  process.stdout.write(text)
  if (values.markdown !== undefined) writeFileSync(values.markdown, text)
  return 0
}

type Lane = readonly (readonly [string, Amount])[]

/** Two cores have about the same to do. */
function lanes (amount: Amount): Lane[] {
  const rounds = Math.max(1, Math.round(amount.kills / 4 / killsOfSteps))
  const rest = Math.max(0, amount.kills - rounds * killsOfSteps)
  const share = (kills: number, seed: number): Amount => ({ ...amount, seed: amount.seed + seed, kills: Math.round(kills) })
  return [
    [...Array.from({ length: rounds }, (_, round) => ['steps', share(0, round)] as const), ['kills', share(rest / 4, 0)], ['faults', share(0, 0)]],
    [['kills', share(rest / 2, 1_000_000)], ['together', share(rest / 4, 0)]]
  ]
}

async function run (bench: Parameters<Parameters<typeof onBench>[0]>[0], part: string, amount: Amount): Promise<void> {
  const began = performance.now()
  await parts[part]?.(bench, amount)
  process.stderr.write(`${part}, seed ${amount.seed}: ${bench.tally.sum('kills: ')} kills and ${bench.tally.sum('faults: ')} faults so far, ${Math.round((performance.now() - began) / 1000)} s\n`)
}
