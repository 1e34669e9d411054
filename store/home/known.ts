/** A directory of a home. Its members are files; the collections below it have entries of their own. */
export interface Collection {
  readonly id: number
  /** Below the home, `/` between, '' = the home itself. */
  readonly path: string
  readonly directory: string
  /** The `{DAV:}resourcetype` attribute as XML, `undefined` when it has none. */
  readonly resourcetype: string | undefined
  /** Its members are described, and served only when they can be. */
  readonly holdsObjects: boolean
}

/** What this process knows of a directory that is there. */
export interface Known {
  readonly collection: Collection
  /** Of the directory, up to which our index has followed. */
  stamp: string
  /** Of the directory, as `markOf` has it, up to which our index has followed. */
  mark: string
  /** What the index has noted of that. */
  noted: string
  /** It went back to an older state: what is missing is held until it has been compared. */
  isBack: boolean
  /** How many were held when that was found out. */
  heldBefore?: number | undefined
  /** Every file has been compared since the start. */
  compared: boolean
  /** Every file has to be compared again. */
  dirty: boolean
  /** Files that something happened to. */
  readonly suspects: Set<string>
}

/** So many names may lead from a home to a collection; what lies deeper is not served. */
export const deepest = 16

export function isSameCollection (a: Collection, b: Collection): boolean {
  return a.id === b.id && a.holdsObjects === b.holdsObjects && a.resourcetype === b.resourcetype
}
