import { constants, mkdirSync } from 'node:fs'
import { copyFile, readdir, utimes } from 'node:fs/promises'
import * as attribute from '../attribute.js'
import { translated } from '../error.js'
import { facts as statsOf } from '../file.js'

/**
 * Copies a directory with all it holds, extended attributes and times included; links and special files stay behind.
 * Gives way to others between files.
 * @param to  must not be there
 * @throws StoreError
 */
export async function copyAside (from: string, to: string): Promise<void> {
  try {
    mkdirSync(to)
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`]
      if (entry.isDirectory()) await copyAside(source, target)
      else if (entry.isFile()) await copyOne(source, target)
    }
    await sameFacts(from, to)
  } catch (error) {
    throw translated(error, `copy ${from}`)
  }
}

/** Copies a file with its extended attributes and times. @param to  must not be there @throws StoreError */
export async function copyOne (from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL)
    await sameFacts(from, to)
  } catch (error) {
    throw translated(error, `copy ${from}`)
  }
}

async function sameFacts (from: string, to: string): Promise<void> {
  attribute.copy(from, to)
  const stats = statsOf(from)
  if (stats !== undefined) await utimes(to, stats.atime, stats.mtime)
}
