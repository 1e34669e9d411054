import { relative, sep } from 'node:path'
import { facts } from '../../../store/file.js'
import { otherSpelling } from '../../../store/name.js'
import { recordTypes } from '../../directory/record.js'
import { homePlaces, publicTree } from '../../site/provision.js'
import { AdminError } from '../place.js'

/** What is looked at: everything, or what lies at a path and below it. */
export interface Scope {
  /** Below the documents, '' = everything. */
  readonly path: string
  /** The home it lies in; `undefined` = all homes at the path and below it. */
  readonly home: string | undefined
  /** Below that home. */
  readonly below: string
}

/**
 * What people type: 'alice/work', 'users/alice/work/a.ics', 'public', or a path of the disk below the documents. The disk counts, not
 * the accounts: broken ones must not keep anybody from looking.
 * @throws AdminError when nothing is there
 */
export function scopeOf (documents: string, typed: string | undefined): Scope {
  if (typed === undefined) return { path: '', home: undefined, below: '' }
  const names = namesIn(documents, typed)
  const path = names.reduce((above, name) => spelled(documents, above, name), '')
  if (facts(`${documents}/${path}`) === undefined) throw new AdminError(`${documents}/${names.join('/')} is not there: expected a home, calendar or file like alice, alice/work or alice/work/lunch.ics`)
  const depth = homePlaces.shallow.some(shallow => `${path}/`.startsWith(`${shallow}/`)) ? 2 : homePlaces.homeDepth
  if (names.length < depth) return { path, home: undefined, below: '' }
  const segments = path.split('/')
  return { path, home: segments.slice(0, depth).join('/'), below: segments.slice(depth).join('/') }
}

function spelled (documents: string, above: string, name: string): string {
  const path = above === '' ? name : `${above}/${name}`
  const other = otherSpelling(name)
  if (other === undefined || facts(`${documents}/${path}`) !== undefined) return path
  return above === '' ? other : `${above}/${other}`
}

function namesIn (documents: string, typed: string): string[] {
  const below = relative(documents, typed)
  if (typed.startsWith('/') && !below.startsWith('..') && below !== '') return below.split(sep)
  if (typed.startsWith('/') && below === '') return []
  const all = typed.split('/').filter(name => name !== '')
  const names = all[0] === 'calendars' ? all.slice(1) : all
  const first = names[0] ?? ''
  return ['calendars', ...first === publicTree || recordTypes.some(type => type === first) ? [] : ['users'], ...names]
}

/** Whether a collection has to be looked at. @param path  below the home of the scope */
export function isWanted ({ home, below }: Scope, path: string): boolean {
  return home === undefined || below === '' || path === below || path.startsWith(`${below}/`) || below.startsWith(`${path}/`) || path === ''
}

/** Whether a finding is about what was asked for. @param path  absolute */
export function isInside (documents: string, { path }: Scope, found: string): boolean {
  const full = `${documents}/${path}`
  return path === '' || found === full || found.startsWith(`${full}/`)
}
