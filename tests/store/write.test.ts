import { getAttributeSync, listAttributesSync, setAttributeSync } from 'fs-xattr'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import * as attribute from '../../store/attribute.js'
import { etagOf } from '../../store/etag.js'
import type { Collection, Home, Member } from '../../store/home.js'
import { changesSince } from '../../store/index/journal.js'
import { isMirrored, properties, setProperties } from '../../store/property.js'
import { copyMember, deleteMember, moveMember, writeMember, type Guard } from '../../store/write.js'
import { beyond, hand, mounted, namesIn, object, openStore, remount, shelf, shell, tick, type Shelf } from './shelf.js'

const any: Guard = () => {}
const note = '{DAV:}note'
const colour = '{x:}colour'
const xml = (text: string) => `<note xmlns="DAV:">${text}</note>`
/** Too large for an attribute of ext4. */
const large = xml(randomBytes(10_000).toString('hex'))

/** If-None-Match: * */
const onlyNew: Guard = current => {
  if (current !== undefined) throw new Error('412')
}
/** If-Match */
const ifMatch = (etag: string | undefined): Guard => current => {
  if (current?.etag !== etag) throw new Error('412')
}

async function put ({ store, home, work }: Pick<Shelf, 'store' | 'home' | 'work'>, name: string, bytes: Buffer, guard = any): Promise<{ created: boolean, member: Member }> {
  return await writeMember(store.writing, home, work, name, { bytes }, guard)
}

function collectionOf (home: Home, path: string): Collection {
  const collection = home.collection(path)
  if (collection === undefined) throw new Error(`${path} is not there`)
  return collection
}

t.test('a member is written, replaced and removed; the index and the disk agree', async t => {
  for (const durable of [true, false]) {
    const shelved = shelf(t, { durable })
    const { store, home, work, directory, documents, changes } = shelved
    await home.fresh(work)
    const { revision } = home.total()
    changes.length = 0
    const made = await put(shelved, 'a.ics', object('a'))
    t.match(made, { created: true, member: { name: 'a.ics', uid: 'a', etag: etagOf(object('a')), size: 6 } })
    t.same(readFileSync(`${directory}/a.ics`), object('a'))
    t.equal(home.isFresh(work), true, 'no comparison is needed afterwards')
    t.match(await put(shelved, 'a.ics', object('a', 'two\n'), ifMatch(made.member.etag)), { created: false })
    t.same(home.content(work, 'a.ics')?.bytes, object('a', 'two\n'))
    await deleteMember(store.writing, home, work, 'a.ics', any)
    t.notOk(existsSync(`${directory}/a.ics`))
    t.equal(home.member(work, 'a.ics'), undefined)
    t.equal(home.isFresh(work), true)
    t.same(changesSince(home.index, work.id, revision, -1).map(({ name, gone }) => [name, gone]), [['a.ics', true]])
    t.same(changes, ['alice/work', 'alice/work', 'alice/work'])
    t.same(readdirSync(`${documents}/.drafts`), [])
    t.same(await namesIn(home, 'work'), [])
  }
})

t.test('what is refused changes nothing', async t => {
  const shelved = shelf(t)
  const { store, home, work, directory, documents } = shelved
  hand(`${directory}/broken.ics`, 'broken by hand')
  hand(`${documents}/outside`, object('outside'))
  mkdirSync(`${directory}/directory.ics`)
  symlinkSync(`${documents}/outside`, `${directory}/link.ics`)
  await put(shelved, 'a.ics', object('a'))
  for (const name of ['', '..', '.', '.hidden', 'a/b.ics', '../a.ics', 'a\0.ics', 'x'.repeat(256), 'a.ics~']) await t.rejects(put(shelved, name, object('x')), { name: 'StoreError', reason: 'bad-name' }, name.slice(0, 20))
  await t.rejects(put(shelved, 'a.ics', object('x'), onlyNew), { message: '412' })
  await t.rejects(put(shelved, 'new.ics', object('x'), ifMatch('"x"')), { message: '412' })
  await t.rejects(put(shelved, 'broken.ics', object('x')), { name: 'StoreError', reason: 'unreadable', message: /line 1: expected a UID.*mends or removes it/ })
  await t.rejects(put(shelved, 'directory.ics', object('x')), { name: 'StoreError', reason: 'exists', message: /is a directory/ })
  await t.rejects(put(shelved, 'link.ics', object('x')), { name: 'StoreError', reason: 'exists', message: /no regular file/ })
  await t.rejects(put(shelved, 'new.ics', Buffer.from('nothing')), { name: 'StoreError', reason: 'unreadable', message: /expected a UID/ })
  await t.rejects(put(shelved, 'a.ics', Buffer.from('nothing')), { name: 'StoreError', reason: 'unreadable' })
  await t.rejects(deleteMember(store.writing, home, work, 'missing.ics', any), { name: 'StoreError', reason: 'missing' })
  await t.rejects(deleteMember(store.writing, home, work, 'a.ics', ifMatch('"x"')), { message: '412' })
  await t.rejects(deleteMember(store.writing, home, work, '..', any), { name: 'StoreError', reason: 'missing' })
  t.same(await namesIn(home, 'work'), ['a.ics'])
  t.equal(readFileSync(`${directory}/broken.ics`, 'utf8'), 'broken by hand')
  t.same(readFileSync(`${documents}/outside`), object('outside'))
  t.same(readFileSync(`${directory}/a.ics`), object('a'))
  t.notOk(existsSync(`${directory}/new.ics`))
  t.same(readdirSync(`${documents}/.drafts`), [], 'no draft is left')
  rmSync(`${directory}/broken.ics`)
  t.match(await put(shelved, 'broken.ics', object('x')), { created: true }, 'when it is out of the way')
})

