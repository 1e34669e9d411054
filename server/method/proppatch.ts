import { demand } from '../acl/check.js'
import { translated } from '../calendar/write.js'
import { DavError } from '../dav/error.js'
import { applied, prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusReply } from '../dav/reply.js'
import { everyKind } from '../property/property.js'
import { instructions, patch } from '../property/patch.js'
import { xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { demandUnlocked } from './locked.js'
import type { Method } from './method.js'
import { demandConditions, stateOf } from './target.js'

/** RFC 4918 9.2 */
export const proppatch: Method = { name: 'PROPPATCH', on: everyKind, run }

async function run (request: DavRequest): Promise<DavReply> {
  const { user, target } = request
  demand(user, target, dav('write-properties'))
  const body = xmlBody(request)
  if (body?.name !== dav('propertyupdate')) throw new DavError(400, `PROPPATCH expects DAV:propertyupdate, not ${body?.name ?? 'an empty body'}`)
  const todo = instructions(body)
  if (todo.length === 0) throw new DavError(400, 'PROPPATCH expects a DAV:set or DAV:remove with at least one property')
  demandConditions(request, target.member === undefined ? { exists: true } : stateOf(target.member))
  demandUnlocked(request, target)
  const propstats = await translated(patch(target, todo, request))
  // RFC 8144 2.2
  if (prefer(request.headers).return === 'minimal' && propstats.every(({ status }) => status === 200)) return { status: 200, headers: applied('return=minimal'), body: '' }
  const multistatus = new Multistatus()
  multistatus.addText(hrefOf(target), propstats)
  return multistatusReply(multistatus)
}
