import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'
import { intlName, intlZone } from '../../server/ical/intl-zone.js'
import { portable, zoneFrom } from '../../server/ical/portable-zone.js'
import { zoneNamed } from '../../server/ical/timezone.js'
import type { Zone } from '../../server/ical/time.js'
import { script } from './oracle.js'
import { offsetIn } from './reader.js'

const [python, ...file] = script('zoneinfo_times.py')
const seed = process.env['ORACLE_SEED'] ?? '1'
const missing = !existsSync('/usr/share/zoneinfo') ? 'no zone files in the system' : spawnSync(python, ['-c', 'import zoneinfo'], { timeout: 20_000 }).status !== 0 && 'no python3 with zoneinfo'

/** UTC seconds, the wall clock then, and what UTC those seconds are when they are read as a wall clock. */
type Row = readonly [at: number, local: number, utc: number]

let told: Record<string, readonly Row[]> = {}

t.before(() => {
  if (missing === false) told = JSON.parse(spawnSync(python, [...file, seed], { encoding: 'utf8', timeout: 100_000, maxBuffer: 1e8 }).stdout) as typeof told
})

const isSame = (zone: Zone | undefined, [at, local, utc]: Row): boolean => zone?.toLocal(at) === local && zone.toUtc(at) === utc

t.test('every zone of the system as Python reads it', { skip: missing }, async t => {
  const different: unknown[] = []
  let asked = 0
  for (const [name, rows] of Object.entries(told)) {
    const zone = zoneNamed(name)
    for (const row of rows) {
      asked++
      if (!isSame(zone, row)) different.push({ name, row, ours: [zone?.toLocal(row[0]), zone?.toUtc(row[0])] })
    }
  }
  t.ok(asked > 50_000, `${asked} times in ${Object.keys(told).length} zones`)
  t.same(different.slice(0, 10), [], `${different.length} differ`)
})

t.test('every zone that Intl knows, from 1970 on, as Python reads it', { skip: missing, timeout: 200_000 }, async t => {
  const different: unknown[] = []
  const older = new Set<string>()
  const seen = new Set<string>()
  for (const [name, rows] of Object.entries(told)) {
    // one of several names for the same zone
    const canonical = intlName(name)
    if (canonical === undefined || seen.has(canonical)) continue
    seen.add(canonical)
    const zone = intlZone(canonical)
    const offset = offsetIn(canonical)
    for (const row of rows) {
      const [at, local, utc] = row
      // Intl goes as far as 2100 here, and a wall clock in January 1970 may be of 1969
      if (at < 172_800 || at > 4_102_444_800 || isSame(zone, row)) continue
      // the system's data may be newer than Node's: then Intl itself says otherwise, near there
      if (at + offset(at) !== local || utc + offset(utc) !== at && zone.toLocal(zone.toUtc(at)) === at) older.add(name)
      else different.push({ name, row, ours: [zone.toLocal(at), zone.toUtc(at)] })
    }
  }
  t.ok(seen.size > 300, `${seen.size} zones`)
  t.same(different.slice(0, 10), [], `${different.length} differ`)
  t.ok(older.size < 20, `where Node's data (${process.versions['tz']}) are not the system's: ${[...older].join(', ')}`)
})

t.test('a zone that was handed to another thread is the same there', { skip: missing }, async t => {
  const different: unknown[] = []
  const fixed = [0, 1e9, 4e9]
  const all = [...Object.entries(told), ...['UTC+3', 'GMT+0300', 'UTC'].map((name): [string, readonly Row[]] => [name, fixed.map(at => [at, NaN, NaN])])]
  for (const [name, rows] of all) {
    const zone = zoneNamed(name)
    const there = zone === undefined ? undefined : zoneFrom(structuredClone(portable(zone)))
    for (const [at] of rows) if (there === undefined || zone?.toLocal(at) !== there.toLocal(at) || zone.toUtc(at) !== there.toUtc(at)) different.push({ name, at })
  }
  t.same(different.slice(0, 10), [], `${different.length} differ`)
})
