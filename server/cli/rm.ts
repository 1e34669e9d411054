import { remove, removalOf } from '../admin/files/remove.js'
import { shownPath, spot, type Spot } from '../admin/files/spot.js'
import { AdminError } from '../admin/place.js'
import type { Usage } from './arguments.js'
import { isTerminal, print, printJson } from './print.js'
import { readLine } from './prompt.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `rm` is called. */
export const rmUsage = {
  command: 'caldavd rm', operands: ['PATH…'],
  meaning: 'Removes events (alice/work/lunch.ics) and calendars (alice/work). Nobody is told. "caldavd undo PATH" brings them back.',
  options: {
    yes: { kind: 'switch', short: 'y', meaning: 'do not ask before a calendar is removed' },
    json: { kind: 'switch', meaning: 'what was removed as JSON' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd rm`. @returns the exit code: 0 done, 1 failed (what comes before it is removed), 2 wrong command line */
export async function rm (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(rmUsage, argv, io, async (site, { options, operands }) => {
    // everything is looked at before anything goes
    const spots = operands.map(typed => spot(site, typed))
    for (const each of spots) await removalOf(each)
    const done: { readonly path: string, readonly kind: string }[] = []
    for (const each of spots) {
      if (each.member === undefined && !options.yes && !await agrees(io, each)) {
        await print(io, `${shownPath(each)} stays\n`)
        continue
      }
      const what = await removalOf(each)
      await remove(site, each)
      const path = shownPath(each, each.member?.name)
      done.push({ path, kind: each.member === undefined ? each.kind : 'event' })
      if (!options.json) await print(io, `Removed ${what}${site.store.writing.history.isOn ? `; caldavd undo ${path} brings it back` : '; it is not kept, since history.days is 0'}\n`)
    }
    if (options.json) await printJson(io, done)
    return done.length === spots.length ? 0 : 1
  })
}

async function agrees (io: Io, each: Spot): Promise<boolean> {
  const what = await removalOf(each)
  if (!isTerminal(io.stdin)) throw new AdminError(`${what} is not removed without asking: say --yes`)
  io.stderr.write(`Remove ${what}? [y/N] `)
  return /^y(?:es)?$/i.test((await readLine(io)).trim())
}
