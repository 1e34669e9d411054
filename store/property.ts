import * as attribute from './attribute.js'
import type { Properties } from './attribute.js'
import { discard, draft, flushDirectory, rename } from './file.js'
import { onlyKey, readSidecar, sidecarName, sidecarText, type Sidecar } from './sidecar.js'
import { inTurn } from './turn.js'

export type { Properties } from './attribute.js'

/** The dead properties of a collection (`member` = '') or of one of its files. Attributes are the truth; a file that lost all of them is read from the sidecar. */
export function properties (directory: string, member: string): Properties {
  const found = attribute.list(pathOf(directory, member))
  const sidecar = readSidecar(directory)
  const mirrored = mirror(sidecar, member)
  if (mirrored === undefined) return found
  if (found.size === 0) return new Map(mirrored)
  for (const [name, xml] of mirrored) if (sidecar.only.has(onlyKey(member, name))) found.set(name, xml)
  return found
}

/** Whether a file has any dead property, without reading them. */
export function hasProperties (directory: string, member: string): boolean {
  return mirror(readSidecar(directory), member) !== undefined || attribute.names(pathOf(directory, member)).length > 0
}

function pathOf (directory: string, member: string): string {
  return member === '' ? directory : `${directory}/${member}`
}

function mirror (sidecar: Sidecar, member: string): Properties | undefined {
  return member === '' ? (sidecar.collection.size > 0 ? sidecar.collection : undefined) : sidecar.members.get(member)
}

/**
 * Sets (XML) and removes (`undefined`) properties, all or none: on a failure the former values are put back.
 * A value that no attribute can hold goes into the sidecar alone.
 * @throws StoreError full, read-only, missing
 */
export async function setProperties (directory: string, member: string, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
  if (changes.size === 0) return
  await inTurn(directory, async () => {
    const path = pathOf(directory, member)
    const before = properties(directory, member)
    const spilled = new Set<string>()
    try {
      const sidecar = readSidecar(directory)
      const healed = attribute.names(path).length === 0 ? [...before].filter(([name]) => !sidecar.only.has(onlyKey(member, name))) : []
      for (const [name, xml] of [...healed, ...changes]) apply(path, name, xml, spilled)
      await writeSidecar(directory, changed(sidecar, member, before, changes, spilled))
    } catch (error) {
      for (const name of changes.keys()) apply(path, name, before.get(name), spilled)
      throw error
    }
  })
}

function apply (path: string, name: string, xml: string | undefined, spilled: Set<string>): void {
  if (xml !== undefined && attribute.set(path, name, xml)) return
  // a value too large must not leave an older, smaller one behind in its attribute
  attribute.remove(path, name)
  if (xml !== undefined) spilled.add(name)
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
  const text = sidecarText(sidecar)
  if (text === undefined && readSidecar(directory).collection.size === 0 && readSidecar(directory).members.size === 0) return
  const written = await draft(directory, Buffer.from(text ?? '{}\n'), () => {}, true)
  try {
    rename(written.path, `${directory}/${sidecarName}`)
  } catch (error) {
    discard(written)
    throw error
  }
  await flushDirectory(directory)
}

/** Whether a file has a line in its collection's sidecar, so that removing or moving it must change that too. */
export function isMirrored (directory: string, member: string): boolean {
  return readSidecar(directory).members.has(member)
}

/** Takes a file that is gone out of the sidecar. */
export async function forgetMember (directory: string, member: string): Promise<void> {
  if (!isMirrored(directory, member)) return
  await inTurn(directory, async () => {
    const sidecar = readSidecar(directory)
    const only = new Set([...sidecar.only].filter(key => !key.startsWith(`${member} `)))
    await writeSidecar(directory, withMember({ ...sidecar, only }, member, undefined))
  })
}

/**
 * Makes attributes and sidecar of a directory and its files agree again: a directory or file without any attribute gets
 * the mirrored ones back (a copy that dropped them), otherwise the sidecar learns what the attributes say. On a file
 * system without attributes the sidecar stays the only place.
 * @param members  the files that are there
 * @returns whether an attribute was put back
 */
export async function heal (directory: string, members: ReadonlySet<string>): Promise<boolean> {
  return await inTurn(directory, async () => {
    const before = readSidecar(directory)
    let after = before
    let restored = false
    for (const member of ['', ...before.members.keys()]) {
      const mirrored = mirror(before, member)
      if (member !== '' && !members.has(member)) {
        after = withMember(after, member, undefined)
        continue
      }
      const path = pathOf(directory, member)
      if (mirrored !== undefined && attribute.names(path).length === 0) {
        for (const [name, xml] of mirrored) {
          if (!before.only.has(onlyKey(member, name)) && attribute.set(path, name, xml)) restored = true
        }
      }
      after = withMember(after, member, properties(directory, member))
    }
    if (sidecarText(after) !== sidecarText(before)) await writeSidecar(directory, after)
    return restored
  })
}
