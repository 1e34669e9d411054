import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { wrappedAcl } from '../../../twistedcompat/acl.js'
import { properties, setProperties } from '../../../store/property.js'
import { asOwner } from '../../../server/admin/owner.js'
import { main } from '../../../server/cli/main.js'
import { columns } from '../../../server/cli/table.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'

const people = ['alice', 'bob', 'carol', 'admin']
const others = '[groups.club]\nguid = "g-club"\nmembers = ["users/carol"]\n'
const works = '/calendars/users/alice/work/'

interface Town extends House {
  readonly data: string
  /** Runs the command with these words. */
  readonly run: (...words: string[]) => Promise<{ code: number, out: string, err: string }>
  /** What somebody may do with an address: '', 'see', 'read', 'change'. */
  readonly reach: (user: string | undefined, url?: string) => Promise<string>
}

/** A house whose accounts and settings are on the disk too, so that commands see the same; alice has a calendar with one event. */
async function town (t: Test, settings: Record<string, string> = {}): Promise<Town> {
  const home = await house(t, { users: people, accounts: others, settings: { 'access.admins': 'users/admin', ...settings } })
  const data = home.site.settings.data.directory
  mkdirSync(join(data, 'conf'), { recursive: true })
  writeFileSync(join(data, 'conf/accounts.toml'), people.map((name, number) => `[users.${name}]\nguid = "00000000-0000-0000-0000-00000000000${number + 1}"\nquota = "100 MB"\n`).join('') + others)
  writeFileSync(join(data, 'conf/caldavd.toml'), '[access]\nadmins = ["users/admin"]\n')
  const run: Town['run'] = async (...words) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    let [out, err] = ['', '']
    stdout.on('data', chunk => { out += String(chunk) })
    stderr.on('data', chunk => { err += String(chunk) })
    const code = await main([...words, '--data', data], { stdin, stdout, stderr, environment: { HOME: '/nowhere' } })
    await home.site.delegates.refresh()
    return { code, out, err }
  }
  const reach: Town['reach'] = async (user, url = works) => {
    const put = await home.ask('PUT', `${url}${user ?? 'nobody'}.ics`, { user, body: event(`by-${user ?? 'nobody'}`), headers: calendarType })
    if (put.status < 300) return 'change'
    const get = await home.ask('GET', `${url}a.ics`, { user })
    if (get.status === 200) return 'read'
    const busy = await home.ask('REPORT', url, { user, headers: { depth: '1' }, body: busyQuery })
    return busy.status === 200 ? 'see' : ''
  }
  await home.ask('MKCALENDAR', works)
  await home.ask('PUT', `${works}a.ics`, { body: event('a'), headers: calendarType })
  return { ...home, data, run, reach }
}

const busyQuery = '<free-busy-query xmlns="urn:ietf:params:xml:ns:caldav"><time-range start="20260101T000000Z" end="20260201T000000Z"/></free-busy-query>'

t.test('grants and revokes hold at the next request, and the table says so', async t => {
  const { run, reach } = await town(t)
  t.equal(await reach('bob'), 'see')
  t.match(await run('access', 'users/alice/work'), {
    code: 0,
    out: /^users\/alice\/work\n\/calendars\/users\/alice\/work\/\n\nWHO +MAY +BECAUSE\nadmin +everything +access\.admins\nalice +everything +owner\neverybody who has logged in +see busy time +access\.busy\n$/
  })
  for (const [words, said, row, expected] of [
    [['--grant', 'bob=read'], 'bob may read users/alice/work\n', /\nbob +read +granted here\n/, ['read', 'see', '']],
    [['--grant', 'bob=read'], 'bob may read users/alice/work already\n', /\nbob +read +granted here\n/, ['read', 'see', '']],
    [['--grant', 'bob=write'], 'bob may read and change users/alice/work\n', /\nbob +read and change +granted here\n/, ['change', 'see', '']],
    [['--grant', 'groups/club=read', '--revoke', 'users/bob'], 'groups/club may read users/alice/work\nusers/bob has no longer', /\ngroups\/club \(carol\) +read +granted here\n/, ['see', 'read', '']],
    [['--revoke', 'carol'], 'carol was granted nothing on users/alice/work; what carol may do comes from: groups/club (carol)\n', /club/, ['see', 'read', '']],
    [['--grant', 'everyone=read', '--revoke', 'groups/club'], 'everyone may read', /\neverybody who has logged in +read +granted here\n/, ['read', 'read', '']],
    [['--grant', 'public=read', '--revoke', 'everyone'], 'public may read', /\neverybody, also without a login +read +granted here\n/, ['read', 'read', 'read']],
    [['--revoke', 'public'], 'public has no longer', /work\/\n\nWHO[^]*access\.busy\n$/, ['see', 'see', '']]
  ] as const) {
    const { code, out, err } = await run('access', 'alice/work', ...words)
    t.match({ code, out, err }, { code: 0, err: '' }, words.join(' '))
    t.ok(out.startsWith(said), out)
    t.match(out, row)
    t.same([await reach('bob'), await reach('carol'), await reach(undefined)], expected, words.join(' '))
  }
})

