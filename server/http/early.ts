import type { IncomingMessage } from 'node:http'
import type { Settings } from '../../conf/settings.js'
import { DavError } from '../dav/error.js'
import { originOf } from '../dav/href.js'
import type { DavReply } from '../site/request.js'
import type { Arrival } from './arrival.js'

/** What can be said without knowing who asks. */
export interface Early {
  readonly settings: Settings
  readonly isReady: () => boolean
  /** The port on which HTTPS is listened to; undefined = it is not. */
  readonly tlsPort: () => number | undefined
}

/**
 * What is answered to anybody: health, the way to HTTPS, and the way from the well-known place (RFC 6764 5, RFC 5785).
 * @param url      raw request target, without the prefix
 * @throws DavError 400 for two Host or two Authorization headers
 */
export function early (front: Early, request: IncomingMessage, url: string, arrival: Arrival): DavReply | undefined {
  demandOnce(request)
  const { method = '' } = request
  const [path] = url.split('?', 1)
  if (path === '/health' && (method === 'GET' || method === 'HEAD')) return health(front)
  const redirect = toHttps(front, request, url, arrival)
  if (redirect !== undefined) return redirect
  if (path !== '/.well-known/caldav' && path !== '/.well-known/caldav/') return undefined
  // GNOME asks OPTIONS here and reads its DAV header
  if (method === 'OPTIONS') return { status: 200, headers: { 'content-length': '0' } }
  return { status: 301, headers: { location: `${baseOf(front.settings, arrival)}/` }, body: '' }
}

/** RFC 9112 3.2, RFC 9110 11.6.2: a proxy and we might each believe another one of two. */
function demandOnce ({ rawHeaders }: IncomingMessage): void {
  for (const name of ['host', 'authorization']) {
    let times = 0
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const sent = rawHeaders[at] as string
      if (sent.length === name.length && sent.toLowerCase() === name) times++
    }
    if (times > 1) throw new DavError(400, `the header ${name} is there ${times} times`)
  }
}

function health ({ isReady }: Early): DavReply {
  const type = 'text/plain; charset=utf-8'
  return isReady()
    ? { status: 200, headers: { 'content-type': type, 'cache-control': 'no-store' }, body: 'ok\n' }
    : { status: 503, headers: { 'content-type': type, 'retry-after': '1' }, body: 'starting\n' }
}

/** 308 keeps method and body (RFC 9110 15.4.9); 301 for GET is understood by everybody. */
function toHttps ({ settings: { tls, server }, tlsPort }: Early, { method, headers }: IncomingMessage, url: string, { isSecure, host, prefix }: Arrival): DavReply | undefined {
  const port = tlsPort()
  if (!tls.redirect || isSecure || port === undefined) return undefined
  const name = (host ?? headers.host ?? '').replace(/:\d+$/, '')
  const base = server.baseUrl?.startsWith('https:') === true ? server.baseUrl
    : /^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(name) ? `https://${name}${port === 443 ? '' : `:${port}`}${prefix}`
      : undefined
  if (base === undefined || !url.startsWith('/')) throw new DavError(403, 'this server is used by HTTPS only')
  return { status: method === 'GET' || method === 'HEAD' ? 301 : 308, headers: { location: base + url }, body: '' }
}

/** Where we are, as far as it is known: `https://example.org/dav`; '' leaves the path to `seenOutside`. */
export function baseOf ({ server }: Settings, { host, isSecure, prefix }: Arrival): string {
  if (server.baseUrl !== undefined) return server.baseUrl
  return host === undefined ? '' : `${originOf(`${isSecure ? 'https' : 'http'}://${host}`) ?? ''}${prefix}`
}
