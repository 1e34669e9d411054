import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { elements, text } from '../../../server/xml/element.js'
import { apple, caldav, cs, dav, type Name } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told, xml, type Told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'
const prop = (properties: string): string => `<D:propfind ${ns}><D:prop>${properties}</D:prop></D:propfind>`

async function find (ask: House['ask'], url: string, body: string | undefined, headers: Record<string, string> = { depth: '0' }): Promise<Map<string, Told>> {
  const answer = await ask('PROPFIND', url, { ...(body === undefined ? {} : { body }), headers })
  if (answer.status !== 207) throw new Error(`${answer.status} ${answer.body}`)
  return told(answer.body)
}

const statuses = (one: Told | undefined): Record<string, number> => Object.fromEntries([...one?.properties ?? []].map(([name, { status }]) => [name, status]))

t.test('PROPFIND: named, all, names; what is not there is 404 in a 207', async t => {
  const { ask, lines } = await house(t)
  const calendar = `${home}calendar/`
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const patch = `<D:propertyupdate ${ns}><D:set><D:prop><x:mine xmlns:x="x:" a="1">dead &amp; kept</x:mine><A:calendar-color symbolic-color="red">#FF0000FF</A:calendar-color></D:prop></D:set></D:propertyupdate>`
  t.equal((await ask('PROPPATCH', calendar, { body: patch })).status, 207)

  const named = (await find(ask, calendar, prop('<D:displayname/><D:getetag/><x:mine xmlns:x="x:"/><x:none xmlns:x="x:"/><plain xmlns=""/><D:resourcetype/><D:resourcetype/>'))).get(calendar)
  t.same(statuses(named), { [dav('displayname')]: 200, [dav('getetag')]: 404, '{x:}mine': 200, '{x:}none': 404, '{}plain': 404, [dav('resourcetype')]: 200 })
  const mine = named?.properties.get('{x:}mine')?.value
  t.equal(mine === undefined ? '' : text(mine), 'dead & kept')
  t.same({ ...mine?.attributes }, { a: '1' })

  for (const [why, body] of Object.entries({ 'no body': undefined, allprop: `<D:propfind ${ns}><D:allprop/></D:propfind>` })) {
    const all = statuses((await find(ask, calendar, body)).get(calendar))
    for (const name of [dav('resourcetype'), dav('displayname'), dav('getlastmodified'), dav('creationdate'), '{x:}mine']) t.equal(all[name], 200, `${why}: ${name}`)
    for (const name of [dav('sync-token'), dav('current-user-privilege-set'), caldav('supported-calendar-data'), apple('calendar-color')]) t.equal(all[name], undefined, `${why}: RFC 4918 9.1, ${name} is not in allprop`)
    t.same(new Set(Object.values(all)), new Set([200]))
  }
  const included = statuses((await find(ask, calendar, `<D:propfind ${ns}><D:allprop/><D:include><D:sync-token/><D:getetag/></D:include></D:propfind>`)).get(calendar))
  t.equal(included[dav('sync-token')], 200)
  t.equal(included[dav('displayname')], 200)

  const names = (await find(ask, calendar, `<D:propfind ${ns}><D:propname/></D:propfind>`)).get(calendar)
  for (const name of [dav('sync-token'), cs('getctag'), apple('calendar-color'), caldav('supported-calendar-component-set'), '{x:}mine'] as Name[]) {
    const given = names?.properties.get(name)
    t.same([given?.status, given?.value.children], [200, []], `propname: ${name}`)
  }
  t.equal(names?.properties.get(dav('getetag')), undefined)
  t.same([...statusesOf((await find(ask, `${calendar}a.ics`, `<D:propfind ${ns}><D:propname/></D:propfind>`)).get(`${calendar}a.ics`))], [200])

  const minimal = (await find(ask, calendar, prop('<D:displayname/><D:getetag/>'), { depth: '0', prefer: 'return=minimal' })).get(calendar)
  t.same(statuses(minimal), { [dav('displayname')]: 200 }, 'RFC 8144 2.1')
  const empty = await find(ask, calendar, prop('<D:getetag/>'), { depth: '0', prefer: 'return=minimal' })
  t.same([...empty.keys()], [calendar], 'still a response')
  t.same([...(await find(ask, calendar, prop('<D:getetag/>'), { depth: '1', prefer: 'depth-noroot' })).keys()], [`${calendar}a.ics`])
  t.same(lines, [])
})

