import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { appleCalendar } from './apple.js'
import { event, make } from './body.js'
import { Caller, type Exchange } from './caller.js'
import { lookAtCertificate, type CertificateFacts } from './certificate.js'
import { LoginError, openConnection, type Connection } from './connection.js'
import { davx5 } from './davx5.js'
import { evolution } from './evolution.js'
import { explain, summary } from './explain.js'
import { kde } from './kde.js'
import type { Credentials } from './login.js'
import { serviceRecords, type ServiceRecord } from './service-records.js'
import { thunderbird } from './thunderbird.js'
import { vdirsyncer } from './vdirsyncer.js'
import { Visit, type Client, type Finding } from './visit.js'
import { bounds as usual, Wire, WireError, type Bounds } from './wire.js'

/** The clients that are played, in the order in which they are told. */
export const clients: readonly Client[] = [davx5, appleCalendar, thunderbird, evolution, kde, vdirsyncer]

/** Nothing can be said of the server: it does not answer, or the user cannot log in. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError'
}

/** What one client meets. */
export interface Verdict {
  readonly client: string
  readonly about: string
  readonly verdict: 'works' | 'remarks' | 'fails'
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

/** What was found at a server. */
export interface Report {
  readonly url: string
  readonly user: string
  /** Of TLS, login, server and DNS. */
  readonly facts: readonly string[]
  /** What holds for all clients. */
  readonly findings: readonly Finding[]
  readonly clients: readonly Verdict[]
  readonly requests: number
}

/** What to look at, and how. */
export interface Order {
  /** http: or https:. */
  readonly url: URL
  readonly credentials: Credentials
  /** Makes a calendar of its own, writes into it, and removes it. */
  readonly writes?: boolean | undefined
  /** Goes on when the certificate is not to be trusted, with the password. */
  readonly isCareless?: boolean | undefined
  /** PEM of authorities that are trusted as well as those of node. */
  readonly ca?: readonly string[] | undefined
  readonly bounds?: Bounds | undefined
  readonly now?: (() => number) | undefined
  /** Hears of every request. */
  readonly tell?: ((exchange: Exchange) => void) | undefined
  /** Hears where a calendar was made, which is removed at the end unless somebody interrupts. */
  readonly made?: ((url: string) => void) | undefined
  /** Hears what is being done. */
  readonly progress?: ((text: string) => void) | undefined
}

/**
 * Plays the clients' set-up at a server, one after the other; it only reads unless it is told to write.
 * @throws ProbeError when nothing can be said
 */
export async function probeServer (order: Order): Promise<Report> {
  const { credentials, isCareless = false, ca, bounds = usual, now = Date.now, tell, progress = () => {} } = order
  const url = new URL(order.url)
  url.username = url.password = url.hash = url.search = ''
  const wire = new Wire(bounds, { ca, isCareless })
  const caller = new Caller({ wire, bounds, start: url, credentials, tell, now })
  try {
    progress('looks at the certificate')
    const certificate = url.protocol === 'https:' ? await lookAtCertificate(url, { ca, milliseconds: bounds.milliseconds, now: now() }) : undefined
    const base = { url: url.href, user: credentials.user, facts: factsOf(certificate) }
    // The password is not for whoever has made that certificate
    if (certificate?.problems.some(({ severity }) => severity === 'fails') === true && !isCareless) {
      return { ...base, findings: [], clients: clients.map(client => verdictOf(client, certificateFindings(client, certificate, true), [])), requests: caller.requests }
    }
    progress('logs in')
    const connection = await openConnection(caller, url, credentials.user, now())
    const records = await serviceRecords(url.hostname)
    const findings = [...remarksOn(certificate, url), ...connection.findings, ...recordFindings(records, url)]
    const scratch = order.writes === true ? await makeScratch(caller, url, now, order.made) : undefined
    const verdicts: Verdict[] = []
    try {
      for (const client of clients) {
        const own = [...certificateFindings(client, certificate, false), ...refusalOf(client, url, connection, credentials.user)]
        const visit = new Visit({ client, caller, start: url, records: records.flatMap(({ url: target }) => target?.hostname === url.hostname ? [target] : []), scratch: scratch?.url, now })
        if (!own.some(({ severity }) => severity === 'fails')) await visit.run(step => { progress(`${client.name} ${step}`) })
        verdicts.push(verdictOf(client, [...own, ...visit.findings], visit.notes))
      }
    } finally {
      if (scratch?.url !== undefined) findings.push(...await removeScratch(caller, scratch.url))
    }
    return { ...base, facts: [...base.facts, ...connection.facts, ...recordFacts(records)], findings: [...findings, ...scratch?.findings ?? []], clients: verdicts, requests: caller.requests }
  } catch (error) {
    if (error instanceof WireError || error instanceof LoginError) throw new ProbeError(error.message, { cause: error })
    throw error
  } finally {
    wire.close()
  }
}

function verdictOf (client: Client, findings: readonly Finding[], notes: readonly string[]): Verdict {
  const verdict = findings.some(({ severity }) => severity === 'fails') ? 'fails' : findings.length > 0 ? 'remarks' : 'works'
  return { client: client.name, about: client.about, verdict, findings, notes }
}

function factsOf (certificate: CertificateFacts | undefined): string[] {
  return certificate === undefined ? [] : [`Certificate: ${certificate.subject}, by ${certificate.issuer}, until ${certificate.validTo.slice(0, 10)} (${certificate.protocol})`]
}

function remarksOn (certificate: CertificateFacts | undefined, url: URL): Finding[] {
  const remarks = (certificate?.problems ?? []).filter(({ severity }) => severity === 'remark').map(problem => ({ ...problem, step: 'Certificate', asked: '', came: '' }))
  if (url.protocol !== 'http:' || isLoopback(url)) return remarks
  return [...remarks, { severity: 'remark', step: 'TLS', asked: '', came: '', problem: 'plain HTTP: everybody on the way can read the password and the events', advice: 'use https://' }]
}

/** What the client does about a certificate that is not to be trusted. */
function certificateFindings ({ onBadCertificate, name }: Client, certificate: CertificateFacts | undefined, isEnd: boolean): Finding[] {
  return (certificate?.problems ?? []).filter(({ severity }) => severity === 'fails').map(({ problem, advice }) => ({
    severity: isEnd || onBadCertificate === 'refuses' ? 'fails' : 'remark', step: 'connects', asked: '', came: `Certificate: ${certificate?.subject ?? ''}, by ${certificate?.issuer ?? ''}`,
    problem: `${problem}; ${name} ${onBadCertificate === 'asks' ? 'asks the user, or refuses' : 'refuses'}`, advice: isEnd ? `${advice}; to look further all the same: --insecure` : advice
  }))
}

/** Why a client does not get as far as sending its password. */
function refusalOf (client: Client, url: URL, { unasked }: Connection, user: string): Finding[] {
  const findings: Finding[] = []
  const fail = (problem: string, advice: string, asked = '', came = ''): void => { findings.push({ severity: 'fails', step: 'logs in', asked, came, problem, advice }) }
  if (client.waitsForChallenge && unasked !== undefined) fail(unasked.problem, unasked.advice, unasked.asked, unasked.came)
  if (client.needsSecrecy && url.protocol === 'http:' && !isLoopback(url)) fail('it sends no password over plain HTTP', 'use https://')
  if (client.needsSecrecy && user.includes('%')) fail('it cannot handle a % in the name of a user', 'give the user another name')
  return findings
}

function isLoopback ({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || isIP(hostname) === 4 && hostname.startsWith('127.')
}

function recordFacts (records: readonly ServiceRecord[]): string[] {
  return records.map(({ name, url }) => `DNS: ${name} → ${url?.href ?? 'no such service'}`)
}

function recordFindings (records: readonly ServiceRecord[], { hostname }: URL): Finding[] {
  const [first] = records
  if (first === undefined || first.url?.hostname === hostname) return []
  const to = first.url
  return [{
    severity: 'remark', step: 'DNS', asked: first.name, came: to?.href ?? '.',
    problem: to === undefined ? 'DNS says that there are no calendars here' : `DNS leads clients to ${to.host}`, advice: to === undefined ? 'take the record away' : `look at it as well: caldavd doctor ${to.origin}/`
  }]
}

/** Finds a home as vdirsyncer does, and makes a calendar in it. */
async function makeScratch (caller: Caller, start: URL, now: () => number, made: (url: string) => void = () => {}): Promise<{ readonly url: URL | undefined, readonly findings: readonly Finding[] }> {
  const finder: Client = { ...vdirsyncer, steps: vdirsyncer.steps.slice(0, 2) }
  const visit = new Visit({ client: finder, caller, start, now })
  await visit.run(() => {})
  const [home] = visit.homes
  // Each client says itself why it finds no home
  if (home === undefined) return { url: undefined, findings: [] }
  const name = `caldavd-doctor-${randomBytes(6).toString('hex')}`
  const url = new URL(`${name}/`, home.href.endsWith('/') ? home : `${home.href}/`)
  made(url.href)
  for (const method of ['MKCALENDAR', 'MKCOL'] as const) {
    const answer = await caller.ask({ method, url, headers: { 'content-type': 'application/xml; charset=utf-8', 'user-agent': 'caldavd' }, body: make(method, name) })
    if (answer.status === 201) {
      // Something to be listed and fetched, also where the account is empty
      for (const each of ['one', 'two']) await caller.ask({ method: 'PUT', url: new URL(`${name}-${each}.ics`, url), headers: { 'content-type': 'text/calendar; charset=utf-8', 'user-agent': 'caldavd' }, body: event(`${name}-${each}`, each, new Date(now())) })
      return { url, findings: [] }
    }
    if (method === 'MKCOL') {
      const { problem, advice } = explain(answer)
      return { url: undefined, findings: [{ severity: 'remark', step: 'Writing', asked: `MKCALENDAR and MKCOL ${url.href}`, came: summary(answer), problem: `no calendar can be made, so writing was not tried: ${problem}`, advice }] }
    }
  }
  return { url: undefined, findings: [] }
}

async function removeScratch (caller: Caller, url: URL): Promise<Finding[]> {
  let came
  try {
    const answer = await caller.ask({ method: 'DELETE', url, headers: { 'user-agent': 'caldavd' } })
    if (answer.status < 300 || answer.status === 404) return []
    came = summary(answer)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    came = error.message
  }
  return [{ severity: 'remark', step: 'Writing', asked: `DELETE ${url.href}`, came, problem: 'the calendar that was made for this look could not be removed', advice: `remove it by hand: ${url.href}` }]
}
