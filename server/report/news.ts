import { createHash } from 'node:crypto'
import type { CollectionChange } from '../../store/index/collection.js'
import { changesAfter, type MemberChange } from '../../store/index/journal.js'
import { allowed } from '../acl/check.js'
import { href } from '../dav/href.js'
import type { SyncState } from '../dav/sync-token.js'
import type { Requester } from '../site/requester.js'
import { hrefOf, kindOf, members, type Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { dav } from '../xml/name.js'
import { Sight, type Standing } from './sight.js'

/** One thing to be told: there, or gone (RFC 6578 3.5). */
export interface News {
  /** When it became news for who asks. */
  readonly revision: number
  readonly href: string
  /** `undefined` = gone. */
  readonly resource: Resource | undefined
}

/** What is asked for. */
export interface Question {
  readonly site: Site
  readonly user: Requester
  readonly target: Resource
  /** All levels, not the first alone (RFC 6578 3.3). */
  readonly deep: boolean
  /** Where the last answer ended; `undefined` = from the start. */
  readonly from: SyncState | undefined
  /** So many are wanted; Infinity = all. */
  readonly most: number
}

/** The first so many news, in the order in which they came. `rest`: where the next answer goes on, when there are more. */
export interface Bulletin { readonly news: readonly News[], readonly rest: Pick<SyncState, 'revision' | 'cut'> | undefined }

/**
 * What changed in a collection, as far as who asks may know of it. Compare the collections with the disk before.
 * @throws DavError valid-sync-token when that cannot be told any more
 */
export async function bulletin (question: Question): Promise<Bulletin> {
  const { target: { home }, from, most } = question
  const begun = from === undefined ? home?.total().revision : from.cut?.begun
  const all = [...(await new Gathering(question).run()).values()].sort(byRevision)
  const told = all.slice(0, most)
  const last = told.at(-1)
  const next = all[told.length]
  if (last === undefined || next === undefined) return { news: withoutBuried(told), rest: undefined }
  // what has one revision may be cut too
  const key = next.revision === last.revision ? { key: keyOf(last) } : {}
  return { news: withoutBuried(told), rest: { revision: last.revision, cut: { ...key, ...begun === undefined || begun <= last.revision ? {} : { begun } } } }
}

// RFC 6578 3.5.2: what is lost with the collection around it is not told; but what was lost before, when the answer is cut in between
function withoutBuried (told: readonly News[]): readonly News[] {
  const lost = told.filter(({ href, resource }) => resource === undefined && href.endsWith('/'))
  return lost.length === 0 ? told : told.filter(({ href, resource }) => resource !== undefined || !lost.some(around => href !== around.href && href.startsWith(around.href)))
}

// those of one revision in an order that does not change while others are added
function byRevision (a: News, b: News): number {
  return a.revision - b.revision || (keyOf(a) < keyOf(b) ? -1 : 1)
}

const keys = new WeakMap<News, string>()

function keyOf (news: News): string {
  let key = keys.get(news)
  // without the slash: a file may have become a collection
  if (key === undefined) keys.set(news, key = createHash('sha256').update(news.href.replace(/\/$/, '')).digest('hex').slice(0, 12))
  return key
}

/** So many rows of the index are read at once: some milliseconds. */
const chunk = 2000

/** Others get their turn after so many ms. */
const slice = 15

class Gathering {
  readonly #question: Question
  readonly #since: number
  /** What went before is of no interest: it was never told. */
  readonly #begun: number
  readonly #sight: Sight
  readonly #found = new Map<string, News>()
  #until = performance.now() + slice

  constructor (question: Question) {
    const { user, target, from } = question
    this.#question = question
    this.#since = from === undefined ? 0 : from.cut?.key === undefined ? from.revision : from.revision - 1
    this.#begun = from?.cut?.begun ?? 0
    this.#sight = new Sight(user, target, from === undefined ? Infinity : Math.max(this.#since, this.#begun))
  }

  async run (): Promise<ReadonlyMap<string, News>> {
    const { target } = this.#question
    await this.#members(target, false, 0)
    if (target.collection?.holdsObjects === false) await this.#collections()
    return this.#found
  }

  #add (revision: number, href: string, resource: Resource | undefined): void {
    const { from } = this.#question
    const news = { revision, href, resource }
    if (from?.cut?.key !== undefined && (revision < from.revision || (revision === from.revision && keyOf(news) <= from.cut.key))) return
    // what moves on while the index is read is told once, and so is a collection where there was a file
    const key = href.replace(/\/$/, '')
    if ((this.#found.get(key)?.revision ?? 0) <= revision) this.#found.set(key, news)
  }

  async #rest (): Promise<void> {
    if (performance.now() < this.#until) return
    await new Promise(resolve => setImmediate(resolve))
    this.#until = performance.now() + slice
  }

  async #collections (): Promise<void> {
    const { target: { home, collection }, deep } = this.#question
    if (home === undefined || collection === undefined) return
    // the list of a collection may count for others below that did not change themselves
    const rows = home.collectionsSince(collection.path, this.#sight.isSteady ? this.#since : -1, deep)
    const gone = rows.some(row => row.gone) ? home.collectionsSince(collection.path, -1, deep).filter(row => row.gone && row.revision <= this.#since).map(({ path }) => `${path}/`) : []
    for (const row of rows) {
      if (gone.some(path => row.path.startsWith(path))) continue
      await this.#collection(row)
      await this.#rest()
    }
  }

  async #collection (row: CollectionChange): Promise<void> {
    const { target, deep, from } = this.#question
    const { home, segments, collection } = target
    const below = row.gone ? undefined : home?.collection(row.path)
    const at = [...segments, ...row.path.slice(collection?.path === '' ? 0 : (collection?.path.length ?? 0) + 1).split('/')]
    const there: Resource | undefined = below === undefined ? undefined : { ...target, kind: kindOf(below), segments: at, collection: below }
    const standing = this.#sight.collection(row)
    if (there === undefined || !standing.now) {
      if (from === undefined) return
      const lost = this.#addLoss(row, standing, href(at, true))
      if (lost !== undefined && deep && this.#question.most < Infinity) this.#earlierLosses({ ...target, segments: at }, row, lost)
      return
    }
    const isGranted = standing.existed && !standing.then
    const revision = isGranted ? Math.max(row.revision, standing.turn) : row.revision
    if (revision <= this.#since) return
    this.#add(revision, hrefOf(there), there)
    if (deep) await this.#members(there, isGranted, standing.turn)
  }

  #addLoss ({ gone, revision }: { readonly gone: boolean, readonly revision: number }, { now, turn, existed, ever }: Standing, href: string): number | undefined {
    // what was made and went since is told to whoever could see it to the end
    if (existed ? !ever : !now || !gone) return undefined
    const lost = now ? revision : turn
    if (lost <= this.#since || lost <= this.#begun) return undefined
    this.#add(lost, href, undefined)
    return lost
  }

  // what went from a collection before it was lost itself: the answer may be cut in between
  #earlierLosses (around: Resource, { id, path }: CollectionChange, lost: number): void {
    const { home, segments } = around
    if (home === undefined) return
    const holder: Resource = { ...around, collection: { id, path, directory: `${home.directory}/${path}`, resourcetype: undefined, holdsObjects: true } }
    for (const change of changesAfter(home.index, id, { revision: this.#since + 1, name: '' }, Math.max(this.#since, this.#begun), chunk)) {
      if (change.gone && change.revision < lost) this.#addLoss(change, this.#sight.member(holder, change), href([...segments, change.name], false))
    }
  }

  /** @param isGranted  all of it is news, since the revision `turn` */
  async #members (holder: Resource, isGranted: boolean, turn: number): Promise<void> {
    const { site, user, from, most } = this.#question
    const { home, collection } = holder
    if (home === undefined || collection === undefined) return
    if (from === undefined && most === Infinity) {
      for (const resource of await members(site, holder)) {
        if (resource.member !== undefined && (this.#sight.isWhole || allowed(user, resource, dav('read')))) this.#add(resource.member.revision, hrefOf(resource), resource)
        await this.#rest()
      }
      return
    }
    const first = this.#found.size
    const canStop = !isGranted && this.#sight.isSteady
    // an answer that was cut may have told of what is gone from a collection that could not be seen for a while
    const losses = from === undefined || (isGranted && from.cut === undefined) ? Infinity : Math.max(this.#since, this.#begun)
    for (let mark = { revision: isGranted ? 0 : this.#since + 1, name: '' }; ;) {
      const changes = changesAfter(home.index, collection.id, mark, losses, chunk)
      for (const change of changes) {
        if (canStop && this.#found.size - first > most && change.revision > mark.revision) return
        this.#member(holder, change, isGranted ? turn : undefined)
        mark = change
        await this.#rest()
      }
      if (changes.length < chunk) return
    }
  }

  /** @param granted  the revision since which the collection around may be seen */
  #member (holder: Resource, change: MemberChange, granted: number | undefined): void {
    const { user } = this.#question
    const { home, collection, segments } = holder
    if (home === undefined || collection === undefined) return
    const at = [...segments, change.name]
    if (change.member !== undefined) {
      const resource: Resource = { ...holder, kind: collection.holdsObjects ? 'event' : 'file', segments: at, member: change.member }
      if (this.#sight.isWhole || allowed(user, resource, dav('read'))) {
        this.#add(Math.max(change.revision, granted ?? 0), hrefOf(resource), resource)
        return
      }
      // hidden all the time
      if (this.#sight.isSteady) return
    }
    const standing = this.#sight.member(holder, change)
    // what came and went while the collection around could not be seen
    if (!this.#sight.isSteady && (granted !== undefined || !standing.existed) && !this.#sight.wasOpen(collection.path, change.born, change.revision)) return
    this.#addLoss(change, standing, href(at, false))
  }
}
