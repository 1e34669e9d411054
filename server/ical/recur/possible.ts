import { civilFromDays, DAY, daysFromCivil, isLeap, weekday } from '../civil.js'
import type { BoundRule } from './bound-rule.js'

/**
 * Whether a rule can have any occurrence beside its start: 30 February never comes, nor does the third of two. `false` is sure. The
 * Gregorian calendar repeats after 400 years, so some dozen years stand for all.
 */
export function isPossible (rule: BoundRule): boolean {
  return rule.parts.scale !== undefined || (hasPosition(rule) && hasTime(rule) && hasDay(rule))
}

/** The most days that a period of YEARLY, with its weeks, or MONTHLY has; shorter ones have one base. */
const mostOfYear = 371
const mostOfMonth = 31

function hasPosition ({ rank, times, weekOffsets, parts }: BoundRule): boolean {
  const days = rank === 6 ? mostOfYear : rank === 5 ? mostOfMonth : rank === 4 ? weekOffsets.length : 1
  return parts.bySetPosition.length === 0 || parts.bySetPosition.some(position => Math.abs(position) <= days * times)
}

// Steps of `stride` seconds meet those times of day that differ from the first by multiples of what it has in common with a day
function hasTime ({ rank, hourLimit, minuteLimit, secondLimit, stride, origin }: BoundRule): boolean {
  if (rank > 2 || (hourLimit ?? minuteLimit ?? secondLimit) === undefined) return true
  const step = common(stride, DAY)
  for (let time = remainder(origin, step); time < DAY; time += step) {
    if (hourLimit?.[Math.floor(time / 3600)] !== 0 && minuteLimit?.[Math.floor(time / 60) % 60] !== 0 && secondLimit?.[time % 60] !== 0) return true
  }
  return false
}

function hasDay (rule: BoundRule): boolean {
  const { rank, parts, stride } = rule
  if (rank > 4 ? parts.skip !== 'OMIT' : !rule.hasDayLimits) return true
  const days = rank === 3 ? stride : rank < 3 && stride % DAY === 0 ? stride / DAY : 1
  const startWeekday = days % 7 === 0 ? weekday(rule.startDay) : undefined
  const months = rank === 5 ? common(stride, 12) : 1
  // what the rule does not say is derived from the start
  const derived = rank > 4 && parts.byDay.length + parts.byMonthDay.length + parts.byYearDay.length + parts.byWeekNumber.length === 0
  const { byYear, byNeighbours } = samples()
  for (const year of rule.weeks === undefined ? byYear : byNeighbours) {
    const next = daysFromCivil(year + 1, 1, 1)
    for (let day = daysFromCivil(year, 1, 1); day < next; day++) {
      if (startWeekday !== undefined && weekday(day) !== startWeekday) continue
      const civil = civilFromDays(day)
      const month = civil >> 5 & 15
      if (derived && ((civil & 31) !== rule.startMonthDay || (rank === 6 && !rule.months.includes(month)))) continue
      if (months > 1 && (month - rule.startMonth) % months !== 0) continue
      if (rule.accepts(day)) return true
    }
  }
  return false
}

let found: { readonly byYear: readonly number[], readonly byNeighbours: readonly number[] } | undefined

// One year of each length and first weekday; and one of each with what stands beside it, for weeks across New Year
function samples (): NonNullable<typeof found> {
  if (found !== undefined) return found
  const kind = (year: number): string => `${weekday(daysFromCivil(year, 1, 1))}${isLeap(year) ? 'l' : ''}`
  const [byYear, byNeighbours] = [new Map<string, number>(), new Map<string, number>()]
  for (let year = 2000; year < 2400; year++) {
    byYear.set(kind(year), year)
    byNeighbours.set(`${kind(year - 1)} ${kind(year)} ${kind(year + 1)}`, year)
  }
  return found = { byYear: [...byYear.values()], byNeighbours: [...byNeighbours.values()] }
}

function common (a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

function remainder (value: number, by: number): number {
  return (value % by + by) % by
}
