import { dav } from '../xml/name.js'
import { fragment } from '../xml/write.js'
import type { Kind } from '../site/kind.js'
import { everyKind, type PropertyRow } from './property.js'

/** DAV:supported-live-property-set (RFC 3253 3.1.4, demanded by RFC 5995 3.2.1): the names of these rows and its own. */
export function supportedLive (rows: readonly PropertyRow[]): PropertyRow {
  const name = dav('supported-live-property-set')
  const texts = new Map<Kind, string>()
  const read = (kind: Kind): string => {
    let text = texts.get(kind)
    if (text === undefined) {
      const names = [...rows.filter(row => row.on.includes(kind)).map(row => row.name), name]
      texts.set(kind, text = names.map(each => `<D:supported-live-property><D:prop>${fragment({ name: each, attributes: {}, children: [] })}</D:prop></D:supported-live-property>`).join(''))
    }
    return text
  }
  return { name, on: everyKind, read: ({ kind }) => read(kind) }
}
