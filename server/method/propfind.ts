import { allowed, demand } from '../acl/check.js'
import { DavError } from '../dav/error.js'
import { applied, depth, prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { Answers, wantedIn } from '../property/answer.js'
import { kinds } from '../site/kind.js'
import { xmlBody, type DavRequest, type DavReply } from '../site/request.js'
import { hrefOf, members, type Resource } from '../site/resource.js'
import { elements, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { everyKind } from '../property/property.js'
import type { Method } from './method.js'

/** RFC 4918 9.1 */
export const propfind: Method = { name: 'PROPFIND', on: everyKind, run }

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, headers, target } = request
  const body = xmlBody(request)
  if (body !== undefined && body.name !== dav('propfind')) throw new DavError(400, `PROPFIND expects DAV:propfind, not ${body.name}`)
  demandOneForm(body)
  const reach = depth(headers, 'infinity')
  const isMinimal = prefer(headers).return === 'minimal'
  // RFC 8144 4: there is nothing but the root at depth 0
  const leavesRoot = prefer(headers).depthNoRoot && reach !== '0'
  demand(user, target, dav('read'))
  const answers = new Answers(site, user, wantedIn(body), isMinimal)
  const multistatus = new Multistatus()
  const reply = multistatusStream(multistatus, async function * () {
    if (!leavesRoot) yield * answer(target, answers, multistatus)
    if (reach !== '0') yield * below(request, target, reach === 'infinity', answers, multistatus)
  })
  return { ...reply, headers: { ...reply.headers, ...applied(...isMinimal ? ['return=minimal'] : [], ...leavesRoot ? ['depth-noroot'] : []) } }
}

/** RFC 4918 14.20, appendix A: exactly one of the three, when there is a body. @throws DavError 400 */
function demandOneForm (body: Element | undefined): void {
  const forms = body === undefined ? 1 : elements(body).filter(({ name }) => name === dav('prop') || name === dav('allprop') || name === dav('propname')).length
  if (forms !== 1) throw new DavError(400, `DAV:propfind expects one of DAV:prop, DAV:allprop and DAV:propname, found ${forms}`)
}

async function * below (request: DavRequest, resource: Resource, deep: boolean, answers: Answers, multistatus: Multistatus): AsyncGenerator<void> {
  const { site, user } = request
  let until = performance.now() + slice
  for (const member of await members(site, resource)) {
    if (!allowed(user, member, dav('read'))) continue
    if (member.member !== undefined) {
      multistatus.addText(hrefOf(member), answers.of(member))
      if (multistatus.isFull) yield
      if (performance.now() > until) {
        await new Promise(resolve => setImmediate(resolve))
        until = performance.now() + slice
      }
      continue
    }
    yield * answer(member, answers, multistatus)
    if (deep && kinds[member.kind].isCollection) yield * below(request, member, true, answers, multistatus)
  }
}

/** Others get their turn after so many ms of a long listing. */
const slice = 15

async function * answer (resource: Resource, answers: Answers, multistatus: Multistatus): AsyncGenerator<void> {
  await answers.prepare(resource)
  multistatus.addText(hrefOf(resource), answers.of(resource))
  yield
}
