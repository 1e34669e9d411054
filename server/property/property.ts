import type { Kind } from '../site/kind.js'
import type { Requester } from '../site/requester.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import type { Attributes, Element } from '../xml/element.js'
import type { Name } from '../xml/name.js'

/** Who asks, and how. */
export interface Ask {
  readonly site: Site
  readonly user: Requester
  /** The element that was asked for: CALDAV:calendar-data carries its own arguments. */
  readonly wanted: Element
}

/** Where a change comes from. */
export interface Change {
  readonly site: Site
  /** Raw URL of the request. */
  readonly url: string
  /** The names of this server. */
  readonly origins: readonly string[]
}

/**
 * A property that the server knows. With `read` it is computed: the content as XML text for the prefixes D, C, CS and A;
 * `undefined` = this resource does not have it. Without, it is kept as clients set it.
 */
export interface PropertyRow {
  readonly name: Name
  readonly on: readonly Kind[]
  readonly read?: (resource: Resource, ask: Ask) => string | undefined
  /** Attributes of the element in an answer, by the element that was asked for. */
  readonly attributes?: (wanted: Element) => Attributes
  /** Its value depends on the files: compare them with the index first. */
  readonly fresh?: true
  /** What is stored is given as it is; `read` says what holds without. */
  readonly stored?: true
  /** The name it is kept by, for one that is another name of the same: the value is there, `read` gives it. */
  readonly keptAs?: Name
  /** What is stored for a value from a client that has passed `check`; without, the value as it is. */
  readonly keep?: (value: Element) => Element
  /** A value from a client, before it is stored. @throws DavError */
  readonly check?: (value: Element) => void
  /**
   * For a value that is kept elsewhere than with the resource: checks it, then says how it is done. `undefined` = removed.
   * @throws DavError when it cannot be
   */
  readonly change?: (resource: Resource, value: Element | undefined, context: Change) => () => Promise<void>
  /** When clients may set it: always, only when they make the collection, never. Default: always if stored, else never. */
  readonly settable?: 'always' | 'initially' | 'never'
  /** What one needs to read it, beside DAV:read; without, 403 for the property (RFC 3744 7.1). */
  readonly privilege?: Name
  /** It is in the answer to DAV:allprop (RFC 4918 9.1: those of RFC 4918; later documents keep theirs out). */
  readonly inAllprop?: true
}

export const everyKind: readonly Kind[] = ['root', 'principals', 'principal', 'proxy', 'calendars', 'home', 'calendar', 'inbox', 'outbox', 'folder', 'event', 'file']
export const collections: readonly Kind[] = ['root', 'principals', 'principal', 'proxy', 'calendars', 'home', 'calendar', 'inbox', 'outbox', 'folder']
export const directories: readonly Kind[] = ['home', 'calendar', 'inbox', 'outbox', 'folder']
export const files: readonly Kind[] = ['event', 'file']
