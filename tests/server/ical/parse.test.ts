import t from 'tap'
import type { Component } from '../../../server/ical/component.js'
import { decode, IcalError, parse } from '../../../server/ical/parse.js'
import { write } from '../../../server/ical/write.js'

const inside = (...lines: string[]): string => ['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR', ''].join('\r\n')
const refusal = (text: string): string => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof IcalError && error.reason === 'valid-calendar-data' && error.name === 'IcalError') return error.message
    throw error
  }
  return 'accepted'
}
const only = (text: string) => {
  const found = parse(inside(text)).properties[0]
  return found && { name: found.name, parameters: { ...found.parameters }, value: found.value }
}

t.test('a content line', async t => {
  for (const [why, text, expected] of [
    ['name in any case', 'summary:Lunch', { name: 'SUMMARY', parameters: {}, value: 'Lunch' }],
    ['value stays escaped', 'SUMMARY:a\\, b\\nc', { name: 'SUMMARY', parameters: {}, value: 'a\\, b\\nc' }],
    ['empty value', 'DESCRIPTION:', { name: 'DESCRIPTION', parameters: {}, value: '' }],
    ['colons in the value', 'URL:http://a:80/', { name: 'URL', parameters: {}, value: 'http://a:80/' }],
    ['parameters', 'DTSTART;tzid=Europe/Rome;VALUE=DATE-TIME:x', { name: 'DTSTART', parameters: { TZID: ['Europe/Rome'], VALUE: ['DATE-TIME'] }, value: 'x' }],
    ['several values, quoted with delimiters', 'A;B="x:y;z,w",c,"":v', { name: 'A', parameters: { B: ['x:y;z,w', 'c', ''] }, value: 'v' }],
    ['RFC 6868', 'A;B=^n^^^\'^x,"a^\'b":v', { name: 'A', parameters: { B: ['\n^"^x', 'a"b'] }, value: 'v' }],
    ['empty parameter', 'A;B=:v', { name: 'A', parameters: { B: [''] }, value: 'v' }],
    ['iOS: escaped semicolon in X-TITLE', 'X-A;X-TITLE=Street 1\\; 4041 Linz;X-RADIUS=70:geo:1,2', { name: 'X-A', parameters: { 'X-TITLE': ['Street 1\\; 4041 Linz'], 'X-RADIUS': ['70'] }, value: 'geo:1,2' }],
    ['space of a folding before a quote', 'A;B= "x:y";C=d:v', { name: 'A', parameters: { B: ['x:y'], C: ['d'] }, value: 'v' }],
    ['names of Object.prototype', '__PROTO__X;CONSTRUCTOR=a:v', undefined],
    ['harmless names', 'CONSTRUCTOR;__proto__=a:v', undefined],
    ['toString as parameter', 'CONSTRUCTOR;TOSTRING=a;HASOWNPROPERTY=b:v', { name: 'CONSTRUCTOR', parameters: { TOSTRING: ['a'], HASOWNPROPERTY: ['b'] }, value: 'v' }],
    ['underscore inside a name', 'X-A_B:v', { name: 'X-A_B', parameters: {}, value: 'v' }]
  ] as const) {
    if (expected === undefined) t.match(refusal(inside(text)), /^line 2: expected /, why)
    else t.same(only(text), expected, why)
  }
})

t.test('lines', async t => {
  const folded = parse('BEGIN:VCALENDAR\nSUMMARY:a\n b\r\n\tc\n  d\nX-B:e\n\n \nX-C:f\nEND:VCALENDAR\n\n\r\n  \n')
  t.same(folded.properties.map(({ name, value, line }) => [name, value, line]), [['SUMMARY', 'abc d', 2], ['X-B', 'e', 6], ['X-C', 'f', 9]], 'unfolded, LF and CRLF, blank lines')
  t.same(parse('\ufeff' + inside('A:b')).properties[0]?.value, 'b', 'byte order mark')
  const nested = parse(inside('BEGIN:vevent', 'A:1', 'BEGIN:VALARM', 'END:valarm', 'B:2', 'END:VEVENT '))
  t.match(nested.components[0], { name: 'VEVENT', line: 2, properties: [{ name: 'A' }, { name: 'B' }], components: [{ name: 'VALARM', line: 4 }] }, 'components')
})

