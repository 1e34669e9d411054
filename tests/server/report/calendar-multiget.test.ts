import { writeFileSync } from 'node:fs'
import t from 'tap'
import { elements, text, child } from '../../../server/xml/element.js'
import { caldav, cs, dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const guid = '/calendars/__uids__/00000000-0000-0000-0000-000000000001/calendar/'
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'
const multiget = (hrefs: readonly string[], data = '<C:calendar-data/>'): string => `<C:calendar-multiget ${ns}><D:prop><D:getetag/>${data}</D:prop>${hrefs.map(href => `<D:href>${href.replaceAll('&', '&amp;')}</D:href>`).join('')}</C:calendar-multiget>`

t.test('every href is answered under the spelling it was asked with', async t => {
  const { ask, lines } = await house(t)
  const weekly = event('weekly', { RRULE: 'FREQ=WEEKLY' })
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  await ask('PUT', `${calendar}w.ics`, { body: weekly, headers: calendarType })
  await ask('PUT', `${calendar}%C3%A4%20%25%26.ics`, { body: event('odd'), headers: calendarType })
  await ask('PUT', `${home}tasks/t.ics`, { body: event('t').replaceAll('VEVENT', 'VTODO').replace('DURATION', 'X-DURATION'), headers: calendarType })
  const there = [`${calendar}a.ics`, `http://localhost:80${calendar}a.ics`, 'a.ics', `${calendar}%61.ics`, `${guid}a.ics`, `${calendar}%C3%A4%20%25&.ics`, `${calendar}%c3%a4%20%25%26.ics`, ` ${calendar}a.ics\n`]
  const missing = [`${calendar}none.ics`, 'https://elsewhere.example.org/a.ics', 'mailto:alice@example.com', `${home}tasks/t.ics`, '/nothing', '/principals/users/alice/']
  const bad = [`${calendar}a%2Fb`, `${calendar}%ff`, '#', '/calendars/users/alice//x']
  const answer = await ask('REPORT', calendar, { body: multiget([...there, ...missing, ...bad]) })
  t.equal(answer.status, 207)
  const found = told(answer.body)
  t.same([...found.keys()], [...there, ...missing, ...bad])
  for (const href of there) {
    const one = found.get(href)
    t.equal(text(one?.properties.get(caldav('calendar-data'))?.value ?? xml('<a/>')), href.includes('a.ics') || href.includes('%61') ? event('a') : event('odd'), href)
    t.equal(one?.properties.get(dav('getetag'))?.status, 200)
  }
  for (const href of missing) t.equal(found.get(href)?.status, 404, href)
  for (const href of bad) t.equal(found.get(href)?.status, 400, href)
  t.same([...told((await ask('REPORT', guid, { body: multiget(['a.ics']) })).body).values()].map(({ properties }) => properties.size), [2], 'asked by an alias')
  t.equal(told((await ask('REPORT', home, { body: multiget([`${home}tasks/t.ics`]) })).body).get(`${home}tasks/t.ics`)?.properties.size, 2, 'asked at the home')
  t.equal(told((await ask('REPORT', `${calendar}a.ics`, { body: multiget(['a.ics']) })).body).get('a.ics')?.properties.size, 2, 'asked at an event')

  const part = async (data: string): Promise<string> => (await ask('REPORT', calendar, { body: multiget(['w.ics'], data) })).body
  t.notMatch(await part('<C:calendar-data><C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp></C:calendar-data>'), /SUMMARY/)
  t.equal((await part('<C:calendar-data><C:expand start="20260301T000000Z" end="20260401T000000Z"/></C:calendar-data>')).match(/BEGIN:VEVENT/g)?.length, 4)
  for (const [why, data, expected] of [
    ['vCard', '<C:calendar-data content-type="text/vcard"/>', '403 supported-calendar-data'], ['version 1', '<C:calendar-data version="1.0"/>', '403 supported-calendar-data'],
    ['expand without an end', '<C:calendar-data><C:expand start="20260301T000000Z"/></C:calendar-data>', '403 valid-filter'], ['expand backwards', '<C:calendar-data><C:expand start="20260301T000000Z" end="20260201T000000Z"/></C:calendar-data>', '403 valid-filter'],
    ['a local time', '<C:calendar-data><C:expand start="20260301T000000" end="20260401T000000"/></C:calendar-data>', '403 valid-filter'], ['a comp without a name', '<C:calendar-data><C:comp/></C:calendar-data>', '403 valid-filter']
  ] as const) t.equal(outcome(await ask('REPORT', calendar, { body: multiget(['a.ics'], data) })), expected, why)
  t.equal(outcome(await ask('REPORT', calendar, { body: multiget([]) })), '400', 'no href')
  t.same(lines, [])
})

t.test('one event that repeats too often does not spoil the others', async t => {
  const { ask, lines } = await house(t, { settings: { 'limits.instances': '20' } })
  for (let number = 0; number < 40; number++) await ask('PUT', `${calendar}${number}.ics`, { body: event(`${number}`, { DESCRIPTION: 'x'.repeat(4000), ...(number === 39 ? { RRULE: 'FREQ=MINUTELY' } : {}) }), headers: calendarType })
  const expand = '<C:calendar-data><C:expand start="20260301T000000Z" end="20260401T000000Z"/></C:calendar-data>'
  const found = told((await ask('REPORT', calendar, { body: multiget(Array.from({ length: 40 }, (_, number) => `${number}.ics`), expand) })).body)
  t.equal(found.size, 40)
  const data = found.get('39.ics')?.properties.get(caldav('calendar-data'))
  t.same([data?.status, data?.condition, found.get('39.ics')?.properties.get(dav('getetag'))?.status], [403, caldav('number-of-recurrences-within-limits'), 200])
  t.same(new Set([...found].filter(([href]) => href !== '39.ics').flatMap(([, { properties }]) => [...properties.values()].map(({ status }) => status))), new Set([200]))
  t.same(lines, [])
})

t.test('thousands', async t => {
  const { ask, documents } = await house(t)
  await ask('PROPFIND', home)
  for (let number = 0; number < 1200; number++) writeFileSync(`${documents}${calendar}${number}.ics`, event(`uid-${number}`))
  const hrefs = Array.from({ length: 1500 }, (_, number) => `${calendar}${number}.ics`)
  const answer = await ask('REPORT', calendar, { body: multiget(hrefs) })
  const found = [...told(answer.body)]
  t.same(found.map(([href]) => href), hrefs)
  t.same([found.filter(([, { status }]) => status === 404).length, found.filter(([, { properties }]) => properties.size === 2).length], [300, 1200])
})

t.test('a report for each kind, and what is none', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const [why, url, body, expected] of [
    ['no body', calendar, '', '400'], ['no XML', calendar, '<a', '400'], ['unknown', calendar, '<a xmlns="b"/>', '403 supported-report'], ['of another kind', `${calendar}a.ics`, `<C:free-busy-query ${ns}><C:time-range start="20260101T000000Z"/></C:free-busy-query>`, '403 supported-report'],
    ['no range', calendar, `<C:free-busy-query ${ns}/>`, '403 valid-filter'], ['nothing there', `${home}none/`, multiget(['a']), '404'], ['DOCTYPE', calendar, `<!DOCTYPE a>${multiget(['a'])}`, '403 no-external-entities'],
    ['20,000 nested elements', calendar, `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`, '413'], ['2 MB', calendar, multiget([`x${'y'.repeat(2_000_000)}`]), '413'], ['100,000 elements', calendar, `<a>${'<b/>'.repeat(100_000)}</a>`, '413']
  ] as const) t.equal(outcome(await ask('REPORT', url, { body })), expected, why)
})

