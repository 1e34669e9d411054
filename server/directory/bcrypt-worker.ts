import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'
import type { Question } from './bcrypt.js'

// The thread of bcrypt.ts. In JavaScript one bcrypt keeps its thread for 60 ms and more
parentPort?.on('message', ({ number, given, stored }: Question) => {
  parentPort?.postMessage({ number, isRight: compareSync(given, stored) })
})
