import { failed } from '../dav/error.js'
import { IcalError } from '../ical/parse.js'
import { collations } from '../ical/collation.js'
import { objectTypes } from '../ical/validate.js'
import { zoneFromCalendar } from '../ical/timezone.js'
import { componentSet, componentsIn, usualComponents } from '../site/component-set.js'
import type { Kind } from '../site/kind.js'
import { homeHref } from '../site/resource.js'
import { child, elements, text, type Element } from '../xml/element.js'
import { apple, caldav, dav } from '../xml/name.js'
import { fragment } from '../xml/write.js'
import { hrefElement } from './href.js'
import type { PropertyRow } from './property.js'

const on: readonly Kind[] = ['calendar']
// iCal gives its subscriptions what it gives calendars; those are folders here
const withFolder: readonly Kind[] = [...on, 'folder']
const withHome: readonly Kind[] = ['calendar', 'inbox', 'home']

/** RFC 4791 5.2 and 7.5.1, RFC 6638 9, and Apple's colour and order */
export const caldavProperties: readonly PropertyRow[] = [
  { name: caldav('calendar-description'), on: withFolder, stored: true },
  { name: caldav('calendar-timezone'), on: withFolder, stored: true, check: checkTimezone },
  { name: caldav('supported-calendar-component-set'), on: withFolder, stored: true, settable: 'initially', check: checkComponents, read: ({ kind }) => kind === 'calendar' ? content(componentSet(usualComponents)) : undefined },
  { name: caldav('supported-calendar-data'), on: withHome, read: () => '<C:calendar-data content-type="text/calendar" version="2.0"/>' },
  { name: caldav('supported-collation-set'), on: withHome, read: () => collations.map(name => `<C:supported-collation>${name}</C:supported-collation>`).join('') },
  { name: caldav('max-resource-size'), on: withHome, read: (_, { site }) => String(site.settings.limits.resourceBytes) },
  { name: caldav('max-instances'), on: withHome, read: (_, { site }) => String(site.settings.limits.instances) },
  { name: caldav('schedule-calendar-transp'), on: withFolder, stored: true, check: checkTransparency, read: ({ kind }) => kind === 'calendar' ? '<C:opaque/>' : undefined },
  { name: caldav('schedule-default-calendar-URL'), on: ['inbox'], stored: true, check: checkHref, read: ({ owner, home }) => owner !== undefined && home?.collection('calendar') !== undefined ? hrefElement(`${homeHref(owner)}calendar/`) : undefined },
  { name: caldav('calendar-free-busy-set'), on: ['inbox'], stored: true },
  { name: apple('calendar-color'), on: withFolder, stored: true },
  { name: apple('calendar-order'), on: withFolder, stored: true }
]

function content (element: Element): string {
  return elements(element).map(each => fragment(each)).join('')
}

// RFC 4791 5.2.2: exactly one VTIMEZONE
function checkTimezone (value: Element): void {
  try {
    if (zoneFromCalendar(text(value)) !== undefined) return
  } catch (error) {
    if (!(error instanceof IcalError)) throw error
    throw failed('valid-calendar-data', `calendar-timezone: ${error.message}`)
  }
  throw failed('valid-calendar-data', 'calendar-timezone: expected a VCALENDAR with one VTIMEZONE')
}

function checkComponents (value: Element): void {
  const types = componentsIn(value)
  const unknown = types?.find(type => !(objectTypes as readonly string[]).includes(type))
  if (types === undefined || types.length === 0 || unknown !== undefined) {
    throw failed('supported-calendar-component', `supported-calendar-component-set: expected CALDAV:comp elements naming ${objectTypes.join(', ')}, found ${unknown ?? 'none'}`)
  }
}

function checkTransparency (value: Element): void {
  const [state, ...others] = elements(value)
  if (others.length > 0 || (state?.name !== caldav('opaque') && state?.name !== caldav('transparent'))) {
    throw failed('cannot-modify-protected-property', 'schedule-calendar-transp: expected CALDAV:opaque or CALDAV:transparent')
  }
}

function checkHref (value: Element): void {
  if (child(value, dav('href')) === undefined) throw failed('valid-schedule-default-calendar-URL', 'schedule-default-calendar-URL: expected one DAV:href')
}
