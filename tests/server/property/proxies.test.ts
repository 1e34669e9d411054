import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { elements, text } from '../../../server/xml/element.js'
import { caldav, cs, dav, type Name } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const users = ['alice', 'bob', 'carol', 'root']
const accounts = `
[groups.staff]
guid = "00000000-0000-0000-0000-0000000000aa"
members = ["bob", "groups/club"]
[groups.club]
guid = "00000000-0000-0000-0000-0000000000bb"
members = ["carol"]
[locations.hall]
guid = "00000000-0000-0000-0000-0000000000cc"
autoSchedule = "accept-if-free"
proxies = ["groups/club"]
`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:x="x:"'
const alice = '/principals/__uids__/00000000-0000-0000-0000-000000000001/'
const bob = '/principals/__uids__/00000000-0000-0000-0000-000000000002/'
const carol = '/principals/__uids__/00000000-0000-0000-0000-000000000003/'
const staff = '/principals/__uids__/00000000-0000-0000-0000-0000000000aa/'
const club = '/principals/__uids__/00000000-0000-0000-0000-0000000000bb/'
const hall = '/principals/__uids__/00000000-0000-0000-0000-0000000000cc/'
const write = '/principals/users/alice/calendar-proxy-write/'
const read = '/principals/users/alice/calendar-proxy-read/'

async function start (t: Test) {
  const it = await house(t, { users, accounts, settings: { 'access.admins': 'users/root' } })
  const set = async (url: string, hrefs: readonly string[], user = 'alice', more = '') => await it.ask('PROPPATCH', url, {
    user, body: `<D:propertyupdate ${ns}><D:set><D:prop><D:group-member-set>${hrefs.map(href => `<D:href>${href}</D:href>`).join('')}</D:group-member-set>${more}</D:prop></D:set></D:propertyupdate>`
  })
  const property = async (url: string, name: Name, user = 'alice') => {
    const [, prefix = '', local = ''] = /^\{(.*)\}(.*)$/.exec(name) ?? []
    const answer = await it.ask('PROPFIND', url, { user, headers: { depth: '0' }, body: `<D:propfind xmlns:D="DAV:"><D:prop><n:${local} xmlns:n="${prefix}"/></D:prop></D:propfind>` })
    const [only] = told(answer.body).values()
    return only?.properties.get(name)
  }
  const hrefs = async (url: string, name: Name, user = 'alice'): Promise<string[] | undefined> => {
    const found = await property(url, name, user)
    return found?.status === 200 ? elements(found.value, dav('href')).map(text) : undefined
  }
  return { ...it, set, property, hrefs }
}

t.test('whom she makes her proxy may act for her, until she takes it back', async t => {
  const { ask, set, hrefs, lines } = await start(t)
  await ask('PUT', '/calendars/users/alice/calendar/a.ics', { body: event('a'), headers: calendarType })
  const get = async (user: string): Promise<number> => (await ask('GET', '/calendars/users/alice/calendar/a.ics', { user })).status
  const put = async (user: string): Promise<number> => (await ask('PUT', '/calendars/users/alice/calendar/a.ics', { user, body: event('a', { SUMMARY: user }), headers: calendarType })).status
  t.same([await get('bob'), await put('bob')], [403, 403])
  const answer = await set(read, ['/principals/users/bob/'])
  t.equal(answer.status, 207)
  t.equal(told(answer.body).get(read)?.properties.get(dav('group-member-set'))?.status, 200)
  t.same([await get('bob'), await put('bob')], [200, 403])
  t.same(await hrefs(read, dav('group-member-set')), [bob])
  t.same(await hrefs(bob, dav('group-membership'), 'bob'), [staff, `${alice}calendar-proxy-read/`])
  t.same(await hrefs(bob, cs('calendar-proxy-read-for')), [alice])
  await set(write, [staff])
  t.same([await get('carol'), await put('carol')], [200, 204], 'through groups in groups')
  t.same(await hrefs(carol, cs('calendar-proxy-write-for')), [hall, alice])
  t.same(await hrefs(carol, dav('group-membership')), [club], 'only those she is directly in (RFC 3744 4.4)')
  t.same(await hrefs(carol, cs('expanded-group-membership')), [club, staff, `${hall}calendar-proxy-write/`, `${alice}calendar-proxy-write/`])
  t.same(await hrefs(staff, cs('expanded-group-member-set')), [bob, club, carol])
  t.same(await hrefs(write, cs('expanded-group-member-set')), [staff, bob, club, carol])
  t.same(await hrefs(staff, dav('group-member-set')), [bob, club])
  t.same(await hrefs(staff, dav('group-membership')), [`${alice}calendar-proxy-write/`])
  await set(write, [])
  t.same([await get('carol'), await put('bob'), await get('bob')], [403, 403, 200])
  t.same(await hrefs(carol, cs('calendar-proxy-write-for')), [hall])
  t.same(lines, [])
})

t.test('who may choose proxies', async t => {
  const { set, hrefs, ask } = await start(t)
  await set(write, ['/principals/users/bob/'])
  for (const [user, url, expected] of [
    ['alice', write, '207'], ['root', write, '207'], ['bob', write, '403 need-privileges'], ['carol', write, '403 need-privileges'],
    ['root', '/principals/locations/hall/calendar-proxy-write/', '207'], ['alice', '/principals/locations/hall/calendar-proxy-read/', '403 need-privileges'],
    ['root', '/principals/groups/staff/', '207'], ['alice', '/principals/users/alice/', '403 need-privileges']
  ] as const) t.equal(outcome(await set(url, ['/principals/users/bob/'], user)), expected, `${user} ${url}`)
  t.equal((await ask('PROPPATCH', write, { user: undefined, body: 'x' })).status, 401)
  t.same(await hrefs(hall + 'calendar-proxy-write/', dav('group-member-set')), [bob], 'instead of those in the accounts')
  t.same(await hrefs(staff, dav('group-member-set')), [bob, club], 'members of groups stand in the accounts')
})

