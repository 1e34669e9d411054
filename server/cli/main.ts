import { access, accessUsage } from './access.js'
import { add, addUsage } from './add.js'
import { agenda, agendaUsage, today, todayUsage } from './agenda.js'
import { appPassword, appPasswordUsages } from './app-password.js'
import { ArgumentError, chooseCommand } from './arguments.js'
import { cat, catUsage } from './cat.js'
import type { Commands } from './command.js'
import { completion, completionUsage } from './completion.js'
import { diff, diffUsage } from './diff.js'
import { doctor, doctorUsage } from './doctor.js'
import { exportCalendars, exportUsage } from './export.js'
import { find, findUsage } from './find.js'
import { history, historyUsage } from './history.js'
import { importFiles, importUsage } from './import.js'
import { ls, lsUsage } from './ls.js'
import { man, manUsage } from './man.js'
import { mv, mvUsage } from './mv.js'
import { say } from './print.js'
import { proxy, proxyUsage } from './proxy.js'
import { quota, quotaUsage } from './quota.js'
import { restore, restoreUsage } from './restore.js'
import { rm, rmUsage } from './rm.js'
import { serve, serveUsage } from './serve.js'
import { status, statusUsage } from './status.js'
import { trash, trashUsages } from './trash.js'
import { undo, undoUsage } from './undo.js'
import { user, userUsages, type Io } from './user.js'

/** The commands of the executable; completions and the manual page are made from it. */
export const commands: Commands = {
  serve: { meaning: 'start the server', usages: [serveUsage], run: serve },
  user: { meaning: 'add, change, list and remove users', usages: userUsages, run: user },
  'app-password': { meaning: 'make, list and revoke passwords for single devices', usages: appPasswordUsages, run: appPassword },
  access: { meaning: 'show and change who may do what with a calendar', usages: [accessUsage], run: access },
  proxy: { meaning: 'show and change who may act for somebody', usages: [proxyUsage], run: proxy },
  quota: { meaning: 'show how much the homes hold, and may hold', usages: [quotaUsage], run: quota },
  ls: { meaning: 'list homes, calendars and events', usages: [lsUsage], run: ls },
  cat: { meaning: 'print events as they are served', usages: [catUsage], run: cat },
  find: { meaning: 'find events by their words', usages: [findUsage], run: find },
  today: { meaning: 'show what happens today', usages: [todayUsage], run: today },
  agenda: { meaning: 'show what happens in the next days', usages: [agendaUsage], run: agenda },
  add: { meaning: 'add an event or a task, in plain words', usages: [addUsage], run: add },
  import: { meaning: 'bring iCalendar files into a calendar', usages: [importUsage], run: importFiles },
  export: { meaning: 'write a calendar as one file', usages: [exportUsage], run: exportCalendars },
  mv: { meaning: 'move and rename events and calendars', usages: [mvUsage], run: mv },
  rm: { meaning: 'remove events and calendars', usages: [rmUsage], run: rm },
  restore: { meaning: 'bring back from a backup what is missing or newer in it', usages: [restoreUsage], run: restore },
  history: { meaning: 'show what an event was before, and what happened in a calendar', usages: [historyUsage], run: history },
  diff: { meaning: 'show how an event differs from what it was', usages: [diffUsage], run: diff },
  undo: { meaning: 'undo a change, or bring back what was deleted', usages: [undoUsage], run: undo },
  trash: { meaning: 'list, bring back and remove for good what was deleted', usages: Object.values(trashUsages), run: trash },
  doctor: { meaning: 'look for what is wrong with the files, or with a server', usages: [doctorUsage], run: doctor },
  status: { meaning: 'say whether the server runs, and what it holds', usages: [statusUsage], run: status },
  completion: { meaning: 'complete commands, options and paths in the shell', usages: [completionUsage], run: async (argv, io) => await completion(argv, io, commands) },
  man: { meaning: 'print the manual page', usages: [manUsage], run: async (argv, io) => await man(argv, io, commands) }
}

/** `caldavd COMMAND …`. @returns the exit code */
export async function main (argv: readonly string[], io: Io): Promise<number> {
  const [word, ...rest] = argv
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    (word === undefined ? io.stderr : io.stdout).write(overview(io.environment['COMMAND_NAME'] ?? 'caldavd'))
    return word === undefined ? 2 : 0
  }
  try {
    return await chooseCommand('caldavd', commands, word).run(rest, io)
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error
    say(io, error.message)
    return 2
  }
}

/** @param program  how it was called */
function overview (program: string): string {
  const rows = Object.entries(commands).map(([name, { meaning }]) => `  ${name.padEnd(13)} ${meaning}`)
  return [`${program} COMMAND [OPTIONS]`, '', 'A CalDAV server whose calendars are directories and whose events are files.', '', ...rows, '', `${program} COMMAND --help says more.`, ''].join('\n')
}
