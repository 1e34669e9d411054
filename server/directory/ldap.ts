import { readFile } from 'node:fs/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { Client, FilterParser, type Entry } from 'ldapts'
import { AccountsError } from './accounts.js'
import { attributesFor, recordOf, type LdapEntry, type LdapRecord, type LdapSettings } from './ldap-record.js'
import { recordTypes, type RecordType } from './record.js'
import { Unavailable } from './unavailable.js'

/** A directory server: reads its people, and asks it about passwords. No request of a client gets into a filter or a name. */
export class Ldap {
  readonly #settings: LdapSettings
  /** The address, for messages. */
  readonly url: string
  #down: { readonly error: Unavailable, readonly until: number } | undefined

  /** @throws AccountsError when a setting cannot work */
  constructor (settings: LdapSettings) {
    const { url, base, startTls, bindDn, bindPassword, bindPasswordFile } = settings
    if (url === undefined) throw new AccountsError('ldap.url: expected an address')
    if (startTls && url.startsWith('ldaps:')) throw new AccountsError('ldap.startTls: goes with ldap:// only, ldaps:// is encrypted from the start')
    if (bindDn !== undefined && !bindPassword && bindPasswordFile === undefined) throw new AccountsError('ldap.bindDn: without ldap.bindPassword or ldap.bindPasswordFile')
    if (base === undefined && settings.userBase === undefined) throw new AccountsError('ldap.base: expected the entry below which people are looked for, like "dc=example,dc=org"')
    for (const type of recordTypes) checkFilter(type, settings)
    this.#settings = settings
    this.url = url
  }

  /** Would passwords travel in clear, and not only inside this machine? */
  get isInClear (): boolean {
    const host = hostOf(this.url)
    return this.url.startsWith('ldap:') && !this.#settings.startTls && !/^(?:localhost|127\..*|::1)$/.test(host)
  }

