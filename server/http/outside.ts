import { prefixHrefs } from '../dav/prefix.js'
import { xmlType } from '../dav/reply.js'
import type { DavReply } from '../site/request.js'

/**
 * An answer as it is seen from outside: with the prefix before the paths in Location, Content-Location and our XML.
 * What people stored (a Buffer, or another media type) is not touched.
 * @param prefix  '/dav', or '' when the server lives at the root
 */
export function seenOutside (answer: DavReply, prefix: string): DavReply {
  if (prefix === '') return answer
  const { headers = {}, body } = answer
  const moved = Object.entries(headers).map(([name, value]) => [name, placed.has(name.toLowerCase()) && value.startsWith('/') && !value.startsWith('//') ? prefix + value : value])
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const isOurs = type === xmlType && body !== undefined && !Buffer.isBuffer(body)
  return {
    ...answer,
    headers: Object.fromEntries(moved) as Record<string, string>,
    ...isOurs && { body: typeof body === 'string' ? prefixHrefs(body, prefix) : prefixed(body, prefix) }
  }
}

const placed: ReadonlySet<string> = new Set(['location', 'content-location'])

// pieces hold whole responses: Multistatus
async function * prefixed (pieces: AsyncIterable<string>, prefix: string): AsyncGenerator<string> {
  for await (const piece of pieces) yield prefixHrefs(piece, prefix)
}
