import type { Stats } from 'node:fs'
import * as attribute from '../attribute.js'
import { codeOf, StoreError } from '../error.js'
import { etagOf, isRacy, stampOf } from '../etag.js'
import { facts as statsOf, read } from '../file.js'
import { fromJson, hashOf, hasProperties, jsonOf, properties, type Properties } from '../property.js'
import { heldWords, isHeld } from '../rollback.js'
import { endList, keepLife, keepList, lastList, listIn } from './access-list.js'
import type { Describe, Facts, Span } from './fact.js'
import { noteFormer } from './former.js'
import { holdMissing, missingStamp } from './held.js'
import { nextRevision } from './journal.js'
import { isRefused, type Index } from './open.js'
import { body, withUid } from './search.js'
import { longestSpan } from './span.js'

/** A member as the index knows it. Without `etag` it cannot be served; `problem` says why the file on disk is not what is served. */
export interface MemberRow {
  readonly id: number
  readonly name: string
  readonly stamp: string
  readonly checked: number
  readonly modified: number
  readonly size: number
  readonly etag: string
  readonly uid: string
  readonly component: string
  readonly problem: string
  readonly attributed: number
  /** Hash of its dead properties. */
  readonly attributes: string
  /** They themselves as JSON, '' = none. */
  readonly properties: string
  /** When it, its dead properties or its access control list last changed. */
  readonly revision: number
  /** When it was made. */
  readonly born: number
}

/** Where a member lies. `describe` is `undefined` in collections of plain files. */
export interface Place {
  readonly index: Index
  readonly collection: number
  readonly directory: string
  readonly describe: Describe | undefined
  /** What the index holds of a member that is overwritten or removed is kept elsewhere already. */
  readonly isKept?: boolean
  /** The directory went back to an older state: what is missing or older is held. */
  readonly isBack?: boolean
  /** A client has decided: what is there counts, however old. */
  readonly isMeant?: boolean
  /** Whether one body is an older state of another. */
  readonly isOlder?: ((one: Buffer, other: Buffer) => boolean) | undefined
  /** Whether a member had these bytes before. */
  readonly isFormer?: ((name: string, bytes: Buffer) => boolean) | undefined
}

/** A member's row; `undefined` when the index has none. */
export function memberRow (place: Pick<Place, 'index' | 'collection'>, name: string): MemberRow | undefined {
  return place.index.get<MemberRow>('SELECT * FROM member WHERE collection = ? AND name = ?', place.collection, name)
}

/** Whether the row still speaks of the file with these facts. */
export function isCurrent (row: MemberRow, stats: Stats): boolean {
  return row.stamp === stampOf(stats) && !isRacy(stats, row.checked)
}

/**
 * Brings one member up to date with the disk, whatever the file system's events said.
 * @returns whether anything changed that a client can see
 */
export function updateMember (place: Place, name: string): boolean {
  const row = memberRow(place, name)
  const stats = statsOf(`${place.directory}/${name}`)
  if (stats === undefined || !stats.isFile()) return row !== undefined && lose(place, row)
  if (row !== undefined && isCurrent(row, stats)) return false
  const checked = Date.now()
  if (stats.size > largestRead) return learnLarge(place, name, row, stats, checked)
  let file
  try {
    file = read(`${place.directory}/${name}`)
  } catch (error) {
    // one file that must not be read is no reason to serve none; it is tried again each time
    if (!isUnreadable(error)) throw error
    return markBroken(place, name, row, stats, 0, undefined, error.message)
  }
  if (file === undefined) return row !== undefined && lose(place, row)
  return learn(place, name, row, file.bytes, file.stats, checked)
}

// only a file that somebody has removed is a deletion
function lose (place: Place, row: MemberRow): boolean {
  if (row.stamp === missingStamp) return false
  if (place.isBack !== true || row.etag === '' || body(place.index, row.id) === undefined) return removeMember(place, row.name)
  place.index.transaction(() => {
    noteLastGood(place.index, row, 'removed')
    holdMissing(place.index, row.id)
  })
  return false
}

/** Whether an error of `read` is about this one file: its permissions, or a bad place on the disk. */
export function isUnreadable (error: unknown): error is Error {
  return (error instanceof StoreError && error.reason === 'read-only') || codeOf(error) === 'EIO'
}

/** Files larger than this are not read: the ETag of a plain file is made of its facts instead, and it is no object. */
const largestRead = 64 * 1024 * 1024

