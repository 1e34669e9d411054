import { createHash } from 'node:crypto'
import t from 'tap'
import { algorithmsFor, isRightAnswer, isTarget, readDigest, type DigestCredentials } from '../../../server/directory/digest.js'
import { nonceLifetime, Nonces } from '../../../server/directory/nonce.js'

const md5 = (text: string | Buffer) => createHash('md5').update(text).digest('hex')

const mufasa = 'username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ' +
  'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'

const read = (header: string): DigestCredentials => {
  const credentials = readDigest(header)
  if (credentials === undefined) throw new Error('of another scheme')
  return credentials
}

t.test('the examples of RFC 7616 3.9.1 and RFC 2617 3.5', async t => {
  for (const [algorithm, response] of [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'], ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1']
  ] as const) {
    const credentials = read(`Digest ${mufasa}, algorithm=${algorithm}, response="${response}"`)
    t.match(credentials, { name: 'Mufasa', uri: '/dir/index.html', algorithm, nc: '00000001' })
    t.ok(isRightAnswer(credentials, 'plain:Circle of Life', 'GET'), algorithm)
    for (const [why, stored, method] of [
      ['another password', 'plain:Circle Of Life', 'GET'], ['another method', 'plain:Circle of Life', 'PUT'], ['nobody', undefined, 'GET'], ['no password', 'plain:', 'GET'], ['a hash', 'scrypt$1$2$3', 'GET'],
      ['the word that stands for nobody', 'nobody', 'GET']
    ] as const) t.notOk(isRightAnswer(credentials, stored, method), `${algorithm}, ${why}`)
  }
  t.ok(isRightAnswer(read('Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001, ' +
    'cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'), 'plain:Circle Of Life', 'GET'), 'without algorithm: MD5')
})

t.test('a password of htdigest answers MD5 in its realm only', async t => {
  const stored = (realm: string) => `digest:${realm}:${md5(`Mufasa:${realm}:Circle of Life`)}`
  const credentials = read(`Digest ${mufasa}, algorithm=MD5, response="8ca523f5e9506fed4657c9700eebdbec"`)
  t.ok(isRightAnswer(credentials, stored('http-auth@example.org'), 'GET'))
  t.ok(isRightAnswer(credentials, stored('http-auth@example.org').replace(/[\da-f]{32}$/, hex => hex.toUpperCase()), 'GET'))
  t.notOk(isRightAnswer(credentials, stored('elsewhere'), 'GET'))
  t.notOk(isRightAnswer(read(`Digest ${mufasa}, algorithm=SHA-256, response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`), stored('http-auth@example.org'), 'GET'))
  t.strictSame(['plain:x', 'digest:r:0', 'digest:s:0', 'scrypt$x', 'ldap:cn=x'].map(one => algorithmsFor(one, 'r')), [['SHA-256', 'MD5'], ['MD5'], [], [], []])
})

t.test('names and passwords beyond ASCII', async t => {
  const answer = (name: Buffer, password: Buffer, field: string) => {
    const secret = md5(Buffer.concat([name, Buffer.from(':r:'), password]))
    return `Digest ${field}, realm="r", uri="/", nonce="n", nc=00000001, cnonce="c", qop=auth, response="${md5(`${secret}:n:00000001:c:auth:${md5('GET:/')}`)}"`
  }
  for (const [why, charset, field, password] of [
    ['UTF-8 as bytes', 'utf8', `username="${Buffer.from('zoë').toString('latin1')}"`, 'ü'], ['ISO 8859-1', 'latin1', 'username="zo\u00eb"', 'ü'],
    ['username*', 'utf8', "username*=UTF-8''zo%C3%ABx".replace('x', ''), 'ü'], ['composed otherwise in the accounts', 'utf8', "username*=utf-8'de'zo%c3%ab", 'u\u0308']
  ] as const) {
    const credentials = read(answer(Buffer.from('zoë', charset), Buffer.from('ü', charset), field))
    t.equal(credentials.name, 'zoë', why)
    t.ok(isRightAnswer(credentials, `plain:${password}`, 'GET'), why)
  }
  t.equal(read(answer(Buffer.from('a"b\\c'), Buffer.from('x'), 'username="a\\"b\\\\c"')).name, 'a"b\\c', 'quotes')
})

