import { getAttributeSync, removeAttributeSync, setAttributeSync } from 'fs-xattr'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import t from 'tap'
import * as attribute from '../../store/attribute.js'
import { forgetMember, hasProperties, heal, isMirrored, mirrored, properties, setProperties } from '../../store/property.js'
import { readSidecar, sidecarName, sidecarText } from '../../store/sidecar.js'
import { mounted } from './shelf.js'

const name = '{DAV:}displayname'
const colour = '{http://apple.com/ns/ical/}calendar-color'
const order = '{http://apple.com/ns/ical/}calendar-order'
const xml = (text: string) => `<displayname xmlns="DAV:">${text}</displayname>`
/** 20 KB that zlib makes no smaller than 10 KB. */
const large = xml(randomBytes(10_000).toString('hex'))
const set = (...pairs: [string, string | undefined][]) => new Map(pairs)
const sidecar = (directory: string) => JSON.parse(readFileSync(`${directory}/${sidecarName}`, 'utf8')) as { collection: Record<string, string>, members?: Record<string, Record<string, string>>, only?: string[] }
/** Strips all attributes, as a plain copy does. */
const strip = (path: string) => { for (const each of attribute.names(path)) attribute.remove(path, each) }

t.test('a property is in the attribute and, readable, in the sidecar', async t => {
  const directory = t.testdir({ 'a.ics': 'x' })
  await setProperties(directory, '', set([name, xml('Work')]))
  await setProperties(directory, 'a.ics', set([colour, `<?xml version="1.0"?>\n${xml('#fff')}\n`]))
  t.same(properties(directory, ''), new Map([[name, xml('Work')]]))
  t.equal(inflateSync(getAttributeSync(directory, 'user.{DAV:}displayname')).toString(), xml('Work'))
  t.match(sidecar(directory), { collection: { [name]: xml('Work') }, members: { 'a.ics': { [colour]: xml('#fff') } } })
  t.match(readFileSync(`${directory}/${sidecarName}`, 'utf8'), /^\{\n {2}"about": ".*",\n {2}"collection": \{\n/, 'for people')
  t.ok(hasProperties(directory, 'a.ics'))
  t.ok(isMirrored(directory, 'a.ics'))
  t.same(mirrored(directory), ['a.ics'])
  t.same(readdirSync(directory).sort(), [sidecarName, 'a.ics'], 'no draft is left')
})

t.test('setting nothing, removing what is not there, removing the last one', async t => {
  const directory = t.testdir({ 'a.ics': 'x' })
  await setProperties(directory, '', set())
  await setProperties(directory, 'a.ics', set([name, undefined]))
  t.notOk(existsSync(`${directory}/${sidecarName}`), 'a sidecar is made when there is something to keep')
  t.notOk(hasProperties(directory, 'a.ics'))
  await setProperties(directory, 'a.ics', set([name, xml('x')]))
  await setProperties(directory, 'a.ics', set([name, undefined]))
  t.same(properties(directory, 'a.ics'), new Map())
  t.same(mirrored(directory), [])
  await t.rejects(setProperties(directory, 'missing.ics', set([name, xml('x')])), { name: 'StoreError', reason: 'missing' })
  t.same(mirrored(directory), [], 'nothing is kept for a file that is not there')
})

t.test('20 KB on ext4 live in the sidecar alone, and survive', async t => {
  const directory = t.testdir({ 'a.ics': 'x' })
  await setProperties(directory, 'a.ics', set([name, xml('small')], [colour, xml('#fff')]))
  await setProperties(directory, 'a.ics', set([name, large]))
  const held = attribute.names(`${directory}/a.ics`)
  if (held.includes(name)) return t.pass('skipped', { skip: 'this file system has room for 20 KB in an attribute' })
  t.same(held, [colour], 'the small former value does not stay behind')
  t.same(sidecar(directory).only, [`a.ics ${name}`])
  t.equal(properties(directory, 'a.ics').get(name), large)
  await heal(directory, ['', 'a.ics'])
  t.equal(properties(directory, 'a.ics').get(name), large, 'healing keeps it')
  await setProperties(directory, 'a.ics', set([order, xml('1')]))
  t.same(properties(directory, 'a.ics'), new Map([[name, large], [colour, xml('#fff')], [order, xml('1')]]), 'another property leaves it')
  await setProperties(directory, 'a.ics', set([name, xml('small again')]))
  t.equal(sidecar(directory).only, undefined)
  t.same(attribute.names(`${directory}/a.ics`).sort(), [name, colour, order].sort())
})

t.test('a value that is refused everywhere leaves the old one, and everything else', async t => {
  const directory = t.testdir({ 'a.ics': 'x' })
  const before = set([name, xml('old')], [colour, xml('#fff')])
  await setProperties(directory, 'a.ics', before)
  // the sidecar cannot be written over a directory
  const text = readFileSync(`${directory}/${sidecarName}`)
  rmSync(`${directory}/${sidecarName}`)
  mkdirSync(`${directory}/${sidecarName}`)
  await t.rejects(setProperties(directory, 'a.ics', set([name, xml('new')], [colour, undefined], [order, xml('1')], ['{x:}large', large])), { name: 'StoreError' })
  t.same(attribute.list(`${directory}/a.ics`), before, 'all or nothing')
  await t.rejects(setProperties(directory, 'a.ics', set([name, large])), { name: 'StoreError' })
  t.same(attribute.list(`${directory}/a.ics`), before)
  rmSync(`${directory}/${sidecarName}`, { recursive: true })
  writeFileSync(`${directory}/${sidecarName}`, text)
  await setProperties(directory, 'a.ics', set([name, xml('new')]))
  t.equal(properties(directory, 'a.ics').get(name), xml('new'), 'works again')
  t.same(readdirSync(directory).sort(), [sidecarName, 'a.ics'], 'no draft is left')
})

t.test('a copy that drops attributes gets them back', async t => {
  const root = t.testdir({ work: { 'a.ics': 'x', 'b.ics': 'y' } })
  await setProperties(`${root}/work`, '', set([name, xml('Work')], [colour, xml('#fff')]))
  await setProperties(`${root}/work`, 'a.ics', set([name, xml('a')], [order, large]))
  cpSync(`${root}/work`, `${root}/copy`, { recursive: true })
  strip(`${root}/copy`)
  strip(`${root}/copy/a.ics`)
  t.same(properties(`${root}/copy`, ''), new Map([[name, xml('Work')], [colour, xml('#fff')]]), 'even before it is healed')
  t.equal(await heal(`${root}/copy`, ['', 'a.ics', 'b.ics']), true)
  t.same(attribute.list(`${root}/copy`), new Map([[name, xml('Work')], [colour, xml('#fff')]]))
  t.equal(attribute.list(`${root}/copy/a.ics`).get(name), xml('a'))
  t.equal(properties(`${root}/copy`, 'a.ics').get(order), large)
  t.same(attribute.names(`${root}/copy/b.ics`), [])
  const { ino } = statSync(`${root}/copy/${sidecarName}`)
  t.equal(await heal(`${root}/copy`, ['', 'a.ics', 'b.ics']), false)
  t.equal(statSync(`${root}/copy/${sidecarName}`).ino, ino, 'what agrees is not written')
})

t.test('a property that was set on a stripped file restores the others first', async t => {
  const directory = t.testdir({ 'a.ics': 'x' })
  await setProperties(directory, 'a.ics', set([name, xml('a')], [colour, xml('#fff')]))
  strip(`${directory}/a.ics`)
  await setProperties(directory, 'a.ics', set([order, xml('1')], [colour, undefined]))
  t.same(attribute.list(`${directory}/a.ics`), new Map([[name, xml('a')], [order, xml('1')]]))
  t.same(sidecar(directory).members, { 'a.ics': { [name]: xml('a'), [order]: xml('1') } })
})

t.test('the sidecar follows attributes that were changed with other tools', async t => {
  const directory = t.testdir({ 'a.ics': 'x', 'b.ics': 'y' })
  await setProperties(directory, '', set([name, xml('Work')], [colour, xml('#fff')]))
  setAttributeSync(directory, 'user.{DAV:}displayname', Buffer.from(xml('by setfattr')))
  removeAttributeSync(directory, 'user.{http:%2F%2Fapple.com%2Fns%2Fical%2F}calendar-color')
  setAttributeSync(`${directory}/b.ics`, 'user.{DAV:}displayname', Buffer.from(xml('new')))
  await heal(directory, ['', 'a.ics', 'b.ics'])
  t.same(sidecar(directory).collection, { [name]: xml('by setfattr') })
  t.same(sidecar(directory).members, { 'b.ics': { [name]: xml('new') } })
})

t.test('healing forgets files that are gone, and nothing of a file that has just come', async t => {
  const directory = t.testdir({ my: 'x', 'my event.ics': 'y', 'gone.ics': 'z' })
  await setProperties(directory, 'my', set([name, large]))
  await setProperties(directory, 'my event.ics', set([name, large], [colour, xml('#fff')]))
  await setProperties(directory, 'gone.ics', set([name, large]))
  rmSync(`${directory}/my`)
  rmSync(`${directory}/gone.ics`)
  await heal(directory, ['', ...mirrored(directory)])
  t.same(mirrored(directory), ['my event.ics'])
  t.same(sidecar(directory).only, [`my event.ics ${name}`], 'names that begin alike are not mixed up')
  t.equal(properties(directory, 'my event.ics').get(name), large)
})

t.test('a file that goes takes its line along, one that is there again keeps it', async t => {
  const directory = t.testdir({ 'a.ics': 'x', 'b.ics': 'y' })
  await setProperties(directory, 'a.ics', set([name, large]))
  await setProperties(directory, 'b.ics', set([name, xml('b')]))
  t.equal(await forgetMember(directory, 'a.ics', () => { rmSync(`${directory}/a.ics`); return 7 }), 7)
  t.same(mirrored(directory), ['b.ics'])
  t.equal(sidecar(directory).only, undefined)
  await forgetMember(directory, 'b.ics', () => {})
  t.same(mirrored(directory), ['b.ics'])
  await t.rejects(forgetMember(directory, 'b.ics', () => { throw new Error('no') }), { message: 'no' })
  // properties of the next file of that name wait until the line of the last one is gone
  const removing = forgetMember(directory, 'b.ics', () => { rmSync(`${directory}/b.ics`) })
  const next = removing.then(() => { writeFileSync(`${directory}/b.ics`, 'new') })
  await Promise.all([removing, next])
  await setProperties(directory, 'b.ics', set([colour, xml('#000')]))
  t.same(properties(directory, 'b.ics'), new Map([[colour, xml('#000')]]))
})

t.test('a damaged sidecar is none, and is written anew', async t => {
  const texts: Record<string, string | Buffer> = {
    empty: '', garbage: randomBytes(200), 'half of it': '{"about": "x", "coll', 'a number': '5', null: 'null', list: '[1, 2]', string: '"x"',
    'wrong types': '{"collection": [1], "members": {"a.ics": 5, "b.ics": {"{DAV:}x": 6}}, "only": {"a": 1}}',
    'names that are none': '{"collection": {"displayname": "<a/>", "{DAV:}": "<a/>", "{DAV:}a b": "<a/>", "{D}V:}x": "<a/>"}}',
    'names of objects': '{"collection": {"__proto__": {"a": "b"}}, "members": {"__proto__": {"{DAV:}x": "<x/>"}, "constructor": null}}'
  }
  for (const [why, text] of Object.entries(texts)) {
    const directory = t.testdir({ [why.replaceAll(' ', '-')]: { 'a.ics': 'x' } }) + '/' + why.replaceAll(' ', '-')
    await setProperties(directory, 'a.ics', set([name, xml('a')]))
    writeFileSync(`${directory}/${sidecarName}`, text)
    t.same(properties(directory, ''), new Map(), why)
    t.same(properties(directory, 'a.ics'), new Map([[name, xml('a')]]), `${why}: attributes are the truth`)
    await heal(directory, ['', 'a.ics'])
    t.same(sidecar(directory).members?.['a.ics'], { [name]: xml('a') }, why)
  }
  const directory = t.testdir({ 'a.ics': 'x', elsewhere: '{"collection": {"{DAV:}displayname": "<a/>"}}' })
  symlinkSync('elsewhere', `${directory}/${sidecarName}`)
  t.same(properties(directory, ''), new Map(), 'a link is not followed')
})

t.test('a sidecar that is edited is read again', async t => {
  const directory = t.testdir({ [sidecarName]: '{"collection": {"{DAV:}displayname": "<a/>"}}' })
  t.equal(readSidecar(directory).collection.get(name), '<a/>')
  t.equal(readSidecar(directory), readSidecar(directory), 'not when it was not')
  writeFileSync(`${directory}/${sidecarName}`, '{"collection": {"{DAV:}displayname": "<bbb/>"}}')
  utimesSync(`${directory}/${sidecarName}`, 1, 1)
  t.equal(readSidecar(directory).collection.get(name), '<bbb/>')
  rmSync(`${directory}/${sidecarName}`)
  t.equal(readSidecar(directory).collection.size, 0)
})

t.test('equal properties give equal bytes', async t => {
  const one = { collection: new Map([['{b}b', '<b/>'], ['{a}a', '<?xml version="1.0"?><a/>\n']]), members: new Map([['z', new Map([['{a}a', '<a/>']])], ['__proto__', new Map([['{a}a', '<a/>']])]]), only: new Set(['z {a}a', 'b']) }
  const two = { collection: new Map([...one.collection].reverse()), members: new Map([...one.members].reverse()), only: new Set([...one.only].reverse()) }
  t.equal(sidecarText(one), sidecarText(two))
  t.ok(JSON.parse(sidecarText(one) ?? '').members['__proto__'], 'a file may be called anything')
  t.equal(sidecarText({ collection: new Map(), members: new Map(), only: new Set() }), undefined)
})

t.test('properties of many files are set at once without losing any', async t => {
  const directory = t.testdir(Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`${number}.ics`, 'x'])))
  await Promise.all(Array.from({ length: 30 }, async (_, number) => {
    await setProperties(directory, `${number}.ics`, set([name, xml(String(number))]))
    if (number % 3 === 0) await heal(directory, ['', ...mirrored(directory)])
  }))
  t.equal(mirrored(directory).length, 30)
  for (let number = 0; number < 30; number++) t.equal(sidecar(directory).members?.[`${number}.ics`]?.[name], xml(String(number)))
})

