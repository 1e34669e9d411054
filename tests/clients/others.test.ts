import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { elements, text } from '../../server/xml/element.js'
import { apple, caldav, cs, dav, type Name } from '../../server/xml/name.js'
import { house, type Answer, type House } from '../house.js'
import { component, make, multiget, propfindBody, proppatch, query, sync } from './body.js'
import { calendar, daysFromNow, event, task } from './event.js'
import { componentsOf, conditionIn, hrefsOf, namesIn, textOf, told, tokenIn, type Told } from './multistatus.js'

// What clients send, in their order, and what each needs to go on (their sources, 2026)

const principal = '/principals/__uids__/00000000-0000-0000-0000-000000000001/'
const home = '/calendars/users/alice/'
const it = await house(t)

/** One client at one account. */
class Client {
  readonly #t: Test
  readonly #house: House
  readonly #headers: Readonly<Record<string, string>>

  constructor (t: Test, agent: string, headers: Readonly<Record<string, string>> = {}, house: House = it) {
    this.#t = t
    this.#house = house
    this.#headers = { 'user-agent': agent, ...headers }
  }

  async send (method: string, url: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
    const type = body === undefined ? {} : { 'content-type': body.startsWith('BEGIN:') ? 'text/calendar; charset=utf-8' : 'application/xml; charset=utf-8' }
    return await this.#house.ask(method, url, { headers: { ...this.#headers, ...type, ...headers }, ...(body === undefined ? {} : { body }) })
  }

  /** The responses of a 207; every propstat says 200 or 404. */
  async reads (method: string, url: string, body: string, depth?: string): Promise<Told[]> {
    const answer = await this.send(method, url, body, depth === undefined ? {} : { depth })
    this.#t.equal(answer.status, 207, `${method} ${url}`)
    const answers = told(answer.body)
    for (const one of answers) for (const [name, status] of one.others) this.#t.equal(status, 404, `${name} of ${one.href}`)
    return answers
  }

  async propfind (url: string, depth: string, ...names: readonly Name[]): Promise<Told[]> {
    return await this.reads('PROPFIND', url, propfindBody(...names), depth)
  }

  /** A calendar of its own, with these objects. */
  async calendar (name: string, objects: Readonly<Record<string, string>> = {}): Promise<string> {
    const url = `${home}${name}/`
    this.#t.equal((await this.send('MKCALENDAR', url)).status, 201)
    for (const [file, body] of Object.entries(objects)) this.#t.equal((await this.send('PUT', url + file, body)).status, 201, file)
    return url
  }
}

/** From the URL a user typed to the home. */
async function discovers (t: Test, client: Client, url: string, ...more: readonly Name[]): Promise<void> {
  const [one] = await client.propfind(url, '0', dav('resourcetype'), dav('current-user-principal'), ...more)
  t.same(hrefsOf(one, dav('current-user-principal')), [principal], 'the principal')
  const [who] = await client.propfind(principal, '0', caldav('calendar-home-set'))
  t.same(hrefsOf(who, caldav('calendar-home-set')), [home], 'the home')
}

function files (answers: readonly Told[]): string[] {
  return answers.filter(({ status }) => status === undefined).map(({ href }) => href.slice(href.lastIndexOf('/') + 1)).filter(name => name !== '').sort()
}

function dataOf (one: Told | undefined): string {
  const property = one?.found.get(caldav('calendar-data'))
  return property === undefined ? '' : text(property)
}

function privilegesOf (one: Told | undefined): Name[] {
  const property = one?.found.get(dav('current-user-privilege-set'))
  return property === undefined ? [] : elements(property).flatMap(each => elements(each).map(({ name }) => name))
}

function reportsOf (one: Told | undefined): Name[] {
  const property = one?.found.get(dav('supported-report-set'))
  return property === undefined ? [] : elements(property).flatMap(each => elements(each).flatMap(report => elements(report).map(({ name }) => name)))
}

const meeting = event('meeting', '20260105T090000Z', '20260105T100000Z')

