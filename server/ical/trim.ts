import type { Component } from './component.js'

/** CALDAV:comp of CALDAV:calendar-data (RFC 4791 9.6.1): which properties and components are wanted. Names in any case; the top is VCALENDAR. */
export interface CompSelect {
  readonly name: string
  readonly allProperties: boolean
  readonly properties: readonly PropSelect[]
  readonly allComponents: boolean
  readonly components: readonly CompSelect[]
}

/** CALDAV:prop (9.6.4); `novalue`: name and parameters, but not the value. */
export interface PropSelect {
  readonly name: string
  readonly novalue: boolean
}

/**
 * The parts of a calendar that were asked for (RFC 4791 9.6.1–9.6.4), in their order; what is not listed is left out, VTIMEZONE as well.
 * A component asked for by its name alone is given whole, as in the examples of 7.8.1 and 7.9.1.
 */
export function trim (calendar: Component, select: CompSelect): Component {
  return select.name.toUpperCase() === calendar.name ? selected(calendar, select) : calendar
}

function selected (component: Component, select: CompSelect): Component {
  if (isBare(select)) return component
  return {
    ...component,
    properties: select.allProperties ? component.properties : selectedProperties(component, select),
    components: select.allComponents ? component.components : selectedComponents(component, select)
  }
}

function isBare ({ allProperties, properties, allComponents, components }: CompSelect): boolean {
  return !allProperties && !allComponents && properties.length === 0 && components.length === 0
}

function selectedProperties ({ properties }: Component, select: CompSelect): Component['properties'] {
  const wanted = new Map(select.properties.map(({ name, novalue }) => [name.toUpperCase(), novalue]))
  return properties.flatMap(property => {
    const novalue = wanted.get(property.name)
    if (novalue === undefined) return []
    return [novalue ? { ...property, value: '' } : property]
  })
}

function selectedComponents ({ components }: Component, select: CompSelect): Component['components'] {
  const wanted = new Map(select.components.map(each => [each.name.toUpperCase(), each]))
  return components.flatMap(component => {
    const inner = wanted.get(component.name)
    return inner ? [selected(component, inner)] : []
  })
}
