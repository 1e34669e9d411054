import t from 'tap'
import { readFileSync } from 'node:fs'
import { escapeText, unescapeText, type Property } from '../../../server/ical/component.js'
import { civilFromDays, daysFromCivil, weekday } from '../../../server/ical/civil.js'
import { addDuration, formatWhen, inUtc, parseDateTime, parseDuration, parsePeriod, parseWhen, utcAfter, utcOf, type When, type Zone } from '../../../server/ical/time.js'
import { UTC, zoneFromCalendar, zoneNamed, zonesOf } from '../../../server/ical/timezone.js'
import { intlName, intlZone } from '../../../server/ical/intl-zone.js'
import { readTzif } from '../../../server/ical/tzif.js'
import { parsePosixRule, transitionsIn } from '../../../server/ical/posix-rule.js'
import { windowsZones } from '../../../server/ical/windows-zones.js'
import { parse } from '../../../server/ical/parse.js'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { isLikeStandard } from '../../../server/ical/like-standard.js'
import { readVtimezone } from '../../../server/ical/vtimezone.js'
import { isStandardZone, vtimezoneFor, vtimezoneOf } from '../../../server/ical/vtimezone-write.js'
import { write } from '../../../server/ical/write.js'
import { zoneOfData } from '../../../server/ical/zone-data.js'
import { meaningOf } from '../../../server/ical/zone-name.js'
import { systemZones, zoneSource } from '../../../server/ical/zone-source.js'
import { aliasesIn } from '../../../server/ical/zone-aliases.js'

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
  for (const wrong of ['', '2025', '20250230', '20251301', '20250101T240000', '20250101T006000', '20250101T0900', '2025-01-01', `${'9'.repeat(9999)}`]) {
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
    '/softwarestudio.org/Olson_20011030_5/Pacific/Auckland': 'Pacific/Auckland', '/freeassociation.sourceforge.net/Tzfile/SystemV/EST5EDT': 'SystemV/EST5EDT', 'mozilla.org/20050126_1/Europe/Berlin': 'Europe/Berlin',
    '"Europe/Berlin"': 'Europe/Berlin', 'Europe_Berlin': 'Europe/Berlin', 'America_New_York': 'America/New_York', 'US-Eastern': 'US/Eastern', 'w. europe standard time': 'Europe/Berlin',
    '(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna': 'Europe/Amsterdam', '(GMT+01.00) Amsterdam / Berlin, Madrid': 'Europe/Madrid', '(UTC-05:00) Eastern Time (US & Canada)': 'America/New_York',
    'Canberra, Melbourne, Sydney': 'Australia/Melbourne', 'Kuala Lumpur\\, Singapore': 'Asia/Kuala_Lumpur', '(UTC) Coordinated Universal Time': 'UTC', 'tzone://Microsoft/Utc': 'UTC', 'UTC+01:00': 'UTC+01:00', 'UTC+12': 'Etc/GMT-12',
    UTC: 'UTC', 'Etc/UTC': 'UTC', GMT: 'UTC', 'Etc/GMT+12': 'Etc/GMT+12', EST5EDT: 'EST5EDT'
  })) t.equal(zoneNamed(tzid)?.id, id, tzid)
  for (const tzid of ['', '/', 'Nowhere', '../../../etc/passwd', '/etc/passwd', 'Europe/../../../../etc/passwd', 'Europe/Berlin\0', 'Europe', 'right/Europe/Berlin', 'posixrules', 'localtime', 'tzdata.zi', 'A'.repeat(1000), 'constructor', 'Customized Time Zone', 'tzone://Microsoft/Custom', '(UTC+05:00) Berlin, Paris', 'Berlin', '(', '(UTC+99']) {
    t.equal(zoneNamed(tzid), undefined, JSON.stringify(tzid.slice(0, 40)))
  }
  t.equal(zoneNamed('Europe/Berlin'), berlin, 'kept')
  t.equal(toUtc(zoneNamed('GMT-03:30'), '20250701T120000'), '20250701T153000', 'as it is written, unlike Etc/GMT+3')
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
    return transitionsIn(parsePosixRule(rule)!, year, year).map(({ at }) => text(at))
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
  t.equal(toUtc(zonesOf(parse(calendar('Kuala Lumpur\\, Singapore', fixed('+0200')))).get('Kuala Lumpur, Singapore'), '20250101T120000'), '20250101T100000', 'TEXT has backslashes, a parameter has not')
  t.equal(zone('Europe/Berlin', winter), berlin, 'half of it: nothing leads to summer')
  t.equal(toUtc(zone('Mine', winter), '20250101T120000'), '20250101T110000', 'which is better than nothing')
  const cut = calendar('Europe/Berlin', summer, winter).replace('TZID:', 'TZUNTIL:20300101T000000Z\r\nTZID:')
  t.equal(zonesOf(parse(cut)).get('Europe/Berlin'), berlin, 'one that is cut off')
  const two = calendar('Europe/Berlin', summer, winter).replace('END:VTIMEZONE', 'END:VTIMEZONE\r\nBEGIN:VTIMEZONE\r\nTZID:Mine\r\nEND:VTIMEZONE')
  t.equal(zoneFromCalendar(two), undefined, 'RFC 4791 5.2.2: exactly one')
  t.equal(zoneFromCalendar('nonsense'), undefined)
  t.equal(zoneFromCalendar('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n'), undefined)
})

