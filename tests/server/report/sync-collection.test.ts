import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { cs, dav } from '../../../server/xml/name.js'
import { text } from '../../../server/xml/element.js'
import { ace, person, share } from '../acl/share.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, syncTokenIn, told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'

function query (token: string, { level = '1', limit, prop = '<D:getetag/>' }: { level?: string, limit?: number | string | undefined, prop?: string } = {}): string {
  return `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>${level}</D:sync-level>` +
    `${limit === undefined ? '' : `<D:limit><D:nresults>${limit}</D:nresults></D:limit>`}<D:prop>${prop}</D:prop></D:sync-collection>`
}

/** One answer: the hrefs that are there, those that are gone, whether it was cut, and the token. */
async function sync (ask: House['ask'], url: string, token = '', options: Parameters<typeof query>[1] = {}): Promise<{ there: string[], gone: string[], cut: boolean, token: string }> {
  const answer = await ask('REPORT', url, { body: query(token, options), headers: { depth: '1' } })
  if (answer.status !== 207) throw new Error(outcome(answer))
  const all = [...told(answer.body)]
  return {
    there: all.filter(([, { status }]) => status === undefined).map(([href]) => href).sort(), gone: all.filter(([, { status }]) => status === 404).map(([href]) => href).sort(),
    cut: all.some(([href, { status, condition }]) => href === url && status === 507 && condition === dav('number-of-matches-within-limits')), token: syncTokenIn(answer.body)
  }
}

/** What a complete answer tells. */
async function news (...question: Parameters<typeof sync>): Promise<{ there: string[], gone: string[] }> {
  const { there, gone, cut } = await sync(...question)
  if (cut) throw new Error('cut')
  return { there, gone }
}

const put = async (ask: House['ask'], name: string, summary = ''): Promise<void> => { await ask('PUT', calendar + name, { body: event(name, { SUMMARY: summary }), headers: calendarType }) }

