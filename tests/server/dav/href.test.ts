import t from 'tap'
import { href, originOf, resolve, segments } from '../../../server/dav/href.js'

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

t.test('reads the path of a request', async t => {
  const cases: Record<string, [raw: string, segments: string[], collection: boolean]> = {
    'the root': ['/', [], true],
    'OPTIONS *': ['*', [], true],
    'a file': ['/a/b.ics', ['a', 'b.ics'], false],
    'a collection': ['/a/b/', ['a', 'b'], true],
    'a query': ['/a?b/../c?', ['a'], false],
    'a query on the root': ['/?x', [], true],
    'an absolute URI': ['http://example.com:8008/a/b?c', ['a', 'b'], false],
    'an absolute URI without path': ['http://example.com', [], true],
    'encoded characters, decoded once': ['/a%20b/%2541/%C3%BC%3F%23', ['a b', '%41', 'ü?#'], false],
    'a plus stays a plus': ['/a+b;c=d', ['a+b;c=d'], false],
    'raw UTF-8 as node:http hands it over': [`/${latin1('ü€')}/%C3%BC`, ['ü€', 'ü'], false],
    'dots in names': ['/..a/.b/c../...', ['..a', '.b', 'c..', '...'], false],
    'a control character': ['/a%0Ab', ['a\nb'], false],
    'a name of Object': ['/__proto__/constructor', ['__proto__', 'constructor'], false]
  }
  for (const [why, [raw, expected, collection]] of Object.entries(cases)) t.strictSame(segments(raw), { segments: expected, collection }, why)
})

t.test('refuses', async t => {
  for (const [why, raw] of Object.entries({
    'an encoded slash': '/a%2Fb', 'a small encoded slash': '/a%2fb', 'NUL': '/a%00', 'a dot': '/a/./b', 'two dots': '/a/../b', 'encoded dots': '/a/%2e%2E/etc', 'dots at the end': '/a/..', 'one encoded dot': '/%2e',
    'an empty segment': '/a//b', 'two slashes first': '//a', 'two slashes last': '/a//', 'a bad escape': '/%zz', 'a cut escape': '/a%', 'a short escape': '/%a', 'bytes that are not UTF-8': '/%ff', 'cut UTF-8': '/%e2%82',
    'raw bytes that are not UTF-8': '/\xff', 'overlong UTF-8': '/%c0%af', 'a surrogate': '/%ed%a0%80', 'a fragment': '/a#b', 'an empty string': '', 'a relative path': 'a/b', 'another scheme': 'ftp://example.com/a', 'a question mark': '?'
  })) t.throws(() => segments(raw), { name: 'DavError', status: 400 }, why)
  t.throws(() => segments(`/${'a'.repeat(4096)}`), { name: 'DavError', status: 414 }, 'a path that is too long')
  t.equal(segments(`/${'a'.repeat(4095)}?${'b'.repeat(4096)}`).segments[0]?.length, 4095, 'the query does not count')
})

t.test('writes', async t => {
  const cases: [segments: string[], expected: string][] = [
    [[], '/'], [['a', 'b'], '/a/b/'], [["-._~!$&'()*+,;=:@"], "/-._~!$&'()*+,;=:@/"], [['a b%', '"<>#?[]{}|\\^`/'], '/a%20b%25/%22%3C%3E%23%3F%5B%5D%7B%7D%7C%5C%5E%60%2F/'],
    [['ü@€'], '/%C3%BC@%E2%82%AC/'], [['\u{1f600}'], '/%F0%9F%98%80/'], [['\ud800x'], '/%EF%BF%BDx/'], [['a\nb\0'], '/a%0Ab%00/']
  ]
  for (const [names, expected] of cases) t.equal(href(names, true), expected)
  t.equal(href(['a', 'b.ics'], false), '/a/b.ics')
  const names = Array.from({ length: 0x3000 }, (_, code) => `x${String.fromCodePoint(code)}y`)
  t.strictSame(names.filter(name => !/[\0/]/.test(name) && segments(href([name], false)).segments[0] !== name), [], 'each is read back')
})

t.test('resolves hrefs in bodies', async t => {
  const origins = ['https://cal.example.com', 'http://localhost:8008']
  const base = '/calendars/ann/work/'
  const cases: Record<string, [href: string, expected: string | undefined]> = {
    'an absolute path': ['/a/b', '/a/b'],
    'white space around it': ['\n  /a/b/\n ', '/a/b/'],
    'an absolute URI': ['https://cal.example.com/a', '/a'],
    'another of our names, another case, the usual port': ['HTTPS://CAL.example.com:443/a', '/a'],
    'a port': ['http://localhost:8008/a?b', '/a'],
    'another port': ['http://localhost:8009/a', undefined],
    'another scheme': ['http://cal.example.com/a', undefined],
    'another host': ['https://example.com/a', undefined],
    'a host that begins like ours': ['https://cal.example.com.evil/a', undefined],
    'a user before our host': ['https://cal.example.com@evil/a', undefined],
    'mailto': ['mailto:ann@example.com', undefined],
    'urn': ['urn:uuid:1', undefined],
    'a relative path': ['1.ics', '/calendars/ann/work/1.ics'],
    'characters that should have been encoded': ['/a b/ü€.ics', '/a%20b/%C3%BC%E2%82%AC.ics'],
    'the same name, encoded otherwise': ['/%61%40b', '/a@b']
  }
  for (const [why, [given, expected]] of Object.entries(cases)) {
    const path = resolve(base, given, origins)
    t.equal(path && href(path.segments, path.collection), expected, why)
  }
  t.strictSame(resolve('/a/b?x=/y/', 'c', []), { segments: ['a', 'c'], collection: false }, 'relative to a file')
  for (const given of ['../x', '/a//b', '/%zz', '/a#b', '//host/a', './a']) t.throws(() => resolve(base, given, origins), { name: 'DavError', status: 400 }, given)
})

t.test('knows origins', async t => {
  t.equal(originOf('HTTP://Example.com:80/a'), 'http://example.com')
  t.equal(originOf('https://example.com:80'), 'https://example.com:80')
  t.equal(originOf('https://[::1]:443?x'), 'https://[::1]')
  t.equal(originOf('/a'), undefined)
})