t.test('expand-property as Apple asks it', async t => {
  const { ask, lines } = await house(t, { accounts: '[locations.room]\nguid = "00000000-0000-0000-0000-0000000000bb"\nfullName = "The Room"\nproxies = ["users/alice"]\n' })
  const body = `<D:expand-property ${ns}><D:property name="calendar-proxy-write-for" namespace="http://calendarserver.org/ns/"><D:property name="displayname"/><D:property name="calendar-user-address-set" namespace="urn:ietf:params:xml:ns:caldav"/><D:property name="nothing" namespace="x:"/></D:property><D:property name="calendar-proxy-read-for" namespace="http://calendarserver.org/ns/"/><D:property name="current-user-principal"><D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"><D:property name="displayname"/></D:property></D:property></D:expand-property>`
  const answer = await ask('REPORT', '/principals/users/alice/', { body })
  t.equal(answer.status, 207)
  const properties = told(answer.body).get('/principals/users/alice/')?.properties
  t.equal(properties?.get(cs('calendar-proxy-read-for'))?.status, 200)
  const home_ = properties?.get(dav('current-user-principal'))?.value
  t.match(JSON.stringify(home_), /calendar-home-set.*Alice Example/, 'two levels deep')
  const proxies = properties?.get(cs('calendar-proxy-write-for'))?.value
  t.ok(proxies)
  for (const [why, property, expected] of [
    ['no name', '<D:property/>', '400'], ['a name that XML cannot have', '<D:property name="a:b"/>', '400'], ['markup', '<D:property name="a&gt;&lt;b"/>', '400'],
    ['nested too deep', `${'<D:property name="current-user-principal">'.repeat(12)}${'</D:property>'.repeat(12)}`, '403'],
    ['too much', `<D:property name="principal-collection-set">${'<D:property name="principal-collection-set">'.repeat(6)}${'</D:property>'.repeat(6)}</D:property>`, '207']
  ] as const) t.equal(outcome(await ask('REPORT', '/principals/users/alice/', { body: `<D:expand-property ${ns}>${property}</D:expand-property>` })), expected, why)
  await ask('PROPPATCH', calendar, { body: `<D:propertyupdate ${ns}><D:set><D:prop><x:probe xmlns:x="x:"><D:href>/calendars/users/bob/calendar/</D:href><D:href>/calendars/users/bob/none/</D:href></x:probe></D:prop></D:set></D:propertyupdate>` })
  const probe = await ask('REPORT', calendar, { body: `<D:expand-property ${ns}><D:property name="probe" namespace="x:"><D:property name="displayname"/></D:property></D:expand-property>` })
  const inner = told(probe.body).get(calendar)?.properties.get('{x:}probe')?.value
  t.same(inner === undefined ? [] : elements(inner).map(response => text(child(response, dav('status')) ?? response)), ['HTTP/1.1 403 Forbidden', 'HTTP/1.1 403 Forbidden'], 'nobody learns so what others have')
  t.same(lines, [])
})

