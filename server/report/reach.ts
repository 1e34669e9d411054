import { allowed } from '../acl/check.js'
import { depth, type Depth } from '../dav/header.js'
import { header, type DavRequest } from '../site/request.js'
import { members, type Resource } from '../site/resource.js'
import type { Name } from '../xml/name.js'

/**
 * The calendars that a query reaches, as far as who asks has a privilege on them (RFC 4791 7.8, 7.10). Depth on a calendar is
 * not looked at: Windows 10 sends 0 and iCal nothing, and everybody means its members. On a home or folder 0 reaches nothing,
 * 1 the calendars directly in it, infinity all below, each with its members.
 */
export async function * calendarsIn (request: DavRequest, resource: Resource, privilege: Name, reach: Depth = depthOf(request)): AsyncGenerator<Resource> {
  if (resource.kind === 'calendar' || resource.kind === 'event') {
    yield resource
    return
  }
  if (reach === '0') return
  for (const below of await members(request.site, resource)) {
    if (!walked.has(below.kind) || !allowed(request.user, below, privilege)) continue
    yield * calendarsIn(request, below, privilege, reach === '1' ? '0' : reach)
  }
}

/** Windows 10 (MSFT-WIN-…) says 0 to a home as well and means 1. */
function depthOf (request: DavRequest): Depth {
  const asked = depth(request.headers, '0')
  return asked === '0' && header(request, 'user-agent')?.startsWith('MSFT-') === true ? '1' : asked
}

/** The inbox holds no events of the calendar, though it may be asked itself. */
const walked: ReadonlySet<Resource['kind']> = new Set(['calendar', 'folder'])
