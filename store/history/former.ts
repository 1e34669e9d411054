import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import * as attribute from '../attribute.js'
import { facts as statsOf, makeDirectories, rename, temporary } from '../file.js'
import type { IndexFile } from '../home/index-file.js'
import { dropFormers, formers, type Former } from '../index/former.js'
import { giveWay, Pace } from '../pace.js'
import { fromJson, type Properties } from '../property.js'
import { sidecarName, sidecarText } from '../sidecar.js'
import type { History } from './history.js'
import { placeOf, readName } from './version.js'

/** So many are read and forgotten at once. */
const batch = 50

/**
 * Writes into the history what was overwritten or removed by hand, as the index still has it. What is there already with the same
 * bytes (a command has kept it by itself) is not written again. A crash leaves some to be written once more at the next start.
 * @param home  its path below the documents
 */
export async function keepFormers (home: string, file: IndexFile, history: History): Promise<void> {
  const { index } = file
  const known: Known = new Map()
  const pace = new Pace()
  index.hasFormer = false
  await giveWay()
  // closed meanwhile: what is left is written when it is opened again
  const isOpen = (): boolean => file.isOpen && file.index === index
  for (let some = formers(index, batch); some.length > 0; some = formers(index, batch)) {
    let last = 0
    for (const one of some) {
      const isWritten = !history.isOn || await isKept(history, home, one, known)
      if (!isOpen()) return
      if (!isWritten) keepOne(history, home, one)
      last = one.id
      if (pace.isDue) break
    }
    dropFormers(index, last)
    await pace.rest()
    if (!isOpen()) return
  }
}

/** What was in the history when the writing began: its names by the file's name, listed once for each directory and day. */
type Known = Map<string, ReadonlyMap<string, readonly string[]>>

function keepOne (history: History, home: string, { path, at, end, bytes, tree, properties, modified }: Former): void {
  if (tree !== undefined) {
    const directory = `${history.directory}/${placeOf(tree === '' ? home : `${home}/${tree}`, at, 'removed')}`
    makeDirectories(directory, 0o700)
    if (bytes !== undefined) put(`${directory}/${path.slice(tree === '' ? 0 : tree.length + 1)}`, bytes, modified, fromJson(properties))
    else if (properties !== '') put(`${directory}/${sidecarName}`, propertiesText(properties))
  } else if (bytes !== undefined) {
    history.make(fullPath(home, path), end, at, place => { put(place, bytes, modified, fromJson(properties)) })
  }
}

function fullPath (home: string, path: string): string {
  return path === '' ? home : `${home}/${path}`
}

function propertiesText (json: string): Buffer {
  return Buffer.from(sidecarText({ collection: fromJson(json), members: new Map(), only: new Set() }) ?? '')
}

function put (place: string, bytes: Buffer, modified = 0, values: Properties = new Map()): void {
  const prepared = temporary(place.slice(0, place.lastIndexOf('/')))
  writeFileSync(prepared, bytes, { flag: 'wx' })
  for (const [name, xml] of values) attribute.set(prepared, name, xml)
  // since when it was so is told by nothing else
  if (modified > 0) utimesSync(prepared, modified / 1000, modified / 1000)
  rename(prepared, place)
}

/** Within this time (ms) two of the same bytes are one change, noticed twice. */
const near = 60_000

async function isKept ({ directory }: History, home: string, { path: below, at, bytes, tree }: Former, known: Known): Promise<boolean> {
  if (tree !== undefined || bytes === undefined) return false
  const path = fullPath(home, below)
  const day = new Date(at).toISOString().slice(0, 10)
  const place = `${directory}/${day}/${path.slice(0, path.lastIndexOf('/') + 1)}`
  let listed = known.get(place)
  if (listed === undefined) known.set(place, listed = await namesIn(place))
  return (listed.get(path.slice(path.lastIndexOf('/') + 1)) ?? []).some(name => {
    const version = readName(day, name)
    const stats = statsOf(place + name)
    return version !== undefined && Math.abs(version.at - at) < near && stats?.isFile() === true && stats.size === bytes.length && readFileSync(place + name).equals(bytes)
  })
}

// a long name, which has a directory of its own, is written once more: that costs nothing but its room
async function namesIn (directory: string): Promise<ReadonlyMap<string, string[]>> {
  const found = new Map<string, string[]>()
  const pace = new Pace()
  for (const name of await readdir(directory).catch(() => [])) {
    const own = name.slice(0, name.lastIndexOf('@'))
    const others = found.get(own)
    if (others === undefined) found.set(own, [name])
    else others.push(name)
    await pace.rest()
  }
  return found
}
