import type { Collection, Home, Member } from '../../store/home.js'
import type { Index } from '../../store/index/open.js'
import { body, ofComponent, overlapping, type Candidate } from '../../store/index/search.js'
import { compile, type Compiled } from '../ical/instances.js'
import { matches, type CompFilter } from '../ical/filter.js'
import type { Range } from '../ical/overlap.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { portable } from '../ical/portable-zone.js'
import { Budget } from '../ical/recur.js'
import type { Zone } from '../ical/time.js'
import { UTC, zoneGeneration } from '../ical/timezone.js'
import { heavyBytes, inThread } from './heavy.js'

/**
 * The objects of a calendar that match, by name, some at a time. The index gives candidates, never too few; where it is not
 * sure, the text decides. Yields between slices of work, so that a long query does not keep others waiting. Call `fresh` before.
 * @param only  the one object that is asked about
 */
export async function * matching (home: Home, collection: Collection, filter: CompFilter, floating: Zone, only?: Member): AsyncGenerator<readonly Member[]> {
  const plan = planOf(filter)
  if (plan === undefined) return
  const { index } = home
  const version = `${index.version()} ${zoneGeneration()}`
  const asked = plan.isPlain && only === undefined ? answersOf(index, collection.id) : undefined
  const again = asked?.find(each => each.version === version && isSameQuestion(each, plan, floating))
  if (again !== undefined) {
    yield again.members
    return
  }
  const all: Member[] = []
  const question: Question = { home, filter, plan, floating, weight: Math.max(1, countOf(filter) / 10) }
  let found: Member[] = []
  let until = performance.now() + slice
  for (const candidate of only === undefined ? candidates(home, collection, plan, floating) : [{ row: only, sure: false }]) {
    let verdict: Verdict = decides(question, candidate)
    if (verdict === undefined) verdict = await decidesElsewhere(question, candidate.row)
    if (verdict) {
      found.push(candidate.row)
      all.push(candidate.row)
    }
    if (performance.now() < until) continue
    yield found
    found = []
    await new Promise(resolve => setImmediate(resolve))
    until = performance.now() + slice
  }
  yield found
  if (asked === undefined || all.length > mostFound || version !== `${index.version()} ${zoneGeneration()}`) return
  // what is out of date would keep the members of its day
  const current = asked.filter(each => each.version === version).slice(0, mostAnswers - 1)
  asked.splice(0, asked.length, { version, component: plan.component, range: plan.range, floating, members: all }, ...current)
}

/** What a query of a type and range found, as long as nothing is written: clients ask for the same month again and again. */
interface Answered {
  readonly version: string
  readonly component: string | undefined
  readonly range: Range | undefined
  readonly floating: Zone
  readonly members: readonly Member[]
}

const mostAnswers = 16
/** Longer answers are not remembered: they would take more memory than work. */
const mostFound = 5000
const remembers = new WeakMap<Index, Map<number, Answered[]>>()

function answersOf (index: Index, collection: number): Answered[] {
  let own = remembers.get(index)
  if (own === undefined) remembers.set(index, own = new Map())
  let answers = own.get(collection)
  if (answers === undefined) own.set(collection, answers = [])
  return answers
}

function isSameQuestion (one: Answered, { component, range }: Plan, floating: Zone): boolean {
  return one.component === component && one.floating === floating && one.range?.start === range?.start && one.range?.end === range?.end
}

const slice = 12

/** What the index can do for a filter. */
interface Plan {
  /** `undefined`: of every type. */
  readonly component: string | undefined
  readonly range: Range | undefined
  /** The range is all that is asked. */
  readonly isPlain: boolean
}

interface Question {
  readonly home: Home
  readonly filter: CompFilter
  readonly plan: Plan
  readonly floating: Zone
  /** How many times more work than an ordinary filter. */
  readonly weight: number
}

/** `undefined`: too much work for here. */
type Verdict = boolean | undefined

