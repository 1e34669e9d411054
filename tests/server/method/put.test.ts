import { readdirSync, readFileSync, writeFileSync, existsSync, mkdirSync } from 'node:fs'
import t from 'tap'
import { child, text } from '../../../server/xml/element.js'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event, object } from '../../event.js'
import { house } from '../../house.js'
import { outcome, xml } from '../../multistatus.js'

const calendar = '/calendars/users/alice/calendar/'

t.test('a calendar takes objects, each once, and gives the bytes back', async t => {
  const { ask, documents, lines } = await house(t)
  const body = event('a').replace('SUMMARY:a', 'SUMMARY:Größe 😀\r\nX-ODD;X-P="a;b":c')
  const made = await ask('PUT', `${calendar}a.ics`, { body, headers: calendarType })
  t.equal(made.status, 201)
  t.match(made.headers['etag'], /^"[^"]+"$/)
  t.equal(made.headers['location'], `${calendar}a.ics`)
  t.equal(readFileSync(`${documents}${calendar}a.ics`, 'utf8'), body)
  const got = await ask('GET', `${calendar}a.ics`)
  t.equal(got.body, body)
  t.equal(got.headers['etag'], made.headers['etag'])
  const again = await ask('PUT', `${calendar}a.ics`, { body: event('a', { SUMMARY: 'new' }), headers: calendarType })
  t.equal(again.status, 204)
  t.not(again.headers['etag'], made.headers['etag'])
  t.equal(again.headers['location'], undefined)

  const twice = await ask('PUT', `${calendar}b.ics`, { body: event('a'), headers: calendarType })
  t.equal(outcome(twice), '403 no-uid-conflict')
  const [conflict] = xml(twice.body).children
  t.equal(typeof conflict === 'object' ? text(child(conflict, dav('href')) ?? conflict) : '', `${calendar}a.ics`, 'the other one is named')
  t.equal(outcome(await ask('PUT', `${calendar}a.ics`, { body: event('other'), headers: calendarType })), '403 no-uid-conflict', 'a resource keeps its UID')
  t.equal((await ask('PUT', '/calendars/users/alice/tasks/a.ics', { body: object('VTODO', { UID: 'a', DTSTAMP: '20260101T000000Z' }), headers: calendarType })).status, 201, 'another calendar may have it')
  t.equal((await ask('DELETE', `${calendar}a.ics`)).status, 204)
  t.equal((await ask('PUT', `${calendar}b.ics`, { body: event('a'), headers: calendarType })).status, 201, 'a UID is free again')
  t.equal((await ask('PUT', `${calendar}ä ö%25.ics`.replaceAll(' ', '%20'), { body: event('odd name'), headers: calendarType })).status, 201)
  t.ok(existsSync(`${documents}${calendar}ä ö%.ics`))
  t.same(lines, [])
})

