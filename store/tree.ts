import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { propertyName } from '../twistedcompat/attribute.js'
import * as attribute from './attribute.js'
import { asideIn, dropAside, finishAside, type Aside } from './aside.js'
import { StoreError, translated } from './error.js'
import { draft, facts as statsOf, flushDirectory, removeTree, rename, temporary } from './file.js'
import { deepest, type Collection, type Home, type Member } from './home.js'
import type { End } from './history/version.js'
import { properties, setProperties } from './property.js'
import { demandSpace } from './space.js'
import { onlyKey, partOf, readSidecar, sidecarName, sidecarText } from './sidecar.js'
import { draftsFor, isSameDevice, writeAllHeld, type Writing } from './write.js'

/**
 * Makes a directory for a collection with its first properties: prepared out of sight and renamed into place, so that it is
 * never seen without them.
 * @param path   below the home, its last segment a file name
 * @param guard  called just before it appears; throws to prevent it
 * @throws StoreError exists, missing (the parent), bad-name, full, read-only; what `guard` throws
 */
export async function makeCollection (writing: Writing, home: Home, path: string, values: ReadonlyMap<string, string>, guard: () => void = () => {}): Promise<Collection> {
  return await placeCollection(writing, home, path, async prepared => {
    makeDirectory(prepared)
    await setProperties(prepared, '', values)
  }, guard)
}

/**
 * Makes a collection of what `make` puts at the absolute path it is given, which nobody sees before it is renamed into place.
 * @param path   as in `makeCollection`
 * @param guard  as in `makeCollection`
 * @throws StoreError as `makeCollection`; what `make` and `guard` throw
 */
export async function placeCollection (writing: Writing, home: Home, path: string, make: (prepared: string) => Promise<void>, guard: () => void = () => {}): Promise<Collection> {
  const target = targetOf(home, path)
  demandSpace([dirname(target), writing.state], 0)
  const prepared = await prepare(writing, target, make)
  try {
    targetOf(home, path)
    if (statsOf(target) !== undefined) throw new StoreError('exists', `${target} exists`)
    guard()
    rename(prepared, target)
  } catch (error) {
    removeQuietly(prepared)
    throw error
  }
  return await placed(writing, home, path, target)
}

function targetOf (home: Home, path: string, levels = 0): string {
  const end = path.lastIndexOf('/')
  home.demandName(path.slice(end + 1))
  const target = `${home.directory}/${path}`
  // not by the disk alone: a link is no collection
  const parent = home.collection(end < 0 ? '' : path.slice(0, end))
  if (parent === undefined) throw new StoreError('missing', `${dirname(target)} does not exist`)
  // RFC 4791 4.2
  if (parent.holdsObjects) throw new StoreError('bad-name', `${parent.directory} holds objects and no collections`)
  if (path.split('/').length + levels > deepest) throw new StoreError('too-deep', `${target} would lie, or hold something, deeper than ${deepest} levels below ${home.directory}`)
  return target
}

/** How many levels of collections lie below one. */
function levelsBelow (home: Home, { path, holdsObjects }: Collection): number {
  return holdsObjects ? 0 : Math.max(0, ...home.children(path).map(child => 1 + levelsBelow(home, child)))
}

