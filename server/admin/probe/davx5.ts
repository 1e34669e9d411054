import { apple, caldav, cs, dav } from '../../xml/name.js'
import type { Answer } from './caller.js'
import { askHome, classesOf, findPrincipal, listCalendars, withoutAccess } from './discovery.js'
import { eachCalendar, listByQuery, listBySync, mailOf, needsCondition, state } from './sync.js'
import type { Client, Visit } from './visit.js'
import { writes } from './write.js'

/** Android; events by a query from 90 days ago, tasks by sync-collection, ten to a multiget. */
export const davx5: Client = {
  name: 'DAVx5',
  about: 'Android, with Tasks.org and jtx Board',
  agent: 'DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15',
  waitsForChallenge: false,
  onBadCertificate: 'asks',
  needsSecrecy: false,
  needsXmlType: false,
  steps: [
    findPrincipal({
      name: 'looks for the principal', places: ['typed', '/.well-known/caldav', 'records', '/'],
      properties: [dav('resourcetype'), dav('displayname'), apple('calendar-color'), caldav('calendar-description'), caldav('calendar-timezone'), dav('current-user-privilege-set'), caldav('supported-calendar-component-set'), caldav('calendar-home-set'), dav('current-user-principal')],
      accepts: providesCalendars
    }),
    askHome({
      name: 'asks the principal for calendars',
      properties: [dav('displayname'), dav('group-membership'), dav('resourcetype'), caldav('calendar-home-set'), caldav('calendar-user-address-set'), cs('calendar-proxy-read-for'), cs('calendar-proxy-write-for')],
      look: (visit, one) => { if (mailOf(one).length === 0) visit.note('the principal has no mail address: the user types it') }
    }),
    listCalendars({
      name: 'lists the calendars', none: ['remark', 'there is no calendar yet: the list stays empty until one is made'],
      properties: [dav('current-user-privilege-set'), dav('displayname'), dav('owner'), dav('resourcetype'), apple('calendar-color'), caldav('calendar-description'), caldav('calendar-timezone'), caldav('calendar-timezone-id'), caldav('supported-calendar-component-set'), cs('source')]
    }),
    eachCalendar('syncs', [
      state([caldav('max-resource-size'), dav('supported-report-set'), cs('getctag'), dav('sync-token')], [cs('getctag'), dav('sync-token')], 'a calendar tells neither getctag nor sync-token: changes are not noticed'),
      listByQuery({ components: ['VEVENT'], properties: [dav('getetag')], from: -90, batch: 10 }),
      listBySync({ properties: [dav('getetag'), dav('resourcetype')], depth: '1', batch: 10, refusal: needsCondition }, listByQuery({ components: ['VEVENT', 'VTODO'], properties: [dav('getetag')], batch: 10 }))
    ]),
    writes('writes')
  ]
}

/** OPTIONS on the principal has to name calendar-access, or it is no service for calendars. */
async function providesCalendars (visit: Visit, principal: URL): Promise<Answer | undefined> {
  const answer = await visit.ask('OPTIONS', principal)
  if (answer.status < 200 || answer.status > 299) visit.findBy('fails', answer, 'the principal does not answer OPTIONS')
  else if (classesOf(answer).has('calendar-access')) return undefined
  else visit.find('fails', ...withoutAccess(answer, 'it is taken for a server without calendars'), answer)
  return answer
}
