import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, type Request } from './connection.js'
import type { Contender } from './contender.js'
import { event, series, type Sample } from './event.js'
import type { Pace } from './measure.js'
import { monitored } from './monitored.js'
import { calendar } from './server-caldavd.js'
import type { Undo } from './undo.js'

/** How long the server's event loop may stand still at most, in ms. */
export const stallGoal = 50

/** What one request did. */
export interface Stall {
  readonly name: string
  readonly status: number
  /** Times in ms. */
  readonly took: number
  readonly stall: number
}

/** The longest stand-still of the server's event loop during requests that are much work, in a calendar of 10,000 events. */
export async function stalls (contender: Contender, pace: Pace, undo: Undo): Promise<readonly Stall[]> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
  undo.add(() => rm(directory, { recursive: true, force: true }))
  pace.say('filling a calendar of 10,000')
  const samples: Sample[] = Array.from({ length: 10_000 }, (_, n) => n % 5 === 0 ? series(n) : event(n))
  await contender.fill(directory, samples)
  const server = await monitored(directory, undo)
  const connection = new Connection(server.port, contender.credentials, 300)
  const found: Stall[] = []
  // the index is made first: that is what `cold` measures
  await connection.send(report(month('20250101T000000Z', '20250201T000000Z')))
  for (const { name, request, prepare } of scenes(samples)) {
    pace.say(name)
    for (const each of prepare ?? []) {
      const { status, body } = await connection.send(each)
      if (status >= 400) throw new Error(`${name}: ${each.method} was answered ${status}: ${body.toString('utf8', 0, 300)}`)
    }
    await sleep(200)
    await server.longest()
    const { status, milliseconds } = await connection.send(request)
    found.push({ name, status, took: milliseconds, stall: (await server.longest()).stall })
  }
  connection.close()
  return found
}

interface Scene {
  readonly name: string
  readonly prepare?: readonly Request[]
  readonly request: Request
}

function scenes (samples: readonly Sample[]): Scene[] {
  const hrefs = samples.slice(0, 5000).map(({ name }) => `<D:href>${calendar(0)}${name}</D:href>`).join('')
  const whole = '<D:prop><D:getetag/><C:calendar-data/></D:prop>'
  const expanded = '<D:prop><C:calendar-data><C:expand start="20250101T000000Z" end="20260101T000000Z"/></C:calendar-data></D:prop>'
  const monsters: Scene[] = Object.entries(hurtful()).flatMap(([name, lines]) => {
    const [file, text] = object(name, lines)
    return [
      { name: `PUT, ${name}`, request: put(file, text) },
      { name: `expand a year, ${name}`, request: report(`<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${expanded}<D:href>${calendar(0)}${file}</D:href></C:calendar-multiget>`) },
      { name: `query of alarms, ${name}`, request: report(query('<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM"><C:time-range start="20350101T000000Z" end="20350102T000000Z"/></C:comp-filter></C:comp-filter>')) },
      { name: `free-busy of a month, ${name}`, request: report(freeBusy('20350101T000000Z', '20350201T000000Z')) },
      { name: `DELETE, ${name}`, request: { method: 'DELETE', path: calendar(0) + file } }
    ]
  })
  return [
    { name: 'query of a month', request: report(month('20250301T000000Z', '20250401T000000Z')) },
    { name: 'query of all since 2010 with data', request: report(month('20100101T000000Z', '20400101T000000Z', whole)) },
    { name: 'query of a text in all', request: report(query('<C:comp-filter name="VEVENT"><C:prop-filter name="DESCRIPTION"><C:text-match>minutes</C:text-match></C:prop-filter></C:comp-filter>')) },
    { name: 'query of alarms in a month', request: report(query('<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM"><C:time-range start="20250101T000000Z" end="20250201T000000Z"/></C:comp-filter></C:comp-filter>')) },
    { name: 'query that expands a year of all', request: report(month('20250101T000000Z', '20260101T000000Z', expanded)) },
    { name: 'free-busy of a year', request: report(freeBusy('20250101T000000Z', '20260101T000000Z')) },
    { name: 'multiget of 5,000 with data', request: report(`<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${whole}${hrefs}</C:calendar-multiget>`) },
    { name: 'multiget of 5,000 as JSON', request: report(`<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${whole.replace('calendar-data/', 'calendar-data content-type="application/calendar+json"/')}${hrefs}</C:calendar-multiget>`) },
    { name: 'sync from nothing', request: report('<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>') },
    { name: 'PROPFIND of all', request: { method: 'PROPFIND', path: calendar(0), headers: { 'depth': '1', 'content-type': 'application/xml' }, body: '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>' } },
    { name: 'GET of the calendar', request: { method: 'GET', path: calendar(0), headers: { accept: 'text/calendar' } } },
    { name: 'GET of the calendar as JSON', request: { method: 'GET', path: calendar(0), headers: { accept: 'application/calendar+json' } } },
    {
      name: 'POST of 5,000 events in one file', prepare: [{ method: 'MKCALENDAR', path: '/calendars/users/alice/import/' }],
      request: { method: 'POST', path: '/calendars/users/alice/import/', headers: { 'content-type': 'text/calendar' }, body: many(5000) }
    },
    ...monsters
  ]
}

