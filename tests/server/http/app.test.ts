import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { makeApp } from '../../../server/http/app.js'
import { AccessLog } from '../../../server/http/access-log.js'
import { Login } from '../../../server/directory/login.js'
import { Sudoers } from '../../../server/directory/sudoers.js'
import { Answers } from '../../../server/property/answer.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`

/** Bytes over a socket as they are, and all that comes back until the server closes or `enough`. */
async function raw ({ app }: House, request: string | Buffer, enough: (answer: string) => boolean = () => false): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let answer = ''
  socket.on('data', data => {
    answer += data.toString()
    if (enough(answer)) socket.destroy()
  })
  socket.on('error', () => {})
  socket.write(request)
  await once(socket, 'close')
  return answer
}

const line = (answer: string): string => answer.slice(0, answer.indexOf('\r\n'))
const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`

t.test('who has not logged in', async t => {
  const { ask, lines } = await house(t)
  for (const method of ['PROPFIND', 'GET', 'HEAD', 'PUT', 'DELETE', 'REPORT', 'MKCALENDAR', 'MKCOL', 'COPY', 'MOVE', 'PROPPATCH', 'POST', 'UNLINK']) {
    for (const url of ['/', calendar, '/nothing']) {
      const answer = await ask(method, url, { user: undefined })
      t.same([answer.status, [answer.headers['www-authenticate']].flat().at(-1)], [401, 'Basic realm="test", charset="UTF-8"'], `${method} ${url}`)
    }
  }
  for (const [why, given] of Object.entries({
    'a wrong password': `Basic ${Buffer.from('alice:bob').toString('base64')}`, nobody: `Basic ${Buffer.from('eve:eve').toString('base64')}`, 'no colon': `Basic ${Buffer.from('alice').toString('base64')}`,
    'no base64': 'Basic !!!', nothing: 'Basic', 'another scheme': 'Bearer x', empty: '', NUL: `Basic ${Buffer.from('alice\0:alice').toString('base64')}`, long: `Basic ${Buffer.from(`alice:${'x'.repeat(5000)}`).toString('base64')}`
  })) t.equal((await ask('PROPFIND', '/', { user: undefined, headers: { authorization: given } })).status, 401, why)
  for (const url of ['/', calendar, '/calendars/users/nobody/', '/principals/users/alice/']) {
    const answer = await ask('OPTIONS', url, { user: undefined })
    t.same([answer.status, answer.headers['content-length']], [200, '0'], url)
    t.match(answer.headers['dav'], /calendar-access/)
    t.match(answer.headers['allow'], /PROPFIND/)
  }
  for (const method of ['GET', 'PROPFIND', 'HEAD']) {
    const answer = await ask(method, '/.well-known/caldav', { user: undefined })
    t.same([answer.status, answer.headers['location']], [301, 'http://localhost/'], method)
  }
  t.match((await ask('OPTIONS', '/.well-known/caldav', { user: undefined })).headers['dav'], /calendar-access/, 'GNOME asks so')
  t.equal((await ask('GET', '/.well-known/carddav')).status, 404)
  const health = await ask('GET', '/health', { user: undefined })
  t.same([health.status, health.body], [200, 'ok\n'])
  t.equal((await ask('POST', '/health', { user: undefined })).status, 401)
  t.same(lines, [])
})

t.test('methods: unknown 501, not for this 405 with Allow, every answer with DAV', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const method of ['SEARCH', 'PATCH', 'TRACE', 'MKACTIVITY']) t.equal((await ask(method, calendar)).status, 501, method)
  for (const [method, url] of [['DELETE', home], ['DELETE', '/'], ['PUT', calendar], ['COPY', home], ['MOVE', '/principals/'], ['MKCOL', calendar]] as const) {
    const answer = await ask(method, url, { headers: { destination: `${home}x/` } })
    t.equal(answer.status, 405, `${method} ${url}`)
    t.match(answer.headers['allow'], /^OPTIONS, GET, HEAD/)
    t.notOk(answer.headers['allow']?.split(', ').includes(method))
  }
  for (const [method, url] of [['GET', '/nothing'], ['PROPFIND', '/calendars/x/'], ['DELETE', `${calendar}none`], ['PROPPATCH', `${calendar}none`], ['REPORT', `${calendar}none`], ['COPY', `${calendar}none`]] as const) {
    const answer = await ask(method, url, { body: '<a/>', headers: { destination: `${home}x/` } })
    t.equal(answer.status, 404, method)
    t.match(answer.headers['dav'], /calendar-access/)
    t.ok(answer.body.length > 0, 'a line for people')
  }
  t.equal((await ask('GET', `${calendar}a.ics?query=1`)).status, 200, 'a query is passed over')
  t.equal((await ask('PROPFIND', calendar, { headers: { 'content-type': ';;;' }, body: '<propfind xmlns="DAV:"><prop/></propfind>' })).status, 415, 'a malformed media type is none of XML')
})

t.test('bodies that are not taken', async t => {
  const { ask, documents, lines } = await house(t, { settings: { 'limits.bodyBytes': '3000000', 'limits.resourceBytes': '2000000', 'limits.xmlBytes': '1000000' } })
  const find = '<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'
  for (const method of ['PROPFIND', 'PROPPATCH', 'REPORT', 'MKCALENDAR']) {
    const url = method === 'MKCALENDAR' ? `${home}new/` : calendar
    for (const [why, body, expected] of [
      ['broken', '<a><b></a>', '400'], ['no XML', 'hello', '400'], ['two roots', '<a/><a/>', '400'], ['an undeclared prefix', '<x:a/>', '400'], ['DOCTYPE', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', '403 no-external-entities'],
      ['entities', '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>', '403 no-external-entities'], ['20,000 nested', `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`, '413'], ['over the XML limit', `<a>${'x'.repeat(1_100_000)}</a>`, '413'],
      ['over any limit', 'x'.repeat(3_100_000), '413'], ['NUL', '<a>\0</a>', '400'], ['no UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]), '400']
    ] as const) t.equal(outcome(await ask(method, url, { body: body as string | Buffer })), expected, `${method}: ${why}`)
    for (const type of ['image/png', 'application/json', 'multipart/form-data; boundary=x']) t.equal((await ask(method, url, { body: find, headers: { 'content-type': type } })).status, 415, `${method} ${type}`)
  }
  for (const type of ['application/xml', 'text/xml; charset=UTF-8', 'application/davx+xml', 'text/plain', 'application/octet-stream']) t.equal((await ask('PROPFIND', calendar, { body: find, headers: { 'content-type': type, depth: '0' } })).status, 207, type)
  t.equal(outcome(await ask('PUT', `${calendar}a.ics`, { body: 'x'.repeat(2_100_000), headers: calendarType })), '403 max-resource-size')
  t.equal(outcome(await ask('PUT', `${calendar}a.ics`, { body: 'x'.repeat(3_100_000), headers: calendarType })), '403 max-resource-size')
  t.equal(outcome(await ask('PROPFIND', calendar, { body: find, headers: { 'content-encoding': 'gzip' } })), '415')
  t.equal((await ask('PROPFIND', `${home}new/`)).status, 404)
  t.ok(documents)
  t.same(lines, [])
})

t.test('over the wire: paths as they are, HTTP that is none, a body that stops', async t => {
  const it = await house(t)
  await it.ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  for (const [target, status] of [
    [`${calendar}../calendar/a.ics`, 400], [`${calendar}%2e%2e/calendar/a.ics`, 400], [`${calendar}./a.ics`, 400], [`${calendar}..%2f..%2fetc/passwd`, 400], [`${calendar}a%00.ics`, 400], [`${calendar}%zz`, 400], [`${calendar}\xff`, 400],
    [`http://x${calendar}a.ics`, 200], [`${calendar}a.ics`, 200], ['/../../etc/passwd', 400], ['//etc/passwd', 400], [`/${'a/'.repeat(1500)}`, 404], [`/${'a'.repeat(5000)}`, 414], ['*', 200]
  ] as const) t.equal(line(await raw(it, Buffer.from(get(target), 'latin1'))).slice(9, 12), String(status), target.slice(0, 60))
  for (const [why, request, expected] of [
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /], ['a method that node does not know', `SCHEDULE / HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 400 /],
    ['two hosts', `GET ${calendar} HTTP/1.1\r\nHost: x\r\nHost: y\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 400 [^]*the header host is there 2 times/],
    ['two logins', `GET ${calendar} HTTP/1.1\r\nHost: x\r\nauthorization: ${authorization}\r\nAuthorization: Basic eDp5\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 400 [^]*the header authorization is there 2 times/],
    ['no login', `GET ${calendar} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 401 [^]*\r\nwww-authenticate: Digest [^\r]*\r\n(?:[^\r]*\r\n)*?www-authenticate: Basic [^\r]*\r\n/],
    ['endless headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /], ['two lengths', 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', /^HTTP\/1\.1 400 /]
  ] as const) t.match(await raw(it, request), expected, why)
  const half = `PUT ${calendar}half.ics HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: text/calendar\r\nContent-Length: 1000\r\n\r\nBEGIN:VCALENDAR\r\n`
  const socket = connect((it.app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(half)
  await new Promise(resolve => setTimeout(resolve, 50))
  socket.destroy()
  await new Promise(resolve => setTimeout(resolve, 50))
  t.equal((await it.ask('GET', `${calendar}half.ics`)).status, 404, 'half a body is stored by nobody')
  const chunked = `PUT ${calendar}b.ics HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: text/calendar\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${event('b').length.toString(16)}\r\n${event('b')}\r\n0\r\n\r\n`
  t.match(await raw(it, chunked), /^HTTP\/1\.1 201 /, 'chunked, as macOS sends')
  t.equal((await it.ask('GET', `${calendar}b.ics`)).body, event('b'))
  const expect = `PUT ${calendar}c.ics HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: text/calendar\r\nExpect: 100-continue\r\nContent-Length: ${event('c').length}\r\nConnection: close\r\n\r\n${event('c')}`
  t.match(await raw(it, expect), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /)
  t.same(it.lines, [])
})

