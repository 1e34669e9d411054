import { DAY, yearOf } from './civil.js'
import type { Component, Property } from './component.js'
import { moment, type DayRule, type Kind, type PosixRule } from './posix-rule.js'
import { formatWhen } from './time.js'
import { formsOf } from './yearly-rule.js'
import { systemZones, type ZoneSource } from './zone-source.js'
import type { ZoneData } from './zone-data.js'
import { beforeAll, labelOf, onsetAt, split, type Onset } from './zone-onsets.js'

// A rule with two forms (below) shows both of them in any forty years
const YEARS = 40
const LAST_YEAR = 9999

/** Whether the time zone service offers a zone of exactly this name, so that its VTIMEZONE may be left out (RFC 7809 3.1.3). */
export function isStandardZone (tzid: string): boolean {
  return systemZones().isOffered(tzid)
}

/**
 * The VTIMEZONE (RFC 5545 3.6.5) of a standard zone: dates for its history, rules for what goes on for ever.
 * @param tzid IANA name or alias; TZID is this name
 * @param from UTC seconds, inclusive: nothing is told of the time before (RFC 7808 3.9)
 * @param to   UTC seconds, exclusive: nothing is told of the time from then on, which TZUNTIL says (RFC 7808 7.1)
 * @returns undefined when there is no standard zone of that name
 */
export function vtimezoneFor (tzid: string, from?: number, to?: number): Component | undefined {
  const source = systemZones()
  if (!source.isOffered(tzid)) return undefined
  if (from !== undefined || to !== undefined) return describe(source, tzid, from, to)
  const generation = source.generation()
  if (whole.generation !== generation || whole.zones.size >= MOST) whole = { generation, zones: new Map() }
  const known = whole.zones.get(tzid) ?? describe(source, tzid)
  if (known !== undefined) whole.zones.set(tzid, known)
  return known
}

// Whole descriptions, since a report may want the same one for each of a thousand events
let whole: { readonly generation: number, readonly zones: Map<string, Component> } = { generation: 0, zones: new Map() }
const MOST = 100

function describe (source: ZoneSource, tzid: string, from?: number, to?: number): Component | undefined {
  const data = source.data(tzid)
  return data === undefined ? undefined : vtimezoneOf(tzid, data, from, to)
}

/** Who wrote it, in the calendars that hold nothing but a zone of ours. */
export const zoneAuthor = '-//caldavd//Time Zones//EN'

/** The VCALENDAR that holds a VTIMEZONE and nothing else, as CALDAV:calendar-timezone and RFC 7808 want it. */
export function calendarWith (vtimezone: Component): Component {
  return component('VCALENDAR', [line('VERSION', '2.0'), line('PRODID', zoneAuthor)], [vtimezone])
}

/** The VTIMEZONE of a zone by its data; the rest as in `vtimezoneFor`. */
export function vtimezoneOf (tzid: string, data: ZoneData, from?: number, to = Infinity): Component {
  const { history, rule, since } = split(data)
  const components: Component[] = []
  if (from !== undefined) components.push(first(data, from))
  const start = from ?? -Infinity
  components.push(...dated(history.filter(({ at }) => at > start && at < to)))
  if (rule !== undefined) components.push(...repeated(rule, Math.max(since, start), to))
  if (components.length === 0) components.push(fixed(beforeAll(data), 0 - beforeAll(data).offset))
  return component('VTIMEZONE', [
    line('TZID', tzid),
    ...to === Infinity ? [] : [line('TZUNTIL', formatWhen({ date: false, local: to, zone: 'utc' }))]
  ], components)
}

// RFC 7808 3.9: exactly one observance begins with the range
function first (data: ZoneData, at: number): Component {
  const onset = onsetAt(data, at)
  if (onset === undefined) return fixed(beforeAll(data), at)
  return onset.at === at ? observance(onset) : observance({ at, from: onset.to, to: onset.to }, [], labelOf(onset))
}

function fixed (kind: Kind, at: number): Component {
  return observance({ at, from: kind, to: kind })
}

function dated (history: readonly Onset[]): Component[] {
  const groups = new Map<string, Onset[]>()
  for (const one of history) {
    const key = `${one.from.offset} ${one.to.offset} ${labelOf(one)} ${one.to.name}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  return [...groups.values()].map(([begin, ...more]) =>
    observance(begin!, more.length === 0 ? [] : [line('RDATE', more.map(one => local(one.at + one.from.offset)).join(','))]))
}

function repeated (rule: PosixRule, since: number, to: number): Component[] {
  const { standard, daylight } = rule
  if (daylight === undefined) return []
  const year = yearOf(Math.floor(since / DAY))
  const until = to === Infinity ? year + YEARS : Math.min(yearOf(Math.floor(to / DAY)) + 1, LAST_YEAR)
  return [[daylight.begin, standard, daylight.kind], [daylight.end, daylight.kind, standard]].flatMap(each => {
    const [dayRule, from, kind] = each as [DayRule, Kind, Kind]
    const onsets: Onset[] = []
    for (let one = year - 1; one <= until; one++) {
      const at = moment(dayRule, one) - from.offset
      if (at > since && at < to) onsets.push({ at, from, to: kind })
    }
    return formsOf(dayRule, onsets).map(({ parts, onsets }) => {
      if (parts === undefined) return observance(onsets[0]!, onsets.length < 2 ? [] : [line('RDATE', onsets.slice(1).map(one => local(one.at + from.offset)).join(','))])
      const end = to === Infinity ? '' : `;UNTIL=${formatWhen({ date: false, local: onsets.at(-1)!.at, zone: 'utc' })}`
      return observance(onsets[0]!, to !== Infinity && onsets.length < 2 ? [] : [line('RRULE', `FREQ=YEARLY${parts}${end}`)])
    })
  }).sort((a, b) => a.properties[0]!.value < b.properties[0]!.value ? -1 : 1)
}

function observance (onset: Onset, more: readonly Property[] = [], label = labelOf(onset)): Component {
  return component(label, [
    line('DTSTART', local(onset.at + onset.from.offset)),
    ...more,
    ...onset.to.name === '' ? [] : [line('TZNAME', onset.to.name)],
    line('TZOFFSETFROM', offsetText(onset.from.offset)),
    line('TZOFFSETTO', offsetText(onset.to.offset))
  ], [])
}

/** UTC-OFFSET (RFC 5545 3.3.14) of seconds east of UTC. */
export function offsetText (seconds: number): string {
  const size = Math.abs(seconds)
  const pad = (value: number): string => String(value).padStart(2, '0')
  const rest = size % 60
  return `${seconds < 0 ? '-' : '+'}${pad(Math.floor(size / 3600))}${pad(Math.floor(size / 60) % 60)}${rest === 0 ? '' : pad(rest)}`
}

function local (seconds: number): string {
  return formatWhen({ date: false, local: seconds, zone: 'floating' })
}

function line (name: string, value: string): Property {
  return { name, parameters: Object.create(null) as Record<string, readonly string[]>, value, line: 0 }
}

function component (name: string, properties: readonly Property[], components: readonly Component[]): Component {
  return { name, properties, components, line: 0 }
}
