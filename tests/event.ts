/** An event of one hour as an object, CRLF. @param more  further properties of the VEVENT, or instead of the usual ones */
export function event (uid: string, more: Readonly<Record<string, string>> = {}): string {
  const properties = { UID: uid, DTSTAMP: '20260101T000000Z', DTSTART: '20260310T090000Z', DURATION: 'PT1H', SUMMARY: uid, ...more }
  return object('VEVENT', properties)
}

/** A calendar object of one component. */
export function object (type: string, properties: Readonly<Record<string, string>>): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//tests//EN', `BEGIN:${type}`, ...Object.entries(properties).map(([name, value]) => `${name}:${value}`), `END:${type}`, 'END:VCALENDAR', ''].join('\r\n')
}

/** What a calendar takes. */
export const calendarType = { 'content-type': 'text/calendar; charset=utf-8' }