t.test('a long answer comes in pieces; one that fails breaks off, and before its first piece it is an error', async t => {
  const it = await house(t)
  await it.ask('PROPFIND', home)
  for (let number = 0; number < 1300; number++) writeFileSync(`${it.documents}${calendar}${number}.ics`, event(`uid-${number}`))
  const find = `PROPFIND ${calendar} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nDepth: 1\r\nConnection: close\r\n\r\n`
  const whole = await raw(it, find)
  t.match(whole, /^HTTP\/1\.1 207 Multi-Status\r\n/)
  t.match(whole.slice(0, 2000), /transfer-encoding: chunked/i)
  t.ok(whole.endsWith('</D:multistatus>\r\n0\r\n\r\n'))
  t.equal(told((await it.ask('PROPFIND', calendar, { headers: { depth: '1' } })).body).size, 1301)

  const { of } = Answers.prototype
  t.teardown(() => { Answers.prototype.of = of })
  const failingAt = (count: number): void => {
    let left = count
    Answers.prototype.of = function (resource) {
      if (--left < 0) throw new Error('a fault of ours')
      return of.call(this, resource)
    }
  }
  failingAt(1100)
  const broken = await raw(it, find)
  t.match(broken, /^HTTP\/1\.1 207 /)
  t.notOk(broken.endsWith('0\r\n\r\n'), 'the client sees that it is not whole')
  t.match(it.lines.splice(0).join(), /PROPFIND .*broke off: Error: a fault of ours/)
  failingAt(5)
  const early = await it.ask('PROPFIND', calendar, { headers: { depth: '1' } })
  t.same([early.status, early.headers['content-type']], [500, 'text/plain; charset=utf-8'])
  t.notMatch(early.body, /fault of ours/, 'nothing of it is told to the client')
  t.match(it.lines.splice(0).join(), /a fault of ours/)
  Answers.prototype.of = of
  // a client that goes away in the middle does no harm
  await raw(it, find, answer => answer.length > 10_000)
  t.equal((await it.ask('PROPFIND', calendar, { headers: { depth: '0' } })).status, 207)
  t.same(it.lines, [])
})

