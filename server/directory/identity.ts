import type { DirectoryRecord } from './record.js'

/** How far an app password reaches: less than the account's own. */
export interface Limit {
  /** What its owner called it: 'Phone'. */
  readonly name: string
  readonly readOnly: boolean
  /** The only calendars of the own home it opens, by their names; undefined = all. */
  readonly calendars?: readonly string[] | undefined
}

/** Who has logged in. */
export interface Identity {
  readonly record: DirectoryRecord
  readonly limit?: Limit | undefined
  /** The name of the administrator who acts as this record (X-Authorize-As). */
  readonly sudoer?: string | undefined
}
