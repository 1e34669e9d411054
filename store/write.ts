import { unlinkSync, type Stats } from 'node:fs'
import * as attribute from './attribute.js'
import { StoreError, translated } from './error.js'
import type { History } from './history/history.js'
import { stampOf } from './etag.js'
import { discard, draft, facts as statsOf, flushDirectory, rename, type Draft } from './file.js'
import type { Collection, Home, Member } from './home.js'
import type { Facts } from './index/fact.js'
import { mountOf } from './mount.js'
import { isRefused } from './index/open.js'
import { heldProperties } from './index/held.js'
import { isHeld } from './rollback.js'
import { learn, memberRow, removeMember, updateMember } from './index/update.js'
import { demandSpace } from './space.js'
import { forgetMember, isMirrored, properties, withMirror, type Properties } from './property.js'

/** How a store writes. */
export interface Writing {
  /** Where drafts are written; on the file system of the documents. */
  readonly drafts: string
  /** Where the indexes are. */
  readonly state: string
  /** Flush to the disk before a write is acknowledged. */
  readonly durable: boolean
  /** Where what is overwritten or deleted goes. */
  readonly history: History
}

/** Called just before a change, with what is there now; throws to prevent it. Nothing of this process comes between it and the change. */
export type Guard = (current: Member | undefined) => void

/** The body of a member about to be written, with its facts where the caller has them. */
export interface Body { readonly bytes: Buffer, readonly facts?: Facts | undefined }

/**
 * Writes a member: draft, attributes of the old file, flush, `guard`, rename, index; then the directory is flushed.
 * Readers see the old file or the new one, and a write that was acknowledged survives a power cut.
 * @returns the member as it is served now, and whether there was none before
 * @throws StoreError bad-name, full, read-only, missing (the collection), unreadable (a file made by hand that cannot be served,
 * or a body that is no object for a collection of objects); what `guard` throws
 */
export async function writeMember (writing: Writing, home: Home, collection: Collection, segment: string, { bytes, facts }: Body, guard: Guard): Promise<{ created: boolean, member: Member }> {
  home.demandName(segment)
  guardTarget(home, collection, segment, guard)
  demandSpace([collection.directory, writing.state], bytes.length)
  const known = factsOf(home, collection, segment, bytes, facts)
  for (let attempt = 0; ; attempt++) {
    const name = home.nameOf(collection, segment)
    const target = `${collection.directory}/${name}`
    const seen = statsOf(target)
    // a file that was removed by hand must not hand its properties to its successor
    if (seen === undefined && isMirrored(collection.directory, name)) await forgetMember(collection.directory, name, () => {})
    const held = heldOf(home, collection, name)
    let spilled: ReadonlySet<string> = new Set()
    const written = await draft(draftsFor(writing, collection.directory), bytes, path => {
      if (seen !== undefined) copyAttributes(target, path)
      if (held !== undefined) spilled = giveAttributes(path, held)
    }, writing.durable)
    // attributes that changed while the draft was flushed must be copied again, and the name may have got another spelling
    if (attempt < 5 && (seen?.ctimeMs !== statsOf(target)?.ctimeMs || home.nameOf(collection, segment) !== name)) {
      discard(written)
      continue
    }
    const put = (): { created: boolean, member: Member } => commit(writing, home, collection, name, target, written, bytes, known, guard)
    const result = held === undefined || spilled.size === 0
      ? put()
      : await withMirror(collection.directory, name, held, spilled, () => {
        if (heldOf(home, collection, name) !== undefined) return put()
        discard(written)
        throw new StoreError('changed', `${target} was changed while it was written`)
      })
    if (writing.durable) await flushDirectory(collection.directory)
    return result
  }
}

/** What a member that is held had as properties; `undefined` when it is not held. */
function heldOf (home: Home, collection: Collection, name: string): Properties | undefined {
  const row = memberRow(home.place(collection), name)
  return row === undefined ? undefined : heldProperties(home.index, row)
}

/** @returns the properties for which there was no room */
function giveAttributes (path: string, values: Properties): Set<string> {
  for (const name of attribute.names(path)) attribute.remove(path, name)
  return new Set([...values].filter(([name, xml]) => !attribute.set(path, name, xml)).map(([name]) => name))
}

/**
 * Writes a member that is held, served although the disk has an older state of it or nothing, back to the disk as it is served, with its
 * properties. One that is not held is left as it is.
 * @throws as `writeMember`
 */
export async function writeHeld (writing: Writing, home: Home, collection: Collection, name: string): Promise<void> {
  const content = home.content(collection, name)
  if (content === undefined || !isHeld(content.member.problem)) return
  await writeMember(writing, home, collection, name, { bytes: content.bytes }, current => {
    if (current?.etag !== content.member.etag) throw new StoreError('changed', `${collection.directory}/${name} was changed while it was brought back`)
  })
}

/** `writeHeld` for everything that is held in a collection and below it. */
export async function writeAllHeld (writing: Writing, home: Home, collection: Collection): Promise<void> {
  for (const { name } of home.held(collection)) await writeHeld(writing, home, collection, name)
  for (const child of home.children(collection.path)) await writeAllHeld(writing, home, child)
}

