import { randomUUID } from 'node:crypto'
import { DAY, daysFromCivil, yearOf } from '../../ical/civil.js'
import { escapeText, type Component, type Property } from '../../ical/component.js'
import { formatWhen, type Zone } from '../../ical/time.js'
import { vtimezoneFor } from '../../ical/vtimezone-write.js'
import { write } from '../../ical/write.js'
import { AdminError } from '../place.js'
import { dayName, timeName, today, type Clock } from './clock.js'
import { readLength, understand, type Phrase } from './phrase.js'

/** An event or task as somebody asks for it in words. */
export interface Wish {
  readonly title: string
  /** Instead of what the title says. */
  readonly at?: string | undefined
  readonly until?: string | undefined
  readonly length?: string | undefined
  readonly isAllDay: boolean
  readonly isTask: boolean
  /** 'weekly', or a rule of RFC 5545 3.3.10. */
  readonly repeat?: string | undefined
  readonly location?: string | undefined
  readonly description?: string | undefined
  /** How long before: '15m'. */
  readonly alarms: readonly string[]
}

/** What was understood. */
export interface Draft {
  readonly uid: string
  readonly text: string
  readonly title: string
  /** For people: 'Mon 23 Nov 2026 12:00–13:00 (Europe/Berlin)'; '' for a task without a date. */
  readonly when: string
  /** ISO 8601 without offset, in the zone; a date for what lasts whole days, whose end is the day after the last. Of a task `end` is when it is due. */
  readonly start: string | undefined
  readonly end: string | undefined
}

/** Wall-clock seconds; of whole days the first midnight and the one after the last. */
interface Time { readonly from: number, readonly to: number, readonly isAllDay: boolean }

/** Words → an object with one component, ready to be written. @throws AdminError when the words say no time, or an impossible one */
export function compose (wish: Wish, clock: Clock): Draft {
  const phrase = wish.at === undefined ? understand(wish.title, today(clock)) : { ...whole(wish.at, '--at', clock), title: wish.title.trim() }
  const { title } = phrase
  if (title === '') throw new AdminError(`${JSON.stringify(wish.title)} has no title: expected something like "Lunch with Bob tomorrow 12:00-13:00"`)
  const time = timeOf(phrase, wish, clock)
  if (time === undefined && !wish.isTask) throw new AdminError(`when? Neither the title ${JSON.stringify(title)} nor --at says so: expected something like "${title} tomorrow 12:00-13:00"`)
  if (time !== undefined && !time.isAllDay) for (const local of [time.from, time.to]) demandThere(local, clock.zone)
  const uid = randomUUID()
  const component = componentOf(wish, { title, uid, time, clock })
  const zone = time === undefined || time.isAllDay || isUtc(clock.zone) ? undefined : vtimezoneFor(clock.zone.id, daysFromCivil(yearOf(Math.floor(Math.min(time.from, clock.now) / DAY)) - 1, 1, 1) * DAY)
  const calendar = { name: 'VCALENDAR', properties: [line('VERSION', '2.0'), line('PRODID', '-//caldavd//caldavd//EN')], components: [...zone === undefined ? [] : [zone], component], line: 0 }
  return { uid, text: write(calendar), title, when: time === undefined ? '' : whenText(time, wish.isTask, clock.zone), ...isoOf(time, wish.isTask) }
}

/** The words of an option, which say a time and nothing else. */
function whole (text: string, option: string, clock: Clock): Phrase {
  const phrase = understand(text, today(clock))
  if (phrase.title !== '' || Object.keys(phrase).length === 1) throw new AdminError(`${option} ${JSON.stringify(text)}: expected a time like "tomorrow 12:00", "2026-11-23 12:00-13:00", or a day like "23 Nov"${phrase.title === '' || phrase.title === text.trim() ? '' : `; not understood: ${JSON.stringify(phrase.title)}`}`)
  return phrase
}

const hour = 3600

