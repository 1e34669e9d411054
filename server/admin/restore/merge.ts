import { etagOf } from '../../../store/etag.js'
import { StoreError } from '../../../store/error.js'
import { facts as statsOf, read } from '../../../store/file.js'
import type { Collection, Home, Member } from '../../../store/home.js'
import { withUid } from '../../../store/index/search.js'
import { properties, setProperties, type Properties } from '../../../store/property.js'
import { makeCollection } from '../../../store/tree.js'
import { writeMember } from '../../../store/write.js'
import { standing } from '../../ical/version.js'
import { holdsObjects } from '../../site/resource.js'
import type { Site } from '../../site/site.js'
import { asCaller } from '../owner.js'
import { collectionsIn, filesIn, type BackupCollection, type BackupFile } from './backup.js'
import { bringBackHeld } from './held.js'
import { outcomeOf, type Outcome } from './outcome.js'
import { traceOf, type Trace } from './trace.js'

/** How a backup is merged. */
export interface Merging {
  readonly site: Site
  /** Nothing is written. */
  readonly isDryRun: boolean
  /** What was deleted here since the backup comes back too. */
  readonly bringsDeleted: boolean
  /** Told how far it has come, in files. */
  readonly progress: (done: number, total: number) => void
}

/** Where a directory of a backup belongs. */
export interface Aim {
  /** Decoded, below the documents: `['calendars', 'users', 'alice']`. */
  readonly home: readonly string[]
  /** Below the home; '' = the home itself. */
  readonly path: string
}

