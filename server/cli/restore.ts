import { existsSync } from 'node:fs'
import { AdminError } from '../admin/place.js'
import { isIncomplete, type Outcome, type Result } from '../admin/restore/outcome.js'
import { restore as restoreFrom, settleHeld } from '../admin/restore/restore.js'
import { sourceAt } from '../admin/restore/source.js'
import { withTree } from '../admin/tree.js'
import { ArgumentError, parseArguments, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { progress } from './progress.js'
import { told, toldHeld } from './restore-words.js'
import { failing } from './tree-command.js'
import { files, printHelp, settingsFor, type Io } from './user.js'

/** How `restore` is called. */
export const restoreUsage = {
  command: 'caldavd restore', operands: ['[DIR]'],
  meaning: 'Brings back from a backup what is missing, and keeps the newer of both; the server may run.\n\n' +
    '  caldavd restore --merge BACKUPDIR        a copy of the data directory or of documents/\n' +
    '  caldavd restore --merge DIR --into PATH  a copy of one home or calendar\n' +
    '  caldavd restore --merge                  what is served although an older state lies on the disk: write it there\n' +
    '  caldavd restore --accept [PATH]          the older state on the disk counts: let go what is served\n\n' +
    'Nothing is lost: what is replaced goes into the history, and what was deleted here since the backup stays deleted.',
  options: {
    merge: { kind: 'switch', meaning: 'bring back what is missing or newer in the backup' },
    accept: { kind: 'switch', meaning: 'take the tree as it is on the disk' },
    into: { kind: 'text', value: 'PATH', meaning: 'only this home or calendar: alice, alice/work' },
    deleted: { kind: 'switch', meaning: 'bring back also what was deleted here since the backup' },
    'all-homes': { kind: 'switch', meaning: 'also homes for which there is no account' },
    foreign: { kind: 'switch', meaning: "with --into: the backup is another's, and meant to go there" },
    'dry-run': { kind: 'switch', meaning: 'only say what would be done' },
    json: { kind: 'switch', meaning: 'as JSON' },
    ...files
  }
} as const satisfies Usage

/** `caldavd restore`. @returns the exit code: 0 done, 1 failed or something could not be brought back, 2 wrong command line */
export async function restore (argv: readonly string[], io: Io): Promise<number> {
  return await failing(io, async () => {
    const { options, operands: [operand], help } = parseArguments(restoreUsage, argv)
    if (help) return printHelp(restoreUsage, io)
    demandOneWay(options, operand)
    const isDryRun = options['dry-run']
    const settings = settingsFor(options, io)
    if (!existsSync(settings.data.directory)) throw new AdminError(`there is no ${settings.data.directory}: expected the data directory of a server (--data DIR), which makes it at its first start`)
    const source = options.accept || operand === undefined ? undefined : sourceAt(settings, operand)
    return await withTree(settings, text => { say(io, text) }, async site => {
      if (source === undefined) {
        const what = options.accept ? 'let go' : 'bring back'
        const collections = await settleHeld(site, options.accept ? operand ?? options.into : options.into, what, isDryRun)
        if (options.json) await printJson(io, { dryRun: isDryRun, collections: collections.map(({ path, held }) => ({ path, held })) })
        else await print(io, toldHeld(collections, what, isDryRun))
        return 0
      }
      const bar = progress(io, 'Comparing with the backup')
      let result: Result
      try {
        result = await restoreFrom({ site, isDryRun, bringsDeleted: options.deleted, progress: bar.step }, { source, into: options.into, allHomes: options['all-homes'], isForeign: options.foreign })
      } finally {
        bar.end()
      }
      if (options.json) await printJson(io, asJson(result, isDryRun))
      else await print(io, told(result, isDryRun))
      return isIncomplete(result) ? 1 : 0
    })
  })
}

/** @throws ArgumentError */
function demandOneWay ({ merge, accept, into }: { readonly merge: boolean, readonly accept: boolean, readonly into: string | undefined }, operand: string | undefined): void {
  if (merge && accept) throw new ArgumentError('--merge brings back and --accept lets go: one of them')
  if (accept && operand !== undefined && into !== undefined) throw new ArgumentError(`--accept ${operand} says already what to let go; --into does not go with it`)
  if (merge || accept) return
  throw new ArgumentError(operand === undefined
    ? 'expected --merge BACKUPDIR, --merge, or --accept; see caldavd restore --help'
    : `restore ${operand}: putting a backup in the place of what is there would make every phone delete what came since. "caldavd restore --merge ${operand}" brings back what is missing and keeps the newer of both; try it with --dry-run`)
}

function asJson ({ collections, leftOut }: Result, isDryRun: boolean): unknown {
  return { dryRun: isDryRun, collections: collections.map(one => ({ ...one, ...dates(one) })), leftOut }
}

function dates ({ deletedAt, deleted }: Outcome): object {
  return { ...deletedAt === undefined ? {} : { deletedAt: new Date(deletedAt).toISOString() }, deleted: deleted.map(({ name, at }) => ({ name, at: new Date(at).toISOString() })) }
}
