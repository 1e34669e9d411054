import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { versions, versionsBelow } from '../../../store/history/list.js'
import { properties, setProperties } from '../../../store/property.js'
import { main } from '../../../server/cli/main.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'

// the real processes take their time
t.setTimeout(300_000)

const people = ['alice', 'bob']
const alice = '/calendars/users/alice/'

interface Town extends House {
  readonly data: string
  /** Absolute path of a copy of the documents, attributes included, made by `cp -a`. */
  readonly backUp: (name?: string) => string
  /** Runs `caldavd restore` with these words. */
  readonly restore: (...words: string[]) => Promise<{ code: number, out: string, err: string }>
  readonly put: (path: string, more?: Record<string, string>) => Promise<number>
  /** Every file of the documents with its bytes. */
  readonly tree: () => Record<string, string>
}

/** A house whose accounts are on the disk too; alice has a calendar `work` with a, b and c. */
async function town (t: Test): Promise<Town> {
  const home = await house(t, { users: people })
  const data = home.site.settings.data.directory
  mkdirSync(join(data, 'conf'), { recursive: true })
  writeFileSync(join(data, 'conf/accounts.toml'), people.map((name, number) => `[users.${name}]\nguid = "00000000-0000-0000-0000-00000000000${number + 1}"\n`).join(''))
  const backUp: Town['backUp'] = (name = 'backup') => {
    execFileSync('cp', ['-a', home.documents, join(data, name)])
    return join(data, name)
  }
  const restore: Town['restore'] = async (...words) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    let [out, err] = ['', '']
    stdout.on('data', chunk => { out += String(chunk) })
    stderr.on('data', chunk => { err += String(chunk) })
    const code = await main(['restore', ...words, '--data', data], { stdin, stdout, stderr, environment: { HOME: '/nowhere' } })
    return { code, out, err }
  }
  const put: Town['put'] = async (path, more = {}) => {
    const uid = path.slice(path.lastIndexOf('/') + 1).replace('.ics', '')
    return (await home.ask('PUT', alice + path, { body: event(uid, more), headers: calendarType })).status
  }
  const tree = (): Record<string, string> => Object.fromEntries(filesBelow(home.documents).map(file => [file, readFileSync(join(home.documents, file), 'latin1')]))
  await home.ask('MKCALENDAR', `${alice}work`)
  for (const name of ['a', 'b', 'c']) await put(`work/${name}.ics`)
  return { ...home, data, backUp, restore, put, tree }
}

function filesBelow (directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).filter(name => statSync(join(directory, name)).isFile()).sort()
}

const summary = (body: string | undefined): string | undefined => /SUMMARY:(.*)\r/.exec(body ?? '')?.[1]
const colour = '<propertyupdate xmlns="DAV:"><set><prop><displayname>Travels</displayname><calendar-color xmlns="http://apple.com/ns/ical/">#112233FF</calendar-color></prop></set></propertyupdate>'
const deletedOf = (run: { out: string }): unknown => (JSON.parse(run.out) as { collections: { path: string, deleted: { name: string }[] }[] }).collections.filter(one => one.deleted.length > 0).map(one => [one.path, one.deleted.map(({ name }) => name)])

