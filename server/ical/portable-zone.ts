import type { Zone } from './time.js'
import { UTC } from './timezone.js'
import { TableZone, type Transitions } from './zone-table.js'

/** A zone as plain values, for another thread; `table` undefined = UTC. */
export interface PortableZone {
  readonly id: string
  readonly table: Transitions | undefined
}

/** What `zoneFrom` makes the same zone of. */
export function portable (zone: Zone): PortableZone {
  if (zone === UTC) return { id: zone.id, table: undefined }
  // what has no table never changes
  return { id: zone.id, table: zone instanceof TableZone ? zone.table() : { first: zone.toLocal(0), at: [], offset: [] } }
}

/** The zone again. */
export function zoneFrom ({ id, table }: PortableZone): Zone {
  return table === undefined ? UTC : new TableZone(id, () => table)
}
