import { DAY, yearOf } from './civil.js'
import { transitionsIn, type Kind, type PosixRule } from './posix-rule.js'
import { TableZone } from './zone-table.js'

/** All that is known of a zone: its history, and the rule that holds after the last transition. */
export interface ZoneData {
  /** Before the first transition. */
  readonly first: Kind
  /** UTC seconds, ascending. */
  readonly at: readonly number[]
  /** What begins at that moment. */
  readonly kind: readonly Kind[]
  readonly rule?: PosixRule
}

/** The zone that the data describe. */
export function zoneOfData (id: string, { first, at, kind, rule }: ZoneData): TableZone {
  const offset = kind.map(one => one.offset)
  return new TableZone(id, until => {
    const grown = { first: first.offset, at: [...at], offset: [...offset] }
    if (rule?.daylight === undefined) return grown
    const last = at.at(-1) ?? -Infinity
    for (const { at: when, kind } of transitionsIn(rule, last === -Infinity ? 1970 : yearOf(Math.floor(last / DAY)), yearOf(Math.floor(until / DAY)) + 1)) {
      if (when <= last) continue
      grown.at.push(when)
      grown.offset.push(kind.offset)
    }
    return grown
  })
}
