import { elements } from '../../xml/element.js'
import { caldav, cs, dav, type Name } from '../../xml/name.js'
import { multiget, propfind, query, syncCollection } from './body.js'
import type { Answer } from './caller.js'
import { comparable, hrefsIn, namesIn, textIn, xmlOf, type Told } from './multistatus.js'
import { isScratch, type Calendar, type Step, type Visit } from './visit.js'

/** How many calendars are looked into: the same server made them all. */
const most = 3

/** One look at a calendar. @returns hrefs of events, as the server sent them, when it lists some */
export type Look = (visit: Visit, calendar: Calendar) => Promise<readonly string[] | undefined>

/** Looks into the calendars for events, one look after the other; the last list is what `fetch` fetches. */
export function eachCalendar (name: string, looks: readonly Look[]): Step {
  return {
    name,
    run: async visit => {
      const forEvents = visit.calendars.filter(({ components }) => components === undefined || components.includes('VEVENT'))
      if (visit.calendars.length > 0 && forEvents.length === 0) visit.find('remark', 'none of the calendars takes events', 'make one that does')
      // The one that was made for this look surely has events
      const ordered = forEvents.sort((a, b) => Number(isScratch(visit, b.url)) - Number(isScratch(visit, a.url)))
      for (const calendar of ordered.slice(0, most)) for (const look of looks) await look(visit, calendar)
    }
  }
}

/** PROPFIND on the calendar itself: what shows that something has changed. @param wanted  one of these has to be there */
export function state (properties: readonly Name[], wanted: readonly Name[], problem: string): Look {
  return async (visit, { url }) => {
    const { told: [one], answer } = await visit.read('PROPFIND', url, { depth: '0', body: propfind(properties) })
    if (!wanted.some(name => textIn(one, name) !== undefined && textIn(one, name) !== '')) visit.find('fails', problem, 'the server has to tell CS:getctag or DAV:sync-token of calendars', answer)
    return undefined
  }
}

/** A list by PROPFIND Depth 1, and the first events of it. */
export function listByProperties (properties: readonly Name[], batch: number): Look {
  return async (visit, { url }) => {
    const { told, answer } = await visit.read('PROPFIND', url, { depth: '1', body: propfind(properties) })
    const members = told.filter(one => one.url !== undefined && comparable(one.url) !== comparable(answer.url) && !namesIn(one, dav('resourcetype')).has(dav('collection')))
    checkMembers(visit, members, properties, answer)
    return await fetch(visit, url, members.map(({ href }) => href), batch)
  }
}

/** A list by calendar-query (RFC 4791 7.8), and the first events of it. @param from  days from now, negative for before; undefined asks for all */
export function listByQuery ({ components, properties, from, to, batch }: {
  readonly components: readonly string[], readonly properties: readonly Name[], readonly from?: number, readonly to?: number, readonly batch: number
}): Look {
  return async (visit, calendar) => {
    const hrefs: string[] = []
    for (const component of components) {
      if (calendar.components?.includes(component) === false) continue
      const range = from === undefined ? undefined : { start: daysFrom(visit, from), end: to === undefined ? undefined : daysFrom(visit, to) }
      const { told, answer } = await visit.read('REPORT', calendar.url, { depth: '1', body: query(component, properties, range) })
      const members = membersOf(told, calendar)
      checkMembers(visit, members, properties, answer)
      hrefs.push(...members.map(({ href }) => href))
    }
    return await fetch(visit, calendar.url, hrefs, batch)
  }
}

/** What is true of sync tokens for one client. */
export interface SyncHabits {
  readonly properties: readonly Name[]
  /** The Depth header it sends; RFC 6578 3.2 says 0. */
  readonly depth: '0' | '1'
  readonly batch: number
  /** What is wrong with a token for this client; undefined when nothing is. */
  readonly token?: (token: string) => readonly ['fails' | 'remark', problem: string, advice: string] | undefined
  /** What is wrong with how an invalid token is refused. */
  readonly refusal: (answer: Answer) => string | undefined
  /** Events of another media type are passed over. */
  readonly needsCalendarType?: boolean
}

/** sync-collection (RFC 6578) where the calendar offers it: from the beginning, from there, and with a token that was never given. Without it, `otherwise`. */
export function listBySync (habits: SyncHabits, otherwise: Look): Look {
  return async (visit, calendar) => {
    const { told: [one] } = await visit.read('PROPFIND', calendar.url, { depth: '0', body: propfind([dav('supported-report-set'), dav('sync-token'), cs('getctag')]) })
    if (!namesIn(one, dav('supported-report-set')).has(dav('sync-collection'))) {
      visit.note('the server does not offer sync-collection: whole lists are compared instead')
      return await otherwise(visit, calendar)
    }
    const ask = async (token: string): Promise<Answer> => await visit.ask('REPORT', calendar.url, { depth: habits.depth, body: syncCollection(token, habits.properties) })
    const first = await ask('')
    const { told, token } = visit.readAnswer(first)
    if (token === undefined || token === '') return visit.fail('sync-collection ends without a sync-token: changes cannot be asked for', 'this is a fault of the server (RFC 6578 6.4)', first)
    const flaw = habits.token?.(token)
    if (flaw !== undefined) visit.find(...flaw, first)
    const members = membersOf(told, calendar)
    checkMembers(visit, members, habits.properties, first)
    if (habits.needsCalendarType === true) checkTypes(visit, members, first)
    visit.readAnswer(await ask(token))
    const strange = await ask('http://example.invalid/never-given')
    const wrong = strange.status === 207 ? undefined : habits.refusal(strange)
    if (wrong !== undefined) visit.find('remark', `a sync token that is not known any more is answered with ${strange.status}: ${wrong}`, 'the server has to answer 403 with DAV:valid-sync-token (RFC 6578 3.2)', strange)
    return await fetch(visit, calendar.url, members.map(({ href }) => href), habits.batch)
  }
}

