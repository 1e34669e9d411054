import { DavError } from '../dav/error.js'
import { child, text, type Element } from '../xml/element.js'
import { caldav, dav } from '../xml/name.js'

/**
 * How many results a client wants: DAV:limit (RFC 5323 5.17, in RFC 6578 3.7 for a report), or the same in CALDAV as RFC 6352 10.6 has it
 * in its own namespace. Infinity when it does not say.
 * @throws DavError 400
 */
export function resultsIn (query: Element): number {
  for (const name of [dav, caldav]) {
    const limit = child(query, name('limit'))
    const count = limit === undefined ? undefined : child(limit, name('nresults'))
    if (count === undefined) continue
    const value = text(count).trim()
    if (!/^[1-9]\d{0,8}$/.test(value)) throw new DavError(400, `nresults is a positive number, not ${value.slice(0, 40)}`)
    return Number(value)
  }
  return Infinity
}