t.test('what is missing comes back, what is newer here stays, what was deleted or moved here does not come twice', async t => {
  const { ask, put, backUp, restore, tree, documents, data, site } = await town(t)
  const home = join(documents, 'calendars/users/alice')
  for (const name of ['d', 'e', 'f', 'g']) await put(`work/${name}.ics`)
  await ask('MKCALENDAR', `${alice}travel`)
  await ask('PROPPATCH', `${alice}travel`, { body: colour })
  await put('travel/rome.ics')
  await ask('MKCOL', `${alice}papers`)
  await ask('PUT', `${alice}papers/notes.txt`, { body: 'one' })
  const backup = backUp()
  for (let day = 1; day <= 5; day++) await put(`work/new-${day}.ics`)
  await put('work/a.ics', { SEQUENCE: '1', SUMMARY: 'changed here' })
  await ask('DELETE', `${alice}work/b.ics`)
  await ask('MOVE', `${alice}work/c.ics`, { headers: { destination: `${alice}calendar/c.ics` } })
  rmSync(join(home, 'work/d.ics'))
  truncateSync(join(home, 'work/e.ics'), 40)
  appendFileSync(join(home, 'papers/notes.txt'), 'two')
  rmSync(join(home, 'travel'), { recursive: true })
  t.equal((await ask('GET', `${alice}work/e.ics`)).status, 200, 'a broken file is served as it was')
  t.equal((await ask('GET', `${alice}work/d.ics`)).status, 404)
  t.equal((await ask('GET', `${alice}travel/rome.ics`)).status, 404)

  const before = tree()
  const dry = await restore('--merge', backup, '--dry-run')
  t.match(dry, { code: 0, out: /alice\/work: 1 to bring back, 1 broken here, to mend, 3 the same, 1 kept because newer here, 1 moved to another calendar, 1 deleted here since the backup\n[^]*Nothing was written/, err: '' })
  t.match(dry.out, 'alice/travel: to be made again, 1 to bring back\n')
  t.same(tree(), before, 'nothing is written')

  const done = await restore('--merge', backup)
  t.match(done, { code: 0, err: '' })
  t.match(done.out, /alice\/work: 1 brought back, 1 broken here and mended, 3 the same, 1 kept because newer here, 1 moved to another calendar, 1 deleted here since the backup\n {2}c\.ics lies in calendar now\n {2}deleted since, and left so: b\.ics \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\); --deleted brings it back\n/)
  t.match(done.out, 'alice/travel: made again, 1 brought back\n')
  t.match(done.out, 'alice/papers: 1 kept because newer here\n')
  for (const [path, expected] of Object.entries({ 'work/a.ics': 'changed here', 'work/b.ics': undefined, 'work/c.ics': undefined, 'calendar/c.ics': 'c', 'work/d.ics': 'd', 'work/e.ics': 'e', 'work/new-5.ics': 'new-5', 'travel/rome.ics': 'rome' })) {
    t.equal(summary((await ask('GET', alice + path)).body), expected, path)
  }
  t.equal(readFileSync(join(home, 'work/e.ics'), 'utf8'), event('e'))
  t.match(properties(join(home, 'travel'), ''), new Map([['{http://apple.com/ns/ical/}calendar-color', /#112233FF/], ['{DAV:}displayname', /Travels/]]))
  t.same(readFileSync(join(home, 'papers/notes.txt'), 'utf8'), 'onetwo')
  const losers = versions(site.settings.history.directory, 'calendars/users/alice/papers/notes.txt')
  t.ok(losers.some(({ file }) => readFileSync(file, 'utf8') === 'one'), 'what loses is in the history')
  t.ok(versions(site.settings.history.directory, 'calendars/users/alice/work/e.ics').some(({ file }) => statSync(file).size === 40), 'and the broken file')

  const [after, kept] = [tree(), versionsBelow(site.settings.history.directory, 'calendars').length]
  t.match(await restore('--merge', backup), { code: 0, out: /Nothing had to be brought back/ })
  t.same(tree(), after, 'again: nothing changes')
  t.equal(versionsBelow(site.settings.history.directory, 'calendars').length, kept)

  t.same(deletedOf(await restore('--merge', backup, '--json', '--dry-run')), [['alice/work', ['b.ics']]])
  t.match(await restore('--merge', backup, '--deleted'), { code: 0, out: /alice\/work: 1 brought back/ })
  t.equal(summary((await ask('GET', `${alice}work/b.ics`)).body), 'b')
  t.ok(existsSync(data))
})

t.test('the newer of both: by what they say, then by the history, then by time', async t => {
  const { ask, put, backUp, restore, site } = await town(t)
  await put('work/a.ics', { SEQUENCE: '2', SUMMARY: 'newer in the backup' })
  await put('work/b.ics', { SUMMARY: 'former' })
  await put('work/d.ics')
  const backup = backUp()
  await put('work/a.ics', { SEQUENCE: '1', SUMMARY: 'older here' })
  await put('work/b.ics', { SUMMARY: 'came after' })
  const copy = join(backup, 'calendars/users/alice/work')
  // what tells nothing itself, and nobody has seen: the time of the file
  writeFileSync(join(copy, 'c.ics'), event('c', { SUMMARY: 'late' }))
  writeFileSync(join(copy, 'd.ics'), event('d', { SUMMARY: 'early' }))
  for (const name of ['b', 'c']) utimesSync(join(copy, `${name}.ics`), 2_000_000_000, 2_000_000_000)
  utimesSync(join(copy, 'd.ics'), 1_000_000_000, 1_000_000_000)
  const done = await restore('--merge', backup)
  t.match(done, { code: 0, out: /alice\/work: 2 replaced by newer ones of the backup, 2 kept because newer here\n/ })
  t.match(done.out, /in the history: caldavd history/)
  for (const [name, expected] of Object.entries({ a: 'newer in the backup', b: 'came after', c: 'late', d: 'd' })) t.equal(summary((await ask('GET', `${alice}work/${name}.ics`)).body), expected, name)
  for (const [name, loser] of Object.entries({ a: 'older here', b: 'former', c: 'c', d: 'early' })) {
    const former = versions(site.settings.history.directory, `calendars/users/alice/work/${name}.ics`).map(({ file }) => summary(readFileSync(file, 'utf8')))
    t.equal(former.filter(one => one === loser).length, 1, `what lost is in the history, once: ${name}`)
  }
})

t.test('what a client deleted since the backup is known by its path, its UID or its bytes; what vanished by hand was not deleted', async t => {
  const { ask, put, backUp, restore, documents, store } = await town(t)
  const home = join(documents, 'calendars/users/alice')
  await put('work/d.ics')
  await put('work/e.ics')
  await ask('MKCOL', `${alice}papers`)
  for (const name of ['gone', 'lost']) await ask('PUT', `${alice}papers/${name}.txt`, { body: name })
  await ask('MKCALENDAR', `${alice}travel`)
  await put('travel/rome.ics')
  const backup = backUp()
  await ask('DELETE', `${alice}work/a.ics`)
  await ask('MOVE', `${alice}work/b.ics`, { headers: { destination: `${alice}calendar/b.ics` } })
  await ask('DELETE', `${alice}calendar/b.ics`)
  await ask('DELETE', `${alice}work/c.ics`)
  await put('work/c.ics', { SUMMARY: 'again' })
  await put('work/e.ics', { SUMMARY: 'newer', SEQUENCE: '1' })
  await ask('DELETE', `${alice}work/d.ics`)
  await ask('DELETE', `${alice}papers/gone.txt`)
  await ask('DELETE', `${alice}travel`)
  for (const path of ['work/c.ics', 'work/e.ics', 'papers/lost.txt']) {
    rmSync(join(home, path))
    t.equal((await ask('GET', alice + path)).status, 404)
  }
  await store.home(['calendars', 'users', 'alice'])?.idle()
  // a copy that lost the times
  for (const path of ['work/a.ics', 'travel/rome.ics', 'travel', 'papers/gone.txt']) utimesSync(join(backup, 'calendars/users/alice', path), 2_000_000_000, 2_000_000_000)
  const done = await restore('--merge', backup, '--json')
  t.same(deletedOf(done), [['alice/papers', ['gone.txt']], ['alice/work', ['a.ics', 'b.ics', 'd.ics']]])
  t.match(JSON.parse(done.out), { collections: [{ path: 'alice' }, { path: 'alice/calendar' }, { path: 'alice/inbox' }, { path: 'alice/outbox' },
    { path: 'alice/papers', broughtBack: ['lost.txt'] }, { path: 'alice/tasks' }, { path: 'alice/travel', state: 'deleted', deletedAt: /^20/ }, { path: 'alice/work', broughtBack: ['c.ics', 'e.ics'], fromHistory: ['c.ics', 'e.ics'] }] })
  for (const [name, expected] of Object.entries({ c: 'again', e: 'newer' })) t.equal(summary((await ask('GET', `${alice}work/${name}.ics`)).body), expected, 'the newer of both is that of the history')
})

t.test('broken files of a backup replace nothing', async t => {
  const { ask, put, backUp, restore, tree, documents } = await town(t)
  await put('work/d.ics')
  const backup = backUp()
  const copy = join(backup, 'calendars/users/alice/work')
  truncateSync(join(copy, 'a.ics'), 0)
  truncateSync(join(copy, 'b.ics'), 60)
  truncateSync(join(copy, 'd.ics'), 60)
  writeFileSync(join(copy, '.c.ics.Ab3dEf'), 'half')
  symlinkSync('/etc/passwd', join(copy, 'link.ics'))
  symlinkSync(join(backup, 'calendars/users/alice/calendar'), join(backup, 'calendars/users/alice/linked'))
  writeFileSync(join(copy, 'page.ics'), '<html></html>')
  execFileSync('mkfifo', [join(copy, 'pipe.ics')])
  rmSync(join(documents, 'calendars/users/alice/work/d.ics'))
  await ask('GET', `${alice}work/d.ics`)
  const before = tree()
  const done = await restore('--merge', backup)
  t.equal(done.code, 1, 'd.ics and page.ics are nowhere')
  for (const line of [
    / {2}a\.ics of the backup: it is empty\n/, / {2}b\.ics of the backup: line \d+: expected [^\n]*\n/, / {2}d\.ics of the backup: line [^\n]*; it is not here either\n/,
    / {2}page\.ics of the backup: line 1: expected [^\n]*not here either/, / {2}link\.ics of the backup: it is a link/, / {2}pipe\.ics of the backup: it is no regular file/,
    / {2}\.c\.ics\.Ab3dEf of the backup: a copying tool has not finished it/, /alice: 1 of the backup cannot be used\n {2}linked of the backup: it is a link/
  ]) t.match(done.out, line)
  t.same(tree(), before)
})

t.test('one home or one calendar, with or without attributes, under its own name or another', async t => {
  const { ask, put, backUp, restore, documents, data } = await town(t)
  await ask('PROPPATCH', `${alice}work`, { body: colour })
  await put('calendar/x.ics')
  const backup = backUp()
  const plain = join(data, 'plain')
  cpSync(join(backup, 'calendars/users/alice'), plain, { recursive: true })
  t.equal(properties(join(plain, 'work'), '').size > 2, true, 'the sidecar was copied')
  rmSync(join(documents, 'calendars/users/alice/work'), { recursive: true })
  rmSync(join(documents, 'calendars/users/alice/calendar/x.ics'))
  await ask('GET', `${alice}work/`)

  t.match(await restore('--merge', backup, '--into', 'alice/work'), { code: 0, out: /^alice\/work: made again, 3 brought back\n$/ })
  t.equal((await ask('GET', `${alice}calendar/x.ics`)).status, 404, 'only what was asked for')
  t.match(await restore('--merge', plain, '--into', 'alice'), { code: 0, out: /alice\/calendar: 1 brought back\n[^]*alice\/work: 3 the same\n/ })

  await ask('DELETE', `${alice}work`)
  t.match(await restore('--merge', join(plain, 'work'), '--into', 'alice/work'), { code: 0, out: /was deleted here on [^]* stays deleted; --deleted brings it back\n/ })
  t.equal((await ask('PROPFIND', `${alice}work`)).status, 404)
  t.match(await restore('--merge', join(plain, 'work'), '--into', 'users/alice/work', '--deleted'), { code: 0, out: /^alice\/work: made again, 3 brought back\n$/ })
  t.match(properties(join(documents, 'calendars/users/alice/work'), ''), new Map([['{DAV:}displayname', /Travels/]]))

  t.match(await restore('--merge', join(plain, 'work'), '--into', 'bob/of-alice'), { code: 0, out: /^bob\/of-alice: made again, 3 brought back\n$/ }, 'its path says nothing of alice')
  const home = join(backup, 'calendars/users/alice')
  const refused = await restore('--merge', join(home, 'work'), '--into', 'bob/mine')
  t.match(refused, { code: 1, out: '', err: /is, by its path, the backup of alice, not of bob: nothing was done\. Name the right directory, or --into alice\/work; --foreign takes it all the same\n$/ })
  t.notOk(existsSync(join(documents, 'calendars/users/bob/mine')))
  t.match(await restore('--merge', join(home, 'work'), '--into', 'bob/mine', '--foreign'), { code: 0, out: /moved|brought back/ })
})

t.test('a renamed calendar is not made twice; one that lost its properties gets them back; access that was revoked does not', async t => {
  const { ask, put, backUp, restore, documents, data } = await town(t)
  await ask('MKCALENDAR', `${alice}travel`)
  await put('travel/rome.ics')
  await ask('PROPPATCH', `${alice}travel`, { body: colour })
  await setProperties(join(documents, 'calendars/users/alice/work'), '', new Map([['{DAV:}description', '<description xmlns="DAV:">given</description>']]))
  const backup = backUp()
  await ask('MOVE', `${alice}work`, { headers: { destination: `${alice}job` } })
  const travel = join(documents, 'calendars/users/alice/travel')
  renameSync(travel, join(data, 'away'))
  mkdirSync(travel)
  writeFileSync(join(travel, 'rome.ics'), readFileSync(join(data, 'away/rome.ics')))
  await setProperties(join(documents, 'calendars/users/alice/job'), '', new Map([['{DAV:}description', undefined]]))
  const done = await restore('--merge', backup)
  t.match(done, { code: 0, out: /alice\/work: is not made again, all its events lie elsewhere: job\n/ })
  t.notOk(existsSync(join(documents, 'calendars/users/alice/work')))
  t.match(properties(travel, ''), new Map([['{DAV:}displayname', /Travels/]]))
  await ask('MOVE', `${alice}job`, { headers: { destination: `${alice}work` } })
  t.match(await restore('--merge', backup), { code: 0, out: /alice\/work: 3 the same\n/ })
  t.notOk(properties(join(documents, 'calendars/users/alice/work'), '').has('{DAV:}description'), 'what is missing among others was taken away')
})

t.test('names that others have, and files that never could be read, are no obstacle', async t => {
  const { ask, backUp, restore, documents, site } = await town(t)
  const work = join(documents, 'calendars/users/alice/work')
  const backup = backUp()
  for (const name of ['a', 'b']) rmSync(join(work, `${name}.ics`))
  await ask('GET', `${alice}work/a.ics`)
  await ask('GET', `${alice}work/b.ics`)
  writeFileSync(join(work, 'a.ics'), event('another'))
  writeFileSync(join(work, 'b.ics'), 'BEGIN:VCAL')
  const done = await restore('--merge', backup)
  t.match(done, { code: 0, out: /alice\/work: 2 brought back, 1 the same\n {2}a\.ics is now a-2\.ics, because another event has its name\n/ })
  t.equal(readFileSync(join(work, 'a.ics'), 'utf8'), event('another'))
  t.equal(readFileSync(join(work, 'a-2.ics'), 'utf8'), event('a'))
  t.equal(summary((await ask('GET', `${alice}work/b.ics`)).body), 'b')
  t.ok(versions(site.settings.history.directory, 'calendars/users/alice/work/b.ics').some(({ file }) => readFileSync(file, 'utf8') === 'BEGIN:VCAL'))
})

t.test('homes without an account are left out, unless they are asked for', async t => {
  const { backUp, restore, documents } = await town(t)
  const backup = backUp()
  cpSync(join(backup, 'calendars/users/alice'), join(backup, 'calendars/users/carol'), { recursive: true })
  cpSync(join(backup, 'calendars/users/alice'), join(backup, 'calendars/public/holidays'), { recursive: true })
  const done = await restore('--merge', backup)
  t.match(done, { code: 1, out: /\ncarol: left out, there is no such account here: add it, or take it all the same with --all-homes\n/ })
  t.match(done.out, /public\/holidays: made again/)
  t.notOk(existsSync(join(documents, 'calendars/users/carol')))
  t.match(await restore('--merge', backup, '--all-homes'), { code: 0, out: /\ncarol\/work: made again, 3 brought back\n/ })
  t.equal(readFileSync(join(documents, 'calendars/users/carol/work/a.ics'), 'utf8'), event('a'))
})

t.test('what is no backup, or not the right one, is refused with what to do', async t => {
  const { backUp, restore, tree, documents, data, ask } = await town(t)
  const backup = backUp()
  const before = tree()
  mkdirSync(join(data, 'empty'))
  mkdirSync(join(data, 'hollow/documents/calendars'), { recursive: true })
  mkdirSync(join(data, 'photos'))
  writeFileSync(join(data, 'photos/1.jpg'), '')
  writeFileSync(join(data, 'all.tar'), '')
  symlinkSync(backup, join(data, 'latest'))
  const home = join(backup, 'calendars/users/alice')
  for (const [why, words, expected, code = 1] of [
    ['without --merge', [backup], /would make every phone delete what came since\. "caldavd restore --merge .*backup" brings back/, 2],
    ['nothing', [], /expected --merge BACKUPDIR, --merge, or --accept/, 2],
    ['both ways', ['--merge', '--accept'], /one of them/, 2],
    ['not there', ['--merge', join(data, 'gone')], /gone is not there/],
    ['an archive', ['--merge', join(data, 'all.tar')], /is a file and no directory: unpack it first/],
    ['empty', ['--merge', join(data, 'empty')], /is no backup of calendars: expected .*; it is empty/],
    ['something else', ['--merge', join(data, 'photos')], /is no backup of calendars: .* there is 1\.jpg/],
    ['half copied', ['--merge', join(data, 'hollow')], /holds no homes: is the backup half copied\?/],
    ['the tree itself', ['--merge', documents], /is the tree that is served/],
    ['the data directory itself', ['--merge', data], /is the tree that is served/],
    ['inside of the tree', ['--merge', join(documents, 'calendars/users/alice'), '--into', 'alice'], /lies in the documents that are served/],
    ['calendars/ of the tree', ['--merge', join(documents, 'calendars')], /lies in the documents that are served/],
    ['a home without --into', ['--merge', home], /is one home \(by its path that of alice\) and no whole tree: say where it belongs, such as --into alice/],
    ['a calendar into a home', ['--merge', join(home, 'work'), '--into', 'alice'], /is a calendar and no home: .* --into alice\/work/],
    ['a home into a calendar', ['--merge', home, '--into', 'alice/work'], /is a home and alice\/work is one calendar; name one of its directories: calendar, /],
    ['nobody', ['--merge', backup, '--into', 'alicia'], /there is no account alicia, did you mean alice\?/],
    ['not in the backup', ['--merge', backup, '--into', 'alice/wrok'], /the backup has no alice\/wrok; it has calendar, inbox, outbox, tasks, work/],
    ["another's", ['--merge', home, '--into', 'bob'], /is, by its path, the backup of alice, not of bob/],
    ["a tree without that user", ['--merge', backup, '--into', 'bob'], /the backup has no bob; it has alice/],
    ['held in nothing', ['--merge', '--into', 'alice/gone'], /alice\/gone is not there/]
  ] as const) {
    t.match(await restore(...words), { code, out: '', err: expected }, why)
    t.same(tree(), before, why)
  }
  for (const words of [['--merge', join(data, 'latest')], ['--merge', join(backup, 'calendars')], ['--merge', backup, '--into', 'alice']]) t.match(await restore(...words), { code: 0, out: /Nothing had to be brought back/ }, words.join(' '))
  t.match(await restore('--merge'), { code: 0, out: 'Nothing is held: what is served is what lies on the disk\n' })
  t.equal((await ask('GET', `${alice}work/a.ics`)).status, 200)
})

/** What names data for tests is no setting of the server, which would say so. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CALDAVD_')))
const program = join(import.meta.dirname, '../../../dist/bin/caldavd.js')
const basic = { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}` }

/** A real server on a data directory. */
class Server {
  #child: ChildProcess | undefined
  #url = ''

  constructor (readonly data: string) {
    mkdirSync(join(data, 'conf'), { recursive: true })
    writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\nguid = "g-alice"\npassword = "plain:alice"\n')
  }

  async start (): Promise<void> {
    const child = spawn(process.execPath, [program, 'serve', '--data', this.data, '--port', '0'], { env })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { text += String(chunk) })
    this.#child = child
    for (let wait = 0; wait < 400 && !text.includes('calendars are in'); wait++) await new Promise(resolve => setTimeout(resolve, 50))
    this.#url = (/Address +(\S+)\//.exec(text)?.[1] ?? `nothing: ${text}`)
  }

  async stop (): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => { child.once('exit', resolve) })
    child.kill('SIGTERM')
    await ended
  }

  async ask (method: string, name: string, body?: string, headers: Record<string, string> = {}): Promise<{ status: number, body: string }> {
    const answer = await fetch(`${this.#url}${alice}work/${name}`, { method, headers: { ...basic, ...headers }, ...body === undefined ? {} : { body } })
    return { status: answer.status, body: await answer.text() }
  }

  async put (uid: string, more: Record<string, string> = {}): Promise<number> {
    return (await this.ask('PUT', `${uid}.ics`, event(uid, more), calendarType)).status
  }

  /** What a client hears since a token: names of what is there and of what is gone, and the next token. */
  async sync (token = ''): Promise<{ status: number, there: string[], gone: string[], token: string, body: string }> {
    const { status, body } = await this.ask('REPORT', '', `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`, { depth: '0' })
    const rows = [...body.matchAll(/<(?:\w+:)?response>([^]*?)<\/(?:\w+:)?response>/g)].map(([, row = '']) => ({ name: /([^/<]*)<\/(?:\w+:)?href>/.exec(row)?.[1] ?? '', isGone: row.includes('404') && !row.includes('getetag') }))
    const names = (isGone: boolean): string[] => rows.filter(row => row.isGone === isGone).map(({ name }) => name.replace('.ics', '')).sort()
    return { status, there: names(false), gone: names(true), token: /sync-token>([^<]*)</.exec(body)?.[1] ?? '', body }
  }

  /** Runs `caldavd restore` in a process of its own. */
  restore (...words: string[]): { code: number | null, out: string, err: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'restore', ...words, '--data', this.data], { encoding: 'utf8', timeout: 60_000, env })
    return { code: status, out: stdout, err: stderr }
  }

  /** Waits until a name is answered so. */
  async until (name: string, status: number): Promise<void> {
    for (let wait = 0; wait < 200 && (await this.ask('GET', name)).status !== status; wait++) await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** A server with old-1 … old-6, a backup of it, and what came after: five new, two changed, one deleted. */
async function lived (t: Test): Promise<{ server: Server, work: string, backup: string, documents: string }> {
  const server = new Server(mkdtempSync(join(tmpdir(), 'caldavd-')))
  t.teardown(async () => {
    await server.stop()
    rmSync(server.data, { recursive: true, force: true })
  })
  const documents = join(server.data, 'documents')
  const backup = join(server.data, 'backup')
  await server.start()
  await server.ask('MKCALENDAR', '')
  for (let number = 1; number <= 6; number++) await server.put(`old-${number}`)
  execFileSync('cp', ['-a', documents, backup])
  // it was made an hour ago
  execFileSync('find', [backup, '-exec', 'touch', '-h', '-d', '1 hour ago', '{}', '+'])
  for (let number = 1; number <= 5; number++) await server.put(`new-${number}`)
  for (const name of ['old-1', 'old-2']) await server.put(name, { SEQUENCE: '1', SUMMARY: 'changed' })
  await server.ask('DELETE', 'old-3.ics')
  return { server, work: join(documents, 'calendars/users/alice/work'), backup, documents }
}

const fives = [1, 2, 3, 4, 5].map(number => `new-${number}`)

t.test('real processes: files are lost while the server runs, and come back from the backup', async t => {
  const { server, work, backup } = await lived(t)
  const { token } = await server.sync()
  for (const name of ['old-4', 'old-5']) rmSync(join(work, `${name}.ics`))
  truncateSync(join(work, 'old-1.ics'), 50)
  truncateSync(join(work, 'old-6.ics'), 0)
  await server.until('old-5.ics', 404)
  const { code, out, err } = server.restore('--merge', backup)
  t.match({ code, err, out }, { code: 0, err: '', out: /alice\/work: 2 brought back, 2 broken here and mended, 1 the same, 2 kept because newer here, 1 deleted here since the backup\n/ })
  await server.until('old-5.ics', 200)
  const all = [...fives, 'old-1', 'old-2', 'old-4', 'old-5', 'old-6']
  const now = await server.sync()
  t.same(now.there.filter(name => name !== ''), all)
  for (const name of ['old-1', 'old-2']) t.equal(summary(readFileSync(join(work, `${name}.ics`), 'utf8')), 'changed')
  const news = await server.sync(token)
  t.same([news.status, news.there, news.gone], [207, ['old-4', 'old-5'], []], 'who had synchronised hears of what was lost and came back, and of nothing else')
  t.match(server.restore('--merge', backup), { code: 0, out: /Nothing had to be brought back/ })
  t.same((await server.sync(now.token)).there, [])
})

const ways: Readonly<Record<string, (backup: string, documents: string) => void>> = {
  'rsync -a --delete': (backup, documents) => { execFileSync('rsync', ['-a', '--delete', `${backup}/`, `${documents}/`]) },
  'rm and cp -a': (backup, documents) => { rmSync(documents, { recursive: true }); execFileSync('cp', ['-a', backup, documents]) }
}

/** A server whose documents were replaced by the backup while it did not run, and what a client heard before. */
async function rolledBack (t: Test, how: string): Promise<Awaited<ReturnType<typeof lived>> & { token: string }> {
  const place = await lived(t)
  const { token } = await place.server.sync()
  await place.server.stop()
  ways[how]?.(place.backup, place.documents)
  await place.server.start()
  return { ...place, token }
}

for (const [how, operands] of [['rsync -a --delete', ['--merge']], ['rm and cp -a', ['--merge', 'BACKUP']]] as const) {
  t.test(`real processes: the documents are replaced by a backup with ${how}, then restore ${operands.join(' ')}`, async t => {
    const { server, work, backup, token } = await rolledBack(t, how)
    const words = operands.map(word => word === 'BACKUP' ? backup : word)
    t.match(await server.sync(token), { status: 403, body: /valid-sync-token/ })
    const full = await server.sync()
    t.same(full.there.filter(name => name !== ''), [...fives, 'old-1', 'old-2', 'old-3', 'old-4', 'old-5', 'old-6'], 'the five are still there')
    t.equal(summary((await server.ask('GET', 'old-1.ics')).body), 'changed')
    t.notOk(existsSync(join(work, 'new-1.ics')))
    if (words.length === 1) {
      t.match(server.restore(...words, '--dry-run'), { code: 0, out: /alice\/work: 7 to be written to the disk: new-1\.ics, .*\nNothing was written/ })
      t.notOk(existsSync(join(work, 'new-1.ics')))
    }
    t.match(server.restore(...words), { code: 0, out: /alice\/work: 7 written to the disk as they are served/ })
    for (const name of fives) t.equal(readFileSync(join(work, `${name}.ics`), 'utf8'), event(name))
    for (const name of ['old-1', 'old-2']) t.equal(summary(readFileSync(join(work, `${name}.ics`), 'utf8')), 'changed')
    const after = await server.sync(full.token)
    t.same([after.status, after.gone], [207, []], 'nobody hears of a deletion')
    t.same((await server.sync()).there, full.there)
    t.match(server.restore('--merge'), { code: 0, out: /Nothing is held/ })
  })
}

t.test('real processes: a backup in the place of the documents is accepted', async t => {
  const { server } = await rolledBack(t, 'rsync -a --delete')
  await server.sync()
  t.match(server.restore('--accept', 'alice'), { code: 0, out: /alice\/work: 7 let go; they are in the history: new-1\.ics, / })
  await server.until('new-1.ics', 404)
  t.same((await server.sync()).there.filter(name => name !== ''), ['old-1', 'old-2', 'old-3', 'old-4', 'old-5', 'old-6'])
  t.equal(summary((await server.ask('GET', 'old-1.ics')).body), 'old-1')
  const kept = versionsBelow(join(server.data, 'history'), 'calendars').map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
  for (const name of [...fives, 'old-1', 'old-2']) t.ok(kept.includes(`${name}.ics`), `${name} is in the history`)
  t.match(server.restore('--accept'), { code: 0, out: /Nothing is held/ })
})
