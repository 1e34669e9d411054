import { properties, type Component, type Property } from './component.js'
import { instances } from './instances.js'
import { attempt } from './once.js'
import { IcalError } from './parse.js'
import { Budget, parseRule } from './recur.js'
import { parsePeriod, parseWhen, utcAfter, utcOf, type Zones } from './time.js'
import { UTC, zonesOf } from './timezone.js'

/** What an object may hold at most; ±Infinity = no limit. A plain value. */
export interface Allowance {
  /** UTC seconds, inclusive: CALDAV:min-date-time and CALDAV:max-date-time (RFC 4791 5.2.6, 5.2.7). */
  readonly earliest: number
  readonly latest: number
  /** CALDAV:max-instances (RFC 4791 5.2.8). */
  readonly instances: number
  /** CALDAV:max-attendees-per-instance (RFC 4791 5.2.9). */
  readonly attendees: number
}

/**
 * RFC 4791 5.3.2.1: dates, instances and attendees within limits. A series without end has no number of instances, so it is let through,
 * as is one whose instances are not found with reasonable work; its instances beyond the dates are too (5.2.6).
 * @param milliseconds  what counting the instances may take
 * @returns false when that was too little to know
 * @throws IcalError min-date-time, max-date-time, max-instances, max-attendees-per-instance
 */
export function demandWithin (calendar: Component, allowance: Allowance, milliseconds: number): boolean {
  const { earliest, latest, attendees } = allowance
  const members = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
  for (const member of members) demandFewAttendees(member, attendees)
  const zones = zonesOf(calendar)
  if (earliest !== -Infinity || latest !== Infinity) for (const member of members) demandDates(member, zones, allowance)
  return demandFewInstances(calendar, members, allowance.instances, milliseconds)
}

function demandFewAttendees (component: Component, most: number): void {
  const found = properties(component, 'ATTENDEE')
  const over = found[most]
  if (over) throw new IcalError('max-attendees-per-instance', `expected at most ${most} ATTENDEE in ${component.name}, found ${found.length}`, over.line)
}

/**
 * Properties that say when something takes place. Others hold dates that clients choose without looking: stamps, the trigger of 1976 by which
 * Apple's clients mean "no alarm", the onsets of time zones.
 */
export const placing: ReadonlySet<string> = new Set(['DTSTART', 'DTEND', 'DUE', 'RECURRENCE-ID', 'EXDATE', 'RDATE', 'FREEBUSY'])

function demandDates (component: Component, zones: Zones, allowance: Allowance): void {
  const { earliest, latest } = allowance
  for (const each of component.properties) {
    if (!placing.has(each.name)) continue
    for (const moment of momentsIn(each, zones)) {
      if (moment < earliest) throw new IcalError('min-date-time', `expected no date before ${written(earliest)}, found one in ${each.name}`, each.line)
      if (moment > latest) throw new IcalError('max-date-time', `expected no date after ${written(latest)}, found one in ${each.name}`, each.line)
    }
  }
  for (const inner of component.components) demandDates(inner, zones, allowance)
}

/** UTC seconds of all dates and times; floating ones are read in UTC. */
function momentsIn (property: Property, zones: Zones): number[] {
  return property.value.split(',').flatMap(value => {
    if (!value.includes('/')) return attempt(() => utcOf(parseWhen(property, value, zones), UTC)) ?? []
    const period = attempt(() => parsePeriod(property, value, zones))
    if (period === undefined) return []
    const { start, end, duration } = period
    return [utcOf(start, UTC), end ? utcOf(end, UTC) : utcAfter(start, duration!, UTC)]
  })
}

function written (seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '')
}

function demandFewInstances (calendar: Component, members: readonly Component[], most: number, milliseconds: number): boolean {
  if (most === Infinity || !members.some(member => mayExceed(member, most)) || members.some(isEndless)) return true
  const budget = new Budget({ instances: most + 1, steps: 5_000_000, milliseconds })
  let count = 0
  for (const instance of instances(calendar, { start: -Infinity, end: Infinity }, UTC, budget)) {
    if (++count > most) throw new IcalError('max-instances', `expected at most ${most} instances, found more`, instance.component.line)
  }
  return !budget.exhausted
}

/** Whether it is worth while to count; RFC 5545 3.8.5.3 tells that COUNT bounds a rule. */
function mayExceed (component: Component, most: number): boolean {
  let bound = 1
  for (const { name, value } of component.properties) {
    if (name === 'RDATE') bound += 1 + value.length / 9
    else if (name === 'RRULE') bound += attempt(() => parseRule(value))?.count ?? Infinity
  }
  return bound > most
}

function isEndless (component: Component): boolean {
  return properties(component, 'RRULE').some(({ value }) => {
    const rule = attempt(() => parseRule(value))
    return rule !== undefined && rule.count === undefined && rule.until === undefined
  })
}
