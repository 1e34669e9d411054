import { createHash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { addAppPassword, AppPasswords, revokeAppPassword } from '../../../server/directory/app-password.js'
import { Directory } from '../../../server/directory/directory.js'
import { Login, type LoginContext, type LoginParts } from '../../../server/directory/login.js'
import { hashPassword, makePassword, passwordProblem, verifyPassword } from '../../../server/directory/password.js'
import { readAccountsToml } from '../../../server/directory/accounts.js'
import { Unavailable } from '../../../server/directory/unavailable.js'

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

/** A request from elsewhere over TLS. */
const from = (change: Partial<LoginContext> = {}): LoginContext => ({ address: '192.0.2.7', method: 'PROPFIND', url: '/calendars/', secure: true, local: false, ...change })

/** A login whose waits take no time and are noted. */
function loginOf (toml: string, parts: Partial<LoginParts> = {}) {
  const directory = new Directory(accounts(toml))
  const [lines, waits]: [string[], number[]] = [[], []]
  const login = new Login({
    directory, realm: 'r', cacheSeconds: 300, now: Date.now, log: { info: line => { lines.push(line) } }, wait: async milliseconds => { waits.push(milliseconds) }, ...parts
  })
  return { login, directory, lines, waits, name: async (header: string | undefined, context = from()) => (await login.identify(header, context))?.record.name }
}

t.test('Basic credentials', async t => {
  const { login, lines, name: nameOf } = loginOf('[users.alice]\npassword = "plain:p:w"\n[users."zoë"]\npassword = "plain:ü"\n[users.mute]\n[locations.hall]\npassword = "plain:x"', { realm: 'a "b" \\', failures: 0 })
  t.strictSame(login.challenges(from()).at(-1), 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"')
  for (const [why, header, name] of [
    ['right', basic('alice:p:w'), 'alice'], ['the scheme without case', basic('alice:p:w').replace('Basic', 'bASIC'), 'alice'], ['the name without case', basic('Alice:p:w'), 'alice'],
    ['UTF-8', basic('zoë:ü'), 'zoë'], ['ISO 8859-1', basic('zoë:ü', 'latin1'), 'zoë'],
    ['wrong password', basic('alice:p'), undefined], ['nobody', basic('eve:p:w'), undefined], ['no password set', basic('mute:'), undefined], ['a room', basic('hall:x'), undefined],
    ['missing', undefined, undefined], ['empty', '', undefined], ['another scheme', 'Bearer abc', undefined], ['no base64', 'Basic !!!!', undefined], ['no colon', basic('alice'), undefined],
    ['no name', basic(':p:w'), undefined], ['a control character', basic('alice\0:p:w'), undefined], ['endless', 'Basic ' + 'A'.repeat(1e5), undefined], ['scheme only', 'Basic ', undefined]
  ] as const) {
    t.equal(await nameOf(header), name, why)
    t.equal(login.remembered(header, from())?.record.name, name, `${why}, asked again`)
  }
  t.strictSame(lines.slice(0, 2), ['login failed: address=192.0.2.7 user=alice reason=password', 'login failed: address=192.0.2.7 user=? reason=unknown'])
  t.notMatch(lines.join(), /eve|p:w/)
})

t.test('a login is remembered for its time, and forgotten when its account changes', async t => {
  const before = accounts('[users.alice]\npassword = "plain:old"\n[users.bob]\npassword = "plain:b"')
  const directory = new Directory(before)
  let now = 0
  let verified = 0
  const verify: LoginParts['verify'] = async (stored, given) => { verified++; return stored === `plain:${given}` }
  const login = new Login({ directory, realm: 'r', cacheSeconds: 10, now: () => now, verify })
  const header = basic('alice:old')
  t.equal(login.remembered(header, from()), undefined)
  const same = await Promise.all([login.identify(header, from()), login.identify(header, from()), login.identify(header, from())])
  t.ok(same.every(identity => identity?.record === directory.byLogin('alice')))
  t.equal(verified, 1, 'eight connections cost one scrypt')
  now = 9_999
  t.ok(login.remembered(header, from()))
  now = 10_000
  t.equal(login.remembered(header, from()), undefined, 'its time is over')
  t.ok(await login.identify(header, from()))
  t.ok(await login.identify(basic('bob:b'), from()))
  directory.replace(accounts('[users.alice]\npassword = "plain:new"\n[users.bob]\nfullName = "Bob"\npassword = "plain:b"'))
  t.equal(login.remembered(header, from()), undefined, 'another password')
  t.equal(await login.identify(header, from()), undefined)
  t.equal(login.remembered(basic('bob:b'), from())?.record.fullName, 'Bob', 'who has not changed goes on, as the new record')
  t.equal((await login.identify(basic('alice:new'), from()))?.record.name, 'alice')
  directory.replace(accounts('[users.alice]\nguid = "other"\npassword = "plain:new"'))
  t.equal(login.remembered(basic('alice:new'), from()), undefined, 'somebody else of that name')
  directory.replace(before)
  const running = login.identify(header, from())
  directory.replace(accounts('[users.alice]\npassword = "plain:new"'))
  await running
  t.equal(login.remembered(header, from()), undefined, 'verified with the accounts of before: not remembered')
  const forgetful = new Login({ directory, realm: 'r', cacheSeconds: 0, now: () => now, verify })
  t.ok(await forgetful.identify(basic('alice:new'), from()))
  t.equal(forgetful.remembered(basic('alice:new'), from()), undefined)
})

t.test('the challenges: Digest only where nobody is misled, strongest first', async t => {
  const words = (login: Login, context = from()) => login.challenges(context).map(one => /^\w+|algorithm=([\w-]+)/g[Symbol.match](one)?.join(' '))
  const [sha, md5, plain] = ['Digest algorithm=SHA-256', 'Digest algorithm=MD5', 'Basic']
  const hash = `password = "digest:r:${'0'.repeat(32)}"`
  const scrypt = `password = "${await hashPassword('x')}"`
  for (const [why, toml, parts, expected] of [
    ['clear passwords', '[users.a]\npassword = "plain:x"\n[users.mute]\n[users.empty]\npassword = "plain:"', {}, [sha, md5, plain]],
    ['htdigest', `[users.a]\n${hash}\n[users.b]\npassword = "plain:x"`, {}, [md5, plain]],
    ['htdigest of another realm', `[users.a]\n${hash.replace(':r:', ':s:')}`, {}, [plain]],
    ['one hash', `[users.a]\npassword = "plain:x"\n[users.b]\n${scrypt}`, {}, [plain]],
    ['one hash, but wanted', `[users.a]\npassword = "plain:x"\n[users.b]\n${scrypt}`, { digest: 'on' }, [sha, md5, plain]],
    ['impossible, though wanted', `[users.b]\n${scrypt}`, { digest: 'on' }, [plain]], ['off', '[users.a]\npassword = "plain:x"', { digest: 'off' }, [plain]],
    ['without Basic', '[users.a]\npassword = "plain:x"', { basic: false }, [sha, md5]], ['nobody', '', {}, [plain]]
  ] as const) t.strictSame(words(loginOf(toml, parts).login), expected, why)
  const { login, directory } = loginOf('[users.a]\npassword = "plain:x"')
  t.strictSame(words(login, from({ secure: false })), [sha, md5], 'no Basic over plain HTTP from elsewhere')
  t.strictSame(words(login, from({ secure: false, local: true })), [sha, md5, plain])
  directory.replace(accounts(`[users.b]\n${scrypt}`))
  t.strictSame(words(login), [plain], 'as the accounts change')
  t.throws(() => login.challenges(from({ secure: false })), { name: 'DavError', status: 403, message: /https/ }, 'no way in: 401 without a challenge is none')
  t.throws(() => loginOf(`[users.b]\n${scrypt}`, { basic: false }).login.challenges(from()), { name: 'DavError', status: 403, message: /authentication\.basic/ })
})

t.test('Basic over plain HTTP from elsewhere', async t => {
  const header = basic('alice:x')
  for (const [plainBasic, context, isTaken] of [
    ['local', from({ secure: false }), false], ['local', from({ secure: false, local: true }), true], ['local', from(), true],
    ['always', from({ secure: false }), true], ['never', from({ secure: false, local: true }), false], ['never', from(), true]
  ] as const) {
    const { login, name } = loginOf('[users.alice]\npassword = "plain:x"', { plainBasic })
    await login.identify(header, from())
    t.equal(login.remembered(header, context)?.record.name, isTaken ? 'alice' : undefined, `${plainBasic}: remembered`)
    if (isTaken) t.equal(await name(header, context), 'alice', plainBasic)
    else await t.rejects(name(header, context), { name: 'DavError', status: 403, message: /plainBasic/ }, plainBasic)
  }
  const { name } = loginOf('[users.alice]\npassword = "plain:x"', { basic: false })
  t.equal(await name(header), undefined, 'Basic is off')
})

/** What a client answers to a challenge. */
function answer (challenge: string, { user = 'alice', password = 'secret', nc = 1, method = 'PROPFIND', uri = '/calendars/', realm = 'r', nonce = '' } = {}): string {
  const field = (name: string) => new RegExp(`${name}="?([^",]*)`).exec(challenge)?.[1] ?? ''
  const hash = (text: string) => createHash(field('algorithm') === 'MD5' ? 'md5' : 'sha256').update(text).digest('hex')
  const [count, given] = [nc.toString(16).padStart(8, '0'), nonce === '' ? field('nonce') : nonce]
  const response = hash(`${hash(`${user}:${realm}:${password}`)}:${given}:${count}:c:auth:${hash(`${method}:${uri}`)}`)
  return `Digest username="${user}", realm="${realm}", nonce="${given}", uri="${uri}", algorithm=${field('algorithm')}, response="${response}", opaque="${field('opaque')}", qop=auth, nc=${count}, cnonce="c"`
}

t.test('Digest', async t => {
  const toml = '[users.alice]\npassword = "plain:secret"\n[users.bob]\npassword = "plain:b"'
  let now = 1_000_000
  const { login, lines, name } = loginOf(toml, { now: () => now })
  const [sha = '', md5 = ''] = login.challenges(from())
  for (const challenge of [sha, md5]) t.equal(await name(answer(challenge, { nc: challenge === sha ? 1 : 2 })), 'alice')
  t.equal(await name(answer(md5, { nc: 3, uri: '/x?y', method: 'PUT' }), from({ url: '/x?y', method: 'PUT' })), 'alice')
  t.equal(await name(answer(sha, { nc: 4 }), from({ secure: false })), 'alice', 'over plain HTTP too')
  const isStale = (context: LoginContext) => login.challenges(context).some(one => /stale=true/.test(one))
  const old = new Login({ directory: new Directory(accounts(toml)), realm: 'r', cacheSeconds: 0, now: () => now }).challenges(from())[1] ?? ''
  const other = login.challenges(from())[1] ?? ''
  for (const [why, header] of [
    ['a replay', answer(sha, { nc: 1 })], ['of before a restart', answer(old)], ['a forged nonce', answer(other, { nonce: Buffer.alloc(32, 7).toString('base64url') })], ['a nonce of another', answer(sha, { nc: 9, user: 'bob', password: 'b' })]
  ] as const) {
    const context = from()
    t.equal(await name(header, context), undefined, why)
    t.ok(isStale(context), `${why}: stale`)
  }
  now += 15 * 60 * 1000
  const late = from()
  t.equal(await name(answer(other), late), undefined, 'expired')
  t.ok(isStale(late))
  t.notOk(isStale(from()), 'said to who knows the password only')
  t.strictSame(lines, [], 'no failures so far')
  const [, fresh = ''] = login.challenges(from())
  for (const [why, header, line] of [
    ['wrong password', answer(fresh, { password: 'x' }), 'user=alice reason=password'], ['nobody', answer(fresh, { user: 'eve' }), 'user=? reason=unknown'],
    ['wrong password, old nonce', answer(other, { password: 'x' }), 'user=alice reason=password'], ['another method', answer(fresh, { method: 'PUT' }), 'user=alice reason=password'],
    ['another realm', answer(fresh, { realm: 'R' }), undefined]
  ] as const) {
    const context = from()
    t.equal(await name(header, context), undefined, why)
    t.notOk(isStale(context), why)
    t.equal(lines.pop(), line === undefined ? undefined : `login failed: address=192.0.2.7 ${line}`, why)
  }
  for (const [why, header] of [
    ['another target', answer(fresh, { uri: '/other/' })], ['a missing field', answer(fresh).replace(/, nc=\w+/, '')], ['unknown algorithm', answer(fresh).replace('=MD5', '=SHA-1')], ['huge', answer(fresh) + `, x="${'y'.repeat(1e5)}`]
  ] as const) await t.rejects(name(header), { name: 'DavError', status: 400, message: /^Authorization: Digest: / }, why)
  t.equal(await name(answer(fresh)), 'alice', 'and still the right one is right')
  t.equal(await loginOf(toml, { digest: 'off' }).name(answer(fresh)), undefined, 'not offered, not taken')
  const hashed = loginOf(`[users.alice]\npassword = "digest:r:${createHash('md5').update('alice:r:secret').digest('hex')}"`)
  const [only = ''] = hashed.login.challenges(from())
  t.equal(await hashed.name(answer(only)), 'alice', 'htdigest')
  t.equal(await hashed.name(basic('alice:secret')), 'alice', 'htdigest, Basic')
  await t.rejects(hashed.name(answer(only.replace('MD5', 'SHA-256'))), { name: 'DavError', status: 400 }, 'not offered')
})

t.test('app passwords', async t => {
  const file = join(t.testdir(), 'app-passwords.toml')
  const appPasswords = await AppPasswords.open({ file, log: { info: () => {}, error: () => {} } })
  let verified = 0
  const { login, directory, name, lines } = loginOf('[users.alice]\nguid = "g"\npassword = "plain:x"\n[users.bob]\npassword = "plain:y"', {
    appPasswords, failures: 3, verify: async (stored, given) => { verified++; return stored === `plain:${given}` }
  })
  t.equal(login.challenges(from()).length, 3)
  const phone = await addAppPassword(file, { user: 'alice', guid: 'g', name: 'Phone', readOnly: true, calendars: ['work'] })
  const all = await addAppPassword(file, { user: 'alice', guid: 'g', name: 'All', readOnly: false })
  await appPasswords.refresh()
  t.strictSame(login.challenges(from()).map(one => one.slice(0, 5)), ['Basic'], 'Digest could not be answered with one')
  t.match(await login.identify(basic(`alice:${phone}`), from()), { record: { name: 'alice' }, limit: { name: 'Phone', readOnly: true, calendars: ['work'] } })
  t.strictSame((await login.identify(basic(`ALICE:${all}`), from()))?.limit, { name: 'All', readOnly: false })
  t.equal(verified, 0, 'no scrypt')
  t.strictSame((await login.identify(basic('alice:x'), from()))?.limit, undefined, 'her own password has no limit')
  t.match(login.remembered(basic(`alice:${phone}`), from()), { limit: { readOnly: true } })
  t.equal(await name(basic(`bob:${phone}`)), undefined, 'it is of alice')
  directory.replace(accounts('[users.alice]\nguid = "g"\npassword = "plain:z"\nfullName = "A"'))
  t.match(login.remembered(basic(`alice:${phone}`), from()), { record: { fullName: 'A' }, limit: { readOnly: true } }, 'another password of hers does not end it')
  await revokeAppPassword(file, 'alice', 'Phone')
  await appPasswords.refresh()
  t.equal(login.remembered(basic(`alice:${phone}`), from()), undefined, 'revoked')
  t.equal(await name(basic(`alice:${phone}`)), undefined)
  for (const guess of ['1', '2', '3']) await name(basic(`alice:${guess}`)).catch(() => {})
  await t.rejects(name(basic('alice:4')), { name: 'DavError', status: 429 })
  t.equal(await name(basic(`alice:${all}`)), 'alice', 'nobody guesses one: no lock-out')
  t.match(lines.join('\n'), /login locked: address=192\.0\.2\.7 user=alice by=address seconds=60/)
  directory.replace(accounts('[users.alice]\nguid = "other"\npassword = "plain:z"'))
  t.equal(login.remembered(basic(`alice:${all}`), from()), undefined, 'somebody else of that name')
})

t.test('who fails often waits, then is locked out', async t => {
  let now = 0
  const { name, lines, waits } = loginOf('[users.alice]\npassword = "plain:x"\n[users.bob]\npassword = "plain:y"', { now: () => now, failures: 4, cacheSeconds: 1, verify: async (stored, given) => stored === `plain:${given}` })
  const [home, office, attacker] = ['198.51.100.1', '198.51.100.2', '203.0.113.9'].map(address => from({ address })) as [LoginContext, LoginContext, LoginContext]
  t.equal(await name(basic('alice:x'), home), 'alice')
  now = 2000
  for (const guess of ['1', '1', '1', '2', '3']) t.equal(await name(basic(`alice:${guess}`), attacker), undefined)
  t.strictSame(waits, [250], 'the same three times is one guess')
  t.equal(await name(basic('alice:4'), attacker), undefined)
  await t.rejects(name(basic('bob:y'), attacker), { name: 'DavError', status: 429, headers: { 'retry-after': '60' } }, 'the address')
  await t.rejects(name(basic('alice:0'), office), { name: 'DavError', status: 429 }, 'the account')
  t.equal(await name(basic('bob:y'), office), 'bob')
  t.equal(await name(basic('alice:x'), office), 'alice', 'what was right before is no guess, wherever it comes from')
  t.equal(await name(basic('alice:y'), home), undefined, 'where she logged in before she is not locked out')
  t.strictSame(lines.filter(line => line.includes('locked')).slice(0, 2), ['login locked: address=203.0.113.9 user=alice by=address seconds=60', 'login locked: address=203.0.113.9 user=alice by=account seconds=60'])
  for (const [at, guess] of ['5', '6', '7', '8'].entries()) await name(basic(`nobody:${guess}`), from({ address: `192.0.2.${at}` }))
  await t.rejects(name(basic('nobody:9'), from({ address: '192.0.2.99' })), { name: 'DavError', status: 429 }, 'a name that nobody has is locked out alike')
  const local = from({ address: '127.0.0.1', local: true, secure: false })
  for (const guess of ['a', 'b', 'c', 'd', 'e', 'f']) await name(basic(`no${guess}:${guess}`), local)
  t.equal(await name(basic('bob:y'), local), 'bob', 'everybody may be behind the address of a proxy')
})

t.test('while the directory server is down', async t => {
  let now = 0
  let isDown = false
  const { login, name, lines, directory } = loginOf('[users.alice]\npassword = "plain:x"', {
    now: () => now, cacheSeconds: 10, outageSeconds: 3600,
    verify: async (stored, given) => {
      if (isDown) throw new Unavailable('ldap://127.0.0.1 does not answer')
      return stored === `plain:${given}`
    }
  })
  t.equal(await name(basic('alice:x')), 'alice')
  isDown = true
  now = 11_000
  t.equal(login.remembered(basic('alice:x'), from()), undefined)
  t.equal(await name(basic('alice:x')), 'alice', 'verified before')
  t.ok(login.remembered(basic('alice:x'), from()), 'and not asked for each request')
  await t.rejects(name(basic('alice:y')), { name: 'DavError', status: 503, message: /does not answer/, headers: { 'retry-after': '30' } })
  now = 3600_000
  await t.rejects(name(basic('alice:x')), { name: 'DavError', status: 503 }, 'not for ever')
  t.strictSame(lines, [], 'nobody failed')
  isDown = false
  t.equal(await name(basic('alice:x')), 'alice')
  isDown = true
  now += 11_000
  directory.replace(accounts('[users.alice]\npassword = "plain:z"'))
  await t.rejects(name(basic('alice:x')), { name: 'DavError', status: 503 }, 'another password since')
})

t.test('too many at once', async t => {
  const waiting: (() => void)[] = []
  const { name } = loginOf('[users.alice]\npassword = "plain:x"', { failures: 0, verify: async () => { await new Promise<void>(resolve => waiting.push(resolve)); return false } })
  const all = Array.from({ length: 50 }, (_, i) => name(basic(`alice:${i}`)))
  await t.rejects(name(basic('alice:one more')), { name: 'DavError', status: 503, headers: { 'retry-after': '2' } })
  const same = name(basic('alice:1'))
  for (const go of waiting) go()
  t.ok((await Promise.all([...all, same])).every(one => one === undefined))
})

t.test('what it costs', async t => {
  const { login } = loginOf(`[users.alice]\npassword = "${await hashPassword('pw')}"\n[users.bob]\npassword = "plain:x"`)
  const time = async (header: string) => {
    const start = performance.now()
    await login.identify(header, from())
    return performance.now() - start
  }
  await time(basic('alice:warm'))
  const [known, clear, nobody] = [await time(basic('alice:x')), await time(basic('bob:y')), await time(basic('eve:x'))]
  t.comment(`refused: known ${known.toFixed(1)} ms, clear ${clear.toFixed(1)} ms, nobody ${nobody.toFixed(1)} ms`)
  t.ok(Math.min(known, clear, nobody) > 5, 'nobody is refused faster than somebody')
  const header = basic('alice:pw')
  const context = from()
  await login.identify(header, context)
  const start = performance.now()
  for (let i = 0; i < 20_000; i++) login.remembered(header, context)
  const microseconds = (performance.now() - start) / 20
  t.ok(microseconds < 50, `remembered: ${microseconds.toFixed(2)} µs`)
})

t.test('guesses side by side are counted before they are tried', async t => {
  const directory = new Directory(accounts('[users.alice]\npassword = "plain:right"\n'))
  let tried = 0
  const login = new Login({
    directory, realm: 'r', cacheSeconds: 300, now: Date.now, failures: 3, wait: async () => {},
    verify: async (_, given) => {
      tried++
      await new Promise(resolve => setTimeout(resolve, 20))
      return given === 'right'
    }
  })
  const guess = async (password: string): Promise<number> => await login.identify(basic(`alice:${password}`), from()).then(found => found === undefined ? 401 : 200, (error: { status: number }) => error.status)
  const answers = await Promise.all([...Array.from({ length: 30 }, async (_, n) => await guess(`wrong ${n}`)), guess('right')])
  t.equal(tried, 3)
  t.same([answers.filter(status => status === 401).length, answers.filter(status => status === 503).length], [3, 28])
  t.equal(await guess('right'), 429, 'and then it is locked')
})
