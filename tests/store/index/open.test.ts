import Database from 'better-sqlite3'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { changesSince, nextRevision, revision, trim, trimmed } from '../../../store/index/journal.js'
import { isDamage, openIndex, removeIndex, type Index } from '../../../store/index/open.js'

const count = (index: Index, table: string) => index.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count

t.test('an index is made when there is none, for its owner only, and kept', async t => {
  const file = `${t.testdir()}/deep/alice.sqlite`
  const one = openIndex(file)
  const { epoch } = one
  t.match(epoch, /^[\w-]{12}$/)
  t.notMatch(epoch, /_/)
  t.equal(statSync(`${file}/..`.replace('/alice.sqlite/..', '')).mode & 0o777, 0o700)
  one.run("INSERT INTO collection (id, path, attributes, revision, changed) VALUES (1, '', '', 1, 1)")
  one.close()
  t.same(readdirSync(`${file.slice(0, file.lastIndexOf('/'))}`), ['alice.sqlite'])
  const two = openIndex(file)
  t.equal(two.epoch, epoch)
  t.equal(count(two, 'collection'), 1)
  two.close()
  removeIndex(file)
  removeIndex(file)
  const three = openIndex(file)
  t.not(three.epoch, epoch)
  t.equal(count(three, 'collection'), 0)
  three.close()
})

t.test('what is no index of this version is thrown away', async t => {
  const contents: Record<string, (file: string) => void> = {
    'another version': file => {
      const database = new Database(file)
      database.exec('CREATE TABLE meta (x); PRAGMA user_version = 9999')
      database.close()
    },
    'somebody else’s database': file => {
      const database = new Database(file)
      database.exec('CREATE TABLE meta (x)')
      database.close()
    },
    garbage: file => { writeFileSync(file, 'x'.repeat(10_000)) },
    'a cut header': file => { writeFileSync(file, 'SQLite format 3\0') },
    'nothing in it': file => { writeFileSync(file, '') },
    'a log without its database': file => { writeFileSync(`${file}-wal`, 'x'.repeat(5000)) }
  }
  for (const [why, make] of Object.entries(contents)) {
    const file = `${t.testdir()}/alice.sqlite`
    make(file)
    const index = openIndex(file)
    t.equal(count(index, 'member'), 0, why)
    const { epoch } = index
    t.match(epoch, /^[\w-]{12}$/, why)
    index.close()
    const again = openIndex(file)
    t.equal(again.epoch, epoch, `${why}: kept the second time`)
    again.close()
  }
  const directory = `${t.testdir()}/alice.sqlite`
  mkdirSync(directory)
  t.throws(() => openIndex(directory), { name: 'StoreError', reason: 'read-only' }, 'a directory is not removed')
  t.ok(existsSync(directory))
})

t.test('numbered parameters, transactions that join, and what goes back', async t => {
  const index = openIndex(`${t.testdir()}/a.sqlite`)
  t.same(index.get('SELECT ?2 AS b, ?1 AS a, ?2 AS c', 'one', 'two'), { b: 'two', a: 'one', c: 'two' })
  t.same(index.all('SELECT ? AS a, ? AS b', 1, null), [{ a: 1, b: null }])
  t.throws(() => {
    index.transaction(() => {
      nextRevision(index)
      index.transaction(() => { nextRevision(index) })
      throw new Error('no')
    })
  }, { message: 'no' })
  t.equal(revision(index), 1)
  t.equal(index.transaction(() => index.transaction(() => nextRevision(index))), 2)
  t.equal(index.isDamaged, false)
  index.checkpoint()
  index.close()
})

t.test('damage is what says so, other failures are not', async t => {
  const file = `${t.testdir()}/a.sqlite`
  const index = openIndex(file)
  for (let number = 0; number < 200; number++) index.run("INSERT INTO gone (collection, name, revision) VALUES (1, ?, 1)", `${number} ${'x'.repeat(200)}`)
  // behind the roots and the text of the schema
  const first = index.get<{ page: number }>('SELECT max(rootpage) AS page FROM sqlite_master')?.page ?? 0
  index.close()
  const bytes = Buffer.alloc(4096, 0xa5)
  const { openSync, writeSync, closeSync } = await import('node:fs')
  const descriptor = openSync(file, 'r+')
  for (let page = first + 4; page < first + 30; page++) writeSync(descriptor, bytes, 0, 4096, page * 4096)
  closeSync(descriptor)
  const spoilt = openIndex(file)
  let caught: unknown
  try {
    spoilt.all('SELECT * FROM gone')
  } catch (error) {
    caught = error
  }
  t.ok(isDamage(caught))
  t.equal(spoilt.isDamaged, true)
  spoilt.close()
  t.notOk(isDamage(new Error('x')))
  t.notOk(isDamage(Object.assign(new Error('x'), { code: 'SQLITE_CORRUPT' })))
})

t.test('the journal: changes in order, deletions, what is forgotten', async t => {
  const index = openIndex(`${t.testdir()}/a.sqlite`)
  const add = (name: string, revision: number, etag = '"x"') => index.run(
    "INSERT INTO member (collection, name, stamp, checked, modified, size, etag, uid, component, problem, attributed, revision) VALUES (1, ?, '', 0, 0, 0, ?, '', '', '', 0, ?)", name, etag, revision)
  const lose = (name: string, revision: number) => index.run('INSERT INTO gone (collection, name, revision) VALUES (1, ?, ?)', name, revision)
  add('b.ics', 5)
  add('a.ics', 5)
  add('broken.ics', 6, '')
  lose('old.ics', 3)
  lose('new.ics', 7)
  index.run('INSERT INTO gone (collection, name, revision) VALUES (2, ?, ?)', 'other.ics', 8)
  t.same(changesSince(index, 1, 0, -1).map(({ name, gone, revision }) => `${revision} ${gone ? '-' : ''}${name}`), ['3 -old.ics', '5 a.ics', '5 b.ics', '7 -new.ics'])
  t.same(changesSince(index, 1, 3, -1).map(({ name }) => name), ['a.ics', 'b.ics', 'new.ics'])
  t.same(changesSince(index, 1, 0, 2).map(({ name }) => name), ['old.ics', 'a.ics'])
  t.same(changesSince(index, 1, 7, -1), [])
  trim(index)
  t.equal(trimmed(index), 0, 'few are kept')
  index.transaction(() => { for (let number = 0; number < 50_010; number++) lose(`x${number}`, 100 + Math.floor(number / 3)) })
  trim(index)
  t.ok((count(index, 'gone') ?? 0) <= 50_000)
  t.ok((count(index, 'gone') ?? 0) > 49_990)
  const edge = trimmed(index)
  t.ok(edge >= 100)
  t.equal(index.get<{ least: number }>('SELECT min(revision) AS least FROM gone')?.least, edge + 1, 'all of a revision or none')
  trim(index)
  t.equal(trimmed(index), edge)
  index.close()
})
