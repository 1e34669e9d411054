import { open, readdir, rm, utimes } from 'node:fs/promises'
import { translated } from '../error.js'
import { isTemporary } from '../file.js'
import type { Collection, Home } from '../home.js'
import { placeCollection } from '../tree.js'
import type { Writing } from '../write.js'
import { copyAside } from './copy.js'

/**
 * Makes a collection of a directory, of the history or elsewhere, with its attributes, sidecar and times: copied out of sight, flushed and renamed into
 * place by one step. The original stays as it is.
 * @param from    absolute
 * @param path    below the home
 * @param adjust  changes the copy, whose absolute path it is given, before anybody sees it
 * @throws StoreError as `makeCollection`; what `adjust` throws
 */
export async function bringBack (writing: Writing, home: Home, from: string, path: string, adjust: (prepared: string) => Promise<void> = async () => {}): Promise<Collection> {
  return await placeCollection(writing, home, path, async prepared => {
    await copyAside(from, prepared)
    await adjust(prepared)
    await finish(prepared, writing.durable)
  })
}

/** As many files are flushed at once as threads wait for the disk. */
const atOnce = 4

// its own times are new: older ones than those of the directory before would look like a restored backup
async function finish (directory: string, durable: boolean): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true })
  for (const { name } of entries.filter(({ name }) => isTemporary(name))) await rm(`${directory}/${name}`, { recursive: true, force: true })
  for (const entry of entries) if (entry.isDirectory() && !isTemporary(entry.name)) await finish(`${directory}/${entry.name}`, durable)
  await utimes(directory, new Date(), new Date())
  if (!durable) return
  const files = entries.filter(entry => entry.isFile() && !isTemporary(entry.name)).map(({ name }) => `${directory}/${name}`)
  while (files.length > 0) await Promise.all(files.splice(0, atOnce).map(flush))
  await flush(directory)
}

async function flush (path: string): Promise<void> {
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw translated(error, `flush ${path}`)
  }
}
