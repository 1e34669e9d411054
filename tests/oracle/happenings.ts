import type { Random } from './random.js'
import { read, secondsOf, textOf, utcIn } from './reader.js'

const DAY = 86_400

/** Zones with daylight saving, of both hemispheres, of half an hour, ended, and at midnight. */
export const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Asia/Tehran'] as const

/** Nothing is worked out from here on; what has no end happens every year at least until then. */
const horizon = secondsOf('20320101')

type Type = 'VEVENT' | 'VTODO' | 'VJOURNAL'

/** How times are written: with TZID, in UTC, floating, or DATE. */
interface Form { readonly kind: 'zoned' | 'utc' | 'floating' | 'date', readonly zone: string }

interface Length { readonly days: number, readonly seconds: number }

/** One of the times at which something happens; wall clock or UTC seconds as its form says. */
interface Time {
  readonly start: number
  /** Which row of RFC 4791 9.9 it is in. */
  readonly ends: 'never' | 'by end' | 'by duration'
  /** Where it ends on the same clock, before `after` exact seconds more. */
  readonly end: number
  readonly after: number
}

/** Something to put into a calendar, and all that is to be known to say when it happens. */
export interface Happening {
  readonly type: Type
  /** A calendar object. */
  readonly text: string
  readonly form: Form
  /** `undefined` when it has no DTSTART. */
  readonly times: readonly Time[] | undefined
  /** Of a VTODO without DTSTART: UTC seconds, DUE as its form says. */
  readonly due?: number
  readonly completed?: number
  readonly created?: number
}

/** @param uid  of the object */
export function randomHappening (from: Random, uid: string): Happening {
  const { pick, chance } = from
  const kind = pick(['zoned', 'zoned', 'zoned', 'utc', 'floating', 'date', 'date'] as const)
  const form: Form = { kind, zone: kind === 'zoned' ? pick(zones) : '' }
  const type = pick(['VEVENT', 'VEVENT', 'VEVENT', 'VTODO', 'VJOURNAL'] as const)
  if (type === 'VTODO' && chance(0.4)) return withoutStart(from, uid, form)
  if (type === 'VJOURNAL' && chance(0.1)) return { type, form, times: undefined, text: calendar([component(type, uid, [])]) }
  return withStart(from, uid, type, form)
}

function withoutStart ({ whole, chance }: Random, uid: string, form: Form): Happening {
  const moment = (): number => whole(secondsOf('20180101') / 900, secondsOf('20280101') / 900) * 900
  const due = chance(0.5) ? onDay(form, moment()) : undefined
  const completed = chance(0.5) ? moment() : undefined
  const created = chance(0.5) ? moment() : undefined
  const lines = [
    ...due === undefined ? [] : [property('DUE', form, due)],
    ...completed === undefined ? [] : [`COMPLETED:${textOf(completed)}Z`],
    ...created === undefined ? [] : [`CREATED:${textOf(created)}Z`]
  ]
  return {
    type: 'VTODO', form, times: undefined, text: calendar([component('VTODO', uid, lines)]),
    ...due === undefined ? {} : { due }, ...completed === undefined ? {} : { completed }, ...created === undefined ? {} : { created }
  }
}

function withStart (from: Random, uid: string, type: Type, form: Form): Happening {
  const { pick, chance } = from
  const start = firstStart(from, form)
  const shape = lengthFor(from, type, form, start)
  const lines = [property('DTSTART', form, start), ...shape.lines]
  if (!chance(0.6)) return { type, form, times: [shape.at(start)], text: calendar([component(type, uid, lines)]) }

  const rule = randomRuleFor(from, form, start)
  const found = read(inWallClock(rule, form), wallText(form, start), 20_000, horizon).found.map(secondsOf)
  const count = Number(/COUNT=(\d+)/.exec(rule)?.[1] ?? Infinity)
  const starts = found[0] === start ? found : [start, ...found].slice(0, count)
  const left = new Set(starts)
  const exceptions = chance(0.3) ? from.some(4, () => pick(starts.slice(0, 60))) : []
  for (const one of exceptions) left.delete(one)
  lines.push(`RRULE:${rule}`, ...exceptions.map(one => form.kind === 'zoned' && chance(0.3) ? `EXDATE:${textOf(utcIn(form.zone)(one))}Z` : property('EXDATE', form, one)))
  if (chance(0.15)) {
    const more = onDay(form, start + from.whole(1, 900) * DAY + pick([0, 3600, 5400]))
    if (!exceptions.includes(more)) left.add(more)
    lines.push(property('RDATE', form, more))
  }
  const moved = chance(0.35) ? from.some(3, () => pick(starts.slice(0, 80))) : []
  const overrides = moved.map(original => {
    left.delete(original)
    const to = onDay(form, original + pick([-1, 1]) * from.whole(0, chance(0.5) ? 2 : 700) * DAY + pick([0, 3600, -5400]))
    const shape = lengthFor(from, type, form, to)
    return { time: shape.at(to), text: component(type, uid, [property('RECURRENCE-ID', form, original), property('DTSTART', form, to), ...shape.lines]) }
  })
  return {
    type, form, times: [...[...left].map(shape.at), ...overrides.map(each => each.time)],
    text: calendar([component(type, uid, lines), ...overrides.map(each => each.text)])
  }
}

