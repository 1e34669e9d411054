import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Store } from '../../store/store.js'
import { versions } from '../../store/history/list.js'
import { updateMember } from '../../store/index/update.js'
import { properties } from '../../store/property.js'
import { makeCollection, moveCollection } from '../../store/tree.js'
import { deleteMember, writeMember } from '../../store/write.js'
import { beyond, hand, namesIn, object, openStore, remount, shelf, shell } from './shelf.js'

const any = (): void => {}
const title = new Map([['{DAV:}displayname', '<displayname xmlns="DAV:">Play</displayname>']])

/** A calendar, a backup of it made an hour ago, and what was done since. */
async function since (t: Parameters<typeof shelf>[0], backUp: string): Promise<{ root: string, documents: string, backup: string, epoch: string }> {
  const { store, home, work, documents, directory } = shelf(t)
  const root = documents.replace(/\/documents$/, '')
  const [backup, before] = [`${root}/backup`, new Date(Date.now() - 3600_000)]
  for (const name of ['a', 'b', 'same', 'dropped']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  for (const path of [...['a', 'b', 'same', 'dropped'].map(name => `${directory}/${name}.ics`), directory, `${documents}/alice`, documents]) utimesSync(path, before, before)
  await namesIn(home, 'work')
  shell(root, `${backUp} documents/ backup/`)
  for (const name of ['new1', 'new2']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '2') }, any)
  await deleteMember(store.writing, home, work, 'dropped.ics', any)
  const play = await makeCollection(store.writing, home, 'play', title)
  await writeMember(store.writing, home, play, 'game.ics', { bytes: object('game', '1') }, any)
  await store.sweep()
  const { epoch } = home.total()
  await store.close()
  return { root, documents, backup, epoch }
}

async function shown (store: Store, path: string): Promise<string[]> {
  const home = store.home(['alice'])
  const collection = home?.collection(path)
  if (home === undefined || collection === undefined) return []
  await home.fresh(collection)
  return home.members(collection).map(({ name }) => `${name} ${home.content(collection, name)?.bytes.toString().split('\n')[1] ?? '?'}`)
}

const served = ['a.ics 2', 'b.ics 1', 'dropped.ics 1', 'new1.ics 1', 'new2.ics 1', 'same.ics 1']

for (const [why, backUp, restore] of [
  ['rsync -a --delete', 'rsync -a', 'rsync -a --delete backup/ documents/'],
  ['a copy in its place that keeps times', 'cp -a', 'rm -rf documents && cp -a backup documents'],
  ['a copy in its place that keeps no times', 'cp -r', 'rm -rf documents && cp -r backup documents'],
  ['tar', 'cp -a', 'tar -C backup -cf b.tar . && rm -rf documents && mkdir documents && tar -C documents -xf b.tar']
] as const) {
  t.test(`a backup put back by ${why}: nothing is a deletion`, async t => {
    const { root, documents, epoch } = await since(t, backUp.startsWith('cp') ? `mkdir backup && ${backUp} documents/. backup && true` : backUp)
    shell(root, restore)
    const { store, told } = openStore(t, root)
    await store.sweep()
    t.same(await shown(store, 'work'), served)
    t.same(await shown(store, 'play'), ['game.ics 1'], 'a calendar that the backup does not know')
    t.match(properties(`${documents}/alice/play`, '').get('{DAV:}displayname'), /Play/)
    const home = store.home(['alice']) ?? t.fail() as never
    t.not(home.total().epoch.slice(0, 12), epoch.slice(0, 12), 'clients synchronise from the start')
    t.match(told.join('\n'), /work went back to an older state, .*2 missing \(new1.ics, new2.ics\), 1 older/)
    const work = home.collection('work') ?? t.fail() as never
    t.same(home.held(work).filter(({ isMissing }) => isMissing).map(({ name }) => name), ['new1.ics', 'new2.ics'])
    // a restart, and what happens to other files, change nothing
    await store.close()
    const again = openStore(t, root)
    hand(`${documents}/alice/work/hand.ics`, object('hand', '1'))
    rmSync(`${documents}/alice/work/b.ics`)
    t.same(await shown(again.store, 'work'), [...served.filter(one => one !== 'b.ics 1'), 'hand.ics 1'].sort())
    const later = again.store.home(['alice']) ?? t.fail() as never
    const after = later.collection('work') ?? t.fail() as never
    await writeMember(again.store.writing, later, after, 'new1.ics', { bytes: object('new1', '2') }, any)
    await deleteMember(again.store.writing, later, after, 'new2.ics', any)
    t.same((await shown(again.store, 'work')).filter(one => one.startsWith('new')), ['new1.ics 2'], 'clients change what is held as anything else')
    await later.idle()
    const history = again.store.writing.history.directory
    t.ok(versions(history, 'alice/work/new1.ics').length > 0)
    t.ok(versions(history, 'alice/work/new2.ics').length > 0)
    later.letGo(after, 'a.ics')
    t.equal((await shown(again.store, 'work'))[0], 'a.ics 1', 'the older state counts when somebody says so')
    await later.idle()
    t.equal(readFileSync(versions(history, 'alice/work/a.ics')[0]?.file ?? '', 'utf8'), object('a', '2').toString())
    const play = later.collection('play') ?? t.fail() as never
    later.letGo(play, 'game.ics')
    t.same(await shown(again.store, 'play'), [])
  })
}

