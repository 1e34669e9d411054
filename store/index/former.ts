import type { End } from '../history/version.js'
import type { Index } from './open.js'

/**
 * What was overwritten or removed by hand: the disk has no copy any more, the index still has. Noted in the transaction that
 * takes it out of the index, written into the history afterwards.
 */
export interface Former {
  readonly id: number
  /** Below the home. */
  readonly path: string
  /** ms since 1970 */
  readonly at: number
  readonly end: End
  /** `undefined` for a collection. */
  readonly bytes: Buffer | undefined
  /** The collection that was lost with it, below the home; `undefined` when it went alone. */
  readonly tree: string | undefined
  /** Its dead properties as JSON, '' = none. */
  readonly properties: string
  /** mtime of the bytes, ms since 1970; 0 = unknown. */
  readonly modified: number
}

/** Notes the bytes that are served for a member, which is about to become another or to go. Call inside the transaction. */
export function noteFormer (index: Index, member: number, end: End, at: number): void {
  const { changes } = index.run(`
    INSERT INTO former (path, at, end, bytes, properties, modified)
    SELECT CASE WHEN c.path = '' THEN m.name ELSE c.path || '/' || m.name END, ?, ?, b.bytes, m.properties, m.modified
    FROM member m JOIN collection c ON c.id = m.collection JOIN body b ON b.member = m.id WHERE m.id = ?`, at, end, member)
  if (changes > 0) index.hasFormer = true
}

/** Notes a collection that is gone, and its members, whose bodies stay in the index until they are written. Call inside the transaction. */
export function noteLost (index: Index, collection: number, at: number): void {
  index.run(`
    INSERT INTO former (path, at, end, tree, properties) SELECT path, ?2, 'removed', path, properties FROM collection WHERE id = ?1`, collection, at)
  index.run(`
    INSERT INTO former (path, at, end, body, tree, properties, modified)
    SELECT c.path || '/' || m.name, ?2, 'removed', m.id, c.path, m.properties, m.modified
    FROM member m JOIN collection c ON c.id = m.collection JOIN body b ON b.member = m.id WHERE c.id = ?1`, collection, at)
  index.hasFormer = true
}

/** The oldest notes, those of one moment and tree together. @param most  at most so many */
export function formers (index: Index, most: number): Former[] {
  return index.all<{ id: number, path: string, at: number, end: End, own: Buffer | null, kept: Buffer | null, tree: string | null, properties: string, modified: number }>(`
    SELECT f.id, f.path, f.at, f.end, f.modified, f.bytes AS own, b.bytes AS kept, f.tree, f.properties FROM former f LEFT JOIN body b ON b.member = f.body ORDER BY f.id LIMIT ?`, most)
    .map(({ own, kept, tree, ...row }) => ({ ...row, bytes: own ?? kept ?? undefined, tree: tree ?? undefined }))
}

/** Forgets notes that are written, up to this one. */
export function dropFormers (index: Index, last: number): void {
  index.transaction(() => {
    index.run('DELETE FROM body WHERE member IN (SELECT body FROM former WHERE id <= ? AND body IS NOT NULL)', last)
    index.run('DELETE FROM former WHERE id <= ?', last)
  })
}
