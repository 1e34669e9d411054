import { syncToken } from '../dav/sync-token.js'
import { kinds, type Kind } from '../site/kind.js'
import type { Resource } from '../site/resource.js'
import { cs, dav } from '../xml/name.js'
import { escapeText, fragment } from '../xml/write.js'
import { everyKind, type PropertyRow } from './property.js'

const on: readonly Kind[] = ['home', 'calendar', 'inbox', 'outbox', 'folder']

/** RFC 6578 4, RFC 3253 3.1.5, CalendarServer's ctag: the same value, so that whoever compares strings sees the same changes. */
export const sync: readonly PropertyRow[] = [
  { name: dav('sync-token'), on, fresh: true, read: resource => escapeText(tokenOf(resource)) },
  { name: cs('getctag'), on, fresh: true, read: resource => escapeText(tokenOf(resource)) },
  { name: dav('supported-report-set'), on: everyKind, read: ({ kind }) => reports(kind) }
]

/** The token of a collection as far as the index knows; compare with the disk before. The home and its folders count all that the home holds: below a folder lie collections too. */
export function tokenOf ({ kind, home, collection }: Resource): string {
  if (home === undefined || collection === undefined) return ''
  const { epoch, revision } = kind === 'home' || kind === 'folder' ? home.total() : home.progress(collection)
  return syncToken(epoch, revision)
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
