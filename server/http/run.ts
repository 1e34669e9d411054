import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { allowed } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { DavError } from '../dav/error.js'
import { segments } from '../dav/href.js'
import { optionsReply } from '../method/options.js'
import type { Method } from '../method/method.js'
import { allow, methods } from '../method/table.js'
import { admit, demandIf } from '../method/target.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Requester } from '../site/requester.js'
import type { Resource } from '../site/resource.js'
import type { Front } from './front.js'
import { originsOf, visitOf } from './visit.js'

/**
 * Does what a request asks for: finds the target, lets the method have it.
 * @throws DavError for whatever is not to be; 401 only when nobody has logged in
 */
export async function run (front: Front, request: FastifyRequest, user: Requester): Promise<DavReply> {
  const begun = performance.now()
  try {
    return await answer(front, request, user)
  } catch (error) {
    if (error instanceof DavError && refusals.includes(error.status)) await sleep(tick - (performance.now() - begun) % tick)
    throw error
  }
}

/** What is said where something is missing or must not be seen. */
const refusals: readonly number[] = [401, 403, 404]
/** Refusals leave on full ticks (ms): how long they took must not tell what was found. */
const tick = 5

async function answer (front: Front, request: FastifyRequest, user: Requester): Promise<DavReply> {
  const { site } = front
  const { url, type } = visitOf(front, request)
  const path = segments(url)
  if (request.method === 'OPTIONS') return optionsReply(allowFor(await reach(user, path.segments), user))
  const method = methods.get(request.method)
  if (method === undefined && user.record === undefined) throw new DavError(401, 'log in with name and password')
  if (method === undefined) throw new DavError(501, `the method ${request.method} is not known here`)
  const target = await reach(user, path.segments)
  const asked: DavRequest = {
    site, method: request.method, url, path, target, user,
    headers: { ...request.headers, 'content-type': type },
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    origins: originsOf(front, request)
  }
  try {
    admitTo(method, asked)
    demandPlain(asked)
    await demandIf(asked)
    return await method.run(asked)
  } catch (error) {
    throw error instanceof DavError && error.status === 405 ? withAllow(error, method.name, target) : error
  }
}

function admitTo (method: Method, asked: DavRequest): void {
  try {
    admit(method, asked.target, asked.user)
  } catch (refusal) {
    throw (refusal instanceof DavError && refusal.status === 403 ? method.unseen?.(asked) : undefined) ?? refusal
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
