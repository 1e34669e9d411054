import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { child, element, elements, text } from '../../server/xml/element.js'
import { apple, caldav, cs, dav, type Name } from '../../server/xml/name.js'
import { house, type Answer, type House } from '../house.js'
import { daysFromNow, event, task } from './event.js'
import { componentsOf, document, hrefsOf, namesIn, textOf, told, tokenIn, type Told } from './multistatus.js'

// Set-up and poll of Apple's clients, request by request. The bodies in tests/fixture/apple have the shape of theirs; with
// CALDAVD_APPLE_REQUESTS = a directory with Apple's own recorded bodies the same walk is made with those too.

interface Client {
  /** Under tests/fixture/apple/. */
  readonly folder: string
  /** The folder of the recorded bodies. */
  readonly recorded: string
  readonly agent: string
  /** Our name of a body → the recorded file. */
  readonly files: Readonly<Record<string, string>>
  /** What it sets on each calendar. */
  readonly sets: readonly string[]
  /** How it finds out what has changed. */
  readonly polls: 'home and members' | 'calendars by sync' | 'home by sync'
  /** Leaves out what is not there (`Brief: t`). */
  readonly brief: boolean
}

const clients: readonly Client[] = [
  {
    folder: 'osx-10.6', recorded: 'OS_X_10_6', agent: 'DAVKit/4.0.3 (732.2); CalendarStore/4.0.4 (997.7); iCal/4.0.4 (1395.7); Mac OS X/10.6.8 (10K549)', brief: false,
    sets: ['color', 'order', 'timezone'], polls: 'home and members',
    files: {
      initial: 'startup_principal_propfind_initial', principal: 'startup_principal_propfind', home: 'poll_calendarhome_propfind', state: 'poll_calendar_propfind', members: 'poll_calendar_propfind_d1',
      color: 'startup_calendar_color_proppatch', order: 'startup_calendar_order_proppatch', timezone: 'startup_calendar_timezone_proppatch', searchable: 'startup_principals_report',
      delegates: 'startup_principal_expand', notifications: 'startup_notification_propfind', search: 'user_list_principal_property_search', multiget: 'poll_calendar_multiget'
    }
  },
  {
    folder: 'osx-10.7', recorded: 'OS_X_10_7', agent: 'CalendarStore/5.0.1 (1139.14); iCal/5.0.1 (1547.4); Mac OS X/10.7.2 (11C74)', brief: true,
    sets: ['color', 'order', 'timezone'], polls: 'calendars by sync',
    files: {
      initial: 'startup_principal_propfind_initial', principal: 'startup_principal_propfind', home: 'poll_calendarhome_propfind', state: 'poll_calendar_propfind', members: 'poll_calendar_propfind_d1',
      color: 'startup_calendar_color_proppatch', order: 'startup_calendar_order_proppatch', timezone: 'startup_calendar_timezone_proppatch', searchable: 'startup_principals_report', delegate: 'startup_delegate_principal_propfind',
      delegates: 'startup_principal_expand', notifications: 'poll_notification_propfind_d1', search: 'user_list_principal_property_search', multiget: 'poll_calendar_multiget', sync: 'poll_calendar_sync'
    }
  },
  {
    folder: 'osx-10.11', recorded: 'OS_X_10_11', agent: 'Mac+OS+X/10.11 (15A283) CalendarAgent/361', brief: true,
    sets: ['order', 'displayname', 'color', 'order', 'timezone', 'description', 'transparent', 'opaque'], polls: 'home by sync',
    files: {
      initial: 'startup_principal_initial_propfind', principal: 'startup_principal_propfind', home: 'poll_calendarhome_depth1_propfind', state: 'poll_calendar_propfind', members: 'poll_calendar_depth1_propfind',
      color: 'startup_calendar_color_proppatch', order: 'startup_calendar_order_proppatch', timezone: 'startup_calendar_timezone_proppatch', displayname: 'startup_calendar_displayname_proppatch',
      description: 'startup_calendar_description_proppatch.request.xml', transparent: 'startup_calendar_transparent_proppatch', opaque: 'startup_calendar_transparent_proppatch',
      'alarm-date': 'startup_calendarhome_default_alarm_date_proppatch', 'alarm-datetime': 'startup_calendarhome_default_alarm_datetime_proppatch', searchable: 'startup_principals_report',
      delegate: 'startup_delegate_principal_propfind', delegates: 'startup_principal_expand', notifications: 'poll_notification_depth1_propfind', people: 'report_principal_search',
      events: 'startup_query_events_depth1_report', 'home-sync': 'poll_calendarhome_sync', make: 'startup_create_calendar', inbox: 'poll_inbox_propfind'
    }
  },
  {
    folder: 'ios-5', recorded: 'iOS_5', agent: 'iOS/5.1 (9B179) dataaccessd/1.0', brief: true,
    sets: ['color', 'order'], polls: 'home and members',
    files: {
      initial: 'startup_principal_propfind_initial', principal: 'startup_principal_propfind', home: 'poll_calendarhome_propfind', state: 'poll_calendar_propfind', members: 'poll_calendar_propfind_d1',
      color: 'startup_calendar_color_proppatch', order: 'startup_calendar_order_proppatch', searchable: 'startup_principals_report',
      events: 'poll_calendar_vevent_tr_query', tasks: 'poll_calendar_vtodo_query', multiget: 'poll_calendar_multiget'
    }
  }
]

