import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { applyAugments, applyProxies, applyResources, readAccounts, type AccountRecord } from '../../twistedcompat/accounts.js'
import { derivedGuid } from '../../twistedcompat/guid.js'
import { readPlistDict } from '../../twistedcompat/plist.js'
import { numbered } from '../../twistedcompat/repeat.js'
import { translate } from '../../twistedcompat/settings.js'
import { readSudoers } from '../../twistedcompat/sudoers.js'

const head = '<?xml version="1.0" encoding="utf-8"?>\n\n<!-- a licence -->\n\n<!DOCTYPE accounts SYSTEM "accounts.dtd">\n\n'

function find (records: readonly AccountRecord[], key: string): AccountRecord {
  const record = records.find(record => `${record.type}:${record.name}` === key)
  if (record === undefined) throw new Error(`no ${key}`)
  return record
}

function count (records: readonly AccountRecord[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of records) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

t.test('derived GUIDs are those of Apple\'s server', async t => {
  t.equal(derivedGuid('Test Realm', 'users', ['admin']), '38eae584-2b75-582b-a058-018391d1003f')
  t.equal(derivedGuid('Test Realm', 'locations', ['room1']), '2979b93a-2a66-558c-8ae4-d484e88e749e')
})

t.test('numbers are put in as Python does', async t => {
  for (const [text, expected] of Object.entries({
    'user%02d': 'user07', 'user%d': 'user7', '%03d': '007', 'a%s': 'a7', '%3d.': '  7.', '%-3d.': '7  .', '%+d': '+7', '%x': '7', '100%% %d': '100% 7', plain: 'plain'
  })) t.equal(numbered(text, 7), expected)
  for (const text of ['100%', '%d%d', '%%', '%q', '%999999999d', '%(n)d']) t.equal(numbered(text, 7), undefined, text)
})

t.test('1.x: passwords, repeats, members, proxies', async t => {
  const { realm, records, notes } = readAccounts(head + `<accounts realm="Test Realm">
    <user><uid>admin</uid><guid/><password>a&amp;b <![CDATA[<c>]]></password><name>Super  Münch</name></user>
    <user repeat="12"><uid>user%02d</uid><guid>user%02d</guid><password>pw%02d</password><name>User %02d</name><cuaddr>mailto:user%02d@example.com</cuaddr></user>
    <user repeat="1"><uid>50%</uid><password/></user>
    <location repeat='2'><uid>room%d</uid><name>Room %d</name><auto-schedule/></location>
    <resource><uid>beamer</uid><guid>beamer</guid><proxies><member type="users">user01</member><member type="groups">staff</member></proxies></resource>
    <group><uid>staff</uid><guid>STAFF</guid><name>Staff</name><members><member>user02</member><member type="locations">room1</member><member>user%02d</member><member/></members></group>
    <group><uid>quiet</uid><members/><disable-calendar/></group>
  </accounts>`)
  t.equal(realm, 'Test Realm')
  t.same(count(records), { users: 14, locations: 2, resources: 1, groups: 2 })
  t.match(find(records, 'users:admin'), { guid: '38eae584-2b75-582b-a058-018391d1003f', password: 'a&b <c>', fullName: 'Super  Münch', autoSchedule: 'none', enabledForCalendaring: true })
  t.match(find(records, 'users:user12'), { guid: 'user12', password: 'pw12', fullName: 'User 12', addresses: ['mailto:user12@example.com'] })
  t.notOk('password' in find(records, 'users:50%'), 'an empty password is none')
  t.match(find(records, 'locations:room1'), { guid: '2979b93a-2a66-558c-8ae4-d484e88e749e', autoSchedule: 'automatic' })
  t.match(find(records, 'resources:beamer'), { proxies: ['user01', 'STAFF'], autoSchedule: 'none' })
  t.same(find(records, 'groups:staff').members, ['user02', '2979b93a-2a66-558c-8ae4-d484e88e749e'])
  t.equal(find(records, 'groups:staff').enabledForCalendaring, true)
  t.equal(find(records, 'groups:quiet').enabledForCalendaring, false)
  t.same(notes, ['line 13: groups:staff names users:user%02d, which is no record'], 'members are not repeated')
})

t.test('2.x: several names, e-mail, readers; groups have no calendars', async t => {
  const { records, notes } = readAccounts(`<accounts realm="R">
    <user><uid>ann</uid><uid>Ann B</uid><name>Ann B</name><first-name>Ann</first-name><last-name>B</last-name><email-address>Ann@Example.com</email-address><cuaddr>mailto:ann@example.com</cuaddr><cuaddr>urn:x</cuaddr></user>
    <user><uid>bob</uid><guid>first</guid><disable-calendar/></user>
    <user><uid>bob</uid><guid>second</guid></user>
    <user><uid>eve</uid><guid>second</guid></user>
    <location><uid>r</uid><read-only-proxies><member type="users">ann</member><member>second</member></read-only-proxies></location>
    <group><uid>g</uid><members><member>ann</member><member>ann</member></members></group>
    <address><uid>ignored</uid></address>
  </accounts>`)
  const ann = find(records, 'users:ann')
  t.match(ann, { aliases: ['Ann B'], firstName: 'Ann', lastName: 'B', emails: ['ann@example.com'], addresses: ['mailto:ann@example.com', 'urn:x'] })
  t.equal(ann.guid, derivedGuid('R', 'users', ['ann', 'Ann B']))
  t.match(find(records, 'users:bob'), { guid: 'second', enabledForCalendaring: true })
  t.same(find(records, 'locations:r').readProxies, [ann.guid, 'second'], 'by name or by GUID')
  t.match(find(records, 'groups:g'), { enabledForCalendaring: false, members: [ann.guid] })
  t.equal(records.length, 5)
  t.match(notes, [/line 4: users:bob is there twice/, /line 5: users:eve has the guid second/])
})

t.test('2006: repository.xml', async t => {
  const { realm, records } = readAccounts(`<?xml version="1.0"?><!DOCTYPE repository SYSTEM "repository.dtd">
  <repository><docroot><collection><members/></collection></docroot><accounts>
    <user><uid>admin</uid><pswd>admin</pswd><name>Super User</name></user>
    <user repeat='3'><uid>resource%02d</uid><pswd/><name>Room %02d</name><calendar>calendar</calendar>
      <acl><ace><principal><all/></principal><grant><privilege><all/></privilege></grant></ace></acl><autorespond/></user>
  </accounts></repository>`)
  t.equal(realm, '')
  t.match(records, [
    { name: 'admin', password: 'admin', enabledForCalendaring: false, calendars: [] },
    { name: 'resource01', fullName: 'Room 01', enabledForCalendaring: true, calendars: ['calendar'], autoSchedule: 'automatic' },
    {}, {}
  ])
  t.notOk('password' in find(records, 'users:resource02'))
  t.same(readAccounts('<repository><accounts/></repository>').records, [])
})

const directory = `<directory realm="Test Realm">
<record><uid>0C8BDE62-E600-4696-83D3-8B5ECABDFD2E</uid><guid>0C8BDE62-E600-4696-83D3-8B5ECABDFD2E</guid><short-name>admin</short-name><short-name>root</short-name><password> x </password><full-name>まだ</full-name><email>admin@example.com</email></record>
<record type="user" repeat="2"><uid>10000000-0000-0000-0000-%012d</uid><short-name>user%02d</short-name></record>
<record type="group"><uid>20000000-0000-0000-0000-000000000001</uid><short-name>group01</short-name><member-uid>10000000-0000-0000-0000-000000000001</member-uid><member-uid>elsewhere</member-uid></record>
<record type="location"><uid>pretend</uid><short-name>pretend</short-name><associated-address>il1</associated-address></record>
<record type="address"><uid>il1</uid><short-name>il1</short-name></record>
<record type="resource"><uid>40000000-0000-0000-0000-000000000001</uid><short-name>resource01</short-name><auto-schedule-mode><accept/></auto-schedule-mode><has-calendars><false/></has-calendars></record>
</directory>`

t.test('the last generation', async t => {
  const { records, notes } = readAccounts(head + directory)
  t.same(count(records), { users: 3, groups: 1, locations: 1, resources: 1 })
  t.match(find(records, 'users:admin'), { aliases: ['root'], guid: '0C8BDE62-E600-4696-83D3-8B5ECABDFD2E', password: ' x ', fullName: 'まだ', addresses: ['mailto:admin@example.com'] })
  t.match(find(records, 'users:user02'), { guid: '10000000-0000-0000-0000-000000000002', autoSchedule: 'none', enabledForLogin: true })
  t.match(find(records, 'groups:group01'), { members: ['10000000-0000-0000-0000-000000000001', 'elsewhere'], enabledForCalendaring: false })
  t.match(find(records, 'locations:pretend'), { guid: 'pretend', autoSchedule: 'automatic' })
  t.match(find(records, 'resources:resource01'), { autoSchedule: 'accept-always', enabledForCalendaring: false })
  t.same(notes, [])
})

t.test('resources, augments and proxies', async t => {
  const accounts = readAccounts(directory).records
  const records = applyResources(accounts, '<accounts realm="R"><resource><uid>resource01</uid><guid>new</guid></resource><location repeat="2"><uid>l%d</uid><guid>3%d</guid></location></accounts>')
  t.same(count(records), { users: 3, groups: 1, locations: 3, resources: 1 })
  t.equal(find(records, 'resources:resource01').guid, 'new')

  const augmented = applyAugments(records, `<augments>
    <record><uid>Default</uid><enable>true</enable><enable-calendar>true</enable-calendar><enable-addressbook>true</enable-addressbook></record>
    <record><uid>Location-Default</uid><enable-calendar>true</enable-calendar><auto-schedule-mode>automatic</auto-schedule-mode></record>
    <record><uid>0c8bde62-e600-4696-83d3-8b5ecabdfd2e</uid><enable>false</enable><enable-calendar>true</enable-calendar></record>
    <record><uid>User-10*</uid><enable-calendar>true</enable-calendar><enable-login>false</enable-login></record>
    <record repeat="2"><uid>3%d</uid><enable-calendar>true</enable-calendar><auto-schedule-mode>decline-always</auto-schedule-mode><auto-accept-group>g1</auto-accept-group></record>
    <record><guid>new</guid><auto-schedule>true</auto-schedule></record>
  </augments>`)
  t.match(find(augmented, 'users:admin'), { enabledForCalendaring: false, enabledForLogin: false }, 'GUIDs without case')
  t.match(find(augmented, 'users:user01'), { enabledForCalendaring: true, enabledForLogin: false })
  t.match(find(augmented, 'groups:group01'), { enabledForCalendaring: false, enabledForLogin: true })
  t.match(find(augmented, 'locations:l2'), { autoSchedule: 'decline-always', autoAcceptGroup: 'g1', enabledForCalendaring: true })
  t.match(find(augmented, 'locations:pretend'), { autoSchedule: 'automatic' })
  t.match(find(augmented, 'resources:resource01'), { autoSchedule: 'automatic', enabledForCalendaring: false })
  t.same(applyAugments(records, '<augments/>'), records, 'nothing said, nothing changed')

  const proxied = applyProxies(records, `<proxies>
    <record><guid>new</guid><write-proxies><member>a</member><member>b</member></write-proxies><read-proxies><member>c</member></read-proxies></record>
    <record repeat="2"><guid>3%d</guid><proxies><member>m%d</member></proxies><read-only-proxies/></record>
    <record><guid>nobody</guid></record>
  </proxies>`)
  t.match(find(proxied, 'resources:resource01'), { proxies: ['a', 'b'], readProxies: ['c'] })
  t.match(find(proxied, 'locations:l2'), { proxies: ['m2'], readProxies: [] })
  t.same(find(proxied, 'users:admin'), find(records, 'users:admin'))
})

t.test('errors say line and what was expected', async t => {
  const inAccounts = (text: string) => `<accounts>\n${text}\n</accounts>`
  for (const [why, [source, message]] of Object.entries<[string, RegExp]>({
    'another root': ['<plist/>', /^line 1: <plist>, expected <accounts>, <directory>/],
    'no accounts': ['<repository/>', /^line 1: .*expected one/],
    'unknown kind': [inAccounts('<usr/>'), /^line 2: record of type "usr", expected user/],
    'unknown kind of record': ['<directory>\n<record type="users"/></directory>', /^line 2: .*expected user, group/],
    'no record': ['<directory><user/></directory>', /expected <record>/],
    'unknown field': [inAccounts('<user>\n<mail/></user>'), /^line 3: <mail>, expected in <user> one of uid/],
    'no name': [inAccounts('<user><uid/></user>'), /^line 2: <user> without <uid>/],
    'no identity': ['<directory>\n<record/></directory>', /^line 2: <record> without/],
    'bad repeat': [inAccounts('<user repeat="x"><uid>a</uid></user>'), /^line 2: repeat="x", expected a number/],
    'too many': [inAccounts('<user repeat="999999"><uid>a%d</uid></user>'), /^line 2: repeat/],
    'many repeats': [inAccounts('<user repeat="150000"><uid>a%d</uid></user>\n<user repeat="150000"><uid>b%d</uid></user>'), /^line 3: more than/],
    'lone percent': [inAccounts('<user repeat="2"><uid>a%d</uid>\n<password>50%</password></user>'), /^line 3: <password> of a repeated record, expected/],
    'element for text': [inAccounts('<user><uid><b/></uid></user>'), /^line 2: <uid>, expected text/],
    'bad member': [inAccounts('<group><uid>g</uid><members><user/></members></group>'), /^line 2: <user>, expected <member>/],
    'bad member type': [inAccounts('<group><uid>g</uid><members><member type="user">u</member></members></group>'), /expected users, groups/],
    'wrong mode': ['<directory><record><uid>u</uid>\n<auto-schedule-mode>automatic</auto-schedule-mode></record></directory>', /^line 2: .*expected <none\/>/],
    'wrong flag': ['<directory><record><uid>u</uid><has-calendars>true</has-calendars></record></directory>', /expected <true\/>/],
    entities: ['<!DOCTYPE accounts [\n<!ENTITY x "y">]><accounts/>', /^line 1: DOCTYPE with declarations/],
    'late DOCTYPE': ['<accounts>\n<!DOCTYPE a></accounts>', /^line 2: declaration, expected an element/],
    'two DOCTYPEs': ['<!DOCTYPE a>\n<!DOCTYPE b><accounts/>', /^line 2: declaration/],
    'bare ENTITY': ['<!ENTITY x "y"><accounts/>', /^line 1: declaration/],
    'unknown entity': [inAccounts('<user><uid>&x;</uid></user>'), /^line 2: reference &x;, expected/],
    'no character': [inAccounts('<user><uid>&#0;</uid></user>'), /^line 2: reference &#0;/],
    'no Unicode': [inAccounts('<user><uid>&#x110000;</uid></user>'), /reference/],
    'wrong nesting': [inAccounts('<user>\n<uid>a</user></uid>'), /^line 3: /],
    'two roots': ['<accounts/>\n<accounts/>', /^line 2: second root/],
    'text at the end': ['<accounts/>\n x', /^line \d: /],
    'open comment': ['<accounts>\n<!-- </accounts>', /^line 2: expected -->/],
    'control character': ['<accounts>\n\x01</accounts>', /^line 2: control character/],
    empty: ['', /^line 1: /],
    cut: [inAccounts('<user>').slice(0, -3), /^line \d+: /],
    'reserved word': ['<accounts><__proto__/></accounts>', /expected/],
    deep: ['<accounts>' + '<user>'.repeat(200) + '</user>'.repeat(200) + '</accounts>', /nested/i]
  })) t.throws(() => readAccounts(source), { name: 'AccountsError', message }, why)
  const records = readAccounts(directory).records
  for (const [source, message] of [
    ['<accounts/>', /expected <augments>/], ['<augments>\n<user/></augments>', /^line 2: .*expected <record>/],
    ['<augments><record>\n<enable-calendar>yes</enable-calendar><uid>u</uid></record></augments>', /^line 2: .*expected true or false/],
    ['<augments>\n<record/></augments>', /^line 2: <record> without <uid>/], ['<augments><record><x/></record></augments>', /expected in <record>/],
    ['<augments><record><uid>u</uid>\n<auto-schedule-mode>maybe</auto-schedule-mode></record></augments>', /^line 2: .*expected default, none/]
  ] as const) t.throws(() => applyAugments(records, source), { name: 'AccountsError', message })
  for (const [source, message] of [
    ['<augments/>', /expected <proxies>/], ['<proxies><user/></proxies>', /expected <record>/], ['<proxies>\n<record/></proxies>', /^line 2: <record> without <guid>/]
  ] as const) t.throws(() => applyProxies(records, source), { name: 'AccountsError', message })
})

const apple = process.env['CALDAVD_APPLE_ACCOUNTS']

t.test('Apple\'s own files', { skip: apple === undefined ? 'CALDAVD_APPLE_ACCOUNTS names no directory' : false }, async t => {
  const read = (...path: string[]) => readFileSync(join(apple ?? '', ...path), 'utf8')
  t.same(count(readAccounts(read('2006', 'repository.xml')).records), {})
  t.same(readAccounts(read('2006', 'repository-static.xml')).records.map(record => record.name), ['admin'])
  t.same(count(readAccounts(read('1.0', 'accounts-test.xml')).records), { users: 110, locations: 10, resources: 10, groups: 1 })
  t.same(count(readAccounts(read('1.2', 'accounts-test.xml')).records), { users: 110, locations: 10, resources: 10, groups: 2 })
  t.same(find(readAccounts(read('1.2', 'accounts-test.xml')).records, 'groups:group01').enabledForCalendaring, true)
  const { records: second } = readAccounts(read('2.4', 'accounts-test.xml'))
  t.same(count(second), { users: 111, locations: 10, resources: 10, groups: 5 })
  t.match(find(second, 'resources:resource10'), { proxies: ['user01'], readProxies: ['user03'], autoSchedule: 'automatic' })
  t.match(find(second, 'groups:group04'), { members: ['group02', 'group03', 'user10'], enabledForCalendaring: false })

  const { realm, records: accounts, notes } = readAccounts(read('final', 'accounts-test.xml'))
  t.equal(realm, 'Test Realm')
  t.same(notes, [])
  t.same(count(accounts), { users: 114, groups: 100 })
  const last = applyProxies(applyAugments(applyResources(accounts, read('final', 'resources-test.xml')), read('final', 'augments-test.xml')), read('final', 'proxies-test.xml'))
  t.same(count(last), { users: 114, groups: 100, locations: 103, resources: 100 })
  t.match(find(last, 'users:i18nuser'), { guid: '860B3EE9-6D7C-4296-9639-E6B998074A78', fullName: 'まだ', emails: ['i18nuser@example.com'] })
  t.match(find(last, 'users:user40'), { guid: '10000000-0000-0000-0000-000000000040', password: 'user40' })
  t.match(find(last, 'locations:delegatedroom'), { guid: 'delegatedroom', autoSchedule: 'automatic', proxies: [find(last, 'groups:group05').guid] })
  t.match(find(last, 'resources:resource01'), { proxies: [find(last, 'users:user01').guid], readProxies: [find(last, 'users:user03').guid] })
  t.same(['05', '06', '07', '08', '09', '10', '11', '12'].map(number => find(last, `resources:resource${number}`).autoSchedule),
    ['none', 'accept-always', 'decline-always', 'accept-if-free', 'decline-if-busy', 'automatic', 'decline-always', 'automatic'])
  t.equal(find(last, 'resources:resource11').autoAcceptGroup, find(last, 'groups:group01').guid)

  t.same(readSudoers(read('2.4', 'sudoers.plist')), [{ username: 'superuser', password: 'superuser' }])
  for (const [path, expected] of Object.entries({
    '2006/caldavd-dev.plist': { 'server.port': 8008, 'data.documents': 'twistedcaldav/test/data/', 'accounts.file': 'conf/repository-dev.xml' },
    '1.0/caldavd-test.plist': { 'server.port': 8008, 'server.bind': '127.0.0.1', 'limits.resourceBytes': 1048576, 'accounts.file': 'conf/accounts-test.xml' },
    '1.2/caldavd-test.plist': { 'server.port': 8008, 'limits.quotaBytes': 104857600 },
    '2.4/caldavd-test.plist': { 'limits.instances': 400, 'access.sudoers': 'conf/sudoers.plist', 'access.admins': ['/principals/__uids__/admin/'], 'log.level': 'info' },
    'final/caldavd-test.plist': {
      'server.port': 8008, 'server.bind': '0.0.0.0', 'limits.instances': 3000, 'limits.resourceBytes': 1048576, 'limits.attendees': 100, 'authentication.basic': true,
      'accounts.file': './conf/auth/accounts-test.xml', 'accounts.resources': './conf/auth/resources-test.xml', 'accounts.augments': './conf/auth/augments-test.xml',
      'accounts.proxies': './conf/auth/proxies-test.xml', 'data.documents': './data/Data/Documents', 'log.access': './data/Logs/access.log'
    }
  })) t.match(translate(readPlistDict(read(path))).settings, expected, path)
})
