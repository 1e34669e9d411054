import { once } from 'node:events'
import { createServer, request as send, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { elements, text, type Element } from '../../../server/xml/element.js'
import { localHrefs } from '../../../server/site/local-href.js'
import { keepHrefs, prefixHrefs } from '../../../server/dav/prefix.js'
import { dav } from '../../../server/xml/name.js'
import { parse } from '../../../server/xml/parse.js'
import { write } from '../../../server/xml/write.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { told, xml } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`

interface Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string }

async function fetched (port: number, method: string, path: string, { body, ...headers }: Record<string, string> = {}): Promise<Answer> {
  const request = send({ port, host: '127.0.0.1', method, path, headers: { authorization, ...headers }, agent: false })
  request.end(body)
  const [response] = await once(request, 'response') as [import('node:http').IncomingMessage]
  let answer = ''
  for await (const piece of response) answer += String(piece)
  return { status: response.statusCode ?? 0, headers: response.headers, body: answer }
}

interface ProxyOptions {
  /** What it cuts off the path. */
  readonly cuts?: string
  readonly keepsHost: boolean
  readonly says: (host: string) => Record<string, string>
}

/** A reverse proxy as people set it up. @returns its port */
async function proxy (t: Test, { app }: House, { cuts = '', keepsHost, says }: ProxyOptions): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url?.startsWith(cuts) === true ? incoming.url.slice(cuts.length) || '/' : incoming.url
    const onward = send({ port, host: '127.0.0.1', method: incoming.method, path, agent: false, headers: { ...incoming.headers, ...keepsHost ? {} : { host: `127.0.0.1:${port}` }, ...says(incoming.headers.host ?? '') } }, answer => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return (server.address() as AddressInfo).port
}

const find = '<propfind xmlns="DAV:"><prop><current-user-principal/><x xmlns="urn:x"/></prop></propfind>'
const stores = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x"><href xmlns="DAV:">/calendars/elsewhere</href><href xmlns="DAV:">/dav/mine</href></x></prop></set></propertyupdate>'

