import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { etagOf, stampOf } from '../../../store/etag.js'
import { changesSince, revision } from '../../../store/index/journal.js'
import { openIndex } from '../../../store/index/open.js'
import { body, ofComponent, overlapping, withUid } from '../../../store/index/search.js'
import { forgetOthers, isCurrent, learn, memberRow, removeMember, updateMember, type Place } from '../../../store/index/update.js'
import { describe, object } from '../shelf.js'

/** An index of one directory, and how often its files were described. */
function place (t: Test): Place & { readonly described: { count: number }, readonly write: (name: string, text: string | Buffer) => void } {
  const root = t.testdir({ work: {} })
  const index = openIndex(`${root}/a.sqlite`)
  t.teardown(() => { index.close() })
  index.run("INSERT INTO collection (id, path, attributes, revision, changed) VALUES (1, 'work', '', 1, 1)")
  const described = { count: 0 }
  const directory = `${root}/work`
  return {
    index, collection: 1, directory, described,
    describe: (bytes, replaces) => {
      described.count++
      return describe(bytes, replaces)
    },
    write: (name, text) => { writeFileSync(`${directory}/${name}`, text) }
  }
}

const day = 86_400
const always = { start: -Infinity, end: Infinity }

t.test('a file is read when it has changed, and only then', async t => {
  const here = place(t)
  here.write('a.ics', object('a'))
  await sleep(30)
  t.equal(updateMember(here, 'a.ics'), true)
  t.match(memberRow(here, 'a.ics'), { name: 'a.ics', uid: 'a', component: 'VEVENT', etag: etagOf(object('a')), problem: '', size: 6, attributed: 0, revision: 2 })
  t.equal(updateMember(here, 'a.ics'), false)
  t.equal(here.described.count, 1)
  utimesSync(`${here.directory}/a.ics`, 5, 5)
  t.equal(updateMember(here, 'a.ics'), false, 'touched')
  t.equal(here.described.count, 1, 'the same bytes are not described again')
  t.equal(memberRow(here, 'a.ics')?.modified, 5000)
  here.write('a.ics', object('b'))
  t.equal(updateMember(here, 'a.ics'), true)
  t.match(memberRow(here, 'a.ics'), { uid: 'b', revision: 3 })
  t.same(body(here.index, memberRow(here, 'a.ics')?.id ?? 0), object('b'))
  t.equal(here.index.get<{ changed: number }>('SELECT changed FROM collection')?.changed, 3)
})

t.test('whether a row still speaks of a file', async t => {
  const here = place(t)
  here.write('a.ics', object('a'))
  updateMember(here, 'a.ics')
  const stats = statSync(`${here.directory}/a.ics`)
  const row = memberRow(here, 'a.ics') ?? t.fail() as never
  t.equal(isCurrent({ ...row, checked: stats.ctimeMs + 5 }, stats), false, 'read within a tick of its change')
  t.equal(isCurrent({ ...row, checked: stats.ctimeMs + 50 }, stats), true)
  t.equal(isCurrent({ ...row, checked: stats.ctimeMs + 50, stamp: 'x' }, stats), false)
})

t.test('gone: a deletion when it was served, nothing when it never was', async t => {
  const here = place(t)
  t.equal(updateMember(here, 'a.ics'), false)
  t.equal(removeMember(here, 'a.ics'), false)
  here.write('a.ics', object('a'))
  here.write('bad.ics', 'bad')
  t.equal(updateMember(here, 'a.ics'), true)
  t.equal(updateMember(here, 'bad.ics'), false)
  t.match(memberRow(here, 'bad.ics'), { etag: '', problem: 'line 1: expected a UID', revision: 0 })
  t.equal(here.index.get<{ members: number }>('SELECT members FROM collection')?.members, 2)
  for (const name of ['a.ics', 'bad.ics']) rmSync(`${here.directory}/${name}`)
  t.equal(updateMember(here, 'a.ics'), true)
  t.equal(updateMember(here, 'bad.ics'), false)
  t.same(changesSince(here.index, 1, 0, -1), [{ name: 'a.ics', gone: true, revision: 3 }])
  t.equal(here.index.get<{ members: number }>('SELECT members FROM collection')?.members, 0)
  for (const table of ['member', 'body', 'span', 'wide']) t.equal(here.index.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count, 0, table)
  here.write('a.ics', object('a'))
  updateMember(here, 'a.ics')
  t.same(changesSince(here.index, 1, 0, -1).map(({ gone }) => gone), [false], 'a name is there or gone, never both')
  for (const make of [(path: string) => { mkdirSync(path) }, (path: string) => { symlinkSync('/etc/passwd', path) }]) {
    rmSync(`${here.directory}/a.ics`, { recursive: true })
    make(`${here.directory}/a.ics`)
    updateMember(here, 'a.ics')
    t.equal(memberRow(here, 'a.ics'), undefined, 'something else in its place')
  }
})

