import t from 'tap'
import { child, elements, text, type Element } from '../../server/xml/element.js'
import { caldav, dav, type Name } from '../../server/xml/name.js'
import { calendarType, event } from '../event.js'
import { house, type House } from '../house.js'
import { outcome, syncTokenIn, told, xml } from '../multistatus.js'

// The clauses of RFC 6578 that no other test holds; docs/rfc.md has the list

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const folder = `${home}folder/`
const collections = [home, calendar, folder, `${home}inbox/`, `${home}outbox/`]
const ns = 'xmlns:D="DAV:" xmlns:x="x:"'

const query = (token: string, { level = '1', prop = '<D:getetag/>' } = {}): string =>
  `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>${level}</D:sync-level><D:prop>${prop}</D:prop></D:sync-collection>`

async function sync (ask: House['ask'], url: string, token = '', options: Parameters<typeof query>[1] & { headers?: Record<string, string> } = {}): Promise<{ body: string, token: string, there: string[], gone: string[] }> {
  const { status, body } = await ask('REPORT', url, { body: query(token, options), ...(options.headers === undefined ? {} : { headers: options.headers }) })
  if (status !== 207) throw new Error(`${status} ${body}`)
  const all = [...told(body)]
  return { body, token: syncTokenIn(body), there: all.filter(([, one]) => one.status === undefined).map(([href]) => href).sort(), gone: all.filter(([, one]) => one.status === 404).map(([href]) => href).sort() }
}

