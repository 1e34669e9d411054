import { parameter, properties, property, type Component, type Property } from './component.js'
import { addDuration, parsePeriod, parseWhen, utcAfter, utcOf, type Duration, type When, type Zone, type Zones } from './time.js'
import { parseRule, Sequence, type Budget, type Walk } from './recur.js'
import { DAY } from './civil.js'
import { attempt, lengthBetween, lengthOf, type Instance, type Once } from './once.js'

/** From `at` on (a key of the series) the instances look like this override (RANGE=THISANDFUTURE). */
interface Shift {
  readonly component: Component
  readonly at: number
  readonly date: boolean
  readonly zone: When['zone']
  /** Wall-clock seconds from the original start to the new one. */
  readonly by: number
  readonly length: Duration
}

// RFC 5545 3.8.5.3: RRULE SHOULD NOT come more than once
const RULES = 20

/** A component with RRULE or RDATE, its exceptions and overrides worked out (RFC 5545 3.8.5). Properties that cannot be read are left out. */
export class Series {
  readonly start: When
  private readonly length: Duration
  private readonly rules: readonly Sequence[]
  private readonly exceptions: readonly Sequence[]
  /** Wall-clock seconds in the zone of the start, ascending. */
  private readonly dates: readonly number[]
  private readonly lengths = new Map<number, Duration>()
  /** The most seconds that one of them takes. */
  private longest: number
  /** The last wall-clock second that a PERIOD reaches. */
  private latest = -Infinity
  private readonly without = new Set<number>()
  private readonly withoutDays = new Set<number>()
  private readonly shifts: readonly Shift[]
  /** Whether there may be two within the hours that a clock skips. */
  private readonly dense: boolean

  constructor (readonly component: Component, start: When, overrides: readonly Once[], private readonly zones: Zones) {
    this.start = start
    this.length = lengthOf(component, start, zones)
    this.longest = seconds(this.length)
    this.rules = this.sequences('RRULE', true)
    this.exceptions = this.sequences('EXRULE', false)
    this.dates = this.readDates()
    this.dense = typeof start.zone === 'object' && (this.rules.length > 1 || this.rules.some(rule => rule.isDense || this.dates.length > 0))
    for (const one of properties(component, 'EXDATE')) for (const when of this.values(one)) this.leaveOut(when)
    for (const { recurrenceId } of overrides) if (recurrenceId !== undefined) this.leaveOut(recurrenceId)
    this.shifts = overrides.filter(isFuture).map(one => this.shift(one)).sort((a, b) => a.at - b.at)
  }

  /** Whether a component repeats. */
  static repeats (component: Component): boolean {
    return component.properties.some(one => one.name === 'RRULE' || one.name === 'RDATE')
  }

  private sequences (name: string, includesStart: boolean): Sequence[] {
    return properties(this.component, name).slice(0, RULES).flatMap(one => attempt(() => new Sequence(parseRule(one.value), this.start, includesStart)) ?? [])
  }

  private readDates (): number[] {
    const found = new Set(this.rules.length === 0 ? [this.start.local] : [])
    for (const one of properties(this.component, 'RDATE')) {
      for (const value of one.value.split(',')) {
        const period = value.includes('/') ? attempt(() => parsePeriod(one, value, this.zones)) : undefined
        const when = period?.start ?? attempt(() => parseWhen(one, value, this.zones))
        if (when === undefined) continue
        const local = this.localOf(when)
        found.add(local)
        if (period !== undefined) this.setLength(local, period.duration ?? lengthBetween(period.start, period.end!))
      }
    }
    return [...found].sort((a, b) => a - b)
  }

  private setLength (local: number, length: Duration): void {
    this.lengths.set(local, length)
    this.longest = Math.max(this.longest, seconds(length))
    this.latest = Math.max(this.latest, local + seconds(length))
  }

  // In the zone of the start; a DATE beside a DATE-TIME takes the time of day of the start
  private localOf (when: When): number {
    const { start } = this
    if (start.date) return Math.floor(when.local / DAY) * DAY
    if (when.date) return when.local + start.local - Math.floor(start.local / DAY) * DAY
    if (typeof start.zone !== 'object') return start.zone === 'utc' ? utcOf(when, utc) : when.local
    return when.zone === start.zone || when.zone === 'floating' ? when.local : start.zone.toLocal(utcOf(when, start.zone))
  }

  // What identifies an instance: UTC seconds, or the wall clock when the series floats
  private keyOf (local: number): number {
    return typeof this.start.zone === 'object' ? this.start.zone.toUtc(local) : local
  }

  // EXDATE and RECURRENCE-ID: a DATE means whatever begins on that day
  private leaveOut (when: When): void {
    const { zone, date } = this.start
    if (when.date || date) this.withoutDays.add(Math.floor(when.local / DAY))
    else if (typeof zone === 'object') this.without.add(utcOf(when, zone))
    else this.without.add(this.localOf(when))
  }

  private values (from: Property): When[] {
    return from.value.split(',').flatMap(value => attempt(() => parseWhen(from, value, this.zones)) ?? [])
  }

  private shift ({ component, start, length, recurrenceId }: Once): Shift {
    const original = this.localOf(recurrenceId!)
    return { component, at: this.keyOf(original), date: start.date, zone: start.zone, by: start.local - original, length }
  }

