import * as twisted from '../../twistedcompat/accounts.js'
import { AccountsError, checkAccounts } from './accounts.js'
import type { Account } from './record.js'

/** A file by name and content. */
export interface NamedText { readonly file: string, readonly text: string }

/** Apple's files of accounts: any generation of the first, the others as far as they are in use. */
export interface AppleFiles {
  readonly accounts: NamedText
  readonly resources?: NamedText | undefined
  readonly augments?: NamedText | undefined
  readonly proxies?: NamedText | undefined
}

/**
 * Apple's accounts as ours. The clear passwords become 'plain:…'.
 * @param warn  hears what a file says in vain
 * @throws AccountsError naming file and line
 */
export function readAccountsXml (files: AppleFiles, warn: (text: string) => void): Account[] {
  const { records, notes } = inFile(files.accounts, twisted.readAccounts)
  for (const note of notes) warn(`${files.accounts.file}, ${note}`)
  let all = records
  if (files.resources !== undefined) all = inFile(files.resources, text => twisted.applyResources(all, text))
  if (files.augments !== undefined) all = inFile(files.augments, text => twisted.applyAugments(all, text))
  if (files.proxies !== undefined) all = inFile(files.proxies, text => twisted.applyProxies(all, text))
  const accounts = all.map(asAccount)
  checkAccounts(accounts, () => files.accounts.file)
  return accounts
}

function inFile<T> ({ file, text }: NamedText, read: (text: string) => T): T {
  try {
    return read(text)
  } catch (error) {
    if (!(error instanceof twisted.AccountsError)) throw error
    throw new AccountsError(`${file}${error.message.startsWith('line ') ? ', ' : ': '}${error.message}`, { cause: error })
  }
}

function asAccount (apple: twisted.AccountRecord): Account {
  const { type, name, aliases, guid, fullName, emails, members, proxies, readProxies, autoSchedule, autoAcceptGroup, firstName, lastName } = apple
  const mailto = new Set(emails.map(email => `mailto:${email}`))
  return {
    // In Apple's files locations and groups have passwords too, but only users log in (Directory.byLogin)
    password: apple.enabledForLogin && apple.password !== undefined ? `plain:${apple.password}` : undefined,
    record: {
      type, name, aliases, guid, fullName, emails, members, readProxies, autoSchedule,
      ...autoAcceptGroup === undefined ? {} : { autoAcceptGroup },
      ...firstName === undefined ? {} : { firstName },
      ...lastName === undefined ? {} : { lastName },
      addresses: apple.addresses.filter(address => !mailto.has(address)),
      writeProxies: proxies,
      calendaring: apple.enabledForCalendaring
    }
  }
}
