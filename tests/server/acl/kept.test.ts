import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { removeAttributeSync, setAttributeSync } from 'fs-xattr'
import t, { type Test } from 'tap'
import { attributeName } from '../../../twistedcompat/attribute.js'
import { wrappedAcl } from '../../../twistedcompat/acl.js'
import { readAccountsToml } from '../../../server/directory/accounts.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { told } from '../../multistatus.js'
import { ace, ns, person, share } from './share.js'

// Lists that somebody else wrote: Apple's server, or a person with setfattr.

const home = '/calendars/users/alice/'
const work = `${home}work/`
const users = ['alice', 'bob', 'carol', 'root']
const list = attributeName('{DAV:}acl')

const fixture = (name: string): string => readFileSync(join('tests/fixture/acl', name), 'utf8')

async function tree (t: Test, settings: Record<string, string> = {}): Promise<House & { readonly disk: string, readonly statuses: (user: string | undefined) => Promise<string> }> {
  const built = await house(t, { users, settings: { 'access.busy': 'false', 'access.admins': 'users/root', ...settings } })
  const { ask } = built
  await ask('MKCALENDAR', work)
  await ask('PUT', `${work}a.ics`, { body: event('a'), headers: calendarType })
  let turn = 0
  const statuses = async (user: string | undefined): Promise<string> => {
    const uid = `new${++turn}`
    const all = [await ask('GET', `${work}a.ics`, { user }), await ask('PUT', `${work}${uid}.ics`, { user, body: event(uid), headers: calendarType }),
      await ask('PROPPATCH', work, { user, body: `<D:propertyupdate ${ns}><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>` })]
    return all.map(({ status }) => status).join(' ')
  }
  return { ...built, disk: join(built.documents, work), statuses }
}

t.test('lists of Apple’s server', async t => {
  for (const [why, name, value] of [
    ['plain, with a wrapper and all privileges in one (August 2006)', wrappedAcl, Buffer.from(fixture('calendar-2006.xml'))],
    ['plain (until 2007)', '{DAV:}acl', Buffer.from(fixture('calendar-2009.xml'))],
    ['compressed (since 2007)', '{DAV:}acl', deflateSync(Buffer.from(fixture('calendar-2009.xml')))]
  ] as const) {
    await t.test(why, async t => {
      const { disk, statuses, ask, lines } = await tree(t)
      setAttributeSync(disk, attributeName(name), value)
      t.equal(await statuses('bob'), '200 201 403')
      t.equal(await statuses('carol'), '403 403 403')
      t.equal(await statuses('alice'), '200 201 207')
      t.equal(await statuses(undefined), '401 401 401')
      const seen = await ask('PROPFIND', work, { headers: { depth: '1' }, body: `<D:propfind ${ns}><D:allprop/><D:include><D:acl/></D:include></D:propfind>` })
      t.notMatch(seen.body, /twistedmatrix|inheritable/, 'marks and wrappers are for the disk')
      t.match(seen.body, '00000000-0000-0000-0000-000000000002/')
      // RFC 3744 8.1: the list is what was asked for, and nothing of the old one
      t.equal((await share(ask, work, [ace(person('users/carol'), ['<D:read/>'])])).status, 200)
      t.equal(await statuses('bob'), '403 403 403')
      t.equal(await statuses('carol'), '200 403 403')
      await share(ask, work, [])
      t.equal(await statuses('bob'), '403 403 403', 'what was written in another form does not come back')
      t.same(lines, [])
    })
  }
})

