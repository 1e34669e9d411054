import { listing, membersById, type Member } from './listing.js'
import type { Index } from './open.js'
import { longestSpan } from './span.js'

/** A stretch of time asked for: seconds since 1970, start inclusive, end exclusive, infinities allowed. */
export interface Window { readonly start: number, readonly end: number }

/** A member that may match. `sure`: one of its instances overlaps the window for certain. */
export interface Candidate { readonly row: Member, readonly sure: boolean }

const farthest = 8_640_000_000_000

/**
 * The members of a collection that may have an instance in the window: never too few, by name.
 * @param floating  the same window on the wall clock of the query's time zone
 */
export function overlapping (index: Index, collection: number, window: Window, floating: Window): Candidate[] {
  const found = new Map<number, boolean>()
  for (const [range, kind] of [[window, 0], [floating, 1]] as const) {
    const start = clamp(range.start)
    const end = clamp(range.end)
    for (const [member] of index.rows(shortSpans, collection, end, start - longestSpan, start, start, kind)) found.set(member as number, true)
    for (const [member, exact] of index.rows(wideSpans, collection, end, start, start, kind)) if (exact === 1 || !found.has(member as number)) found.set(member as number, exact === 1)
  }
  const members = membersById(index, collection, found.size)
  const candidates: Candidate[] = []
  for (const [id, sure] of found) {
    const row = members(id)
    if (row !== undefined) candidates.push({ row, sure })
  }
  return candidates.sort((a, b) => a.row.name < b.row.name ? -1 : 1)
}

// RFC 4791 9.9: an instance without duration overlaps when its start is inside
const shortSpans = `
  SELECT DISTINCT member FROM span
  WHERE collection = ? AND start < ? AND start > ? AND (end > ? OR (end = start AND start = ?)) AND floating = ?`
const wideSpans = `
  SELECT member, exact FROM wide
  WHERE collection = ? AND start < ? AND (end > ? OR (end = start AND start = ?)) AND floating = ?`

function clamp (seconds: number): number {
  return Math.min(Math.max(seconds, -farthest), farthest)
}

/** All members of a component type, or of every type, by name. */
export function ofComponent (index: Index, collection: number, component: string | undefined): Candidate[] {
  const all = listing(index, collection)
  return (component === undefined ? all : all.filter(row => row.component === component)).map(row => ({ row, sure: false }))
}

/** A member of a collection with a UID, other than `except`; `undefined` when there is none. */
export function withUid (index: Index, collection: number, uid: string, except = ''): string | undefined {
  return index.get<{ name: string }>("SELECT name FROM member WHERE collection = ? AND uid = ? AND etag <> '' AND name <> ? LIMIT 1", collection, uid, except)?.name
}

/** The bytes that are served for a member. */
export function body (index: Index, member: number): Buffer | undefined {
  return index.get<{ bytes: Buffer }>('SELECT bytes FROM body WHERE member = ?', member)?.bytes
}
