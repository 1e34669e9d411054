import { setAttributeSync } from 'fs-xattr'
import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync, writeSync, closeSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Home } from '../../store/home.js'
import * as attribute from '../../store/attribute.js'
import { etagOf, stampOf } from '../../store/etag.js'
import { changesSince } from '../../store/index/journal.js'
import { overlapping } from '../../store/index/search.js'
import { properties, setProperties } from '../../store/property.js'
import { sidecarName } from '../../store/sidecar.js'
import { describe, hand, namesIn, object, openStore, shelf, shell, tick, type Shelf } from './shelf.js'

/** Names that changed in `work` since a revision, deletions with a minus. */
async function since ({ home }: Pick<Shelf, 'home'>, revision: number, path = 'work'): Promise<string[]> {
  const collection = home.collection(path)
  if (collection !== undefined) await home.fresh(collection)
  return changesSince(home.index, idOf(home, path) ?? -1, revision, -1).map(({ name, gone }) => `${gone ? '-' : ''}${name}`).sort()
}

t.test('what lies in a directory is what is listed', async t => {
  const { home, work, directory } = shelf(t)
  for (const name of ['b.ics', 'a.ics', 'cafe\u0301.ics', '日程.ics', '.hidden.ics', 'a.ics~', 'a.tmp']) hand(`${directory}/${name}`, object(name))
  mkdirSync(`${directory}/sub.ics`)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics', 'cafe\u0301.ics', '日程.ics'])
  const [first] = home.members(work)
  t.match(first, { name: 'a.ics', etag: etagOf(object('a.ics')), uid: 'a.ics', component: 'VEVENT', size: object('a.ics').length, hasProperties: false, problem: '' })
  t.equal(home.count(work), 4)
  t.same(home.content(work, 'a.ics')?.bytes, object('a.ics'))
  t.equal(home.isFresh(work), true)
  for (const name of ['.hidden.ics', 'a.ics~', 'sub.ics', 'missing.ics', '..', '.', sidecarName]) {
    t.equal(home.member(work, name), undefined, name)
    t.equal(home.content(work, name), undefined, name)
  }
})

t.test('the other Unicode spelling finds the file', async t => {
  const { home, work, directory } = shelf(t)
  hand(`${directory}/cafe\u0301.ics`, object('1'))
  t.equal(home.member(work, 'caf\u00e9.ics')?.name, 'cafe\u0301.ics')
  t.equal(home.content(work, 'caf\u00e9.ics')?.member.uid, '1')
  hand(`${directory}/caf\u00e9.ics`, object('2'))
  t.equal(home.member(work, 'caf\u00e9.ics')?.uid, '2', 'the one that was asked for comes first')
  t.equal(home.member(work, 'cafe\u0301.ics')?.uid, '1')
})

t.test('the ETag stays with the bytes', async t => {
  const shelved = shelf(t)
  const { home, work, directory } = shelved
  const path = `${directory}/a.ics`
  hand(path, object('1'))
  await home.fresh(work)
  const { etag, revision } = home.member(work, 'a.ics') ?? {}
  const total = home.total().revision
  utimesSync(path, 1, 1)
  t.equal(home.member(work, 'a.ics')?.etag, etag, 'touch')
  cpSync(path, `${path}.copy`)
  rmSync(path)
  renameSync(`${path}.copy`, path)
  t.match(home.member(work, 'a.ics'), { etag, revision }, 'restored from a copy')
  t.same(await since(shelved, total), [], 'nothing of this is a change')
  setAttributeSync(path, 'user.{DAV:}x', Buffer.from('<x/>'))
  t.match(home.member(work, 'a.ics'), { etag, hasProperties: true })
  t.same(await since(shelved, total), ['a.ics'], 'a property is a change, but not of the ETag')
  hand(path, object('1', 'changed\n'))
  t.not(home.member(work, 'a.ics')?.etag, etag)
  t.same(await since(shelved, total), ['a.ics'])
})

t.test('an edit in place of the same size within one tick of the clock is noticed', async t => {
  const { home, work, directory } = shelf(t)
  const path = `${directory}/a.ics`
  hand(path, object('1', 'summary 0000\n'))
  for (let number = 1; number < 50; number++) {
    const text = `summary ${String(number).padStart(4, '0')}\n`
    const file = openSync(path, 'r+')
    writeSync(file, text, object('1').length)
    utimesSync(path, 1_000_000_000, 1_000_000_000)
    closeSync(file)
    const bytes = object('1', text)
    if (home.member(work, 'a.ics')?.etag !== etagOf(bytes)) t.fail(`edit ${number} was not seen`)
    if (home.content(work, 'a.ics')?.bytes.equals(bytes) !== true) t.fail(`edit ${number} was not served`)
  }
})

