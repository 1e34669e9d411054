import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asCaller } from '../owner.js'
import { AdminError } from '../place.js'

/** A file of who started the program, which appears whole or not at all. */
export class OutFile {
  readonly path: string
  readonly #draft: string | undefined
  readonly #file: number
  readonly #isForced: boolean
  #isOpen = true

  /** @throws AdminError when something is there that is not to be replaced, or there is no directory for it; system errors */
  constructor (path: string, isForced: boolean) {
    this.path = path
    this.#isForced = isForced
    const stats = asCaller(() => statSync(path, { throwIfNoEntry: false }))
    if (stats?.isDirectory() === true) throw new AdminError(`${path} is a directory; expected the name of a file, or -d ${path} for one file for each calendar`)
    if (stats?.isFile() === true && !isForced) throw exists(path)
    if (!asCaller(() => existsSync(dirname(path)))) throw new AdminError(`there is no directory ${dirname(path)} for ${basename(path)}`)
    // a pipe or /dev/null is written as it is
    this.#draft = stats === undefined || stats.isFile() ? join(dirname(path), `.${basename(path).slice(0, 200)}.${process.pid}.part`) : undefined
    this.#file = asCaller(() => openSync(this.#draft ?? path, this.#draft === undefined ? 'w' : 'wx'))
  }

  write (text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at)
  }

  /** Lets it appear. @throws AdminError when somebody has put a file there meanwhile */
  commit (): void {
    const draft = this.#draft
    if (draft !== undefined) fsyncSync(this.#file)
    this.#close()
    if (draft !== undefined) asCaller(() => { this.#place(draft) })
  }

  #place (draft: string): void {
    if (this.#isForced) {
      renameSync(draft, this.path)
      return
    }
    try {
      linkSync(draft, this.path)
    } catch (error) {
      if (existsSync(this.path)) {
        unlinkSync(draft)
        throw exists(this.path)
      }
      // a file system without links
      if (!(error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP'))) throw error
      renameSync(draft, this.path)
      return
    }
    unlinkSync(draft)
  }

  /** Takes away what was written, unless it has appeared. */
  discard (): void {
    if (!this.#isOpen) return
    this.#close()
    const draft = this.#draft
    if (draft !== undefined) asCaller(() => { unlinkSync(draft) })
  }

  #close (): void {
    if (this.#isOpen) closeSync(this.#file)
    this.#isOpen = false
  }
}

function exists (path: string): AdminError {
  return new AdminError(`${path} exists; --force writes over it`)
}
