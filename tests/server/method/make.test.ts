import { readdirSync } from 'node:fs'
import t from 'tap'
import { elements, text, type Element } from '../../../server/xml/element.js'
import { apple, caldav, cs, dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { conditionIn, outcome, told, xml } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/" xmlns:CS="http://calendarserver.org/ns/"'
const mkcalendar = (properties: string): string => `<C:mkcalendar ${ns}><D:set><D:prop>${properties}</D:prop></D:set></C:mkcalendar>`
const mkcol = (properties: string): string => `<D:mkcol ${ns}><D:set><D:prop>${properties}</D:prop></D:set></D:mkcol>`
const calendarTypes = '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>'

t.test('a calendar is made with its properties, or not at all', async t => {
  const { ask, documents, lines } = await house(t)
  const named = async (url: string): Promise<(name: `{${string}}${string}`) => Element | undefined> => {
    const body = `<D:propfind ${ns}><D:prop><D:displayname/><D:resourcetype/><A:calendar-color/><C:supported-calendar-component-set/><CS:source/><A:unknown/></D:prop></D:propfind>`
    const found = told((await ask('PROPFIND', url, { body, headers: { depth: '0' } })).body)
    return name => found.get(url)?.properties.get(name)?.status === 200 ? found.get(url)?.properties.get(name)?.value : undefined
  }
  const typesOf = (value: Element | undefined): string[] => value === undefined ? [] : elements(value).map(({ name }) => name)

  const made = await ask('MKCALENDAR', `${home}plain`)
  t.same([made.status, made.headers['location'], made.headers['cache-control'], made.body], [201, `${home}plain/`, 'no-cache', ''])
  t.same(typesOf((await named(`${home}plain/`))(dav('resourcetype'))), [dav('collection'), caldav('calendar')])

  const apples = mkcalendar('<A:calendar-color symbolic-color="custom">#FD8208FF</A:calendar-color><D:displayname>Wörk</D:displayname><C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set><A:unknown>kept</A:unknown>')
  t.equal((await ask('MKCALENDAR', `${home}apple/`, { body: apples })).status, 201)
  const apple_ = await named(`${home}apple/`)
  t.equal(text(apple_(dav('displayname')) ?? xml('<a/>')), 'Wörk')
  t.equal(apple_(apple('calendar-color'))?.attributes['symbolic-color'], 'custom')
  t.same(elements(apple_(caldav('supported-calendar-component-set')) ?? xml('<a/>')).map(({ attributes }) => attributes['name']), ['VTODO'])
  t.ok(apple_(apple('unknown')))
  t.equal(outcome(await ask('PUT', `${home}apple/a.ics`, { body: event('a'), headers: calendarType })), '403 supported-calendar-component')

  // iCal since 10.9 makes its subscriptions so
  const subscription = mkcalendar('<D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype><D:displayname>Holidays</D:displayname><A:calendar-color>#000000</A:calendar-color><A:calendar-order>3</A:calendar-order><CS:source><D:href>webcal://example.com/x.ics</D:href></CS:source>')
  t.equal((await ask('MKCALENDAR', `${home}subscribed/`, { body: subscription })).status, 201)
  const subscribed = await named(`${home}subscribed/`)
  t.same(typesOf(subscribed(dav('resourcetype'))), [dav('collection'), cs('subscribed')])
  t.ok(subscribed(cs('source')))

  t.same((await ask('MKCOL', `${home}folder`)).status, 201)
  t.same(typesOf((await named(`${home}folder/`))(dav('resourcetype'))), [dav('collection')])
  const extended = await ask('MKCOL', `${home}extended/`, { body: mkcol(`${calendarTypes}<D:displayname>Extended</D:displayname>`) })
  t.equal(extended.status, 201)
  t.equal(xml(extended.body).name, dav('mkcol-response'))
  t.same(typesOf((await named(`${home}extended/`))(dav('resourcetype'))), [dav('collection'), caldav('calendar')])
  t.equal((await ask('PUT', `${home}extended/a.ics`, { body: event('a'), headers: calendarType })).status, 201)
  t.equal((await ask('MKCALENDAR', `${home}folder/deep/`)).status, 201, 'a calendar in a folder (RFC 4791 4.2)')

  const before = readdirSync(documents + home)
  const bad = await ask('MKCALENDAR', `${home}bad/`, { body: mkcalendar('<D:displayname>x</D:displayname><D:getetag>"1"</D:getetag><C:supported-calendar-component-set><C:comp name="VNOTHING"/></C:supported-calendar-component-set>') })
  t.equal(bad.status, 207)
  const statuses = [...told(bad.body).get(`${home}bad/`)?.properties ?? []].map(([name, { status, condition }]) => [name, status, condition])
  t.same(statuses.sort(), [
    [dav('displayname'), 424, undefined], [dav('getetag'), 403, dav('cannot-modify-protected-property')],
    [caldav('supported-calendar-component-set'), 403, caldav('supported-calendar-component')]
  ].sort())
  const badMkcol = await ask('MKCOL', `${home}bad/`, { body: mkcol(`${calendarTypes}<D:displayname>x</D:displayname><D:getetag>1</D:getetag>`) })
  t.equal(badMkcol.status, 403)
  t.match(badMkcol.body, /424/)
  t.same(readdirSync(documents + home), before)
  t.same(lines, [])
})

t.test('where, over what and with what it cannot be made', async t => {
  const { ask, documents } = await house(t, { settings: { 'limits.collections': '6' } })
  await ask('MKCOL', `${home}folder/`)
  await ask('PUT', `${home}folder/file`, { body: 'x' })
  await ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: calendarType })
  const before = readdirSync(documents + home)
  const cases: readonly (readonly [why: string, method: string, url: string, outcome: string, body?: string | Buffer, headers?: Record<string, string>])[] = [
    ['a calendar is there', 'MKCALENDAR', `${home}calendar/`, '403 resource-must-be-null'], ['a calendar is there', 'MKCOL', `${home}calendar/`, '405'], ['an event is there', 'MKCOL', `${home}calendar/a.ics`, '405'],
    ['the home', 'MKCALENDAR', home, '403 resource-must-be-null'], ['the root', 'MKCOL', '/', '405'],
    ['in a calendar', 'MKCALENDAR', `${home}calendar/b/`, '403 calendar-collection-location-ok'], ['in a calendar', 'MKCOL', `${home}calendar/b/`, '403 calendar-collection-location-ok'],
    ['in the inbox', 'MKCOL', `${home}inbox/b/`, '403 calendar-collection-location-ok'], ['without a parent', 'MKCALENDAR', `${home}none/b/`, '409'], ['without a parent', 'MKCOL', `${home}none/b/`, '409'],
    ['below a file', 'MKCOL', `${home}folder/file/b/`, '409'], ['in nobody’s home', 'MKCOL', '/calendars/users/nobody/b/', '403 need-privileges'],
    ['a dot name', 'MKCALENDAR', `${home}.b/`, '403'], ['300 bytes', 'MKCOL', `${home}${'b'.repeat(300)}/`, '403'],
    ['no XML', 'MKCALENDAR', `${home}b/`, '400', '<a'], ['two roots', 'MKCALENDAR', `${home}b/`, '400', '<a/><b/>'], ['DOCTYPE', 'MKCALENDAR', `${home}b/`, '403 no-external-entities', '<!DOCTYPE a><a/>'],
    ['another root', 'MKCALENDAR', `${home}b/`, '415', mkcol('')], ['another root', 'MKCOL', `${home}b/`, '415', mkcalendar('')], ['another media type', 'MKCOL', `${home}b/`, '415', 'hello', { 'content-type': 'text/plain' }],
    ['another media type', 'MKCALENDAR', `${home}b/`, '415', mkcalendar(''), { 'content-type': 'image/png' }], ['without DAV:prop', 'MKCALENDAR', `${home}b/`, '400', `<C:mkcalendar ${ns}><D:set/></C:mkcalendar>`]
  ]
  for (const [why, method, url, expected, body, headers] of cases) {
    const answer = await ask(method, url, { ...(body === undefined ? {} : { body }), headers: { 'content-type': 'application/xml', ...headers } })
    t.equal(outcome(answer), expected, `${method} ${why}`)
  }
  const unknown = await ask('MKCOL', `${home}b/`, { body: mkcol('<D:resourcetype><D:collection/><D:principal/></D:resourcetype>') })
  t.equal(unknown.status, 403)
  t.match(unknown.body, /valid-resourcetype/)
  t.equal(outcome(await ask('MKCALENDAR', `${home}b/`, { body: mkcalendar('<D:resourcetype><C:calendar/></D:resourcetype>') })), '403 valid-resourcetype', 'no DAV:collection')
  t.same(readdirSync(documents + home), before, 'nothing was made')
  t.equal((await ask('MKCALENDAR', `${home}sixth/`)).status, 201)
  t.equal(conditionIn(await ask('MKCALENDAR', `${home}seventh/`)), dav('quota-not-exceeded'))
  const both = await Promise.all([1, 2].map(async () => (await ask('MKCOL', `${home}folder/once/`)).status))
  t.same(both.sort(), [201, 405], 'two at once')
})

