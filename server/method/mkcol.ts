import { DavError } from '../dav/error.js'
import { applied, prefer } from '../dav/header.js'
import { statusElement, type Propstat } from '../dav/multistatus.js'
import { xmlType } from '../dav/reply.js'
import { instructions } from '../property/patch.js'
import { header, xmlBody, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf } from '../site/resource.js'
import { element, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { declarations, fragment, xmlDeclaration } from '../xml/write.js'
import { madeHeaders, make, typesIn, vacancy } from './make.js'
import type { Method } from './method.js'

/** RFC 4918 9.3, with a body RFC 5689 */
export const mkcol: Method = { name: 'MKCOL', on: ['unmapped'], run }

async function run (request: DavRequest): Promise<DavReply> {
  const place = await vacancy(request)
  const body = bodyOf(request)
  const todo = body === undefined ? [] : instructions(body)
  const wanted = todo.findLast(({ name }) => name === dav('resourcetype'))?.value
  const types = wanted === undefined ? [element(dav('collection'))] : typesOrReply(wanted)
  if (!Array.isArray(types)) return { status: 403, headers: { 'content-type': xmlType }, body: response([types]) }
  const { propstats, failed } = await make(request, place, types, todo)
  if (failed) return { status: 403, headers: { 'content-type': xmlType, 'cache-control': 'no-cache' }, body: response(propstats) }
  const headers = { 'location': hrefOf({ ...request.target, kind: 'folder' }), 'cache-control': 'no-cache', ...await madeHeaders(request, place) }
  if (body === undefined) return { status: 201, headers }
  // RFC 8144 2.3: no body at all
  if (prefer(request.headers).return === 'minimal') return { status: 201, headers: { ...headers, ...applied('return=minimal') } }
  return { status: 201, headers: { ...headers, 'content-type': xmlType }, body: response(propstats) }
}

// RFC 4918 9.3.1: a body that is not understood is 415
function bodyOf (request: DavRequest): Element | undefined {
  const type = header(request, 'content-type')
  if (request.body.length > 0 && type !== undefined && !/xml/i.test(type)) throw new DavError(415, `MKCOL expects an XML body or none, not ${type.slice(0, 80)}`)
  const body = xmlBody(request)
  if (body !== undefined && body.name !== dav('mkcol')) throw new DavError(415, `MKCOL expects DAV:mkcol, not ${body.name}`)
  return body
}

function typesOrReply (wanted: Element): Element[] | Propstat {
  try {
    return typesIn(wanted)
  } catch (error) {
    if (!(error instanceof DavError)) throw error
    return { status: error.status, xml: fragment(element(dav('resourcetype'))), error: error.element }
  }
}

function response (propstats: readonly Propstat[]): string {
  const parts = propstats.map(({ status, xml, error }) => `<D:propstat><D:prop>${xml}</D:prop>${statusElement(status)}` +
    `${error === undefined ? '' : fragment(element(dav('error'), error))}</D:propstat>`)
  return `${xmlDeclaration}<D:mkcol-response${declarations}>${parts.join('')}</D:mkcol-response>`
}
