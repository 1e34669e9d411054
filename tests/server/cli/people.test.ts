import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { understand } from '../../../server/admin/files/phrase.js'
import { parseArguments, helpText, type Usage } from '../../../server/cli/arguments.js'
import { wordsOf } from '../../../server/cli/command.js'
import { commands, main } from '../../../server/cli/main.js'
import { examples } from '../../../server/cli/man.js'
import { colourName } from '../../../server/cli/print.js'
import { columns } from '../../../server/cli/table.js'
import { daysFromCivil } from '../../../server/ical/civil.js'
import { extent } from '../../../server/ical/instances.js'
import { decode, parse } from '../../../server/ical/parse.js'
import { identify } from '../../../server/ical/validate.js'
import { write } from '../../../server/ical/write.js'
import { calendarType, event, object } from '../../event.js'
import { house, type House } from '../../house.js'

const works = '/calendars/users/alice/work/'
const program = join(import.meta.dirname, '../../../dist/bin/caldavd.js')

interface Said { readonly code: number, readonly out: string, readonly err: string }
interface Told { readonly stdin?: string | Buffer, readonly isTerminal?: boolean, readonly environment?: Record<string, string>, readonly now?: string }

interface Town extends House {
  readonly data: string
  /** Runs a command on Monday 23 November 2026, 10:00 in Berlin. */
  readonly run: (...words: string[]) => Promise<Said>
  readonly say: (told: Told, ...words: string[]) => Promise<Said>
  readonly put: (name: string, body: string, calendar?: string) => Promise<number>
  /** A file outside of the tree; its path. */
  readonly file: (name: string, body: string | Buffer) => string
}

async function town (t: Test, settings: Record<string, string> = {}, more = ''): Promise<Town> {
  const home = await house(t, { settings })
  const data = home.site.settings.data.directory
  mkdirSync(join(data, 'conf'), { recursive: true })
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\nguid = "00000000-0000-0000-0000-000000000001"\nfullName = "Alice Example"\n[users.bob]\nguid = "00000000-0000-0000-0000-000000000002"\nquota = "100 KB"\n')
  writeFileSync(join(data, 'conf/caldavd.toml'), `[data]\nfsync = false\n${more}`)
  const say: Town['say'] = async ({ stdin: typed = '', isTerminal = false, environment = {}, now = '2026-11-23T09:00:00Z' }, ...words) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    let [out, err] = ['', '']
    stdout.on('data', chunk => { out += String(chunk) })
    stderr.on('data', chunk => { err += String(chunk) })
    stdin.end(typed)
    const isTTY = isTerminal
    const code = await main([...words, '--data', data], {
      stdin: Object.assign(stdin, { isTTY }), stdout: Object.assign(stdout, { isTTY }), stderr, environment: { HOME: '/nowhere', TZ: 'Europe/Berlin', ...environment }, now: () => Date.parse(now)
    })
    return { code, out, err }
  }
  await home.ask('MKCALENDAR', works, { body: '<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><set><prop><displayname>Work &amp; more</displayname><calendar-color xmlns="http://apple.com/ns/ical/">#0A84FFFF</calendar-color></prop></set></C:mkcalendar>' })
  const outside = mkdtempSync(join(tmpdir(), 'caldavd-people-'))
  t.teardown(() => { rmSync(outside, { recursive: true, force: true }) })
  return {
    ...home, data, say, run: async (...words) => await say({}, ...words),
    put: async (name, body, calendar = works) => (await home.ask('PUT', `${calendar}${name}`, { body, headers: calendarType })).status,
    file: (name, body) => {
      const path = join(outside, name)
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, body)
      return path
    }
  }
}

/** Several objects in one file. */
function many (...bodies: readonly string[]): string {
  const inner = bodies.map(body => body.replace(/^BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:[^\r]*\r\n/, '').replace(/END:VCALENDAR\r\n$/, ''))
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nX-WR-CALNAME:Out\\, there\r\nX-APPLE-CALENDAR-COLOR:#ff9500\r\n${inner.join('')}END:VCALENDAR\r\n`
}

const berlin = { DTSTART: '20261124T110000Z' }

t.test('ls: homes, calendars, events', async t => {
  const { run, say, put, ask, documents } = await town(t)
  await put('late.ics', event('late', { ...berlin, SUMMARY: 'Later\\, much', RRULE: 'FREQ=WEEKLY' }))
  await put('early.ics', event('early', { DTSTART: '20261123T110000Z' }))
  await run('access', 'alice/work', '--grant', 'bob=read')
  t.same(await run('ls'), { code: 0, err: '', out: 'HOME   NAME           CALENDARS  EVENTS\nalice  Alice Example  3          2\n' })
  t.match((await run('ls', 'alice')).out, /^CALENDAR +NAME +EVENTS +COLOUR +SHARED WITH\nalice\/calendar +Calendar +0 +-\nalice\/tasks +Tasks +0 +-\nalice\/work +Work & more +2 +blue +bob\n$/)
  t.match((await run('ls', '-l', 'alice')).out, /alice\/work .* 2 .* blue +\d+ bytes +bob: read\n/)
  t.equal((await run('ls', 'alice/work')).out, 'FILE       START                  SUMMARY\nearly.ics  Mon 23 Nov 2026 12:00  early\nlate.ics   Tue 24 Nov 2026 12:00  Later, much\n')
  t.match((await run('ls', '--long', 'alice/work', '--tz', 'America/New_York')).out, /late\.ics +Tue 24 Nov 2026 06:00 +weekly +\d+ bytes +\d{4}-\d\d-\d\d \d\d:\d\dZ +VEVENT +Later/)
  for (const path of ['users/alice/work/late.ics', '/calendars/users/alice/work/late.ics', join(documents, 'calendars/users/alice/work/late.ics'), 'alice/work/late']) {
    const [one, ...others] = JSON.parse((await run('ls', path, '--json')).out) as Record<string, unknown>[]
    t.match([one, others], [{ path: 'alice/work/late.ics', file: 'late.ics', uid: 'late', component: 'VEVENT', summary: 'Later, much', start: '2026-11-24T12:00:00+01:00', end: '2026-11-24T13:00:00+01:00', repeats: 'weekly', problem: '' }, []], path)
  }
  t.match(JSON.parse((await run('ls', 'alice', '--json')).out), { 2: { path: 'alice/work', name: 'Work & more', kind: 'calendar', events: 2, colour: '#0A84FF', shared: [{ who: 'bob', may: 'read' }], problems: 0 } })
  t.match(JSON.parse((await run('ls', '--json')).out), [{ path: 'alice', name: 'Alice Example', calendars: 3, events: 2 }])
  writeFileSync(join(documents, 'calendars/users/alice/work/late.ics'), 'BEGIN:VCALENDAR\r\nBEGIN:VEV')
  writeFileSync(join(documents, 'calendars/users/alice/work/never.ics'), 'something else')
  await ask('PROPFIND', works)
  const broken = await run('ls', 'alice/work')
  t.match(broken.out, /late\.ics +Tue 24 Nov 2026 12:00 +Later, much \[broken: line \d+: [^\]]+\]\n/)
  t.match(broken.out, /never\.ics +- +\[broken: line 1: [^\n]+\]\n$/)
  t.match((await run('ls', 'alice')).out, /2 broken: see caldavd doctor\n/)
  t.match((await say({ isTerminal: true }, 'ls', 'alice')).out, '\x1b[48;2;10;132;255m  \x1b[0m')
  for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) t.notMatch((await say({ isTerminal: true, environment }, 'ls', 'alice')).out, '\x1b')
  for (const [path, why] of [['alice/wrok', /alice\/wrok is not there; there is .*work/], ['carol', /no account carol/], ['alice/work/early.isc', /did you mean early\.ics\?/], ['alice/wrok/early.ics', /alice\/wrok is not there/], ['alice/inbox', /nothing that people list/], ['alice/work/never.ics', /cannot be read: line 1/]] as const) {
    t.match(await run('ls', path), { code: 1, out: '', err: why }, path)
  }
  t.match(await run('ls', '--lng'), { code: 2, err: /did you mean --long/ })
  const nowhere = await say({}, 'ls', '--config', '/dev/null')
  t.equal(nowhere.code, 0)
  const empty = mkdtempSync(join(tmpdir(), 'caldavd-empty-'))
  t.teardown(() => { rmSync(empty, { recursive: true }) })
  t.equal(spawnSync(process.execPath, [program, 'ls', '--data', join(empty, 'typo')], { encoding: 'utf8' }).stderr.includes('there are no calendars in'), true)
  t.same(readdirSync(empty), [], 'a slip in --data makes nothing')
})