/** What `merge` has in its hands. */
interface Work extends Merging {
  readonly home: Home | undefined
  readonly homePath: string
  readonly trace: Trace
  readonly all: readonly BackupCollection[]
  /** UIDs of the backup → the collections in which it has them. */
  readonly uids: ReadonlyMap<string, ReadonlySet<string>>
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
  if (home !== undefined) await freshAll(home, '')
  const total = 2 * all.reduce((sum, { names }) => sum + names.length, 0)
  let done = 0
  const tick = (): void => { merging.progress(++done, total) }
  const read = []
  for (const collection of all) read.push({ collection, files: await filesIn(collection, knownIn(home, collection), tick) })
  const homePath = aim.home.join('/')
  const work: Work = { ...merging, home, homePath, trace: traceOf(site.store.writing.history, homePath), all, uids: uidsOf(read) }
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

async function freshAll (home: Home, path: string): Promise<void> {
  const collection = home.collection(path)
  if (collection === undefined) return
  await home.fresh(collection)
  for (const child of home.children(path)) await freshAll(home, child.path)
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

/** Makes a collection of the backup, after those above it. */
async function ensure ({ store }: Site, home: Home, path: string, all: readonly BackupCollection[]): Promise<void> {
  const names = path.split('/')
  for (let depth = 1; depth <= names.length; depth++) {
    const above = names.slice(0, depth).join('/')
    if (home.collection(above) === undefined) await makeCollection(store.writing, home, above, all.find(one => one.path === above)?.values ?? new Map())
  }
}

async function mergeFile (work: Work, source: BackupCollection, file: BackupFile, outcome: Outcome): Promise<void> {
  const { home } = work
  const collection = home?.collection(source.path)
  const here = home === undefined || collection === undefined ? undefined : memberFor(home, collection, file)
  if (file.problem !== '') {
    outcome.unreadable.push({ name: file.name, problem: file.problem, isMissing: here === undefined })
  } else if (home !== undefined && collection !== undefined && here !== undefined) {
    await mergeBoth(work, { home, collection, here, source, file }, outcome)
  } else {
    await mergeMissing(work, source, file, outcome)
  }
}

/** What is here of a file of the backup: by its UID, then by its name. */
function memberFor (home: Home, collection: Collection, { uid, name }: BackupFile): Member | undefined {
  if (uid === '') return home.member(collection, name)
  const holder = withUid(home.index, collection.id, uid)
  const member = holder === undefined ? undefined : home.member(collection, holder)
  return member?.uid === uid ? member : undefined
}

async function mergeMissing (work: Work, source: BackupCollection, file: BackupFile, outcome: Outcome): Promise<void> {
  const { homePath, trace, bringsDeleted } = work
  const to = elsewhere(work, source, file)
  if (to !== undefined) {
    outcome.moved.push({ name: file.name, to })
    return
  }
  const at = trace.deletionOf([homePath, ...source.path === '' ? [] : [source.path], file.name].join('/'), file)
  if (at !== undefined && !bringsDeleted) outcome.deleted.push({ name: file.name, at })
  else await bringBack(work, source, file, outcome)
}

/** The collection here that has the event of a file, where the backup has it not: it was moved there. */
function elsewhere ({ home, uids }: Work, { path }: BackupCollection, { uid }: BackupFile): string | undefined {
  if (home === undefined || uid === '') return undefined
  const inBackup = uids.get(uid)
  const row = home.index.all<{ path: string, name: string }>("SELECT collection.path AS path, member.name AS name FROM member JOIN collection ON collection.id = member.collection WHERE uid = ? AND etag <> '' AND gone = 0", uid)
    .find(one => one.path !== path && inBackup?.has(one.path) !== true)
  const collection = row === undefined ? undefined : home.collection(row.path)
  return row === undefined || collection === undefined || home.member(collection, row.name)?.uid !== uid ? undefined : row.path
}

async function bringBack ({ site, home, isDryRun, all }: Work, source: BackupCollection, file: BackupFile, outcome: Outcome): Promise<void> {
  const there = home?.collection(source.path)
  const name = home === undefined || there === undefined ? file.name : freeName(home, there, file.name)
  if (home !== undefined && !isDryRun) {
    await ensure(site, home, source.path, all)
    const collection = home.collection(source.path)
    if (collection === undefined) throw new StoreError('missing', `${home.directory}/${source.path} was removed meanwhile`)
    clearBroken(site, home, collection, name)
    await write(site, home, collection, name, bytesOf(file), undefined)
    await giveProperties(home, collection, name, asCaller(() => properties(source.directory, file.name)))
  }
  outcome.broughtBack.push(file.name)
  if (name !== file.name) outcome.renamed.push({ name: file.name, as: name })
  if (outcome.state === 'moved') outcome.state = 'made'
}

/** The name, or one like it when another event has it. */
function freeName (home: Home, collection: Collection, name: string): string {
  const [stem, ending] = /\.ics$/i.test(name) ? [name.slice(0, -4), name.slice(-4)] : [name, '']
  for (let number = 1; ; number++) {
    const one = number === 1 ? name : `${stem}-${number}${ending}`
    if (home.member(collection, one) === undefined) return one
  }
}

// a file that cannot be served, and never could, is in the way: it is kept as a former version
function clearBroken ({ store }: Site, home: Home, collection: Collection, name: string): void {
  const path = `${collection.directory}/${home.nameOf(collection, name)}`
  if (statsOf(path)?.isFile() !== true) return
  if (store.writing.history.takeAway(path, 'replaced')) home.suspect(collection.path, name)
}

function bytesOf ({ path, etag }: BackupFile): Buffer {
  const bytes = asCaller(() => read(path))?.bytes
  if (bytes === undefined || etagOf(bytes) !== etag) throw new StoreError('changed', `${path} changed while it was read`)
  return bytes
}

/** @param etag  of what is here; another one means that somebody was quicker */
async function write ({ store }: Site, home: Home, collection: Collection, name: string, bytes: Buffer, etag: string | undefined): Promise<void> {
  await writeMember(store.writing, home, collection, name, { bytes }, current => {
    if (current?.etag !== etag) throw new StoreError('changed', `${collection.directory}/${name} was changed meanwhile and is left as it is; run it again`)
  })
}

async function giveProperties (home: Home, collection: Collection, name: string, values: Properties): Promise<void> {
  if (values.size === 0 || properties(collection.directory, name).size > 0) return
  await setProperties(collection.directory, name, values)
  home.suspect(collection.path, name)
}

interface Both { readonly home: Home, readonly collection: Collection, readonly here: Member, readonly source: BackupCollection, readonly file: BackupFile }

async function mergeBoth ({ site, homePath, trace, isDryRun }: Work, { home, collection, here, source, file }: Both, outcome: Outcome): Promise<void> {
  const served = home.content(collection, here.name)?.bytes
  if (served === undefined) throw new StoreError('changed', `${collection.directory}/${here.name} was removed meanwhile; run it again`)
  const theirs = bytesOf(file)
  const path = [homePath, ...collection.path === '' ? [] : [collection.path], here.name].join('/')
  const judged = judge(trace, path, { served, theirs, here, file })
  if (judged === 'replaced') {
    if (!isDryRun) await write(site, home, collection, here.name, theirs, here.etag)
  } else if (here.problem !== '' && !outcome.held.includes(here.name)) {
    outcome.mended.push(here.name)
    if (!isDryRun) await write(site, home, collection, here.name, served, here.etag)
  }
  if (judged === 'kept' && !isDryRun) trace.keep(path, theirs)
  if (judged === 'same') outcome.same++
  else outcome[judged].push(file.name)
  if (!isDryRun) await giveProperties(home, collection, here.name, asCaller(() => properties(source.directory, file.name)))
}

interface Candidates { readonly served: Buffer, readonly theirs: Buffer, readonly here: Member, readonly file: BackupFile }

/** Which of both stays: by what they say themselves, then by the history, then by the times of the files. */
function judge (trace: Trace, path: string, { served, theirs, here, file }: Candidates): 'same' | 'kept' | 'replaced' {
  if (here.etag === file.etag) return 'same'
  const found = file.uid === '' ? 'unknown' : standing(theirs, served)
  if (found !== 'unknown') return found === 'newer' ? 'replaced' : found === 'older' ? 'kept' : 'same'
  // what is here came after it
  if (trace.hasFormer(path, theirs)) return 'kept'
  return file.modified > here.modified ? 'replaced' : 'kept'
}
