import { property, properties, type Component } from './component.js'
import { parseDateTime, ValueError, type Zone } from './time.js'
import { Budget, parseRule, Sequence, type Rule } from './recur.js'
import { DAY, daysFromCivil } from './civil.js'
import { TableZone, type Transitions } from './zone-table.js'

/** STANDARD or DAYLIGHT: its onsets are wall-clock seconds in `from`. */
interface Observance {
  readonly from: number
  readonly to: number
  readonly onsets: readonly number[]
  readonly rules: readonly Sequence[]
  readonly isOpen: boolean
}

const OBSERVANCES = 500
const ONSETS = 5000
// A zone with an observance for each change of 500 years has these
const LINES = 8000
// Outlook begins in 1601; nobody needs each of those years
const EARLIEST = daysFromCivil(1901, 1, 1) * DAY

/**
 * The zone that a VTIMEZONE describes (RFC 5545 3.6.5). Before its first onset TZOFFSETFROM of that onset holds.
 * @throws ValueError when it has no usable observance, or one that is wrong
 */
export function readVtimezone (vtimezone: Component): Zone {
  const observances = observancesOf(vtimezone)
  const id = property(vtimezone, 'TZID')?.value ?? ''
  let known: Transitions | undefined
  let isSpent = false
  return new TableZone(id, until => {
    if (isSpent && known !== undefined) return known
    const budget = new Budget({ steps: 20_000, instances: ONSETS })
    const found = transitionsOf(observances, until, budget)
    if (budget.exhausted && known === undefined) throw new ValueError(`VTIMEZONE ${id.slice(0, 80)} has too many onsets (line ${vtimezone.line})`)
    // what was known before is kept when later years cost too much
    isSpent = budget.exhausted
    return known = isSpent && known !== undefined ? known : found
  })
}

/**
 * Whether the description can stand for itself: it holds for all time to come (a rule does not end, or the offset never changes), and every
 * yearly change starts from a clock that something leads to. Clients send the half that their event needs.
 */
export function isWhole (vtimezone: Component): boolean {
  const observances = observancesOf(vtimezone)
  const shown = new Set(observances.map(one => one.to))
  if (property(vtimezone, 'TZUNTIL') !== undefined || observances.some(one => one.rules.length > 0 && !shown.has(one.from))) return false
  return observances.some(one => one.isOpen) || shown.size === 1
}

function observancesOf (vtimezone: Component): Observance[] {
  const found = vtimezone.components.filter(one => one.name === 'STANDARD' || one.name === 'DAYLIGHT')
  if (found.length === 0 || found.length > OBSERVANCES) throw new ValueError(`VTIMEZONE has ${found.length} observances (line ${vtimezone.line})`)
  const lines = found.reduce((sum, one) => sum + one.properties.length, 0)
  const dates = found.reduce((sum, one) => sum + properties(one, 'RDATE').reduce((length, { value }) => length + value.length, 0), 0)
  if (lines > LINES || dates > ONSETS * 16) throw new ValueError(`VTIMEZONE has ${lines} lines and ${dates} octets of RDATE in its observances (line ${vtimezone.line})`)
  return found.map(observance)
}

function observance (component: Component): Observance {
  const from = offset(component, 'TZOFFSETFROM')
  const to = offset(component, 'TZOFFSETTO')
  const text = property(component, 'DTSTART')?.value
  if (text === undefined) throw new ValueError(`${component.name} has no DTSTART (line ${component.line})`)
  const read = (value: string): number => {
    const { local, utc } = parseDateTime(value)
    return utc ? local + from : local
  }
  const start = read(text)
  // RFC 5545 3.8.5.2: only the start of a PERIOD counts here
  const dates = properties(component, 'RDATE').flatMap(one => one.value.split(',').map(value => read(value.split('/', 1)[0]!)))
  const zone: Zone = { id: '', toLocal: utc => utc + from, toUtc: local => local - from }
  const rules: Rule[] = properties(component, 'RRULE').map(one => parseRule(one.value))
  return {
    from,
    to,
    onsets: [start, ...dates],
    rules: rules.map(rule => new Sequence(rule, { local: start, date: false, zone })),
    isOpen: rules.some(rule => rule.count === undefined && rule.until === undefined)
  }
}

function offset (component: Component, name: string): number {
  const text = property(component, name)?.value ?? ''
  const found = /^([+-])(\d\d)(\d\d)(\d\d)?$/.exec(text)
  if (found === null || Number(found[2]) > 23) throw new ValueError(`${name}:${text.slice(0, 20)} of ${component.name} is not a UTC-OFFSET (line ${component.line})`)
  const seconds = Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4] ?? 0)
  return found[1] === '-' ? 0 - seconds : seconds
}

function transitionsOf (observances: readonly Observance[], until: number, budget: Budget): Transitions {
  const found: Array<{ readonly at: number, readonly from: number, readonly to: number }> = []
  for (const { from, to, onsets, rules } of observances) {
    for (const onset of onsets) if (budget.instance()) found.push({ at: onset - from, from, to })
    for (const rule of rules) {
      const walk = rule.walk(EARLIEST, until + from, budget)
      for (let at = walk.next(); at !== Infinity && budget.instance(); at = walk.next()) found.push({ at: at - from, from, to })
    }
  }
  found.sort((a, b) => a.at - b.at)
  return { first: found[0]!.from, at: found.map(one => one.at), offset: found.map(one => one.to) }
}