t.test('a file that breaks is served as it last was, until it is mended', async t => {
  const shelved = shelf(t)
  const { home, work, directory, told, changes } = shelved
  const path = `${directory}/a.ics`
  hand(path, object('1'))
  await home.fresh(work)
  const { etag } = home.member(work, 'a.ics') ?? {}
  const { revision } = home.total()
  changes.length = 0
  for (const [why, text] of Object.entries({ 'half a file': 'ui', empty: '', 'several UIDs': 'uid 1\nuid 2\n', bytes: Buffer.from([0, 255, 254]) })) {
    hand(path, text)
    t.match(home.member(work, 'a.ics'), { etag, uid: '1', problem: /UID/ }, why)
    t.same(home.content(work, 'a.ics')?.bytes, object('1'), why)
    t.match(home.content(work, 'a.ics')?.member.size, object('1').length, 'the size is that of what is served')
    home.suspect('work', 'a.ics')
    t.same(await since(shelved, revision), [], 'no deletion, no change')
    t.same(await namesIn(home, 'work'), ['a.ics'])
    t.match(home.problems(work), [{ name: 'a.ics', problem: /UID/ }])
  }
  t.same(changes, [])
  t.equal(told.length, 3, 'each problem once')
  t.match(told[0], /work\/a\.ics is not served as it is: line 1: expected a UID/)
  hand(path, object('1'))
  t.match(home.member(work, 'a.ics'), { etag, problem: '' }, 'mended')
  t.same(home.problems(work), [])
  hand(path, object('1', 'new\n'))
  home.suspect('work', 'a.ics')
  t.same(await since(shelved, revision), ['a.ics'])
  hand(path, '')
  t.same(home.content(work, 'a.ics')?.bytes, object('1', 'new\n'), 'the last good version is the latest one')
  rmSync(path)
  t.equal(home.member(work, 'a.ics'), undefined, 'a file that is gone is a deletion')
  t.same(await since(shelved, revision), ['-a.ics'])
})

t.test('the last good version survives a restart, while the file is still broken', async t => {
  const root = t.testdir({ documents: { alice: { work: { 'a.ics': object('1').toString() } } } })
  const one = openStore(t, root)
  await namesIn(one.store.home(['alice']) ?? t.fail() as never, 'work')
  await one.store.close()
  hand(`${root}/documents/alice/work/a.ics`, 'broken')
  const home = openStore(t, root).store.home(['alice'])
  const work = home?.collection('work')
  if (home === undefined || work === undefined) return t.fail('no home')
  await home.fresh(work)
  t.same(home.content(work, 'a.ics')?.bytes, object('1'))
  t.match(home.member(work, 'a.ics'), { etag: etagOf(object('1')), problem: /UID/ })
})

t.test('a file that was never good is not served, and neither is it a deletion', async t => {
  const shelved = shelf(t)
  const { home, work, directory, told } = shelved
  hand(`${directory}/a.ics`, 'uid 1\nuid 2\n')
  hand(`${directory}/b.ics`, object('b'))
  const { revision } = home.total()
  t.same(await namesIn(home, 'work'), ['b.ics'])
  t.equal(home.member(work, 'a.ics'), undefined)
  t.equal(home.problem(work, 'a.ics'), '2 UIDs: 1, 2')
  t.equal(home.problem(work, 'b.ics'), undefined)
  t.same(home.problems(work), [{ name: 'a.ics', problem: '2 UIDs: 1, 2' }])
  t.equal(told.length, 1)
  await home.fresh(work)
  rmSync(`${directory}/a.ics`)
  t.same(await since(shelved, revision), ['b.ics'], 'what was never served is not gone')
  t.equal(told.length, 1, 'a problem is told once')
})

