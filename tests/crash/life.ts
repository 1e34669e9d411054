import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { random, type Random } from '../oracle/random.js'
import { Client, Gone } from './client.js'
import type { Child, Nest } from './nest.js'
import { anyStep, firstCalendars, furnishing, operations, type Step, type Writer } from './operation.js'
import { look, Memory } from './verify.js'
import { at, color, differences, displayname, put, settled, type World } from './world.js'

/** Something is not as promised. */
export class Broken extends Error {}

/** A failure with what is needed to look into it and to see it again; others as they are. @param again  arguments of `npm run crash --` */
export function withTrail (error: unknown, life: Life, said: string, again: string): unknown {
  if (!(error instanceof Broken || error instanceof Gone)) return error
  return new Broken(`${error.message}\nthe server said:\n${said}\ndata: ${life.data}\nagain: npm run crash -- ${again}`)
}

/** One data directory through many crashes, with what must be in it. */
export class Life {
  world: World = {}
  readonly memory = new Memory()
  readonly data: string
  readonly random: Random
  readonly writers: readonly Writer[]
  /** Requests that were not answered. */
  readonly pending = new Set<Step>()
  /** What was done last, for a report. */
  readonly trail: string[] = []
  acknowledged = 0
  /** Calendars that somebody may have written to since `verify`. */
  readonly #touched = new Set<string>()
  #looks = 0

  /** @param parent  a directory for it */
  constructor (parent: string, readonly seed: number, writers = 3) {
    this.random = random(seed)
    this.data = join(realpathSync(parent), `life-${seed}-${process.hrtime.bigint()}`)
    mkdirSync(join(this.data, 'conf'), { recursive: true })
    writeFileSync(join(this.data, 'conf', 'accounts.toml'), ['alice', 'bob'].map((name, number) => `[users.${name}]\nguid = "00000000-0000-0000-0000-00000000000${number + 1}"\nfullName = "${name}"\npassword = "plain:${name}"\n`).join('\n'))
    let count = 0
    this.writers = Array.from({ length: writers }, (_, id) => ({ id, random: random(seed * 31 + id), next: () => ++count }))
  }

  /** @throws Error when the server cannot start */
  async start (nest: Nest, role: 'server' | 'guest' = 'server'): Promise<{ child: Child, client: Client } | undefined> {
    if (role === 'server') this.memory.starts()
    const child = await nest.start(role, this.data)
    return child === undefined ? undefined : { child, client: new Client(child.port) }
  }

  /** Makes the calendars that are always there. */
  async settle (client: Client): Promise<void> {
    for (const name of firstCalendars(this.writers.length)) {
      const { status, body } = await client.ask({ method: 'MKCALENDAR', path: `${name}/`, body: `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop><D:displayname>${name}</D:displayname><A:calendar-color>#00FF00FF</A:calendar-color></D:prop></D:set></C:mkcalendar>` })
      if (status !== 201) throw new Broken(`MKCALENDAR ${name}: ${status} ${body}`)
      this.world = put(this.world, name, { properties: { [displayname]: name, [color]: '#00FF00FF' }, members: {} })
    }
  }

  /** Makes a world in which every operation can be done. */
  async furnish (client: Client): Promise<void> {
    for (const writer of this.writers) for (const kind of furnishing) await this.do(client, kind, this.stepOf(kind, writer))
  }

  /** @throws Broken when there is nothing to do it with */
  stepOf (kind: string, writer: Writer): Step {
    const step = operations[kind]?.(this.world, writer)
    if (step === undefined) throw new Broken(`nothing to do ${kind} with`)
    return step
  }

  /**
   * One write. What is acknowledged counts from then on.
   * @throws Gone when the server was killed; Broken for another answer than that of success
   */
  async do (client: Client, kind: string, step: Step): Promise<void> {
    const { status, body } = await this.try(client, kind, step)
    if (status !== step.expected) throw new Broken(`${kind}, ${step.ask.path}: ${status} ${body.slice(0, 300)}`)
    this.acknowledge(step)
  }

  /** One write, of which is not yet known what became. @throws Gone */
  async try (client: Client, kind: string, step: Step): Promise<{ status: number, body: string }> {
    for (const place of step.places) {
      this.#touched.add(place.split('/', 1)[0] ?? '')
      const after = at(step.apply(this.world), place)
      for (const thing of after === undefined ? [] : 'members' in after ? Object.values(after.members) : [after]) this.memory.sends(thing.body)
    }
    this.trail.push(`${kind}, ${step.ask.path} ${step.ask.headers?.['destination'] ?? ''}`)
    if (this.trail.length > 12) this.trail.shift()
    this.pending.add(step)
    return await client.ask(step.ask)
  }

  /** What a step says is the case now. @param isKept  what it overwrote or deleted must be in the history */
  acknowledge (step: Step, isKept = true): void {
    this.pending.delete(step)
    this.world = step.apply(this.world)
    if (isKept) for (const body of step.lost) this.memory.loses(body)
    this.acknowledged++
  }

  /** What of the requests without answer, or with a refusal, was done: the world that this makes, and what is lost by it. */
  #judged (found: World): { world: World, lost: string[] } {
    let { world } = this
    const lost: string[] = []
    for (const step of this.pending) {
      const before = world
      const after = step.apply(world)
      for (const place of step.places) world = settled(world, put(world, place, at(after, place)), found, place)
      // of an overwriting with the same nobody can tell
      if (differences(after, world).length === 0 && differences(before, after).length > 0) lost.push(...step.lost)
    }
    return { world, lost }
  }

  /**
   * Compares with what must be. Calendars that nobody has written to since the last time are looked into every tenth time only.
   * @param patience  how often it is looked again after a moment when something is wrong: a comparison may be under way
   * @param isCalm  the index on the disk and the mirrors must agree too; not when the disk has refused everything, until it is compared again
   * @throws Broken, Gone
   */
  async verify (client: Client, why: string, { isWhole = this.#looks % 10 === 0, patience = 0, isCalm = true } = {}): Promise<void> {
    this.#looks++
    for (let attempt = 0; ; attempt++) {
      const found = await look(client, this.data, this.memory, { known: this.world, isCalm, ...isWhole ? {} : { only: this.#touched } })
      const { world, lost } = this.#judged(found.world)
      for (const body of lost) this.memory.loses(body)
      const all = new Set([...differences(world, found.world), ...found.faults, ...this.memory.look(join(this.data, 'history'))])
      if (all.size === 0) {
        this.world = world
        this.pending.clear()
        this.#touched.clear()
        return
      }
      if (attempt >= patience) throw new Broken(`${why}:\n  ${[...all].slice(0, 12).join('\n  ')}\nlast requests:\n  ${this.trail.join('\n  ')}`)
      await later(300)
    }
  }

  /** All writers write until the server is killed or told to end. @returns when every one has ended */
  async load (clientOf: (writer: Writer) => Client, isOver: () => boolean): Promise<void> {
    await Promise.all(this.writers.map(async writer => {
      try {
        while (!isOver()) {
          const { kind, step } = anyStep(this.world, writer)
          await this.do(clientOf(writer), kind, step)
        }
      } catch (error) {
        if (!(error instanceof Gone)) throw error
      }
    }))
  }

  remove (): void {
    rmSync(this.data, { recursive: true, force: true })
  }
}
