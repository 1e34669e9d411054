import { copyFileSync, constants, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import * as attribute from './attribute.js'
import { StoreError, translated } from './error.js'
import { facts as statsOf, flushDirectory, removeTree, rename, temporary } from './file.js'
import type { Collection, Home } from './home.js'
import { fileName } from './name.js'
import { setProperties } from './property.js'
import { sidecarName } from './sidecar.js'
import { draftsFor, type Writing } from './write.js'

/**
 * Makes a directory for a collection with its first properties: prepared out of sight and renamed into place, so that it is
 * never seen without them.
 * @param path  below the home, its last segment a file name
 * @throws StoreError exists, missing (the parent), bad-name, full, read-only
 */
export async function makeCollection (writing: Writing, home: Home, path: string, values: ReadonlyMap<string, string>): Promise<Collection> {
  const target = targetOf(home, path)
  await prepare(writing, target, async prepared => {
    makeDirectory(prepared)
    await setProperties(prepared, '', values)
  }, () => {
    if (statsOf(target) !== undefined) throw new StoreError('exists', `${target} exists`)
  })
  return await placed(writing, home, path, target)
}

function targetOf (home: Home, path: string): string {
  fileName(path.slice(path.lastIndexOf('/') + 1))
  const target = `${home.directory}/${path}`
  if (statsOf(dirname(target))?.isDirectory() !== true) throw new StoreError('missing', `${dirname(target)} does not exist`)
  return target
}

async function prepare (writing: Writing, target: string, make: (prepared: string) => Promise<void>, guard: () => void): Promise<void> {
  const prepared = temporary(draftsFor(writing, dirname(target)))
  try {
    await make(prepared)
    guard()
    rename(prepared, target)
  } catch (error) {
    removeQuietly(prepared)
    throw error
  }
}

async function placed (writing: Writing, home: Home, path: string, target: string): Promise<Collection> {
  if (writing.durable) await flushDirectory(dirname(target))
  home.list()
  const made = home.collection(path)
  if (made === undefined) throw new StoreError('missing', `${target} was removed while it was made`)
  home.touch(made)
  return made
}

function makeDirectory (path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    throw translated(error, `make the directory ${path}`)
  }
}

function removeQuietly (path: string): void {
  try {
    removeTree(path)
  } catch {
    // what cannot be removed now is removed at the next start
  }
}

/** Removes a collection with all it holds: renamed out of sight first, so that nobody sees half of it. @throws StoreError */
export async function deleteCollection (writing: Writing, home: Home, collection: Collection): Promise<void> {
  const out = setAside(writing, collection.directory)
  home.list()
  if (writing.durable) await flushDirectory(dirname(collection.directory))
  removeTree(out)
}

function setAside (writing: Writing, directory: string): string {
  const out = temporary(draftsFor(writing, dirname(directory)))
  rename(directory, out)
  return out
}

/**
 * Moves a collection to a path of the same or another home by one rename; what was there is replaced.
 * @throws StoreError
 */
export async function moveCollection (writing: Writing, home: Home, collection: Collection, toHome: Home, path: string): Promise<Collection> {
  const target = targetOf(toHome, path)
  const out = statsOf(target) === undefined ? undefined : setAside(writing, target)
  try {
    rename(collection.directory, target)
  } catch (error) {
    if (out !== undefined) rename(out, target)
    throw error
  }
  home.list()
  const made = await placed(writing, toHome, path, target)
  if (writing.durable) await flushDirectory(dirname(collection.directory))
  if (out !== undefined) removeTree(out)
  return made
}

/**
 * Copies a collection with its properties; with `members` also all that is below it. The copy is made out of sight and
 * renamed into place; what was there is replaced.
 * @throws StoreError
 */
export async function copyCollection (writing: Writing, home: Home, collection: Collection, toHome: Home, path: string, members: boolean): Promise<Collection> {
  const target = targetOf(toHome, path)
  let out: string | undefined
  await prepare(writing, target, async prepared => { await copyTree(home, collection, prepared, members) }, () => {
    if (statsOf(target) !== undefined) out = setAside(writing, target)
  })
  const made = await placed(writing, toHome, path, target)
  if (out !== undefined) removeTree(out)
  return made
}

async function copyTree (home: Home, collection: Collection, target: string, members: boolean): Promise<void> {
  makeDirectory(target)
  attribute.copy(collection.directory, target)
  if (statsOf(`${collection.directory}/${sidecarName}`) !== undefined) copyFile(collection.directory, target, sidecarName)
  if (!members) return
  await home.fresh(collection)
  let copied = 0
  for (const { name } of home.members(collection)) {
    copyFile(collection.directory, target, name)
    if (++copied % 50 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await flushDirectory(target)
  for (const child of home.children(collection.path)) await copyTree(home, child, `${target}/${child.path.slice(child.path.lastIndexOf('/') + 1)}`, true)
}

function copyFile (from: string, to: string, name: string): void {
  try {
    copyFileSync(`${from}/${name}`, `${to}/${name}`, constants.COPYFILE_FICLONE)
  } catch (error) {
    throw translated(error, `copy ${from}/${name}`)
  }
  attribute.copy(`${from}/${name}`, `${to}/${name}`)
}