t.test('broken: everything of the last good version stays, the revision too', async t => {
  const here = place(t)
  here.write('a.ics', object('a', 'span 100 200\n'))
  updateMember(here, 'a.ics')
  const good = memberRow(here, 'a.ics')
  here.write('a.ics', 'uid 1\nuid 2\n')
  t.equal(updateMember(here, 'a.ics'), false)
  t.match(memberRow(here, 'a.ics'), { etag: good?.etag, uid: 'a', size: good?.size, modified: good?.modified, revision: good?.revision, problem: '2 UIDs: 1, 2' })
  t.equal(overlapping(here.index, 1, { start: 150, end: 160 }, always).length, 1)
  t.equal(revision(here.index), 2)
  t.equal(here.described.count, 2)
  await sleep(30)
  updateMember(here, 'a.ics')
  updateMember(here, 'a.ics')
  t.equal(here.described.count, 3, 'a broken file is not read again and again')
  here.write('a.ics', object('a', 'span 100 200\n'))
  t.equal(updateMember(here, 'a.ics'), false, 'mended')
  t.match(memberRow(here, 'a.ics'), { problem: '', revision: good?.revision })
})

t.test('facts that the caller has are believed', async t => {
  const here = place(t)
  here.write('a.ics', 'anything')
  const stats = statSync(`${here.directory}/a.ics`)
  t.equal(learn(here, 'a.ics', undefined, Buffer.from('anything'), stats, Date.now(), { uid: 'u', component: 'VTODO', spans: [] }), true)
  t.match(memberRow(here, 'a.ics'), { uid: 'u', component: 'VTODO', stamp: stampOf(stats) })
  t.equal(here.described.count, 0)
})

t.test('plain files have an ETag and no content in the index', async t => {
  const { describe: _, ...rest } = place(t)
  const here: Place & Pick<typeof rest, 'write'> = { ...rest, describe: undefined }
  here.write('notes.txt', 'no object')
  t.equal(updateMember(here, 'notes.txt'), true)
  t.match(memberRow(here, 'notes.txt'), { etag: etagOf(Buffer.from('no object')), uid: '', component: '', size: 9 })
  t.equal(body(here.index, memberRow(here, 'notes.txt')?.id ?? 0), undefined)
  forgetOthers(here.index, 1, false)
  t.ok(memberRow(here, 'notes.txt'))
  forgetOthers(here.index, 1, true)
  t.equal(memberRow(here, 'notes.txt'), undefined)
})

t.test('a file that was moved over another', async t => {
  const here = place(t)
  here.write('a.ics', object('a', 'span 1 2\n'))
  here.write('b.ics', object('b', 'span 3 4\n'))
  updateMember(here, 'a.ics')
  updateMember(here, 'b.ics')
  renameSync(`${here.directory}/a.ics`, `${here.directory}/b.ics`)
  t.equal(updateMember(here, 'b.ics'), true)
  t.equal(updateMember(here, 'a.ics'), true)
  t.equal(memberRow(here, 'b.ics')?.uid, 'a')
  t.same(overlapping(here.index, 1, { start: 0, end: 10 }, always).map(({ row }) => row.name), ['b.ics'])
  t.same(readFileSync(`${here.directory}/b.ics`), object('a', 'span 1 2\n'))
})

