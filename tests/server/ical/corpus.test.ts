import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Component } from '../../../server/ical/component.js'
import { expand } from '../../../server/ical/expand.js'
import { describe } from '../../../server/ical/facts.js'
import { matches } from '../../../server/ical/filter.js'
import { busyTime } from '../../../server/ical/freebusy.js'
import { limitRecurrence } from '../../../server/ical/limit.js'
import { decode, IcalError, parse } from '../../../server/ical/parse.js'
import { Budget } from '../../../server/ical/recur.js'
import { UTC } from '../../../server/ical/timezone.js'
import { calendarObject } from '../../../server/ical/validate.js'
import { write } from '../../../server/ical/write.js'

interface Entry {
  readonly file: string
  readonly level: 'valid' | 'lax' | 'broken'
  readonly caldav_object: boolean
  readonly not_caldav_because: readonly string[]
  /** Ours only: `accepted` or the reason. */
  readonly expected?: string
}

/** CALDAVD_CORPUS: a directory of real files with an index.json like that of tests/fixture/ics. */
const directory = process.env['CALDAVD_CORPUS'] ?? fileURLToPath(new URL('../../fixture/ics', import.meta.url))
const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as Entry[]

/**
 * Called broken by a checker of the corpus, harmless in truth: empty texts and unknown properties, which libical drops and all others keep
 * (RFC 5545 3.3.11 and 3.6 allow both), and a quoted TZID with a colon that the checker took for the value; what early
 * iCal wrote and Apple's tests demand: a to-do due on a day that begins at a time, UNTIL in UTC beside a local start.
 */
const harmless = new Set([
  'ccs__txdav_caldav_datastore_scheduling_test_test_itip.py.199.ics', 'ccs__txdav_caldav_datastore_scheduling_test_test_itip.py.205.ics',
  'ccs__txdav_caldav_datastore_scheduling_test_test_itip.py.207.ics', 'ccs__txdav_caldav_datastore_test_test_sql.py.16.ics',
  'ical4j__src_test_resources_net_fortuna_ical4j_data_test-relaxed-parsing.ics', 'icaljs__samples_blank_description.ics', 'icaljs__samples_daily_recur.ics',
  'icaljs__samples_day_long_recur_yearly.ics', 'icaljs__samples_duration_instead_of_dtend.ics', 'icaljs__samples_minimal.ics', 'icaljs__samples_only_dtstart_date.ics',
  'icaljs__samples_only_dtstart_time.ics', 'icaljs__samples_rdate_exdate.ics', 'sabrevobject__tests_VObject_Component_VTodoTest.php.1.ics',
  'sabrevobject__tests_VObject_Recur_EventIterator_ByMonthInDailyTest.php.0.ics', 'sabrevobject__tests_VObject_Recur_EventIterator_FifthTuesdayProblemTest.php.0.ics',
  'sabrevobject__tests_VObject_Component_VTodoTest.php.3.ics', 'sabrevobject__tests_VObject_Recur_EventIterator_ExpandFloatingTimesTest.php.0.ics'
])

/** What may be answered to a valid file that is not an object. */
const answers: Readonly<Record<string, readonly string[]>> = {
  METHOD: ['valid-calendar-object-resource'],
  'several UIDs': ['valid-calendar-object-resource'],
  'several component types': ['valid-calendar-object-resource'],
  'no calendar component': ['valid-calendar-object-resource'],
  'X-CALENDARSERVER component, internal to CCS': ['supported-calendar-component'],
  // A zone that all know (RFC 7809)
  'TZID without VTIMEZONE': ['accepted', 'valid-calendar-object-resource'],
  // VFREEBUSY and VAVAILABILITY are stored; an AVAILABLE of the corpus has no DTSTART
  'component type not for calendars': ['accepted', 'supported-calendar-component', 'valid-calendar-data']
}

function verdict (bytes: Uint8Array): string {
  try {
    calendarObject(decode(bytes))
    return 'accepted'
  } catch (error) {
    if (!(error instanceof IcalError)) throw error
    if (error.message.includes('\n') || !/^(?:line \d+: )?expected /.test(error.message)) throw new Error(`message: ${error.message}`)
    return error.reason
  }
}

const plain = ({ name, properties, components }: Component): unknown => [name, properties.map(each => [each.name, { ...each.parameters }, each.value]), components.map(plain)]

function use (bytes: Uint8Array): void {
  const text = decode(bytes)
  const calendar = parse(text)
  const written = write(calendar)
  if (JSON.stringify(plain(parse(written))) !== JSON.stringify(plain(calendar))) throw new Error('what is written is not what was read')
  const range = { start: 1_136_073_600, end: 1_138_752_000 }
  for (const { start, end } of describe(bytes).spans) if (!(start <= end)) throw new Error(`span ${start} ${end}`)
  for (const name of ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', '*']) {
    matches({ name: 'VCALENDAR', properties: [], components: [{ name, properties: [], components: [{ name: 'VALARM', timeRange: range, properties: [], components: [] }], timeRange: range, test: 'anyof' }] }, calendar, { floating: UTC, budget: new Budget({ instances: 1000, steps: 10_000 }) })
  }
  parse(write(expand(calendar, range, new Budget({ instances: 1000, steps: 10_000 }))))
  parse(write(limitRecurrence(calendar, range)))
  busyTime([calendar], range, UTC, new Budget({ instances: 1000, steps: 10_000 }))
}

t.test('each file is answered as it should be', async t => {
  for (const { file, level, caldav_object: isObject, not_caldav_because: because, expected } of index) {
    const bytes = readFileSync(join(directory, file))
    const found = verdict(bytes)
    const name = file.slice(file.lastIndexOf('/') + 1)
    if (expected !== undefined) t.equal(found, expected, name)
    else if (isObject) t.equal(found, 'accepted', name)
    else if (level === 'broken') t.equal(found === 'accepted', harmless.has(name), `${name} ${found}`)
    else if (level === 'valid') t.ok(because.some(each => answers[each]?.includes(found)), `${name} ${because.join()} ${found}`)
    if (found === 'accepted') t.doesNotThrow(() => use(bytes), name)
  }
})
