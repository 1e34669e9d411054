/** Seconds in a day of the wall clock. */
export const DAY = 86400

/** Days since 1970-01-01 of a Gregorian date; `month` 1–12, `day` may lie outside the month. */
export function daysFromCivil (year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const ofEra = y - era * 400
  const ofYear = ((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 | 0) + day - 1
  return era * 146097 + ofEra * 365 + (ofEra >> 2) - (ofEra / 100 | 0) + ofYear - 719468
}

/** The date of a day since 1970 in one number (nothing is allocated): year × 512 + month × 32 + day. */
export function civilFromDays (days: number): number {
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const ofEra = shifted - era * 146097
  const yearOfEra = (ofEra - (ofEra / 1460 | 0) + (ofEra / 36524 | 0) - (ofEra / 146096 | 0)) / 365 | 0
  const ofYear = ofEra - (365 * yearOfEra + (yearOfEra >> 2) - (yearOfEra / 100 | 0))
  const shiftedMonth = (5 * ofYear + 2) / 153 | 0
  const day = ofYear - ((153 * shiftedMonth + 2) / 5 | 0) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0)) * 512 + month * 32 + day
}

/** The year of a day since 1970. */
export function yearOf (days: number): number {
  return Math.floor(civilFromDays(days) / 512)
}

/** Gregorian leap years. */
export function isLeap (year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** Days of a month, 28–31. */
export function daysInMonth (year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days of a year, 365 or 366. */
export function daysInYear (year: number): number {
  return isLeap(year) ? 366 : 365
}

/** Weekday of a day since 1970: 0 is Sunday. */
export function weekday (days: number): number {
  const rest = (days + 4) % 7
  return rest < 0 ? rest + 7 : rest
}
