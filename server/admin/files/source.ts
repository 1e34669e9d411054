import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { asText } from '../../calendar/media.js'
import { unescapeText } from '../../ical/component.js'
import { asCaller } from '../owner.js'
import { AdminError } from '../place.js'

/** Larger files are to be split first. */
const largest = 512 * 1024 * 1024
const deepest = 32

/** The files that a typed name stands for: itself, or all .ics files in a directory and below it. @throws AdminError for what is not there */
export function filesAt (typed: string): string[] {
  if (typed === '-') return ['-']
  return asCaller(() => {
    const stats = statSync(typed, { throwIfNoEntry: false })
    if (stats === undefined) throw new AdminError(`${typed} is not there; expected an iCalendar file (.ics), a directory of them, or - for standard input`)
    if (!stats.isDirectory()) return [typed]
    const found = icsBelow(typed, 0)
    if (found.length === 0) throw new AdminError(`there is no .ics file in the directory ${typed}`)
    return found
  })
}

// links are not followed, so that there is an end
function icsBelow (directory: string, depth: number): string[] {
  if (depth > deepest) return []
  const entries = readdirSync(directory, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.')).sort((a, b) => a.name < b.name ? -1 : 1)
  return entries.flatMap(entry => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? icsBelow(path, depth + 1) : entry.isFile() && /\.ics$/i.test(entry.name) ? [path] : []
  })
}

/**
 * The iCalendar text in a file; jCal is converted.
 * @throws AdminError for what is no iCalendar, saying what it is and what to do
 */
export async function textIn (path: string, stdin: Readable): Promise<Buffer> {
  const name = path === '-' ? 'standard input' : path
  const bytes = path === '-' ? await readAll(stdin) : readFile(path)
  const problem = problemOf(bytes, path)
  if (problem !== undefined) throw new AdminError(`${name} ${problem}`)
  return /^\s*\[\s*"vcalendar"/i.test(bytes.toString('latin1', 0, 200)) ? asText(bytes, 'application/calendar+json').bytes : bytes
}

function readFile (path: string): Buffer {
  return asCaller(() => {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      if (size > largest) throw tooLarge(path)
      return readFileSync(file)
    } finally {
      closeSync(file)
    }
  })
}

async function readAll (stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk))
    length += chunks.at(-1)?.length ?? 0
    if (length > largest) throw tooLarge('standard input')
  }
  return Buffer.concat(chunks)
}

function tooLarge (name: string): AdminError {
  return new AdminError(`${name} is larger than ${largest / 1024 ** 2} MB, which is the most that is imported at once: split it`)
}

/** What a file is instead, by how it begins. `is` may look at its first bytes as Latin-1, and at all of it. */
const others: readonly { readonly is: (head: string, bytes: Buffer) => boolean, readonly what: (path: string, head: string) => string }[] = [
  { is: (_, { length }) => length === 0, what: () => 'is empty' },
  { is: head => head.trim() === '', what: () => 'holds nothing but blanks' },
  { is: head => head.startsWith('PK\x03\x04'), what: path => `is a zip archive, such as Google Takeout makes: unzip it first, then import the directory (unzip ${shell(path)} -d unzipped; caldavd import unzipped …)` },
  { is: head => head.startsWith('\x1f\x8b'), what: path => `is compressed by gzip: unpack it first (gunzip -c ${shell(path)} | caldavd import - …)` },
  { is: head => head.startsWith('BZh') || head.startsWith('\xfd7zXZ') || head.startsWith('7z\xbc\xaf') || head.startsWith('\x28\xb5\x2f\xfd'), what: () => 'is compressed: unpack it first' },
  { is: head => head.startsWith('\xff\xfe') || head.startsWith('\xfe\xff') || /^B\0E\0G\0|^\0B\0E\0G/i.test(head), what: path => `is UTF-16, and calendars are UTF-8: convert it first (iconv -f UTF-16 -t UTF-8 ${shell(path)} | caldavd import - …)` },
  { is: head => /^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)/i.test(head), what: (_, head) => web(head) },
  { is: head => /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:\w+:)?icalendar/i.test(head), what: () => 'is xCal (XML), which is not read; expected iCalendar, which begins with BEGIN:VCALENDAR' },
  { is: head => /^(?:\xef\xbb\xbf)?\s*BEGIN:VCARD/i.test(head), what: () => 'is a vCard: it holds contacts, not events' },
  { is: head => head.startsWith('SQLite format 3'), what: () => 'is a database; export the calendar as iCalendar (.ics) in the program that made it' }
]

/** Why a file cannot be imported, as the rest of a sentence; `undefined` when it may be iCalendar or jCal. */
export function problemOf (bytes: Buffer, path: string): string | undefined {
  const head = bytes.toString('latin1', 0, 65_536)
  const other = others.find(({ is }) => is(head, bytes))
  if (other !== undefined) return other.what(path, head)
  if (/^(?:\xef\xbb\xbf)?\s*(?:BEGIN:VCALENDAR|\[)/i.test(head)) return undefined
  const line = /^[^\r\n]*/.exec(head.trimStart())?.[0].slice(0, 60) ?? ''
  return `is no iCalendar: expected BEGIN:VCALENDAR, found ${/[^\x20-\x7e]/.test(line) ? 'something that is no text' : JSON.stringify(line)}`
}

function web (head: string): string {
  const title = /<title[^>]*>([^<]{1,100})/i.exec(head)?.[1]?.trim()
  const isLogin = /accounts\.google\.com|sign in|log ?in|anmelden/i.test(head)
  const what = `is a web page${title === undefined ? '' : ` (${JSON.stringify(Buffer.from(title, 'latin1').toString())})`} and no calendar`
  return isLogin ? `${what}: what was saved is a login page. In Google Calendar take the "secret address in iCal format" of the calendar's settings, or Settings > Export` : what
}

function shell (path: string): string {
  return path === '-' ? 'FILE' : /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

/** What a file says of itself, where it says so. */
export interface About {
  readonly name: string | undefined
  /** '#RRGGBB' */
  readonly colour: string | undefined
  readonly timezone: string | undefined
}

/** X-WR-CALNAME, X-APPLE-CALENDAR-COLOR and X-WR-TIMEZONE (RFC 7986: NAME) before the first component. */
export function aboutOf (bytes: Buffer): About {
  const text = bytes.toString('utf8', 0, 65_536).replace(/\r?\n[ \t]/g, '')
  const end = text.search(/^BEGIN:(?!VCALENDAR)/im)
  const head = end < 0 ? text : text.slice(0, end)
  const value = (name: string): string | undefined => {
    const found = new RegExp(`^${name}(?:;[^:\\r\\n]*)?:([^\\r\\n]*)`, 'im').exec(head)?.[1]
    return found === undefined || found.trim() === '' ? undefined : unescapeText(found).trim().slice(0, 250)
  }
  return { name: value('X-WR-CALNAME') ?? value('NAME'), colour: /^#[\da-f]{6}/i.exec(value('X-APPLE-CALENDAR-COLOR') ?? '')?.[0], timezone: value('X-WR-TIMEZONE') }
}

/** The name of a file without its ending, for a calendar that has none of its own. */
export function bareName (path: string): string {
  return basename(path).replace(/\.ics$/i, '')
}
