import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'

/** What the interposed library does at the call of a number; the order is that of interpose.c. */
export const modes = ['idle', 'count', 'kill before', 'kill after', 'half, then kill', 'fail once', 'fail from then on'] as const
export type Mode = typeof modes[number]

/** errno of Linux. */
export const errors = { EIO: 5, ENOSPC: 28, EROFS: 30, EDQUOT: 122 } as const
export type Fault = keyof typeof errors

const size = 32 + 4096

/** The file by which the interposed library of a running process is told what to do. */
export class Control {
  readonly #descriptor: number

  constructor (readonly file: string) {
    this.#descriptor = openSync(file, 'w+')
    ftruncateSync(this.#descriptor, size)
    writeFileSync(`${file}.log`, '')
  }

  /** The directory below which calls are counted; absolute, real. */
  watch (directory: string): void {
    const bytes = Buffer.alloc(size - 32)
    const length = bytes.write(`${directory}/`)
    writeSync(this.#descriptor, bytes, 0, bytes.length, 32)
    this.#put(24, length)
  }

  /** From now on calls are counted, from 1; at `target` something happens. */
  arm (mode: Mode, target = 0, fault: Fault = 'EIO'): void {
    this.#put(0, 0)
    this.#put(4, target)
    this.#put(8, 0)
    this.#put(12, errors[fault])
    this.#put(20, 0)
    this.#put(0, modes.indexOf(mode))
  }

  /** Nothing happens any more. @returns how many calls there were, and how often something was done */
  disarm (): { calls: number, hits: number } {
    this.#put(0, 0)
    return { calls: this.#get(8), hits: this.#get(20) }
  }

  get hits (): number {
    return this.#get(20)
  }

  /** Counts the calls of some work and says which they were. */
  async named (work: () => Promise<unknown>): Promise<string[]> {
    writeFileSync(`${this.file}.log`, '')
    this.#put(16, 1)
    this.arm('count')
    await work()
    this.disarm()
    this.#put(16, 0)
    return readFileSync(`${this.file}.log`, 'utf8').split('\n').slice(0, -1)
  }

  close (): void {
    closeSync(this.#descriptor)
  }

  #put (offset: number, value: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    writeSync(this.#descriptor, bytes, 0, 4, offset)
  }

  #get (offset: number): number {
    const bytes = Buffer.alloc(4)
    readSync(this.#descriptor, bytes, 0, 4, offset)
    return bytes.readUInt32LE()
  }
}
