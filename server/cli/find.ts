import { isoWhen, localOf, timeName, isoDay, today } from '../admin/files/clock.js'
import { find as findIn, type Match, type Search } from '../admin/files/find.js'
import { readDay } from '../admin/files/phrase.js'
import { calendarsAt, shownPath } from '../admin/files/spot.js'
import { DAY } from '../ical/civil.js'
import type { When, Zone } from '../ical/time.js'
import { ArgumentError, type Usage } from './arguments.js'
import { clockOf, print, say, styleFor, zoneOption } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `find` is called. */
export const findUsage = {
  command: 'caldavd find', operands: ['TEXT'],
  meaning: 'Finds events and tasks by their words: title, place, description, categories, who is invited. Prints path:title:next date.',
  options: {
    in: { kind: 'texts', value: 'PATH', meaning: 'only in this home or calendar: alice, alice/work' },
    from: { kind: 'text', value: 'DAY', meaning: 'only what happens on this day or later: 2026-11-23, today' },
    to: { kind: 'text', value: 'DAY', meaning: 'only what happens on this day or before' },
    limit: { kind: 'text', value: 'NUMBER', meaning: 'stop after so many (1000)' },
    json: { kind: 'switch', meaning: 'as JSON, one array' },
    ...zoneOption, ...treeOptions
  }
} as const satisfies Usage

/** `caldavd find`. @returns the exit code: 0 done (also when nothing was found), 1 failed, 2 wrong command line */
export async function find (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(findUsage, argv, io, async (site, { options, operands: [text = ''] }) => {
    const clock = clockOf(io, options.tz)
    const day = (option: string, typed: string | undefined): number | undefined => {
      const found = typed === undefined ? undefined : readDay(typed, today(clock))
      if (typed !== undefined && found === undefined) throw new ArgumentError(`${option} ${typed}: expected a day like 2026-11-23, tomorrow or "23 Nov"`)
      return found
    }
    const [from, to] = [day('--from', options.from), day('--to', options.to)]
    const limit = options.limit === undefined ? 1000 : Number(options.limit)
    if (!Number.isInteger(limit) || limit < 1) throw new ArgumentError(`--limit ${options.limit ?? ''}: expected a number from 1`)
    if (text.trim() === '') throw new ArgumentError('TEXT is empty: caldavd ls lists everything')
    const window = from === undefined && to === undefined ? undefined : { start: from === undefined ? -Infinity : clock.zone.toUtc(from * DAY), end: to === undefined ? Infinity : clock.zone.toUtc((to + 1) * DAY) }
    const search: Search = { text, window, now: clock.now, zone: clock.zone }
    const style = styleFor(io)
    let count = 0
    for await (const match of findIn(calendarsAt(site, options.in), search)) {
      if (count === limit) {
        say(io, `there is more than ${limit}: --limit shows more`)
        break
      }
      const path = shownPath(match.place, match.member.name)
      if (options.json) await print(io, `${count === 0 ? '[\n' : ',\n'}${JSON.stringify(asJson(path, match, clock.zone))}`)
      else await print(io, `${style.dim(`${path}:`)}${style.bold(match.brief.summary)}:${match.next === undefined ? '' : dateOf(match.next, clock.zone)}\n`)
      count++
    }
    if (options.json) await print(io, count === 0 ? '[]\n' : '\n]\n')
    else if (count === 0) say(io, `nothing has the words ${JSON.stringify(text)}`)
    return 0
  })
}

function dateOf (when: When, zone: Zone): string {
  const local = localOf(when, zone)
  return isoDay(Math.floor(local / DAY)) + (when.date ? '' : ` ${timeName(local)}`)
}

function asJson (path: string, { member, brief: { summary, repeats }, next, where }: Match, zone: Zone): unknown {
  return { path, uid: member.uid, component: member.component, summary, next: next === undefined ? null : isoWhen(next, zone), repeats: repeats ?? null, where }
}
