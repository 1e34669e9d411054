import { createHash } from 'node:crypto'
import { copyLists, endLists, keepLife, keepList } from './access-list.js'
import { noteLost } from './former.js'
import { nextRevision } from './journal.js'
import type { Index } from './open.js'

/** A directory as the index knows it, there or gone. */
export interface CollectionRow {
  readonly id: number
  /** Below the home, '' = the home itself. */
  readonly path: string
  /** Hash of its dead properties. */
  readonly attributes: string
  /** They themselves as JSON, '' = none. */
  readonly properties: string
  /** Of the directory when it was last compared, as `markOf` has it. */
  readonly stamp: string
  /** When it was made, its properties changed, or it went. */
  readonly revision: number
  /** When a member last changed. */
  readonly changed: number
  /** When it was made. */
  readonly born: number
  readonly gone: number
}

/** A collection that appeared, changed or went. */
export interface CollectionChange { readonly id: number, readonly path: string, readonly gone: boolean, readonly revision: number, readonly born: number }

/** The number of a collection: of its path, so that it is the same in every index. */
export function idOf (path: string): number {
  return createHash('sha256').update(path).digest().readUIntBE(0, 6)
}

/** All collections that were ever met. */
export function collectionRows (index: Index): CollectionRow[] {
  return index.all<CollectionRow>('SELECT * FROM collection')
}

/** What is recorded of a directory. */
export interface CollectionFacts {
  readonly id: number
  readonly path: string
  readonly attributes: string
  readonly properties: string
  /** Its access control list, as `listIn` has it. */
  readonly list: string
}

/** Records a directory that is there. @returns whether a client can see a difference */
export function recordCollection (index: Index, row: CollectionRow | undefined, { id, path, attributes, properties, list }: CollectionFacts): boolean {
  if (row !== undefined && row.gone === 0 && row.attributes === attributes) return false
  const now = nextRevision(index)
  if (row === undefined) {
    index.run(`INSERT INTO collection (id, path, attributes, properties, revision, changed, born, members, bytes)
      SELECT ?1, ?2, ?3, ?5, ?4, ?4, ?4, count(*), coalesce(sum(size), 0) FROM member WHERE collection = ?1`, id, path, attributes, now, properties)
  } else {
    index.run('UPDATE collection SET attributes = ?, properties = ?, revision = ?, born = ?, gone = 0 WHERE id = ?', attributes, properties, now, row.gone === 1 ? now : row.born, id)
    if (row.gone === 1) keepLife(index, { collection: id, name: '' }, row.born, row.revision)
  }
  keepList(index, { collection: id, name: '' }, list, now)
  return true
}

/** Records that a directory is gone, with all that was in it. @param isKept  what was in it is kept elsewhere */
export function loseCollection (index: Index, id: number, isKept: boolean): void {
  const now = nextRevision(index)
  for (const table of ['span', 'wide']) index.run(`DELETE FROM ${table} WHERE collection = ?`, id)
  if (isKept) index.run('DELETE FROM body WHERE member IN (SELECT id FROM member WHERE collection = ?)', id)
  else noteLost(index, id, Date.now())
  index.run("INSERT OR REPLACE INTO gone (collection, name, revision, born) SELECT collection, name, ?, born FROM member WHERE collection = ? AND etag <> ''", now, id)
  index.run('DELETE FROM member WHERE collection = ?', id)
  index.run("UPDATE collection SET gone = 1, revision = ?, changed = ?, attributes = '', properties = '', stamp = '' WHERE id = ?", now, now, id)
  endLists(index, id, now)
}

/**
 * A directory got another name: what is known of its files goes with it, so that what was changed in them at once is noticed like any other
 * change. Call before `loseCollection`.
 * @returns `false` when something is known of files under the other name
 */
export function takeAlong (index: Index, from: number, to: number): boolean {
  if (index.get('SELECT 1 FROM member WHERE collection = ?', to) !== undefined) return false
  const now = nextRevision(index)
  const again = index.all<{ name: string, born: number, revision: number }>(`
    SELECT g.name, g.born, g.revision FROM member m JOIN gone g ON g.collection = ? AND g.name = m.name WHERE m.collection = ? AND m.etag <> ''`, to, from)
  for (const { name, born, revision } of again) {
    index.run('DELETE FROM gone WHERE collection = ? AND name = ?', to, name)
    keepLife(index, { collection: to, name }, born, revision)
  }
  index.run("INSERT OR REPLACE INTO gone (collection, name, revision, born) SELECT collection, name, ?, born FROM member WHERE collection = ? AND etag <> ''", now, from)
  for (const table of ['span', 'wide']) index.run(`UPDATE ${table} SET collection = ? WHERE collection = ?`, to, from)
  // nobody must see under the new name what was hidden under the old one
  copyLists(index, from, to, now)
  index.run('UPDATE member SET collection = ?, revision = ?, born = ? WHERE collection = ?', to, now, now, from)
  for (const id of [from, to]) {
    index.run(`UPDATE collection SET changed = ?1, members = (SELECT count(*) FROM member WHERE collection = ?2),
      bytes = (SELECT coalesce(sum(size), 0) FROM member WHERE collection = ?2) WHERE id = ?2`, now, id)
  }
  return true
}

/** Notes what a directory was like when it was compared, as `markOf` has it; '' = it is no matter. */
export function noteMark (index: Index, id: number, mark: string): void {
  index.run('UPDATE collection SET stamp = ? WHERE id = ?', mark, id)
}

/** When a collection was made, as far as it is there or is known to have been; Infinity when it was never met. */
export function bornAt (index: Index, id: number): number {
  return index.get<{ born: number }>('SELECT born FROM collection WHERE id = ?', id)?.born ?? Infinity
}

/** When a collection's properties or members last changed; 0 when it was never met. */
export function revisionOf (index: Index, id: number): number {
  return index.get<{ latest: number }>('SELECT max(revision, changed) AS latest FROM collection WHERE id = ?', id)?.latest ?? 0
}

/** When anything last changed in a collection or below it. */
export function revisionBelow (index: Index, path: string): number {
  // `0` comes after `/`
  return index.get<{ latest: number }>('SELECT max(max(revision, changed)) AS latest FROM collection WHERE path = ?1 OR (path > ?2 AND path < ?3)', path, `${path}/`, `${path}0`)?.latest ?? 0
}

/** The collections below one that appeared, changed or went after a revision, in that order; -1 = all that are known. */
export function collectionsSince (index: Index, path: string, since: number, deep: boolean): CollectionChange[] {
  const prefix = path === '' ? '' : `${path}/`
  return index.all<CollectionRow>('SELECT * FROM collection WHERE max(revision, changed) > ? ORDER BY max(revision, changed), path', since)
    .filter(row => row.path !== path && row.path.startsWith(prefix) && (deep || !row.path.slice(prefix.length).includes('/')))
    .map(row => ({ id: row.id, path: row.path, gone: row.gone === 1, revision: Math.max(row.revision, row.changed), born: row.born }))
}
