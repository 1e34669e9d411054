import t, { type Test } from 'tap'
import { allowed, privileges } from '../../../server/acl/check.js'
import { expanded, treeOf } from '../../../server/acl/privilege.js'
import { elements, text, type Element } from '../../../server/xml/element.js'
import type { Limit } from '../../../server/directory/identity.js'
import type { Requester } from '../../../server/site/requester.js'
import { locate } from '../../../server/site/resource.js'
import { caldav, dav, type Name } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { told } from '../../multistatus.js'
import { ace, ns, person, share } from './share.js'

const home = '/calendars/users/alice/'
const accounts = `
[users.alice]
guid = "00000000-0000-0000-0000-00000000000a"
password = "plain:alice"
readProxies = ["users/carol"]
proxies = ["groups/office"]
[groups.office]
members = ["users/dave"]
`
const users = ['bob', 'carol', 'dave', 'root', 'auditor']

interface Asked { readonly who: string | undefined, readonly limit?: Limit }

async function built (t: Test, settings: Record<string, string> = {}): Promise<House & { readonly has: (asked: Asked, url: string) => Promise<string> }> {
  const made = await house(t, { users, accounts, settings: { 'access.admins': 'users/root', 'access.readers': 'users/auditor', ...settings } })
  const { ask, site } = made
  await ask('PUT', `${home}calendar/a.ics`, { user: 'alice', body: event('a'), headers: calendarType })
  // the privileges that are no part of another that is there
  const has = async ({ who, limit }: Asked, url: string): Promise<string> => {
    const record = who === undefined ? undefined : site.directory.byName('users', who)
    const user: Requester = { site, record, limit }
    const resource = await locate(site, url.split('/').filter(segment => segment !== ''))
    const all = privileges(user, resource)
    for (const name of expanded(treeOf(resource.kind))) {
      if (allowed(user, resource, name) !== all.includes(name)) throw new Error(`${url}: ${name} is told otherwise than it is`)
    }
    const parts = new Set(tops(all))
    return [...parts].map(name => name.slice(name.indexOf('}') + 1)).join(' ')
  }
  return { ...made, has }
}

function tops (all: readonly Name[]): Name[] {
  const top = (of: ReturnType<typeof treeOf>): Name[] => all.includes(of.name) ? [of.name] : of.parts.flatMap(top)
  return [...new Set((['calendar', 'inbox', 'outbox'] as const).flatMap(kind => top(treeOf(kind))))]
}

