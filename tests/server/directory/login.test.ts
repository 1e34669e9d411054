import t from 'tap'
import { Directory } from '../../../server/directory/directory.js'
import { Login } from '../../../server/directory/login.js'
import { hashPassword, makePassword, passwordProblem, verifyPassword } from '../../../server/directory/password.js'
import { readAccountsToml } from '../../../server/directory/accounts.js'

const basic = (credentials: string, charset: BufferEncoding = 'utf8') => 'Basic ' + Buffer.from(credentials, charset).toString('base64')
const accounts = (text: string) => readAccountsToml(text, 'a.toml', () => {})

t.test('passwords', async t => {
  const hash = await hashPassword('Zoë')
  t.match(hash, /^scrypt\$16384\$8\$1\$[\w+/]{22}==\$[\w+/]{43}=$/)
  t.not(await hashPassword('Zoë'), hash, 'another salt')
  for (const [why, stored, given, expected] of [
    ['right', hash, 'Zoë', true], ['the same letters otherwise composed', hash, 'Zoe\u0308', true], ['wrong', hash, 'Zoe', false], ['empty', hash, '', false],
    ['clear, right', 'plain:a b', 'a b', true], ['clear, wrong', 'plain:a b', 'a', false], ['clear, longer', 'plain:a', 'a ', false], ['an empty clear one is none', 'plain:', '', false],
    ['nobody', undefined, '', false], ['no hash', 'x', 'x', false], ['a clear password that looks like a hash', `plain:${hash}`, 'Zoë', false],
    ['too costly', 'scrypt$1048576$99$1$AAAAAAAAAAA=$AAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'x', false], ['N no power of two', hash.replace('16384', '16383'), 'Zoë', false]
  ] as const) t.equal(await verifyPassword(stored, given), expected, why)
  t.equal(passwordProblem(hash), undefined)
  t.type(passwordProblem('secret'), 'string')
  t.match(makePassword(), /^([a-hj-km-np-z2-9]{4}-){3}[a-hj-km-np-z2-9]{4}$/)
  t.not(makePassword(), makePassword())
})

t.test('at most two scrypts run at once, and all come to an end', async t => {
  const from = Date.now()
  await verifyPassword(undefined, 'x')
  const one = Date.now() - from
  const done = await Promise.all(Array.from({ length: 9 }, (_, i) => verifyPassword('plain:a', i === 4 ? 'a' : 'b')))
  t.strictSame(done.map(Number), [0, 0, 0, 0, 1, 0, 0, 0, 0])
  t.comment(`one ${one} ms, nine ${Date.now() - from - one} ms`)
})

t.test('Basic credentials', async t => {
  const directory = new Directory(accounts('[users.alice]\npassword = "plain:p:w"\n[users."zoë"]\npassword = "plain:ü"\n[users.mute]\n[locations.hall]\npassword = "plain:x"'))
  const lines: string[] = []
  const login = new Login({ directory, realm: 'a "b" \\', cacheSeconds: 300, now: Date.now, log: { info: line => { lines.push(line) } } })
  t.equal(login.challenge(), 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"')
  for (const [why, header, name] of [
    ['right', basic('alice:p:w'), 'alice'], ['the scheme without case', basic('alice:p:w').replace('Basic', 'bASIC'), 'alice'], ['the name without case', basic('Alice:p:w'), 'alice'],
    ['UTF-8', basic('zoë:ü'), 'zoë'], ['ISO 8859-1', basic('zoë:ü', 'latin1'), 'zoë'],
    ['wrong password', basic('alice:p'), undefined], ['nobody', basic('eve:p:w'), undefined], ['no password set', basic('mute:'), undefined], ['a room', basic('hall:x'), undefined],
    ['missing', undefined, undefined], ['empty', '', undefined], ['another scheme', 'Bearer abc', undefined], ['no base64', 'Basic !!!!', undefined], ['no colon', basic('alice'), undefined],
    ['no name', basic(':p:w'), undefined], ['a control character', basic('alice\0:p:w'), undefined], ['endless', 'Basic ' + 'A'.repeat(1e5), undefined], ['scheme only', 'Basic ', undefined]
  ] as const) {
    t.equal((await login.basic(header))?.name, name, why)
    t.equal(login.remembered(header)?.name, name, `${why}, asked again`)
  }
  t.match(lines.slice(0, 2), ['login refused: wrong password for alice', 'login refused: no such user'])
  t.notMatch(lines.join(), /eve|p:w/)
})

t.test('a login is remembered for its time, and forgotten when the accounts change', async t => {
  const before = accounts('[users.alice]\npassword = "plain:old"')
  const directory = new Directory(before)
  let now = 0
  const login = new Login({ directory, realm: 'r', cacheSeconds: 10, now: () => now })
  const header = basic('alice:old')
  t.equal(login.remembered(header), undefined)
  const same = await Promise.all([login.basic(header), login.basic(header), login.basic(header)])
  t.ok(same.every(record => record === directory.byLogin('alice')))
  now = 9_999
  t.ok(login.remembered(header))
  now = 10_000
  t.equal(login.remembered(header), undefined, 'its time is over')
  t.ok(await login.basic(header))
  directory.replace(accounts('[users.alice]\npassword = "plain:new"'))
  t.equal(login.remembered(header), undefined, 'the accounts changed')
  t.equal(await login.basic(header), undefined)
  t.equal((await login.basic(basic('alice:new')))?.name, 'alice')
  directory.replace(before)
  const running = login.basic(header)
  directory.replace(accounts('[users.alice]\npassword = "plain:new"'))
  login.remembered('somebody else, meanwhile')
  await running
  t.equal(login.remembered(header), undefined, 'verified with the accounts of before: not remembered')
  const forgetful = new Login({ directory, realm: 'r', cacheSeconds: 0, now: () => now })
  t.ok(await forgetful.basic(basic('alice:new')))
  t.equal(forgetful.remembered(basic('alice:new')), undefined)
})

t.test('what it costs', async t => {
  const directory = new Directory(accounts(`[users.alice]\npassword = "${await hashPassword('pw')}"\n[users.bob]\npassword = "plain:x"`))
  const login = new Login({ directory, realm: 'r', cacheSeconds: 300, now: Date.now })
  const time = async (header: string) => {
    const from = performance.now()
    await login.basic(header)
    return performance.now() - from
  }
  await time(basic('alice:warm'))
  const [known, clear, nobody] = [await time(basic('alice:x')), await time(basic('bob:y')), await time(basic('eve:x'))]
  t.comment(`refused: known ${known.toFixed(1)} ms, clear ${clear.toFixed(1)} ms, nobody ${nobody.toFixed(1)} ms`)
  t.ok(Math.min(known, clear, nobody) > 5, 'nobody is refused faster than somebody')
  const header = basic('alice:pw')
  await login.basic(header)
  const from = performance.now()
  for (let i = 0; i < 20_000; i++) login.remembered(header)
  t.comment(`remembered: ${((performance.now() - from) / 20).toFixed(2)} µs`)
})