async function prepare (writing: Writing, target: string, make: (prepared: string) => Promise<void>): Promise<string> {
  const prepared = temporary(draftsFor(writing, dirname(target)))
  try {
    await make(prepared)
    return prepared
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
  await lookAt(home, collection)
  if (home.collection(collection.path) === undefined) throw new StoreError('missing', `${collection.directory} does not exist`)
  const out = setAside(writing, collection.directory, 'deleted')
  home.leaves(collection.path)
  home.list()
  if (writing.durable) await flushDirectory(dirname(collection.directory))
  await keepOrRemove(writing, out)
}

/** Looks at what was edited by hand up to now: what it was before goes into the history. */
async function lookAt (home: Home, { path }: Collection): Promise<void> {
  const collection = home.collection(path)
  if (collection === undefined) return
  // what was edited in place a moment ago may not have been told yet
  home.suspect(path, undefined)
  await home.fresh(collection)
  if (!collection.holdsObjects) for (const child of home.children(path)) await lookAt(home, child)
}

/** A directory that is out of sight, and has still to be kept. */
interface Out extends Aside {
  /** Where it is, absolute. */
  readonly out: string
}

/** @returns `undefined` when it is in the history already */
function setAside (writing: Writing, path: string, end: End): Out | undefined {
  const at = Date.now()
  return isTakenAway(writing, path, end) ? undefined : putAside(writing, { path, end, at })
}

function putAside (writing: Writing, aside: Aside): Out {
  const out = asideIn(draftsFor(writing, dirname(aside.path)), aside)
  try {
    rename(aside.path, out)
  } catch (error) {
    dropAside(out)
    throw error
  }
  return { ...aside, out }
}

// on a full disk it goes all the same: nobody could make room otherwise
function isTakenAway ({ history }: Writing, path: string, end: End): boolean {
  try {
    return history.takeAway(path, end)
  } catch (error) {
    if (error instanceof StoreError && error.reason === 'full') return false
    throw error
  }
}

/** Puts a directory to its place; what is there is set aside, and comes back when that fails. @returns what was set aside */
function replace (writing: Writing, from: string, target: string): Out | undefined {
  if (statsOf(target) === undefined) {
    rename(from, target)
    return undefined
  }
  // into the history first: what a crash leaves among the drafts is removed
  const kept = writing.history.moveAway(target, 'replaced')
  const aside = kept === undefined ? putAside(writing, { path: target, end: 'replaced', at: Date.now() }) : undefined
  try {
    rename(from, target)
  } catch (error) {
    rename(kept ?? aside?.out ?? '', target)
    if (aside !== undefined) dropAside(aside.out)
    throw error
  }
  return aside
}

/** Brings what nobody sees any more into the history, or removes it, without keeping others waiting. What cannot be removed now is removed at the next start. */
async function keepOrRemove (writing: Writing, aside: Out | undefined): Promise<void> {
  if (aside !== undefined) await finishAside(writing, aside.out, aside)
}

/**
 * Moves a collection to a path of the same or another home by one rename; what was there is replaced. Between file systems
 * it is copied and then removed.
 * @param guard  called just before the rename; throws to prevent it
 * @throws StoreError; what `guard` throws
 */
export async function moveCollection (writing: Writing, home: Home, collection: Collection, toHome: Home, path: string, guard: () => void = () => {}): Promise<Collection> {
  const target = targetOf(toHome, path, levelsBelow(home, collection))
  demandSpace([dirname(target), writing.state], 0)
  if (home.collection(collection.path) === undefined) throw new StoreError('missing', `${collection.directory} does not exist`)
  if (!isSameDevice(collection.directory, dirname(target))) {
    const made = await copyCollection(writing, home, collection, toHome, path, { members: true, guard })
    await deleteCollection(writing, home, collection)
    return made
  }
  await lookAt(home, collection)
  // the index of another home knows nothing of what is served from this one alone
  if (toHome !== home) await writeAllHeld(writing, home, collection)
  guard()
  const out = replace(writing, collection.directory, target)
  home.leaves(collection.path)
  toHome.leaves(path)
  home.list()
  const made = await placed(writing, toHome, path, target)
  if (writing.durable) await flushDirectory(dirname(collection.directory))
  await keepOrRemove(writing, out)
  return made
}

/** What of a collection is copied. */
export interface Copying {
  /** Also all that is below it; otherwise only the collection and its properties. */
  readonly members: boolean
  /** Whether a file, or a collection below with all it holds, is copied; all are without. */
  readonly keeps?: (collection: Collection, member: Member | undefined) => boolean
  /** The names of properties that stay behind. */
  readonly without?: readonly string[]
  /** Called just before the copy appears; throws to prevent it. */
  readonly guard?: () => void
}

/**
 * Copies a collection with its properties, as it is served. The copy is made out of sight and renamed into place; what was
 * there is replaced.
 * @throws StoreError; what `guard` throws
 */
export async function copyCollection (writing: Writing, home: Home, collection: Collection, toHome: Home, path: string, copying: Copying): Promise<Collection> {
  const target = targetOf(toHome, path, copying.members ? levelsBelow(home, collection) : 0)
  demandSpace([dirname(target), writing.state], copying.members ? home.bytesBelow(collection.path) / 4 : 0)
  const prepared = await prepare(writing, target, async prepared => { await copyTree(writing, home, collection, prepared, copying) })
  let out
  try {
    targetOf(toHome, path)
    copying.guard?.()
    out = replace(writing, prepared, target)
  } catch (error) {
    removeQuietly(prepared)
    throw error
  }
  toHome.leaves(path)
  const made = await placed(writing, toHome, path, target)
  await keepOrRemove(writing, out)
  return made
}

async function copyTree (writing: Writing, home: Home, collection: Collection, target: string, copying: Copying): Promise<void> {
  const { members, keeps = () => true, without = [] } = copying
  makeDirectory(target)
  copyAttributes(collection.directory, target, without)
  const values = properties(collection.directory, '')
  for (const name of without) values.delete(name)
  await setProperties(target, '', values)
  if (!members) return
  await home.fresh(collection)
  const names = home.members(collection).filter(member => keeps(collection, member)).map(({ name }) => name)
  const copied = new Set(names)
  // what has found no room in an attribute is in the sidecar alone
  const made = readSidecar(target)
  const only = new Set(made.only)
  while (names.length > 0) {
    await Promise.all(names.splice(0, atOnce).map(async name => {
      for (const property of await copyOne(writing, home, collection, name, target, without)) only.add(onlyKey(name, property))
    }))
  }
  const held = home.held(collection).map(({ name }) => name).filter(name => copied.has(name))
  const part = partOf(readSidecar(collection.directory), name => copied.has(name) && !held.includes(name), without)
  for (const key of part.only) if (!part.collection.has(key)) only.add(key)
  const sidecar = sidecarText({ ...part, collection: made.collection, only })
  if (sidecar !== undefined) await copyFile(writing, Buffer.from(sidecar), () => {}, target, sidecarName)
  for (const name of held) await copyHeldProperties(home, collection, name, target, without)
  if (writing.durable) await flushDirectory(target)
  for (const child of home.children(collection.path)) {
    if (keeps(child, undefined)) await copyTree(writing, home, child, `${target}/${child.path.slice(child.path.lastIndexOf('/') + 1)}`, copying)
  }
}

// of what is served from the index the disk has other properties, or none
async function copyHeldProperties (home: Home, collection: Collection, name: string, target: string, without: readonly string[]): Promise<void> {
  const member = home.member(collection, name)
  if (member === undefined || statsOf(`${target}/${name}`) === undefined) return
  const changes = new Map<string, string | undefined>([...properties(target, name).keys()].map(key => [key, undefined]))
  for (const [key, xml] of home.properties(collection, member)) if (!without.includes(key)) changes.set(key, xml)
  await setProperties(target, name, changes)
}

/** @returns the properties for which there was no room */
function copyAttributes (from: string, to: string, without: readonly string[]): string[] {
  const left = attribute.copy(from, to).flatMap(name => propertyName(name) ?? [])
  for (const name of without) attribute.remove(to, name)
  return left.filter(name => !without.includes(name))
}

/** As many files are flushed at once as threads wait for the disk. */
const atOnce = 4

async function copyOne (writing: Writing, home: Home, collection: Collection, name: string, target: string, without: readonly string[]): Promise<string[]> {
  // it may have become a link or gone since the copying began
  if (home.collection(collection.path) === undefined) throw new StoreError('missing', `${collection.directory} was removed while it was copied`)
  // what was removed since the list was made is not copied
  const source = home.content(collection, name)
  let left: string[] = []
  if (source !== undefined) await copyFile(writing, source.bytes, path => { left = copyAttributes(`${collection.directory}/${name}`, path, without) }, target, name)
  return left
}

async function copyFile ({ durable }: Writing, bytes: Buffer, attributes: (path: string) => void, target: string, name: string): Promise<void> {
  const written = await draft(target, bytes, attributes, durable)
  rename(written.path, `${target}/${name}`)
}
