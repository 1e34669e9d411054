import { textMatcher, type Collation, type MatchType } from './collation.js'
import { property, unescapeText, type Component, type Property } from './component.js'
import { instances, type Instance } from './instances.js'
import { alarmOverlaps, alarmWindow, hasOccurrences, isAbsolute, momentOverlaps, occurrenceOf, occurrenceOverlaps, timelessOverlaps, type Range, type Reading } from './overlap.js'
import { Budget } from './recur.js'
import { parseWhen, utcOf, type Zone } from './time.js'
import { zonesOf } from './timezone.js'
import { objectTypes } from './validate.js'

/** CALDAV:comp-filter (RFC 4791 9.7.1, draft-daboo-caldav-extensions 3.1). The top one is for VCALENDAR; the name `*` means any component. */
export interface CompFilter {
  readonly name: string
  readonly isNotDefined?: boolean
  readonly timeRange?: Range
  readonly properties: readonly PropFilter[]
  readonly components: readonly CompFilter[]
  /** Whether all of them have to match (also when undefined) or any. */
  readonly test?: Test
}

/** CALDAV:prop-filter (9.7.2, extensions 3.2). */
export interface PropFilter {
  readonly name: string
  readonly isNotDefined?: boolean
  readonly timeRange?: Range
  readonly textMatch?: TextMatch
  readonly parameters: readonly ParamFilter[]
  readonly test?: Test
}

/** CALDAV:param-filter (9.7.3). */
export interface ParamFilter {
  readonly name: string
  readonly isNotDefined?: boolean
  readonly textMatch?: TextMatch
}

/** CALDAV:text-match (9.7.5, extensions 3.3). */
export interface TextMatch {
  readonly text: string
  readonly collation: Collation
  readonly negate: boolean
  readonly matchType: MatchType
}

export type Test = 'anyof' | 'allof'

/** How times without a zone are read, and what looking for occurrences may cost (`exhausted` tells afterwards whether that was too little). */
export interface Ask {
  readonly floating: Zone
  readonly budget?: Budget
}

/**
 * Whether the calendar matches (RFC 4791 9.7–9.9). Tests of time on a component, on its DTSTART, DTEND and DUE and on its alarms look for
 * one occurrence of which they all hold; the tests of a property look for one property of which they all hold.
 */
export function matches (filter: CompFilter, calendar: Component, ask: Ask): boolean {
  const name = filter.name.toUpperCase()
  const isNamed = name === '*' || name === calendar.name
  if (filter.isNotDefined) return !isNamed
  return isNamed && testCalendar(filter, new Context(calendar, ask))
}

/** What the tests of one calendar share; zones are looked up only when a time is. */
class Context {
  readonly budget: Budget
  private known: Reading | undefined
  private readonly texts = new Map<Property, readonly string[]>()

  constructor (readonly calendar: Component, private readonly ask: Ask) {
    this.budget = ask.budget ?? new Budget({})
  }

  get reading (): Reading {
    return this.known ??= { zones: zonesOf(this.calendar), floating: this.ask.floating }
  }

  textsOf (property: Property): readonly string[] {
    let texts = this.texts.get(property)
    if (texts === undefined) this.texts.set(property, texts = textsOf(property))
    return texts
  }
}

/** undefined: it depends on the occurrence, which is not chosen yet. */
type Verdict = boolean | undefined

/** The occurrence that is looked at, `none` when the component has none, `unknown` when its start cannot be read, undefined when it is not chosen yet. */
type Chosen = Instance | 'none' | 'unknown' | undefined

function testCalendar (filter: CompFilter, context: Context): boolean {
  const { calendar } = context
  return combined(filter.test, [
    ...filter.timeRange ? [() => false] : [],
    ...filter.properties.map(each => () => testProperty(each, calendar, context, 'none')),
    ...(filter.test === undefined ? alternatives(filter.components) : filter.components.map(each => [each])).map(group => () => group.some(each => anyMember(each, context)))
  ]) === true
}

/**
 * An object holds one type only (RFC 4791 4.1), so a list of events and to-dos, perhaps of a range, cannot mean both in one object: Apple's
 * tests ask so without test="anyof" and want either, and a client deletes what is not listed. Where properties are searched, all means all.
 */
