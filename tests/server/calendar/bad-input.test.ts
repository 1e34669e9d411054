import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, syncTokenIn, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const query = (filter: string, prop = '<D:getetag/>'): string => `<C:calendar-query ${ns}><D:prop>${prop}</D:prop><C:filter>${filter}</C:filter></C:calendar-query>`
const inCalendar = (filter: string): string => `<C:comp-filter name="VCALENDAR">${filter}</C:comp-filter>`
const events = (inner: string): string => inCalendar(`<C:comp-filter name="VEVENT">${inner}</C:comp-filter>`)
const range = (start: string, end: string): string => events(`<C:time-range start="${start}" end="${end}"/>`)
const summary = (match: string): string => `<C:prop-filter name="SUMMARY">${match}</C:prop-filter>`
const put = async (ask: House['ask'], name: string, body: string): Promise<string> => outcome(await ask('PUT', `${calendar}${name}`, { body, headers: calendarType }))
const report = async (ask: House['ask'], body: string): Promise<{ said: string, names: string[], milliseconds: number }> => {
  const begin = performance.now()
  const answer = await ask('REPORT', calendar, { body, headers: { depth: '1' } })
  return { said: outcome(answer), names: answer.status === 207 ? [...told(answer.body).keys()].map(href => href.slice(calendar.length)) : [], milliseconds: performance.now() - begin }
}

/** The longest time for which nobody else got a turn, in ms. */
async function stallOf (work: () => Promise<unknown>): Promise<number> {
  let [longest, last, isOver] = [0, performance.now(), false]
  const look = (): void => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    if (!isOver) setImmediate(look)
  }
  look()
  await work()
  isOver = true
  return longest
}

