import t from 'tap'
import { conditions, depth, destination, evaluate, type Headers, lockToken, overwrite, prefer, range, type State, timeout } from '../../../server/dav/header.js'

t.test('Depth', async t => {
  for (const [given, expected] of [[undefined, '1'], ['0', '0'], [' 1 ', '1'], ['infinity', 'infinity'], ['Infinity', 'infinity'], ['infinite', 'infinity'], ['1,noroot', '1'], ['infinity, noroot', 'infinity']]) {
    t.equal(depth({ depth: given }, '1'), expected, String(given))
  }
  for (const given of ['', '2', '-1', '0, 0', '01', 'noroot', '1,root']) t.throws(() => depth({ depth: given }, '0'), { name: 'DavError', status: 400 }, given)
  t.throws(() => depth({ depth: '1' }, 'infinity', ['0', 'infinity']), { name: 'DavError', status: 400 }, 'COPY does not know 1')
  t.throws(() => depth({ depth: ['0', '1'] }, '0'), { name: 'DavError', status: 400 }, 'two headers')
})

t.test('Overwrite', async t => {
  for (const [given, expected] of [[undefined, true], ['T', true], ['t', true], ['F', false], ['f', false]] as const) t.equal(overwrite({ overwrite: given }), expected, String(given))
  for (const given of ['', 'true', 'F,T']) t.throws(() => overwrite({ overwrite: given }), { name: 'DavError', status: 400 }, given)
})

t.test('Destination', async t => {
  const origins = ['http://localhost:8008', 'https://cal.example.com']
  for (const [given, expected] of Object.entries({
    '/a/b%20c/': '/a/b%20c/', 'http://localhost:8008/a?b': '/a', 'HTTPS://Cal.Example.com:443/A%2fB': '/A%2fB', 'https://cal.example.com': '/', 'https://cal.example.com?x': '/', '/a?b': '/a', 'http://localhost:8008//a': '//a'
  })) t.equal(destination({ destination: given }, origins), expected, given)
  for (const given of [undefined, '', 'a/b', '//localhost:8008/a', 'mailto:a@b', 'http:/a', 'http:///a', '/a#b', 'http://localhost:8008/a#b']) {
    t.throws(() => destination({ destination: given }, origins), { name: 'DavError', status: 400 }, String(given))
  }
  for (const given of ['http://localhost/a', 'http://cal.example.com/a', 'http://user@localhost:8008/a', 'https://cal.example.com.evil/a']) {
    t.throws(() => destination({ destination: given }, origins), { name: 'DavError', status: 502 }, given)
  }
})

t.test('Timeout', async t => {
  for (const [given, expected] of [
    [undefined, undefined], ['Second-60', 60], ['second-60', 60], ['Infinite', Infinity], ['Infinite, Second-4100000000', Infinity], ['Second-9999999999', 4294967295],
    ['Extend-1, Second-5', 5], ['60', undefined], ['Second-', undefined], ['Second--1', undefined], ['Second-99999999999', undefined], ['Second- 5', undefined]
  ] as const) t.equal(timeout({ timeout: given }), expected, String(given))
})

t.test('Lock-Token', async t => {
  t.equal(lockToken({ 'lock-token': ' <urn:uuid:1> ' }), 'urn:uuid:1')
  for (const given of [undefined, '', 'urn:uuid:1', '<>', '<a b>', '<a><b>', '(<a>)']) t.throws(() => lockToken({ 'lock-token': given }), { name: 'DavError', status: 400 }, String(given))
})