t.test('what is passed on, and what a home shows', async t => {
  const { ask, run, reach } = await town(t)
  await ask('MKCOL', '/calendars/users/alice/folder/')
  await ask('MKCOL', '/calendars/users/alice/folder/deep/', { body: '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/><calendar xmlns="urn:ietf:params:xml:ns:caldav"/></resourcetype><displayname>Deep &amp; dark</displayname></prop></set></mkcol>' })
  await ask('PUT', '/calendars/users/alice/folder/deep/a.ics', { body: event('a'), headers: calendarType })
  await run('access', 'users/alice/folder/deep', '--grant', 'bob=read')
  t.equal(await reach('bob', '/calendars/users/alice/folder/deep/'), 'read', 'the events of a calendar too')
  await run('access', 'users/alice/work', '--grant', 'bob=write')
  const { out } = await run('access', '/calendars/users/alice/')
  t.match(out, /\nCALENDAR +NAME +SHARED WITH\n/)
  t.match(out, /\nusers\/alice\/work +bob: read and change\n/)
  t.match(out, /\nusers\/alice\/calendar +"Calendar" +-\n/)
  t.notMatch(out, /inbox/)
  t.match((await run('access', 'alice/folder/deep')).out, /^users\/alice\/folder\/deep {2}"Deep & dark"\n/)
  t.match((await run('access', 'alice/inbox')).out, /everybody who has logged in +send invitations[^]* +always so\n/)
})

t.test('entries that say more than a plain grant stay as they are', async t => {
  const { ask, run, documents, reach } = await town(t)
  const directory = join(documents, 'calendars/users/alice/work')
  const own = '<ace><principal><href>/principals/__uids__/nobody-any-more/</href></principal><grant><privilege><read/></privilege></grant></ace>'
  const strange = '<ace><invert><principal><href>/principals/users/bob/</href></principal></invert><grant><privilege><read/></privilege></grant></ace>' +
    '<ace><principal><href>/principals/users/bob/</href></principal><grant><privilege><fly xmlns="urn:x"/></privilege></grant></ace>'
  const denial = '<ace><principal><href>/principals/users/bob/</href></principal><deny><privilege><write/></privilege></deny></ace>'
  await setProperties(directory, '', new Map([['{DAV:}acl', `<acl xmlns="DAV:">${own}${strange}${denial}</acl>`]]))
  const before = await run('access', 'alice/work')
  t.match(before.out, /\nnobody any more \(\/principals\/__uids__\/nobody-any-more\/\) +read +granted here\n/)
  t.match(before.out, /\neverybody but: bob +read +granted here\n/)
  t.match(before.out, /\nbob +not: change +denied here\n/)
  t.match(before.out, /The first line that speaks of something decides/)
  await run('access', 'alice/work', '--grant', 'bob=write')
  t.equal(await reach('bob'), 'change', 'a grant stands before the denials')
  await run('access', 'alice/work', '--revoke', 'bob', '--revoke', '/principals/__uids__/nobody-any-more/')
  const kept = properties(directory, '').get('{DAV:}acl') ?? ''
  t.match(kept, 'urn:x')
  t.match(kept, /invert/)
  t.match(kept, /deny/)
  t.notMatch(kept, 'nobody-any-more')
  t.equal(kept.match(/ace>/g)?.length, 6)
  // Apple's server of 2006 kept it in a wrapper, which must not come back when the list is empty
  await setProperties(directory, '', new Map([['{DAV:}acl', undefined], [wrappedAcl, `<acl xmlns="http://twistedmatrix.com/xml_namespace/dav/private/"><acl xmlns="DAV:">${denial.replace(/deny/g, 'grant')}</acl></acl>`]]))
  t.match((await run('access', 'alice/work')).out, /\nbob +change +granted here\n/)
  await run('access', 'alice/work', '--revoke', 'bob')
  t.same([...properties(directory, '').keys()].filter(name => name.endsWith('acl')), [])
  t.equal(await reach('bob'), 'see')
  await setProperties(directory, '', new Map([[wrappedAcl, `<acl xmlns="http://twistedmatrix.com/xml_namespace/dav/private/"><acl xmlns="DAV:">${denial.replace(/deny/g, 'grant')}</acl></acl>`]]))
  t.equal((await ask('ACL', works, { body: '<acl xmlns="DAV:"/>' })).status, 200)
  t.notMatch((await run('access', 'alice/work')).out, /\nbob /, 'nor after an ACL request')
  await setProperties(directory, '', new Map([['{DAV:}acl', '<acl xmlns="DAV:"><ace>']]))
  t.match(await run('access', 'alice/work', '--grant', 'bob=read'), { code: 1, err: /the \{DAV:\}acl attribute of .*work cannot be read/ })
  t.equal(properties(directory, '').get('{DAV:}acl'), '<acl xmlns="DAV:"><ace>')
  t.equal((await ask('ACL', works, { body: '<acl xmlns="DAV:"/>' })).status, 200)
})

