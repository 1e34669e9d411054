import { readdirSync, statSync } from 'node:fs'
import t from 'tap'
import { child, elements, text, type Element } from '../../../server/xml/element.js'
import { caldav, cs, dav, me } from '../../../server/xml/name.js'
import { calendarType, event, object } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'

const calendar = '/calendars/users/alice/calendar/'
const json = { 'content-type': 'application/calendar+json' }
const xmlType = { 'content-type': 'application/xml' }
const vevent = (uid: string | undefined, ...more: readonly string[]): string => ['BEGIN:VEVENT', ...uid === undefined ? [] : [`UID:${uid}`], 'DTSTAMP:20260101T000000Z', 'DTSTART:20260310T090000Z', 'DURATION:PT1H', ...more, 'END:VEVENT', ''].join('\r\n')
const vtodo = (uid: string): string => ['BEGIN:VTODO', `UID:${uid}`, 'DTSTAMP:20260101T000000Z', 'END:VTODO', ''].join('\r\n')
const file = (...components: readonly string[]): string => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:Mine\r\n${components.join('')}END:VCALENDAR\r\n`

/** The responses of a bulk change, in order: href, status, condition, uid, etag, data. */
function responses (body: string): { href: string, status: string, condition: string | undefined, uid: string | undefined, etag: string | undefined, data: Element | undefined, why: string | undefined }[] {
  return elements(xml(body), dav('response')).map(response => {
    const propstat = child(response, dav('propstat'))
    const prop = propstat === undefined ? undefined : child(propstat, dav('prop'))
    const error = child(response, dav('error'))
    const within = (parent: Element | undefined, name: `{${string}}${string}`): Element | undefined => parent === undefined ? undefined : child(parent, name)
    const said = (element: Element | undefined): string | undefined => element === undefined ? undefined : text(element)
    return {
      href: said(within(response, dav('href'))) ?? '',
      status: (said(within(propstat ?? response, dav('status'))) ?? '').slice(9, 12),
      condition: error === undefined ? undefined : elements(error).find(({ name }) => name !== cs('uid'))?.name.replace(/^.*\}/, ''),
      uid: said(within(prop, cs('uid')) ?? within(error, cs('uid'))),
      etag: said(within(prop, dav('getetag'))),
      data: within(prop, caldav('calendar-data')),
      why: said(within(response, dav('responsedescription')))
    }
  })
}

async function ctagOf (ask: House['ask'], url: string): Promise<string> {
  const body = '<D:propfind xmlns:D="DAV:"><D:prop><A:getctag xmlns:A="http://calendarserver.org/ns/"/></D:prop></D:propfind>'
  return text(told((await ask('PROPFIND', url, { body, headers: { depth: '0' } })).body).get(url)?.properties.get(cs('getctag'))?.value ?? xml('<a/>'))
}

t.test('a whole file that is posted: what can be stored is, each object for itself', async t => {
  const { ask, documents, lines } = await house(t)
  await ask('PUT', `${calendar}there.ics`, { body: event('there'), headers: calendarType })
  const zone = 'BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n'
  const zoned = vevent('zoned', 'SUMMARY:Größe').replace('DTSTART:20260310T090000Z', 'DTSTART;TZID=Own:20260310T090000')
  const posted = await ask('POST', calendar, { body: file(zone, vevent('1'), zoned, vevent('there'), vtodo('task'), vevent('bad', 'RRULE:FREQ=NEVER'), vevent('twice'), vevent('twice'), vevent(undefined, 'SUMMARY:nameless')), headers: calendarType })
  t.equal(posted.status, 207)
  const told = responses(posted.body)
  t.same(told.map(({ status, condition, uid }) => [status, condition, uid]).slice(0, 6), [
    ['200', undefined, '1'], ['200', undefined, 'zoned'], ['403', 'no-uid-conflict', 'there'], ['403', 'supported-calendar-component', 'task'],
    ['403', 'valid-calendar-data', 'bad'], ['403', 'valid-calendar-object-resource', 'twice']
  ])
  t.same(told.map(({ href }) => href).slice(0, 3), [`${calendar}1.ics`, `${calendar}zoned.ics`, ''])
  t.match(told[4]?.why, /in the file, line 42: .*FREQ/, 'people are told where')
  const got = await ask('GET', `${calendar}zoned.ics`)
  t.equal(got.headers['etag'], told[1]?.etag)
  t.ok(got.body.includes(zoned) && got.body.includes(zone), 'the bytes of its components, and its zone')
  t.notMatch(got.body, /METHOD|X-WR-CALNAME/)
  t.notMatch((await ask('GET', `${calendar}1.ics`)).body, /VTIMEZONE/)
  // import is friendlier than the draft: who has no UID gets one
  const nameless = told[6]
  t.match(nameless, { status: '200', etag: undefined, uid: /^\w{32}$/ })
  t.match((await ask('GET', nameless?.href ?? '')).body, /SUMMARY:nameless/)
  t.equal(readdirSync(documents + calendar).filter(name => name.endsWith('.ics')).length, 4)
  const again = responses((await ask('POST', calendar, { body: file(zone, vevent('1'), vevent(undefined, 'SUMMARY:nameless')), headers: calendarType })).body)
  t.same(again.map(({ condition }) => condition), ['no-uid-conflict', 'no-uid-conflict'], 'twice the same file makes nothing twice')
  const alone = event('alone').replace('PRODID', 'X-KEPT:1\r\nPRODID')
  t.equal(responses((await ask('POST', calendar, { body: alone, headers: calendarType })).body)[0]?.status, '200')
  t.equal((await ask('GET', `${calendar}alone.ics`)).body, alone, 'one object is stored as it was sent')
  t.same(lines, [])
})

t.test('what comes back: changed data for Apple, everything for Prefer', async t => {
  const { ask } = await house(t)
  const jcal = JSON.stringify(['vcalendar', [['version', {}, 'text', '2.0'], ['prodid', {}, 'text', 'x']], ['j1', 'j2'].map(uid => ['vevent', [['uid', {}, 'text', uid], ['dtstamp', {}, 'date-time', '2026-01-01T00:00:00Z'], ['dtstart', {}, 'date-time', '2026-03-10T09:00:00Z']], []])])
  const apple = { 'x-mobileme-dav-options': 'foo=bar, return-changed-data' }
  const asked = async (body: string, headers: Record<string, string>): Promise<ReturnType<typeof responses>> => {
    const { status, body: answer } = await ask('POST', calendar, { body, headers })
    if (status !== 207) throw new Error(`${status} ${answer}`)
    for (const { href } of responses(answer)) await ask('DELETE', href)
    return responses(answer)
  }
  const plain = await asked(jcal, json)
  t.same(plain.map(({ uid, data }) => [uid, data]), [['j1', undefined], ['j2', undefined]])
  t.ok(plain[0]?.etag, 'jCal loses nothing')
  const [changed] = await asked(jcal, { ...json, ...apple })
  t.equal(changed?.data?.attributes['content-type'], 'application/calendar+json')
  t.match(JSON.parse(text(changed?.data ?? xml('<a/>'))), ['vcalendar', [], [['vevent']]])
  t.equal((await asked(file(vevent('same')), { ...calendarType, ...apple }))[0]?.data, undefined, 'nothing was changed')
  const [named] = await asked(file(vevent(undefined)), { ...calendarType, ...apple })
  t.ok(named?.etag)
  t.match(text(named?.data ?? xml('<a/>')), `UID:${named?.uid ?? '?'}`)
  const preferred = await ask('POST', calendar, { body: file(vevent('preferred')), headers: { ...calendarType, prefer: 'return=representation' } })
  t.match(preferred.headers, { 'preference-applied': 'return=representation', 'vary': /Prefer/ })
  t.match(text(responses(preferred.body)[0]?.data ?? xml('<a/>')), /UID:preferred/)
  const [turned] = await asked(file(vevent('turned')), { ...calendarType, accept: 'application/calendar+json', prefer: 'return=representation' })
  t.equal(turned?.data?.attributes['content-type'], 'application/calendar+json')
})

t.test('what is refused as a whole', async t => {
  const { ask } = await house(t, { settings: { 'limits.importObjects': '3', 'limits.bulkObjects': '2', 'limits.bodyBytes': '20000' } })
  const multiput = (inside: string): string => `<MM:multiput xmlns:MM="http://me.com/_namespace/" xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${inside}</MM:multiput>`
  for (const [why, expected, body, headers, user] of [
    ['no calendar', '403 valid-calendar-data', 'x', calendarType], ['nothing', '403 valid-calendar-data', '', calendarType], ['nothing in it', '403 valid-calendar-object-resource', file(), calendarType],
    ['half', '403 valid-calendar-data', file(vevent('1')).slice(0, 150), calendarType], ['another type', '403 supported-calendar-data', file(vevent('1')), { 'content-type': 'image/png' }],
    ['no jCal', '403 valid-calendar-data', '["vcalendar"', json], ['too many', '413', file(...['1', '2', '3', '4'].map(uid => vevent(uid))), calendarType], ['too large', '413', file(vevent('1', `DESCRIPTION:${'x'.repeat(20_000)}`)), calendarType],
    ['a part', '400', file(vevent('1')), { ...calendarType, 'content-range': 'bytes 0-1/2' }], ['a condition that does not hold', '412', file(vevent('1')), { ...calendarType, 'if-none-match': '*' }],
    ['by somebody else', '403 need-privileges', file(vevent('1')), calendarType, 'bob'], ['other XML', '400', '<D:propfind xmlns:D="DAV:"/>', xmlType], ['no XML', '400', '<', xmlType],
    ['an empty list', '400', multiput(''), xmlType], ['an operation that says nothing', '400', multiput('<MM:resource/>'), xmlType], ['too many operations', '413', multiput('<MM:resource><D:href>x</D:href><MM:delete/></MM:resource>'.repeat(3)), xmlType]
  ] as readonly (readonly [string, string, string, Record<string, string>, string?])[]) {
    t.equal(outcome(await ask('POST', calendar, { body, headers, user: user ?? 'alice' })), expected, why)
  }
  t.equal(told((await ask('PROPFIND', calendar, { headers: { depth: '1' } })).body).size, 1, 'nothing was stored')
  const property = '<D:propfind xmlns:D="DAV:"><D:prop><MM:bulk-requests xmlns:MM="http://me.com/_namespace/"/></D:prop></D:propfind>'
  const value = told((await ask('PROPFIND', calendar, { body: property, headers: { depth: '0' } })).body).get(calendar)?.properties.get(me('bulk-requests'))?.value
  t.same(value === undefined ? [] : elements(value).map(each => [each.name, ...elements(each).map(text)]), [[me('simple'), '3', '20000'], [me('crud'), '2', '20000']])
})

t.test('quota and locks hold for each object', async t => {
  const { ask } = await house(t, { settings: { 'limits.quotaBytes': '2500', 'limits.resources': '4' } })
  const [small, large, other] = responses((await ask('POST', calendar, { body: file(vevent('small'), vevent('large', `DESCRIPTION:${'x'.repeat(2500)}`), vevent('other')), headers: calendarType })).body)
  t.same([small?.status, large?.status, large?.condition, other?.status], ['200', '507', 'quota-not-exceeded', '200'])
  t.equal(large?.why, undefined)
  const lock = await ask('LOCK', calendar, { body: '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>', headers: { depth: '0' } })
  const token = lock.headers['lock-token'] ?? ''
  t.equal(outcome(await ask('POST', calendar, { body: file(vevent('locked')), headers: calendarType })), '423 lock-token-submitted')
  t.equal(responses((await ask('POST', calendar, { body: file(vevent('locked')), headers: { ...calendarType, if: `(${token})` } })).body)[0]?.status, '200')
  await ask('UNLOCK', calendar, { headers: { 'lock-token': token } })
  const full = responses((await ask('POST', calendar, { body: file(vevent('a'), vevent('b')), headers: calendarType })).body)
  t.same(full.map(({ status }) => status), ['200', '507'], 'limits.resources')
})

t.test('MM:multiput makes, changes and removes', async t => {
  const { ask, lines } = await house(t)
  const put = async (name: string): Promise<string> => (await ask('PUT', `${calendar}${name}.ics`, { body: event(name), headers: calendarType })).headers['etag'] ?? ''
  const [changing, , , removing, other] = [await put('changing'), await put('stale'), await put('named'), await put('removing'), await put('other')]
  const set = (data: string, more = '', type = ''): string => `<D:set><D:prop><C:calendar-data${type}><![CDATA[${data}]]></C:calendar-data>${more}</D:prop></D:set>`
  const match = (etag: string): string => `<MM:if-match><D:getetag>${etag}</D:getetag></MM:if-match>`
  const href = (name: string): string => `<D:href>${calendar}${name}.ics</D:href>`
  const multiput = async (resources: readonly string[], headers: Record<string, string> = {}, user = 'alice'): Promise<ReturnType<typeof responses>> => {
    const body = `<MM:multiput xmlns:MM="http://me.com/_namespace/" xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${resources.map(one => `<MM:resource>${one}</MM:resource>`).join('')}</MM:multiput>`
    const answer = await ask('POST', calendar, { body, headers: { ...xmlType, ...headers }, user })
    if (answer.status !== 207) throw new Error(`${answer.status} ${answer.body}`)
    return responses(answer.body)
  }
  const done = await multiput([
    set(event('new'), '<D:displayname>New</D:displayname>'),
    href('changing') + match(changing) + set(event('changing', { SUMMARY: 'changed' })),
    href('stale') + match('"x"') + set(event('stale', { SUMMARY: 'changed' })),
    `${href('named')}<D:set><D:prop><D:displayname>Named</D:displayname></D:prop></D:set>`,
    `${href('removing') + match(removing)}<MM:delete/>`,
    `${href('other') + match('"x"')}<MM:delete/>`,
    `${href('nowhere')}<MM:delete/>`,
    '<D:href>/calendars/users/alice/tasks/x.ics</D:href><MM:delete/>',
    '<D:href>https://elsewhere.example/x.ics</D:href><MM:delete/>',
    href('other') + set(event('another UID')),
    set(event('other')),
    set(event('unset'), '<D:getetag>mine</D:getetag>'),
    set('nonsense'),
    // what was removed above is free again
    set(event('removing'))
  ])
  t.same(done.map(({ href: where, status, condition, uid }) => [where.replace(calendar, ''), status, condition, uid]), [
    ['new.ics', '200', undefined, 'new'], ['changing.ics', '200', undefined, undefined], ['stale.ics', '412', undefined, undefined], ['named.ics', '200', undefined, undefined],
    ['removing.ics', '200', undefined, undefined], ['other.ics', '412', undefined, undefined], ['nowhere.ics', '404', undefined, undefined], ['/calendars/users/alice/tasks/x.ics', '403', undefined, undefined],
    ['https://elsewhere.example/x.ics', '403', undefined, undefined], ['other.ics', '403', 'no-uid-conflict', undefined], ['', '403', 'no-uid-conflict', 'other'], ['', '403', undefined, undefined],
    ['', '403', 'valid-calendar-data', undefined], ['removing.ics', '200', undefined, 'removing']
  ])
  t.equal(done[0]?.etag, (await ask('GET', `${calendar}new.ics`)).headers['etag'])
  t.equal((await ask('GET', `${calendar}new.ics`)).body, event('new'), 'XML has made CRLF to LF: it is CRLF again')
  t.match((await ask('GET', `${calendar}changing.ics`)).body, /SUMMARY:changed/)
  t.match((await ask('GET', `${calendar}stale.ics`)).body, /SUMMARY:stale/)
  t.equal((await ask('GET', `${calendar}other.ics`)).headers['etag'], other)
  const names = told((await ask('PROPFIND', calendar, { body: '<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>', headers: { depth: '1' } })).body)
  t.same(['new', 'named'].map(name => text(names.get(`${calendar}${name}.ics`)?.properties.get(dav('displayname'))?.value ?? xml('<a/>'))), ['New', 'Named'])
  t.notOk(names.has(`${calendar}unset.ics`), 'all or nothing')
  const [jcal] = await multiput([`<D:set><C:calendar-data content-type="application/calendar+json">["vcalendar",[["version",{},"text","2.0"],["prodid",{},"text","x"]],[["vevent",[["uid",{},"text","jcal"],["dtstamp",{},"date-time","2026-01-01T00:00:00Z"],["dtstart",{},"date-time","2026-03-10T09:00:00Z"]],[]]]]</C:calendar-data></D:set>`], { 'x-mobileme-dav-options': 'return-changed-data' })
  t.match(jcal, { status: '200', uid: 'jcal', href: `${calendar}jcal.ics` })
  t.equal(jcal?.data?.attributes['content-type'], 'application/calendar+json')

  await ask('ACL', calendar, { body: '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege><D:privilege><D:bind/></D:privilege></D:grant></D:ace></D:acl>' })
  const byBob = await multiput([set(event('by bob')), href('new') + set(event('new', { SUMMARY: 'bob' })), `${href('new')}<MM:delete/>`, `${href('new')}<D:remove><D:prop><D:displayname/></D:prop></D:remove>`], {}, 'bob')
  t.same(byBob.map(({ status, condition }) => [status, condition]), [['200', undefined], ...Array.from({ length: 3 }, () => ['403', 'need-privileges'])], 'each may do what the ACL says')
  t.same(lines, [])
})

t.test('conditions on the ctag (Apple’s bulk changes 6)', async t => {
  const { ask } = await house(t)
  const home = '/calendars/users/alice/'
  const token = (ctag: string): string => `<http://me.com/_namespace/ctag/${encodeURIComponent(ctag)}>`
  const ctag = await ctagOf(ask, calendar)
  const posted = await ask('POST', calendar, { body: file(vevent('1')), headers: { ...calendarType, if: `(${token(ctag)})` } })
  t.same([posted.status, responses(posted.body)[0]?.status], [207, '200'])
  t.equal(posted.headers['ctag'], await ctagOf(ask, calendar))
  t.not(posted.headers['ctag'], ctag)
  const refused = await ask('POST', calendar, { body: file(vevent('2')), headers: { ...calendarType, if: `(${token(ctag)})` } })
  t.equal(outcome(refused), '412 ctag-ok')
  t.equal((await ask('POST', calendar, { body: file(vevent('2')), headers: { ...calendarType, if: `(<http://me.com/_namespace/ctag/${posted.headers['ctag'] ?? ''}>)` } })).status, 207, 'unescaped')
  const homeTag = await ctagOf(ask, home)
  const made = await ask('MKCALENDAR', `${home}made/`, { headers: { if: `<${home}> (${token(homeTag)})` } })
  t.same([made.status, made.headers['home-ctag'], made.headers['ctag']], [201, await ctagOf(ask, home), await ctagOf(ask, `${home}made/`)])
  t.equal(outcome(await ask('MKCALENDAR', `${home}other/`, { headers: { if: `<${home}> (${token(homeTag)})` } })), '412 ctag-ok')
  t.equal(outcome(await ask('POST', calendar, { body: file(vevent('3')), headers: { ...calendarType, if: `(${token(posted.headers['ctag'] ?? '')})` }, user: 'bob' })).slice(0, 3), '403', 'who may not see learns nothing')
})