// both are on one file system: what does not fit now is a disk that is full
function copyAttributes (target: string, path: string): void {
  const [first] = attribute.copy(target, path)
  if (first !== undefined) throw new StoreError('full', `no room to keep the attribute ${first} of ${target}`)
}

function factsOf (home: Home, collection: Collection, name: string, bytes: Buffer, facts: Facts | undefined): Facts | undefined {
  const { describe } = home.place(collection)
  if (facts !== undefined || describe === undefined) return facts
  try {
    return describe(bytes, false)
  } catch (error) {
    throw new StoreError('unreadable', `${name} is nothing that ${collection.directory} can hold: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function commit ({ history }: Writing, home: Home, collection: Collection, name: string, target: string, written: Draft, bytes: Buffer, facts: Facts | undefined, guard: Guard): { created: boolean, member: Member } {
  try {
    const before = guardTarget(home, collection, name, guard)
    return home.own(collection, () => {
      // what is kept on the disk is not what the index holds when the file was broken by hand: then both are kept
      history.keep(target)
      const isKept = memberRow(home.place(collection), name)?.problem === ''
      rename(written.path, target)
      const stats = statsOf(target)
      if (stats === undefined) throw new StoreError('changed', `${target} was removed while it was written`)
      home.guarded(() => { learn({ ...home.place(collection), isKept, isMeant: true }, name, memberRow(home.place(collection), name), bytes, stats, Date.now(), facts) })
      const member = home.member(collection, name)
      if (member === undefined) throw new StoreError('unreadable', `${target} cannot be served: ${home.problem(collection, name) ?? 'unknown'}`)
      return { created: before === undefined, member }
    })
  } catch (error) {
    discard(written)
    throw error
  }
}

/** Asks `guard` about what is there, and again when a hand was quicker than the answer. */
function guardTarget (home: Home, collection: Collection, segment: string, guard: Guard): Member | undefined {
  for (let attempt = 0; ; attempt++) {
    // the directory may have become a link or gone since it was looked up
    if (home.collection(collection.path) === undefined) throw new StoreError('missing', `${collection.directory} does not exist`)
    const name = home.nameOf(collection, segment)
    const target = `${collection.directory}/${name}`
    const stats = statsOf(target)
    if (stats !== undefined && !stats.isFile()) throw new StoreError('exists', `${target} is ${stats.isDirectory() ? 'a directory' : 'no regular file'}`)
    const current = home.member(collection, name)
    guard(current)
    if (current === undefined && stats !== undefined) {
      throw new StoreError('unreadable', `${target} is a file made by hand that cannot be read (${home.problem(collection, name) ?? 'unknown'}); it is not replaced until somebody mends or removes it`)
    }
    if (attempt >= 5 || isSame(stats, statsOf(target))) return current
  }
}

function isSame (a: Stats | undefined, b: Stats | undefined): boolean {
  return (a === undefined ? undefined : stampOf(a)) === (b === undefined ? undefined : stampOf(b))
}

/** The directory for drafts that will be renamed into `directory`: a rename works only within one file system, so a home mounted from elsewhere keeps its drafts itself, as dot files. */
export function draftsFor ({ drafts }: Writing, directory: string): string {
  return isSameDevice(drafts, directory) ? drafts : directory
}

/** Whether a file can be renamed from one directory into the other. */
export function isSameDevice (one: string, other: string): boolean {
  const device = statsOf(one)?.dev
  return device !== undefined && device === statsOf(other)?.dev && mountOf(one) === mountOf(other)
}

/**
 * Removes a member's file.
 * @throws StoreError missing, read-only; what `guard` throws
 */
export async function deleteMember (writing: Writing, home: Home, collection: Collection, segment: string, guard: Guard): Promise<void> {
  const name = home.nameOf(collection, segment)
  await forgetMember(collection.directory, name, () => {
    const member = home.collection(collection.path) === undefined ? undefined : home.member(collection, name)
    guard(member)
    if (member === undefined) throw new StoreError('missing', `${collection.directory}/${name} does not exist`)
    home.own(collection, () => {
      // what is held because it is missing has no file
      if (statsOf(`${collection.directory}/${name}`) !== undefined) takeAway(writing, home, `${collection.directory}/${name}`)
      forget(home, collection, name, member.problem === '')
    })
  })
  if (writing.durable) await flushDirectory(collection.directory)
}

function forget (home: Home, collection: Collection, name: string, isKept: boolean): void {
  try {
    home.guarded(() => { removeMember({ ...home.place(collection), isKept }, name) })
  } catch (error) {
    // the file is gone whether the index has room to say so or not
    if (!isRefused(error)) throw error
    home.suspect(collection.path, undefined)
  }
}

/** Into the history; on a full disk it goes all the same, since nobody could make room otherwise. */
function takeAway ({ history }: Writing, home: Home, path: string): void {
  let isGone = false
  try {
    isGone = history.takeAway(path)
    if (!isGone) history.keep(path, 'deleted')
  } catch (error) {
    if (!(error instanceof StoreError && error.reason === 'full')) throw error
    home.report(`${path} is deleted and no former version is kept: ${error.message}`)
  }
  if (!isGone) unlink(path)
}

function unlink (path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    throw translated(error, `remove ${path}`)
  }
}

/** Where something lies. */
export interface Spot { readonly home: Home, readonly collection: Collection, readonly name: string }

/**
 * Copies a member with its dead properties; an existing target is replaced, its own properties with it (RFC 4918 9.8.2, 9.8.4).
 * @param without  the names of properties that stay behind, and that the target keeps if it has them
 * @throws as `writeMember`
 */
export async function copyMember (writing: Writing, from: Spot, to: Spot, guard: Guard, without: readonly string[] = []): Promise<{ created: boolean, member: Member }> {
  const source = from.home.content(from.collection, from.name)
  if (source === undefined) throw new StoreError('missing', `${from.collection.directory}/${from.name} does not exist`)
  const values = from.home.properties(from.collection, source.member)
  const result = await writeMember(writing, to.home, to.collection, to.name, { bytes: source.bytes }, guard)
  await replaceProperties(to, result.member.name, values, without)
  return result
}

async function replaceProperties ({ home, collection }: Spot, name: string, values: ReadonlyMap<string, string>, without: readonly string[] = []): Promise<void> {
  const changes = new Map<string, string | undefined>()
  for (const old of properties(collection.directory, name).keys()) changes.set(old, undefined)
  for (const [key, xml] of values) changes.set(key, xml)
  for (const key of without) changes.delete(key)
  if (changes.size === 0) return
  await home.setProperties(collection, name, changes)
}

/**
 * Moves a member with its dead properties by one rename: at any moment it is at one place or the other, never at none.
 * Between file systems it is copied and then removed.
 * @throws as `writeMember`; StoreError changed when the file was edited while it was copied
 */
export async function moveMember (writing: Writing, from: Spot, to: Spot, guard: Guard): Promise<{ created: boolean, member: Member }> {
  // a rename needs room in the indexes of both sides
  demandSpace([to.collection.directory, writing.state], 0)
  await writeHeld(writing, from.home, from.collection, from.name)
  const source = from.home.member(from.collection, from.name)
  if (source === undefined) throw new StoreError('missing', `${from.collection.directory}/${from.name} does not exist`)
  const name = to.home.nameOf(to.collection, to.home.demandName(to.name))
  const old = `${from.collection.directory}/${source.name}`
  const target = `${to.collection.directory}/${name}`
  if (old === target) return { created: false, member: source }
  if (source.problem !== '') throw new StoreError('unreadable', `${old} cannot be moved as long as it is not what is served: ${source.problem}`)
  if (to.collection.holdsObjects) factsOf(to.home, to.collection, name, from.home.content(from.collection, source.name)?.bytes ?? Buffer.alloc(0), undefined)
  if (!isSameDevice(from.collection.directory, to.collection.directory)) return await moveAcross(writing, from, to, source, guard)
  const values = properties(from.collection.directory, source.name)
  const before = await forgetMember(from.collection.directory, source.name, () => renameMember(writing, from, to, { old, source, target, name }, guard))
  if (writing.durable) {
    await flushDirectory(to.collection.directory)
    await flushDirectory(from.collection.directory)
  }
  await replaceProperties({ ...to, name }, name, values)
  const member = to.home.member(to.collection, name)
  if (member === undefined) throw new StoreError('unreadable', `${target} cannot be served: ${to.home.problem(to.collection, name) ?? 'unknown'}`)
  return { created: before === undefined, member }
}

interface Way { readonly old: string, readonly source: Member, readonly target: string, readonly name: string }

function renameMember ({ history }: Writing, from: Spot, to: Spot, { old, source, target, name }: Way, guard: Guard): Member | undefined {
  const before = guardTarget(to.home, to.collection, name, guard)
  const now = from.home.collection(from.collection.path) === undefined ? undefined : from.home.member(from.collection, source.name)
  if (now?.etag !== source.etag || now.problem !== '') throw new StoreError('changed', `${old} was changed while it was moved`)
  from.home.own(from.collection, () => {
    to.home.own(to.collection, () => {
      history.keep(target)
      const isKept = memberRow(to.home.place(to.collection), name)?.problem === ''
      rename(old, target)
      to.home.guarded(() => { updateMember({ ...to.home.place(to.collection), isKept, isMeant: true }, name) })
      from.home.guarded(() => { removeMember({ ...from.home.place(from.collection), isKept: true }, source.name) })
    })
  })
  return before
}

async function moveAcross (writing: Writing, from: Spot, to: Spot, { name, etag }: Member, guard: Guard): Promise<{ created: boolean, member: Member }> {
  const result = await copyMember(writing, from, to, guard)
  await deleteMember(writing, from.home, from.collection, name, current => {
    if (current?.etag !== etag) throw new StoreError('changed', `${from.collection.directory}/${name} was changed while it was moved; both are kept`)
  })
  return result
}
