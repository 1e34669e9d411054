import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDAVClient, type DAVCalendar, type DAVCalendarObject } from 'tsdav'
import { house, type House } from '../house.js'
import { event } from './event.js'

// tsdav as it is, over a socket

type Client = Awaited<ReturnType<typeof createDAVClient>>

async function served (t: Test): Promise<House & { url: string }> {
  const it = await house(t)
  await it.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...it, url: `http://127.0.0.1:${(it.app.server.address() as AddressInfo).port}` }
}

async function client (url: string, user = 'alice', password = user): Promise<Client> {
  return await createDAVClient({ serverUrl: url, credentials: { username: user, password }, authMethod: 'Basic', defaultAccountType: 'caldav' })
}

async function calendarNamed (dav: Client, name: string): Promise<DAVCalendar> {
  const found = (await dav.fetchCalendars()).find(({ displayName }) => displayName === name)
  if (found === undefined) throw new Error(`no calendar ${name}`)
  return found
}

/** A calendar made for one test. */
async function newCalendar (dav: Client, url: string, name: string): Promise<DAVCalendar> {
  await dav.makeCalendar({ url: `${url}/calendars/users/alice/${name}/`, props: { 'd:displayname': name } })
  return await calendarNamed(dav, name)
}

function names (objects: readonly { url: string }[] | undefined): string[] {
  return (objects ?? []).map(({ url }) => url.slice(url.lastIndexOf('/') + 1)).sort()
}

const day = { start: '2026-01-05T00:00:00Z', end: '2026-01-06T00:00:00Z' }
const it = await served(t)

t.test('the account is found from the root, the well-known place, the principal and the home', async t => {
  for (const path of ['', '/', '/.well-known/caldav', '/principals/', '/principals/users/alice/', '/calendars/users/alice/', '/calendars/users/alice/calendar/']) {
    const dav = await client(it.url + path)
    const account = await dav.createAccount({ account: { accountType: 'caldav', serverUrl: it.url + path, credentials: { username: 'alice', password: 'alice' } }, loadCollections: true, loadObjects: true })
    t.equal(account.homeUrl, `${it.url}/calendars/users/alice/`, path)
    t.equal(account.principalUrl, `${it.url}/principals/__uids__/00000000-0000-0000-0000-000000000001/`)
    t.same(account.calendars?.map(({ displayName, components }) => [displayName, components]).sort(), [['Calendar', ['VEVENT']], ['Tasks', ['VTODO']]])
  }
  await t.rejects(client(it.url, 'alice', 'wrong'), 'a wrong password finds nothing')
})