t.test('Prefer and Brief', async t => {
  for (const [headers, expected] of [
    [{}, { depthNoRoot: false }], [{ prefer: 'return=minimal' }, { return: 'minimal', depthNoRoot: false }], [{ prefer: 'Return = "minimal"; x=1, depth-noroot' }, { return: 'minimal', depthNoRoot: true }],
    [{ prefer: 'respond-async, return=representation' }, { return: 'representation', depthNoRoot: false }], [{ prefer: 'return-minimal' }, { return: 'minimal', depthNoRoot: false }],
    [{ prefer: ['depth-noroot', 'return=minimal'] }, { return: 'minimal', depthNoRoot: true }], [{ brief: 't' }, { return: 'minimal', depthNoRoot: false }], [{ brief: 'f' }, { depthNoRoot: false }], [{ prefer: 'return=everything' }, { depthNoRoot: false }]
  ] as [Headers, object][]) t.strictSame(prefer(headers), expected, JSON.stringify(headers))
})

t.test('conditional headers', async t => {
  const modified = new Date('1994-11-06T08:49:37.500Z')
  const there: State = { exists: true, etag: '"a"', scheduleTag: '"s"', modified }
  const weak: State = { ...there, etag: 'W/"a"' }
  const gone: State = { exists: false }
  const collection: State = { exists: true }
  const same = 'Sun, 06 Nov 1994 08:49:37 GMT'
  const before = 'Sun, 06 Nov 1994 08:49:36 GMT'
  const cases: [why: string, headers: Headers, state: State, method: string, expected: 304 | 412 | undefined][] = [
    ['nothing asked', {}, there, 'PUT', undefined],
    ['If-Match that matches', { 'if-match': '"a"' }, there, 'PUT', undefined],
    ['If-Match in a list', { 'if-match': 'W/"x", "b" ,"a"' }, there, 'PUT', undefined],
    ['If-Match in two headers', { 'if-match': ['"b"', '"a"'] }, there, 'PUT', undefined],
    ['If-Match with commas in a tag', { 'if-match': '"x,"a",y"' }, there, 'PUT', undefined],
    ['If-Match that does not', { 'if-match': '"b"' }, there, 'PUT', 412],
    ['If-Match, other case', { 'if-match': '"A"' }, there, 'PUT', 412],
    ['If-Match is strong: weak asked', { 'if-match': 'W/"a"' }, there, 'PUT', 412],
    ['If-Match is strong: weak there', { 'if-match': '"a"' }, weak, 'PUT', 412],
    ['If-Match without quotes', { 'if-match': 'a' }, there, 'PUT', undefined],
    ['If-Match without quotes in a list', { 'if-match': 'b, a' }, there, 'PUT', undefined],
    ['If-Match with nothing', { 'if-match': '' }, there, 'PUT', 412],
    ['If-Match with half a quote', { 'if-match': '"a' }, there, 'PUT', undefined],
    ['If-Match: *', { 'if-match': '*' }, there, 'PUT', undefined],
    ['If-Match: * for a collection', { 'if-match': ' * ' }, collection, 'DELETE', undefined],
    ['If-Match: * for nothing', { 'if-match': '*' }, gone, 'PUT', 412],
    ['If-Match for nothing', { 'if-match': '"a"' }, gone, 'PUT', 412],
    ['If-Match for what has no tag', { 'if-match': '"a"' }, collection, 'PUT', 412],
    ['If-None-Match: * for nothing', { 'if-none-match': '*' }, gone, 'PUT', undefined],
    ['If-None-Match: * for something', { 'if-none-match': '*' }, there, 'PUT', 412],
    ['If-None-Match: * on GET', { 'if-none-match': '*' }, there, 'GET', 304],
    ['If-None-Match on GET', { 'if-none-match': '"b", "a"' }, there, 'GET', 304],
    ['If-None-Match on HEAD', { 'if-none-match': '"a"' }, there, 'HEAD', 304],
    ['If-None-Match is weak', { 'if-none-match': 'W/"a"' }, there, 'GET', 304],
    ['If-None-Match that does not match', { 'if-none-match': '"b"' }, there, 'GET', undefined],
    ['If-None-Match on PUT', { 'if-none-match': '"a"' }, there, 'PUT', 412],
    ['If-Modified-Since, not', { 'if-modified-since': same }, there, 'GET', 304],
    ['If-Modified-Since, since', { 'if-modified-since': before }, there, 'GET', undefined],
    ['If-Modified-Since is for reading', { 'if-modified-since': same }, there, 'PUT', undefined],
    ['If-Modified-Since gives way to If-None-Match', { 'if-modified-since': same, 'if-none-match': '"b"' }, there, 'GET', undefined],
    ['If-Unmodified-Since, not', { 'if-unmodified-since': same }, there, 'PUT', undefined],
    ['If-Unmodified-Since, since', { 'if-unmodified-since': before }, there, 'PUT', 412],
    ['If-Unmodified-Since gives way to If-Match', { 'if-unmodified-since': before, 'if-match': '"a"' }, there, 'PUT', undefined],
    ['If-Unmodified-Since without a date', { 'if-unmodified-since': before }, gone, 'PUT', undefined],
    ['If-Match comes before If-None-Match', { 'if-match': '"b"', 'if-none-match': '"a"' }, there, 'GET', 412],
    ['a date of RFC 850', { 'if-unmodified-since': 'Sunday, 06-Nov-94 08:49:36 GMT' }, there, 'PUT', 412],
    ['a date of asctime', { 'if-unmodified-since': 'Sun Nov  6 08:49:36 1994' }, there, 'PUT', 412],
    ['a date that is none', { 'if-unmodified-since': '1994-11-06' }, there, 'PUT', undefined],
    ['a date that cannot be', { 'if-unmodified-since': 'Sun, 99 Nov 1994 08:49:36 GMT' }, there, 'PUT', undefined],
    ['If-Schedule-Tag-Match', { 'if-schedule-tag-match': '"s"' }, there, 'PUT', undefined],
    ['If-Schedule-Tag-Match, other', { 'if-schedule-tag-match': '"t"' }, there, 'PUT', 412],
    ['If-Schedule-Tag-Match for no scheduling object', { 'if-schedule-tag-match': '"s"' }, collection, 'PUT', 412],
    ['If-Schedule-Tag-Match for nothing', { 'if-schedule-tag-match': '"s"' }, gone, 'PUT', 412],
    ['If-Schedule-Tag-Match: *', { 'if-schedule-tag-match': '*' }, there, 'PUT', 412]
  ]
  for (const [why, headers, state, method, expected] of cases) t.equal(evaluate(conditions(headers), state, method), expected, why)
})

