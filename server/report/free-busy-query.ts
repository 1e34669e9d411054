import { timeRange } from '../calendar/filter.js'
import { matching } from '../calendar/query.js'
import { calendarZone } from '../calendar/timezone.js'
import { failed } from '../dav/error.js'
import { body } from '../../store/index/search.js'
import type { Component } from '../ical/component.js'
import { freeBusy } from '../ical/freebusy.js'
import { decode, parse } from '../ical/parse.js'
import { Budget } from '../ical/recur.js'
import { write } from '../ical/write.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { child, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'
import type { Report } from './report.js'

/** RFC 4791 7.10 */
export const freeBusyQuery: Report = { name: caldav('free-busy-query'), privilege: caldav('read-free-busy'), run }

async function run (_request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const { home, collection } = resource
  const source = child(query, caldav('time-range'))
  if (source === undefined) throw failed('valid-filter', 'free-busy-query expects one CALDAV:time-range')
  if (home === undefined || collection === undefined) throw failed('supported-report', `${hrefOf(resource)} has no busy time`)
  const range = timeRange(source)
  const floating = calendarZone(collection)
  await home.fresh(collection)
  const found: Component[] = []
  for (const name of ['VEVENT', 'VFREEBUSY']) {
    const filter = { name: 'VCALENDAR', properties: [], components: [{ name, timeRange: range, properties: [], components: [] }] }
    for await (const { id } of matching(home, collection, filter, floating)) {
      const bytes = body(home.index, id)
      if (bytes !== undefined) found.push(parse(decode(bytes)))
    }
  }
  return { status: 200, headers: { 'content-type': 'text/calendar; charset=utf-8' }, body: write(freeBusy(found, range, floating, { budget: new Budget({ milliseconds: 1000 }) })) }
}