t.test('links, pipes, sockets and devices are not there, and hold nobody', async t => {
  const root = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(root, { recursive: true, force: true }) })
  const directory = `${root}/documents/alice/work`
  hand(`${directory}/a.ics`, object('a'))
  hand(`${root}/outside/b.ics`, object('b'))
  mkdirSync(`${root}/documents/bob/private`, { recursive: true })
  const { store } = openStore(t, root)
  symlinkSync('a.ics', `${directory}/inside.ics`)
  symlinkSync(`${root}/outside/b.ics`, `${directory}/outside.ics`)
  symlinkSync('missing', `${directory}/dangling.ics`)
  symlinkSync(`${root}/outside`, `${root}/documents/alice/linked`)
  symlinkSync('../bob/private', `${root}/documents/alice/bobs`)
  symlinkSync('alice', `${root}/documents/eve`)
  symlinkSync('.', `${root}/documents/alice/loop`)
  shell(directory, 'mkfifo pipe.ics')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(`${directory}/socket.ics`, resolve))
  t.teardown(() => server.close())
  if (process.getuid?.() === 0) shell(directory, 'mknod device.ics c 1 5 || true')
  const home = store.home(['alice'])
  const work = home?.collection('work')
  if (home === undefined || work === undefined) return t.fail('no home')
  const start = performance.now()
  t.same(await namesIn(home, 'work'), ['a.ics'])
  t.same(home.children('').map(({ path }) => path), ['work'])
  for (const name of ['inside.ics', 'outside.ics', 'dangling.ics', 'pipe.ics', 'socket.ics', 'device.ics']) t.equal(home.content(work, name), undefined, name)
  for (const path of ['linked', 'bobs', 'loop', 'loop/work', '../bob/private', '..', 'work/..']) t.equal(home.collection(path), undefined, path)
  t.equal(store.home(['eve']), undefined, 'a home is no link')
  t.ok(performance.now() - start < 1000)
  // a file that becomes a link is gone
  rmSync(`${directory}/a.ics`)
  symlinkSync(`${root}/outside/b.ics`, `${directory}/a.ics`)
  t.equal(home.content(work, 'a.ics'), undefined)
  t.same(await namesIn(home, 'work'), [])
})

t.test('a directory that becomes a link to itself elsewhere is gone, and so is what is below it', async t => {
  const { home, documents } = shelf(t)
  setAttributeSync(`${documents}/alice/work`, 'user.{DAV:}resourcetype', Buffer.from('<plain/>'))
  hand(`${documents}/alice/work/below/a.txt`, 'text')
  t.same(await namesIn(home, 'work/below'), ['a.txt'])
  renameSync(`${documents}/alice/work`, `${documents}/elsewhere`)
  symlinkSync(`${documents}/elsewhere`, `${documents}/alice/work`)
  t.equal(home.collection('work/below'), undefined)
  t.equal(home.collection('work'), undefined)
})

t.test('directories that are made, renamed, replaced and removed by hand', async t => {
  const shelved = shelf(t)
  const { home, directory, documents } = shelved
  const alice = `${documents}/alice`
  hand(`${directory}/a.ics`, object('a'))
  hand(`${directory}/b.ics`, object('b'))
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  const { revision } = home.total()
  hand(`${alice}/new/c.ics`, object('c'))
  t.same(home.children('').map(({ path }) => path), ['new', 'work'])
  t.same(await namesIn(home, 'new'), ['c.ics'])
  renameSync(`${alice}/work`, `${alice}/old`)
  t.equal(home.collection('work'), undefined)
  t.same(await namesIn(home, 'old'), ['a.ics', 'b.ics'])
  t.same(home.collectionsSince('', revision, false).map(({ path, gone }) => `${gone ? '-' : ''}${path}`).sort(), ['-work', 'new', 'old'])
  // another directory takes the place
  renameSync(`${alice}/new`, `${alice}/work`)
  t.same(await namesIn(home, 'work'), ['c.ics'])
  t.same(await since(shelved, revision), ['-a.ics', '-b.ics', 'c.ics'])
  rmSync(`${alice}/work`, { recursive: true })
  hand(`${alice}/work`, 'a file')
  t.equal(home.collection('work'), undefined, 'a file is no collection')
  t.equal(home.member(home.collection('') ?? t.fail() as never, 'work')?.name, 'work')
})

