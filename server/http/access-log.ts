import type { FastifyReply, FastifyRequest } from 'fastify'
import { createWriteStream, type WriteStream } from 'node:fs'
import type { Identity } from '../directory/identity.js'

/** One line a request, as Apple's server wrote it: `HOST - USER [DATE] "METHOD URI HTTP/1.1" STATUS BYTES "REFERER" "AGENT" t=MS`. */
export class AccessLog {
  #stream: WriteStream | NodeJS.WriteStream | undefined
  #waiting = ''
  #timer: NodeJS.Timeout | undefined
  readonly #path: string

  /** @param path  absolute, `-` = standard output, empty = none */
  constructor (path: string) {
    this.#path = path
    this.reopen()
  }

  /** Opens the file again, after it was renamed by a log rotation. */
  reopen (): void {
    if (this.#path === '') return
    if (this.#path === '-') {
      this.#stream = process.stdout
      return
    }
    this.close()
    this.#stream = createWriteStream(this.#path, { flags: 'a', mode: 0o640 })
    this.#stream.on('error', () => { this.#stream = undefined })
  }

  /** Remembers when a request came. */
  begin (request: FastifyRequest): void {
    if (this.#stream !== undefined) begun.set(request, performance.now())
  }

  /** Remembers to write the line when the reply is out. @param address  the client's, '' when nobody knows */
  note (request: FastifyRequest, reply: FastifyReply, address: string, user: Identity | undefined): void {
    if (this.#stream === undefined || noted.has(request)) return
    noted.add(request)
    const { method, originalUrl, headers } = request
    reply.raw.once('close', () => {
      const { statusCode } = reply.raw
      const bytes = reply.raw.getHeader('content-length') ?? '-'
      this.#add(`${address === '' ? '-' : address} - ${nameOf(user)} [${stamp()}] "${method} ${clean(withoutUser(originalUrl))} HTTP/1.1" ${statusCode} ${String(bytes)} ` +
        `"${clean(headers.referer ?? '-')}" "${clean(headers['user-agent'] ?? '-')}" t=${(performance.now() - (begun.get(request) ?? performance.now())).toFixed(1)}\n`)
    })
  }

  // a system call for each line would be a tenth of what a GET costs
  #add (line: string): void {
    this.#waiting += line
    if (this.#waiting.length > 32_768) this.#flush()
    else this.#timer ??= setTimeout(() => { this.#flush() }, 100)
  }

  #flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting !== '') this.#stream?.write(this.#waiting)
    this.#waiting = ''
  }

  close (): void {
    this.#flush()
    if (this.#stream !== undefined && this.#stream !== process.stdout) this.#stream.end()
    this.#stream = undefined
  }
}

const noted = new WeakSet<FastifyRequest>()
const begun = new WeakMap<FastifyRequest, number>()

function nameOf (user: Identity | undefined): string {
  if (user === undefined) return '-'
  const name = clean(user.record.name)
  return user.sudoer === undefined ? name : `"${clean(user.sudoer)} as ${name}"`
}

// what stands before the host of a whole URL may be a password
function withoutUser (url: string): string {
  return url.startsWith('/') ? url : url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1')
}

function clean (text: string): string {
  return plain.test(text) ? text : text.replace(/["\\]|[^\x20-\x7e]/g, each => encodeURIComponent(Buffer.from(each).toString()))
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const plain = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/

let stamped = { second: 0, text: '' }

/** The time as Apache writes it; worked out once a second. */
function stamp (): string {
  const second = Math.floor(Date.now() / 1000)
  if (stamped.second === second) return stamped.text
  const date = new Date(second * 1000)
  const two = (number: number): string => String(number).padStart(2, '0')
  const text = `${two(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
  stamped = { second, text }
  return text
}