t.test('what is held is served under its own name, beside a file of the other Unicode form', async t => {
  const { home, work, directory } = shelf(t)
  const [nfc, nfd] = ['\u00fc.ics', 'u\u0308.ics'] as const
  const before = new Date(Date.now() - 3600_000)
  hand(`${directory}/${nfc}`, object('nfc'))
  for (const path of [`${directory}/${nfc}`, directory]) utimesSync(path, before, before)
  await namesIn(home, 'work')
  hand(`${directory}/${nfd}`, object('nfd'))
  t.same(await namesIn(home, 'work'), [nfd, nfc])
  rmSync(`${directory}/${nfd}`)
  utimesSync(directory, before, before)
  t.same(await namesIn(home, 'work'), [nfd, nfc])
  t.same([nfd, nfc].map(name => home.content(work, name)?.bytes), [object('nfd'), object('nfc')])
  t.same([nfd, nfc].map(name => home.member(work, name)?.uid), ['nfd', 'nfc'])
})

t.test('whoever asks for one file of a restored calendar before it is compared gets what was served', async t => {
  const { store, home, work, directory, told } = shelf(t)
  const before = new Date(Date.now() - 3600_000)
  for (const name of ['a', 'b', 'c']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  await namesIn(home, 'work')
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '2') }, any)
  const { epoch } = home.total()
  writeFileSync(`${directory}/a.ics`, object('a', '1'))
  rmSync(`${directory}/b.ics`)
  for (const path of [`${directory}/a.ics`, directory]) utimesSync(path, before, before)
  t.same(home.content(work, 'a.ics')?.bytes, object('a', '2'))
  t.equal(home.member(work, 'b.ics')?.uid, 'b')
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics', 'c.ics'])
  t.match(told.join('\n'), /work went back to an older state, .*1 missing \(b.ics\), 1 older/)
  t.not(home.total().epoch.slice(0, 12), epoch.slice(0, 12))
  await deleteMember(store.writing, home, work, 'c.ics', any)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'], 'what is deleted afterwards is deleted')
})

t.test('a backup that is put back while the server looks, and a home that the backup does not know', async t => {
  const { root, documents } = await since(t, 'rsync -a')
  hand(`${documents}/bob/x/a.ics`, object('bob', '1'))
  const first = openStore(t, root)
  await first.store.sweep()
  await first.store.close()
  const { store, told } = openStore(t, root)
  await store.sweep()
  // as rsync does: what is not in the backup goes first, the time of the directory is set last
  rmSync(`${documents}/alice/work/new1.ics`)
  rmSync(`${documents}/alice/work/new2.ics`)
  t.same(await shown(store, 'work'), ['a.ics 2', 'b.ics 1', 'same.ics 1'])
  shell(root, 'rsync -a --delete backup/ documents/')
  t.same(await shown(store, 'work'), served)
  t.match(told.join('\n'), /2 missing \(new1.ics, new2.ics\)/)
  await store.sweep()
  const bob = store.home(['bob']) ?? t.fail() as never
  t.same(await namesIn(bob, 'x'), ['a.ics'])
  t.equal(bob.content(bob.collection('x') ?? t.fail() as never, 'a.ics')?.bytes.toString(), object('bob', '1').toString())
})

