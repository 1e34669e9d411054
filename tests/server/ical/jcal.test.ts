import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ICAL from 'ical.js'
import t from 'tap'
import { asText, mediaWanted } from '../../../server/calendar/media.js'
import type { Component, Property } from '../../../server/ical/component.js'
import { fromJcal, toJcal } from '../../../server/ical/jcal.js'
import { decode, IcalError, parse } from '../../../server/ical/parse.js'
import { write } from '../../../server/ical/write.js'

const directory = process.env['CALDAVD_CORPUS'] ?? join(import.meta.dirname, '../../fixture/ics')
const entries = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as { file: string, valid: boolean }[]
const corpus = entries.flatMap(({ file, valid }) => {
  try {
    return [{ file, valid, calendar: parse(decode(readFileSync(join(directory, file)))) }]
  } catch (error) {
    if (error instanceof IcalError) return []
    throw error
  }
})

function calendarOf (lines: string): Component {
  return parse(`BEGIN:VCALENDAR\nBEGIN:VEVENT\n${lines}\nEND:VEVENT\nEND:VCALENDAR\n`)
}

function jcalOf (line: string): unknown {
  return (toJcal(calendarOf(line)) as [string, unknown[], [string, unknown[]][]])[2][0]?.[1][0]
}

function lineOf (property: unknown): string {
  const text = write(fromJcal(JSON.parse(JSON.stringify(['vcalendar', [], [['vevent', [property], []]]]))))
  return text.split('\r\nBEGIN:VEVENT\r\n')[1]!.split('\r\nEND:VEVENT')[0]!.replace(/\r\n /g, '')
}

