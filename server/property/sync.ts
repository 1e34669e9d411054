import { createHash } from 'node:crypto'
import type { Collection, Home } from '../../store/home.js'
import { keysOf } from '../acl/principal.js'
import { syncToken } from '../dav/sync-token.js'
import type { Requester } from '../site/requester.js'
import { kinds, type Kind } from '../site/kind.js'
import type { Resource } from '../site/resource.js'
import { cs, dav } from '../xml/name.js'
import { escapeText, fragment } from '../xml/write.js'
import { everyKind, type PropertyRow } from './property.js'

const on: readonly Kind[] = ['home', 'calendar', 'inbox', 'outbox', 'folder']

/** RFC 6578 4, RFC 3253 3.1.5, CalendarServer's ctag: the same value, so that whoever compares strings sees the same changes. */
export const sync: readonly PropertyRow[] = [
  { name: dav('sync-token'), on, fresh: true, read: (resource, { user }) => escapeText(tokenOf(resource, user)) },
  { name: cs('getctag'), on, fresh: true, read: (resource, { user }) => escapeText(tokenOf(resource, user)) },
  { name: dav('supported-report-set'), on: everyKind, read: ({ kind }) => reports(kind) }
]

/**
 * The token of a collection as far as the index knows; '' for what has none. Compare with the disk before. The home and its
 * folders count all that lies below them.
 * @param user  undefined = whoever sees everything
 */
export function tokenOf ({ kind, home, collection, owner }: Resource, user?: Requester): string {
  if (home === undefined || collection === undefined || !on.includes(kind)) return ''
  const { epoch, revision } = kind === 'home' || kind === 'folder' ? home.progressBelow(collection) : home.progress(collection)
  const view = user === undefined ? undefined : viewOf(user, owner)
  return syncToken(epoch, revision, view === undefined ? {} : { view })
}

/**
 * What changes when somebody gets or loses groups, delegations or the favour of the settings, none of which the journal knows:
 * tokens of another view are void. undefined for owners, whose rights nothing can take away.
 */
export function viewOf (user: Requester, owner: Resource['owner']): string | undefined {
  const { site, record, limit } = user
  if (record !== undefined && record.guid === owner?.guid && limit?.calendars === undefined) return undefined
  let view = views.get(user)
  if (view === undefined) {
    const { admins, readers, defaults } = site.settings.access
    const text = JSON.stringify([[...keysOf(user)].sort(), limit?.calendars ?? [], admins, readers, defaults])
    views.set(user, view = createHash('sha256').update(text).digest('hex').slice(0, 12))
  }
  return view
}

const views = new WeakMap<Requester, string>()

/** Compares a collection with the disk, and the collections so many levels below it. */
export async function freshBelow (home: Home, collection: Collection, levels: number): Promise<void> {
  await home.fresh(collection)
  if (levels === 0 || collection.holdsObjects) return
  for (const below of home.children(collection.path)) await freshBelow(home, below, levels - 1)
}

const sets = new Map<Kind, string>()

function reports (kind: Kind): string {
  let text = sets.get(kind)
  if (text === undefined) {
    text = kinds[kind].reports.map(name => `<D:supported-report><D:report>${fragment({ name, attributes: {}, children: [] })}</D:report></D:supported-report>`).join('')
    sets.set(kind, text)
  }
  return text
}