t.test('what holds where nobody has shared anything', async t => {
  const inbox = 'schedule-deliver schedule'
  for (const [settings, url, expected] of [
    [{}, home, { alice: 'all', bob: 'read-free-busy', carol: 'read', dave: 'read write', root: 'all', auditor: 'read', stranger: '' }],
    [{}, `${home}calendar/`, { alice: 'all', bob: 'read-free-busy', carol: 'read', dave: 'read write', root: 'all', auditor: 'read', stranger: '' }],
    [{}, `${home}calendar/a.ics`, { alice: 'all', bob: 'read-free-busy', carol: 'read', dave: 'read write', root: 'all', auditor: 'read', stranger: '' }],
    [{}, `${home}calendar/none.ics`, { alice: 'all', bob: 'read-free-busy', carol: 'read', dave: 'read write', root: 'all', auditor: 'read', stranger: '' }],
    [{}, `${home}inbox/`, { bob: `read-free-busy ${inbox}`, carol: `read ${inbox}`, stranger: '' }],
    [{}, `${home}outbox/`, { bob: 'read-free-busy', carol: 'read', dave: 'read write schedule-send schedule', stranger: '' }],
    [{ 'access.busy': 'false' }, `${home}calendar/`, { alice: 'all', bob: '', carol: 'read', stranger: '' }],
    [{ 'access.defaults': '2006' }, home, { alice: 'all', bob: 'read', stranger: '' }],
    [{ 'access.defaults': '2006', 'access.busy': 'false' }, `${home}calendar/`, { alice: 'all', bob: 'read-free-busy', stranger: '' }],
    [{}, '/', { alice: 'read', root: 'all', stranger: '' }],
    [{ 'access.anonymousRoot': 'true' }, '/', { alice: 'read', stranger: 'read' }],
    [{ 'access.anonymousRoot': 'true' }, '/principals/users/', { stranger: '', alice: 'read' }],
    [{ 'access.anonymousRoot': 'true' }, '/principals/', { stranger: '', alice: 'read' }],
    [{ 'access.anonymousRoot': 'true' }, '/principals/users/alice/', { alice: 'read', bob: 'read', root: 'all', stranger: '' }],
    [{ 'access.anonymousRoot': 'true' }, `${home}calendar/`, { stranger: '' }],
    [{}, '/principals/users/alice/calendar-proxy-write/', { alice: 'read write-properties read-acl', bob: 'read', dave: 'read', root: 'all', stranger: '' }],
    [{}, '/calendars/users/nobody/', { alice: '', stranger: '', root: 'all' }],
    [{ 'access.admins': 'groups/office' }, home, { dave: 'all', root: 'read-free-busy' }],
    [{ 'access.admins': '/principals/__uids__/00000000-0000-0000-0000-000000000001/, users/nobody, /x' }, home, { bob: 'all', root: 'read-free-busy' }]
  ] as const) {
    const { has } = await built(t, settings)
    for (const [who, wanted] of Object.entries<string>(expected)) {
      t.same((await has({ who: who === 'stranger' ? undefined : who }, url)).split(' ').sort(), wanted.split(' ').sort(), `${JSON.stringify(settings)} ${url}: ${who}`)
    }
  }
})

t.test('the first entry that speaks of a privilege decides about it (RFC 3744 6)', async t => {
  const { ask, has } = await built(t, { 'access.busy': 'false' })
  const work = `${home}work/`
  await ask('MKCALENDAR', work, { user: 'alice' })
  await ask('PUT', `${work}a.ics`, { user: 'alice', body: event('a'), headers: calendarType })
  const bob = person('users/bob')
  for (const [why, aces, below, expected] of [
    ['a grant, then a denial of more', [ace(bob, ['<D:read/>']), ace('<D:all/>', ['<D:all/>'], 'deny')], [], 'read'],
    ['a part denied takes the whole away', [ace('<D:authenticated/>', ['<D:unbind/>'], 'deny')], [], ''],
    ['nearer lists come first: a denial', [ace(bob, ['<D:read/>', '<D:write/>'])], [ace(bob, ['<D:write/>'], 'deny')], 'read'],
    ['nearer lists come first: a part denied', [ace(bob, ['<D:read/>', '<D:write/>'])], [ace(bob, ['<D:unbind/>'], 'deny')], 'read write-properties write-content bind'],
    ['nearer lists come first: a grant', [ace(bob, ['<D:read/>'], 'deny')], [ace(bob, ['<D:read/>'])], 'read'],
    ['several that speak of one', [ace(bob, ['<D:bind/>']), ace('<D:authenticated/>', ['<D:unbind/>', '<D:write-content/>', '<D:write-properties/>'])], [], 'write']
  ] as const) {
    t.equal((await share(ask, work, aces)).status, 200, why)
    t.equal((await share(ask, `${work}a.ics`, below)).status, 200, why)
    t.equal(await has({ who: 'bob' }, `${work}a.ics`), expected, why)
    t.equal(await has({ who: 'alice' }, `${work}a.ics`), 'all', `${why}: nothing is taken from the owner`)
    t.equal(await has({ who: 'root' }, `${work}a.ics`), 'all', `${why}: nor from administrators`)
  }
})