t.test('a collection that is removed and made again under the same name', async t => {
  const shelved = shelf(t)
  const { home, directory } = shelved
  for (const name of ['a.ics', 'b.ics', 'c.ics']) hand(`${directory}/${name}`, object(name))
  await home.fresh(shelved.work)
  const before = home.progress(shelved.work)
  rmSync(directory, { recursive: true })
  t.equal(home.collection('work'), undefined)
  const between = home.total()
  hand(`${directory}/b.ics`, object('b.ics'))
  hand(`${directory}/d.ics`, object('d.ics'))
  t.same(await since(shelved, before.revision), ['-a.ics', '-c.ics', 'b.ics', 'd.ics'])
  t.same(await since(shelved, between.revision), ['b.ics', 'd.ics'])
  const again = home.collection('work')
  if (again === undefined) return t.fail('not there')
  t.equal(again.id, shelved.work.id)
  t.equal(home.count(again), 2)
  t.ok(home.progress(again).revision > before.revision)
  t.equal(home.progress(again).epoch, before.epoch)
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  t.same(await since(shelved, before.revision), ['-a.ics', '-b.ics', '-c.ics', '-d.ics'], 'without a look in between')
})

t.test('the whole home is moved away and comes back', async t => {
  const { store, home, documents, directory } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  t.same(await namesIn(home, 'work'), ['a.ics'])
  renameSync(`${documents}/alice`, `${documents}/away`)
  t.equal(store.home(['alice']), undefined)
  t.equal(home.collection('work'), undefined)
  t.equal(home.collection(''), undefined)
  renameSync(`${documents}/away`, `${documents}/alice`)
  const again = store.home(['alice'])
  if (again === undefined) return t.fail('not there')
  t.same(await namesIn(again, 'work'), ['a.ics'])
})

t.test('properties set with other tools are seen: at the directory, at a file, in the sidecar', async t => {
  const { home, work, directory } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  await setProperties(directory, '', new Map([['{DAV:}displayname', '<displayname xmlns="DAV:">Work</displayname>']]))
  await namesIn(home, 'work')
  const { revision } = home.progress(work)
  setAttributeSync(directory, 'user.{DAV:}displayname', Buffer.from('<displayname xmlns="DAV:">By hand</displayname>'))
  await namesIn(home, 'work')
  t.ok(home.progress(work).revision > revision, 'the collection has changed')
  setAttributeSync(`${directory}/a.ics`, 'user.{DAV:}note', Buffer.from('<note xmlns="DAV:">x</note>'))
  t.equal(home.member(work, 'a.ics')?.hasProperties, true)
  home.suspect('work', 'a.ics')
  await home.fresh(work)
  await home.idle()
  t.match(JSON.parse(readFileSync(`${directory}/${sidecarName}`, 'utf8')), {
    collection: { '{DAV:}displayname': /By hand/ }, members: { 'a.ics': { '{DAV:}note': /x/ } }
  })
})

t.test('a copy without attributes: they come back, and what kind of collection it is with them', async t => {
  const { home, documents, told } = shelf(t)
  const folder = `${documents}/alice/folder`
  hand(`${folder}/notes.txt`, 'no object at all')
  hand(`${folder}/a.ics`, object('a'))
  await setProperties(folder, '', new Map([['{DAV:}resourcetype', '<resourcetype xmlns="DAV:"><plain/></resourcetype>']]))
  await setProperties(folder, 'a.ics', new Map([['{DAV:}x', '<x xmlns="DAV:"/>']]))
  t.same(await namesIn(home, 'folder'), ['a.ics', 'notes.txt'])
  shell(documents, 'cp -r alice/folder alice/copy')
  for (const path of ['copy', 'copy/a.ics']) for (const name of attribute.names(`${documents}/alice/${path}`)) attribute.remove(`${documents}/alice/${path}`, name)
  t.same(await namesIn(home, 'copy'), ['a.ics', 'notes.txt'])
  t.match(attribute.list(`${documents}/alice/copy`).get('{DAV:}resourcetype'), /plain/)
  t.equal(attribute.names(`${documents}/alice/copy/a.ics`).length, 1)
  t.match(told, [/put back the properties of alice\/copy/])
})

t.test('files are read again when a collection holds something else than before', async t => {
  const shelved = shelf(t)
  const { home, work, directory } = shelved
  hand(`${directory}/a.ics`, object('a'))
  hand(`${directory}/notes.txt`, 'no object at all')
  t.same(await namesIn(home, 'work'), ['a.ics'])
  const { revision } = home.total()
  await tick()
  setAttributeSync(directory, 'user.{DAV:}resourcetype', Buffer.from('<plain/>'))
  t.same(await namesIn(home, 'work'), ['a.ics', 'notes.txt'])
  t.equal(home.member(work, 'a.ics')?.uid, '')
  t.same(await since(shelved, revision), ['a.ics', 'notes.txt'])
  t.equal(home.count(work), 2)
  await tick()
  setAttributeSync(directory, 'user.{DAV:}resourcetype', Buffer.from('<calendar/>'))
  t.same(await namesIn(home, 'work'), ['a.ics'])
  t.equal(home.collection('work')?.holdsObjects, true)
  t.equal(home.members(work)[0]?.uid, 'a')
  t.same(await since(shelved, revision), ['-notes.txt', 'a.ics'])
})

