import { demand } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { failed } from '../dav/error.js'
import { lockToken } from '../dav/header.js'
import { lockable } from '../property/lock.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { locksOn } from './locked.js'
import type { Method } from './method.js'

/** RFC 4918 9.11 */
export const unlock: Method = { name: 'UNLOCK', on: [...lockable, 'unmapped'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, headers, target } = request
  const token = lockToken(headers)
  const found = locksOn(request, target).find(each => each.token === token)
  if (found === undefined) throw failed('lock-token-matches-request-uri', `${hrefOf(target)} is in the scope of no lock ${token.slice(0, 100)}`)
  // RFC 3744 3.5: its creator always may; what is asked of others is asked about all that is locked
  if (found.creator !== user.record?.guid) demand(user, await reach(user, found.segments), dav('unlock'))
  site.locks.release(found)
  return { status: 204 }
}
