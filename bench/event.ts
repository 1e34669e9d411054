/** One generated calendar object. `name` is the last URL segment and the file name. */
export interface Sample {
  readonly name: string
  readonly text: string
}

/** The first day of the ten years over which events are spread. */
const first = Date.UTC(2020, 0, 1)
const days = 3652
const hour = 3_600_000

/**
 * The nth event: the same text for the same arguments in every run. Every tenth one recurs
 * (weekly, monthly, daily, yearly in turn; half of these without end) and has its own VTIMEZONE.
 * @param version  goes into SUMMARY and SEQUENCE, so that a change changes the bytes
 */
export function event (n: number, version = 0): Sample {
  const uid = `bench-${n.toString(36).padStart(6, '0')}@example.org`
  // Knuth's multiplicative hash: neighbours in name are not neighbours in time
  const at = new Date(first + (Math.imul(n, 0x9E3779B1) >>> 0) % days * 24 * hour + (7 + n % 11) * hour)
  const body = n % 10 === 0 ? recurring(n / 10, at) : single(at)
  return { name: `${uid.slice(0, 12)}.ics`, text: calendar(uid, n, version, body) }
}

/** The nth event again, recurring without end since 2010: weekly, monthly, daily and yearly in turn. */
export function series (n: number): Sample {
  const uid = `bench-${n.toString(36).padStart(6, '0')}@example.org`
  const at = new Date(Date.UTC(2010, n % 12, 1 + n % 28, 7 + n % 11))
  const rule = [`FREQ=WEEKLY;BYDAY=${weekdays[at.getUTCDay()]}`, 'FREQ=MONTHLY', 'FREQ=DAILY', 'FREQ=YEARLY'][Math.floor(n / 5) % 4]
  const lines = [`DTSTART;TZID=Europe/Berlin:${utc(at).slice(0, -1)}`, 'DURATION:PT45M', `RRULE:${rule}`]
  return { name: `${uid.slice(0, 12)}.ics`, text: calendar(uid, n, 0, { zone: berlin, lines }) }
}

/** The first `size` events. */
export function events (size: number): Sample[] {
  return Array.from({ length: size }, (_, n) => event(n))
}

/** A month of 2025, the middle of the ten years, as a UTC time range; `n` counts on over December. */
export function month (n: number): { start: string, end: string } {
  return { start: utc(new Date(Date.UTC(2025, n % 12, 1))), end: utc(new Date(Date.UTC(2025, n % 12 + 1, 1))) }
}

function single (at: Date): Body {
  return { zone: '', lines: [`DTSTART:${utc(at)}`, `DTEND:${utc(new Date(at.getTime() + hour))}`] }
}

function recurring (n: number, at: Date): Body {
  const weekday = weekdays[at.getUTCDay()]
  const rule = [`FREQ=WEEKLY;BYDAY=${weekday}`, 'FREQ=MONTHLY', 'FREQ=DAILY', 'FREQ=YEARLY'][n % 4]
  const end = n % 8 < 4 ? '' : ';COUNT=20'
  const local = utc(at).slice(0, -1)
  return {
    zone: berlin,
    lines: [`DTSTART;TZID=Europe/Berlin:${local}`, 'DURATION:PT45M', `RRULE:${rule}${end}`]
  }
}

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']

interface Body {
  readonly zone: string
  readonly lines: readonly string[]
}

function calendar (uid: string, n: number, version: number, body: Body): string {
  return [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//caldavd//bench//EN',
    ...(body.zone === '' ? [] : [body.zone]),
    'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20200101T000000Z', `SEQUENCE:${version}`,
    `SUMMARY:Meeting ${n}\\, version ${version}`,
    'LOCATION:Room 4.12\\, second floor',
    'DESCRIPTION:What we agreed on last time\\, what became of it\\, and who does',
    '  what until the next time. Please read the minutes before you come\\, they',
    '  are in the usual place and not long.',
    'CATEGORIES:WORK,PLANNING', 'TRANSP:OPAQUE', 'CLASS:PUBLIC',
    ...body.lines,
    'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'DESCRIPTION:Reminder', 'END:VALARM',
    'END:VEVENT', 'END:VCALENDAR', ''
  ].join('\r\n')
}

const berlin = [
  'BEGIN:VTIMEZONE', 'TZID:Europe/Berlin',
  'BEGIN:DAYLIGHT', 'DTSTART:19810329T020000', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
  'TZNAME:CEST', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'END:DAYLIGHT',
  'BEGIN:STANDARD', 'DTSTART:19961027T030000', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
  'TZNAME:CET', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'END:STANDARD',
  'END:VTIMEZONE'
].join('\r\n')

function utc (at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, '')
}
