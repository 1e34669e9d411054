import { existsSync, readFileSync, readdirSync } from 'node:fs'
import t from 'tap'
import { properties } from '../../../store/property.js'
import { text } from '../../../server/xml/element.js'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event, object } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'

const home = '/calendars/users/alice/'

/** Two calendars, a folder with a folder and a file, one event with a property. */
async function furnished (t: import('tap').Test, settings: Record<string, string> = {}): Promise<House & { go: (method: string, from: string, to: string, headers?: Record<string, string>) => Promise<string> }> {
  const it = await house(t, { settings })
  for (const path of ['other/']) await it.ask('MKCALENDAR', home + path)
  for (const path of ['folder/', 'folder/deep/', 'place/']) await it.ask('MKCOL', home + path)
  await it.ask('PUT', `${home}folder/deep/file.txt`, { body: 'file' })
  await it.ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: calendarType })
  await it.ask('PROPPATCH', `${home}calendar/a.ics`, { body: '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:mine xmlns:x="x:">kept</x:mine></D:prop></D:set></D:propertyupdate>' })
  const go = async (method: string, from: string, to: string, headers: Record<string, string> = {}): Promise<string> =>
    outcome(await it.ask(method, from.startsWith('/') ? from : home + from, { headers: { destination: to.startsWith('/') || to.startsWith('http') || to === '' ? to : home + to, ...headers } }))
  return { ...it, go }
}

async function mine (ask: House['ask'], path: string): Promise<string | undefined> {
  const found = told((await ask('PROPFIND', home + path, { headers: { depth: '0' }, body: '<D:propfind xmlns:D="DAV:"><D:prop><x:mine xmlns:x="x:"/></D:prop></D:propfind>' })).body).get(home + path)?.properties.get('{x:}mine')
  return found?.status === 200 ? text(found.value) : undefined
}

t.test('COPY and MOVE of events: bytes, properties and UIDs go along', async t => {
  const { ask, go, documents, lines } = await furnished(t)
  const etag = (await ask('GET', `${home}calendar/a.ics`)).headers['etag']
  t.equal(await go('COPY', 'calendar/a.ics', 'calendar/b.ics'), '403 no-uid-conflict', 'a UID is in a calendar once')
  t.equal(await go('COPY', 'calendar/a.ics', 'other/a.ics'), '201')
  t.equal(await go('COPY', 'calendar/a.ics', 'other/a.ics'), '204')
  t.equal(await go('COPY', 'calendar/a.ics', 'other/b.ics'), '403 no-uid-conflict')
  t.equal(await mine(ask, 'other/a.ics'), 'kept')
  t.equal((await ask('GET', `${home}other/a.ics`)).headers['etag'], etag)
  t.equal(await go('MOVE', 'calendar/a.ics', 'calendar/b.ics'), '201', 'its UID moves with it')
  t.equal((await ask('GET', `${home}calendar/a.ics`)).status, 404)
  t.equal(await mine(ask, 'calendar/b.ics'), 'kept')
  await ask('PUT', `${home}calendar/c.ics`, { body: event('c'), headers: calendarType })
  t.equal(await go('MOVE', 'calendar/c.ics', 'calendar/b.ics', { overwrite: 'F' }), '412')
  t.equal(await go('MOVE', 'calendar/c.ics', 'calendar/b.ics', { overwrite: 'maybe' }), '400')
  t.equal(await go('MOVE', 'calendar/c.ics', 'calendar/b.ics', { 'if-match': '"x"' }), '412')
  for (const method of ['COPY', 'MOVE']) t.equal(await go(method, 'calendar/c.ics', 'calendar/b.ics'), '403 no-uid-conflict', 'an object keeps its UID (RFC 4791 5.3.2.1)')
  t.equal((await ask('DELETE', `${home}other/a.ics`)).status, 204)
  await ask('PUT', `${home}other/a.ics`, { body: event('a', { SUMMARY: 'moved' }), headers: calendarType })
  t.equal(await go('MOVE', 'other/a.ics', 'calendar/b.ics'), '204', 'the same UID')
  t.equal(await mine(ask, 'calendar/b.ics'), undefined, 'what is overwritten goes with its properties')
  t.equal((await ask('GET', `${home}calendar/b.ics`)).body, event('a', { SUMMARY: 'moved' }))
  t.equal(await go('MOVE', 'calendar/b.ics', 'http://localhost:80/calendars/users/alice/calendar/d.ics'), '201', 'an absolute URL')
  t.equal(await go('MOVE', 'calendar/d.ics', '/calendars/__uids__/00000000-0000-0000-0000-000000000001/calendar/e.ics'), '201', 'an alias')
  t.equal(await go('MOVE', 'calendar/e.ics', '/calendars/__uids__/00000000-0000-0000-0000-000000000001/calendar/e.ics'), '403', 'the same place by an alias')
  t.ok(existsSync(`${documents}${home}calendar/e.ics`))

  const todo = object('VTODO', { UID: 't', DTSTAMP: '20260101T000000Z' })
  await ask('PUT', `${home}tasks/t.ics`, { body: todo, headers: calendarType })
  await ask('MKCALENDAR', `${home}events/`, { body: '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>' })
  t.equal(await go('MOVE', 'tasks/t.ics', 'events/t.ics'), '403 supported-calendar-component')
  t.equal(await go('COPY', 'folder/deep/file.txt', 'other/f.ics'), '403 valid-calendar-data', 'the rules of a calendar hold for what is copied in')
  t.equal(await go('COPY', 'tasks/t.ics', 'folder/t.ics'), '201', 'a folder takes anything')
  t.equal((await ask('GET', `${home}tasks/t.ics`)).status, 200, 'a refused MOVE leaves it where it was')
  t.same(lines, [])
})

