import t from 'tap'
import { child, elements, text, type Element } from '../../server/xml/element.js'
import { dav } from '../../server/xml/name.js'
import { calendarType, event } from '../event.js'
import { house } from '../house.js'
import { told, xml } from '../multistatus.js'

// The clauses of RFC 8144 that no other test holds; docs/rfc.md has the list

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const principal = '/principals/users/alice/'
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:x="x:"'
const minimal = { prefer: 'return=minimal' }

const bodies = (prop: string): Readonly<Record<string, readonly [method: string, url: string, body: string]>> => ({
  'PROPFIND': ['PROPFIND', calendar, `<D:propfind ${ns}><D:prop>${prop}</D:prop></D:propfind>`],
  'calendar-query': ['REPORT', calendar, `<C:calendar-query ${ns}><D:prop>${prop}</D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`],
  'calendar-multiget': ['REPORT', calendar, `<C:calendar-multiget ${ns}><D:prop>${prop}</D:prop><D:href>a.ics</D:href></C:calendar-multiget>`],
  'sync-collection': ['REPORT', calendar, `<D:sync-collection ${ns}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop>${prop}</D:prop></D:sync-collection>`],
  'expand-property': ['REPORT', principal, `<D:expand-property ${ns}>${prop.replace(/<(\w+):([\w-]+)\/>/g, (_, prefix, name) => `<D:property name="${name}" namespace="${prefix === 'D' ? 'DAV:' : 'x:'}"/>`)}</D:expand-property>`],
  'principal-match': ['REPORT', '/principals/', `<D:principal-match ${ns}><D:self/><D:prop>${prop}</D:prop></D:principal-match>`],
  'principal-property-search': ['REPORT', '/principals/', `<D:principal-property-search ${ns}><D:property-search><D:prop><D:displayname/></D:prop><D:match>alice</D:match></D:property-search><D:prop>${prop}</D:prop></D:principal-property-search>`],
  'calendarserver-principal-search': ['REPORT', '/principals/', `<CS:calendarserver-principal-search ${ns}><CS:search-token>alice</CS:search-token><D:prop>${prop}</D:prop></CS:calendarserver-principal-search>`],
  'acl-principal-prop-set': ['REPORT', calendar, `<D:acl-principal-prop-set ${ns}><D:prop>${prop}</D:prop></D:acl-principal-prop-set>`]
})

const statuses = (response: Element): string[] => elements(response, dav('propstat')).map(one => text(child(one, dav('status')) ?? one).slice(9, 12))

t.test('2.1 what is not there is left out of every 207', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const [name, [method, url, body]] of Object.entries(bodies('<D:displayname/><D:getetag/><x:none/>'))) {
    const headers = { depth: name === 'PROPFIND' || name === 'calendar-query' ? '1' : '0' }
    const whole = elements(xml((await ask(method, url, { body, headers })).body), dav('response'))
    const answer = await ask(method, url, { body, headers: { ...headers, ...minimal } })
    const less = elements(xml(answer.body), dav('response'))
    t.equal(answer.headers['preference-applied'], 'return=minimal', name)
    t.ok(whole.length > 0 && whole.every(one => statuses(one).includes('404')), name)
    t.same(less.map(one => text(child(one, dav('href')) ?? one)), whole.map(one => text(child(one, dav('href')) ?? one)), `${name}: the same resources`)
    t.same(less.flatMap(statuses).filter(status => status !== '200'), [], name)
  }
})

t.test('2.1 where nothing is left there is an empty DAV:prop with 200', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const [name, [method, url, body]] of Object.entries(bodies('<x:none/>'))) {
    const responses = elements(xml((await ask(method, url, { body, headers: { depth: '0', ...minimal } })).body), dav('response'))
    t.ok(responses.length > 0, name)
    for (const response of responses) {
      t.same(statuses(response), ['200'], name)
      t.same(elements(child(child(response, dav('propstat')) ?? response, dav('prop')) ?? response), [], name)
    }
  }
  const inner = await ask('REPORT', principal, { headers: minimal, body: `<D:expand-property ${ns}><D:property name="current-user-principal"><D:property name="none" namespace="x:"/></D:property></D:expand-property>` })
  t.match(inner.body, /<D:href>[^<]*<\/D:href><D:propstat><D:prop\/?>(?:<\/D:prop>)?<D:status>HTTP\/1.1 200 OK<\/D:status>/, 'in what is expanded too')
})

t.test('2.2, 2.3 what fails is told whole', async t => {
  const { ask } = await house(t)
  const body = `<C:mkcalendar ${ns}><D:set><D:prop><D:displayname>x</D:displayname><D:getetag>x</D:getetag></D:prop></D:set></C:mkcalendar>`
  const failed = await ask('MKCALENDAR', `${home}new/`, { body, headers: minimal })
  t.same([...told(failed.body).get(`${home}new/`)?.properties.values() ?? []].map(({ status }) => status).sort(), [403, 424])
  t.equal((await ask('PROPFIND', `${home}new/`, { headers: { depth: '0' } })).status, 404)
  const gone = await ask('REPORT', calendar, { headers: minimal, body: bodies('<D:getetag/>')['calendar-multiget']?.[2] ?? '' })
  t.equal(told(gone.body).get('a.ics')?.status, 404, 'a resource that is not there is no property')
})

t.test('2, RFC 7240 2: what is not understood is passed over, the first of two counts', async t => {
  const { ask } = await house(t)
  const body = `<D:propfind ${ns}><D:prop><x:none/></D:prop></D:propfind>`
  for (const [prefer, applied] of [['return=minimal', 'return=minimal'], ['x-own=1, Return = "minimal"', 'return=minimal'], ['return=representation, return=minimal', undefined], ['return=nothing', undefined], ['', undefined]] as const) {
    const { status, headers } = await ask('PROPFIND', calendar, { body, headers: { depth: '0', prefer } })
    t.same([status, headers['preference-applied']], [207, applied], prefer)
  }
})
