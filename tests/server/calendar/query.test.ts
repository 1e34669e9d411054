import { writeFileSync } from 'node:fs'
import t from 'tap'
import { matches } from '../../../server/ical/filter.js'
import { parse } from '../../../server/ical/parse.js'
import { zoneNamed, UTC } from '../../../server/ical/timezone.js'
import { text } from '../../../server/xml/element.js'
import { caldav, dav } from '../../../server/xml/name.js'
import { calendarType, event, object } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const query = (filter: string, { prop = '<D:getetag/>', zone = '' } = {}): string => `<C:calendar-query ${ns}><D:prop>${prop}</D:prop><C:filter><C:comp-filter name="VCALENDAR">${filter}</C:comp-filter></C:filter>${zone === '' ? '' : `<C:timezone-id>${zone}</C:timezone-id>`}</C:calendar-query>`
const range = (start: string | undefined, end: string | undefined): string => `<C:time-range${start === undefined ? '' : ` start="${start}"`}${end === undefined ? '' : ` end="${end}"`}/>`
const within = (type: string, start?: string, end?: string): string => `<C:comp-filter name="${type}">${range(start, end)}</C:comp-filter>`

async function names (ask: House['ask'], filter: string, options: { zone?: string } = {}, url = calendar): Promise<string[]> {
  const answer = await ask('REPORT', url, { body: query(filter, options), headers: { depth: '1' } })
  if (answer.status !== 207) throw new Error(`${outcome(answer)} ${answer.body}`)
  return [...told(answer.body).keys()].map(href => href.slice(url.length)).sort()
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function randoms (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Wall clock (ms as if UTC) → UTC, for hours of the day at which no clock is changed; asked of Intl, not of our own zones. */
function toUtc (wall: number, zone: string): number {
  let format = formats.get(zone)
  if (format === undefined) formats.set(zone, format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }))
  const offsetAt = (utc: number): number => {
    const part = Object.fromEntries((format as Intl.DateTimeFormat).formatToParts(utc).map(({ type, value }) => [type, Number(value)])) as Record<string, number>
    return Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 0, part['hour'] ?? 0, part['minute'] ?? 0, part['second'] ?? 0) - utc
  }
  return wall - offsetAt(wall - offsetAt(wall))
}

const day = 86_400_000
const stamp = (ms: number, form: 'date' | 'local' | 'utc'): string => {
  const all = new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')
  return form === 'date' ? all.slice(0, 8) : form === 'local' ? all.slice(0, 15) : all
}

/** An event with all its instances until far after every range: wall clocks, and what they are in. */
interface Sample { readonly name: string, readonly text: string, readonly starts: readonly number[], readonly zone: string | 'floating', readonly length: number, readonly days: number | undefined }

function sample (random: () => number, number: number): Sample {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const kind = pick(['zoned', 'zoned', 'utc', 'floating', 'date', 'date'] as const)
  const zone = kind === 'zoned' ? pick(['America/New_York', 'Europe/Berlin', 'Asia/Tokyo']) : kind === 'utc' ? 'UTC' : 'floating'
  const first = Date.UTC(2025, 0, 1) + Math.floor(random() * 700) * day + (kind === 'date' ? 0 : (8 + Math.floor(random() * 12)) * 3_600_000)
  const days = kind === 'date' ? pick([undefined, 1, 2, 10]) : undefined
  const length = kind === 'date' ? 0 : pick([0, 30, 60, 60, 600, 3000, 60_000]) * 60_000
  const end = Date.UTC(2028, 0, 1)
  const form = kind === 'date' ? 'date' : kind === 'utc' ? 'utc' : 'local'
  const step = pick([0, 0, 1, 2, 7, 14]) * day
  const limit = pick(['count', 'until', 'none'] as const)
  const count = step === 0 ? 1 : limit === 'count' ? 2 + Math.floor(random() * 40) : Infinity
  const until = limit === 'until' && step > 0 ? first + Math.floor(random() * 300) * day : Infinity
  const all: number[] = []
  for (let start = first; all.length < count && start <= Math.min(until, end); start += Math.max(step, day)) all.push(start)
  const without = new Set(step > 0 && random() < 0.4 ? all.filter(() => random() < 0.2) : [])
  const rule = step === 0 ? [] : [`RRULE:FREQ=${step % (7 * day) === 0 ? `WEEKLY;INTERVAL=${step / day / 7}` : `DAILY;INTERVAL=${step / day}`}${limit === 'count' ? `;COUNT=${count}` : limit === 'until' ? `;UNTIL=${kind === 'zoned' ? stamp(toUtc(until, zone), 'utc') : stamp(until, form)}` : ''}`]
  const parameters = kind === 'date' ? ';VALUE=DATE' : kind === 'zoned' ? `;TZID=${zone}` : ''
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'BEGIN:VEVENT', `UID:${number}`, 'DTSTAMP:20250101T000000Z', `DTSTART${parameters}:${stamp(first, form)}`, ...rule,
    ...(without.size === 0 ? [] : [`EXDATE${parameters}:${[...without].map(one => stamp(one, form)).join(',')}`]),
    ...(kind === 'date' ? (days === undefined ? [] : [`DURATION:P${days}D`]) : length === 0 ? [] : [`DURATION:PT${length / 60_000}M`]), 'END:VEVENT', 'END:VCALENDAR', '']
  return { name: `${number}.ics`, text: lines.join('\r\n'), starts: all.filter(one => !without.has(one)), zone, length, days: kind === 'date' ? days ?? 1 : undefined }
}

