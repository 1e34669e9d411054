import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readAccountsToml } from '../../../server/directory/accounts.js'
import { Directory } from '../../../server/directory/directory.js'
import { Delegates } from '../../../server/directory/proxy.js'
import type { DirectoryRecord, RecordType } from '../../../server/directory/record.js'

const accounts = readAccountsToml(`
[users.alice]
proxies = ["bob"]
readProxies = ["carol"]
[users.bob]
aliases = ["robert"]
[users.carol]
[users."zoë m"]
[groups.staff]
members = ["bob", "groups/club"]
[groups.club]
members = ["carol", "groups/staff"]
[locations.hall]
proxies = ["groups/staff"]
`, 'a.toml', () => {})

const names = (records: readonly { name: string }[]) => records.map(({ name }) => name).sort()

async function open (t: Test, text?: string) {
  const file = join(t.testdir({}), 'conf', 'proxies.toml')
  if (text !== undefined) t.testdir({ conf: { 'proxies.toml': text } })
  const lines: string[] = []
  const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line), error: (line: string) => lines.push(line) }
  const directory = new Directory(accounts)
  const delegates = await Delegates.open({ file, directory, log })
  const who = (name: string, type: RecordType = 'users') => directory.byName(type, name) as DirectoryRecord
  const of = (name: string, type: RecordType = 'users') => {
    const { writeProxies, readProxies } = who(name, type)
    return [writeProxies, readProxies].map(guids => guids.map(guid => directory.byGuid(guid)?.name))
  }
  return { file, lines, directory, delegates, who, of, text: () => readFileSync(file, 'utf8') }
}

t.test('proxies that were chosen count instead of those of the accounts, each half for itself', async t => {
  const { file, directory, delegates, who, of, text } = await open(t)
  t.strictSame(of('alice'), [['bob'], ['carol']])
  const before = directory.version
  await delegates.set(who('alice'), 'write', [who('zoë m'), who('staff', 'groups'), who('zoë m')])
  t.strictSame(of('alice'), [['zoë m', 'staff'], ['carol']])
  t.ok(directory.version > before)
  t.match(text(), /\n\[users\.alice\]\nwrite = \["users\/zoë m", "groups\/staff"\]\n$/)
  await delegates.set(who('alice'), 'read', [])
  t.strictSame(of('alice'), [['zoë m', 'staff'], []], 'nobody is not the same as not chosen')
  await delegates.set(who('zoë m'), 'read', [who('bob')])
  t.match(text(), '[users."zoë m"]\nread = ["users/bob"]')
  t.strictSame(readdirSync(join(file, '..')), ['proxies.toml'], 'no lock and no half file is left')

  directory.replace(accounts)
  t.strictSame(of('alice'), [['zoë m', 'staff'], []], 'after the accounts were read again')
  const again = new Directory(accounts)
  await Delegates.open({ file, directory: again, log: { info: () => {}, warn: () => {}, error: () => {} } })
  t.strictSame(again.byName('users', 'alice')?.readProxies, [], 'after a restart')
})

t.test('what people wrote into the file stays', async t => {
  const { delegates, who, of, text } = await open(t, '# ours\n\n[users.robert] # Bob\n# the boss\nread = [\n  "alice", # her\n  "nobody"\n]\n\n[locations.hall]\nwrite = ["users/bob"]\n')
  t.strictSame(of('bob'), [[], ['alice']], 'an alias names him too')
  await delegates.set(who('bob'), 'write', [who('carol')])
  await delegates.set(who('bob'), 'read', [who('carol')])
  t.equal(text(), '# ours\n\n[users.robert] # Bob\nwrite = ["users/carol"]\n# the boss\nread = ["users/carol"]\n\n[locations.hall]\nwrite = ["users/bob"]\n')
  t.strictSame(of('bob'), [['carol'], ['carol']])
})