const nothing = element('{}nothing')

type Values = Readonly<Record<string, string>>
/** The body of that name, filled in; `undefined` when the client has none. */
type Bodies = (name: string, values?: Values) => string | undefined

const fixtures = fileURLToPath(new URL('../fixture/apple/', import.meta.url))

/** What they send too, though it was not recorded of all of them. */
const unrecorded = ['multiget', 'availability']

function ours ({ folder, files }: Client): Bodies {
  return (name, values = {}) => {
    if (files[name] === undefined && !unrecorded.includes(name)) return undefined
    const path = [join(fixtures, folder, `${name}.xml`), join(fixtures, `${name}.xml`)].find(existsSync)
    return path === undefined ? undefined : filled(readFileSync(path, 'utf8'), values)
  }
}

/** Apple's own bodies. Their templates say `%(name)s` and `{name}`. */
function recordings (directory: string, { recorded, files }: Client): Bodies {
  return (name, values = {}) => {
    const file = files[name]
    if (file === undefined) return undefined
    const whole = readFileSync(join(directory, recorded, file.includes('.') ? file : `${file}.request`), 'utf8')
    // one recording holds two documents, transparent and opaque
    const documents = whole.split(/(?=<\?xml)/)
    return filled((name === 'opaque' ? documents[1] : documents[0]) ?? whole, values)
  }
}

const templates: Readonly<Record<string, string>> = {
  'sync-token': 'token', 'displayname': 'text', 'email': 'text', 'firstname': 'text', 'lastname': 'text', 'search': 'text', 'component_type': 'component', 'start-date': 'startDate'
}

function filled (body: string, values: Values): string {
  return body.replace(/%\(([\w-]+)\)s|(?<=[^$\w])\{([\w-]+)\}|#\{color\}/g, (whole, first: string | undefined, second: string | undefined) => {
    const name = first ?? second ?? 'color'
    const value = values[name] ?? values[templates[name] ?? ''] ?? { order: '5', color: '63DA38FF' }[name]
    if (value === undefined) throw new Error(`nothing to put for ${whole}`)
    return name === 'color' ? `#${value}` : value
  })
}

const needs = {
  calendar: [dav('resourcetype'), dav('displayname'), dav('owner'), dav('current-user-privilege-set'), cs('getctag'), caldav('supported-calendar-component-set')],
  principal: [caldav('calendar-home-set'), caldav('calendar-user-address-set'), caldav('schedule-inbox-URL'), caldav('schedule-outbox-URL'), dav('displayname'), dav('principal-URL'), dav('principal-collection-set'), dav('supported-report-set')]
} satisfies Record<string, Name[]>

