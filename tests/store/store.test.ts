import { appendFileSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Home } from '../../store/home.js'
import { changesSince } from '../../store/index/journal.js'
import { writeMember } from '../../store/write.js'
import { describe, hand, namesIn, object, openStore, shelf, until } from './shelf.js'

const any = () => {}

t.test('homes: what is there, what is not, what is made', async t => {
  const { store, home, documents } = shelf(t)
  t.equal(store.home(['alice']), home, 'the same one each time')
  t.equal(store.home(['nobody']), undefined)
  hand(`${documents}/file`, 'x')
  t.equal(store.home(['file']), undefined)
  const bob = store.makeHome(['bob'])
  t.equal(bob.directory, `${documents}/bob`)
  t.equal(store.makeHome(['bob']), bob)
  t.same(bob.children(''), [])
  symlinkSync('alice', `${documents}/link`)
  t.throws(() => store.makeHome(['link']), { name: 'StoreError', reason: 'exists' })
  t.throws(() => store.makeHome(['file']), { name: 'StoreError', reason: 'exists' })
  t.throws(() => store.makeHome(['..']), { name: 'StoreError', reason: 'bad-name' })
  t.equal(store.keepsAttributes, true)
})

t.test('more homes than may be open', async t => {
  const root = t.testdir()
  const count = 104
  for (let number = 0; number < count; number++) hand(`${root}/documents/u${number}/work/a.ics`, object(String(number)))
  const { store } = openStore(t, root)
  const homes: Home[] = []
  for (let number = 0; number < count; number++) {
    const home = store.home([`u${number}`]) ?? t.fail() as never
    await namesIn(home, 'work')
    homes.push(home)
  }
  t.ok(homes.filter(home => home.isOpen).length <= 101, `${homes.filter(home => home.isOpen).length} open`)
  const [first] = homes
  t.equal(first?.isOpen, false, 'least recently used')
  for (const [number, home] of homes.entries()) {
    t.equal((await namesIn(home, 'work')).length, 1)
    const work = home.collection('work') ?? t.fail() as never
    t.equal(home.content(work, 'a.ics')?.member.uid, String(number))
    t.equal(home.isFresh(work), true, 'closing forgets nothing')
  }
})

