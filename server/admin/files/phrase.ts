import { weekday, yearOf } from '../../ical/civil.js'
import { AdminError } from '../place.js'
import { dayName, daysOf } from './clock.js'

/** What words say of a time. */
export interface Phrase {
  /** What is left of the text. */
  readonly title: string
  /** Days since 1970. */
  readonly day?: number
  /** The last day, where two were named. */
  readonly lastDay?: number
  /** Seconds of the day. */
  readonly from?: number
  readonly to?: number
  /** How long it takes, in seconds. */
  readonly seconds?: number
}

const month = '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?'
const fullWeekday = '(?:mon|tues|wednes|thurs|fri|satur|sun)day'
const anyWeekday = `(?:${fullWeekday}|mon|tue|tues|wed|thu|thurs|fri|sat|sun)\\.?`
const ordinal = '(?:st|nd|rd|th)?'
const explicit = [
  '\\d{4}-\\d{1,2}-\\d{1,2}',
  `\\d{1,2}${ordinal}\\.?\\s+(?:of\\s+)?${month}(?:,?\\s+\\d{4})?`,
  `${month}\\s+\\d{1,2}${ordinal}(?:,?\\s+\\d{4})?`,
  '\\d{1,2}\\.\\s?\\d{1,2}\\.(?:\\s?\\d{4})?'
].join('|')
const dayForm = `(?:(?:${anyWeekday},?\\s+)?(?:${explicit})|the day after tomorrow|today|tonight|tomorrow|in\\s+\\d{1,4}\\s+(?:days?|weeks?)|(?:next|this|on)\\s+${anyWeekday}|${fullWeekday})`
const timeForm = '(?:\\d{1,2}:\\d{2}(?::\\d{2})?(?:\\s?[ap]m)?|\\d{1,2}\\s?[ap]m|noon|midnight)'
const hour = '\\d{1,2}'
const to = '\\s*(?:-|–|—|to|until|till)\\s*'
const amount = '(?:\\d+(?:\\.\\d+)?\\s*(?:hours?|hrs?|h|minutes?|mins?|min|m|days?|d|weeks?|w)\\s*){1,3}|half an hour|an hour'

type Found = Omit<Phrase, 'title'>

interface Form {
  readonly form: string
  readonly read: (text: string, today: number) => Found
  /** It is one only beside a time of day: "enjoy the sun" is no Sunday. */
  readonly needsTime?: boolean
}

/** What may stand at the end of a title, or before it. The first that fits is taken. */
const forms: readonly Form[] = [
  { form: `(?:from\\s+)?${dayForm}${to}${dayForm}`, read: daysIn },
  { form: `(?:from|at)\\s+(?:${timeForm}|${hour})${to}(?:${timeForm}|${hour})`, read: timesIn },
  { form: `(?:${timeForm}|${hour}(?=${to}\\d{1,2}\\s?[ap]m))${to}${timeForm}`, read: timesIn },
  { form: `(?:until|till)\\s+${timeForm}`, read: text => ({ to: timeOf(text.replace(/^\w+\s+/, '')) }) },
  { form: `for\\s+(?:${amount})`, read: text => ({ seconds: lengthOf(text.replace(/^for\s+/i, '')) }) },
  { form: `(?:on\\s+)?${dayForm}`, read: (text, today) => ({ day: dayOf(text.replace(/^on\s+(?=\d|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/i, ''), today) }) },
  { form: `${anyWeekday}(?=\\s+(?:at\\s+|from\\s+)?${timeForm})`, read: (text, today) => ({ day: dayOf(text, today) }) },
  { form: anyWeekday, needsTime: true, read: (text, today) => ({ day: dayOf(text, today) }) },
  { form: `(?:at\\s+)?${timeForm}|at\\s+${hour}`, read: text => ({ from: timeOf(text.replace(/^at\s+/i, '')) }) }
]

/**
 * Finds day, time and length at the end of a text, or at its beginning: "Lunch with Bob tomorrow 12:00-13:00", "Mon 23 Nov 9:30 Dentist
 * for 45 min", "Holiday 2026-12-24 to 2026-12-27". English, and 24.12.2026. Words in the middle stay in the title.
 * @param today  days since 1970; a day without a year is the next of that name
 * @throws AdminError for what looks like a time and is none: 31 Feb, 25:00, Monday of a day that is a Tuesday
 */
export function understand (text: string, today: number): Phrase {
  let title = text.replace(/(\d{4}-\d{1,2}-\d{1,2})[Tt](?=\d{1,2}:)/g, '$1 ').trim()
  let found: Found = {}
  for (const [before, after] of [['(?:^|[\\s,;])', '\\s*[.,;]?$'], ['^', '(?:$|[\\s,;:])\\s*']] as const) {
    for (let again = true; again;) {
      again = false
      for (const { form, read, needsTime } of forms) {
        if (needsTime === true && found.from === undefined) continue
        const match = new RegExp(`${before}(${form})${after}`, 'i').exec(title)
        if (match === null) continue
        const one = read((match[1] ?? '').trim(), today)
        // what has been said already belongs to the title
        if (Object.keys(one).some(key => key in found)) continue
        found = { ...found, ...one }
        title = (title.slice(0, match.index) + title.slice(match.index + match[0].length)).trim()
        again = true
        break
      }
    }
  }
  return { ...found, title }
}

/** A day in words, days since 1970; undefined when it is none. @throws AdminError */
export function readDay (text: string, today: number): number | undefined {
  return new RegExp(`^(?:${dayForm})$`, 'i').test(text.trim()) ? dayOf(text.trim(), today) : new RegExp(`^(?:${anyWeekday})$`, 'i').test(text.trim()) ? dayOf(`on ${text.trim()}`, today) : undefined
}

/** A length in words, in seconds: '90m', '1h30m', '2 days', 'PT1H'; undefined when it is none. */
export function readLength (text: string): number | undefined {
  const iso = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i.exec(text.trim())
  if (iso !== null && /\d/.test(text)) return [604_800, 86_400, 3600, 60, 1].reduce((sum, unit, at) => sum + unit * Number(iso[at + 1] ?? 0), 0)
  return new RegExp(`^(?:${amount})$`, 'i').test(text.trim()) ? lengthOf(text.trim()) : undefined
}

const splitter = new RegExp(`^(?:from\\s+)?(${dayForm})${to}(${dayForm})$`, 'i')

function daysIn (text: string, today: number): Found {
  const [, first = '', last = ''] = splitter.exec(text) ?? []
  const day = dayOf(first, today)
  const lastDay = dayOf(last, day)
  if (lastDay < day) throw new AdminError(`"${text}" ends before it begins: from ${dayName(day)} to ${dayName(lastDay)}`)
  return { day, lastDay }
}

function timesIn (text: string): Found {
  const [first = '', last = ''] = text.replace(/^(?:from|at)\s+/i, '').split(new RegExp(to, 'i'))
  // "9-10am", "from 2 to 4 pm": the half of the day is that of the end, unless that would be backwards
  const half = /[ap]m$/i.exec(last)?.[0]
  const end = timeOf(last)
  const start = timeOf(first)
  if (half === undefined || /[ap]m$|noon|midnight/i.test(first)) return { from: start, to: end }
  const same = Number(/^\d+/.exec(first)?.[0] ?? 0) > 12 ? start : timeOf(first + half)
  return { from: same < end ? same : start, to: end }
}

function timeOf (text: string): number {
  if (/^noon$/i.test(text)) return 43_200
  if (/^midnight$/i.test(text)) return 0
  const [, hours = '', minutes = '0', seconds = '0', half] = /^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s?([ap]m)?$/i.exec(text) ?? []
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)]
  const isGood = half === undefined ? h <= 23 || (h === 24 && m === 0 && s === 0) : h >= 1 && h <= 12
  if (!isGood || m > 59 || s > 59) throw new AdminError(`"${text}" is no time of day: expected 0:00 to 23:59, or 12:00 am to 11:59 pm`)
  return (half === undefined ? h : h % 12 + (/pm/i.test(half) ? 12 : 0)) * 3600 + m * 60 + s
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

