import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { properties, setProperties } from '../../store/property.js'
import { expire } from '../../store/history/expire.js'
import { History } from '../../store/history/history.js'
import { versions, versionsBelow } from '../../store/history/list.js'
import { isDay, placeOf, readName } from '../../store/history/version.js'
import { deleteCollection, moveCollection, makeCollection } from '../../store/tree.js'
import { deleteMember, moveMember, writeMember } from '../../store/write.js'
import { hand, mounted, namesIn, object, openStore, shelf, tick, until } from './shelf.js'

const any = (): void => {}
const title = new Map([['{DAV:}displayname', '<displayname xmlns="DAV:">Work</displayname>']])

t.test('names of versions are read as they were written', async t => {
  const at = Date.UTC(2026, 10, 23, 3, 15, 0, 123)
  t.equal(placeOf('alice/work/standup.ics', at, 'replaced'), '2026-11-23/alice/work/standup.ics@03.15.00.123.replaced')
  t.same(readName('2026-11-23', 'a@b@03.15.00.123.removed'), { name: 'a@b', at, end: 'removed' })
  const long = 'é'.repeat(120) + '.ics'
  t.equal(placeOf(`alice/${long}`, at, 'deleted'), `2026-11-23/alice/@03.15.00.123.deleted/${long}`)
  for (const name of ['a.ics', 'a@03.15.00.replaced', 'a@03.15.00.123.lost', 'a@99.15.00.123.edited']) t.equal(readName('2026-11-23', name), undefined, name)
  t.same(['2026-11-23', '2026-99-23', 'x', '.tmp-1'].map(isDay), [true, false, false, false])
})

t.test('what is replaced, deleted or moved over by a client is kept by link, with its attributes', async t => {
  const { store, home, work, directory } = shelf(t)
  const history = store.writing.history.directory
  const write = async (name: string, uid: string, text: string): Promise<void> => { await writeMember(store.writing, home, work, name, { bytes: object(uid, text) }, any) }
  await write('a.ics', 'a', '1')
  t.notOk(existsSync(history), 'nothing is made for nothing')
  await setProperties(directory, 'a.ics', title)
  const { ino } = statSync(`${directory}/a.ics`)
  await write('a.ics', 'a', '2')
  await write('a.ics', 'a', '3')
  await deleteMember(store.writing, home, work, 'a.ics', any)
  const found = versions(history, 'alice/work/a.ics')
  t.same(found.map(({ end }) => end), ['deleted', 'replaced', 'replaced'])
  t.same(found.map(({ file }) => readFileSync(file, 'utf8')), ['3', '2', '1'].map(text => object('a', text).toString()))
  t.equal(statSync(found.at(-1)?.file ?? '').ino, ino, 'the file itself, no copy')
  t.match(properties(found[0]?.file.replace(/\/[^/]*$/, '') ?? '', found[0]?.file.replace(/.*\//, '') ?? '').get('{DAV:}displayname'), /Work/)
  t.ok(found.every(({ at }) => Math.abs(at - Date.now()) < 60_000))
  await write('b.ics', 'b', '1')
  await write('c.ics', 'c', '1')
  await moveMember(store.writing, { home, collection: work, name: 'b.ics' }, { home, collection: work, name: 'c.ics' }, any)
  t.same(versions(history, 'alice/work/c.ics').map(({ end }) => end), ['replaced'])
  t.same(versions(history, 'alice/work/b.ics'), [], 'what is moved is not lost')
  t.equal(versionsBelow(history, 'alice').length, 4)
  await home.idle()
  t.equal(versionsBelow(history, '').length, 4, 'nothing is kept twice')
})

t.test('a collection is kept whole, and what is replaced by one that is moved there', async t => {
  const { store, home, work } = shelf(t)
  const history = store.writing.history.directory
  await setProperties(work.directory, '', title)
  for (const name of ['a', 'b']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name) }, any)
  await deleteCollection(store.writing, home, work)
  const [version] = versions(history, 'alice/work')
  t.match(version, { end: 'deleted', isCollection: true })
  t.same(readdirSync(version?.file ?? '').sort(), ['.properties.json', 'a.ics', 'b.ics'])
  t.match(properties(version?.file ?? '', '').get('{DAV:}displayname'), /Work/)
  const plain = new Map([['{DAV:}resourcetype', '<resourcetype xmlns="DAV:">plain</resourcetype>']])
  const one = await makeCollection(store.writing, home, 'one', plain)
  await makeCollection(store.writing, home, 'two', plain)
  hand(`${home.directory}/two/note.txt`, 'a note')
  await moveCollection(store.writing, home, one, home, 'two')
  const [replaced] = versions(history, 'alice/two')
  t.match(replaced, { end: 'replaced', isCollection: true })
  t.equal(readFileSync(`${replaced?.file ?? ''}/note.txt`, 'utf8'), 'a note')
  await home.idle()
  t.equal(versionsBelow(history, '').length, 2)
})

t.test('what is edited or removed by hand is kept from the index, also after a restart', async t => {
  const { store, home, work, directory, documents } = shelf(t)
  const history = store.writing.history.directory
  for (const name of ['a', 'b', 'c']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  await home.fresh(work)
  await tick()
  writeFileSync(`${directory}/a.ics`, object('a', '2'))
  rmSync(`${directory}/b.ics`)
  await namesIn(home, 'work')
  await home.idle()
  t.same(versionsBelow(history, 'alice').map(({ path, end }) => [path, end]).sort(), [['alice/work/a.ics', 'edited'], ['alice/work/b.ics', 'removed']])
  t.equal(readFileSync(versions(history, 'alice/work/a.ics')[0]?.file ?? '', 'utf8'), object('a', '1').toString())
  writeFileSync(`${directory}/a.ics`, 'half a sa')
  await namesIn(home, 'work')
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '3') }, any)
  await home.idle()
  t.same(versions(history, 'alice/work/a.ics').slice(0, 2).map(({ file }) => readFileSync(file, 'utf8')).sort(), [object('a', '2').toString(), 'half a sa'].sort(),
    'both what was typed and what was served until then')
  await store.close()
  rmSync(`${documents}/alice/work`, { recursive: true })
  const again = openStore(t, documents.replace(/\/documents$/, ''))
  await again.store.sweep()
  await again.store.home(['alice'])?.idle()
  const [tree] = versions(history, 'alice/work')
  t.match(tree, { end: 'removed', isCollection: true })
  t.same(readdirSync(tree?.file ?? '').filter(name => name.endsWith('.ics')).sort(), ['a.ics', 'c.ics'])
  rmSync(`${documents}/alice`, { recursive: true })
  hand(`${documents}/bob/x/a.ics`, object('x'))
  await again.store.sweep()
  t.equal(again.store.home(['alice']), undefined)
})

