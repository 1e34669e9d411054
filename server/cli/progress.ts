import { isTerminal } from './print.js'
import type { Io } from './user.js'

/** A bar on the terminal for work that may take long. */
export interface Progress {
  /** Says how far the work has come. */
  readonly step: (done: number, total: number) => void
  /** Takes the bar away. */
  readonly end: () => void
}

const cells = 24
/** Shorter work shows nothing; drawn so often at most (ms). */
const [patience, pause] = [500, 100]

/** @param what  what is done: 'Reading the backup' */
export function progress ({ stderr }: Pick<Io, 'stderr'>, what: string): Progress {
  if (!isTerminal(stderr)) return { step: () => {}, end: () => {} }
  const begun = performance.now()
  let drawn = 0
  return {
    step: (done, total) => {
      const now = performance.now()
      if (now - begun < patience || now - drawn < pause || total === 0) return
      drawn = now
      const full = Math.round(cells * Math.min(done, total) / total)
      stderr.write(`\r${what} [${'#'.repeat(full)}${'.'.repeat(cells - full)}] ${Math.floor(100 * Math.min(done, total) / total)} %\x1b[K`)
    },
    end: () => { if (drawn > 0) stderr.write('\r\x1b[K') }
  }
}