/** A client at work: what it sends, what it knows. */
class Walk {
  readonly t: Test
  readonly #house: House
  readonly #client: Client
  readonly #bodies: Bodies
  principal = ''
  home = ''

  constructor (t: Test, house: House, client: Client, bodies: Bodies) {
    this.t = t
    this.#house = house
    this.#client = client
    this.#bodies = bodies
  }

  has (name: string): boolean {
    return this.#bodies(name, { token: '', hrefs: '', text: '', name: '', component: '', start: '', end: '', startDate: '' }) !== undefined
  }

  async send (method: string, url: string, name: string | undefined, { depth, values, user = 'alice' }: { depth?: string, values?: Values, user?: string | undefined } = {}): Promise<Answer> {
    const body = name === undefined ? undefined : this.#bodies(name, values)
    if (name !== undefined && body === undefined) throw new Error(`${this.#client.folder} has no body ${name}`)
    const headers = {
      'user-agent': this.#client.agent,
      ...(this.#client.brief ? { brief: 't', prefer: 'return-minimal' } : {}),
      ...(body === undefined ? {} : { 'content-type': 'text/xml; charset="utf-8"' }),
      ...(depth === undefined ? {} : { depth })
    }
    return await this.#house.ask(method, url, { user: user === 'nobody' ? undefined : user, headers, ...(body === undefined ? {} : { body }) })
  }

  /** A request that must be answered with a 207. */
  async asks (method: string, url: string, name: string, depth: string, values?: Values): Promise<{ answers: Told[], body: string }> {
    const { status, body } = await this.send(method, url, name, { depth, ...(values === undefined ? {} : { values }) })
    this.t.equal(status, 207, `${method} ${url} ${name}`)
    const answers = told(body)
    for (const each of answers) {
      for (const [property, said] of each.others) this.t.equal(said, 404, `${name}: ${property} of ${each.href}`)
      if (this.#client.brief) this.t.equal(each.others.size, 0, `${name}: in brief for ${each.href}`)
    }
    return { answers, body }
  }

  async sets (url: string, name: string, values: Values = {}): Promise<void> {
    const { status, body } = await this.send('PROPPATCH', url, name, { values })
    if (this.#client.brief) this.t.equal(status, 200, `PROPPATCH ${url} ${name}: ${body}`)
    else this.t.match([status, told(body)[0]?.others.size], [207, 0], `PROPPATCH ${url} ${name}: ${body}`)
  }
}

async function signsIn (walk: Walk): Promise<void> {
  const { t } = walk
  const lost = await walk.send('PROPFIND', '/.well-known/caldav', 'initial', { depth: '0', user: 'nobody' })
  t.ok([301, 302, 307].includes(lost.status), 'the well-known place leads on')
  const entrance = lost.headers['location'] ?? ''
  for (const url of [entrance, '/', '/principals/']) {
    const refused = await walk.send('PROPFIND', url, 'initial', { depth: '0', user: 'nobody' })
    t.match([refused.status, [refused.headers['www-authenticate']].flat().join('\n')], [401, /^Basic /m], `who is it? ${url}`)
    const { answers: [one] } = await walk.asks('PROPFIND', url, 'initial', '0')
    t.ok(namesIn(one, dav('resourcetype')).includes(dav('collection')), `${url} is a collection`)
    walk.principal = hrefsOf(one, dav('current-user-principal'))[0] ?? ''
    t.match(walk.principal, /^\/principals\/.+\/$/)
  }
  for (const url of [walk.principal, walk.principal.slice(0, -1)]) {
    t.match((await walk.send('OPTIONS', url, undefined)).headers['dav'], /\b1\b.*\bcalendar-access\b/, `OPTIONS ${url}`)
  }
}

async function looksAtPrincipal (walk: Walk): Promise<void> {
  const { t } = walk
  const { answers: [one] } = await walk.asks('PROPFIND', walk.principal, 'principal', '0')
  for (const name of needs.principal) t.ok(one?.found.has(name), `${name} of the principal`)
  const homes = hrefsOf(one, caldav('calendar-home-set'))
  t.equal(homes.length, 1, 'one home')
  walk.home = homes[0] ?? ''
  t.equal(one?.href, walk.principal)
  t.same(hrefsOf(one, dav('principal-URL')), [walk.principal])
  t.ok(hrefsOf(one, caldav('calendar-user-address-set')).includes('mailto:alice@example.com'), 'an address that can be an ORGANIZER')
  t.notOk(one?.found.has(cs('notification-URL')), 'no notifications, so that nobody looks for them')
  const reports = elements(one?.found.get(dav('supported-report-set')) ?? nothing).flatMap(each => elements(child(each, dav('report')) ?? each).map(({ name }) => name))
  t.ok(reports.includes(dav('expand-property')) && reports.includes(dav('principal-property-search')) && reports.includes(dav('principal-search-property-set')), 'reports of the principal')
  t.ok(reports.includes(cs('calendarserver-principal-search')), 'and Apple\'s')
  const searchable = await walk.send('REPORT', hrefsOf(one, dav('principal-collection-set'))[0] ?? '', 'searchable')
  t.equal(searchable.status, 200)
  const properties = elements(document(searchable.body)).flatMap(each => elements(child(each, dav('prop')) ?? each).map(({ name }) => name))
  t.ok([dav('displayname'), cs('email-address-set'), caldav('calendar-user-address-set')].every(name => properties.includes(name)), `searchable: ${properties.join()}`)
}

async function looksAtHome (walk: Walk): Promise<Map<string, Told>> {
  const { t } = walk
  const { answers } = await walk.asks('PROPFIND', walk.home, 'home', '1')
  const found = new Map(answers.map(one => [one.href.slice(walk.home.length), one]))
  t.ok(found.has(''), 'the home itself, with a slash')
  t.ok(namesIn(found.get('inbox/'), dav('resourcetype')).includes(caldav('schedule-inbox')), 'the inbox')
  t.ok(namesIn(found.get('outbox/'), dav('resourcetype')).includes(caldav('schedule-outbox')), 'the outbox')
  for (const [name, types] of [['calendar/', ['VEVENT']], ['tasks/', ['VTODO']]] as const) {
    const one = found.get(name)
    for (const property of needs.calendar) t.ok(one?.found.has(property), `${property} of ${name}`)
    t.ok(namesIn(one, dav('resourcetype')).includes(caldav('calendar')))
    t.same(componentsOf(one), types, `${name} is for one type`)
    t.same(hrefsOf(one, dav('owner')), [walk.principal])
    const privileges = elements(one?.found.get(dav('current-user-privilege-set')) ?? nothing).flatMap(each => elements(each).map(({ name }) => name))
    t.ok(privileges.includes(dav('write')) && privileges.includes(dav('bind')), `${name} can be written`)
  }
  return found
}

async function setsUp (walk: Walk, client: Client): Promise<void> {
  const { t } = walk
  if (walk.has('alarm-date')) for (const name of ['alarm-date', 'alarm-datetime']) await walk.sets(walk.home, name)
  for (const calendar of ['calendar/', 'tasks/']) for (const name of client.sets) await walk.sets(walk.home + calendar, name, { name: 'calendar' })
  const found = await looksAtHome(walk)
  for (const calendar of ['calendar/', 'tasks/']) {
    t.match(textOf(found.get(calendar), apple('calendar-color')), /^#[\dA-F]{6}/, 'the colour is kept')
    t.match(textOf(found.get(calendar), apple('calendar-order')), /^\d$/, 'the order is kept')
    if (client.sets.includes('timezone')) t.match(text(found.get(calendar)?.found.get(caldav('calendar-timezone')) ?? nothing), /^BEGIN:VCALENDAR\r\n[^]*END:VCALENDAR\r\n$/, 'the time zone is kept')
    if (client.sets.includes('opaque')) {
      t.ok(found.get(calendar)?.found.get(apple('calendar-color'))?.attributes['symbolic-color'], 'with its name')
      t.same(namesIn(found.get(calendar), caldav('schedule-calendar-transp')), [caldav('opaque')])
      t.equal(textOf(found.get(calendar), dav('displayname')), 'calendar')
    }
  }
  if (walk.has('alarm-date')) t.match(textOf(found.get(''), caldav('default-alarm-vevent-date')), /^BEGIN:VALARM\r\n[^]*END:VALARM/, 'the alarm is kept')
}

/** The files of a calendar with their ETags, as the client lists them. */
async function lists (walk: Walk, calendar: string): Promise<Map<string, string>> {
  const url = walk.home + calendar
  const { answers: [state] } = await walk.asks('PROPFIND', url, 'state', '0')
  walk.t.ok(state?.found.has(cs('getctag')) && state.found.has(dav('sync-token')), `state of ${calendar}`)
  const byQuery = calendar === 'tasks/' ? 'tasks' : calendar === 'calendar/' ? 'events' : 'none'
  const query = walk.has(byQuery) ? await walk.asks('REPORT', url, byQuery, '1', { start: '20150630T010101Z', end: '20350721T010101Z', startDate: '20150630' }) : undefined
  const { answers } = query === undefined || byQuery === 'events' ? await walk.asks('PROPFIND', url, 'members', '1') : query
  const files = new Map(answers.filter(({ href }) => !href.endsWith('/')).map(one => [one.href, textOf(one, dav('getetag'))]))
  for (const [href, etag] of files) walk.t.match(etag, /^".+"$/, `ETag of ${href}`)
  return files
}

async function fetches (walk: Walk, calendar: string, hrefs: readonly string[]): Promise<Map<string, string>> {
  if (!walk.has('multiget')) return new Map()
  const body = hrefs.map(href => `<x:href xmlns:x="DAV:">${href}</x:href>`).join('')
  const { answers } = await walk.asks('REPORT', walk.home + calendar, 'multiget', '1', { hrefs: body })
  walk.t.same(answers.map(({ href }) => href), hrefs, 'every href, as it was asked')
  return new Map(answers.map(one => [one.href, text(one.found.get(caldav('calendar-data')) ?? nothing)]))
}

async function looksAtOthers (walk: Walk): Promise<void> {
  const { t } = walk
  if (walk.has('delegates')) {
    const { answers: [one] } = await walk.asks('REPORT', walk.principal, 'delegates', '0')
    const writing = one?.found.get(cs('calendar-proxy-write-for'))
    const inner = elements(writing ?? nothing, dav('response'))
    t.equal(inner.length, 1, 'she acts for one')
    const prop = inner.flatMap(response => elements(response, dav('propstat'))).flatMap(propstat => elements(propstat, dav('prop'))).flatMap(each => elements(each))
    t.equal(text(prop.find(({ name }) => name === dav('displayname')) ?? nothing), 'Carol Example')
    t.ok(elements(prop.find(({ name }) => name === caldav('calendar-user-address-set')) ?? nothing, dav('href')).map(text).includes('mailto:carol@example.com'))
    t.same(elements(one?.found.get(cs('calendar-proxy-read-for')) ?? nothing), [], 'and reads for nobody')
    const principal = text(child(inner[0] ?? nothing, dav('href')) ?? nothing)
    if (walk.has('delegate')) {
      const { answers: [theirs] } = await walk.asks('PROPFIND', principal, 'delegate', '0')
      for (const name of needs.principal) t.ok(theirs?.found.has(name), `${name} of the one she acts for`)
      t.equal((await walk.send('OPTIONS', principal, undefined)).status, 200)
    }
  }
  if (walk.has('search')) {
    const { answers } = await walk.asks('REPORT', '/principals/', 'search', '0', { text: 'bob' })
    t.equal(answers.length, 1, 'one Bob')
    t.ok(hrefsOf(answers[0], caldav('calendar-user-address-set')).includes('mailto:bob@example.com'))
    t.match([textOf(answers[0], dav('displayname')), textOf(answers[0], caldav('calendar-user-type')), textOf(answers[0], cs('record-type'))], ['Bob Example', 'INDIVIDUAL', 'users'])
  }
  if (walk.has('people')) {
    const { answers } = await walk.asks('REPORT', '/principals/', 'people', '0', { text: 'bob' })
    t.same(answers.map(one => textOf(one, dav('displayname'))), ['Bob Example'], 'the search for attendees')
    t.ok(hrefsOf(answers[0], caldav('calendar-user-address-set')).includes('mailto:bob@example.com'))
  }
  if (walk.has('notifications')) await walk.asks('PROPFIND', `${walk.home}inbox/`, 'notifications', '1')
  if (walk.has('inbox')) await walk.asks('PROPFIND', `${walk.home}inbox/`, 'inbox', '1')
}

async function walkThrough (t: Test, client: Client, bodies: Bodies): Promise<void> {
  const it = await house(t, { accounts: '\n[users.carol]\nguid = "00000000-0000-0000-0000-000000000003"\nfullName = "Carol Example"\nemails = ["carol@example.com"]\npassword = "plain:carol"\nproxies = ["users/alice"]\n' })
  const walk = new Walk(t, it, client, bodies)
  const put = async (path: string, body: string): Promise<void> => {
    const { status } = await it.ask('PUT', `/calendars/users/alice/${path}`, { body, headers: { 'content-type': 'text/calendar' } })
    t.ok(status === 201 || status === 204)
  }
  const soon = (uid: string, ...more: string[]): string => event(uid, daysFromNow(1), daysFromNow(1.1), ...more)
  for (const uid of ['one', 'two', 'three']) await put(`calendar/${uid}.ics`, soon(uid))
  await put('tasks/task.ics', task('task'))

  await signsIn(walk)
  await looksAtPrincipal(walk)
  if (walk.has('availability')) await walk.asks('PROPFIND', `${walk.home}inbox/`, 'availability', '0')
  await looksAtHome(walk)
  await setsUp(walk, client)
  const before = await lists(walk, 'calendar/')
  t.same([...before.keys()].sort(), ['one', 'three', 'two'].map(name => `${walk.home}calendar/${name}.ics`), 'the events')
  t.same([...(await lists(walk, 'tasks/')).keys()], [`${walk.home}tasks/task.ics`], 'the tasks')
  t.same([...(await lists(walk, 'inbox/')).keys()], [], 'no messages')
  for (const [href, data] of await fetches(walk, 'calendar/', [...before.keys()])) t.equal(data, (await it.ask('GET', href)).body, `${href} as it is`)
  await looksAtOthers(walk)

  const known = await looksAtHome(walk)
  const homeState = (await walk.asks('PROPFIND', walk.home, 'state', '0')).answers[0]
  const state = (await walk.asks('PROPFIND', `${walk.home}calendar/`, 'state', '0')).answers[0]
  t.equal(textOf((await looksAtHome(walk)).get('calendar/'), cs('getctag')), textOf(known.get('calendar/'), cs('getctag')), 'nothing has moved')
  // somebody else works
  await put('calendar/two.ics', soon('two', 'LOCATION:Room'))
  await put('calendar/four.ics', soon('four'))
  await it.ask('DELETE', `${walk.home}calendar/one.ics`)

  const now = await looksAtHome(walk)
  const moved = [...now].filter(([name, one]) => name !== '' && textOf(one, cs('getctag')) !== textOf(known.get(name), cs('getctag'))).map(([name]) => name)
  t.same(moved, ['calendar/'], 'one calendar has moved')
  t.not(textOf((await walk.asks('PROPFIND', walk.home, 'state', '0')).answers[0], cs('getctag')), textOf(homeState, cs('getctag')), 'and with it the home')
  const changed = ['four', 'two'].map(name => `${walk.home}calendar/${name}.ics`)
  const after = await lists(walk, 'calendar/')
  t.same([...after].filter(([href, etag]) => before.get(href) !== etag).map(([href]) => href).sort(), changed, 'by their ETags')
  t.notOk(after.has(`${walk.home}calendar/one.ics`), 'and one is gone')
  if (walk.has('multiget')) t.match((await fetches(walk, 'calendar/', changed)).get(changed[1] ?? ''), /LOCATION:Room/)
  if (client.polls === 'calendars by sync') {
    const { answers, body } = await walk.asks('REPORT', `${walk.home}calendar/`, 'sync', '1', { token: textOf(state, dav('sync-token')) })
    t.same(answers.map(({ href, status }) => [href.slice(href.lastIndexOf('/') + 1), status]).sort(), [['four.ics', undefined], ['one.ics', 404], ['two.ics', undefined]])
    t.equal(tokenIn(body), textOf(now.get('calendar/'), dav('sync-token')))
  }
  if (client.polls === 'home by sync') await pollsHome(walk, textOf(homeState, dav('sync-token')))
}

async function pollsHome (walk: Walk, token: string): Promise<void> {
  const { t } = walk
  const first = await walk.asks('REPORT', walk.home, 'home-sync', '1', { token })
  t.same(first.answers.map(({ href, status }) => [href, status]), [[`${walk.home}calendar/`, undefined]], 'the calendar that has moved')
  for (const property of needs.calendar) t.ok(first.answers[0]?.found.has(property), `${property} in the sync of the home`)
  for (const [name, component] of [['A1B2', 'VEVENT'], ['C3D4', 'VTODO']] as const) {
    const made = await walk.send('MKCALENDAR', `${walk.home}${name}/`, 'make', { values: { name: `New & ${component}`.replace('&', '&amp;'), component } })
    t.equal(made.status, 201, made.body)
  }
  const second = await walk.asks('REPORT', walk.home, 'home-sync', '1', { token: tokenIn(first.body) })
  t.same(second.answers.map(one => [one.href.slice(walk.home.length), componentsOf(one)]).sort(), [['A1B2/', ['VEVENT']], ['C3D4/', ['VTODO']]], 'new calendars for one type each')
  const [one] = second.answers
  t.match([textOf(one, dav('displayname')), one?.found.get(apple('calendar-color'))?.attributes['symbolic-color'], textOf(one, apple('calendar-color')), textOf(one, apple('calendar-order'))], [/^New & V/, 'custom', '#63DA38FF', '5'])
  t.equal((await walk.send('DELETE', `${walk.home}A1B2/`, undefined)).status, 204)
  const third = await walk.asks('REPORT', walk.home, 'home-sync', '1', { token: tokenIn(second.body) })
  t.same(third.answers.map(({ href, status }) => [href, status]), [[`${walk.home}A1B2/`, 404]], 'and what is gone')
  t.same((await walk.asks('REPORT', walk.home, 'home-sync', '1', { token: tokenIn(third.body) })).answers, [])
}

for (const client of clients) t.test(`${client.folder} sets itself up, polls and sees what changed`, async t => await walkThrough(t, client, ours(client)))

t.test('one acts for rooms too, and through groups', async t => {
  const { ask } = await house(t, { accounts: `
[groups.staff]
members = ["groups/office"]
[groups.office]
members = ["users/alice"]
[users.carol]
fullName = "Carol"
proxies = ["groups/staff"]
readProxies = ["users/alice"]
[locations.hall]
fullName = "Hall"
proxies = ["users/alice", "groups/office"]
[resources.beamer]
fullName = "Beamer"
readProxies = ["groups/office"]
` })
  const principal = '/principals/users/alice/'
  const body = ours(clients[0] as Client)('delegates') ?? ''
  const [one] = told((await ask('REPORT', principal, { body })).body)
  const names = (property: Name): string[] => elements(one?.found.get(property) ?? nothing, dav('response'))
    .map(response => text(elements(response, dav('propstat')).flatMap(propstat => elements(propstat, dav('prop'))).flatMap(prop => elements(prop, dav('displayname')))[0] ?? nothing)).sort()
  t.same(names(cs('calendar-proxy-write-for')), ['Carol', 'Hall'], 'each once')
  t.same(names(cs('calendar-proxy-read-for')), ['Beamer', 'Carol'])
  const [bob] = told((await ask('REPORT', '/principals/users/bob/', { user: 'bob', body })).body)
  t.same(elements(bob?.found.get(cs('calendar-proxy-write-for')) ?? nothing), [])
})

t.test('attendees are found by name and address, however they are written', async t => {
  const { ask } = await house(t, { accounts: '[users.mueller]\nfullName = "Jürgen Müller"\nemails = ["jm@example.com"]\n[locations.hall]\nfullName = "Great Hall"\n' })
  const search = async (inside: string, attributes = ''): Promise<string[]> => {
    const body = `<D:principal-property-search xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" ${attributes}>${inside}<D:prop><D:displayname/></D:prop></D:principal-property-search>`
    const answer = await ask('REPORT', '/principals/', { body, headers: { depth: '0' } })
    t.equal(answer.status, 207, inside)
    return told(answer.body).map(one => textOf(one, dav('displayname'))).sort()
  }
  const one = (prop: string, match: string, type = 'contains'): string => `<D:property-search><D:prop>${prop}</D:prop><D:match match-type="${type}">${match}</D:match></D:property-search>`
  const name = '<D:displayname/>'
  const mail = '<CS:email-address-set/>'
  for (const [inside, attributes, expected] of [
    [one(name, 'MÜLL'), '', ['Jürgen Müller']],
    [one(name, 'mu\u0308ller'), '', ['Jürgen Müller']],
    [one(name, 'Müller', 'starts-with'), '', []],
    [one(name, 'great hall', 'equals'), '', ['Great Hall']],
    [one(mail, 'jm@', 'starts-with'), '', ['Jürgen Müller']],
    [one('<C:calendar-user-address-set/>', 'mailto:JM@example.com', 'equals'), '', ['Jürgen Müller']],
    [one(name, 'a'), 'type="ROOM"', ['Great Hall']],
    [one(name, 'a') + one(mail, 'alice'), '', ['Alice Example']],
    [one(name, 'hall') + one(mail, 'alice'), 'test="anyof"', ['Alice Example', 'Great Hall']],
    // RFC 3744 9.4: all properties of one property-search have to match
    [one(name + mail, 'alice'), 'test="anyof"', ['Alice Example']],
    [one(name + mail, 'jm@'), 'test="anyof"', []],
    [one('<CS:middle-name/>', 'alice') + one(name, 'bob'), 'test="anyof"', ['Bob Example']],
    [one('', 'x'), '', []],
    [one(name, ''), '', []]
  ] as const) t.same(await search(inside, attributes), expected, `${attributes} ${inside}`)
})

const directory = process.env['CALDAVD_APPLE_REQUESTS']
for (const client of clients) {
  t.test(`${client.folder} does so with its recorded requests`, { skip: directory === undefined ? 'CALDAVD_APPLE_REQUESTS is not set' : false }, async t => {
    if (directory === undefined) return
    await walkThrough(t, client, recordings(directory, client))
    const used = new Set(Object.values(client.files).map(file => file.includes('.') ? file : `${file}.request`))
    // POST to the outbox waits for scheduling, notifications for sharing; the rest are parts or doubles of others
    const others = /^(?:Profile|StartupProfile|post_.*|notification_.*|poll_notification_propfind_d1\.request|.*_hrefs\.request|startup_well_known.*|principal_search_report\.request)$/
    t.same(readdirSync(join(directory, client.recorded)).filter(file => !used.has(file) && !others.test(file)), [], 'all of them')
  })
}
