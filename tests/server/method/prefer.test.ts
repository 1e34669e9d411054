import t from 'tap'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const jcalType = { 'content-type': 'application/calendar+json; charset=utf-8' }
const representation = { prefer: 'return=representation' }
const jcal = (uid: string, summary = 'x'): string => JSON.stringify(['vcalendar', [['version', {}, 'text', '2.0'], ['prodid', {}, 'text', '-//tests//EN']], [['vevent', [
  ['uid', {}, 'text', uid], ['dtstamp', {}, 'date-time', '2026-01-01T00:00:00Z'], ['dtstart', {}, 'date-time', '2026-03-10T09:00:00Z'], ['duration', {}, 'duration', 'PT1H'], ['summary', {}, 'text', summary]
], []]]])

t.test('RFC 8144 3.1: what is stored comes back where that is preferred', async t => {
  const { ask } = await house(t)
  const url = `${calendar}a.ics`
  const put = async (body: string, headers: Record<string, string>): ReturnType<typeof ask> => await ask('PUT', url, { body, headers: { ...calendarType, ...headers } })
  const made = await put(event('a'), representation)
  t.same([made.status, made.body, made.headers['location'], made.headers['content-location'], made.headers['preference-applied']], [201, event('a'), url, url, 'return=representation'])
  t.match(made.headers['vary'], /Prefer/)
  t.match(made.headers['content-type'], /^text\/calendar/)
  t.equal(made.headers['etag'], (await ask('GET', url)).headers['etag'])
  const changed = await put(event('a', { SUMMARY: 'new' }), { prefer: 'handling=lenient, return=representation; foo="x"' })
  t.same([changed.status, changed.body, changed.headers['location']], [200, event('a', { SUMMARY: 'new' }), undefined])
  for (const prefer of ['return=minimal', 'x-foo', 'return=minimal, return=representation', '']) {
    const plain = await put(event('a'), { prefer })
    t.same([plain.status, plain.body, plain.headers['content-location'], plain.headers['preference-applied']], [204, '', undefined, undefined], prefer)
  }
  const posted = await ask('POST', `${calendar};add-member`, { body: event('b'), headers: { ...calendarType, ...representation } })
  t.same([posted.status, posted.body, posted.headers['content-location'], posted.headers['location']], [201, event('b'), `${calendar}b.ics`, `${calendar}b.ics`])
  await ask('MKCALENDAR', `${home}other/`)
  const copied = await ask('COPY', url, { headers: { ...representation, destination: `${home}other/a.ics` } })
  t.same([copied.status, copied.body, copied.headers['content-location']], [201, event('a'), `${home}other/a.ics`])
  const moved = await ask('MOVE', `${calendar}b.ics`, { headers: { ...representation, destination: `${home}other/b.ics` } })
  t.same([moved.status, moved.body], [201, event('b')])
  t.equal((await ask('COPY', `${home}other/`, { headers: { ...representation, destination: `${home}third/` } })).body, '', 'a collection has none')
  await ask('MKCOL', `${home}folder/`)
  const file = await ask('PUT', `${home}folder/a.txt`, { body: 'text', headers: representation })
  t.same([file.status, file.body], [201, 'text'])
  // a drop box: she may write what she may not read
  await ask('ACL', calendar, { body: '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:bind/></D:privilege></D:grant></D:ace></D:acl>' })
  const dropped = await ask('POST', `${calendar};add-member`, { user: 'bob', body: event('dropped'), headers: { ...calendarType, ...representation } })
  t.same([dropped.status, dropped.body, dropped.headers['content-location']], [201, '', undefined])
})

t.test('RFC 8144 3.2: a condition that does not hold brings what is there', async t => {
  const { ask } = await house(t)
  const url = `${calendar}a.ics`
  const etag = (await ask('PUT', url, { body: event('a'), headers: calendarType })).headers['etag']
  for (const [method, headers, body] of [['PUT', { 'if-match': '"x"' }, event('a')], ['PUT', { 'if-none-match': '*' }, event('a')], ['DELETE', { 'if-match': '"x"' }]] as const) {
    const refused = await ask(method, url, { headers: { ...calendarType, ...representation, ...headers }, ...body === undefined ? {} : { body } })
    t.same([refused.status, refused.body, refused.headers['content-location'], refused.headers['etag'], refused.headers['preference-applied']], [412, event('a'), url, etag, 'return=representation'], method)
    t.not((await ask(method, url, { headers: { ...calendarType, ...headers }, ...body === undefined ? {} : { body } })).body, event('a'), 'not when it is not preferred')
  }
  t.notMatch((await ask('PUT', `${calendar}none.ics`, { body: event('none'), headers: { ...calendarType, ...representation, 'if-match': '*' } })).body, /VCALENDAR/, 'there is nothing')
  t.equal(outcome(await ask('DELETE', url, { headers: { ...representation, 'if-match': etag ?? '' } })), '204')
})

