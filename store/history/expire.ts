import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { codeOf } from '../error.js'
import { isTemporary } from '../file.js'
import { readName, isDay } from './version.js'

interface Kept { readonly file: string, readonly at: number, readonly bytes: number }

const dayLength = 24 * 60 * 60 * 1000
/** What a crash has left unfinished is certainly unfinished after this time. */
const longestWork = dayLength

/**
 * Removes versions that ended more than so many days ago, then the oldest until the rest takes no more than so many bytes.
 * Other files in the history are left alone. Gives way to others between files.
 * @param bytes  0 = as many as fit
 * @param now    ms since 1970
 */
export async function expire (history: string, { days, bytes }: { readonly days: number, readonly bytes: number }, now: number): Promise<void> {
  const kept: Kept[] = []
  for (const day of await names(history)) {
    if (isTemporary(day)) await removeOld(`${history}/${day}`, now)
    if (isDay(day)) await collect(`${history}/${day}`, day, kept)
  }
  kept.sort((a, b) => a.at - b.at)
  let sum = kept.reduce((total, one) => total + one.bytes, 0)
  const edge = now - days * dayLength
  for (const one of kept) {
    if (one.at >= edge && (bytes === 0 || sum <= bytes)) break
    await rm(one.file, { recursive: true, force: true })
    sum -= one.bytes
  }
  for (const day of await names(history)) if (isDay(day) && day !== new Date(now).toISOString().slice(0, 10)) await removeEmpty(`${history}/${day}`)
}

async function removeOld (path: string, now: number): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats !== undefined && stats.ctimeMs < now - longestWork) await rm(path, { recursive: true, force: true })
}

async function names (directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}

async function collect (directory: string, day: string, kept: Kept[]): Promise<void> {
  for (const name of await names(directory)) {
    const path = `${directory}/${name}`
    const version = readName(day, name)
    if (version !== undefined) kept.push({ file: path, at: version.at, bytes: await sizeOf(path) })
    else if ((await lstat(path).catch(() => undefined))?.isDirectory() === true) await collect(path, day, kept)
  }
}

async function sizeOf (path: string): Promise<number> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats?.isDirectory() !== true) return stats?.size ?? 0
  let sum = 0
  for (const name of await names(path)) sum += await sizeOf(`${path}/${name}`)
  return sum
}

async function removeEmpty (directory: string): Promise<void> {
  for (const name of await names(directory)) {
    const path = `${directory}/${name}`
    if ((await lstat(path).catch(() => undefined))?.isDirectory() === true && readName(directory.slice(directory.lastIndexOf('/') + 1), name) === undefined) await removeEmpty(path)
  }
  await rmdir(directory).catch(() => {})
}
