import { body } from '../../store/index/search.js'
import type { Member } from '../../store/home.js'
import { properties } from '../../store/property.js'
import { escapeText, property, type Component, type Property } from '../ical/component.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { write } from '../ical/write.js'
import { fromStored } from '../site/stored.js'
import { text } from '../xml/element.js'
import { apple, dav, type Name } from '../xml/name.js'
import type { Holder } from './write.js'

/**
 * A calendar as one iCalendar stream, in pieces: its name and colour as subscribers understand them, then objects, each time
 * zone once.
 * @param members  those that may be read; call `fresh` before
 */
export async function * feed ({ home, collection }: Holder, members: readonly Member[]): AsyncGenerator<string> {
  const head = write({ name: 'VCALENDAR', properties: headOf(collection), components: [], line: 0 })
  yield head.slice(0, head.indexOf('END:VCALENDAR'))
  const zones = new Set<string>()
  let waiting = ''
  let until = performance.now() + slice
  for (const { id } of members) {
    const bytes = body(home.index, id)
    if (bytes !== undefined) waiting += partsOf(bytes, zones)
    if (waiting.length < 65_536 && performance.now() < until) continue
    yield waiting
    waiting = ''
    await new Promise(resolve => setImmediate(resolve))
    until = performance.now() + slice
  }
  yield `${waiting}END:VCALENDAR\r\n`
}

/** Others get their turn after so many ms of a long stream. */
const slice = 15

/** The name of a calendar: as its owner called it, else that of its directory. */
export function titleOf ({ directory, path }: Holder['collection']): string {
  return valueOf(directory, dav('displayname')) ?? path.slice(path.lastIndexOf('/') + 1)
}

function headOf (collection: Holder['collection']): Property[] {
  const color = valueOf(collection.directory, apple('calendar-color'))
  return [
    line('VERSION', '2.0'),
    line('PRODID', '-//caldavd//caldavd//EN'),
    line('X-WR-CALNAME', escapeText(titleOf(collection))),
    // #RRGGBB or #RRGGBBAA; readers know the first
    ...color !== undefined && /^#[\da-f]{6}(?:[\da-f]{2})?$/i.test(color) ? [line('X-APPLE-CALENDAR-COLOR', color.slice(0, 7))] : []
  ]
}

function valueOf (directory: string, name: Name): string | undefined {
  const kept = properties(directory, '').get(name)
  const value = kept === undefined ? undefined : fromStored(kept)
  return (value === undefined ? undefined : text(value).trim()) || undefined
}

const none: Property['parameters'] = Object.freeze(Object.create(null) as Property['parameters'])

function line (name: string, value: string): Property {
  return { name, value, parameters: none, line: 0 }
}

function partsOf (bytes: Buffer, zones: Set<string>): string {
  let calendar: Component
  try {
    calendar = parse(decode(bytes))
  } catch (error) {
    if (error instanceof IcalError) return ''
    throw error
  }
  return calendar.components.filter(component => isNew(component, zones)).map(write).join('')
}

function isNew (component: Component, zones: Set<string>): boolean {
  if (component.name !== 'VTIMEZONE') return true
  const id = property(component, 'TZID')?.value ?? ''
  if (zones.has(id)) return false
  zones.add(id)
  return true
}
