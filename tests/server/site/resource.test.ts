import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { hrefOf, holdsObjects, locate, members, parentOf } from '../../../server/site/resource.js'
import { kinds } from '../../../server/site/kind.js'
import { event } from '../../event.js'
import { house } from '../../house.js'

const guid = '00000000-0000-0000-0000-000000000001'
const at = (path: string): string[] => path.split('/').filter(segment => segment !== '')

t.test('what each path names', async t => {
  const { site, ask, documents } = await house(t, { accounts: '[users.carol]\nguid = "00000000-0000-0000-0000-0000000000cc"\npassword = "plain:carol"\ncalendaring = false\n' })
  const home = `${documents}/calendars/users/alice`
  await ask('MKCOL', '/calendars/users/alice/folder/')
  await ask('MKCOL', '/calendars/users/alice/folder/plain/')
  await ask('MKCALENDAR', '/calendars/users/alice/folder/deep/')
  for (const name of ['by hand', '.hidden', 'folder/by hand', 'calendar/below', 'old~']) mkdirSync(`${home}/${name}`)
  for (const name of ['calendar/a.ics', 'folder/deep/b.ics', 'folder/file', 'by hand/c.ics', 'calendar/.d.ics', 'folder/by hand/e']) writeFileSync(`${home}/${name}`, event(name))
  writeFileSync(`${home}/calendar/broken.ics`, 'half')
  symlinkSync('/etc', `${home}/outside`)
  symlinkSync('/etc/hostname', `${home}/folder/link`)
  for (const [path, kind] of Object.entries({
    '': 'root', principals: 'principals', 'principals/users': 'principals', 'principals/__uids__': 'principals', 'principals/nonsense': 'unmapped', 'principals/users/alice': 'principal', 'principals/users/nobody': 'unmapped',
    [`principals/__uids__/${guid}`]: 'principal', 'principals/groups/alice': 'unmapped', 'principals/users/alice/calendar-proxy-read': 'proxy', 'principals/users/alice/calendar-proxy-write': 'proxy', 'principals/users/alice/x': 'unmapped',
    'principals/users/alice/calendar-proxy-read/x': 'unmapped', calendars: 'calendars', 'calendars/users': 'calendars', 'calendars/nonsense': 'unmapped', 'calendars/users/alice': 'home', [`calendars/__uids__/${guid}`]: 'home',
    'calendars/users/nobody': 'unmapped', 'calendars/users/carol': 'unmapped', 'calendars/users/alice/calendar': 'calendar', 'calendars/users/alice/inbox': 'inbox', 'calendars/users/alice/outbox': 'outbox',
    'calendars/users/alice/by hand': 'calendar', 'calendars/users/alice/folder': 'folder', 'calendars/users/alice/folder/plain': 'folder', 'calendars/users/alice/folder/deep': 'calendar', 'calendars/users/alice/folder/by hand': 'folder',
    'calendars/users/alice/calendar/a.ics': 'event', 'calendars/users/alice/folder/deep/b.ics': 'event', 'calendars/users/alice/folder/file': 'file', 'calendars/users/alice/by hand/c.ics': 'event', 'calendars/users/alice/folder/by hand/e': 'file',
    'calendars/users/alice/calendar/.d.ics': 'unmapped', 'calendars/users/alice/.hidden': 'unmapped', 'calendars/users/alice/old~': 'unmapped', 'calendars/users/alice/calendar/below': 'unmapped', 'calendars/users/alice/calendar/broken.ics': 'unmapped',
    'calendars/users/alice/outside': 'unmapped', 'calendars/users/alice/outside/hostname': 'unmapped', 'calendars/users/alice/folder/link': 'unmapped', 'calendars/users/alice/none': 'unmapped', nothing: 'unmapped',
    'calendars/users/../users/alice': 'unmapped', 'calendars/users/alice/constructor': 'unmapped', 'calendars/users/__proto__': 'unmapped', 'calendars/constructor/alice': 'unmapped'
  })) {
    const resource = await locate(site, at(path))
    t.equal(resource.kind, kind, `/${path}`)
    t.equal(hrefOf(resource).endsWith('/'), path === '' || kinds[resource.kind].isCollection, 'collections have a slash')
    if (path === '' || kind === 'unmapped') continue
    const parent = await parentOf(site, resource)
    t.same([parent.kind, parent.segments], [(await locate(site, at(path).slice(0, -1))).kind, at(path).slice(0, -1)], `what /${path} lies in`)
  }
  t.same((await members(site, await locate(site, at('calendars/users/alice')))).map(hrefOf).sort(), ['by%20hand/', 'calendar/', 'folder/', 'inbox/', 'outbox/', 'tasks/'].map(name => `/calendars/users/alice/${name}`))
  t.same((await members(site, await locate(site, at('calendars/users/alice/calendar')))).map(hrefOf), ['/calendars/users/alice/calendar/a.ics'])
  t.same((await members(site, await locate(site, at('calendars/users/alice/folder')))).map(hrefOf).sort(), ['by%20hand/', 'deep/', 'file', 'plain/'].map(name => `/calendars/users/alice/folder/${name}`))
})

