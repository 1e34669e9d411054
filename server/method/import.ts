import { formOf, type Form } from '../calendar/media.js'
import { prepare, textOf, writePrepared, type Holder } from '../calendar/write.js'
import { conditions } from '../dav/condition.js'
import { DavError, failed } from '../dav/error.js'
import { Multistatus } from '../dav/multistatus.js'
import type { SplitObject } from '../ical/split.js'
import { header, type DavReply, type DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { element } from '../xml/element.js'
import { cs } from '../xml/name.js'
import { bulkReply, dataWanted, demandNew, inFile, nameFor, objectsIn, Pauses, Room, tellRefused, tellStored } from './bulk.js'
import { demandUnlocked } from './locked.js'

/**
 * A whole file that is posted to a calendar: each of its objects becomes a resource (Apple's bulk changes 3). What can be stored is,
 * whatever becomes of the others; what has no UID gets one.
 * @throws DavError valid-calendar-data when the file cannot be split, valid-calendar-object-resource when it has nothing in it, 413
 */
export async function importFile (request: DavRequest, calendar: Holder): Promise<DavReply> {
  const mediaType = header(request, 'content-type')
  const { bytes, isConverted } = await textOf({ bytes: request.body, mediaType })
  const objects = await objectsIn(bytes, request.site.settings.limits.importObjects)
  if (objects.length === 0) throw failed('valid-calendar-object-resource', 'there is no event or task in the file')
  const form = formOf(mediaType ?? '') ?? 'text'
  const multistatus = new Multistatus()
  const room = new Room(bytes.length)
  return await bulkReply(request, calendar, multistatus, async function * () {
    const pauses = new Pauses()
    for (const object of objects) {
      const lack = room.lackFor(object)
      if (lack === undefined) await importOne(request, calendar, object, multistatus, { form, isConverted })
      else tellNoRoom(multistatus, object, lack)
      await pauses.pause()
      yield
    }
  })
}

function tellNoRoom (multistatus: Multistatus, object: SplitObject, why: string): void {
  const { uid, isNamed } = object
  const { name, status } = conditions['quota-not-exceeded']
  multistatus.addRefusal('', status, [element(name), ...isNamed ? [element(cs('uid'), uid)] : []], inFile(object, why))
}

async function importOne (request: DavRequest, calendar: Holder, object: SplitObject, multistatus: Multistatus, sent: { readonly form: Form, readonly isConverted: boolean }): Promise<void> {
  const { site } = request
  try {
    const prepared = await prepare(site, calendar, { bytes: object.bytes(), mediaType: undefined })
    const name = nameFor(calendar, prepared.facts.uid)
    const place: Resource = { ...calendar, kind: 'unmapped', segments: [...calendar.segments, name] }
    const { member } = await writePrepared(site, calendar, name, prepared, current => {
      demandNew(name, current)
      demandUnlocked(request, calendar, place)
    })
    const resource: Resource = { ...place, kind: 'event', member }
    // jCal has lost nothing on its way; a UID that we chose is news
    const etag = object.isNamed || dataWanted(request, true, sent.form) !== undefined ? member.etag : undefined
    await tellStored(request, multistatus, hrefOf(resource), { resource, etag, uid: prepared.facts.uid, data: dataWanted(request, sent.isConverted || !object.isNamed, sent.form) })
  } catch (error) {
    if (!(error instanceof DavError)) throw error
    tellRefused(multistatus, '', error, object.isNamed ? object.uid : undefined, object)
  }
}
