import { civilFromDays, DAY } from './civil.js'
import type { DayRule } from './posix-rule.js'
import type { Onset } from './zone-onsets.js'

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']

/**
 * The parts of the RRULE of onsets. Cairo's clocks change at 24:00 of the last Thursday of October, a Friday that may be 1 November:
 * such a rule has one form for each month. Forms that no RRULE has (nobody uses them) are left as dates: `parts` is undefined.
 */
export function formsOf (rule: DayRule, onsets: readonly Onset[]): Array<{ readonly parts: string | undefined, readonly onsets: readonly Onset[] }> {
  if (onsets.length === 0) return []
  const shift = Math.floor(rule.time / DAY)
  if (rule.form !== 'weekday') {
    const days = onsets.map(one => civilFromDays(Math.floor((one.at + one.from.offset) / DAY)))
    if (days.every(day => day % 512 === days[0]! % 512)) return [{ parts: `;BYMONTH=${days[0]! >> 5 & 15};BYMONTHDAY=${days[0]! & 31}`, onsets }]
    return [{ parts: rule.form === 'index' && rule.day + shift >= 0 && rule.day + shift < 365 ? `;BYYEARDAY=${rule.day + shift + 1}` : undefined, onsets }]
  }
  const { month, week } = rule
  const day = weekdays[(rule.day + shift % 7 + 7) % 7]!
  if (shift === 0) return [{ parts: `;BYMONTH=${month};BYDAY=${week === 5 ? -1 : week}${day}`, onsets }]
  // By the days of the month that can be the one: told from its end in February
  const length = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!
  const begin = (week === 5 ? length - 6 : (week - 1) * 7 + 1) + shift
  const range = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, i) => from + i).join(',')
  const form = (of: number, from: number, to: number): { readonly parts: string, readonly onsets: readonly Onset[] } => ({
    parts: `;BYMONTH=${of};BYMONTHDAY=${range(from, to)};BYDAY=${day}`,
    onsets: onsets.filter(one => (civilFromDays(Math.floor((one.at + one.from.offset) / DAY)) >> 5 & 15) === of)
  })
  if (month === 2 && week === 5) return [begin + 6 <= 28 ? form(2, begin - 29, begin - 23) : { parts: undefined, onsets }]
  if (begin >= 1 && begin + 6 <= (month === 2 ? 28 : length)) return [form(month, begin, begin + 6)]
  if (begin >= 1 && begin <= length && month !== 2 && month !== 12) return [form(month, begin, length), form(month + 1, 1, begin + 6 - length)].filter(one => one.onsets.length > 0)
  return [{ parts: undefined, onsets }]
}
