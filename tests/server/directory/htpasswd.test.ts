import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addUser } from '../../../server/directory/edit.js'
import { readGroups, readHtdigest, readHtpasswd, sortOf } from '../../../server/directory/htpasswd.js'
import { passwordProblem, verifyPassword } from '../../../server/directory/password.js'
import { Source } from '../../../server/directory/source.js'
import { missing } from '../../interop/server.js'

// As htpasswd of Apache 2.4 and `openssl passwd -apr1` wrote them
const bcrypt = '$2y$05$8fTTDA7P113S/j2Vgwz5g.ahzRox2IKIuQnigVULD9nonLv4/1.Py'
const apr1 = '$apr1$y3k21Ejk$UTrE/OIEgG3OZ95w8YSJk.'
const sha = '{SHA}R3GntH2zpaMe0eQ3XpHnzcZ1Bgs='
const digest = `digest:Test Realm:${createHash('md5').update('alice:Test Realm:p w').digest('hex')}`

const log = () => {
  const lines: string[] = []
  const note = (text: string) => { lines.push(text) }
  return { lines, info: () => {}, warn: note, error: note }
}

t.test('hashes of other programs', async t => {
  for (const [why, stored, given, expected] of [
    ['bcrypt', bcrypt, 'p w', true], ['bcrypt, wrong', bcrypt, 'p x', false], ['bcrypt, empty', bcrypt, '', false],
    ['bcrypt of another program', bcrypt.replace('$2y', '$2b'), 'p w', true], ['bcrypt, cut off', bcrypt.slice(0, -1), 'p w', false],
    ['apr1', apr1, 'secret', true], ['apr1, wrong', apr1, 'Secret', false],
    ['apr1, long', '$apr1$abcdefgh$9QAbdYO3cns2h6fuNh8KV0', 'a very long password of more than sixteen bytes, and more', true],
    ['apr1, of no letters, and the salt of one', '$apr1$x$tMwYqBfQwi3FYAr0aJc8M/', '', true],
    ['apr1, longer than htpasswd makes them', apr1, 'secret'.repeat(100), false],
    ['SHA', sha, 'Zoë', true], ['SHA, otherwise composed', sha, 'Zoe\u0308', true], ['SHA, wrong', sha, 'Zoe', false]
  ] as const) t.equal(await verifyPassword(stored, given), expected, why)
  t.equal(await verifyPassword(digest, 'p w', { name: 'alice' }), true, 'digest')
  t.equal(await verifyPassword(digest, 'p', { name: 'alice' }), false, 'digest, wrong')
  t.equal(await verifyPassword(digest, 'p w', { name: 'bob' }), false, 'digest, of another name')
  t.equal(await verifyPassword(digest, 'p w'), false, 'digest, of nobody')
  t.equal(await verifyPassword('ldap:uid=alice', 'ldap:uid=alice'), false, 'LDAP is asked elsewhere')
  for (const stored of [bcrypt, apr1, sha, digest, 'plain:x', 'ldap:uid=a']) t.equal(passwordProblem(stored), undefined, stored)
  for (const [stored, problem] of [
    ['secret', /^expected "scrypt\$…".*htpasswd -B/], ['lfUl81kMsOkf6', /not a hash of crypt\(3\)/], ['$6$salt$hash', /not a hash of crypt\(3\)/],
    ['$2y$31$' + 'a'.repeat(53), /not bcrypt of another form/], ['$apr1$x$short', /cut off/], ['ldap:', /^expected/], ['digest:a', /^expected/]
  ] as const) t.match(passwordProblem(stored), problem, stored)
})

t.test('bcrypt leaves the loop alone, and nobody costs a bcrypt where others do', async t => {
  let ticks = 0
  const timer = setInterval(() => { ticks++ }, 1)
  const from = performance.now()
  const cost12 = '$2y$12$' + bcrypt.slice(7)
  t.equal(await verifyPassword(undefined, 'x', { decoy: cost12 }), false)
  const milliseconds = performance.now() - from
  clearInterval(timer)
  t.comment(`${milliseconds.toFixed(0)} ms, ${ticks} ticks`)
  t.ok(milliseconds > 100, 'as long as cost 12 takes')
  t.ok(ticks > milliseconds / 10, 'the loop went on')
})