/** Where its instances are when floating times are read in a zone, ms. */
function instances ({ starts, zone, length, days }: Sample, floating: string): [start: number, end: number][] {
  const where = zone === 'floating' ? floating : zone
  return starts.map(wall => {
    const start = toUtc(wall, where)
    return [start, days === undefined ? start + length : toUtc(wall + days * day, where)]
  })
}

t.test('the index, the text and a count of every instance say the same: 200 events, 50 ranges, three zones', async t => {
  const { ask, documents, lines } = await house(t)
  await ask('PROPFIND', home)
  const random = randoms(4791)
  const samples = Array.from({ length: 200 }, (_, number) => sample(random, number))
  for (const { name, text } of samples) writeFileSync(documents + calendar + name, text)
  const parsed = samples.map(({ name, text }) => [name, parse(text)] as const)
  const counts = new Map(['UTC', 'America/New_York', 'Asia/Tokyo'].map(zone => [zone, samples.map(one => [one.name, instances(one, zone)] as const)]))
  let found = 0
  for (let number = 0; number < 50; number++) {
    const from = Date.UTC(2025, 0, 1) + Math.floor(random() * 900 * 24) * 3_600_000
    const to = from + Math.ceil([1, 24, 24 * 7, 24 * 40][number % 4] as number * random()) * 3_600_000
    const [start, end] = [number % 10 === 8 ? undefined : stamp(from, 'utc'), number % 10 === 9 ? undefined : stamp(to, 'utc')]
    for (const [zone, all] of counts) {
      const answer = await names(ask, within('VEVENT', start, end), { zone })
      const [first, last] = [start === undefined ? -Infinity : from, end === undefined ? Infinity : to]
      // RFC 4791 9.9: without duration the start decides
      const counted = all.filter(([, each]) => each.some(([start, end]) => end === start ? start >= first && start < last : start < last && end > first)).map(([name]) => name).sort()
      const filter = { name: 'VCALENDAR', properties: [], components: [{ name: 'VEVENT', properties: [], components: [], timeRange: { start: first / 1000, end: last / 1000 } }] }
      t.same(answer, counted, `${start}/${end} in ${zone}: as counted`)
      found += answer.length
      if (zone !== [...counts.keys()][number % 3]) continue
      const read = parsed.filter(([, component]) => matches(filter, component, { floating: zoneNamed(zone) ?? UTC })).map(([name]) => name).sort()
      t.same(answer, read, `${start}/${end} in ${zone}: as the texts say`)
    }
  }
  t.ok(found > 1500, `${found} answers: the ranges are worth asking`)
  t.same(lines, [])
})

