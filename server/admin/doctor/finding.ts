import { isUtf8 } from 'node:buffer'
import type { Store } from '../../../store/store.js'
import type { CheckName } from './table.js'

/** `error`: something is not served, or may be lost; `warning`: it will hurt one day; `note`: good to know. */
export type Severity = 'error' | 'warning' | 'note'

/** What is wrong with one file, directory or setting. */
export interface Finding {
  readonly check: CheckName
  /** As it is shown: absolute, octets that are no UTF-8 as `\xe9`. */
  readonly path: string
  readonly line?: number | undefined
  /** A plain sentence. */
  readonly message: string
  /** What --fix does about it; with `mend`. */
  readonly fix?: string
  /** What a person does about it, when --fix does nothing. */
  readonly hand?: string
  /** Does what `fix` says. What is changed or removed is in the history afterwards. @throws MendError, StoreError, the system's error */
  readonly mend?: (store: Store) => Promise<void> | void
}

/** Something cannot be mended without a person; the message says what she does. */
export class MendError extends Error {
  override readonly name = 'MendError'
}

/** A path as it is shown: control characters, and octets that are no UTF-8, as `\xe9`. */
export function shown (path: string | Buffer): string {
  const text = typeof path === 'string' ? path : isUtf8(path) ? path.toString() : [...path].map(octet => octet < 0x80 ? String.fromCharCode(octet) : `\\x${octet.toString(16)}`).join('')
  return text.replace(/[\0-\x1f\x7f]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
