import { parsePosixRule, type Kind } from './posix-rule.js'
import { zoneOfData, type ZoneData } from './zone-data.js'
import type { TableZone } from './zone-table.js'

/** The zone of a compiled zone file; undefined when the bytes are not one. */
export function readTzif (id: string, bytes: Buffer): TableZone | undefined {
  const data = tzifData(bytes)
  return data === undefined ? undefined : zoneOfData(id, data)
}

/** What a compiled zone file says (RFC 8536): 64-bit part and footer when it has them; undefined when the bytes are not one. */
export function tzifData (bytes: Buffer): ZoneData | undefined {
  try {
    return read(bytes)
  } catch (error) {
    // a truncated file: Buffer says so in its own way
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function read (bytes: Buffer): ZoneData | undefined {
  if (bytes.toString('latin1', 0, 4) !== 'TZif') return undefined
  const first = header(bytes, 0, 4)
  const body = bytes.readUInt8(4) === 0 ? first : header(bytes, first.end, 8)
  if (body.types === 0) return undefined
  const kinds = Array.from({ length: body.types }, (_, index) => kindAt(bytes, body, index))
  const kindOf = (type: number): Kind => kinds[Math.min(type, kinds.length - 1)]!
  const at: number[] = []
  const kind: Kind[] = []
  for (let i = 0; i < body.transitions; i++) {
    at.push(body.width === 8 ? Number(bytes.readBigInt64BE(body.at + i * 8)) : bytes.readInt32BE(body.at + i * 4))
    kind.push(kindOf(bytes.readUInt8(body.at + body.transitions * body.width + i)))
  }
  const rule = body.width === 8 ? parsePosixRule(bytes.toString('latin1', body.end + 1).split('\n', 1)[0] ?? '') : undefined
  return { first: kindOf(0), at, kind, ...rule === undefined ? {} : { rule } }
}

// RFC 8536 3.2: offset in 4 octets, daylight in one, and where the abbreviation begins in one
function kindAt (bytes: Buffer, { typesAt, types, characters }: Body, index: number): Kind {
  const at = typesAt + index * 6
  const names = typesAt + types * 6
  const from = Math.min(names + bytes.readUInt8(at + 5), names + characters)
  const end = bytes.indexOf(0, from)
  return { offset: bytes.readInt32BE(at), isDaylight: bytes.readUInt8(at + 4) !== 0, name: bytes.toString('latin1', from, Math.min(end === -1 ? from : end, names + characters)) }
}

interface Body {
  readonly width: number
  readonly transitions: number
  readonly types: number
  readonly characters: number
  readonly at: number
  readonly typesAt: number
  readonly end: number
}

// RFC 8536 3.1, 3.2: six counts, then times, types, abbreviations, leap seconds, two lists of flags
function header (bytes: Buffer, start: number, width: number): Body {
  if (bytes.toString('latin1', start, start + 4) !== 'TZif') throw new RangeError('no TZif header')
  const [isUt, isStandard, leaps, transitions, types, characters] = [20, 24, 28, 32, 36, 40].map(at => bytes.readUInt32BE(start + at)) as [number, number, number, number, number, number]
  const at = start + 44
  const typesAt = at + transitions * (width + 1)
  const end = typesAt + types * 6 + characters + leaps * (width + 4) + isStandard + isUt
  if (end > bytes.length) throw new RangeError('shorter than its header says')
  return { width, transitions, types, characters, at, typesAt, end }
}