t.test('what goes wrong is one line with what there is', async t => {
  const { run, data, documents } = await town(t)
  const attributes = (): string => JSON.stringify([...properties(join(documents, 'calendars/users/alice/work'), '')])
  const before = attributes()
  for (const [why, words, code, says] of [
    ['no such calendar', ['access', 'users/alice/wrk'], 1, /^caldavd: users\/alice\/wrk is not there; there is calendar \("Calendar"\), inbox, outbox, tasks \("Tasks"\), work\n$/],
    ['an event', ['access', 'users/alice/work/a.ics'], 1, /users\/alice\/work is a calendar, and the lists of single events/],
    ['a path out of the home', ['access', 'users/alice/../bob'], 1, /is not there/],
    ['no such owner', ['access', 'users/alise/work'], 1, /there is no account alise, did you mean alice\?/],
    ['an owner without a home', ['access', 'users/carol/calendar'], 1, /users\/carol has no calendars yet/],
    ['a group of paths', ['access', 'groups'], 1, /groups of whom\?/],
    ['no path', ['access'], 2, /CALENDAR is missing/],
    ['nobody', ['access', 'alice/work', '--grant', 'xyzzy=read'], 1, /there is no account xyzzy, there is alice, bob, carol, admin, groups\/club/],
    ['nobody near', ['access', 'alice/work', '--grant', 'bbo=read'], 1, /there is no account bbo, did you mean bob\?/],
    ['a principal that is gone', ['access', 'alice/work', '--grant', '/principals/users/eve/=read'], 1, /\/principals\/users\/eve\/ is no principal here/],
    ['no level', ['access', 'alice/work', '--grant', 'bob'], 2, /--grant bob: expected WHO=LEVEL, where LEVEL is read, write, busy/],
    ['no such level', ['access', 'alice/work', '--grant', 'bob=all'], 2, /--grant bob=all: expected/],
    ['everybody on the network', ['access', 'alice/work', '--grant', 'public=write'], 2, /whoever finds the server could change it/],
    ['the owner', ['access', 'alice/work', '--grant', 'alice=read'], 1, /belongs to alice, who may do everything/],
    ['twice', ['access', 'alice/work', '--grant', 'bob=read', '--revoke', 'users/bob'], 2, /users\/bob is named twice/],
    ['a home', ['access', 'alice', '--grant', 'bob=read'], 1, /users\/alice is a home, whose list is fixed: name one of its calendars, or let somebody act for alice/],
    ['a misspelt option', ['access', 'alice/work', '--grnt', 'bob=read'], 2, /did you mean --grant\?/],
    ['a proxy of nobody', ['proxy', 'eve'], 1, /there is no account eve/],
    ['a proxy of oneself', ['proxy', 'alice', '--write', 'alice'], 1, /alice needs no proxy/],
    ['a proxy in both halves', ['proxy', 'alice', '--write', 'bob', '--read', 'users/bob'], 1, /bob is named twice/],
    ['no proxy to remove', ['proxy', 'alice', '--remove', 'bob'], 1, /bob is no proxy of alice/],
    ['a quota of nobody', ['quota', 'eve'], 1, /there is no account eve/]
  ] as const) {
    const { code: found, out, err } = await run(...words)
    t.match({ code: found, out, err }, { code, out: '', err: says }, why)
    t.equal(err.trim().split('\n').length, 1, why)
  }
  t.equal(attributes(), before)
  t.notOk(existsSync(join(data, 'conf/proxies.toml')))
  t.match(await run('access', '--help'), { code: 0, out: /^caldavd access CALENDAR \[options\]/ })
  t.equal(columns([['A', 'B'], ['e\u0301e', 'x'], ['long', '']]), 'A     B\ne\u0301e    x\nlong\n')
})

