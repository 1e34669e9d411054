import { aclOf } from '../acl/acl.js'
import { namedHref, principalAt } from '../acl/principal.js'
import { href as hrefOfPath } from '../dav/href.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { locate, type Resource } from '../site/resource.js'
import type { Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { HrefsOf, pathOf, type Href } from './hrefs.js'
import { demandDepth0, mostPrincipals, replyAbout } from './named.js'
import type { Report } from './report.js'

/** RFC 3744 9.2 */
export const aclPrincipalPropSet: Report = { name: dav('acl-principal-prop-set'), privilege: dav('read-acl'), run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  demandDepth0(request)
  const hrefs = new Set<string>()
  const add = (href: Href): void => {
    const path = pathOf(request, href)
    if (path === undefined) return
    const plain = hrefOfPath(path.segments, true)
    const named = principalAt(request.site.directory, plain)
    hrefs.add(named === undefined ? plain : namedHref(named))
  }
  for (const { principal } of aclOf(request.site, resource)) {
    if (principal.type === 'href') add({ href: principal.href, isStored: principal.key === undefined })
    if (principal.type === 'property') for (const href of await new HrefsOf(request, principal.name).of(resource)) add(href)
  }
  return replyAbout(request, query, principals(request, [...hrefs]), mostPrincipals)
}

async function * principals (request: DavRequest, hrefs: readonly string[]): AsyncGenerator<Resource> {
  for (const href of hrefs) {
    const path = pathOf(request, { href, isStored: false })
    // an ACE may name somebody who is gone, but leads to nothing else than principals
    if (path?.segments[0] === 'principals') yield await locate(request.site, path.segments)
  }
}
