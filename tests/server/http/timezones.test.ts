import t from 'tap'
import { leapSeconds } from '../../../server/calendar/leap-seconds.js'
import { matcher } from '../../../server/calendar/zone-pattern.js'
import { toJcal } from '../../../server/ical/jcal.js'
import { parse } from '../../../server/ical/parse.js'
import { parseDateTime } from '../../../server/ical/time.js'
import { zoneFromCalendar } from '../../../server/ical/timezone.js'
import { house } from '../../house.js'

const nobody = { user: undefined }
const at = (text: string): number => parseDateTime(text).local

interface Zone { tzid: string, etag: string, version: string, publisher: string, 'last-modified': string, aliases?: string[] }
interface List { synctoken: string, timezones: Zone[] }

t.test('the standard service (RFC 7808)', async t => {
  const { ask } = await house(t)
  const get = async (path: string, headers: Record<string, string> = {}) => await ask('GET', `/stdtimezones${path}`, { ...nobody, headers })
  const json = async <Body>(path: string): Promise<Body> => {
    const answer = await get(path)
    t.equal(answer.status, 200, path)
    t.match(answer.headers, { 'content-type': /^application\/json/, 'cache-control': /max-age=\d+/ }, path)
    return JSON.parse(answer.body) as Body
  }
  const known = await ask('GET', '/.well-known/timezone', nobody)
  t.equal(known.status, 301)
  t.match(known.headers['location'], /\/stdtimezones$/)
  t.match(known.headers['cache-control'], /max-age/)

  t.test('capabilities', async t => {
    const found = await json<{ version: number, info: { formats: string[], truncated: object, 'primary-source': string }, actions: { name: string, 'uri-template': string }[] }>('/capabilities')
    t.equal(found.version, 1)
    t.same(found.info.formats, ['text/calendar', 'application/calendar+json'])
    t.same(found.info.truncated, { any: true, untruncated: true })
    t.match(found.info['primary-source'], /^IANA:\d{4}[a-z]+$/)
    t.same(found.actions.map(({ name }) => name), ['capabilities', 'list', 'get', 'expand', 'find', 'leapseconds'])
    t.equal(found.actions[2]?.['uri-template'], '/stdtimezones/zones{/tzid}{?start,end}')
  })

  t.test('list', async t => {
    const list = await json<List>('/zones')
    const berlin = list.timezones.find(({ tzid }) => tzid === 'Europe/Berlin')!
    t.match(berlin, { etag: /^[\w-]{10,}$/, publisher: 'IANA', version: /^\d{4}/, 'last-modified': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ })
    t.ok(list.timezones.find(({ tzid }) => tzid === 'America/New_York')?.aliases?.includes('US/Eastern'))
    t.ok(list.timezones.length > 300 && new Set(list.timezones.map(({ etag }) => etag)).size === list.timezones.length, 'an ETag of its own for each')
    t.equal((await get('/zones/Europe%2FBerlin')).headers['etag'], `"${berlin.etag}"`, 'is that of get')
    t.same((await json<List>(`/zones?changedsince=${list.synctoken}`)), { synctoken: list.synctoken, timezones: [] }, 'nothing has changed')
    t.equal((await json<List>('/zones?changedsince=long-ago')).timezones.length, list.timezones.length, 'RFC 7808 5.2: an unknown token gets all')
    const tag = (await get('/zones')).headers['etag']!
    t.equal((await get('/zones', { 'if-none-match': tag })).status, 304)
  })

  t.test('get', async t => {
    const text = await get('/zones/Europe%2FBerlin')
    t.equal(text.status, 200)
    t.match(text.headers, { 'content-type': 'text/calendar; charset=utf-8', vary: /Accept/, etag: /^"[^"]+"$/, 'cache-control': /max-age/ })
    t.match(text.body, /^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n[^]*BEGIN:VTIMEZONE\r\nTZID:Europe\/Berlin\r\n/)
    t.equal(zoneFromCalendar(text.body)?.toUtc(at('20250701T120000')), at('20250701T100000'))
    t.equal((await get('/zones/Europe/Berlin')).body, text.body, 'a slash as it is, as proxies write it')
    t.equal((await get('/zones/Europe%2FBerlin/')).body, text.body)
    t.match((await get('/zones/US%2FEastern')).body, /TZID:US\/Eastern\r\nTZID-ALIAS-OF:America\/New_York\r\n/)
    t.match((await get('/zones/Etc%2FGMT+1')).body, /TZOFFSETTO:-0100/, 'a plus is a plus')
    const jcal = await get('/zones/Europe%2FBerlin', { accept: 'application/calendar+json' })
    t.match(jcal.headers['content-type'], /^application\/calendar\+json/)
    t.match(JSON.parse(jcal.body), ['vcalendar', Array, [['vtimezone', [['tzid', {}, 'text', 'Europe/Berlin']], Array]]])
    const head = await ask('HEAD', '/stdtimezones/zones/Europe%2FBerlin', nobody)
    t.same([head.status, head.headers['etag'], head.body], [200, text.headers['etag'], ''])
    const cut = await get('/zones/Europe%2FBerlin?start=2024-01-01T00:00:00Z&end=2026-01-01T00:00:00Z')
    t.match(cut.body, /TZUNTIL:20260101T000000Z\r\nBEGIN:STANDARD\r\nDTSTART:20240101T010000\r\n/)
    t.equal(new Set([text, jcal, cut].map(({ headers }) => headers['etag'])).size, 3, 'each form its own ETag')
    for (const tag of [text.headers['etag']!, text.headers['etag']!.slice(1, -1), '*', `"x", ${text.headers['etag']!}`]) {
      const same = await get('/zones/Europe%2FBerlin', { 'if-none-match': tag })
      t.same([same.status, same.body, same.headers['etag']], [304, '', text.headers['etag']], tag)
    }
    t.equal((await get('/zones/Europe%2FBerlin', { 'if-none-match': jcal.headers['etag']! })).status, 200)
  })

  t.test('expand', async t => {
    const found = await get('/zones/America%2FNew_York/observances?start=2008-01-01T00:00:00Z&end=2009-01-01T00:00:00Z')
    t.match(found.headers['etag'], /^"[\w-]+"$/)
    t.same(JSON.parse(found.body), {
      tzid: 'America/New_York',
      observances: [
        { name: 'EST', onset: '2008-01-01T00:00:00Z', 'utc-offset-from': -18000, 'utc-offset-to': -18000 },
        { name: 'EDT', onset: '2008-03-09T07:00:00Z', 'utc-offset-from': -18000, 'utc-offset-to': -14400 },
        { name: 'EST', onset: '2008-11-02T06:00:00Z', 'utc-offset-from': -14400, 'utc-offset-to': -18000 }
      ]
    })
    const onset = await json<{ observances: object[] }>('/zones/America%2FNew_York/observances?start=2008-03-09T07:00:00Z&end=2008-04-01T00:00:00Z')
    t.same(onset.observances, [{ name: 'EDT', onset: '2008-03-09T07:00:00Z', 'utc-offset-from': -18000, 'utc-offset-to': -14400 }], 'a range that begins with a change')
    const long = await json<{ end: string, observances: object[] }>('/zones/Europe%2FBerlin/observances?start=2000-01-01T00:00:00Z&end=9999-12-31T00:00:00Z')
    t.match(long.end, /^2199-12-31|^2200-01-01/, 'so much at once, which is told')
    t.equal(long.observances.length, 401)
    const old = await json<{ observances: { 'utc-offset-to': number }[] }>('/zones/America%2FNew_York/observances?start=1700-01-01T00:00:00Z&end=1701-01-01T00:00:00Z')
    t.same(old.observances.map(one => one['utc-offset-to']), [-17762])
  })

  t.test('find', async t => {
    const names = async (pattern: string): Promise<string[]> => (await json<List>(`/zones?pattern=${pattern}`)).timezones.map(({ tzid }) => tzid)
    t.same(await names('Europe/Berlin'), ['Europe/Berlin'])
    t.same(await names('US/Eastern'), ['America/New_York'], 'by an alias')
    t.same(await names('*new%20york'), ['America/New_York'], 'case and underscores')
    t.ok((await names('america/n*')).every(name => /^America\/N/.test(name) || name !== ''))
    t.ok((await names('Africa/L*')).includes('Africa/Maputo'), 'Lubumbashi has followed it since 1970')
    t.same(await names('nowhere'), [])
  })

  t.test('leap seconds', async t => {
    const found = await get('/leapseconds')
    t.ok([200, 404].includes(found.status), 'as far as the system has them')
    if (found.status === 200) t.match(JSON.parse(found.body), { expires: /^\d{4}-\d\d-\d\d$/, publisher: 'IERS', leapseconds: [{ 'utc-offset': 10, onset: '1972-01-01' }, { 'utc-offset': 11, onset: '1972-07-01' }] })
    t.same(leapSeconds('#$ 3676924800\n#@ 3991766400\n2272060800 10 # 1 Jan 1972\n3692217600\t37\n'), { expires: '2026-06-30', publisher: 'IERS', version: '2016-07-08', leapseconds: [{ 'utc-offset': 10, onset: '1972-01-01' }, { 'utc-offset': 37, onset: '2017-01-01' }] })
    t.equal(leapSeconds(undefined), undefined)
    t.equal(leapSeconds('nonsense'), undefined)
  })

  t.test('errors are problem documents (RFC 7808 4.1.7)', async t => {
    const range = 'start=2008-01-01T00:00:00Z&end=2009-01-01T00:00:00Z'
    for (const [path, status, urn] of [
      ['', 400, 'invalid-action'], ['/', 400, 'invalid-action'], ['?action=list', 400, 'invalid-action'], ['/nonsense', 400, 'invalid-action'], ['/capabilities/x', 400, 'invalid-action'], ['/zones/observances', 400, 'invalid-action'],
      ['/zones/Europe%2FBerlin/Europe%2FParis', 400, 'invalid-action'], ['/zones/%zz', 400, 'invalid-action'], ['/zones/%ff', 400, 'invalid-action'], ['/zones/..%2F..%2Fetc%2Fpasswd', 404, 'tzid-not-found'],
      ['/zones/Nowhere', 404, 'tzid-not-found'], ['/zones/europe%2Fberlin', 404, 'tzid-not-found'], [`/zones/Nowhere/observances?${range}`, 404, 'tzid-not-found'], ['/zones/constructor', 404, 'tzid-not-found'],
      ['/zones?changedsince=a&changedsince=b', 400, 'invalid-changedsince'],
      ['/zones/UTC?start=2008', 400, 'invalid-start'], ['/zones/UTC?start=2008-02-30T00:00:00Z', 400, 'invalid-start'], ['/zones/UTC?start=2008-01-01T00:00:00Z&start=2008-01-01T00:00:00Z', 400, 'invalid-start'],
      ['/zones/UTC?end=2008-01-01', 400, 'invalid-end'], ['/zones/UTC?start=2009-01-01T00:00:00Z&end=2009-01-01T00:00:00Z', 400, 'invalid-end'],
      ['/zones/UTC/observances', 400, 'invalid-start'], ['/zones/UTC/observances?start=2008-01-01T00:00:00Z', 400, 'invalid-end'], ['/zones/UTC/observances?start=2009-01-01T00:00:00Z&end=2008-01-01T00:00:00Z', 400, 'invalid-end'],
      ['/zones?pattern=', 400, 'invalid-pattern'], ['/zones?pattern=*', 400, 'invalid-pattern'], ['/zones?pattern=a*b', 400, 'invalid-pattern'], ['/zones?pattern=a&pattern=b', 400, 'invalid-pattern'], ['/zones?pattern=a%5C', 400, 'invalid-pattern']
    ] as const) {
      const answer = await get(path)
      t.equal(answer.status, status, path)
      t.match(answer.headers['content-type'], /^application\/problem\+json/, path)
      t.match(JSON.parse(answer.body), { type: `urn:ietf:params:tzdist:error:${urn}`, title: /./, status }, path)
    }
    const format = await get('/zones/UTC', { accept: 'text/html' })
    t.equal(format.status, 406)
    t.match(format.body, /error:invalid-format/)
    for (const method of ['PUT', 'POST', 'DELETE', 'PROPFIND', 'PROPPATCH', 'MKCOL']) {
      const answer = await ask(method, '/stdtimezones/zones/UTC', { ...nobody, body: 'x' })
      t.same([answer.status, answer.headers['allow']], [405, 'GET, HEAD, OPTIONS'], method)
    }
    t.equal((await ask('OPTIONS', '/stdtimezones', nobody)).headers['allow'], 'GET, HEAD, OPTIONS')
  })
})

t.test('patterns (RFC 7808 5.5)', async t => {
  for (const [pattern, name, is] of [
    ['xyz', 'XYZ', true], ['xyz', 'xyzz', false], ['*xyz', 'axyz', true], ['*xyz', 'xyza', false], ['xyz*', 'xyza', true], ['*y*', 'xyz', true], ['a b', 'a_b', true], ['a_b', 'a b', true],
    ['\\*Test\\\\Time\\*Zone\\*', '*Test\\Time*Zone*', true], ['\\**', '*x', true], ['*\\*', 'x*', true], ['*\\\\', 'x\\', true]
  ] as const) t.equal(matcher(pattern)?.(name), is, `${pattern} ${name}`)
  for (const wrong of ['', '*', '**', '***', 'a*b', '*a*b', 'a\\', 'a\\b', '\\', '*\\']) t.equal(matcher(wrong), undefined, wrong)
})

t.test("Apple's older service", async t => {
  const { ask } = await house(t)
  const get = async (query: string) => await ask('GET', `/timezones${query}`, nobody)
  t.match((await get('?method=list')).body, /<CS:tzids[^>]*><CS:tzid>Africa\/Abidjan<\/CS:tzid>|<tzids[^>]*><tzid>Africa\/Abidjan<\/tzid>/)
  const zone = await get('?method=get&tzid=Europe/Berlin')
  t.match(zone.headers['content-type'], /^text\/calendar/)
  t.match(zone.body, /TZID:Europe\/Berlin\r\n/)
  t.equal((await get('?action=get&tzid=Europe%2FBerlin')).body, zone.body)
  const expanded = (await get('?method=expand&tzid=America/New_York&start=20080101T000000Z&end=20090101T000000Z')).body
  t.same([...expanded.matchAll(/onset>(\d[^<]*)<.*?utc-offset>([^<]*)</g)].map(([, onset, offset]) => `${onset!} ${offset!}`),
    ['20071231T190000 -0500', '20080309T020000 -0400', '20081102T020000 -0500'])
  for (const [query, status, name] of [
    ['', 400, 'supported-method'], ['?method=nonsense', 400, 'supported-method'], ['?method=list&method=get', 400, 'valid-method'], ['?method=get', 400, 'valid-timezone'], ['?method=get&tzid=Nowhere', 404, 'timezone-available'],
    ['?method=expand&tzid=UTC', 400, 'valid-start-date'], ['?method=expand&tzid=UTC&start=20080101T000000Z&end=x', 400, 'valid-end-date'], ['?method=expand&tzid=UTC&start=20080101&end=20080101', 400, 'valid-end-date'], ['?%ff', 400, 'supported-method']
  ] as const) {
    const answer = await get(query)
    t.equal(answer.status, status, query)
    t.match(answer.body, new RegExp(`<[^>]*${name}`), query)
  }
})

t.test('behind a prefix, and switched off', async t => {
  const prefixed = await house(t, { settings: { 'server.baseUrl': 'https://example.org/dav' } })
  t.equal((await prefixed.ask('GET', '/.well-known/timezone', nobody)).headers['location'], 'https://example.org/dav/stdtimezones')
  t.match((await prefixed.ask('GET', '/dav/stdtimezones/capabilities', nobody)).body, /"\/dav\/stdtimezones\/zones\{\?changedsince\}"/)
  const set = await prefixed.ask('PROPFIND', '/calendars/users/alice/', { headers: { depth: '0' }, body: '<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:timezone-service-set/></D:prop></D:propfind>' })
  t.match(set.body, /<C:timezone-service-set><D:href>\/dav\/stdtimezones<\/D:href><\/C:timezone-service-set>/)
  t.match((await prefixed.ask('OPTIONS', '/calendars/users/alice/')).headers['dav'], /calendar-no-timezone/)
  const off = await house(t, { settings: { 'timezones.service': 'false' } })
  for (const path of ['/stdtimezones/zones', '/timezones?method=list', '/.well-known/timezone']) t.ok([401, 404].includes((await off.ask('GET', path, nobody)).status), path)
  t.notMatch((await off.ask('OPTIONS', '/calendars/users/alice/')).headers['dav'], /calendar-no-timezone/)
})

const calendar = '/calendars/users/alice/calendar/'
const propfind = (...names: string[]): string => `<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>${names.map(name => `<C:${name}/>`).join('')}</D:prop></D:propfind>`
const set = (...values: string[]): string => `<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>${values.join('')}</D:prop></D:set></D:propertyupdate>`
const fixed = (tzid: string, offset: string): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN', 'BEGIN:VTIMEZONE', `TZID:${tzid}`, 'BEGIN:STANDARD', 'DTSTART:19700101T000000', `TZOFFSETFROM:${offset}`, `TZOFFSETTO:${offset}`, 'END:STANDARD', 'END:VTIMEZONE', 'END:VCALENDAR', ''].join('&#13;\n')

t.test('the zone of a calendar (RFC 7809 5.2)', async t => {
  const { ask } = await house(t)
  const zones = async (path = calendar): Promise<{ text: string, id: string | undefined }> => {
    const { body } = await ask('PROPFIND', path, { headers: { depth: '0' }, body: propfind('calendar-timezone', 'calendar-timezone-id') })
    return { text: /<C:calendar-timezone>([^<]*)</.exec(body)?.[1] ?? '', id: /<C:calendar-timezone-id>([^<]*)</.exec(body)?.[1] }
  }
  const change = async (...values: string[]) => await ask('PROPPATCH', calendar, { body: set(...values) })
  t.same(await zones(), { text: '', id: undefined }, 'none at first')
  await change('<C:calendar-timezone-id>America/New_York</C:calendar-timezone-id>')
  t.equal((await zones()).id, 'America/New_York')
  t.match((await zones()).text, /^BEGIN:VCALENDAR&#13;\n[^]*TZID:America\/New_York&#13;\n[^]*BYMONTH=3;BYDAY=2SU/, 'the whole description')
  await change(`<C:calendar-timezone>${fixed('Europe/Berlin', '+0100')}</C:calendar-timezone>`)
  t.same(await zones(), { text: fixed('Europe/Berlin', '+0100'), id: 'Europe/Berlin' }, 'as it was sent')
  await change(`<C:calendar-timezone>${fixed('Home &amp; away', '+0100')}</C:calendar-timezone>`)
  t.equal((await zones()).id, 'Home &amp; away', 'RFC 7809 3.1.5: it matches the TZID')
  for (const [value, condition] of [
    ['<C:calendar-timezone-id>Nowhere</C:calendar-timezone-id>', 'valid-timezone'], ['<C:calendar-timezone-id/>', 'valid-timezone'], ['<C:calendar-timezone>nonsense</C:calendar-timezone>', 'valid-calendar-data'],
    ['<C:calendar-timezone content-type="application/calendar+json">[]</C:calendar-timezone>', 'valid-calendar-data'], ['<C:calendar-timezone content-type="text/html">x</C:calendar-timezone>', 'supported-calendar-data']
  ] as const) {
    const answer = await change(value)
    t.equal(answer.status, 207, value)
    t.match(answer.body, new RegExp(`<D:error><C:${condition}/></D:error>|<C:${condition}`), value)
    t.equal((await zones()).id, 'Home &amp; away', `${value}: nothing changed`)
  }
  const jcal = ['vcalendar', [['version', {}, 'text', '2.0']], [['vtimezone', [['tzid', {}, 'text', 'Mine']], [['standard', [['dtstart', {}, 'date-time', '1970-01-01T00:00:00'], ['tzoffsetfrom', {}, 'utc-offset', '+02:00'], ['tzoffsetto', {}, 'utc-offset', '+02:00']], []]]]]]
  t.notMatch((await change(`<C:calendar-timezone content-type="application/calendar+json">${JSON.stringify(jcal)}</C:calendar-timezone>`)).body, /error/)
  t.match(await zones(), { text: /^BEGIN:VCALENDAR[^]*TZOFFSETTO:\+0200/, id: 'Mine' })
  const asJson = (await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: propfind('calendar-timezone content-type="application/calendar+json"') })).body
  t.match(asJson, /<C:calendar-timezone content-type="application\/calendar\+json">\["vcalendar",[^<]*"Mine"/)
  await ask('PROPPATCH', calendar, { body: '<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:remove><D:prop><C:calendar-timezone-id/></D:prop></D:remove></D:propertyupdate>' })
  t.same(await zones(), { text: '', id: undefined }, 'both are gone')
  const all = (await ask('PROPFIND', calendar, { headers: { depth: '0' } })).body
  t.notMatch(all, /timezone/, 'not in allprop')

  t.test('in MKCALENDAR', async t => {
    const made = await ask('MKCALENDAR', '/calendars/users/alice/new/', { body: '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:calendar-timezone-id>Asia/Tokyo</C:calendar-timezone-id></D:prop></D:set></C:mkcalendar>' })
    t.equal(made.status, 201)
    t.match(await zones('/calendars/users/alice/new/'), { text: /TZID:Asia\/Tokyo/, id: 'Asia/Tokyo' })
    const refused = await ask('MKCALENDAR', '/calendars/users/alice/other/', { body: '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:calendar-timezone-id>Nowhere</C:calendar-timezone-id></D:prop></D:set></C:mkcalendar>' })
    t.match(refused.body, /valid-timezone/)
    t.equal((await ask('PROPFIND', '/calendars/users/alice/other/', { headers: { depth: '0' } })).status, 404)
  })
})

t.test('in which zone a query reads times without one', async t => {
  const { ask } = await house(t)
  const event = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN', 'BEGIN:VEVENT', 'UID:floating', 'DTSTAMP:20250101T000000Z', 'DTSTART:20250701T120000', 'DTEND:20250701T130000', 'SUMMARY:x', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
  t.equal((await ask('PUT', `${calendar}a.ics`, { body: event, headers: { 'content-type': 'text/calendar' } })).status, 201)
  const query = async (start: string, zone = '') => await ask('REPORT', calendar, {
    headers: { depth: '1' },
    body: `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20250701T${start}Z" end="20250701T${start.slice(0, 2)}3000Z"/></C:comp-filter></C:comp-filter></C:filter>${zone}</C:calendar-query>`
  })
  const isAt = async (hour: string, zone?: string): Promise<boolean> => /a\.ics/.test((await query(`${hour}0000`, zone)).body)
  const say = async (path: string, tzid: string): Promise<void> => { t.notMatch((await ask('PROPPATCH', path, { body: set(`<C:calendar-timezone-id>${tzid}</C:calendar-timezone-id>`) })).body, /40[39]/, path) }
  t.same([await isAt('12'), await isAt('10')], [true, false], 'UTC when nobody says')
  await say('/calendars/users/alice/', 'Asia/Tokyo')
  t.ok(await isAt('03'), "the home's")
  await say('/calendars/users/alice/inbox/', 'Asia/Kolkata')
  t.ok(await isAt('07'), "the inbox's")
  await say(calendar, 'Europe/Berlin')
  t.same([await isAt('10'), await isAt('03')], [true, false], "the calendar's")
  t.ok(await isAt('16', '<C:timezone-id>America/New_York</C:timezone-id>'), "the query's")
  t.ok(await isAt('09', `<C:timezone>${fixed('Europe/Berlin', '+0300')}</C:timezone>`), 'a VTIMEZONE, whatever its name')
  t.ok(await isAt('09', `<C:timezone content-type="application/calendar+json">${JSON.stringify(toJcal(parse(fixed('Europe/Berlin', '+0300').replaceAll('&#13;', '\r'))))}</C:timezone>`), 'the same as jCal')
  t.ok(await isAt('10'), 'which holds for that query only')
  for (const [zone, condition] of [['<C:timezone content-type="application/calendar+json">[]</C:timezone>', 'valid-calendar-data'], ['<C:timezone content-type="text/html">x</C:timezone>', 'supported-calendar-data'], ['<C:timezone-id>Nowhere</C:timezone-id>', 'valid-timezone'], ['<C:timezone>nonsense</C:timezone>', 'valid-calendar-data'], ['<C:timezone>BEGIN:VCALENDAR&#13;\nEND:VCALENDAR</C:timezone>', 'valid-calendar-data']] as const) {
    const answer = await query('120000', zone)
    t.same([answer.status, new RegExp(`<C:${condition}/>`).test(answer.body)], [403, true], zone)
  }

  t.test('a wrong VTIMEZONE in one event leaves others alone', async t => {
    const zoned = (uid: string, vtimezone: string): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN', ...vtimezone === '' ? [] : [vtimezone], 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20250101T000000Z', 'DTSTART;TZID=Europe/Berlin:20250801T120000', 'DTEND;TZID=Europe/Berlin:20250801T130000', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
    const wrong = fixed('Europe/Berlin', '+0900').replaceAll('&#13;\n', '\r\n').split('\r\n').slice(3, -2).join('\r\n')
    for (const [name, body] of [['wrong', zoned('wrong', wrong)], ['right', zoned('right', '')]] as const) t.equal((await ask('PUT', `${calendar}${name}.ics`, { body, headers: { 'content-type': 'text/calendar' } })).status, 201, name)
    const found = async (hour: string): Promise<string[]> => [...(await ask('REPORT', calendar, {
      headers: { depth: '1' },
      body: `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20250801T${hour}0000Z" end="20250801T${hour}3000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
    })).body.matchAll(/calendar\/(\w+)\.ics/g)].map(([, name]) => name!)
    t.same(await found('10'), ['right'])
    t.same(await found('03'), ['wrong'])
    t.match((await ask('GET', '/stdtimezones/zones/Europe%2FBerlin', nobody)).body, /TZOFFSETTO:\+0200/)
    t.ok(await isAt('10'), "the calendar's own zone is as before")
  })
})
