import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { child, elements, text, type Element } from '../../../server/xml/element.js'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type Answer, type House } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const lockinfo = (scope = 'exclusive', owner = ''): string => `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype>${owner}</D:lockinfo>`
const grant = (...privileges: string[]): string => `<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:grant>${privileges.map(name => `<D:privilege><D:${name}/></D:privilege>`).join('')}</D:grant></D:ace></D:acl>`
const prop = '<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/><D:supportedlock/></D:prop></D:propfind>'

interface Locker extends House {
  /** LOCK; the token without its brackets. */
  readonly take: (path: string, options?: { user?: string, scope?: string, headers?: Record<string, string>, owner?: string }) => Promise<{ answer: Answer, token: string }>
  readonly go: (method: string, path: string, options?: { user?: string, body?: string, headers?: Record<string, string> }) => Promise<string>
}

async function furnished (t: import('tap').Test, options: Parameters<typeof house>[1] = {}): Promise<Locker> {
  const it = await house(t, options)
  for (const path of ['folder/', 'folder/deep/']) await it.ask('MKCOL', home + path)
  for (const path of ['folder/a.txt', 'folder/deep/b.txt']) await it.ask('PUT', home + path, { body: path })
  await it.ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: calendarType })
  const take: Locker['take'] = async (path, { user = 'alice', scope, headers = {}, owner } = {}) => {
    const answer = await it.ask('LOCK', home + path, { user, body: lockinfo(scope, owner), headers })
    return { answer, token: answer.headers['lock-token']?.slice(1, -1) ?? '' }
  }
  const go: Locker['go'] = async (method, path, options = {}) => outcome(await it.ask(method, home + path, options))
  return { ...it, take, go }
}

function locksIn (body: string): Element[] {
  const root = xml(body)
  const discovery = root.name === dav('prop') ? child(root, dav('lockdiscovery')) : [...told(body).values()][0]?.properties.get(dav('lockdiscovery'))?.value
  return discovery === undefined ? [] : elements(discovery, dav('activelock'))
}

function inside (lock: Element | undefined, name: string): string {
  const found = lock === undefined ? undefined : child(lock, `{DAV:}${name}`)
  const href = found === undefined ? undefined : child(found, dav('href'))
  return found === undefined ? '' : href === undefined ? text(found) || elements(found).map(each => each.name).join() : text(href)
}

t.test('what a lock is and what it says', async t => {
  let now = 0
  const { ask, take, go, lines } = await furnished(t, { now: () => now })
  const { answer, token } = await take('folder/', { owner: '<D:owner xml:lang="en">Al <D:href>/principals/x</D:href><b xmlns="x:">bold</b></D:owner>', headers: { timeout: 'Second-100, Infinite' } })
  t.equal(answer.status, 200)
  t.match(answer.headers['lock-token'], /^<urn:uuid:[\da-f-]{36}>$/)
  const [lock, ...others] = locksIn(answer.body)
  t.same(others, [])
  t.same(['locktype', 'lockscope', 'depth', 'timeout', 'locktoken', 'lockroot'].map(name => inside(lock, name)), [dav('write'), dav('exclusive'), 'infinity', 'Second-100', token, `${home}folder/`])
  const owner = lock === undefined ? undefined : child(lock, dav('owner'))
  t.same(owner?.children.map(each => typeof each === 'string' ? each : each.name), ['Al ', dav('href'), '{x:}b'], 'kept as sent')
  t.same(owner?.attributes, { '{http://www.w3.org/XML/1998/namespace}lang': 'en' })
  now = 40_500
  const found = await ask('PROPFIND', `${home}folder/deep/b.txt`, { body: prop, headers: { depth: '0' } })
  const [indirect] = locksIn(found.body)
  t.same([inside(indirect, 'lockroot'), inside(indirect, 'timeout')], [`${home}folder/`, 'Second-60'], 'it holds below, and runs')
  t.same(elements(told(found.body).get(`${home}folder/deep/b.txt`)?.properties.get(dav('supportedlock'))?.value ?? xml('<a/>')).map(entry => elements(entry).map(each => inside(entry, each.name.slice(6))).join()), ['{DAV:}exclusive,{DAV:}write', '{DAV:}shared,{DAV:}write'])
  t.same(locksIn((await ask('PROPFIND', `/calendars/__uids__/00000000-0000-0000-0000-000000000001/folder/a.txt`, { body: prop, headers: { depth: '0' } })).body).map(each => inside(each, 'locktoken')), [token], 'by every name of the home')
  const refreshed = await ask('LOCK', `${home}folder/deep/`, { headers: { if: `(<${token}>)`, depth: '0', timeout: 'Infinite' } })
  t.same([refreshed.status, refreshed.headers['lock-token'], inside(locksIn(refreshed.body)[0], 'timeout'), inside(locksIn(refreshed.body)[0], 'depth')], [200, undefined, 'Second-3600', 'infinity'], 'refreshed from below; the depth stays')
  now += 3600_000
  t.same(locksIn((await ask('PROPFIND', `${home}folder/`, { body: prop, headers: { depth: '0' } })).body), [], 'its time is over')
  t.equal(await go('PUT', 'folder/a.txt', { body: 'x' }), '204')
  t.equal(await go('LOCK', 'folder/', { headers: { if: `(<${token}>)` } }), '412 lock-token-matches-request-uri')
  t.same(lines, [])
})

