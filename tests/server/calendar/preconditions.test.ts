import t from 'tap'
import { text } from '../../../server/xml/element.js'
import { caldav } from '../../../server/xml/name.js'
import { calendarType, event, object } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const query = (filter: string, { prop = '<D:getetag/>', more = '' } = {}): string => `<C:calendar-query ${ns}><D:prop>${prop}</D:prop><C:filter>${filter}</C:filter>${more}</C:calendar-query>`
const inCalendar = (filter: string): string => `<C:comp-filter name="VCALENDAR">${filter}</C:comp-filter>`
const events = (inner: string): string => inCalendar(`<C:comp-filter name="VEVENT">${inner}</C:comp-filter>`)
const put = async (ask: House['ask'], path: string, body: string): Promise<string> => outcome(await ask('PUT', path, { body, headers: calendarType }))
const ruled = (rule: string, more: Record<string, string> = {}): string => event(rule, { RRULE: rule, ...more })

t.test('what an object may hold (RFC 4791 5.3.2.1)', async t => {
  const { ask } = await house(t, { settings: { 'limits.minDateTime': '19900101T000000Z', 'limits.maxDateTime': '20491231T235959Z', 'limits.instances': '50', 'limits.attendees': '3', 'limits.resourceBytes': '4000' } })
  const attendees = (count: number): string => event('attendees').replace('SUMMARY', `${Array.from({ length: count }, (_, number) => `ATTENDEE:mailto:a${number}@example.com\r\n`).join('')}SUMMARY`)
  const overridden = (at: string): string => ruled('FREQ=DAILY').replace('END:VCALENDAR', `BEGIN:VEVENT\r\nUID:FREQ=DAILY\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260311T090000Z\r\nDTSTART:${at}\r\nEND:VEVENT\r\nEND:VCALENDAR`)
  const alarmed = event('alarm').replace('END:VEVENT', 'BEGIN:VALARM\r\nACTION:NONE\r\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z\r\nEND:VALARM\r\nEND:VEVENT')
  const zoned = event('zone', { 'DTSTART;TZID=Here': '20260310T090000' }).replace('DTSTART:20260310T090000Z\r\n', '').replace('BEGIN:VEVENT', 'BEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT')
  await ask('PROPFIND', calendar)
  for (const [why, body, expected] of [
    ['the first moment', event('x', { DTSTART: '19900101T000000Z' }), '201'],
    ['before it', event('x', { DTSTART: '19891231T235959Z' }), '403 min-date-time'],
    ['a day before it', event('x', { 'DTSTART;VALUE=DATE': '19891231', DURATION: 'P1D' }).replace('DTSTART:20260310T090000Z\r\n', ''), '403 min-date-time'],
    ['the last moment', event('x', { DTSTART: '20491231T235959Z' }), '201'],
    ['after it', event('x', { DTSTART: '20500101T000000Z' }), '403 max-date-time'],
    ['an end after it', event('x', { DTSTART: '20491231T230000Z' }).replace('DURATION:PT1H', 'DTEND:20500101T000000Z'), '403 max-date-time'],
    ['one of several exceptions', ruled('FREQ=DAILY', { EXDATE: '20260312T090000Z,20700101T090000Z' }), '403 max-date-time'],
    ['a period', event('x', { 'RDATE;VALUE=PERIOD': '20491231T000000Z/P2D' }), '403 max-date-time'],
    ['an override beyond', overridden('20600101T000000Z'), '403 max-date-time'],
    ['an override inside', overridden('20300101T000000Z'), '201'],
    ['instances beyond that nobody changed (5.2.6)', ruled('FREQ=YEARLY;UNTIL=20700101T000000Z'), '201'],
    ['a trigger of 1976, by which Apple means none', alarmed, '201'],
    ['the onset of a zone', zoned, '201'],
    ['a stamp', event('x', { CREATED: '19800101T000000Z' }), '201'],
    ['as many instances as there may be', ruled('FREQ=DAILY;COUNT=50'), '201'],
    ['one more', ruled('FREQ=DAILY;COUNT=51'), '403 max-instances'],
    ['more by UNTIL', ruled('FREQ=DAILY;UNTIL=20260501T000000Z'), '403 max-instances'],
    ['fewer by UNTIL', ruled('FREQ=WEEKLY;UNTIL=20260501T000000Z'), '201'],
    ['more by RDATE', ruled('FREQ=DAILY;COUNT=49', { RDATE: '20270101T090000Z,20270102T090000Z' }), '403 max-instances'],
    ['more, but for exceptions', ruled('FREQ=DAILY;COUNT=51', { EXDATE: '20260310T090000Z' }), '201'],
    ['a million that never come', ruled('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1000000'), '201'],
    ['a million that come', ruled('FREQ=SECONDLY;COUNT=1000000'), '403 max-instances'],
    ['without end', ruled('FREQ=SECONDLY'), '201'],
    ['as many attendees as there may be', attendees(3), '201'],
    ['one more attendee', attendees(4), '403 max-attendees-per-instance'],
    ['too large', event('x', { DESCRIPTION: 'x'.repeat(4000) }), '403 max-resource-size'],
    ['another component', object('VPOLL', { UID: 'x' }), '403 supported-calendar-component'],
    ['a calendar system nobody knows', ruled('RSCALE=NABATEAN;FREQ=DAILY'), '403 supported-rscale'],
    ['no calendar', 'hello', '403 valid-calendar-data'],
    ['two UIDs', `${event('x').replace('END:VCALENDAR\r\n', '')}${event('y').slice(event('y').indexOf('BEGIN:VEVENT'))}`, '403 valid-calendar-object-resource']
  ] as const) {
    t.equal(await put(ask, `${calendar}x.ics`, body), expected, why)
    await ask('DELETE', `${calendar}x.ics`)
  }
  t.equal(outcome(await ask('PUT', `${calendar}x.ics`, { body: event('x'), headers: { 'content-type': 'text/plain' } })), '403 supported-calendar-data')
  const properties = told((await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><C:min-date-time/><C:max-date-time/><C:max-instances/><C:max-attendees-per-instance/><C:max-resource-size/></D:prop></D:propfind>` })).body).get(calendar)?.properties
  for (const [name, value] of Object.entries({ 'min-date-time': '19900101T000000Z', 'max-date-time': '20491231T235959Z', 'max-instances': '50', 'max-attendees-per-instance': '3', 'max-resource-size': '4000' })) {
    const found = properties?.get(caldav(name))
    t.equal(found && text(found.value), value, name)
  }
  const range = (start: string, end: string): string => `<C:time-range${start === '' ? '' : ` start="${start}"`}${end === '' ? '' : ` end="${end}"`}/>`
  for (const [start, end, expected] of [
    ['19900101T000000Z', '20491231T235959Z', '207'], ['19891231T235959Z', '20200101T000000Z', '403 min-date-time'], ['19891231T235959Z', '', '403 min-date-time'],
    ['', '19891231T235959Z', '403 min-date-time'], ['20200101T000000Z', '20500101T000000Z', '403 max-date-time'], ['20500101T000000Z', '', '403 max-date-time'],
    ['', '20500101T000000Z', '403 max-date-time'], ['', '20491231T235959Z', '207'], ['20500199T000000Z', '', '403 valid-filter']
  ] as const) {
    t.equal(outcome(await ask('REPORT', calendar, { body: query(events(range(start, end))) })), expected, `query ${start}..${end}`)
    t.equal(outcome(await ask('REPORT', calendar, { body: query(events(`<C:prop-filter name="DTSTART">${range(start, end)}</C:prop-filter>`)) })), expected, `query of DTSTART ${start}..${end}`)
    t.equal(outcome(await ask('REPORT', calendar, { body: query(events(`<C:prop-filter name="DTSTAMP">${range(start, end)}</C:prop-filter>`)) })), expected.includes('date-time') ? '207' : expected, `stamps ${start}..${end}`)
    if (start !== '' && end !== '') {
      t.equal(outcome(await ask('REPORT', calendar, { body: `<C:free-busy-query ${ns}>${range(start, end)}</C:free-busy-query>` })).replace('200', '207'), expected, `free-busy ${start}..${end}`)
      t.equal(outcome(await ask('REPORT', calendar, { body: `<C:calendar-multiget ${ns}><D:prop><C:calendar-data><C:expand start="${start}" end="${end}"/></C:calendar-data></D:prop><D:href>${calendar}x.ics</D:href></C:calendar-multiget>` })), expected, `multiget ${start}..${end}`)
    }
  }
})

t.test('without limits there is no property', async t => {
  const { ask } = await house(t)
  const { body } = await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><C:min-date-time/><C:max-date-time/><C:max-attendees-per-instance/></D:prop></D:propfind>` })
  t.same([...told(body).get(calendar)?.properties.values() ?? []].map(({ status }) => status), [404, 404, 404])
  for (const year of ['0001', '9999']) t.equal(await put(ask, `${calendar}${year}.ics`, event(year, { DTSTART: `${year}0101T000000Z` })), '201', year)
})

