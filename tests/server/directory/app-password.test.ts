import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addAppPassword, AppPasswords, makeAppPassword, readAppPasswords, revokeAppPassword } from '../../../server/directory/app-password.js'
import { readAccountsToml } from '../../../server/directory/accounts.js'
import { Directory } from '../../../server/directory/directory.js'

const directory = new Directory(readAccountsToml('[users.alice]\nguid = "g1"\n[users.bob]\n[locations.hall]\n', 'a.toml', () => {}))
const [alice, bob, hall] = [directory.byName('users', 'alice')!, directory.byName('users', 'bob')!, directory.byName('locations', 'hall')!]

const open = async (file: string, lines: string[] = []) => {
  const hear = (line: string) => { lines.push(line) }
  return await AppPasswords.open({ file, log: { info: hear, error: hear } })
}

t.test('made, found, revoked', async t => {
  const file = join(t.testdir(), 'conf/app-passwords.toml')
  const lines: string[] = []
  const passwords = await open(file, lines)
  t.equal(passwords.size, 0, 'no file, no passwords')
  const made = await addAppPassword(file, { user: 'alice', guid: 'g1', name: 'Phone "X"', readOnly: true, calendars: ['work', 'zoë'], created: new Date('2026-11-22T21:00:00Z') })
  t.match(made, /^([a-hj-km-np-z2-9]{5}-){4}[a-hj-km-np-z2-9]{5}$/)
  t.not(makeAppPassword(), makeAppPassword())
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
  t.strictSame(readdirSync(join(file, '..')), ['app-passwords.toml'], 'no lock and no temporary file stay')
  t.notMatch(readFileSync(file, 'utf8'), made)
  t.ok(await passwords.refresh())
  t.match(lines, [/read again, 1 app passwords/])
  t.match(passwords.find(alice, made), { name: 'Phone "X"', readOnly: true, calendars: ['work', 'zoë'], guid: 'g1', created: new Date('2026-11-22T21:00:00Z') })
  t.ok(passwords.find(alice, made.toUpperCase().replaceAll('-', ' ')), 'as telephones write it')
  t.equal(passwords.find(alice, made.slice(1)), undefined)
  t.equal(passwords.find(alice, ''), undefined)
  t.equal(passwords.find(bob, made), undefined, 'of alice only')
  t.equal(passwords.find(hall, made), undefined)
  await t.rejects(addAppPassword(file, { user: 'alice', name: 'Phone "X"', readOnly: false }), { name: 'AccountsError', message: /alice has an app password "Phone \\"X\\"" already/ })
  const second = await addAppPassword(file, { user: 'bob', name: 'Phone "X"', readOnly: false })
  await passwords.refresh()
  t.match(passwords.find(bob, second), { readOnly: false, guid: undefined, calendars: undefined })
  const successor = { ...alice, guid: 'g2' }
  t.equal(passwords.find(successor, made), undefined, 'somebody else who has the name now')
  t.ok(passwords.find({ ...alice, name: 'alicia' }, made), 'the name changed, the account is the same')
  await t.rejects(revokeAppPassword(file, 'alice', 'Phone'), { message: /alice has no app password "Phone", only "Phone \\"X\\""/ })
  await revokeAppPassword(file, 'alice', 'Phone "X"')
  await passwords.refresh()
  t.equal(passwords.find(alice, made), undefined)
  t.ok(passwords.find(bob, second))
})

t.test('many at once', async t => {
  const file = join(t.testdir(), 'a.toml')
  const made = await Promise.all(Array.from({ length: 8 }, (_, i) => addAppPassword(file, { user: 'alice', name: `n${i}`, readOnly: false })))
  const passwords = await open(file)
  t.equal(passwords.size, 8)
  t.ok(made.every(one => passwords.find(alice, one)))
})

t.test('a broken file keeps what was there', async t => {
  const file = join(t.testdir(), 'a.toml')
  const made = await addAppPassword(file, { user: 'alice', name: 'n', readOnly: false })
  const lines: string[] = []
  const passwords = await open(file, lines)
  writeFileSync(file, '[[passwords]\n')
  utimesSync(file, 1, 1)
  t.equal(await passwords.refresh(), false)
  t.match(lines, [/app passwords stay as they were: .*a\.toml, line 1: not valid TOML/])
  t.ok(passwords.find(alice, made))
  t.ok(await passwords.refresh(), 'said once')
  t.equal(lines.length, 1)
})

t.test('what is wrong is named', async t => {
  const file = join(t.testdir(), 'a.toml')
  const hash = `hash = "sha256:${'A'.repeat(43)}="`
  for (const [why, text, message] of [
    ['another key', 'password = 1', 'no key is called password'], ['no list', 'passwords = 1', 'expected [[passwords]]'], ['no table', 'passwords = [1]', 'expected [[passwords]]'],
    ['no hash', '[[passwords]]\nuser = "a"\nname = "n"', 'line 1: hash: wrong'], ['clear text', '[[passwords]]\nuser = "a"\nname = "n"\nhash = "secret"', 'hash: wrong'],
    ['a slip in a limit', `\n[[passwords]]\nuser = "a"\nname = "n"\n${hash}\nreadonly = true`, 'line 2: no key is called readonly'],
    ['a limit that is none', `[[passwords]]\nuser = "a"\nname = "n"\n${hash}\nreadOnly = "yes"`, 'readOnly: wrong'], ['calendars', `[[passwords]]\nuser = "a"\nname = "n"\n${hash}\ncalendars = "work"`, 'calendars: wrong'],
    ['no user', `[[passwords]]\nname = "n"\n${hash}`, 'user: wrong']
  ] as const) {
    writeFileSync(file, text)
    await t.rejects(readAppPasswords(file), { name: 'AccountsError', message: new RegExp(message.replaceAll('[', '\\[')) }, why)
    await t.rejects(addAppPassword(file, { user: 'x', name: 'y', readOnly: false }), { name: 'AccountsError' })
    t.equal(readFileSync(file, 'utf8'), text, 'and stays')
  }
  for (const [why, wanted] of Object.entries({ empty: { name: '' }, control: { name: 'a\nb' }, long: { name: 'x'.repeat(101) }, slash: { calendars: ['a/b'] }, dot: { calendars: ['..'] } })) {
    await t.rejects(addAppPassword(join(file, '../b.toml'), { user: 'alice', name: 'n', readOnly: false, ...wanted }), { name: 'AccountsError' }, why)
  }
})
