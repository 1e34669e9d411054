import { allowed } from '../acl/check.js'
import { keyOf, keysOf, principalKey } from '../acl/principal.js'
import { DavError } from '../dav/error.js'
import { href as hrefOfPath } from '../dav/href.js'
import type { DirectoryRecord } from '../directory/record.js'
import { kinds } from '../site/kind.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { members, type Resource } from '../site/resource.js'
import { child, elements, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { HrefsOf, pathOf } from './hrefs.js'
import { replyAbout, demandDepth0 } from './named.js'
import type { Report } from './report.js'

/** RFC 3744 9.3 */
export const principalMatch: Report = { name: dav('principal-match'), privilege: dav('read'), run }

/** So many resources are looked at for a property. */
const mostLookedAt = 20_000
const halves = ['read', 'write'] as const

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  demandDepth0(request)
  const property = child(query, dav('principal-property'))
  const isSelf = child(query, dav('self')) !== undefined
  if (isSelf === (property !== undefined)) throw new DavError(400, 'principal-match expects either DAV:self or DAV:principal-property')
  if (property === undefined) return replyAbout(request, query, oneself(request, resource), mostLookedAt)
  const [name, ...more] = elements(property)
  if (name === undefined || more.length > 0) throw new DavError(400, 'DAV:principal-property expects the element of one property')
  return replyAbout(request, query, pointing(request, resource, name.name), mostLookedAt)
}

/** The principals that the user is and that lie below a collection; a principal itself when the request is for it. */
function oneself ({ site: { directory }, user }: DavRequest, resource: Resource): Resource[] {
  const { kind, segments, owner } = resource
  if (user.record === undefined) return []
  if (kind === 'principal' || kind === 'proxy') {
    const proxies = kind === 'principal' ? halves.map((access): Resource => ({ kind: 'proxy', segments: [...segments, `calendar-proxy-${access}`], owner, access })) : []
    return [resource, ...proxies].filter(one => one.owner !== undefined && keysOf(user).has(keyOf(one.owner, one.access)))
  }
  if (kind !== 'root' && kind !== 'principals') return []
  const group = kind === 'root' ? undefined : segments[1]
  // in the form that the members of the collection have: /principals/users/ holds users by name
  const below = ({ type, name, guid }: DirectoryRecord): string[][] =>
    group === undefined || group === '__uids__' ? [['principals', '__uids__', guid]] : group === type ? [['principals', type, name]] : []
  return [
    ...[user.record, ...directory.groupsOf(user.record)].flatMap(one => below(one).map((path): Resource => ({ kind: 'principal', segments: path, owner: one }))),
    ...halves.flatMap(access => directory.delegatorsOf(user.record as DirectoryRecord, access).flatMap(one =>
      below(one).map((path): Resource => ({ kind: 'proxy', segments: [...path, `calendar-proxy-${access}`], owner: one, access }))))
  ]
}

/** What lies below a collection and has a property that names the user, or a group the user is in. */
async function * pointing (request: DavRequest, collection: Resource, name: Name): AsyncGenerator<Resource | 'more'> {
  const hrefs = new HrefsOf(request, name)
  const keys = keysOf(request.user)
  let left = mostLookedAt
  let until = performance.now() + slice
  const below = [collection]
  for (let around = below.pop(); around !== undefined; around = below.pop()) {
    for (const member of await members(request.site, around)) {
      if (!allowed(request.user, member, dav('read'))) continue
      if (--left < 0) {
        yield 'more'
        return
      }
      const found = await hrefs.of(member)
      if (found.some(href => isOneOf(keys, request, pathOf(request, href)?.segments))) yield member
      if (kinds[member.kind].isCollection) below.push(member)
      if (performance.now() < until) continue
      await new Promise(resolve => setImmediate(resolve))
      until = performance.now() + slice
    }
  }
}

/** Others get their turn after so many ms of a long search. */
const slice = 15

function isOneOf (keys: ReadonlySet<string>, { site }: DavRequest, path: readonly string[] | undefined): boolean {
  const key = path === undefined ? undefined : principalKey(site.directory, hrefOfPath(path, true))
  return key !== undefined && keys.has(key)
}
