import t from 'tap'
import { cs, dav, type Name } from '../../../server/xml/name.js'
import { house } from '../../house.js'
import { outcome, told } from '../../multistatus.js'

const calendar = '/calendars/users/alice/calendar/'
const find = (inner: string): string => `<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/" xmlns:x="x:">${inner}</D:propfind>`

t.test('a body asks in one of three forms', async t => {
  const { ask } = await house(t)
  for (const [why, body, expected] of [
    ['none at all', undefined, '207'], ['allprop', find('<D:allprop/>'), '207'], ['propname', find('<D:propname/>'), '207'], ['nothing named', find('<D:prop/>'), '207'],
    ['with an extension', find('<D:allprop/><x:more/>'), '207'], ['with include', find('<D:allprop/><D:include><D:owner/></D:include>'), '207'],
    ['two forms', find('<D:allprop/><D:propname/>'), '400'], ['two others', find('<D:prop><D:getetag/></D:prop><D:allprop/>'), '400'], ['the same twice', find('<D:prop/><D:prop/>'), '400'],
    ['none', find(''), '400'], ['an unknown one', find('<D:undefined/>'), '400'], ['include alone', find('<D:include><D:owner/></D:include>'), '400'], ['another body', '<D:prop xmlns:D="DAV:"/>', '400']
  ] as const) t.equal(outcome(await ask('PROPFIND', calendar, { headers: { depth: '0' }, ...(body === undefined ? {} : { body }) })), expected, why)
})

t.test('allprop gives what RFC 4918 defines and what clients left; include adds to it', async t => {
  const { ask } = await house(t)
  await ask('PROPPATCH', calendar, { body: '<D:propertyupdate xmlns:D="DAV:" xmlns:x="x:"><D:set><D:prop><x:note>n</x:note></D:prop></D:set></D:propertyupdate>' })
  const of = async (inner: string): Promise<Map<Name, number>> => new Map([...told((await ask('PROPFIND', calendar, { headers: { depth: '0' }, body: find(inner) })).body).get(calendar)?.properties ?? []].map(([name, { status }]) => [name, status]))
  const all = await of('<D:allprop/>')
  for (const name of ['displayname', 'resourcetype', 'getlastmodified', 'creationdate', 'lockdiscovery', 'supportedlock'] as const) t.equal(all.get(dav(name)), 200, name)
  t.equal(all.get('{x:}note'), 200)
  for (const name of [dav('acl'), dav('owner'), dav('quota-used-bytes'), dav('sync-token'), cs('getctag')]) t.equal(all.has(name), false, name)
  const more = await of('<D:allprop/><D:include><CS:getctag/><D:owner/><x:none/><D:displayname/></D:include>')
  t.same([more.get(cs('getctag')), more.get(dav('owner')), more.get(dav('displayname')), more.get('{x:}none')], [200, 200, 200, 404])
  t.equal(more.size, all.size + 3)
  const names = await of('<D:propname/>')
  for (const name of [dav('acl'), dav('owner'), dav('quota-used-bytes'), dav('sync-token'), cs('getctag'), '{x:}note'] as const) t.equal(names.get(name), 200, name)
})
