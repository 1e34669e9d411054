/** One event, CRLF, without time zone. @param times  in UTC, such as 20260105T090000Z */
export function event (uid: string, start: string, end: string, ...more: readonly string[]): string {
  return calendar('BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20260101T000000Z', `DTSTART:${start}`, `DTEND:${end}`, `SUMMARY:Event ${uid}`, ...more, 'END:VEVENT')
}

/** One task. */
export function task (uid: string, ...more: readonly string[]): string {
  return calendar('BEGIN:VTODO', `UID:${uid}`, 'DTSTAMP:20260101T000000Z', `SUMMARY:Task ${uid}`, ...more, 'END:VTODO')
}

/** A VCALENDAR around lines. */
export function calendar (...lines: readonly string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//caldavd//tests//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n')
}

/** A moment so many days from now, in UTC: 20260105T090000Z. */
export function daysFromNow (days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:]|\.\d+/g, '')
}
