import { lstatSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { rename, temporary } from '../../../store/file.js'
import { otherSpelling } from '../../../store/name.js'
import { versionsBelow } from '../../../store/history/list.js'
import type { End, Version } from '../../../store/history/version.js'
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
  /** Of a collection: how many files it held, and how many of them are not there now. */
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
  const history = settings.history.directory
  const byPath = new Map<string, Version[]>()
  for (const version of versionsBelow(history, '')) byPath.set(version.path, [...byPath.get(version.path) ?? [], version])
  const trees = [...byPath.values()].flat().filter(({ isCollection }) => isCollection)
  const isThere = (path: string): boolean => there(store.documents, path)
  const found = [...byPath].flatMap(([path, all]) => [
    ...all.filter(({ isCollection }) => isCollection).flatMap(tree => collectionWaste(tree, all, isThere)),
    ...isThere(path) ? [] : fileWaste(all, trees)
  ])
  return found.sort((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1)).map((one, row) => ({ number: row + 1, ...one }))
}

function there (documents: string, path: string): boolean {
  const other = otherSpelling(path)
  return [path, ...other === undefined ? [] : [other]].some(one => lstatSync(`${documents}/${one}`, { throwIfNoEntry: false }) !== undefined)
}

type Found = Omit<Waste, 'number'>

// a collection that was made anew since is in the trash as long as something of it is missing
function collectionWaste (tree: Version, all: readonly Version[], isThere: (path: string) => boolean): Found[] {
  const inside = [...inTree(tree)].filter(({ isCollection }) => !isCollection)
  const missing = inside.filter(({ path }) => !isThere(path)).length
  const isAnew = isThere(tree.path)
  if (isAnew && missing === 0) return []
  const { path, at, end, file } = tree
  const bytes = inside.reduce((sum, one) => sum + (factsOf(one.file)?.size ?? 0), 0)
  // what was overwritten in it goes with the last one
  const isLast = !isAnew && all[0] === tree
  return [{ path, at, end, isCollection: true, events: inside.length, missing, bytes, file, isAnew, files: isLast ? all.map(one => one.file) : [file] }]
}

function fileWaste (all: readonly Version[], trees: readonly Version[]): Found[] {
  const [last] = all
  if (last === undefined || last.isCollection || !(last.end === 'deleted' || last.end === 'removed')) return []
  const { path, at, end, file } = last
  // it was there again, and went with its collection
  if (trees.some(tree => tree.at > at && path.startsWith(`${tree.path}/`) && factsOf(`${tree.file}${path.slice(tree.path.length)}`) !== undefined)) return []
  const bytes = all.reduce((sum, one) => sum + (factsOf(one.file)?.size ?? 0), 0)
  return [{ path, at, end, isCollection: false, events: 1, missing: 1, bytes, file, isAnew: false, files: all.map(one => one.file) }]
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
