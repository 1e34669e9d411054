import { glimpseOf } from '../admin/history/event.js'
import { happenings } from '../admin/history/events.js'
import { momentText, MomentError, readWhen, type When } from '../admin/history/moment.js'
import { spotAt, typedPath, type Spot } from '../admin/history/place.js'
import { stepPath, type Step } from '../admin/history/step.js'
import { undoInside, undoMerge, undoWhole, type Brought } from '../admin/history/undo-calendar.js'
import { undoFile, type Undone } from '../admin/history/undo-file.js'
import { trash } from '../admin/history/trash.js'
import { AdminError } from '../admin/place.js'
import type { Site } from '../site/site.js'
import { ArgumentError, type Usage } from './arguments.js'
import { lately } from './history.js'
import { print, printJson, say } from './print.js'
import { progress } from './progress.js'
import { columns } from './table.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `undo` is called. */
export const undoUsage = {
  command: 'caldavd undo', operands: ['PATH'],
  meaning: 'Undoes the last change of an event (alice/work/standup.ics), or brings back one, or a whole calendar (alice/work), that was deleted.\n' +
    'What is there goes to the history, so that this can be undone too. A running server sees it at once.',
  options: {
    at: { kind: 'text', value: 'WHEN', meaning: 'as it was then: "2026-11-23 03:15", 10:30, yesterday, "2 hours ago", a number or time of caldavd history' },
    into: { kind: 'text', value: 'NAME', meaning: 'of a calendar: as a new one of this name; of an event: into that calendar' },
    merge: { kind: 'switch', meaning: 'put what a deleted calendar held into the one that has its name now' },
    'dry-run': { kind: 'switch', short: 'n', meaning: 'say what would be done, and do nothing' },
    json: { kind: 'switch', meaning: 'say what was done as JSON' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd undo`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function undo (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(undoUsage, argv, io, async (site, { options, operands: [typed = ''] }) => {
    if (options.merge && options.into !== undefined) throw new ArgumentError('--merge and --into: expected one of the two')
    const when = options.at === undefined ? undefined : whenOf(options.at, io.now?.() ?? Date.now())
    const spot = await spotAt(site, typed, process.cwd())
    const wish = { when, into: options.into, isMerge: options.merge, isDry: options['dry-run'] }
    const outcome = await undoSpot(site, spot, wish, io)
    if (options.json) await printJson(io, outcomeJson(outcome, wish))
    else await tellOutcome(io, outcome, wish)
    return outcome.failed.length > 0 ? 1 : 0
  })
}

/** @throws ArgumentError */
function whenOf (text: string, now: number): When {
  try {
    return readWhen(text, now)
  } catch (error) {
    throw error instanceof MomentError ? new ArgumentError(`--at ${error.message}`) : error
  }
}

/** How something is undone. */
export interface Wish {
  readonly when: When | undefined
  readonly into: string | undefined
  readonly isMerge: boolean
  readonly isDry: boolean
}

/** What came of an undo. */
export interface Outcome extends Undone {
  /** What was undone, as it is typed. */
  readonly path: string
  readonly isCalendar: boolean
  /** The calendar that was brought back as a whole. */
  readonly brought?: Brought
  /** The time to which a calendar went back. */
  readonly at?: number | undefined
  /** The time to go back to in order to take this back. */
  readonly begun: number
}

/** Undoes. @throws AdminError, ArgumentError */
export async function undoSpot (site: Site, spot: Spot, wish: Wish, io: Io): Promise<Outcome> {
  const one = { path: typedPath(spot.path), isCalendar: spot.isCollection, begun: Date.now() }
  if (!spot.isCollection) {
    if (wish.isMerge) throw new AdminError(`${one.path} is an event: --merge is for calendars`)
    return { ...one, ...await undoFile(site, spot, { ...wish, cwd: process.cwd() }) }
  }
  if (spot.rest === '') throw new AdminError(`${one.path} is a home: undo the calendars in it one by one; caldavd trash list shows which were deleted`)
  const at = wish.when === undefined ? undefined : momentIn(site, spot, wish.when)
  const bar = progress(io, 'Undoing')
  try {
    if (wish.isMerge) return { ...one, ...await undoMerge(site, spot, at, wish.isDry, bar.step) }
    if (wish.into !== undefined || spot.present === undefined) return { ...one, steps: [], failed: [], notes: [], brought: await undoWhole(site, spot, at, placeFor(spot, wish.into), wish.isDry) }
    if (at === undefined) throw new AdminError(needsTime(site, spot))
    return { ...one, at, ...await undoInside(site, spot, at, wish.isDry, bar.step) }
  } finally {
    bar.end()
  }
}

/** An outcome with keys that stay. */
export function outcomeJson ({ path, brought, at, begun, steps, notes, failed }: Outcome, { isDry }: Wish): unknown {
  return {
    path, isDryRun: isDry,
    brought: brought === undefined ? null : { path: brought.path, name: brought.title ?? null, events: brought.events },
    asItWasAt: at === undefined ? null : new Date(at).toISOString(),
    steps: steps.map(step => ({ what: step.what, path: stepPath(step), summary: summaryOf(step) })),
    notes, failed,
    takeBackWith: isDry || steps.length === 0 ? null : new Date(begun).toISOString()
  }
}

/** Says what was done. */
export async function tellOutcome (io: Io, { path, isCalendar, brought, at, begun, steps, notes, failed }: Outcome, { isDry }: Wish): Promise<void> {
  if (brought !== undefined) return await tellBrought(io, brought, isDry)
  if (at !== undefined) await print(io, `${path} as it was at ${momentText(at)}${steps.length === 0 && failed.length === 0 ? ': it is so already; nothing was done' : ''}\n`)
  await print(io, columns(steps.map(step => [...isCalendar ? [''] : [], `${isDry ? 'would be ' : ''}${step.what}`, stepPath(step), summaryOf(step)])))
  for (const note of notes) say(io, note)
  for (const why of failed) say(io, why)
  if (isCalendar && steps.length > 0) await print(io, `${count(steps.length)}${isDry ? '; nothing was done yet' : `. To take this back: caldavd undo ${path} --at '${momentText(begun, true)}'`}\n`)
}

function momentIn (site: Site, spot: Spot, when: When): number {
  if ('at' in when) return when.at
  const found = happenings(site, spot).find(({ number }) => number === when.number)
  if (found === undefined) throw new AdminError(`there is no number ${when.number} in caldavd history ${typedPath(spot.path)}`)
  return found.at
}

/** Below the home. @throws AdminError */
function placeFor ({ rest, root, home, path }: Spot, into: string | undefined): string {
  if (rest === '') throw new AdminError(`${typedPath(path)} is a home: undo its calendars one by one`)
  const above = rest.slice(0, rest.lastIndexOf('/') + 1)
  const whole = `${typedPath(root.join('/'))}/`
  const to = into === undefined ? rest : into.startsWith(whole) ? into.slice(whole.length) : above + into
  if (to.split('/').some(name => name === '') || (into !== undefined && into.includes('/') && !into.startsWith(whole))) throw new AdminError(`--into ${into ?? ''}: expected the name of a calendar to be made in ${typedPath(root.join('/'))}`)
  if (home?.collection(to) !== undefined) throw new AdminError(`${typedPath([...root, to].join('/'))} is there already: name another with --into`)
  return to
}

function needsTime (site: Site, spot: Spot): string {
  const path = typedPath(spot.path)
  const former = trash(site).find(waste => waste.path === spot.path && waste.isCollection && waste.isAnew)
  const anew = former === undefined ? '' : `A calendar of this name with ${count(former.events)} was deleted at ${momentText(former.at)}, and this one was made since. ` +
    `To bring that one back beside it: --into NAME. To put its events into this one: --merge.\n`
  const recent = lately(site, spot)
  return `${path} is there. Say with --at to what time it shall go back.\n${anew}${recent === '' ? 'Nothing happened in it as long as there is a history of it.' : `Lately happened:\n${recent}caldavd history ${path} shows more.`}`
}

function count (events: number): string {
  return `${events} event${events === 1 ? '' : 's'}`
}

async function tellBrought (io: Io, { path, title, events }: Brought, isDry: boolean): Promise<void> {
  const name = title === undefined ? '' : ` (${JSON.stringify(title)})`
  await print(io, `${isDry ? 'Would bring back' : 'Brought back'} ${path}${name} with ${count(events)}, and with the name, colours and sharing that it had\n`)
}

function summaryOf ({ bytes }: Step): string {
  try {
    return bytes === undefined ? '' : glimpseOf(bytes)?.summary ?? ''
  } catch {
    return ''
  }
}