t.test('a calendar is made, listed with its properties, and removed', async t => {
  const dav = await client(it.url)
  const made = await dav.makeCalendar({ url: `${it.url}/calendars/users/alice/made/`, props: { 'd:displayname': 'Made & kept', 'c:calendar-description': 'What <it> is', 'ca:calendar-color': { _attributes: { 'xmlns:ca': 'http://apple.com/ns/ical/' }, _text: '#123456FF' } } })
  t.match(made, [{ ok: true, status: 201 }])
  const calendar = await calendarNamed(dav, 'Made & kept')
  t.match(calendar, { url: `${it.url}/calendars/users/alice/made/`, description: 'What <it> is', calendarColor: '#123456FF', resourcetype: ['collection', 'calendar'] })
  t.same(calendar.components, ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY'])
  t.match(calendar.syncToken, /^data:,/)
  t.equal(calendar.ctag, calendar.syncToken)
  for (const report of ['syncCollection', 'calendarQuery', 'calendarMultiget', 'freeBusyQuery']) t.ok(calendar.reports.includes(report), `${report} is offered`)
  t.match(await dav.makeCalendar({ url: calendar.url, props: {} }), [{ ok: false, status: 403 }], 'twice is refused')
  t.equal((await dav.deleteObject({ url: calendar.url })).status, 204)
  t.notOk((await dav.fetchCalendars()).some(({ url }) => url === calendar.url))
})

t.test('objects are created, read, changed and removed, each only if nobody was faster', async t => {
  const dav = await client(it.url)
  const calendar = await newCalendar(dav, it.url, 'objects')
  const body = event('one', '20260105T090000Z', '20260105T100000Z')
  const created = await dav.createCalendarObject({ calendar, filename: 'one.ics', iCalString: body })
  t.equal(created.status, 201)
  t.match(created.headers.get('etag'), /^".+"$/)
  t.equal((await dav.createCalendarObject({ calendar, filename: 'one.ics', iCalString: body })).status, 412, 'it is there already')
  const [object] = await dav.fetchCalendarObjects({ calendar })
  if (object === undefined) throw new Error('nothing was fetched')
  t.match(object, { url: `${calendar.url}one.ics`, etag: created.headers.get('etag') ?? '', data: body.replaceAll('\r\n', '\n').trim().slice(0, 15) })
  t.equal(readFileSync(join(it.documents, 'calendars/users/alice/objects/one.ics'), 'utf8'), body, 'the file is what was sent')

  const changed = await dav.updateCalendarObject({ calendarObject: { ...object, data: body.replace('SUMMARY:', 'SUMMARY:New ') } })
  t.equal(changed.status, 204)
  const stale = await dav.updateCalendarObject({ calendarObject: { ...object, data: body } })
  t.equal(stale.status, 412, 'the ETag is past')
  t.equal((await dav.deleteCalendarObject({ calendarObject: object })).status, 412, 'for DELETE too')
  const [now] = await dav.fetchCalendarObjects({ calendar })
  t.match(now?.data, /SUMMARY:New /, 'nobody lost anything')
  t.equal(now?.etag, changed.headers.get('etag'))
  t.equal((await dav.deleteCalendarObject({ calendarObject: now ?? object })).status, 204)
  t.same(await dav.fetchCalendarObjects({ calendar }), [])
})

t.test('a time range finds what happens in it, expanded when asked', async t => {
  const dav = await client(it.url)
  const calendar = await newCalendar(dav, it.url, 'ranges')
  const bodies = {
    'before.ics': event('before', '20260104T090000Z', '20260104T100000Z'),
    'across.ics': event('across', '20260104T230000Z', '20260105T010000Z'),
    'touches.ics': event('touches', '20260106T000000Z', '20260106T010000Z'),
    'series.ics': event('series', '20251229T120000Z', '20251229T130000Z', 'RRULE:FREQ=DAILY;COUNT=100', 'EXDATE:20260106T120000Z')
  }
  for (const [filename, iCalString] of Object.entries(bodies)) await dav.createCalendarObject({ calendar, filename, iCalString })
  t.same(names(await dav.fetchCalendarObjects({ calendar, timeRange: day })), ['across.ics', 'series.ics'])
  t.same(names(await dav.fetchCalendarObjects({ calendar })), Object.keys(bodies).sort())
  const three = { start: '2026-01-05T00:00:00Z', end: '2026-01-08T00:00:00Z' }
  for (const useMultiGet of [true, false]) {
    const objects = await dav.fetchCalendarObjects({ calendar, timeRange: three, expand: true, useMultiGet })
    const series = objects.find(({ url }) => url.endsWith('series.ics'))
    t.same([...String(series?.data).matchAll(/^DTSTART.*:(\d+T\d+Z)/gm)].map(([, start]) => start), ['20260105T120000Z', '20260107T120000Z'], 'one for each day, without the exception')
    t.notMatch(String(series?.data), /RRULE/)
    t.ok(series?.etag)
  }
})

t.test('a multiget answers every href', async t => {
  const dav = await client(it.url)
  const calendar = await newCalendar(dav, it.url, 'many')
  for (const name of ['a', 'b ü', 'c']) await dav.createCalendarObject({ calendar, filename: `${encodeURIComponent(name)}.ics`, iCalString: event(name, '20260105T090000Z', '20260105T100000Z') })
  const path = new URL(calendar.url).pathname
  const ask = async (...objectUrls: readonly string[]): ReturnType<Client['calendarMultiGet']> =>
    await dav.calendarMultiGet({ url: calendar.url, props: { 'd:getetag': {}, 'c:calendar-data': {} }, objectUrls: [...objectUrls], depth: '1' })
  const answers = await ask(`${path}a.ics`, `${path}b%20%C3%BC.ics`, `${calendar.url}c.ics`)
  t.same(names(answers.map(({ href }) => ({ url: href ?? '' }))), ['a.ics', 'b%20%C3%BC.ics', 'c.ics'])
  t.same(answers.map(({ ok, props }) => [ok, typeof props?.['getetag'], /UID:/.test(String(props?.['calendarData']?._cdata ?? props?.['calendarData']))]), Array(3).fill([true, 'string', true]))
  await t.rejects(ask(`${path}a.ics`, `${path}gone.ics`), /404/, 'tsdav takes what is gone for an error')
})

/** What one client has; brought up to date as tsdav does it. */
class Copy {
  readonly #dav: Client
  #calendars: DAVCalendar[] = []

  constructor (dav: Client) {
    this.#dav = dav
  }

  async start (): Promise<void> {
    this.#calendars = await this.#dav.fetchCalendars()
    for (const calendar of this.#calendars) calendar.objects = await this.#dav.fetchCalendarObjects({ calendar })
  }

  async sync (): Promise<void> {
    this.#calendars = await this.#dav.syncCalendars({ oldCalendars: this.#calendars })
    for (const calendar of this.#calendars) calendar.objects ??= await this.#dav.fetchCalendarObjects({ calendar })
  }

  get (name: string): DAVCalendar {
    const found = this.#calendars.find(({ url }) => url.endsWith(`/${name}/`))
    if (found === undefined) throw new Error(`no calendar ${name}`)
    return found
  }

  get names (): string[] {
    return names(this.#calendars.map(({ url }) => ({ url: url.replace(/\/$/, '') })))
  }

  object (calendar: string, name: string): DAVCalendarObject {
    const found = this.get(calendar).objects?.find(({ url }) => url.endsWith(`/${name}`))
    if (found === undefined) throw new Error(`no object ${name}`)
    return found
  }

  /** Name and ETag of everything. */
  content (calendar: string): (readonly [string | undefined, string | undefined])[] {
    return (this.get(calendar).objects ?? []).map(({ url, etag }) => [url.slice(url.lastIndexOf('/') + 1), etag] as const).sort(([a], [b]) => (a ?? '') < (b ?? '') ? -1 : 1)
  }
}

t.test('two clients and a hand at the disk come to the same', async t => {
  const [ada, bea] = [await client(it.url), await client(it.url)]
  const calendar = await newCalendar(ada, it.url, 'shared')
  const directory = join(it.documents, 'calendars/users/alice/shared')
  const [here, there] = [new Copy(ada), new Copy(bea)]
  for (const name of ['a', 'b', 'c']) await ada.createCalendarObject({ calendar, filename: `${name}.ics`, iCalString: event(name, '20260105T090000Z', '20260105T100000Z') })
  await here.start()
  await there.start()
  const agree = async (what: string, expected: readonly string[]): Promise<void> => {
    await here.sync()
    await there.sync()
    t.same(here.content('shared'), there.content('shared'), `${what}: both have the same`)
    t.same(here.content('shared').map(([name]) => name), expected, what)
    const truth = await ada.fetchCalendarObjects({ calendar })
    t.same(here.content('shared'), truth.map(({ url, etag }) => [url.slice(url.lastIndexOf('/') + 1), etag]).sort(), 'which is what there is')
  }
  await agree('nothing has happened', ['a.ics', 'b.ics', 'c.ics'])
  await bea.createCalendarObject({ calendar, filename: 'd.ics', iCalString: event('d', '20260105T090000Z', '20260105T100000Z') })
  t.equal((await ada.deleteCalendarObject({ calendarObject: here.object('shared', 'a.ics') })).status, 204)
  await agree('one made, one removed', ['b.ics', 'c.ics', 'd.ics'])
  const mine = here.object('shared', 'b.ics')
  t.equal((await ada.updateCalendarObject({ calendarObject: { ...mine, data: event('b', '20260106T090000Z', '20260106T100000Z') } })).status, 204)
  t.equal((await bea.updateCalendarObject({ calendarObject: { ...there.object('shared', 'b.ics'), data: event('b', '20260107T090000Z', '20260107T100000Z') } })).status, 412, 'too late')
  await agree('one changed', ['b.ics', 'c.ics', 'd.ics'])
  t.match(String(there.object('shared', 'b.ics').data), /20260106T090000Z/)
  writeFileSync(join(directory, 'c.ics'), event('c', '20260108T090000Z', '20260108T100000Z'))
  writeFileSync(join(directory, 'e.ics'), event('e', '20260108T090000Z', '20260108T100000Z'))
  unlinkSync(join(directory, 'd.ics'))
  await agree('edited, made and removed by hand', ['b.ics', 'c.ics', 'e.ics'])
  t.match(String(there.object('shared', 'c.ics').data), /20260108T090000Z/)
  renameSync(join(directory, 'e.ics'), join(directory, 'f.ics'))
  await agree('renamed by hand', ['b.ics', 'c.ics', 'f.ics'])
  await newCalendar(bea, it.url, 'later')
  await here.sync()
  t.ok(here.names.includes('later'), 'a new calendar arrives')
  await bea.deleteObject({ url: `${it.url}/calendars/users/alice/later/` })
  await here.sync()
  t.notOk(here.names.includes('later'), 'and goes')
})

t.test('smartCollectionSync tells what was created, updated and deleted, by token and by ctag', async t => {
  const dav = await client(it.url)
  for (const method of ['webdav', 'basic'] as const) {
    const made = await newCalendar(dav, it.url, `smart-${method}`)
    for (const name of ['a', 'b']) await dav.createCalendarObject({ calendar: made, filename: `${name}.ics`, iCalString: event(name, '20260105T090000Z', '20260105T100000Z') })
    const calendar = await calendarNamed(dav, `smart-${method}`)
    calendar.objects = await dav.fetchCalendarObjects({ calendar })
    await dav.createCalendarObject({ calendar, filename: 'c.ics', iCalString: event('c', '20260105T090000Z', '20260105T100000Z') })
    const directory = join(it.documents, `calendars/users/alice/smart-${method}`)
    writeFileSync(join(directory, 'b.ics'), event('b', '20260109T090000Z', '20260109T100000Z'))
    unlinkSync(join(directory, 'a.ics'))
    const collection = {
      ...calendar,
      objectMultiGet: dav.calendarMultiGet,
      fetchObjects: async () => await dav.fetchCalendarObjects({ calendar })
    }
    const result = await dav.smartCollectionSync({ collection, method, detailedResult: true })
    t.same([names(result.objects.created), names(result.objects.updated), names(result.objects.deleted)], [['c.ics'], ['b.ics'], ['a.ics']], method)
    if (method === 'webdav') {
      t.not(result.syncToken, calendar.syncToken, 'and gives the next token')
      const again = await dav.smartCollectionSync({ collection: { ...collection, ...result, objects: [] }, method, detailedResult: true })
      t.same([again.objects.created, again.objects.updated, again.objects.deleted], [[], [], []])
    }
  }
})

t.test('a token that is not known any more is an error that says so', async t => {
  const dav = await client(it.url)
  const calendar = await newCalendar(dav, it.url, 'tokens')
  const [answer] = await dav.syncCollection({ url: calendar.url, props: { 'd:getetag': {} }, syncLevel: 1, syncToken: 'data:,gone_1' })
  t.match(answer, { ok: false, status: 403 })
  await t.rejects(dav.smartCollectionSync({ collection: { ...calendar, syncToken: 'data:,gone_1', objectMultiGet: dav.calendarMultiGet }, method: 'webdav', detailedResult: true }), /403/)
})
