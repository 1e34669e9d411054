import t from 'tap'
import { readPlist, readPlistDict } from '../../twistedcompat/plist.js'
import { renames, settingRows, translate } from '../../twistedcompat/settings.js'
import { readSudoers } from '../../twistedcompat/sudoers.js'

const head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
const plist = (body: string) => `${head}<plist version="1.0">${body}</plist>\n`

t.test('every kind of value', async t => {
  t.same(readPlist(plist(`<dict>
    <!-- a comment --><key>s</key><string> a &lt;b&gt; &#252; </string> <key>e</key><string/>
    <key>i</key><integer> -12 </integer><key>h</key><integer>0x1F</integer><key>r</key><real>1.5e3</real>
    <key>y</key><true/><key>n</key><false></false>
    <key>d</key><date>2009-05-31T12:00:00Z</date><key>b</key><data>
      aGVs bG8= </data>
    <key>l</key><array><string>x</string><array/><dict/></array>
    <key>__proto__</key><integer>1</integer>
  </dict>`)), Object.fromEntries<unknown>([
    ['s', ' a <b> ü '], ['e', ''], ['i', -12], ['h', 31], ['r', 1500], ['y', true], ['n', false],
    ['d', new Date('2009-05-31T12:00:00Z')], ['b', Buffer.from('hello')], ['l', ['x', [], {}]], ['__proto__', 1]
  ]))
  t.equal(({} as Record<string, unknown>)['i'], undefined)
})

t.test('errors say the line', async t => {
  for (const [why, [source, message]] of Object.entries<[string, RegExp]>({
    binary: ['bplist00\xd1', /^binary property list/],
    'another root': ['<dict/>', /^line 1: <dict>, expected <plist>/],
    nothing: ['<plist></plist>', /expected <plist> with one value/],
    'two values': ['<plist><true/><true/></plist>', /expected <plist> with one value/],
    'unknown kind': [plist('\n<number>1</number>'), /^line 4: <number>, expected dict, array, string/],
    'no key': [plist('<dict>\n<string/></dict>'), /^line 4: <string>, expected <key>/],
    'no value': [plist('<dict>\n<key>a</key></dict>'), /^line 4: key a without value/],
    'key for value': [plist('<dict><key>a</key><key>b</key></dict>'), /key a without value/],
    'not whole': [plist('<integer>1.5</integer>'), /^line 3: .*expected a whole number/],
    'too large': [plist('<integer>99999999999999999999</integer>'), /expected a whole number/],
    'empty number': [plist('<integer/>'), /expected a whole number/],
    real: [plist('<real>x</real>'), /expected a number/],
    date: [plist('<date>2009-05-31</date>'), /expected a date/],
    month: [plist('<date>2009-13-31T00:00:00Z</date>'), /expected a date/],
    data: [plist('<data>a</data>'), /expected Base64/],
    'element in text': [plist('<string><b/></string>'), /expected text/],
    'text in dict': [plist('<dict>x</dict>'), /expected no text/],
    'not XML': ['{ a = 1; }', /^line 1: /],
    entity: ['<!DOCTYPE plist [<!ENTITY a "b">]><plist><string>&a;</string></plist>', /^line 1: DOCTYPE/],
    'wrong nesting': [plist('<dict>\n<key>a</dict></key>'), /^line 4: /]
  })) t.throws(() => readPlist(source), { name: 'PlistError', message }, why)
  t.throws(() => readPlistDict(plist('<array/>')), { name: 'PlistError', message: /expected one/ })
})

t.test('sudoers', async t => {
  const users = (body: string) => plist(`<dict><key>users</key>${body}</dict>`)
  const user = '<dict><key>authorize-from</key><array><string>127.0.0.1</string></array><key>username</key><string>super</string><key>password</key><string>p w</string></dict>'
  t.same(readSudoers(users(`<array>${user}</array>`)), [{ username: 'super', password: 'p w' }])
  t.same(readSudoers(plist('<dict/>')), [])
  t.throws(() => readSudoers(users('<true/>')), { name: 'PlistError', message: /expected <array>/ })
  t.throws(() => readSudoers(users(`<array>${user}<string/></array>`)), { message: /entry 2: expected username/ })
  t.throws(() => readSudoers(users('<array><dict><key>username</key><string>a</string></dict></array>')), { message: 'users, entry 1 (a): expected password' })
})