t.test('properties, both ways', async t => {
  for (const [line, json] of [
    ['SUMMARY:Meeting\\, with Fred\\nat noon', ['summary', {}, 'text', 'Meeting, with Fred\nat noon']],
    ['CATEGORIES:Meetings,A\\,B', ['categories', {}, 'text', 'Meetings', 'A,B']],
    ['GEO:37.386013;-122.082932', ['geo', {}, 'float', [37.386013, -122.082932]]],
    ['REQUEST-STATUS:2.0;Success', ['request-status', {}, 'text', ['2.0', 'Success']]],
    ['REQUEST-STATUS:3.7;Invalid\\; user;ATTENDEE:mailto:a@example.org', ['request-status', {}, 'text', ['3.7', 'Invalid; user', 'ATTENDEE:mailto:a@example.org']]],
    ['ATTENDEE;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:a@example.com', ['attendee', { partstat: 'ACCEPTED', rsvp: 'TRUE' }, 'cal-address', 'mailto:a@example.com']],
    ['ATTENDEE;DELEGATED-TO="mailto:a@example.org","mailto:b@example.org":mailto:c@example.org', ['attendee', { 'delegated-to': ['mailto:a@example.org', 'mailto:b@example.org'] }, 'cal-address', 'mailto:c@example.org']],
    ["ATTENDEE;CN=^'A^':mailto:a@example.org", ['attendee', { cn: '"A"' }, 'cal-address', 'mailto:a@example.org']],
    ['ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8gV29ybGQh', ['attach', { encoding: 'BASE64' }, 'binary', 'SGVsbG8gV29ybGQh']],
    ['X-NON-SMOKING;VALUE=BOOLEAN:TRUE', ['x-non-smoking', {}, 'boolean', true]],
    ['DTSTART;VALUE=DATE:20110517', ['dtstart', {}, 'date', '2011-05-17']],
    ['DTSTAMP:20121017T120000Z', ['dtstamp', {}, 'date-time', '2012-10-17T12:00:00Z']],
    ['DTEND;TZID=Europe/Berlin:20111017T130000', ['dtend', { tzid: 'Europe/Berlin' }, 'date-time', '2011-10-17T13:00:00']],
    ['DTSTART;X-SLACK=30.3;VALUE=DATE:20110512', ['dtstart', { 'x-slack': '30.3' }, 'date', '2011-05-12']],
    ['DURATION:P1D', ['duration', {}, 'duration', 'P1D']],
    ['TRIGGER;VALUE=DATE-TIME:19980403T120000Z', ['trigger', {}, 'date-time', '1998-04-03T12:00:00Z']],
    ['X-GRADE;VALUE=FLOAT:1.3', ['x-grade', {}, 'float', 1.3]],
    ['PERCENT-COMPLETE:42', ['percent-complete', {}, 'integer', 42]],
    ['FREEBUSY;FBTYPE=FREE:19970308T160000Z/P1D', ['freebusy', { fbtype: 'FREE' }, 'period', ['1997-03-08T16:00:00Z', 'P1D']]],
    ['FREEBUSY:19970308T160000Z/PT3H,19970308T200000Z/19970308T210000Z', ['freebusy', {}, 'period', ['1997-03-08T16:00:00Z', 'PT3H'], ['1997-03-08T20:00:00Z', '1997-03-08T21:00:00Z']]],
    ['RDATE;TZID=US/Eastern;VALUE=PERIOD:20060102T150000/PT2H', ['rdate', { tzid: 'US/Eastern' }, 'period', ['2006-01-02T15:00:00', 'PT2H']]],
    ['EXDATE;VALUE=DATE:20060102,20060103', ['exdate', {}, 'date', '2006-01-02', '2006-01-03']],
    ['RRULE:FREQ=YEARLY;COUNT=5;BYDAY=-1SU,2MO;BYMONTH=10', ['rrule', {}, 'recur', { freq: 'YEARLY', count: 5, byday: ['-1SU', '2MO'], bymonth: 10 }]],
    ['RRULE:FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,15,-1;UNTIL=20131001', ['rrule', {}, 'recur', { freq: 'MONTHLY', interval: 2, bymonthday: [1, 15, -1], until: '2013-10-01' }]],
    ['RRULE:FREQ=YEARLY;RSCALE=CHINESE;SKIP=FORWARD;BYMONTH=5L', ['rrule', {}, 'recur', { freq: 'YEARLY', rscale: 'CHINESE', skip: 'FORWARD', bymonth: '5L' }]],
    ['X-TIME-UTC;VALUE=TIME:123000Z', ['x-time-utc', {}, 'time', '12:30:00Z']],
    ['TZURL:http://example.org/tz/Europe-Berlin.ics', ['tzurl', {}, 'uri', 'http://example.org/tz/Europe-Berlin.ics']],
    ['TZOFFSETFROM:-0500', ['tzoffsetfrom', {}, 'utc-offset', '-05:00']],
    ['TZOFFSETTO:-045602', ['tzoffsetto', {}, 'utc-offset', '-04:56:02']],
    ['X-COMPLAINT-DEADLINE:20110512T120000Z', ['x-complaint-deadline', {}, 'unknown', '20110512T120000Z']],
    ['X-COFFEE-DATA:Stenophylla;Guinea\\,Africa', ['x-coffee-data', {}, 'unknown', 'Stenophylla;Guinea\\,Africa']],
    ['X-DAYS;VALUE=DATE:20060102,20060103', ['x-days', {}, 'date', '2006-01-02', '2006-01-03']],
    ['X-NEW;VALUE=X-TYPE:a\\,b', ['x-new', {}, 'x-type', 'a\\,b']],
    // what has not the form of its type is kept as it is
    ['RRULE:FREQ=DAILY;FREQ=WEEKLY', ['rrule', {}, 'unknown', 'FREQ=DAILY;FREQ=WEEKLY']],
    ['DTSTART:tomorrow', ['dtstart', {}, 'unknown', 'tomorrow']]
  ] as const) {
    t.strictSame(jcalOf(line), json, line)
    t.equal(lineOf(json), line)
  }
})

