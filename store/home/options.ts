import type { History } from '../history/history.js'
import type { Describe } from '../index/fact.js'
import type { Naming } from '../scan.js'

/** What a home is told by the store. */
export interface HomeOptions {
  /** Below the documents, decoded: `calendars/users/alice`. */
  readonly path: string
  readonly directory: string
  readonly indexFile: string
  readonly describe: Describe
  /** What `describe` knows besides the bytes, such as the version of the time zones: with another one it is asked again. */
  readonly knowledge?: string | undefined
  /** Whether the members of a collection are objects. `path` is below the home. */
  readonly holdsObjects: (path: string, resourcetype: string | undefined) => boolean
  /** Whether one body is an older state of another. */
  readonly isOlder?: ((one: Buffer, other: Buffer) => boolean) | undefined
  /** A collection whose files or properties changed, by whomever. */
  readonly changed: (path: string) => void
  /** A directory was found, or is another one than before. */
  readonly met: (directory: string, inode: number) => void
  /** A directory is gone. */
  readonly lost: (directory: string) => void
  readonly report: (message: string) => void
  /** How the file system takes names; any without. */
  readonly naming?: (() => Naming) | undefined
  /** Where goes what was overwritten or removed by hand; without it nothing is kept. */
  readonly history?: History | undefined
  /** Another process may serve the home: its drafts are left alone, and what it has told is not told again. */
  readonly isGuest?: boolean | undefined
}
