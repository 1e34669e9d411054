import { unlinkSync } from 'node:fs'
import * as attribute from './attribute.js'
import { StoreError, translated } from './error.js'
import { discard, draft, facts as statsOf, flushDirectory, read, rename, type Draft } from './file.js'
import type { Collection, Home, Member } from './home.js'
import type { Facts } from './index/fact.js'
import { learn, memberRow, removeMember } from './index/update.js'
import { fileName } from './name.js'
import { forgetMember, properties, setProperties } from './property.js'

/** How a store writes. */
export interface Writing {
  /** Where drafts are written; on the file system of the documents. */
  readonly drafts: string
  /** Flush to the disk before a write is acknowledged. */
  readonly durable: boolean
}

/** Called just before a change, with what is there now; throws to prevent it. Nothing of this process comes between it and the change. */
export type Guard = (current: Member | undefined) => void

/** The body of a member about to be written, with its facts where the caller has them. */
export interface Body { readonly bytes: Buffer, readonly facts?: Facts | undefined }

/**
 * Writes a member: draft, attributes of the old file, flush, `guard`, rename, index; then the directory is flushed.
 * Readers see the old file or the new one, and a write that was acknowledged survives a power cut.
 * @returns the member as it is served now, and whether there was none before
 * @throws StoreError bad-name, full, read-only, missing (the collection), unreadable (a file made by hand that cannot be served); what `guard` throws
 */
export async function writeMember (writing: Writing, home: Home, collection: Collection, segment: string, { bytes, facts }: Body, guard: Guard): Promise<{ created: boolean, member: Member }> {
  const name = home.nameOf(collection, fileName(segment))
  const target = `${collection.directory}/${name}`
  guardTarget(home, collection, name, target, guard)
  for (let attempt = 0; ; attempt++) {
    const seen = statsOf(target)
    const written = await draft(draftsFor(writing, collection.directory), bytes, path => { if (seen !== undefined) attribute.copy(target, path) }, writing.durable)
    // attributes that changed while the draft was flushed must be copied again
    const now = statsOf(target)
    if (seen?.ctimeMs !== now?.ctimeMs && attempt < 5) {
      discard(written)
      continue
    }
    const result = commit(home, collection, name, target, written, bytes, facts, guard)
    if (writing.durable) await flushDirectory(collection.directory)
    return result
  }
}

function commit (home: Home, collection: Collection, name: string, target: string, written: Draft, bytes: Buffer, facts: Facts | undefined, guard: Guard): { created: boolean, member: Member } {
  try {
    const before = guardTarget(home, collection, name, target, guard)
    return home.own(collection, () => {
      rename(written.path, target)
      const stats = statsOf(target)
      if (stats === undefined) throw new StoreError('changed', `${target} was removed while it was written`)
      home.guarded(() => { learn(home.place(collection), name, memberRow(home.place(collection), name), bytes, stats, Date.now(), facts) })
      const member = home.member(collection, name)
      if (member === undefined) throw new StoreError('unreadable', `${target} cannot be served: ${home.problem(collection, name) ?? 'unknown'}`)
      return { created: before === undefined, member }
    })
  } catch (error) {
    discard(written)
    throw error
  }
}

function guardTarget (home: Home, collection: Collection, name: string, target: string, guard: Guard): Member | undefined {
  const stats = statsOf(target)
  if (stats !== undefined && !stats.isFile()) throw new StoreError('exists', `${target} is ${stats.isDirectory() ? 'a directory' : 'no regular file'}`)
  const current = home.member(collection, name)
  guard(current)
  if (current === undefined && stats !== undefined) {
    throw new StoreError('unreadable', `${target} is a file made by hand that cannot be read (${home.problem(collection, name) ?? 'unknown'}); it is not replaced until somebody mends or removes it`)
  }
  return current
}

const sameDevice = new Map<string, boolean>()

/** The directory for drafts that will be renamed into `directory`: a rename works only within one file system, so a home mounted from elsewhere keeps its drafts itself, as dot files. */
export function draftsFor ({ drafts }: Writing, directory: string): string {
  let same = sameDevice.get(directory)
  if (same === undefined) {
    same = statsOf(drafts)?.dev === statsOf(directory)?.dev
    if (sameDevice.size > 10_000) sameDevice.clear()
    sameDevice.set(directory, same)
  }
  return same ? drafts : directory
}

/**
 * Removes a member's file.
 * @throws StoreError missing, read-only; what `guard` throws
 */
export async function deleteMember (writing: Writing, home: Home, collection: Collection, segment: string, guard: Guard): Promise<void> {
  const name = home.nameOf(collection, segment)
  const member = home.member(collection, name)
  guard(member)
  if (member === undefined) throw new StoreError('missing', `${collection.directory}/${name} does not exist`)
  home.own(collection, () => {
    unlink(`${collection.directory}/${name}`)
    home.guarded(() => { removeMember(home.place(collection), name) })
  })
  if (writing.durable) await flushDirectory(collection.directory)
  await forgetMember(collection.directory, name)
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
 * @throws as `writeMember`
 */
export async function copyMember (writing: Writing, from: Spot, to: Spot, guard: Guard): Promise<{ created: boolean, member: Member }> {
  const source = from.home.content(from.collection, from.name)
  if (source === undefined) throw new StoreError('missing', `${from.collection.directory}/${from.name} does not exist`)
  const values = properties(from.collection.directory, source.member.name)
  const result = await writeMember(writing, to.home, to.collection, to.name, { bytes: source.bytes }, guard)
  await replaceProperties(to, result.member.name, values)
  return result
}

async function replaceProperties ({ home, collection }: Spot, name: string, values: ReadonlyMap<string, string>): Promise<void> {
  const changes = new Map<string, string | undefined>()
  for (const old of properties(collection.directory, name).keys()) changes.set(old, undefined)
  for (const [key, xml] of values) changes.set(key, xml)
  if (changes.size === 0) return
  await setProperties(collection.directory, name, changes)
  home.suspect(collection.path, name)
}

/**
 * Moves a member with its dead properties by one rename: at any moment it is at one place or the other, never at none.
 * @throws as `writeMember`
 */
export async function moveMember (writing: Writing, from: Spot, to: Spot, guard: Guard): Promise<{ created: boolean, member: Member }> {
  const source = from.home.member(from.collection, from.name)
  if (source === undefined) throw new StoreError('missing', `${from.collection.directory}/${from.name} does not exist`)
  const name = to.home.nameOf(to.collection, fileName(to.name))
  const old = `${from.collection.directory}/${source.name}`
  const target = `${to.collection.directory}/${name}`
  const spilled = properties(from.collection.directory, source.name)
  const before = guardTarget(to.home, to.collection, name, target, guard)
  from.home.own(from.collection, () => {
    to.home.own(to.collection, () => {
      rename(old, target)
      const file = read(target)
      if (file === undefined) throw new StoreError('changed', `${target} was removed while it was moved`)
      to.home.guarded(() => { learn(to.home.place(to.collection), name, memberRow(to.home.place(to.collection), name), file.bytes, file.stats, Date.now()) })
      from.home.guarded(() => { removeMember(from.home.place(from.collection), source.name) })
    })
  })
  if (writing.durable) {
    await flushDirectory(to.collection.directory)
    await flushDirectory(from.collection.directory)
  }
  await forgetMember(from.collection.directory, source.name)
  await replaceProperties({ ...to, name }, name, spilled)
  const member = to.home.member(to.collection, name)
  if (member === undefined) throw new StoreError('unreadable', `${target} cannot be served: ${to.home.problem(to.collection, name) ?? 'unknown'}`)
  return { created: before === undefined, member }
}
