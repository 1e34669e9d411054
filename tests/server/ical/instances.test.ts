import t from 'tap'
import { compile, Compiled, extent, instances, type Instance } from '../../../server/ical/instances.js'
import { Budget } from '../../../server/ical/recur.js'
import { formatWhen, parseDateTime, type When } from '../../../server/ical/time.js'
import { UTC, zoneNamed, zonesOf } from '../../../server/ical/timezone.js'
import { parse } from '../../../server/ical/parse.js'
import type { Component } from '../../../server/ical/component.js'

const newYork = zoneNamed('America/New_York')!
const seconds = (text: string): number => parseDateTime(text).local
const utc = (local: number): string => local === Infinity ? 'never' : formatWhen({ date: false, local, zone: 'utc' })
const named = (when: When | undefined): string => when === undefined ? '-' : `${formatWhen(when)}${typeof when.zone === 'object' ? ` ${when.zone.id}` : ''}`

/** Events given as lines; `|` stands between the components. */
function calendar (events: string, name = 'VEVENT'): Component {
  const text = events.split('|').map(event => [`BEGIN:${name}`, 'UID:1', ...event.trim().split(/\s*\n\s*/), `END:${name}`].join('\r\n'))
  return parse(['BEGIN:VCALENDAR', 'VERSION:2.0', ...text, 'END:VCALENDAR', ''].join('\r\n'))
}

function found (events: string | Component, from = '20250101', to = '20250201', floating = UTC): Instance[] {
  const window = { start: from === '' ? -Infinity : seconds(from), end: to === '' ? Infinity : seconds(to) }
  return [...instances(typeof events === 'string' ? calendar(events) : events, window, floating, new Budget({ instances: 100 }))]
}

const starts = (...asked: Parameters<typeof found>): string[] => found(...asked).map(one => utc(one.startUtc))
const spans = (...asked: Parameters<typeof found>): string[] => found(...asked).map(one => `${named(one.start)}/${named(one.end)}`)

t.test('start and end', async t => {
  for (const [why, event, expected] of [
    ['DTEND', 'DTSTART:20250105T100000Z\nDTEND:20250105T110000Z', '20250105T100000Z/20250105T110000Z'],
    ['DURATION', 'DTSTART;TZID=Europe/Berlin:20250105T100000\nDURATION:PT90M', '20250105T100000 Europe/Berlin/20250105T113000 Europe/Berlin'],
    ['neither', 'DTSTART:20250105T100000Z', '20250105T100000Z/20250105T100000Z'],
    ['neither, on a DATE', 'DTSTART;VALUE=DATE:20250105', '20250105/20250106'],
    ['DTEND in another zone', 'DTSTART;TZID=Europe/Berlin:20250105T100000\nDTEND;TZID=America/New_York:20250105T100000', '20250105T100000 Europe/Berlin/20250105T100000 America/New_York'],
    ['DTEND before DTSTART', 'DTSTART:20250105T100000Z\nDTEND:20250105T090000Z', '20250105T100000Z/20250105T100000Z'],
    ['DTEND is DTSTART, on a DATE', 'DTSTART;VALUE=DATE:20250105\nDTEND;VALUE=DATE:20250105', '20250105/20250106'],
    ['negative DURATION', 'DTSTART:20250105T100000Z\nDURATION:-PT1H', '20250105T100000Z/20250105T100000Z'],
    ['a DTEND that cannot be read', 'DTSTART:20250105T100000Z\nDTEND:soon', '20250105T100000Z/20250105T100000Z']
  ] as const) t.same(spans(event), [expected], why)
  t.same(found('DTSTART:never'), [], 'no DTSTART')
  t.same(found('SUMMARY:x'), [])
  const [winter] = found('DTSTART;TZID=Europe/Berlin:20250105T100000\nDURATION:PT90M')
  t.same([winter?.startUtc, winter?.endUtc, winter?.recurrenceId].map(one => typeof one === 'number' ? utc(one) : one), ['20250105T090000Z', '20250105T103000Z', undefined])
  const [day] = found('DTSTART;VALUE=DATE:20250105', undefined, undefined, newYork)
  t.same([utc(day!.startUtc), utc(day!.endUtc)], ['20250105T050000Z', '20250106T050000Z'], 'a DATE in the floating zone')
})

