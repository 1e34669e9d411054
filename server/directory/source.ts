import { readFile, stat } from 'node:fs/promises'
import { AccountsError, readAccountsToml } from './accounts.js'
import { readAccountsXml } from './apple.js'
import { Directory } from './directory.js'
import type { Account } from './record.js'

/** Where the records come from. */
export interface SourceParts {
  /** Our TOML, or Apple's accounts.xml: told apart by the first character. */
  readonly file: string
  /** Apple's further files. */
  readonly resources?: string | undefined
  readonly augments?: string | undefined
  readonly proxies?: string | undefined
  /** Our own origin for `Directory`. */
  readonly origin?: string | undefined
  readonly log: { info (text: string): void, warn (text: string): void, error (text: string): void }
}

/** The accounts files and the directory made from them. */
export class Source {
  readonly directory: Directory
  readonly #parts: SourceParts
  #seen: string
  #reading: Promise<boolean> | undefined

  private constructor (parts: SourceParts, accounts: readonly Account[], seen: string) {
    this.#parts = parts
    this.#seen = seen
    this.directory = new Directory(accounts, { origin: parts.origin })
  }

  /** @throws AccountsError when a file is missing or wrong */
  static async open (parts: SourceParts): Promise<Source> {
    const seen = await fingerprint(parts)
    return new Source(parts, await readAccounts(parts), seen)
  }

  /** Reads the files again. false: one of them is broken, which was logged; the old records stay. */
  async reload (): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => { this.#reading = undefined })
    return this.#reading
  }

  /** Reads again only when a file was changed, replaced or added since; some system calls otherwise. */
  async refresh (): Promise<boolean> {
    return this.#reading ?? (await fingerprint(this.#parts) === this.#seen || this.reload())
  }

  /** Calls `refresh` every so many seconds, without keeping the process alive. @returns stops it */
  watch (seconds: number): () => void {
    const timer = setInterval(() => void this.refresh(), seconds * 1000).unref()
    return () => clearInterval(timer)
  }

  async #read (): Promise<boolean> {
    const { file, log } = this.#parts
    this.#seen = await fingerprint(this.#parts)
    try {
      const accounts = await readAccounts(this.#parts)
      this.directory.replace(accounts)
      log.info(`${file}: read again, ${accounts.length} accounts`)
      return true
    } catch (error) {
      log.error(`accounts stay as they were: ${(error as Error).message}`)
      return false
    }
  }
}

/** All accounts of the files. @throws AccountsError */
export async function readAccounts (parts: SourceParts): Promise<Account[]> {
  const warn = (text: string) => parts.log.warn(text)
  const main = await read(parts.file)
  const others = { resources: parts.resources, augments: parts.augments, proxies: parts.proxies }
  if (!/^\uFEFF?\s*</.test(main)) {
    const [name] = Object.entries(others).find(([, path]) => path !== undefined) ?? []
    if (name !== undefined) throw new AccountsError(`accounts.${name}: goes with Apple's accounts.xml only, but ${parts.file} is TOML`)
    return readAccountsToml(main, parts.file, warn)
  }
  const texts = await Promise.all(Object.entries(others).map(async ([name, file]) =>
    [name, file === undefined ? undefined : { file, text: await read(file) }] as const))
  return readAccountsXml({ accounts: { file: parts.file, text: main }, ...Object.fromEntries(texts) }, warn)
}

async function read (file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const text = isMissing ? 'does not exist; `caldavd user add NAME` makes an accounts file' : `cannot be read: ${(error as Error).message}`
    throw new AccountsError(`${file}: ${text}`, { cause: error })
  }
}

async function fingerprint ({ file, resources, augments, proxies }: SourceParts): Promise<string> {
  const facts = await Promise.all([file, resources, augments, proxies].map(async path => {
    if (path === undefined) return ''
    const found = await stat(path, { bigint: true }).catch(() => undefined)
    return found === undefined ? 'missing' : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
  }))
  return facts.join(', ')
}
