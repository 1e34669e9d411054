import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { main } from '../../../server/cli/main.js'
import { AppPasswords } from '../../../server/directory/app-password.js'
import { Source } from '../../../server/directory/source.js'

async function run (...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  let [out, err] = ['', '']
  stdout.on('data', chunk => { out += String(chunk) })
  stderr.on('data', chunk => { err += String(chunk) })
  const code = await main(['app-password', ...argv], { stdin, stdout, stderr, environment: { HOME: '/nowhere' } })
  return { code, out, err }
}

t.test('add, list, revoke', async t => {
  const data = t.testdir({ conf: { 'accounts.toml': '[users.alice]\naliases = ["al"]\npassword = "plain:x"\n[users.bob]\n' } })
  mkdirSync(join(data, 'documents/calendars/users/alice/work'), { recursive: true })
  const [file, log] = [join(data, 'conf/app-passwords.toml'), { info: () => {}, warn: () => {}, error: () => {} }]
  t.match(await run('list', '--data', data), { code: 0, out: 'USER  MADE  NAME\n' })
  const added = await run('add', 'al', 'Phone', '--read-only', '--calendar', 'work', '--data', data)
  t.match(added, { code: 0, err: '', out: /^App password "Phone" of alice \(read-only, calendars work only\): (\w{5}-){4}\w{5}\nType it where/ })
  const { directory } = await Source.open({ file: join(data, 'conf/accounts.toml'), log })
  const made = /: ([\w-]+)\n/.exec(added.out)?.[1] ?? ''
  const find = async () => (await AppPasswords.open({ file, log })).find(directory.byName('users', 'alice')!, made)
  t.match(await find(), { user: 'alice', name: 'Phone', readOnly: true, calendars: ['work'], created: Date })
  t.notMatch(readFileSync(file, 'utf8'), made)
  t.match(await run('add', 'bob', 'Laptop', '--calendar', 'later', '--data', data), { code: 0, err: 'caldavd: bob has no calendar "later" yet\n' })
  t.match(await run('list', '--data', data), { out: /^USER {3}MADE {8}NAME\nalice {2}2\d{3}-\d\d-\d\d {2}Phone \(read-only, calendars work only\)\nbob {4}\S+ {2}Laptop \(calendars later only\)\n$/ })
  t.strictSame(JSON.parse((await run('list', 'bob', '--json', '--data', data)).out).map(({ created, ...rest }: { created: string }) => ({ ...rest, year: created.slice(0, 1) })),
    [{ user: 'bob', name: 'Laptop', readOnly: false, calendars: ['later'], year: '2' }])
  t.match(await run('revoke', 'alice', 'Phone', '--data', data), { code: 0, out: 'Revoked the app password "Phone" of alice\n' })
  t.equal(await find(), undefined)
})

t.test('what goes wrong is said in one line', async t => {
  const data = t.testdir({ conf: { 'accounts.toml': '[users.alice]\n[locations.hall]\n' } })
  await run('add', 'alice', 'Phone', '--data', data)
  for (const [why, args, code, err] of [
    ['nobody', ['add', 'eve', 'Phone'], 1, /accounts\.toml: there is no user eve\n$/], ['a room', ['add', 'hall', 'Phone'], 1, /no user hall/], ['twice', ['add', 'alice', 'Phone'], 1, /alice has an app password "Phone" already/],
    ['no name', ['add', 'alice'], 2, /NAME is missing: caldavd app-password add USER NAME \[options\]/], ['an empty name', ['add', 'alice', ''], 2, /the name "" is empty/],
    ['a path', ['add', 'alice', 'X', '--calendar', '../bob'], 2, /the name "\.\.\/bob" begins with a dot/], ['not there', ['revoke', 'alice', 'Fone'], 1, /alice has no app password "Fone", only "Phone"/],
    ['another word', ['remove', 'alice', 'Phone'], 2, /unknown command app-password remove, /]
  ] as const) t.match(await run(...args, '--data', data), { code, err }, why)
  t.match(await run('--help'), { code: 0, out: /^caldavd app-password COMMAND\n\n {2}add {6}Makes a password/ })
  t.match(await run('add', '--help'), { code: 0, out: /--read-only +it can read/ })
  t.match(await run(), { code: 2 })
})
