import { isDict, type Plist, type PlistValue } from './plist.js'

/** One of Apple's settings and what it is here. */
export interface SettingRow {
  /** Apple's name, with dots for nested dictionaries. */
  readonly apple: string
  /** Our name. When several rows lead to the same one, the last that is set counts. */
  readonly ours: string
  readonly kind: 'integer' | 'string' | 'strings' | 'boolean' | 'port' | 'positive'
  /** Ours from theirs; `undefined` when it says nothing to us. */
  readonly convert?: (value: never, all: Plist) => unknown
}

/** Ours by dotted name, and Apple's names that have no effect here, as they are in the file. */
export interface Translation {
  readonly settings: Record<string, unknown>
  readonly ignored: string[]
}

/** A setting of Apple's with an impossible value; the message names it and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Names of autumn 2006 and what 1.x called them; when a file has both, the newer one counts. */
export const renames: Readonly<Record<string, string>> = {
  Port: 'HTTPPort',
  BindAddress: 'BindAddresses',
  ServerLogFile: 'AccessLogFile',
  MaximumAttachmentSizeBytes: 'MaximumAttachmentSize',
  UserQuotaBytes: 'UserQuota',
  DropBoxEnabled: 'EnableDropBox',
  NotificationsEnabled: 'EnableNotifications',
  CalendarUserProxyEnabled: 'EnableProxyPrincipals',
  SACLEnable: 'EnableSACLs',
  ServerType: 'ProcessType'
}

/** Every setting of Apple's that means something here. */
export const settingRows: readonly SettingRow[] = [
  { apple: 'HTTPPort', ours: 'server.port', kind: 'port' },
  { apple: 'SSLPort', ours: 'tls.port', kind: 'port' },
  { apple: 'BindAddresses', ours: 'server.bind', kind: 'strings', convert: (addresses: string[]) => addresses[0] ?? '0.0.0.0' },
  { apple: 'SSLCertificate', ours: 'tls.certificate', kind: 'string' },
  { apple: 'SSLPrivateKey', ours: 'tls.key', kind: 'string' },
  { apple: 'SSLAuthorityChain', ours: 'tls.chain', kind: 'string' },
  { apple: 'RedirectHTTPToHTTPS', ours: 'tls.redirect', kind: 'boolean' },
  { apple: 'StrictTransportSecuritySeconds', ours: 'tls.hstsSeconds', kind: 'integer' },
  { apple: 'DataRoot', ours: 'data.directory', kind: 'string', convert: dataRoot },
  { apple: 'DocumentRoot', ours: 'data.documents', kind: 'string', convert: (path: string, all) => inside(dataRoot(textOf(all, 'DataRoot') ?? 'Data', all), path, all) },
  { apple: 'UserQuota', ours: 'limits.quotaBytes', kind: 'integer' },
  { apple: 'MaximumAttachmentSize', ours: 'limits.resourceBytes', kind: 'positive' },
  // 3.0 on: events have a limit of their own
  { apple: 'MaxResourceSize', ours: 'limits.resourceBytes', kind: 'positive' },
  { apple: 'MaxAttendeesPerInstance', ours: 'limits.attendees', kind: 'integer' },
  { apple: 'MaxInstancesForRRULE', ours: 'limits.instances', kind: 'positive' },
  { apple: 'MaxAllowedInstances', ours: 'limits.instances', kind: 'positive' },
  { apple: 'Repository', ours: 'accounts.file', kind: 'string' },
  { apple: 'DirectoryService.params.xmlFile', ours: 'accounts.file', kind: 'string', convert: service('DirectoryService') },
  { apple: 'ResourceService.params.xmlFile', ours: 'accounts.resources', kind: 'string', convert: service('ResourceService') },
  { apple: 'AugmentService.params.xmlFiles', ours: 'accounts.augments', kind: 'strings', convert: ([file]: string[], all) => file === undefined ? undefined : service('AugmentService')(file, all) },
  { apple: 'ProxyLoadFromFile', ours: 'accounts.proxies', kind: 'string', convert: accountsFile },
  { apple: 'SudoersFile', ours: 'access.sudoers', kind: 'string' },
  { apple: 'AdminPrincipals', ours: 'access.admins', kind: 'strings' },
  { apple: 'ReadPrincipals', ours: 'access.readers', kind: 'strings' },
  { apple: 'Authentication.Basic.Enabled', ours: 'authentication.basic', kind: 'boolean' },
  { apple: 'Authentication.Basic.AllowedOverWireUnencrypted', ours: 'authentication.plainBasic', kind: 'boolean', convert: (isAllowed: boolean) => isAllowed ? 'always' : 'local' },
  { apple: 'Authentication.Digest.Enabled', ours: 'authentication.digest', kind: 'boolean', convert: (isEnabled: boolean) => isEnabled ? 'auto' : 'off' },
  // 2.x to 6.x; later the standard service had a switch of its own
  { apple: 'EnableTimezoneService', ours: 'timezones.service', kind: 'boolean' },
  { apple: 'TimezoneService.Enabled', ours: 'timezones.service', kind: 'boolean' },
  { apple: 'AccessLogFile', ours: 'log.access', kind: 'string', convert: logFile },
  { apple: 'ErrorLogFile', ours: 'log.error', kind: 'string', convert: logFile },
  { apple: 'DefaultLogLevel', ours: 'log.level', kind: 'string', convert: logLevel }
]

