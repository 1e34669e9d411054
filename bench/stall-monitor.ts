import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

// Read by `node --import` into the server of stall.ts: at SIGUSR2 it writes how long its event loop stood still at most, and begins anew
const file = process.env['CALDAVD_BENCH_STALL']
if (file !== undefined) {
  const resolution = 1
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  process.on('SIGUSR2', () => {
    // the first turn of the timer itself is part of each figure
    writeFileSync(file, String(Math.max(0, histogram.max / 1e6 - resolution)))
    histogram.reset()
  })
}
