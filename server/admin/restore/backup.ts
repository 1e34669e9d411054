import { setImmediate as later } from 'node:timers/promises'
import { etagOf } from '../../../store/etag.js'
import { facts as statsOf, read } from '../../../store/file.js'
import { deepest } from '../../../store/home.js'
import { isIgnored } from '../../../store/name.js'
import { properties, type Properties } from '../../../store/property.js'
import { entries } from '../../../store/scan.js'
import { describe } from '../../ical/facts.js'
import { asCaller } from '../owner.js'

/** A file of a backup. */
export interface BackupFile {
  readonly name: string
  /** Absolute. */
  readonly path: string
  /** ms since 1970 */
  readonly modified: number
  /** '' when it could not be read. */
  readonly etag: string
  /** '' for a file that is no object. */
  readonly uid: string
  /** Why it is not brought back; '' = it can be. */
  readonly problem: string
}

/** A directory of a backup. */
export interface BackupCollection {
  /** Below the home here, '' = the home itself. */
  readonly path: string
  /** Absolute. */
  readonly directory: string
  readonly values: Properties
  readonly holdsObjects: boolean
  /** ms since 1970 */
  readonly modified: number
  readonly names: readonly string[]
  /** What is there and cannot be a file of ours. */
  readonly odd: readonly { readonly name: string, readonly problem: string }[]
}

/**
 * The directories of a backup, those above first, with the names in them. Links are not followed.
 * @param path      where it belongs below the home; '' = it is a home
 * @param isObjects  whether a directory holds objects
 */
export function collectionsIn (directory: string, path: string, isObjects: (path: string, resourcetype: string | undefined) => boolean): BackupCollection[] {
  const [values, found, modified] = asCaller(() => [properties(directory, ''), entries(directory), statsOf(directory)?.mtimeMs ?? 0] as const)
  const holdsObjects = isObjects(path, values.get('{DAV:}resourcetype'))
  const all = found.sort((a, b) => a.name < b.name ? -1 : 1)
  const visible = all.filter(({ name }) => !isIgnored(name))
  const odd = [
    ...all.filter(({ name }) => isUnfinished(name)).map(({ name }) => ({ name, problem: 'a copying tool has not finished it' })),
    ...visible.filter(entry => entry.isSymbolicLink()).map(({ name }) => ({ name, problem: 'it is a link, which is not followed' })),
    ...visible.filter(entry => !entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink()).map(({ name }) => ({ name, problem: 'it is no regular file' })),
    ...visible.filter(entry => holdsObjects && entry.isDirectory()).map(({ name }) => ({ name, problem: 'a calendar holds no directories' }))
  ]
  const names = visible.filter(entry => entry.isFile()).map(({ name }) => name)
  const own: BackupCollection = { path, directory, values, holdsObjects, modified, names, odd }
  if (holdsObjects || path.split('/').length >= deepest) return [own]
  return [own, ...visible.filter(entry => entry.isDirectory()).flatMap(({ name }) => collectionsIn(`${directory}/${name}`, path === '' ? name : `${path}/${name}`, isObjects))]
}

// rsync: .standup.ics.Ab3dEf
function isUnfinished (name: string): boolean {
  return /^\..+\.ics\.\w{6}$/.test(name) || /\.ics\.(?:part|partial|tmp)$/.test(name)
}

/**
 * Reads the files of a directory of a backup one after the other.
 * @param known  the UID of a file of that name that is here with the same bytes, so that they need not be looked into
 */
export async function filesIn (collection: BackupCollection, known: (name: string, etag: string) => string | undefined, tick: () => void): Promise<BackupFile[]> {
  const files: BackupFile[] = []
  for (const name of collection.names) {
    tick()
    if (files.length % 50 === 49) await later()
    files.push(fileAt(collection, name, known))
  }
  return files
}

function fileAt ({ directory, holdsObjects }: BackupCollection, name: string, known: (name: string, etag: string) => string | undefined): BackupFile {
  const path = `${directory}/${name}`
  let [etag, modified] = ['', 0]
  try {
    const file = asCaller(() => read(path))
    const bytes = file?.bytes
    modified = file?.stats.mtimeMs ?? 0
    if (bytes === undefined) return { name, path, modified, etag, uid: '', problem: 'it is gone, or no regular file' }
    etag = etagOf(bytes)
    if (!holdsObjects) return { name, path, modified, etag, uid: '', problem: '' }
    if (bytes.length === 0) return { name, path, modified, etag, uid: '', problem: 'it is empty' }
    return { name, path, modified, etag, uid: known(name, etag) ?? describe(bytes).uid, problem: '' }
  } catch (error) {
    return { name, path, modified, etag, uid: '', problem: error instanceof Error ? error.message : String(error) }
  }
}
