import { createHash, randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quote, readToml, TomlFault } from '../../conf/toml.js'
import { AccountsError } from './accounts.js'
import type { Limit } from './identity.js'
import { guidKey, nameProblem, type DirectoryRecord } from './record.js'
import { fingerprintOf, locked, readText, replace } from './small-file.js'

/** A password for one device or program of a user. */
export interface AppPassword extends Limit {
  /** Short name of the user. */
  readonly user: string
  /** Of the user: somebody who gets the name later does not get the passwords. undefined = whoever has the name. */
  readonly guid?: string | undefined
  /** 'sha256:' and base64 of `canonical` text: it is random and long, so nothing slower is needed. */
  readonly hash: string
  readonly created?: Date | undefined
}

/** Who hears how reading goes. */
export interface AppPasswordParts {
  /** `accounts.appPasswords`; a missing file holds none. */
  readonly file: string
  readonly log: { info (text: string): void, error (text: string): void }
}

/** The app passwords in force; read again when the file changes. */
export class AppPasswords {
  readonly #parts: AppPasswordParts
  #byHash: ReadonlyMap<string, AppPassword>
  #seen: string

  private constructor (parts: AppPasswordParts, passwords: readonly AppPassword[], seen: string) {
    this.#parts = parts
    this.#byHash = byHash(passwords)
    this.#seen = seen
  }

  /** @throws AccountsError when the file cannot be read or is wrong */
  static async open (parts: AppPasswordParts): Promise<AppPasswords> {
    const seen = await fingerprintOf(parts.file)
    return new AppPasswords(parts, await readAppPasswords(parts.file), seen)
  }