t.test('what is no object of a calendar has its precondition, and leaves nothing behind', async t => {
  const { ask, documents, lines } = await house(t, { settings: { 'limits.resourceBytes': '4000', 'limits.bodyBytes': '100000' } })
  const plain = event('x')
  const half = plain.slice(0, plain.indexOf('SUMMARY'))
  const two = plain.replace('END:VCALENDAR', 'BEGIN:VEVENT\r\nUID:y\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR')
  await ask('PROPFIND', calendar, { headers: { depth: '0' } })
  const before = readdirSync(documents + calendar)
  const cases: Readonly<Record<string, readonly [body: string | Buffer, outcome: string, type?: string | undefined]>> = {
    'no UID': [plain.replace('UID:x\r\n', ''), '403 valid-calendar-object-resource'],
    'an empty UID': [plain.replace('UID:x', 'UID:'), '403 valid-calendar-object-resource'],
    'two UIDs': [two, '403 valid-calendar-object-resource'],
    METHOD: [plain.replace('VERSION:2.0', 'VERSION:2.0\r\nMETHOD:PUBLISH'), '403 valid-calendar-object-resource'],
    'two masters': [two.replace('UID:y', 'UID:x'), '403 valid-calendar-object-resource'],
    'two types': [plain.replace('END:VCALENDAR', 'BEGIN:VTODO\r\nUID:x\r\nDTSTAMP:20260101T000000Z\r\nEND:VTODO\r\nEND:VCALENDAR'), '403 valid-calendar-object-resource'],
    'only a VTIMEZONE': [object('VTIMEZONE', { TZID: 'x' }), '403 valid-calendar'],
    'nothing in it': ['BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n', '403 valid-calendar-object-resource'],
    'half an event': [half, '403 valid-calendar-data'],
    'no bytes': ['', '403 valid-calendar-data'],
    'plain text': ['hello', '403 valid-calendar-data'],
    'an image': [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 1]), '403 valid-calendar-data'],
    'invalid UTF-8': [Buffer.concat([Buffer.from(plain.slice(0, 60)), Buffer.from([0xff, 0xfe]), Buffer.from(plain.slice(60))]), '403 valid-calendar-data'],
    NUL: [plain.replace('SUMMARY:x', 'SUMMARY:x\0'), '403 valid-calendar-data'],
    'a rule that is none': [event('x', { RRULE: 'FREQ=SOMETIMES' }), '403 valid-calendar-data'],
    'no such day': [event('x', { DTSTART: '20260231T090000Z' }), '403 valid-calendar-data'],
    'a type no calendar holds': [object('VPOLL', { UID: 'x', DTSTAMP: '20260101T000000Z' }), '403 supported-calendar-component'],
    'another type than the calendar says': [object('VTODO', { UID: 'x', DTSTAMP: '20260101T000000Z' }), '403 supported-calendar-component'],
    'too large': [event('x', { DESCRIPTION: 'x'.repeat(4000) }), '403 max-resource-size'],
    'larger than any body': [event('x', { DESCRIPTION: 'x'.repeat(110_000) }), '403 max-resource-size'],
    'another media type': [plain, '403 supported-calendar-data', 'application/json'],
    'jCal by its type alone': [plain, '403 valid-calendar-data', 'application/calendar+json']
  }
  for (const [why, [body, expected, type]] of Object.entries(cases)) {
    const answer = await ask('PUT', `${calendar}x.ics`, { body, headers: { 'content-type': type ?? 'text/calendar' } })
    t.ok(outcome(answer).startsWith(expected), `${why}: ${outcome(answer)}`)
  }
  t.same(readdirSync(documents + calendar), before, 'nothing on disk')
  t.same(readdirSync(`${documents}/.drafts`), [], 'no draft')
  t.equal((await ask('GET', `${calendar}x.ics`)).status, 404)

  const accepted: Readonly<Record<string, readonly [body: string | Buffer, type?: string]>> = {
    'a BOM': [`\ufeff${event('bom')}`],
    'LF alone': [event('lf').replaceAll('\r\n', '\n')],
    'no media type': [event('no type'), ''],
    'octets': [event('octets'), 'application/octet-stream'],
    'capitals and parameters': [event('capitals'), 'Text/Calendar; component=VEVENT; charset="UTF-8"'],
    'a malformed media type': [event('malformed type'), '; ,']
  }
  let number = 0
  for (const [why, [body, type]] of Object.entries(accepted)) {
    const answer = await ask('PUT', `${calendar}accepted${number++}.ics`, { body, headers: type === '' ? {} : { 'content-type': type ?? 'text/calendar' } })
    t.equal(outcome(answer), '201', why)
  }
  // ours to choose, but one of the two, and never 5xx
  t.match(outcome(await ask('PUT', `${calendar}cr.ics`, { body: event('cr').replaceAll('\r\n', '\r'), headers: calendarType })), /^(?:201|403 valid-calendar-data)$/, 'bare CR')
  t.same(lines, [], 'nothing of this is a fault of the server')
})

