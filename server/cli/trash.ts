import { glimpse, printable } from '../admin/history/event.js'
import { momentText, MomentError, readAge } from '../admin/history/moment.js'
import { spot, spotAt, typedPath } from '../admin/history/place.js'
import { forget, trash as trashOf, type Waste } from '../admin/history/trash.js'
import { notice } from '../admin/history/place.js'
import { AdminError } from '../admin/place.js'
import type { Site } from '../site/site.js'
import { ArgumentError, chooseCommand, type Usage } from './arguments.js'
import { isTerminal, print, printJson, say } from './print.js'
import { readLine } from './prompt.js'
import { progress } from './progress.js'
import { size } from './size.js'
import { columns } from './table.js'
import { failing, treeCommand, treeOptions } from './tree-command.js'
import { outcomeJson, tellOutcome, undoSpot, type Outcome, type Wish } from './undo.js'
import type { Io } from './user.js'

/** How the commands below `trash` are called. */
export const trashUsages = {
  list: {
    command: 'caldavd trash list', operands: ['[PATH]'],
    meaning: 'Lists calendars and events that were deleted and are not there now, latest first.',
    options: { json: { kind: 'switch', meaning: 'as JSON, one array' }, ...treeOptions }
  },
  restore: {
    command: 'caldavd trash restore', operands: ['NAME…'],
    meaning: 'Brings deleted calendars and events back: paths, or numbers of caldavd trash list.',
    options: {
      'dry-run': { kind: 'switch', short: 'n', meaning: 'say what would be done, and do nothing' },
      json: { kind: 'switch', meaning: 'say what was done as JSON, one array' },
      ...treeOptions
    }
  },
  empty: {
    command: 'caldavd trash empty', operands: ['[PATH]'],
    meaning: 'Removes for good what was deleted, with all that is kept of it. What is there now keeps its history.',
    options: {
      'older-than': { kind: 'text', value: 'TIME', meaning: 'only what was deleted longer ago than 7d, 12h, "2 weeks"' },
      yes: { kind: 'switch', short: 'y', meaning: 'do not ask' },
      'dry-run': { kind: 'switch', short: 'n', meaning: 'say what would be done, and do nothing' },
      json: { kind: 'switch', meaning: 'say what was done as JSON' },
      ...treeOptions
    }
  }
} as const satisfies Record<string, Usage>

const commands = { list, restore, empty }

/** `caldavd trash list|restore|empty`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function trash (argv: readonly string[], io: Io): Promise<number> {
  return await failing(io, async () => {
    const [word, ...rest] = argv
    if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
      (word === undefined ? io.stderr : io.stdout).write(overview())
      return word === undefined ? 2 : 0
    }
    return await chooseCommand('trash', commands, word)(rest, io)
  })
}

function overview (): string {
  const lines = Object.entries(trashUsages).map(([word, { meaning }]) => `  ${word.padEnd(8)} ${meaning}`)
  return ['caldavd trash COMMAND', '', ...lines, '', 'caldavd trash COMMAND --help tells more.'].join('\n') + '\n'
}

async function list (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(trashUsages.list, argv, io, async (site, { options, operands: [typed] }) => {
    const all = await wasteIn(site, typed)
    if (options.json) await printJson(io, all.map(wasteJson))
    else if (all.length === 0) await print(io, 'Nothing that was deleted is kept\n')
    else await print(io, columns([['#', 'DELETED', 'HOW', 'WHAT', 'SIZE', ''], ...all.map(row)]))
    return 0
  })
}

/** With the numbers of the whole list. */
async function wasteIn (site: Site, typed: string | undefined): Promise<Waste[]> {
  if (typed === undefined) return trashOf(site)
  const { path } = await spotAt(site, typed, process.cwd())
  return trashOf(site).filter(waste => waste.path === path || waste.path.startsWith(`${path}/`))
}

function row ({ number, at, end, path, isCollection, events, missing, bytes, file, isAnew }: Waste): string[] {
  const held = `${events} event${events === 1 ? '' : 's'}`
  const about = isCollection ? `calendar, ${held}${isAnew ? `; another was made since, without ${missing} of them` : ''}` : glimpse(file)?.summary ?? ''
  return [String(number), momentText(at), end === 'removed' ? 'by hand' : '', printable(typedPath(path), 200), size(bytes), about]
}

function wasteJson ({ number, at, end, path, isCollection, events, missing, bytes, file, isAnew }: Waste): unknown {
  const seen = isCollection ? undefined : glimpse(file)
  return { number, path: typedPath(path), kind: isCollection ? 'calendar' : 'event', at: new Date(at).toISOString(), ended: end, events, missing, isAnew, bytes, summary: seen?.summary ?? null, start: seen?.start ?? null, file }
}

