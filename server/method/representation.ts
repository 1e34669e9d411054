import { allowed } from '../acl/check.js'
import { reach } from '../acl/reach.js'
import { formOf, mediaTypes } from '../calendar/media.js'
import { DavError } from '../dav/error.js'
import { prefer } from '../dav/header.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { get } from './get.js'

/** What a reply says of a file that it brings with it. */
export interface Representation { readonly headers: Readonly<Record<string, string>>, readonly body: string | Buffer }

/** Whether a request wants to have back what it stored (RFC 8144 3). */
export function wantsRepresentation ({ headers }: DavRequest): boolean {
  return prefer(headers).return === 'representation'
}

/**
 * A file as GET would answer it now. Without an Accept header what was sent as jCal comes back as jCal.
 * @returns undefined for what is no file, when who asks may write it but not read it, and when Accept lets none of its forms through
 */
export async function representationOf (request: DavRequest, resource: Resource, form = formOf(header(request, 'content-type') ?? '') ?? 'text'): Promise<Representation | undefined> {
  if (resource.member === undefined || !allowed(request.user, resource, dav('read'))) return undefined
  const headers: Record<string, string> = { accept: header(request, 'accept') ?? `${mediaTypes[form]}, */*;q=0.1` }
  for (const name of ['caldav-timezones', 'user-agent']) {
    const value = header(request, name)
    if (value !== undefined) headers[name] = value
  }
  const path = { segments: resource.segments, collection: false }
  const { status, headers: found = {}, body } = await gotten({ ...request, method: 'GET', url: hrefOf(resource), path, target: resource, headers, body: Buffer.alloc(0) })
  return status === 200 && (typeof body === 'string' || Buffer.isBuffer(body)) ? { headers: found, body } : undefined
}

// what Accept does not let through is no reason to fail: it is stored
async function gotten (request: DavRequest): Promise<DavReply> {
  try {
    return await get.run(request)
  } catch (error) {
    if (error instanceof DavError && error.status === 406) return { status: 406 }
    throw error
  }
}

/** The same when it is wanted, with the headers that say so (RFC 8144 3.1): where it lies, and that it was asked for. */
export async function wantedRepresentation (request: DavRequest, segments: readonly string[]): Promise<Representation | undefined> {
  if (!wantsRepresentation(request)) return undefined
  const resource = await reach(request.user, segments)
  const found = await representationOf(request, resource)
  if (found === undefined) return undefined
  const { vary, ...others } = found.headers
  const headers = { ...others, 'vary': [vary, 'Prefer'].filter(one => one !== undefined).join(', '), 'content-location': hrefOf(resource), 'preference-applied': 'return=representation' }
  return { headers, body: found.body }
}

/** Work whose refusal for a condition (412) brings what is there now, where that is wanted (RFC 8144 3.2). */
export async function orCurrent (request: DavRequest, work: () => Promise<DavReply>): Promise<DavReply> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DavError) || error.status !== 412) throw error
    const current = await wantedRepresentation(request, request.target.segments)
    if (current === undefined) throw error
    return { status: 412, ...current }
  }
}
