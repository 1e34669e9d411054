import { createHash } from 'node:crypto'
import { demand } from '../acl/check.js'
import { feed } from '../calendar/feed.js'
import { demandForm, formVary, formWanted, inForm } from '../calendar/form.js'
import { contentTypes, mediaTypes } from '../calendar/media.js'
import { DavError } from '../dav/error.js'
import { conditions, evaluate, range, type State } from '../dav/header.js'
import { facts } from '../../store/file.js'
import { mediaTypeOf } from '../property/webdav.js'
import { tokenOf } from '../property/sync.js'
import { everyKind } from '../property/property.js'
import { systemZones } from '../ical/zone-source.js'
import { kinds } from '../site/kind.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { pageHeaders, pageOf, readableMembers, type Listing } from './listing.js'
import type { Method } from './method.js'
import { stateOf } from './target.js'

/** RFC 9110 9.3.1; HEAD is the same without the body. */
export const get: Method = { name: 'GET', on: everyKind, run }

async function run (request: DavRequest): Promise<DavReply> {
  const { user, target, path, url } = request
  demand(user, target, dav('read'))
  if (target.member !== undefined) return await file(request, target)
  // the links of a page are relative
  if (kinds[target.kind].isCollection && !path.collection) {
    const query = url.indexOf('?')
    return { status: 301, headers: { location: hrefOf(target) + (query < 0 ? '' : url.slice(query)) }, body: '' }
  }
  return await collection(request, target)
}

/** An object in the form that Accept and CalDAV-Timezones ask for; any other file as it is. */
async function file (request: DavRequest, resource: Resource): Promise<DavReply> {
  const { home, collection, member } = resource
  const content = home === undefined || collection === undefined || member === undefined ? undefined : home.content(collection, member.name)
  if (content === undefined) throw new DavError(404, `${hrefOf(resource)} does not exist`)
  const now = { ...resource, member: content.member }
  const state = stateOf(content.member)
  const common = { 'content-type': mediaTypeOf(now), 'last-modified': new Date(content.member.modified).toUTCString(), 'accept-ranges': 'bytes' }
  if (now.kind !== 'event') {
    return partial(request, state, content.bytes, {
      ...common,
      'etag': content.member.etag,
      // what somebody stored is saved, never run with our rights
      ...(now.kind === 'file' ? { 'content-security-policy': "default-src 'none'; sandbox", 'content-disposition': attachment(content.member.name) } : {})
    })
  }
  const wanted = demandForm(request.headers, request.site.settings)
  const { bytes, etag } = await inForm(content.bytes, content.member.etag, wanted)
  return partial(request, { ...state, etag }, bytes, { ...common, 'content-type': common['content-type'].replace(mediaTypes.text, mediaTypes[wanted.form]), etag, 'vary': formVary })
}

/** RFC 6266: a file to be saved under its name (RFC 8187). */
function attachment (name: string): string {
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replace(/['()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  return `attachment; filename*=UTF-8''${encoded}`
}

function partial (request: DavRequest, state: State, body: Buffer, headers: Record<string, string>): DavReply {
  const unchanged = unchangedReply(request, state, headers)
  if (unchanged !== undefined) return unchanged
  const part = range(request.headers, body.length, state)
  if (part === undefined) return { status: 200, headers, body }
  if (part === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${body.length}` }, body: '' }
  return { status: 206, headers: { ...headers, 'content-range': `bytes ${part.start}-${part.end}/${body.length}` }, body: body.subarray(part.start, part.end + 1) }
}

/** The 304 that a conditional request earns. @throws DavError 412 */
function unchangedReply (request: DavRequest, state: State, headers: Record<string, string>): DavReply | undefined {
  const refused = evaluate(conditions(request.headers), state, request.method)
  if (refused === 412) throw new DavError(412, `the condition of the request does not hold: the ETag is ${state.etag ?? 'none'}`)
  return refused === 304 ? { status: 304, headers } : undefined
}

/** A calendar as one stream of its events, for subscribers; to a browser every collection is a page that lists it. */
async function collection (request: DavRequest, resource: Resource): Promise<DavReply> {
  const { kind, home, collection } = resource
  const isPage = kind !== 'calendar' || wantsPage(request)
  const listing = await readableMembers(request, resource)
  // programs that subscribe send any Accept: those that take neither form get the one that everybody reads
  const wanted = formWanted(request.headers, request.site.settings) ?? { form: 'text', zones: undefined }
  const headers: Record<string, string> = {
    ...(isPage ? pageHeaders : { 'content-type': contentTypes[wanted.form] }),
    ...(kind === 'calendar' ? { vary: `${formVary}, User-Agent` } : {})
  }
  if (home === undefined || collection === undefined) return { status: 200, headers, body: pageOf(resource, listing) }
  const modified = modifiedOf(resource, listing)
  const etag = etagOf(resource, listing, isPage ? 'page' : `feed ${wanted.form} ${wanted.zones ?? ''} ${systemZones().version()}`)
  Object.assign(headers, { etag, 'last-modified': modified.toUTCString(), 'cache-control': 'no-cache' })
  return unchangedReply(request, { exists: true, etag, modified }, headers) ??
    { status: 200, headers, body: isPage ? pageOf(resource, listing) : feed({ ...resource, home, collection }, listing.members.flatMap(({ member }) => member ?? []), wanted) }
}

/**
 * Browsers ask for HTML by name. Programs that subscribe say `text/calendar`, anything, or nothing; of those that say nothing
 * only what calls itself a browser is one.
 */
function wantsPage (request: DavRequest): boolean {
  const accept = header(request, 'accept')?.trim() ?? ''
  if (accept === '') return /^Mozilla\/.*Gecko/.test(header(request, 'user-agent') ?? '')
  const wish = (...types: readonly string[]): number => Math.max(0, ...accept.toLowerCase().split(',').map(each => {
    const [type = '', ...parameters] = each.split(';').map(part => part.trim())
    const quality = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
    return !types.includes(type) ? 0 : quality === undefined ? 1 : Number(quality) || 0
  }))
  const html = wish('text/html', 'application/xhtml+xml')
  return html > 0 && html >= wish(...Object.values(mediaTypes))
}

// what one may not see has no part in what one gets
function etagOf (resource: Resource, { hidden }: Listing, form: string): string {
  const hash = createHash('sha256').update(`${tokenOf(resource)}\n${form}\n${hidden.join('\n')}`)
  return `"${hash.digest('hex').slice(0, 32)}"`
}

/** When what is shown last changed: the collection, its properties (they are part of a feed), what is in it. */
function modifiedOf ({ collection }: Resource, { members }: Listing): Date {
  const own = collection === undefined ? undefined : facts(collection.directory)
  let latest = Math.max(own?.mtimeMs ?? 0, own?.ctimeMs ?? 0)
  for (const { member, collection: below } of members) latest = Math.max(latest, member?.modified ?? (below === undefined ? 0 : facts(below.directory)?.mtimeMs ?? 0))
  // RFC 9110 8.8.2.1: not in the future
  return new Date(Math.min(latest, Date.now()))
}
