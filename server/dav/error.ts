import { element, type Element } from '../xml/element.js'
import { caldavNamespace, dav, type Name } from '../xml/name.js'
import { write } from '../xml/write.js'
import { conditions, type ConditionName } from './condition.js'

/** What a `DavError` may carry besides its status. */
export interface DavErrorDetail {
  /** The one child of DAV:error in the reply. */
  readonly element?: Element
  /** Headers of the reply, such as `Allow` or `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A failure with a meaning in HTTP. The message is for the log, and for the client only when there is no element. */
export class DavError extends Error {
  override readonly name = 'DavError'
  readonly status: number
  readonly element?: Element
  readonly headers?: Readonly<Record<string, string>>

  constructor (status: number, message: string, detail: DavErrorDetail = {}) {
    super(message, 'cause' in detail ? { cause: detail.cause } : undefined)
    this.status = status
    if (detail.element !== undefined) this.element = detail.element
    if (detail.headers !== undefined) this.headers = detail.headers
  }
}

/**
 * The error of a condition in the table, to be thrown.
 * @param children  what the element of the condition holds, such as the DAV:href of `no-uid-conflict`
 */
export function failed (condition: ConditionName, message: string, ...children: readonly (Element | string)[]): DavError {
  const { name, status } = conditions[condition]
  return new DavError(status, message, { element: element(name, ...children) })
}

/**
 * The body that tells the client: a document DAV:error with the condition first, or the message as a line of text when the
 * error has no element. Never an empty DAV:error: Thunderbird takes that for a rate limit. What is wrong with calendar data or
 * a query is said in words too, in the element that Apple's server has for it.
 */
export function errorBody (error: DavError): string {
  if (error.element === undefined) return `${error.message}\n`
  // messages of other conditions may name what is on the disk
  const isAboutData = error.element.name.startsWith(`{${caldavNamespace}}`)
  return write(element(dav('error'), error.element, ...isAboutData && error.message !== '' ? [element(description, error.message)] : []))
}

const description: Name = '{http://twistedmatrix.com/xml_namespace/dav/}error-description'

/** The media type of `errorBody`. */
export function errorType (error: DavError): string {
  return error.element === undefined ? 'text/plain; charset=utf-8' : 'application/xml; charset=utf-8'
}
