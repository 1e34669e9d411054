import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

// Read by `node --import` into a server: at SIGUSR2 it writes how long its event loop stood still at most, and how long without the times when
// other programs had the processor; and begins anew
const file = process.env['CALDAVD_BENCH_STALL']
if (file !== undefined) {
  const resolution = 1
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  let own = 0
  let before = { at: performance.now(), waited: waited() }
  // what stands still keeps this from running
  setInterval(() => {
    const now = { at: performance.now(), waited: waited() }
    own = Math.max(own, now.at - before.at - (now.waited - before.waited) - 2 * resolution)
    before = now
  }, resolution).unref()
  process.on('SIGUSR2', () => {
    // the first turn of the timer itself is part of each figure
    writeFileSync(file, `${Math.max(0, histogram.max / 1e6 - resolution)} ${own}`)
    histogram.reset()
    own = 0
  })
}

/** How long the main thread was ready to run and had no processor, in ms. */
function waited (): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}
