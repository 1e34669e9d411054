import { changesOwner, grantsOf, move, wayOf } from '../admin/files/move.js'
import { shownPath } from '../admin/files/spot.js'
import { ArgumentError, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `mv` is called. */
export const mvUsage = {
  command: 'caldavd mv', operands: ['PATH…', 'TO'],
  meaning: 'Moves events (alice/work/lunch.ics) into another calendar (alice/home/), calendars into another home, or gives them another\n' +
    'path (alice/work alice/projects). With more than two words all but the last are moved into the last. Nothing is replaced.\n' +
    'The name that people see stays. Clients see a calendar with another path as another calendar.',
  options: {
    json: { kind: 'switch', meaning: 'what was moved as JSON' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd mv`. @returns the exit code: 0 done, 1 failed (what comes before it is moved), 2 wrong command line */
export async function mv (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(mvUsage, argv, io, async (site, { options, operands }) => {
    const to = operands.at(-1) ?? ''
    const sources = operands.slice(0, -1)
    const target = sources.length > 1 && !to.endsWith('/') ? `${to}/` : to
    // everything is looked at before anything goes
    const ways = sources.map(from => wayOf(site, from, target))
    const twice = ways.find((way, at) => ways.findIndex(({ name }) => name === way.name) !== at)
    if (twice !== undefined) throw new ArgumentError(`two of them are called ${twice.name}`)
    const done: { readonly from: string, readonly to: string }[] = []
    for (const way of ways) {
      const from = shownPath(way.from, way.from.member?.name)
      const grants = changesOwner(way) ? grantsOf(site, way) : []
      const path = await move(site, way)
      done.push({ from, to: path })
      if (!options.json) await print(io, `${from} → ${path}\n`)
      if (changesOwner(way) && way.from.member === undefined) say(io, `${path} now belongs to ${shownPath(way.parent).split('/')[0] ?? ''}, and counts for that quota`)
      if (grants.length > 0) say(io, `what was granted there goes with it (${grants.join('; ')}): caldavd access ${path} shows and changes it`)
    }
    if (options.json) await printJson(io, done)
    return 0
  })
}
