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
 * @param slack  by how many seconds that clock may jump: near a border of the window nothing is sure then, as hours are skipped or come twice
 */
export function overlapping (index: Index, collection: number, window: Window, floating: Window, slack = 0): Candidate[] {
  const found = new Map<number, boolean>()
  for (const [range, kind, around] of [[window, 0, 0], [floating, 1, slack]] as const) {
    const [start, end] = [clamp(range.start - around), clamp(range.end + around)]
    for (const [member, first, last] of index.rows(shortSpans, collection, end, start - longestSpan, start, start, kind)) {
      const sure = around === 0 || isWithin(first as number, last as number, start + 2 * around, end - 2 * around)
      if (sure || !found.has(member as number)) found.set(member as number, sure)
    }
    for (const [member, exact] of index.rows(wideSpans, collection, end, start, start, kind)) {
      const sure = exact === 1 && around === 0
      if (sure || !found.has(member as number)) found.set(member as number, sure)
    }
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
  SELECT member, start, end FROM span
  WHERE collection = ? AND start < ? AND start > ? AND (end > ? OR (end = start AND start = ?)) AND floating = ?`
const wideSpans = `
  SELECT member, exact FROM wide
  WHERE collection = ? AND start < ? AND (end > ? OR (end = start AND start = ?)) AND floating = ?`

function isWithin (first: number, last: number, start: number, end: number): boolean {
  return first < end && (last > start || (last === first && first >= start))
}

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