t.test('a write that comes while a restored calendar is compared does not hide that it goes back once more', async t => {
  const { home, work, directory } = shelf(t)
  const before = new Date(Date.now() - 3600_000)
  hand(`${directory}/a.ics`, object('a'))
  await namesIn(home, 'work')
  utimesSync(directory, before, before)
  const comparing = home.fresh(work)
  home.own(work, () => {
    hand(`${directory}/b.ics`, object('b'))
    updateMember(home.place(work), 'b.ics')
  })
  await comparing
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
  rmSync(`${directory}/b.ics`)
  utimesSync(directory, before, before)
  t.same(await namesIn(home, 'work'), ['a.ics', 'b.ics'])
})

t.test('what is done by hand is no restored backup', async t => {
  const { root, documents } = await since(t, 'rsync -a')
  rmSync(`${documents}/alice/work/new1.ics`)
  writeFileSync(`${documents}/alice/work/a.ics`, object('a', '0'))
  rmSync(`${documents}/alice/play`, { recursive: true })
  mkdirSync(`${documents}/alice/play`)
  const { store, told } = openStore(t, root)
  await store.sweep()
  t.same(await shown(store, 'work'), ['a.ics 0', 'b.ics 1', 'new2.ics 1', 'same.ics 1'])
  t.same(await shown(store, 'play'), [], 'a directory made anew is what its maker wanted')
  t.same(told, [])
  cpSync(`${documents}/alice/work`, `${documents}/alice/copy`, { recursive: true })
  t.equal((await shown(store, 'copy')).length, 4)
})

t.test('an index that was put back with everything else: tokens of the lost days are void', async t => {
  const { store, home, work, documents, state } = shelf(t)
  const root = documents.replace(/\/documents$/, '')
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '1') }, any)
  const kept = home.progress(work)
  home.close()
  cpSync(state, `${root}/saved`, { recursive: true })
  for (const name of ['b', 'c']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  const lost = home.progress(work)
  await store.close()
  for (const name of ['b', 'c']) rmSync(`${documents}/alice/work/${name}.ics`)
  rmSync(state, { recursive: true })
  cpSync(`${root}/saved`, state, { recursive: true })
  const again = openStore(t, root)
  const later = again.store.home(['alice']) ?? t.fail() as never
  const place = later.collection('work') ?? t.fail() as never
  for (const name of ['d', 'e', 'f']) await writeMember(again.store.writing, later, place, `${name}.ics`, { bytes: object(name, '1') }, any)
  t.ok(later.total().revision > lost.revision)
  t.equal(later.index.epochAt(kept.revision), kept.epoch)
  t.not(later.index.epochAt(lost.revision), lost.epoch)
})

t.test('documents that are gone or empty are no deletion', async t => {
  const { root, documents } = await since(t, 'rsync -a')
  const aside = `${root}/aside`
  shell(root, 'mv documents aside')
  for (const why of ['not there', 'empty']) {
    if (why === 'empty') mkdirSync(documents)
    const { store, told } = openStore(t, root)
    t.match(told.join(), new RegExp(`documents is ${why}, and held calendars before`))
    await store.start()
    t.throws(() => store.home(['alice']), { name: 'StoreError', reason: 'read-only' })
    t.throws(() => store.makeHome(['alice']), { name: 'StoreError', reason: 'read-only' })
    t.equal(existsSync(`${documents}/.drafts`), false, 'nothing is written into what is not the documents')
    if (why === 'empty') {
      rmSync(documents, { recursive: true })
      shell(root, `mv '${aside}' documents`)
      t.equal((await shown(store, 'work')).length, 5, 'they are served as soon as they are there')
      t.match(told.at(-1), /is there now/)
    }
    await store.close()
  }
})

