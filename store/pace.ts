import { setImmediate as turn } from 'node:timers/promises'

/** Longer work lets others in after this time (ms). */
export const slice = 12

/** How a long work keeps others from waiting: it asks for a rest whenever it may, and gets one when it has worked for a while. */
export class Pace {
  #since = performance.now()

  /** Whether it is time to let others in. */
  get isDue (): boolean {
    return performance.now() - this.#since >= slice
  }

  /** Lets others in when it is time to. */
  async rest (): Promise<void> {
    if (!this.isDue) return
    await turn()
    this.#since = performance.now()
  }
}
