import { isPrivate } from '../../twistedcompat/attribute.js'
import { demand } from '../acl/check.js'
import { properties } from '../../store/property.js'
import { DavError } from '../dav/error.js'
import type { Propstat } from '../dav/multistatus.js'
import type { Kind } from '../site/kind.js'
import type { Requester } from '../site/requester.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { storedFragment } from '../site/stored.js'
import { element, elements, elementWith, child, type Attributes, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { fragment } from '../xml/write.js'
import type { Ask, PropertyRow } from './property.js'
import { rowFor, rowOf, table } from './table.js'

/** What a PROPFIND or REPORT asks for: named properties (with their own content), or all, or only the names of all. */
export interface Wanted {
  readonly form: 'named' | 'all' | 'names'
  /** What is named; beside `all`, what is included (RFC 4918 9.1.4). */
  readonly properties: readonly Element[]
}

/** The DAV:prop, DAV:allprop or DAV:propname in a body; a body that has none of them asks for all. */
export function wantedIn (body: Element | undefined): Wanted {
  if (body === undefined || child(body, dav('allprop')) !== undefined) {
    const include = body === undefined ? undefined : child(body, dav('include'))
    return { form: 'all', properties: include === undefined ? [] : elements(include) }
  }
  if (child(body, dav('propname')) !== undefined) return { form: 'names', properties: [] }
  const named = child(body, dav('prop'))
  if (named === undefined) return { form: 'all', properties: [] }
  const wanted = unique(elements(named))
  if (wanted.length > mostWanted) throw new DavError(413, `${wanted.length} properties are asked for, at most ${mostWanted} are looked up at once`)
  return { form: 'named', properties: wanted }
}

const mostWanted = 1000

function unique (wanted: readonly Element[]): Element[] {
  const seen = new Set<Name>()
  return wanted.filter(({ name }) => !seen.has(name) && seen.add(name))
}

/** One property in a plan, with what does not depend on the resource. */
interface Step {
  readonly row: PropertyRow | undefined
  readonly name: Name
  readonly ask: Ask
  readonly open: string
  readonly close: string
  readonly empty: string
}

/** A value that a report computes itself. */
export interface ExtraValue {
  /** Of the element that holds it. */
  readonly attributes?: Attributes
  /** What takes long, before `read`; nothing to wait for when it does not. */
  readonly prepare?: (resource: Resource) => Promise<void> | undefined
  /** The content as text; `undefined` = there is none. @throws DavError, which becomes the status of the property */
  readonly read: (resource: Resource) => string | undefined
}

/** Values that a report computes itself, by property name. */
export type Extra = ReadonlyMap<Name, ExtraValue>

/** Answers one question about many resources. What is the same for all of a kind is worked out once. */
export class Answers {
  readonly #site: Site
  readonly #user: Requester
  readonly #wanted: Wanted
  readonly #minimal: boolean
  readonly #extra: Extra
  readonly #plans = new Map<Kind, readonly Step[]>()

  /** @param minimal  leave out what is not there (RFC 8144 2.1) */
  constructor (site: Site, user: Requester, wanted: Wanted, minimal: boolean, extra: Extra = new Map()) {
    this.#site = site
    this.#user = user
    this.#wanted = wanted
    this.#minimal = minimal
    this.#extra = extra
  }

  /** Whether an answer depends on the comparison of the resource's files with the disk. */
  #needsFresh (resource: Resource): boolean {
    return this.#plan(resource.kind).some(step => step.row?.fresh === true)
  }

  /** Compares what the answer depends on with the disk, and does what takes long; nothing to wait for when there is nothing. */
  prepare (resource: Resource): Promise<void> | undefined {
    for (const { prepare } of this.#extra.values()) {
      const waiting = prepare?.(resource)
      if (waiting !== undefined) return waiting
    }
    return resource.collection === undefined || resource.member !== undefined || !this.#needsFresh(resource) ? undefined : compared(resource)
  }

  /** The propstats of a resource; call `prepare` before. */
  of (resource: Resource): Propstat[] {
    const dead = new DeadProperties(resource)
    if (this.#wanted.form === 'names') return [{ status: 200, xml: this.#names(resource, dead) }]
    let found = ''
    let missing = ''
    const refused: Propstat[] = []
    for (const step of this.#plan(resource.kind)) {
      try {
        const value = this.#value(resource, step, dead)
        if (value !== undefined) found += value
        // beside DAV:allprop only what DAV:include names has been asked for
        else if (this.#wanted.form === 'named' || this.#wanted.properties.some(({ name }) => name === step.name)) missing += step.empty
      } catch (error) {
        // one event that repeats too often must not spoil the answer for all others
        if (!(error instanceof DavError)) throw error
        refused.push({ status: error.status, xml: step.empty, error: error.element })
      }
    }
    if (this.#wanted.form === 'all') found += this.#allDead(dead)
    const propstats: Propstat[] = []
    if (found !== '' || (missing === '' && refused.length === 0) || this.#minimal) propstats.push({ status: 200, xml: found })
    if (missing !== '' && !this.#minimal) propstats.push({ status: 404, xml: missing })
    return [...propstats, ...refused]
  }

  #value (resource: Resource, { row, name, ask, open, close }: Step, dead: DeadProperties): string | undefined {
    const extra = this.#extra.get(name)
    if (extra !== undefined) return wrapped(open, close, extra.read(resource))
    if (row === undefined) return isLive(name) ? undefined : dead.get(name)
    if (row.privilege !== undefined) demand(ask.user, resource, row.privilege)
    if (row.stored === true) {
      const kept = dead.get(name)
      if (kept !== undefined) return kept
    }
    return wrapped(open, close, row.read?.(resource, ask))
  }

  #plan (kind: Kind): readonly Step[] {
    let plan = this.#plans.get(kind)
    if (plan === undefined) {
      const asked = this.#wanted.form === 'named' ? [] : table.filter(row => row.on.includes(kind) && (row.inAllprop === true || this.#wanted.form === 'names')).map(({ name }) => element(name))
      plan = unique([...asked, ...this.#wanted.properties]).map(wanted => this.#step(wanted, kind))
      this.#plans.set(kind, plan)
    }
    return plan
  }

  #step (wanted: Element, kind: Kind): Step {
    const row = rowFor(wanted.name, kind)
    const filled = fragment(elementWith(wanted.name, this.#extra.get(wanted.name)?.attributes ?? row?.attributes?.(wanted) ?? {}, '|'))
    const at = filled.lastIndexOf('|')
    return {
      row,
      name: wanted.name,
      ask: { site: this.#site, user: this.#user, wanted },
      open: filled.slice(0, at),
      close: filled.slice(at + 1),
      empty: fragment(element(wanted.name))
    }
  }

  #names (resource: Resource, dead: DeadProperties): string {
    const live = this.#plan(resource.kind).filter(step => step.row?.privilege !== undefined || this.#value(resource, step, dead) !== undefined).map(step => step.empty)
    return live.join('') + dead.others().map(name => fragment(element(name))).join('')
  }

  #allDead (dead: DeadProperties): string {
    return dead.others().map(name => dead.get(name) ?? '').join('')
  }
}

async function compared ({ home, collection, kind }: Resource): Promise<void> {
  if (home === undefined || collection === undefined) return
  await home.fresh(collection)
  if (kind === 'home' || kind === 'folder') for (const below of home.children(collection.path)) await home.fresh(below)
}

function wrapped (open: string, close: string, content: string | undefined): string | undefined {
  return content === undefined ? undefined : open + content + close
}

function isLive (name: Name): boolean {
  return rowOf(name) !== undefined || isPrivate(name)
}

/** What clients left on a resource, read when it is first needed. */
class DeadProperties {
  readonly #resource: Resource
  #values: ReadonlyMap<string, string> | undefined

  constructor (resource: Resource) {
    this.#resource = resource
  }

  #all (): ReadonlyMap<string, string> {
    if (this.#values === undefined) {
      const { home, collection, member, kind } = this.#resource
      this.#values = home === undefined || collection === undefined || kind === 'unmapped' || member?.hasProperties === false
        ? new Map()
        : member === undefined ? properties(collection.directory, '') : home.properties(collection, member)
    }
    return this.#values
  }

  /** As text for the body of a 207. */
  get (name: Name): string | undefined {
    const xml = this.#all().get(name)
    return xml === undefined ? undefined : storedFragment(xml)
  }

  /** The names that no row of the table speaks of. */
  others (): Name[] {
    return ([...this.#all().keys()] as Name[]).filter(name => !isLive(name) && !reserved.has(name))
  }
}

/** Properties of other standards that a client can neither set nor see as dead ones. */
export const reserved: ReadonlySet<Name> = new Set([
  dav('group'), dav('source'), dav('resource-id'), dav('parent-set'), dav('supported-method-set')
])
