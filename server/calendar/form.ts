import type { Settings } from '../../conf/settings.js'
import { DavError } from '../dav/error.js'
import { formTag, type Headers } from '../dav/header.js'
import { Budget } from '../ical/recur.js'
import { UTC } from '../ical/timezone.js'
import { dataOf, type DataRequest } from './data.js'
import { heavyBytes, inThread } from './heavy.js'
import { mediaTypes, mediaWanted, type Form } from './media.js'
import { portable } from '../ical/portable-zone.js'
import { zonesWanted, type ZonesWanted } from './zones.js'

/** How a client takes calendar data in a reply of its own (RFC 9110 12.5.1, RFC 7809 7.1). */
export interface FormWanted {
  readonly form: Form
  readonly zones: ZonesWanted | undefined
}

/** The value of Vary for what depends on it. */
export const formVary = 'Accept, CalDAV-Timezones'

/** What the headers ask for; `undefined` = Accept lets neither form through. */
export function formWanted (headers: Headers, settings: Settings): FormWanted | undefined {
  const { accept } = headers
  const form = mediaWanted(typeof accept === 'string' ? accept : accept?.join(','))
  return form === undefined ? undefined : { form, zones: zonesWanted(headers, settings) }
}

/** @throws DavError 406 when Accept lets neither form through */
export function demandForm (headers: Headers, settings: Settings): FormWanted {
  const wanted = formWanted(headers, settings)
  if (wanted === undefined) throw new DavError(406, `there is ${mediaTypes.text} and ${mediaTypes.json} here, Accept takes neither`)
  return wanted
}

/**
 * A whole object in the form that is wanted, and the ETag of that form: the one of what is stored where the bytes are the same.
 * @param etag  of what is stored, quoted
 * @throws DavError valid-calendar-data when it cannot be read
 */
export async function inForm (bytes: Buffer, etag: string, { form, zones }: FormWanted): Promise<{ readonly bytes: Buffer, readonly etag: string }> {
  if (form === 'text' && zones === undefined) return { bytes, etag }
  const request: DataRequest = { ...(form === 'json' ? { form } : {}), ...(zones === undefined ? {} : { zones }) }
  const text = bytes.length > heavyBytes
    ? await inThread('data', { bytes, request, floating: portable(UTC), instances: 0 })
    : dataOf(bytes, request, UTC, new Budget())
  const made = Buffer.from(text)
  return made.equals(bytes) ? { bytes, etag } : { bytes: made, etag: formTag(etag, made) }
}
