import { setAttributeSync } from 'fs-xattr'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import * as attribute from '../../store/attribute.js'
import type { Collection, Home } from '../../store/home.js'
import { changesSince } from '../../store/index/journal.js'
import { properties, setProperties } from '../../store/property.js'
import { copyCollection, type Copying, deleteCollection, makeCollection, moveCollection } from '../../store/tree.js'
import { beyond, hand, mounted, namesIn, object, openStore, remount, shelf, shell } from './shelf.js'

const name = '{DAV:}displayname'
const type = '{DAV:}resourcetype'
const xml = (text: string) => `<displayname xmlns="DAV:">${text}</displayname>`
const plain = '<resourcetype xmlns="DAV:"><plain/></resourcetype>'
/** Too large for an attribute of ext4. */
const large = xml(randomBytes(10_000).toString('hex'))

function collectionOf (home: Home, path: string): Collection {
  const collection = home.collection(path)
  if (collection === undefined) throw new Error(`${path} is not there`)
  return collection
}

t.test('a collection is made with its properties, or not at all', async t => {
  const { store, home, documents, changes } = shelf(t)
  const made = await makeCollection(store.writing, home, 'new', new Map([[name, xml('New')], ['{x:}large', large]]))
  t.match(made, { path: 'new', directory: `${documents}/alice/new`, holdsObjects: true })
  t.same(properties(made.directory, ''), new Map([[name, xml('New')], ['{x:}large', large]]))
  t.equal(home.collection('new'), made)
  t.ok(changes.includes('alice/new'))
  t.match(await makeCollection(store.writing, home, 'folder', new Map([[type, plain]])), { holdsObjects: false, resourcetype: plain })
  t.match(await makeCollection(store.writing, home, 'folder/below', new Map([[type, '<calendar/>']])), { holdsObjects: true })
  t.match(await makeCollection(store.writing, home, 'bare', new Map()), { holdsObjects: true })
  hand(`${documents}/alice/file`, 'x')
  symlinkSync('work', `${documents}/alice/link`)
  for (const path of ['new', 'work', 'file', 'link']) await t.rejects(makeCollection(store.writing, home, path, new Map()), { name: 'StoreError', reason: 'exists' }, path)
  for (const path of ['missing/new', 'file/new', 'link/new', '../bob', 'folder/../../x/y']) await t.rejects(makeCollection(store.writing, home, path, new Map()), { name: 'StoreError', reason: 'missing' }, path)
  for (const path of ['.hidden', 'a~', '', 'folder/', 'folder/..']) await t.rejects(makeCollection(store.writing, home, path, new Map()), { name: 'StoreError', reason: 'bad-name' }, path)
  await t.rejects(makeCollection(store.writing, home, 'work/inside', new Map()), { name: 'StoreError', reason: 'bad-name' }, 'RFC 4791 4.2')
  t.same(readdirSync(`${documents}/.drafts`), [])
  t.same(readdirSync(`${documents}/alice/work`), [])
})

