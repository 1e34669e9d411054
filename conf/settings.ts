import { isIP } from 'node:net'

/** One setting: how it is written, what it becomes, what it means. */
export interface Row<T> {
  /** One line for people. */
  readonly meaning: string
  /** What a right value looks like, for error texts: 'a whole number from 0 to 65535'. */
  readonly expects: string
  /** The default as one would write it in the file: 8008, '10 MB', '<data>/documents'; undefined when the setting is optional. */
  readonly written: string | number | boolean | undefined
  /** What one might write, for an optional setting. */
  readonly example?: unknown
  readonly unit?: string
  /** True when the value names a file or directory: made absolute by the loader. */
  readonly isPath?: boolean
  /** True when the value must not be shown in error texts. */
  readonly isSecret?: boolean
  /** From TOML, JSON, or the text of an environment variable or flag; undefined when it is wrong. */
  read (value: unknown): T | undefined
}

/** The table of settings: group → name → row. The type `Settings`, the example file and docs/settings.md are made from it. */
export const table = {
  server: {
    port: number(8008, 0, 65535, 'TCP port to listen on; 0 takes any free port'),
    bind: text('127.0.0.1', 'Address to listen on; "0.0.0.0" or "::" for all'),
    baseUrl: optional(url('Address by which clients reach the server, when a proxy stands in front; a path, as in https://example.org/dav, stands before every path')),
    proxies: addresses(['127.0.0.0/8', '::1'], 'Proxies in front of the server: addresses or networks; what they say about the client (X-Forwarded-For, -Proto, -Host, -Port, -Prefix, Forwarded) is believed, from others it is not'),
    requestSeconds: seconds('2 min', 'Time in which a client must have sent its whole request; 0 waits for ever')
  },
  tls: {
    certificate: optional(path('/etc/caldavd/cert.pem', 'Certificate in PEM; with it the server listens on HTTPS too')),
    key: optional(path('/etc/caldavd/key.pem', 'Key of the certificate in PEM, without a passphrase; without this setting it is in the file of the certificate')),
    chain: optional(path('/etc/caldavd/chain.pem', 'Certificates of the authorities between, in PEM, when they are not in the file of the certificate')),
    port: number(8443, 0, 65535, 'TCP port for HTTPS, on the address of server.bind; 0 takes any free port'),
    only: boolean(false, 'HTTPS alone: server.port is not listened on'),
    redirect: boolean(false, 'Sends who comes by plain HTTP to HTTPS, all but /health'),
    hstsSeconds: number(0, 0, 63_072_000, 'Time for which browsers are told to use HTTPS only (Strict-Transport-Security); 0 = they are not told', 'seconds')
  },
  data: {
    directory: path('~/.local/share/caldavd', 'The data directory; <data> in other settings stands for it'),
    documents: path('<data>/documents', 'What people own: calendars as directories, events as .ics files'),
    sweepSeconds: seconds('5 min', 'How often all files are compared with the index, for changes nobody reported; 0 never'),
    fsync: boolean(true, 'Wait until the disk has a written file before the client is told so')
  },
  accounts: {
    file: path('<data>/conf/accounts.toml', "Who may log in: our TOML, Apple's accounts.xml, or a file of htpasswd or htdigest"),
    groups: optional(path('groups', 'Groups of the people in a file of htpasswd or htdigest, as Apache writes them: lines like "staff: alice bob"')),
    resources: optional(path('resources.xml', "Apple's resources.xml: locations and resources")),
    augments: optional(path('augments.xml', "Apple's augments.xml: who has calendars, who accepts by itself")),
    proxies: optional(path('proxies.xml', "Apple's proxies.xml: who may act for locations and resources")),
    appPasswords: path('<data>/conf/app-passwords.toml', 'Passwords for single devices, as `caldavd app-password` writes them'),
    delegates: path('<data>/conf/proxies.toml', 'Who may act for whom, as chosen in calendar programs; counts instead of the proxies in the accounts')
  },
  authentication: {
    realm: { ...text('caldavd', 'Name of the place one logs in to, shown by clients'), expects: 'a text in ASCII without ":"', read: (value: unknown) => typeof value === 'string' && /^[\x20-\x39\x3b-\x7e]+$/.test(value) ? value : undefined },
    basic: boolean(true, 'Basic: name and password in each request, as all clients and all app passwords need it'),
    digest: choice('auto', ['auto', 'on', 'off'], 'Digest (MD5, SHA-256): "auto" = offered when it works for everybody, which is when all passwords are stored in clear or by htdigest, and there are no app passwords'),
    plainBasic: choice('local', ['local', 'always', 'never'], 'Basic without TLS: "local" = from this machine only, so that no password goes through a network in clear'),
    cacheSeconds: seconds('5 min', 'How long a verified login is remembered; 0 never'),
    outageSeconds: seconds('1 day', 'How long after it was verified a login goes on while the directory server (LDAP) is down; 0 not at all'),
    failures: number(10, 0, 100, 'Different wrong passwords from one address, or for one account, until a lock-out; 0 = there is none', 'passwords'),
    lockSeconds: seconds('1 min', 'How long the first lock-out lasts; each that follows lasts twice as long'),
    lockMostSeconds: seconds('15 min', 'How long a lock-out lasts at most'),
    proxyHeader: optional(headerName('X-Remote-User', 'Header in which a proxy names the user whom it has let in')),
    proxyAddresses: addresses([], 'Proxies whose authentication.proxyHeader is believed: addresses or networks; from others it is ignored')
  },
  access: {
    admins: list([], 'Who may do everything everywhere: accounts like "users/alice" or "groups/staff"'),
    readers: list([], 'Who may read everything'),
    defaults: choice('private', ['private', '2006'], 'What holds where nobody has shared anything: "private" = only the owner and her proxies, others see when she is busy; "2006" = whoever has logged in may read homes, as in August 2006'),
    busy: boolean(true, 'Whoever has logged in sees when others are busy (CALDAV:read-free-busy)'),
    sudoers: optional(path('sudoers.plist', "Apple's sudoers.plist: who may act as others with X-Authorize-As")),
    anonymousRoot: boolean(false, 'Who has not logged in may read "/" itself; nothing below it')
  },
  ldap: {
    url: optional(ldapUrl('Directory server whose people may log in too: ldap://host or ldaps://host')),
    startTls: boolean(false, 'Encrypts a connection to ldap:// before anything is sent'),
    ca: optional(path('ldap-ca.pem', 'Certificates in PEM that vouch for the directory server, instead of those of the system')),
    bindDn: optional(text('cn=caldavd,dc=example,dc=org', 'As whom the directory is read; without it as nobody')),
    bindPassword: optional(secret('secret', 'The password for that')),
    bindPasswordFile: optional(path('ldap-password', 'File whose first line is the password for that')),
    base: optional(text('dc=example,dc=org', 'Below which entry people and groups are looked for')),
    userBase: optional(text('ou=people,dc=example,dc=org', 'The same for users, when it is another')),
    groupBase: optional(text('ou=groups,dc=example,dc=org', 'The same for groups, when it is another')),
    locationBase: optional(text('ou=rooms,dc=example,dc=org', 'The same for locations; without it there are none')),
    resourceBase: optional(text('ou=things,dc=example,dc=org', 'The same for resources; without it there are none')),
    userFilter: text('(|(objectClass=inetOrgPerson)(objectClass=posixAccount))', 'Which entries are users (RFC 4515)'),
    groupFilter: text('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))', 'Which entries are groups'),
    locationFilter: text('(objectClass=room)', 'Which entries are locations'),
    resourceFilter: text('(objectClass=device)', 'Which entries are resources'),
    userName: text('uid', 'Attribute with the short name of users, by which they log in'),
    groupName: text('cn', 'Attribute with the short name of groups, locations and resources'),
    fullName: list(['displayName', 'cn'], 'Attributes with the full name: the first that is there counts'),
    firstName: text('givenName', 'Attribute with the first name'),
    lastName: text('sn', 'Attribute with the last name'),
    email: list(['mail'], 'Attributes with mail addresses'),
    guid: list(['entryUUID', 'nsUniqueId', 'ipaUniqueID', 'objectGUID'], 'Attributes with what stays the same when a name changes: the first that is there counts'),
    member: list(['member', 'uniqueMember'], 'Attributes of groups that name members by their entry'),
    memberName: list(['memberUid'], 'Attributes of groups that name users by their short name'),
    refreshSeconds: seconds('5 min', 'How often the directory is read; 0 only at the start and on SIGHUP'),
    timeoutSeconds: number(10, 1, 120, 'How long the directory server may take for one answer', 'seconds'),
    entries: number(50_000, 1, 1_000_000, 'Most entries of one kind; when there are more, the directory is not used', 'entries')
  },
  history: {
    directory: path('<data>/history', 'Former versions of what was overwritten or deleted, as plain files; best on the file system of the documents'),
    days: number(30, 0, 36_500, 'How long a former version is kept; 0 = nothing is kept', 'days'),
    bytes: storage('5 GB', 'How much all former versions may take together, the oldest go first; 0 = as much as there is')
  },
  calendars: {
    replace: boolean(false, 'PUT of a whole .ics file on a calendar replaces everything in it; what is not in the file goes to the history')
  },
  limits: {
    bodyBytes: bytes('10 MB', 'Largest body of a request'),
    xmlBytes: bytes('1 MB', 'Largest XML body of a request'),
    xmlDepth: number(100, 1, 1000, 'Deepest nesting of XML elements', 'levels'),
    resourceBytes: bytes('1 MB', 'Largest event or task (CALDAV:max-resource-size)'),
    propertyBytes: bytes('64 KB', 'Largest value of one property a client may store'),
    instances: number(40_000, 1, 1_000_000, 'Most instances of one repeating event that has an end, and of any in one answer (CALDAV:max-instances)', 'instances'),
    attendees: number(0, 0, 1_000_000, 'Most attendees of one event (CALDAV:max-attendees-per-instance); 0 = no limit', 'attendees'),
    minDateTime: optional(utcTime('19000101T000000Z', 'Earliest time of an event or task, and of what is searched through (CALDAV:min-date-time)')),
    maxDateTime: optional(utcTime('20991231T235959Z', 'Latest time of the same (CALDAV:max-date-time)')),
    matches: number(100_000, 1, 10_000_000, 'Most events in the answer to one search (DAV:number-of-matches-within-limits)', 'events'),
    collections: number(250, 1, 100_000, 'Most calendars in one home', 'calendars'),
    resources: number(100_000, 1, 10_000_000, 'Most events in one calendar', 'events'),
    importObjects: number(20_000, 1, 1_000_000, 'Most events in one file that is imported into a calendar', 'events'),
    bulkObjects: number(200, 1, 100_000, 'Most events that one request may make, change and remove (MM:multiput)', 'events'),
    quotaBytes: storage('0', 'Most bytes of all files in one home (DAV:quota-available-bytes); 0 = as many as fit. An account may have a quota of its own')
  },
  timezones: {
    service: boolean(true, 'Tells anybody about time zones at /stdtimezones (RFC 7808) and /timezones, so that clients may leave them out of events (RFC 7809)')
  },
  log: {
    level: choice('info', ['error', 'warn', 'info', 'debug'], 'Least important lines that are still written: error, warn, info or debug'),
    access: { ...text('-', 'File for one line per request; "-" is standard output, "" none'), isPath: true },
    format: choice('text', ['text', 'json'], 'Form of the log lines: text or json')
  }
} as const

