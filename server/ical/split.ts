import { createHash } from 'node:crypto'
import { IcalError } from './parse.js'
import { plainName } from './zone-name.js'

/** One object of a file that holds many: all components of one UID. */
export interface SplitObject {
  /** As written; made from the component where it has none. */
  readonly uid: string
  /** Whether the UID is the file's own. */
  readonly isNamed: boolean
  /** Physical line of the file where its first component begins, counted from 1. */
  readonly line: number
  /** Its components as they stand in the file, with the time zones they name, in a VCALENDAR without METHOD. */
  bytes: () => Buffer
  /** How many octets `bytes` has, known without making them. */
  size: () => number
  /** The line of the file that a line of `bytes` is; `line` for one that the file does not have. */
  lineOf: (line: number) => number
}

/** A piece of the file, in octets. */
interface Range { readonly start: number, readonly end: number }

/** A component directly inside a VCALENDAR. */
interface Part extends Range {
  readonly name: string
  readonly line: number
  /** Where the first line after its BEGIN starts. */
  readonly body: number
  uid: string | undefined
  /** The line of a UID that says nothing. */
  emptyUid: Range | undefined
  /** The TZIDs its properties name; of a VTIMEZONE the one it defines. */
  readonly zones: Set<string>
}

interface Calendar {
  /** The lines that each object begins with. */
  readonly head: Range[]
  readonly zones: Map<string, Part>
  hasMethod: boolean
}

interface Group extends SplitObject { readonly calendar: Calendar, readonly parts: Part[] }

/** What of a VCALENDAR belongs to each of its objects; the rest is about the file: its name, its colour, its METHOD. */
const kept: ReadonlySet<string> = new Set(['VERSION', 'PRODID', 'CALSCALE'])
/** Pauses are offered after so many lines or octets. */
const strideLines = 500
const strideBytes = 65_536
const mostParts = 250_000
const deepest = 8
/** So many octets of a content line are looked at: more than any UID, or parameters before a value, can honestly take. */
const mostOfLine = 8192

/**
 * Splits a file into objects by UID, without parsing or copying it (RFC 4791 4.1). Several VCALENDARs after each other count as one file,
 * each with its own time zones. What is in the objects is not looked at: that is for `calendarObject`.
 * Each `yield` offers a pause and says how many objects were found.
 * @throws IcalError valid-calendar-data when components do not nest
 */
export function * split (bytes: Buffer): Generator<number, readonly SplitObject[]> {
  const scan = new Scan(bytes)
  let lines = 0
  let paused = 0
  for (const line of logicalLines(bytes)) {
    if (line.isWhole) scan.take(line)
    if (line.isWhole && ++lines % strideLines !== 0 && line.end - paused < strideBytes) continue
    paused = line.end
    yield scan.groups.length
  }
  scan.finish()
  return scan.groups
}

/** Reads lines and remembers where things are. */
class Scan {
  readonly groups: Group[] = []
  calendars = 0
  readonly #bytes: Buffer
  readonly #open: { readonly name: string, readonly line: number }[] = []
  #calendar: Calendar = { head: [], zones: new Map(), hasMethod: false }
  #part: Omit<Part, 'end'> | undefined
  #byUid = new Map<string, Group>()
  readonly #made = new Map<string, number>()
  #parts = 0
  #last = 1

  constructor (bytes: Buffer) {
    this.#bytes = bytes
  }

