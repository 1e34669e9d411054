import type { Collection, Home } from '../../store/home.js'
import { allowed } from '../acl/check.js'
import { changesSince } from '../../store/index/journal.js'
import { failed, DavError } from '../dav/error.js'
import { prefer } from '../dav/header.js'
import { href } from '../dav/href.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { parseSyncToken, syncToken } from '../dav/sync-token.js'
import { Answers, wantedIn } from '../property/answer.js'
import { tokenOf } from '../property/sync.js'
import { kindOf, hrefOf, members, type Resource } from '../site/resource.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { child, text, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { calendarDataExtra } from './data.js'
import { UTC } from '../ical/timezone.js'
import type { Report } from './report.js'

/** RFC 6578 3.2. Depth is ignored: Thunderbird sends 1 where the RFC wants 0. */
export const syncCollection: Report = { name: dav('sync-collection'), privilege: dav('read'), run }

/** A change to be told, ready or to be looked up. */
interface News { readonly revision: number, readonly href: string, readonly resource: Resource | undefined }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const { site, user, headers } = request
  const { home, collection } = resource
  if (home === undefined || collection === undefined) throw failed('supported-report', `${hrefOf(resource)} is not synchronised`)
  const deep = levelOf(query)
  const most = limitOf(query)
  const wanted = wantedIn(query)
  const since = await sinceOf(resource, query, deep)
  const answers = new Answers(site, user, wanted, prefer(headers).return === 'minimal', calendarDataExtra(site, wanted, UTC))
  // the token is taken before the changes are read: what happens in between is told twice rather than never
  const token = tokenOf(resource)
  const news = since === undefined ? await everything(request, resource, deep) : await changes(request, resource, since, deep)
  const told = news.slice(0, endOfCut(news, most))
  const isCut = told.length < news.length
  const multistatus = new Multistatus()
  multistatus.syncToken(isCut ? syncToken(home.index.epoch, told.at(-1)?.revision ?? 0) : token)
  return multistatusStream(multistatus, async function * () {
    let until = performance.now() + slice
    for (const each of told) {
      if (each.resource === undefined) multistatus.addStatus(each.href, 404)
      else {
        await answers.prepare(each.resource)
        multistatus.addText(each.href, answers.of(each.resource))
      }
      yield
      if (performance.now() < until) continue
      await new Promise(resolve => setImmediate(resolve))
      until = performance.now() + slice
    }
    // RFC 6578 3.6
    if (isCut) multistatus.addStatus(hrefOf(resource), 507, 'number-of-matches-within-limits')
  })
}

const slice = 15

/** RFC 6578 6.3; @throws DavError 400 */
function levelOf (query: Element): boolean {
  const level = child(query, dav('sync-level'))
  const value = level === undefined ? '1' : text(level).trim()
  if (value !== '1' && value !== 'infinite' && value !== 'infinity') throw new DavError(400, `sync-level is 1 or infinite, not ${value.slice(0, 40)}`)
  return value !== '1'
}

/** RFC 5323 5.17 in RFC 6578 3.7; @throws DavError 400 */
function limitOf (query: Element): number {
  const limit = child(query, dav('limit'))
  const count = limit === undefined ? undefined : child(limit, dav('nresults'))
  if (limit === undefined || count === undefined) return Infinity
  const value = text(count).trim()
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new DavError(400, `nresults is a positive number, not ${value.slice(0, 40)}`)
  return Number(value)
}

/** The revision from which to tell; `undefined` = from nothing. Compares with the disk first. @throws DavError valid-sync-token */
async function sinceOf ({ home, collection }: Resource, query: Element, deep: boolean): Promise<number | undefined> {
  if (home === undefined || collection === undefined) return undefined
  await freshen(home, collection, deep ? Infinity : 1)
  const element = child(query, dav('sync-token'))
  const given = element === undefined ? '' : text(element).trim()
  if (given === '') return undefined
  const state = parseSyncToken(given)
  if (state === undefined) throw failed('valid-sync-token', `${given.slice(0, 80)} is no sync token of this server`)
  if (state.epoch !== home.index.epoch) throw failed('valid-sync-token', 'the sync token is of an index that is gone: synchronise from the start')
  if (state.revision < home.trimmed() || state.revision > home.total().revision) throw failed('valid-sync-token', `nothing is known of revision ${state.revision}: synchronise from the start`)
  return state.revision
}

async function freshen (home: Home, collection: Collection, levels: number): Promise<void> {
  await home.fresh(collection)
  if (levels === 0 || collection.holdsObjects) return
  for (const below of home.children(collection.path)) await freshen(home, below, levels - 1)
}

// an initial synchronisation that is cut goes on in the order of revisions
async function everything (request: DavRequest, resource: Resource, deep: boolean): Promise<News[]> {
  return (await changes(request, resource, 0, deep)).filter(({ resource: there }) => there !== undefined)
}

// what has one revision is told together: the token that follows stands after all of it
function endOfCut (news: readonly News[], most: number): number {
  let end = Math.min(most, news.length)
  while (end < news.length && news[end]?.revision === news[end - 1]?.revision) end++
  return end
}

async function changes (request: DavRequest, resource: Resource, since: number, deep: boolean): Promise<News[]> {
  const { home, collection, segments } = resource
  if (home === undefined || collection === undefined) return []
  const found = await memberChanges(request, resource, since)
  if (!collection.holdsObjects) {
    const prefix = collection.path === '' ? '' : `${collection.path}/`
    for (const { path, gone, revision } of home.collectionsSince(collection.path, since, deep)) {
      const at = [...segments, ...path.slice(prefix.length).split('/')]
      const below = gone ? undefined : home.collection(path)
      const there: Resource | undefined = below === undefined ? undefined : { ...resource, kind: kindOf(below), segments: at, collection: below }
      if (there !== undefined && !allowed(request.user, there, dav('read'))) continue
      // an app password for some calendars does not hear of others that are gone
      if (there === undefined && request.user.limit !== undefined && !allowed(request.user, { kind: 'unmapped', segments: at, owner: resource.owner, home, collection }, dav('read'))) continue
      found.push({ revision, href: href(at, true), resource: there })
      if (deep && there !== undefined && below !== undefined) {
        await home.fresh(below)
        found.push(...await memberChanges(request, there, since))
      }
    }
  }
  return found.sort((a, b) => a.revision - b.revision)
}

async function memberChanges (request: DavRequest, around: Resource, since: number): Promise<News[]> {
  const { home, collection, segments } = around
  if (home === undefined || collection === undefined) return []
  if (since === 0) {
    return (await members(request.site, around)).filter(resource => resource.member !== undefined && allowed(request.user, resource, dav('read')))
      .map(resource => ({ revision: resource.member?.revision ?? 0, href: hrefOf(resource), resource }))
  }
  return changesSince(home.index, collection.id, since, -1).flatMap(({ name, gone, revision }) => {
    const at = [...segments, name]
    const member = gone ? undefined : home.member(collection, name)
    const resource: Resource | undefined = member === undefined ? undefined : { ...around, kind: collection.holdsObjects ? 'event' : 'file', segments: at, member }
    if (resource !== undefined && !allowed(request.user, resource, dav('read'))) return []
    return [{ revision, href: href(at, false), resource }]
  })
}
