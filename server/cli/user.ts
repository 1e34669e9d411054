import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings, SettingsError } from '../../conf/load.js'
import type { Settings } from '../../conf/settings.js'
import { readAccounts } from '../directory/account-files.js'
import { AccountsError } from '../directory/accounts.js'
import { addUser, removeUser, setPassword } from '../directory/edit.js'
import { makePassword } from '../directory/password.js'
import { nameProblem, type Account } from '../directory/record.js'
import { ArgumentError, chooseCommand, helpText, parseArguments, settingFlags, settingOptions, type Option, type Usage } from './arguments.js'
import { say } from './print.js'
import { askHidden, readLine, type Streams } from './prompt.js'

/** What a command is given instead of `process`. */
export interface Io extends Streams {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The clock, in ms since 1970; that of the machine when it is left out. */
  readonly now?: () => number
}

/** `caldavd user …`: changes and lists the accounts. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function user (argv: readonly string[], io: Io): Promise<number> {
  try {
    const [word, ...rest] = argv
    if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
      (word === undefined ? io.stderr : io.stdout).write(overview())
      return word === undefined ? 2 : 0
    }
    return await chooseCommand('user', commands, word).run(rest, io)
  } catch (error) {
    return tell(error, io)
  }
}

/** Says in one line what went wrong, when it is no fault of ours. @returns the exit code */
export function tell (error: unknown, io: Io): number {
  const isExpected = error instanceof AccountsError || error instanceof SettingsError || error instanceof ArgumentError || isSystemError(error)
  if (!isExpected) throw error
  say(io, error.message)
  return error instanceof ArgumentError ? 2 : 1
}

/** The options that say where the accounts are. */
export const files = { data: settingOptions.data, config: settingOptions.config, accounts: settingOptions.accounts } as const
const passwordStdin = { kind: 'switch', meaning: 'take the password from the first line of standard input' } as const satisfies Option

const addUsage = {
  command: 'caldavd user add', operands: ['NAME'],
  meaning: 'Adds a user. Asks for a password on a terminal; makes and prints one when none is given.',
  options: {
    'full-name': { kind: 'text', value: 'TEXT', meaning: 'as others see it: "Alice Example"' },
    email: { kind: 'texts', value: 'ADDRESS', meaning: 'mail address by which she is invited' },
    'password-stdin': passwordStdin, ...files
  }
} as const satisfies Usage

const passwdUsage = {
  command: 'caldavd user passwd', operands: ['NAME'],
  meaning: 'Changes a password. Asks for it on a terminal; makes and prints one when none is given.',
  options: { 'password-stdin': passwordStdin, ...files }
} as const satisfies Usage

const listUsage = {
  command: 'caldavd user list', meaning: 'Lists the users.',
  options: { json: { kind: 'switch', meaning: 'as JSON, one array' }, ...files }
} as const satisfies Usage

const removeUsage = {
  command: 'caldavd user remove', operands: ['NAME'],
  meaning: 'Takes a user out of the accounts. The calendars stay where they are.',
  options: files
} as const satisfies Usage

const commands = {
  add: { usage: addUsage, run: add },
  passwd: { usage: passwdUsage, run: passwd },
  list: { usage: listUsage, run: list },
  remove: { usage: removeUsage, run: remove }
}

/** How each `user` command is called. */
export const userUsages: readonly Usage[] = Object.values(commands).map(({ usage }) => usage)

function overview (): string {
  const lines = Object.entries(commands).map(([word, { usage }]) => `  ${word.padEnd(8)} ${usage.meaning}`)
  return ['caldavd user COMMAND', '', ...lines, '', 'caldavd user COMMAND --help tells more.'].join('\n') + '\n'
}

async function add (argv: readonly string[], io: Io): Promise<number> {
  const { options, name, help } = parseNamed(addUsage, argv)
  if (help) return printHelp(addUsage, io)
  const settings = settingsFor(options, io)
  // Before a password is asked for
  const problem = nameProblem(name)
  if (problem !== undefined) throw new ArgumentError(`the name ${JSON.stringify(name)} ${problem}; it has to be the name of a directory`)
  const wrong = options.email.find(email => !/^[^\s@:]+@[^\s@]+$/.test(email))
  if (wrong !== undefined) throw new ArgumentError(`--email ${wrong}: expected an address like alice@example.org`)
  const password = await choosePassword(options['password-stdin'], io)
  if (password === undefined) return 1
  await addUser(settings.accounts.file, { name, fullName: options['full-name'], emails: options.email, password: password.text })
  io.stdout.write(`Added ${name} to ${settings.accounts.file}\n`)
  if (password.isMade) io.stdout.write(`Password: ${password.text}\n`)
  const home = homeOf(settings, name)
  if (existsSync(home)) io.stdout.write(`Calendars of that name are there already and now belong to ${name}: ${home}\n`)
  return 0
}