t.test('a UID is in a calendar once, by whatever way it comes (no-uid-conflict)', async t => {
  const { ask } = await house(t)
  const work = `${home}work/`
  t.equal((await ask('MKCALENDAR', work)).status, 201)
  for (const [path, uid] of [[`${calendar}a.ics`, 'a'], [`${calendar}b.ics`, 'b'], [`${work}other%20name.ics`, 'a'], [`${work}b.ics`, 'c']] as const) t.equal(await put(ask, path, event(uid)), '201', path)
  const go = async (method: string, from: string, to: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer = await ask(method, from, { headers: { destination: to, ...headers } })
    const holder = outcome(answer).endsWith('no-uid-conflict') ? hrefIn(answer.body) : ''
    return `${outcome(answer)} ${holder}`.trim()
  }
  const hrefIn = (body: string): string => /<D:href>([^<]*)<\/D:href>/.exec(body)?.[1] ?? 'none'
  t.equal(await put(ask, `${calendar}new.ics`, event('a')), '403 no-uid-conflict')
  t.equal(await put(ask, `${calendar}a.ics`, event('z')), '403 no-uid-conflict', 'a resource keeps its UID')
  for (const [method, from, to, expected] of [
    ['COPY', `${calendar}a.ics`, `${calendar}copy.ics`, `403 no-uid-conflict ${calendar}a.ics`],
    ['COPY', `${calendar}a.ics`, `${calendar}b.ics`, `403 no-uid-conflict ${calendar}a.ics`],
    ['COPY', `${calendar}a.ics`, `${work}a.ics`, `403 no-uid-conflict ${work}other%20name.ics`],
    ['MOVE', `${calendar}a.ics`, `${work}a.ics`, `403 no-uid-conflict ${work}other%20name.ics`],
    ['MOVE', `${calendar}a.ics`, `${calendar}b.ics`, `403 no-uid-conflict ${calendar}b.ics`],
    ['COPY', `${calendar}b.ics`, `${work}b.ics`, `403 no-uid-conflict ${work}b.ics`],
    ['MOVE', `${calendar}a.ics`, `${work}other%20name.ics`, '204'],
    ['COPY', `${work}other%20name.ics`, `${calendar}again.ics`, '201'],
    ['MOVE', `${calendar}again.ics`, `${calendar}renamed.ics`, '201']
  ] as const) t.equal(await go(method, from, to), expected, `${method} ${from} ${to}`)
  t.same([...told((await ask('PROPFIND', calendar, { headers: { depth: '1' } })).body).keys()].sort(), [calendar, `${calendar}b.ics`, `${calendar}renamed.ics`], 'what was refused has changed nothing')
})