function statusesOf (one: Told | undefined): Set<number> {
  return new Set(Object.values(statuses(one)))
}

t.test('Depth, slashes and aliases', async t => {
  const { ask, documents } = await house(t)
  const guid = '/calendars/__uids__/00000000-0000-0000-0000-000000000001/'
  await ask('PUT', `${home}calendar/a b.ics`.replace(' ', '%20'), { body: event('a'), headers: calendarType })
  await ask('MKCOL', `${home}folder/`)
  await ask('PUT', `${home}folder/file`, { body: 'x' })
  mkdirSync(`${documents}${home}by hand`)
  const keys = async (url: string, depth?: string): Promise<string[]> => [...(await find(ask, url, prop('<D:resourcetype/>'), depth === undefined ? {} : { depth })).keys()].sort()
  const children = ['by%20hand/', 'calendar/', 'folder/', 'inbox/', 'outbox/', 'tasks/']
  t.same(await keys(home.slice(0, -1), '0'), [home], 'a slash where one belongs, however it was asked')
  t.same(await keys(home, '1'), [home, ...children.map(name => home + name)])
  const deep = ['', ...children, 'calendar/a%20b.ics', 'folder/file'].sort()
  t.same(await keys(home, 'infinity'), deep.map(name => home + name))
  t.same(await keys(home), deep.map(name => home + name), 'without Depth: infinity (RFC 4918 9.1)')
  t.same(await keys(guid, 'infinity'), deep.map(name => guid + name), 'an alias stays the way it was asked')
  t.same(await keys('/calendars/users/alice/calendar/a%20b.ics', '1'), [`${home}calendar/a%20b.ics`])
  t.equal(outcome(await ask('PROPFIND', home, { headers: { depth: '2' } })), '400')
  t.same(await keys('/', '1'), ['/', '/calendars/', '/principals/'])
  t.same(await keys('/principals/', '1'), ['', '__uids__/', 'groups/', 'locations/', 'resources/', 'users/'].map(name => `/principals/${name}`))
  t.same(await keys('/principals/users/alice/', '1'), ['', 'calendar-proxy-read/', 'calendar-proxy-write/'].map(name => `/principals/users/alice/${name}`))
  t.notOk((await keys('/', 'infinity')).some(href => href.startsWith(home)), 'homes are not listed')
  for (const [why, body] of Object.entries({ 'another root': '<a/>', 'no XML': '<a', 'text': 'hello' })) t.equal(outcome(await ask('PROPFIND', home, { body })), '400', why)
})

