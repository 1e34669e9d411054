import t from 'tap'
import { dataOf, dataRequest, type DataRequest } from '../../../server/calendar/data.js'
import { parameter, type Property } from '../../../server/ical/component.js'
import { fromJcal } from '../../../server/ical/jcal.js'
import { parse } from '../../../server/ical/parse.js'
import { Budget } from '../../../server/ical/recur.js'
import { formatWhen, parseWhen, utcOf } from '../../../server/ical/time.js'
import { UTC, zonesOf } from '../../../server/ical/timezone.js'
import { write } from '../../../server/ical/write.js'
import { text } from '../../../server/xml/element.js'
import { caldav, dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { told, xml } from '../../multistatus.js'

const calendar = '/calendars/users/alice/calendar/'
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:X="http://example.org/"'
const json = 'application/calendar+json'
const observance = (kind: string, start: string, from: string, to: string, rule = ''): string => `BEGIN:${kind}\r\nDTSTART:${start}\r\n${rule === '' ? '' : `RRULE:FREQ=YEARLY;${rule}\r\n`}TZOFFSETFROM:${from}\r\nTZOFFSETTO:${to}\r\nEND:${kind}\r\n`
const definition = (id: string, ...observances: string[]): string => `BEGIN:VTIMEZONE\r\nTZID:${id}\r\n${observances.join('')}END:VTIMEZONE\r\n`
const fixed = (id: string, offset: string): string => definition(id, observance('STANDARD', '19700101T000000', offset, offset))
/** Without history, as most clients write it. */
const asBerlin = (id: string): string => definition(id, observance('DAYLIGHT', '19700329T020000', '+0100', '+0200', 'BYMONTH=3;BYDAY=-1SU'), observance('STANDARD', '19701025T030000', '+0200', '+0100', 'BYMONTH=10;BYDAY=-1SU'))
const asNewYork = (id: string): string => definition(id, observance('DAYLIGHT', '20070311T020000', '-0500', '-0400', 'BYMONTH=3;BYDAY=2SU'), observance('STANDARD', '20071104T020000', '-0400', '-0500', 'BYMONTH=11;BYDAY=1SU'))
const zone = (id: string): string => id === 'Europe/Berlin' ? asBerlin(id) : fixed(id, '+0100')
/** One event that refers to zones; those in `described` stand beside it. */
const zoned = (uid: string, used: readonly string[], described: readonly string[]): string => {
  const more = Object.fromEntries(used.map((id, position) => [`${position === 0 ? 'DTSTART' : `X-${position}`};TZID=${id}`, '20260310T090000']))
  const one = event(uid, { ...more }).replace('DTSTART:20260310T090000Z\r\n', '')
  return one.replace('BEGIN:VEVENT', `${described.map(zone).join('')}BEGIN:VEVENT`)
}
const zonesIn = (data: string): string[] => parse(data).components.filter(({ name }) => name === 'VTIMEZONE').map(({ properties }) => properties.find(({ name }) => name === 'TZID')?.value ?? '').sort()

const wanted = (attributes: string, inner = ''): DataRequest => dataRequest(xml(`<C:calendar-data ${ns} ${attributes}>${inner}</C:calendar-data>`))
const made = (source: string, request: DataRequest): string => dataOf(Buffer.from(source), request, UTC, new Budget())

t.test('what a calendar-data asks for', async t => {
  t.same(wanted(''), {}, 'all of it, as it is')
  t.same(wanted('content-type="text/calendar" version="2.0"'), {})
  t.same(wanted('content-type="Text/Calendar; charset=utf-8"'), {})
  t.same(wanted(`content-type="${json}"`), { form: 'json' })
  t.same(wanted('X:more="1" novalue="yes"', '<X:y><C:comp name="VCALENDAR"/></X:y><C:z/>'), {}, 'what is not known is ignored')
  t.same(wanted('', '<C:expand start="20260101T000000Z" end="20260201T000000Z" X:a="1"/><C:limit-recurrence-set start="20250101T000000Z" end="20250201T000000Z"/>'), {
    expand: { start: 1767225600, end: 1769904000 }, limitRecurrence: { start: 1735689600, end: 1738368000 }
  })
  for (const [why, attributes, inner, message] of [
    ['another type', 'content-type="text/vcard"', '', /text\/vcard/], ['no type', 'content-type=""', '', /calendar data is/],
    ['version 3', 'version="3.0"', '', /3\.0/], ['version 3 in JSON', `content-type="${json}" version="3.0"`, '', /3\.0/],
    ['no start', '', '<C:expand end="20260201T000000Z"/>', /expand/], ['no end', '', '<C:limit-freebusy-set start="20260201T000000Z"/>', /limit-freebusy-set/],
    ['backwards', '', '<C:limit-recurrence-set start="20260201T000000Z" end="20260201T000000Z"/>', /./], ['no name', '', '<C:comp name="VCALENDAR"><C:prop/></C:comp>', /name/]
  ] as const) t.throws(() => wanted(attributes, inner), { name: 'DavError', status: 403, message }, why)
})

t.test('parts, instances and JSON together', async t => {
  const series = event('a', { RRULE: 'FREQ=DAILY;COUNT=3', 'X-A;X-B=1': 'c' })
  t.equal(made(series, {}), series)
  t.equal(made(`\ufeff${series}`, {}), series, 'a byte order mark has no place in XML')
  t.equal(write(fromJcal(JSON.parse(made(series, { form: 'json' })))), series, 'JSON says the same')
  const expand = '<C:expand start="20260311T000000Z" end="20260312T000000Z"/>'
  const comp = '<C:comp name="vcalendar"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="uid"/><C:prop name="DTSTART"/><C:prop name="recurrence-id"/><C:prop name="X-A" novalue="yes"/></C:comp></C:comp>'
  t.equal(made(series, wanted('', comp)), 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260310T090000Z\r\nX-A;X-B=1:\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n', 'a value that is not wanted leaves name, parameters and colon')
  t.same(JSON.parse(made(series, wanted(`content-type="${json}"`, comp + expand))), ['vcalendar', [['version', {}, 'text', '2.0']], [['vevent', [
    ['uid', {}, 'text', 'a'], ['dtstart', {}, 'date-time', '2026-03-11T09:00:00Z'], ['recurrence-id', {}, 'date-time', '2026-03-11T09:00:00Z'], ['x-a', { 'x-b': '1' }, 'unknown', '']
  ], []]]])
  t.equal(made(series, wanted('', `${expand}<C:limit-recurrence-set start="20250101T000000Z" end="20250201T000000Z"/>`)).match(/BEGIN:VEVENT/g)?.length, 1, 'expand holds')
  t.match(made(series, wanted('', '<C:comp name="VCALENDAR"><C:comp name="VEVENT"/></C:comp>')), /SUMMARY:a/, 'a component asked for by its name alone is whole')
  t.equal(made(series, wanted('', '<C:comp name="VEVENT"/>')), series, 'the outermost is VCALENDAR; for another nothing is left out')
  t.throws(() => made('BEGIN:VCALENDAR\r\n', { form: 'json' }), { name: 'DavError', status: 403 }, 'what cannot be read')
  t.throws(() => dataOf(Buffer.from(event('a', { RRULE: 'FREQ=SECONDLY' })), wanted('', expand), UTC, new Budget({ instances: 100 })), { name: 'DavError', message: /too often/ }, 'not cut off')
  structuredClone(wanted(`content-type="${json}"`, comp + expand))
})

t.test('an expansion is refused for what it holds, not for what it leaves out', async t => {
  const expand = wanted('', '<C:expand start="20270101T000000Z" end="20270131T000000Z"/>')
  const exceptions = Array.from({ length: 20_000 }, (_, index) => new Date(Date.UTC(2030, 2, 12 + index, 9)).toISOString().replace(/[-:]|\.000/g, '')).join(',')
  t.equal(made(event('a', { RRULE: 'FREQ=DAILY', EXDATE: exceptions }), expand).match(/BEGIN:VEVENT/g)?.length, 30)
  const long = 'x'.repeat(300_000)
  for (const more of [{ DESCRIPTION: long }, { [`X-A;X-B=${long}`]: 'c' }]) t.throws(() => made(event('a', { RRULE: 'FREQ=DAILY', ...more }), expand), { name: 'DavError', message: /too often/ })
  t.throws(() => made(event('a', { RRULE: 'FREQ=DAILY' }).replace('END:VEVENT', `BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:${long}\r\nEND:VALARM\r\nEND:VEVENT`), expand), { message: /too often/ }, 'alarms too')
})

t.test('time zones as the header wants them (RFC 7809 3.1.3)', async t => {
  const both = zoned('a', ['Europe/Berlin', 'Here'], ['Europe/Berlin', 'Here'])
  t.equal(made(both, { zones: 'T' }), both, 'nothing is missing: as it is stored')
  t.same(zonesIn(made(both, { zones: 'F' })), ['Here'], 'the service has no Here')
  const without = zoned('b', ['Europe/Berlin', 'W. Europe Standard Time', 'Nowhere'], [])
  t.equal(made(without, { zones: 'F' }), without)
  t.equal(made(without, {}), without, 'who says nothing gets what is stored')
  t.same(zonesIn(made(without, { zones: 'T' })), ['Europe/Berlin', 'W. Europe Standard Time'], 'names of Windows under that name')
  t.match(made(without, { zones: 'T' }), /TZNAME:CEST/)
  const folded = event('c').replace('DTSTART:20260310T090000Z', 'DTSTART;TZ\r\n ID=Europe/Berlin:20260310T090000')
  t.same(zonesIn(made(folded, { zones: 'T' })), ['Europe/Berlin'], 'a name over two lines')
  t.equal(made(event('d'), { zones: 'T' }), event('d'))
  t.same(zonesIn(made(both, { zones: 'T', ...wanted('', '<C:comp name="VCALENDAR"><C:comp name="VEVENT"/></C:comp>') })), ['Europe/Berlin', 'Here'], 'also of what was left out')
  t.match(made(both, { zones: 'T', ...wanted('', '<C:comp name="VCALENDAR"><C:comp name="VEVENT"/></C:comp>') }), /TZOFFSETTO:\+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE/, 'those that are stored first')
  t.same(zonesIn(made(both, { zones: 'T', ...wanted('', '<C:expand start="20260301T000000Z" end="20260401T000000Z"/>') })), [], 'times in UTC refer to none')
})

t.test('CalDAV-Timezones: F leaves out what everybody reads in the same way', async t => {
  const at = (vtimezone: string, start = '20260710T090000'): string => event('a').replace('DTSTART:20260310T090000Z', `DTSTART;TZID=Europe/Berlin:${start}`).replace('BEGIN:VEVENT', `${vtimezone}BEGIN:VEVENT`)
  const winter = observance('STANDARD', '19701025T030000', '+0200', '+0100', 'BYMONTH=10;BYDAY=-1SU')
  const since = (year: string, before: string): string => definition('Europe/Berlin', observance('DAYLIGHT', `${year}0329T020000`, before, '+0200', 'BYMONTH=3;BYDAY=-1SU'), observance('STANDARD', `${year}1025T030000`, '+0200', '+0100', 'BYMONTH=10;BYDAY=-1SU'))
  for (const [why, body, expected] of [
    ['no history', at(asBerlin('Europe/Berlin')), []], ['that of New York', at(asNewYork('Europe/Berlin')), ['Europe/Berlin']], ['no summer', at(fixed('Europe/Berlin', '+0100')), ['Europe/Berlin']],
    ['half of it, so that the name counts', at(definition('Europe/Berlin', winter)), []], ['nothing in it, so that the name counts', at(definition('Europe/Berlin')), []],
    ['it begins before the event', at(since('2020', '+0100')), []], ['it begins after the event, and says something else of it', at(since('2020', '+0100'), '20190710T090000'), ['Europe/Berlin']],
    ['it begins after 2040', at(since('2045', '+0100')), ['Europe/Berlin']],
    ['another after it, which counts', at(asBerlin('Europe/Berlin') + asNewYork('Europe/Berlin')), ['Europe/Berlin', 'Europe/Berlin']],
    ['another before it, which does not count', at(asNewYork('Europe/Berlin') + asBerlin('Europe/Berlin')), []]
  ] as const) t.same(zonesIn(made(body, { zones: 'F' })), expected, why)
})

t.test('GET in either form', async t => {
  const { ask, lines } = await house(t)
  const url = `${calendar}a.ics`
  const body = zoned('a', ['Europe/Berlin'], ['Europe/Berlin'])
  await ask('PUT', url, { body, headers: calendarType })
  const plain = await ask('GET', url)
  t.match(plain.headers, { 'content-type': 'text/calendar; charset=utf-8; component=VEVENT', vary: 'Accept, CalDAV-Timezones' })
  t.equal(plain.body, body)
  const got = await ask('GET', url, { headers: { accept: json } })
  t.equal(got.headers['content-type'], 'application/calendar+json; charset=utf-8; component=VEVENT')
  t.equal(write(fromJcal(JSON.parse(got.body))), write(parse(body)))
  const [etag = '', other = ''] = [plain.headers['etag'], got.headers['etag']]
  t.match(other, /^"[\da-f]{32}-[\da-f]{8}"$/)
  t.ok(other.startsWith(etag.slice(0, -1)))
  t.equal((await ask('HEAD', url, { headers: { accept: json } })).headers['etag'], other)
  for (const [headers, status] of [
    [{ accept: json, 'if-none-match': other }, 304], [{ accept: json, 'if-none-match': etag }, 200], [{ 'if-none-match': other }, 200], [{ 'if-none-match': etag }, 304],
    [{ accept: json, 'if-match': etag }, 200], [{ 'if-match': other }, 200], [{ 'if-match': '"00000000000000000000000000000000-00000000"' }, 412], [{ if: `([${other}])` }, 200],
    [{ accept: 'text/calendar' }, 200], [{ accept: 'text/vcard' }, 406], [{ accept: 'text/html, */*;q=0.1' }, 200], [{ accept: '*/*;q=0' }, 406]
  ] as const) t.equal((await ask('GET', url, { headers })).status, status, JSON.stringify(headers))
  t.equal((await ask('GET', url, { headers: { 'caldav-timezones': 'T' } })).headers['etag'], etag, 'the same bytes have the same tag')
  const less = await ask('GET', url, { headers: { 'caldav-timezones': 'F' } })
  t.same([zonesIn(less.body), less.headers['etag'] !== etag && less.headers['etag'] !== other], [[], true])
  t.equal((await ask('GET', url, { headers: { 'caldav-timezones': 'maybe' } })).body, body)
  t.equal((await ask('PUT', url, { body: body.replace('SUMMARY:a', 'SUMMARY:b'), headers: { ...calendarType, 'if-match': other } })).status, 204, 'who has read the JSON knows what is there')
  t.equal((await ask('PUT', url, { body, headers: { ...calendarType, 'if-match': other } })).status, 412, 'but not for long')
  await ask('PUT', `${calendar}b.ics`, { body: event('b', { DESCRIPTION: 'ü'.repeat(100_000) }), headers: calendarType })
  t.equal(JSON.parse((await ask('GET', `${calendar}b.ics`, { headers: { accept: json } })).body)[2][0][1].length, 6, 'a large one, made in the thread')
  t.same(lines, [])
})

t.test('GET of a calendar in either form', async t => {
  const { ask } = await house(t)
  for (const [name, body] of [['a', zoned('a', ['Europe/Berlin', 'Here'], ['Europe/Berlin', 'Here'])], ['b', zoned('b', ['Here'], ['Here'])], ['c', event('c', { DESCRIPTION: 'ü'.repeat(100_000) })]] as const) {
    await ask('PUT', `${calendar}${name}.ics`, { body, headers: calendarType })
  }
  const stream = await ask('GET', calendar)
  t.same(zonesIn(stream.body), ['Europe/Berlin', 'Here'])
  const got = await ask('GET', calendar, { headers: { accept: json } })
  t.match(got.headers, { 'content-type': 'application/calendar+json; charset=utf-8', vary: 'Accept, CalDAV-Timezones, User-Agent' })
  t.equal(write(fromJcal(JSON.parse(got.body))), write(parse(stream.body)))
  t.not(got.headers['etag'], stream.headers['etag'])
  t.same(zonesIn((await ask('GET', calendar, { headers: { 'caldav-timezones': 'F' } })).body), ['Here'])
  t.same(JSON.parse((await ask('GET', '/calendars/users/alice/tasks/', { headers: { accept: json } })).body)[2], [], 'an empty one')
  t.match((await ask('GET', calendar, { headers: { accept: 'text/html' } })).headers['content-type'], /^text\/html/)
  t.match((await ask('GET', calendar, { headers: { accept: 'image/png' } })).headers['content-type'], /^text\/calendar/, 'a subscriber that does not know what it takes')
})

t.test('GET of a calendar: a TZID means one thing', async t => {
  const { ask, lines } = await house(t)
  const custom = 'Customized Time Zone'
  const at = (uid: string, tzid: string, vtimezone = '', more = {}): string => event(uid, { 'X-SAME;X-A=1;TZID="Asia/Tokyo"': '20260710T100000', ...more }).replace('DTSTART:20260310T090000Z', `DTSTART;TZID=${tzid}:20260710T090000`).replace('BEGIN:VEVENT', `${vtimezone}BEGIN:VEVENT`)
  const objects: Readonly<Record<string, readonly [stored: string, tzid: string, utc: string]>> = {
    a: [at('a', 'Europe/Berlin', asNewYork('Europe/Berlin')), 'Europe/Berlin (2)', '20260710T130000'],
    b: [at('b', 'Europe/Berlin', asBerlin('Europe/Berlin')), 'Europe/Berlin', '20260710T070000'],
    c: [at('c', 'Europe/Berlin'), 'Europe/Berlin', '20260710T070000'],
    d: [at('d', custom, fixed(custom, '+0300')), custom, '20260710T060000'],
    e: [at('e', custom, fixed(custom, '-0300'), { DESCRIPTION: 'ü'.repeat(100_000) }), `${custom} (2)`, '20260710T120000'],
    f: [at('f', custom, fixed(custom, '+0300').replace('TZID', 'LAST-MODIFIED:20200101T000000Z\r\nTZID')), custom, '20260710T060000'],
    g: [at('g', `${custom} (2)`, fixed(`${custom} (2)`, '+0500')), `${custom} (2) (2)`, '20260710T040000'],
    h: [at('h', custom, fixed(custom, '-0300')), `${custom} (2)`, '20260710T120000'],
    i: [at('i', custom, fixed(custom, '+0700')), `${custom} (3)`, '20260710T020000'],
    j: [at('j', 'W. Europe Standard Time', asNewYork('W. Europe Standard Time')), 'W. Europe Standard Time (2)', '20260710T130000'],
    k: [at('k', 'W. Europe Standard Time'), 'W. Europe Standard Time', '20260710T070000'],
    l: [at('l', '"UTC+05:00"', fixed('UTC+05:00', '+0600')), 'UTC+05:00 (2)', '20260710T030000'],
    m: [at('m', '"UTC+05:00"'), 'UTC+05:00', '20260710T040000'],
    n: [at('n', '"Nowhere, at all"', fixed('Nowhere\\, at all', '+0200')), 'Nowhere, at all', '20260710T070000'],
    o: [at('o', '"Nowhere, at all"', fixed('Nowhere\\, at all', '+0100')), 'Nowhere, at all (2)', '20260710T080000']
  }
  for (const [name, [body]] of Object.entries(objects)) t.equal((await ask('PUT', `${calendar}${name}.ics`, { body, headers: calendarType })).status, 201, name)
  const told = [...new Set([...Object.values(objects).map(([, tzid]) => tzid), 'Asia/Tokyo'])].map(tzid => tzid.replace(',', '\\,')).sort()
  const stream = (await ask('GET', calendar)).body
  t.same(zonesIn(stream), told, 'each is described once')
  for (const data of [stream, write(fromJcal(JSON.parse((await ask('GET', calendar, { headers: { accept: json } })).body)))]) {
    const read = parse(data)
    for (const one of read.components.filter(({ name }) => name === 'VEVENT')) {
      const [uid = '', start] = ['UID', 'DTSTART'].map(name => one.properties.find(each => each.name === name)).map((each, at) => at === 0 ? each?.value : each) as [string, Property]
      const when = parseWhen(start, start.value, zonesOf(read))
      t.same([parameter(start, 'TZID'), formatWhen({ date: false, local: utcOf(when, UTC), zone: 'floating' })], objects[uid]?.slice(1), uid)
    }
  }
  t.match(stream, write(parse(objects['c']![0]).components[0]!), 'what needs no other name stays as it is')
  t.match(stream, /DTSTART;TZID=Europe\/Berlin \(2\):20260710T090000\r\nDURATION:PT1H\r\nSUMMARY:a\r\nX-SAME;X-A=1;TZID=Asia\/Tokyo:/)
  t.match(stream, /TZNAME:CEST/, 'standard zones as the server knows them')
  t.same(zonesIn((await ask('GET', calendar, { headers: { 'caldav-timezones': 'F' } })).body), told.filter(tzid => !['Europe/Berlin', 'Asia/Tokyo'].includes(tzid)))
  t.same(lines, [])
  const off = await house(t, { settings: { 'timezones.service': 'false' } })
  const [body] = objects['b']!
  await off.ask('PUT', `${calendar}b.ics`, { body, headers: calendarType })
  const headers = { 'caldav-timezones': 'F' }
  t.equal((await off.ask('GET', `${calendar}b.ics`, { headers })).body, body, 'without a service there is nothing that could be left out')
  t.same(zonesIn((await off.ask('GET', calendar, { headers })).body), ['Asia/Tokyo', 'Europe/Berlin'])
  const report = `<C:calendar-multiget ${ns}><D:prop><C:calendar-data/></D:prop><D:href>b.ics</D:href></C:calendar-multiget>`
  t.match((await off.ask('REPORT', calendar, { body: report, headers })).body, /BEGIN:VTIMEZONE/)
})

t.test('reports in either form', async t => {
  const { ask, lines } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: zoned('a', ['Europe/Berlin'], ['Europe/Berlin']), headers: calendarType })
  const data = `<D:prop><D:getetag/><C:calendar-data content-type="${json}"/></D:prop>`
  const reports = {
    'calendar-multiget': `<C:calendar-multiget ${ns}>${data}<D:href>a.ics</D:href></C:calendar-multiget>`,
    'calendar-query': `<C:calendar-query ${ns}>${data}<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`,
    'sync-collection': `<D:sync-collection ${ns}><D:sync-token/><D:sync-level>1</D:sync-level>${data}</D:sync-collection>`
  }
  const { etag } = (await ask('GET', `${calendar}a.ics`)).headers
  for (const [name, body] of Object.entries(reports)) {
    for (const zones of ['', 'F'] as const) {
      const answer = await ask('REPORT', calendar, { body, headers: { depth: '1', 'caldav-timezones': zones } })
      const properties = [...told(answer.body)].find(([href]) => href.endsWith('a.ics'))?.[1].properties
      const value = properties?.get(caldav('calendar-data'))?.value
      t.equal(value?.attributes['content-type'], json, name)
      t.same((JSON.parse(value === undefined ? '[]' : text(value)) as unknown[][])[2]?.map(each => (each as string[])[0]), zones === 'F' ? ['vevent'] : ['vtimezone', 'vevent'])
      t.equal(text(properties?.get(dav('getetag'))?.value ?? xml('<a/>')), etag, 'DAV:getetag is of what GET without Accept gives (RFC 4918 15.6)')
    }
  }
  const plain = (await ask('REPORT', calendar, { body: reports['calendar-multiget'].replace(` content-type="${json}"`, ''), headers: { 'caldav-timezones': 'F' } })).body
  t.match(plain, /<C:calendar-data>BEGIN:VCALENDAR/)
  t.notMatch(plain, /VTIMEZONE/)
  const supported = await ask('PROPFIND', calendar, { body: `<D:propfind ${ns}><D:prop><C:supported-calendar-data/></D:prop></D:propfind>`, headers: { depth: '0' } })
  t.match(supported.body, /<C:calendar-data content-type="text\/calendar" version="2.0"\/><C:calendar-data content-type="application\/calendar\+json" version="2.0"\/>/)
  t.same(lines, [])
})

t.test('a line that is folded in the middle of a character is one line (RFC 5545 3.1)', async t => {
  const { ask } = await house(t)
  const body = Buffer.from(event('folded', { SUMMARY: 'Grüße aus €uropa' }).replace('ü', 'Ã\r\n ¼').replace('€', 'â\r\n \x82\r\n \xac'), 'latin1')
  const path = '/calendars/users/alice/calendar/folded.ics'
  t.equal((await ask('PUT', path, { body: Buffer.from(body.toString('latin1').replace('ß', 'Ã\x9f'), 'latin1'), headers: calendarType })).status, 201)
  const found = await ask('REPORT', '/calendars/users/alice/calendar/', { body: `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><D:href>${path}</D:href></C:calendar-multiget>` })
  t.match(found.body, 'SUMMARY:Grüße aus €uropa')
  t.notMatch(found.body, /\ufffd/)
  t.equal((await ask('PUT', '/calendars/users/alice/calendar/broken.ics', { body: Buffer.concat([Buffer.from(event('broken').replace('END:VEVENT', 'SUMMARY:x')), Buffer.from([0xc3, 0x28, 13, 10])]), headers: calendarType })).status, 403)
})
