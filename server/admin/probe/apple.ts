import { caldav, cs, dav } from '../../xml/name.js'
import { appleCollection, applePrincipal, appleValues, delegates, propfind, searchable, syncCollection } from './body.js'
import type { Answer } from './caller.js'
import { askHome, classesOf, findPrincipal, listCalendars, offers } from './discovery.js'
import { hrefsIn, namesIn, type Told } from './multistatus.js'
import { eachCalendar, listByProperties, listByQuery, mailOf, state } from './sync.js'
import type { Client, Step, Visit } from './visit.js'
import { writes } from './write.js'

/** macOS and iOS, as recorded of OS X 10.11: about forty properties at once, and what is not known must not hurt. */
export const appleCalendar: Client = {
  name: 'Apple',
  about: 'Calendar of macOS, iOS and iPadOS',
  agent: 'Mac+OS+X/10.11 (15A283) CalendarAgent/361',
  waitsForChallenge: true,
  onBadCertificate: 'asks',
  needsSecrecy: true,
  needsXmlType: false,
  steps: [
    findPrincipal({
      name: 'looks for the principal', places: ['typed path', '/.well-known/caldav', 'records', '/', '/principals/'],
      properties: [dav('current-user-principal'), dav('principal-URL'), dav('resourcetype')]
    }),
    offers({ name: 'asks what the server can do', at: ({ principal }) => principal === undefined ? [] : [principal], problem: 'the account is refused' }),
    askHome({ name: 'asks the principal for everything', properties: applePrincipal, look: lookAtPrincipal }),
    aside('asks how people may be searched', async visit => {
      const [collection] = hrefsIn(visit.principalTold, dav('principal-collection-set'))
      if (collection === undefined || visit.principal === undefined) return
      const answer = await visit.ask('REPORT', new URL(collection, visit.principal), { depth: '0', body: searchable })
      if (answer.status !== 200) visit.note('people cannot be searched: attendees have to be typed')
    }),
    listCalendars({ name: 'lists the home', properties: appleCollection, none: ['remark', 'there is no calendar yet: Reminders and Calendar show nothing until one is made'], look: lookAtHome }),
    eachCalendar('syncs', [
      state([cs('getctag'), dav('sync-token')], [cs('getctag'), dav('sync-token')], 'a calendar tells neither getctag nor sync-token: changes never arrive'),
      listByQuery({ components: ['VEVENT'], properties: [dav('getetag'), dav('getcontenttype')], from: -31, to: 366, batch: 50 }),
      listByProperties([dav('getcontenttype'), dav('getetag')], 50)
    ]),
    aside('polls the home', pollHome),
    aside('asks for delegates', async visit => {
      if (visit.principal === undefined || !namesIn(visit.principalTold, dav('supported-report-set')).has(dav('expand-property'))) return
      const answer = await visit.ask('REPORT', visit.principal, { depth: '0', body: delegates })
      if (answer.status !== 207) visit.findBy('remark', answer, 'delegation is offered (expand-property) and does not work')
    }),
    writes('writes', { moves: true, values: appleValues })
  ]
}

function aside (name: string, run: Step['run']): Step {
  return { name, run }
}

function lookAtPrincipal (visit: Visit, one: Told, answer: Answer): void {
  const homes = hrefsIn(one, caldav('calendar-home-set'))
  if (homes.length > 1) visit.find('remark', `the principal names ${homes.length} homes, and only the first is shown`, 'put the calendars into one home', answer)
  if (homes.some(href => !href.endsWith('/'))) visit.find('remark', 'the href of the home has no slash at its end: older versions find no calendars', 'hrefs of collections end with a slash', answer)
  // OS X 10.6 and later take them from here
  if (!classesOf(answer).has('calendar-access')) visit.find('remark', 'the DAV header comes with OPTIONS only: features are looked for in every answer', 'send it with PROPFIND too, and let the proxy pass it on', answer)
  if (!classesOf(answer).has('calendar-auto-schedule')) visit.note('the server does not send invitations: events have no row for invitees')
  else if (mailOf(one).length === 0) visit.find('remark', 'the principal has no mailto: address: nobody can be invited', 'give the account a mail address', answer)
}

function lookAtHome (visit: Visit, all: readonly Told[], answer: Answer): void {
  const calendars = all.filter(one => namesIn(one, dav('resourcetype')).has(caldav('calendar')))
  const untyped = calendars.find(({ found }) => !found.has(caldav('supported-calendar-component-set')))
  if (untyped !== undefined) visit.find('remark', `${untyped.href} does not tell whether it is for events or tasks: lists of reminders may go wrong`, 'the server has to tell supported-calendar-component-set', answer)
  const silent = calendars.find(({ found }) => !found.has(dav('current-user-privilege-set')))
  if (silent !== undefined) visit.find('remark', `${silent.href} does not tell what the user may do (current-user-privilege-set)`, 'the server has to tell it (RFC 3744 5.4)', answer)
}

/** Where the home itself offers sync-collection it is asked instead of every calendar. */
async function pollHome (visit: Visit): Promise<void> {
  const [home] = visit.homes
  if (home === undefined) return
  const { told: [one] } = await visit.read('PROPFIND', home, { depth: '0', body: propfind([dav('supported-report-set'), dav('sync-token'), cs('getctag')]) })
  if (!namesIn(one, dav('supported-report-set')).has(dav('sync-collection'))) return
  const answer = await visit.ask('REPORT', home, { depth: '1', body: syncCollection('', appleCollection) })
  if (answer.status !== 207) visit.findBy('fails', answer, 'the home offers sync-collection and does not answer it, so changes never arrive')
  else if (visit.readAnswer(answer).token === undefined) visit.find('fails', 'sync-collection of the home ends without a sync-token', 'this is a fault of the server', answer)
}