t.test('the list of a home counts only where the rules of 2006 do', async t => {
  for (const [defaults, bobs, carols] of [['private', 403, '403 403 403'], ['2006', 207, '200 403 403']] as const) {
    const { disk, ask, statuses } = await tree(t, { 'access.defaults': defaults })
    setAttributeSync(join(disk, '..'), list, Buffer.from(fixture('home-2007.xml')))
    t.equal((await ask('PROPFIND', home, { user: 'bob', headers: { depth: '0' } })).status, bobs, defaults)
    t.equal(await statuses('carol'), carols, `${defaults}: what is inheritable is inherited`)
    t.equal(await statuses('bob'), '403 403 403')
    t.equal((await ask('PROPFIND', home, { user: undefined, headers: { depth: '0' } })).status, 401)
  }
})

t.test('a home that is disabled is for administrators alone', async t => {
  for (const mark of ['access-disabled', 'caldav-access-disabled']) {
    const { disk, ask, statuses } = await tree(t, { 'access.readers': 'users/carol' })
    await share(ask, work, [ace(person('users/bob'), ['<D:all/>'])])
    const attribute = attributeName(`{http://twistedmatrix.com/xml_namespace/dav/private/}${mark}`)
    setAttributeSync(join(disk, '..'), attribute, Buffer.from(`<?xml version='1.0' encoding='UTF-8'?>\r\n<${mark} xmlns='http://twistedmatrix.com/xml_namespace/dav/private/'>yes</${mark}>\r\n`))
    for (const user of ['alice', 'bob', 'carol']) t.equal(await statuses(user), '403 403 403', `${mark}: ${user}`)
    t.equal((await ask('PROPFIND', home, { headers: { depth: '1' } })).status, 403)
    t.equal(await statuses('root'), '200 201 207')
    t.equal((await ask('PROPFIND', '/principals/users/alice/', { headers: { depth: '0' } })).status, 207, 'the account is there')
    removeAttributeSync(join(disk, '..'), attribute)
    t.equal(await statuses('alice'), '200 201 207')
    t.equal(await statuses('bob'), '200 201 207')
  }
})

t.test('a list changed from outside holds at the next request', async t => {
  const { disk, statuses, ask } = await tree(t)
  const grant = (user: number, what = '<read/>'): Buffer => Buffer.from(`<acl xmlns="DAV:"><ace><principal><href>/principals/__uids__/00000000-0000-0000-0000-00000000000${user}/</href></principal><grant><privilege>${what}</privilege></grant><inheritable xmlns="http://twistedmatrix.com/xml_namespace/dav/"/></ace></acl>`)
  // also when the former one has been remembered
  for (const pause of [0, 150]) {
    for (const [user, other, number] of [['bob', 'carol', 2], ['carol', 'bob', 3]] as const) {
      setAttributeSync(disk, list, grant(number))
      t.equal(await statuses(user), '200 403 403')
      t.equal(await statuses(other), '403 403 403')
      await new Promise(resolve => setTimeout(resolve, pause))
      t.equal(await statuses(user), '200 403 403')
    }
  }
  setAttributeSync(join(disk, 'a.ics'), list, Buffer.from(grant(3).toString().replaceAll('grant>', 'deny>')))
  t.equal(await statuses('carol'), '404 403 403', 'on an event that had none')
  const listing = await ask('PROPFIND', work, { user: 'carol', headers: { depth: '1' } })
  t.notOk(told(listing.body).has(`${work}a.ics`), 'nor is it listed')
  setAttributeSync(join(disk, 'a.ics'), list, Buffer.from('<acl xmlns="DAV:"/>'))
  t.equal(await statuses('carol'), '200 403 403')
  removeAttributeSync(disk, list)
  writeFileSync(join(disk, '.properties.json'), '{}')
  t.equal(await statuses('carol'), '403 403 403')
})

