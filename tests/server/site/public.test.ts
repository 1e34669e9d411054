import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const root = '/calendars/public/'
const nobody = { user: undefined }
const depth = (value: string): { headers: Record<string, string> } => ({ headers: { depth: value } })
const query = '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'

t.test('a calendar that is copied into the public tree can be read by everybody', async t => {
  const { ask, documents } = await house(t)
  await ask('PUT', '/calendars/users/alice/calendar/a.ics', { body: event('a'), headers: calendarType })
  cpSync(`${documents}/calendars/users/alice/calendar`, `${documents}${root}holidays`, { recursive: true })
  mkdirSync(`${documents}${root}made`)
  writeFileSync(`${documents}${root}made/b.ics`, event('b'))
  writeFileSync(`${documents}${root}readme.txt`, 'hello')
  for (const user of [undefined, 'alice', 'bob']) {
    t.same([...told((await ask('PROPFIND', root, { user, ...depth('1') })).body).keys()], ['', 'holidays/', 'made/', 'readme.txt'].map(name => root + name))
    t.match((await ask('GET', `${root}holidays/`, { user })).body, /UID:a/)
    t.equal((await ask('GET', `${root}made/b.ics`, { user })).body, event('b'))
    t.equal((await ask('GET', `${root}readme.txt`, { user })).body, 'hello')
    t.match((await ask('GET', root, { user })).body, /holidays/)
    t.same([...told((await ask('REPORT', `${root}holidays/`, { user, body: query })).body).keys()], [`${root}holidays/a.ics`])
    t.same([...told((await ask('REPORT', root, { user, body: query, ...depth('1') })).body).keys()], [`${root}holidays/a.ics`, `${root}made/b.ics`])
    t.match((await ask('REPORT', `${root}holidays/`, { user, body: '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>' })).body, /a\.ics/)
    t.equal((await ask('GET', `${root}none`, { user })).status, 404)
  }
  t.ok(told((await ask('PROPFIND', '/calendars/', depth('1'))).body).has(root))
  const names = told((await ask('PROPFIND', root, { ...nobody, ...depth('0') })).body).get(root)
  t.match(JSON.stringify(names?.properties.get(dav('displayname'))?.value), /public/)
  t.notMatch(JSON.stringify(names?.properties.get(dav('resourcetype'))?.value), /calendar/)
  const allow = (await ask('OPTIONS', root, nobody)).headers['allow'] ?? ''
  t.match(allow, /PROPFIND/)
})

t.test('what has not been published stays private, and nobody but administrators writes', async t => {
  const { ask, documents } = await house(t, { users: ['alice', 'bob'], settings: { 'access.admins': 'users/bob' } })
  await ask('PUT', '/calendars/users/alice/calendar/a.ics', { body: event('a'), headers: calendarType })
  for (const url of ['/calendars/users/alice/', '/calendars/users/alice/calendar/', '/calendars/users/alice/calendar/a.ics', '/calendars/', '/', '/principals/', '/calendars/users/nobody/', '/calendars/publicx/', '/calendars/PUBLIC/']) {
    for (const method of ['GET', 'PROPFIND']) t.equal((await ask(method, url, nobody)).status, 401, `${method} ${url}`)
  }
  const attempts: readonly (readonly [string, string, string?, Record<string, string>?])[] = [
    ['PUT', `${root}x.txt`, 'x'], ['MKCOL', `${root}folder/`], ['MKCALENDAR', `${root}new/`], ['PROPPATCH', root, '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>'],
    ['PUT', `${root}none/x.ics`, event('x'), calendarType]
  ]
  for (const [method, url, body, headers] of attempts) {
    const options = { ...(body === undefined ? {} : { body }), headers: headers ?? {} }
    t.ok([401, 409].includes((await ask(method, url, { ...options, ...nobody })).status), `${method} ${url} by nobody`)
    t.ok([403, 409].includes((await ask(method, url, { ...options, user: 'alice' })).status), `${method} ${url} by alice`)
  }
  t.same(readdirSync(`${documents}/calendars/public`).filter(name => !name.startsWith('.')), [])
  for (const [method, url, status, body, headers] of [
    ['MKCALENDAR', `${root}club/`, 201], ['PUT', `${root}club/a.ics`, 201, event('a'), calendarType], ['POST', `${root}club/;add-member`, 201, event('b'), calendarType], ['MKCOL', `${root}papers/`, 201],
    ['PUT', `${root}papers/p.txt`, 201, 'x'], ['MOVE', `${root}papers/`, 201, undefined, { destination: `${root}archive/` }], ['COPY', `${root}club/`, 201, undefined, { destination: `${root}archive/club/` }], ['DELETE', `${root}archive/`, 204], ['DELETE', root, 405]
  ] as readonly (readonly [string, string, number, string?, Record<string, string>?])[]) {
    t.equal((await ask(method, url, { user: 'bob', ...(body === undefined ? {} : { body }), headers: headers ?? {} })).status, status, `${method} ${url} by an administrator`)
  }
  t.match((await ask('GET', `${root}club/`, nobody)).body, /UID:a.*UID:b/s)
  t.equal((await ask('DELETE', `${root}club/a.ics`, { user: 'alice' })).status, 403)
  const acl = '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/alice/</D:href></D:principal><D:grant><D:privilege><D:write/></D:privilege></D:grant></D:ace></D:acl>'
  t.equal((await ask('ACL', `${root}club/`, { user: 'bob', body: acl })).status, 200)
  t.equal(outcome(await ask('PUT', `${root}club/c.ics`, { body: event('c'), headers: calendarType })), '201', 'whoever an ACL lets')
  t.equal((await ask('PUT', `${root}club/d.ics`, { ...nobody, body: event('d'), headers: calendarType })).status, 401)
  t.equal((await ask('MOVE', '/calendars/users/alice/calendar/a.ics', { headers: { destination: `${root}x.ics` } })).status, 403)
})

t.test('what is published by hand is found at once, also after a restart of the watching', async t => {
  const { ask, store, documents } = await house(t, { watch: true })
  await ask('GET', root, nobody)
  mkdirSync(`${documents}${root}live`)
  writeFileSync(`${documents}${root}live/a.ics`, event('a'))
  t.match((await ask('GET', `${root}live/`, nobody)).body, /UID:a/)
  writeFileSync(`${documents}${root}live/b.ics`, event('b'))
  t.match((await ask('GET', `${root}live/`, nobody)).body, /UID:b/)
  await store.sweep()
  t.notOk(existsSync(`${documents}/../state/index/calendars/public`), 'one index for the whole tree')
  rmSync(`${documents}${root}`, { recursive: true })
  t.equal((await ask('GET', `${root}live/`, nobody)).status, 404)
})

t.test('a link in its place is not followed', async t => {
  const { ask, documents } = await house(t)
  await ask('GET', '/calendars/users/alice/')
  symlinkSync(`${documents}/calendars/users/alice`, `${documents}/calendars/public`)
  t.equal((await ask('GET', root)).status, 404)
  t.equal((await ask('GET', `${root}calendar/`)).status, 403, 'as any name that nobody has')
  t.equal((await ask('PROPFIND', '/calendars/', depth('1'))).status, 207)
  t.notMatch((await ask('PROPFIND', `${root}calendar/`, { ...nobody, ...depth('1') })).status, 207)
})
