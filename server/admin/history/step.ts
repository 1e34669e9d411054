import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { StoreError, translated } from '../../../store/error.js'
import type { Collection, Home, Member } from '../../../store/home.js'
import { withUid } from '../../../store/index/search.js'
import { properties, setProperties } from '../../../store/property.js'
import { deleteMember, writeMember } from '../../../store/write.js'
import { describe } from '../../ical/facts.js'
import { IcalError } from '../../ical/parse.js'
import type { Site } from '../../site/site.js'
import { AdminError } from '../place.js'
import { typedPath } from './place.js'

/** What is done to one file to undo something. */
export interface Step {
  readonly home: Home
  readonly collection: Collection
  readonly name: string
  readonly what: 'changed back' | 'brought back' | 'removed'
  /** What it becomes; `undefined` when it is removed. */
  readonly bytes: Buffer | undefined
  /** Where that comes from, absolute. */
  readonly from: string | undefined
  /** What is there now. */
  readonly before: Member | undefined
}

/** The path of what a step changes, as it is typed. */
export function stepPath ({ home, collection, name }: Pick<Step, 'home' | 'collection' | 'name'>): string {
  return typedPath([home.path, collection.path, name].filter(part => part !== '').join('/'))
}

/** A step that makes a file what it was. @param from  absolute */
export function stepTo (home: Home, collection: Collection, name: string, from: string): Step {
  const before = home.member(collection, name)
  return { home, collection, name, what: before === undefined ? 'brought back' : 'changed back', bytes: bytesOf(from), from, before }
}

/** The bytes of a file of the history or the documents. @throws StoreError */
export function bytesOf (file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw translated(error, `read ${file}`)
  }
}

/**
 * Why a step cannot be done: its event is in the same calendar under another name, or it is none; `undefined` when it can.
 * @param leaving  names in the calendar that go before
 */
export function obstacle ({ home, collection, name, bytes, from, before }: Step, leaving: ReadonlySet<string> = new Set()): string | undefined {
  if (bytes === undefined || !collection.holdsObjects) return undefined
  try {
    // what can be served must not give way to what nobody can read; what is not there comes back as it was
    const { uid } = describe(bytes, before !== undefined)
    const holder = holderOf(home, collection, uid)
    return holder === undefined || holder === name || leaving.has(holder) ? undefined
      : `the event of ${stepPath({ home, collection, name })} is in ${stepPath({ home, collection, name: holder })} now, and two of one UID cannot be in a calendar; to bring it back, remove that one first, or use --into with another calendar`
  } catch (error) {
    if (!(error instanceof IcalError)) throw error
    return `what ${stepPath({ home, collection, name })} was cannot be served (${error.message}); it is kept in ${from ?? 'the index'}`
  }
}

function holderOf (home: Home, collection: Collection, uid: string): string | undefined {
  const holder = withUid(home.index, collection.id, uid)
  return holder !== undefined && home.member(collection, holder)?.uid === uid ? holder : undefined
}

/** Where else in the home the event of a step is, as paths that are typed. */
export function elsewhere ({ home, collection, bytes }: Step): string[] {
  if (bytes === undefined || !collection.holdsObjects) return []
  const { uid } = describe(bytes)
  return calendarsBelow(home, '').flatMap(other => {
    const holder = other.path === collection.path ? undefined : holderOf(home, other, uid)
    return holder === undefined ? [] : [stepPath({ home, collection: other, name: holder })]
  })
}

function calendarsBelow (home: Home, path: string): Collection[] {
  return home.children(path).flatMap(child => child.holdsObjects ? [child] : calendarsBelow(home, child.path))
}

/**
 * Does a step: what is there goes to the history.
 * @throws AdminError for an obstacle; StoreError changed when somebody else was quicker
 */
export async function doStep (site: Site, step: Step): Promise<void> {
  const { home, collection, name, bytes, from, before } = step
  const { writing } = site.store
  const guard = (current: Member | undefined): void => {
    if (current?.etag !== before?.etag) throw new StoreError('changed', `${stepPath(step)} was changed just now by somebody else: look at it and try again`)
    const why = obstacle(step)
    if (why !== undefined) throw new AdminError(why)
  }
  if (bytes === undefined) {
    await deleteMember(writing, home, collection, name, guard)
    return
  }
  await writeMember(writing, home, collection, name, { bytes }, guard)
  if (before === undefined && from !== undefined) await bringProperties(collection, name, from)
  home.suspect(collection.path, name)
  await home.fresh(collection)
}

async function bringProperties ({ directory }: Collection, name: string, from: string): Promise<void> {
  await setProperties(directory, name, properties(dirname(from), basename(from)))
}
