import t from 'tap'
import { existsSync, readdirSync } from 'node:fs'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const lockinfo = '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
const update = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:mine xmlns:x="x:">1</x:mine></D:prop></D:set></D:propertyupdate>'
const acl = '<D:acl xmlns:D="DAV:"/>'

interface Locker extends House {
  readonly take: (path: string, depth?: string) => Promise<string>
  readonly go: (method: string, path: string, options?: { body?: string, to?: string | undefined, headers?: Record<string, string> }) => Promise<string>
}

async function furnish (ask: House['ask'], place: string): Promise<void> {
  for (const path of ['', 'f/', 'f/deep/', 'g/', 'g/deep/']) await ask('MKCOL', place + path)
  for (const path of ['f/a', 'f/deep/b', 'g/a', 'g/deep/b']) await ask('PUT', place + path, { body: path })
  await ask('MKCALENDAR', `${place}calendar/`)
  await ask('PUT', `${place}calendar/a.ics`, { body: event('a'), headers: calendarType })
}

async function furnished (t: import('tap').Test, settings: Record<string, string> = {}): Promise<Locker> {
  const it = await house(t, { settings })
  await furnish(it.ask, home)
  const take: Locker['take'] = async (path, depth = '0') => (await it.ask('LOCK', home + path, { body: lockinfo, headers: { depth } })).headers['lock-token'] ?? ''
  const go: Locker['go'] = async (method, path, { to, headers = {}, ...rest } = {}) => outcome(await it.ask(method, home + path, { ...rest, headers: { ...headers, ...to === undefined ? {} : { destination: home + to } } }))
  return { ...it, take, go }
}

t.test('what needs the token of which lock', async t => {
  const unlocked = '423 lock-token-submitted'
  const put = { body: 'x' }
  const cases: readonly (readonly [locked: string, depth: string, method: string, path: string, options: { body?: string, to?: string }, without: string, submitted: string])[] = [
    ['f/a', '0', 'PUT', 'f/a', put, unlocked, '204'], ['f/a', '0', 'PROPPATCH', 'f/a', { body: update }, unlocked, '207'], ['f/a', '0', 'ACL', 'f/a', { body: acl }, unlocked, '200'],
    ['f/a', '0', 'DELETE', 'f/a', {}, unlocked, '204'], ['f/a', '0', 'MOVE', 'f/a', { to: 'f/c' }, unlocked, '201'], ['f/a', '0', 'COPY', 'f/a', { to: 'f/c' }, '201', '204'],
    ['f/a', '0', 'COPY', 'g/a', { to: 'f/a' }, unlocked, '204'], ['f/a', '0', 'MOVE', 'g/a', { to: 'f/a' }, unlocked, '204'], ['f/a', '0', 'GET', 'f/a', {}, '200', '200'],
    // a collection: its properties and which members it has, not what they hold (7.4)
    ['f/', '0', 'PUT', 'f/a', put, '204', '204'], ['f/', '0', 'PUT', 'f/new', put, unlocked, '201'], ['f/', '0', 'PROPPATCH', 'f/', { body: update }, unlocked, '207'], ['f/', '0', 'PROPPATCH', 'f/a', { body: update }, '207', '207'],
    ['f/', '0', 'DELETE', 'f/a', {}, unlocked, '204'], ['f/', '0', 'MKCOL', 'f/new/', {}, unlocked, '201'], ['f/', '0', 'MKCALENDAR', 'f/new/', {}, unlocked, '201'], ['f/', '0', 'MOVE', 'f/a', { to: 'g/c' }, unlocked, '201'],
    ['f/', '0', 'MOVE', 'g/a', { to: 'f/c' }, unlocked, '201'], ['f/', '0', 'COPY', 'g/a', { to: 'f/c' }, unlocked, '201'], ['f/', '0', 'COPY', 'g/a', { to: 'f/a' }, '204', '204'], ['f/', '0', 'MOVE', 'g/a', { to: 'f/a' }, unlocked, '204'],
    ['f/', '0', 'LOCK', 'f/new', { body: lockinfo }, unlocked, '201'], ['f/', '0', 'PUT', 'f/deep/new', put, '201', '204'], ['f/', '0', 'DELETE', 'f/', {}, unlocked, '204'], ['f/', '0', 'COPY', 'g/deep/', { to: 'f/deep/' }, unlocked, '204'],
    // with all that is below
    ['f/', 'infinity', 'PUT', 'f/a', put, unlocked, '204'], ['f/', 'infinity', 'PUT', 'f/deep/b', put, unlocked, '204'], ['f/', 'infinity', 'PUT', 'f/deep/new', put, unlocked, '201'], ['f/', 'infinity', 'DELETE', 'f/deep/', {}, unlocked, '204'],
    ['f/', 'infinity', 'MOVE', 'f/deep/', { to: 'f/deeper/' }, unlocked, '201'], ['f/', 'infinity', 'COPY', 'g/a', { to: 'f/deep/b' }, unlocked, '204'], ['f/', 'infinity', 'COPY', 'f/', { to: 'h/' }, '201', '204'],
    // what is below a collection that goes: everything or nothing, and said which
    ['f/deep/b', '0', 'DELETE', 'f/', {}, '207', '204'], ['f/deep/b', '0', 'MOVE', 'f/', { to: 'h/' }, '207', '201'], ['f/deep/b', '0', 'COPY', 'g/', { to: 'f/' }, '207', '204'], ['f/deep/b', '0', 'MOVE', 'g/', { to: 'f/' }, '207', '204'],
    ['f/deep/b', '0', 'COPY', 'g/a', { to: 'f/deep' }, '207', '204'], ['f/deep/b', '0', 'PROPPATCH', 'f/', { body: update }, '207', '207'],
    ['calendar/a.ics', '0', 'PUT', 'calendar/a.ics', { body: event('a') }, unlocked, '204'], ['calendar/', 'infinity', 'PUT', 'calendar/b.ics', { body: event('b') }, unlocked, '201'], ['calendar/', '0', 'MOVE', 'calendar/a.ics', { to: 'calendar/b.ics' }, unlocked, '201']
  ]
  const { ask } = await house(t)
  for (const [number, [locked, depth, method, path, options, without, submitted]] of cases.entries()) {
    const place = `${home}${number}/`
    await furnish(ask, place)
    const token = (await ask('LOCK', place + locked, { body: lockinfo, headers: { depth } })).headers['lock-token'] ?? ''
    const go = async (headers: Record<string, string>): Promise<string> => outcome(await ask(method, place + path, {
      ...options.body === undefined ? {} : { body: options.body }, headers: { ...headers, ...options.to === undefined ? {} : { destination: place + options.to } }
    }))
    const what = `${locked} locked with Depth ${depth}: ${method} ${path}${options.to === undefined ? '' : ` to ${options.to}`}`
    t.equal(await go({}), without, `${what}, no token`)
    t.equal(await go({ if: `<${place}${locked}> (${token})` }), submitted, `${what}, with it`)
    await ask('DELETE', place, { headers: { if: `(${token}) (Not <DAV:no-lock>)` } })
  }
})

