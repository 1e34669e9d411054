import type { Settings } from '../../conf/settings.js'
import type { Store } from '../../store/store.js'
import type { Directory } from '../directory/directory.js'
import type { Delegates } from '../directory/proxy.js'
import type { Locks } from './lock.js'

/** Where messages go. One line each, no secrets. */
export interface Log {
  error: (message: string) => void
  warn: (message: string) => void
  info: (message: string) => void
  debug: (message: string) => void
}

/** What a request may use. Made once, in `main.ts`. */
export interface Site {
  readonly settings: Settings
  readonly store: Store
  readonly directory: Directory
  readonly delegates: Delegates
  readonly locks: Locks
  readonly log: Log
}

/** What the rules of access need of a site. */
export type Rules = Pick<Site, 'settings' | 'directory'>
