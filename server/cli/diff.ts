import { dirname } from 'node:path'
import { compare, hunks, linesOf, type Line } from '../admin/history/lines.js'
import { printable } from '../admin/history/event.js'
import { momentText, MomentError, readWhen, type When } from '../admin/history/moment.js'
import { factsOf, lifeAt, livesOf } from '../admin/history/past.js'
import { spotAt, typedPath, type Spot } from '../admin/history/place.js'
import { bytesOf } from '../admin/history/step.js'
import { AdminError } from '../admin/place.js'
import type { Site } from '../site/site.js'
import { ArgumentError, type Usage } from './arguments.js'
import { isTerminal, print, printJson, say } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `diff` is called. */
export const diffUsage = {
  command: 'caldavd diff', operands: ['PATH[@WHEN]', '[PATH@WHEN]'],
  meaning: 'Shows how an event differs from what it was: alice/work/standup.ics@yesterday against now, or two such states of it. WHEN is a number\n' +
    '(1 = the state before the last change, which is meant without @) or time of caldavd history, 10:30, yesterday, "2 hours ago".',
  options: { json: { kind: 'switch', meaning: 'as JSON' }, ...treeOptions }
} as const satisfies Usage

/** `caldavd diff`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function diff (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(diffUsage, argv, io, async (site, { options, operands: [first = '', second] }) => {
    const from = await sideAt(site, first, { number: 1 }, io)
    const to = second === undefined ? sideNow(from.spot) : await sideAt(site, second, undefined, io)
    if (options.json) await printJson(io, differenceJson(from, to))
    else await show(from, to, io)
    return 0
  })
}

/** One of the two texts. */
interface Side {
  readonly spot: Spot
  readonly when: string
  /** `undefined` = not there. */
  readonly bytes: Buffer | undefined
}

async function sideAt (site: Site, typed: string, otherwise: When | undefined, io: Io): Promise<Side> {
  const { path, when = otherwise } = await split(site, typed, io)
  const spot = await spotAt(site, path, process.cwd())
  if (spot.isCollection) throw new AdminError(`${typedPath(spot.path)} is a calendar, and diff compares events: caldavd history ${typedPath(spot.path)} shows what changed in it`)
  if (when === undefined) return sideNow(spot)
  if ('number' in when) {
    const past = spot.pasts[when.number - 1]
    if (past === undefined) throw new AdminError(spot.pasts.length === 0 ? `${typedPath(spot.path)} has not been changed as long as there is a history of it` : `${typedPath(spot.path)} has ${spot.pasts.length} former versions, and no number ${when.number}`)
    return { spot, when: `until ${momentText(past.at)}`, bytes: bytesOf(past.file) }
  }
  const life = lifeAt(livesOf(spot.pasts, spot.file), when.at, factsOf(dirname(spot.file))?.birthtimeMs)
  return { spot, when: momentText(when.at), bytes: life === undefined ? undefined : bytesOf(life.past?.file ?? spot.file) }
}

// names of files may hold an @ of their own
async function split (site: Site, typed: string, io: Io): Promise<{ path: string, when: When | undefined }> {
  const cut = typed.lastIndexOf('@')
  if (cut <= 0) return { path: typed, when: undefined }
  try {
    return { path: typed.slice(0, cut), when: readWhen(typed.slice(cut + 1), io.now?.() ?? Date.now()) }
  } catch (error) {
    if (!(error instanceof MomentError)) throw error
    const isPath = await spotAt(site, typed, process.cwd()).then(() => true, () => false)
    if (isPath) return { path: typed, when: undefined }
    throw new ArgumentError(`${typed}: ${error.message}`)
  }
}

function sideNow (spot: Spot): Side {
  return { spot, when: 'now', bytes: spot.present === 'file' ? bytesOf(spot.file) : undefined }
}

function differenceJson (from: Side, to: Side): unknown {
  const [old, young] = [linesOf(from.bytes ?? Buffer.alloc(0)), linesOf(to.bytes ?? Buffer.alloc(0))]
  const side = ({ spot, when, bytes }: Side): unknown => ({ path: typedPath(spot.path), when, isThere: bytes !== undefined })
  return {
    from: side(from), to: side(to),
    isSame: from.bytes === to.bytes || (from.bytes !== undefined && to.bytes?.equals(from.bytes) === true),
    // null: no text
    hunks: old === undefined || young === undefined ? null : hunks(compare(old, young).lines).map(({ head, lines }) => ({ head, lines: lines.map(({ sign, text }) => sign + text) }))
  }
}

async function show (from: Side, to: Side, io: Io): Promise<void> {
  const [old, young] = [linesOf(from.bytes ?? Buffer.alloc(0)), linesOf(to.bytes ?? Buffer.alloc(0))]
  if (from.bytes !== undefined && to.bytes?.equals(from.bytes) === true || from.bytes === to.bytes) return say(io, `${nameOf(from)} and ${nameOf(to)}: no difference`)
  if (old === undefined || young === undefined) return say(io, `${nameOf(from)} and ${nameOf(to)} differ, and are no text`)
  const { lines, isWhole } = compare(old, young)
  const paint = painter(io)
  const text = hunks(lines).flatMap(({ head, lines }) => [paint('@', head), ...lines.map(line => paint(line.sign, `${line.sign}${shown(line)}`))])
  if (text.length === 0) return say(io, `${nameOf(from)} and ${nameOf(to)} differ in how lines are folded or end, and in nothing else`)
  await print(io, [paint('-', `--- ${nameOf(from)}`), paint('+', `+++ ${nameOf(to)}`), ...text, ''].join('\n'))
  if (isWhole) say(io, 'too much differs to be compared line by line: all of it is shown as replaced')
}

function nameOf ({ spot, when, bytes }: Side): string {
  return `${typedPath(spot.path)} (${when}${bytes === undefined ? ', not there' : ''})`
}

/** Letters of a line that are shown; attachments are one line. */
const longest = 500

function shown ({ text }: Line): string {
  return text.length > longest ? `${printable(text, longest)} (${text.length} letters)` : printable(text, longest)
}

const colours: Readonly<Record<Line['sign'] | '@', string>> = { '-': '31', '+': '32', '@': '36', ' ': '' }

function painter ({ stdout, environment }: Io): (sign: Line['sign'] | '@', text: string) => string {
  const isOn = isTerminal(stdout) && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
  return (sign, text) => isOn && colours[sign] !== '' ? `\x1b[${colours[sign]}m${text}\x1b[0m` : text
}
