import { StoreError } from '../../../store/error.js'
import type { Home } from '../../../store/home.js'
import { isIgnored } from '../../../store/name.js'
import { isEmpty } from '../../../store/rollback.js'
import { entries } from '../../../store/scan.js'
import { recordTypes, type RecordType } from '../../directory/record.js'
import { publicHome, publicTree } from '../../site/provision.js'
import type { Site } from '../../site/site.js'
import { asCaller } from '../owner.js'
import { account, AdminError } from '../place.js'
import { acceptHeld, bringBackHeld, type HeldNames } from './held.js'
import { merge, typedPath, type Aim } from './merge.js'
import type { Merging } from './merge-file.js'
import { outcomeOf, type Outcome, type Result } from './outcome.js'
import { homesIn, type HomeSource, type Source } from './source.js'

/** What of a backup is brought back, and whereto. */
export interface Asked {
  readonly source: Source
  /** As typed: 'alice', 'alice/work'. */
  readonly into: string | undefined
  /** Also homes for which there is no account. */
  readonly allHomes: boolean
  /** A home or calendar that by its path was somebody else's. */
  readonly isForeign: boolean
}

/**
 * Merges a backup into the tree: home by home, or one home or calendar.
 * @throws AdminError when the backup does not fit to where it should go; StoreError when nothing can be written
 */
export async function restore (merging: Merging, asked: Asked): Promise<Result> {
  const { site } = merging
  const { source, into } = asked
  try {
    if (source.kind === 'tree') return into === undefined ? await restoreTree(merging, asked) : { collections: await restorePart(merging, source, aimAt(site, into)), leftOut: [] }
    const aim = aimOf(site, asked)
    return { collections: await merge(merging, source.directory, aim), leftOut: [] }
  } catch (error) {
    throw withAdvice(site, source, error)
  }
}

// a new, empty disk looks like one that is not mounted
function withAdvice ({ store }: Site, source: Source, error: unknown): unknown {
  if (error instanceof StoreError && error.reason === 'full') return new StoreError('full', `${error.message}. What was brought back until then stays; make room and run it again`, { cause: error })
  if (!(error instanceof StoreError) || error.reason !== 'read-only' || !isEmpty(store.documents) || source.kind !== 'tree') return error
  return new StoreError('read-only', `${error.message}. On a new disk copy the backup there (cp -a ${source.directory}/. ${store.documents}/), then "caldavd restore --merge" brings back what is known to be newer`, { cause: error })
}

async function restoreTree (merging: Merging, { source, allHomes }: Asked): Promise<Result> {
  const collections: Outcome[] = []
  const leftOut: { home: string, problem: string }[] = []
  for (const { segments, directory } of homesIn(source.directory)) {
    const problem = homeProblem(merging.site, segments, allHomes)
    if (problem !== undefined) leftOut.push({ home: typedPath(segments, ''), problem })
    else collections.push(...await merge(merging, directory, { home: segments, path: '' }))
  }
  return { collections, leftOut }
}

/** Why a home of a backup is left out; `undefined` = it is not. */
function homeProblem ({ directory }: Site, [, group = '', name]: readonly string[], allHomes: boolean): string | undefined {
  if (name === undefined) return undefined
  if (!recordTypes.some(type => type === group)) return `homes lie in ${recordTypes.join(', ')} or ${publicTree}`
  if (allHomes || directory.byName(group as RecordType, name)?.name === name) return undefined
  return 'there is no such account here: add it, or take it all the same with --all-homes'
}

async function restorePart (merging: Merging, { directory }: Source, aim: Aim): Promise<Outcome[]> {
  const homes = homesIn(directory)
  const home = homes.find(({ segments }) => segments.join('/') === aim.home.join('/'))
  if (home === undefined) throw new AdminError(`the backup has no ${typedPath(aim.home, '')}; ${listed(homes.map(({ segments }) => typedPath(segments, '')))}. What was somebody else's is named by its directory: --merge ${homes[0]?.directory ?? directory} --into …`)
  return await merge(merging, partOf(home, aim.path), aim)
}

function partOf ({ segments, directory }: HomeSource, path: string): string {
  if (path === '') return directory
  const found = below(directory, '').find(one => one.normalize('NFC') === path.normalize('NFC'))
  if (found === undefined) throw new AdminError(`the backup has no ${typedPath(segments, path)}; ${listed(below(directory, ''))}`)
  return `${directory}/${found}`
}