// Half of them on the hours and days around which clocks change
function firstStart ({ whole, pick, chance }: Random, form: Form): number {
  const changing = pick(['20190329', '20191026', '20200307', '20201031', '20180217', '20181103', '20210404', '20211002', '20200320', '20200920', '20230325', '20241026'])
  const day = chance(0.4) ? secondsOf(changing) + whole(0, 2) * DAY : whole(secondsOf('20180101') / DAY, secondsOf('20270101') / DAY) * DAY
  return onDay(form, day + (chance(0.5) ? pick([0, 1800, 3600, 5400, 7200, 9000, 10_800]) : whole(0, 95) * 900))
}

function onDay ({ kind }: Form, seconds: number): number {
  return kind === 'date' ? Math.floor(seconds / DAY) * DAY : seconds
}

function randomRuleFor ({ whole, pick, chance, some }: Random, form: Form, start: number): string {
  const frequency = pick(['DAILY', 'WEEKLY', 'WEEKLY', 'MONTHLY', 'YEARLY', ...form.kind === 'date' ? [] : ['HOURLY']])
  const parts = [`FREQ=${frequency}`]
  if (chance(0.4)) parts.push(`INTERVAL=${frequency === 'YEARLY' ? 1 : whole(2, 5)}`)
  if (frequency === 'WEEKLY' && chance(0.5)) parts.push(`BYDAY=${some(3, () => pick(['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'])).join()}`)
  if (frequency === 'MONTHLY' && chance(0.5)) parts.push(`BYDAY=${pick(['1MO', '-1SU', '2SA', '-2FR'])}`)
  else if (frequency === 'MONTHLY' && chance(0.3)) parts.push(`BYMONTHDAY=${pick(['-1', '1,15', '28'])}`)
  if (frequency === 'YEARLY' && chance(0.4)) parts.push('BYMONTH=3,10', `BYDAY=${pick(['-1SU', '2SU', '1SU'])}`)
  if (frequency === 'HOURLY' || chance(0.3)) parts.push(`COUNT=${whole(1, frequency === 'HOURLY' ? 200 : 50)}`)
  else if (chance(0.4)) parts.push(`UNTIL=${until(form, start + whole(1, 1500) * DAY)}`)
  return parts.join(';')
}

// The reader without a zone gives wall clocks, so UNTIL has to be one: clocks that change at UNTIL are for the other test
function inWallClock (rule: string, { kind, zone }: Form): string {
  if (kind !== 'zoned') return rule
  return rule.replace(/UNTIL=(\d{8}T\d{6})Z/, (_, utc: string) => {
    const at = secondsOf(utc)
    const local = [at - 14 * 3600, at + 14 * 3600].map(near => near - utcIn(zone)(near)).map(offset => at + offset).find(each => utcIn(zone)(each) === at)
    return `UNTIL=${textOf(local ?? at)}`
  })
}

function until (form: Form, at: number): string {
  if (form.kind === 'date') return textOf(at).slice(0, 8)
  return form.kind === 'zoned' ? `${textOf(utcIn(form.zone)(at))}Z` : textOf(at) + (form.kind === 'utc' ? 'Z' : '')
}

/** DTEND, DUE or DURATION as lines, and what they make of a start. */
function lengthFor ({ whole, pick, chance }: Random, type: Type, form: Form, first: number): { readonly lines: readonly string[], readonly at: (start: number) => Time } {
  const none = { lines: [], at: (start: number): Time => ({ start, ends: 'never', end: start, after: 0 }) }
  if (type === 'VJOURNAL' || chance(0.2)) return none
  if (chance(0.5)) {
    const length: Length = form.kind === 'date' ? { days: whole(1, 5), seconds: 0 } : chance(0.3) ? { days: whole(0, 3), seconds: 0 } : { days: pick([0, 0, 1]), seconds: pick([0, 900, 3600, 7200, 40_000, 90_000]) }
    const text = `P${length.days > 0 || length.seconds === 0 ? `${length.days}D` : ''}${length.seconds > 0 ? `T${length.seconds}S` : ''}`
    return { lines: [`DURATION:${text}`], at: start => ({ start, ends: 'by duration', end: start + length.days * DAY, after: length.seconds }) }
  }
  const name = type === 'VTODO' ? 'DUE' : 'DTEND'
  const least = type === 'VTODO' ? 0 : 1
  const last = first + (form.kind === 'date' ? whole(least, 4) * DAY : whole(least, chance(0.8) ? 16 : 400) * 900)
  const days = form.kind === 'date' ? (last - first) / DAY : 0
  // RFC 5545 3.8.5.3: DTEND gives every instance the same exact length
  const exact = form.kind === 'date' ? 0 : form.kind === 'zoned' ? utcIn(form.zone)(last) - utcIn(form.zone)(first) : last - first
  // the clock can eat up what lies between them
  if (exact <= 0 && days <= 0 && type !== 'VTODO') return none
  return {
    lines: [property(name, form, last)],
    at: start => ({ start, ends: 'by end', end: start === first && form.kind === 'floating' ? last : start + days * DAY, after: start === first && form.kind === 'floating' ? 0 : exact })
  }
}