  /** How many there are. */
  get size (): number { return this.#byHash.size }

  /** The app password that somebody typed as hers; undefined when it is none of this user. */
  find (record: DirectoryRecord, typed: string): AppPassword | undefined {
    return this.byHash(record, hashOf(typed))
  }

  /** The same by its hash, as long as it is in force. */
  byHash (record: DirectoryRecord, hash: string): AppPassword | undefined {
    const found = this.#byHash.get(hash)
    if (found === undefined || record.type !== 'users') return undefined
    const isHers = found.guid === undefined ? found.user === record.name : guidKey(found.guid) === guidKey(record.guid)
    return isHers ? found : undefined
  }

  /** Reads the file again when it was changed. false: it is broken, which was logged; the old ones stay. */
  async refresh (): Promise<boolean> {
    const { file, log } = this.#parts
    const seen = await fingerprintOf(file)
    if (seen === this.#seen) return true
    this.#seen = seen
    try {
      this.#byHash = byHash(await readAppPasswords(file))
      log.info(`${file}: read again, ${this.#byHash.size} app passwords`)
      return true
    } catch (error) {
      log.error(`app passwords stay as they were: ${(error as Error).message}`)
      return false
    }
  }

  /** Calls `refresh` every so many seconds, without keeping the process alive. @returns stops it */
  watch (seconds: number): () => void {
    const timer = setInterval(() => void this.refresh(), seconds * 1000).unref()
    return () => clearInterval(timer)
  }
}

/** All app passwords of a file, in its order; none when there is no file. @throws AccountsError naming file, line and what was expected */
export async function readAppPasswords (file: string): Promise<AppPassword[]> {
  const text = await readText(file)
  try {
    const { value, entries } = readToml(text)
    const { passwords = [], ...others } = value
    const [other] = Object.keys(others)
    if (other !== undefined) throw new AccountsError(`${file}: no key is called ${other}, expected [[passwords]]`)
    if (!Array.isArray(passwords)) throw new AccountsError(`${file}: passwords: wrong, expected [[passwords]]`)
    const lines = entries.filter(({ kind, path }) => kind === 'table' && path[0] === 'passwords').map(({ line }) => line)
    return passwords.map((fields: unknown, at) => readOne(fields, lines[at] === undefined ? file : `${file}, line ${lines[at]}`))
  } catch (error) {
    if (!(error instanceof TomlFault)) throw error
    throw new AccountsError(`${file}, line ${error.line}: ${error.message}`, { cause: error })
  }
}

/**
 * Makes an app password and puts it into the file, which is made (mode 0600, with its directory) when it does not exist.
 * @returns the password, which is nowhere else
 * @throws AccountsError when the user has one of this name, or a name is none
 */
export async function addAppPassword (file: string, wanted: Omit<AppPassword, 'hash'>): Promise<string> {
  const problem = appNameProblem(wanted.name)
  if (problem !== undefined) throw new AccountsError(`the name ${JSON.stringify(wanted.name)} ${problem}`)
  const calendar = wanted.calendars?.find(name => nameProblem(name) !== undefined)
  if (calendar !== undefined) throw new AccountsError(`the calendar ${JSON.stringify(calendar)} ${nameProblem(calendar) ?? ''}; it has to be the name of a directory`)
  const made = makeAppPassword()
  await edit(file, passwords => {
    if (passwords.some(one => isNamed(one, wanted.user, wanted.name))) throw new AccountsError(`${file}: ${wanted.user} has an app password ${JSON.stringify(wanted.name)} already`)
    return [...passwords, { ...wanted, hash: hashOf(made) }]
  })
  return made
}

/** Takes an app password out of the file. @throws AccountsError when there is none of this name */
export async function revokeAppPassword (file: string, user: string, name: string): Promise<void> {
  await edit(file, passwords => {
    const left = passwords.filter(one => !isNamed(one, user, name))
    if (left.length < passwords.length) return left
    const has = passwords.filter(one => one.user === user).map(one => JSON.stringify(one.name))
    throw new AccountsError(`${file}: ${user} has no app password ${JSON.stringify(name)}` + (has.length === 0 ? '' : `, only ${has.join(', ')}`))
  })
}

/** Why an app password cannot be called so; undefined when it can. */
export function appNameProblem (name: string): string | undefined {
  if (name === '' || name !== name.trim()) return 'is empty, or begins or ends with a space'
  if (/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(name)) return 'has a control character'
  return [...name].length > 100 ? 'is longer than 100 letters' : undefined
}

/** Five groups of five letters and digits that are not mistaken for each other: 124 bits. */
export function makeAppPassword (): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
  return Array.from({ length: 5 }, () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')).join('-')
}

/** What is hashed: telephones put capitals at the beginning, people leave out the hyphens. */
function canonical (typed: string): string {
  return typed.toLowerCase().replace(/[\s-]/g, '')
}

function hashOf (typed: string): string {
  return 'sha256:' + createHash('sha256').update(canonical(typed)).digest('base64')
}

function byHash (passwords: readonly AppPassword[]): ReadonlyMap<string, AppPassword> {
  return new Map(passwords.map(one => [one.hash, one]))
}

function isNamed (one: AppPassword, user: string, name: string): boolean {
  return one.user === user && one.name === name
}

const keys = ['user', 'guid', 'name', 'hash', 'readOnly', 'calendars', 'created']

function readOne (fields: unknown, place: string): AppPassword {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields) || fields instanceof Date) throw new AccountsError(`${place}: wrong, expected [[passwords]]`)
  const given = new Map<string, unknown>(Object.entries(fields))
  const strange = [...given.keys()].find(key => !keys.includes(key))
  if (strange !== undefined) throw new AccountsError(`${place}: no key is called ${strange}, expected one of ${keys.join(', ')}`)
  const value = <T>(key: string, expected: string, isRight: (value: unknown) => value is T): T => {
    const found = given.get(key)
    if (isRight(found)) return found
    throw new AccountsError(`${place}: ${key}: wrong, expected ${expected}`)
  }
  const calendars = value('calendars', 'names of calendars: ["work"]', maybe(isTexts))
  const guid = value('guid', 'a text', maybe(isText))
  return {
    user: value('user', 'the short name of a user', isText),
    name: value('name', 'a text', isText),
    hash: value('hash', '"sha256:…" as `caldavd app-password add` writes it', isHash),
    // A slip in the limits must not widen them: every wrong value is an error
    readOnly: value('readOnly', 'true or false', maybe(isBoolean)) ?? false,
    ...guid === undefined ? {} : { guid },
    ...calendars === undefined ? {} : { calendars },
    created: value('created', 'a date and time', maybe((found): found is Date => found instanceof Date))
  }
}

const maybe = <T>(isRight: (value: unknown) => value is T) => (value: unknown): value is T | undefined => value === undefined || isRight(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && !/[\0-\x1f\x7f]/.test(value)
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isHash = (value: unknown): value is string => typeof value === 'string' && /^sha256:[A-Za-z0-9+/]{43}=$/.test(value)

const firstLines = [
  '# App passwords, as `caldavd app-password` writes them; comments are not kept. Whoever needs one gets a new one: none can be read here.',
  '# The server reads this file again when it changes.'
]

function textOf (passwords: readonly AppPassword[]): string {
  const tables = passwords.map(({ user, guid, name, hash, readOnly, calendars, created }) => [
    '[[passwords]]', `user = ${quote(user)}`, ...guid === undefined ? [] : [`guid = ${quote(guid)}`], `name = ${quote(name)}`, `hash = ${quote(hash)}`,
    ...readOnly ? ['readOnly = true'] : [], ...calendars === undefined ? [] : [`calendars = [${calendars.map(quote).join(', ')}]`],
    ...created === undefined ? [] : [`created = ${created.toISOString()}`]
  ])
  return [firstLines, ...tables].map(lines => lines.join('\n') + '\n').join('\n')
}

/** Reads, changes and replaces the file under its lock. */
async function edit (file: string, change: (passwords: AppPassword[]) => AppPassword[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await locked(file, async () => { await replace(file, textOf(change(await readAppPasswords(file)))) })
}
