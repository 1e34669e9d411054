import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadSettings } from '../../../conf/load.js'
import { derivedGuid } from '../../../server/directory/accounts.js'
import { dnKey } from '../../../server/directory/dn.js'
import { joinLdap } from '../../../server/directory/ldap-accounts.js'
import { recordOf, type LdapRecord } from '../../../server/directory/ldap-record.js'
import { Ldap } from '../../../server/directory/ldap.js'
import { Source } from '../../../server/directory/source.js'
import { missing } from '../../interop/server.js'
import { entry, slapd } from './slapd.js'

const reader = { 'ldap.bindDn': 'cn=caldavd,dc=example,dc=org', 'ldap.bindPassword': 'reader' }
const settingsOf = (flags: Record<string, string>) =>
  loadSettings({ environment: {}, flags: { 'data.directory': '/nowhere', 'ldap.base': 'dc=example,dc=org', 'ldap.timeoutSeconds': '2', ...flags } }).ldap

const log = () => {
  const lines: string[] = []
  const note = (level: string) => (text: string) => { lines.push(`${level} ${text}`) }
  return { lines, info: note('info'), warn: note('warn'), error: note('error') }
}

const person = (uid: string, more: Record<string, string> = {}, where = 'dc=example,dc=org') =>
  entry(`uid=${uid},${where}`, 'inetOrgPerson', { uid, sn: 'Example', cn: `${uid} Example`, ...more })

const people = [
  person('alice', { givenName: 'Alice', displayName: 'Alice E.', mail: 'alice@example.org', userPassword: 'pw alice' }),
  person('zoë', { userPassword: 'Zoë' }), person('mute'), person('dora', { userPassword: 'pw dora' }),
  entry('cn=Smith\\, Bob+sn=S,dc=example,dc=org', 'inetOrgPerson', { cn: 'Smith, Bob', sn: 'S', uid: 'bob', userPassword: 'pw bob' }),
  entry('cn=inner,dc=example,dc=org', 'groupOfNames', { cn: 'inner', member: ['CN=smith\\2C bob + SN=s, dc=Example,DC=org', 'cn=outer,dc=example,dc=org'] }),
  entry('cn=outer,dc=example,dc=org', 'groupOfNames', { cn: 'outer', member: ['cn=inner,dc=example,dc=org', 'uid=gone,dc=example,dc=org'] }),
  entry('cn=unique,dc=example,dc=org', 'groupOfUniqueNames', { cn: 'unique', uniqueMember: 'uid=alice,dc=example,dc=org' }),
  entry('cn=posix,dc=example,dc=org', 'posixGroup', { cn: 'posix', gidNumber: '5', memberUid: ['alice', 'dora', 'filed', 'nobody'] }),
  entry('ou=rooms,dc=example,dc=org', 'organizationalUnit', { ou: 'rooms' }),
  entry('cn=hall,ou=rooms,dc=example,dc=org', 'room', { cn: 'hall' }), entry('cn=beamer,dc=example,dc=org', 'device', { cn: 'beamer' })
].join('')

