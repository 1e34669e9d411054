import { fromJson, type Properties } from '../property.js'
import { heldWords, isHeld } from '../rollback.js'
import type { Index } from './open.js'

/** A member that is served as it was although the disk has an older state, or nothing. */
export interface Held { readonly id: number, readonly name: string, readonly isMissing: boolean }

/** The stamp of a member whose file is missing and that is served all the same. */
export const missingStamp = 'held'

/** Holds a member whose file is missing. */
export function holdMissing (index: Index, id: number): void {
  index.run('UPDATE member SET stamp = ?, problem = ? WHERE id = ?', missingStamp, heldWords.missing, id)
}

/** The dead properties of a member as they were before it was held, like the rest that is served of it; `undefined` when it is not held. */
export function heldProperties (index: Index, { id, problem }: { readonly id: number, readonly problem: string }): Properties | undefined {
  if (!isHeld(problem)) return undefined
  return fromJson(index.get<{ properties: string }>('SELECT properties FROM member WHERE id = ?', id)?.properties ?? '')
}

/** The members of a collection that are held, by name. */
export function heldIn (index: Index, collection: number): Held[] {
  return index.all<{ id: number, name: string, stamp: string }>('SELECT id, name, stamp FROM member WHERE collection = ? AND problem IN (?, ?) ORDER BY name', collection, heldWords.missing, heldWords.older)
    .map(({ id, name, stamp }) => ({ id, name, isMissing: stamp === missingStamp }))
}