t.test('what is refused, with the line', async t => {
  for (const [why, text, expected] of [
    ['nothing', '', /^line 1: expected BEGIN:VCALENDAR, found nothing$/],
    ['no VCALENDAR', 'BEGIN:VEVENT\nEND:VEVENT', /^line 1: expected BEGIN:VCALENDAR, found BEGIN:"VEVENT"$/],
    ['a property outside', 'A:b', /^line 1: expected BEGIN:VCALENDAR, found "A:b"$/],
    ['not ended', 'BEGIN:VCALENDAR\nBEGIN:VEVENT\n', /^line 3: expected END:VEVENT \(begun in line 2\), found the end of the text$/],
    ['wrong END', inside('BEGIN:VEVENT', 'END:VTODO'), /^line 3: expected END:VEVENT \(begun in line 2\), found "END:VTODO"$/],
    ['END too many', inside('END:VEVENT'), /^line 2: expected END:VCALENDAR/],
    ['text after the end', inside() + 'A:b', /^line 3: expected nothing after END:VCALENDAR, found "A:b"$/],
    ['two calendars', inside() + inside(), /^line 3: expected one VCALENDAR, found another$/],
    ['calendar in calendar', inside('BEGIN:VCALENDAR', 'END:VCALENDAR'), /^line 2: expected one VCALENDAR, found another inside/],
    ['no colon', inside('A:b', 'SUMMARY'), /^line 3: expected ":" after the name of the property, found the end of the line/],
    ['a group', inside('G.A:b'), /^line 2: expected the name of a property/],
    ['no name', inside(':b'), /^line 2: expected the name of a property/],
    ['a space in the name', inside('A B:c'), /^line 2: expected the name of a property/],
    ['parameter without =', inside('A;B:c'), /^line 2: expected name=value after ";", found "B:c"$/],
    ['parameter without name', inside('A;=b:c'), /^line 2: expected name=value/],
    ['empty parameter', inside('A;:c'), /^line 2: expected name=value/],
    ['semicolon that is no escape', inside('A;B=c; d:e'), /^line 2: expected name=value/],
    ['parameter twice', inside('A;B=c;b=d:e'), /^line 2: expected the parameter "B" once/],
    ['open quote', inside('A;B="c:d'), /^line 2: expected a closing quote/],
    ['text after a quote', inside('A;B="c"d:e'), /^line 2: expected "," ";" or ":" after the quoted parameter/],
    ['quote in a parameter', inside('A;B=c"d":e'), /^line 2: expected no quote inside/],
    ['no colon after parameters', inside('A;B=c'), /^line 2: expected ":" after the parameters/],
    ['NUL', inside('A:b', 'A:\0'), /^line 3: expected text, found the control character U\+0000$/],
    ['escape', inside('A:\x1b'), /U\+001B/],
    ['CR alone', inside('A:b\rB:c'), /^line 2: expected CRLF or LF, found a CR alone$/],
    ['CR CR LF', inside('A:b\r\r\nB:c'), /found a CR alone$/],
    ['component without name', inside('BEGIN:'), /^line 2: expected the name of a component/],
    ['too deep', 'BEGIN:VCALENDAR\n' + 'BEGIN:X\n'.repeat(10_000), /^line 9: expected components at most 8 deep$/],
    ['too many lines', 'BEGIN:VCALENDAR\n' + 'A:b\n'.repeat(300_000), /^line 250001: expected at most 250000 content lines$/],
    ['too many parameters', inside('A;B=' + 'c,'.repeat(20_000) + ':d'), /^line 2: expected at most 10000 parameter values$/]
  ] as const) t.match(refusal(text), expected, why)
})

t.test('long input takes linear time', async t => {
  const began = performance.now()
  for (const text of [inside('A:' + 'x'.repeat(1e7)), inside('A:' + 'x\r\n '.repeat(1e6)), inside('A;B=' + ('\\;' + 'a'.repeat(2000)).repeat(2000) + ':c'), inside('A;B=' + ' '.repeat(1e6) + ':c')]) write(parse(text))
  t.ok(performance.now() - began < 10_000)
})

t.test('octets', async t => {
  t.equal(decode(Buffer.from('\ufeffBEGIN:VCALENDAR – ü')), 'BEGIN:VCALENDAR – ü')
  t.throws(() => decode(Buffer.from([65, 10, 66, 10, 0xe9, 65, 10])), { name: 'IcalError', reason: 'valid-calendar-data', line: 3, message: 'line 3: expected UTF-8, found octets that are not' })
  t.throws(() => decode(Buffer.from([0xed, 0xa0, 0x80])), { name: 'IcalError', line: 1 }, 'a surrogate')
})

t.test('writing gives back what was read', async t => {
  const plain = ({ name, properties, components }: Component): unknown => [name, properties.map(each => [each.name, { ...each.parameters }, each.value]), components.map(plain)]
  const text = inside('VERSION:2.0', 'SUMMARY:' + 'ü€😀a'.repeat(60), 'A;B="x:y",z,"";C=^n^^^\':v', 'X-EMPTY:', 'BEGIN:VEVENT', 'UID:' + 'u'.repeat(200), 'BEGIN:X-B', 'END:X-B', 'END:VEVENT')
  const written = write(parse(text))
  t.same(plain(parse(written)), plain(parse(text)))
  t.equal(write(parse(written)), written, 'twice is once')
  for (const line of written.split('\r\n')) {
    t.ok(Buffer.byteLength(line) <= 75, 'at most 75 octets')
    t.notOk(/[\ud800-\udbff]$/.test(line) || line.includes('\n'), 'cut between code points')
  }
  t.match(written, 'A;B="x:y",z,;C=^n^^^\':v\r\n')
  const one = (value: string, parameter: string): string => write({ name: 'X', line: 0, components: [], properties: [{ name: 'A', parameters: { B: [parameter] }, value, line: 0 }] })
  t.equal(one('a\nB:c', 'd"e\r\nf;g'), 'BEGIN:X\r\nA;B="d^\'e^nf;g":a\\nB:c\r\nEND:X\r\n', 'a line feed never ends a property')
})
