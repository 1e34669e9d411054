import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { METHODS } from 'node:http'
import { DavError, failed } from '../dav/error.js'
import type { DavReply } from '../site/request.js'
import type { Requester } from '../site/requester.js'
import { early } from './early.js'
import { errorReply } from './error.js'
import type { Front } from './front.js'
import { run } from './run.js'
import { send } from './send.js'
import { Turns } from './turns.js'
import { timezones } from './timezones.js'
import { urlOf, visitOf } from './visit.js'
import { visitor } from './visitor.js'

/** The HTTP front: one wildcard route, every method from the table. */
export function makeApp (front: Front): FastifyInstance {
  const { settings } = front.site
  const turns = new Turns()
  const app = fastify({
    bodyLimit: settings.limits.bodyBytes,
    exposeHeadRoutes: false,
    requestTimeout: settings.server.requestSeconds * 1000,
    keepAliveTimeout: 75_000,
    // who does not read an answer for so long is gone
    connectionTimeout: 300_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 10_000 },
    // the router would refuse what only `dav/href` may judge
    rewriteUrl: () => '/',
    frameworkErrors: (error, request, reply) => { void send(front, request, reply, failure(front, request, error)) }
  })
  for (const method of METHODS) if (!(app.supportedMethods as readonly string[]).includes(method) && method !== 'CONNECT') app.addHttpMethod(method, { hasBody: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
  app.addHook('onRequest', async (request, reply) => {
    front.access.begin(request)
    const answer = await beforeBody(front, request)
    return answer === undefined ? undefined : await send(front, request, reply, answer)
  })
  // a malformed Content-Type would be refused before we see the request; the methods look at the header as it came
  app.addHook('onRequest', (request, _reply, done) => {
    visitOf(front, request)
    if (request.headers['content-type'] !== undefined) request.headers['content-type'] = 'application/octet-stream'
    done()
  })
  app.setErrorHandler((error, request, reply) => { void send(front, request, reply, failure(front, request, error)) })
  app.setNotFoundHandler((request, reply) => { void handle(front, turns, request, reply) })
  app.route({ method: [...app.supportedMethods] as never, url: '/', handler: async (request, reply) => await handle(front, turns, request, reply) })
  return app
}

/** What can be answered without the body: nobody's ten megabytes are kept before we know whose they are. */
async function beforeBody (front: Front, request: FastifyRequest): Promise<DavReply | undefined> {
  try {
    const visit = visitOf(front, request)
    const { site: { settings, directory }, login, sudoers, isReady, tlsPort } = front
    const answer = early({ settings, isReady, tlsPort }, request.raw, visit.url, visit.arrival) ?? await timezones(settings, request.raw, visit.url, visit.arrival)
    if (answer !== undefined) return answer
    visit.identity = await visitor({ settings, directory, login, sudoers }, request.raw, visit.arrival, visit.context)
    if (visit.identity === undefined && !isForAnybody(front, request)) throw new DavError(401, 'log in with name and password')
    return undefined
  } catch (error) {
    return failure(front, request, error)
  }
}

/** Methods that somebody who has not logged in may try: what is public can be read, and an ACL may allow more. */
function isForAnybody ({ site }: Front, { method, headers }: FastifyRequest): boolean {
  // clients look for the DAV header before they log in
  if (method === 'OPTIONS' || method === 'GET' || method === 'HEAD') return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  // a body is taken from a stranger only when it says how small it is
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= site.settings.limits.xmlBytes
}

/** Their answers may be long. */
const listing: readonly string[] = ['REPORT', 'PROPFIND', 'GET', 'POST']

async function handle (front: Front, turns: Turns, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { identity, arrival } = visitOf(front, request)
  const user: Requester = { site: front.site, record: identity?.record, limit: identity?.limit }
  let answer: DavReply
  try {
    if (listing.includes(request.method)) await turns.take(identity?.record.guid ?? arrival.address, reply.raw)
    answer = await run(front, request, user)
  } catch (error) {
    answer = failure(front, request, error)
  }
  return await send(front, request, reply, answer)
}

function failure ({ site }: Front, request: FastifyRequest, error: unknown): DavReply {
  return errorReply(asDavError(error, request), site.log, `${request.method} ${urlOf(request)}`)
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
