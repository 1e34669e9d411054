import { DAY, yearOf } from './civil.js'
import { continueWith, parsePosixRule } from './posix-rule.js'
import { TableZone } from './zone-table.js'

/** A compiled zone file (RFC 8536), 64-bit part and footer when it has them; undefined when the bytes are not one. */
export function readTzif (id: string, bytes: Buffer): TableZone | undefined {
  try {
    return read(id, bytes)
  } catch (error) {
    // a truncated file: Buffer says so in its own way
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function read (id: string, bytes: Buffer): TableZone | undefined {
  if (bytes.toString('latin1', 0, 4) !== 'TZif') return undefined
  const first = header(bytes, 0, 4)
  const body = bytes.readUInt8(4) === 0 ? first : header(bytes, first.end, 8)
  const { types } = body
  if (types === 0) return undefined
  const at: number[] = []
  const offset: number[] = []
  const offsetOf = (type: number): number => bytes.readInt32BE(body.typesAt + 6 * Math.min(type, types - 1))
  for (let i = 0; i < body.transitions; i++) {
    at.push(body.width === 8 ? Number(bytes.readBigInt64BE(body.at + i * 8)) : bytes.readInt32BE(body.at + i * 4))
    offset.push(offsetOf(bytes.readUInt8(body.at + body.transitions * body.width + i)))
  }
  const rule = body.width === 8 ? parsePosixRule(bytes.toString('latin1', body.end + 1).split('\n', 1)[0] ?? '') : undefined
  const before = offsetOf(0)
  return new TableZone(id, until => {
    if (rule === undefined) return { first: before, at, offset }
    const grown = { first: before, at: [...at], offset: [...offset] }
    continueWith(rule, at.length === 0 ? 1970 : yearOf(Math.floor(at.at(-1)! / DAY)), yearOf(Math.floor(until / DAY)) + 1, grown.at, grown.offset)
    return grown
  })
}

interface Body { readonly width: number, readonly transitions: number, readonly types: number, readonly at: number, readonly typesAt: number, readonly end: number }

// RFC 8536 3.1, 3.2: six counts, then times, types, abbreviations, leap seconds, two lists of flags
function header (bytes: Buffer, start: number, width: number): Body {
  if (bytes.toString('latin1', start, start + 4) !== 'TZif') throw new RangeError('no TZif header')
  const [isUt, isStandard, leaps, transitions, types, characters] = [20, 24, 28, 32, 36, 40].map(at => bytes.readUInt32BE(start + at)) as [number, number, number, number, number, number]
  const at = start + 44
  const typesAt = at + transitions * (width + 1)
  return { width, transitions, types, at, typesAt, end: typesAt + types * 6 + characters + leaps * (width + 4) + isStandard + isUt }
}
