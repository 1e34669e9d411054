import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { instances } from '../../server/ical/instances.js'
import { decode, parse } from '../../server/ical/parse.js'
import { Budget } from '../../server/ical/recur.js'
import { zoneNamed } from '../../server/ical/timezone.js'
import type { Zone } from '../../server/ical/time.js'
import { exceptions } from './corpus-exceptions.js'
import { randomHappening } from './happenings.js'
import { ask, missing, script } from './oracle.js'
import { random } from './random.js'
import { secondsOf } from './reader.js'

interface Entry { readonly file: string, readonly level: string }

const directory = process.env['CALDAVD_CORPUS'] ?? join(import.meta.dirname, '../fixture/ics')
const files = (JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as Entry[]).filter(({ level }) => level === 'valid').map(({ file }) => join(directory, file))

const floating = 'Europe/Berlin'
const [from, to] = [secondsOf('20000101'), secondsOf('20410101')]
const happening = new Set(['VEVENT', 'VTODO', 'VJOURNAL'])
// every day without end is less; of more the oracle tells the first
const most = 16_000

/** `start/end` in UTC seconds of what begins from 2000 to 2040, as the oracle writes it. */
function ours (file: string): string {
  const budget = new Budget({ steps: 4_000_000, instances: 200_000 })
  const found: Array<[start: number, end: number]> = []
  for (const { component, startUtc, endUtc } of instances(parse(decode(readFileSync(file))), { start: from, end: to }, zoneNamed(floating) as Zone, budget)) {
    if (startUtc >= from && startUtc < to && happening.has(component.name)) found.push([startUtc, endUtc])
  }
  if (budget.exhausted && found.length < most) throw new Error(`${file} is too much for us`)
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, most).map(one => one.join('/')).join(' ')
}

interface Compared { readonly instances: number, readonly different: ReadonlyArray<{ readonly file: string, readonly ours: string, readonly oracle: string }> }

async function compare (paths: readonly string[]): Promise<Compared> {
  const told = await ask([...script('dateutil_instances.py'), floating], paths)
  let count = 0
  const different: Array<Compared['different'][number]> = []
  paths.forEach((path, i) => {
    const [our, oracle] = [ours(path).split(' '), told[i]!.split(' ')]
    count += our[0] === '' ? 0 : our.length
    if (our.join() !== oracle.join()) different.push({ file: basename(path), ours: our.filter(one => !oracle.includes(one)).slice(0, 5).join(' '), oracle: told[i]!.startsWith('error') ? told[i]! : oracle.filter(one => !our.includes(one)).slice(0, 5).join(' ') })
  })
  return { instances: count, different }
}

t.test(`every valid file of the corpus from 2000 to 2040 as a reader over python-dateutil (${files.length} files)`, { skip: missing.dateutil, timeout: 200_000 }, async t => {
  const { instances: count, different } = await compare(files)
  t.comment(`${count} instances`)
  t.same(different.filter(({ file }) => !exceptions.has(file)), [], 'instances')
  t.ok(count > files.length / 2, 'most files have some')
  if (process.env['CALDAVD_CORPUS'] !== undefined) t.same([...exceptions.keys()].filter(file => !different.some(one => one.file === file)), [], 'exceptions that are none')
})