t.test('names and places: 400, 403, 405, 409, each for its reason', async t => {
  const { ask, documents, lines } = await house(t)
  await ask('MKCOL', '/calendars/users/alice/folder/')
  await ask('PUT', '/calendars/users/alice/folder/file.txt', { body: 'text' })
  await ask('PUT', `${calendar}there.ics`, { body: event('there'), headers: calendarType })
  mkdirSync(`${documents}${calendar}directory.ics`)
  const cases: readonly (readonly [why: string, url: string, outcome: string | RegExp, body?: string])[] = [
    ['%2F', `${calendar}a%2Fb.ics`, '400'], ['NUL', `${calendar}a%00.ics`, '400'],
    ['an empty segment', `/calendars/users/alice//calendar/a.ics`, '400'], ['no UTF-8', `${calendar}%ff.ics`, '400'], ['broken escape', `${calendar}%zz.ics`, '400'],
    ['300 bytes', `${calendar}${'a'.repeat(296)}.ics`, '403'], ['5000 bytes', `${calendar}${'a'.repeat(5000)}.ics`, '414'],
    ['a dot file', `${calendar}.hidden.ics`, '403'], ['a control character', `${calendar}a%0a.ics`, '403'], ['an editor’s own', `${calendar}a.ics~`, '403'],
    ['a trailing slash', `${calendar}a.ics/`, '405'], ['a directory that somebody made', `${calendar}directory.ics`, '405'],
    ['no such calendar', '/calendars/users/alice/nowhere/a.ics', '409'], ['below an event', `${calendar}there.ics/a.ics`, '409'], ['below a file', '/calendars/users/alice/folder/file.txt/a.ics', '409'],
    ['on a calendar', calendar.slice(0, -1), '405'], ['on the home', '/calendars/users/alice', '405'], ['on the root', '/', '405'], ['on a principal', '/principals/users/alice/', '405'],
    ['beside the homes', '/calendars/users/file.ics', /^40[39]/], ['below the root', '/file.ics', /^40[39]/], ['in nobody’s home', '/calendars/users/nobody/calendar/a.ics', '403 need-privileges'],
    ['in the inbox', '/calendars/users/alice/inbox/a.ics', '403'], ['in the outbox', '/calendars/users/alice/outbox/a.ics', '403'],
    ['in a home', '/calendars/users/alice/loose.ics', '201']
  ]
  for (const [why, url, expected] of cases) {
    const answer = await ask('PUT', url, { body: event('new'), headers: calendarType })
    t.match(outcome(answer), expected, `${why}: ${outcome(answer)}`)
    if (answer.status === 405) t.notOk((answer.headers['allow'] ?? 'PUT').split(', ').includes('PUT'), `${why}: RFC 9110 15.5.6, 405 names what is allowed`)
  }
  t.same(lines, [])
})