async function passwd (argv: readonly string[], io: Io): Promise<number> {
  const { options, name, help } = parseNamed(passwdUsage, argv)
  if (help) return printHelp(passwdUsage, io)
  const { accounts: { file } } = settingsFor(options, io)
  const password = await choosePassword(options['password-stdin'], io)
  if (password === undefined) return 1
  await setPassword(file, name, password.text)
  io.stdout.write(`Changed the password of ${name} in ${file}\n`)
  if (password.isMade) io.stdout.write(`Password: ${password.text}\n`)
  return 0
}

async function list (argv: readonly string[], io: Io): Promise<number> {
  const { options, help } = parseArguments(listUsage, argv)
  if (help) return printHelp(listUsage, io)
  const warn = (text: string) => { say(io, text) }
  const { accounts } = settingsFor(options, io)
  const found = await readAccounts({ ...accounts, log: { info: () => {}, warn, error: warn } })
  const users = found.filter(({ record }) => record.type === 'users')
  io.stdout.write(options.json ? JSON.stringify(users.map(asJson), undefined, 2) + '\n' : asTable(users))
  return 0
}

async function remove (argv: readonly string[], io: Io): Promise<number> {
  const { options, name, help } = parseNamed(removeUsage, argv)
  if (help) return printHelp(removeUsage, io)
  const settings = settingsFor(options, io)
  const named = await removeUser(settings.accounts.file, name)
  io.stdout.write(`Removed ${name} from ${settings.accounts.file}\n`)
  if (named.length > 0) io.stdout.write(`Still named in ${named.join(', ')}, where it no longer means anybody\n`)
  const home = homeOf(settings, name)
  if (existsSync(home)) io.stdout.write(`The calendars stay in ${home}\n`)
  return 0
}

/** Terminals may compose letters differently; names are in normal form C. */
function parseNamed<Options extends Readonly<Record<string, Option>>> (usage: Usage<Options>, argv: readonly string[]) {
  const { options, operands: [name = ''], help } = parseArguments(usage, argv)
  return { options, name: name.normalize('NFC'), help }
}

/** What --help prints. @returns the exit code */
export function printHelp (usage: Usage, { stdout }: Io): number {
  stdout.write(helpText(usage))
  return 0
}

/** The settings that a command on accounts works with. @throws SettingsError */
export function settingsFor (options: { readonly [Name in keyof typeof files]?: string | undefined }, io: Io): Settings {
  const warn = (text: string) => { say(io, text) }
  return loadSettings({ file: options.config, environment: io.environment, flags: settingFlags(options), warn })
}

/** Absolute path of the home of a user, which need not be there. */
export function homeOf ({ data }: Settings, name: string): string {
  return join(data.documents, 'calendars', 'users', name)
}

interface Password { readonly text: string, readonly isMade: boolean }

/** From standard input, from the terminal (twice), or made; undefined when it was broken off, which has been said. */
async function choosePassword (fromStdin: boolean, io: Io): Promise<Password | undefined> {
  if (fromStdin) {
    const text = await readLine(io)
    if (text !== '') return { text, isMade: false }
    throw new ArgumentError('--password-stdin: expected a password on the first line of standard input')
  }
  if (io.stdin.isTTY !== true) return { text: makePassword(), isMade: true }
  const first = await askHidden('Password (empty: make one): ', io)
  if (first === '') return { text: makePassword(), isMade: true }
  const second = first === undefined ? undefined : await askHidden('Once more: ', io)
  if (first !== undefined && first === second) return { text: first, isMade: false }
  io.stderr.write(second === undefined ? 'Nothing was changed\n' : 'These were two different passwords; nothing was changed\n')
  return undefined
}

function asJson ({ record, password }: Account) {
  const { name, guid, fullName, emails, aliases } = record
  return { name, guid, fullName, emails, aliases, canLogin: password !== undefined && password !== 'plain:' }
}

function asTable (users: readonly Account[]): string {
  const rows = [['NAME', 'FULL NAME', 'MAIL'], ...users.map(({ record, password }) =>
    [record.name, record.fullName, record.emails.join(' ') + (password === undefined ? ' (no password)' : '')])]
  const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(([name, full, mail]) => `${name!.padEnd(widths[0]!)}  ${full!.padEnd(widths[1]!)}  ${mail}`.trimEnd() + '\n').join('')
}

function isSystemError (error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
