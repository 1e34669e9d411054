import type { Component } from '../ical/component.js'
import { calendarWith, vtimezoneFor } from '../ical/vtimezone-write.js'
import { zoneBehind } from '../ical/zone-aliases.js'
import { beforeAll, labelOf, onsetAt, onsetsOf } from '../ical/zone-onsets.js'
import { systemZones } from '../ical/zone-source.js'
import type { DavReply } from '../site/request.js'
import { contentTypes, mediaTypes, mediaWanted, rendered } from './media.js'
import { leapSeconds } from './leap-seconds.js'
import { listing, tagOf, timeText } from './zone-list.js'
import { matcher } from './zone-pattern.js'

/** A question to the service: what stands behind its address, decoded, and the headers it looks at. */
export interface ZoneQuestion {
  /** `['zones', 'Europe/Berlin']`; a slash at the end makes no difference. */
  readonly path: readonly string[]
  readonly query: ReadonlyMap<string, readonly string[]>
  readonly accept: string | undefined
  readonly ifNoneMatch: string | undefined
  /** Where the service is, for the templates of its capabilities: `/dav/stdtimezones`. */
  readonly base: string
}

const json = 'application/json; charset=utf-8'
// Data of one hour ago do no harm; clients are to ask once a day (RFC 7808 4.1.4)
const caching = { 'cache-control': 'public, max-age=3600' }
// What is told of one zone at once: the tz database changes its mind earlier
const mostYears = 200
const YEAR = 31_556_952

/** Where the service is: CALDAV:timezone-service-set (RFC 7809 5.1) names it, /.well-known/timezone leads there. */
export const servicePath = '/stdtimezones'

/** RFC 7808 5: one of its actions. Whatever is wrong is told as RFC 7807 and RFC 7808 4.1.7 say, so nothing is thrown. */
export async function timezoneService (question: ZoneQuestion): Promise<DavReply> {
  try {
    return await act(question)
  } catch (error) {
    if (error instanceof Problem) return error.reply()
    throw error
  }
}

async function act (question: ZoneQuestion): Promise<DavReply> {
  const path = question.path.filter((part, at, all) => part !== '' || at < all.length - 1)
  const [action, ...rest] = path
  if (action === 'capabilities' && rest.length === 0) return capabilities(question.base)
  if (action === 'leapseconds' && rest.length === 0) return leaps()
  if (action === 'zones' && rest.length === 0) return question.query.has('pattern') ? await find(question) : await list(question)
  if (action !== 'zones' || rest.length === 0) throw new Problem(400, 'invalid-action', 'The actions are capabilities, zones, zones/{tzid}, zones/{tzid}/observances and leapseconds')
  const isExpand = rest.at(-1) === 'observances'
  const name = zoneIn(isExpand ? rest.slice(0, -1) : rest)
  return isExpand ? expand(name, question) : get(name, question)
}

// Proxies and people write the slash of `Europe/Berlin` as it is
function zoneIn (parts: readonly string[]): string {
  const name = parts.join('/')
  if (systemZones().isOffered(name)) return name
  if (parts.length !== 1) throw new Problem(400, 'invalid-action', 'One time zone can be asked for at once, with %2F for the slash in its name')
  throw new Problem(404, 'tzid-not-found', `There is no time zone ${name.slice(0, 80)} on this server`)
}

/** What is answered to something that is no question at all. */
export function invalidAction (message: string): DavReply {
  return new Problem(400, 'invalid-action', message).reply()
}

/** An error as RFC 7807 tells it, with a URN of RFC 7808 10.4. */
class Problem extends Error {
  override readonly name = 'Problem'

  constructor (readonly status: number, readonly urn: string, message: string) {
    super(message)
  }

  reply (): DavReply {
    const body = { type: `urn:ietf:params:tzdist:error:${this.urn}`, title: this.message, status: this.status }
    return { status: this.status, headers: { 'content-type': 'application/problem+json; charset=utf-8', 'content-language': 'en' }, body: JSON.stringify(body) }
  }
}

// RFC 7808 5.1, 6.1
function capabilities (base: string): DavReply {
  const parameter = (name: string, required = false): object => ({ name, required, multi: false })
  const actions = [
    { name: 'capabilities', 'uri-template': `${base}/capabilities`, parameters: [] },
    { name: 'list', 'uri-template': `${base}/zones{?changedsince}`, parameters: [parameter('changedsince')] },
    { name: 'get', 'uri-template': `${base}/zones{/tzid}{?start,end}`, parameters: [parameter('start'), parameter('end')] },
    { name: 'expand', 'uri-template': `${base}/zones{/tzid}/observances{?start,end}`, parameters: [parameter('start', true), parameter('end', true)] },
    { name: 'find', 'uri-template': `${base}/zones{?pattern}`, parameters: [parameter('pattern', true)] },
    { name: 'leapseconds', 'uri-template': `${base}/leapseconds`, parameters: [] }
  ]
  const info = { 'primary-source': `IANA:${systemZones().version()}`, formats: Object.values(mediaTypes), truncated: { any: true, untruncated: true } }
  return found({ version: 1, info, actions })
}

// RFC 7808 5.2: a token that is not the newest is one whose changes are not known, and gets all
async function list (question: ZoneQuestion): Promise<DavReply> {
  const since = question.query.get('changedsince') ?? []
  if (since.length > 1) throw new Problem(400, 'invalid-changedsince', 'changedsince may be there once')
  const { synctoken, zones } = await listing()
  return found({ synctoken, timezones: since[0] === synctoken ? [] : zones }, `"${synctoken}${since[0] === synctoken ? '-same' : ''}"`, question.ifNoneMatch)
}

