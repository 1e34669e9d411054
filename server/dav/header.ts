import { createHash } from 'node:crypto'
import { DavError } from './error.js'
import { originOf, prefixesOf, withoutPrefix } from './href.js'

/** The headers of a request, names in lower case, as node:http gives them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** How far a request reaches (RFC 4918 10.2). */
export type Depth = '0' | '1' | 'infinity'

/**
 * RFC 4918 10.2
 * @param missing  what holds without the header
 * @param allowed  the depths that the method knows
 * @throws DavError 400 for any other value
 */
export function depth (headers: Headers, missing: Depth, allowed: readonly Depth[] = ['0', '1', 'infinity']): Depth {
  const given = one(headers, 'depth')?.toLowerCase().replace(noRoot, '')
  if (given === undefined) return missing
  // iCal sends `infinite`
  const depth = allowed.find(each => each === (given === 'infinite' ? 'infinity' : given))
  if (depth === undefined) throw new DavError(400, `Depth: ${shorten(given)}, expected ${allowed.join(', ')}`)
  return depth
}

/** RFC 8144 appendix A: what Microsoft's clients wrote before there was `depth-noroot`. */
const noRoot = /\s*,\s*noroot$/i

/** RFC 4918 10.6; true without the header. @throws DavError 400 */
export function overwrite (headers: Headers): boolean {
  const given = one(headers, 'overwrite')?.toUpperCase() ?? 'T'
  if (given !== 'T' && given !== 'F') throw new DavError(400, `Overwrite: ${shorten(given)}, expected T or F`)
  return given === 'T'
}

/**
 * RFC 4918 10.3: where to copy or move to, as a raw absolute path for `href.segments`.
 * @param origins  such as `https://cal.example.com:8443` or `https://example.org/dav`, the names of this server; their path is cut off
 * @throws DavError 400 when it is missing or malformed, 502 when it is on another server (9.8.5)
 */
export function destination (headers: Headers, origins: readonly string[]): string {
  const given = one(headers, 'destination')
  if (given === undefined || given === '') throw new DavError(400, 'the Destination header is missing')
  if (given.includes('#')) throw new DavError(400, `a fragment in Destination: ${shorten(given)}`)
  if (given.startsWith('/') && !given.startsWith('//')) return withoutPrefix(withoutQuery(given), prefixesOf(origins))
  const origin = originOf(given)
  if (origin === undefined) throw new DavError(400, `Destination: ${shorten(given)}, expected an http URI or an absolute path`)
  if (!origins.some(each => originOf(each) === origin)) {
    throw new DavError(502, `Destination: ${shorten(given)} is another server; if it is this one behind a proxy, server.baseUrl in its settings has to say so`)
  }
  return withoutPrefix(withoutQuery(given.replace(/^[^/]*\/\/[^/?]*/, '')) || '/', prefixesOf(origins))
}

/** RFC 4918 10.7: the first time asked for, in seconds, Infinity for `Infinite`; undefined when there is none to be understood. */
export function timeout (headers: Headers): number | undefined {
  for (const wish of one(headers, 'timeout')?.split(',') ?? []) {
    const match = /^(?:infinite|second-([0-9]{1,10}))$/i.exec(wish.trim())
    if (match !== null) return match[1] === undefined ? Infinity : Math.min(Number(match[1]), 2 ** 32 - 1)
  }
  return undefined
}

/** RFC 4918 10.5: the token without its angle brackets. @throws DavError 400 */
export function lockToken (headers: Headers): string {
  const given = one(headers, 'lock-token')
  const match = /^<([^<>\s]+)>$/.exec(given ?? '')
  if (match === null) throw new DavError(400, `Lock-Token: ${shorten(given ?? '')}, expected <token>`)
  return match[1] as string
}

/** What the client would like (RFC 7240, RFC 8144). */
export interface Preference {
  readonly return?: 'minimal' | 'representation'
  /** Leave the collection itself out of a listing. */
  readonly depthNoRoot: boolean
}