  take ({ content, start, end, line }: Line): void {
    this.#last = line
    if (content.trim() === '') return
    const at = content.search(/[;:]/)
    const name = content.slice(0, at < 0 ? undefined : at).toUpperCase()
    if (name === 'BEGIN') this.#begin(content.slice(at + 1).trim().toUpperCase(), start, end, line)
    else if (this.#open.length === 0) throw refused(line, `expected BEGIN:VCALENDAR, found ${JSON.stringify(content.slice(0, 60))}`)
    else if (name === 'END') this.#end(content.slice(at + 1).trim().toUpperCase(), end, line)
    else if (this.#part === undefined) this.#head(name, start, end)
    else this.#property(this.#part, name, content, start, end)
  }

  finish (): void {
    const open = this.#open.at(-1)
    if (open !== undefined) throw refused(this.#last, `expected END:${open.name} (begun in line ${open.line}), found the end of the text`)
    if (this.calendars === 0) throw refused(1, 'expected BEGIN:VCALENDAR, found nothing')
  }

  #begin (name: string, start: number, end: number, line: number): void {
    const depth = this.#open.length
    if ((depth === 0) !== (name === 'VCALENDAR')) throw refused(line, depth === 0 ? `expected BEGIN:VCALENDAR, found BEGIN:${name.slice(0, 40)}` : `expected no VCALENDAR inside ${this.#open.at(-1)?.name ?? ''}`)
    if (depth >= deepest) throw refused(line, `expected components at most ${deepest} deep`)
    if (depth === 0) {
      this.calendars++
      this.#calendar = { head: [], zones: new Map(), hasMethod: false }
      this.#byUid = new Map()
    } else if (depth === 1) {
      if (++this.#parts > mostParts) throw refused(line, `expected at most ${mostParts} components`)
      this.#part = { name, line, start, body: end, uid: undefined, emptyUid: undefined, zones: new Set() }
    }
    this.#open.push({ name, line })
  }

  #end (name: string, end: number, line: number): void {
    const open = this.#open.pop()
    if (open?.name !== name) throw refused(line, `expected END:${open?.name ?? ''} (begun in line ${open?.line ?? 1}), found END:${name.slice(0, 40)}`)
    if (this.#open.length !== 1 || this.#part === undefined) return
    const part: Part = { ...this.#part, end }
    this.#part = undefined
    if (part.name !== 'VTIMEZONE') this.#group(part)
    else for (const zone of part.zones) if (!this.#calendar.zones.has(zone)) this.#calendar.zones.set(zone, part)
  }

  #head (name: string, start: number, end: number): void {
    if (name === 'METHOD') this.#calendar.hasMethod = true
    if (kept.has(name)) this.#calendar.head.push({ start, end })
  }

  #property (part: Omit<Part, 'end'>, name: string, content: string, start: number, end: number): void {
    const isOwn = this.#open.length === 2
    if (part.name === 'VTIMEZONE') {
      if (isOwn && name === 'TZID') part.zones.add(plainName(valueOf(content)))
    } else if (isOwn && name === 'UID' && part.uid === undefined) {
      const uid = utf8(valueOf(content))
      if (uid.trim() === '') part.emptyUid = { start, end }
      else part.uid = uid
    } else if (zoneParameter.test(content)) {
      // one too many, from inside a quoted value, does no harm
      for (const [, quoted, plain] of headOf(content).matchAll(zoneParameters)) part.zones.add(plainName(unescaped(quoted ?? plain ?? '')))
    }
  }

  #group (part: Part): void {
    const calendar = this.#calendar
    const known = part.uid === undefined ? undefined : this.#byUid.get(part.uid)
    if (known !== undefined) {
      known.parts.push(part)
      return
    }
    const isNamed = part.uid !== undefined
    const pieces = (): readonly Buffer[] => this.groups.length === 1 && this.calendars === 1 && isNamed && !calendar.hasMethod ? [this.#bytes] : piecesOf(this.#bytes, group)
    const group: Group = {
      calendar, uid: part.uid ?? this.#uidFor(part), isNamed, parts: [part], line: part.line,
      bytes: () => joined(pieces()),
      size: () => pieces().reduce((sum, piece) => sum + piece.length, 0),
      lineOf: line => lineIn(this.#bytes, pieces(), line) ?? part.line
    }
    if (part.uid !== undefined) this.#byUid.set(part.uid, group)
    this.groups.push(group)
  }

  /** The same for the same component, so that who imports a file twice has everything once. */
  #uidFor ({ start, end }: Part): string {
    const digest = createHash('sha256').update(this.#bytes.subarray(start, end)).digest('hex').slice(0, 32)
    const times = (this.#made.get(digest) ?? 0) + 1
    this.#made.set(digest, times)
    return times === 1 ? digest : `${digest}-${times}`
  }
}

const zoneParameter = /;TZID=/i
const zoneParameters = /;TZID=(?:"([^"]*)"|([^;:,]*))/gi

/** Name and parameters of a content line, with the colon; nothing when there is none. */
function headOf (content: string): string {
  return /^[^:;]*(?:;[^:;"]*(?:"[^"]*"[^:;"]*)*)*:/.exec(content)?.[0] ?? ''
}

function valueOf (content: string): string {
  const { length } = headOf(content)
  return length === 0 ? '' : content.slice(length)
}

/** RFC 6868 3.1 */
function unescaped (parameter: string): string {
  return parameter.replace(/\^[n'^]/g, pair => pair === '^n' ? '\n' : pair === '^^' ? '^' : '"')
}

function utf8 (latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

function joined (pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
}

/** Where a line of the pieces is in the whole; undefined when it is in none of its pieces. */
function lineIn (bytes: Buffer, pieces: readonly Buffer[], line: number): number | undefined {
  let passed = 0
  for (const piece of pieces) {
    const lines = linesIn(piece, piece.length)
    if (line <= passed + lines) {
      const start = piece.byteOffset - bytes.byteOffset
      return piece.buffer !== bytes.buffer || start < 0 || start >= bytes.length ? undefined : linesIn(bytes, start) + line - passed
    }
    passed += lines
  }
  return undefined
}

function linesIn (bytes: Buffer, end: number): number {
  let count = 0
  for (let at = bytes.indexOf(LF); at !== -1 && at < end; at = bytes.indexOf(LF, at + 1)) count++
  return count
}

function piecesOf (bytes: Buffer, { calendar, uid, isNamed, parts }: Group): readonly Buffer[] {
  const zones = new Set<Part>()
  for (const part of parts) {
    for (const name of part.zones) {
      const zone = calendar.zones.get(name)
      if (zone !== undefined) zones.add(zone)
    }
  }
  const pieces: Buffer[] = [Buffer.from('BEGIN:VCALENDAR\r\n')]
  for (const { start, end } of [...calendar.head, ...zones]) pieces.push(bytes.subarray(start, end))
  for (const { start, body, emptyUid, end } of parts) {
    if (isNamed) pieces.push(bytes.subarray(start, end))
    else pieces.push(bytes.subarray(start, body), Buffer.from(`UID:${uid}\r\n`), bytes.subarray(body, emptyUid?.start ?? body), bytes.subarray(emptyUid?.end ?? body, end))
  }
  pieces.push(Buffer.from('END:VCALENDAR\r\n'))
  return pieces
}

/** One content line (RFC 5545 3.1) as Latin-1 text, of a long one the beginning; or, not whole, so much of one that a pause is due. */
interface Line extends Range { readonly content: string, readonly line: number, readonly isWhole: boolean }

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9

function * logicalLines (bytes: Buffer): Generator<Line> {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  let line = 1
  while (at < bytes.length) {
    const start = at
    const first = line
    let content = ''
    do {
      const lineFeed = bytes.indexOf(LF, at)
      const end = lineFeed < 0 ? bytes.length : lineFeed
      if (content.length < mostOfLine) {
        const from = at === start ? at : at + 1
        content += bytes.toString('latin1', from, Math.min(from + mostOfLine, end > from && bytes[end - 1] === CR ? end - 1 : end))
      }
      at = lineFeed < 0 ? bytes.length : lineFeed + 1
      if ((++line - first) % strideLines === 0) yield { content, start, end: at, line: first, isWhole: false }
    } while (at < bytes.length && (bytes[at] === SPACE || bytes[at] === TAB))
    yield { content, start, end: at, line: first, isWhole: true }
  }
}

function refused (line: number, message: string): IcalError {
  return new IcalError('valid-calendar-data', message, line)
}
