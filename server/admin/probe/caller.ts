import { answerTo, challengesIn, isKnown, type Challenge, type Credentials } from './login.js'
import { WireError, type Bounds, type Received, type Wire } from './wire.js'

/** One request, as a client means it. */
export interface Asked {
  readonly method: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** Without the password, as clients begin. */
  readonly isAnonymous?: boolean | undefined
}

/** One redirect that was followed. */
export interface Hop { readonly status: number, readonly from: URL, readonly to: URL }

/** The answer at the end of all redirects. */
export interface Answer {
  readonly asked: Asked
  readonly hops: readonly Hop[]
  /** What answered: the target of the last hop. */
  readonly url: URL
  readonly status: number
  readonly reason: string
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: Buffer
  /** Why the password was not sent to what answered. */
  readonly withheld: 'other host' | 'not secure' | undefined
}

/** One exchange for --verbose; Authorization and cookies are hidden. */
export interface Exchange { readonly sent: string, readonly received: string }

/** Asks one server as one user: logs in as it is asked to, follows redirects, and gives the password to no other host. */
export class Caller {
  readonly #wire: Wire
  readonly #bounds: Bounds
  readonly #start: URL
  readonly #credentials: Credentials | undefined
  readonly #tell: (exchange: Exchange) => void
  readonly #end: number
  readonly #now: () => number
  #challenge: Challenge | undefined
  #count = 0
  /** How many requests were sent. */
  requests = 0

  /** @param start  the URL that was typed: its host is the one that gets the password */
  constructor ({ wire, bounds, start, credentials, tell = () => {}, now = Date.now }: {
    readonly wire: Wire, readonly bounds: Bounds, readonly start: URL, readonly credentials?: Credentials | undefined
    readonly tell?: ((exchange: Exchange) => void) | undefined, readonly now?: (() => number) | undefined
  }) {
    this.#wire = wire
    this.#bounds = bounds
    this.#start = start
    this.#credentials = credentials
    this.#tell = tell
    this.#now = now
    this.#end = now() + bounds.altogether
  }

  /** @throws WireError when there is no answer; 'broken' for more redirects than the bounds allow */
  async ask (asked: Asked): Promise<Answer> {
    const hops: Hop[] = []
    let { url } = asked
    let [method, body] = [asked.method, asked.body]
    for (;;) {
      const received = await this.#askOnce({ ...asked, method, body }, url)
      const to = redirects.has(received.status) ? targetOf(received, url) : undefined
      if (to === undefined) return { ...received, asked, hops, url, withheld: asked.isAnonymous === true ? undefined : this.#withheld(url) }
      hops.push({ status: received.status, from: url, to })
      if (hops.length > this.#bounds.redirects) throw new WireError('broken', `more than ${this.#bounds.redirects} redirects, the last one from ${url.href} to ${to.href}`)
      // RFC 9110 15.4.4: 303 is looked at with GET; what was asked is lost
      if (received.status === 303 && method !== 'HEAD') [method, body] = ['GET', undefined]
      url = to
    }
  }

  async #askOnce (asked: Asked, url: URL): Promise<Received> {
    const isOpen = asked.isAnonymous !== true && this.#credentials !== undefined && this.#withheld(url) === undefined
    const first = await this.#send(asked, url, isOpen ? this.#authorization(asked.method, url) : undefined)
    if (first.status !== 401 || !isOpen) return first
    const offered = challengesIn(first.headers['www-authenticate'] ?? []).filter(isKnown)
    const nonce = this.#challenge?.parameters.get('nonce')
    // What was sent already was wrong; a Digest nonce may only have grown old
    const chosen = offered.find(({ scheme, parameters }) => scheme === 'digest' && parameters.get('nonce') !== nonce) ??
      offered.find(({ scheme }) => scheme === 'basic' && this.#challenge?.scheme !== 'basic')
    if (chosen === undefined) return first
    this.#challenge = chosen
    this.#count = 0
    return await this.#send(asked, url, this.#authorization(asked.method, url))
  }

  #authorization (method: string, url: URL): string | undefined {
    return this.#credentials === undefined || this.#challenge === undefined ? undefined : answerTo(this.#challenge, this.#credentials, method, url, ++this.#count)
  }

  /** Takes the way to log in from challenges seen before. Without any it is Basic. */
  learn (challenges: readonly Challenge[]): void {
    const known = challenges.filter(isKnown)
    this.#challenge = known.find(({ scheme }) => scheme === 'basic') ?? known.find(({ scheme }) => scheme === 'digest') ?? { scheme: 'basic', parameters: new Map() }
    this.#count = 0
  }

  #withheld (url: URL): Answer['withheld'] {
    if (url.hostname !== this.#start.hostname) return 'other host'
    return this.#start.protocol === 'https:' && url.protocol !== 'https:' ? 'not secure' : undefined
  }

  async #send ({ method, headers, body }: Asked, url: URL, authorization: string | undefined): Promise<Received> {
    const left = this.#end - this.#now()
    if (left <= 0) throw new WireError('slow', `the server took more than ${this.#bounds.altogether / 60_000} minutes altogether`)
    const all = { accept: '*/*', ...headers, ...authorization === undefined ? {} : { authorization } }
    this.requests++
    try {
      const received = await this.#wire.send(method, url, all, body)
      this.#tell(exchangeOf(method, url, all, body, received))
      return received
    } catch (error) {
      this.#tell({ ...exchangeOf(method, url, all, body, undefined), received: error instanceof Error ? error.message : String(error) })
      throw error
    }
  }
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

function targetOf ({ headers }: Received, from: URL): URL | undefined {
  const location = headers['location']?.[0]
  if (location === undefined || !URL.canParse(location, from.href)) return undefined
  const to = new URL(location, from)
  to.username = to.password = ''
  return to.protocol === 'http:' || to.protocol === 'https:' ? to : undefined
}

const hidden: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie', 'authentication-info'])
const shownBytes = 2000

function exchangeOf (method: string, url: URL, headers: Readonly<Record<string, string>>, body: string | undefined, received: Received | undefined): Exchange {
  const lines = (all: Readonly<Record<string, string | readonly string[]>>): string[] => Object.entries(all).flatMap(([name, values]) =>
    [values].flat().map(value => `${name}: ${hidden.has(name) ? `${/^\w+/.exec(value)?.[0] ?? ''} (hidden)` : value}`))
  const text = (whole: string): string[] => whole === '' ? [] : ['', whole.length > shownBytes ? `${whole.slice(0, shownBytes)}… (${whole.length} characters)` : whole]
  return {
    sent: [`${method} ${url.href}`, ...lines(headers), ...text(body ?? '')].join('\n'),
    received: received === undefined ? '' : [`${received.status} ${received.reason}`, ...lines(received.headers), ...text(received.body.toString('utf8'))].join('\n')
  }
}
