import { rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../error.js'
import { facts, read, temporary } from '../file.js'
import { freeBytes } from '../space.js'
import { isDamage, memoryIndex, type Index } from './open.js'

/**
 * An index for as long as that of a file cannot be written, its disk being full or read-only: a copy in memory. It has an epoch of
 * its own: what it learns is not in the file, so its sync tokens mean nothing to that.
 * @param bytes  what it holds, where that is more than the file says
 */
export function spareIndex (file: string, bytes = read(file)?.bytes): Index {
  const index = copyOf(bytes) ?? memoryIndex()
  if (index === undefined) throw new Error('an empty database is of no version')
  index.renewEpoch()
  return index
}

function copyOf (bytes: Buffer | undefined): Index | undefined {
  if (bytes === undefined || bytes.length < 100) return undefined
  // https://www.sqlite.org/fileformat.html 1.3.3: in memory there is no log beside it
  bytes.fill(1, 18, 20)
  try {
    return memoryIndex(bytes)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** What an index writes beside itself when it is opened, and some more (bytes). */
const least = 256 * 1024

/**
 * Whether an index may be opened in a directory, or in the one where that will be made, as far as the file system tells. On a full one SQLite
 * must not even try: the kernel ends a process that writes to a mapped page for which there is no room (SIGBUS).
 */
export function hasRoom (directory: string): boolean {
  if (facts(directory) === undefined && dirname(directory) !== directory) return hasRoom(dirname(directory))
  return (freeBytes(directory) ?? least) >= least
}

/** Whether an index can be written in a directory, or in the one where that will be made: there is room and it is not read-only. */
export function isWritable (directory: string): boolean {
  if (facts(directory) === undefined && dirname(directory) !== directory) return isWritable(dirname(directory))
  const probe = temporary(directory)
  try {
    writeFileSync(probe, Buffer.alloc(least), { flag: 'wx', mode: 0o600 })
    rmSync(probe)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EROFS') rmSync(probe, { force: true })
    return !['ENOSPC', 'EDQUOT', 'EROFS'].includes(codeOf(error) ?? '')
  }
}
