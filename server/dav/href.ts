import { DavError } from './error.js'

/** What the path of a URL says: decoded segments, and whether it ends in a slash. The root has none and is a collection. */
export interface Path {
  readonly segments: readonly string[]
  readonly collection: boolean
}

const pathLength = 4096

/**
 * The path of a request target as it came over the wire (`request.raw.url`); the query is left out, `*` is the root.
 * Split first, decoded once: `%2F`, NUL, empty and dot segments are refused, bytes that are not UTF-8 too.
 * @throws DavError 400; 414 for more than 4096 bytes
 */
export function segments (rawUrl: string): Path {
  return pathOf(rawUrl === '*' ? '/' : pathPart(rawUrl))
}

/**
 * The absolute path for an href, a header or a log: percent-encoded but for the `pchar` of RFC 3986 3.3. The text still
 * needs escaping inside XML. Half a surrogate pair becomes U+FFFD.
 */
export function href (segments: readonly string[], collection: boolean): string {
  let path = ''
  for (const segment of segments) path += `/${encode(segment)}`
  return collection ? `${path}/` : path
}

/**
 * Where an href in a body points to: an absolute URI of this server, an absolute path, or a path relative to `base`.
 * White space around it is forgiven; so are characters that should have been encoded.
 * @param base     raw URL of the request
 * @param origins  such as `https://cal.example.com:8443` or `https://example.org/dav`, the names of this server; their path is cut off
 * @returns undefined when it is elsewhere: another host, `mailto:`, `urn:`
 * @throws DavError 400, 414 as `segments`
 */
export function resolve (base: string, href: string, origins: readonly string[]): Path | undefined {
  const local = href.trim().replace(/[^\x21-\x7e]+/g, encodeRun)
  if (isAbsolute.test(local)) {
    const origin = originOf(local)
    return origin !== undefined && origins.some(one => originOf(one) === origin) ? segments(withoutPrefix(pathPart(local), prefixesOf(origins))) : undefined
  }
  if (local.startsWith('/')) return segments(withoutPrefix(local, prefixesOf(origins)))
  const from = pathPart(base)
  return segments(from.slice(0, from.lastIndexOf('/') + 1) + local)
}

/** Scheme and authority of an absolute http URI, in lower case and without the usual port; undefined for anything else. */
export function originOf (uri: string): string | undefined {
  const match = httpUri.exec(uri)
  if (match === null) return undefined
  const [scheme, authority] = [(match[1] as string).toLowerCase(), (match[2] as string).toLowerCase()]
  const usual = scheme === 'https' ? ':443' : ':80'
  return `${scheme}://${authority.endsWith(usual) ? authority.slice(0, -usual.length) : authority}`
}

/** The path of an origin, without a slash at the end: what stands before every path of a server that lives below another. */
export function prefixOf (origin: string): string {
  return origin.replace(httpUri, '').replace(/[?#].*$|\/+$/g, '')
}

/** The paths of origins that have one, each once. */
export function prefixesOf (origins: readonly string[]): readonly string[] {
  return origins.length === 0 ? none : [...new Set(origins.map(prefixOf))].filter(prefix => prefix !== '')
}

/**
 * A raw absolute path without the first of the prefixes that it begins with. A proxy may have cut it off already.
 * @param prefixes  such as `/dav`
 */
export function withoutPrefix (rawPath: string, prefixes: readonly string[]): string {
  for (const prefix of prefixes) {
    if (!rawPath.startsWith(prefix)) continue
    const rest = rawPath.slice(prefix.length)
    if (rest === '' || rest.startsWith('?')) return `/${rest}`
    if (rest.startsWith('/')) return rest
  }
  return rawPath
}

const none: readonly string[] = []
const isAbsolute = /^[a-z][a-z0-9+.-]*:/i
const httpUri = /^(https?):\/\/([^/?#]+)/i

/** The raw path of a request target or URI, without its query. */
function pathPart (rawUrl: string): string {
  if (rawUrl.includes('#')) throw new DavError(400, `a fragment in the URL ${shorten(rawUrl)}`)
  const start = rawUrl.startsWith('/') ? 0 : httpUri.exec(rawUrl)?.[0].length
  if (start === undefined) throw new DavError(400, `the URL ${shorten(rawUrl)} is neither a path nor http`)
  const query = rawUrl.indexOf('?', start)
  return rawUrl.slice(start, query === -1 ? rawUrl.length : query) || '/'
}

function pathOf (rawPath: string): Path {
  if (rawPath.length > pathLength) throw new DavError(414, `the path ${shorten(rawPath)} is longer than ${pathLength} bytes`)
  const raw = rawPath.slice(1).split('/')
  const collection = raw[raw.length - 1] === ''
  if (collection) raw.pop()
  return { segments: raw.map(one => decode(one, rawPath)), collection }
}

function decode (raw: string, rawPath: string): string {
  let segment = raw
  if (unusual.test(raw)) {
    try {
      // node:http hands bytes above 0x7f over as Latin-1
      segment = decodeURIComponent(raw.replace(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16)}`))
    } catch {
      throw new DavError(400, `the path ${shorten(rawPath)} is not percent-encoded UTF-8`)
    }
  }
  if (segment === '' || segment === '.' || segment === '..' || segment.includes('/') || segment.includes('\0')) {
    throw new DavError(400, `the path ${shorten(rawPath)} has an empty or dot segment, %2F or %00`)
  }
  return segment
}

const unusual = /[%\x80-\uffff]/

function encode (segment: string): string {
  if (pchars.test(segment)) return segment
  const whole = /[\ud800-\udfff]/u.test(segment) ? Buffer.from(segment).toString() : segment
  return encodeURIComponent(whole).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
}

const pchars = /^[\w.~!$&'()*+,;=:@-]*$/

/** What should have been encoded in an href, encoded. */
function encodeRun (run: string): string {
  return encodeURIComponent(Buffer.from(run).toString())
}

function shorten (url: string): string {
  return JSON.stringify(url.length > 100 ? `${url.slice(0, 100)}…` : url)
}
