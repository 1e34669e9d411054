import { civilFromDays, DAY, daysFromCivil, weekday } from '../../ical/civil.js'
import { utcOf, type When, type Zone } from '../../ical/time.js'
import { zoneNamed } from '../../ical/timezone.js'
import { AdminError } from '../place.js'

/** Where somebody looks at the calendar from. */
export interface Clock {
  readonly zone: Zone
  /** UTC seconds. */
  readonly now: number
}

/**
 * A clock for the zone that was asked for, else that of the environment (TZ), else that of the machine.
 * @param now  ms since 1970
 * @throws AdminError for a zone that was asked for and that nobody knows
 */
export function clock (asked: string | undefined, environment: string | undefined, now: number): Clock {
  const wanted = asked === undefined ? undefined : zoneNamed(asked)
  if (asked !== undefined && wanted === undefined) throw new AdminError(`there is no time zone ${JSON.stringify(asked)}; expected a name like Europe/Berlin`)
  const own = environment?.replace(/^:/, '') ?? ''
  const zone = wanted ?? (own === '' ? undefined : zoneNamed(own)) ?? zoneNamed(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? { id: 'UTC', toUtc: local => local, toLocal: utc => utc }
  return { zone, now: Math.floor(now / 1000) }
}

/** Days since 1970 of what is today on the clock. */
export function today ({ zone, now }: Clock): number {
  return Math.floor(zone.toLocal(now) / DAY)
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** 'Mon 23 Nov 2026' of days since 1970. */
export function dayName (days: number): string {
  const { year, month, day } = civil(days)
  return `${weekdays[weekday(days)] ?? ''} ${day} ${months[month - 1] ?? ''} ${year}`
}

/** '2026-11-23' of days since 1970. */
export function isoDay (days: number): string {
  const { year, month, day } = civil(days)
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}

function civil (days: number): { readonly year: number, readonly month: number, readonly day: number } {
  const number = civilFromDays(days)
  return { year: Math.floor(number / 512), month: number >> 5 & 15, day: number & 31 }
}

/** Days since 1970; `undefined` for what is no day, such as 31 February. */
export function daysOf (year: number, month: number, day: number): number | undefined {
  const days = daysFromCivil(year, month, day)
  const found = civil(days)
  return month >= 1 && month <= 12 && found.year === year && found.month === month && found.day === day ? days : undefined
}

/** '12:00' of wall-clock seconds. */
export function timeName (local: number): string {
  const second = Math.floor(local) - Math.floor(local / DAY) * DAY
  return `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}`
}

/** Where a time stands on the wall clock of who looks: seconds since 1970 as if they were UTC. Dates and floating times stay where they are. */
export function localOf (when: When, zone: Zone): number {
  return when.zone === 'floating' ? when.local : zone.toLocal(utcOf(when, zone))
}

/** 'Mon 23 Nov 2026 12:00', or the day alone of a DATE. */
export function whenName (when: When, zone: Zone): string {
  const local = localOf(when, zone)
  return dayName(Math.floor(local / DAY)) + (when.date ? '' : ` ${timeName(local)}`)
}

/** ISO 8601: '2026-11-23' of a DATE, '2026-11-23T12:00:00' of a floating time, else with the offset of the zone: '…+01:00'. */
export function isoWhen (when: When, zone: Zone): string {
  const local = localOf(when, zone)
  const day = isoDay(Math.floor(local / DAY))
  if (when.date) return day
  const time = `${day}T${timeName(local)}:${two(Math.floor(local) - Math.floor(local / 60) * 60)}`
  if (when.zone === 'floating') return time
  const offset = Math.round((local - utcOf(when, zone)) / 60)
  return `${time}${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
}

function two (number: number): string {
  return String(number).padStart(2, '0')
}