t.test('a home is made when it is first asked for, and then left as its owner has it', async t => {
  const { ask, documents } = await house(t)
  const home = `${documents}/calendars/users/alice`
  const names = (): string[] => readdirSync(home).filter(name => !name.startsWith('.')).sort()
  const all = await Promise.all(Array.from({ length: 8 }, async () => (await ask('PROPFIND', '/calendars/users/alice/', { headers: { depth: '1' } })).status))
  t.same(new Set(all), new Set([207]), 'many at once')
  t.same(names(), ['calendar', 'inbox', 'outbox', 'tasks'])
  t.equal((await ask('DELETE', '/calendars/users/alice/calendar/')).status, 204)
  rmSync(`${home}/tasks`, { recursive: true })
  rmSync(`${home}/inbox`, { recursive: true })
  t.equal((await ask('PROPFIND', '/calendars/users/alice/')).status, 207)
  t.same(names(), ['inbox', 'outbox'], 'what was deleted stays so; the boxes come back')
  rmSync(home, { recursive: true })
  t.equal((await ask('PROPFIND', '/calendars/users/alice/calendar/', { headers: { depth: '0' } })).status, 207)
  t.same(names(), ['calendar', 'inbox', 'outbox', 'tasks'], 'a home that was removed is a new one')
  mkdirSync(`${documents}/calendars/users/bob/mine`, { recursive: true })
  t.equal((await ask('PROPFIND', '/calendars/users/bob/mine/', { user: 'bob', headers: { depth: '0' } })).status, 207)
  t.same(readdirSync(`${documents}/calendars/users/bob`).filter(name => !name.startsWith('.')).sort(), ['inbox', 'mine', 'outbox'], 'one that holds something gets the boxes alone')
})

t.test('a directory of a home is a calendar unless its type says otherwise; deeper only if it says so', async t => {
  for (const [path, type, expected] of [
    ['work', undefined, true], ['', undefined, false], ['inbox', undefined, false], ['outbox', undefined, false], ['a/b', undefined, false],
    ['a/b', '<D:resourcetype xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:collection/><C:calendar/></D:resourcetype>', true],
    ['a', '<resourcetype xmlns="DAV:"><collection/></resourcetype>', false], ['a', "<resourcetype xmlns='DAV:'><collection/><calendar xmlns='urn:ietf:params:xml:ns:caldav'/></resourcetype>", true],
    ['a', '<D:resourcetype xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:collection/><C:schedule-inbox/></D:resourcetype>', false],
    ['a', '<D:resourcetype xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:collection/><CS:subscribed/></D:resourcetype>', false]
  ] as const) t.equal(holdsObjects(path, type), expected, `${path}: ${type ?? 'no type'}`)
})