t.test('repeating without end, ended, and monstrous: quick, and never wrongly absent', async t => {
  const { ask, lines } = await house(t)
  const rules: Readonly<Record<string, string>> = {
    endless: 'FREQ=WEEKLY', ended: 'FREQ=DAILY;COUNT=5', until: 'FREQ=DAILY;UNTIL=20260320T090000Z', 'every-second': 'FREQ=SECONDLY', never: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    rare: 'FREQ=YEARLY;INTERVAL=1000', 'leap-day': 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO', long: 'FREQ=MINUTELY;INTERVAL=7;BYHOUR=3;BYMINUTE=1,2,3;BYSETPOS=1',
    monstrous: 'FREQ=SECONDLY;INTERVAL=2;COUNT=2000000000;BYMINUTE=3,5,7;BYDAY=MO'
  }
  for (const [name, RRULE] of Object.entries(rules)) t.equal(outcome(await ask('PUT', `${calendar}${name}`, { body: event(name, { RRULE }), headers: calendarType })), '201', name)
  const asked = async (start?: string, end?: string): Promise<string[]> => await names(ask, within('VEVENT', start, end))
  t.ok((await asked('21260305T000000Z', '21260315T000000Z')).includes('endless'), 'in a hundred years')
  const far = await asked('20990101T000000Z', '20990131T000000Z')
  for (const name of ['ended', 'until']) t.notOk(far.includes(name), name)
  t.ok(far.includes('every-second'))
  t.ok(far.includes('monstrous'), 'what cannot be counted in time is listed: a client deletes what it does not find')
  t.same(await asked('20250101T000000Z', '20250201T000000Z'), [], 'before they begin')
  t.ok((await asked('20260310T000000Z', '20260311T000000Z')).length >= 6)
  t.ok((await asked('20260101T000000Z')).includes('rare'))
  t.ok((await asked(undefined, '20260311T000000Z')).includes('ended'))
  t.same(lines, [])
})

t.test('overrides, to-dos, journals, free-busy and alarms', async t => {
  const { ask } = await house(t)
  const mixed = `${home}mixed/`
  await ask('MKCALENDAR', mixed)
  const put = async (name: string, body: string): Promise<void> => { t.equal(outcome(await ask('PUT', mixed + name, { body, headers: calendarType })), '201', name) }
  const master = event('moved', { RRULE: 'FREQ=DAILY;COUNT=3' })
  await put('moved', master.replace('END:VCALENDAR', 'BEGIN:VEVENT\r\nUID:moved\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260311T090000Z\r\nDTSTART:20260601T090000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR'))
  await put('due', object('VTODO', { UID: 'due', DTSTAMP: '20260101T000000Z', DUE: '20260401T100000Z' }))
  await put('undated', object('VTODO', { UID: 'undated', DTSTAMP: '20260101T000000Z' }))
  await put('done', object('VTODO', { UID: 'done', DTSTAMP: '20260101T000000Z', COMPLETED: '20260402T100000Z', STATUS: 'COMPLETED' }))
  await put('journal', object('VJOURNAL', { UID: 'journal', DTSTAMP: '20260101T000000Z', DTSTART: '20260403T100000Z' }))
  await put('busy', object('VFREEBUSY', { UID: 'busy', DTSTAMP: '20260101T000000Z', DTSTART: '20260404T000000Z', DTEND: '20260405T000000Z' }))
  await put('alarm', event('alarm', { DTSTART: '20260501T090000Z' }).replace('END:VEVENT', 'BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-P2D\r\nEND:VALARM\r\nEND:VEVENT'))
  const comp = (type: string, inner = ''): string => `<C:comp-filter name="${type}">${inner}</C:comp-filter>`
  for (const [why, filter, expected] of [
    ['the instance that was moved away', within('VEVENT', '20260311T000000Z', '20260312T000000Z'), []], ['where it was moved to', within('VEVENT', '20260601T000000Z', '20260602T000000Z'), ['moved']],
    ['to-dos by their due date', within('VTODO', '20260401T000000Z', '20260401T110000Z'), ['due', 'undated']], ['to-dos', comp('VTODO'), ['done', 'due', 'undated']],
    ['to-dos that are not done', comp('VTODO', '<C:prop-filter name="COMPLETED"><C:is-not-defined/></C:prop-filter>'), ['due', 'undated']],
    ['journals', within('VJOURNAL', '20260403T000000Z', '20260404T000000Z'), ['journal']], ['free-busy', within('VFREEBUSY', '20260404T000000Z', '20260404T010000Z'), ['busy']],
    ['alarms', comp('VEVENT', within('VALARM', '20260429T080000Z', '20260429T100000Z')), ['alarm']], ['no alarms', comp('VEVENT', comp('VALARM', '<C:is-not-defined/>')), ['moved']],
    ['by text', comp('VEVENT', '<C:prop-filter name="SUMMARY"><C:text-match>ALARM</C:text-match></C:prop-filter>'), ['alarm']], ['by text, octet', comp('VEVENT', '<C:prop-filter name="SUMMARY"><C:text-match collation="i;octet">ALARM</C:text-match></C:prop-filter>'), []],
    ['no such type', comp('VEVENT', '<C:is-not-defined/>'), ['busy', 'done', 'due', 'journal', 'undated']], ['a type that nobody has', comp('X-TYPE'), []]
  ] as const) t.same(await names(ask, filter, {}, mixed), expected, why)
})

