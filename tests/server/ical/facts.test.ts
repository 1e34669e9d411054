import t from 'tap'
import { describe, type Span } from '../../../server/ical/facts.js'
import { matches } from '../../../server/ical/filter.js'
import { parse } from '../../../server/ical/parse.js'
import { UTC, zoneNamed } from '../../../server/ical/timezone.js'

const FAR = 8_640_000_000_000
const at = (text: string): number => Date.parse(text) / 1000
const source = (name: string, ...lines: string[]): string => ['BEGIN:VCALENDAR', `BEGIN:${name}`, 'UID:1', ...lines, `END:${name}`, 'END:VCALENDAR'].join('\n')
const facts = (text: string) => describe(Buffer.from(text))
const span = (start: string | number, end: string | number, parts: Partial<Span> = {}): Span => ({ start: typeof start === 'string' ? at(start) : start, end: typeof end === 'string' ? at(end) : end, floating: false, exact: true, ...parts })

t.test('who and what', async t => {
  t.match(facts(source('VEVENT', 'SUMMARY:a\\, b', 'ORGANIZER;CN=x:mailto:a@b', 'DTSTART:20250102T100000Z')), { uid: '1', component: 'VEVENT', organizer: 'mailto:a@b', summary: 'a, b' })
  t.notOk('organizer' in facts(source('VEVENT', 'DTSTART:20250102T100000Z')))
  t.match(facts('BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:override\nRECURRENCE-ID:20250102T100000Z\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\nDTSTART:20250101T100000Z\nRRULE:FREQ=DAILY\nSUMMARY:master\nEND:VEVENT\nEND:VCALENDAR'), { summary: 'master' }, 'of the master')
  t.throws(() => facts('BEGIN:VCALENDAR\nEND:VCALENDAR'), { name: 'IcalError', reason: 'valid-calendar-object-resource' })
  t.throws(() => facts(source('VEVENT', 'DTSTART:20250102T100000Z').replace('BEGIN:VEVENT', 'METHOD:REQUEST\r\nBEGIN:VEVENT')), { name: 'IcalError', reason: 'valid-calendar-object-resource' }, 'an invitation is no event')
  const slip = Buffer.from(source('VEVENT', 'DTSTART:garbage'))
  t.match(describe(slip, false), { uid: '1' }, 'what has always been so is served')
  t.throws(() => describe(slip, true), { name: 'IcalError', reason: 'valid-calendar-data' }, 'what was right before is kept instead')
  t.throws(() => describe(Buffer.from([0xff])), { name: 'IcalError', reason: 'valid-calendar-data' })
})

t.test('spans', async t => {
  for (const [why, text, expected] of [
    ['an event', source('VEVENT', 'DTSTART;TZID=Europe/Berlin:20250702T100000', 'DURATION:PT1H'), [span('2025-07-02T08:00Z', '2025-07-02T09:00Z')]],
    ['floating', source('VEVENT', 'DTSTART:20250702T100000', 'DTEND:20250702T110000'), [span('2025-07-02T10:00Z', '2025-07-02T11:00Z', { floating: true })]],
    ['a day', source('VEVENT', 'DTSTART;VALUE=DATE:20250702'), [span('2025-07-02', '2025-07-03', { floating: true })]],
    ['instances', source('VEVENT', 'DTSTART:20250101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=3', 'EXDATE:20250102T100000Z'), [span('2025-01-01T10:00Z', '2025-01-01T11:00Z'), span('2025-01-03T10:00Z', '2025-01-03T11:00Z')]],
    ['many instances: a second more, since the last may take no time', source('VEVENT', 'DTSTART:20250101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=100'), [span('2025-01-01T10:00Z', '2025-04-10T11:00:01Z', { exact: false })]],
    ['without end', source('VEVENT', 'DTSTART;VALUE=DATE:20250101', 'RRULE:FREQ=YEARLY'), [span('2025-01-01', FAR, { exact: false, floating: true })]],
    ['unreadable', source('VEVENT', 'DTSTART:soon'), [span(-FAR, FAR, { exact: false })]],
    ['a journal entry', source('VJOURNAL', 'DTSTART;VALUE=DATE:20250702'), [span('2025-07-02', '2025-07-03', { floating: true })]],
    ['a journal entry without date', source('VJOURNAL'), []],
    ['a to-do without date', source('VTODO'), [span(-FAR, FAR, { exact: false })]],
    ['free-busy', source('VFREEBUSY', 'FREEBUSY:20250102T100000Z/PT1H,20250101T100000Z/PT1H'), [span('2025-01-01T10:00Z', '2025-01-02T11:00Z', { exact: false })]],
    ['free-busy without periods', source('VFREEBUSY'), []]
  ] as const) t.same(facts(text).spans, expected, why)
})

