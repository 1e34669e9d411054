import { child, elements, text, type Element } from '../../xml/element.js'
import { dav, type Name } from '../../xml/name.js'
import { parse, XmlError } from '../../xml/parse.js'
import type { Answer } from './caller.js'

/** What a 207 says about one resource (RFC 4918 14.24). */
export interface Told {
  /** As it was sent. */
  readonly href: string
  /** Against the URL that answered; undefined when it is no URL. */
  readonly url: URL | undefined
  /** Of the whole resource; undefined when its properties have theirs. */
  readonly status: number | undefined
  /** The properties that came with 200. */
  readonly found: ReadonlyMap<Name, Element>
}

/** A whole 207. */
export interface Multistatus { readonly told: readonly Told[], readonly token: string | undefined }

const limits = { bytes: 16 * 1024 * 1024, depth: 100, elements: 1_000_000 }

/** The XML of an answer. @throws XmlError */
export function xmlOf (answer: Answer): Element {
  return parse(answer.body, limits)
}

/** @throws XmlError when it is no DAV:multistatus */
export function readMultistatus (answer: Answer): Multistatus {
  const root = xmlOf(answer)
  if (root.name !== dav('multistatus')) throw new XmlError('malformed', `expected DAV:multistatus, found ${root.name}`)
  const token = child(root, dav('sync-token'))
  return { told: elements(root, dav('response')).flatMap(response => read(response, answer.url)), token: token === undefined ? undefined : text(token).trim() }
}

function read (response: Element, base: URL): Told[] {
  const found = new Map<Name, Element>()
  for (const propstat of elements(response, dav('propstat'))) {
    const prop = child(propstat, dav('prop'))
    if (prop !== undefined && statusOf(propstat) === 200) for (const one of elements(prop)) found.set(one.name, one)
  }
  // RFC 4918 14.24: several hrefs may share a status
  return elements(response, dav('href')).map(each => {
    const href = text(each).trim()
    return { href, url: URL.canParse(href, base.href) ? new URL(href, base) : undefined, status: statusOf(response), found }
  })
}

function statusOf (parent: Element): number | undefined {
  const status = child(parent, dav('status'))
  const number = status === undefined ? undefined : /^\s*HTTP\/\d(?:\.\d)?\s+(\d{3})/.exec(text(status))?.[1]
  return number === undefined ? undefined : Number(number)
}

/** The hrefs inside a property, as they were sent. */
export function hrefsIn (one: Told | undefined, name: Name): string[] {
  const property = one?.found.get(name)
  return property === undefined ? [] : elements(property, dav('href')).map(each => text(each).trim()).filter(href => href !== '')
}

/** The text of a property, trimmed; undefined when it did not come. */
export function textIn (one: Told | undefined, name: Name): string | undefined {
  const property = one?.found.get(name)
  return property === undefined ? undefined : text(property).trim()
}

/** The names of the elements inside a property, at any depth: resource types, privileges, reports. */
export function namesIn (one: Told | undefined, name: Name): ReadonlySet<Name> {
  const names = new Set<Name>()
  const walk = (parent: Element): void => {
    for (const each of elements(parent)) {
      names.add(each.name)
      walk(each)
    }
  }
  const property = one?.found.get(name)
  if (property !== undefined) walk(property)
  return names
}

/** The names of components in CALDAV:supported-calendar-component-set; undefined when it did not come. */
export function componentsIn (one: Told | undefined, name: Name): string[] | undefined {
  const property = one?.found.get(name)
  return property === undefined ? undefined : elements(property).map(each => (each.attributes['name'] ?? '').toUpperCase())
}

/** A path for comparing: decoded as far as it can be, without the slash at the end. */
export function comparable (url: URL): string {
  const path = url.pathname.split('/').map(segment => {
    try {
      return encodeURIComponent(decodeURIComponent(segment).normalize('NFC'))
    } catch {
      return segment
    }
  }).join('/')
  return path.replace(/\/+$/, '')
}