const ways: Record<string, ProxyOptions & { readonly base?: string }> = {
  'cuts the prefix, keeps Host, says the prefix': { cuts: '/dav', keepsHost: true, says: () => ({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/dav' }) },
  'cuts the prefix, rewrites Host, says all': { cuts: '/dav', keepsHost: false, says: host => ({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': host, 'x-forwarded-prefix': '/dav' }) },
  'leaves the prefix, says it': { keepsHost: true, says: () => ({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-script-name': '/dav' }) },
  'cuts the prefix, rewrites Host, RFC 7239': { cuts: '/dav', keepsHost: false, says: host => ({ forwarded: `for=192.0.2.1;proto=https;host="${host}"`, 'x-forwarded-prefix': '/dav' }) },
  'cuts the prefix, rewrites Host, says nothing; server.baseUrl does': { cuts: '/dav', keepsHost: false, says: () => ({}), base: 'https://cal.example.org/dav' },
  'leaves the prefix, rewrites Host, says nothing; server.baseUrl does': { keepsHost: false, says: () => ({}), base: 'https://cal.example.org/dav' }
}

for (const [why, way] of Object.entries(ways)) {
  t.test(`below a prefix: a proxy that ${why}`, async t => {
    const it = await house(t, way.base === undefined ? {} : { settings: { 'server.baseUrl': way.base } })
    const port = await proxy(t, it, way)
    const host = 'cal.example.org'
    const outside = `/dav${home}calendar/`
    const ask = async (method: string, path: string, headers: Record<string, string> = {}) => await fetched(port, method, path, { host, ...headers })

    const put = await ask('PUT', `${outside}a.ics`, { ...calendarType, body: event('a') })
    t.same([put.status, put.headers.location], [201, `${outside}a.ics`])
    const found = await ask('PROPFIND', outside, { depth: '1', body: find })
    t.same([...told(found.body).keys()], [outside, `${outside}a.ics`])
    t.equal(text(told(found.body).get(outside)?.properties.get(dav('current-user-principal'))?.value.children[0] as never).startsWith('/dav/principals/'), true)

    const moved = await ask('MOVE', `${outside}a.ics`, { destination: `https://${host}${outside}b.ics`, overwrite: 'F' })
    t.same([moved.status, moved.headers.location], [201, `${outside}b.ics`], 'an absolute Destination')
    t.equal((await ask('MOVE', `${outside}b.ics`, { destination: `${outside}c.ics` })).status, 201, 'a path')
    t.equal((await ask('COPY', `${outside}c.ics`, { destination: `${outside}c.ics` })).status, 403, 'a path is taken without its prefix')
    const astray = await ask('MOVE', `${outside}c.ics`, { destination: `http://other.example${outside}d.ics` })
    t.equal(astray.status, 502)
    t.match(it.lines.splice(0).join(), /other\.example/)
    t.match(astray.body, /server\.baseUrl/, 'says what to do')

    const { etag = '' } = (await ask('GET', `${outside}c.ics`)).headers
    for (const tag of [`https://${host}${outside}c.ics`, `${outside}c.ics`]) {
      t.equal((await ask('PUT', `${outside}c.ics`, { ...calendarType, if: `<${tag}> ([${etag}])`, body: event('a') })).status, 204, `If: <${tag}>`)
    }
    for (const wanted of [`${outside}c.ics`, `https://${host}${outside}c.ics`]) {
      const multiget = await ask('REPORT', outside, { body: `<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><prop><getetag/></prop><href>${wanted}</href><href>/dav/none</href></C:calendar-multiget>` })
      t.same([...told(multiget.body)].map(([href, { status }]) => [href, status]), [[`${outside}c.ics`, undefined], ['/dav/none', 404]])
    }
    const clash = await ask('PUT', `${outside}other.ics`, { ...calendarType, body: event('a') })
    t.equal(clash.status, 403)
    t.match(clash.body, `<D:href>${outside}c.ics</D:href>`, 'an href in an error')

    t.equal((await ask('PROPPATCH', outside, { body: stores })).status, 207)
    const kept = told((await ask('PROPFIND', outside, { depth: '0', body: find })).body).get(outside)?.properties.get('{urn:x}x')?.value
    t.same(kept?.children.map(each => text(each as never)), ['/calendars/elsewhere', '/dav/mine'], 'what a client stored stays as it is')
    const lock = await ask('LOCK', `${outside}c.ics`, { timeout: 'Second-60', body: '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner><href>/dav/me</href></owner></lockinfo>' })
    t.equal(lock.status, 200)
    const discovered = xml(lock.body)
    const deep = (root: Element, name: string): string => elements(root).map(each => each.name === dav(name) ? text(elements(each, dav('href'))[0] ?? each) : deep(each, name)).join('')
    t.same([deep(discovered, 'lockroot'), deep(discovered, 'owner')], [`${outside}c.ics`, '/dav/me'], 'who locked is as it came')

    const known = await ask('PROPFIND', '/dav/.well-known/caldav')
    t.equal(known.status, 301)
    t.match(known.headers.location, /^(?:https:\/\/cal\.example\.org)?\/dav\/$/)
    t.equal((await ask('GET', '/dav/health')).status, 200)
    t.same(it.lines, [])
  })
}

t.test('without a prefix nothing is changed', async t => {
  const it = await house(t)
  const port = await proxy(t, it, { keepsHost: false, says: host => ({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': host }) })
  await fetched(port, 'PUT', `${home}calendar/a.ics`, { ...calendarType, body: event('a') })
  t.equal((await fetched(port, 'MOVE', `${home}calendar/a.ics`, { host: 'cal.example.org', destination: `https://cal.example.org${home}calendar/b.ics` })).status, 201)
  t.equal((await fetched(port, 'GET', '/.well-known/caldav', { host: 'cal.example.org' })).headers.location, 'https://cal.example.org/')
})

t.test('hrefs of bodies become paths of ours, but for what clients store', async t => {
  const origins = ['http://x/dav', 'https://x/dav']
  const local = (body: string) => write(localHrefs(parse(body, { bytes: 10_000, depth: 20, elements: 100 }), origins), { declaration: false })
  const href = (value: string) => `<D:href>${value}</D:href>`
  for (const [given, expected] of [['/dav/a', '/a'], [' /dav/a ', '/a'], ['https://X/dav/a', '/a'], ['https://y/dav/a', 'https://y/dav/a'], ['/davos/a', '/davos/a'], ['/dav', '/'], ['/a', '/a'], ['a', 'a'], ['https://x/a', 'https://x/a'], ['mailto:a@x', 'mailto:a@x']] as const) {
    t.equal(local(`<D:a xmlns:D="DAV:"><D:b>${href(given)}</D:b></D:a>`), `<D:a xmlns:D="DAV:"><D:b>${href(expected)}</D:b></D:a>`, given)
  }
  const set = (name: string, value: string) => `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:${name}>${href(value)}</D:${name}></D:prop></D:set></D:propertyupdate>`
  t.equal(local(set('x', '/dav/a')), set('x', '/dav/a'))
  t.equal(local(set('group-member-set', '/dav/a')), set('group-member-set', '/a'))
  t.equal(local(`<D:lockinfo xmlns:D="DAV:"><D:owner>${href('/dav/me')}</D:owner></D:lockinfo>`), `<D:lockinfo xmlns:D="DAV:"><D:owner>${href('/dav/me')}</D:owner></D:lockinfo>`)
  t.equal(prefixHrefs(`${href('/a')}${href('mailto:b')}${keepHrefs(href('/c'))}`, '/$&<'), `<D:href>/$&amp;&lt;/a</D:href>${href('mailto:b')}<D:href >/c</D:href>`)
})