t.test('a home that was removed while no server ran is kept too; a directory renamed by hand is not lost', async t => {
  const { store, home, work, documents } = shelf(t)
  await setProperties(work.directory, '', title)
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '1') }, any)
  await store.sweep()
  renameSync(`${documents}/alice/work`, `${documents}/alice/play`)
  t.same(await namesIn(home, 'play'), ['a.ics'])
  await home.idle()
  t.same(versionsBelow(store.writing.history.directory, ''), [])
  await store.close()
  rmSync(`${documents}/alice`, { recursive: true })
  hand(`${documents}/bob/x/a.ics`, object('x'))
  const again = openStore(t, documents.replace(/\/documents$/, ''))
  await again.store.sweep()
  await until(() => versions(store.writing.history.directory, 'alice/play').length > 0)
  const [tree] = versions(store.writing.history.directory, 'alice/play')
  t.same(readdirSync(tree?.file ?? '').sort(), ['.properties.json', 'a.ics'])
  t.match(properties(tree?.file ?? '', '').get('{DAV:}displayname'), /Work/, 'the mirror is made of what the index knew')
})

t.test('what is served of a broken file is kept at once, since nothing else has it; and not again when the file is mended', async t => {
  const { store, home, work, directory } = shelf(t)
  const bodies = (name: string): string[] => versions(store.writing.history.directory, `alice/work/${name}`).map(({ file, end }) => `${end} ${readFileSync(file, 'utf8')}`)
  for (const name of ['a', 'b']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  for (const name of ['a', 'b']) writeFileSync(`${directory}/${name}.ics`, 'half')
  await store.sweep()
  await home.idle()
  t.same([home.content(work, 'a.ics')?.bytes, ...bodies('a.ics')], [object('a', '1'), `edited ${object('a', '1').toString()}`])
  writeFileSync(`${directory}/a.ics`, object('a', '2'))
  rmSync(`${directory}/b.ics`)
  await store.sweep()
  await home.idle()
  t.same([home.content(work, 'a.ics')?.bytes, ...bodies('a.ics')], [object('a', '2'), `edited ${object('a', '1').toString()}`])
  t.same(bodies('b.ics'), [`edited ${object('b', '1').toString()}`])
})

t.test('what is edited by hand in a calendar that at once gets another name, or is deleted by a client, is not lost', async t => {
  const { store, home, work, documents } = shelf(t)
  const history = store.writing.history.directory
  for (const name of ['a', 'b', 'c']) await writeMember(store.writing, home, work, `${name}.ics`, { bytes: object(name, '1') }, any)
  await store.sweep()
  renameSync(work.directory, `${documents}/alice/play`)
  home.list()
  writeFileSync(`${documents}/alice/play/a.ics`, object('a', '2'))
  rmSync(`${documents}/alice/play/b.ics`)
  writeFileSync(`${documents}/alice/play/c.ics`, 'half')
  t.same(await namesIn(home, 'play'), ['a.ics', 'c.ics'])
  t.same(home.collectionsSince('', 0, true).filter(({ path }) => path !== '').map(({ path, gone }) => `${path} ${gone ? 'gone' : 'there'}`).sort(), ['play there', 'work gone'])
  const play = home.collection('play') ?? t.fail() as never
  t.equal(home.count(play), 2)
  t.same(home.content(play, 'c.ics')?.bytes, object('c', '1'), 'what is served of a broken file goes with it')
  await home.idle()
  t.same(['a', 'b'].map(name => versions(history, `alice/play/${name}.ics`).map(({ file }) => readFileSync(file, 'utf8'))), [[object('a', '1').toString()], [object('b', '1').toString()]])
  writeFileSync(`${documents}/alice/play/a.ics`, object('a', '3'))
  await deleteCollection(store.writing, home, play)
  await home.idle()
  t.match(versions(history, 'alice/play/a.ics').map(({ file }) => readFileSync(file, 'utf8')), [object('a', '2').toString(), object('a', '1').toString()])
  t.equal(readFileSync(`${versions(history, 'alice/play')[0]?.file ?? ''}/a.ics`, 'utf8'), object('a', '3').toString())
})

t.test('the PUT of a UID that was deleted just works, and days = 0 keeps nothing', async t => {
  const { store, home, work } = shelf(t, { history: { directory: '/nonexistent/history', days: () => 0, bytes: () => 0 } })
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '1') }, any)
  await deleteMember(store.writing, home, work, 'a.ics', any)
  t.match(await writeMember(store.writing, home, work, 'other.ics', { bytes: object('a', '2') }, any), { created: true })
  await deleteCollection(store.writing, home, work)
  t.notOk(existsSync('/nonexistent'))
  t.same(readdirSync(store.writing.drafts), [])
})

