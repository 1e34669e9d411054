import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { properties } from '../../../store/property.js'
import { elements, text, type Element } from '../../../server/xml/element.js'
import { dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'
import { ace, ns, person, share } from './share.js'

const home = '/calendars/users/alice/'
const work = `${home}work/`
const alice = '/principals/__uids__/00000000-0000-0000-0000-000000000001/'
const bob = '/principals/__uids__/00000000-0000-0000-0000-000000000002/'
const users = ['alice', 'bob', 'carol']
const accounts = `
[groups.staff]
guid = "00000000-0000-0000-0000-0000000000aa"
members = ["groups/inner"]
[groups.inner]
members = ["users/bob"]
`
const read = ['<D:read/>']

async function withCalendar (t: Test, settings: Record<string, string> = {}): Promise<House & { readonly disk: string }> {
  const built = await house(t, { users, accounts, settings: { 'access.busy': 'false', ...settings } })
  await built.ask('MKCALENDAR', work)
  await built.ask('MKCOL', `${home}folder/`)
  await built.ask('PUT', `${work}a.ics`, { body: event('a'), headers: calendarType })
  return { ...built, disk: join(built.documents, work) }
}

/** DAV:acl as somebody sees it, one line for each DAV:ace. */
async function list (ask: House['ask'], url: string, user = 'alice'): Promise<string[]> {
  const answer = await ask('PROPFIND', url, { user, headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:acl/></D:prop></D:propfind>` })
  const found = [...told(answer.body).values()][0]?.properties.get(dav('acl'))
  return found?.status === 200 ? elements(found.value).map(line) : [String(found?.status)]
}

function line (of: Element): string {
  const words = (each: Element): string => {
    const name = each.name.slice(each.name.indexOf('}') + 1)
    const inner = elements(each).map(words).join(' ')
    return name === 'href' ? text(each) : ['principal', 'privilege'].includes(name) ? inner : inner === '' ? name : `${name}(${inner})`
  }
  return elements(of).map(words).join(' ')
}

const fixed = [`${alice} grant(all) protected inherited(${home})`]
const proxies = [`${alice}calendar-proxy-read/ grant(read) protected inherited(${home})`, `${alice}calendar-proxy-write/ grant(read write) protected inherited(${home})`]

t.test('preconditions (RFC 3744 8.1.1)', async t => {
  const { ask, disk, lines } = await withCalendar(t, { 'access.admins': 'users/carol' })
  await share(ask, work, [ace(person('users/bob'), read)])
  const before = properties(disk, '').get('{DAV:}acl')
  const grant = ace(person('users/bob'), read)
  for (const [why, aces, expected] of [
    ['a protected ACE that is not there', [ace(person('users/bob'), read, 'grant', '<D:protected/>')], '403 no-ace-conflict'],
    ['an inherited ACE that is not there', [ace(person('users/bob'), read, 'grant', `<D:inherited><D:href>${home}</D:href></D:inherited>`)], '403 no-ace-conflict'],
    ['a denial to an administrator', [ace(person('users/carol'), ['<D:write-acl/>'], 'deny')], '403 no-protected-ace-conflict'],
    ['a denial to the owner', [ace(person('users/alice'), read, 'deny')], '403 no-inherited-ace-conflict'],
    ['a denial to the owner, by guid', [ace(`<D:href>${alice}</D:href>`, ['<D:bind/>'], 'deny')], '403 no-inherited-ace-conflict'],
    ['a denial to the owner, as a property', [ace('<D:property><D:owner/></D:property>', ['<D:bind/>'], 'deny')], '403 no-inherited-ace-conflict'],
    ['a denial to her proxies of what they have', [ace(person('users/alice/calendar-proxy-read'), read, 'deny')], '403 no-inherited-ace-conflict'],
    ['501 ACEs', Array.from({ length: 501 }, () => grant), '403 limited-number-of-aces'],
    ['a principal of another server', [ace('<D:href>https://other.example.org/principals/users/bob/</D:href>', read)], '403 recognized-principal'],
    ['a privilege nobody knows', [ace(person('users/bob'), ['<x xmlns="urn:x"/>'])], '403 not-supported-privilege'],
    ['a privilege of DAV: nobody knows', [ace(person('users/bob'), ['<D:fly/>'])], '403 not-supported-privilege'],
    ['a privilege of another kind of collection', [ace(person('users/bob'), ['<C:schedule-deliver/>'])], '403 not-supported-privilege'],
    ['a known privilege beside one nobody knows', [ace(person('users/bob'), ['<D:read/><D:fly/>'])], '403 not-supported-privilege'],
    ['nobody of that name', [ace(person('users/nobody'), read)], '403 recognized-principal'],
    ['somebody beside nobody', [grant, ace(person('users/nobody'), read)], '403 recognized-principal'],
    ['a calendar as principal', [ace(`<D:href>${work}</D:href>`, read)], '403 recognized-principal'],
    ['the collection of principals', [ace('<D:href>/principals/users/</D:href>', read)], '403 recognized-principal'],
    ['what lies below a principal', [ace('<D:href>/principals/users/bob/calendar-proxy-read/x</D:href>', read)], '403 recognized-principal'],
    ['an empty href', [ace('<D:href/>', read)], '403 recognized-principal'],
    ['an href that is none', [ace('<D:href>/principals/users/%zz</D:href>', read)], '403 recognized-principal'],
    ['mail', [ace('<D:href>mailto:bob@example.com</D:href>', read)], '403 recognized-principal'],
    ['an empty principal', [ace('', read)], '403 recognized-principal'],
    ['an unknown sort of principal', [ace('<D:everybody/>', read)], '403 recognized-principal'],
    ['a property without a name', [ace('<D:property/>', read)], '403 recognized-principal'],
    ['two principals in one', [ace('<D:all/><D:authenticated/>', read)], '400'],
    ['two principals', [`<D:ace><D:principal><D:all/></D:principal>${ace(person('users/bob'), read).slice('<D:ace>'.length)}`], '400'],
    ['a principal and an inverted one', [`<D:ace><D:invert><D:principal><D:all/></D:principal></D:invert>${grant.slice('<D:ace>'.length)}`], '400'],
    ['two grants', [grant.replace('</D:ace>', '<D:grant><D:privilege><D:write/></D:privilege></D:grant></D:ace>')], '400'],
    ['grant and deny in one (8.1.5)', [grant.replace('</D:ace>', '<D:deny><D:privilege><D:write/></D:privilege></D:deny></D:ace>')], '400'],
    ['neither', ['<D:ace><D:principal><D:all/></D:principal></D:ace>'], '400'],
    ['no principal', ['<D:ace><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>'], '400'],
    ['nothing inverted', ['<D:ace><D:invert/><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>'], '400'],
    ['no privilege', [ace(person('users/bob'), [])], '400'],
    ['an empty privilege', [ace(person('users/bob'), [''])], '400']
  ] as const) t.equal(outcome(await share(ask, work, aces)), expected, why)
  for (const [why, body, expected] of [
    ['no body', '', '400'], ['another body', `<D:propfind ${ns}/>`, '400'], ['no XML', 'acl', '400'], ['cut off', `<D:acl ${ns}><D:ace>`, '400'],
    ['external entities', `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><D:acl ${ns}>&b;</D:acl>`, '403 no-external-entities'],
    ['too deep', `<D:acl ${ns}>${'<D:ace>'.repeat(200)}${'</D:ace>'.repeat(200)}</D:acl>`, '413'],
    ['too large', `<D:acl ${ns}>${' '.repeat(1024 * 1024)}</D:acl>`, '413']
  ] as const) t.equal(outcome(await ask('ACL', work, { body, headers: { 'content-type': 'application/xml' } })), expected, why)
  t.equal(outcome(await ask('ACL', work, { body: `<D:acl ${ns}/>`, headers: { 'content-type': 'text/calendar' } })), '415')
  t.equal(outcome(await share(ask, work, [], 'bob')), '403 need-privileges')
  for (const url of [home, '/', '/principals/users/alice/', '/calendars/']) t.equal((await share(ask, url, [grant], 'carol')).status, 405, `${url} has a list that does not change`)
  t.equal((await share(ask, `${work}none.ics`, [grant])).status, 404)
  t.equal(properties(disk, '').get('{DAV:}acl'), before, 'nothing of this has changed the list')
  t.same(lines, [])
})

t.test('a list is kept as Apple’s server kept it, and told without its private mark', async t => {
  const { ask, disk } = await withCalendar(t)
  const aces = [
    ace(person('users/bob'), ['<D:read/><D:bind/>', '<C:read-free-busy/>']),
    ace('<D:property><D:owner/></D:property>', read),
    `<D:ace><D:invert><D:principal>${person('groups/staff')}</D:principal></D:invert><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>`,
    ace('<D:unauthenticated/>', read), ace('<D:all/>', read), ace('<D:self/>', read), ace('<D:authenticated/>', ['<D:unlock/>'], 'deny')
  ]
  t.equal((await share(ask, work, aces)).status, 200)
  const kept = properties(disk, '').get('{DAV:}acl') ?? ''
  const written = elements(xml(kept))
  t.equal(written.length, 7)
  for (const each of written) t.same(elements(each).at(-1)?.name, '{http://twistedmatrix.com/xml_namespace/dav/}inheritable', 'what lies in a calendar has its list')
  t.notMatch(kept, /inherited|protected/)
  const own = [
    `${bob} grant(read bind read-free-busy)`, 'property(owner) grant(read)', 'invert(/principals/__uids__/00000000-0000-0000-0000-0000000000aa/) grant(read)',
    'unauthenticated grant(read)', 'all grant(read)', 'self grant(read)', 'authenticated deny(unlock)'
  ]
  t.same(await list(ask, work), [...fixed, ...own, ...proxies])
  t.same(await list(ask, `${work}a.ics`), [...fixed, ...own.map(each => `${each} inherited(${work})`), ...proxies])
  const answer = await ask('PROPFIND', work, { headers: { depth: '1' }, body: `<D:propfind ${ns}><D:allprop/><D:include><D:acl/></D:include></D:propfind>` })
  t.notMatch(answer.body, /inheritable/)
  t.match(answer.body, /<D:privilege><D:bind\/><\/D:privilege>/, 'one privilege in each DAV:privilege (RFC 3744 5.5.2)')

  await t.test('what was read can be sent back', async t => {
    const source = await ask('PROPFIND', `${work}a.ics`, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:acl/></D:prop></D:propfind>` })
    const all = /<D:acl>.*<\/D:acl>/s.exec(source.body)?.[0].slice('<D:acl>'.length, -'</D:acl>'.length) ?? ''
    t.equal((await share(ask, `${work}a.ics`, [ace(person('users/carol'), read), all])).status, 200)
    t.same(await list(ask, `${work}a.ics`), [...fixed, '/principals/__uids__/00000000-0000-0000-0000-000000000003/ grant(read)', ...own.map(each => `${each} inherited(${work})`), ...proxies])
    t.notMatch(properties(disk, 'a.ics').get('{DAV:}acl'), 'inheritable', 'nothing lies in an event')
  })

  await t.test('an empty list takes all away', async t => {
    for (const [url, member] of [[work, ''], [`${work}a.ics`, 'a.ics']] as const) {
      t.equal((await share(ask, url, [])).status, 200)
      t.equal(properties(disk, member).has('{DAV:}acl'), false)
    }
    t.same(await list(ask, `${work}a.ics`), [...fixed, ...proxies])
  })

  await t.test('a folder keeps its list to itself, the inbox does not', async t => {
    await share(ask, `${home}folder/`, [ace(person('users/bob'), read)])
    t.notMatch(properties(join(disk, '..', 'folder'), '').get('{DAV:}acl'), 'inheritable')
    t.equal((await share(ask, `${home}inbox/`, [ace(person('users/bob'), ['<C:schedule-deliver-invite/>', '<C:schedule/>'])])).status, 200)
    t.match(properties(join(disk, '..', 'inbox'), '').get('{DAV:}acl'), 'inheritable')
    t.same(await list(ask, `${home}inbox/`), [...fixed, `${bob} grant(schedule-deliver-invite schedule)`, 'authenticated grant(schedule-deliver schedule) protected', ...proxies])
    t.equal(outcome(await share(ask, `${home}inbox/`, [ace('<D:authenticated/>', ['<C:schedule-deliver/>'], 'deny')])), '403 no-protected-ace-conflict')
  })
})

