import { dav } from '../../xml/name.js'
import { propfind } from './body.js'
import type { Answer, Caller } from './caller.js'
import { explain, explainXml, summary } from './explain.js'
import { challengesIn, isKnown } from './login.js'
import { namesIn, readMultistatus } from './multistatus.js'
import type { Finding } from './visit.js'

/** The user or the password was refused, or there is no way to log in: nothing can be said of clients. */
export class LoginError extends Error {
  override readonly name = 'LoginError'
}

/** What is true for every client. */
export interface Connection {
  /** 'Login: Basic, realm "caldavd"' */
  readonly facts: readonly string[]
  readonly findings: readonly Finding[]
  /** Why those who wait to be asked for the password never send it. */
  readonly unasked: Pick<Finding, 'asked' | 'came' | 'problem' | 'advice'> | undefined
}

/** How far the clock of a server may be off, in seconds. */
const skew = 120

const body = propfind([dav('current-user-principal'), dav('resourcetype')])
const headers = { depth: '0', 'content-type': 'application/xml; charset=utf-8', 'user-agent': 'caldavd' }

/**
 * Finds out how to log in, and does.
 * @throws LoginError when the user cannot, WireError when nobody answers
 */
export async function openConnection (caller: Caller, start: URL, user: string, now: number): Promise<Connection> {
  const findings: Finding[] = []
  const facts: string[] = []
  const find = (severity: Finding['severity'], step: string, problem: string, advice: string, answer?: Answer): void => {
    findings.push({ severity, step, asked: answer === undefined ? '' : `${answer.asked.method} ${answer.asked.url.href}`, came: answer === undefined ? '' : summary(answer), problem, advice })
  }
  const anonymous: Answer[] = []
  for (const url of [start, new URL('/.well-known/caldav', start), new URL('/', start)]) {
    anonymous.push(await caller.ask({ method: 'PROPFIND', url, headers, body, isAnonymous: true }))
    if (anonymous.at(-1)?.status === 401) break
  }
  const asking = anonymous.find(({ status }) => status === 401)
  const challenges = challengesIn(asking?.headers['www-authenticate'] ?? [])
  if (challenges.length > 0 && !challenges.some(isKnown)) throw new LoginError(`${asking?.url.href ?? ''} asks for a login by ${challenges.map(({ scheme }) => scheme).join(', ')}: expected Basic or Digest, which clients have for passwords`)
  caller.learn(challenges)
  const schemes = [...new Set(challenges.map(({ scheme }) => scheme[0]!.toUpperCase() + scheme.slice(1)))]
  const realm = challenges.find(({ parameters }) => parameters.has('realm'))?.parameters.get('realm')
  if (schemes.length > 0) facts.push(`Login: ${schemes.join(', ')}${realm === undefined ? '' : `, realm ${JSON.stringify(realm)}`}`)
  if (schemes.length > 0 && !schemes.includes('Basic')) find('remark', 'Login', 'only Digest is offered: clients that know Basic alone cannot log in (Windows; vdirsyncer without auth = "digest")', 'offer Basic as well, over HTTPS', asking)

  const known = asking ?? anonymous[0]
  const entered = await caller.ask({ method: 'PROPFIND', url: known?.asked.url ?? start, headers, body })
  if (entered.status === 401 && entered.withheld === undefined && challenges.length > 0) throw new LoginError(`${entered.url.href} does not accept the password of ${user}`)
  const name = entered.headers['server']?.[0]
  if (name !== undefined) facts.push(`Server: ${name}`)
  lookAtClock(entered, now, find)
  await lookAtWellKnown(caller, start, find)
  return { facts, findings, unasked: unaskedBy(anonymous, asking) }
}

type Find = (severity: Finding['severity'], step: string, problem: string, advice: string, answer?: Answer) => void

function lookAtClock (answer: Answer, now: number, find: Find): void {
  const said = Date.parse(answer.headers['date']?.[0] ?? '')
  const off = Math.round((said - now) / 1000)
  if (Number.isNaN(off) || Math.abs(off) <= skew) return
  find('remark', 'Clock', `the clock of the server and that of this machine are ${off > 0 ? `${off} s apart: it is ahead` : `${-off} s apart: it is behind`}`, 'set both by NTP; wrong clocks bring wrong times of changes and, with certificates, refusal', answer)
}

/** RFC 6764 5: who types a host only gets no further without it. */
async function lookAtWellKnown (caller: Caller, start: URL, find: Find): Promise<void> {
  const url = new URL('/.well-known/caldav', start)
  const answer = await caller.ask({ method: 'PROPFIND', url, headers, body })
  const problem = problemOf(answer)
  if (problem === undefined) return
  const [severity, text, advice] = problem
  find(severity, 'Discovery', `/.well-known/caldav: ${text}; who types only the name of the host may find nothing`, advice, answer)
}

function problemOf (answer: Answer): readonly ['fails' | 'remark', problem: string, advice: string] | undefined {
  if (answer.status === 207) {
    try {
      readMultistatus(answer)
      return undefined
    } catch (error) {
      const { problem, advice } = explainXml(answer, error)
      return ['remark', problem, advice]
    }
  }
  const { problem, advice } = explain(answer)
  if (answer.withheld === 'not secure') return ['fails', problem, advice]
  return ['remark', problem, answer.status === 404 ? 'let the web server redirect it to the path of the CalDAV server (nginx: location = /.well-known/caldav { return 301 /; })' : advice]
}

/** Only a 401 with a challenge brings the password of some clients. */
function unaskedBy (anonymous: readonly Answer[], asking: Answer | undefined): Connection['unasked'] {
  const about = (answer: Answer, problem: string, advice: string): Connection['unasked'] => ({ asked: `${answer.asked.method} ${answer.asked.url.href} (without a password)`, came: summary(answer), problem, advice })
  if (asking !== undefined) {
    if (asking.headers['www-authenticate'] !== undefined) return undefined
    return about(asking, 'a 401 without WWW-Authenticate: it does not know how to log in', 'let the proxy pass WWW-Authenticate on')
  }
  const open = anonymous.find(({ status }) => status === 207)
  if (open === undefined) return undefined
  return about(open, isAnonymousPrincipal(open) ? 'it is answered as nobody (DAV:unauthenticated) instead of with 401, and is never asked for the password' : 'it is answered without a password, and is never asked for one',
    'answer 401 with WWW-Authenticate to whoever is not logged in')
}

function isAnonymousPrincipal (answer: Answer): boolean {
  try {
    return namesIn(readMultistatus(answer).told[0], dav('current-user-principal')).has(dav('unauthenticated'))
  } catch {
    return false
  }
}
