import { failed, DavError } from '../dav/error.js'
import type { Headers } from '../dav/header.js'
import type { Path } from '../dav/href.js'
import type { Element } from '../xml/element.js'
import { parse, XmlError } from '../xml/parse.js'
import { xmlLimits } from './limits.js'
import { localHrefs } from './local-href.js'
import type { Requester } from './requester.js'
import type { Resource } from './resource.js'
import type { Site } from './site.js'

/** A request as the methods see it. */
export interface DavRequest {
  readonly site: Site
  readonly method: string
  /** As it came over the wire, without a prefix below which the server lives. */
  readonly url: string
  readonly path: Path
  /** What the path names. */
  readonly target: Resource
  readonly user: Requester
  readonly headers: Headers
  readonly body: Buffer
  /** The names of this server: `https://cal.example.org:8443`, `https://example.org/dav`. */
  readonly origins: readonly string[]
}

/** What a method answers. A body in pieces is sent as it is made. */
export interface DavReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | AsyncIterable<string>
}

/** A header's value; several are joined by commas. */
export function header (request: DavRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value as string | undefined
}

/**
 * The XML body; `undefined` when there is none.
 * @throws DavError 400 malformed, 403 no-external-entities, 413 over a limit, 415 another media type
 */
export function xmlBody (request: DavRequest): Element | undefined {
  if (request.body.length === 0) return undefined
  const type = header(request, 'content-type')
  if (type !== undefined && !isXml(type)) throw new DavError(415, `${request.method} expects an XML body, not ${type.slice(0, 80)}`)
  try {
    return localHrefs(parse(request.body, xmlLimits(request.site.settings)), request.origins)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    if (error.reason === 'doctype') throw failed('no-external-entities', error.message)
    throw new DavError(error.reason === 'limit' ? 413 : 400, error.message)
  }
}

// text/plain and form types: what curl and small scripts send who do not say
function isXml (type: string): boolean {
  return /^\s*(?:(?:text|application)\/(?:[\w.+-]*\+)?xml|text\/plain|application\/x-www-form-urlencoded|application\/octet-stream)\s*(?:;|$)/i.test(type)
}
