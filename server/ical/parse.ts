import { isUtf8 } from 'node:buffer'
import type { Component, Property } from './component.js'

/** The CalDAV precondition (RFC 4791 5.3.2.1) that calendar data fails. */
export type IcalReason = 'valid-calendar-data' | 'valid-calendar-object-resource' | 'supported-calendar-component' | 'supported-calendar-data' | 'supported-rscale' |
  'min-date-time' | 'max-date-time' | 'max-instances' | 'max-attendees-per-instance'

/** Calendar data that is refused: which precondition, in which physical line (1-based), and in the message what was expected. */
export class IcalError extends Error {
  override readonly name = 'IcalError'
  readonly reason: IcalReason
  readonly line: number | undefined

  constructor (reason: IcalReason, message: string, line?: number) {
    super(line === undefined ? message : `line ${line}: ${message}`)
    this.reason = reason
    this.line = line
  }
}

/** Components inside components, VCALENDAR included. */
const MAXIMUM_DEPTH = 8
const MAXIMUM_PROPERTIES = 250_000
/** Values of all parameters of one property; a MEMBER or DELEGATED-TO may well name hundreds. */
const MAXIMUM_PARAMETERS = 10_000

const COLON = 58
const SEMICOLON = 59
const COMMA = 44
const EQUALS = 61
const QUOTE = 34
const LF = 10
const CR = 13
const TAB = 9
const SPACE = 32
const BACKSLASH = 92
const UNDERSCORE = 95

const FORBIDDEN = /[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]|\r(?!\n)/
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/
const noParameters: Property['parameters'] = Object.freeze(Object.create(null) as Record<string, readonly string[]>)

/**
 * Bytes → text: strict UTF-8 (RFC 5545 3.1.4), a byte order mark is dropped. A fold in the middle of a character is undone (3.1): such
 * lines are joined here.
 * @throws IcalError valid-calendar-data with the line of the first octet that is not UTF-8
 */
export function decode (bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(isUtf8(bytes) ? bytes : withoutSplitCharacters(bytes))
  } catch {
    throw new IcalError('valid-calendar-data', 'expected UTF-8, found octets that are not', lineNotUtf8(bytes))
  }
}

/** Without the folds that stand before an octet which continues a character. */
function withoutSplitCharacters (bytes: Uint8Array): Uint8Array {
  const joined = new Uint8Array(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const fold = bytes[at] === CR && bytes[at + 1] === LF ? 3 : bytes[at] === LF ? 2 : 0
    const blank = bytes[at + fold - 1]
    if (fold > 0 && (blank === SPACE || blank === TAB) && ((bytes[at + fold] ?? 0) & 0xc0) === 0x80) at += fold - 1
    else joined[length++] = bytes[at] as number
  }
  return joined.subarray(0, length)
}

/**
 * Text → the one VCALENDAR in it (RFC 5545 3.1, 3.4, 3.6; RFC 6868). Line ends may be CRLF or LF, blank lines are skipped.
 * Values stay as they are (unfolded, still escaped): what they mean is looked at by `validate.ts`. Linear in the length of the text.
 * @throws IcalError valid-calendar-data with the line and what was expected there
 */