t.test('Thunderbird detects, opens, syncs and writes', async t => {
  const client = new Client(t, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0')
  const url = await client.calendar('thunderbird', { 'meeting.ics': meeting })
  const looks = [dav('owner'), dav('displayname'), dav('current-user-privilege-set'), apple('calendar-color'), caldav('calendar-home-set')]
  await discovers(t, client, '/', ...looks)
  await discovers(t, client, url, ...looks)
  const found = (await client.propfind(home, '1', dav('resourcetype'), ...looks)).filter(one => namesIn(one, dav('resourcetype')).includes(caldav('calendar')))
  t.ok(found.some(({ href }) => href === url), 'it is in the list to choose from')
  const [open] = await client.propfind(url, '0', dav('resourcetype'), dav('owner'), dav('current-user-principal'), dav('current-user-privilege-set'), dav('supported-report-set'), caldav('supported-calendar-component-set'), cs('getctag'))
  t.ok(namesIn(open, dav('resourcetype')).includes(caldav('calendar')))
  t.ok(privilegesOf(open).some(name => [dav('write'), dav('write-content'), dav('bind'), dav('all')].includes(name as '{DAV:}write')), 'it can be written')
  t.ok(reportsOf(open).includes(dav('sync-collection')))
  t.notMatch((await client.send('OPTIONS', home)).headers['dav'], /calendar-(?:auto-)?schedule/, 'it sends its invitations itself')

  const prop = '<D:getcontenttype/><D:getetag/>'
  const first = await client.send('REPORT', url, sync('', { prop }), { depth: '1' })
  t.equal(first.status, 207)
  t.same(files(told(first.body)), ['meeting.ics'])
  // items of another type are passed over
  for (const one of told(first.body)) t.match([one.href, textOf(one, dav('getcontenttype'))], [/[^/]$/, /^text\/calendar/])
  t.equal(dataOf((await client.reads('REPORT', url, multiget([`${url}meeting.ics`]), '1'))[0]), meeting)
  const made = await client.send('PUT', `${url}new.ics`, event('new', '20260106T090000Z', '20260106T100000Z'), { 'if-none-match': '*' })
  t.equal(made.status, 201)
  t.equal((await client.send('PUT', `${url}new.ics`, event('new', '20260106T110000Z', '20260106T120000Z'), { 'if-match': made.headers['etag'] ?? '' })).status, 204)
  t.equal((await client.send('HEAD', `${url}meeting.ics`)).status, 200, 'it looks before it deletes')
  t.equal((await client.send('DELETE', `${url}meeting.ics`, undefined, { 'if-match': textOf(told(first.body)[0], dav('getetag')) })).status, 204)
  t.equal((await client.send('HEAD', `${url}meeting.ics`)).status, 404)
  const second = await client.send('REPORT', url, sync(tokenIn(first.body), { prop }), { depth: '1' })
  t.same(told(second.body).map(({ href, status }) => [href, status]).sort(), [[`${url}meeting.ics`, 404], [`${url}new.ics`, undefined]])
  const lost = await client.send('REPORT', url, sync('data:,lost_7', { prop }), { depth: '1' })
  t.equal(lost.status, 403)
  t.notMatch(lost.body, '<D:error xmlns:D="DAV:"/>', 'which would mean that it asks too often')
  t.same(files(await client.propfind(url, '1', dav('getcontenttype'), dav('resourcetype'), dav('getetag'))), ['new.ics'], 'without sync')
  // the network type "ICS" writes the whole calendar as one file
  for (const whole of [url, url.slice(0, -1)]) t.equal((await client.send('PUT', whole, meeting, { if: '(<urn:x>)' })).status, 405, 'is refused')
  t.same(files(await client.propfind(url, '1', dav('getetag'))), ['new.ics'], 'and nothing is lost')
})

t.test('DAVx5 discovers, syncs by query, and keeps local edits where it may', async t => {
  const client = new Client(t, 'DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15')
  await discovers(t, client, '/', dav('displayname'), dav('current-user-privilege-set'), caldav('calendar-home-set'), caldav('supported-calendar-component-set'), apple('calendar-color'), caldav('calendar-description'), caldav('calendar-timezone'))
  t.match((await client.send('OPTIONS', principal)).headers['dav'], /calendar-access/, 'the principal offers calendars')
  const [who] = await client.propfind(principal, '0', dav('displayname'), dav('group-membership'), dav('resourcetype'), caldav('calendar-home-set'), caldav('calendar-user-address-set'), cs('calendar-proxy-read-for'), cs('calendar-proxy-write-for'))
  t.ok(namesIn(who, dav('resourcetype')).includes(dav('principal')))
  t.ok(hrefsOf(who, caldav('calendar-user-address-set')).includes('mailto:alice@example.com'))
  for (const name of [dav('group-membership'), cs('calendar-proxy-read-for'), cs('calendar-proxy-write-for')]) t.ok(who?.found.has(name), `${name}, even if empty`)

  const name = '<D:displayname>Phone</D:displayname>'
  const made = await client.send('MKCALENDAR', `${home}davx5/`, make('C:mkcalendar', `<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>${name}<A:calendar-color>#FF0000FF</A:calendar-color><C:calendar-description>On the phone</C:calendar-description><C:supported-calendar-component-set><C:comp name="VEVENT"/><C:comp name="VTODO"/></C:supported-calendar-component-set>`))
  t.equal(made.status, 201, made.body)
  const url = `${home}davx5/`
  const collections = await client.propfind(home, '1', dav('current-user-privilege-set'), dav('displayname'), dav('owner'), dav('resourcetype'), apple('calendar-color'), caldav('calendar-description'), caldav('calendar-timezone'), caldav('calendar-timezone-id'), caldav('supported-calendar-component-set'), cs('source'))
  const mine = collections.find(({ href }) => href === url)
  t.match([textOf(mine, dav('displayname')), textOf(mine, apple('calendar-color')), componentsOf(mine)], ['Phone', '#FF0000FF', ['VEVENT', 'VTODO']])
  t.ok(privilegesOf(mine).includes(dav('write-content')) && privilegesOf(mine).includes(dav('unbind')), 'not read-only, and may be removed')

  // what is missing from this query is deleted on the phone
  const wanted = {
    'future.ics': event('future', daysFromNow(400), daysFromNow(401)), 'now.ics': event('now', daysFromNow(-1), daysFromNow(1)), 'across.ics': event('across', daysFromNow(-100), daysFromNow(-80)),
    'weekly.ics': event('weekly', '20200106T090000Z', '20200106T100000Z', 'RRULE:FREQ=WEEKLY'), 'moved.ics': calendar(
      'BEGIN:VEVENT', 'UID:moved', 'DTSTAMP:20260101T000000Z', 'DTSTART:20200106T090000Z', 'DTEND:20200106T100000Z', 'RRULE:FREQ=DAILY;COUNT=2', 'END:VEVENT',
      'BEGIN:VEVENT', 'UID:moved', 'DTSTAMP:20260101T000000Z', 'RECURRENCE-ID:20200107T090000Z', `DTSTART:${daysFromNow(3)}`, `DTEND:${daysFromNow(4)}`, 'END:VEVENT'),
    'allday.ics': calendar('BEGIN:VEVENT', 'UID:allday', 'DTSTAMP:20260101T000000Z', `DTSTART;VALUE=DATE:${daysFromNow(2).slice(0, 8)}`, 'END:VEVENT')
  }
  for (const [file, body] of Object.entries({ ...wanted, 'old.ics': event('old', daysFromNow(-200), daysFromNow(-199)), 'ended.ics': event('ended', '20200106T090000Z', '20200106T100000Z', 'RRULE:FREQ=WEEKLY;COUNT=5'), 'task.ics': task('task') })) {
    t.equal((await client.send('PUT', url + file, body, { 'if-none-match': '*', 'push-dont-notify': '"x"' })).status, 201, file)
  }
  const past = component('VEVENT', daysFromNow(-90))
  const [state] = await client.propfind(url, '0', caldav('max-resource-size'), dav('supported-report-set'), cs('getctag'), dav('sync-token'))
  t.match(textOf(state, caldav('max-resource-size')), /^\d+$/)
  t.same(files(await client.reads('REPORT', url, query(past), '1')), Object.keys(wanted).sort(), 'everything since 90 days ago')
  writeFileSync(join(it.documents, url, 'weekly.ics'), 'BEGIN:VCALENDAR\r\nhalf written')
  t.same(files(await client.reads('REPORT', url, query(past), '1')), Object.keys(wanted).sort(), 'a file that broke is no deletion')
  writeFileSync(join(it.documents, url, 'weekly.ics'), wanted['weekly.ics'])
  const tasks = await client.reads('REPORT', url, sync('', { prop: '<D:getetag/><D:resourcetype/>' }), '1')
  t.equal(files(tasks).length, Object.keys(wanted).length + 3)

  const many = await client.calendar('davx5-many', Object.fromEntries(Array.from({ length: 23 }, (_, n) => [`n${n}.ics`, event(`n${n}`, daysFromNow(n), daysFromNow(n + 0.1))])))
  const hrefs = (await client.reads('REPORT', many, query(past), '1')).map(({ href }) => href)
  let got = 0
  for (let at = 0; at < hrefs.length; at += 10) {
    const batch = hrefs.slice(at, at + 10)
    const answers = await client.reads('REPORT', many, multiget(batch, '<D:getcontenttype/><D:getetag/><C:schedule-tag/><C:calendar-data content-type="text/calendar" version="2.0"/>'), '1')
    t.same(answers.map(({ href }) => href), batch)
    got += answers.filter(one => dataOf(one).startsWith('BEGIN:VCALENDAR') && textOf(one, dav('getetag')) !== '').length
  }
  t.equal(got, 23, 'three batches')
  const mixed = await client.reads('REPORT', many, multiget([`${many}n0.ics`, `${many}gone.ics`, `${many}n1.ics`]), '1')
  t.same(mixed.map(({ href, status }) => [href, status]), [[`${many}n0.ics`, undefined], [`${many}gone.ics`, 404], [`${many}n1.ics`, undefined]], 'what is gone in between is told as gone')

  const etag = (await client.send('HEAD', `${url}now.ics`)).headers['etag'] ?? ''
  t.equal((await client.send('PUT', `${url}now.ics`, wanted['now.ics'], { 'if-none-match': '*' })).status, 412)
  t.equal((await client.send('DELETE', `${url}now.ics`, undefined, { 'if-match': etag })).status, 204)
  const gone = await client.send('PUT', `${url}now.ics`, wanted['now.ics'], { 'if-match': etag })
  t.ok([404, 410, 412].includes(gone.status), `an edit of what is gone: ${gone.status}`)
  t.equal((await client.send('PUT', `${url}now.ics`, wanted['now.ics'], { 'if-none-match': '*' })).status, 201, 'is put anew')
  const foreign = await client.send('PUT', '/calendars/users/bob/calendar/mine.ics', wanted['now.ics'], { 'if-none-match': '*' })
  t.match([foreign.status, conditionIn(foreign.body)], [403, dav('need-privileges')], 'and an edit without the right is undone')
})

t.test('Evolution finds, syncs, searches by UID and writes with Prefer', async t => {
  const client = new Client(t, 'Evolution/3.58.0')
  const url = await client.calendar('evolution', { 'meeting.ics': meeting, 'other.ics': event('other', '20260107T090000Z', '20260107T100000Z') })
  await discovers(t, client, '/', dav('principal-URL'), caldav('calendar-home-set'), caldav('calendar-user-address-set'))
  t.match((await client.send('OPTIONS', home)).headers['dav'], /calendar-access/)
  const [state] = await client.propfind(url, '0', cs('getctag'), dav('supported-report-set'))
  t.ok(textOf(state, cs('getctag')) !== '' && reportsOf(state).includes(dav('sync-collection')))
  const first = await client.send('REPORT', url, sync('', { prop: '<D:getcontenttype/><D:getetag/>' }))
  t.match(tokenIn(first.body), /[:/]/, 'a token that it keeps')
  // does this UID exist?
  const partial = '<D:getetag/><C:calendar-data><C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp></C:calendar-data>'
  const [one, ...rest] = await client.reads('REPORT', url, query('<C:comp-filter name="VEVENT"><C:prop-filter name="UID"><C:text-match collation="i;octet" negate-condition="no">meeting</C:text-match></C:prop-filter></C:comp-filter>', partial), '1')
  t.equal(rest.length, 0)
  t.match(dataOf(one), /^BEGIN:VCALENDAR\r\n[^]*BEGIN:VEVENT\r\nUID:meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n$/, 'only the UID')
  const put = await client.send('PUT', `${url}new.ics`, event('new', '20260106T090000Z', '20260106T100000Z'), { 'prefer': 'return=minimal', 'if-none-match': '*' })
  t.match([put.status, put.body], [201, ''])
  const etag = put.headers['etag'] ?? ''
  // it forgets the quotes
  t.equal((await client.send('PUT', `${url}new.ics`, event('new', '20260106T100000Z', '20260106T110000Z'), { 'prefer': 'return=minimal', 'if-match': etag.replaceAll('"', '') })).status, 204)
  t.same(files(await client.reads('REPORT', url, query(component('VEVENT', '20260106T000000Z', '20260107T000000Z')), '1')), ['new.ics'])
  // "limit days" is on: by ctag, one query for each type
  for (const [type, expected] of [['VEVENT', ['meeting.ics', 'new.ics', 'other.ics']], ['VTODO', []], ['VJOURNAL', []]] as const) t.same(files(await client.reads('REPORT', url, query(component(type)), '1')), expected, type)
})

t.test('KDE lists by three queries and fetches by path', async t => {
  const client = new Client(t, 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine')
  const url = await client.calendar('K%C3%A4lender%20&%20Co', { 'meeting.ics': meeting, 'task%20one.ics': task('task'), 'entry.ics': calendar('BEGIN:VJOURNAL', 'UID:entry', 'DTSTAMP:20260101T000000Z', 'DTSTART;VALUE=DATE:20260105', 'SUMMARY:Entry', 'END:VJOURNAL') })
  await discovers(t, client, home, dav('principal-URL'), caldav('calendar-home-set'))
  const push = (local: string): Name => `{https://bitfire.at/webdav-push}${local}`
  const found = (await client.propfind(home, '1', dav('displayname'), dav('resourcetype'), apple('calendar-color'), caldav('supported-calendar-component-set'), dav('current-user-privilege-set'), cs('getctag'), push('transports'), push('topic'), push('supported-triggers'))).find(({ href }) => href === url)
  t.match([textOf(found, dav('displayname')), componentsOf(found)], ['Kälender & Co', ['VEVENT', 'VTODO', 'VJOURNAL']])
  t.ok(privilegesOf(found).includes(dav('all')))
  const hrefs: string[] = []
  for (const [type, expected] of [['VEVENT', ['meeting.ics']], ['VTODO', ['task%20one.ics']], ['VJOURNAL', ['entry.ics']]] as const) {
    const answers = await client.reads('REPORT', url, query(component(type), '<D:getetag/><D:resourcetype/>'), '1')
    t.same(files(answers), expected, type)
    for (const one of answers) t.same(namesIn(one, dav('resourcetype')), [], 'a file')
    hrefs.push(...answers.map(({ href }) => href))
  }
  const answers = await client.reads('REPORT', url, multiget(hrefs), '1')
  t.same(answers.map(({ href }) => href), hrefs)
  for (const one of answers) t.match(dataOf(one), /^BEGIN:VCALENDAR/, 'what it wrote it can read')
  const before = textOf(found, cs('getctag'))
  const other = await client.calendar('kde-other')
  t.equal((await client.send('MOVE', `${url}meeting.ics`, undefined, { destination: `http://localhost${other}meeting.ics`, overwrite: 'F', host: 'localhost' })).status, 201, 'an event moves to another calendar')
  t.not(textOf((await client.propfind(url, '0', cs('getctag')))[0], cs('getctag')), before, 'the one it left has moved on')
  t.same(files(await client.propfind(other, '1', dav('getetag'))), ['meeting.ics'])
})

t.test('vdirsyncer and khal make, list, write and describe', async t => {
  const client = new Client(t, 'vdirsyncer/0.20.0')
  await discovers(t, client, '/')
  const url = `${home}vdirsyncer/`
  t.equal((await client.send('MKCOL', url, make('D:mkcol', '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>'))).status, 201)
  t.ok((await client.propfind(home, '1', dav('resourcetype'))).some(one => one.href === url && namesIn(one, dav('resourcetype')).includes(caldav('calendar'))))
  const put = await client.send('PUT', `${url}a.ics`, meeting, { 'if-none-match': '*' })
  t.equal(put.status, 201)
  const list = await client.propfind(url, '1', dav('resourcetype'), dav('getcontenttype'), dav('getetag'))
  const one = list.find(({ href }) => href === `${url}a.ics`)
  // an href without ETag is passed over
  t.match([textOf(one, dav('getetag')), textOf(one, dav('getcontenttype')), namesIn(one, dav('resourcetype'))], [put.headers['etag'] ?? '', /^text\/calendar/, []])
  t.same(files(await client.reads('REPORT', url, query(component('VEVENT')), '1')), ['a.ics'])
  t.equal(dataOf((await client.reads('REPORT', url, multiget([`${url}a.ics`])))[0]), meeting)
  t.equal((await client.send('PUT', `${url}a.ics`, meeting, { 'if-match': put.headers['etag'] ?? '' })).headers['etag'], put.headers['etag'], 'the same bytes have the same ETag')
  for (const [property, name, value] of [['D:displayname', dav('displayname'), 'Work'], ['A:calendar-color', apple('calendar-color'), '#00FF00'], ['C:calendar-description', caldav('calendar-description'), 'About work'], ['A:calendar-order', apple('calendar-order'), '12']] as const) {
    const [set] = await client.reads('PROPPATCH', url, proppatch(`<${property}>${value}</${property}>`))
    t.ok(set?.found.has(name))
    t.equal(textOf((await client.propfind(url, '0', name))[0], name), value, 'metasync reads what it wrote')
  }
  t.equal((await client.send('DELETE', url)).status, 204)
})

t.test('Tasks.org makes lists, and keeps its own properties', async t => {
  const client = new Client(t, 'org.tasks/14.8 (okhttp3) Android/15')
  await discovers(t, client, '/')
  const url = `${home}tasks-org/`
  const made = await client.send('MKCOL', url, make('D:mkcol', '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>To do</D:displayname><A:calendar-color>#FF00AA</A:calendar-color><C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>'))
  t.equal(made.status, 201, made.body)
  const share: Name[] = ['{http://owncloud.org/ns}invite', '{http://owncloud.org/ns}owner-principal', dav('share-access'), dav('invite'), cs('getctag')]
  const list = (await client.propfind(home, '1', dav('resourcetype'), dav('displayname'), dav('sync-token'), dav('current-user-privilege-set'), apple('calendar-color'), caldav('supported-calendar-component-set'), ...share)).find(({ href }) => href === url)
  t.match([textOf(list, dav('displayname')), textOf(list, apple('calendar-color')), componentsOf(list)], ['To do', '#FF00AA', ['VTODO']])
  for (const answered of [textOf(list, cs('getctag')), textOf(list, dav('sync-token'))]) t.not(answered, '')
  t.equal((await client.send('PUT', `${url}a.ics`, task('a'))).status, 201)
  t.ok((await client.send('GET', `${url}a.ics`)).headers['etag'], 'GET has an ETag')
  t.same(files(await client.reads('REPORT', url, query(component('VTODO')), '1')), ['a.ics'])

  const icon: Name = '{http://tasks.org/ns}icon'
  const metadata: Name = '{http://tasks.org/ns}metadata'
  const json = '{"order":["a","b"],"note":"<&> \\"quoted\\" ü 😀","n":1.50}'
  const escaped = json.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  for (const target of [url, `${url}a.ics`, home]) {
    const [probe] = await client.propfind(target, '0', icon, metadata)
    t.same([probe?.others.get(icon), probe?.others.get(metadata)], [404, 404], `${target} has none`)
    const [set] = await client.reads('PROPPATCH', target, proppatch(`<t:icon xmlns:t="http://tasks.org/ns">label</t:icon><t:metadata xmlns:t="http://tasks.org/ns">${escaped}</t:metadata>`))
    t.same([...set?.found.keys() ?? []], [icon, metadata])
    const [read] = await client.propfind(target, '0', icon, metadata)
    t.same([textOf(read, icon), textOf(read, metadata)], ['label', json], 'as they were set')
  }
  t.equal((await client.send('PUT', `${url}a.ics`, task('a', 'PRIORITY:1'))).status, 204)
  t.equal(textOf((await client.propfind(`${url}a.ics`, '0', metadata))[0], metadata), json, 'they stay when the task changes')
  t.ok((await client.reads('PROPFIND', `${url}a.ics`, '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>', '0'))[0]?.found.has(icon), 'and are among the names')
  const [removed] = await client.reads('PROPPATCH', `${url}a.ics`, proppatch('', '<t:icon xmlns:t="http://tasks.org/ns"/><t:never-set xmlns:t="http://tasks.org/ns"/>'))
  t.equal(removed?.others.size, 0, 'what is not there can be removed')
  const [after] = await client.propfind(`${url}a.ics`, '0', icon, metadata)
  t.same([after?.others.get(icon), textOf(after, metadata)], [404, json], 'one is gone, the other is not')
})

t.test('Outlook CalDAV Synchronizer works in a window, with the data that Outlook makes', async t => {
  const client = new Client(t, 'CalDavSynchronizer/4.5')
  const url = await client.calendar('outlook')
  t.match((await client.send('OPTIONS', url)).headers['dav'], /calendar-access/)
  await discovers(t, client, '/')
  const [state] = await client.propfind(url, '0', dav('resourcetype'), dav('current-user-privilege-set'), dav('supported-report-set'), apple('calendar-color'))
  t.ok(namesIn(state, dav('resourcetype')).includes(caldav('calendar')) && privilegesOf(state).includes(dav('write')))
  const windows = calendar('BEGIN:VEVENT', 'UID:windows', 'DTSTAMP:20260101T000000Z', 'DTSTART;TZID="W. Europe Standard Time":20260105T090000', 'DTEND;TZID="W. Europe Standard Time":20260105T100000', 'RRULE:FREQ=WEEKLY;COUNT=3', 'SUMMARY:Windows', 'END:VEVENT')
  for (const [name, body] of Object.entries({ windows, meeting, client: event('client', '20260120T090000Z', '20260120T100000Z', 'ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:alice@example.com', 'ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob@example.com') })) {
    const put = await client.send('PUT', `${url}${name}.ics`, body, { 'if-none-match': '*' })
    t.match([put.status, put.headers['etag']], [201, /^".+"$/], name)
  }
  const window = async (start: string, end: string): Promise<string[]> => files(await client.reads('REPORT', url, query(component('VEVENT', start, end)), '1'))
  t.same(await window('20260105T080000Z', '20260105T083000Z'), ['windows.ics'], 'nine in Berlin is eight in UTC')
  t.same(await window('20260105T090000Z', '20260105T093000Z'), ['meeting.ics'])
  t.same(await window('20260119T000000Z', '20260121T000000Z'), ['client.ics', 'windows.ics'])
  t.same(files(await client.propfind(url, '1', dav('getetag'), dav('getcontenttype'))), ['client.ics', 'meeting.ics', 'windows.ics'])
  const etag = (await client.send('HEAD', `${url}windows.ics`)).headers['etag'] ?? ''
  t.equal((await client.send('DELETE', `${url}windows.ics`, undefined, { 'if-match': '"other"' })).status, 412)
  t.equal((await client.send('DELETE', `${url}windows.ics`, undefined, { 'if-match': etag })).status, 204)
})

/** What Vivaldi asks at the URL it was given. */
const vivaldi = [dav('getetag'), dav('displayname'), cs('getctag'), dav('resourcetype'), caldav('supported-calendar-component-set'), '{urn:ietf:params:xml:ns:carddav}supported-address-data', cs('xmpp-uri')] as const

t.test('Vivaldi finds calendars at the URL it was given', async t => {
  const client = new Client(t, 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Vivaldi/7.6')
  for (const url of [home, home.slice(0, -1), `${home}calendar/`]) {
    const found = (await client.propfind(url, '1', ...vivaldi)).filter(one => namesIn(one, dav('resourcetype')).includes(caldav('calendar')))
    t.ok(found.some(one => one.href === `${home}calendar/` && textOf(one, dav('displayname')) === 'Calendar' && componentsOf(one).includes('VEVENT')), url)
  }
})

t.test('GNOME Online Accounts asks OPTIONS at the URL, then at the well-known place', async t => {
  for (const url of ['/', '/.well-known/caldav', '/nowhere/', home]) {
    const { status, headers } = await it.ask('OPTIONS', url, { user: undefined, headers: { 'user-agent': 'gnome-online-accounts/3.58' } })
    const tokens = (headers['dav'] ?? '').split(/\s*,\s*/)
    t.equal(status, 200, url)
    t.ok(tokens.includes('1') && tokens.includes('calendar-access') && !tokens.includes('addressbook'), `${url}: ${tokens.join()}`)
  }
  const client = new Client(t, 'gnome-online-accounts/3.58')
  await discovers(t, client, '/', dav('principal-URL'), caldav('calendar-home-set'))
  const wrong = await it.ask('PROPFIND', '/', { user: undefined, headers: { authorization: `Basic ${Buffer.from('alice:no').toString('base64')}` } })
  t.match([wrong.status, [wrong.headers['www-authenticate']].flat().join('\n')], [401, /^Basic /m], 'a wrong password is told as one')
})

t.test('Windows 10 queries with Depth 0', async t => {
  const client = new Client(t, 'MSFT-WIN-3/10.0.19041')
  const url = await client.calendar('windows', { 'meeting.ics': meeting })
  await discovers(t, client, '/', dav('principal-URL'))
  const list = await client.propfind(home, '1', dav('resourcetype'), dav('displayname'), cs('getctag'), apple('calendar-color'), caldav('supported-calendar-component-set'), dav('current-user-privilege-set'))
  t.ok(list.some(one => one.href === url && privilegesOf(one).includes(dav('write'))))
  const answers = await client.reads('REPORT', url, query(component('VEVENT', '20260101T000000Z', '20260201T000000Z'), '<D:getetag/><C:calendar-data/>'), '0')
  t.same(answers.map(one => [one.href, dataOf(one)]), [[`${url}meeting.ics`, meeting]])
})

t.test('Home Assistant expands, and one bad file does not empty its calendar', async t => {
  const client = new Client(t, 'python-caldav/3.2.1', { accept: 'text/xml, text/calendar' })
  const url = await client.calendar('assistant', { 'series.ics': event('series', '20251229T120000Z', '20251229T130000Z', 'RRULE:FREQ=DAILY'), 'meeting.ics': meeting, 'monster.ics': event('monster', '20000101T000000Z', '20000101T000001Z', 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30') })
  writeFileSync(join(it.documents, url, 'broken.ics'), 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:never')
  writeFileSync(join(it.documents, url, 'notes.ics'), 'not a calendar at all')
  await discovers(t, client, '/')
  const [start, end] = ['20260105T000000Z', '20260107T000000Z']
  const answers = await client.reads('REPORT', url, query(component('VEVENT', start, end), `<C:calendar-data><C:expand start="${start}" end="${end}"/></C:calendar-data>`), '1')
  t.same(files(answers), ['meeting.ics', 'series.ics'])
  const series = dataOf(answers.find(({ href }) => href.endsWith('series.ics')))
  t.same([...series.matchAll(/^DTSTART:(.*)\r$/gm)].map(([, at]) => at), ['20260105T120000Z', '20260106T120000Z'])
  t.match(series, /^RECURRENCE-ID:/m)
  t.notMatch(series, /^RRULE/m)
  t.same(files(await client.reads('REPORT', url, query('', '<C:calendar-data/>'), '1')), ['meeting.ics', 'monster.ics', 'series.ics'], 'a query for everything')
})

t.test('of many writers at once one wins', async t => {
  const client = new Client(t, 'many')
  const url = await client.calendar('many')
  const results = async (send: (n: number) => Promise<Answer>): Promise<number[]> => (await Promise.all(Array.from({ length: 6 }, async (_, n) => (await send(n)).status))).sort()
  const body = (n: number): string => event('x', '20260105T090000Z', '20260105T100000Z', `X-WRITER:${n}`)
  t.same(await results(async n => await client.send('PUT', `${url}x.ics`, body(n), { 'if-none-match': '*' })), [201, 412, 412, 412, 412, 412])
  const etag = (await client.send('HEAD', `${url}x.ics`)).headers['etag'] ?? ''
  t.same(await results(async n => await client.send('PUT', `${url}x.ics`, body(n + 10), { 'if-match': etag })), [204, 412, 412, 412, 412, 412])
  t.same(await results(async n => await client.send('PUT', `${url}y${n}.ics`, event('y', '20260105T090000Z', '20260105T100000Z'))), [201, 403, 403, 403, 403, 403], 'one UID')
})

t.test('a calendar that was removed and made anew leaves no ghosts to those who synced before', async t => {
  const client = new Client(t, 'late')
  for (const how of ['over the wire', 'by hand'] as const) {
    const url = await client.calendar('again', { 'a.ics': event('a', '20260105T090000Z', '20260105T100000Z'), 'b.ics': event('b', '20260105T090000Z', '20260105T100000Z') })
    const [token, homeToken] = [tokenIn((await client.send('REPORT', url, sync(''))).body), tokenIn((await client.send('REPORT', home, sync(''))).body)]
    if (how === 'by hand') {
      rmSync(join(it.documents, url), { recursive: true })
      mkdirSync(join(it.documents, url))
    } else {
      t.equal((await client.send('DELETE', url)).status, 204)
      t.equal((await client.send('REPORT', url, sync(token))).status, 404)
      await client.calendar('again')
    }
    t.equal((await client.send('PUT', `${url}b.ics`, event('b2', '20260105T090000Z', '20260105T100000Z'))).status, 201)
    const answer = await client.send('REPORT', url, sync(token))
    // to start over would be right too
    if (answer.status !== 403) t.same(told(answer.body).map(({ href, status }) => [href, status]).sort(), [[`${url}a.ics`, 404], [`${url}b.ics`, undefined]], how)
    t.ok(told((await client.send('REPORT', home, sync(homeToken))).body).some(({ href, status }) => href === url && status === undefined), 'and the home says that it moved')
    await client.send('DELETE', url)
  }
})

t.test('requests are understood as they come over a socket', async t => {
  const { port } = new URL(await it.app.listen({ port: 0, host: '127.0.0.1' }))
  const body = event('socket', '20260105T090000Z', '20260105T100000Z')
  const url = `${home}calendar/socket.ics`
  const authorization = `Authorization: Basic ${Buffer.from('alice:alice').toString('base64')}`
  const raw = async (...lines: readonly string[]): Promise<string[]> => await new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(lines.join('\r\n')))
    socket.setEncoding('utf8').on('data', piece => { text += piece }).on('error', reject)
      .on('close', () => { resolve([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status ?? '')) })
  })
  for (const [why, lines, expected] of [
    ['a body in chunks', [`PUT ${url} HTTP/1.1`, 'Host: x', authorization, 'Connection: close', 'Content-Type: text/calendar', 'Transfer-Encoding: chunked', '', body.length.toString(16), body, '0', '', ''], ['201']],
    ['Expect: 100-continue (curl)', [`PUT ${url} HTTP/1.1`, 'Host: x', authorization, 'Connection: close', 'Content-Type: text/calendar', 'Expect: 100-continue', `Content-Length: ${body.length}`, '', body], ['100', '204']],
    ['an absolute request target', [`PROPFIND http://x${home} HTTP/1.1`, 'Host: x', authorization, 'Connection: close', 'Depth: 0', '', ''], ['207']],
    ['two requests in one packet', [`HEAD ${url} HTTP/1.1`, 'Host: x', authorization, '', `HEAD ${url} HTTP/1.1`, 'Host: x', authorization, 'Connection: close', '', ''], ['200', '200']],
    ['a method that nobody knows', ['NONSENSE / HTTP/1.1', 'Host: x', 'Connection: close', '', ''], ['400']]
  ] as const) t.same(await raw(...lines), expected, why)
})

t.test('data that clients write although it is not quite right', async t => {
  const client = new Client(t, 'any')
  const url = await client.calendar('odd')
  const odd: Readonly<Record<string, readonly [string, 'refused'?]>> = {
    'Thunderbird: DTEND and DURATION:PT0S on a moved instance': [calendar(
      'BEGIN:VEVENT', 'UID:x', 'DTSTAMP:20260101T000000Z', 'DTSTART:20260105T090000Z', 'DTEND:20260105T100000Z', 'RRULE:FREQ=DAILY;COUNT=3', 'END:VEVENT',
      'BEGIN:VEVENT', 'UID:x', 'DTSTAMP:20260101T000000Z', 'RECURRENCE-ID:20260106T090000Z', 'DTSTART:20260106T110000Z', 'DTEND:20260106T120000Z', 'DURATION:PT0S', 'END:VEVENT')],
    // other clients hang on it, so it is not passed on to them
    'Outlook: INTERVAL=0': [event('x', '20260105T090000Z', '20260105T100000Z', 'RRULE:FREQ=DAILY;INTERVAL=0;COUNT=3'), 'refused'],
    'Outlook: a Windows time zone without VTIMEZONE': [calendar('BEGIN:VEVENT', 'UID:x', 'DTSTAMP:20260101T000000Z', 'DTSTART;TZID=Pacific Standard Time:20260105T090000', 'END:VEVENT')],
    'Evolution: EXDATE as a date': [event('x', '20260105T090000Z', '20260105T100000Z', 'RRULE:FREQ=DAILY;COUNT=3', 'EXDATE;VALUE=DATE:20260106')],
    'LF alone': [meeting.replace('UID:meeting', 'UID:x').replaceAll('\r\n', '\n')],
    'a byte order mark': [`\ufeff${event('x', '20260105T090000Z', '20260105T100000Z')}`]
  }
  const january = query(component('VEVENT', '20260101T000000Z', '20260201T000000Z'))
  for (const [why, [body, verdict = 'taken']] of Object.entries(odd)) {
    await t.test(`${why} is ${verdict}`, async t => {
      const put = await client.send('PUT', `${url}x.ics`, body, { 'content-type': 'text/calendar' })
      if (verdict === 'refused') {
        t.equal(put.status, 403)
        t.match(put.body, 'valid-calendar-data')
        return
      }
      t.equal(put.status, 201, put.body)
      t.equal((await client.send('GET', `${url}x.ics`)).body.replace('\ufeff', ''), body.replace('\ufeff', ''), 'and kept as it is')
      await client.send('DELETE', `${url}x.ics`)
    })
    await t.test(`${why} is served when it lies on the disk`, async t => {
      writeFileSync(join(it.documents, url, 'x.ics'), body)
      t.same(files(await client.reads('REPORT', url, january, '1')), ['x.ics'])
      t.equal((await client.send('GET', `${url}x.ics`)).body.replace('\ufeff', ''), body.replace('\ufeff', ''))
      t.equal((await client.send('DELETE', `${url}x.ics`)).status, 204)
    })
  }
})
