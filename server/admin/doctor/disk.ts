import { isUtf8 } from 'node:buffer'
import { readdirSync, type Dirent } from 'node:fs'
import { codeOf, translated } from '../../../store/error.js'
import { deepest } from '../../../store/home.js'
import type { Index } from '../../../store/index/open.js'
import { isIgnored } from '../../../store/name.js'
import { properties } from '../../../store/property.js'
import { homePlaces } from '../../site/provision.js'
import { holdsObjects } from '../../site/resource.js'

/** What a name in a directory is. */
export type Kind = 'file' | 'directory' | 'link' | 'other'

/** A name in a directory. */
export interface Entry {
  readonly name: string
  readonly kind: Kind
  /** The name itself when it is no UTF-8, and `name` only looks like it. */
  readonly octets?: Buffer
}

/** A home as it lies on the disk. */
export interface DiskHome {
  readonly segments: readonly string[]
  /** Below the documents. */
  readonly path: string
  readonly directory: string
  /** Only to read from; `undefined` when there is none that can be used. */
  readonly index?: Index | undefined
}

/** A directory of a home. */
export interface Folder {
  readonly home: DiskHome
  /** Below the home, '' = the home itself. */
  readonly path: string
  readonly directory: string
  readonly holdsObjects: boolean
  readonly entries: readonly Entry[]
}

/** What is in a directory, by name. @throws StoreError */
export function look (directory: string): Entry[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' }).map(asEntry).sort((a, b) => a.name < b.name ? -1 : 1)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw translated(error, `list ${directory}`)
  }
}

function asEntry (entry: Dirent<Buffer> | Dirent): Entry {
  const octets = Buffer.from(entry.name)
  const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'other'
  return isUtf8(octets) ? { name: octets.toString(), kind } : { name: octets.toString(), kind, octets }
}

/** The homes below the documents, and what else lies where homes should. */
export function homesIn (documents: string): { homes: DiskHome[], strays: { path: string, kind: Kind }[] } {
  const homes: DiskHome[] = []
  const strays: { path: string, kind: Kind }[] = []
  const descend = (segments: readonly string[]): void => {
    for (const { name, kind, octets } of look([documents, ...segments].join('/'))) {
      const [path, below] = [[documents, ...segments, name].join('/'), [...segments, name]]
      if (name.startsWith('.') || (segments.length === 0 && name !== 'calendars')) continue
      if (kind !== 'directory' || octets !== undefined) strays.push({ path, kind })
      else if (below.length === homePlaces.homeDepth || homePlaces.shallow.some(one => one === below.join('/'))) homes.push({ segments: below, path: below.join('/'), directory: path })
      else descend(below)
    }
  }
  descend([])
  return { homes, strays }
}

/** The directories of a home, itself first, each looked at when its turn comes. @param unread  hears of one that cannot be read */
export function * folders (home: DiskHome, unread: (directory: string, error: unknown) => void, path = '', depth = 0): Generator<Folder> {
  const directory = path === '' ? home.directory : `${home.directory}/${path}`
  let folder: Folder
  try {
    folder = { home, path, directory, holdsObjects: holdsObjects(path, properties(directory, '').get('{DAV:}resourcetype')), entries: look(directory) }
  } catch (error) {
    unread(directory, error)
    return
  }
  yield folder
  if (folder.holdsObjects || depth >= deepest) return
  const below = folder.entries.filter(({ name, kind, octets }) => kind === 'directory' && octets === undefined && !isIgnored(name)).map(({ name }) => name)
  for (const name of below) yield * folders(home, unread, path === '' ? name : `${path}/${name}`, depth + 1)
}