t.test('principals are found by what the table names', async t => {
  const { ask } = await house(t, { users: ['alice', 'bob', 'carol'] })
  const search = async (inner: string, attributes = '', url = '/principals/'): Promise<string[]> => {
    const answer = await ask('REPORT', url, { body: `<D:principal-property-search ${ns} ${attributes}>${inner}<D:prop><D:displayname/></D:prop></D:principal-property-search>` })
    if (answer.status !== 207) return [outcome(answer)]
    return [...told(answer.body).values()].map(({ properties }) => text(properties.get(dav('displayname'))?.value ?? xml('<a/>'))).sort()
  }
  const by = (property: string, match: string, type = ''): string => `<D:property-search><D:prop><${property}/></D:prop><D:match ${type}>${match}</D:match></D:property-search>`
  t.same(await search(by('D:displayname', 'aLi')), ['Alice Example'])
  t.same(await search(by('D:displayname', 'example')), ['Alice Example', 'Bob Example', 'Carol Example'])
  t.same(await search(by('D:displayname', 'example', 'match-type="starts-with"')), [])
  t.same(await search(by('CS:email-address-set', 'bob@example.com', 'match-type="equals"')), ['Bob Example'])
  t.same(await search(by('C:calendar-user-address-set', 'mailto:carol@example.com')), ['Carol Example'])
  t.same(await search(by('D:displayname', 'bob') + by('CS:email-address-set', 'carol')), [], 'all of them')
  t.same(await search(by('D:displayname', 'bob') + by('CS:email-address-set', 'carol'), 'test="anyof"'), ['Bob Example', 'Carol Example'])
  t.same(await search(by('D:displayname', 'example'), 'type="ROOM"'), [])
  t.same(await search(by('D:getetag', 'x')), [], 'what cannot be searched matches nothing')
  t.same(await search(''), ['400'])
  t.same(await search('<D:property-search/>'), ['400'])
  t.same(await search(by('D:displayname', 'alice'), '', calendar), [], 'no principals lie in a calendar')
  const set = await ask('REPORT', '/principals/', { body: `<D:principal-search-property-set ${ns}/>` })
  t.equal(set.status, 200)
  t.same(elements(xml(set.body)).flatMap(one => elements(child(one, dav('prop')) ?? one)).map(({ name }) => name).slice(0, 3), [dav('displayname'), cs('first-name'), cs('last-name')])
})
