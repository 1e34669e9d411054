import t from 'tap'
import { text, type Element } from '../../../server/xml/element.js'
import { apple, caldav, cs, dav, type Name } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/" xmlns:x="x:" xmlns:CS="http://calendarserver.org/ns/"'
const update = (inner: string): string => `<D:propertyupdate ${ns}>${inner}</D:propertyupdate>`
const set = (properties: string): string => `<D:set><D:prop>${properties}</D:prop></D:set>`
const remove = (properties: string): string => `<D:remove><D:prop>${properties}</D:prop></D:remove>`
const lang = '{http://www.w3.org/XML/1998/namespace}lang'
const zone = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:x\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n'

t.test('PROPPATCH keeps a value as it was sent', async t => {
  const { ask, lines } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const read = async (url: string, name: string): Promise<Element | undefined> => {
    const [[, found] = []] = [...told((await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><${name}/></D:prop></D:propfind>` })).body).values()].flatMap(({ properties }) => [...properties])
    return found?.status === 200 ? found.value : undefined
  }
  for (const url of [calendar, `${calendar}a.ics`, home]) {
    const answer = await ask('PROPPATCH', url, { body: update(set(`<x:mixed a="1" x:b="&lt;2&gt;">text <x:in>é 😀</x:in><y xmlns="">z</y> end</x:mixed>`)) })
    t.equal(answer.status, 207)
    t.same([...told(answer.body).get(url)?.properties ?? []].map(([name, { status }]) => [name, status]), [['{x:}mixed', 200]])
    const mixed = await read(url, 'x:mixed')
    t.same({ ...mixed?.attributes }, { a: '1', '{x:}b': '<2>' }, url)
    t.match(mixed?.children, ['text ', { name: '{x:}in', children: ['é 😀'] }, { name: '{}y', children: ['z'] }, ' end'])
  }
  await ask('PROPPATCH', calendar, { body: update(set('<A:calendar-color symbolic-color="custom">#FD8208FF</A:calendar-color>')) })
  t.equal((await read(calendar, 'A:calendar-color'))?.attributes['symbolic-color'], 'custom')
  await ask('PROPPATCH', calendar, { body: update(set(`<C:calendar-timezone>${zone.replaceAll('\r', '&#13;')}</C:calendar-timezone>`)) })
  t.equal(text((await read(calendar, 'C:calendar-timezone')) as Element), zone, '&#13; is kept')
  t.match((await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><C:calendar-timezone/></D:prop></D:propfind>` })).body, /BEGIN:VCALENDAR&#13;\n/)
  await ask('PROPPATCH', calendar, { body: update(`<D:set xml:lang="de"><D:prop><D:displayname>Büro</D:displayname><x:english xml:lang="en">Office</x:english></D:prop></D:set>`) })
  t.equal((await read(calendar, 'D:displayname'))?.attributes[lang], 'de', 'the language in force around it')
  t.equal((await read(calendar, 'x:english'))?.attributes[lang], 'en')
  await ask('PROPPATCH', calendar, { body: update(set('<x:empty/>')) })
  t.same((await read(calendar, 'x:empty'))?.children, [], 'an empty value is a value')

  t.equal((await ask('PROPPATCH', calendar, { body: update(set('<x:order>1</x:order>') + remove('<x:order/>') + set('<x:order>2</x:order>')) })).status, 207)
  t.equal(text((await read(calendar, 'x:order')) as Element), '2', 'in order (RFC 4918 9.2)')
  const removed = await ask('PROPPATCH', calendar, { body: update(remove('<x:order/><x:never/><D:displayname/>')) })
  t.same([...told(removed.body).get(calendar)?.properties.values() ?? []].map(({ status }) => status), [200, 200, 200], 'removing what is not there is no error')
  t.equal(await read(calendar, 'x:order'), undefined)
  t.equal(text((await read(calendar, 'D:displayname')) as Element), 'calendar', 'without a name of its own: that of the directory')
  const minimal = await ask('PROPPATCH', calendar, { body: update(set('<x:a/>')), headers: { prefer: 'return=minimal' } })
  t.same([minimal.status, minimal.body, minimal.headers['preference-applied']], [200, '', 'return=minimal'])

  const before = (await ask('GET', `${calendar}a.ics`)).headers['etag']
  await ask('PUT', `${calendar}a.ics`, { body: event('a', { SUMMARY: 'new' }), headers: calendarType })
  t.not((await ask('GET', `${calendar}a.ics`)).headers['etag'], before)
  t.ok(await read(`${calendar}a.ics`, 'x:mixed'), 'PUT keeps the dead properties')
  const large = 'x'.repeat(20_000)
  t.equal((await ask('PROPPATCH', calendar, { body: update(set(`<x:large>${large}</x:large>`)) })).status, 207)
  t.equal(text((await read(calendar, 'x:large')) as Element), large, 'larger than an attribute')
  t.same(lines, [])
})

t.test('PROPPATCH does all or nothing', async t => {
  const { ask } = await house(t, { settings: { 'limits.propertyBytes': '2000' } })
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const cases: readonly (readonly [why: string, properties: string, name: Name, status: number, condition?: Name, url?: string])[] = [
    ['computed', '<D:getetag>1</D:getetag>', dav('getetag'), 403, dav('cannot-modify-protected-property')],
    ['the type', '<D:resourcetype><D:collection/></D:resourcetype>', dav('resourcetype'), 403, dav('cannot-modify-protected-property')],
    ['only when it is made', '<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>', caldav('supported-calendar-component-set'), 403, dav('cannot-modify-protected-property')],
    ['of another standard', '<D:acl/>', dav('acl'), 403, dav('cannot-modify-protected-property')], ['a ctag', '<CS:getctag>1</CS:getctag>', cs('getctag'), 403, dav('cannot-modify-protected-property')],
    ['no time zone', '<C:calendar-timezone>x</C:calendar-timezone>', caldav('calendar-timezone'), 403, caldav('valid-calendar-data')],
    ['an object without zone', '<C:calendar-timezone>BEGIN:VCALENDAR\nEND:VCALENDAR</C:calendar-timezone>', caldav('calendar-timezone'), 403, caldav('valid-calendar-data')],
    ['neither opaque nor transparent', '<C:schedule-calendar-transp>x</C:schedule-calendar-transp>', caldav('schedule-calendar-transp'), 403, dav('cannot-modify-protected-property')],
    ['too large', `<x:large>${'x'.repeat(3000)}</x:large>`, '{x:}large', 507]
  ]
  for (const [why, properties, name, status, condition, url = calendar] of cases) {
    for (const body of [set(`<x:other>1</x:other>${properties}`), set(properties) + remove('<x:other/>')]) {
      const answer = await ask('PROPPATCH', url, { body: update(body) })
      const found = told(answer.body).get(url)?.properties
      t.same([found?.get(name)?.status, found?.get(name)?.condition, found?.get('{x:}other')?.status], [status, condition, 424], why)
    }
  }
  const none = told((await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><x:other/></D:prop></D:propfind>` })).body)
  t.equal(none.get(calendar)?.properties.get('{x:}other')?.status, 404, 'nothing was set')
  const gone = told((await ask('PROPPATCH', calendar, { body: update(remove('<D:resourcetype/><D:getlastmodified/>')) })).body).get(calendar)?.properties
  t.same([gone?.get(dav('resourcetype'))?.status, gone?.get(dav('getlastmodified'))?.status], [403, 403], 'what is protected cannot be removed')
  const minimal = await ask('PROPPATCH', calendar, { body: update(set('<D:getetag/>')), headers: { prefer: 'return=minimal' } })
  t.equal(minimal.status, 207, 'return=minimal hides no failure')

  for (const [why, body, expected, headers] of [
    ['no body', '', '400'], ['another root', '<a/>', '400'], ['nothing to do', update(''), '400'], ['without DAV:prop', update('<D:set/>'), '400'], ['broken', update('<D:set>'), '400'],
    ['DOCTYPE', `<!DOCTYPE a [<!ENTITY b "c">]>${update(set('<x:a>&b;</x:a>'))}`, '403 no-external-entities'], ['another type', update(set('<x:a/>')), '415', { 'content-type': 'application/json' }]
  ] as const) t.equal(outcome(await ask('PROPPATCH', calendar, { body, headers: headers ?? {} })), expected, why)
  t.equal(outcome(await ask('PROPPATCH', `${calendar}none.ics`, { body: update(set('<x:a/>')) })), '404')
  t.equal(outcome(await ask('PROPPATCH', '/', { body: update(set('<x:a/>')) })), '403 need-privileges')
  t.same(told((await ask('PROPPATCH', calendar, { body: update(`<x:unknown/>${set('<x:a/>')}`) })).body).get(calendar)?.properties.get('{x:}a')?.status, 200, 'RFC 4918 17: unknown elements are ignored')
  t.equal(told((await ask('PROPPATCH', `${home}calendar/a.ics`, { body: update(set('<A:calendar-order>1</A:calendar-order>')) })).body).get(`${calendar}a.ics`)?.properties.get(apple('calendar-order'))?.status, 403)
})

t.test('a change of properties is a change that clients see', async t => {
  const { ask } = await house(t)
  const tokens = async (): Promise<string[]> => {
    const found = told((await ask('PROPFIND', home, { headers: { depth: '1' }, body: `<D:propfind ${ns}><D:prop><D:sync-token/><CS:getctag/></D:prop></D:propfind>` })).body)
    return [home, calendar, `${home}tasks/`].map(url => text(found.get(url)?.properties.get(dav('sync-token'))?.value as Element))
  }
  const [homeBefore, calendarBefore, tasksBefore] = await tokens()
  await ask('PROPPATCH', calendar, { body: update(set('<D:displayname>Other</D:displayname>')) })
  const [homeAfter, calendarAfter, tasksAfter] = await tokens()
  t.not(homeAfter, homeBefore)
  t.not(calendarAfter, calendarBefore)
  t.equal(tasksAfter, tasksBefore)
})

t.test('a value that could not be read again is refused, not lost', async t => {
  const { ask } = await house(t)
  const url = '/calendars/users/alice/calendar/'
  const set = async (count: number): Promise<number | undefined> => {
    const many = Array.from({ length: count }, (_, number) => `<a xmlns="urn:${number}"/>`).join('')
    const answer = await ask('PROPPATCH', url, { body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p xmlns="urn:p">${many}</p></D:prop></D:set></D:propertyupdate>` })
    return told(answer.body).get(url)?.properties.get('{urn:p}p')?.status
  }
  const read = async (): Promise<number | undefined> => {
    const answer = await ask('PROPFIND', url, { headers: { depth: '0' }, body: '<D:propfind xmlns:D="DAV:"><D:prop><p xmlns="urn:p"/></D:prop></D:propfind>' })
    return told(answer.body).get(url)?.properties.get('{urn:p}p')?.status
  }
  t.equal(await set(200), 507)
  t.equal(await read(), 404)
  t.equal(await set(100), 200)
  t.equal(await read(), 200)
})
