import { createHash } from 'node:crypto'
import * as attribute from './attribute.js'
import type { Properties } from './attribute.js'
import { StoreError } from './error.js'
import { advance, discard, draft, facts as statsOf, flushDirectory, rename, renew } from './file.js'
import { giveWay } from './pace.js'
import { onlyKey, readSidecar, sidecarName, sidecarText, type Sidecar } from './sidecar.js'
import { inTurn } from './turn.js'

export type { Properties } from './attribute.js'

/** The dead properties of a collection (`member` = '') or of one of its files. Attributes are the truth; a file that lost all of them is read from the sidecar. */
export function properties (directory: string, member: string): Properties {
  const found = attribute.list(pathOf(directory, member))
  const sidecar = readSidecar(directory)
  const kept = mirror(sidecar, member)
  if (kept === undefined) return found
  if (found.size === 0) return new Map(kept)
  for (const [name, xml] of kept) if (sidecar.only.has(onlyKey(member, name))) found.set(name, xml)
  return found
}

/** Whether a file has any dead property, without reading them. */
export function hasProperties (directory: string, member: string): boolean {
  return mirror(readSidecar(directory), member) !== undefined || attribute.names(pathOf(directory, member)).length > 0
}

/** Properties as JSON, as the index keeps them; '' = none. */
export function jsonOf (values: Properties): string {
  return values.size === 0 ? '' : JSON.stringify([...values])
}

/** What `jsonOf` wrote, as properties again. */
export function fromJson (json: string): Properties {
  return new Map(json === '' ? [] : JSON.parse(json) as [string, string][])
}

/** What changes when a property does; '' = none is there. */
export function hashOf (values: Properties): string {
  if (values.size === 0) return ''
  return createHash('sha256').update(JSON.stringify([...values].sort(([a], [b]) => a < b ? -1 : 1))).digest('base64url').slice(0, 16)
}

function pathOf (directory: string, member: string): string {
  return member === '' ? directory : `${directory}/${member}`
}

function mirror (sidecar: Sidecar, member: string): Properties | undefined {
  return member === '' ? (sidecar.collection.size > 0 ? sidecar.collection : undefined) : sidecar.members.get(member)
}

/**
 * Sets (XML) and removes (`undefined`) properties, all or none: on a failure before the mirror is written the former values are put back.
 * A value that no attribute can hold goes into the sidecar alone.
 * @throws StoreError full, read-only, missing
 */
export async function setProperties (directory: string, member: string, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
  if (changes.size === 0) return
  await inTurn(directory, async () => {
    const path = pathOf(directory, member)
    const before = properties(directory, member)
    const sidecar = readSidecar(directory)
    const lost = attribute.names(path).length === 0 ? [...before].filter(([name]) => !sidecar.only.has(onlyKey(member, name))) : []
    const touched: string[] = []
    const spilled = new Set<string>()
    try {
      for (const [name, xml] of [...lost, ...changes]) {
        if (xml === undefined) continue
        touched.push(name)
        if (!attribute.set(path, name, xml)) spilled.add(name)
      }
      await placeSidecar(directory, changed(sidecar, member, before, changes, spilled))
    } catch (error) {
      restore(path, touched.filter(name => !spilled.has(name)), before)
      throw error
    }
    // what fails from here on has happened: attributes that went back behind the mirror would be brought forward by `heal` later.
    // Not before the sidecar is written: until then the former value is the only one
    for (const [name, xml] of changes) if (xml === undefined || spilled.has(name)) attribute.remove(path, name)
    // attributes change the facts of a file, the sidecar does not: who compares them has to look again
    if (member !== '' && [...changes.keys()].some(name => spilled.has(name) || sidecar.only.has(onlyKey(member, name)))) (attribute.areKnown(path) ? renew : advance)(path)
    await flushDirectory(directory)
  })
}

// all are removed first: together with new values the former ones may not fit
function restore (path: string, names: readonly string[], before: Properties): void {
  try {
    for (const name of names) attribute.remove(path, name)
    for (const name of names) {
      const xml = before.get(name)
      if (xml !== undefined) attribute.set(path, name, xml)
    }
  } catch {
    // the failure that is told is the one that made this necessary
  }
}

function changed (sidecar: Sidecar, member: string, before: Properties, changes: ReadonlyMap<string, string | undefined>, spilled: ReadonlySet<string>): Sidecar {
  const after: Properties = new Map(before)
  const only = new Set(sidecar.only)
  for (const [name, xml] of changes) {
    only.delete(onlyKey(member, name))
    if (xml === undefined) after.delete(name)
    else after.set(name, xml)
  }
  for (const name of spilled) only.add(onlyKey(member, name))
  return withMember({ ...sidecar, only }, member, after)
}

