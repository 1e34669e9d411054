import { busyTypeOf, busyTypes, readAvailability, unavailable, type Availability, type Busy, type BusyType } from './availability.js'
import { DAY, daysFromCivil } from './civil.js'
import { parameter, property, type Component, type Property } from './component.js'
import { extent, instances } from './instances.js'
import { occurrenceOf, periodsOf, type Range } from './overlap.js'
import { GrowingSet, merged } from './range.js'
import { Budget } from './recur.js'
import { formatWhen, type Zone } from './time.js'
import { zonesOf } from './timezone.js'

const none: Property['parameters'] = Object.freeze(Object.create(null) as Property['parameters'])

/** What objects say of a range, as plain values. Availability stays apart: what it means can be told when all of it is known. */
export interface Findings {
  /** Of events and free-busy objects, cut at the borders of the range. */
  readonly busy: Busy
  readonly availabilities: readonly Availability[]
}

/** What is found in a range, as it grows. */
export class Finds implements Findings {
  readonly availabilities: Availability[] = []
  private readonly sets: ReadonlyMap<BusyType, GrowingSet>

  constructor (range: Range) {
    this.sets = new Map(busyTypes.map(type => [type, new GrowingSet(range)]))
  }

  /** UTC seconds. */
  add (type: BusyType, start: number, end: number): void {
    this.sets.get(type)?.add(start, end)
  }

  /** What was found elsewhere. */
  take ({ busy, availabilities }: Findings): void {
    for (const [type, ranges] of busy) for (const { start, end } of ranges) this.add(type, start, end)
    this.availabilities.push(...availabilities)
  }

  /** How many stretches of time it has come to. */
  get size (): number {
    let size = 0
    for (const set of this.sets.values()) size += set.size
    for (const { free } of this.availabilities) size += free.length + 1
    return size
  }

  get busy (): Busy {
    return new Map([...this.sets].map(([type, set]) => [type, set.ranges()]))
  }
}

/** More stretches of time of one object are told as one: it must not use up what all others may tell. */
const mostOfOne = 10_000
/** What looking for the last instance may cost: some milliseconds; a rule that needs more has no end here. */
const stepsToEnd = 10_000

/**
 * Looks through an object for busy time (RFC 4791 7.10, RFC 7953 5), a little with each step: opaque VEVENTs that are not cancelled,
 * VFREEBUSYs, VAVAILABILITYs. Where the budget ends, or an event is in too many pieces, more time is told as busy, never less.
 * @param floating  the zone of DATEs and times without one
 */
export function * seek (calendar: Component, range: Range, floating: Zone, budget: Budget, into: Finds): Generator<undefined, void> {
  if (calendar.components.some(isBusyEvent)) yield * seekEvents(calendar, range, floating, budget, into)
  for (const component of calendar.components) {
    if (component.name === 'VFREEBUSY') {
      for (const { type, start, end } of periodsOf(component, { zones: zonesOf(calendar), floating })) if (type !== 'FREE') into.add(busyTypeOf(type), start, end)
    } else if (component.name === 'VAVAILABILITY') {
      const found = yield * readAvailability(component, range, { zones: zonesOf(calendar), floating }, budget)
      if (found !== undefined) into.availabilities.push(found)
    }
  }
}

function * seekEvents (calendar: Component, range: Range, floating: Zone, budget: Budget, into: Finds): Generator<undefined, void> {
  const own = new Finds(range)
  for (const { component, startUtc, endUtc } of instances(calendar, range, floating, budget)) {
    if (isBusyEvent(component)) own.add(typeOf(component), startUtc, endUtc)
    yield undefined
    if (own.size > mostOfOne) break
  }
  if (!budget.exhausted && own.size <= mostOfOne) return into.take(own)
  // whoever has worked so long may need a rest
  yield undefined
  addWhole(calendar, floating, into)
}