// RFC 7808 5.5
async function find (question: ZoneQuestion): Promise<DavReply> {
  const [pattern = '', ...more] = question.query.get('pattern') ?? []
  const matches = more.length > 0 ? undefined : matcher(pattern)
  if (matches === undefined) throw new Problem(400, 'invalid-pattern', 'One pattern is expected: a name with * before or behind it; \\ stands before a * or \\ that is meant itself')
  const { synctoken, zones } = await listing()
  return found({ synctoken, timezones: zones.filter(({ tzid, aliases = [] }) => matches(tzid) || aliases.some(matches)) })
}

// RFC 7808 5.3
function get (tzid: string, { query, accept, ifNoneMatch }: ZoneQuestion): DavReply {
  const form = mediaWanted(accept)
  if (form === undefined) throw new Problem(406, 'invalid-format', `Time zones are told as ${Object.values(mediaTypes).join(' or ')}`)
  const from = timeIn(query, 'start', false)
  const to = timeIn(query, 'end', false)
  if (from !== undefined && to !== undefined && to <= from) throw new Problem(400, 'invalid-end', 'end has to be after start')
  const source = systemZones()
  const tag = `"${[tagOf(source, tzid), ...form === 'json' ? ['json'] : [], ...from === undefined ? [] : [`s${from}`], ...to === undefined ? [] : [`e${to}`]].join('-')}"`
  const headers = { ...caching, 'content-type': contentTypes[form], etag: tag, vary: 'Accept', 'last-modified': new Date(source.modified()).toUTCString() }
  if (isSame(ifNoneMatch, tag)) return { status: 304, headers }
  const zone = vtimezoneFor(tzid, from, to)
  if (zone === undefined) throw new Problem(404, 'tzid-not-found', `There is no time zone ${tzid} on this server`)
  return { status: 200, headers, body: rendered(calendarWith(withAlias(zone, tzid)), form) }
}

// RFC 7808 7.2
function withAlias (zone: Component, tzid: string): Component {
  const target = zoneBehind(systemZones().offered(), tzid)
  if (target === tzid) return zone
  const [name, ...rest] = zone.properties
  return { ...zone, properties: [name!, { ...name!, name: 'TZID-ALIAS-OF', value: target }, ...rest] }
}

// RFC 7808 5.4, 6.3
function expand (tzid: string, { query, ifNoneMatch }: ZoneQuestion): DavReply {
  const start = timeIn(query, 'start', true)!
  const asked = timeIn(query, 'end', true)!
  if (asked <= start) throw new Problem(400, 'invalid-end', 'end has to be after start')
  const end = Math.min(asked, start + mostYears * YEAR)
  const source = systemZones()
  const data = source.data(tzid)
  if (data === undefined) throw new Problem(404, 'tzid-not-found', `There is no time zone ${tzid} on this server`)
  const before = onsetAt(data, start - 1)
  const first = before ?? { at: start, from: beforeAll(data), to: beforeAll(data) }
  const onsets = onsetsOf(data, start, end)
  const all = onsets[0]?.at === start ? onsets : [{ at: start, from: first.to, to: first.to, label: labelOf(first) }, ...onsets]
  const observances = all.map(one => ({
    name: one.to.name !== '' ? one.to.name : 'label' in one ? one.label : labelOf(one),
    onset: timeText(one.at), 'utc-offset-from': one.from.offset, 'utc-offset-to': one.to.offset
  }))
  return found({ tzid, ...end === asked ? {} : { end: timeText(end) }, observances }, `"${tagOf(source, tzid)}"`, ifNoneMatch)
}

// RFC 7808 5.6
function leaps (): DavReply {
  const known = leapSeconds(systemZones().text('leap-seconds.list'))
  if (known === undefined) throw new Problem(404, 'invalid-action', 'Leap seconds are not known on this server')
  return found(known)
}

function found (body: unknown, etag?: string, ifNoneMatch?: string): DavReply {
  const headers = { ...caching, 'content-type': json, ...etag === undefined ? {} : { etag } }
  return etag !== undefined && isSame(ifNoneMatch, etag) ? { status: 304, headers } : { status: 200, headers, body: JSON.stringify(body) }
}

// the `etag` of a list has no quotes: some will send it as it is
function isSame (header: string | undefined, tag: string): boolean {
  return header !== undefined && header.split(',').some(one => ['*', tag, tag.slice(1, -1)].includes(one.trim().replace(/^W\//, '')))
}

// RFC 3339, in UTC
const time = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/i

/** UTC seconds. */
function timeIn (query: ZoneQuestion['query'], name: 'start' | 'end', isRequired: boolean): number | undefined {
  const [value, ...more] = query.get(name) ?? []
  if (value === undefined && !isRequired) return undefined
  const moment = value === undefined || more.length > 0 || !time.test(value) ? NaN : Date.parse(value.toUpperCase()) / 1000
  // Date takes 30 February for 2 March
  if (Number.isNaN(moment) || timeText(moment) !== value?.toUpperCase()) throw new Problem(400, `invalid-${name}`, `${name} is expected once, as 2025-01-31T00:00:00Z`)
  return moment
}