t.test('lists too large for an attribute are in force all the same, and so is what follows them', async t => {
  const { ask, disk } = await withCalendar(t)
  // what cannot be made smaller
  const many = (of: string): string[] => [ace(person(`users/${of}`), read), ...Array.from({ length: 400 }, () => ace(`<D:property><x${randomBytes(24).toString('hex')} xmlns="urn:x"/></D:property>`, read))]
  for (const [url, member] of [[work, ''], [`${work}a.ics`, 'a.ics']] as const) {
    for (const [to, other] of [['bob', 'carol'], ['carol', 'bob'], ['bob', 'carol']] as const) {
      t.equal((await share(ask, url, many(to))).status, 200)
      t.equal(elements(xml(properties(disk, member).get('{DAV:}acl') ?? '<none/>')).length, 401)
      // longer than what was read may be remembered without a look at the disk
      for (const pause of [0, 150]) {
        await new Promise(resolve => setTimeout(resolve, pause))
        t.equal((await ask('GET', `${work}a.ics`, { user: to })).status, 200, `${url}: ${to} has it`)
        t.equal((await ask('GET', `${work}a.ics`, { user: other })).status, 403, `${url}: ${other} has not`)
      }
    }
    t.equal((await share(ask, url, [])).status, 200)
    t.equal((await ask('GET', `${work}a.ics`, { user: 'bob' })).status, 403)
  }
  const namespaces = Array.from({ length: 200 }, (_, n) => ace(`<D:property><x xmlns="urn:${n}"/></D:property>`, read))
  t.equal((await share(ask, work, namespaces)).status, 413, 'what could not be read again is not kept')
})

