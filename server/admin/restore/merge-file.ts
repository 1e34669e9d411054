import { etagOf } from '../../../store/etag.js'
import { StoreError } from '../../../store/error.js'
import { facts as statsOf, read } from '../../../store/file.js'
import type { Collection, Home, Member } from '../../../store/home.js'
import { withUid } from '../../../store/index/search.js'
import { properties, setProperties, type Properties } from '../../../store/property.js'
import { makeCollection } from '../../../store/tree.js'
import { writeMember } from '../../../store/write.js'
import { standing } from '../../ical/version.js'
import type { Site } from '../../site/site.js'
import { asCaller } from '../owner.js'
import type { BackupCollection, BackupFile } from './backup.js'
import type { Outcome } from './outcome.js'
import type { Trace } from './trace.js'

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

/** What merging a home has in its hands. */
export interface Work extends Merging {
  readonly home: Home | undefined
  /** Below the documents. */
  readonly homePath: string
  /** The collections that were here at first. */
  readonly here: readonly Collection[]
  readonly trace: Trace
  readonly all: readonly BackupCollection[]
  /** UIDs of the backup → the collections in which it has them. */
  readonly uids: ReadonlyMap<string, ReadonlySet<string>>
}

/** Merges one file of a backup: what is wrong with it, or what became of it, is noted. @throws StoreError */
export async function mergeFile (work: Work, source: BackupCollection, file: BackupFile, outcome: Outcome): Promise<void> {
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
export function elsewhere ({ home, here, uids }: Work, { path }: BackupCollection, { uid }: BackupFile): string | undefined {
  if (home === undefined || uid === '') return undefined
  const inBackup = uids.get(uid)
  return here.find(one => {
    const name = one.path === path || inBackup?.has(one.path) === true ? undefined : withUid(home.index, one.id, uid)
    return name !== undefined && home.collection(one.path) !== undefined && home.member(one, name)?.uid === uid
  })?.path
}

async function bringBack ({ site, home, isDryRun, all, trace }: Work, source: BackupCollection, file: BackupFile, outcome: Outcome): Promise<void> {
  const there = home?.collection(source.path)
  const last = newerThan(file, trace)
  const name = home === undefined || there === undefined ? file.name : freeName(home, there, file.name)
  if (home !== undefined && !isDryRun) {
    await ensure(site, home, source.path, all)
    const collection = home.collection(source.path)
    if (collection === undefined) throw new StoreError('missing', `${home.directory}/${source.path} was removed meanwhile`)
    clearBroken(site, home, collection, name)
    await write(site, home, collection, name, last ?? bytesOf(file), undefined)
    await giveProperties(home, collection, name, asCaller(() => properties(source.directory, file.name)))
  }
  outcome.broughtBack.push(file.name)
  if (last !== undefined) outcome.fromHistory.push(file.name)
  if (name !== file.name) outcome.renamed.push({ name: file.name, as: name })
  if (outcome.state === 'moved') outcome.state = 'made'
}

/** The bytes that vanished here after the backup was made, when they are newer. */
function newerThan (file: BackupFile, trace: Trace): Buffer | undefined {
  const lost = file.uid === '' ? undefined : trace.lostOf(file.uid)
  if (lost === undefined || etagOf(lost.bytes) === file.etag) return undefined
  const found = standing(bytesOf(file), lost.bytes)
  return found === 'older' || (found === 'unknown' && lost.at > file.modified) ? lost.bytes : undefined
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

/** Makes a collection of the backup, after those above it. */
export async function ensure ({ store }: Site, home: Home, path: string, all: readonly BackupCollection[]): Promise<void> {
  const names = path.split('/')
  for (let depth = 1; depth <= names.length; depth++) {
    const above = names.slice(0, depth).join('/')
    if (home.collection(above) === undefined) await makeCollection(store.writing, home, above, all.find(one => one.path === above)?.values ?? new Map())
  }
}
