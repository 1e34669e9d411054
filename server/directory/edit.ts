import { randomUUID } from 'node:crypto'
import { chown, mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { quote, quoteKey, readToml } from '../../conf/toml.js'
import { AccountsError, readAccountsToml } from './accounts.js'
import { sortOf } from './htpasswd.js'
import { hashPassword } from './password.js'
import { nameProblem, type Account } from './record.js'

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
    const text = await read(file)
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

async function read (file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new AccountsError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Beside, flush, rename; the owner stays the same, or root would lock the server out of its own file. */
export async function replace (file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file)
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${randomUUID().slice(0, 8)}`)
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    const { uid, gid } = await stat(target).catch(() => stat(dirname(target)))
    if (process.getuid?.() === 0) await chown(temporary, uid, gid)
    await rename(temporary, target)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  const directory = await open(dirname(target), 'r')
  await directory.sync().catch(() => {}).finally(() => directory.close())
}

const patienceMilliseconds = 5000

/** One process at a time: `<file>.lock` holds the number of the process that works. */
export async function locked<T> (file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`
  const deadline = Date.now() + patienceMilliseconds
  while (!await take(lock)) {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await clear(lock)
    else if (Date.now() > deadline) throw new AccountsError(`${file}: is being changed by process ${owner || '?'}; if that is not so, delete ${lock}`)
    else await sleep(30)
  }
  try {
    return await work()
  } finally {
    await unlink(lock).catch(() => {})
  }
}

/** Removes a lock whose process is gone. Only who holds a second lock may, after looking once more: others may have cleared and taken it. */
async function clear (lock: string): Promise<void> {
  const second = `${lock}.clearing`
  if (!await take(second)) {
    const owner = Number(await readFile(second, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await unlink(second).catch(() => {})
    return
  }
  try {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await unlink(lock)
  } finally {
    await unlink(second).catch(() => {})
  }
}

async function take (lock: string): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx', 0o600)
    await handle.writeFile(String(process.pid)).finally(() => handle.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