t.test('an app password opens no more than it was made for', async t => {
  const { ask, has } = await built(t)
  for (const url of [`${home}work/`, `${home}calendar/`]) {
    await ask('MKCALENDAR', url, { user: 'alice' })
    await share(ask, url, [ace(person('users/bob'), ['<D:all/>'])])
  }
  const proxy = '/principals/users/alice/calendar-proxy-write/'
  for (const [who, limit, expected] of [
    ['alice', { name: 'Phone', readOnly: true }, { [home]: 'read read-acl', [`${home}work/`]: 'read read-acl', '/': 'read', [proxy]: 'read read-acl' }],
    ['alice', { name: 'Phone', readOnly: false, calendars: ['work'] }, { [home]: 'read', [`${home}work/`]: 'read write unlock read-acl', [`${home}work/a.ics`]: 'read write unlock read-acl', [`${home}calendar/`]: '', [`${home}calendar/a.ics`]: '', [`${home}calendar/none.ics`]: '', [`${home}inbox/`]: '', '/': 'read', [proxy]: 'read read-acl' }],
    ['alice', { name: 'Phone', readOnly: true, calendars: ['work'] }, { [home]: 'read', [`${home}work/`]: 'read read-acl', [`${home}calendar/`]: '' }],
    ['alice', { name: 'Phone', readOnly: false, calendars: [] }, { [home]: 'read', [`${home}work/`]: '' }],
    ['bob', { name: 'Phone', readOnly: true }, { [`${home}work/`]: 'read read-acl', [`${home}calendar/`]: 'read read-acl' }],
    ['bob', { name: 'Phone', readOnly: false, calendars: ['work'] }, { [`${home}work/`]: '', [`${home}calendar/`]: '', '/calendars/users/bob/': 'read' }],
    ['dave', { name: 'Phone', readOnly: true }, { [`${home}tasks/`]: 'read' }],
    ['root', { name: 'Script', readOnly: true }, { [`${home}work/`]: 'read read-acl', '/': 'read read-acl' }],
    ['root', { name: 'Script', readOnly: false, calendars: ['work'] }, { [`${home}work/`]: '', [home]: '' }]
  ] as const satisfies readonly (readonly [string, Limit, Record<string, string>])[]) {
    for (const [url, wanted] of Object.entries(expected)) t.equal(await has({ who, limit }, url), wanted, `${who}, ${JSON.stringify(limit)}: ${url}`)
    t.equal(await has({ who: 'alice' }, `${home}work/`), 'all', 'the password itself is not less for that')
  }
})