type Table = typeof table
type Value<R> = R extends { read (value: unknown): infer T } ? Exclude<T, undefined> | (R extends { written: undefined } ? undefined : never) : never

/** Every setting of the server, checked, paths absolute, sizes in bytes, times in seconds. Made by `loadSettings`. */
export type Settings = {
  readonly [Group in keyof Table]: { readonly [Name in keyof Table[Group]]: Value<Table[Group][Name]> }
}

/** All rows with their dotted names: 'server.port'. */
export const rows: ReadonlyMap<string, Row<unknown>> = new Map(
  Object.entries(table).flatMap(([group, names]) =>
    Object.entries(names).map(([name, row]): [string, Row<unknown>] => [`${group}.${name}`, row])))

/** The environment variable of a setting: 'limits.bodyBytes' → 'CALDAVD_LIMITS_BODY_BYTES'. */
export function variable (name: string): string {
  return 'CALDAVD_' + name.replace('.', '_').replace(/[A-Z]/g, '_$&').toUpperCase()
}

/** The example file conf/caldavd.toml: every setting at its default, optional ones commented out. */
export function exampleToml (): string {
  const lines = [
    '# Settings of caldavd: every one with its default. Delete what you do not change.',
    '# Sizes: 1048576 or "1 MB" (1 KB = 1024 bytes). Times: 300 or "5 min". Paths: "~" is your home, "<data>" the data',
    '# directory, others start at the directory of this file. In the environment: server.port is CALDAVD_SERVER_PORT.'
  ]
  for (const [group, names] of Object.entries(table)) {
    lines.push('', `[${group}]`)
    for (const [name, row] of Object.entries<Row<unknown>>(names)) {
      lines.push(`# ${row.meaning}.`, row.written === undefined ? `# ${name} = ${JSON.stringify(row.example)}` : `${name} = ${JSON.stringify(row.written)}`)
    }
  }
  return lines.join('\n') + '\n'
}

