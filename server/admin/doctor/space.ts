import { readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { facts } from '../../../store/file.js'
import type { Finding } from './finding.js'
import type { Ward } from './ward.js'

/** What a file system has, and has free. */
export interface Room { readonly bytes: number, readonly freeBytes: number, readonly files: number, readonly freeFiles: number }

const leastShare = 0.05
const leastBytes = 100 * 1024 * 1024

/** What the file system has on which a path lies, or will lie; `undefined` when it does not say. */
export function roomAt (path: string): Room | undefined {
  try {
    const { bavail, bsize, blocks, files, ffree } = statfsSync(existing(path))
    return blocks === 0 ? undefined : { bytes: blocks * bsize, freeBytes: bavail * bsize, files, freeFiles: ffree }
  } catch {
    return undefined
  }
}

function existing (path: string): string {
  return facts(path) !== undefined || dirname(path) === path ? path : existing(dirname(path))
}

/** Where too little is free. @param room  as `roomAt` */
export function * tooLittle (path: string, holds: string, { bytes, freeBytes, files, freeFiles }: Room): Generator<Finding> {
  if (freeBytes < leastShare * bytes || freeBytes < leastBytes) {
    yield { check: 'space', path, message: `its file system, with ${holds}, has ${size(freeBytes)} of ${size(bytes)} free; when it is full, nobody can save anything`, hand: 'make room, or shorten the history (history.bytes)' }
  }
  // some file systems make inodes as they are needed, and say 0
  if (files > 0 && freeFiles < leastShare * files) {
    yield { check: 'inodes', path, message: `its file system, with ${holds}, has ${freeFiles} of ${files} inodes free; without one no file can be made`, hand: 'remove files that are not needed, or shorten the history (history.days)' }
  }
}

/** What lies where, once for each file system. */
export function * room ({ documents, state, settings }: Ward): Generator<Finding> {
  const places = [[documents, 'the documents'], [state, 'the state'], [settings.history.directory, 'the history']] as const
  const devices = new Map<number, { path: string, holds: string[] }>()
  for (const [path, holds] of places) {
    const device = facts(existing(path))?.dev ?? 0
    const known = devices.get(device)
    if (known === undefined) devices.set(device, { path, holds: [holds] })
    else known.holds.push(holds)
  }
  for (const { path, holds } of devices.values()) {
    const found = roomAt(path)
    if (found !== undefined) yield * tooLittle(path, holds.join(' and '), found)
  }
}

const limitFile = '/proc/sys/fs/inotify/max_user_watches'

/** How many directories the system lets one user watch; `undefined` where it does not say. */
export function watchLimit (): number | undefined {
  try {
    return Number(readFileSync(limitFile, 'utf8'))
  } catch {
    return undefined
  }
}

/** Whether all directories can be watched: one watch each, and other programs of the same user need some. */
export function * watches (documents: string, directories: number, limit: number | undefined): Generator<Finding> {
  if (limit === undefined || directories < 0.9 * limit) return
  yield {
    check: 'watches',
    path: documents,
    message: `there are ${directories} directories, and the system lets one user watch ${limit}: changes made by hand in the others are found by the periodic sweep only`,
    hand: `as root: sysctl fs.inotify.max_user_watches=${Math.max(524_288, 2 * directories)}, and the same line in /etc/sysctl.d/`
  }
}

const units = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

/** As the settings are written: '1.5 MB', 1 KB = 1024 bytes. */
export function size (bytes: number): string {
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** step
  return `${Number.isInteger(amount) || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[step] ?? ''}`
}
