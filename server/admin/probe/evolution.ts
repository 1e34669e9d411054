import { apple, caldav, dav } from '../../xml/name.js'
import { uidQuery } from './body.js'
import { askHome, findPrincipal, listCalendars, offers } from './discovery.js'
import { conditionOf, eachCalendar, listByQuery, listBySync, type Look } from './sync.js'
import type { Client } from './visit.js'
import { writes } from './write.js'

const byQuery = listByQuery({ components: ['VEVENT', 'VTODO', 'VJOURNAL'], properties: [dav('getetag')], batch: 100 })

/** Evolution and GNOME Calendar, which share their backend (evolution-data-server). */
export const evolution: Client = {
  name: 'Evolution',
  about: 'Linux, with GNOME Calendar',
  agent: 'Evolution/3.58.0',
  waitsForChallenge: false,
  onBadCertificate: 'asks',
  needsSecrecy: false,
  needsXmlType: true,
  steps: [
    findPrincipal({
      name: 'looks for calendars', places: ['typed', '/.well-known/caldav'], takesHome: true,
      properties: [dav('resourcetype'), dav('current-user-principal'), dav('principal-URL'), caldav('calendar-home-set'), caldav('calendar-user-address-set')]
    }),
    askHome({ name: 'asks the principal for the home', properties: [caldav('calendar-home-set'), caldav('calendar-user-address-set')] }),
    listCalendars({
      name: 'lists the home', none: ['fails', 'there is no calendar yet: nothing is found that could be added'],
      properties: [dav('resourcetype'), caldav('supported-calendar-component-set'), dav('displayname'), caldav('calendar-description'), apple('calendar-color')]
    }),
    offers({ name: 'asks what a calendar can do', at: ({ calendars }) => calendars.slice(0, 1).map(({ url }) => url), problem: 'it is not taken for a calendar', methods: ['PUT', 'POST', 'DELETE'] }),
    eachCalendar('syncs', [
      listBySync({
        properties: [dav('getcontenttype'), dav('getetag')], depth: '0', batch: 100, token: keeps,
        refusal: answer => answer.status === 412 || answer.status === 403 && conditionOf(answer) === dav('valid-sync-token') ? undefined : 'it does not begin anew'
      }, byQuery),
      existence
    ]),
    writes('writes', { headers: { prefer: 'return=minimal' } })
  ]
}

// It takes a token without them for something else and forgets it
function keeps (token: string): readonly ['fails', string, string] | undefined {
  return /[:/]/.test(token) ? undefined : ['fails', `the sync token has neither : nor / in it (${token.slice(0, 60)}): it is thrown away, so that changes are never asked for and everything is read each time`, 'a sync token is a URI (RFC 6578 3.2): the server has to give it a form like data:,TOKEN']
}

/** Before it writes it asks whether a UID is there, for nothing but the UID. */
async function existence (...[visit, { url }]: Parameters<Look>): Promise<undefined> {
  await visit.read('REPORT', url, { depth: '1', body: uidQuery('caldavd-doctor-never-there') })
  return undefined
}
