import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quote, quoteKey, readToml, TomlFault, type Toml } from '../../conf/toml.js'
import { AccountsError } from './accounts.js'
import type { Delegations, Directory, Half } from './directory.js'
import { guidKey, recordTypes, type DirectoryRecord } from './record.js'
import { fingerprintOf, locked, readText, replace } from './small-file.js'

/** What the file of proxies needs around it. */
export interface DelegatesParts {
  /** Need not exist: nobody has chosen proxies then. */
  readonly file: string
  /** Is told what holds. */
  readonly directory: Directory
  readonly log: { info (text: string): void, warn (text: string): void, error (text: string): void }
}

type Halves = Partial<Record<Half, readonly string[]>>

const halves: readonly Half[] = ['write', 'read']

/**
 * The proxies that people have chosen (PROPPATCH of DAV:group-member-set), in a TOML file that may be changed by hand too:
 * tables [users.alice] with write = ["users/bob"] and read = ["groups/staff"].
 */
export class Delegates {
  readonly #parts: DelegatesParts
  readonly #warned = new Set<string>()
  #seen: string

  private constructor (parts: DelegatesParts, seen: string) {
    this.#parts = parts
    this.#seen = seen
  }

  /** @throws AccountsError when the file is wrong */
  static async open (parts: DelegatesParts): Promise<Delegates> {
    const delegates = new Delegates(parts, await fingerprintOf(parts.file))
    delegates.#tell(await readText(parts.file))
    return delegates
  }

  /** Reads the file again if it was changed since. false: it is broken, which was logged; what held before stays. */
  async refresh (): Promise<boolean> {
    const { file, log } = this.#parts
    const seen = await fingerprintOf(file)
    if (seen === this.#seen) return true
    this.#seen = seen
    try {
      this.#tell(await readText(file))
      log.info(`${file}: read again`)
      return true
    } catch (error) {
      log.error(`proxies stay as they were: ${(error as Error).message}`)
      return false
    }
  }

  /** Calls `refresh` every so many seconds, without keeping the process alive. @returns stops it */
  watch (seconds: number): () => void {
    const timer = setInterval(() => void this.refresh(), seconds * 1000).unref()
    return () => clearInterval(timer)
  }

  /**
   * Who may act for a record from now on, read or write; the other half stays. Written before it holds.
   * @throws AccountsError when the file is broken or held by another process; errors of the system
   */
  async set (record: DirectoryRecord, half: Half, members: readonly DirectoryRecord[]): Promise<void> {
    const { file, directory } = this.#parts
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await locked(file, async () => {
      const text = await readText(file)
      const before = delegationsIn(text, file)
      const key = [...before.keys()].findLast(one => sameRecord(directory.byReference(one), record)) ?? referenceOf(record)
      const names = [...new Set(members.map(referenceOf))]
      const after: Delegations = new Map([...before, [key, { ...before.get(key), [half]: names }]])
      const edited = editedText(text, key, half, names)
      // Changed by lines, to keep what people wrote around them; a file in another form is written anew
      const next = edited !== undefined && says(edited, after) ? edited : wholeText(after)
      await replace(file, next)
      this.#seen = await fingerprintOf(file)
      this.#tell(next)
    })
  }

  #tell (text: string): void {
    const { file, directory, log } = this.#parts
    const delegations = delegationsIn(text, file)
    const named = [...delegations].flatMap(([key, { read = [], write = [] }]) => [key, ...read, ...write])
    for (const name of named) {
      if (this.#warned.has(name) || directory.byReference(name) !== undefined) continue
      this.#warned.add(name)
      log.warn(`${file}: nobody is called ${JSON.stringify(name)}; passed over`)
    }
    directory.delegate(delegations)
  }
}

function sameRecord (one: DirectoryRecord | undefined, other: DirectoryRecord): boolean {
  return one !== undefined && guidKey(one.guid) === guidKey(other.guid)
}

function referenceOf ({ type, name }: DirectoryRecord): string {
  return `${type}/${name}`
}

/** @throws AccountsError naming file, line and what was expected */
function delegationsIn (text: string, file: string): Delegations {
  const toml = parse(text, file)
  const fault = (path: readonly string[], what: string): AccountsError => new AccountsError(`${file}, line ${toml.lineOf(...path) ?? 1}: ${path.join('.')}: ${what}`)
  const found = new Map<string, Halves>()
  for (const [type, names] of Object.entries(toml.value)) {
    if (!recordTypes.some(one => one === type) || !isTable(names)) throw fault([type], 'wrong, expected tables like [users.alice]')
    for (const [name, fields] of Object.entries(names)) {
      if (!isTable(fields)) throw fault([type, name], `wrong, expected a table like [${type}.${quoteKey(name)}]`)
      for (const [key, value] of Object.entries(fields)) {
        if (!halves.some(half => half === key)) throw fault([type, name, key], 'no such key, expected write or read')
        if (!isNames(value)) throw fault([type, name, key], 'wrong, expected accounts like ["users/bob", "groups/staff"]')
      }
      found.set(`${type}/${name}`, fields as Halves)
    }
  }
  return found
}

function parse (text: string, file: string): Toml {
  try {
    return readToml(text)
  } catch (error) {
    if (!(error instanceof TomlFault)) throw error
    throw new AccountsError(`${file}, line ${error.line}: ${error.message}`, { cause: error })
  }
}

function editedText (text: string, key: string, half: Half, names: readonly string[]): string | undefined {
  const line = lineOf(half, names)
  const lines = text.replaceAll('\r\n', '\n').trimEnd().split('\n')
  const [type = '', name = ''] = parts(key)
  const mine = readToml(lines.join('\n')).entries.filter(({ path }) => path[0] === type && path[1] === name)
  const [header] = mine
  if (header === undefined) return [text.trim() === '' ? firstLines : lines.join('\n'), '', headerOf(key), line, ''].join('\n')
  if (header.kind !== 'table' || header.path.length !== 2) return undefined
  const old = mine.find(({ path }) => path[2] === half)
  if (old === undefined) lines.splice(header.line, 0, line)
  else lines.splice(old.line - 1, old.lastLine - old.line + 1, line)
  return `${lines.join('\n')}\n`
}

function wholeText (delegations: Delegations): string {
  const tables = [...delegations].map(([key, fields]) => [headerOf(key), ...halves.flatMap(half => {
    const names = fields[half]
    return names === undefined ? [] : [lineOf(half, names)]
  }), ''].join('\n'))
  return [firstLines, '', ...tables].join('\n')
}

function headerOf (key: string): string {
  return `[${parts(key).map(quoteKey).join('.')}]`
}

function parts (key: string): [type: string, name: string] {
  const slash = key.indexOf('/')
  return [key.slice(0, slash), key.slice(slash + 1)]
}

function lineOf (half: Half, names: readonly string[]): string {
  return `${half} = [${names.map(quote).join(', ')}]`
}

const firstLines = [
  '# Who may act for whom: write = may change everything, read = may only look. Calendar programs change this file, and',
  '# you may: the server reads it again. What stands here counts instead of proxies and readProxies in the accounts.'
].join('\n')

function says (text: string, expected: Delegations): boolean {
  let found: Delegations
  try {
    found = delegationsIn(text, '')
  } catch {
    return false
  }
  return found.size === expected.size && [...expected].every(([key, fields]) => halves.every(half =>
    JSON.stringify(found.get(key)?.[half]) === JSON.stringify(fields[half])))
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
const isNames = (value: unknown): value is string[] => Array.isArray(value) && value.every(one => typeof one === 'string' && one !== '')
