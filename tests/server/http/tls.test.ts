import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { listen } from '../../../server/http/listen.js'
import { event, calendarType } from '../../event.js'
import { house, type House } from '../../house.js'

const calendar = '/calendars/users/alice/calendar/'
const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`

/** A certificate for localhost with the name as its organization: NAME.crt and NAME.key. */
function certify (directory: string, name: string, ...options: string[]): { readonly certificate: string, readonly key: string } {
  const [certificate, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/O=${name}/CN=localhost`, '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate, ...options], { stdio: 'ignore' })
  return { certificate, key }
}

async function asked (url: string, { method = 'GET', body, ...options }: https.RequestOptions & { body?: string } = {}): Promise<{ readonly status: number, readonly headers: http.IncomingHttpHeaders, readonly body: string }> {
  const request = (url.startsWith('https') ? https : http).request(url, { method, agent: false, rejectUnauthorized: false, ...options })
  request.end(body)
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  let answer = ''
  for await (const piece of response) answer += String(piece)
  return { status: response.statusCode ?? 0, headers: response.headers, body: answer }
}

/** Whose certificate is shown. */
async function organization (port: number): Promise<unknown> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.O
}

async function secured (t: Test, settings: Record<string, string>): Promise<House & { readonly listening: Awaited<ReturnType<typeof listen>> }> {
  const it = await house(t, { settings: { 'server.port': '0', 'tls.port': '0', ...settings } })
  const app = it.app
  const listening = await listen(app, () => it.site.settings, it.site.log)
  t.teardown(async () => { await listening.close(1000) })
  it.ports.https = listening.tlsPort
  return { ...it, listening }
}