/** docs/settings.md: one Markdown table per group. */
export function settingsTable (): string {
  const lines: string[] = []
  for (const [group, names] of Object.entries(table)) {
    lines.push(`## ${group}`, '', '| setting | default | unit | meaning | environment |', '|---|---|---|---|---|')
    for (const [name, row] of Object.entries<Row<unknown>>(names)) {
      const written = row.written === undefined ? 'not set' : '`' + JSON.stringify(row.written).replaceAll('|', '\\|') + '`'
      lines.push(`| \`${group}.${name}\` | ${written} | ${row.unit ?? ''} | ${row.meaning.replaceAll('<', '\\<')} | \`${variable(`${group}.${name}`)}\` |`)
    }
    lines.push('')
  }
  return lines.join('\n')
}

function number (written: number, least: number, most: number, meaning: string, unit?: string) {
  return {
    written, meaning, ...(unit === undefined ? {} : { unit }),
    expects: `a whole number from ${least} to ${most}`,
    read: (value: unknown) => within(whole(value), least, most)
  }
}

function text (written: string, meaning: string) {
  return {
    written, meaning, expects: 'a text of one line',
    read: (value: unknown) => typeof value === 'string' && !/[\0-\x1f\x7f]/.test(value) ? value : undefined
  }
}

function utcTime (written: string, meaning: string) {
  return {
    written, meaning, expects: `a time in UTC like "${written}"`,
    read: (value: unknown) => {
      const [, year, month, day, hour, minute, second] = typeof value === 'string' ? /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(value) ?? [] : []
      const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
      // a day that is not in the calendar becomes another one
      return !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text ? value as string : undefined
    }
  }
}

