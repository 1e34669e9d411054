import type { ServerResponse } from 'node:http'
import { DavError } from '../dav/error.js'

/** So many answers of one user may be on their way at once: each holds memory until it has been read. */
const mostAtOnce = 16
/** So many more may wait for their turn. */
const mostWaiting = 200

interface Line { open: number, readonly waiting: (() => void)[] }

/** Lets everybody have some answers at a time, so that nobody's thousand of them take memory and time from others. */
export class Turns {
  readonly #lines = new Map<string, Line>()

  /**
   * Waits for a turn; it ends with the answer or the connection.
   * @param who  a user, or an address of somebody who has not logged in
   * @throws DavError 503 when too many wait already
   */
  async take (who: string, response: ServerResponse): Promise<void> {
    const line = this.#lines.get(who) ?? { open: 0, waiting: [] }
    this.#lines.set(who, line)
    if (line.open < mostAtOnce) line.open++
    else if (line.waiting.length >= mostWaiting) throw new DavError(503, `more than ${mostAtOnce + mostWaiting} requests at once: wait for their answers`, { headers: { 'retry-after': '10' } })
    else await new Promise<void>(resolve => { line.waiting.push(resolve) })
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      this.#end(who, line)
    }
    if (response.destroyed || response.writableEnded) end()
    else response.once('finish', end).once('close', end)
  }

  #end (who: string, line: Line): void {
    // the turn is handed on
    const next = line.waiting.shift()
    if (next !== undefined) return next()
    if (--line.open === 0) this.#lines.delete(who)
  }
}
