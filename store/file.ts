import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, constants, fsync, fstatSync, lstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, unlinkSync, utimesSync, writeSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { codeOf, StoreError, translated } from './error.js'
import { forgetMounts } from './mount.js'

const flush = promisify(fsync)

/** Temporary names begin so; what is left of them after a crash is removed at the next start. */
export const temporaryPrefix = '.tmp-'

/** A name beside `directory`'s members that nothing else uses. */
export function temporary (directory: string): string {
  return `${directory}/${temporaryPrefix}${randomBytes(9).toString('base64url')}`
}

/** Whether a name is one that `temporary` makes; people may have dot names of their own. */
export function isTemporary (name: string): boolean {
  return /^\.tmp-[\w-]{12}$/.test(name)
}

/** The facts of a file itself, links not followed; `undefined` when there is none. */
export function facts (path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ENAMETOOLONG') return undefined
    throw translated(error, `look at ${path}`)
  }
}

/** Gives a file a new ctime and changes nothing else; without effect on files of others. */
export function renew (path: string): void {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.isFile() === true) chmodSync(path, stats.mode & 0o7777)
  } catch (error) {
    if (!['EPERM', 'EROFS', 'ENOENT'].includes(codeOf(error) ?? '')) throw translated(error, `look at ${path}`)
  }
}

/** Puts the time of a file's last change forward by what file systems of the FAT family can tell apart: they keep no ctime that `renew` could change. */
export function advance (path: string): void {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.isFile() === true) utimesSync(path, stats.atime, new Date(stats.mtimeMs + 2000))
  } catch (error) {
    if (!['EPERM', 'EROFS', 'ENOENT', 'ENOSYS'].includes(codeOf(error) ?? '')) throw translated(error, `look at ${path}`)
  }
}

/** A regular file and its facts at the time of reading; `undefined` when it is missing, a link or no regular file. */
export function read (path: string): { bytes: Buffer, stats: Stats } | undefined {
  let descriptor
  try {
    // O_NONBLOCK: a named pipe must not hold the server
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) return undefined
    return { bytes: contents(descriptor, stats.size), stats }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG'].includes(codeOf(error) ?? '')) return undefined
    throw translated(error, `read ${path}`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function contents (descriptor: number, size: number): Buffer {
  if (size === 0) return readFileSync(descriptor)
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const count = readSync(descriptor, bytes, length, size - length, length)
    if (count === 0) break
    length += count
  }
  return length === size ? bytes : bytes.subarray(0, length)
}

/**
 * Makes a directory and those above it. Step by step: under /proc node's own way tries for ever.
 * @throws StoreError exists (a file is in the way), read-only, full
 */
export function makeDirectories (path: string, mode = 0o777): void {
  const stats = target(path)
  if (stats?.isDirectory() === true) return
  if (stats !== undefined) throw new StoreError('exists', `${path} is a file, not a directory`)
  const above = dirname(path)
  if (above !== path) makeDirectories(above, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw translated(error, `make the directory ${path}`)
  }
}

/** The facts of what a path leads to, links followed. */
function target (path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw translated(error, `look at ${path}`)
  }
}

/** A written and flushed file under a temporary name, waiting for its rename. */
export interface Draft { readonly path: string }

/**
 * Writes a body beside its future place. The rename that commits it is `rename`.
 * @param attributes  sets attributes on the temporary file; called before it is flushed, since a rename would drop them
 * @throws StoreError full, read-only, missing (the directory); nothing is left behind
 */
export async function draft (directory: string, bytes: Uint8Array, attributes: (path: string) => void, durable: boolean): Promise<Draft> {
  const path = temporary(directory)
  let descriptor
  try {
    descriptor = openSync(path, 'wx', 0o666)
    write(descriptor, bytes)
    attributes(path)
    if (durable) await flush(descriptor)
    return { path }
  } catch (error) {
    discard({ path })
    throw translated(error, `write into ${directory}`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function write (descriptor: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(descriptor, bytes, offset)
}

/** Removes a draft that will not be used. What cannot be removed now is removed at the next start: the failure that led here is the one to tell. */
export function discard (unused: Draft): void {
  try {
    unlinkSync(unused.path)
  } catch {
    // it is out of sight
  }
}

/** Renames a file or directory over `to`. @throws StoreError */
export function rename (from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    // mounted a moment ago: the next try takes the other way
    if (codeOf(error) === 'EXDEV') forgetMounts()
    throw translated(error, `rename ${from} to ${to}`)
  }
}

/** Removes a directory tree that has already been renamed out of sight. */
export function removeTree (path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    throw translated(error, `remove ${path}`)
  }
}

const flushing = new Map<string, { running: Promise<void>, next: Promise<void> | undefined }>()

/**
 * Makes the names in a directory durable. Callers that come while a flush runs share the next one:
 * fifty writers of a calendar cost two flushes, not fifty.
 */
export async function flushDirectory (directory: string): Promise<void> {
  const current = flushing.get(directory)
  if (current === undefined) return await startFlush(directory)
  current.next ??= current.running.catch(() => {}).then(async () => { await startFlush(directory) })
  return await current.next
}

async function startFlush (directory: string): Promise<void> {
  const running = flushOne(directory)
  const entry = { running, next: undefined }
  flushing.set(directory, entry)
  try {
    await running
  } finally {
    if (flushing.get(directory) === entry && entry.next === undefined) flushing.delete(directory)
  }
}

async function flushOne (directory: string): Promise<void> {
  let descriptor
  try {
    descriptor = openSync(directory, 'r')
    await flush(descriptor)
  } catch (error) {
    // a directory that was removed in the meantime has nothing left to keep; some network file systems flush no directories
    if (!['ENOENT', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw translated(error, `flush ${directory}`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
