import { StoreError } from '../../../store/error.js'
import type { Collection, Home } from '../../../store/home.js'
import { properties, setProperties } from '../../../store/property.js'
import { holdsObjects } from '../../site/resource.js'
import { collectionsIn, filesIn, type BackupCollection, type BackupFile } from './backup.js'
import { bringBackHeld } from './held.js'
import { elsewhere, ensure, mergeFile, type Merging, type Work } from './merge-file.js'
import { outcomeOf, type Outcome } from './outcome.js'
import { traceOf } from './trace.js'

/** Where a directory of a backup belongs. */
export interface Aim {
  /** Decoded, below the documents: `['calendars', 'users', 'alice']`. */
  readonly home: readonly string[]
  /** Below the home; '' = the home itself. */
  readonly path: string
}

/**
 * Brings back what a directory of a backup has and a home has not, and the newer of what both have. What loses goes into the history;
 * running it again changes nothing more.
 * @param directory  of the backup, absolute
 * @throws StoreError when nothing can be written any more (full, read-only)
 */
export async function merge (merging: Merging, directory: string, aim: Aim): Promise<Outcome[]> {
  const { site, isDryRun } = merging
  const home = site.store.home(aim.home) ?? (isDryRun ? undefined : site.store.makeHome(aim.home))
  const isObjects = (path: string, resourcetype: string | undefined): boolean => home?.collection(path)?.holdsObjects ?? holdsObjects(path, resourcetype)
  const all = collectionsIn(directory, aim.path, isObjects)
  const held = home === undefined ? [] : await bringBackHeld(site, home, aim.path, isDryRun)
  const here = home === undefined ? [] : await freshAll(home, '')
  // what has just been found missing goes into the history first
  await home?.idle()
  const total = 2 * all.reduce((sum, { names }) => sum + names.length, 0)
  let done = 0
  const tick = (): void => { merging.progress(++done, total) }
  const read = []
  for (const collection of all) read.push({ collection, files: await filesIn(collection, knownIn(home, collection), tick) })
  const homePath = aim.home.join('/')
  const work: Work = { ...merging, home, homePath, here, trace: traceOf(site.store.writing.history, homePath), all, uids: uidsOf(read) }
  const outcomes: Outcome[] = []
  for (const { collection, files } of read) {
    const outcome = outcomeOf(typedPath(aim.home, collection.path))
    outcome.held.push(...held.find(({ path }) => path === collection.path)?.names ?? [])
    await mergeCollection(work, collection, files, outcome, tick)
    outcomes.push(outcome)
  }
  // what is held in calendars that the backup does not have
  for (const { path, names } of held) {
    if (!all.some(one => one.path === path)) outcomes.push({ ...outcomeOf(typedPath(aim.home, path)), held: [...names] })
  }
  return outcomes
}

/** A path as it is typed and shown: 'alice/work', 'groups/club/plans'. @param home  as in `Aim` */
export function typedPath (home: readonly string[], path: string): string {
  const names = home[1] === 'users' ? home.slice(2) : home.slice(1)
  return [...names, ...path === '' ? [] : [path]].join('/')
}

async function freshAll (home: Home, path: string): Promise<Collection[]> {
  const collection = home.collection(path)
  if (collection === undefined) return []
  await home.fresh(collection)
  const all = [collection]
  for (const child of home.children(path)) all.push(...await freshAll(home, child.path))
  return all
}

function knownIn (home: Home | undefined, { path }: BackupCollection): (name: string, etag: string) => string | undefined {
  const collection = home?.collection(path)
  return (name, etag) => {
    const member = collection === undefined ? undefined : home?.member(collection, name)
    return member?.etag === etag && member.uid !== '' ? member.uid : undefined
  }
}

function uidsOf (read: readonly { readonly collection: BackupCollection, readonly files: readonly BackupFile[] }[]): Map<string, Set<string>> {
  const uids = new Map<string, Set<string>>()
  for (const { collection, files } of read) for (const { uid } of files) if (uid !== '') uids.set(uid, (uids.get(uid) ?? new Set()).add(collection.path))
  return uids
}

async function mergeCollection (work: Work, source: BackupCollection, files: readonly BackupFile[], outcome: Outcome, tick: () => void): Promise<void> {
  const { home, homePath, trace, bringsDeleted } = work
  for (const { name, problem } of source.odd) outcome.unreadable.push({ name, problem, isMissing: false })
  const isThere = home?.collection(source.path) !== undefined
  if (!isThere) {
    const deletedAt = trace.deletionOfCollection(`${homePath}/${source.path}`, source.modified, new Map(files.slice(0, 50).map(({ name, etag }) => [name, etag])))
    if (deletedAt !== undefined && !bringsDeleted) {
      Object.assign(outcome, { state: 'deleted', deletedAt })
      for (const _ of files) tick()
      return
    }
    outcome.state = files.length > 0 && files.every(file => file.problem === '' && elsewhere(work, source, file) !== undefined) ? 'moved' : 'made'
  }
  if (outcome.state !== 'moved') await attempt(outcome, '', async () => { await mergeProperties(work, source, outcome) })
  for (const file of files) {
    tick()
    await attempt(outcome, file.name, async () => { await mergeFile(work, source, file, outcome) })
  }
}

/** Notes what concerns one file only; what concerns all that follow is thrown on. */
async function attempt (outcome: Outcome, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof StoreError) || error.reason === 'full' || error.reason === 'read-only') throw error
    outcome.failed.push({ name, problem: error.message })
  }
}

// a calendar without any property has lost them; one with some is as its owner wants it: access that was revoked must not come back
async function mergeProperties ({ site, home, isDryRun, all }: Work, { path, values }: BackupCollection, outcome: Outcome): Promise<void> {
  const collection = home?.collection(path)
  if (collection === undefined) {
    if (home !== undefined && !isDryRun) await ensure(site, home, path, all)
  } else if (values.size > 0 && properties(collection.directory, '').size === 0) {
    outcome.properties = true
    if (isDryRun) return
    await setProperties(collection.directory, '', values)
    home?.touch(collection)
  }
}
