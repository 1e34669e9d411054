import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { apple, caldav, cs, dav, type Name } from '../../server/xml/name.js'
import { elements, text } from '../../server/xml/element.js'
import { house, type Answer, type House } from '../house.js'
import { component, make, multiget, propfindBody, proppatch, query, sync } from './body.js'
import { calendar, event, task } from './event.js'
import { componentsOf, conditionIn, hrefsOf, namesIn, textOf, told, tokenIn, type Told } from './multistatus.js'

// What every client counts on, each rule with the client that goes wrong without it

const principal = '/principals/__uids__/00000000-0000-0000-0000-000000000001/'
const home = '/calendars/users/alice/'
const meeting = event('meeting', '20260105T090000Z', '20260105T100000Z')

const it = await house(t)
let made = 0

/** A calendar for one rule, empty or with the meeting. */
async function newCalendar (...names: readonly string[]): Promise<string> {
  const url = `${home}rule-${++made}/`
  await it.ask('MKCALENDAR', url)
  for (const name of names) await put(it, url + name, meeting)
  return url
}

/** Where the files of a calendar are. */
function onDisk (url: string): string {
  return join(it.documents, url)
}

async function put ({ ask }: House, url: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return await ask('PUT', url, { body, headers: { 'content-type': 'text/calendar; charset=utf-8', ...headers } })
}

async function propfind ({ ask }: House, url: string, depth: string, ...names: readonly Name[]): Promise<Told[]> {
  const answer = await ask('PROPFIND', url, { body: propfindBody(...names), headers: { depth } })
  if (answer.status !== 207) throw new Error(`PROPFIND ${url}: ${answer.status} ${answer.body}`)
  return told(answer.body)
}

const colour = proppatch('<A:calendar-color>#112233FF</A:calendar-color>')

/** The names of the files a 207 lists, in alphabetical order. */
function listed (answers: readonly Told[]): string[] {
  return answers.filter(({ href, status }) => !href.endsWith('/') && status === undefined).map(({ href }) => href.slice(href.lastIndexOf('/') + 1)).sort()
}

/** A request over a socket, since `inject` follows nothing and neither does this. */
async function overSocket (t: Test, { app }: House, method: string, path: string, headers: Record<string, string>, body = ''): Promise<{ status: number, headers: IncomingMessage['headers'], body: string }> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return await new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', piece => { text += piece }).on('end', () => { resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }) })
    })
    sent.on('error', reject).end(body)
  })
}

t.test('1: OPTIONS on every URL, before and after login, says calendar-access', async t => {
  const work = await newCalendar('meeting.ics')
  await it.ask('MKCOL', `${home}folder/`)
  const urls = ['/', '/principals/', '/principals/__uids__/', principal, principal.slice(0, -1), `${principal}calendar-proxy-read/`, '/principals/users/alice/', '/calendars/', '/calendars/users/',
    home, home.slice(0, -1), work, `${home}inbox/`, `${home}outbox/`, `${home}folder/`, `${work}meeting.ics`, `${work}not-there.ics`, '/.well-known/caldav']
  for (const user of ['alice', undefined]) {
    for (const url of urls) {
      const { status, headers } = await it.ask('OPTIONS', url, { user })
      const tokens = (headers['dav'] ?? '').split(',').map(token => token.trim())
      t.equal(status, 200, `OPTIONS ${url} as ${user ?? 'nobody'}`)
      t.ok(['1', '3', 'calendar-access'].every(token => tokens.includes(token)), `DAV of ${url}: ${tokens.join()}`)
      // GNOME Online Accounts would look for contacts here
      t.notOk(tokens.includes('addressbook'), 'no address books')
      if (url !== '/.well-known/caldav') t.match(headers['allow'], user !== undefined && url.includes('not-there') ? /\bPUT\b/ : /\bPROPFIND\b/, `Allow of ${url}`)
    }
  }
  const { status, headers } = await overSocket(t, it, 'OPTIONS', '*', {})
  t.equal(status, 200, 'OPTIONS of the server')
  t.match(headers['dav'], /calendar-access/)
  t.match(headers['allow'], /\bPROPFIND\b/)
})

