import { compose, repeats } from '../admin/files/compose.js'
import { plain } from '../admin/files/brief.js'
import { collectionAt, shownPath } from '../admin/files/spot.js'
import { AdminError } from '../admin/place.js'
import { writeEvent } from '../calendar/write.js'
import { demandNew } from '../method/bulk.js'
import type { Usage } from './arguments.js'
import { clockOf, print, printJson, zoneOption } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import type { Io } from './user.js'

/** How `add` is called. */
export const addUsage = {
  command: 'caldavd add', operands: ['CALENDAR', 'TITLE'],
  meaning: 'Adds an event to a calendar like alice/work, or a task. The title may say when, in plain words at its end or beginning:\n' +
    '"Lunch with Bob tomorrow 12:00-13:00", "Holiday 2026-12-24 to 2026-12-27", "Dentist Mon 23 Nov 9:30 for 45 min".\n' +
    'What was understood is printed. Nobody is invited.',
  options: {
    at: { kind: 'text', value: 'WHEN', meaning: 'when, instead of words in the title: "2026-11-23 12:00", "tomorrow 9:30-10:15", "23 Nov"' },
    until: { kind: 'text', value: 'WHEN', meaning: 'when it ends: "13:00", "2026-11-24 10:00"; of whole days the last' },
    for: { kind: 'text', value: 'LENGTH', meaning: 'how long it takes: 90m, 1h30m, "2 days" (1h)' },
    'all-day': { kind: 'switch', meaning: 'whole days' },
    todo: { kind: 'switch', meaning: 'a task instead of an event; the time is when it is due, and may be left out' },
    repeat: { kind: 'text', value: 'HOW', meaning: `${Object.keys(repeats).join(', ')}, or a rule like FREQ=WEEKLY;BYDAY=MO,TH` },
    location: { kind: 'text', value: 'TEXT', meaning: 'where' },
    description: { kind: 'text', value: 'TEXT', meaning: 'more about it' },
    alarm: { kind: 'texts', value: 'LENGTH', meaning: 'remind so long before: 15m, 1h, "1 day"' },
    tz: { ...zoneOption.tz, meaning: 'the time zone of the times, such as Europe/Berlin (that of the machine)' },
    json: { kind: 'switch', meaning: 'what was added as JSON' },
    ...treeOptions
  }
} as const satisfies Usage

/** `caldavd add`. @returns the exit code: 0 done, 1 failed (nothing was written), 2 wrong command line */
export async function add (argv: readonly string[], io: Io): Promise<number> {
  return await treeCommand(addUsage, argv, io, async (site, { options, operands: [typed = '', title = ''] }) => {
    const calendar = collectionAt(site, typed)
    if (calendar.kind !== 'calendar') throw new AdminError(`${shownPath(calendar)} is no calendar; expected one like ${shownPath(calendar)}/calendar`)
    const draft = compose({
      title, at: options.at, until: options.until, length: options.for, isAllDay: options['all-day'], isTask: options.todo,
      repeat: options.repeat, location: options.location, description: options.description, alarms: options.alarm
    }, clockOf(io, options.tz))
    const name = `${draft.uid}.ics`
    await writeEvent(site, calendar, name, { bytes: Buffer.from(draft.text), mediaType: undefined }, current => { demandNew(name, current) })
    const path = shownPath(calendar, name)
    if (options.json) {
      await printJson(io, { path, uid: draft.uid, kind: options.todo ? 'task' : 'event', summary: draft.title, when: draft.when, start: draft.start ?? null, end: draft.end ?? null })
    } else {
      const when = draft.when === '' ? '' : options.todo ? `due ${draft.when} ` : `${draft.when} `
      await print(io, `${when}${plain(draft.title)}${options.repeat === undefined ? '' : `, ${plain(options.repeat)}`} → ${path}\n`)
    }
    return 0
  })
}
