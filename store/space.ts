import { accessSync, constants, statfsSync } from 'node:fs'
import { StoreError, translated } from './error.js'

/** What stays free for the index, its log and the names of files. */
const reserve = 256 * 1024

/**
 * Makes sure that a body and what the index keeps of it can be written and will find room, before anything is touched.
 * @param places  the file systems that are written to
 * @throws StoreError full, read-only
 */
export function demandSpace (places: readonly string[], bytes: number): void {
  for (const place of places) {
    demandWritable(place)
    const { bavail, bsize } = statfsSync(place)
    // some file systems of the network say 0 of 0
    if (bavail === 0 && bsize === 0) continue
    const free = bavail * bsize
    if (free < reserve + 4 * bytes) throw new StoreError('full', `${place} has ${free} bytes left: too few to write ${bytes} and to keep the index`)
  }
}

function demandWritable (place: string): void {
  try {
    accessSync(place, constants.W_OK)
  } catch (error) {
    throw translated(error, `write into ${place}`)
  }
}

/** The bytes that are free on the file system of a directory; `undefined` when it does not say. */
export function freeBytes (directory: string): number | undefined {
  try {
    const { bavail, bsize, blocks } = statfsSync(directory)
    return blocks === 0 ? undefined : bavail * bsize
  } catch {
    return undefined
  }
}