t.test('the properties of RFC 3744 5', async t => {
  const { ask } = await built(t)
  await ask('MKCOL', `${home}folder/`, { user: 'alice' })
  await ask('PUT', `${home}folder/a.txt`, { user: 'alice', body: 'x' })
  const names = ['owner', 'group', 'supported-privilege-set', 'current-user-privilege-set', 'acl', 'acl-restrictions', 'inherited-acl-set', 'principal-collection-set', 'current-user-principal']
  const read = async (url: string, user: string): Promise<Map<string, { status: number, value: Element, condition: Name | undefined }>> => {
    const answer = await ask('PROPFIND', url, { user, headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop>${names.map(name => `<D:${name}/>`).join('')}</D:prop></D:propfind>` })
    return new Map([...[...told(answer.body).values()][0]?.properties ?? []].map(([name, value]) => [name.slice('{DAV:}'.length), value]))
  }
  const inside = (value: Element | undefined): string => value === undefined ? '' : elements(value).map(each => each.name === dav('href') ? text(each) : inside(each)).join(' ')
  const urls = ['', 'calendar/', 'calendar/a.ics', 'inbox/', 'outbox/', 'folder/', 'folder/a.txt'].map(path => home + path)
  for (const url of [...urls, '/', '/calendars/', '/principals/', '/principals/users/alice/', '/principals/users/alice/calendar-proxy-read/']) {
    const found = await read(url, 'root')
    const owned = url.includes('alice')
    for (const name of names) t.equal(found.get(name)?.status, owned || !['owner', 'group'].includes(name) ? 200 : 404, `${url}: ${name}`)
    if (owned) t.equal(inside(found.get('owner')?.value), '/principals/__uids__/00000000-0000-0000-0000-00000000000a/', url)
    t.same(elements(found.get('group')?.value ?? { name: dav('group'), attributes: {}, children: [] }), [], 'there are no groups of Unix')
    // RFC 3744 5.7: no other list has to grant the same
    t.equal(inside(found.get('inherited-acl-set')?.value), '')
    t.equal(inside(found.get('principal-collection-set')?.value), '/principals/')
    t.same(elements(found.get('acl-restrictions')?.value ?? { name: dav('x'), attributes: {}, children: [] }), [])
    t.equal(inside(found.get('current-user-principal')?.value), '/principals/__uids__/00000000-0000-0000-0000-000000000004/')
  }
  await t.test('supported-privilege-set', async t => {
    const tree = (value: Element): string => elements(value, dav('supported-privilege')).map(each => {
      const [privilege, ...more] = elements(each)
      const below = tree(each)
      t.ok(more.some(({ name }) => name === dav('description')), 'with a description')
      t.notOk(more.some(({ name }) => name === dav('abstract')), 'none is abstract')
      return `${elements(privilege ?? each).map(({ name }) => name.slice(name.indexOf('}') + 1)).join()}${below === '' ? '' : `(${below})`}`
    }).join(' ')
    const usual = 'read(read-free-busy read-current-user-privilege-set) write(write-properties write-content bind unbind) unlock read-acl write-acl'
    for (const [url, more] of [[`${home}calendar/`, ''], [`${home}calendar/a.ics`, ''], [home, ''],
      [`${home}inbox/`, ' schedule-deliver(schedule-deliver-invite schedule-deliver-reply schedule-query-freebusy) schedule'],
      [`${home}outbox/`, ' schedule-send(schedule-send-invite schedule-send-reply schedule-send-freebusy) schedule']] as const) {
      const value = (await read(url, 'alice')).get('supported-privilege-set')?.value
      t.equal(value === undefined ? '' : tree(value), `all(${usual}${more})`, url)
    }
  })
  await t.test('who may read them', async t => {
    for (const [user, granted, statuses] of [
      ['carol', undefined, { 'acl': 403, 'current-user-privilege-set': 200, 'owner': 200, 'supported-privilege-set': 200 }],
      ['dave', undefined, { 'acl': 403, 'current-user-privilege-set': 200 }],
      ['bob', ['<D:read/>', '<D:read-acl/>'], { 'acl': 200, 'current-user-privilege-set': 200 }],
      ['bob', ['<D:read/>'], { 'acl': 403, 'current-user-privilege-set': 200 }],
      ['root', undefined, { acl: 200 }], ['auditor', undefined, { acl: 403 }]
    ] as const) {
      if (granted !== undefined) await share(ask, `${home}calendar/`, [ace(person('users/bob'), granted)])
      const found = await read(`${home}calendar/`, user)
      for (const [name, status] of Object.entries(statuses)) {
        t.equal(found.get(name)?.status, status, `${user}: ${name}`)
        if (status === 403) t.equal(found.get(name)?.condition, dav('need-privileges'))
      }
    }
    const privileges = elements((await read(`${home}calendar/`, 'bob')).get('current-user-privilege-set')?.value ?? { name: dav('x'), attributes: {}, children: [] }).flatMap(each => elements(each)).map(({ name }) => name)
    t.same(privileges, [dav('read'), caldav('read-free-busy'), dav('read-current-user-privilege-set')])
  })
  for (const name of names) {
    const answer = await ask('PROPPATCH', `${home}calendar/`, { user: 'alice', body: `<D:propertyupdate ${ns}><D:set><D:prop><D:${name}/></D:prop></D:set></D:propertyupdate>` })
    const found = [...told(answer.body).values()][0]?.properties.get(dav(name))
    t.same([found?.status, found?.condition], [403, dav('cannot-modify-protected-property')], name)
  }
})
