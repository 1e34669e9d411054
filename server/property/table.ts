import type { Kind } from '../site/kind.js'
import type { Name } from '../xml/name.js'
import { acl } from './acl.js'
import { availabilityProperties } from './availability.js'
import { caldavProperties } from './caldav.js'
import { lockProperties } from './lock.js'
import { supportedLive } from './live.js'
import { principal } from './principal.js'
import type { PropertyRow } from './property.js'
import { quota } from './quota.js'
import { sync } from './sync.js'
import { timezoneProperties } from './timezone.js'
import { webdav } from './webdav.js'

const rows: readonly PropertyRow[] = [...webdav, ...lockProperties, ...acl, ...principal, ...caldavProperties, ...timezoneProperties, ...availabilityProperties, ...sync, ...quota]

/** Every property that the server knows. */
export const table: readonly PropertyRow[] = [...rows, supportedLive(rows)]

const byName = new Map<Name, PropertyRow>(table.map(row => [row.name, row]))

/** The row of a name, whatever kind it is for. */
export function rowOf (name: Name): PropertyRow | undefined {
  return byName.get(name)
}

/** The row of a name if resources of that kind have the property. */
export function rowFor (name: Name, kind: Kind): PropertyRow | undefined {
  const row = byName.get(name)
  return row?.on.includes(kind) === true ? row : undefined
}
