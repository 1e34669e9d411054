import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Life } from './life.js'
import { operations } from './operation.js'
import type { Bench } from './plan.js'
import { callsIn, prepare } from './steps.js'

/** System calls that change files, by the names under which the interposed library counts them. */
const names: Readonly<Record<string, string>> = {
  open: 'open', openat: 'open', openat2: 'open', creat: 'open', write: 'write', pwrite64: 'pwrite', writev: 'writev', pwritev: 'pwritev', pwritev2: 'pwritev',
  fsync: 'fsync', fdatasync: 'fdatasync', sync_file_range: 'sync', rename: 'rename', renameat: 'rename', renameat2: 'rename', link: 'link', linkat: 'link', symlink: 'symlink', symlinkat: 'symlink',
  unlink: 'unlink', unlinkat: 'unlink', mkdir: 'mkdir', mkdirat: 'mkdir', rmdir: 'rmdir', truncate: 'ftruncate', ftruncate: 'ftruncate', fallocate: 'fallocate', chmod: 'chmod', fchmod: 'chmod', fchmodat: 'chmod',
  setxattr: 'setxattr', lsetxattr: 'setxattr', fsetxattr: 'setxattr', removexattr: 'removexattr', lremovexattr: 'removexattr', fremovexattr: 'removexattr', utimensat: 'utimens',
  sendfile: 'sendfile', copy_file_range: 'copy_file_range', splice: 'splice', io_uring_enter: 'io_uring'
}

/**
 * Watches a server with strace while it does each operation once, and counts with the interposed library at the same time.
 * @returns what the kernel has seen and what the library has, by the names of calls; `undefined` when strace cannot watch here
 */
export async function seenTwice ({ nest, where }: Bench): Promise<{ kernel: Record<string, number>, library: Record<string, number> } | undefined> {
  const life = new Life(where, 1, 1)
  const started = await life.start(nest)
  if (started === undefined) throw new Error('the server does not start')
  const { child: { pid }, client } = started
  await life.settle(client)
  await life.furnish(client)
  const file = join(where, 'strace')
  const strace = spawn('strace', ['-f', '-qq', '-y', '-s', '0', '-e', `trace=${Object.keys(names).map(name => `?${name}`).join(',')}`, '-o', file, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let failed = false
  const gone = new Promise<void>(resolve => strace.on('error', () => { failed = true; resolve() }).on('exit', () => { failed = true; resolve() }))
  await Promise.race([gone, later(1500)])
  if (failed) return undefined
  const library: Record<string, number> = {}
  const lines: string[] = []
  for (const kind of Object.keys(operations)) {
    await prepare(life, client, kind)
    const before = existsSync(file) ? readFileSync(file, 'utf8').length : 0
    const calls = callsIn(await nest.control.named(async () => {
      await life.do(client, kind, life.stepOf(kind, life.writers[0]!))
      // what was written for it in the background belongs to it
      await later(250)
    }))
    for (const { name } of calls) library[name] = (library[name] ?? 0) + 1
    lines.push(...readFileSync(file, 'utf8').slice(before).split('\n'))
  }
  strace.kill('SIGINT')
  await gone
  await life.verify(client, 'watched')
  client.close()
  await nest.kill()
  return { kernel: counted(lines, life.data), library }
}

function counted (lines: readonly string[], data: string): Record<string, number> {
  const kernel: Record<string, number> = {}
  for (const line of lines) {
    const [, call = '', rest = ''] = /^\d+ +(\w+)\((.*)/.exec(line) ?? []
    const name = names[call]
    if (name === undefined || !isBelow(rest, data)) continue
    if (name === 'open' && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(rest)) continue
    kernel[name] = (kernel[name] ?? 0) + 1
  }
  return kernel
}

/** Paths and the paths of descriptors (`12</path>`). */
function isBelow (argument: string, data: string): boolean {
  return argument.includes(`"${data}/`) || argument.includes(`<${data}/`) || argument.includes(`<${data}>`)
}
