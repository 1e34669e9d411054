import { isHeld } from '../../store/rollback.js'
import { calendarLines, eventLines, homeLines, type CalendarLine, type EventLine, type HomeLine } from '../admin/files/listing.js'
import { isoWhen, whenName, type Clock } from '../admin/files/clock.js'
import { spot } from '../admin/files/spot.js'
import { AdminError } from '../admin/place.js'
import type { Usage } from './arguments.js'
import { clockOf, print, printJson, say, styleFor, zoneOption, type Style } from './print.js'
import { size } from './size.js'
import { columns } from './table.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `ls` is called. */
export const lsUsage = {
  command: 'caldavd ls', operands: ['[PATH…]'],
  meaning: 'Lists homes; the calendars of a home (alice); the events of a calendar (alice/work).',
  options: {
    long: { kind: 'switch', short: 'l', meaning: 'more about each: sizes, with whom it is shared, how it repeats' },
    json: { kind: 'switch', meaning: 'as JSON, one array' },
    ...zoneOption, ...treeOptions
  }
} as const satisfies Usage

/** `caldavd ls`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function ls (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(lsUsage, argv, io, async (site, { options, operands }) => {
    const showing: Showing = { clock: clockOf(io, options.tz), style: styleFor(io), isLong: options.long }
    const spots = operands.map(typed => spot(site, typed))
    const all: unknown[] = []
    const texts: string[] = []
    if (spots.length === 0) {
      const lines = await homeLines(site)
      all.push(...lines)
      texts.push(lines.length === 0 ? '' : homeTable(lines, showing))
      if (lines.length === 0 && !options.json) say(io, 'nobody has a home yet: homes are made when somebody logs in')
    }
    for (const [at, place] of spots.entries()) {
      const title = spots.length > 1 ? `${at > 0 ? '\n' : ''}${operands[at] ?? ''}:\n` : ''
      if (place.member !== undefined || place.collection.holdsObjects) {
        const lines = (await eventLines(place, showing.clock.zone)).filter(({ file }) => place.member === undefined || file === place.member.name)
        all.push(...lines.map(each => eventJson(each, showing)))
        texts.push(title + eventTable(lines, showing))
      } else if (place.kind === 'home' || place.kind === 'folder') {
        const lines = await calendarLines(site, place)
        all.push(...lines)
        texts.push(title + (lines.length === 0 ? '' : calendarTable(lines, showing)))
      } else throw new AdminError(`${operands[at] ?? ''} holds messages of the server and nothing that people list`)
    }
    if (options.json) await printJson(io, all)
    else for (const text of texts) await print(io, text)
    return 0
  })
}

interface Showing { readonly clock: Clock, readonly style: Style, readonly isLong: boolean }

function homeTable (lines: readonly HomeLine[], { isLong }: Showing): string {
  return columns([['HOME', 'NAME', 'CALENDARS', 'EVENTS', ...isLong ? ['SIZE'] : []],
    ...lines.map(({ path, name, calendars, events, bytes }) => [path, name, String(calendars), String(events), ...isLong ? [size(bytes)] : []])])
}

function calendarTable (lines: readonly CalendarLine[], { style, isLong }: Showing): string {
  return columns([['CALENDAR', 'NAME', 'EVENTS', 'COLOUR', ...isLong ? ['SIZE'] : [], 'SHARED WITH', ''], ...lines.map(each => [
    each.kind === 'folder' ? `${each.path}/` : each.path, each.name, each.kind === 'folder' ? '-' : String(each.events), each.colour === '' ? '' : style.swatch(each.colour),
    ...isLong ? [size(each.bytes)] : [], sharedText(each, isLong), remarkOn(each)
  ])])
}

function remarkOn ({ problems, held }: CalendarLine): string {
  return [...problems === 0 ? [] : [`${problems} broken: see caldavd doctor`], ...held === 0 ? [] : [`${held} held: see caldavd restore --help`]].join('; ')
}

function sharedText ({ shared }: CalendarLine, isLong: boolean): string {
  if (shared.length === 0) return '-'
  return isLong ? shared.map(({ who, may }) => `${who}: ${may}`).join('; ') : [...new Set(shared.map(({ who }) => who))].join(', ')
}

function eventTable (lines: readonly EventLine[], { clock, style, isLong }: Showing): string {
  if (lines.length === 0) return ''
  return columns([['FILE', 'START', ...isLong ? ['REPEATS', 'SIZE', 'CHANGED', 'TYPE'] : [], 'SUMMARY'], ...lines.map(each => [
    each.file, each.start === undefined ? '-' : whenName(each.start, clock.zone),
    ...isLong ? [each.repeats ?? '-', size(each.size), each.modified === 0 ? '-' : new Date(each.modified).toISOString().slice(0, 16).replace('T', ' ') + 'Z', each.component] : [],
    each.summary + (each.problem === '' ? '' : style.bold(` [${isHeld(each.problem) ? 'held' : 'broken'}: ${each.problem}]`))
  ])])
}

function eventJson ({ start, end, modified, ...rest }: EventLine, { clock: { zone } }: Showing): unknown {
  return { ...rest, repeats: rest.repeats ?? null, start: start === undefined ? null : isoWhen(start, zone), end: end === undefined ? null : isoWhen(end, zone), modified: modified === 0 ? null : new Date(modified).toISOString() }
}
