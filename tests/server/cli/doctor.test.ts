import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import * as attribute from '../../../store/attribute.js'
import { idOf } from '../../../store/index/collection.js'
import { openIndex, peekIndex } from '../../../store/index/open.js'
import { versionsBelow } from '../../../store/history/list.js'
import { heldWords } from '../../../store/rollback.js'
import { tooLittle, watches } from '../../../server/admin/doctor/space.js'
import { clock } from '../../../server/admin/doctor/times.js'
import type { Finding } from '../../../server/admin/doctor/finding.js'
import { main } from '../../../server/cli/main.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'

interface Found { check: string, severity: string, path: string, line?: number, message: string, fix?: string, hand?: string, fixed?: boolean, why?: string }

interface Town extends House {
  readonly data: string
  /** Alice's calendar `work`, absolute. */
  readonly work: string
  readonly run: (...words: string[]) => Promise<{ code: number, out: string, err: string }>
  /** The findings of `caldavd doctor --json`, with the exit code. */
  readonly look: (...words: string[]) => Promise<{ code: number, found: Found[], err: string }>
  /** What the history has of alice's calendar: name and content. */
  readonly kept: () => { name: string, text: string }[]
}

/** Runs a command on a data directory. */
async function command (data: string, words: readonly string[], environment: Record<string, string> = {}): Promise<{ code: number, out: string, err: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  let [out, err] = ['', '']
  stdout.on('data', chunk => { out += String(chunk) })
  stderr.on('data', chunk => { err += String(chunk) })
  const code = await main([...words, '--data', data], { stdin, stdout, stderr, environment: { HOME: '/nowhere', ...environment } })
  return { code, out, err }
}

/** A house whose accounts are on the disk too; alice has a calendar with three events, and the index knows them. */
async function town (t: Test, settings: Record<string, string> = {}): Promise<Town> {
  const home = await house(t, { users: ['alice', 'bob'], settings })
  const data = home.site.settings.data.directory
  mkdirSync(join(data, 'conf'), { recursive: true })
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\n[users.bob]\n')
  const run: Town['run'] = async (...words) => await command(data, words, settings['history.days'] === undefined ? {} : { CALDAVD_HISTORY_DAYS: settings['history.days'] })
  const look: Town['look'] = async (...words) => {
    const { code, out, err } = await run('doctor', '--json', ...words)
    return { code, err, found: out === '' ? [] : JSON.parse(out) as Found[] }
  }
  await home.ask('MKCALENDAR', '/calendars/users/alice/work/')
  for (const name of ['a', 'b', 'c']) await home.ask('PUT', `/calendars/users/alice/work/${name}.ics`, { body: event(name), headers: calendarType })
  // a file that was read just when it was changed is read again later
  await sleep(40)
  await refreshed(home)
  const kept: Town['kept'] = () => versionsBelow(join(data, 'history'), 'calendars/users/alice').map(({ path, file }) => ({ name: path.slice('calendars/users/alice/'.length), text: statSync(file).isFile() ? readFileSync(file, 'utf8') : '' }))
  return { ...home, data, work: join(home.documents, 'calendars/users/alice/work'), run, look, kept }
}

/** Lets the server see what was done by hand. */
async function refreshed ({ store }: Pick<House, 'store'>): Promise<void> {
  await store.sweep()
}

/** What is in a tree: names, content, times, attributes. */
function picture (directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(name => !name.startsWith('.drafts')).sort().map(name => {
    const path = join(directory, name)
    const stats = lstatSync(path)
    return `${name} ${stats.mtimeMs} ${stats.mode} ${stats.isFile() ? readFileSync(path, 'latin1') : ''} ${stats.isSymbolicLink() ? '' : JSON.stringify([...attribute.list(path)])}`
  })
}

/** Several events in one file, and other files that people make. */
function file (...parts: string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//hand//EN', ...parts, 'END:VCALENDAR', ''].join('\r\n')
}

function part (uid: string | undefined, summary = 'x'): string {
  return ['BEGIN:VEVENT', ...uid === undefined ? [] : [`UID:${uid}`], 'DTSTAMP:20260101T000000Z', 'DTSTART:20260401T100000Z', `SUMMARY:${summary}`, 'END:VEVENT'].join('\r\n')
}

t.test('a tree without faults is told so, and nothing in it is touched', async t => {
  const { look, run, documents, work } = await town(t)
  const before = picture(documents)
  t.same(await look('alice'), { code: 0, found: [], err: '' })
  t.match(await run('doctor', 'users/alice/work'), { code: 0, out: /^Nothing is wrong\n$/ })
  t.match(await run('doctor', work), { code: 0 }, 'a path of the disk')
  t.same(picture(documents), before)
})

