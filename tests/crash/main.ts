import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { failEach } from './faults.js'
import { killAtRandom } from './kills.js'
import { Nest } from './nest.js'
import { operations } from './operation.js'
import { killAtEach } from './steps.js'
import { killTogether } from './together.js'
import { Tally } from './tally.js'
import { makeTools } from './tools.js'
const where = mkdtempSync(join(process.env['W'] ?? '/dev/shm', 'caldavd-crash-'))
const tools = makeTools(where)
const nest = await Nest.open(tools, join(where, 'control'), process.env['PLAIN'] === '1')
const tally = new Tally()
const t0 = performance.now()
try {
  const [what, seed = '1', n = '50'] = process.argv.slice(2)
  if (what === 'kills') await killAtRandom(nest, where, Number(seed), Number(n), tally)
  else if (what === 'together') {
    const other = await Nest.open(tools, join(where, 'control2'))
    await killTogether([nest, other], where, Number(seed), Number(n), tally)
    await other.close()
  } else if (what?.startsWith('fault') === true) await failEach(nest, where, Number(seed), what === 'faults' ? Object.keys(operations) : [what.slice(6)], Number(n), tally)
  else await killAtEach(nest, where, Number(seed), what === 'steps' ? Object.keys(operations) : [what ?? ''], Number(n), tally)
} catch (e) { console.log(e instanceof Error ? e.stack : e) }
console.log(Object.fromEntries(tally.counts), 'seconds', (performance.now() - t0) / 1000, 'cpu', process.cpuUsage())
await nest.close()
process.exit(0)
