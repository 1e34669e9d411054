import { readFileSync } from 'node:fs'
import t from 'tap'
import { busyTime, freeBusy } from '../../../server/ical/freebusy.js'
import { parse } from '../../../server/ical/parse.js'
import { calendarObject } from '../../../server/ical/validate.js'
import { UTC, zoneNamed } from '../../../server/ical/timezone.js'
import { write } from '../../../server/ical/write.js'
import type { Component } from '../../../server/ical/component.js'

const at = (text: string): number => Date.parse(text) / 1000
const single = (name: string, ...lines: string[]): Component => parse(['BEGIN:VCALENDAR', `BEGIN:${name}`, 'UID:1', ...lines, `END:${name}`, 'END:VCALENDAR'].join('\n'))
const shown = (objects: Component[], zone = UTC): string[] => [...busyTime(objects, { start: at('2025-01-02T00:00Z'), end: at('2025-01-03T00:00Z') }, zone)]
  .flatMap(([type, periods]) => periods.map(({ start, end }) => `${type} ${new Date(start * 1000).toISOString().slice(8, 16)}-${new Date(end * 1000).toISOString().slice(8, 16)}`))

t.test('RFC 4791 7.10.1', async t => {
  const collection = [1, 2, 3, 4, 5, 6, 7, 8].map(number => parse(readFileSync(new URL(`../../fixture/rfc4791/abcd${number}.ics`, import.meta.url), 'utf8')))
  const day = { start: at('2006-01-04T14:00Z'), end: at('2006-01-04T22:00Z') }
  const answer = write(freeBusy(busyTime(collection, day, UTC), day, { stamp: at('2005-01-25T09:00Z'), uid: 'a' }))
  t.same(answer.split('\r\n'), [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//caldavd//EN', 'BEGIN:VFREEBUSY', 'UID:a', 'DTSTAMP:20050125T090000Z', 'DTSTART:20060104T140000Z', 'DTEND:20060104T220000Z',
    'FREEBUSY;FBTYPE=BUSY:20060104T190000Z/20060104T200000Z', 'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z',
    'END:VFREEBUSY', 'END:VCALENDAR', ''])
  t.equal(calendarObject(answer).type, 'VFREEBUSY')
})

t.test('what is busy, cut and merged', async t => {
  const event = (...lines: string[]): Component => single('VEVENT', ...lines)
  for (const [why, objects, expected] of [
    ['an event', [event('DTSTART:20250102T100000Z', 'DTEND:20250102T110000Z')], ['BUSY 02T10:00-02T11:00']],
    ['transparent', [event('DTSTART:20250102T100000Z', 'DTEND:20250102T110000Z', 'TRANSP:TRANSPARENT')], []],
    ['cancelled', [event('DTSTART:20250102T100000Z', 'DTEND:20250102T110000Z', 'STATUS:CANCELLED')], []],
    ['tentative, in any case', [event('DTSTART:20250102T100000Z', 'DTEND:20250102T110000Z', 'TRANSP:opaque', 'STATUS:tentative')], ['BUSY-TENTATIVE 02T10:00-02T11:00']],
    ['another status', [event('DTSTART:20250102T100000Z', 'DTEND:20250102T110000Z', 'STATUS:X-MAYBE')], ['BUSY 02T10:00-02T11:00']],
    ['no length', [event('DTSTART:20250102T100000Z')], []],
    ['a to-do', [single('VTODO', 'DTSTART:20250102T100000Z', 'DUE:20250102T110000Z')], []],
    ['cut at both sides', [event('DTSTART:20250101T100000Z', 'DTEND:20250105T110000Z')], ['BUSY 02T00:00-03T00:00']],
    ['touching and overlapping', [event('DTSTART:20250102T110000Z', 'DURATION:PT1H'), event('DTSTART:20250102T100000Z', 'DURATION:PT1H'), event('DTSTART:20250102T113000Z', 'DURATION:PT1H'), event('DTSTART:20250102T140000Z', 'DURATION:PT1H')], ['BUSY 02T10:00-02T12:30', 'BUSY 02T14:00-02T15:00']],
    ['types are kept apart', [event('DTSTART:20250102T100000Z', 'DURATION:PT2H'), event('DTSTART:20250102T110000Z', 'DURATION:PT2H', 'STATUS:TENTATIVE')], ['BUSY 02T10:00-02T12:00', 'BUSY-TENTATIVE 02T11:00-02T13:00']],
    ['instances', [event('DTSTART:20240101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=HOURLY;INTERVAL=6')], ['BUSY 02T04:00-02T05:00', 'BUSY 02T10:00-02T11:00', 'BUSY 02T16:00-02T17:00', 'BUSY 02T22:00-02T23:00']],
    ['free-busy', [single('VFREEBUSY', 'FREEBUSY;FBTYPE=FREE:20250102T010000Z/PT1H', 'FREEBUSY;FBTYPE=X-OUT:20250102T030000Z/PT1H', 'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20250102T050000Z/PT1H,20250102T070000Z/PT1H', 'FREEBUSY:20250102T033000Z/PT1H')],
      ['BUSY 02T03:00-02T04:30', 'BUSY-UNAVAILABLE 02T05:00-02T06:00', 'BUSY-UNAVAILABLE 02T07:00-02T08:00']]
  ] as const) t.same(shown([...objects]), expected, why)
  const override = parse(['BEGIN:VCALENDAR', 'BEGIN:VEVENT', 'UID:1', 'DTSTART:20250101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY', 'TRANSP:TRANSPARENT', 'END:VEVENT', 'BEGIN:VEVENT', 'UID:1', 'RECURRENCE-ID:20250102T100000Z', 'DTSTART:20250102T120000Z', 'DURATION:PT1H', 'END:VEVENT', 'END:VCALENDAR'].join('\n'))
  t.same(shown([override]), ['BUSY 02T12:00-02T13:00'], 'the override is asked, not the master')
  t.same(shown([event('DTSTART;VALUE=DATE:20250102')], zoneNamed('America/New_York')), ['BUSY 02T05:00-03T00:00'], 'a day in its zone')
  t.notMatch(write(freeBusy(new Map(), { start: -Infinity, end: Infinity })), /DTSTART|DTEND|FREEBUSY;/, 'nothing')
})
