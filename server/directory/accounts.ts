import { createHash } from 'node:crypto'
import { nearest } from '../../conf/nearest.js'
import { sizeOf } from '../../conf/settings.js'
import { readToml, TomlFault, type Toml } from '../../conf/toml.js'
import { passwordProblem } from './password.js'
import { autoSchedules, guidKey, nameProblem, recordTypes, type Account, type AutoSchedule, type DirectoryRecord, type RecordType } from './record.js'

/** Accounts that cannot be read; the message names file, line, account and what was expected. */
export class AccountsError extends Error {
  override readonly name = 'AccountsError'
}

/**
 * Our accounts file: tables [users.alice], [groups.club], [locations.hall], [resources.beamer]; conf/accounts.toml shows all keys.
 * @param file  for error texts
 * @param warn  hears of members and proxies that nobody is called, which are left out
 * @param elsewhere  'users/alice' → guid of accounts from another source, who may be members and proxies too
 * @throws AccountsError
 */
export function readAccountsToml (
  text: string, file: string, warn: (text: string) => void, elsewhere: (reference: string) => string | undefined = () => undefined
): Account[] {
  const toml = parse(text, file)
  const source = { toml, file, warn, elsewhere }
  const drafts = Object.entries(toml.value).flatMap(([type, names]) => {
    const known = recordTypes.find(one => one === type)
    if (known === undefined) throw fault(source, [type], `no kind of account is called ${type}`, `one of ${recordTypes.join(', ')}`)
    if (!isTable(names)) throw fault(source, [type], `${type}: wrong`, `accounts like [${type}.name]`)
    return Object.entries(names).map(([name, fields]) => readDraft(source, known, name, fields))
  })
  const byReference = new Map(drafts.flatMap(({ account: { record } }) =>
    [record.name, ...record.aliases].map((name): [string, string] => [`${record.type}/${name}`, record.guid])))
  const accounts = drafts.map(draft => resolve(source, draft, byReference))
  checkAccounts(accounts, ({ record }) => where(source, [record.type, record.name]))
  return accounts
}

/**
 * What must hold of accounts wherever they come from: names can be directories, nobody is mistaken for another.
 * @param place  how an error text begins for this account
 * @throws AccountsError
 */
export function checkAccounts (accounts: Iterable<Account>, place: (account: Account) => string): void {
  const names = new Map<string, string>()
  const guids = new Map<string, string>()
  for (const account of accounts) {
    const { record } = account
    const full = `${record.type}.${record.name}`
    const begin = `${place(account)}: ${full}`
    for (const name of [record.name, ...record.aliases]) {
      const problem = nameProblem(name)
      if (problem !== undefined) throw new AccountsError(`${begin}: the name ${JSON.stringify(name)} ${problem}; it has to be the name of a directory`)
      // On a file system without case, Alice and alice would be given one home
      const key = `${record.type}/${name.normalize('NFC').toLowerCase()}`
      const other = names.get(key)
      if (other !== undefined && other !== full) throw new AccountsError(`${begin}: the name ${JSON.stringify(name)} belongs to ${other} already (case does not count)`)
      names.set(key, full)
    }
    const problem = nameProblem(record.guid.replaceAll(':', ''))
    if (problem !== undefined) throw new AccountsError(`${begin}: the guid ${JSON.stringify(record.guid)} ${problem}`)
    const other = guids.get(guidKey(record.guid))
    if (other !== undefined) throw new AccountsError(`${begin}: the guid ${record.guid} belongs to ${other} already`)
    guids.set(guidKey(record.guid), full)
  }
}

