import type { Collection, Home } from '../../store/home.js'
import { body } from '../../store/index/search.js'
import { property, type Component } from '../ical/component.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { write } from '../ical/write.js'

/** A calendar as one iCalendar stream, in pieces: its objects by name, each time zone once. Call `fresh` before. */
export async function * feed (home: Home, collection: Collection): AsyncGenerator<string> {
  yield 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//caldavd//caldavd//EN\r\n'
  const zones = new Set<string>()
  let waiting = ''
  for (const { id } of home.members(collection)) {
    const bytes = body(home.index, id)
    if (bytes === undefined) continue
    waiting += partsOf(bytes, zones)
    if (waiting.length < 65_536) continue
    yield waiting
    waiting = ''
    await new Promise(resolve => setImmediate(resolve))
  }
  yield `${waiting}END:VCALENDAR\r\n`
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
