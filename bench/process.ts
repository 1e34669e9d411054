import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { Connection } from './connection.js'
import type { Undo } from './undo.js'

/** A server process that answers on `port` of the loopback address. */
export interface Launched {
  readonly port: number
  readonly startMilliseconds: number
  /** Resident memory of the process and its descendants, in bytes. */
  memory (): { now: number, peak: number }
  /** SIGTERM, after ten seconds SIGKILL; resolves when the process is gone. */
  stop (): Promise<void>
}

/** How to start a server: `path` is asked until it answers anything below 500. */
export interface Recipe {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly port: number
  readonly path: string
}

/** @throws Error with the end of what the server printed, when it exits or does not answer within two minutes */
export async function launch (recipe: Recipe, undo: Undo): Promise<Launched> {
  const started = performance.now()
  const child = spawn(recipe.command, recipe.args, {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...recipe.environment }
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { printed = (printed + String(text)).slice(-2000) })
  const gone = new Promise<void>(resolve => { child.on('exit', () => resolve()); child.on('error', () => resolve()) })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await gone
    clearTimeout(hard)
    undo.forget(stop)
  }
  undo.add(stop)
  let running = true
  void gone.then(() => { running = false })
  while (!await answers(recipe)) {
    if (!running || performance.now() - started > 120_000) {
      await stop()
      throw new Error(`${recipe.command} did not come up: ${printed}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    port: recipe.port,
    startMilliseconds: performance.now() - started,
    memory: () => memory(child.pid ?? 0),
    stop
  }
}

/** A port of the loopback address that is free at this moment. */
export function freePort (): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function answers ({ port, path }: Recipe): Promise<boolean> {
  const connection = new Connection(port, 'nobody:nothing', 5)
  try {
    return (await connection.send({ method: 'GET', path })).status < 500
  } catch {
    return false
  } finally {
    connection.close()
  }
}

function memory (root: number): { now: number, peak: number } {
  let now = 0
  let peak = 0
  for (const id of tree(root)) {
    const status = read(`/proc/${id}/status`)
    now += 1024 * Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0)
    peak += 1024 * Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0)
  }
  return { now, peak }
}

function tree (root: number): number[] {
  const parents = readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(name => ({
    id: Number(name),
    parent: Number(/\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1] ?? 0)
  }))
  const all = [root]
  for (const id of all) all.push(...parents.filter(({ parent }) => parent === id).map(({ id }) => id))
  return all
}

function read (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process ended between readdir and here
    return ''
  }
}