t.test('what overlaps (RFC 4791 9.9)', async t => {
  const hour = 'DTSTART:20250105T100000Z\nDTEND:20250105T110000Z'
  const moment = 'DTSTART:20250105T100000Z'
  for (const [why, event, from, to, expected] of [
    ['touches the end', hour, '20250105T110000', '20250105T120000', 0], ['last second', hour, '20250105T105959', '20250105T120000', 1], ['touches the start', hour, '20250105T090000', '20250105T100000', 0],
    ['inside', hour, '20250105T101000', '20250105T101001', 1], ['a moment at the start of the window', moment, '20250105T100000', '20250105T110000', 1], ['a moment at its end', moment, '20250105T090000', '20250105T100000', 0],
    ['open at the start', hour, '', '20250105T100001', 1], ['open at the end', hour, '20250105T105959', '', 1], ['open', hour, '', '', 1]
  ] as const) t.equal(found(event, from, to).length, expected, why)
  const toDo = (event: string, from: string, to: string): number => found(calendar(event, 'VTODO'), from, to).length
  t.equal(toDo(`${moment}\nDUE:20250105T110000Z`, '20250105T110000', '20250105T120000'), 1, 'VTODO: also what touches')
  t.equal(toDo('DUE:20250105T110000Z', '20250105T100000', '20250105T110000'), 1, 'VTODO with DUE alone')
  t.equal(toDo('SUMMARY:x', '', ''), 0, 'VTODO without dates')
  t.equal(found(calendar(moment, 'VJOURNAL')).length, 1)
  t.equal(found(calendar(hour, 'VFREEBUSY')).length, 1)
})

t.test('repetitions', async t => {
  const berlin = 'DTSTART;TZID=Europe/Berlin:20250103T090000\nDTEND;TZID=Europe/Berlin:20250103T100000\nRRULE:FREQ=WEEKLY'
  t.same(starts(berlin, '20250320', '20250410'), ['20250321T080000Z', '20250328T080000Z', '20250404T070000Z'], 'follow the wall clock')
  t.same(starts(berlin, '20250117T090000', '20250124T080000'), [], 'touch the window')
  t.same(starts(berlin, '20250117T085959', '20250124T080001'), ['20250117T080000Z', '20250124T080000Z'])
  t.same(found(berlin).map(one => named(one.recurrenceId)), ['03', '10', '17', '24', '31'].map(day => `202501${day}T090000 Europe/Berlin`))
  t.same(spans('DTSTART;TZID=Europe/Berlin:20250329T120000\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=2', '20250301', '20250401'),
    ['20250329T120000 Europe/Berlin/20250330T120000 Europe/Berlin', '20250330T120000 Europe/Berlin/20250331T120000 Europe/Berlin'], 'DURATION is nominal')
  t.same(spans('DTSTART;TZID=Europe/Berlin:20250328T120000\nDTEND;TZID=Europe/Berlin:20250329T120000\nRRULE:FREQ=DAILY;COUNT=2', '20250301', '20250401')[1],
    '20250329T120000 Europe/Berlin/20250330T130000 Europe/Berlin', 'DTEND is exact')
  t.same(starts('DTSTART;TZID=Europe/Berlin:20250329T023000\nRRULE:FREQ=DAILY;COUNT=3', '20250301', '20250401'), ['20250329T013000Z', '20250330T013000Z', '20250331T003000Z'], 'in a gap')
  for (const rule of ['RRULE:FREQ=HOURLY', 'RRULE:FREQ=DAILY;BYHOUR=1,2,3', 'RRULE:FREQ=DAILY\nRDATE;TZID=Europe/Berlin:20250330T020000,20250330T030000', 'RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY;BYHOUR=2\nRRULE:FREQ=DAILY;BYHOUR=3']) {
    t.same(starts(`DTSTART;TZID=Europe/Berlin:20250330T010000\n${rule}`, '20250330', '20250330T015900'), ['20250330T000000Z', '20250330T010000Z'], `two names of a moment in a gap are one: ${rule}`)
  }
  t.same(starts('DTSTART:20250101T000000\nRRULE:FREQ=DAILY', '20250110T050000', '20250111T050001', newYork), ['20250110T050000Z', '20250111T050000Z'], 'floating')
  t.same(starts('DTSTART;VALUE=DATE:20250101\nRRULE:FREQ=DAILY', '20250110T050000', '20250110T060000', newYork), ['20250110T050000Z'], 'DATE')
  t.same(starts('DTSTART:20241231T000000Z\nDTEND:20250115T000000Z\nRRULE:FREQ=MONTHLY', '20250110', '20250111'), ['20241231T000000Z'], 'began before the window')
  t.same(starts('DTSTART:20250101T000000Z\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=WEEKLY;COUNT=2'), ['20250101T000000Z', '20250102T000000Z', '20250108T000000Z'], 'two rules')
  t.same(starts('DTSTART:20250101T000000Z\nRRULE:RSCALE=NABATEAN;FREQ=YEARLY'), ['20250101T000000Z'], 'a rule that is not understood leaves DTSTART')
})

