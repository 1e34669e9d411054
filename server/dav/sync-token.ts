/** The place in a collection's history that a sync-token names. */
export interface SyncState {
  /** Random, made with the index: letters, digits, `-` and `_`. */
  readonly epoch: string
  readonly revision: number
}

/** RFC 6578 6.2: a URI that means nothing to the client. Evolution throws away tokens without `:` or `/`. */
export function syncToken (epoch: string, revision: number): string {
  return `data:,${epoch}_${revision}`
}

/** What `syncToken` wrote, or undefined for anything else; white space around it is forgiven. */
export function parseSyncToken (text: string): SyncState | undefined {
  const match = /^data:,([A-Za-z0-9_-]{1,64})_(0|[1-9][0-9]{0,15})$/.exec(text.trim())
  if (match === null) return undefined
  const revision = Number(match[2])
  return Number.isSafeInteger(revision) ? { epoch: match[1] as string, revision } : undefined
}
