import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { PlistError, readPlistDict } from '../twistedcompat/plist.js'
import { SettingsError as TranslationError, translate } from '../twistedcompat/settings.js'
import { nearest } from './nearest.js'
import { rows, table, variable, type Row, type Settings } from './settings.js'
import { readToml, TomlFault } from './toml.js'

/** A setting that is unknown or wrong, or a settings file that cannot be read. The message names file, line, key and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Where settings come from, weakest first: defaults, file, environment, flags. */
export interface Origins {
  /** The file named on the command line; without it CALDAVD_CONFIG, then `<data>/conf/caldavd.toml` if there is one. */
  readonly file?: string | undefined
  /** process.env */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Dotted name → text: { 'server.port': '8009' }; undefined values are no flags. */
  readonly flags?: Readonly<Record<string, string | undefined>>
  /** Hears of settings that are understood nowhere in this server, from Apple's file or the environment. */
  readonly warn?: (text: string) => void
}

/** A value somebody wrote, not yet read: where it was, and from where its relative path counts. */
interface Written {
  readonly value: unknown
  readonly where: string
  readonly base: string
}

/**
 * The settings in force, frozen. Relative paths count from the file that names them, or from the working directory
 * when they come from environment or flags.
 * @throws SettingsError when a key is unknown, a value wrong or the file unreadable
 */
export function loadSettings (origins: Origins): Settings {
  const outside = new Map([...fromEnvironment(origins), ...fromFlags(origins)])
  const file = settingsFile(origins)
  const written = new Map(file === undefined ? [] : fromFile(file, origins.warn ?? (() => {})))
  for (const [name, value] of outside) written.set(name, value)
  return freeze(written, origins)
}

/** The settings file that `loadSettings` would read, absolute; undefined when there is none. */
export function settingsFile (origins: Origins): string | undefined {
  const named = origins.file ?? origins.environment['CALDAVD_CONFIG']
  if (named !== undefined && named !== '') return resolve(atHome(named, origins))
  const outside = new Map([...fromEnvironment({ ...origins, warn: () => {} }), ...fromFlags(origins)])
  const usual = join(dataDirectory(outside, origins), 'conf', 'caldavd.toml')
  return existsSync(usual) ? usual : undefined
}

function freeze (written: ReadonlyMap<string, Written>, origins: Origins): Settings {
  const data = dataDirectory(written, origins)
  const settings: Record<string, Record<string, unknown>> = {}
  for (const [name, row] of rows) {
    const [group, key] = name.split('.') as [string, string]
    const value = read(name, row, written.get(name))
    const base = written.get(name)?.base ?? data
    settings[group] ??= {}
    settings[group][key] = row.isPath && typeof value === 'string' ? absolute(name === 'data.directory' ? data : value, base, data, origins) : value
  }
  for (const group of Object.values(settings)) Object.freeze(group)
  return Object.freeze(settings) as Settings
}

function read (name: string, row: Row<unknown>, written: Written | undefined): unknown {
  if (written === undefined) return row.written === undefined ? undefined : row.read(row.written)
  const value = row.read(written.value)
  if (value === undefined) throw new SettingsError(`${written.where}: ${name}: expected ${row.expects}, got ${row.isSecret ? 'something else' : shown(written.value)}`)
  return value
}

function dataDirectory (written: ReadonlyMap<string, Written>, origins: Origins): string {
  const given = written.get('data.directory')
  const row = table.data.directory
  const value = read('data.directory', row, given) as string
  if (value.startsWith('<data>')) throw new SettingsError(`${given?.where}: data.directory: expected a path, not <data> itself`)
  return resolve(given?.base ?? '.', atHome(value, origins))
}

function absolute (value: string, base: string, data: string, origins: Origins): string {
  if (value === '-' || value === '') return value
  if (value === '<data>' || value.startsWith('<data>/')) return join(data, value.slice('<data>'.length))
  return resolve(base, atHome(value, origins))
}

function atHome (path: string, { environment }: Origins): string {
  return path === '~' || path.startsWith('~/') ? join(environment['HOME'] || homedir(), path.slice(1)) : path
}

function fromFlags ({ flags }: Origins): [string, Written][] {
  return Object.entries(flags ?? {}).flatMap(([name, value]): [string, Written][] => {
    if (value === undefined) return []
    if (!rows.has(name)) throw new SettingsError(`command line: ${unknown(name)}`)
    return [[name, { value, where: 'command line', base: process.cwd() }]]
  })
}

