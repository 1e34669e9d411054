import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { ArgumentError, chooseCommand, helpText, parseArguments, settingFlags, settingOptions } from '../../../server/cli/arguments.js'
import { askHidden, readLine } from '../../../server/cli/prompt.js'
import { user } from '../../../server/cli/user.js'
import { readAccountsToml } from '../../../server/directory/accounts.js'
import { addUser, removeUser, setPassword } from '../../../server/directory/edit.js'
import { verifyPassword } from '../../../server/directory/password.js'

/** Runs a command with what is typed; `terminal` answers one question after the other. */
async function run (argv: string[], { typed, terminal }: { typed?: string, terminal?: string[] } = {}) {
  const stdin = new PassThrough() as PassThrough & { isTTY?: boolean, setRawMode?: (on: boolean) => void }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const raw: boolean[] = []
  if (terminal !== undefined) {
    stdin.isTTY = true
    stdin.setRawMode = on => { raw.push(on) }
    const answers = [...terminal]
    stderr.on('data', chunk => { if (String(chunk).endsWith(': ')) stdin.write(answers.shift() ?? '') })
  } else {
    stdin.end(typed ?? '')
  }
  let [out, err] = ['', '']
  stdout.on('data', chunk => { out += String(chunk) })
  stderr.on('data', chunk => { err += String(chunk) })
  const code = await user(argv, { stdin, stdout, stderr, environment: { HOME: '/nowhere' } })
  return { code, out, err, raw }
}

const passwordOf = (file: string, name: string) =>
  readAccountsToml(readFileSync(file, 'utf8'), file, () => {}).find(({ record }) => record.name === name)?.password

t.test('add, list, passwd, remove', async t => {
  const data = join(t.testdir(), 'data')
  const file = join(data, 'conf/accounts.toml')
  const added = await run(['add', 'alice', '--full-name', 'Alice "A" Example', '--email=alice@example.org', '--email', 'a@example.org', '--data', data])
  t.equal(added.code, 0, added.err)
  t.match(added.out, new RegExp(`^Added alice to ${file}\nPassword: (\\w{4}-){3}\\w{4}\n$`))
  const made = /Password: (.*)/.exec(added.out)?.[1] ?? ''
  t.ok(await verifyPassword(passwordOf(file, 'alice'), made))
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(statSync(join(data, 'conf')).mode & 0o777, 0o700)
  t.strictSame(readdirSync(join(data, 'conf')), ['accounts.toml'], 'no lock and no temporary file stay')
  t.notMatch(readFileSync(file, 'utf8'), made)

  t.match(await run(['add', 'bob', '--password-stdin', '--data', data], { typed: 'p w\nmore' }), { code: 0, out: `Added bob to ${file}\n` })
  t.ok(await verifyPassword(passwordOf(file, 'bob'), 'p w'))

  t.match(await run(['list', '--data', data]), { code: 0, out: 'NAME   FULL NAME          MAIL\nalice  Alice "A" Example  alice@example.org a@example.org\nbob    bob\n' })
  const json = JSON.parse((await run(['list', '--json', '--data', data])).out)
  t.match(json, [{ name: 'alice', fullName: 'Alice "A" Example', emails: ['alice@example.org', 'a@example.org'], canLogin: true, guid: /^[\da-f-]{36}$/ }, { name: 'bob' }])

  const before = readFileSync(file, 'utf8')
  t.match(await run(['passwd', 'bob', '--password-stdin', '--accounts', file], { typed: 'neu\r\n' }), { code: 0, out: `Changed the password of bob in ${file}\n` })
  t.ok(await verifyPassword(passwordOf(file, 'bob'), 'neu'))
  t.equal(readFileSync(file, 'utf8').replaceAll(/password = .*/g, ''), before.replaceAll(/password = .*/g, ''), 'nothing else changed')

  mkdirSync(join(data, 'documents/calendars/users/bob'), { recursive: true })
  const home = join(data, 'documents/calendars/users/bob')
  t.match(await run(['remove', 'bob', '--data', data]), { code: 0, out: `Removed bob from ${file}\nThe calendars stay in ${home}\n` })
  t.ok(existsSync(home))
  t.equal(passwordOf(file, 'bob'), undefined)
  t.match(await run(['add', 'bob', '--data', data]), { out: new RegExp(`are there already and now belong to bob: ${home}`) })
})

