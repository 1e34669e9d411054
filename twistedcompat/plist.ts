import { DocumentError, readDocument, type DocumentElement } from './document.js'

/** A value of an Apple property list. */
export type PlistValue = string | number | boolean | Date | Buffer | readonly PlistValue[] | Plist

/** A `<dict>`: plain object, keys in the order of the file. */
export interface Plist { readonly [key: string]: PlistValue }

/** A property list that cannot be read; the message begins with the line where it is known. */
export class PlistError extends Error {
  override readonly name = 'PlistError'
}

/**
 * Reads an XML property list (root `<plist>`).
 * @throws PlistError with the line and what was expected; also for binary property lists
 */
export function readPlist (text: string): PlistValue {
  if (text.startsWith('bplist')) throw new PlistError('binary property list, expected XML (plutil -convert xml1 makes it)')
  let root: DocumentElement
  try {
    root = readDocument(text)
  } catch (cause) {
    if (cause instanceof DocumentError) throw new PlistError(cause.message, { cause })
    throw cause
  }
  const [first, second] = root.children
  if (root.name !== 'plist' || first === undefined || second !== undefined) throw wrong(root, '<plist> with one value')
  return value(first)
}

/**
 * Reads a property list whose value is a `<dict>`, as configuration files are.
 * @throws PlistError
 */
export function readPlistDict (text: string): Plist {
  const plist = readPlist(text)
  if (!isDict(plist)) throw new PlistError('property list without <dict>, expected one')
  return plist
}

/** True for a `<dict>`. */
export function isDict (value: PlistValue | undefined): value is Plist {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date) && !Buffer.isBuffer(value)
}

function value (element: DocumentElement): PlistValue {
  const read = Object.hasOwn(readers, element.name) ? readers[element.name] : undefined
  if (read === undefined) throw wrong(element, Object.keys(readers).join(', '))
  if (element.name !== 'dict' && element.name !== 'array' && element.children.length > 0) throw wrong(element, 'text')
  return read(element)
}

const readers: Readonly<Record<string, (element: DocumentElement) => PlistValue>> = {
  dict,
  array: element => { expectBlank(element); return element.children.map(value) },
  string: element => element.text,
  integer: element => {
    const text = element.text.trim()
    const number = /^[+-]?(?:\d+|0x[\da-f]+)$/i.test(text) ? (text.startsWith('-') ? -1 : 1) * Number(text.replace(/^[+-]/, '')) : NaN
    if (!Number.isSafeInteger(number)) throw wrong(element, 'a whole number')
    return number
  },
  real: element => {
    const text = element.text.trim()
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) throw wrong(element, 'a number')
    return Number(text)
  },
  true: element => { expectBlank(element); return true },
  false: element => { expectBlank(element); return false },
  date: element => {
    const text = element.text.trim()
    const date = new Date(text)
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(date.getTime())) throw wrong(element, 'a date like 2009-05-31T12:00:00Z')
    return date
  },
  data: element => {
    const text = element.text.replace(/\s+/g, '')
    if (!/^[A-Za-z\d+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw wrong(element, 'Base64')
    return Buffer.from(text, 'base64')
  }
}

function dict (element: DocumentElement): Plist {
  expectBlank(element)
  const entries: [string, PlistValue][] = []
  for (let i = 0; i < element.children.length; i += 2) {
    const [key, held] = element.children.slice(i, i + 2)
    if (key?.name !== 'key' || key.children.length > 0) throw wrong(key ?? element, '<key>')
    if (held === undefined || held.name === 'key') throw new PlistError(`line ${key.line}: key ${key.text.trim()} without value, expected one`)
    entries.push([key.text.trim(), value(held)])
  }
  // fromEntries and not assignment: a key may be __proto__
  return Object.fromEntries(entries)
}

function expectBlank (element: DocumentElement): void {
  if (element.text.trim() !== '') throw wrong(element, 'no text')
}

function wrong (element: DocumentElement, expected: string): PlistError {
  return new PlistError(`line ${element.line}: <${element.name}>, expected ${expected}`)
}
