import { readFileSync } from 'node:fs'
import t from 'tap'
import { expand } from '../../../server/ical/expand.js'
import { limitFreeBusy, limitRecurrence } from '../../../server/ical/limit.js'
import type { Range } from '../../../server/ical/overlap.js'
import { parse } from '../../../server/ical/parse.js'
import { Budget } from '../../../server/ical/recur.js'
import { UTC, zoneNamed } from '../../../server/ical/timezone.js'
import { trim, type CompSelect } from '../../../server/ical/trim.js'
import { write } from '../../../server/ical/write.js'
import type { Component } from '../../../server/ical/component.js'

const range = (start: string, end: string): Range => ({ start: Date.parse(start) / 1000, end: Date.parse(end) / 1000 })
const appendixB = (number: number): Component => parse(readFileSync(new URL(`../../fixture/rfc4791/abcd${number}.ics`, import.meta.url), 'utf8'))
const calendar = (...lines: string[]): Component => parse(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\n'))
const event = (...lines: string[]): string[] => ['BEGIN:VEVENT', 'UID:1', ...lines, 'END:VEVENT']
const lines = (component: Component): string[] => write(component).trimEnd().split('\r\n')
const of = (component: Component, ...names: string[]): string[] => lines(component).filter(line => names.some(name => line.startsWith(name)))

t.test('expand', async t => {
  t.same(lines(expand(appendixB(2), range('2006-01-03', '2006-01-05'))), `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example Corp.//CalDAV Client//EN
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART:20060103T170000Z
RECURRENCE-ID:20060103T170000Z
DURATION:PT1H
SUMMARY:Event #2
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART:20060104T190000Z
RECURRENCE-ID:20060104T170000Z
DURATION:PT1H
SUMMARY:Event #2 bis
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
END:VCALENDAR`.split('\n'), 'RFC 4791 7.8.3')
  t.same(of(expand(appendixB(3), range('2006-01-03', '2006-01-05')), 'DTSTART', 'DURATION', 'RECURRENCE', 'BEGIN:VT'), ['DTSTART:20060104T150000Z', 'DURATION:PT1H'], 'RFC 4791 7.8.3, an event that does not repeat')
  t.same(of(expand(appendixB(2), range('2006-01-02', '2006-01-04')), 'DTSTART', 'RECURRENCE'), ['DTSTART:20060102T170000Z', 'DTSTART:20060103T170000Z', 'RECURRENCE-ID:20060103T170000Z'], 'the first of the set has no RECURRENCE-ID')

  const days = calendar(...event('DTSTART;VALUE=DATE:20250101', 'DTEND;VALUE=DATE:20250102', 'RRULE:FREQ=DAILY', 'EXDATE;VALUE=DATE:20250103'))
  t.same(of(expand(days, range('2025-01-02', '2025-01-05')), 'DTSTART', 'DTEND', 'RECURRENCE', 'RRULE', 'EXDATE'), [
    'DTSTART;VALUE=DATE:20250102', 'RECURRENCE-ID;VALUE=DATE:20250102', 'DTEND;VALUE=DATE:20250103',
    'DTSTART;VALUE=DATE:20250104', 'RECURRENCE-ID;VALUE=DATE:20250104', 'DTEND;VALUE=DATE:20250105'], 'dates stay dates')
  t.equal(of(expand(days, range('2025-01-05T02:00Z', '2025-01-05T03:00Z'), new Budget(), zoneNamed('America/New_York') ?? UTC), 'DTSTART')[0], 'DTSTART;VALUE=DATE:20250104', 'dates are compared in the zone that is given')
  const floating = calendar(...event('DTSTART:20250101T100000', 'RRULE:FREQ=DAILY;COUNT=2'))
  t.same(of(expand(floating, range('2025-01-01', '2025-02-01')), 'DTSTART', 'RECURRENCE'), ['DTSTART:20250101T100000', 'DTSTART:20250102T100000', 'RECURRENCE-ID:20250102T100000'], 'floating times float')
  const long = calendar(...event('DTSTART;TZID=Europe/Berlin:20250329T120000', 'DURATION:P1D', 'X-A;TZID=Europe/Berlin:20250329T120000'))
  t.same(of(expand(long, range('2025-03-29', '2025-03-30')), 'DTSTART', 'DURATION', 'X-A'), ['DTSTART:20250329T110000Z', 'DURATION:PT82800S', 'X-A:20250329T110000Z'], 'a day of 23 hours')
  const future = calendar(...event('DTSTART:20250101T100000Z', 'RRULE:FREQ=DAILY;COUNT=4', 'SUMMARY:a'), ...event('RECURRENCE-ID;RANGE=THISANDFUTURE:20250103T100000Z', 'DTSTART:20250103T120000Z', 'SUMMARY:b'))
  t.same(of(expand(future, range('2025-01-02', '2025-02-01')), 'DTSTART', 'RECURRENCE', 'SUMMARY'), [
    'DTSTART:20250102T100000Z', 'RECURRENCE-ID:20250102T100000Z', 'SUMMARY:a',
    'DTSTART:20250103T120000Z', 'RECURRENCE-ID:20250103T100000Z', 'SUMMARY:b',
    'DTSTART:20250104T120000Z', 'RECURRENCE-ID:20250104T100000Z', 'SUMMARY:b'], 'THISANDFUTURE')
  t.same(lines(expand(appendixB(4), range('2006-01-03', '2006-01-05'))), lines(appendixB(4)), 'a to-do with DUE alone is as it is')
  t.same(expand(appendixB(7), range('2006-01-03', '2006-01-05')).components, [], 'or is not there')
  t.equal(expand(appendixB(8), range('2006-01-03', '2006-01-05')).components.length, 1, 'free-busy once')
  const budget = new Budget({ instances: 5 })
  t.equal(expand(days, range('2025-01-01', '2035-01-01'), budget).components.length, 5)
  t.ok(budget.exhausted)
})

t.test('expand: each rule of RFC 4791 9.6.5 and what it takes from RFC 5545', async t => {
  const berlin = 'TZID=Europe/Berlin'
  const expanded = (component: Component, start: string, end: string, zone = UTC): string[] =>
    of(expand(component, range(start, end), new Budget(), zone), 'BEGIN:V', 'DTSTART', 'DTEND', 'DUE', 'DURATION', 'RECURRENCE', 'RRULE', 'RDATE', 'EXDATE', 'EXRULE', 'SUMMARY', 'TRIGGER').filter(line => !/^BEGIN:V(?:CALENDAR|EVENT|TODO)/.test(line))

  const daily = (...more: string[]): string[] => event(`DTSTART;${berlin}:20250101T100000`, 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=10', 'SUMMARY:a', ...more)
  const moved = (id: string, start: string, ...more: string[]): string[] => event(`RECURRENCE-ID;${berlin}:${id}`, `DTSTART;${berlin}:${start}`, 'DURATION:PT1H', 'SUMMARY:b', ...more)
  t.same(expanded(calendar(...daily(), ...moved('20250103T100000', '20250120T100000')), '2025-01-03', '2025-01-04'), [], 'an override that is moved out leaves nothing behind')
  t.same(expanded(calendar(...daily(), ...moved('20250103T100000', '20250120T100000')), '2025-01-20', '2025-01-21'), ['DTSTART:20250120T090000Z', 'RECURRENCE-ID:20250103T090000Z', 'DURATION:PT1H', 'SUMMARY:b'], 'and is found where it is')
  t.same(expanded(calendar(...daily(), ...moved('20250101T100000', '20250101T110000')), '2025-01-01', '2025-01-02'), ['DTSTART:20250101T100000Z', 'RECURRENCE-ID:20250101T090000Z', 'DURATION:PT1H', 'SUMMARY:b'], 'the first one, when it is an override, says so')
  t.same(expanded(calendar(...moved('20250103T100000', '20250104T100000')), '2025-01-01', '2025-02-01'), ['DTSTART:20250104T090000Z', 'RECURRENCE-ID:20250103T090000Z', 'DURATION:PT1H', 'SUMMARY:b'], 'an override without master')
  t.same(expanded(calendar(...daily('EXDATE;TZID=America/New_York:20250102T040000', 'EXDATE:20250103T090000Z', 'EXDATE;VALUE=DATE:20250104')), '2025-01-02', '2025-01-06'), ['DTSTART:20250105T090000Z', 'RECURRENCE-ID:20250105T090000Z', 'DURATION:PT1H', 'SUMMARY:a'], 'EXDATE in another zone, in UTC, as a day')
  t.same(expanded(calendar(...event(`DTSTART;${berlin}:20250101T100000`, 'DURATION:PT1H', `RDATE;VALUE=PERIOD;${berlin}:20250102T100000/PT3H,20250103T100000/20250103T103000`, 'RDATE:20250104T090000Z')), '2025-01-01', '2025-01-05'), [
    'DTSTART:20250101T090000Z', 'DURATION:PT1H',
    'DTSTART:20250102T090000Z', 'RECURRENCE-ID:20250102T090000Z', 'DURATION:PT10800S',
    'DTSTART:20250103T090000Z', 'RECURRENCE-ID:20250103T090000Z', 'DURATION:PT1800S',
    'DTSTART:20250104T090000Z', 'RECURRENCE-ID:20250104T090000Z', 'DURATION:PT1H'], 'RDATE;VALUE=PERIOD: the period is the length')
  t.same(expanded(calendar(...event('DTSTART:20250101T100000Z', 'RDATE;VALUE=PERIOD:20250102T100000Z/PT3H')), '2025-01-02', '2025-01-03'), ['DTSTART:20250102T100000Z', 'RECURRENCE-ID:20250102T100000Z', 'DURATION:PT10800S'], 'also of what has none')
  t.same(expanded(calendar(...event('DTSTART:20250101T100000Z', 'DTEND:20250101T110000Z', 'RDATE;VALUE=PERIOD:20250102T100000Z/PT3H')), '2025-01-02', '2025-01-03'), ['DTSTART:20250102T100000Z', 'RECURRENCE-ID:20250102T100000Z', 'DTEND:20250102T130000Z'])
  t.same(expanded(calendar(...event('DTSTART:20250101T100000', 'DURATION:P1D', 'RDATE;VALUE=PERIOD:20250103T100000/PT3H')), '2025-01-01', '2025-01-05'), ['DTSTART:20250101T100000', 'DURATION:P1D', 'DTSTART:20250103T100000', 'RECURRENCE-ID:20250103T100000', 'DURATION:PT10800S'], 'floating')
  t.same(expanded(calendar(...event(`DTSTART;${berlin}:20250328T120000`, 'DURATION:P1DT1H', 'RRULE:FREQ=DAILY;COUNT=3')), '2025-03-28', '2025-03-31'), [
    'DTSTART:20250328T110000Z', 'DURATION:PT90000S', 'DTSTART:20250329T110000Z', 'RECURRENCE-ID:20250329T110000Z', 'DURATION:PT86400S', 'DTSTART:20250330T100000Z', 'RECURRENCE-ID:20250330T100000Z', 'DURATION:PT90000S'], 'days over the change of the clock')
  t.same(expanded(calendar(...event(`DTSTART;${berlin}:20251025T013000`, `DTEND;${berlin}:20251025T033000`, 'RRULE:FREQ=DAILY;COUNT=2')), '2025-10-25T22:00Z', '2025-10-27'), ['DTSTART:20251025T233000Z', 'RECURRENCE-ID:20251025T233000Z', 'DTEND:20251026T013000Z'], 'an end in the hour that is there twice')
  t.same(expanded(calendar(...event('DTSTART;VALUE=DATE:20250101', 'RRULE:FREQ=DAILY;COUNT=3')), '2025-01-02T20:00Z', '2025-01-02T21:00Z', zoneNamed('Asia/Tokyo')), ['DTSTART;VALUE=DATE:20250103', 'RECURRENCE-ID;VALUE=DATE:20250103'], 'a day begins where one asks from')
  t.same(expanded(calendar(...event('DTSTART:20250101T080000', 'RRULE:FREQ=DAILY;COUNT=3')), '2025-01-01T22:00Z', '2025-01-01T23:30Z', zoneNamed('Asia/Tokyo')), ['DTSTART:20250102T080000', 'RECURRENCE-ID:20250102T080000'], 'a floating time as well')
  t.same(expanded(calendar('BEGIN:VTODO', 'UID:1', 'DUE:20250101T100000Z', 'RRULE:FREQ=DAILY;COUNT=3', 'END:VTODO'), '2025-01-01', '2025-01-02T12:00Z'), ['DUE:20250101T100000Z', 'DUE:20250102T100000Z', 'RECURRENCE-ID:20250102T100000Z'], 'a to-do that has nothing but DUE')
  t.same(expanded(calendar('BEGIN:VTODO', 'UID:1', `DTSTART;${berlin}:20250101T090000`, `DUE;${berlin}:20250101T100000`, 'RRULE:FREQ=DAILY;COUNT=3', 'END:VTODO'), '2025-01-02', '2025-01-03'), ['DTSTART:20250102T080000Z', 'RECURRENCE-ID:20250102T080000Z', 'DUE:20250102T090000Z'])
  t.same(expanded(calendar(...daily('BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'END:VALARM')), '2025-01-02', '2025-01-03'), ['DTSTART:20250102T090000Z', 'RECURRENCE-ID:20250102T090000Z', 'DURATION:PT1H', 'SUMMARY:a', 'BEGIN:VALARM', 'TRIGGER:-PT15M'], 'alarms stay')
  t.same(expanded(calendar(...event('DTSTART:20250101T100000Z', 'RRULE:FREQ=DAILY;COUNT=3'), ...event('RECURRENCE-ID:20250102T100000Z', 'DTSTART;VALUE=DATE:20250102')), '2025-01-02', '2025-01-03'), ['DTSTART;VALUE=DATE:20250102', 'RECURRENCE-ID:20250102T100000Z'], 'a time that became a day keeps its RECURRENCE-ID')
  t.same(expanded(calendar(...daily()), '2025-01-02T10:00Z', '2025-01-03T09:00Z'), [], 'the end is not in the range, and what ends at its start is not')
  t.same(expanded(calendar(...event('DTSTART:20250101T100000Z', 'DURATION:nonsense', 'RRULE:FREQ=DAILY;COUNT=2')), '2025-01-02', '2025-01-03'), ['DTSTART:20250102T100000Z', 'RECURRENCE-ID:20250102T100000Z', 'DURATION:nonsense'], 'what cannot be read does not stop it')
  t.same(of(expand(calendar('BEGIN:VTIMEZONE', 'TZID:Nowhere', 'BEGIN:STANDARD', 'DTSTART:19700101T000000', 'TZOFFSETFROM:+0300', 'TZOFFSETTO:+0300', 'END:STANDARD', 'END:VTIMEZONE', ...event('DTSTART;TZID=Nowhere:20250101T100000', 'X-A;TZID=Nowhere:20250101T100000')), range('2025-01-01', '2025-01-02')), 'DTSTART', 'X-A', 'BEGIN:VT'), ['DTSTART:20250101T070000Z', 'X-A:20250101T070000Z'], 'nothing refers to a time zone, and none is there')
})

t.test('limit-recurrence-set', async t => {
  t.same(of(limitRecurrence(appendixB(2), range('2006-01-03', '2006-01-05')), 'SUMMARY', 'TZID'), ['TZID:US/Eastern', 'SUMMARY:Event #2', 'SUMMARY:Event #2 bis'], 'RFC 4791 7.8.2')
  const moved = (range_: string): Component => calendar(...event('DTSTART:20250101T100000Z', 'DURATION:PT2H', 'RRULE:FREQ=DAILY', 'SUMMARY:a'), ...event(`RECURRENCE-ID${range_}:20250110T100000Z`, 'DTSTART:20250120T100000Z', 'DTEND:20250120T110000Z', 'SUMMARY:b'))
  for (const [start, end, expected] of [
    ['2025-01-10T11:30Z', '2025-01-10T13:00Z', true],
    ['2025-01-10T12:00Z', '2025-01-10T13:00Z', false],
    ['2025-01-20T10:30Z', '2025-01-20T13:00Z', true],
    ['2025-01-20T11:00Z', '2025-01-20T13:00Z', false],
    ['2025-01-15', '2025-01-16', false]
  ] as const) t.equal(of(limitRecurrence(moved(''), range(start, end)), 'SUMMARY:b').length === 1, expected, `${start} ${end}`)
  t.same(of(limitRecurrence(moved(';RANGE=THISANDFUTURE'), range('2025-06-01', '2025-06-02')), 'SUMMARY'), ['SUMMARY:a', 'SUMMARY:b'], 'it describes later ones')
  const floating = calendar(...event('DTSTART:20250101T080000', 'DURATION:PT1H', 'RRULE:FREQ=DAILY', 'SUMMARY:a'), ...event('RECURRENCE-ID:20250110T080000', 'DTSTART:20250120T080000', 'SUMMARY:b'))
  for (const [start, end, expected] of [['2025-01-09T23:00Z', '2025-01-09T23:30Z', 2], ['2025-01-10T08:00Z', '2025-01-10T09:00Z', 1], ['2025-01-19T23:00Z', '2025-01-19T23:01Z', 2]] as const) {
    t.equal(of(limitRecurrence(floating, range(start, end), zoneNamed('Asia/Tokyo')), 'SUMMARY').length, expected, `floating, asked from Tokyo: ${start}`)
  }
  t.same(of(limitRecurrence(moved(';RANGE=THISANDFUTURE'), range('2025-01-02', '2025-01-03')), 'SUMMARY'), ['SUMMARY:a'], 'but not earlier ones')
})

t.test('limit-freebusy-set', async t => {
  t.same(of(limitFreeBusy(appendixB(8), range('2006-01-02', '2006-01-03')), 'FREEBUSY', 'DTSTART'), ['DTSTART:20060101T000000Z', 'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060102T100000Z/20060102T120000Z'], 'RFC 4791 7.8.4')
  const list = calendar('BEGIN:VFREEBUSY', 'UID:1', 'FREEBUSY:20250101T100000Z/PT1H,20250102T100000Z/PT1H,20250103T100000Z/PT1H', 'END:VFREEBUSY')
  t.same(of(limitFreeBusy(list, range('2025-01-02', '2025-01-03T11:00Z')), 'FREEBUSY'), ['FREEBUSY:20250102T100000Z/PT1H,20250103T100000Z/PT1H'])
})

t.test('the parts that are asked for', async t => {
  const select = (name: string, parts: Partial<CompSelect> = {}): CompSelect => ({ name, allProperties: false, properties: [], allComponents: false, components: [], ...parts })
  const names = (...list: string[]) => ({ properties: list.map(name => ({ name, novalue: false })) })
  const partial = trim(appendixB(3), select('VCALENDAR', { ...names('VERSION'), components: [select('VEVENT', names('SUMMARY', 'UID', 'DTSTART', 'DTEND', 'DURATION', 'RRULE')), select('VTIMEZONE')] }))
  t.same(lines(partial), [
    'BEGIN:VCALENDAR', 'VERSION:2.0', ...lines(appendixB(3).components[0] as Component),
    'BEGIN:VEVENT', 'DTSTART;TZID=US/Eastern:20060104T100000', 'DURATION:PT1H', 'SUMMARY:Event #3', 'UID:DC6C50A017428C5216A2F1CD@example.com', 'END:VEVENT', 'END:VCALENDAR'], 'RFC 4791 7.8.1')
  t.same(trim(appendixB(3), select('VCALENDAR')), appendixB(3), 'VCALENDAR alone is all of it')
  t.same(lines(trim(appendixB(4), select('vcalendar', { components: [select('vtodo', { properties: [{ name: 'status', novalue: true }], allComponents: true })] }))), [
    'BEGIN:VCALENDAR', 'BEGIN:VTODO', 'STATUS:', 'BEGIN:VALARM', 'ACTION:AUDIO', 'TRIGGER;RELATED=START:-PT10M', 'END:VALARM', 'END:VTODO', 'END:VCALENDAR'], 'no value; all components; any case')
  t.same(lines(trim(appendixB(4), select('VCALENDAR', { allProperties: true, components: [select('VEVENT')] }))), ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Example Corp.//CalDAV Client//EN', 'END:VCALENDAR'], 'all properties')
})

t.test('a few instances far from the start cost no more than these', async t => {
  const seconds = calendar(...event('DTSTART:20240229T030000Z', 'RRULE:FREQ=SECONDLY'))
  const budget = new Budget({ instances: 10, steps: 1000 })
  t.same(of(expand(seconds, range('2025-01-01T00:00:00Z', '2025-01-01T00:00:03Z'), budget), 'DTSTART'), ['DTSTART:20250101T000000Z', 'DTSTART:20250101T000001Z', 'DTSTART:20250101T000002Z'])
  t.notOk(budget.exhausted)
})