t.test('groups, nested too, and those who are not in them', async t => {
  const { ask } = await withCalendar(t)
  const reads = async (user: string | undefined): Promise<number> => (await ask('GET', `${work}a.ics`, { user })).status
  await share(ask, work, [ace(person('groups/staff'), read)])
  t.same([await reads('bob'), await reads('carol'), await reads(undefined)], [200, 403, 401])
  await share(ask, work, [`<D:ace><D:invert><D:principal>${person('groups/staff')}</D:principal></D:invert><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>`])
  t.same([await reads('bob'), await reads('carol'), await reads(undefined)], [403, 200, 200])
  await share(ask, work, [ace('<D:authenticated/>', ['<D:write-content/>']), ace(person('groups/staff'), read, 'deny')])
  t.same([await reads('bob'), await reads('carol')], [403, 403])
})

t.test('a property that names a principal (RFC 3744 5.5.1)', async t => {
  const { ask } = await withCalendar(t)
  const reads = async (user: string): Promise<number> => (await ask('GET', work, { user })).status
  const set = async (value: string): Promise<void> => {
    await ask('PROPPATCH', work, { body: `<D:propertyupdate ${ns}><D:set><D:prop><boss xmlns="urn:x">${value}</boss></D:prop></D:set></D:propertyupdate>` })
  }
  await share(ask, work, [ace('<D:property><boss xmlns="urn:x"/></D:property>', read)])
  t.equal(await reads('bob'), 403, 'not set')
  await set(person('users/bob'))
  t.same([await reads('bob'), await reads('carol')], [200, 403])
  await set(person('groups/staff'))
  t.same([await reads('bob'), await reads('carol')], [200, 403], 'a group')
  await set(person('users/bob') + person('users/carol'))
  t.same([await reads('bob'), await reads('carol')], [403, 403], 'at most one')
  await set('bob')
  t.equal(await reads('bob'), 403)
})

t.test('denials and grants in any order: the first that speaks of somebody decides', async t => {
  const { ask } = await house(t, { users: ['alice', 'bob', 'carol'] })
  await ask('MKCALENDAR', work)
  const reads = async (): Promise<string> => `${(await ask('GET', work, { user: 'bob' })).status} ${(await ask('GET', work, { user: 'carol' })).status}`
  const everybody = ace('<D:authenticated/>', read)
  const notCarol = ace(person('users/carol'), read, 'deny')
  t.equal((await share(ask, work, [notCarol, everybody])).status, 200)
  t.equal(await reads(), '200 403', 'all but carol')
  t.equal((await share(ask, work, [everybody, notCarol])).status, 200)
  t.equal(await reads(), '200 200')
})