t.test('a broken edit of something that was good may be replaced by who knows what is served', async t => {
  const shelved = shelf(t)
  const { member } = await put(shelved, 'a.ics', object('a'))
  hand(`${shelved.directory}/a.ics`, 'broken')
  t.match(await put(shelved, 'a.ics', object('a', 'new\n'), ifMatch(member.etag)), { created: false, member: { problem: '' } })
  t.same(shelved.home.content(shelved.work, 'a.ics')?.bytes, object('a', 'new\n'))
})

t.test('properties and foreign attributes are carried over', async t => {
  const shelved = shelf(t)
  const { directory } = shelved
  await put(shelved, 'a.ics', object('a'))
  await setProperties(directory, 'a.ics', new Map([[note, xml('kept')], [colour, large]]))
  setAttributeSync(`${directory}/a.ics`, 'user.mime_type', Buffer.from('text/calendar'))
  const { member } = await put(shelved, 'a.ics', object('a', 'new\n'))
  t.same(properties(directory, 'a.ics'), new Map([[note, xml('kept')], [colour, large]]))
  t.equal(getAttributeSync(`${directory}/a.ics`, 'user.mime_type').toString(), 'text/calendar')
  t.equal(member.hasProperties, true)
})

t.test('properties that are set while the body is written are not lost', async t => {
  const shelved = shelf(t, { durable: true })
  const { directory } = shelved
  await put(shelved, 'a.ics', object('a'))
  for (let round = 0; round < 10; round++) {
    await Promise.all([
      put(shelved, 'a.ics', object('a', `${round}\n`)),
      setProperties(directory, 'a.ics', new Map([[`{x:}round${round}`, `<round xmlns="x:">${round}</round>`]]))
    ])
    await Promise.all([put(shelved, 'a.ics', object('a', `again ${round}\n`)), put(shelved, 'a.ics', object('a', `and again ${round}\n`))])
  }
  t.equal(attribute.list(`${directory}/a.ics`).size, 10)
})

t.test('a file does not inherit from another one of its name', async t => {
  const shelved = shelf(t, { durable: true })
  const { store, home, work, directory } = shelved
  await put(shelved, 'a.ics', object('a'))
  await setProperties(directory, 'a.ics', new Map([[note, xml('old')], [colour, large]]))
  rmSync(`${directory}/a.ics`)
  await put(shelved, 'a.ics', object('a'))
  t.same(properties(directory, 'a.ics'), new Map(), 'the former was removed by hand')
  await setProperties(directory, 'a.ics', new Map([[note, xml('old')], [colour, large]]))
  // DELETE, PUT and PROPPATCH at once
  const removing = deleteMember(store.writing, home, work, 'a.ics', any)
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(existsSync(`${directory}/a.ics`))
  await put(shelved, 'a.ics', object('a'))
  await setProperties(directory, 'a.ics', new Map([['{x:}new', large]]))
  await removing
  t.same(properties(directory, 'a.ics'), new Map([['{x:}new', large]]), 'neither does the removal take what is new')
  await deleteMember(store.writing, home, work, 'a.ics', any)
  t.notOk(isMirrored(directory, 'a.ics'))
})

