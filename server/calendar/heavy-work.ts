import type { Facts } from '../../store/index/fact.js'
import { dataOf, type DataRequest } from './data.js'
import { asText, type Form } from './media.js'
import { partOf, type Part } from './part.js'
import { demandWithin, type Allowance } from '../ical/allowance.js'
import { describe } from '../ical/facts.js'
import { findings, type Findings } from '../ical/freebusy.js'
import { matches, type CompFilter } from '../ical/filter.js'
import type { Range } from '../ical/overlap.js'
import { decode, parse } from '../ical/parse.js'
import { zoneFrom, type PortableZone } from '../ical/portable-zone.js'
import { Budget } from '../ical/recur.js'
import { calendarObject } from '../ical/validate.js'

/** What can be done in a thread: plain values in, plain values out. */
export const works = {
  /** Bytes → what the index remembers of an object that is right; whether all is known in that time (ms). @throws IcalError */
  examine: ({ bytes, allowance, milliseconds }: { readonly bytes: Uint8Array, readonly allowance: Allowance, readonly milliseconds: number }): { readonly facts: Facts, readonly isKnown: boolean } => {
    const isKnown = demandWithin(calendarObject(decode(bytes)).calendar, allowance, milliseconds)
    return { facts: describe(bytes), isKnown }
  },

  /** jCal as the text that is stored. @throws DavError */
  asText: ({ bytes, mediaType }: { readonly bytes: Uint8Array, readonly mediaType: string }): Uint8Array => asText(Buffer.from(bytes), mediaType).bytes,

  /** Whether an object matches. One too monstrous to be searched through does: a client deletes what it does not find. */
  matches: ({ bytes, filter, floating }: { readonly bytes: Uint8Array, readonly filter: CompFilter, readonly floating: PortableZone }): boolean => {
    const budget = new Budget({ steps: 400_000, milliseconds: 500 })
    return matches(filter, parse(decode(bytes)), { floating: zoneFrom(floating), budget }) || budget.exhausted
  },

  /** What of an object is asked for. @throws DavError number-of-recurrences-within-limits, IcalError */
  data: ({ bytes, request, floating, instances }: { readonly bytes: Uint8Array, readonly request: DataRequest, readonly floating: PortableZone, readonly instances: number }): string =>
    dataOf(bytes, request, zoneFrom(floating), new Budget({ instances, steps: 400_000, milliseconds: 1000 })),

  /** What an object gives to a stream of many. */
  part: ({ bytes, form, names }: { readonly bytes: Uint8Array, readonly form: Form, readonly names: ReadonlyMap<string, string> | undefined }): Part => partOf(bytes, form, names),

  /** What an object says of a range; what is too much to list is one busy period. @throws IcalError */
  busy: ({ bytes, range, floating }: { readonly bytes: Uint8Array, readonly range: Range, readonly floating: PortableZone }): { readonly findings: Findings } => {
    const budget = new Budget({ steps: 400_000, milliseconds: 1000 })
    const found = findings([parse(decode(bytes))], range, zoneFrom(floating), budget)
    return { findings: found }
  }
}

export type Works = typeof works
export type WorkName = keyof Works
