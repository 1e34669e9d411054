import t, { type Test } from 'tap'
import { child, elements, text } from '../../../server/xml/element.js'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { conditionIn, told, xml } from '../../multistatus.js'

const accounts = `
[users.mueller]
guid = "00000000-0000-0000-0000-0000000000dd"
fullName = "Jürgen Groß"
emails = ["jm@example.com"]
[groups.staff]
guid = "00000000-0000-0000-0000-0000000000aa"
fullName = "The Staff"
members = ["bob", "groups/club"]
[groups.club]
guid = "00000000-0000-0000-0000-0000000000bb"
fullName = "Book Club"
members = ["carol"]
[locations.hall]
guid = "00000000-0000-0000-0000-0000000000cc"
fullName = "Great Hall"
proxies = ["groups/staff"]
readProxies = ["carol"]
[resources.beamer]
guid = "00000000-0000-0000-0000-0000000000ee"
fullName = "Beamer"
`
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'
const uid = (end: string): string => `/principals/__uids__/00000000-0000-0000-0000-0000000000${end}/`
const [alice, bob, carol, mueller, staff, club, hall, beamer] = ['01', '02', '03', 'dd', 'aa', 'bb', 'cc', 'ee'].map(uid) as [string, string, string, string, string, string, string, string]

async function start (t: Test) {
  const it = await house(t, { users: ['alice', 'bob', 'carol'], accounts })
  const report = async (url: string, body: string, user = 'alice', headers = {}) => await it.ask('REPORT', url, { user, body: body.replace(/^<([\w:-]+)/, `<$1 ${ns}`), headers })
  /** What a report finds; a 507 at the end is '507'. */
  const find = async (url: string, body: string, user = 'alice'): Promise<string[]> => {
    const answer = await report(url, body, user)
    t.equal(answer.status, 207, `${body} of ${url}: ${answer.body.slice(0, 200)}`)
    return [...told(answer.body)].map(([href, { status }]) => status === 507 ? '507' : href)
  }
  return { ...it, report, find }
}

t.test('principal-match: oneself', async t => {
  const { find, report } = await start(t)
  const self = '<D:principal-match><D:self/><D:prop><D:displayname/></D:prop></D:principal-match>'
  for (const [user, url, expected] of [
    ['alice', '/principals/', [alice]],
    ['carol', '/principals/', [carol, club, staff, `${hall}calendar-proxy-read/`, `${hall}calendar-proxy-write/`]],
    ['carol', '/', [carol, club, staff, `${hall}calendar-proxy-read/`, `${hall}calendar-proxy-write/`]],
    ['carol', '/principals/__uids__/', [carol, club, staff, `${hall}calendar-proxy-read/`, `${hall}calendar-proxy-write/`]],
    ['carol', '/principals/users/', ['/principals/users/carol/']],
    ['carol', '/principals/groups/', ['/principals/groups/club/', '/principals/groups/staff/']],
    ['bob', '/principals/locations/', ['/principals/locations/hall/calendar-proxy-write/']],
    ['carol', '/principals/resources/', []],
    ['carol', '/principals/groups/staff/', ['/principals/groups/staff/']],
    ['alice', '/principals/groups/staff/', []],
    ['bob', '/principals/locations/hall/', ['/principals/locations/hall/calendar-proxy-write/']],
    ['bob', '/principals/locations/hall/calendar-proxy-read/', []],
    ['bob', '/calendars/', []]
  ] as const) t.same(await find(url, self, user), expected, `${user} ${url}`)
  const named = told((await report('/principals/users/', self, 'bob')).body).get('/principals/users/bob/')
  t.equal(text(named?.properties.get(dav('displayname'))?.value as never), 'Bob Example')
  const bare = told((await report('/principals/users/', '<D:principal-match><D:self/></D:principal-match>', 'bob')).body).get('/principals/users/bob/')
  t.same([bare?.status, bare?.properties.size], [200, 0], 'without DAV:prop only the href (RFC 3744 9.3.1)')
})

t.test('principal-match: what names oneself', async t => {
  const { ask, find } = await start(t)
  const home = '/calendars/users/alice/'
  await ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: calendarType })
  await ask('MKCOL', `${home}files/`)
  await ask('MKCALENDAR', `${home}files/deep/`)
  const owner = '<D:principal-match><D:principal-property><D:owner/></D:principal-property></D:principal-match>'
  t.same((await find(home, owner)).sort(), ['calendar/', 'calendar/a.ics', 'files/', 'files/deep/', 'inbox/', 'outbox/', 'tasks/'].map(name => home + name), 'at any depth')
  t.same(await find(`${home}calendar/`, owner), [`${home}calendar/a.ics`])
  const set = async (url: string, value: string): Promise<void> => {
    await ask('PROPPATCH', url, { body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:boss xmlns:x="x:">${value}</x:boss></D:prop></D:set></D:propertyupdate>` })
  }
  const boss = '<D:principal-match><D:principal-property><boss xmlns="x:"/></D:principal-property></D:principal-match>'
  t.same(await find(home, boss), [])
  await set(`${home}calendar/`, '<a><D:href>/principals/users/alice</D:href></a>')
  await set(`${home}tasks/`, '<D:href>/principals/users/bob/</D:href>')
  await set(`${home}files/`, '<D:href>%zz</D:href><D:href>mailto:alice@example.com</D:href>')
  t.same(await find(home, boss), [`${home}calendar/`])
  await ask('PROPPATCH', '/principals/users/alice/calendar-proxy-read/', { body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:group-member-set><D:href>${bob}</D:href></D:group-member-set></D:prop></D:set></D:propertyupdate>` })
  t.same(await find(home, boss, 'bob'), [`${home}tasks/`], 'for who may read it')
})