t.test('two writers of one new name: one makes it', async t => {
  const shelved = shelf(t, { durable: true })
  const results = await Promise.allSettled([put(shelved, 'a.ics', object('a', 'one\n'), onlyNew), put(shelved, 'a.ics', object('a', 'two\n'), onlyNew)])
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const [unconditional, conditional] = await Promise.allSettled([put(shelved, 'b.ics', object('b', 'one\n')), put(shelved, 'b.ics', object('b', 'two\n'), onlyNew)])
  t.match(unconditional, { status: 'fulfilled' })
  t.ok(conditional?.status === 'rejected' || (unconditional?.status === 'fulfilled' && !unconditional.value.created), 'never both as the first')
  t.same(readdirSync(`${shelved.documents}/.drafts`), [])
})

t.test('two spellings of one new name are one file', async t => {
  const shelved = shelf(t, { durable: true })
  const results = await Promise.allSettled([put(shelved, 'caf\u00e9.ics', object('1', 'one\n'), onlyNew), put(shelved, 'cafe\u0301.ics', object('1', 'two\n'), onlyNew)])
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.equal(readdirSync(shelved.directory).length, 1)
  await Promise.all([put(shelved, 'se\u00f1or.ics', object('2', 'one\n')), put(shelved, 'sen\u0303or.ics', object('2', 'two\n'))])
  t.equal(readdirSync(shelved.directory).length, 2)
  await deleteMember(shelved.store.writing, shelved.home, shelved.work, 'sen\u0303or.ics', any)
  await put(shelved, 'cafe\u0301.ics', object('1', 'three\n'))
  await put(shelved, 'caf\u00e9.ics', object('1', 'four\n'))
  t.equal(readdirSync(shelved.directory).length, 1)
  await deleteMember(shelved.store.writing, shelved.home, shelved.work, 'caf\u00e9.ics', any)
  await t.rejects(deleteMember(shelved.store.writing, shelved.home, shelved.work, 'cafe\u0301.ics', any), { name: 'StoreError', reason: 'missing' })
})

t.test('fifty writers with If-Match: as many win as there are ETags', async t => {
  const shelved = shelf(t, { durable: true })
  const { member } = await put(shelved, 'a.ics', object('a'))
  const results = await Promise.allSettled(Array.from({ length: 50 }, async (_, number) => await put(shelved, 'a.ics', object('a', `${number}\n`), ifMatch(member.etag))))
  const won = results.flatMap((result, number) => result.status === 'fulfilled' ? [number] : [])
  t.equal(won.length, 1)
  t.same(readFileSync(`${shelved.directory}/a.ics`), object('a', `${won[0]}\n`))
})