t.test('a file in another form is written anew and says the same', async t => {
  const { delegates, who, of, text } = await open(t, 'users = { alice = { read = ["bob"] }, carol = { write = ["unknown"] } }\n')
  await delegates.set(who('alice'), 'write', [who('carol')])
  t.strictSame(of('alice'), [['carol'], ['bob']])
  t.match(text(), /\[users\.carol\]\nwrite = \["unknown"\]/, 'who is not there now may come back')
})

t.test('many at once', async t => {
  const { delegates, who, of } = await open(t)
  await Promise.all([['alice', 'write', 'carol'], ['alice', 'read', 'bob'], ['bob', 'write', 'alice'], ['carol', 'read', 'alice']]
    .map(async ([name, half, member]) => { await delegates.set(who(name!), half as 'read', [who(member!)]) }))
  t.strictSame([of('alice'), of('bob'), of('carol')], [[['carol'], ['bob']], [['alice'], []], [[], ['alice']]])
})

t.test('changes by hand count; a broken file changes nothing', async t => {
  const { file, delegates, who, of, lines } = await open(t, '[users.alice]\nread = []\n')
  writeFileSync(file, '[users.alice]\nread = ["users/bob", "users/ghost"]\n')
  t.equal(await delegates.refresh(), true)
  t.strictSame(of('alice'), [['bob'], ['bob']])
  t.match(lines[0], /nobody is called "users\/ghost"; passed over/)
  writeFileSync(file, '[users.alice]\nread = "users/carol"\n')
  t.equal(await delegates.refresh(), false)
  t.strictSame(of('alice'), [['bob'], ['bob']])
  t.match(lines.at(-1), /proxies stay as they were: .*proxies\.toml, line 2: users\.alice\.read: wrong, expected accounts like \["users\/bob"/)
  await t.rejects(delegates.set(who('alice'), 'read', []), { name: 'AccountsError' }, 'a broken file is not written over')
  t.equal(readFileSync(file, 'utf8'), '[users.alice]\nread = "users/carol"\n')
  rmSync(file)
  t.equal(await delegates.refresh(), true)
  t.strictSame(of('alice'), [['bob'], ['carol']], 'without the file the accounts count')
  t.notOk(existsSync(file))
})

t.test('a file that is wrong at the start is told', async t => {
  for (const [why, [text, message]] of Object.entries({
    'no TOML': ['[users', /line 1: not valid TOML/],
    'a kind that is none': ['[people.a]\n', /line 1: people: wrong, expected tables like/],
    'a key that is none': ['[users.a]\nproxies = []\n', /line 2: users\.a\.proxies: no such key, expected write or read/],
    'no table': ['[users]\na = 1\n', /line 2: users\.a: wrong, expected a table/]
  } satisfies Record<string, [string, RegExp]>)) await t.test(why, async t => { await t.rejects(open(t, text), { name: 'AccountsError', message }) })
})

t.test('for whom somebody may act', async t => {
  const { directory, delegates, who } = await open(t)
  t.strictSame(names(directory.delegatorsOf(who('bob'), 'write')), ['alice', 'hall'], 'himself, and through a group')
  t.strictSame(names(directory.delegatorsOf(who('carol'), 'write')), ['hall'], 'through a group in a group, which go round in a circle')
  t.strictSame(names(directory.directDelegatorsOf(who('carol'), 'write')), [])
  t.strictSame(names(directory.directDelegatorsOf(who('carol'), 'read')), ['alice'])
  t.strictSame(names(directory.directGroupsOf(who('carol'))), ['club'])
  t.strictSame(directory.delegatorsOf(who('alice'), 'read'), [])
  await delegates.set(who('carol'), 'write', [who('staff', 'groups')])
  t.strictSame(names(directory.delegatorsOf(who('carol'), 'write')), ['hall'], 'nobody acts for herself')
  t.strictSame(names(directory.delegatorsOf(who('bob'), 'write')), ['alice', 'carol', 'hall'])
})
