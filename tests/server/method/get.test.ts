import { readdirSync } from 'node:fs'
import t from 'tap'
import { parse } from '../../../server/ical/parse.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome } from '../../multistatus.js'

const calendar = '/calendars/users/alice/calendar/'
const zone = (id: string): string => `BEGIN:VTIMEZONE\r\nTZID:${id}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`

t.test('GET and HEAD of an event, whole, in part, unchanged', async t => {
  const { ask } = await house(t)
  const url = `${calendar}a.ics`
  const body = event('a', { SUMMARY: 'Grüße' })
  await ask('PUT', url, { body, headers: calendarType })
  const got = await ask('GET', url)
  t.match(got.headers, { 'content-type': 'text/calendar; charset=utf-8; component=VEVENT', 'content-length': String(Buffer.byteLength(body)), 'accept-ranges': 'bytes', etag: /^"/, 'last-modified': / GMT$/, dav: /calendar-access/ })
  const head = await ask('HEAD', url)
  t.equal(head.bytes.length, 0)
  for (const name of ['content-type', 'content-length', 'etag', 'last-modified', 'dav']) t.equal(head.headers[name], got.headers[name], `HEAD has ${name}`)
  const etag = got.headers['etag'] ?? ''
  const conditions: readonly (readonly [headers: Record<string, string>, status: number])[] = [
    [{ 'if-none-match': etag }, 304], [{ 'if-none-match': `W/${etag}` }, 304], [{ 'if-none-match': '"x"' }, 200], [{ 'if-none-match': '*' }, 304],
    [{ 'if-match': etag }, 200], [{ 'if-match': '"x"' }, 412], [{ 'if-modified-since': got.headers['last-modified'] ?? '' }, 304],
    [{ 'if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 200], [{ 'if-modified-since': 'yesterday' }, 200], [{ 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 412],
    [{ if: `([${etag}])` }, 200], [{ if: '(["x"])' }, 412], [{ if: '(<urn:uuid:none>)' }, 412], [{ if: '(Not <DAV:no-lock>)' }, 200], [{ if: `<${url}> ([${etag}])` }, 200],
    [{ if: `<${calendar}none.ics> ([${etag}])` }, 412], [{ if: '(' }, 400]
  ]
  for (const [headers, status] of conditions) {
    const answer = await ask('GET', url, { headers })
    t.equal(answer.status, status, JSON.stringify(headers))
    if (status === 304) t.same([answer.bytes.length, answer.headers['etag']], [0, etag])
  }
  const bytes = Buffer.from(body)
  for (const [range, status, expected, header] of [
    ['bytes=0-4', 206, bytes.subarray(0, 5), `bytes 0-4/${bytes.length}`], ['bytes=-3', 206, bytes.subarray(-3), `bytes ${bytes.length - 3}-${bytes.length - 1}/${bytes.length}`],
    ['bytes=10-', 206, bytes.subarray(10), `bytes 10-${bytes.length - 1}/${bytes.length}`], ['bytes=999999-', 416, Buffer.alloc(0), `bytes */${bytes.length}`],
    ['bytes=5-2', 200, bytes, undefined], ['lines=1-2', 200, bytes, undefined], ['bytes=0-1,3-4', 200, bytes, undefined]
  ] as const) {
    const answer = await ask('GET', url, { headers: { range } })
    t.same([answer.status, answer.bytes, answer.headers['content-range']], [status, expected, header], range)
  }
  t.equal((await ask('GET', url, { headers: { range: 'bytes=0-4', 'if-range': '"x"' } })).status, 200, 'If-Range does not hold')
  t.equal((await ask('GET', url, { headers: { range: 'bytes=0-4', 'if-range': etag } })).status, 206)
  t.equal((await ask('GET', `${calendar}none.ics`)).status, 404)
  t.equal((await ask('GET', `${calendar}a.ics/x`)).status, 404)
  t.equal((await ask('GET', `${calendar}${'a'.repeat(300)}.ics`)).status, 404)
  t.equal((await ask('GET', `${calendar}.properties.json`)).status, 404, 'what is ours is not served')
  t.equal((await ask('GET', '/calendars/users/alice/.drafts/')).status, 404)
})

t.test('GET of a calendar is one stream with each time zone once', async t => {
  const { ask } = await house(t)
  const zoned = (uid: string, id: string): string => event(uid).replace('BEGIN:VEVENT', `${zone(id)}BEGIN:VEVENT`).replace(/DTSTART:(2026\w+)Z/, `DTSTART;TZID=${id}:$1`)
  await ask('PUT', `${calendar}a.ics`, { body: zoned('a', 'Here'), headers: calendarType })
  await ask('PUT', `${calendar}b.ics`, { body: zoned('b', 'Here'), headers: calendarType })
  await ask('PUT', `${calendar}c.ics`, { body: zoned('c', 'There'), headers: calendarType })
  const got = await ask('GET', calendar)
  t.match(got.headers['content-type'], /^text\/calendar/)
  const all = parse(got.body)
  t.same(all.components.map(({ name }) => name).sort(), ['VEVENT', 'VEVENT', 'VEVENT', 'VTIMEZONE', 'VTIMEZONE'])
  t.same(all.components.filter(({ name }) => name === 'VEVENT').map(({ properties }) => properties.find(({ name }) => name === 'UID')?.value), ['a', 'b', 'c'])
  const etag = got.headers['etag'] ?? ''
  t.equal((await ask('GET', calendar, { headers: { 'if-none-match': etag } })).status, 304)
  const head = await ask('HEAD', calendar)
  t.same([head.status, head.bytes.length, head.headers['etag']], [200, 0, etag])
  await ask('DELETE', `${calendar}c.ics`)
  const less = await ask('GET', calendar, { headers: { 'if-none-match': etag } })
  t.equal(less.status, 200)
  t.notMatch(less.body, /There/)
  const empty = parse((await ask('GET', '/calendars/users/alice/tasks/')).body)
  t.same(empty.components, [])
})

t.test('a subscriber sees the name and the colour, and hears when nothing changed', async t => {
  const { ask } = await house(t)
  const patch = (properties: string): string => `<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>${properties}</D:prop></D:set></D:propertyupdate>`
  const head = async (): Promise<readonly string[]> => parse((await ask('GET', calendar)).body).properties.map(({ name, value }) => `${name}:${value}`)
  t.same((await head()).slice(2), ['X-WR-CALNAME:Calendar'])
  const before = await ask('GET', calendar)
  await ask('PROPPATCH', calendar, { body: patch('<D:displayname>Work, &#13;\nATTACH:x; and more</D:displayname><A:calendar-color>#ff8800cc</A:calendar-color>') })
  t.same((await head()).slice(2), ['X-WR-CALNAME:Work\\, \\nATTACH:x\\; and more', 'X-APPLE-CALENDAR-COLOR:#ff8800'])
  t.equal((await ask('GET', calendar, { headers: { 'if-none-match': before.headers['etag'] ?? '' } })).status, 200, 'another name is another stream')
  await ask('PROPPATCH', calendar, { body: patch('<A:calendar-color>red;X-EVIL:1</A:calendar-color>') })
  t.equal((await head()).length, 3, 'a colour of another form is left out')
  const now = await ask('GET', calendar)
  t.match(now.headers, { 'last-modified': / GMT$/, 'etag': /^"[\da-f]{32}"$/, 'vary': /Accept/ })
  t.ok(Date.parse(now.headers['last-modified'] ?? '') <= Date.now())
  for (const [headers, status] of [[{ 'if-modified-since': now.headers['last-modified'] ?? '' }, 304], [{ 'if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 200], [{ 'if-match': '"x"' }, 412], [{ 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 412]] as const) {
    t.equal((await ask('GET', calendar, { headers })).status, status, JSON.stringify(headers))
  }
})

t.test('a subscriber gets what she may read, and an ETag of that', async t => {
  const { ask } = await house(t)
  const principal = '<D:principal><D:href>/principals/users/bob/</D:href></D:principal>'
  const acl = (...aces: string[]): string => `<D:acl xmlns:D="DAV:">${aces.map(ace => `<D:ace>${principal}<D:${ace}><D:privilege><D:read/></D:privilege></D:${ace}></D:ace>`).join('')}</D:acl>`
  for (const uid of ['a', 'secret']) await ask('PUT', `${calendar}${uid}.ics`, { body: event(uid), headers: calendarType })
  t.equal((await ask('GET', calendar, { user: 'bob' })).status, 403)
  t.equal((await ask('ACL', calendar, { body: acl('grant') })).status, 200)
  const both = await ask('GET', calendar, { user: 'bob' })
  t.match(both.body, /UID:secret/)
  t.equal((await ask('ACL', `${calendar}secret.ics`, { body: acl('deny') })).status, 200)
  const one = await ask('GET', calendar, { user: 'bob', headers: { 'if-none-match': both.headers['etag'] ?? '' } })
  t.equal(one.status, 200)
  t.match(one.body, /UID:a/)
  t.notMatch(one.body, /secret/)
  t.match((await ask('GET', calendar)).body, /UID:secret/, 'its owner has all')
  const page = await ask('GET', calendar, { user: 'bob', headers: { accept: 'text/html' } })
  t.match(page.body, /a\.ics/)
  t.notMatch(page.body, /secret/)
})

t.test('plain files are saved under their name, in part too, and never run here', async t => {
  const { ask } = await house(t)
  const folder = '/calendars/users/alice/files/'
  await ask('MKCOL', folder)
  const name = 'Brief "1"; (b)\u00fc\u{1f600}.svg'
  const body = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
  t.equal((await ask('PUT', folder + encodeURIComponent(name), { body })).status, 201)
  const got = await ask('GET', folder + encodeURIComponent(name))
  t.match(got.headers, { 'content-type': 'image/svg+xml', 'x-content-type-options': 'nosniff', 'content-security-policy': "default-src 'none'; sandbox" })
  t.equal(got.headers['content-disposition'], "attachment; filename*=UTF-8''Brief%20%221%22%3B%20%28b%29%C3%BC%F0%9F%98%80.svg")
  t.equal(got.body, body)
  const part = await ask('GET', folder + encodeURIComponent(name), { headers: { range: 'bytes=0-3' } })
  t.same([part.status, part.body, part.headers['content-disposition']], [206, '<svg', got.headers['content-disposition']])
  t.same([(await ask('GET', folder + encodeURIComponent(name), { headers: { range: 'bytes=0-1,5-6' } })).body], [body], 'several ranges: the whole')
  t.equal((await ask('GET', folder + encodeURIComponent(name), { headers: { 'if-none-match': got.headers['etag'] ?? '' } })).status, 304)
})

t.test('DELETE: what is there, if the condition holds, with all it holds', async t => {
  const { ask, documents } = await house(t)
  const put = async (name: string): Promise<string> => (await ask('PUT', calendar + name, { body: event(name), headers: calendarType })).headers['etag'] ?? ''
  const etag = await put('a.ics')
  for (const [why, url, expected, headers] of [
    ['nothing there', `${calendar}b.ics`, '404'], ['another ETag', `${calendar}a.ics`, '412', { 'if-match': '"x"' }], ['nothing there with a condition', `${calendar}b.ics`, '404', { 'if-match': etag }],
    ['right', `${calendar}a.ics`, '204', { 'if-match': etag }], ['again', `${calendar}a.ics`, '404'],
    ['the home', '/calendars/users/alice/', '405'], ['the inbox', '/calendars/users/alice/inbox/', '405'], ['the root', '/', '405'], ['a principal', '/principals/users/alice/', '405'],
    ['a collection with Depth 0', calendar, '400', { depth: '0' }], ['a collection with another ETag', calendar, '412', { 'if-match': '"x"' }]
  ] as const) {
    const answer = await ask('DELETE', url, { headers: headers ?? {} })
    t.equal(outcome(answer), expected, why)
    if (answer.status === 405) t.notMatch(answer.headers['allow'], /DELETE/)
  }
  await put('c.ics')
  t.equal((await ask('DELETE', calendar)).status, 204)
  t.equal((await ask('PROPFIND', `${calendar}c.ics`)).status, 404)
  t.notOk(readdirSync(`${documents}/calendars/users/alice`).includes('calendar'))
  t.same(readdirSync(`${documents}/.drafts`), [])
  t.equal((await ask('PROPFIND', calendar)).status, 404, 'a calendar that was deleted does not come back')
})

t.test('OPTIONS says what each kind takes', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  await ask('MKCOL', '/calendars/users/alice/folder/')
  for (const [url, has, hasNot] of [
    ['/', /PROPFIND/, /PUT|DELETE|MKCOL/], [calendar, /DELETE.*REPORT/, /PUT|MKCALENDAR/], [`${calendar}a.ics`, /PUT.*DELETE/, /MKCOL/], [`${calendar}new.ics`, /PUT.*MKCOL.*MKCALENDAR/, /GET|DELETE|POST/], [`${calendar};add-member`, /POST/, /PUT|GET|PROPFIND|DELETE/],
    ['/principals/users/alice/', /REPORT/, /PUT|DELETE/], ['/calendars/users/alice/', /REPORT/, /DELETE|PUT/], ['/calendars/users/alice/folder/', /COPY.*MOVE/, /PUT/]
  ] as const) {
    const answer = await ask('OPTIONS', url)
    t.equal(answer.status, 200)
    t.match(answer.headers['dav'], /^1, 2, 3,.*calendar-access/)
    t.equal(answer.headers['content-length'], '0')
    t.match(answer.headers['allow'], has, url)
    t.notMatch(answer.headers['allow'], hasNot, url)
  }
  const [there, not] = await Promise.all(['calendar', 'none'].map(async name => (await ask('OPTIONS', `/calendars/users/alice/${name}/`, { user: 'bob' })).headers['allow']))
  t.equal(there, not, 'nobody learns what others have')
})