t.test('fifty writers without: the last one stays, each name is there, nothing is left over', async t => {
  const shelved = shelf(t, { durable: true })
  const { home, work, directory, documents } = shelved
  await home.fresh(work)
  await Promise.all(Array.from({ length: 50 }, async (_, number) => {
    await put(shelved, `${number}.ics`, object(String(number)))
    await put(shelved, 'one.ics', object('one', `${number}\n`))
  }))
  t.equal(readdirSync(directory).length, 51)
  t.equal(home.isFresh(work), true)
  t.equal(home.members(work).length, 51)
  t.equal(home.count(work), 51)
  t.equal(home.member(work, 'one.ics')?.etag, etagOf(readFileSync(`${directory}/one.ics`)))
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('an edit between the question and the answer is asked about again', async t => {
  const shelved = shelf(t)
  const { directory } = shelved
  const { member } = await put(shelved, 'a.ics', object('a'))
  let asked = 0
  await t.rejects(put(shelved, 'a.ics', object('a', 'client\n'), current => {
    ifMatch(member.etag)(current)
    // the second time it is the moment before the rename
    if (++asked === 2) hand(`${directory}/a.ics`, object('a', 'by hand\n'))
  }), { message: '412' })
  t.same(readFileSync(`${directory}/a.ics`), object('a', 'by hand\n'))
  asked = 0
  await t.rejects(put(shelved, 'new.ics', object('new', 'client\n'), current => {
    onlyNew(current)
    if (++asked === 2) hand(`${directory}/new.ics`, object('new', 'by hand\n'))
  }), { message: '412' })
  t.same(readFileSync(`${directory}/new.ics`), object('new', 'by hand\n'))
})

t.test('a directory that goes, or becomes a link, while a draft is written', async t => {
  const shelved = shelf(t)
  const { directory, documents } = shelved
  hand(`${documents}/outside/a.ics`, object('a', 'outside\n'))
  let asked = 0
  const swap: Guard = () => {
    if (++asked > 1) return
    renameSync(directory, `${directory}-away`)
    symlinkSync(`${documents}/outside`, directory)
  }
  await t.rejects(put(shelved, 'a.ics', object('a'), swap), { name: 'StoreError', reason: 'missing' })
  t.same(readdirSync(`${documents}/outside`), ['a.ics'])
  t.same(readFileSync(`${documents}/outside/a.ics`), object('a', 'outside\n'), 'what the link points to is not written')
  await t.rejects(deleteMember(shelved.store.writing, shelved.home, shelved.work, 'a.ics', any), { name: 'StoreError', reason: 'missing' })
  t.ok(existsSync(`${documents}/outside/a.ics`))
  rmSync(directory)
  await t.rejects(put(shelved, 'a.ics', object('a')), { name: 'StoreError', reason: 'missing' })
  t.same(readdirSync(`${documents}/.drafts`), [])
  renameSync(`${directory}-away`, directory)
  t.match(await put(shelved, 'a.ics', object('a')), { created: true })
})

t.test('copying takes bytes and properties, and replaces both', async t => {
  const shelved = shelf(t)
  const { store, home, work, documents } = shelved
  mkdirSync(`${documents}/alice/other`)
  const other = collectionOf(home, 'other')
  await put(shelved, 'a.ics', object('a'))
  await setProperties(work.directory, 'a.ics', new Map([[note, xml('a')], [colour, large]]))
  await writeMember(store.writing, home, other, 'b.ics', { bytes: object('old') }, any)
  await setProperties(other.directory, 'b.ics', new Map([['{x:}old', xml('old')]]))
  const from = { home, collection: work, name: 'a.ics' }
  t.match(await copyMember(store.writing, from, { home, collection: other, name: 'b.ics' }, any), { created: false, member: { uid: 'a' } })
  t.same(properties(other.directory, 'b.ics'), new Map([[note, xml('a')], [colour, large]]))
  t.match(await copyMember(store.writing, from, { home, collection: other, name: 'c.ics' }, any), { created: true })
  await t.rejects(copyMember(store.writing, from, { home, collection: other, name: 'c.ics' }, onlyNew), { message: '412' })
  await t.rejects(copyMember(store.writing, { ...from, name: 'missing' }, { home, collection: other, name: 'c.ics' }, any), { name: 'StoreError', reason: 'missing' })
  t.same(readFileSync(`${work.directory}/a.ics`), object('a'))
  hand(`${work.directory}/a.ics`, 'broken')
  await copyMember(store.writing, from, { home, collection: other, name: 'd.ics' }, any)
  t.same(readFileSync(`${other.directory}/d.ics`), object('a'), 'what is served is what is copied')
})

t.test('moving keeps the file, its properties and the promise to be somewhere', async t => {
  const shelved = shelf(t)
  const { store, home, work, documents } = shelved
  mkdirSync(`${documents}/bob/work`, { recursive: true })
  const bob = store.home(['bob']) ?? t.fail() as never
  const bobs = collectionOf(bob, 'work')
  await put(shelved, 'a.ics', object('a'))
  await setProperties(work.directory, 'a.ics', new Map([[note, xml('a')], [colour, large]]))
  setAttributeSync(`${work.directory}/a.ics`, 'user.mime_type', Buffer.from('text/calendar'))
  await Promise.all([home.fresh(work), bob.fresh(bobs)])
  const [mine, his] = [home.total().revision, bob.total().revision]
  t.match(await moveMember(store.writing, { home, collection: work, name: 'a.ics' }, { home: bob, collection: bobs, name: 'b.ics' }, any), { created: true, member: { name: 'b.ics', uid: 'a' } })
  t.same(changesSince(home.index, work.id, mine, -1).map(({ name, gone }) => [name, gone]), [['a.ics', true]])
  t.same(changesSince(bob.index, bobs.id, his, -1).map(({ name, gone }) => [name, gone]), [['b.ics', false]])
  t.same(properties(bobs.directory, 'b.ics'), new Map([[note, xml('a')], [colour, large]]))
  t.ok(listAttributesSync(`${bobs.directory}/b.ics`).includes('user.mime_type'))
  t.notOk(isMirrored(work.directory, 'a.ics'))
  // within one collection, over another file that has properties of its own
  await put(shelved, 'x.ics', object('x'))
  await put(shelved, 'y.ics', object('y'))
  await setProperties(work.directory, 'y.ics', new Map([[note, large]]))
  t.match(await moveMember(store.writing, { home, collection: work, name: 'x.ics' }, { home, collection: work, name: 'y.ics' }, any), { created: false, member: { uid: 'x' } })
  t.same(properties(work.directory, 'y.ics'), new Map())
  t.same(await namesIn(home, 'work'), ['y.ics'])
  const { member } = await moveMember(store.writing, { home, collection: work, name: 'y.ics' }, { home, collection: work, name: 'y.ics' }, any)
  t.equal(member.revision, home.member(work, 'y.ics')?.revision, 'onto itself: nothing')
})

t.test('a move that is refused leaves both ends as they were', async t => {
  const shelved = shelf(t)
  const { store, home, work, documents } = shelved
  setAttributeSync(`${documents}/alice`, 'user.{DAV:}resourcetype', Buffer.from('<plain/>'))
  hand(`${documents}/alice/notes.txt`, 'no object')
  await put(shelved, 'a.ics', object('a'))
  await put(shelved, 'b.ics', object('b'))
  const root = collectionOf(home, '')
  const to = (name: string, collection = work) => ({ home, collection, name })
  await t.rejects(moveMember(store.writing, to('notes.txt', root), to('a.ics'), any), { name: 'StoreError', reason: 'unreadable' }, 'no object into a calendar, over one')
  await t.rejects(copyMember(store.writing, to('notes.txt', root), to('c.ics'), any), { name: 'StoreError', reason: 'unreadable' })
  await t.rejects(moveMember(store.writing, to('a.ics'), to('b.ics'), onlyNew), { message: '412' })
  await t.rejects(moveMember(store.writing, to('missing.ics'), to('b.ics'), any), { name: 'StoreError', reason: 'missing' })
  await t.rejects(moveMember(store.writing, to('a.ics'), to('.hidden'), any), { name: 'StoreError', reason: 'bad-name' })
  hand(`${work.directory}/b.ics`, 'broken')
  await t.rejects(moveMember(store.writing, to('b.ics'), to('c.ics'), any), { name: 'StoreError', reason: 'unreadable' }, 'the hand edit is not carried away')
  t.same(readFileSync(`${work.directory}/a.ics`), object('a'))
  t.equal(readFileSync(`${work.directory}/b.ics`, 'utf8'), 'broken')
  t.equal(readFileSync(`${documents}/alice/notes.txt`, 'utf8'), 'no object')
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
})

t.test('a directory that must not be written says so, and the file stays', async t => {
  const root = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(root, { recursive: true, force: true }) })
  chmodSync(root, 0o777)
  // root may write everything: be somebody else for the time of the test
  if (process.getuid?.() === 0) process.seteuid?.(65534)
  t.teardown(() => { if (process.getuid?.() === 0) process.seteuid?.(0) })
  hand(`${root}/documents/alice/work/a.ics`, object('a'))
  const { store } = openStore(t, root)
  const home = store.home(['alice']) ?? t.fail() as never
  const work = collectionOf(home, 'work')
  await setProperties(work.directory, 'a.ics', new Map([[note, xml('old')]]))
  chmodSync(work.directory, 0o555)
  await t.rejects(put({ store, home, work }, 'a.ics', object('a', 'new\n')), { name: 'StoreError', reason: 'read-only' })
  await t.rejects(put({ store, home, work }, 'b.ics', object('b')), { name: 'StoreError', reason: 'read-only' })
  await t.rejects(deleteMember(store.writing, home, work, 'a.ics', any), { name: 'StoreError', reason: 'read-only' })
  await t.rejects(setProperties(work.directory, 'a.ics', new Map([[note, xml('new')], [colour, xml('x')]])), { name: 'StoreError', reason: 'read-only' })
  t.same(properties(work.directory, 'a.ics'), new Map([[note, xml('old')]]))
  t.same(home.content(work, 'a.ics')?.bytes, object('a'))
  t.same(readdirSync(`${root}/documents/.drafts`), [])
  setAttributeSync(`${work.directory}/a.ics`, 'user.{DAV:}note', Buffer.from(xml('by hand')))
  t.same(await namesIn(home, 'work'), ['a.ics'], 'a sidecar that cannot be written keeps nobody from reading')
  t.same(properties(work.directory, 'a.ics'), new Map([[note, xml('by hand')]]))
  chmodSync(work.directory, 0o755)
  t.match(await put({ store, home, work }, 'a.ics', object('a', 'new\n')), { created: false })
})

