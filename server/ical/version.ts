/** How one body stands to another of the same object: 'same' = nothing that counts differs, 'unknown' = nothing decides. */
export type Standing = 'same' | 'older' | 'newer' | 'unknown'

/** What is longer is not looked into. */
const mostBytes = 32 * 1024 * 1024
/** Components of one object; with more nothing is decided. */
const mostParts = 20_000
/** Of a content line; what counts here is shorter. */
const mostOfLine = 2000

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9

/**
 * Which of two bodies of one object is the newer: component by component (master with master, override with its like), by SEQUENCE,
 * then LAST-MODIFIED, then DTSTAMP (RFC 5545 3.8.7, RFC 5546 2.1.5). A component that only one body has speaks for that body when
 * it was written after everything in the other. Components that contradict each other decide nothing; neither do bodies of
 * different UIDs, or what is cut off. Reads only what it needs, so that a long body costs little; never throws.
 * @returns how `one` stands to `other`
 */
export function standing (one: Buffer, other: Buffer): Standing {
  if (one.equals(other)) return 'same'
  const [mine, theirs] = [partsOf(one), partsOf(other)]
  if (mine === undefined || theirs === undefined) return 'unknown'
  const votes = new Set<Standing>([...commonVotes(mine, theirs), ...isAhead(mine, theirs) ? ['newer' as const] : [], ...isAhead(theirs, mine) ? ['older' as const] : []])
  if (votes.size > 1) return 'unknown'
  const [vote] = votes
  return vote ?? (isSameText(one, other) ? 'same' : 'unknown')
}

/** Whether a body is certainly an older state of the same object than another. Never throws. */
export function isOlder (one: Buffer, other: Buffer): boolean {
  return standing(one, other) === 'older'
}

/** The UID of a body, read in passing; `undefined` when it has none, several, or is no whole VCALENDAR. Never throws. */
export function uidOf (bytes: Buffer): string | undefined {
  const uids = new Set([...partsOf(bytes)?.values() ?? []].map(({ uid }) => uid))
  const [uid] = uids
  return uids.size === 1 && uid !== undefined ? Buffer.from(uid, 'latin1').toString('utf8') : undefined
}

/** What tells the age of a component; '' = it does not say. Times as they are written, which sorts them. */
interface Part { uid: string, id: string, sequence: number, modified: string, stamped: string }

type Parts = ReadonlyMap<string, Part>

function * commonVotes (mine: Parts, theirs: Parts): Generator<Standing> {
  for (const [key, part] of mine) {
    const like = theirs.get(key)
    const order = like === undefined ? 0 : orderOf(part, like)
    if (order !== 0) yield order > 0 ? 'newer' : 'older'
  }
}

function orderOf (a: Part, b: Part): number {
  if (a.sequence !== b.sequence) return a.sequence - b.sequence
  return orderOfTimes(a.modified, b.modified) || orderOfTimes(a.stamped, b.stamped)
}

function orderOfTimes (a: string, b: string): number {
  return a === '' || b === '' || a === b ? 0 : a > b ? 1 : -1
}

// of another object nothing is ahead
function isAhead (mine: Parts, theirs: Parts): boolean {
  const uids = new Set<string>()
  let last = ''
  for (const part of theirs.values()) {
    uids.add(part.uid)
    if (timeOf(part) > last) last = timeOf(part)
  }
  if (last === '') return false
  for (const [key, part] of mine) if (!theirs.has(key) && uids.has(part.uid) && timeOf(part) > last) return true
  return false
}

function timeOf ({ modified, stamped }: Part): string {
  return modified > stamped ? modified : stamped
}

// the same lines, folded or ended in another way
function isSameText (one: Buffer, other: Buffer): boolean {
  return unfolded(one) === unfolded(other)
}

function unfolded (bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\r\n/g, '\n').replace(/\n[ \t]/g, '').trimEnd()
}

/** The components that have a UID, by UID and RECURRENCE-ID; `undefined` for what is no whole VCALENDAR, or too much. */
function partsOf (bytes: Buffer): Parts | undefined {
  if (bytes.length > mostBytes) return undefined
  const parts = new Map<string, Part>()
  const open: string[] = []
  let part: Part | undefined
  for (const line of telling(bytes)) {
    const name = line.slice(0, line.search(/[;:]|$/)).toUpperCase()
    if (name === 'BEGIN') {
      open.push(valueOf(line))
      if (open.length > 16) return undefined
      if (open.length === 2 && open[1] !== 'VTIMEZONE') part = { uid: '', id: '', sequence: 0, modified: '', stamped: '' }
    } else if (name === 'END') {
      if (open.pop() !== valueOf(line)) return undefined
      if (open.length !== 1 || part === undefined) continue
      if (part.uid !== '') keep(parts, part)
      if (parts.size > mostParts) return undefined
      part = undefined
    } else if (part !== undefined && open.length === 2) {
      readers[name]?.(part, line)
    }
  }
  return open.length > 0 || parts.size === 0 ? undefined : parts
}

// twice the same override: the later one is what the author meant
function keep (parts: Map<string, Part>, part: Part): void {
  const key = `${part.uid}\n${part.id}`
  const known = parts.get(key)
  if (known === undefined || orderOf(part, known) > 0) parts.set(key, part)
}

const readers: Readonly<Record<string, (part: Part, line: string) => void>> = {
  UID: (part, line) => { part.uid = line.slice(/^[^:;]*(?:;[^:;"]*(?:"[^"]*")?[^:;"]*)*:/.exec(line)?.[0].length ?? line.length).trim() },
  'RECURRENCE-ID': (part, line) => { part.id = valueOf(line) },
  SEQUENCE: (part, line) => { part.sequence = /^\d{1,10}$/.test(valueOf(line)) ? Number(valueOf(line)) : 0 },
  'LAST-MODIFIED': (part, line) => { part.modified = time(valueOf(line)) },
  DTSTAMP: (part, line) => { part.stamped = time(valueOf(line)) }
}

/** Of a property whose value has no colon. */
function valueOf (line: string): string {
  return line.slice(line.lastIndexOf(':') + 1).trim().toUpperCase()
}

function time (value: string): string {
  return /^\d{8}T\d{6}Z?$/.test(value) ? value.slice(0, 15) : ''
}

/** First letters of the names that count, in both cases. */
const telltale: ReadonlySet<number> = new Set([...'BEURSLDbeursld'].map(letter => letter.charCodeAt(0)))
const counts = /^(?:BEGIN|END|UID|RECURRENCE-ID|SEQUENCE|LAST-MODIFIED|DTSTAMP)[;:]/i

/** The content lines that count, unfolded, as Latin-1. */
function * telling (bytes: Buffer): Generator<string> {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (at < bytes.length) {
    let next = nextLine(bytes, at)
    if (telltale.has(bytes[at] as number) && counts.test(bytes.toString('latin1', at, Math.min(at + 16, next)))) {
      let line = textOf(bytes, at, next)
      while ((bytes[next] === SPACE || bytes[next] === TAB) && line.length < mostOfLine) {
        const from = next + 1
        next = nextLine(bytes, next)
        line += textOf(bytes, from, next)
      }
      yield line
    }
    at = next
  }
}

function nextLine (bytes: Buffer, from: number): number {
  const end = bytes.indexOf(LF, from)
  return end < 0 ? bytes.length : end + 1
}

function textOf (bytes: Buffer, from: number, next: number): string {
  let end = next
  if (end > from && bytes[end - 1] === LF) end--
  if (end > from && bytes[end - 1] === CR) end--
  return bytes.toString('latin1', from, Math.min(end, from + mostOfLine))
}