t.test('bad filters are answered, and quickly', async t => {
  const { ask, lines } = await house(t)
  t.equal(await put(ask, 'a.ics', event('a', { SUMMARY: 'one (two) [three].* \\\\d+ $' })), '201')
  const year = 'start="20260101T000000Z" end="20270101T000000Z"'
  for (const [why, body, expected, names] of [
    ['an element nobody knows', query(events('<C:sounds-like/>')), '403 valid-filter'],
    ['an element of somebody else', query(events('<x:sounds-like xmlns:x="urn:x"/>')), '207', ['a.ics']],
    ['an attribute nobody knows', query(inCalendar('<C:comp-filter name="VEVENT" color="red"/>')), '207', ['a.ics']],
    ['a filter of another namespace', `<C:calendar-query ${ns}><D:prop/><filter xmlns="urn:x"/></C:calendar-query>`, '403 valid-filter'],
    ['a range that ends before it begins', query(range('20260102T000000Z', '20260101T000000Z')), '403 valid-filter'],
    ['a range of nothing', query(range('20260101T000000Z', '20260101T000000Z')), '403 valid-filter'],
    ['the year 0', query(range('00000101T000000Z', '00010101T000000Z')), '207', []],
    ['a year of five digits', query(range('20260101T000000Z', '99999101T000000Z0')), '403 valid-filter'],
    ['a year of five digits, well formed', query(range('20260101T000000Z', '100000101T000000Z')), '403 valid-filter'],
    ['a day that is none', query(range('20260231T000000Z', '20260301T000000Z')), '403 valid-filter'],
    ['an hour that is none', query(range('20260201T250000Z', '20260301T000000Z')), '403 valid-filter'],
    ['text', query(range('yesterday', 'tomorrow')), '403 valid-filter'],
    ['ISO 8601', query(range('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z')), '403 valid-filter'],
    ['10,000 years', query(range('00000101T000000Z', '99991231T235959Z')), '207', ['a.ics']],
    ['10,000 years, expanded', query(events(''), '<C:calendar-data><C:expand start="00000101T000000Z" end="99991231T235959Z"/></C:calendar-data>'), '207', ['a.ics']],
    ['5,000 inside each other', query(`${'<C:comp-filter name="VCALENDAR">'.repeat(5000)}${'</C:comp-filter>'.repeat(5000)}`), '413'],
    ['90 inside each other', query(`${'<C:comp-filter name="VCALENDAR">'.repeat(90)}${'</C:comp-filter>'.repeat(90)}`), '403 valid-filter'],
    ['5,000 beside each other', query(events(summary('<C:text-match>x</C:text-match>').repeat(5000))), '403 valid-filter'],
    ['text of almost 1 MB', query(events(summary(`<C:text-match>${'x'.repeat(1_000_000)}</C:text-match>`))), '403 supported-filter'],
    ['a name of almost 1 MB', query(inCalendar(`<C:comp-filter name="${'x'.repeat(1_000_000)}"/>`)), '207', []],
    ['a collation of almost 1 MB', query(events(summary(`<C:text-match collation="${'x'.repeat(1_000_000)}">x</C:text-match>`))), '403 supported-collation'],
    ['a regular expression is text', query(events(summary('<C:text-match>(.*)+$</C:text-match>'))), '207', []],
    ['so is what looks like a class', query(events(summary('<C:text-match>(two) [three].* \\d+ $</C:text-match>'))), '207', ['a.ics']],
    ['so are the signs of SQL', query(events(summary('<C:text-match>%\' OR 1=1 --_</C:text-match>'))), '207', []],
    ['no text', query(events(summary('<C:text-match/>'))), '207', ['a.ics']],
    ['attributes of calendar-data nobody knows', query(events(''), '<C:calendar-data color="red" content-type="text/calendar" version="2.0"/>'), '207', ['a.ics']],
    ['elements of calendar-data nobody knows', query(events(''), '<C:calendar-data><C:summary-only/><x xmlns="urn:x"/></C:calendar-data>'), '207', ['a.ics']],
    ['a media type nobody knows', query(events(''), '<C:calendar-data content-type="text/x-vcalendar" version="1.0"/>'), '403 supported-calendar-data'],
    ['an expansion that ends before it begins', query(events(''), '<C:calendar-data><C:expand start="20270101T000000Z" end="20260101T000000Z"/></C:calendar-data>'), '403 valid-filter'],
    ['an expansion without end', query(events(''), '<C:calendar-data><C:expand start="20270101T000000Z"/></C:calendar-data>'), '403 valid-filter'],
    ['nothing at all', `<C:calendar-query ${ns}/>`, '403 valid-filter'],
    ['free-busy of no time', `<C:free-busy-query ${ns}/>`, '403 valid-filter'],
    ['free-busy that ends before it begins', `<C:free-busy-query ${ns}><C:time-range start="20270101T000000Z" end="20260101T000000Z"/></C:free-busy-query>`, '403 valid-filter'],
    ['multiget of nothing', `<C:calendar-multiget ${ns}><D:prop/></C:calendar-multiget>`, '400'],
    ['multiget of nonsense', `<C:calendar-multiget ${ns}><D:prop><D:getetag/></D:prop><D:href>http://[::1</D:href></C:calendar-multiget>`, '207'],
    ['a usual one', query(events(`<C:time-range ${year}/>`)), '207', ['a.ics']]
  ] as const) {
    const { said, names: found, milliseconds } = await report(ask, body)
    t.equal(said, expected, why)
    if (names !== undefined) t.same(found, names, why)
    t.ok(milliseconds < 3000, `${why}: ${milliseconds.toFixed(0)} ms`)
  }
  t.same(lines.filter(line => /Error|at .*\.js/.test(line)), [], 'nothing of it is a fault of the server')
})

