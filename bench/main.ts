import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { access, accessReport, goal } from './access.js'
import type { Contender } from './contender.js'
import { events } from './event.js'
import { history, historyGoal, historyReport } from './history.js'
import { large } from './large.js'
import { machine } from './machine.js'
import { measure, measureCold, type Pace } from './measure.js'
import { isTooSlow, monstersReport, monstrous } from './monsters.js'
import { recurring, recurringGoal, recurringReport } from './recurring.js'
import { report } from './report.js'
import { Seat } from './seat.js'
import { Results } from './series.js'
import { caldavd } from './server-caldavd.js'
import { radicale } from './server-radicale.js'
import { xandikos } from './server-xandikos.js'
import { stallGoal, stallReport, stalls } from './stall.js'
import { Undo } from './undo.js'
import { isMissed, watching, watchReport } from './watch.js'

const usage = `Measures caldavd beside other CalDAV servers on this machine.
  --sizes 100,1000,10000     events per calendar
  --peers radicale,xandikos  compare with these, as far as they are installed; none for none
  --rounds 3                 after one round to warm up
  --slice 1                  seconds for one operation of one server in one round
  --limit 20                 seconds for one operation of one server in all rounds
  --large                    also memory with 100,000 events (caldavd only)
  --access                   nothing but the cost of access control: a sharee beside the owner (caldavd only)
  --recurring                nothing but month queries over series without end
  --stalls                   nothing but how long heavy requests keep others waiting (caldavd only)
  --monsters                 nothing but monstrous recurrence rules (caldavd only)
  --history                  nothing but what keeping former versions costs a PUT (caldavd only)
  --watch                    nothing but watching files, and copying many by hand (caldavd only)
  --markdown FILE            write the report there too
`

interface Options {
  readonly sizes: readonly number[]
  readonly peers: readonly string[]
  readonly pace: Pace
  readonly large: boolean
  readonly access: boolean
  readonly recurring: boolean
  readonly monsters: boolean
  readonly stalls: boolean
  readonly watch: boolean
  readonly history: boolean
  readonly markdown: string | undefined
}