t.test('COPY and MOVE obey the rules of the calendar they come into', async t => {
  const { ask } = await house(t, { settings: { 'limits.instances': '50' } })
  const tasks = `${home}tasks-only/`
  const folder = `${home}folder/`
  t.equal((await ask('MKCALENDAR', tasks, { body: `<C:mkcalendar ${ns}><D:set><D:prop><C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>` })).status, 201)
  t.equal((await ask('MKCOL', folder)).status, 201)
  t.equal(await put(ask, `${calendar}a.ics`, event('a')), '201')
  for (const [name, body] of [['text', 'hello'], ['long.ics', ruled('FREQ=DAILY;COUNT=100')], ['two.ics', event('x').replace('END:VEVENT', 'END:VEVENT\r\nBEGIN:VEVENT\r\nUID:y\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT')]] as const) {
    t.equal((await ask('PUT', `${folder}${name}`, { body })).status, 201)
  }
  for (const method of ['COPY', 'MOVE']) {
    for (const [from, to, expected] of [
      [`${calendar}a.ics`, `${tasks}a.ics`, '403 supported-calendar-component'],
      [`${folder}text`, `${calendar}text.ics`, '403 valid-calendar-data'],
      [`${folder}long.ics`, `${calendar}long.ics`, '403 max-instances'],
      [`${folder}two.ics`, `${calendar}two.ics`, '403 valid-calendar-object-resource'],
      [tasks, `${calendar}inside/`, '403 calendar-collection-location-ok']
    ] as const) t.equal(outcome(await ask(method, from, { headers: { destination: to } })), expected, `${method} ${from} ${to}`)
  }
  t.equal(outcome(await ask('MKCALENDAR', `${calendar}inside/`)), '403 calendar-collection-location-ok')
})

