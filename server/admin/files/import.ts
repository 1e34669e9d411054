import { body, withUid } from '../../../store/index/search.js'
import type { Member } from '../../../store/home.js'
import { prepare, writePrepared } from '../../calendar/write.js'
import { DavError } from '../../dav/error.js'
import type { SplitObject } from '../../ical/split.js'
import { standing } from '../../ical/version.js'
import { demandNew, nameFor, objectsIn, Pauses, Room } from '../../method/bulk.js'
import { isSame } from '../../method/replace.js'
import type { Site } from '../../site/site.js'
import type { Place } from '../place.js'

/** What becomes of an object whose UID is in the calendar already, with other content. */
export type Clash = 'newer' | 'replace' | 'skip'

/** How a file is imported. */
export interface Importing {
  readonly clash: Clash
  readonly isDryRun: boolean
  /** Hears how far it has come. */
  readonly progress: (done: number, total: number) => void
  /** Asked before each object: whether to stop there. */
  readonly isStopped: () => boolean
}

/** What became of an object. */
export type Fate = 'created' | 'replaced' | 'same' | 'kept' | 'failed'

/** One object of a file that is worth telling. */
export interface Told {
  readonly fate: Fate
  readonly file: string
  /** Of the file, counted from 1. */
  readonly line: number
  readonly uid: string
  /** Why it was kept or failed. */
  readonly reason: string
}

/** What came of an import. */
export interface Imported {
  readonly counts: Record<Fate, number>
  /** Those that failed, and those that were kept. */
  readonly told: Told[]
  /** Objects that were not looked at, since it was stopped. */
  left: number
  /** Why it was stopped: the disk or the quota is full. */
  stopped: string | undefined
}

/** Nothing yet. */
export function nothingImported (): Imported {
  return { counts: { created: 0, replaced: 0, same: 0, kept: 0, failed: 0 }, told: [], left: 0, stopped: undefined }
}

/** As many are written at once: each waits for the disk. */
const atOnce = 8

/**
 * Writes the objects of a file into a calendar, one file each: every rule holds, and each object is there whole or not at all. What
 * cannot be stored is told, and the rest is stored.
 * @param file  its name, for what is told
 * @param into  what came of it is added here
 * @throws DavError when the file cannot be split; StoreError
 */
export async function importObjects (site: Site, calendar: Place, file: string, bytes: Buffer, how: Importing, into: Imported): Promise<void> {
  const objects = await objectsIn(bytes, Infinity)
  if (objects.length === 0) throw new DavError(400, 'there is no event or task in it')
  await calendar.home.fresh(calendar.collection)
  const one = new One(site, calendar, how, new Room(bytes.length))
  const running = new Map<string, Promise<void>>()
  const pauses = new Pauses()
  let done = 0
  let failure: { readonly error: unknown } | undefined
  for (const [at, object] of objects.entries()) {
    if (how.isStopped() || into.stopped !== undefined) {
      into.left += objects.length - at
      break
    }
    if (failure !== undefined) break
    // twice the same UID: the second meets what the first has written
    await running.get(object.uid)
    if (running.size >= atOnce) await Promise.race(running.values())
    // Ctrl-C is heard only between two pieces of work
    await pauses.pause()
    const work = one.take(object).then(({ fate, line, reason, isFatal }) => {
      if (isFatal) into.stopped ??= reason
      into.counts[fate]++
      if (fate === 'failed' || fate === 'kept') into.told.push({ fate, file, line, uid: object.isNamed ? object.uid : '', reason })
      how.progress(++done, objects.length)
    }).catch((error: unknown) => { failure ??= { error } }).finally(() => { running.delete(object.uid) })
    running.set(object.uid, work)
  }
  await Promise.all(running.values())
  if (failure !== undefined) throw failure.error
  into.told.sort((a, b) => a.file === b.file ? a.line - b.line : 0)
}

interface Result { readonly fate: Fate, readonly line: number, readonly reason: string, readonly isFatal: boolean }

class One {
  readonly #site: Site
  readonly #calendar: Place
  readonly #how: Importing
  readonly #room: Room
  /** UIDs that a dry run would have written. */
  readonly #imagined = new Set<string>()

  constructor (site: Site, calendar: Place, how: Importing, room: Room) {
    this.#site = site
    this.#calendar = calendar
    this.#how = how
    this.#room = room
  }

  async take (object: SplitObject): Promise<Result> {
    try {
      return { line: object.line, isFatal: false, ...await this.#store(object) }
    } catch (error) {
      if (!(error instanceof DavError)) throw error
      return { fate: 'failed', ...located(object, error.message), isFatal: error.status === 507 || error.status === 503 }
    }
  }

  async #store (object: SplitObject): Promise<{ readonly fate: Fate, readonly reason: string }> {
    const before = this.#present(object.uid)
    const bytes = object.bytes()
    if (before !== undefined && isSame(this.#calendar, before, bytes)) return { fate: 'same', reason: '' }
    const reason = before === undefined ? undefined : this.#reasonToKeep(before, bytes)
    if (reason !== undefined) return { fate: 'kept', reason }
    const lack = this.#room.lackFor(object)
    if (lack !== undefined) return { fate: 'failed', reason: lack }
    const prepared = await prepare(this.#site, this.#calendar, { bytes, mediaType: undefined })
    const fate = before === undefined && !this.#imagined.has(object.uid) ? 'created' : 'replaced'
    if (this.#how.isDryRun) {
      this.#imagined.add(object.uid)
      return { fate, reason: '' }
    }
    const name = before?.name ?? nameFor(this.#calendar, prepared.facts.uid)
    await writePrepared(this.#site, this.#calendar, name, prepared, current => {
      if (before === undefined) demandNew(name, current)
      else if (current?.etag !== before.etag) throw new DavError(409, `${name} was changed by somebody else in the meantime: try again`)
    })
    return { fate, reason: '' }
  }

  #present (uid: string): Member | undefined {
    const { home, collection } = this.#calendar
    const name = withUid(home.index, collection.id, uid)
    return name === undefined ? undefined : home.member(collection, name)
  }

  #reasonToKeep (before: Member, bytes: Buffer): string | undefined {
    const { clash } = this.#how
    if (clash === 'replace') return undefined
    if (clash === 'skip') return `${before.name} is there already`
    const { home, collection } = this.#calendar
    const present = body(home.index, before.id) ?? home.content(collection, before.name)?.bytes
    const order = present === undefined ? 'unknown' : standing(bytes, present)
    if (order === 'newer') return undefined
    return order === 'older' ? `${before.name} is newer` : `${before.name} is there already and says something else; neither says which is newer`
  }
}

/** Where in the file something is wrong. */
function located ({ line, lineOf }: SplitObject, message: string): { readonly line: number, readonly reason: string } {
  const [prefix, own] = /^line (\d+): /.exec(message) ?? []
  return prefix === undefined ? { line, reason: message } : { line: lineOf(Number(own)), reason: message.slice(prefix.length) }
}
