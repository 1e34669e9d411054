import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Connection } from './connection.js'
import { freePort } from './process.js'
import type { Undo } from './undo.js'

const here = path.dirname(fileURLToPath(import.meta.url))

/** Our server with a look inside. */
export interface Monitored {
  readonly port: number
  /** When it was started (performance.now). */
  readonly started: number
  /** The longest stand-still of its event loop in ms since the last call; `own` without the times when other programs had the processor. */
  longest (): Promise<{ readonly stall: number, readonly own: number }>
  /** How many directories it watches. */
  watches (): number
  /** Resident memory in bytes. */
  memory (): { now: number, peak: number }
  /** Seconds of processor time so far. */
  seconds (): number
  stop (): Promise<void>
}

/** Starts our server on what `fill` of the contender wrote, and waits until it answers. @throws Error when it does not within 30 seconds */
export async function monitored (directory: string, undo: Undo): Promise<Monitored> {
  const port = await freePort()
  const file = path.join(directory, 'stall')
  const started = performance.now()
  const child = spawn(process.execPath, ['--import', path.join(here, 'stall-monitor.js'), path.join(here, '..', 'bin', 'caldavd.js'), 'serve',
    '--data', path.join(directory, 'data'), '--port', String(port), '--bind', '127.0.0.1', '--accounts', path.join(directory, 'accounts.xml')],
  { stdio: 'ignore', env: { ...process.env, CALDAVD_BENCH_STALL: file, CALDAVD_LIMITS_QUOTA_BYTES: '0' } })
  const gone = new Promise<void>(resolve => { child.on('exit', () => { resolve() }) })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await gone
    undo.forget(stop)
  }
  undo.add(stop)
  await until(async () => {
    const connection = new Connection(port, 'nobody:nothing', 5)
    try {
      return (await connection.send({ method: 'GET', path: '/health' })).status === 200
    } finally {
      connection.close()
    }
  })
  const proc = `/proc/${child.pid ?? 0}`
  return {
    port,
    started,
    longest: async () => {
      rmSync(file, { force: true })
      child.kill('SIGUSR2')
      await until(async () => existsSync(file) && readFileSync(file, 'utf8') !== '')
      const [stall = NaN, own = NaN] = readFileSync(file, 'utf8').split(' ').map(Number)
      return { stall, own }
    },
    watches: () => readdirSync(`${proc}/fdinfo`).reduce((sum, descriptor) => sum + (readOr(`${proc}/fdinfo/${descriptor}`).match(/^inotify wd:/gm)?.length ?? 0), 0),
    memory: () => {
      const status = readOr(`${proc}/status`)
      return { now: 1024 * Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0), peak: 1024 * Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) }
    },
    seconds: () => {
      const fields = readOr(`${proc}/stat`).replace(/^.*\) /s, '').split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    stop
  }
}

// a descriptor that was closed since it was listed
function readOr (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Asks again and again. @throws Error when it is not so within the time (seconds) */
export async function until (isDone: () => Promise<boolean>, within = 30, pause = 50): Promise<void> {
  for (const end = performance.now() + within * 1000; performance.now() < end; await sleep(pause)) {
    if (await isDone().catch(() => false)) return
  }
  throw new Error(`the server did not do it within ${within} seconds`)
}