function fromEnvironment ({ environment, warn }: Origins): [string, Written][] {
  const names = new Map([...rows.keys()].map(name => [variable(name), name]))
  return Object.entries(environment).flatMap(([key, value]): [string, Written][] => {
    if (!key.startsWith('CALDAVD_') || key === 'CALDAVD_CONFIG' || value === undefined) return []
    const name = names.get(key)
    if (name !== undefined) return [[name, { value, where: `environment ${key}`, base: process.cwd() }]]
    const near = nearest(key, names.keys())
    const complaint = `environment: no setting is called ${key}` + (near === undefined ? '' : `; did you mean ${near}?`)
    // Our group, so surely meant for us; another name may belong to a script around us
    if (Object.keys(table).some(group => key.startsWith(`CALDAVD_${group.toUpperCase()}_`))) throw new SettingsError(complaint)
    warn?.(complaint)
    return []
  })
}

function fromFile (file: string, warn: (text: string) => void): [string, Written][] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (/\.plist$/i.test(file) || /^\uFEFF?\s*</.test(text)) return fromPlist(file, text, warn)
  return /\.json$/i.test(file) || /^\uFEFF?\s*\{/.test(text) ? fromJson(file, text) : fromToml(file, text)
}

function fromPlist (file: string, text: string, warn: (text: string) => void): [string, Written][] {
  try {
    const { settings, ignored } = translate(readPlistDict(text))
    const strange = Object.keys(settings).filter(name => !rows.has(name))
    // One line each: a file of the later generations has eighty of them
    if (ignored.length > 0) warn(`${file}: no effect here: ${ignored.join(', ')}`)
    if (strange.length > 0) warn(`${file}: no effect yet: what would be called ${strange.join(', ')} here`)
    return Object.entries(settings).filter(([name]) => rows.has(name))
      .map(([name, value]): [string, Written] => [name, { value, where: file, base: dirname(file) }])
  } catch (error) {
    if (!(error instanceof PlistError || error instanceof TranslationError)) throw error
    throw new SettingsError(`${file}${error.message.startsWith('line ') ? ', ' : ': '}${error.message}`, { cause: error })
  }
}

function fromToml (file: string, text: string): [string, Written][] {
  try {
    const toml = readToml(text)
    return fromGroups(file, toml.value, toml.lineOf)
  } catch (error) {
    if (!(error instanceof TomlFault)) throw error
    throw new SettingsError(`${file}, line ${error.line}: ${error.message}`, { cause: error })
  }
}

function fromJson (file: string, text: string): [string, Written][] {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    if (!isTable(value)) throw new SettingsError(`${file}: expected an object of groups like { "server": { "port": 8008 } }`)
    return fromGroups(file, value, (...path) => lineOfJson(text, path))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const position = /position (\d+)/.exec(error.message)?.[1]
    const line = text.slice(0, position === undefined ? text.length : Number(position)).split('\n').length
    throw new SettingsError(`${file}, line ${line}: not valid JSON: ${error.message}`, { cause: error })
  }
}

/** Line of a key in JSON: the first `"key":` after its group. Good enough for an error text. */
function lineOfJson (text: string, path: readonly string[]): number | undefined {
  let depth = 0
  for (const { 0: found, 1: key, index } of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:/g)) {
    if (key !== JSON.stringify(path[depth])) continue
    if (++depth === path.length) return text.slice(0, index + found.length).split('\n').length
  }
  return undefined
}

function fromGroups (file: string, groups: Readonly<Record<string, unknown>>, lineOf: (...path: string[]) => number | undefined): [string, Written][] {
  const where = (...path: string[]) => {
    const line = lineOf(...path)
    return line === undefined ? file : `${file}, line ${line}`
  }
  return Object.entries(groups).flatMap(([group, names]) => {
    if (!Object.hasOwn(table, group)) throw new SettingsError(`${where(group)}: ${unknownGroup(group)}`)
    if (!isTable(names)) throw new SettingsError(`${where(group)}: ${group}: expected a group of settings like [${group}], got ${shown(names)}`)
    return Object.entries(names).map(([key, value]): [string, Written] => {
      const name = `${group}.${key}`
      if (!rows.has(name)) throw new SettingsError(`${where(group, key)}: ${unknown(name)}`)
      return [name, { value, where: where(group, key), base: dirname(file) }]
    })
  })
}

function unknown (name: string): string {
  const near = nearest(name, rows.keys()) ?? [...rows.keys()].find(other => other.split('.')[1] === name.split('.')[1])
  return `no setting is called ${name}` + (near === undefined ? '' : `; did you mean ${near}?`)
}

function unknownGroup (group: string): string {
  const near = nearest(group, Object.keys(table)) ?? [...rows.keys()].find(name => name.split('.')[1] === group)
  return `no group is called ${group}` + (near === undefined ? `; there are ${Object.keys(table).join(', ')}` : `; did you mean ${near}?`)
}

function isTable (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

function shown (value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? text.slice(0, 57) + '…' : text
}
