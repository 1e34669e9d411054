import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { Element } from './element.js'
import { type Name, xmlNamespace } from './name.js'
import { escapeText } from './write.js'

/** What a document may cost: its size, how deep its elements nest, how many there are. */
export interface Limits {
  readonly bytes: number
  readonly depth: number
  readonly elements: number
}

/** A document that is not accepted; the message is one line. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  /** `doctype`: RFC 4918 16 answers no-external-entities; `limit`: well-formed perhaps, but too much. */
  readonly reason: 'malformed' | 'doctype' | 'limit'

  constructor (reason: XmlError['reason'], message: string) {
    super(`XML: ${message}`)
    this.reason = reason
  }
}

/**
 * One well-formed document with namespaces resolved and references decoded, without comments, instructions and declarations.
 * Bytes are UTF-8, or UTF-16 with a byte order mark. White space is kept; a literal CR LF or CR is LF (XML 2.11), `&#13;` is CR.
 * @throws XmlError for everything else, and for every DOCTYPE
 */
export function parse (source: string | Uint8Array, limits: Limits): Element {
  const bytes = typeof source === 'string' ? Buffer.byteLength(source) : source.byteLength
  if (bytes > limits.bytes) throw new XmlError('limit', `${bytes} bytes, at most ${limits.bytes} are accepted`)
  const plain = simplify(decode(source), limits)
  const valid = XMLValidator.validate(plain)
  if (valid !== true) throw new XmlError('malformed', oneLine(`${valid.err.msg} (line ${valid.err.line})`))
  const root = (build(plain) as Node[]).find(node => !('#text' in node))
  if (root === undefined) throw new XmlError('malformed', 'there is no element')
  return resolve(root, outermost, new Map())
}

const attributesEach = 128
const namespaceLength = 1024

/** Bytes as text without the byte order mark; refuses what XML cannot hold. */
function decode (source: string | Uint8Array): string {
  const wide = typeof source === 'string' ? undefined : byteOrder(source)
  let text
  try {
    text = typeof source === 'string' ? source : new TextDecoder(wide ?? 'utf-8', { fatal: true, ignoreBOM: true }).decode(source)
  } catch {
    throw new XmlError('malformed', `the bytes are not ${wide ?? 'utf-8'}`)
  }
  if (text.startsWith('\ufeff')) text = text.slice(1)
  if (forbidden.test(text)) throw new XmlError('malformed', 'a control character or half a surrogate pair')
  if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
  if (!text.startsWith('<?xml') || !/[\s?]/.test(text.charAt(5))) return text
  const declaration = xmlDeclaration.exec(text)
  if (declaration === null) throw new XmlError('malformed', 'wrong XML declaration')
  const encoding = declaration[3]?.toLowerCase()
  if (typeof source !== 'string' && encoding !== undefined && !(wide === undefined ? narrow : ['utf-16', wide]).includes(encoding)) {
    throw new XmlError('malformed', oneLine(`the encoding ${encoding} is not accepted, or not that of the bytes; expected utf-8`))
  }
  return text.slice(declaration[0].length)
}

const narrow = ['utf-8', 'utf8', 'us-ascii', 'ascii']
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u
const xmlDeclaration = /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(["'])1\.[0-9]\1(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(["'])([A-Za-z][A-Za-z0-9._-]*)\2)?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(["'])(?:yes|no)\4)?[ \t\n]*\?>/

function byteOrder (source: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (source[0] === 0xff && source[1] === 0xfe) return 'utf-16le'
  return source[0] === 0xfe && source[1] === 0xff ? 'utf-16be' : undefined
}

/**
 * The same document of tags and text alone: comments and instructions gone, CDATA as escaped text. The library and its
 * validator disagree about the rest; what both let pass (two roots, stray text, `<` in values, `]]>`) is refused here.
 */
