import t from 'tap'
import { play, scenario, shrink } from './scenario.js'

// Clients, hands at the files and restarts in random order: see scenario.ts. CALDAVD_ROUNDS = how many, CALDAVD_SEED = which one alone.

const seed = process.env['CALDAVD_SEED']
const rounds = Number(process.env['CALDAVD_ROUNDS'] ?? 500)
const seeds = seed === undefined ? Array.from({ length: rounds }, (_, number) => number + 1) : [Number(seed)]
// a failure is played again with fewer and fewer steps
t.setTimeout(300_000 + seeds.length * 2000)

t.test(`${seeds.length} rounds: nothing is lost, nothing is deleted that nobody deleted, all come to the same`, async t => {
  const counts = new Map<string, number>()
  let failures = 0
  for (const seed of seeds) {
    const steps = scenario(seed)
    const outcome = await play(steps)
    for (const [deed, count] of outcome.counts) counts.set(deed, (counts.get(deed) ?? 0) + count)
    if (outcome.failure === undefined) continue
    const least = await shrink(steps, 60)
    const { failure = outcome.failure, diary } = least === steps ? outcome : await play(least)
    t.fail(`round ${seed}: ${failure.message}`)
    t.comment(`CALDAVD_SEED=${seed} npx tap --disable-coverage tests/two-sided\n${diary.join('\n')}`)
    if (++failures >= 5) break
  }
  if (seed === undefined) for (const deed of ['create', 'update', 'delete', 'restart', 'restore', 'break', 'clock']) t.ok((counts.get(deed) ?? 0) > seeds.length / 50, `${deed} has been done`)
  t.comment([...counts].map(([deed, count]) => `${deed} ${count}`).join(', '))
})
