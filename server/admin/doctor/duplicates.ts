import { createHash } from 'node:crypto'
import { facts } from '../../../store/file.js'
import type { Folder } from './disk.js'
import { shown, type Finding } from './finding.js'
import { removeCopy } from './mend.js'
import type { Met } from './files.js'

/** Where a UID was met, with what of the body tells it from another: the first in the home. */
interface Place { readonly folder: string, readonly name: string, readonly digest: string }

interface Clash { readonly name: string, readonly other: Place, readonly digest: string, readonly uid: string }

/** The UIDs of a home: which are there twice. Some 150 bytes each, so that a home of a million is no matter. */
export class Uids {
  readonly #met = new Map<string, Place>()
  #own = new Map<string, Place>()
  #clashes: Clash[] = []

  /** Meets a file of the folder that is looked at. */
  readonly meet: Met = (uid, { path }, name, bytes) => {
    const key = digestOf(uid)
    const place: Place = { folder: path, name, digest: digestOf(bytes) }
    const other = this.#own.get(key) ?? this.#met.get(key)
    if (other !== undefined) this.#clashes.push({ name, other, digest: place.digest, uid })
    if (!this.#own.has(key)) this.#own.set(key, place)
  }

  /** What was met twice since it was asked before; what comes next is another folder. */
  * findings (folder: Folder): Generator<Finding> {
    for (const clash of this.#clashes) yield clash.other.folder === folder.path ? inCalendar(folder, clash) : inHome(folder, clash)
    for (const [key, place] of this.#own) if (!this.#met.has(key)) this.#met.set(key, place)
    this.#own = new Map()
    this.#clashes = []
  }
}

function digestOf (value: string | Buffer): string {
  return createHash('sha256').update(value).digest('base64url').slice(0, 16)
}

function inCalendar (folder: Folder, { name, other, digest, uid }: Clash): Finding {
  const [copy, original] = isCopy(folder, other.name, name) ? [other.name, name] : [name, other.name]
  const finding = { check: 'duplicate-uid', path: shown(`${folder.directory}/${copy}`), message: `it has the UID of ${shown(original)} (${uid}), so that some clients refuse the whole calendar` } as const
  if (digest !== other.digest) return { ...finding, hand: 'give one of them another UID, or remove the one that is not wanted' }
  return { ...finding, fix: 'removes it, which is the same byte for byte; it goes to the history', mend: async store => { await removeCopy(store, folder, copy, original) } }
}

// clients know the older one; where that cannot be told, `b-copy.ics` and `b (1).ics` have the longer names
function isCopy ({ directory }: Folder, one: string, other: string): boolean {
  const [mine = 0, theirs = 0] = [one, other].map(name => facts(`${directory}/${name}`)?.birthtimeMs ?? 0)
  return mine === theirs ? one.length > other.length : mine > theirs
}

function inHome ({ home, directory }: Folder, { name, other, uid }: Clash): Finding {
  return {
    check: 'duplicate-uid-in-home',
    path: shown(`${directory}/${name}`),
    message: `it has the UID of ${shown(`${home.directory}/${other.folder}/${other.name}`)} (${uid}): clients show the event twice, or as one that jumps`,
    hand: 'remove the one that is not wanted, with caldavd rm'
  }
}
