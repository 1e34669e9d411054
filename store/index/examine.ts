import { collectionRows, type CollectionRow } from './collection.js'
import type { Index } from './open.js'
import { body } from './search.js'
import { memberRow, updateMember, type MemberRow, type Place } from './update.js'

/** A file that is not served as it is. */
export interface Trouble {
  /** Below the home. */
  readonly path: string
  readonly problem: string
  /** A former version is served instead. */
  readonly isServed: boolean
}

/** What an index says of a home. */
export interface Totals {
  readonly collections: readonly CollectionRow[]
  /** Files by component: `VEVENT`…; '' = plain ones, and those that cannot be read. */
  readonly components: ReadonlyMap<string, number>
  readonly files: number
  readonly bytes: number
  /** Where the home's file system was mounted; '' = unknown. */
  readonly mount: string
}

/** Every file that is not served as it is, by path. */
export function troubles (index: Index): Trouble[] {
  return index.all<{ path: string, name: string, problem: string, etag: string }>(`
    SELECT c.path, m.name, m.problem, m.etag FROM member m JOIN collection c ON c.id = m.collection WHERE m.problem <> '' AND c.gone = 0 ORDER BY c.path, m.name`)
    .map(({ path, name, problem, etag }) => ({ path: path === '' ? name : `${path}/${name}`, problem, isServed: etag !== '' }))
}

/** How much there is in a home. */
export function totals (index: Index): Totals {
  const rows = index.all<{ component: string, count: number }>('SELECT component, count(*) AS count FROM member GROUP BY component')
  const collections = collectionRows(index).filter(({ gone }) => gone === 0)
  const sums = index.get<{ files: number, bytes: number }>('SELECT coalesce(sum(members), 0) AS files, coalesce(sum(bytes), 0) AS bytes FROM collection WHERE gone = 0')
  const mount = String(index.get<{ value: string }>("SELECT value FROM meta WHERE key = 'mount'")?.value ?? '')
  return { files: 0, bytes: 0, ...sums, mount, collections, components: new Map(rows.map(({ component, count }) => [component, count])) }
}

/** What a collection's row counts, and what there is. */
export interface Miscount { readonly path: string, readonly members: number, readonly counted: number }

/** The collections whose numbers of files or bytes are not those of their rows. */
export function miscounts (index: Index): Miscount[] {
  return index.all<Miscount>(`
    SELECT c.path, c.members, count(m.id) AS counted FROM collection c LEFT JOIN member m ON m.collection = c.id
    GROUP BY c.id HAVING c.members <> count(m.id) OR c.bytes <> coalesce(sum(m.size), 0)`)
}

/** Counts the files and bytes of a collection again. */
export function recount (index: Index, id: number): void {
  index.run('UPDATE collection SET members = (SELECT count(*) FROM member WHERE collection = ?1), bytes = (SELECT coalesce(sum(size), 0) FROM member WHERE collection = ?1) WHERE id = ?1', id)
}

/** What SQLite finds wrong with the index file itself; `undefined` when it is sound. Reads all of it. */
export function unsound (index: Index): string | undefined {
  const found = String(index.rows('PRAGMA quick_check(1)')[0]?.[0])
  return found === 'ok' ? undefined : found
}

/** The names that the index has in a collection. */
export function namesOf (index: Index, collection: number): string[] {
  return index.rows('SELECT name FROM member WHERE collection = ?', collection).map(([name]) => String(name))
}

/** Whether the bytes that would be served for a member are these; plain files have none in the index. */
export function hasBody (index: Index, { id, component }: MemberRow, bytes: Buffer): boolean {
  return component === '' || body(index, id)?.equals(bytes) === true
}

/**
 * Reads a file again whatever its row says: what the row held goes to the history like a version that was edited by hand. One
 * transaction, so that nothing is lost when it is broken off.
 */
export function readAgain (place: Place, name: string): void {
  place.index.transaction(() => {
    const row = memberRow(place, name)
    // an ETag that no file can have
    if (row !== undefined && row.etag !== '') place.index.run("UPDATE member SET stamp = '', etag = '?' WHERE id = ?", row.id)
    updateMember(place, name)
    // what is there now cannot be served: what was is served on
    if (row !== undefined) place.index.run("UPDATE member SET etag = ? WHERE id = ? AND etag = '?'", row.etag, row.id)
  })
}
