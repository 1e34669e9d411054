/** One stretch of time an object may occupy. Seconds since 1970, UTC; of the wall clock when `floating`. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly floating: boolean
  /** It is one instance; otherwise only bounds: look at the text. */
  readonly exact: boolean
}

/** What the index remembers of one object. */
export interface Facts {
  readonly uid: string
  /** `VEVENT`, `VTODO`… */
  readonly component: string
  readonly organizer?: string | undefined
  readonly summary?: string | undefined
  readonly spans: readonly Span[]
}

/**
 * The facts of a body. Handed in by `main.ts`, so that the store need not know the language. Throws with a one-line message when the bytes are no
 * object. `replaces`: a former version can be served instead, so there is no need to be lenient.
 */
export type Describe = (bytes: Uint8Array, replaces: boolean) => Facts
