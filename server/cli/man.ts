import { parseArguments, settingOptions, synopsis, type Option, type Usage } from './arguments.js'
import type { Commands } from './command.js'
import { print } from './print.js'
import { printHelp, type Io } from './user.js'

/** How `man` is called. */
export const manUsage = {
  command: 'caldavd man', meaning: 'Prints the manual page: caldavd man | man -l -  or  caldavd man > /usr/local/share/man/man1/caldavd.1', options: {}
} as const satisfies Usage

/** `caldavd man`, made from the table of commands. @returns the exit code */
export async function man (argv: readonly string[], io: Io, commands: Commands): Promise<number> {
  if (parseArguments(manUsage, argv).help) return printHelp(manUsage, io)
  await print(io, page(commands))
  return 0
}

/** What people type, and why. Each is a command line of the table. */
export const examples: readonly (readonly [why: string, words: readonly string[]])[] = [
  ['Start the server.', ['serve']],
  ['Add a person.', ['user', 'add', 'alice', '--email', 'alice@example.org']],
  ['What happens in the next two weeks?', ['agenda', '--days', '14', 'alice']],
  ['Add an event in plain words.', ['add', 'alice/work', 'Lunch with Bob tomorrow 12:00-13:00', '--alarm', '15m']],
  ['Where was that?', ['find', 'dentist', '--in', 'alice']],
  ['Bring a calendar over from somewhere else.', ['import', 'big.ics', '--into', 'alice/work', '--create']],
  ['Give a calendar away as one file.', ['export', 'alice/work', '-o', 'work.ics']],
  ['Let somebody read a calendar.', ['access', 'alice/work', '--grant', 'bob=read']],
  ['Remove an event.', ['rm', 'alice/work/lunch.ics']]
]

/** Options that many commands take are told once. */
const common: Readonly<Record<string, Option>> = settingOptions

function page (commands: Commands): string {
  const sections: readonly (readonly [string, string])[] = [
    ['NAME', 'caldavd \\- a CalDAV server whose calendars are directories and whose events are files\n'],
    ['SYNOPSIS', '.B caldavd\n.I COMMAND\n.RI [ WORD... ]\n.RI [ options ]\n'],
    ['DESCRIPTION', paragraphs('The server keeps each calendar as a directory and each event as an .ics file, which may be read, edited, copied and removed by any program.\n\n' +
      'PATH names a home (alice), a calendar (alice/work) or an event (alice/work/lunch.ics); what belongs to nobody lies in public, what belongs to groups and rooms in groups/NAME, locations/NAME and resources/NAME. ' +
      'Commands work on the files directly, whether the server runs or not; it sees at once what they do.')],
    ['COMMANDS', Object.entries(commands).map(([name, { usages, meaning }]) => usages.length === 0 ? `.SS "caldavd ${escape(name)}"\n${paragraphs(meaning)}` : usages.map(usageText).join('')).join('')],
    ['COMMON OPTIONS', paragraphs('Of the commands that work on the data directory; "caldavd COMMAND --help" says which takes which.') + Object.entries(common).map(optionText).join('')],
    ['EXIT STATUS', list([['0', 'done'], ['1', 'failed, or not all of it could be done; of doctor: there are findings'], ['2', 'the command line was wrong; of doctor: it could not run']])],
    ['ENVIRONMENT', list([
      ['CALDAVD_*', 'settings: CALDAVD_DATA_DIRECTORY for data.directory, and so on'],
      ['TZ', 'the time zone in which times are shown and read'],
      ['NO_COLOR', 'when it is not empty, nothing is coloured (nothing is unless on a terminal)']
    ])],
    ['FILES', list([
      ['~/.local/share/caldavd', 'the data directory, unless --data or the settings name another one'],
      ['documents/calendars/users/alice/work/', 'a calendar in it'],
      ['conf/caldavd.toml', 'the settings'], ['conf/accounts.toml', 'the accounts'],
      ['history/', 'what was overwritten or removed'], ['state/', 'indexes, which are made anew when they are not there']
    ])],
    ['EXAMPLES', examples.map(([why, words]) => `.PP\n${escape(why)}\n.PP\n.RS 4\n.EX\n${escape(['caldavd', ...words.map(quoted)].join(' '))}\n.EE\n.RE\n`).join('')]
  ]
  return `.\\" made by "caldavd man" from its table of commands\n.TH CALDAVD 1 "" caldavd "User Commands"\n${sections.map(([title, text]) => `.SH "${title}"\n${text}`).join('')}`
}

function quoted (word: string): string {
  return /^[\w./=@-]+$/.test(word) ? word : `"${word}"`
}

function usageText (usage: Usage): string {
  const own = Object.entries<Option>(usage.options).filter(([name, option]) => common[name]?.meaning !== option.meaning)
  return `.SS "${escape(synopsis(usage)).replaceAll('"', '\\(dq')}"\n${paragraphs(usage.meaning)}${own.map(optionText).join('')}`
}

function optionText ([name, option]: readonly [string, Option]): string {
  const value = option.kind === 'switch' ? '' : ` \\fI${escape(option.value ?? 'TEXT')}\\fR`
  const flags = `${option.short === undefined ? '' : `-${option.short}, `}--${name}`
  return `.TP\n\\fB${escape(flags)}\\fR${value}\n${escape(option.meaning)}${option.kind === 'texts' ? '; may be repeated' : ''}\n`
}

function list (rows: readonly (readonly [string, string])[]): string {
  return rows.map(([term, text]) => `.TP\n.B "${escape(term)}"\n${escape(text)}\n`).join('')
}

/** Text in paragraphs; what is indented stays as it is. */
function paragraphs (text: string): string {
  return text.split('\n\n').map(part => part.split('\n').every(one => one.startsWith('  '))
    ? `.PP\n.EX\n${part.split('\n').map(escape).join('\n')}\n.EE\n`
    : `.PP\n${part.split('\n').map(escape).join('\n')}\n`).join('')
}

/** roff reads backslashes, and dots and quotes at the beginning of a line. */
function escape (text: string): string {
  return text.replaceAll('\\', '\\(rs').replaceAll('-', '\\-').replace(/[^\x00-\x7f]/gu, letter => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? ''}]`).replace(/^[.']/, '\\&$&')
}
