import type { FastifyRequest } from 'fastify'
import { prefixOf, withoutPrefix } from '../dav/href.js'
import type { Identity } from '../directory/identity.js'
import type { LoginContext } from '../directory/login.js'
import { arrivalOf, type Arrival } from './arrival.js'
import type { Front } from './front.js'
import { contextOf } from './visitor.js'

/** What is known of a request besides what is in it. */
export interface Visit {
  readonly arrival: Arrival
  readonly context: LoginContext
  /** Raw request target, without a prefix. */
  readonly url: string
  /** Content-Type as it was sent. */
  readonly type: string | undefined
  /** Who has logged in. */
  identity?: Identity | undefined
}

const visits = new WeakMap<FastifyRequest, Visit>()

/** The one visit of a request; made when it is first asked for. */
export function visitOf ({ site }: Front, request: FastifyRequest): Visit {
  let visit = visits.get(request)
  if (visit === undefined) {
    const { server } = site.settings
    const arrival = arrivalOf(request.raw, server)
    const prefixes = [arrival.prefix, ...server.baseUrl === undefined ? [] : [prefixOf(server.baseUrl)]].filter(prefix => prefix !== '')
    const raw = urlOf(request)
    visit = { arrival, context: contextOf(request.raw, raw, arrival, server), url: prefixes.length === 0 ? raw : withoutPrefix(raw.replace(/^https?:\/\/[^/?#]+(?=\/)/i, ''), prefixes), type: request.headers['content-type'] }
    visits.set(request, visit)
  }
  return visit
}

/** The request target as it came over the wire. */
export function urlOf (request: FastifyRequest): string {
  return request.originalUrl
}

/** Names by which the client may call us, with the prefix as their path. */
export function originsOf ({ site }: Front, request: FastifyRequest): string[] {
  const { arrival: { host, prefix } } = visits.get(request) ?? { arrival: { host: undefined, prefix: '' } }
  const { baseUrl } = site.settings.server
  const hosts = new Set([request.headers.host, host].filter(name => name !== undefined))
  return [...[...hosts].flatMap(name => [`http://${name}${prefix}`, `https://${name}${prefix}`]), ...baseUrl === undefined ? [] : [baseUrl]]
}
