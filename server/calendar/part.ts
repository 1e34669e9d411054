import type { Component } from '../ical/component.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import type { FormWanted } from './form.js'
import { rendered } from './media.js'
import { tzidOf, withZones } from './zones.js'

/** What an object gives to a stream of many: its components, printed. */
export interface Part {
  /** By TZID. */
  readonly zones: readonly (readonly [tzid: string, text: string])[]
  readonly others: readonly string[]
}

/** A pure function of values that can be sent to a thread; nothing for what cannot be read. */
export function partOf (bytes: Uint8Array, { form, zones }: FormWanted): Part {
  let calendar: Component
  try {
    calendar = parse(decode(bytes))
  } catch (error) {
    if (error instanceof IcalError) return { zones: [], others: [] }
    throw error
  }
  const { components } = zones === undefined ? calendar : withZones(calendar, zones)
  return {
    zones: components.filter(isZone).map(each => [tzidOf(each), rendered(each, form)]),
    others: components.filter(each => !isZone(each)).map(each => rendered(each, form))
  }
}

function isZone ({ name }: Component): boolean {
  return name === 'VTIMEZONE'
}
