import type { Element } from './element.js'
import { prefixes, split, xmlNamespace } from './name.js'

/** Namespace → prefix, as declared by the elements around what is written. */
export type Prefixes = ReadonlyMap<string, string>

/** The declaration that every document begins with. */
export const xmlDeclaration = '<?xml version="1.0" encoding="utf-8"?>\n'

/** The prefixes D, C, CS and A: what the root of a stream declares and `fragment` takes as known. */
export const knownPrefixes: Prefixes = new Map(Object.entries(prefixes).map(([prefix, namespace]) => [namespace, prefix]))

/** The `xmlns:…` attributes of those prefixes, each after a space. */
export const declarations = Object.entries(prefixes).map(([prefix, namespace]) => ` xmlns:${prefix}="${namespace}"`).join('')

/**
 * A whole document. All prefixes are declared on the root: D always, C, CS and A when used, ns1, ns2… for others.
 * What XML cannot hold (most control characters, lone surrogates) becomes U+FFFD.
 * @param options.declaration  false leaves the XML declaration out
 */
export function write (root: Element, options: { readonly declaration?: boolean } = {}): string {
  const used = new Map([[prefixes.D, 'D']])
  collect(root, used)
  const out = options.declaration === false ? [] : [xmlDeclaration]
  put(root, used, declare(used), out)
  return out.join('')
}

/**
 * An element as text for a place whose surroundings declare the given prefixes, at first those of `knownPrefixes`.
 * Other namespaces are declared on the element itself.
 */
export function fragment (element: Element, around: Prefixes = knownPrefixes): string {
  const used = new Map(around)
  collect(element, used)
  const out: string[] = []
  put(element, used, used.size === around.size ? '' : declare(used, around), out)
  return out.join('')
}

/** Text between tags. CR is written as a reference: a literal one would be read back as LF. */
export function escapeText (text: string): string {
  if (!inText.test(text)) return text
  let escaped = clean(text)
  // calendar data is full of CR and has little else: this way costs half of one replacement with a function
  if (markup.test(escaped)) escaped = escaped.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.includes('\r') ? escaped.replaceAll('\r', '&#13;') : escaped
}

/** Text between double quotes; white space other than blanks is kept by references. */
export function escapeAttribute (text: string): string {
  return inAttribute.test(text) ? clean(text).replace(inAttributeAll, reference) : text
}

// `>` everywhere, so that `]]>` needs no thought
const inText = /[&<>\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/
const markup = /[&<>]/
const inAttribute = /[&<>"\t\n\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/
const inAttributeAll = /[&<>"\t\n\r]/g
// XML 1.0 2.2: what is not a Char
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u
const forbiddenAll = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/gu

const references: Record<string, string> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\t': '&#9;', '\n': '&#10;', '\r': '&#13;'
}

function reference (character: string): string {
  return references[character] ?? character
}

function clean (text: string): string {
  return forbidden.test(text) ? text.replace(forbiddenAll, '\ufffd') : text
}

function declare (used: Prefixes, around?: Prefixes): string {
  let all = ''
  for (const [namespace, prefix] of used) {
    if (around?.has(namespace) !== true) all += ` xmlns:${prefix}="${escapeAttribute(namespace)}"`
  }
  return all
}

function collect (element: Element, used: Map<string, string>): void {
  use(split(element.name)[0], used)
  for (const key in element.attributes) if (key.startsWith('{')) use(split(key as Element['name'])[0], used)
  for (const child of element.children) if (typeof child !== 'string') collect(child, used)
}

function use (namespace: string, used: Map<string, string>): void {
  if (namespace === '' || namespace === xmlNamespace || used.has(namespace)) return
  used.set(namespace, knownPrefixes.get(namespace) ?? freePrefix(used))
}

function freePrefix (used: ReadonlyMap<string, string>): string {
  const taken = new Set(used.values())
  let number = 1
  while (taken.has(`ns${number}`)) number++
  return `ns${number}`
}

function put (element: Element, used: Prefixes, extra: string, out: string[]): void {
  const tag = qualified(element.name, used)
  let open = `<${tag}${extra}`
  for (const key in element.attributes) {
    const name = key.startsWith('{') ? qualified(key as Element['name'], used) : key
    open += ` ${name}="${escapeAttribute(element.attributes[key] as string)}"`
  }
  if (element.children.length === 0) {
    out.push(`${open}/>`)
    return
  }
  out.push(`${open}>`)
  for (const child of element.children) {
    if (typeof child === 'string') out.push(escapeText(child))
    else put(child, used, '', out)
  }
  out.push(`</${tag}>`)
}

function qualified (name: Element['name'], used: Prefixes): string {
  const [namespace, local] = split(name)
  if (namespace === '') return local
  return namespace === xmlNamespace ? `xml:${local}` : `${used.get(namespace) as string}:${local}`
}