t.test('COPY and MOVE of collections', async t => {
  const { ask, go, documents } = await furnished(t)
  t.equal(await go('COPY', 'calendar/', 'copy/'), '201')
  t.equal(readFileSync(`${documents}${home}copy/a.ics`, 'utf8'), event('a'))
  t.equal(await mine(ask, 'copy/a.ics'), 'kept')
  t.equal(await go('COPY', 'calendar/', 'empty', { depth: '0' }), '201')
  t.same([...told((await ask('PROPFIND', `${home}empty/`, { headers: { depth: '1' } })).body).keys()], [`${home}empty/`])
  t.equal(await go('COPY', 'calendar/', 'x/', { depth: '1' }), '400')
  t.equal(await go('MOVE', 'calendar/', 'x/', { depth: '0' }), '400')
  t.equal(await go('COPY', 'calendar/', 'copy/'), '403', 'a calendar is never overwritten')
  t.equal(await go('COPY', 'folder/', 'copy/'), '403')
  t.equal(await go('MOVE', 'copy/', 'folder/deep/calendar/'), '201')
  t.equal((await ask('GET', `${home}folder/deep/calendar/a.ics`)).status, 200)
  t.equal(await go('MOVE', 'folder/', 'folder/deep/inside/'), '403', 'into itself')
  t.equal(await go('MOVE', 'folder/deep/', 'folder/'), '403', 'over what holds it')
  t.equal(await go('MOVE', 'folder/', 'folder/'), '403', 'onto itself')
  t.equal(await go('COPY', 'folder/', 'place/'), '204', 'a folder is replaced')
  t.same(readdirSync(`${documents}${home}place/deep`).filter(name => !name.startsWith('.')).sort(), ['calendar', 'file.txt'])
  t.equal(await go('MOVE', 'folder/', 'calendar/folder/'), '403 calendar-collection-location-ok')
  t.equal(await go('MOVE', 'folder/', 'inbox/folder/'), '403 calendar-collection-location-ok')
  t.equal(await go('MOVE', 'other/', 'renamed/'), '201')
  t.equal((await ask('PROPFIND', `${home}other/`)).status, 404)
})

