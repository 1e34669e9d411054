import { randomUUID } from 'node:crypto'
import { chown, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AccountsError } from './accounts.js'

// Small files that people and the server both write: read whole, replaced whole, one process at a time.

/** The text of a file; '' when there is none. @throws AccountsError */
export async function readText (file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new AccountsError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Beside, flush, rename; the owner stays the same, or root would lock the server out of its own file. */
export async function replace (file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file)
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${randomUUID().slice(0, 8)}`)
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    const { uid, gid } = await stat(target).catch(() => stat(dirname(target)))
    if (process.getuid?.() === 0) await chown(temporary, uid, gid)
    await rename(temporary, target)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  const directory = await open(dirname(target), 'r')
  await directory.sync().catch(() => {}).finally(() => directory.close())
}

const patienceMilliseconds = 5000

/** One process at a time: `<file>.lock` holds the number of the process that works. */
export async function locked<T> (file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`
  const deadline = Date.now() + patienceMilliseconds
  while (!await take(lock)) {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await clear(lock)
    else if (Date.now() > deadline) throw new AccountsError(`${file}: is being changed by process ${owner || '?'}; if that is not so, delete ${lock}`)
    else await sleep(30)
  }
  try {
    return await work()
  } finally {
    await unlink(lock).catch(() => {})
  }
}

/** Removes a lock whose process is gone. Only who holds a second lock may, after looking once more: others may have cleared and taken it. */
async function clear (lock: string): Promise<void> {
  const second = `${lock}.clearing`
  if (!await take(second)) {
    const owner = Number(await readFile(second, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await unlink(second).catch(() => {})
    return
  }
  try {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await unlink(lock)
  } finally {
    await unlink(second).catch(() => {})
  }
}

async function take (lock: string): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx', 0o600)
    await handle.writeFile(String(process.pid)).finally(() => handle.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Inode, size and times of a file as one text: another text means that it has changed. */
export async function fingerprintOf (file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found === undefined ? 'missing' : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}
