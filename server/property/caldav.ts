import type { Settings } from '../../conf/settings.js'
import { failed } from '../dav/error.js'
import { mediaTypes } from '../calendar/media.js'
import { collations } from '../ical/collation.js'
import { scaleNames } from '../ical/recur.js'
import { objectTypes } from '../ical/validate.js'
import { componentSet, componentsIn, usualComponents } from '../site/component-set.js'
import type { Kind } from '../site/kind.js'
import { homeHref } from '../site/resource.js'
import { child, element, elements, type Element } from '../xml/element.js'
import { apple, caldav, dav, me } from '../xml/name.js'
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
  { name: caldav('supported-calendar-component-set'), on: withFolder, stored: true, settable: 'initially', check: checkComponents, read: ({ kind }) => kind === 'calendar' ? content(componentSet(usualComponents)) : undefined },
  // draft-daboo-caldav-extensions 4.1
  { name: caldav('supported-calendar-component-sets'), on: ['home'], read: () => creatableSets },
  { name: me('bulk-requests'), on, read: (_, { site }) => bulkLimits(site.settings.limits) },
  { name: caldav('supported-calendar-data'), on: withHome, read: () => Object.values(mediaTypes).map(type => `<C:calendar-data content-type="${type}" version="2.0"/>`).join('') },
  // RFC 4791 7.5.1: wherever calendar-query is answered
  { name: caldav('supported-collation-set'), on: [...withHome, 'folder', 'event'], read: () => collations.map(name => `<C:supported-collation>${name}</C:supported-collation>`).join('') },
  // RFC 7529 10.1
  { name: caldav('supported-rscale-set'), on: withHome, read: () => scaleNames.map(name => `<C:supported-rscale>${name}</C:supported-rscale>`).join('') },
  { name: caldav('max-resource-size'), on: withHome, read: (_, { site }) => String(site.settings.limits.resourceBytes) },
  { name: caldav('max-instances'), on: withHome, read: (_, { site }) => String(site.settings.limits.instances) },
  // RFC 4791 5.2.6, 5.2.7, 5.2.9: not there = no limit
  { name: caldav('min-date-time'), on: withHome, read: (_, { site }) => site.settings.limits.minDateTime },
  { name: caldav('max-date-time'), on: withHome, read: (_, { site }) => site.settings.limits.maxDateTime },
  { name: caldav('max-attendees-per-instance'), on: withHome, read: (_, { site }) => site.settings.limits.attendees === 0 ? undefined : String(site.settings.limits.attendees) },
  { name: caldav('schedule-calendar-transp'), on: withFolder, stored: true, check: checkTransparency, read: ({ kind }) => kind === 'calendar' ? '<C:opaque/>' : undefined },
  { name: caldav('schedule-default-calendar-URL'), on: ['inbox'], stored: true, check: checkHref, read: ({ owner, home }) => owner !== undefined && home?.collection('calendar') !== undefined ? hrefElement(`${homeHref(owner)}calendar/`) : undefined },
  { name: caldav('calendar-free-busy-set'), on: ['inbox'], stored: true },
  { name: apple('calendar-color'), on: withFolder, stored: true },
  { name: apple('calendar-order'), on: withFolder, stored: true }
]

/** What clients may want a calendar for; Reminders looks for one of tasks alone. */
const creatableSets = [usualComponents, ['VEVENT', 'VTODO', 'VJOURNAL'], ['VEVENT', 'VTODO'], ['VEVENT', 'VJOURNAL'], ['VTODO', 'VJOURNAL'], ['VEVENT'], ['VTODO'], ['VJOURNAL'], ['VFREEBUSY'], ['VAVAILABILITY']]
  .map(types => fragment(componentSet(types))).join('')

/** Apple's bulk changes 5.1 */
function bulkLimits ({ importObjects, bulkObjects, bodyBytes, xmlBytes }: Settings['limits']): string {
  const limits = (name: string, resources: number, bytes: number): Element =>
    element(me(name), element(me('max-resources'), String(resources)), element(me('max-bytes'), String(bytes)))
  return fragment(limits('simple', importObjects, bodyBytes)) + fragment(limits('crud', bulkObjects, Math.min(xmlBytes, bodyBytes)))
}

function content (element: Element): string {
  return elements(element).map(each => fragment(each)).join('')
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
