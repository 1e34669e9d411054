import t from 'tap'
import { conditions } from '../../server/dav/condition.js'
import { parse } from '../../server/ical/parse.js'
import { table } from '../../server/property/table.js'
import { elements, text, type Element } from '../../server/xml/element.js'
import { caldav, caldavNamespace, dav, type Name } from '../../server/xml/name.js'
import { calendarType, event, object } from '../event.js'
import { house, type House } from '../house.js'
import { conditionIn, outcome, told, xml } from '../multistatus.js'

// The clauses of RFC 4791 that no other test holds; docs/rfc.md has the list

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const zone = (tzid = 'x', more = ''): string => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n${[tzid, ...more === '' ? [] : [more]].map(name => `BEGIN:VTIMEZONE\r\nTZID:${name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`).join('')}END:VCALENDAR\r\n`
const set = (properties: string): string => `<D:propertyupdate ${ns}><D:set><D:prop>${properties}</D:prop></D:set></D:propertyupdate>`
const mkcalendar = (properties: string): string => `<C:mkcalendar ${ns}><D:set><D:prop>${properties}</D:prop></D:set></C:mkcalendar>`
const query = (filter: string, prop = '<D:getetag/>'): string => `<C:calendar-query ${ns}><D:prop>${prop}</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">${filter}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`