function secret (written: string, meaning: string) {
  return {
    written, meaning, isSecret: true, expects: 'a text of one line',
    read: (value: unknown) => typeof value === 'string' && !/[\0\r\n]/.test(value) ? value : undefined
  }
}

function path (written: string, meaning: string) {
  return {
    written, meaning, isPath: true, expects: 'the path of a file or directory',
    read: (value: unknown) => typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined
  }
}

function list (written: readonly string[], meaning: string) {
  return {
    written: written.join(', '), meaning, expects: 'a list like ["users/alice", "groups/staff"], or the same in one text with commas',
    read: (value: unknown): readonly string[] | undefined => {
      const entries = typeof value === 'string' ? value.split(',').map(entry => entry.trim()).filter(entry => entry !== '') : value
      return Array.isArray(entries) && entries.every((entry): entry is string => typeof entry === 'string' && entry !== '' && !/[\0-\x1f\x7f]/.test(entry)) ? entries : undefined
    }
  }
}

function boolean (written: boolean, meaning: string) {
  const words: Record<string, boolean> = { true: true, yes: true, on: true, 1: true, false: false, no: false, off: false, 0: false }
  return {
    written, meaning, expects: 'true or false',
    read: (value: unknown) => typeof value === 'boolean' ? value : typeof value === 'string' ? words[value.trim().toLowerCase()] : undefined
  }
}

function choice<Word extends string> (written: Word, words: readonly Word[], meaning: string) {
  return {
    written, meaning, expects: 'one of ' + words.join(', '),
    read: (value: unknown) => words.find(word => word === value)
  }
}