t.test('a calendar: from the start, then what changed, by whomever', async t => {
  const { ask, documents, lines } = await house(t)
  for (const name of ['a', 'b', 'c']) await put(ask, name)
  const first = await sync(ask, calendar)
  t.same([first.there, first.gone, first.cut], [[`${calendar}a`, `${calendar}b`, `${calendar}c`], [], false])
  t.match(first.token, /[:/]/, 'Evolution throws away tokens that look like none')
  t.same(await sync(ask, calendar, first.token), { there: [], gone: [], cut: false, token: first.token })
  await put(ask, 'b', 'changed')
  await put(ask, 'd')
  await ask('DELETE', `${calendar}a`)
  const second = await sync(ask, calendar, first.token)
  t.same([second.there, second.gone], [[`${calendar}b`, `${calendar}d`], [`${calendar}a`]])
  t.same(await sync(ask, calendar, second.token), { ...second, there: [], gone: [] })
  await put(ask, 'e')
  await ask('DELETE', `${calendar}e`)
  t.same((await sync(ask, calendar, second.token)).gone, [`${calendar}e`], 'made and gone in between: told as gone at most')
  await put(ask, 'e', 'again')
  const third = await sync(ask, calendar, second.token)
  t.same([third.there, third.gone], [[`${calendar}e`], []])

  writeFileSync(`${documents}${calendar}hand.ics`, event('by hand'))
  unlinkSync(`${documents}${calendar}b`)
  const fourth = await sync(ask, calendar, third.token)
  t.same([fourth.there, fourth.gone], [[`${calendar}hand.ics`], [`${calendar}b`]], 'files that somebody changed')
  writeFileSync(`${documents}${calendar}hand.ics`, 'BEGIN:VCALENDAR\nhalf')
  t.same(await sync(ask, calendar, fourth.token), { ...fourth, there: [], gone: [] }, 'a file that broke is no deletion')
  await ask('PROPPATCH', calendar, { body: `<D:propertyupdate ${ns}><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>` })
  const named = await sync(ask, calendar, fourth.token)
  t.same([named.there, named.gone], [[], []])
  t.not(named.token, fourth.token)

  const props = told((await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:sync-token/><CS:getctag/></D:prop></D:propfind>` })).body).get(calendar)?.properties
  for (const name of [dav('sync-token'), cs('getctag')]) {
    const found = props?.get(name)?.value
    t.equal(found === undefined ? '' : text(found), named.token, `${name} is the token`)
  }
  const alias = '/calendars/__uids__/00000000-0000-0000-0000-000000000001/calendar/'
  t.same((await sync(ask, alias, first.token)).gone, ['a', 'b'].map(name => alias + name), 'hrefs as they were asked')
  const data = await ask('REPORT', calendar, { body: query('', { prop: '<D:getetag/><C:calendar-data/>' }) })
  t.equal((data.body.match(/BEGIN:VEVENT/g) ?? []).length, 4)
  t.same(lines.filter(line => !line.includes('hand.ics')), [])
})

t.test('tokens that cannot be gone on from', async t => {
  const { ask, store, lines } = await house(t)
  await put(ask, 'a')
  const { token } = await sync(ask, calendar)
  const [, epoch = '', revision = ''] = /^data:,(.*)_(\d+)$/.exec(token) ?? []
  for (const [why, bad] of Object.entries({
    nonsense: 'x', 'another server’s': 'http://example.com/ns/sync/1234', 'another index’s': `data:,other_${revision}`, 'from the future': `data:,${epoch}_${Number(revision) + 1000}`,
    negative: `data:,${epoch}_-1`, huge: `data:,${epoch}_${'9'.repeat(40)}`, 'a long one': 'x'.repeat(10_000)
  })) t.equal(outcome(await ask('REPORT', calendar, { body: query(bad) })), '403 valid-sync-token', why)
  t.equal(outcome(await ask('REPORT', calendar, { body: query(` ${token}\n`) })), '207', 'white space around it')
  const level = '<D:sync-level>1</D:sync-level>'
  const prop = '<D:prop><D:getetag/></D:prop>'
  for (const [why, body] of Object.entries({
    'an unknown level': query(token, { level: '2' }), 'no number': query(token, { limit: 'x' }), 'a negative one': query(token, { limit: -1 }),
    'no token': `<D:sync-collection ${ns}>${level}${prop}</D:sync-collection>`, 'two tokens': `<D:sync-collection ${ns}><D:sync-token/><D:sync-token/>${level}${prop}</D:sync-collection>`,
    'no prop': `<D:sync-collection ${ns}><D:sync-token/>${level}</D:sync-collection>`, 'all properties': `<D:sync-collection ${ns}><D:sync-token/>${level}<D:allprop/></D:sync-collection>`
  })) t.equal(outcome(await ask('REPORT', calendar, { body })), '400', why)
  // RFC 6578 3.7: nothing at all is below every limit
  t.equal(outcome(await ask('REPORT', calendar, { body: query('', { limit: 0 }) })), '507 number-of-matches-within-limits')
  t.equal((await ask('REPORT', calendar, { body: query('', { limit: '99999999999' }) })).status, 207)
  // appendix A: drafts had the Depth header in place of sync-level
  const draft = `<D:sync-collection ${ns}><D:sync-token/>${prop}</D:sync-collection>`
  for (const [depth, sees] of [[undefined, false], ['0', false], ['1', false], ['infinity', true], ['infinite', true]] as const) {
    const answer = await ask('REPORT', home, { body: draft, headers: depth === undefined ? {} : { depth } })
    t.equal(told(answer.body).has(`${calendar}a`), sees, `Depth: ${depth} and no sync-level`)
  }
  for (const depth of ['0', '1', 'infinity']) {
    t.equal(told((await ask('REPORT', home, { body: query(''), headers: { depth } })).body).has(`${calendar}a`), false, `Depth: ${depth} with level 1`)
    t.equal(told((await ask('REPORT', home, { body: query('', { level: 'infinite' }), headers: { depth } })).body).has(`${calendar}a`), true, `Depth: ${depth} with all levels`)
  }
  t.equal(outcome(await ask('REPORT', `${calendar}a`, { body: query('') })), '403 supported-report')
  t.equal(outcome(await ask('REPORT', '/principals/', { body: query('') })), '403 supported-report')
  const alice = store.home(['calendars', 'users', 'alice'])
  const older = `data:,${epoch}_${Number(revision) - 1}`
  t.equal((await ask('REPORT', calendar, { body: query(older) })).status, 207)
  // as `trim` leaves it
  alice?.index.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('trimmed', ?1), (?2, ?1)", Number(revision), `trimmed/${alice.collection('calendar')?.id ?? 0}`)
  t.equal(outcome(await ask('REPORT', calendar, { body: query(older) })), '403 valid-sync-token', 'what went before is forgotten')
  t.equal(outcome(await ask('REPORT', home, { body: query(older, { level: 'infinite' }) })), '403 valid-sync-token')
  for (const [url, level] of [[`${home}tasks/`, '1'], [home, '1']] as const) t.equal((await ask('REPORT', url, { body: query(older, { level }) })).status, 207, 'only of that calendar')
  t.equal((await ask('REPORT', calendar, { body: query(token) })).status, 207)
  t.same(lines.filter(line => !line.includes('nresults is 0')), [])
})

t.test('limits: cut, told so, and continued to the end', async t => {
  const { ask } = await house(t)
  await ask('MKCALENDAR', `${home}gone/`)
  for (let number = 0; number < 23; number++) await put(ask, `e${number}`)
  for (let number = 0; number < 7; number++) await ask('PUT', `${home}gone/g${number}`, { body: event(`g${number}`), headers: calendarType })
  /** Goes on until nothing is cut. */
  const all = async (url: string, start: string, limit: number, level = '1'): Promise<{ there: string[], gone: string[], rounds: number, token: string }> => {
    const there = new Set<string>()
    const gone = new Set<string>()
    let token = start
    for (let rounds = 1; ; rounds++) {
      const part = await sync(ask, url, token, { limit, level })
      if (part.there.length + part.gone.length > limit) throw new Error(`more than ${limit}`)
      for (const href of part.there) { there.add(href); gone.delete(href) }
      for (const href of part.gone) { gone.add(href); there.delete(href) }
      if (part.token === token && part.cut) throw new Error('goes round in a circle')
      token = part.token
      if (!part.cut || rounds > 60) return { there: [...there].sort(), gone: [...gone].sort(), rounds, token }
    }
  }
  const whole = await sync(ask, calendar)
  const one = await all(home, '', 1, 'infinite')
  t.same(one.there, (await sync(ask, home, '', { level: 'infinite' })).there, 'a calendar has the revision of its latest member: one at a time all the same')
  t.equal(one.rounds, one.there.length)
  const parts = await all(calendar, '', 5)
  t.same([parts.there, parts.gone, parts.rounds, parts.token], [whole.there, [], 5, whole.token])
  t.equal((await sync(ask, calendar, '', { limit: 23 })).cut, false, 'exactly as many as there are')

  for (let number = 0; number < 20; number += 2) await ask('DELETE', `${calendar}e${number}`)
  await put(ask, 'e1', 'changed')
  const changes = await all(calendar, whole.token, 3)
  t.same([changes.there, changes.gone.length], [[`${calendar}e1`], 10])

  const homeBefore = await sync(ask, home, '', { level: 'infinite' })
  await ask('DELETE', `${home}gone/`)
  const after = await all(home, homeBefore.token, 2, 'infinite')
  t.ok(after.gone.includes(`${home}gone/`))
  t.same(after.there, [])
  // a calendar that is made again has its former members as deletions of one revision
  await ask('MKCALENDAR', `${home}gone/`)
  await ask('PUT', `${home}gone/new`, { body: event('new'), headers: calendarType })
  const again = await all(`${home}gone/`, homeBefore.token, 2)
  t.same([again.there, again.gone], [[`${home}gone/new`], [0, 1, 2, 3, 4, 5, 6].map(number => `${home}gone/g${number}`)])
  t.equal(again.rounds, 4, 'cut in the middle of a revision')

  // interrupted: what changes between two parts is told in a later one
  const part = await sync(ask, calendar, '', { limit: 4 })
  await put(ask, 'e3', 'meanwhile')
  const rest = await all(calendar, part.token, 100)
  t.ok(rest.there.includes(`${calendar}e3`))
  // RFC 6578 3.4: an answer from the start has no deletions, however often it is cut
  for (let part = await sync(ask, calendar, '', { limit: 2 }); part.cut; part = await sync(ask, calendar, part.token, { limit: 2 })) t.same(part.gone, [])
  const begun = await sync(ask, calendar, '', { limit: 2 })
  await ask('DELETE', begun.there[0] ?? '')
  t.same((await all(calendar, begun.token, 2)).gone, begun.there.slice(0, 1), 'but for those since it began')
})

t.test('what is lost with its collection, when the answer is cut in between', async t => {
  const { ask } = await house(t)
  const shelf = `${home}shelf/`
  for (const [method, url] of [['MKCOL', shelf], ['MKCALENDAR', `${shelf}deep/`]] as const) await ask(method, url)
  for (const name of ['a', 'b']) await ask('PUT', `${shelf}deep/${name}`, { body: event(name), headers: calendarType })
  const before = await sync(ask, home, '', { level: 'infinite' })
  await ask('DELETE', `${shelf}deep/a`)
  await put(ask, 'between')
  await ask('DELETE', shelf)
  t.same((await sync(ask, home, before.token, { level: 'infinite' })).gone, [shelf], 'RFC 6578 3.5.2: its members are not told')
  const first = await sync(ask, home, before.token, { level: 'infinite', limit: 1 })
  t.same([first.gone, first.cut], [[`${shelf}deep/a`], true])
  for (const [method, url] of [['MKCOL', shelf], ['MKCALENDAR', `${shelf}deep/`]] as const) await ask(method, url)
  const rest = await sync(ask, home, first.token, { level: 'infinite' })
  t.same([rest.gone, rest.there], [[`${shelf}deep/b`], [calendar, `${calendar}between`, shelf, `${shelf}deep/`]], 'there again, and empty')
})

t.test('what is a change, and what is not', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', `${home}folder/`)
  await ask('MKCALENDAR', `${home}other/`)
  await put(ask, 'a')
  const tokens = async (): Promise<string[]> => {
    const all = told((await ask('PROPFIND', home, { headers: { depth: '1' }, body: `<D:propfind ${ns}><D:prop><D:sync-token/><CS:getctag/></D:prop></D:propfind>` })).body)
    return [home, calendar, `${home}other/`, `${home}folder/`].map(url => {
      const [token, ctag] = [dav('sync-token'), cs('getctag')].map(name => all.get(url)?.properties.get(name)?.value)
      if (token === undefined || ctag === undefined || text(token) !== text(ctag)) throw new Error(`${url}: two tokens`)
      return text(token)
    })
  }
  const patch = (value: string): string => `<D:propertyupdate ${ns}><D:set><D:prop><x xmlns="urn:x">${value}</x></D:prop></D:set></D:propertyupdate>`
  const rows: readonly (readonly [string, string, Parameters<typeof ask>[2], number, string])[] = [
    ['GET', `${calendar}a`, {}, 200, ''], ['HEAD', `${calendar}a`, {}, 200, ''], ['GET', calendar, {}, 200, ''],
    ['PROPFIND', calendar, { headers: { depth: '1' } }, 207, ''], ['REPORT', calendar, { body: query('') }, 207, ''],
    ['PUT', `${calendar}a`, { body: event('a', { SUMMARY: '' }), headers: calendarType }, 204, ''],
    ['PUT', `${calendar}b`, { body: 'BEGIN:VCALENDAR\n', headers: calendarType }, 403, ''],
    ['PUT', `${calendar}b`, { body: event('a'), headers: calendarType }, 403, ''],
    ['PUT', `${calendar}a`, { body: event('a', { SUMMARY: 'x' }), headers: { ...calendarType, 'if-match': '"other"' } }, 412, ''],
    ['DELETE', `${calendar}none`, {}, 404, ''],
    ['PUT', `${calendar}a`, { body: event('a', { SUMMARY: 'x' }), headers: calendarType }, 204, 'home calendar'],
    ['PUT', `${calendar}b`, { body: event('b'), headers: calendarType }, 201, 'home calendar'],
    ['PROPPATCH', `${calendar}a`, { body: patch('1') }, 207, 'home calendar'],
    ['PROPPATCH', `${calendar}a`, { body: patch('1') }, 207, ''],
    ['PROPPATCH', calendar, { body: patch('1') }, 207, 'home calendar'],
    ['PROPPATCH', calendar, { body: patch('1') }, 207, ''],
    ['PROPPATCH', home, { body: patch('1') }, 207, 'home'],
    ['COPY', `${calendar}b`, { headers: { destination: `${home}other/b` } }, 201, 'home other'],
    ['MOVE', `${calendar}b`, { headers: { destination: `${home}other/c` } }, 403, ''],
    ['DELETE', `${home}other/b`, {}, 204, 'home other'],
    ['MOVE', `${calendar}b`, { headers: { destination: `${home}other/c` } }, 201, 'home calendar other'],
    ['MKCALENDAR', `${home}folder/deep/`, {}, 201, 'home folder'],
    ['PUT', `${home}folder/deep/a`, { body: event('d'), headers: calendarType }, 201, 'home folder'],
    ['PUT', `${home}folder/file`, { body: 'x' }, 201, 'home folder'],
    ['DELETE', `${home}folder/deep/`, {}, 204, 'home folder'],
    ['DELETE', `${calendar}a`, {}, 204, 'home calendar']
  ]
  for (const [method, url, options, status, wanted] of rows) {
    const before = await tokens()
    t.equal((await ask(method, url, options)).status, status, `${method} ${url}`)
    const after = await tokens()
    t.equal(['home', 'calendar', 'other', 'folder'].filter((_, place) => before[place] !== after[place]).join(' '), wanted, `${method} ${url} changes ${wanted === '' ? 'nothing' : wanted}`)
  }
  await put(ask, 'p')
  const { token } = await sync(ask, calendar)
  await ask('PROPPATCH', `${calendar}p`, { body: patch('2') })
  t.same((await sync(ask, calendar, token)).there, [`${calendar}p`], 'a property of an event')
})

t.test('the home: its calendars, and with all levels what they hold', async t => {
  const { ask, documents } = await house(t)
  await put(ask, 'a')
  const first = await sync(ask, home)
  t.same(first.there, ['calendar/', 'inbox/', 'outbox/', 'tasks/'].map(name => home + name))
  t.same(await sync(ask, home, first.token), { ...first, there: [] })
  await put(ask, 'b')
  const second = await sync(ask, home, first.token)
  t.same([second.there, second.gone], [[calendar], []], 'a calendar in which something changed')
  await ask('DELETE', `${home}tasks/`)
  await ask('MKCALENDAR', `${home}new/`)
  mkdirSync(`${documents}${home}by-hand`)
  const third = await sync(ask, home, second.token)
  t.same([third.there, third.gone], [[`${home}by-hand/`, `${home}new/`], [`${home}tasks/`]])
  const deep = await sync(ask, home, second.token, { level: 'infinite' })
  t.ok(deep.gone.includes(`${home}tasks/`))
  await put(ask, 'c')
  await ask('DELETE', `${calendar}a`)
  const fourth = await sync(ask, home, third.token, { level: 'infinite' })
  t.same([fourth.there, fourth.gone], [[calendar, `${calendar}c`], [`${calendar}a`]])
  rmSync(`${documents}${home}by-hand`, { recursive: true })
  t.same((await sync(ask, home, fourth.token)).gone, [`${home}by-hand/`])

  await ask('MKCOL', `${home}folder/`)
  await ask('MKCOL', `${home}folder/deep/`)
  const folder = await sync(ask, `${home}folder/`)
  t.same(folder.there, [`${home}folder/deep/`])
  await ask('PUT', `${home}folder/deep/file`, { body: 'x' })
  await put(ask, 'elsewhere')
  t.same(await sync(ask, `${home}folder/`, folder.token), { ...await sync(ask, `${home}folder/`, folder.token), there: [`${home}folder/deep/`] })
  const changed = await sync(ask, `${home}folder/`, folder.token)
  t.same(changed.there, [`${home}folder/deep/`])
  t.same((await sync(ask, `${home}folder/`, changed.token)).there, [], 'told once')
  writeFileSync(`${documents}${home}folder/deep/hand`, 'x')
  t.same((await sync(ask, `${home}folder/`, changed.token, { level: 'infinite' })).there, [`${home}folder/deep/`, `${home}folder/deep/hand`])
})

t.test('every collection of a home can be followed', async t => {
  const { ask } = await house(t)
  for (const name of ['inbox/', 'outbox/', 'calendar/', 'tasks/']) {
    const first = await sync(ask, home + name)
    t.same([first.there, first.gone, first.cut], [[], [], false], name)
    t.same(await sync(ask, home + name, first.token), first, name)
  }
  // RFC 6578 3.3: nothing in the home is 403
  t.ok([...told((await ask('REPORT', home, { body: query('', { level: 'infinite' }) })).body).values()].every(({ status }) => status === undefined))
})

t.test('MOVE and COPY: gone here, new there', async t => {
  const { ask } = await house(t)
  await ask('MKCALENDAR', `${home}other/`)
  await put(ask, 'a')
  await put(ask, 'b')
  const [here, there, all] = [await sync(ask, calendar), await sync(ask, `${home}other/`), await sync(ask, home, '', { level: 'infinite' })]
  await ask('MOVE', `${calendar}a`, { headers: { destination: `${home}other/a` } })
  await ask('COPY', `${calendar}b`, { headers: { destination: `${home}other/b` } })
  t.same(await news(ask, calendar, here.token), { there: [], gone: [`${calendar}a`] })
  t.same(await news(ask, `${home}other/`, there.token), { there: [`${home}other/a`, `${home}other/b`], gone: [] })
  t.same(await news(ask, home, all.token, { level: 'infinite' }), { there: [calendar, `${home}other/`, `${home}other/a`, `${home}other/b`], gone: [`${calendar}a`] })
  const before = await sync(ask, home, '', { level: 'infinite' })
  t.equal((await ask('MOVE', `${home}other/`, { headers: { destination: `${home}moved/` } })).status, 201)
  t.same(await news(ask, home, before.token, { level: 'infinite' }), { there: [`${home}moved/`, `${home}moved/a`, `${home}moved/b`], gone: [`${home}other/`] })
  t.same(await news(ask, home, before.token), { there: [`${home}moved/`], gone: [`${home}other/`] }, 'level 1')
})

/** bob follows; what he may see changes. */
const bobs = (ask: House['ask']): House['ask'] => async (method, url, options) => await ask(method, url, { user: 'bob', ...options })
const bob = person('users/bob')
const denied = [ace(bob, ['<D:read/>'], 'deny')]

t.test('rights: an event', async t => {
  const { ask } = await house(t)
  const his = bobs(ask)
  await share(ask, calendar, [ace(bob, ['<D:read/>'])])
  for (const name of ['a', 'b', 'secret']) await put(ask, name)
  await share(ask, `${calendar}secret`, denied)
  const first = await sync(his, calendar)
  t.same(first.there, [`${calendar}a`, `${calendar}b`])
  await share(ask, `${calendar}a`, denied)
  const lost = await sync(his, calendar, first.token)
  t.same([lost.there, lost.gone], [[], [`${calendar}a`]], 'RFC 6578 3.5.2: denied is gone')
  t.same((await sync(ask, calendar, first.token.replace(/\.v.*/, ''))).there, [`${calendar}a`], 'for alice it is there, and changed')
  await put(ask, 'a', 'unseen')
  await put(ask, 'secret', 'unseen')
  t.same(await news(his, calendar, lost.token), { there: [], gone: [] }, 'what happens to what is hidden is no news')
  t.same((await sync(his, calendar, first.token)).gone, [`${calendar}a`], 'but that it is hidden stays news')
  await share(ask, `${calendar}a`, [])
  const given = await sync(his, calendar, lost.token)
  t.same([given.there, given.gone], [[`${calendar}a`], []], '3.5.1: granted is new')
  await put(ask, 'born-secret')
  await share(ask, `${calendar}born-secret`, denied)
  t.same(await news(his, calendar, given.token), { there: [], gone: [] }, 'its name is not told')
  for (const name of ['secret', 'born-secret']) await ask('DELETE', calendar + name)
  t.same(await news(his, calendar, given.token), { there: [], gone: [] }, 'nor is it when it goes')
  t.same((await sync(ask, calendar, given.token.replace(/\.v.*/, ''))).gone, [`${calendar}born-secret`, `${calendar}secret`], 'alice hears of it')
  await share(ask, `${calendar}b`, denied)
  await ask('DELETE', `${calendar}b`)
  t.same((await sync(his, calendar, given.token)).gone, [`${calendar}b`], 'denied, then gone')
  await put(ask, 'secret', 'again')
  t.same((await sync(his, calendar, given.token)).there, [`${calendar}secret`], 'made again, without a list')
  // cut after the denial was passed by other changes
  const before = await sync(his, calendar)
  await share(ask, `${calendar}a`, denied)
  for (const name of ['x', 'y', 'z']) await put(ask, name)
  await put(ask, 'a', 'unseen again')
  const part = await sync(his, calendar, before.token, { limit: 1 })
  t.same([part.gone, part.there, part.cut], [[`${calendar}a`], [], true])
  t.same(await news(his, calendar, part.token), { gone: [], there: ['x', 'y', 'z'].map(name => calendar + name) })
})

t.test('rights: a calendar, seen from the home', async t => {
  const { ask } = await house(t)
  const his = bobs(ask)
  const all = { level: 'infinite' }
  await ask('PROPPATCH', '/principals/users/alice/calendar-proxy-read/', { body: `<D:propertyupdate ${ns}><D:set><D:prop><D:group-member-set>${bob}</D:group-member-set></D:prop></D:set></D:propertyupdate>` })
  await put(ask, 'a')
  await put(ask, 'b')
  const first = await sync(his, home, '', all)
  t.ok(first.there.includes(`${calendar}a`))
  await share(ask, calendar, denied)
  const lost = await sync(his, home, first.token, all)
  t.same([lost.there, lost.gone], [[], [calendar]], 'with all that is in it')
  t.same(await news(his, home, first.token), { there: [], gone: [calendar] }, 'level 1')
  await put(ask, 'c')
  await ask('DELETE', `${calendar}b`)
  t.same(await news(his, home, lost.token, all), { there: [], gone: [] })
  t.equal(outcome(await his('REPORT', calendar, { body: query(first.token) })), '404')
  await share(ask, calendar, [])
  const given = await sync(his, home, lost.token, all)
  t.same([given.there, given.gone], [[calendar, `${calendar}a`, `${calendar}c`], []], 'with all that is in it, though it is older than the token')
  for (let part = await sync(his, home, lost.token, { ...all, limit: 1 }), told = part.there; ; part = await sync(his, home, part.token, { ...all, limit: 1 }), told = [...told, ...part.there]) {
    if (part.cut) continue
    t.same(told.sort(), given.there, 'one at a time')
    break
  }
  t.same(await news(his, home, first.token, all), { there: [calendar, `${calendar}c`], gone: [`${calendar}b`] }, 'who was away meanwhile hears of what changed')
  await ask('MKCALENDAR', `${home}hidden/`)
  await share(ask, `${home}hidden/`, denied)
  await ask('PUT', `${home}hidden/h`, { body: event('h'), headers: calendarType })
  t.same(await news(his, home, given.token, all), { there: [], gone: [] }, 'a calendar that was never his')
  const hidden = await sync(his, home, given.token, all)
  await ask('DELETE', `${home}hidden/`)
  t.same(await news(his, home, given.token, all), { there: [], gone: [] }, 'nor is its end')
  await ask('MKCALENDAR', `${home}hidden/`)
  t.same(await news(his, home, hidden.token, all), { there: [`${home}hidden/`], gone: [] }, 'made again for all to see: what was in it before is not told')
  const open = await sync(his, calendar)
  await share(ask, calendar, denied)
  await put(ask, 'meanwhile')
  await ask('DELETE', `${calendar}meanwhile`)
  await ask('DELETE', `${calendar}c`)
  await share(ask, calendar, [])
  t.same(await news(his, calendar, open.token), { there: [], gone: [`${calendar}c`] }, 'what came and went while it was hidden is not told')
})

t.test('rights: what the journal does not know makes tokens void', async t => {
  const members = (text: string): string => `<D:propertyupdate ${ns}><D:set><D:prop><D:group-member-set>${text}</D:group-member-set></D:prop></D:set></D:propertyupdate>`
  const { ask } = await house(t)
  const his = bobs(ask)
  await share(ask, calendar, [ace(bob, ['<D:read/>'])])
  await put(ask, 'a')
  await share(ask, `${calendar}a`, [ace('<D:href>/principals/users/alice/calendar-proxy-write/</D:href>', ['<D:read/>']), ...denied])
  const first = await sync(his, calendar)
  t.same(first.there, [])
  const [mine] = [await sync(ask, calendar)]
  t.notSame(first.token, mine.token, 'of another view')
  t.equal(outcome(await ask('REPORT', calendar, { body: query(first.token) })), '403 valid-sync-token', 'which is not hers')
  t.equal((await ask('PROPPATCH', '/principals/users/alice/calendar-proxy-write/', { body: members(bob) })).status, 207)
  t.equal(outcome(await his('REPORT', calendar, { body: query(first.token) })), '403 valid-sync-token')
  t.same((await sync(his, calendar)).there, [`${calendar}a`])
  t.same(await sync(ask, calendar, mine.token), { ...mine, there: [] }, 'nothing for her')
})
