import { relative, resolve } from 'node:path'
import { nearest } from '../../../conf/nearest.js'
import type { Collection, Home } from '../../../store/home.js'
import { otherSpelling } from '../../../store/name.js'
import { facts } from '../../../store/file.js'
import { entries } from '../../../store/scan.js'
import { versionsBelow } from '../../../store/history/list.js'
import { recordTypes } from '../../directory/record.js'
import { publicTree } from '../../site/provision.js'
import { homeLength } from '../../site/resource.js'
import type { Site } from '../../site/site.js'
import { AdminError } from '../place.js'
import { pastOf, type Past } from './past.js'

/** A file or collection that is there, or was. */
export interface Spot {
  /** Below the documents: 'calendars/users/alice/work/standup.ics'. */
  readonly path: string
  /** Absolute, whether it is there or not. */
  readonly file: string
  /** `undefined` when it is not there. */
  readonly present: 'file' | 'collection' | undefined
  /** Former states, latest first. */
  readonly pasts: readonly Past[]
  /** What it is now, or was last. */
  readonly isCollection: boolean
  /** Where it lies; `undefined` when that is not there. */
  readonly home: Home | undefined
  /** Names that lead to the home. */
  readonly root: readonly string[]
  /** Below the home; '' = the home itself. */
  readonly rest: string
}

/**
 * What is, or was, at a path as people type it: 'alice/work/standup.ics', 'users/alice/work', 'public/holidays', with '/calendars/' before it
 * or not, decoded or as an href; or the path of a file below the documents, absolute or relative. Hand edits are taken notice of first.
 * @param cwd  absolute, where relative paths begin
 * @throws AdminError for what is not there and never was, naming what is near; StoreError
 */
export async function spotAt (site: Site, typed: string, cwd: string): Promise<Spot> {
  demandHistory(site)
  const all = candidates(site.store.documents, typed, cwd)
  for (const path of all) await notice(site, path)
  const known = all.map(path => spot(site, path)).find(({ present, pasts }) => present !== undefined || pasts.length > 0)
  if (known === undefined) throw new AdminError(unknown(site, all.at(-1) ?? typed))
  return known
}

/** @throws AdminError when nothing is kept and nothing is there from before */
function demandHistory ({ settings: { history } }: Site): void {
  if (history.days === 0 && facts(history.directory) === undefined) throw new AdminError('nothing is kept: history.days is 0 in the settings')
}

/** The paths below the documents that may be meant, likeliest first. */
function candidates (documents: string, typed: string, cwd: string): string[] {
  const disk = relative(documents, resolve(cwd, typed))
  const isBelow = disk !== '..' && !disk.startsWith('../') && !disk.startsWith('/')
  if (/^\.{0,2}\//.test(typed) && !isBelow && !/^\/(?:calendars\/|public\/|users\/)/.test(typed)) throw new AdminError(`${resolve(cwd, typed)} is not below ${documents}`)
  const asTyped = [typed, decoded(typed)].flatMap(text => text === undefined ? [] : below(text))
  const names = disk.split('/')
  const all = [...isBelow && names[0] === 'calendars' && names.length >= homeLength(names) ? [disk] : [], ...asTyped]
  return [...new Set(all.flatMap(path => [path, otherSpelling(path) ?? path]))]
}

function decoded (typed: string): string | undefined {
  try {
    return typed.includes('%') ? decodeURIComponent(typed) : undefined
  } catch {
    return undefined
  }
}

function below (typed: string): string[] {
  const all = typed.split('/').filter(name => name !== '')
  const names = all[0] === 'calendars' ? all.slice(1) : all
  const [first = ''] = names
  const isWhole = first === publicTree || recordTypes.some(type => type === first)
  const segments = ['calendars', ...isWhole ? [] : ['users'], ...names]
  if (names.some(name => name === '.' || name === '..' || name.includes('\0'))) throw new AdminError(`${typed} is no path of a calendar or event: expected one like alice/work/standup.ics`)
  if (names.length === 0 || segments.length < homeLength(segments)) throw new AdminError(`${typed}: expected the path of a calendar or event like alice/work or alice/work/standup.ics`)
  return [segments.join('/')]
}

/** Brings what was changed by hand into the index, and so into the history. @param path  below the documents */
export async function notice (site: Site, path: string): Promise<void> {
  const names = path.split('/')
  const length = homeLength(names)
  const home = names.length < length ? undefined : site.store.home(names.slice(0, length))
  if (home === undefined) return
  home.list()
  const rest = names.slice(length)
  for (const one of new Set([rest.join('/'), rest.slice(0, -1).join('/')])) {
    const collection = home.collection(one)
    if (collection !== undefined) await home.fresh(collection)
  }
  await home.idle()
}

/** As `spotAt`, for a path below the documents; of what is not there and never was too. */
export function spot (site: Site, path: string): Spot {
  const names = path.split('/')
  const root = names.slice(0, homeLength(names))
  const rest = names.slice(root.length).join('/')
  const home = site.store.home(root)
  const file = `${site.store.documents}/${path}`
  const pasts = pastOf(site.settings.history.directory, path)
  const isFile = home?.collection(rest) === undefined && facts(file)?.isFile() === true
  const present = home?.collection(rest) !== undefined ? 'collection' : isFile ? 'file' : undefined
  return { path, file, present, pasts, isCollection: present === undefined ? pasts[0]?.isCollection === true : present === 'collection', home, root, rest }
}

/** The collection that a file lies in. @throws AdminError when it is not there */
export function parentOf ({ home, rest, path }: Spot, hint: string): { readonly home: Home, readonly collection: Collection, readonly name: string } {
  const cut = rest.lastIndexOf('/')
  const collection = home?.collection(cut < 0 ? '' : rest.slice(0, cut))
  if (home === undefined || collection === undefined) throw new AdminError(`${typedPath(path.slice(0, path.lastIndexOf('/')))}, in which it was, is not there any more; ${hint}`)
  return { home, collection, name: rest.slice(cut + 1) }
}

/** A path below the documents as it is typed: 'users/alice/work'. */
export function typedPath (path: string): string {
  return path.startsWith('calendars/') ? path.slice('calendars/'.length) : path
}

const mostNear = 10

function unknown (site: Site, path: string): string {
  const above = path.slice(0, path.lastIndexOf('/'))
  const names = new Set<string>()
  for (const version of versionsBelow(site.settings.history.directory, above)) if (version.path !== above) names.add(version.path)
  for (const { name } of entries(`${site.store.documents}/${above}`)) if (!name.startsWith('.')) names.add(`${above}/${name}`)
  const near = nearest(path.slice(above.length + 1), [...names].map(name => name.slice(above.length + 1)))
  const some = [...names].slice(0, mostNear).map(typedPath).join(', ')
  const hint = near !== undefined ? `; did you mean ${typedPath(`${above}/${near}`)}?`
    : names.size === 0 ? `, nor anything else in ${typedPath(above)}: see caldavd trash list` : `; there is, or was: ${some}${names.size > mostNear ? ' …' : ''}`
  return `${typedPath(path)} is not there and nothing of it is kept${hint}`
}