function learnLarge (place: Place, name: string, row: MemberRow | undefined, stats: Stats, checked: number): boolean {
  const values = valuesOf(place, name)
  if (place.describe !== undefined) return markBroken(place, name, row, stats, checked, values, `${stats.size} bytes are too large for an object`)
  const etag = etagOf(Buffer.from(stampOf(stats)))
  if (row?.etag === etag) return confirm(place, row, stats, checked, values)
  return record(place, name, { etag, stats, checked, values, facts: noFacts, bytes: undefined })
}

const nothing: Properties = new Map()

function valuesOf ({ directory }: Place, name: string): Properties {
  return hasProperties(directory, name) ? properties(directory, name) : nothing
}

// a hand that copies a file to where it was missing means no other list
function valuesOfHeld (place: Place, { name, properties: json }: MemberRow): Properties {
  const found = valuesOf(place, name)
  if (found.size > 0 || json === '') return found
  for (const [property, xml] of fromJson(json)) attribute.set(`${place.directory}/${name}`, property, xml)
  return valuesOf(place, name)
}

/** Records bytes that are on disk now. @returns whether a client can see a difference */
export function learn (place: Place, name: string, row: MemberRow | undefined, bytes: Buffer, stats: Stats, checked: number, known?: Facts): boolean {
  const etag = bytes.length > largestRead ? etagOf(Buffer.from(stampOf(stats))) : etagOf(bytes)
  if (row?.etag !== etag && place.describe !== undefined && isHeldBack(place, row, bytes, stats)) return markBroken(place, name, row, stats, checked, undefined, heldWords.older)
  const values = row !== undefined && isHeld(row.problem) ? valuesOfHeld(place, row) : valuesOf(place, name)
  if (row?.etag === etag) {
    if (row.stamp === '' && place.describe !== undefined) describeAgain(place, row, bytes, place.describe)
    return confirm(place, row, stats, checked, values)
  }
  if (place.describe === undefined) return record(place, name, { etag, stats, checked, values, facts: noFacts, bytes: undefined })
  let facts
  try {
    facts = known ?? place.describe(bytes, row !== undefined && row.etag !== '')
  } catch (error) {
    return markBroken(place, name, row, stats, checked, values, error instanceof Error ? error.message : String(error))
  }
  return record(place, name, { etag, stats, checked, values, facts, bytes })
}

// times of files tell only where the bodies do not: a copy may carry any
function isHeldBack ({ index, isBack, isMeant, isOlder, isFormer }: Place, row: MemberRow | undefined, bytes: Buffer, stats: Stats): boolean {
  if (row === undefined || row.etag === '' || isMeant === true) return false
  const wasHeld = row.problem === heldWords.older
  if (wasHeld && row.stamp === stampOf(stats)) return true
  if (!wasHeld && isBack !== true) return false
  const served = body(index, row.id)
  const isOld = stats.mtimeMs < row.modified && (served === undefined || isOlder?.(served, bytes) !== true)
  // as long as nobody has edited it since: a change of its owner or mode is no edit
  if (isBack !== true) return isOld
  return isOld || isFormer?.(row.name, bytes) === true || (served !== undefined && isOlder?.(bytes, served) === true)
}

/** What is known about time is worked out anew at the next comparison: the bytes are the same, but time zones have changed. */
export function doubtSpans (index: Index): void {
  index.run("UPDATE member SET stamp = '' WHERE component <> ''")
}

function describeAgain ({ index, collection }: Place, { id }: MemberRow, bytes: Buffer, describe: Describe): void {
  try {
    const { spans } = describe(bytes, false)
    index.transaction(() => {
      index.run('DELETE FROM span WHERE member = ?', id)
      index.run('DELETE FROM wide WHERE member = ?', id)
      for (const span of spans) recordSpan(index, collection, id, span)
    })
  } catch {
    // what was known stays: it was served until now
  }
}

function confirm (place: Place, row: MemberRow, stats: Stats, checked: number, values: Properties): boolean {
  if (hashOf(values) !== row.attributes) return recordProperties(place, row, stats, checked, values)
  try {
    place.index.run("UPDATE member SET stamp = ?, checked = ?, modified = ?, attributed = ?, problem = '' WHERE id = ?",
      stampOf(stats), checked, stats.mtimeMs, values.size > 0 ? 1 : 0, row.id)
  } catch (error) {
    // it only saves the next look: a full disk must not keep anybody from reading
    if (!isRefused(error)) throw error
  }
  return false
}