t.test('what LOCK and UNLOCK refuse', async t => {
  const { take, go } = await furnished(t)
  const { token } = await take('folder/a.txt')
  const cases: readonly (readonly [why: string, method: string, path: string, expected: string, options?: { user?: string, body?: string, headers?: Record<string, string> }])[] = [
    ['a second exclusive lock', 'LOCK', 'folder/a.txt', '423 no-conflicting-lock', { body: lockinfo(), headers: { if: `(<${token}>)` } }], ['a shared one beside it', 'LOCK', 'folder/a.txt', '423 no-conflicting-lock', { body: lockinfo('shared') }],
    ['Depth: 1', 'LOCK', 'folder/', '400', { body: lockinfo(), headers: { depth: '1' } }], ['no XML', 'LOCK', 'folder/', '400', { body: 'x' }], ['another root', 'LOCK', 'folder/', '400', { body: '<D:lock xmlns:D="DAV:"/>' }], ['no scope', 'LOCK', 'folder/', '400', { body: '<D:lockinfo xmlns:D="DAV:"><D:locktype><D:write/></D:locktype></D:lockinfo>' }],
    ['another scope', 'LOCK', 'folder/', '422', { body: lockinfo('local') }], ['another type', 'LOCK', 'folder/', '422', { body: lockinfo().replace('write', 'read') }], ['a long owner', 'LOCK', 'folder/', '413', { body: lockinfo('shared', `<D:owner>${'x'.repeat(5000)}</D:owner>`) }],
    ['If-Match', 'LOCK', 'folder/deep/b.txt', '412', { body: lockinfo(), headers: { 'if-match': '"x"' } }], ['If-None-Match', 'LOCK', 'folder/deep/b.txt', '412', { body: lockinfo(), headers: { 'if-none-match': '*' } }], ['If-Match where nothing is', 'LOCK', 'folder/new', '412', { body: lockinfo(), headers: { 'if-match': '*' } }],
    ['the home', 'LOCK', '', '405', { body: lockinfo() }], ['the inbox', 'LOCK', 'inbox/', '405', { body: lockinfo() }], ['no parent', 'LOCK', 'none/a', '409', { body: lockinfo() }], ['below a file', 'LOCK', 'folder/a.txt/b', '409', { body: lockinfo() }], ['in the inbox', 'LOCK', 'inbox/a.ics', '403', { body: lockinfo() }],
    ['a slash at the end', 'LOCK', 'folder/new/', '405', { body: lockinfo() }], ['a dot name', 'LOCK', 'folder/.new', '403', { body: lockinfo() }], ['a dot name in a calendar', 'LOCK', 'calendar/.new', '403', { body: lockinfo() }],
    ['a refresh without If', 'LOCK', 'folder/a.txt', '400'], ['of another resource', 'LOCK', 'folder/deep/b.txt', '412 lock-token-matches-request-uri', { headers: { if: `<${home}folder/a.txt> (<${token}>)` } }], ['of no lock', 'LOCK', 'folder/a.txt', '412 lock-token-matches-request-uri', { headers: { if: '(<urn:uuid:x>)' } }],
    ['UNLOCK without a token', 'UNLOCK', 'folder/a.txt', '400'], ['a token without brackets', 'UNLOCK', 'folder/a.txt', '400', { headers: { 'lock-token': token } }], ['out of scope', 'UNLOCK', 'folder/deep/b.txt', '409 lock-token-matches-request-uri', { headers: { 'lock-token': `<${token}>` } }],
    ['no such lock', 'UNLOCK', 'folder/a.txt', '409 lock-token-matches-request-uri', { headers: { 'lock-token': '<urn:uuid:x>' } }], ['where nothing is', 'UNLOCK', 'folder/none', '409 lock-token-matches-request-uri', { headers: { 'lock-token': `<${token}>` } }],
    ['an If that does not hold', 'UNLOCK', 'folder/a.txt', '412', { headers: { 'lock-token': `<${token}>`, if: '(["x"])' } }], ['UNLOCK', 'UNLOCK', 'folder/a.txt', '204', { headers: { 'lock-token': `<${token}>` } }], ['twice', 'UNLOCK', 'folder/a.txt', '409 lock-token-matches-request-uri', { headers: { 'lock-token': `<${token}>` } }]
  ]
  for (const [why, method, path, expected, options] of cases) t.equal(await go(method, path, options), expected, `${method}: ${why}`)
})