function below (directory: string, path: string): string[] {
  const at = path === '' ? directory : `${directory}/${path}`
  return directoriesIn(at).flatMap(name => {
    const one = path === '' ? name : `${path}/${name}`
    return [one, ...below(directory, one)]
  })
}

function directoriesIn (directory: string): string[] {
  return asCaller(() => entries(directory)).filter(entry => entry.isDirectory() && !isIgnored(entry.name)).map(({ name }) => name).sort()
}

function listed (names: readonly string[]): string {
  return names.length === 0 ? 'it is empty' : `it has ${names.slice(0, 10).join(', ')}${names.length > 10 ? ' …' : ''}`
}

/** Where a single home or calendar goes. */
function aimOf (site: Site, { source: { kind, directory, whose }, into, isForeign }: Asked): Aim {
  const known = whose === undefined ? '' : ` (by its path that of ${shortName(whose)})`
  if (into === undefined) throw new AdminError(`${directory} is one ${kind}${known} and no whole tree: say where it belongs, such as --into ${whose === undefined ? kind === 'home' ? 'alice' : 'alice/work' : shortName(whose)}`)
  const aim = aimAt(site, into)
  if (kind === 'calendar' && aim.path === '') throw new AdminError(`${directory} holds events, so it is a calendar and no home: say which calendar it becomes, such as --into ${into}/${directory.slice(directory.lastIndexOf('/') + 1)}`)
  if (kind === 'home' && site.store.home(aim.home)?.collection(aim.path)?.holdsObjects === true) throw new AdminError(`${directory} is a home and ${into} is one calendar; name one of its directories: ${directoriesIn(directory).join(', ')}`)
  if (whose !== undefined && !isForeign && homeOf(whose) !== typedHome(aim.home)) {
    throw new AdminError(`${directory} is, by its path, the backup of ${shortName(homeOf(whose))}, not of ${typedPath(aim.home, '')}: nothing was done. Name the right directory, or --into ${shortName(whose)}; --foreign takes it all the same`)
  }
  return aim
}

function homeOf (whose: string): string {
  return whose.split('/').slice(0, whose.startsWith(publicTree) ? 1 : 2).join('/')
}

function typedHome (home: readonly string[]): string {
  return home.slice(1).join('/')
}

function shortName (path: string): string {
  return path.replace(/^users\//, '')
}

/** What somebody types as a home or calendar, which need not be there. @throws AdminError for nobody */
export function aimAt (site: Site, typed: string): Aim {
  const all = typed.split('/').filter(name => name !== '')
  const names = all[0] === 'calendars' ? all.slice(1) : all
  if (names[0] === publicTree) return { home: publicHome, path: names.slice(1).join('/') }
  const full = recordTypes.some(type => type === names[0]) ? names : ['users', ...names]
  const owner = account(site.directory, full.slice(0, 2).join('/'))
  return { home: ['calendars', owner.type, owner.name], path: full.slice(2).join('/') }
}

/** Brings back, or lets go, what is held: of one home or calendar, or of all. @throws AdminError, StoreError */
export async function settleHeld (site: Site, typed: string | undefined, what: 'bring back' | 'let go', isDryRun: boolean): Promise<Outcome[]> {
  const aims = typed === undefined ? allHomes(site) : [aimAt(site, typed)]
  const outcomes: Outcome[] = []
  for (const { home: segments, path } of aims) {
    const home: Home | undefined = site.store.home(segments)
    if (home?.collection(path) === undefined) {
      if (typed !== undefined) throw new AdminError(`${typedPath(segments, path)} is not there`)
      continue
    }
    const found: HeldNames[] = what === 'bring back' ? await bringBackHeld(site, home, path, isDryRun) : await acceptHeld(home, path, isDryRun)
    outcomes.push(...found.map(one => ({ ...outcomeOf(typedPath(segments, one.path)), held: [...one.names] })))
  }
  return outcomes
}

function allHomes ({ directory }: Site): Aim[] {
  return [...recordTypes.flatMap(type => directory.all(type)).map(record => ['calendars', record.type, record.name]), publicHome].map(home => ({ home, path: '' }))
}