t.test('looking changes nothing, whatever is wrong', async t => {
  const { look, documents, work } = await town(t)
  writeFileSync(`${work}/two.ics`, file(part('x'), part('y')))
  writeFileSync(`${work}/.properties.json`, '{"members":{"gone.ics":{"{DAV:}displayname":"<displayname xmlns=\\"DAV:\\">x</displayname>"}}}')
  writeFileSync(`${work}/.tmp-abcdefghijkl`, 'x')
  utimesSync(`${work}/.tmp-abcdefghijkl`, 1, 1)
  const before = picture(documents)
  const { code, found } = await look('alice')
  t.equal(code, 1)
  t.same(found.map(({ check }) => check).sort(), ['leftover', 'several-uids', 'stale-sidecar', 'stale-sidecar'])
  t.same(picture(documents), before)
})

/** What is made by hand; what is found at which name; what mends it. */
const cases: Record<string, { make: (work: string) => void, finds: Record<string, unknown>[], mended?: (town: Town) => void | Promise<void>, left?: boolean }> = {
  'a file that never could be read': {
    make: work => { writeFileSync(`${work}/d.ics`, event('d').replace('SUMMARY:', 'SUMMARY')) },
    finds: [{ check: 'broken-file', path: 'd.ics', line: 9, severity: 'error', message: /^expected .*it is not served$/, hand: /mend it/ }], left: true
  },
  'a file that stopped being right': {
    make: work => { writeFileSync(`${work}/a.ics`, event('a').replace('20260310T090000Z', 'tomorrow')) },
    finds: [{ check: 'broken-file', path: 'a.ics', line: 7, message: /DTSTART.*its last good version is served instead$/, hand: /caldavd undo/ }], left: true
  },
  'an empty file': { make: work => { writeFileSync(`${work}/a.ics`, '') }, finds: [{ check: 'broken-file', path: 'a.ics', message: /empty; its last good/ }], left: true },
  'several UIDs in a new file': {
    make: work => { writeFileSync(`${work}/two.ics`, file(part('x'), part('y'), part('y\r\nRECURRENCE-ID:20260402T100000Z'))) },
    finds: [{ check: 'several-uids', path: 'two.ics', message: /2 events.*x, y.*not served/ }],
    mended: ({ work, kept }) => {
      t.match(readFileSync(`${work}/two.ics`, 'utf8'), /UID:x/)
      t.equal(readFileSync(`${work}/y.ics`, 'utf8').match(/UID:y/g)?.length, 2)
      t.match(kept(), [{ name: 'work/two.ics', text: /UID:x[^]*UID:y/ }])
    }
  },
  'an event appended to one that is served': {
    make: work => { writeFileSync(`${work}/a.ics`, file(part('new'), part('a'))) },
    finds: [{ check: 'several-uids', path: 'a.ics', message: /its last good version is served/ }],
    mended: async ({ work, kept, ask }) => {
      t.match(readFileSync(`${work}/a.ics`, 'utf8'), /UID:a\r\n/, 'the file keeps the event that clients know it by')
      t.match(readFileSync(`${work}/new.ics`, 'utf8'), /UID:new/)
      t.ok(kept().some(({ name, text }) => name === 'work/a.ics' && text.includes('UID:new')), 'what was on the disk')
      t.ok(kept().some(({ name, text }) => name === 'work/a.ics' && text === event('a')), 'what was served')
      t.equal((await ask('GET', '/calendars/users/alice/work/new.ics')).status, 200)
    }
  },
  'no UID': {
    make: work => { writeFileSync(`${work}/lunch.ics`, file(part(undefined))) },
    finds: [{ check: 'no-uid', path: 'lunch.ics', line: 4 }],
    mended: async ({ work, kept, ask }) => {
      t.match(readFileSync(`${work}/lunch.ics`, 'utf8'), /\r\nUID:[0-9a-f]{32}\r\n/)
      t.match(kept(), [{ name: 'work/lunch.ics', text: file(part(undefined)) }])
      t.equal((await ask('GET', '/calendars/users/alice/work/lunch.ics')).status, 200)
    }
  },
  'an export': {
    make: work => { writeFileSync(`${work}/m.ics`, file('METHOD:PUBLISH', part('m'))) },
    finds: [{ check: 'method', path: 'm.ics', line: 4 }],
    mended: ({ work }) => { t.notMatch(readFileSync(`${work}/m.ics`, 'utf8'), /METHOD/) }
  },
  'a cancellation': { make: work => { writeFileSync(`${work}/m.ics`, file('METHOD:CANCEL', part('a'))) }, finds: [{ check: 'broken-file', path: 'm.ics', line: 4 }], left: true },
  'a UID that is taken in a file of several': {
    make: work => { writeFileSync(`${work}/two.ics`, file(part('x'), part('b'))) },
    finds: [{ check: 'several-uids', path: 'two.ics' }], left: true
  },
  'a copy': {
    make: work => { writeFileSync(`${work}/a copy.ics`, event('a')) },
    finds: [{ check: 'duplicate-uid', path: 'a copy.ics', message: /UID of a\.ics/ }],
    mended: ({ work, kept }) => {
      t.notOk(existsSync(`${work}/a copy.ics`))
      t.match(kept(), [{ name: 'work/a copy.ics', text: event('a') }])
    }
  },
  'the same UID with another content': { make: work => { writeFileSync(`${work}/z.ics`, event('a', { SUMMARY: 'other' })) }, finds: [{ check: 'duplicate-uid', path: 'z.ics', hand: /another UID/ }], left: true },
  'the same UID in another calendar': {
    make: work => {
      mkdirSync(join(work, '../zoo'))
      writeFileSync(join(work, '../zoo/a.ics'), event('a'))
    },
    finds: [{ check: 'duplicate-uid-in-home', path: '../zoo/a.ics', message: /work\/a\.ics/ }], left: true
  },
  'names that differ in their Unicode form': {
    make: work => {
      writeFileSync(`${work}/caf\u00e9.ics`, event('e1'))
      writeFileSync(`${work}/cafe\u0301.ics`, event('e2'))
    },
    finds: [{ check: 'twin-names', path: 'cafe\u0301.ics' }],
    mended: ({ work }) => {
      t.equal(readFileSync(`${work}/caf\u00e9.ics`, 'utf8'), event('e1'))
      t.equal(readFileSync(`${work}/caf\u00e9-2.ics`, 'utf8'), event('e2'))
      t.notOk(existsSync(`${work}/cafe\u0301.ics`))
    }
  },
  'names that differ in capitals': {
    make: work => { writeFileSync(`${work}/A.ics`, event('A')) },
    finds: [{ check: 'case-clash', path: 'a.ics' }],
    mended: ({ work }) => { t.equal(readFileSync(`${work}/a-2.ics`, 'utf8'), event('a')) }
  },
  'a name that is no UTF-8': {
    make: work => { writeFileSync(Buffer.concat([Buffer.from(`${work}/gr`), Buffer.from([0xfc]), Buffer.from('n.ics')]), event('green')) },
    finds: [{ check: 'bad-name', path: 'gr\\xfcn.ics' }],
    mended: ({ work }) => { t.equal(readFileSync(`${work}/gr\u00fcn.ics`, 'utf8'), event('green')) }
  },
  'a name with a blank at its end': {
    make: work => { writeFileSync(`${work}/h.ics `, event('h')) },
    finds: [{ check: 'bad-name', path: 'h.ics ' }],
    mended: ({ work }) => { t.equal(readFileSync(`${work}/h.ics`, 'utf8'), event('h')) }
  },
  'such a name when the better one is taken': { make: work => { writeFileSync(`${work}/a.ics `, event('h')) }, finds: [{ check: 'bad-name', path: 'a.ics ', hand: /taken/ }], left: true },
  'events under names that are not served': {
    make: work => {
      writeFileSync(`${work}/.i.ics`, event('i'))
      writeFileSync(`${work}/j.ics.bak`, event('j'))
      // an editor's backup of what is there, and a program's own files, are no matter
      writeFileSync(`${work}/a.ics~`, event('a'))
      writeFileSync(`${work}/.directory`, 'x')
    },
    finds: [{ check: 'hidden-event', path: '.i.ics', hand: /"i\.ics"/ }, { check: 'hidden-event', path: 'j.ics.bak' }], left: true
  },
  'what is no event': {
    make: work => {
      writeFileSync(`${work}/README.txt`, 'hello')
      mkdirSync(`${work}/sub`)
      symlinkSync('/etc/passwd', `${work}/link.ics`)
      writeFileSync(join(work, '../stray.ics'), event('stray'))
    },
    finds: [
      { check: 'misplaced-event', path: '../stray.ics' }, { check: 'foreign-file', path: 'README.txt', message: /no event/ },
      { check: 'foreign-file', path: 'link.ics', message: /symbolic link/ }, { check: 'foreign-file', path: 'sub', message: /directory inside a calendar/ }
    ],
    left: true
  },
  'what a crash has left': {
    make: work => {
      writeFileSync(`${work}/.tmp-abcdefghijkl`, 'half')
      utimesSync(`${work}/.tmp-abcdefghijkl`, Date.now() / 1000 - 90_000, Date.now() / 1000 - 90_000)
      writeFileSync(`${work}/.tmp-abcdefghijkm`, 'just now')
    },
    finds: [{ check: 'leftover', path: '.tmp-abcdefghijkl' }],
    mended: ({ work, kept }) => {
      t.notOk(existsSync(`${work}/.tmp-abcdefghijkl`))
      t.ok(existsSync(`${work}/.tmp-abcdefghijkm`), 'somebody may be at it')
      t.match(kept(), [{ name: 'work/.tmp-abcdefghijkl', text: 'half' }])
    }
  },
  'files from the future': {
    make: work => { for (const name of ['a', 'b']) utimesSync(`${work}/${name}.ics`, Date.now() / 1000 + 9000, Date.now() / 1000 + 9000) },
    finds: [{ check: 'future-file', path: '', message: /2 files.*a\.ics/ }],
    mended: ({ work }) => { t.ok(statSync(`${work}/a.ics`).mtimeMs <= Date.now()) }
  }
}

