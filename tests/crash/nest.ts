import { spawn, type ChildProcess } from 'node:child_process'
import { Control } from './control.js'
import type { Tools } from './tools.js'

/** A server process that will be killed. */
export interface Child {
  readonly pid: number
  readonly port: number
  /** How it ended: `signal 9`, `exit 1`. */
  readonly ended: Promise<string>
}

/** A process from which servers are forked, one at a time; or, with `isPlain`, they are started as anybody would. */
export class Nest {
  readonly control: Control
  readonly #tools: Tools
  readonly #isPlain: boolean
  #parent: ChildProcess | undefined
  #said = ''
  #lines: string[] = []
  #waiting: ((line: string) => void)[] = []
  #current: Child | undefined

  private constructor (tools: Tools, control: Control, isPlain: boolean) {
    this.#tools = tools
    this.control = control
    this.#isPlain = isPlain
  }

  /** @param file  for its control, must not be there */
  static async open (tools: Tools, file: string, isPlain = false): Promise<Nest> {
    const nest = new Nest(tools, new Control(file), isPlain)
    if (!isPlain) {
      nest.#spawn(['--single-threaded', tools.program, 'loop'])
      const line = await nest.#line()
      if (line !== 'waiting') throw new Error(`the nest does not wait but says ${line}: ${nest.said}`)
    }
    return nest
  }

  /** The end of what the processes have said, without where in the code. */
  get said (): string {
    return this.#said.split('\n').filter(line => !/^\s+at /.test(line)).slice(-12).join('\n')
  }

  #spawn (args: readonly string[]): ChildProcess {
    const { PATH, HOME, TMPDIR } = process.env
    const env = { PATH, HOME, TMPDIR, LD_PRELOAD: this.#tools.library, CRASH_CONTROL: this.control.file }
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#parent = child
    let rest = ''
    child.stdout.on('data', data => {
      const lines = (rest + String(data)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
    })
    child.stderr.on('data', data => { this.#said = (this.#said + String(data)).slice(-8000) })
    child.on('exit', (code, signal) => { this.#take(signal === null ? `ended exit ${code ?? 0}` : signal === 'SIGKILL' ? 'ended signal 9' : `ended ${signal}`) })
    return child
  }

  #take (line: string): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#lines.push(line)
    else waiting(line)
  }

  async #line (): Promise<string> {
    return this.#lines.shift() ?? await new Promise(resolve => { this.#waiting.push(resolve) })
  }

  /**
   * Starts a server on a data directory.
   * @returns `undefined` when it was killed before it was ready, as the control had said
   * @throws Error when it cannot start
   */
  async start (role: 'server' | 'guest', data: string): Promise<Child | undefined> {
    this.control.watch(data)
    this.#said = ''
    const job = JSON.stringify({ role, data })
    if (this.#isPlain) this.#spawn([this.#tools.program, job])
    else this.#parent?.stdin?.write(`${job}\n`)
    const born = await this.#line()
    const ready = born.startsWith('pid ') ? await this.#line() : born
    if (ready === 'ended signal 9' && this.control.hits > 0) return undefined
    if (!ready.startsWith('ready ')) throw new Error(`a ${role} on ${data} is not ready but ${ready}: ${this.said}`)
    this.#current = { pid: Number(born.slice(4)), port: Number(ready.slice(6)), ended: this.#line().then(line => line.replace('ended ', '')) }
    return this.#current
  }

  /** Kills the server that runs. @returns how it ended */
  async kill (): Promise<string> {
    const child = this.#current
    if (child === undefined) return ''
    this.#current = undefined
    try {
      process.kill(child.pid, 'SIGKILL')
    } catch {
      // it was quicker
    }
    return await child.ended
  }

  async close (): Promise<void> {
    await this.kill()
    if (!this.#isPlain && this.#parent !== undefined) {
      const parent = this.#parent
      const gone = new Promise(resolve => { parent.once('exit', resolve) })
      parent.stdin?.end()
      parent.kill('SIGKILL')
      await gone
    }
    this.control.close()
  }
}
