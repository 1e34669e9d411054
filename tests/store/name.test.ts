import { lstatSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { codeOf, StoreError, translated } from '../../store/error.js'
import { etagOf, isRacy, stampOf } from '../../store/etag.js'
import { fileName, isIgnored, otherSpelling } from '../../store/name.js'

t.test('a name that cannot be a file of ours is refused', async t => {
  for (const [why, segment] of Object.entries({
    empty: '', dot: '.', 'two dots': '..', 'leading dot': '.ics', 'our own': '.tmp-abc', slash: 'a/b.ics', 'slash first': '/etc', NUL: 'a\0.ics', 'line feed': 'a\n.ics', DEL: 'a\x7f',
    'a lone surrogate': 'a\ud800.ics', 'surrogates in the wrong order': '\udc00\ud83d.ics',
    '256 bytes': 'a'.repeat(252) + '.ics', '256 bytes of umlauts': 'ä'.repeat(126) + '.ics', 'far too long': 'x'.repeat(100_000),
    'backup of emacs': 'a.ics~', 'auto-save of emacs': '#a.ics#', 'swap of vim': 'a.ics.swp', 'swap of vim, second': 'a.SWO', 'half a download': 'a.ics.part', rollback: 'a.ics.rollback'
  })) {
    t.throws(() => fileName(segment), { name: 'StoreError', reason: 'bad-name', message: /^the name "/ }, why)
  }
})

t.test('every other name is taken as it is', async t => {
  const names = ['a.ics', 'A b+c&d=é.ics', '日程.ics', '🎂.ics', 'a'.repeat(251) + '.ics', 'ä'.repeat(125) + 'a.ics', 'no extension', 'a.', 'a..ics', '-rf', 'x.ics#', 'swp', '__proto__', 'a%2Fb.ics', 'a\\b', 'cafe\u0301.ics']
  const directory = t.testdir()
  for (const name of names) {
    t.equal(fileName(name), name)
    writeFileSync(`${directory}/${name}`, '')
  }
})

t.test('what editors and copying tools leave beside a file is ignored, events never', async t => {
  for (const name of ['.DS_Store', '.properties.json', '.a.ics.Ab3dEf', '.#a.ics', 'a.ics~', '#a.ics#', 'a.ics.swp', 'a.tmp', 'a.ics.bak', 'a.orig', 'a.rej', 'a.crdownload', 'a.partial']) t.ok(isIgnored(name), name)
  for (const name of ['a.ics', '~a.ics', '#a.ics', 'a.tmp.ics', 'a.bak.ics', 'swp.ics', 'tmp', '4913']) t.notOk(isIgnored(name), name)
})

t.test('a name has at most one other Unicode spelling', async t => {
  t.equal(otherSpelling('caf\u00e9.ics'), 'cafe\u0301.ics')
  t.equal(otherSpelling('cafe\u0301.ics'), 'caf\u00e9.ics')
  t.equal(otherSpelling('cafe.ics'), undefined)
  t.equal(otherSpelling('日程.ics'), undefined)
})

t.test('the ETag is of the bytes alone', async t => {
  t.equal(etagOf(Buffer.from('a')), etagOf(new Uint8Array([97])))
  t.not(etagOf(Buffer.from('a')), etagOf(Buffer.from('b')))
  t.not(etagOf(Buffer.from('a')), etagOf(Buffer.from('a\n')))
})

t.test('a stamp changes with the inode, the size and both times', async t => {
  const path = `${t.testdir()}/a`
  writeFileSync(path, 'one')
  utimesSync(path, 1, 1_000_000_000)
  const first = stampOf(lstatSync(path))
  t.equal(stampOf(lstatSync(path)), first, 'reading changes nothing')
  utimesSync(path, 1, 1_000_000_001)
  t.not(stampOf(lstatSync(path)), first, 'mtime')
  writeFileSync(`${path}.new`, 'one')
  utimesSync(`${path}.new`, 1, 1_000_000_000)
  renameSync(`${path}.new`, path)
  t.not(stampOf(lstatSync(path)), first, 'the same bytes and mtime under another inode')
})

t.test('a stamp that was taken within a tick of the change is not to be trusted', async t => {
  const path = `${t.testdir()}/a`
  writeFileSync(path, 'one')
  const stats = lstatSync(path)
  t.equal(isRacy(stats, stats.ctimeMs), true)
  t.equal(isRacy(stats, stats.ctimeMs + 10), true)
  t.equal(isRacy(stats, stats.ctimeMs - 60_000), true, 'a clock that went backwards')
  t.equal(isRacy(stats, stats.ctimeMs + 21), false)
})

t.test('an error of the system says what it means for a store', async t => {
  const directory = t.testdir({ file: '' })
  const thrown = (work: () => void): unknown => {
    try {
      work()
    } catch (error) {
      return translated(error, 'do it')
    }
    return undefined
  }
  t.match(thrown(() => mkdirSync(`${directory}/a/b`)), { name: 'StoreError', reason: 'missing', message: /^cannot do it: ENOENT/ })
  t.match(thrown(() => mkdirSync(`${directory}/file/b`)), { name: 'StoreError', reason: 'missing' })
  t.match(thrown(() => mkdirSync(`${directory}/file`)), { name: 'StoreError', reason: 'exists' })
  t.match(thrown(() => mkdirSync(`${directory}/${'x'.repeat(256)}`)), { name: 'StoreError', reason: 'bad-name' })
  const other = new Error('no code')
  t.equal(translated(other, 'do it'), other)
  t.equal(codeOf('text'), undefined)
  t.equal(codeOf(Object.assign(new Error(''), { code: 5 })), undefined)
  const cause = new Error('why')
  t.equal(new StoreError('full', 'x', { cause }).cause, cause)
})
