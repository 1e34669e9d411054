import { DAY, daysFromCivil } from './civil.js'
import { TableZone, type Transitions } from './zone-table.js'

const START = daysFromCivil(1970, 1, 1) * DAY
const STEP = 28 * DAY

/** The name as ICU writes it (`europe/berlin` → `Europe/Berlin`); undefined when it knows no such zone. */
export function intlName (name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

/** A zone found by asking Intl, for systems without zone files: slow once (some 20 ms), then a table. From 1970 on. */
export function intlZone (name: string): TableZone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric'
  })
  const offsetAt = (utc: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(utc * 1000)) part[type] = Number(value)
    return daysFromCivil(part['year']!, part['month']!, part['day']!) * DAY + part['hour']! * 3600 + part['minute']! * 60 + part['second']! - utc
  }
  const at: number[] = []
  const offset: number[] = []
  const first = offsetAt(START)
  let seen = START
  let current = first
  return new TableZone(name, (until): Transitions => {
    for (; seen < until; seen += STEP) {
      const next = offsetAt(seen + STEP)
      if (next === current) continue
      at.push(change(offsetAt, seen, seen + STEP, current))
      offset.push(next)
      current = next
    }
    return { first, at, offset }
  })
}

function change (offsetAt: (utc: number) => number, from: number, to: number, before: number): number {
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2)
    if (offsetAt(middle) === before) from = middle
    else to = middle
  }
  return to
}