for (const way of [0, 1]) t.test(`a home on ${['another file system', 'a bind mount'][way]} keeps its drafts itself; moves in and out are copies`, async t => {
  const elsewhere = mounted(t, '-t tmpfs -o size=8m')
  if ('problem' in elsewhere) return t.pass('skipped', { skip: elsewhere.problem })
  // documents on the mount, alice's home on a second one
  const { path } = elsewhere
  mkdirSync(`${path}/documents/alice`, { recursive: true })
  const inner = `${path}/documents/alice`
  const [, options, source] = beyond(path)[way] ?? t.fail() as never
  const second = remount(inner, options, source)
  if ('problem' in second) return t.pass('skipped', { skip: second.problem })
  t.teardown(() => { shell('/', `umount -l '${inner}' || true`) })
  mkdirSync(`${inner}/work`)
  mkdirSync(`${path}/documents/bob/work`, { recursive: true })
  const { store } = openStore(t, path)
  const [alice, bob] = [store.home(['alice']) ?? t.fail() as never, store.home(['bob']) ?? t.fail() as never]
  const [work, bobs] = [collectionOf(alice, 'work'), collectionOf(bob, 'work')]
  t.match(await put({ store, home: alice, work }, 'a.ics', object('a')), { created: true })
  t.same(readdirSync(work.directory), ['a.ics'])
  await setProperties(work.directory, 'a.ics', new Map([[note, xml('a')]]))
  t.match(await moveMember(store.writing, { home: alice, collection: work, name: 'a.ics' }, { home: bob, collection: bobs, name: 'a.ics' }, any), { created: true, member: { uid: 'a' } })
  t.same(properties(bobs.directory, 'a.ics'), new Map([[note, xml('a')]]))
  t.same(await namesIn(alice, 'work'), [])
  t.same(await namesIn(bob, 'work'), ['a.ics'])
  await t.rejects(moveMember(store.writing, { home: bob, collection: bobs, name: 'a.ics' }, { home: alice, collection: work, name: 'a.ics' }, () => { throw new Error('412') }), { message: '412' })
  t.same(await namesIn(bob, 'work'), ['a.ics'])
  writeFileSync(`${work.directory}/z`, '')
  await tick()
})

