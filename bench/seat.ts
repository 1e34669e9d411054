import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Connection, type Answer, type Request } from './connection.js'
import type { Contender } from './contender.js'
import type { Sample } from './event.js'
import type { Launched } from './process.js'
import type { Undo } from './undo.js'

/** A running server with its calendar of `samples.length` events, and what the operations remember about it. */
export class Seat {
  readonly etags = new Map<string, string>()
  /** Names of events that an operation added and has not deleted yet. */
  readonly added: string[] = []
  token: string | undefined
  /** Start of a month → how many events were found in it: servers do not always agree. */
  readonly found = new Map<string, number>()
  /** How many changes were made: every one writes other bytes. */
  version = 0
  connection: Connection

  private constructor (
    readonly contender: Contender,
    readonly samples: readonly Sample[],
    readonly directory: string,
    public running: Launched,
    private readonly undo: Undo
  ) {
    this.connection = this.connect()
  }

  static async take (contender: Contender, samples: readonly Sample[], undo: Undo): Promise<Seat> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'caldavd-bench-'))
    undo.add(() => rm(directory, { recursive: true, force: true }))
    await contender.fill(directory, samples)
    return new Seat(contender, samples, directory, await contender.start(directory, undo), undo)
  }

  connect (): Connection {
    return new Connection(this.running.port, this.contender.credentials)
  }

  /** Stops the server, removes what it can rebuild when `chilled`, and starts it again on another port. */
  async restart (chilled: boolean): Promise<void> {
    await this.leave()
    if (chilled) await this.contender.chill(this.directory)
    this.running = await this.contender.start(this.directory, this.undo)
    this.connection = this.connect()
  }

  async leave (): Promise<void> {
    this.connection.close()
    await this.running.stop()
  }

  /**
   * Sends a request whose path is relative to the calendar.
   * @throws Error when the status is not one of `expected`
   */
  async ask (request: Request, ...expected: readonly number[]): Promise<Answer> {
    const answer = await this.connection.send({ ...request, path: this.contender.calendar + request.path })
    if (expected.includes(answer.status)) return answer
    throw new Error(`${request.method} ${request.path}: ${answer.status}, expected ${expected.join(' or ')}: ${answer.body.toString('utf8', 0, 300)}`)
  }
}
