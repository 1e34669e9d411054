import { property, type Component } from './component.js'
import { Budget } from './recur.js'
import { DAY } from './civil.js'
import { instanceOf, once, type Instance, type Once } from './once.js'
import { Series, type Cursor } from './series.js'
import { UTC, zonesOf } from './timezone.js'
import type { Zone, Zones } from './time.js'

export type { Instance } from './once.js'

/** UTC seconds, start inclusive, end exclusive; ±Infinity when open. */
export interface Window {
  readonly start: number
  readonly end: number
}

/** Between which UTC seconds a calendar happens. */
export interface Extent {
  readonly start: number
  /** Infinity when it has no end, or none that the budget reaches. */
  readonly end: number
  /** Whether any of it is DATE or floating. */
  readonly floating: boolean
  readonly repeats: boolean
}

/**
 * The instances of a calendar's components that overlap the window, ascending by start unless RANGE=THISANDFUTURE moves them: repetitions
 * (RRULE, RDATE, EXRULE, EXDATE), overrides, and overrides without master. What overlaps is told by RFC 4791 9.9; for VTODO and VFREEBUSY
 * also what only touches the window. A VTODO with DUE alone happens at DUE; what has no date has no instance. Properties that cannot be
 * read are left out. `budget.exhausted` afterwards says that some may be missing.
 */
export function instances (calendar: Component, window: Window, floating: Zone, budget: Budget = new Budget()): Iterable<Instance> {
  return compile(calendar).overlapping(window, floating, budget)
}

/** Where the instances lie, without looking at each; undefined when there is none. With UTC as `floating`, floating times are wall-clock seconds. */
export function extent (calendar: Component, floating: Zone = UTC, budget: Budget = new Budget()): Extent | undefined {
  return compile(calendar).extent(floating, budget)
}

// Several questions in a row are about the same tree. A WeakMap would remember more, but costs the collector more than reading again
let last: { readonly calendar: Component, readonly compiled: Compiled } | undefined

/** Reads a VCALENDAR for questions about time; the tree that was asked for last is kept. */
export function compile (calendar: Component): Compiled {
  if (last?.calendar !== calendar) last = { calendar, compiled: new Compiled(calendar, zonesOf(calendar)) }
  return last.compiled
}

/** A calendar, read and ready to be asked what happens when. */
export class Compiled {
  private readonly singles: Once[] = []
  private readonly series: Series[] = []
  /** Some of it has a DTSTART that cannot be read, so that nobody knows when it happens. */
  readonly isPartly: boolean

  /** @param container a VCALENDAR, or a VAVAILABILITY (its AVAILABLEs) with the zones of its VCALENDAR */
  constructor (container: Component, zones: Zones) {
    let isPartly = false
    for (const { masters, overrides } of groups(container)) {
      let exceptions = overrides.flatMap(one => once(one, zones) ?? [])
      for (const one of exceptions) this.singles.push(one)
      for (const master of masters) {
        const one = once(master, zones)
        if (one === undefined) {
          isPartly ||= property(master, 'DTSTART') !== undefined
          continue
        }
        if (Series.repeats(master)) this.series.push(new Series(master, one.start, exceptions, zones))
        else if (!exceptions.some(exception => isFor(exception, one))) this.singles.push(one)
        // RFC 4791 4.1 allows one master; should there be more, the overrides belong to the first
        exceptions = []
      }
    }
    this.isPartly = isPartly
  }

  /** See `instances`. */
  * overlapping (window: Window, floating: Zone, budget: Budget = new Budget()): Generator<Instance, void, undefined> {
    const sources: Source[] = this.series.map(series => new Repetitions(series, window, floating, budget))
    if (this.singles.length > 0) sources.push(new Singles(this.singles, window, floating))
    for (;;) {
      let least: Source | undefined
      for (const source of sources) {
        if (source.head !== undefined && (least === undefined || source.head.startUtc < least.head!.startUtc)) least = source
      }
      if (least === undefined || !pay(budget, sources.length) || !budget.instance()) return
      yield least.head!
      least.advance()
    }
  }

  /** See `extent`. */
  extent (floating: Zone, budget: Budget = new Budget()): Extent | undefined {
    if (this.series.length + this.singles.length === 0) return undefined
    let [start, end, floats] = [Infinity, -Infinity, false]
    for (const series of this.series) {
      const of = series.extent(floating, budget)
      start = Math.min(start, of.start)
      end = Math.max(end, of.end)
      floats ||= series.start.zone === 'floating'
    }
    for (const single of this.singles) {
      const { startUtc, endUtc } = instanceOf(single, floating)
      start = Math.min(start, startUtc)
      end = Math.max(end, endUtc)
      floats ||= single.start.zone === 'floating'
    }
    return { start, end, floating: floats, repeats: this.series.length > 0 }
  }
}

const happening = new Set(['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'AVAILABLE'])

interface Group { readonly masters: Component[], readonly overrides: Component[] }

function groups (container: Component): Iterable<Group> {
  const found = new Map<string, Group>()
  for (const component of container.components) {
    if (!happening.has(component.name)) continue
    const key = `${component.name} ${property(component, 'UID')?.value ?? ''}`
    let group = found.get(key)
    if (group === undefined) found.set(key, group = { masters: [], overrides: [] })
    if (property(component, 'RECURRENCE-ID') === undefined) group.masters.push(component)
    else group.overrides.push(component)
  }
  return found.values()
}

// An override for the only instance of something that does not repeat
function isFor ({ recurrenceId }: Once, { start }: Once): boolean {
  if (recurrenceId === undefined) return false
  if (recurrenceId.date || start.date) return Math.floor(recurrenceId.local / DAY) === Math.floor(start.local / DAY)
  const at = ({ local, zone }: Once['start']): number => typeof zone === 'object' ? zone.toUtc(local) : local
  return at(recurrenceId) === at(start)
}

// Choosing among thousands of series is work too
function pay (budget: Budget, sources: number): boolean {
  for (let paid = 0; paid < sources; paid += 64) if (!budget.step()) return false
  return true
}

/** Something that gives instances one after the other. */
interface Source {
  readonly head: Instance | undefined
  advance (): void
}

class Repetitions implements Source {
  head: Instance | undefined
  private readonly cursor: Cursor

  constructor (private readonly series: Series, private readonly window: Window, private readonly floating: Zone, private readonly budget: Budget) {
    this.cursor = series.cursor(window.start, window.end, floating, budget)
    this.advance()
  }

  advance (): void {
    for (let local = this.cursor.next(); local !== Infinity; local = this.cursor.next()) {
      const found = this.series.instance(local, this.floating, this.budget)
      if (found === undefined || !overlaps(found, this.window)) continue
      this.head = found
      return
    }
    this.head = undefined
  }
}

class Singles implements Source {
  private readonly found: Instance[]
  private at = 0

  constructor (singles: readonly Once[], window: Window, floating: Zone) {
    this.found = singles.map(one => instanceOf(one, floating)).filter(one => overlaps(one, window)).sort((a, b) => a.startUtc - b.startUtc)
  }

  get head (): Instance | undefined {
    return this.found[this.at]
  }

  advance (): void {
    this.at++
  }
}

// RFC 4791 9.9
function overlaps ({ component: { name }, startUtc, endUtc, end }: Instance, window: Window): boolean {
  if (name === 'VTODO') return window.start <= endUtc + (end.date ? DAY : 0) && window.end >= startUtc
  if (name === 'VFREEBUSY') return window.start <= endUtc && window.end > startUtc
  return endUtc > startUtc ? window.start < endUtc && window.end > startUtc : window.start <= startUtc && window.end > startUtc
}
