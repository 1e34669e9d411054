import t from 'tap'
import { Budget, parseRule, Sequence } from '../../server/ical/recur.js'
import { zoneNamed } from '../../server/ical/timezone.js'
import type { Zone } from '../../server/ical/time.js'
import { differences, partsOf, zonedDifferences } from './differences.js'
import { ask, compiled, missing, script } from './oracle.js'
import { random } from './random.js'
import { read, secondsOf, textOf } from './reader.js'
import { randomRule, zonedRule, type Ask } from './rules.js'

const rules = Number(process.env['ORACLE_RULES'] ?? 11_500)
const zoned = Number(process.env['ORACLE_ZONED'] ?? 1000)
const seed = Number(process.env['ORACLE_SEED'] ?? 1)
// as in the oracles
const most = 20
const horizon = secondsOf('20500101')

/** What we find, and from somewhere in the middle on when `from` is given. */
function ours ({ start, rule, zone }: Ask, from = -Infinity, includesStart = false): { found: string[], spent: boolean } {
  const budget = new Budget({ steps: 400_000 })
  const named = zone === '' ? undefined : zoneNamed(zone) as Zone
  const first = { local: secondsOf(start), date: start.length === 8, ...(named === undefined ? {} : { zone: named }) }
  const walk = new Sequence(parseRule(rule), first, includesStart).walk(from, horizon - 1, budget)
  const found: string[] = []
  for (let at = walk.next(); at !== Infinity && found.length < most; at = walk.next()) found.push(textOf(named?.toUtc(at) ?? at))
  return { found, spent: budget.exhausted }
}

const line = ({ start, rule, zone }: Ask): string => `${start}\t${rule}\t${zone}`

// libical takes lists of times in the order in which they stand, which means nothing in RFC 5545
const sorted = (one: Ask): Ask => ({
  ...one, rule: one.rule.replace(/(BY(?:SECOND|MINUTE|HOUR))=([\d,]+)/g, (_, name: string, list: string) => `${name}=${list.split(',').sort((a, b) => Number(a) - Number(b)).join()}`)
})

const isAnswer = (told: string): boolean => told !== 'late' && !told.startsWith('error')

t.test(`${rules} random rules of seed ${seed} as python-dateutil and libical read them`, { skip: missing.dateutil || missing.libical, timeout: 300_000 }, async t => {
  const from = random(seed)
  const asked = Array.from({ length: rules }, () => randomRule(from))
  const libical = await compiled(t, 'libical_rules')
  const [dateutil, ical] = await Promise.all([ask(script('dateutil_rules.py'), asked.map(line)), ask([libical], asked.map(one => line(sorted(one))))])
  const told = { bothAgree: 0, oneAnswers: 0, differ: 0, noneAnswers: 0, againstBoth: 0, read: 0, spent: 0 }
  const wrong: unknown[] = []
  const met = new Set<string>()
  let slowest = 0
  asked.forEach((one, i) => {
    const began = performance.now()
    const { found, spent } = ours(one)
    slowest = Math.max(slowest, performance.now() - began)
    const our = found.join(' ')
    const theirs = { dateutil: dateutil[i]!, libical: ical[i]! }
    const answers = Object.values(theirs).filter(isAnswer)
    const agree = answers.length === 2 && answers[0] === answers[1]
    if (spent) told.spent++
    if (agree) told.bothAgree++
    else if (answers.length === 0) told.noneAnswers++
    else if (answers.length === 1) told.oneAnswers++
    else told.differ++
    const isSame = (told: string): boolean => spent ? told.startsWith(our) : told === our
    if (answers.length === 0 || !answers.every(isSame) || i % 8 === 0) {
      const reading = read(one.rule, one.start, most, horizon)
      const expected = reading.found.join(' ')
      if (!reading.late) told.read++
      if (!(reading.late || spent ? our.startsWith(expected) || expected.startsWith(our) : our === expected)) return wrong.push({ ...one, ours: our.slice(0, 100), expected: expected.slice(0, 100), theirs })
    }
    const rule = partsOf(one.rule)
    const against = (['dateutil', 'libical'] as const).filter(oracle => isAnswer(theirs[oracle]) && !isSame(theirs[oracle]))
    if (agree && against.length > 0) told.againstBoth++
    // both in the same wrong way: only what the table says of both
    const kinds = differences.filter(each => each.concerns(rule, one) && (!agree || each.oracles.length === 2))
    for (const oracle of against) {
      const named = kinds.filter(each => each.oracles.includes(oracle))
      if (named.length === 0) wrong.push({ ...one, ours: our.slice(0, 100), [oracle]: theirs[oracle].slice(0, 100) })
      for (const { what } of named) met.add(`${oracle}: ${what}`)
    }
    if (one.rule.includes('UNTIL') || found.length === 0) return undefined
    // skipping ahead gives what walking gives
    const middle = found.length >> 1
    const later = ours(one, secondsOf(found[middle]!)).found.slice(0, found.length - middle)
    if (!spent && later.join() !== found.slice(middle).join()) wrong.push({ ...one, from: found[middle], ours: later.slice(0, 6), walked: found.slice(middle, middle + 6) })
    return undefined
  })
  t.comment(JSON.stringify({ ...told, slowest: `${slowest.toFixed(0)} ms` }))
  t.same(wrong.slice(0, 10), [], `${wrong.length} are read otherwise`)
  t.ok(told.bothAgree > rules * 0.6, 'both oracles answer and agree about most')
  if (rules >= 10_000 && seed === 1) t.same(differences.flatMap(({ what, oracles }) => oracles.map(oracle => `${oracle}: ${what}`)).filter(one => !met.has(one)), [], 'every difference of the table is met')
})