t.test('each fault is found with file, line and reason; --fix mends it and keeps what was, or says what to do', async t => {
  for (const [why, { make, finds, mended, left = false }] of Object.entries(cases)) {
    await t.test(why, async t => {
      const place = await town(t)
      make(place.work)
      // files the index has not seen are looked at too; what was served before is known to it
      await refreshed(place)
      const expected = finds.map(find => ({ ...find, path: join(place.work, String(find['path'])).replace(/\/$/, '') }))
      const sorted = (found: Found[]): Found[] => found.sort((one, other) => one.path < other.path ? -1 : 1)
      const first = await place.look('alice')
      t.equal(first.code, 1)
      t.match(sorted(first.found), expected.sort((one, other) => one.path < other.path ? -1 : 1))
      t.equal(first.found.length, expected.length, JSON.stringify(first.found))
      for (const found of first.found) t.ok((found.fix ?? found.hand ?? '') !== '', 'it says what to do')
      const second = await place.look('--fix', 'alice')
      t.same(second.found.filter(({ fixed }) => fixed !== true).length, left ? finds.length : 0, JSON.stringify(second.found))
      t.equal(second.code, left ? 1 : 0)
      await refreshed(place)
      t.equal((await place.look('alice')).found.length, left ? finds.length : 0, 'looked at once more')
      await mended?.(place)
      for (const name of ['b', 'c']) t.equal((await place.ask('GET', `/calendars/users/alice/work/${name}.ics`)).status, 200, 'the others are as they were')
    })
  }
})

