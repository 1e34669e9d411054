import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { METHODS } from 'node:http'
import { Readable } from 'node:stream'
import { allowed } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { DavError, failed } from '../dav/error.js'
import { segments, type Path } from '../dav/href.js'
import type { Login } from '../directory/login.js'
import type { Identity } from '../directory/identity.js'
import { davHeader, optionsReply } from '../method/options.js'
import { allow, methods } from '../method/table.js'
import { admit, demandIf } from '../method/target.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import type { Requester } from '../site/requester.js'
import type { Site } from '../site/site.js'
import type { AccessLog } from './access-log.js'
import { errorReply } from './error.js'

/** What the front needs beside the site. */
export interface Front {
  readonly site: Site
  readonly login: Login
  readonly access: AccessLog
  /** Whether the server is ready to work; /health answers 503 until then. */
  readonly isReady: () => boolean
  /** Whether the server is on its way out: connections end with the answer they wait for. */
  readonly isStopping: () => boolean
}

/** The HTTP front: one wildcard route, every method from the table. */
export function makeApp (front: Front): FastifyInstance {
  const { settings } = front.site
  const app = fastify({
    bodyLimit: settings.limits.bodyBytes,
    exposeHeadRoutes: false,
    requestTimeout: settings.server.requestSeconds * 1000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 10_000 },
    // the router would refuse what only `dav/href` may judge
    rewriteUrl: () => '/',
    frameworkErrors: (error, request, reply) => { void send(front, request, reply, errorReply(asDavError(error, request), front.site.log, 'router')) }
  })
  for (const method of METHODS) if (!(app.supportedMethods as readonly string[]).includes(method) && method !== 'CONNECT') app.addHttpMethod(method, { hasBody: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
  app.addHook('onRequest', async (request, reply) => {
    front.access.begin(request)
    const early = await beforeBody(front, request)
    return early === undefined ? undefined : await send(front, request, reply, early)
  })
  // a malformed Content-Type would be refused before we see the request; the methods look at the header as it came
  app.addHook('onRequest', (request, _reply, done) => {
    sentTypes.set(request, request.headers['content-type'])
    if (request.headers['content-type'] !== undefined) request.headers['content-type'] = 'application/octet-stream'
    done()
  })
  app.setErrorHandler((error, request, reply) => { void send(front, request, reply, errorReply(asDavError(error, request), front.site.log, `${request.method} ${urlOf(request)}`)) })
  app.setNotFoundHandler((request, reply) => { void handle(front, request, reply) })
  app.route({ method: [...app.supportedMethods] as never, url: '/', handler: async (request, reply) => await handle(front, request, reply) })
  return app
}

const sentTypes = new WeakMap<FastifyRequest, string | undefined>()
const users = new WeakMap<FastifyRequest, Identity>()

/** What can be answered without the body: nobody's ten megabytes are kept before we know whose they are. */
async function beforeBody (front: Front, request: FastifyRequest): Promise<DavReply | undefined> {
  try {
    const early = beforeLogin(front, request, urlOf(request))
    if (early !== undefined) return early
    const header = request.headers.authorization
    const record = front.login.remembered(header) ?? await front.login.basic(header)
    if (record !== undefined) users.set(request, { record })
    else if (header !== undefined || !isForAnybody(front, request)) throw unauthorized(front)
    return undefined
  } catch (error) {
    return errorReply(error, front.site.log, `${request.method} ${urlOf(request)}`)
  }
}

/** Methods that somebody who has not logged in may try: what is public can be read, and an ACL may allow more. */
function isForAnybody ({ site }: Front, { method, headers }: FastifyRequest): boolean {
  // clients look for the DAV header before they log in
  if (method === 'OPTIONS' || method === 'GET' || method === 'HEAD') return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  // a body is taken from a stranger only when it says how small it is
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= site.settings.limits.xmlBytes
}

function urlOf (request: FastifyRequest): string {
  return request.originalUrl
}

/** Fastify's own refusals in our words. */
function asDavError (error: unknown, { method }: FastifyRequest): unknown {
  const { code, statusCode, message } = error as { code?: string, statusCode?: number, message: string }
  if (error instanceof DavError) return error
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const problem = 'the body of the request is larger than limits.bodyBytes allows'
    // RFC 4791 5.3.2.1: what a client shows its user
    return method === 'PUT' ? failed('max-resource-size', problem) : new DavError(413, problem)
  }
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? new DavError(statusCode, message) : error
}

async function handle (front: Front, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { site } = front
  const url = urlOf(request)
  const user = users.get(request)
  let answer: DavReply
  try {
    const path = segments(url)
    const requester: Requester = { site, record: user?.record, limit: user?.limit }
    if (request.method === 'OPTIONS') answer = optionsReply(allowFor(await reach(requester, path.segments), requester))
    else answer = await run(site, request, url, path, requester)
  } catch (error) {
    const isStranger = error instanceof DavError && error.status === 401 && user === undefined
    answer = errorReply(isStranger ? unauthorized(front) : error, site.log, `${request.method} ${url}`)
  }
  return await send(front, request, reply, answer, user)
}

