import { lastTurn, listAt, listTurns, propertiesOf, type Listed } from '../../store/index/access-list.js'
import { bornAt, idOf, type CollectionChange } from '../../store/index/collection.js'
import { trimmedLists, type MemberChange } from '../../store/index/journal.js'
import type { Collection } from '../../store/home.js'
import { allowed, allowedThen } from '../acl/check.js'
import { failed } from '../dav/error.js'
import type { Requester } from '../site/requester.js'
import { kindOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'

/** How something stands to who asks, since the revision that is gone on from. */
export interface Standing {
  /** It can be seen, or could before it went. */
  readonly now: boolean
  /** From which revision on that is so; the one that is gone on from when it was so all the time. */
  readonly turn: number
  /** It was there at the revision that is gone on from. */
  readonly existed: boolean
  /** It was there and could be seen at the revision that is gone on from. */
  readonly then: boolean
  /** It was there, and could be seen then or at some time since. */
  readonly ever: boolean
}

/** What of a collection and all below it may be seen, now and at the revisions since one: RFC 6578 3.5.1 and 3.5.2 on access control. */
export class Sight {
  readonly #user: Requester
  readonly #target: Resource
  readonly #since: number
  /** No list in the home is another one than at the revision that is gone on from. */
  readonly isSteady: boolean
  /** Nothing can be hidden from who asks. */
  readonly isWhole: boolean

  /** @throws DavError valid-sync-token when what was hidden is not known any more, or all that could be seen was other */
  constructor (user: Requester, target: Resource, since: number) {
    this.#user = user
    this.#target = target
    this.#since = since
    this.isWhole = user.record !== undefined && user.record.guid === target.owner?.guid && user.limit?.calendars === undefined
    const { home, collection } = target
    this.isSteady = this.isWhole || home === undefined || lastTurn(home.index) <= since
    if (this.isSteady || home === undefined || collection === undefined) return
    if (since < trimmedLists(home.index)) throw failed('valid-sync-token', 'who could see what is not known any more: synchronise from the start')
    this.#demandSameSight(target, collection)
  }

  /** How a collection below the target stands, with all that lies between. */
  collection ({ id, path, gone, revision, born }: CollectionChange): Standing {
    const existed = this.#existed({ collection: id, name: '' }, born)
    if (this.isWhole) return steady(true, existed, this.#since)
    const way = this.#way(path)
    const at = (time: number | undefined): boolean => way.every(each => this.#sees(each, time))
    if (this.isSteady) return steady(at(gone ? revision - 1 : undefined), existed, this.#since)
    const turns = [...new Set(way.flatMap(({ collection }) => collection === undefined ? [] : this.#turns(collection, '')))].sort((a, b) => a - b)
    const standing = this.#standing(at, turns, gone ? revision : undefined, existed)
    const [resource] = way.slice(-1)
    if (!gone && standing.now && standing.then && resource?.collection !== undefined) this.#demandSameSight(resource, resource.collection)
    return standing
  }

  /** Whether the target, or a collection below it, could be seen at any time between two revisions. */
  wasOpen (path: string, from: number, until: number): boolean {
    const way = this.#way(path)
    const turns = way.flatMap(({ collection }) => collection === undefined ? [] : this.#turns(collection, '', from)).filter(turn => turn < until)
    return [from, ...turns].some(time => way.every(each => this.#sees(each, time)))
  }

  /** How a member of a collection stands, by its own list. */
  member (around: Resource, { name, gone, revision, born, member }: MemberChange): Standing {
    const { home, collection } = around
    if (home === undefined || collection === undefined) return steady(true, true, this.#since)
    const existed = this.#existed({ collection: collection.id, name }, born)
    if (this.isWhole) return steady(true, existed, this.#since)
    const resource: Resource = { ...around, kind: collection.holdsObjects ? 'event' : 'file', segments: [...around.segments, name], member }
    const at = (time: number | undefined): boolean => {
      if (time === undefined) return allowed(this.#user, resource, dav('read'))
      const list = listAt(home.index, { collection: collection.id, name }, born, time)
      return list !== undefined && allowedThen(this.#user, resource, dav('read'), (_, of) => of === undefined ? undefined : propertiesOf(list))
    }
    return this.#standing(at, this.#turns(collection, name), gone ? revision : undefined, existed)
  }

  #existed (listed: Listed, born: number): boolean {
    const { home } = this.#target
    return home !== undefined && listAt(home.index, listed, born, this.#since) !== undefined
  }

  // the target and the collections between it and a path, the last included, there or gone
  #way (path: string): Resource[] {
    const { home, collection, segments } = this.#target
    if (home === undefined || collection === undefined) return []
    if (path === collection.path) return [this.#target]
    const from = collection.path === '' ? 0 : collection.path.split('/').length
    const names = path.split('/')
    const below = names.slice(from).map((_, number): Resource => {
      const at = names.slice(0, from + number + 1).join('/')
      const known = home.collection(at) ?? { id: idOf(at), path: at, directory: `${home.directory}/${at}`, resourcetype: undefined, holdsObjects: true }
      return { ...this.#target, kind: kindOf(known), segments: [...segments, ...names.slice(from, from + number + 1)], collection: known }
    })
    return [this.#target, ...below]
  }

  #sees (resource: Resource, time: number | undefined): boolean {
    if (time === undefined) return allowed(this.#user, resource, dav('read'))
    const { home, collection } = resource
    if (home === undefined || collection === undefined || listAt(home.index, { collection: collection.id, name: '' }, bornAt(home.index, collection.id), time) === undefined) return false
    return allowedThen(this.#user, resource, dav('read'), ({ id }, member) => propertiesOf(listAt(home.index, { collection: id, name: member ?? '' }, 0, time) ?? ''))
  }

  #turns ({ id }: Collection, name: string, since = this.#since): number[] {
    const { home } = this.#target
    return home === undefined ? [] : listTurns(home.index, { collection: id, name }, since)
  }

  /** @param gone  the revision at which it went */
  #standing (at: (time: number | undefined) => boolean, turns: readonly number[], gone: number | undefined, existed: boolean): Standing {
    const starts = [this.#since, ...turns.filter(turn => gone === undefined || turn < gone)]
    const seen = starts.map((start, number) => at(number < starts.length - 1 ? start : gone === undefined ? undefined : gone - 1))
    const now = seen.at(-1) === true
    const turn = starts[seen.lastIndexOf(!now) + 1] ?? this.#since
    return { now, turn, existed, then: existed && seen[0] === true, ever: existed && seen.includes(true) }
  }

  // a list that files got from the collection around them may have come or gone, while the collection itself could always be seen
  #demandSameSight (resource: Resource, collection: Collection): void {
    const plain: Resource = { ...resource, kind: collection.holdsObjects ? 'event' : 'file', segments: [...resource.segments, nobody], member: undefined }
    const isSame = (each: Resource): boolean => this.#sees(each, undefined) === this.#sees(each, this.#since)
    if (isSame(resource) && isSame(plain)) return
    throw failed('valid-sync-token', 'the access control list is another one: synchronise from the start')
  }
}

// no file can be called so
const nobody = '/'

function steady (now: boolean, existed: boolean, since: number): Standing {
  return { now, turn: since, existed, then: existed && now, ever: existed && now }
}