t.test('a change of a group holds at the next request', async t => {
  const { ask, site, statuses } = await tree(t)
  const accounts = (members: string): string => users.map((name, number) => `[users.${name}]\nguid = "00000000-0000-0000-0000-00000000000${number + 1}"\npassword = "plain:${name}"\n`).join('') +
    `[groups.staff]\nguid = "00000000-0000-0000-0000-0000000000aa"\nmembers = [${members}]\n`
  const become = (members: string): void => { site.directory.replace(readAccountsToml(accounts(members), 'accounts.toml', () => {})) }
  become('')
  await share(ask, work, [ace(person('groups/staff'), ['<D:read/>'])])
  t.equal(await statuses('bob'), '403 403 403')
  become('"users/bob"')
  t.equal(await statuses('bob'), '200 403 403')
  become('"users/carol"')
  t.same([await statuses('bob'), await statuses('carol')], ['403 403 403', '200 403 403'])
  site.directory.replace(readAccountsToml(accounts('').replace(/\[groups[^]*/, ''), 'accounts.toml', () => {}))
  t.equal(await statuses('carol'), '403 403 403', 'a group that is gone gives nothing')
  await share(ask, work, [])
  become('')
  t.equal((await share(ask, work, [`<D:ace><D:invert><D:principal>${person('groups/staff')}</D:principal></D:invert><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>`])).status, 200)
  t.equal(await statuses('carol'), '200 403 403')
  site.directory.replace(readAccountsToml(accounts('').replace(/\[groups[^]*/, ''), 'accounts.toml', () => {}))
  t.equal(await statuses('carol'), '403 403 403', 'everybody but a group that is gone: nobody')
})

t.test('a damaged list opens nothing and breaks nothing', async t => {
  const { disk, statuses, ask, lines } = await tree(t)
  const grants = '<grant><privilege><read/></privilege></grant>'
  for (const [why, value] of Object.entries({
    'no XML': 'rwx', 'cut off': `<acl xmlns="DAV:"><ace><principal><all/></principal>${grants}`, empty: '', 'no list': `<ace xmlns="DAV:"><principal><all/></principal>${grants}</ace>`,
    'not UTF-8': Buffer.from([0x3c, 0x61, 0xff, 0xfe]), 'zlib that is cut off': deflateSync(Buffer.from(fixture('calendar-2009.xml'))).subarray(0, 40),
    'entities': `<!DOCTYPE acl [<!ENTITY x "<all/>">]><acl xmlns="DAV:"><ace><principal>&x;</principal>${grants}</ace></acl>`,
    'no namespace': `<acl><ace><principal><all/></principal>${grants}</ace></acl>`,
    'entries without sense': `<acl xmlns="DAV:"><ace/><ace><principal/>${grants}</ace><ace>${grants}</ace><ace><principal><all/></principal></ace><ace><principal><all/></principal><grant/></ace><x/>text</acl>`,
    'both grant and deny': `<acl xmlns="DAV:"><ace><principal><all/></principal>${grants}<deny><privilege><read/></privilege></deny></ace></acl>`,
    'a privilege nobody knows': '<acl xmlns="DAV:"><ace><principal><all/></principal><grant><privilege><fly/></privilege></grant></ace></acl>',
    'nobody of that name': `<acl xmlns="DAV:"><ace><principal><href>/principals/users/%00</href></principal>${grants}</ace><ace><principal><href>${'/'.repeat(10_000)}</href></principal>${grants}</ace></acl>`
  })) {
    const bytes = Buffer.from(value)
    setAttributeSync(disk, list, bytes.length > 3000 ? deflateSync(bytes) : bytes)
    t.equal(await statuses('bob'), '403 403 403', why)
    t.equal(await statuses(undefined), '401 401 401', why)
    t.equal(await statuses('alice'), '200 201 207', why)
    const seen = await ask('PROPFIND', work, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:acl/><D:current-user-privilege-set/></D:prop></D:propfind>` })
    t.equal(seen.status, 207)
    t.notMatch(seen.body, /HTTP\/1.1 [45]/, why)
  }
  t.equal((await share(ask, work, [ace(person('users/bob'), ['<D:read/>'])])).status, 200, 'and can be replaced')
  t.equal(await statuses('bob'), '200 403 403')
  t.same(lines, [])
})