t.test('columns are as wide as what is seen', async t => {
  t.equal(columns([['A', 'B'], ['日本', 'x'], ['e\u0301', 'x'], ['\x1b[1mb\x1b[0m', 'x'], ['👍🏽', 'x']]).split('\n').slice(1, 4).join('|'), '日本  x|e\u0301     x|\x1b[1mb\x1b[0m     x')
  t.same(['#FF0000', '#0A84FF', '#34C759', '#FFCC00', '#FF9500', '#A2845E', '#8E8E93', '#000000', '#FFFFFF', '#FF2D55', '#AF52DE'].map(colourName), ['red', 'blue', 'green', 'yellow', 'orange', 'brown', 'grey', 'black', 'white', 'red', 'purple'])
})

t.test('cat prints what is served', async t => {
  const { run, put, ask, documents } = await town(t)
  const body = event('a', { DESCRIPTION: `${'lorem ipsum '.repeat(5)}\r\n  and more` })
  await put('a.ics', body)
  await put('b.ics', event('b'))
  t.equal((await run('cat', 'alice/work/a.ics', 'alice/work/b')).out, body + event('b'), 'byte by byte')
  t.match((await run('cat', '-u', 'alice/work/a.ics')).out, /\nDESCRIPTION:(?:lorem ipsum ){5} and more\nEND:VEVENT\n/)
  const lines = (await run('cat', '--json', 'alice/work/a.ics', 'alice/work/b.ics')).out.trim().split('\n').map(each => JSON.parse(each) as unknown[])
  t.same(lines.map(([name]) => name), ['vcalendar', 'vcalendar'])
  writeFileSync(join(documents, 'calendars/users/alice/work/b.ics'), 'oops')
  await ask('PROPFIND', works)
  t.match(await run('cat', 'alice/work/b.ics', 'alice/work/c.ics', 'alice/work', 'alice/work/a.ics'), { code: 1, out: event('b') + body, err: /b\.ics is broken \(line 1: .*last good version[^]*c\.ics is not there[^]*export alice\/work prints all/ })
})

t.test('find looks at words, folded, escaped, in any case and accents, and at who is invited', async t => {
  const { run, put } = await town(t)
  await put('a.ics', event('a', { ...berlin, SUMMARY: 'Mittag mit Zoë\\, draußen', RRULE: 'FREQ=DAILY' }))
  await put('b.ics', event('b', { DTSTART: '20250101T110000Z', SUMMARY: 'Old', LOCATION: 'Long ro\r\n ad 5', ORGANIZER: 'mailto:alice@example.com', 'ATTENDEE;CN="Miller, Bob"': 'mailto:robert@example.org' }))
  await put('c.ics', event('c', { DTSTART: '20270101T110000Z', SUMMARY: 'Far', DESCRIPTION: 'about Zoe' }))
  const found = async (...words: string[]): Promise<string> => (await run('find', ...words)).out
  t.equal(await found('zoë'), 'alice/work/a.ics:Mittag mit Zoë, draußen:2026-11-24 12:00\n')
  t.equal(await found('ZOE\u0308, DRAU'), 'alice/work/a.ics:Mittag mit Zoë, draußen:2026-11-24 12:00\n', 'decomposed, with a comma')
  t.equal(await found('road 5'), 'alice/work/b.ics:Old:2025-01-01 12:00\n', 'folded; of what is past its date')
  for (const words of ['miller', 'robert@', 'ALICE@']) t.match(await found(words), /^alice\/work\/b\.ics:/, words)
  t.equal(await found('o', '--from', '2027-01-01'), 'alice/work/a.ics:Mittag mit Zoë, draußen:2027-01-01 12:00\nalice/work/c.ics:Far:2027-01-01 12:00\n')
  t.equal(await found('o', '--from', '2024-12-31', '--to', '2025-12-31'), 'alice/work/b.ics:Old:2025-01-01 12:00\n')
  t.match(await found('zoe'), /a\.ics:[^]*c\.ics:/, 'without its dots too')
  t.match(JSON.parse(await found('about zoe', '--in', 'alice', '--json')), [{ path: 'alice/work/c.ics', uid: 'c', component: 'VEVENT', summary: 'Far', next: '2027-01-01T12:00:00+01:00', repeats: null, where: ['DESCRIPTION'] }])
  t.match(await run('find', 'o', '--limit', '1'), { code: 0, out: /^[^\n]+\n$/, err: /there is more than 1/ })
  t.match(await run('find', 'nothing like it'), { code: 0, out: '', err: /nothing has the words/ })
  t.same(JSON.parse(await found('nothing like it', '--json')), [])
  t.equal(await found('o', '--in', 'alice/tasks'), '')
  for (const words of [['x', '--in', 'alice/nope'], ['x', '--from', 'somewhen'], ['x', '--limit', '0'], [' ']]) t.not((await run('find', ...words)).code, 0, words.join(' '))
})

t.test('today and agenda', async t => {
  const { run, say, put } = await town(t)
  t.equal((await run('today')).out, 'Nothing on Mon 23 Nov 2026\n')
  t.equal((await run('agenda')).out, 'Nothing from Mon 23 Nov 2026 to Sun 29 Nov 2026\n')
  await put('daily.ics', event('daily', { DTSTART: '20261001T080000Z', DURATION: 'PT30M', RRULE: 'FREQ=DAILY', EXDATE: '20261125T080000Z', SUMMARY: 'Daily' }))
  await put('night.ics', event('night', { DTSTART: '20261123T210000Z', DURATION: 'PT4H', SUMMARY: 'Night', LOCATION: 'Club', STATUS: 'TENTATIVE' }))
  await put('trip.ics', event('trip', { 'DTSTART;VALUE=DATE': '20261122', 'DTEND;VALUE=DATE': '20261125', SUMMARY: 'Trip' }).replace(/DTSTART:.*\r\nDURATION:.*\r\n/, ''))
  await put('float.ics', event('float', { DTSTART: '20261123T070000', SUMMARY: 'Breakfast' }))
  const tasks = '/calendars/users/alice/tasks/'
  await put('due.ics', object('VTODO', { UID: 'due', DTSTAMP: '20260101T000000Z', DTSTART: '20261001T080000Z', DUE: '20261123T160000Z', SUMMARY: 'Tax' }), tasks)
  await put('late.ics', object('VTODO', { UID: 'late', DTSTAMP: '20260101T000000Z', 'DUE;VALUE=DATE': '20261120', SUMMARY: 'Rent' }), tasks)
  await put('done.ics', object('VTODO', { UID: 'done', DTSTAMP: '20260101T000000Z', DUE: '20261123T170000Z', STATUS: 'COMPLETED', SUMMARY: 'Done' }), tasks)
  const monday = [
    'Mon 23 Nov 2026', '  all day      Trip', '  overdue      [ ] Rent (since 2026-11-20)', '  07:00–08:00  Breakfast', '  09:00–09:30  Daily', '  due 17:00    [ ] Tax', '  22:00–…      maybe: Night (Club)', ''
  ]
  const tidy = (text: string): string => text.replace(/ +alice\/\w+( blue)?$/gm, '')
  t.equal(tidy((await run('today', 'alice')).out), monday.join('\n'))
  t.equal(tidy((await run('agenda', '--days', '3')).out), [...monday, 'Tue 24 Nov 2026', '  all day      Trip', '  …–02:00      maybe: Night (Club)', '  09:00–09:30  Daily', ''].join('\n'), 'Wednesday has nothing')
  t.match((await run('agenda', 'alice/work', '--from', 'Thu 26 Nov', '--days', '1')).out, /^Thu 26 Nov 2026\n {2}09:00–09:30 {2}Daily {2}alice\/work blue\n$/)
  t.match((await say({ environment: { TZ: 'America/New_York' } }, 'agenda', '--days', '1')).out, /Mon 23 Nov[^]*03:00–03:30 {2}Daily[^]*07:00–08:00 {2}Breakfast[^]*16:00–20:00/, 'what floats stays')
  const all = JSON.parse((await run('today', '--json')).out) as { summary: string }[]
  t.match(all.find(({ summary }) => summary === 'Daily'), { kind: 'event', allDay: false, start: '2026-11-23T09:00:00+01:00', end: '2026-11-23T09:30:00+01:00', calendar: 'alice/work', path: 'alice/work/daily.ics', uid: 'daily', recurrenceId: '2026-11-23T09:00:00+01:00', status: null })
  t.match(all.find(({ summary }) => summary === 'Trip'), { allDay: true, start: '2026-11-22', end: '2026-11-25', recurrenceId: null })
  t.match(all.find(({ summary }) => summary === 'Tax'), { kind: 'task', start: '2026-11-23T17:00:00+01:00', end: '2026-11-23T17:00:00+01:00' })
  t.match(all.find(({ summary }) => summary === 'Breakfast'), { start: '2026-11-23T07:00:00', end: '2026-11-23T08:00:00' })
  await put('often.ics', event('often', { DTSTART: '20261123T000000Z', DURATION: 'PT1S', RRULE: 'FREQ=SECONDLY' }))
  const often = await run('today', '--json', '--tz', 'UTC')
  t.match(often.err, /alice\/work\/often\.ics repeats too often/)
  for (const words of [['--days', '0'], ['--days', '1.5'], ['--from', 'x']]) t.match(await run('agenda', ...words), { code: 2, out: '' }, words.join(' '))
  t.match(await run('today', '--tz', 'Mars/Olympus'), { code: 1, err: /no time zone/ })
})

t.test('words that say when', async t => {
  const today = daysFromCivil(2026, 11, 23)
  const time = (seconds: number | undefined): string => seconds === undefined ? '' : `${Math.floor(seconds / 3600)}:${String(seconds / 60 % 60).padStart(2, '0')}`
  const day = (days: number | undefined): string => days === undefined ? '' : new Date(days * 86_400_000).toISOString().slice(0, 10)
  for (const [text, title, ...rest] of [
    ['Lunch with Bob tomorrow 12:00-13:00', 'Lunch with Bob', '2026-11-24', '12:00', '13:00'],
    ['Standup Mon 9:30', 'Standup', '2026-11-30', '9:30'], ['Mon 9:30 Standup', 'Standup', '2026-11-30', '9:30'],
    ['Enjoy the sun', 'Enjoy the sun'], ['Read chapter 12', 'Read chapter 12'], ['In May we go', 'In May we go'], ['Ring the May queen', 'Ring the May queen'],
    ['Dinner at 8pm', 'Dinner', '', '20:00'], ['Dinner at 12am', 'Dinner', '', '0:00'], ['Party at noon', 'Party', '', '12:00'],
    ['Dentist Mon 23 Nov 9:30 for 45 min', 'Dentist', '2026-11-23', '9:30', '', '2700'], ['Meet at Bob\'s on 3 May', 'Meet at Bob\'s', '2027-05-03'],
    ['Trip 24 Dec - 26 Dec', 'Trip', '2026-12-24..2026-12-26'], ['Conference from monday to friday', 'Conference', '2026-11-30..2026-12-04'],
    ['Flight from 9 to 11 on friday', 'Flight', '2026-11-27', '9:00', '11:00'], ['Call Anna 9-10am', 'Call Anna', '', '9:00', '10:00'], ['lunch 12-1pm', 'lunch', '', '12:00', '13:00'], ['x 11-1pm', 'x', '', '11:00', '13:00'],
    ['next monday at 14:00 for 1h30m talk', 'talk', '2026-11-30', '14:00', '', '5400'], ['24.12.2026 Heiligabend', 'Heiligabend', '2026-12-24'], ['Weihnachten 24.12.', 'Weihnachten', '2026-12-24'],
    ['tomorrow: buy milk', 'buy milk', '2026-11-24'], ['2026-11-23T12:00 x', 'x', '2026-11-23', '12:00'], ['Nov 23rd, 2026 10am-11am x', 'x', '2026-11-23', '10:00', '11:00'], ['feb 29 leap', 'leap', '2028-02-29'],
    ['in 2 weeks pay', 'pay', '2026-12-07'], ['Run 10:00 until 11:00', 'Run', '', '10:00', '11:00'], ['today or tomorrow', 'today or', '2026-11-24']
  ] as const) {
    const { title: left, day: first, lastDay, from, to, seconds } = understand(text, today)
    t.same([left, day(first) + (lastDay === undefined ? '' : `..${day(lastDay)}`), time(from), time(to), String(seconds ?? '')], [title, ...[0, 1, 2, 3].map(at => rest[at] ?? '')], text)
  }
  for (const [text, why] of [['x 31 Feb 2026', /"31 Feb 2026" is no day/], ['x 2026-13-01', /no day/], ['x 25:00', /no time of day/], ['x 9:75', /no time of day/], ['x 13pm', /no time of day/], ['Tue 23 Nov 2026 x', /that day is Mon 23 Nov 2026/], ['x 26 Dec - 24 Dec 2026', /ends before/]] as const) {
    t.throws(() => understand(text, today), { name: 'AdminError', message: why }, text)
  }
})

t.test('add', async t => {
  const { run, say, ask, documents } = await town(t)
  const directory = join(documents, 'calendars/users/alice/work')
  const token = /<D:sync-token>([^<]+)/.exec((await ask('REPORT', works, { headers: { depth: '1' }, body: '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>' })).body)?.[1] ?? ''
  const bodyOf = (out: string): string => readFileSync(join(documents, 'calendars/users', /→ (.*)\n/.exec(out)?.[1] ?? ''), 'utf8')
  const lunch = await run('add', 'alice/work', 'Lunch with Bob tomorrow 12:00-13:00', '--location', 'Café; there', '--alarm', '15m', '--alarm', '1 day', '--repeat', 'weekly')
  t.match(lunch, { code: 0, err: '', out: /^Tue 24 Nov 2026 12:00–13:00 \(Europe\/Berlin\) Lunch with Bob, weekly → alice\/work\/[\w-]+\.ics\n$/ })
  const body = bodyOf(lunch.out)
  for (const line of ['DTSTART;TZID=Europe/Berlin:20261124T120000', 'DTEND;TZID=Europe/Berlin:20261124T130000', 'SUMMARY:Lunch with Bob', 'LOCATION:Café\\; there', 'RRULE:FREQ=WEEKLY', 'TRIGGER:-PT15M', 'TRIGGER:-P1D', 'DTSTAMP:20261123T090000Z', 'TZID:Europe/Berlin']) t.match(body, `${line}\r\n`)
  const sync = (await ask('REPORT', works, { headers: { depth: '1' }, body: `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>` })).body
  t.match(sync, /<D:href>\/calendars\/users\/alice\/work\/[\w-]+\.ics<\/D:href>/, 'clients see it at their next look')
  for (const [words, said, ...lines] of [
    [['Holiday 2026-12-24 to 2026-12-27'], 'Thu 24 Dec 2026 – Sun 27 Dec 2026, all day Holiday', 'DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261228'],
    [['Off', '--at', '23 Nov', '--for', '2 days'], 'Mon 23 Nov 2026 – Tue 24 Nov 2026, all day Off', 'DTSTART;VALUE=DATE:20261123', 'DTEND;VALUE=DATE:20261125'],
    [['Movie tonight 22:00-02:00'], 'Mon 23 Nov 2026 22:00–Tue 24 Nov 2026 02:00 (Europe/Berlin) Movie', 'DTEND;TZID=Europe/Berlin:20261124T020000'],
    [['Tea 16:00'], 'Mon 23 Nov 2026 16:00–17:00 (Europe/Berlin) Tea'], [['Tea 9:00'], 'Tue 24 Nov 2026 09:00–10:00 (Europe/Berlin) Tea'],
    [['Call', '--at', '2026-11-24 10:00', '--until', '2026-11-25 11:00', '--tz', 'UTC'], 'Tue 24 Nov 2026 10:00–Wed 25 Nov 2026 11:00 (UTC) Call', 'DTSTART:20261124T100000Z', 'DTEND:20261125T110000Z'],
    [['Talk at 10 tomorrow', '--at', 'fri 9:00'], 'Fri 27 Nov 2026 09:00–10:00 (Europe/Berlin) Talk at 10 tomorrow'],
    [['Gym', '--at', 'mon 18:00', '--for', '90m', '--repeat', 'FREQ=WEEKLY;BYDAY=MO,TH'], 'Mon 30 Nov 2026 18:00–19:30 (Europe/Berlin) Gym, FREQ=WEEKLY;BYDAY=MO,TH', 'RRULE:FREQ=WEEKLY;BYDAY=MO,TH']
  ] as const) {
    const { code, out, err } = await run('add', 'alice/work', ...words)
    t.same([code, err, out.slice(0, said.length + 3)], [0, '', `${said} → `], words.join(' '))
    for (const line of lines) t.match(bodyOf(out), `${line}\r\n`, words.join(' '))
  }
  const task = await run('add', 'alice/tasks', 'Tax return', '--todo', '--at', 'tomorrow 17:00', '--alarm', '2h')
  t.match(task.out, /^due Tue 24 Nov 2026 17:00 \(Europe\/Berlin\) Tax return → alice\/tasks\//)
  for (const line of ['BEGIN:VTODO', 'DUE;TZID=Europe/Berlin:20261124T170000', 'TRIGGER;RELATED=END:-PT2H']) t.match(bodyOf(task.out), `${line}\r\n`)
  t.match(bodyOf((await run('add', 'alice/tasks', 'Rent tomorrow', '--todo')).out), /\r\nDUE;VALUE=DATE:20261124\r\n/)
  t.match((await run('add', 'alice/tasks', 'Milk', '--todo')).out, /^Milk → /)
  t.match(JSON.parse((await run('add', 'alice/work', 'Json tomorrow', '--json')).out), { path: /^alice\/work\/.*\.ics$/, uid: /./, kind: 'event', summary: 'Json', start: '2026-11-24', end: '2026-11-25', when: 'Tue 24 Nov 2026, all day' })
  const before = readdirSync(directory).length
  for (const [words, why] of [
    [['Nothing said'], /when\?/], [['tomorrow 12:00'], /no title/], [['Party 31 Feb'], /no day of the calendar/], [['x', '--at', 'tomorow'], /--at "tomorow": expected/], [['x', '--at', 'tomorrow 12:00 or so'], /not understood/],
    [['x tomorrow', '--until', '9:00'], /beginning/], [['x tomorrow 9:00', '--until', '2026-11-24 8:00'], /before it begins/], [['x tomorrow 9:00-10:00', '--for', '1h'], /two ends/], [['x tomorrow 9:00', '--for', 'long'], /--for "long"/],
    [['x tomorrow 9:00', '--all-day'], /contradict/], [['x tomorrow for 3 hours'], /at what time/], [['x for 3 hours'], /from when/], [['x 2027-03-28 02:30'], /there is no 02:30 on Sun 28 Mar 2027 in Europe\/Berlin/],
    [['x tomorrow', '--repeat', 'often'], /--repeat "often": expected daily/], [['x tomorrow', '--repeat', 'FREQ=WEEKLY;INTERVAL=0'], /INTERVAL/], [['x tomorrow', '--alarm', 'soon'], /--alarm "soon"/], [['x tomorrow', '--tz', 'Nowhere'], /no time zone/]
  ] as const) t.match(await run('add', 'alice/work', ...words), { code: 1, out: '', err: why }, words.join(' '))
  t.match(await run('add', 'alice/calendar', 'x tomorrow', '--todo'), { code: 1, err: /holds VEVENT, not VTODO/ })
  t.match(await run('add', 'alice', 'x tomorrow'), { code: 1, err: /no calendar/ })
  t.match(await run('add', 'alice/work', 'x', 'tomorrow'), { code: 2, err: /one word too many/ })
  t.equal(readdirSync(directory).length, before, 'nothing was written')
  await ask('PROPFIND', '/calendars/users/bob/', { user: 'bob' })
  t.match(await run('add', 'bob/calendar', 'x tomorrow', '--description', 'y'.repeat(110_000)), { code: 1, err: /its limit is 102400/ })
  t.match((await say({ environment: { TZ: ':UTC' } }, 'add', 'alice/work', 'Zulu tomorrow 1:00')).out, /\(UTC\)/)
})

t.test('import: what is new, the same, newer, older, broken', async t => {
  const { run, say, put, file, ask } = await town(t)
  const path = file('a.ics', many(event('a', berlin), event('b', { DTSTART: 'nonsense' }), event('c'), object('VEVENT', { UID: 'd', SUMMARY: 'no start' })))
  const broken = await run('import', path, '--into', 'alice/work')
  t.match(broken, { code: 1, out: 'Imported into alice/work: 2 new, 2 not possible\n' })
  t.match(broken.err, new RegExp(`^caldavd: ${path}:16: expected DTSTART to be a date.*\\(UID b\\)\ncaldavd: ${path}:\\d+: expected DTSTART in VEVENT \\(UID d\\)\n$`))
  t.match(await run('import', path, '--into', 'alice/work', '--json').then(({ out }) => JSON.parse(out) as unknown), { into: 'alice/work', dryRun: false, created: 0, replaced: 0, same: 2, kept: [], failed: [{ file: path, line: 16, uid: 'b' }, { uid: 'd' }], files: [], left: 0, stopped: null })
  t.equal((await ask('GET', `${works}a.ics`)).body, event('a', berlin).replace(/$/, ''), 'an object as in a file of its own')
  const next = (more: Record<string, string>): string => many(event('a', { ...berlin, ...more }))
  for (const [why, body, words, said, summary] of [
    ['older by DTSTAMP', next({ DTSTAMP: '20250101T000000Z', SUMMARY: 'old' }), [], /0 new, 1 not taken/, 'a'],
    ['nobody knows', next({ SUMMARY: 'other' }), [], /0 new, 1 not taken/, 'a'],
    ['newer by SEQUENCE', next({ SEQUENCE: '1', SUMMARY: 'two' }), [], /0 new, 1 replaced/, 'two'],
    ['--skip', next({ SEQUENCE: '2', SUMMARY: 'three' }), ['--skip'], /0 new, 1 not taken/, 'two'],
    ['--dry-run', next({ SEQUENCE: '2', SUMMARY: 'three' }), ['-n'], /Would import into alice\/work: 0 new, 1 replaced/, 'two'],
    ['--replace', next({ SUMMARY: 'one again' }), ['--replace'], /0 new, 1 replaced/, 'one again']
  ] as const) {
    const { code, out, err } = await say({ stdin: body }, 'import', '-', '--into', 'alice/work', ...words)
    t.match({ code, out }, { code: 0, out: said }, why)
    t.match(err, /not taken/.test(said.source) ? (words.length > 0 ? /a\.ics is there already\n$/ : /standard input:6: not taken: a\.ics.*\n.*--replace/) : /^$/, why)
    t.match((await ask('GET', `${works}a.ics`)).body, `\r\nSUMMARY:${summary}\r\n`, why)
  }
  t.match((await run('history', 'alice/work/a.ics')).out, /overwritten/, 'what was there is kept')
  await put('own-name.ics', event('mine'))
  await say({ stdin: event('mine', { SEQUENCE: '1' }) }, 'import', '-', '--into', 'alice/work')
  t.match((await ask('GET', `${works}own-name.ics`)).body, 'SEQUENCE:1', 'under its name')
  const twice = await say({ stdin: many(event('t', { SUMMARY: 'first' })) + many(event('t', { SUMMARY: 'second', SEQUENCE: '1' })) }, 'import', '-', '--into', 'alice/work')
  t.match(twice.out, /1 new, 1 replaced/)
  const nameless = object('VEVENT', { DTSTART: '20260101T000000Z', SUMMARY: 'nobody' })
  t.match((await say({ stdin: nameless }, 'import', '-', '--into', 'alice/work')).out, /1 new/)
  t.match((await say({ stdin: nameless }, 'import', '-', '--into', 'alice/work')).out, /1 there already/, 'twice is once')
  const jcal = (await run('export', 'alice/work/a.ics', '--json')).out
  t.match((await say({ stdin: jcal }, 'import', '-', '--into', 'alice/calendar')).out, /1 new/, 'jCal')
  for (const [words, why] of [[[path], /--into/], [['--into', 'alice/work'], /FILE… is missing/], [[path, '--into', 'alice/work', '--skip', '--replace'], /contradict/]] as const) t.match(await run('import', ...words), { code: 2, err: why })
})

t.test('import: what is no calendar is said to be what it is, and the other files are imported', async t => {
  const { run, file, ask, documents } = await town(t)
  const good = file('good.ics', many(event('good')))
  for (const [name, body, why] of [
    ['empty.ics', '', /is empty/], ['blank.ics', ' \r\n', /nothing but blanks/],
    ['login.ics', '\n<!doctype html><html><head><base href="https://accounts.google.com/"><title>Sign in</title>', /is a web page \("Sign in"\) and no calendar: .*secret address/],
    ['page.ics', '<html><title>Hello</title>', /is a web page \("Hello"\) and no calendar\n/],
    ['takeout.zip', 'PK\x03\x04xxxx', /is a zip archive.*Takeout.*unzip/], ['a.ics.gz', Buffer.from([0x1f, 0x8b, 8, 0]), /gunzip -c/], ['v.vcf', 'BEGIN:VCARD\r\n', /contacts, not events/],
    ['u16.ics', Buffer.from('\ufeffBEGIN:VCALENDAR\r\n', 'utf16le'), /is UTF-16.*iconv -f UTF-16/], ['x.xml', '<?xml version="1.0"?><icalendar xmlns="urn:x"/>', /xCal/],
    ['text.ics', 'Hello, world\nmore', /expected BEGIN:VCALENDAR, found "Hello, world"/], ['bytes.ics', Buffer.from([1, 2, 0xff, 0xfe, 0]), /something that is no text/],
    ['cut.ics', many(event('x')).slice(0, -40), /line \d+: expected END:VEVENT.*nothing of this file was imported/], ['zone.ics', 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n', /no event or task/],
    ['json.ics', '["vcard",[],[]]', /nothing of this file|expected/]
  ] as const) {
    const path = file(name, body)
    const { code, out, err } = await run('import', path, good, '--into', 'alice/work')
    t.match({ code, out, err }, { code: 1, out: /Imported into alice\/work: . new/, err: why }, name)
    t.ok(err.startsWith(`caldavd: ${path} `), err)
    t.equal(err.split('\n').length, 2, 'one line')
  }
  const latin = await run('import', file('latin.ics', Buffer.from(many(event('l1', { LOCATION: 'Café' }), event('l2')), 'latin1')), '--into', 'alice/work')
  t.match(latin, { code: 1, out: /1 new, 1 not possible/, err: /latin\.ics:12: expected UTF-8.*\(UID l1\)\n.*iconv -f ISO-8859-1/ })
  t.match(await run('import', '/nowhere/x.ics', '--into', 'alice/work'), { code: 1, out: '', err: /\/nowhere\/x\.ics is not there/ })
  const directory = join(file('many/one.ics', many(event('one'))), '..')
  file('many/deep/two.ICS', many(event('two')))
  file('many/notes.txt', 'no')
  t.match(await run('import', directory, '--into', 'alice/work'), { code: 0, out: 'Imported into alice/work: 2 new\n' })
  t.match(await run('import', join(file('none/x.txt', ''), '..'), '--into', 'alice/work'), { code: 1, err: /no \.ics file in the directory/ })
  t.match(await run('import', good, '--into', 'alice/new'), { code: 1, err: /alice\/new is not there; .*--create makes it/ })
  t.match((await run('import', good, '--into', 'alice/new', '--create', '--dry-run')).out, 'Would import into alice/new (to be made): 1 new\n')
  t.equal((await ask('PROPFIND', '/calendars/users/alice/new/')).status, 404)
  t.match(await run('import', file('empty.ics', ''), '--into', 'alice/new', '--create'), { code: 1 })
  t.notOk(existsSync(join(documents, 'calendars/users/alice/new')), 'nothing is made for nothing')
  t.match(await run('import', good, '--into', 'alice/new', '--create'), { code: 0 })
  t.match((await ask('PROPFIND', '/calendars/users/alice/new/', { headers: { depth: '0' }, body: '<propfind xmlns="DAV:"><prop><displayname/><calendar-color xmlns="http://apple.com/ns/ical/"/></prop></propfind>' })).body, /Out, there<[^]*#FF9500/)
  t.match(await run('import', good, '--into', 'bob/club', '--create'), { code: 0 }, 'a home that was not there yet')
  t.match((await run('ls', 'bob')).out, /bob\/calendar[^]*bob\/club/)
  t.match(await run('import', good, '--into', 'public/holidays', '--create'), { code: 0 })
  for (const path of ['alice/work/deep', 'alice', 'carol/x', 'alice/.hidden']) t.match(await run('import', good, '--into', path, '--create'), { code: 1, out: '' }, path)
})

t.test('import: a quota or a limit that is full stops it, and tells what is left', async t => {
  const { run, file, documents, ask } = await town(t, {}, '[limits]\nresources = 5\n')
  const bodies = Array.from({ length: 40 }, (_, at) => event(`e${at}`, { DESCRIPTION: 'y'.repeat(4000) }))
  await ask('PROPFIND', '/calendars/users/bob/', { user: 'bob' })
  const path = file('many.ics', many(...bodies))
  const full = await run('import', path, '--into', 'alice/work', '--json')
  t.equal(full.code, 1)
  const told = JSON.parse(full.out) as { created: number, failed: unknown[], left: number, stopped: string }
  t.match(told, { created: 5, stopped: /at most 5 are accepted/ })
  t.equal(told.created + told.failed.length + told.left, 40)
  t.equal(readdirSync(join(documents, 'calendars/users/alice/work')).filter(name => name.endsWith('.ics')).length, 5)
  const quota = await run('import', path, '--into', 'bob/calendar', '--replace')
  t.match(quota, { code: 1, err: /stopped: [^]*were not looked at: run the same command again/ })
})

t.test('import: broken off at any moment, whole files are there, and it goes on', async t => {
  const { file, data, documents, run } = await town(t)
  const path = file('many.ics', many(...Array.from({ length: 1500 }, (_, at) => event(`e${at}`, { DESCRIPTION: 'y'.repeat(500) }))))
  const directory = join(documents, 'calendars/users/alice/work')
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    const child = spawn(process.execPath, [program, 'import', path, '--into', 'alice/work', '--data', data], { env: { PATH: process.env['PATH'], HOME: '/nowhere' }, stdio: ['ignore', 'pipe', 'pipe'] })
    const gone = once(child, 'exit') as Promise<[number | null, string | null]>
    let err = ''
    child.stderr.on('data', chunk => { err += String(chunk) })
    const before = readdirSync(directory).length
    while (child.exitCode === null && readdirSync(directory).length < before + 100) await new Promise(resolve => setTimeout(resolve, 5))
    child.kill(signal)
    const [code] = await gone
    if (signal === 'SIGINT') t.match({ code, err }, { code: 1, err: /were not looked at, since it was broken off: run the same command again/ })
    const names = readdirSync(directory).filter(name => name.endsWith('.ics'))
    t.ok(names.length >= 100 && names.length < 1500, `${signal} after ${names.length}`)
    for (const name of names) if (!readFileSync(join(directory, name), 'utf8').endsWith('END:VEVENT\r\nEND:VCALENDAR\r\n')) t.fail(`${name} is cut off`)
  }
  t.match(await run('import', path, '--into', 'alice/work'), { code: 0, out: /^Imported into alice\/work: \d+ new, \d+ there already\n$/ })
  t.equal(readdirSync(directory).filter(name => name.endsWith('.ics')).length, 1500)
})

t.test('export', async t => {
  const { run, put, file, ask, documents } = await town(t)
  await put('a.ics', event('a'))
  await put('b.ics', event('b'))
  const directory = join(file('x/y', ''), '..')
  const path = join(directory, 'work.ics')
  t.match(await run('export', 'alice/work', '-o', path), { code: 0, out: '' })
  const text = readFileSync(path, 'utf8')
  t.match(text, /^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\nPRODID:[^\r]+\r\nX-WR-CALNAME:Work & more\r\nX-APPLE-CALENDAR-COLOR:#0A84FF\r\nBEGIN:VEVENT\r\nUID:a\r\n[^]*UID:b\r\n[^]*END:VCALENDAR\r\n$/)
  t.equal((await run('export', 'alice/work')).out, text)
  t.equal((await run('export', 'alice/work/a.ics')).out, event('a'))
  t.match(JSON.parse((await run('export', 'alice/work', '--json')).out), ['vcalendar', Array, [['vevent', Array, []], ['vevent', Array, []]]])
  writeFileSync(path, 'mine')
  t.match(await run('export', 'alice/work', '-o', path), { code: 1, err: /work\.ics exists; --force/ })
  t.equal(readFileSync(path, 'utf8'), 'mine')
  t.match(await run('export', 'alice/work', '-fo', path), { code: 0 })
  t.equal(readFileSync(path, 'utf8'), text)
  t.match(await run('export', 'alice'), { code: 1, out: '', err: /alice has 3 calendars \(alice\/calendar, alice\/tasks, alice\/work\): -d DIR/ })
  await ask('MKCOL', '/calendars/users/alice/folder/')
  await ask('MKCOL', '/calendars/users/alice/folder/deep/', { body: '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/><calendar xmlns="urn:ietf:params:xml:ns:caldav"/></resourcetype></prop></set></mkcol>' })
  const all = join(directory, 'all')
  t.match(await run('export', 'alice', '-d', all), { code: 0 })
  t.same((readdirSync(all, { recursive: true }) as string[]).sort(), ['calendar.ics', 'folder', 'folder/deep.ics', 'tasks.ics', 'work.ics'])
  t.equal(readFileSync(join(all, 'work.ics'), 'utf8'), text)
  t.match(await run('export', 'alice', '-d', all), { code: 1, err: /(?:exists; --force[^]*){4}/ })
  for (const [words, code, why] of [[['alice/work', '-o', directory], 1, /is a directory/], [['alice/work', '-o', '/nowhere/x'], 1, /no directory \/nowhere/], [['alice/work', '-o', 'x', '-d', 'y'], 2, /one of them/], [['alice/work/nope.ics'], 1, /not there/]] as const) {
    t.match(await run('export', ...words), { code, out: '', err: why }, words.join(' '))
  }
  writeFileSync(join(documents, 'calendars/users/alice/work/b.ics'), 'oops')
  writeFileSync(join(documents, 'calendars/users/alice/work/c.ics'), 'oops')
  const broken = await run('export', 'alice/work')
  t.match(broken, { code: 0, out: text, err: /b\.ics is broken .*last good version is exported\n.*c\.ics is broken .*it is not in the export\n/ })
  t.same(readdirSync(directory).filter(name => name.endsWith('.part')), [])
  t.match(await run('export', 'alice/work', '-o', '/dev/null'), { code: 0 })
  t.ok(statSync('/dev/null').isCharacterDevice())
})

/** What an object says, but for how zones are described and called. */
function essence (bytes: Buffer): string {
  const calendar = parse(decode(bytes))
  const plain = (text: string): string => text.replace(/\r\n /g, '').replace(/;TZID=(?:"[^"]*"|[^;:]*)/g, '')
  const when = extent(calendar)
  return calendar.components.filter(({ name }) => name !== 'VTIMEZONE').map(each => plain(write(each))).sort().join('') + JSON.stringify(when)
}

t.test('export and import give the same objects', async t => {
  const { run, put, documents, ask } = await town(t)
  const corpus = process.env['CALDAVD_CORPUS'] ?? join(import.meta.dirname, '../../fixture/ics')
  await run('import', corpus, '--into', 'alice/first', '--create')
  const own = (name: string, zone: string, rule: string): string => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VTIMEZONE\r\nTZID:${zone}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:${rule}\r\nTZOFFSETTO:${rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n` +
    event(name, { [`DTSTART;TZID=${zone}`]: '20260310T090000', RRULE: 'FREQ=WEEKLY;COUNT=3', SUMMARY: `a "quoted"\\, title\\n of ${'many words '.repeat(9)}` }).replace(/^[^]*?(?=BEGIN:VEVENT)/, '').replace(/DTSTART:.*\r\n/, '')
  for (const [name, zone, rule] of [['own1', 'Mine', '+0100'], ['own2', 'Mine', '+0300'], ['own3', 'Mine', '+0100'], ['own4', '/vendor/x/Europe/Berlin', '+0200']] as const) t.equal(await put(`${name}.ics`, own(name, zone, rule), '/calendars/users/alice/first/'), 201)
  t.equal(await put('task.ics', object('VTODO', { UID: 'task', DTSTAMP: '20260101T000000Z', 'DUE;VALUE=DATE': '20261120', 'X-APPLE-SORT-ORDER': '5', SUMMARY: 'Größe 👍' }), '/calendars/users/alice/first/'), 201)
  const objects = (calendar: string): Map<string, string> => {
    const directory = join(documents, 'calendars/users/alice', calendar)
    return new Map(readdirSync(directory).filter(name => name.endsWith('.ics')).map(name => {
      const bytes = readFileSync(join(directory, name))
      return [identify(parse(decode(bytes))).uid, essence(bytes)]
    }))
  }
  const first = objects('first')
  t.ok(first.size > 5, `${first.size} objects`)
  const path = join(t.testdir(), 'first.ics')
  t.match(await run('export', 'alice/first', '-o', path), { code: 0 })
  const again = await run('import', path, '--into', 'alice/second', '--create')
  t.match(again, { code: 0, err: '', out: `Imported into alice/second: ${first.size} new\n` })
  const second = objects('second')
  t.same([...second.keys()].sort(), [...first.keys()].sort())
  for (const [uid, text] of first) if (second.get(uid) !== text) t.equal(second.get(uid), text, uid)
  t.match((await ask('PROPFIND', '/calendars/users/alice/second/', { headers: { depth: '0' } })).body, /<D:displayname>[^<]+</)
  t.match(await run('import', path, '--into', 'alice/second'), { code: 0, out: `Imported into alice/second: 0 new, ${first.size} there already\n` })
})

t.test('mv', async t => {
  const { run, put, ask } = await town(t)
  await put('a.ics', event('a'))
  await put('b.ics', event('b'))
  await put('a2.ics', event('a'), '/calendars/users/alice/calendar/')
  t.match(await run('mv', 'alice/work/a.ics', 'alice/calendar/'), { code: 1, out: '', err: /the UID a is in a2\.ics/ })
  t.match(await run('mv', 'alice/work/b.ics', 'alice/calendar/'), { code: 0, out: 'alice/work/b.ics → alice/calendar/b.ics\n', err: '' })
  t.match(await run('mv', 'alice/calendar/b.ics', 'alice/calendar/second'), { code: 0, out: /→ alice\/calendar\/second\.ics/ })
  t.same([(await ask('GET', `${works}b.ics`)).status, (await ask('GET', '/calendars/users/alice/calendar/second.ics')).body], [404, event('b')])
  t.match(await run('mv', 'alice/calendar/second.ics', 'alice/work/a.ics'), { code: 1, err: /alice\/work\/a\.ics/ })
  t.match(await run('mv', 'alice/work/a.ics', 'alice/tasks'), { code: 1, err: /holds VTODO, not VEVENT/ })
  t.match(await run('mv', 'alice/work', 'alice/calendar'), { code: 1, err: /is a calendar, which holds events only/ })
  t.match(await run('mv', 'alice/work', 'alice/Projects 2027'), { code: 0, out: 'alice/work → alice/Projects 2027\n', err: '' })
  t.match((await ask('PROPFIND', '/calendars/users/alice/Projects%202027/', { headers: { depth: '0' } })).body, 'Work &amp; more')
  await run('access', 'alice/Projects 2027', '--grant', 'bob=read')
  t.match(await run('mv', 'alice/Projects 2027', 'bob/'), { code: 1, err: /bob has no calendars yet/ })
  await ask('PROPFIND', '/calendars/users/bob/', { user: 'bob' })
  t.match(await run('mv', 'alice/Projects 2027', 'bob/'), { code: 0, out: 'alice/Projects 2027 → bob/Projects 2027\n', err: /now belongs to bob[^]*goes with it \(bob: read\): caldavd access bob/ })
  t.equal((await ask('GET', '/calendars/users/bob/Projects%202027/a.ics', { user: 'bob' })).body, event('a'))
  t.match(await run('mv', 'bob/Projects 2027/a.ics', 'alice/calendar/a2.ics', 'alice/nowhere'), { code: 1, err: /nowhere/ })
  t.equal((await ask('GET', '/calendars/users/bob/Projects%202027/a.ics', { user: 'bob' })).status, 200, 'nothing was moved')
  await ask('MKCALENDAR', works)
  t.same(JSON.parse((await run('mv', 'bob/Projects 2027/a.ics', 'alice/calendar/second.ics', 'alice/work', '--json')).out), [{ from: 'bob/Projects 2027/a.ics', to: 'alice/work/a.ics' }, { from: 'alice/calendar/second.ics', to: 'alice/work/second.ics' }])
  await put('big.ics', event('big', { DESCRIPTION: 'y'.repeat(120_000) }))
  t.match(await run('mv', 'alice/work/big.ics', 'bob/calendar'), { code: 1, err: /its limit is 102400/ })
  t.match(await run('mv', 'alice/work', 'bob/taken-too-much'), { code: 1, err: /its limit is 102400/ })
  t.equal((await ask('GET', `${works}big.ics`)).status, 200)
  for (const words of [['alice/inbox', 'bob/'], ['alice', 'bob/'], ['alice/work', 'alice/work'], ['alice/work/a.ics', 'alice/work/a.ics'], ['alice/work/a.ics', 'alice/work/'], ['alice/work/a.ics', 'alice/']]) t.match(await run('mv', ...words), { code: 1, out: '' }, words.join(' '))
  t.match(await run('mv', 'alice/work'), { code: 2, err: /TO is missing: caldavd mv PATH… TO/ })
})

t.test('rm, and undo', async t => {
  const { run, say, put, ask } = await town(t)
  await put('a.ics', event('a'))
  await put('b.ics', event('b'))
  t.match(await run('rm', 'alice/work/a.ics', 'alice/work/nope.ics'), { code: 1, out: '' })
  t.equal((await ask('GET', `${works}a.ics`)).status, 200, 'everything is looked at first')
  t.same(await run('rm', 'alice/work/a.ics'), { code: 0, err: '', out: 'Removed alice/work/a.ics; caldavd undo alice/work/a.ics brings it back\n' })
  t.equal((await ask('GET', `${works}a.ics`)).status, 404)
  t.match(await run('undo', 'alice/work/a.ics'), { code: 0 })
  t.equal((await ask('GET', `${works}a.ics`)).body, event('a'))
  t.match(await run('rm', 'alice/work'), { code: 1, out: '', err: /the calendar alice\/work with 2 events is not removed without asking: say --yes/ })
  t.match(await say({ isTerminal: true, stdin: 'n\n' }, 'rm', 'alice/work'), { code: 1, out: 'alice/work stays\n', err: /Remove the calendar alice\/work with 2 events\? \[y\/N\] $/ })
  t.match(await say({ isTerminal: true, stdin: 'y\n' }, 'rm', 'alice/work'), { code: 0, out: /Removed the calendar alice\/work with 2 events; caldavd undo alice\/work/ })
  t.equal((await ask('PROPFIND', works)).status, 404)
  t.match(await run('undo', 'alice/work'), { code: 0 })
  t.match((await run('ls', 'alice')).out, /alice\/work +Work & more +2 +blue/)
  t.same(JSON.parse((await run('rm', '-y', 'alice/work', 'alice/tasks', '--json')).out), [{ path: 'alice/work', kind: 'calendar' }, { path: 'alice/tasks', kind: 'calendar' }])
  for (const [path, why] of [['alice', /is a home/], ['alice/inbox', /belongs to every home/]] as const) t.match(await run('rm', '--yes', path), { code: 1, err: why })
})

t.test('who reads no further ends it without a word', async t => {
  const { put, data } = await town(t)
  for (let at = 0; at < 3; at++) await put(`${at}.ics`, event(String(at), { DESCRIPTION: 'y'.repeat(90_000) }))
  const { stdout, stderr, status } = spawnSync('bash', ['-o', 'pipefail', '-c', `"$0" "$1" export alice/work --data "$2" | head -1`, process.execPath, program, data], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: '/nowhere' } })
  t.same([stdout, stderr, status], ['BEGIN:VCALENDAR\r\n', '', 0])
})

const usages = Object.values(commands).flatMap(each => each.usages)

t.test('what is said of the commands is what they understand', async t => {
  const { run } = await town(t)
  t.same([...new Set(usages.map(usage => wordsOf(usage)[0]))], Object.keys(commands), 'each command has its usages, under its name')
  for (const usage of usages) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    let out = ''
    stdout.on('data', chunk => { out += String(chunk) })
    t.equal(await main([...wordsOf(usage), '--help'], { stdin: new PassThrough(), stdout, stderr, environment: {} }), 0, usage.command)
    t.ok(out.startsWith(helpText(usage)), usage.command)
  }
  const page = (await main(['man'], collecting(t))) === 0 ? collected : ''
  for (const [why, words] of examples) {
    const usage = usages.filter(each => wordsOf(each).every((word, at) => words[at] === word)).at(-1) as Usage
    t.doesNotThrow(() => { parseArguments(usage, words.slice(wordsOf(usage).length)) }, why)
  }
  for (const usage of usages) {
    t.ok(page.includes(`.SS "${usage.command.replaceAll('-', '\\-')}`), usage.command)
    for (const name of Object.keys(usage.options)) t.ok(page.includes(`\\-\\-${name.replaceAll('-', '\\-')}`), name)
  }
  const groff = spawnSync('groff', ['-man', '-ww', '-Tutf8'], { input: page, encoding: 'utf8' })
  if (groff.error === undefined) t.same([groff.status, groff.stderr], [0, ''], 'roff without a warning')
  t.match(await run('completion', 'tcsh'), { code: 2, err: /expected one of bash, zsh, fish/ })
  t.match(await run('completion', 'bash', 'x'), { code: 2 })
})

let collected = ''

function collecting (t: Test): Parameters<typeof main>[1] {
  collected = ''
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  stdout.on('data', chunk => { collected += String(chunk) })
  stderr.on('data', chunk => { t.fail(String(chunk)) })
  return { stdin: new PassThrough(), stdout, stderr, environment: {} }
}

t.test('completion knows every command, option and path', async t => {
  const { run, put, data, file } = await town(t)
  await put('lunch.ics', event('lunch'))
  t.equal((await run('completion', 'paths')).out, 'alice/\n')
  t.equal((await run('completion', 'paths', 'alice/')).out, 'alice/calendar\nalice/tasks\nalice/work\n')
  t.equal((await run('completion', 'paths', 'alice/w')).out, 'alice/work\n')
  t.equal((await run('completion', 'paths', 'alice/work/l')).out, 'alice/work/lunch.ics\n')
  t.same(await run('completion', 'paths', 'nobody/'), { code: 0, out: '', err: '' })
  for (const [shell, known] of [
    ['bash', (usage: Usage, name: string) => new RegExp(`'${wordsOf(usage).join(' ')}'\\) options='[^']*--${name}[ ']`)],
    ['zsh', (usage: Usage, name: string) => new RegExp(`'${wordsOf(usage).join(' ')}'\\) _arguments [^\n]*'\\*?--${name}\\[`)],
    ['fish', (usage: Usage, name: string) => new RegExp(`'__caldavd_in ${wordsOf(usage).join(' ')}' -l ${name} `)]
  ] as const) {
    t.equal(await main(['completion', shell], collecting(t)), 0)
    const script = collected
    for (const usage of usages) for (const name of [...Object.keys(usage.options), 'help']) if (!known(usage, name).test(script)) t.fail(`${shell}: ${usage.command} --${name}`)
    const check = spawnSync(shell, ['-n', file(`completion.${shell}`, script)], { encoding: 'utf8' })
    if (check.error === undefined) t.same([check.status, check.stderr], [0, ''], `${shell} reads it`)
  }
  await main(['completion', 'bash'], collecting(t))
  const ask = `caldavd () { "${process.execPath}" "${program}" "$@"; }\nasked () { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _caldavd; printf '%s|' "\${COMPREPLY[@]}"; echo; }\n`
  const lines = [['caldavd', 'ag'], ['caldavd', 'user', ''], ['caldavd', 'user', 'add', '--e'], ['caldavd', 'completion', 'f'], ['caldavd', 'export', 'x', '--dir'], ['caldavd', 'ls', '--data', data, 'alice/w'], ['caldavd', 'import', 'x', '--data', data, '--into', 'alice/t'], ['caldavd', 'import', '/dev/nul'], ['caldavd', 'nonsense', '']]
  const { stdout } = spawnSync('bash', ['-c', `${collected}${ask}${lines.map(words => `asked ${words.map(word => `'${word}'`).join(' ')}`).join('\n')}`], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: '/nowhere' } })
  t.same(stdout.split('\n'), ['agenda|', 'add|passwd|list|remove|', '--email|', 'fish|', '--directory|', 'alice/work|', 'alice/tasks|', '/dev/null|', '|', ''])
})
