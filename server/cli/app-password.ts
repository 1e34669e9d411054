import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../../conf/settings.js'
import { AccountsError } from '../directory/accounts.js'
import { addAppPassword, appNameProblem, readAppPasswords, revokeAppPassword, type AppPassword } from '../directory/app-password.js'
import { nameProblem, type DirectoryRecord } from '../directory/record.js'
import { Source } from '../directory/source.js'
import { ArgumentError, chooseCommand, parseArguments, type Usage } from './arguments.js'
import { say } from './print.js'
import { files, homeOf, printHelp, settingsFor, tell, type Io } from './user.js'

/** `caldavd app-password …`: passwords for single devices. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function appPassword (argv: readonly string[], io: Io): Promise<number> {
  try {
    const [word, ...rest] = argv
    if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
      (word === undefined ? io.stderr : io.stdout).write(overview())
      return word === undefined ? 2 : 0
    }
    return await chooseCommand('app-password', commands, word).run(rest, io)
  } catch (error) {
    return tell(error, io)
  }
}

const addUsage = {
  command: 'caldavd app-password add', operands: ['USER', 'NAME'],
  meaning: 'Makes a password for one device or program of a user and prints it, once. NAME says which: "Phone".',
  options: {
    'read-only': { kind: 'switch', meaning: 'it can read, and change nothing' },
    calendar: { kind: 'texts', value: 'NAME', meaning: 'it opens this calendar of the user only (the last part of its address)' },
    ...files
  }
} as const satisfies Usage

const listUsage = {
  command: 'caldavd app-password list', operands: ['[USER]'], meaning: 'Lists the app passwords of a user, or of all, without the passwords.',
  options: { json: { kind: 'switch', meaning: 'as JSON, one array' }, ...files }
} as const satisfies Usage

const revokeUsage = {
  command: 'caldavd app-password revoke', operands: ['USER', 'NAME'], meaning: 'Ends an app password. A running server knows within two seconds.',
  options: files
} as const satisfies Usage

const commands = {
  add: { usage: addUsage, run: add },
  list: { usage: listUsage, run: list },
  revoke: { usage: revokeUsage, run: revoke }
}

/** How each `app-password` command is called. */
export const appPasswordUsages: readonly Usage[] = Object.values(commands).map(({ usage }) => usage)

function overview (): string {
  const lines = Object.entries(commands).map(([word, { usage }]) => `  ${word.padEnd(8)} ${usage.meaning}`)
  return ['caldavd app-password COMMAND', '', ...lines, '', 'caldavd app-password COMMAND --help tells more.'].join('\n') + '\n'
}

async function add (argv: readonly string[], io: Io): Promise<number> {
  const { options, operands, help } = parseArguments(addUsage, argv)
  if (help) return printHelp(addUsage, io)
  const [user, name] = named(operands)
  const settings = settingsFor(options, io)
  const calendars = options.calendar.map(calendar => calendar.normalize('NFC'))
  for (const [what, problem] of [[name, appNameProblem(name)], ...calendars.map(calendar => [calendar, nameProblem(calendar)])]) {
    if (problem !== undefined) throw new ArgumentError(`the name ${JSON.stringify(what)} ${problem}`)
  }
  const record = await find(settings, user, io)
  const made = await addAppPassword(settings.accounts.appPasswords, {
    user: record.name, guid: record.guid, name, readOnly: options['read-only'], created: new Date(),
    ...calendars.length === 0 ? {} : { calendars }
  })
  io.stdout.write(`App password ${JSON.stringify(name)} of ${record.name}${limits({ readOnly: options['read-only'], calendars })}: ${made}\n` +
    'Type it where the program asks for the password; the user name stays the same. It is shown only now.\n')
  for (const calendar of calendars.filter(calendar => !existsSync(join(homeOf(settings, record.name), calendar)))) {
    io.stderr.write(`caldavd: ${record.name} has no calendar ${JSON.stringify(calendar)} yet\n`)
  }
  return 0
}

async function list (argv: readonly string[], io: Io): Promise<number> {
  const { options, operands: [user], help } = parseArguments(listUsage, argv)
  if (help) return printHelp(listUsage, io)
  const { accounts: { appPasswords } } = settingsFor(options, io)
  const all = await readAppPasswords(appPasswords)
  const found = all.filter(one => user === undefined || one.user === user.normalize('NFC'))
  io.stdout.write(options.json ? JSON.stringify(found.map(asJson), undefined, 2) + '\n' : asTable(found))
  return 0
}

async function revoke (argv: readonly string[], io: Io): Promise<number> {
  const { options, operands, help } = parseArguments(revokeUsage, argv)
  if (help) return printHelp(revokeUsage, io)
  const [user, name] = named(operands)
  const { accounts: { appPasswords } } = settingsFor(options, io)
  await revokeAppPassword(appPasswords, user, name)
  io.stdout.write(`Revoked the app password ${JSON.stringify(name)} of ${user}\n`)
  return 0
}

/** Terminals may compose letters differently; names are in normal form C. */
function named ([user = '', name = '']: readonly string[]): [string, string] {
  return [user.normalize('NFC'), name.normalize('NFC')]
}

/** The user of this name or alias, in the files or LDAP. @throws AccountsError when there is nobody */
async function find (settings: Settings, name: string, io: Io): Promise<DirectoryRecord> {
  const warn = (text: string) => { say(io, text) }
  const { directory } = await Source.open({ ...settings.accounts, realm: settings.authentication.realm, ldap: settings.ldap, log: { info: () => {}, warn, error: warn } })
  const found = directory.byName('users', name)
  if (found === undefined) throw new AccountsError(`${settings.accounts.file}: there is no user ${name}`)
  return found
}

function limits ({ readOnly, calendars = [] }: { readonly readOnly: boolean, readonly calendars?: readonly string[] | undefined }): string {
  const words = [...readOnly ? ['read-only'] : [], ...calendars.length > 0 ? [`calendars ${calendars.join(', ')} only`] : []]
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

function asJson ({ user, name, readOnly, calendars, created }: AppPassword) {
  return { user, name, readOnly, calendars, created: created?.toISOString() }
}

function asTable (found: readonly AppPassword[]): string {
  const rows = [['USER', 'MADE', 'NAME'], ...found.map(one => [one.user, one.created?.toISOString().slice(0, 10) ?? '', one.name + limits(one)])]
  const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(([user, made, name]) => `${user!.padEnd(widths[0]!)}  ${made!.padEnd(widths[1]!)}  ${name}\n`).join('')
}
