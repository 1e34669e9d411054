import { isIP } from 'node:net'
import { checkServerIdentity, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'

/** What is wrong with a certificate. */
export interface CertificateProblem {
  /** Whether clients refuse it, or it will be so soon. */
  readonly severity: 'fails' | 'remark'
  readonly problem: string
  readonly advice: string
}

/** A server's certificate as a client sees it. */
export interface CertificateFacts {
  /** Whom it names: 'cal.example.org'. */
  readonly subject: string
  readonly issuer: string
  /** ISO 8601. */
  readonly validTo: string
  /** 'TLSv1.3' */
  readonly protocol: string
  readonly problems: readonly CertificateProblem[]
}

/** How long before its end a certificate is spoken of, in days: Let's Encrypt's are renewed at 30. */
const early = 14

/**
 * Looks at the certificate of a server without sending anything.
 * @param ca  PEM of further authorities to trust
 * @returns undefined when there is no TLS to be had, which the first request explains
 */
export async function lookAtCertificate (url: URL, { ca, milliseconds, now }: { readonly ca?: readonly string[] | undefined, readonly milliseconds: number, readonly now: number }): Promise<CertificateFacts | undefined> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return await new Promise(resolve => {
    const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false, ...isIP(host) === 0 ? { servername: host } : {}, ...ca === undefined ? {} : { ca: [...ca] } })
    const done = (facts?: CertificateFacts): void => {
      socket.destroy()
      resolve(facts)
    }
    socket.setTimeout(milliseconds, () => { done() })
    socket.once('error', () => { done() })
    socket.once('secureConnect', () => { done(describe(socket, host, now)) })
  })
}

function describe (socket: TLSSocket, host: string, now: number): CertificateFacts {
  const certificate = socket.getPeerCertificate(true)
  return {
    subject: nameOf(certificate.subject), issuer: nameOf(certificate.issuer),
    validTo: new Date(certificate.valid_to).toISOString(), protocol: socket.getProtocol() ?? '',
    problems: problemsOf(certificate, codeOf(socket), host, now)
  }
}

function codeOf (socket: TLSSocket): string {
  const error: unknown = socket.authorizationError
  return error instanceof Error ? (error as { code?: string }).code ?? error.message : typeof error === 'string' ? error : ''
}

function nameOf (name: unknown): string {
  const fields = (name ?? {}) as Record<string, string | string[] | undefined>
  return String(fields['CN'] ?? fields['O'] ?? '?')
}

function problemsOf (certificate: DetailedPeerCertificate, code: string, host: string, now: number): CertificateProblem[] {
  const problems: CertificateProblem[] = []
  const fail = (problem: string, advice: string): void => { problems.push({ severity: 'fails', problem, advice }) }
  const [from, to] = [Date.parse(certificate.valid_from), Date.parse(certificate.valid_to)]
  const days = Math.floor((to - now) / 86_400_000)
  if (now > to) fail(`the certificate has expired on ${day(to)}`, 'renew it, and see why that did not happen by itself')
  else if (now < from) fail(`the certificate is not valid before ${day(from)}`, 'set the clock of this machine or of the one that made it')
  else if (days < early) problems.push({ severity: 'remark', problem: `the certificate expires on ${day(to)}, in ${days} days`, advice: 'see that it is renewed' })
  if (checkServerIdentity(host, certificate) !== undefined) {
    fail(`the certificate is for ${namesOf(certificate)}, not for ${host}`, `get one that names ${host}, or use the name it has`)
  }
  const trust = untrusted[code]
  if (trust !== undefined) fail(...trust)
  // whatever else the library finds
  if (problems.length === 0 && code !== '' && code !== 'CERT_HAS_EXPIRED') fail(`the certificate is not accepted (${code})`, 'see the certificate and its chain: openssl s_client -connect HOST:443')
  return problems
}

const incomplete = ['the issuer of the certificate is not known, and the server does not send the certificate between',
  'send the whole chain (fullchain.pem instead of cert.pem); if it comes from an authority of your own, its certificate must be installed on every device'] as const

/** By the code of OpenSSL. */
const untrusted: Readonly<Record<string, readonly [problem: string, advice: string]>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ['the certificate is signed by itself', 'get one that devices know (Let\'s Encrypt), or install it on every device'],
  SELF_SIGNED_CERT_IN_CHAIN: ['the certificate comes from an authority that devices do not know', 'install the certificate of that authority on every device, or get one that devices know (Let\'s Encrypt)'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: incomplete,
  UNABLE_TO_GET_ISSUER_CERT: incomplete,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: incomplete
}

function namesOf ({ subjectaltname, subject }: DetailedPeerCertificate): string {
  const names = (subjectaltname ?? '').split(', ').filter(name => name !== '').map(name => name.replace(/^(?:DNS|IP Address):/, ''))
  return names.length === 0 ? nameOf(subject) : names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '')
}

function day (milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10)
}
