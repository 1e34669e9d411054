import { getAttributeSync, listAttributesSync, removeAttributeSync, setAttributeSync } from 'fs-xattr'
import { attributeName, decodeValue, encodeValue, propertyName } from '../twistedcompat/attribute.js'
import { codeOf, StoreError, translated } from './error.js'

/** Property name in Clark notation (`{DAV:}displayname`) → the property element as an XML document. */
export type Properties = Map<string, string>

const missing = new Set(['ENODATA', 'ENOATTR', 'ENOENT'])
const unsupported = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** The properties kept in a file's extended attributes. Empty when it has none or the file system knows no attributes; unreadable values are left out. */
export function list (path: string): Properties {
  const found: Properties = new Map()
  for (const [name, attribute] of attributes(path)) {
    const value = get(path, attribute)
    if (value !== undefined) found.set(name, value)
  }
  return found
}

/** The names of `list`, without reading the values. */
export function names (path: string): string[] {
  return [...attributes(path).keys()]
}

function attributes (path: string): Map<string, string> {
  const found = new Map<string, string>()
  try {
    for (const attribute of patiently(() => listAttributesSync(path))) {
      const name = propertyName(attribute)
      if (name !== undefined) found.set(name, attribute)
    }
  } catch (error) {
    if (!unsupported.has(codeOf(error) ?? '') && !missing.has(codeOf(error) ?? '')) throw translated(error, `read the attributes of ${path}`)
  }
  return found
}

// the size is asked first, then the value: another process may have made it longer in between
function patiently<T> (read: () => T): T {
  for (let tries = 0; ; tries++) {
    try {
      return read()
    } catch (error) {
      if (codeOf(error) !== 'ERANGE' || tries >= 20) throw error
    }
  }
}

function get (path: string, attribute: string): string | undefined {
  try {
    return decodeValue(patiently(() => getAttributeSync(path, attribute)))
  } catch (error) {
    if (missing.has(codeOf(error) ?? '') || (error instanceof Error && error.name === 'AttributeError')) return undefined
    throw translated(error, `read the attribute ${attribute} of ${path}`)
  }
}

/**
 * Sets one property. `false`: the file system has no attributes or no room for this value (ext4: about 4 KB for all of a file).
 * @throws StoreError when the disk itself refuses
 */
export function set (path: string, name: string, xml: string): boolean {
  const attribute = attributeName(name)
  // Linux: 255 bytes with the prefix; longer answers ERANGE
  if (Buffer.byteLength(attribute) > 255) return false
  try {
    setAttributeSync(path, attribute, encodeValue(xml))
    // the spelling of another system must not go on saying what was
    for (const other of patiently(() => listAttributesSync(path))) if (other !== attribute && propertyName(other) === name) removeAttributeSync(path, other)
    return true
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (unsupported.has(code) || code === 'E2BIG' || code === 'ENOSPC' || code === 'ERANGE') return false
    throw translated(error, `set the attribute ${name} of ${path}`)
  }
}

/** Removes one property, under every spelling in which it is there. Missing is fine. */
export function remove (path: string, name: string): void {
  try {
    for (const attribute of patiently(() => listAttributesSync(path))) {
      if (propertyName(attribute) === name) removeAttributeSync(path, attribute)
    }
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (!missing.has(code) && !unsupported.has(code)) throw translated(error, `remove the attribute ${name} of ${path}`)
  }
}

/**
 * Copies every `user.` attribute of a file to another, ours or not.
 * @returns the attributes that did not fit; those that the other file system does not know at all are left out in silence
 */
export function copy (from: string, to: string): string[] {
  try {
    const all = patiently(() => listAttributesSync(from)).filter(attribute => attribute.startsWith('user.') || attribute.startsWith('WebDAV:'))
    return all.filter(attribute => !copyOne(from, to, attribute))
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (unsupported.has(code) || missing.has(code)) return []
    throw translated(error, `copy the attributes of ${from}`)
  }
}

function copyOne (from: string, to: string, attribute: string): boolean {
  try {
    setAttributeSync(to, attribute, patiently(() => getAttributeSync(from, attribute)))
    return true
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (code === 'ENODATA' || code === 'ENOATTR') return true
    if (code === 'ENOSPC' || code === 'E2BIG' || code === 'ERANGE') return false
    throw error
  }
}

/** Whether the file system under an existing path knows attributes, as far as can be said without setting one. */
export function areKnown (path: string): boolean {
  try {
    getAttributeSync(path, 'user.caldavd.probe')
    return true
  } catch (error) {
    return !unsupported.has(codeOf(error) ?? '')
  }
}

/** Whether the file system under an existing path takes `user.` attributes. */
export function supported (path: string): boolean {
  try {
    setAttributeSync(path, 'user.caldavd.probe', Buffer.from('1'))
    removeAttributeSync(path, 'user.caldavd.probe')
    return true
  } catch (error) {
    if (unsupported.has(codeOf(error) ?? '')) return false
    if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') return true
    if (codeOf(error) === 'EROFS') return areKnown(path)
    throw new StoreError('read-only', `cannot try extended attributes on ${path}: ${(error as Error).message}`, { cause: error })
  }
}
