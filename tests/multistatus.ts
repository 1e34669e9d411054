import type { Answer } from './house.js'
import { child, elements, text, type Element } from '../server/xml/element.js'
import { dav, type Name } from '../server/xml/name.js'
import { parse } from '../server/xml/parse.js'

/** One DAV:response of a 207. */
export interface Told {
  /** Of the resource as a whole; `undefined` when its properties have theirs. */
  readonly status: number | undefined
  /** The child of DAV:error, of the response or of a propstat. */
  readonly condition: Name | undefined
  /** Every property with its status. */
  readonly properties: ReadonlyMap<Name, { readonly status: number, readonly value: Element, readonly condition: Name | undefined }>
}

const limits = { bytes: 64 * 1024 * 1024, depth: 200, elements: 2_000_000 }

/** The XML of an answer. */
export function xml (body: string): Element {
  return parse(body, limits)
}

/** The responses of a 207 by href, in order. Throws when an href is told twice or a property has two statuses. */
export function told (body: string): Map<string, Told> {
  const root = xml(body)
  if (root.name !== dav('multistatus')) throw new Error(`expected DAV:multistatus, found ${root.name}`)
  const all = new Map<string, Told>()
  for (const response of elements(root, dav('response'))) {
    const href = text(child(response, dav('href')) ?? root)
    if (all.has(href)) throw new Error(`${href} is told twice`)
    all.set(href, read(response))
  }
  return all
}

function read (response: Element): Told {
  const properties = new Map<Name, { status: number, value: Element, condition: Name | undefined }>()
  for (const propstat of elements(response, dav('propstat'))) {
    const status = statusOf(propstat) ?? 0
    for (const value of elements(child(propstat, dav('prop')) ?? propstat)) {
      if (properties.has(value.name)) throw new Error(`${value.name} is told twice`)
      properties.set(value.name, { status, value, condition: errorIn(propstat) })
    }
  }
  return { status: statusOf(response), condition: errorIn(response), properties }
}

function statusOf (parent: Element): number | undefined {
  const status = child(parent, dav('status'))
  return status === undefined ? undefined : Number(/^HTTP\/1\.1 (\d{3})/.exec(text(status))?.[1])
}

function errorIn (parent: Element): Name | undefined {
  const error = child(parent, dav('error'))
  return error === undefined ? undefined : elements(error)[0]?.name
}

/** The DAV:sync-token at the end of a 207. */
export function syncTokenIn (body: string): string {
  return text(child(xml(body), dav('sync-token')) ?? xml('<none/>'))
}

/** The precondition that an answer names; `undefined` when it names none. Throws when DAV:error has not exactly one child, and perhaps words after it. */
export function conditionIn ({ headers, body }: Answer): Name | undefined {
  if (headers['content-type']?.startsWith('application/xml') !== true) return undefined
  const [condition, ...others] = elements(xml(body))
  if (others.some(({ name }) => !name.endsWith('}error-description')) || others.length > 1 || condition === undefined) throw new Error(`not one condition: ${body}`)
  return condition.name
}

/** Status and, where it is named, precondition, for one line in a table: `403 valid-filter`. */
export function outcome (answer: Answer): string {
  const condition = answer.status >= 400 ? conditionIn(answer) : undefined
  return condition === undefined ? String(answer.status) : `${answer.status} ${condition.slice(condition.lastIndexOf('}') + 1)}`
}
