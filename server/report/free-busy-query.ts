import { allowed } from '../acl/check.js'
import { timeRange } from '../calendar/filter.js'
import { matching } from '../calendar/query.js'
import { calendarZone } from '../calendar/timezone.js'
import { failed } from '../dav/error.js'
import { body } from '../../store/index/search.js'
import type { Component } from '../ical/component.js'
import { busyTime, freeBusy, together, type Busy } from '../ical/freebusy.js'
import type { Range } from '../ical/overlap.js'
import { decode, parse } from '../ical/parse.js'
import { Budget } from '../ical/recur.js'
import { write } from '../ical/write.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { child, type Element } from '../xml/element.js'
import { caldav } from '../xml/name.js'
import { calendarsIn } from './reach.js'
import type { Report } from './report.js'

const privilege = caldav('read-free-busy')

/** RFC 4791 7.10 */
export const freeBusyQuery: Report = { name: caldav('free-busy-query'), privilege, run }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const source = child(query, caldav('time-range'))
  if (source === undefined) throw failed('valid-filter', 'free-busy-query expects one CALDAV:time-range')
  const range = timeRange(source)
  const budget = new Budget({ milliseconds: 1000 })
  const parts: Busy[] = []
  for await (const calendar of calendarsIn(request, resource, privilege)) parts.push(await busyIn(request, calendar, range, budget))
  return { status: 200, headers: { 'content-type': 'text/calendar; charset=utf-8' }, body: write(freeBusy(together(parts), range)) }
}

async function busyIn ({ user }: DavRequest, calendar: Resource, range: Range, budget: Budget): Promise<Busy> {
  const { home, collection, segments } = calendar
  if (home === undefined || collection === undefined) return new Map()
  const floating = calendarZone(collection)
  await home.fresh(collection)
  const found: Component[] = []
  for (const name of ['VEVENT', 'VFREEBUSY']) {
    const filter = { name: 'VCALENDAR', properties: [], components: [{ name, timeRange: range, properties: [], components: [] }] }
    for await (const member of matching(home, collection, filter, floating)) {
      const bytes = allowed(user, { ...calendar, kind: 'event', segments: [...segments, member.name], member }, privilege) ? body(home.index, member.id) : undefined
      if (bytes !== undefined) found.push(parse(decode(bytes)))
    }
  }
  return busyTime(found, range, floating, budget)
}