async function restore (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(trashUsages.restore, argv, io, async (site, { options, operands }) => {
    const all = trashOf(site)
    const chosen = await Promise.all(operands.map(async typed => await choose(site, all, typed)))
    // a calendar first: an event that was deleted in it before can go nowhere else
    chosen.sort((a, b) => Number(b.isCollection) - Number(a.isCollection))
    let code = 0
    const done: unknown[] = []
    for (const waste of chosen) {
      code = Math.max(code, await failing(io, async () => {
        const wish = wishFor(waste, options['dry-run'])
        const outcome = await restoreOne(site, waste, wish, io)
        if (options.json) done.push(outcomeJson(outcome, wish))
        else await tellOutcome(io, outcome, wish)
        return outcome.failed.length > 0 ? 1 : 0
      }))
    }
    if (options.json) await printJson(io, done)
    return code
  })
}

async function choose (site: Site, all: readonly Waste[], typed: string): Promise<Waste> {
  const found = /^\d{1,6}$/.test(typed) ? all.find(({ number }) => number === Number(typed)) : undefined
  if (found !== undefined) return found
  if (/^\d{1,6}$/.test(typed)) throw new AdminError(`there is no number ${typed} in caldavd trash list, which has ${all.length}`)
  const { path, present } = await spotAt(site, typed, process.cwd())
  const named = all.find(waste => waste.path === path)
  if (named === undefined) throw new AdminError(present === undefined ? `${typedPath(path)} went with the calendar that held it: see caldavd history ${typedPath(path)}` : `${typedPath(path)} is there: caldavd undo makes it what it was`)
  return named
}

function wishFor ({ at, isCollection }: Waste, isDry: boolean): Wish {
  return { when: isCollection ? { at } : undefined, into: undefined, isMerge: false, isDry }
}

async function restoreOne (site: Site, { path, isAnew }: Waste, wish: Wish, io: Io): Promise<Outcome> {
  await notice(site, path)
  const typed = typedPath(path)
  if (isAnew) throw new AdminError(`${typed} was made anew since: caldavd undo ${typed} --merge puts into it what the deleted one held, --into NAME brings that one back beside it`)
  const place = spot(site, path)
  if (place.present !== undefined) throw new AdminError(`${typed} is there already`)
  return await undoSpot(site, place, wish, io)
}

async function empty (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(trashUsages.empty, argv, io, async (site, { options, operands: [typed] }) => {
    const edge = (io.now?.() ?? Date.now()) - ageOf(options['older-than'])
    const all = (await wasteIn(site, typed)).filter(({ at }) => at <= edge)
    const what = `${many(all, true)} and ${many(all, false)} (${size(all.reduce((sum, { bytes }) => sum + bytes, 0))})`
    const told = (isRemoved: boolean): unknown => ({ isRemoved, removed: all.map(wasteJson) })
    if (options.json && (all.length === 0 || options['dry-run'])) await printJson(io, told(false))
    else if (all.length === 0) await print(io, 'Nothing that was deleted is kept\n')
    else if (options['dry-run']) await print(io, `Would remove for good: ${what}\n`)
    else if (options.yes || await agrees(io, what)) {
      const last = told(true)
      await removeAll(site, all, io)
      if (options.json) await printJson(io, last)
      else {
        await print(io, `Removed for good: ${what}\n`)
        say(io, 'what is there now keeps its history')
      }
    } else if (options.json) await printJson(io, { isRemoved: false, removed: [] })
    else await print(io, 'Nothing was removed\n')
    return 0
  })
}

function ageOf (text: string | undefined): number {
  try {
    return text === undefined ? 0 : readAge(text)
  } catch (error) {
    throw error instanceof MomentError ? new ArgumentError(`--older-than ${error.message}`) : error
  }
}

function many (all: readonly Waste[], isCollection: boolean): string {
  const count = all.filter(waste => waste.isCollection === isCollection).length
  return `${count} ${isCollection ? 'calendar' : 'event'}${count === 1 ? '' : 's'}`
}

async function agrees (io: Io, what: string): Promise<boolean> {
  if (!isTerminal(io.stdin)) throw new ArgumentError(`this removes for good ${what}: say --yes where nobody can be asked`)
  io.stderr.write(`Remove for good ${what}? [y/N] `)
  return /^y(?:es)?$/i.test((await readLine(io)).trim())
}

async function removeAll (site: Site, all: readonly Waste[], io: Io): Promise<void> {
  const bar = progress(io, 'Removing')
  try {
    for (const [done, waste] of all.entries()) {
      await forget(site, waste)
      bar.step(done + 1, all.length)
    }
  } finally {
    bar.end()
  }
}
