import { join } from 'node:path'
import t from 'tap'
import { readAccountsToml } from '../../../server/directory/accounts.js'
import { Source } from '../../../server/directory/source.js'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const read = (text: string) => readAccountsToml(text, 'a.toml', () => {})

t.test('quota and names of an account', async t => {
  for (const [written, quota] of [['2048', 2048], ['"100 MB"', 100 * 1024 ** 2], ['"1.5 TB"', 1.5 * 1024 ** 4], ['0', 0]] as const) {
    t.equal(read(`[users.alice]\nquota = ${written}`)[0]?.record.quota, quota, written)
  }
  t.notOk(Object.hasOwn(read('[users.alice]')[0]!.record, 'quota'))
  for (const written of ['-1', '1.5', '"much"', 'true', '"100 MB x"', '"999999999999 TB"']) {
    t.throws(() => read(`[users.alice]\nquota = ${written}`), { message: /^a\.toml, line 2: users\.alice\.quota: wrong, expected bytes or a size/ }, written)
  }
  t.match(read('[users.alice]\nfirstName = "Alice"\nlastName = "E"')[0]?.record, { firstName: 'Alice', lastName: 'E', fullName: 'alice' })
  t.throws(() => read('[users.alice]\nfirstName = 1'), { message: /users\.alice\.firstName: wrong/ })
})

t.test('passwords in our file may be hashes of Apache', async t => {
  const dir = t.testdir({
    'a.toml': `[users.alice]\npassword = "$2y$05$8fTTDA7P113S/j2Vgwz5g.ahzRox2IKIuQnigVULD9nonLv4/1.Py"
[users.bob]\npassword = "$apr1$y3k21Ejk$UTrE/OIEgG3OZ95w8YSJk."\n[users.carol]\npassword = "digest:Test Realm:00000000000000000000000000000000"`,
    'b.xml': '<accounts realm="Test"><user><uid>erin</uid><password>x</password><name>Erin E</name><first-name>Erin</first-name><last-name>E</last-name></user></accounts>'
  })
  const { verify, directory } = await Source.open({ file: join(dir, 'a.toml'), log: quiet })
  const stored = (name: string) => directory.password(directory.byLogin(name)!)
  t.strictSame(await Promise.all([verify(stored('alice'), 'p w'), verify(stored('bob'), 'secret'), verify(stored('carol'), 'x', { name: 'carol' }), verify(undefined, 'x')]), [true, true, false, false])
  t.throws(() => read('[users.dave]\npassword = "lfUl81kMsOkf6"'), { message: /line 2: users\.dave\.password: wrong, .*not a hash of crypt\(3\)/ })
  t.throws(() => read('[users.dave]\npassword = "clear text"'), { message: /users\.dave\.password: wrong/ })
  const apple = await Source.open({ file: join(dir, 'b.xml'), log: quiet })
  t.match(apple.directory.byLogin('erin'), { fullName: 'Erin E', firstName: 'Erin', lastName: 'E' })
})

t.test('nobody takes as long as somebody', async t => {
  const dir = t.testdir({ people: ['alice', 'bob'].map(name => `${name}:$2y$11$8fTTDA7P113S/j2Vgwz5g.ahzRox2IKIuQnigVULD9nonLv4/1.Py\n`).join('') })
  const { verify, directory } = await Source.open({ file: join(dir, 'people'), log: quiet })
  const time = async (stored: string | undefined) => {
    const from = performance.now()
    t.equal(await verify(stored, 'wrong'), false)
    return performance.now() - from
  }
  await time(undefined)
  const [somebody, nobody] = [await time(directory.password(directory.byLogin('alice')!)), await time(undefined)]
  t.ok(nobody > somebody / 2 && nobody < somebody * 2, `${somebody.toFixed(0)} ms, ${nobody.toFixed(0)} ms`)
})