function simplify (text: string, limits: Limits): string {
  const out: string[] = []
  let at = 0
  let depth = 0
  let count = 0
  const refuse = (reason: XmlError['reason'], message: string): never => {
    throw new XmlError(reason, `${message} (line ${text.slice(0, at).split('\n').length})`)
  }
  const after = (end: string, from: number): number => {
    const found = text.indexOf(end, from)
    return found === -1 ? refuse('malformed', `${end} is missing`) : found
  }
  while (at < text.length) {
    const next = text.indexOf('<', at)
    const run = text.slice(at, next === -1 ? text.length : next)
    if (run !== '') {
      if (depth === 0 && /[^ \t\n]/.test(run)) refuse('malformed', 'text outside of the root element')
      if (run.includes(']]>')) refuse('malformed', ']]> in text')
      out.push(run)
    }
    if (next === -1) break
    at = next
    if (text.startsWith('<!--', at)) {
      const end = after('--', at + 4)
      if (text[end + 2] !== '>') refuse('malformed', '-- inside a comment')
      at = end + 3
    } else if (text.startsWith('<![CDATA[', at)) {
      if (depth === 0) refuse('malformed', 'text outside of the root element')
      const end = after(']]>', at + 9)
      out.push(escapeText(text.slice(at + 9, end)))
      at = end + 3
    } else if (text.startsWith('<?', at)) {
      const end = after('?>', at + 2)
      const target = instruction.exec(text.slice(at + 2, Math.min(end, at + 256)))?.[1]
      if (target === undefined || target.toLowerCase() === 'xml') refuse('malformed', 'an instruction without a name, or an XML declaration that is not first')
      at = end + 2
    } else if (text.startsWith('<!', at)) {
      refuse(/^<!(doctype|entity)/i.test(text.slice(at, at + 9)) ? 'doctype' : 'malformed', '<! is accepted for comments and CDATA only, a DOCTYPE never')
    } else if (text.startsWith('</', at)) {
      const end = matchAt(endTag, text, at)
      if (end === -1 || --depth < 0) refuse('malformed', 'wrong end tag, or one too many')
      out.push(text.slice(at, end))
      at = end
    } else {
      if (depth === 0 && count > 0) refuse('malformed', 'two root elements')
      if (++count > limits.elements) refuse('limit', `more than ${limits.elements} elements`)
      const end = tagEnd(text, at)
      if (end === -2) refuse('limit', `more than ${attributesEach} attributes in one element`)
      if (end < 0) refuse('malformed', 'wrong start tag')
      out.push(text.slice(at, end + 1))
      if (text[end - 1] !== '/' && ++depth > limits.depth) refuse('limit', `elements nest deeper than ${limits.depth}`)
      at = end + 1
    }
  }
  if (count === 0) refuse('malformed', 'there is no element')
  if (depth !== 0) refuse('malformed', 'an element without end tag')
  return out.join('')
}

const instruction = /^([A-Za-z_][\w.-]*)(?:[ \t\n]|$)/

/** Where the `>` of the start tag is; -1 when it is not well-formed, -2 when it has too many attributes. */
function tagEnd (text: string, from: number): number {
  let at = matchAt(tagStart, text, from)
  if (at === -1) return -1
  for (let count = 0; ; count++) {
    const next = matchAt(attribute, text, at)
    if (next === -1) {
      const end = matchAt(tagClose, text, at)
      return end === -1 ? -1 : end - 1
    }
    if (count === attributesEach) return -2
    at = next
  }
}

