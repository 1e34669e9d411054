import { StoreError } from '../../store/error.js'
import { asDavError } from '../calendar/write.js'
import { DavError, errorBody, errorType } from '../dav/error.js'
import type { Log } from '../site/site.js'
import type { DavReply } from '../site/request.js'

/**
 * The reply to whatever a method threw. What is nobody's plan is a fault of ours: 500, its stack in the log, nothing in
 * the reply.
 */
export function errorReply (error: unknown, log: Log, what: string): DavReply {
  const known = error instanceof DavError ? error : error instanceof StoreError ? asDavError(error) : undefined
  if (known === undefined) {
    log.error(`${what}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    return { status: 500, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'The server made a mistake; its log says which.\n' }
  }
  const why = known.cause instanceof StoreError ? known.cause.message : known.message
  // a method that a client tries is no fault of ours
  if (known.status >= 500 && known.status !== 501) log.error(`${what}: ${why}`)
  else log.debug(`${what}: ${known.status} ${why}`)
  return { status: known.status, headers: { 'content-type': errorType(known), ...known.headers }, body: errorBody(known) }
}
