/** One content line (RFC 5545 3.1). */
export interface Property {
  /** Upper case. */
  readonly name: string
  /** Upper-case names → values: unquoted, RFC 6868 decoded. Has no prototype. */
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** Unfolded, still escaped. */
  readonly value: string
  /** Physical line where it begins, counted from 1. */
  readonly line: number
}

/** A calendar, event, time zone … (RFC 5545 3.4, 3.6): our own tree, because ical.js does not keep what it read. */
export interface Component {
  /** Upper case. */
  readonly name: string
  readonly properties: readonly Property[]
  readonly components: readonly Component[]
  /** Physical line of its BEGIN, counted from 1. */
  readonly line: number
}

/** The first property of that (upper-case) name. */
export function property (component: Component, name: string): Property | undefined {
  for (const one of component.properties) if (one.name === name) return one
  return undefined
}

/** Every property of that (upper-case) name, in order. */
export function properties (component: Component, name: string): Property[] {
  return component.properties.filter(one => one.name === name)
}

/** The first value of a parameter (upper-case name). */
export function parameter (property: Property, name: string): string | undefined {
  return property.parameters[name]?.[0]
}

/** RFC 5545 3.3.11, read gently: a backslash before any other character is dropped. */
export function unescapeText (value: string): string {
  if (!value.includes('\\')) return value
  return value.replace(/\\([^])/g, (_, character: string) => character === 'n' || character === 'N' ? '\n' : character)
}

/** RFC 5545 3.3.11: the form in which text stands in a content line. */
export function escapeText (text: string): string {
  return text.replace(/\r\n?|[\\;,\n]/g, found => found === '\n' || found.startsWith('\r') ? '\\n' : `\\${found}`)
}
