import type { DavError } from '../dav/error.js'
import type { Kind } from '../site/kind.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import type { Rules } from '../site/site.js'

/** An HTTP method. */
export interface Method {
  readonly name: string
  /** The kinds it is for, and whose Allow lists it. */
  readonly on: readonly Kind[]
  /** Further kinds that the settings open to it. */
  readonly opened?: (site: Rules) => readonly Kind[]
  /** What other kinds answer, where that is not 405. */
  readonly elsewhere?: (target: Resource) => DavError
  /** What is said to who must not see the target, where that is something of its own. */
  readonly unseen?: (request: DavRequest) => DavError | undefined
  readonly run: (request: DavRequest) => Promise<DavReply>
}