  private isLeftOut (local: number, budget: Budget): boolean {
    if (this.withoutDays.size > 0 && this.withoutDays.has(Math.floor(local / DAY))) return true
    if (this.without.size > 0 && this.without.has(this.keyOf(local))) return true
    if (this.exceptions.some(rule => rule.has(local, budget))) return true
    return this.dense && this.isTwin(local, budget)
  }

  // RFC 5545 3.3.5: a time that the clock skips is the same moment as one behind, which may be in the series too: there is one of them
  private isTwin (local: number, budget: Budget): boolean {
    const zone = this.start.zone as Zone
    const real = zone.toLocal(zone.toUtc(local))
    return real > local && (firstIndex(this.dates.length, index => this.dates[index]! >= real) < firstIndex(this.dates.length, index => this.dates[index]! > real) ||
      this.rules.some(rule => rule.has(real, budget)))
  }

  /** The instances that may overlap `from`–`to` (UTC seconds), ascending unless overrides move them: more rather than less. */
  cursor (from: number, to: number, floating: Zone, budget: Budget): Cursor {
    const zone = this.start.zone === 'utc' ? utc : this.start.zone === 'floating' ? floating : this.start.zone
    // a nominal day may be some hours longer or shorter, and a clock may jump by a day (Samoa 2011)
    let slack = zone.id === 'UTC' && !this.start.date ? 0 : DAY
    let [least, most] = [0, this.longest]
    for (const shift of this.shifts) {
      slack = 3 * DAY
      least = Math.min(least, shift.by)
      most = Math.max(most, shift.by + seconds(shift.length))
    }
    const low = (Number.isFinite(from) ? zone.toLocal(from) : from) - most - slack
    const high = (Number.isFinite(to) ? zone.toLocal(to) : to) - least + slack
    return new Cursor(this.rules.map(rule => rule.walk(low, high, budget)), this.dates, low, high)
  }

  /** The instance with that original start; undefined when it is an exception or has an override of its own. */
  instance (local: number, floating: Zone, budget: Budget): Instance | undefined {
    if (this.isLeftOut(local, budget)) return undefined
    const original: When = { date: this.start.date, local, zone: this.start.zone }
    const shift = this.shiftAt(local)
    const start = shift === undefined ? original : { date: shift.date, local: local + shift.by, zone: shift.zone }
    const length = shift?.length ?? this.lengths.get(local) ?? this.length
    return {
      component: shift?.component ?? this.component,
      start,
      end: addDuration(start, length),
      recurrenceId: original,
      startUtc: utcOf(start, floating),
      endUtc: utcAfter(start, length, floating)
    }
  }

  private shiftAt (local: number): Shift | undefined {
    if (this.shifts.length === 0) return undefined
    const key = this.keyOf(local)
    return this.shifts[firstIndex(this.shifts.length, index => this.shifts[index]!.at > key) - 1]
  }

  /** UTC seconds between which all instances lie; the end is Infinity when there is none, or none within the budget. Exceptions are not looked at. */
  extent (floating: Zone, budget: Budget): { readonly start: number, readonly end: number } {
    const first = Math.min(this.start.local, this.dates[0] ?? Infinity)
    let last = Math.max(this.start.local, this.dates.at(-1) ?? -Infinity)
    for (const rule of this.rules) last = Math.max(last, rule.last(budget))
    const { zone } = this.start
    let start = utcOf({ date: false, local: first, zone }, floating)
    let end = utcOf({ date: false, local: this.latest, zone }, floating)
    const reach = (local: number, zone: When['zone'], length: Duration): void => {
      end = Math.max(end, local === Infinity ? Infinity : utcAfter({ date: false, local, zone }, length, floating))
    }
    reach(last, zone, this.length)
    for (const shift of this.shifts) {
      start = Math.min(start, utcOf({ date: false, local: first + shift.by, zone: shift.zone }, floating))
      reach(last + shift.by, shift.zone, shift.length)
    }
    return { start, end }
  }
}

/** The original starts of a series, merged from its rules and dates: ascending, each once. */
export class Cursor {
  /** NaN: not looked for yet; a search may be long, so none is made before it is asked for. */
  private readonly heads: number[] = []
  private at: number

  constructor (private readonly walks: readonly Walk[], private readonly dates: readonly number[], low: number, private readonly high: number) {
    this.at = firstIndex(dates.length, index => dates[index]! >= low)
    for (let i = 0; i < walks.length; i++) this.heads.push(NaN)
  }

  /** Wall-clock seconds; Infinity at the end. */
  next (): number {
    let least = this.at < this.dates.length ? this.dates[this.at]! : Infinity
    for (let i = 0; i < this.heads.length; i++) {
      if (Number.isNaN(this.heads[i])) this.heads[i] = this.walks[i]!.next()
      least = Math.min(least, this.heads[i]!)
    }
    if (least > this.high || least === Infinity) return Infinity
    if (this.dates[this.at] === least) this.at++
    for (let i = 0; i < this.heads.length; i++) if (this.heads[i] === least) this.heads[i] = NaN
    return least
  }
}

const utc: Zone = { id: 'UTC', toUtc: local => local, toLocal: utc => utc }

// The first index for which it is true, from there on it is always
function firstIndex (length: number, isTrue: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isTrue(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function seconds ({ days, seconds }: Duration): number {
  return days * DAY + seconds
}

function isFuture (one: Once): boolean {
  const id = property(one.component, 'RECURRENCE-ID')
  return id !== undefined && one.recurrenceId !== undefined && parameter(id, 'RANGE')?.toUpperCase() === 'THISANDFUTURE'
}

