import { property, type Component, type Property } from './component.js'
import { instances } from './instances.js'
import { periodsOf, type Range } from './overlap.js'
import { Budget } from './recur.js'
import { formatWhen, type Zone } from './time.js'
import { zonesOf } from './timezone.js'

/** RFC 5545 3.2.9; a type that is not known is BUSY. FREE is not told: it is what is left. */
export type BusyType = 'BUSY' | 'BUSY-TENTATIVE' | 'BUSY-UNAVAILABLE'

/** Busy time by type; the periods of a type do not touch and ascend (UTC seconds). */
export type Busy = ReadonlyMap<BusyType, readonly Range[]>

const types: readonly BusyType[] = ['BUSY', 'BUSY-TENTATIVE', 'BUSY-UNAVAILABLE']
const none: Property['parameters'] = Object.freeze(Object.create(null) as Property['parameters'])

/**
 * Busy time in the range (RFC 4791 7.10): opaque VEVENTs that are not cancelled and VFREEBUSYs, cut at the borders of the range and merged.
 * @param floating  the zone of DATEs and times without one
 */
export function busyTime (calendars: Iterable<Component>, range: Range, floating: Zone, budget: Budget = new Budget()): Busy {
  const found = new Map<BusyType, Range[]>(types.map(type => [type, []]))
  for (const calendar of calendars) {
    for (const { type, start, end } of busyOf(calendar, range, floating, budget)) {
      const cut = { start: Math.max(start, range.start), end: Math.min(end, range.end) }
      if (cut.start < cut.end) found.get(type)?.push(cut)
    }
  }
  return new Map([...found].map(([type, periods]) => [type, merged(periods)]))
}

/** The busy time of several calendars as one. */
export function together (parts: readonly Busy[]): Busy {
  return new Map(types.map(type => [type, merged(parts.flatMap(part => part.get(type) ?? []))]))
}

/**
 * The answer to CALDAV:free-busy-query (RFC 4791 7.10): a VCALENDAR with one VFREEBUSY.
 * @param details  `stamp`: DTSTAMP in UTC seconds, now when it is left out; `uid`: UID, none when it is left out
 */
export function freeBusy (busy: Busy, range: Range, details: { readonly stamp?: number, readonly uid?: string } = {}): Component {
  const stamp = details.stamp ?? Math.floor(Date.now() / 1000)
  const properties = [
    ...details.uid === undefined ? [] : [line('UID', details.uid)],
    line('DTSTAMP', utc(stamp)),
    ...Number.isFinite(range.start) ? [line('DTSTART', utc(range.start))] : [],
    ...Number.isFinite(range.end) ? [line('DTEND', utc(range.end))] : [],
    ...types.flatMap(type => {
      const periods = busy.get(type) ?? []
      return periods.length === 0 ? [] : [line('FREEBUSY', periods.map(({ start, end }) => `${utc(start)}/${utc(end)}`).join(','), { FBTYPE: [type] })]
    })
  ]
  return {
    name: 'VCALENDAR',
    properties: [line('VERSION', '2.0'), line('PRODID', '-//caldavd//EN')],
    components: [{ name: 'VFREEBUSY', properties, components: [], line: 0 }],
    line: 0
  }
}

function * busyOf (calendar: Component, range: Range, floating: Zone, budget: Budget): Generator<Range & { type: BusyType }> {
  if (calendar.components.some(isBusyEvent)) {
    for (const { component, startUtc, endUtc } of instances(calendar, range, floating, budget)) {
      if (isBusyEvent(component)) yield { type: statusOf(component) === 'TENTATIVE' ? 'BUSY-TENTATIVE' : 'BUSY', start: startUtc, end: endUtc }
    }
  }
  for (const component of calendar.components) {
    if (component.name !== 'VFREEBUSY') continue
    for (const { type, start, end } of periodsOf(component, { zones: zonesOf(calendar), floating })) {
      if (type !== 'FREE') yield { type: isBusyType(type) ? type : 'BUSY', start, end }
    }
  }
}

/** The table of RFC 4791 7.10. */
function isBusyEvent (component: Component): boolean {
  return component.name === 'VEVENT' && property(component, 'TRANSP')?.value.trim().toUpperCase() !== 'TRANSPARENT' && statusOf(component) !== 'CANCELLED'
}

function statusOf (component: Component): string | undefined {
  return property(component, 'STATUS')?.value.trim().toUpperCase()
}

function isBusyType (type: string): type is BusyType {
  return (types as readonly string[]).includes(type)
}

/** RFC 4791 7.10: consecutive and overlapping periods of one type become one. */
function merged (periods: Range[]): Range[] {
  const sorted = periods.sort((a, b) => a.start - b.start)
  const all: { start: number, end: number }[] = []
  for (const { start, end } of sorted) {
    const last = all[all.length - 1]
    if (last && start <= last.end) last.end = Math.max(last.end, end)
    else all.push({ start, end })
  }
  return all
}

function line (name: string, value: string, parameters: Property['parameters'] = none): Property {
  return { name, parameters, value, line: 0 }
}

function utc (seconds: number): string {
  return formatWhen({ date: false, local: seconds, zone: 'utc' })
}
