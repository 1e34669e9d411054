import { allowed, demand } from '../acl/check.js'
import { demandRanges } from '../calendar/allowance.js'
import { DavError, failed } from '../dav/error.js'
import { applied, prefer } from '../dav/header.js'
import { href } from '../dav/href.js'
import { everyKind } from '../property/property.js'
import { reports } from '../report/table.js'
import { kinds } from '../site/kind.js'
import { xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf } from '../site/resource.js'
import { dav } from '../xml/name.js'
import type { Method } from './method.js'

/** RFC 3253 3.6 */
export const report: Method = { name: 'REPORT', on: everyKind, unseen, run }

async function run (request: DavRequest): Promise<DavReply> {
  const query = xmlBody(request)
  if (query === undefined) throw new DavError(400, 'REPORT expects an XML body that names the report')
  const { site, user, target } = request
  const row = reports.get(query.name)
  const isOffered = row !== undefined && kinds[target.kind].reports.includes(row.name)
  const needed = row?.privilege ?? dav('read')
  if (row?.isConcealed === true && user.record !== undefined && !allowed(user, target, isOffered ? needed : dav('read'))) throw nothingThere(request)
  demand(user, target, needed)
  if (!isOffered) throw failed('supported-report', `${hrefOf(target)} does not answer ${query.name}`)
  demandRanges(query, site.settings)
  const reply = await row.run(request, target, query)
  // RFC 8144 2.1
  return reply.status === 207 && prefer(request.headers).return === 'minimal' ? { ...reply, headers: { ...reply.headers, ...applied('return=minimal') } } : reply
}

function unseen (request: DavRequest): DavError | undefined {
  try {
    const row = reports.get(xmlBody(request)?.name ?? dav('none'))
    return row?.isConcealed === true && request.user.record !== undefined ? nothingThere(request) : undefined
  } catch (error) {
    if (error instanceof DavError) return undefined
    throw error
  }
}

function nothingThere ({ target }: DavRequest): DavError {
  return new DavError(404, `${href(target.segments, false)} does not exist`)
}
