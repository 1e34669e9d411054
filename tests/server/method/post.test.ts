import { readdirSync } from 'node:fs'
import t from 'tap'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'
import { child, text } from '../../../server/xml/element.js'

const calendar = '/calendars/users/alice/calendar/'
const place = `${calendar};add-member`
const find = (...names: string[]): string => `<D:propfind xmlns:D="DAV:"><D:prop>${names.map(name => `<D:${name}/>`).join('')}</D:prop></D:propfind>`

t.test('an event that is posted gets a name that ends in .ics', async t => {
  const { ask, documents } = await house(t)
  const names: string[] = []
  for (const uid of ['plain', 'a@b.example', '../../etc/passwd', '.hidden', 'x'.repeat(300), 'Grüße', 'two words', '\\,;', 'UPPER_lower-1.2']) {
    const posted = await ask('POST', place, { body: event(uid), headers: calendarType })
    t.equal(posted.status, 201, uid)
    const location = posted.headers['location'] ?? ''
    t.match(location, /^\/calendars\/users\/alice\/calendar\/[\w.@+%-]+\.ics$/)
    const got = await ask('GET', location)
    t.same([got.body, got.headers['etag']], [event(uid), posted.headers['etag']], uid)
    names.push(location.slice(calendar.length))
  }
  t.equal(names[0], 'plain.ics')
  t.equal(names[1], 'a@b.example.ics')
  t.equal(readdirSync(`${documents}/calendars/users/alice/calendar`).filter(name => !name.startsWith('.')).length, names.length)
  // a name that is taken by another object gives way
  await ask('PUT', `${calendar}taken.ics`, { body: event('other'), headers: calendarType })
  const posted = await ask('POST', place, { body: event('taken'), headers: calendarType })
  t.equal(posted.status, 201)
  t.not(posted.headers['location'], `${calendar}taken.ics`)
  t.match((await ask('GET', `${calendar}taken.ics`)).body, /UID:other/)
  const many = await Promise.all(Array.from({ length: 5 }, async () => (await ask('POST', place, { body: event('once'), headers: calendarType })).status))
  t.equal(many.filter(status => status === 201).length, 1, 'one of five at once')
})

t.test('what is refused', async t => {
  const { ask } = await house(t, { settings: { 'limits.resourceBytes': '2000' } })
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  await ask('MKCOL', '/calendars/users/alice/folder/')
  for (const [why, url, expected, body, headers, user] of [
    ['a UID that is there', place, '403 no-uid-conflict', event('a'), calendarType], ['no calendar', place, '403 valid-calendar-data', 'x', calendarType], ['nothing', place, '403 valid-calendar-data', '', calendarType],
    ['another type', place, '403 supported-calendar-data', event('b'), { 'content-type': 'text/plain' }], ['too large', place, '403 max-resource-size', event('b', { DESCRIPTION: 'x'.repeat(2000) }), calendarType],
    ['a task calendar', '/calendars/users/alice/tasks/;add-member', '403 supported-calendar-component', event('b'), calendarType],
    ['If-Match', place, '412', event('b'), { ...calendarType, 'if-match': '*' }], ['a part', place, '400', event('b'), { ...calendarType, 'content-range': 'bytes 0-1/2' }],
    ['by somebody else', place, '403 need-privileges', event('b'), calendarType, 'bob'], ['by nobody', place, '401', event('b'), calendarType, undefined],
    ['to a folder itself', '/calendars/users/alice/folder/', '405', event('b'), calendarType], ['to an event', `${calendar}a.ics`, '405', event('b'), calendarType], ['to a home', '/calendars/users/alice/?action=emptytrash', '405', ''],
    ['to the outbox', '/calendars/users/alice/outbox/', '405', event('b'), calendarType], ['to nothing', `${calendar}none.ics`, '404', event('b'), calendarType], ['to a folder', '/calendars/users/alice/folder/;add-member', '404', event('b'), calendarType],
    ['to the root', '/', '405', '']
  ] as readonly (readonly [string, string, string, string, Record<string, string>?, string?])[]) {
    const answer = await ask('POST', url, { body, headers: headers ?? {}, user: why === 'by nobody' ? undefined : user ?? 'alice' })
    t.equal(outcome(answer), expected, why)
    if (answer.status === 405) t.notMatch(answer.headers['allow'], /POST/, why)
  }
  for (const [method, headers] of [['PUT', calendarType], ['GET', {}], ['PROPFIND', { depth: '0' }], ['MKCALENDAR', {}], ['DELETE', {}]] as const) {
    t.ok([403, 405].includes((await ask(method, place, { headers, ...(method === 'PUT' ? { body: event('c') } : {}) })).status), `${method} of what one posts to`)
  }
  for (const method of ['COPY', 'MOVE']) t.ok((await ask(method, `${calendar}a.ics`, { headers: { destination: place } })).status >= 400, `${method} to what one posts to`)
  t.equal((await ask('GET', `${calendar}a.ics`)).status, 200)
})

t.test('who may read but not add, and who may add but not read', async t => {
  const { ask } = await house(t)
  const acl = (privilege: string): string => `<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:${privilege}/></D:privilege></D:grant></D:ace></D:acl>`
  t.equal((await ask('ACL', calendar, { body: acl('read') })).status, 200)
  t.equal(outcome(await ask('POST', place, { user: 'bob', body: event('x'), headers: calendarType })), '403 need-privileges')
  t.equal((await ask('ACL', calendar, { body: acl('bind') })).status, 200)
  t.equal((await ask('POST', place, { user: 'bob', body: event('dropped'), headers: calendarType })).status, 201)
  t.equal((await ask('GET', `${calendar}dropped.ics`, { user: 'bob' })).status, 403)
  t.match((await ask('GET', `${calendar}dropped.ics`)).body, /UID:dropped/)
})

t.test('DAV:add-member says where, DAV:supported-live-property-set that it is ours', async t => {
  const { ask } = await house(t)
  const of = async (url: string, ...names: string[]): Promise<ReturnType<typeof told> extends Map<string, infer One> ? One | undefined : never> => told((await ask('PROPFIND', url, { headers: { depth: '0' }, body: find(...names) })).body).get(url)
  const found = (await of(calendar, 'add-member', 'supported-live-property-set'))?.properties
  const value = found?.get(dav('add-member'))?.value
  t.equal(value === undefined ? '' : text(child(value, dav('href')) ?? value), place)
  t.match(JSON.stringify(found?.get(dav('supported-live-property-set'))?.value), /\{DAV:\}add-member.*\{DAV:\}quota-used-bytes/)
  t.equal((await of('/calendars/users/alice/', 'add-member'))?.properties.get(dav('add-member'))?.status, 404)
  const all = told((await ask('PROPFIND', calendar, { headers: { depth: '0' } })).body).get(calendar)
  t.equal(all?.properties.has(dav('add-member')), false, 'not in allprop')
  const patch = await ask('PROPPATCH', calendar, { body: '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:add-member><D:href>http://evil.example/</D:href></D:add-member></D:prop></D:set></D:propertyupdate>' })
  t.equal(told(patch.body).get(calendar)?.properties.get(dav('add-member'))?.status, 403)
})
