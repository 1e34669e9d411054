import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import type { Element } from '../xml/element.js'
import type { Name } from '../xml/name.js'

/** A report (RFC 3253 3.6). Which kinds answer it is in `site/kind.ts`. */
export interface Report {
  readonly name: Name
  /** What one needs on the resource. */
  readonly privilege: Name
  /** Who lacks it is told 404, whatever is there. */
  readonly isConcealed?: true
  readonly run: (request: DavRequest, resource: Resource, query: Element) => Promise<DavReply>
}