t.test('2: every answer to every method carries DAV, refusals too', async t => {
  const work = await newCalendar('meeting.ics')
  const requests: readonly (readonly [string, string, number, (string | undefined)?])[] = [
    ['PROPFIND', work, 207], ['PROPPATCH', work, 207, colour], ['REPORT', work, 207, query('')], ['MKCALENDAR', `${home}new/`, 201], ['MKCOL', `${home}other/`, 201],
    ['GET', work, 200], ['HEAD', `${work}meeting.ics`, 200], ['PUT', `${work}broken.ics`, 403, 'nothing'], ['PROPFIND', '/nowhere/', 404], ['REPORT', work, 400, '<unclosed>'],
    ['DELETE', `${work}meeting.ics`, 204], ['PROPFIND', '/calendars/users/bob/', 403]
  ]
  for (const [method, url, status, body] of requests) {
    const answer = await it.ask(method, url, body === undefined ? {} : { body })
    t.equal(answer.status, status, `${method} ${url}`)
    t.match(answer.headers['dav'], /calendar-access/, `DAV after ${method} ${url} ${answer.status}`)
  }
  t.match((await it.ask('PROPFIND', home, { user: undefined })).headers['dav'], /calendar-access/, 'with the challenge')
})

t.test('3: who has not logged in gets a Basic challenge, whatever is there', async t => {
  const work = await newCalendar()
  for (const [method, url] of [['PROPFIND', '/'], ['PROPFIND', principal], ['PROPFIND', home], ['PROPFIND', '/calendars/users/nobody/'], ['PROPFIND', '/nowhere/'], ['GET', '/'], ['HEAD', '/'], ['REPORT', work], ['PUT', `${work}a.ics`]] as const) {
    const { status, headers } = await it.ask(method, url, { user: undefined, body: method === 'PUT' || method === 'REPORT' ? 'x' : '' })
    t.equal(status, 401, `${method} ${url}`)
    t.match([headers['www-authenticate']].flat().join('\n'), /^Basic realm="/m, 'Windows knows no Digest')
  }
  const wrong = await it.ask('PROPFIND', '/', { user: undefined, headers: { authorization: `Basic ${Buffer.from('alice:wrong').toString('base64')}` } })
  t.equal(wrong.status, 401, 'a wrong password')
})

t.test('4: the well-known place leads to a URL that answers PROPFIND, and no other URL is redirected but for browsers', async t => {
  const work = await newCalendar()
  const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`
  for (const method of ['PROPFIND', 'GET', 'HEAD']) {
    for (const url of ['/.well-known/caldav', '/.well-known/caldav/', '/.well-known/caldav?x=1']) {
      for (const headers of [{}, { authorization }]) {
        const answer = await overSocket(t, it, method, url, headers)
        t.ok([301, 302, 307, 308].includes(answer.status), `${method} ${url}: ${answer.status}`)
        const target = new URL(answer.headers.location ?? '', 'http://127.0.0.1/').pathname
        const next = await overSocket(t, it, 'PROPFIND', target, { authorization, depth: '0' }, propfindBody(dav('current-user-principal')))
        t.same(hrefsOf(told(next.body)[0], dav('current-user-principal')), [principal], 'who one is')
      }
    }
  }
  // Thunderbird disables a calendar whose URL redirects
  for (const url of ['/principals', principal, '/calendars', home, work, `${home}inbox/`]) {
    for (const method of ['PROPFIND', 'OPTIONS', 'REPORT']) {
      const { status, headers } = await it.ask(method, url.replace(/\/$/, ''), { headers: { depth: '0' } })
      t.notMatch(String(status), /^3/, `${method} ${url} without its slash: ${status}`)
      t.equal(headers['location'], undefined)
    }
  }
})

t.test('5: every href of a collection ends in a slash, in properties too', async t => {
  const work = await newCalendar('meeting.ics')
  const seen = new Set<string>()
  const visit = async (url: string): Promise<void> => {
    const hrefNames = [dav('owner'), dav('current-user-principal'), dav('principal-URL'), dav('principal-collection-set'), caldav('calendar-home-set'), caldav('schedule-inbox-URL'), caldav('schedule-outbox-URL'), caldav('schedule-default-calendar-URL'), dav('group-membership')]
    for (const one of await propfind(it, url, '1', dav('resourcetype'), ...hrefNames)) {
      const isCollection = namesIn(one, dav('resourcetype')).includes(dav('collection'))
      t.equal(one.href.endsWith('/'), isCollection, one.href)
      for (const name of hrefNames) for (const href of hrefsOf(one, name)) t.ok(href.endsWith('/'), `${name} of ${one.href}: ${href}`)
      if (!isCollection || seen.has(one.href)) continue
      seen.add(one.href)
      await visit(one.href)
    }
  }
  await visit('/')
  await visit(principal)
  await visit(home.slice(0, -1))
  t.ok(seen.has(work) && seen.has(principal) && seen.has(home), 'the walk got there')
  t.equal((await propfind(it, work.slice(0, -1), '0', dav('resourcetype')))[0]?.href, work, 'asked without the slash')
  const changes = await it.ask('REPORT', home, { body: sync('') })
  t.ok(told(changes.body).some(({ href }) => href === work), 'in a sync of the home')
})

t.test('6: an unknown property is a 404 among forty that are answered', async t => {
  const work = await newCalendar('meeting.ics')
  const strange: Name[] = [cs('xmpp-uri'), cs('pushkey'), apple('refreshrate'), '{http://me.com/_namespace/}unknown', '{urn:x}a', '{}bare', dav('resource-id'), ...Array.from({ length: 32 }, (_, n): Name => `{urn:x}p${n}`)]
  for (const url of ['/', '/principals/', principal, home, work, `${home}inbox/`, `${home}outbox/`, `${work}meeting.ics`]) {
    const [one] = await propfind(it, url, '0', dav('resourcetype'), ...strange.filter(name => name !== '{}bare'))
    t.ok(one?.found.has(dav('resourcetype')), `${url} answers what it knows`)
    for (const name of strange.filter(name => name !== '{}bare')) t.equal(one?.others.get(name), 404, `${name} of ${url}`)
  }
  const [bare] = told((await it.ask('PROPFIND', work, { body: '<D:propfind xmlns:D="DAV:"><D:prop><bare/><D:getetag/><D:resourcetype/></D:prop></D:propfind>', headers: { depth: '0' } })).body)
  t.equal(bare?.others.get('{}bare'), 404, 'a name without namespace')
  const report = await it.ask('REPORT', work, { body: query('').replace('<D:getetag/>', '<D:getetag/><x:nothing xmlns:x="urn:x"/>') })
  t.equal(told(report.body)[0]?.others.get('{urn:x}nothing'), 404, 'in reports')
})

t.test('7: a sync-token is a URI, and moves with every change', async t => {
  const work = await newCalendar()
  const tokens = new Set<string>()
  const look = async (url: string): Promise<string> => {
    const [one] = await propfind(it, url, '0', dav('sync-token'), cs('getctag'))
    const token = textOf(one, dav('sync-token'))
    // Evolution throws away a token that has neither
    t.match(token, /[:/]/, url)
    t.doesNotThrow(() => new URL(token))
    t.equal(textOf(one, cs('getctag')), token, 'the ctag sees the same changes')
    return token
  }
  for (const change of [
    async () => {},
    async () => await put(it, `${work}meeting.ics`, meeting),
    async () => await put(it, `${work}meeting.ics`, meeting.replace('SUMMARY:', 'SUMMARY:New ')),
    async () => { writeFileSync(join(onDisk(work), 'byhand.ics'), event('byhand', '20260106T090000Z', '20260106T100000Z')) },
    async () => await it.ask('DELETE', `${work}meeting.ics`)
  ]) {
    await change()
    const token = await look(work)
    t.notOk(tokens.has(token), 'a new one')
    tokens.add(token)
    t.equal(await look(work), token, 'and the same as long as nothing changes')
    t.equal(tokenIn((await it.ask('REPORT', work, { body: sync(token) })).body), token, 'sync-collection gives it too')
  }
  const before = await look(home)
  await put(it, `${work}other.ics`, event('other', '20260107T090000Z', '20260107T100000Z'))
  // iOS does not pull unless the home moves
  t.not(await look(home), before, 'the home moves with its calendars')
  for (const url of [home, `${home}inbox/`, `${home}tasks/`]) await look(url)
})

t.test('8: a sync-token that is not ours is 403 with valid-sync-token, and no refusal has an empty DAV:error', async t => {
  const work = await newCalendar()
  const token = textOf((await propfind(it, work, '0', dav('sync-token')))[0], dav('sync-token'))
  const wrong = ['data:,1', 'http://example.com/sync/4', '0', 'garbage', 'x'.repeat(5000), token.replace(/_\d+$/, '_999999999'), token.replace(',', ',x'), token.replace(/_\d+$/, '_-1'), `${token}0000000000000000000`]
  for (const url of [work, home, `${home}inbox/`]) {
    for (const one of wrong) {
      const { status, body } = await it.ask('REPORT', url, { body: sync(one) })
      t.equal(status, 403, `${url} ${one.slice(0, 60)}`)
      t.equal(conditionIn(body), dav('valid-sync-token'))
    }
  }
  for (const [method, url, body] of [['REPORT', work, sync('data:,1')], ['PUT', `${work}a.ics`, 'x'], ['PROPFIND', '/calendars/users/bob/', ''], ['PROPFIND', '/nowhere', ''], ['REPORT', work, '<D:nothing xmlns:D="DAV:"/>'], ['DELETE', home, ''], ['PROPPATCH', work, ''], ['MKCALENDAR', work, '']] as const) {
    const answer = await it.ask(method, url, { body })
    t.ok(answer.status >= 400, `${method} ${url} ${answer.status}`)
    // Thunderbird takes an empty one for a rate limit
    t.notMatch(answer.body, /<(?:\w+:)?error[^>]*\/>/)
  }
})

t.test('9: a sync that is cut says 507 for the collection and gives a token that continues', async t => {
  const work = await newCalendar()
  const names = Array.from({ length: 7 }, (_, n) => `e${n}.ics`)
  for (const name of names) await put(it, `${work}${name}`, event(name, '20260105T090000Z', '20260105T100000Z'))
  const seen: string[] = []
  let token = ''
  for (let round = 0; round < 10; round++) {
    const { status, body } = await it.ask('REPORT', work, { body: sync(token, { most: 3 }) })
    t.equal(status, 207)
    const answers = told(body)
    const isCut = answers.some(one => one.status === 507)
    seen.push(...listed(answers))
    t.not(tokenIn(body), token, 'the token moves')
    token = tokenIn(body)
    if (!isCut) break
    t.match(answers.filter(({ status }) => status === 507), [{ href: work, errors: [dav('number-of-matches-within-limits')] }], 'for the collection')
  }
  t.same(seen.sort(), names, 'all of it, once')
  t.equal(told((await it.ask('REPORT', work, { body: sync(token) })).body).length, 0, 'and then nothing')
})

t.test('10: the ETag is strong, and the same in PUT, GET, HEAD and every listing', async t => {
  const work = await newCalendar()
  const bytes = meeting.replace('SUMMARY:', 'X-Odd-Case;X-P="a:b":ü\r\nSUMMARY:')
  const made = await put(it, `${work}meeting.ics`, bytes)
  t.equal(made.status, 201)
  const etag = made.headers['etag'] ?? ''
  t.match(etag, /^"[^"]+"$/, 'strong and quoted')
  const got = await it.ask('GET', `${work}meeting.ics`)
  t.equal(got.body, bytes, 'what is stored is what was sent')
  t.equal(got.headers['etag'], etag, 'GET; Tasks.org throws without')
  t.match(got.headers['content-type'], /^text\/calendar/)
  t.equal((await it.ask('HEAD', `${work}meeting.ics`)).headers['etag'], etag, 'HEAD')
  writeFileSync(join(onDisk(work), 'byhand.ics'), event('byhand', '20260106T090000Z', '20260106T100000Z'))
  const listings = [
    await propfind(it, work, '1', dav('getetag')),
    told((await it.ask('REPORT', work, { body: query(component('VEVENT')), headers: { depth: '1' } })).body),
    told((await it.ask('REPORT', work, { body: sync('') })).body),
    told((await it.ask('REPORT', work, { body: multiget([`${work}meeting.ics`, `${work}byhand.ics`]) })).body)
  ]
  for (const answers of listings) {
    // vdirsyncer passes over what has none
    t.same(answers.filter(({ href }) => !href.endsWith('/')).map(one => textOf(one, dav('getetag')) !== ''), [true, true], 'an ETag for each')
    t.equal(textOf(answers.find(({ href }) => href.endsWith('meeting.ics')), dav('getetag')), etag)
  }
  const changed = await put(it, `${work}meeting.ics`, meeting, { 'if-match': etag })
  t.equal(changed.status, 204)
  t.not(changed.headers['etag'], etag)
  t.equal((await put(it, `${work}meeting.ics`, bytes, { 'if-match': etag })).status, 412, 'an ETag that is past')
  t.equal((await it.ask('GET', `${work}meeting.ics`)).body, meeting, 'and nothing was written')
})

t.test('11: a missing right is 403 with need-privileges, whatever was tried', async t => {
  const work = await newCalendar('meeting.ics')
  const [mine] = await propfind(it, work, '0', dav('sync-token'))
  const before = textOf(mine, dav('sync-token'))
  const destination = { destination: '/calendars/users/bob/calendar/stolen.ics' }
  const tries: readonly (readonly [string, string, (string | undefined)?, Record<string, string>?])[] = [
    ['GET', `${work}meeting.ics`], ['HEAD', `${work}meeting.ics`], ['GET', work], ['PROPFIND', home], ['PROPFIND', work], ['PROPFIND', `${work}not-there.ics`], ['PUT', `${work}meeting.ics`, meeting, { 'content-type': 'text/calendar' }],
    ['PUT', `${work}new.ics`, event('new', '20260105T090000Z', '20260105T100000Z'), { 'content-type': 'text/calendar' }], ['DELETE', `${work}meeting.ics`], ['DELETE', work], ['DELETE', `${work}not-there.ics`], ['PROPPATCH', work, colour], ['PROPPATCH', principal, colour], ['MKCALENDAR', `${home}new/`],
    ['MKCOL', `${home}new/`], ['REPORT', work, query('')], ['REPORT', work, sync('')], ['REPORT', work, multiget([`${work}meeting.ics`])], ['COPY', `${work}meeting.ics`, undefined, destination], ['MOVE', `${work}meeting.ics`, undefined, destination],
    ['PUT', '/calendars/users/alice/not-there/a.ics', meeting, { 'content-type': 'text/calendar' }]
  ]
  for (const [method, url, body, headers = {}] of tries) {
    const answer = await it.ask(method, url, { user: 'bob', ...(body === undefined ? {} : { body }), headers })
    t.equal(answer.status, 403, `${method} ${url} as bob`)
    // DAVx5 undoes the local change only when it sees this
    if (method !== 'HEAD') t.equal(conditionIn(answer.body), dav('need-privileges'), `${method} ${url}: ${answer.body.slice(0, 100)}`)
  }
  t.equal(textOf((await propfind(it, work, '0', dav('sync-token')))[0], dav('sync-token')), before, 'and nothing has changed')
  // a query of another calendar in a multiget of one's own
  const [one] = told((await it.ask('REPORT', '/calendars/users/bob/calendar/', { user: 'bob', body: multiget([`${work}meeting.ics`]) })).body)
  t.match(one, { status: 403, errors: [dav('need-privileges')] })
})

t.test('12: an edit of what somebody else has deleted is refused, and can be put anew', async t => {
  const work = await newCalendar()
  const etag = (await put(it, `${work}meeting.ics`, meeting)).headers['etag'] ?? ''
  await it.ask('DELETE', `${work}meeting.ics`)
  t.ok([404, 410, 412].includes((await put(it, `${work}meeting.ics`, meeting, { 'if-match': etag })).status), 'not a 409: nothing is wrong with the place')
  t.equal((await put(it, `${work}meeting.ics`, meeting, { 'if-none-match': '*' })).status, 201)
  t.equal((await put(it, `${work}meeting.ics`, meeting, { 'if-none-match': '*' })).status, 412)
  t.equal((await it.ask('DELETE', `${work}gone.ics`)).status, 404, 'DELETE of what is gone')
  t.equal((await it.ask('DELETE', `${work}meeting.ics`, { headers: { 'if-match': '"old"' } })).status, 412, 'DELETE of what has changed')
})

t.test('13: no Schedule-Tag on what the server does not schedule', async t => {
  const work = await newCalendar()
  const invitation = event('party', '20260105T090000Z', '20260105T100000Z', 'ORGANIZER:mailto:alice@example.com', 'ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.com')
  for (const [name, body] of [['meeting.ics', meeting], ['party.ics', invitation]] as const) {
    const made = await put(it, work + name, body)
    t.equal(made.status, 201)
    t.equal(made.headers['schedule-tag'], undefined, 'DAVx5 would use it in place of the ETag')
    t.equal((await it.ask('GET', work + name)).headers['schedule-tag'], undefined)
    t.equal((await propfind(it, work + name, '0', caldav('schedule-tag')))[0]?.others.get(caldav('schedule-tag')), 404)
  }
})

t.test('14: current-user-privilege-set lists aggregates and their parts', async t => {
  const work = await newCalendar('meeting.ics')
  const privileges = async (url: string): Promise<Name[]> => {
    const [one] = await propfind(it, url, '0', dav('current-user-privilege-set'))
    return elements(one?.found.get(dav('current-user-privilege-set')) ?? { name: '{}x', attributes: {}, children: [] }).flatMap(each => elements(each).map(({ name }) => name))
  }
  for (const url of [home, work, `${work}meeting.ics`]) {
    const found = await privileges(url)
    for (const name of ['all', 'read', 'write', 'write-content', 'write-properties', 'bind', 'unbind', 'read-current-user-privilege-set']) t.ok(found.includes(dav(name)), `${name} on ${url}`)
    t.ok(found.includes(caldav('read-free-busy')))
    t.equal(new Set(found).size, found.length, 'each once')
  }
  const foreign = await privileges('/principals/users/bob/')
  t.ok(foreign.includes(dav('read')), 'principals can be read')
  t.notOk(['all', 'write', 'write-content', 'bind', 'unbind'].some(name => foreign.includes(dav(name))), 'and not written')
})

t.test('15: every calendar says what it takes, and takes only that', async t => {
  mkdirSync(onDisk(`${home}by hand`))
  await it.ask('MKCALENDAR', `${home}plain/`)
  const one = make('C:mkcalendar', '<C:supported-calendar-component-set><C:comp name="VJOURNAL"/></C:supported-calendar-component-set>')
  t.equal((await it.ask('MKCALENDAR', `${home}diary/`, { body: one })).status, 201)
  const calendars = (await propfind(it, home, '1', dav('resourcetype'), caldav('supported-calendar-component-set'))).filter(each => namesIn(each, dav('resourcetype')).includes(caldav('calendar')))
  const sets = Object.fromEntries(calendars.map(each => [each.href.slice(home.length), componentsOf(each)]))
  t.same(sets['calendar/'], ['VEVENT'])
  t.same(sets['tasks/'], ['VTODO'], 'Reminders needs one for tasks alone')
  t.same(sets['diary/'], ['VJOURNAL'])
  for (const name of ['by%20hand/', 'plain/']) t.ok(['VEVENT', 'VTODO', 'VJOURNAL'].every(type => sets[name]?.includes(type)), `${name} takes everything`)
  const refused = await put(it, `${home}calendar/task.ics`, task('task'))
  t.equal(refused.status, 403)
  t.equal(conditionIn(refused.body), caldav('supported-calendar-component'))
  t.equal((await put(it, `${home}tasks/task.ics`, task('task'))).status, 201)
})

t.test('16: the home set has one href, on the principal and wherever clients begin', async t => {
  const it = await house(t, { accounts: '[users.carol]\nguid = "c"\npassword = "plain:carol"\nproxies = ["users/alice"]\n' })
  for (const url of [principal, '/principals/users/alice/', '/', '/principals/', home]) {
    t.same(hrefsOf((await propfind(it, url, '0', caldav('calendar-home-set')))[0], caldav('calendar-home-set')), [home], url)
  }
  t.same(hrefsOf((await propfind(it, '/principals/users/bob/', '0', caldav('calendar-home-set')))[0], caldav('calendar-home-set')), ['/calendars/users/bob/'], 'that of the principal that was asked')
})

t.test('17: a resource holds one UID, and a UID is in one resource', async t => {
  const work = await newCalendar()
  const twice = calendar(...['a', 'b'].flatMap(uid => ['BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20260101T000000Z', 'DTSTART:20260105T090000Z', 'END:VEVENT']))
  const refused = await put(it, `${work}twice.ics`, twice)
  t.equal(refused.status, 403)
  t.equal(conditionIn(refused.body), caldav('valid-calendar-object-resource'))
  await put(it, `${work}meeting.ics`, meeting)
  const again = await put(it, `${work}again.ics`, meeting)
  t.equal(again.status, 403)
  t.equal(conditionIn(again.body), caldav('no-uid-conflict'))
  // a file made by hand is not given to clients that cannot read it, nor hidden as a deletion of others
  const directory = onDisk(work)
  writeFileSync(join(directory, 'twice.ics'), twice)
  const listings = [
    await propfind(it, work, '1', dav('getetag')),
    told((await it.ask('REPORT', work, { body: query(component('VEVENT')), headers: { depth: '1' } })).body),
    told((await it.ask('REPORT', work, { body: sync('') })).body)
  ]
  for (const answers of listings) t.same(listed(answers), ['meeting.ics'])
  t.equal(readFileSync(join(directory, 'twice.ics'), 'utf8'), twice, 'the file is as it was')
  t.ok(it.lines.some(line => line.includes('twice.ics')), 'and the log names it')
})

t.test('18: Depth is forgiven where clients send anything', async t => {
  const work = await newCalendar('meeting.ics')
  const all = query(component('VEVENT'))
  for (const [depth, agent] of [['0', 'MSFT-WIN-3/10.0.19041'], ['1', 'Thunderbird'], ['infinity', 'x'], [undefined, 'iCal']] as const) {
    const headers = { 'user-agent': agent, ...(depth === undefined ? {} : { depth }) }
    for (const body of [all, multiget([`${work}meeting.ics`]), sync('')]) {
      const answer = await it.ask('REPORT', work, { body, headers })
      t.equal(answer.status, 207)
      t.same(listed(told(answer.body)), ['meeting.ics'], `Depth ${depth ?? 'missing'}: ${body.slice(1, 20)}`)
    }
  }
})

t.test('19: MKCALENDAR with a resourcetype makes that type', async t => {
  const subscription = '<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set><D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype><D:displayname>Holidays</D:displayname>' +
    '<CS:source><D:href>webcal://example.com/holidays.ics</D:href></CS:source><A:refreshrate>P1W</A:refreshrate><A:calendar-color symbolic-color="blue">#1BADF8FF</A:calendar-color><A:calendar-order>7</A:calendar-order><CS:subscribed-strip-alarms/>'
  const mkcalendar = await it.ask('MKCALENDAR', `${home}holidays/`, { body: make('C:mkcalendar', subscription) })
  t.equal(mkcalendar.status, 201, mkcalendar.body)
  const mkcol = await it.ask('MKCOL', `${home}older/`, { body: make('D:mkcol', subscription) })
  t.equal(mkcol.status, 201, mkcol.body)
  for (const name of ['holidays/', 'older/']) {
    const [one] = await propfind(it, home + name, '0', dav('resourcetype'), cs('source'), dav('displayname'), apple('calendar-color'), apple('refreshrate'), cs('subscribed-strip-alarms'), apple('calendar-order'))
    t.same(namesIn(one, dav('resourcetype')), [dav('collection'), cs('subscribed')])
    t.same(hrefsOf(one, cs('source')), ['webcal://example.com/holidays.ics'])
    t.same([textOf(one, dav('displayname')), textOf(one, apple('calendar-color')), textOf(one, apple('refreshrate')), textOf(one, apple('calendar-order'))], ['Holidays', '#1BADF8FF', 'P1W', '7'])
    t.ok(one?.found.has(cs('subscribed-strip-alarms')))
    t.equal((await it.ask('DELETE', home + name)).status, 204, 'and it can be removed')
  }
})

t.test('20: PROPPATCH keeps attributes and carriage returns', async t => {
  const work = await newCalendar()
  const zone = calendar('BEGIN:VTIMEZONE', 'TZID:Europe/Berlin', 'BEGIN:STANDARD', 'DTSTART:19961027T030000', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'END:STANDARD',
    'BEGIN:DAYLIGHT', 'DTSTART:19810329T020000', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'END:DAYLIGHT', 'END:VTIMEZONE')
  const body = proppatch(`<A:calendar-color symbolic-color="custom">#FD8208FF</A:calendar-color><C:calendar-timezone>${zone.replaceAll('\r\n', '&#13;\n')}</C:calendar-timezone>`)
  const answer = await it.ask('PROPPATCH', work, { body })
  t.equal(answer.status, 207)
  t.same([...told(answer.body)[0]?.found.keys() ?? []], [apple('calendar-color'), caldav('calendar-timezone')])
  const [one] = await propfind(it, work, '0', apple('calendar-color'), caldav('calendar-timezone'))
  t.equal(one?.found.get(apple('calendar-color'))?.attributes['symbolic-color'], 'custom')
  t.equal(textOf(one, apple('calendar-color')), '#FD8208FF')
  const kept = one?.found.get(caldav('calendar-timezone'))
  t.equal(kept === undefined ? '' : text(kept), zone, 'CRLF and all')
})
