import { allowed } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { DavError, failed } from '../dav/error.js'
import { prefer } from '../dav/header.js'
import { Multistatus, propstatElement, statusElement, type Propstat } from '../dav/multistatus.js'
import { multistatusReply } from '../dav/reply.js'
import { Answers } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { element, elements, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { escapeText } from '../xml/write.js'
import { pathOf, splitAtHrefs, type Href } from './hrefs.js'
import { demandDepth0 } from './named.js'
import type { Report } from './report.js'

/** RFC 3253 3.8 */
export const expandProperty: Report = { name: dav('expand-property'), privilege: dav('read'), run }

const deepest = 8
/** So many properties are looked up, and so many bytes are answered. */
const mostLookups = 20_000
const mostBytes = 16 * 1024 * 1024

/** One DAV:property of the request: what it names, and what to ask of the resources its value points to. */
interface Asked {
  readonly name: Name
  readonly answers: Answers
  readonly inner: readonly Asked[]
  /** What came of each href: people who are in the same groups lead to the same members. */
  readonly known: Map<string, string>
}

/** What may still be done for this request. */
interface Budget { lookups: number, bytes: number, until: number }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  demandDepth0(request)
  const asked = askedIn(request, query, 1)
  const multistatus = new Multistatus()
  multistatus.addText(hrefOf(resource), await propstats(request, resource, asked, { lookups: mostLookups, bytes: mostBytes, until: 0 }))
  return multistatusReply(multistatus)
}

function askedIn (request: DavRequest, query: Element, depth: number): Asked[] {
  const asked = new Map<Name, Asked>()
  for (const property of elements(query, dav('property'))) {
    if (depth > deepest + 1) throw new DavError(403, `expand-property goes at most ${deepest} levels deep`)
    const { name: local, namespace } = property.attributes
    if (local === undefined || !/^[\p{L}_][\p{L}\p{M}\p{Nd}._-]*$/u.test(local)) throw new DavError(400, 'DAV:property expects an attribute name that XML can have')
    const name: Name = `{${namespace ?? 'DAV:'}}${local}`
    const answers = new Answers(request.site, request.user, { form: 'named', properties: [element(name)] }, false)
    if (!asked.has(name)) asked.set(name, { name, answers, inner: askedIn(request, property, depth + 1), known: new Map() })
  }
  return [...asked.values()]
}

async function propstats (request: DavRequest, resource: Resource, asked: readonly Asked[], budget: Budget): Promise<Propstat[]> {
  const plain = new Map<number, string>()
  const refused: Propstat[] = []
  for (const each of asked) {
    const { answers, inner } = each
    if (--budget.lookups < 0) throw failed('number-of-matches-within-limits', `expand-property looks up at most ${mostLookups} properties`)
    await answers.prepare(resource)
    for (const propstat of answers.of(resource)) {
      const xml = propstat.status === 200 && inner.length > 0 ? await expanded(request, propstat.xml, each, budget) : propstat.xml
      if (xml === propstat.xml) spend(budget, xml)
      if (propstat.error === undefined) plain.set(propstat.status, (plain.get(propstat.status) ?? '') + xml)
      else refused.push({ ...propstat, xml })
    }
  }
  await pause(budget)
  if (prefer(request.headers).return === 'minimal') plain.delete(404)
  const found = [...[...plain].map(([status, xml]): Propstat => ({ status, xml })), ...refused]
  // RFC 8144 2.1: a response has one at least
  return found.length === 0 ? [{ status: 200, xml: '' }] : found
}

function spend (budget: Budget, xml: string): void {
  budget.bytes -= xml.length
  if (budget.bytes < 0) throw failed('number-of-matches-within-limits', `expand-property answers at most ${mostBytes} bytes`)
}

// others get their turn after so many ms
const slice = 15

async function pause (budget: Budget): Promise<void> {
  if (performance.now() < budget.until) return
  await new Promise(resolve => setImmediate(resolve))
  budget.until = performance.now() + slice
}

async function expanded (request: DavRequest, xml: string, asked: Asked, budget: Budget): Promise<string> {
  let result = ''
  for (const part of splitAtHrefs(xml)) {
    if (typeof part === 'string') {
      result += part
      continue
    }
    const key = `${part.isStored ? ' ' : ''}${part.href}`
    let text = asked.known.get(key)
    if (text === undefined) asked.known.set(key, text = await response(request, part, asked.inner, budget))
    result += text
    spend(budget, text)
  }
  return result
}

async function response (request: DavRequest, href: Href, inner: readonly Asked[], budget: Budget): Promise<string> {
  const path = pathOf(request, href)
  const resource = path === undefined ? undefined : await reach(request.user, path.segments)
  const start = `<D:response><D:href${href.isStored ? ' ' : ''}>${escapeText(href.href)}</D:href>`
  if (resource !== undefined && !allowed(request.user, resource, dav('read'))) return `${start}${statusElement(403)}</D:response>`
  if (resource === undefined || resource.kind === 'unmapped') return `${start}${statusElement(404)}</D:response>`
  const found = await propstats(request, resource, inner, budget)
  return `${start}${found.map(propstatElement).join('')}</D:response>`
}