function dayOf (text: string, today: number): number {
  const word = text.toLowerCase()
  if (word === 'today' || word === 'tonight') return today
  if (word === 'tomorrow') return today + 1
  if (word === 'the day after tomorrow') return today + 2
  const [, count, unit] = /^in\s+(\d+)\s+(day|week)/.exec(word) ?? []
  if (count !== undefined) return today + Number(count) * (unit === 'week' ? 7 : 1)
  const [, named] = /^(?:(?:next|this|on)\s+)?(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?$/.exec(word) ?? []
  // never today: who means that says so
  if (named !== undefined) return today + 1 + (weekdayNames.indexOf(named) - weekday(today + 1) + 7) % 7
  return explicitDay(text, word, today)
}

function explicitDay (text: string, word: string, today: number): number {
  const [, said] = new RegExp(`^(${anyWeekday}),?\\s+`, 'i').exec(word) ?? []
  const rest = said === undefined ? word : word.replace(new RegExp(`^${anyWeekday},?\\s+`, 'i'), '')
  const [year, number, day] = partsOf(rest)
  // a year of the Gregorian calendar repeats its days after 8 at most
  const years = year === undefined ? [0, 1, 2, 3, 4, 5, 6, 7, 8].map(more => yearOf(today) + more) : [year]
  const found = years.map(one => daysOf(one, number, day)).find(days => days !== undefined && (year !== undefined || days >= today))
  if (found === undefined) throw new AdminError(`"${text}" is no day of the calendar`)
  if (said !== undefined && weekdayNames.indexOf(said.slice(0, 3)) !== weekday(found)) throw new AdminError(`"${text}": that day is ${dayName(found)}`)
  return found
}

function partsOf (text: string): readonly [year: number | undefined, month: number, day: number] {
  const [, y, m, d] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text) ?? []
  if (y !== undefined) return [Number(y), Number(m), Number(d)]
  const [, dotDay, dotMonth, dotYear] = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})?$/.exec(text) ?? []
  if (dotDay !== undefined) return [dotYear === undefined ? undefined : Number(dotYear), Number(dotMonth), Number(dotDay)]
  const name = new RegExp(month, 'i').exec(text)?.[0].slice(0, 3).toLowerCase() ?? ''
  const [day = '0', year] = text.replace(new RegExp(month, 'i'), ' ').match(/\d+/g) ?? []
  return [year === undefined ? undefined : Number(year), monthNames.indexOf(name) + 1, Number(day)]
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3600, m: 60, d: 86_400, w: 604_800 }

function lengthOf (text: string): number {
  if (/^half an hour$/i.test(text)) return 1800
  if (/^an hour$/i.test(text)) return 3600
  return [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z])[a-z]*/gi)].reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit?.toLowerCase() ?? ''] ?? 0), 0)
}
