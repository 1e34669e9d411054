import { caldav, dav } from '../../xml/name.js'
import { askHome, findPrincipal, listCalendars } from './discovery.js'
import { eachCalendar, listByProperties } from './sync.js'
import type { Client } from './visit.js'
import { writes } from './write.js'

/** vdirsyncer, with khal and todoman: whole lists each time, and no certificate it does not know. */
export const vdirsyncer: Client = {
  name: 'vdirsyncer',
  about: 'with khal and todoman',
  agent: 'vdirsyncer/0.20.0',
  waitsForChallenge: false,
  onBadCertificate: 'refuses',
  needsSecrecy: false,
  needsXmlType: false,
  steps: [
    findPrincipal({ name: 'looks for the principal', places: ['typed', '/.well-known/caldav'], properties: [dav('current-user-principal')] }),
    askHome({ name: 'asks for the home', properties: [caldav('calendar-home-set')] }),
    listCalendars({ name: 'lists the home', properties: [dav('resourcetype')], none: ['remark', 'there is no calendar yet: it offers to make one'] }),
    eachCalendar('lists and fetches', [listByProperties([dav('resourcetype'), dav('getcontenttype'), dav('getetag')], 30)]),
    writes('writes')
  ]
}
