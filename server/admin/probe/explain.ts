import { XmlError } from '../../xml/parse.js'
import type { Answer } from './caller.js'

/** What is wrong, and what to change: plain sentences without a full stop. */
export interface Explanation { readonly problem: string, readonly advice: string }

/** A path before the server's own, which the hrefs in its answers do not have, or have too much. */
export interface Displaced { readonly asked: string, readonly told: string }

/** Why an answer is not the one that was needed, though something answered. */
export function explain (answer: Answer, displaced?: Displaced): Explanation {
  if (answer.withheld !== undefined && answer.status === 401) return withheld[answer.withheld](answer)
  const lost = answer.hops.find(({ status }) => status === 303)
  if (lost !== undefined) {
    return { problem: `the redirect at ${lost.from.pathname} is a 303, after which clients ask with GET and without a body`, advice: 'redirect with 301, 302, 307 or 308' }
  }
  if (displaced !== undefined && [200, 404, 405, 501].includes(answer.status)) {
    return {
      problem: `the server was asked at ${displaced.asked} but speaks of itself as ${displaced.told}: its links lead past the proxy`,
      advice: 'give the server the same path as the proxy (no rewriting), or tell it the path outside (server.baseUrl with its path for caldavd; X-Script-Name for Radicale)'
    }
  }
  return (statuses[answer.status] ?? other)(answer)
}

/** Why a body is not the XML it should be. */
export function explainXml (answer: Answer, error: unknown): Explanation {
  const type = typeOf(answer)
  if (answer.headers['content-encoding']?.some(coding => coding !== 'identity') === true) return { problem: `the answer is compressed (${String(answer.headers['content-encoding'])}) though nobody asked for it`, advice: 'let the proxy look at Accept-Encoding' }
  if (isPage(answer)) return { problem: 'a web page came instead of XML', advice: 'the web server in front has to pass this path on to the CalDAV server, without a login page of its own' }
  const why = error instanceof XmlError ? error.message.replace(/^XML: /, '') : 'it cannot be read'
  return { problem: `the ${type === '' ? 'untyped ' : ''}answer is no XML of WebDAV: ${why}`, advice: 'this is a fault of the server, or of something in front of it that changes bodies' }
}

/** The media type in lower case without parameters; '' when there is none. */
export function typeOf ({ headers }: Answer): string {
  return (headers['content-type']?.[0] ?? '').split(';')[0]!.trim().toLowerCase()
}

/** One line: status, type if it is no XML, and who answered. */
export function summary (answer: Answer): string {
  const type = typeOf(answer)
  const server = answer.headers['server']?.[0]
  const moved = answer.hops.length === 0 ? '' : ` after ${answer.hops.map(({ status }) => status).join(', ')} to ${answer.url.href}`
  const more = [type === '' || type.endsWith('/xml') ? '' : type, server === undefined ? '' : `Server: ${server}`].filter(text => text !== '')
  return `${answer.status} ${answer.reason}`.trim() + (more.length === 0 ? '' : ` (${more.join(', ')})`) + moved
}

const withheld = {
  'other host': ({ url }: Answer): Explanation => ({
    problem: `the way leads to another host, ${url.host}, which gets no password from here`, advice: `if that is meant, look at it itself: caldavd doctor ${url.origin}/`
  }),
  'not secure': ({ url }: Answer): Explanation => ({
    problem: `the way leads from HTTPS to plain HTTP (${url.origin}), where the password would be readable`,
    advice: 'redirect to https://, and let the proxy tell the server that it is HTTPS outside (X-Forwarded-Proto; server.baseUrl for caldavd)'
  })
}

const inFront = 'the web server in front has to pass all methods of WebDAV on to the CalDAV server (nginx: proxy_pass without limit_except; Apache: ProxyPass without <Limit>)'

const statuses: Readonly<Record<number, (answer: Answer) => Explanation>> = {
  200: answer => isPage(answer)
    ? { problem: 'a web page answers, not a CalDAV server', advice: inFront }
    : { problem: `${answer.asked.method} is answered with 200 instead of 207`, advice: inFront },
  400: ({ asked }) => ({ problem: `the server finds fault with a request that is in order (${asked.method})`, advice: 'see its log; something in front may change headers or bodies' }),
  401: answer => answer.headers['www-authenticate'] === undefined
    ? { problem: 'a 401 without WWW-Authenticate: clients do not know how to log in', advice: 'let the proxy pass WWW-Authenticate on' }
    : { problem: 'the password is asked for again here', advice: 'one login for all paths: is a password set in the web server in front as well?' },
  403: answer => isPage(answer)
    ? { problem: 'a web server forbids it before the CalDAV server sees it', advice: inFront }
    : { problem: 'this account may not do that', advice: 'see the rights of the account' },
  404: ({ url }) => ({ problem: `there is nothing at ${url.pathname}`, advice: 'look for a wrong path: in the URL that was typed, or between the proxy and the server' }),
  405: ({ asked }) => ({ problem: `${asked.method} is not allowed here`, advice: inFront }),
  411: () => ({ problem: 'something in front wants Content-Length', advice: 'take out what demands it: clients send in chunks' }),
  413: () => ({ problem: 'the body is too large for something in front', advice: 'raise its limit (nginx: client_max_body_size)' }),
  415: () => ({ problem: 'the media type is refused', advice: 'application/xml and text/calendar have to be let through' }),
  429: () => ({ problem: 'too many requests', advice: 'raise the limit: a first sync needs hundreds' }),
  501: ({ asked }) => ({ problem: `${asked.method} is not known here`, advice: inFront }),
  502: () => ({ problem: 'the proxy does not reach the CalDAV server', advice: 'does it run, on the address the proxy uses?' }),
  503: () => ({ problem: 'the server says that it cannot answer now', advice: 'see its log' }),
  504: () => ({ problem: 'the CalDAV server takes longer than the proxy waits', advice: 'see its log; raise the time (nginx: proxy_read_timeout)' })
}

function other ({ status, asked }: Answer): Explanation {
  if (status >= 500) return { problem: 'an error inside the server', advice: 'see its log' }
  if (status >= 300 && status < 400) return { problem: 'a redirect without a target that can be followed', advice: 'put the whole URL into Location' }
  return { problem: `${asked.method} is answered with ${status}, which no client expects`, advice: 'see the log of the server' }
}

function isPage (answer: Answer): boolean {
  return typeOf(answer) === 'text/html' || /^\s*<(?:!doctype html|html)/i.test(answer.body.subarray(0, 200).toString('latin1'))
}
