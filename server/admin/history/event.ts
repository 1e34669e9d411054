import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { parameter, property, unescapeText, type Component, type Property } from '../../ical/component.js'
import { decode, parse } from '../../ical/parse.js'

/** What people know an event by. */
export interface Glimpse {
  /** One line without control characters; '' = it has none. */
  readonly summary: string
  /** As written: '2026-03-10 09:00 Europe/Berlin', '2026-03-10'; '' = it has none. */
  readonly start: string
}

/** More is not read for a glimpse. */
const mostBytes = 4 * 1024 * 1024

/** Summary and start of the event, task or journal entry in a file; `undefined` for what is none or cannot be read. Never throws. */
export function glimpse (file: string): Glimpse | undefined {
  try {
    const bytes = upTo(file, mostBytes)
    return bytes === undefined ? undefined : glimpseOf(bytes)
  } catch {
    return undefined
  }
}

function upTo (file: string, most: number): Buffer | undefined {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    if (size > most) return undefined
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0))
  } finally {
    closeSync(descriptor)
  }
}

/** As `glimpse`, of bytes. @throws IcalError */
export function glimpseOf (bytes: Uint8Array): Glimpse | undefined {
  const members = parse(decode(bytes)).components.filter(({ name }) => name !== 'VTIMEZONE')
  const main = members.find(member => property(member, 'RECURRENCE-ID') === undefined) ?? members[0]
  if (main === undefined) return undefined
  const summary = property(main, 'SUMMARY')
  return { summary: summary === undefined ? '' : printable(unescapeText(summary.value)), start: startOf(main) }
}

function startOf (main: Component): string {
  const found = property(main, 'DTSTART') ?? property(main, 'DUE')
  return found === undefined ? '' : dateText(found)
}

function dateText (start: Property): string {
  const [, year, month, day, hours, minutes, zulu] = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?$/i.exec(start.value) ?? []
  if (year === undefined) return printable(start.value)
  const date = `${year}-${month ?? ''}-${day ?? ''}`
  const zone = zulu === '' ? parameter(start, 'TZID') ?? '' : 'UTC'
  return hours === undefined ? date : `${date} ${hours}:${minutes ?? ''} ${printable(zone)}`.trimEnd()
}

/** Text for one line of a terminal: what is no letter becomes a blank. @param most  letters */
export function printable (text: string, most = 80): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  const letters = [...clean]
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : clean
}