function wallText ({ kind }: Form, seconds: number): string {
  return kind === 'date' ? textOf(seconds).slice(0, 8) : textOf(seconds)
}

function property (name: string, form: Form, seconds: number): string {
  if (form.kind === 'date') return `${name};VALUE=DATE:${textOf(seconds).slice(0, 8)}`
  return form.kind === 'zoned' ? `${name};TZID=${form.zone}:${textOf(seconds)}` : `${name}:${textOf(seconds)}${form.kind === 'utc' ? 'Z' : ''}`
}

function component (type: Type, uid: string, lines: readonly string[]): string {
  return [`BEGIN:${type}`, `UID:${uid}`, 'DTSTAMP:20250101T000000Z', ...lines, `END:${type}`].join('\r\n')
}

function calendar (components: readonly string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//tests//oracle//EN', ...components, 'END:VCALENDAR', ''].join('\r\n')
}

/** UTC seconds, ±Infinity when open. */
export interface Range { readonly start: number, readonly end: number }

interface Span { readonly start: number, readonly end: number, readonly ends: Time['ends'] }

const known = new WeakMap<Happening, Map<string, readonly Span[]>>()

/** When each instance begins and ends, UTC seconds, with what has no zone read in `zone`. */
export function spans (happening: Happening, zone: string): readonly Span[] {
  let own = known.get(happening)
  if (own === undefined) known.set(happening, own = new Map())
  let found = own.get(zone)
  if (found === undefined) own.set(zone, found = spansIn(happening, zone))
  return found
}

function spansIn ({ form, times }: Happening, zone: string): readonly Span[] {
  const utcOf = form.kind === 'utc' ? (at: number): number => at : utcIn(form.kind === 'zoned' ? form.zone : zone)
  return (times ?? []).map(({ start, end, after, ends }) => ({ start: utcOf(start), end: utcOf(end) + after, ends }))
}

/** RFC 4791 9.9, row by row: whether any instance overlaps the range. */
export function overlaps (happening: Happening, { start, end }: Range, zone: string): boolean {
  const { type, form, due, completed, created } = happening
  const all = spans(happening, zone)
  const isDate = form.kind === 'date'
  if (type === 'VJOURNAL') return all.some(one => isDate ? start < nextDay(one.start, zone) && end > one.start : start <= one.start && end > one.start)
  if (type === 'VEVENT') {
    return all.some(one => {
      if (one.ends === 'never') return isDate ? start < nextDay(one.start, zone) && end > one.start : start <= one.start && end > one.start
      return one.end > one.start ? start < one.end && end > one.start : start <= one.start && end > one.start
    })
  }
  if (happening.times !== undefined) {
    return all.some(one => {
      if (one.ends === 'by duration') return start <= one.end && (end > one.start || end >= one.end)
      if (one.ends === 'never') return start <= one.start && end > one.start
      // The table has no DUE that is a DATE: it is due until that day ends
      const late = isDate ? one.end + DAY : one.end
      return (start < late || start <= one.start) && (end > one.start || end >= one.end)
    })
  }
  if (due !== undefined) {
    const at = spans({ ...happening, times: [{ start: due, end: due, after: 0, ends: 'never' }] }, zone)[0]!.start
    return start < (isDate ? at + DAY : at) && end >= at
  }
  if (completed !== undefined && created !== undefined) return (start <= created || start <= completed) && (end >= created || end >= completed)
  if (completed !== undefined) return start <= completed && end >= completed
  return created === undefined || end > created
}

// +P1D of a day: the next midnight, which a change of the clock moves
function nextDay (start: number, zone: string): number {
  const utcOf = utcIn(zone)
  const near = Math.round(start / DAY) * DAY
  const midnight = [near - DAY, near, near + DAY].find(local => utcOf(local) === start)!
  return utcOf(midnight + DAY)
}
