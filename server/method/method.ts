import type { Kind } from '../site/kind.js'
import type { DavReply, DavRequest } from '../site/request.js'

/** An HTTP method. */
export interface Method {
  readonly name: string
  /** The kinds whose Allow lists it; others answer 405. */
  readonly on: readonly Kind[]
  readonly run: (request: DavRequest) => Promise<DavReply>
}
