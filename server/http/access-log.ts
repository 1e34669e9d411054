import type { FastifyReply, FastifyRequest } from 'fastify'
import { createWriteStream, type WriteStream } from 'node:fs'

/** One line a request, as Apple's server wrote it: `HOST - USER [DATE] "METHOD URI HTTP/1.1" STATUS BYTES "REFERER" "AGENT" t=MS`. */
export class AccessLog {
  #stream: WriteStream | NodeJS.WriteStream | undefined
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

  /** Remembers to write the line when the reply is out. */
  note (request: FastifyRequest, reply: FastifyReply, user: string | undefined): void {
    const stream = this.#stream
    if (stream === undefined || noted.has(request)) return
    noted.add(request)
    const { method, originalUrl, ip, headers } = request
    reply.raw.once('close', () => {
      const { statusCode } = reply.raw
      const bytes = reply.raw.getHeader('content-length') ?? '-'
      stream.write(`${ip} - ${clean(user ?? '-')} [${stamp(new Date())}] "${method} ${clean(originalUrl)} HTTP/1.1" ${statusCode} ${String(bytes)} ` +
        `"${clean(headers.referer ?? '-')}" "${clean(headers['user-agent'] ?? '-')}" t=${(performance.now() - (begun.get(request) ?? performance.now())).toFixed(1)}\n`)
    })
  }

  close (): void {
    if (this.#stream !== undefined && this.#stream !== process.stdout) this.#stream.end()
    this.#stream = undefined
  }
}

const noted = new WeakSet<FastifyRequest>()
const begun = new WeakMap<FastifyRequest, number>()

function clean (text: string): string {
  return text.replace(/["\\]|[^\x20-\x7e]/g, each => encodeURIComponent(Buffer.from(each).toString()))
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function stamp (date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${two(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}