t.test('without a history nothing of anybody is changed', async t => {
  const { look, work } = await town(t, { 'history.days': '0' })
  writeFileSync(`${work}/two.ics`, file(part('x'), part('y')))
  const { code, found } = await look('--fix', 'alice')
  t.equal(code, 1)
  t.match(found, [{ check: 'several-uids', fixed: false, why: /history\.days/ }])
  t.equal(readFileSync(`${work}/two.ics`, 'utf8'), file(part('x'), part('y')))
})

const title = '<displayname xmlns="DAV:">Work</displayname>'

t.test('attributes and their mirror', async t => {
  const { look, work, ask, kept } = await town(t)
  if (!attribute.supported(work)) return t.pass('no attributes here')
  await ask('PROPPATCH', '/calendars/users/alice/work/', { body: `<propertyupdate xmlns="DAV:"><set><prop>${title}</prop></set></propertyupdate>` })
  const sidecar = `${work}/.properties.json`
  t.equal((await look('alice')).code, 0)
  const before = readFileSync(sidecar, 'utf8')
  for (const name of attribute.names(work)) attribute.remove(work, name)
  t.match(await look('alice'), { code: 1, found: [{ check: 'lost-attributes', path: work }] })
  t.match(await look('--fix', 'alice'), { code: 0, found: [{ check: 'lost-attributes', fixed: true }] })
  t.match(attribute.list(work).get('{DAV:}displayname'), 'Work')
  attribute.set(work, '{DAV:}displayname', title.replace('Work', 'Job'))
  t.match(await look('alice'), { code: 1, found: [{ check: 'stale-sidecar', path: sidecar, message: /the directory/ }] })
  t.match(await look('--fix', 'alice'), { code: 0 })
  t.match(readFileSync(sidecar, 'utf8'), '>Job<')
  t.ok(kept().some(({ name, text }) => name === 'work/.properties.json' && text === before), 'what the mirror said is in the history')
  writeFileSync(sidecar, JSON.stringify({ ...JSON.parse(readFileSync(sidecar, 'utf8')) as object, members: { 'gone.ics': { '{DAV:}displayname': title } } }))
  t.match(await look('alice'), { found: [{ check: 'stale-sidecar', message: /gone\.ics/ }] })
  t.match(await look('--fix', 'alice'), { code: 0 })
  t.notMatch(readFileSync(sidecar, 'utf8'), 'gone.ics')
  writeFileSync(sidecar, 'half a fi')
  t.match(await look('--fix', 'alice'), { code: 0 })
  t.match(JSON.parse(readFileSync(sidecar, 'utf8')), { collection: { '{DAV:}displayname': /Job/ } })
})

t.test('a value that no attribute can hold is a note, and no fault', async t => {
  const { look, work, ask } = await town(t)
  const large = `<note xmlns="urn:x">${'€äöü%'.repeat(1).repeat(9)}${Array.from({ length: 9000 }, (_, i) => (i * 7919 % 9973).toString(36)).join('')}</note>`
  await ask('PROPPATCH', '/calendars/users/alice/work/', { body: `<propertyupdate xmlns="DAV:"><set><prop>${large}</prop></set></propertyupdate>` })
  const { code, found } = await look('alice')
  t.equal(code, 0)
  if (found.length > 0) t.match(found, [{ check: 'large-attribute', severity: 'note', path: work, message: /\{urn:x\}note/ }])
})

