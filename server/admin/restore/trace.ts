import { readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { etagOf } from '../../../store/etag.js'
import { facts as statsOf, rename, temporary } from '../../../store/file.js'
import type { History } from '../../../store/history/history.js'
import { versionsBelow } from '../../../store/history/list.js'
import type { End, Version } from '../../../store/history/version.js'
import { otherSpelling } from '../../../store/name.js'
import { entries } from '../../../store/scan.js'
import { uidOf } from '../../ical/version.js'

/** What the history knows of a home. Read once; files are looked into only when somebody asks. */
export interface Trace {
  /** Whether the bytes are those of a former version. @param path  below the documents */
  readonly hasFormer: (path: string, bytes: Buffer) => boolean
  /** When a client or a command deleted a file of the backup; `undefined` when nobody did, or it was by hand. */
  readonly deletionOf: (path: string, file: { readonly uid: string, readonly etag: string, readonly modified: number }) => number | undefined
  /** What of a UID vanished by hand, when nothing came after; `undefined` when that is not the last that is known of it. */
  readonly lostOf: (uid: string) => { readonly at: number, readonly bytes: Buffer } | undefined
  /** The same as `deletionOf` for a directory. @param etags  of some of its files in the backup, by name */
  readonly deletionOfCollection: (path: string, modified: number, etags: ReadonlyMap<string, string>) => number | undefined
  /** Keeps bytes that nobody has replaced, but that lost against what is here. */
  readonly keep: (path: string, bytes: Buffer) => void
}

/** A state that came to an end. */
interface Ended { readonly at: number, readonly end: End, readonly file: string, readonly etag: () => string }

/** What was deleted by clients and commands is deleted on purpose; what vanished by hand may have been lost. */
const purposeful: ReadonlySet<End> = new Set<End>(['deleted', 'replaced'])

/** @param home  below the documents */
export function traceOf (history: History, home: string): Trace {
  const all = versionsBelow(history.directory, home)
  const byPath = new Map<string, Version[]>()
  for (const version of all) {
    const key = version.path.normalize('NFC')
    byPath.set(key, [...byPath.get(key) ?? [], version])
  }
  const of = (path: string): readonly Version[] => byPath.get(path.normalize('NFC')) ?? []
  let byUid: ReadonlyMap<string, Ended> | undefined
  return {
    hasFormer: (path, bytes) => of(path).some(version => isSame(version, bytes)),
    deletionOf: (path, { uid, etag, modified }) => {
      const latest = of(path).find(({ isCollection }) => !isCollection)
      const ended = latest === undefined ? undefined : endedOf(latest, latest.file)
      if (isDeletion(ended, etag, modified)) return ended.at
      if (uid === '') return undefined
      byUid ??= endsByUid(all)
      const other = byUid.get(uid)
      return isDeletion(other, etag, modified) ? other.at : undefined
    },
    lostOf: uid => {
      byUid ??= endsByUid(all)
      const ended = byUid.get(uid)
      return ended?.end === 'removed' ? { at: ended.at, bytes: readFileSync(ended.file) } : undefined
    },
    deletionOfCollection: (path, modified, etags) => {
      for (let above = path; above.length > home.length; above = dirname(above)) {
        const latest = of(above).find(({ isCollection }) => isCollection)
        if (latest === undefined || !purposeful.has(latest.end)) continue
        if (latest.at > modified || holdsSome(latest.file + path.slice(above.length), etags)) return latest.at
      }
      return undefined
    },
    keep: (path, bytes) => {
      if (of(path).some(version => isSame(version, bytes))) return
      history.make(path, 'replaced', Date.now(), place => {
        const prepared = temporary(dirname(place))
        writeFileSync(prepared, bytes, { flag: 'wx', mode: 0o600 })
        rename(prepared, place)
      })
    }
  }
}

function isSame ({ file, isCollection }: Version, bytes: Buffer): boolean {
  return !isCollection && statsOf(file)?.size === bytes.length && readFileSync(file).equals(bytes)
}

function endedOf ({ at, end }: Version, file: string): Ended {
  return { at, end, file, etag: () => statsOf(file)?.isFile() === true ? etagOf(readFileSync(file)) : '' }
}

// a copy may have got new times: then the bytes tell that it is what was deleted
function isDeletion (ended: Ended | undefined, etag: string, modified: number): ended is Ended {
  return ended !== undefined && ended.end === 'deleted' && (ended.at > modified || ended.etag() === etag)
}

function holdsSome (directory: string, etags: ReadonlyMap<string, string>): boolean {
  return entries(directory).some(({ name }) => {
    const etag = etags.get(name) ?? etags.get(otherSpelling(name) ?? '')
    return etag !== undefined && statsOf(`${directory}/${name}`)?.isFile() === true && etagOf(readFileSync(`${directory}/${name}`)) === etag
  })
}

/** How each UID was seen last among what is no longer anywhere, in deleted calendars too. */
function endsByUid (all: readonly Version[]): ReadonlyMap<string, Ended> {
  const found = new Map<string, Ended>()
  const see = (version: Version, file: string): void => {
    const uid = uidOf(readFileSync(file))
    // latest first
    if (uid !== undefined && !found.has(uid)) found.set(uid, { ...endedOf(version, file), ...version.isCollection && purposeful.has(version.end) ? { end: 'deleted' as const } : {} })
  }
  for (const version of all) {
    if (!version.isCollection) see(version, version.file)
    else for (const file of filesBelow(version.file)) see(version, file)
  }
  return found
}

function filesBelow (directory: string): string[] {
  return entries(directory).flatMap(entry => entry.name.startsWith('.') ? [] : entry.isDirectory() ? filesBelow(`${directory}/${entry.name}`) : entry.isFile() ? [`${directory}/${entry.name}`] : [])
}