// XML 3.1; the validator forgives a stray =. Whether names are names it sees itself
const tagStart = /<[^\s=<>"'/!?&]+/y
const attribute = /[ \t\n]+[^\s=<>"'/&]+[ \t\n]*=[ \t\n]*(?:"[^"<]*"|'[^'<]*')/y
const tagClose = /[ \t\n]*\/?>/y
// The validator takes </a/> for an empty element
const endTag = /<\/[^\s=<>"'/!?&]+[ \t\n]*>/y

/** Where the match that begins at `from` ends, or -1. */
function matchAt (form: RegExp, text: string, from: number): number {
  form.lastIndex = from
  return form.test(text) ? form.lastIndex : -1
}

/** What the library makes of `simplify`'s output: `{ '#text': … }`, or `{ '.name': children, ':@': { '@attribute': … } }`. */
type Node = Record<string, unknown>

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  // It refuses or renames elements called like members of Object (constructor, toString); twice for empty ones
  transformTagName: name => name.startsWith('.') ? name : `.${name}`,
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  jPath: false,
  // Counted in simplify
  maxNestedTags: Number.MAX_SAFE_INTEGER
})

function build (plain: string): unknown {
  try {
    return parser.parse(plain)
  } catch (cause) {
    throw new XmlError('malformed', oneLine(cause instanceof Error ? cause.message : String(cause)))
  }
}

/** Prefixes bound by one element; the empty prefix is the default namespace. */
interface Scope {
  readonly bound: ReadonlyMap<string, string>
  readonly outer: Scope | undefined
}

const outermost: Scope = { bound: new Map([['', ''], ['xml', xmlNamespace]]), outer: undefined }

/** Names already made, by namespace and local part: a thousand elements of one name share one string. */
type Names = Map<string, Map<string, Name>>

function resolve (node: Node, outer: Scope, names: Names): Element {
  const tag = Object.keys(node)[0] as string
  const given = (node[':@'] ?? {}) as Record<string, string>
  const scope = bind(given, outer)
  const children: (Element | string)[] = []
  for (const inner of node[tag] as Node[]) {
    const text = inner['#text']
    children.push(typeof text === 'string' ? unescape(text) : resolve(inner, scope, names))
  }
  return { name: expand(tag.slice(1), scope, names), attributes: resolveAttributes(given, scope, names), children }
}

function bind (given: Record<string, string>, outer: Scope): Scope {
  let bound: Map<string, string> | undefined
  for (const key in given) {
    if (key !== '@xmlns' && !key.startsWith('@xmlns:')) continue
    const prefix = key.slice(7)
    const namespace = attributeValue(given[key] as string)
    if (namespace.length > namespaceLength) throw new XmlError('limit', `a namespace name is longer than ${namespaceLength}`)
    // XML Namespaces 3: xml and xmlns are not to be touched, and 2.2: only the default namespace can be taken back
    const wrong = namespace === 'http://www.w3.org/2000/xmlns/' || prefix === 'xmlns' || (prefix === 'xml') !== (namespace === xmlNamespace) ||
      (namespace === '' && prefix !== '') || (key !== '@xmlns' && !isLocal(prefix))
    if (wrong) throw new XmlError('malformed', oneLine(`${key.slice(1)}="${namespace}" is not allowed`))
    bound ??= new Map()
    bound.set(prefix, namespace)
  }
  return bound === undefined ? outer : { bound, outer }
}

const none: Record<string, string> = Object.freeze(Object.create(null) as Record<string, string>)

function resolveAttributes (given: Record<string, string>, scope: Scope, names: Names): Record<string, string> {
  let attributes = none
  for (const key in given) {
    if (key === '@xmlns' || key.startsWith('@xmlns:')) continue
    const plain = key.slice(1)
    // XML Namespaces 6.2: an attribute without prefix has no namespace
    const name = plain.includes(':') ? expand(plain, scope, names) : plain
    if (attributes === none) attributes = Object.create(null) as Record<string, string>
    if (name in attributes) throw new XmlError('malformed', oneLine(`attribute ${plain} is there twice`))
    attributes[name] = attributeValue(given[key] as string)
  }
  return attributes
}

function expand (qualified: string, scope: Scope, names: Names): Name {
  const colon = qualified.indexOf(':')
  const local = qualified.slice(colon + 1)
  if (colon === 0 || !isLocal(local)) throw new XmlError('malformed', oneLine(`${qualified} is not a qualified name`))
  const prefix = colon === -1 ? '' : qualified.slice(0, colon)
  let at: Scope | undefined = scope
  while (at !== undefined && !at.bound.has(prefix)) at = at.outer
  if (at === undefined) throw new XmlError('malformed', oneLine(`the prefix of ${qualified} is not declared`))
  const namespace = at.bound.get(prefix) as string
  let made = names.get(namespace)
  if (made === undefined) names.set(namespace, made = new Map())
  let name = made.get(local)
  if (name === undefined) made.set(local, name = `{${namespace}}${local}`)
  return name
}

/** The validator has seen that it is a name; XML Namespaces 4 wants the parts to be names too. */
function isLocal (part: string): boolean {
  return part !== '' && !part.includes(':') && !/^[-.\d\u00b7\u0300-\u036f\u203f\u2040]/.test(part)
}

/** XML 3.3.3: literal white space is a blank, references are what they say. */
function attributeValue (raw: string): string {
  return unescape(raw.replace(/[\t\n]/g, ' '))
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape (raw: string): string {
  if (!raw.includes('&')) return raw
  return raw.replace(/&(?:#x0*([0-9a-fA-F]{1,6});|#0*([0-9]{1,7});|(amp|lt|gt|quot|apos);)?/g,
    (_, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return named[name] as string
      const code = hex !== undefined ? parseInt(hex, 16) : decimal !== undefined ? parseInt(decimal, 10) : -1
      const character = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\0'
      if (forbidden.test(character)) throw new XmlError('malformed', 'a reference that is not amp, lt, gt, quot, apos or a character')
      return character
    })
}

function oneLine (message: string): string {
  return message.replace(/\s+/g, ' ').slice(0, 200)
}
