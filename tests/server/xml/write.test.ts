import t from 'tap'
import { type Element, element, elementWith, xmlLang } from '../../../server/xml/element.js'
import { apple, caldav, cs, dav, type Name, split } from '../../../server/xml/name.js'
import { parse } from '../../../server/xml/parse.js'
import { declarations, escapeAttribute, escapeText, fragment, knownPrefixes, write } from '../../../server/xml/write.js'

const limits = { bytes: 1_000_000, depth: 64, elements: 1_000 }
const bare = (root: Element): string => write(root, { declaration: false })

t.test('names', async t => {
  for (const [name, namespace, local] of [
    [dav('prop'), 'DAV:', 'prop'], [caldav('calendar'), 'urn:ietf:params:xml:ns:caldav', 'calendar'],
    [cs('getctag'), 'http://calendarserver.org/ns/', 'getctag'], [apple('calendar-color'), 'http://apple.com/ns/ical/', 'calendar-color'],
    ['{}x', '', 'x'], ['{a}{b}x', 'a}{b', 'x']
  ] as [Name, string, string][]) t.strictSame(split(name), [namespace, local], name)
})

t.test('writes', async t => {
  const cases: Record<string, [Element, string]> = {
    'an empty element': [element(dav('a')), '<D:a xmlns:D="DAV:"/>'],
    'text and elements in order': [element(dav('a'), '1', element(dav('b')), '2'), '<D:a xmlns:D="DAV:">1<D:b/>2</D:a>'],
    'known prefixes where used, on the root': [element(dav('a'), element(caldav('b'), element(cs('c'), element(apple('d'))))),
      '<D:a xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"><C:b><CS:c><A:d/></CS:c></C:b></D:a>'],
    'other namespaces as ns1, ns2': [element('{x}a', element('{y}b'), element('{x}c')), '<ns1:a xmlns:D="DAV:" xmlns:ns1="x" xmlns:ns2="y"><ns2:b/><ns1:c/></ns1:a>'],
    'no namespace without prefix': [element('{}a', element(dav('b'))), '<a xmlns:D="DAV:"><D:b/></a>'],
    'a namespace that needs escaping': [element('{"&<}a'), '<ns1:a xmlns:D="DAV:" xmlns:ns1="&quot;&amp;&lt;"/>'],
    'attributes': [elementWith(dav('a'), { b: '1', '{x}c': '"<&>\t\n\r', [xmlLang]: 'de' }),
      '<D:a xmlns:D="DAV:" xmlns:ns1="x" b="1" ns1:c="&quot;&lt;&amp;&gt;&#9;&#10;&#13;" xml:lang="de"/>'],
    'text that needs escaping': [element(dav('a'), '<&>"\']]>\r\n\t'), '<D:a xmlns:D="DAV:">&lt;&amp;&gt;"\']]&gt;&#13;\n\t</D:a>'],
    'what XML cannot hold as U+FFFD': [elementWith(dav('a'), { b: '\0' }, '\x01\ud800x\udc00\uffff\u{1f600}'), '<D:a xmlns:D="DAV:" b="\ufffd">\ufffd\ufffdx\ufffd\ufffd\u{1f600}</D:a>']
  }
  for (const [why, [source, expected]] of Object.entries(cases)) {
    t.equal(bare(source), expected, why)
    t.equal(bare(parse(write(source), limits)), expected, `${why}: read and written again`)
  }
  t.equal(write(element(dav('a'))), '<?xml version="1.0" encoding="utf-8"?>\n<D:a xmlns:D="DAV:"/>')
  t.strictSame(parse(write(element('{x}a', 'a\r\n]]>', elementWith('{x}b', { c: ' \n' }))), limits), element('{x}a', 'a\r\n]]>', elementWith('{x}b', { c: ' \n' })), 'nothing is lost')
})

t.test('writes fragments for a stream whose root declares the known prefixes', async t => {
  t.equal(fragment(element(caldav('a'), element(dav('b')))), '<C:a><D:b/></C:a>')
  t.equal(fragment(element('{x}a', element('{x}b', element('{y}c')))), '<ns1:a xmlns:ns1="x" xmlns:ns2="y"><ns1:b><ns2:c/></ns1:b></ns1:a>')
  t.equal(fragment(element('{x}a'), new Map([...knownPrefixes, ['x', 'X']])), '<X:a/>')
  t.equal(fragment(element('{y}a'), new Map([['x', 'ns1']])), '<ns2:a xmlns:ns2="y"/>', 'a taken prefix is not given again')
  const stream = `<D:all${declarations}>${fragment(element('{x}a', element(apple('b'))))}</D:all>`
  t.strictSame(parse(stream, limits), element(dav('all'), element('{x}a', element(apple('b')))))
})

t.test('escapes only what must be', async t => {
  const same = 'SUMMARY:Grüße "an\' alle\n\t\u{1f600}'
  t.equal(escapeText(same), same)
  t.equal(escapeText('a&b\r'), 'a&amp;b&#13;')
  t.equal(escapeAttribute('a\'b"\x7f'), 'a\'b&quot;\x7f')
})
