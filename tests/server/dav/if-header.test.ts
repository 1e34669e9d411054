import t from 'tap'
import { evaluateIf, type IfState, parseIf, submittedTokens } from '../../../server/dav/if-header.js'
import { parseSyncToken, syncToken } from '../../../server/dav/sync-token.js'

const a = 'urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2'
const b = 'urn:uuid:58f202ac-22cf-11d1-b12d-002035b29092'

t.test('If: holds or not', async t => {
  const unmapped: IfState = { tokens: [] }
  const cases: [why: string, header: string, states: Record<string, IfState>, expected: boolean][] = [
    ['RFC 4918 10.4.6, first list', `(<${a}>\r\n  ["I am an ETag"])\r\n  (["I am another ETag"])`, { '': { tokens: [a], etag: '"I am an ETag"' } }, true],
    ['RFC 4918 10.4.6, second list', `(<${a}> ["I am an ETag"]) (["I am another ETag"])`, { '': { tokens: [], etag: '"I am another ETag"' } }, true],
    ['RFC 4918 10.4.6, none', `(<${a}> ["I am an ETag"]) (["I am another ETag"])`, { '': { tokens: [a], etag: '"x"' } }, false],
    ['RFC 4918 10.4.7', `(Not <${a}> <${b}>)`, { '': { tokens: [b] } }, true],
    ['RFC 4918 10.4.7, locked by both', `(Not <${a}> <${b}>)`, { '': { tokens: [a, b] } }, false],
    ['RFC 4918 10.4.8, always', `(<${a}>) (Not <DAV:no-lock>)`, {}, true],
    ['RFC 4918 10.4.9', `</resource1> (<${a}> [W/"A weak ETag"]) (["strong ETag"])`, { '/resource1': { tokens: [a], etag: 'W/"A weak ETag"' } }, true],
    ['RFC 4918 10.4.10', `<http://www.example.com/specs/> (<${a}>)`, { 'http://www.example.com/specs/': { tokens: [a] } }, true],
    ['RFC 4918 10.4.11', '</specs/rfc2518.doc> (["4217"])', {}, false],
    ['RFC 4918 10.4.11, not', '</specs/rfc2518.doc> (Not ["4217"])', {}, true],
    ['two resources, the second holds', `</x> (<${a}>) </y> (<${b}>) (["1"])`, { '/y': { tokens: [], etag: '"1"' } }, true],
    ['a tag is about its own resource', `</x> (<${a}>) </y> (<${b}>)`, { '/x': { tokens: [b] }, '/y': { tokens: [a] } }, false],
    ['no space at all', `(<${a}>["1"])(Not["2"]Not<DAV:no-lock>)`, { '': { tokens: [], etag: '"1"' } }, true],
    ['NOT in capitals', '(NOT <DAV:no-lock>)', {}, true],
    ['an unquoted tag', '([1])', { '': { tokens: [], etag: '"1"' } }, true],
    ['no lock', '(<DAV:no-lock>)', { '': { tokens: [a] } }, false],
    ['a tag with brackets', '(["a]b>)"])', { '': { tokens: [], etag: '"a]b>)"' } }, true]
  ]
  for (const [why, header, states, expected] of cases) t.equal(evaluateIf(parseIf(header), resource => states[resource ?? ''] ?? unmapped), expected, why)
})

t.test('If: submits tokens wherever they stand', async t => {
  t.strictSame([...submittedTokens(parseIf(`</x> (Not <${a}> ["1"]) </y> (<${b}>) (<${a}>)`))], [a, b])
})

t.test('If: refuses', async t => {
  for (const [why, header] of Object.entries({
    'nothing': '', 'no list': '<a>', 'an empty list': '()', 'an open list': `(<${a}>`, 'an open token': `(<${a})`, 'an open tag': '(["1)', 'Not alone': '(Not)', 'Not twice': '(Not Not <a>)', 'Notx': '(Notx)',
    'a bare token': `(${a})`, 'a tag without list': `<x> (<${a}>) <y>`, 'two tags': `<x> <y> (<${a}>)`, 'untagged, then tagged': `(<${a}>) <x> (<${b}>)`, 'a comma': `(<${a}>), (<${b}>)`,
    'space in a token': '(<a b>)', 'words': 'hello', 'an empty token': '(<>)', 'too long': '(<a>)'.repeat(20_000), 'many open': '('.repeat(8_000)
  })) t.throws(() => parseIf(header), { name: 'DavError', status: 400 }, why)
})

t.test('sync-token', async t => {
  t.equal(syncToken('3f2a', 17), 'data:,3f2a_17')
  for (const [epoch, revision] of [['3f2a-b_c', 0], ['x', Number.MAX_SAFE_INTEGER], ['a_1', 2]] as const) t.strictSame(parseSyncToken(` ${syncToken(epoch, revision)}\n`), { epoch, revision })
  const places = [{ view: '0123456789ab' }, { cut: {} }, { cut: { key: 'abcdef012345' } }, { cut: { begun: 9 } }, { view: '0123456789ab', cut: { key: 'abcdef012345', begun: 9 } }]
  for (const place of places) t.strictSame(parseSyncToken(syncToken('a_1', 2, place)), { epoch: 'a_1', revision: 2, ...place })
  for (const text of ['data:,a_1.', 'data:,a_1.v', 'data:,a_1.v0123', 'data:,a_1.c.b', 'data:,a_1.b3', 'data:,a_1.cABCDEF012345', 'data:,a_1.c.b9999999999999999', '', '17', 'data:,', 'data:,_1', 'data:,a_', 'data:,a_01', 'data:,a_-1', 'data:,a_1.0', 'data:,a_1e3', 'data:,a_99999999999999999', 'data:,a_9999999999999999', 'Data:,a_1', 'data:,a b_1', 'data:,a_1 2', `data:,${'a'.repeat(65)}_1`, 'http://example.com/ns/sync/1']) {
    t.equal(parseSyncToken(text), undefined, text)
  }
})
