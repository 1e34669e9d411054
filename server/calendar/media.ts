import { failed } from '../dav/error.js'
import { fromJcal, toJcal } from '../ical/jcal.js'
import { decode, IcalError, parse } from '../ical/parse.js'
import { write } from '../ical/write.js'
import type { Component } from '../ical/component.js'

/** The two forms of calendar data (RFC 5545 8.1, RFC 7265 7). */
export type Form = 'text' | 'json'

/** Their media types, without parameters. Text first: it is what is stored. */
export const mediaTypes: Readonly<Record<Form, string>> = { text: 'text/calendar', json: 'application/calendar+json' }

/** The Content-Type of a response. */
export const contentTypes: Readonly<Record<Form, string>> = { text: 'text/calendar; charset=utf-8', json: 'application/calendar+json; charset=utf-8' }

/** The form that a media type names; undefined for any other type. Parameters are not looked at. */
export function formOf (mediaType: string): Form | undefined {
  const name = mediaType.split(';', 1)[0]?.trim().toLowerCase()
  return name === mediaTypes.text ? 'text' : name === mediaTypes.json ? 'json' : undefined
}

/**
 * A request's body in the form that is stored: iCalendar text. jCal (RFC 7265) is converted, text passes untouched, and so does what names
 * no type, or the one that means "bytes".
 * @returns `isConverted`: what is stored differs from what was sent (RFC 4791 5.3.4: such a reply has no ETag)
 * @throws DavError supported-calendar-data for another type, valid-calendar-data for what is no jCal
 */
export function asText (bytes: Buffer, mediaType: string | undefined): { bytes: Buffer, isConverted: boolean } {
  const type = mediaType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const form = type === '' || type === 'application/octet-stream' ? 'text' : formOf(type)
  if (form === undefined) throw failed('supported-calendar-data', `calendars hold ${mediaTypes.text} or ${mediaTypes.json}, not ${type.slice(0, 80)}`)
  if (form === 'text') return { bytes, isConverted: false }
  try {
    return { bytes: Buffer.from(write(fromJcal(json(decode(bytes))))), isConverted: true }
  } catch (error) {
    throw error instanceof IcalError ? failed(error.reason, error.message) : error
  }
}

function json (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new IcalError('valid-calendar-data', `expected JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A component in the form that was asked for. */
export function rendered (component: Component, form: Form): string {
  return form === 'json' ? JSON.stringify(toJcal(component)) : write(component)
}

/** iCalendar text as jCal. @throws IcalError valid-calendar-data */
export function asJson (text: string): string {
  return rendered(parse(text), 'json')
}

/**
 * The form an Accept header prefers (RFC 9110 12.5.1); text when both are as good, and when there is no header. `undefined` = neither is
 * acceptable.
 */
export function mediaWanted (accept: string | undefined): Form | undefined {
  if (accept === undefined || accept.trim() === '') return 'text'
  const ranges = accept.split(',').map(range)
  const text = quality(ranges, mediaTypes.text)
  const json = quality(ranges, mediaTypes.json)
  return text <= 0 && json <= 0 ? undefined : json > text ? 'json' : 'text'
}

interface Range { readonly type: string, readonly q: number }

function range (source: string): Range {
  const [type = '', ...parameters] = source.toLowerCase().split(';').map(part => part.trim())
  const q = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
  return { type, q: q === undefined ? 1 : Number(q) || 0 }
}

/** The most specific range decides, not the best. */
function quality (ranges: readonly Range[], type: string): number {
  for (const name of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const found = ranges.filter(each => each.type === name)
    if (found.length > 0) return Math.max(...found.map(({ q }) => q))
  }
  return 0
}
