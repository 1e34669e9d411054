import { StoreError } from '../../store/error.js'
import { openPeople } from '../admin/people.js'
import { AdminError } from '../admin/place.js'
import { usage as usageOf, type Usage as Home } from '../admin/usage.js'
import { parseArguments, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { size } from './size.js'
import { columns } from './table.js'
import { files, printHelp, settingsFor, tell, type Io } from './user.js'

/** How `quota` is called. */
export const quotaUsage = {
  command: 'caldavd quota', operands: ['[NAME]'],
  meaning: 'Shows how much each home holds, and may hold. The limit is "quota" of the account, or the setting limits.quotaBytes.',
  options: { json: { kind: 'switch', meaning: 'as JSON, one array' }, ...files }
} as const satisfies Usage

/** `caldavd quota`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function quota (argv: readonly string[], io: Io): Promise<number> {
  try {
    const { options, operands: [name], help } = parseArguments(quotaUsage, argv)
    if (help) return printHelp(quotaUsage, io)
    const settings = settingsFor(options, io)
    const { directory } = await openPeople(settings, text => { say(io, text) })
    const homes = usageOf({ settings, directory }, name)
    if (options.json) await printJson(io, homes.map(({ name, files, bytes, limit }) => ({ name, files, bytes, limit: limit ?? null })))
    else await print(io, homes.length === 0 ? 'Nobody has a home yet\n' : columns([['NAME', 'FILES', 'USED', 'LIMIT', ''], ...homes.map(row)]))
    return 0
  } catch (error) {
    if (!(error instanceof AdminError) && !(error instanceof StoreError)) return tell(error, io)
    say(io, error.message)
    return 1
  }
}

function row ({ name, files, bytes, limit }: Home): string[] {
  const share = limit === undefined ? '' : `${Math.round(100 * bytes / limit)} %`
  return [name, String(files), size(bytes), limit === undefined ? '-' : size(limit), share]
}
