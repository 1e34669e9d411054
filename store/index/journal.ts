import type { Index } from './open.js'

/** A name in a collection that changed or went since a revision. */
export interface Change { readonly name: string, readonly gone: boolean, readonly revision: number }

/** The revision of the home's latest change. */
export function revision (index: Index): number {
  return Number(index.get<{ value: number }>("SELECT value FROM meta WHERE key = 'revision'")?.value ?? 0)
}

/** The next revision; call inside the transaction of the change it numbers. */
export function nextRevision (index: Index): number {
  index.run("UPDATE meta SET value = value + 1 WHERE key = 'revision'")
  return revision(index)
}

/** Deletions up to this revision are forgotten: older sync tokens are void (RFC 6578 3.8). */
export function trimmed (index: Index): number {
  return Number(index.get<{ value: number }>("SELECT value FROM meta WHERE key = 'trimmed'")?.value ?? 0)
}

/** What changed in a collection after a revision, oldest first. @param most  at most so many */
export function changesSince (index: Index, collection: number, since: number, most: number): Change[] {
  return index.all<{ name: string, gone: number, revision: number }>(`
    SELECT name, 0 AS gone, revision FROM member WHERE collection = ?1 AND revision > ?2 AND etag <> ''
    UNION ALL SELECT name, 1 AS gone, revision FROM gone WHERE collection = ?1 AND revision > ?2
    ORDER BY revision, name LIMIT ?3`, collection, since, most)
    .map(row => ({ name: row.name, gone: row.gone === 1, revision: row.revision }))
}

const longestTail = 50_000

/** Forgets the oldest deletions when there are more than a bounded number. */
export function trim (index: Index): void {
  index.transaction(() => {
    const count = index.get<{ count: number }>('SELECT count(*) AS count FROM gone')?.count ?? 0
    if (count <= longestTail) return
    const edge = index.get<{ revision: number }>('SELECT revision FROM gone ORDER BY revision DESC LIMIT 1 OFFSET ?', longestTail)?.revision ?? 0
    index.run('DELETE FROM gone WHERE revision <= ?', edge)
    index.run("UPDATE meta SET value = ? WHERE key = 'trimmed'", edge)
  })
}