t.test('filters (RFC 4791 7.8)', async t => {
  const { ask } = await house(t)
  const range = '<C:time-range start="20260101T000000Z"/>'
  for (const [why, filter, expected] of [
    ['empty', inCalendar(''), '207'],
    ['by property of the calendar', inCalendar('<C:prop-filter name="PRODID"><C:text-match>tests</C:text-match></C:prop-filter>'), '207'],
    ['a zone', inCalendar('<C:comp-filter name="VTIMEZONE"><C:comp-filter name="DAYLIGHT"/></C:comp-filter>'), '207'],
    ['any component', inCalendar('<C:comp-filter name="*"><C:comp-filter name="VALARM"/></C:comp-filter>'), '207'],
    ['names in lower case', '<C:comp-filter name="vcalendar"><C:comp-filter name="vevent"/></C:comp-filter>', '207'],
    ['components and properties that nobody knows', inCalendar('<C:comp-filter name="X-THING"><C:prop-filter name="X-A"/><C:comp-filter name="VEVENT"/></C:comp-filter>'), '207'],
    ['no VCALENDAR', '<C:comp-filter name="VEVENT"/>', '403 valid-filter'],
    ['two', `${inCalendar('')}${inCalendar('')}`, '403 valid-filter'],
    ['none', '', '403 valid-filter'],
    ['no name', '<C:comp-filter/>', '403 valid-filter'],
    ['VEVENT in VTODO', inCalendar('<C:comp-filter name="VTODO"><C:comp-filter name="VEVENT"/></C:comp-filter>'), '403 valid-filter'],
    ['VALARM in VCALENDAR', inCalendar('<C:comp-filter name="VALARM"/>'), '403 valid-filter'],
    ['VCALENDAR in VEVENT', events('<C:comp-filter name="VCALENDAR"/>'), '403 valid-filter'],
    ['time of VCALENDAR', inCalendar(range), '403 valid-filter'],
    ['time of a zone', inCalendar(`<C:comp-filter name="VTIMEZONE">${range}</C:comp-filter>`), '403 valid-filter'],
    ['time of SUMMARY', events(`<C:prop-filter name="SUMMARY">${range}</C:prop-filter>`), '403 valid-filter'],
    ['time and text', events(`<C:prop-filter name="DTSTART">${range}<C:text-match>2</C:text-match></C:prop-filter>`), '403 valid-filter'],
    ['two times', events(`${range}${range}`), '403 valid-filter'],
    ['two texts', events('<C:prop-filter name="SUMMARY"><C:text-match>a</C:text-match><C:text-match>b</C:text-match></C:prop-filter>'), '403 valid-filter'],
    ['not defined and more', events('<C:prop-filter name="SUMMARY"><C:is-not-defined/><C:param-filter name="X"/></C:prop-filter>'), '403 valid-filter'],
    ['no range', events('<C:time-range/>'), '403 valid-filter'],
    ['a local time', events('<C:time-range start="20260101T000000"/>'), '403 valid-filter'],
    ['a test nobody knows', inCalendar('<C:comp-filter name="VEVENT" test="noneof"/>'), '403 valid-filter'],
    ['a match type nobody knows', events('<C:prop-filter name="SUMMARY"><C:text-match match-type="like">a</C:text-match></C:prop-filter>'), '403 valid-filter'],
    ['negate neither yes nor no', events('<C:prop-filter name="SUMMARY"><C:text-match negate-condition="maybe">a</C:text-match></C:prop-filter>'), '403 valid-filter'],
    ['another collation', events('<C:prop-filter name="SUMMARY"><C:text-match collation="i;klingon">a</C:text-match></C:prop-filter>'), '403 supported-collation']
  ] as const) t.equal(outcome(await ask('REPORT', calendar, { body: query(filter) })), expected, why)
  for (const [why, filter, expected] of [
    ['time of a property nobody knows', events(`<C:prop-filter name="X-ABC-TIME">${range}</C:prop-filter>`), '<C:prop-filter name="X-ABC-TIME"/>'],
    ['time of a component nobody knows', inCalendar(`<C:comp-filter name="X-THING">${range}</C:comp-filter>`), '<C:comp-filter name="X-THING"/>'],
    ['a book as text', events(`<C:prop-filter name="SUMMARY"><C:text-match>${'x'.repeat(1001)}</C:text-match></C:prop-filter>`), '<C:prop-filter name="SUMMARY"/>'],
    ['a book in a parameter', events(`<C:prop-filter name="ATTENDEE"><C:param-filter name="CN"><C:text-match>${'x'.repeat(1001)}</C:text-match></C:param-filter></C:prop-filter>`), '<C:param-filter name="CN"/>']
  ] as const) {
    const answer = await ask('REPORT', calendar, { body: query(filter) })
    t.equal(outcome(answer), '403 supported-filter', why)
    t.match(answer.body, expected, why)
  }
  for (const [why, zone, expected] of [
    ['a zone', 'BEGIN:VCALENDAR\nPRODID:x\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR', '207'],
    ['without VERSION', 'BEGIN:VCALENDAR\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR', '403 valid-calendar-data'],
    ['none', 'BEGIN:VCALENDAR\nPRODID:x\nVERSION:2.0\nEND:VCALENDAR', '403 valid-calendar-data']
  ] as const) t.equal(outcome(await ask('REPORT', calendar, { body: query(events(''), { more: `<C:timezone>${zone}</C:timezone>` }) })), expected, why)
  t.equal(outcome(await ask('REPORT', calendar, { body: query(events(''), { more: '<C:timezone-id>Nowhere/Land</C:timezone-id>' }) })), '403 valid-timezone')
  t.match((await ask('OPTIONS', calendar)).headers['dav'], /(?:^|, )calendar-query-extended(?:,|$)/)
})