t.test('what may be made is told, and can be made', async t => {
  const { ask } = await house(t, { settings: { 'access.admins': 'users/alice' } })
  const body = `<D:propfind ${ns}><D:prop><C:supported-calendar-component-sets/></D:prop></D:propfind>`
  const value = told((await ask('PROPFIND', home, { body, headers: { depth: '0' } })).body).get(home)?.properties.get(caldav('supported-calendar-component-sets'))?.value ?? xml('<a/>')
  const sets = elements(value, caldav('supported-calendar-component-set')).map(set => elements(set).map(({ attributes }) => attributes['name'] ?? ''))
  t.ok(sets.length > 4 && sets.some(set => set.join() === 'VTODO') && sets.some(set => set.join() === 'VEVENT') && sets.some(set => set.length > 2))
  for (const [number, set] of sets.entries()) {
    const made = await ask(number % 2 === 0 ? 'MKCALENDAR' : 'MKCOL', `${home}set${number}/`, { body: (number % 2 === 0 ? mkcalendar : mkcol)(`${calendarTypes}<C:supported-calendar-component-set>${set.map(name => `<C:comp name="${name}"/>`).join('')}</C:supported-calendar-component-set>`) })
    t.equal(made.status, 201, set.join())
    t.equal(outcome(await ask('PUT', `${home}set${number}/a.ics`, { body: event('a'), headers: calendarType })), set.includes('VEVENT') ? '201' : '403 supported-calendar-component', set.join())
  }
  t.equal(told((await ask('PROPFIND', home, { headers: { depth: '0' } })).body).get(home)?.properties.has(caldav('supported-calendar-component-sets')), false, 'not in allprop')
  for (const url of ['/other/', '/calendars/other/', '/calendars/users/other/', '/principals/users/other/']) {
    t.match(outcome(await ask('MKCALENDAR', url)), /^403 (?:calendar-collection-location-ok|need-privileges)$/, url)
  }
  t.equal(outcome(await ask('MKCALENDAR', '/calendars/users/alice/outbox/a/')), '403 calendar-collection-location-ok')
})