t.test('RDATE, EXDATE, EXRULE', async t => {
  const daily = 'DTSTART;TZID=Europe/Berlin:20250101T090000\nRRULE:FREQ=DAILY;COUNT=4'
  const days = (...list: number[]): string[] => list.map(day => `2025010${day}T080000Z`)
  for (const [why, event, expected] of [
    ['EXDATE in the same zone', `${daily}\nEXDATE;TZID=Europe/Berlin:20250102T090000,20250103T090000`, days(1, 4)],
    ['EXDATE in UTC', `${daily}\nEXDATE:20250102T080000Z`, days(1, 3, 4)],
    ['EXDATE in another zone', `${daily}\nEXDATE;TZID=America/New_York:20250102T030000`, days(1, 3, 4)],
    ['EXDATE floating', `${daily}\nEXDATE:20250102T090000`, days(1, 3, 4)],
    ['EXDATE as DATE', `${daily}\nEXDATE;VALUE=DATE:20250102`, days(1, 3, 4)],
    ['EXDATE for DTSTART', `${daily}\nEXDATE;TZID=Europe/Berlin:20250101T090000`, days(2, 3, 4)],
    ['EXDATE that is none of them', `${daily}\nEXDATE;TZID=Europe/Berlin:20250102T090001`, days(1, 2, 3, 4)],
    ['EXDATE that cannot be read', `${daily}\nEXDATE:x,20250102T080000Z`, days(1, 3, 4)],
    ['EXRULE', `${daily}\nEXRULE:FREQ=DAILY;INTERVAL=2`, days(2, 4)],
    ['RDATE', `${daily}\nRDATE;TZID=Europe/Berlin:20250106T090000,20250102T090000`, days(1, 2, 3, 4, 6)],
    ['RDATE in UTC', `${daily}\nRDATE:20250106T080000Z`, days(1, 2, 3, 4, 6)],
    ['RDATE as DATE', `${daily}\nRDATE;VALUE=DATE:20250106`, days(1, 2, 3, 4, 6)],
    ['RDATE alone', 'DTSTART;TZID=Europe/Berlin:20250101T090000\nRDATE;TZID=Europe/Berlin:20250106T090000', days(1, 6)],
    ['RDATE before DTSTART', 'DTSTART;TZID=Europe/Berlin:20250106T090000\nRDATE;TZID=Europe/Berlin:20250101T090000', days(1, 6)],
    ['EXDATE for RDATE', `${daily}\nRDATE:20250106T080000Z\nEXDATE:20250106T080000Z`, days(1, 2, 3, 4)]
  ] as const) t.same(starts(event), expected, why)
  t.same(starts('DTSTART;VALUE=DATE:20250101\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20250102T000000Z'), ['20250101T000000Z', '20250103T000000Z'], 'EXDATE with a time beside a DATE')
  t.same(spans('DTSTART:20250101T090000Z\nDTEND:20250101T100000Z\nRDATE;VALUE=PERIOD:20250103T090000Z/PT3H,20250104T090000Z/20250104T110000Z'),
    ['20250101T090000Z/20250101T100000Z', '20250103T090000Z/20250103T120000Z', '20250104T090000Z/20250104T110000Z'], 'a PERIOD has its own end')
  t.same(starts('DTSTART:20250101T090000Z\nRDATE;VALUE=PERIOD:20250103T090000Z/P5D', '20250107', '20250108'), ['20250103T090000Z'], 'also when it reaches into the window')
})

