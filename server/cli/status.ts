import { existsSync } from 'node:fs'
import { asOwner } from '../admin/owner.js'
import { AdminError } from '../admin/place.js'
import { statusOf, type Part, type Status, type Unserved } from '../admin/doctor/status.js'
import { shown } from '../admin/doctor/finding.js'
import { parseArguments, type Usage } from './arguments.js'
import { print, printJson } from './print.js'
import { size } from './size.js'
import { columns } from './table.js'
import { failing } from './tree-command.js'
import { files, printHelp, settingsFor, type Io } from './user.js'

/** How `status` is called. */
export const statusUsage = {
  command: 'caldavd status',
  meaning: 'Says on one screen whether the server runs, how much there is, and which files are not served as they are.\n' +
    'It asks the indexes, as far as the server has come; caldavd doctor looks at every file.',
  options: { json: { kind: 'switch', meaning: 'as JSON' }, ...files }
} as const satisfies Usage

/** `caldavd status`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function status (argv: readonly string[], io: Io): Promise<number> {
  return await failing(io, async () => {
    const { options, help } = parseArguments(statusUsage, argv)
    if (help) return printHelp(statusUsage, io)
    const settings = settingsFor(options, io)
    if (!existsSync(settings.data.directory)) throw new AdminError(`there is no ${settings.data.directory}: expected the data directory of a server (--data DIR), which makes it at its first start`)
    return await asOwner(settings.data.directory, async () => {
      const found = statusOf(settings)
      if (options.json) await printJson(io, found)
      else await print(io, asText(found))
      return 0
    })
  })
}

/** So many files are named; the others are counted. */
const mostNamed = 10

function asText (status: Status): string {
  const { server, problem, documents, state, history, homes, calendars, unserved, held, unknown } = status
  const lines = [
    server.running ? `The server runs as process ${server.pid ?? ''} since ${server.since ?? ''}${server.urls.length === 0 ? '' : `, at ${server.urls.join(' and ')}`}` : 'The server does not run',
    ...problem === undefined ? [] : ['', problem],
    '',
    columns([['', 'USED', 'FREE', 'WHERE'], row('documents', documents), row('state', state), row('history', history)]).trimEnd(),
    '',
    `${many(homes, 'home')}, ${many(calendars, 'calendar')}, ${objectsIn(status)}`
  ]
  if (unknown.length > 0) lines.push(`Of ${unknown.join(', ')} nothing is known: the server makes the index when it starts, or "caldavd doctor" says why not`)
  if (unserved.length > 0) lines.push('', `${many(unserved.length, 'file')} not served as on the disk:`, ...named(unserved))
  if (held.length > 0) lines.push('', `${many(held.length, 'file')} held, since an older state was put back (caldavd restore --merge, or --accept):`, ...named(held))
  return lines.join('\n') + '\n'
}

function row (name: string, { path, bytes, isPart, free }: Part): string[] {
  return [name, `${isPart ? 'over ' : ''}${size(bytes)}`, free === undefined ? '-' : size(free), path]
}

const words: Readonly<Record<string, string>> = { VEVENT: 'event', VTODO: 'task', VJOURNAL: 'journal entry', VFREEBUSY: 'busy time', VAVAILABILITY: 'availability' }

function objectsIn ({ objects }: Status): string {
  const parts = Object.entries(objects).sort(([, a], [, b]) => b - a).map(([component, count]) => many(count, words[component] ?? component))
  return parts.length === 0 ? '0 events' : parts.join(', ')
}

function many (count: number, word: string): string {
  const plural = word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`
  return `${count.toLocaleString('en-US')} ${count === 1 ? word : plural}`
}

function named (files: readonly Unserved[]): string[] {
  const rows = files.slice(0, mostNamed).map(({ path, line, message, lastGood }) => `  ${shown(path)}${line === undefined ? '' : `, line ${line}`}: ${message}${lastGood ? ' (its last good version is)' : ''}`)
  return files.length > mostNamed ? [...rows, `  and ${files.length - mostNamed} more: caldavd status --json, or caldavd doctor`] : rows
}