t.test('the properties that clients look for, on principal, home and calendar', async t => {
  const { ask } = await house(t, { accounts: '[groups.staff]\nguid = "00000000-0000-0000-0000-0000000000aa"\nmembers = ["alice"]\n' })
  const principal = '/principals/__uids__/00000000-0000-0000-0000-000000000001/'
  const value = async (url: string, name: string): Promise<string> => {
    const body = (await ask('PROPFIND', url, { headers: { depth: '0' }, body: prop(`<${name}/>`) })).body
    const one = [...told(body).values()][0]?.properties
    const [[, found] = []] = [...one ?? []]
    if (found?.status !== 200) return 'none'
    const of = (element: typeof found.value): string => elements(element).length === 0 ? (text(element) || element.name.slice(element.name.lastIndexOf('}') + 1)) : elements(element).map(of).join(' ')
    return of(found.value)
  }
  for (const [url, name, expected] of [
    ['/', 'D:current-user-principal', principal], ['/principals/users/alice/', 'D:principal-URL', principal], ['/principals/users/bob/', 'D:current-user-principal', principal],
    ['/principals/users/alice/', 'C:calendar-home-set', home], ['/', 'C:calendar-home-set', home], [home, 'C:calendar-home-set', home],
    ['/principals/users/alice/', 'C:calendar-user-address-set', `mailto:alice@example.com urn:uuid:00000000-0000-0000-0000-000000000001 ${principal} /principals/users/alice/`],
    ['/principals/users/alice/', 'C:schedule-inbox-URL', `${home}inbox/`], ['/principals/users/alice/', 'C:schedule-outbox-URL', `${home}outbox/`],
    ['/principals/users/alice/', 'C:calendar-user-type', 'INDIVIDUAL'], ['/principals/groups/staff/', 'C:calendar-user-type', 'GROUP'],
    ['/principals/users/alice/', 'D:group-membership', '/principals/__uids__/00000000-0000-0000-0000-0000000000aa/'], ['/principals/groups/staff/', 'D:group-member-set', principal],
    ['/principals/users/alice/', 'D:displayname', 'Alice Example'], ['/principals/users/alice/', 'D:resourcetype', 'principal collection'], [home, 'D:displayname', 'Alice Example'],
    ['/principals/users/alice/calendar-proxy-read/', 'D:resourcetype', 'principal collection calendar-proxy-read'], [home, 'D:owner', principal], ['/', 'D:principal-collection-set', '/principals/'],
    [`${home}calendar/`, 'D:displayname', 'Calendar'], [`${home}calendar/`, 'C:supported-calendar-data', 'calendar-data calendar-data'], [`${home}calendar/`, 'C:supported-collation-set', 'i;ascii-casemap i;octet i;unicode-casemap'],
    [`${home}calendar/`, 'C:max-resource-size', '1048576'], [`${home}calendar/`, 'C:schedule-calendar-transp', 'opaque'], [`${home}calendar/`, 'D:getcontenttype', 'text/calendar; charset=utf-8'],
    [`${home}inbox/`, 'D:resourcetype', 'collection schedule-inbox'], [`${home}outbox/`, 'D:resourcetype', 'collection schedule-outbox'], [`${home}inbox/`, 'C:schedule-default-calendar-URL', `${home}calendar/`],
    [`${home}calendar/`, 'D:supportedlock', 'exclusive write shared write'], ['/principals/users/nobody/', 'D:displayname', 'none']
  ] as const) {
    const found = await value(url, name).catch(() => 'none')
    t.same(found.split(' ').sort(), expected.split(' ').sort(), `${name} of ${url}`)
  }
  const reports = async (url: string): Promise<string> => await value(url, 'D:supported-report-set')
  t.match(await reports(`${home}calendar/`), /calendar-query.*calendar-multiget.*free-busy-query.*sync-collection/)
  t.match(await reports(home), /sync-collection/)
  t.match(await reports('/principals/'), /principal-property-search/)
})

t.test('Apple’s long list: every property once, none of them an error', async t => {
  const { ask } = await house(t)
  const asked = ['CS:add-member', 'CS:allowed-sharing-modes', 'A:autoprovisioned', 'CS:bulk-requests', 'C:calendar-alarm', 'A:calendar-color', 'C:calendar-description', 'C:calendar-free-busy-set', 'A:calendar-order', 'C:calendar-timezone',
    'D:current-user-privilege-set', 'C:default-alarm-vevent-date', 'D:displayname', 'CS:getctag', 'CS:invite', 'A:language-code', 'A:location-code', 'D:owner', 'CS:pre-publish-url', 'CS:publish-url', 'CS:push-transports', 'CS:pushkey',
    'D:quota-available-bytes', 'D:quota-used-bytes', 'A:refreshrate', 'D:resource-id', 'D:resourcetype', 'C:schedule-calendar-transp', 'C:schedule-default-calendar-URL', 'CS:source', 'CS:subscribed-strip-alarms',
    'C:supported-calendar-component-set', 'C:supported-calendar-component-sets', 'D:supported-report-set', 'D:sync-token']
  const found = await find(ask, home, prop(asked.map(name => `<${name}/>`).join('')), { depth: '1' })
  t.equal(found.size, 5)
  for (const [href, { properties }] of found) t.equal(properties.size, asked.length, href)
  t.same(statuses(found.get(`${home}calendar/`))[cs('getctag')], 200)
})

t.test('a listing is streamed: larger than a piece, whole and well-formed', async t => {
  const { ask, documents } = await house(t)
  await ask('MKCALENDAR', `${home}large/`)
  for (let number = 0; number < 1200; number++) writeFileSync(`${documents}${home}large/${number}.ics`, event(`uid-${number}`))
  const answer = await ask('PROPFIND', `${home}large/`, { headers: { depth: '1' }, body: prop('<D:getetag/><D:getcontenttype/><D:resourcetype/><D:none/>') })
  t.ok(answer.bytes.length > 4 * 65_536)
  const found = told(answer.body)
  t.equal(found.size, 1201)
  t.equal(new Set([...found.values()].map(({ properties }) => JSON.stringify(properties.get(dav('getetag'))?.value.children))).size, 1201)
  t.equal(xml(answer.body).name, dav('multistatus'))
})