t.test('the index finds all that the filter matches', async t => {
  const objects = [
    ['DTSTART:20250102T100000Z'], ['DTSTART:20250102T100000Z', 'DUE:20250102T120000Z'], ['DTSTART:20250102T100000Z', 'DURATION:PT2H'], ['DUE:20250102T120000Z'], ['DUE;VALUE=DATE:20250102'],
    ['DTSTART;VALUE=DATE:20250102', 'DUE;VALUE=DATE:20250103'], ['DTSTART:20250102T100000', 'DUE:20250102T110000'], ['COMPLETED:20250102T100000Z'], ['CREATED:20250102T100000Z'], ['COMPLETED:20250102T100000Z', 'CREATED:20250101T100000Z'], [],
    ['DTSTART:20250102T100000Z', 'DUE:20250102T110000Z', 'RRULE:FREQ=WEEKLY;COUNT=3'], ['DTSTART;VALUE=DATE:20250102', 'RRULE:FREQ=DAILY;COUNT=50'], ['DTSTART;TZID=Asia/Tokyo:20250102T100000', 'RRULE:FREQ=DAILY;COUNT=50']
  ].map(lines => ['VTODO', source('VTODO', ...lines)] as const)
  const more = [
    ['DTSTART:20250102T100000Z'], ['DTSTART:20250102T100000Z', 'DTEND:20250102T120000Z'], ['DTSTART;VALUE=DATE:20250102'], ['DTSTART:20250102T100000', 'DURATION:P1D'],
    ['DTSTART:20250102T100000', 'RRULE:FREQ=DAILY;COUNT=50'], ['DTSTART:20250102T100000Z', 'RRULE:FREQ=WEEKLY;COUNT=3'], ['DTSTART:20250102T100000Z', 'RDATE:20250105T100000Z']
  ].map(lines => ['VEVENT', source('VEVENT', ...lines)] as const)
  const others = [['VJOURNAL', source('VJOURNAL', 'DTSTART:20250102T100000Z')], ['VFREEBUSY', source('VFREEBUSY', 'DTSTART:20250102T100000Z', 'DTEND:20250102T120000Z')], ['VFREEBUSY', source('VFREEBUSY', 'FREEBUSY:20250102T100000Z/PT2H')]] as const
  let found = 0
  for (const zone of [UTC, zoneNamed('Pacific/Auckland') ?? UTC]) {
    for (const [name, text] of [...objects, ...more, ...others]) {
      const { spans } = facts(text)
      const calendar = parse(text)
      for (let from = at('2025-01-01T00:00Z'); from < at('2025-01-12T00:00Z'); from += 3600) {
        for (const length of [1, 3600, 86_400]) {
          const range = { start: from, end: from + length }
          const match = matches({ name: 'VCALENDAR', properties: [], components: [{ name, properties: [], components: [], timeRange: range }] }, calendar, { floating: zone })
          const inSpan = spans.map(({ start, end, floating, exact }) => {
            const [a, b] = floating ? [zone.toUtc(start), zone.toUtc(end)] : [start, end]
            return { hit: b > a ? range.start < b && range.end > a : range.start <= a && range.end > a, exact }
          })
          if (match) found++
          if (match && !inSpan.some(({ hit }) => hit)) t.fail(`missed: ${text} ${from} ${length}`)
          if (!match && inSpan.some(({ hit, exact }) => hit && exact)) t.fail(`not exact: ${text} ${from} ${length}`)
        }
      }
    }
  }
  t.ok(found > 1000, String(found))
})
