import { writeFileSync } from 'node:fs'
import t from 'tap'
import { text } from '../../../server/xml/element.js'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const query = '<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/><D:quota-available-bytes/></D:prop></D:propfind>'

async function quota (ask: House['ask'], url: string, user = 'alice'): Promise<readonly (number | undefined)[]> {
  const found = told((await ask('PROPFIND', url, { user, headers: { depth: '0' }, body: query })).body).get(url)?.properties
  return ['quota-used-bytes', 'quota-available-bytes'].map(name => {
    const property = found?.get(dav(name))
    return property?.status === 200 ? Number(text(property.value)) : undefined
  })
}

const folder = `${home}folder/`
const patch = (value: string): string => `<D:propertyupdate xmlns:D="DAV:" xmlns:x="x:"><D:set><D:prop><x:note>${value}</x:note></D:prop></D:set></D:propertyupdate>`

t.test('what a home takes and may take, wherever in it one asks', async t => {
  const { ask, documents } = await house(t, { settings: { 'limits.quotaBytes': '100 KB' } })
  const all = 100 * 1024
  await ask('MKCOL', folder)
  for (const url of [home, calendar, `${home}inbox/`, `${home}outbox/`, folder]) t.same(await quota(ask, url), [0, all], url)
  for (const url of ['/', '/calendars/', '/calendars/users/', '/principals/', '/principals/users/alice/']) t.same(await quota(ask, url), [undefined, undefined], url)
  const body = event('a')
  const used = Buffer.byteLength(body)
  await ask('PUT', `${calendar}a.ics`, { body, headers: calendarType })
  for (const url of [home, calendar, `${calendar}a.ics`, `${home}tasks/`]) t.same(await quota(ask, url), [used, all - used], url)
  await ask('PUT', `${folder}x`, { body: 'x'.repeat(1000) })
  t.same(await quota(ask, home), [used + 1000, all - used - 1000])
  await ask('PUT', `${folder}x`, { body: 'x'.repeat(10) })
  t.same(await quota(ask, home), [used + 10, all - used - 10], 'replaced')
  await ask('COPY', folder, { headers: { destination: `${home}other/` } })
  t.same((await quota(ask, home))[0], used + 20, 'copied')
  await ask('MOVE', `${home}other/`, { headers: { destination: `${home}third/` } })
  t.same((await quota(ask, home))[0], used + 20, 'moved')
  await ask('DELETE', folder)
  await ask('DELETE', `${calendar}a.ics`)
  t.same((await quota(ask, home))[0], 10, 'removed')
  writeFileSync(`${documents}/calendars/users/alice/third/by hand`, 'x'.repeat(500))
  t.same((await quota(ask, home))[0], 510, 'by hand')
  t.same(await quota(ask, '/calendars/users/bob/', 'bob'), [0, all], 'everybody has a limit of her own')
  const everything = told((await ask('PROPFIND', home, { headers: { depth: '0' } })).body).get(home)
  t.notOk(everything?.properties.has(dav('quota-used-bytes')), 'not in allprop')
})

