import { describe } from '../../ical/facts.js'
import { property } from '../../ical/component.js'
import { decode, IcalError, parse } from '../../ical/parse.js'
import { split, type SplitObject } from '../../ical/split.js'
import type { CheckName } from './table.js'

/** One of the objects that a file should have been. */
export interface Piece { readonly uid: string, readonly bytes: Buffer }

/** What is wrong with the bytes of a file in a calendar. */
export interface Ailment {
  readonly check: CheckName
  readonly message: string
  readonly line?: number | undefined
  /** What it could be instead, one file for each; `undefined` = only a person knows. */
  readonly pieces?: readonly Piece[]
}

/** The UID of a body, or why it is no object of a calendar. */
export function diagnose (bytes: Buffer): { readonly uid: string } | Ailment {
  try {
    return { uid: describe(bytes).uid }
  } catch (error) {
    if (!(error instanceof IcalError)) return { check: 'broken-file', message: error instanceof Error ? error.message : String(error) }
    return ailment(bytes, error)
  }
}

/** What a strict reader would not take of a body that is served; `undefined` when it is right. */
export function oddity (bytes: Buffer): Ailment | undefined {
  try {
    describe(bytes, true)
    return undefined
  } catch (error) {
    return { check: 'odd-file', ...lineOf(error instanceof Error ? error.message : String(error)) }
  }
}

function ailment (bytes: Buffer, error: IcalError): Ailment {
  const broken: Ailment = { check: 'broken-file', ...lineOf(error.message) }
  const pieces = piecesOf(bytes)
  if (pieces === undefined) return broken
  const uids = pieces.map(({ uid }) => uid)
  const { line } = broken
  if (pieces.length > 1) return { check: 'several-uids', line, message: `it holds ${pieces.length} events with UIDs of their own (${uids.slice(0, 3).join(', ')}${pieces.length > 3 ? ' …' : ''}), and one file is one event`, pieces }
  if (error.message.includes('METHOD')) return { check: 'method', line, message: 'it has a METHOD, as invitations and exports have, and is no event yet', pieces }
  return { check: 'no-uid', line, message: 'it has no UID, by which clients know an event', pieces }
}

/** The line and the reason in the words of a parser or of the index. */
export function lineOf (problem: string): { message: string, line?: number } {
  const [, line, message] = /^line (\d+): (.*)$/s.exec(problem) ?? []
  return message === undefined ? { message: problem } : { message, line: Number(line) }
}

/** Answers and cancellations say something about another event. */
const harmless = /^(?:PUBLISH|REQUEST)$/i
/** Beyond this a person has put a whole calendar there, and imports it instead. */
const mostPieces = 20_000

function piecesOf (bytes: Buffer): Piece[] | undefined {
  try {
    const objects = objectsIn(bytes)
    if (objects.length === 0 || objects.length > mostPieces || !isHarmless(bytes, objects.length)) return undefined
    const pieces = new Map<string, Buffer>()
    for (const object of objects) {
      const piece = object.bytes()
      const { uid } = describe(piece)
      // one UID in two calendars of the file: which one counts?
      if (pieces.get(uid)?.equals(piece) === false) return undefined
      pieces.set(uid, piece)
    }
    return [...pieces].map(([uid, piece]) => ({ uid, bytes: piece }))
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}

function objectsIn (bytes: Buffer): readonly SplitObject[] {
  const parts = split(bytes)
  for (;;) {
    const { done, value } = parts.next()
    if (done === true) return value
  }
}

function isHarmless (bytes: Buffer, objects: number): boolean {
  // a file of many is an export
  if (objects > 1) return !/^METHOD:(?!PUBLISH|REQUEST)/im.test(bytes.toString('latin1'))
  const method = property(parse(decode(bytes)), 'METHOD')
  return method === undefined || harmless.test(method.value.trim())
}
