import { keepHrefs } from '../dav/prefix.js'
import { placeOf, type Lock, type Locks } from '../site/lock.js'
import type { Kind } from '../site/kind.js'
import { escapeText } from '../xml/write.js'
import { everyKind, type PropertyRow } from './property.js'

/** What can be locked: what clients write. A home, inbox or outbox is not: a phone would be shut out of all its calendars. */
export const lockable: readonly Kind[] = ['calendar', 'folder', 'event', 'file']

/** RFC 4918 15.8 and 15.10 */
export const lockProperties: readonly PropertyRow[] = [
  { name: '{DAV:}supportedlock', on: everyKind, inAllprop: true, read: ({ kind }) => lockable.includes(kind) ? supported : '' },
  {
    name: '{DAV:}lockdiscovery', on: everyKind, inAllprop: true,
    read: (resource, { site: { locks } }) => {
      const place = locks.isEmpty ? undefined : placeOf(resource)
      return place === undefined ? '' : activeLocks(locks, locks.covering(place))
    }
  }
]

const supported = ['exclusive', 'shared']
  .map(scope => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`).join('')

/** The content of DAV:lockdiscovery, as text for the prefixes D, C, CS and A. */
export function activeLocks (locks: Locks, found: readonly Lock[]): string {
  return found.map(lock => '<D:activelock>' +
    `<D:locktype><D:write/></D:locktype><D:lockscope><D:${lock.scope}/></D:lockscope>` +
    `<D:depth>${lock.deep ? 'infinity' : '0'}</D:depth>${lock.owner === undefined ? '' : keepHrefs(lock.owner)}` +
    `<D:timeout>Second-${locks.secondsLeft(lock)}</D:timeout>` +
    `<D:locktoken><D:href>${lock.token}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${escapeText(lock.href)}</D:href></D:lockroot></D:activelock>`).join('')
}
