import t from 'tap'
import { table } from '../../server/property/table.js'
import { elements, text } from '../../server/xml/element.js'
import { caldav, type Name } from '../../server/xml/name.js'
import { calendarType, event } from '../event.js'
import { house } from '../house.js'
import { outcome, told, xml } from '../multistatus.js'

// The clauses of RFC 7809 that no other test holds; docs/rfc.md has the list

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const vtimezone = (tzid: string): string => `BEGIN:VTIMEZONE\r\nTZID:${tzid}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0130\r\nTZOFFSETTO:+0130\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`
const at = (tzid: string, described: boolean): string => event(tzid, { [`DTSTART;TZID=${tzid}`]: '20260310T090000' }).replace('DTSTART:20260310T090000Z\r\n', '').replace('BEGIN:VEVENT', `${described ? vtimezone(tzid) : ''}BEGIN:VEVENT`)
const put = { headers: calendarType }

t.test('3.1.1, 3.1.2 calendar-no-timezone on home and calendar, and a service that answers', async t => {
  const { ask } = await house(t)
  for (const url of [home, calendar]) t.match((await ask('OPTIONS', url)).headers['dav'], /(?:^|, )calendar-no-timezone(?:,|$)/, url)
  const { body } = await ask('PROPFIND', home, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><C:timezone-service-set/></D:prop></D:propfind>` })
  const hrefs = elements(told(body).get(home)?.properties.get(caldav('timezone-service-set'))?.value ?? xml('<none/>')).map(text)
  t.equal(hrefs.length, 1)
  const capabilities = await ask('GET', `${hrefs[0] ?? ''}/capabilities`, { user: undefined })
  t.equal(capabilities.status, 200)
})

t.test('3.1.3 without the header data goes out as it is stored', async t => {
  const { ask } = await house(t)
  for (const [name, body] of [['with', at('Europe/Berlin', true)], ['without', at('Europe/Paris', false)]] as const) {
    t.equal(outcome(await ask('PUT', `${calendar}${name}.ics`, { ...put, body })), '201')
    t.equal((await ask('GET', `${calendar}${name}.ics`)).body, body, name)
  }
})

t.test('3.1.4 zones of clients are kept; standard ones need no description, others do', async t => {
  const { ask } = await house(t)
  for (const [tzid, described, expected] of [['Our/Own', true, '201'], ['Our/Own', false, '403 valid-calendar-object-resource'], ['Europe/Rome', false, '201']] as const) {
    const body = at(tzid, described)
    t.equal(outcome(await ask('PUT', `${calendar}${described}-${tzid.replace('/', '-')}.ics`, { ...put, body })), expected, `${tzid} ${described}`)
  }
  t.equal((await ask('GET', `${calendar}true-Our-Own.ics`, { headers: { 'caldav-timezones': 'F' } })).body, at('Our/Own', true), 'the service has no such zone')
})

t.test('3.1.5, 5.2 both properties are on the same resources', async t => {
  const on = (name: string): readonly string[] => [...table.find(row => row.name === caldav(name))?.on ?? []].sort()
  t.ok(on('calendar-timezone').length > 0)
  t.same(on('calendar-timezone-id'), on('calendar-timezone'))
})

t.test('5.1, 5.2 none of them is in DAV:allprop', async t => {
  const { ask } = await house(t)
  const set = `<D:propertyupdate ${ns}><D:set><D:prop><C:calendar-timezone-id>Europe/Berlin</C:calendar-timezone-id></D:prop></D:set></D:propertyupdate>`
  for (const url of [home, calendar]) {
    t.match((await ask('PROPPATCH', url, { body: set })).body, /200 OK/)
    const all: Name[] = [...told((await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:allprop/></D:propfind>` })).body).get(url)?.properties.keys() ?? []]
    t.same(all.filter(name => name.includes('timezone')), [], url)
  }
})