// a generator of our own, so that a failure can be repeated
function randoms (seed: number): (from: number, to: number) => number {
  return (from, to) => {
    seed = seed * 48271 % 2147483647
    return from + Math.floor(seed / 2147483647 * (to - from))
  }
}

t.test('VTIMEZONE of a standard zone (RFC 5545 3.6.5)', async t => {
  const source = systemZones()
  const random = randoms(7)
  t.ok(source.offered().size > 400, 'the zones were found')
  for (const name of source.offered().keys()) {
    const zone = zoneOfData(name, source.data(name)!)
    const again = readVtimezone(vtimezoneFor(name)!)
    for (let i = 0; i < 30; i++) {
      const [utc, local] = [random(-6e9, 1.6e10), random(-6e9, 1.6e10)]
      if (zone.toLocal(utc) !== again.toLocal(utc)) t.fail(`${name} at ${text(utc)}Z: ${text(again.toLocal(utc))}, not ${text(zone.toLocal(utc))}`)
      if (zone.toUtc(local) !== again.toUtc(local)) t.fail(`${name} at ${text(local)}`)
    }
    const [from, to] = [random(-2e9, 2e9), random(2e9, 4e9)]
    const cut = readVtimezone(vtimezoneFor(name, from, to)!)
    for (let i = 0; i < 30; i++) {
      const utc = random(from, to)
      if (zone.toLocal(utc) !== cut.toLocal(utc)) t.fail(`${name} from ${from} to ${to} at ${text(utc)}Z`)
    }
  }
  const lines = (name: string, from?: number, to?: number): string => write(vtimezoneFor(name, from, to)!)
  t.match(lines('US/Eastern'), /^BEGIN:VTIMEZONE\r\nTZID:US\/Eastern\r\n/, 'the name as asked')
  t.match(lines('America/New_York'), /BEGIN:DAYLIGHT\r\nDTSTART:20070311T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\nTZNAME:EDT\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT/)
  t.match(lines('America/New_York'), /TZOFFSETFROM:-045602\r\n/, 'local mean time')
  t.match(lines('Africa/Cairo', 1.7e9), /BYMONTH=11;BYMONTHDAY=1;BYDAY=FR\r\n[^]*BYMONTH=10;BYMONTHDAY=26,27,28,29,30,31;BYDAY=FR\r\n/, '24:00 of the last Thursday may be in November')
  t.match(lines('Europe/Dublin', 1.7e9), /^(?:(?!DAYLIGHT)[^])*BEGIN:STANDARD\r\nDTSTART:20231114T221320\r\nTZNAME:GMT\r\n[^]*BEGIN:DAYLIGHT[^]*TZNAME:IST/, 'the later clock is DAYLIGHT')
  // RFC 7808 3.9
  const cut = lines('Europe/Berlin', seconds('20240101T000000'), seconds('20260101T000000'))
  t.match(cut, /TZUNTIL:20260101T000000Z\r\nBEGIN:STANDARD\r\nDTSTART:20240101T010000\r\nTZNAME:CET\r\nTZOFFSETFROM:\+0100\r\nTZOFFSETTO:\+0100\r\n/)
  t.match(cut, /DTSTART:20241027T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20251026T010000Z\r\n/)
  t.match(lines('Europe/Berlin', seconds('20240331T010000')), /^BEGIN:VTIMEZONE\r\nTZID:Europe\/Berlin\r\nBEGIN:DAYLIGHT\r\nDTSTART:20240331T020000\r\nTZNAME:CEST\r\nTZOFFSETFROM:\+0100\r\nTZOFFSETTO:\+0200\r\nEND:DAYLIGHT/, 'a transition at the start itself is told once')
  t.equal(lines('Europe/Berlin', seconds('20240331T010000')).match(/20240331T020000/g)?.length, 1)
  for (const name of ['Nowhere', 'europe/berlin', 'right/Europe/Berlin', 'Factory', '../etc', 'W. Europe Standard Time', '']) {
    t.equal(isStandardZone(name), false, name)
    t.equal(vtimezoneFor(name), undefined, name)
  }
  t.ok(isStandardZone('Europe/Berlin') && isStandardZone('GB') && isStandardZone('UTC'))
})

