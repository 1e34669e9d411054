import { apple, caldav, cs, dav } from '../../xml/name.js'
import { propfind } from './body.js'
import type { Answer } from './caller.js'
import { askHome, classesOf, findPrincipal, listCalendars } from './discovery.js'
import { hrefsIn, namesIn, type Told } from './multistatus.js'
import { eachCalendar, listByProperties, listBySync, type Look } from './sync.js'
import type { Client, Visit } from './visit.js'
import { writes } from './write.js'

const found = [dav('resourcetype'), dav('owner'), dav('displayname'), dav('current-user-principal'), dav('current-user-privilege-set'), apple('calendar-color'), caldav('calendar-home-set')]

/** Its own calendar: a refused login anywhere ends the search, and a calendar that moves is asked about. */
export const thunderbird: Client = {
  name: 'Thunderbird',
  about: 'Linux, macOS, Windows',
  agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0',
  waitsForChallenge: true,
  onBadCertificate: 'asks',
  needsSecrecy: false,
  needsXmlType: false,
  steps: [
    findPrincipal({ name: 'looks for calendars', places: ['typed path', 'records', '/.well-known/caldav', '/'], properties: found, stopsAt401: true, takesHome: true }),
    askHome({ name: 'asks the principal for the home', properties: [caldav('calendar-home-set')] }),
    listCalendars({
      name: 'lists the home', properties: [dav('resourcetype'), dav('displayname'), dav('current-user-privilege-set'), apple('calendar-color')],
      none: ['fails', 'there is no calendar yet: it says that none were found, and no account is made'], look: lookAtList
    }),
    eachCalendar('opens and syncs', [
      open,
      listBySync({
        properties: [dav('getcontenttype'), dav('getetag')], depth: '1', batch: 100, needsCalendarType: true, refusal: beginsAnew
      }, listByProperties([dav('getcontenttype'), dav('resourcetype'), dav('getetag')], 100))
    ]),
    writes('writes')
  ]
}

// What has no resource type stops the whole search
function lookAtList (visit: Visit, all: readonly Told[], answer: Answer): void {
  const bare = all.find(({ found }) => !found.has(dav('resourcetype')))
  if (bare !== undefined) visit.fail(`${bare.href} in the home has no resourcetype: the search for calendars ends there`, 'the server has to tell DAV:resourcetype of everything, even if it is empty', answer)
}

const writing = [dav('write'), dav('write-content'), dav('write-properties'), dav('bind'), dav('all')] as const

/** What it wants to know of a calendar before it syncs it. */
async function open (visit: Visit, { url }: Parameters<Look>[1]): Promise<undefined> {
  const { told: [one], answer } = await visit.read('PROPFIND', url, {
    depth: '0', body: propfind([dav('resourcetype'), dav('owner'), dav('current-user-principal'), dav('current-user-privilege-set'), dav('supported-report-set'), caldav('supported-calendar-component-set'), cs('getctag')])
  })
  if (answer.hops.length > 0) visit.find('remark', `the calendar ${url.pathname} is redirected to ${answer.url.href}: the user is asked, and without a yes the calendar is switched off`, 'calendars have to answer at the href that lists them, without a redirect', answer)
  if (!namesIn(one, dav('resourcetype')).has(caldav('calendar'))) visit.fail(`${url.pathname} is listed as a calendar and does not say so itself`, 'this is a fault of the server', answer)
  const privileges = namesIn(one, dav('current-user-privilege-set'))
  if (one?.found.has(dav('current-user-privilege-set')) === true && !writing.some(name => privileges.has(name))) visit.note(`${url.pathname} may only be read`)
  const options = await optionsAbove(visit, url)
  if (options.status < 200 || options.status > 299) visit.failBy(options)
  const classes = classesOf(options)
  if (!classes.has('calendar-auto-schedule') && !classes.has('calendar-schedule')) visit.note('the server does not send invitations: Thunderbird sends them by mail itself')
  else if (hrefsIn(visit.principalTold, caldav('schedule-outbox-URL')).length === 0) await scheduling(visit)
  return undefined
}

/** It asks the parent of the calendar, and where there is none the calendar. */
async function optionsAbove (visit: Visit, url: URL): Promise<Answer> {
  const above = await visit.ask('OPTIONS', new URL('..', url))
  return above.status === 404 ? await visit.ask('OPTIONS', url) : above
}

async function scheduling (visit: Visit): Promise<void> {
  if (visit.principal === undefined) return
  const { told: [one], answer } = await visit.read('PROPFIND', visit.principal, { depth: '0', body: propfind([caldav('calendar-home-set'), caldav('calendar-user-address-set'), caldav('schedule-inbox-URL'), caldav('schedule-outbox-URL')]) })
  const missing = [caldav('schedule-inbox-URL'), caldav('schedule-outbox-URL')].filter(name => hrefsIn(one, name).length === 0)
  if (missing.length > 0) visit.find('remark', 'the server says that it sends invitations, and the principal has no inbox or outbox: nobody is invited', 'the principal has to tell schedule-inbox-URL and schedule-outbox-URL (RFC 6638)', answer)
}

// An empty DAV:error means to it that it asks too often
function beginsAnew ({ status, body }: Answer): string | undefined {
  if (status < 400 || status > 499 || status === 429) return 'it does not begin anew'
  return body.toString('utf8').includes('<D:error xmlns:D="DAV:"/>') ? 'it takes an empty DAV:error for a limit and waits' : undefined
}
