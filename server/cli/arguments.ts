import { parseArgs } from 'node:util'
import { nearest } from '../../conf/nearest.js'

/** One option: --port NUMBER, -q; 'texts' may be given several times. */
export interface Option {
  readonly kind: 'text' | 'texts' | 'switch'
  readonly meaning: string
  /** What stands for the value in the help: 'DIR'. */
  readonly value?: string
  /** One letter. */
  readonly short?: string
}

/** What a command understands. --help and -h come by themselves. */
export interface Usage<Options extends Readonly<Record<string, Option>> = Readonly<Record<string, Option>>> {
  /** As typed: 'caldavd user add'. */
  readonly command: string
  readonly meaning: string
  /** In order: 'NAME' must be there, '[DIR]' may be; one may be many: 'FILE…' (at least one), '[PATH…]'. */
  readonly operands?: readonly string[]
  readonly options: Options
}

/** The command line was wrong; the message is for the person who typed it. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** A command line that was understood; without `help` all demanded operands are there. */
export interface Arguments<Options extends Readonly<Record<string, Option>>> {
  readonly options: {
    readonly [Name in keyof Options]: Options[Name]['kind'] extends 'texts' ? readonly string[]
      : Options[Name]['kind'] extends 'switch' ? boolean : string | undefined
  }
  readonly operands: readonly string[]
  readonly help: boolean
}

/** The options that stand for settings, for every command that needs some of them. */
export const settingOptions = {
  data: { kind: 'text', value: 'DIR', meaning: 'the data directory (~/.local/share/caldavd)' },
  port: { kind: 'text', short: 'p', value: 'NUMBER', meaning: 'TCP port (8008); 0 takes any free port' },
  bind: { kind: 'text', value: 'ADDRESS', meaning: 'address to listen on (127.0.0.1)' },
  config: { kind: 'text', short: 'c', value: 'FILE', meaning: "settings: TOML, JSON, or Apple's caldavd.plist (<data>/conf/caldavd.toml)" },
  accounts: { kind: 'text', value: 'FILE', meaning: "accounts: TOML, or Apple's accounts.xml (<data>/conf/accounts.toml)" }
} as const satisfies Record<string, Option>

/** The flags for `loadSettings` from the options above. */
export function settingFlags (options: { readonly [Name in keyof typeof settingOptions]?: string | undefined }): Record<string, string | undefined> {
  return { 'data.directory': options.data, 'server.port': options.port, 'server.bind': options.bind, 'accounts.file': options.accounts }
}

/** @throws ArgumentError for an unknown option, a missing value or the wrong number of operands */
export function parseArguments<Options extends Readonly<Record<string, Option>>> (usage: Usage<Options>, argv: readonly string[]): Arguments<Options> {
  const { tokens } = parseArgs({ args: [...argv], strict: false, tokens: true, options: forNode(usage) })
  const values: Record<string, unknown> = Object.fromEntries(Object.entries(usage.options).map(([name, { kind }]) =>
    [name, kind === 'texts' ? [] : kind === 'switch' ? false : undefined]))
  const operands: string[] = []
  let help = false
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    if (token.name === 'help') help = true
    else set(usage, values, token)
  }
  if (!help) checkOperands(usage, operands)
  return { options: values as Arguments<Options>['options'], operands, help }
}

/** What --help prints. */
export function helpText (usage: Usage): string {
  const rows = [...Object.entries(usage.options), ['help', helpOption] as const].map(([name, option]) => [
    `  ${option.short === undefined ? '    ' : `-${option.short}, `}--${name}${option.kind === 'switch' ? '' : ' ' + placeholder(option)}`,
    option.meaning + (option.kind === 'texts' ? '; may be repeated' : '')
  ] as const)
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return [
    `${synopsis(usage)}`, '', usage.meaning, '', ...rows.map(([left, right]) => left.padEnd(width) + right)
  ].join('\n') + '\n'
}

/** Which of several commands is meant: `words[argv[0]]`. @throws ArgumentError naming the nearest, or all */
export function chooseCommand<T> (command: string, words: Readonly<Record<string, T>>, word: string | undefined): T {
  if (word !== undefined && Object.hasOwn(words, word)) return words[word] as T
  const all = Object.keys(words)
  if (word === undefined) throw new ArgumentError(`${command}: expected one of ${all.join(', ')}`)
  const near = nearest(word, all)
  throw new ArgumentError(`unknown command ${command} ${word}, ` + (near === undefined ? `expected one of ${all.join(', ')}` : `did you mean ${near}?`))
}

const helpOption: Option = { kind: 'switch', short: 'h', meaning: 'this text' }

interface OptionToken { readonly name: string, readonly rawName: string, readonly value?: string | undefined, readonly inlineValue?: boolean | undefined }

function set (usage: Usage, values: Record<string, unknown>, token: OptionToken): void {
  const option = Object.hasOwn(usage.options, token.name) ? usage.options[token.name] : undefined
  if (option === undefined) throw new ArgumentError(`unknown option ${token.rawName}, ${suggestion(usage, token)}`)
  if (option.kind === 'switch') {
    if (token.inlineValue) throw new ArgumentError(`${token.rawName} takes no value`)
    values[token.name] = true
    return
  }
  // `--data --port 1`: the value was forgotten; a value that does begin with a dash is written --data=-x
  const isForgotten = token.value === undefined || !token.inlineValue && /^-./.test(token.value)
  if (isForgotten) throw new ArgumentError(`${token.rawName} needs a value: --${token.name} ${placeholder(option)}`)
  if (option.kind === 'texts') (values[token.name] as string[]).push(token.value!)
  else if (values[token.name] !== undefined) throw new ArgumentError(`--${token.name} is given twice`)
  else values[token.name] = token.value
}

function suggestion (usage: Usage, { name, rawName }: OptionToken): string {
  const near = rawName.startsWith('--') ? nearest(name, [...Object.keys(usage.options), 'help']) : undefined
  return near === undefined ? `see ${usage.command} --help` : `did you mean --${near}?`
}

function checkOperands (usage: Usage, operands: readonly string[]): void {
  const expected = usage.operands ?? []
  const missing = expected[operands.length]
  if (missing !== undefined && !missing.startsWith('[')) throw new ArgumentError(`${missing} is missing: ${synopsis(usage)}`)
  const extra = operands[expected.length]
  if (extra !== undefined && !expected.some(one => one.includes('…'))) throw new ArgumentError(`${JSON.stringify(extra)} is one word too many: ${synopsis(usage)}`)
}

/** How a command is called, in one line: 'caldavd access CALENDAR [options]'. */
export function synopsis ({ command, operands = [] }: Usage): string {
  return [command, ...operands, '[options]'].join(' ')
}

function placeholder ({ value }: Option): string {
  return value ?? 'TEXT'
}

function forNode (usage: Usage): Record<string, { type: 'string' | 'boolean', short?: string, multiple?: boolean }> {
  return Object.fromEntries([...Object.entries(usage.options), ['help', helpOption] as const].map(([name, { kind, short }]) =>
    [name, { type: kind === 'switch' ? 'boolean' as const : 'string' as const, multiple: kind === 'texts', ...short === undefined ? {} : { short } }]))
}