t.test('proxies', async t => {
  const { run, reach, data } = await town(t)
  t.match(await run('proxy', 'alice'), { code: 0, out: 'Nobody acts for alice\n' })
  t.match(await run('proxy', 'alice', '--write', 'bob', '--read', 'groups/club'), { code: 0, out: /^Changed .*proxies\.toml\n\nFOR ALICE ACTS +MAY\nbob +read and change\ngroups\/club +read\n$/ })
  t.same([await reach('bob'), await reach('carol')], ['change', 'read'])
  t.match((await run('access', 'alice/work')).out, /\nproxies of alice: groups\/club +read +caldavd proxy alice\nproxies of alice: bob +read and change +caldavd proxy alice\n/)
  t.match(await run('proxy', 'carol'), { out: 'Nobody acts for carol\n\nCAROL ACTS FOR  MAY\nalice           read\n' })
  t.match(await run('proxy', 'alice', '--write', 'bob'), { out: /^That is so already\n/ })
  t.match(await run('proxy', 'alice', '--read', 'bob', '--remove', 'groups/club'), { out: /\nbob +read\n$/ })
  t.same([await reach('bob'), await reach('carol')], ['read', 'see'])
  await run('proxy', 'alice', '--remove', 'bob')
  t.equal(await reach('bob'), 'see')
  t.match(readFileSync(join(data, 'conf/proxies.toml'), 'utf8'), /\[users\.alice\]\n(?:write|read) = \[\]\n(?:write|read) = \[\]\n/)
})

t.test('the public tree', async t => {
  const { run, reach, documents } = await town(t)
  mkdirSync(join(documents, 'calendars/public/club'), { recursive: true })
  writeFileSync(join(documents, 'calendars/public/club/a.ics'), event('a'))
  const club = '/calendars/public/club/'
  t.same([await reach('bob', club), await reach(undefined, club), await reach('admin', club)], ['read', 'read', 'change'])
  t.match(await run('access', 'public/club', '--grant', 'bob=write'), { code: 0, out: /\nadmin +everything +access\.admins\nbob +read and change +granted here\neverybody, also without a login +read +public tree\n$/ })
  t.same([await reach('bob', club), await reach('carol', club)], ['change', 'read'])
  t.match((await run('access', 'public')).out, /\npublic\/club +bob: read and change\n/)
  t.match(await run('access', 'public', '--grant', 'bob=write'), { code: 1, err: /public is a home, whose list is fixed: name one of its calendars\n/ })
})

