import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readAccounts } from '../../../server/directory/account-files.js'
import { derivedGuid, readAccountsToml } from '../../../server/directory/accounts.js'
import { Directory } from '../../../server/directory/directory.js'
import { calendarUserAddresses, nameProblem, principalPath } from '../../../server/directory/record.js'
import { Source } from '../../../server/directory/source.js'

const alice = '7F0C1F0E-6F2B-4C8E-9B1D-0D5D0F6F6A01'
const text = `
[users.alice]
guid = "${alice}"
fullName = "Alice Example"
emails = ["Alice@example.org"]
addresses = ["mailto:al@example.org", "https://elsewhere.example/alice"]
password = "plain:a"

[users.bob]
aliases = ["robert"]
emails = ["bob@example.org"]
proxies = ["alice", "groups/staff"]

[users."zoë m"]

[groups.staff]
members = ["users/alice", "groups/club"]

[groups.club]
members = ["users/bob", "groups/staff"]

[locations.hall]
autoSchedule = "accept-if-free"
calendaring = false
`
const read = (source: string, warnings: string[] = []) => readAccountsToml(source, 'a.toml', warning => warnings.push(warning))
const names = (records: readonly { name: string }[]) => records.map(({ name }) => name).sort()

t.test('our accounts file', async t => {
  const accounts = read(text)
  t.match(accounts.map(({ record }) => record), [
    { type: 'users', name: 'alice', guid: alice, fullName: 'Alice Example', autoSchedule: 'none', calendaring: true },
    { name: 'bob', guid: derivedGuid('users', 'bob'), fullName: 'bob', writeProxies: [alice, derivedGuid('groups', 'staff')] },
    { name: 'zoë m' }, { type: 'groups', name: 'staff', calendaring: false }, { name: 'club' },
    { type: 'locations', name: 'hall', autoSchedule: 'accept-if-free', calendaring: false }
  ])
  t.strictSame(accounts.map(({ password }) => password), ['plain:a', undefined, undefined, undefined, undefined, undefined])
  t.notMatch(JSON.stringify(accounts[0]?.record), /plain/, 'a record may be logged')
  t.match(derivedGuid('users', 'bob'), /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  t.not(derivedGuid('users', 'bob'), derivedGuid('groups', 'bob'))
  const warnings: string[] = []
  t.strictSame(read('[groups.g]\nmembers = ["users/nobody"]\n', warnings)[0]?.record.members, [])
  t.strictSame(warnings, ['a.toml, line 2: groups.g.members: nobody is called "users/nobody"; left out'])
  t.strictSame(read(''), [])
})

t.test('the example file is right', async t => {
  const file = new URL('../../../conf/accounts.toml', import.meta.url)
  const warnings: string[] = []
  const accounts = readAccountsToml(readFileSync(file, 'utf8'), 'accounts.toml', warning => warnings.push(warning))
  t.strictSame(warnings, [])
  t.strictSame(names(accounts.map(({ record }) => record)), ['alice', 'beamer', 'bob', 'club', 'hall'])
  t.ok(accounts.every(({ password }) => password === undefined), 'nobody has a known password')
})

t.test('a wrong accounts file says where', async t => {
  for (const [why, [source, message]] of Object.entries({
    'no TOML': ['[users.a\n', /^a\.toml, line 1: not valid TOML/],
    'a kind that is none': ['\n[people.a]\n', /^a\.toml, line 2: no kind of account is called people, expected one of users/],
    'a key that is none': ['[users.a]\nfullname = "A"\n', /^a\.toml, line 2: users\.a: no key is called fullname, expected fullName$/],
    'a wrong value': ['[users.a]\n\nemails = "a@b"\n', /^a\.toml, line 3: users\.a\.emails: wrong, expected mail addresses/],
    'no mail address': ['[users.a]\nemails = ["a"]\n', /line 2: users\.a\.emails/],
    'an inline table': ['users = { a = { calendaring = 1 } }', /line 1: users\.a\.calendaring: wrong, expected true or false/],
    'no table': ['[users]\na = 1', /line 2: users\.a: wrong, expected a table like \[users\.a\]/],
    'a clear password': ['[users.a]\npassword = "secret"', /line 2: users\.a\.password: wrong, expected "scrypt\$…"/],
    'members of a user': ['[users.a]\nmembers = []', /line 2: users\.a: only groups have members/],
    'an automatism that is none': ['[locations.a]\nautoSchedule = true', /expected one of none, accept-always/],
    'a slash': ['[users."a/b"]\n', /line 1: users\.a\/b: the name "a\/b" has "\/"; it has to be the name of a directory/],
    'an alias with a dot': ['[users.a]\naliases = [".a"]', /the name "\.a" begins with a dot/],
    'one name twice': ['[users.a]\n[users.A]\n', /line 2: users\.A: the name "A" belongs to users\.a already \(case does not count\)/],
    'an alias of another': ['[users.a]\n[users.b]\naliases=["a"]', /users\.b: the name "a" belongs to users\.a/],
    'one guid twice': [`[users.a]\nguid = "${alice}"\n[groups.b]\nguid = "${alice.toLowerCase()}"\n`, /line 3: groups\.b: the guid .* belongs to users\.a already/],
    'a guid with a slash': ['[users.a]\nguid = "a/b"', /the guid "a\/b" has "\/"/],
    'the prototype': ['[users.__proto__]\nguid = "x"', /not valid TOML/]
  } as Record<string, [string, RegExp]>)) t.throws(() => read(source), { name: 'AccountsError', message }, why)
})

t.test('names that can be directories', async t => {
  for (const name of ['alice', 'al.ice', 'zoë', 'a b', 'alice@example.org', '漢字', 'x'.repeat(100), 'constructor', '~', '-']) t.equal(nameProblem(name), undefined, name)
  for (const name of ['', '.', '..', '.a', 'a/b', 'a\\b', '50%', 'a:b', 'a\0', 'a\nb', 'a\x85', ' a', 'a ', 'x'.repeat(101), 'é'.repeat(51), '\ud800', 'zoe\u0308']) {
    t.type(nameProblem(name), 'string', JSON.stringify(name))
  }
})

t.test('who is found how', async t => {
  const directory = new Directory(read(text), { origin: 'https://cal.example.org/' })
  const found = (address: string) => directory.byAddress(address)?.name
  for (const [address, name] of [
    ['mailto:alice@EXAMPLE.org', 'alice'], ['MAILTO:al@example.org', 'alice'], ['mailto:al%40example.org', 'alice'], [`urn:uuid:${alice}`, 'alice'], [`URN:UUID:${alice.toLowerCase()}`, 'alice'],
    [`urn:x-uid:${alice}`, 'alice'], ['/principals/users/alice/', 'alice'], ['/principals/users/alice', 'alice'], [`/principals/__uids__/${alice}/`, 'alice'],
    ['/principals/users/zo%C3%AB%20m/', 'zoë m'], ['/principals/users/zoë m/', 'zoë m'], ['https://cal.example.org/principals/users/robert/', 'bob'], ['https://elsewhere.example/alice', 'alice'],
    ['https://evil.example/principals/users/alice/', undefined], ['/principals/users/Alice/', undefined], ['/principals/groups/club/', 'club'], ['/principals/things/alice/', undefined],
    ['/principals/users/%ZZ/', undefined], ['/principals/users/alice/calendar-proxy-read/', undefined], ['mailto:', undefined], ['', undefined], ['urn:uuid:', undefined], ['mailto:%ZZ', undefined],
    ['/principals/__proto__/alice/', undefined]
  ] as const) t.equal(found(address), name, address)
  for (const [typed, name] of [['alice', 'alice'], ['ALICE', 'alice'], ['robert', 'bob'], ['Bob@Example.org', 'bob'], ['zoe\u0308 m', 'zoë m'], ['hall', undefined], ['club', undefined], ['', undefined]] as const) {
    t.equal(directory.byLogin(typed)?.name, name, `login ${typed}`)
  }
  t.equal(directory.byName('users', 'ALICE'), undefined, 'names are exact')
  t.equal(directory.byName('locations', 'hall')?.type, 'locations')
  const [first] = directory.all('users')
  t.strictSame(first && calendarUserAddresses(first), ['mailto:Alice@example.org', 'mailto:al@example.org', 'https://elsewhere.example/alice', `urn:uuid:${alice}`, '/principals/users/alice/'])
  t.equal(first && principalPath(first), '/principals/users/alice/')
})

t.test('groups in groups, even in a circle', async t => {
  const directory = new Directory(read(text))
  const get = (type: 'users' | 'groups', name: string) => directory.byName(type, name)!
  t.strictSame(names(directory.groupsOf(get('users', 'bob'))), ['club', 'staff'])
  t.strictSame(names(directory.groupsOf(get('groups', 'club'))), ['staff'])
  t.strictSame(names(directory.membersOf(get('groups', 'club'))), ['alice', 'bob', 'staff'])
  t.strictSame(directory.groupsOf(get('users', 'zoë m')), [])
})

const log = () => {
  const lines: string[] = []
  const add = (line: string) => { lines.push(line) }
  return { lines, info: add, warn: add, error: add }
}

t.test('a changed file is read again, a broken one changes nothing', async t => {
  const file = join(t.testdir({ 'accounts.toml': text }), 'accounts.toml')
  const lines = log()
  const source = await Source.open({ file, log: lines })
  const { directory } = source
  t.equal(await source.refresh(), true)
  t.equal(directory.version, 0, 'nothing changed, nothing read')
  writeFileSync(file, text + '[users.carol]\n')
  t.equal(await source.refresh(), true)
  t.equal(directory.version, 1)
  t.equal(directory.byName('users', 'carol')?.name, 'carol')
  writeFileSync(file, '[users.dave]\nbad = 1\n')
  t.equal(await source.refresh(), false)
  t.equal(directory.byName('users', 'carol')?.name, 'carol')
  t.match(lines.lines.at(-1), /^accounts stay as they were: .*accounts\.toml, line 2: users\.dave: no key is called bad/)
  const said = lines.lines.length
  await source.refresh()
  t.equal(lines.lines.length, said, 'said once')
  rmSync(file)
  t.equal(await source.refresh(), false)
  t.equal(directory.all('users').length, 4)
  writeFileSync(`${file}.new`, '[users.erin]\n')
  renameSync(`${file}.new`, file)
  t.strictSame(await Promise.all([source.reload(), source.reload(), source.refresh()]), [true, true, true])
  t.equal(directory.version, 2, 'asked three times at once, read once')
  t.strictSame(names(directory.all('users')), ['erin'])
  const stop = source.watch(0.02)
  writeFileSync(file, '[users.frank]\n')
  for (let i = 0; i < 100 && directory.version < 3; i++) await new Promise(resolve => setTimeout(resolve, 10))
  stop()
  t.strictSame(names(directory.all('users')), ['frank'])
})

t.test('a file that is missing or of the wrong sort', async t => {
  const dir = t.testdir({ 'a.toml': '', 'r.xml': '<accounts/>', 'x.xml': '<accounts>\n<user><uid>a</uid></user>\n<user/></accounts>', 'n.xml': '<accounts><user><uid>a/b</uid></user></accounts>' })
  await t.rejects(Source.open({ file: join(dir, 'none'), log: log() }), { name: 'AccountsError', message: /none: does not exist; `caldavd user add NAME`/ })
  await t.rejects(readAccounts({ file: join(dir, 'a.toml'), resources: join(dir, 'r.xml'), log: log() }), { message: /accounts\.resources: goes with Apple's/ })
  await t.rejects(readAccounts({ file: join(dir, 'x.xml'), log: log() }), { name: 'AccountsError', message: /x\.xml, line 3: <user> without <uid>/ })
  await t.rejects(readAccounts({ file: join(dir, 'n.xml'), log: log() }), { name: 'AccountsError', message: /n\.xml: users\.a\/b: the name "a\/b" has "\/"/ })
})

t.test("Apple's accounts", async t => {
  const dir = t.testdir({
    'accounts.xml': `<?xml version="1.0"?><!DOCTYPE accounts SYSTEM "accounts.dtd"><accounts realm="Test">
      <user repeat="2"><uid>user%02d</uid><guid>user%02d</guid><password>pw%02d</password><name>User %02d</name><email-address>user%02d@example.com</email-address><cuaddr>mailto:u%d@example.com</cuaddr></user>
      <user><uid>mute</uid><guid>mute</guid><password></password><name>M</name></user>
      <group><uid>all</uid><guid>all</guid><name>All</name><members><member type="users">user01</member><member>nobody</member></members></group></accounts>`,
    'resources.xml': '<accounts realm="Test"><location><uid>hall</uid><guid>hall</guid><name>Hall</name></location></accounts>',
    'augments.xml': '<augments><record><uid>Default</uid><enable>true</enable><enable-calendar>true</enable-calendar><auto-schedule>true</auto-schedule></record><record><uid>user02</uid><enable>false</enable></record></augments>',
    'proxies.xml': '<proxies><record><guid>hall</guid><proxies><member>user01</member></proxies><read-only-proxies><member>all</member></read-only-proxies></record></proxies>'
  })
  const lines = log()
  const { directory } = await Source.open({
    file: join(dir, 'accounts.xml'), resources: join(dir, 'resources.xml'), augments: join(dir, 'augments.xml'), proxies: join(dir, 'proxies.xml'), log: lines
  })
  const user = directory.byName('users', 'user01')!
  t.match(user, { guid: 'user01', fullName: 'User 01', emails: ['user01@example.com'], addresses: ['mailto:u1@example.com'], calendaring: true, autoSchedule: 'automatic' })
  t.equal(directory.password(user), 'plain:pw01')
  t.equal(directory.byAddress('urn:uuid:user01'), user)
  t.match(directory.byName('users', 'user02'), { calendaring: false })
  t.equal(directory.password(directory.byName('users', 'user02')!), undefined, 'not enabled, no login')
  t.equal(directory.password(directory.byName('users', 'mute')!), undefined, 'an empty password is none')
  t.match(directory.byName('locations', 'hall'), { writeProxies: ['user01'], readProxies: ['all'] })
  t.strictSame(names(directory.groupsOf(user)), ['all'])
  t.match(lines.lines, [/accounts\.xml, line 4: .*nobody/])
})
