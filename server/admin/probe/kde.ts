import { apple, caldav, cs, dav } from '../../xml/name.js'
import { askHome, findPrincipal, listCalendars } from './discovery.js'
import { hrefsIn } from './multistatus.js'
import { eachCalendar, listByQuery, state } from './sync.js'
import type { Client } from './visit.js'
import { writes } from './write.js'

/** KOrganizer, Kontact and Merkuro by Akonadi: the URL as it was typed, three queries whenever the ctag has moved. */
export const kde: Client = {
  name: 'KDE',
  about: 'KOrganizer, Kontact and Merkuro',
  agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine',
  waitsForChallenge: true,
  onBadCertificate: 'asks',
  needsSecrecy: false,
  needsXmlType: false,
  steps: [
    findPrincipal({ name: 'looks for the home', places: ['typed', '/.well-known/caldav'], properties: [dav('current-user-principal'), dav('principal-URL'), caldav('calendar-home-set')], takesHome: true }),
    askHome({
      name: 'asks the principal for the home', properties: [caldav('calendar-home-set')],
      look: (visit, one, answer) => {
        const odd = hrefsIn(one, caldav('calendar-home-set')).find(href => !/^(?:\/|https?:\/\/)/i.test(href))
        if (odd !== undefined) visit.fail(`the href of the home is relative (${odd}), which is not understood`, 'hrefs have to begin with / or with https://', answer)
      }
    }),
    listCalendars({
      name: 'lists the home', none: ['fails', 'there is no calendar yet: nothing is found'],
      properties: [dav('displayname'), dav('resourcetype'), apple('calendar-color'), caldav('supported-calendar-component-set'), dav('current-user-privilege-set'), cs('getctag')]
    }),
    eachCalendar('syncs', [
      state([cs('getctag')], [cs('getctag')], 'a calendar has no getctag: changes are not noticed'),
      listByQuery({ components: ['VEVENT', 'VTODO', 'VJOURNAL'], properties: [dav('getetag'), dav('resourcetype')], batch: 50 })
    ]),
    writes('writes', { moves: true })
  ]
}
