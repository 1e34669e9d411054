import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { clients, ProbeError, probeServer, type Order, type Report } from '../../../server/admin/probe/probe.js'
import { challengesIn } from '../../../server/admin/probe/login.js'
import { bounds } from '../../../server/admin/probe/wire.js'
import { probe, type ProbeOptions } from '../../../server/cli/probe.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'

const credentials = { user: 'alice', password: 'alice' }
const home = '/calendars/users/alice/'

/** A house with two events that listens. @returns its origin as well */
async function listening (t: Test): Promise<House & { readonly origin: string }> {
  const it = await house(t)
  for (const name of ['one', 'two']) t.equal((await it.ask('PUT', `${home}calendar/${name}.ics`, { headers: calendarType, body: event(name) })).status, 201)
  await it.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...it, origin: `http://127.0.0.1:${(it.app.server.address() as AddressInfo).port}` }
}

async function bound (t: Test, server: Server): Promise<string> {
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => { server.close(resolve) })
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Passed { method: string, url: string, headers: Record<string, string | string[] | undefined>, body: string }
interface Back { status: number, headers: Record<string, string | string[] | undefined>, body: string }

/** What a proxy does to requests, and to answers; what `ask` returns is the answer at once. */
interface Fault {
  readonly ask?: (passed: Passed) => Partial<Back> | undefined
  readonly answer?: (back: Back, asked: Passed) => void
}

/** Something in front of a server. */
function proxy (target: string, { ask, answer }: Fault): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    void (async () => {
      const asked: Passed = { method: request.method ?? '', url: request.url ?? '', headers: { ...request.headers }, body: await whole(request) }
      const send = ({ status = 200, headers = {}, body = '' }: Partial<Back>): void => {
        const { 'content-length': _length, 'transfer-encoding': _coding, ...rest } = headers
        response.writeHead(status, Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Record<string, string>)
        response.end(body)
      }
      const early = ask?.(asked)
      if (early !== undefined) return send(early)
      const passed = httpRequest(`${target}${asked.url}`, { method: asked.method, headers: { ...asked.headers, 'content-length': Buffer.byteLength(asked.body) } }, got => {
        void whole(got).then(body => {
          const back: Back = { status: got.statusCode ?? 0, headers: { ...got.headers }, body }
          answer?.(back, asked)
          send(back)
        })
      })
      passed.end(asked.body)
    })()
  }
}

