import { getAttributeSync, setAttributeSync } from 'fs-xattr'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { discard, draft, facts, flushDirectory, read, removeTree, rename, temporary, temporaryPrefix } from '../../store/file.js'
import { inTurn } from '../../store/turn.js'
import { hand, shell } from './shelf.js'

const nothing = () => {}

t.test('a regular file is read with its facts, everything else is not there', async t => {
  // the path of a socket must be short
  const directory = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(directory, { recursive: true }) })
  for (const [name, text] of Object.entries({ 'a.ics': 'one', 'empty.ics': '', 'sub/b.ics': 'two' })) hand(`${directory}/${name}`, text)
  t.same(read(`${directory}/a.ics`)?.bytes, Buffer.from('one'))
  t.equal(read(`${directory}/a.ics`)?.stats.size, 3)
  t.same(read(`${directory}/empty.ics`)?.bytes, Buffer.alloc(0))
  symlinkSync('a.ics', `${directory}/link.ics`)
  symlinkSync('/etc/passwd', `${directory}/out.ics`)
  symlinkSync('loop.ics', `${directory}/loop.ics`)
  shell(directory, 'mkfifo pipe.ics')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(`${directory}/socket.ics`, resolve))
  t.teardown(() => server.close())
  const start = performance.now()
  for (const name of ['missing', 'a.ics/below', 'sub', 'link.ics', 'out.ics', 'loop.ics', 'pipe.ics', 'socket.ics', 'x'.repeat(256)]) t.equal(read(`${directory}/${name}`), undefined, name)
  t.equal(read('/dev/null'), undefined, 'a device')
  t.equal(read('/dev/tty'), undefined, 'a terminal')
  t.ok(performance.now() - start < 500, 'none of them holds the reader')
})

t.test('facts are of the name itself', async t => {
  const directory = t.testdir({ 'a.ics': 'one', sub: {} })
  symlinkSync('sub', `${directory}/link`)
  t.equal(facts(`${directory}/link`)?.isSymbolicLink(), true)
  t.equal(facts(`${directory}/sub`)?.isDirectory(), true)
  for (const name of ['missing', 'a.ics/below', 'x'.repeat(256)]) t.equal(facts(`${directory}/${name}`), undefined)
})

t.test('a file that shrinks or is filled by the system while it is read', async t => {
  const directory = t.testdir({ 'a.ics': 'x'.repeat(100_000) })
  truncateSync(`${directory}/a.ics`, 10)
  t.equal(read(`${directory}/a.ics`)?.bytes.length, 10)
  t.ok((read('/proc/self/status')?.bytes.length ?? 0) > 100, 'a file without a size has bytes all the same')
})

t.test('a draft becomes the file by one rename: old or new, never half', async t => {
  const directory = t.testdir({ 'a.ics': 'old' })
  const body = Buffer.alloc(3_000_000, 'new')
  const written = await draft(directory, body, nothing, true)
  t.match(written.path, new RegExp(`^${directory}/\\.tmp-[\\w-]{12}$`))
  t.equal(readFileSync(`${directory}/a.ics`, 'utf8'), 'old')
  rename(written.path, `${directory}/a.ics`)
  t.ok(readFileSync(`${directory}/a.ics`).equals(body))
  t.same(readdirSync(directory), ['a.ics'])
})

