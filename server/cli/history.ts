import type { End } from '../../store/history/version.js'
import { glimpse, printable, type Glimpse } from '../admin/history/event.js'
import { happenings, statesOf, type Happening, type State } from '../admin/history/events.js'
import { momentText, momentTexts } from '../admin/history/moment.js'
import { spotAt, typedPath, type Spot } from '../admin/history/place.js'
import type { Site } from '../site/site.js'
import { ArgumentError, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { size } from './size.js'
import { columns } from './table.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `history` is called. */
export const historyUsage = {
  command: 'caldavd history', operands: ['PATH'],
  meaning: 'Shows what an event (alice/work/standup.ics) was before, or what happened in a calendar (alice/work), latest first;\nalso of what is not there any more. The numbers and times are those that diff and undo take.',
  options: {
    limit: { kind: 'text', short: 'n', value: 'NUMBER', meaning: 'so many lines (40); 0 = all' },
    json: { kind: 'switch', meaning: 'as JSON, one array' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd history`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function history (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(historyUsage, argv, io, async (site, { options, operands: [typed = ''] }) => {
    const most = limitOf(options.limit)
    const spot = await spotAt(site, typed, process.cwd())
    if (spot.isCollection) await showCollection(site, spot, most, options.json, io)
    else await showFile(spot, most, options.json, io)
    return 0
  })
}

function limitOf (text = '40'): number {
  if (!/^\d{1,9}$/.test(text)) throw new ArgumentError(`--limit ${text}: expected a number`)
  return text === '0' ? Infinity : Number(text)
}

async function showFile (spot: Spot, most: number, asJson: boolean, io: Io): Promise<void> {
  const states = statesOf(spot, most)
  if (asJson) return await printJson(io, states.map(state => stateJson(spot, state)))
  const times = momentTexts(states.map(({ until }) => until).filter(Number.isFinite))
  const rows = states.map(state => [
    state.number === undefined ? '' : String(state.number),
    state.number === undefined ? 'now' : times[state.number - 1] ?? '',
    state.number === undefined ? '' : endWords(state),
    size(state.bytes), ...glimpseCells(state.glimpse)
  ])
  const gone = spot.present === undefined ? [['', 'now', 'not there']] : []
  await print(io, `${typedPath(spot.path)}\n\n${columns([['#', 'UNTIL', 'ENDED', 'SIZE', 'START', 'SUMMARY'], ...gone, ...rows])}`)
  if (spot.pasts.length === 0) say(io, 'it has not been changed as long as there is a history of it')
  const left = spot.pasts.length - states.filter(({ number }) => number !== undefined).length
  if (left > 0) say(io, `${left} more: --limit 0 shows all`)
}

function stateJson (spot: Spot, { number, until, from, end, within, bytes, glimpse, file }: State): unknown {
  return {
    number: number ?? null, path: typedPath(spot.path), from: from === undefined ? null : new Date(from).toISOString(), until: number === undefined ? null : new Date(until).toISOString(),
    ended: end ?? null, with: within === undefined ? null : typedPath(within), bytes, summary: glimpse?.summary ?? null, start: glimpse?.start ?? null, file
  }
}

const ends: Readonly<Record<End, string>> = { replaced: 'overwritten', deleted: 'deleted', edited: 'edited by hand', removed: 'removed by hand' }

function endWords ({ end, within }: State): string {
  return `${end === undefined ? '' : ends[end]}${within === undefined ? '' : ` with ${typedPath(within)}`}`
}

function glimpseCells (seen: Glimpse | undefined): [string, string] {
  return [seen?.start ?? '-', seen === undefined ? '(cannot be read)' : seen.summary]
}

async function showCollection (site: Site, spot: Spot, most: number, asJson: boolean, io: Io): Promise<void> {
  const all = happenings(site, spot)
  const some = all.slice(0, most)
  if (asJson) return await printJson(io, some.map(one => happeningJson(spot, one)))
  const times = momentTexts(some.map(({ at }) => at))
  const rows = some.map((one, row) => [String(one.number), times[row] ?? '', ...happeningCells(spot, one)])
  const state = spot.present === undefined ? ': not there now' : ''
  await print(io, `${typedPath(spot.path)}${state}\n\n${rows.length === 0 ? '' : columns([['#', 'WHEN', 'WHAT', 'NAME', 'START', 'SUMMARY'], ...rows])}`)
  if (all.length === 0) say(io, 'nothing happened in it as long as there is a history of it')
  if (all.length > some.length) say(io, `${all.length - some.length} more: --limit 0 shows all`)
}

/** What happened, to what, and the event: three cells and the summary. */
function happeningCells (spot: Spot, { what, name, events, file }: Happening): string[] {
  const deed = what === 'added' ? (events === undefined ? 'added' : 'made') : ends[what]
  if (events !== undefined) return [deed, name === '' ? `(the ${spot.rest === '' ? 'home' : 'calendar'})` : `${printable(name)}/`, '', what === 'added' ? '' : `${events} event${events === 1 ? '' : 's'}`]
  return [deed, printable(name), ...glimpseCells(glimpse(file))]
}

function happeningJson (spot: Spot, { number, at, what, name, events, file }: Happening): unknown {
  const seen = events === undefined ? glimpse(file) : undefined
  const path = `${typedPath(spot.path)}${name === '' ? '' : `/${name}`}`
  return { number, path, at: new Date(at).toISOString(), what, events: events ?? null, summary: seen?.summary ?? null, start: seen?.start ?? null, file }
}

/** The latest happenings of a collection as lines, for a message. */
export function lately (site: Site, spot: Spot, most = 8): string {
  const some = happenings(site, spot).slice(0, most)
  return columns(some.map(one => [`  ${momentText(one.at)}`, ...happeningCells(spot, one)]))
}