t.test('a name where nothing is yet', async t => {
  const { ask, take, go, documents } = await furnished(t)
  const made = await take('folder/new.txt')
  t.equal(made.answer.status, 201)
  t.equal(readFileSync(`${documents}${home}folder/new.txt`, 'utf8'), '')
  const got = await ask('GET', `${home}folder/new.txt`)
  t.same([got.status, got.headers['content-length']], [200, '0'])
  t.equal(await go('PUT', 'folder/new.txt', { body: 'x' }), '423 lock-token-submitted')
  t.equal(await go('MKCOL', 'folder/new.txt'), '405')
  t.equal(await go('PUT', 'folder/new.txt', { body: 'x', headers: { if: `(<${made.token}>)` } }), '204')
  t.equal(await go('UNLOCK', 'folder/new.txt', { headers: { 'lock-token': `<${made.token}>` } }), '204')
  t.ok(existsSync(`${documents}${home}folder/new.txt`), 'it stays when the lock goes')

  const reserved = await take('calendar/b.ics', { headers: { depth: '0' } })
  t.equal(reserved.answer.status, 201)
  t.equal(await go('GET', 'calendar/b.ics'), '404', 'no object of a calendar is empty')
  t.notOk(existsSync(`${documents}${home}calendar/b.ics`))
  t.equal(await go('LOCK', 'calendar/b.ics', { body: lockinfo('shared') }), '423 no-conflicting-lock')
  t.equal(await go('PUT', 'calendar/b.ics', { body: event('b'), headers: calendarType }), '423 lock-token-submitted')
  t.equal(await go('MOVE', 'calendar/a.ics', { headers: { destination: `${home}calendar/b.ics` } }), '423 lock-token-submitted')
  t.equal(await go('LOCK', 'calendar/b.ics', { headers: { if: `(<${reserved.token}>)` } }), '200', 'refreshed')
  t.equal(await go('PUT', 'calendar/b.ics', { body: event('b'), headers: { ...calendarType, if: `(<${reserved.token}>)` } }), '201')
  t.equal(await go('PUT', 'calendar/b.ics', { body: event('b', { SUMMARY: 'x' }), headers: calendarType }), '423 lock-token-submitted', 'it is still locked')
  const unused = await take('calendar/c.ics')
  t.equal(await go('UNLOCK', 'calendar/c.ics', { headers: { 'lock-token': `<${unused.token}>` } }), '204')
  t.equal(await go('PUT', 'calendar/c.ics', { body: event('c'), headers: calendarType }), '201')
  const both = await Promise.all([1, 2].map(async () => (await take('folder/once.txt')).answer.status))
  t.same(both.sort(), [201, 423], 'of two at once one gets it')
})

t.test('deep locks: everything or nothing', async t => {
  const { ask, take, go } = await furnished(t)
  const leaf = await take('folder/deep/b.txt', { scope: 'shared' })
  const refused = await take('folder/')
  t.equal(refused.answer.status, 207)
  t.same([...told(refused.answer.body)].map(([href, { status, condition }]) => [href, status, condition]), [
    [`${home}folder/deep/b.txt`, 423, dav('no-conflicting-lock')], [`${home}folder/`, 424, undefined]
  ])
  t.equal(refused.token, '')
  t.equal((await take('folder/', { headers: { depth: '0' } })).answer.status, 200, 'a shallow one is no conflict')
  t.equal((await take('folder/deep/', { scope: 'shared' })).answer.status, 200, 'nor are shared ones')
  t.equal(await go('PUT', 'folder/deep/b.txt', { body: 'x' }), '423 lock-token-submitted')
  t.equal(await go('PUT', 'folder/deep/b.txt', { body: 'x', headers: { if: `(<${leaf.token}>)` } }), '204', 'one of two shared locks is enough')
  t.equal(locksIn((await ask('PROPFIND', `${home}folder/deep/b.txt`, { body: prop, headers: { depth: '0' } })).body).length, 2)
})