function alternatives (filters: readonly CompFilter[]): CompFilter[][] {
  const types = filters.filter(({ name, isNotDefined }) => !isNotDefined && (objectTypes as readonly string[]).includes(name.toUpperCase()))
  if (new Set(types.map(({ name }) => name.toUpperCase())).size < 2 || types.some(looksAtProperties)) return filters.map(each => [each])
  return [types, ...filters.filter(each => !types.includes(each)).map(each => [each])]
}

function looksAtProperties ({ properties, components }: CompFilter): boolean {
  return properties.length > 0 || components.some(looksAtProperties)
}

/** Whether a component of the calendar matches, at one of its occurrences when that matters. */
function anyMember (filter: CompFilter, context: Context): boolean {
  const found = named(context.calendar.components, filter.name)
  if (filter.isNotDefined) return found.length === 0
  const open = new Set<Component>()
  for (const component of found) {
    const verdict = testComponent(filter, component, context, chosenIn(component, context))
    if (verdict === true) return true
    if (verdict === undefined) open.add(component)
  }
  if (open.size === 0) return false
  const window = hull([...open].map(component => windowOf(filter, component)))
  if (!(window.start < window.end)) return false
  for (const instance of instances(context.calendar, window, context.reading.floating, context.budget)) {
    if (open.has(instance.component) && testComponent(filter, instance.component, context, instance) === true) return true
  }
  return false
}

// what lies on the disk with a start that nobody can read may be at any time: a client deletes what is not listed
function chosenIn (component: Component, context: Context): Chosen {
  if (!hasOccurrences(component)) return only(component, context)
  return occurrenceOf(component, context.reading) === undefined ? 'unknown' : undefined
}

/** RFC 4791 7.8.5: alarms of a to-do that is only due ring around that, those related to its start as well. */
function only (component: Component, { reading }: Context): Chosen {
  return (component.name === 'VTODO' ? occurrenceOf(component, reading) : undefined) ?? 'none'
}

function testComponent (filter: CompFilter, component: Component, context: Context, chosen: Chosen): Verdict {
  const { timeRange } = filter
  return combined(filter.test, [
    ...timeRange ? [() => testTime(component, timeRange, context, chosen)] : [],
    ...filter.properties.map(each => () => testProperty(each, component, context, chosen)),
    ...filter.components.map(each => () => testInner(each, component, context, chosen))
  ])
}

function testInner (filter: CompFilter, outer: Component, context: Context, chosen: Chosen): Verdict {
  const found = named(outer.components, filter.name)
  if (filter.isNotDefined) return found.length === 0
  return any(found, component => testComponent(filter, component, context, chosen))
}

function testTime (component: Component, range: Range, { reading }: Context, chosen: Chosen): Verdict {
  if (chosen === 'unknown') return true
  if (component.name === 'VALARM') {
    const trigger = property(component, 'TRIGGER')
    if (!trigger || isAbsolute(trigger)) return alarmOverlaps(component, undefined, range, reading)
    return chosen && chosen !== 'none' ? alarmOverlaps(component, chosen, range, reading) : chosen && false
  }
  if (!hasOccurrences(component)) return timelessOverlaps(component, range, reading)
  return chosen && (chosen !== 'none' && occurrenceOverlaps(chosen, range))
}

function testProperty (filter: PropFilter, component: Component, context: Context, chosen: Chosen): Verdict {
  const name = filter.name.toUpperCase()
  const found = component.properties.filter(each => each.name === name)
  if (filter.isNotDefined) return found.length === 0
  const { timeRange, textMatch } = filter
  const test = (each: Property | undefined): Verdict => combined(filter.test, [
    ...timeRange ? [() => testPropertyTime(name, each, component, timeRange, context, chosen)] : [],
    ...textMatch ? [() => each !== undefined && testText(textMatch, context.textsOf(each))] : [],
    ...filter.parameters.map(parameter => () => testParameter(parameter, each))
  ])
  if (found.length === 0 && timeRange && isEffective(name, component)) return test(undefined)
  return any(found, test)
}

/** RFC 4791 9.9: with DURATION there is an effective DTEND or DUE. */
function isEffective (name: string, component: Component): boolean {
  return ((name === 'DTEND' && component.name === 'VEVENT') || (name === 'DUE' && component.name === 'VTODO')) &&
    hasOccurrences(component) && property(component, 'DURATION') !== undefined
}

