import { STATUS_CODES } from 'node:http'
import { element, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { declarations, escapeText, fragment, xmlDeclaration } from '../xml/write.js'
import { conditions, type ConditionName } from './condition.js'
import type { DavError } from './error.js'

/** Properties of one status, as elements. */
export interface ElementPropstat {
  readonly status: number
  readonly elements: readonly Element[]
  /** The condition that these properties failed; must not be empty. */
  readonly error?: Element | undefined
}

/** Properties of one status, as text: elements one after the other, written for the prefixes D, C, CS and A. */
export interface Propstat {
  readonly status: number
  readonly xml: string
  readonly error?: Element | undefined
}

/**
 * The body of a 207 (RFC 4918 13), written as text while responses are added. Hrefs are percent-encoded paths.
 * All at once: `finish()`. In pieces: `if (it.isFull) yield it.take()` after each response, `yield it.finish()` at the end.
 */
export class Multistatus {
  #text = `${xmlDeclaration}<D:multistatus${declarations}>`
  #end = '</D:multistatus>'

  /** A response with properties. Without any propstat it says that there was nothing to say (RFC 8144 2.1). */
  add (href: string, propstats: readonly ElementPropstat[]): void {
    this.addText(href, propstats.map(({ status, elements, error }) =>
      ({ status, xml: elements.map(each => fragment(each)).join(''), error })))
  }

  /** The same for values that are text already: the fast way. */
  addText (href: string, propstats: readonly Propstat[]): void {
    let text = `<D:response><D:href>${escapeText(href)}</D:href>`
    for (const propstat of propstats) text += propstatElement(propstat)
    if (propstats.length === 0) text += `<D:propstat><D:prop/>${statusElement(200)}</D:propstat>`
    this.#text += `${text}</D:response>\n`
  }

  /** A response about the resource as a whole. @param condition  of the table, or its element */
  addStatus (href: string, status: number, condition?: ConditionName | Element): void {
    const error = typeof condition === 'string' ? element(conditions[condition].name) : condition
    this.#text += `<D:response><D:href>${escapeText(href)}</D:href>${statusElement(status)}` +
      `${error === undefined ? '' : errorElement(error)}</D:response>\n`
  }

  /**
   * A response about a resource that was not made or changed.
   * @param href   '' when there is none
   * @param parts  what DAV:error holds, several at that (Apple's bulk changes 3)
   * @param why    for people (RFC 4918 14.25)
   */
  addRefusal (href: string, status: number, parts: readonly Element[], why: string | undefined): void {
    const error = parts.length === 0 ? '' : fragment(element(dav('error'), ...parts))
    const description = why === undefined ? '' : `<D:responsedescription>${escapeText(why)}</D:responsedescription>`
    this.#text += `<D:response><D:href>${escapeText(href)}</D:href>${statusElement(status)}${error}${description}</D:response>\n`
  }

  /** A response about a resource that could not be read, changed or removed. */
  addError (href: string, error: DavError): void {
    this.addStatus(href, error.status, error.element)
  }

  /** RFC 6578 6.4: the token stands after all responses, whenever it is given. */
  syncToken (token: string): void {
    this.#end = `<D:sync-token>${escapeText(token)}</D:sync-token></D:multistatus>`
  }

  /** Whether about 64 KB are waiting to be taken. */
  get isFull (): boolean {
    return this.#text.length >= 65_536
  }

  /** What has been written since the last time. */
  take (): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  /** What has been written since the last time, and the end. */
  finish (): string {
    return this.take() + this.#end
  }
}

/** The element DAV:propstat, as text. */
export function propstatElement ({ status, xml, error }: Propstat): string {
  return `<D:propstat><D:prop>${xml}</D:prop>${statusElement(status)}${error === undefined ? '' : errorElement(error)}</D:propstat>`
}

/** The element DAV:status, as text. */
export function statusElement (status: number): string {
  let text = statuses.get(status)
  if (text === undefined) statuses.set(status, text = `<D:status>HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}</D:status>`)
  return text
}

const statuses = new Map<number, string>()

function errorElement (condition: Element): string {
  return fragment(element(dav('error'), condition))
}