function timeOf (phrase: Phrase, wish: Wish, clock: Clock): Time | undefined {
  const until = wish.until === undefined ? undefined : whole(wish.until, '--until', clock)
  const seconds = wish.length === undefined ? phrase.seconds : readLength(wish.length)
  if (wish.length !== undefined && (seconds === undefined || seconds <= 0)) throw new AdminError(`--for ${JSON.stringify(wish.length)}: expected a length like 90m, 1h30m or "2 days"`)
  if (phrase.day === undefined && phrase.from === undefined) {
    if (wish.isAllDay || until !== undefined || seconds !== undefined || phrase.to !== undefined) throw new AdminError('from when? There is an end or a length, and no beginning: expected something like "tomorrow 12:00"')
    return undefined
  }
  if (until !== undefined && (seconds !== undefined || phrase.to !== undefined)) throw new AdminError('two ends: give --until, --for or an end in the words, one of them')
  if (phrase.to !== undefined && seconds !== undefined) throw new AdminError('two ends: give a length or an end, one of them')
  const day = phrase.day ?? nextDay(phrase.from ?? 0, clock)
  if (phrase.from === undefined || wish.isAllDay) {
    if (phrase.from !== undefined || phrase.to !== undefined || until?.from !== undefined) throw new AdminError(wish.isAllDay ? 'a time of day and --all-day contradict each other' : `from when on ${dayName(day)}? There is an end, and no beginning: expected something like "12:00-13:00"`)
    return allDay(day, until?.day ?? phrase.lastDay, seconds)
  }
  if (phrase.lastDay !== undefined) throw new AdminError('a time of day and two days: give the end by --until')
  const from = day * DAY + phrase.from
  return { from, to: endOf(from, phrase, until, seconds ?? (wish.isTask ? 0 : hour)), isAllDay: false }
}

function allDay (day: number, lastDay: number | undefined, seconds: number | undefined): Time {
  if (seconds !== undefined && seconds % DAY !== 0) throw new AdminError(`at what time on ${dayName(day)}? There is a length of hours, and no beginning: expected something like "12:00"`)
  const last = lastDay ?? day + (seconds ?? DAY) / DAY - 1
  if (last < day) throw new AdminError(`it ends (${dayName(last)}) before it begins (${dayName(day)})`)
  return { from: day * DAY, to: (last + 1) * DAY, isAllDay: true }
}

function endOf (from: number, phrase: Phrase, until: Phrase | undefined, seconds: number): number {
  const end = until?.from ?? until?.to ?? phrase.to
  if (until !== undefined && end === undefined) throw new AdminError('--until names a day and no time of day, and the beginning has one')
  if (end === undefined) return from + seconds
  const to = (until?.day ?? Math.floor(from / DAY)) * DAY + end
  // 22:00-02:00 ends the next day
  if (to <= from && until?.day === undefined) return to + DAY
  if (to <= from) throw new AdminError(`it ends (${dayName(Math.floor(to / DAY))} ${timeName(to)}) before it begins (${dayName(Math.floor(from / DAY))} ${timeName(from)})`)
  return to
}

/** A time of day alone is the next one. */
function nextDay (from: number, clock: Clock): number {
  const day = today(clock)
  return day * DAY + from > clock.zone.toLocal(clock.now) ? day : day + 1
}

// what the clock skips nobody can keep
function demandThere (local: number, zone: Zone): void {
  const real = zone.toLocal(zone.toUtc(local))
  if (real !== local) throw new AdminError(`there is no ${timeName(local)} on ${dayName(Math.floor(local / DAY))} in ${zone.id}: the clock goes forward over it`)
}

function isUtc ({ id }: Zone): boolean {
  return id === 'UTC'
}

interface Parts { readonly title: string, readonly uid: string, readonly time: Time | undefined, readonly clock: Clock }

function componentOf (wish: Wish, { title, uid, time, clock }: Parts): Component {
  const stamp = formatWhen({ date: false, local: clock.now, zone: 'utc' })
  const texts = [['SUMMARY', title], ['LOCATION', wish.location], ['DESCRIPTION', wish.description]] as const
  return {
    name: wish.isTask ? 'VTODO' : 'VEVENT', line: 0,
    properties: [
      line('UID', uid), line('DTSTAMP', stamp), line('CREATED', stamp), ...dates(time, wish.isTask, clock.zone), ...ruleOf(wish, time),
      ...texts.flatMap(([name, text]) => text === undefined || text === '' ? [] : [line(name, escapeText(text))])
    ],
    components: wish.alarms.map(text => alarm(text, title, wish.isTask))
  }
}

