import { wrappedAcl } from '../../twistedcompat/acl.js'
import { revision } from './journal.js'
import type { Index } from './open.js'

/** The properties that say who may see what they are on. */
const deciding = ['{DAV:}acl', wrappedAcl]

/** Of a list that is in force. */
const still = Number.MAX_SAFE_INTEGER

/** What properties (name → XML) say about who may see a collection or file, as one text; '' = nothing. */
export function listIn (values: ReadonlyMap<string, string>): string {
  const kept = deciding.flatMap(name => values.has(name) ? [[name, values.get(name)]] : [])
  return kept.length === 0 ? '' : JSON.stringify(kept)
}

/** What `listIn` wrote, as properties again. */
export function propertiesOf (list: string): ReadonlyMap<string, string> {
  return new Map(list === '' ? [] : JSON.parse(list) as [string, string][])
}

/** Whose list it is: a member's, or with `name` '' that of the collection itself. */
export interface Listed { readonly collection: number, readonly name: string }

/**
 * Records the list that is in force from a revision on. Call inside the transaction of that revision.
 * @returns whether it is another one than before
 */
export function keepList (index: Index, { collection, name }: Listed, list: string, revision: number): boolean {
  const before = index.get<{ list: string }>('SELECT list FROM access WHERE collection = ? AND name = ? AND until = ?', collection, name, still)?.list ?? ''
  if (before === list) return false
  endList(index, { collection, name }, revision)
  turn(index, revision)
  if (list !== '') index.run('INSERT OR REPLACE INTO access (collection, name, since, until, list) VALUES (?, ?, ?, ?, ?)', collection, name, revision, still, list)
  return true
}

function turn (index: Index, revision: number): void {
  index.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('turned', ?)", revision)
}

/** Records that what had a list is gone since a revision, or has none any more. */
export function endList (index: Index, { collection, name }: Listed, revision: number): void {
  index.run('UPDATE access SET until = ? WHERE collection = ? AND name = ? AND until = ?', revision, collection, name, still)
}

/** Records that all in a collection, and the collection itself, is gone since a revision. */
export function endLists (index: Index, collection: number, revision: number): void {
  index.run('UPDATE access SET until = ? WHERE collection = ? AND until = ?', revision, collection, still)
}

/** The list, as properties, that something had when it went; empty when nothing is known of it. */
export function lastList (index: Index, { collection, name }: Listed): ReadonlyMap<string, string> {
  return propertiesOf(index.get<{ list: string }>(`
    SELECT a.list FROM access a JOIN gone g ON g.collection = a.collection AND g.name = a.name AND a.until = g.revision WHERE a.collection = ? AND a.name = ? AND a.list <> ''`, collection, name)?.list ?? '')
}

/** Records for the members of a collection, which were made at a revision, the lists that those of another have. Call inside the transaction of that revision. */
export function copyLists (index: Index, from: number, to: number, revision: number): void {
  const { changes } = index.run(`
    INSERT OR REPLACE INTO access (collection, name, since, until, list)
    SELECT ?2, name, ?3, until, list FROM access WHERE collection = ?1 AND until = ?4 AND name <> ''`, from, to, revision, still)
  if (changes > 0) turn(index, revision)
}

/** Records that something of this name was there from one revision up to another, before it was made again. */
export function keepLife (index: Index, { collection, name }: Listed, born: number, gone: number): void {
  const ended = index.get('SELECT 1 FROM access WHERE collection = ? AND name = ? AND until = ?', collection, name, gone)
  // what a list hid when it went may be seen now
  if (ended !== undefined) turn(index, revision(index))
  index.run("INSERT OR IGNORE INTO access (collection, name, since, until, list) VALUES (?, ?, ?, ?, '')", collection, name, born, gone)
}

/** The list that something had at a revision, '' = none; undefined when it was not there. @param born  since when it is, or was at last */
export function listAt (index: Index, { collection, name }: Listed, born: number, revision: number): string | undefined {
  const found = index.get<{ list: string }>("SELECT list FROM access WHERE collection = ?1 AND name = ?2 AND since <= ?3 AND until > ?3 ORDER BY list = '' LIMIT 1", collection, name, revision)
  return found?.list ?? (born <= revision ? '' : undefined)
}

/** The revisions after `since` at which the list of something came, changed or went, in order. */
export function listTurns (index: Index, { collection, name }: Listed, since: number): number[] {
  return index.all<{ turn: number }>(`
    SELECT since AS turn FROM access WHERE collection = ?1 AND name = ?2 AND since > ?3
    UNION SELECT until FROM access WHERE collection = ?1 AND name = ?2 AND until > ?3 AND until < ?4 ORDER BY turn`, collection, name, since, still).map(({ turn }) => turn)
}

/** The revision at which a list in the home last came, changed or went while what has it stayed. */
export function lastTurn (index: Index): number {
  return Number(index.get<{ value: number }>("SELECT value FROM meta WHERE key = 'turned'")?.value ?? 0)
}

const mostEnded = 10_000

/** Forgets the oldest lists that are no longer in force when there are more than a bounded number. @returns the revision up to which something is forgotten, undefined = nothing */
export function trimLists (index: Index): number | undefined {
  const edge = index.get<{ until: number }>('SELECT until FROM access WHERE until < ? ORDER BY until DESC LIMIT 1 OFFSET ?', still, mostEnded)?.until
  if (edge !== undefined) index.run('DELETE FROM access WHERE until <= ?', edge)
  return edge
}
