import { Agent, request } from 'node:http'

export interface Answer { readonly status: number, readonly headers: Record<string, string | string[] | undefined>, readonly body: string }

/** What a request asks; the path is below alice's home, without a slash at its beginning. */
export interface Ask { readonly method: string, readonly path: string, readonly body?: string | undefined, readonly headers?: Readonly<Record<string, string>> | undefined }

/** No answer came: the server was killed. Whether the request was carried out is unknown. */
export class Gone extends Error {}

/** A server that answers later than this (ms) hangs. */
const patience = 20_000

export const homePath = '/calendars/users/alice/'
const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`

/** One client of a server, on kept-alive connections. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true })

  constructor (readonly port: number) {}

  /** @throws Gone */
  async ask ({ method, path, body = '', headers }: Ask): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      const lost = (error: Error): void => { reject(new Gone(error.message)) }
      const bytes = Buffer.from(body)
      const own = { authorization, 'content-length': bytes.length, ...bytes.length === 0 ? {} : { 'content-type': body.startsWith('BEGIN:') ? 'text/calendar; charset=utf-8' : 'application/xml; charset=utf-8' } }
      const asked = request({ agent: this.#agent, host: '127.0.0.1', port: this.port, method, path: homePath + path, headers: { ...own, ...headers } }, answer => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => { text += part }).on('error', lost).on('end', () => {
          if (answer.complete) resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text })
          else lost(new Error('half an answer'))
        })
      })
      asked.on('error', lost).end(bytes)
      asked.setTimeout(patience, () => {
        reject(new Error(`${method} ${path} was not answered within ${patience} ms`))
        asked.destroy()
      })
    })
  }

  close (): void {
    this.#agent.destroy()
  }
}
