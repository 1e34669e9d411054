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
export async function examined (bytes: Buffer, allowance: Allowance, whose: string): Promise<Facts> {
  if (bytes.length <= heavyBytes) {
    const { facts, isKnown } = works.examine({ bytes, allowance, milliseconds: 8 })
    if (isKnown) return facts
  }
  return (await inThread('examine', { bytes, allowance, milliseconds: 1000 }, whose)).facts
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
/** What is worked at. */
let current: Waiting | undefined
/** What waits, by whose it is; whose turn it is first. */
const waiting = new Map<string, Waiting[]>()

/**
 * Work that would keep everybody waiting, in a thread of its own, one piece after the other.
 * @param whose  a home's path: homes take turns, so that much work for one keeps nobody else waiting
 * @throws what the work throws; DavError 503 when it takes too long or too much memory
 */
export async function inThread<Name extends WorkName> (name: Name, input: Parameters<Works[Name]>[0], whose = ''): Promise<ReturnType<Works[Name]>> {
  const question: Question = { number: ++last, name, input }
  return await new Promise((resolve, reject) => {
    const own = waiting.get(whose) ?? []
    own.push({ question, resolve: value => { resolve(value as ReturnType<Works[Name]>) }, reject })
    waiting.set(whose, own)
    if (current === undefined) ask()
  })
}

/** Each piece is handed over when its turn comes, so that its time is its own. */
function ask (): void {
  clearTimeout(timer)
  current ??= next()
  if (current === undefined) return worker?.unref()
  worker ??= start()
  // the thread does not keep the process alive, but somebody who waits does
  worker.ref()
  timer = setTimeout(() => { giveUp('it takes too long') }, isReady ? patience : patienceToStart)
  if (isReady) worker.postMessage(current.question)
}

function next (): Waiting | undefined {
  for (const [whose, own] of waiting) {
    const first = own.shift()
    // to the end of the line
    waiting.delete(whose)
    if (own.length > 0) waiting.set(whose, own)
    return first
  }
  return undefined
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
  if (current?.question.number !== number) return
  const done = current
  current = undefined
  if (failure === undefined) done.resolve(value)
  else done.reject(errorOf(failure))
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
  const hard = current
  current = undefined
  hard?.reject(new DavError(503, `this object is too hard to read: ${why}`))
  ask()
}
