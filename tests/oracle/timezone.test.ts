import t from 'tap'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zoneNamed } from '../../server/ical/timezone.js'

const python = '/usr/bin/python3'
const script = fileURLToPath(new URL('./zoneinfo_times.py', import.meta.url))
const seed = process.env['ORACLE_SEED'] ?? '1'
const missing = !existsSync('/usr/share/zoneinfo') ? 'no zone files in the system' : spawnSync(python, ['-c', 'import zoneinfo'], { timeout: 5000 }).status !== 0 && 'no python3 with zoneinfo'

t.test('every zone of the system as Python reads it', { skip: missing }, async t => {
  const answer = spawnSync(python, [script, seed], { encoding: 'utf8', timeout: 60_000, maxBuffer: 1e8 })
  const told = JSON.parse(answer.stdout) as Record<string, Array<[number, number, number]>>
  const different: unknown[] = []
  let asked = 0
  for (const [name, rows] of Object.entries(told)) {
    const zone = zoneNamed(name)
    for (const [at, local, utc] of rows) {
      asked++
      if (zone?.toLocal(at) !== local || zone.toUtc(at) !== utc) different.push({ name, at, local, utc, ours: [zone?.toLocal(at), zone?.toUtc(at)] })
    }
  }
  t.comment(`${asked} times in ${Object.keys(told).length} zones`)
  t.same(different.slice(0, 10), [], `${different.length} differ`)
})
