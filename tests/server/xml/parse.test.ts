import t from 'tap'
import { child, type Element, elements, text, xmlLang } from '../../../server/xml/element.js'
import { caldav, dav } from '../../../server/xml/name.js'
import { type Limits, parse } from '../../../server/xml/parse.js'

const limits: Limits = { bytes: 1_048_576, depth: 64, elements: 20_000 }
const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map(part => typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part)))
const utf16 = (source: string, order: 'le' | 'be'): Uint8Array => {
  const le = Buffer.from(`\ufeff${source}`, 'utf16le')
  return order === 'le' ? le : le.swap16()
}
/** An element as [name, attributes, ...children], to be compared. */
const plain = ({ name, attributes, children }: Element): unknown[] =>
  [name, { ...attributes }, ...children.map(each => typeof each === 'string' ? each : plain(each))]

t.test('reads', async t => {
  const cases: Record<string, [source: string | Uint8Array, expected: unknown[]]> = {
    'a default namespace': ['<a xmlns="DAV:"><b/></a>', ['{DAV:}a', {}, ['{DAV:}b', {}]]],
    'a default namespace that is taken back': ['<a xmlns="DAV:"><b xmlns=""/></a>', ['{DAV:}a', {}, ['{}b', {}]]],
    'no namespace at all': ['<a b="c"/>', ['{}a', { b: 'c' }]],
    'prefixes': ['<D:a xmlns:D="DAV:" xmlns:x="x}{y"><x:b/></D:a>', ['{DAV:}a', {}, ['{x}{y}b', {}]]],
    'a prefix bound again further in': ['<p:a xmlns:p="1"><p:a xmlns:p="2"/><p:a/></p:a>', ['{1}a', {}, ['{2}a', {}], ['{1}a', {}]]],
    'attributes: plain without namespace, prefixed with': ['<a xmlns="DAV:" xmlns:p="n" b="1" p:b="2"/>', ['{DAV:}a', { b: '1', '{n}b': '2' }]],
    'xml:lang': ['<a xml:lang="de"/>', ['{}a', { [xmlLang]: 'de' }]],
    'the prefix xml, declared as it is': ['<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:space="preserve"/>',
      ['{}a', { '{http://www.w3.org/XML/1998/namespace}space': 'preserve' }]],
    'the five entities and characters by number': ['<a b="&lt;&#34;&#9;">&amp;&lt;&gt;&quot;&apos;&#65;&#x1F600;&#0065;</a>', ['{}a', { b: '<"\t' }, '&<>"\'A\u{1f600}A']],
    'a reference only once': ['<a>&amp;lt;&amp;#65;</a>', ['{}a', {}, '&lt;&#65;']],
    'CDATA, joined with the text around it': ['<a>1<![CDATA[<&amp;]]]]><![CDATA[>]]>2</a>', ['{}a', {}, '1<&amp;]]>2']],
    'no comments and instructions': ['<?x?><!-- > --><a>1<!-- <b> -->2<?y <c/> ?>3</a><!-- --> <?z ?>\n', ['{}a', {}, '123']],
    'an instruction with a quotation mark': ["<a><?x ' ?><b/><?y ' ?></a>", ['{}a', {}, ['{}b', {}]]],
    'a comment with an end tag and quotes': ['<a><!-- </a> " \' --><b/></a>', ['{}a', {}, ['{}b', {}]]],
    'white space as it is': ['<a> <b>\n x\t</b>\n</a>', ['{}a', {}, ' ', ['{}b', {}, '\n x\t'], '\n']],
    'line ends as LF, a CR by number as CR': ['<a>1\r\n2\r3&#13;\n4&#xD;</a>', ['{}a', {}, '1\n2\n3\r\n4\r']],
    'white space in values as blanks': ['<a b="1\r\n2\t3&#10;"/>', ['{}a', { b: '1 2 3\n' }]],
    '> and / and = in values': ['<a b="/>" c=\'"=/\'>x</a>', ['{}a', { b: '/>', c: '"=/' }, 'x']],
    'space where it is allowed': ['<a\n b = "1"\n/>', ['{}a', { b: '1' }]],
    'an end tag with space': ['<a></a\n>', ['{}a', {}]],
    'names of members of Object': ['<toString xmlns="DAV:" __proto__="1" constructor="2"><constructor/><__proto__>x</__proto__><prototype/></toString>',
      ['{DAV:}toString', { ['__proto__']: '1', constructor: '2' }, ['{DAV:}constructor', {}], ['{DAV:}__proto__', {}, 'x'], ['{DAV:}prototype', {}]]],
    'numbers and words as text': ['<a b="007">1e3</a>', ['{}a', { b: '007' }, '1e3']],
    'names beyond ASCII': ['<größe xmlns="é"/>', ['{é}größe', {}]],
    'a declaration': ['<?xml version="1.0" encoding=\'UTF-8\' standalone="yes" ?>\r\n<a/>', ['{}a', {}]],
    'bytes in UTF-8': [bytes('<?xml version="1.0" encoding="utf-8"?><a>ü</a>'), ['{}a', {}, 'ü']],
    'bytes with a byte order mark': [bytes(0xef, 0xbb, 0xbf, '<a/>'), ['{}a', {}]],
    'a string with a byte order mark': ['\ufeff<a/>', ['{}a', {}]],
    'UTF-16, low byte first': [utf16('<?xml version="1.0" encoding="UTF-16"?><a>ü</a>', 'le'), ['{}a', {}, 'ü']],
    'UTF-16, high byte first': [utf16('<a>ü</a>', 'be'), ['{}a', {}, 'ü']],
    'a string that says it was something else': ['<?xml version="1.0" encoding="iso-8859-1"?><a>ü</a>', ['{}a', {}, 'ü']]
  }
  for (const [why, [source, expected]] of Object.entries(cases)) t.strictSame(plain(parse(source, limits)), expected, why)
})

