import { keepHrefs } from '../dav/prefix.js'
import type { Element } from '../xml/element.js'
import { parse, XmlError } from '../xml/parse.js'
import { fragment, write } from '../xml/write.js'
import { defaultLimits } from './limits.js'

/** A property as it is kept on disk: a document of its own. */
export function stored (property: Element): string {
  return write(property)
}

/** A property that was kept on disk, Apple's included; `undefined` when it cannot be read. */
export function fromStored (xml: string): Element | undefined {
  try {
    return parse(xml, defaultLimits)
  } catch (error) {
    if (error instanceof XmlError) return undefined
    throw error
  }
}

const fragments = new Map<string, string | undefined>()
const most = 5000

/** A kept property as text for the body of a 207; `undefined` when it cannot be read. Remembered, since colours and names are asked for again and again. */
export function storedFragment (xml: string): string | undefined {
  if (fragments.has(xml)) return fragments.get(xml)
  const property = fromStored(xml)
  const text = property === undefined ? undefined : keepHrefs(fragment(property))
  if (fragments.size >= most) fragments.clear()
  if (xml.length < 10_000) fragments.set(xml, text)
  return text
}