t.test('filters that are none, and what a query reaches', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const inner = (filter: string): string => query(`<C:comp-filter name="VEVENT">${filter}</C:comp-filter>`)
  for (const [why, body, expected] of [
    ['no filter', `<C:calendar-query ${ns}><D:prop><D:getetag/></D:prop></C:calendar-query>`, '403 valid-filter'], ['two outermost', query('').replace('</C:filter>', '<C:comp-filter name="VCALENDAR"/></C:filter>'), '403 valid-filter'],
    ['another outermost', query('').replace('VCALENDAR', 'VEVENT'), '403 valid-filter'], ['no name', inner('<C:prop-filter/>'), '403 valid-filter'], ['an unknown condition', inner('<C:text-match>x</C:text-match>'), '403 valid-filter'],
    ['is-not-defined with more', inner('<C:is-not-defined/><C:prop-filter name="X"/>'), '403 valid-filter'], ['no bounds', inner('<C:time-range/>'), '403 valid-filter'], ['backwards', inner(range('20260102T000000Z', '20260101T000000Z')), '403 valid-filter'],
    ['not UTC', inner(range('20260102T000000', undefined)), '403 valid-filter'], ['a date', inner(range('20260102', undefined)), '403 valid-filter'], ['nonsense', inner(range('yesterday', undefined)), '403 valid-filter'],
    ['an unknown collation', inner('<C:prop-filter name="SUMMARY"><C:text-match collation="i;klingon">x</C:text-match></C:prop-filter>'), '403 supported-collation'], ['an unknown zone', query('', { zone: 'Mars/Base' }), '403 valid-timezone'],
    ['a zone that is none', query('').replace('</C:calendar-query>', '<C:timezone>x</C:timezone></C:calendar-query>'), '403 valid-calendar-data'], ['another form', query('', { prop: '<C:calendar-data content-type="text/x-vcalendar"/>' }), '403 supported-calendar-data'],
    ['a year too far', inner(range('99991231T000000Z', undefined)), '207'], ['an extension', inner('<x:y xmlns:x="x:"/>'), '207']
  ] as const) t.equal(outcome(await ask('REPORT', calendar, { body })), expected, why)
  const hrefs = async (url: string, depth?: string): Promise<string[]> => [...told((await ask('REPORT', url, { body: query(''), headers: depth === undefined ? {} : { depth } })).body).keys()]
  for (const depth of [undefined, '0', '1', 'infinity']) t.same(await hrefs(calendar, depth), [`${calendar}a.ics`], `Depth ${depth}: Windows sends 0, iCal none, all mean the members`)
  t.same(await hrefs(`${calendar}a.ics`), [`${calendar}a.ics`])
  for (const depth of [undefined, '0']) t.same(await hrefs(home, depth), [])
  t.same(await hrefs(home, '1'), [`${home}calendar/a.ics`])
  t.same(await hrefs(home, 'infinity'), [`${home}calendar/a.ics`])
  t.same(await hrefs('/calendars/__uids__/00000000-0000-0000-0000-000000000001/calendar/'), ['/calendars/__uids__/00000000-0000-0000-0000-000000000001/calendar/a.ics'])
  const all = told((await ask('REPORT', calendar, { body: query('', { prop: '<D:getetag/><C:calendar-data/><D:none/>' }) })).body).get(`${calendar}a.ics`)?.properties
  const data = all?.get(caldav('calendar-data'))?.value
  t.same([data === undefined ? '' : text(data), all?.get(dav('none'))?.status], [event('a'), 404])
})

