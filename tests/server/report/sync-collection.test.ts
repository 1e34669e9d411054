import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { cs, dav } from '../../../server/xml/name.js'
import { text } from '../../../server/xml/element.js'
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
  for (const [why, body] of Object.entries({
    'an unknown level': query(token, { level: '2' }), 'no number': query(token, { limit: 'x' }), nothing: query(token, { limit: 0 })
  })) t.equal(outcome(await ask('REPORT', calendar, { body })), '400', why)
  t.equal((await ask('REPORT', calendar, { body: `<D:sync-collection ${ns}><D:sync-token/><D:prop><D:getetag/></D:prop></D:sync-collection>` })).status, 207, 'the draft had no sync-level')
  t.equal(outcome(await ask('REPORT', `${calendar}a`, { body: query('') })), '403 supported-report')
  t.equal(outcome(await ask('REPORT', '/principals/', { body: query('') })), '403 supported-report')
  const index = store.home(['calendars', 'users', 'alice'])?.index
  index?.run("UPDATE meta SET value = ? WHERE key = 'trimmed'", Number(revision) + 0)
  t.equal(outcome(await ask('REPORT', calendar, { body: query(`data:,${epoch}_${Number(revision) - 1}`) })), '403 valid-sync-token', 'what went before is forgotten')
  t.equal((await ask('REPORT', calendar, { body: query(token) })).status, 207)
  t.same(lines, [])
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
      for (const href of part.there) { there.add(href); gone.delete(href) }
      for (const href of part.gone) { gone.add(href); there.delete(href) }
      if (part.token === token && part.cut) throw new Error('goes round in a circle')
      token = part.token
      if (!part.cut || rounds > 60) return { there: [...there].sort(), gone: [...gone].sort(), rounds, token }
    }
  }
  const whole = await sync(ask, calendar)
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

  // interrupted: what changes between two parts is told in a later one
  const part = await sync(ask, calendar, '', { limit: 4 })
  await put(ask, 'e3', 'meanwhile')
  const rest = await all(calendar, part.token, 100)
  t.ok(rest.there.includes(`${calendar}e3`))
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
  const changed = await sync(ask, `${home}folder/`, folder.token)
  t.same(changed.there, [`${home}folder/deep/`])
  t.same((await sync(ask, `${home}folder/`, changed.token)).there, [], 'told once')
  writeFileSync(`${documents}${home}folder/deep/hand`, 'x')
  t.same((await sync(ask, `${home}folder/`, changed.token, { level: 'infinite' })).there, [`${home}folder/deep/`, `${home}folder/deep/hand`])
})