t.test('rows of the index that do not agree with their files', async t => {
  const { look, data, work, store, kept, ask } = await town(t)
  const indexFile = join(data, 'state/index/calendars/users/alice.sqlite')
  const index = openIndex(indexFile)
  const member = (name: string): number => index.get<{ id: number }>('SELECT id FROM member WHERE collection = ? AND name = ?', idOf('work'), name)?.id ?? 0
  index.run("UPDATE member SET etag = '\"0\"' WHERE id = ?", member('a.ics'))
  index.run("UPDATE member SET uid = 'other' WHERE id = ?", member('b.ics'))
  index.run('UPDATE body SET bytes = ? WHERE member = ?', Buffer.from(event('forged')), member('c.ics'))
  index.run("UPDATE collection SET members = 7, bytes = 1 WHERE path = 'work'")
  index.close()
  const first = await look('alice')
  t.same(first.found.map(({ check, path }) => `${check} ${path}`).sort(), [`index-collection ${work}`, ...['a', 'b', 'c'].map(name => `index-row ${work}/${name}.ics`)])
  t.match(await look('--fix', 'alice'), { code: 0 })
  t.match(await look('alice'), { code: 0, found: [] })
  t.ok(kept().some(({ text }) => text === event('forged')), 'what the index had is kept')
  await store.sweep()
  for (const name of ['a', 'b', 'c']) t.equal((await ask('GET', `/calendars/users/alice/work/${name}.ics`)).body, event(name))
})

t.test('a file that the index has not met yet is no fault of the index', async t => {
  const { look, work } = await town(t)
  writeFileSync(`${work}/new.ics`, event('new'))
  writeFileSync(`${work}/a.ics`, event('a', { SUMMARY: 'changed' }))
  rmSync(`${work}/b.ics`)
  t.match(await look('alice'), { code: 0, found: [] })
})

t.test('a damaged index is made anew, one of another version is not looked at', async t => {
  const { look, data, store } = await town(t)
  const file = join(data, 'state/index/calendars/users/alice.sqlite')
  await store.close()
  writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 5000), Buffer.alloc(9000, 7)]))
  t.match(await look('alice'), { code: 1, found: [{ check: 'index-damaged', path: file, fix: /anew/ }] })
  t.match(await look('--fix', 'alice'), { code: 0, found: [{ fixed: true }] })
  t.ok(existsSync(`${file}.damaged`))
  t.match(await look('alice'), { code: 0, found: [] })
  const index = openIndex(file)
  index.run('PRAGMA user_version = 1')
  index.close()
  t.equal(peekIndex(file), undefined)
  t.match(await look('alice'), { code: 0, found: [] })
})

t.test('held files are told of, with the command that settles them', async t => {
  const { look, data, work, run } = await town(t)
  const index = openIndex(join(data, 'state/index/calendars/users/alice.sqlite'))
  index.run("UPDATE member SET stamp = 'held', problem = ? WHERE name = 'a.ics'", heldWords.missing)
  index.close()
  rmSync(`${work}/a.ics`)
  t.match(await look('alice'), { code: 1, found: [{ check: 'held-file', path: `${work}/a.ics`, hand: /caldavd restore/ }] })
  t.match(JSON.parse((await run('status', '--json')).out), { held: [{ path: `${work}/a.ics` }], unserved: [] })
})

t.test('what lies around the homes: accounts, secrets, homes without accounts, settings of others', async t => {
  const { look, data, documents, run } = await town(t)
  mkdirSync(join(documents, 'calendars/users/carol/work'), { recursive: true })
  mkdirSync(join(documents, 'calendars/people/x'), { recursive: true })
  writeFileSync(join(documents, 'calendars/users/note.txt'), 'x')
  const all = (await look()).found
  const of = (check: string, found = all): Found[] => found.filter(one => one.check === check)
  t.match(of('home-without-account'), [{ path: join(documents, 'calendars/people/x') }, { path: join(documents, 'calendars/users/carol'), hand: /caldavd user add carol/ }])
  t.match(of('foreign-file'), [{ path: join(documents, 'calendars/users/note.txt') }])
  const accounts = join(data, 'conf/accounts.toml')
  writeFileSync(accounts, '[users.alice]\n[users.bob]\nfulName = "Bob"\n')
  writeFileSync(join(data, 'conf/app-passwords.toml'), 'nonsense')
  writeFileSync(join(documents, 'calendars/users/alice/work/d.ics'), 'BEGIN:VCALENDAR')
  const broken = (await look()).found
  t.match(of('accounts', broken), [{ path: accounts, line: 3, message: /fulName.*fullName/ }, { path: join(data, 'conf/app-passwords.toml') }])
  t.equal(of('home-without-account', broken).length, 0, 'who cannot be read is not missing')
  t.equal(of('broken-file', broken).length, 1, 'the rest is looked at all the same')
  writeFileSync(accounts, '[users.alice]\n[users.bob]\n')
  rmSync(join(data, 'conf/app-passwords.toml'))
  // what the whole data directory hides, nobody reads
  chmodSync(accounts, 0o644)
  chmodSync(data, 0o700)
  t.same(of('open-secret', (await look()).found), [])
  chmodSync(data, 0o755)
  t.match(of('open-secret', (await look()).found), [{ path: accounts, message: /0644/ }])
  t.match(of('open-secret', (await look('--fix')).found), [{ fixed: true }])
  t.equal(statSync(accounts).mode & 0o777, 0o640)
  t.match(await run('doctor', '--help'), { code: 0, out: /broken-file +a file in a calendar/ })
})

