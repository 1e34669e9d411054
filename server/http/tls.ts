import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { RequestListener } from 'node:http'
import { createSecureContext } from 'node:tls'
import type { Settings } from '../../conf/settings.js'
import type { Log } from '../site/site.js'

/** A certificate or key that cannot be used; the message names the file and what was expected. */
export class TlsError extends Error {
  override readonly name = 'TlsError'
}

type Files = Settings['tls']

/** What node needs to speak TLS as us, and what the person at the log should know of it. */
interface Identity {
  readonly options: ServerOptions
  readonly warnings: readonly string[]
}

/**
 * Certificate, key and chain, read and found to belong together.
 * @throws TlsError when a file is missing, half written, protected by a passphrase, or the key is another's
 */
function readIdentity ({ certificate, key, chain }: Files): Identity {
  if (certificate === undefined) throw new TlsError('tls.certificate is not set: expected the file of a certificate')
  const cert = read('tls.certificate', certificate)
  const own = explained(`${certificate}: expected a certificate in PEM`, () => new X509Certificate(cert))
  const keyFile = key ?? certificate
  const keyText = read(key === undefined ? 'tls.certificate' : 'tls.key', keyFile)
  const privateKey = explained(`${keyFile}: expected a key in PEM, without a passphrase`, () => createPrivateKey(keyText))
  if (!own.checkPrivateKey(privateKey)) throw new TlsError(`${keyFile}: the key is not that of the certificate in ${certificate}`)
  const options: ServerOptions = { cert: chain === undefined ? cert : `${cert.trimEnd()}\n${read('tls.chain', chain)}`, key: keyText, minVersion: 'TLSv1.2' }
  explained(`${chain ?? certificate}: expected certificates in PEM`, () => createSecureContext(options))
  return { options, warnings: untimely(own, certificate) }
}

function read (setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TlsError(`${setting}: ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function explained<T> (problem: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw new TlsError(`${problem} (${(error as Error).message})`, { cause: error })
  }
}

function untimely ({ validFrom, validTo }: X509Certificate, file: string): string[] {
  const [from, to, now] = [Date.parse(validFrom), Date.parse(validTo), Date.now()]
  if (now > to) return [`${file}: the certificate has expired on ${validTo}: clients will refuse it`]
  if (now < from) return [`${file}: the certificate is not valid before ${validFrom}: clients will refuse it`]
  return to - now < 7 * 86_400_000 ? [`${file}: the certificate expires on ${validTo}`] : []
}

/** A listener for HTTPS whose certificate can change while it runs. */
export class TlsListener {
  readonly server: Server
  readonly #files: () => Files
  readonly #log: Log
  #seen: string

  /**
   * @param files  asked each time, since settings may change
   * @throws TlsError
   */
  constructor (handler: RequestListener, files: () => Files, log: Log) {
    this.#files = files
    this.#log = log
    this.#seen = fingerprint(files())
    const { options, warnings } = readIdentity(files())
    for (const warning of warnings) log.warn(warning)
    this.server = createServer({ ...options, handshakeTimeout: 20_000 }, handler)
  }

  /** Reads the files again for the connections to come; with files that cannot be used the old ones stay, which is logged. */
  reload (): void {
    this.#seen = fingerprint(this.#files())
    try {
      const { options, warnings } = readIdentity(this.#files())
      this.server.setSecureContext(options)
      this.#log.info(`${this.#files().certificate ?? ''}: the certificate was read again`)
      for (const warning of warnings) this.#log.warn(warning)
    } catch (error) {
      if (!(error instanceof TlsError)) throw error
      this.#log.error(`the certificate stays as it was: ${error.message}`)
    }
  }

  /** Looks every so many seconds whether the files have changed, without keeping the process alive. @returns stops it */
  watch (seconds: number): () => void {
    const timer = setInterval(() => { if (fingerprint(this.#files()) !== this.#seen) this.reload() }, seconds * 1000).unref()
    return () => { clearInterval(timer) }
  }
}

function fingerprint ({ certificate, key, chain }: Files): string {
  return [certificate, key, chain].map(file => {
    if (file === undefined) return '-'
    try {
      const { ino, size, mtimeNs } = statSync(file, { bigint: true })
      return `${ino} ${size} ${mtimeNs}`
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code)
    }
  }).join(', ')
}
