import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { codeOf, StoreError, translated } from './error.js'
import { makeDirectories } from './file.js'

/**
 * Makes sure that one process serves a data directory. What a crash left behind is recognised: the process of that number
 * is gone, or was started at another time. On a full disk the lock is a symbolic link to nowhere, which needs no room; where nothing
 * can be written there is none to take.
 * @returns gives the lock back
 * @throws StoreError exists, naming the other process
 */
export function lock (state: string): () => void {
  const path = `${state}/lock`
  makeDirectories(state)
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}`
  for (let attempt = 0; attempt < 5; attempt++) {
    if (take(path, mine)) return () => { if (holder(path) === mine) giveBack(path) }
    const other = holder(path)
    if (other !== undefined && isRunning(other)) throw taken(path, other)
    clear(path, other)
  }
  throw new StoreError('exists', `cannot take ${path}: other processes keep taking it`)
}

/** The number of the process that serves a data directory now; `undefined` when none does. */
export function servedBy (state: string): number | undefined {
  const who = holder(`${state}/lock`)
  return who !== undefined && isRunning(who) ? Number(who.split(' ', 1)[0]) : undefined
}

function giveBack (path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    // it is known for stale at the next start
    if (codeOf(error) !== 'EROFS') throw translated(error, `remove ${path}`)
  }
}

function taken (path: string, other: string): StoreError {
  return new StoreError('exists', `process ${other.split(' ', 1)[0] ?? ''} serves this data directory already (${path})`)
}

// by a link, so that nobody ever sees a lock that does not say yet whose it is
function take (path: string, mine: string): boolean {
  const own = `${path}.${process.pid}`
  try {
    writeFileSync(own, mine)
    linkSync(own, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') return takeWithoutRoom(path, mine)
    if (codeOf(error) === 'EROFS') return !isLocked(path)
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) return takeWithoutLinks(path, mine)
    throw translated(error, `lock ${path}`)
  } finally {
    rmSync(own, { force: true })
  }
}

function takeWithoutLinks (path: string, mine: string): boolean {
  try {
    writeFileSync(path, mine, { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw translated(error, `lock ${path}`)
  }
}

function takeWithoutRoom (path: string, mine: string): boolean {
  try {
    symlinkSync(mine, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw translated(error, `lock ${path}`)
  }
}

function isLocked (path: string): boolean {
  const other = holder(path)
  return other !== undefined && isRunning(other)
}

// renamed first: what another process has put there since it was read must not be removed with it
function clear (path: string, stale: string | undefined): void {
  const aside = `${path}.old.${process.pid}`
  try {
    renameSync(path, aside)
    const found = holder(aside)
    if (found !== undefined && found !== stale && isRunning(found)) {
      linkSync(aside, path)
      throw taken(path, found)
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw translated(error, `lock ${path}`)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

function holder (path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') return undefined
  }
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
