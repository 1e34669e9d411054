import { join } from 'node:path'
import { fingerprint, readAccounts, type AccountFiles } from './account-files.js'
import { AccountsError } from './accounts.js'
import { Directory } from './directory.js'
import { joinLdap } from './ldap-accounts.js'
import { LdapMirror } from './ldap-mirror.js'
import type { LdapSettings } from './ldap-record.js'
import { decoyOf, ldapName, verifyPassword } from './password.js'
import type { Account } from './record.js'
import { Unavailable } from './unavailable.js'

/** Where the records come from. */
export interface SourceParts extends AccountFiles {
  /** A directory server beside the files; without `url` there is none. */
  readonly ldap?: LdapSettings | undefined
  /** Directory for what can be made again ('<data>/state'): a copy of the records of LDAP, for a start while it is down. */
  readonly state?: string | undefined
  /** Our own origin for `Directory`. */
  readonly origin?: string | undefined
}

/** The accounts files, the directory server, and the directory made from them. */
export class Source {
  readonly directory: Directory
  readonly #parts: SourceParts
  readonly #ldap: LdapMirror | undefined
  readonly #warnOnce: (text: string) => void
  #seen: string
  #decoy: string | undefined
  #reading: Promise<boolean> | undefined

  private constructor (parts: SourceParts, ldap: LdapMirror | undefined, seen: string, accounts: readonly Account[], warnOnce: (text: string) => void) {
    this.#parts = parts
    this.#ldap = ldap
    this.#seen = seen
    this.#warnOnce = warnOnce
    this.#decoy = decoyOf(accounts)
    this.directory = new Directory(accounts, { origin: parts.origin })
  }

  /** @throws AccountsError when a file is missing or wrong, or a setting of LDAP cannot work; a directory server that is down is only logged */
  static async open (parts: SourceParts): Promise<Source> {
    const seen = await fingerprint(parts)
    const file = parts.state === undefined ? undefined : join(parts.state, 'ldap.json')
    const ldap = parts.ldap?.url === undefined ? undefined : await LdapMirror.open({ settings: parts.ldap, file, log: parts.log })
    const warn = once(parts.log)
    return new Source(parts, ldap, seen, await collect(parts, ldap, warn), warn)
  }

  /**
   * Is this the password? Every form, see password.ts; 'ldap:DN' asks the directory server. Nobody costs as much as somebody.
   * @param account  whose it is: some hashes are of the short name too
   * @throws Unavailable when the directory server cannot be asked
   */
  readonly verify = async (stored: string | undefined, given: string, { name }: { readonly name?: string | undefined } = {}): Promise<boolean> => {
    const dn = ldapName(stored)
    if (dn === undefined) return verifyPassword(stored, given, { name, decoy: this.#decoy })
    if (this.#ldap === undefined) throw new Unavailable('ldap.url is not set')
    const [isRight] = await Promise.all([this.#ldap.verify(dn, given), verifyPassword(undefined, given, { decoy: this.#decoy })])
    return isRight
  }

  /** Reads files and directory server again. false: one of them is broken or down, which was logged; the old records stay. */
  async reload (): Promise<boolean> {
    this.#reading ??= this.#readAll().finally(() => { this.#reading = undefined })
    return this.#reading
  }

  /** Reads the files again only when one was changed, replaced or added since; some system calls otherwise. */
  async refresh (): Promise<boolean> {
    return this.#reading ?? (await fingerprint(this.#parts) === this.#seen || this.#readFiles())
  }

  /** Calls `refresh` every so many seconds, without keeping the process alive, and reads the directory server as its settings say. @returns stops it */
  watch (seconds: number): () => void {
    const timer = setInterval(() => void this.refresh(), seconds * 1000).unref()
    const stop = this.#ldap?.watch(() => void this.#afterLdap())
    return () => {
      clearInterval(timer)
      stop?.()
    }
  }

  async #readAll (): Promise<boolean> {
    const outcome = await this.#ldap?.refresh()
    return await this.#read() && outcome !== 'failed'
  }

  async #readFiles (): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => { this.#reading = undefined })
    return this.#reading
  }

  // Who is reading already may have begun before the new entries were there
  async #afterLdap (): Promise<void> {
    await this.#reading
    await this.#readFiles()
  }

  async #read (): Promise<boolean> {
    const { file, log } = this.#parts
    this.#seen = await fingerprint(this.#parts)
    try {
      const accounts = await collect(this.#parts, this.#ldap, this.#warnOnce)
      this.directory.replace(accounts)
      this.#decoy = decoyOf(accounts)
      log.info(`${file}: read again, ${accounts.length} accounts`)
      return true
    } catch (error) {
      log.error(`accounts stay as they were: ${(error as Error).message}`)
      return false
    }
  }
}

/** The accounts of all sources. @throws AccountsError */
async function collect (parts: SourceParts, ldap: LdapMirror | undefined, warn: (text: string) => void): Promise<Account[]> {
  const found = ldap?.records ?? []
  const files = await readAccounts(parts, found)
  const astray = ldap === undefined ? files.find(({ password }) => ldapName(password) !== undefined) : undefined
  if (astray !== undefined) throw new AccountsError(`${parts.file}: the password of ${astray.record.name} is "ldap:…", but ldap.url is not set`)
  return joinLdap(files, found, warn)
}

const mostSaid = 100

// The same entries come every few minutes
function once (log: SourceParts['log']): (text: string) => void {
  const said = new Set<string>()
  return text => {
    if (said.has(text) || said.size >= mostSaid) return
    said.add(text)
    log.warn(said.size < mostSaid ? text : 'LDAP: further entries are left out without a word')
  }
}