t.test('what cannot be read is not served, and keeps nobody from the rest', async t => {
  if (process.getuid?.() !== 0) t.comment('run as an ordinary user')
  const root = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(root, { recursive: true, force: true }) })
  chmodSync(root, 0o777)
  // root may read everything: be somebody else for the time of the test
  if (process.getuid?.() === 0) process.seteuid?.(65534)
  t.teardown(() => { if (process.getuid?.() === 0) process.seteuid?.(0) })
  hand(`${root}/documents/alice/work/a.ics`, object('a'))
  hand(`${root}/documents/alice/work/b.ics`, object('b'))
  hand(`${root}/documents/alice/secret/c.ics`, object('c'))
  const { store, told } = openStore(t, root)
  const home = store.home(['alice'])
  if (home === undefined) return t.fail('no home')
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  t.same(await namesIn(home, 'secret'), ['c.ics'])
  const { revision } = home.total()
  const [work, secret] = [home.collection('work'), home.collection('secret')]
  if (work === undefined || secret === undefined) return t.fail('no collections')
  chmodSync(`${root}/documents/alice/work/b.ics`, 0)
  chmodSync(`${root}/documents/alice/secret`, 0)
  hand(`${root}/documents/alice/work/new.ics`, object('new'))
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics', 'new.ics'])
  t.match(home.content(work, 'b.ics'), { bytes: object('b'), member: { problem: /EACCES/ } }, 'served as it last was')
  await t.rejects(home.fresh(secret), { name: 'StoreError', reason: 'read-only' })
  t.same(await since({ home }, revision, 'nothing'), [])
  t.same(changesSince(home.index, secret.id, revision, -1), [], 'no deletion')
  t.equal(told.filter(line => line.includes('secret')).length, 1, told.join('\n'))
  chmodSync(`${root}/documents/alice/secret`, 0o755)
  chmodSync(`${root}/documents/alice/work/b.ics`, 0o644)
  t.same(await namesIn(home, 'secret'), ['c.ics'])
  t.equal(home.member(work, 'b.ics')?.problem, '')
  t.same(changesSince(home.index, secret.id, revision, -1), [])
})

t.test('a monstrous file is not read', async t => {
  const { home, work, directory, documents } = shelf(t)
  setAttributeSync(`${documents}/alice`, 'user.{DAV:}resourcetype', Buffer.from('<plain/>'))
  for (const path of [`${directory}/large.ics`, `${documents}/alice/large.bin`]) {
    writeFileSync(path, '')
    truncateSync(path, 5 * 1024 ** 3)
  }
  hand(`${directory}/a.ics`, object('a'))
  const start = performance.now()
  t.same(await namesIn(home, 'work'), ['a.ics'])
  t.match(home.problem(work, 'large.ics'), /too large/)
  t.same(await namesIn(home, ''), ['large.bin'])
  const root = home.collection('') ?? t.fail() as never
  const { etag, revision } = home.member(root, 'large.bin') ?? {}
  t.match(home.member(root, 'large.bin'), { etag, revision, size: 5 * 1024 ** 3 })
  t.ok(performance.now() - start < 500)
})

t.test('drafts that a crash left behind are removed at the first comparison after the start', async t => {
  const root = t.testdir({ documents: { alice: { '.tmp-directory000': { 'a.ics': 'x' }, work: { 'a.ics': object('a').toString(), '.tmp-AAAAAAAAAAAA': 'x', '.tmp-mine': 'x', '.other': 'x' } }, '.drafts': { '.tmp-BBBBBBBBBBBB': 'x', '.tmp-CCCCCCCCCCCC': { below: 'x' } } } })
  await new Promise(resolve => setTimeout(resolve, 150))
  const { store } = openStore(t, root)
  t.same(readdirSync(`${root}/documents/.drafts`), [])
  await store.sweep()
  t.same(readdirSync(`${root}/documents/alice/work`).sort(), ['.other', '.tmp-mine', 'a.ics'])
  t.same(readdirSync(`${root}/documents/alice`), ['work'])
  const later = join(`${root}/documents/alice/work`, '.tmp-DDDDDDDDDDDD')
  hand(later, 'x')
  await store.sweep()
  t.ok(existsSync(later), 'what is written now is left alone')
})