t.test('searching by time: never too few', async t => {
  const here = place(t)
  const objects: Record<string, string> = {
    'short.ics': 'span 1000 2000\n',
    'moment.ics': 'span 1500 1500\n',
    'month.ics': `span 0 ${31 * day}\n`,
    'long.ics': `span 0 ${100 * day}\n`,
    'exactly.ics': `span 0 ${32 * day}\n`,
    'series.ics': 'span 500 8640000000000 bounds\n',
    'many.ics': Array.from({ length: 32 }, (_, number) => `span ${number * day + 1000} ${number * day + 2000}\n`).join(''),
    'floating.ics': 'span 1000 2000 floating\n',
    'both.ics': 'span 1000 2000\nspan 0 100000 bounds\n',
    'whenever.ics': 'span -8640000000000 8640000000000 bounds\n',
    'never.ics': ''
  }
  for (const [name, text] of Object.entries(objects)) {
    here.write(name, object(name, text))
    updateMember(here, name)
  }
  const found = (start: number, end: number, floating = { start: 1e9, end: 1e9 }) =>
    overlapping(here.index, 1, { start, end }, floating).map(({ row, sure }) => `${row.name.replace('.ics', '')}${sure ? '' : '?'}`).sort().join(' ')
  const allDay = 'exactly long month series? whenever?'
  t.equal(found(1900, 1950), `both ${'exactly long many month series? short whenever?'}`)
  t.equal(found(2000, 2001), `both? ${allDay}`, 'the end is outside')
  t.equal(found(900, 1000), `both? ${allDay}`, 'the end of the window is outside')
  t.equal(found(999, 1001), 'both exactly long many month series? short whenever?')
  t.equal(found(1500, 1501), 'both exactly long many moment month series? short whenever?', 'without length, at the start')
  t.equal(found(1499, 1500), 'both exactly long many month series? short whenever?', 'without length, at the end')
  t.equal(found(31 * day - 1, 31 * day), 'exactly long month series? whenever?', 'the last second of the longest short one')
  t.equal(found(40 * day, 41 * day), 'long series? whenever?')
  t.equal(found(-Infinity, Infinity), 'both exactly long many moment month series? short whenever?')
  t.equal(found(-Infinity, 0), 'whenever?')
  t.equal(found(3e12, Infinity), 'series? whenever?')
  t.equal(found(-1e12, -1e11, { start: 1500, end: 1600 }), 'floating whenever?', 'floating times by the wall clock')
  t.equal(found(1500, 1600, { start: 0, end: 1000 }).includes('floating'), false)
  t.same(overlapping(here.index, 2, always, always), [], 'of another collection')
  const names = overlapping(here.index, 1, always, always).map(({ row }) => row.name)
  t.same(names, [...names].sort(), 'by name, each once')
  t.equal(new Set(names).size, names.length)
})

t.test('searching by time agrees with looking at everything', async t => {
  const here = place(t)
  let seed = 7
  const random = (most: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed % most
  }
  const spans: { name: string, start: number, end: number }[] = []
  here.index.transaction(() => {
    for (let number = 0; number < 300; number++) {
      const start = random(200 * day)
      const end = start + (random(4) === 0 ? 0 : random(random(3) === 0 ? 60 * day : day))
      const name = `${number}.ics`
      spans.push({ name, start, end })
      here.write(name, object(name, `span ${start} ${end}\n`))
      updateMember(here, name)
    }
  })
  for (let number = 0; number < 200; number++) {
    const start = random(200 * day)
    const end = start + 1 + random(random(2) === 0 ? day : 50 * day)
    // RFC 4791 9.9
    const expected = spans.filter(span => span.start < end && (span.end > start || (span.start === span.end && span.start >= start))).map(({ name }) => name).sort()
    const found = overlapping(here.index, 1, { start, end }, { start: 0, end: 0 }).map(({ row }) => row.name)
    if (found.join() !== expected.join()) t.same(found, expected, `${start} to ${end}`)
  }
  t.pass('200 windows')
})

t.test('searching by component and by UID', async t => {
  const here = place(t)
  here.write('b.ics', object('b'))
  here.write('a.ics', object('a', 'todo\n'))
  here.write('bad.ics', 'bad')
  for (const name of ['b.ics', 'a.ics', 'bad.ics']) updateMember(here, name)
  const names = (component: string | undefined) => ofComponent(here.index, 1, component).map(({ row, sure }) => [row.name, sure])
  t.same(names(undefined), [['a.ics', false], ['b.ics', false]])
  t.same(names('VTODO'), [['a.ics', false]])
  t.same(names('VJOURNAL'), [])
  t.equal(withUid(here.index, 1, 'a'), 'a.ics')
  t.equal(withUid(here.index, 1, 'A'), undefined, 'case counts')
  t.equal(withUid(here.index, 1, ''), undefined, 'what cannot be served has no UID')
  t.equal(withUid(here.index, 2, 'a'), undefined)
})
