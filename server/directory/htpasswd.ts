import { AccountsError, checkAccounts, derivedGuid } from './accounts.js'
import { passwordProblem } from './password.js'
import type { Account, RecordType } from './record.js'

/** What a file of accounts is, by its first line that says something. */
export function sortOf (text: string): 'xml' | 'toml' | 'htpasswd' | 'htdigest' {
  const first = text.replace(/^\uFEFF/, '').split('\n').map(line => line.trim()).find(line => line !== '' && !line.startsWith('#')) ?? ''
  if (first.startsWith('<')) return 'xml'
  if (/^[^:[]+:[^:]*:[\da-f]{32}$/i.test(first)) return 'htdigest'
  // In TOML a colon comes after a bracket or an equals sign; in a hash there is one behind the colon at the most
  return /^[^:[=]+:/.test(first) ? 'htpasswd' : 'toml'
}

/**
 * The accounts of a file that `htpasswd` writes: one user a line, 'name:hash'; what follows a second colon is nobody's.
 * @param file  for error texts
 * @throws AccountsError, also for passwords in clear or of crypt(3)
 */
export function readHtpasswd (text: string, file: string): Account[] {
  return checked(file, linesOf(text).map(({ line, number }) => {
    const [name = '', password] = line.split(':')
    if (password === undefined) throw fault(file, number, 'expected "name:hash"')
    // The text itself may be a password: it is not repeated in the message
    const isTaken = /^(?:\$2|\$apr1\$|\{SHA\})/.test(password) && passwordProblem(password) === undefined
    if (!isTaken) throw fault(file, number, `the password of ${name} is in clear, of crypt(3) or cut off, expected bcrypt (htpasswd -B), apr1 (htpasswd -m) or {SHA} (htpasswd -s)`)
    return { number, account: account('users', name, password) }
  }))
}

/**
 * The accounts of a file that `htdigest` writes: 'name:realm:HA1'.
 * @param realm  which line counts for a name that has several; without such a line the first
 * @throws AccountsError
 */
export function readHtdigest (text: string, file: string, realm?: string): Account[] {
  const byName = new Map<string, { readonly number: number, readonly realm: string, readonly account: Account }>()
  for (const { line, number } of linesOf(text)) {
    const [, name, place, hash] = /^([^:]+):([^:]*):([\da-f]{32})$/i.exec(line) ?? []
    if (name === undefined || place === undefined || hash === undefined) throw fault(file, number, 'expected "name:realm:hash" as htdigest writes it')
    const before = byName.get(name)
    if (before?.realm === place) throw fault(file, number, `${name} has been there in line ${before.number} already`)
    if (before === undefined || place === realm) byName.set(name, { number, realm: place, account: account('users', name, `digest:${place}:${hash.toLowerCase()}`) })
  }
  return checked(file, [...byName.values()])
}

/**
 * Groups as Apache's AuthGroupFile has them: 'staff: alice bob'. A group may be in several lines.
 * @param find  name of a user → guid
 * @param warn  hears of members that nobody is called, which are left out
 * @throws AccountsError
 */
export function readGroups (text: string, file: string, find: (name: string) => string | undefined, warn: (text: string) => void): Account[] {
  const groups = new Map<string, { readonly number: number, readonly members: Set<string> }>()
  for (const { line, number } of linesOf(text)) {
    const [, name, members] = /^([^:]+):(.*)$/.exec(line) ?? []
    if (name === undefined || members === undefined) throw fault(file, number, 'expected a group and its members like "staff: alice bob"')
    const group = groups.get(name.trim()) ?? { number, members: new Set<string>() }
    groups.set(name.trim(), group)
    for (const member of members.split(/\s+/).filter(member => member !== '')) {
      const guid = find(member.normalize('NFC'))
      if (guid === undefined) warn(`${file}, line ${number}: ${name}: nobody is called ${JSON.stringify(member)}; left out`)
      else group.members.add(guid)
    }
  }
  return checked(file, [...groups].map(([name, { number, members }]) => ({ number, account: account('groups', name, undefined, [...members]) })))
}

interface Numbered { readonly number: number, readonly account: Account }

function linesOf (text: string): { readonly line: string, readonly number: number }[] {
  return text.replace(/^\uFEFF/, '').split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
}

function checked (file: string, found: readonly Numbered[]): Account[] {
  const numbers = new Map(found.map(({ account, number }) => [account, number]))
  const first = new Map<string, number>()
  for (const { account: { record }, number } of found) {
    const before = first.get(record.name)
    if (before !== undefined) throw fault(file, number, `${record.name} has been there in line ${before} already`)
    first.set(record.name, number)
  }
  checkAccounts(numbers.keys(), account => `${file}, line ${numbers.get(account)}`)
  return [...numbers.keys()]
}

function account (type: RecordType, written: string, password: string | undefined, members: readonly string[] = []): Account {
  const name = written.normalize('NFC')
  const isEmail = /^[^\s@]+@[^\s@]+$/.test(name)
  return {
    password,
    record: {
      type, name, guid: derivedGuid(type, name), fullName: name, aliases: [], emails: isEmail ? [name] : [], addresses: [],
      members, writeProxies: [], readProxies: [], calendaring: type === 'users', autoSchedule: 'none'
    }
  }
}

function fault (file: string, number: number, text: string): AccountsError {
  return new AccountsError(`${file}, line ${number}: ${text}`)
}
