import type { Limit } from '../directory/identity.js'
import type { DirectoryRecord } from '../directory/record.js'
import type { Site } from './site.js'

/** Who asks. One object for each request: what is worked out about it is remembered by the object. */
export interface Requester {
  readonly site: Site
  /** undefined = nobody has logged in (DAV:unauthenticated). */
  readonly record: DirectoryRecord | undefined
  readonly limit?: Limit | undefined
}