/**
 * Apple's configuration in our names; an unknown or meaningless setting is listed, not an error.
 *
 * SSL needs a certificate and a key: without them it is ignored beside HTTP, and an error alone. Of several addresses or
 * augment files the first counts. Paths stay relative as Apple's server of that generation understood them.
 * @param plist the `<dict>` of caldavd.plist, any generation
 * @throws SettingsError for a value of the wrong kind, or SSL alone without certificate
 */
export function translate (plist: Plist): Translation {
  const { renamed, originals } = rename(plist)
  const { settings: all, silenced, isSslOnly } = ports(renamed)
  const settings: Record<string, unknown> = isSslOnly ? { 'tls.only': true } : {}
  const sources = new Map<string, string>()
  const ignored: string[] = []
  const written = (name: string) => originals.get(name) ?? name
  const consumed = new Set<string>()
  for (const row of settingRows) {
    const found = lookup(all, row.apple)
    if (found === undefined) continue
    consumed.add(row.apple)
    const value = silenced.has(row.apple) ? undefined : converted(row, found, all)
    if (value === undefined) {
      if (found !== '') ignored.push(written(row.apple))
      continue
    }
    const before = sources.get(row.ours)
    if (before !== undefined) ignored.push(written(before))
    sources.set(row.ours, row.apple)
    settings[row.ours] = value
    if (row.kind === 'strings' && typeof value === 'string') ignored.push(...(found as string[]).slice(1).map((_, i) => `${written(row.apple)}[${i + 1}]`))
  }
  for (const name of leaves(all, '')) if (!consumed.has(name) && !isUnderstood(name, all)) ignored.push(written(name))
  return { settings, ignored: [...new Set(ignored)] }
}

function rename (plist: Plist): { renamed: Plist, originals: Map<string, string> } {
  const originals = new Map<string, string>()
  const entries: [string, PlistValue][] = []
  for (const [name, value] of Object.entries(plist)) {
    const now = Object.hasOwn(renames, name) ? renames[name] ?? name : name
    if (now !== name && Object.hasOwn(plist, now)) {
      entries.push([name, value])
      continue
    }
    if (now !== name) originals.set(now, name)
    entries.push([now, now === 'BindAddresses' && typeof value === 'string' ? (value === '' ? [] : [value]) : value])
  }
  return { renamed: Object.fromEntries(entries), originals }
}

/** Which of HTTP and SSL are on; the names of 2006 (SSLEnable, SSLOnly) and of 3.0 (EnableSSL) with their defaults. */
function ports (all: Plist): { settings: Plist, silenced: ReadonlySet<string>, isSslOnly: boolean } {
  const has = (name: string) => Object.hasOwn(all, name)
  const of2006 = has('SSLEnable') || has('SSLOnly')
  const isSslOnly = all['SSLOnly'] === true
  const isSslOn = all['EnableSSL'] !== false && (!of2006 || isSslOnly || all['SSLEnable'] === true || (!has('SSLEnable') && has('SSLPort')))
  const sslPort = !isSslOn ? 0 : all['SSLPort'] ?? (of2006 ? 8443 : 0)
  const isHttpOn = !isSslOnly && all['HTTPPort'] !== 0 && (has('HTTPPort') || sslPort === 0 || of2006)
  const hasKeys = textOf(all, 'SSLCertificate') !== undefined && textOf(all, 'SSLPrivateKey') !== undefined
  // a certificate that is not wanted must not open a port
  if (sslPort === 0 || (isHttpOn && !hasKeys)) {
    return { settings: all, silenced: new Set(['SSLPort', 'SSLCertificate', 'SSLPrivateKey', 'SSLAuthorityChain', 'RedirectHTTPToHTTPS', 'StrictTransportSecuritySeconds']), isSslOnly: false }
  }
  if (!hasKeys) throw new SettingsError('SSLPort without HTTPPort: expected SSLCertificate and SSLPrivateKey')
  return { settings: { ...all, SSLPort: sslPort }, silenced: new Set(isHttpOn ? [] : ['HTTPPort', 'RedirectHTTPToHTTPS']), isSslOnly: !isHttpOn }
}