t.test('between file systems versions are copies', async t => {
  const disk = mounted(t, '-t tmpfs')
  if ('problem' in disk) { t.pass('skipped', { skip: disk.problem }); return }
  const { store, home, work } = shelf(t, { history: { directory: `${disk.path}/history`, days: () => 30, bytes: () => 0 } })
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '1') }, any)
  await setProperties(work.directory, 'a.ics', title)
  await writeMember(store.writing, home, work, 'a.ics', { bytes: object('a', '2') }, any)
  await deleteMember(store.writing, home, work, 'a.ics', any)
  const found = versions(store.writing.history.directory, 'alice/work/a.ics')
  t.same(found.map(({ file }) => readFileSync(file, 'utf8')), ['2', '1'].map(text => object('a', text).toString()))
  await writeMember(store.writing, home, work, 'b.ics', { bytes: object('b', '1') }, any)
  await deleteCollection(store.writing, home, work)
  const [tree] = versions(store.writing.history.directory, 'alice/work')
  t.ok(readdirSync(tree?.file ?? '').includes('b.ics'))
  t.same(readdirSync(store.writing.drafts), [])
})

t.test('the oldest go first: after so many days, and above so many bytes; what is not ours stays', async t => {
  const root = t.testdir()
  const now = Date.UTC(2026, 10, 23, 12)
  const keep = (path: string, days: number, bytes: number): string => {
    const place = `${root}/${placeOf(path, now - days * 86_400_000, 'replaced')}`
    hand(place, 'x'.repeat(bytes))
    return place
  }
  const old = keep('alice/work/a.ics', 31, 10)
  const [one, two, three] = [keep('alice/work/a.ics', 3, 1000), keep('alice/work/a.ics', 2, 1000), keep(`alice/${'n'.repeat(250)}`, 0, 1000)]
  hand(`${root}/2026-11-20/alice/tree@01.00.00.000.deleted/b.ics`, 'x'.repeat(1000))
  hand(`${root}/notes/mine`, 'mine')
  linkSync(one, `${root}/elsewhere`)
  symlinkSync('/', `${root}/2026-11-21/link`)
  await expire(root, { days: 30, bytes: 0 }, now)
  t.notOk(existsSync(old))
  t.notOk(existsSync(`${root}/2026-10-23`), 'days without anything go')
  t.ok([one, two, three].every(existsSync))
  await expire(root, { days: 30, bytes: 2500 }, now)
  t.same([one, two, three].map(existsSync), [false, true, true])
  t.notOk(existsSync(`${root}/2026-11-20/alice/tree@01.00.00.000.deleted`), 'a collection goes whole')
  await expire(root, { days: 0, bytes: 0 }, now + 1)
  t.same(readdirSync(root).sort(), ['2026-11-21', '2026-11-23', 'elsewhere', 'notes'], 'the day that is written to stays')
  await expire(`${root}/none`, { days: 30, bytes: 0 }, now)
})

t.test('a clock that has just been set makes nothing too old', async t => {
  const root = t.testdir({ '2026-10-01': { 'a.ics@01.00.00.000.deleted': 'a' } })
  const old = `${root}/2026-10-01/a.ics@01.00.00.000.deleted`
  const history = new History({ directory: root, documents: `${root}/none`, days: () => 30, bytes: () => 0, report: line => { t.fail(line) } })
  const [real, ending] = [Date.now, new AbortController()]
  t.teardown(() => { Date.now = real })
  let ahead = 0
  // set anew all the time
  Date.now = () => real() + (ahead += 100_000)
  const running = history.tidyForEver(ending.signal, 5)
  await tick()
  t.ok(existsSync(old))
  const steady = real() + ahead
  Date.now = () => steady + performance.now()
  t.ok(await until(() => !existsSync(old)) < Infinity)
  ending.abort()
  await running
})
