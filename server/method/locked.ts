import { conditions } from '../dav/condition.js'
import { DavError, failed } from '../dav/error.js'
import { href } from '../dav/href.js'
import { parseIf, submittedTokens, type IfList } from '../dav/if-header.js'
import { placeOf, type Lock } from '../site/lock.js'
import { header, type DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { element } from '../xml/element.js'
import { dav } from '../xml/name.js'

const parsed = new WeakMap<DavRequest, readonly IfList[]>()

/** The lists of the If header; none without it. @throws DavError 400 */
export function ifLists (request: DavRequest): readonly IfList[] {
  let lists = parsed.get(request)
  if (lists === undefined) {
    const given = header(request, 'if')
    parsed.set(request, lists = given === undefined ? [] : parseIf(given))
  }
  return lists
}

/** The locks in whose scope a resource is (RFC 4918 6.1). */
export function locksOn ({ site: { locks } }: DavRequest, resource: Resource): Lock[] {
  const place = locks.isEmpty ? undefined : placeOf(resource)
  return place === undefined ? [] : locks.covering(place)
}

/**
 * Stops a request that would change something locked without submitting the token of a lock of its own (RFC 4918 6.4, 7.5).
 * Synchronous, so that a guard of the store can ask again. To be named: what is changed, and the collection whose members
 * come or go (7.4).
 * @throws DavError 423 lock-token-submitted with the roots of the locks, 403 when the token is of somebody else's lock
 */
export function demandUnlocked (request: DavRequest, ...resources: readonly Resource[]): void {
  if (request.site.locks.isEmpty) return
  for (const resource of resources) {
    const problem = problemOf(request, locksOn(request, resource))
    if (problem !== undefined) throw problem
  }
}

/** As `demandUnlocked`, for a collection with all that is below. */
export function demandTreeUnlocked (request: DavRequest, resource: Resource): void {
  demandUnlocked(request, resource)
  const [first] = lockedBelow(request, resource)
  if (first !== undefined) throw first.error
}

/** What is locked below a collection against a request, by its path: decoded segments under those of the collection. */
export function lockedBelow (request: DavRequest, resource: Resource): { segments: readonly string[], error: DavError }[] {
  const { locks } = request.site
  const place = locks.isEmpty ? undefined : placeOf(resource)
  if (place === undefined) return []
  return [...new Set(locks.below(place).map(lock => lock.place))].flatMap(below => {
    const error = problemOf(request, locks.at(below))
    return error === undefined ? [] : [{ segments: [...resource.segments, ...below.slice(place.length + 1).split('/')], error }]
  })
}

// one token is enough: an exclusive lock has no others beside it, and shared ones trust each other (RFC 4918 6.2)
function problemOf (request: DavRequest, locks: readonly Lock[]): DavError | undefined {
  if (locks.length === 0) return undefined
  const tokens = submittedTokens(ifLists(request))
  const submitted = locks.filter(({ token }) => tokens.has(token))
  if (submitted.some(({ creator }) => creator === request.user.record?.guid)) return undefined
  const hrefs = [...new Set(locks.map(lock => lock.href))]
  if (submitted.length > 0) return new DavError(403, `the lock of ${hrefs.join(', ')} is somebody else's: its token is for its creator alone`)
  return failed('lock-token-submitted', `locked: ${hrefs.join(', ')}`, ...hrefs.map(each => element(dav('href'), each)))
}

/** The locks that end when a resource goes, with all below it (RFC 4918 6.1, 9.6). */
export function endingWith ({ site: { locks } }: DavRequest, resource: Resource): Lock[] {
  const place = placeOf(resource)
  return place === undefined ? [] : [...locks.at(place), ...locks.below(place)]
}

/** RFC 4918 9.10.6: what a refresh hears whose token is of no lock on the resource. */
export function noSuchLock (segments: readonly string[]): DavError {
  return new DavError(412, `no token in the If header is of a lock on ${href(segments, false)}`, { element: element(conditions['lock-token-matches-request-uri'].name) })
}
