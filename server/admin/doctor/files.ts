import { setTimeout as sleep } from 'node:timers/promises'
import type { Stats } from 'node:fs'
import { etagOf, stampOf } from '../../../store/etag.js'
import { facts, read } from '../../../store/file.js'
import { idOf } from '../../../store/index/collection.js'
import { hasBody, namesOf, readAgain } from '../../../store/index/examine.js'
import { isCurrent, isUnreadable, memberRow, type MemberRow } from '../../../store/index/update.js'
import { heldWords } from '../../../store/rollback.js'
import { diagnose, lineOf, oddity, type Ailment } from './body.js'
import type { Entry, Folder } from './disk.js'
import { shown, type Finding } from './finding.js'
import { opened, putPieces } from './mend.js'
import { checks } from './table.js'
import type { Ward } from './ward.js'

/** The UID of a file, for the checks that compare files with each other. */
export type Met = (uid: string, folder: Folder, name: string, bytes: Buffer) => void

/** Files larger than this are never read as objects. */
const largest = 64 * 1024 * 1024
/** How long a running server may take to follow a change (ms), before its index is said to be wrong. */
const patience = 1500

/**
 * Every file of a folder: whether it can be served, and whether the index knows it as it is.
 * @param files  what is to be read, ignored names left out
 * @param met    hears of each that can be read
 * @param step   called for each
 */
export async function * bodies (ward: Ward, folder: Folder, files: readonly Entry[], met: Met, step: () => void): AsyncGenerator<Finding> {
  const doubts: string[] = []
  for (const { name } of files) {
    step()
    const path = `${folder.directory}/${name}`
    const stats = facts(path)
    if (stats?.isFile() !== true) continue
    const row = rowOf(folder, name)
    const bytes = readable(path, stats)
    const found = typeof bytes === 'string' || !folder.holdsObjects ? undefined : diagnose(bytes)
    if (row !== undefined && isDoubtful(ward, folder, row, { stats, bytes, found })) doubts.push(name)
    if (!folder.holdsObjects) continue
    if (typeof bytes === 'string') yield { check: 'broken-file', path: shown(path), message: served(bytes, row), hand: handFor(row) }
    else if (found !== undefined) {
      if ('check' in found) yield sick(folder, name, found, bytes, stats, row)
      else {
        met(found.uid, folder, name, bytes)
        // strict since there is a former version
        if (row !== undefined && row.problem !== '' && row.stamp === stampOf(stats) && !isHeld(row)) {
          const { message, line } = lineOf(row.problem)
          yield { check: 'broken-file', path: shown(path), line, message: served(message, row), hand: handFor(row) }
        } else {
          const odd = oddity(bytes)
          if (odd !== undefined) yield { ...odd, path: shown(path), message: `${odd.message}; it is served all the same`, hand: 'mend it in an editor, or bring back a former version with caldavd undo --at' }
        }
      }
    }
  }
  yield * rows(ward, folder, doubts, new Set(files.map(({ name }) => name)))
}

function rowOf ({ home, path }: Folder, name: string): MemberRow | undefined {
  return home.index === undefined ? undefined : memberRow({ index: home.index, collection: idOf(path) }, name)
}

/** The bytes, or why there are none. */
function readable (path: string, { size }: Stats): Buffer | string {
  if (size > largest) return `${size} bytes are too large for an event`
  try {
    return read(path)?.bytes ?? 'it cannot be read'
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return error.message
  }
}

/** Whether the words of a row are those of a member that is held. */
export function isHeld ({ problem }: Pick<MemberRow, 'problem'>): boolean {
  return problem === heldWords.missing || problem === heldWords.older
}

function served (message: string, row: MemberRow | undefined): string {
  return `${message}; ${row !== undefined && row.etag !== '' ? 'its last good version is served instead' : 'it is not served'}`
}

function handFor (row: MemberRow | undefined): string {
  return `mend it in an editor${row !== undefined && row.etag !== '' ? ', or bring back the last good version with caldavd undo' : ', or move it out of the calendar'}`
}

function sick (folder: Folder, name: string, { check, message, line, pieces }: Ailment, bytes: Buffer, stats: Stats, row: MemberRow | undefined): Finding {
  const path = shown(`${folder.directory}/${name}`)
  const isEvent = /\.ics$/i.test(name) || /^(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR/i.test(bytes.toString('latin1', 0, 200))
  if (!isEvent && row?.etag !== undefined && row.etag !== '') return { check, path, line, message: served(message, row), hand: handFor(row) }
  if (!isEvent) return { check: 'foreign-file', path, message: 'it is no event, and is not served', hand: 'move it out of the calendar' }
  if (pieces === undefined) return { check, path, line, message: served(bytes.length === 0 ? 'the file is empty' : message, row), hand: handFor(row) }
  const seen = stampOf(stats)
  const { fix } = checks[check as 'several-uids']
  return { check, path, line, message: served(message, row), fix: `${fix}; what was goes to the history`, mend: async store => { await putPieces(store, folder, name, pieces, seen) } }
}

/** A file as it was read. */
interface Seen { readonly stats: Stats, readonly bytes: Buffer | string, readonly found: ReturnType<typeof diagnose> | undefined }

function isDoubtful ({ server }: Ward, { home }: Folder, row: MemberRow, { stats, bytes, found }: Seen): boolean {
  if (row.problem !== '' || row.etag === '') return false
  // without a server the index may be behind: the next start follows
  if (!isCurrent(row, stats) || row.stamp !== stampOf(stats)) return server !== undefined && row.stamp !== stampOf(stats)
  if (typeof bytes === 'string' || home.index === undefined) return false
  return row.etag !== etagOf(bytes) || row.size !== bytes.length || !hasBody(home.index, row, bytes) || (found !== undefined && 'uid' in found && found.uid !== row.uid)
}

/** Rows that do not agree with their files, looked at a second time: a server may have been about to follow. */
async function * rows (ward: Ward, folder: Folder, doubts: readonly string[], names: ReadonlySet<string>): AsyncGenerator<Finding> {
  const { index } = folder.home
  if (index === undefined) return
  const gone = ward.server === undefined ? [] : namesOf(index, idOf(folder.path)).filter(name => !names.has(name))
  if (ward.server !== undefined && doubts.length + gone.length > 0) await sleep(patience)
  for (const name of [...doubts, ...gone]) {
    const row = rowOf(folder, name)
    if (row === undefined || row.problem !== '') continue
    const path = `${folder.directory}/${name}`
    const stats = facts(path)
    const isGone = stats?.isFile() !== true
    const bytes = isGone ? '' : readable(path, stats)
    const found = typeof bytes === 'string' || !folder.holdsObjects ? undefined : diagnose(bytes)
    if (!isGone && !isDoubtful(ward, folder, row, { stats, bytes, found })) continue
    yield {
      check: 'index-row',
      path: shown(path),
      message: isGone ? 'the index still has it, and it is gone' : `the index has ETag ${row.etag}, ${row.size} bytes and UID ${row.uid || 'none'}, and that is not what the file is`,
      fix: checks['index-row'].fix,
      mend: async store => {
        const { home, collection } = await opened(store, folder)
        readAgain(home.place(collection), name)
        home.list()
      }
    }
  }
}