t.test('DTSTART is the first instance and counts, whether it fits the rule or not', async t => {
  const from = random(seed + 1)
  const wrong: unknown[] = []
  let unfit = 0
  for (let i = 0; i < 600; i++) {
    const one = randomRule(from)
    const start = textOf(secondsOf(one.start))
    const { found, late } = read(one.rule, one.start, most, horizon)
    if (late || /FREQ=(?:SECONDLY|MINUTELY)/.test(one.rule)) continue
    const count = Number(partsOf(one.rule).list('COUNT')[0] ?? Infinity)
    if (found[0] !== start) unfit++
    const expected = found[0] === start ? found : [start, ...found].slice(0, Math.min(count, most))
    const our = ours(one, -Infinity, true).found
    if (our.join() !== expected.join()) wrong.push({ ...one, ours: our.slice(0, 6), expected: expected.slice(0, 6) })
  }
  t.ok(unfit > 100, `${unfit} do not fit`)
  t.same(wrong.slice(0, 10), [], `${wrong.length} are read otherwise`)
})

t.test(`${zoned} random rules in zones, where the clock changes`, { skip: missing.dateutil || missing.libical }, async t => {
  const from = random(seed)
  const asked = Array.from({ length: zoned }, () => zonedRule(from))
  const libical = await compiled(t, 'libical_rules')
  const [dateutil, ical] = await Promise.all([ask(script('dateutil_rules.py'), asked.map(line)), ask([libical], asked.map(one => line(sorted(one))))])
  const told = { bothAgree: 0, dateutil: 0, libical: 0 }
  const wrong: unknown[] = []
  asked.forEach((one, i) => {
    const our = ours(one).found.join(' ')
    const expected = read(one.rule, one.start, most, horizon, one.zone).found.join(' ')
    const theirs = { dateutil: dateutil[i]!, libical: ical[i]! }
    if (our !== expected) wrong.push({ ...one, ours: our, expected, theirs })
    const against = (['dateutil', 'libical'] as const).filter(oracle => isAnswer(theirs[oracle]) && theirs[oracle] !== our)
    if (against.length === 0) told.bothAgree++
    for (const oracle of against) {
      told[oracle]++
      const kinds = [...zonedDifferences, ...differences].filter(each => each.oracles.includes(oracle) && each.concerns(partsOf(one.rule), one))
      if (kinds.length === 0) wrong.push({ ...one, ours: our, [oracle]: theirs[oracle] })
    }
  })
  t.comment(JSON.stringify(told))
  t.same(wrong.slice(0, 10), [], `${wrong.length} are read otherwise`)
  t.ok(told.bothAgree > zoned / 2, 'both oracles answer and agree about most')
})
