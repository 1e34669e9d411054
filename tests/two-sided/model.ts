import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'

/** The ETag that a body has to have. */
export function etagOf (bytes: string | Buffer): string {
  return `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`
}

/** Stands for a member that is not served. */
export const none = ''

/** What lies under a name: `isGood` = it can be served. */
interface Lying { readonly etag: string, readonly isGood: boolean }

const ignored = /^\.|~$|^#.*#$|\.(?:sw[a-p]|part|tmp|bak)$/i
const boxes: ReadonlySet<string> = new Set(['inbox', 'outbox'])

/**
 * What may be served, worked out from what lies on the disk and from what the server has shown so far. Paths are `alice/work/a.ics`, below
 * the users' homes. The server may look at the files at any time, or not: so what it holds is a set of ETags until somebody sees one of them.
 */
export class Model {
  readonly #root: string
  readonly #good: ReadonlySet<string>
  #disk = new Map<string, Lying>()
  #calendars = new Set<string>()
  /** What the index may hold of a path. */
  readonly #held = new Map<string, Set<string>>()
  /** Paths that went back to an older state: what was served before goes on being served; if `isSure` is false, only perhaps. */
  readonly #back = new Map<string, { isSure: boolean, isSeen: boolean }>()
  /** Calendars that the server has shown and that have been there since. */
  readonly #seen = new Set<string>()
  /** What has ever lain under a path and can be served. */
  readonly #ever = new Map<string, Set<string>>()
  /** What the directories of calendars were like when the server looked last, as far as is known. */
  readonly #looked = new Map<string, Stats | undefined>()
  /** Calendars whose times say nothing any more. */
  readonly #vague = new Set<string>()
  /** What the server certainly has had: shown to somebody, or acknowledged. ETag → where. */
  readonly known = new Map<string, string>()

  /** @param good  the ETags of all bodies that can be served; grows */
  constructor (root: string, good: ReadonlySet<string>) {
    this.#root = root
    this.#good = good
    this.step()
  }

