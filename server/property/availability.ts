import { properties } from '../../store/property.js'
import { failed } from '../dav/error.js'
import { IcalError } from '../ical/parse.js'
import { calendarObject } from '../ical/validate.js'
import { fromStored } from '../site/stored.js'
import type { Resource } from '../site/resource.js'
import { text, type Element } from '../xml/element.js'
import { caldav, cs } from '../xml/name.js'
import { escapeText } from '../xml/write.js'
import type { PropertyRow } from './property.js'

/** RFC 7953 7.2.4, with the name that its drafts had: iCal asks for that one, and on disk it is the only one. */
export const availabilityProperties: readonly PropertyRow[] = [
  { name: cs('calendar-availability'), on: ['inbox'], stored: true, check },
  { name: caldav('calendar-availability'), on: ['inbox'], settable: 'always', keptAs: cs('calendar-availability'), check, read: readAvailability }
]

function readAvailability ({ collection }: Resource): string | undefined {
  const kept = collection === undefined ? undefined : properties(collection.directory, '').get(cs('calendar-availability'))
  const value = kept === undefined ? undefined : fromStored(kept)
  return value === undefined ? undefined : escapeText(text(value))
}

// RFC 7953 7.2.4: an iCalendar object with one VAVAILABILITY and nothing else but time zones
function check (value: Element): void {
  const expected = 'calendar-availability: expected a VCALENDAR with one VAVAILABILITY'
  let found: string[]
  try {
    found = calendarObject(text(value).trim()).calendar.components.map(({ name }) => name).filter(name => name !== 'VTIMEZONE')
  } catch (error) {
    if (!(error instanceof IcalError)) throw error
    throw failed('valid-calendar-data', `${expected}: ${error.message}`)
  }
  if (found.length !== 1 || found[0] !== 'VAVAILABILITY') throw failed('valid-calendar-data', `${expected}, found ${found.join(', ').slice(0, 80)}`)
}
