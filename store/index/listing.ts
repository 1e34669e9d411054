import type { Index } from './open.js'

/** A member that can be served. */
export interface Member {
  readonly id: number
  readonly name: string
  readonly etag: string
  readonly uid: string
  readonly component: string
  readonly size: number
  /** ms since 1970 */
  readonly modified: number
  readonly hasProperties: boolean
  /** When it last changed. */
  readonly revision: number
  readonly problem: string
}

interface Listing {
  readonly version: string
  readonly members: readonly Member[]
  byId?: ReadonlyMap<number, Member>
}

/** Listings by index and collection, latest used last: pollers ask for the same one again and again. */
const remembered = new Map<Index, Map<number, Listing>>()
/** Members in all remembered listings together; some 300 bytes each. */
const most = 60_000

/** The members of a collection that can be served, by name. */
export function listing (index: Index, collection: number): readonly Member[] {
  const version = index.version()
  const known = remembered.get(index)?.get(collection)
  if (known?.version === version) return known.members
  const members = index.rows(`SELECT ${columns} FROM member WHERE collection = ? AND etag <> '' ORDER BY name`, collection).map(asMember)
  remember(index, collection, { version, members })
  return members
}

const columns = 'id, name, etag, uid, component, size, modified, attributed, revision, problem'

/** Fewer are looked up one by one, when there is no listing that is still right. */
const few = 300

/** How members of a collection are found by their id. @param count  how many will be asked for */
export function membersById (index: Index, collection: number, count: number): (id: number) => Member | undefined {
  const known = remembered.get(index)?.get(collection)
  if (count < few && known?.version !== index.version()) {
    return id => {
      const [row] = index.rows(`SELECT ${columns} FROM member WHERE id = ? AND etag <> ''`, id)
      return row === undefined ? undefined : asMember(row)
    }
  }
  const members = listing(index, collection)
  const made = remembered.get(index)?.get(collection)
  const byId = made?.byId ?? new Map(members.map(member => [member.id, member]))
  if (made !== undefined) made.byId = byId
  return id => byId.get(id)
}

function asMember ([id, name, etag, uid, component, size, modified, attributed, revision, problem]: unknown[]): Member {
  return { id, name, etag, uid, component, size, modified, hasProperties: attributed === 1, revision, problem } as Member
}

function remember (index: Index, collection: number, made: Listing): void {
  const own = remembered.get(index) ?? new Map<number, Listing>()
  own.delete(collection)
  own.set(collection, made)
  remembered.delete(index)
  remembered.set(index, own)
  let count = [...remembered.values()].flatMap(one => [...one.values()]).reduce((sum, { members }) => sum + members.length, 0)
  for (const [other, listings] of remembered) {
    for (const [id, { members }] of listings) {
      if (count <= most) return
      listings.delete(id)
      count -= members.length
    }
    if (listings.size === 0) remembered.delete(other)
  }
}

/** Forgets the listings of an index that is closed. */
export function forgetListings (index: Index): void {
  remembered.delete(index)
}

/** The files of a collection that cannot be served as they are, by name, with the reason. */
export function problemsIn (index: Index, collection: number): { name: string, problem: string }[] {
  return index.all<{ name: string, problem: string }>("SELECT name, problem FROM member WHERE collection = ? AND problem <> '' ORDER BY name", collection)
}