t.test('members are named in any form; what is no principal changes nothing', async t => {
  const { set, hrefs, documents } = await start(t)
  for (const href of ['/principals/users/bob/', '/principals/users/bob', bob, bob.slice(0, -1), 'http://localhost/principals/users/b%6fb/', ' /principals/users/bob/ ', 'mailto:BOB@example.com', 'urn:uuid:00000000-0000-0000-0000-000000000002']) {
    await set(write, [])
    t.equal((await set(write, [href, '/principals/users/carol/'])).status, 207)
    t.same(await hrefs(write, dav('group-member-set')), [bob, carol], href)
  }
  const before = readFileSync(join(documents, '..', 'conf', 'proxies.toml'), 'utf8')
  for (const [href, status] of [
    ['/principals/users/nobody/', 409], ['/calendars/users/bob/', 409], ['/principals/users/', 409], [write, 409], ['http://elsewhere.example/principals/users/bob/', 409],
    ['mailto:nobody@example.com', 409], ['', 409], ['/principals/users/bob/../alice/', 400], ['/principals/users/%ff/', 400], [`/${'x'.repeat(5000)}`, 414]
  ] as const) {
    const answer = await set(write, ['/principals/users/alice/', href])
    t.equal(answer.status, 207)
    t.equal(told(answer.body).get(write)?.properties.get(dav('group-member-set'))?.status, status, href.slice(0, 50))
  }
  const many = await set(write, Array.from({ length: 501 }, () => bob))
  t.equal(told(many.body).get(write)?.properties.get(dav('group-member-set'))?.status, 507)
  t.equal(readFileSync(join(documents, '..', 'conf', 'proxies.toml'), 'utf8'), before)
})

t.test('all or nothing', async t => {
  const { ask, set, hrefs } = await start(t)
  const both = await set(write, [bob], 'alice', '<x:other/>')
  t.same([...told(both.body).get(write)?.properties ?? []].map(([name, { status, condition }]) => [name, status, condition]).sort(),
    [[dav('group-member-set'), 424, undefined], ['{x:}other', 403, dav('cannot-modify-protected-property')]])
  t.same(await hrefs(write, dav('group-member-set')), [])
  await set(write, [bob])
  const twice = `<D:propertyupdate ${ns}><D:remove><D:prop><D:group-member-set/></D:prop></D:remove><D:set><D:prop><D:group-member-set><D:href>${carol}</D:href></D:group-member-set></D:prop></D:set></D:propertyupdate>`
  t.equal((await ask('PROPPATCH', write, { body: twice })).status, 207)
  t.same(await hrefs(write, dav('group-member-set')), [carol], 'in order')
  await ask('PROPPATCH', write, { body: `<D:propertyupdate ${ns}><D:remove><D:prop><D:group-member-set/></D:prop></D:remove></D:propertyupdate>` })
  t.same(await hrefs(write, dav('group-member-set')), [], 'removed = nobody')
})

t.test('a file that somebody broke is kept, and the client told to come later', async t => {
  const { set, documents, lines } = await start(t)
  await set(write, [bob])
  const file = join(documents, '..', 'conf', 'proxies.toml')
  writeFileSync(file, '[users.alice\n')
  t.equal(told((await set(write, [])).body).get(write)?.properties.get(dav('group-member-set'))?.status, 503)
  t.equal(readFileSync(file, 'utf8'), '[users.alice\n')
  t.match(lines, [/^proxies of users\/alice are not kept: .*proxies\.toml, line 1/])
})

t.test('what principals say of themselves', async t => {
  const { ask, property } = await start(t)
  for (const [url, name, expected] of [
    [alice, cs('record-type'), 'users'], [read, cs('record-type'), 'read-delegate-group'], [write, cs('record-type'), 'write-delegate-group'],
    [hall, caldav('calendar-user-type'), 'ROOM'], [staff, caldav('calendar-user-type'), 'GROUP'], [hall, cs('auto-schedule'), 'true'], [hall, cs('auto-schedule-mode'), 'accept-if-free'], [alice, cs('auto-schedule'), 'false']
  ] as const) t.equal(text((await property(url, name))?.value ?? { name: '{}x', attributes: {}, children: [] }), expected, `${name} of ${url}`)
  const answer = await ask('PROPFIND', '/principals/users/alice/', { headers: { depth: '1' }, body: `<D:propfind ${ns}><D:prop><D:resourcetype/><D:principal-URL/></D:prop></D:propfind>`, user: 'bob' })
  t.same([...told(answer.body)].map(([href, { properties }]) => [href, elements(properties.get(dav('principal-URL'))!.value).map(text)[0], elements(properties.get(dav('resourcetype'))!.value).map(({ name }) => name)]), [
    ['/principals/users/alice/', alice, [dav('principal'), dav('collection')]],
    [read, `${alice}calendar-proxy-read/`, [dav('principal'), dav('collection'), cs('calendar-proxy-read')]],
    [write, `${alice}calendar-proxy-write/`, [dav('principal'), dav('collection'), cs('calendar-proxy-write')]]
  ])
})
