import type { IncomingMessage } from 'node:http'
import type { Settings } from '../../conf/settings.js'
import { appleTimezoneService } from '../calendar/apple-timezone-service.js'
import { invalidAction, servicePath, timezoneService } from '../calendar/timezone-service.js'
import type { DavReply } from '../site/request.js'
import type { Arrival } from './arrival.js'
import { baseOf } from './early.js'

/** Where Apple's older one is. */
const apple = '/timezones'

/**
 * The time zone services, and the way there from the well-known place (RFC 7808 4.2.1.3). For anybody, as on Apple's server: what they
 * tell is public, and clients ask before they have a password.
 * @param url  raw request target, without the prefix
 * @returns undefined when something else is asked for, or `timezones.service` is off
 * @throws DavError from Apple's service
 */
export async function timezones (settings: Settings, request: IncomingMessage, url: string, arrival: Arrival): Promise<DavReply | undefined> {
  const { method = '', headers } = request
  const [path = '', search = ''] = url.split('?', 2)
  const isWellKnown = path === '/.well-known/timezone' || path === '/.well-known/timezone/'
  const isStandard = path === servicePath || path.startsWith(`${servicePath}/`)
  const isApple = path === apple || path === `${apple}/`
  if (!settings.timezones.service || !(isWellKnown || isStandard || isApple)) return undefined
  if (method === 'OPTIONS') return { status: 200, headers: { allow, 'content-length': '0' } }
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, headers: { allow, 'content-type': 'text/plain; charset=utf-8' }, body: 'Time zones can only be read.\n' }
  }
  if (isWellKnown) return { status: 301, headers: { location: `${baseOf(settings, arrival)}${servicePath}`, 'cache-control': 'public, max-age=86400' }, body: '' }
  const asked = decoded(path.slice(servicePath.length), search)
  if (isApple) return appleTimezoneService(asked?.query ?? new Map())
  if (asked === undefined) return invalidAction('The address is not percent-encoded UTF-8')
  return await timezoneService({ ...asked, accept: headers.accept, ifNoneMatch: headers['if-none-match'], base: `${arrival.prefix}${servicePath}` })
}

const allow = 'GET, HEAD, OPTIONS'

interface Asked { readonly path: readonly string[], readonly query: ReadonlyMap<string, readonly string[]> }

/** `+` stands for itself, as in `Etc/GMT+1` (RFC 3986); undefined when the encoding is wrong. */
function decoded (path: string, search: string): Asked | undefined {
  const query = new Map<string, string[]>()
  try {
    for (const pair of search.split('&').filter(pair => pair !== '')) {
      const at = pair.indexOf('=')
      const name = decodeURIComponent(at === -1 ? pair : pair.slice(0, at))
      const value = at === -1 ? '' : decodeURIComponent(pair.slice(at + 1))
      query.set(name, [...query.get(name) ?? [], value])
    }
    return { path: path.split('/').slice(1).map(decodeURIComponent), query }
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
