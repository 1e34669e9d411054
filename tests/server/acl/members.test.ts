import t, { type Test } from 'tap'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type Answer, type House } from '../../house.js'
import { outcome, syncTokenIn, told } from '../../multistatus.js'
import { ace, ns, person, share } from './share.js'

// What lies in a collection one may read, and may itself not be read, is told of by nobody.

const home = '/calendars/users/alice/'
const work = `${home}work/`
const byGuid = '/calendars/__uids__/00000000-0000-0000-0000-000000000001/work/'
const bobs = '/calendars/users/bob/calendar/'
const at = (hour: string): Record<string, string> => ({ DTSTART: `20260310T${hour}0000Z` })

/** alice's calendar for bob to read, but for one event of it. */
async function half (t: Test, more: readonly string[] = ['<D:read/>']): Promise<House> {
  const built = await house(t, { settings: { 'access.busy': 'false' } })
  const { ask } = built
  await ask('MKCALENDAR', work)
  await ask('PUT', `${work}open.ics`, { body: event('open', at('09')), headers: calendarType })
  await ask('PUT', `${work}secret.ics`, { body: event('secret', at('14')), headers: calendarType })
  t.equal((await share(ask, work, [ace(person('users/bob'), more)])).status, 200)
  t.equal((await share(ask, `${work}secret.ics`, [ace(person('users/bob'), ['<D:all/>'], 'deny')])).status, 200)
  return built
}

const names = (answer: Answer): string[] => [...told(answer.body).keys()].map(href => href.replace(/^.*\/(?=.)/, '')).sort()

t.test('reports and listings leave it out', async t => {
  const { ask, lines } = await half(t)
  const report = async (user: string, body: string, url = work): Promise<Answer> => await ask('REPORT', url, { user, body, headers: { depth: '1', 'content-type': 'application/xml' } })
  const query = `<C:calendar-query ${ns}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`
  const sync = (token: string): string => `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/><C:calendar-data/></D:prop></D:sync-collection>`
  const multiget = (base: string): string => `<C:calendar-multiget ${ns}><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>${base}open.ics</D:href><D:href>${base}secret.ics</D:href></C:calendar-multiget>`
  const busy = `<C:free-busy-query ${ns}><C:time-range start="20260310T000000Z" end="20260311T000000Z"/></C:free-busy-query>`
  for (const [user, seen] of [['alice', ['open.ics', 'secret.ics']], ['bob', ['open.ics']]] as const) {
    t.same(names(await report(user, query)), seen, `${user}: calendar-query`)
    for (const depth of ['1', 'infinity']) {
      const listing = await ask('PROPFIND', work, { user, headers: { depth } })
      t.same(names(listing), [...seen, 'work/'], `${user}: PROPFIND ${depth}`)
    }
    t.same(names(await report(user, sync(''))), seen, `${user}: sync-collection`)
    for (const base of [work, byGuid]) {
      const many = told((await report(user, multiget(base))).body)
      t.equal(many.get(`${base}open.ics`)?.properties.get(dav('getetag'))?.status, 200)
      t.equal(many.get(`${base}secret.ics`)?.status, user === 'alice' ? undefined : 404, `${user}: calendar-multiget`)
    }
    const feed = await ask('GET', work, { user })
    t.match(feed.body, 'UID:open')
    t.equal(feed.body.includes('secret'), user === 'alice', `${user}: GET of the calendar`)
    const periods = (await report(user, busy)).body.match(/FREEBUSY.*\r\n/g)?.join('') ?? ''
    t.match(periods, '20260310T090000Z')
    t.equal(periods.includes('20260310T140000Z'), user === 'alice', `${user}: free-busy-query`)
  }
  for (const method of ['GET', 'HEAD', 'DELETE', 'PROPFIND']) t.equal((await ask(method, `${work}secret.ics`, { user: 'bob' })).status, 404, method)
  t.same(lines, [])
})

t.test('a change of it is no news', async t => {
  const { ask } = await half(t)
  const sync = async (token: string): Promise<Answer> => await ask('REPORT', work, {
    user: 'bob', body: `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`, headers: { 'content-type': 'application/xml' }
  })
  const token = syncTokenIn((await sync('')).body)
  await ask('PUT', `${work}secret.ics`, { body: event('secret', { ...at('14'), SUMMARY: 'changed' }), headers: calendarType })
  t.same(names(await sync(token)), [])
  await ask('PUT', `${work}open.ics`, { body: event('open', { ...at('09'), SUMMARY: 'changed' }), headers: calendarType })
  t.same(names(await sync(token)), ['open.ics'])
})