// the file is the same, but what a client can ask about it is not, or who may see it
function recordProperties (place: Place, row: MemberRow, stats: Stats, checked: number, values: Properties): boolean {
  place.index.transaction(() => {
    place.index.run("UPDATE member SET stamp = ?, checked = ?, modified = ?, attributed = ?, problem = '' WHERE id = ?", stampOf(stats), checked, stats.mtimeMs, values.size > 0 ? 1 : 0, row.id)
    keepProperties(place, row, values)
  })
  return true
}

function keepProperties ({ index, collection }: Place, row: MemberRow, values: Properties): void {
  if (hashOf(values) === row.attributes) return
  const revision = nextRevision(index)
  index.run('UPDATE member SET attributes = ?, properties = ?, revision = ? WHERE id = ?', hashOf(values), jsonOf(values), revision, row.id)
  index.run('UPDATE collection SET changed = ? WHERE id = ?', revision, collection)
  keepList(index, { collection, name: row.name }, listIn(values), revision)
}

const noFacts: Facts = { uid: '', component: '', spans: [] }

// a file that stops parsing is served as it last was; one that never did is not served, and neither is a deletion
function markBroken (place: Place, name: string, row: MemberRow | undefined, stats: Stats, checked: number, values: Properties | undefined, problem: string): boolean {
  const attributed = values === undefined ? row?.attributed ?? 0 : values.size > 0 ? 1 : 0
  if (row === undefined) {
    place.index.run(`INSERT INTO member (collection, name, stamp, checked, modified, size, etag, uid, component, problem, attributed, revision)
      VALUES (?, ?, ?, ?, ?, ?, '', '', '', ?, ?, 0)`, place.collection, name, stampOf(stats), checked, stats.mtimeMs, stats.size, problem, attributed)
  } else {
    place.index.transaction(() => {
      noteLastGood(place.index, row, 'edited')
      place.index.run('UPDATE member SET stamp = ?, checked = ?, problem = ?, attributed = ? WHERE id = ?', stampOf(stats), checked, problem, attributed, row.id)
      if (values !== undefined) keepProperties(place, row, values)
    })
  }
  return values !== undefined && row !== undefined && row.etag !== '' && hashOf(values) !== row.attributes
}

// what is served from the index alone is in the history from then on: the index may be deleted, and the directory moved away
function noteLastGood (index: Index, { id, etag, problem }: MemberRow, end: 'edited' | 'removed'): void {
  if (problem === '' && etag !== '') noteFormer(index, id, end, Date.now())
}

interface News {
  readonly etag: string
  readonly stats: Pick<Stats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>
  readonly checked: number
  readonly values: Properties
  readonly facts: Facts
  readonly bytes: Buffer | undefined
}

/**
 * Holds a former body of a member: it is served as it was, although the disk has nothing by that name or an older state of it.
 * @param former  a former version: its bytes, its mtime in ms since 1970, its dead properties
 * @returns `false` when it is held already, its event is under another name now, or what is there is not older
 */
export function holdFormer (place: Place, name: string, { bytes, modified, values }: FormerVersion): boolean {
  const { index, collection, directory, describe } = place
  const row = memberRow(place, name)
  const stats = statsOf(`${directory}/${name}`)
  if (describe === undefined || (row !== undefined && row.problem !== '') || (row === undefined) !== (stats === undefined)) return false
  if (row !== undefined && !isOvertaken(place, row, bytes, modified)) return false
  try {
    const facts = describe(bytes, true)
    if (withUid(index, collection, facts.uid, name) !== undefined) return false
    index.transaction(() => {
      // where a version is kept may be no room for its list
      const kept = row === undefined ? new Map([...lastList(index, { collection, name }), ...values]) : values.size > 0 ? values : fromJson(row.properties)
      const known = { ino: 0, size: bytes.length, mtimeMs: modified, ctimeMs: 0 }
      record(place, name, { etag: etagOf(bytes), stats: known, checked: Date.now(), values: kept, facts, bytes })
      const id = memberRow(place, name)?.id ?? 0
      if (stats === undefined) holdMissing(index, id)
      else index.run('UPDATE member SET stamp = ?, problem = ? WHERE id = ?', stampOf(stats), heldWords.older, id)
    })
    return true
  } catch {
    // what was no event is none now
    return false
  }
}

/** A version that was served once. */
export interface FormerVersion { readonly bytes: Buffer, readonly modified: number, readonly values: Properties }