function dates (time: Time | undefined, isTask: boolean, zone: Zone): Property[] {
  if (time === undefined) return []
  const { from, to, isAllDay } = time
  const at = (name: string, local: number): Property => isAllDay ? line(name, formatWhen({ date: true, local, zone: 'floating' }), { VALUE: ['DATE'] })
    : isUtc(zone) ? line(name, formatWhen({ date: false, local, zone: 'utc' })) : line(name, formatWhen({ date: false, local, zone: 'floating' }), { TZID: [zone.id] })
  // a task is due on its last day, not before the day after
  if (isTask) return [at('DUE', isAllDay ? to - DAY : to)]
  return [at('DTSTART', from), at('DTEND', to)]
}

/** What --repeat takes besides a rule. */
export const repeats: Readonly<Record<string, string>> = {
  daily: 'FREQ=DAILY', weekly: 'FREQ=WEEKLY', biweekly: 'FREQ=WEEKLY;INTERVAL=2', monthly: 'FREQ=MONTHLY', yearly: 'FREQ=YEARLY', weekdays: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'
}

function ruleOf ({ repeat }: Wish, time: Time | undefined): Property[] {
  if (repeat === undefined) return []
  if (time === undefined) throw new AdminError('--repeat: from when? What repeats needs a day')
  const rule = /^(?:RRULE:)?(FREQ=.*)$/i.exec(repeat)?.[1]?.toUpperCase() ?? (Object.hasOwn(repeats, repeat) ? repeats[repeat] : undefined)
  if (rule === undefined) throw new AdminError(`--repeat ${JSON.stringify(repeat)}: expected ${Object.keys(repeats).join(', ')}, or a rule like FREQ=WEEKLY;BYDAY=MO,TH`)
  return [line('RRULE', rule)]
}

function alarm (text: string, title: string, isTask: boolean): Component {
  const seconds = text.trim() === '0' ? 0 : readLength(text)
  if (seconds === undefined) throw new AdminError(`--alarm ${JSON.stringify(text)}: expected how long before, like 15m, 2h or "1 day"`)
  const trigger = seconds === 0 ? 'PT0S' : seconds % DAY === 0 ? `-P${seconds / DAY}D` : `-PT${seconds % hour === 0 ? `${seconds / hour}H` : `${Math.ceil(seconds / 60)}M`}`
  return { name: 'VALARM', line: 0, components: [], properties: [line('ACTION', 'DISPLAY'), line('TRIGGER', trigger, isTask ? { RELATED: ['END'] } : {}), line('DESCRIPTION', escapeText(title))] }
}

function whenText ({ from, to, isAllDay }: Time, isTask: boolean, zone: Zone): string {
  const [first, last] = [Math.floor(from / DAY), Math.floor((isAllDay ? to - 1 : to) / DAY)]
  if (isTask) return isAllDay ? dayName(last) : `${dayName(last)} ${timeName(to)} (${zone.id})`
  if (isAllDay) return first === last ? `${dayName(first)}, all day` : `${dayName(first)} – ${dayName(last)}, all day`
  return `${dayName(first)} ${timeName(from)}–${first === last ? '' : `${dayName(last)} `}${timeName(to)} (${zone.id})`
}

function isoOf (time: Time | undefined, isTask: boolean): Pick<Draft, 'start' | 'end'> {
  if (time === undefined) return { start: undefined, end: undefined }
  const iso = (local: number): string => new Date(local * 1000).toISOString().slice(0, time.isAllDay ? 10 : 19)
  const end = iso(time.isAllDay && isTask ? time.to - DAY : time.to)
  return { start: isTask ? undefined : iso(time.from), end }
}

function line (name: string, value: string, parameters: Record<string, readonly string[]> = {}): Property {
  return { name, parameters: Object.assign(Object.create(null) as Record<string, readonly string[]>, parameters), value, line: 0 }
}