t.test('over the limit: 507 quota-not-exceeded, and nothing is written', async t => {
  const { ask, store } = await house(t, { settings: { 'limits.quotaBytes': '3000' } })
  await ask('MKCOL', folder)
  const used = (): number | undefined => store.home(['calendars', 'users', 'alice'])?.bytesBelow('')
  await ask('PUT', `${folder}big`, { body: 'x'.repeat(2500) })
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const before = used() ?? 0
  const left = 3000 - before
  const full = '507 quota-not-exceeded'
  await ask('MKCOL', '/calendars/users/bob/folder/', { user: 'bob' })
  await ask('PUT', '/calendars/users/bob/folder/y', { user: 'bob', body: 'y'.repeat(2000) })
  const acl = '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant></D:ace></D:acl>'
  await ask('ACL', folder, { body: acl })
  for (const [why, method, url, expected, options] of [
    ['a file', 'PUT', `${folder}new`, full, { body: 'x'.repeat(left + 1) }],
    ['a larger one', 'PUT', `${folder}big`, full, { body: 'x'.repeat(2501 + left) }],
    ['an event', 'PUT', `${calendar}b.ics`, full, { body: event('b', { DESCRIPTION: 'x'.repeat(left) }), headers: calendarType }],
    ['a posted one', 'POST', `${calendar};add-member`, full, { body: event('b', { DESCRIPTION: 'x'.repeat(left) }), headers: calendarType }],
    ['a copied file', 'COPY', `${folder}big`, full, { headers: { destination: `${folder}copy` } }],
    ['a copied folder', 'COPY', folder, full, { headers: { destination: `${home}copy/` } }],
    ['moved here from elsewhere', 'MOVE', '/calendars/users/bob/folder/y', full, { user: 'bob', headers: { destination: `${folder}y` } }],
    ['a collection with a long name', 'MKCALENDAR', `${home}new/`, full, { body: `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>${'x'.repeat(left)}</D:displayname></D:prop></D:set></C:mkcalendar>` }]
  ] as readonly (readonly [string, string, string, string, Parameters<House['ask']>[2]])[]) {
    t.equal(outcome(await ask(method, url, options)), expected, why)
    t.equal(used(), before, `${why}: nothing is written`)
  }
  const property = told((await ask('PROPPATCH', calendar, { body: patch('x'.repeat(left)) })).body).get(calendar)?.properties.get('{x:}note')
  t.same([property?.status, property?.condition], [507, dav('quota-not-exceeded')])
  t.equal((await ask('GET', '/calendars/users/bob/folder/y', { user: 'bob' })).body.length, 2000, 'what could not be moved stays')
  for (const [why, method, url, status, options] of [
    ['what fits exactly', 'PUT', `${folder}new`, 201, { body: 'x'.repeat(left) }], ['a smaller one', 'PUT', `${folder}big`, 204, { body: 'x'.repeat(2400) }], ['one of the same size', 'PUT', `${folder}big`, 204, { body: 'y'.repeat(2400) }],
    ['moved within the home', 'MOVE', `${folder}big`, 201, { headers: { destination: `${folder}moved` } }], ['a copy over something smaller', 'COPY', `${folder}moved`, 507, { headers: { destination: `${folder}new` } }],
    ['removed', 'DELETE', `${folder}moved`, 204, {}]
  ] as readonly (readonly [string, string, string, number, Parameters<House['ask']>[2]])[]) t.equal((await ask(method, url, options)).status, status, why)
  const many = await Promise.all(Array.from({ length: 20 }, async (_, number) => (await ask('PUT', `${folder}many${number}`, { body: 'x'.repeat(500) })).status))
  t.ok((used() ?? Infinity) <= 3000, 'many at once do not get past it')
  t.same(new Set(many), new Set([201, 507]))
})

t.test('an account may have a limit of its own; without any, the disk is the limit', async t => {
  const accounts = '[users.carol]\nguid = "00000000-0000-0000-0000-0000000000cc"\npassword = "plain:carol"\nquota = "1 KB"\n[users.dave]\nguid = "00000000-0000-0000-0000-0000000000dd"\npassword = "plain:dave"\nquota = 0\n'
  const { ask } = await house(t, { accounts, settings: { 'limits.quotaBytes': '5000' } })
  t.same(await quota(ask, '/calendars/users/carol/', 'carol'), [0, 1024])
  t.same(await quota(ask, '/calendars/users/alice/'), [0, 5000])
  const [used, available] = await quota(ask, '/calendars/users/dave/', 'dave')
  t.equal(used, 0)
  t.ok((available ?? 0) > 5000, 'what the disk has free')
  const unlimited = await house(t)
  t.ok(((await quota(unlimited.ask, home))[1] ?? 0) > 5000)
})

t.test('how much somebody has is for those who may read her home', async t => {
  const { ask } = await house(t, { settings: { 'limits.quotaBytes': '5000', 'access.readers': 'users/carol' }, users: ['alice', 'bob', 'carol'] })
  const acl = '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>'
  await ask('ACL', calendar, { body: acl })
  t.same(await quota(ask, calendar, 'bob'), [undefined, undefined])
  t.same(await quota(ask, calendar, 'carol'), [0, 5000])
})