function testPropertyTime (name: string, found: Property | undefined, component: Component, range: Range, { reading }: Context, chosen: Chosen): Verdict {
  if (hasOccurrences(component) && (name === 'DTSTART' || name === 'DTEND' || name === 'DUE')) {
    if (chosen === undefined) return undefined
    if (chosen === 'unknown') return true
    if (chosen !== 'none') return momentOverlaps(name === 'DTSTART' ? chosen.startUtc : chosen.endUtc, range)
  }
  return found !== undefined && found.value.split(',').some(value => {
    try {
      return momentOverlaps(utcOf(parseWhen(found, value, reading.zones), reading.floating), range)
    } catch {
      return false
    }
  })
}

function testParameter (filter: ParamFilter, found: Property | undefined): boolean {
  const values = found?.parameters[filter.name.toUpperCase()]
  if (filter.isNotDefined) return values === undefined
  return values !== undefined && (filter.textMatch === undefined || testText(filter.textMatch, values))
}

function testText (match: TextMatch, values: readonly string[]): boolean {
  let test = matchers.get(match)
  if (test === undefined) matchers.set(match, test = textMatcher(match.text, match.collation, match.matchType))
  return values.some(test) !== match.negate
}

/** One filter is asked of thousands of objects. */
const matchers = new WeakMap<TextMatch, (value: string) => boolean>()

/** The text of a property as a reader sees it; where it is a list of texts, each of them too. */
function textsOf ({ name, value }: Property): string[] {
  const whole = unescapeText(value)
  if (name !== 'CATEGORIES' && name !== 'RESOURCES') return [whole]
  return [whole, ...value.match(/(?:[^\\,]|\\[^])+/g)?.map(unescapeText) ?? []]
}

/** Where an occurrence has to be for the filter to match it: wider than needed rather than narrower. */
function windowOf (filter: CompFilter, component: Component): Range {
  const { timeRange, properties, components } = filter
  const windows: Range[] = []
  if (timeRange) windows.push(component.name === 'VALARM' ? alarmWindow(component, timeRange) : widened(timeRange))
  for (const each of properties) if (each.timeRange && isTimed(each)) windows.push(widened(each.timeRange))
  for (const each of components) if (isTimed(each)) windows.push(hull(named(component.components, each.name).map(inner => windowOf(each, inner))))
  if (filter.test !== 'anyof') return common(windows)
  return windows.length < properties.length + components.length + (timeRange ? 1 : 0) ? common([]) : hull(windows)
}

/** Whether the occurrence matters to it. */
function isTimed (filter: CompFilter | PropFilter): boolean {
  if (filter.isNotDefined) return false
  if (!('components' in filter)) return filter.timeRange !== undefined && /^(?:DTSTART|DTEND|DUE)$/i.test(filter.name)
  return filter.timeRange !== undefined || filter.properties.some(isTimed) || filter.components.some(isTimed)
}

/** RFC 4791 9.9: some comparisons for VTODO, DTEND and DUE include their border; DUE on a day counts to its end. */
function widened ({ start, end }: Range): Range {
  return { start: start - 86_401, end: end + 1 }
}

function hull (ranges: readonly Range[]): Range {
  return { start: Math.min(...ranges.map(({ start }) => start)), end: Math.max(...ranges.map(({ end }) => end)) }
}

function common (ranges: readonly Range[]): Range {
  return { start: Math.max(-Infinity, ...ranges.map(({ start }) => start)), end: Math.min(Infinity, ...ranges.map(({ end }) => end)) }
}

function named (components: readonly Component[], name: string): readonly Component[] {
  const upper = name.toUpperCase()
  return upper === '*' ? components : components.filter(component => component.name === upper)
}

function combined (test: Test | undefined, tests: readonly (() => Verdict)[]): Verdict {
  if (tests.length === 0) return true
  return test === 'anyof' ? any(tests, each => each()) : all(tests, each => each())
}

function any<T> (items: readonly T[], test: (item: T) => Verdict): Verdict {
  let verdict: Verdict = false
  for (const item of items) {
    const each = test(item)
    if (each === true) return true
    if (each === undefined) verdict = undefined
  }
  return verdict
}

function all<T> (items: readonly T[], test: (item: T) => Verdict): Verdict {
  let verdict: Verdict = true
  for (const item of items) {
    const each = test(item)
    if (each === false) return false
    if (each === undefined) verdict = undefined
  }
  return verdict
}