t.test('a full disk: nothing half-written, reading goes on, and it works again', async t => {
  const small = mounted(t, '-t tmpfs -o size=600k')
  if ('problem' in small) return t.pass('skipped', { skip: small.problem })
  const documents = `${small.path}/documents`
  mkdirSync(`${documents}/alice/work`, { recursive: true })
  const { store } = openStore(t, small.path)
  const home = store.home(['alice']) ?? t.fail() as never
  const work = collectionOf(home, 'work')
  const shelved = { store, home, work }
  await put(shelved, 'a.ics', object('a'))
  await setProperties(work.directory, 'a.ics', new Map([[note, xml('old')]]))
  await home.fresh(work)
  const filler = `${small.path}/filler`
  try {
    for (let size = 1_000_000; size > 0; size = Math.floor(size / 2)) {
      try {
        writeFileSync(filler, Buffer.alloc(size), { flag: 'a' })
      } catch {}
    }
    await t.rejects(put(shelved, 'a.ics', object('a', 'x'.repeat(20_000))), { name: 'StoreError', reason: 'full' })
    await t.rejects(put(shelved, 'b.ics', object('b', 'x'.repeat(20_000))), { name: 'StoreError', reason: 'full' })
    await t.rejects(setProperties(work.directory, 'a.ics', new Map([[note, xml('new')], [colour, xml(randomBytes(40_000).toString('hex'))]])), { name: 'StoreError', reason: 'full' })
    t.same(properties(work.directory, 'a.ics'), new Map([[note, xml('old')]]), 'properties are as they were')
    t.same(home.content(work, 'a.ics')?.bytes, object('a'))
    t.same(readdirSync(work.directory).sort(), ['.properties.json', 'a.ics'])
    t.same(readdirSync(`${documents}/.drafts`), [])
    t.same(await namesIn(home, 'work'), ['a.ics'])
    await deleteMember(store.writing, home, work, 'a.ics', any)
    t.notOk(existsSync(`${work.directory}/a.ics`), 'removing makes room')
  } finally {
    rmSync(filler, { force: true })
  }
  t.match(await put(shelved, 'b.ics', object('b', 'x'.repeat(20_000))), { created: true })
  t.same(await namesIn(home, 'work'), ['b.ics'])
})
