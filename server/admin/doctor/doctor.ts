import { statSync } from 'node:fs'
import type { Settings } from '../../../conf/settings.js'
import { supported } from '../../../store/attribute.js'
import { StoreError } from '../../../store/error.js'
import { facts } from '../../../store/file.js'
import { servedBy } from '../../../store/lock.js'
import { isIgnored } from '../../../store/name.js'
import { AdminError } from '../place.js'
import { openSecrets, Unusable } from './access.js'
import { attributes } from './attributes.js'
import { folders, homesIn, look, type DiskHome, type Folder } from './disk.js'
import { Uids } from './duplicates.js'
import { bodies } from './files.js'
import { shown, type Finding } from './finding.js'
import { indexed, missing, openToRead } from './indexes.js'
import { kept } from './kept.js'
import { besides, leftovers } from './leftovers.js'
import { names, strangers } from './names.js'
import { census, orphans } from './people.js'
import { isInside, isWanted, type Scope } from './scope.js'
import { room, watches, watchLimit } from './space.js'
import { clock, Future } from './times.js'
import type { Ward } from './ward.js'

/** How far the work is. */
export interface Progress { readonly done: number, readonly all: number }

/** What an examination is told besides what is looked at. */
export interface Examination {
  readonly scope: Scope
  /** The settings file in force. */
  readonly settingsFile: string | undefined
  /** Hears how many files have been looked at. */
  readonly progress: (progress: Progress) => void
}

/**
 * What there is to know about a data directory before it is looked at.
 * @throws AdminError when there are no documents, or they cannot be read by who asks
 */
export function wardOf (settings: Settings): Ward {
  const { documents, directory } = settings.data
  const state = `${directory}/state`
  const stats = statSync(documents, { throwIfNoEntry: false })
  const now = Date.now()
  if (stats !== undefined && !stats.isDirectory()) throw new AdminError(`${documents} is no directory: expected the documents there (data.documents)`)
  if (stats === undefined && facts(`${state}/index`) === undefined) throw new AdminError(`${documents} is not there: expected the documents (data.documents); "caldavd serve" makes them`)
  const owner = stats ?? statSync(directory)
  const ward = { settings, documents, state, owner, server: servedBy(state), keepsAttributes: true, now }
  return stats === undefined ? ward : { ...ward, keepsAttributes: keepsAttributes(documents) }
}

function keepsAttributes (documents: string): boolean {
  try {
    return supported(facts(`${documents}/.drafts`) === undefined ? documents : `${documents}/.drafts`)
  } catch (error) {
    if (error instanceof StoreError) return true
    throw error
  }
}

/** Looks at everything in the scope, one directory after the other, and changes nothing: whoever asks may mend between two findings. */
export async function * examine (ward: Ward, { scope, settingsFile, progress }: Examination): AsyncGenerator<Finding> {
  const { homes, strays } = facts(ward.documents) === undefined ? { homes: [], strays: [] } : homesIn(ward.documents)
  if (scope.path === '') yield * aroundHomes(ward, homes, settingsFile)
  for (const { path, kind } of strays) {
    if (isInside(ward.documents, scope, path)) yield { check: 'foreign-file', path: shown(path), message: `it is a ${kind} where homes lie, and is not served`, hand: 'move it away' }
  }
  const wanted = homes.filter(({ path }) => scope.home === undefined ? isInside('', { ...scope, path: scope.path }, `/${path}`) : path === scope.home)
  const total = count(wanted)
  const counter = { done: 0, all: total.files }
  if (scope.path === '') yield * watches(ward.documents, total.directories + new Set(homes.map(({ segments }) => segments[1])).size + 2, watchLimit())
  for (const home of wanted) {
    for await (const finding of inHome(ward, home, scope, () => { progress({ done: ++counter.done, all: counter.all }) })) {
      if (isInside(ward.documents, scope, finding.path) || finding.check === 'index-damaged') yield finding
    }
  }
}

async function * aroundHomes (ward: Ward, homes: readonly DiskHome[], settingsFile: string | undefined): AsyncGenerator<Finding> {
  yield * missing(ward, homes)
  yield * clock(ward.now, statSync(import.meta.filename).mtimeMs)
  yield * openSecrets(ward.settings, settingsFile)
  const { directory, findings } = await census(ward)
  yield * findings
  if (directory !== undefined) yield * orphans(directory, homes)
  yield * room(ward)
  yield * kept(ward)
  for (const place of besides(ward)) yield * leftovers(ward, place)
}

/** Directories and files, for the progress and the watches. What cannot be read is told of later. */
function count (homes: readonly DiskHome[]): { directories: number, files: number } {
  let [directories, files] = [0, 0]
  const visit = (directory: string): void => {
    directories++
    for (const { name, kind } of readable(directory)) {
      if (isIgnored(name)) continue
      if (kind === 'directory') visit(`${directory}/${name}`)
      else files++
    }
  }
  for (const { directory } of homes) visit(directory)
  return { directories, files }
}

function readable (directory: string): ReturnType<typeof look> {
  try {
    return look(directory)
  } catch (error) {
    if (error instanceof StoreError) return []
    throw error
  }
}

async function * inHome (ward: Ward, found: DiskHome, scope: Scope, step: () => void): AsyncGenerator<Finding> {
  const { index, finding } = openToRead(ward, found.path)
  if (finding !== undefined) yield finding
  const home: DiskHome = { ...found, index }
  const unread: Finding[] = []
  try {
    yield * indexed(home, path => isWanted(scope, path))
    const uids = new Uids()
    yield * usable(ward, home.directory)
    const tell = (directory: string, error: unknown): void => {
      if (!(error instanceof StoreError)) throw error
      unread.push({ check: 'access', path: shown(directory), message: error.message, hand: 'as root: caldavd doctor --fix gives it to the owner of the documents' })
    }
    for (const folder of folders(home, tell)) {
      // an event can be in another calendar too
      if (scope.home === undefined || isWanted(scope, folder.path)) yield * inFolder(ward, folder, uids, step)
      yield * unread.splice(0)
    }
    yield * unread
  } finally {
    index?.close()
  }
}

function * usable (ward: Ward, directory: string): Generator<Finding> {
  const unusable = new Unusable(ward)
  const stats = facts(directory)
  if (stats !== undefined) unusable.look(directory, stats)
  yield * unusable.findings(directory)
}

async function * inFolder (ward: Ward, folder: Folder, uids: Uids, step: () => void): AsyncGenerator<Finding> {
  const { directory, entries } = folder
  yield * leftovers(ward, directory)
  const [unusable, future] = [new Unusable(ward), new Future(ward)]
  for (const { name, kind, octets } of entries) {
    if (octets !== undefined || (kind !== 'file' && kind !== 'directory')) continue
    const stats = facts(`${directory}/${name}`)
    if (stats === undefined) continue
    unusable.look(`${directory}/${name}`, stats)
    future.look(`${directory}/${name}`, stats)
  }
  yield * unusable.findings(directory)
  yield * future.findings(directory)
  const files = entries.filter(({ name, kind, octets }) => kind === 'file' && octets === undefined && !isIgnored(name))
  yield * attributes(ward, folder, files)
  yield * bodies(ward, folder, files, uids.meet, step)
  yield * uids.findings(folder)
  yield * names(folder)
  yield * strangers(folder)
}