t.test('conditions: nobody overwrites what he has not seen', async t => {
  const { ask } = await house(t)
  const url = `${calendar}a.ics`
  const put = async (headers: Record<string, string>, more = {}, to = url): Promise<string> => outcome(await ask('PUT', to, { body: event('a', more), headers: { ...calendarType, ...headers } }))
  t.equal(await put({ 'if-match': '*' }), '412', 'nothing is here')
  t.equal(await put({ 'if-match': '"x"' }), '412')
  t.equal(await put({ 'if-none-match': '*' }), '201')
  t.equal(await put({ 'if-none-match': '*' }), '412')
  const etag = (await ask('GET', url)).headers['etag'] ?? ''
  t.equal(await put({ 'if-match': '"x"' }, { SUMMARY: '1' }), '412')
  t.equal((await ask('GET', url)).headers['etag'], etag, 'it is still there')
  t.equal(await put({ 'if-match': `W/${etag}` }, { SUMMARY: '1' }), '412', 'RFC 9110 13.1.1: If-Match compares strongly')
  t.equal(await put({ 'if-none-match': `"x", W/${etag}` }, { SUMMARY: '1' }), '412', 'RFC 9110 13.1.2: If-None-Match compares weakly')
  t.equal(await put({ 'if-match': `"x", ${etag}` }, { SUMMARY: '1' }), '204', 'one of a list')
  t.equal(await put({ 'if-match': etag }, { SUMMARY: '2' }), '412', 'an ETag of before')
  t.equal(await put({ 'if-none-match': etag }, { SUMMARY: '2' }), '204')
  t.equal(await put({ 'if-match': '*' }, { SUMMARY: '3' }), '204')
  t.equal(await put({ 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, { SUMMARY: '4' }), '412')
  t.equal(await put({ 'if-unmodified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }, { SUMMARY: '4' }), '204')
  t.equal(await put({ 'if-none-match': '*' }, {}, '/calendars/users/alice/nowhere/a.ics'), '409', 'no collection comes before the condition')
  t.equal(outcome(await ask('PUT', url, { body: 'nonsense', headers: { ...calendarType, 'if-match': '"x"' } })).slice(0, 3), '403', 'a body that can never be stored is refused whatever the condition')
  t.equal(outcome(await ask('PUT', url, { body: event('a'), headers: { ...calendarType, 'content-range': 'bytes 0-10/20' } })), '400')
  t.equal(outcome(await ask('PUT', url, { body: event('a'), headers: { ...calendarType, 'content-encoding': 'gzip' } })), '415', 'RFC 9110 8.4.1: a coding that is not undone is not stored either')

  for (const name of ['b', 'c']) {
    // both have seen nothing: one is first
    const both = await Promise.all([0, 1].map(async number => (await ask('PUT', `${calendar}${name}.ics`, { body: event(name, { SUMMARY: String(number) }), headers: { ...calendarType, 'if-none-match': '*' } })).status))
    t.same(both.sort(), [201, 412])
  }
  const uids = await Promise.all([0, 1, 2].map(async number => (await ask('PUT', `${calendar}same${number}.ics`, { body: event('same UID'), headers: calendarType })).status))
  t.same(uids.sort(), [201, 403, 403], 'a UID is taken at the moment of writing')
})

t.test('a file that somebody broke by hand is not lost; a limit on the number holds', async t => {
  const { ask, documents } = await house(t, { settings: { 'limits.resources': '2' } })
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const etag = (await ask('GET', `${calendar}a.ics`)).headers['etag'] ?? ''
  writeFileSync(`${documents}${calendar}a.ics`, 'BEGIN:VCALENDAR\r\nhalf')
  const kept = await ask('GET', `${calendar}a.ics`)
  t.same([kept.status, kept.headers['etag'], kept.body], [200, etag, event('a')], 'its last good version is served')
  t.equal(outcome(await ask('PUT', `${calendar}a.ics`, { body: event('a', { SUMMARY: 'mended' }), headers: { ...calendarType, 'if-match': etag } })), '204')
  t.equal(outcome(await ask('PUT', `${calendar}b.ics`, { body: event('b'), headers: calendarType })), '201')
  t.equal(outcome(await ask('PUT', `${calendar}c.ics`, { body: event('c'), headers: calendarType })), '507 quota-not-exceeded')
  t.equal(outcome(await ask('PUT', `${calendar}b.ics`, { body: event('b', { SUMMARY: 'still' }), headers: calendarType })), '204')
})

t.test('plain folders take anything, with its bytes and a safe way out', async t => {
  const { ask } = await house(t)
  const file = '/calendars/users/alice/folder/page.html'
  await ask('MKCOL', '/calendars/users/alice/folder/')
  t.equal((await ask('PUT', file, { body: '<script>alert(1)</script>', headers: { 'content-type': 'text/html' } })).status, 201)
  const got = await ask('GET', file)
  t.match(got.headers['content-disposition'], /^attachment; filename\*=UTF-8''/)
  t.match(got.headers['content-security-policy'], /sandbox/)
  t.equal((await ask('PUT', file, { body: Buffer.from([0, 255, 13]) })).status, 204)
  t.same([...(await ask('GET', file)).bytes], [0, 255, 13])
})

t.test('conditions hold at the moment of writing: of several that saw the same, one writes', async t => {
  const { ask } = await house(t)
  const path = '/calendars/users/alice/calendar/race.ics'
  let sequence = 0
  // large ones are looked at in a thread: all are asked before the first is written
  const description = 'x'.repeat(70_000)
  const put = async (headers: Record<string, string>): Promise<number> => (await ask('PUT', path, { body: event('race', { SEQUENCE: String(sequence++), DESCRIPTION: description }), headers: { ...calendarType, ...headers } })).status
  t.equal(await put({}), 201)
  for (const [why, condition] of [
    ['If', (etag: string) => ({ if: `([${etag}])` })], ['If with a tag', (etag: string) => ({ if: `<${path}> ([${etag}])` })], ['If-Match', (etag: string) => ({ 'if-match': etag })]
  ] as const) {
    const etag = (await ask('GET', path)).headers['etag'] ?? ''
    const statuses = await Promise.all([1, 2, 3, 4].map(async () => await put(condition(etag))))
    t.same(statuses.filter(status => status === 204).length, 1, `${why}: ${statuses.join(' ')}`)
    t.same(statuses.filter(status => status === 412).length, 3, why)
  }
})