t.test('PUT of a whole file on a calendar is refused, and says what to do', async t => {
  const { ask } = await house(t)
  const onCalendar = await ask('PUT', calendar, { body: file(vevent('1'), vevent('2')), headers: calendarType })
  t.equal(onCalendar.status, 405)
  t.match(onCalendar.body, /POST the file to the calendar/)
  const onName = await ask('PUT', `${calendar}x.ics`, { body: file(vevent('1'), vevent('2')).replace('METHOD:PUBLISH\r\n', ''), headers: calendarType })
  t.equal(outcome(onName), '403 valid-calendar-object-resource')
  t.match(onName.body, `POST it to ${calendar}`)
  const withMethod = await ask('PUT', `${calendar}x.ics`, { body: file(vevent('1')), headers: calendarType })
  t.notMatch(withMethod.body, /POST it/, 'one event is another matter')
})

t.test('calendars.replace: PUT of a whole file makes the calendar what the file is', async t => {
  const { ask, documents, lines } = await house(t, { settings: { 'calendars.replace': 'true' } })
  for (const name of ['same', 'changed', 'leaving']) await ask('PUT', `${calendar}${name}-name.ics`, { body: event(name, { SUMMARY: `ä${'long '.repeat(30)}` }), headers: calendarType })
  const feed = await ask('GET', calendar, { headers: { accept: 'text/calendar' } })
  const before = (await ask('GET', `${calendar}same-name.ics`)).headers['etag']
  const body = feed.body.replace(/BEGIN:VEVENT\r\nUID:leaving[^]*?END:VEVENT\r\n/, '').replace('UID:changed\r\n', 'UID:changed\r\nLOCATION:here\r\n').replace('END:VCALENDAR', `${vevent('new')}END:VCALENDAR`)
  const put = async (text: string, headers: Record<string, string> = {}, user = 'alice'): Promise<string> => outcome(await ask('PUT', calendar, { body: text, headers: { ...calendarType, ...headers }, user }))
  const names = (): string[] => readdirSync(documents + calendar).filter(name => name.endsWith('.ics')).sort()
  const untouched = names()

  t.equal(await put(body, { 'if-match': '"x"' }), '412')
  t.equal(await put(body, { 'if-none-match': '*' }), '412')
  t.equal(await put(body.replace('END:VCALENDAR', `${vtodo('task')}END:VCALENDAR`)), '403 supported-calendar-component', 'everything is looked at first')
  t.equal(await put(body.replace('END:VCALENDAR', `${vevent('bad', 'RRULE:FREQ=X')}END:VCALENDAR`)), '403 valid-calendar-data')
  t.equal(await put(file()), '403 valid-calendar-object-resource', 'an empty file empties nothing')
  t.equal(await put('<html>'), '403 valid-calendar-data')
  t.equal(await put(body, { 'content-range': 'bytes 0-1/2' }), '400')
  t.equal(await put(body, {}, 'bob'), '403 need-privileges')
  t.same(names(), untouched)

  t.equal(await put(body, { 'if-match': feed.headers['etag'] ?? '' }), '204')
  t.same(names(), ['changed-name.ics', 'new.ics', 'same-name.ics'])
  t.equal((await ask('GET', `${calendar}same-name.ics`)).headers['etag'], before, 'what is the same is left as it is')
  t.match((await ask('GET', `${calendar}changed-name.ics`)).body, /LOCATION:here/)
  t.equal(await put(body, { 'if-match': feed.headers['etag'] ?? '' }), '412', 'the calendar is another one now')

  const lock = await ask('LOCK', `${calendar}new.ics`, { body: '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>' })
  t.equal(lock.status, 200)
  t.equal(await put(file(vevent('only'))), '423 lock-token-submitted', 'what is locked below keeps it all')
  t.same(names(), ['changed-name.ics', 'new.ics', 'same-name.ics'])
  t.equal(await put(file(vevent('only'), vevent(undefined)), { if: `<${calendar}new.ics> (${lock.headers['lock-token'] ?? ''})` }), '204')
  t.equal(names().length, 2)
  t.equal((await ask('OPTIONS', calendar)).headers['allow']?.includes('POST'), true)
  t.equal(outcome(await ask('PUT', '/calendars/users/alice/', { body, headers: calendarType })), '405', 'a home is no calendar')
  t.same(lines, [])
})

