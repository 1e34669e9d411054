import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'

/** The strong ETag of a body, quoted: the first 128 bits of its SHA-256 in hexadecimal. Equal bytes have equal ETags, wherever they lie. */
export function etagOf (bytes: Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`
}

/**
 * What tells that a file is still the one we have read: inode, size, mtime and ctime as one string.
 * The inode changes with every rename over it, ctime with everything else, attributes included.
 */
export function stampOf (stats: Pick<Stats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>): string {
  return `${stats.ino}.${stats.size}.${stats.mtimeMs}.${stats.ctimeMs}`
}

/** Clocks of file systems tick in steps of up to 10 ms: a file read within this time after its last change may change again unseen. */
const tick = 20

/** FAT counts in steps of 2 s, and may keep when a file was made as its ctime. */
const coarse = 2000

/** Whether a stamp taken at `checked` (ms since 1970) could also belong to later bytes. */
export function isRacy (stats: Stats, checked: number): boolean {
  if (stats.ctimeMs > checked - tick) return true
  // elsewhere a time without a fraction is a rare chance, or set by hand
  return stats.mtimeMs % 1000 === 0 && Math.abs(checked - stats.mtimeMs) < coarse + tick
}