t.test('the largest filter that is taken does not keep others waiting', async t => {
  const { ask } = await house(t)
  const long = `${'a'.repeat(20_000)}\\\\${'b'.repeat(20_000)}`
  for (let number = 0; number < 20; number++) t.equal(await put(ask, `${number}.ics`, event(String(number), { DESCRIPTION: number % 2 === 0 ? long : 'short' })), '201')
  t.equal(await put(ask, 'alarms.ics', event('alarms').replace('END:VEVENT', `${'BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n'.repeat(1000)}END:VEVENT`)), '201')
  const texts = Array.from({ length: 45 }, (_, number) => `<C:prop-filter name="DESCRIPTION"><C:text-match collation="${['i;octet', 'i;unicode-casemap', 'i;ascii-casemap'][number % 3]}">${number}b${'a'.repeat(990)}</C:text-match></C:prop-filter>`).join('')
  const alarms = Array.from({ length: 45 }, (_, number) => `<C:comp-filter name="VALARM"><C:prop-filter name="X-${number}"/></C:comp-filter>`).join('')
  // the thread for heavy objects starts
  await report(ask, query(inCalendar(`<C:comp-filter name="VEVENT" test="anyof">${texts}</C:comp-filter>`)))
  for (const [why, filter] of [
    ['texts', `<C:comp-filter name="VEVENT" test="anyof">${texts}</C:comp-filter>`],
    ['alarms', `<C:comp-filter name="VEVENT" test="anyof">${alarms}</C:comp-filter>`]
  ] as const) {
    let said = ''
    const stall = await stallOf(async () => {
      const { said: answer, names } = await report(ask, query(inCalendar(filter)))
      said = answer
      t.same(names, [], why)
    })
    t.equal(said, '207', why)
    t.ok(stall < 1000, `${why}: ${stall.toFixed(0)} ms without a turn for others`)
  }
})

