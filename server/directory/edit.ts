import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quote, quoteKey, readToml } from '../../conf/toml.js'
import { AccountsError, readAccountsToml } from './accounts.js'
import { sortOf } from './htpasswd.js'
import { hashPassword } from './password.js'
import { nameProblem, type Account } from './record.js'
import { locked, readText, replace } from './small-file.js'

/** Somebody to be added. */
export interface NewUser {
  readonly name: string
  readonly fullName?: string | undefined
  readonly emails?: readonly string[] | undefined
  /** In clear; only its scrypt hash is written. */
  readonly password: string
}

/**
 * Adds a user at the end of our accounts file, which is made (mode 0600, with its directory) when it does not exist.
 * @throws AccountsError when the name cannot be a directory or is taken, or the file is broken or Apple's
 */
export async function addUser (file: string, user: NewUser): Promise<void> {
  const problem = nameProblem(user.name)
  if (problem !== undefined) throw new AccountsError(`the name ${JSON.stringify(user.name)} ${problem}; it has to be the name of a directory`)
  const password = await hashPassword(user.password)
  await editAccounts(file, (text, accounts) => {
    if (find(accounts, user.name) !== undefined) throw new AccountsError(`${file}: there is a user ${user.name} already`)
    const lines = [
      `[users.${quoteKey(user.name)}]`, `guid = ${quote(randomUUID())}`,
      ...user.fullName === undefined ? [] : [`fullName = ${quote(user.fullName)}`],
      ...user.emails === undefined || user.emails.length === 0 ? [] : [`emails = [${user.emails.map(quote).join(', ')}]`],
      `password = ${quote(password)}`
    ]
    const before = text.trimEnd()
    return (before === '' ? firstLines : before + '\n') + '\n' + lines.join('\n') + '\n'
  })
}

/** @throws AccountsError when there is no such user, or the line cannot be found */
export async function setPassword (file: string, name: string, password: string): Promise<void> {
  const hash = await hashPassword(password)
  await editAccounts(file, (text, accounts) => {
    demand(accounts, file, name)
    return withPassword(text, file, name, hash)
  }, name)
}

/**
 * Takes the table of a user out of the accounts file. Nothing else is deleted.
 * @returns where the user is still named, as member or proxy: 'groups.club'
 * @throws AccountsError when there is no such user
 */
export async function removeUser (file: string, name: string): Promise<string[]> {
  let named: string[] = []
  await editAccounts(file, (text, accounts) => {
    const { record } = demand(accounts, file, name)
    named = accounts.map(account => account.record)
      .filter(({ members, writeProxies, readProxies }) => [...members, ...writeProxies, ...readProxies].includes(record.guid))
      .map(other => `${other.type}.${other.name}`)
    return without(text, file, name)
  }, name)
  return named
}

const firstLines = [
  '# Who may log in to caldavd. `caldavd user add NAME` adds somebody, `caldavd user passwd NAME` changes a password.',
  '# The server reads this file again when it changes.'
].join('\n') + '\n'

/** Reads, changes and replaces the file under its lock; the result has to say the same about everybody but `name`. */
async function editAccounts (
  file: string, change: (text: string, accounts: readonly Account[]) => string, name?: string
): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await locked(file, async () => {
    const text = await readText(file)
    const sort = sortOf(text)
    if (sort === 'xml') throw new AccountsError(`${file}: is Apple's accounts.xml, which is changed by hand only`)
    if (sort !== 'toml') throw new AccountsError(`${file}: is changed with the program ${sort}, not from here`)
    const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
    const accounts = readAccountsToml(text, file, () => {})
    const changed = change(text.replaceAll('\r\n', '\n'), accounts).replaceAll('\n', lineEnd)
    // Changed by lines, so it is read again before it counts: a file in unusual form must not lose anybody
    if (!isSameFor(accounts, readAccountsToml(changed, file, () => {}), name)) throw byHand(file, name)
    await replace(file, changed)
  })
}

function isSameFor (before: readonly Account[], after: readonly Account[], changed: string | undefined): boolean {
  const guid = changed === undefined ? undefined : find(before, changed)?.record.guid
  const others = (accounts: readonly Account[]) => accounts
    .filter(({ record }) => record.guid !== guid)
    .map(({ record, password }) => [record.guid, record.name, record.fullName, password].join('\n'))
  const kept = new Set(others(after))
  return others(before).every(one => kept.has(one))
}

function find (accounts: readonly Account[], name: string): Account | undefined {
  return accounts.find(({ record }) => record.type === 'users' && record.name === name)
}

function demand (accounts: readonly Account[], file: string, name: string): Account {
  const found = find(accounts, name)
  if (found === undefined) throw new AccountsError(`${file}: there is no user ${name}`)
  return found
}

function withPassword (text: string, file: string, name: string, hash: string): string {
  const lines = text.split('\n')
  const { header, keys } = block(text, file, name)
  const old = keys.find(({ path }) => path[2] === 'password')
  if (old === undefined) {
    lines.splice(header, 0, `password = ${quote(hash)}`)
  } else {
    const comment = /^[^#]*["'](\s*#.*)$/.exec(lines[old.lastLine - 1] ?? '')?.[1] ?? ''
    lines.splice(old.line - 1, old.lastLine - old.line + 1, `password = ${quote(hash)}${comment}`)
  }
  return lines.join('\n')
}

function without (text: string, file: string, name: string): string {
  const lines = text.split('\n')
  const { header, keys } = block(text, file, name)
  // What follows the last key belongs to the next table: comments stay
  const end = Math.max(header, ...keys.map(({ lastLine }) => lastLine))
  const blank = (line: string | undefined) => line?.trim() === ''
  const more = blank(lines[end]) && (header === 1 || blank(lines[header - 2])) ? 1 : 0
  lines.splice(header - 1, end - header + 1 + more)
  return lines.join('\n')
}

/** The line of [users.name], and its keys. */
function block (text: string, file: string, name: string) {
  const { entries } = readToml(text)
  const mine = entries.filter(({ path: [type, second] }) => type === 'users' && second === name)
  const header = mine[0]
  if (header?.kind !== 'table' || header.path.length !== 2 || mine.some(({ kind }, at) => at > 0 && kind === 'table')) throw byHand(file, name)
  return { header: header.line, keys: mine.slice(1) }
}

function byHand (file: string, name: string | undefined): AccountsError {
  return new AccountsError(`${file}: is not written in plain tables like [users.${name ?? 'name'}], so it is better changed by hand`)
}
