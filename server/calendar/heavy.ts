import { Worker } from 'node:worker_threads'
import type { Facts } from '../../store/index/fact.js'
import { DavError } from '../dav/error.js'
import type { Allowance } from '../ical/allowance.js'
import { IcalError, type IcalReason } from '../ical/parse.js'
import type { Element } from '../xml/element.js'
import { works, type WorkName, type Works } from './heavy-work.js'

/** Objects of more bytes are read in a thread: 64 KB take some ms, 1 MB built to hurt takes hundreds. */
export const heavyBytes = 64 * 1024

/** One piece of work for the thread. */
export interface Question { readonly number: number, readonly name: WorkName, readonly input: unknown }

/** What came of it. */
export interface Answer {
  readonly number: number
  readonly value?: unknown
  readonly failure?:
    | { readonly kind: 'ical', readonly reason: IcalReason, readonly message: string }
    | { readonly kind: 'dav', readonly status: number, readonly message: string, readonly element: Element | undefined }
    | { readonly kind: 'other', readonly message: string }
}

interface Waiting { readonly question: Question, resolve (value: unknown): void, reject (error: Error): void }

/** What `describe`, `calendarObject` and `demandWithin` say of a body; large ones are looked at elsewhere. @throws IcalError */
export async function examined (bytes: Buffer, allowance: Allowance): Promise<Facts> {
  if (bytes.length <= heavyBytes) {
    const { facts, isKnown } = works.examine({ bytes, allowance, milliseconds: 8 })
    if (isKnown) return facts
  }
  return (await inThread('examine', { bytes, allowance, milliseconds: 1000 })).facts
}

/** How long one piece of work may take, in ms, once the thread has read its program. */
const patience = 10_000
const patienceToStart = 120_000
/** What the thread may use, in MB: a body of 10 MB is far below it. */
const memory = 512

let worker: Worker | undefined
let isReady = false
let timer: NodeJS.Timeout | undefined
let last = 0
/** In the order in which they are worked off. */
const waiting = new Map<number, Waiting>()

/**
 * Work that would keep everybody waiting, in a thread of its own, one piece after the other.
 * @throws what the work throws; DavError 503 when it takes too long or too much memory
 */
export async function inThread<Name extends WorkName> (name: Name, input: Parameters<Works[Name]>[0]): Promise<ReturnType<Works[Name]>> {
  const question: Question = { number: ++last, name, input }
  return await new Promise((resolve, reject) => {
    waiting.set(question.number, { question, resolve: value => { resolve(value as ReturnType<Works[Name]>) }, reject })
    if (waiting.size === 1) ask()
  })
}

/** The first that waits is worked at; each is handed over when its turn comes, so that its time is its own. */
function ask (): void {
  clearTimeout(timer)
  const [next] = waiting.values()
  if (next === undefined) return worker?.unref()
  worker ??= start()
  // the thread does not keep the process alive, but somebody who waits does
  worker.ref()
  timer = setTimeout(() => { giveUp('it takes too long') }, isReady ? patience : patienceToStart)
  if (isReady) worker.postMessage(next.question)
}

function start (): Worker {
  const thread = new Worker(new URL('./heavy-worker.js', import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: memory } })
  thread.on('message', (answer: Answer | 'ready') => {
    if (answer === 'ready') {
      isReady = true
      ask()
    } else settle(answer)
  })
  thread.on('error', error => { if (worker === thread) giveUp(error.message) })
  thread.on('exit', () => { if (worker === thread) giveUp('its thread has ended') })
  return thread
}

function settle ({ number, value, failure }: Answer): void {
  const done = waiting.get(number)
  waiting.delete(number)
  if (failure === undefined) done?.resolve(value)
  else done?.reject(errorOf(failure))
  ask()
}

function errorOf (failure: NonNullable<Answer['failure']>): Error {
  if (failure.kind === 'ical') return new IcalError(failure.reason, failure.message)
  if (failure.kind === 'dav') return new DavError(failure.status, failure.message, failure.element === undefined ? {} : { element: failure.element })
  return new Error(failure.message)
}

/** What is worked at is refused; the next goes to another thread. */
function giveUp (why: string): void {
  const thread = worker
  worker = undefined
  isReady = false
  void thread?.terminate()
  const [first] = waiting.values()
  if (first !== undefined) {
    waiting.delete(first.question.number)
    first.reject(new DavError(503, `this object is too hard to read: ${why}`))
  }
  ask()
}
