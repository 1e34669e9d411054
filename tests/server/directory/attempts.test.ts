import t from 'tap'
import { Attempts, networkOf, plainAddress } from '../../../server/directory/attempts.js'

const bounds = { failures: 3, lockSeconds: 60, lockMostSeconds: 200 }

t.test('an address is locked out after so many different guesses, longer each time', async t => {
  let now = 0
  const attempts = new Attempts(bounds, () => now)
  const guess = (guess: string, account = guess) => attempts.failed({ address: '192.0.2.7', account, guess })
  t.strictSame(guess('a'), { delayMilliseconds: 0, locked: [] })
  t.strictSame(guess('b'), { delayMilliseconds: 0, locked: [] })
  t.equal(attempts.waitSeconds({ address: '192.0.2.7', account: 'x' }), undefined)
  t.strictSame(guess('c'), { delayMilliseconds: 250, locked: [{ what: 'address', seconds: 60 }] })
  t.equal(attempts.waitSeconds({ address: '192.0.2.7', account: 'x' }), 60)
  t.equal(attempts.waitSeconds({ address: '192.0.2.8', account: 'x' }), undefined, 'others are not')
  now = 59_500
  t.equal(attempts.waitSeconds({ address: '192.0.2.7', account: 'x' }), 1)
  now = 60_000
  t.equal(attempts.waitSeconds({ address: '192.0.2.7', account: 'x' }), undefined)
  t.strictSame(guess('d'), { delayMilliseconds: 500, locked: [{ what: 'address', seconds: 120 }] })
  t.match(guess('e'), { locked: [{ seconds: 200 }] }, 'not beyond the most')
  t.match(guess('e'), { locked: [] }, 'the same again is no new guess')
  for (let i = 0; i < 10; i++) guess(`f${i}`)
  t.equal(guess('g').delayMilliseconds, 4000)
  now += 3600_000
  t.strictSame(guess('h'), { delayMilliseconds: 0, locked: [] }, 'an hour later all is forgotten')
})

t.test('the same wrong password all day locks nobody out', async t => {
  const attempts = new Attempts(bounds, () => 0)
  for (let i = 0; i < 50; i++) t.strictSame(attempts.failed({ address: '192.0.2.7', account: 'alice', guess: 'old' }), { delayMilliseconds: 0, locked: [] })
  t.equal(attempts.waitSeconds({ address: '192.0.2.7', account: 'alice' }), undefined)
  for (let i = 0; i < 2; i++) attempts.failed({ address: '192.0.2.9', account: 'alice' })
  t.match(attempts.failed({ address: '192.0.2.9', account: 'alice' }), { locked: [{ what: 'address' }, { what: 'account' }] }, 'what cannot be told apart counts')
})

t.test('an account is locked out whoever guesses, but not for who logged in there before', async t => {
  const attempts = new Attempts(bounds, () => 0)
  attempts.succeeded({ address: '198.51.100.1', account: 'alice' })
  for (const [at, address] of ['192.0.2.1', '192.0.2.2', '192.0.2.3'].entries()) {
    t.match(attempts.failed({ address, account: 'alice', guess: address }).locked, at === 2 ? [{ what: 'account', seconds: 60 }] : [], address)
  }
  t.equal(attempts.waitSeconds({ address: '192.0.2.4', account: 'alice' }), 60)
  t.equal(attempts.waitSeconds({ address: undefined, account: 'alice' }), 60)
  t.equal(attempts.waitSeconds({ address: '198.51.100.1', account: 'alice' }), undefined, 'the telephone of the owner')
  t.equal(attempts.waitSeconds({ address: '192.0.2.4', account: 'bob' }), undefined)
})

t.test('a success forgives the slips of its own address only', async t => {
  const attempts = new Attempts(bounds, () => 0)
  const fail = (address: string, guess: string, account = 'alice') => attempts.failed({ address, account, guess }).locked
  fail('192.0.2.1', 'a')
  fail('192.0.2.1', 'b')
  attempts.succeeded({ address: '192.0.2.1', account: 'alice' })
  t.strictSame([fail('192.0.2.1', 'c'), fail('192.0.2.1', 'd')], [[], []], 'counted anew')
  attempts.succeeded({ address: '198.51.100.1', account: 'alice' })
  t.match(fail('192.0.2.1', 'e'), [{ what: 'address' }, { what: 'account' }], 'the owner elsewhere does not hide who guesses')
  fail('192.0.2.9', 'a', 'bob')
  fail('192.0.2.9', 'b', 'bob')
  attempts.succeeded({ address: '192.0.2.9', account: 'mallory' })
  t.match(fail('192.0.2.9', 'c', 'carol'), [{ what: 'address' }], 'an account of his own does not either')
})

t.test('what many share is not held against them', async t => {
  const attempts = new Attempts(bounds, () => 0)
  for (const account of ['a', 'b', 'c', 'd']) t.strictSame(attempts.failed({ address: '', account, guess: account }).locked, [])
  t.equal(attempts.waitSeconds({ address: '', account: 'e' }), undefined)
  const never = new Attempts({ ...bounds, failures: 0 }, () => 0)
  for (const guess of ['a', 'b', 'c', 'd']) t.strictSame(never.failed({ address: '192.0.2.1', account: 'a', guess }).locked, [], '0: no lock-out')
})

t.test('memory is bounded', async t => {
  const attempts = new Attempts(bounds, () => 0)
  for (const guess of ['a', 'b', 'c']) attempts.failed({ address: '192.0.2.1', account: 'x', guess })
  for (let i = 0; i < 10_000; i++) attempts.failed({ address: `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`, account: `n${i}`, guess: 'a' })
  t.equal(attempts.waitSeconds({ address: '192.0.2.1', account: 'x' }), undefined, 'the oldest went')
  t.ok(attempts.failed({ address: '10.0.39.15', account: 'n9999', guess: 'b' }))
})

t.test('addresses', async t => {
  for (const [given, expected] of [
    ['192.0.2.7', '192.0.2.7'], ['::ffff:192.0.2.7', '192.0.2.7'], ['::FFFF:192.0.2.7', '192.0.2.7'], ['2001:db8::1', '2001:db8:0:0::/64'], ['2001:DB8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:00a0::9', '2001:db8:0:a0::/64'], ['::1', '0:0:0:0::/64'], ['fe80::1%eth0', 'fe80:0:0:0::/64'], ['1:2:3:4:5:6:7::', '1:2:3:4::/64'], ['', undefined], [undefined, undefined]
  ] as const) t.equal(networkOf(given), expected, String(given))
  t.equal(plainAddress('::ffff:192.0.2.7'), '192.0.2.7')
  t.equal(plainAddress('2001:db8::1'), '2001:db8::1')
})
