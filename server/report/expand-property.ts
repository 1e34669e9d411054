import { allowed } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { DavError } from '../dav/error.js'
import { resolve } from '../dav/href.js'
import { Multistatus, statusElement, type Propstat } from '../dav/multistatus.js'
import { multistatusReply } from '../dav/reply.js'
import { Answers } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { element, elements, text, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { parse } from '../xml/parse.js'
import { defaultLimits } from '../site/limits.js'
import { declarations, fragment, escapeText } from '../xml/write.js'
import type { Report } from './report.js'

/** RFC 3253 3.8 */
export const expandProperty: Report = { name: dav('expand-property'), privilege: dav('read'), run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const multistatus = new Multistatus()
  const budget = { left: 5000 }
  multistatus.addText(hrefOf(resource), await propstats(request, resource, query, 0, budget))
  return multistatusReply(multistatus)
}

const deepest = 8

/** One DAV:property of the request: what it names, and what to ask of the resources its value points to. */
function named (query: Element): { name: Name, inner: Element }[] {
  return elements(query, dav('property')).map(inner => {
    const { name, namespace } = inner.attributes
    if (name === undefined || !/^[\p{L}_][\p{L}\p{M}\p{Nd}._-]*$/u.test(name)) throw new DavError(400, 'DAV:property expects an attribute name that XML can have')
    return { name: `{${namespace ?? 'DAV:'}}${name}`, inner }
  })
}

async function propstats (request: DavRequest, resource: Resource, query: Element, depth: number, budget: { left: number }): Promise<Propstat[]> {
  if (depth > deepest) throw new DavError(403, `expand-property goes at most ${deepest} levels deep`)
  const asked = named(query)
  const answers = new Answers(request.site, request.user, { form: 'named', properties: asked.map(({ name }) => element(name)) }, false)
  await answers.prepare(resource)
  const result: Propstat[] = []
  for (const propstat of answers.of(resource)) {
    result.push(propstat.status === 200 ? { ...propstat, xml: await expanded(request, propstat.xml, asked, depth, budget) } : propstat)
  }
  return result
}

async function expanded (request: DavRequest, xml: string, asked: ReturnType<typeof named>, depth: number, budget: { left: number }): Promise<string> {
  let result = ''
  for (const property of elements(parse(`<D:prop${declarations}>${xml}</D:prop>`, defaultLimits))) {
    const inner = asked.find(({ name }) => name === property.name)?.inner
    const hrefs = elements(property, dav('href'))
    if (inner === undefined || hrefs.length === 0 || elements(inner, dav('property')).length === 0) result += fragment(property)
    else result += await withResponses(request, property, hrefs.map(text), inner, depth, budget)
  }
  return result
}

async function withResponses (request: DavRequest, property: Element, hrefs: readonly string[], inner: Element, depth: number, budget: { left: number }): Promise<string> {
  const filled = fragment(element(property.name, '|'))
  const at = filled.lastIndexOf('|')
  let responses = ''
  for (const href of hrefs) {
    if (--budget.left < 0) throw new DavError(403, 'expand-property reaches too many resources')
    responses += await response(request, href, inner, depth, budget)
  }
  return filled.slice(0, at) + responses + filled.slice(at + 1)
}

async function response (request: DavRequest, href: string, inner: Element, depth: number, budget: { left: number }): Promise<string> {
  const path = resolve(request.url, href, request.origins)
  const resource = path === undefined ? undefined : await reach(request.user, path.segments)
  const start = `<D:response><D:href>${escapeText(href)}</D:href>`
  if (resource !== undefined && !allowed(request.user, resource, dav('read'))) return `${start}${statusElement(403)}</D:response>`
  if (resource === undefined || resource.kind === 'unmapped') return `${start}${statusElement(404)}</D:response>`
  const parts = (await propstats(request, resource, inner, depth + 1, budget)).map(({ status, xml }) => `<D:propstat><D:prop>${xml}</D:prop>${statusElement(status)}</D:propstat>`)
  return `${start}${parts.join('')}</D:response>`
}
