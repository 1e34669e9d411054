import { deflateSync, inflateSync } from 'node:zlib'

/** Namespace of the Twisted server's own bookkeeping: properties in it are never shown to clients nor set by them. */
export const privateNamespace = 'http://twistedmatrix.com/xml_namespace/dav/private/'

/** Namespace of the Twisted server's public extensions (`getcontentmd5`, `inheritable`, `calendar-access`…). */
export const twistedNamespace = 'http://twistedmatrix.com/xml_namespace/dav/'

/** The private properties any generation of the server stored, in Clark notation. */
export const privateNames: readonly string[] = [
  'acl', 'access-disabled', 'caldav-access-disabled', 'principal-collection-set', 'password', 'record-type',
  'scheduling-object-resource', 'scheduling-match-etags', 'calendar-has-private-comments', 'quota-root', 'quota-used'
].map(local => `{${privateNamespace}}${local}`)

/** True for every property of the private namespace, known or not. */
export function isPrivate (name: string): boolean {
  return name.startsWith(`{${privateNamespace}}`)
}

/** The value of an attribute is not the XML of a property. */
export class AttributeError extends Error {
  override readonly name = 'AttributeError'

  constructor (readonly reason: 'pickle' | 'unreadable', message: string, options?: ErrorOptions) {
    super(message, options)
  }
}

/**
 * The extended attribute that holds a property, as Apple's server wrote it since 2006-10-23.
 * @param name Clark notation, `{namespace}local`
 * @throws TypeError when the name is not in Clark notation
 */
export function attributeName (name: string, platform: NodeJS.Platform = process.platform): string {
  const end = name.lastIndexOf('}')
  if (!name.startsWith('{') || end < 0 || end === name.length - 1) {
    throw new TypeError(`property name ${JSON.stringify(name)}: expected {namespace}local`)
  }
  // Apple leaves braces inside a namespace alone and cannot read them back; escaped they survive
  const namespace = escape(name.slice(1, end)).replace(/[{}]/g, percent)
  return `${platform === 'linux' ? 'user.' : 'WebDAV:'}{${namespace}}${escape(name.slice(end + 1))}`
}

/**
 * The property an extended attribute holds, in Clark notation: any prefix, both generations of escaping, and the short
 * namespaces of 3.0. `undefined` for attributes of others and for values private to one sharee. Never throws.
 */
export function propertyName (attribute: string): string | undefined {
  // rsync and bsdtar carry a Mac's `WebDAV:` attributes to Linux as `user.WebDAV:`
  const [, rawNamespace, rawLocal] = /^(?:user\.WebDAV:|user\.|WebDAV:)\{([^}]*)\}(.+)$/su.exec(attribute) ?? []
  if (rawNamespace === undefined || rawLocal === undefined) return undefined
  const namespace = unescape(rawNamespace)
  const local = unescape(rawLocal)
  if (namespace === undefined || local === undefined) return undefined
  // What cannot be written in XML must not reach an answer
  if (/[\0-\x20\x7f\ufffe\uffff]/.test(namespace) || !/^[\p{L}_][\p{L}\p{M}\p{N}._·-]*$/u.test(local)) return undefined
  return `{${shortNamespaces.get(namespace) ?? namespace}}${local}`
}

/** The stored form of a property: zlib (RFC 1950) of its XML document. */
export function encodeValue (xml: string): Buffer {
  return deflateSync(Buffer.from(xml, 'utf8'))
}

/**
 * The XML text of a stored property: compressed (since 2007-09-19) or plain (before).
 * @throws AttributeError `pickle` for what the trunk of spring 2008 wrote; `unreadable` for anything else that is not XML
 */
export function decodeValue (bytes: Uint8Array): string {
  const content = inflated(bytes)
  if (pickle.test(Buffer.from(content.subarray(0, 200)).toString('latin1'))) {
    throw new AttributeError('pickle', 'property value is a Python pickle of 2008, expected XML')
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (cause) {
    throw new AttributeError('unreadable', 'property value is not UTF-8, expected XML, plain or zlib', { cause })
  }
  if (!/^\s*</.test(text)) throw new AttributeError('unreadable', 'property value does not begin with "<", expected XML, plain or zlib')
  return text
}

const inflatedBytes = 10 * 1024 * 1024

// Protocol 0 and 1 begin with a class or a collection, protocol 2 with its number
const pickle = /^(?:\(?[ic][\w.]+\n|\([dlt(]|\x80[\x01-\x05])/

const shortNamespaces: ReadonlyMap<string, string> = new Map([
  ['CALDAV:', 'urn:ietf:params:xml:ns:caldav'],
  ['CARDDAV:', 'urn:ietf:params:xml:ns:carddav'],
  ['CS:', 'http://calendarserver.org/ns/'],
  ['ME:', 'http://cal.me.com/_namespace/'],
  ['TD:', twistedNamespace],
  ['TDP:', privateNamespace]
])

/** Python 2 `urllib.quote(…, safe='{}:')` of the UTF-8 bytes. */
function escape (text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1').replace(/[^A-Za-z0-9_.{}:-]/g, percent)
}

function percent (character: string): string {
  return '%' + character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
}

function unescape (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function inflated (bytes: Uint8Array): Uint8Array {
  const [first = 0, second = 0] = bytes
  // RFC 1950 2.2: method 8 in the low bits, the first two bytes a multiple of 31
  if ((first & 0x0f) !== 8 || (first * 256 + second) % 31 !== 0) return bytes
  try {
    return inflateSync(bytes, { maxOutputLength: inflatedBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new AttributeError('unreadable', `property value inflates to more than ${inflatedBytes} bytes`, { cause })
    }
    return bytes
  }
}