t.test('acl-principal-prop-set', async t => {
  const { ask, find, report } = await start(t)
  const calendar = '/calendars/users/alice/calendar/'
  const query = '<D:acl-principal-prop-set><D:prop><D:displayname/></D:prop></D:acl-principal-prop-set>'
  const before = await find(calendar, query)
  t.same(before, [alice, `${alice}calendar-proxy-read/`, `${alice}calendar-proxy-write/`], 'each once')
  const ace = (principal: string, privilege: string): string => `<D:ace><D:principal>${principal}</D:principal><D:grant><D:privilege>${privilege}</D:privilege></D:grant></D:ace>`
  const acl = await ask('ACL', calendar, { body: `<D:acl xmlns:D="DAV:">${ace('<D:href>/principals/users/bob/</D:href>', '<D:read/>')}${ace(`<D:href>${bob}</D:href>`, '<D:write/>')}${ace('<D:authenticated/>', '<D:read/>')}${ace('<D:property><D:owner/></D:property>', '<D:read/>')}${ace(`<D:href>${staff}</D:href>`, '<D:read/>')}</D:acl>` })
  t.equal(acl.status, 200, acl.body)
  t.same((await find(calendar, query)).sort(), [...before, bob, staff].sort())
  t.equal(text(told((await report(calendar, query)).body).get(staff)?.properties.get(dav('displayname'))?.value as never), 'The Staff')
  t.equal((await report(calendar, query, 'bob')).status, 403, 'who may not read the ACL may not ask for it in other words')
})

t.test('principal-property-search', async t => {
  const { find, report } = await start(t)
  const search = (inside: string, attributes = ''): string => `<D:principal-property-search ${attributes}>${inside}<D:prop><D:displayname/></D:prop></D:principal-property-search>`
  const one = (prop: string, match: string, attributes = ''): string => `<D:property-search><D:prop>${prop}</D:prop><D:match ${attributes}>${match}</D:match></D:property-search>`
  const name = '<D:displayname/>'
  for (const [url, inside, attributes, expected] of [
    ['/principals/', one(name, 'e'), '', [alice, bob, carol, mueller, staff, hall, beamer]],
    ['/', one(name, 'e'), '', [alice, bob, carol, mueller, staff, hall, beamer]],
    ['/principals/users/', one(name, 'e'), '', [alice, bob, carol, mueller]],
    ['/principals/locations/', one(name, 'e'), '', [hall]],
    ['/principals/users/', `${one(name, 'e')}<D:apply-to-principal-collection-set/>`, '', [alice, bob, carol, mueller, staff, hall, beamer]],
    ['/calendars/users/alice/', `${one(name, 'hall')}<D:apply-to-principal-collection-set/>`, '', [hall]],
    ['/calendars/users/alice/', one(name, 'hall'), '', []],
    ['/principals/', one(name, 'GROSS'), '', [mueller]],
    ['/principals/', one(name, 'groß', 'caseless="no"'), '', []],
    ['/principals/', one(name, 'Groß', 'caseless="no"'), '', [mueller]],
    ['/principals/', one(name, 'e'), 'type="GROUP"', [staff]],
    ['/principals/', one('<CS:first-name/>', 'jür', 'match-type="starts-with"') + one('<CS:last-name/>', 'ex', 'match-type="starts-with"'), 'test="anyof"', [alice, bob, carol, mueller]],
    ['/principals/', one('<CS:last-name/>', 'gr', 'match-type="starts-with"'), '', [mueller]],
    ['/principals/', `${one(name, 'e')}<CS:limit><CS:nresults>2</CS:nresults></CS:limit>`, '', [alice, bob, '507']],
    ['/principals/', one('<D:owner/>', 'e'), '', []]
  ] as const) t.same(await find(url, search(inside, attributes)), expected, `${url} ${inside} ${attributes}`)
  for (const body of [
    '<D:principal-property-search/>', search(''), search('<D:property-search><D:match>x</D:match></D:property-search>'), search(one(name, 'e'), 'type="DOG"'), search(one(name, 'e'), 'test="some"'),
    search(one(name, 'e', 'match-type="like"')), search(`${one(name, 'e')}<CS:limit><CS:nresults>0</CS:nresults></CS:limit>`), search(`${one(name, 'e')}<CS:limit><CS:nresults>many</CS:nresults></CS:limit>`)
  ]) t.equal((await report('/principals/', body)).status, 400, body)
  t.equal((await report('/principals/', search(one(name, 'e').repeat(101)))).status, 413)
})

