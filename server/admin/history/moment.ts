/** What stands for a moment cannot be understood; the message says what can. */
export class MomentError extends Error {
  override readonly name = 'MomentError'
}

/** A moment (ms since 1970), or the place in a list, counted from 1. */
export type When = { readonly at: number } | { readonly number: number }

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

const forms: readonly (readonly [RegExp, (words: readonly string[], now: number) => number])[] = [
  [/^now$/, (_, now) => now],
  [/^(?:(today|yesterday)\s*)?(?:at\s+)?(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,3}))?)?$/, ([day = '', hours = '', minutes = '', seconds = '', rest = ''], now) => onDay(now, day === 'yesterday' ? -1 : 0, [hours, minutes, seconds, rest])],
  [/^today$/, (_, now) => onDay(now, 0, [])],
  // as people say it: about this time on the day before
  [/^yesterday$/, (_, now) => sameTime(now, -1)],
  [/^(an?|\d{1,6})\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d|weeks?|w)(?:\s+ago)?$/, ([many = '', unit = ''], now) => ago(now, many, unit)],
  [/^(\d{4})-(\d\d)-(\d\d)(?:[t\s]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,3}))?)?)?$/, ([year = '', month = '', day = '', ...time]) => local([Number(year), Number(month), Number(day)], time)]
]

/**
 * What people type for a moment in the past: what `momentText` prints (local time), ISO 8601 with a zone, 10:30 (today), 'yesterday', 'yesterday 18:00',
 * '2 hours ago', '3d', or a number of a list.
 * @param now  ms since 1970
 * @throws MomentError also for what is still to come
 */
export function readWhen (text: string, now: number): When {
  const typed = text.trim().toLowerCase()
  if (/^\d{1,5}$/.test(typed)) {
    if (Number(typed) > 0) return { number: Number(typed) }
    throw new MomentError(`${text}: lists are counted from 1, the latest`)
  }
  const at = momentOf(typed, now)
  if (!Number.isFinite(at)) throw new MomentError(`${JSON.stringify(text)} is no time: expected one like 2026-11-23 03:15, 10:30, yesterday, "2 hours ago", or a number of the list that caldavd history prints`)
  if (at > now) throw new MomentError(`${text} is still to come (${momentText(at)})`)
  return { at }
}

function momentOf (typed: string, now: number): number {
  for (const [form, read] of forms) {
    const found = form.exec(typed)
    if (found !== null) return read(found.slice(1).map(word => word ?? ''), now)
  }
  return /^\d{4}-\d\d-\d\dt\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)$/.test(typed) ? Date.parse(typed.toUpperCase()) : NaN
}

/** How long ago, in ms: '7d', '12 hours', '90m'. @throws MomentError */
export function readAge (text: string): number {
  const found = /^(an?|\d{1,6})\s*([a-z]+)$/.exec(text.trim().toLowerCase())
  const age = found === null ? NaN : -ago(0, found[1] ?? '', found[2] ?? '')
  if (!Number.isFinite(age)) throw new MomentError(`${JSON.stringify(text)} is no time: expected one like 7d, 12h or "2 weeks"`)
  return age
}

function ago (now: number, many: string, unit: string): number {
  return now - (many.startsWith('a') ? 1 : Number(many)) * (units[unit.slice(0, 1)] ?? NaN)
}

function sameTime (now: number, days: number): number {
  const date = new Date(now)
  date.setDate(date.getDate() + days)
  return date.getTime()
}

function onDay (now: number, days: number, time: readonly string[]): number {
  const date = new Date(sameTime(now, days))
  return local([date.getFullYear(), date.getMonth() + 1, date.getDate()], time)
}

function local ([year = 0, month = 0, day = 0]: readonly number[], [hours = '', minutes = '', seconds = '', rest = '']: readonly string[]): number {
  const date = new Date(year, month - 1, day, Number(hours), Number(minutes), Number(seconds), Number(rest.padEnd(3, '0')))
  const isReal = date.getMonth() === month - 1 && date.getDate() === day && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60
  return isReal ? date.getTime() : NaN
}

/** A moment in local time, cut off to the second: '2026-11-23 03:15:00'; with `exact` to the millisecond. */
export function momentText (at: number, exact = false): string {
  const date = new Date(at)
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${day} ${time}${exact ? `.${String(date.getMilliseconds()).padStart(3, '0')}` : ''}`
}

/** Moments as they are printed in one list: those of one second are told apart. */
export function momentTexts (moments: readonly number[]): string[] {
  const seconds = moments.map(at => momentText(at))
  return moments.map((at, row) => momentText(at, moments.some((other, place) => other !== at && seconds[place] === seconds[row])))
}