t.test('a 207 names what is locked, and nothing was done', async t => {
  const { ask, take, documents } = await furnished(t)
  await take('f/deep/b')
  await take('f/a')
  for (const [method, path, to] of [['DELETE', 'f/'], ['MOVE', 'f/', 'h/'], ['COPY', 'g/', 'f/'], ['MOVE', 'g/', 'f/']] as const) {
    const answer = await ask(method, home + path, { headers: to === undefined ? {} : { destination: home + to } })
    t.same([...told(answer.body)].map(([href, { status, condition }]) => [href, status, condition]).sort(), [
      [`${home}f/a`, 423, '{DAV:}lock-token-submitted'], [`${home}f/deep/b`, 423, '{DAV:}lock-token-submitted']
    ], `${method} ${path}`)
  }
  for (const path of ['f/a', 'f/deep/b', 'g/a', 'g/deep/b']) t.equal((await ask('GET', home + path)).body, path)
  t.notOk(existsSync(`${documents}${home}h`))
})

t.test('locks end with what they are on, and do not go along', async t => {
  const { take, go, site } = await furnished(t)
  const tokens = [await take('f/a'), await take('f/deep/b')]
  const submit = { if: `<${home}f/a> (${tokens[0] ?? ''}) <${home}f/deep/b> (${tokens[1] ?? ''})` }
  t.equal(await go('MOVE', 'f/', { to: 'h/', headers: submit }), '201')
  t.ok(site.locks.isEmpty, 'neither moved nor left')
  t.equal(await go('PUT', 'h/a', { body: 'x' }), '204')
  const file = await take('h/a')
  t.equal(await go('COPY', 'h/a', { to: 'h/c' }), '201')
  t.equal(await go('PUT', 'h/c', { body: 'x' }), '204', 'no lock was copied')
  t.equal(await go('DELETE', 'h/a', { headers: { if: `(${file})` } }), '204')
  t.ok(site.locks.isEmpty)
  const [root, leaf] = [await take('g/'), await take('g/a')]
  const both = { if: `<${home}g/> (${root}) <${home}g/a> (${leaf})` }
  t.equal(await go('COPY', 'h/', { to: 'g/', headers: both }), '204')
  t.equal(site.locks.below('calendars/users/alice').length, 1, 'what is replaced stays locked (7.6), what was below it does not')
  t.equal(await go('PUT', 'g/a', { body: 'x' }), '423 lock-token-submitted', 'which is not there any more')
})

