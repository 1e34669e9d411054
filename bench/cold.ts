import { propfind } from './operation.js'
import type { Seat } from './seat.js'

/** All in milliseconds. */
export interface Cold {
  /** From the start of the process until it answers at all. */
  readonly start: number
  readonly listing: number
  /** GETs over a second connection while the listing was under way, one every 50 ms. */
  readonly gets: readonly number[]
}

/**
 * Starts the server anew and times its first PROPFIND Depth 1. The operating system's page cache stays warm.
 * @param chilled  without the index; undefined is returned for a server that keeps none on disk
 */
export async function first (seat: Seat, chilled: boolean): Promise<Cold | undefined> {
  if (chilled && !seat.contender.keepsIndex) return undefined
  await seat.restart(chilled)
  const second = seat.connect()
  const path = seat.contender.calendar
  const gets: number[] = []
  let listed = false
  try {
    const listing = propfind(seat).finally(() => { listed = true })
    // Its failure is reported by the await at the end, also when it comes before that
    listing.catch(() => {})
    for (let turn = 0; !listed; turn++) {
      const name = seat.samples[turn * 7919 % seat.samples.length]?.name ?? ''
      const answer = await second.send({ method: 'GET', path: path + name })
      if (answer.status !== 200) throw new Error(`GET ${name} during the first listing: ${answer.status}`)
      gets.push(answer.milliseconds)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    return { start: seat.running.startMilliseconds, listing: await listing, gets }
  } finally {
    second.close()
  }
}
