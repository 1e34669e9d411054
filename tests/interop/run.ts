import { spawn } from 'node:child_process'

/** How a program ended; both streams in `printed`, in the order they came. */
export interface Ended {
  readonly code: number | null
  readonly printed: string
}

/** Runs a program to its end, at most a minute. Not synchronous: the test's own requests must go on meanwhile. */
export function run (
  command: string, args: readonly string[], options: { cwd?: string, environment?: Record<string, string>, input?: string } = {}
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.environment },
      timeout: 60_000,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd })
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { printed += String(text) })
    child.on('error', reject)
    child.on('close', code => resolve({ code, printed }))
    // A program that does not read its input to the end is no fault
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
