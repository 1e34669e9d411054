import { body } from '../../store/index/search.js'
import { dataOf, dataRequest, type DataRequest } from '../calendar/data.js'
import type { Zone } from '../ical/time.js'
import type { Extra, Wanted } from '../property/answer.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { caldav } from '../xml/name.js'
import { escapeText } from '../xml/write.js'

const calendarData = caldav('calendar-data')

/** The CALDAV:calendar-data of a report, read once for all its answers; empty when it asks for none. @throws DavError */
export function calendarDataExtra (site: Site, wanted: Wanted, floating: Zone): Extra {
  const element = wanted.properties.find(({ name }) => name === calendarData)
  if (element === undefined) return new Map()
  const request = dataRequest(element)
  return new Map([[calendarData, (resource: Resource) => textOf(site, resource, request, floating)]])
}

function textOf (site: Site, { home, collection, member, kind }: Resource, request: DataRequest, floating: Zone): string | undefined {
  if (kind !== 'event' || home === undefined || collection === undefined || member === undefined) return undefined
  // the index has the bytes of every object: fifty files need not be opened once `member` has looked at them
  const bytes = body(home.index, member.id) ?? home.content(collection, member.name)?.bytes
  return bytes === undefined ? undefined : escapeText(dataOf(bytes, request, floating, site.settings.limits.instances))
}
