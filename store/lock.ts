import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { codeOf, StoreError, translated } from './error.js'

/**
 * Makes sure that one process serves a data directory. What a crash left behind is recognised: the process of that number
 * is gone, or was started at another time.
 * @returns gives the lock back
 * @throws StoreError exists, naming the other process
 */
export function lock (state: string): () => void {
  const path = `${state}/lock`
  mkdirSync(state, { recursive: true })
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}`
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const descriptor = openSync(path, 'wx', 0o644)
      writeSync(descriptor, mine)
      closeSync(descriptor)
      return () => { if (holder(path) === mine) rmSync(path, { force: true }) }
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw translated(error, `lock ${state}`)
    }
    const other = holder(path)
    if (other !== undefined && isRunning(other)) {
      throw new StoreError('exists', `process ${other.split(' ', 1)[0] ?? ''} serves this data directory already (${path})`)
    }
    rmSync(path, { force: true })
  }
  throw new StoreError('exists', `cannot take ${path}: other processes keep taking it`)
}

function holder (path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function isRunning (who: string): boolean {
  const [pid = '', start = ''] = who.split(' ')
  if (!/^\d+$/.test(pid)) return false
  if (Number(pid) === process.pid) return start === (startOf(process.pid) ?? '')
  const now = startOf(Number(pid))
  if (now !== undefined) return now === start
  try {
    process.kill(Number(pid), 0)
    return start === ''
  } catch (error) {
    return codeOf(error) === 'EPERM' && start === ''
  }
}

/** When a process was started, in the kernel's ticks; `undefined` where /proc does not say. */
function startOf (pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // the second field is the program's name in parentheses, which may hold anything
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