t.test('a server that runs sees it at the next request', async t => {
  // no testdir: that is removed before the server is stopped, which would keep what was removed in the history
  const data = mkdtempSync(join(tmpdir(), 'caldavd-access-'))
  t.teardown(() => { rmSync(data, { recursive: true, force: true }) })
  mkdirSync(join(data, 'conf'))
  writeFileSync(join(data, 'conf/accounts.toml'), '[users.alice]\npassword = "plain:alice"\n[users.bob]\npassword = "plain:bob"\n')
  const program = join(import.meta.dirname, '../../../dist/bin/caldavd.js')
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CALDAVD_')))
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--port', '0'], { env })
  const gone = new Promise(resolve => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await gone
  })
  let text = ''
  child.stdout.on('data', chunk => { text += String(chunk) })
  for (let wait = 0; wait < 200 && !text.includes('calendars are in'); wait++) await new Promise(resolve => setTimeout(resolve, 50))
  const url = /Address +(\S+)/.exec(text)?.[1] ?? `nothing: ${text}`
  const status = async (user: string): Promise<number> => (await fetch(`${url}calendars/users/alice/calendar/`, {
    method: 'PROPFIND', headers: { depth: '0', authorization: `Basic ${Buffer.from(`${user}:${user}`).toString('base64')}` }
  })).status
  t.same([await status('alice'), await status('bob')], [207, 403])
  for (const [words, expected] of [[['--grant', 'bob=read'], 207], [['--revoke', 'bob'], 403], [['--grant', 'bob=write'], 207]] as const) {
    const { status: code, stderr } = spawnSync(process.execPath, [program, 'access', 'users/alice/calendar', ...words, '--data', data], { encoding: 'utf8', env, timeout: 20_000 })
    t.match({ code, stderr }, { code: 0, stderr: '' })
    t.equal(await status('bob'), expected, words.join(' '))
  }
})

t.test('without busy time others see nothing', async t => {
  const { run, reach } = await town(t, { 'access.busy': 'false' })
  t.equal(await reach('bob'), '')
  await run('access', 'alice/work', '--grant', 'bob=busy')
  t.same([await reach('bob'), await reach('carol')], ['see', ''])
})

t.test('quota', async t => {
  const { run, ask, documents } = await town(t)
  await ask('PROPFIND', '/calendars/users/bob/', { user: 'bob' })
  writeFileSync(join(documents, 'calendars/users/alice/work/big.ics'), ' '.repeat(50 * 1024 ** 2))
  t.match(await run('quota'), { code: 0, out: /^NAME +FILES +USED +LIMIT\nalice +2 +50\.0 MB +100 MB +50 %\nbob +0 +0 bytes +100 MB +0 %\n/ })
  t.match((await run('quota', 'bob')).out, /^NAME.*\nbob .*\n$/)
})

t.test('a home that Apple’s server was told to close', async t => {
  const { run, documents } = await town(t)
  await setProperties(join(documents, 'calendars/users/alice'), '', new Map([['{http://twistedmatrix.com/xml_namespace/dav/private/}access-disabled', '<access-disabled xmlns="http://twistedmatrix.com/xml_namespace/dav/private/"/>']]))
  t.match((await run('access', 'alice/work')).out, /The home is closed \(access-disabled\)[^]*\nWHO.*\nadmin +everything +access\.admins\n$/)
})

t.test('what root does belongs to the owner of the documents', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  const { run, documents, data, reach } = await town(t)
  const work = join(documents, 'calendars/users/alice/work')
  for (const path of [data, join(data, 'conf'), documents, join(documents, 'calendars'), join(documents, 'calendars/users'), join(documents, 'calendars/users/alice'), work]) {
    chownSync(path, 65534, 65534)
    chmodSync(path, 0o700)
  }
  const before = process.umask(0o077)
  try {
    t.match(await run('access', 'alice/work', '--grant', 'bob=read'), { code: 0 })
    t.match(await run('proxy', 'alice', '--read', 'bob'), { code: 0 })
  } finally {
    process.umask(before)
  }
  t.equal(process.geteuid?.(), 0)
  t.equal(await reach('bob'), 'read')
  for (const path of [join(work, '.properties.json'), join(data, 'conf/proxies.toml')]) t.equal(statSync(path).uid, 65534, path)
  t.same(readdirSync(work).sort(), ['.properties.json', 'a.ics'])
  const groups = process.getgroups?.()
  await t.rejects(asOwner(join(work, 'not/there'), async () => {
    t.equal(process.geteuid?.(), 65534)
    t.same(process.getgroups?.(), [65534], 'and none of root’s groups')
    throw new Error('x')
  }), /x/)
  t.equal(process.geteuid?.(), 0, 'also after a failure')
  t.same(process.getgroups?.(), groups)
})