t.test('free-busy-query: busy time merged, in UTC', async t => {
  const { ask } = await house(t)
  const put = async (name: string, more: Record<string, string>): Promise<void> => { await ask('PUT', calendar + name, { body: event(name, more), headers: calendarType }) }
  await put('a', { DTSTART: '20260310T090000Z', DURATION: 'PT1H' })
  await put('b', { DTSTART: '20260310T093000Z', DURATION: 'PT1H' })
  await put('free', { DTSTART: '20260310T120000Z', TRANSP: 'TRANSPARENT' })
  await put('off', { DTSTART: '20260310T130000Z', STATUS: 'CANCELLED' })
  await put('maybe', { DTSTART: '20260310T140000Z', STATUS: 'TENTATIVE' })
  await put('weekly', { DTSTART: '20260303T160000Z', RRULE: 'FREQ=WEEKLY' })
  const answer = await ask('REPORT', calendar, { body: `<C:free-busy-query ${ns}>${range('20260310T000000Z', '20260311T000000Z')}</C:free-busy-query>` })
  t.equal(answer.status, 200)
  t.match(answer.headers['content-type'], /^text\/calendar/)
  const [freeBusy] = parse(answer.body).components
  const length = (period: string): string => period.replace(/\/PT(\d)H(?:(\d+)M)?$/, (_, hours, minutes) => `+${hours}:${minutes ?? '0'}`).replace(/(\d\d)(\d\d)00Z\/\d{8}T(\d\d)(\d\d)00Z/, (_, h1, m1, h2, m2) => { const all = Number(h2) * 60 + Number(m2) - Number(h1) * 60 - Number(m1); return `${h1}${m1}00Z+${Math.floor(all / 60)}:${all % 60}` })
  t.same((freeBusy?.properties ?? []).filter(({ name }) => name === 'FREEBUSY').flatMap(({ parameters, value }) => value.split(',').map(one => `${parameters['FBTYPE']?.[0] ?? 'BUSY'} ${length(one)}`)).sort(),
    ['BUSY 20260310T090000Z+1:30', 'BUSY 20260310T160000Z+1:0', 'BUSY-TENTATIVE 20260310T140000Z+1:0'])
  t.equal(outcome(await ask('REPORT', calendar, { body: `<C:free-busy-query ${ns}>${range('x', undefined)}</C:free-busy-query>` })), '403 valid-filter')
})

t.test('an instance that was found once is found again exactly where it is', async t => {
  const { ask } = await house(t)
  const put = async (name: string, lines: readonly string[]): Promise<void> => {
    const body = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//x//EN', 'BEGIN:VEVENT', `UID:${name}`, 'DTSTAMP:20260101T000000Z', ...lines, 'RRULE:FREQ=YEARLY', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
    t.equal(outcome(await ask('PUT', `${calendar}${name}`, { body, headers: calendarType })), '201')
  }
  await put('hour', ['DTSTART:20200310T100000Z', 'DTEND:20200310T110000Z'])
  await put('moment', ['DTSTART:20200310T100000Z'])
  await put('day', ['DTSTART;VALUE=DATE:20200310'])
  const asked = async (start: string, end: string, zone = ''): Promise<string[]> => await names(ask, within('VEVENT', `2026031${start}Z`, `2026031${end}Z`), { zone })
  t.same(await asked('0T000000', '1T000000'), ['day', 'hour', 'moment'])
  t.same(await asked('0T110000', '0T120000'), ['day'])
  t.same(await asked('0T090000', '0T100000'), ['day'])
  t.same(await asked('0T100000', '0T100001'), ['day', 'hour', 'moment'])
  t.same(await asked('0T103000', '0T103001'), ['day', 'hour'])
  t.same(await asked('1T000000', '1T010000'), [])
  t.same(await asked('1T000000', '1T010000', 'America/New_York'), ['day'], 'in another zone it is elsewhere')
  t.equal((await ask('DELETE', `${calendar}hour`)).status, 204)
  t.same(await asked('0T000000', '1T000000'), ['day', 'moment'], 'what was answered counts until something is written')
  await put('hour', ['DTSTART:20200310T100000Z', 'DTEND:20200310T110000Z'])
  t.same(await asked('0T000000', '1T000000'), ['day', 'hour', 'moment'])
  t.same(await names(ask, within('VTODO', '20260310T000000Z', '20260311T000000Z')), [], 'of another type')
  t.same(await asked('1T000000', '1T010000'), [])
})