t.test('calendars.replace: one replacement of a calendar at a time', async t => {
  const { ask, documents, lines } = await house(t, { settings: { 'calendars.replace': 'true' } })
  const other = '/calendars/users/alice/other/'
  await ask('MKCALENDAR', other)
  for (const name of ['x', 'y']) await ask('PUT', `${calendar}${name}.ics`, { body: file(vevent(name)).replace('METHOD:PUBLISH\r\n', ''), headers: calendarType })
  const put = (url: string, ...uids: readonly string[]): ReturnType<House['ask']> => ask('PUT', url, { body: file(...uids.map(uid => vevent(uid))), headers: calendarType })
  const names = (): string[] => readdirSync(documents + calendar).filter(name => name.endsWith('.ics') && !name.startsWith('more')).sort()
  t.same(names(), ['x.ics', 'y.ics'])
  // so that both take a while
  const more = Array.from({ length: 300 }, (_, number) => `more${number}`)
  const [first, second, elsewhere] = await Promise.all([put(calendar, 'x', ...more), put(calendar, 'y', ...more), put(other, 'x')])
  t.same([first.status, second.status].sort(), [204, 409], 'neither removes what the other keeps')
  t.equal(elsewhere.status, 204, 'another calendar is not kept waiting')
  t.same(names(), first.status === 204 ? ['x.ics'] : ['y.ics'])
  const refused = first.status === 409 ? first : second
  t.match(refused.headers['retry-after'], /^\d+$/)
  t.match(refused.body, /try again/)
  const [bad, byBob] = await Promise.all([put(calendar), ask('PUT', calendar, { body: file(vevent('z')), headers: calendarType, user: 'bob' })])
  t.same([outcome(bad), outcome(byBob)], ['403 valid-calendar-object-resource', '403 need-privileges'])
  t.equal((await put(calendar, 'z')).status, 204, 'what failed does not stand in the way')
  t.same(names(), ['z.ics'])
  t.same(lines, [])
})