t.test('refuses', async t => {
  const x = (inner: string): string => `<a xmlns="DAV:">${inner}</a>`
  const malformed: Record<string, string | Uint8Array> = {
    'nothing': '', 'white space': ' \n', 'words': 'hello', 'JSON': '{}', 'only a comment': '<!-- x -->', 'only a declaration': '<?xml version="1.0"?>',
    'an element without end': '<a><b></a>', 'an end that is missing': '<a>', 'an end too many': '<a/></a>', 'crossed ends': '<a><b></a></b>',
    'other case in the end tag': '<A></a>', 'an end tag that ends like an empty element': '<a></a/></a>', 'an end tag with a no-break space': '<a></a\u00a0>', 'an end tag with attribute': '<a></a b="1">',
    'space before a name': '< a/>', 'a broken start tag': '<a', 'a broken end tag': '<a></a', 'a tag in a tag': '<a <b/>>',
    'two roots': '<a/><b/>', 'two roots with ends': '<a></a><b></b>', 'text before': 'x<a/>', 'text after': '<a></a>x', 'text after an empty root': '<a/>x',
    'CDATA outside': '<a/><![CDATA[ ]]>', 'a reference outside': '<a/>&#32;', 'a byte order mark inside': '<a/>\ufeff',
    'an undeclared prefix': '<p:a/>', 'an undeclared prefix of an attribute': '<a p:b="1"/>', 'a prefix out of scope': x('<b xmlns:p="p"/><p:c/>'),
    'a prefix without namespace': '<a xmlns:p=""/>', 'two colons': '<p:q:a xmlns:p="p" xmlns:q="q"/>', 'a colon first': '<:a/>', 'a colon last': '<p: xmlns:p="p"/>',
    'a digit after the colon': '<p:1 xmlns:p="p"/>', 'xmlns: alone': '<a xmlns:="p"/>', 'an element in xmlns': '<xmlns:a/>',
    'xml bound to something else': '<a xmlns:xml="p"/>', 'something else bound to xml': '<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>',
    'xml as default': '<a xmlns="http://www.w3.org/XML/1998/namespace"/>', 'xmlns bound': '<a xmlns:xmlns="p"/>', 'something bound to xmlns': '<a xmlns:p="http://www.w3.org/2000/xmlns/"/>',
    'an attribute twice': '<a b="1" b="2"/>', 'an attribute twice by namespace': '<a xmlns:p="n" xmlns:q="n" p:b="1" q:b="2"/>',
    'an attribute twice by an entity in the namespace': '<a xmlns:p="n" xmlns:q="&#110;" p:b="1" q:b="2"/>',
    'an attribute without value': '<a b/>', 'an attribute without quotes': '<a b=1/>', 'an open value': '<a b="1/>', 'a stray =': '<a b="1"= c="2"/>', '/ inside a start tag': '<a / b="1"/>', 'no space between attributes': '<a b="1"c="2"/>',
    '< in a value': '<a b="<"/>', 'a wrong name': '<1/>', 'a wrong attribute name': '<a 1="1"/>',
    'a bare &': x('a & b'), 'a bare & at the end': x('&'), 'a bare & in a value': '<a b="&"/>', 'an open reference': x('&amp'), 'an unknown entity': x('&nbsp;'),
    'an unknown entity in a value': '<a b="&x;"/>', 'an entity of Object': x('&constructor;'), 'no number': x('&#;'), 'a wrong number': x('&#xg;'), 'X for x': x('&#X41;'), 'character 0': x('&#0;'),
    'a control character by number': x('&#x1;'), 'half a pair by number': x('&#xD800;'), 'beyond Unicode': x('&#x110000;'), 'a number without end': x(`&#${'9'.repeat(400)};`), 'U+FFFE by number': x('&#xfffe;'),
    ']]> in text': x(']]>'), '-- in a comment': x('<!-- -- -->'), 'a comment ending in --->': x('<!-- --->'), 'an open comment': x('<!--'), 'open CDATA': x('<![CDATA[ '), 'an open instruction': x('<?x'),
    'NUL': x('\0'), 'a control character': x('\x08'), 'half a pair': x('\ud800'), 'U+FFFF': x('\uffff'), 'NUL in a name': '<a\0/>',
    'a declaration too late': ' <?xml version="1.0"?><a/>', 'a second declaration': '<?xml version="1.0"?><?xml version="1.0"?><a/>', 'a declaration inside': x('<?XML version="1.0"?>'),
    'a declaration without version': '<?xml encoding="utf-8"?><a/>', 'a declaration with two kinds of quotes': '<?xml version="1.0\'?><a/>', 'version 2': '<?xml version="2.0"?><a/>', 'a nameless instruction': '<? x?><a/>', 'a wrong name of an instruction': '<?x:y?><a/>',
    'bytes that are not UTF-8': bytes('<a>', 0xff, '</a>'), 'overlong UTF-8': bytes('<a>', 0xc0, 0x80, '</a>'), 'cut UTF-8': bytes('<a>', 0xe2, 0x82, '</a>'), 'a surrogate in UTF-8': bytes('<a>', 0xed, 0xa0, 0x80, '</a>'),
    'another encoding': bytes('<?xml version="1.0" encoding="iso-8859-1"?><a/>'), 'UTF-7': bytes('<?xml version="1.0" encoding="utf-7"?><a/>'),
    'UTF-16 that is not': bytes('<?xml version="1.0" encoding="utf-16"?><a/>'), 'UTF-8 that is not': utf16('<?xml version="1.0" encoding="utf-8"?><a/>', 'le'),
    'UTF-16 without a mark': utf16('<a/>', 'le').subarray(2), 'an odd byte of UTF-16': bytes(0xff, 0xfe, 0x3c)
  }
  for (const [why, source] of Object.entries(malformed)) t.throws(() => parse(source, limits), { name: 'XmlError', reason: 'malformed', message: /^XML: .+$/ }, why)

  const doctypes = {
    'a DOCTYPE': '<!DOCTYPE a><a/>', 'in small letters': '<!doctype a><a/>', 'one with an entity': '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    'an external entity': '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    'many laughs': '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>', 'one inside': '<a><!DOCTYPE b></a>', 'an entity alone': '<!ENTITY x "y"><a/>'
  }
  for (const [why, source] of Object.entries(doctypes)) t.throws(() => parse(source, limits), { name: 'XmlError', reason: 'doctype' }, why)

  const large: Record<string, string> = {
    'too many bytes': `<a>${'x'.repeat(limits.bytes)}</a>`,
    'too many elements': `<a>${'<b/>'.repeat(limits.elements)}</a>`,
    'too deep': '<a>'.repeat(20_000) + '</a>'.repeat(20_000),
    'too deep and never closed': '<a>'.repeat(300_000),
    'too many attributes': `<a ${Array.from({ length: 90_000 }, (_, i) => `a${i}="1"`).join(' ')}/>`,
    'a long namespace': `<a xmlns="${'x'.repeat(2_000)}"/>`
  }
  for (const [why, source] of Object.entries(large)) t.throws(() => parse(source, limits), { name: 'XmlError', reason: 'limit' }, why)
  t.throws(() => parse('<a>ü</a>', { ...limits, bytes: 8 }), { name: 'XmlError', reason: 'limit' }, 'bytes are counted, not characters')
  t.throws(() => parse('<a>\n\n<b x="<"/></a>', limits), /line 3/, 'the line is named')
  t.notMatch(((): string => { try { parse(`<${'x\n'.repeat(999)}/>`, limits) } catch (error) { return (error as Error).message } return '' })(), /\n|.{300}/, 'the message is one short line')
})