t.test('too many matches are told, not left out in silence', async t => {
  const { ask } = await house(t, { settings: { 'limits.matches': '3' } })
  for (const uid of ['a', 'b', 'c']) t.equal(await put(ask, `${calendar}${uid}.ics`, event(uid)), '201')
  const rows = async (more = '', url = calendar): Promise<string[]> => {
    const answer = await ask('REPORT', url, { body: query(events(''), { more }), headers: { depth: '1' } })
    t.equal(answer.status, 207)
    return [...told(answer.body)].map(([href, { status, condition }]) => `${href.slice(url.length)} ${status ?? 200} ${condition?.slice(condition.indexOf('}') + 1) ?? ''}`.trim())
  }
  t.same(await rows(), ['a.ics 200', 'b.ics 200', 'c.ics 200'], 'as many as there may be')
  t.equal(await put(ask, `${calendar}d.ics`, event('d')), '201')
  t.same(await rows(), ['a.ics 200', 'b.ics 200', 'c.ics 200', '507 number-of-matches-within-limits'], 'more than the server gives')
  t.same(await rows('<D:limit><D:nresults>2</D:nresults></D:limit>'), ['a.ics 200', 'b.ics 200', '507 number-of-matches-within-limits'], 'more than the client wants')
  t.same(await rows('<C:limit><C:nresults>1</C:nresults></C:limit>'), ['a.ics 200', '507 number-of-matches-within-limits'], 'in the other namespace')
  t.equal((await rows('', home)).at(-1), '507 number-of-matches-within-limits', 'of all calendars of a home')
  for (const bad of ['0', '-1', 'many', '']) t.equal((await ask('REPORT', calendar, { body: query(events(''), { more: `<D:limit><D:nresults>${bad}</D:nresults></D:limit>` }) })).status, 400, bad)
})

