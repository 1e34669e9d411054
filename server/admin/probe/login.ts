import { createHash, randomBytes } from 'node:crypto'

/** Who asks. */
export interface Credentials { readonly user: string, readonly password: string }

/** One challenge of a 401 (RFC 9110 11.3), its scheme in lower case, the names of its parameters too. */
export interface Challenge { readonly scheme: string, readonly parameters: ReadonlyMap<string, string> }

/** The challenges of WWW-Authenticate. @param lines  the values of the header, one for each time it came */
export function challengesIn (lines: readonly string[]): Challenge[] {
  const found: { scheme: string, parameters: Map<string, string> }[] = []
  for (const line of lines) {
    for (const [item] of line.slice(0, 8192).matchAll(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g)) {
      const begin = /^\s*([A-Za-z][\w-]*)(?:\s+(?!=)|\s*$)/.exec(item)
      if (begin !== null) found.push({ scheme: begin[1]!.toLowerCase(), parameters: new Map() })
      const [, name, quoted, token] = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))\s*$/.exec(begin === null ? item : item.slice(begin[0].length)) ?? []
      if (name !== undefined) found.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '')
    }
  }
  return found
}

/** RFC 7617 */
export function basic ({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256' }

/** Can it be answered? Our clients know Basic, and Digest with MD5 or SHA-256. */
export function isKnown ({ scheme, parameters }: Challenge): boolean {
  return scheme === 'basic' || scheme === 'digest' && hashes[algorithmOf(parameters)] !== undefined
}

/**
 * The value of Authorization that answers a challenge (RFC 7616 3.4; RFC 2069 without qop).
 * @param count  how often this nonce was used, this time included
 */
export function answerTo (challenge: Challenge, credentials: Credentials, method: string, url: URL, count: number): string {
  if (challenge.scheme === 'basic') return basic(credentials)
  const { parameters } = challenge
  const algorithm = algorithmOf(parameters)
  const hash = (text: string): string => createHash(hashes[algorithm] ?? 'md5').update(text).digest('hex')
  const [realm, nonce, uri] = [parameters.get('realm') ?? '', parameters.get('nonce') ?? '', url.pathname + url.search]
  const [nc, cnonce] = [count.toString(16).padStart(8, '0'), randomBytes(12).toString('hex')]
  const [secret, asked] = [hash(`${credentials.user}:${realm}:${credentials.password}`), hash(`${method}:${uri}`)]
  const hasQop = (parameters.get('qop') ?? '').split(',').some(each => each.trim() === 'auth')
  const response = hasQop ? hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${asked}`) : hash(`${secret}:${nonce}:${asked}`)
  const quoted = { username: credentials.user, realm, nonce, uri, response, ...parameters.has('opaque') ? { opaque: parameters.get('opaque')! } : {}, ...hasQop ? { cnonce } : {} }
  const fields = Object.entries(quoted).map(([name, value]) => `${name}="${Buffer.from(value).toString('latin1').replace(/["\\]/g, '\\$&')}"`)
  return `Digest ${[...fields, `algorithm=${algorithm}`, ...hasQop ? ['qop=auth', `nc=${nc}`] : []].join(', ')}`
}

function algorithmOf (parameters: ReadonlyMap<string, string>): string {
  return (parameters.get('algorithm') ?? 'MD5').toUpperCase()
}
