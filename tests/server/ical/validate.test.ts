import t from 'tap'
import { IcalError } from '../../../server/ical/parse.js'
import { calendarObject } from '../../../server/ical/validate.js'

const calendar = (...lines: string[]): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:test', ...lines, 'END:VCALENDAR', ''].join('\r\n')
const component = (name: string, ...lines: string[]): string => calendar(`BEGIN:${name}`, 'UID:1', 'DTSTAMP:20250101T000000Z', ...lines, `END:${name}`)
const event = (...lines: string[]): string => component('VEVENT', 'DTSTART:20250101T100000Z', ...lines)
const eventAt = (start: string, ...lines: string[]): string => component('VEVENT', `DTSTART${start}`, ...lines)
const todo = (...lines: string[]): string => component('VTODO', ...lines)
const alarm = (...lines: string[]): string => event('BEGIN:VALARM', ...lines, 'END:VALARM')
const zone = (...lines: string[]): string[] => ['BEGIN:VTIMEZONE', ...lines, 'END:VTIMEZONE']
const standard = (...lines: string[]): string[] => ['BEGIN:STANDARD', ...lines, 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0100', 'END:STANDARD']
const verdict = (text: string): string => {
  try {
    calendarObject(text)
    return 'accepted'
  } catch (error) {
    if (error instanceof IcalError) return `${error.reason}: ${error.message}`
    throw error
  }
}

t.test('accepted', async t => {
  for (const [why, text] of Object.entries({
    'an event': event('DTEND:20250101T110000Z', 'SUMMARY:x'),
    'no PRODID, no VERSION, no DTSTAMP': 'BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20250101T100000Z\nEND:VEVENT\nEND:VCALENDAR',
    'VERSION as a range': event().replace('2.0', '2.0;2.0'),
    'CALSCALE in any case': calendar('CALSCALE:gregorian', ...event().split('\r\n').slice(3, -2)),
    'empty texts (Google, Apple)': event('DESCRIPTION:', 'LOCATION:', 'SUMMARY:'),
    'unknown property, parameter, word': event('METHID:REQUEST', 'COLOR;X-A=b:red', 'STATUS:MAYBE', 'IMAGE;VALUE=URI:http://a/'),
    'unknown component inside': event('BEGIN:PARTICIPANT', 'UID:2', 'END:PARTICIPANT'),
    'DATE without VALUE': eventAt(':20250101'),
    'DATE that calls itself DATE-TIME': eventAt(';VALUE=DATE-TIME:20250101'),
    'DATE with TZID': eventAt(';TZID=Nowhere;VALUE=DATE:20250101'),
    'DATE with days of DURATION': eventAt(';VALUE=DATE:20250101', 'DURATION:P2D'),
    'leap second': eventAt(':20161231T235960Z'),
    'leap day': eventAt(';VALUE=DATE:20240229'),
    'end before start': event('DTEND:20250101T090000Z'),
    'UTC start, end in a zone': event('DTEND;TZID=Europe/Rome:20250101T120000'),
    'zone that all know, without VTIMEZONE (RFC 7809)': eventAt(';TZID=Europe/Rome:20250101T100000'),
    'Windows zone': eventAt(';TZID=W. Europe Standard Time:20250101T100000'),
    'own zone': calendar(...zone('TZID:Mine', ...standard('DTSTART:19700101T000000')), 'BEGIN:VEVENT', 'UID:1', 'DTSTART;TZID=Mine:20250101T100000', 'END:VEVENT'),
    'quoted zone with a colon': calendar(...zone('TZID:(GMT+1:00)', ...standard('DTSTART:19700101T000000')), 'BEGIN:VEVENT', 'UID:1', 'DTSTART;TZID="(GMT+1:00)":20250101T100000', 'END:VEVENT'),
    'rules': event('RRULE:FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20260101T000000Z', 'EXDATE:20250108T100000Z,20250115T100000Z', 'RDATE;VALUE=PERIOD:20250301T100000Z/PT1H,20250302T100000Z/20250302T110000Z'),
    'two rules': event('RRULE:FREQ=WEEKLY', 'RRULE:FREQ=MONTHLY'),
    'UNTIL of an all-day event': eventAt(';VALUE=DATE:20250101', 'RRULE:FREQ=DAILY;UNTIL=20250103'),
    'UNTIL of a floating event': eventAt(':20250101T100000', 'RRULE:FREQ=DAILY;UNTIL=20250103T100000'),
    'a day as exception of a time, as Evolution writes it': event('RRULE:FREQ=DAILY', 'EXDATE;VALUE=DATE:20250102'),
    'a moved instance of Thunderbird': event('DTEND:20250101T110000Z', 'DURATION:PT0S'),
    'overrides': calendar('BEGIN:VEVENT', 'UID:1', 'DTSTART:20250101T100000Z', 'RRULE:FREQ=DAILY', 'END:VEVENT', 'BEGIN:VEVENT', 'UID:1', 'RECURRENCE-ID:20250102T100000Z', 'DTSTART:20250102T110000Z', 'END:VEVENT'),
    'an override alone': event('RECURRENCE-ID:20250101T090000Z'),
    'UNTIL in UTC of a floating event, as early iCal wrote it': eventAt(':20250101T100000', 'RRULE:FREQ=DAILY;UNTIL=20250103T235959Z'),
    'a to-do without dates': todo(),
    'a to-do that begins at a time and is due on a day': todo('DTSTART;TZID=Europe/Rome:20250101T100000', 'DUE;VALUE=DATE:20250103'),
    'a to-do that begins on a day and is due at a time': todo('DTSTART;VALUE=DATE:20250101', 'DUE:20250102T000000Z'),
    'a to-do of UTC and local time': todo('DTSTART:20250101T100000Z', 'DUE:20250102T100000'),
    'a to-do due in UTC, with TZID': todo('DTSTART:20250101T100000Z', 'DUE;TZID=Europe/Rome:20250102T100000Z'),
    'a to-do that is due again and again': todo('DUE:20250101T100000Z', 'RRULE:FREQ=DAILY'),
    'a to-do with DUE and DURATION': todo('DUE:20250101T100000Z', 'DURATION:PT1H'),
    'a journal entry with two URLs and DESCRIPTIONs': component('VJOURNAL', 'URL:http://a/', 'URL:http://b/', 'DESCRIPTION:a', 'DESCRIPTION:b'),
    'free-busy': component('VFREEBUSY', 'FREEBUSY;FBTYPE=BUSY:20250101T000000Z/PT1H,20250102T000000Z/PT1H'),
    'availability (RFC 7953)': component('VAVAILABILITY', 'BEGIN:AVAILABLE', 'UID:2', 'DTSTAMP:20250101T000000Z', 'DTSTART:20250101T090000', 'DTEND:20250101T170000', 'END:AVAILABLE'),
    alarms: alarm('ACTION:DISPLAY', 'TRIGGER;RELATED=END:-P1DT2H', 'REPEAT:2', 'DURATION:PT5M', 'ATTACH;VALUE=URI:Basso'),
    'alarm without ACTION': alarm('TRIGGER:-PT15M'),
    'absolute alarm, VALUE left out': alarm('ACTION:AUDIO', 'TRIGGER:20250101T090000Z'),
    'attachments': event('ATTACH;ENCODING=BASE64;VALUE=BINARY:QUJD', 'ATTACH:http://a/'),
    numbers: event('GEO:37.386013;-122.082932', 'PRIORITY:1', 'SEQUENCE:01', 'X-B;VALUE=BOOLEAN:true', 'X-I;VALUE=INTEGER:1,2')
  })) t.equal(verdict(text), 'accepted', why)
  t.match(calendarObject(event('SUMMARY:x')), { uid: '1', type: 'VEVENT', calendar: { name: 'VCALENDAR' } })
})

t.test('refused as data', async t => {
  for (const [why, text, expected] of [
    ['vCalendar', event().replace('2.0', '1.0'), 'line 2: expected VERSION:2.0, found "1.0"'],
    ['another calendar scale', calendar('CALSCALE:CHINESE'), 'line 4: expected CALSCALE:GREGORIAN, found "CHINESE"'],
    ['no start', component('VEVENT'), 'line 4: expected DTSTART in VEVENT'],
    ['no trigger', alarm('ACTION:DISPLAY'), 'line 8: expected TRIGGER in VALARM'],
    ['no such day', eventAt(';VALUE=DATE:20250229'), 'line 7: expected DTSTART to be a date (YYYYMMDD), found "20250229"'],
    ['no such hour', eventAt(':20250101T240000Z'), 'line 7: expected DTSTART to be a date with time'],
    ['lower case', eventAt(':20250101t100000z'), 'line 7: expected DTSTART to be'],
    ['a time that calls itself DATE', eventAt(';VALUE=DATE:20250101T100000'), 'line 7: expected DTSTART to be a date (YYYYMMDD)'],
    ['text as start', eventAt(';VALUE=TEXT:soon'), 'line 7: expected DTSTART as DATE-TIME or DATE, found VALUE=TEXT'],
    ['UTC with TZID', eventAt(';TZID=Europe/Rome:20250101T100000Z'), 'line 7: expected DTSTART either with TZID or in UTC'],
    ['stamp not UTC', component('VEVENT', 'DTSTART:20250101T100000Z', 'CREATED:20250101T100000'), 'line 8: expected CREATED in UTC'],
    ['stamp a date', todo('COMPLETED;VALUE=DATE:20250101'), 'line 7: expected COMPLETED as DATE-TIME, found VALUE=DATE'],
    ['a property twice', event('SUMMARY:a', 'SUMMARY:b'), 'line 9: expected SUMMARY once in VEVENT, found it twice'],
    ['DTEND and DURATION', event('DTEND:20250101T110000Z', 'DURATION:PT1H'), 'line 9: expected DTEND or DURATION in VEVENT, found both'],
    ['a date as end of a time', event('DTEND;VALUE=DATE:20250102'), 'line 8: expected DTEND of one kind with DTSTART, which is a time in UTC, found a date'],
    ['local end of a UTC start', event('DTEND:20250101T110000'), 'found a local time'],
    ['an alarm that was acknowledged at a local time (RFC 9074)', alarm('TRIGGER:-PT5M', 'ACKNOWLEDGED:20250101T100000'), 'line 10: expected ACKNOWLEDGED in UTC'],
    ['both, even if they agree', event('DTEND:20250101T110000Z', 'DURATION:PT1H'), 'line 9: expected DTEND or DURATION in VEVENT, found both'],
    ['exceptions that are no dates', event('RRULE:FREQ=DAILY', 'EXDATE:20250102T100000Z,garbage'), 'line 9: expected EXDATE to be'],
    ['a time as exception of a date', eventAt(';VALUE=DATE:20250101', 'EXDATE:20250102T100000Z'), 'line 8: expected EXDATE of one kind'],
    ['hours for a date', eventAt(';VALUE=DATE:20250101', 'DURATION:PT1H'), 'line 8: expected days or weeks in DURATION'],
    ['UNTIL a date, start UTC', event('RRULE:FREQ=DAILY;UNTIL=20250103'), 'line 8: expected UNTIL as a time in UTC'],
    ['UNTIL UTC, start a date', eventAt(';VALUE=DATE:20250101', 'RRULE:FREQ=DAILY;UNTIL=20250103T000000Z'), 'line 8: expected UNTIL as a date'],
    ['UNTIL local, start with zone', eventAt(';TZID=Europe/Rome:20250101T100000', 'RRULE:FREQ=DAILY;UNTIL=20250103T000000'), 'expected UNTIL as a time in UTC as DTSTART is a time with TZID'],
    ['no FREQ', event('RRULE:COUNT=3'), 'line 8: expected a recurrence rule in RRULE'],
    ['INTERVAL=0, as Outlook writes it', event('RRULE:FREQ=DAILY;INTERVAL=0'), 'line 8: expected a recurrence rule in RRULE'],
    ['duration', event('DURATION:1H'), 'line 8: expected DURATION to be a duration'],
    ['sign inside', alarm('TRIGGER:PT-2H'), 'line 9: expected TRIGGER to be a duration'],
    ['empty duration', event('DURATION:P'), 'line 8: expected DURATION to be a duration'],
    ['period', component('VFREEBUSY', 'FREEBUSY:20250101T000000Z'), 'line 7: expected FREEBUSY to be a period'],
    ['offset', calendar(...zone('TZID:A', 'BEGIN:STANDARD', 'DTSTART:19700101T000000', 'TZOFFSETFROM:+5328', 'TZOFFSETTO:+0100', 'END:STANDARD')), 'line 8: expected TZOFFSETFROM to be an offset from UTC'],
    ['integer', event('PRIORITY:high'), 'line 8: expected PRIORITY to be an integer, found "high"'],
    ['geo', event('GEO:40.1'), 'line 8: expected GEO to be latitude;longitude, found "40.1"'],
    ['base64', event('ATTACH;ENCODING=BASE64;VALUE=BINARY:foobar'), 'line 8: expected ATTACH to be base64'],
    ['boolean', event('X-A;VALUE=BOOLEAN:MAYBE'), 'line 8: expected X-A to be TRUE or FALSE'],
    ['one of a list', event('EXDATE:20250102T100000Z,soon'), 'line 8: expected EXDATE to be'],
    ['zone without name', calendar(...zone(...standard('DTSTART:19700101T000000'))), 'line 4: expected TZID in VTIMEZONE'],
    ['zone with an empty name', calendar(...zone('TZID:', ...standard('DTSTART:19700101T000000'))), 'expected a TZID in VTIMEZONE, found an empty one'],
    ['onset not local', calendar(...zone('TZID:A', ...standard('DTSTART:19700101T000000Z'))), 'line 7: expected DTSTART of STANDARD as a local time, found a time in UTC'],
    ['onset missing', calendar(...zone('TZID:A', ...standard())), 'line 6: expected DTSTART in STANDARD'],
    ['an event in an event', event('BEGIN:VEVENT', 'END:VEVENT'), 'line 8: expected VEVENT in VCALENDAR, found it in VEVENT']
  ] as const) {
    const found = verdict(text)
    t.ok(found.startsWith('valid-calendar-data: ') && found.includes(expected), `${why}: ${found}`)
  }
})

t.test('refused as object', async t => {
  const two = (a: string, b: string): string => calendar(...[a, b].flatMap(text => text.split('\r\n').slice(3, -2)))
  for (const [why, text, expected] of [
    ['METHOD, even where the rest is broken', calendar('METHOD:REQUEST', 'BEGIN:VEVENT', 'END:VEVENT'), 'valid-calendar-object-resource: line 4: expected no METHOD'],
    ['nothing in it', calendar(), 'valid-calendar-object-resource: line 1: expected a component'],
    ['only a zone', calendar(...zone('TZID:A', ...standard('DTSTART:19700101T000000'))), 'valid-calendar-object-resource: line 1: expected a component'],
    ['no UID', event().replace('UID:1\r\n', ''), 'valid-calendar-object-resource: line 4: expected a UID in VEVENT'],
    ['empty UID', event().replace('UID:1', 'UID: '), 'valid-calendar-object-resource: line 5: expected a UID in VEVENT'],
    ['two UIDs', two(event(), event().replace('UID:1', 'UID:2')), 'valid-calendar-object-resource: line 9: expected one UID'],
    ['two types', two(event(), todo()), 'valid-calendar-object-resource: line 9: expected one type of component, found VEVENT and VTODO'],
    ['two masters', two(event(), event()), 'valid-calendar-object-resource: line 9: expected one VEVENT without RECURRENCE-ID'],
    ['one override twice', two(event('RECURRENCE-ID:20250101T100000Z'), event('RECURRENCE-ID:20250101T100000Z')), 'valid-calendar-object-resource: line 10: expected each RECURRENCE-ID once'],
    ['an unknown zone', eventAt(';TZID=Nowhere/Land:20250101T100000'), 'valid-calendar-object-resource: line 7: expected a VTIMEZONE for TZID "Nowhere/Land"'],
    ['an unknown zone that says nothing', calendar(...zone('TZID:Nowhere'), 'BEGIN:VEVENT', 'UID:1', 'DTSTART;TZID=Nowhere:20250101T100000', 'END:VEVENT'), 'valid-calendar-object-resource: line 9: expected a VTIMEZONE'],
    ['a poll', component('VPOLL'), 'supported-calendar-component: line 4: expected VEVENT, VTODO'],
    ['data of Apple\'s server', two(event(), component('X-CALENDARSERVER-PERUSER')), 'supported-calendar-component: line 9: expected VEVENT'],
    ['a rule of an unknown calendar (RFC 7529)', event('RRULE:RSCALE=NABATEAN;FREQ=YEARLY'), 'supported-rscale: line 8: expected a calendar scale that is known'],
    ['an alarm alone', calendar('BEGIN:VALARM', 'TRIGGER:-PT5M', 'END:VALARM'), 'supported-calendar-component: line 4']
  ] as const) t.ok(verdict(text).startsWith(expected), `${why}: ${verdict(text)}`)
})