for (const way of [0, 1]) t.test(`a home that is ${['on a disk of its own', 'a bind mount'][way]} which is not mounted is no deletion`, async t => {
  const root = t.testdir()
  mkdirSync(`${root}/documents/alice`, { recursive: true })
  const [, options, source] = beyond(root)[way] ?? t.fail() as never
  const problem = remount(`${root}/documents/alice`, options, source)
  if ('problem' in problem) { t.pass('skipped', { skip: problem.problem }); return }
  t.teardown(() => { shell('/', `umount -l '${root}/documents/alice' 2>/dev/null || true`) })
  hand(`${root}/documents/alice/work/a.ics`, object('a', '1'))
  hand(`${root}/documents/bob/work/a.ics`, object('a', '1'))
  const { store } = openStore(t, root)
  await store.sweep()
  t.same(await shown(store, 'work'), ['a.ics 1'])
  shell('/', `umount '${root}/documents/alice'`)
  // somebody else saves something meanwhile, and it is stopped only then
  store.home(['bob'])?.noteMarks()
  await store.close()
  const again = openStore(t, root)
  await again.store.sweep()
  t.match(again.told.join(), /is its disk not mounted/)
  await t.rejects(async () => { await shown(again.store, 'work') }, { name: 'StoreError', reason: 'read-only' })
  t.same((await (async () => await namesIn(again.store.home(['bob']) ?? t.fail() as never, 'work'))()), ['a.ics'], 'others are served')
})

t.test('what is held goes along when a calendar goes to another home, or beyond a mount point', async t => {
  for (const way of ['a home beside it', 'another file system', 'a bind mount']) {
    const { root, documents, backup } = await since(t, 'rsync -a')
    shell(root, `rsync -a --delete ${backup}/ documents/`)
    mkdirSync(`${documents}/bob`, { recursive: true })
    const [, options, source] = beyond(root).find(([name]) => name === way) ?? []
    const disk = options === undefined ? undefined : remount(`${documents}/bob`, options, source)
    if (disk !== undefined && 'problem' in disk) { t.pass('skipped', { skip: disk.problem }); continue }
    if (disk !== undefined) t.teardown(() => { shell('/', `umount -l '${documents}/bob' 2>/dev/null || true`) })
    const { store } = openStore(t, root)
    await store.sweep()
    t.same(await shown(store, 'work'), served)
    const [alice, bob] = [store.home(['alice']) ?? t.fail() as never, store.home(['bob']) ?? t.fail() as never]
    const work = alice.collection('work') ?? t.fail() as never
    await moveCollection(store.writing, alice, work, bob, 'theirs')
    const theirs = bob.collection('theirs') ?? t.fail() as never
    await bob.fresh(theirs)
    t.same(bob.members(theirs).map(({ name }) => `${name} ${bob.content(theirs, name)?.bytes.toString().split('\n')[1] ?? '?'}`), served, way)
    t.equal(alice.collection('work'), undefined)
    await store.close()
    if (disk !== undefined) shell('/', `umount '${documents}/bob'`)
  }
})

t.test('a home that was held once takes what hands do later', async t => {
  const { root, documents, backup } = await since(t, 'rsync -a')
  hand(`${documents}/bob/work/b.ics`, object('b', '1'))
  const { store, told } = openStore(t, root)
  await store.sweep()
  shell(root, `rm -r ${backup}/alice && cp -a documents/bob ${backup}/ && touch -d '1 hour ago' ${backup} && rsync -a --delete ${backup}/ documents/`)
  await store.sweep()
  t.match(told.join('\n'), /alice was missing since/)
  t.same(await shown(store, 'play'), ['game.ics 1'])
  rmSync(`${documents}/alice/play`, { recursive: true })
  await store.sweep()
  t.equal(store.home(['alice'])?.collection('play'), undefined)
})
