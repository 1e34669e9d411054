import { DAY, yearOf } from './civil.js'
import { transitionsIn, type Kind, type PosixRule } from './posix-rule.js'
import type { ZoneData } from './zone-data.js'

/** A transition: UTC seconds, what the clock showed before, what it shows from then on. */
export interface Onset { readonly at: number, readonly from: Kind, readonly to: Kind }

/** A zone's past one by one, and the rule of its future. */
export interface Split {
  readonly history: readonly Onset[]
  readonly rule: PosixRule | undefined
  /** UTC seconds: the rule makes every transition after it. */
  readonly since: number
}

const EARLIEST = -62_000_000_000

/** Zone files repeat for decades what their rule says anyway: that is left to the rule. */
export function split ({ first, at, kind, rule }: ZoneData): Split {
  const history = at.map((one, i): Onset => ({ at: one, from: kind[i - 1] ?? first, to: kind[i]! })).filter(one => one.at > EARLIEST && !isSame(one.from, one.to))
  if (rule?.daylight === undefined) return { history, rule: undefined, since: Infinity }
  if (history.length === 0) return { history, rule, since: 0 }
  const last = history.at(-1)!.at
  const made = transitionsIn(rule, yearOf(Math.floor(history[0]!.at / DAY)) - 1, yearOf(Math.floor(last / DAY)) + 1).filter(one => one.at <= last)
  let kept = history.length
  let unmade = made.length
  while (kept > 0 && unmade > 0 && made[unmade - 1]!.at === history[kept - 1]!.at && isSame(made[unmade - 1]!.kind, history[kept - 1]!.to)) {
    kept--
    unmade--
  }
  return { history: history.slice(0, kept), rule, since: Math.max(history[kept - 1]?.at ?? -Infinity, made[unmade - 1]?.at ?? -Infinity) }
}

/** The transitions of a zone from a moment on and before another (UTC seconds, less than some thousand years), ascending. */
export function onsetsOf (data: ZoneData, from: number, to: number): Onset[] {
  const { history, rule, since } = split(data)
  const found = history.filter(({ at }) => at >= from && at < to)
  if (rule?.daylight === undefined || to <= since) return found
  const { standard, daylight } = rule
  for (const { at, kind } of transitionsIn(rule, yearOf(Math.floor(Math.max(since, from) / DAY)) - 1, yearOf(Math.floor(to / DAY)) + 1)) {
    if (at > since && at >= from && at < to) found.push({ at, from: kind === standard ? daylight.kind : standard, to: kind })
  }
  return found
}

/** The last transition at or before a moment (UTC seconds). */
export function onsetAt (data: ZoneData, moment: number): Onset | undefined {
  const { history, rule, since } = split(data)
  const made = rule === undefined || moment <= since ? undefined : onsetsOf(data, Math.max(since, moment - 2 * 366 * DAY), moment + 1).at(-1)
  return made ?? history.findLast(one => one.at <= moment)
}

/** What the clock shows before every transition, or always. */
export function beforeAll ({ first, at, rule }: ZoneData): Kind {
  return at.length === 0 ? rule?.standard ?? first : first
}

/**
 * What RFC 5545 calls it. Outlook and others take the later clock for DAYLIGHT: so it is here, also where the law calls winter the exception
 * (Ireland).
 */
export function labelOf ({ from, to }: Onset): 'STANDARD' | 'DAYLIGHT' {
  const isDaylight = to.isDaylight ? from.isDaylight || to.offset >= from.offset : from.isDaylight && to.offset > from.offset
  return isDaylight ? 'DAYLIGHT' : 'STANDARD'
}

function isSame (a: Kind, b: Kind): boolean {
  return a.offset === b.offset && a.name === b.name && a.isDaylight === b.isDaylight
}