t.test('a listener that throws undoes nothing, and the others hear', async t => {
  const { store, home, work, directory, told } = shelf(t)
  store.prependListener('change', () => { throw new Error('push is down') })
  const heard: string[] = []
  store.on('change', ({ collection }) => { heard.push(collection) })
  t.match(await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a') }, any), { created: true })
  t.ok(existsSync(`${directory}/a.ics`))
  t.same(heard, ['work'])
  mkdirSync(`${directory}-2`)
  home.list()
  rmSync(`${directory}-2`, { recursive: true })
  home.list()
  t.equal(home.collection('work-2'), undefined)
  t.match(told[0], /push is down/)
  let asked: Home | undefined
  store.once('change', () => {
    home.list()
    asked = home
  })
  rmSync(directory, { recursive: true })
  home.list()
  t.equal(asked, home, 'a listener may ask the home')
  t.equal(home.collection('work'), undefined)
})

t.test('an index that is deleted while it is open, or closed', async t => {
  const { store, home, work, directory, state } = shelf(t)
  for (const name of ['a.ics', 'b.ics']) hand(`${directory}/${name}`, object(name))
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  const { epoch } = home.total()
  rmSync(`${state}/index`, { recursive: true })
  await writeMember(store.writing, home, work, 'c.ics', { bytes: object('c') }, any)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics', 'c.ics'], 'goes on with the file that nobody sees')
  home.close()
  t.equal(home.isFresh(work), false, 'a new index knows nothing yet')
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics', 'c.ics'])
  t.not(home.total().epoch, epoch, 'old sync tokens are void')
  t.equal(home.member(work, 'a.ics')?.uid, 'a.ics', 'a collection that somebody held on to is still the right one')
  t.equal(home.count(work), 3)
})

t.test('an index of an older state is noticed', async t => {
  const { store, home, work, directory, state } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  await home.fresh(work)
  home.close()
  const old = readFileSync(`${state}/index/alice.sqlite`)
  await writeMember(store.writing, home, work, 'b.ics', { bytes: object('b') }, any)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  home.close()
  for (const suffix of ['-wal', '-shm']) rmSync(`${state}/index/alice.sqlite${suffix}`, { force: true })
  writeFileSync(`${state}/index/alice.sqlite`, old)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
})

/** Writes over the pages of a database from one on. */
function spoil (file: string, first: number): void {
  const descriptor = openSync(file, 'r+')
  for (let page = first; page < 200; page++) writeSync(descriptor, Buffer.alloc(2000, 0xa5), 0, 2000, page * 4096)
  closeSync(descriptor)
}

t.test('a damaged index is made anew, whatever the damage', async t => {
  const damages: Record<string, (file: string) => void> = {
    garbage: file => { writeFileSync(file, Buffer.alloc(50_000, 'garbage')) },
    empty: file => { truncateSync(file, 0) },
    'cut off': file => { truncateSync(file, 5000) },
    'cut off in the header': file => { truncateSync(file, 60) },
    'tables overwritten': file => { spoil(file, 1) },
    'rows overwritten': file => { spoil(file, 24) },
    'garbage at the end': file => { appendFileSync(file, Buffer.alloc(10_000, 1)) }
  }
  for (const [why, damage] of Object.entries(damages)) {
    const { home, work, directory, state, store, told } = shelf(t)
    for (let number = 0; number < 100; number++) hand(`${directory}/${number}.ics`, object(String(number), 'x'.repeat(800)))
    t.equal((await namesIn(home, 'work')).length, 100)
    home.close()
    for (const suffix of ['-wal', '-shm']) rmSync(`${state}/index/alice.sqlite${suffix}`, { force: true })
    damage(`${state}/index/alice.sqlite`)
    // the one request that meets the damage may fail, the next may not
    await namesIn(home, 'work').catch(() => [])
    t.equal((await namesIn(home, 'work')).length, 100, why)
    t.equal(home.content(work, '7.ics')?.member.uid, '7', why)
    await writeMember(store.writing, home, work, 'new.ics', { bytes: object('new') }, any)
    t.equal((await namesIn(home, 'work')).length, 101, why)
    if (why === 'rows overwritten') t.match(told.join('\n'), /damaged and is made anew/)
    await store.close()
  }
})

t.test('damage that is met in the middle of a comparison', async t => {
  const { home, work, directory, state } = shelf(t)
  for (let number = 0; number < 600; number++) hand(`${directory}/${number}.ics`, object(String(number)))
  await home.fresh(work)
  home.index.checkpoint()
  for (let number = 0; number < 600; number++) hand(`${directory}/${number}.ics`, object(String(number), 'changed\n'))
  home.suspect('work', undefined)
  const comparing = home.fresh(work).catch(() => {})
  await new Promise(resolve => setImmediate(resolve))
  t.equal(home.isBusy, true)
  spoil(`${state}/index/alice.sqlite`, 20)
  home.close()
  for (let number = 0; number < 20; number++) {
    try {
      home.member(work, `${number}.ics`)
      home.members(work)
    } catch {}
    await new Promise(resolve => setImmediate(resolve))
  }
  await comparing
  await namesIn(home, 'work').catch(() => {})
  t.equal((await namesIn(home, 'work')).length, 600)
  t.equal(home.members(work).filter(({ size }) => size > object('599').length).length, 600)
})

t.test('what fails inside a transaction is not known afterwards', async t => {
  const { home, work, directory, documents } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  await home.fresh(work)
  const { revision } = home.total()
  hand(`${documents}/alice/new/a.ics`, object('a'))
  hand(`${directory}/b.ics`, object('b'))
  // the index refuses one change, as a full disk would
  home.index.run("CREATE TRIGGER refuse BEFORE UPDATE ON meta WHEN NEW.key = 'revision' BEGIN SELECT RAISE(ABORT, 'refused'); END")
  t.throws(() => { home.list() }, { message: 'refused' })
  await t.rejects(home.fresh(work), { message: 'refused' })
  t.throws(() => home.member(work, 'b.ics'), { message: 'refused' })
  home.index.run('DROP TRIGGER refuse')
  t.equal(home.isFresh(work), false)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  t.same(await namesIn(home, 'new'), ['a.ics'])
  t.same(home.collectionsSince('', revision, false).map(({ path }) => path).sort(), ['new', 'work'])
  // the same with a comparison that had succeeded before, and with suspects
  hand(`${directory}/b.ics`, object('b', 'changed\n'))
  home.suspect('work', 'b.ics')
  home.index.run("CREATE TRIGGER refuse BEFORE UPDATE ON member BEGIN SELECT RAISE(ABORT, 'refused'); END")
  t.throws(() => home.isFresh(work), { message: 'refused' })
  home.index.run('DROP TRIGGER refuse')
  await home.fresh(work)
  t.equal(home.members(work)[1]?.size, object('b', 'changed\n').length)
})

t.test('properties that changed while the index refused are told later', async t => {
  const { home, work, directory } = shelf(t)
  await home.fresh(work)
  const { revision } = home.progress(work)
  hand(`${directory}/.properties.json`, '{"collection": {"{DAV:}displayname": "<displayname xmlns=\\"DAV:\\">x</displayname>"}}')
  home.index.run("CREATE TRIGGER refuse BEFORE UPDATE ON meta WHEN NEW.key = 'revision' BEGIN SELECT RAISE(ABORT, 'refused'); END")
  t.throws(() => { home.list() }, { message: 'refused' })
  home.index.run('DROP TRIGGER refuse')
  home.list()
  t.ok(home.progress(work).revision > revision)
})

t.test('closing while everything is compared', async t => {
  const root = t.testdir()
  for (const [user, count] of [['a', 100], ['b', 1000], ['c', 100]] as const) for (let number = 0; number < count; number++) hand(`${root}/documents/${user}/work/${number}.ics`, object(String(number)))
  const { store, told, state } = openStore(t, root)
  const sweeping = store.sweep()
  const home = store.home(['b']) ?? t.fail() as never
  const asking = namesIn(home, 'work')
  await new Promise(resolve => setImmediate(resolve))
  t.equal(home.isBusy, true)
  const start = performance.now()
  await store.close()
  t.ok(performance.now() - start < 400, `closed after ${Math.round(performance.now() - start)} ms`)
  await Promise.all([sweeping, asking.catch(() => {})])
  await sleep(50)
  t.same(told, [])
  home.close()
  t.notOk(existsSync(`${state}/index/c.sqlite-wal`), 'nothing was opened after the end')
  const again = openStore(t, root)
  const b = again.store.home(['b']) ?? t.fail() as never
  t.equal((await namesIn(b, 'work')).length, 1000, 'the next start finds what is missing')
})

t.test('the sweep finds what was changed while nobody watched', async t => {
  const { store, home, work, directory, changes, documents } = shelf(t, { sweepSeconds: 0 })
  hand(`${directory}/a.ics`, object('a'))
  await store.sweep()
  changes.length = 0
  const descriptor = openSync(`${directory}/a.ics`, 'r+')
  writeSync(descriptor, 'uid b')
  closeSync(descriptor)
  hand(`${documents}/bob/work/x.ics`, object('x'))
  await store.sweep()
  t.equal(home.members(work)[0]?.uid, 'b')
  t.same(changes.sort(), ['alice/work', 'bob/work'])
  rmSync(documents, { recursive: true })
  await store.sweep()
  t.pass('no documents, no failure')
})

t.test('a periodic sweep follows without watching', async t => {
  const { store, home, work, directory } = shelf(t, { sweepSeconds: 0.05 })
  await store.start()
  await home.fresh(work)
  hand(`${directory}/a.ics`, object('a'))
  t.ok(await until(() => home.members(work).length === 1) < 1000)
})

t.test('what a start needs is made; what it cannot make is said', async t => {
  const root = t.testdir({ file: '' })
  const options = { durable: false, sweepSeconds: 0, describe, holdsObjects: () => true, homeDepth: 1, report: () => {} }
  const { Store } = await import('../../store/store.js')
  t.throws(() => new Store({ ...options, documents: `${root}/file/documents`, state: `${root}/state` }), { name: 'StoreError', reason: 'missing' })
  t.throws(() => new Store({ ...options, documents: `${root}/documents`, state: `${root}/file` }), { name: 'StoreError', reason: 'exists' })
  const store = new Store({ ...options, documents: `${root}/deep/er/documents`, state: `${root}/state` })
  t.same(readdirSync(`${root}/deep/er/documents`), ['.drafts'])
  await store.close()
  await store.close()
})

t.test('a home that is renamed is another home', async t => {
  const { store, documents, directory } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  renameSync(`${documents}/alice`, `${documents}/bob`)
  t.equal(store.home(['alice']), undefined)
  t.same(await namesIn(store.home(['bob']) ?? t.fail() as never, 'work'), ['a.ics'])
})

t.test('deletions that were forgotten are not told twice', async t => {
  const { store, home, work, directory } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  await home.fresh(work)
  const { revision } = home.total()
  rmSync(`${directory}/a.ics`)
  await home.fresh(work)
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a') }, any)
  t.same(changesSince(home.index, work.id, revision, -1).map(({ gone }) => gone), [false])
})

t.test('a home may lie higher up than others', async t => {
  const root = mkdtempSync(`${tmpdir()}/caldavd-store-`)
  mkdirSync(`${root}/documents/people/alice/work`, { recursive: true })
  mkdirSync(`${root}/documents/public/work`, { recursive: true })
  const { store, changes, state } = openStore(t, root, { homeDepth: 2, shallow: ['public'] }, true)
  const home = store.home(['public'])
  await store.start()
  await store.sweep()
  t.same(readdirSync(`${state}/index`).sort().filter(name => !/-(?:wal|shm)$/.test(name)), ['people', 'public.sqlite'])
  changes.length = 0
  hand(`${root}/documents/public/work/a.ics`, object('a'))
  t.ok(await until(() => changes.includes('public/work')) < 1000, 'its files are followed')
  mkdirSync(`${root}/documents/public/new`)
  hand(`${root}/documents/public/new/b.ics`, object('b'))
  const made = (): boolean => home?.collection('new') !== undefined && changes.includes('public/new')
  t.ok(await until(made) < 2000, 'and its directories')
  hand(`${root}/documents/people/alice/work/c.ics`, object('c'))
  t.ok(await until(() => changes.includes('people/alice/work')) < 1000, 'and the homes beside it')
})

t.test('the bytes of a home are counted as files come, change and go', async t => {
  const { store, home, work, directory } = shelf(t)
  const text = object('a')
  t.equal(home.bytesBelow(''), 0)
  await writeMember(store.writing, home, work, 'a.ics', { bytes: text }, any)
  t.same([home.bytesBelow(''), home.bytesBelow('work'), home.bytesBelow('wor')], [text.length, text.length, 0])
  hand(`${directory}/b.ics`, Buffer.concat([text, Buffer.from('\n')]))
  await home.fresh(work)
  t.equal(home.bytesBelow('work'), 2 * text.length + 1)
  rmSync(`${directory}/b.ics`)
  await home.fresh(work)
  t.equal(home.bytesBelow('work'), text.length)
  const longer = Buffer.concat([text, Buffer.from('\n\n')])
  await writeMember(store.writing, home, work, 'a.ics', { bytes: longer }, any)
  t.equal(home.bytesBelow(''), longer.length)
  rmSync(directory, { recursive: true })
  home.list()
  t.equal(home.bytesBelow(''), 0)
})
