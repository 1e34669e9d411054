import { Worker } from 'node:worker_threads'

/** One comparison for the thread. */
export interface Question { readonly number: number, readonly given: string, readonly stored: string }

interface Answer { readonly number: number, readonly isRight: boolean }

interface Waiting { resolve (isRight: boolean): void, reject (error: Error): void }

let worker: Worker | undefined
let last = 0
const waiting = new Map<number, Waiting>()

/** Is `given` (as it was typed, in UTF-8 at most its first 72 bytes) the password of '$2y$10$…'? One at a time, in a thread of its own. */
export async function isBcrypt (stored: string, given: string): Promise<boolean> {
  worker ??= start()
  const number = ++last
  // The thread does not keep the process alive, but somebody who waits does
  worker.ref()
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject })
    worker?.postMessage({ number, given, stored } satisfies Question)
  })
}

function start (): Worker {
  const thread = new Worker(new URL('./bcrypt-worker.js', import.meta.url))
  thread.on('message', ({ number, isRight }: Answer) => {
    waiting.get(number)?.resolve(isRight)
    waiting.delete(number)
    if (waiting.size === 0) thread.unref()
  })
  thread.on('error', error => { end(thread, error) })
  thread.on('exit', () => { end(thread, new Error('the thread for bcrypt has ended')) })
  return thread
}

// The next question starts another thread
function end (thread: Worker, error: Error): void {
  if (worker !== thread) return
  worker = undefined
  for (const { reject } of waiting.values()) reject(error)
  waiting.clear()
}
