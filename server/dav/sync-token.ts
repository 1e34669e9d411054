/** The place in a collection's history that a sync-token names. */
export interface SyncState {
  /** Random, made with the index: letters, digits, `-` and `_`. */
  readonly epoch: string
  readonly revision: number
  /** What the rights of who asked depend on, as 12 hexadecimal digits; not for owners, who see everything. */
  readonly view?: string
  /** An answer was cut here (RFC 6578 3.6). */
  readonly cut?: {
    /** Of what has this revision, everything up to this key has been told: 12 hexadecimal digits; undefined = all of it. */
    readonly key?: string
    /** It was an answer from the start, begun when this was the latest revision: whoever asks knows of nothing that went before. */
    readonly begun?: number
  }
}

/** RFC 6578 6.2: a URI that means nothing to the client. Evolution throws away tokens without `:` or `/`. */
export function syncToken (epoch: string, revision: number, { view, cut }: Pick<SyncState, 'view' | 'cut'> = {}): string {
  const seen = view === undefined ? '' : `.v${view}`
  const place = cut === undefined ? '' : `.c${cut.key ?? ''}${cut.begun === undefined ? '' : `.b${cut.begun}`}`
  return `data:,${epoch}_${revision}${seen}${place}`
}

const form = /^data:,([A-Za-z0-9_-]{1,64})_(0|[1-9][0-9]{0,15})(?:\.v([0-9a-f]{12}))?(\.c([0-9a-f]{12})?(?:\.b([1-9][0-9]{0,15}))?)?$/

/** What `syncToken` wrote, or undefined for anything else; white space around it is forgiven. */
export function parseSyncToken (text: string): SyncState | undefined {
  const match = form.exec(text.trim())
  if (match === null) return undefined
  const [, epoch = '', number, view, cut, key, begun] = match
  const revision = Number(number)
  if (!Number.isSafeInteger(revision) || !Number.isSafeInteger(Number(begun ?? 0))) return undefined
  return {
    epoch, revision, ...view === undefined ? {} : { view },
    ...cut === undefined ? {} : { cut: { ...key === undefined ? {} : { key }, ...begun === undefined ? {} : { begun: Number(begun) } } }
  }
}
