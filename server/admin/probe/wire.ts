import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** What one server may cost us. */
export interface Bounds {
  /** Bytes of one answer's body. */
  readonly bytes: number
  /** Milliseconds for one answer, from the first byte sent to the last one read. */
  readonly milliseconds: number
  /** Redirects followed for one request. */
  readonly redirects: number
  /** Milliseconds for everything. */
  readonly altogether: number
}

/** The bounds of the command. */
export const bounds: Bounds = { bytes: 10 * 1024 * 1024, milliseconds: 20_000, redirects: 10, altogether: 10 * 60_000 }

/** Why there is no answer. */
export type NoAnswer = 'unreachable' | 'certificate' | 'slow' | 'long' | 'broken'

/** A request that was not answered; the message says what happened, for a person. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly reason: NoAnswer

  constructor (reason: NoAnswer, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.reason = reason
  }
}

/** One answer as it came; redirects are not followed. */
export interface Received {
  readonly status: number
  /** The words after the status. */
  readonly reason: string
  /** Names in lower case; what came several times, in order. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: Buffer
}

/** Sends requests one at a time over kept connections, within bounds. */
export class Wire {
  readonly #bounds: Bounds
  readonly #http = new HttpAgent({ keepAlive: true })
  readonly #https: HttpsAgent

  /**
   * @param ca          PEM of further authorities to trust
   * @param isCareless  takes every certificate
   */
  constructor (bounds: Bounds, { ca, isCareless = false }: { readonly ca?: readonly string[] | undefined, readonly isCareless?: boolean | undefined } = {}) {
    this.#bounds = bounds
    this.#https = new HttpsAgent({ keepAlive: true, rejectUnauthorized: !isCareless, ...ca === undefined ? {} : { ca: [...ca] } })
  }

  /** @throws WireError */
  async send (method: string, url: URL, headers: Readonly<Record<string, string>>, body?: string): Promise<Received> {
    try {
      return await this.#send(method, url, headers, body)
    } catch (error) {
      // RFC 9112 9.3.1: a kept connection may have been closed just now
      if (error instanceof WireError && error.cause !== undefined && (error.cause as { code?: string }).code === 'ECONNRESET' && repeatable.has(method)) return await this.#send(method, url, headers, body)
      throw error
    }
  }

  /** Closes what is kept open. */
  close (): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #send (method: string, url: URL, headers: Readonly<Record<string, string>>, body: string | undefined): Promise<Received> {
    const secure = url.protocol === 'https:'
    return await new Promise((resolve, reject) => {
      let request: ClientRequest | undefined
      const timer = setTimeout(() => { request?.destroy(new WireError('slow', `no whole answer within ${this.#bounds.milliseconds / 1000} seconds`)) }, this.#bounds.milliseconds)
      const fail = (error: unknown): void => {
        clearTimeout(timer)
        reject(error instanceof WireError ? error : explained(error, url))
      }
      try {
        const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
        request = (secure ? httpsRequest : httpRequest)(url, { method, agent: secure ? this.#https : this.#http, headers: { ...headers, ...length } })
        request.on('error', fail)
        request.on('response', response => {
          read(response, this.#bounds.bytes).then(received => {
            clearTimeout(timer)
            resolve(received)
          }, fail)
        })
        request.end(body)
      } catch (error) {
        fail(error)
      }
    })
  }
}

const repeatable: ReadonlySet<string> = new Set(['OPTIONS', 'PROPFIND', 'REPORT', 'GET', 'HEAD'])

async function read (response: IncomingMessage, most: number): Promise<Received> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response) {
    bytes += (piece as Buffer).length
    if (bytes > most) {
      response.destroy()
      throw new WireError('long', `the answer is longer than ${most / 1024 / 1024} MB`)
    }
    pieces.push(piece as Buffer)
  }
  const headers = Object.fromEntries(Object.entries(response.headersDistinct).map(([name, values]) => [name, values ?? []]))
  return { status: response.statusCode ?? 0, reason: response.statusMessage ?? '', headers, body: Buffer.concat(pieces) }
}

const certificateCode = /CERT|SIGNATURE|ISSUER|^ERR_TLS_CERT/

function explained (error: unknown, url: URL): WireError {
  const { code = '', message = String(error) } = error as { code?: string, message?: string }
  const where = url.host
  if (certificateCode.test(code)) return new WireError('certificate', `the certificate of ${where} is not accepted (${code})`, error)
  const words = reasons[code]
  if (words !== undefined) return new WireError('unreachable', `${where}: ${words}`, error)
  if (code.startsWith('HPE_')) return new WireError('broken', `${where} does not answer in HTTP (${message.replace(/^Parse Error: /, '')})`, error)
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return new WireError('unreachable', `${where}: TLS could not be agreed on; is it plain HTTP, or does it offer nothing newer than TLS 1.1?`, error)
  return new WireError('broken', `${where}: ${message}`, error)
}

/** The system's words for people. */
const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name could not be looked up; is the network there?',
  ECONNREFUSED: 'nothing listens on that port',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'no connection within the time of the system; a firewall?',
  ECONNRESET: 'the connection was cut',
  EADDRNOTAVAIL: 'that address cannot be connected to'
}
