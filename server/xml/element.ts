import type { Name } from './name.js'

/** The attributes of an element: plain names as they are, namespaced ones in Clark notation; no `xmlns`. */
export type Attributes = Readonly<Record<string, string>>

/** One element; text children are decoded. What `parse` returns has null-prototype attributes and no two texts in a row. */
export interface Element {
  readonly name: Name
  readonly attributes: Attributes
  readonly children: readonly (Element | string)[]
}

/** The key of `xml:lang` among the attributes. */
export const xmlLang = '{http://www.w3.org/XML/1998/namespace}lang'

const noAttributes: Attributes = Object.freeze(Object.create(null) as Record<string, string>)

/** An element without attributes. */
export function element (name: Name, ...children: readonly (Element | string)[]): Element {
  return { name, attributes: noAttributes, children }
}

/** An element with attributes; they are copied. */
export function elementWith (name: Name, attributes: Attributes, ...children: readonly (Element | string)[]): Element {
  return { name, attributes: Object.assign(Object.create(null) as Record<string, string>, attributes), children }
}

/** The first child element of that name. */
export function child (parent: Element, name: Name): Element | undefined {
  for (const one of parent.children) if (typeof one !== 'string' && one.name === name) return one
  return undefined
}

/** The child elements in order, without the text between them; those of one name if it is given. */
export function elements (parent: Element, name?: Name): Element[] {
  return parent.children.filter((one): one is Element => typeof one !== 'string' && (name === undefined || one.name === name))
}

/** The text directly inside an element, joined, untrimmed; elements inside are passed over. */
export function text (parent: Element): string {
  let all = ''
  for (const one of parent.children) if (typeof one === 'string') all += one
  return all
}
