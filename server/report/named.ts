import { allowed } from '../acl/check.js'
import { depth, prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { Answers, wantedIn } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { child, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'

/** So many principals does one search or list of them tell. */
export const mostPrincipals = 500

/** RFC 3744 9.2 to 9.5: these reports are defined for one depth only. @throws DavError 400 */
export function demandDepth0 ({ headers }: DavRequest): void {
  depth(headers, '0', ['0'])
}

/**
 * A 207 about resources that were found, those left out that the user may not read: with the properties in the DAV:prop of
 * the query, or with status 200 when it has none (RFC 3744 9.3.1).
 * @param most  after so many, or when `found` gives 'more', the rest is cut off and the answer says so with 507
 */
export function replyAbout (request: DavRequest, query: Element, found: AsyncIterable<Resource | 'more'> | Iterable<Resource | 'more'>, most: number): DavReply {
  const { site, user, headers, target } = request
  const answers = child(query, dav('prop')) === undefined ? undefined : new Answers(site, user, wantedIn(query), prefer(headers).return === 'minimal')
  const multistatus = new Multistatus()
  return multistatusStream(multistatus, async function * () {
    let count = 0
    for await (const resource of found) {
      if (resource !== 'more' && !allowed(user, resource, dav('read'))) continue
      if (resource === 'more' || ++count > most) {
        multistatus.addStatus(hrefOf(target), 507, 'number-of-matches-within-limits')
        return
      }
      await answers?.prepare(resource)
      if (answers === undefined) multistatus.addStatus(hrefOf(resource), 200)
      else multistatus.addText(hrefOf(resource), answers.of(resource))
      yield
    }
  })
}
