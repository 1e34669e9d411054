import t from 'tap'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const top = `${home}top/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
const query = `<C:calendar-query ${ns}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`
const busy = `<C:free-busy-query ${ns}><C:time-range start="20260310T000000Z" end="20260311T000000Z"/></C:free-busy-query>`
const multiget = (...hrefs: string[]): string => `<C:calendar-multiget ${ns}><D:prop><D:getetag/></D:prop>${hrefs.map(href => `<D:href>${href}</D:href>`).join('')}</C:calendar-multiget>`
const acl = (kind: 'grant' | 'deny', privilege: string): string => `<D:acl ${ns}><D:ace><D:principal><D:href>/principals/users/bob/</D:href></D:principal><D:${kind}><D:privilege>${privilege}</D:privilege></D:${kind}></D:ace></D:acl>`

// top/ holds plain.ics, work/ and deep/; deep/ holds more/
async function tree (t: Parameters<typeof house>[0]): Promise<Awaited<ReturnType<typeof house>>> {
  const made = await house(t)
  const { ask } = made
  for (const [method, name] of [['MKCOL', ''], ['MKCALENDAR', 'work/'], ['MKCOL', 'deep/'], ['MKCALENDAR', 'deep/more/']] as const) await ask(method, top + name)
  for (const [name, hour] of [['plain.ics', '01'], ['work/a.ics', '09'], ['deep/more/b.ics', '11']] as const) {
    await ask('PUT', top + name, { body: event(name, { DTSTART: `20260310T${hour}0000Z` }), headers: calendarType })
  }
  return made
}

t.test('Depth says which calendars below a folder or home are asked', async t => {
  const { ask } = await tree(t)
  const of = async (url: string, depth: string | undefined, user?: string): Promise<readonly string[]> =>
    [...told((await ask('REPORT', url, { body: query, headers: depth === undefined ? {} : { depth }, ...(user === undefined ? {} : { user }) })).body).keys()].map(href => href.slice(top.length))
  const [a, b] = ['work/a.ics', 'deep/more/b.ics']
  t.same(await of(top, undefined), [])
  t.same(await of(top, '0'), [])
  t.same(await of(top, '1'), [a])
  t.same(await of(top, 'infinity'), [b, a])
  t.same(await of(home, '1'), [])
  t.same(await of(home, 'infinity'), [b, a])
  for (const depth of [undefined, '0', '1', 'infinity']) t.same(await of(`${top}work/`, depth), [a])
  t.equal(outcome(await ask('REPORT', `${top}plain.ics`, { body: query })), '403 supported-report')
  t.equal(outcome(await ask('REPORT', top, { body: query, headers: { depth: '2' } })), '400')
  for (const name of ['', 'deep/more/']) await ask('ACL', top + name, { body: acl('grant', '<D:read/>') })
  t.same(await of(top, 'infinity', 'bob'), [], 'no way leads through what one may not read')
  await ask('ACL', `${top}deep/`, { body: acl('grant', '<D:read/>') })
  t.same(await of(top, 'infinity', 'bob'), [b], 'only what one may read')
})

t.test('busy time of all calendars that Depth reaches, as one', async t => {
  const { ask } = await tree(t)
  const of = async (url: string, depth: string | undefined, user = 'alice'): Promise<readonly string[]> =>
    [...(await ask('REPORT', url, { user, body: busy, headers: depth === undefined ? {} : { depth } })).body.matchAll(/FREEBUSY;FBTYPE=BUSY:(.*)\r/g)].flatMap(([, periods]) => (periods ?? '').split(',')).map(period => period.slice(9, 11))
  t.same(await of(top, undefined), [])
  t.same(await of(top, '1'), ['09'])
  t.same(await of(top, 'infinity'), ['09', '11'])
  t.same(await of(`${top}work/`, '0'), ['09'])
  t.same(await of(home, 'infinity'), ['09', '11'])
  t.equal(outcome(await ask('REPORT', `${top}work/a.ics`, { body: busy })), '403 supported-report')
  t.equal(outcome(await ask('REPORT', top, { body: busy.replace(/<C:time-range.*?>/, '') })), '403 valid-filter')
  t.same(await of(home, 'infinity', 'bob'), ['09', '11'], 'whoever has logged in sees when others are busy')
  await ask('ACL', `${top}work/`, { body: acl('deny', '<C:read-free-busy/>') })
  t.same(await of(home, 'infinity', 'bob'), ['11'], 'where that is not denied')
  await ask('ACL', `${top}deep/more/b.ics`, { body: acl('deny', '<C:read-free-busy/>') })
  t.same(await of(home, 'infinity', 'bob'), [], 'for a single event too')
})

t.test('a multiget reaches any depth, but calendar objects alone', async t => {
  const { ask } = await tree(t)
  const of = async (url: string, ...hrefs: string[]): Promise<readonly (number | undefined)[]> =>
    [...told((await ask('REPORT', url, { body: multiget(...hrefs) })).body).values()].map(({ status }) => status)
  t.same(await of(top, `${top}work/a.ics`, `${top}deep/more/b.ics`, `${top}plain.ics`, `${top}none.ics`), [undefined, undefined, 404, 404])
  t.same(await of(`${top}work/`, `${top}work/a.ics`, `${top}deep/more/b.ics`), [undefined, 404])
  t.same(await of(`${top}work/a.ics`, `${top}work/a.ics`, `${top}deep/more/b.ics`, `${top}work/`), [undefined, 404, 404])
  t.equal(outcome(await ask('REPORT', `${top}plain.ics`, { body: multiget(`${top}plain.ics`) })), '403 supported-report')
})