t.test('of many who make the same collection one succeeds', async t => {
  const { store, home, documents } = shelf(t)
  const results = await Promise.allSettled(Array.from({ length: 10 }, async (_, number) => await makeCollection(store.writing, home, 'new', new Map([[name, xml(String(number))]]))))
  const won = results.findIndex(({ status }) => status === 'fulfilled')
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal(properties(`${documents}/alice/new`, '').get(name), xml(String(won)))
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('a collection is removed with all it holds', async t => {
  const { store, home, work, directory, documents } = shelf(t)
  for (let number = 0; number < 20; number++) hand(`${directory}/${number}.ics`, object(String(number)))
  hand(`${documents}/keep/a.ics`, object('a'))
  symlinkSync(`${documents}/keep`, `${directory}/link`)
  await home.fresh(work)
  const { revision } = home.total()
  await deleteCollection(store.writing, home, work)
  t.notOk(existsSync(directory))
  t.equal(home.collection('work'), undefined)
  t.ok(existsSync(`${documents}/keep/a.ics`), 'not what a link in it points to')
  t.same(readdirSync(`${documents}/.drafts`), [])
  t.equal(changesSince(home.index, work.id, revision, -1).filter(({ gone }) => gone).length, 20)
  t.match(home.collectionsSince('', revision, false), [{ path: 'work', gone: true }])
  await t.rejects(deleteCollection(store.writing, home, work), { name: 'StoreError', reason: 'missing' })
  symlinkSync(`${documents}/keep`, directory)
  await t.rejects(deleteCollection(store.writing, home, work), { name: 'StoreError', reason: 'missing' }, 'a link that took its place')
  t.ok(existsSync(`${documents}/keep/a.ics`))
})

t.test('made again under the same name: a token from before tells the deletions', async t => {
  const { store, home, work, directory } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  hand(`${directory}/b.ics`, object('b'))
  await home.fresh(work)
  const { epoch, revision } = home.progress(work)
  await deleteCollection(store.writing, home, work)
  const again = await makeCollection(store.writing, home, 'work', new Map())
  hand(`${directory}/b.ics`, object('b'))
  await home.fresh(again)
  t.equal(home.progress(again).epoch, epoch)
  t.same(changesSince(home.index, again.id, revision, -1).map(({ name, gone }) => [name, gone]), [['a.ics', true], ['b.ics', false]])
  t.same(properties(directory, ''), new Map(), 'nothing is inherited')
})

t.test('moving within a home and to another one', async t => {
  const { store, home, work, directory, documents } = shelf(t)
  mkdirSync(`${documents}/bob`)
  const bob = store.home(['bob']) ?? t.fail() as never
  hand(`${directory}/a.ics`, object('a'))
  await setProperties(directory, '', new Map([[name, xml('Work')], ['{x:}large', large]]))
  await setProperties(directory, 'a.ics', new Map([[name, xml('a')]]))
  await home.fresh(collectionOf(home, 'work'))
  const { revision } = home.total()
  const renamed = await moveCollection(store.writing, home, collectionOf(home, 'work'), home, 'renamed')
  t.equal(home.collection('work'), undefined)
  t.same(properties(renamed.directory, '').get('{x:}large'), large)
  t.same(await namesIn(home, 'renamed'), ['a.ics'])
  t.same(changesSince(home.index, work.id, revision, -1).map(({ name, gone }) => [name, gone]), [['a.ics', true]])
  const moved = await moveCollection(store.writing, home, renamed, bob, 'work')
  t.same(await namesIn(bob, 'work'), ['a.ics'])
  t.equal(properties(moved.directory, 'a.ics').get(name), xml('a'))
  t.same(home.children(''), [])
  await t.rejects(moveCollection(store.writing, home, renamed, bob, 'x'), { name: 'StoreError', reason: 'missing' })
  await t.rejects(moveCollection(store.writing, bob, moved, bob, 'missing/x'), { name: 'StoreError', reason: 'missing' })
  await t.rejects(moveCollection(store.writing, bob, moved, bob, '.x'), { name: 'StoreError', reason: 'bad-name' })
  t.same(await namesIn(bob, 'work'), ['a.ics'])
})

t.test('moving over a collection replaces it; a move that fails gives it back', async t => {
  const { store, home, work, directory, documents } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  hand(`${directory}/both.ics`, object('both', 'new\n'))
  hand(`${documents}/alice/target/old.ics`, object('old'))
  hand(`${documents}/alice/target/both.ics`, object('both'))
  await setProperties(`${documents}/alice/target`, '', new Map([[name, xml('Target')]]))
  await namesIn(home, 'work')
  t.same(await namesIn(home, 'target'), ['both.ics', 'old.ics'])
  const { revision } = home.total()
  const target = await moveCollection(store.writing, home, work, home, 'target')
  t.same(await namesIn(home, 'target'), ['a.ics', 'both.ics'])
  t.same(properties(target.directory, ''), new Map())
  t.same(changesSince(home.index, target.id, revision, -1).map(({ name, gone }) => `${gone ? '-' : ''}${name}`).sort(), ['-old.ics', 'a.ics', 'both.ics'])
  t.same(readdirSync(`${documents}/.drafts`), [])
  await t.rejects(moveCollection(store.writing, home, work, home, 'target'), { name: 'StoreError', reason: 'missing' }, 'the source is gone')
  setAttributeSync(`${documents}/alice/target`, 'user.{DAV:}resourcetype', Buffer.from(plain))
  hand(`${documents}/alice/target/below/x.txt`, 'x')
  await t.rejects(moveCollection(store.writing, home, collectionOf(home, 'target'), home, 'target/below'), { name: 'StoreError' }, 'into itself')
  t.same(await namesIn(home, 'target'), ['a.ics', 'both.ics'])
  t.same(await namesIn(home, 'target/below'), ['x.txt'], 'what was to be replaced is there')
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('copying: members, properties, what is below; the copy is of what is served', async t => {
  const { store, home, documents } = shelf(t, { durable: true })
  const source = `${documents}/alice/folder`
  await makeCollection(store.writing, home, 'folder', new Map([[type, plain], [name, xml('Folder')], ['{x:}large', large]]))
  setAttributeSync(source, 'user.foreign', Buffer.from('kept'))
  for (let number = 0; number < 30; number++) hand(`${source}/${number}.txt`, String(number))
  await setProperties(source, '7.txt', new Map([[name, xml('seven')], ['{x:}large', large]]))
  await makeCollection(store.writing, home, 'folder/calendar', new Map([[type, '<calendar/>']]))
  hand(`${source}/calendar/good.ics`, object('good'))
  hand(`${source}/calendar/bad.ics`, object('bad'))
  await namesIn(home, 'folder/calendar')
  hand(`${source}/calendar/bad.ics`, 'broken since')
  symlinkSync('/etc/passwd', `${source}/link.txt`)
  const before = home.total().revision
  const copy = await copyCollection(store.writing, home, collectionOf(home, 'folder'), home, 'copy', { members: true })
  t.ok(home.total().revision > before)
  t.equal((await namesIn(home, 'copy')).length, 30)
  t.equal(readFileSync(`${copy.directory}/7.txt`, 'utf8'), '7')
  t.same(properties(copy.directory, ''), properties(source, ''))
  t.same(properties(copy.directory, '7.txt'), new Map([[name, xml('seven')], ['{x:}large', large]]))
  t.ok(attribute.list(`${copy.directory}/7.txt`).has(name))
  t.same(await namesIn(home, 'copy/calendar'), ['bad.ics', 'good.ics'])
  t.same(readFileSync(`${copy.directory}/calendar/bad.ics`), object('bad'), 'the last good version')
  t.notOk(existsSync(`${copy.directory}/link.txt`))
  t.equal((await namesIn(home, 'folder')).length, 30, 'the source stays')
  t.same(readdirSync(copy.directory).filter(each => each.startsWith('.tmp')), [])
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('copying a part: some files, without some properties, and not at all', async t => {
  const { store, home, documents } = shelf(t)
  await makeCollection(store.writing, home, 'folder', new Map([[type, plain], ['{x:}secret', xml('1')], [name, xml('Folder')]]))
  for (const path of ['open', 'closed']) await makeCollection(store.writing, home, `folder/${path}`, new Map([['{x:}secret', xml('1')]]))
  for (const file of ['a.txt', 'b.txt', 'c.txt']) hand(`${documents}/alice/folder/${file}`, file)
  await setProperties(`${documents}/alice/folder`, 'a.txt', new Map([['{x:}secret', large], [name, xml('a')]]))
  await setProperties(`${documents}/alice/folder`, 'b.txt', new Map([[name, xml('b')]]))
  await setProperties(`${documents}/alice/folder`, 'c.txt', new Map([['{x:}secret', xml('c')]]))
  const copying: Copying = { members: true, keeps: ({ path }, member) => path !== 'folder/closed' && member?.name !== 'b.txt', without: ['{x:}secret'] }
  const copy = await copyCollection(store.writing, home, collectionOf(home, 'folder'), home, 'copy', copying)
  t.same(await namesIn(home, 'copy'), ['a.txt', 'c.txt'])
  t.same(home.children('copy').map(({ path }) => path), ['copy/open'])
  t.same([...properties(copy.directory, '').keys()].sort(), [name, type])
  t.same([...properties(copy.directory, 'a.txt').keys()], [name])
  t.same(properties(copy.directory, 'c.txt').size, 0, 'what was the only attribute does not come back from the sidecar')
  t.same(properties(`${copy.directory}/open`, '').size, 0)
  t.notMatch(readFileSync(`${copy.directory}/.properties.json`, 'utf8'), /secret|b\.txt|c\.txt/)
  const stop = (): void => { throw new Error('stopped') }
  await t.rejects(copyCollection(store.writing, home, copy, home, 'copy2', { members: true, guard: stop }), { message: 'stopped' })
  await t.rejects(moveCollection(store.writing, home, copy, home, 'copy2', stop), { message: 'stopped' })
  await t.rejects(makeCollection(store.writing, home, 'copy2', new Map(), stop), { message: 'stopped' })
  t.notOk(existsSync(`${documents}/alice/copy2`))
  t.ok(existsSync(copy.directory))
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('copying without members, and over another one', async t => {
  const { store, home, work, directory, documents } = shelf(t)
  hand(`${directory}/a.ics`, object('a'))
  await setProperties(directory, '', new Map([[name, xml('Work')]]))
  await setProperties(directory, 'a.ics', new Map([[name, xml('a')]]))
  hand(`${documents}/alice/target/old.ics`, object('old'))
  t.same(await namesIn(home, 'target'), ['old.ics'])
  const target = await copyCollection(store.writing, home, work, home, 'target', { members: false })
  t.same(await namesIn(home, 'target'), [])
  t.equal(properties(target.directory, '').get(name), xml('Work'))
  hand(`${target.directory}/a.ics`, object('a'))
  t.same(properties(target.directory, 'a.ics'), new Map(), 'a file that comes later inherits nothing')
  await t.rejects(copyCollection(store.writing, home, work, home, 'missing/x', { members: true }), { name: 'StoreError', reason: 'missing' })
  t.same(readdirSync(`${documents}/.drafts`), [])
})

t.test('a source that changes while it is copied', async t => {
  const { store, home, work, directory, documents } = shelf(t, { durable: true })
  for (let number = 0; number < 100; number++) hand(`${directory}/${number}.ics`, object(String(number)))
  await home.fresh(work)
  const copying = copyCollection(store.writing, home, work, home, 'copy', { members: true })
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
  for (const number of [97, 98, 99]) rmSync(`${directory}/${number}.ics`)
  const copy = await copying
  t.equal(readdirSync(copy.directory).filter(each => each.endsWith('.ics')).length, (await namesIn(home, 'copy')).length)
  t.ok((await namesIn(home, 'copy')).length >= 97)
  // the directory is swapped for a link to what nobody may see
  for (let number = 0; number < 100; number++) hand(`${documents}/secret/${number}.ics`, object('secret'))
  const second = copyCollection(store.writing, home, work, home, 'second', { members: true })
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
  renameSync(directory, `${directory}-away`)
  symlinkSync(`${documents}/secret`, directory)
  await t.rejects(second, { name: 'StoreError', reason: 'missing' })
  t.notOk(existsSync(`${documents}/alice/second`))
  t.same(readdirSync(`${documents}/.drafts`), [])
})

for (const way of [0, 1]) t.test(`to ${['another file system', 'a bind mount'][way]} a collection is copied and removed`, async t => {
  const first = mounted(t, '-t tmpfs -o size=8m')
  if ('problem' in first) return t.pass('skipped', { skip: first.problem })
  const inner = `${first.path}/documents/alice`
  mkdirSync(inner, { recursive: true })
  const [, options, source] = beyond(first.path)[way] ?? t.fail() as never
  const second = remount(inner, options, source)
  if ('problem' in second) return t.pass('skipped', { skip: second.problem })
  t.teardown(() => { shell('/', `umount -l '${inner}' || true`) })
  mkdirSync(`${first.path}/documents/bob/work`, { recursive: true })
  const { store } = openStore(t, first.path)
  const [alice, bob] = [store.home(['alice']) ?? t.fail() as never, store.home(['bob']) ?? t.fail() as never]
  const made = await makeCollection(store.writing, alice, 'new', new Map([[name, xml('New')]]))
  writeFileSync(`${made.directory}/a.ics`, object('a'))
  await setProperties(made.directory, 'a.ics', new Map([[name, xml('a')]]))
  t.same(readdirSync(inner), ['new'], 'its drafts are gone')
  const moved = await moveCollection(store.writing, alice, made, bob, 'work')
  t.same(await namesIn(bob, 'work'), ['a.ics'])
  t.equal(properties(moved.directory, '').get(name), xml('New'))
  t.equal(properties(moved.directory, 'a.ics').get(name), xml('a'))
  t.same(readdirSync(inner), [])
  await moveCollection(store.writing, bob, moved, alice, 'back')
  t.same(await namesIn(alice, 'back'), ['a.ics'])
  await deleteCollection(store.writing, alice, collectionOf(alice, 'back'))
  t.same(readdirSync(inner), [])
})