t.test('rules that no zone has today', async t => {
  const random = randoms(11)
  for (const rule of ['XXX0YYY,J60/0,365/0', 'XXX0YYY,J59/24,J300/-30', 'XXX0YYY,0/26,200', 'XXX0YYY,M2.5.0,M10.5.0', 'XXX0YYY,M2.5.0/-30,M10.5.0', 'XXX0YYY,M2.5.0/50,M10.5.0', 'XXX0YYY,M3.1.0/-100,M12.5.6/100', 'XXX5YYY,M4.5.1/60,M9.2.3/167', 'XXX-3']) {
    const posix = parsePosixRule(rule)!
    const data = { first: posix.standard, at: [], kind: [], rule: posix }
    const zone = zoneOfData('x', data)
    const again = readVtimezone(vtimezoneOf('x', data))
    // what only dates can tell is told for forty years
    for (let i = 0; i < 300; i++) {
      const utc = random(0, 1.2e9)
      if (zone.toLocal(utc) !== again.toLocal(utc)) {
        t.fail(`${rule} at ${text(utc)}`)
        break
      }
    }
  }
})

t.test('monstrous VTIMEZONEs are bounded', async t => {
  const many = (count: number, line: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => line(i))
  const date = (i: number): string => text(seconds('20000101') + i * 86400)
  for (const [why, parts] of Object.entries({
    'an onset each second': [observance('STANDARD', '20250101T000000', '+0000', '+0100', 'RRULE:FREQ=SECONDLY'), observance('DAYLIGHT', '20250101T000000', '+0100', '+0000', 'RRULE:FREQ=SECONDLY')],
    'twenty years of seconds': [observance('STANDARD', '20250101T000000', '+0000', '+0100', 'RRULE:FREQ=SECONDLY;COUNT=600000000')],
    'rules that never match': many(100, () => 'x').map(() => observance('STANDARD', '20250101T000000', '+0000', '+0100', 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31')),
    '10,000 observances': many(10_000, date).map(start => observance('STANDARD', start, '+0000', '+0100')),
    'a flood of RDATE': [observance('STANDARD', '20250101T000000', '+0000', '+0100', `RDATE:${many(60_000, date).join(',')}`)],
    'a flood of RDATE lines': [observance('STANDARD', '20250101T000000', '+0000', '+0100', ...many(60_000, i => `RDATE:${date(i)}`))],
    'a flood of rules': [observance('STANDARD', '20250101T000000', '+0000', '+0100', ...many(20_000, () => 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU'))],
    '1 MB of nothing': [observance('STANDARD', '20250101T000000', '+0000', '+0100', `COMMENT:${'x'.repeat(1_000_000)}`)]
  })) {
    const read = parse(calendar('Europe/Berlin', ...parts))
    const begun = performance.now()
    const zone = zonesOf(read).get('Europe/Berlin')
    for (let year = 2000; year < 2400; year += 15) zone?.toUtc(seconds(`${year}0701T120000`))
    const spent = performance.now() - begun
    t.ok(spent < 100, `${why}: ${Math.round(spent)} ms`)
    t.ok(zone === berlin || toUtc(zone, '20250701T120000') === '20250701T110000', `${why}: the name counts, or what it says`)
  }
})

t.test('a VTIMEZONE speaks for its own calendar only', async t => {
  const fixed = observance('STANDARD', '19700101T000000', '+0900', '+0900')
  t.equal(toUtc(zonesOf(parse(calendar('Europe/Berlin', fixed))).get('Europe/Berlin'), '20250701T120000'), '20250701T030000')
  t.equal(zoneNamed('Europe/Berlin'), berlin)
  t.equal(zonesOf(parse('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n')).get('Europe/Berlin'), berlin)
  t.equal(toUtc(zoneFromCalendar(calendar('Europe/Berlin', summer, winter)), '20250701T120000'), '20250701T100000')
  t.match(write(vtimezoneFor('Europe/Berlin')!), /TZOFFSETTO:\+0200/)
})

t.test('where zones come from', async t => {
  const intl = zoneSource('/nowhere/')
  t.equal(intl.version(), process.versions['tz'])
  t.ok(intl.offered().has('Europe/Berlin') && intl.offered().size > 300)
  t.ok(intl.isOffered('US/Eastern') && intl.isOffered('UTC') && !intl.isOffered('Nowhere') && !intl.isOffered('us/eastern'), 'aliases that Intl does not list')
  t.equal(meaningOf('europe/berlin', intl), 'Europe/Berlin')
  t.equal(meaningOf('W. Europe Standard Time', intl), 'Europe/Berlin')
  t.equal(meaningOf('../etc/passwd', intl), undefined)
  const random = randoms(3)
  for (const name of ['Europe/Berlin', 'US/Eastern', 'America/Santiago', 'Asia/Gaza', 'Africa/Cairo', 'America/Nuuk', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC']) {
    const data = intl.data(name)!
    const [zone, again] = [zoneOfData(name, data), readVtimezone(vtimezoneOf(name, data))]
    for (let i = 0; i < 100; i++) {
      const utc = random(0, 9e9)
      if (zone.toLocal(utc) !== again.toLocal(utc)) t.fail(`${name} of Intl at ${text(utc)}Z`)
    }
  }
  t.match(write(vtimezoneOf('Europe/Berlin', intl.data('Europe/Berlin')!)), /RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n/, 'a rule is found in what Intl tells')

  const directory = `${t.testdir({ 'tzdata.zi': '# version 2030a\nZ Europe/Berlin 1 - CET\nL Europe/Berlin Europe/Bonn\nL Europe/Bonn Bonn\nZ Factory 0 - -00\nZ Not/There 0 - x\n', 'zone1970.tab': 'DE,DK\t+1\tEurope/Berlin\n', 'zone.tab': 'DK\t+1\tEurope/Copenhagen\n' })}/`
  const files = zoneSource(directory)
  mkdirSync(`${directory}Europe`)
  // Berlin's file with Tokyo's bytes: what is read is known by it
  for (const name of ['Europe/Berlin', 'Europe/Bonn', 'Europe/Copenhagen', 'Bonn', 'Factory']) writeFileSync(directory + name, systemZones().bytes('Asia/Tokyo')!)
  t.same([...files.offered()], [['Bonn', 'Europe/Bonn'], ['Europe/Berlin', undefined], ['Europe/Bonn', 'Europe/Berlin']], 'links, without what is not there')
  t.same([...aliasesIn(files)], [['Europe/Berlin', ['Bonn', 'Europe/Bonn']]])
  t.equal(files.version(), '2030a')
  const generation = files.generation()
  writeFileSync(`${directory}new`, '# version 2030b\nZ Europe/Berlin 1 - CET\nZ Europe/Copenhagen 1 - CET\n')
  renameSync(`${directory}new`, `${directory}tzdata.zi`)
  t.equal(files.generation(), generation, 'looked at once a minute')
  t.ok(files.generation(true) > generation, 'an update is seen')
  t.equal(files.version(), '2030b')
  t.same([...files.offered().keys()], ['Europe/Berlin', 'Europe/Copenhagen'])
  t.same([...aliasesIn(files)], [['Europe/Berlin', ['Europe/Copenhagen']]], 'a country that has followed another since 1970')
  t.equal(files.generation(true), files.generation(true))
  const walked = zoneSource(`${t.testdir({ Europe: { Berlin: systemZones().bytes('Europe/Berlin')!, 'x.txt': 'x' }, right: { Europe: {} }, posixrules: 'TZif' })}/`)
  t.same([...walked.offered().keys()], ['Europe/Berlin'], 'without a list the directory is one')
})

t.test('what we and others write of a standard zone is like it', async t => {
  const like = (text: string): boolean => isLikeStandard(parse(text).components[0]!)
  for (const name of systemZones().offered().keys()) if (!isLikeStandard(vtimezoneFor(name)!) || !isLikeStandard(vtimezoneFor(name, seconds('20150101'))!)) t.fail(name)
  for (const [why, described, expected] of [
    ['the same', calendar('Europe/Berlin', summer, winter), true], ['another', calendar('Europe/London', summer, winter), false], ['a link', calendar('Arctic/Longyearbyen', summer, winter), true],
    ['in any case', calendar('europe/berlin', summer, winter), true], ['Windows', calendar('W. Europe Standard Time', summer, winter), true], ['behind a vendor', calendar('/mozilla.org/20050126_1/Europe/Berlin', summer, winter), true],
    ['a name of nobody', calendar('Mine', summer, winter), false], ['an offset', calendar('UTC+01:00', observance('STANDARD', '19700101T000000', '+0100', '+0100')), true],
    ['another offset', calendar('UTC', observance('STANDARD', '19700101T000000', '+0100', '+0100')), false], ['nothing in it', calendar('Europe/Berlin'), true]
  ] as const) t.equal(like(described), expected, why)
})
