import type { Random } from './random.js'
import { secondsOf, textOf } from './reader.js'

/** A rule and where it begins, as they stand in a file. */
export interface Ask {
  /** `20250131`, or `20250131T093000` on the wall clock. */
  readonly start: string
  readonly rule: string
  /** IANA name; empty when the time floats. */
  readonly zone: string
}

const days = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']
const frequencies = ['YEARLY', 'YEARLY', 'YEARLY', 'MONTHLY', 'MONTHLY', 'MONTHLY', 'WEEKLY', 'WEEKLY', 'DAILY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'] as const

/** Any rule that RFC 5545 3.3.10 allows, with a start that need not fit it. */
export function randomRule (from: Random): Ask {
  const { whole, chance, pick, some } = from
  const frequency = pick(frequencies)
  const isDate = chance(0.15) && !['HOURLY', 'MINUTELY', 'SECONDLY'].includes(frequency)
  // within the day everybody looks through years of seconds for a day that fits: some, not most
  const short = frequency === 'SECONDLY' || frequency === 'MINUTELY' || frequency === 'HOURLY'
  const parts = [`FREQ=${frequency}`, ...short && chance(frequency === 'HOURLY' ? 0.4 : 0.75) ? [] : dayParts(from, frequency)]
  if (!isDate) {
    if (chance(0.15)) parts.push(`BYHOUR=${some(3, () => whole(0, 23)).join()}`)
    if (chance(0.12)) parts.push(`BYMINUTE=${some(3, () => whole(0, 59)).join()}`)
    if (chance(0.1)) parts.push(`BYSECOND=${some(3, () => whole(0, 59)).join()}`)
  }
  if (parts.length > 1 && chance(0.2)) parts.push(`BYSETPOS=${some(3, () => signed(from, chance(0.9) ? pick([1, 1, 2, 4]) : 366)).join()}`)
  if (chance(0.5)) parts.push(`INTERVAL=${whole(1, chance(0.2) ? 40 : 5)}`)
  if (chance(0.3)) parts.push(`WKST=${pick(days)}`)
  if (chance(0.2)) parts.push(`COUNT=${whole(1, 40)}`)
  else if (chance(0.25)) parts.push(`UNTIL=${whole(2020, 2040)}${pick(['0101', '0315', '0630', '1231'])}${isDate ? '' : pick(['T000000', 'T093000', 'T120000', 'T235959'])}`)
  const day = `${whole(2019, 2027)}${two(whole(1, 12))}${two(chance(0.15) ? 28 : whole(1, 28))}`
  return { start: chance(0.06) ? pick(['20240229', '20231231', '20200101', '20250131', '20261228']) + (isDate ? '' : 'T093000') : isDate ? day : day + pick(['T000000', 'T093000', 'T235959', 'T120015']), rule: parts.join(';'), zone: '' }
}

function dayParts (from: Random, frequency: string): string[] {
  const { whole, chance, pick, some } = from
  const parts: string[] = []
  const weekNumbers = frequency === 'YEARLY' && chance(0.2)
  if (weekNumbers) parts.push(`BYWEEKNO=${some(3, () => chance(0.1) ? pick([53, 1, -1, -53]) : signed(from, 53)).join()}`)
  if (chance(0.3)) parts.push(`BYMONTH=${some(4, () => whole(1, 12)).join()}`)
  if (frequency !== 'WEEKLY' && chance(weekNumbers ? 0.06 : 0.3)) parts.push(`BYMONTHDAY=${some(5, () => signed(from, 31)).join()}`)
  if (!['WEEKLY', 'MONTHLY', 'DAILY'].includes(frequency) && chance(weekNumbers || parts.length > 0 ? 0.04 : 0.15)) parts.push(`BYYEARDAY=${some(6, () => signed(from, 366)).join()}`)
  if (chance(weekNumbers ? 0.7 : 0.4)) {
    const numbered = !weekNumbers && (frequency === 'MONTHLY' || frequency === 'YEARLY') && chance(0.5)
    const most = frequency === 'MONTHLY' || parts.some(part => part.startsWith('BYMONTH=')) ? 5 : 53
    const mixed = numbered && chance(0.3)
    parts.push(`BYDAY=${some(4, () => `${numbered && !(mixed && chance(0.5)) ? signed(from, most) : ''}${pick(days)}`).join()}`)
  }
  return parts
}

/** Where clocks change in a zone: days around it, and the hours in question. */
const changes: ReadonlyArray<readonly [zone: string, day: string, times: readonly string[]]> = [
  ['Europe/Berlin', '20250329', ['T020000', 'T023000', 'T025959', 'T030000']],
  ['Europe/Berlin', '20251025', ['T020000', 'T023000', 'T025959', 'T030000']],
  ['America/New_York', '20240309', ['T013000', 'T020000', 'T023000', 'T030000']],
  ['America/New_York', '20241102', ['T003000', 'T010000', 'T013000', 'T020000']],
  ['Australia/Lord_Howe', '20251004', ['T020000', 'T021500', 'T023000']],
  ['Australia/Lord_Howe', '20250405', ['T013000', 'T014500', 'T020000']],
  ['America/Sao_Paulo', '20181103', ['T000000', 'T003000', 'T010000']],
  ['America/Sao_Paulo', '20180217', ['T230000', 'T233000', 'T000000']],
  ['Asia/Tehran', '20210321', ['T000000', 'T003000', 'T010000']],
  ['Asia/Tehran', '20210921', ['T230000', 'T233000', 'T000000']]
]

/** Seconds of the midnights that begin the days on which, or the nights after which, the clock changes in a zone. */
export function changingDays (zone: string): number[] {
  return changes.filter(each => each[0] === zone).flatMap(([, day]) => [secondsOf(day), secondsOf(day) + 86_400])
}

/** A rule in a zone, beginning where the clock is about to change, with an UNTIL in UTC. */
export function zonedRule (from: Random): Ask {
  const { whole, chance, pick, some } = from
  const [zone, day, times] = pick(changes)
  const frequency = pick(['DAILY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY', 'HOURLY', 'MINUTELY'])
  const parts = [`FREQ=${frequency}`]
  if (frequency === 'MINUTELY') parts.push(`INTERVAL=${pick([15, 30, 45, 90])}`)
  else if (chance(0.4)) parts.push(`INTERVAL=${whole(1, 4)}`)
  if (frequency === 'WEEKLY' && chance(0.6)) parts.push(`BYDAY=${some(3, () => pick(days)).join()}`)
  if ((frequency === 'MONTHLY' || frequency === 'YEARLY') && chance(0.6)) parts.push(`BYDAY=${pick(['-1SU', '2SU', '1SU', '-1SA'])}`)
  if (frequency === 'DAILY' && chance(0.3)) parts.push(`BYHOUR=${some(3, () => whole(0, 3)).join()}`)
  if (frequency === 'DAILY' && chance(0.2)) parts.push('BYMINUTE=0,30')
  if (chance(0.3)) parts.push(`COUNT=${whole(1, 30)}`)
  else if (chance(0.6)) {
    const end = frequency === 'HOURLY' || frequency === 'MINUTELY' || chance(0.3) ? whole(0, 4 * 96) * 900 : whole(1, 400) * 86_400 + whole(0, 95) * 900
    parts.push(`UNTIL=${textOf(secondsOf(day) + end)}Z`)
  }
  return { start: day + pick(times), rule: parts.join(';'), zone }
}

function signed ({ chance, whole }: Random, high: number): number {
  return chance(0.3) ? -whole(1, high) : whole(1, high)
}

function two (number: number): string {
  return String(number).padStart(2, '0')
}
