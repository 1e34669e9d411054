import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import type { Sample } from './event.js'
import type { Launched } from './process.js'
import type { Undo } from './undo.js'

/** A server in the race: how its calendar lies on disk and how it is started. */
export interface Contender {
  readonly name: string
  readonly version: string
  /** `user:password` for Basic authentication. */
  readonly credentials: string
  /** The encoded path of the calendar, with its trailing slash. */
  readonly calendar: string
  /** Writes a calendar with these events into the empty directory `directory`, in the server's own format. */
  fill (directory: string, samples: readonly Sample[]): Promise<void>
  start (directory: string, undo: Undo): Promise<Launched>
  /** Whether it keeps anything on disk that it could rebuild from the events. */
  readonly keepsIndex: boolean
  /** Deletes just that; only while the server is stopped. */
  chill (directory: string): Promise<void>
}

/** The path of a program in PATH, undefined when it is not installed. */
export function which (program: string): string | undefined {
  return (process.env['PATH'] ?? '').split(path.delimiter).map(directory => path.join(directory, program)).find(file => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
