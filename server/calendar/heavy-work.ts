import type { Facts } from '../../store/index/fact.js'
import { describe } from '../ical/facts.js'
import { decode } from '../ical/parse.js'
import { calendarObject } from '../ical/validate.js'

/** What can be done in a thread: plain values in, plain values out. */
export const works = {
  /** Bytes → what the index remembers of an object that is right. @throws IcalError */
  examine: ({ bytes }: { readonly bytes: Uint8Array }): Facts => {
    calendarObject(decode(bytes))
    return describe(bytes)
  }
}

export type Works = typeof works
export type WorkName = keyof Works
