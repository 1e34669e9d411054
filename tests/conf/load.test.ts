import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadSettings, settingsFile } from '../../conf/load.js'
import { nearest } from '../../conf/nearest.js'
import { exampleToml, rows, settingsTable, variable } from '../../conf/settings.js'
import { quote, quoteKey, readToml } from '../../conf/toml.js'

const home = { HOME: '/home/u' }
const example = new URL('../../conf/caldavd.toml', import.meta.url)

t.test('defaults, in bytes, seconds and whole paths', async t => {
  const settings = loadSettings({ environment: home })
  t.match(settings, {
    server: { port: 8008, bind: '127.0.0.1', requestSeconds: 120 },
    data: { directory: '/home/u/.local/share/caldavd', documents: '/home/u/.local/share/caldavd/documents', sweepSeconds: 300, fsync: true },
    accounts: { file: '/home/u/.local/share/caldavd/conf/accounts.toml' },
    authentication: { realm: 'caldavd', cacheSeconds: 300 },
    limits: { bodyBytes: 10485760, xmlBytes: 1048576, propertyBytes: 65536, instances: 40_000 },
    log: { level: 'info', access: '-', format: 'text' }
  })
  t.equal(settings.server.baseUrl, undefined)
  t.equal(settings.accounts.resources, undefined)
  t.ok(Object.isFrozen(settings) && Object.isFrozen(settings.limits))
  t.throws(() => { (settings.server as { port: number }).port = 1 }, TypeError)
})

