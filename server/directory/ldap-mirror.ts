import { readCopy, writeCopy } from './ldap-copy.js'
import type { LdapRecord, LdapSettings } from './ldap-record.js'
import { Ldap } from './ldap.js'

export interface LdapMirrorParts {
  readonly settings: LdapSettings
  /** Where the last good answer is kept: '<data>/state/ldap.json'; undefined keeps none. */
  readonly file: string | undefined
  readonly log: { info (text: string): void, warn (text: string): void, error (text: string): void }
}

/** The people of a directory server, read again and again. When it is down they stay as they were. */
export class LdapMirror {
  readonly #parts: LdapMirrorParts
  readonly #ldap: Ldap
  #records: readonly LdapRecord[] = []
  /** How often in a row the server could not be read. */
  #failures = 0
  #refreshing: Promise<'same' | 'changed' | 'failed'> | undefined

  private constructor (parts: LdapMirrorParts) {
    this.#parts = parts
    this.#ldap = new Ldap(parts.settings)
  }

  /**
   * Reads everybody; when the server is down, takes the last copy, or nobody, and says so.
   * @throws AccountsError when a setting cannot work
   */
  static async open (parts: LdapMirrorParts): Promise<LdapMirror> {
    const mirror = new LdapMirror(parts)
    const { url, isInClear } = mirror.#ldap
    if (isInClear) parts.log.warn(`${url}: passwords are sent to the directory server in clear; ldaps:// or ldap.startTls encrypts them`)
    const copy = parts.file === undefined ? undefined : await readCopy(parts.file, parts.settings)
    mirror.#records = copy?.records ?? []
    if (await mirror.refresh() === 'failed') {
      parts.log.warn(copy === undefined
        ? `${url}: nobody from there can log in until it answers`
        : `${url}: going on with its ${copy.records.length} entries of ${copy.at.toISOString()}`)
    }
    return mirror
  }

  get records (): readonly LdapRecord[] { return this.#records }

  /** @throws Unavailable */
  async verify (dn: string, password: string): Promise<boolean> {
    return this.#ldap.verify(dn, password)
  }

  /** Reads everybody again. 'failed' has been logged, once for the whole outage, and the old records stay. */
  async refresh (): Promise<'same' | 'changed' | 'failed'> {
    this.#refreshing ??= this.#read().finally(() => { this.#refreshing = undefined })
    return this.#refreshing
  }

  /** Refreshes as often as the settings say, sooner while the server is down. @returns stops it */
  watch (changed: () => void): () => void {
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const wait = () => {
      const seconds = this.#pauseSeconds()
      if (isStopped || seconds === 0) return
      timer = setTimeout(() => {
        void this.refresh().then(outcome => {
          if (outcome === 'changed' && !isStopped) changed()
          wait()
        })
      }, seconds * 1000).unref()
    }
    wait()
    return () => {
      isStopped = true
      clearTimeout(timer)
    }
  }

  #pauseSeconds (): number {
    const { refreshSeconds } = this.#parts.settings
    if (this.#failures === 0) return refreshSeconds
    return Math.min(2 ** Math.min(this.#failures - 1, 20), refreshSeconds === 0 ? mostPauseSeconds : Math.min(refreshSeconds, mostPauseSeconds))
  }

  async #read (): Promise<'same' | 'changed' | 'failed'> {
    const { settings, file, log } = this.#parts
    let records: readonly LdapRecord[]
    try {
      records = await this.#ldap.read()
    } catch (error) {
      if (this.#failures++ === 0) log.error(`${this.#ldap.url}: ${(error as Error).message}; its entries stay as they were, it is tried again`)
      return 'failed'
    }
    if (this.#failures > 0) log.info(`${this.#ldap.url}: answers again, ${records.length} entries`)
    this.#failures = 0
    // Entries come in any order
    const isSame = fingerprint(records) === fingerprint(this.#records)
    this.#records = records
    if (file !== undefined && !isSame) {
      await writeCopy(file, settings, { at: new Date(), records }).catch((error: unknown) => { log.warn(`${file}: cannot be written: ${(error as Error).message}`) })
    }
    return isSame ? 'same' : 'changed'
  }
}

const mostPauseSeconds = 300

function fingerprint (records: readonly LdapRecord[]): string {
  return records.map(record => JSON.stringify(record)).sort().join('\n')
}
