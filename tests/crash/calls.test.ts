import t from 'tap'
import { seenTwice } from './escape.js'
import { operations } from './operation.js'
import { onBench, parts } from './plan.js'
import { lack } from './tools.js'

const skip = lack() ?? false
// some machines need ten times as long
t.setTimeout(1_800_000)
const kinds = Object.keys(operations)

t.test('no call that changes files passes the interposed library by', { skip }, async t => {
  const found: Awaited<ReturnType<typeof seenTwice>>[] = []
  await onBench(async bench => { found.push(await seenTwice(bench)) }, 'fast', true)
  const [seen] = found
  if (seen === undefined) return await t.test('strace', { skip: 'strace is not installed, or may not watch here' }, async () => {})
  t.ok((seen.kernel['rename'] ?? 0) > 10 && (seen.kernel['pwrite'] ?? 0) > 10 && (seen.kernel['fsync'] ?? 0) > 10, 'strace has seen the writes')
  t.same(seen.library, seen.kernel, 'the library counts what the kernel sees')
})

t.test('killed before and after each call, and with half of a write done', { skip }, async t => {
  const tally = await onBench(async bench => { await parts['steps']?.(bench, { seed: 1, kills: 0, every: 4 }) })
  t.equal([...tally.counts.keys()].filter(name => name.startsWith('calls: ')).length, kinds.length, 'every operation was killed')
  t.ok(tally.sum('kills: ') > 400, `${tally.sum('kills: ')} kills`)
  t.equal(tally.of('sync tokens refused'), 0, 'no client starts over')
})

t.test('each call fails, once and from then on, with each error', { skip }, async t => {
  const tally = await onBench(async bench => { await parts['faults']?.(bench, { seed: 1, kills: 0, every: 8 }) })
  for (const error of ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS']) t.ok(tally.of(`faults: ${error}, once`) > 50 && tally.of(`faults: ${error}, from then on`) > 50, `${tally.sum(`faults: ${error}`)} times ${error}`)
  const answers = [...tally.counts.keys()].filter(name => name.startsWith('answers: 5')).sort()
  t.same(answers, ['answers: 503', 'answers: 507'], 'the client is told that the server cannot write')
})
