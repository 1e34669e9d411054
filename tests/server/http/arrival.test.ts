import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { isAmong, isLoopback, plainAddress } from '../../../server/http/addresses.js'
import { arrivalOf } from '../../../server/http/arrival.js'

type Headers = Record<string, string>

const server = (more: object = {}) => ({ port: 8008, bind: '::', baseUrl: undefined, proxies: ['127.0.0.0/8', '::1', '10.0.0.0/8'], requestSeconds: 1, ...more })
const come = (remoteAddress: string, headers: Headers, settings = server(), encrypted = false) =>
  arrivalOf({ socket: { remoteAddress, ...encrypted && { encrypted } }, headers: { host: 'inner:8008', ...headers } } as unknown as IncomingMessage, settings)

t.test('addresses', async t => {
  const list = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']
  for (const [address, expected] of [['10.1.2.3', true], ['11.0.0.1', false], ['192.0.2.7', true], ['192.0.2.8', false], ['fd12::1', true], ['fe80::1', false], ['::1', true], ['', false], ['x', false]] as const) {
    t.equal(isAmong(list, address), expected, address)
  }
  t.notOk(isAmong([], '10.1.2.3'))
  t.notOk(isAmong(list, undefined))
  t.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1')
  t.equal(plainAddress('fe80::1%eth0'), 'fe80::1')
  t.ok(isLoopback('127.3.2.1'))
  t.notOk(isLoopback('10.0.0.1'))
})

t.test('without a proxy the connection speaks', async t => {
  t.same(come('192.0.2.1', {}), { peer: '192.0.2.1', address: '192.0.2.1', isSecure: false, host: 'inner:8008', prefix: '' })
  t.same(come('::ffff:192.0.2.1', {}, server({ baseUrl: 'https://example.org/dav' }), true), { peer: '192.0.2.1', address: '192.0.2.1', isSecure: true, host: 'inner:8008', prefix: '/dav' })
  const lies = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil', 'x-forwarded-prefix': '/evil', forwarded: 'for=1.2.3.4;proto=https;host=evil' }
  t.same(come('192.0.2.1', lies), come('192.0.2.1', {}), 'a stranger is not believed')
  t.equal(come('192.0.2.1', { host: 'a b' }).host, undefined)
})

t.test('what a trusted proxy says', async t => {
  const https = { 'x-forwarded-for': '192.0.2.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.org' }
  for (const [why, headers, expected] of [
    ['the usual', https, { address: '192.0.2.9', isSecure: true, host: 'example.org', prefix: '' }],
    ['a port of its own', { ...https, 'x-forwarded-port': '8443' }, { host: 'example.org:8443' }],
    ['the usual port', { ...https, 'x-forwarded-port': '443' }, { host: 'example.org' }],
    ['a host with a port', { ...https, 'x-forwarded-host': 'example.org:99', 'x-forwarded-port': '8443' }, { host: 'example.org:99' }],
    ['no name: the Host may be the inner one', { 'x-forwarded-for': '192.0.2.9', 'x-forwarded-proto': 'https' }, { host: undefined, isSecure: true }],
    ['plain HTTP outside', { ...https, 'x-forwarded-proto': 'HTTP' }, { isSecure: false }],
    ['the right-most one that is no proxy', { ...https, 'x-forwarded-for': '1.1.1.1, 192.0.2.9, 10.0.0.5' }, { address: '192.0.2.9' }],
    ['a chain of proxies and nobody else', { 'x-forwarded-for': '10.0.0.6, 10.0.0.5' }, { address: '10.0.0.6' }],
    ['with ports and brackets', { 'x-forwarded-for': '192.0.2.9:5000' }, { address: '192.0.2.9' }],
    ['IPv6', { 'x-forwarded-for': '[2001:db8::1]:5000' }, { address: '2001:db8::1' }],
    ['unknown', { 'x-forwarded-for': '1.1.1.1, unknown' }, { address: '' }],
    ['nobody', { 'x-forwarded-proto': 'https' }, { address: '' }],
    ['two proxies, each with its own name', { 'x-forwarded-for': '192.0.2.9, 10.0.0.5', 'x-forwarded-host': 'forged, example.org, inner', 'x-forwarded-proto': 'https, http' }, { host: 'example.org', isSecure: true }],
    ['one proxy that adds to what the client sent', { 'x-forwarded-for': '1.1.1.1, 192.0.2.9', 'x-forwarded-host': 'forged, example.org' }, { host: 'example.org', address: '192.0.2.9' }],
    ['a host that is none', { ...https, 'x-forwarded-host': 'a/b' }, { host: undefined }],
    ['too long', { 'x-forwarded-for': '192.0.2.9,'.repeat(1000) }, { address: '' }],
    ['a prefix', { ...https, 'x-forwarded-prefix': '/dav/' }, { prefix: '/dav' }],
    ['another name for it', { ...https, 'x-script-name': '/a/b' }, { prefix: '/a/b' }],
    ['the root', { ...https, 'x-forwarded-prefix': '/' }, { prefix: '' }],
    ['a prefix like a path of ours', { ...https, 'x-forwarded-prefix': '/calendars' }, { prefix: '' }],
    ['dots', { ...https, 'x-forwarded-prefix': '/a/../b' }, { prefix: '' }],
    ['no prefix', { ...https, 'x-forwarded-prefix': 'http://evil/' }, { prefix: '' }],
    ['markup', { ...https, 'x-forwarded-prefix': '/<b>' }, { prefix: '' }],
    ['RFC 7239', { forwarded: 'for="[2001:db8::1]:77";Proto=https;host="example.org:8443"' }, { address: '2001:db8::1', isSecure: true, host: 'example.org:8443' }],
    ['RFC 7239, several', { forwarded: 'for=1.1.1.1;host=forged, for=192.0.2.9;proto=https;host=example.org;by="a,b;c"' }, { address: '192.0.2.9', isSecure: true, host: 'example.org' }],
    ['RFC 7239, hidden', { forwarded: 'for=_secret;proto=https' }, { address: '', isSecure: true }],
    ['RFC 7239, broken', { forwarded: '"";;=,for="' }, { address: '', isSecure: false }],
    ['the one that the client may have sent beside', { ...https, forwarded: 'for=1.1.1.1;host=forged' }, { address: '192.0.2.9', host: 'example.org' }]
  ] as const) {
    const found = come('127.0.0.1', headers as Headers)
    t.same(Object.fromEntries(Object.keys(expected).map(key => [key, found[key as keyof typeof found]])), expected, why)
  }
  t.equal(come('127.0.0.1', { 'x-forwarded-prefix': '/x' }, server({ baseUrl: 'https://example.org/dav' })).prefix, '/x')
  const start = performance.now()
  come('127.0.0.1', { forwarded: '"'.repeat(1999) })
  t.ok(performance.now() - start < 100, 'quotes that never end take no time')
})
