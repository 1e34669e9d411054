/** How a version came to an end: by a client or a command (`replaced`, `deleted`), or by hand (`edited`, `removed`). */
export type End = 'replaced' | 'deleted' | 'edited' | 'removed'

const ends: ReadonlySet<string> = new Set<End>(['replaced', 'deleted', 'edited', 'removed'])

/** A former state of a file, or of a directory with all it held. */
export interface Version {
  /** What it was, below the documents: `calendars/users/alice/work/standup.ics`. */
  readonly path: string
  /** When it ended, ms since 1970. */
  readonly at: number
  readonly end: End
  /** Where it lies now, absolute. */
  readonly file: string
  readonly isCollection: boolean
}

/**
 * Where a version lies below the history: `2026-11-23/calendars/users/alice/work/standup.ics@03.15.00.123.replaced`, in UTC.
 * A name that would become too long for the file system gets a directory of its own: `@03.15.00.123.replaced/NAME`.
 * @param path  below the documents
 */
export function placeOf (path: string, at: number, end: End): string {
  const [day = '', time = ''] = new Date(at).toISOString().slice(0, -1).split('T')
  const tail = `@${time.replaceAll(':', '.')}.${end}`
  const cut = path.lastIndexOf('/') + 1
  const name = path.slice(cut)
  return `${day}/${path.slice(0, cut)}${Buffer.byteLength(name + tail) > 255 ? `${tail}/${name}` : name + tail}`
}

const tailForm = /^(.*)@(\d\d)\.(\d\d)\.(\d\d\.\d{3})\.([a-z]+)$/s

/** What the name of a version says; `name` is '' for the directory of a long one. `undefined` for other names. @param day  as in `placeOf` */
export function readName (day: string, text: string): { readonly name: string, readonly at: number, readonly end: End } | undefined {
  const [, name = '', hours, minutes, seconds, end = ''] = tailForm.exec(text) ?? []
  const at = Date.parse(`${day}T${hours ?? ''}:${minutes ?? ''}:${seconds ?? ''}Z`)
  return ends.has(end) && Number.isFinite(at) ? { name, at, end: end as End } : undefined
}

/** Whether a name in the history is that of a day. */
export function isDay (name: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(name) && Number.isFinite(Date.parse(name))
}
