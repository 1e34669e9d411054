import { agenda as agendaOf, type Occurrence } from '../admin/files/occurrences.js'
import { dayName, isoDay, isoWhen, localOf, timeName, today as todayOf, type Clock } from '../admin/files/clock.js'
import { colourOf } from '../admin/files/listing.js'
import { readDay } from '../admin/files/phrase.js'
import { calendarsAt, shownPath } from '../admin/files/spot.js'
import { DAY } from '../ical/civil.js'
import { property } from '../ical/component.js'
import type { Site } from '../site/site.js'
import { ArgumentError, type Usage } from './arguments.js'
import { clockOf, print, printJson, say, styleFor, zoneOption, type Style } from './print.js'
import { columns } from './table.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

const json = { kind: 'switch', meaning: 'as JSON, one array' } as const

/** How `today` is called. */
export const todayUsage = {
  command: 'caldavd today', operands: ['[PATH…]'],
  meaning: 'Shows what happens today and which tasks are due, in all calendars or those of PATH (alice, alice/work).',
  options: { json, ...zoneOption, ...treeOptions }
} as const satisfies Usage

/** How `agenda` is called. */
export const agendaUsage = {
  command: 'caldavd agenda', operands: ['[PATH…]'],
  meaning: 'Shows what happens in the next days and which tasks are due, in all calendars or those of PATH (alice, alice/work).',
  options: {
    days: { kind: 'text', value: 'NUMBER', meaning: 'how many days (7), at most 3660' },
    from: { kind: 'text', value: 'DAY', meaning: 'the first of them (today): 2026-11-23, tomorrow, "23 Nov"' },
    json, ...zoneOption, ...treeOptions
  }
} as const satisfies Usage

/** `caldavd today`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function today (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(todayUsage, argv, io, async (site, { options, operands }) => {
    const clock = clockOf(io, options.tz)
    return await show(site, io, { clock, paths: operands, first: todayOf(clock), days: 1, isJson: options.json })
  })
}

/** `caldavd agenda`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function agenda (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(agendaUsage, argv, io, async (site, { options, operands }) => {
    const clock = clockOf(io, options.tz)
    const days = options.days === undefined ? 7 : Number(options.days)
    if (!Number.isInteger(days) || days < 1 || days > 3660) throw new ArgumentError(`--days ${options.days ?? ''}: expected a number from 1 to 3660`)
    const first = options.from === undefined ? todayOf(clock) : readDay(options.from, todayOf(clock))
    if (first === undefined) throw new ArgumentError(`--from ${options.from ?? ''}: expected a day like 2026-11-23, tomorrow or "23 Nov"`)
    return await show(site, io, { clock, paths: operands, first, days, isJson: options.json })
  })
}

interface Asked { readonly clock: Clock, readonly paths: readonly string[], readonly first: number, readonly days: number, readonly isJson: boolean }

async function show (site: Site, io: Io, { clock, paths, first, days, isJson }: Asked): Promise<number> {
  const { zone } = clock
  const window = { start: zone.toUtc(first * DAY), end: zone.toUtc((first + days) * DAY) }
  const { occurrences, partly } = await agendaOf(calendarsAt(site, paths), window, zone, first === todayOf(clock))
  for (const { place, member } of partly) say(io, `${shownPath(place, member.name)} repeats too often: not all of it is listed`)
  if (isJson) await printJson(io, occurrences.map(each => asJson(each, clock)))
  else await print(io, asText(occurrences, { clock, first, days }, styleFor(io)))
  return 0
}

function asJson ({ place, member, component, kind, summary, location, start, end, recurrenceId }: Occurrence, { zone }: Clock): unknown {
  return {
    kind, summary, location, allDay: start.date, start: isoWhen(start, zone), end: isoWhen(end, zone),
    status: property(component, 'STATUS')?.value.trim().toUpperCase() ?? null, calendar: shownPath(place), path: shownPath(place, member.name), uid: member.uid,
    recurrenceId: recurrenceId === undefined ? null : isoWhen(recurrenceId, zone)
  }
}

interface Days { readonly clock: Clock, readonly first: number, readonly days: number }

function asText (occurrences: readonly Occurrence[], { clock, first, days }: Days, style: Style): string {
  const byDay = new Map<number, Row[]>()
  for (const each of occurrences) {
    for (const row of rowsOf(each, clock, first, days)) byDay.set(row.day, [...byDay.get(row.day) ?? [], row])
  }
  if (byDay.size === 0) return `Nothing ${days === 1 ? `on ${dayName(first)}` : `from ${dayName(first)} to ${dayName(first + days - 1)}`}\n`
  const sorted = [...byDay].sort(([a], [b]) => a - b).map(([day, rows]) => [day, rows.sort((a, b) => a.key - b.key)] as const)
  const cells = sorted.flatMap(([, rows]) => rows.map(({ time, text, path, colour }) => [`  ${time}`, text, style.dim(path) + (colour === '' ? '' : ` ${style.swatch(colour)}`)]))
  const lines = columns(cells).split('\n')
  let text = ''
  let at = 0
  for (const [day, rows] of sorted) {
    text += `${text === '' ? '' : '\n'}${style.bold(dayName(day))}\n${lines.slice(at, at += rows.length).join('\n')}\n`
  }
  return text
}

interface Row { readonly day: number, readonly key: number, readonly time: string, readonly text: string, readonly path: string, readonly colour: string }

/** On each day that it touches one row. */
function rowsOf (one: Occurrence, { zone }: Clock, first: number, days: number): Row[] {
  const [from, to] = [localOf(one.start, zone), localOf(one.end, zone)]
  const firstDay = Math.floor(from / DAY)
  // an end at midnight belongs to the day before
  const lastDay = Math.max(firstDay, Math.ceil(to / DAY) - 1)
  const rows: Row[] = []
  const colour = colourOf(one.place.collection.directory)
  const path = shownPath(one.place)
  if (one.kind === 'task') {
    const isLate = firstDay < first
    return [{ day: Math.max(first, firstDay), key: one.start.date || isLate ? -1 : from, time: isLate ? 'overdue' : one.start.date ? 'due' : `due ${timeName(from)}`, text: `[ ] ${textOf(one)}${isLate ? ` (since ${isoDay(firstDay)})` : ''}`, path, colour }]
  }
  for (let day = Math.max(first, firstDay); day <= Math.min(lastDay, first + days - 1); day++) {
    const begins = from >= day * DAY
    const ends = to <= (day + 1) * DAY
    const isWhole = one.start.date || (!begins && !ends)
    const time = isWhole ? 'all day' : from === to ? timeName(from) : `${begins ? timeName(from) : '…'}–${ends ? timeName(to) : '…'}`
    rows.push({ day, key: isWhole ? -2 : begins ? from : day * DAY, time, text: textOf(one), path, colour })
  }
  return rows
}

function textOf ({ component, summary, location }: Occurrence): string {
  const status = property(component, 'STATUS')?.value.trim().toUpperCase()
  return `${status === 'CANCELLED' ? 'cancelled: ' : status === 'TENTATIVE' ? 'maybe: ' : ''}${summary || '(no title)'}${location === '' ? '' : ` (${location})`}`
}
