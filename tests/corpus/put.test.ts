import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { house } from '../house.js'

/** One file of a corpus, as its index describes it. */
interface Entry {
  readonly file: string
  readonly level: 'valid' | 'lax' | 'broken'
  readonly caldav_object: boolean
  readonly not_caldav_because: readonly string[]
  readonly components: Readonly<Record<string, number>>
}

const directory = process.env['CALDAVD_CORPUS'] ?? join(import.meta.dirname, '../fixture/ics')
const entries = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as Entry[]

/** What a refusal may name; everything else would mislead. */
const reasons = /<C:(?:valid-calendar-data|valid-calendar-object-resource|supported-calendar-component|supported-calendar-data)\/>/

const types = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY']

/**
 * Called broken by one reader or another, and yet no client reads them otherwise than their author: an empty DESCRIPTION or
 * LOCATION, as Google and Apple write them; a property nobody knows; a quoted TZID with a colon; a day as EXDATE of a time, which Evolution writes; what early
 * iCal wrote and Apple's tests demand: a to-do due on a day that begins at a time, UNTIL in UTC beside a local start.
 */
const harmless: ReadonlySet<string> = new Set([
  'ccs__txdav_caldav_datastore_scheduling_test_test_itip.py.199.ics', 'ccs__txdav_caldav_datastore_scheduling_test_test_itip.py.205.ics',
  'ccs__txdav_caldav_datastore_scheduling_test_test_itip.py.207.ics', 'ccs__txdav_caldav_datastore_test_test_sql.py.16.ics',
  'ical4j__src_test_resources_net_fortuna_ical4j_data_test-relaxed-parsing.ics', 'icaljs__samples_blank_description.ics',
  'icaljs__samples_daily_recur.ics', 'icaljs__samples_day_long_recur_yearly.ics', 'icaljs__samples_duration_instead_of_dtend.ics',
  'icaljs__samples_minimal.ics', 'icaljs__samples_only_dtstart_date.ics', 'icaljs__samples_only_dtstart_time.ics', 'icaljs__samples_rdate_exdate.ics',
  'sabrevobject__tests_VObject_Component_VTodoTest.php.1.ics', 'sabrevobject__tests_VObject_Recur_EventIterator_ByMonthInDailyTest.php.0.ics',
  'sabrevobject__tests_VObject_Recur_EventIterator_FifthTuesdayProblemTest.php.0.ics',
  'sabrevobject__tests_VObject_Component_VTodoTest.php.3.ics', 'sabrevobject__tests_VObject_Recur_EventIterator_ExpandFloatingTimesTest.php.0.ics'
])

t.test(`every file of the corpus is PUT (${entries.length} files)`, async t => {
  const { ask, documents, lines } = await house(t, { users: ['alice'] })
  const home = '/calendars/users/alice'
  const disk = join(documents, 'calendars/users/alice')
  const counts = { accepted: 0, refused: 0, lax: 0 }
  const calendar = `${home}/corpus`
  t.equal((await ask('MKCALENDAR', `${calendar}/`)).status, 201)
  for (const { file, level, caldav_object: isObject } of entries) {
    const bytes = readFileSync(join(directory, file))
    const put = await ask('PUT', `${calendar}/object.ics`, { body: bytes, headers: { 'content-type': 'text/calendar' } })
    if (put.status === 201) {
      counts.accepted++
      if (level === 'lax') counts.lax++
      if (level === 'broken' && !harmless.has(basename(file))) t.fail(`${file} is broken but was accepted`)
      const problem = await isServed(ask, calendar, bytes)
      if (problem !== undefined) t.fail(`${file} was accepted but ${problem}`)
      // the same UID is in many files
      const removed = await ask('DELETE', `${calendar}/object.ics`)
      if (removed.status !== 204) t.equal(removed.status, 204, `${file} is removed`)
    } else {
      counts.refused++
      if (put.status < 400 || put.status > 499 || !reasons.test(put.body)) t.fail(`${file}: ${put.status} ${put.body}`)
      if (isObject) t.fail(`${file} is an object but was refused: ${put.body}`)
      const left = readdirSync(join(disk, 'corpus')).filter(name => name !== '.properties.json')
      if (left.length > 0) t.fail(`${file} was refused but left ${left.join(', ')}`)
    }
  }
  t.same(readdirSync(join(documents, '.drafts')), [], 'no drafts are left')
  t.same(lines.filter(line => /Error: |\bat /.test(line)), [], 'no mistakes in the log')
  t.ok(counts.accepted > 0 && counts.refused > 0, JSON.stringify(counts))
  t.comment(JSON.stringify(counts))
})

type Ask = Awaited<ReturnType<typeof house>>['ask']

async function isServed (ask: Ask, calendar: string, bytes: Buffer): Promise<string | undefined> {
  const got = await ask('GET', `${calendar}/object.ics`)
  if (got.status !== 200 || !got.bytes.equals(bytes)) return `GET gives ${got.status} and other bytes`
  const etag = got.headers['etag'] ?? ''
  const sync = await ask('REPORT', `${calendar}/`, { body: '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>' })
  if (!sync.body.includes(`${calendar}/object.ics`) || !sync.body.includes(etag)) return 'sync-collection does not list it'
  for (const type of types) {
    const query = await ask('REPORT', `${calendar}/`, {
      body: '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">' +
        `<C:comp-filter name="${type}"/></C:comp-filter></C:filter></C:calendar-query>`
    })
    if (query.status === 207 && query.body.includes(etag)) return undefined
  }
  return 'calendar-query finds it under no type'
}