t.test('never takes long', async t => {
  const megabyte = (part: string, around = ['<a>', '</a>']): string => `${around[0]}${part.repeat(Math.floor(1_000_000 / part.length))}${around[1]}`
  const sources = {
    'text': megabyte('x'), 'references': megabyte('&amp;'), 'bare ampersands': megabyte('&'), 'comments': megabyte('<!---->'), 'open comments': megabyte('<!--'),
    'CDATA': megabyte('<![CDATA[]]>'), 'open CDATA': megabyte('<![CDATA['), 'instructions': megabyte('<?x?>'), 'open instructions': megabyte('<?x'), 'half tags': megabyte('<'),
    'one long value': megabyte('x', ['<a b="', '"/>']), 'blanks in a tag': megabyte(' ', ['<a', '/>']), 'blanks in a tag that never ends': megabyte(' ', ['<a', '']), 'one long name': megabyte('x', ['<', '/>']),
    'attributes': megabyte(' a="1"', ['<a', '/>']), 'quotes': megabyte('"', ['<a b=', '/>']), 'attributes of many elements': `<a>${`<b ${Array.from({ length: 100 }, (_, i) => `a${i}="1"`).join(' ')}/>`.repeat(1_100)}</a>`,
    'elements': megabyte('<b/>', ['<a xmlns="DAV:">', '</a>']), 'elements and text': `<a>${'<b>x</b>y&lt;'.repeat(19_000)}</a>`,
    'a long namespace and many elements': `<a xmlns="${'n'.repeat(1_000)}">${'<b/>'.repeat(19_000)}</a>`,
    'a thousand scopes': `<a>${'<p:b xmlns:p="n" p:c="1"/>'.repeat(19_000)}</a>`,
    'a number without end': megabyte('0', ['<a>&#x', '</a>']), 'a declaration without end': megabyte(' ', ['<?xml', '']), 'ends': megabyte('</a>'), 'blank lines': megabyte('\r\n')
  }
  for (const [why, source] of Object.entries(sources)) {
    const start = process.cpuUsage()
    try { parse(source, limits) } catch (error) { t.match(error, { name: 'XmlError' }, why) }
    const { user, system } = process.cpuUsage(start)
    t.ok(user + system < 1_500_000, `${why}: ${Math.round((user + system) / 1000)} ms`)
  }
})

t.test('gives elements that can be walked', async t => {
  const query = parse(`<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
    <D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter/></C:calendar-query>`, limits)
  t.equal(query.name, caldav('calendar-query'))
  const prop = child(query, dav('prop')) as Element
  t.strictSame(elements(prop).map(each => each.name), [dav('getetag'), caldav('calendar-data')])
  t.equal(elements(query, caldav('filter')).length, 1)
  t.equal(child(query, dav('allprop')), undefined)
  t.equal(text(parse('<a>1<b>2</b>3</a>', limits)), '13')
  t.equal(Object.getPrototypeOf(query.attributes), null)
})