function withMember (sidecar: Sidecar, member: string, values: Properties | undefined): Sidecar {
  if (member === '') return { ...sidecar, collection: values ?? new Map() }
  const members = new Map(sidecar.members)
  if (values === undefined || values.size === 0) members.delete(member)
  else members.set(member, values)
  return { ...sidecar, members }
}

async function writeSidecar (directory: string, sidecar: Sidecar): Promise<void> {
  await placeSidecar(directory, sidecar)
  await flushDirectory(directory)
}

/** As `writeSidecar`, but the directory is not flushed yet. */
async function placeSidecar (directory: string, sidecar: Sidecar): Promise<void> {
  const text = sidecarText(sidecar)
  if (text === undefined && readSidecar(directory).collection.size === 0 && readSidecar(directory).members.size === 0) return
  const written = await draft(directory, Buffer.from(text ?? '{}\n'), () => {}, true)
  try {
    rename(written.path, `${directory}/${sidecarName}`)
  } catch (error) {
    discard(written)
    throw error
  }
}

/** Whether a file has a line in its collection's sidecar, so that removing or moving it must change that too. */
export function isMirrored (directory: string, member: string): boolean {
  return readSidecar(directory).members.has(member)
}

/**
 * Runs `remove`, which removes a file or moves it away, and takes the file out of the sidecar; nobody sets properties in
 * between. A file that is there all the same keeps its line. When the sidecar cannot be written the line stays until `heal`.
 */
export async function forgetMember<T> (directory: string, member: string, remove: () => T): Promise<T> {
  return await inTurn(directory, async () => {
    const result = remove()
    if (!isMirrored(directory, member) || statsOf(pathOf(directory, member)) !== undefined) return result
    const sidecar = readSidecar(directory)
    const only = new Set([...sidecar.only].filter(key => !key.startsWith(`${member} {`)))
    try {
      await writeSidecar(directory, withMember({ ...sidecar, only }, member, undefined))
    } catch (error) {
      // a full disk must not keep anybody from removing files
      if (!(error instanceof StoreError)) throw error
    }
    return result
  })
}

/**
 * Runs `put`, which puts a file into place, with its properties in the mirror already: those for which its attributes have no room hold from
 * the first moment. When `put` throws, the mirror is as before.
 * @param spilled  the names of those
 */
export async function withMirror<T> (directory: string, member: string, values: Properties, spilled: ReadonlySet<string>, put: () => T): Promise<T> {
  return await inTurn(directory, async () => {
    const before = readSidecar(directory)
    const only = new Set([...before.only].filter(key => !key.startsWith(`${member} {`)))
    for (const name of spilled) only.add(onlyKey(member, name))
    await writeSidecar(directory, withMember({ ...before, only }, member, values))
    try {
      return put()
    } catch (error) {
      await writeSidecar(directory, before).catch(() => {})
      throw error
    }
  })
}

/** The files that have a line in the sidecar. */
export function mirrored (directory: string): string[] {
  return [...readSidecar(directory).members.keys()]
}

/**
 * Makes attributes and sidecar agree again: a directory or file without any attribute gets the mirrored ones back (a copy
 * that dropped them), otherwise the sidecar learns what the attributes say, and forgets files that are gone. On a file
 * system without attributes the sidecar stays the only place.
 * @param members  the files to look at, '' = the directory itself
 * @returns whether an attribute was put back
 */
export async function heal (directory: string, members: Iterable<string>): Promise<boolean> {
  return await inTurn(directory, async () => {
    const before = readSidecar(directory)
    const after = new Map(before.members)
    let { collection, only } = before
    let restored = false
    let looked = 0
    for (const member of new Set(members)) {
      if (++looked % 500 === 0) await giveWay()
      if (member !== '' && statsOf(pathOf(directory, member))?.isFile() !== true) {
        if (after.delete(member)) only = new Set([...only].filter(key => !key.startsWith(`${member} {`)))
        continue
      }
      restored = putBack(directory, member, before) || restored
      const values = properties(directory, member)
      if (member === '') collection = values
      else if (values.size > 0) after.set(member, values)
      else after.delete(member)
    }
    const healed = { collection, members: after, only }
    if (sidecarText(healed) !== sidecarText(before)) await writeSidecar(directory, healed)
    return restored
  })
}

function putBack (directory: string, member: string, sidecar: Sidecar): boolean {
  const path = pathOf(directory, member)
  const kept = mirror(sidecar, member)
  if (kept === undefined || attribute.names(path).length > 0) return false
  let restored = false
  for (const [name, xml] of kept) {
    if (!sidecar.only.has(onlyKey(member, name)) && attribute.set(path, name, xml)) restored = true
  }
  return restored
}