t.test('what is improper is 400 and says what', async t => {
  const right = `${mufasa}, algorithm=MD5, response="8ca523f5e9506fed4657c9700eebdbec"`
  t.equal(readDigest('Basic abc'), undefined)
  t.equal(readDigest('Digest'), undefined)
  t.match(readDigest('dIGEST ,, ' + right.replaceAll(', ', ' ,\t,') + ' , '), { name: 'Mufasa' }, 'empty elements (RFC 9110 5.6.1.2)')
  t.match(readDigest(`Digest ${right}, future="x y", auth-int=1, userhash=false`), { name: 'Mufasa' }, 'what is unknown is ignored')
  for (const [why, header, message] of [
    ['nothing', 'Digest x', 'expected name="value"'], ['no name', right.replace(/username="Mufasa", /, ''), 'username'], ['two names', `${right}, username*=UTF-8''x`, 'username'],
    ['no realm', right.replace(/realm="[^"]*", /, ''), 'realm is missing'], ['no nonce', right.replace(/ nonce="[^"]*",/, ''), 'nonce is missing'], ['no uri', right.replace(/uri="[^"]*", /, ''), 'uri is missing'],
    ['no response', right.replace(/, response="[^"]*"/, ''), 'response is missing'], ['no qop (RFC 2069)', right.replace(/ qop=auth,/, ''), 'qop is missing'], ['auth-int', right.replace('qop=auth', 'qop=auth-int'), 'qop is wrong'],
    ['no count', right.replace(/ nc=00000001,/, ''), 'nc is missing'], ['a short count', right.replace('nc=00000001', 'nc=1'), 'nc is wrong'], ['no cnonce', right.replace(/ cnonce="[^"]*",/, ''), 'cnonce is missing'],
    ['unknown algorithm', right.replace('=MD5', '=SHA-512-256'), 'algorithm'], ['session', right.replace('=MD5', '=MD5-sess'), 'algorithm'], ['__proto__', right.replace('=MD5', '=__proto__'), 'algorithm'],
    ['hashed name', `${right}, userhash=true`, 'userhash'], ['twice', `${right}, nonce="x"`, 'nonce is there twice'], ['no end of quotes', `${right}, x="`, 'expected name='], ['a space in uri', right.replace('/dir/', '/a b/'), 'uri is wrong'],
    ['a control character', right.replace('Mufasa', 'Mu\x01'), 'control'], ['username* no UTF-8', right.replace('username="Mufasa"', "username*=UTF-8''%ff"), 'UTF-8'], ['username* of another charset', right.replace('username="Mufasa"', "username*=latin1''x"), 'username*'],
    ['many parameters', right + Array.from({ length: 30 }, (_, i) => `, a${i}=1`).join(''), 'more than 20']
  ] as const) t.throws(() => readDigest(header.startsWith('Digest') ? header : `Digest ${header}`), { name: 'DavError', status: 400, message: new RegExp(message.replace('*', '\\*')) }, why)
  const from = performance.now()
  for (const huge of ['a'.repeat(1e5), '"'.repeat(1e5), 'a="\\'.repeat(3e4), ' ,'.repeat(1e5), 'a= '.repeat(3e4), `a="${'\\"'.repeat(5e4)}`]) t.throws(() => readDigest(`Digest ${huge}`), { name: 'DavError', status: 400 })
  t.ok(performance.now() - from < 500, 'quick')
})

t.test('the target', async t => {
  for (const [uri, url, expected] of [
    ['/a?b', '/a?b', true], ['http://h:8008/a', '/a', true], ['https://h/a', 'http://h/a', true], ['*', '*', true], ['/a', '/A', false], ['/a', '/a/', false], ['/a?b', '/a', false], ['/%61', '/a', false], ['http:///a', '/a', false]
  ] as const) t.equal(isTarget(uri, url), expected, `${uri} for ${url}`)
})

t.test('nonces: time, seal and count', async t => {
  let now = 1_000_000
  const nonces = new Nonces({ realm: 'a "b"', now: () => now })
  const [strong = '', weak = ''] = nonces.challenges(['SHA-256', 'MD5'], false)
  t.match(strong, /^Digest realm="a \\"b\\"", qop="auth", algorithm=SHA-256, nonce="[\w-]{43}", opaque="[\w-]{22}", charset=UTF-8$/)
  t.equal(weak, strong.replace('SHA-256', 'MD5'), 'one nonce for both')
  t.match(nonces.challenges(['MD5'], true)[0], /, stale=true$/)
  const opaque = /opaque="([^"]*)"/.exec(strong)?.[1]
  const nonce = /nonce="([^"]*)"/.exec(strong)?.[1] ?? ''
  const take = (count: number, change: Partial<DigestCredentials> = {}, owner = 'alice') =>
    nonces.take({ nonce, opaque, nc: count.toString(16).padStart(8, '0'), ...change } as DigestCredentials, owner)
  t.equal(nonces.isInUse(nonce, 'alice'), false)
  t.equal(take(0), 'stale', 'counts begin at one')
  t.equal(take(1), 'fresh')
  t.equal(take(1), 'stale', 'a replay')
  t.ok(nonces.isInUse(nonce, 'alice'))
  t.equal(take(2, {}, 'bob'), 'stale', 'it is of alice')
  t.strictSame([5, 3, 4, 3, 2, 5].map(count => take(count)), ['fresh', 'fresh', 'fresh', 'stale', 'fresh', 'stale'], 'requests overtake each other')
  t.strictSame([100, 37, 36, 37, 99, 100].map(count => take(count)), ['fresh', 'fresh', 'stale', 'stale', 'fresh', 'stale'], 'within 64')
  t.strictSame([0xffffffff, 200, 0xfffffffe].map(count => take(count)), ['fresh', 'stale', 'fresh'])
  t.equal(take(9, { opaque: 'x' }), 'stale')
  const forged = Buffer.from(nonce, 'base64url')
  forged.writeUIntBE(now + 1e6, 0, 6)
  for (const [why, other] of [['nonsense', 'x'], ['with another time', forged.toString('base64url')], ['of before a restart', new Nonces({ realm: 'r', now: () => now }).make()], ['longer', nonce + 'A']] as const) {
    t.equal(take(1, { nonce: other }), 'stale', why)
  }
  t.equal(take(1, { nonce: nonces.make(), opaque: undefined }), 'fresh', 'without opaque')
  const late = nonces.make()
  now += nonceLifetime - 1
  t.equal(take(1, { nonce: late }), 'fresh')
  now += 1
  t.equal(take(2, { nonce: late }), 'stale', 'its time is over')
  const future = nonces.make()
  now -= 1
  t.equal(take(1, { nonce: future }), 'stale', 'the clock was set back')
})

t.test('what is dropped from the memory cannot be replayed', async t => {
  let now = 1_000_000
  const nonces = new Nonces({ realm: 'r', now: () => now })
  const use = (nonce: string) => nonces.take({ nonce, opaque: undefined, nc: '00000001' } as DigestCredentials, 'alice')
  const first = nonces.make()
  const unused = nonces.make()
  now++
  t.equal(use(first), 'fresh')
  for (let i = 0; i < 10_000; i++) use(nonces.make())
  t.equal(nonces.isInUse(first, 'alice'), false)
  t.equal(use(first), 'stale')
  t.equal(use(unused), 'stale', 'who is as old has to ask anew')
  t.equal(use(nonces.make()), 'fresh')
})
