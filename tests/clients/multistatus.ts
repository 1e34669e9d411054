import { child, elements, text, type Element } from '../../server/xml/element.js'
import { caldav, dav, type Name } from '../../server/xml/name.js'
import { parse } from '../../server/xml/parse.js'

/** What a 207 says about one href. */
export interface Told {
  readonly href: string
  /** Of the response as a whole; `undefined` when it has propstats. */
  readonly status: number | undefined
  /** The properties that came with 200. */
  readonly found: ReadonlyMap<Name, Element>
  /** The properties that came with another status. */
  readonly others: ReadonlyMap<Name, number>
  /** The conditions in DAV:error, of the response or its propstats. */
  readonly errors: readonly Name[]
}

const limits = { bytes: 64 * 1024 * 1024, depth: 100, elements: 1_000_000 }

/** A document as the server wrote it. @throws XmlError */
export function document (body: string): Element {
  return parse(body, limits)
}

/** The responses of a DAV:multistatus in order. @throws when the body is another document, or a status line is malformed */
export function told (body: string): Told[] {
  const root = document(body)
  if (root.name !== dav('multistatus')) throw new Error(`expected a multistatus, found ${root.name}`)
  return elements(root, dav('response')).map(response => {
    const propstats = elements(response, dav('propstat'))
    const found = new Map<Name, Element>()
    const others = new Map<Name, number>()
    for (const propstat of propstats) {
      const status = statusIn(propstat)
      const prop = child(propstat, dav('prop'))
      for (const property of prop === undefined ? [] : elements(prop)) {
        if (status === 200) found.set(property.name, property)
        else others.set(property.name, status ?? 0)
      }
    }
    const errors = [response, ...propstats].flatMap(each => elements(each, dav('error')).flatMap(error => elements(error).map(({ name }) => name)))
    const href = child(response, dav('href'))
    if (href === undefined) throw new Error('a response without href')
    return { href: text(href), status: propstats.length > 0 ? undefined : statusIn(response), found, others, errors }
  })
}

function statusIn (parent: Element): number | undefined {
  const line = child(parent, dav('status'))
  if (line === undefined) return undefined
  const match = /^HTTP\/1\.1 (\d{3}) /.exec(text(line))
  if (match === null) throw new Error(`status line ${text(line)}`)
  return Number(match[1])
}

/** The DAV:sync-token at the end of a 207. */
export function tokenIn (body: string): string {
  const token = child(document(body), dav('sync-token'))
  if (token === undefined) throw new Error('a 207 without sync-token')
  return text(token)
}

/** The text of a property that was found, trimmed; empty when it was not. */
export function textOf (one: Told | undefined, name: Name): string {
  const property = one?.found.get(name)
  return property === undefined ? '' : text(property).trim()
}

/** The hrefs in a property that was found. */
export function hrefsOf (one: Told | undefined, name: Name): string[] {
  const property = one?.found.get(name)
  return property === undefined ? [] : elements(property, dav('href')).map(text)
}

/** The names of the elements in a property that was found. */
export function namesIn (one: Told | undefined, name: Name): Name[] {
  const property = one?.found.get(name)
  return property === undefined ? [] : elements(property).map(each => each.name)
}

/** The component types that a calendar says it takes. */
export function componentsOf (one: Told | undefined): (string | undefined)[] {
  const property = one?.found.get(caldav('supported-calendar-component-set'))
  return property === undefined ? [] : elements(property, caldav('comp')).map(comp => comp.attributes['name'])
}

/** The condition in the DAV:error body of a refusal; `undefined` for any other body. */
export function conditionIn (body: string): Name | undefined {
  if (!body.startsWith('<?xml')) return undefined
  const root = document(body)
  return root.name === dav('error') ? elements(root)[0]?.name : undefined
}
