import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { davHeaderFor } from '../method/options.js'
import type { DavReply } from '../site/request.js'
import { errorReply } from './error.js'
import type { Front } from './front.js'
import { noteSuccess } from './outage.js'
import { seenOutside } from './outside.js'
import { urlOf, visitOf } from './visit.js'

/** Sends an answer as it is seen from outside, a 401 with its challenges, and has it noted in the access log. */
export async function send (front: Front, request: FastifyRequest, reply: FastifyReply, inner: DavReply): Promise<FastifyReply> {
  if (inner.status !== 401) return await sendAs(front, request, reply, inner)
  let challenges
  try {
    challenges = front.login.challenges(visitOf(front, request).context)
  } catch (error) {
    // nobody can log in this way: that is told instead of asking for it
    return await sendAs(front, request, reply, errorReply(error, front.site.log, `${request.method} ${urlOf(request)}`))
  }
  // RFC 9110 11.6.1; one header each: some clients read the first challenge of a header only
  reply.header('www-authenticate', [...challenges])
  return await sendAs(front, request, reply, inner)
}

async function sendAs (front: Front, request: FastifyRequest, reply: FastifyReply, inner: DavReply): Promise<FastifyReply> {
  const { arrival, identity } = visitOf(front, request)
  const { hstsSeconds } = front.site.settings.tls
  const answer = seenOutside(inner, arrival.prefix)
  noteSuccess(front.site, request.method, answer.status)
  reply.code(answer.status)
  reply.header('dav', davHeaderFor(front.site.settings))
  reply.header('x-content-type-options', 'nosniff')
  if (hstsSeconds > 0 && arrival.isSecure) reply.header('strict-transport-security', `max-age=${hstsSeconds}`)
  if (front.isStopping()) reply.header('connection', 'close')
  // RFC 4791 5.3.1, RFC 5689 3: refusals too
  if (request.method === 'MKCALENDAR' || request.method === 'MKCOL') reply.header('cache-control', 'no-cache')
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value)
  front.access.note(request, reply, arrival.address, identity)
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
    // who leaves in the middle of an answer is nothing to tell
    if ((error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE') throw error
    // the status is gone; breaking the connection is the only way left to say that the answer is not whole
    site.log.error(`${request.method} ${urlOf(request)}: broke off: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    throw error
  }
}
