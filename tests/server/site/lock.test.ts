import t from 'tap'
import { Locks, type Wish } from '../../../server/site/lock.js'

const wish = (place: string, more: Partial<Wish> = {}): Wish =>
  ({ place, segments: place.split('/'), href: `/${place}`, scope: 'exclusive', deep: false, owner: undefined, creator: 'alice', ...more })

t.test('who is in the way of whom', async t => {
  const cases: readonly (readonly [why: string, held: Wish, wished: Wish, granted: boolean])[] = [
    ['an exclusive lock, and another', wish('h/a'), wish('h/a'), false],
    ['an exclusive lock, and a shared one', wish('h/a'), wish('h/a', { scope: 'shared' }), false],
    ['a shared lock, and an exclusive one', wish('h/a', { scope: 'shared' }), wish('h/a'), false],
    ['two shared ones', wish('h/a', { scope: 'shared' }), wish('h/a', { scope: 'shared' }), true],
    ['of the same user', wish('h/a', { creator: 'bob' }), wish('h/a', { creator: 'bob' }), false],
    ['a deep one above', wish('h/a', { deep: true }), wish('h/a/b/c'), false],
    ['a shallow one above', wish('h/a'), wish('h/a/b'), true],
    ['a deep shared one above, and a shared one', wish('h/a', { deep: true, scope: 'shared' }), wish('h/a/b', { scope: 'shared' }), true],
    ['one below, and a deep one', wish('h/a/b/c'), wish('h/a', { deep: true }), false],
    ['one below, and a shallow one', wish('h/a/b/c'), wish('h/a'), true],
    ['a shared one below, and a deep shared one', wish('h/a/b', { scope: 'shared' }), wish('h/a', { deep: true, scope: 'shared' }), true],
    ['the same beginning, but no path', wish('h/a', { deep: true }), wish('h/ab', { deep: true }), true],
    ['a sister', wish('h/a', { deep: true }), wish('h/b', { deep: true }), true],
    ['another home', wish('h', { deep: true }), wish('g', { deep: true }), true]
  ]
  for (const [why, held, wished, granted] of cases) {
    const locks = new Locks()
    locks.take(held, undefined)
    t.equal(locks.conflicts(wished).length === 0, granted, why)
    if (granted) t.match(locks.take(wished, undefined).token, /^urn:uuid:[\da-f-]{36}$/, why)
    else t.throws(() => locks.take(wished, undefined), { name: 'DavError', status: 423, element: { name: '{DAV:}no-conflicting-lock', children: [{ name: '{DAV:}href', children: [held.href] }] } }, why)
  }
})

t.test('what a lock covers, and when it ends', async t => {
  let now = 0
  const locks = new Locks(() => now)
  const root = locks.take(wish('h', { deep: true, scope: 'shared' }), 30)
  const flat = locks.take(wish('h/a', { scope: 'shared' }), Infinity)
  const leaf = locks.take(wish('h/a/b', { scope: 'shared' }), undefined)
  t.same(locks.covering('h/a/b'), [leaf, root], 'its own and the deep one, not the flat one between')
  t.same(locks.covering('h/a'), [flat, root])
  t.same(locks.covering('h/x/y'), [root], 'what is not there yet too')
  t.same(locks.covering('ha'), [])
  t.same(locks.below('h/a'), [leaf])
  t.same([root, flat, leaf].map(lock => locks.secondsLeft(lock)), [30, 3600, 600], 'asked for, the most, the usual')
  now = 29_500
  t.equal(locks.secondsLeft(root), 1)
  now = 30_000
  t.same(locks.covering('h/a/b'), [leaf], 'at its end it is gone')
  t.same(locks.conflicts(wish('h')), [])
  locks.refresh(leaf, 5)
  t.equal(locks.secondsLeft(leaf), 5)
  locks.refresh(leaf, 0)
  t.equal(locks.secondsLeft(leaf), 1, 'never none')
  locks.refresh(leaf, undefined)
  t.equal(locks.secondsLeft(leaf), 1, 'as long as before')
})

t.test('released', async t => {
  const locks = new Locks()
  const [one, two] = [locks.take(wish('h/a', { scope: 'shared' }), 60), locks.take(wish('h/a', { scope: 'shared', creator: 'bob' }), 60)]
  t.not(one.token, two.token)
  locks.release(one)
  locks.release(one)
  t.same(locks.at('h/a'), [two])
  t.notOk(locks.isEmpty)
  locks.release(two)
  t.same(locks.covering('h/a'), [])
  t.ok(locks.isEmpty)
})

t.test('there are only so many', async t => {
  let now = 0
  const locks = new Locks(() => now)
  for (let number = 0; number < 50; number++) locks.take(wish('h/a', { scope: 'shared', creator: String(number) }), 60)
  t.throws(() => locks.take(wish('h/a', { scope: 'shared' }), 60), { status: 507, message: /\/h\/a has 50 locks/ })
  for (let number = 0; number < 1000; number++) locks.take(wish(`h/${number}`), 60)
  t.throws(() => locks.take(wish('h/more'), 60), { status: 507, message: /1000 locks of one user/ })
  for (let number = 0; number < 18_950; number++) locks.take(wish(`h/b${number}`, { creator: `u${number % 1000}` }), 90)
  t.throws(() => locks.take(wish('h/more', { creator: 'carol' }), 60), { status: 503, message: /20000 locks/ })
  now = 60_000
  t.equal(locks.take(wish('h/more'), 60).creator, 'alice', 'those that have ended do not count')
})
