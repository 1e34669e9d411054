import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../../store/error.js'
import { demandSpace } from '../../store/space.js'
import type { Site } from '../site/site.js'

/** What cannot be written now, by site: how many requests were refused since it was told. */
const outages = new WeakMap<Site['log'], Map<StoreError['reason'], number>>()

/** Methods that cannot succeed on a full disk or one that is read-only. */
const writing: ReadonlySet<string> = new Set(['PUT', 'POST', 'MKCALENDAR', 'MKCOL', 'COPY', 'MOVE', 'ACL'])

/**
 * Whether a disk that is full or read-only has been told already: each of a thousand requests would say the same. Counts the request.
 * @param cause  why it was refused
 */
export function isToldOutage (log: Site['log'], cause: unknown): boolean {
  if (!(cause instanceof StoreError) || !isOutage(cause)) return false
  const known = outages.get(log) ?? new Map<StoreError['reason'], number>()
  outages.set(log, known)
  const refused = known.get(cause.reason)
  known.set(cause.reason, (refused ?? 0) + 1)
  return refused !== undefined
}

// a directory that must not be written is a matter of its own
function isOutage ({ reason, cause }: StoreError): boolean {
  return reason === 'full' || (reason === 'read-only' && (cause as { code?: unknown } | undefined)?.code === 'EROFS')
}

/** Tells that an outage is over, when a request that writes was answered well and there is room everywhere. */
export function noteSuccess ({ log, settings, store }: Site, method: string, status: number): void {
  const known = outages.get(log)
  if (known === undefined || !writing.has(method) || (status !== 201 && status !== 204)) return
  try {
    demandSpace([store.documents, store.writing.state, ...settings.history.days > 0 ? [nearest(store.writing.history.directory)] : []], 0)
  } catch {
    return
  }
  outages.delete(log)
  const refused = [...known.values()].reduce((sum, count) => sum + count, 0)
  log.warn(`the disk can be written again; ${refused} ${refused === 1 ? 'request was' : 'requests were'} refused meanwhile`)
}

// the history is made when something is kept
function nearest (directory: string): string {
  return existsSync(directory) ? directory : nearest(dirname(directory))
}
