import net from 'node:net'

/** A whole answer. `milliseconds` runs from the first byte written to the last byte read. */
export interface Answer {
  readonly status: number
  /** Lower case names; of repeated headers the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly milliseconds: number
}

/** What one request consists of. `path` is encoded as it goes on the wire. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * One HTTP connection, one request at a time. Bare sockets: node:http as the client costs about 100 µs more per
 * request, which is as much as the faster servers take. A server that closes (HTTP/1.0) is connected to again,
 * and that time counts, because a client would pay it too.
 */
export class Connection {
  #socket: net.Socket | undefined

  constructor (
    private readonly port: number,
    private readonly credentials: string,
    private readonly timeoutSeconds = 120
  ) {}

  /** @throws Error when the connection breaks, stays silent for too long, or answers something that is not HTTP */
  send (request: Request): Promise<Answer> {
    const bytes = this.#serialise(request)
    const started = performance.now()
    return new Promise((resolve, reject) => {
      const socket = this.#socket ?? this.#connect()
      const answer = new Reader(request.method === 'HEAD')
      const settle = (act: () => void): void => {
        socket.removeAllListeners()
        socket.on('error', () => this.close())
        act()
      }
      const fail = (cause: unknown): void => settle(() => {
        this.close()
        reject(new Error(`${request.method} ${request.path}: ${String(cause)}`))
      })
      const done = (): void => settle(() => {
        if (answer.closes) this.close()
        resolve({ status: answer.status, headers: answer.headers, body: answer.body(), milliseconds: performance.now() - started })
      })
      socket.on('data', chunk => { if (answer.take(chunk)) done() })
      socket.on('end', () => { answer.end() ? done() : fail('connection closed in the middle of an answer') })
      socket.on('error', fail)
      socket.on('timeout', () => fail(`no answer for ${this.timeoutSeconds} s`))
      socket.write(bytes)
    })
  }

  close (): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #connect (): net.Socket {
    const socket = net.connect(this.port, '127.0.0.1')
    socket.setNoDelay(true)
    socket.setTimeout(this.timeoutSeconds * 1000)
    this.#socket = socket
    return socket
  }

  #serialise ({ method, path, headers = {}, body }: Request): string {
    const all: Record<string, string> = {
      host: `127.0.0.1:${this.port}`,
      authorization: `Basic ${Buffer.from(this.credentials).toString('base64')}`,
      ...headers,
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) })
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`
  }
}

class Reader {
  status = 0
  closes = false
  readonly headers = new Map<string, string>()
  #chunks: Buffer[] = []
  #size = 0
  #headed = false
  #length: number | 'chunked' | 'until closed' = 0

  constructor (private readonly bodiless: boolean) {}

  /** True when the answer is complete. */
  take (chunk: Buffer): boolean {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (!this.#headed && !this.#head()) return false
    if (this.#length === 'until closed') return false
    if (this.#length === 'chunked') return this.#tail() && dechunk(this.#all()) !== undefined
    return this.#size >= this.#length
  }

  /** The peer closed: true when that is how this answer ends. */
  end (): boolean {
    this.closes = true
    return this.#headed && this.#length === 'until closed'
  }

  body (): Buffer {
    const all = this.#all()
    return this.#length === 'chunked' ? dechunk(all) ?? all : all
  }

  #head (): boolean {
    const all = this.#all()
    const end = all.indexOf('\r\n\r\n')
    if (end < 0) return false
    const [first = '', ...lines] = all.toString('latin1', 0, end).split('\r\n')
    this.status = Number(first.split(' ')[1])
    for (const line of lines) {
      const colon = line.indexOf(':')
      this.headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
    }
    const rest = all.subarray(end + 4)
    this.#chunks = [rest]
    this.#size = rest.length
    this.#headed = true
    const connection = this.headers.get('connection')?.toLowerCase()
    this.closes = connection === 'close' || (first.startsWith('HTTP/1.0') && connection !== 'keep-alive')
    this.#length = this.#framing()
    return true
  }

  #framing (): number | 'chunked' | 'until closed' {
    if (this.bodiless || this.status === 204 || this.status === 304) return 0
    if (this.headers.get('transfer-encoding') === 'chunked') return 'chunked'
    const length = this.headers.get('content-length')
    return length === undefined ? 'until closed' : Number(length)
  }

  #tail (): boolean {
    const last = this.#chunks.at(-1)
    return last !== undefined && (last.length < 5 || last.toString('latin1', last.length - 5) === '0\r\n\r\n')
  }

  #all (): Buffer {
    const all = this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }
}

/** RFC 9112 7.1; undefined while the last chunk is missing. */
function dechunk (all: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const line = all.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = parseInt(all.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (Number.isNaN(size) || next > all.length) return undefined
    if (size === 0) return Buffer.concat(parts)
    parts.push(all.subarray(line + 2, line + 2 + size))
    at = next
  }
}
