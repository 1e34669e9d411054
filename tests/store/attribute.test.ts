import { getAttributeSync, listAttributesSync, setAttributeSync } from 'fs-xattr'
import { deflateSync, inflateSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import * as attribute from '../../store/attribute.js'
import { mounted } from './shelf.js'

const displayname = '{DAV:}displayname'
const colour = '{http://apple.com/ns/ical/}calendar-color'
const prefix = process.platform === 'linux' ? 'user.' : 'WebDAV:'
const xml = (text: string) => `<?xml version='1.0' encoding='UTF-8'?>\r\n<displayname xmlns='DAV:'>${text}</displayname>`

function fileIn (t: Test): string {
  const path = `${t.testdir()}/a.ics`
  writeFileSync(path, 'x')
  return path
}

t.test('a property is an attribute in the encoding of Apple', async t => {
  const path = fileIn(t)
  t.equal(attribute.set(path, displayname, xml('Work')), true)
  t.equal(attribute.set(path, colour, xml('#FF0000FF')), true)
  t.same(listAttributesSync(path).sort(), [`${prefix}{DAV:}displayname`, `${prefix}{http:%2F%2Fapple.com%2Fns%2Fical%2F}calendar-color`])
  t.equal(inflateSync(getAttributeSync(path, `${prefix}{DAV:}displayname`)).toString(), xml('Work'))
  t.same([...attribute.list(path)].sort(), [[displayname, xml('Work')], [colour, xml('#FF0000FF')]])
  t.same(attribute.names(path).sort(), [displayname, colour])
})

t.test('all spellings of Apple are read, what is not ours is left alone', async t => {
  const path = fileIn(t)
  setAttributeSync(path, 'user.WebDAV:{DAV:}displayname', deflateSync(Buffer.from(xml('from a Mac'))))
  setAttributeSync(path, 'user.{DAV:}plain', Buffer.from(xml('plain')))
  setAttributeSync(path, 'user.{DAV:}broken', Buffer.from([1, 2, 3]))
  setAttributeSync(path, 'user.{DAV:}empty', Buffer.alloc(0))
  setAttributeSync(path, 'user.mime_type', Buffer.from('text/calendar'))
  t.same(attribute.list(path), new Map([[displayname, xml('from a Mac')], ['{DAV:}plain', xml('plain')]]))
  attribute.remove(path, displayname)
  attribute.remove(path, '{DAV:}never-there')
  t.same(attribute.list(path), new Map([['{DAV:}plain', xml('plain')]]), 'removed under every spelling')
  t.ok(listAttributesSync(path).includes('user.mime_type'))
})

t.test('a property in two spellings has one value, and setting it leaves one', async t => {
  const path = fileIn(t)
  setAttributeSync(path, 'user.WebDAV:{DAV:}displayname', deflateSync(Buffer.from(xml('old'))))
  attribute.set(path, displayname, xml('new'))
  t.same(attribute.list(path), new Map([[displayname, xml('new')]]))
})

t.test('what does not fit is refused and the former value stays', async t => {
  const path = fileIn(t)
  attribute.set(path, displayname, xml('old'))
  t.equal(attribute.set(path, displayname, xml(randomBytes(70_000).toString('hex'))), false, 'E2BIG everywhere')
  t.equal(attribute.set(path, `{${'u'.repeat(300)}}x`, xml('x')), false, 'the name is too long')
  t.same(attribute.list(path), new Map([[displayname, xml('old')]]))
})

t.test('what is missing has no properties; what is refused says so', async t => {
  const directory = t.testdir()
  t.same(attribute.list(`${directory}/missing`), new Map())
  t.same(attribute.names(`${directory}/missing`), [])
  attribute.remove(`${directory}/missing`, displayname)
  attribute.copy(`${directory}/missing`, directory)
  t.throws(() => attribute.set(`${directory}/missing`, displayname, xml('x')), { name: 'StoreError', reason: 'missing' })
  t.equal(attribute.supported(directory), true)
  t.throws(() => attribute.supported(`${directory}/missing`), { name: 'StoreError' })
})

t.test('a file system without attributes', async t => {
  const bare = mounted(t, '-t ramfs')
  if ('problem' in bare) return t.pass('skipped', { skip: bare.problem })
  const path = `${bare.path}/a.ics`
  writeFileSync(path, 'x')
  t.equal(attribute.supported(bare.path), false)
  t.equal(attribute.set(path, displayname, xml('x')), false)
  t.same(attribute.list(path), new Map())
  attribute.remove(path, displayname)
  const other = fileIn(t)
  attribute.set(other, displayname, xml('x'))
  t.same(attribute.copy(other, path), [])
  t.same(attribute.copy(path, other), [])
})

t.test('copying takes every attribute along, ours or not', async t => {
  const from = fileIn(t)
  const to = `${from}.new`
  writeFileSync(to, 'y')
  attribute.set(from, displayname, xml('Work'))
  setAttributeSync(from, 'user.mime_type', Buffer.from('text/calendar'))
  setAttributeSync(from, 'user.bytes', Buffer.from([0, 255, 10]))
  attribute.copy(from, to)
  t.same(listAttributesSync(to).sort(), listAttributesSync(from).sort())
  t.same(getAttributeSync(to, 'user.bytes'), Buffer.from([0, 255, 10]))
})

t.test('one attribute that does not fit elsewhere does not keep back the others', async t => {
  const large = mounted(t, '-t tmpfs -o size=2m')
  if ('problem' in large) return t.pass('skipped', { skip: large.problem })
  const from = `${large.path}/a.ics`
  const to = fileIn(t)
  writeFileSync(from, '')
  setAttributeSync(from, 'user.a', Buffer.from('small'))
  setAttributeSync(from, 'user.large', randomBytes(20_000))
  setAttributeSync(from, 'user.z', Buffer.from('small'))
  if (listAttributesSync(from).length !== 3) return t.pass('skipped', { skip: 'the other file system takes no large attributes' })
  t.same(attribute.copy(from, to), ['user.large'])
  t.same(listAttributesSync(to).sort(), ['user.a', 'user.z'])
})

t.test('directories have properties too', async t => {
  const directory = `${t.testdir()}/work`
  mkdirSync(directory)
  attribute.set(directory, displayname, xml('Work'))
  t.same(attribute.list(directory), new Map([[displayname, xml('Work')]]))
})
