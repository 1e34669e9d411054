import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { versions } from '../../../store/history/list.js'
import { properties, setProperties } from '../../../store/property.js'
import { compare, hunks } from '../../../server/admin/history/lines.js'
import { momentText, readAge, readWhen } from '../../../server/admin/history/moment.js'
import { doStep, stepTo } from '../../../server/admin/history/step.js'
import { main } from '../../../server/cli/main.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'

const works = '/calendars/users/alice/work/'

interface Said { readonly code: number, readonly out: string, readonly err: string }

interface Town extends House {
  readonly data: string
  readonly run: (...words: string[]) => Promise<Said>
  /** As `run`, on a terminal at which somebody types. */
  readonly type: (typed: string, ...words: string[]) => Promise<Said>
  readonly put: (name: string, uid: string, summary?: string, calendar?: string) => Promise<number>
  readonly remove: (url: string) => Promise<number>
  /** Names and summaries of the events of a calendar as it is served, after a moment that is later than all before. */
  readonly served: (calendar?: string) => Promise<string[]>
  /** A moment between what was and what will be, as it is typed. */
  readonly moment: () => Promise<string>
}

/** A house whose tree commands work on too; alice has a calendar `work` with a and b. */
async function town (t: Test, settings: Record<string, string> = {}): Promise<Town> {
  const home = await house(t, { settings })
  const data = home.site.settings.data.directory
  mkdirSync(join(data, 'conf'), { recursive: true })
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\nguid = "00000000-0000-0000-0000-000000000001"\n[users.bob]\nguid = "00000000-0000-0000-0000-000000000002"\n')
  writeFileSync(join(data, 'conf/caldavd.toml'), '[data]\nfsync = false\n')
  const type: Town['type'] = async (typed, ...words) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    let [out, err] = ['', '']
    stdout.on('data', chunk => { out += String(chunk) })
    stderr.on('data', chunk => { err += String(chunk) })
    const isTTY = typed !== ''
    stdin.end(typed)
    const code = await main([...words, '--data', data], { stdin: Object.assign(stdin, { isTTY }), stdout: Object.assign(stdout, { isTTY }), stderr, environment: { HOME: '/nowhere' } })
    return { code, out, err }
  }
  const run: Town['run'] = async (...words) => await type('', ...words)
  const put: Town['put'] = async (name, uid, summary = uid, calendar = works) => (await home.ask('PUT', `${calendar}${name}`, { body: event(uid, { SUMMARY: summary }), headers: calendarType })).status
  const remove: Town['remove'] = async url => (await home.ask('DELETE', url)).status
  const served: Town['served'] = async (calendar = works) => {
    const { body } = await home.ask('REPORT', calendar, { headers: { depth: '1' }, body: '<calendar-query xmlns="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><calendar-data/></D:prop><filter><comp-filter name="VCALENDAR"/></filter></calendar-query>' })
    return [...body.replaceAll('&#13;', '').matchAll(/<(?:\w+:)?href>[^<]*\/([^/<]+)<[^]*?SUMMARY:(\S+)/g)].map(([, name, summary]) => `${name ?? ''} ${summary ?? ''}`).sort()
  }
  const moment: Town['moment'] = async () => {
    await sleep(40)
    const at = Date.now()
    await sleep(40)
    return momentText(at, true)
  }
  await home.ask('MKCALENDAR', works)
  await put('a.ics', 'a')
  await put('b.ics', 'b')
  return { ...home, data, run, type, put, remove, served, moment }
}

