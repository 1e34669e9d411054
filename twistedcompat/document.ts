import { XMLParser, XMLValidator } from 'fast-xml-parser'

/** An element of one of Apple's XML files. */
export interface DocumentElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly DocumentElement[]
  /** The element's own text, references resolved, white space as in the file. */
  readonly text: string
  /** Line of its start tag, from 1. */
  readonly line: number
}

/** The text is not XML, or more than these files need; the message begins with the line where it is known. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
}

/**
 * Reads one of Apple's XML files: at most 16 MB of text, 50 levels. A DOCTYPE is skipped, nothing is ever fetched.
 * @throws DocumentError for declarations inside a DOCTYPE (entities), wrong nesting, a second root, unknown references
 */
export function readDocument (source: string): DocumentElement {
  if (source.length > 16 * 1024 * 1024) throw new DocumentError('expected at most 16 MB of XML')
  const text = withoutDoctype(source.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'))
  const control = text.search(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/)
  if (control >= 0) throw failure(text, control, 'control character, expected text')
  const valid = XMLValidator.validate(text)
  if (valid !== true) throw new DocumentError(`line ${valid.err.line}: ${brief(valid.err.msg)}, expected well-formed XML`)
  let nodes: Node[]
  try {
    nodes = parser.parse(text) as Node[]
  } catch (cause) {
    throw new DocumentError(`${brief((cause as Error).message)}, expected well-formed XML`, { cause })
  }
  const lines = new LineCounter(text)
  const roots = nodes.filter(node => nameOf(node) !== '#text')
  const [root, second] = roots
  if (root === undefined) throw new DocumentError('line 1: no element, expected XML')
  if (second !== undefined) throw failure(text, second[metadata]?.startIndex ?? 0, `second root <${nameOf(second)}>, expected one`)
  const end = root[metadata]?.endIndex ?? text.length
  if (text.slice(end).replace(/<!--[^]*?-->|<\?[^]*?\?>/g, '').trim() !== '') throw failure(text, end, 'text after the root element, expected the end')
  return element(root, lines)
}

/** The parser's words on one line: it names every element that is open. */
function brief (message: string): string {
  return message.slice(0, 160).replace(/\s+/g, ' ').replace(/\.$/, '')
}

/** What fast-xml-parser gives with `preserveOrder`: one key for the name, `:@` for the attributes. */
interface Node {
  readonly [name: string]: unknown
  readonly ':@'?: Readonly<Record<string, string>>
  readonly [metadata]?: { readonly startIndex?: number, readonly endIndex?: number }
}

const metadata: unique symbol = XMLParser.getMetaDataSymbol() as never

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
  ignoreDeclaration: true,
  ignorePiTags: true,
  captureMetaData: true,
  maxNestedTags: 50
})

function nameOf (node: Node): string {
  return Object.keys(node).find(key => key !== ':@') ?? ''
}

function element (node: Node, lines: LineCounter): DocumentElement {
  const name = nameOf(node)
  const line = lines.at(node[metadata]?.startIndex ?? 0)
  const children: DocumentElement[] = []
  let text = ''
  for (const child of node[name] as readonly Node[]) {
    const kind = nameOf(child)
    if (kind === '#text') text += resolved(String(child['#text']), line)
    else if (kind === '#cdata') text += (child['#cdata'] as readonly Node[]).map(part => String(part['#text'])).join('')
    else children.push(element(child, lines))
  }
  const attributes = new Map(Object.entries(node[':@'] ?? {}).map(([key, value]) => [key, resolved(String(value), line)]))
  return { name, attributes, children, text, line }
}

const references: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function resolved (text: string, line: number): string {
  return text.replace(/&([^;\s]{0,20};?)/g, (whole, body: string) => {
    const [, hexadecimal, decimal, name] = /^(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w+));$/i.exec(body) ?? []
    const code = hexadecimal !== undefined ? parseInt(hexadecimal, 16) : decimal !== undefined ? Number(decimal) : undefined
    const character = code !== undefined
      ? isCharacter(code) ? String.fromCodePoint(code) : undefined
      : Object.hasOwn(references, name ?? '') ? references[name ?? ''] : undefined
    if (character === undefined) throw new DocumentError(`line ${line}: reference ${whole}, expected &lt; &gt; &amp; &quot; &apos; or a character number`)
    return character
  })
}

/** XML 1.0 2.2 */
function isCharacter (code: number): boolean {
  return code === 9 || code === 10 || code === 13 || (code >= 0x20 && code < 0xd800) || (code >= 0xe000 && code < 0xfffe) || (code > 0xffff && code <= 0x10ffff)
}

/** Blanks the one DOCTYPE before the root so that lines stay where they are; any other `<!` is refused. */
function withoutDoctype (text: string): string {
  let result = text
  let last = 0
  let seen = false
  for (let at = text.indexOf('<!'); at >= 0; at = text.indexOf('<!', last)) {
    const isProlog = !/<[^?!]/.test(text.slice(last, at))
    const close = text.startsWith('<!--', at) ? '-->' : text.startsWith('<![CDATA[', at) ? ']]>' : undefined
    if (close !== undefined) {
      const end = text.indexOf(close, at + 4)
      if (end < 0) throw failure(text, at, `expected ${close}`)
      last = end + close.length
      seen ||= !isProlog
      continue
    }
    if (!text.startsWith('<!DOCTYPE', at) || seen || !isProlog) throw failure(text, at, 'declaration, expected an element')
    const [whole = '', stop] = /^<!DOCTYPE(?:[^"'>[]|"[^"]*"|'[^']*')*([>[])?/.exec(text.slice(at, at + 4096)) ?? []
    if (stop !== '>') throw failure(text, at, 'DOCTYPE with declarations of its own (ENTITY), expected none')
    last = at + whole.length
    seen = true
    result = text.slice(0, at) + whole.replace(/[^\n]/g, ' ') + text.slice(last)
  }
  return result
}

function failure (text: string, index: number, what: string): DocumentError {
  return new DocumentError(`line ${new LineCounter(text).at(index)}: ${what}`)
}

/** Line numbers of positions, cheap when they ascend. */
class LineCounter {
  #line = 1
  #start = 0
  #end: number

  constructor (readonly text: string) {
    this.#end = this.#newline(0)
  }

  at (index: number): number {
    if (index < this.#start) { this.#line = 1; this.#start = 0; this.#end = this.#newline(0) }
    while (index > this.#end) {
      this.#line++
      this.#start = this.#end + 1
      this.#end = this.#newline(this.#start)
    }
    return this.#line
  }

  #newline (from: number): number {
    const at = this.text.indexOf('\n', from)
    return at < 0 ? this.text.length : at
  }
}
