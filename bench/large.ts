import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Connection } from './connection.js'
import type { Contender } from './contender.js'
import { event } from './event.js'
import { calendar, fillCalendar } from './server-caldavd.js'
import type { Undo } from './undo.js'

/** Memory in bytes, time in seconds. */
export interface Large {
  readonly events: number
  /** From the request for the first listing to the answer of the last: everything is indexed then. */
  readonly indexedSeconds: number
  readonly resident: number
  readonly peak: number
  /** After a restart that found the index on disk and listed one calendar. */
  readonly residentRestarted: number
}

/** Our server with ten calendars of 10,000 events in one home. */
export async function large (contender: Contender, undo: Undo): Promise<Large> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
  undo.add(() => rm(directory, { recursive: true, force: true }))
  await contender.fill(directory, [])
  for (let number = 0; number < 10; number++) {
    await fillCalendar(directory, number, Array.from({ length: 10_000 }, (_, n) => event(number * 10_000 + n)))
  }
  const cold = await contender.start(directory, undo)
  const started = performance.now()
  for (let number = 0; number < 10; number++) await list(cold.port, contender, number)
  const indexedSeconds = (performance.now() - started) / 1000
  const { now: resident, peak } = cold.memory()
  await cold.stop()
  const warm = await contender.start(directory, undo)
  await list(warm.port, contender, 0)
  const { now: residentRestarted } = warm.memory()
  await warm.stop()
  return { events: 100_000, indexedSeconds, resident, peak, residentRestarted }
}

async function list (port: number, contender: Contender, number: number): Promise<void> {
  const connection = new Connection(port, contender.credentials, 300)
  const answer = await connection.send({
    method: 'PROPFIND',
    path: calendar(number),
    headers: { depth: '1', 'content-type': 'application/xml' },
    body: '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
  })
  connection.close()
  const found = answer.body.toString('latin1').match(/<(?:[\w-]+:)?response[\s>]/g)?.length
  if (found !== 10_001) throw new Error(`calendar ${number}: status ${answer.status}, ${found} responses, expected 10001`)
}