t.test('documents that are gone are no clean tree', async t => {
  const { look, documents, store } = await town(t)
  await store.close()
  renameSync(documents, `${documents}.away`)
  t.match(await look(), { code: 1, found: [{ check: 'documents', path: documents, message: /not there.*held 1 home/ }] })
  mkdirSync(documents)
  const { code, found } = await look('--fix')
  t.equal(code, 1)
  t.match(found[0], { check: 'documents', message: /empty/ })
  rmSync(documents, { recursive: true })
  renameSync(`${documents}.away`, documents)
  renameSync(join(documents, 'calendars/users/alice'), join(documents, '../alice'))
  t.match((await look()).found.filter(({ check }) => check === 'documents'), [{ path: join(documents, 'calendars/users/alice'), message: /had 3 files/ }])
})

t.test('a PATH limits what is looked at; what is not there cannot be', async t => {
  const { look, run, work, documents } = await town(t)
  mkdirSync(join(documents, 'calendars/users/bob/work'), { recursive: true })
  mkdirSync(join(work, '../other'))
  for (const path of [`${work}/x.ics`, `${work}/y.ics`, join(work, '../other/z.ics'), join(documents, 'calendars/users/bob/work/w.ics')]) writeFileSync(path, 'BEGIN:')
  const names = async (...words: string[]): Promise<string[]> => (await look(...words)).found.filter(({ check }) => check === 'broken-file').map(({ path }) => path.slice(-5)).sort()
  t.same(await names(), ['w.ics', 'x.ics', 'y.ics', 'z.ics'])
  t.same(await names('users'), ['w.ics', 'x.ics', 'y.ics', 'z.ics'])
  t.same(await names('alice'), ['x.ics', 'y.ics', 'z.ics'])
  t.same(await names('alice/work'), ['x.ics', 'y.ics'])
  t.same(await names('/calendars/users/alice/work/x.ics'), ['x.ics'], 'a path of the server')
  t.same(await names('alice/work/x.ics'), ['x.ics'])
  for (const [words, says] of [[['alice/wrok'], /wrok is not there/], [['nobody'], /nobody is not there/], [['alice', 'bob'], /one word too many/], [['--fxi'], /--fix/], [['--user', 'bob'], /--user goes with/]] as const) {
    const { code, err, out } = await run('doctor', ...words)
    t.equal(code, 2, words.join(' '))
    t.match(err, says)
    t.equal(out, '')
  }
  const { code, err } = await run('doctor', '--config', '/nowhere.toml')
  t.equal(code, 2)
  t.match(err, /nowhere\.toml/)
})

t.test('a data directory that is none', async t => {
  const directory = t.testdir({ conf: {} })
  let err = ''
  const stderr = new PassThrough().on('data', chunk => { err += String(chunk) })
  t.equal(await main(['doctor', '--data', directory], { stdin: new PassThrough(), stdout: new PassThrough(), stderr, environment: {} }), 2)
  t.match(err, /^caldavd: .*documents is not there.*\n$/)
  t.same(readdirSync(directory), ['conf'], 'nothing was made')
})

t.test('a socket in a calendar, and a file that nobody may read', async t => {
  const { look, work } = await town(t)
  const server = createServer().listen(`${work}/socket`)
  t.teardown(() => { server.close() })
  await new Promise(resolve => server.once('listening', resolve))
  t.match((await look('alice')).found, [{ check: 'foreign-file', path: `${work}/socket`, message: /socket/ }])
})

t.test('files of others, as root has left them', async t => {
  if (process.getuid?.() !== 0) return t.pass('only root can give files away')
  const { look, work, documents, data, store } = await town(t)
  await store.close()
  const owner = 4711
  for (const root of [data]) for (const name of ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) chownSync(join(root, name), owner, owner)
  t.same((await look('alice')).found, [])
  chownSync(`${work}/a.ics`, 0, 0)
  chmodSync(`${work}/a.ics`, 0o600)
  chownSync(`${work}/b.ics`, 0, 0)
  chmodSync(`${work}/c.ics`, 0o200)
  mkdirSync(join(work, '../made'))
  writeFileSync(join(work, '../made/x.ics'), event('x'))
  chmodSync(join(work, '../made'), 0o700)
  const { found } = await look('alice')
  t.match(found.filter(({ check }) => check === 'access').sort((one, other) => one.path < other.path ? -1 : 1), [
    { path: join(documents, 'calendars/users/alice/made'), message: /belongs to user 0, the documents to 4711/ },
    { path: join(documents, 'calendars/users/alice/made'), message: /EACCES/ },
    { path: work, message: /1 more/ },
    { path: `${work}/c.ics`, message: /has the mode 0200/ }
  ])
  // root gives nothing away: whoever owns the documents could lead it elsewhere meanwhile
  const mended = await look('--fix', 'alice')
  t.match(mended.found.filter(({ check, hand }) => check === 'access' && hand?.includes(`chown -R ${owner}:${owner}`) === true).length, 2)
  t.equal(statSync(`${work}/a.ics`).uid, 0)
  t.equal(statSync(`${work}/c.ics`).mode & 0o777, 0o600)
  for (const path of [`${work}/a.ics`, `${work}/b.ics`, join(work, '../made'), join(work, '../made/x.ics')]) chownSync(path, owner, owner)
  await look('--fix', 'alice')
  t.match(await look('alice'), { code: 0, found: [] })
  t.equal(process.geteuid?.(), 0)
  for (const name of readdirSync(join(data, 'state'), { recursive: true, encoding: 'utf8' })) t.equal(statSync(join(data, 'state', name)).uid, owner, `${name} is the server's`)
})