t.test('the locks of others', async t => {
  const { ask, take, go } = await furnished(t, { users: ['alice', 'bob', 'carol'] })
  await ask('ACL', `${home}calendar/`, { body: grant('read', 'write') })
  const { token } = await take('calendar/a.ics', { user: 'bob' })
  const own = { ...calendarType, if: `(<${token}>)` }
  t.equal(await go('PUT', 'calendar/a.ics', { body: event('a'), headers: calendarType }), '423 lock-token-submitted', 'not even the owner')
  t.equal(await go('PUT', 'calendar/a.ics', { body: event('a'), headers: own }), '403', 'a token is for its creator alone (RFC 4918 6.4)')
  t.equal(await go('LOCK', 'calendar/a.ics', { headers: { if: `(<${token}>)` } }), '403', 'also to refresh it')
  t.equal(await go('PUT', 'calendar/a.ics', { user: 'bob', body: event('a'), headers: own }), '204')
  t.equal(await go('PUT', 'calendar/a.ics', { user: 'bob', body: event('a'), headers: calendarType }), '423 lock-token-submitted', 'another program of his')
  t.equal(await go('UNLOCK', 'calendar/a.ics', { headers: { 'lock-token': `<${token}>` } }), '204', 'the owner of the home has DAV:unlock')
  const hers = await take('calendar/a.ics')
  t.equal(await go('UNLOCK', 'calendar/a.ics', { user: 'bob', headers: { 'lock-token': `<${hers.token}>` } }), '403 need-privileges', 'DAV:write is not DAV:unlock')
  await ask('ACL', `${home}calendar/`, { body: grant('read', 'unlock') })
  t.equal(await go('UNLOCK', 'calendar/a.ics', { user: 'bob', headers: { 'lock-token': `<${hers.token}>` } }), '204')
  t.equal(await go('LOCK', 'calendar/a.ics', { user: 'bob', body: lockinfo() }), '403 need-privileges', 'write-content (RFC 3744 appendix B)')
  t.equal(await go('LOCK', 'calendar/new.ics', { user: 'bob', body: lockinfo() }), '403 need-privileges', 'bind')
  t.equal(await go('LOCK', 'calendar/a.ics', { user: 'carol', body: lockinfo() }), '403 need-privileges')
  t.equal(outcome(await ask('LOCK', `${home}calendar/a.ics`, { user: undefined, body: lockinfo() })), '401')
  // two who trust each other
  await ask('ACL', `${home}folder/a.txt`, { body: grant('read', 'write') })
  const [one, two] = [await take('folder/a.txt', { scope: 'shared' }), await take('folder/a.txt', { scope: 'shared', user: 'bob' })]
  t.equal(await go('PUT', 'folder/a.txt', { user: 'bob', body: 'b', headers: { if: `(<${two.token}>)` } }), '204')
  t.equal(await go('PUT', 'folder/a.txt', { user: 'bob', body: 'b', headers: { if: `(<${one.token}>)` } }), '403')
  // a deep lock asks about everything below
  await ask('ACL', `${home}folder/`, { body: grant('read', 'write') })
  await ask('ACL', `${home}folder/deep/`, { body: grant('read') })
  for (const { token } of [one, two]) await ask('UNLOCK', `${home}folder/a.txt`, { headers: { 'lock-token': `<${token}>` } })
  const deep = await take('folder/', { user: 'bob' })
  t.same([deep.answer.status, [...told(deep.answer.body)].map(([href, { status, condition }]) => [href, status, condition])], [207, [
    [`${home}folder/deep/`, 403, dav('need-privileges')], [`${home}folder/`, 424, undefined]
  ]], 'what bob may not even read is not named')
})

t.test('an If header of 10 KB is read, one of 64 KB is refused by node itself', async t => {
  const { app } = await furnished(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const status = async (bytes: number): Promise<number | undefined> => await new Promise((resolve, reject) => {
    const asked = request(`${url}${home}folder/a.txt`, { method: 'PUT', headers: { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}`, if: `(<urn:uuid:${'x'.repeat(bytes)}>)` } }, answer => {
      answer.resume().on('end', () => { resolve(answer.statusCode) })
    })
    asked.on('error', reject).end('x')
  })
  t.same([await status(100), await status(10_000), await status(65_536)], [412, 412, 431])
})