t.test('other ways to write it in text', async t => {
  t.strictSame(jcalOf('DTSTART:20110517'), ['dtstart', {}, 'date', '2011-05-17'], 'VALUE left out')
  t.strictSame(jcalOf('TRIGGER:19980403T120000Z'), ['trigger', {}, 'date-time', '1998-04-03T12:00:00Z'])
  t.strictSame(jcalOf('ATTACH;ENCODING=BASE64:SGVsbG8='), ['attach', { encoding: 'BASE64' }, 'binary', 'SGVsbG8='], 'not a URI')
  t.strictSame(jcalOf('DESCRIPTION;ENCODING=BASE64:SGVsbG8sIFdvcmxk'), ['description', {}, 'text', 'Hello, World'], 'RFC 7265 3.1')
  t.strictSame(jcalOf('PRIORITY:+007'), ['priority', {}, 'integer', 7])
})

t.test('other ways to write it in JSON', async t => {
  for (const [json, line] of [
    [['DTSTART', {}, 'DATE-TIME', '20060101T000000Z'], 'DTSTART:20060101T000000Z'],
    [['rdate', {}, 'period', '2006-01-02T15:00:00/PT2H'], 'RDATE;VALUE=PERIOD:20060102T150000/PT2H'],
    [['rrule', {}, 'recur', { bymonth: [4], freq: 'YEARLY', byday: ['1SU'] }], 'RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU'],
    [['attach', {}, 'binary', 'SGVsbG8='], 'ATTACH;VALUE=BINARY;ENCODING=BASE64:SGVsbG8='],
    [['attendee', { member: ['mailto:a@example.org'], value: 'x' }, 'cal-address', 'mailto:b@example.org'], 'ATTENDEE;MEMBER="mailto:a@example.org":mailto:b@example.org'],
    [['geo', {}, 'float', [1e-7, 2]], 'GEO:0.0000001;2'],
    [['summary', {}, 'text', 'a;b,c\\d\r\ne'], 'SUMMARY:a\\;b\\,c\\\\d\\ne'],
    [['x-foo', {}, 'text', 'a'], 'X-FOO;VALUE=TEXT:a']
  ] as const) t.equal(lineOf(json), line)
})

t.test('what is no jCal is refused, with the place', async t => {
  const event = (...properties: unknown[]): unknown => ['vcalendar', [], [['vevent', properties, []]]]
  let deep: unknown = ['vevent', [], []]
  for (let depth = 0; depth < 10; depth++) deep = ['vevent', [], [deep]]
  for (const [why, json, message] of [
    ['no array', {}, /expected one jCal object/],
    ['a stream of objects', [['vcalendar', [], []]], /expected one jCal object/],
    ['no components', ['vcalendar', []], /expected a component/],
    ['a component that is none', ['vcalendar', [], [[]]], /VCALENDAR\[1\]: expected a component/],
    ['a calendar inside', ['vcalendar', [], [['vcalendar', [], []]]], /expected one VCALENDAR/],
    ['too deep', ['vcalendar', [], [deep]], /at most 8 deep/],
    ['a property that is none', event('summary'), /VCALENDAR\[1\]\/VEVENT, property 1: expected a property/],
    ['no value', event(['summary', {}, 'text']), /expected a value in SUMMARY/],
    ['no parameters', event(['summary', [], 'text', 'a']), /object of parameters in SUMMARY/],
    ['no type', event(['summary', {}, 'a b', 'a']), /type identifier in SUMMARY/],
    ['a component for a name', event(['begin', {}, 'unknown', 'VEVENT']), /name of a property/],
    ['a line break in a name', event(['x\r\ny', {}, 'text', 'a']), /name of a property/],
    ['a line break in a value', event(['x-a', {}, 'unknown', 'a\r\nEND:VEVENT']), /X-A to hold unknown/],
    ['a line break in a URI', event(['url', {}, 'uri', 'a\nb']), /URL to hold uri/],
    ['a line break in a rule', event(['rrule', {}, 'recur', { freq: 'DAILY\r\nX:1' }]), /RRULE to hold recur/],
    ['a rule as a string', event(['rrule', {}, 'recur', 'FREQ=DAILY']), /RRULE to hold recur/],
    ['a control character', event(['summary', {}, 'text', 'a\u0000']), /SUMMARY to hold text/],
    ['half a character', event(['summary', {}, 'text', '\ud800']), /SUMMARY to hold text/],
    ['a number as text', event(['summary', {}, 'text', 1]), /SUMMARY to hold text/],
    ['no date', event(['dtstart', {}, 'date', '2026-02-30']), /DTSTART to hold date/],
    ['half a number', event(['priority', {}, 'integer', 1.5]), /PRIORITY to hold integer/],
    ['a parameter twice', event(['summary', { a: '1', A: '2' }, 'text', 'a']), /parameter A once/],
    ['a parameter that is a number', event(['summary', { a: 1 }, 'text', 'a']), /parameter A as a string/],
    ['a control character in a parameter', event(['summary', { a: '\u0007' }, 'text', 'a']), /parameter A as a string/],
    ['a bad parameter name', event(['summary', JSON.parse('{"__proto__":"a"}'), 'text', 'a']), /name of a parameter/],
    ['10,001 values of a parameter', event(['attendee', { member: Array.from({ length: 10_001 }, () => 'a') }, 'cal-address', 'a']), /at most 10000 parameter values/],
    ['250,001 properties', ['vcalendar', Array.from({ length: 250_001 }, () => ['x', {}, 'text', 'a']), []], /at most 250000 properties/]
  ] as const) t.throws(() => fromJcal(json), { name: 'IcalError', reason: 'valid-calendar-data', message }, why)
})

