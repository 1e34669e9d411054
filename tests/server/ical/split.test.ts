import t from 'tap'
import { calendarObject } from '../../../server/ical/validate.js'
import { split, type SplitObject } from '../../../server/ical/split.js'

const lines = (...all: readonly string[]): string => [...all, ''].join('\r\n')
const calendar = (...inside: readonly string[]): string => lines('BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'METHOD:PUBLISH', 'X-WR-CALNAME:Holidays', ...inside, 'END:VCALENDAR')
const zone = (tzid: string): string[] => ['BEGIN:VTIMEZONE', `TZID:${tzid}`, 'BEGIN:STANDARD', 'DTSTART:19700101T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0100', 'END:STANDARD', 'END:VTIMEZONE']
const event = (uid: string | undefined, ...more: readonly string[]): string[] => ['BEGIN:VEVENT', ...uid === undefined ? [] : [`UID:${uid}`], 'DTSTAMP:20260101T000000Z', ...more, 'END:VEVENT']

function all (text: string | Buffer): readonly SplitObject[] {
  const parts = split(Buffer.from(text))
  for (;;) {
    const { done, value } = parts.next()
    if (done === true) return value
  }
}

t.test('objects by UID, each with the zones it names', async t => {
  const found = all(calendar(
    ...zone('A'), ...zone('B/quoted; "zone'.replace('"', "'")), ...zone('unused'),
    ...event('1', 'DTSTART;TZID=A:20260310T090000', 'RRULE:FREQ=DAILY'),
    ...event('2', 'DTSTART;X-Y="a:b;TZID=no";TZ', ' ID="B/quoted; \'zone":20260310T090000', 'BEGIN:VALARM', 'ACTION:DISPLAY', 'UID:alarm', 'TRIGGER:-PT5M', 'END:VALARM'),
    ...event('1', 'RECURRENCE-ID;TZID=A:20260311T090000', 'DTSTART;TZID=Europe/Paris:20260311T100000'),
    ...event('3', 'DTSTART:20260310T090000Z', 'DESCRIPTION:DTSTART;TZID=unused:x', 'summary:Grö', '\tße 😀')
  ))
  t.same(found.map(({ uid, isNamed, line }) => [uid, isNamed, line]), [['1', true, 30], ['2', true, 36], ['3', true, 53]])
  for (const object of found) t.equal(calendarObject(object.bytes().toString()).uid, object.uid)
  const [first = '', second = '', third = ''] = found.map(object => object.bytes().toString())
  t.same([first.match(/BEGIN:VEVENT/g)?.length, first.match(/TZID:\w+/g)], [2, ['TZID:A']])
  t.match(first, 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE')
  t.same(second.match(/^TZID:.*(?=\r)/gm), ["TZID:B/quoted; 'zone"])
  t.notMatch(third, /VTIMEZONE|METHOD|X-WR/)
  const [escaped] = all(calendar(...zone('Nowhere\\, at all'), ...event('1', 'DTSTART;TZID="Nowhere, at all":20260310T090000'), ...event('2', 'DTSTART:20260310T090000Z')))
  t.match(escaped?.bytes().toString(), 'TZID:Nowhere\\, at all', 'a property is TEXT with backslashes, a parameter is not')
  t.ok(third.includes('summary:Grö\r\n\tße 😀\r\n'), 'bytes stay as they are, foldings too')
})

t.test('one object without METHOD is the file as it is', async t => {
  const text = lines('\ufeffBEGIN:VCALENDAR', 'VERSION:2.0', 'X-OWN:kept', ...zone('not used'), ...event('1', 'DTSTART:20260310T090000Z'), 'END:VCALENDAR', '')
  const [object, ...others] = all(text)
  t.equal(others.length, 0)
  t.equal(object?.bytes().toString(), text)
})

t.test('what has no UID gets one, the same each time', async t => {
  const text = calendar(...event(undefined, 'DTSTART:20260310T090000Z'), ...event(undefined, 'DTSTART:20260310T090000Z'), ...event('', 'DTSTART:20260311T090000Z'), ...event('own', 'DTSTART:20260310T090000Z'))
  const found = all(text)
  t.same(found.map(({ isNamed }) => isNamed), [false, false, false, true])
  t.equal(new Set(found.map(({ uid }) => uid)).size, 4)
  t.same(all(text).map(({ uid }) => uid), found.map(({ uid }) => uid))
  for (const object of found) t.equal(calendarObject(object.bytes().toString()).uid, object.uid)
})

t.test('several calendars, one after the other, each with its own zones', async t => {
  const found = all(calendar(...zone('Z'), ...event('1', 'DTSTART;TZID=Z:20260310T090000')) + '\r\n' + calendar(...event('1', 'DTSTART;TZID=Z:20260310T090000'), ...event('2', 'DTSTART:20260310T090000Z')).replaceAll('\r\n', '\n'))
  t.same(found.map(({ uid }) => uid), ['1', '1', '2'])
  t.match(found[0]?.bytes().toString() ?? '', /TZID:Z/)
  t.notMatch(found[1]?.bytes().toString() ?? '', /VTIMEZONE/)
})

t.test('what does not nest is refused with its line', async t => {
  for (const [why, text, line] of [
    ['nothing', '', 1], ['text', 'hello\r\n', 1], ['an event alone', lines(...event('1')), 1], ['half an event', calendar(...event('1')).slice(0, 120), 8],
    ['ends that cross', calendar('BEGIN:VEVENT', 'BEGIN:VALARM', 'END:VEVENT', 'END:VALARM'), 8], ['a calendar in a calendar', calendar('BEGIN:VCALENDAR', 'END:VCALENDAR'), 6],
    ['text after the end', `${calendar(...event('1'))}hello`, 11], ['too deep', calendar(...Array.from({ length: 20 }, () => 'BEGIN:VEVENT')), 13]
  ] as const) t.throws(() => all(text), { name: 'IcalError', reason: 'valid-calendar-data', line }, why)
})

t.test('1 MB of anything is looked at in small slices', async t => {
  const large = 1 * 1024 * 1024
  const repeated = (text: string): Buffer => Buffer.alloc(large, text)
  const head = 'BEGIN:VCALENDAR\r\n'
  for (const [why, body] of Object.entries({
    'events': Buffer.concat([Buffer.from(head), repeated(lines(...event('1', 'DTSTART;TZID=X:20260310T090000', 'SUMMARY:something')))]),
    'one line': Buffer.concat([Buffer.from(`${head}BEGIN:VEVENT\r\nUID:`), repeated('x')]),
    'one folded line': Buffer.concat([Buffer.from(`${head}BEGIN:VEVENT\r\nUID:x\r\n`), repeated(' x\r\n')]),
    'long lines': Buffer.concat([Buffer.from(head), repeated(`X;${'A=";TZID'.repeat(900)}\r\n`)]),
    'empty lines': repeated('\r\n'),
    'empty components': Buffer.concat([Buffer.from(head), repeated('BEGIN:A\nEND:A\n')])
  })) {
    const parts = split(body)
    const times: number[] = []
    try {
      for (let done: boolean | undefined = false; done !== true;) {
        const begun = performance.now()
        done = parts.next().done
        times.push(performance.now() - begun)
      }
    } catch (error) {
      t.equal((error as Error).name, 'IcalError', why)
    }
    // one slice may be long for other reasons
    const usual = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
    t.ok(why === 'one line' ? usual < 50 : usual < 5 && times.length > 10, `${why}: ${times.length} slices, usually of ${usual.toFixed(1)} ms`)
  }
})