t.test('floating times where a clock skips an hour or has it twice', async t => {
  const { ask } = await house(t)
  const put = async (name: string, properties: Record<string, string>): Promise<void> => {
    t.equal(outcome(await ask('PUT', `${calendar}${name}`, { body: object('VEVENT', { UID: name, DTSTAMP: '20260101T000000Z', ...properties }), headers: calendarType })), '201')
  }
  // RFC 5545 3.3.5: read with the offset before the gap, so 01:30Z to 01:35Z
  await put('gap', { DTSTART: '20260329T023000', DURATION: 'PT5M' })
  await put('around', { DTSTART: '20260329T004000', DURATION: 'PT2H' })
  // the first of the two: 00:15Z to 00:45Z
  await put('twice', { DTSTART: '20261025T021500', DTEND: '20261025T024500' })
  await put('far', { DTSTART: '20261027T021500', DTEND: '20261027T024500' })
  await put('day', { 'DTSTART;VALUE=DATE': '20261025' })
  const asked = async (start: string, end: string): Promise<string[]> => await names(ask, within('VEVENT', start, end), { zone: 'Europe/Berlin' })
  t.same(await asked('20260329T012000Z', '20260329T025000Z'), ['around', 'gap'])
  t.same(await asked('20260329T013000Z', '20260329T013500Z'), ['around', 'gap'])
  t.same(await asked('20260329T013500Z', '20260329T014000Z'), ['around'])
  t.same(await asked('20261025T001500Z', '20261025T010000Z'), ['day', 'twice'])
  t.same(await asked('20261025T003000Z', '20261025T011000Z'), ['day', 'twice'])
  t.same(await asked('20261025T013000Z', '20261025T014000Z'), ['day'], 'the second time it is not there')
  t.same(await asked('20261001T000000Z', '20261101T000000Z'), ['day', 'far', 'twice'])
})

t.test('files by hand whose times cannot be read are listed rather than lost', async t => {
  const { ask, documents } = await house(t)
  await ask('PROPFIND', calendar, { headers: { depth: '1' } })
  const hand = (name: string, properties: Record<string, string>): void => { writeFileSync(`${documents}${calendar}${name}`, object('VEVENT', { UID: name, DTSTAMP: '20260101T000000Z', ...properties })) }
  hand('blanks', { DTSTART: ' 20260105T100000Z ' })
  hand('never', { DTSTART: '20260230T100000Z' })
  hand('repeats', { DTSTART: '20260230T100000Z', RRULE: 'FREQ=DAILY' })
  t.same(await names(ask, within('VEVENT', '20260105T000000Z', '20260106T000000Z')), ['blanks', 'never', 'repeats'])
  t.same(await names(ask, within('VEVENT', '20260106T000000Z', '20260107T000000Z')), ['never', 'repeats'])
  t.same(await names(ask, `<C:comp-filter name="VEVENT"><C:prop-filter name="DTSTART">${range('20260106T000000Z', '20260107T000000Z')}</C:prop-filter></C:comp-filter>`), ['never', 'repeats'])
})

t.test('events beside to-dos mean either, unless all is asked for', async t => {
  const { ask } = await house(t)
  t.equal(outcome(await ask('PUT', `${calendar}a`, { body: event('a'), headers: calendarType })), '201')
  const both = '<C:comp-filter name="VEVENT"/><C:comp-filter name="VTODO"/>'
  t.same(await names(ask, both), ['a'])
  const strict = await ask('REPORT', calendar, { body: query(both).replace('name="VCALENDAR"', 'name="VCALENDAR" test="allof"') })
  t.equal(told(strict.body).size, 0)
})