t.test('the corpus: text, jCal and text again mean the same', async t => {
  t.ok(corpus.length > 5, `${corpus.length} files`)
  for (const { file, calendar } of corpus) {
    const back = fromJcal(JSON.parse(JSON.stringify(toJcal(calendar))))
    const differences = compare(calendar, back)
    if (differences.length > 0) t.fail(`${file}: ${differences.slice(0, 3).join('; ')}`)
  }
})

/** What differs in meaning: VALUE that is the default or told by the form, escapes that stand for themselves, base64 that need not be. */
function compare (one: Component, other: Component): string[] {
  if (one.name !== other.name || one.properties.length !== other.properties.length || one.components.length !== other.components.length) return [`${one.name}: other parts`]
  return [
    ...one.properties.flatMap((each, at) => same(each, other.properties[at]!) ? [] : [`${meaning(each)} / ${meaning(other.properties[at]!)}`]),
    ...one.components.flatMap((each, at) => compare(each, other.components[at]!))
  ]
}

function same (one: Property, other: Property): boolean {
  return meaning(one) === meaning(other)
}

const numbers = new Set(['PRIORITY', 'SEQUENCE', 'PERCENT-COMPLETE', 'REPEAT', 'GEO'])
// a comma that is not escaped in text that is no list
const list = new Set(['CATEGORIES', 'RESOURCES', 'REQUEST-STATUS'])

function meaning ({ name, parameters, value }: Property): string {
  const own = Object.entries(parameters).filter(([key]) => key !== 'VALUE').sort(([a], [b]) => a < b ? -1 : 1)
  const parts = name === 'RRULE' || name === 'EXRULE' ? value.split(';').filter(part => part !== '').map(part => part.toUpperCase().replace(/=\+/, '=')).sort() : []
  const content = numbers.has(name)
    ? value.split(';').map(Number).join(';')
    : parts.length > 0 ? parts.join(';') : list.has(name) ? value.replaceAll('\\,', ',') : value.replace(/\\([,;nN\\])/g, (_, escaped: string) => /n/i.test(escaped) ? '\n' : escaped)
  return JSON.stringify([name, own, content.replace(/\r\n?/g, '\n')])
}