t.test('Windows means 1 when it says Depth: 0', async t => {
  const { ask } = await house(t)
  t.equal(await put(ask, `${calendar}a.ics`, event('a')), '201')
  const count = async (agent: string, url: string): Promise<number> => told((await ask('REPORT', url, { body: query(events('')), headers: { depth: '0', 'user-agent': agent } })).body).size
  t.equal(await count('MSFT-WIN-3/10.0.19041', calendar), 1)
  t.equal(await count('MSFT-WIN-3/10.0.19041', home), 1)
  t.equal(await count('DAVx5/4.4', home), 0)
})


t.test('what is wrong is said in words, and where', async t => {
  const { ask } = await house(t)
  const refused = async (body: string, name = 'x.ics'): Promise<{ status: number, body: string }> => await ask('PUT', `${calendar}${name}`, { body, headers: calendarType })
  t.match((await refused(event('x', { DTEND: '20260310T100000Z' }))).body, /<C:valid-calendar-data\/><(\w+:)?error-description[^>]*>line \d+: expected DTEND or DURATION in VEVENT, found both</)
  t.match((await refused(ruled('FREQ=DAILY;COUNT=40001'))).body, /max-instances\/>.*at most 40000 instances/, 'with the usual settings')
  t.match((await refused(ruled('FREQ=SECONDLY;COUNT=1000000'))).body, /max-instances\/>/)
  t.equal((await refused(ruled('FREQ=DAILY;COUNT=40000'))).status, 201)
  t.match((await ask('REPORT', calendar, { body: query(events('<C:time-range start="yesterday"/>')) })).body, /valid-filter\/>.*expects dates with UTC time/)
  await refused(event('1'), '1.ics')
  await refused(event('2'), '2.ics')
  const conflict = await refused(event('1'), '2.ics')
  t.match(conflict, { status: 403 })
  t.match(conflict.body, `<D:href>${calendar}1.ics</D:href>`, 'RFC 4791 5.3.2.1: the resource that has the UID')
  t.notMatch((await ask('MKCOL', `${calendar}x/`)).body, /documents/)
})