/** What must never be seen again in an answer, or keep others out of it. */
const spoilt: Readonly<Record<string, string>> = {
  'empty.ics': '',
  'text.ics': 'hello',
  'half.ics': event('half').slice(0, 120),
  'binary.ics': '\x00\xff\xfe\x00',
  'no-uid.ics': event('x').replace('UID:x\r\n', ''),
  'no-start.ics': event('no-start').replace('DTSTART:20260310T090000Z\r\n', ''),
  'bad-start.ics': event('bad-start', { DTSTART: '20260231T990000Z' }),
  'bad-rule.ics': event('bad-rule', { RRULE: 'FREQ=SOMETIMES;INTERVAL=0' }),
  'no-interval.ics': event('no-interval', { RRULE: 'FREQ=DAILY;INTERVAL=0' }),
  'bad-exception.ics': event('bad-exception', { RRULE: 'FREQ=DAILY;COUNT=3', EXDATE: 'garbage' }),
  'bad-zone.ics': event('bad-zone').replace('DTSTART:20260310T090000Z', 'DTSTART;TZID=Nowhere/Land:20260310T090000'),
  'bad-duration.ics': event('bad-duration', { DURATION: 'soon' }),
  'both-ends.ics': event('both-ends', { DTEND: '20260310T120000Z' }),
  'backwards.ics': event('backwards', { DTEND: '20260309T120000Z' }).replace('DURATION:PT1H\r\n', ''),
  'alone.ics': event('alone', { 'RECURRENCE-ID': '20260309T090000Z' }),
  'masters.ics': event('masters').replace('END:VCALENDAR', event('masters').slice(event('masters').indexOf('BEGIN:VEVENT'))),
  'several.ics': event('s1').replace('END:VCALENDAR', event('s2').slice(event('s2').indexOf('BEGIN:VEVENT'))),
  'method.ics': event('method').replace('VERSION', 'METHOD:REQUEST\r\nVERSION'),
  'monster.ics': event('monster', { DTSTART: '19000101T000000Z', RRULE: 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30' }),
  'deep.ics': `BEGIN:VCALENDAR\r\n${'BEGIN:VEVENT\r\n'.repeat(500)}${'END:VEVENT\r\n'.repeat(500)}END:VCALENDAR\r\n`
}

t.test('a bad file never spoils the answer about the others', async t => {
  const { ask, documents } = await house(t)
  const good = ['a.ics', 'b.ics', 'series.ics']
  for (const name of good) t.equal(await put(ask, name, event(name, name === 'series.ics' ? { RRULE: 'FREQ=DAILY' } : {})), '201')
  const token = syncTokenIn((await ask('REPORT', calendar, { body: `<D:sync-collection ${ns}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>` })).body)
  for (const [name, body] of Object.entries(spoilt)) writeFileSync(join(documents, 'calendars/users/alice/calendar', name), body, 'latin1')
  t.equal(await put(ask, 'c.ics', event('c.ics')), '201')
  good.push('c.ics')
  const month = 'start="20260301T000000Z" end="20260401T000000Z"'
  const data = `<D:getetag/><C:calendar-data><C:expand ${month}/></C:calendar-data>`
  const hrefs = [...good, ...Object.keys(spoilt)].map(name => `<D:href>${calendar}${name}</D:href>`).join('')
  for (const [why, body] of [
    ['everything', query(inCalendar(''))],
    ['events', query(events(''), '<D:getetag/><C:calendar-data/>')],
    ['events of a month', query(events(`<C:time-range ${month}/>`))],
    ['expanded', query(events(`<C:time-range ${month}/>`), data)],
    ['by text', query(events(summary('<C:text-match>s</C:text-match>'))).replace('>s<', '><')],
    ['by alarm that is not there', query(events('<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>'), data)],
    ['by start', query(events(`<C:prop-filter name="DTSTART"><C:time-range ${month}/></C:prop-filter>`))],
    ['multiget', `<C:calendar-multiget ${ns}><D:prop>${data}</D:prop>${hrefs}</C:calendar-multiget>`],
    ['sync', `<D:sync-collection ${ns}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop>${data}</D:prop></D:sync-collection>`]
  ] as const) {
    const answer = await ask('REPORT', calendar, { body, headers: { depth: '1' } })
    t.equal(answer.status, 207, why)
    const all = told(answer.body)
    for (const name of good) {
      const found = all.get(`${calendar}${name}`)
      t.ok(found !== undefined && found.status === undefined && [...found.properties.values()].every(({ status }) => status === 200), `${why}: ${name}`)
    }
    t.notOk([...all.values()].some(({ status, properties }) => (status ?? 200) >= 500 || [...properties.values()].some(one => one.status >= 500)), why)
  }
  const changed = told((await ask('REPORT', calendar, { body: `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>` })).body)
  t.ok(changed.has(`${calendar}c.ics`) && !good.slice(0, 3).some(name => changed.has(`${calendar}${name}`)), 'sync since then')
  const busy = await ask('REPORT', calendar, { body: `<C:free-busy-query ${ns}><C:time-range ${month}/></C:free-busy-query>` })
  t.equal(busy.status, 200)
  for (const day of ['10', '31']) t.match(busy.body.replaceAll('\r\n ', ''), `202603${day}T090000Z/`)
  const feed = await ask('GET', calendar, { headers: { accept: 'text/calendar' } })
  t.equal(feed.status, 200)
  for (const name of good) t.match(feed.body, `UID:${name}`, `feed: ${name}`)
  for (const name of Object.keys(spoilt)) {
    const { status } = await ask('GET', `${calendar}${name}`)
    t.ok(status < 500, `${name} ${status}`)
  }
  const listing = told((await ask('PROPFIND', calendar, { headers: { depth: '1' } })).body)
  for (const name of good) t.ok(listing.has(`${calendar}${name}`), `listing: ${name}`)
})

t.test('what clients send is stored as it is, or refused with the reason', async t => {
  const { ask } = await house(t)
  for (const [name, expected] of Object.entries({
    'no-start.ics': '403 valid-calendar-data', 'bad-start.ics': '403 valid-calendar-data', 'bad-rule.ics': '403 valid-calendar-data', 'no-interval.ics': '403 valid-calendar-data',
    'bad-exception.ics': '403 valid-calendar-data', 'bad-zone.ics': '403 valid-calendar-object-resource', 'bad-duration.ics': '403 valid-calendar-data', 'both-ends.ics': '403 valid-calendar-data',
    'backwards.ics': '201', 'alone.ics': '201', 'masters.ics': '403 valid-calendar-object-resource', 'several.ics': '403 valid-calendar-object-resource', 'method.ics': '403 valid-calendar-object-resource',
    'monster.ics': '201', 'deep.ics': '403 valid-calendar-data', 'empty.ics': '403 valid-calendar-data', 'text.ics': '403 valid-calendar-data', 'half.ics': '403 valid-calendar-data', 'binary.ics': '403 valid-calendar-data',
    'no-uid.ics': '403 valid-calendar-object-resource'
  })) {
    t.equal(await put(ask, name, spoilt[name] ?? ''), expected, name)
    const { status, body } = await ask('GET', `${calendar}${name}`)
    t.same([status, expected === '201' ? body : ''], expected === '201' ? [200, spoilt[name]] : [404, ''], name)
  }
})