/** The Prefer header: of two wishes about the same the first counts (RFC 7240 2). `Brief: t` of Microsoft means return=minimal. */
export function prefer (headers: Headers): Preference {
  const wishes = (one(headers, 'prefer') ?? '').toLowerCase().split(/[,;]/).map(wish => wish.replace(/[\s"]/g, ''))
  // return-minimal: the drafts of RFC 7240, and CalendarServer
  const wished = wishes.map(wish => /^return[=-](minimal|representation)$/.exec(wish)?.[1]).find(wish => wish !== undefined)
  const returned = wished ?? (one(headers, 'brief')?.toLowerCase() === 't' ? 'minimal' : undefined)
  const depthNoRoot = wishes.includes('depth-noroot') || noRoot.test(one(headers, 'depth') ?? '')
  return returned === undefined ? { depthNoRoot } : { return: returned as NonNullable<Preference['return']>, depthNoRoot }
}

/** The headers that say which preferences were followed (RFC 7240 3), and that an answer without them would be another (RFC 7240 2). */
export function applied (...preferences: readonly string[]): Record<string, string> {
  return preferences.length === 0 ? {} : { 'preference-applied': preferences.join(', '), 'vary': 'Prefer, Brief' }
}

/** An entity tag: the opaque part between the quotes. */
interface Tag {
  readonly opaque: string
  readonly weak: boolean
}

/** The conditional headers of a request; dates in milliseconds. */
export interface Conditions {
  readonly match?: '*' | readonly Tag[]
  readonly noneMatch?: '*' | readonly Tag[]
  readonly scheduleTag?: readonly Tag[]
  readonly unmodifiedSince?: number
  readonly modifiedSince?: number
}

/** What is there now; tags as they are sent, with quotes. */
export interface State {
  readonly exists: boolean
  readonly etag?: string | undefined
  /** RFC 6638 3.2.10; undefined for everything that is not a scheduling object. */
  readonly scheduleTag?: string | undefined
  readonly modified?: Date | undefined
}

/** RFC 9110 13.1 and RFC 6638 8.3. Tags without quotes are taken as they are, dates that cannot be read are ignored. */
export function conditions (headers: Headers): Conditions {
  const tagged = (name: string): '*' | Tag[] | undefined => {
    const given = one(headers, name)
    return given === undefined ? undefined : given === '*' ? '*' : tags(given)
  }
  const [match, noneMatch, scheduleTag] = [tagged('if-match'), tagged('if-none-match'), tagged('if-schedule-tag-match')]
  const [unmodifiedSince, modifiedSince] = [httpDate(one(headers, 'if-unmodified-since')), httpDate(one(headers, 'if-modified-since'))]
  return {
    ...match !== undefined && { match },
    ...noneMatch !== undefined && { noneMatch },
    ...scheduleTag !== undefined && { scheduleTag: scheduleTag === '*' ? [] : scheduleTag },
    ...unmodifiedSince !== undefined && { unmodifiedSince },
    ...modifiedSince !== undefined && { modifiedSince }
  }
}

/**
 * RFC 9110 13.2.2: undefined when the method may be performed, otherwise the status to answer with. To be asked only for
 * methods that read or change the representation, and after authorization (RFC 4918 8.5).
 */
export function evaluate (conditions: Conditions, state: State, method: string): 304 | 412 | undefined {
  const { match, noneMatch, scheduleTag, unmodifiedSince, modifiedSince } = conditions
  const reads = method === 'GET' || method === 'HEAD'
  // A file's date is compared as it is sent, in whole seconds
  const modified = state.modified === undefined ? undefined : Math.floor(state.modified.getTime() / 1000) * 1000
  if (match !== undefined) {
    if (!state.exists || (match !== '*' && !matches(match, state.etag, 'of the state'))) return 412
  } else if (unmodifiedSince !== undefined && modified !== undefined && modified > unmodifiedSince) return 412
  if (scheduleTag !== undefined && !(state.exists && matches(scheduleTag, state.scheduleTag, 'strong'))) return 412
  if (noneMatch !== undefined) {
    if (state.exists && (noneMatch === '*' || matches(noneMatch, state.etag, 'weak'))) return reads ? 304 : 412
  } else if (reads && modifiedSince !== undefined && modified !== undefined && modified <= modifiedSince) return 304
  return undefined
}

/**
 * RFC 9110 14.1.2: the bytes that are asked for, `end` inclusive; undefined = all (no header, another unit, malformed,
 * several ranges, or an If-Range that does not hold).
 */
export function range (headers: Headers, size: number, state?: State): { start: number, end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes[ \t]*=[ \t]*(\d{0,15})-(\d{0,15})$/i.exec(one(headers, 'range') ?? '')
  if (match === null || !ifRange(headers, state)) return undefined
  const [first, last] = [match[1] as string, match[2] as string]
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/** RFC 9110 13.1.5: a strong tag, or a date that is exactly the file's. */
function ifRange (headers: Headers, state?: State): boolean {
  const given = one(headers, 'if-range')
  if (given === undefined) return true
  const date = httpDate(given)
  if (date !== undefined) return state?.modified !== undefined && Math.floor(state.modified.getTime() / 1000) * 1000 === date
  return matches(tags(given), state?.etag, 'strong')
}

/** `of the state`: strong, but the tag of any form will do. */
function matches (list: readonly Tag[], current: string | undefined, comparison: 'strong' | 'weak' | 'of the state'): boolean {
  const [mine] = current === undefined ? [] : tags(current)
  const same = comparison === 'of the state' ? isSameState : (one: string, other: string) => one === other
  return mine !== undefined && list.some(tag =>
    same(tag.opaque, mine.opaque) && (comparison === 'weak' || (!tag.weak && !mine.weak)))
}

const formMark = /-[\da-f]{8}$/

/**
 * The tag of what is sent in another form than the stored one, such as JSON: the tag of the state and a mark of the form (RFC 9110 8.8.3.3:
 * what differs in its bytes differs in its tag).
 * @param etag  of what is stored, quoted
 * @param form  the bytes that are sent
 */
export function formTag (etag: string, form: Uint8Array): string {
  return `${etag.slice(0, -1)}-${createHash('sha256').update(form).digest('hex').slice(0, 8)}"`
}

/** Whether two opaque tags are of one state, in whatever form: who has read any of them knows what is there. */
export function isSameState (one: string, other: string): boolean {
  return one.replace(formMark, '') === other.replace(formMark, '')
}

/** Also used for the header If. A tag without quotes ends at a comma or blank: Evolution and Outlook forget them. */
export function tags (list: string): Tag[] {
  return Array.from(list.matchAll(/(W\/)?(?:"([^"]*)"|([^\s,"]+))/gi), ([, weak, quoted, bare]) =>
    ({ opaque: quoted ?? bare ?? '', weak: weak !== undefined }))
}

const httpDates = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/, // RFC 9110 5.6.7, the one to be sent
  /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/, // RFC 850
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/ // asctime
]

function httpDate (text: string | undefined): number | undefined {
  if (text === undefined || !httpDates.some(form => form.test(text))) return undefined
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(time) ? undefined : time
}

function one (headers: Headers, name: string): string | undefined {
  const given = headers[name]
  return (typeof given === 'string' ? given : given?.join(', '))?.trim()
}

function withoutQuery (uri: string): string {
  return uri.split('?', 1)[0] as string
}

function shorten (given: string): string {
  // a password has no place in the log
  const value = given.replace(/\/\/[^/?#]*@/g, '//')
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
}