/** What the random ones do not have, each in its VEVENT; `§` stands for the identification that every component has. */
const written: Readonly<Record<string, readonly string[]>> = {
  'a PERIOD with an end, one with a duration (3.8.5.2)': ['§\nDTSTART;TZID=America/New_York:20250307T100000\nDURATION:PT1H\nRDATE;VALUE=PERIOD;TZID=America/New_York:20250308T230000/20250309T070000,20250401T100000/P1D'],
  'a PERIOD in UTC beside a zone': ['§\nDTSTART;TZID=Europe/Berlin:20250329T100000\nDTEND;TZID=Europe/Berlin:20250329T110000\nRRULE:FREQ=DAILY;COUNT=3\nRDATE;VALUE=PERIOD:20250330T003000Z/PT3H'],
  'EXRULE': ['§\nDTSTART:20250101T090000Z\nRRULE:FREQ=DAILY;COUNT=60\nEXRULE:FREQ=WEEKLY;BYDAY=SA,SU'],
  'EXDATE in UTC and in another zone': ['§\nDTSTART;TZID=Europe/Berlin:20250101T090000\nRRULE:FREQ=DAILY;COUNT=200\nEXDATE:20250102T080000Z\nEXDATE;TZID=America/New_York:20250710T030000'],
  'EXDATE as a day in a series with times': ['§\nDTSTART;TZID=Asia/Tehran:20210301T003000\nRRULE:FREQ=DAILY;COUNT=60\nEXDATE;VALUE=DATE:20210322,20210325'],
  'this and the future, moved by hours (3.2.13)': ['§\nDTSTART;TZID=Europe/Berlin:20250301T090000\nDTEND;TZID=Europe/Berlin:20250301T100000\nRRULE:FREQ=DAILY;COUNT=60', '§\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20250320T090000\nDTSTART;TZID=Europe/Berlin:20250320T230000\nDURATION:PT5H'],
  'this and the future twice, and one of them moved alone': ['§\nDTSTART:20250101T090000\nRRULE:FREQ=WEEKLY;COUNT=40', '§\nRECURRENCE-ID;RANGE=THISANDFUTURE:20250305T090000\nDTSTART:20250306T090000\nDURATION:PT2H', '§\nRECURRENCE-ID;RANGE=THISANDFUTURE:20250702T090000\nDTSTART:20250701T120000\nDURATION:PT1H', '§\nRECURRENCE-ID:20250319T090000\nDTSTART:20251224T180000\nDURATION:PT1H'],
  'days of the wall clock over a change (3.3.6)': ['§\nDTSTART;TZID=Australia/Lord_Howe:20250404T120000\nDURATION:P1DT6H\nRRULE:FREQ=DAILY;COUNT=5'],
  'the same exact length over a change (3.8.5.3)': ['§\nDTSTART;TZID=America/Sao_Paulo:20181101T220000\nDTEND;TZID=America/Sao_Paulo:20181102T060000\nRRULE:FREQ=DAILY;COUNT=5'],
  'an override without its series': ['§\nRECURRENCE-ID;TZID=Europe/Berlin:20250305T090000\nDTSTART;TZID=America/New_York:20250305T090000\nDURATION:PT2H'],
  'an override of what does not repeat': ['§\nDTSTART;TZID=Europe/Berlin:20250301T090000', '§\nRECURRENCE-ID;TZID=Europe/Berlin:20250301T090000\nDTSTART;TZID=Europe/Berlin:20250301T110000'],
  'an override in another zone': ['§\nDTSTART;TZID=Europe/Berlin:20250301T090000\nRRULE:FREQ=DAILY;COUNT=10', '§\nRECURRENCE-ID:20250305T080000Z\nDTSTART;TZID=Asia/Tehran:20250305T090000\nDURATION:PT2H'],
  'two rules': ['§\nDTSTART:20250101T090000Z\nRRULE:FREQ=WEEKLY;COUNT=10\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1;COUNT=10']
}

t.test('events of our own: random ones, and what they do not have', { skip: missing.dateutil, timeout: 200_000 }, async t => {
  const from = random(Number(process.env['ORACLE_SEED'] ?? 1))
  const texts = Array.from({ length: 600 }, (_, index) => randomHappening(from, `random-${index}`).text)
  for (const components of Object.values(written)) {
    const body = components.map(one => `BEGIN:VEVENT\n${one.replace('§', 'UID:1\nDTSTAMP:20250101T000000Z')}\nEND:VEVENT`).join('\n')
    texts.push(`BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//tests//EN\n${body}\nEND:VCALENDAR\n`)
  }
  const place = t.testdir()
  const paths = texts.map((text, index) => {
    writeFileSync(join(place, `${index}.ics`), text)
    return join(place, `${index}.ics`)
  })
  const { instances: count, different } = await compare(paths)
  t.ok(count > 10_000, `${count} instances`)
  t.same(different.slice(0, 5).map(one => ({ ...one, text: texts[Number(one.file.slice(0, -4))] })), [], `${different.length} are read otherwise`)
})