  /** Everybody there is. @throws Error that says why not */
  async read (): Promise<LdapRecord[]> {
    const records = await this.#connected(readMilliseconds, async client => {
      await this.#bind(client)
      const found: LdapRecord[] = []
      for (const type of recordTypes) found.push(...await this.#search(client, type))
      return found
    })
    this.#down = undefined
    return records
  }

  /**
   * Is this the password of the entry?
   * @throws Unavailable when the server cannot be asked
   */
  async verify (dn: string, password: string): Promise<boolean> {
    // RFC 4513 5.1.2: a name with an empty password is let in as nobody; servers written in C end a text at NUL
    if (dn === '' || password === '' || password.includes('\0')) return false
    // Whoever waits for a server that does not answer holds others up
    if (this.#down !== undefined && Date.now() < this.#down.until) throw this.#down.error
    try {
      await this.#connected(this.#settings.timeoutSeconds * 1000, async client => client.bind(dn, password.normalize('NFC')))
      return true
    } catch (error) {
      if (refusals.has(codeOf(error))) return false
      const unavailable = new Unavailable(`${this.url}: ${reasonOf(error)}`, { cause: error })
      this.#down = { error: unavailable, until: Date.now() + downMilliseconds }
      throw unavailable
    }
  }

  async #bind (client: Client): Promise<void> {
    const { bindDn, bindPassword, bindPasswordFile } = this.#settings
    if (bindDn === undefined) return
    const password = bindPasswordFile === undefined ? bindPassword : (await readFile(bindPasswordFile, 'utf8')).split(/\r?\n/)[0]
    if (!password) throw new Error(`${bindPasswordFile ?? 'ldap.bindPassword'}: is empty`)
    try {
      await client.bind(bindDn, password)
    } catch (error) {
      if (refusals.has(codeOf(error))) throw new Error(`ldap.bindDn: the server does not let ${bindDn} in`, { cause: error })
      throw error
    }
  }

  async #search (client: Client, type: RecordType): Promise<LdapRecord[]> {
    const { base, filter } = placeOf(type, this.#settings)
    if (base === undefined) return []
    const { entries: most, guid } = this.#settings
    const found: LdapRecord[] = []
    const options = {
      scope: 'sub', filter, attributes: attributesFor(type, this.#settings), paged: { pageSize },
      explicitBufferAttributes: guid.filter(name => name.toLowerCase() === 'objectguid')
    } as const
    try {
      for await (const { searchEntries } of client.searchPaginated(base, { ...options, attributes: [...options.attributes], explicitBufferAttributes: [...options.explicitBufferAttributes] })) {
        if (found.length + searchEntries.length > most) throw new Error(`more than ${most} ${type}; ldap.entries allows more`)
        found.push(...searchEntries.map(entry => recordOf(type, asEntry(entry), this.#settings)))
      }
    } catch (error) {
      throw new Error(`${type} below ${base}: ${reasonOf(error)}`, { cause: error })
    }
    return found
  }

  /** A connection for some work, closed after it. */
  async #connected<T> (milliseconds: number, work: (client: Client) => Promise<T>): Promise<T> {
    const { startTls, ca, timeoutSeconds } = this.#settings
    const host = hostOf(this.url)
    const secure: ConnectionOptions = { host, ...isIP(host) === 0 ? { servername: host } : {}, ...ca === undefined ? {} : { ca: await readFile(ca) } }
    let socket: Socket | undefined
    // The library connects again when a connection is lost: that one would be in clear, and bound as nobody
    const once = (make: () => Socket): Socket => {
      if (socket !== undefined) throw new Error('the connection is lost')
      socket = make()
      return socket
    }
    const client = new Client({
      url: this.url, timeout: timeoutSeconds * 1000, connectTimeout: timeoutSeconds * 1000,
      ...this.url.startsWith('ldaps:')
        ? { tlsOptions: secure, createSecureConnection: ((port: number, _: string, options: ConnectionOptions) => once(() => connectTls(port, host, options))) as typeof connectTls }
        : { createConnection: ((port: number) => once(() => connect(port, host))) as typeof connect }
    })
    const deadline = setTimeout(() => { socket?.destroy() }, milliseconds)
    try {
      if (startTls) await client.startTLS(secure)
      return await work(client)
    } finally {
      clearTimeout(deadline)
      await client.unbind().catch(() => { /* it is gone already */ })
      socket?.destroy()
    }
  }
}

/** How long reading everything may take. */
const readMilliseconds = 10 * 60_000
const downMilliseconds = 3000
const pageSize = 500

// RFC 4511 appendix A: constraintViolation (locked out), noSuchObject, invalidDNSyntax, inappropriateAuthentication (no password),
// invalidCredentials, insufficientAccessRights, unwillingToPerform (switched off)
const refusals: ReadonlySet<unknown> = new Set([19, 32, 34, 48, 49, 50, 53])

// RFC 4511 appendix A; servers often add no text
const words: ReadonlyMap<unknown, string> = new Map([
  [3, 'the server gave up, it takes too long (timeLimitExceeded)'], [4, 'the server gives no more entries (sizeLimitExceeded)'],
  [8, 'the server wants another way to log in (strongerAuthRequired)'], [11, 'the server gives no more (adminLimitExceeded)'],
  [13, 'the server wants TLS (confidentialityRequired)'], [32, 'there is no such entry (noSuchObject)'], [50, 'not allowed (insufficientAccessRights)'],
  [51, 'the server is busy'], [52, 'the server is unavailable']
])

function reasonOf (error: unknown): string {
  return words.get(codeOf(error)) ?? (error as Error).message
}

function codeOf (error: unknown): unknown {
  return (error as { code?: unknown }).code
}

function hostOf (url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}

function placeOf (type: RecordType, settings: LdapSettings): { readonly base: string | undefined, readonly filter: string, readonly name: string } {
  const { base, userBase, groupBase, locationBase, resourceBase } = settings
  const places = {
    users: { base: userBase ?? base, filter: settings.userFilter, name: 'userFilter' },
    groups: { base: groupBase ?? base, filter: settings.groupFilter, name: 'groupFilter' },
    locations: { base: locationBase, filter: settings.locationFilter, name: 'locationFilter' },
    resources: { base: resourceBase, filter: settings.resourceFilter, name: 'resourceFilter' }
  }
  return places[type]
}

function checkFilter (type: RecordType, settings: LdapSettings): void {
  const { filter, name } = placeOf(type, settings)
  try {
    FilterParser.parseString(filter)
  } catch (error) {
    throw new AccountsError(`ldap.${name}: expected a filter like "(objectClass=person)" (RFC 4515), got ${JSON.stringify(filter)}`, { cause: error })
  }
}

function asEntry ({ dn, ...attributes }: Entry): LdapEntry {
  const values = new Map<string, (string | Buffer)[]>()
  for (const [written, value] of Object.entries(attributes)) {
    // 'cn;lang-de', 'member;range=0-1499'
    const name = written.split(';')[0]!.toLowerCase()
    values.set(name, [...values.get(name) ?? [], ...Array.isArray(value) ? value : [value]])
  }
  return { dn, attributes: values }
}