/** The precondition that an answer names in DAV:error, or ''. */
export function conditionOf (answer: Answer): string {
  try {
    const root = xmlOf(answer)
    return root.name === dav('error') ? elements(root)[0]?.name ?? '' : ''
  } catch {
    return ''
  }
}

/** The habit of clients that need the element to begin anew. */
export function needsCondition (answer: Answer): string | undefined {
  return [403, 409, 412].includes(answer.status) && conditionOf(answer) === dav('valid-sync-token') ? undefined : 'it does not see that it has to begin anew'
}

/** Fetches some events by calendar-multiget (RFC 4791 7.9). @returns the hrefs */
async function fetch (visit: Visit, url: URL, hrefs: readonly string[], batch: number): Promise<readonly string[]> {
  const some = hrefs.slice(0, batch)
  if (some.length === 0) return hrefs
  const { told, answer } = await visit.read('REPORT', url, { depth: '1', body: multiget(some.map(href => new URL(href, url).pathname)) })
  const came = new Map(told.flatMap(one => one.url === undefined ? [] : [[comparable(one.url), one] as const]))
  const missing = some.filter(href => !came.has(comparable(new URL(href, url))))
  if (missing.length > 0) visit.fail(`of ${some.length} events that were asked for by calendar-multiget, ${missing.length} did not come (${missing[0] ?? ''})`, 'the server has to answer for every href, in the form in which it was asked (RFC 4791 7.9)', answer)
  const whole = told.filter(({ status, found }) => status === undefined && found.size > 0)
  const empty = whole.find(one => textIn(one, caldav('calendar-data')) === undefined)
  if (empty !== undefined) visit.fail(`calendar-multiget gives no calendar-data for ${empty.href}`, 'this is a fault of the server', answer)
  const bare = whole.find(one => (textIn(one, dav('getetag')) ?? '') === '')
  if (bare !== undefined) visit.find('fails', `calendar-multiget gives no getetag for ${bare.href}: the event cannot be kept in step`, 'this is a fault of the server', answer)
  for (const one of whole) checkData(visit, one, answer)
  return hrefs
}

function checkData (visit: Visit, one: Told, answer: Answer): void {
  const data = textIn(one, caldav('calendar-data')) ?? ''
  if (!/^BEGIN:VCALENDAR/i.test(data)) visit.find('fails', `${one.href} is no iCalendar (${JSON.stringify(data.slice(0, 40))})`, 'repair or remove that file', answer)
  const uids = new Set([...data.replace(/\r?\n[ \t]/g, '').matchAll(/^UID(?:;[^:\r\n]*)?:(.*)$/gim)].map(([, uid]) => (uid ?? '').trim()))
  if (uids.size > 1) visit.find('remark', `${one.href} holds ${uids.size} UIDs: clients pass it over or stop`, 'an object has one UID (RFC 4791 4.1): split the file', answer)
  if (uids.size === 0 && data !== '') visit.find('remark', `${one.href} has no UID: clients pass it over`, 'give it one', answer)
}

function checkMembers (visit: Visit, members: readonly Told[], properties: readonly Name[], answer: Answer): void {
  const bare = members.find(one => (textIn(one, dav('getetag')) ?? '') === '')
  if (properties.includes(dav('getetag')) && bare !== undefined) visit.find('fails', `${bare.href} is listed without getetag: clients pass it over, or stop`, 'the server has to give every event an ETag (RFC 4791 5.3.4)', answer)
  const weak = members.find(one => textIn(one, dav('getetag'))?.startsWith('W/') === true)
  if (weak !== undefined) visit.find('remark', `${weak.href} has a weak ETag: a change that is sent with If-Match is refused as a conflict`, 'the server has to give strong ETags (RFC 4791 5.3.4); compression in the proxy weakens them (nginx: gzip off here)', answer)
}

function checkTypes (visit: Visit, members: readonly Told[], answer: Answer): void {
  const other = members.find(one => textIn(one, dav('getcontenttype'))?.toLowerCase().startsWith('text/calendar') !== true)
  if (other !== undefined) visit.find('fails', `${other.href} has the type ${textIn(other, dav('getcontenttype')) ?? 'none'}, not text/calendar: it is passed over`, 'the server has to tell DAV:getcontenttype text/calendar', answer)
}

/** What is told of a calendar, without itself and without what is gone. */
function membersOf (told: readonly Told[], { url }: Calendar): Told[] {
  return told.filter(one => one.url !== undefined && one.status === undefined && comparable(one.url) !== comparable(url) && !one.href.endsWith('/'))
}

function daysFrom ({ now }: Visit, days: number): Date {
  return new Date(now() + days * 86_400_000)
}

/** The addresses of a user by which she is invited, without 'mailto:'. */
export function mailOf (one: Told | undefined): string[] {
  return hrefsIn(one, caldav('calendar-user-address-set')).flatMap(href => /^mailto:/i.test(href) ? [href.slice(7)] : [])
}
