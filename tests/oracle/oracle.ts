import { execFile, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'

/** Debian's own, which has Debian's packages. */
export const python = '/usr/bin/python3'

const here = import.meta.dirname

/** Why an oracle cannot be asked; false when it can. */
export const missing = {
  dateutil: spawnSync(python, ['-c', 'import dateutil, zoneinfo'], { timeout: 20_000 }).status === 0 ? false : 'python3-dateutil is not installed',
  libical: spawnSync('cc', ['-E', '-x', 'c', '-'], { input: '#include <libical/ical.h>', timeout: 20_000 }).status === 0 ? false : 'libical-dev or a compiler is not installed'
}

/** Compiles a C program of this directory against libical into a directory of the test; its path. */
export async function compiled (t: Test, name: string): Promise<string> {
  const program = join(t.testdir(), name)
  await promisify(execFile)('cc', ['-O1', '-o', program, join(here, `${name}.c`), '-lical'])
  return program
}

/** A script of this directory as a command. */
export function script (name: string): readonly [string, ...string[]] {
  return [python, join(here, name)]
}

/** One line in, one line out; what the oracle complains of is thrown. */
export async function ask (command: readonly [string, ...string[]], lines: readonly string[]): Promise<string[]> {
  const [program, ...args] = command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let told = ''
  let wrong = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { told += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { wrong += text })
  child.stdin.on('error', () => {})
  child.stdin.end(lines.map(line => `${line}\n`).join(''))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const answers = told.split('\n').slice(0, -1)
  if (code !== 0 || answers.length !== lines.length) throw new Error(`${program} answered ${answers.length} of ${lines.length} lines (exit ${code}): ${wrong.slice(-2000)}`)
  return answers
}