t.test('which sort of file it is', async t => {
  for (const [text, sort] of [
    ['', 'toml'], ['# alice:x\n\n[users.alice]', 'toml'], ['users.alice.password = "plain:x"', 'toml'], ['[users."a:b"]', 'toml'], ['nonsense', 'toml'],
    ['\uFEFF <?xml version="1.0"?>', 'xml'], ['<accounts/>', 'xml'],
    [`# people\nalice:${bcrypt}`, 'htpasswd'], ['dave:lfUl81kMsOkf6', 'htpasswd'], ['carol m:{SHA}R3GntH2zpaMe0eQ3XpHnzcZ1Bgs=', 'htpasswd'],
    ['alice:Test Realm:eec5df69dda1b4a70807e299feb2e314', 'htdigest'], ['alice:Test = Realm:eec5df69dda1b4a70807e299feb2e314\r\n', 'htdigest']
  ] as const) t.equal(sortOf(text), sort, JSON.stringify(text))
})

t.test('lines of htpasswd', async t => {
  const accounts = readHtpasswd(`\uFEFF# people\r\n\r\nalice:${bcrypt}\r\nbob@example.org:${apr1}:since 2020\ncarol m:${sha}`, 'f')
  t.match(accounts, [
    { password: bcrypt, record: { type: 'users', name: 'alice', fullName: 'alice', emails: [], calendaring: true, members: [] } },
    { password: apr1, record: { name: 'bob@example.org', emails: ['bob@example.org'] } }, { password: sha, record: { name: 'carol m' } }
  ])
  for (const [text, message] of [
    [`alice:${sha}\nbob`, /^f, line 2: expected "name:hash"/],
    ['\ndave:lfUl81kMsOkf6', /^f, line 2: the password of dave is in clear, of crypt\(3\) or cut off, expected bcrypt/],
    ['erin:clear', /^f, line 1: the password of erin/], ['erin:plain:clear', /the password of erin/], ['erin:ldap:uid=x', /the password of erin/],
    ['fred:$5$tIud1ItmwTIg.74i$DFVhDcH97ldfrYydyJMjgREmfmKZWG9lgsCl41cJbb7', /the password of fred/],
    ['gina:', /the password of gina/],
    [`alice:${sha}\nalice:${apr1}`, /^f, line 2: alice has been there in line 1 already/], [`alice:${sha}\nAlice:${apr1}`, /^f, line 2: users\.Alice: .*belongs to users\.alice/],
    [`a/b:${sha}`, /^f, line 1: users\.a\/b: the name "a\/b" has "\/"/], [`:${sha}`, /is empty/]
  ] as const) {
    const error = t.throws(() => readHtpasswd(text, 'f'), { name: 'AccountsError', message }) as Error
    t.notMatch(error.message, /clear"|lfUl81|DFVh/, 'what may be a password is not repeated')
  }
})

t.test('lines of htdigest', async t => {
  const [one, two] = ['a'.repeat(32), 'B'.repeat(32)]
  const text = `alice:first:${one}\nbob:first:${one}\nalice:second:${two}\n`
  const passwords = (realm?: string) => readHtdigest(text, 'f', realm).map(({ record, password }) => `${record.name} ${password}`).sort()
  t.strictSame(passwords(), [`alice digest:first:${one}`, `bob digest:first:${one}`])
  t.strictSame(passwords('second'), [`alice digest:second:${two.toLowerCase()}`, `bob digest:first:${one}`])
  t.throws(() => readHtdigest(`a:b:${one}\nc:d`, 'f'), { message: /^f, line 2: expected "name:realm:hash"/ })
  t.throws(() => readHtdigest(`a:b:${one}\na:b:${two}`, 'f'), { message: /^f, line 2: a has been there in line 1 already/ })
})

t.test("Apache's groups", async t => {
  const warnings: string[] = []
  const guids: Record<string, string> = { alice: 'A', bob: 'B', carol: 'C' }
  const groups = readGroups('# staff\nstaff: alice  bob nobody\nclub:bob\nempty:\nstaff: carol alice\n', 'g', name => guids[name], text => warnings.push(text))
  t.strictSame(groups.map(({ record: { type, name, members, calendaring } }) => ({ type, name, members, calendaring })), [
    { type: 'groups', name: 'staff', members: ['A', 'B', 'C'], calendaring: false }, { type: 'groups', name: 'club', members: ['B'], calendaring: false },
    { type: 'groups', name: 'empty', members: [], calendaring: false }
  ])
  t.strictSame(warnings, ['g, line 2: staff: nobody is called "nobody"; left out'])
  t.throws(() => readGroups('staff alice', 'g', () => undefined, () => {}), { message: /^g, line 1: expected a group/ })
  t.throws(() => readGroups('a/b: alice', 'g', name => guids[name], () => {}), { message: /^g, line 1: groups\.a\/b/ })
})

t.test('a source of htpasswd', { skip: missing('htpasswd') }, async t => {
  const dir = t.testdir({ people: '', groups: 'staff: alice bob\n', 'a.toml': '' })
  const [file, groups] = [join(dir, 'people'), join(dir, 'groups')]
  for (const [flag, name] of [['-bB', 'alice'], ['-bm', 'bob'], ['-bs', 'carol']] as const) execFileSync('htpasswd', [flag, file, name, `${name} pw`], { stdio: 'ignore' })
  const lines = log()
  const source = await Source.open({ file, groups, log: lines })
  const right = async (name: string, given: string) => {
    const record = source.directory.byLogin(name)
    return source.verify(record && source.directory.password(record), given, { name: record?.name })
  }
  t.strictSame(await Promise.all(['alice', 'bob', 'carol'].map(name => right(name, `${name} pw`))), [true, true, true])
  t.strictSame(await Promise.all([right('alice', 'bob pw'), right('bob', ''), right('nobody', 'alice pw')]), [false, false, false])
  t.strictSame(source.directory.groupsOf(source.directory.byLogin('bob')!).map(({ name }) => name), ['staff'])
  appendFileSync(file, 'dave:clear\n')
  t.equal(await source.refresh(), false)
  t.match(lines.lines, [/^accounts stay as they were: .*people, line 4: the password of dave/])
  t.equal(await right('alice', 'alice pw'), true, 'a broken file changes nothing')
  execFileSync('htpasswd', ['-bB', file, 'dave', 'now hashed'], { stdio: 'ignore' })
  writeFileSync(groups, 'staff: dave\n')
  t.equal(await source.refresh(), true)
  t.equal(await right('dave', 'now hashed'), true)
  t.strictSame(source.directory.groupsOf(source.directory.byLogin('bob')!), [])
  await t.rejects(addUser(file, { name: 'eve', password: 'x' }), { message: /people: is changed with the program htpasswd/ })
  t.notMatch(readFileSync(file, 'utf8'), /eve/)
  await t.rejects(Source.open({ file: join(dir, 'a.toml'), groups, log: lines }), { message: /^accounts\.groups: goes with a file of htpasswd or htdigest only, but .*a\.toml is TOML/ })
  await t.rejects(Source.open({ file, proxies: groups, log: lines }), { message: /^accounts\.proxies: .*is a file of htpasswd/ })
})

t.test('a source of htdigest', async t => {
  const dir = t.testdir({ people: `alice:Test Realm:${digest.split(':')[2]}\n` })
  const source = await Source.open({ file: join(dir, 'people'), log: log() })
  const record = source.directory.byLogin('ALICE')!
  t.equal(source.directory.password(record), digest)
  t.equal(await source.verify(digest, 'p w', record), true)
  t.equal(await source.verify(digest, 'p', record), false)
})