/** From the first instance to the last; an override that is for one instance only counts by itself. */
function addWhole (calendar: Component, floating: Zone, into: Finds): void {
  const all = extent(calendar, floating, new Budget({ steps: stepsToEnd }))
  const events = calendar.components.filter(isBusyEvent)
  for (const type of busyTypes) {
    const some = events.filter(component => typeOf(component) === type)
    const isWhole = some.length > mostOfOne || some.some(component => !isForOne(component))
    for (const component of isWhole ? [] : some) {
      const found = occurrenceOf(component, { zones: zonesOf(calendar), floating })
      if (found !== undefined) into.add(type, found.startUtc, found.endUtc)
    }
    if (isWhole && all !== undefined) into.add(type, all.start, all.end)
  }
}

function isForOne (component: Component): boolean {
  const id = property(component, 'RECURRENCE-ID')
  return id !== undefined && parameter(id, 'RANGE') === undefined
}

/** What objects say of a range, looked through at one go; see `seek`. */
export function findings (calendars: Iterable<Component>, range: Range, floating: Zone, budget: Budget): Findings {
  const finds = new Finds(range)
  for (const calendar of calendars) for (const _ of seek(calendar, range, floating, budget, finds));
  return { busy: finds.busy, availabilities: finds.availabilities }
}

/** The busy time that findings come to. Types may overlap each other (RFC 4791 7.10). */
export function together ({ busy, availabilities }: Findings): Busy {
  const away = unavailable(availabilities)
  return new Map(busyTypes.map(type => [type, merged([...busy.get(type) ?? [], ...away.get(type) ?? []])]))
}

/** The busy time that objects come to; see `seek`. */
export function busyTime (calendars: Iterable<Component>, range: Range, floating: Zone, budget: Budget = new Budget()): Busy {
  return together(findings(calendars, range, floating, budget))
}

/**
 * The answer to CALDAV:free-busy-query (RFC 4791 7.10): a VCALENDAR with one VFREEBUSY. Of the objects it tells nothing but times (RFC 7953 9).
 * @param details  `stamp`: DTSTAMP in UTC seconds, now when it is left out; `uid`: UID, none when it is left out
 */
export function freeBusy (busy: Busy, range: Range, details: { readonly stamp?: number, readonly uid?: string } = {}): Component {
  const stamp = details.stamp ?? Math.floor(Date.now() / 1000)
  const properties = [
    ...details.uid === undefined ? [] : [line('UID', details.uid)],
    line('DTSTAMP', utc(stamp)),
    ...Number.isFinite(range.start) ? [line('DTSTART', utc(range.start))] : [],
    ...Number.isFinite(range.end) ? [line('DTEND', utc(range.end))] : [],
    ...busyTypes.flatMap(type => lines(type, busy.get(type) ?? []))
  ]
  return {
    name: 'VCALENDAR',
    properties: [line('VERSION', '2.0'), line('PRODID', '-//caldavd//EN')],
    components: [{ name: 'VFREEBUSY', properties, components: [], line: 0 }],
    line: 0
  }
}

/** So many periods stand in one property: lines without end are hard on readers. */
const perLine = 100

function lines (type: BusyType, periods: readonly Range[]): Property[] {
  const all: Property[] = []
  for (let at = 0; at < periods.length; at += perLine) {
    all.push(line('FREEBUSY', periods.slice(at, at + perLine).map(({ start, end }) => `${utc(start)}/${utc(end)}`).join(','), { FBTYPE: [type] }))
  }
  return all
}

/** The table of RFC 4791 7.10. */
function isBusyEvent (component: Component): boolean {
  return component.name === 'VEVENT' && property(component, 'TRANSP')?.value.trim().toUpperCase() !== 'TRANSPARENT' && statusOf(component) !== 'CANCELLED'
}

function typeOf (component: Component): BusyType {
  return statusOf(component) === 'TENTATIVE' ? 'BUSY-TENTATIVE' : 'BUSY'
}

function statusOf (component: Component): string | undefined {
  return property(component, 'STATUS')?.value.trim().toUpperCase()
}

function line (name: string, value: string, parameters: Property['parameters'] = none): Property {
  return { name, parameters, value, line: 0 }
}

/** What lies beyond the years that can be written stands at their border (RFC 5545 3.3.5). */
function utc (seconds: number): string {
  return formatWhen({ date: false, local: Math.min(Math.max(seconds, earliest), latest), zone: 'utc' })
}

const earliest = daysFromCivil(1, 1, 1) * DAY
const latest = daysFromCivil(10_000, 1, 1) * DAY - 1