t.test('nothing is destroyed before everything is allowed', async t => {
  const { ask, go, documents } = await furnished(t, { 'limits.resources': '1', 'limits.collections': '8' })
  t.equal(await go('COPY', 'folder/deep/file.txt', 'place/', { 'if-match': '"x"' }), '412')
  t.ok(existsSync(`${documents}${home}place`), 'a folder in the way is still there')
  t.equal(await go('COPY', 'folder/deep/file.txt', 'place/', { overwrite: 'F' }), '412')
  await ask('PUT', `${home}other/b.ics`, { body: event('b'), headers: calendarType })
  t.equal(await go('MOVE', 'other/b.ics', 'calendar/b.ics'), '507 quota-not-exceeded')
  t.equal(await go('MOVE', 'other/b.ics', 'other/c.ics'), '201', 'within a full calendar')
  // calendar, tasks, inbox, outbox, other, folder, place: one more
  t.equal(await go('COPY', 'other/', 'eighth/'), '201')
  t.equal(await go('COPY', 'other/', 'ninth/'), '507 quota-not-exceeded')
  t.equal(await go('MOVE', 'other/', 'ninth/'), '201', 'a new name is not one more')
  t.equal(await go('COPY', 'folder/deep/file.txt', 'place'), '204', 'a file replaces a folder')
  t.equal((await ask('GET', `${home}place`)).body, 'file')
  t.equal(await go('COPY', 'folder/deep/', 'place'), '204', 'and a folder a file')
  t.ok(existsSync(`${documents}${home}place/file.txt`))
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('privileges: what one may take, put and replace', async t => {
  const { ask, go, documents } = await furnished(t)
  const grant = async (path: string, ...privileges: string[]): Promise<void> => {
    const aces = privileges.length === 0 ? '' : `<D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant>${privileges.map(name => `<D:privilege><D:${name}/></D:privilege>`).join('')}</D:grant></D:ace>`
    t.equal((await ask('ACL', home + path, { body: `<D:acl xmlns:D="DAV:">${aces}</D:acl>` })).status, 200)
  }
  const bobs = '/calendars/users/bob/'
  const bob = async (method: string, from: string, to: string): Promise<string> => outcome(await ask(method, from, { user: 'bob', headers: { destination: to } }))
  const own = (path: string, member = ''): string | undefined => properties(`${documents}${path}`, member).get('{DAV:}acl')
  await ask('PUT', `${bobs}calendar/b.ics`, { user: 'bob', body: event('b'), headers: calendarType })
  const at = (path: string): string => home + path

  const cases: readonly (readonly [granted: readonly string[], method: string, from: string, to: string, outcome: string])[] = [
    [['read'], 'COPY', at('calendar/a.ics'), `${bobs}calendar/a.ics`, '201'], [['read'], 'MOVE', at('calendar/a.ics'), `${bobs}calendar/a.ics`, '403 need-privileges'], [['bind'], 'COPY', at('calendar/a.ics'), `${bobs}calendar/c.ics`, '403 need-privileges'],
    [['read'], 'COPY', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '403 need-privileges'], [['read', 'write-content', 'unbind'], 'COPY', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '403 need-privileges'], [['read', 'bind'], 'COPY', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '201'],
    [['read', 'bind', 'unbind', 'write-content'], 'COPY', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '403 need-privileges'], [['read', 'write-content', 'write-properties'], 'COPY', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '204'],
    [['read', 'write-content', 'write-properties', 'bind'], 'MOVE', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '403 need-privileges'], [['read', 'bind', 'unbind'], 'MOVE', `${bobs}calendar/b.ics`, at('calendar/b.ics'), '204'],
    [['unbind'], 'MOVE', at('calendar/b.ics'), `${bobs}calendar/b.ics`, '403 need-privileges'], [['read', 'unbind'], 'MOVE', at('calendar/b.ics'), `${bobs}calendar/b.ics`, '201']
  ]
  for (const [granted, method, from, to, expected] of cases) {
    await grant('calendar/', ...granted)
    t.equal(await bob(method, from, to), expected, `${granted.join()}: ${method} ${from} to ${to}`)
  }
  t.equal((await ask('GET', at('calendar/b.ics'))).status, 404)

  // RFC 3744 7.3, 7.4
  await grant('folder/deep/file.txt', 'read')
  t.equal(await go('COPY', 'folder/deep/file.txt', 'place/copy.txt'), '201')
  t.same([own(at('place'), 'copy.txt'), own(at('folder/deep'), 'file.txt') === undefined], [undefined, false], 'a copy has no ACL of its own')
  t.equal(await go('MOVE', 'folder/deep/file.txt', 'folder/deep/moved.txt'), '201')
  t.match(own(at('folder/deep'), 'moved.txt'), 'read', 'what is moved keeps it')
  await grant('folder/deep/', 'read', 'unbind')
  await grant('folder/', 'read', 'unbind')
  await ask('MKCOL', `${bobs}mine/`, { user: 'bob' })
  t.equal(await bob('MOVE', at('folder/deep/moved.txt'), `${bobs}mine/x`), '403', 'but cannot take it to another home')
  t.equal(await bob('MOVE', at('folder/deep/'), `${bobs}mine/deep/`), '403')
  t.ok(existsSync(`${documents}${at('folder/deep/moved.txt')}`))

  // what one may not read is left out, and not named
  await ask('PUT', at('folder/deep/secret.txt'), { body: 'secret' })
  await ask('MKCOL', at('folder/closed/'))
  await ask('PUT', at('folder/closed/x.txt'), { body: 'x' })
  const copied = await ask('COPY', at('folder/'), { user: 'bob', headers: { destination: `${bobs}copy/` } })
  t.same([...told(copied.body)].map(([href, { status, condition }]) => [href, status, condition]), [[at('folder/'), 403, dav('need-privileges')], [at('folder/deep/'), 403, dav('need-privileges')]])
  t.same((await ask('PROPFIND', `${bobs}copy/deep/`, { user: 'bob', headers: { depth: '1' } })).body.match(/[\w.]+.txt</g), ['moved.txt<'])
  t.notOk(existsSync(`${documents}${bobs}copy/closed`))
  t.same([own(`${bobs}copy`), own(`${bobs}copy/deep`), own(`${bobs}copy/deep`, 'moved.txt')], [undefined, undefined, undefined])
  // and keeps the collection from being removed or moved away
  await grant('folder/deep/moved.txt')
  await ask('ACL', at('folder/deep/'), { body: '<D:acl xmlns:D="DAV:"/>' })
  t.equal(outcome(await ask('DELETE', at('folder/deep/'), { user: 'bob' })), '403 need-privileges')
  await grant('folder/deep/', 'read')
  t.equal(outcome(await ask('DELETE', at('folder/deep/'), { user: 'bob' })), '403 need-privileges', 'unbind on what holds the files')
  await grant('folder/deep/', 'read', 'unbind')
  t.equal(outcome(await ask('DELETE', at('folder/deep/'), { user: 'bob' })), '204')
})

t.test('quota: a copy has to fit', async t => {
  const { ask, go } = await furnished(t, { 'limits.quotaBytes': '3000' })
  await ask('PUT', `${home}folder/big`, { body: 'x'.repeat(1500) })
  t.equal(await go('COPY', 'folder/big', 'folder/big2'), '507 quota-not-exceeded')
  t.equal(await go('COPY', 'folder/', 'more/'), '507 quota-not-exceeded')
  t.equal(await go('COPY', 'folder/', 'more/', { depth: '0' }), '201')
  t.equal(await go('MOVE', 'folder/big', 'more/big'), '201', 'what is moved takes no more')
  t.equal(await go('COPY', 'folder/deep/file.txt', 'more/big'), '204', 'what is replaced makes room')
})

t.test('what cannot be, and where', async t => {
  const { ask, go } = await furnished(t)
  const cases: readonly (readonly [why: string, from: string, to: string, outcome: string])[] = [
    ['no destination', 'calendar/a.ics', '', '400'], ['another server', 'calendar/a.ics', 'https://example.org/a.ics', '502'], ['no URL', 'calendar/a.ics', 'ftp://x', '400'], ['%2F', 'calendar/a.ics', 'calendar/a%2Fb.ics', '400'],
    ['nothing there', 'calendar/none.ics', 'calendar/b.ics', '404'], ['no collection there', 'calendar/a.ics', 'none/a.ics', '409'], ['no home there', 'calendar/a.ics', '/calendars/users/nobody/calendar/a.ics', '403 need-privileges'],
    ['below an event', 'calendar/a.ics', 'calendar/a.ics/b.ics', '409'], ['into the inbox', 'calendar/a.ics', 'inbox/a.ics', '403'], ['over a calendar', 'calendar/a.ics', 'other/', '403'], ['to itself', 'calendar/a.ics', 'calendar/a.ics', '403'],
    ['a dot name', 'calendar/a.ics', 'calendar/.a.ics', '403'], ['outside the homes', 'calendar/a.ics', '/a.ics', '403 need-privileges'], ['the home', '/calendars/users/alice/', 'calendar/b/', '405'],
    ['the inbox', 'inbox/', 'box/', '405'], ['a principal', '/principals/users/alice/', 'calendar/b/', '405'],
    ['to bob', 'calendar/a.ics', '/calendars/users/bob/calendar/a.ics', '403 need-privileges'], ['to nowhere of bob', 'calendar/a.ics', '/calendars/users/bob/none/a.ics', '403 need-privileges'],
    ['from bob', '/calendars/users/bob/calendar/', 'stolen/', '403 need-privileges'], ['from nowhere of bob', '/calendars/users/bob/none/', 'stolen/', '403 need-privileges']
  ]
  for (const [why, from, to, expected] of cases) {
    for (const method of ['COPY', 'MOVE']) t.equal(await go(method, from, to), expected, `${method}: ${why}`)
  }
  t.equal((await ask('GET', `${home}calendar/a.ics`)).status, 200)
  t.equal(xml((await ask('PROPFIND', home, { headers: { depth: '1' } })).body).name, dav('multistatus'))
})