t.test('thousands of files with properties are healed in reasonable time, and others may work in between', async t => {
  const directory = t.testdir()
  const members = Object.fromEntries(Array.from({ length: 3000 }, (_, number) => [`${number}.ics`, { [name]: xml('x') }]))
  for (const member of Object.keys(members)) writeFileSync(`${directory}/${member}`, '')
  writeFileSync(`${directory}/${sidecarName}`, JSON.stringify({ collection: {}, members }))
  let turns = 0
  const counter = setInterval(() => { turns++ }, 1)
  const start = performance.now()
  t.equal(await heal(directory, ['', ...mirrored(directory)]), true)
  clearInterval(counter)
  t.ok(performance.now() - start < 1500, `${Math.round(performance.now() - start)} ms`)
  t.ok(turns > 2, `${turns} turns of others`)
  t.equal(attribute.list(`${directory}/2999.ics`).get(name), xml('x'))
})

t.test('without attributes the sidecar holds everything', async t => {
  const bare = mounted(t, '-t ramfs')
  if ('problem' in bare) return t.pass('skipped', { skip: bare.problem })
  const directory = bare.path
  writeFileSync(`${directory}/a.ics`, 'x')
  await setProperties(directory, '', set([name, xml('Work')]))
  await setProperties(directory, 'a.ics', set([name, xml('a')], [order, large]))
  await setProperties(directory, 'a.ics', set([colour, xml('#fff')]))
  t.same(properties(directory, 'a.ics'), new Map([[name, xml('a')], [order, large], [colour, xml('#fff')]]))
  t.equal(await heal(directory, ['', 'a.ics']), false)
  t.equal(properties(directory, 'a.ics').size, 3)
  t.equal(properties(directory, '').get(name), xml('Work'))
  await setProperties(directory, 'a.ics', set([name, undefined], [order, undefined], [colour, undefined]))
  t.same(mirrored(directory), [])
  rmSync(`${directory}/${sidecarName}`)
  rmSync(`${directory}/a.ics`)
})