  /** Something has happened to the files. */
  step (): void {
    this.#read()
    for (const path of this.#seen) if (!this.#calendars.has(path)) this.#seen.delete(path)
    for (const path of this.#paths()) {
      const may = this.#held.get(path) ?? new Set([none])
      for (const etag of this.expected(path)) may.add(etag)
      const lying = this.#disk.get(path)
      if (lying?.isGood === true) this.#ever.set(path, (this.#ever.get(path) ?? new Set()).add(lying.etag))
      this.#held.set(path, may)
    }
  }

  #read (): void {
    this.#disk = new Map()
    this.#calendars = new Set()
    for (const user of directories(this.#root)) {
      for (const calendar of directories(join(this.#root, user))) {
        if (boxes.has(calendar)) continue
        this.#calendars.add(`${user}/${calendar}`)
        const directory = join(this.#root, user, calendar)
        for (const name of readdirSync(directory)) {
          if (ignored.test(name) || !lstatSync(join(directory, name)).isFile()) continue
          const etag = etagOf(readFileSync(join(directory, name)))
          this.#disk.set(`${user}/${calendar}/${name}`, { etag, isGood: this.#good.has(etag) })
        }
      }
    }
  }

  #paths (): Set<string> {
    return new Set([...this.#disk.keys(), ...this.#held.keys()])
  }

  /** The ETags of which one is served, now that somebody looks. */
  expected (path: string): ReadonlySet<string> {
    const held = this.#held.get(path) ?? new Set([none])
    const calendar = path.slice(0, path.lastIndexOf('/'))
    if (!this.#calendars.has(calendar)) return new Set([none])
    const lying = this.#disk.get(path)
    const back = this.#back.get(path)
    const isSure = back?.isSure === true && !this.#vague.has(calendar) && !held.has(none)
    // what hands have removed or edited a short time before may have been the restoring
    if (back !== undefined) return new Set([...held, ...this.#ever.get(path) ?? [], ...isSure ? [] : [lying?.isGood === true ? lying.etag : none]])
    if (this.#vague.has(calendar)) return new Set([...held, lying?.isGood === true ? lying.etag : none])
    if (lying === undefined) return new Set([none])
    return lying.isGood ? new Set([lying.etag]) : held
  }

  /** The calendars that are there: `alice/work`. */
  get calendars (): ReadonlySet<string> {
    return this.#calendars
  }

  /** The paths of what lies in a calendar. */
  filesIn (calendar: string): string[] {
    return [...this.#disk.keys()].filter(path => path.startsWith(`${calendar}/`))
  }

  /** The paths of which something may be served in a calendar. */
  membersOf (calendar: string): string[] {
    return [...this.#paths()].filter(path => path.startsWith(`${calendar}/`))
  }

  isGood (path: string): boolean {
    return this.#disk.get(path)?.isGood === true
  }

  /** What is wrong with a path that is served with this ETag, or as `none`; `undefined` when nothing is. */
  wrong (path: string, etag: string): string | undefined {
    const expected = this.expected(path)
    if (expected.has(etag)) return undefined
    const words = (one: string): string => one === none ? 'gone' : one
    return `${path} is ${words(etag)}, expected ${[...expected].map(words).join(' or ')}; on the disk: ${JSON.stringify(this.#disk.get(path))}${this.#back.has(path) ? ', gone back' : ''}`
  }

  /** Whether a server that has not heard of the latest changes may serve this. */
  mayHold (path: string, etag: string): boolean {
    return (this.#held.get(path) ?? new Set([none])).has(etag)
  }

  /** The server has shown what it serves, which is not wrong. */
  saw (path: string, etag: string): void {
    if (this.#back.has(path)) {
      const lying = this.#disk.get(path)
      const isServed = etag !== (lying?.isGood === true ? lying.etag : none)
      this.#back.set(path, { isSure: isServed && this.#back.get(path)?.isSure === true, isSeen: true })
    }
    this.hold(path, etag)
  }

  /** The server has shown these calendars. */
  sawCalendars (paths: readonly string[]): void {
    for (const path of paths) this.#seen.add(path)
  }

  /** Whether a calendar has been there since it was seen. */
  wasSeen (path: string): boolean {
    return this.#seen.has(path)
  }

  /** The server has acknowledged. */
  hold (path: string, etag: string): void {
    this.#held.set(path, new Set([etag]))
    if (etag !== none) this.known.set(etag, path)
  }

  /** Notes what the directories of calendars are like: the server has just looked at them. */
  looked (calendars: readonly string[]): void {
    for (const path of calendars) this.#looked.set(path, this.#stats(path))
  }

  #stats (calendar: string): Stats | undefined {
    return lstatSync(join(this.#root, calendar), { throwIfNoEntry: false })
  }

  /**
   * Somebody restores a calendar from an older copy, so that files are older or missing. It can be told for sure when the directory's time
   * goes back, or it is another one.
   */
  restores (calendar: string, restore: () => void): void {
    const [seen, before] = [this.#looked.get(calendar), this.#stats(calendar)]
    const paths = this.membersOf(calendar)
    restore()
    const after = this.#stats(calendar)
    const isSure = [seen, before].every(one => one !== undefined && after !== undefined && (one.ino !== after.ino || after.mtimeMs < one.mtimeMs))
    for (const path of paths) this.#back.set(path, { isSure, isSeen: false })
    this.step()
  }

  /** A calendar got another name: what is served of broken files may go with it. */
  moved (calendar: string, to: string): void {
    for (const path of this.membersOf(calendar)) {
      const other = to + path.slice(calendar.length)
      this.#held.set(other, new Set([...this.#held.get(other) ?? [none], ...this.#held.get(path) ?? []]))
      this.#ever.set(other, new Set([...this.#ever.get(other) ?? [], ...this.#ever.get(path) ?? []]))
      // what is held goes with it too
      if (this.#back.has(path)) this.#back.set(other, { isSure: false, isSeen: false })
      this.#back.delete(path)
    }
  }

  /** Somebody has set the time of a calendar: whether it went back to an older state cannot be told any more. */
  blur (calendar: string): void {
    this.#vague.add(calendar)
  }

  /**
   * A hand or a client has dealt with a path: what is there counts. That changes the time of the directory: that it went back before, and
   * nobody looked in between, cannot be told any more.
   * @param isOld  with something that has an old time: then what was served may go on being served
   */
  settled (path: string, isOld = false): void {
    const back = this.#back.get(path)
    if (back?.isSeen === true && !isOld) this.#back.delete(path)
    else if (back !== undefined) this.#back.set(path, { ...back, isSure: false })
    const calendar = path.slice(0, path.lastIndexOf('/') + 1)
    for (const [other, { isSeen }] of this.#back) if (!isSeen && other.startsWith(calendar)) this.#back.set(other, { isSure: false, isSeen })
  }

  /** What may be held, to be brought back by `forgot`. */
  remember (): ReadonlyMap<string, ReadonlySet<string>> {
    return new Map([...this.#held].map(([path, may]) => [path, new Set(may)]))
  }

  /** The index was lost, or is an older one. @param kept  ETags of what is on the disk or in the history */
  forgot (older: ReadonlyMap<string, ReadonlySet<string>> | undefined, kept: ReadonlySet<string>): void {
    for (const etag of [...this.known.keys()]) if (!kept.has(etag)) this.known.delete(etag)
    for (const path of this.#paths()) {
      const may = older === undefined ? new Set<string>() : this.#held.get(path) ?? new Set<string>()
      for (const etag of older?.get(path) ?? [none]) may.add(etag)
      this.#held.set(path, may)
    }
    if (older === undefined) this.#back.clear()
    for (const [path, back] of this.#back) this.#back.set(path, { ...back, isSure: false })
    this.step()
  }
}

/** The names of the directories in one, without hidden ones. */
export function directories (path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).filter(entry => entry.isDirectory() && !ignored.test(entry.name)).map(entry => entry.name)
}

/** The ETags of all files below a directory. */
export function etagsBelow (directory: string): Set<string> {
  const found = new Set<string>()
  let all
  try {
    all = readdirSync(directory, { recursive: true, withFileTypes: true })
  } catch {
    return found
  }
  for (const entry of all) if (entry.isFile()) found.add(etagOf(readFileSync(join(entry.parentPath, entry.name))))
  return found
}
