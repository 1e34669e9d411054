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
  /** From TOML, JSON, or the text of an environment variable or flag; undefined when it is wrong. */
  read (value: unknown): T | undefined
}

/** The table of settings: group → name → row. The type `Settings`, the example file and docs/settings.md are made from it. */
export const table = {
  server: {
    port: number(8008, 0, 65535, 'TCP port to listen on; 0 takes any free port'),
    bind: text('127.0.0.1', 'Address to listen on; "0.0.0.0" or "::" for all'),
    baseUrl: optional(url('Address by which clients reach the server, when a proxy stands in front; used where whole URLs are printed')),
    requestSeconds: seconds('2 min', 'Time in which a client must have sent its whole request; 0 waits for ever')
  },
  data: {
    directory: path('~/.local/share/caldavd', 'The data directory; <data> in other settings stands for it'),
    documents: path('<data>/documents', 'What people own: calendars as directories, events as .ics files'),
    sweepSeconds: seconds('5 min', 'How often all files are compared with the index, for changes nobody reported; 0 never'),
    fsync: boolean(true, 'Wait until the disk has a written file before the client is told so')
  },
  accounts: {
    file: path('<data>/conf/accounts.toml', "Who may log in: our TOML, or Apple's accounts.xml"),
    resources: optional(path('resources.xml', "Apple's resources.xml: locations and resources")),
    augments: optional(path('augments.xml', "Apple's augments.xml: who has calendars, who accepts by itself")),
    proxies: optional(path('proxies.xml', "Apple's proxies.xml: who may act for locations and resources"))
  },
  authentication: {
    realm: text('caldavd', 'Name of the place one logs in to, shown by clients'),
    cacheSeconds: seconds('5 min', 'How long a verified login is remembered; 0 never')
  },
  limits: {
    bodyBytes: bytes('10 MB', 'Largest body of a request'),
    xmlBytes: bytes('1 MB', 'Largest XML body of a request'),
    xmlDepth: number(100, 1, 1000, 'Deepest nesting of XML elements', 'levels'),
    resourceBytes: bytes('1 MB', 'Largest event or task (CALDAV:max-resource-size)'),
    propertyBytes: bytes('64 KB', 'Largest value of one property a client may store'),
    instances: number(3000, 1, 1_000_000, 'Most instances of one repeating event that are counted (CALDAV:max-instances)', 'instances'),
    collections: number(250, 1, 100_000, 'Most calendars in one home', 'calendars'),
    resources: number(100_000, 1, 10_000_000, 'Most events in one calendar', 'events')
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
      const written = row.written === undefined ? 'not set' : '`' + JSON.stringify(row.written) + '`'
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

function path (written: string, meaning: string) {
  return {
    written, meaning, isPath: true, expects: 'the path of a file or directory',
    read: (value: unknown) => typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined
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
    meaning, expects: 'an address like https://cal.example.org', written: 'https://cal.example.org',
    read: (value: unknown) => {
      if (typeof value !== 'string' || !/^https?:\/\/[^\s?#]+$/.test(value) || !URL.canParse(value)) return undefined
      return new URL(value).href.replace(/\/+$/, '')
    }
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

function bytes (written: string, meaning: string) {
  const units = { b: 1, byte: 1, bytes: 1, k: 1024, kb: 1024, kib: 1024, m: 1024 ** 2, mb: 1024 ** 2, mib: 1024 ** 2, g: 1024 ** 3, gb: 1024 ** 3, gib: 1024 ** 3 }
  return {
    written, meaning, unit: 'bytes', expects: 'bytes, or a size like "64 KB", "10 MB", at most 1 GB',
    read: (value: unknown) => within(measured(value, units), 1, 1024 ** 3)
  }
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