async function value (ask: House['ask'], url: string, name: string): Promise<Element | undefined> {
  const { body } = await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:${name}/></D:prop></D:propfind>` })
  const found = [...told(body).values()][0]?.properties.get(dav(name))
  return found?.status === 200 ? found.value : undefined
}

const put = async (ask: House['ask'], name: string, summary = ''): Promise<void> => { await ask('PUT', calendar + name, { body: event(name, { SUMMARY: summary }), headers: calendarType }) }

t.test('3.2, 3.3 every collection of a home is synchronised, and advertises it', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', folder)
  for (const url of collections) {
    const reports = elements(await value(ask, url, 'supported-report-set') ?? xml('<a/>')).flatMap(one => elements(one)).flatMap(one => elements(one)).map(({ name }) => name)
    t.ok(reports.includes(dav('sync-collection')), url)
    await sync(ask, url)
  }
  const all = told((await sync(ask, home, '', { level: 'infinite' })).body)
  t.same([...all.values()].filter(({ status }) => status !== undefined), [], 'so no answer has a 403 for one that cannot be followed')
  t.equal(outcome(await ask('REPORT', '/principals/', { body: query('') })), '403 supported-report')
})

t.test('3.2 a member that is there has propstats and no status, one that is gone a status and no propstat', async t => {
  const { ask } = await house(t)
  for (const name of ['a', 'b', 'c']) await put(ask, name)
  const { token } = await sync(ask, calendar)
  await ask('DELETE', `${calendar}a`)
  await put(ask, 'b', 'changed')
  for (const [prop, headers] of [['<D:getetag/>', {}], ['<x:none/>', {}], ['', {}], ['<x:none/>', { prefer: 'return=minimal' }]] as const) {
    const found = xml((await sync(ask, calendar, token, { prop, headers })).body)
    t.same(elements(found, dav('response')).map(one => elements(one).map(({ name }) => name.replace('{DAV:}', ''))).sort(), [['href', 'propstat'], ['href', 'status']], `${prop} ${JSON.stringify(headers)}`)
    t.equal(elements(found, dav('sync-token')).length, 1)
    const gone = elements(found, dav('response')).find(one => child(one, dav('status')) !== undefined)
    t.equal(text(child(gone ?? found, dav('status')) ?? found), 'HTTP/1.1 404 Not Found')
  }
})

t.test('3.2 a request has one token, one level and one DAV:prop', async t => {
  const { ask } = await house(t)
  const body = query('')
  for (const [why, given, expected] of [
    ['no token', body.replace(/<D:sync-token>.*<\/D:sync-token>/, ''), '400'], ['two tokens', body.replace('<D:sync-level>', '<D:sync-token/><D:sync-level>'), '400'], ['no properties', body.replace(/<D:prop>.*<\/D:prop>/, ''), '400'],
    ['two lists', body.replace('<D:prop>', '<D:prop/><D:prop>'), '400'], ['a level that is none', query('', { level: '0' }), '400'], ['white space', query(' ', { level: ' 1 ' }), '207']
  ] as const) t.equal(outcome(await ask('REPORT', calendar, { body: given })), expected, why)
})

t.test('3.3 the level counts, not Depth', async t => {
  const { ask } = await house(t)
  await put(ask, 'a')
  for (const depth of ['0', '1', 'infinity']) {
    t.same((await sync(ask, calendar, '', { headers: { depth } })).there, [`${calendar}a`], depth)
    t.notOk((await sync(ask, home, '', { headers: { depth } })).there.includes(`${calendar}a`), depth)
    t.ok((await sync(ask, home, '', { level: 'infinite', headers: { depth } })).there.includes(`${calendar}a`), depth)
  }
})

t.test('3.4 from the start nothing is told as gone, and collections and files are members alike', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', folder)
  await ask('MKCOL', `${folder}inner/`)
  for (const name of ['a', 'b']) await ask('PUT', folder + name, { body: name })
  await ask('DELETE', `${folder}a`)
  await ask('DELETE', `${home}tasks/`)
  const first = await sync(ask, folder)
  t.same([first.there, first.gone], [[`${folder}b`, `${folder}inner/`], []])
  t.same((await sync(ask, home, '', { level: 'infinite' })).gone, [])
})

t.test('3.5.1 COPY and MOVE make members and take them away', async t => {
  const { ask } = await house(t)
  const other = `${home}other/`
  await ask('MKCALENDAR', other)
  for (const name of ['a', 'b']) await put(ask, name)
  const [here, there] = [await sync(ask, calendar), await sync(ask, other)]
  await ask('COPY', `${calendar}a`, { headers: { destination: `${other}a` } })
  await ask('MOVE', `${calendar}b`, { headers: { destination: `${other}moved` } })
  await ask('MOVE', `${calendar}a`, { headers: { destination: `${calendar}renamed` } })
  const [hereNow, thereNow] = [await sync(ask, calendar, here.token), await sync(ask, other, there.token)]
  t.same([hereNow.there, hereNow.gone], [[`${calendar}renamed`], [`${calendar}a`, `${calendar}b`]])
  t.same([thereNow.there, thereNow.gone], [[`${other}a`, `${other}moved`], []])
  const homeBefore = (await sync(ask, home)).token
  await ask('MOVE', other, { headers: { destination: `${home}named/` } })
  const moved = await sync(ask, home, homeBefore)
  t.same([moved.there, moved.gone], [[`${home}named/`], [other]])
})

t.test('3.5.2 with a collection that is gone its members are not told', async t => {
  const { ask } = await house(t)
  for (const path of ['', 'inner/']) await ask('MKCOL', folder + path)
  for (const path of ['a', 'inner/b']) await ask('PUT', folder + path, { body: path })
  const { token } = await sync(ask, home, '', { level: 'infinite' })
  await ask('DELETE', `${folder}a`)
  const between = await sync(ask, home, token, { level: 'infinite' })
  t.same(between.gone, [`${folder}a`])
  await ask('DELETE', folder)
  for (const start of [token, between.token]) t.same((await sync(ask, home, start, { level: 'infinite' })).gone, [folder])
})

t.test('4 DAV:sync-token is on every collection that is synchronised, protected, and not in DAV:allprop', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', folder)
  for (const url of collections) {
    const token = await value(ask, url, 'sync-token')
    t.equal(text(token ?? xml('<none/>')), (await sync(ask, url, '', { level: 'infinite' })).token, url)
    t.doesNotThrow(() => new URL(text(token ?? xml('<none/>'))), '6.2: a URI')
    const patched = told((await ask('PROPPATCH', url, { body: `<D:propertyupdate ${ns}><D:set><D:prop><D:sync-token>data:,x</D:sync-token></D:prop></D:set></D:propertyupdate>` })).body).get(url)?.properties.get(dav('sync-token'))
    t.same([patched?.status, patched?.condition], [403, dav('cannot-modify-protected-property')], url)
    const all: Name[] = [...told((await ask('PROPFIND', url, { headers: { depth: '0' } })).body).get(url)?.properties.keys() ?? []]
    t.notOk(all.includes(dav('sync-token')), url)
  }
  await put(ask, 'a')
  t.equal(await value(ask, `${calendar}a`, 'sync-token'), undefined, 'an object has none')
})

t.test('5 a sync-token in an If header: only while nothing has changed', async t => {
  const { ask } = await house(t)
  await put(ask, 'a')
  const { token } = await sync(ask, calendar)
  const body = event('b')
  const write = async (condition: string): Promise<string> => outcome(await ask('PUT', `${calendar}b`, { body, headers: { ...calendarType, if: condition } }))
  t.equal(await write(`<${calendar}> (<data:,x_1>)`), '412', 'another')
  t.equal(await write(`<${calendar}> (<${token}>)`), '201')
  t.equal(await write(`<${calendar}> (<${token}>)`), '412', 'it has changed')
  t.equal(await write(`<${calendar}> (Not <${token}>)`), '204')
  const now = (await sync(ask, calendar)).token
  const patch = async (condition: string): Promise<number> => (await ask('PROPPATCH', calendar, { headers: { if: condition }, body: `<D:propertyupdate ${ns}><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>` })).status
  t.same([await patch(`(<${token}>)`), await patch(`(<${now}>)`), await patch(`(<${now}>)`)], [412, 207, 412], 'of the resource itself')
  t.equal((await ask('DELETE', calendar, { headers: { if: `(<${now}>)` } })).status, 412)
  t.ok(elements(await value(ask, calendar, 'resourcetype') ?? xml('<a/>')).some(({ name }) => name === caldav('calendar')), 'it is still there')
})