t.test('a server that is not ready says so, and its access log has one line a request', async t => {
  const { site, store, documents } = await house(t)
  const log = `${documents}/access.log`
  const access = new AccessLog(log)
  let isReady = false
  const app = makeApp({ site, access, isReady: () => isReady, isStopping: () => false, tlsPort: () => undefined, sudoers: new Sudoers({ file: () => undefined, log: site.log, now: Date.now }), login: new Login({ directory: site.directory, realm: 'test', cacheSeconds: 300, now: Date.now }) })
  t.teardown(async () => { await app.close() })
  const health = await app.inject('/health')
  t.same([health.statusCode, health.headers['retry-after']], [503, '1'])
  isReady = true
  t.equal((await app.inject('/health')).statusCode, 200)
  await app.inject({ url: calendar, headers: { authorization, 'user-agent': 'a "quoted"\tagent' } })
  await app.inject({ url: '/nothing%20here' })
  access.close()
  await new Promise(resolve => setTimeout(resolve, 100))
  const { readFileSync } = await import('node:fs')
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  t.equal(lines.length, 4)
  t.match(lines[2], /^127\.0\.0\.1 - alice \[\d\d\/[A-Z][a-z]{2}\/\d{4}:[\d:]{8} \+0000\] "GET \/calendars\/users\/alice\/calendar\/ HTTP\/1\.1" 200 \S+ "-" "a %22quoted%22%09agent" t=[\d.]+$/)
  t.match(lines[3], / - - \[.*"GET \/nothing%20here HTTP\/1\.1" 401 /)
  t.ok(store)
})
