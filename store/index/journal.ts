import { trimLists } from './access-list.js'
import type { Member } from './listing.js'
import { newEpoch, type Index } from './open.js'

/** A name in a collection that changed or went since a revision. */
export interface Change { readonly name: string, readonly gone: boolean, readonly revision: number }

/** The revision of the home's latest change. */
export function revision (index: Index): number {
  return Number(index.get<{ value: number }>("SELECT value FROM meta WHERE key = 'revision'")?.value ?? 0)
}

/** The next revision; call inside the transaction of the change it numbers. */
export function nextRevision (index: Index): number {
  index.run("UPDATE meta SET value = value + 1 WHERE key = 'revision'")
  const now = revision(index)
  if (index.isNewRun) {
    index.run('INSERT OR REPLACE INTO run (since, id) VALUES (?, ?)', now, newEpoch(6))
    index.isNewRun = false
  }
  return now
}

/** Deletions up to this revision are forgotten somewhere in the home: older sync tokens may be void (RFC 6578 3.2). */
export function trimmed (index: Index): number {
  return kept(index, 'trimmed')
}

/** Deletions in this collection up to this revision are forgotten. */
export function trimmedIn (index: Index, collection: number): number {
  return kept(index, `trimmed/${collection}`)
}

/** Former access control lists up to this revision are forgotten. */
export function trimmedLists (index: Index): number {
  return kept(index, 'trimmed-lists')
}

function kept (index: Index, key: string): number {
  return Number(index.get<{ value: number }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? 0)
}

function keep (index: Index, key: string, value: number): void {
  index.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value)
}

/** What changed in a collection after a revision, oldest first. @param most  at most so many */
export function changesSince (index: Index, collection: number, since: number, most: number): Change[] {
  return index.all<{ name: string, gone: number, revision: number }>(`
    SELECT name, 0 AS gone, revision FROM member WHERE collection = ?1 AND revision > ?2 AND etag <> ''
    UNION ALL SELECT name, 1 AS gone, revision FROM gone WHERE collection = ?1 AND revision > ?2
    ORDER BY revision, name LIMIT ?3`, collection, since, most)
    .map(row => ({ name: row.name, gone: row.gone === 1, revision: row.revision }))
}

/** A member that changed or went, with what the index knows of it. */
export interface MemberChange extends Change {
  /** When it was made. */
  readonly born: number
  /** `undefined` when it is gone. */
  readonly member: Member | undefined
}

/** Where the reading of changes has come to: what has this revision and a name up to this one has been read. */
export interface Mark { readonly revision: number, readonly name: string }

/**
 * Changes in a collection after a mark, oldest first, those of one revision by name.
 * @param losses  only deletions after this revision; Infinity = none
 * @param most    at most so many: some thousand take a handful of milliseconds
 */
export function changesAfter (index: Index, collection: number, { revision, name }: Mark, losses: number, most: number): MemberChange[] {
  return index.all<Row>(`
    SELECT ${memberColumns}, born, 0 AS gone FROM member WHERE collection = ?1 AND revision >= ?2 AND (revision > ?2 OR name > ?3) AND etag <> ''
    UNION ALL SELECT 0, name, '', '', '', 0, 0, 0, revision, '', born, 1 FROM gone WHERE collection = ?1 AND revision >= ?2 AND (revision > ?2 OR name > ?3) AND revision > ?4
    ORDER BY revision, name LIMIT ?5`, collection, revision, name, Math.min(losses, Number.MAX_SAFE_INTEGER), most)
    .map(row => ({ name: row.name, gone: row.gone === 1, revision: row.revision, born: row.born, member: row.gone === 1 ? undefined : { ...row, hasProperties: row.attributed === 1 } }))
}

const memberColumns = 'id, name, etag, uid, component, size, modified, attributed, revision, problem'

interface Row extends Omit<Member, 'hasProperties'> { readonly attributed: number, readonly born: number, readonly gone: number }

const longestTail = 50_000

/** Forgets the oldest deletions and former access control lists when there are more than a bounded number. */
export function trim (index: Index): void {
  index.transaction(() => {
    const edge = trimLists(index)
    if (edge !== undefined) keep(index, 'trimmed-lists', edge)
    const count = index.get<{ count: number }>('SELECT count(*) AS count FROM gone')?.count ?? 0
    if (count > longestTail) trimDeletions(index)
  })
}

function trimDeletions (index: Index): void {
  const edge = index.get<{ revision: number }>('SELECT revision FROM gone ORDER BY revision DESC LIMIT 1 OFFSET ?', longestTail)?.revision ?? 0
  const lost = index.all<{ collection: number, revision: number }>('SELECT collection, max(revision) AS revision FROM gone WHERE revision <= ? GROUP BY collection', edge)
  for (const { collection, revision } of lost) keep(index, `trimmed/${collection}`, revision)
  index.run('DELETE FROM gone WHERE revision <= ?', edge)
  keep(index, 'trimmed', edge)
}
