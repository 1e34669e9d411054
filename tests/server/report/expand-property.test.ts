import t from 'tap'
import { child, elements, text, type Element } from '../../../server/xml/element.js'
import { caldav, cs, dav, type Name } from '../../../server/xml/name.js'
import { house } from '../../house.js'
import { told } from '../../multistatus.js'

const accounts = '[groups.staff]\nguid = "00000000-0000-0000-0000-0000000000aa"\nfullName = "The Staff"\nmembers = ["alice", "bob"]\n[locations.hall]\nfullName = "Hall"\nproxies = ["groups/staff"]\n'
const property = (name: string, inner = '', namespace = 'DAV:'): string => `<D:property name="${name}" namespace="${namespace}">${inner}</D:property>`
const query = (inner: string): string => `<D:expand-property xmlns:D="DAV:">${inner}</D:expand-property>`
const responses = (value: Element | undefined): { href: string, status: number, found: Map<Name, Element> }[] => elements(value ?? { name: '{}x', attributes: {}, children: [] }, dav('response')).map(one => ({
  href: text(child(one, dav('href')) as Element),
  status: Number(/ (\d+) /.exec(text(child(one, dav('status')) ?? child(child(one, dav('propstat')) as Element, dav('status')) as Element))?.[1]),
  found: new Map(elements(one, dav('propstat')).filter(each => / 200 /.test(text(child(each, dav('status')) as Element))).flatMap(each => elements(child(each, dav('prop')) as Element)).map(each => [each.name, each]))
}))

t.test('hrefs become what they lead to, as deep as asked', async t => {
  const { ask } = await house(t, { accounts })
  const cal = 'urn:ietf:params:xml:ns:caldav'
  const answer = await ask('REPORT', '/principals/groups/staff/', { body: query(
    property('group-member-set', property('displayname') + property('calendar-home-set', property('owner', property('principal-URL')) + property('displayname'), cal) + property('nothing', property('at-all'))) +
    property('displayname') + property('missing')) })
  t.equal(answer.status, 207)
  const [only] = told(answer.body).values()
  t.equal(text(only?.properties.get(dav('displayname'))?.value as Element), 'The Staff')
  t.equal(only?.properties.get(dav('missing'))?.status, 404)
  const members = responses(only?.properties.get(dav('group-member-set'))?.value)
  t.same(members.map(({ href, found }) => [href.slice(-3), text(found.get(dav('displayname')) as Element)]), [['01/', 'Alice Example'], ['02/', 'Bob Example']])
  const homes = members.map(({ found }) => responses(found.get(caldav('calendar-home-set')))[0])
  t.match(homes, [{ href: '/calendars/users/alice/', status: 200 }, { href: '/calendars/users/bob/', status: 403 }], 'what she may not read is not opened')
  const owner = responses(homes[0]?.found.get(dav('owner')))[0]
  t.match(owner, { href: members[0]?.href, status: 200 })
  t.equal(text(child(owner?.found.get(dav('principal-URL')) as Element, dav('href')) as Element), members[0]?.href, 'without an inner property an href stays one')
})

t.test('wherever the hrefs stand, and whatever they say', async t => {
  const { ask } = await house(t, { accounts })
  const home = '/calendars/users/alice/'
  const value = `<x:a>text <D:href>${home}calendar/</D:href></x:a><D:href> ${home}tasks </D:href><D:href>/calendars/users/bob/calendar/</D:href><D:href>${home}none/</D:href>` +
    '<D:href>mailto:a@example.com</D:href><D:href>/%zz/&amp;&lt;</D:href><D:href>http://localhost/principals/</D:href><D:href/>'
  await ask('PROPPATCH', home, { body: `<D:propertyupdate xmlns:D="DAV:" xmlns:x="x:"><D:set><D:prop><x:links a="1">${value}</x:links></D:prop></D:set></D:propertyupdate>` })
  const answer = await ask('REPORT', home, { body: query(property('links', property('resourcetype'), 'x:')) })
  const [only] = told(answer.body).values()
  const links = only?.properties.get('{x:}links')?.value
  t.equal(links?.attributes['a'], '1')
  const inner = child(links as Element, '{x:}a')
  t.same([inner?.children[0], responses(inner).map(({ href, status }) => [href, status])], ['text ', [[`${home}calendar/`, 200]]])
  t.same(responses(links).map(({ href, status }) => [href, status]), [
    [`${home}tasks`, 200], ['/calendars/users/bob/calendar/', 403], [`${home}none/`, 404], ['mailto:a@example.com', 404], ['/%zz/&<', 404], ['http://localhost/principals/', 200]
  ])
  const acl = told((await ask('REPORT', `${home}calendar/`, { body: query(property('acl', property('displayname'))) })).body)
  t.match(JSON.stringify([...acl.values()][0]?.properties.get(dav('acl'))?.value), /Alice Example/, 'principals in an ACL')
})

t.test('bounds', async t => {
  const { ask } = await house(t, { accounts: `[groups.all]\nmembers = [${Array.from({ length: 300 }, (_, number) => `"u${number}"`).join(', ')}]\n` + Array.from({ length: 300 }, (_, number) => `[users.u${number}]\n`).join('') })
  const deep = (levels: number): string => levels === 0 ? '' : property('principal-URL', deep(levels - 1))
  t.equal((await ask('REPORT', '/principals/users/alice/', { body: query(deep(9)) })).status, 207)
  t.equal((await ask('REPORT', '/principals/users/alice/', { body: query(deep(10)) })).status, 403)
  const round = (levels: number): string => levels === 0 ? property('displayname') : property('group-member-set', property('group-membership', round(levels - 1)))
  t.equal((await ask('REPORT', '/principals/groups/all/', { body: query(round(1)) })).status, 207)
  t.equal((await ask('REPORT', '/principals/groups/all/', { body: query(round(4)) })).status, 507, '300 members of 300 members of 300 members')
  t.equal((await ask('REPORT', '/principals/groups/all/', { body: query('<D:property/>') })).status, 400)
  t.equal((await ask('REPORT', '/principals/groups/all/', { body: query(property('a b')) })).status, 400)
})

t.test('for whom one acts, as iCal asks', async t => {
  const { ask } = await house(t, { accounts })
  const namespace = 'http://calendarserver.org/ns/'
  const answer = await ask('REPORT', '/principals/users/bob/', { user: 'bob', body: query(property('calendar-proxy-write-for', property('displayname'), namespace) + property('calendar-proxy-read-for', property('displayname'), namespace)) })
  const [only] = told(answer.body).values()
  t.same(responses(only?.properties.get(cs('calendar-proxy-write-for'))?.value).map(({ found }) => text(found.get(dav('displayname')) as Element)), ['Hall'])
  t.equal(only?.properties.get(cs('calendar-proxy-read-for'))?.status, 200)
})
