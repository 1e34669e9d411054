import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { textMatcher } from '../../../server/ical/collation.js'
import { matches, type CompFilter, type ParamFilter, type PropFilter, type TextMatch } from '../../../server/ical/filter.js'
import type { Range } from '../../../server/ical/overlap.js'
import { parse } from '../../../server/ical/parse.js'
import { Budget } from '../../../server/ical/recur.js'
import { UTC, zoneNamed } from '../../../server/ical/timezone.js'

const at = (text: string): number => Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')) / 1000
const range = (start: string, end: string): Range => ({ start: start === '' ? -Infinity : at(start), end: end === '' ? Infinity : at(end) })
const comp = (name: string, parts: Partial<CompFilter> = {}): CompFilter => ({ name, properties: [], components: [], ...parts })
const within = (name: string, start: string, end: string, parts: Partial<CompFilter> = {}): CompFilter => comp(name, { timeRange: range(start, end), ...parts })
const inCalendar = (...components: CompFilter[]): CompFilter => comp('VCALENDAR', { components })
const prop = (name: string, parts: Partial<PropFilter> = {}): PropFilter => ({ name, parameters: [], ...parts })
const text = (value: string, parts: Partial<TextMatch> = {}): { textMatch: TextMatch } => ({ textMatch: { text: value, collation: 'i;ascii-casemap', negate: false, matchType: 'contains', ...parts } })
const param = (name: string, parts: Partial<ParamFilter> = {}): ParamFilter => ({ name, ...parts })
const calendar = (...lines: string[]) => parse(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\n'))
const single = (name: string, ...lines: string[]) => calendar(`BEGIN:${name}`, 'UID:1', ...lines, `END:${name}`)
const eastern = zoneNamed('America/New_York') ?? UTC

t.test('the queries of RFC 4791 7.8 on the data of its appendix B', async t => {
  const collection = [1, 2, 3, 4, 5, 6, 7, 8].map(number => [number, parse(readFileSync(new URL(`../../fixture/rfc4791/abcd${number}.ics`, import.meta.url), 'utf8'))] as const)
  for (const [why, filter, expected] of [
    ['7.8.1 events in a range', inCalendar(within('VEVENT', '20060104T000000Z', '20060105T000000Z')), [2, 3]],
    ['7.8.2 events in a range', inCalendar(within('VEVENT', '20060103T000000Z', '20060105T000000Z')), [2, 3]],
    ['7.8.4 free-busy in a range', inCalendar(within('VFREEBUSY', '20060102T000000Z', '20060103T000000Z')), [8]],
    ['7.8.5 to-dos by alarm', inCalendar(comp('VTODO', { components: [within('VALARM', '20060106T100000Z', '20060107T100000Z')] })), [5]],
    ['7.8.6 by UID', inCalendar(comp('VEVENT', { properties: [prop('UID', text('DC6C50A017428C5216A2F1CD@example.com', { collation: 'i;octet' }))] })), [3]],
    ['7.8.7 by PARTSTAT', inCalendar(comp('VEVENT', { properties: [prop('ATTENDEE', { ...text('mailto:lisa@example.com'), parameters: [param('PARTSTAT', text('NEEDS-ACTION'))] })] })), [3]],
    ['7.8.7 both of one attendee', inCalendar(comp('VEVENT', { properties: [prop('ATTENDEE', { ...text('mailto:cyrus@example.com'), parameters: [param('PARTSTAT', text('NEEDS-ACTION'))] })] })), []],
    ['7.8.8 events', inCalendar(comp('VEVENT')), [1, 2, 3]],
    ['7.8.9 pending to-dos', inCalendar(comp('VTODO', { properties: [prop('COMPLETED', { isNotDefined: true }), prop('STATUS', text('CANCELLED', { negate: true }))] })), [4, 5]],
    ['everything', comp('VCALENDAR'), [1, 2, 3, 4, 5, 6, 7, 8]],
    ['not a calendar', comp('VCARD'), []],
    ['no calendar', comp('VCALENDAR', { isNotDefined: true }), []],
    ['only the overridden instance is there', inCalendar(within('VEVENT', '20060104T190000Z', '20060104T200000Z')), [2]],
    ['its original time is free', inCalendar(within('VEVENT', '20060104T170000Z', '20060104T180000Z')), []],
    ['a property of the instance in the range', inCalendar(within('VEVENT', '20060104T000000Z', '20060105T000000Z', { properties: [prop('SUMMARY', text('#2 bis'))] })), [2]],
    ['not of another instance', inCalendar(within('VEVENT', '20060103T000000Z', '20060104T000000Z', { properties: [prop('SUMMARY', text('bis'))] })), []]
  ] as const) t.same(collection.filter(([, object]) => matches(filter, object, { floating: UTC })).map(([number]) => number), expected, why)
})

/** Moments as hours of 2 January 2025: `-` and `+` are infinite. */
const hour = (word: string | undefined): number => word === undefined ? NaN : word === '-' ? -Infinity : word === '+' ? Infinity : at('20250102T000000Z') + Number(word) * 3600
const overlaps = (t: Test, name: string, lines: readonly string[], ranges: string): void => {
  for (const each of ranges.split(' ')) {
    const [, from, to, expected] = /^(.+)\.\.(.+)=([yn])$/.exec(each) ?? []
    const filter = inCalendar(comp(name, { timeRange: { start: hour(from), end: hour(to) } }))
    t.equal(matches(filter, single(name, ...lines), { floating: UTC }), expected === 'y', `${name} ${lines.join(' ')} in ${from}..${to}`)
  }
}

t.test('RFC 4791 9.9, each row', async t => {
  const start = 'DTSTART:20250102T100000Z'
  for (const [name, lines, ranges] of [
    ['VEVENT', [start, 'DTEND:20250102T120000Z'], '11..13=y 12..13=n 8..10=n 8..11=y 11..11.5=y -..10=n -..11=y 12..+=n 11..+=y'],
    ['VEVENT', [start, 'DURATION:PT2H'], '11..13=y 12..13=n 8..10=n 8..11=y'],
    ['VEVENT', [start, 'DURATION:PT0S'], '10..11=y 9..10=n 10.5..11=n 9..11=y'],
    ['VEVENT', [start], '10..11=y 9..10=n 10.5..11=n'],
    ['VEVENT', ['DTSTART;VALUE=DATE:20250102'], '0..1=y 23..24=y 24..25=n -1..0=n'],
    ['VEVENT', ['DTSTART;VALUE=DATE:20250102', 'DTEND;VALUE=DATE:20250104'], '47..48=y 48..49=n'],
    ['VTODO', [start, 'DURATION:PT2H'], '12..13=y 12.5..13=n 8..10=n 8..10.5=y 11..11.5=y'],
    ['VTODO', [start, 'DUE:20250102T120000Z'], '11..13=y 12..13=n 8..10=n 8..11=y'],
    ['VTODO', [start, 'DUE:20250102T100000Z'], '10..11=y 9..10=y 8..9=n 10.5..11=n'],
    ['VTODO', [start], '10..11=y 9..10=n 10.5..12=n'],
    ['VTODO', ['DUE:20250102T120000Z'], '11..12=y 12..13=n 11..11.5=n -..12=y'],
    ['VTODO', ['DUE;VALUE=DATE:20250102'], '10..11=y 24..25=n -2..0=y -2..-1=n'],
    ['VTODO', ['DUE:20250101T120000Z', 'RRULE:FREQ=DAILY;COUNT=3'], '11..12=y 12..13=n 11..11.5=n 35..36=y 59..61=n 60..61=n'],
    ['VTODO', [start, 'DUE;VALUE=DATE:20250103'], '24..25=y 47..48=y 48..49=n 9..10=n'],
    ['VTODO', ['COMPLETED:20250102T120000Z', 'CREATED:20250102T100000Z'], '11..11.5=y 12..13=y 12.5..13=n 9..10=y 8..9=n'],
    ['VTODO', ['COMPLETED:20250102T120000Z'], '12..13=y 11..12=y 12.5..13=n 11..11.5=n'],
    ['VTODO', ['CREATED:20250102T100000Z'], '10..11=y 20..21=y 9..10=n 8..9=n'],
    ['VTODO', [], '0..1=y'],
    ['VJOURNAL', [start], '10..11=y 9..10=n 10.5..11=n'],
    ['VJOURNAL', ['DTSTART;VALUE=DATE:20250102'], '23..24=y 24..25=n'],
    ['VJOURNAL', [], '-..+=n'],
    ['VFREEBUSY', [start, 'DTEND:20250102T120000Z'], '12..13=y 12.5..13=n 9..10=n 9..11=y'],
    ['VFREEBUSY', ['FREEBUSY:20250102T100000Z/PT2H,20250102T140000Z/20250102T150000Z'], '12..13=n 11..12=y 14..15=y 15..16=n 9..10=n'],
    ['VFREEBUSY', [], '0..24=n'],
    ['VAVAILABILITY', [start], '9..10=n 10..11=y 1000..1001=y']
  ] as const) overlaps(t, name, lines, ranges)
})

t.test('alarms', async t => {
  const ask = { floating: UTC }
  const rings = (filter: CompFilter): CompFilter => inCalendar(comp('VEVENT', { components: [filter] }))
  const event = (trigger: string, ...more: string[]) => single('VEVENT', 'DTSTART:20250102T100000Z', 'DTEND:20250102T120000Z', 'BEGIN:VALARM', trigger, ...more, 'END:VALARM')
  for (const [why, object, start, end, expected] of [
    ['before the start', event('TRIGGER:-PT15M'), '20250102T094500Z', '20250102T094600Z', true],
    ['the end of the range is outside', event('TRIGGER:-PT15M'), '20250102T094400Z', '20250102T094500Z', false],
    ['long before', event('TRIGGER:-P2D'), '20241231T100000Z', '20241231T100100Z', true],
    ['after the end', event('TRIGGER;RELATED=END:PT5M'), '20250102T120500Z', '20250102T120600Z', true],
    ['absolute', event('TRIGGER;VALUE=DATE-TIME:20241224T180000Z'), '20241224T180000Z', '20241224T190000Z', true],
    ['not around the event', event('TRIGGER;VALUE=DATE-TIME:20241224T180000Z'), '20250102T000000Z', '20250103T000000Z', false],
    ['third repetition', event('TRIGGER:-PT30M', 'REPEAT:3', 'DURATION:PT10M'), '20250102T100000Z', '20250102T100100Z', true],
    ['second repetition inside the range', event('TRIGGER:-PT30M', 'REPEAT:3', 'DURATION:PT10M'), '20250102T093500Z', '20250102T094500Z', true],
    ['between repetitions', event('TRIGGER:-PT30M', 'REPEAT:3', 'DURATION:PT10M'), '20250102T093500Z', '20250102T093600Z', false],
    ['after the last', event('TRIGGER:-PT30M', 'REPEAT:3', 'DURATION:PT10M'), '20250102T100500Z', '20250102T110000Z', false],
    ['REPEAT without DURATION', event('TRIGGER:-PT30M', 'REPEAT:3'), '20250102T095000Z', '20250102T110000Z', false],
    ['no trigger', event('ACTION:AUDIO'), '20250101T000000Z', '20260101T000000Z', false],
    ['unreadable', event('TRIGGER:soon'), '20250101T000000Z', '20260101T000000Z', false]
  ] as const) t.equal(matches(rings(within('VALARM', start, end)), object, ask), expected, why)
  const daily = single('VEVENT', 'DTSTART:20200101T100000Z', 'RRULE:FREQ=DAILY', 'BEGIN:VALARM', 'TRIGGER:-PT15M', 'ACTION:AUDIO', 'END:VALARM')
  t.ok(matches(rings(within('VALARM', '20250310T094500Z', '20250310T094600Z')), daily, ask), 'of any instance')
  t.notOk(matches(rings(within('VALARM', '20250310T095000Z', '20250310T100000Z')), daily, ask), 'of none')
  t.notOk(matches(rings(within('VALARM', '20250310T000000Z', '', { properties: [prop('ACTION', text('EMAIL'))] })), daily, ask), 'an open range does not run on')
  t.ok(matches(inCalendar(within('VEVENT', '20250310T000000Z', '20250311T000000Z', { components: [within('VALARM', '20250310T090000Z', '20250310T100000Z')] })), daily, ask), 'event and alarm of one instance')
  t.notOk(matches(inCalendar(within('VEVENT', '20250310T000000Z', '20250311T000000Z', { components: [within('VALARM', '20250312T090000Z', '20250312T100000Z')] })), daily, ask), 'not of two')
  const summer = single('VEVENT', 'DTSTART;TZID=Europe/Berlin:20250330T100000', 'BEGIN:VALARM', 'TRIGGER:-P1D', 'END:VALARM')
  t.ok(matches(rings(within('VALARM', '20250329T090000Z', '20250329T090001Z')), summer, ask), 'a day before is on the wall clock')
  t.ok(matches(rings(comp('VALARM', { isNotDefined: true })), single('VEVENT', 'DTSTART:20250102T100000Z'), ask), 'no alarm')
  t.ok(matches(inCalendar(comp('VTODO', { components: [within('VALARM', '20250102T090000Z', '20250102T091000Z')] })), single('VTODO', 'DUE:20250102T100000Z', 'BEGIN:VALARM', 'TRIGGER;RELATED=END:-PT1H', 'END:VALARM'), ask), 'before DUE')
})

t.test('properties', async t => {
  const event = single('VEVENT', 'DTSTAMP:20250101T120000Z', 'DTSTART:20250102T100000Z', 'DURATION:PT1H', 'SUMMARY:Gr\u00fc\u00dfe\\, Caf\u00e9 at NOON', 'CATEGORIES:Work,At\\, home', 'ATTENDEE;CN=Ann;MEMBER="mailto:a","mailto:b":mailto:ann@a.org', 'ATTENDEE:mailto:bob@a.org')
  for (const [why, filter, expected] of [
    ['there', prop('summary'), true],
    ['not there', prop('LOCATION'), false],
    ['defined', prop('SUMMARY', { isNotDefined: true }), false],
    ['not defined', prop('LOCATION', { isNotDefined: true }), true],
    ['contains', prop('SUMMARY', text('noon')), true],
    ['octets', prop('SUMMARY', text('noon', { collation: 'i;octet' })), false],
    ['unescaped', prop('SUMMARY', text('e, C')), true],
    ['ascii does not fold other letters', prop('SUMMARY', text('GR\u00dc')), false],
    ['unicode does', prop('SUMMARY', text('GR\u00dc', { collation: 'i;unicode-casemap' })), true],
    ['unicode, composed or not', prop('SUMMARY', text('CAFE\u0301', { collation: 'i;unicode-casemap' })), true],
    ['negated', prop('SUMMARY', text('noon', { negate: true })), false],
    ['negated, not there', prop('LOCATION', text('noon', { negate: true })), false],
    ['negated for one of two', prop('ATTENDEE', text('ann', { negate: true })), true],
    ['equals one of a list', prop('CATEGORIES', text('at, home', { matchType: 'equals' })), true],
    ['equals none', prop('CATEGORIES', text('home', { matchType: 'equals' })), false],
    ['starts', prop('SUMMARY', text('gr', { matchType: 'starts-with' })), true],
    ['ends', prop('SUMMARY', text('noon', { matchType: 'ends-with' })), true],
    ['does not end', prop('SUMMARY', text('at', { matchType: 'ends-with' })), false],
    ['a parameter', prop('ATTENDEE', { parameters: [param('cn', text('ann'))] }), true],
    ['one of its values', prop('ATTENDEE', { parameters: [param('MEMBER', text('mailto:b', { matchType: 'equals' }))] }), true],
    ['a parameter that is not there', prop('ATTENDEE', { ...text('ann'), parameters: [param('CN', { isNotDefined: true })] }), false],
    ['of the other', prop('ATTENDEE', { ...text('bob'), parameters: [param('CN', { isNotDefined: true })] }), true],
    ['any of the tests', prop('ATTENDEE', { ...text('zoe'), parameters: [param('CN')], test: 'anyof' }), true],
    ['a name of Object.prototype', prop('ATTENDEE', { parameters: [param('constructor')] }), false],
    ['start in range', prop('DTSTART', { timeRange: range('20250102T100000Z', '20250102T100001Z') }), true],
    ['start at the end of the range', prop('DTSTART', { timeRange: range('20250102T090000Z', '20250102T100000Z') }), false],
    ['effective end', prop('DTEND', { timeRange: range('20250102T110000Z', '20250102T110001Z') }), true],
    ['effective end elsewhere', prop('DTEND', { timeRange: range('20250102T100000Z', '20250102T110000Z') }), false],
    ['effective end has no parameters', prop('DTEND', { timeRange: range('20250102T110000Z', ''), parameters: [param('TZID')] }), false],
    ['stamp', prop('DTSTAMP', { timeRange: range('20250101T000000Z', '20250102T000000Z') }), true],
    ['stamp before', prop('DTSTAMP', { timeRange: range('', '20250101T120000Z') }), false],
    ['text is no time', prop('SUMMARY', { timeRange: range('', '') }), false]
  ] as const) t.equal(matches(inCalendar(comp('VEVENT', { properties: [filter] })), event, { floating: UTC }), expected, why)
  const daily = single('VEVENT', 'DTSTART:20250102T100000Z', 'DTEND:20250102T110000Z', 'RRULE:FREQ=DAILY')
  t.ok(matches(inCalendar(comp('VEVENT', { properties: [prop('DTSTART', { timeRange: range('20250601T000000Z', '20250602T000000Z') })] })), daily, { floating: UTC }), 'start of an instance')
  t.ok(matches(inCalendar(comp('VEVENT', { properties: [prop('DTEND', { timeRange: range('20250601T110000Z', '20250601T110001Z') })] })), daily, { floating: UTC }), 'end of an instance')
  const budget = new Budget({ instances: 100 })
  t.notOk(matches(inCalendar(within('VEVENT', '20250601T000000Z', '', { properties: [prop('DTSTART', { timeRange: range('', '20250601T000000Z') })] })), daily, { floating: UTC, budget }), 'no instance for both')
  t.notOk(budget.exhausted, 'and none looked for where none can be')
  t.ok(matches(comp('VCALENDAR', { properties: [prop('X-WR-CALNAME', text('home'))] }), calendar('X-WR-CALNAME:Home'), { floating: UTC }), 'of the calendar')
})

t.test('calendar-query-extended', async t => {
  const ask = { floating: UTC }
  const event = single('VEVENT', 'DTSTART:20250102T100000Z', 'SUMMARY:a')
  const todo = single('VTODO', 'STATUS:NEEDS-ACTION', 'BEGIN:VALARM', 'END:VALARM')
  const either = comp('VCALENDAR', { test: 'anyof', components: [within('VEVENT', '20250101T000000Z', ''), comp('VTODO', { properties: [prop('COMPLETED', { isNotDefined: true }), prop('STATUS', text('CANCELLED', { negate: true, matchType: 'equals' }))] })] })
  t.ok(matches(either, event, ask) && matches(either, todo, ask), 'draft 3.4: events or to-dos')
  t.notOk(matches(either, single('VTODO', 'STATUS:CANCELLED'), ask))
  const both = inCalendar(within('VEVENT', '20250101T000000Z', ''), within('VTODO', '20250101T000000Z', ''))
  t.ok(matches(both, event, ask) && matches(both, todo, ask), 'two types are meant as either')
  t.notOk(matches(both, single('VJOURNAL'), ask))
  const searched = inCalendar(comp('VEVENT', { properties: [prop('DTSTART')] }), comp('VTODO'))
  t.notOk(matches(searched, event, ask) || matches(searched, todo, ask), 'but where properties are searched all is all (RFC 4791 9.7.1)')
  t.ok(matches({ ...searched, test: 'anyof' }, event, ask) && matches({ ...searched, test: 'anyof' }, todo, ask))
  t.notOk(matches(inCalendar(comp('VEVENT'), comp('VTIMEZONE')), event, ask), 'but others as both')
  t.ok(matches(inCalendar(comp('VEVENT'), comp('VTODO', { isNotDefined: true })), event, ask), 'and not-defined is a condition')
  const alarmed = inCalendar(comp('*', { components: [comp('VALARM')] }))
  t.ok(matches(alarmed, todo, ask) && !matches(alarmed, event, ask), 'draft 3.4: any component with an alarm')
  t.ok(matches(inCalendar(within('VEVENT', '20300101T000000Z', '', { test: 'anyof', properties: [prop('SUMMARY', text('a'))] })), event, ask), 'any of time and text')
  t.ok(matches(inCalendar(within('VEVENT', '20250102T000000Z', '20250103T000000Z', { test: 'anyof', properties: [prop('SUMMARY', text('z'))] })), event, ask), 'text or time')
  t.notOk(matches(inCalendar(within('VEVENT', '20300101T000000Z', '', { test: 'anyof', properties: [prop('SUMMARY', text('z'))] })), event, ask))
})

t.test('zones, overrides, budget', async t => {
  const floating = single('VEVENT', 'DTSTART:20250102T200000', 'DURATION:PT1H')
  const query = inCalendar(within('VEVENT', '20250103T010000Z', '20250103T020000Z'))
  t.ok(matches(query, floating, { floating: eastern }), '20:00 in New York is 01:00 UTC')
  t.notOk(matches(query, floating, { floating: UTC }))
  const allDay = single('VEVENT', 'DTSTART;VALUE=DATE:20250102')
  t.ok(matches(query, allDay, { floating: eastern }), 'a day is a day there')
  t.notOk(matches(query, allDay, { floating: UTC }))
  const moved = calendar('BEGIN:VEVENT', 'UID:1', 'DTSTART:20250101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=3', 'EXDATE:20250103T100000Z', 'END:VEVENT', 'BEGIN:VEVENT', 'UID:1', 'RECURRENCE-ID:20250102T100000Z', 'DTSTART:20250220T100000Z', 'DURATION:PT1H', 'END:VEVENT')
  for (const [day, expected] of [['0101', true], ['0102', false], ['0103', false], ['0104', false], ['0220', true]] as const) {
    t.equal(matches(inCalendar(within('VEVENT', `2025${day}T000000Z`, `2025${day}T235959Z`)), moved, { floating: UTC }), expected, day)
  }
  const alone = single('VEVENT', 'RECURRENCE-ID:20250102T100000Z', 'DTSTART:20250220T100000Z')
  t.ok(matches(inCalendar(within('VEVENT', '20250220T000000Z', '20250221T000000Z')), alone, { floating: UTC }), 'an override without its master')
  const budget = new Budget({ steps: 10, instances: 10 })
  matches(inCalendar(within('VEVENT', '20250102T000000Z', '20250102T000001Z')), single('VEVENT', 'DTSTART:19000101T000000Z', 'RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30'), { floating: UTC, budget })
  t.pass('a rule without instances ends')
})

t.test('long texts are looked for in linear time', async t => {
  const value = 'a'.repeat(60_000)
  for (const [what, expected] of [[`b${'a'.repeat(999)}`, false], [`${'a'.repeat(999)}b`, false], [`${'a'.repeat(500)}b${'a'.repeat(499)}`, false], ['a'.repeat(1000), true]] as const) {
    const test = textMatcher(what, 'i;octet', 'contains')
    const begin = performance.now()
    for (let count = 0; count < 20; count++) t.equal(test(value), expected)
    t.ok(performance.now() - begin < 200, `${(performance.now() - begin).toFixed(0)} ms`)
  }
  let state = 1
  const random = (): string => Array.from({ length: 400 }, () => 'ab'[(state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) >> 16 & 1]).join('')
  for (let count = 0; count < 50; count++) {
    const hay = random() + random()
    const needle = count % 2 === 0 ? hay.slice(100, 380) : random().slice(0, 280)
    t.equal(textMatcher(needle, 'i;octet', 'contains')(hay), hay.includes(needle), `pair ${count}`)
  }
})

t.test('collations', async t => {
  for (const [value, what, collation, expected] of [
    ['Stra\u00dfe', 'stra\u00dfe', 'i;ascii-casemap', true],
    ['\u00c4', '\u00e4', 'i;ascii-casemap', false],
    ['\u00c4', '\u00e4', 'i;unicode-casemap', true],
    ['A\u0308', '\u00e4', 'i;unicode-casemap', true],
    ['\ufb01x', 'FIX', 'i;unicode-casemap', true],
    ['\u0416', '\u0436', 'i;unicode-casemap', true],
    ['[', '{', 'i;ascii-casemap', false],
    ['a', 'A', 'i;octet', false]
  ] as const) t.equal(textMatcher(what, collation, 'equals')(value), expected, `${value} ${what} ${collation}`)
})
