import { mkdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { exported } from '../admin/files/export.js'
import { OutFile } from '../admin/files/out-file.js'
import { calendarsBelow, shownPath, spot, type Spot } from '../admin/files/spot.js'
import { asCaller } from '../admin/owner.js'
import { AdminError, type Place } from '../admin/place.js'
import { asJson } from '../calendar/media.js'
import { decode } from '../ical/parse.js'
import { ArgumentError, type Usage } from './arguments.js'
import { print, say } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `export` is called. */
export const exportUsage = {
  command: 'caldavd export', operands: ['PATH'],
  meaning: 'Writes a calendar (alice/work) as one iCalendar file, a home (alice) as one file for each calendar, or a single event.',
  options: {
    output: { kind: 'text', short: 'o', value: 'FILE', meaning: 'the file; standard output without it' },
    directory: { kind: 'text', short: 'd', value: 'DIR', meaning: 'one file for each calendar in this directory, which is made: work.ics' },
    force: { kind: 'switch', short: 'f', meaning: 'write over files that exist' },
    json: { kind: 'switch', meaning: 'as jCal (RFC 7265)' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd export`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function exportCalendars (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(exportUsage, argv, io, async (site, { options, operands: [typed = ''] }) => {
    const { output, directory, force, json } = options
    if (output !== undefined && directory !== undefined) throw new ArgumentError('--output names one file and --directory many: one of them')
    const found = spot(site, typed)
    const how: How = { io, isForced: force, isJson: json }
    if (directory !== undefined) return await exportAll(found, directory, how)
    if (found.kind !== 'calendar' && found.member === undefined) throw new AdminError(whichOf(found))
    if (output === undefined || output === '-') {
      for await (const text of textOf(found, how)) await print(io, text)
      return 0
    }
    await writeOne(found, output, how)
    return 0
  })
}

interface How { readonly io: Io, readonly isForced: boolean, readonly isJson: boolean }

function whichOf (found: Place): string {
  const calendars = calendarsBelow(found)
  if (calendars.length === 0) return `${shownPath(found)} has no calendars`
  return `${shownPath(found)} has ${calendars.length} calendars (${calendars.slice(0, 10).map(each => shownPath(each)).join(', ')}${calendars.length > 10 ? ' …' : ''}): -d DIR writes one file for each`
}

async function * textOf (found: Spot, { io, isJson }: How): AsyncGenerator<string | Buffer> {
  const { home, collection, member } = found
  if (member === undefined) {
    yield * exported(found, isJson ? 'json' : 'text', ({ name, problem, isServed }) => {
      say(io, `${shownPath(found, name)} is broken (${problem}): ${isServed ? 'its last good version is exported' : 'it is not in the export'}`)
    })
    if (isJson) yield '\n'
    return
  }
  const bytes = home.content(collection, member.name)?.bytes
  if (bytes === undefined) throw new AdminError(`${shownPath(found, member.name)} was removed`)
  yield isJson ? asJson(decode(bytes)) + '\n' : bytes
}

async function writeOne (found: Spot, path: string, how: How): Promise<void> {
  const file = new OutFile(path, how.isForced)
  try {
    for await (const text of textOf(found, how)) file.write(text)
    file.commit()
  } finally {
    file.discard()
  }
  say(how.io, `${shownPath(found, found.member?.name)} is in ${path}`)
}

async function exportAll (found: Spot, directory: string, how: How): Promise<number> {
  const calendars = found.member === undefined ? calendarsBelow(found) : []
  if (calendars.length === 0) throw new AdminError(`${shownPath(found, found.member?.name)} has no calendars; -o FILE writes a single event`)
  let code = 0
  for (const calendar of calendars) {
    const below = found.kind === 'calendar' ? calendar.collection.path.slice(calendar.collection.path.lastIndexOf('/') + 1) : relative(found.collection.path, calendar.collection.path)
    const path = join(directory, `${below}.${how.isJson ? 'json' : 'ics'}`)
    try {
      asCaller(() => mkdirSync(dirname(path), { recursive: true }))
      await writeOne({ ...calendar, member: undefined }, path, how)
    } catch (error) {
      if (!(error instanceof AdminError)) throw error
      say(how.io, error.message)
      code = 1
    }
  }
  return code
}
