import t from 'tap'
import { readFileSync } from 'node:fs'
import { escapeText, unescapeText, type Property } from '../../../server/ical/component.js'
import { civilFromDays, daysFromCivil, weekday } from '../../../server/ical/civil.js'
import { addDuration, formatWhen, inUtc, parseDateTime, parseDuration, parsePeriod, parseWhen, utcAfter, utcOf, type When, type Zone } from '../../../server/ical/time.js'
import { UTC, zoneFromCalendar, zoneNamed, zonesOf } from '../../../server/ical/timezone.js'
import { intlName, intlZone } from '../../../server/ical/intl-zone.js'
import { readTzif } from '../../../server/ical/tzif.js'
import { continueWith, parsePosixRule } from '../../../server/ical/posix-rule.js'
import { windowsZones } from '../../../server/ical/windows-zones.js'
import { parse } from '../../../server/ical/parse.js'

const seconds = (text: string): number => parseDateTime(text).local
const text = (local: number): string => formatWhen({ date: false, local, zone: 'floating' })
const toUtc = (zone: Zone | undefined, local: string): string => text(zone!.toUtc(seconds(local)))
const toLocal = (zone: Zone | undefined, utc: string): string => text(zone!.toLocal(seconds(utc)))
const property = (name: string, value: string, parameters: Record<string, string[]> = {}): Property => ({ name, value, parameters, line: 7 })
const berlin = zoneNamed('Europe/Berlin')!
const zones = { get: zoneNamed }