/** Objects near the largest that is taken (1 MB), built to be much work. */
function hurtful (): Record<string, readonly string[]> {
  const stamps = (count: number, name: string): string[] => Array.from({ length: Math.ceil(count / 500) }, (_, block) =>
    `${name}:${Array.from({ length: 500 }, (_, n) => stamp(block * 500 + n)).join(',')}`)
  const daily = ['DTSTART:20300101T000000Z', 'DTEND:20300101T010000Z', 'RRULE:FREQ=DAILY']
  return {
    '5,000 alarms': ['DTSTART:20300101T000000Z', 'RRULE:FREQ=HOURLY', ...Array.from({ length: 5000 }, (_, n) => ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:x', `TRIGGER:-PT${n + 1}M`, 'REPEAT:1000000', 'DURATION:PT1S', 'END:VALARM']).flat()],
    '50,000 EXDATE': [...daily, ...stamps(50_000, 'EXDATE')],
    '50,000 RDATE': [...daily, ...stamps(50_000, 'RDATE')],
    '25,000 PERIODs': [...daily, ...Array.from({ length: 50 }, (_, block) => `RDATE;VALUE=PERIOD:${Array.from({ length: 500 }, (_, n) => `${stamp(block * 500 + n)}/P3650D`).join(',')}`)],
    '20 EXRULEs each second': ['DTSTART:20300101T000000Z', 'RRULE:FREQ=SECONDLY', ...Array.from({ length: 20 }, (_, n) => `EXRULE:FREQ=SECONDLY;INTERVAL=${n + 2}`), 'EXRULE:FREQ=SECONDLY'],
    '10,000 attendees': [...daily, ...Array.from({ length: 10_000 }, (_, n) => `ATTENDEE;CN="Person ${n}";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:person${n}@example.org`)],
    'one line of 900 KB': [...daily, `DESCRIPTION:${'word\\, '.repeat(128_000)}`]
  }
}

function stamp (n: number): string {
  return new Date(Date.UTC(2030, 0, 1 + n)).toISOString().replace(/[-:]|\.\d+/g, '')
}

function object (name: string, lines: readonly string[]): [string, string] {
  const uid = name.replace(/\W+/g, '-')
  return [`${uid}.ics`, ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//caldavd//bench//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20200101T000000Z', 'SUMMARY:Much', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')]
}

/** One file as other programs export it. */
function many (count: number): string {
  const events = Array.from({ length: count }, (_, n) => event(n * 10 + 1).text.replace(/^[^]*?(?=BEGIN:VEVENT)|END:VCALENDAR\r\n$/g, '').replace('bench-', 'import-'))
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//caldavd//bench//EN\r\n${events.join('')}END:VCALENDAR\r\n`
}

function put (file: string, text: string): Request {
  return { method: 'PUT', path: calendar(0) + file, headers: { 'content-type': 'text/calendar' }, body: text }
}

function report (body: string): Request {
  return { method: 'REPORT', path: calendar(0), headers: { 'depth': '1', 'content-type': 'application/xml' }, body }
}

function query (inner: string, prop = '<D:prop><D:getetag/></D:prop>'): string {
  return `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${prop}<C:filter><C:comp-filter name="VCALENDAR">${inner}</C:comp-filter></C:filter></C:calendar-query>`
}

function month (start: string, end: string, prop?: string): string {
  return query(`<C:comp-filter name="VEVENT"><C:time-range start="${start}" end="${end}"/></C:comp-filter>`, prop)
}

function freeBusy (start: string, end: string): string {
  return `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="${start}" end="${end}"/></C:free-busy-query>`
}

/** What `stalls` found, for people. */
export function stallReport (found: readonly Stall[]): string {
  const lines = found.map(({ name, status, took, stall }) => `  ${name.padEnd(52)} ${status} ${took.toFixed(0).padStart(7)} ms  ${stall.toFixed(0).padStart(5)} ms${stall > stallGoal ? '  too long' : ''}`)
  return ['Requests that are much work: how long they take, and how long others wait at most', ...lines, ''].join('\n')
}