/** The commands of the page as words, under the headings they stand below. */
function commands (page: string): { heading: string, words: string[] }[] {
  let heading = ''
  return page.split(/^(?=## )/m).flatMap(section => {
    heading = /^## (.*)/.exec(section)?.[1] ?? ''
    return [...section.matchAll(/^```sh\n([^]*?)^```/gm)].flatMap(([, block = '']) =>
      [...block.matchAll(/^(?:curl|caldavd) (?:'[^']*'|[^'\n])*/gm)].map(([line]) => ({ heading, words: [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '') })))
  })
}

const known = ['-u', '-X', '-H', '--data']

t.test('docs/access.md: every command does what the page says', async t => {
  const page = readFileSync('docs/access.md', 'utf8')
  const { run, ask, reach, documents } = await town(t)
  const outcomes: Record<string, string[]> = {}
  const all = commands(page)
  t.ok(all.length >= 17, `${all.length} commands`)
  for (const { heading, words: [program = '', ...words] } of all) {
    let said = ''
    if (program === 'caldavd') {
      const { code, out, err } = await run(...words)
      t.equal(code, 0, `${words.join(' ')}: ${err}`)
      said = out
    } else {
      const options = (name: string): string[] => words.flatMap((word, at) => word === name ? [words[at + 1] ?? ''] : [])
      const [url = ''] = words.filter((word, at) => !word.startsWith('-') && !known.includes(words[at - 1] ?? ''))
      t.same(words.filter(word => /^-/.test(word) && !known.includes(word)), [], 'options that this test knows')
      const headers = Object.fromEntries(options('-H').map(header => [header.split(': ')[0]?.toLowerCase() ?? '', header.split(': ')[1] ?? '']))
      const [body] = options('--data')
      // what curl sends
      const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await ask(options('-X')[0] ?? 'GET', url.replace('https://cal.example.org', ''), { user: options('-u')[0], headers: { ...type, ...headers }, ...body === undefined ? {} : { body } })
      t.match(String(answer.status), /^2/, `${words.slice(0, 5).join(' ')}: ${answer.body}`)
      t.notMatch(answer.body, /HTTP\/1\.1 [45]/, answer.body)
      said = answer.body
    }
    (outcomes[heading] ??= []).push(`${await reach('bob')} ${await reach('carol')} ${await reach(undefined)}`)
    if (heading === 'What is in force') t.match(said, program === 'curl' ? '/principals/' : /work/)
    if (heading === 'Set a quota') t.match(said, /quota-used-bytes>\d|100 MB/)
    if (words[1] === 'bob') t.match(said, 'BEGIN:VFREEBUSY')
    if (heading.includes('to read and change')) {
      t.match((await ask('PROPPATCH', works, { user: 'bob', body: '<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname></prop></set></propertyupdate>' })).body, /200 OK/)
      for (const [method, body] of [['DELETE'], ['ACL', '<acl xmlns="DAV:"/>']] as const) t.equal((await ask(method, works, { user: 'bob', ...body === undefined ? {} : { body } })).status, 403, method)
    }
    // each way of doing it begins with an empty list
    if (heading.startsWith('Share') || heading.startsWith('Publish')) {
      if (program === 'curl' || !words.includes('bob=read') && !words.includes('everyone=busy')) await ask('ACL', works, { body: '<acl xmlns="DAV:"/>' })
    }
    if (heading.startsWith('Make') && words.includes('--remove')) await run('proxy', 'alice', '--remove', 'carol')
  }
  t.match(outcomes, {
    'Share a calendar, read-only': ['read see ', 'read read ', 'see read ', 'read read '],
    'Share a calendar, to read and change': ['change see ', 'change see '],
    'Publish a calendar': ['read read read', 'read read read', 'see see '],
    'Make a secretary a proxy': ['read change ', 'see change ', 'see change ']
  })
  t.equal((await ask('PROPFIND', '/calendars/public/holidays/', { user: undefined, headers: { depth: '0' } })).status, 207)
  t.ok(existsSync(join(documents, 'calendars/public/holidays')))
  t.ok(page.split('\n').length <= 111, 'one page')
})
