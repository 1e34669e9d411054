import { asOwner } from '../admin/owner.js'
import { openPeople, type People } from '../admin/people.js'
import { account, AdminError, nameOf } from '../admin/place.js'
import { changeProxies, proxiesOf } from '../admin/proxy.js'
import type { DirectoryRecord } from '../directory/record.js'
import { parseArguments, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { columns } from './table.js'
import { files, printHelp, settingsFor, tell, type Io } from './user.js'

/** How `proxy` is called. */
export const proxyUsage = {
  command: 'caldavd proxy', operands: ['NAME'],
  meaning: 'Shows and changes who may act for somebody in all calendars: for alice, groups/club, locations/hall. WHO is an account\n' +
    '(bob) or a group (groups/staff). A running server sees it within two seconds.',
  options: {
    write: { kind: 'texts', value: 'WHO', meaning: 'let somebody read and change everything' },
    read: { kind: 'texts', value: 'WHO', meaning: 'let somebody read everything' },
    remove: { kind: 'texts', value: 'WHO', meaning: 'no longer let somebody act' },
    json: { kind: 'switch', meaning: 'show it as JSON' },
    ...files
  }
} as const satisfies Usage

/** `caldavd proxy`: shows and changes the proxies of an account. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function proxy (argv: readonly string[], io: Io): Promise<number> {
  try {
    const { options, operands: [typed = ''], help } = parseArguments(proxyUsage, argv)
    if (help) return printHelp(proxyUsage, io)
    const settings = settingsFor(options, io)
    const people = await openPeople(settings, text => { say(io, text) })
    const record = account(people.directory, typed)
    if (options.write.length + options.read.length + options.remove.length > 0) {
      const isChanged = await asOwner(settings.accounts.delegates, async () => await changeProxies(people, record, options))
      if (!options.json) await print(io, isChanged ? `Changed ${settings.accounts.delegates}\n\n` : 'That is so already\n\n')
    }
    if (options.json) await printJson(io, proxiesJson(people, record))
    else await print(io, shown(people, record))
    return 0
  } catch (error) {
    if (!(error instanceof AdminError)) return tell(error, io)
    say(io, error.message)
    return 1
  }
}

const may = { write: 'read and change', read: 'read' } as const

interface Bond { readonly record: DirectoryRecord, readonly half: keyof typeof may }

/** Who acts for an account, and for whom it acts. */
function bonds (people: People, record: DirectoryRecord): { readonly proxies: Bond[], readonly delegators: Bond[] } {
  const { directory } = people
  const halves = Object.keys(may) as (keyof typeof may)[]
  return {
    proxies: halves.flatMap(half => proxiesOf(people, record, half).map(record => ({ record, half }))),
    delegators: halves.flatMap(half => directory.delegatorsOf(directory.byGuid(record.guid) ?? record, half).map(record => ({ record, half })))
  }
}

function proxiesJson (people: People, record: DirectoryRecord): unknown {
  const { proxies, delegators } = bonds(people, record)
  const told = ({ record, half }: Bond): unknown => ({ name: nameOf(record), fullName: record.fullName, may: half })
  return { name: nameOf(record), proxies: proxies.map(told), actsFor: delegators.map(told) }
}

function shown (people: People, record: DirectoryRecord): string {
  const name = nameOf(record)
  const { proxies, delegators } = bonds(people, record)
  const row = ({ record, half }: Bond): string[] => [called(record), may[half]]
  const [rows, others] = [proxies.map(row), delegators.map(row)]
  return (rows.length === 0 ? `Nobody acts for ${name}\n` : columns([[`FOR ${name.toUpperCase()} ACTS`, 'MAY'], ...rows])) +
    (others.length === 0 ? '' : '\n' + columns([[`${name.toUpperCase()} ACTS FOR`, 'MAY'], ...others]))
}

function called (record: DirectoryRecord): string {
  return `${nameOf(record)}${record.fullName === record.name ? '' : ` (${record.fullName})`}`
}