t.test('history and diff of an event', async t => {
  const { run, type, put, remove, documents, data } = await town(t)
  const file = join(documents, 'calendars/users/alice/work/a.ics')
  t.match(await run('history', 'alice/work/a.ics'), { code: 0, out: /^users\/alice\/work\/a\.ics\n\n# +UNTIL +ENDED +SIZE +START +SUMMARY\n +now +\d+ bytes +2026-03-10 09:00 UTC +a\n$/, err: /not been changed/ })
  await put('a.ics', 'a', 'second')
  writeFileSync(file, event('a', { SUMMARY: 'by hand', DTSTART: '20260310T100000Z' }))
  // relative, absolute and as an address
  for (const typed of ['users/alice/work/a.ics', file, '/calendars/users/alice/work/a%2Eics', 'alice/work/a.ics']) {
    t.match((await run('history', typed)).out, /\n +now +.* +2026-03-10 10:00 UTC +by hand\n1 +\d{4}-\S+ \S+ +edited by hand +.* +second\n2 +\S+ \S+ +overwritten +.* +a\n$/, typed)
  }
  const [now, first, second] = JSON.parse((await run('history', 'alice/work/a.ics', '--json')).out) as { number: number | null, until: string | null, from: string | null, ended: string | null, summary: string, file: string }[]
  t.match([now, first, second], [{ number: null, until: null, ended: null, summary: 'by hand' }, { number: 1, ended: 'edited', summary: 'second' }, { number: 2, ended: 'replaced', summary: 'a' }])
  t.equal(first?.from, second?.until)
  t.equal(now?.from, first?.until)
  t.ok(second?.file.startsWith(join(data, 'history')))
  t.match(await run('history', 'alice/work/a.ics', '--limit', '1'), { out: /second\n$/, err: /1 more/ })

  t.match(await run('diff', 'alice/work/a.ics'), { code: 0, out: /^--- users\/alice\/work\/a\.ics \(until \d.*\)\n\+\+\+ users\/alice\/work\/a\.ics \(now\)\n@@ -\d+,\d+ \+\d+,\d+ @@\n( .*\n)+-DTSTART:20260310T090000Z\n\+DTSTART:20260310T100000Z\n DURATION:PT1H\n-SUMMARY:second\n\+SUMMARY:by hand\n( .*\n)+$/ })
  t.match((await run('diff', 'alice/work/a.ics@2', 'alice/work/a.ics@1')).out, /\n-SUMMARY:a\n\+SUMMARY:second\n/)
  t.match((await run('diff', `alice/work/a.ics@${first?.until ?? ''}`)).out, /\n-SUMMARY:second\n/, 'a time that history prints is the state that ended then')
  t.match((await type('x', 'diff', 'alice/work/a.ics')).out, '\x1b[32m+SUMMARY:by hand\x1b[0m', 'colours on a terminal')
  t.match(await run('diff', 'alice/work/a.ics', 'alice/work/a.ics@1'), { code: 0, out: '', err: /no difference/ })

  await remove(`${works}a.ics`)
  t.match((await run('history', 'alice/work/a.ics')).out, /\n +now +not there\n1 .* deleted .* by hand\n/)
  t.match((await run('diff', 'alice/work/a.ics')).out, /^---.*\n\+\+\+ .*\(now, not there\)\n@@ -1,\d+ \+0,0 @@\n-BEGIN:VCALENDAR\n/)
  // names with an @ of their own, and what a terminal would obey
  await put('me@example.org.ics', 'me', '\x1b[31mred'.replace('\x1b', '\\n'))
  await put('me@example.org.ics', 'me', 'other')
  t.match((await run('diff', 'alice/work/me@example.org.ics@1')).out, '-SUMMARY:\\n[31mred\n+SUMMARY:other\n')
  t.match(await run('diff', 'alice/work/me@example.org.ics'), { code: 0, out: /\+SUMMARY:other\n/ })
  t.match((await run('history', 'alice/work/me@example.org.ics')).out, / \[31mred\n/)
  t.match((await run('history', 'alice/work')).out, /\n1 .*overwritten +me@example\.org\.ics [^]*\n3 .* deleted +a\.ics [^]* by hand\n4 .* edited by hand +a\.ics .* second\n5 .* overwritten +a\.ics .* a\n6 .* added +b\.ics .* b\n7 .* added +a\.ics .* a\n8 .* made +\(the calendar\)\n$/)
})

t.test('undo of an event', async t => {
  const { run, put, remove, served, moment, documents, ask, site, store } = await town(t)
  const before = await moment()
  await put('a.ics', 'a', 'second')
  t.match(await run('undo', 'alice/work/a.ics', '--dry-run'), { code: 0, out: /^would be changed back +users\/alice\/work\/a\.ics +a\n$/ })
  t.same(await served(), ['a.ics second', 'b.ics b'])
  t.match(await run('undo', 'alice/work/a.ics'), { code: 0, out: /^changed back +users\/alice\/work\/a\.ics +a\n$/, err: '' })
  t.same(await served(), ['a.ics a', 'b.ics b'])
  await run('undo', 'alice/work/a.ics')
  t.same(await served(), ['a.ics second', 'b.ics b'], 'undone again')
  await setProperties(join(documents, 'calendars/users/alice/work'), 'a.ics', new Map([['{urn:x}note', '<note xmlns="urn:x">n</note>']]))
  await remove(`${works}a.ics`)
  const gone = await moment()
  t.match(await run('undo', 'alice/work/a.ics'), { code: 0, out: /^brought back +users\/alice\/work\/a\.ics +second\n$/ })
  t.same([...properties(join(documents, 'calendars/users/alice/work'), 'a.ics')], [['{urn:x}note', '<note xmlns="urn:x">n</note>']])
  t.match(await run('undo', 'alice/work/a.ics', '--at', before), { code: 0, out: /^changed back .* a\n$/ })
  t.match(await run('undo', 'alice/work/a.ics', '--at', before), { code: 0, err: /is so already/ })
  t.match(await run('undo', 'alice/work/a.ics', '--at', gone), { code: 0, out: /^removed +users\/alice\/work\/a\.ics\n$/ })
  t.same(await served(), ['b.ics b'])
  await run('undo', 'alice/work/a.ics')
  await run('undo', 'alice/work/a.ics')
  t.same(await served(), ['b.ics b'], 'what was brought back goes again')
  // somebody else is quicker
  const [home, last] = [store.home(['calendars', 'users', 'alice']), versions(store.writing.history.directory, 'calendars/users/alice/work/a.ics')[0]]
  const work = home?.collection('work')
  if (home === undefined || work === undefined || last === undefined) throw new Error('no calendar')
  const step = stepTo(home, work, 'a.ics', last.file)
  await put('a.ics', 'a', 'quicker')
  await t.rejects(doStep(site, step), { reason: 'changed', message: /users\/alice\/work\/a\.ics was changed just now/ })
  t.same(await served(), ['a.ics quicker', 'b.ics b'])
  await remove(`${works}a.ics`)

  // RFC 4791 5.3.2.1: a UID of what was deleted is free
  t.equal(await put('other.ics', 'a', 'elsewhere'), 201)
  t.match(await run('undo', 'alice/work/a.ics'), { code: 1, err: /is in users\/alice\/work\/other\.ics now/ })
  await ask('MOVE', `${works}other.ics`, { headers: { destination: '/calendars/users/alice/calendar/other.ics' } })
  t.match(await run('undo', 'alice/work/a.ics'), { code: 0, out: /brought back/, err: /the same event is in users\/alice\/calendar\/other\.ics too/ })

  // what was broken by hand becomes what is served
  const file = join(documents, 'calendars/users/alice/work/b.ics')
  const good = readFileSync(file)
  writeFileSync(file, 'BEGIN:VCAL')
  t.same(await served(), ['a.ics quicker', 'b.ics b'])
  t.match(await run('undo', 'alice/work/b.ics'), { code: 0, out: /^changed back .* b\n$/ })
  t.ok(readFileSync(file).equals(good))
})

t.test('undo of a calendar to a time', async t => {
  const { run, put, remove, served, moment, documents, store } = await town(t)
  await put('c.ics', 'c')
  const before = await moment()
  await put('a.ics', 'a', 'second')
  await remove(`${works}b.ics`)
  await put('new.ics', 'b', 'same-uid')
  writeFileSync(join(documents, 'calendars/users/alice/work/hand.ics'), event('hand'))
  rmSync(join(documents, 'calendars/users/alice/work/c.ics'))
  const after = await served()
  t.same(after, ['a.ics second', 'hand.ics hand', 'new.ics same-uid'])
  t.match(await run('undo', 'alice/work'), { code: 1, out: '', err: /^caldavd: users\/alice\/work is there\. Say with --at[^]*Lately happened:\n[^]*overwritten +a\.ics[^]*caldavd history users\/alice\/work shows more/ })
  const dry = await run('undo', 'alice/work', '--at', before, '-n')
  t.match(dry, { code: 0, out: /^users\/alice\/work as it was at .*\n +would be removed +users\/alice\/work\/hand\.ics\n +would be removed +users\/alice\/work\/new\.ics\n +would be changed back +users\/alice\/work\/a\.ics +a\n +would be brought back +users\/alice\/work\/b\.ics +b\n +would be brought back +users\/alice\/work\/c\.ics +c\n5 events; nothing was done yet\n$/, err: '' })
  t.same(await served(), after)
  const { code, out, err } = await run('undo', 'alice/work', '--at', before)
  t.match({ code, err }, { code: 0, err: '' })
  t.same(await served(), ['a.ics a', 'b.ics b', 'c.ics c'])
  t.match(await run('undo', 'alice/work', '--at', before), { code: 0, out: /is so already/ })
  const [, back = ''] = /--at '(.*)'/.exec(out) ?? []
  t.match(await run('undo', 'alice/work', '--at', back), { code: 0 })
  t.same(await served(), after, 'taken back as it said')
  const kept = readdirSync(join(store.writing.history.directory), { recursive: true }).map(String)
  t.equal(kept.filter(name => /work\/new\.ics@.*\.deleted$/.test(name)).length, 1)
  t.match(await run('undo', 'alice/work', '--at', '1 week ago'), { code: 1, err: /work was not there at .*: it was made at/ })
  t.same(await served(), after)
  // number 1 is just before the latest change
  await remove(`${works}a.ics`)
  t.match(await run('undo', 'alice/work', '--at', '1'), { code: 0, out: /brought back +users\/alice\/work\/a\.ics/ })
  t.same(await served(), after)
})

t.test('a tree that was copied elsewhere is as old as its files', async t => {
  const { run, served, documents } = await town(t)
  const directory = join(documents, 'calendars/users/alice/old')
  mkdirSync(directory)
  for (const name of ['x.ics', 'y.ics']) {
    writeFileSync(join(directory, name), event(name))
    utimesSync(join(directory, name), new Date('2020-01-01'), new Date('2020-01-01'))
  }
  t.match(await run('undo', 'alice/old', '--at', '3 days ago'), { code: 0, out: /is so already/ })
  t.equal((await served('/calendars/users/alice/old/')).length, 2)
  t.match(await run('undo', 'alice/old', '--at', '2020-02-02'), { code: 0, out: /is so already/ })
})

const look = '<propertyupdate xmlns="DAV:"><set><prop><displayname>Work &amp; play</displayname><calendar-color xmlns="http://apple.com/ns/ical/">#FF0000FF</calendar-color></prop></set></propertyupdate>'

t.test('a calendar that was deleted comes back whole', async t => {
  const { run, put, remove, served, moment, ask, documents } = await town(t)
  const directory = join(documents, 'calendars/users/alice/work')
  t.match((await ask('PROPPATCH', works, { body: look })).body, '200 OK')
  t.match(await run('access', 'alice/work', '--grant', 'bob=read'), { code: 0 })
  const early = await moment()
  await put('b.ics', 'b', 'second')
  for (let number = 1; number <= 18; number++) await put(`e${number}.ics`, `e${number}`)
  const [before, attributes, tag] = [await served(), [...properties(directory, '')], (await ask('GET', `${works}a.ics`)).headers['etag']]
  const modified = statSync(join(directory, 'a.ics')).mtimeMs
  t.equal(before.length, 20)
  const token = /sync-token>([^<]+)</.exec((await ask('PROPFIND', '/calendars/users/alice/', { headers: { depth: '0' }, body: '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>' })).body)?.[1] ?? ''
  t.equal(await remove(works), 204)
  t.equal((await ask('PROPFIND', works, { headers: { depth: '0' } })).status, 404)
  t.match((await run('trash', 'list')).out, /\n1 +\S+ \S+ +users\/alice\/work +.* +calendar, 20 events\n$/)
  t.match((await run('history', 'alice/work')).out, /^users\/alice\/work: not there now\n\n[^]*\n1 .* deleted +\(the calendar\) +20 events\n[^]*overwritten +b\.ics/)
  t.match((await run('history', 'alice/work/b.ics')).out, /now +not there\n1 .* deleted with users\/alice\/work .* second\n2 .*overwritten .* b\n/)
  t.match(await run('undo', 'alice/work/b.ics'), { code: 1, err: /was deleted with all it held: caldavd undo users\/alice\/work brings/ })
  t.match(await run('undo', 'alice/work', '-n'), { code: 0, out: /^Would bring back users\/alice\/work \("Work & play"\) with 20 events/ })
  t.notOk(existsSync(directory))

  t.match(await run('undo', 'alice/work/b.ics', '--into', 'calendar'), { code: 0, out: /brought back +users\/alice\/calendar\/b\.ics +second/ })
  t.match(await run('undo', 'users/alice/work'), { code: 0, out: /^Brought back users\/alice\/work \("Work & play"\) with 20 events/, err: '' })
  const { out } = await run('history', 'alice/work', '--limit', '0')
  t.match(out, /\n1 .* made +\(the calendar\)\n2 .* deleted +\(the calendar\) +20 events\n/)
  t.equal(out.match(/ added /g)?.length, 20, 'it came back as one thing')
  t.same(await served(), before)
  t.same([...properties(directory, '')].sort(), attributes.sort())
  t.equal((await ask('GET', `${works}a.ics`)).headers['etag'], tag)
  t.ok(Math.abs(statSync(join(directory, 'a.ics')).mtimeMs - modified) < 2)
  t.equal((await ask('GET', `${works}a.ics`, { user: 'bob' })).status, 200, 'shared as before')
  const sync = await ask('REPORT', '/calendars/users/alice/', { headers: { depth: '1' }, body: `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><resourcetype/></prop></sync-collection>` })
  t.match(sync.body, /<(?:\w+:)?href>\/calendars\/users\/alice\/work\//)
  t.match(await run('trash', 'list'), { code: 0, out: 'Nothing that was deleted is kept\n' })
  await remove(`${works}e18.ics`)
  t.match(await run('trash', 'list'), { code: 0, out: /^#.*\n1 .* users\/alice\/work\/e18\.ics .*\n$/ }, 'what was brought back and deleted again counts once')
  t.match(await run('undo', 'alice/work'), { code: 1, err: /is there\. Say with --at to what time it shall go back\.\nLately happened/ })
  await run('trash', 'restore', '1')

  // once more, as it was earlier; then made anew by a client
  await remove(works)
  t.match(await run('undo', 'alice/work', '--at', early, '--into', 'early'), { code: 0, out: /^Brought back users\/alice\/early .* with 2 events/ })
  t.same(await served('/calendars/users/alice/early/'), ['a.ics a', 'b.ics b'])
  await ask('MKCALENDAR', works)
  t.equal(await put('a-again.ics', 'a', 'anew'), 201, 'a PUT with the UID of a deleted event just works')
  await put('e1.ics', 'different')
  t.match(await run('undo', 'alice/work'), { code: 1, err: /A calendar of this name with 20 events was deleted at .*, and this one was made since[^]*--into NAME[^]*--merge/ })
  t.match(await run('trash', 'list'), { out: /calendar, 20 events; another was made since, without 19 of them\n/ })
  t.match(await run('trash', 'restore', '1'), { code: 1, err: /was made anew since: caldavd undo users\/alice\/work --merge/ })
  t.match(await run('undo', 'alice/work', '--into', 'early'), { code: 1, err: /early is there already/ })
  t.match(await run('undo', 'alice/work', '--into', 'former'), { code: 0, out: /^Brought back users\/alice\/former \("Work & play"\) with 20 events/ })
  t.equal((await served('/calendars/users/alice/former/')).length, 20)
  t.match(await run('undo', 'alice/work', '--merge'), { code: 0 })
  const merged = await served()
  t.equal(merged.length, 21)
  t.ok(merged.includes('e1-2.ics e1') && merged.includes('a-again.ics anew') && !merged.includes('a.ics a'))
  t.match(await run('undo', 'alice/work', '--merge'), { code: 0, out: '' }, 'and again changes nothing')
})

t.test('a calendar that was removed by hand', async t => {
  const { run, served, documents, ask } = await town(t)
  await ask('PROPPATCH', works, { body: look })
  rmSync(join(documents, 'calendars/users/alice/work'), { recursive: true })
  t.match(await run('undo', 'alice/work'), { code: 0, out: /^Brought back users\/alice\/work \("Work & play"\) with 2 events/ })
  t.same(await served(), ['a.ics a', 'b.ics b'])
  t.match((await ask('PROPFIND', works, { headers: { depth: '0' } })).body, 'Work &amp; play')
})

/** The built command, on the tree of a test. */
const program = join(import.meta.dirname, '../../../dist/bin/caldavd.js')
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:CALDAVD_|NODE_OPTIONS|TAP|_TAPJS)/.test(name)))

t.test('undo that is killed leaves the calendar whole or not there, and is done by the next one', async t => {
  const { served, put, remove, documents, run, data } = await town(t)
  const directory = join(documents, 'calendars/users/alice/work')
  for (let number = 0; number < 60; number++) await put(`e${number}.ics`, `e${number}`)
  const before = await served()
  let killed = 0
  for (let round = 0; round < 3; round++) {
    t.equal(await remove(works), 204)
    const child = spawn(process.execPath, [program, 'undo', 'alice/work', '--data', data], { env: environment, stdio: 'ignore' })
    const gone = once(child, 'exit')
    // the copy is being made, out of sight
    const drafts = join(documents, '.drafts')
    for (let wait = 0; wait < 2000 && child.exitCode === null && readdirSync(drafts).length === 0; wait++) await sleep(2)
    await sleep(round * 5)
    child.kill('SIGKILL')
    await gone
    const found = existsSync(directory) ? readdirSync(directory).filter(name => name.endsWith('.ics')).length : 0
    t.ok(found === 0 || found === before.length, `${found} of ${before.length}`)
    if (found === 0) {
      killed++
      t.match(await run('undo', 'alice/work'), { code: 0, out: /with 62 events/ })
    }
    t.same(await served(), before)
    rmSync(drafts, { recursive: true })
    mkdirSync(drafts)
  }
  t.ok(killed > 0, `${killed} were killed in the middle`)
})

t.test('a server that runs shows at once what was brought back', async t => {
  // not a testdir: that is removed before the server is stopped
  const data = mkdtempSync(join(tmpdir(), 'caldavd-'))
  mkdirSync(join(data, 'conf'))
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\npassword = "plain:alice"\n')
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--port', '0'], { env: environment })
  const gone = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await gone
    rmSync(data, { recursive: true, force: true })
  })
  let text = ''
  child.stdout.on('data', chunk => { text += String(chunk) })
  for (let wait = 0; wait < 600 && !text.includes('calendars are in'); wait++) await sleep(50)
  const url = /Address +(\S+)/.exec(text)?.[1] ?? `nothing: ${text}`
  const ask = async (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<{ status: number, body: string }> => {
    const answer = await fetch(`${url}${path}`, { method, headers: { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}`, ...headers }, ...body === undefined ? {} : { body } })
    return { status: answer.status, body: await answer.text() }
  }
  const work = 'calendars/users/alice/work/'
  t.equal((await ask('MKCALENDAR', work)).status, 201)
  await ask('PROPPATCH', work, look)
  for (let number = 0; number < 20; number++) t.equal((await ask('PUT', `${work}e${number}.ics`, event(`e${number}`), calendarType)).status, 201)
  const command = (...words: string[]): { status: number | null, stdout: string, stderr: string } => spawnSync(process.execPath, [program, ...words, '--data', data], { encoding: 'utf8', env: environment, timeout: 20_000 })
  const sync = async (token: string): Promise<{ token: string, found: string[] }> => {
    const { body } = await ask('REPORT', work, `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`)
    return { token: /sync-token>([^<]*)</.exec(body)?.[1] ?? body, found: [...body.matchAll(/<(?:\w+:)?href>[^<]*?([^/<]+\.ics)<[^]*?(404|200)/g)].map(([, name, status]) => `${name ?? ''} ${status ?? ''}`).sort() }
  }
  const first = await sync('')
  t.equal(first.found.length, 20)
  t.equal((await ask('DELETE', work)).status, 204)
  t.match(command('undo', 'alice/work'), { status: 0, stdout: /^Brought back users\/alice\/work \("Work & play"\) with 20 events/, stderr: '' })
  t.match((await ask('PROPFIND', work, '<propfind xmlns="DAV:"><prop><displayname/><calendar-color xmlns="http://apple.com/ns/ical/"/></prop></propfind>', { depth: '0' })).body, /Work &amp; play[^]*#FF0000FF/)
  const second = await sync('')
  t.same(second.found, first.found)
  await ask('DELETE', `${work}e7.ics`)
  await ask('PUT', `${work}e8.ics`, event('e8', { SUMMARY: 'other' }), calendarType)
  const third = await sync(second.token)
  t.same(third.found, ['e7.ics 404', 'e8.ics 200'])
  t.match(command('undo', 'alice/work', '--at', '2'), { status: 0, stdout: /changed back +users\/alice\/work\/e8\.ics +e8\n +brought back +users\/alice\/work\/e7\.ics +e7\n/, stderr: '' })
  t.same((await sync(third.token)).found, ['e7.ics 200', 'e8.ics 200'])
  t.match((await ask('GET', `${work}e8.ics`)).body, 'SUMMARY:e8\r\n')
})

t.test('trash', async t => {
  const { run, type, put, remove, served, store } = await town(t)
  const history = store.writing.history.directory
  t.match(await run('trash', 'list'), { code: 0, out: 'Nothing that was deleted is kept\n' })
  await put('a.ics', 'a', 'second')
  await put('c.ics', 'c')
  await remove(`${works}a.ics`)
  await remove(`${works}b.ics`)
  t.match((await run('trash', 'list')).out, /^# +DELETED +HOW +WHAT +SIZE\n1 .*users\/alice\/work\/b\.ics .* b\n2 .*users\/alice\/work\/a\.ics .* second\n$/)
  t.match(JSON.parse((await run('trash', 'list', 'alice/work/a.ics', '--json')).out), [{ number: 2, path: 'users/alice/work/a.ics', kind: 'event', ended: 'deleted', summary: 'second' }])
  t.match(await run('trash', 'restore', '1', 'alice/work/a.ics'), { code: 0, out: /brought back +users\/alice\/work\/b\.ics +b\nbrought back +users\/alice\/work\/a\.ics +second\n/ })
  t.same(await served(), ['a.ics second', 'b.ics b', 'c.ics c'])
  t.match(await run('trash', 'restore', '1'), { code: 1, err: /no number 1 in caldavd trash list, which has 0/ })
  await put('c.ics', 'c', 'third')
  await remove(`${works}a.ics`)
  t.match(await run('trash', 'empty', '--older-than', '1h', '--yes'), { code: 0, out: 'Nothing that was deleted is kept\n' })
  t.match(await run('trash', 'empty'), { code: 2, err: /say --yes/ })
  t.match(await run('trash', 'empty', '-n'), { code: 0, out: /^Would remove for good: 0 calendars and 1 event \(/ })
  t.match(await type('n\n', 'trash', 'empty'), { code: 0, out: 'Nothing was removed\n', err: /\[y\/N\]/ })
  const versions = (): string[] => readdirSync(history, { recursive: true }).map(String).filter(name => /@/.test(name))
  t.ok(versions().some(name => name.includes('/a.ics@')))
  t.match(await type('y\n', 'trash', 'empty'), { code: 0, out: /^Removed for good: 0 calendars and 1 event/ })
  t.same([...new Set(versions().map(name => /([^/]*)@/.exec(name)?.[1]))], ['b.ics', 'c.ics'], 'all that was kept of it, and of nothing else')
  t.match(await run('undo', 'alice/work/a.ics'), { code: 1, err: /nothing of it is kept/ })
  await remove(works)
  t.match(await run('trash', 'empty', 'alice/work', '--yes'), { code: 0, out: /^Removed for good: 1 calendar and 0 events/ })
  t.same(versions(), [])
})

t.test('what goes wrong is said in a line', async t => {
  const { run, put, documents } = await town(t)
  await put('standup.ics', 's')
  await put('standup.ics', 's', 'second')
  for (const [why, words, code, says] of [
    ['never there', ['undo', 'alice/work/stndup.ics'], 1, /^caldavd: users\/alice\/work\/stndup\.ics is not there and nothing of it is kept; did you mean users\/alice\/work\/standup\.ics\?\n$/],
    ['no such calendar', ['undo', 'alice/xyzzy'], 1, /there is, or was: users\/alice\/\w+/],
    ['nobody', ['history', 'eve/work/a.ics'], 1, /users\/eve\/work\/a\.ics is not there and nothing of it is kept/],
    ['never changed', ['undo', 'alice/work/a.ics'], 1, /has not been changed as long as there is a history of it/],
    ['no number', ['undo', 'alice/work/standup.ics', '--at', '7'], 1, /has 1 former versions, and no number 7/],
    ['no time', ['undo', 'alice/work/standup.ics', '--at', 'teatime'], 2, /"teatime" is no time: expected one like/],
    ['to come', ['undo', 'alice/work/standup.ics', '--at', '2999-01-01'], 2, /still to come/],
    ['before everything', ['undo', 'alice/work/standup.ics', '--at', '2001-01-01'], 1, /the history goes back 30 days/],
    ['a home', ['undo', 'alice', '--at', '1 hour ago'], 1, /undo the calendars in it one by one/],
    ['a path that leads out', ['history', 'alice/../bob'], 1, /no path of a calendar/],
    ['a file elsewhere', ['history', '/etc/passwd'], 1, /\/etc\/passwd is not below/],
    ['nothing', ['history', '/'], 1, /expected|not below/],
    ['merge of an event', ['undo', 'alice/work/standup.ics', '--merge'], 1, /--merge is for calendars/],
    ['merge of what was not deleted', ['undo', 'alice/work', '--merge'], 1, /has not been deleted/],
    ['into nowhere', ['undo', 'alice/work/standup.ics', '--into', 'xyzzy'], 1, /xyzzy is not there/],
    ['diff of a calendar', ['diff', 'alice/work'], 1, /diff compares events/],
    ['diff at no time', ['diff', 'alice/work/standup.ics@teatime'], 2, /is no time/],
    ['no such word', ['trash', 'lst'], 2, /did you mean list\?/],
    ['age', ['trash', 'empty', '--older-than', 'long'], 2, /"long" is no time/],
    ['limit', ['history', 'alice/work', '--limit', 'x'], 2, /expected a number/]
  ] as const) {
    const { code: found, out, err } = await run(...words)
    t.match({ code: found, out, err }, { code, out: '', err: says }, why)
    t.equal(err.trim().split('\n').length, 1, `${why}: ${err}`)
  }
  t.equal(readFileSync(join(documents, 'calendars/users/alice/work/standup.ics'), 'utf8'), event('s', { SUMMARY: 'second' }))
  t.match(await run('undo', '--help'), { code: 0, out: /^caldavd undo PATH \[options\]/ })
})

t.test('moments', async t => {
  const now = new Date(2026, 10, 23, 12, 30, 15, 250).getTime()
  for (const [text, expected] of [
    ['2026-11-23 03:15', '2026-11-23 03:15:00.000'], ['2026-11-23 03:15:07', '2026-11-23 03:15:07.000'], ['2026-11-23T03:15:07.5', '2026-11-23 03:15:07.500'],
    ['2026-11-22', '2026-11-22 00:00:00.000'], ['10:30', '2026-11-23 10:30:00.000'], ['yesterday', '2026-11-22 12:30:15.250'], ['Yesterday 18:05', '2026-11-22 18:05:00.000'],
    ['today', '2026-11-23 00:00:00.000'], ['2 hours ago', '2026-11-23 10:30:15.250'], ['an hour ago', '2026-11-23 11:30:15.250'], ['15m', '2026-11-23 12:15:15.250'], ['3 days ago', '2026-11-20 12:30:15.250'],
    [new Date(2026, 10, 1).toISOString(), '2026-11-01 00:00:00.000']
  ] as const) {
    const when = readWhen(text, now)
    t.equal('at' in when ? momentText(when.at, true) : '', expected, text)
  }
  t.same(readWhen('3', now), { number: 3 })
  t.equal(readAge('2 weeks'), 14 * 86_400_000)
  for (const text of ['0', '25:00', '2026-13-01', '2026-02-30', '13:00', '', 'ago', '5 months ago', '-3 days']) t.throws(() => readWhen(text, now), { name: 'MomentError' }, text)
})

t.test('lines', async t => {
  const apply = (from: string, to: string): string => compare([...from], [...to]).lines.map(({ sign, text }) => sign + text).join('')
  t.equal(apply('abc', 'abc'), ' a b c')
  t.equal(apply('abcd', 'acxd'), ' a-b c+x d')
  t.equal(apply('', 'ab'), '+a+b')
  t.equal(hunks(compare([...'abcdefghijklmnopq'], [...'abXdefghijklmnoYq']).lines).map(({ head }) => head).join(), '@@ -1,6 +1,6 @@,@@ -13,5 +13,5 @@')
  const long = Array.from({ length: 5000 }, (_, at) => `line ${at}`)
  const { lines, isWhole } = compare(long, [...long].reverse())
  t.same([isWhole, lines.length], [true, 10_000])
  // whatever it finds, both texts are in it
  let seed = 7
  const random = (most: number): number => (seed = seed * 48271 % 2147483647) % most
  for (let round = 0; round < 200; round++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: random(12) }, () => String(random(4)))) as [string[], string[]]
    const { lines } = compare(a, b)
    t.same([lines.filter(({ sign }) => sign !== '+').map(({ text }) => text), lines.filter(({ sign }) => sign !== '-').map(({ text }) => text)], [a, b])
  }
})

t.test('all of it as JSON', async t => {
  const { run, put, remove, moment, served } = await town(t)
  const json = async (...words: string[]): Promise<unknown> => {
    const { code, out, err } = await run(...words, '--json')
    t.equal(code, 0, `${words.join(' ')}: ${err}`)
    return JSON.parse(out)
  }
  await put('a.ics', 'a', 'second')
  t.match(await json('diff', 'alice/work/a.ics'), { from: { path: 'users/alice/work/a.ics', isThere: true }, to: { when: 'now' }, isSame: false, hunks: [{ head: /^@@/, lines: [] }] })
  t.match(await json('diff', 'alice/work/a.ics@1', 'alice/work/a.ics@1'), { isSame: true, hunks: [] })
  t.match(await json('undo', 'alice/work/a.ics', '--dry-run'), { path: 'users/alice/work/a.ics', isDryRun: true, brought: null, steps: [{ what: 'changed back', path: 'users/alice/work/a.ics', summary: 'a' }], failed: [], takeBackWith: null })
  const before = await moment()
  await put('b.ics', 'b', 'later')
  const undone = await json('undo', 'alice/work', '--at', before) as { takeBackWith: string }
  t.match(undone, { steps: [{ path: 'users/alice/work/b.ics' }], asItWasAt: /^20.*Z$/ })
  t.same(await served(), ['a.ics second', 'b.ics b'])
  t.match(await json('undo', 'alice/work', '--at', undone.takeBackWith), { steps: [{ path: 'users/alice/work/b.ics' }] })
  t.same(await served(), ['a.ics second', 'b.ics later'], 'what was done can be taken back with what it says')
  await remove(works)
  t.match(await json('trash', 'restore', '1'), [{ path: 'users/alice/work', brought: { path: 'users/alice/work', events: 2 }, steps: [] }])
  t.same(await served(), ['a.ics second', 'b.ics later'])
  await remove(`${works}a.ics`)
  t.match(await json('trash', 'empty', '--dry-run'), { isRemoved: false, removed: [{ path: 'users/alice/work/a.ics' }] })
  t.match(await json('trash', 'empty', '--yes'), { isRemoved: true, removed: [{ path: 'users/alice/work/a.ics' }] })
  t.same(await json('trash', 'empty', '--yes'), { isRemoved: false, removed: [] })
  t.match(await json('access', 'alice/work', '--grant', 'bob=read'), { path: 'users/alice/work', access: [] })
  t.match((await json('access', 'alice/work') as { access: unknown[] }).access.find(one => (one as { who: string }).who.includes('bob')), { may: 'read' })
  t.match(await json('proxy', 'alice', '--read', 'bob'), { name: 'alice', proxies: [{ name: 'bob', may: 'read' }], actsFor: [] })
  t.match(await json('quota'), [{ name: 'alice', files: Number, bytes: Number, limit: null }])
})

t.test('no name steers a terminal', async t => {
  const { type, run, documents } = await town(t)
  const name = 'x\x1b]52;c;ZXZpbA==\x07\x9b2J.ics'
  writeFileSync(join(documents, works, name), event('evil', { SUMMARY: 'good' }))
  await type(' ', 'ls', 'alice/work')
  writeFileSync(join(documents, works, 'b.ics'), 'BEGIN:VCAL')
  const seen = await type(' ', 'ls', 'alice/work')
  t.match(seen.out, 'x?]52;c;ZXZpbA==??2J.ics')
  t.match(seen.out, '\x1b[1m [broken', 'our own colours are there')
  t.match((await run('ls', 'alice/work')).out, name, 'a pipe gets the name')
})
