import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Settings } from '../../conf/settings.js'
import { prefixOf } from '../dav/href.js'
import { isAmong, plainAddress } from './addresses.js'

/** How a request came to us, as far as it can be believed. */
export interface Arrival {
  /** Who is at the other end of the connection: a proxy, or the client. */
  readonly peer: string
  /** The client's; '' when a proxy does not say for whom it asks. */
  readonly address: string
  /** Over TLS, ours or a proxy's. */
  readonly isSecure: boolean
  /** Host and port by which the client knows us; undefined when nobody says, or a proxy may have put its own name there. */
  readonly host: string | undefined
  /** What stands before every path outside: '/dav', or ''. */
  readonly prefix: string
}

type Server = Settings['server']

/** What the connection says, and what the proxies of `server.proxies` say (X-Forwarded-*, X-Script-Name, RFC 7239); nobody else is believed. */
export function arrivalOf ({ socket, headers }: IncomingMessage, { baseUrl, proxies }: Server): Arrival {
  const peer = plainAddress(socket.remoteAddress) ?? ''
  const isSecure = 'encrypted' in socket && socket.encrypted === true
  const direct = { peer, address: peer, isSecure, host: hostIn(headers.host), prefix: baseUrl === undefined ? '' : prefixOf(baseUrl) }
  if (!speaks(headers) || !isAmong(proxies, peer)) return direct
  // a proxy that writes the one leaves the other as the client sent it
  const said = told.some(name => headers[name] !== undefined) ? fromX(headers) : fromForwarded(headers.forwarded)
  const { address, hops } = walk(said.chain, peer, proxies)
  const last = (list: readonly string[]): string | undefined => list[Math.max(0, list.length - hops)]
  const proto = last(said.proto)?.toLowerCase()
  const host = hostIn(withPort(last(said.host), last(said.port), proto))
  const prefix = prefixIn(last(list(headers['x-forwarded-prefix'] ?? headers['x-script-name'])))
  return {
    peer, address,
    isSecure: proto === undefined ? isSecure : proto === 'https',
    host,
    prefix: prefix ?? direct.prefix
  }
}

const told = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] as const

function speaks (headers: IncomingHttpHeaders): boolean {
  return headers['x-forwarded-for'] !== undefined || headers['x-forwarded-proto'] !== undefined || headers['x-forwarded-host'] !== undefined ||
    headers['x-forwarded-prefix'] !== undefined || headers['x-script-name'] !== undefined || headers.forwarded !== undefined
}

/** What proxies said, each list from the client's end to ours. */
interface Said {
  readonly chain: readonly string[]
  readonly proto: readonly string[]
  readonly host: readonly string[]
  readonly port: readonly string[]
}

function fromX (headers: IncomingHttpHeaders): Said {
  return {
    chain: list(headers['x-forwarded-for']), proto: list(headers['x-forwarded-proto']), host: list(headers['x-forwarded-host']), port: list(headers['x-forwarded-port'])
  }
}

/** RFC 7239 4 */
function fromForwarded (header: string | undefined): Said {
  const hops = header === undefined || header.length > longest ? [] : parts(header, commas).map(hop => new Map(parts(hop, semicolons).map(pair => {
    const [, name = '', value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
    return [name.toLowerCase(), value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value]
  })))
  const each = (name: string): string[] => hops.flatMap(hop => hop.get(name) ?? [])
  return { chain: each('for'), proto: each('proto'), host: each('host'), port: [] }
}

// what stands between separators that are not in a quoted string
const commas = /(?:[^,"]|"(?:\\.|[^"\\])*")+/g
const semicolons = /(?:[^;"]|"(?:\\.|[^"\\])*")+/g

function parts (text: string, form: RegExp): string[] {
  return text.match(form) ?? []
}

const longest = 2000

function list (header: string | readonly string[] | undefined): readonly string[] {
  const text = header === undefined || typeof header === 'string' ? header ?? '' : header.join(',')
  return text === '' || text.length > longest ? [] : text.split(',').map(entry => entry.trim())
}

/**
 * The address nearest to us that is no proxy of ours: each one that is vouches for the entry it wrote; '' when one says
 * nothing, or nothing that is an address. `hops` is how many proxies spoke, at least one.
 */
function walk (chain: readonly string[], peer: string, proxies: readonly string[]): { address: string, hops: number } {
  if (chain.length === 0) return { address: '', hops: 1 }
  let address = peer
  let at = chain.length
  while (at > 0 && isAmong(proxies, address)) address = addressIn(chain[--at] as string) ?? ''
  return { address, hops: chain.length - at }
}

/** An address with or without a port, IPv6 in brackets then; undefined for `unknown` and `_hidden`. */
function addressIn (entry: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry)?.[1] ?? entry
  const address = plainAddress(bare)
  return address !== undefined && isIP(address) !== 0 ? address : undefined
}

function withPort (host: string | undefined, port: string | undefined, proto: string | undefined): string | undefined {
  if (host === undefined || port === undefined || !/^\d{1,5}$/.test(port) || /:\d+$/.test(host)) return host
  return port === (proto === 'https' ? '443' : '80') ? host : `${host}:${port}`
}

/** Host and port when they can be ones. */
function hostIn (host: string | undefined): string | undefined {
  return host !== undefined && host.length < 300 && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host) ? host : undefined
}

/** A prefix that can be told from our own paths; `/` is none. */
function prefixIn (given: string | undefined): string | undefined {
  if (given === undefined) return undefined
  const prefix = given.replace(/\/+$/, '')
  const isOne = prefix.length < 300 && /^(?:\/(?!\.{1,2}(?:\/|$))(?:[\w.~!$&'()*+,;=:@-]|%[\da-f]{2})+)*$/i.test(prefix) && !/%2f|%00/i.test(prefix) && !/^\/(?:calendars|principals|health|\.well-known)(?:\/|$)/.test(prefix)
  return isOne ? prefix : undefined
}