t.test('what the machine lacks', async t => {
  const mb = 1024 * 1024
  const checksOf = (findings: Iterable<Finding>): string[] => [...findings].map(({ check }) => check)
  t.same(checksOf(tooLittle('/x', 'the documents', { bytes: 1000 * mb, freeBytes: 200 * mb, files: 100, freeFiles: 50 })), [])
  t.same(checksOf(tooLittle('/x', 'the documents', { bytes: 1000 * mb, freeBytes: 99 * mb, files: 100, freeFiles: 50 })), ['space'], '100 MB')
  t.same(checksOf(tooLittle('/x', 'the documents', { bytes: 1e6 * mb, freeBytes: 4.9e4 * mb, files: 0, freeFiles: 0 })), ['space'], '5 %')
  t.same(checksOf(tooLittle('/x', 'the documents', { bytes: 1000 * mb, freeBytes: 500 * mb, files: 100, freeFiles: 4 })), ['inodes'])
  t.same(checksOf(watches('/x', 8000, 8192)), ['watches'])
  t.match([...watches('/x', 8000, 8192)][0]?.hand, /sysctl fs\.inotify\.max_user_watches=/)
  t.same(checksOf(watches('/x', 100, 8192)), [])
  t.same(checksOf(watches('/x', 1e9, undefined)), [])
  t.same(checksOf(clock(Date.parse('1970-01-02'), Date.parse('2026-01-01'))), ['clock'])
  t.same(checksOf(clock(Date.parse('2026-01-02'), Date.parse('2026-01-01'))), [])
})

t.test('a history over its limit is tidied', async t => {
  const { look, data } = await town(t)
  const old = join(data, 'history/2020-01-01/calendars/users/alice/work')
  mkdirSync(old, { recursive: true })
  writeFileSync(join(old, 'a.ics@03.15.00.123.replaced'), 'x')
  const of = (found: Found[]): Found[] => found.filter(({ check }) => check === 'history-limit')
  t.match(of((await look()).found), [{ message: /2020-01-01.*30 days/ }])
  t.match(of((await look('--fix')).found), [{ fixed: true }])
  t.notOk(existsSync(old))
})

t.test('status without a server: counts, sizes, what is not served', async t => {
  const { run, work, store } = await town(t)
  writeFileSync(`${work}/a.ics`, event('a').replace('20260310T090000Z', 'tomorrow'))
  await store.sweep()
  const { code, out } = await run('status')
  t.equal(code, 0)
  t.match(out, /^The server does not run\n/)
  t.match(out, /\n1 home, 3 calendars, 3 events\n/)
  t.match(out, `${work}/a.ics, line 7: expected DTSTART`)
  t.match(out, /\(its last good version is\)/)
  t.match(JSON.parse((await run('status', '--json')).out), {
    server: { running: false, urls: [] }, homes: 1, calendars: 3, objects: { VEVENT: 3 }, unserved: [{ path: `${work}/a.ics`, line: 7, lastGood: true }],
    epochs: [{ home: 'calendars/users/alice' }], documents: { bytes: Number }, unknown: []
  })
})

const program = join(import.meta.dirname, '../../../dist/bin/caldavd.js')
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CALDAVD_')))

function start (t: Test, data: string): { child: ChildProcess, output: () => string, ready: Promise<string> } {
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--port', '0'], { env: environment })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { text += String(chunk) })
  t.teardown(() => { child.kill('SIGKILL') })
  const ready = (async () => {
    for (let wait = 0; wait < 200 && !text.includes('calendars are in'); wait++) await sleep(50)
    return /Address +(\S+)/.exec(text)?.[1] ?? `nothing: ${text}`
  })()
  return { child, output: () => text, ready }
}

/** Waits until something holds, at most some seconds. @returns whether it did */
async function until (holds: () => boolean | Promise<boolean>, seconds = 5): Promise<boolean> {
  for (const begun = performance.now(); performance.now() - begun < seconds * 1000; await sleep(20)) if (await holds()) return true
  return false
}