t.test('Range', async t => {
  const cases: [given: string | undefined, expected: ReturnType<typeof range>][] = [
    [undefined, undefined], ['bytes=0-4', { start: 0, end: 4 }], ['bytes=5-', { start: 5, end: 9 }], ['bytes=5-99', { start: 5, end: 9 }], ['bytes=-3', { start: 7, end: 9 }], ['bytes=-99', { start: 0, end: 9 }],
    ['Bytes=0-0', { start: 0, end: 0 }], ['bytes=10-', 'unsatisfiable'], ['bytes=-0', 'unsatisfiable'], ['bytes=5-4', undefined], ['bytes=0-1,3-4', undefined], ['lines=0-1', undefined], ['bytes=-', undefined], ['bytes=a-b', undefined], ['bytes=--1', undefined]
  ]
  for (const [given, expected] of cases) t.strictSame(range({ range: given }, 10), expected, String(given))
  t.equal(range({ range: 'bytes=-1' }, 0), 'unsatisfiable', 'an empty file')
  const state: State = { exists: true, etag: '"a"', modified: new Date('1994-11-06T08:49:37.5Z') }
  const some = { start: 0, end: 4 }
  for (const [given, expected] of [['"a"', some], ['"b"', undefined], ['W/"a"', undefined], ['Sun, 06 Nov 1994 08:49:37 GMT', some], ['Sun, 06 Nov 1994 08:49:38 GMT', undefined]] as const) {
    t.strictSame(range({ range: 'bytes=0-4', 'if-range': given }, 10, state), expected, `If-Range: ${given}`)
  }
})
