import { body, overlapping } from '../../../store/index/search.js'
import type { Member } from '../../../store/home.js'
import { property, type Component } from '../../ical/component.js'
import { compile, type Instance, type Window } from '../../ical/instances.js'
import { decode, IcalError, parse } from '../../ical/parse.js'
import { Budget } from '../../ical/recur.js'
import { utcOf, type When, type Zone } from '../../ical/time.js'
import type { Place } from '../place.js'
import { line } from './brief.js'

/** An event, or a task that is due, at one time. */
export interface Occurrence {
  readonly place: Place
  readonly member: Member
  readonly component: Component
  readonly kind: 'event' | 'task'
  readonly summary: string
  readonly location: string
  /** Of a task both are when it is due. */
  readonly start: When
  readonly end: When
  /** UTC seconds, what floats read in the zone of who looks. */
  readonly startUtc: number
  readonly endUtc: number
  readonly recurrenceId: When | undefined
}

/** What happens in a stretch of time. */
export interface Agenda {
  readonly occurrences: readonly Occurrence[]
  /** Paths of objects of which some may be missing, since they repeat too often to list. */
  readonly partly: readonly { readonly place: Place, readonly member: Member }[]
}

/** What one object may cost: more is not listed. */
const allowance = { instances: 20_000, milliseconds: 1000 } as const

/**
 * Everything that happens in some calendars in a window, in order; tasks when they are due, without those that are done.
 * @param window  UTC seconds, start inclusive, end exclusive
 * @param overdue  also tasks that were due before it and are not done
 */
export async function agenda (places: readonly Place[], window: Window, zone: Zone, overdue: boolean): Promise<Agenda> {
  const occurrences: Occurrence[] = []
  const partly: Agenda['partly'][number][] = []
  for (const place of places) {
    const { home, collection } = place
    await home.fresh(collection)
    for (const { row } of overlapping(home.index, collection.id, window, { start: zone.toLocal(window.start), end: zone.toLocal(window.end) }, 86_400)) {
      const budget = new Budget(allowance)
      const calendar = wanted.has(row.component) ? readable(place, row) : undefined
      if (calendar === undefined) continue
      for (const instance of compile(calendar).overlapping(window, zone, budget)) {
        const found = occurrenceOf(place, row, instance, zone)
        if (found !== undefined && isIn(found, window)) occurrences.push(found)
      }
      if (budget.exhausted) partly.push({ place, member: row })
    }
    if (overdue) occurrences.push(...overdueIn(place, window, zone))
  }
  return { occurrences: occurrences.sort((a, b) => a.startUtc - b.startUtc || a.endUtc - b.endUtc || (a.summary < b.summary ? -1 : 1)), partly }
}

const wanted: ReadonlySet<string> = new Set(['VEVENT', 'VTODO'])

function readable ({ home }: Place, { id }: Member): Component | undefined {
  const bytes = body(home.index, id)
  try {
    return bytes === undefined ? undefined : parse(decode(bytes))
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}

function occurrenceOf (place: Place, member: Member, { component, start, end, startUtc, endUtc, recurrenceId }: Instance, zone: Zone): Occurrence | undefined {
  const about = { place, member, component, summary: line(component, 'SUMMARY'), location: line(component, 'LOCATION'), recurrenceId }
  if (component.name !== 'VTODO') return { ...about, kind: 'event', start, end, startUtc, endUtc }
  if (isDone(component)) return undefined
  const hasEnd = property(component, 'DUE') !== undefined || property(component, 'DURATION') !== undefined
  const due = hasEnd ? end : start
  const at = utcOf(due, zone)
  return { ...about, kind: 'task', start: due, end: due, startUtc: at, endUtc: at }
}

/** Whether a task is no longer to be done. */
function isDone (component: Component): boolean {
  const status = property(component, 'STATUS')?.value.trim().toUpperCase()
  return status === 'COMPLETED' || status === 'CANCELLED' || property(component, 'COMPLETED') !== undefined
}

// a task may begin long before it is due
function isIn ({ kind, startUtc }: Occurrence, window: Window): boolean {
  return kind === 'event' || (startUtc >= window.start && startUtc < window.end)
}

function overdueIn (place: Place, window: Window, zone: Zone): Occurrence[] {
  const { home, collection } = place
  return home.members(collection).flatMap(row => {
    const calendar = row.component === 'VTODO' ? readable(place, row) : undefined
    // of a series only what is due in the window is told: nobody knows what was done of the rest
    if (calendar === undefined || calendar.components.some(({ properties }) => properties.some(({ name }) => name === 'RRULE' || name === 'RDATE'))) return []
    return [...compile(calendar).overlapping({ start: -Infinity, end: window.start }, zone, new Budget({ instances: 100 }))].flatMap(instance => {
      const found = occurrenceOf(place, row, instance, zone)
      return found === undefined || found.startUtc >= window.start ? [] : [found]
    })
  })
}
