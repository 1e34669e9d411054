import t from 'tap'
import { onBench, parts } from './plan.js'
import { lack } from './tools.js'

const skip = lack() ?? false
// some machines need ten times as long
t.setTimeout(1_800_000)

const runs = [
  { what: 'in memory', place: 'fast', isPlain: false, kills: 1000 },
  { what: 'on the disk', place: 'disk', isPlain: false, kills: 100 },
  { what: 'started as anybody would', place: 'fast', isPlain: true, kills: 20 }
] as const

for (const [number, { what, place, isPlain, kills }] of runs.entries()) {
  t.test(`killed under load ${kills} times, ${what}`, { skip }, async t => {
    const tally = await onBench(async bench => { await parts['kills']?.(bench, { seed: 1 + number * 1000, kills, every: 1 }) }, place, isPlain)
    t.ok(tally.sum('kills: ') >= kills, `${tally.sum('kills: ')} kills: ${tally.of('kills: at a random moment')} at random moments, ${tally.sum('kills: at a random call')} at random calls, ${tally.of('kills: while starting')} while starting`)
    t.ok(tally.of('acknowledged writes') > kills, `${tally.of('acknowledged writes')} acknowledged writes, none lost`)
    t.equal(tally.of('sync tokens refused'), 0, 'no client starts over')
  })
}