t.test('jCal comes in, text is stored, and what was asked for goes out', async t => {
  const { ask } = await house(t)
  const url = `${calendar}a.ics`
  const stored = /^BEGIN:VCALENDAR\r\n[^]*SUMMARY:x\r\n/
  const made = await ask('PUT', url, { body: jcal('a'), headers: jcalType })
  t.same([made.status, made.headers['etag'], made.headers['location']], [201, undefined, url], 'RFC 4791 5.3.4: no ETag of bytes that were not sent')
  t.match((await ask('GET', url)).body, stored)
  const posted = await ask('POST', `${calendar};add-member`, { body: jcal('b'), headers: jcalType })
  t.same([posted.status, posted.headers['etag'], posted.headers['location']], [201, undefined, `${calendar}b.ics`])
  for (const [why, headers, body, form] of [
    ['jCal for jCal', jcalType, jcal('a'), 'json'], ['text for jCal', { ...jcalType, accept: 'text/calendar' }, jcal('a'), 'text'], ['text for anything', { ...jcalType, accept: '*/*' }, jcal('a'), 'text'],
    ['text for text', calendarType, event('a'), 'text'], ['jCal for text', { ...calendarType, accept: 'application/calendar+json' }, event('a'), 'json']
  ] as const) {
    const answer = await ask('PUT', url, { body, headers: { ...headers, ...representation } })
    t.equal(answer.status, 200, why)
    t.match(answer.headers['content-type'], form === 'json' ? /^application\/calendar\+json/ : /^text\/calendar/, why)
    if (form === 'json') t.match(JSON.parse(answer.body), ['vcalendar'], why)
    else t.match(answer.body, /^BEGIN:VCALENDAR/, why)
    const got = await ask('GET', url, { headers: { accept: form === 'json' ? 'application/calendar+json' : 'text/calendar' } })
    t.same([got.body, got.headers['etag']], [answer.body, answer.headers['etag']], `${why}: as GET has it`)
  }
  t.equal((await ask('PUT', url, { body: jcal('a'), headers: { ...jcalType, ...representation, accept: 'image/png' } })).body, '', 'a form that there is not')
  const long = await ask('PUT', `${calendar}long.ics`, { body: jcal('long', 'ä'.repeat(100_000)), headers: jcalType })
  t.equal(long.status, 201, 'in a thread')
  t.match((await ask('GET', `${calendar}long.ics`)).body.replaceAll('\r\n ', ''), 'ä'.repeat(100_000))
  t.equal(outcome(await ask('PUT', `${calendar}bad.ics`, { body: jcal('bad').replace('2026-03-10T', '2026-99-10T'), headers: jcalType })), '403 valid-calendar-data')
  const zone = 'BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n'
  const zoned = event('zoned').replace('BEGIN:VEVENT', `${zone}BEGIN:VEVENT`).replace('DTSTART:20260310T090000Z', 'DTSTART;TZID=Europe/Berlin:20260310T090000')
  t.notMatch((await ask('PUT', `${calendar}zoned.ics`, { body: zoned, headers: { ...calendarType, ...representation, 'caldav-timezones': 'F' } })).body, /VTIMEZONE/, 'RFC 7809 holds for what comes back')
})

t.test('RFC 8144 2: as little as possible', async t => {
  const { ask } = await house(t)
  const find = '<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:none/></D:prop></D:propfind>'
  for (const headers of [{ prefer: 'return=minimal' }, { brief: 't' }] as Record<string, string>[]) {
    const found = await ask('PROPFIND', calendar, { body: find, headers: { depth: '0', ...headers } })
    t.same([...told(found.body).get(calendar)?.properties.keys() ?? []], ['{DAV:}resourcetype'])
    t.same([found.headers['preference-applied'], found.headers['vary']], ['return=minimal', 'Prefer, Brief'])
    const report = await ask('REPORT', calendar, { body: '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:none/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>', headers: { depth: '1', ...headers } })
    t.equal(report.headers['preference-applied'], 'return=minimal')
    const patched = await ask('PROPPATCH', calendar, { body: '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>', headers })
    t.same([patched.status, patched.body, patched.headers['preference-applied']], [200, '', 'return=minimal'])
    const refused = await ask('PROPPATCH', calendar, { body: '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set></D:propertyupdate>', headers })
    t.equal(refused.status, 207, 'what fails is told')
  }
  const mkcol = (name: string, value = 'x', prefer = 'return=minimal'): ReturnType<typeof ask> => ask('MKCOL', `${home}${name}/`, { headers: { prefer }, body: `<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype><D:displayname>${value}</D:displayname><D:${value}/></D:prop></D:set></D:mkcol>` })
  t.match(await mkcol('a'), { status: 201, body: '', headers: { 'preference-applied': 'return=minimal' } })
  t.match(await mkcol('b', 'x', ''), { status: 201, body: /mkcol-response/ })
  t.match(await mkcol('c', 'getetag'), { status: 403, body: /mkcol-response/ })
  t.equal((await ask('MKCALENDAR', `${home}d/`, { headers: { prefer: 'return=minimal' } })).body, '')
})

t.test('RFC 8144 4: a listing without what it is of', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const listed = async (headers: Record<string, string>): Promise<readonly [string | undefined, ...string[]]> => {
    const found = await ask('PROPFIND', calendar, { headers })
    return [found.headers['preference-applied'], ...told(found.body).keys()]
  }
  t.same(await listed({ depth: '1', prefer: 'depth-noroot' }), ['depth-noroot', `${calendar}a.ics`])
  t.same(await listed({ prefer: 'depth-noroot' }), ['depth-noroot', `${calendar}a.ics`], 'infinity')
  t.same(await listed({ depth: '1,noroot' }), ['depth-noroot', `${calendar}a.ics`], 'appendix A')
  t.same(await listed({ depth: '1', prefer: 'return=minimal, depth-noroot' }), ['return=minimal, depth-noroot', `${calendar}a.ics`])
  t.same(await listed({ depth: '0', prefer: 'depth-noroot' }), [undefined, calendar], 'not at depth 0')
  t.same(await listed({ depth: '1' }), [undefined, calendar, `${calendar}a.ics`])
})
