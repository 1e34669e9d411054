/** What became, or with --dry-run would become, of one directory of a backup. Names are those of files in the backup. */
export interface Outcome {
  /** As it is typed: 'alice/work'. */
  readonly path: string
  /** 'made': it was missing. 'deleted': it was deleted here and stays so. 'moved': all it held lies elsewhere. */
  state: 'there' | 'made' | 'deleted' | 'moved'
  /** When it was deleted, ms since 1970. */
  deletedAt?: number
  /** Names, colours and access were missing and came back. */
  properties: boolean
  /** Written to the disk as they are served. */
  readonly held: string[]
  readonly broughtBack: string[]
  /** Of these: newer in the history here than in the backup, so that they came from there. */
  readonly fromHistory: string[]
  /** Their names were taken by other events. */
  readonly renamed: { readonly name: string, readonly as: string }[]
  readonly replaced: string[]
  /** Broken here; written again as they are served. */
  readonly mended: string[]
  same: number
  readonly kept: string[]
  /** Their UID lies in another calendar here. */
  readonly moved: { readonly name: string, readonly to: string }[]
  /** Deleted here since the backup. */
  readonly deleted: { readonly name: string, readonly at: number }[]
  /** Of the backup. `isMissing`: there is nothing good of that name here either. */
  readonly unreadable: { readonly name: string, readonly problem: string, readonly isMissing: boolean }[]
  /** Could not be written. */
  readonly failed: { readonly name: string, readonly problem: string }[]
}

export function outcomeOf (path: string): Outcome {
  return { path, state: 'there', properties: false, held: [], broughtBack: [], fromHistory: [], renamed: [], replaced: [], mended: [], same: 0, kept: [], moved: [], deleted: [], unreadable: [], failed: [] }
}

/** What became of a backup. */
export interface Result {
  readonly collections: readonly Outcome[]
  /** Homes of the backup that were left out. */
  readonly leftOut: readonly { readonly home: string, readonly problem: string }[]
}

/** Whether something that should be here is not. */
export function isIncomplete ({ collections, leftOut }: Result): boolean {
  return leftOut.length > 0 || collections.some(({ unreadable, failed }) => failed.length > 0 || unreadable.some(({ isMissing }) => isMissing))
}
