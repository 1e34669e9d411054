import t from 'tap'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Budget, parseRule } from '../../server/ical/recur.js'
import { Sequence } from '../../server/ical/occurrences.js'
import { formatWhen, parseDateTime } from '../../server/ical/time.js'

const python = '/usr/bin/python3'
const script = fileURLToPath(new URL('./dateutil_rules.py', import.meta.url))
const rules = Number(process.env['ORACLE_RULES'] ?? 2400)
const seed = Number(process.env['ORACLE_SEED'] ?? 1)
const limit = 25
const horizon = parseDateTime('20600101T000000').local - 1

/** mulberry32 */
function random (seed: number): () => number {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let at = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    at = (at + Math.imul(at ^ (at >>> 7), 61 | at)) ^ at
    return ((at ^ (at >>> 14)) >>> 0) / 4294967296
  }
}

interface Ask { start: string, rule: string }

function ask (next: () => number): Ask {
  const whole = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  const chance = (share: number): boolean => next() < share
  const some = (most: number, make: () => number | string): string => [...new Set(Array.from({ length: whole(1, most) }, make))].join(',')
  const signed = (high: number): number => chance(0.3) ? -whole(1, high) : whole(1, high)
  const pick = <Value>(from: readonly Value[]): Value => from[whole(0, from.length - 1)]!
  const frequency = pick(['YEARLY', 'YEARLY', 'YEARLY', 'MONTHLY', 'MONTHLY', 'MONTHLY', 'WEEKLY', 'WEEKLY', 'DAILY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'])
  const parts = [`FREQ=${frequency}`]
  const days = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']
  const weekNumbers = frequency === 'YEARLY' && chance(0.15)
  // A week belongs to the year that numbers it; dateutil cuts it at New Year, which INTERVAL and BYSETPOS would show
  if (!weekNumbers && chance(0.5)) parts.push(`INTERVAL=${whole(1, chance(0.2) ? 40 : 5)}`)
  // -52 and -53 can be week 1, of which dateutil forgets the days before New Year
  if (weekNumbers) parts.push(`BYWEEKNO=${some(3, () => chance(0.3) ? -whole(1, 51) : whole(1, 53))}`)
  if (chance(0.3)) parts.push(`BYMONTH=${some(4, () => whole(1, 12))}`)
  if (frequency !== 'WEEKLY' && chance(0.3)) parts.push(`BYMONTHDAY=${some(5, () => signed(31))}`)
  if (!['WEEKLY', 'MONTHLY', 'DAILY'].includes(frequency) && chance(0.15)) parts.push(`BYYEARDAY=${some(6, () => signed(366))}`)
  if (weekNumbers || chance(0.4)) {
    // BYDAY=MO,2TU: dateutil wants both at once, RFC 5545 either
    const numbered = !weekNumbers && (frequency === 'MONTHLY' || frequency === 'YEARLY') && chance(0.5)
    const most = frequency === 'MONTHLY' || parts.some(part => part.startsWith('BYMONTH=')) ? 5 : 53
    parts.push(`BYDAY=${some(4, () => `${numbered ? signed(most) : ''}${pick(days)}`)}`)
  }
  if (chance(0.15)) parts.push(`BYHOUR=${some(3, () => whole(0, 23))}`)
  if (chance(0.12)) parts.push(`BYMINUTE=${some(3, () => whole(0, 59))}`)
  if (chance(0.1)) parts.push(`BYSECOND=${some(3, () => whole(0, 59))}`)
  if (!weekNumbers && parts.some(part => /^BY/.test(part)) && chance(0.25)) parts.push(`BYSETPOS=${some(3, () => signed(chance(0.8) ? 4 : 40))}`)
  if (chance(0.3)) parts.push(`WKST=${pick(days)}`)
  if (chance(0.2)) parts.push(`COUNT=${whole(1, 40)}`)
  else if (chance(0.2)) parts.push(`UNTIL=${whole(2020, 2040)}${pick(['0101', '0630', '1231'])}T${pick(['000000', '120000', '235959'])}`)
  if (frequency === 'WEEKLY' && parts.some(part => part.startsWith('BYSETPOS'))) {
    // dateutil counts positions from DTSTART in the first week, RFC 5545 from the start of the week
    const weekStart = parts.find(part => part.startsWith('WKST='))?.slice(5) ?? 'MO'
    return { start: `202304${String(3 + days.indexOf(weekStart)).padStart(2, '0')}T093000`, rule: parts.join(';') }
  }
  const start = `${whole(2019, 2027)}${String(whole(1, 12)).padStart(2, '0')}${String(whole(1, 28)).padStart(2, '0')}T${pick(['000000', '093000', '235959', '120015'])}`
  return { start, rule: parts.join(';') }
}

function ours ({ start, rule }: Ask, from: number): { found: string[], budget: Budget } {
  const budget = new Budget({ steps: 400_000 })
  const walk = new Sequence(parseRule(rule), parseDateTime(start), false).walk(from, horizon, budget)
  const found: string[] = []
  for (let at = walk.next(); at !== Infinity && found.length < limit; at = walk.next()) found.push(formatWhen({ date: false, local: at, zone: 'floating' }))
  return { found, budget }
}

const here = spawnSync(python, ['-c', 'import dateutil'], { timeout: 5000 })

t.test(`${rules} random rules of seed ${seed} as python-dateutil reads them`, { skip: here.status === 0 ? false : 'python3-dateutil is not installed' }, async t => {
  const next = random(seed)
  const asked = Array.from({ length: rules }, () => ask(next))
  const answer = spawnSync(python, [script], { input: asked.map(one => JSON.stringify({ ...one, limit })).join('\n'), encoding: 'utf8', timeout: 100_000, maxBuffer: 1e8 })
  const theirs = answer.stdout.trim().split('\n').map(line => JSON.parse(line) as { found?: string[], late?: boolean, error?: string })
  t.equal(theirs.length, rules, answer.stderr)
  const told = { same: 0, empty: 0, late: 0, spent: 0 }
  const different: unknown[] = []
  let slowest = 0
  asked.forEach((one, i) => {
    const began = performance.now()
    const { found, budget } = ours(one, -Infinity)
    slowest = Math.max(slowest, performance.now() - began)
    const their = theirs[i]!
    if (their.late === true) return told.late++
    const expected = their.found ?? []
    if (budget.exhausted && expected.length > found.length) return told.spent++
    if (found.join() !== expected.join()) return different.push({ ...one, ours: found.slice(0, 6), theirs: their.error ?? expected.slice(0, 6) })
    if (found.length === 0) told.empty++
    // skipping ahead gives what walking gives
    const middle = found[found.length >> 1]
    if (middle !== undefined && !one.rule.includes('UNTIL')) {
      const later = ours(one, parseDateTime(middle).local).found.slice(0, found.length - (found.length >> 1))
      if (later.join() !== found.slice(found.length >> 1).join()) return different.push({ ...one, from: middle, ours: later.slice(0, 6), walked: found.slice(found.length >> 1) })
    }
    return told.same++
  })
  t.comment(`${told.same} agree (${told.empty} of them empty), ${told.late} too slow for dateutil, ${told.spent} beyond our budget, slowest of ours ${slowest.toFixed(0)} ms`)
  t.same(different.slice(0, 10), [], `${different.length} differ`)
})
