import { property, type Component } from './component.js'
import { Compiled } from './instances.js'
import { attempt } from './once.js'
import { whenOf, type Range, type Reading } from './overlap.js'
import { GrowingSet, merged, without } from './range.js'
import type { Budget } from './recur.js'
import { parseDuration, utcAfter, utcOf } from './time.js'

/** RFC 5545 3.2.9; FREE is not told: it is what is left. */
export type BusyType = 'BUSY' | 'BUSY-UNAVAILABLE' | 'BUSY-TENTATIVE'

/** RFC 7953 4: of two that are equally important the first counts. */
export const busyTypes: readonly BusyType[] = ['BUSY', 'BUSY-UNAVAILABLE', 'BUSY-TENTATIVE']

/** The type that a word means in any case; unknown ones are BUSY (RFC 5545 3.2.9). */
export function busyTypeOf (word: string): BusyType {
  return busyTypes.find(type => type === word.trim().toUpperCase()) ?? 'BUSY'
}

/** Busy time by type; the stretches of a type do not touch and ascend (UTC seconds). */
export type Busy = ReadonlyMap<BusyType, readonly Range[]>

/** One VAVAILABILITY (RFC 7953 3.1) as plain values: from start to end one is busy but when one is free. UTC seconds. */
export interface Availability extends Range {
  readonly type: BusyType
  /** 1 is the highest, 9 the lowest but for 0, which stands for none. */
  readonly priority: number
  /** As `merged` gives it, within start and end. */
  readonly free: readonly Range[]
}

/**
 * Reads a VAVAILABILITY as far as it is in the range, a little with each step; `undefined` when nothing of it is.
 * `budget.exhausted` afterwards: some of the free time is missing.
 */
export function * readAvailability (component: Component, range: Range, reading: Reading, budget: Budget): Generator<undefined, Availability | undefined> {
  const span = spanOf(component, reading)
  const within = { start: Math.max(span.start, range.start), end: Math.min(span.end, range.end) }
  if (within.start >= within.end) return undefined
  const free = new GrowingSet(within)
  for (const { startUtc, endUtc } of new Compiled(component, reading.zones).overlapping(within, reading.floating, budget)) {
    free.add(startUtc, endUtc)
    yield undefined
  }
  return { ...within, type: busyTypeOf(property(component, 'BUSYTYPE')?.value ?? 'BUSY-UNAVAILABLE'), priority: priorityOf(component), free: free.ranges() }
}

/** RFC 7953 3.1: open on the side that is not given. What cannot be read is not given, so that nobody seems free by mistake. UTC seconds. */
function spanOf (component: Component, { zones, floating }: Reading): Range {
  const start = whenOf(component, 'DTSTART', zones)
  const end = whenOf(component, 'DTEND', zones)
  const written = property(component, 'DURATION')
  const length = end !== undefined || start === undefined || written === undefined ? undefined : attempt(() => parseDuration(written.value))
  return {
    start: start === undefined ? -Infinity : utcOf(start, floating),
    end: end !== undefined ? utcOf(end, floating) : start !== undefined && length !== undefined ? utcAfter(start, length, floating) : Infinity
  }
}

function priorityOf (component: Component): number {
  const number = Number(property(component, 'PRIORITY')?.value)
  return Number.isInteger(number) && number >= 1 && number <= 9 ? number : 0
}

/**
 * When one is unavailable (RFC 7953 4 and 5). What has a higher priority replaces what is below it for as long as it lasts. Within a
 * priority the steps of section 5 are taken: first all are busy, then what any of them calls available is free.
 */
export function unavailable (all: readonly Availability[]): Busy {
  let busy: Busy = new Map()
  for (const priority of [0, 9, 8, 7, 6, 5, 4, 3, 2, 1]) {
    const level = all.filter(each => each.priority === priority)
    if (level.length > 0) busy = over(busy, level)
  }
  return busy
}

function over (below: Busy, level: readonly Availability[]): Busy {
  const covered = merged(level)
  const result = new Map<BusyType, readonly Range[]>()
  let taken = merged(level.flatMap(({ free }) => free))
  for (const type of busyTypes) {
    const own = without(merged(level.filter(each => each.type === type)), taken)
    taken = merged([...taken, ...own])
    result.set(type, merged([...without(below.get(type) ?? [], covered), ...own]))
  }
  return result
}