t.test('on a terminal the password is asked twice and not shown', async t => {
  const data = t.testdir()
  const file = join(data, 'conf/accounts.toml')
  const args = (name: string) => ['add', name, '--data', data]
  const alice = await run(args('alice'), { terminal: ['se\x7f\x7fSx\u00e9\x7f\x7fecret\r', 'Secret\n'] })
  t.match(alice, { code: 0, err: 'Password (empty: make one): \nOnce more: \n', raw: [true, false, true, false] })
  t.notMatch(alice.out + alice.err, /ecret/)
  t.ok(await verifyPassword(passwordOf(file, 'alice'), 'Secret'))
  t.match(await run(args('bob'), { terminal: ['\r'] }), { code: 0, out: /Password: / })
  t.match(await run(args('carol'), { terminal: ['a\r', 'b\r'] }), { code: 1, err: /two different passwords; nothing was changed/ })
  t.match(await run(args('carol'), { terminal: ['a\x03'] }), { code: 1, err: /Nothing was changed/, raw: [true, false] })
  t.match(await run(args('carol'), { terminal: ['a\x15ü\rü\r'] }), { code: 0 }, 'both answers at once')
  t.ok(await verifyPassword(passwordOf(file, 'carol'), 'ü'))
})

t.test('what goes wrong is said in one line, and the file stays', async t => {
  const dir = t.testdir({
    data: { conf: { 'accounts.toml': '[users.alice]\nguid = "g1"\n' } }, broken: { conf: { 'accounts.toml': '[users.a]\nbad = 1\n' } },
    'accounts.xml': '<accounts realm="x"><user><uid>a</uid><password>p</password><name>A</name></user></accounts>'
  })
  const data = join(dir, 'data')
  for (const [why, args, code, err] of [
    ['a name that is taken', ['add', 'alice', '--data', data], 1, /^caldavd: .*accounts\.toml: there is a user alice already\n$/],
    ['a name taken but for case', ['add', 'Alice', '--data', data], 1, /the name "Alice" belongs to users\.alice already/],
    ['a name that is a path', ['add', '../x', '--data', data], 2, /the name "\.\.\/x" begins with a dot/],
    ['no mail address', ['add', 'x', '--email', 'x', '--data', data], 2, /--email x: expected an address/],
    ['nobody', ['passwd', 'eve', '--data', data], 1, /accounts\.toml: there is no user eve/],
    ['nobody to remove', ['remove', 'eve', '--data', data], 1, /there is no user eve/],
    ['no password', ['add', 'x', '--password-stdin', '--data', data], 2, /expected a password on the first line/],
    ['a broken file', ['add', 'x', '--data', join(dir, 'broken')], 1, /accounts\.toml, line 2: users\.a: no key is called bad/],
    ["Apple's file", ['add', 'x', '--accounts', join(dir, 'accounts.xml')], 1, /is Apple's accounts\.xml/],
    ['no file', ['list', '--data', join(dir, 'none')], 1, /does not exist; `caldavd user add NAME`/],
    ['no such settings', ['list', '--config', join(dir, 'none')], 1, /none: cannot be read/],
    ['no name', ['add', '--data', data], 2, /^caldavd: NAME is missing: caldavd user add NAME \[options\]\n$/],
    ['a misspelt option', ['add', 'x', '--ful-name', 'X'], 2, /unknown option --ful-name, did you mean --full-name\?/],
    ['a misspelt command', ['ad'], 2, /unknown command user ad, did you mean add\?/],
    ['a directory that is a file', ['add', 'x', '--data', join(dir, 'accounts.xml')], 1, /ENOTDIR/]
  ] as const) t.match(await run([...args]), { code, err }, why)
  t.equal(readFileSync(join(data, 'conf/accounts.toml'), 'utf8'), '[users.alice]\nguid = "g1"\n')
  t.match(await run(['list', '--accounts', join(dir, 'accounts.xml')]), { code: 0, out: /a\s+A/ }, "Apple's can be listed")
  t.match(await run([]), { code: 2, err: /caldavd user COMMAND/ })
  t.match(await run(['--help']), { code: 0, out: /remove\s+Takes a user out/ })
  t.match(await run(['add', '--help']), { code: 0, out: /^caldavd user add NAME \[options\]\n\nAdds a user[^]*--email ADDRESS +mail address by which she is invited; may be repeated/ })
})

t.test('comments and order of the file stay', async t => {
  const before = [
    '# top', '', '[users.alice] # the first', 'password = "plain:a" # see note', '# inside', 'emails = [', '  "a@example.org", # home', ']', '', '# about bob', "[users.'bob']",
    'fullName = """', '[users.fake]"""', '', '[groups.club]', 'members = ["users/bob"]', '# the end'
  ]
  before.splice(11, 2, "fullName = 'Bob' # [users.fake]", 'password = "plain:b"')
  const file = join(t.testdir({ a: before.join('\n') + '\n' }), 'a')
  await setPassword(file, 'alice', 'x')
  const lines = readFileSync(file, 'utf8').split('\n')
  t.match(lines[3], /^password = "scrypt\$[^"]+" # see note$/)
  t.strictSame(lines.map((line, at) => at === 3 ? '' : line), [...before, ''].map((line, at) => at === 3 ? '' : line))
  t.strictSame(await removeUser(file, 'bob'), ['groups.club'])
  t.strictSame(readFileSync(file, 'utf8').split('\n').slice(8), ['', '# about bob', '', '[groups.club]', 'members = ["users/bob"]', '# the end', ''])
  await removeUser(file, 'alice')
  t.strictSame(readFileSync(file, 'utf8').split('\n'), ['# top', '', '# about bob', '', '[groups.club]', 'members = ["users/bob"]', '# the end', ''])
  await addUser(file, { name: 'bob.x', password: 'p' })
  t.match(readFileSync(file, 'utf8'), /# the end\n\n\[users\."bob\.x"\]\nguid = "[\da-f-]{36}"\npassword = "scrypt\$.*"\n$/)
  await setPassword(file, 'bob.x', 'q')
  t.ok(await verifyPassword(passwordOf(file, 'bob.x'), 'q'))
})

t.test('a password is put where there was none, and Windows line ends stay', async t => {
  const file = join(t.testdir({ a: '[users.alice]\r\nfullName = "A"\r\n' }), 'a')
  await setPassword(file, 'alice', 'x')
  t.match(readFileSync(file, 'utf8'), /^\[users\.alice\]\r\npassword = "[^\r\n]*"\r\nfullName = "A"\r\n$/)
})

t.test('what is written in another form is left to people', async t => {
  for (const [why, source] of Object.entries({
    inline: '[users]\nalice = { fullName = "A" }\n', dotted: 'users.alice.fullName = "A"\n', 'dotted below': '[users]\nalice.fullName = "A"\n', whole: 'users = { alice = {} }\n'
  })) {
    const file = join(t.testdir({ a: source }), 'a')
    await t.rejects(setPassword(file, 'alice', 'x'), { name: 'AccountsError', message: /by hand/ }, why)
    await t.rejects(removeUser(file, 'alice'), { name: 'AccountsError' }, why)
    t.equal(readFileSync(file, 'utf8'), source)
    t.strictSame(readdirSync(join(file, '..')), ['a'])
  }
})

t.test('many at once, a lock left behind, a link', async t => {
  const dir = t.testdir({ real: { a: '# mine\n' }, link: {} })
  const file = join(dir, 'link/a')
  symlinkSync(join(dir, 'real/a'), file)
  // No process has this number
  writeFileSync(`${file}.lock`, '4194305')
  await Promise.all(Array.from({ length: 6 }, (_, i) => addUser(file, { name: `u${i}`, password: 'p' })))
  t.equal(readAccountsToml(readFileSync(file, 'utf8'), file, () => {}).length, 6)
  t.equal(realpathSync(file), realpathSync(join(dir, 'real/a')), 'the link is still a link')
  t.strictSame([readdirSync(join(dir, 'real')), readdirSync(join(dir, 'link'))], [['a'], ['a']])
  if (process.getuid?.() !== 0) {
    chmodSync(join(dir, 'real'), 0o500)
    await t.rejects(addUser(file, { name: 'late', password: 'p' }), { code: 'EACCES' })
    chmodSync(join(dir, 'real'), 0o700)
    t.strictSame(readdirSync(join(dir, 'link')), ['a'], 'no lock stays')
  }
})

t.test('arguments', async t => {
  const usage = {
    command: 'caldavd serve', operands: ['[DIR]'], meaning: 'Serves.',
    options: { ...settingOptions, quiet: { kind: 'switch', short: 'q', meaning: 'less' }, tag: { kind: 'texts', value: 'T', meaning: 'tags' } }
  } as const
  t.match(parseArguments(usage, ['--port=9', '-q', 'dir', '--tag', 'a', '--tag=b', '--data=-x', '-c', 'f']), {
    options: { port: '9', quiet: true, tag: ['a', 'b'], data: '-x', config: 'f', bind: undefined }, operands: ['dir'], help: false
  })
  t.match(parseArguments(usage, ['--', '--port']), { operands: ['--port'], options: { quiet: false, tag: [] } })
  t.match(parseArguments(usage, ['-h', 'a', 'b']), { help: true })
  t.strictSame(settingFlags(parseArguments(usage, ['--data', 'd', '-p', '1']).options), {
    'data.directory': 'd', 'server.port': '1', 'server.bind': undefined, 'accounts.file': undefined
  })
  for (const [args, message] of [
    [['--prot', '1'], 'unknown option --prot, did you mean --port?'], [['--xyzzy'], 'unknown option --xyzzy, see caldavd serve --help'], [['-x'], 'unknown option -x, see caldavd serve --help'],
    [['--port'], '--port needs a value: --port NUMBER'], [['--data', '--port', '1'], '--data needs a value: --data DIR'], [['--quiet=yes'], '--quiet takes no value'],
    [['--port', '1', '--port', '2'], '--port is given twice'], [['a', 'b'], '"b" is one word too many: caldavd serve [DIR] [options]'], [['--__proto__', '1'], 'unknown option --__proto__, see caldavd serve --help'],
    [['--no-quiet'], 'unknown option --no-quiet, see caldavd serve --help']
  ] as const) t.throws(() => parseArguments(usage, args), { name: 'ArgumentError', message }, args.join(' '))
  t.match(helpText(usage), /^caldavd serve \[DIR\] \[options\]\n\nServes\.\n\n {6}--data DIR +the data directory[^]*\n {2}-p, --port NUMBER +TCP port[^]*\n {2}-h, --help +this text\n$/)
  t.equal(chooseCommand('x', { a: 1 }, 'a'), 1)
  t.throws(() => chooseCommand('x', { a: 1 }, 'toString'), ArgumentError)
  t.throws(() => chooseCommand('x', { a: 1 }, undefined), { message: 'x: expected one of a' })
})

t.test('what is typed is bounded', async t => {
  const streams = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() })
  const long = streams()
  long.stdin.end('x'.repeat(10_000))
  await t.rejects(readLine(long), { message: /at most 4096 bytes/ })
  const asked = streams()
  asked.stdin.write('x'.repeat(10_000))
  await t.rejects(askHidden('?', asked), { message: 'the answer is too long' })
  const ended = streams()
  ended.stdin.end()
  t.equal(await askHidden('?', ended), undefined)
})