const undo = new Undo()
for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException'] as const) {
  process.once(event, (cause: unknown) => {
    process.stderr.write(`${String(cause)}, cleaning up\n`)
    void undo.run().then(() => process.exit(130))
  })
}
try {
  await run(options(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await undo.run()
}

async function run (options: Options): Promise<void> {
  const { sizes, pace } = options
  const contenders = await line(options)
  const [first] = contenders
  if (options.access && first !== undefined) {
    const ways = await access(first, pace, undo)
    process.stdout.write(accessReport(ways))
    if (ways.some(({ ratio }) => ratio > goal)) process.exitCode = 1
    return
  }
  if (options.monsters && first !== undefined) {
    const troubles = await monstrous(first, pace, undo)
    process.stdout.write(monstersReport(troubles))
    if (troubles.some(isTooSlow)) process.exitCode = 1
    return
  }
  if (options.recurring) {
    const months = await recurring(contenders, pace, undo)
    process.stdout.write(recurringReport(months))
    if (!((months[0]?.median ?? NaN) < recurringGoal)) process.exitCode = 1
    return
  }
  if (options.stalls && first !== undefined) {
    const found = await stalls(first, pace, undo)
    process.stdout.write(stallReport(found))
    if (found.some(({ stall }) => stall > stallGoal)) process.exitCode = 1
    return
  }
  if (options.history && first !== undefined) {
    const found = await history(first, pace, undo)
    process.stdout.write(historyReport(found))
    if (!(found.ratio <= historyGoal)) process.exitCode = 1
    return
  }
  if (options.watch && first !== undefined) {
    const found = await watching(first, pace, undo)
    process.stdout.write(watchReport(found))
    if (found.some(isMissed)) process.exitCode = 1
    return
  }
  const results = new Results()
  const found: string[] = []
  const memory = new Map<string, { now: number, peak: number }>()
  for (const size of sizes) {
    pace.say(`filling calendars of ${size}`)
    const samples = events(size)
    const seats: Seat[] = []
    for (const contender of contenders) seats.push(await Seat.take(contender, samples, undo))
    // First, because it leaves every server with an index of the tree it was given
    await measureCold(seats, results, pace)
    await measure(seats, results, pace)
    for (const seat of seats) memory.set(`${seat.contender.name}/${size}`, seat.running.memory())
    found.push(agreement(seats))
    for (const seat of seats) await seat.leave()
  }
  const ours = contenders.find(({ name }) => name === 'caldavd')
  if (options.large) pace.say('100,000 events')
  const findings = {
    servers: contenders.map(({ name }) => name),
    sizes,
    results,
    memory,
    large: options.large && ours !== undefined ? await large(ours, undo) : undefined,
    facts: [
      ...machine(),
      `servers: ${contenders.map(({ name, version }) => `${name} ${version}`).join(', ')}; every one with its default storage and fsync`,
      `rounds: ${pace.rounds}, in each the servers take turns; ${pace.sliceSeconds} s for one operation of one server in a round, ` +
      `${pace.limitSeconds} s in all (a slower operation has few samples, see the number of requests)`,
      'one connection, kept alive where the server does; radicale closes it after every answer',
      'a tenth of the events recurs (weekly, monthly, daily, yearly), half of these without end; all spread over ten years',
      ...found
    ]
  }
  process.stdout.write(report(findings, 'plain'))
  if (options.markdown !== undefined) await writeFile(options.markdown, report(findings, 'markdown'))
}

/** How many events the servers found in those months that all were asked for: they do not always agree. */
function agreement (seats: readonly Seat[]): string {
  const months = [...seats[0]?.found.keys() ?? []].filter(start => seats.every(({ found }) => found.has(start)))
  const sum = (seat: Seat): number => months.reduce((all, start) => all + (seat.found.get(start) ?? 0), 0)
  return `answers to ${months.length} month queries with ${seats[0]?.samples.length} events: ` +
    seats.map(seat => `${seat.contender.name} ${sum(seat)}`).join(', ')
}

/** Who takes part, ours first. */
async function line ({ peers, pace }: Options): Promise<Contender[]> {
  const ours = await caldavd()
  if (ours === undefined) throw new Error('dist/bin/caldavd.js is missing: run `npm run build` first')
  const known: Readonly<Record<string, () => Contender | undefined>> = { radicale, xandikos }
  const found = peers.map(name => {
    const peer = known[name]?.()
    if (peer === undefined) pace.say(`${name} is not installed: left out`)
    return peer
  })
  return [ours, ...found].filter(contender => contender !== undefined)
}

function options (args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      sizes: { type: 'string', default: '100,1000,10000' },
      peers: { type: 'string', default: 'radicale,xandikos' },
      rounds: { type: 'string', default: '3' },
      slice: { type: 'string', default: '1' },
      limit: { type: 'string', default: '20' },
      large: { type: 'boolean', default: false },
      access: { type: 'boolean', default: false },
      recurring: { type: 'boolean', default: false },
      monsters: { type: 'boolean', default: false },
      stalls: { type: 'boolean', default: false },
      watch: { type: 'boolean', default: false },
      history: { type: 'boolean', default: false },
      markdown: { type: 'string' },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const started = performance.now()
  return {
    sizes: values.sizes.split(',').map(text => positive('--sizes', text)),
    peers: values.peers === 'none' ? [] : values.peers.split(','),
    pace: {
      rounds: positive('--rounds', values.rounds),
      sliceSeconds: positive('--slice', values.slice),
      limitSeconds: positive('--limit', values.limit),
      say: line => {
        // After Ctrl-C everything fails that is still under way
        if (!undo.ending) process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}\n`)
      }
    },
    large: values.large,
    access: values.access,
    recurring: values.recurring,
    monsters: values.monsters,
    stalls: values.stalls,
    watch: values.watch,
    history: values.history,
    markdown: values.markdown
  }
}

function positive (flag: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`${flag}: ${text} is not a positive number`)
}