t.test('no more than 500 are told', async t => {
  const { ask } = await house(t, { accounts: Array.from({ length: 510 }, (_, number) => `[users.many${number}]\nfullName = "Many ${number}"\n`).join('') })
  const body = `<D:principal-property-search ${ns}><D:property-search><D:prop><D:displayname/></D:prop><D:match>many</D:match></D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>`
  const found = [...told((await ask('REPORT', '/principals/', { body })).body)]
  t.equal(found.length, 501)
  t.match(found.at(-1), ['/principals/', { status: 507, condition: dav('number-of-matches-within-limits') }])
})

t.test('calendarserver-principal-search', async t => {
  const { find, report } = await start(t)
  const search = (context: string, ...tokens: string[]): string => `<CS:calendarserver-principal-search ${context}>${tokens.map(token => `<CS:search-token>${token}</CS:search-token>`).join('')}<D:prop><D:displayname/></D:prop></CS:calendarserver-principal-search>`
  for (const [context, tokens, expected] of [
    ['context="attendee"', ['b'], [bob, club, beamer]],
    ['context="user"', ['ex'], [alice, bob, carol, mueller]],
    ['context="user"', ['ex', 'ali'], [alice]],
    ['context="user"', ['lice'], []],
    ['context="group"', ['club'], [club]],
    ['context="location"', ['gre'], [hall]],
    ['context="resource"', ['b'], [beamer]],
    ['', ['h'], [hall]],
    ['context="user"', ['jm@ex'], [mueller]]
  ] as const) t.same(await find('/principals/', search(context, ...tokens)), expected, `${context} ${tokens.join(' ')}`)
  const limited = search('', 'b').replace('<D:prop>', '<CS:limit><CS:nresults>1</CS:nresults></CS:limit><D:prop>')
  t.same(await find('/principals/', limited), [bob, '507'])
  for (const body of [search(''), search('', ' '), search('context="constructor"', 'a'), search('context="x"', 'a'), search('', ...Array.from({ length: 21 }, () => 'a'))]) t.equal((await report('/principals/', body)).status, 400, body)
})

t.test('these reports are for one depth, and for who has logged in', async t => {
  const { report, ask } = await start(t)
  const bodies = {
    '<D:principal-match><D:self/></D:principal-match>': '/principals/',
    '<D:principal-property-search><D:property-search><D:prop><D:displayname/></D:prop><D:match>a</D:match></D:property-search></D:principal-property-search>': '/principals/',
    '<D:principal-search-property-set/>': '/principals/',
    '<D:acl-principal-prop-set><D:prop/></D:acl-principal-prop-set>': '/calendars/users/alice/',
    '<D:expand-property/>': '/calendars/users/alice/',
    '<CS:calendarserver-principal-search><CS:search-token>a</CS:search-token></CS:calendarserver-principal-search>': '/principals/'
  }
  for (const [body, url] of Object.entries(bodies)) {
    for (const [depth, status] of [['0', [200, 207]], ['1', [400]], ['infinity', [400]]] as const) {
      const answer = await report(url, body, 'alice', { depth })
      t.ok((status as readonly number[]).includes(answer.status), `Depth: ${depth} ${body} ${answer.status}`)
    }
    t.equal((await ask('REPORT', url, { user: undefined, body: body.replace(/^<([\w:-]+)/, `<$1 ${ns}`) })).status, 401)
  }
  t.equal((await report('/principals/', '<D:principal-match><D:self/><D:principal-property><D:owner/></D:principal-property></D:principal-match>')).status, 400)
  t.equal((await report('/principals/', '<D:principal-match/>')).status, 400)
  t.equal((await report('/principals/', '<D:principal-match><D:principal-property/></D:principal-match>')).status, 400)
  const event = await report('/calendars/users/alice/calendar/', '<D:principal-search-property-set/>')
  t.same([event.status, conditionIn(event)], [403, dav('supported-report')])
})

t.test('principal-search-property-set names what the search knows', async t => {
  const { report } = await start(t)
  const rows = elements(xml((await report('/principals/', '<D:principal-search-property-set/>')).body))
  const names = rows.flatMap(row => elements(child(row, dav('prop')) ?? row).map(({ name }) => name))
  t.ok(names.includes(dav('displayname')) && names.length === 7)
  for (const name of names) {
    const [, namespace = '', local = ''] = /^\{(.*)\}(.*)$/.exec(name) ?? []
    const answer = await report('/principals/', `<D:principal-property-search><D:property-search><D:prop><n:${local} xmlns:n="${namespace}"/></D:prop><D:match>e</D:match></D:property-search><D:prop/></D:principal-property-search>`)
    t.ok(told(answer.body).size > 0, `${name} finds somebody`)
  }
})