t.test('If: tokens, etags and Not, about the resource and others', async t => {
  const { ask, take, go } = await furnished(t)
  const token = await take('f/', 'infinity')
  const etag = (await ask('GET', `${home}f/a`)).headers['etag'] ?? ''
  const cases: readonly (readonly [why: string, header: string, expected: string])[] = [
    ['the token', `(${token})`, '204'], ['token and etag', `(${token} [ETAG])`, '204'], ['another etag', `(${token} ["x"])`, '412'], ['not that etag', `(${token} Not ["x"])`, '204'], ['not the token', `(Not ${token})`, '412'],
    ['no lock', '(<DAV:no-lock>)', '412'], ['the token wherever it stands', `(<DAV:no-lock> ${token}) (Not <DAV:no-lock>)`, '204'], ['nothing submitted', '(Not <DAV:no-lock>)', '423 lock-token-submitted'], ['one of two lists', `(["x"]) (${token})`, '204'],
    ['the collection', `<${home}f/> (${token})`, '204'], ['a relative reference', `<../f/> (${token})`, '400'], ['an absolute URI', `<http://localhost:80${home}f/deep/b> (${token})`, '204'], ['by another name of the home', `</calendars/__uids__/00000000-0000-0000-0000-000000000001/f/> (${token})`, '204'],
    ['what is not locked', `<${home}g/> (${token})`, '412'], ['where nothing is', `<${home}f/none> (${token})`, '412'], ['where nothing is, not', `<${home}f/none> (Not ${token})`, '204'], ['another server', `<http://example.org/> (${token})`, '412'],
    ['the home of somebody else', `</calendars/users/bob/calendar/> (${token})`, '412'], ['not the etag of another', `<${home}g/a> (Not [ETAG]) (${token} ["x"])`, '204'], ['no grammar', `${token}`, '400']
  ]
  for (const [why, header, expected] of cases) {
    const now = (await ask('GET', `${home}f/a`)).headers['etag'] ?? etag
    const outcome = await go('PUT', 'f/a', { body: why, headers: { if: header.replace('ETAG', now) } })
    t.equal(outcome, expected, why)
  }
  t.equal((await ask('GET', `${home}f/a`, { headers: { if: '(<DAV:no-lock>)' } })).status, 412, 'for reading too')
})

t.test('a lock taken while a body is written counts', async t => {
  const { go, site, documents, ask } = await furnished(t, { 'data.fsync': 'true' })
  const lockWhileWriting = async (method: string, path: string, options: { body?: string, to?: string }): Promise<string> => {
    const answered = go(method, path, options)
    while (readdirSync(`${documents}/.drafts`).length === 0) await new Promise(resolve => setImmediate(resolve))
    const place = `calendars/users/alice/${options.to ?? path}`.replace(/\/$/, '')
    const lock = site.locks.take({ place, segments: place.split('/'), href: `/${place}`, scope: 'exclusive', deep: false, owner: undefined, creator: 'bob' }, 60)
    const result = await answered
    site.locks.release(lock)
    return result
  }
  t.equal(await lockWhileWriting('PUT', 'f/a', { body: 'x' }), '423 lock-token-submitted')
  t.equal(await lockWhileWriting('PUT', 'f/new', { body: 'x' }), '423 lock-token-submitted')
  t.equal(await lockWhileWriting('COPY', 'f/a', { to: 'g/a' }), '423 lock-token-submitted')
  t.equal(await lockWhileWriting('COPY', 'f/', { to: 'h/' }), '423 lock-token-submitted')
  t.equal(await lockWhileWriting('MKCOL', 'i/', { to: 'i/' }), '423 lock-token-submitted')
  t.same((await Promise.all(['f/a', 'g/a', 'f/new', 'h/', 'i/'].map(async path => await ask('GET', home + path)))).map(({ status, body }) => status === 200 ? body : status), ['f/a', 'g/a', 404, 404, 404])
  t.same(readdirSync(`${documents}/.drafts`), [])
})
