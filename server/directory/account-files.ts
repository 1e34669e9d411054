import { readFile, stat } from 'node:fs/promises'
import { AccountsError, readAccountsToml } from './accounts.js'
import { readAccountsXml } from './apple.js'
import { readGroups, readHtdigest, readHtpasswd, sortOf } from './htpasswd.js'
import { guidOf } from './ldap-accounts.js'
import type { LdapRecord } from './ldap-record.js'
import type { Account } from './record.js'

/** Files with accounts in them. */
export interface AccountFiles {
  /** Our TOML, Apple's accounts.xml, or what htpasswd or htdigest wrote: told apart by the first line. */
  readonly file: string
  /** Groups beside a file of htpasswd or htdigest. */
  readonly groups?: string | undefined
  /** Apple's further files. */
  readonly resources?: string | undefined
  readonly augments?: string | undefined
  readonly proxies?: string | undefined
  /** Of two lines of htdigest about one name, the one with this realm counts. */
  readonly realm?: string | undefined
  readonly log: { info (text: string): void, warn (text: string): void, error (text: string): void }
}

/**
 * All accounts of the files.
 * @param found  who is in LDAP, and may be a member or proxy of those in the files
 * @throws AccountsError
 */
export async function readAccounts (parts: AccountFiles, found: readonly LdapRecord[] = []): Promise<Account[]> {
  const warn = (text: string) => parts.log.warn(text)
  const text = await read(parts.file)
  const sort = sortOf(text)
  checkCompanions(parts, sort)
  const elsewhere = new Map(found.map(record => [`${record.type}/${record.name}`, guidOf(record)]))
  if (sort === 'toml') return readAccountsToml(text, parts.file, warn, reference => elsewhere.get(reference))
  if (sort === 'xml') {
    const { resources, augments, proxies } = parts
    const texts = await Promise.all(Object.entries({ resources, augments, proxies }).map(async ([name, file]) =>
      [name, file === undefined ? undefined : { file, text: await read(file) }] as const))
    return readAccountsXml({ accounts: { file: parts.file, text }, ...Object.fromEntries(texts) }, warn)
  }
  const users = sort === 'htpasswd' ? readHtpasswd(text, parts.file) : readHtdigest(text, parts.file, parts.realm)
  if (parts.groups === undefined) return users
  const guids = new Map(users.map(({ record }) => [record.name, record.guid]))
  return [...users, ...readGroups(await read(parts.groups), parts.groups, name => guids.get(name) ?? elsewhere.get(`users/${name}`), warn)]
}

/** Inode, size and times of the files, as one text: another text means that one of them has changed. */
export async function fingerprint ({ file, groups, resources, augments, proxies }: AccountFiles): Promise<string> {
  const facts = await Promise.all([file, groups, resources, augments, proxies].map(async path => {
    if (path === undefined) return ''
    const found = await stat(path, { bigint: true }).catch(() => undefined)
    return found === undefined ? 'missing' : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
  }))
  return facts.join(', ')
}

const sortNames = { xml: "Apple's accounts.xml", toml: 'TOML', htpasswd: 'a file of htpasswd', htdigest: 'a file of htdigest' }

function checkCompanions (parts: AccountFiles, sort: keyof typeof sortNames): void {
  const { groups, resources, augments, proxies } = parts
  const [apples] = Object.entries({ resources, augments, proxies }).find(([, path]) => path !== undefined) ?? []
  if (sort !== 'xml' && apples !== undefined) throw new AccountsError(`accounts.${apples}: goes with Apple's accounts.xml only, but ${parts.file} is ${sortNames[sort]}`)
  const isApache = sort === 'htpasswd' || sort === 'htdigest'
  if (groups !== undefined && !isApache) throw new AccountsError(`accounts.groups: goes with a file of htpasswd or htdigest only, but ${parts.file} is ${sortNames[sort]}`)
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
