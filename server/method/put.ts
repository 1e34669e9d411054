import { demand } from '../acl/check.js'
import type { Member } from '../../store/home.js'
import { writeEvent, writeFile } from '../calendar/write.js'
import { DavError, failed } from '../dav/error.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, parentOf, type Resource } from '../site/resource.js'
import { caldav, dav } from '../xml/name.js'
import { holdsMany } from './bulk.js'
import { demandUnlocked } from './locked.js'
import type { Method } from './method.js'
import { replaceCalendar } from './replace.js'
import { orCurrent, wantedRepresentation } from './representation.js'
import { demandConditions, demandIfStill, holderOf, stateOf } from './target.js'

/** RFC 4918 9.7, RFC 4791 5.3.2 */
export const put: Method = {
  name: 'PUT',
  on: ['event', 'file', 'unmapped'],
  opened: ({ settings }) => settings.calendars.replace ? ['calendar'] : [],
  elsewhere: target => new DavError(405, target.kind === 'calendar'
    ? `${hrefOf(target)} is a calendar, and PUT stores one event in it, under a name of its own. To add the events of a file, POST the file to the calendar. To replace all that is in it, the server must allow that: calendars.replace`
    : `PUT is not for ${hrefOf(target)}`),
  run: async request => await (request.target.kind === 'calendar' ? replaceCalendar(request) : orCurrent(request, async () => await run(request)))
}

async function run (request: DavRequest): Promise<DavReply> {
  const { site, user, path, target, body } = request
  const parent = await parentOf(site, target)
  if (target.kind !== 'unmapped') demand(user, target, dav('write-content'))
  else if (parent.kind !== 'unmapped' || parent.owner !== undefined) demand(user, parent, dav('bind'))
  if (path.collection) throw new DavError(405, `PUT makes files, and the path ${hrefOf(target)} ends in a slash`)
  const folder = holderOf(parent)
  // RFC 9110 14.4: a part of a representation must not replace the whole
  if (header(request, 'content-range') !== undefined) throw new DavError(400, 'PUT of a part (Content-Range) is not supported')
  const name = path.segments.at(-1) ?? ''
  const guard = (current: Member | undefined): void => {
    demandConditions(request, stateOf(current))
    demandIfStill(request, current)
    demandUnlocked(request, target, ...current === undefined ? [parent] : [])
  }
  const { created, member, isConverted } = folder.kind === 'calendar'
    ? await explained(request, parent, writeEvent(site, folder, name, { bytes: body, mediaType: header(request, 'content-type') }, guard))
    : { ...await writeFile(site, folder, name, body, guard), isConverted: false }
  const location = created ? { location: hrefOf({ ...target, kind: 'file' }) } : {}
  const stored = await wantedRepresentation(request, target.segments)
  if (stored !== undefined) return { status: created ? 201 : 200, headers: { ...location, ...stored.headers }, body: stored.body }
  // RFC 4791 5.3.4: an ETag would say that the client has what is stored
  return { status: created ? 201 : 204, headers: { ...isConverted ? {} : { etag: member.etag }, ...location } }
}

/** Who puts a whole calendar where one event goes hears what to do instead. @throws DavError */
async function explained<T> ({ body }: DavRequest, calendar: Resource, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof DavError) || error.element?.name !== caldav('valid-calendar-object-resource') || !await holdsMany(body)) throw error
    throw failed('valid-calendar-object-resource', `${error.message}; a file holds one event here, and this one has several: POST it to ${hrefOf(calendar)}, which adds them all`)
  }
}
