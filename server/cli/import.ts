import { createCalendar, imagined, vacant, vacantPath, type Vacant } from '../admin/files/create.js'
import { importObjects, nothingImported, type Imported, type Importing } from '../admin/files/import.js'
import { aboutOf, bareName, filesAt, textIn } from '../admin/files/source.js'
import { collectionAt, shownPath } from '../admin/files/spot.js'
import { AdminError, type Place } from '../admin/place.js'
import { DavError } from '../dav/error.js'
import { IcalError } from '../ical/parse.js'
import type { Site } from '../site/site.js'
import { ArgumentError, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { progress } from './progress.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `import` is called. */
export const importUsage = {
  command: 'caldavd import', operands: ['FILE…'],
  meaning: 'Writes the events and tasks of iCalendar files into a calendar, one file each. FILE may be a directory (all .ics below it),\n' +
    'or - for standard input. What is there already with the same UID stays, unless the one in the file is newer.\n' +
    'What cannot be imported is listed with its line, the rest is imported. It may be broken off and run again.',
  options: {
    into: { kind: 'text', value: 'CALENDAR', meaning: 'where to: alice/work' },
    create: { kind: 'switch', meaning: 'make the calendar when it is not there, with the name and colour that the file has' },
    replace: { kind: 'switch', meaning: 'the file counts for what is there already, whichever is newer; what was there goes into the history' },
    skip: { kind: 'switch', meaning: 'leave everything that is there already as it is' },
    'dry-run': { kind: 'switch', short: 'n', meaning: 'only say what would be done' },
    json: { kind: 'switch', meaning: 'what was done as JSON' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd import`. @returns the exit code: 0 done, 1 something could not be imported, 2 wrong command line */
export async function importFiles (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(importUsage, argv, io, async (site, { options, operands }) => {
    const { into, create, replace, skip, json } = options
    if (into === undefined) throw new ArgumentError('where to? --into CALENDAR is missing: --into alice/work')
    if (replace && skip) throw new ArgumentError('--replace and --skip contradict each other')
    const isDryRun = options['dry-run']
    const target = await targetOf(site, into, create)
    const stop = stopping()
    try {
      const run: Run = { site, io, target, how: { clash: replace ? 'replace' : skip ? 'skip' : 'newer', isDryRun, isStopped: stop.isStopped }, imported: nothingImported(), problems: [] }
      for (const path of operands.flatMap(typed => expand(run, typed))) if (!stop.isStopped()) await importOne(run, path)
      const code = run.problems.length > 0 || run.imported.counts.failed > 0 || run.imported.left > 0 || stop.isStopped() ? 1 : 0
      if (json) await printJson(io, asJson(run))
      else await tellAll(run, stop.isStopped())
      return code
    } finally {
      stop.end()
    }
  })
}

/** Where it goes; a calendar that is to be made is made when there is something for it. */
interface Target { place: Place | undefined, readonly vacancy: Vacant | undefined, readonly path: string }

interface Run {
  readonly site: Site
  readonly io: Io
  readonly target: Target
  readonly how: Omit<Importing, 'progress'>
  readonly imported: Imported
  /** Files of which nothing was imported. */
  readonly problems: { readonly file: string, readonly reason: string }[]
}

async function targetOf (site: Site, typed: string, create: boolean): Promise<Target> {
  const found = present(site, typed, create)
  if (found === undefined) {
    const vacancy = await vacant(site, typed)
    return { place: undefined, vacancy, path: vacantPath(vacancy) }
  }
  if (found.kind !== 'calendar') throw new AdminError(`${shownPath(found)} is no calendar; expected one like ${shownPath(found)}/calendar`)
  return { place: found, vacancy: undefined, path: shownPath(found) }
}

function present (site: Site, typed: string, create: boolean): Place | undefined {
  try {
    return collectionAt(site, typed)
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    if (create) return undefined
    throw new AdminError(`${error.message} (--create makes it)`)
  }
}

function expand (run: Run, typed: string): string[] {
  try {
    return filesAt(typed)
  } catch (error) {
    tellProblem(run, typed, error)
    return []
  }
}

async function importOne (run: Run, path: string): Promise<void> {
  const { site, io, target, how, imported } = run
  const bar = progress(io, path === '-' ? 'Importing' : `Importing ${bareName(path)}`)
  try {
    const bytes = await textIn(path, io.stdin)
    const place = target.place ?? (how.isDryRun && target.vacancy !== undefined ? imagined(target.vacancy) : await made(run, bytes, path))
    await importObjects(site, place, path, bytes, { ...how, progress: bar.step }, imported)
  } catch (error) {
    bar.end()
    tellProblem(run, path, error)
  } finally {
    bar.end()
  }
}

async function made ({ site, target }: Run, bytes: Buffer, path: string): Promise<Place> {
  if (target.vacancy === undefined) throw new AdminError(`${target.path} is not there`)
  const about = aboutOf(bytes)
  return target.place = await createCalendar(site, target.vacancy, { ...about, name: about.name ?? (path === '-' ? undefined : bareName(path)) })
}

// one file that cannot be read is no reason to leave out the others
function tellProblem ({ problems }: Run, file: string, error: unknown): void {
  const isSystem = error instanceof Error && 'syscall' in error
  if (!(error instanceof AdminError || error instanceof DavError || error instanceof IcalError || isSystem)) throw error
  const reason = error.message.startsWith(`${file} `) ? error.message.slice(file.length + 1) : error.message.replace(/^standard input /, '')
  problems.push({ file, reason: error instanceof DavError || error instanceof IcalError ? `${reason}; nothing of this file was imported` : reason })
}

/** Ctrl-C ends after what is being written; a second one at once. */
function stopping (): { readonly isStopped: () => boolean, readonly end: () => void } {
  let stopped = false
  const hear = (): void => { stopped = true }
  process.once('SIGINT', hear)
  process.once('SIGTERM', hear)
  return { isStopped: () => stopped, end: () => { process.off('SIGINT', hear).off('SIGTERM', hear) } }
}

function asJson ({ target, how, imported, problems }: Run): unknown {
  const { counts, told, left, stopped } = imported
  const of = (fate: string): unknown[] => told.filter(each => each.fate === fate).map(({ file, line, uid, reason }) => ({ file, line, uid, reason }))
  return { into: target.path, dryRun: how.isDryRun, created: counts.created, replaced: counts.replaced, same: counts.same, kept: of('kept'), failed: of('failed'), files: problems, left, stopped: stopped ?? null }
}

/** So many that were kept are named. */
const mostKept = 20

async function tellAll (run: Run, isInterrupted: boolean): Promise<void> {
  const { io, target, how, problems, imported: { counts, told, left, stopped } } = run
  for (const { file, reason } of problems) say(io, file === '-' ? `standard input: ${reason}` : `${file} ${reason}`)
  for (const each of told.filter(({ fate }) => fate === 'failed')) say(io, `${each.file === '-' ? 'standard input' : each.file}:${each.line}: ${each.reason}${each.uid === '' ? '' : ` (UID ${each.uid})`}`)
  if (told.some(({ reason }) => reason.includes('expected UTF-8'))) say(io, 'calendars are UTF-8: a file in Latin-1 is converted by iconv -f ISO-8859-1 -t UTF-8 FILE')
  const kept = told.filter(({ fate }) => fate === 'kept')
  for (const { line, file, reason } of kept.slice(0, mostKept)) say(io, `${file === '-' ? 'standard input' : file}:${line}: not taken: ${reason}`)
  if (kept.length > mostKept) say(io, `and ${kept.length - mostKept} more were not taken`)
  if (kept.length > 0 && how.clash === 'newer') say(io, '--replace takes those of the file')
  if (stopped !== undefined) say(io, `stopped: ${stopped}`)
  if (left > 0) say(io, `${left} were not looked at${isInterrupted ? ', since it was broken off' : ''}: run the same command again to go on`)
  const all = counts.created + counts.replaced + counts.same + counts.kept + counts.failed
  if (all === 0) return
  const parts = [`${counts.created} new`, ...counts.replaced > 0 ? [`${counts.replaced} replaced`] : [], ...counts.same > 0 ? [`${counts.same} there already`] : [], ...counts.kept > 0 ? [`${counts.kept} not taken`] : [], ...counts.failed > 0 ? [`${counts.failed} not possible`] : []]
  await print(io, `${how.isDryRun ? `Would import into ${target.path}${target.vacancy === undefined ? '' : ' (to be made)'}` : `Imported into ${target.path}`}: ${parts.join(', ')}\n`)
}