async function find (ask: House['ask'], url: string, ...names: string[]): Promise<ReadonlyMap<Name, { readonly status: number, readonly value: Element }>> {
  const { body } = await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop>${names.map(name => `<${name}/>`).join('')}</D:prop></D:propfind>` })
  return [...told(body).values()][0]?.properties ?? new Map()
}

const valueOf = (found: Awaited<ReturnType<typeof find>>, name: Name): Element => found.get(name)?.value ?? xml('<none/>')

t.test('1.2 the namespace holds only names that a standard defines', async t => {
  const defined = new Set<Name>([
    // RFC 4791
    'calendar-description', 'calendar-timezone', 'supported-calendar-component-set', 'supported-calendar-data', 'max-resource-size', 'min-date-time', 'max-date-time', 'max-instances',
    'max-attendees-per-instance', 'calendar-home-set', 'supported-collation-set', 'calendar-collection-location-ok', 'initialize-calendar-collection', 'valid-calendar-data',
    'valid-calendar-object-resource', 'supported-calendar-component', 'no-uid-conflict', 'valid-filter', 'supported-filter', 'supported-collation',
    // RFC 6638
    'schedule-calendar-transp', 'schedule-default-calendar-URL', 'calendar-free-busy-set', 'schedule-inbox-URL', 'schedule-outbox-URL', 'calendar-user-address-set', 'calendar-user-type', 'schedule-tag',
    'unique-scheduling-object-resource', 'same-organizer-in-all-components', 'allowed-organizer-scheduling-object-change', 'allowed-attendee-scheduling-object-change', 'default-calendar-needed',
    'valid-schedule-default-calendar-URL', 'valid-scheduling-message', 'valid-organizer',
    // RFC 7529, 7809, 7953, draft-daboo-caldav-extensions
    'supported-rscale', 'supported-rscale-set', 'valid-timezone', 'calendar-timezone-id', 'timezone-service-set', 'calendar-availability', 'supported-calendar-component-sets'
  ].map(caldav))
  // CalendarServer's, whose clients know it; RFC 4791 has none that says this
  defined.add(caldav('number-of-recurrences-within-limits'))
  for (const { name } of [...table, ...Object.values(conditions)]) if (name.startsWith(`{${caldavNamespace}}`)) t.ok(defined.has(name), name)
})

t.test('1.3 a condition of this RFC is 403 or 409, and its element the child of DAV:error', async t => {
  for (const name of ['calendar-collection-location-ok', 'initialize-calendar-collection', 'supported-calendar-data', 'valid-calendar-data', 'valid-calendar-object-resource', 'supported-calendar-component', 'no-uid-conflict',
    'max-resource-size', 'min-date-time', 'max-date-time', 'max-instances', 'max-attendees-per-instance', 'valid-filter', 'supported-filter', 'supported-collation'] as const) {
    t.ok([403, 409].includes(conditions[name].status), name)
  }
  const { ask } = await house(t)
  const refused = await ask('PUT', `${calendar}a.ics`, { body: 'hello', headers: calendarType })
  t.equal(xml(refused.body).name, dav('error'))
  t.equal(conditionIn(refused), caldav('valid-calendar-data'))
})

t.test('5.2 none of these properties is in DAV:allprop', async t => {
  const { ask } = await house(t, { settings: { 'limits.minDateTime': '19900101T000000Z', 'limits.maxDateTime': '20491231T235959Z', 'limits.attendees': '3' } })
  await ask('PROPPATCH', calendar, { body: set(`<C:calendar-description>words</C:calendar-description><C:calendar-timezone>${zone().replaceAll('\r', '&#13;')}</C:calendar-timezone>`) })
  const there = await find(ask, calendar, 'C:calendar-description', 'C:calendar-timezone', 'C:min-date-time', 'C:max-attendees-per-instance')
  t.same([...there.values()].map(({ status }) => status), [200, 200, 200, 200], 'they are there')
  for (const body of [undefined, `<D:propfind ${ns}><D:allprop/></D:propfind>`]) {
    for (const url of [calendar, home, '/principals/users/alice/']) {
      const all = told((await ask('PROPFIND', url, { headers: { depth: '0' }, ...(body === undefined ? {} : { body }) })).body)
      t.same([...all.values()].flatMap(({ properties }) => [...properties.keys()]).filter(name => name.startsWith(`{${caldavNamespace}}`)), [], `${url}: 6.2.1 and 7.5.1 too`)
    }
  }
})

t.test('5.2.3 to 5.2.9, 7.5.1: what is protected cannot be set or removed', async t => {
  const { ask } = await house(t)
  const values = {
    'supported-calendar-component-set': '<C:comp name="VTODO"/>', 'supported-calendar-data': '<C:calendar-data content-type="text/calendar"/>', 'max-resource-size': '1', 'min-date-time': '19000101T000000Z',
    'max-date-time': '20500101T000000Z', 'max-instances': '1', 'max-attendees-per-instance': '1', 'supported-collation-set': '<C:supported-collation>i;octet</C:supported-collation>'
  }
  for (const [name, value] of Object.entries(values)) {
    for (const body of [set(`<C:${name}>${value}</C:${name}>`), `<D:propertyupdate ${ns}><D:remove><D:prop><C:${name}/></D:prop></D:remove></D:propertyupdate>`]) {
      const one = told((await ask('PROPPATCH', calendar, { body })).body).get(calendar)?.properties.get(caldav(name))
      t.same([one?.status, one?.condition], [403, dav('cannot-modify-protected-property')], name)
    }
  }
})

t.test('5.2.2 an iCalendar object in CDATA or with entities is the same', async t => {
  const { ask } = await house(t)
  const odd = zone('A &amp; <B>'.replace('&amp;', '&'))
  for (const written of [`<![CDATA[${odd}]]>`, odd.replaceAll('&', '&amp;').replaceAll('<', '&lt;')]) {
    t.match((await ask('PROPPATCH', calendar, { body: set(`<C:calendar-timezone>${written}</C:calendar-timezone>`) })).body, /200 OK/)
    t.equal(text(valueOf(await find(ask, calendar, 'C:calendar-timezone'), caldav('calendar-timezone'))).replaceAll('\r', ''), odd.replaceAll('\r', ''))
  }
})

t.test('5.2.3 VTIMEZONE is no component that a calendar says it holds', async t => {
  const { ask } = await house(t)
  for (const name of ['VTIMEZONE', 'VALARM', 'X-OWN']) {
    const answer = await ask('MKCALENDAR', `${home}new/`, { body: mkcalendar(`<C:supported-calendar-component-set><C:comp name="${name}"/></C:supported-calendar-component-set>`) })
    t.match(answer.body, /supported-calendar-component/, name)
    t.equal((await ask('PROPFIND', `${home}new/`, { headers: { depth: '0' } })).status, 404, 'nothing was made')
  }
  t.equal((await ask('MKCALENDAR', `${home}new/`)).status, 201)
  const names = elements(valueOf(await find(ask, `${home}new/`, 'C:supported-calendar-component-set'), caldav('supported-calendar-component-set'))).map(({ attributes }) => attributes['name'])
  t.ok(names.length > 0 && !names.includes('VTIMEZONE'), names.join())
})

t.test('5.2.10, 5.3.1.1: one VTIMEZONE in calendar-timezone, by PROPPATCH and MKCALENDAR', async t => {
  const { ask } = await house(t)
  for (const [why, value] of [['none', zone().replace(/BEGIN:VTIMEZONE[^]*END:VTIMEZONE\r\n/, '')], ['two', zone('x', 'y')], ['no iCalendar', 'x'], ['half', zone().slice(0, 60)]] as const) {
    const property = `<C:calendar-timezone>${value.replaceAll('\r', '&#13;')}</C:calendar-timezone>`
    const patched = told((await ask('PROPPATCH', calendar, { body: set(property) })).body).get(calendar)?.properties.get(caldav('calendar-timezone'))
    t.same([patched?.status, patched?.condition], [403, caldav('valid-calendar-data')], why)
    t.match((await ask('MKCALENDAR', `${home}new/`, { body: mkcalendar(property) })).body, /valid-calendar-data/, why)
    t.equal((await ask('PROPFIND', `${home}new/`, { headers: { depth: '0' } })).status, 404, why)
  }
})

t.test('5.3.1 instructions in their order, all or none, and no reply is kept by a cache', async t => {
  const { ask, lines } = await house(t)
  const made = await ask('MKCALENDAR', `${home}new/`, { body: `<C:mkcalendar ${ns}><D:set><D:prop><D:displayname>first</D:displayname></D:prop></D:set><D:set><D:prop><D:displayname>second</D:displayname></D:prop></D:set></C:mkcalendar>` })
  t.same([made.status, made.headers['cache-control'], made.body], [201, 'no-cache', ''])
  t.equal(text(valueOf(await find(ask, `${home}new/`, 'D:displayname'), dav('displayname'))), 'second')
  for (const [why, url, body, status] of [
    ['one of three', `${home}other/`, mkcalendar('<D:displayname>x</D:displayname><D:getetag>x</D:getetag><C:calendar-description>x</C:calendar-description>'), 207],
    ['there already', `${home}new/`, undefined, 403], ['no parent', `${home}none/new/`, undefined, 409], ['in a calendar', `${calendar}new/`, undefined, 403], ['no XML', `${home}other/`, '<a', 400], ['another body', `${home}other/`, `<D:mkcol ${ns}/>`, 415]
  ] as const) {
    const answer = await ask('MKCALENDAR', url, body === undefined ? {} : { body })
    t.same([answer.status, answer.headers['cache-control']], [status, 'no-cache'], why)
  }
  t.equal((await ask('PROPFIND', `${home}other/`, { headers: { depth: '0' } })).status, 404, 'nothing was made')
  t.equal((await ask('MKCALENDAR', '/calendars/users/bob/new/')).headers['cache-control'], 'no-cache', 'what is forbidden')
  t.same(lines, [])
})

t.test('5.3.3, 8.5.1: what is not standard, and files inside, come back as they were sent', async t => {
  const { ask } = await house(t)
  const body = event('a', { 'X-OWN;X-P=1;x-q="a,b"': 'c', 'ATTACH;FMTTYPE=image/png;ENCODING=BASE64;VALUE=BINARY': Buffer.alloc(20_000, 7).toString('base64') })
    .replace('END:VEVENT', 'BEGIN:X-PART\r\nX-IN:1\r\nEND:X-PART\r\nEND:VEVENT').replace('BEGIN:VEVENT', 'X-TOP:1\r\nBEGIN:VEVENT')
  const { status, headers } = await ask('PUT', `${calendar}a.ics`, { body, headers: calendarType })
  t.same([status, (headers['etag'] ?? '').startsWith('"')], [201, true])
  t.equal((await ask('GET', `${calendar}a.ics`)).body, body)
  const found = told((await ask('REPORT', calendar, { body: query('', '<C:calendar-data/>') })).body).get(`${calendar}a.ics`)?.properties.get(caldav('calendar-data'))
  t.equal(found === undefined ? '' : text(found.value), body)
})

t.test('6.1.1 read-free-busy is part of read, on calendars, folders and objects', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', `${home}folder/`)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const url of [calendar, `${home}folder/`, home, `${calendar}a.ics`]) {
    const inside = (name: Name, part: Element): Element[] => elements(part, dav('supported-privilege')).flatMap(each => [...elements(each, dav('privilege')).some(privilege => elements(privilege, name).length > 0) ? [each] : [], ...inside(name, each)])
    const [read, ...more] = inside(dav('read'), valueOf(await find(ask, url, 'D:supported-privilege-set'), dav('supported-privilege-set')))
    t.equal(more.length, 0)
    t.equal(read === undefined ? 0 : inside(caldav('read-free-busy'), read).length, 1, url)
  }
})

t.test('7, 7.1 calendars and their objects advertise the reports that they answer', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const reports = async (url: string): Promise<Name[]> => elements(valueOf(await find(ask, url, 'D:supported-report-set'), dav('supported-report-set'))).flatMap(one => elements(one)).flatMap(one => elements(one)).map(({ name }) => name)
  const [ofCalendar, ofObject] = [await reports(calendar), await reports(`${calendar}a.ics`)]
  for (const name of [caldav('calendar-query'), caldav('calendar-multiget'), dav('expand-property')]) t.ok(ofCalendar.includes(name) && ofObject.includes(name), name)
  t.ok(ofCalendar.includes(caldav('free-busy-query')))
  t.notOk(ofObject.includes(caldav('free-busy-query')), '7.10 refuses it there')
  t.equal(outcome(await ask('REPORT', `${calendar}a.ics`, { body: query('') })), '207')
  for (const url of ['/', home, calendar, `${calendar}a.ics`, '/principals/users/alice/']) {
    t.ok((await reports(url)).includes(dav('expand-property')), url)
    t.equal(outcome(await ask('REPORT', url, { body: `<D:expand-property ${ns}><D:property name="displayname"/></D:expand-property>` })), '207', url)
  }
})

t.test('7.5 without a collation, or with the default one, it is i;ascii-casemap; a wildcard is none', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a', { SUMMARY: 'NOON Ä' }), headers: calendarType })
  const count = async (match: string): Promise<number | string> => {
    const answer = await ask('REPORT', calendar, { body: query(`<C:prop-filter name="SUMMARY">${match}</C:prop-filter>`) })
    return answer.status === 207 ? told(answer.body).size : outcome(answer)
  }
  for (const [match, expected] of [
    ['<C:text-match>oon</C:text-match>', 1], ['<C:text-match>ä</C:text-match>', 0], ['<C:text-match collation="default">oon</C:text-match>', 1], ['<C:text-match collation="i;octet">oon</C:text-match>', 0],
    ['<C:text-match collation="*">oon</C:text-match>', '403 supported-collation'], ['<C:text-match collation="i;*">oon</C:text-match>', '403 supported-collation'], ['<C:text-match collation="">oon</C:text-match>', '403 supported-collation']
  ] as const) t.equal(await count(match), expected, match)
})

t.test('7.5.1 whatever answers a query says which collations there are', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', `${home}folder/`)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const url of [home, calendar, `${home}folder/`, `${home}inbox/`, `${calendar}a.ics`]) {
    const found = await find(ask, url, 'D:supported-report-set', 'C:supported-collation-set')
    t.match(JSON.stringify(valueOf(found, dav('supported-report-set'))), /calendar-query/, `${url} answers it`)
    t.same(elements(valueOf(found, caldav('supported-collation-set'))).map(text), ['i;ascii-casemap', 'i;octet', 'i;unicode-casemap'], url)
  }
})

t.test('7.8, 7.9 the bodies: an empty multistatus, and a status for each href', async t => {
  const { ask } = await house(t)
  const none = await ask('REPORT', calendar, { body: query('') })
  t.same([none.status, xml(none.body).name, elements(xml(none.body)).length], [207, dav('multistatus'), 0])
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const hrefs = ['a.ics', 'none.ics', '/calendars/users/bob/calendar/a.ics']
  const many = await ask('REPORT', calendar, { headers: { depth: 'infinity' }, body: `<C:calendar-multiget ${ns}><D:prop><D:getetag/></D:prop>${hrefs.map(href => `<D:href>${href}</D:href>`).join('')}</C:calendar-multiget>` })
  t.equal(xml(many.body).name, dav('multistatus'))
  t.same([...told(many.body)].map(([href, { status, condition }]) => [href, status, condition]), [['a.ics', undefined, undefined], ['none.ics', 404, undefined], ['/calendars/users/bob/calendar/a.ics', 403, dav('need-privileges')]])
})

t.test('7.10 where nothing is busy there is one VFREEBUSY without FREEBUSY', async t => {
  const { ask } = await house(t)
  const answer = await ask('REPORT', calendar, { body: `<C:free-busy-query ${ns}><C:time-range start="20260310T000000Z" end="20260311T000000Z"/></C:free-busy-query>` })
  const [freeBusy, ...more] = parse(answer.body).components
  t.same([answer.status, freeBusy?.name, more.length], [200, 'VFREEBUSY', 0])
  t.notOk(freeBusy?.properties.some(({ name }) => name === 'FREEBUSY'))
})

t.test('9.6, 9.8 iCalendar in XML: what is markup there is escaped, and read back', async t => {
  const { ask } = await house(t)
  const body = event('a', { SUMMARY: 'a < b && c > d ]]> <!-- </C:calendar-data>' })
  await ask('PUT', `${calendar}a.ics`, { body, headers: calendarType })
  const answer = await ask('REPORT', calendar, { body: query('', '<C:calendar-data/>') })
  t.notMatch(answer.body, /\]\]>/)
  t.equal(text(told(answer.body).get(`${calendar}a.ics`)?.properties.get(caldav('calendar-data'))?.value ?? xml('<none/>')), body)
  for (const given of [`<![CDATA[${zone('<&>')}]]>`, zone('&lt;&amp;&gt;')]) {
    t.equal(outcome(await ask('REPORT', calendar, { body: query('').replace('</C:calendar-query>', `<C:timezone>${given}</C:timezone></C:calendar-query>`) })), '207')
  }
})

t.test('9.7.1 to 9.7.3 every filter names what it is for', async t => {
  const { ask } = await house(t)
  for (const filter of ['<C:comp-filter/>', '<C:prop-filter/>', '<C:prop-filter name="ATTENDEE"><C:param-filter/></C:prop-filter>']) {
    t.equal(outcome(await ask('REPORT', calendar, { body: query(filter) })), '403 valid-filter', filter)
  }
})

t.test('9.9 an event needs a start; ends and due dates before it are read as what they say', async t => {
  const { ask } = await house(t)
  const put = async (name: string, body: string, to = calendar): Promise<string> => outcome(await ask('PUT', to + name, { body, headers: calendarType }))
  t.equal(await put('none.ics', object('VEVENT', { UID: 'none', DTSTAMP: '20260101T000000Z' })), '403 valid-calendar-data')
  t.equal(await put('back.ics', object('VEVENT', { UID: 'back', DTSTAMP: '20260101T000000Z', DTSTART: '20260310T090000Z', DTEND: '20260310T080000Z' })), '201')
  t.equal(await put('due.ics', object('VTODO', { UID: 'due', DTSTAMP: '20260101T000000Z', DTSTART: '20260310T090000Z', DUE: '20260310T080000Z' }), `${home}tasks/`), '201')
  const within = (hour: number): string => query(`<C:time-range start="20260310T0${hour}0000Z" end="20260310T0${hour}3000Z"/>`)
  t.same([told((await ask('REPORT', calendar, { body: within(9) })).body).size, told((await ask('REPORT', calendar, { body: within(8) })).body).size], [1, 0], 'a moment at its start')
})
