import { DavError } from '../dav/error.js'
import { href, resolve } from '../dav/href.js'
import type { Directory } from '../directory/directory.js'
import { guidKey, recordTypes, type DirectoryRecord, type RecordType } from '../directory/record.js'
import type { Requester } from '../site/requester.js'
import type { Rules } from '../site/site.js'

/** What identifies a principal when ACEs are compared with who asks: the key of its guid; `KEY#read` and `KEY#write` are its proxies. */
export type PrincipalKey = string

/** The key of a record's principal, or of one half of its proxies. */
export function keyOf ({ guid }: DirectoryRecord, half?: 'read' | 'write'): PrincipalKey {
  return half === undefined ? guidKey(guid) : `${guidKey(guid)}#${half}`
}

/** A principal that somebody named. */
export interface Named { readonly record: DirectoryRecord, readonly half?: 'read' | 'write' | undefined }

const groups: readonly string[] = [...recordTypes, '__uids__']
const anywhere = /^https?:\/\/[^/?#]+/i

/**
 * The principal at an href in any of its forms: by name or guid, with or without slash at the end, as path or absolute URI
 * (of whatever host: ACLs outlive host names). undefined when it names none.
 */
export function principalAt (directory: Directory, href: string): Named | undefined {
  const path = segmentsOf(href)
  const [first, group, name, proxy, ...more] = path
  if (first !== 'principals' || group === undefined || name === undefined || !groups.includes(group) || more.length > 0) return undefined
  const record = group === '__uids__' ? directory.byGuid(name) : directory.byName(group as RecordType, name)
  if (record === undefined) return undefined
  if (proxy === undefined) return { record }
  const half = proxy === 'calendar-proxy-read' ? 'read' : proxy === 'calendar-proxy-write' ? 'write' : undefined
  return half === undefined ? undefined : { record, half }
}

function segmentsOf (href: string): readonly string[] {
  try {
    return resolve('/', href.trim().replace(anywhere, '') || '/', [])?.segments ?? []
  } catch (error) {
    if (error instanceof DavError) return []
    throw error
  }
}

/** The key of the principal at an href; undefined when it names none. */
export function principalKey (directory: Directory, href: string): PrincipalKey | undefined {
  const named = principalAt(directory, href)
  return named === undefined ? undefined : keyOf(named.record, named.half)
}

/** The href under which a principal is kept in ACLs: by guid, which stays when names change. */
export function namedHref ({ record, half }: Named): string {
  return href(['principals', '__uids__', record.guid, ...half === undefined ? [] : [`calendar-proxy-${half}`]], true)
}

interface Remembered { readonly version: number, readonly keys: ReadonlySet<PrincipalKey> }

const remembered = new WeakMap<DirectoryRecord, Remembered>()
const none: ReadonlySet<PrincipalKey> = new Set()

/** Every principal that somebody is: oneself, the groups around, and the proxies of those for whom these may act. */
export function keysOf ({ site: { directory }, record }: Requester): ReadonlySet<PrincipalKey> {
  return record === undefined ? none : keysOfRecord(directory, record)
}

function keysOfRecord (directory: Directory, record: DirectoryRecord): ReadonlySet<PrincipalKey> {
  const known = remembered.get(record)
  if (known?.version === directory.version) return known.keys
  const keys = new Set([record, ...directory.groupsOf(record)].map(each => keyOf(each)))
  for (const half of ['read', 'write'] as const) for (const other of directory.delegatorsOf(record, half)) keys.add(keyOf(other, half))
  remembered.set(record, { version: directory.version, keys })
  return keys
}

/** The principals that a list in the settings names: hrefs, or accounts like "users/alice" and "groups/staff"; "alice" is a user. */
export function principalsIn ({ directory }: Rules, list: readonly string[]): Named[] {
  return list.flatMap(entry => principalAt(directory, pathOf(entry)) ?? [])
}

/** The entries of such a list that name nobody. */
export function strangersIn ({ directory }: Rules, list: readonly string[]): string[] {
  return list.filter(entry => principalAt(directory, pathOf(entry)) === undefined)
}

function pathOf (entry: string): string {
  return entry.includes('://') || entry.startsWith('/') ? entry : `/principals/${entry.includes('/') ? entry : `users/${entry}`}`
}