export function parse (text: string): Component {
  const forbidden = FORBIDDEN.exec(text)
  if (forbidden) throw refused(lineAt(text, forbidden.index), forbidden[0] === '\r' ? 'expected CRLF or LF, found a CR alone' : 'expected text, found the control character ' + codePoint(text, forbidden.index))
  const open: Building[] = []
  let calendar: Component | undefined
  let count = 0
  for (const { line, content } of contentLines(text)) {
    if (content.trimStart() === '') continue
    if (calendar) throw refused(line, /^begin:vcalendar\s*$/i.test(content) ? 'expected one VCALENDAR, found another' : `expected nothing after END:VCALENDAR, found ${quote(content)}`)
    if (++count > MAXIMUM_PROPERTIES) throw refused(line, `expected at most ${MAXIMUM_PROPERTIES} content lines`)
    const property = contentLine(content, line)
    const inner = open[open.length - 1]
    if (property.name === 'BEGIN') {
      begin(property, open)
    } else if (!inner) {
      throw refused(line, `expected BEGIN:VCALENDAR, found ${quote(content)}`)
    } else if (property.name === 'END') {
      if (property.value.trim().toUpperCase() !== inner.name) throw refused(line, `expected END:${inner.name} (begun in line ${inner.line}), found ${quote(content)}`)
      open.pop()
      if (open.length === 0) calendar = inner
    } else {
      inner.properties.push(property)
    }
  }
  const unended = open[open.length - 1]
  if (unended) throw refused(lineAt(text, text.length), `expected END:${unended.name} (begun in line ${unended.line}), found the end of the text`)
  if (!calendar) throw refused(1, 'expected BEGIN:VCALENDAR, found nothing')
  return calendar
}

interface Building extends Component {
  readonly properties: Property[]
  readonly components: Component[]
}

function begin (property: Property, open: Building[]): void {
  const name = property.value.trim().toUpperCase()
  const { line } = property
  const outer = open[open.length - 1]
  if (!NAME.test(name)) throw refused(line, `expected the name of a component, found ${quote(property.value)}`)
  if (!outer && name !== 'VCALENDAR') throw refused(line, `expected BEGIN:VCALENDAR, found BEGIN:${quote(name)}`)
  if (outer && name === 'VCALENDAR') throw refused(line, `expected one VCALENDAR, found another inside ${outer.name} (begun in line ${outer.line})`)
  if (open.length >= MAXIMUM_DEPTH) throw refused(line, `expected components at most ${MAXIMUM_DEPTH} deep`)
  const component: Building = { name, properties: [], components: [], line }
  outer?.components.push(component)
  open.push(component)
}

/** RFC 5545 3.1: a line that begins with a space or a tab continues the one before. */
function * contentLines (text: string): Generator<{ line: number, content: string }> {
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let line = 1
  const { length } = text
  while (position < length) {
    const first = line
    let end = endOfLine(text, position)
    let content = text.slice(position, contentEnd(text, position, end))
    line++
    position = end + 1
    if (isFold(text, position)) {
      const parts = [content]
      while (isFold(text, position)) {
        end = endOfLine(text, position)
        parts.push(text.slice(position + 1, contentEnd(text, position + 1, end)))
        line++
        position = end + 1
      }
      content = parts.join('')
    }
    yield { line: first, content }
  }
}