t.test('every default in the table can be read, and the example file says the same', async t => {
  for (const [name, row] of rows) {
    if (row.written !== undefined) t.not(row.read(row.written), undefined, name)
    else t.not(row.read(row.example), undefined, name)
    t.match(settingsTable(), `\`${name}\``)
  }
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(example, exampleToml())
  t.equal(readFileSync(example, 'utf8'), exampleToml(), 'conf/caldavd.toml is exampleToml()')
  t.strictSame(loadSettings({ file: example.pathname, environment: home }), loadSettings({ environment: home }))
  const dir = t.testdir({ 'all.toml': exampleToml().replace(/^# (\w+ = )/gm, '$1') })
  const all = loadSettings({ file: join(dir, 'all.toml'), environment: home })
  for (const name of rows.keys()) {
    const [group, key] = name.split('.') as ['server', 'port']
    t.not(all[group][key], undefined, `${name} is in the example`)
  }
})

t.test('flags outrank the environment, which outranks the file', async t => {
  const dir = t.testdir({ 'c.toml': '[server]\nport = 1\nbind = "::1"\n[limits]\nbodyBytes = "2 MB"\nxmlDepth = 7\n' })
  const environment = { ...home, CALDAVD_SERVER_PORT: '2', CALDAVD_LIMITS_BODY_BYTES: '3 kb', CALDAVD_DATA_FSYNC: 'no' }
  const settings = loadSettings({ file: join(dir, 'c.toml'), environment, flags: { 'server.port': '3', 'server.bind': undefined } })
  t.match(settings, { server: { port: 3, bind: '::1' }, limits: { bodyBytes: 3072, xmlDepth: 7 }, data: { fsync: false } })
  t.equal(variable('limits.bodyBytes'), 'CALDAVD_LIMITS_BODY_BYTES')
})

t.test('paths count from the file, from the working directory, from home or from <data>', async t => {
  const dir = t.testdir({ sub: {
    'c.toml': '[data]\ndirectory = "../d"\ndocuments = "docs"\n[accounts]\nfile = "<data>/a.toml"\nresources = "~/r.xml"\n[log]\naccess = "log/a"\n'
  } })
  const file = join(dir, 'sub/c.toml')
  t.match(loadSettings({ file, environment: home }), {
    data: { directory: join(dir, 'd'), documents: join(dir, 'sub/docs') },
    accounts: { file: join(dir, 'd/a.toml'), resources: '/home/u/r.xml' }, log: { access: join(dir, 'sub/log/a') }
  })
  t.match(loadSettings({ file, environment: home, flags: { 'data.directory': 'here', 'accounts.file': 'x' } }), {
    data: { directory: join(process.cwd(), 'here') }, accounts: { file: join(process.cwd(), 'x') }
  })
  t.throws(() => loadSettings({ environment: home, flags: { 'data.directory': '<data>/x' } }), { name: 'SettingsError' })
})

t.test('the file is the one named, CALDAVD_CONFIG, or the one in the data directory', async t => {
  const dir = t.testdir({ 'a.toml': '', data: { conf: { 'caldavd.toml': '[server]\nport = 77\n' } }, none: {} })
  const data = { 'data.directory': join(dir, 'data') }
  t.equal(settingsFile({ environment: home, flags: data }), join(dir, 'data/conf/caldavd.toml'))
  t.equal(loadSettings({ environment: home, flags: data }).server.port, 77)
  t.equal(settingsFile({ environment: { CALDAVD_CONFIG: join(dir, 'a.toml') }, flags: data }), join(dir, 'a.toml'))
  t.equal(settingsFile({ file: join(dir, 'b.toml'), environment: { CALDAVD_CONFIG: join(dir, 'a.toml') } }), join(dir, 'b.toml'))
  t.equal(settingsFile({ environment: { CALDAVD_DATA_DIRECTORY: join(dir, 'none') } }), undefined)
  t.throws(() => loadSettings({ file: join(dir, 'b.toml'), environment: home }), { name: 'SettingsError', message: /b\.toml: cannot be read/ })
})

t.test('JSON is read too', async t => {
  const dir = t.testdir({ 'c.json': '{ "server": { "port": 9 },\n "limits": { "bodyBytes": "1.5 KB" } }', odd: '{"log":{"level":"debug"}}' })
  t.match(loadSettings({ file: join(dir, 'c.json'), environment: home }), { server: { port: 9 }, limits: { bodyBytes: 1536 } })
  t.equal(loadSettings({ file: join(dir, 'odd'), environment: home }).log.level, 'debug')
})

t.test("Apple's property list is read", async t => {
  const dir = t.testdir({
    'caldavd.plist': `<?xml version="1.0"?><plist version="1.0"><dict><key>HTTPPort</key><integer>8123</integer>
      <key>DocumentRoot</key><string>/srv/Documents</string><key>UserQuota</key><integer>5</integer><key>MaxAttendeesPerInstance</key><integer>5</integer><key>ErrorLogFile</key><string>/var/log/x</string>
      <key>Nonsense</key><true/></dict></plist>`,
    wrong: '<plist><dict>\n<key>HTTPPort</key><integer>x</integer></dict></plist>', 'kind.plist': '<plist><dict><key>HTTPPort</key><true/></dict></plist>'
  })
  const warnings: string[] = []
  const settings = loadSettings({ file: join(dir, 'caldavd.plist'), environment: home, warn: text => warnings.push(text) })
  t.match(settings, { server: { port: 8123 }, data: { documents: '/srv/Documents' }, limits: { quotaBytes: 5, attendees: 5 } })
  t.match(warnings, [/caldavd\.plist: no effect here: Nonsense$/, /caldavd\.plist: no effect yet: .*log\.error here$/])
  t.throws(() => loadSettings({ file: join(dir, 'wrong'), environment: home }), { name: 'SettingsError', message: /wrong, line 2: <integer>, expected a whole number$/ })
  t.throws(() => loadSettings({ file: join(dir, 'kind.plist'), environment: home }), { name: 'SettingsError', message: /kind\.plist: HTTPPort: expected <integer>/ })
})

t.test('a wrong file says where, what and what was expected', async t => {
  const cases: Record<string, [string, RegExp]> = {
    'a near miss': ['a.toml', /a\.toml, line 2: no setting is called server\.prot; did you mean server\.port\?$/],
    'a group by another name': ['b.toml', /b\.toml, line 3: no group is called sever; did you mean server\?$/],
    'a setting without its group': ['c.toml', /c\.toml, line 1: no group is called bodyBytes; did you mean limits\.bodyBytes\?$/],
    'a wrong number': ['d.toml', /d\.toml, line 4: server\.port: expected a whole number from 0 to 65535, got 70000$/],
    'a fraction': ['e.toml', /line 1: limits\.xmlDepth: expected a whole number from 1 to 1000, got 1\.5$/],
    'no TOML': ['f.toml', /f\.toml, line 2: not valid TOML: /],
    'a value for a group': ['g.toml', /line 1: server: expected a group of settings like \[server\], got 8008$/],
    'a key after a value of many lines': ['h.toml', /h\.toml, line 6: log\.format: expected one of text, json, got "xml"$/],
    'a date': ['i.toml', /line 1: server\.bind: expected a text of one line, got "2024/],
    'the prototype': ['j.toml', /j\.toml, line 1: not valid TOML|no group is called __proto__/],
    'JSON: a wrong value': ['k.json', /k\.json, line 3: data\.fsync: expected true or false, got 2$/],
    'JSON: no JSON': ['l.json', /l\.json, line 2: not valid JSON/],
    'JSON: a list': ['m.json', /m\.json: expected an object of groups/],
    'JSON: the prototype': ['n.json', /n\.json, line 1: no group is called __proto__/],
    'too large': ['o.toml', /line 1: limits\.bodyBytes: expected bytes, or a size like .* got "2 GB"$/],
    'an address that is none': ['p.toml', /line 1: server\.baseUrl: expected an address like/],
    'too long to wait': ['q.toml', /line 1: data\.sweepSeconds: expected seconds/]
  }
  const dir = t.testdir({
    'a.toml': '[server]\nprot = 1\n', 'b.toml': '# x\n\n[sever]\n', 'c.toml': 'bodyBytes = 1\n', 'd.toml': '[server]\n\n# y\nport = 70000\n',
    'e.toml': 'limits.xmlDepth = 1.5\n', 'f.toml': '[server]\nport = = 1\n', 'g.toml': 'server = 8008\n',
    'h.toml': "[log]\naccess = '''\nformat = [#'''\n\n# z\nformat = \"xml\"\n",
    'i.toml': 'server.bind = 2024-01-01\n', 'j.toml': '[__proto__]\nx = 1\n',
    'k.json': '{\n "data": {\n  "fsync": 2\n }\n}', 'l.json': '{\n "data": }', 'm.json': '[1]', 'n.json': '{"__proto__": {"a": 1}}',
    'o.toml': 'limits.bodyBytes = "2 GB"', 'p.toml': 'server.baseUrl = "cal.example.org"', 'q.toml': 'data.sweepSeconds = "40 days"'
  })
  for (const [why, [file, message]] of Object.entries(cases)) {
    t.throws(() => loadSettings({ file: join(dir, file), environment: home }), { name: 'SettingsError', message }, why)
  }
})

t.test('a wrong variable or flag', async t => {
  const warnings: string[] = []
  const load = (environment: Record<string, string>, flags = {}) =>
    loadSettings({ environment: { ...home, ...environment }, flags, warn: text => warnings.push(text) })
  t.throws(() => load({ CALDAVD_SERVER_PROT: '1' }), { message: 'environment: no setting is called CALDAVD_SERVER_PROT; did you mean CALDAVD_SERVER_PORT?' })
  t.throws(() => load({ CALDAVD_SERVER_PORT: 'x' }), { message: 'environment CALDAVD_SERVER_PORT: server.port: expected a whole number from 0 to 65535, got "x"' })
  t.throws(() => load({}, { 'server.port': '-1' }), { message: /^command line: server\.port: expected a whole number/ })
  t.throws(() => load({}, { 'server.prt': '1' }), { message: /^command line: no setting is called server\.prt; did you mean server\.port/ })
  load({ CALDAVD_HOME: '/opt' })
  t.strictSame(warnings, ['environment: no setting is called CALDAVD_HOME'], 'a stranger is only mentioned')
})

t.test('sizes, times and truths in words', async t => {
  const read = (name: string, value: unknown) => rows.get(name)?.read(value)
  for (const [name, value, expected] of [
    ['limits.bodyBytes', '10 MB', 10485760], ['limits.bodyBytes', '10MiB', 10485760], ['limits.bodyBytes', '512', 512], ['limits.bodyBytes', '10 parsecs', undefined],
    ['limits.bodyBytes', '10 constructor', undefined], ['limits.bodyBytes', 0, undefined], ['limits.bodyBytes', -1, undefined], ['limits.bodyBytes', NaN, undefined],
    ['data.sweepSeconds', '1.5 h', 5400], ['data.sweepSeconds', 0, 0], ['data.sweepSeconds', '5', 5], ['data.sweepSeconds', '', undefined],
    ['data.fsync', 'On', true], ['data.fsync', '0', false], ['data.fsync', 'toString', undefined], ['data.fsync', [], undefined],
    ['log.access', '', ''], ['accounts.file', '', undefined], ['server.baseUrl', 'https://x.example/dav/', 'https://x.example/dav'],
    ['server.baseUrl', 'ftp://x', undefined], ['server.baseUrl', 'https://x/dav/', 'https://x/dav'], ['server.baseUrl', 'https://x/calendars/a', undefined], ['server.baseUrl', 'https://x/a//b', undefined],
    ['server.proxies', '10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']], ['server.proxies', ['fd00::/8'], ['fd00::/8']], ['server.proxies', '10.0.0.0/33', undefined], ['server.proxies', 'localhost', undefined], ['server.proxies', '', []],
    ['authentication.proxyHeader', 'X-Remote-User', 'X-Remote-User'], ['authentication.proxyHeader', 'Authorization', undefined], ['authentication.proxyHeader', 'a b', undefined], ['authentication.realm', 'a\nb', undefined], ['server.port', '8008', 8008], ['server.port', 1e300, undefined]
  ] as const) t.strictSame(read(name, value), expected, `${name} = ${JSON.stringify(value)}`)
})

t.test('where things stand in TOML', async t => {
  const text = [
    '\uFEFF# first', 'a.b = 1', '"q.x" = \'it = [\' # c', '[t] # [no]', 'm = """', '[u]', 'k = 1', '"""', 'list = [', '  "]", # ]', '  { a = 1 },', ']',
    '  [ "t" . s ]  ', "l = '''", "''' # x", 'z.y = {a = "}", b = [1]}', '[[arr]]', 'n = 1', '[[arr]]', 'n = 2', 'date = 1979-05-27 07:32:00 # d', 'end = "\\"]"'
  ]
  const toml = readToml(text.join('\r\n'))
  t.strictSame(toml.entries.map(({ path, line, lastLine }) => [path.join('/'), line, lastLine]), [
    ['a/b', 2, 2], ['q.x', 3, 3], ['t', 4, 4], ['t/m', 5, 8], ['t/list', 9, 12], ['t/s', 13, 13], ['t/s/l', 14, 15], ['t/s/z/y', 16, 16],
    ['arr', 17, 17], ['arr/n', 18, 18], ['arr', 19, 19], ['arr/n', 20, 20], ['arr/date', 21, 21], ['arr/end', 22, 22]
  ])
  t.equal(toml.lineOf('t', 's', 'z', 'y', 'b'), 16, 'inside an inline table: the line of the table')
  t.equal(toml.lineOf('nothing'), undefined)
  t.throws(() => readToml('a = 1\na = 2\n'), { name: 'TomlFault', line: 2 })
  for (const odd of ['', 'a"b\\c', 'ü\u{1F600}', 'tab\tdel\x7f', 'line\nline', 'a.b', "it's"]) {
    t.strictSame(Object.entries(readToml(`${quoteKey(odd)} = ${quote(odd)}\n`).value), [[odd, odd]], JSON.stringify(odd))
    t.strictSame(readToml(`[x.${quoteKey(odd)}]\n`).entries[0]?.path, ['x', odd])
  }
})

t.test('did you mean', async t => {
  for (const [word, expected] of [['prot', 'port'], ['Port', 'port'], ['pot', 'port'], ['bnd', 'bind'], ['xyzzy', undefined], ['', undefined], ['x'.repeat(1e5), undefined]] as const) {
    t.equal(nearest(word, ['port', 'bind', 'directory']), expected, word.slice(0, 10))
  }
})
