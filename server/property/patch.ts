import { isPrivate } from '../../twistedcompat/attribute.js'
import { facts } from '../../store/file.js'
import { properties, setProperties } from '../../store/property.js'
import { sidecarName } from '../../store/sidecar.js'
import { writeHeld } from '../../store/write.js'
import { demandSpace } from '../../store/space.js'
import { StoreError } from '../../store/error.js'
import { conditions } from '../dav/condition.js'
import { DavError, failed } from '../dav/error.js'
import type { Propstat } from '../dav/multistatus.js'
import type { Kind } from '../site/kind.js'
import { exceeds, propertyBytes } from '../site/quota.js'
import type { Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { fromStored, stored } from '../site/stored.js'
import { child, element, elements, elementWith, xmlLang, type Element } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { fragment } from '../xml/write.js'
import { reserved } from './answer.js'
import type { Change } from './property.js'
import { rowFor, rowOf } from './table.js'

/** One thing to do: the new value, or to remove it. */
export interface Instruction { readonly name: Name, readonly value: Element | undefined }

/**
 * The instructions of a DAV:propertyupdate, DAV:mkcol or CALDAV:mkcalendar, in order (RFC 4918 9.2).
 * Elements other than DAV:set and DAV:remove are passed over (RFC 4918 17).
 * @throws DavError 400 when one of the two holds no DAV:prop
 */
export function instructions (body: Element): Instruction[] {
  const found = elements(body).flatMap(part => {
    const prop = child(part, dav('prop'))
    if (part.name !== dav('set') && part.name !== dav('remove')) return []
    if (prop === undefined) throw new DavError(400, `${part.name} expects a DAV:prop`)
    return elements(prop).map(value => ({ name: value.name, value: part.name === dav('set') ? inLanguage(value, prop, part) : undefined }))
  })
  if (found.length > mostInstructions) throw new DavError(413, `${found.length} properties are to be changed, at most ${mostInstructions} are at once`)
  return found
}

const mostInstructions = 500

// RFC 4918 4.3: the language in force is part of the value
function inLanguage (value: Element, ...around: readonly Element[]): Element {
  const language = around.map(one => one.attributes[xmlLang]).find(one => one !== undefined)
  return language === undefined || value.attributes[xmlLang] !== undefined ? value : elementWith(value.name, { ...value.attributes, [xmlLang]: language }, ...value.children)
}

/** What came of each property: what is to be stored, or why nothing is. */
export interface Patch {
  /** Clark name → XML, `undefined` = remove. Empty when anything failed. */
  readonly changes: ReadonlyMap<string, string | undefined>
  readonly propstats: readonly Propstat[]
  readonly failed: boolean
}

/**
 * Checks all instructions before anything is done: if one cannot be carried out, none is (424 for the others).
 * @param making  the resource is being made, so that what can be set only then may be set
 */
export function check (site: Site, kind: Kind, todo: readonly Instruction[], making: boolean): Patch {
  const problems = new Map<Name, DavError>()
  const changes = new Map<string, string | undefined>()
  for (const { name, value } of todo) {
    const problem = problemOf(site, kind, name, value, making)
    if (problem !== undefined) problems.set(name, problem)
    else if (value === undefined || name !== dav('resourcetype')) {
      const row = rowOf(name)
      const kept = row?.keptAs ?? name
      changes.set(kept, value === undefined ? undefined : stored({ ...row?.keep?.(value) ?? value, name: kept }))
    }
  }
  const names = [...new Set(todo.map(({ name }) => name))]
  if (problems.size === 0) return { changes, propstats: [{ status: 200, xml: names.map(empty).join('') }], failed: false }
  return { changes: new Map(), propstats: failures(names, problems), failed: true }
}

function empty (name: Name): string {
  return fragment(element(name))
}

function failures (names: readonly Name[], problems: ReadonlyMap<Name, DavError>): Propstat[] {
  const failed = [...problems].map(([name, { status, element: error }]): Propstat => ({ status, xml: empty(name), error }))
  const others = names.filter(name => !problems.has(name))
  return others.length === 0 ? failed : [...failed, { status: 424, xml: others.map(empty).join('') }]
}

function problemOf (site: Site, kind: Kind, name: Name, value: Element | undefined, making: boolean): DavError | undefined {
  const row = rowOf(name)
  const settable = row === undefined ? 'always' : row.settable ?? (row.stored === true ? 'always' : 'never')
  const known = row === undefined || rowFor(name, kind) !== undefined
  if (isPrivate(name) || reserved.has(name) || !known || settable === 'never' || (settable === 'initially' && !making)) return protectedProperty(name)
  if (value === undefined) return undefined
  const largest = site.settings.limits.propertyBytes
  const xml = stored(value)
  const bytes = Buffer.byteLength(xml)
  if (bytes > largest) return new DavError(507, `${name}: ${bytes} bytes, at most ${largest} are kept`)
  // each namespace is declared at the top, and a document is read with a limit of those
  if (fromStored(xml) === undefined) return new DavError(507, `${name}: more namespaces than can be kept`)
  try {
    row?.check?.(value)
    return undefined
  } catch (error) {
    if (error instanceof DavError) return error
    throw error
  }
}

function protectedProperty (name: Name): DavError {
  const condition = conditions['cannot-modify-protected-property']
  return new DavError(condition.status, `${name} cannot be changed`, { element: element(condition.name) })
}

/** PROPPATCH: checks, then stores all or nothing. @returns the propstats of the answer */
export async function patch (resource: Resource, todo: readonly Instruction[], change: Change): Promise<readonly Propstat[]> {
  const { home, collection, member, kind } = resource
  const { site } = change
  const none = (error: (name: Name) => DavError): readonly Propstat[] => failures(todo.map(({ name }) => name), new Map(todo.map(({ name }) => [name, error(name)])))
  const checked = check(site, kind, todo, false)
  if (checked.failed) return checked.propstats
  const elsewhere = new Map<Name, Instruction>(todo.filter(({ name }) => rowOf(name)?.change !== undefined).map(instruction => [instruction.name, instruction]))
  if (elsewhere.size > 0) return await changeElsewhere(resource, todo, elsewhere, checked.propstats, change)
  if (checked.changes.size === 0) return checked.propstats
  if (home === undefined || collection === undefined) return none(protectedProperty)
  const bytes = bytesAfter(collection.directory, member?.name ?? '', checked.changes)
  const most = mostValues * site.settings.limits.propertyBytes
  const more = bytes - bytesAfter(collection.directory, member?.name ?? '', new Map())
  // what is there already counts only against more of them: names and colours must not keep anybody from saving an event
  if (more > 0 && exceeds(site, { home, owner: resource.owner }, more + propertyBytes(home))) {
    return none(name => failed('quota-not-exceeded', `${name}: no room is left in ${home.path}`))
  }
  // the mirror of a directory's properties is written whole each time
  if (more > 0 && (facts(`${collection.directory}/${sidecarName}`)?.size ?? 0) + more > mostMirrored) {
    return none(() => new DavError(507, `${collection.path} keeps ${mostMirrored} bytes of properties, which is the most`))
  }
  if (bytes > most) return none(() => new DavError(507, `the properties would take ${bytes} bytes, at most ${most} are kept of one resource`))
  try {
    demandSpace([collection.directory, site.store.writing.state], 0)
    if (member !== undefined) await writeHeld(site.store.writing, home, collection, member.name)
    if (member === undefined) await setProperties(collection.directory, '', checked.changes)
    else await home.setProperties(collection, member.name, checked.changes)
  } catch (error) {
    if (!(error instanceof StoreError) || error.reason !== 'full') throw error
    return none(() => new DavError(507, error.message, { cause: error }))
  }
  if (member === undefined) home.touch(collection)
  // it is a change now, not when somebody looks
  else home.member(collection, member.name)
  return checked.propstats
}

/** Properties that rows of the table keep themselves. Such resources keep nothing beside: all or nothing needs one place. */
async function changeElsewhere (
  resource: Resource, todo: readonly Instruction[], elsewhere: ReadonlyMap<Name, Instruction>, done: readonly Propstat[], change: Change
): Promise<readonly Propstat[]> {
  const names = [...new Set(todo.map(({ name }) => name))]
  const problems = new Map<Name, DavError>(names.filter(name => !elsewhere.has(name)).map(name => [name, protectedProperty(name)]))
  const work: { readonly name: Name, readonly run: () => Promise<void> }[] = []
  const attempt = async (name: Name, act: () => void | Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof DavError)) throw error
      problems.set(name, error)
    }
  }
  for (const { name, value } of elsewhere.values()) {
    await attempt(name, () => { work.push({ name, run: rowOf(name)?.change?.(resource, value, change) ?? (async () => {}) }) })
  }
  for (const { name, run } of problems.size === 0 ? work : []) await attempt(name, run)
  return problems.size === 0 ? done : failures(names, problems)
}

/** The most that clients may keep of properties in one directory, in bytes. */
const mostMirrored = 8 * 1024 * 1024

/** So many of the largest values may be kept of one resource. */
const mostValues = 8

function bytesAfter (directory: string, member: string, changes: ReadonlyMap<string, string | undefined>): number {
  let bytes = 0
  for (const xml of new Map<string, string | undefined>([...properties(directory, member), ...changes]).values()) bytes += Buffer.byteLength(xml ?? '')
  return bytes
}
