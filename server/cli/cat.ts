import { AdminError } from '../admin/place.js'
import { shownPath, spot } from '../admin/files/spot.js'
import { asJson } from '../calendar/media.js'
import { decode } from '../ical/parse.js'
import type { Usage } from './arguments.js'
import { print, say } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `cat` is called. */
export const catUsage = {
  command: 'caldavd cat', operands: ['PATH…'],
  meaning: 'Prints events (alice/work/lunch.ics) byte by byte as they are served.',
  options: {
    unfold: { kind: 'switch', short: 'u', meaning: 'each property in one line, for people and grep' },
    json: { kind: 'switch', meaning: 'as jCal (RFC 7265), one line for each event' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd cat`. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function cat (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(catUsage, argv, io, async (site, { options, operands }) => {
    let code = 0
    for (const typed of operands) {
      try {
        const place = spot(site, typed)
        const found = place.member === undefined ? undefined : place.home.content(place.collection, place.member.name)
        if (found === undefined) throw new AdminError(`${shownPath(place)} is no event; caldavd export ${shownPath(place)} prints all of a calendar`)
        if (found.member.problem !== '') say(io, `${shownPath(place, found.member.name)} is broken (${found.member.problem}): this is what is served instead, its last good version`)
        await print(io, options.json ? `${asJson(decode(found.bytes))}\n` : options.unfold ? unfolded(found.bytes) : found.bytes)
      } catch (error) {
        // as of cat: the others are printed all the same
        if (!(error instanceof AdminError)) throw error
        say(io, error.message)
        code = 1
      }
    }
    return code
  })
}

/** RFC 5545 3.1; a fold may stand inside of a letter. */
function unfolded (bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r?\n[ \t]/g, '').replace(/\r\n/g, '\n'), 'latin1')
}
