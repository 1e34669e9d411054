import type { Index } from './open.js'
import { longestSpan } from './span.js'
import type { MemberRow } from './update.js'

/** A stretch of time asked for: seconds since 1970, start inclusive, end exclusive, infinities allowed. */
export interface Window { readonly start: number, readonly end: number }

/** A member that may match. `sure`: one of its instances overlaps the window for certain. */
export interface Candidate { readonly row: MemberRow, readonly sure: boolean }

const farthest = 8_640_000_000_000

type Row = MemberRow & { readonly exact: number }

/**
 * The members of a collection that may have an instance in the window: never too few, by name.
 * @param floating  the same window on the wall clock of the query's time zone
 */
export function overlapping (index: Index, collection: number, window: Window, floating: Window): Candidate[] {
  const found = new Map<number, Candidate>()
  for (const [range, kind] of [[window, 0], [floating, 1]] as const) {
    const start = clamp(range.start)
    const end = clamp(range.end)
    for (const row of index.all<Row>(shortSpans, collection, end, start, start - longestSpan, kind)) add(found, row)
    for (const row of index.all<Row>(wideSpans, collection, end, start, kind)) add(found, row)
  }
  return [...found.values()].sort((a, b) => a.row.name < b.row.name ? -1 : 1)
}

// RFC 4791 9.9: an instance without duration overlaps when its start is inside
const shortSpans = `
  SELECT DISTINCT member.*, 1 AS exact FROM span JOIN member ON member.id = span.member
  WHERE span.collection = ?1 AND start < ?2 AND start > ?4 AND (end > ?3 OR (end = start AND start = ?3)) AND floating = ?5 AND etag <> ''`
const wideSpans = `
  SELECT member.*, exact FROM wide JOIN member ON member.id = wide.member
  WHERE wide.collection = ?1 AND start < ?2 AND (end > ?3 OR (end = start AND start = ?3)) AND floating = ?4 AND etag <> ''`

function add (found: Map<number, Candidate>, row: Row): void {
  const known = found.get(row.id)
  if (known?.sure !== true) found.set(row.id, { row, sure: row.exact === 1 })
}

function clamp (seconds: number): number {
  return Math.min(Math.max(seconds, -farthest), farthest)
}

/** All members of a component type, or of every type. */
export function ofComponent (index: Index, collection: number, component: string | undefined): Candidate[] {
  const rows = component === undefined
    ? index.all<MemberRow>("SELECT * FROM member WHERE collection = ? AND etag <> '' ORDER BY name", collection)
    : index.all<MemberRow>("SELECT * FROM member WHERE collection = ? AND component = ? AND etag <> '' ORDER BY name", collection, component)
  return rows.map(row => ({ row, sure: false }))
}

/** A member of a collection with a UID, other than `except`; `undefined` when there is none. */
export function withUid (index: Index, collection: number, uid: string, except = ''): string | undefined {
  return index.get<{ name: string }>("SELECT name FROM member WHERE collection = ? AND uid = ? AND etag <> '' AND name <> ? LIMIT 1", collection, uid, except)?.name
}

/** The bytes that are served for a member. */
export function body (index: Index, member: number): Buffer | undefined {
  return index.get<{ bytes: Buffer }>('SELECT bytes FROM body WHERE member = ?', member)?.bytes
}
