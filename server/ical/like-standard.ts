import { DAY, daysFromCivil } from './civil.js'
import { property, type Component } from './component.js'
import type { Zone } from './time.js'
import { zoneNamed, zoneOf } from './timezone.js'
import { TableZone } from './zone-table.js'

// What clients write has often no history
const FROM = daysFromCivil(2015, 1, 1) * DAY
const TO = daysFromCivil(2040, 1, 1) * DAY

/**
 * Whether times mean the same by a VTIMEZONE, as `zonesOf` reads it, and by the zone that everybody knows by its name: their clocks agree
 * until 2040. A VTIMEZONE that begins later than 2015 is like it for an object that begins later still, one with the rules of former years
 * for an object that does not last until they differ.
 * @param earliest  UTC seconds: before this (and before 2015) they may differ
 * @param latest    after this too; Infinity for what repeats
 * @returns false also when there is no zone of that name
 */
export function isLikeStandard (vtimezone: Component, earliest = FROM, latest = Infinity): boolean {
  const tzid = property(vtimezone, 'TZID')?.value ?? ''
  const standard = zoneNamed(tzid)
  if (standard === undefined) return false
  const own = zoneOf(vtimezone, tzid)
  if (own === undefined || own === standard) return true
  const from = Math.min(Math.max(earliest, FROM), TO)
  return agreeSince(own, standard) <= from || (latest < TO && agreeWithin(own, standard, from, Math.max(from, latest)))
}

function agreeWithin (own: Zone, standard: Zone, from: number, to: number): boolean {
  return [from, ...changes(own), ...changes(standard), to].every(at => at < from || at > to || own.toLocal(at) === standard.toLocal(at))
}

// `zoneOf` gives the same zone for the same content, and another when the zones of the system are others
const known = new WeakMap<Zone, number>()

/** From when on their clocks show the same until 2040, UTC seconds: 2015 or later, Infinity when they never do. */
function agreeSince (own: Zone, standard: Zone): number {
  let since = known.get(own)
  if (since !== undefined) return since
  since = Infinity
  for (const at of [FROM, ...changes(own), ...changes(standard)].sort((a, b) => b - a)) {
    if (own.toLocal(at) !== standard.toLocal(at)) break
    since = at
  }
  known.set(own, since)
  return since
}

// others never change
function changes (zone: Zone): number[] {
  return zone instanceof TableZone ? zone.changes(FROM, TO) : []
}
