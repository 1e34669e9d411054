import { demand } from '../acl/check.js'
import { DavError, failed } from '../dav/error.js'
import { everyKind } from '../property/property.js'
import { reports } from '../report/table.js'
import { kinds } from '../site/kind.js'
import { xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf } from '../site/resource.js'
import type { Method } from './method.js'

/** RFC 3253 3.6 */
export const report: Method = { name: 'REPORT', on: everyKind, run }

async function run (request: DavRequest): Promise<DavReply> {
  const query = xmlBody(request)
  if (query === undefined) throw new DavError(400, 'REPORT expects an XML body that names the report')
  const { user, target } = request
  const row = reports.get(query.name)
  demand(user, target, row?.privilege ?? '{DAV:}read')
  if (row === undefined || !kinds[target.kind].reports.includes(row.name)) throw failed('supported-report', `${hrefOf(target)} does not answer ${query.name}`)
  return await row.run(request, target, query)
}
