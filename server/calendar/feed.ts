import { body } from '../../store/index/search.js'
import type { Member } from '../../store/home.js'
import { properties } from '../../store/property.js'
import { escapeText, type Property } from '../ical/component.js'
import { fromStored } from '../site/stored.js'
import { text } from '../xml/element.js'
import { apple, dav, type Name } from '../xml/name.js'
import type { FormWanted } from './form.js'
import { heavyBytes, inThread } from './heavy.js'
import { rendered, type Form } from './media.js'
import { partOf, type Part } from './part.js'
import { StreamZones } from './stream-zones.js'
import type { Holder } from './write.js'

/**
 * A calendar as one stream of iCalendar or jCal, in pieces: its name and colour as subscribers understand them, then objects, each
 * time zone once (`StreamZones`).
 * @param members  those that may be read; call `fresh` before
 */
export async function * feed ({ home, collection }: Holder, members: readonly Member[], wanted: FormWanted): AsyncGenerator<string> {
  const { open, between, close } = frames[wanted.form](rendered({ name: 'VCALENDAR', properties: headOf(collection), components: [], line: 0 }, wanted.form))
  yield open
  const zones = new StreamZones(wanted)
  let isFirst = true
  let waiting = ''
  let until = performance.now() + slice
  for (const { id } of members) {
    const bytes = body(home.index, id)
    const part = bytes === undefined ? nothing : await partIn(zones, bytes, wanted.form)
    for (const text of [...zones.unsent(part), ...part.others]) {
      waiting += isFirst ? text : between + text
      isFirst = false
    }
    if (waiting.length < 65_536 && performance.now() < until) continue
    yield waiting
    waiting = ''
    await new Promise(resolve => setImmediate(resolve))
    until = performance.now() + slice
  }
  yield waiting + close
}

const nothing: Part = { zones: [], others: [] }

/** What an object gives to the stream, by the names that its zones have there. */
async function partIn (zones: StreamZones, bytes: Buffer, form: Form): Promise<Part> {
  const part = await partBy(bytes, form)
  const names = zones.others(part)
  return names.size === 0 ? part : await partBy(bytes, form, names)
}

async function partBy (bytes: Buffer, form: Form, names?: ReadonlyMap<string, string>): Promise<Part> {
  return bytes.length > heavyBytes ? await inThread('part', { bytes, form, names }) : partOf(bytes, form, names)
}

/** What stands around and between the components, from a calendar that has none. */
const frames: Readonly<Record<Form, (empty: string) => { readonly open: string, readonly between: string, readonly close: string }>> = {
  text: empty => ({ open: empty.slice(0, empty.indexOf('END:VCALENDAR')), between: '', close: 'END:VCALENDAR\r\n' }),
  // ["vcalendar",[…],[ ]]
  json: empty => ({ open: empty.slice(0, -2), between: ',', close: ']]' })
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
