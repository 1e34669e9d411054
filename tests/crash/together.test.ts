import t from 'tap'
import { onBench, parts } from './plan.js'
import { lack } from './tools.js'

const skip = lack() ?? false
// some machines need ten times as long
t.setTimeout(1_800_000)

t.test('two processes write to one home, and one or both are killed, 420 times', { skip }, async t => {
  const tally = await onBench(async bench => { await parts['together']?.(bench, { seed: 1, kills: 420, every: 1 }) })
  t.ok(tally.sum('kills: ') >= 420, `${tally.of('kills: of two processes, both')} with the other, ${tally.of('kills: of two processes, the server')} servers and ${tally.of('kills: of two processes, the guest')} guests alone`)
  t.equal(tally.of('sync tokens refused'), 0, 'no client starts over')
})
