import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { setImmediate as later } from 'node:timers/promises'
import { facts as statsOf, makeDirectories, rename, temporary } from '../file.js'
import type { Home } from '../home.js'
import { dropFormers, formers, type Former } from '../index/former.js'
import { sidecarName, sidecarText } from '../sidecar.js'
import type { History } from './history.js'
import { versionsIn } from './list.js'
import { placeOf, type Version } from './version.js'

/** So many are read and written before others are let in. */
const batch = 50

/**
 * Writes into the history what was overwritten or removed by hand, as the index still has it. What is there already with the same
 * bytes (a command has kept it by itself) is not written again. A crash leaves some to be written once more at the next start.
 */
export async function keepFormers (home: Home, history: History): Promise<void> {
  const { index } = home
  const known: Known = new Map()
  index.hasFormer = false
  await later()
  for (let some = formers(index, batch); some.length > 0; some = formers(index, batch)) {
    for (const one of some) if (history.isOn) keepOne(history, home.path, one, known)
    dropFormers(index, some.at(-1)?.id ?? 0)
    await later()
    // closed meanwhile: what is left is written when it is opened again
    if (!home.isOpen || home.index !== index) return
  }
}

/** What was in the history when the writing began: versions by path, listed once for each directory and day. */
type Known = Map<string, ReadonlyMap<string, readonly Version[]>>

function keepOne (history: History, home: string, { path, at, end, bytes, tree, properties, modified }: Former, known: Known): void {
  const full = path === '' ? home : `${home}/${path}`
  if (tree !== undefined) {
    const directory = `${history.directory}/${placeOf(tree === '' ? home : `${home}/${tree}`, at, 'removed')}`
    makeDirectories(directory, 0o700)
    if (bytes !== undefined) put(`${directory}/${path.slice(tree === '' ? 0 : tree.length + 1)}`, bytes, modified)
    else if (properties !== '') put(`${directory}/${sidecarName}`, propertiesText(properties))
  } else if (bytes !== undefined && !isKept(history, full, bytes, at, known)) {
    history.make(full, end, at, place => { put(place, bytes, modified) })
  }
}

function propertiesText (json: string): Buffer {
  const collection = new Map(JSON.parse(json) as [string, string][])
  return Buffer.from(sidecarText({ collection, members: new Map(), only: new Set() }) ?? '')
}

function put (place: string, bytes: Buffer, modified = 0): void {
  const prepared = temporary(place.slice(0, place.lastIndexOf('/')))
  writeFileSync(prepared, bytes, { flag: 'wx', mode: 0o600 })
  // since when it was so is told by nothing else
  if (modified > 0) utimesSync(prepared, modified / 1000, modified / 1000)
  rename(prepared, place)
}

/** Within this time (ms) two of the same bytes are one change, noticed twice. */
const near = 60_000

function isKept ({ directory }: History, path: string, bytes: Buffer, at: number, known: Known): boolean {
  const day = new Date(at).toISOString().slice(0, 10)
  const above = path.slice(0, path.lastIndexOf('/') + 1)
  let listed = known.get(`${day}/${above}`)
  if (listed === undefined) {
    const made = new Map<string, Version[]>()
    for (const version of versionsIn(directory, day, above)) made.set(version.path, [...made.get(version.path) ?? [], version])
    known.set(`${day}/${above}`, listed = made)
  }
  return (listed.get(path) ?? []).some(version => Math.abs(version.at - at) < near && !version.isCollection && statsOf(version.file)?.size === bytes.length && readFileSync(version.file).equals(bytes))
}
