import type { Rule } from './rule.js'
import type { Scale, ScaleMonth, ScaleYear } from './scale.js'

/** BYMONTH in another calendar system as identities of `ScaleMonth`; undefined when there is none. */
export function monthIds ({ scale, byMonth, byLeapMonth }: Rule): readonly number[] | undefined {
  if (scale === undefined || byMonth.length + byLeapMonth.length === 0) return undefined
  return [...byMonth.map(month => month * 2), ...byLeapMonth.map(month => month * 2 + 1)]
}

/** RFC 7529 4.1: the months of that year that are meant; those it does not have are left out, or give way to the one before or behind. */
export function monthsIn (scale: Scale, year: ScaleYear, ids: readonly number[], skip: Rule['skip']): ScaleMonth[] {
  const found = new Set<ScaleMonth>()
  for (const id of ids) {
    let month = year.months.find(month => month.id === id)
    if (month === undefined && skip === 'BACKWARD') month = year.months.findLast(month => month.id < id)
    if (month === undefined && skip === 'FORWARD') month = year.months.find(month => month.id > id) ?? scale.year(year.number + 1).months[0]
    if (month !== undefined) found.add(month)
  }
  return [...found].sort((a, b) => a.first - b.first)
}