t.test('what happens while a long comparison works is not lost', async t => {
  const { home, work, directory } = shelf(t)
  for (let number = 0; number < 1500; number++) writeFileSync(`${directory}/${number}.ics`, object(String(number)))
  const comparing = home.fresh(work)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(home.isBusy, true)
  hand(`${directory}/0.ics`, object('0', 'edited\n'))
  hand(`${directory}/1499.ics`, object('1499', 'edited\n'))
  hand(`${directory}/new.ics`, object('new'))
  rmSync(`${directory}/7.ics`)
  const note = `<note xmlns="DAV:">${randomBytes(10_000).toString('hex')}</note>`
  await setProperties(directory, 'new.ics', new Map([['{DAV:}note', note]]))
  await Promise.all([comparing, home.fresh(work)])
  t.equal(properties(directory, 'new.ics').get('{DAV:}note'), note, 'properties of a file that came in between are kept')
  const members = new Map(home.members(work).map(member => [member.name, member]))
  t.equal(members.size, 1500)
  t.equal(members.get('0.ics')?.etag, etagOf(object('0', 'edited\n')))
  t.equal(members.get('1499.ics')?.etag, etagOf(object('1499', 'edited\n')))
  t.ok(members.has('new.ics'))
  t.notOk(members.has('7.ics'))
  t.equal(home.isBusy, false)
})

t.test('suspects are looked at one by one', async t => {
  const { home, work, directory, changes } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  await home.fresh(work)
  await tick()
  await home.fresh(work)
  changes.length = 0
  const stamp = stampOf(statSync(directory))
  const file = openSync(`${directory}/a.ics`, 'w')
  writeSync(file, object('a', 'in place\n'))
  closeSync(file)
  t.equal(stampOf(statSync(directory)), stamp, 'the directory does not say so')
  home.suspect('work', 'a.ics')
  home.suspect('work', '.hidden')
  home.suspect('nowhere', 'a.ics')
  t.equal(home.isFresh(work), true, 'no comparison of all is needed')
  t.equal(home.members(work)[0]?.etag, etagOf(object('a', 'in place\n')))
  t.same(changes, ['alice/work'])
  home.suspect('work', undefined)
  t.equal(home.isFresh(work), false)
})

t.test('a hard link is a file like any other', async t => {
  const { home, work, directory } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  linkSync(`${directory}/a.ics`, `${directory}/b.ics`)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  t.equal(lstatSync(`${directory}/b.ics`).nlink, 2)
  t.equal(home.content(work, 'b.ics')?.member.uid, 'a')
  t.same(properties(directory, 'b.ics'), new Map())
})

/** The index number of a collection, also of one that is gone. */
function idOf (home: Home, path: string): number | undefined {
  return home.index.get<{ id: number }>('SELECT id FROM collection WHERE path = ?', path)?.id
}

t.test('with another knowledge of time zones the times are worked out anew, and nothing else', async t => {
  const root = mkdtempSync(join(tmpdir(), 'caldavd-store-'))
  t.teardown(() => { rmSync(root, { recursive: true, force: true }) })
  hand(`${root}/documents/alice/work/a.ics`, object('1', 'span 0 10'))
  const everywhere = { start: -Infinity, end: Infinity }
  const state = async (knowledge: string, shift: number): Promise<unknown> => {
    const { store } = openStore(t, root, { knowledge, describe: (bytes, replaces) => ({ ...describe(bytes, replaces), spans: [{ start: shift, end: shift + 10, floating: false, exact: true }] }) })
    const home = store.home(['alice'])
    const work = home?.collection('work')
    if (home === undefined || work === undefined) throw new Error('no home')
    await home.fresh(work)
    const found = [0, 100].filter(start => overlapping(home.index, idOf(home, 'work') ?? -1, { start, end: start + 10 }, everywhere).length > 0)
    const { etag, revision } = home.member(work, 'a.ics') ?? {}
    const total = home.total()
    await store.close()
    return { found, etag, revision, total }
  }
  const first = await state('2026a', 0)
  t.match(first, { found: [0] })
  t.same(await state('2026a', 100), first, 'with the same knowledge nothing is asked')
  t.same(await state('2026b', 100), { ...first as object, found: [100] })
})