t.test('beside a running server: log, status and doctor name file, line and reason; mended it is served', async t => {
  const data = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(data, { recursive: true, force: true }) })
  mkdirSync(join(data, 'conf'))
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\npassword = "plain:alice"\n')
  const login = { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}` }
  const first = start(t, data)
  let url = await first.ready
  const get = async (name: string): Promise<{ status: number, etag: string | null, body: string }> => {
    const answer = await fetch(`${url}calendars/users/alice/calendar/${name}`, { headers: login })
    return { status: answer.status, etag: answer.headers.get('etag'), body: await answer.text() }
  }
  await fetch(`${url}calendars/users/alice/calendar/a.ics`, { method: 'PUT', body: event('a'), headers: { ...login, ...calendarType } })
  const before = await get('a.ics')
  const calendar = join(data, 'documents/calendars/users/alice/calendar')
  const broken = event('a').replace('20260310T090000Z', 'tomorrow')
  writeFileSync(join(calendar, 'a.ics'), broken)
  const line = /a\.ics is not served as it is: line 7: expected DTSTART/
  t.ok(await until(() => line.test(first.output())), 'the log')
  t.same(await get('a.ics'), before, 'served as it was, with its ETag')
  t.match((await command(data, ['status'])).out, new RegExp(`process ${String(first.child.pid)} since .*, at ${url}[^]*a\\.ics, line 7: expected DTSTART`))
  t.match(await command(data, ['doctor', 'alice']), { code: 1, out: /a\.ics, line 7\n +expected DTSTART.*its last good version is served instead/ })
  first.child.kill('SIGTERM')
  await until(() => first.child.exitCode !== null)
  t.match((await command(data, ['status'])).out, /^The server does not run/)
  const second = start(t, data)
  url = await second.ready
  t.ok(await until(() => line.test(second.output())), 'the log of the next start says it again')
  t.equal(second.output().match(new RegExp(line, 'g'))?.length, 1, 'once')
  t.same(await get('a.ics'), before)
  writeFileSync(join(calendar, 'a.ics'), event('a', { SUMMARY: 'mended' }))
  t.ok(await until(async () => (await get('a.ics')).body.includes('mended'), 1), 'served within a second')
  t.match(await command(data, ['doctor', 'alice']), { code: 0, out: /^Nothing is wrong/ })
  writeFileSync(join(calendar, 'two.ics'), file(part('x'), part('y')))
  t.match(await command(data, ['doctor', '--fix', 'alice']), { code: 0, out: /mended: splits it/ })
  t.ok(await until(async () => (await get('two.ics')).status === 200 && (await get('y.ics')).status === 200, 1), 'what the command did is seen')
  t.match(await command(data, ['doctor', 'alice']), { code: 0 }, 'and the index of the server agrees with every file')
})

t.test('--fix may be killed at any time: nothing is lost, and it can be done again', async t => {
  const data = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(data, { recursive: true, force: true }) })
  const calendar = join(data, 'documents/calendars/users/alice/work')
  mkdirSync(calendar, { recursive: true })
  mkdirSync(join(data, 'conf'))
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\n')
  const uids = Array.from({ length: 5 }, (_, file) => Array.from({ length: 72 }, (_, number) => `u-${file}-${number}`))
  const texts = uids.map(some => file(...some.map(uid => part(uid))))
  texts.forEach((text, number) => { writeFileSync(join(calendar, `big-${number}.ics`), text) })
  const there = (): Set<string> => new Set(readdirSync(calendar).filter(name => name.endsWith('.ics')).flatMap(name => [...readFileSync(join(calendar, name), 'utf8').matchAll(/^UID:(.*)\r$/gm)].map(([, uid]) => uid ?? '')))
  let kills = 0
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, [program, 'doctor', '--fix', 'alice', '--data', data], { env: { ...environment, CALDAVD_DATA_FSYNC: 'false' }, stdio: ['ignore', 'pipe', 'ignore'] })
    // killed when it has mended one more, at another moment each time
    child.stdout.once('data', () => { setTimeout(() => { child.kill('SIGKILL') }, 1 + round * 5) })
    const code = await new Promise<number | null>(resolve => { child.once('exit', resolve) })
    t.equal(there().size, 5 * 72, `after round ${round} every event is there`)
    if (code === 0) break
    kills++
  }
  t.ok(kills >= 2, `it was killed ${kills} times`)
  t.equal((await command(data, ['doctor', '--fix', 'alice'])).code, 0)
  t.match(await command(data, ['doctor', 'alice']), { code: 0, out: /^Nothing is wrong/ })
  t.equal(readdirSync(calendar).filter(name => name.endsWith('.ics')).length, 5 * 72, 'each once')
  const kept = versionsBelow(join(data, 'history'), 'calendars/users/alice/work').map(({ file: path }) => readFileSync(path, 'utf8'))
  for (const text of texts) t.ok(kept.includes(text), 'what was is in the history')
})
