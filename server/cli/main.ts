import { access } from './access.js'
import { appPassword } from './app-password.js'
import { ArgumentError, chooseCommand } from './arguments.js'
import { proxy } from './proxy.js'
import { quota } from './quota.js'
import { serve } from './serve.js'
import { user, type Io } from './user.js'

interface Command { readonly meaning: string, readonly run: (argv: readonly string[], io: Io) => Promise<number> }

/** The commands of the executable. */
const commands: Readonly<Record<string, Command>> = {
  serve: { meaning: 'start the server', run: serve },
  user: { meaning: 'add, change, list and remove users', run: user },
  'app-password': { meaning: 'make, list and revoke passwords for single devices', run: appPassword },
  access: { meaning: 'show and change who may do what with a calendar', run: access },
  proxy: { meaning: 'show and change who may act for somebody', run: proxy },
  quota: { meaning: 'show how much the homes hold, and may hold', run: quota }
}

/** `caldavd COMMAND …`. @returns the exit code */
export async function main (argv: readonly string[], io: Io): Promise<number> {
  const [word, ...rest] = argv
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    (word === undefined ? io.stderr : io.stdout).write(overview())
    return word === undefined ? 2 : 0
  }
  try {
    return await chooseCommand('caldavd', commands, word).run(rest, io)
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error
    io.stderr.write(`caldavd: ${error.message}\n`)
    return 2
  }
}

function overview (): string {
  const rows = Object.entries(commands).map(([name, { meaning }]) => `  ${name.padEnd(13)} ${meaning}`)
  return ['caldavd COMMAND [OPTIONS]', '', 'A CalDAV server whose calendars are directories and whose events are files.', '', ...rows, '', 'caldavd COMMAND --help says more.', ''].join('\n')
}
