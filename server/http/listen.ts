import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Settings } from '../../conf/settings.js'
import type { Log } from '../site/site.js'
import { TlsError, TlsListener } from './tls.js'

/** The sockets of a running server. */
export interface Listening {
  /** Where clients reach it without a proxy, HTTPS before HTTP: `https://127.0.0.1:8443/`. */
  readonly urls: readonly string[]
  readonly tlsPort: number | undefined
  /** Reads the certificate again. */
  reload: () => void
  /** Takes no more requests, lets those in flight end, and cuts off who takes longer than this (ms). */
  close: (patience: number) => Promise<void>
}

/** How often (s) the files of the certificate are looked at. */
const lookSeconds = 5

/**
 * Listens on server.port and, with a certificate, on tls.port: the same app behind both.
 * @throws TlsError when the certificate cannot be used or tls.only has none, the system's error when it cannot listen
 */
export async function listen (app: FastifyInstance, settings: () => Settings, log: Log): Promise<Listening> {
  const { server, tls } = settings()
  if (tls.only && tls.certificate === undefined) throw new TlsError('tls.only without tls.certificate: expected the file of a certificate')
  await app.ready()
  const secure = tls.certificate === undefined ? undefined : new TlsListener(app.routing, () => settings().tls, log)
  const listeners: HttpServer[] = [...secure === undefined ? [] : [likeOf(app.server, secure.server)]]
  const closeAll = async (): Promise<void> => { await Promise.all([app.close(), ...listeners.map(async each => { await ended(each) })]) }
  try {
    if (secure !== undefined) await bound(secure.server, tls.port, server.bind)
    if (!tls.only) await app.listen({ port: server.port, host: server.bind })
  } catch (error) {
    await closeAll()
    throw error
  }
  const stopWatching = secure?.watch(lookSeconds)
  return {
    urls: [...secure === undefined ? [] : [urlOf('https', secure.server)], ...tls.only ? [] : [urlOf('http', app.server)]],
    tlsPort: secure === undefined ? undefined : (secure.server.address() as AddressInfo).port,
    reload: () => { secure?.reload() },
    close: async patience => {
      stopWatching?.()
      const impatient = setTimeout(() => { for (const each of [app.server as HttpServer, ...listeners]) each.closeAllConnections() }, patience).unref()
      await closeAll()
      clearTimeout(impatient)
    }
  }
}

/** Gives a listener the limits and the manners of the app's own. */
function likeOf (model: HttpServer, server: import('node:https').Server): HttpServer {
  server.requestTimeout = model.requestTimeout
  server.headersTimeout = model.headersTimeout
  server.keepAliveTimeout = model.keepAliveTimeout
  server.timeout = model.timeout
  for (const manner of model.listeners('clientError')) server.on('clientError', manner as () => void)
  return server as unknown as HttpServer
}

async function bound (server: import('node:https').Server, port: number, host: string): Promise<void> {
  server.listen(port, host)
  await once(server, 'listening')
}

async function ended (server: HttpServer): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
}

function urlOf (scheme: string, server: { address: HttpServer['address'] }): string {
  const { family, address, port } = server.address() as AddressInfo
  // nobody can connect to "all addresses"
  if (address === '::' || address === '0.0.0.0') return `${scheme}://${hostname()}:${port}/`
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}/`
}
