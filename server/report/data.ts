import type { Collection } from '../../store/home.js'
import { body } from '../../store/index/search.js'
import { dataOf, dataRequest, type DataRequest } from '../calendar/data.js'
import { heavyBytes, inThread } from '../calendar/heavy.js'
import { mediaTypes } from '../calendar/media.js'
import { zonesWanted } from '../calendar/zones.js'
import { DavError } from '../dav/error.js'
import type { Headers } from '../dav/header.js'
import { portable } from '../ical/portable-zone.js'
import { Budget } from '../ical/recur.js'
import type { Zone } from '../ical/time.js'
import type { Extra, Wanted } from '../property/answer.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { caldav } from '../xml/name.js'
import { escapeText } from '../xml/write.js'

const calendarData = caldav('calendar-data')

/** What one object may cost here, in ms; what needs more is looked at in a thread. */
const patience = 8

/** What was made of an object before its answer is written. */
interface Ready { readonly resource: Resource, readonly text?: string | undefined, readonly error?: DavError }

/**
 * The CALDAV:calendar-data of a report, read once for all its answers; empty when it asks for none.
 * @param zoneOf  the zone in which DATEs and times without one are read in a collection
 * @param headers  of the request: CalDAV-Timezones (RFC 7809 7.1)
 * @throws DavError
 */
export function calendarDataExtra (site: Site, wanted: Wanted, zoneOf: (collection: Collection | undefined) => Zone, headers: Headers): Extra {
  const element = wanted.properties.find(({ name }) => name === calendarData)
  if (element === undefined) return new Map()
  const request = dataRequest(element, zonesWanted(headers, site.settings))
  const isWhole = Object.keys(request).length === 0
  const make = (resource: Resource, milliseconds: number): Ready | 'too hard' => textOf(site, resource, request, zoneOf, milliseconds)
  let ready: Ready | undefined
  return new Map([[calendarData, {
    ...(request.form === undefined ? {} : { attributes: { 'content-type': mediaTypes[request.form] } }),
    prepare: resource => {
      if (isWhole) return undefined
      const made = make(resource, patience)
      if (made !== 'too hard') {
        ready = made
        return undefined
      }
      return elsewhere(site, resource, request, zoneOf).then(found => { ready = found })
    },
    read: resource => {
      const made = ready?.resource === resource ? ready : make(resource, patience)
      ready = undefined
      if (made === 'too hard') throw new DavError(503, 'this object is too hard to read')
      if (made.error !== undefined) throw made.error
      return made.text === undefined ? undefined : escapeText(made.text)
    }
  }]])
}

function bytesOf ({ kind, home, collection, member }: Resource): Buffer | undefined {
  if (kind !== 'event' || home === undefined || collection === undefined || member === undefined) return undefined
  // the index has the bytes of every object: fifty files need not be opened once `member` has looked at them
  return body(home.index, member.id) ?? home.content(collection, member.name)?.bytes
}

function textOf (site: Site, resource: Resource, request: DataRequest, zoneOf: (collection: Collection | undefined) => Zone, milliseconds: number): Ready | 'too hard' {
  const bytes = bytesOf(resource)
  if (bytes === undefined) return { resource, text: undefined }
  if (bytes.length > heavyBytes && Object.keys(request).length > 0) return 'too hard'
  const budget = new Budget({ instances: site.settings.limits.instances, milliseconds })
  try {
    return { resource, text: dataOf(bytes, request, zoneOf(resource.collection), budget) }
  } catch (error) {
    if (budget.outOf === 'work') return 'too hard'
    if (error instanceof DavError) return { resource, error }
    throw error
  }
}

async function elsewhere (site: Site, resource: Resource, request: DataRequest, zoneOf: (collection: Collection | undefined) => Zone): Promise<Ready> {
  const bytes = bytesOf(resource)
  if (bytes === undefined) return { resource, text: undefined }
  try {
    return { resource, text: await inThread('data', { bytes, request, floating: portable(zoneOf(resource.collection)), instances: site.settings.limits.instances }, resource.home?.path ?? '') }
  } catch (error) {
    if (error instanceof DavError) return { resource, error }
    throw error
  }
}
