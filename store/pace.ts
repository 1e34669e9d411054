import { setImmediate as others } from 'node:timers/promises'

/** Longer work lets others in after this time (ms). */
export const slice = 12

let last: Promise<void> = Promise.resolve()

/** Lets others in. Of all the long work in the process one goes on at a time, so that what it costs whoever waits is one slice and not one of each. */
export async function giveWay (): Promise<void> {
  const mine = last.then(async () => { await others() })
  last = mine
  await mine
}

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
    await giveWay()
    this.#since = performance.now()
  }
}
