import { DavError } from '../dav/error.js'
import { xmlType } from '../dav/reply.js'
import { DAY } from '../ical/civil.js'
import { formatWhen, parseDateTime, ValueError } from '../ical/time.js'
import { calendarWith, offsetText, vtimezoneFor } from '../ical/vtimezone-write.js'
import { beforeAll, onsetAt, onsetsOf } from '../ical/zone-onsets.js'
import { systemZones } from '../ical/zone-source.js'
import type { ZoneData } from '../ical/zone-data.js'
import type { DavReply } from '../site/request.js'
import { element, type Element } from '../xml/element.js'
import { cs } from '../xml/name.js'
import { write } from '../xml/write.js'
import { contentTypes, rendered } from './media.js'

// As many as the standard service expands
const mostYears = 200

/**
 * The time zone service of Apple's servers from 2008 on: `?method=list`, `get` and `expand`, answered in their XML; `action` is
 * understood too. There is no document about it.
 * @throws DavError 400, 404
 */
export function appleTimezoneService (query: ReadonlyMap<string, readonly string[]>): DavReply {
  const methods = [...query.get('method') ?? [], ...query.get('action') ?? []]
  if (methods.length > 1) throw wrong('valid-method', 'method is expected once')
  const act = actions.get(methods[0] ?? '')
  if (act === undefined) throw wrong('supported-method', `method is expected to be one of ${[...actions.keys()].join(', ')}`)
  return act(query)
}

const actions: ReadonlyMap<string, (query: ReadonlyMap<string, readonly string[]>) => DavReply> = new Map([
  ['list', list], ['get', get], ['expand', expand]
])

function list (): DavReply {
  return xml(element(cs('tzids'), ...[...systemZones().offered().keys()].map(name => element(cs('tzid'), name))))
}

function get (query: ReadonlyMap<string, readonly string[]>): DavReply {
  const { tzid } = zoneIn(query)
  return { status: 200, headers: { 'content-type': contentTypes.text, 'cache-control': 'public, max-age=3600' }, body: rendered(calendarWith(vtimezoneFor(tzid)!), 'text') }
}

/** Onsets are told on the wall clock as it was before, the first is the start of the range. */
function expand (query: ReadonlyMap<string, readonly string[]>): DavReply {
  const { data } = zoneIn(query)
  const start = momentIn(query, 'start')
  const asked = momentIn(query, 'end')
  if (asked <= start) throw wrong('valid-end-date', 'end has to be after start')
  const end = Math.min(asked, start + mostYears * 366 * DAY)
  const first = onsetAt(data, start)?.to ?? beforeAll(data)
  const seen = [{ at: start + first.offset, offset: first.offset }, ...onsetsOf(data, start + 1, end).map(({ at, from, to }) => ({ at: at + from.offset, offset: to.offset }))]
  return xml(element(cs('tzdata'), ...seen.map(({ at, offset }) => element(cs('observance'),
    element(cs('onset'), formatWhen({ date: false, local: at, zone: 'floating' })), element(cs('utc-offset'), offsetText(offset))))))
}

function zoneIn (query: ReadonlyMap<string, readonly string[]>): { readonly tzid: string, readonly data: ZoneData } {
  const [tzid = '', ...more] = query.get('tzid') ?? []
  if (tzid === '' || more.length > 0) throw wrong('valid-timezone', 'tzid is expected once')
  const data = systemZones().isOffered(tzid) ? systemZones().data(tzid) : undefined
  if (data === undefined) throw new DavError(404, `there is no time zone ${tzid.slice(0, 80)}`, { element: element(cs('timezone-available')) })
  return { tzid, data }
}

/** UTC seconds. */
function momentIn (query: ReadonlyMap<string, readonly string[]>, name: 'start' | 'end'): number {
  const [value = '', ...more] = query.get(name) ?? []
  try {
    if (more.length === 0) return parseDateTime(value).local
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
  }
  throw wrong(`valid-${name}-date`, `${name} is expected once, as 20250131T000000Z`)
}

function wrong (name: string, message: string): DavError {
  return new DavError(400, message, { element: element(cs(name)) })
}

function xml (body: Element): DavReply {
  return { status: 200, headers: { 'content-type': xmlType, 'cache-control': 'public, max-age=3600' }, body: write(body) }
}