// times of files tell only where the bodies do not
function isOvertaken ({ index, isOlder }: Place, row: MemberRow, bytes: Buffer, modified: number): boolean {
  const served = body(index, row.id) ?? bytes
  return isOlder?.(served, bytes) === true || (row.modified < modified && isOlder?.(bytes, served) !== true)
}

function record (place: Place, name: string, { etag, stats, checked, values, facts, bytes }: News): boolean {
  const { index, collection } = place
  index.transaction(() => {
    const revision = nextRevision(index)
    const before = index.get<{ revision: number, born: number }>('SELECT revision, born FROM gone WHERE collection = ? AND name = ?', collection, name)
    if (place.isKept !== true) noteFormerOf(place, name, etag)
    const id = index.get<{ id: number }>(`
      INSERT INTO member (collection, name, stamp, checked, modified, size, etag, uid, component, problem, attributed, attributes, properties, revision, born)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', ?10, ?11, ?14, ?12, ?13)
      ON CONFLICT (collection, name) DO UPDATE SET stamp = ?3, checked = ?4, modified = ?5, size = ?6, etag = ?7, uid = ?8,
        component = ?9, problem = '', attributed = ?10, attributes = ?11, properties = ?14, revision = ?12, born = CASE WHEN born = 0 THEN ?13 ELSE born END RETURNING id`,
    collection, name, stampOf(stats), checked, stats.mtimeMs, bytes?.length ?? stats.size, etag, facts.uid, facts.component,
    values.size > 0 ? 1 : 0, hashOf(values), revision, revision, jsonOf(values))?.id ?? 0
    if (before !== undefined) {
      index.run('DELETE FROM gone WHERE collection = ? AND name = ?', collection, name)
      keepLife(index, { collection, name }, before.born, before.revision)
    }
    keepList(index, { collection, name }, listIn(values), revision)
    index.run('UPDATE collection SET changed = ? WHERE id = ?', revision, collection)
    forgetContent(index, id)
    if (bytes === undefined) return
    index.run('INSERT INTO body (member, bytes) VALUES (?, ?)', id, bytes)
    for (const span of facts.spans) recordSpan(index, collection, id, span)
  })
  return true
}

// another process may have been quicker to learn the same bytes
function noteFormerOf ({ index, collection }: Place, name: string, etag: string): void {
  const row = memberRow({ index, collection }, name)
  if (row !== undefined && row.etag !== etag) noteLastGood(index, row, 'edited')
}

function forgetContent (index: Index, member: number): void {
  index.run('DELETE FROM span WHERE member = ?', member)
  index.run('DELETE FROM wide WHERE member = ?', member)
  index.run('DELETE FROM body WHERE member = ?', member)
}

function recordSpan (index: Index, collection: number, member: number, { start, end, floating, exact }: Span): void {
  if (exact && end - start < longestSpan) {
    index.run('INSERT INTO span (collection, start, end, member, floating) VALUES (?, ?, ?, ?, ?)', collection, start, end, member, floating ? 1 : 0)
  } else {
    index.run('INSERT INTO wide (collection, start, end, member, floating, exact) VALUES (?, ?, ?, ?, ?, ?)',
      collection, start, end, member, floating ? 1 : 0, exact ? 1 : 0)
  }
}

/** Forgets files that were read as objects and are plain ones now, or the other way round: they are read again. */
export function forgetOthers (index: Index, collection: number, holdsObjects: boolean): void {
  const others = index.all<{ name: string }>(`
    SELECT name FROM member WHERE collection = ? AND (etag = '' OR component <> '') <> ?`, collection, holdsObjects ? 1 : 0)
  for (const { name } of others) removeMember({ index, collection, isKept: true }, name)
}

/** Records that a member's file is gone. @returns whether a client can see a difference */
export function removeMember (place: Pick<Place, 'index' | 'collection' | 'isKept'>, name: string): boolean {
  const { index, collection } = place
  return index.transaction(() => {
    const row = memberRow(place, name)
    if (row === undefined) return false
    if (place.isKept !== true) noteLastGood(index, row, 'removed')
    forgetContent(index, row.id)
    index.run('DELETE FROM member WHERE id = ?', row.id)
    if (row.etag === '') return false
    const revision = nextRevision(index)
    index.run('INSERT OR REPLACE INTO gone (collection, name, revision, born) VALUES (?, ?, ?, ?)', collection, name, revision, row.born)
    endList(index, { collection, name }, revision)
    index.run('UPDATE collection SET changed = ? WHERE id = ?', revision, collection)
    return true
  })
}
