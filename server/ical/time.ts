import { parameter, type Property } from './component.js'
import { civilFromDays, DAY, daysFromCivil, daysInMonth } from './civil.js'

/** A value that does not have the form its type asks for (RFC 5545 3.3). */
export class ValueError extends Error {
  override readonly name = 'ValueError'
}

/** A time zone. In a gap a local time is read with the offset before it, in an overlap as the first (RFC 5545 3.3.5). */
export interface Zone {
  readonly id: string
  /** Wall-clock seconds → UTC seconds. */
  toUtc (local: number): number
  /** UTC seconds → wall-clock seconds. */
  toLocal (utc: number): number
}

/** TZID → zone; undefined when nobody knows it. */
export interface Zones {
  get (tzid: string): Zone | undefined
}

/** A DATE or DATE-TIME (RFC 5545 3.3.4, 3.3.5). */
export interface When {
  /** VALUE=DATE; its zone is then `floating`. */
  readonly date: boolean
  /** Seconds since 1970 of the wall clock, read as if it were UTC. */
  readonly local: number
  readonly zone: Zone | 'utc' | 'floating'
}

/** RFC 5545 3.3.6: weeks and days are nominal (they follow the wall clock), seconds are exact; both carry the sign. */
export interface Duration {
  readonly days: number
  readonly seconds: number
}

/** RFC 5545 3.3.9: one of `end` and `duration` is there. */
export interface Period {
  readonly start: When
  readonly end?: When
  readonly duration?: Duration
}

// blanks around it come from editors
const dateTime = /^\s*(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?\s*$/i

/**
 * One DATE or DATE-TIME; the form of the value decides which, not VALUE (clients forget it).
 * An unknown TZID is read as floating; a TZID beside a Z or a DATE is ignored.
 * @param value one of the comma-separated values of the property
 * @throws ValueError
 */
export function parseWhen (property: Property, value: string, zones: Zones): When {
  const found = dateTime.exec(value)
  const local = found === null ? NaN : seconds(found)
  if (found === null || Number.isNaN(local)) throw new ValueError(`${property.name}:${clip(value)} is not a DATE or DATE-TIME (line ${property.line})`)
  if (found[4] === undefined) return { date: true, local, zone: 'floating' }
  if (found[7] !== '') return { date: false, local, zone: 'utc' }
  const tzid = parameter(property, 'TZID')
  return { date: false, local, zone: (tzid === undefined ? undefined : zones.get(tzid)) ?? 'floating' }
}

/**
 * A date or time without a property around it, as in UNTIL: wall-clock seconds and whether it is a DATE or ends in Z.
 * @throws ValueError
 */
export function parseDateTime (value: string): { readonly local: number, readonly date: boolean, readonly utc: boolean } {
  const found = dateTime.exec(value)
  const local = found === null ? NaN : seconds(found)
  if (found === null || Number.isNaN(local)) throw new ValueError(`${clip(value)} is not a DATE or DATE-TIME`)
  return { local, date: found[4] === undefined, utc: found[7] !== undefined && found[7] !== '' }
}

// RFC 5545 3.3.12: who does not keep leap seconds reads second 60 as 59
function seconds (found: RegExpExecArray): number {
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])]
  const [hour, minute, second] = [Number(found[4] ?? 0), Number(found[5] ?? 0), Number(found[6] ?? 0)]
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 60) return NaN
  return daysFromCivil(year, month, day) * DAY + hour * 3600 + minute * 60 + Math.min(second, 59)
}

const durationForm = /^([+-]?)P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/i

/**
 * RFC 5545 3.3.6, read gently: weeks may stand beside days, units may be left out in the middle.
 * @throws ValueError
 */
export function parseDuration (value: string): Duration {
  const found = durationForm.exec(value)
  if (found === null || !/\d/.test(value)) throw new ValueError(`${clip(value)} is not a DURATION`)
  const [weeks, days, hours, minutes, seconds] = found.slice(2, 7).map(part => Number(part ?? 0)) as [number, number, number, number, number]
  const sign = found[1] === '-' ? -1 : 1
  // + 0 turns -0 into 0
  return { days: sign * (weeks * 7 + days) + 0, seconds: sign * (hours * 3600 + minutes * 60 + seconds) + 0 }
}

/**
 * RFC 5545 3.3.9: one of the comma-separated values of a property.
 * @throws ValueError
 */
export function parsePeriod (property: Property, value: string, zones: Zones): Period {
  const slash = value.indexOf('/')
  if (slash === -1) throw new ValueError(`${property.name}:${clip(value)} is not a PERIOD (line ${property.line})`)
  const start = parseWhen(property, value.slice(0, slash), zones)
  const rest = value.slice(slash + 1)
  return /^[+-]?P/i.test(rest) ? { start, duration: parseDuration(rest) } : { start, end: parseWhen(property, rest, zones) }
}

/**
 * The end of something that begins at `when`: days on the wall clock, then exact seconds (RFC 5545 3.3.6).
 * A wall clock cannot say which hour of an overlap it means; `utcAfter` can.
 */
export function addDuration (when: When, duration: Duration): When {
  const local = when.local + duration.days * DAY
  if (duration.seconds === 0) return { date: when.date, local, zone: when.zone }
  if (typeof when.zone === 'string') return { date: when.date && duration.seconds % DAY === 0, local: local + duration.seconds, zone: when.zone }
  return { date: when.date, local: when.zone.toLocal(when.zone.toUtc(local) + duration.seconds), zone: when.zone }
}

/** UTC seconds of `when` plus `duration`. */
export function utcAfter (when: When, duration: Duration, floatingZone: Zone): number {
  return utcOfLocal(when.local + duration.days * DAY, when.zone, floatingZone) + duration.seconds
}

/** UTC seconds; a DATE is the midnight it begins with; DATE and floating are read in `floatingZone`. */
export function utcOf (when: When, floatingZone: Zone): number {
  return utcOfLocal(when.local, when.zone, floatingZone)
}

function utcOfLocal (local: number, zone: When['zone'], floatingZone: Zone): number {
  if (zone === 'utc') return local
  return (zone === 'floating' ? floatingZone : zone).toUtc(local)
}

/** The value as it stands in a content line: `20250131`, `20250131T093000` or `20250131T093000Z`; TZID is left to the caller. */
export function formatWhen (when: When): string {
  const days = Math.floor(when.local / DAY)
  const civil = civilFromDays(days)
  const date = pad(Math.floor(civil / 512), 4) + pad(civil >> 5 & 15, 2) + pad(civil & 31, 2)
  if (when.date) return date
  const second = when.local - days * DAY
  return `${date}T${pad(Math.floor(second / 3600), 2)}${pad(Math.floor(second / 60) % 60, 2)}${pad(Math.floor(second) % 60, 2)}${when.zone === 'utc' ? 'Z' : ''}`
}

/** The same moment in UTC; a DATE stays a DATE. */
export function inUtc (when: When, floatingZone: Zone): When {
  return when.date ? when : { date: false, local: utcOf(when, floatingZone), zone: 'utc' }
}

function pad (number: number, width: number): string {
  return String(number).padStart(width, '0')
}

function clip (value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value
}