const directoryFor = (t: Test, files: Record<string, string>) => {
  const dir = mkdtempSync(join(tmpdir(), 'source-'))
  t.teardown(() => { rmSync(dir, { recursive: true }) })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

t.test('a directory server', { skip: missing('slapd', 'ldapmodify', 'openssl'), timeout: 100_000 }, async t => {
  const server = await slapd(t)
  server.modify(people)
  const places = { 'ldap.url': server.url, 'ldap.locationBase': 'ou=rooms,dc=example,dc=org', 'ldap.resourceBase': 'dc=example,dc=org', ...reader }
  const dir = directoryFor(t, {
    'a.toml': `[users.filed]\npassword = "plain:x"\n[users.dora]\nguid = "dora-guid"\nquota = "2 GB"\npassword = "plain:mine"
[users.linked]\npassword = "ldap:uid=alice,dc=example,dc=org"\n[groups.mixed]\nmembers = ["alice", "groups/outer"]\n[locations.attic]\nproxies = ["bob"]\n`
  })
  const lines = log()
  const parts = { file: join(dir, 'a.toml'), ldap: settingsOf(places), state: join(dir, 'state'), log: lines }
  const source = await Source.open(parts)
  const { directory } = source
  const right = async (name: string, given: string) => {
    const record = directory.byLogin(name)
    return source.verify(record && directory.password(record), given, { name: record?.name })
  }

  t.test('its people', async t => {
    const alice = directory.byName('users', 'alice')!
    t.match(alice, { fullName: 'Alice E.', firstName: 'Alice', lastName: 'Example', emails: ['alice@example.org'], calendaring: true, autoSchedule: 'none' })
    t.match(alice.guid, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    t.not(alice.guid, derivedGuid('users', 'alice'), 'entryUUID')
    t.equal(directory.byLogin('alice@example.org'), alice)
    t.match(directory.byName('users', 'bob'), { fullName: 'Smith, Bob' })
    t.match(directory.byName('locations', 'hall'), { calendaring: true, autoSchedule: 'automatic' })
    t.match(directory.byName('resources', 'beamer'), { calendaring: true })
    t.match(directory.byName('users', 'dora'), { guid: 'dora-guid', quota: 2 * 1024 ** 3 }, 'the file counts')
    t.strictSame(directory.all('users').map(({ name }) => name).sort(), ['alice', 'bob', 'dora', 'filed', 'linked', 'mute', 'zoë'])
    t.strictSame(lines.lines, [], 'nothing to complain about')
  })

  t.test('its groups', async t => {
    const groups = (name: string) => directory.groupsOf(directory.byLogin(name)!).map(({ name }) => name).sort()
    t.strictSame(groups('bob'), ['inner', 'mixed', 'outer'], 'through groups in a circle, and a group of the file')
    t.strictSame(groups('alice'), ['mixed', 'posix', 'unique'])
    t.strictSame([groups('dora'), groups('filed'), groups('mute')], [['posix'], ['posix'], []])
    t.strictSame(directory.membersOf(directory.byName('groups', 'outer')!).map(({ name }) => name).sort(), ['bob', 'inner'])
    t.strictSame(directory.byName('locations', 'attic')?.writeProxies, [directory.byName('users', 'bob')!.guid])
  })

  t.test('passwords', async t => {
    for (const [why, name, given, expected] of [
      ['right', 'alice', 'pw alice', true], ['wrong', 'alice', 'pw bob', false], ['empty', 'alice', '', false], ['with NUL', 'alice', '\0', false],
      ['by mail address', 'alice@example.org', 'pw alice', true], ['signs in the name', 'bob', 'pw bob', true], ['letters', 'zoë', 'Zoe\u0308', true],
      ['no password set', 'mute', 'x', false], ['no password set, empty', 'mute', '', false],
      ['of the file', 'dora', 'mine', true], ['of LDAP, but in the file', 'dora', 'pw dora', false], ['of LDAP by the file', 'linked', 'pw alice', true],
      ['nobody', 'eve', 'x', false], ['a star', '*', 'pw alice', false], ['a filter', 'alice)(uid=*', 'pw alice', false]
    ] as const) t.equal(await right(name, given), expected, why)
    t.equal(await source.verify('ldap:', 'x'), false, 'no name')
    t.equal(await source.verify('ldap:uid=removed,dc=example,dc=org', 'x'), false, 'an entry that is gone')
    t.equal(await source.verify('ldap:no name at all', 'x'), false, 'not a name')
  })

  t.test('what changes', async t => {
    const before = directory.version
    t.equal(await source.reload(), true)
    server.modify(person('frank', { userPassword: 'pw frank' }) + 'dn: uid=mute,dc=example,dc=org\nchangetype: delete\n\n')
    t.equal(await source.reload(), true)
    t.ok(directory.version > before)
    t.equal(await right('frank', 'pw frank'), true)
    t.equal(directory.byLogin('mute'), undefined)
    const copy = readFileSync(join(dir, 'state', 'ldap.json'), 'utf8')
    t.match(copy, /uid=frank/)
    t.notMatch(copy, /pw |reader/, 'no passwords')
    t.equal(statSync(join(dir, 'state', 'ldap.json')).mode & 0o777, 0o600)
  })

  t.test('down, and back', async t => {
    await server.stop()
    lines.lines.length = 0
    const names = directory.all('users').map(({ name }) => name)
    t.equal(await source.reload(), false)
    t.equal(await source.reload(), false)
    t.strictSame(directory.all('users').map(({ name }) => name), names, 'the records stay')
    t.strictSame(lines.lines.filter(line => !line.startsWith('info')).length, 1, 'said once')
    t.match(lines.lines[0], /^error ldap:\/\/localhost:\d+: .*ECONNREFUSED.*; its entries stay as they were/)
    await t.rejects(right('alice', 'pw alice'), { name: 'Unavailable', message: /^ldap:\/\/localhost/ })
    t.equal(await right('alice', ''), false, 'an empty password is wrong all the same')
    t.equal(await right('dora', 'mine'), true, 'the file needs no server')
    const other = log()
    const again = await Source.open({ ...parts, log: other })
    t.strictSame(again.directory.all('users').map(({ name }) => name).sort(), names.sort(), 'the copy')
    t.strictSame(again.directory.groupsOf(again.directory.byLogin('bob')!).length, 3)
    t.match(other.lines, [/^error ldap:/, /^warn ldap:.*: going on with its \d+ entries of \d{4}-/])
    const without = await Source.open({ ...parts, state: undefined, log: other })
    t.strictSame(without.directory.all('users').map(({ name }) => name).sort(), ['dora', 'filed', 'linked'])
    t.match(other.lines.find(line => line.includes('nobody from')), /^warn .*: nobody from there can log in until it answers/)
    const moved = await Source.open({ ...parts, ldap: settingsOf({ ...places, 'ldap.userName': 'cn' }), log: other })
    t.equal(moved.directory.byLogin('alice'), undefined, 'a copy made with other settings does not count')
    const stop = without.watch(60)
    await server.start()
    for (let tries = 0; without.directory.byLogin('alice') === undefined && tries < 150; tries++) await new Promise(resolve => setTimeout(resolve, 50))
    stop()
    t.ok(without.directory.byLogin('alice'), 'tried again by itself')
    t.match(other.lines.find(line => line.includes('answers again')), /^info ldap:.*: answers again, \d+ entries/)
    t.equal(await source.reload(), true)
    t.equal(await right('alice', 'pw alice'), true)
  })

  t.test('encrypted', async t => {
    for (const [why, flags] of Object.entries({
      ldaps: { 'ldap.url': server.secureUrl, 'ldap.ca': server.ca }, startTls: { 'ldap.url': server.url, 'ldap.startTls': 'true', 'ldap.ca': server.ca }
    })) {
      const ldap = new Ldap(settingsOf({ ...reader, ...flags }))
      t.ok((await ldap.read()).length > 5, why)
      t.equal(await ldap.verify('uid=alice,dc=example,dc=org', 'pw alice'), true, why)
      t.equal(await ldap.verify('uid=alice,dc=example,dc=org', 'pw'), false, why)
      const { 'ldap.ca': _, ...unknown } = flags
      const suspicious = new Ldap(settingsOf({ ...reader, ...unknown }))
      await t.rejects(suspicious.read(), { message: /self-signed/ }, `${why}, an unknown certificate`)
      await t.rejects(suspicious.verify('uid=alice,dc=example,dc=org', 'pw alice'), { name: 'Unavailable' }, `${why}, an unknown certificate`)
      const elsewhere = new Ldap(settingsOf({ ...reader, ...flags, 'ldap.url': flags['ldap.url'].replace('localhost', '127.0.0.1') }))
      await t.rejects(elsewhere.read(), { message: /altnames|IP: 127/i }, `${why}, a certificate of another name`)
    }
  })

  t.test('what cannot be read', async t => {
    const read = (flags: Record<string, string>) => new Ldap(settingsOf({ ...places, ...flags })).read()
    await t.rejects(read({ 'ldap.bindPassword': 'wrong' }), { message: /^ldap\.bindDn: the server does not let cn=caldavd,dc=example,dc=org in/ })
    await t.rejects(read({ 'ldap.userBase': 'ou=none,dc=example,dc=org' }), { message: 'users below ou=none,dc=example,dc=org: there is no such entry (noSuchObject)' })
    await t.rejects(read({ 'ldap.entries': '3' }), { message: /more than 3 users; ldap\.entries allows more/ })
    const file = join(dir, 'password')
    writeFileSync(file, 'reader\n')
    t.ok((await read({ 'ldap.bindPasswordFile': file, 'ldap.bindPassword': 'wrong' })).length > 5, 'a file with the password')
    writeFileSync(file, '\n')
    await t.rejects(read({ 'ldap.bindPasswordFile': file }), { message: /password: is empty/ })
    writeFileSync(parts.file, '[users.linked]\npassword = "ldap:uid=alice,dc=example,dc=org"')
    await t.rejects(Source.open({ file: parts.file, log: log() }), { message: /a\.toml: the password of linked is "ldap:…", but ldap\.url is not set/ })
  })

  t.test('in pages', async t => {
    server.modify(Array.from({ length: 1203 }, (_, i) => person(`u${i}`)).join(''))
    const from = performance.now()
    const records = await new Ldap(settingsOf({ 'ldap.url': server.url, ...reader })).read()
    t.comment(`${records.length} entries in ${(performance.now() - from).toFixed(0)} ms`)
    t.equal(records.filter(({ name }) => /^u\d/.test(name ?? '')).length, 1203)
    server.modify(entry('cn=limited,dc=example,dc=org', 'organizationalRole simpleSecurityObject', { cn: 'limited', userPassword: 'x' }))
    const limited = new Ldap(settingsOf({ 'ldap.url': server.url, 'ldap.bindDn': 'cn=limited,dc=example,dc=org', 'ldap.bindPassword': 'x' }))
    await t.rejects(limited.read(), { message: /^users below dc=example,dc=org: the server gives no more entries/ }, 'a part would look like people who have left')
  })
})

t.test('a server that says nothing, or hangs up', async t => {
  const sockets = new Set<net.Socket>()
  let isRude = false
  const server = net.createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    if (isRude) socket.end('220 hello, this is not LDAP\r\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { for (const socket of sockets) socket.destroy(); server.close() })
  const url = `ldap://127.0.0.1:${(server.address() as net.AddressInfo).port}`
  const ldap = new Ldap(settingsOf({ 'ldap.url': url, 'ldap.timeoutSeconds': '1' }))
  const from = performance.now()
  await t.rejects(ldap.verify('uid=a', 'x'), { name: 'Unavailable' })
  const first = performance.now() - from
  await t.rejects(ldap.verify('uid=a', 'x'), { name: 'Unavailable' })
  const second = performance.now() - from - first
  t.ok(first < 3000 && second < 100, `the next one does not wait again (${first.toFixed(0)} ms, ${second.toFixed(0)} ms)`)
  for (const startTls of ['true', 'false']) {
    isRude = startTls === 'true'
    await t.rejects(new Ldap(settingsOf({ 'ldap.url': url, 'ldap.timeoutSeconds': '1', 'ldap.startTls': startTls })).read(), Error, `startTls ${startTls}`)
  }
})

t.test('settings that cannot work', async t => {
  for (const [flags, message] of [
    [{ 'ldap.userFilter': '(uid=' }, /^ldap\.userFilter: expected a filter.*got "\(uid="/], [{ 'ldap.bindDn': 'cn=a' }, /^ldap\.bindDn: without/],
    [{ 'ldap.url': 'ldaps://a', 'ldap.startTls': 'true' }, /^ldap\.startTls: goes with ldap/]
  ] as const) t.throws(() => new Ldap(settingsOf({ 'ldap.url': 'ldap://a', ...flags })), { name: 'AccountsError', message })
  t.throws(() => new Ldap(loadSettings({ environment: {}, flags: { 'data.directory': '/nowhere', 'ldap.url': 'ldap://a' } }).ldap), { message: /^ldap\.base: expected/ })
  for (const url of ['http://a', 'ldap://', 'ldap://a/dc=x', 'ldap://user@a', 'ldap://a b']) t.throws(() => settingsOf({ 'ldap.url': url }), { message: /ldap\.url: expected an address/ }, url)
  const dir = directoryFor(t, { 'c.toml': '[ldap]\nbindPassword = 4711' })
  t.throws(() => loadSettings({ file: join(dir, 'c.toml'), environment: {} }), { message: /line 2: ldap\.bindPassword: expected a text of one line, got something else$/ }, 'a password is not shown')
  for (const [url, isInClear] of [['ldap://a', true], ['ldaps://a', false], ['ldap://127.0.0.1', false], ['ldap://[::1]:390', false], ['ldap://localhost', false]] as const) {
    t.equal(new Ldap(settingsOf({ 'ldap.url': url })).isInClear, isInClear, url)
  }
})

t.test('names are compared as LDAP does', async t => {
  for (const [one, other, isSame] of [
    ['uid=a,dc=b', 'UID = A , DC=B', true], ['cn=Smith\\, Bob,dc=b', 'cn=smith\\2C  bob,dc=b', true], ['cn=a+sn=b,dc=c', 'sn=b+cn=a,dc=c', true],
    ['cn=Zo\\C3\\AB', 'cn=zoë', true], ['cn=a\\+sn=b', 'cn=a+sn=b', false], ['cn=a,cn=b', 'cn=b,cn=a', false], ['cn=a\\,dc=b', 'cn=a,dc=b', false], ['', 'cn=', false]
  ] as const) t.equal(dnKey(one) === dnKey(other), isSame, `${one} ${other}`)
})

t.test('entries', async t => {
  const settings = settingsOf({ 'ldap.email': 'mail, proxyAddress' })
  const record = (attributes: Record<string, readonly (string | Buffer)[]>, type: 'users' | 'groups' = 'users') =>
    recordOf(type, { dn: 'cn=x', attributes: new Map(Object.entries(attributes)) }, settings)
  const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  t.equal(record({ objectguid: [guid] }).guid, '33221100-5544-7766-8899-aabbccddeeff', "Active Directory's")
  t.equal(record({ objectguid: [guid], entryuuid: ['e'] }).guid, 'e', 'the first attribute counts')
  t.equal(record({ objectguid: [Buffer.of(1)] }).guid, undefined)
  t.match(record({ uid: ['  '], displayname: ['a\nb', 'x'.repeat(600)], cn: ['Full'], mail: ['no address', 'a@b', 'a@b', 'a:b@c'], member: ['cn=y'] }), { name: undefined, fullName: 'Full', emails: ['a@b'], memberDns: [] })
  t.match(record({ cn: ['e\u0301'], member: ['cn=y'], uniquemember: ['cn=z'], memberuid: ['w'] }, 'groups'), { name: 'é', memberDns: ['cn=y', 'cn=z'], memberNames: ['w'] })
})

t.test('entries that cannot be accounts are left out', async t => {
  const one = (name: string | undefined, more: Partial<LdapRecord> = {}): LdapRecord =>
    ({ type: 'users', dn: `uid=${name}`, name, guid: undefined, fullName: undefined, firstName: undefined, lastName: undefined, emails: [], memberDns: [], memberNames: [], ...more })
  const warnings: string[] = []
  const joined = joinLdap([], [
    one('alice', { guid: 'G' }), one('Alice'), one(undefined), one('../x'), one('twin', { guid: 'G' }), one('odd', { guid: '../..' }),
    one('alice', { type: 'groups', dn: 'cn=alice', memberDns: ['UID=alice', 'uid=../x'] })
  ], text => warnings.push(text))
  t.strictSame(joined.map(({ record: { type, name, guid, members }, password }) => [type, name, guid, members, password]), [
    ['users', 'alice', 'G', [], 'ldap:uid=alice'], ['users', 'odd', derivedGuid('users', 'odd'), [], 'ldap:uid=odd'],
    ['groups', 'alice', derivedGuid('groups', 'alice'), ['G'], undefined]
  ])
  t.match(warnings, [/uid=Alice: the name "Alice" belongs to another/, /uid=undefined: has no short name/, /the name "\.\.\/x" begins with a dot/, /the guid G belongs/])
})
