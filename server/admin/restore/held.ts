import { StoreError } from '../../../store/error.js'
import type { Home } from '../../../store/home.js'
import { writeHeld } from '../../../store/write.js'
import type { Site } from '../../site/site.js'

/** What is held in one collection: served although the disk has something older, or nothing. */
export interface HeldNames { readonly path: string, readonly names: readonly string[] }

/**
 * Writes what is held back to the disk, as it is served.
 * @param path  below the home; what is held in it and below
 * @throws StoreError
 */
export async function bringBackHeld (site: Site, home: Home, path: string, isDryRun: boolean): Promise<HeldNames[]> {
  return await forHeld(home, path, async (collection, name) => {
    if (isDryRun) return
    try {
      await writeHeld(site.store.writing, home, collection, name)
    } catch (error) {
      // a client was quicker: what it wrote counts
      if (!(error instanceof StoreError && error.reason === 'changed')) throw error
    }
  })
}

/** Takes the disk as it is: what is held is let go, into the history. @throws StoreError */
export async function acceptHeld (home: Home, path: string, isDryRun: boolean): Promise<HeldNames[]> {
  return await forHeld(home, path, async (collection, name) => { if (!isDryRun) home.letGo(collection, name) })
}

async function forHeld (home: Home, path: string, work: (collection: NonNullable<ReturnType<Home['collection']>>, name: string) => Promise<void>): Promise<HeldNames[]> {
  const collection = home.collection(path)
  if (collection === undefined) return []
  await home.fresh(collection)
  const names = home.held(collection).map(({ name }) => name)
  for (const name of names) await work(collection, name)
  const below = []
  for (const child of home.children(path)) below.push(...await forHeld(home, child.path, work))
  return names.length === 0 ? below : [{ path, names }, ...below]
}
