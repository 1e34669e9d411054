import type { Login } from '../directory/login.js'
import type { Sudoers } from '../directory/sudoers.js'
import type { Site } from '../site/site.js'
import type { AccessLog } from './access-log.js'

/** What the front needs beside the site. */
export interface Front {
  readonly site: Site
  readonly login: Login
  readonly sudoers: Sudoers
  readonly access: AccessLog
  /** Whether the server is ready to work; /health answers 503 until then. */
  readonly isReady: () => boolean
  /** Whether the server is on its way out: connections end with the answer they wait for. */
  readonly isStopping: () => boolean
  /** The port on which HTTPS is listened to; undefined = it is not. */
  readonly tlsPort: () => number | undefined
}
