import { deflateSync } from 'node:zlib'
import t from 'tap'
import { attributeName, decodeValue, encodeValue, isPrivate, privateNames, propertyName } from '../../twistedcompat/attribute.js'
import { homePaths, isAppleInternal } from '../../twistedcompat/layout.js'

const caldav = 'urn:ietf:params:xml:ns:caldav'

t.test('names are those of the second generation, and come back', async t => {
  for (const [name, encoded] of Object.entries({
    '{DAV:}resourcetype': '{DAV:}resourcetype',
    [`{${caldav}}calendar-timezone`]: `{${caldav}}calendar-timezone`,
    '{http://calendarserver.org/ns/}getctag': '{http:%2F%2Fcalendarserver.org%2Fns%2F}getctag',
    '{http://apple.com/ns/ical/}calendar-color': '{http:%2F%2Fapple.com%2Fns%2Fical%2F}calendar-color',
    '{http://example.org/ns#}p': '{http:%2F%2Fexample.org%2Fns%23}p',
    "{urn:!~*'();?&=+, %}x": '{urn:%21%7E%2A%27%28%29%3B%3F%26%3D%2B%2C%20%25}x',
    '{urn:ü}größe': '{urn:%C3%BC}gr%C3%B6%C3%9Fe',
    '{a}b}c': '{a%7Db}c',
    '{}plain': '{}plain'
  })) {
    t.equal(attributeName(name, 'linux'), `user.${encoded}`)
    t.equal(attributeName(name, 'darwin'), `WebDAV:${encoded}`)
    if (name.includes(' ')) continue
    for (const prefix of ['user.', 'user.WebDAV:', 'WebDAV:']) t.equal(propertyName(prefix + encoded), name)
  }
  for (const name of ['DAV:acl', '{DAV:}', '{DAV:', '']) t.throws(() => attributeName(name), TypeError)
})

t.test('names of other generations are read', async t => {
  for (const [attribute, name] of Object.entries({
    'user.{http:%2F%2Fexample.org%2Fns#}p': '{http://example.org/ns#}p', // first generation
    'user.{urn:ü~}p': '{urn:ü~}p',
    'user.{CALDAV:}calendar-timezone': `{${caldav}}calendar-timezone`, // 3.0
    'user.{CARDDAV:}supported-address-data': '{urn:ietf:params:xml:ns:carddav}supported-address-data',
    'user.{CS:}getctag': '{http://calendarserver.org/ns/}getctag',
    'user.{ME:}x': '{http://cal.me.com/_namespace/}x',
    'user.{TD:}getcontentmd5': '{http://twistedmatrix.com/xml_namespace/dav/}getcontentmd5',
    'WebDAV:{TDP:}quota-used': '{http://twistedmatrix.com/xml_namespace/dav/private/}quota-used'
  })) t.equal(propertyName(attribute), name)
})

t.test('attributes of others are nobody\'s property', async t => {
  for (const attribute of [
    'user.xdg.origin.url', 'user.mime_type', 'com.apple.FinderInfo', 'security.selinux', 'user.', 'user.{', 'user.{DAV:}', 'user.DAV:}acl', '{DAV:}acl', '',
    'user.ABCDEF01-0000-0000-0000-000000000000{CS:}getctag', // a sharee's value
    'user.{http:%2}x', 'user.{DAV:}%zz', 'user.{DAV:}%ff', 'user.{DAV:}a%20b', 'user.{DAV:}<a>', 'user.{DAV:%00}a', 'user.{DAV:}a}b', 'trusted.{DAV:}acl'
  ]) t.equal(propertyName(attribute), undefined, attribute)
})

t.test('private names', async t => {
  t.ok(privateNames.every(isPrivate))
  t.ok(isPrivate('{http://twistedmatrix.com/xml_namespace/dav/private/}anything'))
  t.notOk(isPrivate('{http://twistedmatrix.com/xml_namespace/dav/}getcontentmd5'))
  t.notOk(isPrivate('{DAV:}acl'))
})

t.test('values', async t => {
  const xml = "<?xml version='1.0' encoding='UTF-8'?>\r\n<displayname xmlns='DAV:'>Zürich</displayname>\r\n"
  t.equal(encodeValue(xml)[0], 0x78, 'zlib')
  t.equal(decodeValue(encodeValue(xml)), xml)
  t.equal(decodeValue(Buffer.from(xml)), xml, 'plain, before 2007-09-19')
  t.equal(decodeValue(new Uint8Array(deflateSync(xml, { level: 1 }))), xml, 'any level')
  t.equal(decodeValue(Buffer.from('\ufeff<a/>')), '<a/>', 'byte order mark')

  const pickles = { 'protocol 0': '(itwistedcaldav.customxml\nGETCTag\np1\n(dp2\n', 'copy_reg': 'ccopy_reg\n_reconstructor\np1\n', 'protocol 2': '\x80\x02ctwisted\nA\n' }
  for (const [why, text] of Object.entries(pickles)) {
    const bytes = Buffer.from(text, 'latin1')
    t.throws(() => decodeValue(bytes), { name: 'AttributeError', reason: 'pickle' }, why)
    t.throws(() => decodeValue(deflateSync(bytes)), { name: 'AttributeError', reason: 'pickle' }, why + ', compressed')
  }
  const unreadable = {
    empty: Buffer.alloc(0),
    words: Buffer.from('Work'),
    'not UTF-8': Buffer.from([0x3c, 0xff, 0xfe]),
    truncated: encodeValue(xml).subarray(0, 20),
    damaged: encodeValue(xml).fill(0, 10, 20),
    'a bomb': deflateSync(Buffer.alloc(11 * 1024 * 1024, 0x3c))
  }
  for (const [why, bytes] of Object.entries(unreadable)) t.throws(() => decodeValue(bytes), { name: 'AttributeError', reason: 'unreadable' }, why)
})

t.test('names that are Apple\'s own', async t => {
  for (const name of ['.db.sqlite', '.db.sqlite-journal', '.db.calendaruserproxy', '.db.invites', '.calendarserver_version', 'a.ics.rollback', '.a.ics.rollback', '._a.ics', '._del_work_1']) t.ok(isAppleInternal(name), name)
  for (const name of ['a.ics', 'db.sqlite', 'rollback', 'inbox', 'rollback.ics', '.tmp-1']) t.notOk(isAppleInternal(name), name)
})

t.test('where a home lies', async t => {
  t.same(homePaths('users', 'alice', '0C8BDE62-E600-4696-83D3-8B5ECABDFD2E'), [
    'calendars/__uids__/0C/8B/0C8BDE62-E600-4696-83D3-8B5ECABDFD2E',
    'calendars/__uids__/0C8BDE62-E600-4696-83D3-8B5ECABDFD2E',
    'calendars/users/alice'
  ])
  t.same(homePaths('groups', 'abc', 'abc'), ['calendars/__uids__/ab/c?/abc?', 'calendars/__uids__/abc', 'calendars/groups/abc'])
  t.same(homePaths('users', '../x', '../../etc'), [], 'nothing outside')
  t.same(homePaths('users', 'a', 'ab..'), ['calendars/__uids__/ab..', 'calendars/users/a'])
})