const calendar = (tzid: string, ...observances: string[][]): string => [
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VTIMEZONE', `TZID:${tzid}`, ...observances.flat(), 'END:VTIMEZONE', 'END:VCALENDAR', ''].join('\r\n')
const observance = (name: string, start: string, from: string, to: string, ...more: string[]): string[] =>
  [`BEGIN:${name}`, `DTSTART:${start}`, `TZOFFSETFROM:${from}`, `TZOFFSETTO:${to}`, ...more, `END:${name}`]
const summer = observance('DAYLIGHT', '19810329T020000', '+0100', '+0200', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU')
const winter = observance('STANDARD', '19961027T030000', '+0200', '+0100', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU')

t.test('text is escaped and unescaped', async t => {
  for (const [plain, escaped] of [['a, b; c\\d\ne', 'a\\, b\\; c\\\\d\\ne'], ['\\n', '\\\\n'], ['', '']] as const) {
    t.equal(escapeText(plain), escaped)
    t.equal(unescapeText(escaped), plain)
  }
  t.equal(escapeText('a\r\nb\rc'), 'a\\nb\\nc')
  t.equal(unescapeText('a\\Nb\\:c\\'), 'a\nb:c\\')
})

t.test('days and dates', async t => {
  for (let day = -800_000; day < 3_000_000; day += 997) {
    const date = new Date(day * 86_400_000)
    const civil = civilFromDays(day)
    if (!(Math.floor(civil / 512) === date.getUTCFullYear() && (civil >> 5 & 15) === date.getUTCMonth() + 1 && (civil & 31) === date.getUTCDate() &&
      weekday(day) === date.getUTCDay() && daysFromCivil(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()) === day)) t.fail(`day ${day}`)
  }
})

t.test('values', async t => {
  const read = (value: string, parameters?: Record<string, string[]>): When => parseWhen(property('DTSTART', value, parameters), value, zones)
  t.same(read('20250131', { TZID: ['Europe/Berlin'] }), { date: true, local: Date.UTC(2025, 0, 31) / 1000, zone: 'floating' })
  t.equal(read('20250131T093000Z', { TZID: ['Europe/Berlin'] }).zone, 'utc')
  t.equal(read('20250131t093000z').zone, 'utc')
  t.equal(read('20250131T093000').zone, 'floating')
  t.equal(read('20250131T093000', { TZID: ['Europe/Berlin'] }).zone, berlin)
  t.equal(read('20250131T093000', { TZID: ['Nowhere/Else'] }).zone, 'floating')
  t.equal(formatWhen(read('20250131T235960')), '20250131T235959', 'no leap seconds')
  for (const wrong of ['', '2025', '20250230', '20251301', '20250101T240000', '20250101T006000', '20250101T0900', '2025-01-01', ' 20250101', `${'9'.repeat(9999)}`]) {
    t.throws(() => read(wrong), { name: 'ValueError', message: /^DTSTART:.* is not a DATE or DATE-TIME \(line 7\)$/ }, wrong.slice(0, 20))
  }
  for (const [value, days, exact] of [['P1D', 1, 0], ['-P1W', -7, 0], ['PT15M', 0, 900], ['-PT1H30M5S', 0, -5405], ['P1DT', 1, 0], ['P1DT2H', 1, 7200], ['PT0S', 0, 0], ['+P2W', 14, 0], ['P1W2D', 9, 0]] as const) {
    t.same(parseDuration(value), { days, seconds: exact }, value)
  }
  for (const wrong of ['P', 'PT', '1D', 'P1H', 'PT1D', '', 'P-1D', 'PT1.5H']) t.throws(() => parseDuration(wrong), { name: 'ValueError' }, wrong)
  const period = (value: string) => parsePeriod(property('RDATE', value), value, zones)
  t.same(period('20250101T000000Z/PT1H').duration, { days: 0, seconds: 3600 })
  t.equal(period('20250101T000000Z/20250102T000000Z').end?.local, seconds('20250102T000000'))
  t.throws(() => period('20250101T000000Z'), { name: 'ValueError' })
})

t.test('days are nominal, hours exact', async t => {
  const at = (local: string, zone: When['zone'] = berlin): When => ({ date: false, local: seconds(local), zone })
  const sum = (when: When, duration: string): string => formatWhen(addDuration(when, parseDuration(duration)))
  t.equal(sum(at('20250329T120000'), 'P1D'), '20250330T120000', 'a day of 23 hours')
  t.equal(sum(at('20250329T120000'), 'PT24H'), '20250330T130000')
  t.equal(sum(at('20251025T120000'), 'P1DT1H'), '20251026T130000')
  t.equal(sum(at('20250329T120000', 'utc'), 'PT24H'), '20250330T120000Z')
  t.equal(sum({ date: true, local: seconds('20250101'), zone: 'floating' }, 'P1W'), '20250108')
  t.equal(sum({ date: true, local: seconds('20250101'), zone: 'floating' }, 'PT1H'), '20250101T010000')
  t.equal(text(utcAfter(at('20251026T013000'), parseDuration('PT2H'), UTC)), '20251026T013000', 'the second pass of an overlap')
  t.equal(formatWhen(inUtc(at('20250701T120000'), UTC)), '20250701T100000Z')
  t.equal(formatWhen(inUtc(at('20250701T120000', 'floating'), berlin)), '20250701T100000Z')
  t.equal(text(utcOf({ date: true, local: seconds('20250701'), zone: 'floating' }, berlin)), '20250630T220000', 'a DATE begins at midnight')
})

t.test('gaps and overlaps (RFC 5545 3.3.5)', async t => {
  for (const [from, zone] of Object.entries({ 'the system': berlin, VTIMEZONE: zoneFromCalendar(calendar('Europe/Berlin', summer, winter)), Intl: intlZone('Europe/Berlin') })) {
    for (const [local, utc] of [
      ['20250330T015959', '20250330T005959'], ['20250330T020000', '20250330T010000'], ['20250330T023000', '20250330T013000'], ['20250330T025959', '20250330T015959'], ['20250330T030000', '20250330T010000'],
      ['20251026T015959', '20251025T235959'], ['20251026T020000', '20251026T000000'], ['20251026T025959', '20251026T005959'], ['20251026T030000', '20251026T020000'],
      ['20990701T120000', '20990701T100000'], ['25250701T120000', '25250701T100000'], ['99990101T120000', '99990101T110000']
    ] as const) t.equal(toUtc(zone, local), utc, `${from}: ${local}`)
    for (const [utc, local] of [
      ['20250330T005959', '20250330T015959'], ['20250330T010000', '20250330T030000'], ['20251026T003000', '20251026T023000'], ['20251026T013000', '20251026T023000'], ['24991231T230000', '25000101T000000']
    ] as const) t.equal(toLocal(zone, utc), local, `${from}: ${utc}Z`)
  }
})

t.test('zones by name', async t => {
  for (const [tzid, id] of Object.entries({
    'Europe/Berlin': 'Europe/Berlin', ' Europe/Berlin ': 'Europe/Berlin', 'europe/berlin': 'Europe/Berlin', 'W. Europe Standard Time': 'Europe/Berlin', 'Pacific Daylight Time': 'America/Los_Angeles',
    '/mozilla.org/20050126_1/Europe/Berlin': 'Europe/Berlin', '/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires': 'America/Argentina/Buenos_Aires', '/citadel.org/Asia/Tokyo': 'Asia/Tokyo',
    UTC: 'UTC', 'Etc/UTC': 'UTC', GMT: 'UTC', 'Etc/GMT+12': 'Etc/GMT+12', EST5EDT: 'EST5EDT'
  })) t.equal(zoneNamed(tzid)?.id, id, tzid)
  for (const tzid of ['', '/', 'Nowhere', '../../../etc/passwd', '/etc/passwd', 'Europe/../../../../etc/passwd', 'Europe/Berlin\0', 'Europe', 'right/Europe/Berlin', 'posixrules', 'localtime', 'tzdata.zi', 'A'.repeat(1000), 'constructor']) {
    t.equal(zoneNamed(tzid), undefined, JSON.stringify(tzid.slice(0, 40)))
  }
  t.equal(zoneNamed('Europe/Berlin'), berlin, 'kept')
  const unknown = [...windowsZones].filter(([, name]) => zoneNamed(name) === undefined)
  t.same(unknown, [], 'every Windows zone leads somewhere')
  t.ok(windowsZones.size >= 139)
  t.equal(toUtc(zoneNamed('Pacific/Apia'), '20111230T120000'), '20111230T220000', 'a day that Samoa never had')
  t.equal(toLocal(zoneNamed('America/New_York'), '18000101T120000'), '18000101T070358', 'local mean time')
  t.equal(toUtc(zoneNamed('Europe/Dublin'), '20500701T120000'), '20500701T110000', 'daylight saving told backwards')
  t.equal(toUtc(zoneNamed('Asia/Kolkata'), '20500701T120000'), '20500701T063000')
})

t.test('zone files and their footers', async t => {
  t.equal(readTzif('x', Buffer.from('not a zone')), undefined)
  t.equal(readTzif('x', Buffer.from('TZif2')), undefined)
  for (const wrong of ['', 'CET', 'CET-1CEST', 'CET-1CEST,M13.1.0,M10.5.0', 'nonsense,,']) {
    const rule = parsePosixRule(wrong)
    t.ok(rule === undefined || rule.daylight === undefined, wrong)
  }
  const days = (rule: string, year: number): string[] => {
    const at: number[] = []
    continueWith(parsePosixRule(rule)!, year, year, at, [])
    return at.map(text)
  }
  t.same(days('EST5EDT,M3.2.0,M11.1.0', 2025), ['20250309T070000', '20251102T060000'])
  t.same(days('AEST-10AEDT,M10.1.0,M4.1.0/3', 2025), ['20250405T160000', '20251004T160000'])
  t.same(days('<-02>2<-01>,M3.5.0/-1,M10.5.0/0', 2025), ['20250330T010000', '20251026T010000'])
  t.same(days('XXX0YYY,J60/0,365/0', 2024), ['20240301T000000', '20241230T230000'])
  t.equal(intlName('no/where'), undefined)
  t.equal(intlName('europe/BERLIN'), 'Europe/Berlin')
  // the system's files and those in Intl are of different age: of years gone by they say the same
  for (const name of ['America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Casablanca']) {
    let file: Zone | undefined
    try {
      file = readTzif(name, readFileSync(`/usr/share/zoneinfo/${name}`))
    } catch { continue }
    const intl = intlZone(name)
    for (let utc = 0; utc < 1.6e9; utc += 1_234_567) if (file?.toLocal(utc) !== intl.toLocal(utc)) t.fail(`${name} at ${text(utc)}`)
  }
})

t.test('the VTIMEZONE of a calendar', async t => {
  const zone = (tzid: string, ...observances: string[][]): Zone | undefined => zonesOf(parse(calendar(tzid, ...observances))).get(tzid)
  const fixed = (offset: string): string[] => observance('STANDARD', '19700101T000000', offset, offset)
  t.equal(toUtc(zone('Europe/Berlin', fixed('+0300')), '20250101T120000'), '20250101T090000', 'is believed, not the name')
  t.equal(toUtc(zone('Europe/Berlin', fixed('+0400')), '20250101T120000'), '20250101T080000', 'is not mixed up with another of that name')
  t.equal(zone('Mine', fixed('+051845')), zone('Mine', fixed('+051845')), 'the same text is read once')
  t.equal(toUtc(zone('Mine', fixed('+051845')), '20250101T120000'), '20250101T064115')
  t.equal(zone('Europe/Berlin', fixed('nonsense')), berlin, 'a bad one gives way to the name')
  t.equal(zone('Mine', fixed('+9900')), undefined, 'or to nothing')
  t.equal(zone('Mine'), undefined, 'without observances')
  t.equal(zone('Mine', observance('STANDARD', '20250101T000000', '+0000', '+0100', 'RRULE:FREQ=SECONDLY')), undefined, 'too many onsets')
  t.equal(zone('Mine', observance('STANDARD', '20250101T000000', '+0000', '+0100', 'RRULE:FREQ=NEVER')), undefined)
  const old = observance('STANDARD', '20201025T030000', '+0200', '+0100')
  const short = observance('DAYLIGHT', '20200329T020000', '+0100', '+0200')
  t.equal(zone('Europe/Berlin', old, short), berlin, 'one that ends gives way to the name')
  t.equal(toUtc(zone('Mine', old, short), '20200701T120000'), '20200701T100000', 'but is better than nothing')
  t.equal(toUtc(zone('Mine', old, short), '20100701T120000'), '20100701T110000', 'before the first onset: TZOFFSETFROM')
  t.equal(toUtc(zonesOf(parse(calendar(' Mine', fixed('+0200')))).get('Mine'), '20250101T120000'), '20250101T100000', 'blanks around the name')
  t.equal(zonesOf(parse(calendar('x'))).get('Asia/Tokyo')?.id, 'Asia/Tokyo', 'no VTIMEZONE of that name')
  const until = zone('Mine',
    observance('DAYLIGHT', '20000402T020000', '-0500', '-0400', 'RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z'),
    observance('STANDARD', '20001029T020000', '-0400', '-0500', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z'),
    observance('DAYLIGHT', '20070311T020000', '-0500', '-0400', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU'),
    observance('STANDARD', '20071104T020000', '-0400', '-0500', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU'))
  const newYork = zoneNamed('America/New_York')!
  for (let utc = seconds('20000501'); utc < seconds('21000101'); utc += 86400 * 3 + 1234) if (until!.toLocal(utc) !== newYork.toLocal(utc)) t.fail(text(utc))
  const outlook = zone('Customized', observance('STANDARD', '16010101T030000', '+0200', '+0100', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10'),
    observance('DAYLIGHT', '16010101T020000', '+0100', '+0200', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3'))
  t.equal(toUtc(outlook, '20250701T120000'), '20250701T100000')
  t.equal(toUtc(outlook, '20251201T120000'), '20251201T110000')
  const dates = zone('Mine', observance('STANDARD', '20250101T000000', '+0000', '+0100', 'RDATE:20250601T000000,20250701T000000'), observance('DAYLIGHT', '20250615T000000', '+0100', '+0000'))
  t.equal(toUtc(dates, '20250620T120000'), '20250620T120000')
  t.equal(toUtc(dates, '20250710T120000'), '20250710T110000')
  t.equal(zoneFromCalendar('nonsense'), undefined)
  t.equal(zoneFromCalendar('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n'), undefined)
})
