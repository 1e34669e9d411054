import { parentPort } from 'node:worker_threads'
import { DavError } from '../dav/error.js'
import { IcalError } from '../ical/parse.js'
import type { Answer, Question } from './heavy.js'
import { works } from './heavy-work.js'

// The thread of heavy.ts
parentPort?.on('message', ({ number, name, input }: Question) => {
  let answer: Answer
  try {
    answer = { number, value: (works[name] as (input: unknown) => unknown)(input) }
  } catch (error) {
    answer = { number, failure: failureOf(error) }
  }
  parentPort?.postMessage(answer)
})

parentPort?.postMessage('ready')

function failureOf (error: unknown): NonNullable<Answer['failure']> {
  if (error instanceof IcalError) return { kind: 'ical', reason: error.reason, message: error.message }
  if (error instanceof DavError) return { kind: 'dav', status: error.status, message: error.message, element: error.element }
  return { kind: 'other', message: error instanceof Error ? error.stack ?? error.message : String(error) }
}