t.test('overrides', async t => {
  const daily = 'DTSTART;TZID=Europe/Berlin:20250101T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nSUMMARY:master'
  const moved = 'RECURRENCE-ID;TZID=Europe/Berlin:20250102T090000\nDTSTART;TZID=Europe/Berlin:20250110T150000\nDURATION:PT2H'
  const whole = found(`${daily}|${moved}`)
  t.same(whole.map(one => utc(one.startUtc)), ['20250101T080000Z', '20250103T080000Z', '20250104T080000Z', '20250110T140000Z'])
  t.equal(utc(whole[3]!.endUtc), '20250110T160000Z')
  t.equal(named(whole[3]!.recurrenceId), '20250102T090000 Europe/Berlin')
  t.ok(whole[3]!.component.properties.every(one => one.value !== 'master'), 'is the override')
  t.same(starts(`${daily}|${moved}`, '20250110', '20250111'), ['20250110T140000Z'], 'moved into the window')
  t.same(starts(`${daily}|${moved}`, '20250102', '20250103'), [], 'moved out of the window')
  t.same(starts(`${daily}|RECURRENCE-ID:20250102T080000Z\nDTSTART:20250102T120000Z`).slice(1, 2), ['20250102T120000Z'], 'RECURRENCE-ID in UTC')
  t.same(starts(`${daily}|RECURRENCE-ID;VALUE=DATE:20250102\nDTSTART:20250102T120000Z`).slice(1, 2), ['20250102T120000Z'], 'RECURRENCE-ID as DATE')
  t.same(starts(`${daily}|RECURRENCE-ID;TZID=Europe/Berlin:20250102T090000`).length, 4, 'an override without DTSTART stays in its place')
  t.same(starts(`${moved}|${daily}`).length, 4, 'in any order')
  t.same(starts(`${moved}|RECURRENCE-ID:20250103T080000Z\nDTSTART:20250103T120000Z`), ['20250103T120000Z', '20250110T140000Z'], 'without master')
  t.same(starts('DTSTART:20250101T090000Z|RECURRENCE-ID:20250101T090000Z\nDTSTART:20250101T120000Z'), ['20250101T120000Z'], 'of something that does not repeat')
  t.same(starts(calendar('DTSTART:20250105T090000Z\nRRULE:FREQ=DAILY;COUNT=2|UID:2\nDTSTART:20250105T100000Z\nRRULE:FREQ=DAILY;COUNT=2'.replace('UID:2\n', ''))),
    ['20250105T090000Z', '20250105T100000Z', '20250106T090000Z', '20250106T100000Z'], 'two series are merged')
})

