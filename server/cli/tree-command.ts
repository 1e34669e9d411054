import { existsSync } from 'node:fs'
import type { Settings } from '../../conf/settings.js'
import { StoreError } from '../../store/error.js'
import { AdminError } from '../admin/place.js'
import { withTree } from '../admin/tree.js'
import { DavError } from '../dav/error.js'
import { IcalError } from '../ical/parse.js'
import type { Site } from '../site/site.js'
import { parseArguments, type Arguments, type Option, type Usage } from './arguments.js'
import { say } from './print.js'
import { files, printHelp, settingsFor, tell, type Io } from './user.js'

/** Where the tree is; every command that works on it takes them. */
export const treeOptions = files

type TreeOptions = Readonly<Record<string, Option>> & typeof treeOptions

/**
 * Runs a command on the tree, whether a server runs or not, and says in one line what went wrong.
 * @returns the exit code: 0 done, 1 failed, 2 wrong command line
 */
export async function treeCommand<Options extends TreeOptions> (usage: Usage<Options>, argv: readonly string[], io: Io, work: (site: Site, command: Arguments<Options>) => Promise<number>): Promise<number> {
  return await failing(io, async () => {
    const command = parseArguments(usage, argv)
    if (command.help) return printHelp(usage, io)
    const settings = settingsFor(command.options as { readonly [Name in keyof typeof treeOptions]?: string | undefined }, io)
    demandTree(settings)
    return await withTree(settings, text => { say(io, text) }, async site => await work(site, command))
  })
}

// a slip in --data must not make a new tree
function demandTree ({ data }: Settings): void {
  if (!existsSync(data.documents)) throw new AdminError(`there are no calendars in ${data.directory}: expected the data directory of a server (--data DIR), which makes it at its first start`)
}

/** Runs work; what may go wrong with files, calendars and words is told in one line. @returns the exit code */
export async function failing (io: Io, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AdminError || error instanceof StoreError || error instanceof DavError || error instanceof IcalError)) return tell(error, io)
    say(io, error.message)
    return 1
  }
}