const kinds: Readonly<Record<SettingRow['kind'], { readonly expects: string, readonly read: (value: PlistValue) => unknown }>> = {
  integer: { expects: '<integer> from 0', read: value => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined },
  positive: { expects: '<integer> from 0', read: value => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined },
  port: { expects: '<integer> up to 65535', read: value => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535 ? value : undefined },
  string: { expects: '<string>', read: value => typeof value === 'string' ? value : undefined },
  strings: { expects: '<array> of <string>', read: value => Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined },
  boolean: { expects: '<true/> or <false/>', read: value => typeof value === 'boolean' ? value : undefined }
}

function converted (row: SettingRow, found: PlistValue, all: Plist): unknown {
  const { expects, read } = kinds[row.kind]
  const value = read(found)
  if (value === undefined) throw new SettingsError(`${row.apple}: expected ${expects}`)
  // 0 switches a port or limit off, an empty text means the default
  if (value === '' && row.apple !== 'DefaultLogLevel') return undefined
  if (value === 0 && (row.kind === 'port' || row.kind === 'positive')) return undefined
  return row.convert === undefined ? value : row.convert(value as never, all)
}

function lookup (all: Plist, path: string): PlistValue | undefined {
  let held: PlistValue | undefined = all
  for (const name of path.split('.')) held = isDict(held) && Object.hasOwn(held, name) ? held[name] : undefined
  return held
}

/** Names of a plist, going only into those dictionaries of which we understand something. */
function leaves (dict: Plist, prefix: string): string[] {
  return Object.entries(dict).flatMap(([name, value]) => {
    const path = prefix + name
    return isDict(value) && settingRows.some(row => row.apple.startsWith(path + '.')) ? leaves(value, path + '.') : [path]
  })
}

/** Settings that only say how another one is meant. */
function isUnderstood (name: string, all: Plist): boolean {
  const [group, leaf] = name.split('.')
  if (leaf === 'type') return isXml(all, group ?? '')
  return ['SSLEnable', 'SSLOnly', 'EnableSSL', 'ServerRoot', 'ConfigRoot', 'LogRoot', 'ResourceService.Enabled'].includes(name)
}

function isXml (all: Plist, group: string): boolean {
  const type = lookup(all, `${group}.type`)
  return type === undefined || type === 'xml' || (typeof type === 'string' && /\.(?:XMLDirectoryService|AugmentXMLDB|XMLResourceService)$/.test(type))
}

function service (group: string): (path: string, all: Plist) => string | undefined {
  return (path, all) => isXml(all, group) && lookup(all, `${group}.Enabled`) !== false ? accountsFile(path, all) : undefined
}

/** Since 3.0 paths hang below roots; `./` and `/` say that they do not. Before, they began where the server was started. */
function inside (root: string, path: string, all: Plist): string {
  return !Object.hasOwn(all, 'ServerRoot') || /^[./]/.test(path) ? path : `${root.replace(/\/+$/, '')}/${path}`
}

function dataRoot (path: string, all: Plist): string {
  return inside(textOf(all, 'ServerRoot') ?? '.', path, all)
}

function accountsFile (path: string, all: Plist): string {
  return inside(dataRoot(textOf(all, 'DataRoot') ?? 'Data', all), path, all)
}

function logFile (path: string, all: Plist): string {
  return inside(dataRoot(textOf(all, 'LogRoot') ?? '/var/log/caldavd', all), path, all)
}

function logLevel (level: string): string {
  const word = level.toLowerCase()
  if (word === '') return 'warn'
  if (word === 'critical') return 'error'
  if (!['error', 'warn', 'info', 'debug'].includes(word)) throw new SettingsError('DefaultLogLevel: expected error, warn, info or debug')
  return word
}

function textOf (all: Plist, name: string): string | undefined {
  const value = all[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