/** The guid of an account that names none: always the same for type and name (UUID version 5). */
export function derivedGuid (type: RecordType, name: string): string {
  const namespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')
  const bytes = createHash('sha1').update(namespace).update(`caldavd:/principals/${type}/${name}/`).digest().subarray(0, 16)
  bytes[6] = bytes[6]! & 0x0f | 0x50
  bytes[8] = bytes[8]! & 0x3f | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

interface Source {
  readonly toml: Toml
  readonly file: string
  readonly warn: (text: string) => void
  readonly elsewhere: (reference: string) => string | undefined
}

interface Draft {
  readonly account: Account
  /** Key → references as written: 'users/alice'. */
  readonly references: Readonly<Record<'members' | 'proxies' | 'readProxies', readonly string[]>>
}

const keys = ['guid', 'fullName', 'firstName', 'lastName', 'emails', 'aliases', 'addresses', 'password', 'members', 'proxies', 'readProxies', 'calendaring', 'autoSchedule', 'quota']

function parse (text: string, file: string): Toml {
  try {
    return readToml(text)
  } catch (error) {
    if (!(error instanceof TomlFault)) throw error
    throw new AccountsError(`${file}, line ${error.line}: ${error.message}`, { cause: error })
  }
}

function readDraft (source: Source, type: RecordType, name: string, fields: unknown): Draft {
  const path = [type, name]
  if (!isTable(fields)) throw fault(source, path, `${type}.${name}: wrong`, `a table like [${type}.${name}]`)
  for (const key of Object.keys(fields)) {
    if (!keys.includes(key)) throw fault(source, [...path, key], `${type}.${name}: no key is called ${key}`, nearest(key, keys) ?? keys.join(', '))
  }
  const value = <T>(key: string, expected: string, isRight: (value: unknown) => value is T, missing: T): T => {
    if (fields[key] === undefined) return missing
    if (isRight(fields[key])) return fields[key]
    throw fault(source, [...path, key], `${type}.${name}.${key}: wrong`, expected)
  }
  const isGroup = type === 'groups'
  const isThing = type === 'locations' || type === 'resources'
  if (!isGroup && fields['members'] !== undefined) throw fault(source, [...path, 'members'], `${type}.${name}: only groups have members`, 'no such key')
  const password = value<string | undefined>('password', 'a text', isText, undefined)
  const problem = password === undefined ? undefined : passwordProblem(password)
  if (problem !== undefined) throw fault(source, [...path, 'password'], `${type}.${name}.password: wrong`, problem.replace('expected ', ''))
  const references = 'accounts like "users/alice"'
  const some = <Key extends string, T>(key: Key, content: T | undefined) => (content === undefined ? {} : { [key]: content }) as { readonly [K in Key]?: T }
  return {
    references: {
      members: value('members', references, isTexts, []),
      proxies: value('proxies', references, isTexts, []),
      readProxies: value('readProxies', references, isTexts, [])
    },
    account: {
      password,
      record: {
        type, name,
        guid: value('guid', 'a text, best a UUID', isText, derivedGuid(type, name)),
        fullName: value('fullName', 'a text', isText, name),
        ...some('firstName', value<string | undefined>('firstName', 'a text', isText, undefined)),
        ...some('lastName', value<string | undefined>('lastName', 'a text', isText, undefined)),
        ...some('quota', sizeOf(value('quota', 'bytes or a size like "500 MB", "2 GB"; 0 = as many as fit', isSize, undefined))),
        aliases: value('aliases', 'further names: ["al"]', isTexts, []),
        emails: value('emails', 'mail addresses: ["alice@example.org"]', isEmails, []),
        addresses: value('addresses', 'URIs: ["mailto:al@example.org"]', isUris, []),
        calendaring: value('calendaring', 'true or false', isBoolean, !isGroup),
        autoSchedule: value('autoSchedule', `one of ${autoSchedules.join(', ')}`, isAutoSchedule, isThing ? 'automatic' : 'none'),
        members: [], writeProxies: [], readProxies: []
      }
    }
  }
}

function resolve (source: Source, { account, references }: Draft, byReference: ReadonlyMap<string, string>): Account {
  const { record } = account
  const guids = (key: keyof typeof references) => references[key].flatMap(reference => {
    const full = reference.includes('/') ? reference : `users/${reference}`
    const guid = byReference.get(full) ?? source.elsewhere(full)
    if (guid !== undefined) return guid
    source.warn(`${where(source, [record.type, record.name, key])}: ${record.type}.${record.name}.${key}: nobody is called ${JSON.stringify(reference)}; left out`)
    return []
  })
  const resolved: DirectoryRecord = { ...record, members: guids('members'), writeProxies: guids('proxies'), readProxies: guids('readProxies') }
  return { ...account, record: resolved }
}

function where ({ toml, file }: Source, path: readonly string[]): string {
  const line = toml.lineOf(...path)
  return line === undefined ? file : `${file}, line ${line}`
}

function fault (source: Source, path: readonly string[], what: string, expected: string): AccountsError {
  return new AccountsError(`${where(source, path)}: ${what}, expected ${expected}`)
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && !/[\0-\x08\x0a-\x1f\x7f]/.test(value)
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isEmails = (value: unknown): value is string[] => isTexts(value) && value.every(one => /^[^\s@:]+@[^\s@]+$/.test(one))
const isUris = (value: unknown): value is string[] => isTexts(value) && value.every(one => /^([a-z][a-z0-9+.-]*:|\/)\S+$/i.test(one))
const isAutoSchedule = (value: unknown): value is AutoSchedule => autoSchedules.some(word => word === value)
const isSize = (value: unknown): value is string | number | undefined => sizeOf(value) !== undefined
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
