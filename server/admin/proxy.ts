import type { Half } from '../directory/directory.js'
import { guidKey, type DirectoryRecord } from '../directory/record.js'
import { account, AdminError, nameOf } from './place.js'
import type { People } from './people.js'

/** Who becomes a proxy, and who is one no longer, as typed: 'bob', 'groups/staff'. */
export interface ProxyChange { readonly write: readonly string[], readonly read: readonly string[], readonly remove: readonly string[] }

/**
 * Changes who may act for a record. Who may write need not be told that she may read: a proxy is in one half.
 * @returns whether that made a difference
 * @throws AdminError for nobody, for oneself, for who is named twice or is to be removed and no proxy; AccountsError
 */
export async function changeProxies ({ directory, delegates }: People, record: DirectoryRecord, change: ProxyChange): Promise<boolean> {
  const named = { write: change.write.map(one => account(directory, one)), read: change.read.map(one => account(directory, one)), remove: change.remove.map(one => account(directory, one)) }
  const all = [...named.write, ...named.read, ...named.remove]
  const twice = all.find((one, at) => all.findIndex(other => isSame(one, other)) !== at)
  if (twice !== undefined) throw new AdminError(`${nameOf(twice)} is named twice`)
  if (all.some(one => isSame(one, record))) throw new AdminError(`${nameOf(record)} needs no proxy to act for ${nameOf(record)}`)
  const before = { write: proxiesOf({ directory }, record, 'write'), read: proxiesOf({ directory }, record, 'read') }
  const stranger = named.remove.find(one => ![...before.write, ...before.read].some(other => isSame(one, other)))
  if (stranger !== undefined) throw new AdminError(`${nameOf(stranger)} is no proxy of ${nameOf(record)}`)
  let isChanged = false
  for (const half of ['write', 'read'] as const) {
    const others = all.filter(one => !named[half].includes(one))
    const kept = before[half].filter(one => !others.some(other => isSame(one, other)))
    const after = [...kept, ...named[half].filter(one => !kept.some(other => isSame(one, other)))]
    if (after.length === before[half].length && kept.length === before[half].length) continue
    isChanged = true
    await delegates.set(record, half, after)
  }
  return isChanged
}

/** Who may act for a record now. */
export function proxiesOf ({ directory }: Pick<People, 'directory'>, record: DirectoryRecord, half: Half): DirectoryRecord[] {
  const { readProxies, writeProxies } = directory.byGuid(record.guid) ?? record
  return (half === 'read' ? readProxies : writeProxies).flatMap(guid => directory.byGuid(guid) ?? [])
}

function isSame (one: DirectoryRecord, other: DirectoryRecord): boolean {
  return guidKey(one.guid) === guidKey(other.guid)
}
