import type { DavError } from '../dav/error.js'
import type { Kind } from '../site/kind.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'

/** An HTTP method. */
export interface Method {
  readonly name: string
  /** The kinds it is for, and whose Allow lists it. */
  readonly on: readonly Kind[]
  /** What other kinds answer, where that is not 405. */
  readonly elsewhere?: (target: Resource) => DavError
  readonly run: (request: DavRequest) => Promise<DavReply>
}