t.test('the corpus: ical.js, which Thunderbird reads with, makes the same of it', async t => {
  let read = 0
  for (const { file, valid, calendar } of corpus) {
    // each reads broken values in its own way
    if (!valid) continue
    const theirs = ICAL.parse(write(calendar)) as unknown
    const ours = JSON.parse(JSON.stringify(toJcal(calendar))) as unknown
    const differences = differ(ours, theirs, '')
    if (differences.length > 0) t.fail(`${file}: ${differences.slice(0, 3).join('\n')}`)
    read++
  }
  t.ok(read > 5, `${read} files`)
})

function differ (ours: unknown, theirs: unknown, where: string): string[] {
  const [name, properties, components] = ours as [string, unknown[][], unknown[]]
  const [theirName, theirProperties, theirComponents] = theirs as [string, unknown[][], unknown[]]
  if (name !== theirName || properties.length !== theirProperties.length || components.length !== theirComponents.length) return [`${where}: ${name} has other parts`]
  return [
    ...properties.flatMap((each, at) => {
      const [a, b] = [JSON.stringify(each), JSON.stringify(theirProperties[at])]
      return a === b || known.some(difference => difference(each, b)) ? [] : [`${where} ${a} / ${b}`]
    }),
    ...components.flatMap((each, at) => differ(each, theirComponents[at], `${where}/${name}`))
  ]
}

/** Where ical.js does not follow the RFC, or another reading is as good. */
const known: readonly ((ours: unknown[], theirs: string) => boolean)[] = [
  // RFC 7265 3.6.10: WKST is a string
  (ours, theirs) => JSON.stringify(ours) === theirs.replace(/"wkst":(\d)/, (_, day: string) => `"wkst":"${['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][Number(day) - 1] ?? ''}"`),
  // a DATE without VALUE
  ([, , type], theirs) => type === 'date' && theirs.endsWith('T::"]'),
  // RFC 5545 3.2: a backslash escapes nothing in a parameter
  ([name], theirs) => theirs.startsWith('["x-apple-structured-location"') && name === 'x-apple-structured-location'
]

t.test('a body is stored as text', async t => {
  const text = Buffer.from('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n')
  for (const type of ['text/calendar; charset=utf-8', undefined, '', 'application/octet-stream']) {
    const { bytes, isConverted } = asText(text, type)
    t.equal(bytes, text, type ?? 'none')
    t.equal(isConverted, false)
  }
  const { bytes, isConverted } = asText(Buffer.from('\ufeff["vcalendar", [["version", {}, "text", "2.0"]], []]'), 'Application/Calendar+JSON; charset=utf-8')
  t.equal(bytes.toString(), 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n')
  t.equal(isConverted, true)
  t.throws(() => asText(text, 'text/vcard'), { status: 403, message: /text\/vcard/ })
  t.throws(() => asText(text, 'application/calendar+json'), { status: 403, message: /expected JSON/ })
  t.throws(() => asText(Buffer.from([0x22, 0xff, 0x22]), 'application/calendar+json'), { message: /UTF-8/ })
  t.throws(() => asText(Buffer.from('['.repeat(1_000_000)), 'application/calendar+json'), { message: /expected JSON/ })
  t.throws(() => asText(Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)), 'application/calendar+json'), { message: /expected one jCal object/ })
})

t.test('which form is wanted', async t => {
  for (const [accept, form] of [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/*', 'text'],
    ['application/*', 'json'],
    ['application/calendar+json', 'json'],
    ['Application/Calendar+JSON; charset=utf-8', 'json'],
    ['application/calendar+json, text/calendar', 'text'],
    ['text/calendar;q=0.2, application/calendar+json;q=0.5', 'json'],
    ['text/calendar;q=0.2, */*;q=0.5', 'json'],
    ['text/calendar;q=0, */*', 'json'],
    ['application/calendar+json;q=0', undefined],
    ['text/html', undefined],
    ['text/html, */*;q=0.1', 'text'],
    ['*/*;q=0', undefined],
    ['text/xml, text/calendar', 'text']
  ] as const) t.equal(mediaWanted(accept), form, accept ?? 'none')
})
