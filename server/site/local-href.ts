import { originOf, prefixesOf, withoutPrefix } from '../dav/href.js'
import type { Element } from '../xml/element.js'
import { dav } from '../xml/name.js'

/**
 * A body as if the server lived at the root of its host: each DAV:href to something below our prefix becomes a path of
 * ours. Values that clients store (RFC 4918 14.26, 14.17) stay as they are.
 * @param origins  names of this server, such as `https://example.org/dav`; without any path nothing changes
 */
export function localHrefs (body: Element, origins: readonly string[]): Element {
  const prefixes = prefixesOf(origins)
  if (prefixes.length === 0) return body
  const hosts = new Set(origins.map(originOf))
  const path = (href: string): string => {
    const trimmed = href.trim()
    const origin = originOf(trimmed)
    const local = origin !== undefined && hosts.has(origin) ? trimmed.replace(authority, '') : trimmed
    const cut = local.startsWith('/') ? withoutPrefix(local, prefixes) : local
    return cut === local ? href : cut
  }
  const within = (element: Element, isStored: boolean): Element => {
    if (element.name === hrefName) return { ...element, children: element.children.map(child => typeof child === 'string' ? path(child) : child) }
    const { children } = element
    if (element.name === owner) return element
    if (isStored) return { ...element, children: children.map(child => typeof child === 'string' || !understood.has(child.name) ? child : within(child, false)) }
    const stores = element.name === set
    return { ...element, children: children.map(child => typeof child === 'string' ? child : within(child, stores && child.name === prop)) }
  }
  return within(body, false)
}

const hrefName = dav('href')
const owner = dav('owner')
const set = dav('set')
const prop = dav('prop')
// what a PROPPATCH sets and the server itself reads
const understood: ReadonlySet<string> = new Set([dav('group-member-set')])
const authority = /^[^/]*\/\/[^/?#]*/
