import { elements, elementWith, element, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'

/** What calendars hold that do not say otherwise. */
export const usualComponents: readonly string[] = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY']

/** CALDAV:supported-calendar-component-set for these types. */
export function componentSet (types: readonly string[]): Element {
  return element(caldav('supported-calendar-component-set'), ...types.map(name => elementWith(caldav('comp'), { name })))
}

/** The types in a CALDAV:supported-calendar-component-set, in upper case; `undefined` when a name is missing. */
export function componentsIn (set: Element): string[] | undefined {
  const names = elements(set, caldav('comp')).map(comp => comp.attributes['name']?.toUpperCase())
  return names.every(name => name !== undefined) ? names : undefined
}