t.test('a time zone that each object repeats cannot fill the disk', async t => {
  const { ask, documents } = await house(t, { settings: { 'calendars.replace': 'true' } })
  const zone = `BEGIN:VTIMEZONE\r\nTZID:Own\r\n${`X-PAD:${'x'.repeat(60)}\r\n`.repeat(3000)}BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`
  const zoned = Array.from({ length: 60 }, (_, number) => vevent(`zoned${number}`).replace('DTSTART:20260310T090000Z', 'DTSTART;TZID=Own:20260310T090000'))
  const body = file(zone, ...zoned, vevent('plain'))
  const most = 32 * body.length + 1_048_576
  const done = responses((await ask('POST', calendar, { body, headers: calendarType })).body)
  const fitting = Math.floor(most / zone.length)
  t.same(done.map(({ status }) => status), [...zoned.map((_, number) => number < fitting ? '200' : '507'), '200'], 'what fits stays')
  t.match(done[fitting], { href: '', condition: 'quota-not-exceeded', uid: `zoned${fitting}`, why: /in the file from line \d+: .*time zone/ })
  const stored = (): string[] => readdirSync(documents + calendar).filter(name => name.endsWith('.ics')).sort()
  t.ok(stored().reduce((sum, name) => sum + statSync(`${documents}${calendar}${name}`).size, 0) <= most)
  const before = stored()
  const replaced = await ask('PUT', calendar, { body, headers: calendarType })
  t.equal(outcome(replaced), '507 quota-not-exceeded')
  t.match(replaced.body, /time zone/)
  t.same(stored(), before)
  t.equal((await ask('PUT', calendar, { body: file(zone, ...zoned.slice(0, fitting - 1)), headers: calendarType })).status, 204)
})

t.test('a long import lets others have their turn', async t => {
  const { ask } = await house(t)
  let turns = 0
  const timer = setInterval(() => { turns++ }, 1)
  const posted = await ask('POST', calendar, { body: file(...Array.from({ length: 1500 }, (_, number) => vevent(String(number)))), headers: calendarType })
  clearInterval(timer)
  t.equal(responses(posted.body).filter(({ status }) => status === '200').length, 1500)
  t.ok(turns > 30, `${turns} turns: not all at once`)
})

t.test('an object too large for its own limit is refused, whatever it is in', async t => {
  const { ask } = await house(t, { settings: { 'limits.resourceBytes': '2000' } })
  const done = responses((await ask('POST', calendar, { body: file(vevent('large', `DESCRIPTION:${'x'.repeat(2000)}`), vevent('small')), headers: calendarType })).body)
  t.same(done.map(({ condition }) => condition), ['max-resource-size', undefined])
  t.equal(outcome(await ask('POST', '/calendars/users/alice/tasks/', { body: object('VTODO', { UID: 'x', DTSTAMP: '20260101T000000Z' }), headers: calendarType })), '207')
})
