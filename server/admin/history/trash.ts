import { lstatSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { StoreError } from '../../../store/error.js'
import { rename, temporary } from '../../../store/file.js'
import { otherSpelling } from '../../../store/name.js'
import { versionsBelow } from '../../../store/history/list.js'
import type { End, Version } from '../../../store/history/version.js'
import type { Store } from '../../../store/store.js'
import { homeLength } from '../../site/resource.js'
import type { Site } from '../../site/site.js'
import { factsOf, inTree } from './past.js'

/** Something that was deleted or removed, and is not there now. */
export interface Waste {
  /** In the list of all, 1 = the latest. */
  readonly number: number
  /** Below the documents. */
  readonly path: string
  readonly at: number
  readonly end: End
  readonly isCollection: boolean
  /** Of a collection: how many files it held, and how many of them are neither there now nor were later. */
  readonly events: number
  readonly missing: number
  /** Of all that is kept of it. */
  readonly bytes: number
  /** Where it lies, absolute. */
  readonly file: string
  /** A collection of that name was made since. */
  readonly isAnew: boolean
  /** All that is kept of it, absolute. */
  readonly files: readonly string[]
}

/** What was deleted and is not there now, latest first. */
export function trash ({ settings, store }: Site): Waste[] {
  const all = versionsBelow(settings.history.directory, '')
  const byPath = byPathOf(all)
  const trees = new Map(all.filter(({ isCollection }) => isCollection).map(tree => [tree, [...inTree(tree)].filter(({ isCollection }) => !isCollection)]))
  const insides = byPathOf([...trees.values()].flat())
  const seen = lastSeen([...all, ...[...trees.values()].flat()])
  const isHeld = heldNow(store)
  // what is served although its file is missing is not gone
  const isThere = (path: string): boolean => there(store.documents, path) || isHeld(path)
  const isLost = ({ path, at }: Version): boolean => seen.get(path) === at && !isThere(path)
  const found = [...byPath].flatMap(([path, former]) => {
    const [last] = former
    const files = last !== undefined && !last.isCollection && (last.end === 'deleted' || last.end === 'removed') && isLost(last) ? [fileWaste(last, [...former, ...insides.get(path) ?? []])] : []
    return [...files, ...former.filter(({ isCollection }) => isCollection).flatMap(tree => collectionWaste(tree, trees.get(tree) ?? [], former, isThere(path), isLost))]
  })
  return found.sort((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1)).map((one, row) => ({ number: row + 1, ...one }))
}

function byPathOf (versions: readonly Version[]): Map<string, Version[]> {
  const found = new Map<string, Version[]>()
  for (const version of versions) {
    const former = found.get(version.path)
    if (former === undefined) found.set(version.path, [version])
    else former.push(version)
  }
  return found
}

/** When each path was last kept. */
function lastSeen (versions: readonly Version[]): Map<string, number> {
  const seen = new Map<string, number>()
  for (const { path, at } of versions) seen.set(path, Math.max(at, seen.get(path) ?? 0))
  return seen
}

function there (documents: string, path: string): boolean {
  const other = otherSpelling(path)
  return [path, ...other === undefined ? [] : [other]].some(one => lstatSync(`${documents}/${one}`, { throwIfNoEntry: false }) !== undefined)
}

/** Whether something is served as it was because an older state was put back. */
function heldNow (store: Store): (path: string) => boolean {
  const names = new Map<string, ReadonlySet<string>>()
  return path => {
    const cut = path.lastIndexOf('/')
    const around = path.slice(0, cut)
    let held = names.get(around)
    if (held === undefined) {
      held = heldIn(store, around.split('/'))
      names.set(around, held)
    }
    return held === unknown || held.has(path.slice(cut + 1))
  }
}

/** Of a home that is not mounted nothing is known to be gone. */
const unknown: ReadonlySet<string> = new Set()

function heldIn (store: Store, segments: readonly string[]): ReadonlySet<string> {
  const length = homeLength(segments)
  try {
    const home = segments.length < length ? undefined : store.home(segments.slice(0, length))
    const collection = home?.collection(segments.slice(length).join('/'))
    return new Set(home === undefined || collection === undefined ? [] : home.held(collection).map(({ name }) => name))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return unknown
  }
}

type Found = Omit<Waste, 'number'>

// a collection that was made anew since is in the trash as long as something is nowhere else
function collectionWaste (tree: Version, inside: readonly Version[], former: readonly Version[], isAnew: boolean, isLost: (version: Version) => boolean): Found[] {
  const missing = inside.filter(isLost).length
  const isLast = !isAnew && former[0] === tree
  if (!isLast && missing === 0) return []
  const { path, at, end, file } = tree
  const files = isLast ? former.map(one => one.file) : [file]
  return [{ path, at, end, isCollection: true, events: inside.length, missing, bytes: sizeOf(inside), file, isAnew, files }]
}

function fileWaste ({ path, at, end, file }: Version, former: readonly Version[]): Found {
  return { path, at, end, isCollection: false, events: 1, missing: 1, bytes: sizeOf(former), file, isAnew: false, files: former.map(one => one.file) }
}

function sizeOf (versions: readonly Version[]): number {
  return versions.reduce((sum, { file }) => sum + (factsOf(file)?.size ?? 0), 0)
}

/**
 * Removes for good all that is kept of something deleted, with what was overwritten in it before. Interrupted, it leaves each version whole or not at all.
 * @throws StoreError
 */
export async function forget ({ settings }: Site, { path, files, isCollection, isAnew }: Waste): Promise<void> {
  const history = settings.history.directory
  const inside = isCollection && !isAnew ? versionsBelow(history, path).filter(version => version.path !== path).map(({ file }) => file) : []
  for (const file of [...inside, ...files]) {
    if (factsOf(file) === undefined) continue
    const out = temporary(history)
    rename(file, out)
    await rm(out, { recursive: true, force: true })
  }
}
