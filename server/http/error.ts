import { StoreError } from '../../store/error.js'
import { asDavError } from '../calendar/write.js'
import { conditions } from '../dav/condition.js'
import { DavError, errorBody, errorType } from '../dav/error.js'
import type { Log } from '../site/site.js'
import { isToldOutage } from './outage.js'
import type { DavReply } from '../site/request.js'

// a method that a client tries, a home that is full, an answer that would be too long: no fault of ours
function isAsked ({ status, element }: DavError): boolean {
  return status === 501 || element?.name === conditions['quota-not-exceeded'].name || element?.name === conditions['number-of-matches-within-limits'].name
}

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
  const isTold = isToldOutage(log, error instanceof StoreError ? error : known.cause)
  const why = known.cause instanceof Error && !(known.cause instanceof DavError) ? known.cause.message : known.message
  if (known.status === 502) log.warn(`${what}: ${why}`)
  else if (known.status >= 500 && !isAsked(known) && !isTold) log.error(`${what}: ${why}`)
  else log.debug(`${what}: ${known.status} ${why}`)
  return { status: known.status, headers: { 'content-type': errorType(known), ...known.headers }, body: errorBody(known) }
}
