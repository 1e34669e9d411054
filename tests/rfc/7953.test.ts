import t from 'tap'
import { elements } from '../../server/xml/element.js'
import { caldav } from '../../server/xml/name.js'
import { calendarType, event } from '../event.js'
import { house } from '../house.js'
import { outcome, told, xml } from '../multistatus.js'

// The clauses of RFC 7953 that no other test holds; docs/rfc.md has the list

const home = '/calendars/users/alice/'
const hours = `${home}hours/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const availability = (...lines: string[]): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//tests//EN', 'BEGIN:VAVAILABILITY', ...lines, 'END:VAVAILABILITY', 'END:VCALENDAR', ''].join('\r\n')
const usual = ['UID:v', 'DTSTAMP:20260101T000000Z', 'ORGANIZER:mailto:alice@example.com', 'SUMMARY:secret office', 'DESCRIPTION:secret', 'LOCATION:secret', 'BEGIN:AVAILABLE', 'UID:a', 'DTSTAMP:20260101T000000Z', 'SUMMARY:secret hours', 'DTSTART:20260105T080000Z', 'DTEND:20260105T180000Z', 'RRULE:FREQ=DAILY', 'END:AVAILABLE']
const make = `<C:mkcalendar ${ns}><D:set><D:prop><C:supported-calendar-component-set><C:comp name="VAVAILABILITY"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`

t.test('7.1 a calendar can be made for VAVAILABILITY, and says so', async t => {
  const { ask } = await house(t)
  t.equal((await ask('MKCALENDAR', hours, { body: make })).status, 201)
  t.equal(outcome(await ask('PUT', `${hours}v.ics`, { body: availability(...usual), headers: calendarType })), '201')
  t.equal((await ask('GET', `${hours}v.ics`)).body, availability(...usual))
  const find = async (url: string, name: string): Promise<string> => JSON.stringify(told((await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><C:${name}/></D:prop></D:propfind>` })).body).get(url)?.properties.get(caldav(name))?.value ?? '')
  t.match(await find(hours, 'supported-calendar-component-set'), /"name":"VAVAILABILITY"/)
  t.match(await find(home, 'supported-calendar-component-sets'), /"name":"VAVAILABILITY"/, 'and the home, that it can be')
})

t.test('7.2.1 calendar-availability wherever OPTIONS is asked', async t => {
  const { ask } = await house(t)
  await ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: calendarType })
  for (const url of ['/', home, `${home}calendar/`, `${home}calendar/a.ics`, `${home}inbox/`, '/principals/users/alice/']) t.match((await ask('OPTIONS', url)).headers['dav'], /(?:^|, )calendar-availability(?:,|$)/, url)
})

t.test('7.2.2 a query by time finds it', async t => {
  const { ask } = await house(t)
  await ask('MKCALENDAR', hours, { body: make })
  await ask('PUT', `${hours}v.ics`, { body: availability('DTSTART:20260301T000000Z', 'DTEND:20260401T000000Z', ...usual), headers: calendarType })
  const count = async (start: string, end: string): Promise<number> => told((await ask('REPORT', hours, { body: `<C:calendar-query ${ns}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VAVAILABILITY"><C:time-range start="${start}" end="${end}"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>` })).body).size
  t.same([await count('20260310T000000Z', '20260311T000000Z'), await count('20260401T000000Z', '20260501T000000Z'), await count('20260201T000000Z', '20260301T000000Z')], [1, 0, 0])
})

t.test('3.1 what must be there once is there once, and a zone is described or known', async t => {
  const { ask } = await house(t)
  await ask('MKCALENDAR', hours, { body: make })
  const put = async (...lines: string[]): Promise<string> => {
    const answer = outcome(await ask('PUT', `${hours}v.ics`, { body: availability(...lines), headers: calendarType }))
    await ask('DELETE', `${hours}v.ics`)
    return answer
  }
  for (const [why, lines, expected] of [
    ['as it should be', usual, '201'], ['no UID', usual.slice(1), '403 valid-calendar-object-resource'], ['two UIDs', ['UID:w', ...usual], '403 valid-calendar-data'], ['two types', ['BUSYTYPE:BUSY', 'BUSYTYPE:BUSY', ...usual], '403 valid-calendar-data'],
    ['DTEND and DURATION', ['DTSTART:20260101T000000Z', 'DTEND:20260102T000000Z', 'DURATION:P1D', ...usual], '403 valid-calendar-data'],
    ['AVAILABLE without a start', usual.filter(line => line !== 'DTSTART:20260105T080000Z' && !line.startsWith('DTEND') && !line.startsWith('RRULE')), '403 valid-calendar-data'],
    ['AVAILABLE with DTEND and DURATION', usual.map(line => line.startsWith('DTEND') ? `${line}\r\nDURATION:PT1H` : line), '403 valid-calendar-data'],
    ['a zone that all know', ['DTSTART;TZID=Europe/Rome:20260101T000000', ...usual], '201'], ['a zone that nobody knows', ['DTSTART;TZID=Our/Own:20260101T000000', ...usual], '403 valid-calendar-object-resource']
  ] as const) t.equal(await put(...lines), expected, why)
})

t.test('8 times and types of being busy are told, and nothing else', async t => {
  const { ask } = await house(t)
  await ask('MKCALENDAR', hours, { body: make })
  await ask('PUT', `${hours}v.ics`, { body: availability(...usual), headers: calendarType })
  const { status, body } = await ask('REPORT', hours, { body: `<C:free-busy-query ${ns}><C:time-range start="20260310T000000Z" end="20260311T000000Z"/></C:free-busy-query>` })
  t.equal(status, 200)
  t.match(body, /FBTYPE=BUSY-UNAVAILABLE/)
  t.notMatch(body, /secret|ORGANIZER|mailto|BUSYTYPE|BEGIN:AVAILABLE|UID:[va]\r/)
})

t.test('7.2.4 calendar-availability is on every inbox, and one can be set', async t => {
  const { ask } = await house(t)
  const inbox = `${home}inbox/`
  const names = told((await ask('PROPFIND', inbox, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:supported-live-property-set/></D:prop></D:propfind>` })).body).get(inbox)
  t.match(JSON.stringify([...names?.properties.values() ?? []].map(({ value }) => elements(value))), /calendar-availability/)
  const set = await ask('PROPPATCH', inbox, { body: `<D:propertyupdate ${ns}><D:set><D:prop><C:calendar-availability>${availability(...usual).replaceAll('\r', '&#13;')}</C:calendar-availability></D:prop></D:set></D:propertyupdate>` })
  t.equal(told(set.body).get(inbox)?.properties.get(caldav('calendar-availability'))?.status, 200)
  const [one] = elements(xml((await ask('PROPFIND', inbox, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><C:calendar-availability/></D:prop></D:propfind>` })).body))
  t.match(JSON.stringify(one), /secret office/)
})