t.test('RANGE=THISANDFUTURE', async t => {
  const daily = 'DTSTART;TZID=Europe/Berlin:20250101T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:master'
  const later = 'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20250103T090000\nDTSTART;TZID=Europe/Berlin:20250103T150000\nDURATION:PT2H\nSUMMARY:later'
  t.same(spans(`${daily}|${later}`).map(one => one.replaceAll(' Europe/Berlin', '').replaceAll('202501', '')), ['01T090000/01T100000', '02T090000/02T100000', '03T150000/03T170000', '04T150000/04T170000', '05T150000/05T170000'])
  t.same(found(`${daily}|${later}`).map(one => one.component.properties.at(-1)?.value), ['master', 'master', 'later', 'later', 'later'])
  t.equal(named(found(`${daily}|${later}`)[4]!.recurrenceId), '20250105T090000 Europe/Berlin')
  t.same(starts(`${daily}|${later}`, '20250104T150000', '20250104T150001'), ['20250104T140000Z'], 'in a narrow window')
  const far = 'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20250103T090000\nDTSTART;TZID=America/New_York:20250203T090000'
  t.same(starts(`${daily}|${far}`, '20250201', '20250301'), ['20250203T140000Z', '20250204T140000Z', '20250205T140000Z'], 'a month later in another zone')
  t.same(starts(`${daily}|${far}`), ['20250101T080000Z', '20250102T080000Z'])
  const again = `${later}|RECURRENCE-ID;TZID=Europe/Berlin:20250104T090000\nDTSTART;TZID=Europe/Berlin:20250104T080000|RECURRENCE-ID;RANGE=THISANDFUTURE:20250105T080000Z\nDTSTART:20250105T200000Z`
  t.same(starts(`${daily}|${again}`), ['20250101T080000Z', '20250102T080000Z', '20250103T140000Z', '20250104T070000Z', '20250105T200000Z'], 'and again')
  t.same(extent(calendar(`${daily}|${far}`)), { start: seconds('20250101T080000'), end: seconds('20250205T140000'), floating: false, repeats: true })
})

t.test('extent', async t => {
  for (const [event, start, end, floating] of [
    ['DTSTART:20250105T100000Z\nDTEND:20250105T110000Z', '20250105T100000Z', '20250105T110000Z', false],
    ['DTSTART;VALUE=DATE:20250105', '20250105T000000Z', '20250106T000000Z', true],
    ['DTSTART:20250105T100000\nRRULE:FREQ=DAILY', '20250105T100000Z', 'never', true],
    ['DTSTART:20250105T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20250110T100000Z', '20250105T100000Z', '20250110T110000Z', false],
    ['DTSTART:20250105T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3', '20250105T100000Z', '20250107T110000Z', false],
    ['DTSTART:20250105T100000Z\nDURATION:PT1H\nRDATE:20240101T000000Z\nRDATE;VALUE=PERIOD:20250106T000000Z/P3D', '20240101T000000Z', '20250109T000000Z', false],
    ['DTSTART:20250105T100000Z\nRRULE:FREQ=DAILY;COUNT=3|RECURRENCE-ID:20250106T100000Z\nDTSTART:20260101T000000Z', '20250105T100000Z', '20260101T000000Z', false]
  ] as const) {
    const of = extent(calendar(event))
    t.same([utc(of!.start), utc(of!.end), of!.floating], [start, end, floating], event)
  }
  t.equal(extent(calendar('SUMMARY:x')), undefined)
})

t.test('AVAILABLE, and what costs too much', async t => {
  const text = ['BEGIN:VCALENDAR', 'BEGIN:VAVAILABILITY', 'UID:1', 'BEGIN:AVAILABLE', 'UID:2', 'DTSTART;TZID=Europe/Berlin:20250106T090000', 'DTEND;TZID=Europe/Berlin:20250106T170000', 'RRULE:FREQ=WEEKLY', 'END:AVAILABLE', 'END:VAVAILABILITY', 'END:VCALENDAR', '']
  const whole = parse(text.join('\r\n'))
  const available = new Compiled(whole.components[0]!, zonesOf(whole))
  t.equal([...available.overlapping({ start: seconds('20250101'), end: seconds('20250201') }, UTC)].length, 4)
  const hard = compile(calendar('DTSTART:20250106T090000Z\nRRULE:FREQ=MINUTELY\nEXRULE:FREQ=SECONDLY'))
  const budget = new Budget({ steps: 5000 })
  t.same([...hard.overlapping({ start: -Infinity, end: Infinity }, UTC, budget)], [])
  t.ok(budget.exhausted)
  const few = new Budget({ instances: 5 })
  t.equal([...instances(calendar('DTSTART:20250106T090000Z\nRRULE:FREQ=DAILY'), { start: -Infinity, end: Infinity }, UTC, few)].length, 5)
  t.ok(few.exhausted)
})