async function whole (message: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

const look = async (url: string, more: Partial<Order> = {}): Promise<Report> => await probeServer({ url: new URL(url), credentials, ...more })

/** Client → verdict. */
const verdicts = ({ clients }: Report): Record<string, string> => Object.fromEntries(clients.map(({ client, verdict }) => [client, verdict]))
const all = (verdict: string, others: Record<string, string> = {}): Record<string, string> => ({ ...Object.fromEntries(clients.map(({ name }) => [name, verdict])), ...others })
const problems = ({ clients, findings }: Report): string => [...findings, ...clients.flatMap(one => one.findings)].map(({ problem, advice }) => `${problem} | ${advice}`).join('\n')

const it = await listening(t)

t.test('our own server is clean, reading and writing', async t => {
  const before = readdirSync(join(it.documents, home))
  const report = await look(`${it.origin}/`)
  t.same([verdicts(report), problems(report)], [all('works'), ''])
  t.same(readdirSync(join(it.documents, home)).sort(), before.sort(), 'and nothing was written')
  const methods = new Set<string>()
  const secrets: string[] = []
  const writing = await look(`${it.origin}/`, {
    writes: true, tell: ({ sent, received }) => {
      methods.add(/^\w+/.exec(sent)?.[0] ?? '')
      secrets.push(sent, received)
    }
  })
  t.same([verdicts(writing), problems(writing)], [all('works'), ''])
  t.same([...methods].sort(), ['DELETE', 'GET', 'MKCALENDAR', 'MOVE', 'OPTIONS', 'PROPFIND', 'PROPPATCH', 'PUT', 'REPORT'])
  t.same(readdirSync(join(it.documents, home)).sort(), before.sort(), 'and what was written is removed')
  t.notMatch(secrets.join('\n'), Buffer.from('alice:alice').toString('base64'), 'the password is not shown')
  t.match(secrets.join('\n'), 'authorization: Basic (hidden)')
  for (const path of [home, `${home}calendar/`, '/principals/users/alice/']) t.same(verdicts(await look(it.origin + path)), all('works'), `typed as ${path}`)
})

t.test('Digest', async t => {
  const host = await bound(t, createServer(proxy(it.origin, {
    ask: ({ headers }) => String(headers['authorization']).startsWith('Basic') ? { status: 403 } : undefined,
    answer: ({ headers }) => { if (headers['www-authenticate'] !== undefined) headers['www-authenticate'] = String(headers['www-authenticate']).replace(/, Basic .*/, '') }
  })))
  const sent: string[] = []
  const report = await look(`http://${host}/`, { tell: exchange => { sent.push(exchange.sent) } })
  t.same(verdicts(report), all('works'))
  t.ok(sent.filter(text => text.includes('authorization: Digest (hidden)')).length > 30)
  t.match(problems(report), /^only Digest is offered: /)
  await t.rejects(look(`http://${host}/`, { credentials: { user: 'alice', password: 'wrong' } }), { name: 'ProbeError', message: /does not accept the password of alice/ })
  t.same(challengesIn(['Negotiate, Digest realm="a, \\"b\\"", qop="auth,auth-int", nonce=x', 'Basic realm="c"']).map(({ scheme, parameters }) => [scheme, ...parameters]),
    [['negotiate'], ['digest', ['realm', 'a, "b"'], ['qop', 'auth,auth-int'], ['nonce', 'x']], ['basic', ['realm', 'c']]])
})

const page = { status: 405, headers: { 'content-type': 'text/html', 'server': 'nginx/1.24.0' }, body: '<html><center>405 Not Allowed</center></html>' }
const isXml = ({ headers }: Back): boolean => String(headers['content-type']).includes('xml')
const swap = (from: RegExp | string, to: string) => (back: Back): void => { if (isXml(back)) back.body = back.body.replaceAll(from, to) }

/** Why, what is done to requests and answers, what that does to whom, what is said. */
const faults: readonly (readonly [why: string, fault: Fault, verdicts: Record<string, string>, says: RegExp, path?: string])[] = [
  ['the DAV header is taken away', { answer: back => { delete back.headers['dav'] } }, all('works', { DAVx5: 'fails', Apple: 'fails', Evolution: 'fails' }), /the DAV header is missing: it is taken for a server without calendars/],
  ['the web server answers OPTIONS', { ask: ({ method }) => method === 'OPTIONS' ? { status: 405, headers: page.headers, body: page.body } : undefined }, all('works', { DAVx5: 'fails', Apple: 'fails', Thunderbird: 'fails', Evolution: 'fails' }), /OPTIONS is not allowed here \| the web server in front/],
  ['401 without a challenge', { answer: back => { delete back.headers['www-authenticate'] } }, all('works', { Apple: 'fails', Thunderbird: 'fails', KDE: 'fails' }), /a 401 without WWW-Authenticate/],
  ['tokens without a colon', {
    ask: asked => { asked.body = asked.body.replace(/sync-token>plain-/, 'sync-token>data:,'); return undefined }, answer: swap('sync-token>data:,', 'sync-token>plain-')
  }, all('works', { Evolution: 'fails' }), /the sync token has neither : nor \/ in it \(plain-/],
  ['a proxy that cuts off a path', {
    ask: asked => {
      if (!asked.url.startsWith('/dav/')) return { ...page, status: 404 }
      asked.url = asked.url.slice('/dav'.length)
      return undefined
    }
  }, all('fails'), /the server was asked at \/dav\/ but speaks of itself as \/: its links lead past the proxy/, '/dav/'],
  ['a server that does not know its name', { answer: swap('href>/', 'href>http://localhost:8008/') }, all('fails'), /begin with http:\/\/localhost:8008, but the server is http:\/\/127.0.0.1:\d+ for clients \| tell the server its name outside/],
  ['only the principal by its inner name', { answer: swap(/(<D:current-user-principal><D:href>)\//g, '$1http://caldav.internal/') }, all('fails'), /the href of current-user-principal leads to http:\/\/caldav.internal/],
  ['a web server without PROPFIND', { ask: () => page }, all('fails'), /PROPFIND is not allowed here .*\| the web server in front has to pass all methods/],
  ['a login page', { ask: () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html>Log in</html>' }) }, all('fails'), /a web page answers, not a CalDAV server/],
  ['nobody behind the proxy', { ask: () => ({ ...page, status: 502 }) }, all('fails'), /the proxy does not reach the CalDAV server/],
  ['a public principal', {
    ask: ({ headers, method, url }) => headers['authorization'] === undefined && method === 'PROPFIND' ? { status: 207, headers: { 'content-type': 'application/xml' }, body: `<multistatus xmlns="DAV:"><response><href>${url}</href><propstat><prop><current-user-principal><unauthenticated/></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>` } : undefined
  }, all('works', { Apple: 'fails', Thunderbird: 'fails', KDE: 'fails' }), /answered as nobody \(DAV:unauthenticated\)/],
  ['XML by another name', { answer: back => { if (isXml(back)) back.headers['content-type'] = 'text/plain' } }, all('remarks', { Evolution: 'fails' }), /XML is sent as text\/plain/],
  ['events by another name', { answer: swap(/text\/calendar/g, 'application/octet-stream') }, all('works', { Thunderbird: 'fails' }), /has the type application\/octet-stream.*: it is passed over/],
  ['no getctag', { answer: swap(/CS:getctag>/g, 'CS:other>') }, all('works', { KDE: 'fails' }), /a calendar has no getctag/],
  ['a relative home', { answer: swap(`calendar-home-set><D:href>${home}`, `calendar-home-set><D:href>../../../calendars/users/alice/`) }, all('works', { KDE: 'fails' }), /the href of the home is relative/],
  ['no ETags in lists', { answer: (back, { method, body }) => { if (method !== 'REPORT' || !body.includes('multiget')) swap(/D:getetag>/g, 'D:other>')(back) } }, all('fails'), /is listed without getetag/],
  ['weak ETags', { answer: swap(/getetag>"/g, 'getetag>W/"') }, all('remarks'), /has a weak ETag/],
  ['a multiget that loses one', { answer: (back, { body }) => { if (body.includes('multiget')) back.body = back.body.replace(/<D:response><D:href>[^<]*one\.ics.*?<\/D:response>/s, '') } }, all('fails'), /of 2 events that were asked for by calendar-multiget, 1 did not come \(.*one\.ics\)/],
  ['a token error that says nothing', { answer: (back, { body }) => { if (body.includes('never-given') && isXml(back)) back.body = '<error xmlns="DAV:"/>' } }, all('works', { DAVx5: 'remarks', Evolution: 'remarks' }), /a sync token that is not known any more is answered with 403/],
  ['a calendar that moves', {
    ask: ({ method, url, headers }) => method === 'PROPFIND' && url.endsWith('/calendar/') && String(headers['user-agent']).includes('Thunderbird') ? { status: 301, headers: { location: url.replace(/\/$/, '') } } : undefined
  }, all('works', { Thunderbird: 'remarks' }), /is redirected to .*: the user is asked/],
  ['no well-known path', { ask: ({ url }) => url.startsWith('/.well-known') ? { ...page, status: 404 } : undefined }, all('works'), /^\/\.well-known\/caldav: there is nothing at .* \| let the web server redirect it/],
  ['a well-known path that is seen with GET', { ask: ({ url }) => url.startsWith('/.well-known') ? { status: 303, headers: { location: '/' } } : undefined }, all('works'), /is a 303, after which clients ask with GET/],
  ['a clock two hours behind', { answer: back => { back.headers['date'] = new Date(Date.now() - 7_200_000).toUTCString() } }, all('works'), /7\d{3} s apart: it is behind/],
  ['Depth is lost', { ask: asked => { if (asked.method === 'PROPFIND' && asked.headers['depth'] === '0' && asked.url === home) asked.headers['depth'] = '1'; return undefined } }, all('works', { Apple: 'remarks' }), /Depth: 0 was asked, and what lies deeper came as well/],
  ['no home', { answer: swap(/C:calendar-home-set>/g, 'C:other>') }, all('fails'), /the principal names no calendar-home-set/],
  ['broken XML', { answer: back => { if (back.status === 207) back.body = back.body.slice(0, -5) } }, all('fails'), /is no XML of WebDAV/]
]

for (const [why, fault, expected, says, path = '/'] of faults) {
  t.test(why, async t => {
    const host = await bound(t, createServer(proxy(it.origin, fault)))
    const report = await look(`http://${host}${path}`)
    t.same(verdicts(report), expected, problems(report))
    t.match(problems(report), says)
    const wordless = [...report.findings, ...report.clients.flatMap(({ findings }) => findings)].filter(({ problem, advice }) => problem === '' || advice === '')
    t.same(wordless, [], 'each finding says what to do')
  })
}

t.test('what goes wrong in writing, and is cleaned up', async t => {
  const before = readdirSync(join(it.documents, home)).sort()
  for (const [why, fault, expected, says] of [
    ['If-Match is not passed on', { ask: asked => { delete asked.headers['if-match']; return undefined } }, all('remarks'), /a change of an older state is not refused \(204 instead of 412\)/],
    ['If-Match never holds', { ask: asked => asked.method === 'PUT' && asked.headers['if-match'] !== undefined ? { status: 412 } : undefined }, all('fails'), /a change with If-Match and the ETag that was just told is refused \(412\)/],
    ['MOVE to a name that is not known', { ask: asked => { if (asked.method === 'MOVE') asked.headers['destination'] = 'http://elsewhere.invalid/x.ics'; return undefined } }, all('works', { Apple: 'remarks', KDE: 'remarks' }), /an event cannot be moved to another calendar \(502\)/],
    ['PUT is forbidden', { ask: asked => asked.method === 'PUT' ? { ...page, status: 403 } : undefined }, all('fails'), /a web server forbids it before the CalDAV server sees it/],
    ['no calendar can be made', { ask: asked => asked.method.startsWith('MKC') ? { ...page } : undefined }, all('works'), /no calendar can be made, so writing was not tried/]
  ] as const satisfies readonly (readonly [string, Fault, Record<string, string>, RegExp])[]) {
    const host = await bound(t, createServer(proxy(it.origin, fault as Fault)))
    const report = await look(`http://${host}/`, { writes: true })
    t.same(verdicts(report), expected, `${why}: ${problems(report)}`)
    t.match(problems(report), says, why)
    t.same(readdirSync(join(it.documents, home)).sort(), before, `${why}: nothing stays`)
  }
  const host = await bound(t, createServer(proxy(it.origin, { ask: asked => asked.method === 'DELETE' && asked.url.endsWith('/') ? { ...page, status: 403 } : undefined })))
  t.match(problems(await look(`http://${host}/`, { writes: true })), /could not be removed \| remove it by hand: http:.*\/caldavd-doctor-\w+\//)
})

t.test('an empty account', async t => {
  const host = await bound(t, createServer(proxy(it.origin, { answer: swap(/<C:calendar\/>/g, '') })))
  t.same(verdicts(await look(`http://${host}/`)), all('fails', { DAVx5: 'remarks', Apple: 'remarks', vdirsyncer: 'remarks' }))
})

t.test('a hostile server', async t => {
  const small = { ...bounds, bytes: 100_000, milliseconds: 300, altogether: 60_000 }
  const cases: readonly (readonly [string, (request: IncomingMessage, response: ServerResponse) => void, RegExp])[] = [
    ['never answers', () => {}, /no whole answer within 0\.3 seconds/],
    ['never ends', (_, response) => {
      response.writeHead(207, { 'content-type': 'application/xml' })
      const timer = setInterval(() => { response.write(' ') }, 20)
      response.on('close', () => { clearInterval(timer) })
    }, /no whole answer within/],
    ['sends without end', (_, response) => {
      response.writeHead(207)
      const pour = (): void => { while (!response.destroyed && response.write(Buffer.alloc(65_536))); }
      response.on('drain', pour)
      pour()
    }, /the answer is longer than 0\.\d+ MB/],
    ['turns in circles', (request, response) => { response.writeHead(302, { location: `${request.url ?? ''}x` }).end() }, /more than 10 redirects/],
    ['is no web server', (request) => { request.socket.end('220 mail.example.org ESMTP\r\n') }, /does not answer in HTTP/]
  ]
  for (const [why, serve, says] of cases) {
    const host = await bound(t, createServer(serve))
    await t.rejects(look(`http://${host}/`, { bounds: small }), { name: 'ProbeError', message: says }, why)
  }
  const deep = '<a>'.repeat(5000)
  const host = await bound(t, createServer((request, response) => {
    response.writeHead(request.headers.authorization === undefined ? 401 : 207, { 'www-authenticate': 'Basic realm="x"', 'content-type': 'application/xml' }).end(deep)
  }))
  t.same(verdicts(await look(`http://${host}/`)), all('fails'), 'elements in elements')
  await t.rejects(look(`http://${host}/`, { bounds: { ...small, altogether: 0 } }), ProbeError, 'time altogether')
})

t.test('the password goes to no other host', async t => {
  const heard: (string | undefined)[] = []
  const other = await bound(t, createServer((request, response) => {
    heard.push(request.headers.authorization)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="other"' }).end()
  }))
  const elsewhere = `http://${other.replace('127.0.0.1', 'localhost')}/`
  const host = await bound(t, createServer(proxy(it.origin, { ask: ({ url }) => url === '/' ? undefined : { status: 302, headers: { location: elsewhere } } })))
  const report = await look(`http://${host}/`)
  t.same(verdicts(report), all('fails'))
  t.match(problems(report), new RegExp(`the way leads to another host, localhost:\\d+, which gets no password from here \\| if that is meant, look at it itself: caldavd doctor ${elsewhere}`))
  t.ok(heard.length > 0)
  t.same([...new Set(heard)], [undefined])
})

t.test('certificates', async t => {
  const directory = t.testdir()
  const certify = (name: string, host: string): { cert: Buffer, key: Buffer } => {
    const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '90', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { cert: readFileSync(cert), key: readFileSync(key) }
  }
  const mine = certify('mine', 'localhost')
  const heard: (string | undefined)[] = []
  const forward = proxy(it.origin, { ask: asked => { heard.push(asked.headers['authorization'] as string | undefined); return undefined }, answer: back => { if (back.headers['location'] !== undefined) back.headers['location'] = '/' } })
  const port = (await bound(t, createTls(mine, forward) as unknown as Server)).split(':')[1] ?? ''
  const url = `https://localhost:${port}/`
  const refused = await look(url)
  t.same(verdicts(refused), all('fails'))
  t.match(problems(refused), /the certificate is signed by itself; DAVx5 asks the user, or refuses \| .*--insecure/)
  t.match(problems(refused), /signed by itself; vdirsyncer refuses/)
  t.same(heard, [], 'nothing was sent')
  t.same(verdicts(await look(url, { isCareless: true })), all('remarks', { vdirsyncer: 'fails' }), 'and with --insecure the others go on')
  const trusted = await look(url, { ca: [mine.cert.toString()] })
  t.same([verdicts(trusted), problems(trusted)], [all('works'), ''], 'clean with --ca')
  t.match(trusted.facts, [/^Certificate: localhost, by localhost, until \d{4}-\d\d-\d\d \(TLSv1\.3\)$/])
  const day = 86_400_000
  t.match(problems(await look(url, { ca: [mine.cert.toString()], now: () => Date.now() + 80 * day })), /^the certificate expires on \d{4}-\d\d-\d\d, in \d days/)
  t.match(problems(await look(url, { ca: [mine.cert.toString()], now: () => Date.now() + 91 * day })), /the certificate has expired on/)
  t.match(problems(await look(url, { ca: [mine.cert.toString()], now: () => Date.now() - day })), /is not valid before/)
  t.match(problems(await look(url.replace('localhost', '127.0.0.1'), { ca: [mine.cert.toString()] })), /the certificate is for localhost, not for 127\.0\.0\.1/)

  // an authority of its own, and the certificate between left out
  const ssl = (...words: string[]): void => { execFileSync('openssl', words, { cwd: directory, stdio: 'ignore' }) }
  certify('root', 'A root')
  for (const [name, issuer, is] of [['between', 'root', 'CA:TRUE'], ['leaf', 'between', 'CA:FALSE']] as const) {
    writeFileSync(join(directory, `${name}.ext`), `basicConstraints=${is}\nsubjectAltName=DNS:localhost\n`)
    ssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    ssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-set_serial', '7', '-days', '90', '-extfile', `${name}.ext`, '-out', `${name}.crt`)
  }
  const file = (name: string): string => readFileSync(join(directory, name), 'utf8')
  const half = await bound(t, createTls({ cert: file('leaf.crt'), key: file('leaf.key') }, forward) as unknown as Server)
  t.match(problems(await look(`https://localhost:${half.split(':')[1] ?? ''}/`, { ca: [file('root.crt')] })), /does not send the certificate between; .*\| send the whole chain \(fullchain\.pem/)
  const full = await bound(t, createTls({ cert: file('leaf.crt') + file('between.crt'), key: file('leaf.key') }, forward) as unknown as Server)
  t.same(verdicts(await look(`https://localhost:${full.split(':')[1] ?? ''}/`, { ca: [file('root.crt')] })), all('works'))
  const plain = new URL(it.origin).port
  await t.rejects(look(`https://localhost:${plain}/`), { name: 'ProbeError', message: /TLS could not be agreed on; is it plain HTTP/ })

  heard.length = 0
  const open = await bound(t, createServer(forward))
  const down = await bound(t, createTls(mine, proxy(it.origin, { ask: asked => asked.url.startsWith('/.well-known') ? { status: 301, headers: { location: `http://localhost:${open.split(':')[1] ?? ''}/` } } : undefined })) as unknown as Server)
  t.match(problems(await look(`https://localhost:${down.split(':')[1] ?? ''}/`, { ca: [mine.cert.toString()] })), /\/\.well-known\/caldav: the way leads from HTTPS to plain HTTP/)
  t.same([...new Set(heard)], [undefined], 'and the password stays')
})

/** Runs the command. */
async function command (url: string, options: Partial<ProbeOptions>, { typed = '', environment = {}, terminal }: { typed?: string, environment?: Record<string, string>, terminal?: string } = {}): Promise<{ code: number, out: string, err: string }> {
  const stdin = new PassThrough() as PassThrough & { isTTY?: boolean, setRawMode?: (on: boolean) => void }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let [out, err] = ['', '']
  stdout.on('data', chunk => { out += String(chunk) })
  stderr.on('data', chunk => {
    err += String(chunk)
    if (terminal !== undefined && String(chunk).endsWith(': ')) stdin.write(`${terminal}\r`)
  })
  if (terminal === undefined) stdin.end(typed)
  else Object.assign(stdin, { isTTY: true, setRawMode: () => {} })
  const code = await probe(url, { json: false, ...options }, { stdin, stdout, stderr, environment })
  return { code, out, err }
}

t.test('the command', async t => {
  const url = `${it.origin}/`
  const good = await command(url, { 'user': 'alice', 'password-stdin': true }, { typed: 'alice\n' })
  t.match(good, { code: 0, err: '' })
  t.match(good.out, /^http:\/\/127\.0\.0\.1:\d+\/ as alice\n {2}Login: Digest, Basic, realm "test"\n\nDAVx5 {8}works {2}\(Android/)
  t.match(await command(url, { user: 'alice' }, { environment: { CALDAVD_PASSWORD: 'alice' } }), { code: 0 })
  t.match(await command(url, { user: 'alice' }, { terminal: 'alice' }), { code: 0, err: /^Password of alice at 127\.0\.0\.1:\d+: \n$/ })
  const loud = await command(url, { user: 'alice', verbose: true }, { environment: { CALDAVD_PASSWORD: 'alice' } })
  t.match(loud.err, /> PROPFIND http:[^\n]*\n(?:> [^\n]*\n)*> authorization: Basic \(hidden\)\n/)
  t.notMatch(loud.err, Buffer.from('alice:alice').toString('base64'))

  t.match(await command(url, { user: 'alice', write: true }, { environment: { CALDAVD_PASSWORD: 'alice' } }), { code: 0, err: /^caldavd: makes http:.*\/caldavd-doctor-\w+\/ and removes it at the end\n$/ })

  const evil = await bound(t, createServer(proxy(it.origin, { answer: (back, { method }) => { if (method === 'OPTIONS') back.headers['dav'] = '1, \x9b31mred'; back.headers['server'] = 'x\x9b2J' } })))
  const bad = await command(`http://${evil}/`, { user: 'alice' }, { environment: { CALDAVD_PASSWORD: 'alice' } })
  t.equal(bad.code, 1)
  t.match(bad.out, /\nDAVx5 {8}fails: looks for the principal {2}\(Android.*\n {2}✗ looks for the principal: the DAV header does not name calendar-access .*\n {6}asked {2}OPTIONS http:.*\n {6}came {3}200 OK .*\n {6}do {5}OPTIONS has to reach/)
  t.match(bad.out, /\nThunderbird {2}works/)
  t.notMatch(bad.out, /[\0-\x09\x0b-\x1f\x7f-\x9f]/, 'what a server says cannot steer a terminal')
  const json = JSON.parse((await command(`http://${evil}/`, { user: 'alice', json: true }, { environment: { CALDAVD_PASSWORD: 'alice' } })).out) as Report
  t.same(verdicts(json), all('works', { DAVx5: 'fails', Apple: 'fails', Evolution: 'fails' }))

  for (const [why, answer, says] of [
    ['a wrong password', await command(url, { user: 'alice' }, { environment: { CALDAVD_PASSWORD: 'wrong' } }), /^caldavd: http:.*\/ does not accept the password of alice\n$/],
    ['nobody there', await command('http://127.0.0.1:1/', { user: 'alice' }, { environment: { CALDAVD_PASSWORD: 'x' } }), /^caldavd: 127\.0\.0\.1:1: nothing listens on that port\n$/],
    ['no such host', await command('http://no-such-host.invalid/', { user: 'alice' }, { environment: { CALDAVD_PASSWORD: 'x' } }), /^caldavd: no-such-host\.invalid: /],
    ['no password', await command(url, { user: 'alice' }), /the password is asked for on a terminal/],
    ['an empty password', await command(url, { 'user': 'alice', 'password-stdin': true }, { typed: '\n' }), /there is no password on standard input/],
    ['no such file', await command(url, { user: 'alice', ca: '/no/such.pem' }), /--ca: ENOENT/]
  ] as const) t.match(answer, { code: 2, out: '', err: says }, why)
  await t.rejects(command(url, {}), { name: 'ArgumentError', message: /--user NAME is missing/ })
  await t.rejects(command('https://alice:secret@cal.example.org/', { user: 'alice' }), { name: 'ArgumentError', message: /where others can read them/ })
  await t.rejects(command('ftp://cal.example.org/', { user: 'alice' }), { name: 'ArgumentError', message: /expected a URL/ })
})

const radicale = (process.env['PATH'] ?? '').split(':').map(directory => join(directory, 'radicale')).find(file => existsSync(file))

t.test('Radicale', { skip: radicale === undefined && 'not installed: radicale' }, async t => {
  const directory = t.testdir({ users: 'alice:alice\n' })
  // a port that was free a moment ago
  const spare = createServer()
  const port = await new Promise<number>(resolve => { spare.listen(0, '127.0.0.1', () => { resolve((spare.address() as AddressInfo).port) }) })
  await new Promise(resolve => { spare.close(resolve) })
  writeFileSync(join(directory, 'config'), `[server]\nhosts = 127.0.0.1:${port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = ${directory}/users\nhtpasswd_encryption = plain\n[storage]\nfilesystem_folder = ${directory}/data\n`)
  const child = spawn(radicale ?? '', ['--config', join(directory, 'config')], { stdio: 'ignore' })
  t.teardown(() => { child.kill('SIGKILL') })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 200 && !await fetch(url).then(() => true, () => false); tries++) await new Promise(resolve => setTimeout(resolve, 50))
  const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`
  const send = async (method: string, path: string, body?: string): Promise<number> => (await fetch(url + path, { method, headers: { authorization, ...calendarType }, ...body === undefined ? {} : { body } })).status
  const empty = await look(`${url}/`)
  t.same(verdicts(empty), all('fails', { DAVx5: 'remarks', Apple: 'remarks', vdirsyncer: 'remarks' }), 'without a calendar')
  t.equal(await send('MKCALENDAR', '/alice/work/'), 201)
  for (const name of ['one', 'two']) t.equal(await send('PUT', `/alice/work/${name}.ics`, event(name)), 201)
  const report = await look(`${url}/`, { writes: true })
  t.same([verdicts(report), problems(report)], [all('works'), ''])
  t.match(report.facts, [/^Login: Basic, realm "Radicale/])
  t.same(readdirSync(join(directory, 'data/collection-root/alice')), ['work'], 'nothing stays')
  await t.rejects(look(`${url}/`, { credentials: { user: 'alice', password: 'wrong' } }), { name: 'ProbeError', message: /does not accept the password/ })
})
