import type { Multistatus } from './multistatus.js'

/** The media type of XML bodies. */
export const xmlType = 'application/xml; charset=utf-8'

/** A 207, all at once. */
export function multistatusReply (multistatus: Multistatus): { status: number, headers: Record<string, string>, body: string } {
  return { status: 207, headers: { 'content-type': xmlType }, body: multistatus.finish() }
}

/**
 * A 207 in pieces of about 64 KB: `fill` adds responses and yields when others may have their turn, so that a listing of
 * 100,000 members is neither held in memory nor holds the event loop.
 */
export function multistatusStream (multistatus: Multistatus, fill: () => AsyncIterable<void> | Iterable<void>): { status: number, headers: Record<string, string>, body: AsyncIterable<string> } {
  return { status: 207, headers: { 'content-type': xmlType }, body: pieces(multistatus, fill) }
}

async function * pieces (multistatus: Multistatus, fill: () => AsyncIterable<void> | Iterable<void>): AsyncGenerator<string> {
  for await (const _ of fill()) if (multistatus.isFull) yield multistatus.take()
  yield multistatus.finish()
}
