import type { Answer, Caller } from './caller.js'
import { explain, explainXml, summary, typeOf, type Displaced } from './explain.js'
import { comparable, readMultistatus, type Multistatus, type Told } from './multistatus.js'
import { WireError } from './wire.js'

/** Something that is not as a client needs it. */
export interface Finding {
  /** `fails`: it cannot be set up, or does not see or save events; `remark`: it works, but badly or not always. */
  readonly severity: 'fails' | 'remark'
  /** What the client was doing: 'asks for the principal'. */
  readonly step: string
  /** 'PROPFIND https://cal.example.org/ (Depth 0)'; '' when nothing was asked. */
  readonly asked: string
  readonly came: string
  readonly problem: string
  readonly advice: string
}

/** One thing a client does. */
export interface Step {
  /** After the client's name: 'lists the calendars'. */
  readonly name: string
  readonly run: (visit: Visit) => Promise<void>
}

/** A client: who it is, and what it does in its order. */
export interface Client {
  readonly name: string
  /** The devices and programs that behave so. */
  readonly about: string
  readonly agent: string
  /** Sends the password only after a 401 that says how; others begin with Basic. */
  readonly waitsForChallenge: boolean
  /** What it does about a certificate it does not know. */
  readonly onBadCertificate: 'asks' | 'refuses'
  /** Sends no password in the open. */
  readonly needsSecrecy: boolean
  /** Does not take XML that is called something else. */
  readonly needsXmlType: boolean
  readonly steps: readonly Step[]
}

/** A calendar that was found. */
export interface Calendar { readonly url: URL, readonly told: Told, readonly components: readonly string[] | undefined }

/** The headers and the body of a request. */
export interface Question { readonly depth?: '0' | '1', readonly body?: string, readonly headers?: Readonly<Record<string, string>> }

/** The client cannot go on. */
class Stop extends Error {
  override readonly name = 'Stop'
}

/** One client at one server: what it has learned, and what was wrong. */
export class Visit {
  readonly client: Client
  /** The URL that was typed. */
  readonly start: URL
  /** The URLs of the service records, most wanted first; on the same host only. */
  readonly records: readonly URL[]
  /** A calendar that may be written, made for this look. */
  readonly scratch: URL | undefined
  readonly now: () => number
  readonly findings: Finding[] = []
  /** What is worth knowing and no fault. */
  readonly notes: string[] = []
  principal: URL | undefined
  principalTold: Told | undefined
  homes: URL[] = []
  calendars: Calendar[] = []
  readonly #caller: Caller
  #step = ''
  #displaced: Displaced | undefined

  constructor ({ client, caller, start, records = [], scratch, now }: {
    readonly client: Client, readonly caller: Caller, readonly start: URL, readonly records?: readonly URL[], readonly scratch?: URL | undefined, readonly now: () => number
  }) {
    this.client = client
    this.#caller = caller
    this.start = start
    this.records = records
    this.scratch = scratch
    this.now = now
  }

  /** Does the steps until the end, or until one cannot be done. @param tell  hears of each step */
  async run (tell: (step: string) => void): Promise<void> {
    for (const step of this.client.steps) {
      this.#step = step.name
      tell(step.name)
      try {
        await step.run(this)
      } catch (error) {
        if (error instanceof Stop) return
        throw error
      }
    }
  }

