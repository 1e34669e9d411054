import t from 'tap'
import { busyTypes, type Busy } from '../../../server/ical/availability.js'
import type { Component } from '../../../server/ical/component.js'
import { busyTime, findings, freeBusy } from '../../../server/ical/freebusy.js'
import { timelessOverlaps } from '../../../server/ical/overlap.js'
import { parse } from '../../../server/ical/parse.js'
import { Budget } from '../../../server/ical/recur.js'
import { UTC, zoneNamed, zonesOf } from '../../../server/ical/timezone.js'
import { write } from '../../../server/ical/write.js'

const at = (text: string): number => Date.parse(text) / 1000
const calendar = (...lines: string[]): Component => parse(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\n'))
const availability = (...lines: string[]): string[] => ['BEGIN:VAVAILABILITY', 'UID:1', ...lines, 'END:VAVAILABILITY']
const available = (...lines: string[]): string[] => ['BEGIN:AVAILABLE', 'UID:2', ...lines, 'END:AVAILABLE']
const letters = { BUSY: 'B', 'BUSY-UNAVAILABLE': 'U', 'BUSY-TENTATIVE': 'T' } as const

/** One letter for each two hours of a day, as the tables of RFC 7953 5.1 have it; of two types the one that says more. */
function slots (busy: Busy, midnight: string): string {
  const start = at(midnight)
  return Array.from({ length: 12 }, (_, slot) => {
    const from = start + slot * 7200
    const found = busyTypes.find(type => busy.get(type)?.some(range => range.start <= from && range.end >= from + 7200))
    if (found === undefined && [...busy.values()].flat().some(range => range.start < from + 7200 && range.end > from)) return '?'
    return found === undefined ? 'F' : letters[found]
  }).join('')
}

const asked = (objects: readonly Component[], midnight: string, zone = UTC): string =>
  slots(busyTime(objects, { start: at(midnight), end: at(midnight) + 86_400 }, zone), midnight)

t.test('RFC 7953 5.1', async t => {
  const base = availability('DTSTART;TZID=America/Montreal:20111002T000000', ...available('DTSTART;TZID=America/Montreal:20111002T080000', 'DTEND;TZID=America/Montreal:20111002T180000', 'RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'))
  const meeting = (start: string): string[] => ['BEGIN:VEVENT', 'UID:m', `DTSTART;TZID=${start}`, 'DURATION:PT2H', 'END:VEVENT']
  // the example says Monday, 6th November 2011, which was a Sunday; the table is that of Monday
  t.equal(asked([calendar(...base, ...meeting('America/Montreal:20111107T120000'))], '2011-11-07T05:00Z'), 'UUUUFFBFFUUU')
  const denver = availability('DTSTART;TZID=America/Denver:20111023T000000', 'DTEND;TZID=America/Denver:20111030T000000', 'PRIORITY:1',
    ...available('DTSTART;TZID=America/Denver:20111023T080000', 'DTEND;TZID=America/Denver:20111023T180000', 'RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'))
  const lunch = meeting('America/Denver:20111024T120000')
  t.equal(asked([calendar(...base, ...denver, ...lunch)], '2011-10-24T04:00Z'), 'UUUUUFFBFFUU')
  t.equal(asked([calendar(...lunch), calendar(...denver), calendar(...base)], '2011-10-24T04:00Z'), 'UUUUUFFBFFUU', 'from several objects, in any order')
})

t.test('how components are combined (RFC 7953 4)', async t => {
  const day = '2025-01-06T00:00Z'
  const from = (hour: number, end: number): string[] => [`DTSTART:20250106T${String(hour).padStart(2, '0')}0000Z`, `DTEND:20250106T${String(end).padStart(2, '0')}0000Z`]
  const all = ['DTSTART:20250106T000000Z', 'DURATION:P1D']
  for (const [why, parts, expected] of [
    ['without any time it is always', [availability()], 'UUUUUUUUUUUU'],
    ['from the start on', [availability('DTSTART:20250106T060000Z')], 'FFFUUUUUUUUU'],
    ['to the end', [availability('DTEND:20250106T060000Z')], 'UUUFFFFFFFFF'],
    ['for a duration', [availability('DTSTART:20250106T060000Z', 'DURATION:PT4H')], 'FFFUUFFFFFFF'],
    ['a duration without a start says nothing', [availability('DURATION:PT4H')], 'UUUUUUUUUUUU'],
    ['what cannot be read is not there', [availability('DTSTART:today', 'DTEND:20250106T060000Z')], 'UUUFFFFFFFFF'],
    ['the type', [availability('BUSYTYPE:busy-tentative')], 'TTTTTTTTTTTT'],
    ['a type that nobody knows', [availability('BUSYTYPE:X-LUNCH')], 'BBBBBBBBBBBB'],
    ['free time', [availability(...available(...from(8, 12)), ...available(...from(10, 16)))], 'UUUUFFFFUUUU'],
    ['only within its own', [availability(...from(8, 12), ...available(...from(2, 10)))], 'FFFFFUFFFFFF'],
    ['free time does not free others\' time', [availability(...from(0, 12)), availability(...from(12, 20), ...available(...from(4, 16)))], 'UUUUUUFFUUFF'],
    ['9 is above none', [availability('PRIORITY:9', ...from(8, 12), ...available(...from(8, 10))), availability(...all)], 'UUUUFUUUUUUU'],
    ['0 is none', [availability('PRIORITY:0', ...from(8, 12), 'BUSYTYPE:BUSY-TENTATIVE'), availability(...all)], 'UUUUUUUUUUUU'],
    ['1 is above 2', [availability('PRIORITY:1', ...from(8, 12), 'BUSYTYPE:BUSY-TENTATIVE'), availability('PRIORITY:2', ...all, 'BUSYTYPE:BUSY')], 'BBBBTTBBBBBB'],
    ['free time below is covered', [availability('PRIORITY:3', ...from(8, 12)), availability(...all, ...available(...from(6, 14)))], 'UUUFUUFUUUUU'],
    ['BUSY is above BUSY-UNAVAILABLE is above BUSY-TENTATIVE', [availability(...from(0, 12), 'BUSYTYPE:BUSY-TENTATIVE'), availability(...from(4, 16)), availability(...from(8, 10), 'BUSYTYPE:BUSY')], 'TTUUBUUUFFFF'],
    ['among equals what one calls available is free', [availability(...from(0, 12), ...available(...from(4, 8))), availability(...from(0, 16), 'BUSYTYPE:BUSY', ...available(...from(6, 10)))], 'BBFFFBBBFFFF'],
    ['exceptions and overrides', [availability(...available('DTSTART:20250104T080000Z', 'DURATION:PT2H', 'RRULE:FREQ=HOURLY;INTERVAL=4', 'EXDATE:20250106T120000Z'), ...available('RECURRENCE-ID:20250106T160000Z', 'DTSTART:20250106T180000Z', 'DURATION:PT2H'))], 'FUFUFUUUUFFU'],
    ['an event is above availability, free or not', [availability(...available(...from(8, 12))), ['BEGIN:VEVENT', 'UID:e', ...from(10, 14), 'END:VEVENT']], 'UUUUFBBUUUUU']
  ] as const) {
    t.equal(asked([calendar(...parts.flat())], day), expected, why)
    t.equal(asked([...parts].reverse().map(part => calendar(...part)), day), expected, `${why}, the other way round`)
  }
  const floating = calendar(...availability('DTSTART:20250106T050000', 'DTEND;VALUE=DATE:20250107', ...available('DTSTART:20250106T130000', 'DTEND:20250106T170000')))
  t.equal(asked([floating], day, zoneNamed('Asia/Tokyo')), 'UUFFUUU?FFFF', 'times without a zone are those of the calendar')
})

t.test('the table of RFC 7953 7.2.2', async t => {
  for (const [lines, expected] of [
    [['DTSTART:20250102T000000Z', 'DTEND:20250103T000000Z'], 'no yes yes no'], [['DTSTART:20250102T000000Z', 'DURATION:P1D'], 'no yes yes no'],
    [['DTSTART:20250102T000000Z'], 'no yes yes yes'], [['DTEND:20250102T000000Z'], 'yes no no no'], [[], 'yes yes yes yes'], [['DURATION:P1D'], 'yes yes yes yes'],
    [['DTSTART:20250102T000000Z', 'DTEND:20250102T000000Z'], 'no no no no']
  ] as const) {
    const object = calendar(...availability(...lines))
    const reading = { zones: zonesOf(object), floating: UTC }
    const days = ['2025-01-01', '2025-01-02', '2025-01-02T23:00Z', '2025-01-03'].map(day => ({ start: at(day), end: at(day) + 3600 * (day === '2025-01-01' ? 24 : 1) }))
    t.equal(days.map(range => timelessOverlaps(object.components[0] as Component, range, reading) ? 'yes' : 'no').join(' '), expected, lines.join())
  }
})

t.test('what cannot be told in full is known to be so', async t => {
  const hourly = calendar(...availability(...available('DTSTART:20250101T000000Z', 'DURATION:PT30M', 'RRULE:FREQ=HOURLY')))
  const budget = new Budget({ instances: 20 })
  findings([hourly], { start: at('2025-01-01'), end: at('2025-01-03') }, UTC, budget)
  t.equal(budget.exhausted, true)
  const open = freeBusy(busyTime([calendar(...availability('DTEND:20250103T000000Z')), calendar(...availability('DTSTART:20250104T000000Z'))], { start: -Infinity, end: Infinity }, UTC), { start: -Infinity, end: Infinity })
  t.match(write(open).replace(/\r\n /g, ''), 'FBTYPE=BUSY-UNAVAILABLE:00010101T000000Z/20250103T000000Z,20250104T000000Z/99991231T235959Z', 'time without end ends where years do')
})

// An independent reckoning, minute by minute: what is random is kept as plain values, written as text for us, and marked in an array here

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Africa/Casablanca']
/** Days around which clocks change in some of them. */
const borders = ['2018-11-04', '2018-02-18', '2024-03-31', '2024-10-27', '2024-03-10', '2024-11-03', '2024-04-07', '2024-10-06', '2024-07-01'].map(at)

const clocks = new Map<string, Intl.DateTimeFormat>()

/** The wall clock as if it were UTC. */
function local (zone: string, utc: number): number {
  let clock = clocks.get(zone)
  if (clock === undefined) clocks.set(zone, clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' }))
  const [, day, month, year, time] = /^(\d\d)\/(\d\d)\/(\d{4}), (.*)$/.exec(clock.format(utc * 1000)) ?? []
  return at(`${year}-${month}-${day}T${time}Z`)
}

/** RFC 5545 3.3.5: the first of two, and in a gap by the offset before it. */
function utcOf (zone: string, wall: number): number {
  const offsets = [wall - 86_400, wall + 86_400].map(utc => local(zone, utc) - utc)
  const fits = offsets.map(offset => wall - offset).filter(utc => local(zone, utc) === wall)
  return fits.length > 0 ? Math.min(...fits) : wall - (offsets[0] ?? 0)
}

/** A seeded source of whole numbers below a limit (mulberry32). */
function random (seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = state + 0x6D2B79F5 | 0
    let value = Math.imul(state ^ state >>> 15, 1 | state)
    value = value + Math.imul(value ^ value >>> 7, 61 | value) ^ value
    return Math.floor(((value ^ value >>> 14) >>> 0) / 4294967296 * below)
  }
}

interface Moved { readonly from: number, readonly to: number, readonly minutes: number, readonly lines: readonly string[], readonly type: string }

/** Something that happens, once or again: wall clock seconds of a zone, or of the floating one. */
interface Happening {
  readonly zone: string | undefined
  readonly isDate: boolean
  readonly start: number
  readonly length: { readonly minutes: number } | { readonly days: number }
  readonly hasEnd: boolean
  readonly every: number
  readonly weekdays: readonly number[]
  readonly without: readonly number[]
  readonly moved: Moved | undefined
  /** '' = does not count. */
  readonly type: string
  readonly lines: readonly string[]
}

const stamp = (wall: number, isDate = false): string => new Date(wall * 1000).toISOString().replace(/[-:]|\.\d+Z/g, '').slice(0, isDate ? 8 : 15)
const kinds = [['BUSY', []], ['BUSY', ['STATUS:CONFIRMED', 'TRANSP:OPAQUE']], ['BUSY-TENTATIVE', ['STATUS:TENTATIVE']], ['', ['TRANSP:TRANSPARENT']], ['', ['STATUS:CANCELLED']]] as const

function happening (next: (below: number) => number, around: number, kind: boolean): Happening {
  const isDate = kind && next(4) === 0
  const zone = isDate || next(5) === 0 ? undefined : zones[next(zones.length)]
  const start = around + (next(9) - 6) * 86_400 + (isDate ? 0 : next(24 * 12) * 300)
  const days = next(5) === 0 || isDate
  const every = next(3)
  const weekdays = every === 2 ? [new Date(start * 1000).getUTCDay(), next(7), next(7)] : []
  const [type, lines] = kind ? kinds[next(kinds.length)] ?? kinds[0] : ['', []]
  const [otherType, otherLines] = kind ? kinds[next(kinds.length)] ?? kinds[0] : ['', []]
  const from = start + (every === 1 ? 2 : 7) * 86_400
  return {
    zone, isDate, start, every, weekdays, type, lines, hasEnd: !days && next(2) === 0,
    length: days ? { days: 1 + next(2) } : { minutes: 5 * (1 + next(300)) },
    without: every > 0 && next(2) === 0 ? [start + 7 * 86_400 * next(2)] : [],
    moved: every > 0 && !isDate && next(2) === 0 ? { from, to: from + (next(40) - 20) * 1800, minutes: 30 * (1 + next(10)), lines: otherLines, type: otherType } : undefined
  }
}

const names = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']

function written (component: string, uid: string, { zone, isDate, start, length, hasEnd, every, weekdays, without, moved, lines }: Happening): string[] {
  const time = (name: string, wall: number): string => isDate ? `${name};VALUE=DATE:${stamp(wall, true)}` : zone === undefined ? `${name}:${stamp(wall)}` : zone === 'UTC' ? `${name}:${stamp(wall)}Z` : `${name};TZID=${zone}:${stamp(wall)}`
  const one = (from: number, more: readonly string[]): string[] => [`BEGIN:${component}`, `UID:${uid}`, time('DTSTART', from), ...more, `END:${component}`]
  const rule = every === 1 ? ['RRULE:FREQ=DAILY;INTERVAL=2'] : every === 2 ? [`RRULE:FREQ=WEEKLY;BYDAY=${[...new Set(weekdays)].map(day => names[day]).join()}`] : []
  const last = 'days' in length ? `DURATION:P${length.days}D` : hasEnd ? time('DTEND', start + length.minutes * 60) : `DURATION:PT${length.minutes}M`
  return [
    ...one(start, [last, ...rule, ...without.map(wall => time('EXDATE', wall)), ...lines]),
    ...moved === undefined ? [] : one(moved.to, [time('RECURRENCE-ID', moved.from), `DURATION:PT${moved.minutes}M`, ...moved.lines])
  ]
}

/** UTC seconds of everything that happens until a moment, with its type. */
function happenings ({ zone, isDate, start, length, hasEnd, every, weekdays, without, moved, type }: Happening, floating: string, until: number): { start: number, end: number, type: string }[] {
  const where = zone ?? floating
  const found: { start: number, end: number, type: string }[] = []
  for (let day = 0; start + day * 86_400 < until + 2 * 86_400; day++) {
    if (every === 0 && day > 0) break
    const wall = start + day * 86_400
    if (every === 1 ? day % 2 !== 0 : every === 2 && !weekdays.includes(new Date(wall * 1000).getUTCDay())) continue
    if (without.includes(wall) || moved?.from === wall) continue
    const from = utcOf(where, wall)
    // a length that DTEND gives is the exact one of the first; one that floats is what the clock shows
    const end = 'days' in length ? utcOf(where, wall + length.days * 86_400)
      : from + (hasEnd && zone !== undefined ? utcOf(where, start + length.minutes * 60) - utcOf(where, start) : length.minutes * 60)
    found.push({ start: from, end: isDate ? utcOf(where, wall + ('days' in length ? length.days : 1) * 86_400) : end, type })
  }
  if (moved !== undefined) {
    const from = utcOf(where, moved.to)
    found.push({ start: from, end: from + moved.minutes * 60, type: moved.type })
  }
  return found
}

interface Block { readonly start: number | undefined, readonly end: number | undefined, readonly priority: number, readonly type: string, readonly free: readonly Happening[] }

function block (next: (below: number) => number, around: number): Block {
  const start = next(3) === 0 ? undefined : around + (next(9) - 5) * 43_200
  return {
    start, end: next(3) === 0 ? undefined : (start ?? around) + (1 + next(8)) * 43_200,
    priority: [0, 0, 9, 5, 1][next(5)] ?? 0, type: busyTypes[next(3)] ?? 'BUSY', free: Array.from({ length: next(4) }, () => happening(next, around, false))
  }
}

t.test('random calendars are as busy as each minute of them', async t => {
  const cases = 1000
  let minutesBusy = 0
  const wrong: string[] = []
  for (let seed = 1; seed <= cases; seed++) {
    const next = random(seed)
    const around = borders[next(borders.length)] ?? 0
    const range = { start: around + (next(96) - 72) * 1800, end: 0 }
    range.end = range.start + (1 + next(96 * 2)) * 1800
    const floating = zones[next(zones.length)] ?? 'UTC'
    const events = Array.from({ length: next(5) }, () => happening(next, around, true))
    const blocks = Array.from({ length: next(4) }, () => block(next, around))
    const text = [...events.map((one, index) => written('VEVENT', `e${index}`, one)), ...blocks.map(({ start, end, priority, type, free }, index) => [
      'BEGIN:VAVAILABILITY', `UID:b${index}`, `PRIORITY:${priority}`, `BUSYTYPE:${type}`, ...start === undefined ? [] : [`DTSTART:${stamp(start)}Z`], ...end === undefined ? [] : [`DTEND:${stamp(end)}Z`],
      ...free.flatMap((one, inner) => written('AVAILABLE', `a${inner}`, one)), 'END:VAVAILABILITY'])]
    const busy = busyTime(text.map(lines => calendar(...lines)), range, zoneNamed(floating) ?? UTC)

    const minutes = (range.end - range.start) / 60
    const expected = new Map(busyTypes.map(type => [type as string, new Uint8Array(minutes)]))
    const mark = (array: Uint8Array | undefined, from: number, to: number, value: number): void => { array?.fill(value, Math.max(0, (from - range.start) / 60), Math.max(0, (to - range.start) / 60)) }
    const away = new Uint8Array(minutes)
    for (const level of [0, 9, 5, 1]) {
      const marks = new Uint8Array(minutes)
      for (const value of [3, 2, 1]) for (const one of blocks) if (one.priority === level && busyTypes[value - 1] === one.type) mark(marks, one.start ?? range.start, one.end ?? range.end, value)
      for (const one of blocks.filter(({ priority }) => priority === level)) {
        for (const free of one.free.flatMap(each => happenings(each, floating, range.end))) mark(marks, Math.max(free.start, one.start ?? -Infinity), Math.max(Math.min(free.end, one.end ?? Infinity), one.start ?? -Infinity), 4)
      }
      for (let minute = 0; minute < minutes; minute++) if (marks[minute] !== 0) away[minute] = marks[minute] ?? 0
    }
    busyTypes.forEach((type, index) => { for (let minute = 0; minute < minutes; minute++) if (away[minute] === index + 1) mark(expected.get(type), range.start + minute * 60, range.start + minute * 60 + 60, 1) })
    for (const one of events.flatMap(each => happenings(each, floating, range.end))) if (one.type !== '') mark(expected.get(one.type), one.start, one.end, 1)

    for (const type of busyTypes) {
      const found = new Uint8Array(minutes)
      let last = -Infinity
      for (const { start, end } of busy.get(type) ?? []) {
        if (start <= last || end <= start || start < range.start || end > range.end) wrong.push(`seed ${seed}: ${type} is not merged or cut`)
        last = end
        mark(found, start, end, 1)
      }
      minutesBusy += found.reduce((sum, value) => sum + value, 0)
      const minute = found.findIndex((value, index) => value !== expected.get(type)?.[index])
      if (minute !== -1) wrong.push(`seed ${seed}: ${type} at ${new Date((range.start + minute * 60) * 1000).toISOString()} is ${found[minute]}; floating ${floating}\n${text.flat().join('\n')}`)
    }
  }
  t.same(wrong.slice(0, 2), [], `${wrong.length} differences`)
  t.ok(minutesBusy > cases * 500, `${minutesBusy} busy minutes were compared`)
})
