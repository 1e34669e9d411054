import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { facts } from './file.js'
import { mountOf } from './mount.js'
import { isIgnored } from './name.js'
import { entries } from './scan.js'

/** What of a directory tells later whether it is still the one that was compared. */
export function markOf (stats: Stats): string {
  return `${stats.dev} ${stats.ino} ${stats.mtimeMs} ${birthOf(stats)}`
}

// inodes are used again; where a file system does not know when something was made, the time of its last change is told instead
function birthOf ({ birthtimeMs, ctimeMs }: Stats): number {
  return birthtimeMs === ctimeMs ? 0 : birthtimeMs
}

/** Copying tools set the time of a directory some time after they have filled it (ms). */
const set = 2000

/**
 * Whether a directory looks as if a copy had been put in its place, or an older state back into it (`rsync -a`, `cp -a`, `tar`): then what
 * is missing in it has not been deleted by anybody.
 * @param mark     `markOf` when it was compared last; '' = never
 * @param isEmpty  nothing is in it: whoever makes a new directory of the same name has deleted what was in the old one
 */
export function wentBack (mark: string, stats: Stats, isEmpty: () => boolean): boolean {
  if (mark === '') return false
  const [device = 0, inode = 0, modified = 0, birth = 0] = mark.split(' ').map(Number)
  // a clock that was set back moves both times, a tool that keeps times only one
  if (stats.mtimeMs < modified && stats.ctimeMs > stats.mtimeMs + set) return true
  const isOther = stats.ino !== inode || (birth !== 0 && birthOf(stats) > Math.max(birth, modified))
  return stats.dev !== device || (isOther && !isEmpty())
}

/** Why a member is held: it is served as it was, until somebody says what counts. */
export const heldWords = {
  missing: 'it is missing since an older state was put back; it is served as it was',
  older: 'it is older than what was served, since an older state was put back; it is served as it was'
} as const

/**
 * Why a home must not be compared: its directory is gone or empty, and lies on another file system than before.
 * @param directory  of the home, absolute
 * @param mark       `markOf` when it was compared last; '' = never
 * @param mount      `mountOf` then; '' = unknown
 */
export function unmounted (directory: string, mark: string, mount: string): string | undefined {
  if (mark === '') return undefined
  const device = Number(mark.split(' ', 1)[0])
  if (nearest(directory).dev === device && (mount === '' || mountOf(directory, true) === mount)) return undefined
  if (facts(directory)?.isDirectory() === true && !isEmpty(directory)) return undefined
  return `${directory} is empty and lies on another file system than before: is its disk not mounted? Nothing in it is taken for deleted, and it is served as soon as it is there`
}

function nearest (path: string): Stats {
  return facts(path) ?? nearest(dirname(path))
}

/** Whether a directory has nothing in it but hidden names, or is not there. @throws StoreError */
export function isEmpty (directory: string): boolean {
  return entries(directory).every(({ name }) => isIgnored(name))
}

/** Whether a member's problem is that it is held. */
export function isHeld (problem: string): boolean {
  return problem === heldWords.missing || problem === heldWords.older
}
