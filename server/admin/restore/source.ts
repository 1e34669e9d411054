import { realpathSync, statSync, type Stats } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'
import type { Settings } from '../../../conf/settings.js'
import { codeOf } from '../../../store/error.js'
import { isIgnored } from '../../../store/name.js'
import { properties } from '../../../store/property.js'
import { entries } from '../../../store/scan.js'
import { recordTypes } from '../../directory/record.js'
import { publicTree } from '../../site/provision.js'
import { holdsObjects } from '../../site/resource.js'
import { asCaller } from '../owner.js'
import { AdminError } from '../place.js'

/** A backup that was recognized. */
export interface Source {
  /** 'tree': has `calendars/` with homes; 'home': one home or folder; 'calendar': holds events. */
  readonly kind: 'tree' | 'home' | 'calendar'
  /** Absolute, links resolved; of a tree what has `calendars/` in it. */
  readonly directory: string
  /** What its path says that it was, as it is typed: 'users/alice/work'; `undefined` when that says nothing. */
  readonly whose: string | undefined
}

/**
 * What a directory is a backup of: a data directory (has `documents/`), the documents (have `calendars/`), `calendars/` itself, one
 * home, or one calendar. Reads a few directories and writes nothing.
 * @param typed  relative to the working directory; itself it may be a link
 * @throws AdminError for what is no backup, or is the tree that is served
 */
export function sourceAt (settings: Settings, typed: string): Source {
  const directory = directoryAt(typed)
  demandElsewhere(settings, directory, typed)
  const tree = [`${directory}/documents`, directory, dirname(directory)].find(one => (one !== dirname(directory) || basename(directory) === 'calendars') && isTree(one))
  if (tree !== undefined) {
    demandElsewhere(settings, tree, typed)
    if (homesIn(tree).length === 0) throw new AdminError(`${tree}/calendars holds no homes: is the backup half copied? Expected directories like calendars/users/alice`)
    return { kind: 'tree', directory: tree, whose: undefined }
  }
  const whose = /\/calendars\/((?:users|groups|locations|resources)\/[^/]+|public)((?:\/[^/]+)*)$/.exec(directory)?.slice(1).join('')
  if (isCalendar(directory)) return { kind: 'calendar', directory, whose }
  const names = entries(directory).filter(({ name }) => !isIgnored(name))
  if (names.some(entry => entry.isDirectory() && isCalendar(`${directory}/${entry.name}`))) return { kind: 'home', directory, whose }
  throw new AdminError(`${typed} is no backup of calendars: expected a data directory (with documents/ in it), the documents (with calendars/), a home or a calendar; ` +
    (names.length === 0 ? 'it is empty' : `there is ${names.slice(0, 8).map(({ name }) => name).join(', ')}${names.length > 8 ? ' …' : ''}`))
}

function directoryAt (typed: string): string {
  let stats: Stats
  try {
    stats = statSync(typed)
    if (stats.isDirectory()) {
      // a directory that must not be read would look empty
      const directory = realpathSync(typed)
      entries(directory)
      return directory
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw new AdminError(`${resolve(typed)} is not there`)
    throw new AdminError(`cannot read ${typed}: ${error instanceof Error ? error.message : String(error)}`)
  }
  throw new AdminError(`${typed} is a file and no directory: unpack it first (mkdir /tmp/backup; tar -xf ${basename(typed)} -C /tmp/backup), then name the directory`)
}


function demandElsewhere (settings: Settings, directory: string, typed: string): void {
  const documents = realOf(settings.data.documents)
  if (directory === documents || `${directory}/documents` === documents) throw new AdminError(`${typed} is the tree that is served (${documents}), not a backup of it`)
  if (directory.startsWith(documents + sep)) throw new AdminError(`${typed} lies in the documents that are served (${documents}): copy it out of there first`)
}

function realOf (path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

function isTree (directory: string): boolean {
  const names = entries(directory).some(entry => entry.name === 'calendars' && entry.isDirectory()) ? entries(`${directory}/calendars`).filter(({ name }) => !isIgnored(name)) : undefined
  return names !== undefined && (names.length === 0 || names.some(entry => entry.isDirectory() && groups.has(entry.name)))
}

const groups: ReadonlySet<string> = new Set([...recordTypes, publicTree])

function isCalendar (directory: string): boolean {
  const resourcetype = properties(directory, '').get('{DAV:}resourcetype')
  return resourcetype === undefined ? entries(directory).some(entry => entry.isFile() && entry.name.endsWith('.ics') && !isIgnored(entry.name)) : holdsObjects('a/b', resourcetype)
}

/** A home in a tree: decoded segments below the documents, `calendars` first. */
export interface HomeSource { readonly segments: readonly string[], readonly directory: string }

/** The homes of a tree, by path; links are not followed. */
export function homesIn (tree: string): HomeSource[] {
  const below = (path: string): string[] => asCaller(() => entries(`${tree}/${path}`)).filter(entry => entry.isDirectory() && !isIgnored(entry.name)).map(({ name }) => `${path}/${name}`).sort()
  return below('calendars').flatMap(path => basename(path) === publicTree ? [path] : below(path)).map(path => ({ segments: path.split('/'), directory: `${tree}/${path}` }))
}