function endOfLine (text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function contentEnd (text: string, from: number, end: number): number {
  return end > from && text.charCodeAt(end - 1) === 13 ? end - 1 : end
}

function isFold (text: string, position: number): boolean {
  const code = text.charCodeAt(position)
  return code === SPACE || code === 9
}

function contentLine (content: string, line: number): Property {
  let at = 0
  let lower = false
  let code = content.charCodeAt(0)
  if (code === UNDERSCORE) throw badName(content, 0, line)
  while (isNameCode(code)) {
    if (code > 96) lower = true
    code = content.charCodeAt(++at)
  }
  if (at === 0 || (code !== COLON && code !== SEMICOLON)) throw badName(content, at, line)
  const name = lower ? content.slice(0, at).toUpperCase() : content.slice(0, at)
  if (code === COLON) return { name, parameters: noParameters, value: content.slice(at + 1), line }
  const parameters = Object.create(null) as Record<string, string[]>
  const end = readParameters(content, at, line, parameters)
  return { name, parameters, value: content.slice(end + 1), line }
}

function badName (content: string, at: number, line: number): IcalError {
  if (at === content.length) return refused(line, `expected ":" after the name of the property, found the end of the line in ${quote(content)}`)
  return refused(line, `expected the name of a property (letters, digits, "-") and ":", found ${quote(content)}`)
}

/** From the first `;` to the `:` before the value; returns the place of that `:`. */
function readParameters (content: string, from: number, line: number, parameters: Record<string, string[]>): number {
  let at = from
  let count = 0
  while (content.charCodeAt(at) === SEMICOLON) {
    const start = ++at
    at = endOfName(content, at)
    if (at === start || content.charCodeAt(at) !== EQUALS) throw refused(line, `expected name=value after ";", found ${quote(content.slice(start))}`)
    const name = content.slice(start, at).toUpperCase()
    if (name in parameters) throw refused(line, `expected the parameter ${quote(name)} once, found it twice`)
    const values: string[] = []
    do {
      if (++count > MAXIMUM_PARAMETERS) throw refused(line, `expected at most ${MAXIMUM_PARAMETERS} parameter values`)
      const begin = beginOfParameterValue(content, ++at)
      at = endOfParameterValue(content, begin, line)
      const quoted = content.charCodeAt(begin) === QUOTE
      values.push(decodeParameter(quoted ? content.slice(begin + 1, at - 1) : content.slice(begin, at)))
    } while (content.charCodeAt(at) === COMMA)
    parameters[name] = values
  }
  return at
}

/** Spaces before a quote are what is left of foldings with an indent (khal's and older RFC's examples). */
function beginOfParameterValue (content: string, from: number): number {
  let at = from
  while (content.charCodeAt(at) === SPACE) at++
  return content.charCodeAt(at) === QUOTE ? at : from
}

/** The place of the `,`, `;` or `:` that ends the parameter value beginning at `from` (RFC 5545 3.1 param-value). */
function endOfParameterValue (content: string, from: number, line: number): number {
  let at = from
  if (content.charCodeAt(at) === QUOTE) {
    at = content.indexOf('"', at + 1) + 1
    if (at === 0) throw refused(line, `expected a closing quote in the parameter ${quote(content.slice(from))}`)
    if (!isDelimiter(content.charCodeAt(at))) throw refused(line, `expected "," ";" or ":" after the quoted parameter ${quote(content.slice(from, at + 1))}`)
    return at
  }
  for (; at < content.length; at++) {
    const code = content.charCodeAt(at)
    // iOS escapes `;` in X-TITLE instead of quoting: no parameter begins there
    if (code === SEMICOLON && content.charCodeAt(at - 1) === BACKSLASH && content.charCodeAt(endOfName(content, at + 1)) !== EQUALS) continue
    if (isDelimiter(code)) return at
    if (code === QUOTE) throw refused(line, `expected no quote inside the parameter ${quote(content.slice(from, at + 1))}`)
  }
  throw refused(line, `expected ":" after the parameters, found the end of the line in ${quote(content)}`)
}

/** `from` when no name begins there. */
function endOfName (content: string, from: number): number {
  let at = from
  if (content.charCodeAt(at) === UNDERSCORE) return from
  while (isNameCode(content.charCodeAt(at))) at++
  return at
}

function isDelimiter (code: number): boolean {
  return code === COLON || code === SEMICOLON || code === COMMA
}

function isNameCode (code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45 || code === UNDERSCORE
}

/** RFC 6868 3.1 */
function decodeParameter (value: string): string {
  if (!value.includes('^')) return value
  return value.replace(/\^[n'^]/g, pair => pair === '^n' ? '\n' : pair === '^^' ? '^' : '"')
}

function refused (line: number, message: string): IcalError {
  return new IcalError('valid-calendar-data', message, line)
}

function quote (text: string): string {
  return JSON.stringify(text.length > 60 ? text.slice(0, 60) + '…' : text)
}

function codePoint (text: string, index: number): string {
  return 'U+' + text.charCodeAt(index).toString(16).toUpperCase().padStart(4, '0')
}

function lineAt (text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line++
  return line
}

function lineNotUtf8 (bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  for (let at = 0; at < bytes.length;) {
    const lineFeed = bytes.indexOf(LF, at)
    const end = lineFeed < 0 ? bytes.length : lineFeed + 1
    try {
      decoder.decode(bytes.subarray(at, end))
    } catch {
      return line
    }
    line++
    at = end
  }
  return line
}