  /** Sends one request; a server that does not answer ends the visit. */
  async ask (method: string, url: URL, { depth, body, headers = {} }: Question = {}): Promise<Answer> {
    const type = body === undefined ? {} : { 'content-type': method === 'PUT' ? 'text/calendar; charset=utf-8' : 'application/xml; charset=utf-8' }
    try {
      return await this.#caller.ask({ method, url, body, headers: { 'user-agent': this.client.agent, ...type, ...depth === undefined ? {} : { depth }, ...headers } })
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      const asked = `${method} ${url.href}`
      if (error.reason === 'long') {
        this.note(`${asked}: ${error.message}; not looked at`)
        throw new Stop()
      }
      this.findings.push({ severity: 'fails', step: this.#step, asked, came: 'no answer', problem: error.message, advice: noAnswer[error.reason] })
      throw new Stop()
    }
  }

  /** Sends a request whose answer must be a 207, and reads that; anything else ends the visit. */
  async read (method: 'PROPFIND' | 'REPORT', url: URL, question: Question): Promise<Multistatus & { readonly answer: Answer }> {
    const answer = await this.ask(method, url, question)
    return { ...this.readAnswer(answer, question.depth), answer }
  }

  /** The 207 in an answer; anything else ends the visit. */
  readAnswer (answer: Answer, depth?: '0' | '1'): Multistatus {
    if (answer.status !== 207) this.failBy(answer)
    let read: Multistatus
    try {
      read = readMultistatus(answer)
    } catch (error) {
      const { problem, advice } = explainXml(answer, error)
      return this.fail(problem, advice, answer)
    }
    const type = typeOf(answer)
    if (type !== 'application/xml' && type !== 'text/xml') {
      const severity = this.client.needsXmlType ? 'fails' : 'remark'
      this.find(severity, `XML is sent as ${type === '' ? 'nothing (no Content-Type)' : type}`, 'send it as application/xml; charset=utf-8', answer)
      if (severity === 'fails') throw new Stop()
    }
    if (answer.asked.method === 'PROPFIND') this.#lookAtPaths(answer, read.told, depth)
    return read
  }

  /** Where a href of a property leads; ends the visit when that is another server. */
  follow (answer: Answer, href: string, what: string): URL {
    const to = URL.canParse(href, answer.url.href) ? new URL(href, answer.url) : this.fail(`the href of ${what} is no URL: ${href}`, 'this is a fault of the server', answer)
    to.username = to.password = ''
    if (to.hostname === answer.url.hostname && (to.protocol === answer.url.protocol || to.protocol === 'https:')) return to
    return this.fail(`the href of ${what} leads to ${to.origin}, but the server is ${answer.url.origin} for clients`,
      `tell the server its name outside (server.baseUrl for caldavd), and let the proxy pass Host and X-Forwarded-Proto; if it is meant, look at that server itself: caldavd doctor ${to.origin}/`, answer)
  }

  /** Keeps a finding; the visit goes on. One problem is told once. */
  find (severity: Finding['severity'], problem: string, advice: string, answer?: Answer): void {
    if (this.findings.some(one => one.problem === problem)) return
    this.findings.push({ severity, step: this.#step, asked: answer === undefined ? '' : question(answer), came: answer === undefined ? '' : summary(answer), problem, advice })
  }

  /** Keeps a finding that ends the visit. */
  fail (problem: string, advice: string, answer?: Answer): never {
    this.find('fails', problem, advice, answer)
    throw new Stop()
  }

  /** Ends the visit for what was found already. */
  stop (): never {
    throw new Stop()
  }

  /** Ends the visit for what an answer's status says. */
  failBy (answer: Answer): never {
    const { problem, advice } = explain(answer, this.#displaced)
    this.fail(problem, advice, answer)
  }

  /** The same, without an end. */
  findBy (severity: Finding['severity'], answer: Answer, what: string): void {
    const { problem, advice } = explain(answer, this.#displaced)
    this.find(severity, `${what}: ${problem}`, advice, answer)
  }

  note (text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text)
  }

  #lookAtPaths (answer: Answer, told: readonly Told[], depth: '0' | '1' | undefined): void {
    const base = comparable(answer.url)
    const foreign = told.find(({ url }) => url !== undefined && url.origin !== answer.url.origin)
    if (foreign?.url !== undefined) {
      this.fail(`the hrefs in the answer begin with ${foreign.url.origin}, but the server is ${answer.url.origin} for clients`,
        'tell the server its name outside (server.baseUrl for caldavd), and let the proxy pass Host and X-Forwarded-Proto', answer)
    }
    const paths = told.flatMap(({ url }) => url === undefined ? [] : [comparable(url)])
    const levels = paths.filter(path => path.startsWith(`${base}/`)).map(path => path.slice(base.length + 1).split('/').length)
    if (levels.some(level => level > Number(depth ?? '0'))) {
      this.find('remark', `Depth: ${depth ?? '0'} was asked, and what lies deeper came as well`, 'the Depth header seems to be lost on the way: let the proxy pass it on', answer)
    }
    if (paths.length === 0 || paths.some(path => path === base || path.startsWith(`${base}/`))) return
    const [first = ''] = paths
    // /dav/calendars told as /calendars, or the other way round
    if (base.endsWith(first) || first.endsWith(base)) this.#displaced ??= { asked: `${base}/`, told: `${first}/` }
  }
}

/** Is it the calendar that was made for this look? */
export function isScratch ({ scratch }: Visit, url: URL): boolean {
  return scratch !== undefined && comparable(scratch) === comparable(url)
}

/** A request on one line. */
function question ({ asked }: Answer): string {
  const depth = asked.headers?.['depth']
  return `${asked.method} ${asked.url.href}${depth === undefined ? '' : ` (Depth ${depth})`}`
}

const noAnswer: Readonly<Record<WireError['reason'], string>> = {
  unreachable: 'is the server there, for this address and port? a link that leads to a name or port of the inside needs the server to know its name outside',
  certificate: 'get a certificate that names this host',
  slow: 'see the log of the server; clients wait no longer',
  long: '',
  broken: 'see the log of the server and of the proxy'
}