function unauthorized ({ login }: Front): DavError {
  return new DavError(401, 'log in with name and password', { headers: { 'www-authenticate': login.challenge() } })
}

/** What is answered to anybody: health, and the way from the well-known place (RFC 6764 5, RFC 5785). */
function beforeLogin ({ isReady }: Front, request: FastifyRequest, url: string): DavReply | undefined {
  const [path] = url.split('?', 1)
  if (path === '/health' && (request.method === 'GET' || request.method === 'HEAD')) {
    return isReady()
      ? { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }, body: 'ok\n' }
      : { status: 503, headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' }, body: 'starting\n' }
  }
  if (path === '/.well-known/caldav' || path === '/.well-known/caldav/') {
    // GNOME asks OPTIONS here and reads its DAV header
    return request.method === 'OPTIONS' ? { status: 200, headers: { 'content-length': '0' } } : { status: 301, headers: { location: '/' }, body: '' }
  }
  return undefined
}

async function run (site: Site, request: FastifyRequest, url: string, path: Path, user: Requester): Promise<DavReply> {
  const method = methods.get(request.method)
  if (method === undefined && user.record === undefined) throw new DavError(401, 'log in with name and password')
  if (method === undefined) throw new DavError(501, `the method ${request.method} is not known here`)
  const target = await reach(user, path.segments)
  const dav: DavRequest = {
    site, method: request.method, url, path, target, user,
    headers: { ...request.headers, 'content-type': sentTypes.get(request) },
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    origins: originsOf(site, request)
  }
  try {
    admit(method, target, user)
    demandPlain(dav)
    await demandIf(dav)
    return await method.run(dav)
  } catch (error) {
    throw error instanceof DavError && error.status === 405 ? withAllow(error, method.name, target) : error
  }
}

/** RFC 9110 15.5.6: a method may be wrong here for another reason than the kind, such as a slash at the end. */
function withAllow (error: DavError, refused: string, { kind }: Resource): DavError {
  return new DavError(405, error.message, { headers: { allow: allow(kind).split(', ').filter(name => name !== refused).join(', ') }, cause: error })
}

/** RFC 9110 8.4.1: a coding that is not undone must not be taken for the content. */
function demandPlain ({ headers, body }: DavRequest): void {
  const coding = headers['content-encoding']
  if (body.length > 0 && coding !== undefined && String(coding).toLowerCase() !== 'identity') {
    throw new DavError(415, 'bodies are taken without Content-Encoding', { headers: { 'accept-encoding': 'identity' } })
  }
}

/** What may be done with a resource; what the user must not know of looks like any other. */
function allowFor (target: Resource, user: Requester): string {
  return allow(allowed(user, target, '{DAV:}read') ? target.kind : 'folder')
}

function originsOf ({ settings }: Site, request: FastifyRequest): string[] {
  const host = request.headers.host
  const names = host === undefined ? [] : [`http://${host}`, `https://${host}`]
  return settings.server.baseUrl === undefined ? names : [...names, settings.server.baseUrl]
}

async function send (front: Front, request: FastifyRequest, reply: FastifyReply, answer: DavReply, user?: Identity): Promise<FastifyReply> {
  reply.code(answer.status)
  reply.header('dav', davHeader)
  reply.header('x-content-type-options', 'nosniff')
  if (front.isStopping()) reply.header('connection', 'close')
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value)
  front.access.note(request, reply, user?.record.name)
  const { body } = answer
  if (request.method === 'HEAD') {
    if (typeof body === 'string' || Buffer.isBuffer(body)) reply.header('content-length', String(Buffer.byteLength(body)))
    return reply.send()
  }
  if (body === undefined) return reply.send()
  if (typeof body === 'string' || Buffer.isBuffer(body)) return reply.send(body)
  return await sendPieces(front, request, reply, body)
}

/** A body that is done within one piece is sent whole; a failure before the first piece still has its own status. */
async function sendPieces (front: Front, request: FastifyRequest, reply: FastifyReply, body: AsyncIterable<string>): Promise<FastifyReply> {
  const pieces = body[Symbol.asyncIterator]()
  let first
  let second
  try {
    first = await pieces.next()
    second = first.done === true ? first : await pieces.next()
  } catch (error) {
    reply.removeHeader('content-type')
    return await send(front, request, reply, errorReply(error, front.site.log, `${request.method} ${urlOf(request)}`))
  }
  const start = first.done === true ? '' : first.value
  if (second.done === true) return reply.send(start)
  // no more is made than the client takes
  return reply.send(Readable.from(rest(start, second.value, pieces, front, request), { objectMode: false, highWaterMark: 65_536 }))
}

async function * rest (first: string, second: string, pieces: AsyncIterator<string>, { site }: Front, request: FastifyRequest): AsyncGenerator<Buffer> {
  try {
    yield Buffer.from(first + second)
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield Buffer.from(next.value)
  } catch (error) {
    // the status is gone; breaking the connection is the only way left to say that the answer is not whole
    site.log.error(`${request.method} ${urlOf(request)}: broke off: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    throw error
  }
}
