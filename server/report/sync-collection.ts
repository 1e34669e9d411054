import { floatingZones } from '../calendar/timezone.js'
import { failed, DavError } from '../dav/error.js'
import { depth, prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { parseSyncToken, syncToken, type SyncState } from '../dav/sync-token.js'
import { Answers, wantedIn } from '../property/answer.js'
import { freshBelow, tokenOf, viewOf } from '../property/sync.js'
import type { Requester } from '../site/requester.js'
import { hrefOf, type Resource } from '../site/resource.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { child, elements, text, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { calendarDataExtra } from './data.js'
import { bulletin } from './news.js'
import type { Report } from './report.js'

/** RFC 6578 3.2. Depth is not looked at where there is a DAV:sync-level: Thunderbird sends 1 where the RFC wants 0. */
export const syncCollection: Report = { name: dav('sync-collection'), privilege: dav('read'), run }

async function run (request: DavRequest, target: Resource, query: Element): Promise<DavReply> {
  const { site, user, headers } = request
  const { home, collection } = target
  if (home === undefined || collection === undefined) throw failed('supported-report', `${hrefOf(target)} is not synchronised`)
  const deep = levelOf(request, query)
  const most = limitOf(query)
  only(query, dav('prop'))
  const wanted = wantedIn(query)
  const given = text(only(query, dav('sync-token'))).trim()
  await freshBelow(home, collection, deep ? Infinity : 1)
  const from = given === '' ? undefined : stateOf(given, user, target, deep)
  const answers = new Answers(site, user, wanted, prefer(headers).return === 'minimal', calendarDataExtra(site, wanted, floatingZones(query), headers))
  // the token is taken before the changes are read: what happens in between is told twice rather than never
  const token = tokenOf(target, user)
  const { news, rest } = await bulletin({ site, user, target, deep, from, most })
  const view = viewOf(user, target.owner)
  const multistatus = new Multistatus()
  multistatus.syncToken(rest === undefined ? token : syncToken(home.index.epochAt(rest.revision), rest.revision, { ...rest, ...view === undefined ? {} : { view } }))
  return multistatusStream(multistatus, async function * () {
    let until = performance.now() + slice
    for (const { href, resource } of news) {
      if (resource === undefined) multistatus.addStatus(href, 404)
      else {
        await answers.prepare(resource)
        multistatus.addText(href, answers.of(resource))
      }
      yield
      if (performance.now() < until) continue
      await new Promise(resolve => setImmediate(resolve))
      until = performance.now() + slice
    }
    // RFC 6578 3.6
    if (rest !== undefined) multistatus.addStatus(hrefOf(target), 507, 'number-of-matches-within-limits')
  })
}

const slice = 15

/** The one element of a name that the report must have (RFC 6578 3.2). @throws DavError 400 */
function only (query: Element, name: Name): Element {
  const [first, ...more] = elements(query, name)
  if (first === undefined || more.length > 0) throw new DavError(400, `DAV:sync-collection expects one ${name}, found ${more.length + (first === undefined ? 0 : 1)}`)
  return first
}

/** RFC 6578 6.3; appendix A for drafts, which had no such element. @returns whether all levels are meant. @throws DavError 400 */
function levelOf ({ headers }: DavRequest, query: Element): boolean {
  const level = child(query, dav('sync-level'))
  if (level === undefined) return depth(headers, '0') === 'infinity'
  const value = text(level).trim()
  if (value !== '1' && value !== 'infinite' && value !== 'infinity') throw new DavError(400, `DAV:sync-level is 1 or infinite, not ${value.slice(0, 40)}`)
  return value !== '1'
}

/** RFC 5323 5.17 in RFC 6578 3.7. @throws DavError 400; 507 for none at all, which no answer could go on from */
function limitOf (query: Element): number {
  const limit = child(query, dav('limit'))
  const count = limit === undefined ? undefined : child(limit, dav('nresults'))
  if (limit === undefined || count === undefined) return Infinity
  const value = text(count).trim()
  if (!/^\d{1,15}$/.test(value)) throw new DavError(400, `DAV:nresults is a number, not ${value.slice(0, 40)}`)
  if (Number(value) === 0) throw failed('number-of-matches-within-limits', 'DAV:nresults is 0: nothing can be told')
  return Number(value)
}

/** What a token says. @throws DavError valid-sync-token (RFC 6578 3.2) */
function stateOf (given: string, user: Requester, { home, collection, owner }: Resource, deep: boolean): SyncState | undefined {
  const refuse = (why: string): never => { throw failed('valid-sync-token', `${why}: synchronise from the start`) }
  if (home === undefined) return undefined
  const state = parseSyncToken(given)
  if (state === undefined) return refuse(`${given.slice(0, 80)} is no sync token of this server`)
  const latest = home.total().revision
  if (state.epoch !== home.index.epochAt(state.revision)) return refuse('the sync token is of an index that is gone')
  if (state.view !== viewOf(user, owner)) return refuse('who asks has got or lost groups, delegations or rights on the whole server')
  const { revision, cut: { begun = 0 } = {} } = state
  if (Math.max(revision, begun) < home.trimmed(deep ? undefined : collection) || revision > latest || begun > latest) return refuse(`nothing is known of revision ${revision}`)
  return state
}
