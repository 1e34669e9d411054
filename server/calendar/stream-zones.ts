import { zoneNamed } from '../ical/timezone.js'
import { isStandardZone } from '../ical/vtimezone-write.js'
import type { FormWanted } from './form.js'
import { rendered } from './media.js'
import type { Part, PartZone } from './part.js'
import { standardZone } from './zones.js'

/**
 * The zones of a stream of many objects, in which each TZID means one thing. What everybody knows by a name keeps it, and is described as
 * the server knows it. A zone of an object's own keeps its name when nothing else has it, else it gets a number: `Europe/Berlin (2)`.
 */
export class StreamZones {
  readonly #wanted: FormWanted
  /** Name in the stream → key of the zone that has it. */
  readonly #meaning = new Map<string, string>()
  /** Key and name in the object → name in the stream. */
  readonly #names = new Map<string, string>()
  readonly #numbers = new Map<string, number>()
  readonly #sent = new Set<string>()

  constructor (wanted: FormWanted) {
    this.#wanted = wanted
  }

  /** The zones of an object that need another name: the one by which its part is to be made again. */
  others ({ zones }: Part): Map<string, string> {
    return new Map(zones.map(each => [each.tzid, this.#nameOf(each)] as const).filter(([tzid, name]) => tzid !== name))
  }

  /** The descriptions that the stream has not brought yet, printed. */
  unsent ({ zones }: Part): string[] {
    return zones.filter(({ tzid }) => !this.#sent.has(tzid) && this.#sent.add(tzid)).map(each => this.#describe(each)).filter(text => text !== '')
  }

  #nameOf ({ tzid, key }: PartZone): string {
    if (key === undefined) return tzid
    const asked = `${key} ${tzid}`
    const known = this.#names.get(asked)
    if (known !== undefined) return known
    let name = tzid
    let number = this.#numbers.get(tzid) ?? 2
    while (!this.#mayBe(name, key)) name = `${tzid} (${number++})`
    this.#numbers.set(tzid, number)
    this.#names.set(asked, name)
    this.#meaning.set(name, key)
    return name
  }

  #mayBe (name: string, key: string): boolean {
    return (this.#meaning.get(name) ?? key) === key && zoneNamed(name) === undefined
  }

  #describe ({ tzid, key, text }: PartZone): string {
    if (key !== undefined) return text
    // RFC 7809 3.1.3
    const zone = this.#wanted.zones === 'F' && isStandardZone(tzid) ? undefined : standardZone(tzid)
    return zone === undefined ? '' : rendered(zone, this.#wanted.form)
  }
}