t.test('settings of every generation', async t => {
  const cases: Record<string, [Record<string, unknown>, Record<string, unknown>, string[]]> = {
    nothing: [{}, {}, []],
    '2006': [
      { Verbose: false, Port: 8080, SSLEnable: false, SSLPort: 8443, DocumentRoot: '/docs', Repository: '/etc/r.xml', BindAddress: '10.0.0.1', UserQuotaBytes: 5, DropBoxEnabled: true },
      { 'server.port': 8080, 'data.documents': '/docs', 'accounts.file': '/etc/r.xml', 'server.bind': '10.0.0.1', 'limits.quotaBytes': 5 }, ['SSLPort', 'Verbose', 'DropBoxEnabled']
    ],
    '2006, SSL alone': [
      { Port: 8008, SSLOnly: true, SSLCertificate: 'c', SSLPrivateKey: 'k' },
      { 'tls.only': true, 'tls.port': 8443, 'tls.certificate': 'c', 'tls.key': 'k' }, ['Port']
    ],
    'SSL alone': [
      { HTTPPort: 0, SSLPort: 443, SSLCertificate: 'c', SSLPrivateKey: 'k', SSLAuthorityChain: '' },
      { 'tls.only': true, 'tls.port': 443, 'tls.certificate': 'c', 'tls.key': 'k' }, ['HTTPPort']
    ],
    'HTTP and SSL': [
      { HTTPPort: 8008, SSLPort: 8443, SSLCertificate: 'c', SSLPrivateKey: 'k', SSLAuthorityChain: 'a', RedirectHTTPToHTTPS: true, StrictTransportSecuritySeconds: 5 },
      { 'server.port': 8008, 'tls.port': 8443, 'tls.certificate': 'c', 'tls.key': 'k', 'tls.chain': 'a', 'tls.redirect': true, 'tls.hstsSeconds': 5 }, []
    ],
    'HTTP, and SSL without a key': [{ HTTPPort: 8008, SSLPort: 8443, SSLCertificate: 'c', RedirectHTTPToHTTPS: true }, { 'server.port': 8008 }, ['SSLPort', 'SSLCertificate', 'RedirectHTTPToHTTPS']],
    'HTTP with a certificate that nobody uses': [{ HTTPPort: 8008, SSLPort: 0, SSLCertificate: 'c', SSLPrivateKey: 'k' }, { 'server.port': 8008 }, ['SSLPort', 'SSLCertificate', 'SSLPrivateKey']],
    'SSL switched off in 3.0': [{ EnableSSL: false, SSLPort: 8443, HTTPPort: 80 }, { 'server.port': 80 }, ['SSLPort']],
    'the newer name counts': [{ Port: 1, HTTPPort: 2 }, { 'server.port': 2 }, ['Port']],
    'a renamed name is listed as written': [{ MaximumAttachmentSizeBytes: 5, MaxResourceSize: 6 }, { 'limits.resourceBytes': 6 }, ['MaximumAttachmentSizeBytes']],
    addresses: [{ BindAddresses: ['::1', '10.0.0.1'] }, { 'server.bind': '::1' }, ['BindAddresses[1]']],
    'all addresses': [{ BindAddresses: [] }, { 'server.bind': '0.0.0.0' }, []],
    limits: [
      { UserQuota: 0, MaximumAttachmentSize: 0, MaxInstancesForRRULE: 400, MaxAllowedInstances: 0, MaxAttendeesPerInstance: 100 },
      { 'limits.quotaBytes': 0, 'limits.instances': 400, 'limits.attendees': 100 }, ['MaximumAttachmentSize', 'MaxAllowedInstances']
    ],
    'Open Directory': [
      { DirectoryService: { type: 'twistedcaldav.directory.appleopendirectory.OpenDirectoryService', params: { node: '/Search', xmlFile: 'x' } } }, {},
      ['DirectoryService.params.xmlFile', 'DirectoryService.type', 'DirectoryService.params.node']
    ],
    'XML accounts': [
      { DirectoryService: { type: 'twistedcaldav.directory.xmlfile.XMLDirectoryService', params: { xmlFile: 'a.xml' } }, ResourceService: { Enabled: false, type: 'xml', params: { xmlFile: 'r.xml' } }, AugmentService: { type: 'xml', params: { xmlFiles: ['g.xml', 'h.xml'] } }, ProxyLoadFromFile: 'p.xml' },
      { 'accounts.file': 'a.xml', 'accounts.augments': 'g.xml', 'accounts.proxies': 'p.xml' }, ['ResourceService.params.xmlFile', 'AugmentService.params.xmlFiles[1]']
    ],
    'roots of 3.0': [
      { ServerRoot: '/srv/', DataRoot: 'Data', DocumentRoot: 'Documents', ErrorLogFile: 'e.log', AccessLogFile: '/a.log', LogRoot: 'Logs', DirectoryService: { type: 'xml', params: { xmlFile: 'a.xml' } } },
      { 'data.directory': '/srv/Data', 'data.documents': '/srv/Data/Documents', 'log.error': '/srv/Logs/e.log', 'log.access': '/a.log', 'accounts.file': '/srv/Data/a.xml' }, []
    ],
    'no roots in 2.x': [{ DataRoot: 'data/', DocumentRoot: 'docs/', AccessLogFile: 'logs/a.log' }, { 'data.directory': 'data/', 'data.documents': 'docs/', 'log.access': 'logs/a.log' }, []],
    rest: [
      { AdminPrincipals: ['/principals/__uids__/admin/'], ReadPrincipals: [], Authentication: { Basic: { Enabled: true, AllowedOverWireUnencrypted: false }, Digest: { Enabled: true } }, DefaultLogLevel: '', SudoersFile: 's', Foo: { Bar: 1 } },
      { 'access.admins': ['/principals/__uids__/admin/'], 'access.readers': [], 'authentication.basic': true, 'authentication.plainBasic': 'local', 'authentication.digest': 'auto', 'log.level': 'warn', 'access.sudoers': 's' },
      ['Foo']
    ]
  }
  for (const [why, [from, settings, ignored]] of Object.entries(cases)) {
    const found = translate(from as never)
    t.strictSame(found.settings, settings, why)
    t.strictSame([...found.ignored].sort(), [...ignored].sort(), why)
  }
  for (const [from, message] of [
    [{ HTTPPort: '8008' }, /^HTTPPort: expected <integer>/], [{ HTTPPort: 70000 }, /up to 65535/], [{ AdminPrincipals: 'x' }, /<array> of <string>/],
    [{ UserQuota: -1 }, /from 0/], [{ DefaultLogLevel: 'loud' }, /expected error, warn/], [{ Authentication: { Basic: { Enabled: 1 } } }, /^Authentication.Basic.Enabled: expected <true\/>/],
    [{ HTTPPort: 0, SSLPort: 443 }, /expected SSLCertificate and SSLPrivateKey/]
  ] as const) t.throws(() => translate(from as never), { name: 'SettingsError', message })
  t.ok(settingRows.every(row => !Object.hasOwn(renames, row.apple)), 'rows have the newer names')
})
