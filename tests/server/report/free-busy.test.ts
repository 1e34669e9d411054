import t from 'tap'
import { properties } from '../../../store/property.js'
import { property } from '../../../server/ical/component.js'
import { parse } from '../../../server/ical/parse.js'
import { calendarObject } from '../../../server/ical/validate.js'
import { text } from '../../../server/xml/element.js'
import { caldav, cs } from '../../../server/xml/name.js'
import { calendarType, event, object } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const work = `${home}work/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'
const busy = (start?: string, end?: string): string => `<C:free-busy-query ${ns}><C:time-range${start === undefined ? '' : ` start="${start}"`}${end === undefined ? '' : ` end="${end}"`}/></C:free-busy-query>`
const day = busy('20260310T000000Z', '20260311T000000Z')
const acl = (kind: 'grant' | 'deny', privilege: string, who = 'users/bob'): string => `<D:acl ${ns}><D:ace><D:principal><D:href>/principals/${who}/</D:href></D:principal><D:${kind}><D:privilege>${privilege}</D:privilege></D:${kind}></D:ace></D:acl>`

/** What an answer tells: `BUSY 0900-1000`, of the 10th; with the day when it is another. */
function periods (body: string): string[] {
  const [freeBusy] = parse(body).components
  const time = (value: string): string => value.startsWith('20260310T') ? value.slice(9, 13) : value.slice(0, 13)
  return (freeBusy?.properties ?? []).filter(({ name }) => name === 'FREEBUSY').flatMap(({ parameters, value }) =>
    value.split(',').map(period => `${parameters['FBTYPE']?.[0] ?? ''} ${period.split('/').map(time).join('-')}`)).sort()
}

/** Alice's house, and what puts objects into her calendar. */
async function made (t: Parameters<typeof house>[0], settings: Record<string, string> = {}): Promise<House & { put: (name: string, body: string, calendar?: string) => Promise<void>, busy: (url?: string, body?: string, headers?: Record<string, string>, user?: string) => Promise<string[]> }> {
  const all = await house(t, { settings })
  await all.ask('MKCALENDAR', work)
  const put = async (name: string, body: string, calendar = work): Promise<void> => {
    const { status } = await all.ask('PUT', `${calendar}${name}.ics`, { body, headers: calendarType })
    if (status !== 201) throw new Error(`${name}: ${status}`)
  }
  return { ...all, put, busy: async (url = work, body = day, headers = { depth: '1' }, user = 'alice') => periods((await all.ask('REPORT', url, { body, headers, user })).body) }
}

t.test('the answer and its form', async t => {
  const { ask, put, busy: asked } = await made(t)
  await put('a', event('a', { SUMMARY: 'secret' }))
  await put('b', event('b', { DTSTART: '20260310T093000Z', STATUS: 'TENTATIVE' }))
  await put('series', event('series', { DTSTART: '20260309T120000Z', RRULE: 'FREQ=DAILY' }).replace('END:VCALENDAR', 'BEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260310T120000Z\r\nDTSTART:20260310T120000Z\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\nEND:VCALENDAR'))
  await put('fb', object('VFREEBUSY', { UID: 'fb', DTSTAMP: '20260101T000000Z', FREEBUSY: '20260310T140000Z/PT1H', 'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE': '20260310T160000Z/PT1H' }))
  const answer = await ask('REPORT', work, { body: day, headers: { depth: '1', accept: 'text/xml' } })
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-type'], 'text/calendar; charset=utf-8')
  t.same(periods(answer.body), ['BUSY 0900-1000', 'BUSY 1400-1500', 'BUSY-TENTATIVE 0930-1030', 'BUSY-UNAVAILABLE 1600-1700'])
  const { calendar, type } = calendarObject(answer.body)
  t.equal(type, 'VFREEBUSY')
  t.equal(calendar.components.length, 1)
  t.same(calendar.properties.map(({ name }) => name).sort(), ['PRODID', 'VERSION'])
  t.same(calendar.components[0]?.properties.map(({ name }) => name).filter(name => name !== 'FREEBUSY').sort(), ['DTEND', 'DTSTAMP', 'DTSTART', 'UID'], 'times and nothing else')
  t.same(['DTSTART', 'DTEND'].map(name => property(calendar.components[0]!, name)?.value), ['20260310T000000Z', '20260311T000000Z'])
  const json = await ask('REPORT', work, { body: day, headers: { depth: '1', accept: 'application/calendar+json' } })
  t.match(json.headers['content-type'], /^application\/calendar\+json/)
  t.match(JSON.parse(json.body), ['vcalendar', Array, [['vfreebusy']]])
  t.same(await asked(work, busy('20260310T120000Z', '20260310T130000Z')), [], 'an override that is transparent frees its instance')
  t.same(await asked(work, busy('20260311T123000Z', '20260311T130000Z')), ['BUSY 20260311T1230-20260311T1300'])
  for (const [why, body] of [['no range', `<C:free-busy-query ${ns}/>`], ['two', day.replace(/<C:time-range.*?>/, '$&$&')], ['neither side', busy()], ['reversed', busy('20260311T000000Z', '20260310T000000Z')], ['local', busy('20260310T000000', '20260311T000000')]] as const) {
    t.equal(outcome(await ask('REPORT', work, { body })), '403 valid-filter', why)
  }
})

t.test('days are those of the calendar, and calendars may be transparent', async t => {
  const { ask, put, busy: asked } = await made(t)
  const timezone = object('VTIMEZONE', { TZID: 'America/New_York' }).replace('END:VTIMEZONE', 'BEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\nEND:VTIMEZONE')
  const set = (name: string, value: string): string => `<D:propertyupdate ${ns}><D:set><D:prop><C:${name}>${value}</C:${name}></D:prop></D:set></D:propertyupdate>`
  await put('day', event('day', { DTSTART: '20260310', DURATION: 'P1D' }).replace('DTSTART:', 'DTSTART;VALUE=DATE:'))
  t.same(await asked(), ['BUSY 0000-20260311T0000'], 'UTC when it does not say')
  t.equal((await ask('PROPPATCH', work, { body: set('calendar-timezone', timezone) })).status, 207)
  t.same(await asked(), ['BUSY 0500-20260311T0000'])
  await ask('MKCALENDAR', `${home}other/`)
  await put('a', event('a', { DTSTART: '20260310T010000Z' }), `${home}other/`)
  t.same(await asked(home), ['BUSY 0100-0200', 'BUSY 0500-20260311T0000'])
  t.match((await ask('PROPPATCH', `${home}other/`, { body: set('schedule-calendar-transp', '<C:transparent/>') })).body, '200 OK')
  t.same(await asked(home), ['BUSY 0500-20260311T0000'], 'left out on the home')
  t.same(await asked(`${home}other/`), ['BUSY 0100-0200'], 'asked itself it tells')
  t.same(await asked(home, day, {}), [], 'without a Depth nothing is below a home')
})

t.test('who may not ask hears that nothing is there', async t => {
  const { ask, put, busy: asked } = await made(t, { 'access.busy': 'false' })
  await put('a', event('a'))
  await put('b', event('b', { DTSTART: '20260310T140000Z' }))
  await ask('MKCOL', `${home}shelf/`)
  const as = async (user: string | undefined, url: string, body = day): Promise<string> => outcome(await ask('REPORT', url, { user, body, headers: { depth: '1' } }))
  const places = [home, work, `${work}a.ics`, `${work}none.ics`, `${home}shelf/`, `${home}inbox/`, `${home}outbox/`, `${home}none/`, `${home}none/none/none.ics`]
  const body = async (url: string): Promise<string> => (await ask('REPORT', url, { user: 'bob', body: day })).body.replace(url.replace(/\/$/, ''), '')
  for (const url of places) {
    t.equal(await as('bob', url), '404', `bob: ${url}`)
    t.equal(await as(undefined, url), '401', `nobody: ${url}`)
    t.equal(await body(url), ' does not exist\n', url)
  }
  t.equal(await as('bob', work, `<C:calendar-query ${ns}/>`), '403 need-privileges', 'other reports as ever')
  t.equal(await as('bob', work, '<a'), '403 need-privileges', 'what cannot be read too')
  t.same(await Promise.all(places.map(async url => await as('alice', url))), ['200', '200', '403 supported-report', '404', '200', '403 supported-report', '403 supported-report', '404', '404'])

  await ask('ACL', work, { body: acl('grant', '<C:read-free-busy/>') })
  t.same(await asked(work, day, {}, 'bob'), ['BUSY 0900-1000', 'BUSY 1400-1500'], 'read-free-busy is enough')
  t.equal(await as('bob', `${work}a.ics`), '404', 'an event looks like a name that is free')
  t.equal((await ask('GET', `${work}a.ics`, { user: 'bob' })).status, 403)
  await ask('ACL', `${work}b.ics`, { body: acl('deny', '<C:read-free-busy/>') })
  t.same(await asked(work, day, {}, 'bob'), ['BUSY 0900-1000'], 'an event that denies it is not told of')
  await ask('ACL', work, { body: acl('grant', '<D:bind/>') })
  t.equal(await as('bob', work), '404', 'another privilege does not do')
  await ask('ACL', work, { body: acl('grant', '<D:read/>') })
  t.equal(await as('bob', `${work}a.ics`), '403 supported-report', 'RFC 4791 7.10: an event that may be read is refused')
  for (const url of [`${home}inbox/`, home]) await ask('ACL', url, { body: acl('grant', '<C:read-free-busy/>') })
  t.equal(await as('bob', `${home}inbox/`), '404', 'who may ask only hears nothing of what cannot be asked')
})

const weekly = (priority: number, type: string, ...lines: string[]): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//tests//EN', 'BEGIN:VAVAILABILITY', `UID:v${priority}`, 'DTSTAMP:20260101T000000Z', `PRIORITY:${priority}`, `BUSYTYPE:${type}`,
  'SUMMARY:office', ...lines, 'END:VAVAILABILITY', 'END:VCALENDAR', ''].join('\r\n')
const hours = (from: string, to: string): string[] => ['BEGIN:AVAILABLE', 'UID:a', 'DTSTAMP:20260101T000000Z', `DTSTART:20260105T${from}Z`, `DTEND:20260105T${to}Z`, 'RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', 'END:AVAILABLE']

t.test('availability in calendars (RFC 7953 7.2.3)', async t => {
  const { ask, put, busy: asked } = await made(t)
  const set = '<C:supported-calendar-component-set><C:comp name="VAVAILABILITY"/></C:supported-calendar-component-set>'
  for (const name of ['hours', 'travel']) t.equal((await ask('MKCALENDAR', `${home}${name}/`, { body: `<C:mkcalendar ${ns}><D:set><D:prop>${set}</D:prop></D:set></C:mkcalendar>` })).status, 201)
  t.equal((await ask('PUT', `${work}v.ics`, { body: weekly(0, 'BUSY'), headers: calendarType })).status, 403, 'calendars that do not say so take none')
  await put('v', weekly(0, 'BUSY-UNAVAILABLE', ...hours('080000', '180000')), `${home}hours/`)
  await put('a', event('a', { DTSTART: '20260310T170000Z', DURATION: 'PT2H' }))
  t.same(await asked(home), ['BUSY 1700-1900', 'BUSY-UNAVAILABLE 0000-0800', 'BUSY-UNAVAILABLE 1800-20260311T0000'])
  await put('w', weekly(1, 'BUSY-TENTATIVE', 'DTSTART:20260310T060000Z', 'DTEND:20260310T120000Z', ...hours('070000', '090000')), `${home}travel/`)
  t.same(await asked(home), ['BUSY 1700-1900', 'BUSY-TENTATIVE 0600-0700', 'BUSY-TENTATIVE 0900-1200', 'BUSY-UNAVAILABLE 0000-0600', 'BUSY-UNAVAILABLE 1800-20260311T0000'], 'what two calendars say is put together')
  t.same(await asked(`${home}hours/`), ['BUSY-UNAVAILABLE 0000-0800', 'BUSY-UNAVAILABLE 1800-20260311T0000'])
  t.match((await ask('OPTIONS', work)).headers['dav'], /(^|, )calendar-availability(,|$)/)
})

t.test('CALDAV:calendar-availability of the inbox (RFC 7953 7.2.4)', async t => {
  const { ask, store, busy: asked } = await made(t)
  const inbox = `${home}inbox/`
  const value = weekly(0, 'BUSY', ...hours('080000', '180000')).replace(':office', ':R&D')
  const xml = (one: string): string => one.replaceAll('&', '&amp;').replaceAll('\r', '&#13;')
  const change = async (body: string, url = inbox): Promise<string> => {
    const answer = await ask('PROPPATCH', url, { body: `<D:propertyupdate ${ns}>${body}</D:propertyupdate>` })
    return [...told(answer.body).values()].flatMap(({ properties }) => [...properties.values()].map(({ status, condition = '' }) => `${status} ${condition.slice(condition.indexOf('}') + 1)}`.trim())).join(', ')
  }
  const set = async (prefix: string, of: string, url = inbox, more = ''): Promise<string> => await change(`<D:set><D:prop><${prefix}:calendar-availability>${xml(of)}</${prefix}:calendar-availability>${more}</D:prop></D:set>`, url)
  const find = async (url = inbox): Promise<(string | undefined)[]> => {
    const found = told((await ask('PROPFIND', url, { body: `<D:propfind ${ns}><D:prop><C:calendar-availability/><CS:calendar-availability/></D:prop></D:propfind>`, headers: { depth: '0' } })).body).get(url)
    return [caldav('calendar-availability'), cs('calendar-availability')].map(name => found?.properties.get(name)).map(one => one?.status === 200 ? text(one.value) : String(one?.status))
  }
  t.same(await find(), ['404', '404'])
  for (const [prefix, other] of [['C', 'CS'], ['CS', 'C']] as const) {
    t.equal(await set(prefix, value), '200')
    t.same(await find(), [value, value], `set as ${prefix}`)
    t.equal(await change(`<D:remove><D:prop><${other}:calendar-availability/></D:prop></D:remove>`), '200')
    t.same(await find(), ['404', '404'], `removed as ${other}`)
  }
  await set('C', value)
  const inboxDirectory = store.home(['calendars', 'users', 'alice'])?.collection('inbox')?.directory ?? ''
  t.same([...properties(inboxDirectory, '').keys()].filter(name => name.includes('availability')), [cs('calendar-availability')], "on disk it has the name that Apple's server knows")
  t.notMatch((await ask('PROPFIND', inbox, { headers: { depth: '0' } })).body, 'calendar-availability', 'not in DAV:allprop')
  t.match((await ask('PROPFIND', inbox, { body: `<D:propfind ${ns}><D:propname/></D:propfind>`, headers: { depth: '0' } })).body, 'C:calendar-availability')
  for (const [why, bad] of [
    ['no calendar', 'This is not a calendar!'], ['nothing', ''], ['an event', event('a')], ['no component', 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n'],
    ['two', value.replace('END:VCALENDAR', 'BEGIN:VAVAILABILITY\r\nUID:v0\r\nDTSTAMP:20260101T000000Z\r\nEND:VAVAILABILITY\r\nEND:VCALENDAR')],
    ['an event beside it', value.replace('END:VCALENDAR', 'BEGIN:VEVENT\r\nUID:v0\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR')],
    ['a rule that is none', value.replace('FREQ=WEEKLY', 'FREQ=SOMETIMES')]
  ] as const) for (const prefix of ['C', 'CS']) t.equal(await set(prefix, bad), '403 valid-calendar-data', `${prefix}: ${why}`)
  t.equal(await set('C', 'BEGIN:VCALENDAR', inbox, '<D:displayname>x</D:displayname>'), '403 valid-calendar-data, 424')
  t.equal(await set('C', value.replace('office', 'o'.repeat(70_000)).replace(':R&D', `:${'o'.repeat(70_000)}`)), '507', 'too long')
  t.same(await find(), [value, value], 'nothing of that was kept')
  t.equal(await set('C', value, work), '403 cannot-modify-protected-property', 'calendars have none')
  t.equal((await ask('PROPPATCH', inbox, { user: 'bob', body: `<D:propertyupdate ${ns}><D:remove><D:prop><C:calendar-availability/></D:prop></D:remove></D:propertyupdate>` })).status, 403, 'RFC 7953 8: nobody else')
  t.same(await asked(), [], 'it counts when somebody is invited, not for this report')
})

t.test('no range and no rule is too much', async t => {
  const { ask, put, lines } = await made(t)
  const calendars = new Map<string, string>()
  const calendar = async (name: string, body: string): Promise<string> => {
    const url = `${home}${name}/`
    calendars.set(name, url)
    await ask('MKCALENDAR', url)
    await put('a', body, url)
    return url
  }
  const daily = await calendar('daily', event('daily', { RRULE: 'FREQ=DAILY' }))
  const once = await calendar('once', event('once'))
  const full = await calendar('full', event('full', { DTSTART: '20260101T000000Z', DURATION: 'PT1S', RRULE: 'FREQ=SECONDLY' }))
  const never = await calendar('never', event('never', { RRULE: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31' }))
  const rare = await calendar('rare', event('rare', { DTSTART: '20000101T000000Z', RRULE: 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3;BYMINUTE=3;BYSECOND=3' }))
  for (const [url, start, end, expected] of [
    [daily, '20260101T000000Z', '20280101T000000Z', '200'], [daily, '20260101T000000Z', undefined, '200'], [daily, '00010101T000000Z', '99991231T235959Z', '200'],
    [daily, undefined, '20260312T000000Z', '200'], [once, undefined, '99991231T235959Z', '200'], [once, '00010101T000000Z', undefined, '200'], [once, '00010101T000000Z', '99991231T235959Z', '200'],
    [full, '20260310T000000Z', '20260310T010000Z', '200'], [full, '20260310T000000Z', '20260410T000000Z', '200'],
    [never, '20260101T000000Z', '99991231T235959Z', '200'], [rare, '20260101T000000Z', '20290101T000000Z', '200']
  ] as const) {
    const begun = performance.now()
    const answer = await ask('REPORT', url, { body: busy(start, end) })
    const took = performance.now() - begun
    t.ok(expected.includes(outcome(answer)) && outcome(answer) !== '', `${url} ${start}–${end}: ${outcome(answer)}`)
    t.ok(took < 1000, `${url} ${start}–${end}: ${took.toFixed()} ms`)
    if (url === full) t.same(periods(answer.body), [end === '20260310T010000Z' ? 'BUSY 0000-0100' : 'BUSY 0000-20260410T0000'])
    if (answer.status === 200) t.doesNotThrow(() => calendarObject(answer.body))
  }
  t.same(lines, [])
})

t.test('what is too much to list is one busy period', async t => {
  const { ask, put, busy: asked, lines } = await made(t)
  const monster = { DTSTART: '20260310T100000Z', DURATION: 'PT1S', RRULE: 'FREQ=SECONDLY;INTERVAL=2;UNTIL=20260311T040000Z' }
  const override = (lines: string): string => `BEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260310T120000Z\r\nDTSTART:20260310T120000Z\r\nDURATION:PT1H\r\n${lines}END:VEVENT\r\nEND:VCALENDAR`
  const month = busy('20260301T000000Z', '20260401T000000Z')
  await put('a', event('a', { DTSTART: '20260320T090000Z' }))
  const other = 'BUSY 20260320T0900-20260320T1000'
  const whole = '1000-20260311T0400'
  // one that is read in the thread
  const large = { DESCRIPTION: 'x'.repeat(100_000) }
  for (const [why, body, expected] of [
    ['confirmed', event('m', monster), [`BUSY ${whole}`, other]], ['large', event('m', { ...monster, ...large }), [`BUSY ${whole}`, other]],
    ['tentative', event('m', { ...monster, STATUS: 'TENTATIVE' }), [other, `BUSY-TENTATIVE ${whole}`]],
    ['transparent', event('m', { ...monster, TRANSP: 'TRANSPARENT' }), [other]], ['cancelled', event('m', { ...monster, STATUS: 'CANCELLED' }), [other]],
    ['an opaque exception', event('m', { ...monster, TRANSP: 'TRANSPARENT' }).replace('END:VCALENDAR', override('')), ['BUSY 1200-1300', other]],
    ['a tentative exception', event('m', monster).replace('END:VCALENDAR', override('STATUS:TENTATIVE\r\n')), [`BUSY ${whole}`, other, 'BUSY-TENTATIVE 1200-1300']],
    ['from there on', event('m', { ...monster, TRANSP: 'TRANSPARENT' }).replace('END:VCALENDAR', override('').replace('-ID', '-ID;RANGE=THISANDFUTURE').replace('PT1H', 'PT1S')), [`BUSY ${whole}`, other]]
  ] as const) {
    await put('m', body)
    t.same(await asked(work, month), expected, why)
    t.same(await asked(work, busy('20260320T000000Z', '20260321T000000Z')), [other], `${why}: it ends before`)
    t.equal((await ask('DELETE', `${work}m.ics`)).status, 204)
  }
  await put('m', event('m', monster))
  await put('n', event('n', { ...monster, DTSTART: '20260311T040001Z', RRULE: monster.RRULE.replace('11T04', '11T20') }))
  t.same(await asked(work, month), ['BUSY 1000-20260311T2000', other], 'they merge as any others do')
  t.same(lines, [])
})

t.test('others get their turn', async t => {
  const { ask, put } = await made(t)
  for (let number = 0; number < 200; number++) await put(`s${number}`, event(`s${number}`, { DTSTART: `20100101T${String(number % 24).padStart(2, '0')}0000Z`, RRULE: 'FREQ=DAILY', DURATION: 'PT5M' }))
  // an object that is read in a thread of its own
  const exceptions = Array.from({ length: 5000 }, (_, index) => new Date(Date.UTC(2026, 2, 12 + index, 9)).toISOString().replace(/[-:]|\.000/g, '')).join(',')
  await put('large', event('large', { RRULE: 'FREQ=DAILY', EXDATE: exceptions, DTSTART: '20260310T093000Z' }))
  let longest = 0
  let last = performance.now()
  let isOver = false
  const watch = (): void => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    if (!isOver) setImmediate(watch)
  }
  await ask('REPORT', work, { body: day })
  last = performance.now()
  setImmediate(watch)
  const begun = performance.now()
  const answer = await ask('REPORT', work, { body: busy('20250101T000000Z', '20260311T000000Z') })
  isOver = true
  const took = performance.now() - begun
  t.equal(outcome(answer), '200')
  t.ok(periods(answer.body).includes('BUSY 0930-1030'), 'the large one is in it')
  t.ok(took > 2 * longest, `${took.toFixed()} ms in all, at most ${longest.toFixed()} ms at once`)
})
