import { createHash, timingSafeEqual } from 'node:crypto'
import { DavError } from '../dav/error.js'

/** A Digest login as a client sent it (RFC 7616 3.4). */
export interface DigestCredentials {
  /** For looking it up. */
  readonly name: string
  /** As it was hashed: names in ISO 8859-1 are hashed in that. */
  readonly nameBytes: Buffer
  readonly charset: 'utf8' | 'latin1'
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly uri: string
  readonly algorithm: Algorithm
  readonly cnonce: string
  /** Eight hex digits, as they were hashed. */
  readonly nc: string
  /** Hex, lower case. */
  readonly response: string
}

/** What we offer, strongest first: the name on the wire and that of node:crypto. */
export const algorithms = { 'SHA-256': 'sha256', MD5: 'md5' } as const
export type Algorithm = keyof typeof algorithms

/**
 * The Authorization header of a Digest login; undefined when it is of another scheme.
 * @throws DavError 400 when a parameter is missing, doubled or improper (RFC 7616 3.4)
 */
export function readDigest (header: string): DigestCredentials | undefined {
  const body = /^Digest +/i.exec(header)?.[0]
  if (body === undefined) return undefined
  const fields = readFields(header, body.length)
  const field = (name: string, pattern: RegExp, expected: string): string => {
    const value = fields.get(name)
    if (value === undefined || !pattern.test(value)) throw improper(`${name} ${value === undefined ? 'is missing' : 'is wrong'}, expected ${expected}`)
    return value
  }
  if (fields.get('userhash')?.toLowerCase() === 'true') throw improper('userhash=true was not offered')
  const word = (fields.get('algorithm') ?? 'MD5').toUpperCase()
  const algorithm = Object.keys(algorithms).find((name): name is Algorithm => name === word)
  if (algorithm === undefined) throw improper(`algorithm is wrong, expected one of ${Object.keys(algorithms).join(', ')}`)
  field('qop', /^auth$/i, 'auth')
  return {
    ...readName(fields), algorithm,
    realm: field('realm', /^/, 'the realm of the challenge'),
    nonce: field('nonce', /^[\x20-\x7e]{1,200}$/, 'the nonce of the challenge'),
    opaque: fields.get('opaque'),
    uri: field('uri', /^[^\0-\x20\x7f]+$/, 'the target of the request'),
    cnonce: field('cnonce', /^[\x20-\x7e]{1,500}$/, 'a text chosen by the client'),
    nc: field('nc', /^[\da-f]{8}$/i, 'eight hex digits'),
    response: field('response', /^[\da-f]+$/i, 'hex digits').toLowerCase()
  }
}

/** Whether the `uri` of a login is that of the request (RFC 7616 3.4.6): as it stands in the request line, or with scheme and host before it. */
export function isTarget (uri: string, url: string): boolean {
  const withoutHost = (text: string) => /^https?:\/\/[^/?#]+(.*)$/i.exec(text)?.[1] ?? text
  return withoutHost(uri) === withoutHost(url)
}

/**
 * Does the answer prove a knowledge of this password? Takes as long when there is none.
 * @param stored  'plain:…', or 'digest:REALM:HA1' for MD5 (RFC 7616 3.4.1); others, and undefined, never do
 * @param method  of the request, as sent
 */
export function isRightAnswer (credentials: DigestCredentials, stored: string | undefined, method: string): boolean {
  const hash = (...parts: readonly (string | Buffer)[]) => {
    const sum = createHash(algorithms[credentials.algorithm])
    for (const part of parts) sum.update(part)
    return sum.digest('hex')
  }
  const { nonce, nc, cnonce, uri, realm, nameBytes, charset, response } = credentials
  const secretOf = (password: string) => hash(nameBytes, `:${realm}:`, Buffer.from(password, charset))
  const written = stored?.startsWith('digest:') === true ? readStored(stored, credentials) : undefined
  const password = stored?.startsWith('plain:') === true && stored !== 'plain:' ? stored.slice('plain:'.length) : undefined
  // Both forms: what looks the same is typed composed or not
  const [first, second] = [password ?? 'nobody', (password ?? 'nobody').normalize('NFC')].map(secretOf)
  const known = password !== undefined || written !== undefined
  const right = [written ?? first, second].map(secret => {
    const expected = hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:`, hash(Buffer.from(`${method}:${uri}`, 'latin1')))
    return response.length === expected.length && timingSafeEqual(Buffer.from(expected), Buffer.from(response))
  })
  return known && (right[0] === true || right[1] === true && password !== undefined)
}

/** Which algorithms an account of this stored password can answer with. */
export function algorithmsFor (stored: string, realm: string): readonly Algorithm[] {
  if (stored.startsWith('plain:')) return ['SHA-256', 'MD5']
  return stored.startsWith(`digest:${realm}:`) ? ['MD5'] : []
}

function readStored (stored: string, { realm, algorithm }: DigestCredentials): string | undefined {
  const hash = stored.slice(-32).toLowerCase()
  return algorithm === 'MD5' && stored.slice(0, -32) === `digest:${realm}:` && /^[\da-f]{32}$/.test(hash) ? hash : undefined
}

const mostFields = 20

/** name=token or name="quoted", with commas between. */
function readFields (header: string, start: number): Map<string, string> {
  const fields = new Map<string, string>()
  const pattern = /[ \t,]*([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))[ \t]*(?:,[ \t,]*|$)/y
  for (pattern.lastIndex = start; pattern.lastIndex < header.length;) {
    const [, name = '', inQuotes, token = ''] = pattern.exec(header) ?? []
    const key = name.toLowerCase()
    if (key === '') throw improper('expected name="value", name="value"')
    if (fields.has(key)) throw improper(`${key} is there twice`)
    if (fields.size >= mostFields) throw improper(`more than ${mostFields} parameters`)
    fields.set(key, inQuotes?.replace(/\\(.)/g, '$1') ?? token)
  }
  return fields
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** RFC 7616 3.4: username, or username* (RFC 8187) for what a header cannot hold. Headers arrive as ISO 8859-1, one letter for each byte. */
function readName (fields: ReadonlyMap<string, string>): Pick<DigestCredentials, 'name' | 'nameBytes' | 'charset'> {
  const [plain, extended] = [fields.get('username'), fields.get('username*')]
  if ((plain === undefined) === (extended === undefined)) throw improper('expected one of username and username*')
  const bytes = plain !== undefined ? Buffer.from(plain, 'latin1') : readExtended(extended ?? '')
  const decoded = asUtf8(bytes)
  if (decoded === undefined && extended !== undefined) throw improper('username* is no UTF-8')
  const name = decoded ?? bytes.toString('latin1')
  if (name === '' || /[\0-\x1f\x7f]/.test(name)) throw improper('username is empty, or has a control character')
  return { name, nameBytes: bytes, charset: decoded === undefined ? 'latin1' : 'utf8' }
}

function readExtended (text: string): Buffer {
  const encoded = /^UTF-8'[\w-]*'((?:[\w!#$&+.^`|~-]|%[\da-f]{2})+)$/i.exec(text)?.[1]
  if (encoded === undefined) throw improper("username* is wrong, expected UTF-8''name with %XX")
  return Buffer.from(encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1')
}

function asUtf8 (bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function improper (problem: string): DavError {
  return new DavError(400, `Authorization: Digest: ${problem}`)
}
