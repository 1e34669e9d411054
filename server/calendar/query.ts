import { asMember, type Collection, type Home, type Member } from '../../store/home.js'
import { body, ofComponent, overlapping, type Candidate } from '../../store/index/search.js'
import { compile, type Compiled } from '../ical/instances.js'
import { matches, type CompFilter } from '../ical/filter.js'
import type { Range } from '../ical/overlap.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { Budget } from '../ical/recur.js'
import type { Zone } from '../ical/time.js'

/**
 * The objects of a calendar that match, by name. The index gives candidates, never too few; where it is not sure, the text
 * decides. Yields between slices of work, so that a long query does not keep others waiting. Call `fresh` before.
 */
export async function * matching (home: Home, collection: Collection, filter: CompFilter, floating: Zone): AsyncGenerator<Member> {
  const plan = planOf(filter)
  if (plan === undefined) return
  let until = performance.now() + slice
  for (const candidate of candidates(home, collection, plan, floating)) {
    if ((plan.isPlain && candidate.sure && candidate.row.component === 'VEVENT') || decides(home, candidate, filter, plan, floating)) yield asMember(candidate.row)
    if (performance.now() > until) {
      await new Promise(resolve => setImmediate(resolve))
      until = performance.now() + slice
    }
  }
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

function candidates (home: Home, collection: Collection, { component, range }: Plan, floating: Zone): Candidate[] {
  if (range === undefined) return ofComponent(home.index, collection.id, component)
  const local = (seconds: number): number => Number.isFinite(seconds) ? floating.toLocal(seconds) : seconds
  return overlapping(home.index, collection.id, range, { start: local(range.start), end: local(range.end) })
    .filter(({ row }) => row.component === component)
}

function decides (home: Home, { row }: Candidate, filter: CompFilter, plan: Plan, floating: Zone): boolean {
  // every object of the type matches a filter that names just the type
  if (plan.isPlain && plan.range === undefined) return true
  try {
    if (plan.isPlain && plan.range !== undefined && row.component === 'VEVENT') return happens(compiled(home, row), plan.range, floating)
    const bytes = body(home.index, row.id)
    if (bytes === undefined) return false
    const limit = budget()
    // a series too monstrous to be searched through is listed: a client deletes what it does not find
    return matches(filter, parse(decode(bytes)), { floating, budget: limit }) || limit.exhausted
  } catch (error) {
    if (error instanceof IcalError) return false
    throw error
  }
}

function happens (series: Compiled | undefined, range: Range, floating: Zone): boolean {
  if (series === undefined) return false
  const limit = budget()
  for (const _ of series.overlapping(range, floating, limit)) return true
  return limit.exhausted
}

function budget (): Budget {
  return new Budget({ milliseconds: 40 })
}

/** Series that were looked at before, by home and member, as long as their ETag is the same. */
const remembered = new Map<string, { etag: string, compiled: Compiled }>()
const most = 20_000

function compiled (home: Home, { id, etag }: Candidate['row']): Compiled | undefined {
  const key = `${home.index.epoch} ${id}`
  const known = remembered.get(key)
  if (known?.etag === etag) return known.compiled
  const bytes = body(home.index, id)
  if (bytes === undefined) return undefined
  const fresh = compile(parse(decode(bytes)))
  if (remembered.size >= most) remembered.clear()
  remembered.set(key, { etag, compiled: fresh })
  return fresh
}