t.test('collections below one that may be read, by their own lists', async t => {
  const { ask } = await house(t, { settings: { 'access.busy': 'false' } })
  const shelf = `${home}shelf/`
  await ask('MKCOL', shelf)
  for (const name of ['given', 'kept']) {
    await ask('MKCALENDAR', `${shelf}${name}/`)
    await ask('PUT', `${shelf}${name}/a.ics`, { body: event(name), headers: calendarType })
  }
  await ask('PUT', `${shelf}note.txt`, { body: 'x' })
  const bob = [ace(person('users/bob'), ['<D:read/>'])]
  await share(ask, shelf, bob)
  await share(ask, `${shelf}given/`, bob)
  const listing = async (url: string, depth: string): Promise<string[]> => [...told((await ask('PROPFIND', url, { user: 'bob', headers: { depth } })).body).keys()].sort()
  t.same(await listing(shelf, '1'), [shelf, `${shelf}given/`], 'the list of a folder is its own: not its files’')
  t.same(await listing(shelf, 'infinity'), [shelf, `${shelf}given/`, `${shelf}given/a.ics`])
  t.equal(outcome(await ask('PROPFIND', home, { user: 'bob', headers: { depth: 'infinity' } })), '403 need-privileges', 'what is given lies in a home that is not')
  const sync = await ask('REPORT', shelf, { user: 'bob', body: `<D:sync-collection ${ns}><D:sync-token/><D:sync-level>infinite</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`, headers: { 'content-type': 'application/xml' } })
  t.same([...told(sync.body).keys()].sort(), [`${shelf}given/`, `${shelf}given/a.ics`])
  for (const path of ['kept/', 'kept/a.ics', 'note.txt', 'none.txt']) t.equal((await ask('GET', shelf + path, { user: 'bob' })).status, 403, path)
})

t.test('COPY and MOVE', async t => {
  const { ask } = await half(t)
  const as = async (method: string, url: string, destination: string): Promise<string> => outcome(await ask(method, url, { user: 'bob', headers: { destination } }))
  t.equal(await as('COPY', `${work}secret.ics`, `${bobs}secret.ics`), '404', 'as if it were not there')
  t.equal(await as('COPY', `${work}none.ics`, `${bobs}secret.ics`), '404')
  t.equal(await as('COPY', `${work}open.ics`, `${bobs}open.ics`), '201', 'out of what may be read into what may be written')
  t.equal(await as('MOVE', `${work}open.ics`, `${bobs}moved.ics`), '403 need-privileges', 'out of what one may not unbind')
  t.equal(await as('MOVE', `${bobs}open.ics`, `${work}back.ics`), '403 need-privileges', 'into what one may not bind')
  t.equal((await ask('GET', `${work}open.ics`)).status, 200)
  t.equal((await ask('GET', `${bobs}open.ics`, { user: 'bob' })).status, 200)
  const copied = await ask('COPY', work, { user: 'bob', headers: { destination: '/calendars/users/bob/copied/' } })
  t.equal(copied.status, 207, 'a part of it could not be copied')
  t.notMatch(copied.body, 'secret')
  t.same(names(await ask('PROPFIND', '/calendars/users/bob/copied/', { user: 'bob', headers: { depth: '1' } })), ['copied/', 'open.ics'])
})

t.test('what is not to be removed keeps its place', async t => {
  const { ask } = await half(t, ['<D:read/>', '<D:write/>'])
  await share(ask, `${work}open.ics`, [ace(person('users/bob'), ['<D:unbind/>', '<D:write-content/>'], 'deny')])
  t.equal((await ask('PUT', `${work}open.ics`, { user: 'bob', body: event('open', { SUMMARY: 'bob' }), headers: calendarType })).status, 403)
  t.equal((await ask('PUT', `${work}new.ics`, { user: 'bob', body: event('new'), headers: calendarType })).status, 201)
  t.equal((await ask('DELETE', work, { user: 'bob' })).status, 403, 'the calendar lies in a home that is not given')
  t.equal((await ask('GET', `${work}open.ics`)).body, event('open', at('09')))
})

t.test('a list goes with what is moved, and not with what is copied (RFC 3744 7.3, 7.4)', async t => {
  const { ask } = await half(t)
  const list = async (url: string): Promise<string> => (await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:acl/></D:prop></D:propfind>` })).body
  const reads = async (url: string): Promise<number> => (await ask('GET', url, { user: 'bob' })).status
  for (const [method, url, to] of [['COPY', `${work}secret.ics`, `${home}calendar/secret.ics`], ['COPY', work, `${home}copied/`]] as const) {
    t.equal((await ask(method, url, { headers: { destination: to } })).status, 201)
    t.notMatch(await list(to), '00000000-0000-0000-0000-000000000002/</D:href></D:principal>', `${url} is copied`)
    t.equal(await reads(to), 403)
  }
  t.notMatch(await list(`${home}copied/secret.ics`), 'deny')
  t.equal((await ask('MOVE', work, { headers: { destination: `${home}moved/` } })).status, 201)
  t.equal(await reads(`${home}moved/open.ics`), 200)
  t.equal(await reads(`${home}moved/secret.ics`), 404)
  t.equal(await reads(`${work}open.ics`), 403)
  t.equal((await ask('MOVE', `${home}moved/secret.ics`, { headers: { destination: `${home}moved/renamed.ics` } })).status, 201)
  t.equal(await reads(`${home}moved/renamed.ics`), 404)
  t.match(await list(`${home}moved/renamed.ics`), /<D:deny>/)
})

t.test('an event that is given back comes with the next sync', async t => {
  const { ask } = await half(t)
  const sync = async (token: string): Promise<{ token: string, names: string[] }> => {
    const { body } = await ask('REPORT', work, { user: 'bob', body: `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`, headers: { 'content-type': 'application/xml' } })
    return { token: /<D:sync-token>([^<]*)/.exec(body)?.[1] ?? '', names: [...told(body).keys()] }
  }
  const first = await sync('')
  t.notOk(first.names.includes(`${work}secret.ics`))
  await share(ask, `${work}secret.ics`, [])
  t.same((await sync(first.token)).names, [`${work}secret.ics`])
})
