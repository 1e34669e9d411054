import type { Component, Property } from './component.js'
import { isName, propertyFromJcal, propertyToJcal } from './jcal-property.js'
import { IcalError } from './parse.js'

/** As in `parse.ts`: components inside components, and content lines. */
const mostDeep = 8
const mostLines = 250_000

/** Component → jCal (RFC 7265 3), ready for JSON.stringify: `[name, properties, components]`. */
export function toJcal ({ name, properties, components }: Component): unknown {
  return [name.toLowerCase(), properties.map(propertyToJcal), components.map(toJcal)]
}

/**
 * jCal as JSON.parse gives it → the VCALENDAR in it (RFC 7265 4), values escaped as in a content line. Read gently: names in any case, one
 * value with or without an array, dates without signs. It has no lines: `line` is 0 throughout.
 * @throws IcalError valid-calendar-data, saying in which component and property, and what was expected
 */
export function fromJcal (json: unknown): Component {
  if (!Array.isArray(json) || typeof json[0] !== 'string' || json[0].toLowerCase() !== 'vcalendar') throw refused('', 'expected one jCal object: ["vcalendar", properties, components]')
  const left = { lines: mostLines }
  return component(json, '', 1, left)
}

function component (json: unknown, outer: string, depth: number, left: { lines: number }): Component {
  if (!Array.isArray(json) || json.length !== 3 || !isName(json[0]) || !Array.isArray(json[1]) || !Array.isArray(json[2])) {
    throw refused(outer, 'expected a component: [name, properties, components]')
  }
  const name = json[0].toUpperCase()
  const where = outer === '' ? name : `${outer}/${name}`
  if (depth > mostDeep) throw refused(where, `expected components at most ${mostDeep} deep`)
  if (depth > 1 && name === 'VCALENDAR') throw refused(where, 'expected one VCALENDAR')
  const [, properties, components] = json as [unknown, unknown[], unknown[]]
  left.lines -= properties.length + components.length
  if (left.lines < 0) throw refused(where, `expected at most ${mostLines} properties and components`)
  return {
    name,
    properties: properties.map((each, position): Property => propertyFromJcal(each, expected => refused(`${where}, property ${position + 1}`, expected))),
    components: components.map((each, position) => component(each, `${where}[${position + 1}]`, depth + 1, left)),
    line: 0
  }
}

function refused (where: string, expected: string): IcalError {
  return new IcalError('valid-calendar-data', where === '' ? expected : `${where}: ${expected}`)
}