function url (meaning: string) {
  return {
    meaning, written: 'https://cal.example.org',
    expects: 'an address like https://cal.example.org or https://example.org/dav, whose path does not begin as the paths of the server do (/calendars, /principals)',
    read: (value: unknown) => {
      if (typeof value !== 'string' || !/^https?:\/\/[^\s?#]+$/.test(value) || !URL.canParse(value)) return undefined
      const { href, pathname } = new URL(value)
      // such a prefix could not be told from a path without it
      if (/^\/(?:calendars|principals|health|\.well-known)(?:\/|$)/.test(pathname) || /[^/]\/\/|%2f|%00/i.test(pathname)) return undefined
      return href.replace(/\/+$/, '')
    }
  }
}

function ldapUrl (meaning: string) {
  return {
    meaning, written: 'ldaps://ldap.example.org', expects: 'an address like ldap://127.0.0.1, ldap://ldap.example.org:389 or ldaps://ldap.example.org, without a path',
    read: (value: unknown) => {
      if (typeof value !== 'string' || !/^ldaps?:\/\/[^\s/?#@]+\/?$/i.test(value) || !URL.canParse(value)) return undefined
      return value.toLowerCase().replace(/\/$/, '')
    }
  }
}

function addresses (written: readonly string[], meaning: string) {
  const { read } = list(written, meaning)
  return {
    written: written.join(', '), meaning, expects: 'addresses or networks like ["127.0.0.1", "10.0.0.0/8", "fd00::/8"], or the same in one text with commas',
    read: (value: unknown) => {
      const entries = read(value)
      return entries?.every(isAddress) === true ? entries : undefined
    }
  }
}

function isAddress (entry: string): boolean {
  const [, address = '', bits = '0'] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
  const family = isIP(address)
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128)
}

function headerName (written: string, meaning: string) {
  return {
    written, meaning, expects: 'the name of a header, other than those of HTTP itself',
    read: (value: unknown) => typeof value === 'string' && /^[\w-]{1,100}$/.test(value) && !/^(?:host|authorization|content-.*|transfer-encoding|connection)$/i.test(value) ? value : undefined
  }
}

function seconds (written: string, meaning: string) {
  const units = { s: 1, sec: 1, second: 1, seconds: 1, min: 60, minute: 60, minutes: 60, h: 3600, hour: 3600, hours: 3600, d: 86400, day: 86400, days: 86400 }
  return {
    written, meaning, unit: 'seconds', expects: 'seconds, or a time like "90 s", "5 min", "2 h", at most 24 days',
    // setTimeout takes at most 2^31 - 1 milliseconds
    read: (value: unknown) => within(measured(value, units), 0, 24 * 86400)
  }
}

const sizes = { b: 1, byte: 1, bytes: 1, k: 1024, kb: 1024, kib: 1024, m: 1024 ** 2, mb: 1024 ** 2, mib: 1024 ** 2, g: 1024 ** 3, gb: 1024 ** 3, gib: 1024 ** 3 }

function bytes (written: string, meaning: string) {
  return {
    written, meaning, unit: 'bytes', expects: 'bytes, or a size like "64 KB", "10 MB", at most 1 GB',
    read: (value: unknown) => within(measured(value, sizes), 1, 1024 ** 3)
  }
}

function storage (written: string, meaning: string) {
  return { written, meaning, unit: 'bytes', expects: 'bytes, or a size like "500 MB", "2 TB"; 0 = no limit', read: sizeOf }
}

/** A size as people write it, '100 MB', '2 TB' or 1048576, in bytes; undefined when it is none. */
export function sizeOf (value: unknown): number | undefined {
  return within(measured(value, { ...sizes, t: 1024 ** 4, tb: 1024 ** 4, tib: 1024 ** 4 }), 0, Number.MAX_SAFE_INTEGER)
}

function optional<T> (row: Row<T>): Row<T> & { readonly written: undefined } {
  return { ...row, written: undefined, example: row.written }
}

function whole (value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  return typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : undefined
}

function measured (value: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const plain = whole(value)
  if (plain !== undefined || typeof value !== 'string') return plain
  const [, amount, word] = /^\s*(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)\s*$/i.exec(value) ?? []
  if (amount === undefined || word === undefined || !Object.hasOwn(units, word.toLowerCase())) return undefined
  return Math.round(Number(amount) * units[word.toLowerCase()]!)
}

function within (value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}
