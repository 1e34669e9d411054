import type { Stats } from 'node:fs'
import type { Settings } from '../../../conf/settings.js'

/** What all checks need to know. */
export interface Ward {
  readonly settings: Settings
  /** Absolute. */
  readonly documents: string
  /** Absolute. */
  readonly state: string
  /** Who the documents belong to, and so who the server is. */
  readonly owner: Pick<Stats, 'uid' | 'gid'>
  /** The number of the process that serves the documents now. */
  readonly server: number | undefined
  /** The file system of the documents takes attributes. */
  readonly keepsAttributes: boolean
  /** ms since 1970 */
  readonly now: number
}

/** So much (ms) the clocks of machines that share files may differ. */
export const clockSlack = 120_000