/** `undefined`: nothing can match. */
function planOf (filter: CompFilter): Plan | undefined {
  if (filter.isNotDefined === true) return undefined
  const [only, ...others] = filter.components
  if (only === undefined || others.length > 0 || only.isNotDefined === true || only.name === '*' || filter.test === 'anyof') {
    return { component: undefined, range: undefined, isPlain: false }
  }
  const isPlain = filter.properties.length === 0 && only.properties.length === 0 && only.components.length === 0
  const component = only.name.toUpperCase()
  // components that lie in others, such as VTIMEZONE, are not what the index knows objects by
  if (!topLevel.has(component)) return { component: undefined, range: undefined, isPlain: false }
  return { component, range: only.test === 'anyof' ? undefined : only.timeRange, isPlain }
}

const topLevel: ReadonlySet<string> = new Set(['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VAVAILABILITY'])

function countOf ({ properties, components }: CompFilter): number {
  return properties.reduce((sum, { parameters }) => sum + 1 + parameters.length, 1) + components.reduce((sum, each) => sum + countOf(each), 0)
}

function candidates (home: Home, collection: Collection, { component, range }: Plan, floating: Zone): Candidate[] {
  if (range === undefined) return ofComponent(home.index, collection.id, component)
  const local = (seconds: number): number => Number.isFinite(seconds) ? floating.toLocal(seconds) : seconds
  return overlapping(home.index, collection.id, range, { start: local(range.start), end: local(range.end) }, floating === UTC ? 0 : farthestJump)
}

/** Samoa left out a day in 2011 (seconds). */
const farthestJump = 86_400

function decides ({ home, filter, plan, floating, weight }: Question, { row, sure }: Candidate): Verdict {
  if (plan.component !== undefined && row.component !== plan.component) return false
  // every object of the type matches a filter that names just the type
  if (plan.isPlain && (plan.range === undefined || (sure && row.component === 'VEVENT'))) return true
  if (row.size * weight > heavyBytes) return undefined
  try {
    if (plan.isPlain && plan.range !== undefined && row.component === 'VEVENT') return happens(home, row, plan.range, floating)
    const bytes = body(home.index, row.id)
    if (bytes === undefined) return false
    const limit = new Budget({ milliseconds: patience })
    return matches(filter, parse(decode(bytes)), { floating, budget: limit }) || (limit.exhausted ? undefined : false)
  } catch (error) {
    if (error instanceof IcalError) return false
    throw error
  }
}

/** What one object may cost here, in ms; what needs more is looked at in a thread. */
const patience = 8

async function decidesElsewhere ({ home, filter, floating }: Question, { id }: Member): Promise<boolean> {
  const bytes = body(home.index, id)
  try {
    return bytes !== undefined && await inThread('matches', { bytes, filter, floating: portable(floating) }, home.path)
  } catch (error) {
    if (error instanceof IcalError) return false
    throw error
  }
}

/** What was worked out about a series that does not end, or not soon. */
interface Known {
  readonly etag: string
  readonly compiled: Compiled
  /** One of its instances, where it was looked for in that zone: who asks for "since then" finds it again. */
  seen?: { readonly start: number, readonly end: number, readonly floating: Zone }
}

function happens (home: Home, row: Member, range: Range, floating: Zone): Verdict {
  const known = knownOf(home.index, row)
  if (known === undefined) return false
  // nobody knows when: a client deletes what it does not find
  if (known.compiled.isPartly) return true
  const { seen } = known
  // a moment at the very start of the range is looked for again
  if (seen?.floating === floating && range.start < seen.end && range.end > seen.start) return true
  const limit = new Budget({ milliseconds: patience })
  for (const { startUtc, endUtc } of known.compiled.overlapping(range, floating, limit)) {
    known.seen = { start: startUtc, end: endUtc, floating }
    return true
  }
  return limit.exhausted ? undefined : false
}

/** Series that were looked at before, as long as their ETag is the same. */
let remembered = new WeakMap<Index, Map<number, Known>>()
let count = 0
const most = 20_000

function knownOf (index: Index, { id, etag }: Member): Known | undefined {
  let own = remembered.get(index)
  const known = own?.get(id)
  if (known?.etag === etag) return known
  const bytes = body(index, id)
  if (bytes === undefined) return undefined
  const fresh: Known = { etag, compiled: compile(parse(decode(bytes))) }
  if (++count > most) {
    remembered = new WeakMap()
    own = undefined
    count = 1
  }
  if (own === undefined) remembered.set(index, own = new Map())
  own.set(id, fresh)
  return fresh
}