t.test('a reader that had the old file open goes on reading it', async t => {
  const directory = t.testdir({ 'a.ics': 'ooo' })
  const seen = new Set<string>()
  let writing = true
  const reading = (async () => {
    while (writing) {
      const bytes = read(`${directory}/a.ics`)?.bytes
      seen.add(bytes === undefined ? 'none' : `${bytes.length} of ${String(bytes[0])}${bytes.every(byte => byte === bytes[0]) ? '' : ' mixed'}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  for (const letter of ['a', 'b', 'c', 'd']) {
    const written = await draft(directory, Buffer.alloc(200_000, letter), nothing, true)
    rename(written.path, `${directory}/a.ics`)
  }
  writing = false
  await reading
  t.notOk([...seen].some(each => each === 'none' || each.endsWith('mixed')), [...seen].join(', '))
})

t.test('attributes are on the draft before anybody sees the file', async t => {
  const directory = t.testdir()
  const written = await draft(directory, Buffer.from('x'), path => { setAttributeSync(path, 'user.test', Buffer.from('kept')) }, false)
  rename(written.path, `${directory}/a.ics`)
  t.equal(getAttributeSync(`${directory}/a.ics`, 'user.test').toString(), 'kept')
})

t.test('a draft that fails leaves nothing behind', async t => {
  const directory = t.testdir({ file: '' })
  await t.rejects(draft(`${directory}/missing`, Buffer.from('x'), nothing, true), { name: 'StoreError', reason: 'missing', message: /write into/ })
  await t.rejects(draft(`${directory}/file`, Buffer.from('x'), nothing, true), { name: 'StoreError', reason: 'missing' })
  await t.rejects(draft(directory, Buffer.from('x'), () => { throw new Error('no attributes today') }, true), { message: 'no attributes today' })
  t.same(readdirSync(directory), ['file'])
  const unused = await draft(directory, Buffer.from('x'), nothing, true)
  discard(unused)
  discard(unused)
  t.same(readdirSync(directory), ['file'], 'discarding twice is discarding once')
  t.throws(() => { rename(`${directory}/missing`, `${directory}/x`) }, { name: 'StoreError', reason: 'missing' })
})

t.test('temporary names are dot names that nothing else uses', async t => {
  const some = new Set(Array.from({ length: 1000 }, () => temporary('/x')))
  t.equal(some.size, 1000)
  for (const one of some) if (!one.startsWith(`/x/${temporaryPrefix}`)) t.fail(one)
  t.ok(temporaryPrefix.startsWith('.'))
})

t.test('a tree is removed with what links point to left alone', async t => {
  const directory = t.testdir({ keep: { 'a.ics': 'x' }, gone: { sub: { 'b.ics': 'y' } } })
  symlinkSync('../keep', `${directory}/gone/link`)
  removeTree(`${directory}/gone`)
  removeTree(`${directory}/gone`)
  t.notOk(existsSync(`${directory}/gone`))
  t.ok(existsSync(`${directory}/keep/a.ics`))
})

t.test('flushing a directory: shared, and harmless where it cannot be', async t => {
  const directory = t.testdir()
  await Promise.all(Array.from({ length: 50 }, async (_, number) => {
    writeFileSync(`${directory}/${number}`, '')
    await flushDirectory(directory)
  }))
  await flushDirectory(`${directory}/missing`)
  await flushDirectory('/proc')
  appendFileSync(`${directory}/0`, 'x')
  await t.rejects(flushDirectory(`${directory}/0/below`), { name: 'StoreError', reason: 'missing' })
  await flushDirectory(directory)
  t.pass('a failure is not remembered')
})

t.test('turns: in order of arrival, one at a time, each with its own failure', async t => {
  const log: string[] = []
  const work = (name: string, milliseconds: number, fails = false) => inTurn('key', async () => {
    log.push(`${name} begins`)
    await sleep(milliseconds)
    log.push(`${name} ends`)
    if (fails) throw new Error(name)
    return name
  })
  const all = await Promise.allSettled([work('a', 20), work('b', 1, true), work('c', 10), inTurn('other', async () => { log.push('other') })])
  t.same(log.filter(line => line !== 'other'), ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  t.ok(log.indexOf('other') < log.indexOf('a ends'), 'other keys do not wait')
  t.match(all, [{ value: 'a' }, { reason: { message: 'b' } }, { value: 'c' }, { status: 'fulfilled' }])
  t.equal(await inTurn('key', async () => 'again'), 'again')
  await t.rejects(inTurn('key', () => { throw new Error('at once') }), { message: 'at once' })
})