t.test('HTTPS and HTTP, one server behind both', async t => {
  const { certificate, key } = certify(t.testdir(), 'first')
  const it = await secured(t, { 'tls.certificate': certificate, 'tls.key': key, 'tls.hstsSeconds': '600' })
  const [secure, plain] = it.listening.urls
  t.match(secure, /^https:\/\/127\.0\.0\.1:\d+\/$/)
  t.match(plain, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  const trusting = { ca: readFileSync(certificate), rejectUnauthorized: true, servername: 'localhost', headers: { authorization } }
  t.equal((await asked(`${secure}${calendar.slice(1)}a.ics`, { ...trusting, method: 'PUT', headers: { authorization, ...calendarType }, body: event('a') })).status, 201, 'a client that knows the certificate')
  const got = await asked(`${plain}${calendar.slice(1)}a.ics`, { headers: { authorization } })
  t.same([got.status, got.body, got.headers['strict-transport-security']], [200, event('a'), undefined], 'plain HTTP goes on')
  const secret = await asked(`${secure}health`)
  t.same([secret.status, secret.headers['strict-transport-security']], [200, 'max-age=600'])
  t.equal((await asked(`${secure}.well-known/caldav`, { headers: { host: 'cal.example.org' } })).headers.location, 'https://cal.example.org/')
  t.equal((await asked(`${secure}${calendar.slice(1)}a.ics`, { method: 'MOVE', headers: { authorization, host: 'x:8443', destination: `https://x:8443${calendar}b.ics` } })).status, 201)
  await t.rejects(async () => {
    const socket = connect({ port: it.ports.https ?? 0, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })
    await once(socket, 'secureConnect')
  }, 'TLS 1.1 is refused')
  // HTTP that is spoken to the wrong port, and nonsense in TLS
  await t.rejects(asked(`http://127.0.0.1:${it.ports.https ?? 0}/`))
  const socket = connect({ port: it.ports.https ?? 0, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write('nonsense\r\n\r\n')
  t.match(String((await once(socket, 'data') as [Buffer])[0]), /^HTTP\/1\.1 400 /)
  t.equal((await asked(`${secure}health`)).status, 200)
  t.same(it.lines, [])
})

t.test('the way to HTTPS', async t => {
  const { certificate, key } = certify(t.testdir(), 'first')
  const it = await secured(t, { 'tls.certificate': certificate, 'tls.key': key, 'tls.redirect': 'yes' })
  const [secure, plain = ''] = it.listening.urls
  const port = it.ports.https ?? 0
  for (const [method, status] of [['GET', 301], ['HEAD', 301], ['PROPFIND', 308], ['PUT', 308]] as const) {
    const answer = await asked(`${plain}calendars/x%20y/?q=1`, { method, headers: { host: 'cal.example.org:8008', authorization } })
    t.same([answer.status, answer.headers.location], [status, `https://cal.example.org:${port}/calendars/x%20y/?q=1`], method)
  }
  t.equal((await asked(`${plain}health`)).status, 200, 'health is for those beside us')
  t.equal((await asked(`${secure}`, { headers: { authorization } })).status, 200)
  t.equal((await asked(plain, { headers: { authorization, 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' } })).status, 200, 'who came by HTTPS to a proxy is there')
  t.equal((await asked(plain, { headers: { host: 'a"b' } })).status, 403)
})

t.test('HTTPS alone', async t => {
  const directory = t.testdir()
  const { certificate, key } = certify(directory, 'first')
  appendFileSync(certificate, readFileSync(key))
  const it = await secured(t, { 'tls.certificate': certificate, 'tls.only': 'yes' })
  t.same(it.listening.urls.map(url => url.split(':')[0]), ['https'], 'certificate and key in one file')
  t.equal((await asked(`${it.listening.urls[0] ?? ''}health`)).status, 200)
  t.notOk(it.app.server.listening)
  await it.listening.close(1000)
  await t.rejects(asked(`${it.listening.urls[0] ?? ''}health`), { code: 'ECONNREFUSED' })
})

t.test('a certificate that changes', async t => {
  const directory = t.testdir()
  const [first, second] = [certify(directory, 'first'), certify(directory, 'second')]
  const live = { certificate: join(directory, 'live.crt'), key: join(directory, 'live.key') }
  const put = ({ certificate, key }: typeof first): void => {
    for (const [from, to] of [[key, live.key], [certificate, live.certificate]] as const) {
      copyFileSync(from, `${to}.new`)
      renameSync(`${to}.new`, to)
    }
  }
  put(first)
  const it = await secured(t, { 'tls.certificate': live.certificate, 'tls.key': live.key })
  const port = it.ports.https ?? 0
  t.equal(await organization(port), 'first')
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false })
  t.teardown(() => { agent.destroy() })
  const lasting = async (): Promise<number> => (await asked(`${it.listening.urls[0] ?? ''}health`, { agent })).status
  t.equal(await lasting(), 200)
  put(second)
  it.listening.reload()
  t.equal(await organization(port), 'second')
  t.equal(await lasting(), 200, 'connections go on')
  t.same(it.lines, [])
  for (const [why, spoil, message] of [
    ['half of a certificate', () => { writeFileSync(live.certificate, readFileSync(first.certificate).subarray(0, 300)) }, /live\.crt: expected a certificate in PEM/],
    ['the key of another', () => { copyFileSync(first.certificate, live.certificate) }, /live\.key: the key is not that of the certificate/],
    ['no key', () => { writeFileSync(live.key, '') }, /live\.key: expected a key in PEM, without a passphrase/],
    ['a key with a passphrase', () => { execFileSync('openssl', ['pkcs8', '-topk8', '-in', first.key, '-out', live.key, '-passout', 'pass:x']) }, /live\.key: expected a key in PEM, without a passphrase/],
    ['no file', () => { renameSync(live.certificate, `${live.certificate}.away`) }, /tls\.certificate: .*live\.crt cannot be read/]
  ] as const) {
    spoil()
    it.listening.reload()
    t.match(it.lines.splice(0).join(), message, why)
    t.equal(await organization(port), 'second', 'the one of before stays')
  }
  put(first)
  for (let tries = 0; tries < 100 && await organization(port) !== 'first'; tries++) await new Promise(resolve => setTimeout(resolve, 100))
  t.equal(await organization(port), 'first', 'a change is seen without being told')
})

t.test('starts that are told of', async t => {
  const directory = t.testdir()
  const old = certify(directory, 'old', '-days', '1')
  const { certificate } = certify(directory, 'other')
  const it = await house(t, { settings: { 'tls.only': 'yes' } })
  await t.rejects(listen(it.app, () => it.site.settings, it.site.log), { name: 'TlsError', message: /tls\.only without tls\.certificate/ }, 'never plain HTTP instead')
  t.notOk(it.app.server.listening)
  const wrong = await house(t, { settings: { 'tls.certificate': certificate, 'tls.key': old.key, 'server.port': '0' } })
  await t.rejects(listen(wrong.app, () => wrong.site.settings, wrong.site.log), { name: 'TlsError', message: /old\.key: the key is not that of the certificate/ })
  t.notOk(wrong.app.server.listening)
  const soon = await secured(t, { 'tls.certificate': old.certificate, 'tls.key': old.key })
  t.match(soon.lines.splice(0).join(), /old\.crt: the certificate expires on /)
  const taken = await house(t, { settings: { 'tls.certificate': old.certificate, 'tls.key': old.key, 'server.port': '0', 'tls.port': String(soon.ports.https ?? 0) } })
  await t.rejects(listen(taken.app, () => taken.site.settings, taken.site.log), { code: 'EADDRINUSE' })
  t.notOk(taken.app.server.listening)
})

t.test('who takes too long is cut off', async t => {
  const { certificate, key } = certify(t.testdir(), 'first')
  const it = await secured(t, { 'tls.certificate': certificate, 'tls.key': key })
  const socket = connect({ port: it.ports.https ?? 0, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  socket.write(`PUT ${calendar}a.ics HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 100\r\n\r\nhalf`)
  await new Promise(resolve => setTimeout(resolve, 100))
  const begun = Date.now()
  await it.listening.close(300)
  t.ok(Date.now() - begun >= 250 && Date.now() - begun < 5000, 'what is in flight is waited for, but not for ever')
})
